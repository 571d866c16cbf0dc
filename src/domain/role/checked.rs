//! What a dry run tells of the role that the call would hand to AWS Backup.

use jiff::{SignedDuration, Timestamp};

use super::{RoleState, ServedTypes, Trust};
use crate::domain::{Finding, Noun, Refusal, RefusalKind, ResourceType, Unseen, restore_checks::not_checked};

/// A role that a change hands to AWS Backup, as far as it was looked at.
#[derive(Debug, Clone)]
pub struct CheckedRole {
    /// Its ARN.
    pub arn: String,
    /// As IAM has it; absent: it was not looked at, or could not be.
    pub state: Option<RoleState>,
    /// Why not all of it could be seen: without a state nothing, with one its policies.
    pub unread: Option<Unseen>,
}

impl CheckedRole {
    /// One that was not looked at.
    pub fn unseen(arn: String) -> Self {
        Self { arn, state: None, unread: None }
    }

    /// An error where the call would end in one: AWS Backup may not assume the role.
    pub fn refused(&self) -> Result<(), Refusal> {
        self.state.as_ref().and_then(RoleState::not_assumable).map_or(Ok(()), Err)
    }

    /// What lets the backups and copies of the type fail that are made with it; without a type, those of most.
    pub fn findings(&self, of: Option<ResourceType>) -> Vec<Finding> {
        let mut findings = match (&self.state, &self.unread) {
            (Some(state), None) => {
                let served = of.map(ServedTypes::of).unwrap_or_default();
                state.findings_of_jobs(&served, false)
            }
            (Some(state), Some(_)) => state.trust_finding().into_iter().collect(),
            (None, _) => Vec::new(),
        };
        if let Some(why) = &self.unread {
            findings.push(not_checked(&format!("role {}", self.arn), RoleState::PERMISSIONS, why));
        }
        findings.into_iter().map(|finding| finding.as_warning().at("role")).collect()
    }
}

impl RoleState {
    /// What it takes to look at one.
    pub const PERMISSIONS: &str = "iam:GetRole, iam:ListAttachedRolePolicies and iam:ListRolePolicies";

    /// Whether IAM has told it everywhere by now: for some seconds after it was made, it may not have `[T]`.
    pub fn is_settled(&self, now: Timestamp) -> bool {
        self.created_at.is_none_or(|created| now.duration_since(created) >= SignedDuration::from_mins(2))
    }

    /// The refusal of what hands the role to AWS Backup, where its trust policy plainly does not let that assume it: no wait
    /// for IAM mends that.
    pub fn not_assumable(&self) -> Option<Refusal> {
        let plain = matches!(self.trust, Trust::Missing | Trust::Denied);
        let finding = self.trust_finding().filter(|_| plain)?;
        let message = format!("AWS Backup cannot assume the role: {}; {}", finding.message, finding.action);
        Some(Refusal::of(RefusalKind::RoleNotAssumable, Noun::Role, &self.arn, message))
    }

    /// The refusal of what hands the role to AWS Backup, which says that the role may not do something, where it lacks the
    /// policy that lets it. One that has the policy may have got it just now.
    pub fn lacks_policy(&self, said: &str) -> Option<Refusal> {
        let found = self.findings_of_jobs(&ServedTypes::default(), false);
        let finding = found.into_iter().find(|finding| finding.code == "BACKUP_POLICY_MISSING")?;
        let message = format!("{}; {}; AWS says: {said}", finding.message, finding.action);
        Some(Refusal::of(RefusalKind::RoleNotAssumable, Noun::Role, &self.arn, message))
    }
}
