//! JobService.

use tonic::{Request, Response, Status, async_trait};

use super::{calls::Calls, convert::jobs as convert, restores};
use crate::{
    aws::Aws,
    proto::{self, job_service_server::JobService},
};

#[derive(Debug)]
pub(super) struct Jobs {
    pub(super) aws: Aws,
    pub(super) calls: Calls,
}

#[async_trait]
impl JobService for Jobs {
    async fn start_backup(
        &self,
        request: Request<proto::StartBackupRequest>,
    ) -> Result<Response<proto::StartBackupResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, start) = convert::start_backup(request)?;
            // Boxed, as the restore below: it reads three things at once, which makes a future of 25 kilobytes.
            let (job, warnings) = Box::pin(aws.start_backup(&scope, &start)).await?;
            Ok(convert::started(&start, job, warnings))
        };
        self.calls.change(request, work).await
    }

    async fn start_restore(
        &self,
        request: Request<proto::StartRestoreRequest>,
    ) -> Result<Response<proto::StartRestoreResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        // Boxed, as the backup above.
        let work = |request| async move { Box::pin(restores::start(&aws, request)).await };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn start_copy(
        &self,
        request: Request<proto::StartCopyRequest>,
    ) -> Result<Response<proto::StartCopyResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = move |request| async move {
            let (scope, copy) = convert::start_copy(request)?;
            if dry_run {
                return Ok(convert::copied(None, Box::pin(aws.check_copy(&scope, &copy)).await?));
            }
            let (job, checked) = Box::pin(aws.start_copy(&scope, &copy)).await?;
            Ok(convert::copied(Some(job), checked))
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn get_job(&self, request: Request<proto::GetJobRequest>) -> Result<Response<proto::GetJobResponse>, Status> {
        let work = |request| async {
            let (scope, id, kind) = convert::get(request)?;
            let (job, wait, findings) = Box::pin(self.aws.explain_job(&scope, &id, kind)).await?;
            Ok(convert::explained(job, wait, findings))
        };
        self.calls.read(request, work).await
    }

    async fn list_jobs(
        &self,
        request: Request<proto::ListJobsRequest>,
    ) -> Result<Response<proto::ListJobsResponse>, Status> {
        let work = |request| async {
            let (scope, filter, page, query) = convert::list(request)?;
            // Boxed: the SDK's builders of three lists make a large future.
            let jobs = Box::pin(self.aws.list_jobs(&scope, &filter, &page)).await?;
            Ok(proto::ListJobsResponse {
                next_page_token: jobs.next.map(|cursor| query.token(&cursor)).unwrap_or_default(),
                jobs: jobs.items.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.read(request, work).await
    }

    async fn cancel_job(
        &self,
        request: Request<proto::CancelJobRequest>,
    ) -> Result<Response<proto::CancelJobResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, id) = convert::cancel(request)?;
            let job = aws.cancel_job(&scope, &id).await?;
            Ok(proto::CancelJobResponse { job: Some(job.into()) })
        };
        self.calls.change(request, work).await
    }
}
