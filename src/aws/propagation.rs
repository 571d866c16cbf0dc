//! Waiting for IAM: a role just created "cannot be assumed by AWS Backup" for some seconds (docs/aws-backup-semantics.md, 15.1).

use std::time::{Duration, Instant};

use super::{Failure, FailureKind, Scoped};
use crate::domain::{Noun, Refusal};

impl Scoped {
    /// Repeats a call that hands a role to AWS Backup while the answer is that it cannot be assumed (or is not yet
    /// authorized to call), within the configured bound. The call must carry the same idempotency token each time. A role
    /// that no wait mends, as it is not there, plainly trusts somebody else, or lacks the policy, is refused at once.
    pub(super) async fn once_assumable<T, F>(
        &self,
        role_arn: &str,
        mut attempt: impl FnMut() -> F,
    ) -> Result<Result<T, Failure>, Refusal>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let bound = self.aws.config().role_propagation_wait;
        let began = Instant::now();
        let mut pause = Duration::from_millis(500);
        let mut looked = false;
        loop {
            match attempt().await {
                Err(error) if is_about_the_role(&error) => {
                    if !std::mem::replace(&mut looked, true)
                        && let Some(refusal) = Box::pin(self.never_usable(role_arn, &error)).await
                    {
                        return Err(refusal);
                    }
                    if began.elapsed() + pause > bound {
                        return Ok(Err(error.as_kind(FailureKind::RoleNotAssumable).about(Noun::Role, role_arn)));
                    }
                    tracing::info!(
                        role_arn,
                        pause_ms = pause.as_millis(),
                        "the role cannot be assumed yet; waiting for IAM"
                    );
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                answer => return Ok(answer),
            }
        }
    }
}

fn is_about_the_role(error: &Failure) -> bool {
    error.kind == FailureKind::Rejected
        && (error.message.contains("cannot be assumed") || error.message.contains("is not authorized to call"))
}
