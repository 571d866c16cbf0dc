"""kill -9 of the server between any two steps and in the middle of one: the same request again gives the same thing once.

The sandbox is a process of its own here, as AWS is: it outlives the server and counts what was really done.
"""

import threading
import uuid

import grpc
import pytest
from aws_clients import LABS
from grpc_client import Client, Failure
from processes import Server

ROLE, VAULT, PLAN = "kill-role", "kill-vault", "kill-plan"


@pytest.fixture
def mortal(binary, sandbox, tmp_path):
    """A server of this test's own, which it may kill."""
    server = Server(binary, tmp_path / "log", "--endpoint-url", sandbox.url)
    yield server
    server.process.kill()


def request_id() -> str:
    return str(uuid.uuid4())


def steps(known: dict) -> list[tuple[str, dict, str]]:
    """The story's mutations: RPC, fields, and where the answer names the thing. `known` holds earlier answers."""
    rule = {"name": "DailyBackups", "vault": VAULT}
    return [
        ("AccountService/EnsureServiceRole", lambda: {"role": ROLE}, "role.arn"),
        ("VaultService/CreateVault", lambda: {"name": VAULT, "tags": {"a": "b"}}, "vault.arn"),
        (
            "JobService/StartBackup",
            lambda: {"resource": LABS, "vault": VAULT, "role": ROLE, "recovery_point_tags": {"c": "d"}},
            "job.id",
        ),
        ("ResourceService/TagResource", lambda: {"resource": LABS, "tags": {"Environment": "production"}}, ""),
        ("PlanService/CreatePlan", lambda: {"name": PLAN, "rules": [rule], "tags": {"e": "f"}}, "plan.id"),
        (
            "PlanService/CreateSelection",
            lambda: {"plan": PLAN, "name": "all", "role": ROLE, "conditions": [{"key": "Environment", "value": "production"}]},
            "selection.id",
        ),
        (
            "PlanService/ReplaceSelection",
            lambda: {"plan": PLAN, "selection": "all", "conditions": [{"key": "Environment", "value": "live"}]},
            "selection.id",
        ),
        (
            "PlanService/UpdatePlan",
            lambda: {"plan": known["plan.id"], "name": PLAN, "rules": [rule | {"start_window_minutes": 90}]},
            "plan.id",
        ),
        (
            "JobService/StartRestore",
            lambda: {
                "restore": {
                    "recovery_point": known["point"],
                    "vault": VAULT,
                    "role": ROLE,
                    "rds_instance": {"db_instance_identifier": "kill-restored"},
                },
            },
            "job.id",
        ),
        ("ResourceService/UntagResource", lambda: {"resource": LABS, "tag_keys": ["Environment"]}, ""),
        (
            "LegalHoldService/CreateLegalHold",
            lambda: {
                "title": "kill-hold",
                "description": "audit",
                "recovery_point_selection": {"vaults": [VAULT]},
                "tags": {"g": "h"},
            },
            "legal_hold.id",
        ),
        (
            "LegalHoldService/CancelLegalHold",
            lambda: {"legal_hold": known["legal_hold.id"], "reason": "settled", "retain_record_days": 30},
            "legal_hold.id",
        ),
        (
            "PlanService/DeleteSelection",
            lambda: {"plan": known["plan.id"], "selection": known["selection.id"], "allow_missing": True},
            "",
        ),
        ("PlanService/DeletePlan", lambda: {"plan": known["plan.id"], "allow_missing": True}, ""),
        (
            "RecoveryPointService/DeleteRecoveryPoint",
            lambda: {"vault": VAULT, "recovery_point": known["point"], "allow_missing": True},
            "",
        ),
    ]


def pick(answer: dict, path: str):
    for part in filter(None, path.split(".")):
        answer = answer[part]
    return answer if path else None


def counts(aws) -> dict[str, int]:
    """How many of everything there are, as boto3 sees them."""
    backup = aws.backup
    plans = backup.list_backup_plans()["BackupPlansList"]
    return {
        "roles": len(aws.iam.list_roles()["Roles"]),
        "vaults": len(backup.list_backup_vaults()["BackupVaultList"]),
        "backup jobs": len(backup.list_backup_jobs()["BackupJobs"]),
        "restore jobs": len(backup.list_restore_jobs()["RestoreJobs"]),
        "legal holds": len(backup.list_legal_holds()["LegalHolds"]),
        "plans": len(plans),
        "versions": sum(
            len(backup.list_backup_plan_versions(BackupPlanId=plan["BackupPlanId"])["BackupPlanVersionsList"])
            for plan in plans
        ),
        "selections": sum(
            len(backup.list_backup_selections(BackupPlanId=plan["BackupPlanId"])["BackupSelectionsList"])
            for plan in plans
        ),
    }


