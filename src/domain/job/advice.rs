//! What to do about AWS's explanations, by the families of messages that AWS publishes (docs/aws-backup-semantics.md, section 5.6).

use super::{Job, JobKind};

/// Parts of messages in lower case, and what to do about a message that has one. The more particular ones come first.
const FAMILIES: &[(&[&str], &str)] = &[
    (
        &["cannot be assumed"],
        "call GetServiceRole with the job's role to see what its trust policy lacks; EnsureServiceRole repairs it",
    ),
    (
        &["same organization"],
        "let both accounts be members of one organization, and switch on cross-account backup in AWS Backup's settings there",
    ),
    (
        &["aws managed key", "service managed key"],
        "use a vault and a database with a KMS key of your own for copies to another account",
    ),
    (
        &["copyintobackupvault"],
        "let the access policy of the destination vault allow backup:CopyIntoBackupVault to the account of the source",
    ),
    (
        &["retention specified in the job"],
        "choose a retention within the lock of the vault (GetVault shows its bounds), or another vault",
    ),
    (
        &["maintenance window", "automated backup window"],
        "begin the backup more than an hour before that window of the database, or after it (GetResource shows it); with a \
         continuous backup of the database AWS avoids the conflict itself",
    ),
    (
        &["running job for the same resource", "too many copy jobs"],
        "let the jobs of a resource begin further apart, or give them longer start windows",
    ),
    (
        &["not in state", "not in the available state"],
        "start it again when the database is available: GetResource shows its status",
    ),
    (&["expired before completion"], "give a longer completion window"),
    (&["50 user tags", "50 tags"], "remove tags from the resource or from the rule: AWS allows 50 in all"),
    (
        &["limit exceeded", "cannot create more than", "reached its limit", "maximum concurrent"],
        "delete what is not needed, spread the jobs in time, or have the quota raised",
    ),
    (
        &["kms key", "given key id"],
        "see that the KMS key is enabled and that its key policy lets the job's role use it",
    ),
    (
        &["pitr already configured", "enabling continuous backup failed"],
        "a snapshot was made instead: let one rule alone, into one vault, make continuous backups of the resource",
    ),
    (
        &["not authorized", "access denied", "does not have permission", "missing permission"],
        "call GetServiceRole with the job's role to see which policy it lacks; EnsureServiceRole attaches it",
    ),
    (&["already exists"], "start it again with another identifier"),
    (
        &["does not exist", "could not find", "cannot find", "not found"],
        "see that the resource, the vault and the recovery point that the job names still exist",
    ),
    (
        &["unsupported resource type", "is not supported", "is invalid"],
        "correct what the message names: AWS Backup does not take it for this type of resource",
    ),
    (&["internal error", "fatal error"], "start it again; if it fails again, ask AWS support with the job's id"),
];

/// By AWS's class of the explanation, in lower case, where the words are of no family `[M][U]`.
const CATEGORIES: &[(&str, &str)] = &[
    ("accessdenied", "call GetServiceRole with the job's role to see what it lacks"),
    ("invalidparameters", "correct what the message names and start it again"),
    ("resourcenotfound", "see that what the job names still exists"),
    ("limitexceeded", "have the quota raised, or delete what is not needed"),
    ("conflict", "start it again when nothing else changes the resource"),
];

impl Job {
    /// What to do about AWS's explanation.
    pub(super) fn advice(&self) -> String {
        let lower = |text: &Option<String>| text.as_deref().unwrap_or_default().to_lowercase();
        let (message, category) = (lower(&self.status_message), lower(&self.message_category));
        let family = FAMILIES.iter().find(|(parts, _)| parts.iter().any(|part| message.contains(part)));
        let known = family.map(|(_, advice)| *advice);
        let known =
            known.or_else(|| CATEGORIES.iter().find(|(known, _)| *known == category).map(|(_, advice)| *advice));
        known.map_or_else(
            || match self.kind {
                JobKind::Backup => "read AWS's message and back up again".to_owned(),
                JobKind::Restore => "read AWS's message and restore again".to_owned(),
                JobKind::Copy => "read AWS's message and copy again".to_owned(),
            },
            str::to_owned,
        )
    }
}
