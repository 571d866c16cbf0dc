//! What a call changes, with the values before and after: for the record of what callers did.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Most values that are kept of one call; a vault can hold thousands of recovery points.
const MOST: usize = 64;

/// Written to by whatever changes something.
#[derive(Debug, Default)]
pub struct Changes(Mutex<Noted>);

/// What was noted.
#[derive(Debug, Clone, Default)]
pub struct Noted {
    pub changed: Vec<Changed>,
    pub detection: Option<Detection>,
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
        let mut noted = self.noted();
        if noted.changed.len() < MOST {
            noted.changed.push(changed);
        }
    }

    /// A call is known by the last deed that was found in it: what a deletion is for comes after what it takes away first.
    pub(in crate::aws) fn detect(&self, detection: Detection) {
        self.noted().detection = Some(detection);
    }

    /// What there is so far.
    pub fn so_far(&self) -> Noted {
        self.noted().clone()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
