//! Planning a restore, which PlanRestore shows and StartRestore does.

use super::{
    convert::{
        findings,
        restore::{PlanRestore, StartRestore},
        timestamp,
    },
    remembered::Remembered,
    restore_token,
    restore_token::Planned,
    status::Failure,
};
use crate::{
    aws::Scoped,
    domain::{Asked, Mode, Restore, RestoreChecks, RestoreMetadata, RestoreSource},
    proto,
};

/// A restore with all that AWS tells of it.
struct Plan {
    source: RestoreSource,
    metadata: RestoreMetadata,
    checks: RestoreChecks,
}

/// What the request leaves out stands in the recovery point, so some of its faults show only when that is read.
async fn plan(aws: &Scoped, restore: &Restore, source: RestoreSource) -> Result<Plan, Failure> {
    let metadata = restore.over(&source)?;
    let checks = aws.check_restore(restore, &source, &metadata).await?;
    Ok(Plan { source, metadata, checks })
}

/// PlanRestore.
pub(super) async fn show(aws: &Scoped, planned: PlanRestore) -> Result<proto::PlanRestoreResponse, Failure> {
    let PlanRestore { restore, said } = planned;
    let source = aws.restore_source(&restore).await?;
    let Plan { source, metadata, checks } = plan(aws, &restore, source).await?;
    let restore_token = if checks.refusal(&restore).is_some() {
        String::new()
    } else {
        // Whoever starts it may have other defaults, and the role another path by then.
        let whole = proto::PlanRestoreRequest {
            scope: Some(aws.scope().clone().into()),
            restore: Some(proto::Restore { role: checks.role_arn.clone(), ..said }),
        };
        restore_token::write(&whole, &metadata)
    };
    Ok(proto::PlanRestoreResponse {
        restore_token,
        metadata: metadata.values,
        resource_type: source.resource_type.to_string(),
        findings: findings(checks.findings),
        restore_window: checks.window.map(Into::into),
        as_of: Some(timestamp(aws.now())),
    })
}

/// StartRestore.
pub(super) async fn start(
    aws: &Scoped,
    remembered: &Remembered,
    asked: Asked<StartRestore>,
) -> Result<proto::StartRestoreResponse, Failure> {
    let Asked { mode, request_id, what: StartRestore { restore, planned }, .. } = &asked;
    let differs = |metadata: &RestoreMetadata| planned.is_some_and(|planned| planned != Planned::of(metadata));
    let source = match aws.restore_source(restore).await {
        Ok(source) => source,
        // A repetition whose recovery point was deleted since.
        Err(missing) if missing.is_missing() && !asked.is_check() => {
            let repeated = aws.repeat_restore(restore, request_id, missing, |sent| !differs(sent)).await;
            let (job, source) = repeated?;
            remembered.learn_started(Some(&job), aws.now()).await;
            return Ok(proto::StartRestoreResponse {
                job: Some(job.into()),
                metadata: source.metadata.values.clone(),
                findings: findings(restore.findings(&source)),
                resource_type: source.resource_type.to_string(),
                ..Default::default()
            });
        }
        Err(error) => return Err(error.into()),
    };
    let Plan { source, metadata, checks } = plan(aws, restore, source).await?;
    if differs(&metadata) {
        return Err(Failure::StalePlan(restore.recovery_point.clone()));
    }
    let job = match mode {
        Mode::Check => checks.refusal(restore).map_or(Ok(None), Err)?,
        Mode::Do => Some(aws.start_restore(restore, request_id, &source, &metadata, &checks).await?),
    };
    remembered.learn_started(job.as_ref(), aws.now()).await;
    // A repetition is answered though by now something stands in the way of doing it anew.
    let found = checks.findings.into_iter().filter(|finding| !finding.is_obstacle());
    Ok(proto::StartRestoreResponse {
        job: job.map(Into::into),
        metadata: metadata.values,
        findings: findings(found.collect()),
        resource_type: source.resource_type.to_string(),
        ..Default::default()
    })
}
