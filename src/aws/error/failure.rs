//! What AWS did or did not do, in terms of what the caller must decide.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use aws_smithy_types::error::operation::BuildError;

use crate::{
    aws::call::{Nature, Operation},
    domain::{Hindrance, Noun, Scope, Subject, Unseen},
};

/// An operation of AWS that did not do what was asked. `Display` never includes the source. A copy goes to everybody who
/// waited for the same read, so each may say what it means in their own call.
#[derive(Debug, Clone)]
pub struct Failure {
    /// AWS's name of the operation, such as `CreateBackupVault`.
    pub operation: &'static str,
    /// What sort of failure.
    pub kind: FailureKind,
    /// Whether the change that was asked for may have happened all the same.
    pub effect: Effect,
    /// What the failure is about, where the adapter knows.
    pub subject: Option<Subject>,
    /// How long AWS wants to be left alone, where it says.
    pub retry_after: Option<Duration>,
    /// AWS's error code; absent when AWS did not answer.
    pub aws_code: Option<Box<str>>,
    /// AWS's message, or the adapter's own sentence.
    pub message: String,
    /// Where AWS was asked; absent before any scope, and of what the adapter itself found.
    pub scope: Option<Box<Scope>>,
    /// Of a thing that is not there, the question which one was meant, such as `; did you mean prod?`; blank: none is near.
    pub meant: Box<str>,
    /// What the same call had done before, in words such as `created role R`; it stays done.
    pub done: Box<[String]>,
    /// AWS's id of the request, for its support.
    pub aws_request_id: Option<Box<str>>,
    /// What lies below, for the log.
    pub source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Sorts of failure. Closed: `rpc/status.rs` matches every one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
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
    /// A job is using the thing.
    Busy,
    /// AWS does not do this with this type of resource.
    Unsupported,
    /// AWS Backup cannot assume the role.
    RoleNotAssumable,
    /// The request id was used for another request.
    RequestIdReused,
    /// Somebody else is changing the thing.
    Conflict,
    /// AWS denies the call to Strongroom's identity.
    Denied,
    /// Strongroom has no valid credentials.
    Credentials,
    /// The role that leads into the account cannot be assumed.
    AccountNotReachable,
    /// Too many calls; wait.
    Throttled,
    /// Too many calls by our own count: the turn of this one would have come after its caller's deadline. It was not sent.
    OverBudget,
    /// A quota is used up; waiting does not help.
    Quota,
    /// AWS failed, could not be reached, or did not answer in time.
    Unavailable,
    /// The call's deadline passed before it was done.
    OutOfTime,
    /// AWS answered something that cannot be: an answer without a required member.
    Malformed,
}

impl FailureKind {
    /// What such a failure means for a look: whether the next one may see more, and who has to act. Closed too, so that a
    /// fault that passes is taken for a denial, or for an absence, nowhere.
    pub fn hindrance(self) -> Hindrance {
        match self {
            Self::Denied | Self::MissingOrDenied => Hindrance::Denied,
            Self::Credentials | Self::AccountNotReachable => Hindrance::NoWay,
            Self::Throttled
            | Self::OverBudget
            | Self::Unavailable
            | Self::OutOfTime
            | Self::Malformed
            | Self::Conflict => Hindrance::Passing,
            Self::Rejected
            | Self::NotFound
            | Self::AlreadyExists
            | Self::State
            | Self::NotEmpty
            | Self::Locked
            | Self::Held
            | Self::HasSelections
            | Self::NotCancellable
            | Self::Busy
            | Self::Unsupported
            | Self::RoleNotAssumable
            | Self::RequestIdReused
            | Self::Quota => Hindrance::Settled,
        }
    }
}

/// Whether a change may have happened, over all attempts of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It did not.
    None,
    /// It did not, but what the same call had done before did.
    Partly,
    /// Nobody knows: at least one attempt was sent and its outcome not seen.
    Unknown,
}

