//! A read of the ledger as clients see it, beside the least that such a read can cost: tonic's own server with one query of sqlx's.

use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, PgPool, Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use strongroom::proto::{
    CancelJobRequest, CancelJobResponse, GetJobRequest, GetJobResponse, Job, JobDimension, JobFilter, JobState,
    ListJobsRequest, ListJobsResponse, Read, Scope, StartBackupRequest, StartBackupResponse, StartCopyRequest,
    StartCopyResponse, StartRestoreRequest, StartRestoreResponse, SummarizeJobsRequest, SummarizeJobsResponse,
    WaitJobRequest, WaitJobResponse, WatchJobsRequest, WatchJobsResponse,
    job_service_client::JobServiceClient,
    job_service_server::{JobService, JobServiceServer},
};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, transport::Channel, transport::server::TcpIncoming};

use crate::{
    at::At,
    figures::{median, table},
    fill, jobs,
    load::{self, Ran},
    pages::short,
    processes::Running,
    served::Served,
};

/// Callers at once, over as many connections.
const CALLERS: usize = 64;
const CONNECTIONS: usize = 8;

pub(crate) async fn run(at: &At, size: u64, pairs: usize, quick: bool) -> Result<()> {
    fill::filled(at, size).await?;
    let calls = if quick { 64 } else { 32_000 };
    let (served, bare) = (Served::on(at).await?, bare(at)?);
    let (ours, theirs) = (served.channels(CONNECTIONS).await?, load::channels(&bare.url(), CONNECTIONS).await?);
    // Jobs of the account and region that the server follows.
    let scopes = jobs::scopes();
    let ids: Vec<String> = (0..size)
        .map(|number| jobs::job(number, size, &scopes).0)
        .filter(|job| job.scope == scopes[0])
        .take(1_000)
        .map(|job| job.id.as_str().to_owned())
        .collect();
    ensure!(!ids.is_empty(), "some jobs are there");
    let ask = async |channels: &[Channel], calls: usize| {
        load::run(CALLERS, calls, |caller, number| {
            let mut jobs = JobServiceClient::new(channels[caller % channels.len()].clone());
            let job = ids[(caller * 31 + number) % ids.len()].clone();
            async move {
                let request = GetJobRequest { job, read: Read::Ledger.into(), ..GetJobRequest::default() };
                let told = jobs.get_job(request).await?.into_inner().job;
                ensure!(told.is_some_and(|job| !job.resource_arn.is_empty()), "the job is told");
                Ok(())
            }
        })
        .await
    };
    ask(&ours, CALLERS).await?;
    ask(&theirs, CALLERS).await?;
    let mut ran: Vec<(Ran, Ran)> = Vec::new();
    for pair in 0..pairs {
        eprintln!("{}: GetJob beside bare tonic and sqlx, pair {} of {pairs}", at.name(), pair + 1);
        ran.push(if pair.is_multiple_of(2) {
            let first = ask(&ours, calls).await?;
            (first, ask(&theirs, calls).await?)
        } else {
            let first = ask(&theirs, calls).await?;
            (ask(&ours, calls).await?, first)
        });
    }
    let over = |figure: &dyn Fn(&(Ran, Ran)) -> f64| median(ran.iter().map(figure).collect());
    let half = |ran: &Ran| ran.latencies.quantile(0.5);
    let row = |what: &str, ours: f64, theirs: f64, ratio: f64| {
        vec![what.to_owned(), format!("{ours:.0}"), format!("{theirs:.0}"), format!("{ratio:.3}")]
    };
    table(
        &format!(
            "{}: GetJob of {} jobs, {CALLERS} callers on {CONNECTIONS} connections, beside bare tonic with sqlx",
            at.name(),
            short(size)
        ),
        &["", "Strongroom", "bare tonic and sqlx", "ratio"],
        &[
            row(
                "calls a second",
                over(&|(ours, _)| ours.calls_a_second()),
                over(&|(_, theirs)| theirs.calls_a_second()),
                over(&|(ours, theirs)| ours.calls_a_second() / theirs.calls_a_second()),
            ),
            row(
                "p50, µs",
                over(&|(ours, _)| half(ours)),
                over(&|(_, theirs)| half(theirs)),
                over(&|(ours, theirs)| half(ours) / half(theirs)),
            ),
        ],
    );
    over_grpc(at, size, &ours[0], quick).await
}