def with_client(server, use):
    client = Client(server.address)
    try:
        return use(client)
    finally:
        client.close()


def after_backup(sandbox, aws, known):
    """Between the steps the backup ends, and there is something to restore."""
    sandbox.advance("2h")
    job = aws.backup.describe_backup_job(BackupJobId=known["job.id"])
    assert job["State"] == "COMPLETED", job
    known["point"] = job["RecoveryPointArn"]


def tell(known: dict, path: str, answer: dict):
    if path:
        known[path] = pick(answer, path)


def test_a_step_repeated_after_a_kill_is_done_once(mortal, sandbox, aws):
    known = {}
    for rpc, fields, path in steps(known):
        request = fields() | {"request_id": request_id()}
        first = with_client(mortal, lambda client: client.call(rpc, **request))
        once = counts(aws)
        mortal.restart_after_kill()
        second = with_client(mortal, lambda client: client.call(rpc, **request))
        assert first["request_id"] == second["request_id"] == request["request_id"], rpc
        assert pick(first, path) == pick(second, path), rpc
        assert counts(aws) == once, f"{rpc} was done twice"
        tell(known, path, second)
        if rpc == "JobService/StartBackup":
            after_backup(sandbox, aws, known)
        if rpc == "JobService/StartRestore":
            sandbox.advance("2h")
    sandbox.advance("1h")
    deleted = {"name": VAULT}
    with_client(mortal, lambda client: client.call("VaultService/DeleteVault", vault=deleted["name"]))
    mortal.restart_after_kill()
    with_client(mortal, lambda client: client.call("VaultService/DeleteVault", vault=VAULT, allow_missing=True))
    assert counts(aws)["vaults"] == 0


# Each effect leaves a call open at another moment: before AWS has acted, and after it has.
MOMENTS = {"before AWS acts": {"delay_ms": 60_000}, "after AWS has acted": "drop_after"}

# RPC and the AWS operation that does it.
IN_FLIGHT = {
    "AccountService/EnsureServiceRole": ("iam", "CreateRole"),
    "VaultService/CreateVault": ("backup", "CreateBackupVault"),
    "JobService/StartBackup": ("backup", "StartBackupJob"),
    "PlanService/CreatePlan": ("backup", "CreateBackupPlan"),
    "PlanService/CreateSelection": ("backup", "CreateBackupSelection"),
    "PlanService/UpdatePlan": ("backup", "UpdateBackupPlan"),
    "JobService/StartRestore": ("backup", "StartRestoreJob"),
    "LegalHoldService/CreateLegalHold": ("backup", "CreateLegalHold"),
    "LegalHoldService/CancelLegalHold": ("backup", "CancelLegalHold"),
}


@pytest.mark.parametrize("effect", MOMENTS.values(), ids=MOMENTS)
def test_a_kill_in_the_middle_of_a_call_leaves_nothing_twice(mortal, sandbox, aws, effect):
    known = {}
    for rpc, fields, path in steps(known):
        request = fields() | {"request_id": request_id()}
        if rpc in IN_FLIGHT:
            service, operation = IN_FLIGHT[rpc]
            before = counts(aws)
            sandbox.spoil(service=service, operation=operation, next=1, effect=effect)
            killed_in_flight(mortal, sandbox, rpc, request)
            sandbox.control("DELETE", "faults")
            mortal.start()
        answer = with_client(mortal, lambda client: client.call(rpc, **request))
        if rpc in IN_FLIGHT:
            grown = {what for what, number in counts(aws).items() if number > before[what]}
            assert all(counts(aws)[what] == before[what] + 1 for what in grown), f"{rpc}: {before} → {counts(aws)}"
            again = with_client(mortal, lambda client: client.call(rpc, **request))
            assert pick(answer, path) == pick(again, path), rpc
        tell(known, path, answer)
        if rpc == "JobService/StartBackup":
            after_backup(sandbox, aws, known)
        if rpc == "JobService/StartRestore":
            sandbox.advance("2h")


def killed_in_flight(server, sandbox, rpc: str, request: dict) -> None:
    """Starts the call, kills the server once the fault has caught it, and sees the caller's connection break.

    After `drop_after` the server's own retry may win the race against the kill: then the call has succeeded, which the
    repetition must bear as well.
    """
    client = Client(server.address)
    outcome = []

    def call():
        try:
            client.call(rpc, **request)
        except Failure as failure:
            outcome.append(failure)

    message_known = client.request(rpc, request)  # reflection is asked before the server is gone
    assert message_known is not None
    caller = threading.Thread(target=call)
    caller.start()
    while caller.is_alive() and sandbox.control("GET", "faults")["faults"]:
        caller.join(0.01)
    server.process.kill()
    caller.join(30)
    assert not caller.is_alive(), f"{rpc} still waits for a server that is gone"
    assert all(failure.code == grpc.StatusCode.UNAVAILABLE for failure in outcome), outcome
    client.close()


