//! Planning a restore, which PlanRestore shows and StartRestore does.

use super::{convert::restore as convert, restore_token, restore_token::Planned, status::Failure};
use crate::{
    aws::{Aws, Kind, RestoreChecks},
    domain::{AskedScope, Restore, RestoreMetadata, RestoreSource},
    proto,
};

/// A restore with all that AWS tells of it.
struct Plan {
    source: RestoreSource,
    metadata: RestoreMetadata,
    checks: RestoreChecks,
}

/// What the request leaves out stands in the recovery point, so some of its faults show only when that is read.
async fn plan(aws: &Aws, scope: &AskedScope, restore: &Restore, source: RestoreSource) -> Result<Plan, Failure> {
    let metadata = restore.over(&source)?;
    let checks = Box::pin(aws.check_restore(scope, restore, &source, &metadata)).await?;
    Ok(Plan { source, metadata, checks })
}

/// PlanRestore.
pub(super) async fn show(aws: &Aws, request: proto::PlanRestoreRequest) -> Result<proto::PlanRestoreResponse, Failure> {
    let (scope, restore) = convert::plan(request.clone())?;
    let source = aws.restore_source(&scope, &restore).await?;
    let Plan { source, metadata, checks } = plan(aws, &scope, &restore, source).await?;
    let restore_token = if checks.refusal(&restore).is_some() {
        String::new()
    } else {
        // Whoever starts it may have other defaults, and the role another path by then.
        let whole = proto::PlanRestoreRequest {
            scope: Some(checks.scope.clone().into()),
            role: checks.role_arn.clone(),
            ..request
        };
        restore_token::write(&whole, &metadata)
    };
    Ok(proto::PlanRestoreResponse {
        restore_token,
        metadata: metadata.values,
        resource_type: source.resource_type,
        findings: checks.findings.into_iter().map(Into::into).collect(),
        warnings: checks.warnings.into_iter().map(Into::into).collect(),
        restore_window: checks.window.map(Into::into),
    })
}

/// StartRestore.
pub(super) async fn start(
    aws: &Aws,
    request: proto::StartRestoreRequest,
) -> Result<proto::StartRestoreResponse, Failure> {
    let convert::StartRestore { scope, restore, request_id, validate_only, planned } = convert::start(request)?;
    let differs = |metadata: &RestoreMetadata| planned.is_some_and(|planned| planned != Planned::of(metadata));
    let source = match aws.restore_source(&scope, &restore).await {
        Ok(source) => source,
        // A repetition whose recovery point was deleted since.
        Err(missing) if missing.kind == Kind::NotFound && !validate_only => {
            let repeated = aws.repeat_restore(&scope, &restore, &request_id, missing, |sent| !differs(sent));
            let (job, source) = Box::pin(repeated).await?;
            return Ok(proto::StartRestoreResponse {
                job: Some(job.into()),
                metadata: source.metadata.values.clone(),
                warnings: restore.warnings(&source).into_iter().map(Into::into).collect(),
                findings: Vec::new(),
                resource_type: source.resource_type,
            });
        }
        Err(error) => return Err(error.into()),
    };
    let Plan { source, metadata, checks } = plan(aws, &scope, &restore, source).await?;
    if differs(&metadata) {
        return Err(Failure::StalePlan(restore.recovery_point));
    }
    let job = if validate_only {
        checks.refusal(&restore).map_or(Ok(None), Err)?
    } else {
        let started = aws.start_restore(&scope, &restore, &request_id, &source, &metadata, &checks);
        Some(Box::pin(started).await?.into())
    };
    // A repetition is answered though by now something stands in the way of doing it anew.
    let findings = checks.findings.into_iter().filter(|finding| !finding.is_obstacle());
    Ok(proto::StartRestoreResponse {
        job,
        metadata: metadata.values,
        warnings: checks.warnings.into_iter().map(Into::into).collect(),
        findings: findings.map(Into::into).collect(),
        resource_type: source.resource_type,
    })
}
