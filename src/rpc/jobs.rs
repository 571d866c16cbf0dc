//! JobService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::{Calls, Watching},
    convert::{
        job_filter, job_summary, jobs as convert,
        restore::{self, StartRestore},
    },
    remembered::{Remembered, Starting, starting},
    restores,
};
use crate::{
    aws::Scoped,
    domain::{Asked, StartBackup, StartCopy},
    proto::{self, job_service_server::JobService},
};

#[derive(Debug)]
pub(super) struct Jobs {
    pub(super) calls: Calls,
    pub(super) remembered: Remembered,
}

#[async_trait]
impl JobService for Jobs {
    async fn start_backup(
        &self,
        request: Request<proto::StartBackupRequest>,
    ) -> Result<Response<proto::StartBackupResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<Starting<StartBackup>>| async move {
            let start = async |asked: Asked<StartBackup>| {
                let (job, found) = aws.start_backup(&asked).await?;
                remembered.learn_started(job.as_ref(), aws.now()).await;
                Ok(convert::started(&asked.what, job, found))
            };
            remembered.start_once(&aws, asked, start).await
        };
        self.calls.change(request, starting(convert::start_backup), work).await
    }

    async fn start_restore(
        &self,
        request: Request<proto::StartRestoreRequest>,
    ) -> Result<Response<proto::StartRestoreResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<Starting<StartRestore>>| async move {
            let start = async |asked| restores::start(&aws, &remembered, asked).await;
            remembered.start_once(&aws, asked, start).await
        };
        self.calls.change(request, starting(restore::start), work).await
    }

    async fn start_copy(
        &self,
        request: Request<proto::StartCopyRequest>,
    ) -> Result<Response<proto::StartCopyResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<Starting<StartCopy>>| async move {
            let start = async |asked: Asked<StartCopy>| {
                let (job, checked) = aws.start_copy(&asked).await?;
                remembered.learn_started(job.as_ref(), aws.now()).await;
                Ok(convert::copied(job, checked))
            };
            remembered.start_once(&aws, asked, start).await
        };
        self.calls.change(request, starting(convert::start_copy), work).await
    }

    async fn get_job(&self, request: Request<proto::GetJobRequest>) -> Result<Response<proto::GetJobResponse>, Status> {
        let work = |aws: Scoped, asked| async move { self.remembered.get_job(aws, asked).await };
        self.calls.read(request, convert::get, work).await
    }

    async fn list_jobs(
        &self,
        request: Request<proto::ListJobsRequest>,
    ) -> Result<Response<proto::ListJobsResponse>, Status> {
        let work = |aws: Scoped, asked| async move { self.remembered.list_jobs(aws, asked).await };
        self.calls.read(request, job_filter::list, work).await
    }

    async fn summarize_jobs(
        &self,
        request: Request<proto::SummarizeJobsRequest>,
    ) -> Result<Response<proto::SummarizeJobsResponse>, Status> {
        let work = |aws: Scoped, asked, sight| async move { self.remembered.summarize_jobs(aws, asked, sight).await };
        self.calls.read_seen(request, job_summary::summarize, work).await
    }

    async fn wait_job(
        &self,
        request: Request<proto::WaitJobRequest>,
    ) -> Result<Response<proto::WaitJobResponse>, Status> {
        let work = |aws: Scoped, asked| async move { self.remembered.wait_job(aws, asked).await };
        self.calls.read(request, convert::wait, work).await
    }

    type WatchJobsStream = Watching<proto::WatchJobsResponse>;

    async fn watch_jobs(
        &self,
        request: Request<proto::WatchJobsRequest>,
    ) -> Result<Response<Self::WatchJobsStream>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked, sight| async move { remembered.watch_jobs(aws, asked, sight).await };
        self.calls.watch(request, job_filter::watch, work).await
    }

    async fn cancel_job(
        &self,
        request: Request<proto::CancelJobRequest>,
    ) -> Result<Response<proto::CancelJobResponse>, Status> {
        let work = |aws: Scoped, asked| async move {
            let job = aws.cancel_job(&asked).await?;
            Ok(proto::CancelJobResponse { job: Some(job.into()), ..Default::default() })
        };
        self.calls.change(request, convert::cancel, work).await
    }
}
