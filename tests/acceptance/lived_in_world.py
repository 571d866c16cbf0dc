"""A sandbox in which everything has happened once: every operation is called, most of them to success."""

import json

from aws_clients import LABS, refused
from lived_in_events import EVENTS, SNS, SQS, events
from legal_holds import legal_holds
from lived_in_iam import roles
from processes import ACCOUNT, REGION

# Sections 1.6 to 1.14 of docs/aws-backup-semantics.md, and its sections 2 to 4.
BACKUP = """
    CreateBackupVault DescribeBackupVault ListBackupVaults DeleteBackupVault PutBackupVaultLockConfiguration
    DeleteBackupVaultLockConfiguration PutBackupVaultAccessPolicy GetBackupVaultAccessPolicy
    DeleteBackupVaultAccessPolicy PutBackupVaultNotifications GetBackupVaultNotifications DeleteBackupVaultNotifications
    CreateBackupPlan GetBackupPlan UpdateBackupPlan DeleteBackupPlan ListBackupPlans ListBackupPlanVersions
    GetBackupPlanFromJSON GetBackupPlanFromTemplate ExportBackupPlanTemplate ListBackupPlanTemplates
    CreateBackupSelection GetBackupSelection DeleteBackupSelection ListBackupSelections
    StartBackupJob DescribeBackupJob ListBackupJobs StopBackupJob ListBackupJobSummaries
    ListRecoveryPointsByBackupVault ListRecoveryPointsByResource DescribeRecoveryPoint DeleteRecoveryPoint
    UpdateRecoveryPointLifecycle GetRecoveryPointRestoreMetadata DisassociateRecoveryPoint
    DisassociateRecoveryPointFromParent DescribeProtectedResource ListProtectedResources
    ListProtectedResourcesByBackupVault
    StartRestoreJob DescribeRestoreJob ListRestoreJobs GetRestoreJobMetadata ListRestoreJobsByProtectedResource
    PutRestoreValidationResult ListRestoreJobSummaries
    StartCopyJob DescribeCopyJob ListCopyJobs ListCopyJobSummaries
    TagResource UntagResource ListTags GetSupportedResourceTypes DescribeRegionSettings UpdateRegionSettings
    DescribeGlobalSettings UpdateGlobalSettings
    CreateLegalHold GetLegalHold ListLegalHolds CancelLegalHold ListRecoveryPointsByLegalHold
"""
IAM = """
    CreateRole GetRole AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies ListRolePolicies PutRolePolicy
    GetRolePolicy DeleteRolePolicy ListInstanceProfilesForRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription
    TagRole UntagRole ListRoleTags DeleteRole GetPolicy GetPolicyVersion ListPolicies ListRoles
    CreateServiceLinkedRole SimulatePrincipalPolicy
    CreatePolicy CreatePolicyVersion SetDefaultPolicyVersion ListPolicyVersions DeletePolicyVersion TagPolicy
    ListPolicyTags UntagPolicy ListEntitiesForPolicy DeletePolicy
"""
RDS = """
    DescribeDBInstances CreateDBInstance ModifyDBInstance DeleteDBInstance AddTagsToResource ListTagsForResource
    RemoveTagsFromResource DescribeDBSnapshots DeleteDBSnapshot CreateDBSnapshot RestoreDBInstanceFromDBSnapshot
    RestoreDBInstanceToPointInTime DescribeDBInstanceAutomatedBackups DescribeDBClusters DescribeDBClusterSnapshots
    DescribeDBClusterAutomatedBackups DescribeDBSubnetGroups DescribeOrderableDBInstanceOptions
"""
OPERATIONS = {
    f"{service}:{operation}"
    for service, operations in (
        ("backup", BACKUP),
        ("events", EVENTS),
        ("iam", IAM),
        ("rds", RDS),
        ("kms", "DescribeKey"),
        ("sns", SNS),
        ("sqs", SQS),
        ("sts", "GetCallerIdentity AssumeRole"),
        ("tagging", "GetResources TagResources UntagResources GetTagKeys GetTagValues"),
    )
    for operation in operations.split()
}

# What AWS itself refuses for the only resources that the sandbox has.
REFUSED_ONLY = {
    "backup:StopBackupJob",  # not supported for RDS [M]
    "backup:DisassociateRecoveryPointFromParent",  # RDS points have no parent
}

VAULT = "lived-in"
RULE = {"RuleName": "DailyBackups", "TargetBackupVaultName": VAULT}


