"""The daily work of a platform team over gRPC; after every step the AWS CLI is asked whether the world agrees."""

import datetime
import json

import grpc
import pytest
from aws_clients import LABS
from grpc_client import Failure
from processes import ACCOUNT, REGION

VAULT = "nightly"
ELSEWHERE = "eu-west-1"
DAYS = datetime.timedelta(days=1)


@pytest.fixture
def rpc(client):
    """`rpc("VaultService/GetVault", vault="x")`"""
    return client.call


@pytest.fixture
def backup_cli(aws_cli):
    """`backup_cli("describe-backup-vault", "--backup-vault-name", "x")`"""
    return lambda *arguments, **settings: aws_cli("backup", *arguments, **settings)


def refused(call, code: str, reason: str, *arguments, **fields) -> Failure:
    with pytest.raises(Failure) as refusal:
        call(*arguments, **fields)
    assert (refusal.value.code, refusal.value.reason) == (grpc.StatusCode[code], reason), refusal.value
    return refusal.value


def instant(text) -> datetime.datetime:
    """A time of ours (RFC 3339) or of the CLI (seconds, or ISO 8601)."""
    if isinstance(text, (int, float)):
        return datetime.datetime.fromtimestamp(text, datetime.UTC)
    return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)


def vault_of_cli(backup_cli, name: str = VAULT) -> dict:
    return backup_cli("describe-backup-vault", "--backup-vault-name", name)


def made_ready(rpc, aws) -> str:
    """A vault and a role; the role's ARN."""
    rpc("VaultService/CreateVault", name=VAULT)
    return rpc("AccountService/EnsureServiceRole", role="backup")["role"]["arn"]


def to_the_end(rpc, sandbox, job: dict) -> dict:
    """Moves time until the job has ended."""
    for _ in range(50):
        seen = rpc("JobService/GetJob", job=job["id"], kind=job["kind"])["job"]
        if seen["state"] not in ("JOB_STATE_CREATED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING"):
            return seen
        sandbox.advance("10m")
    raise AssertionError(f"the job does not end: {seen}")


def test_a_governance_lock_comes_and_goes(rpc, backup_cli):
    rpc("VaultService/CreateVault", name=VAULT)
    locked = rpc("VaultService/LockVault", vault=VAULT, min_retention_days=7, max_retention_days=365)
    assert locked["vault"]["lock"]["mode"] == "LOCK_MODE_GOVERNANCE" and "lock_time" not in locked["vault"]["lock"]
    seen = vault_of_cli(backup_cli)
    assert (seen["Locked"], seen["MinRetentionDays"], seen["MaxRetentionDays"]) == (True, 7, 365)
    assert "LockDate" not in seen
    assert "lock" not in rpc("VaultService/UnlockVault", vault=VAULT)["vault"]
    assert vault_of_cli(backup_cli)["Locked"] is False


def test_a_compliance_lock_says_the_date_and_wants_it_confirmed(rpc, backup_cli, sandbox):
    rpc("VaultService/CreateVault", name=VAULT)
    rule = {"name": "short", "vault": VAULT, "lifecycle": {"delete_after_days": 3}}
    plan = rpc("PlanService/CreatePlan", name="short", rules=[rule])["plan"]
    lock = {"vault": VAULT, "mode": "LOCK_MODE_COMPLIANCE", "min_retention_days": 7, "changeable_for_days": 3}
    date = instant(sandbox.now()) + 3 * DAYS

    unconfirmed = refused(rpc, "INVALID_ARGUMENT", "INVALID_REQUEST", "VaultService/LockVault", **lock)
    assert "confirm_irreversible" in unconfirmed.violations
    shown = rpc("VaultService/LockVault", **lock, validate_only=True)
    # Before AWS has said when it took the request, the date is as good as our knowledge of AWS's clock.
    assert abs(instant(shown["vault"]["lock"]["lock_time"]) - date) < datetime.timedelta(minutes=1)
    assert [(clash["plan_id"], clash["rule_name"]) for clash in shown["clashes"]] == [(plan["id"], "short")]
    assert vault_of_cli(backup_cli)["Locked"] is False, "validate_only and a refusal change nothing"

    locked = rpc("VaultService/LockVault", **lock, confirm_irreversible=True)
    assert instant(locked["vault"]["lock"]["lock_time"]) == date == instant(vault_of_cli(backup_cli)["LockDate"])
    assert str(date.year) in json.dumps(locked["findings"]), "the date stands in words as well"
    rpc("VaultService/UnlockVault", vault=VAULT)
    assert vault_of_cli(backup_cli)["Locked"] is False, "until the date it can be undone"

    rpc("VaultService/LockVault", **lock, confirm_irreversible=True)
    sandbox.advance("73h")
    assert rpc("VaultService/GetVault", vault=VAULT)["vault"]["lock"]["immutable"] is True
    refused(rpc, "FAILED_PRECONDITION", "VAULT_LOCKED", "VaultService/UnlockVault", vault=VAULT)
    said = backup_cli("delete-backup-vault-lock-configuration", "--backup-vault-name", VAULT, fails=True)
    assert "InvalidRequestException" in said
    assert vault_of_cli(backup_cli)["Locked"] is True


