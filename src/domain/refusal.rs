//! What our own rules refuse. What AWS refuses is the adapter's `Failure`.

use std::fmt;

use super::{Finding, Job, RequestId};

/// A request that Strongroom itself refuses, before AWS is asked or by what AWS told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which rule.
    pub kind: RefusalKind,
    /// What the refusal is about.
    pub subject: Option<Subject>,
    /// What is wrong, with which value, and what to do.
    pub message: String,
    /// Of [`RefusalKind::Preflight`] and [`RefusalKind::NotEmpty`]: all that stands in the way, at least one. Otherwise
    /// empty.
    pub obstacles: Vec<Finding>,
}

/// The rules that refuse. Closed: `rpc/status.rs` matches every one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The thing is not there, or not where the request looks for it.
    NotFound,
    /// A thing of that name is there already.
    AlreadyExists,
    /// Several things have the name; only the id tells which is meant.
    Ambiguous,
    /// The request id was used for another request.
    RequestIdReused,
    /// The thing changed since its etag was read.
    EtagMismatch,
    /// The checks before a job found what would make it fail.
    Preflight,
    /// The thing is in a state in which this cannot be done.
    State,
    /// The vault still holds recovery points.
    NotEmpty,
    /// The vault's lock forbids it.
    Locked,
    /// A legal hold keeps it.
    Held,
    /// AWS does not stop such a job, or it has ended.
    NotCancellable,
    /// AWS Backup may not assume the role.
    RoleNotAssumable,
    /// AWS said yes and did not delete.
    NotDeleted,
    /// AWS said yes and did not change.
    NotChanged,
    /// Another call is changing the thing.
    Conflict,
    /// The call does not support this type of resource.
    Unsupported,
    /// The configuration has no way into the account.
    AccountNotReachable,
    /// The configuration does not let requests go to that account or region.
    ScopeNotAllowed,
    /// The request names no region and the server has no default.
    NoRegion,
    /// The page token has the form of one, and no list of this server gave it out.
    PageToken,
}

/// What a refusal or a failure is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What it is.
    pub noun: Noun,
    /// Its name, id or ARN, as asked for.
    pub name: String,
}

/// Things that can be missing, exist already or be in the wrong state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// A backup vault.
    Vault,
    /// A backup plan.
    Plan,
    /// A selection of a plan.
    Selection,
    /// A job of any kind.
    Job,
    /// A recovery point.
    RecoveryPoint,
    /// A database or another resource.
    Resource,
    /// An IAM role.
    Role,
    /// A managed policy of IAM.
    Policy,
    /// A KMS key.
    Key,
    /// An SNS topic.
    Topic,
    /// A legal hold.
    LegalHold,
    /// An AWS account.
    Account,
    /// An incident of the ledger.
    Incident,
    /// An approval of the ledger.
    Approval,
}

impl Refusal {
    /// A refusal of the thing of that name, id or ARN.
    pub fn of(kind: RefusalKind, noun: Noun, name: impl Into<String>, message: impl Into<String>) -> Self {
        let subject = Some(Subject { noun, name: name.into() });
        Self { kind, subject, message: message.into(), obstacles: Vec::new() }
    }

    /// The request names no region and the server has no default.
    pub fn no_region() -> Self {
        let message =
            "the request names no region and the server has no default: set scope.region, or aws.region on the server";
        Self { kind: RefusalKind::NoRegion, subject: None, message: message.to_owned(), obstacles: Vec::new() }
    }

    /// A page token that belongs to its query, though no list gave it out: anybody can write one.
    pub fn page_token() -> Self {
        let message = "is not a token of this server: give the next_page_token of the page before, unchanged";
        Self { kind: RefusalKind::PageToken, subject: None, message: message.to_owned(), obstacles: Vec::new() }
    }

    /// The checks before a job found what would make it fail; nothing was sent. `findings` are all that the checks found,
    /// and `None` is answered when none of them is an obstacle.
    pub fn preflight(noun: Noun, name: &str, findings: &[Finding]) -> Option<Self> {
        let obstacles: Vec<Finding> = findings.iter().filter(|finding| finding.is_obstacle()).cloned().collect();
        let first = obstacles.first()?;
        let message = match obstacles.len() {
            1 => first.message.clone(),
            count => format!("{count} obstacles; the first: {}", first.message),
        };
        Some(Self { obstacles, ..Self::of(RefusalKind::Preflight, noun, name, message) })
    }

    /// A token of idempotency led to the job of another request.
    pub fn token_of_another(job: &Job, request_id: &RequestId) -> Self {
        let message = format!(
            "request_id {request_id} was used before, for {} job {} of {}: use a fresh one",
            job.kind,
            job.id,
            job.resource_arn.as_deref().unwrap_or("another resource")
        );
        Self::of(RefusalKind::RequestIdReused, Noun::Job, job.id.to_string(), message)
    }

    /// What stands in the way of a job was seen and the request sent all the same, because it could be a repetition; it was
    /// none, and AWS has begun a job for it. `fate` says what becomes of that job.
    #[must_use]
    pub fn though_begun(self, job: impl fmt::Display, fate: &str) -> Self {
        let message = format!("{}; AWS has begun job {job} for it{fate}", self.message);
        Self { message, ..self }
    }
}
