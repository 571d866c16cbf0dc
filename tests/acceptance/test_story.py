"""The workshop from end to end over gRPC, and the same world seen by boto3."""

import subprocess
import sys

import grpc
import pytest
from aws_clients import LABS, Aws
from grpc_client import Client, Failure
from processes import ACCOUNT, REGION, EmbeddedSandbox

ROLE = "rdspg-AWSBackupServiceRole"
VAULT = "rdspg-backup-vault"
TAGS = {"Environment": "production", "ResourceType": "rdspg-fcj"}


@pytest.fixture
def embedded(binary, tmp_path):
    """`serve --sandbox`, as the README starts it."""
    sandbox = EmbeddedSandbox(binary, tmp_path / "log")
    yield sandbox
    assert sandbox.process.stop() == 0


@pytest.fixture
def world(embedded):
    client = Client(embedded.server.address)
    yield client, embedded, Aws(embedded.url)
    client.close()


def run_to_the_end(client, sandbox, job_id: str, kind: str) -> list[dict]:
    """Moves time in small steps until the job has ended; every look at the job."""
    seen = []
    for _ in range(500):
        seen.append(client.call("JobService/GetJob", job=job_id, kind=kind)["job"])
        if seen[-1]["state"] not in ("JOB_STATE_CREATED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING"):
            return seen
        sandbox.advance("3s")
    raise AssertionError(f"the job does not end: {seen[-1]}")


def points_by_plan(client, plan_id: str) -> list[str]:
    listed = client.call("RecoveryPointService/ListRecoveryPoints", vault=VAULT, plan=plan_id)
    return sorted(point["resource_arn"] for point in listed["recovery_points"])


def test_the_whole_story(world):
    client, sandbox, aws = world
    both = aws.database("both-tags", TAGS)
    aws.database("one-tag", {"Environment": "production"})
    aws.database("other-case", {"Environment": "Production", "ResourceType": "rdspg-fcj"})
    sandbox.advance("10m")

    # The role: created, then found to be right.
    made = client.call("AccountService/EnsureServiceRole", role=ROLE)
    assert [change["code"] for change in made["changes"]] == ["ROLE_CREATED", "POLICY_ATTACHED", "POLICY_ATTACHED"]
    assert made["role"]["ready"] and made["role"]["trusts_backup"]
    assert client.call("AccountService/EnsureServiceRole", role=ROLE)["changes"] == []
    assert client.call("AccountService/GetServiceRole", role=ROLE)["role"]["missing_policy_arns"] == []

    # The vault.
    vault = client.call("VaultService/CreateVault", name=VAULT)["vault"]
    assert vault["arn"] == f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:{VAULT}"

    # An on-demand backup, with its progress.
    started = client.call("JobService/StartBackup", resource=LABS, vault=VAULT, role=ROLE)["job"]
    assert started["state"] == "JOB_STATE_CREATED"
    seen = run_to_the_end(client, sandbox, started["id"], "JOB_KIND_BACKUP")
    assert seen[-1]["state"] == "JOB_STATE_COMPLETED", seen[-1]
    assert seen[-1]["percent_done"] == 100
    progress = [job["percent_done"] for job in seen if job["state"] == "JOB_STATE_RUNNING"]
    assert progress == sorted(progress) and len({p for p in progress if 0 < p < 100}) >= 2, progress
    assert aws.backup.describe_backup_job(BackupJobId=started["id"])["State"] == "COMPLETED"

    # Tags, plan with nothing but a rule's name and vault, selection by both tags.
    client.call("ResourceService/TagResource", resource=LABS, tags=TAGS)
    assert TAGS.items() <= client.call("ResourceService/ListTags", resource=LABS)["tags"].items()
    rule = {"name": "DailyBackups", "vault": VAULT}
    plan = client.call("PlanService/CreatePlan", name="rdspg-backup-plan", rules=[rule])["plan"]
    shown = plan["rules"][0]
    assert (shown["schedule"], shown["schedule_timezone"]) == ("cron(0 5 ? * * *)", "Etc/UTC")
    assert (shown["start_window_minutes"], shown["completion_window_minutes"]) == (480, 10080)
    said = {name: value for name, value in shown["lifecycle"].items() if value}
    assert said == {"retention": "RETENTION_DAYS", "delete_after_days": 35}
    assert shown["enable_continuous_backup"] is False and shown["copy_actions"] == []
    conditions = [{"key": key, "value": value} for key, value in TAGS.items()]
    selection = client.call(
        "PlanService/CreateSelection",
        plan=plan["name"],
        name="rdspg-bp-resource-selection",
        role=ROLE,
        conditions=conditions,
    )["selection"]
    assert selection["match"] == "MATCH_ALL"

    # Over 05:00: exactly the databases with both tags.
    sandbox.advance("23h")
    assert points_by_plan(client, plan["id"]) == sorted([LABS, both])

    # A database created and tagged afterwards is in the next run; one with a single tag is not.
    later = aws.database("later")
    single = aws.database("later-single")
    client.call("ResourceService/TagResource", resource=later, tags=TAGS)
    client.call("ResourceService/TagResource", resource=single, tags={"ResourceType": "rdspg-fcj"})
    sandbox.advance("24h")
    assert points_by_plan(client, plan["id"]) == sorted([LABS, LABS, both, both, later])
    # boto3 sees the same.
    seen_by_boto3 = aws.backup.list_recovery_points_by_backup_vault(BackupVaultName=VAULT, ByBackupPlanId=plan["id"])
    assert sorted(point["ResourceArn"] for point in seen_by_boto3["RecoveryPoints"]) == sorted(
        [LABS, LABS, both, both, later]
    )
    protected = client.call("ResourceService/ListProtectedResources", vault=VAULT)["resources"]
    assert {resource["arn"] for resource in protected} == {LABS, both, later}

    # Restore one, and see the new instance in RDS.
    listed = client.call("RecoveryPointService/ListRecoveryPoints", resource=later)["recovery_points"]
    point = listed[0]["arn"]
    restored = client.call(
        "JobService/StartRestore",
        restore={
            "recovery_point": point,
            "vault": VAULT,
            "role": ROLE,
            "rds_instance": {"db_instance_identifier": "later-restored", "db_instance_class": "db.t3.small"},
            "copy_source_tags": True,
        },
    )
    assert restored["metadata"]["DBInstanceIdentifier"] == "later-restored"
    seen = run_to_the_end(client, sandbox, restored["job"]["id"], "JOB_KIND_RESTORE")
    assert seen[-1]["state"] == "JOB_STATE_COMPLETED", seen[-1]
    instance = aws.rds.describe_db_instances(DBInstanceIdentifier="later-restored")["DBInstances"][0]
    assert (instance["DBInstanceStatus"], instance["DBInstanceClass"]) == ("available", "db.t3.small")
    assert seen[-1]["created_resource_arn"] == instance["DBInstanceArn"]
    assert TAGS.items() <= {tag["Key"]: tag["Value"] for tag in instance["TagList"]}.items()
    resources = client.call("ResourceService/ListResources", engine="postgres")["resources"]
    assert instance["DBInstanceArn"] in {resource["arn"] for resource in resources}

    clean_up(client, sandbox, plan, selection)


