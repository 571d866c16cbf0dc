//! What is said of fields whose own name, kind or comment would not do for a flag.

use super::flags::Form;

/// How a field is told on the command line.
pub(super) struct Named {
    pub(super) flag: &'static str,
    pub(super) form: Option<Form>,
    pub(super) help: Option<&'static str>,
}

/// What the flag of a repeated field is called: it gives one of the things each time, where the field is called as all.
pub(super) const EACH: &[(&str, &str)] = &[
    ("advanced_backup_settings", "advanced-backup-setting"),
    ("causes", "cause"),
    ("events", "event"),
    ("excluded_resources", "excluded-resource"),
    ("finding_codes", "finding-code"),
    ("group_by", "group-by"),
    ("groups", "group"),
    ("index_resource_types", "index-resource-type"),
    ("job_kinds", "job-kind"),
    ("kinds", "kind"),
    ("recovery_point_tags", "recovery-point-tag"),
    ("resource_type_management", "resource-type-management"),
    ("resource_type_opt_in", "resource-type-opt-in"),
    ("resource_types", "resource-type"),
    ("resources", "resource"),
    ("scan_actions", "scan-action"),
    ("scan_settings", "scan-setting"),
    ("settings", "setting"),
    ("states", "state"),
    ("tag_keys", "tag-key"),
    ("tags", "tag"),
    ("vaults", "vault"),
    ("verdicts", "verdict"),
    ("vpc_security_group_ids", "vpc-security-group-id"),
];

/// The flag of a repeated field, whichever message it is of.
pub(super) fn each(field: &str) -> Option<&'static str> {
    EACH.iter().find(|(of, _)| *of == field).map(|(_, flag)| *flag)
}

/// Without an entry, a flag is called as `each` says or as its field, and takes what the field's kind is.
pub(super) fn named(message: &str, field: &str) -> Option<Named> {
    let flag = |flag| Named { flag, form: None, help: None };
    Some(match (message, field) {
        ("Lifecycle", "retention") => Named {
            flag: "keep-forever",
            form: Some(Form::Fixed("RETENTION_FOREVER")),
            help: Some("Keep for ever: nothing is deleted. Nothing defaults to it."),
        },
        ("Lifecycle", "delete_after_days") => flag("keep-days"),
        ("Lifecycle", "move_to_cold_storage_after_days") => flag("cold-storage-after-days"),
        // A rule that is there can have it switched off.
        ("Lifecycle", "archive_ebs_snapshots") => Named { form: Some(Form::Choice), ..flag("archive-ebs-snapshots") },
        ("Rule", "name") => Named {
            help: Some(
                "Name of the rule. A new plan's is called as the plan; of a plan's only rule it need not be said.",
            ),
            ..flag("rule")
        },
        ("Rule", "schedule") => Named { form: Some(Form::Cron), ..flag("cron") },
        ("Rule", "schedule_timezone") => flag("timezone"),
        ("Rule", "copy_actions") => Named {
            flag: "copy-to",
            form: Some(Form::CopyTo),
            help: Some(
                "ARN or name of a vault that each recovery point is copied to, kept there as long. Can be repeated.",
            ),
        },
        ("Rule", "enable_continuous_backup") => Named { form: Some(Form::Choice), ..flag("continuous") },
        ("PointInTime", "time") => Named {
            help: Some("The time to restore to, within the restorable window, to the second. Without it, the latest."),
            ..flag("at")
        },
        // The zone of an instance is one, and has the flag of that name.
        ("RdsClusterRestore", "availability_zones") => flag("cluster-availability-zone"),
        ("SetVaultAccessPolicyRequest", "policy") => Named {
            flag: "policy-file",
            form: Some(Form::File),
            help: Some("File with the policy, a JSON document; - for standard input."),
        },
        _ => return None,
    })
}

/// What the flags of a span of time begin with: `--created-after` and `--created-before` for `create_time`. Without an
/// entry, it is the field's name.
pub(super) fn interval(message: &str, field: &str) -> Option<&'static str> {
    Some(match (message, field) {
        ("JobFilter" | "ListRecoveryPointsRequest" | "RecoveryPointSelection", "create_time") => "created",
        ("JobFilter", "completion_time") => "completed",
        _ => return None,
    })
}

/// Conditions on tags, one flag an operator.
pub(super) const CONDITIONS: &[(&str, &str, &str)] = &[
    ("tag", "OPERATOR_EQUALS", "The tag is there with exactly this value"),
    ("tag-not", "OPERATOR_NOT_EQUALS", "The tag is missing or has another value"),
    ("tag-like", "OPERATOR_LIKE", "The tag is there and its value fits the pattern, such as prod*"),
    ("tag-not-like", "OPERATOR_NOT_LIKE", "The tag is missing or its value does not fit the pattern"),
];

/// What the proto asks for and a command does without: it has a name for the rule of a new plan, and a preview of rules
/// that are not saved needs no vault.
pub(super) const DISPENSABLE: &[(&str, &str)] = &[("Rule", "name"), ("UnsavedRules", "rules")];
