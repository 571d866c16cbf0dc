//! What an error of the SDK means.

use std::{error::Error as StdError, sync::Arc};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::{
    assume_role::AssumeRoleError, assume_role_with_web_identity::AssumeRoleWithWebIdentityError,
};
use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::{Nature, Operation};
use crate::aws::{
    attempts::{Attempts, TooLate, retry_after},
    error::{Effect, Failure, FailureKind, chain, classify},
};

/// A failure of a call, in terms of what its caller must decide.
pub(super) fn understand<E>(operation: Operation, error: SdkError<E, HttpResponse>, attempts: &Attempts) -> Failure
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let aws_request_id = error.request_id().map(Into::into);
    let (kind, aws_code, message, retry_after) = match &error {
        _ if chain(&error).any(<dyn StdError>::is::<TooLate>) => {
            (FailureKind::OutOfTime, None, Failure::OUT_OF_TIME.to_owned(), None)
        }
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or_default();
            let message = service.err().message().map_or_else(|| format!("HTTP status {status}"), str::to_owned);
            (classify(code, status), Some(code.into()), message, retry_after(service.raw()))
        }
        SdkError::ResponseError(_) => (FailureKind::Unavailable, None, "the answer could not be read".to_owned(), None),
        SdkError::TimeoutError(_) => (FailureKind::Unavailable, None, "no answer in time".to_owned(), None),
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => match (no_credentials(&error), &error) {
            // Credentials are looked for before anything is sent, and their absence arrives as one of these.
            (Some(none), _) => match none.kind {
                FailureKind::Throttled | FailureKind::Unavailable | FailureKind::OverBudget => {
                    let message = format!("credentials could not be had at the moment: {}", none.said);
                    (none.kind, none.aws_code, message, None)
                }
                _ => {
                    let message = format!("there are no usable credentials: {}", none.said);
                    (FailureKind::Credentials, none.aws_code, message, None)
                }
            },
            (None, SdkError::ConstructionFailure(_)) => {
                (FailureKind::Rejected, None, "the request could not be built".to_owned(), None)
            }
            (None, _) => (FailureKind::Unavailable, None, "the service could not be reached".to_owned(), None),
        },
        _ => (FailureKind::Unavailable, None, "the service could not be reached".to_owned(), None),
    };
    let effect = match operation.nature {
        Nature::Read => Effect::None,
        Nature::Write => attempts.effect(),
    };
    Failure {
        operation: operation.name,
        kind,
        effect,
        subject: None,
        retry_after,
        aws_code,
        message,
        scope: None,
        meant: Box::default(),
        done: Box::default(),
        aws_request_id,
        source: Some(Arc::new(error)),
    }
}

/// Why there are no credentials.
struct NoCredentials {
    /// As [`classify`] takes what STS answers; [`FailureKind::Unavailable`] when who gives them out did not answer;
    /// [`FailureKind::Credentials`] when there are none to be had.
    kind: FailureKind,
    aws_code: Option<Box<str>>,
    said: String,
}

/// Why there are no credentials, if that is the matter.
fn no_credentials(error: &(dyn StdError + 'static)) -> Option<NoCredentials> {
    // The innermost: a role is assumed with credentials, which may be what is wanting.
    let fault = chain(error).filter_map(|cause| cause.downcast_ref::<CredentialsError>()).last()?;
    if let Some(Failure { kind, aws_code, message, .. }) = chain(fault).find_map(|cause| cause.downcast_ref()) {
        return Some(NoCredentials { kind: *kind, aws_code: aws_code.clone(), said: message.clone() });
    }
    let answered = chain(fault).find_map(|cause| {
        refusal_of::<AssumeRoleError>(cause).or_else(|| refusal_of::<AssumeRoleWithWebIdentityError>(cause))
    });
    let passing = matches!(fault, CredentialsError::ProviderTimedOut(_))
        || chain(fault).any(|cause| {
            let unanswered = |cause| is_unanswered::<AssumeRoleError>(cause);
            cause.is::<std::io::Error>() || cause.is::<ConnectorError>() || unanswered(cause)
        });
    let unanswered = || NoCredentials {
        kind: if passing { FailureKind::Unavailable } else { FailureKind::Credentials },
        aws_code: None,
        said: if passing { "who gives them out did not answer" } else { "none are to be had" }.to_owned(),
    };
    Some(answered.unwrap_or_else(unanswered))
}

/// What STS answered, if this is such an answer.
fn refusal_of<E>(cause: &(dyn StdError + 'static)) -> Option<NoCredentials>
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let SdkError::ServiceError(answer) = cause.downcast_ref::<SdkError<E, HttpResponse>>()? else { return None };
    let (status, code) = (answer.raw().status().as_u16(), answer.err().code());
    Some(NoCredentials {
        kind: classify(code.unwrap_or_default(), status),
        aws_code: code.map(Into::into),
        said: answer.err().message().map_or_else(|| format!("HTTP status {status}"), str::to_owned),
    })
}

/// Whether no answer of STS could be read.
fn is_unanswered<E: StdError + 'static>(cause: &(dyn StdError + 'static)) -> bool {
    let told = cause.downcast_ref::<SdkError<E, HttpResponse>>();
    matches!(told, Some(SdkError::ResponseError(_) | SdkError::TimeoutError(_) | SdkError::DispatchFailure(_)))
}
