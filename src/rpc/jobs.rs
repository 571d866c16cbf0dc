//! JobService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{findings, job_filter, jobs as convert, restore},
    page_token::ListOf,
    restores,
};
use crate::{
    aws::Scoped,
    domain::{Asked, GetJob, JobFilter, StartBackup},
    proto::{self, job_service_server::JobService},
};

#[derive(Debug)]
pub(super) struct Jobs(pub(super) Calls);

#[async_trait]
impl JobService for Jobs {
    async fn start_backup(
        &self,
        request: Request<proto::StartBackupRequest>,
    ) -> Result<Response<proto::StartBackupResponse>, Status> {
        let work = |aws: Scoped, asked: Asked<StartBackup>| async move {
            let (job, found) = aws.start_backup(&asked).await?;
            Ok(convert::started(&asked.what, job, found))
        };
        self.0.change(request, convert::start_backup, work).await
    }

    async fn start_restore(
        &self,
        request: Request<proto::StartRestoreRequest>,
    ) -> Result<Response<proto::StartRestoreResponse>, Status> {
        let work = |aws: Scoped, asked| async move { restores::start(&aws, asked).await };
        self.0.change(request, restore::start, work).await
    }

    async fn start_copy(
        &self,
        request: Request<proto::StartCopyRequest>,
    ) -> Result<Response<proto::StartCopyResponse>, Status> {
        let work = |aws: Scoped, asked| async move {
            let (job, checked) = aws.start_copy(&asked).await?;
            Ok(convert::copied(job, checked))
        };
        self.0.change(request, convert::start_copy, work).await
    }

    async fn get_job(&self, request: Request<proto::GetJobRequest>) -> Result<Response<proto::GetJobResponse>, Status> {
        let work = |aws: Scoped, GetJob { id, kind }| async move {
            let explained = aws.explain_job(&id, kind).await?;
            Ok(convert::explained(explained, aws.now()))
        };
        self.0.read(request, convert::get, work).await
    }

    async fn list_jobs(
        &self,
        request: Request<proto::ListJobsRequest>,
    ) -> Result<Response<proto::ListJobsResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<JobFilter>| async move {
            let page = async |page| {
                let (found, told) = aws.list_jobs_explained(&list.filter, "filter", &page).await?;
                Ok(proto::ListJobsResponse {
                    next_page_token: list.paged.token(found.next.as_ref()),
                    jobs: found.items.into_iter().map(Into::into).collect(),
                    findings: findings(told),
                })
            };
            list.paged.answer(page).await
        };
        self.0.read(request, job_filter::list, work).await
    }

    async fn cancel_job(
        &self,
        request: Request<proto::CancelJobRequest>,
    ) -> Result<Response<proto::CancelJobResponse>, Status> {
        let work = |aws: Scoped, asked| async move {
            let job = aws.cancel_job(&asked).await?;
            Ok(proto::CancelJobResponse { job: Some(job.into()), ..Default::default() })
        };
        self.0.change(request, convert::cancel, work).await
    }
}
