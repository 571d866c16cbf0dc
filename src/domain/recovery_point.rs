//! Recovery points (docs/aws-backup-semantics.md, sections 1.10, 3.5 and 5.4).

pub mod continuous_end;

use jiff::Timestamp;

use super::{
    Arn, Finding, JobOrigin, Lifecycle, Period, PlanRef, ResourceRef, ResourceType, Retention, Scope, Unseen,
    VaultName, etag::etag,
};

/// A recovery point as a request names it: AWS looks for it in its vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointInVault {
    /// The vault that holds it.
    pub vault: VaultName,
    /// Its ARN, which no name stands for.
    pub arn: Arn,
}

/// A recovery point to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRecoveryPoint {
    /// Which.
    pub point: PointInVault,
    /// Whether one that is not there is as good as deleted.
    pub allow_missing: bool,
}

/// A recovery point that is to have another lifecycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateLifecycle {
    /// Which.
    pub point: PointInVault,
    /// The whole new lifecycle.
    pub lifecycle: Lifecycle,
    /// What was read, if the change is for that alone.
    pub etag: Option<String>,
}

/// The plan and rule that made a job or recovery point.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanOrigin {
    /// Id of the plan.
    pub plan_id: String,
    /// ARN of the plan.
    pub plan_arn: String,
    /// Name of the plan.
    pub plan_name: String,
    /// Version of the plan at that time.
    pub plan_version: String,
    /// Id of the rule.
    pub rule_id: String,
    /// Name of the rule.
    pub rule_name: String,
    /// The rule's schedule.
    pub schedule: String,
    /// The schedule's time zone.
    pub timezone: String,
}

impl PlanOrigin {
    /// What the rule is known by: its id; of what is old AWS may tell the name alone.
    pub fn rule(&self) -> &str {
        if self.rule_id.is_empty() { &self.rule_name } else { &self.rule_id }
    }
}

/// Whether a recovery point can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecoveryPointState {
    /// Its job is running.
    Creating,
    /// Usable.
    Completed,
    /// Usable; AWS's word for continuous ones.
    Available,
    /// Some parts are missing.
    Partial,
    /// AWS could not delete it when its time was over.
    Expired,
    /// No longer continued.
    Stopped,
    /// Being deleted.
    Deleting,
    /// A word that AWS added later, as it is.
    Unknown(String),
}

impl RecoveryPointState {
    /// Reads AWS's word.
    pub fn of_word(word: &str) -> Self {
        match word {
            "CREATING" => Self::Creating,
            "COMPLETED" => Self::Completed,
            "AVAILABLE" => Self::Available,
            "PARTIAL" => Self::Partial,
            "EXPIRED" => Self::Expired,
            "STOPPED" => Self::Stopped,
            "DELETING" => Self::Deleting,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// AWS's word.
    pub fn word(&self) -> &str {
        match self {
            Self::Creating => "CREATING",
            Self::Completed => "COMPLETED",
            Self::Available => "AVAILABLE",
            Self::Partial => "PARTIAL",
            Self::Expired => "EXPIRED",
            Self::Stopped => "STOPPED",
            Self::Deleting => "DELETING",
            Self::Unknown(word) => word,
        }
    }
}

/// A recovery point as AWS has it. What AWS does not say is `None`: its lists leave much out, and must not be taken to
/// say that it is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryPoint {
    /// ARN; for RDS the snapshot's.
    pub arn: String,
    /// Account and region of its vault.
    pub scope: Scope,
    /// Its vault.
    pub vault_name: Option<String>,
    /// ARN of its vault.
    pub vault_arn: Option<String>,
    /// What was backed up.
    pub resource_arn: Option<String>,
    /// AWS Backup's name of its type.
    pub resource_type: Option<ResourceType>,
    /// Display name.
    pub resource_name: Option<String>,
    /// Whether it can be used.
    pub state: RecoveryPointState,
    /// AWS's explanation.
    pub status_message: Option<String>,
    /// When the backup was taken.
    pub created_at: Option<Timestamp>,
    /// When its job ended.
    pub completed_at: Option<Timestamp>,
    /// When it will be deleted.
    pub delete_at: Option<Timestamp>,
    /// When it will move to cold storage.
    pub cold_at: Option<Timestamp>,
    /// The lifecycle it was made with.
    pub lifecycle: Option<Lifecycle>,
    /// AWS tells 0 for RDS.
    pub backup_size_bytes: Option<i64>,
    /// KMS key.
    pub encryption_key_arn: Option<String>,
    /// The role that made it and that deletes it.
    pub role_arn: Option<String>,
    /// AWS's word.
    pub storage_class: Option<String>,
    /// When it was last restored.
    pub last_restore_at: Option<Timestamp>,
    /// What made it, where AWS says.
    pub created_by: Option<JobOrigin>,
    /// The vault it was copied from.
    pub source_vault_arn: Option<String>,
}

impl RecoveryPoint {
    /// A recovery point of which nothing else is known: each answer of AWS fills in what it tells.
    pub fn blank(arn: String, scope: Scope) -> Self {
        Self {
            arn,
            scope,
            vault_name: None,
            vault_arn: None,
            resource_arn: None,
            resource_type: None,
            resource_name: None,
            state: RecoveryPointState::Unknown(String::new()),
            status_message: None,
            created_at: None,
            completed_at: None,
            delete_at: None,
            cold_at: None,
            lifecycle: None,
            backup_size_bytes: None,
            encryption_key_arn: None,
            role_arn: None,
            storage_class: None,
            last_restore_at: None,
            created_by: None,
            source_vault_arn: None,
        }
    }