def live(aws, sandbox):
    """Lives the whole life, in order."""
    role = roles(aws)
    databases(aws, sandbox)
    vaults(aws)
    events(aws, sandbox)
    job, point = jobs(aws, sandbox, role)
    plan = plans(aws, sandbox, role)
    restores(aws, sandbox, role, point)
    copies(aws, sandbox, role, point)
    points(aws, sandbox, point)
    settings_and_tags(aws, sandbox)
    tear_down(aws, sandbox, plan)


def databases(aws, sandbox):
    rds = aws.rds
    for name in ("lived-in-db", "short-lived"):
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="u",
            MasterUserPassword="not-a-secret",
            BackupRetentionPeriod=7,
            PreferredBackupWindow="20:00-20:30",
            PreferredMaintenanceWindow="wed:21:00-wed:21:30",
            Tags=[{"Key": "lived", "Value": "in"}],
        )
    refused(
        rds.create_db_instance,
        "DBInstanceAlreadyExists",
        DBInstanceIdentifier="short-lived",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="u",
        MasterUserPassword="not-a-secret",
    )
    sandbox.advance("1h")
    rds.describe_db_instances(MaxRecords=20)
    refused(rds.describe_db_instances, "DBInstanceNotFound", DBInstanceIdentifier="nobody")
    rds.modify_db_instance(DBInstanceIdentifier="short-lived", BackupRetentionPeriod=3, ApplyImmediately=True)
    sandbox.advance("1h")
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:short-lived"
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "a", "Value": "b"}])
    rds.list_tags_for_resource(ResourceName=arn)
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])
    rds.create_db_snapshot(DBInstanceIdentifier="short-lived", DBSnapshotIdentifier="by-hand")
    sandbox.advance("1h")
    rds.describe_db_snapshots(DBSnapshotIdentifier="by-hand")
    refused(rds.describe_db_snapshots, "DBSnapshotNotFound", DBSnapshotIdentifier="nobody")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="restored-by-hand", DBSnapshotIdentifier="by-hand")
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="lived-in-db", TargetDBInstanceIdentifier="rewound", UseLatestRestorableTime=True
    )
    sandbox.advance("1h")
    rds.describe_db_instance_automated_backups()
    rds.describe_db_clusters()
    rds.describe_db_cluster_snapshots()
    rds.describe_db_cluster_automated_backups(DBClusterIdentifier="aurora-billing")
    refused(
        rds.describe_db_cluster_automated_backups, "DBClusterAutomatedBackupNotFoundFault", DBClusterIdentifier="nobody"
    )
    rds.describe_db_subnet_groups()
    refused(rds.describe_db_subnet_groups, "DBSubnetGroupNotFoundFault", DBSubnetGroupName="nobody")
    rds.describe_orderable_db_instance_options(Engine="postgres", MaxRecords=20)
    refused(rds.describe_orderable_db_instance_options, "InvalidParameterValue", Engine="paradox")
    rds.delete_db_snapshot(DBSnapshotIdentifier="by-hand")
    rds.delete_db_instance(DBInstanceIdentifier="short-lived", SkipFinalSnapshot=True)
    sandbox.advance("1h")


