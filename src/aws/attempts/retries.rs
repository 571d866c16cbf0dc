//! Which attempts are repeated, beside what the SDK decides itself, and when.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    interceptors::context::InterceptorContext,
    orchestrator::HttpResponse,
    retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority},
};
use aws_smithy_types::retry::ErrorKind;

use super::{CURRENT, Retry};
use crate::aws::error::{FailureKind, classify};

/// Forbids the retry of `LimitExceededException`. The SDK takes it for throttling; for AWS Backup it is a quota, and
/// three attempts at a quota cost three calls of everybody's rate.
#[derive(Debug)]
pub(in crate::aws) struct QuotaIsFinal;

impl ClassifyRetry for QuotaIsFinal {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let code = context.response().and_then(|response| response.headers().get("x-amzn-errortype"));
        match code {
            Some(code) if code.starts_with("LimitExceededException") => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "QuotaIsFinal"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::modeled_as_retryable_classifier())
    }
}

/// Lets what AWS throttles wait for its turn in the budget, and not be sent again where that would come too late.
#[derive(Debug)]
pub(in crate::aws) struct ThrottledWaits {
    /// Attempts of a call, the first one counted.
    pub(in crate::aws) most: u32,
}

/// The longest pause before a retry: the SDK makes none that are longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

impl ClassifyRetry for ThrottledWaits {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let asked = context.response().and_then(retry_after).unwrap_or_default();
        let retry = CURRENT.try_with(|attempts| {
            let jitter = fastrand::f64();
            attempts.retry_throttled(self.most, LONGEST_PAUSE, |before| asked.max(backoff(before, jitter)))
        });
        match retry {
            Ok(Some(Retry::After(pause))) => {
                RetryAction::retryable_error_with_explicit_delay(ErrorKind::ThrottlingError, pause)
            }
            Ok(Some(Retry::TooLate)) => RetryAction::RetryForbidden,
            Ok(None) | Err(_) => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "ThrottledWaits"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// As the SDK's standard mode has it: up to a second after the first attempt, twice that after each further one.
fn backoff(before: u32, jitter: f64) -> Duration {
    let longest = Duration::from_secs(1).saturating_mul(1 << before.saturating_sub(1).min(5));
    longest.mul_f64(jitter).min(LONGEST_PAUSE)
}

/// Milliseconds in `x-amz-retry-after`, which the SDK's retries honour too.
pub(in crate::aws) fn retry_after(response: &HttpResponse) -> Option<Duration> {
    response.headers().get("x-amz-retry-after")?.parse().ok().map(Duration::from_millis)
}

/// Whether AWS says that it was asked too much.
pub(super) fn is_throttled(response: &HttpResponse) -> bool {
    let status = response.status().as_u16();
    status >= 400 && classify(error_code(response).unwrap_or_default(), status) == FailureKind::Throttled
}

/// AWS's error code, of an answer whose operation is not known here: in a header or a member of a JSON body, or in an
/// element of an XML one.
fn error_code(response: &HttpResponse) -> Option<&str> {
    let code = response.headers().get("x-amzn-errortype").or_else(|| {
        let body = std::str::from_utf8(response.body().bytes()?).ok()?;
        let json = || body.split_once("\"__type\"")?.1.split('"').nth(1);
        let xml = || body.split_once("<Code>")?.1.split_once("</Code>").map(|(code, _)| code);
        json().or_else(xml)
    })?;
    // A header may have a URL behind it, and a member its namespace before it.
    let code = code.split(':').next().unwrap_or_default();
    Some(code.rsplit('#').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answer(status: u16, header: Option<&'static str>, body: &'static str) -> HttpResponse {
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        if let Some(code) = header {
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        response
    }

    #[test]
    fn throttling_is_told_in_every_protocol() {
        for (throttled, response) in [
            (true, answer(400, Some("ThrottlingException:http://internal.amazon.com/coral/"), "{}")),
            (
                true,
                answer(400, None, r#"{"__type":"com.amazonaws.kms#ThrottlingException","message":"Rate exceeded"}"#),
            ),
            (true, answer(400, None, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>")),
            (true, answer(429, None, "")),
            (false, answer(400, Some("LimitExceededException"), "")),
            (
                false,
                answer(400, None, "<Error><Code>InvalidParameterValue</Code><Message>Throttling</Message></Error>"),
            ),
            (false, answer(503, None, "")),
            (false, answer(200, None, "<Code>Throttling</Code>")),
        ] {
            assert_eq!(is_throttled(&response), throttled, "{response:?}");
        }
    }

    #[test]
    fn pauses_double_and_have_an_end() {
        let pauses = [1, 2, 3, 9, u32::MAX].map(|before| backoff(before, 1.0).as_secs());
        assert_eq!(pauses, [1, 2, 4, 20, 20]);
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
    }
}
