"""A good request for each RPC, and what is made of it by damaging one field at a time."""

import re

from google.protobuf.descriptor import FieldDescriptor

MEGABYTE = 1_000_000

# `$…` stands for what the test's world has. Every field that can be wrong is set, so that each one is damaged.
RULE = {
    "name": "DailyBackups",
    "target_vault": "vault",
    "schedule": "cron(0 5 ? * * *)",
    "schedule_timezone": "Europe/Berlin",
    "start_window_minutes": 60,
    "completion_window_minutes": 180,
    "lifecycle": {"retention": "RETENTION_DAYS", "delete_after_days": 365, "move_to_cold_storage_after_days": 30},
    "recovery_point_tags": {"a": "b"},
    "copy_actions": [
        {
            "destination_vault_arn": "arn:aws:backup:us-east-1:123456789012:backup-vault:vault",
            "lifecycle": {"delete_after_days": 90},
        }
    ],
}
SCOPE = {"account": "123456789012", "region": "us-east-1"}
ID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
POLICY = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Deny", "Principal": "*", "Action": "backup:DeleteRecoveryPoint", "Resource": "*"}
]}"""
PERIOD = {"after": "2026-01-01T00:00:00Z", "before": "2027-01-01T00:00:00Z"}
PAGE = {"scope": SCOPE, "page_size": 10}
INSTANCE = {
    "db_instance_identifier": "restored",
    "db_instance_class": "db.t3.micro",
    "db_subnet_group_name": "default",
    "vpc_security_group_ids": ["sg-1"],
    "availability_zone": "us-east-1a",
    "port": 5432,
    "storage_type": "gp3",
    "iops": 3000,
    "db_parameter_group_name": "default.postgres16",
    "option_group_name": "default:postgres-16",
}
CHOICE = {
    "match": "MATCH_ALL",
    "conditions": [{"key": "a", "operator": "OPERATOR_LIKE", "value": "b*"}],
    "resources": ["arn:aws:rds:*:*:db:*"],
    "excluded_resources": ["$labs"],
}

BASE = {
    "AccountService/EnsureServiceRole": {
        "scope": SCOPE,
        "role": "new-role",
        "path": "/service-role/",
        "tags": {"a": "b"},
        "request_id": ID,
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
    "JobService/CancelJob": {"scope": SCOPE, "job_id": "$job", "request_id": ID},
    "JobService/GetJob": {"scope": SCOPE, "job_id": "$job", "kind": "JOB_KIND_BACKUP"},
    "JobService/ListJobs": PAGE
    | {
        "kind": "JOB_KIND_BACKUP",
        "state": "JOB_STATE_COMPLETED",
        "resource_arn": "$labs",
        "resource_type": "RDS",
        "vault": "vault",
        "create_time": PERIOD,
    },
    "JobService/StartBackup": {
        "scope": SCOPE,
        "resource_arn": "$labs",
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
        "recovery_point_arn": "$point",
        "vault": "vault",
        "destination_vault_arn": "arn:aws:backup:eu-west-1:123456789012:backup-vault:elsewhere",
        "role": "bad-input",
        "lifecycle": {"retention": "RETENTION_DAYS", "delete_after_days": 30},
        "request_id": ID,
    },
    "RecoveryPointService/PlanRestore": {
        "scope": SCOPE,
        "recovery_point_arn": "$point",
        "vault": "vault",
        "role": "bad-input",
        "rds_instance": {
            "db_instance_identifier": "restored",
            "db_instance_class": "db.t3.micro",
            "db_subnet_group_name": "default",
            "vpc_security_group_ids": ["sg-1"],
            "availability_zone": "us-east-1a",
            "port": 5432,
        },
    },
    "JobService/StartRestore": {
        "scope": SCOPE,
        "recovery_point_arn": "$point",
        "vault": "vault",
        "role": "bad-input",
        "rds_instance": INSTANCE,
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
        "rules": [RULE],
        "runs": 3,
        "start_time": "2026-03-01T00:00:00Z",
    },
    "PlanService/PreviewSelection": PAGE | CHOICE | {"filter": "PREVIEW_FILTER_SELECTED"},
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
    "ProtectionService/ExplainProtection": {"scope": SCOPE, "resource": "$labs"},
    "RecoveryPointService/DeleteRecoveryPoint": {
        "scope": SCOPE,
        "vault": "vault",
        "recovery_point_arn": "$point",
        "request_id": ID,
    },
    "RecoveryPointService/GetRecoveryPoint": {"scope": SCOPE, "vault": "vault", "recovery_point_arn": "$point"},
    "RecoveryPointService/ListRecoveryPoints": PAGE
    | {"vault": "vault", "resource_arn": "$labs", "resource_type": "RDS", "plan": "$plan", "create_time": PERIOD},
    "RecoveryPointService/DisassociateRecoveryPoint": {
        "scope": SCOPE,
        "vault": "vault",
        "recovery_point_arn": "$continuous",
        "request_id": ID,
    },
    "RecoveryPointService/PlanRestore": {
        "scope": SCOPE,
        "recovery_point_arn": "$continuous",
        "vault": "vault",
        "role": "bad-input",
        "rds_instance": INSTANCE,
        "point_in_time": {"time": "2026-03-01T05:40:00Z"},
    },
    "RecoveryPointService/UpdateRecoveryPointLifecycle": {
        "scope": SCOPE,
        "vault": "vault",
        "recovery_point_arn": "$point",
        "lifecycle": {"retention": "RETENTION_DAYS", "delete_after_days": 60},
        "request_id": ID,
    },
    "ResourceService/GetResource": {"scope": SCOPE, "resource": "$labs"},
    "ResourceService/ListProtectedResources": PAGE | {"vault": "vault"},
    "ResourceService/ListResources": PAGE | {"kind": "RESOURCE_KIND_DB_INSTANCE", "engine": "postgres"},
    "ResourceService/ListTags": {"scope": SCOPE, "resource_arn": "$labs"},
    "ResourceService/TagResource": {"scope": SCOPE, "resource_arn": "$labs", "tags": {"a": "b"}, "request_id": ID},
    "ResourceService/UntagResource": {
        "scope": SCOPE,
        "resource_arn": "$labs",
        "tag_keys": ["nothing"],
        "request_id": ID,
    },
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
            "topic_arn": "arn:aws:sns:us-east-1:123456789012:backup-events",
            "events": ["BACKUP_JOB_COMPLETED"],
        },
        "request_id": ID,
    },
    "VaultService/UnlockVault": {"scope": SCOPE, "vault": "vault", "request_id": ID},
}

READS = {rpc for rpc in BASE if rpc.split("/")[1].startswith(("Get", "List", "Preview", "Explain", "PlanRestore"))}

# Nothing is required; the defaults are asked about, or AWS's default role is ensured.
EMPTY_IS_FINE = {
    "AccountService/EnsureServiceRole",
    "AccountService/GetAccount",
    "AccountService/GetRegionSettings",
    "JobService/ListJobs",
    "PlanService/ListPlans",
    "ResourceService/ListProtectedResources",
    "ResourceService/ListResources",
    "ServerService/GetServerInfo",
    "VaultService/ListVaults",
}

# The default role is asked for, and the world of the test has none.
NOT_THERE_BY_DEFAULT = {"AccountService/GetServiceRole"}


# What is damaged belongs to the other way of asking: it is for those of the base that the answer blames.
ONE_WAY_OR_THE_OTHER = {
    ("PlanService/PreviewSchedule", "plan"),
    ("PlanService/PreviewSelection", "plan"),
    ("PlanService/PreviewSelection", "selection"),
    ("JobService/StartRestore", "restore_token"),
}


def empty_required(rpc: str) -> set[str]:
    """The fields that an empty request must be told of, at once."""
    fields = {
        "AccountService/GetServiceRole": set(),
        "JobService/StartBackup": {"resource_arn", "vault", "role"},
        "JobService/StartCopy": {"recovery_point_arn", "vault", "destination_vault_arn", "role"},
        "JobService/StartRestore": {"recovery_point_arn", "vault", "role"},
        "PlanService/CreatePlan": {"name", "rules"},
        "PlanService/CreateSelection": {"plan", "name", "role"},
        "PlanService/UpdatePlan": {"plan", "rules"},
        "PlanService/PreviewSchedule": set(),  # one of plan and rules
        "RecoveryPointService/ListRecoveryPoints": set(),  # one of vault and resource
        "RecoveryPointService/UpdateRecoveryPointLifecycle": {"vault", "recovery_point_arn", "lifecycle"},
        "ResourceService/TagResource": {"resource_arn", "tags"},
        "ResourceService/UntagResource": {"resource_arn", "tag_keys"},
        "VaultService/SetVaultAccessPolicy": {"vault", "policy"},
        "VaultService/SetVaultNotifications": {"vault", "notifications"},
    }
    required = {"vault", "plan", "selection", "recovery_point_arn", "resource_arn", "job_id", "name", "resource"}
    return fields.get(rpc, {field for field in BASE[rpc] if field in required})


# Text that is somebody's own, or that AWS alone can judge: whatever is printable may be right.
FREE_TEXT = {"value", "tags", "recovery_point_tags", "options", "tag_keys", "key", "engine", "resource_type", "resources"}
FREE_TEXT |= {"excluded_resources", "db_instance_class", "db_subnet_group_name", "vpc_security_group_ids"}
FREE_TEXT |= {"availability_zone", "storage_type", "db_parameter_group_name", "option_group_name"}
FREE_TEXT |= {"index_resource_types"}
FILTERS = {"resource_arn", "parent_recovery_point_arn"}
PRINTABLE = {"an ARN of something else", "a broken ARN", "words", "an unknown id"}


def may_be_taken(rpc: str, path: str, damage: str) -> bool:
    """Whether what was put there can be meant."""
    field = re.sub(r"\[\d+\]", "", path).split(".")[-1]
    if path.endswith(("rules[0].id", "delete_after_event")):
        return True  # output only, ignored in requests
    if rpc == "PlanService/PreviewSchedule":
        # Rules that nobody has saved yet: what AWS alone judges is not judged.
        return (field, damage) == ("completion_window_minutes", "the most") or (
            damage in PRINTABLE and field in FREE_TEXT | {"name", "target_vault"}
        )
    if (rpc, field) == ("PlanService/UpdatePlan", "etag"):
        return True  # of no account where the plan says already what is asked for: so a repetition succeeds
    if damage in PRINTABLE and field in FREE_TEXT:
        return True
    if damage == "an unknown id":
        # A UUID is a fine name and a fine request_id; a resource that has no backups is a fine filter.
        return field in {"name", "request_id", "db_instance_identifier"} or (rpc, field) in {
            ("AccountService/EnsureServiceRole", "role"),
            ("JobService/ListJobs", "vault"),
            ("JobService/ListJobs", "parent_job_id"),
            ("RecoveryPointService/ListRecoveryPoints", "plan"),
            # AWS takes plans whose vault does not exist yet; their jobs fail. The answer warns.
            ("PlanService/CreatePlan", "target_vault"),
            ("PlanService/UpdatePlan", "target_vault"),
        }
    if damage == "an ARN of something else" and field in FILTERS and rpc in READS and "/List" in rpc:
        return True  # a filter that nothing matches, or a thing whose tags AWS does not know
    return field == "iops" and damage == "the most"


STRINGS = {
    "1 MB": "x" * MEGABYTE,
    "an ARN of something else": "arn:aws:iam::123456789012:user/someone",
    "a broken ARN": "arn:aws:backup:us-east-1",
    "words": "no such thing/at all!",
    "control characters": "a\x00b\nc",
    "an unknown id": "00000000-0000-4000-8000-000000000000",
}
NUMBERS = {"negative": -1, "the least": -(2**31), "the most": 2**31 - 1}


def damaged(base):
    """(path, damage, request): each field of the message, wherever it stands, with each damage of its type."""
    yield from _damaged_in(base, base, "", lambda root: root)


def _damaged_in(root, message, prefix, find):
    for field in message.DESCRIPTOR.fields:
        path = prefix + field.name
        if _is_map(field):
            yield from _damaged_map(root, field, path, find)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            if field.message_type.full_name == "google.protobuf.FieldMask":
                yield _with(root, path, "words", find, lambda m, f=field: getattr(m, f.name).paths.append("no such"))
            elif field.message_type.file.package.startswith("google."):
                yield from _damaged_time(root, field, path, find)
            elif field.is_repeated:
                for index, inner in enumerate(getattr(message, field.name)):
                    yield from _damaged_in(
                        root, inner, f"{path}[{index}].", lambda r, f=field, i=index: getattr(find(r), f.name)[i]
                    )
                if len(getattr(message, field.name)):
                    yield _with(root, path, "10,000 times", find, lambda m, f=field: _multiply(getattr(m, f.name)))
            elif message.HasField(field.name):
                inner = getattr(message, field.name)
                yield from _damaged_in(root, inner, f"{path}.", lambda r, f=field: getattr(find(r), f.name))
        else:
            yield from _damaged_scalar(root, message, field, path, find)


def _damaged_scalar(root, message, field, path, find):
    if field.type == FieldDescriptor.TYPE_STRING:
        values = STRINGS
    elif field.type == FieldDescriptor.TYPE_ENUM:
        values = {"an unknown value": 99, "a negative value": -1}
    elif field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64):
        values = NUMBERS
    else:
        return  # a bool has no wrong value
    for damage, value in values.items():
        if field.is_repeated:
            yield _with(root, f"{path}[0]", damage, find, lambda m, v=value, f=field: _replace(getattr(m, f.name), v))
        else:
            yield _with(root, path, damage, find, lambda m, v=value, f=field: setattr(m, f.name, v))
    if field.is_repeated and len(getattr(message, field.name)):
        yield _with(root, path, "10,000 times", find, lambda m, f=field: _multiply(getattr(m, f.name)))


def _damaged_map(root, field, path, find):
    if field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_BOOL:
        for damage, key in {
            "a key of 1 MB": "x" * MEGABYTE,
            "an empty key": "",
            "an unknown key": "Floppy",
            "control characters": "a\x00",
        }.items():
            yield _with(root, path, damage, find, lambda m, f=field, k=key: getattr(m, f.name).update({k: True}))
        many = {f"key-{number}": True for number in range(10_000)}
        yield _with(root, path, "10,000 entries", find, lambda m, f=field: getattr(m, f.name).update(many))
    if field.message_type.fields_by_name["value"].type != FieldDescriptor.TYPE_STRING:
        return
    for damage, (key, value) in {
        "1 MB": ("k", "x" * MEGABYTE),
        "a key of 1 MB": ("x" * MEGABYTE, "v"),
        "an empty key": ("", "v"),
        "a key of AWS's own": ("aws:reserved", "v"),
        "control characters": ("a\x00", "b"),
    }.items():
        yield _with(root, path, damage, find, lambda m, f=field, k=key, v=value: getattr(m, f.name).update({k: v}))
    many = {f"key-{number}": "v" for number in range(10_000)}
    yield _with(root, path, "10,000 entries", find, lambda m, f=field: getattr(m, f.name).update(many))


def _damaged_time(root, field, path, find):
    for damage, (seconds, nanos) in {
        "before the calendar": (-(2**62), 0),
        "after the calendar": (2**62, 0),
        "negative nanoseconds": (1, -1),
        "too many nanoseconds": (1, 2_000_000_000),
    }.items():

        def spoil(message, f=field, s=seconds, n=nanos):
            time = getattr(message, f.name)
            time.seconds, time.nanos = s, n

        yield _with(root, path, damage, find, spoil)


def _with(root, path, damage, find, spoil):
    request = type(root)()
    request.CopyFrom(root)
    spoil(find(request))
    return path, damage, request


def _replace(repeated, value):
    del repeated[:]
    repeated.append(value)


def _multiply(repeated):
    first = repeated[0] if len(repeated) else None
    if first is not None:
        repeated.extend([first] * 10_000)


def _is_map(field) -> bool:
    return field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.GetOptions().map_entry