def test_an_update_with_a_stale_etag_is_aborted(rpc, backup_cli):
    rpc("VaultService/CreateVault", name=VAULT)
    rule = {"name": "daily", "vault": VAULT}
    plan = rpc("PlanService/CreatePlan", name="databases", rules=[rule])["plan"]
    identified = ("--backup-plan-id", plan["id"])
    theirs = backup_cli("get-backup-plan", *identified)["BackupPlan"]
    theirs["Rules"][0]["Lifecycle"] = {"DeleteAfterDays": 90}
    del theirs["Rules"][0]["RuleId"]  # shown, and not taken
    update = ("update-backup-plan", *identified, "--backup-plan", json.dumps(theirs))
    version = backup_cli(*update)["VersionId"]

    ours = {"plan": plan["id"], "rules": [rule | {"lifecycle": {"delete_after_days": 14}}], "update_mask": "rules"}
    refused(rpc, "ABORTED", "ETAG_MISMATCH", "PlanService/UpdatePlan", **ours, etag=plan["etag"])
    read = rpc("PlanService/GetPlan", plan=plan["id"])["plan"]
    assert read["etag"] == version and read["rules"][0]["lifecycle"]["delete_after_days"] == 90

    updated = rpc("PlanService/UpdatePlan", **ours, etag=version)["plan"]
    seen = backup_cli("get-backup-plan", *identified)
    assert (seen["VersionId"], seen["BackupPlan"]["BackupPlanName"]) == (updated["etag"], "databases")
    assert seen["BackupPlan"]["Rules"][0]["Lifecycle"]["DeleteAfterDays"] == 14
    versions = rpc("PlanService/ListPlanVersions", plan=plan["id"])["versions"]
    listed = backup_cli("list-backup-plan-versions", *identified)["BackupPlanVersionsList"]
    assert sorted(version["etag"] for version in versions) == sorted(version["VersionId"] for version in listed)


def test_a_preview_explains_a_near_miss_and_aws_backs_up_what_it_selects(rpc, aws, aws_cli, backup_cli, sandbox):
    made_ready(rpc, aws)
    right = aws.database("right", {"Environment": "production"})
    near = aws.database("near-miss", {"Environment": "Production"})
    sandbox.advance("10m")
    rule = {"name": "daily", "vault": VAULT, "start_window_minutes": 60}
    plan = rpc("PlanService/CreatePlan", name="databases", rules=[rule])["plan"]["id"]
    wanted = {"conditions": [{"key": "Environment", "value": "production"}], "resources": ["arn:aws:rds:*:*:db:*"]}
    rpc("PlanService/CreateSelection", plan=plan, name="tagged", role="backup", **wanted)

    def preview() -> dict[str, dict]:
        shown = rpc("PlanService/PreviewSelection", saved={"plan": plan, "selection": "tagged"}, page_size=1000)["resources"]
        return {resource["arn"]: resource for resource in shown}

    (mismatch,) = preview()[near]["mismatches"]
    assert mismatch["code"] == "TAG_VALUE_DIFFERS_IN_CASE"
    assert 'tag Environment is "Production", wanted "production"' in mismatch["message"]
    assert preview()[right]["selected"] and not preview()[near]["selected"]

    aws_cli("rds", "add-tags-to-resource", "--resource-name", near, "--tags", "Key=Environment,Value=production")
    selected = {arn for arn, resource in preview().items() if resource["selected"]}
    assert {right, near} <= selected and LABS not in selected
    sandbox.advance("26h")
    jobs = backup_cli("list-backup-jobs", "--by-backup-vault-name", VAULT)["BackupJobs"]
    assert {job["ResourceArn"] for job in jobs} == selected, "AWS backs up exactly what the preview selected"


