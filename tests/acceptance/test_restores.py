"""Restores as another program plans and starts them, and what boto3 sees of them."""

from datetime import timedelta

import grpc
import pytest
from aws_clients import LABS, Aws
from grpc_client import Client, Failure
from processes import ACCOUNT, REGION, EmbeddedSandbox

AURORA = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:aurora-billing"
WHERE = {"vault": "nightly", "role": "backup"}


@pytest.fixture
def world(binary, tmp_path):
    """A server, its sandbox and boto3: a continuous rule has run for the labs database and the Aurora cluster."""
    sandbox = EmbeddedSandbox(binary, tmp_path / "log")
    client = Client(sandbox.server.address)
    client.call("VaultService/CreateVault", name="nightly")
    client.call("AccountService/EnsureServiceRole", role="backup")
    rule = {
        "name": "daily",
        "vault": "nightly",
        "enable_continuous_backup": True,
        "lifecycle": {"delete_after_days": 14},
    }
    client.call("PlanService/CreatePlan", name="continuous", rules=[rule])
    selection = {"plan": "continuous", "name": "both", "role": "backup", "resources": [LABS, AURORA]}
    client.call("PlanService/CreateSelection", **selection)
    sandbox.advance("26h")
    yield client, sandbox, Aws(sandbox.url)
    client.close()
    assert sandbox.process.stop() == 0


def point_of(client, resource: str) -> str:
    listed = client.call("RecoveryPointService/ListRecoveryPoints", vault="nightly", resource=resource)
    return next(point["arn"] for point in listed["recovery_points"] if point.get("continuous"))


def finished(client, sandbox, job: dict) -> dict:
    sandbox.advance("1h")
    done = client.call("JobService/GetJob", job=job["id"], kind="JOB_KIND_RESTORE")["job"]
    assert done["state"] == "JOB_STATE_COMPLETED", done
    return done


def test_a_point_in_time_restore_is_planned_and_started_by_its_token(world):
    client, sandbox, aws = world
    point = point_of(client, LABS)
    # What RDS tells boto3 is what the plan says.
    backup = aws.rds.describe_db_instance_automated_backups(DBInstanceIdentifier="rdspg-fcj-labs")
    backup = backup["DBInstanceAutomatedBackups"][0]
    assert backup["AwsBackupRecoveryPointArn"] == point
    window = backup["RestoreWindow"]
    second = (window["LatestTime"] - timedelta(minutes=17)).replace(microsecond=0)
    asked = WHERE | {"recovery_point": point, "rds_instance": {"db_instance_identifier": "rewound"}}
    then = asked | {"point_in_time": {"time": second.isoformat()}}
    plan = client.call("RecoveryPointService/PlanRestore", restore=then)
    latest = window["LatestTime"].replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    assert plan["restore_window"]["latest_time"] == latest
    assert surprises(plan) == []
    assert plan["metadata"]["RestoreTime"] == second.replace(tzinfo=None).isoformat() + "Z"
    assert aws.backup.list_restore_jobs()["RestoreJobs"] == []

    started = client.call("JobService/StartRestore", restore_token=plan["restore_token"])
    done = finished(client, sandbox, started["job"])
    sent = aws.backup.get_restore_job_metadata(RestoreJobId=done["id"])["Metadata"]
    assert sent == plan["metadata"]
    instance = aws.rds.describe_db_instances(DBInstanceIdentifier="rewound")["DBInstances"][0]
    assert (instance["DBInstanceStatus"], instance["DBInstanceArn"]) == ("available", done["created_resource_arn"])

    # Now the name is taken: told by the plan, and by the start of the same plan.
    again = client.call("RecoveryPointService/PlanRestore", restore=asked)
    assert (again["findings"][0]["code"], again["restore_token"]) == ("NAME_TAKEN", "")
    with pytest.raises(Failure) as taken:
        client.call("JobService/StartRestore", restore_token=plan["restore_token"])
    assert (taken.value.code, taken.value.reason) == (grpc.StatusCode.ALREADY_EXISTS, "RESOURCE_ALREADY_EXISTS")
    early = (window["EarliestTime"] - timedelta(days=1)).isoformat()
    asked |= {"rds_instance": {"db_instance_identifier": "early"}, "point_in_time": {"time": early}}
    with pytest.raises(Failure) as outside:
        client.call("JobService/StartRestore", restore=asked)
    assert (outside.value.code, outside.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PREFLIGHT_FAILED")
    assert len(aws.backup.list_restore_jobs()["RestoreJobs"]) == 1


def test_an_aurora_cluster_comes_back_to_a_point_in_time_without_instances(world):
    client, sandbox, aws = world
    window = aws.rds.describe_db_cluster_automated_backups(DBClusterIdentifier="aurora-billing")
    window = window["DBClusterAutomatedBackups"][0]["RestoreWindow"]
    cluster = aws.rds.describe_db_clusters(DBClusterIdentifier="aurora-billing")["DBClusters"][0]
    assert window["LatestTime"] == cluster["LatestRestorableTime"]
    asked = WHERE | {"recovery_point": point_of(client, AURORA), "point_in_time": {"latest": True}}
    asked["rds_cluster"] = {"db_cluster_identifier": "billing-rewound"}
    plan = client.call("RecoveryPointService/PlanRestore", restore=asked)
    assert surprises(plan) == ["CLUSTER_WITHOUT_INSTANCES"]
    done = finished(client, sandbox, client.call("JobService/StartRestore", restore_token=plan["restore_token"])["job"])
    restored = aws.rds.describe_db_clusters(DBClusterIdentifier="billing-rewound")["DBClusters"][0]
    assert (restored["DBClusterArn"], restored["DBClusterMembers"]) == (done["created_resource_arn"], [])


def test_what_rds_offers_is_paged_as_boto3_reads_it(aws):
    pages = aws.rds.get_paginator("describe_orderable_db_instance_options").paginate(Engine="postgres")
    ways = [option for page in pages for option in page["OrderableDBInstanceOptions"]]
    seen = [(way["DBInstanceClass"], way["StorageType"]) for way in ways]
    assert len(seen) == len(set(seen)) > 300
    assert ("db.m6g.large", "gp3") in seen
    assert {zone["Name"] for zone in ways[0]["AvailabilityZones"]} == {f"{REGION}{zone}" for zone in "abc"}


def surprises(plan) -> list[str]:
    """What is found and is no good news, besides that nobody looks at security groups: they are EC2's."""
    found = [finding for finding in plan["findings"] if finding["severity"] != "SEVERITY_INFO"]
    groups = [finding for finding in found if finding["code"] == "NOT_CHECKED" and "security group" in finding["message"]]
    assert len(groups) == 1, plan["findings"]
    return [finding["code"] for finding in found if finding not in groups]