    /// Whether it is restorable to any second of its window. Its ARN tells `[Q]`; `None`: it cannot be read.
    pub fn continuous(&self) -> Option<bool> {
        Arn::parse(&self.arn).is_ok().then(|| is_continuous(&self.arn))
    }

    /// Whether it is known to be restorable to any second of its window.
    pub fn is_continuous(&self) -> bool {
        self.continuous() == Some(true)
    }

    /// Tells whether the lifecycle is still the one that was read; `None` where AWS does not tell it.
    pub fn etag(&self) -> Option<String> {
        let lifecycle = self.lifecycle.as_ref()?;
        let days = |days: Option<u16>| days.map_or_else(String::new, |days| days.to_string());
        let kept = match lifecycle.retention {
            Retention::Days(kept) => days(Some(kept)),
            Retention::Forever => String::new(),
        };
        let archive = lifecycle.archive_ebs_snapshots.to_string();
        let event = lifecycle.delete_after_event.as_deref().unwrap_or_default();
        Some(etag([self.arn.as_str(), &kept, &days(lifecycle.cold_after_days), &archive, event]))
    }

    /// The rule of a plan that made it, if one is known to have.
    pub fn plan_origin(&self) -> Option<&PlanOrigin> {
        match self.created_by.as_ref()? {
            JobOrigin::Plan(origin) => Some(origin),
            JobOrigin::RestoreTesting { .. } => None,
        }
    }

    /// The point as it will be with that lifecycle. AWS counts from the backup's creation `[M]`.
    #[must_use]
    pub fn with_lifecycle(self, lifecycle: &Lifecycle) -> Self {
        Self {
            delete_at: self.created_at.and_then(|created| lifecycle.delete_at(created)),
            cold_at: self.created_at.and_then(|created| lifecycle.cold_at(created)),
            lifecycle: Some(lifecycle.clone()),
            ..self
        }
    }

    /// Whether a lifecycle that AWS tells is the one that was asked for, but for what AWS does not do for the type: cold
    /// storage where there is none, and the archive of what is no EBS volume `[M]`.
    pub fn has(&self, told: &Lifecycle, asked: &Lifecycle) -> bool {
        let of = self.type_of_resource();
        let warm = of.as_ref().is_some_and(|of| !of.has_cold_storage());
        let volume = of.is_none_or(|of| of.as_str() == "EBS");
        told.retention == asked.retention
            && (warm || told.cold_after_days == asked.cold_after_days)
            && (!volume || told.archive_ebs_snapshots == asked.archive_ebs_snapshots)
    }

    /// The type of what was backed up: as AWS tells it, or else by the ARN.
    pub fn type_of_resource(&self) -> Option<ResourceType> {
        let by_arn = || ResourceType::of_arn(&Arn::parse(self.resource_arn.as_deref()?).ok()?);
        self.resource_type.clone().or_else(by_arn)
    }

    /// What will surprise about the lifecycle that it is to have, while that keeps it. AWS takes a lifecycle of what a
    /// legal hold keeps `[U]`, and acts on it once the hold is cancelled `[D]`.
    pub fn lifecycle_findings(&self, lifecycle: &Lifecycle, now: Timestamp, kept: &KeptByHold) -> Vec<Finding> {
        let cold = lifecycle.cold_storage_ignored(self.type_of_resource().as_ref());
        let mut findings: Vec<Finding> = cold.into_iter().collect();
        let delete_at = self.created_at.and_then(|created| lifecycle.delete_at(created));
        if let Some(at) = delete_at.filter(|at| *at <= now) {
            let when = match kept {
                KeptByHold::No => "at its next opportunity".to_owned(),
                KeptByHold::Yes(hold) => format!("once legal hold {hold} is cancelled, and no other keeps it"),
                KeptByHold::NotChecked(_) => "at its next opportunity, unless a legal hold keeps it".to_owned(),
            };
            let message = format!(
                "the retention is counted from the backup's creation and was over at {at}: AWS deletes the recovery \
                 point {when}"
            );
            let past = Finding::warning("DELETE_TIME_IN_PAST", message, "");
            findings.push(past.at("lifecycle.delete_after_days"));
        }
        let waits = matches!(lifecycle.retention, Retention::Days(_)) || lifecycle.cold_after_days.is_some();
        findings.extend(kept.finding().filter(|_| waits));
        findings
    }
}

/// Whether a legal hold keeps a recovery point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptByHold {
    /// None does.
    No,
    /// This one does, for a sentence.
    Yes(String),
    /// Nobody knows.
    NotChecked(Unseen),
}

