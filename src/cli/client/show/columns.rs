//! What tables show of each kind of thing. What is not here, `get` and `-o json` show.

use prost_reflect::{FieldDescriptor, Kind};

use crate::proto::descriptors::short;

/// A column: its heading and the field; of several fields, separated by `|`, the first that says something. A field of a
/// message in the thing has a dot.
pub(super) type Column = (&'static str, &'static str);

const COLUMNS: &[(&str, &[Column])] = &[
    (
        "Vault",
        &[
            ("NAME", "name"),
            ("POINTS", "recovery_point_count"),
            ("LOCK", "lock"),
            ("TYPE", "type"),
            ("CREATED", "create_time"),
        ],
    ),
    (
        "Plan",
        &[
            ("NAME", "name"),
            ("ID", "id"),
            ("VERSION", "etag"),
            ("LAST RUN", "last_run_time"),
            ("CREATED", "create_time"),
            ("DELETED", "delete_time"),
        ],
    ),
    (
        "Rule",
        &[
            ("NAME", "name"),
            ("VAULT", "vault"),
            ("SCHEDULE", "schedule"),
            ("TIME ZONE", "schedule_timezone"),
            ("KEPT", "lifecycle"),
            ("CONTINUOUS", "enable_continuous_backup"),
            ("COPIES", "copy_actions"),
            ("TAGS", "recovery_point_tags"),
        ],
    ),
    ("Selection", &[("NAME", "name"), ("ID", "id"), ("ROLE", "role_arn"), ("CREATED", "create_time")]),
    (
        "Job",
        &[
            ("ID", "id"),
            ("KIND", "kind"),
            ("STATE", "state_text|state"),
            ("DONE", "percent_done"),
            ("RESOURCE", "resource_name|resource_arn"),
            ("VAULT", "vault_name"),
            ("CREATED", "create_time"),
            ("ENDED", "completion_time"),
            ("VALIDATED", "validation_status_text"),
            ("DELETED", "deletion_status_text"),
            ("MESSAGE", "status_message"),
        ],
    ),
    (
        "JobSummary",
        &[
            ("ACCOUNT", "account"),
            ("REGION", "region"),
            ("OWNER", "owner"),
            ("RESOURCE", "resource_arn"),
            ("VAULT", "vault_name"),
            ("PLAN", "plan_id"),
            ("RULE", "rule_id"),
            ("TYPE", "resource_type"),
            ("KIND", "kind"),
            ("DAY", "day"),
            ("STATE", "state"),
            ("JOBS", "job_count"),
            ("OPEN", "under_way_count"),
            ("DONE", "completed_count"),
            ("FAILED", "failed_count"),
            ("EXPIRED", "expired_count"),
            ("MISSED", "missed_run_count"),
            ("SUCCESS", "percent_succeeded"),
            ("IN A ROW", "consecutive_success_count"),
            ("NONE DUE", "none_due_day_count"),
            ("BYTES", "bytes_transferred"),
        ],
    ),
    (
        "RecoveryPoint",
        &[
            ("RECOVERY POINT", "arn"),
            ("RESOURCE", "resource_name|resource_arn"),
            ("VAULT", "vault_name"),
            ("STATE", "state_text|state"),
            ("SIZE", "backup_size_bytes"),
            ("CREATED", "create_time"),
            ("KEPT UNTIL", "delete_time"),
        ],
    ),
    (
        "Resource",
        &[
            ("ID", "id"),
            ("ENGINE", "database.engine"),
            ("VERSION", "database.engine_version"),
            ("CLASS", "database.instance_class"),
            ("STATUS", "database.status"),
            ("TAGS", "tags"),
        ],
    ),
    (
        "ProtectedResource",
        &[
            ("RESOURCE", "arn"),
            ("TYPE", "resource_type"),
            ("LAST BACKUP", "last_backup_time"),
            ("LAST RECOVERY POINT", "last_recovery_point_arn"),
        ],
    ),
    (
        "UpcomingRun",
        &[
            ("RUNS", "run_time"),
            ("PLAN", "plan_name"),
            ("RULE", "rule_name"),
            ("DATABASES", "resource_count"),
            ("VAULT", "vault_name"),
            ("START BY", "start_by_time"),
            ("OVERRULED", "overruled"),
        ],
    ),
    (
        "Incident",
        &[
            ("OPENED", "open_time"),
            ("CAUSE", "cause"),
            ("STATE", "state"),
            ("TIMES", "count"),
            ("RESOURCE", "resource_arn|vault_arn"),
            ("ID", "id"),
        ],
    ),
    (
        "DatabaseProtection",
        &[
            ("DATABASE", "resource_name"),
            ("VERDICT", "verdict"),
            ("LAST SUCCESS", "last_success_time"),
            ("RPO RATIO", "rpo_ratio"),
            ("NEXT RUN", "next_run_time"),
            ("FAILURES", "consecutive_failures"),
            ("OWNER", "owner"),
            ("SUMMARY", "summary"),
        ],
    ),
    (
        "MissedRun",
        &[
            ("MISSED RUN", "due_time"),
            ("RESOURCE", "resource_arn"),
            ("PLAN", "plan_name"),
            ("RULE", "rule_name"),
            ("JOB", "job_id"),
            ("FINDING", "finding"),
        ],
    ),
    ("FindingCount", &[("CODE", "code"), ("DATABASES", "count")]),
    ("CoveringRule", &[("PLAN", "plan_name"), ("RULE", "rule_name"), ("VAULT", "vault_name"), ("PLAN ID", "plan_id")]),
    ("Finding", &[("SEVERITY", "severity"), ("CODE", "code"), ("MESSAGE", "message"), ("ACTION", "action")]),
    (
        "LegalHold",
        &[
            ("TITLE", "title"),
            ("ID", "id"),
            ("STATE", "state_text|state"),
            ("CREATED", "create_time"),
            ("CANCELLED", "cancel_time"),
        ],
    ),
    (
        "HeldRecoveryPoint",
        &[("RECOVERY POINT", "arn"), ("RESOURCE", "resource_arn"), ("TYPE", "resource_type"), ("VAULT", "vault_name")],
    ),
    (
        "RetentionClash",
        &[("PLAN", "plan_name|plan_id"), ("RULE", "rule_name"), ("COPY", "copy_action"), ("CLASH", "message")],
    ),
    ("UndeletedRecoveryPoint", &[("RECOVERY POINT", "recovery_point_arn"), ("WHY", "message")]),
    (
        "ScheduledRun",
        &[
            ("LOCAL TIME", "local_time"),
            ("TIME", "time"),
            ("STARTS BY", "start_by_time"),
            ("OVERRULED", "overruled"),
            ("NOTE", "note"),
        ],
    ),
    (
        "PreviewedResource",
        &[
            ("SELECTED", "selected"),
            ("NAME", "name|arn"),
            ("TYPE", "resource_type"),
            ("TAGS", "tags"),
            ("WHY", "mismatches|selected_by"),
        ],
    ),
    (
        "RuleCoverage",
        &[
            ("PLAN", "plan_name|plan_id"),
            ("RULE", "rule_name"),
            ("SELECTION", "selection_name"),
            ("VAULT", "vault_name"),
            ("LAST RUN", "last_run_time"),
            ("NEXT RUN", "next_run_time"),
            ("KEPT", "lifecycle"),
            ("CONTINUOUS", "continuous"),
            ("OVERRULED", "overruled"),
        ],
    ),
    ("NearMiss", &[("PLAN", "plan_name|plan_id"), ("SELECTION", "selection_name|selection_id"), ("WHY", "mismatches")]),
    (
        "AuditEvent",
        &[
            ("BEGAN", "begin_time"),
            ("CALLER", "principal.name"),
            ("ACTION", "action"),
            ("ABOUT", "resources"),
            ("OUTCOME", "outcome"),
            ("REASON", "reason"),
            ("DETECTIONS", "detections"),
        ],
    ),
    ("RoleNeed", &[("TYPE", "resource_type"), ("RESTORE", "restore"), ("MISSING", "missing_policy_arns")]),
    ("RoleChange", &[("CODE", "code"), ("MESSAGE", "message")]),
];

/// The columns of the things that a field holds.
pub(super) fn of(field: &FieldDescriptor) -> Option<&'static [Column]> {
    let Kind::Message(kind) = field.kind() else { return None };
    COLUMNS.iter().find(|(name, _)| *name == short(kind.full_name())).map(|(_, columns)| *columns)
}

/// Every message that has columns.
#[cfg(test)]
pub(super) fn all() -> &'static [(&'static str, &'static [Column])] {
    COLUMNS
}