# What ReplaceSelection has AWS do, in this order: the operation, and how many of it went before.
REPLACING = [
    ("CreateBackupSelection", 0),
    ("DeleteBackupSelection", 0),
    ("CreateBackupSelection", 1),
    ("DeleteBackupSelection", 1),
]


@pytest.mark.parametrize("effect", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize(("operation", "before"), REPLACING)
def test_a_kill_while_a_selection_is_replaced_misses_no_run(mortal, sandbox, aws, operation, before, effect):
    orders, paused = LABS.replace("fcj-labs", "orders"), LABS.replace("fcj-labs", "paused")
    aws.role(ROLE)
    aws.backup.create_backup_vault(BackupVaultName=VAULT)
    rule = {"name": "DailyBackups", "vault": VAULT}
    create = {"plan": PLAN, "name": "all", "role": ROLE, "resources": [LABS, orders]}

    def prepare(client):
        client.call("PlanService/CreatePlan", name=PLAN, rules=[rule])
        return client.call("PlanService/CreateSelection", **create)["selection"]["id"]

    old = with_client(mortal, prepare)
    request = {"plan": PLAN, "selection": old, "resources": [LABS, paused], "request_id": request_id()}
    sandbox.spoil(service="backup", operation=operation, skip=before, next=1, effect=effect)
    killed_in_flight(mortal, sandbox, "PlanService/ReplaceSelection", request)
    sandbox.control("DELETE", "faults")
    jobs = a_day_s_jobs(sandbox, aws)
    assert jobs.count(LABS) == 1 and len(set(jobs)) == len(jobs), jobs

    mortal.start()
    answer = with_client(mortal, lambda client: client.call("PlanService/ReplaceSelection", **request))
    by_name = request | {"selection": "all", "request_id": request_id()}
    again = with_client(mortal, lambda client: client.call("PlanService/ReplaceSelection", **by_name))
    assert answer["selection"] == again["selection"]
    assert (answer["selection"]["name"], answer["selection"]["resources"]) == ("all", [LABS, paused])
    assert counts(aws)["selections"] == 1
    assert sorted(a_day_s_jobs(sandbox, aws)) == sorted([LABS, paused])


def a_day_s_jobs(sandbox, aws) -> list[str]:
    """Lets a day pass, and tells what its run of the rule backed up."""
    before = {job["BackupJobId"] for job in aws.backup.list_backup_jobs()["BackupJobs"]}
    sandbox.advance("24h")
    jobs = aws.backup.list_backup_jobs()["BackupJobs"]
    return [job["ResourceArn"] for job in jobs if job["BackupJobId"] not in before]


# AWS keeps the request_id of a vault with its name: another name is another vault, and no call of AWS could tell.
REUSED = {
    "VaultService/CreateVault": ({"name": "one"}, {"name": "one", "tags": {"a": "b"}}),
    "PlanService/CreatePlan": (
        {"name": "one", "rules": [{"name": "r", "vault": VAULT}]},
        {"name": "two", "rules": [{"name": "r", "vault": VAULT}]},
    ),
    "JobService/StartBackup": (
        {"resource": LABS, "vault": VAULT, "role": ROLE, "lifecycle": {"delete_after_days": 7}},
        {"resource": LABS, "vault": VAULT, "role": ROLE, "lifecycle": {"delete_after_days": 8}},
    ),
}


@pytest.mark.parametrize("rpc", REUSED)
def test_a_request_id_used_for_something_else_is_refused(client, aws, sandbox, rpc):
    aws.role(ROLE)
    aws.backup.create_backup_vault(BackupVaultName=VAULT)
    first, other = REUSED[rpc]
    used = request_id()
    client.call(rpc, **first, request_id=used)
    state = sandbox.state()
    with pytest.raises(Failure) as refused:
        client.call(rpc, **other, request_id=used)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED")
    assert sandbox.state() == state


def test_a_killed_server_answers_again_where_it_was(mortal):
    """The address is free at once, and a client that reconnects goes on."""
    client = Client(mortal.address)
    before = client.call("ServerService/GetServerInfo")
    mortal.restart_after_kill()
    assert client.call("ServerService/GetServerInfo") == before
    client.close()
