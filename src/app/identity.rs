//! As whom the server works on AWS: said once at the start, with what is missing for it to work.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    aws::{Aws, Error, FailureKind},
    config::AwsConfig,
};

/// Longer nobody who reads the log of a start waits for the line.
const BOUND: Duration = Duration::from_secs(30);

/// One line: who, where, and by which credentials; or a warning that says what to do. The server serves meanwhile, and calls
/// get their own errors.
pub(super) async fn introduce(aws: Aws, config: AwsConfig) {
    if aws.default_region().is_none() {
        tracing::warn!(
            key = "aws.region",
            "no region is configured, and requests that name none are refused: set aws.region (--region), AWS_REGION, or a \
             region in the profile"
        );
    }
    // Credentials are of a partition, so a region of somewhere else must not be guessed.
    let Some(region) = aws.default_region().or(config.allowed_regions.first()) else { return };
    let asked = timeout(BOUND, Box::pin(aws.identity(region))).await;
    match asked {
        Ok(Ok(identity)) => tracing::info!(
            identity = identity.arn,
            account = identity.account.as_str(),
            region = region.as_str(),
            partition = region.partition(),
            credentials = identity.source,
            other_accounts = config
                .assume_role
                .as_ref()
                .map_or("none".to_owned(), |role| role.role_in("{account}", region.partition())),
            "works on AWS"
        ),
        Ok(Err(error)) => tracing::warn!(
            aws_said = error.message(),
            region = region.as_str(),
            "who the server is on AWS is not known, and calls will fail likewise until it is: {}",
            advice(&error).unwrap_or("see what AWS says")
        ),
        Err(_) => tracing::warn!(
            region = region.as_str(),
            "AWS has not said within {} s who the server is: see whether sts is reachable from here, and at which address \
             (aws.endpoint_url, a proxy, a VPC endpoint)",
            BOUND.as_secs()
        ),
    }
}

/// What to do about it; `None` where the failure says it itself.
pub(super) fn advice(error: &Error) -> Option<&'static str> {
    match error.failure()?.kind {
        FailureKind::Credentials => Some(
            "give it credentials: a role for the pod, task or instance, aws.profile (--profile), or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY; should there be some, they have expired or are not those of this partition",
        ),
        FailureKind::Denied => Some(
            "nobody needs a permission to ask who he is, so a policy of the organization, or of a VPC endpoint, denies it",
        ),
        FailureKind::Unavailable | FailureKind::OutOfTime | FailureKind::Malformed => Some(
            "see whether AWS is reachable from here, and at which address (aws.endpoint_url, a proxy, a VPC endpoint)",
        ),
        FailureKind::Throttled | FailureKind::OverBudget => Some("AWS is asked too much at the moment: try again"),
        _ => None,
    }
}
