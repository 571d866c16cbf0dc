"""A good request for each RPC, and what of it may be wrong and is taken nevertheless; the damage is `damage.py`'s."""

import re

# `$…` stands for what the test's world has. Every field that can be wrong is set, so that each one is damaged.
RULE = {
    "name": "DailyBackups",
    "vault": "vault",
    "schedule": "cron(0 5 ? * * *)",
    "schedule_timezone": "Europe/Berlin",
    "start_window_minutes": 60,
    "completion_window_minutes": 180,
    "lifecycle": {"retention": "RETENTION_DAYS", "delete_after_days": 365, "move_to_cold_storage_after_days": 30},
    "recovery_point_tags": {"a": "b"},
    "copy_actions": [
        {
            "destination_vault": "arn:aws:backup:us-east-1:123456789012:backup-vault:vault",
            "lifecycle": {"delete_after_days": 90},
        }
    ],
}
SCOPE = {"account": "123456789012", "region": "us-east-1"}
ID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
POLICY = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Deny", "Principal": "*", "Action": "backup:DeleteRecoveryPoint", "Resource": "*"}
]}"""
INTERVAL = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z"}
PAGE = {"scope": SCOPE, "page_size": 10}
INSTANCE = {
    "db_instance_identifier": "restored",
    "db_instance_class": "db.t3.micro",
    "db_subnet_group_name": "default",
    "vpc_security_group_ids": ["sg-0123456789abcdef0"],
    "availability_zone": "us-east-1a",
    "port": 5432,
    "storage_type": "gp3",
    "iops": 3000,
    "db_parameter_group_name": "default.postgres16",
    "option_group_name": "default:postgres-16",
}
CLUSTER = {
    "db_cluster_identifier": "restored",
    "db_subnet_group_name": "default",
    "vpc_security_group_ids": ["sg-0123456789abcdef0"],
    "availability_zones": ["us-east-1a"],
    "port": 5432,
    "db_cluster_parameter_group_name": "default.aurora-postgresql16",
    "option_group_name": "default:aurora-postgresql-16",
    "storage_type": "aurora",
}
RESTORE = {"vault": "vault", "role": "bad-input"}
CHOICE = {
    "match": "MATCH_ALL",
    "conditions": [{"key": "a", "operator": "OPERATOR_LIKE", "value": "b*"}],
    "resources": ["arn:aws:rds:*:*:db:*"],
    "excluded_resources": ["$labs"],
}

BASE = {
    "AccountService/EnsureServiceRole": {
        "scope": SCOPE, "role": "new-role", "path": "/service-role/", "tags": {"a": "b"}, "request_id": ID
    },
    "AccountService/GetAccount": {"scope": SCOPE},
    "AccountService/GetRegionSettings": {"scope": SCOPE},
    "AccountService/UpdateRegionSettings": {
        "scope": SCOPE,
        "resource_type_opt_in": {"RDS": True},
        "resource_type_management": {"EFS": False},
        "request_id": ID,
    },
    "AccountService/GetServiceRole": {"scope": SCOPE, "role": "bad-input", "resource_types": ["RDS", "S3"]},
    "JobService/CancelJob": {"scope": SCOPE, "job": "$job", "request_id": ID},
    "JobService/GetJob": {"scope": SCOPE, "job": "$job", "kind": "JOB_KIND_BACKUP"},
    "JobService/ListJobs": PAGE
    | {
        "filter": {
            "kinds": ["JOB_KIND_BACKUP"],
            "states": ["JOB_STATE_COMPLETED"],
            "resource_types": ["RDS"],
            "resource": "$labs",
            "vault": "vault",
            "create_time": INTERVAL,
            "completion_time": INTERVAL,
            "message_category": "SUCCESS",
        }
    },
    "JobService/SummarizeJobs": PAGE
    | {
        "group_by": ["JOB_DIMENSION_DAY", "JOB_DIMENSION_PLAN"],
        "filter": {"kinds": ["JOB_KIND_BACKUP"], "resource_types": ["RDS"], "resource": "$labs", "vault": "vault"},
    },
    "JobService/WaitJob": {"scope": SCOPE, "job": "$job", "kind": "JOB_KIND_BACKUP", "wait_seconds": 1},
    "JobService/StartBackup": {
        "scope": SCOPE,
        "resource": "$labs",
        "vault": "vault",
        "role": "bad-input",
        "lifecycle": {"retention": "RETENTION_DAYS", "delete_after_days": 7},
        "start_window_minutes": 60,
        "completion_window_minutes": 180,
        "recovery_point_tags": {"a": "b"},
        "request_id": ID,
    },
    "JobService/StartCopy": {
        "scope": SCOPE,
        "recovery_point": "$point",
        "vault": "vault",
        "destination_vault": "arn:aws:backup:eu-west-1:123456789012:backup-vault:elsewhere",
        "role": "bad-input",
        "lifecycle": {"retention": "RETENTION_DAYS", "delete_after_days": 30},
        "request_id": ID,
    },
    "JobService/StartRestore": {
        "scope": SCOPE,
        "restore": RESTORE | {"recovery_point": "$point", "rds_instance": INSTANCE},
        "request_id": ID,
    },
    "PlanService/CreatePlan": {
        "scope": SCOPE,
        "name": "new-plan",
        "rules": [RULE],
        "tags": {"a": "b"},
        "advanced_backup_settings": [{"resource_type": "EC2", "options": {"WindowsVSS": "enabled"}}],
        "request_id": ID,
    },
    "PlanService/CreateSelection": {
        "scope": SCOPE,
        "plan": "$plan",
        "name": "new-selection",
        "role": "bad-input",
        "request_id": ID,
    }
    | CHOICE,
    "PlanService/DeletePlan": {"scope": SCOPE, "plan": "$plan", "request_id": ID},
    "PlanService/DeleteSelection": {"scope": SCOPE, "plan": "$plan", "selection": "$selection", "request_id": ID},
    "PlanService/GetPlan": {"scope": SCOPE, "plan": "$plan"},
    "PlanService/GetSelection": {"scope": SCOPE, "plan": "$plan", "selection": "$selection"},
    "PlanService/ListPlans": PAGE,
    "PlanService/ListPlanVersions": PAGE | {"plan": "$plan"},
    "PlanService/ListSelections": PAGE | {"plan": "$plan"},
    "PlanService/PreviewSchedule": {
        "scope": SCOPE,
        "unsaved": {"rules": [RULE]},
        "runs": 3,
        "start_time": "2026-03-01T00:00:00Z",
    },
    "PlanService/PreviewSelection": PAGE | {"criteria": CHOICE, "filter": "PREVIEW_FILTER_SELECTED"},
    "PlanService/ReplaceSelection": {
        "scope": SCOPE,
        "plan": "$plan",
        "selection": "$selection",
        "role": "bad-input",
        "request_id": ID,
    }
    | CHOICE,
    "PlanService/UpdatePlan": {
        "scope": SCOPE,
        "plan": "$plan",
        "name": "plan",
        "rules": [RULE],
        "advanced_backup_settings": [{"resource_type": "EC2", "options": {"WindowsVSS": "enabled"}}],
        "update_mask": "name,rules,advancedBackupSettings",
        "request_id": ID,
    },
    "AccountService/GetGlobalSettings": {"scope": SCOPE},
    "AccountService/UpdateGlobalSettings": {
        "scope": SCOPE,
        "settings": {"isMpaEnabled": False},
        "etag": "",
        "request_id": ID,
    },
    "LegalHoldService/CancelLegalHold": {
        "scope": SCOPE,
        "legal_hold": "$hold",
        "reason": "settled",
        "retain_record_days": 30,
        "request_id": ID,
    },
    "LegalHoldService/CreateLegalHold": {
        "scope": SCOPE,
        "title": "case 7",
        "description": "lawsuit",
        "recovery_point_selection": {
            "vaults": ["vault"],
            "resources": ["$labs"],
            "resource_types": ["RDS"],
            "create_time": {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-02T00:00:00Z"},
        },
        "tags": {"a": "b"},
        "request_id": ID,
    },
    "LegalHoldService/GetLegalHold": {"scope": SCOPE, "legal_hold": "$hold"},
    "LegalHoldService/ListLegalHoldRecoveryPoints": PAGE | {"legal_hold": "$hold"},
    "LegalHoldService/ListLegalHolds": PAGE | {"states": ["LEGAL_HOLD_STATE_ACTIVE"]},
    "ProtectionService/ExplainProtection": {"scope": SCOPE, "resource": "$labs"},
    "ProtectionService/AcknowledgeIncident": {"scope": SCOPE, "incident": ID, "note": "ticket 4711", "request_id": ID},
    "ProtectionService/ListIncidents": PAGE
    | {"filter": {"states": ["INCIDENT_STATE_OPEN"], "causes": ["INCIDENT_CAUSE_JOB_FAILED"], "resource": "$labs"}},
    "ProtectionService/GetCoverage": {"scope": SCOPE, "filter": {"resource": "$labs", "engine": "postgres"}},
    "ProtectionService/ListProtection": PAGE
    | {"filter": {"plan": "$plan", "vault": "vault", "tags": {"a": "b"}, "finding_codes": ["RUN_MISSED"]}, "order": 2},
    "ProtectionService/ListUpcomingRuns": PAGE | {"hours": 48, "plan": "$plan", "resource": "$labs"},
    "RecoveryPointService/DeleteRecoveryPoint": {"scope": SCOPE, "vault": "vault", "recovery_point": "$point", "request_id": ID},
    "RecoveryPointService/GetRecoveryPoint": {"scope": SCOPE, "vault": "vault", "recovery_point": "$point"},
    "RecoveryPointService/ListRecoveryPoints": PAGE
    | {"vault": "vault", "resource": "$labs", "resource_type": "RDS", "plan": "$plan", "create_time": INTERVAL},
    "RecoveryPointService/DisassociateRecoveryPoint": {
        "scope": SCOPE,
        "vault": "vault",
        "recovery_point": "$continuous",
        "request_id": ID,
    },
    "RecoveryPointService/PlanRestore": {
        "scope": SCOPE,
        "restore": RESTORE
        | {
            "recovery_point": "$continuous",
            "rds_instance": INSTANCE,
            "point_in_time": {"time": "2026-03-01T05:40:00Z"},
        },
    },
    "RecoveryPointService/UpdateRecoveryPointLifecycle": {
        "scope": SCOPE,
        "vault": "vault",
        "recovery_point": "$point",
        "lifecycle": {"retention": "RETENTION_DAYS", "delete_after_days": 60},
        "request_id": ID,
    },
    "ResourceService/GetProtectedResource": {"scope": SCOPE, "resource": "$labs"},
    "ResourceService/GetResource": {"scope": SCOPE, "resource": "$labs"},
    "ResourceService/ListProtectedResources": PAGE | {"vault": "vault"},
    "ResourceService/ListResources": PAGE | {"kind": "RESOURCE_KIND_DB_INSTANCE", "engine": "postgres"},
    "ResourceService/ListTags": {"scope": SCOPE, "resource": "$labs"},
    "ResourceService/TagResource": {"scope": SCOPE, "resource": "$labs", "tags": {"a": "b"}, "request_id": ID},
    "ResourceService/UntagResource": {
        "scope": SCOPE,
        "resource": "$labs",
        "tag_keys": ["nothing"],
        "request_id": ID,
    },
    "AccessService/WhoAmI": {},
    "AccessService/ExplainAccess": {
        "scope": SCOPE,
        "principal": "corp:ada",
        "groups": ["corp:orders"],
        "action": "GetVault",
        "thing": "THING_VAULT",
        "name": "vault",
    },
    "AccessService/RequestApproval": {
        "request": {"unlock_vault": {"scope": SCOPE, "vault": "vault", "request_id": ID}}, "reason": "ticket 4711", "request_id": ID
    },
    "AccessService/GetApproval": {"scope": SCOPE, "approval": ID},
    "AccessService/ListApprovals": PAGE | {"states": ["APPROVAL_STATE_PENDING"]},
    "AccessService/Approve": {"scope": SCOPE, "approval": ID, "note": "seen", "request_id": ID},
    "AccessService/Reject": {"scope": SCOPE, "approval": ID, "note": "still needed", "request_id": ID},
    "AccessService/ListAuditEvents": {"page_size": 5, "action": "DeleteVault", "interval": INTERVAL},
    "ServerService/GetServerInfo": {},
    "VaultService/CreateVault": {"scope": SCOPE, "name": "new-vault", "tags": {"a": "b"}, "request_id": ID},
    "VaultService/DeleteVault": {"scope": SCOPE, "vault": "vault", "request_id": ID},
    "VaultService/DeleteVaultAccessPolicy": {"scope": SCOPE, "vault": "vault", "request_id": ID},
    "VaultService/DeleteVaultNotifications": {"scope": SCOPE, "vault": "vault", "request_id": ID},
    "VaultService/GetVault": {"scope": SCOPE, "vault": "vault"},
    "VaultService/GetVaultAccessPolicy": {"scope": SCOPE, "vault": "vault"},
    "VaultService/GetVaultNotifications": {"scope": SCOPE, "vault": "vault"},
    "VaultService/ListVaults": PAGE,
    "VaultService/LockVault": {
        "scope": SCOPE,
        "vault": "vault",
        "mode": "LOCK_MODE_COMPLIANCE",
        "min_retention_days": 1,
        "max_retention_days": 3650,
        "changeable_for_days": 3,
        "confirm_irreversible": True,
        "request_id": ID,
    },
    "VaultService/SetVaultAccessPolicy": {"scope": SCOPE, "vault": "vault", "policy": POLICY, "request_id": ID},
    "VaultService/SetVaultNotifications": {
        "scope": SCOPE,
        "vault": "vault",
        "notifications": {
            "topic": "arn:aws:sns:us-east-1:123456789012:backup-events",
            "events": ["BACKUP_JOB_COMPLETED"],
        },
        "request_id": ID,
    },
    "VaultService/UnlockVault": {"scope": SCOPE, "vault": "vault", "request_id": ID},
}

# The other choices of a `oneof`, and other filters: `Service/Rpc` and what is asked.
OTHER_WAYS = {
    "JobService/ListJobs of copies": PAGE
    | {
        "filter": {
            "kinds": ["JOB_KIND_COPY"],
            "states": ["JOB_STATE_COMPLETED", "JOB_STATE_FAILED"],
            "resource_types": ["RDS", "Aurora"],
            "destination_vault": "vault",
            "create_time": INTERVAL,
            "completion_time": INTERVAL,
            "message_category": "AccessDenied",
            "source_recovery_point": "$point",
        }
    },
    "PlanService/PreviewSchedule of a plan": {
        "scope": SCOPE,
        "plan": "$plan",
        "runs": 3,
        "start_time": "2026-03-01T00:00:00Z",
    },
    "PlanService/PreviewSelection of a plan": PAGE
    | {"saved": {"plan": "$plan", "selection": "$selection"}, "filter": "PREVIEW_FILTER_NOT_SELECTED"},
    "RecoveryPointService/ListRecoveryPoints of all vaults": PAGE
    | {"resource_type": "RDS", "plan": "$plan", "create_time": INTERVAL},
    "RecoveryPointService/PlanRestore of a cluster": {
        "scope": SCOPE,
        "restore": RESTORE
        | {"recovery_point": "$cluster", "rds_cluster": CLUSTER, "point_in_time": {"latest": True}},
    },
}
WAYS = BASE | OTHER_WAYS

READS = {rpc for rpc in BASE if rpc.split("/")[1].startswith(("Get", "List", "Preview", "Explain", "PlanRestore", "Summarize", "Wait", "WhoAmI"))}

# Nothing is required; the defaults are asked about, or AWS's default role is ensured.
EMPTY_IS_FINE = {
    "AccessService/ListApprovals",
    "AccessService/ListAuditEvents",
    "AccessService/WhoAmI",
    "AccountService/EnsureServiceRole",
    "AccountService/GetAccount",
    "AccountService/GetGlobalSettings",
    "AccountService/GetRegionSettings",
    "JobService/ListJobs",
    "JobService/SummarizeJobs",
    "LegalHoldService/ListLegalHolds",
    "PlanService/ListPlans",
    "ProtectionService/GetCoverage",
    "ProtectionService/ListIncidents",
    "ProtectionService/ListProtection",
    "ProtectionService/ListUpcomingRuns",
    "RecoveryPointService/ListRecoveryPoints",
    "ResourceService/ListProtectedResources",
    "ResourceService/ListResources",
    "ServerService/GetServerInfo",
    "VaultService/ListVaults",
}

# The default role is asked for, and there is none.
NOT_THERE_BY_DEFAULT = {"AccountService/GetServiceRole"}


def empty_required(rpc: str) -> set[str]:
    """The fields that an empty request must be told of, at once."""
    fields = {
        "AccountService/GetServiceRole": set(),
        "AccountService/UpdateGlobalSettings": {"settings"},
        "JobService/StartBackup": {"resource", "vault", "role"},
        "JobService/StartCopy": {"recovery_point", "vault", "destination_vault", "role"},
        "JobService/StartRestore": {"restore"},
        "LegalHoldService/CancelLegalHold": {"legal_hold", "reason"},
        "LegalHoldService/CreateLegalHold": {"title", "description", "recovery_point_selection"},
        "PlanService/CreatePlan": {"name", "rules"},
        "PlanService/CreateSelection": {"plan", "name", "role"},
        "PlanService/UpdatePlan": {"plan"},
        "PlanService/PreviewSchedule": {"plan"},
        "PlanService/PreviewSelection": {"saved"},
        "RecoveryPointService/GetRecoveryPoint": {"recovery_point"},  # The ledger may know the vault.
        "RecoveryPointService/PlanRestore": {"restore"},
        "RecoveryPointService/UpdateRecoveryPointLifecycle": {"vault", "recovery_point", "lifecycle"},
        "ResourceService/TagResource": {"resource", "tags"},
        "ResourceService/UntagResource": {"resource", "tag_keys"},
        "VaultService/SetVaultAccessPolicy": {"vault", "policy"},
        "VaultService/SetVaultNotifications": {"vault", "notifications"},
    }
    required = {"vault", "plan", "selection", "recovery_point", "resource", "job", "name", "legal_hold", "incident"}
    return fields.get(rpc, {field for field in BASE[rpc] if field in required})


# A message of the request that is there and empty, and what it lacks.
EMPTY_INSIDE = {
    "JobService/StartRestore": {"restore.recovery_point", "restore.vault", "restore.role"},
    "PlanService/PreviewSchedule": {"unsaved.rules"},
    "PlanService/PreviewSelection": {"saved.plan", "saved.selection"},
    "RecoveryPointService/PlanRestore": {"restore.recovery_point", "restore.vault", "restore.role"},
    "VaultService/SetVaultNotifications": {"notifications.topic", "notifications.events"},
}


# Text that is somebody's own, or that AWS alone can judge: whatever is printable may be right.
FREE_TEXT = {"value", "tags", "recovery_point_tags", "options", "tag_keys", "key", "engine", "resource_type", "resources"}
FREE_TEXT |= {"excluded_resources", "db_instance_class", "db_subnet_group_name", "vpc_security_group_ids"}
FREE_TEXT |= {"availability_zone", "storage_type", "db_parameter_group_name", "option_group_name"}
FREE_TEXT |= {"title", "description", "reason"}
FREE_TEXT |= {"availability_zones", "db_cluster_parameter_group_name", "index_resource_types"}
FILTERS = {"resource", "parent_recovery_point", "source_recovery_point"}
VAULTS_OF_RULES = ("vault", "air_gapped_vault", "destination_vault")
# Of the requests that are damaged, those that ask for what there is.
THERE_ALREADY = {
    "AccountService/UpdateGlobalSettings",
    "AccountService/UpdateRegionSettings",
    "PlanService/UpdatePlan",
    "RecoveryPointService/UpdateRecoveryPointLifecycle",
    "VaultService/DeleteVaultAccessPolicy",
    "VaultService/DeleteVaultNotifications",
    "VaultService/UnlockVault",
}
PRINTABLE = {"an ARN of something else", "a broken ARN", "words", "an unknown id"}


def may_be_taken(rpc: str, path: str, damage: str) -> bool:
    """Whether what was put there can be meant."""
    field = re.sub(r"\[\d+\]", "", path).split(".")[-1]
    if path.endswith(("rules[0].id", "delete_after_event")):
        return True  # output only, ignored in requests
    if rpc == "PlanService/PreviewSchedule":
        # Rules that nobody has saved yet: what AWS alone judges is not judged.
        return (field, damage) == ("completion_window_minutes", "the most") or (
            damage in PRINTABLE and field in FREE_TEXT | {"name", "vault"}
        ) or (damage == "an unknown id" and field in VAULTS_OF_RULES)
    if rpc == "AccessService/ListAuditEvents" and damage in PRINTABLE:
        # Callers have whatever names their issuers give them, and things have names and ids beside ARNs.
        return field == "principal" or (field == "resource" and damage != "a broken ARN")
    if field == "etag" and rpc in THERE_ALREADY:
        return True  # of no account where there is already what is asked for: so a repetition succeeds
    if (field, damage) == ("page_size", "the most"):
        return True  # brought down to the largest
    if path == "filter.resource_types[0]" and damage in PRINTABLE:
        return True  # AWS has the words for types
    if path in ("filter.kinds", "filter.states", "filter.resource_types", "states") and damage == "600 times":
        return True  # a choice counts once
    if damage in PRINTABLE and field in FREE_TEXT:
        return True
    if damage == "an unknown id":
        # A UUID is a fine name and a fine request_id; a resource that has no backups is a fine filter.
        return field in {"name", "request_id", "db_instance_identifier", "title", "description", "reason"} or (rpc, field) in {
            ("AccountService/EnsureServiceRole", "role"),
            ("JobService/ListJobs", "vault"),
            ("JobService/ListJobs", "destination_vault"),
            ("JobService/ListJobs", "parent_job"),
            ("RecoveryPointService/ListRecoveryPoints", "plan"),
            # AWS takes plans whose vault does not exist yet; their jobs fail. The answer warns.
            *((f"PlanService/{change}Plan", vault) for change in ("Create", "Update") for vault in VAULTS_OF_RULES),
            # A topic and a key of that name in the vault's own account and region, which AWS alone can judge.
            ("VaultService/SetVaultNotifications", "topic"),
            ("VaultService/CreateVault", "encryption_key"),
        }
    if damage == "an ARN of something else" and field in FILTERS and rpc in READS and "/List" in rpc:
        return True  # a filter that nothing matches, or a thing whose tags AWS does not know
    return field == "iops" and damage == "the most"