def vaults(aws):
    backup = aws.backup
    vault = backup.create_backup_vault(BackupVaultName=VAULT, BackupVaultTags={"a": "b"})
    refused(backup.create_backup_vault, "AlreadyExistsException", BackupVaultName=VAULT)
    refused(backup.describe_backup_vault, "AccessDeniedException", BackupVaultName="nobody")
    backup.create_backup_vault(BackupVaultName="copies")
    backup.put_backup_vault_lock_configuration(BackupVaultName="copies", MinRetentionDays=1, MaxRetentionDays=365)
    refused(
        backup.put_backup_vault_lock_configuration,
        "InvalidParameterValueException",
        BackupVaultName="copies",
        MinRetentionDays=9,
        MaxRetentionDays=1,
    )
    backup.describe_backup_vault(BackupVaultName="copies")
    backup.list_backup_vaults()
    backup.delete_backup_vault_lock_configuration(BackupVaultName="copies")
    refused(backup.get_backup_vault_access_policy, "ResourceNotFoundException", BackupVaultName=VAULT)
    statement = {"Effect": "Deny", "Principal": "*", "Action": "backup:DeleteRecoveryPoint", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    backup.put_backup_vault_access_policy(BackupVaultName="copies", Policy=policy)
    backup.get_backup_vault_access_policy(BackupVaultName="copies")
    backup.delete_backup_vault_access_policy(BackupVaultName="copies")
    backup.put_backup_vault_notifications(
        BackupVaultName=VAULT,
        SNSTopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:backups",
        BackupVaultEvents=["BACKUP_JOB_COMPLETED", "RESTORE_JOB_COMPLETED"],
    )
    backup.get_backup_vault_notifications(BackupVaultName=VAULT)
    backup.delete_backup_vault_notifications(BackupVaultName=VAULT)
    refused(backup.get_backup_vault_notifications, "ResourceNotFoundException", BackupVaultName=VAULT)
    return vault["BackupVaultArn"]


def jobs(aws, sandbox, role) -> tuple[str, str]:
    backup = aws.backup
    database = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:lived-in-db"
    start = {"BackupVaultName": VAULT, "ResourceArn": database, "IamRoleArn": role}
    job = backup.start_backup_job(**start, Lifecycle={"DeleteAfterDays": 35}, RecoveryPointTags={"made": "by-hand"})
    job = job["BackupJobId"]
    backup.describe_backup_job(BackupJobId=job)
    sandbox.advance("20s")
    assert backup.describe_backup_job(BackupJobId=job)["State"] == "RUNNING"
    refused(backup.stop_backup_job, "InvalidRequestException", BackupJobId=job)
    sandbox.advance("10m")
    done = backup.describe_backup_job(BackupJobId=job)
    assert done["State"] == "COMPLETED", done
    # One that fails: the vault allows no retention as long as this.
    backup.create_backup_vault(BackupVaultName="strict")
    backup.put_backup_vault_lock_configuration(BackupVaultName="strict", MaxRetentionDays=7)
    failing = backup.start_backup_job(**start | {"BackupVaultName": "strict"}, Lifecycle={"DeleteAfterDays": 35})
    sandbox.advance("10m")
    assert backup.describe_backup_job(BackupJobId=failing["BackupJobId"])["State"] == "FAILED"
    refused(backup.describe_backup_job, "ResourceNotFoundException", BackupJobId="nobody")
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"
    refused(backup.start_backup_job, "InvalidParameterValueException", **start | {"ResourceArn": queue})
    assert len(backup.list_backup_jobs()["BackupJobs"]) == 2
    backup.list_backup_jobs(ByState="COMPLETED", ByResourceArn=database)
    backup.list_backup_job_summaries()
    return job, done["RecoveryPointArn"]


def plans(aws, sandbox, role) -> str:
    backup = aws.backup
    continuous = {
        "RuleName": "Continuous",
        "TargetBackupVaultName": VAULT,
        "ScheduleExpression": "cron(0 6 ? * * *)",
        "EnableContinuousBackup": True,
        "Lifecycle": {"DeleteAfterDays": 7},
    }
    full = RULE | {
        "ScheduleExpression": "cron(0 5 ? * * *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "StartWindowMinutes": 60,
        "CompletionWindowMinutes": 180,
        "Lifecycle": {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 365},
        "RecoveryPointTags": {"plan": "yes"},
        "CopyActions": [
            {
                "DestinationBackupVaultArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:copies",
                "Lifecycle": {"DeleteAfterDays": 20},
            }
        ],
    }
    windows = {"ResourceType": "EC2", "BackupOptions": {"WindowsVSS": "enabled"}}
    made = backup.create_backup_plan(
        BackupPlan={"BackupPlanName": "lived-in", "Rules": [full], "AdvancedBackupSettings": [windows]},
        BackupPlanTags={"a": "b"},
    )
    plan = made["BackupPlanId"]
    backup.get_backup_plan(BackupPlanId=plan, MaxScheduledRunsPreview=5)
    backup.update_backup_plan(BackupPlanId=plan, BackupPlan={"BackupPlanName": "lived-in", "Rules": [full, continuous]})
    refused(backup.get_backup_plan, "ResourceNotFoundException", BackupPlanId="nobody")
    too_short = {"BackupPlanName": "x", "Rules": [RULE | {"StartWindowMinutes": 5}]}
    refused(backup.create_backup_plan, "InvalidParameterValueException", BackupPlan=too_short)
    backup.create_backup_plan(BackupPlan={"BackupPlanName": "brief", "Rules": [RULE]})
    backup.list_backup_plans()
    backup.list_backup_plan_versions(BackupPlanId=plan)
    template = backup.export_backup_plan_template(BackupPlanId=plan)["BackupPlanTemplateJson"]
    backup.get_backup_plan_from_json(BackupPlanTemplateJson=template)
    templates = backup.list_backup_plan_templates()["BackupPlanTemplatesList"]
    backup.get_backup_plan_from_template(BackupPlanTemplateId=templates[0]["BackupPlanTemplateId"])

    selection = {
        "SelectionName": "lived-in",
        "IamRoleArn": role,
        "Resources": ["*"],
        "NotResources": [LABS],
        "Conditions": {"StringEquals": [{"ConditionKey": "aws:ResourceTag/lived", "ConditionValue": "in"}]},
    }
    chosen = backup.create_backup_selection(BackupPlanId=plan, BackupSelection=selection)["SelectionId"]
    refused(backup.create_backup_selection, "AlreadyExistsException", BackupPlanId=plan, BackupSelection=selection)
    nobody = selection | {"SelectionName": "x", "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}
    refused(
        backup.create_backup_selection, "InvalidParameterValueException", BackupPlanId=plan, BackupSelection=nobody
    )
    backup.get_backup_selection(BackupPlanId=plan, SelectionId=chosen)
    by_tag = {"ConditionType": "STRINGEQUALS", "ConditionKey": "nothing", "ConditionValue": "has-it"}
    unused = {"SelectionName": "unused", "IamRoleArn": role, "ListOfTags": [by_tag]}
    unused = backup.create_backup_selection(BackupPlanId=plan, BackupSelection=unused)["SelectionId"]
    backup.list_backup_selections(BackupPlanId=plan)
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=unused)
    refused(backup.delete_backup_plan, "InvalidRequestException", BackupPlanId=plan)
    sandbox.advance("50h")
    fired = [job for job in backup.list_backup_jobs()["BackupJobs"] if "CreatedBy" in job]
    assert fired, "no rule has fired in two days"
    backup.describe_backup_job(BackupJobId=fired[0]["BackupJobId"])
    backup.get_backup_plan(BackupPlanId=plan)
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=chosen)
    return plan


