//! Incidents: what goes wrong without anybody being told. There is one for each resource and cause; it is closed when the cause
//! is gone, and whoever looks after it may say so before.

mod vault;

use jiff::Timestamp;

pub use self::vault::VaultPicture;
use super::{Finding, Job, JobId, JobKind, JobState, MissedRun, Scope};

/// What an incident is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Jobs of the resource fail.
    JobFailed,
    /// They do not begin, or do not end, in their window.
    JobExpired,
    /// Parts of them fail.
    JobPartial,
    /// They complete, and AWS has something to say about it.
    JobCompletedWithIssues,
    /// Recovery points of the resource were deleted by others, before their time.
    RecoveryPointDeleted,
    /// Recovery points of the resource are to be deleted earlier than they were, and others wanted that.
    RetentionShortened,
    /// The vault's lock was taken off or weakened by others.
    VaultLockWeakened,
    /// The vault's access policy was changed by others.
    VaultPolicyChanged,
    /// Others switched off what the vault told a topic.
    VaultNotificationsOff,
    /// Runs of rules that cover the resource left no job.
    RunMissed,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::JobFailed,
        Self::JobExpired,
        Self::JobPartial,
        Self::JobCompletedWithIssues,
        Self::RecoveryPointDeleted,
        Self::RetentionShortened,
        Self::VaultLockWeakened,
        Self::VaultPolicyChanged,
        Self::VaultNotificationsOff,
        Self::RunMissed,
    ];

    /// What a job that ended so is an incident of; of one that was aborted, or came to a good end, none.
    pub fn of_job(state: &JobState, completed_with_issues: bool) -> Option<Self> {
        match state {
            JobState::Failed => Some(Self::JobFailed),
            JobState::Expired => Some(Self::JobExpired),
            JobState::Partial => Some(Self::JobPartial),
            JobState::Completed if completed_with_issues => Some(Self::JobCompletedWithIssues),
            JobState::Created
            | JobState::Pending
            | JobState::Running
            | JobState::Aborting
            | JobState::Aborted
            | JobState::Completed
            | JobState::Unknown(_) => None,
        }
    }

    /// What of, among the things that incidents are about.
    pub fn about(self) -> About {
        match self {
            Self::JobFailed | Self::JobExpired | Self::JobPartial | Self::JobCompletedWithIssues => About::Jobs,
            Self::RunMissed => About::Runs,
            Self::RecoveryPointDeleted | Self::RetentionShortened => About::Points,
            Self::VaultLockWeakened => About::Lock,
            Self::VaultPolicyChanged => About::Policy,
            Self::VaultNotificationsOff => About::Notifications,
        }
    }

    /// The operations of AWS Backup by which somebody brings it about, as CloudTrail names them.
    pub fn operations(self) -> &'static [&'static str] {
        match self {
            Self::JobFailed | Self::JobExpired | Self::JobPartial | Self::JobCompletedWithIssues | Self::RunMissed => {
                &[]
            }
            Self::RecoveryPointDeleted => &["DeleteRecoveryPoint", "DisassociateRecoveryPoint"],
            Self::RetentionShortened => &["UpdateRecoveryPointLifecycle"],
            Self::VaultLockWeakened => &["DeleteBackupVaultLockConfiguration", "PutBackupVaultLockConfiguration"],
            Self::VaultPolicyChanged => &["DeleteBackupVaultAccessPolicy", "PutBackupVaultAccessPolicy"],
            Self::VaultNotificationsOff => &["DeleteBackupVaultNotifications", "PutBackupVaultNotifications"],
        }
    }

    /// Whether it is over when somebody has acknowledged it: what cannot go away by itself would be open for ever. A restore
    /// that failed is not tried again by anybody's plan.
    pub fn ends_with_acknowledgement(self, kind: Option<JobKind>) -> bool {
        match self.about() {
            About::Points | About::Policy => true,
            About::Jobs => kind == Some(JobKind::Restore),
            About::Lock | About::Notifications | About::Runs => false,
        }
    }
}

/// What incidents are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Jobs of a resource.
    Jobs,
    /// Runs that left none.
    Runs,
    /// Recovery points of a resource.
    Points,
    /// The lock of a vault.
    Lock,
    /// The access policy of a vault.
    Policy,
    /// What a vault tells a topic.
    Notifications,
}

/// How it stands with an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentState {
    /// Nobody looks after it.
    Open,
    /// Somebody does, and the cause is still there.
    Acknowledged,
    /// The cause is gone, or was accepted.
    Closed,
}

impl IncidentState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Closed];
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// What it is one of.
    pub cause: Cause,
    /// Kind of the jobs; of other causes none.
    pub kind: Option<JobKind>,
    /// ARN of what is, or was, backed up; blank where it is about a vault.
    pub resource: String,
    /// ARN of the vault that it is about, or in which it happened last; blank where that is not known.
    pub vault: String,
    /// When it first happened.
    pub opened_at: Timestamp,
    /// When it last happened.
    pub last_at: Timestamp,
    /// When the cause was gone, or accepted.
    pub closed_at: Option<Timestamp>,
    /// How often it happened since the last good end; of jobs [`MOST_COUNTED`] at most are counted.
    pub count: i64,
    /// The job in which it happened last.
    pub job: Option<Job>,
    /// The run that was missed last.
    pub run: Option<MissedRun>,
    /// The recovery points that it happened to last, the last one first.
    pub points: Vec<PointChange>,
    /// The setting of the vault as it was before, and as it was when it happened last; JSON or a word.
    pub change: Option<(String, String)>,
    /// Who did it last, as far as AWS says.
    pub actor: Option<Actor>,
    /// Who looks after it.
    pub acknowledged: Option<Acknowledgement>,
}