/// Pages by one caller over gRPC.
async fn over_grpc(at: &At, size: u64, channel: &Channel, quick: bool) -> Result<()> {
    let hot = jobs::resource(0, &jobs::scopes());
    let filter = |filter: JobFilter| ListJobsRequest {
        filter: Some(filter),
        page_size: 100,
        read: Read::Ledger.into(),
        ..ListJobsRequest::default()
    };
    let failed = || vec![JobState::Failed.into()];
    let lists = [
        ("ListJobs, all", filter(JobFilter::default())),
        ("ListJobs, FAILED", filter(JobFilter { states: failed(), ..JobFilter::default() })),
        ("ListJobs, the resource that has half", filter(JobFilter { resource: hot, ..JobFilter::default() })),
        ("ListJobs, 0.001 %", filter(JobFilter { plan: jobs::rare_plan(), states: failed(), ..JobFilter::default() })),
    ];
    let calls = if quick { 4 } else { 2_000 };
    let mut rows = Vec::new();
    let mut row = |what: &str, ran: &Ran| {
        let [half, most] = [0.5, 0.99].map(|share| format!("{:.2}", ran.latencies.quantile(share) / 1000.0));
        rows.push(vec![what.to_owned(), format!("{half} / {most}")]);
    };
    for (what, list) in lists {
        let ran = load::run(1, calls, |_, _| {
            let (mut jobs, list) = (JobServiceClient::new(channel.clone()), list.clone());
            async move {
                jobs.list_jobs(list).await?;
                Ok(())
            }
        });
        row(what, &ran.await?);
    }
    for (what, by) in
        [("SummarizeJobs by day", JobDimension::Day), ("SummarizeJobs by resource", JobDimension::Resource)]
    {
        let ran = load::run(1, calls, |_, _| {
            let mut jobs = JobServiceClient::new(channel.clone());
            async move {
                let sums = SummarizeJobsRequest {
                    group_by: vec![by.into()],
                    page_size: 100,
                    ..SummarizeJobsRequest::default()
                };
                jobs.summarize_jobs(sums).await?;
                Ok(())
            }
        });
        row(what, &ran.await?);
    }
    let title = format!("{}: pages of 100 of {} jobs over gRPC, one caller", at.name(), short(size));
    table(&title, &["", "p50 / p99 ms"], &rows);
    Ok(())
}

/// The bench itself, as the bare peer.
fn bare(at: &At) -> Result<Running> {
    let mut command = Command::new(std::env::current_exe()?);
    match at {
        At::File(path) => command.arg("bare").arg(path),
        At::Postgres(url) => command.arg("bare").arg(url),
    };
    Running::start(&mut command)
}

enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

struct Bare(Pool);

const JOB: &str = "SELECT j.id, p.account, p.region, s.type, s.resource, s.vault, c.text, j.own FROM job AS j \
                   JOIN subject AS s ON s.id = j.subject JOIN place AS p ON p.id = s.place \
                   JOIN common AS c ON c.id = j.common WHERE j.id = $1";

/// Serves jobs out of the tables, until killed.
pub(crate) async fn serve_bare(path_or_url: &str) -> Result<()> {
    // As many readers as the ledger has.
    let pool = if path_or_url.starts_with("postgres") {
        Pool::Postgres(sqlx::postgres::PgPoolOptions::new().max_connections(10).connect(path_or_url).await?)
    } else {
        let options = SqliteConnectOptions::new().filename(path_or_url).read_only(true).pragma("cache_size", "-16000");
        Pool::Sqlite(SqlitePoolOptions::new().max_connections(4).connect_with(options).await?)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("address={}", listener.local_addr()?);
    tonic::transport::Server::builder()
        .add_service(JobServiceServer::new(Bare(pool)))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}

impl Bare {
    async fn texts(&self, id: &str) -> sqlx::Result<[String; 8]> {
        let sql = AssertSqlSafe(JOB);
        match &self.0 {
            Pool::Sqlite(pool) => {
                let row = sqlx::query(sql).bind(id).fetch_one(pool).await?;
                Ok(std::array::from_fn(|column| row.get(column)))
            }
            Pool::Postgres(pool) => {
                let row = sqlx::query(sql).bind(id).fetch_one(pool).await?;
                Ok(std::array::from_fn(|column| row.get(column)))
            }
        }
    }
}

fn none<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("a peer answers GetJob"))
}

#[tonic::async_trait]
impl JobService for Bare {
    async fn get_job(&self, request: Request<GetJobRequest>) -> Result<Response<GetJobResponse>, Status> {
        let found = self.texts(&request.get_ref().job).await;
        let [id, account, region, of_type, resource, vault, common, own] =
            found.map_err(|error| Status::internal(error.to_string()))?;
        let read =
            |text: &str| serde_json::from_str::<Value>(text).map_err(|error| Status::internal(error.to_string()));
        let (common, own) = (read(&common)?, read(&own)?);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let job = Job {
            id,
            scope: Some(Scope { account, region }),
            state_text: text(&own["s"][0]),
            resource_type: of_type,
            resource_arn: resource,
            vault_arn: vault,
            role_arn: text(&common["role"]),
            recovery_point_arn: text(&own["point"]),
            ..Job::default()
        };
        Ok(Response::new(GetJobResponse { job: Some(job), ..GetJobResponse::default() }))
    }

    async fn start_backup(&self, _: Request<StartBackupRequest>) -> Result<Response<StartBackupResponse>, Status> {
        none()
    }

    async fn start_restore(&self, _: Request<StartRestoreRequest>) -> Result<Response<StartRestoreResponse>, Status> {
        none()
    }

    async fn start_copy(&self, _: Request<StartCopyRequest>) -> Result<Response<StartCopyResponse>, Status> {
        none()
    }

    async fn list_jobs(&self, _: Request<ListJobsRequest>) -> Result<Response<ListJobsResponse>, Status> {
        none()
    }

    async fn summarize_jobs(
        &self,
        _: Request<SummarizeJobsRequest>,
    ) -> Result<Response<SummarizeJobsResponse>, Status> {
        none()
    }

    async fn wait_job(&self, _: Request<WaitJobRequest>) -> Result<Response<WaitJobResponse>, Status> {
        none()
    }

    type WatchJobsStream = tokio_stream::Empty<Result<WatchJobsResponse, Status>>;

    async fn watch_jobs(&self, _: Request<WatchJobsRequest>) -> Result<Response<Self::WatchJobsStream>, Status> {
        none()
    }

    async fn cancel_job(&self, _: Request<CancelJobRequest>) -> Result<Response<CancelJobResponse>, Status> {
        none()
    }
}