def clean_up(client, sandbox, plan, selection):
    """What holds a thing is said; in the right order everything goes."""
    with pytest.raises(Failure) as held:
        client.call("PlanService/DeletePlan", plan=plan["id"])
    assert (held.value.code, held.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PLAN_HAS_SELECTIONS")
    client.call("PlanService/DeleteSelection", plan=plan["id"], selection=selection["id"])
    client.call("PlanService/DeletePlan", plan=plan["id"])
    with pytest.raises(Failure) as held:
        client.call("VaultService/DeleteVault", vault=VAULT)
    assert (held.value.code, held.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "VAULT_NOT_EMPTY")
    for point in client.call("RecoveryPointService/ListRecoveryPoints", vault=VAULT)["recovery_points"]:
        client.call("RecoveryPointService/DeleteRecoveryPoint", vault=VAULT, recovery_point=point["arn"])
    sandbox.advance("1h")
    client.call("VaultService/DeleteVault", vault=VAULT)
    with pytest.raises(Failure) as gone:
        client.call("VaultService/GetVault", vault=VAULT)
    assert (gone.value.code, gone.value.reason) == (grpc.StatusCode.NOT_FOUND, "VAULT_NOT_FOUND")


def test_code_generated_from_the_protos_speaks_with_the_server(repository, server, tmp_path):
    """What another team does: grpcio-tools over proto/, then the generated stubs."""
    protos = sorted((repository / "proto").rglob("*.proto"))
    compile_ = ["-m", "grpc_tools.protoc", f"-I{repository / 'proto'}", f"--python_out={tmp_path}"]
    subprocess.run([sys.executable, *compile_, f"--grpc_python_out={tmp_path}", *map(str, protos)], check=True)
    script = f"""
import grpc
from strongroom.v1 import server_service_pb2, server_service_pb2_grpc, vault_service_pb2, vault_service_pb2_grpc
channel = grpc.insecure_channel({server.address!r})
info = server_service_pb2_grpc.ServerServiceStub(channel).GetServerInfo(server_service_pb2.GetServerInfoRequest())
vaults = vault_service_pb2_grpc.VaultServiceStub(channel)
made = vaults.CreateVault(vault_service_pb2.CreateVaultRequest(name="generated"))
print(info.version, info.default_scope.account, made.vault.name)
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    version, account, name = ran.stdout.split()
    assert version and account == ACCOUNT and name == "generated"


def test_health_and_reflection_know_every_service(repository, client):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    health = health_pb2_grpc.HealthStub(client.channel)
    services = {rpc.split("/")[0] for rpc, _ in client.methods()}
    files = (repository / "proto/strongroom/v1").glob("*_service.proto")
    assert services == {"".join(word.title() for word in file.stem.split("_")) for file in files}
    for service in services:
        answer = health.Check(health_pb2.HealthCheckRequest(service=f"strongroom.v1.{service}"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
