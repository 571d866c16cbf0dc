//! What an operation can end with other than its answer: our own refusal, or a failure of AWS.

mod classify;
mod failure;

use std::{error::Error as StdError, fmt};

pub(super) use classify::classify;
pub use failure::{Effect, Failure, FailureKind};

use crate::domain::{Hindrance, Invalid, Noun, Refusal, RefusalKind, Unseen, without_question};

/// Why an operation did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule of ours refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// AWS did not do it.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The request has faults that only AWS could tell.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl Error {
    /// Whether the thing that was asked for is not there, whoever says so.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.kind == RefusalKind::NotFound,
            // What AWS does not find without saying what need not be that thing.
            Self::Failed(failure) => failure.kind == FailureKind::NotFound && failure.subject.is_some(),
            Self::Invalid(_) => false,
        }
    }

    /// The same for somebody who may not know what else there is: without what a name is near to, and which things have the same.
    #[must_use]
    pub fn without_hints(mut self) -> Self {
        match &mut self {
            Self::Refused(refusal) if refusal.kind == RefusalKind::Ambiguous => {
                "several things have the name: name the one you mean by its id or ARN".clone_into(&mut refusal.message);
            }
            Self::Refused(refusal) => without_question(&mut refusal.message),
            Self::Failed(failure) => failure.meant = Default::default(),
            Self::Invalid(_) => {}
        }
        self
    }

    /// What is wrong, in one sentence.
    pub fn message(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.message,
            Self::Failed(failure) => &failure.message,
            Self::Invalid(invalid) => invalid.violations.first().map_or("", |violation| &violation.description),
        }
    }

    /// The failure, if it is one of AWS.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Refused(_) | Self::Invalid(_) => None,
            Self::Failed(failure) => Some(failure),
        }
    }

    /// Whether a rule of that kind refuses it.
    pub fn refused_as(&self, kind: RefusalKind) -> bool {
        match self {
            Self::Refused(refusal) => refusal.kind == kind,
            Self::Failed(_) | Self::Invalid(_) => false,
        }
    }

    /// That the thing it is about is not there, in our words; AWS's own for one that is not there can be a denial.
    pub(super) fn absence(&self) -> String {
        let told_by_aws = self.failure().filter(|failure| failure.aws_code.is_some());
        let failed = told_by_aws.and_then(|failure| Some((&failure.subject.as_ref()?.name, &failure.meant)));
        failed.map_or_else(|| self.message().to_owned(), |(name, meant)| format!("{name} does not exist{meant}"))
    }

    /// Whether AWS failed in this way.
    pub fn failed_as(&self, kind: FailureKind) -> bool {
        self.failure().is_some_and(|failure| failure.kind == kind)
    }

    /// What it is about.
    pub fn is_about(&self, noun: Noun) -> bool {
        let subject = match self {
            Self::Refused(refusal) => &refusal.subject,
            Self::Failed(failure) => &failure.subject,
            Self::Invalid(_) => return false,
        };
        subject.as_ref().is_some_and(|subject| subject.noun == noun)
    }

    /// The same of a thing that is not there, with the question which one was meant; blank: none is near.
    #[must_use]
    pub(super) fn with_question(self, question: String) -> Self {
        match self {
            Self::Refused(refusal) => Refusal { message: refusal.message.clone() + &question, ..refusal }.into(),
            Self::Failed(failure) => Failure { meant: question.into(), ..failure }.into(),
            invalid @ Self::Invalid(_) => invalid,
        }
    }

    /// [`Failure::is_gone_by_us`].
    pub fn is_gone_by_us(&self) -> bool {
        self.failure().is_some_and(Failure::is_gone_by_us)
    }

    /// [`Failure::after`]. A refusal that comes after a change was accepted leaves its outcome as open as a failed read.
    #[must_use]
    pub fn after(self, change: &'static str) -> Self {
        Self::Failed(match self {
            Self::Refused(refusal) => Failure::unseen(change, format!("it was accepted, but then {}", refusal.message)),
            Self::Failed(failure) => failure.after(change),
            invalid @ Self::Invalid(_) => {
                Failure::unseen(change, format!("it was accepted, but then the request {}", invalid.message()))
            }
        })
    }

    /// What stands in the way of a job was seen and the request sent all the same, because it could be a repetition; it was
    /// none, and AWS has begun a job for it.
    #[must_use]
    pub(super) fn though_begun(self, job: impl fmt::Display) -> Self {
        const FATE: &str = " all the same, which will fail";
        match self {
            Self::Refused(refusal) => refusal.though_begun(job, FATE).into(),
            Self::Failed(failure) => failure.though_begun(job, FATE).into(),
            // Faults are told before anything is sent.
            invalid @ Self::Invalid(_) => invalid,
        }
    }
}

impl From<&Error> for Unseen {
    fn from(error: &Error) -> Self {
        match error {
            Error::Failed(failure) => failure.into(),
            Error::Invalid(_) => Self { hindrance: Hindrance::Settled, why: error.message().to_owned() },
            Error::Refused(Refusal { kind, message, .. }) => {
                let hindrance = match kind {
                    RefusalKind::AccountNotReachable | RefusalKind::ScopeNotAllowed | RefusalKind::NoRegion => {
                        Hindrance::NoWay
                    }
                    RefusalKind::NotFound
                    | RefusalKind::AlreadyExists
                    | RefusalKind::Ambiguous
                    | RefusalKind::RequestIdReused
                    | RefusalKind::EtagMismatch
                    | RefusalKind::Preflight
                    | RefusalKind::State
                    | RefusalKind::NotEmpty
                    | RefusalKind::Locked
                    | RefusalKind::Held
                    | RefusalKind::NotCancellable
                    | RefusalKind::RoleNotAssumable
                    | RefusalKind::NotDeleted
                    | RefusalKind::NotChanged
                    | RefusalKind::Conflict
                    | RefusalKind::Unsupported
                    | RefusalKind::PageToken => Hindrance::Settled,
                };
                Self { hindrance, why: message.clone() }
            }
        }
    }
}

/// The error and all that caused it, the outermost first.
pub(crate) fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
