//! Many watchers: how long it takes until those whom an event is for hear of it, what each costs in memory, and whether AWS notices them.
//!
//! An event is a backup that is started at the server: it is in the ledger before the caller has the answer, and who waits longer
//! than the caller was told late. On PostgreSQL another server writes it too: the bench, by the ledger's own path.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use strongroom::{
    domain::{AccountId, Job, JobId, JobKind, JobState, RegionName, ResourceType, Scope},
    ledger::Ledger,
    proto::{
        GetCoverageRequest, JobDimension, JobFilter, ListJobsRequest, Read, StartBackupRequest, SummarizeJobsRequest,
        WatchJobsRequest, job_service_client::JobServiceClient, protection_service_client::ProtectionServiceClient,
        watch_jobs_response,
    },
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use tonic::transport::Channel;

use crate::{
    at::At,
    figures::{Latencies, table},
    served::{Served, VAULT},
};

/// As many watch the same thing, at the most.
const SAME: usize = 10;

/// Watchers on one connection.
const ON_ONE: usize = 500;

/// Who reads as portals do, meanwhile.
const READERS: usize = 8;

/// A job that a watcher was told of, and when.
type Heard = (String, Instant);

struct Watchers {
    tasks: JoinSet<()>,
    heard: mpsc::UnboundedReceiver<Heard>,
}

fn volume(number: usize) -> String {
    format!("arn:aws:ec2:us-east-1:123456789012:volume/vol-{number:017x}")
}

pub(crate) async fn run(at: &At, quick: bool) -> Result<()> {
    let sizes: &[usize] = if quick { &[20] } else { &[1_000, 10_000] };
    let (events, minute) = if quick { (3, Duration::from_secs(2)) } else { (200, Duration::from_secs(60)) };
    let (mut rows, mut calls) = (Vec::new(), Vec::new());
    for &count in sizes {
        at.remove().await?;
        let served = Served::on(at).await?;
        served.prepare().await?;
        eprintln!("{}: {count} watchers", at.name());
        // What begins has come to rest.
        sleep(if quick { Duration::ZERO } else { Duration::from_secs(10) }).await;
        let mut told = vec![format!("{count}"), per_minute(&served, minute, false).await?];
        let (before, _) = served.server.resident()?;
        let mut watchers = watch(&served, count, false).await?;
        sleep(if quick { Duration::ZERO } else { Duration::from_secs(5) }).await;
        let (with, _) = served.server.resident()?;
        let each = (with - before) * 1024.0 / count as f64;
        told.push(per_minute(&served, minute, false).await?);
        told.push(per_minute(&served, minute, true).await?);
        let some = started(&served, &mut watchers, count, events).await?;
        let others = match at {
            At::Postgres(_) => written(&at.ledger(), &mut watchers, count, events).await?.shown(),
            At::File(_) => "–".to_owned(),
        };
        let (after, _) = served.server.resident()?;
        watchers.tasks.shutdown().await;
        let mut watchers = watch(&served, count, true).await?;
        let all = broadcast(&served, &mut watchers, count, if quick { 1 } else { 10 }).await?;
        watchers.tasks.shutdown().await;
        rows.push(vec![
            count.to_string(),
            some.0.shown(),
            some.1.shown(),
            others,
            all.shown(),
            format!("{each:.1} KiB"),
            format!("{:.1} KiB", (after - before) * 1024.0 / count as f64),
        ]);
        calls.push(told);
    }
    table(
        &format!("{}: from an event to a watcher, at most {SAME} of whom it is for, p50 / p99 / most", at.name()),
        &[
            "watchers",
            "since the call that makes it was sent",
            "since its answer",
            "since another server began to write it",
            "for all, since the call was sent",
            "memory of one",
            "after the events",
        ],
        &rows,
    );
    table(
        &format!("{}: calls of AWS in a minute", at.name()),
        &["watchers", "before they come", "with them", &format!("with {READERS} readers too, and what they read")],
        &calls,
    );
    at.remove().await
}

struct Spread(Latencies);

impl Spread {
    fn shown(&self) -> String {
        let millis = [0.5, 0.99, 1.0].map(|share| format!("{:.1}", self.0.quantile(share) / 1000.0));
        format!("{} ms", millis.join(" / "))
    }
}

/// So many watchers, each of one volume; or of everything.
async fn watch(served: &Served, count: usize, all: bool) -> Result<Watchers> {
    let channels = served.channels(count.div_ceil(ON_ONE)).await?;
    let (tell, heard) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    let (ready, mut begun) = mpsc::unbounded_channel();
    for number in 0..count {
        let mut jobs = JobServiceClient::new(channels[number % channels.len()].clone());
        let (tell, ready) = (tell.clone(), ready.clone());
        let filter =
            JobFilter { resource: if all { String::new() } else { volume(number / SAME) }, ..JobFilter::default() };
        tasks.spawn(async move {
            let request = WatchJobsRequest { filter: Some(filter), ..WatchJobsRequest::default() };
            let mut stream = match jobs.watch_jobs(request).await {
                Ok(answer) => answer.into_inner(),
                Err(status) => {
                    let _ = ready.send(Err(status));
                    return;
                }
            };
            // The first thing that is told is where the watch begins.
            let mut is_ready = Some(ready);
            while let Ok(Some(told)) = stream.message().await {
                if let Some(ready) = is_ready.take() {
                    let _ = ready.send(Ok(()));
                }
                if let Some(watch_jobs_response::Event::Job(job)) = told.event {
                    let _ = tell.send((job.id, Instant::now()));
                }
            }
        });
    }
    for _ in 0..count {
        timeout(Duration::from_secs(60), begun.recv()).await?.context("a watcher ended")??;
    }
    Ok(Watchers { tasks, heard })
}