def test_a_database_is_restored_to_a_point_in_time(rpc, aws, aws_cli, backup_cli, sandbox):
    role = made_ready(rpc, aws)
    lifecycle = {"delete_after_days": 14}
    rule = {"name": "pitr", "vault": VAULT, "lifecycle": lifecycle, "enable_continuous_backup": True}
    plan = rpc("PlanService/CreatePlan", name="continuous", rules=[rule])["plan"]["id"]
    rpc("PlanService/CreateSelection", plan=plan, name="labs", role="backup", resources=[LABS])
    sandbox.advance("72h")
    points = rpc("RecoveryPointService/ListRecoveryPoints", vault=VAULT)["recovery_points"]
    (point,) = [point["arn"] for point in points if point.get("continuous")]
    moment = (instant(sandbox.now()) - datetime.timedelta(hours=5)).replace(microsecond=0)
    request = {
        "recovery_point": point,
        "vault": VAULT,
        "role": role,
        "rds_instance": {"db_instance_identifier": "labs-as-it-was"},
        "point_in_time": {"time": moment.isoformat()},
    }
    planned = rpc("RecoveryPointService/PlanRestore", restore=request)
    window = planned["restore_window"]
    assert instant(window["earliest_time"]) <= moment <= instant(window["latest_time"])
    assert instant(planned["metadata"]["RestoreTime"]) == moment
    assert backup_cli("list-restore-jobs")["RestoreJobs"] == [], "planning starts nothing"

    job = rpc("JobService/StartRestore", restore_token=planned["restore_token"])["job"]
    done = to_the_end(rpc, sandbox, job)
    assert done["state"] == "JOB_STATE_COMPLETED", done
    seen = backup_cli("describe-restore-job", "--restore-job-id", job["id"])
    assert (seen["Status"], seen["CreatedResourceArn"]) == ("COMPLETED", done["created_resource_arn"])
    sent = backup_cli("get-restore-job-metadata", "--restore-job-id", job["id"])["Metadata"]
    assert sent == planned["metadata"], "exactly the request that was planned"
    (made,) = aws_cli("rds", "describe-db-instances", "--db-instance-identifier", "labs-as-it-was")["DBInstances"]
    assert made["DBInstanceArn"] == done["created_resource_arn"] and made["DBInstanceStatus"] == "available"

    early = request | {"point_in_time": {"time": "2020-01-01T00:00:00Z"}}
    early["rds_instance"] = {"db_instance_identifier": "too-early"}
    refused(rpc, "FAILED_PRECONDITION", "PREFLIGHT_FAILED", "JobService/StartRestore", restore=early)
    assert len(backup_cli("list-restore-jobs")["RestoreJobs"]) == 1


def test_a_recovery_point_is_copied_to_another_region(rpc, aws, backup_cli, sandbox):
    role = made_ready(rpc, aws)
    backup = rpc("JobService/StartBackup", resource=LABS, vault=VAULT, role=role)["job"]
    point = to_the_end(rpc, sandbox, backup)["recovery_point_arn"]
    there = f"arn:aws:backup:{ELSEWHERE}:{ACCOUNT}:backup-vault:offsite"
    request = {"recovery_point": point, "vault": VAULT, "destination_vault": there, "role": role}
    request["lifecycle"] = {"delete_after_days": 60}
    missing = refused(rpc, "NOT_FOUND", "VAULT_NOT_FOUND", "JobService/StartCopy", **request)
    assert ELSEWHERE in missing.message or "offsite" in missing.message
    rpc("VaultService/CreateVault", name="offsite", scope={"region": ELSEWHERE})

    job = rpc("JobService/StartCopy", **request)["job"]
    done = to_the_end(rpc, sandbox, job)
    assert done["state"] == "JOB_STATE_COMPLETED", done
    seen = backup_cli("describe-copy-job", "--copy-job-id", job["id"])["CopyJob"]
    assert (seen["State"], seen["DestinationBackupVaultArn"]) == ("COMPLETED", there)
    assert seen["DestinationRecoveryPointArn"] == done["destination_recovery_point_arn"]
    listing = ("list-recovery-points-by-backup-vault", "--backup-vault-name", "offsite", "--region", ELSEWHERE)
    (copy,) = backup_cli(*listing)["RecoveryPoints"]
    scope = {"region": ELSEWHERE}
    (ours,) = rpc("RecoveryPointService/ListRecoveryPoints", vault="offsite", scope=scope)["recovery_points"]
    assert ours["arn"] == copy["RecoveryPointArn"] == done["destination_recovery_point_arn"]
    assert copy["Lifecycle"]["DeleteAfterDays"] == ours["lifecycle"]["delete_after_days"] == 60
    assert f":{ELSEWHERE}:" in ours["arn"] and REGION not in ours["arn"]