impl Failure {
    /// A failure in the adapter's own words, without an error of AWS below it, such as a success that says otherwise
    /// inside.
    pub fn told(operation: &'static str, kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            operation,
            kind,
            effect: Effect::None,
            subject: None,
            retry_after: None,
            aws_code: None,
            message: message.into(),
            scope: None,
            meant: Box::default(),
            done: Box::default(),
            aws_request_id: None,
            source: None,
        }
    }

    /// What was not sent, because its turn would have come so much later than its caller waits.
    pub(in crate::aws) fn over_budget(operation: Operation, scope: &Scope, wait: Duration) -> Self {
        let (Scope { account, region }, seconds) = (scope, wait.as_secs_f64().ceil());
        let message = format!(
            "{} has to wait for its turn, for AWS is asked for as much as it takes of account {account} in {region}, and the \
             call's deadline comes first: try again in {seconds} s",
            operation.name
        );
        let scope = Some(Box::new(scope.clone()));
        Self { retry_after: Some(wait), scope, ..Self::told(operation.name, FailureKind::OverBudget, message) }
    }

    /// What is told of a deadline that passed, wherever it is seen.
    pub(in crate::aws) const OUT_OF_TIME: &str = "the deadline of the call passed before AWS answered";

    /// The call's deadline passed during a read.
    pub(in crate::aws) fn out_of_time(operation: Operation) -> Self {
        Self::told(operation.name, FailureKind::OutOfTime, format!("{}; nothing was changed", Self::OUT_OF_TIME))
    }

    /// A request that the SDK would not build. Every required member is set by those who build one, so this does not
    /// happen.
    pub(in crate::aws) fn not_built(operation: Operation, error: BuildError) -> Self {
        let failure = Self::told(operation.name, FailureKind::Rejected, "the request could not be built");
        Self { source: Some(Arc::new(error)), ..failure }
    }

    /// Nobody saw what came of a change.
    pub(in crate::aws) fn unseen(operation: &'static str, message: impl Into<String>) -> Self {
        Self { effect: Effect::Unknown, ..Self::told(operation, FailureKind::Unavailable, message) }
    }

    /// An answer of AWS that lacks what every answer has. A change has happened.
    pub(in crate::aws) fn malformed(operation: Operation, member: &'static str) -> Self {
        let message = format!("AWS's answer to {} has no {member}: try again", operation.name);
        let effect = match operation.nature {
            Nature::Read => Effect::None,
            Nature::Write => Effect::Unknown,
        };
        Self { effect, ..Self::told(operation.name, FailureKind::Malformed, message) }
    }

    /// Says what the failure is about.
    #[must_use]
    pub fn about(mut self, noun: Noun, name: impl fmt::Display) -> Self {
        self.subject = Some(Subject { noun, name: name.to_string() });
        self
    }

    /// The same failure, understood better.
    #[must_use]
    pub fn as_kind(mut self, kind: FailureKind) -> Self {
        self.kind = kind;
        self
    }

    /// A change was accepted, and reading what came of it failed with this: nobody should think that nothing happened.
    /// Who repeats the call gets its answer. Only what no repetition mends stays what it is, under the name of the read.
    #[must_use]
    pub fn after(self, change: &'static str) -> Self {
        if matches!(self.kind, FailureKind::Denied | FailureKind::MissingOrDenied | FailureKind::Credentials) {
            let message = format!("{change} was accepted, and what came of it is not told: {}", self.message);
            return Self { message, ..self };
        }
        Self {
            message: format!("it was accepted, but then {} failed: {}", self.operation, self.message),
            operation: change,
            kind: FailureKind::Unavailable,
            effect: Effect::Unknown,
            ..self
        }
    }

    /// [`Refusal::though_begun`](crate::domain::Refusal::though_begun).
    #[must_use]
    pub(super) fn though_begun(self, job: impl fmt::Display, fate: &str) -> Self {
        let message = format!("{}; AWS has begun job {job} for it{fate}", self.message);
        // In words of our own, which no sentence about AWS's code replaces.
        Self { message, aws_code: None, source: None, ..self }
    }

    /// Whether what a delete does not find may have been deleted by an attempt before of this very call, whose answer was
    /// lost: then it did what was asked for.
    pub fn is_gone_by_us(&self) -> bool {
        self.kind == FailureKind::NotFound && self.subject.is_some() && self.effect == Effect::Unknown
    }

    /// Whether AWS refuses a token of idempotency because it stood for another request. AWS documents no code for it `[U]`;
    /// nothing else about such a token can be wrong, since it is a UUID.
    pub fn is_about_the_token(&self) -> bool {
        self.kind == FailureKind::Rejected && self.message.to_ascii_lowercase().contains("idempotency")
    }

    /// Whether the next look may see more: nothing that it says is so.
    pub fn is_passing(&self) -> bool {
        self.kind.hindrance() == Hindrance::Passing
    }

    /// Whether AWS will not let Strongroom look, however often it asks.
    pub fn is_denial(&self) -> bool {
        self.kind.hindrance() == Hindrance::Denied
    }

    /// Whether it is about such a thing.
    pub fn is_about(&self, noun: Noun) -> bool {
        self.subject.as_ref().is_some_and(|subject| subject.noun == noun)
    }

    /// Whether AWS's error code is this one.
    pub fn has_code(&self, code: &str) -> bool {
        self.aws_code.as_deref() == Some(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.operation, self.message)
    }
}

/// AWS's words behind ours, which say whether it throttles, denies or fails.
impl From<&Failure> for Unseen {
    fn from(failure: &Failure) -> Self {
        let Failure { operation, kind, message, .. } = failure;
        let why = match kind {
            FailureKind::Throttled => format!("AWS throttles {operation}: {message}"),
            FailureKind::Denied => format!("AWS denies {operation} to Strongroom: {message}"),
            FailureKind::MissingOrDenied => {
                format!("AWS denies {operation} to Strongroom, or it does not exist: {message}")
            }
            _ if failure.aws_code.is_none() && failure.source.is_none() => message.clone(),
            _ => format!("{operation} failed: {message}"),
        };
        Self { hindrance: kind.hindrance(), why }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