def restores(aws, sandbox, role, point):
    backup = aws.backup
    metadata = backup.get_recovery_point_restore_metadata(BackupVaultName=VAULT, RecoveryPointArn=point)
    metadata = metadata["RestoreMetadata"] | {"DBInstanceIdentifier": "restored"}
    metadata.pop("DBSnapshotIdentifier", None)
    start = {"RecoveryPointArn": point, "IamRoleArn": role, "ResourceType": "RDS"}
    job = backup.start_restore_job(**start, Metadata=metadata, CopySourceTagsToRestoredResource=True)["RestoreJobId"]
    backup.describe_restore_job(RestoreJobId=job)
    sandbox.advance("20s")
    backup.describe_restore_job(RestoreJobId=job)
    sandbox.advance("1h")
    assert backup.describe_restore_job(RestoreJobId=job)["Status"] == "COMPLETED"
    # Over an instance that is there: the job fails.
    over = backup.start_restore_job(**start, Metadata=metadata)["RestoreJobId"]
    sandbox.advance("1h")
    assert backup.describe_restore_job(RestoreJobId=over)["Status"] == "FAILED"
    refused(backup.describe_restore_job, "ResourceNotFoundException", RestoreJobId="nobody")
    backup.list_restore_jobs()
    backup.get_restore_job_metadata(RestoreJobId=job)
    backup.list_restore_jobs_by_protected_resource(ResourceArn=f"arn:aws:rds:{REGION}:{ACCOUNT}:db:lived-in-db")
    backup.put_restore_validation_result(
        RestoreJobId=job, ValidationStatus="SUCCESSFUL", ValidationStatusMessage="it answers"
    )
    backup.describe_restore_job(RestoreJobId=job)
    backup.list_restore_job_summaries()


def copies(aws, sandbox, role, point):
    backup = aws.backup
    job = backup.start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName=VAULT,
        DestinationBackupVaultArn=f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:copies",
        IamRoleArn=role,
        Lifecycle={"DeleteAfterDays": 90},
    )["CopyJobId"]
    backup.describe_copy_job(CopyJobId=job)
    sandbox.advance("1h")
    assert backup.describe_copy_job(CopyJobId=job)["CopyJob"]["State"] == "COMPLETED"
    refused(backup.describe_copy_job, "ResourceNotFoundException", CopyJobId="nobody")
    backup.list_copy_jobs()
    sandbox.advance("30h")
    backup.list_copy_job_summaries()
    backup.list_backup_job_summaries(AggregationPeriod="ONE_DAY")


