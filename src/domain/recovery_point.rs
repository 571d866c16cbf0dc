//! Recovery points (docs/aws-backup-semantics.md, sections 1.10, 3.5 and 5.4).

use jiff::Timestamp;

use super::{Arn, Lifecycle, Period, Scope, VaultName, Warning};

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

/// A recovery point as AWS has it. What AWS does not say is blank, absent or 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryPoint {
    /// ARN; for RDS the snapshot's.
    pub arn: String,
    /// Account and region of its vault.
    pub scope: Scope,
    /// Its vault.
    pub vault_name: String,
    /// ARN of its vault.
    pub vault_arn: String,
    /// What was backed up.
    pub resource_arn: String,
    /// AWS's word.
    pub resource_type: String,
    /// Display name.
    pub resource_name: String,
    /// Whether it can be used.
    pub state: RecoveryPointState,
    /// AWS's explanation.
    pub status_message: String,
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
    pub backup_size_bytes: i64,
    /// KMS key.
    pub encryption_key_arn: String,
    /// The role that made it and that deletes it.
    pub role_arn: String,
    /// AWS's word.
    pub storage_class: String,
    /// When it was last restored.
    pub last_restore_at: Option<Timestamp>,
    /// The plan and rule that made it.
    pub created_by: Option<PlanOrigin>,
    /// The vault it was copied from.
    pub source_vault_arn: String,
}

impl RecoveryPoint {
    /// Whether it is restorable to any second of its window. Its ARN tells `[Q]`.
    pub fn is_continuous(&self) -> bool {
        is_continuous(&self.arn)
    }

    /// What will surprise about the lifecycle that it is to have.
    pub fn lifecycle_warnings(&self, lifecycle: &Lifecycle, now: Timestamp) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let database = Arn::parse(&self.resource_arn).is_ok_and(|arn| arn.service() == "rds");
        if lifecycle.cold_after_days.is_some() && database {
            warnings.push(Warning {
                code: "COLD_STORAGE_IGNORED",
                message: "RDS has no cold storage: AWS ignores move_to_cold_storage_after_days".to_owned(),
                field: "lifecycle.move_to_cold_storage_after_days".to_owned(),
            });
        }
        let delete_at = self.created_at.and_then(|created| lifecycle.delete_at(created));
        if let Some(at) = delete_at.filter(|at| *at <= now) {
            warnings.push(Warning {
                code: "DELETE_TIME_IN_PAST",
                message: format!(
                    "the retention is counted from the backup's creation and was over at {at}: AWS deletes the recovery \
                     point at its next opportunity"
                ),
                field: "lifecycle.delete_after_days".to_owned(),
            });
        }
        warnings
    }

    /// What will surprise when a continuous point is given back to its service.
    pub fn disassociation_warnings(&self) -> Vec<Warning> {
        let Some(origin) = &self.created_by else { return Vec::new() };
        vec![Warning {
            code: "RULE_CONTINUES_BACKUP",
            message: format!(
                "rule {} of plan {} made it and makes a new continuous recovery point at its next run, unless the rule or \
                 the selection is changed before",
                or(&origin.rule_name, &origin.rule_id),
                or(&origin.plan_name, &origin.plan_id)
            ),
            field: String::new(),
        }]
    }
}

fn or<'t>(name: &'t str, id: &'t str) -> &'t str {
    if name.is_empty() { id } else { name }
}

/// `arn:aws:backup:REGION:ACCOUNT:recovery-point:continuous:…` `[Q]`.
pub(super) fn is_continuous(arn: &str) -> bool {
    Arn::parse(arn).is_ok_and(|arn| {
        arn.service() == "backup"
            && arn.resource_of_kind("recovery-point").is_some_and(|id| id.starts_with("continuous:"))
    })
}

/// Which recovery points a list has.
#[derive(Debug, Clone)]
pub enum RecoveryPointQuery {
    /// Those in a vault that fit every filter.
    InVault {
        /// The vault.
        vault: VaultName,
        /// Of this resource.
        resource: Option<Arn>,
        /// Of resources of this type.
        resource_type: Option<String>,
        /// Made by this plan.
        plan_id: Option<String>,
        /// Taken in this time.
        created: Period,
        /// Parts of this composite point.
        parent: Option<Arn>,
    },
    /// Those of a resource, in any vault.
    OfResource {
        /// The resource.
        resource: Arn,
        /// Whether snapshots that its own service made are left out.
        managed_by_backup_only: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
