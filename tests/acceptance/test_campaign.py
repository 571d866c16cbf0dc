"""The fault campaign's own eyes: what is lost or double it must see, and where all is well nothing."""

import random
import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "campaign"))

from callers import Callers
from changes import AWS_RULE, BACKUPS, COPIES, SOURCE, Round
from processes import ACCOUNT, REGION


def test_the_campaign_sees_what_is_lost_and_what_is_double(server, sandbox, aws):
    changes = Round(sandbox, random.Random(1), 26, fresh_roles=False)
    # A vault is gone when its points are, which takes a while.
    sandbox.control("POST", "clock", {"mode": "auto", "speed": 10})
    changes.outcomes = Callers(server.address, 60, aws).make(changes.asked, 8, None)
    assert all(outcome.done for outcome in changes.outcomes), [outcome.failed for outcome in changes.outcomes]
    sandbox.control("POST", "clock", {"mode": "manual"})
    changes.compare_with_aws()
    assert changes.wrong == []

    plant(changes, aws.backup)
    changes.compare_with_aws()
    for sight in (
        "StartBackup: 1 jobs that nobody was told of",
        "StartCopy: 1 jobs that nobody was told of",
        "StartCopy 9: nobody asked for it",
        "StartRestore: 1 jobs that nobody was told of",
        "StartRestore stray: nobody asked for it",
        "and is not there",
        "CreatePlan stray: nobody asked for it",
        "has 2 versions",
        "selections that nobody asked for: {'stray'}",
        "is answered as made, and selects",
        "is answered as deleted, and is there",
        "vaults that are there or gone though nobody asked for it: {'stray'}",
    ):
        assert any(sight in text for text in changes.wrong), f"{sight!r} is not in {changes.wrong}"


def test_every_test_that_the_track_record_names_is_there(repository):
    record = (repository / "docs/reliability.md").read_text()
    named = re.findall(r"`([a-z_]+\.(?:rs|py))::([a-z_]+)`", record)
    assert len(named) > 20
    folders = [repository / folder for folder in ("tests/it", "tests/acceptance", "sandbox/tests/it")]
    for file, name in named:
        paths = [folder / file for folder in folders if (folder / file).is_file()]
        assert any(f" {name}(" in path.read_text() for path in paths), f"{file} has no {name}"


def plant(changes: Round, backup) -> None:
    """Has AWS do what a server that doubles or loses changes would have had it do."""
    point, database, role = changes.points[0], changes.databases[0], changes.role
    plan, other = (outcome.answer["plan"]["id"] for outcome in changes.of("PlanService/CreatePlan")[:2])

    backup.start_backup_job(BackupVaultName=BACKUPS, ResourceArn=database, IamRoleArn=role)
    backup.start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName=SOURCE,
        DestinationBackupVaultArn=f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:{COPIES}",
        IamRoleArn=role,
        Lifecycle={"DeleteAfterDays": 9},
    )
    metadata = backup.get_recovery_point_restore_metadata(BackupVaultName=SOURCE, RecoveryPointArn=point)["RestoreMetadata"]
    backup.start_restore_job(
        RecoveryPointArn=point, IamRoleArn=role, ResourceType="RDS", Metadata=metadata | {"DBInstanceIdentifier": "stray"}
    )
    backup.delete_backup_plan(BackupPlanId=plan)
    backup.create_backup_plan(BackupPlan={"BackupPlanName": "stray", "Rules": [AWS_RULE]})
    name = changes.of("PlanService/CreatePlan")[1].answer["plan"]["name"]
    backup.update_backup_plan(BackupPlanId=other, BackupPlan={"BackupPlanName": name, "Rules": [AWS_RULE | {"StartWindowMinutes": 90}]})
    selection = {"IamRoleArn": role, "Resources": [database]}
    backup.create_backup_selection(BackupPlanId=changes.plan, BackupSelection=selection | {"SelectionName": "stray"})
    made = changes.of("PlanService/CreateSelection")[0].answer["selection"]
    backup.delete_backup_selection(BackupPlanId=changes.plan, SelectionId=made["id"])
    backup.create_backup_selection(BackupPlanId=changes.plan, BackupSelection=selection | {"SelectionName": made["name"]})
    for vault in ("stray", changes.of("VaultService/DeleteVault")[0].asked.fields["vault"]):
        backup.create_backup_vault(BackupVaultName=vault)