def points(aws, sandbox, point):
    backup = aws.backup
    database = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:lived-in-db"
    backup.describe_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=point)
    refused(
        backup.describe_recovery_point,
        "ResourceNotFoundException",
        BackupVaultName=VAULT,
        RecoveryPointArn=f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:awsbackup:job-nobody",
    )
    listed = backup.list_recovery_points_by_backup_vault(BackupVaultName=VAULT)["RecoveryPoints"]
    for found in listed:
        backup.describe_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=found["RecoveryPointArn"])
    backup.list_recovery_points_by_backup_vault(BackupVaultName="copies")
    backup.list_recovery_points_by_resource(ResourceArn=database)
    backup.update_recovery_point_lifecycle(
        BackupVaultName=VAULT, RecoveryPointArn=point, Lifecycle={"DeleteAfterDays": 40}
    )
    refused(
        backup.disassociate_recovery_point, "InvalidRequestException", BackupVaultName=VAULT, RecoveryPointArn=point
    )
    refused(
        backup.disassociate_recovery_point_from_parent,
        "InvalidRequestException",
        "InvalidParameterValueException",
        BackupVaultName=VAULT,
        RecoveryPointArn=point,
    )
    continuous = [found["RecoveryPointArn"] for found in listed if ":continuous:" in found["RecoveryPointArn"]]
    assert continuous, "the continuous rule has made no continuous point"
    backup.get_recovery_point_restore_metadata(BackupVaultName=VAULT, RecoveryPointArn=continuous[0])
    aws.rds.describe_db_instances()
    aws.rds.describe_db_snapshots()
    backup.disassociate_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=continuous[0])
    backup.describe_protected_resource(ResourceArn=database)
    backup.list_protected_resources()
    backup.list_protected_resources_by_backup_vault(BackupVaultName=VAULT)
    legal_holds(backup, refused, VAULT, point)
    backup.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=point)
    refused(
        backup.delete_recovery_point,
        "ResourceNotFoundException",
        BackupVaultName=VAULT,
        RecoveryPointArn=f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:awsbackup:job-nobody",
    )


def settings_and_tags(aws, sandbox):
    backup, vault = aws.backup, f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:{VAULT}"
    backup.tag_resource(ResourceArn=vault, Tags={"c": "d"})
    backup.list_tags(ResourceArn=vault)
    backup.untag_resource(ResourceArn=vault, TagKeyList=["c"])
    backup.get_supported_resource_types()
    backup.update_region_settings(ResourceTypeOptInPreference={"EFS": False})
    backup.describe_region_settings()
    refused(backup.describe_global_settings, "InvalidRequestException")
    sandbox.settings({"switches": {"organization": True}})
    backup.update_global_settings(GlobalSettings={"isCrossAccountBackupEnabled": "true"})
    backup.describe_global_settings()
    aws.kms.describe_key(KeyId="alias/aws/backup")
    refused(aws.kms.describe_key, "NotFoundException", KeyId="alias/nobody")
    tagging = aws.resourcegroupstaggingapi
    tagging.tag_resources(ResourceARNList=[LABS, vault], Tags={"tagged": "yes"})
    tagging.get_resources(TagFilters=[{"Key": "tagged", "Values": ["yes"]}], ResourcesPerPage=1)
    tagging.get_tag_keys()
    tagging.get_tag_values(Key="tagged")
    tagging.untag_resources(ResourceARNList=[LABS], TagKeys=["tagged"])
    refused(tagging.get_resources, "InvalidParameterException", ResourceARNList=[LABS], ResourcesPerPage=5)


def tear_down(aws, sandbox, plan):
    backup = aws.backup
    backup.delete_backup_plan(BackupPlanId=plan)
    backup.get_backup_plan(BackupPlanId=plan)
    backup.list_backup_plans(IncludeDeleted=True)
    refused(backup.delete_backup_vault, "InvalidRequestException", BackupVaultName=VAULT)
    backup.create_backup_vault(BackupVaultName="empty")
    backup.delete_backup_vault(BackupVaultName="empty")
    # A month on: lifecycles have deleted what they delete.
    sandbox.advance("60d")
    backup.list_recovery_points_by_backup_vault(BackupVaultName=VAULT)
    backup.list_backup_jobs()
    backup.list_backup_job_summaries()
