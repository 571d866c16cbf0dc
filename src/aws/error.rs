//! What a call to AWS can end with other than its answer, in terms of what the caller must decide.

use std::{error::Error as StdError, fmt, time::Duration};

use crate::domain::{Finding, Job, RequestId};

/// An operation of AWS that did not do what was asked. `Display` never includes the source.
#[derive(Debug)]
pub struct Error {
    /// AWS's name of the operation, such as `CreateBackupVault`.
    pub operation: &'static str,
    /// What sort of failure.
    pub kind: Kind,
    /// Whether the change that was asked for may have happened all the same.
    pub effect: Effect,
    /// What the failure is about, where the adapter knows.
    pub subject: Option<Subject>,
    /// How long AWS wants to be left alone, where it says.
    pub retry_after: Option<Duration>,
    /// AWS's error code; absent when AWS did not answer.
    pub aws_code: Option<String>,
    /// AWS's message, or the adapter's own sentence.
    pub message: String,
    /// AWS's id of the request, for its support.
    pub aws_request_id: Option<String>,
    /// Of [`Kind::Preflight`] and [`Kind::NotEmpty`]: all that stands in the way, at least one. Otherwise empty.
    pub obstacles: Vec<Finding>,
    /// What lies below, for the log.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Sorts of failure. Closed: `rpc/status.rs` matches every one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// AWS refused a value.
    Rejected,
    /// The thing is not there.
    NotFound,
    /// AWS says 403 and nobody could tell whether the thing is missing or denied.
    MissingOrDenied,
    /// A thing of that name is there already.
    AlreadyExists,
    /// AWS refuses the call in the thing's present state.
    State,
    /// The vault still holds recovery points.
    NotEmpty,
    /// The vault's lock forbids it.
    Locked,
    /// A legal hold keeps it.
    Held,
    /// The plan still has selections.
    HasSelections,
    /// AWS does not stop such a job, or it has ended.
    NotCancellable,
    /// AWS said yes and did not delete.
    NotDeleted,
    /// A job is using the thing.
    Busy,
    /// The call does not support this type of resource.
    Unsupported,
    /// Several things have the name; only the id tells which is meant.
    Ambiguous,
    /// AWS Backup cannot assume the role.
    RoleNotAssumable,
    /// The checks before a job found what would make it fail.
    Preflight,
    /// The request id was used for another request.
    RequestIdReused,
    /// The thing changed since its etag was read.
    EtagMismatch,
    /// Somebody else is changing the thing.
    Conflict,
    /// AWS denies the call to Strongroom's identity.
    Denied,
    /// Strongroom has no valid credentials.
    Credentials,
    /// There is no way into the account.
    AccountNotReachable,
    /// The configuration does not let requests go to that account or region.
    ScopeNotAllowed,
    /// Too many calls; wait.
    Throttled,
    /// A quota is used up; waiting does not help.
    Quota,
    /// AWS failed, could not be reached, or did not answer in time.
    Unavailable,
    /// AWS answered something that cannot be: an answer without a required member.
    Malformed,
}

/// Whether a change may have happened, over all attempts of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It did not.
    None,
    /// Nobody knows: at least one attempt was sent and its outcome not seen.
    Unknown,
}

/// What a failure is about.
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
    /// An AWS account.
    Account,
}

