//! What a call changes, with the values before and after: for the record of what callers did.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Most bytes of values that are kept of one call, as JSON: some two thousand recovery points of a vault that is deleted with
/// what it holds. What is left out is counted.
const MOST: usize = 1 << 20;

/// Written to by whatever changes something.
#[derive(Debug, Default)]
pub struct Changes(Mutex<Noted>);

/// What was noted.
#[derive(Debug, Clone, Default)]
pub struct Noted {
    pub changed: Vec<Changed>,
    /// Values beyond those that are kept.
    pub left_out: u64,
    /// Each once, in the order in which they were found.
    pub detections: Vec<Detection>,
    /// Of what is kept.
    bytes: usize,
}

/// A value; absent: there was none, or it is not known.
#[derive(Debug, Clone)]
pub struct Changed {
    pub subject: String,
    pub field: &'static str,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// What public detection rules look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detection {
    RecoveryPointDeleted,
    RecoveryPointDisassociated,
    VaultDeleted,
    VaultLockRemoved,
    PlanDeleted,
    SelectionDeleted,
    VaultPolicySet,
    VaultPolicyDeleted,
    PointKeptShorter,
    PlanKeepsShorter,
    NotificationsFewer,
    NotificationsDeleted,
    LegalHoldCancelled,
}

impl Detection {
    /// AWS's own name of the deed, by which rules for CloudTrail find it.
    pub fn event_name(self) -> &'static str {
        match self {
            Self::RecoveryPointDeleted => "DeleteRecoveryPoint",
            Self::RecoveryPointDisassociated => "DisassociateRecoveryPoint",
            Self::VaultDeleted => "DeleteBackupVault",
            Self::VaultLockRemoved => "DeleteBackupVaultLockConfiguration",
            Self::PlanDeleted => "DeleteBackupPlan",
            Self::SelectionDeleted => "DeleteBackupSelection",
            Self::VaultPolicySet => "PutBackupVaultAccessPolicy",
            Self::VaultPolicyDeleted => "DeleteBackupVaultAccessPolicy",
            Self::PointKeptShorter => "UpdateRecoveryPointLifecycle",
            Self::PlanKeepsShorter => "UpdateBackupPlan",
            Self::NotificationsFewer => "PutBackupVaultNotifications",
            Self::NotificationsDeleted => "DeleteBackupVaultNotifications",
            Self::LegalHoldCancelled => "CancelLegalHold",
        }
    }
}

impl Changes {
    pub(in crate::aws) fn note(&self, changed: Changed) {
        let values = [&changed.old, &changed.new].into_iter().flatten().map(|value| value.to_string().len());
        let bytes = changed.subject.len() + values.sum::<usize>();
        let mut noted = self.noted();
        if noted.bytes + bytes > MOST {
            noted.left_out += 1;
        } else {
            noted.bytes += bytes;
            noted.changed.push(changed);
        }
    }

    /// A call can be several: a vault that is deleted with its recovery points.
    pub(in crate::aws) fn detect(&self, detection: Detection) {
        let mut noted = self.noted();
        if !noted.detections.contains(&detection) {
            noted.detections.push(detection);
        }
    }

    /// What there is so far.
    pub fn so_far(&self) -> Noted {
        self.noted().clone()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_of_many_values_is_counted_and_every_detection_is_told_once() {
        let changes = Changes::default();
        let deleted = |arn: usize| Changed {
            subject: arn.to_string(),
            field: "recovery_point",
            old: Some("x".repeat(1000).into()),
            new: None,
        };
        (0..2000).for_each(|arn| changes.note(deleted(arn)));
        for detection in [Detection::RecoveryPointDeleted, Detection::VaultDeleted, Detection::RecoveryPointDeleted] {
            changes.detect(detection);
        }
        let noted = changes.so_far();
        assert_eq!(noted.changed.len() as u64 + noted.left_out, 2000);
        assert!((1000..1100).contains(&noted.changed.len()), "{}", noted.changed.len());
        assert_eq!(noted.detections, [Detection::RecoveryPointDeleted, Detection::VaultDeleted]);
    }
}