impl KeptByHold {
    fn finding(&self) -> Option<Finding> {
        let found = match self {
            Self::No => return None,
            Self::Yes(hold) => {
                let message = format!(
                    "legal hold {hold} keeps the recovery point: whatever its lifecycle says, AWS neither deletes it nor \
                     moves it to cold storage until the hold is cancelled"
                );
                Finding::warning("LIFECYCLE_WAITS_FOR_HOLD", message, "call CancelLegalHold, if it may go")
            }
            Self::NotChecked(unseen) => {
                let unknown = "while one does, AWS neither deletes it nor moves it to cold storage";
                let permissions = "backup:ListLegalHolds and backup:ListRecoveryPointsByLegalHold";
                let action = unseen.action(permissions, "see the holds with ListLegalHolds");
                unseen.not_checked("whether a legal hold keeps the recovery point", unknown, action)
            }
        };
        Some(found.at("recovery_point"))
    }
}

fn or<'t>(name: &'t str, id: &'t str) -> &'t str {
    if name.is_empty() { id } else { name }
}

/// `arn:aws:backup:REGION:ACCOUNT:recovery-point:continuous:…` `[Q]`.
pub fn is_continuous(arn: &str) -> bool {
    Arn::parse(arn).is_ok_and(|arn| {
        arn.service() == "backup"
            && arn.resource_of_kind("recovery-point").is_some_and(|id| id.starts_with("continuous:"))
    })
}

/// Which recovery points a list has.
#[derive(Debug, Clone)]
pub enum RecoveryPointQuery {
    /// Those in a vault, or in any, that fit every filter.
    InVaults(Box<PointFilter>),
    /// Those of a resource, wherever they are, as AWS lists them by resource.
    OfResource {
        /// The resource.
        resource: ResourceRef,
        /// Whether snapshots that its own service made are left out.
        managed_by_backup_only: bool,
    },
}

/// What recovery points in vaults are listed by; absent: any.
#[derive(Debug, Clone)]
pub struct PointFilter {
    /// The vault; `None`: every vault, in the order of their names.
    pub vault: Option<VaultName>,
    /// Of this resource.
    pub resource: Option<ResourceRef>,
    /// Of resources of this type.
    pub resource_type: Option<ResourceType>,
    /// Made by this plan.
    pub plan: Option<PlanRef>,
    /// Taken in this time.
    pub created: Period,
    /// Parts of this composite point.
    pub parent: Option<Arn>,
}

impl RecoveryPointQuery {
    /// The type, with the field that names it.
    pub fn named_types(&self) -> Vec<(String, &ResourceType)> {
        match self {
            Self::InVaults(filter) => {
                filter.resource_type.iter().map(|of_type| ("resource_type".to_owned(), of_type)).collect()
            }
            Self::OfResource { .. } => Vec::new(),
        }
    }

    /// A span of time in which no recovery point can have been made; `now` is AWS's time.
    pub fn interval_finding(&self, now: Timestamp) -> Option<Finding> {
        match self {
            Self::InVaults(filter) => filter.created.findings("create_time", now),
            Self::OfResource { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RegionName};

    #[test]
    fn a_continuous_point_is_told_by_its_arn() {
        assert!(is_continuous("arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:db-abc-0123"));
        for other in [
            "arn:aws:backup:us-east-1:123456789012:recovery-point:0f3c7a50-7d5e-4d3c-8c0f-0c1d2e3f4a5b",
            "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1",
        ] {
            assert!(!is_continuous(other), "{other}");
        }
    }
    #[test]
    fn the_etag_changes_with_the_lifecycle_alone_and_is_unknown_where_that_is() {
        let scope = Scope { account: AccountId::example(), region: RegionName::parse("us-east-1").unwrap() };
        let silent = RecoveryPoint::blank("arn".to_owned(), scope);
        assert_eq!(silent.etag(), None);
        let of = |lifecycle: Lifecycle| silent.clone().with_lifecycle(&lifecycle).etag().unwrap();
        let lifecycles = [
            Lifecycle::FOREVER,
            Lifecycle::DEFAULT,
            Lifecycle { cold_after_days: Some(35), ..Lifecycle::FOREVER },
            Lifecycle { archive_ebs_snapshots: true, ..Lifecycle::FOREVER },
            Lifecycle { delete_after_event: Some("DELETE_AFTER_COPY".to_owned()), ..Lifecycle::FOREVER },
        ];
        let etags: std::collections::BTreeSet<String> = lifecycles.iter().cloned().map(of).collect();
        assert_eq!(etags.len(), lifecycles.len());
        let busy = RecoveryPoint { state: RecoveryPointState::Deleting, ..silent.clone() };
        assert_eq!(busy.with_lifecycle(&Lifecycle::DEFAULT).etag().unwrap(), of(Lifecycle::DEFAULT));
    }
}