impl Watchers {
    /// What is told of a job, to so many, since an instant.
    async fn of(&mut self, id: &str, many: usize, since: &[Instant]) -> Result<Vec<Vec<Duration>>> {
        let mut latencies = vec![Vec::new(); since.len()];
        let mut count = 0;
        while count < many {
            let heard = timeout(Duration::from_secs(30), self.heard.recv()).await;
            let Ok(heard) = heard else { bail!("{count} of {many} heard of {id} within 30 s") };
            let (told, at) = heard.context("all watchers ended")?;
            // Of earlier ones it may be told that they run now.
            if told == id {
                count += 1;
                for (latencies, since) in latencies.iter_mut().zip(since) {
                    latencies.push(at.saturating_duration_since(*since));
                }
            }
        }
        Ok(latencies)
    }
}

async fn start(jobs: &mut JobServiceClient<Channel>, number: usize) -> Result<(String, [Instant; 2])> {
    let request = StartBackupRequest {
        resource: volume(number),
        vault: VAULT.to_owned(),
        role: "AWSBackupDefaultServiceRole".to_owned(),
        ..StartBackupRequest::default()
    };
    let sent = Instant::now();
    let job = jobs.start_backup(request).await?.into_inner().job.context("a job was started")?;
    Ok((job.id, [sent, Instant::now()]))
}

async fn started(served: &Served, watchers: &mut Watchers, count: usize, events: usize) -> Result<(Spread, Spread)> {
    let mut jobs = JobServiceClient::new(served.channels(1).await?.remove(0));
    let (mut sent, mut answered) = (Vec::new(), Vec::new());
    for event in 0..events {
        let (id, since) = start(&mut jobs, event % count.div_ceil(SAME)).await?;
        let both = watchers.of(&id, SAME.min(count), &since).await?;
        sent.extend(&both[0]);
        answered.extend(&both[1]);
    }
    Ok((Spread(Latencies::of(sent)), Spread(Latencies::of(answered))))
}

/// Events that another server writes.
async fn written(ledger: &Ledger, watchers: &mut Watchers, count: usize, events: usize) -> Result<Spread> {
    let mut all = Vec::new();
    for event in 0..events {
        let id = format!("00000000-0000-4000-8000-{event:012x}");
        let scope = Scope {
            account: AccountId::parse("123456789012").map_err(|fault| anyhow::anyhow!("{fault:?}"))?,
            region: RegionName::parse("us-east-1").map_err(|fault| anyhow::anyhow!("{fault:?}"))?,
        };
        let blank = Job::blank(JobId::told(&*id).context("it is an id")?, JobKind::Backup, scope);
        let job = Job {
            state: JobState::Completed,
            resource_arn: Some(volume(event % count.div_ceil(SAME))),
            resource_type: ResourceType::told("EBS"),
            created_at: Some(Timestamp::now()),
            completed_at: Some(Timestamp::now()),
            ..blank
        };
        let since = Instant::now();
        ensure!(ledger.learn(vec![(job, Timestamp::now())]).await? == 1, "it is news");
        all.extend(watchers.of(&id, SAME.min(count), &[since]).await?.concat());
    }
    Ok(Spread(Latencies::of(all)))
}

async fn broadcast(served: &Served, watchers: &mut Watchers, count: usize, events: usize) -> Result<Spread> {
    let mut jobs = JobServiceClient::new(served.channels(1).await?.remove(0));
    let mut all = Vec::new();
    for event in 0..events {
        let (id, since) = start(&mut jobs, event).await?;
        all.extend(watchers.of(&id, count, &since[..1]).await?.concat());
    }
    Ok(Spread(Latencies::of(all)))
}

/// How many calls of AWS there are in such a time, and of readers how many there were.
async fn per_minute(served: &Served, time: Duration, readers: bool) -> Result<String> {
    let before = served.asked().await?;
    let read = if readers { read(served, time).await? } else { BTreeMap::new() };
    if !readers {
        sleep(time).await;
    }
    let calls = served.asked().await? - before;
    let mut told = calls.to_string();
    if readers {
        told += &format!(" ({} reads)", read.values().sum::<usize>());
    }
    Ok(told)
}

/// Reads as portals do, for so long: how many reads of each sort.
async fn read(served: &Served, time: Duration) -> Result<BTreeMap<&'static str, usize>> {
    let until = Instant::now() + time;
    let mut readers = JoinSet::new();
    for channel in served.channels(READERS).await? {
        readers.spawn(async move {
            let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
            let mut jobs = JobServiceClient::new(channel.clone());
            let mut protection = ProtectionServiceClient::new(channel);
            while Instant::now() < until {
                let list = ListJobsRequest { read: Read::Ledger.into(), page_size: 20, ..ListJobsRequest::default() };
                jobs.list_jobs(list).await?;
                let sums = SummarizeJobsRequest {
                    group_by: vec![JobDimension::Day.into()],
                    ..SummarizeJobsRequest::default()
                };
                jobs.summarize_jobs(sums).await?;
                protection.get_coverage(GetCoverageRequest::default()).await?;
                *counts.entry("each").or_default() += 3;
                sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(counts)
        });
    }
    let mut all: BTreeMap<&'static str, usize> = BTreeMap::new();
    while let Some(counts) = readers.join_next().await {
        for (what, count) in counts?? {
            *all.entry(what).or_default() += count;
        }
    }
    Ok(all)
}
