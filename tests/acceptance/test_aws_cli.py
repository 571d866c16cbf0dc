"""The AWS CLI, unmodified, as a person types it."""

import json

from aws_clients import LABS, TRUST
from processes import ACCOUNT, REGION


def test_the_workshop_by_hand(aws_cli, sandbox):
    """Role, vault, on-demand backup, tags, plan and selection, as in the workshop; then the world agrees with it."""
    role = aws_cli(
        *("iam", "create-role", "--role-name", "rdspg-AWSBackupServiceRole"),
        *("--assume-role-policy-document", json.dumps(TRUST)),
    )["Role"]["Arn"]
    for policy in ("ForBackup", "ForRestores"):
        arn = f"arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicy{policy}"
        aws_cli("iam", "attach-role-policy", "--role-name", "rdspg-AWSBackupServiceRole", "--policy-arn", arn)
    aws_cli("iam", "wait", "role-exists", "--role-name", "rdspg-AWSBackupServiceRole")
    attached = aws_cli("iam", "list-attached-role-policies", "--role-name", "rdspg-AWSBackupServiceRole")
    assert len(attached["AttachedPolicies"]) == 2

    vault = aws_cli("backup", "create-backup-vault", "--backup-vault-name", "rdspg-backup-vault")
    assert vault["BackupVaultArn"] == f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:rdspg-backup-vault"
    job = aws_cli(
        *("backup", "start-backup-job", "--backup-vault-name", "rdspg-backup-vault"),
        *("--resource-arn", LABS, "--iam-role-arn", role),
    )["BackupJobId"]
    assert aws_cli("backup", "describe-backup-job", "--backup-job-id", job)["State"] == "CREATED"
    sandbox.advance("2h")
    done = aws_cli("backup", "describe-backup-job", "--backup-job-id", job)
    assert (done["State"], done["PercentDone"]) == ("COMPLETED", "100.0")
    snapshots = aws_cli("rds", "describe-db-snapshots", "--snapshot-type", "awsbackup")["DBSnapshots"]
    assert [snapshot["DBSnapshotArn"] for snapshot in snapshots] == [done["RecoveryPointArn"]]
    aws_cli("rds", "wait", "db-snapshot-available", "--db-snapshot-identifier", snapshots[0]["DBSnapshotIdentifier"])

    tags = ["Key=Environment,Value=production", "Key=ResourceType,Value=rdspg-fcj"]
    aws_cli("rds", "add-tags-to-resource", "--resource-name", LABS, "--tags", *tags)
    filters = ["Key=Environment,Values=production", "Key=ResourceType,Values=rdspg-fcj"]
    tagged = aws_cli("resourcegroupstaggingapi", "get-resources", "--tag-filters", *filters)
    assert [resource["ResourceARN"] for resource in tagged["ResourceTagMappingList"]] == [LABS]

    rule = {"RuleName": "DailyBackups", "TargetBackupVaultName": "rdspg-backup-vault"}
    plan = {"BackupPlanName": "rdspg-backup-plan", "Rules": [rule]}
    plan = aws_cli("backup", "create-backup-plan", "--backup-plan", json.dumps(plan))["BackupPlanId"]
    equal = [("Environment", "production"), ("ResourceType", "rdspg-fcj")]
    selection = {
        "SelectionName": "rdspg-bp-resource-selection",
        "IamRoleArn": role,
        "Resources": ["*"],
        "Conditions": {
            "StringEquals": [{"ConditionKey": f"aws:ResourceTag/{k}", "ConditionValue": v} for k, v in equal]
        },
    }
    chosen = aws_cli(
        *("backup", "create-backup-selection", "--backup-plan-id", plan),
        *("--backup-selection", json.dumps(selection)),
    )["SelectionId"]
    shown = aws_cli("backup", "get-backup-selection", "--backup-plan-id", plan, "--selection-id", chosen)
    assert shown["BackupSelection"]["Conditions"]["StringEquals"] == selection["Conditions"]["StringEquals"]
    default = aws_cli("backup", "get-backup-plan", "--backup-plan-id", plan)["BackupPlan"]["Rules"][0]
    assert (default["StartWindowMinutes"], default["CompletionWindowMinutes"]) == (480, 10080)
    assert default["ScheduleExpression"] == "cron(0 5 ? * * *)"

    sandbox.advance("36h")
    points = aws_cli("backup", "list-recovery-points-by-resource", "--resource-arn", LABS)["RecoveryPoints"]
    assert len(points) >= 2, "the plan has made none"
    protected = aws_cli("backup", "list-protected-resources")["Results"]
    assert [resource["ResourceArn"] for resource in protected] == [LABS]


def test_a_missing_vault_is_denied_and_not_missing(aws_cli):
    said = aws_cli("backup", "describe-backup-vault", "--backup-vault-name", "nobody", fails=True)
    assert "AccessDeniedException" in said
    assert "Insufficient privileges to perform this action." in said


def test_errors_carry_the_codes_that_scripts_match_on(aws_cli):
    missing = "00000000-0000-4000-8000-000000000000"
    said = {
        "ResourceNotFoundException": ("backup", "describe-backup-job", "--backup-job-id", missing),
        "NoSuchEntity": ("iam", "get-role", "--role-name", "nobody"),
        "DBInstanceNotFound": ("rds", "describe-db-instances", "--db-instance-identifier", "nobody"),
    }
    for code, arguments in said.items():
        assert f"({code})" in aws_cli(*arguments, fails=True)


def test_lists_are_paged_through_by_the_cli(aws_cli):
    for number in range(7):
        aws_cli("backup", "create-backup-vault", "--backup-vault-name", f"vault-{number}")
    listed = aws_cli("backup", "list-backup-vaults", "--page-size", "3")["BackupVaultList"]
    assert [vault["BackupVaultName"] for vault in listed] == [f"vault-{number}" for number in range(7)]
    first = aws_cli("backup", "list-backup-vaults", "--max-items", "4", "--page-size", "4")
    assert len(first["BackupVaultList"]) == 4
    rest = aws_cli("backup", "list-backup-vaults", "--starting-token", first["NextToken"])
    assert [vault["BackupVaultName"] for vault in rest["BackupVaultList"]] == ["vault-4", "vault-5", "vault-6"]


def test_a_vault_lock_reads_back_as_it_was_put(aws_cli):
    name = ["--backup-vault-name", "locked"]
    aws_cli("backup", "create-backup-vault", *name)
    bounds = ["--min-retention-days", "7", "--max-retention-days", "365"]
    aws_cli("backup", "put-backup-vault-lock-configuration", *name, *bounds)
    vault = aws_cli("backup", "describe-backup-vault", *name)
    assert (vault["Locked"], vault["MinRetentionDays"], vault["MaxRetentionDays"]) == (True, 7, 365)
    assert "LockDate" not in vault
    aws_cli("backup", "delete-backup-vault-lock-configuration", *name)
    assert aws_cli("backup", "describe-backup-vault", *name)["Locked"] is False


def test_who_am_i(aws_cli):
    assert aws_cli("sts", "get-caller-identity")["Account"] == ACCOUNT