impl Error {
    /// A failure that the adapter itself finds, without an error of AWS below it.
    pub fn found(
        operation: &'static str,
        kind: Kind,
        noun: Noun,
        name: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            operation,
            kind,
            effect: Effect::None,
            subject: Some(Subject { noun, name: name.into() }),
            retry_after: None,
            aws_code: None,
            message: message.into(),
            aws_request_id: None,
            obstacles: Vec::new(),
            source: None,
        }
    }

    /// The checks before a job found what would make it fail; nothing was sent. `findings` are all that the checks found,
    /// and `None` is answered when none of them is an obstacle.
    pub fn preflight(operation: &'static str, noun: Noun, name: &str, findings: &[Finding]) -> Option<Self> {
        let obstacles: Vec<Finding> = findings.iter().filter(|finding| finding.is_obstacle()).cloned().collect();
        let first = obstacles.first()?;
        let message = match obstacles.len() {
            1 => first.message.clone(),
            count => format!("{count} obstacles; the first: {}", first.message),
        };
        Some(Self { obstacles, ..Self::found(operation, Kind::Preflight, noun, name, message) })
    }

    /// An answer of AWS that lacks what AWS's own model requires. The operation has happened.
    pub fn malformed(operation: &'static str, member: &'static str) -> Self {
        Self {
            operation,
            kind: Kind::Malformed,
            effect: Effect::Unknown,
            subject: None,
            retry_after: None,
            aws_code: None,
            message: format!("the answer has no {member}"),
            aws_request_id: None,
            obstacles: Vec::new(),
            source: None,
        }
    }

    /// Says what the failure is about.
    #[must_use]
    pub fn about(mut self, noun: Noun, name: impl fmt::Display) -> Self {
        self.subject = Some(Subject { noun, name: name.to_string() });
        self
    }

    /// The same failure, understood better.
    #[must_use]
    pub fn as_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// A change was accepted, and reading what came of it failed with this: nobody should think that nothing happened.
    /// Who repeats the call gets its answer. Only what no repetition mends stays what it is, under the name of the read.
    #[must_use]
    pub fn after(self, change: &'static str) -> Self {
        match self.kind {
            Kind::Denied | Kind::MissingOrDenied | Kind::Credentials => self,
            _ => Self {
                message: format!("it was accepted, but then {} failed: {}", self.operation, self.message),
                operation: change,
                kind: Kind::Unavailable,
                effect: Effect::Unknown,
                ..self
            },
        }
    }

    /// What stands in the way of a job was seen and the request sent all the same, because it could be a repetition; it was
    /// none, and AWS has begun a job for it.
    #[must_use]
    pub fn though_begun(self, job: &str) -> Self {
        let message = format!("{}; AWS has begun job {job} for it all the same, which will fail", self.message);
        // In words of our own, which no sentence about AWS's code replaces.
        Self { message, aws_code: None, source: None, ..self }
    }

    /// Whether what a delete does not find may have been deleted by an attempt before of this very call, whose answer was
    /// lost: then it did what was asked for.
    pub fn is_gone_by_us(&self) -> bool {
        self.kind == Kind::NotFound && self.effect == Effect::Unknown
    }

    /// A token of idempotency led to the job of another request.
    pub fn token_of_another(operation: &'static str, job: &Job, request_id: &RequestId) -> Self {
        let message = format!(
            "request_id {request_id} was used before, for {} job {} of {}: use a fresh one",
            job.kind, job.id, job.resource_arn
        );
        Self::found(operation, Kind::RequestIdReused, Noun::Job, &job.id, message)
    }

    /// Whether AWS refuses a token of idempotency because it stood for another request. AWS documents no code for it `[U]`;
    /// nothing else about such a token can be wrong, since it is a UUID.
    pub fn is_about_the_token(&self) -> bool {
        self.kind == Kind::Rejected && self.message.to_ascii_lowercase().contains("idempotency")
    }

    /// Whether AWS's error code is this one.
    pub fn has_code(&self, code: &str) -> bool {
        self.aws_code.as_deref() == Some(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.operation, self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The error and all that caused it, the outermost first.
pub(crate) fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The kind that an error code of AWS stands for; by the HTTP status where the code is not known.
pub(super) fn classify(code: &str, status: u16) -> Kind {
    match code {
        "InvalidParameterValueException"
        | "MissingParameterValueException"
        | "ValidationException"
        | "ValidationError"
        | "InvalidParameterValue"
        | "InvalidParameterCombination"
        | "InvalidParameterException"
        | "InvalidInput"
        | "MalformedPolicyDocument"
        | "SerializationException"
        | "KMSKeyNotAccessibleFault" => Kind::Rejected,
        "AlreadyExistsException" | "EntityAlreadyExists" => Kind::AlreadyExists,
        "InvalidRequestException"
        | "InvalidResourceStateException"
        | "InvalidDBInstanceState"
        | "InvalidDBClusterStateFault"
        | "InvalidDBSnapshotState"
        | "PolicyNotAttachable"
        | "UnmodifiableEntity" => Kind::State,
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "NotAuthorized" => Kind::Denied,
        "ExpiredTokenException"
        | "ExpiredToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken" => Kind::Credentials,
        // A quota, whatever the SDK's list of throttling codes says (docs/aws-backup-semantics.md, section 0.10).
        "LimitExceededException" | "LimitExceeded" => Kind::Quota,
        "ConflictException" | "ConcurrentModification" | "ConcurrentModificationException" | "DeleteConflict" => {
            Kind::Conflict
        }
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "SlowDown"
        | "BandwidthLimitExceeded" => Kind::Throttled,
        "ServiceUnavailableException"
        | "DependencyFailureException"
        | "ServiceFailure"
        | "InternalServiceException"
        | "InternalFailure"
        | "RequestTimeout"
        | "RequestTimeoutException" => Kind::Unavailable,
        "NoSuchEntity" | "ResourceNotFoundException" => Kind::NotFound,
        _ if code.ends_with("QuotaExceeded") || code.ends_with("QuotaExceededFault") => Kind::Quota,
        _ if code.ends_with("NotFound") || code.ends_with("NotFoundFault") => Kind::NotFound,
        _ if code.ends_with("AlreadyExists") || code.ends_with("AlreadyExistsFault") => Kind::AlreadyExists,
        _ => match status {
            401 | 403 => Kind::Denied,
            404 => Kind::NotFound,
            429 => Kind::Throttled,
            400..500 => Kind::Rejected,
            _ => Kind::Unavailable,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_not_throttling() {
        assert_eq!(classify("LimitExceededException", 400), Kind::Quota);
        assert_eq!(classify("InstanceQuotaExceeded", 400), Kind::Quota);
        assert_eq!(classify("ThrottlingException", 400), Kind::Throttled);
    }

    #[test]
    fn a_code_of_tomorrow_is_judged_by_its_status() {
        for (status, kind) in
            [(400, Kind::Rejected), (403, Kind::Denied), (404, Kind::NotFound), (503, Kind::Unavailable)]
        {
            assert_eq!(classify("SomethingNewException", status), kind);
        }
    }

    #[test]
    fn rds_says_missing_with_and_without_fault() {
        assert_eq!(classify("DBInstanceNotFound", 404), Kind::NotFound);
        assert_eq!(classify("DBClusterNotFoundFault", 404), Kind::NotFound);
    }
}