/// So many jobs that went wrong are counted.
pub const MOST_COUNTED: usize = 1_000;

/// What happened to a recovery point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointChange {
    /// ARN of the recovery point.
    pub recovery_point: String,
    /// ARN of its vault.
    pub vault: String,
    /// When it was last seen as it had been.
    pub seen_at: Timestamp,
    /// When it was noticed.
    pub noticed_at: Timestamp,
    /// When it was to be deleted, as it had been; none: never, or that is not known.
    pub expires_before: Option<Timestamp>,
    /// When it is to be deleted now; none where it is gone.
    pub expires_after: Option<Timestamp>,
    /// Who did it, as far as AWS says.
    pub actor: Option<Actor>,
}

/// Who did something at AWS, as its CloudTrail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// ARN of who called; of a role, the session's.
    pub caller: String,
    /// By which operation.
    pub operation: String,
    /// When.
    pub at: Timestamp,
}

/// That somebody looks after an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Name of the caller.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What the caller has to say; blank: nothing.
    pub note: String,
}

/// Which incidents are meant. Members combine; of a list one is enough, and an empty one lets everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentQuery {
    /// In one of these accounts and regions.
    pub scopes: Vec<Scope>,
    /// In one of these states.
    pub states: Vec<IncidentState>,
    /// Of one of these causes.
    pub causes: Vec<Cause>,
    /// Of jobs of one of these kinds.
    pub kinds: Vec<JobKind>,
    /// About one of these resources, by ARN.
    pub resources: Vec<String>,
    /// About one of these vaults, or in one of them, by ARN.
    pub vaults: Vec<String>,
}

/// An incident that somebody looks after from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledge {
    /// Which, by id.
    pub incident: String,
    /// What the caller has to say; blank: nothing.
    pub note: String,
}

impl Incident {
    /// How it stands with it.
    pub fn state(&self) -> IncidentState {
        match (&self.closed_at, &self.acknowledged) {
            (Some(_), _) => IncidentState::Closed,
            (None, Some(_)) => IncidentState::Acknowledged,
            (None, None) => IncidentState::Open,
        }
    }

    /// Id of the job in which it happened last.
    pub fn job_id(&self) -> Option<&JobId> {
        self.job.as_ref().map(|job| &job.id)
    }

    /// What surprises whoever acknowledges it.
    pub fn findings_of_acknowledging(&self, by: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(at) = self.closed_at {
            found.push(Finding::info("INCIDENT_CLOSED", format!("the incident was closed at {at}, and stays so")));
        }
        if let Some(before) = self.acknowledged.as_ref().filter(|before| before.by != by) {
            let message = format!("{} looked after the incident since {}: that is taken over", before.by, before.at);
            found.push(Finding::info("INCIDENT_TAKEN_OVER", message));
        }
        found
    }

    /// What happened and what to do about it; of a run that was missed, the run says it.
    pub fn finding(&self) -> Option<Finding> {
        let (vault, resource) = (named(&self.vault), named(&self.resource));
        let points = match self.count {
            1 => "a recovery point".to_owned(),
            count => format!("{count} recovery points"),
        };
        let (before, after) = self.change.clone().unwrap_or_default();
        let who = match &self.actor {
            Some(actor) => format!("AWS says: by {}, {} at {}", actor.caller, actor.operation, actor.at),
            None => "Strongroom was not asked to, and AWS has not told who did it".to_owned(),
        };
        let finding = match self.cause {
            Cause::JobFailed | Cause::JobExpired | Cause::JobPartial | Cause::JobCompletedWithIssues => {
                return self.job.as_ref().and_then(|job| job.findings_of_end().into_iter().next());
            }
            // The run has it.
            Cause::RunMissed => return None,
            Cause::RecoveryPointDeleted => Finding::error(
                "RECOVERY_POINT_DELETED",
                format!("{points} of {resource} in the vault {vault} went before the time was over; {who}"),
                "find out whether that was meant; a vault lock keeps recovery points from being deleted (LockVault)",
            ),
            Cause::RetentionShortened => Finding::error(
                "RETENTION_SHORTENED",
                format!("the retention of {points} of {resource} in the vault {vault} was shortened; {who}"),
                "find out whether that was meant; UpdateRecoveryPointLifecycle makes it longer again",
            ),
            Cause::VaultLockWeakened => Finding::error(
                "VAULT_LOCK_WEAKENED",
                format!("the lock of the vault {vault} was {before} and is {after}; {who}"),
                "find out whether that was meant, and lock the vault again (LockVault)",
            ),
            Cause::VaultPolicyChanged => Finding::warning(
                "VAULT_POLICY_CHANGED",
                format!("the access policy of the vault {vault} is another one; {who}"),
                "compare it with the one before; SetVaultAccessPolicy puts that back, AcknowledgeIncident accepts this one",
            ),
            Cause::VaultNotificationsOff => Finding::warning(
                "VAULT_NOTIFICATIONS_OFF",
                format!("the vault {vault} does not tell its topic any more what it told it; {who}"),
                "find out whether that was meant, and switch them on again (SetVaultNotifications)",
            ),
        };
        Some(finding)
    }
}

/// The last part of an ARN, which people know a thing by.
fn named(arn: &str) -> &str {
    match arn.rsplit_once([':', '/']) {
        Some((_, name)) if !name.is_empty() => name,
        Some(_) | None if arn.is_empty() => "what it was made of",
        Some(_) | None => arn,
    }
}

#[cfg(test)]
mod tests;
