//! WatchJobs and WaitJob: what happens, as the ledger hears of it.

use std::{sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::{Memory, Remembered, nobody_knows};
use crate::{
    aws::Scoped,
    domain::{Invalid, Job, JobQuery, Scope},
    ledger::{Event, Happened, Reading, Told, Watch, WatchError},
    proto::{self, watch_jobs_response},
    rpc::{
        access::Sight,
        convert::{job_filter::WatchJobs, jobs::WaitJob, timestamp},
        resume_token::{Position, Watched},
        status::Failure,
    },
};

/// A watcher is told at least so often how far it is; some a little more often, so that not all are at once.
const BOOKMARKS: Duration = Duration::from_secs(15);

/// How often AWS is asked for a job that no ledger follows.
const LOOKS: Duration = Duration::from_secs(5);

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Ledger(error) => Self::LedgerUnavailable(error),
            WatchError::Expired(why) => Self::ResumeTokenExpired(why),
        }
    }
}

/// A watch, and what its messages need.
struct Watching {
    watch: Watch,
    watched: Watched,
    epoch: String,
    scopes: Vec<Scope>,
    /// The position to tell before anything else.
    first: Option<i64>,
    /// What its caller may see, and where.
    sight: Sight,
    aws: Scoped,
}

impl Remembered {
    pub(in crate::rpc) async fn watch_jobs(
        &self,
        aws: Scoped,
        asked: WatchJobs,
        sight: Sight,
    ) -> Result<impl Stream<Item = Result<proto::WatchJobsResponse, Failure>> + Send + use<>, Failure> {
        let WatchJobs { filter, all_scopes, watch, resume_token } = asked;
        let Some(Memory { scopes, .. }) = self.memory(&aws, all_scopes).await? else {
            return Err(nobody_knows(&aws, None));
        };
        let watched = Watched::of(&watch, &scopes);
        let position = watched.position(&resume_token);
        let position = position.map_err(|fault| Invalid::of("resume_token", fault.0))?;
        let head = self.ledger.head().await?;
        let after = match position {
            None => head.seq,
            Some(Position { epoch, seq }) if epoch == head.epoch => seq,
            Some(_) => return Err(Failure::ResumeTokenExpired("the ledger is another one, made anew since")),
        };
        let watch = self.tail.watch(filter.query(scopes.clone()), after).await?;
        let watching = Watching { watch, watched, epoch: head.epoch, scopes, first: Some(after), sight, aws };
        Ok(stream::unfold(Some(watching), |watching| async {
            let mut watching = watching?;
            match watching.next().await {
                Ok(told) => Some((Ok(told), Some(watching))),
                Err(failure) => Some((Err(failure), None)),
            }
        }))
    }

    /// The job once it has ended, or when the patience is over.
    pub(in crate::rpc) async fn wait_job(
        &self,
        aws: Scoped,
        asked: WaitJob,
    ) -> Result<proto::WaitJobResponse, Failure> {
        let WaitJob { id, kind, patience } = asked;
        let until = Instant::now() + aws.time_left().map_or(patience, |left| patience.min(left * 9 / 10));
        let memory = self.memory(&aws, false).await?;
        // Before the look, so that nothing happens between the two.
        let head = match &memory {
            Some(_) => Some(self.ledger.head().await?.seq),
            None => None,
        };
        let mut job = aws.find_job(&id, kind).await?;
        let mut as_of = aws.now();
        if memory.is_some() {
            self.learn(vec![(job.clone(), as_of)]).await;
        }
        let mut watch = match head {
            Some(head) if !job.state.is_final() => Some(self.tail.watch(about(&job), head).await?),
            Some(_) | None => None,
        };
        while !job.state.is_final() && Instant::now() < until {
            match &mut watch {
                Some(watch) => {
                    if let Told::Event(event) = watch.next(until).await?
                        && let Happened::Job(told) = &event.what
                        && told.id == job.id
                    {
                        job = (**told).clone();
                        as_of = event.at;
                    }
                }
                None => {
                    sleep_until(until.min(Instant::now() + LOOKS)).await;
                    job = aws.find_job(&job.id, Some(job.kind)).await?;
                    as_of = aws.now();
                }
            }
        }
        let ended = job.state.is_final();
        Ok(proto::WaitJobResponse { job: Some(job.into()), ended, as_of: Some(timestamp(as_of)) })
    }
}

/// What a job is found by among what happens.
fn about(job: &Job) -> JobQuery {
    JobQuery {
        scopes: vec![job.scope.clone()],
        kinds: vec![job.kind],
        resources: job.resource_arn.iter().cloned().collect(),
        ..JobQuery::default()
    }
}

impl Watching {
    async fn next(&mut self) -> Result<proto::WatchJobsResponse, Failure> {
        if let Some(after) = self.first.take() {
            return Ok(self.bookmark(after, None));
        }
        let jitter = BOOKMARKS.mul_f64(0.2 * fastrand::f64());
        let bookmark = Instant::now() + BOOKMARKS - jitter;
        let mut hidden = None;
        loop {
            let told = self.watch.next(bookmark).await?;
            self.sight.decide_again(&self.aws).await?;
            match told {
                Told::Event(event) if self.sight.sees_event(&event.what).await? => return Ok(self.event(&event)),
                // Nothing tells that there was something: the position goes on with what is told next.
                Told::Event(event) if Instant::now() < bookmark => hidden = Some(event.seq),
                Told::Event(event) => return Ok(self.bookmark(event.seq, None)),
                Told::Bookmark(position, readings) => {
                    let as_of = self.as_of(&readings);
                    return Ok(self.bookmark(hidden.map_or(position, |hidden| position.max(hidden)), as_of));
                }
            }
        }
    }

    fn event(&self, event: &Arc<Event>) -> proto::WatchJobsResponse {
        let told = match &event.what {
            Happened::Job(job) => watch_jobs_response::Event::Job((**job).clone().into()),
            Happened::MissedRun(run) => watch_jobs_response::Event::MissedRun((**run).clone().into()),
        };
        proto::WatchJobsResponse { event: Some(told), resume_token: self.watched.token(&self.epoch, event.seq) }
    }

    fn bookmark(&self, position: i64, as_of: Option<Timestamp>) -> proto::WatchJobsResponse {
        let bookmark = proto::WatchBookmark { as_of: as_of.map(timestamp) };
        proto::WatchJobsResponse {
            event: Some(watch_jobs_response::Event::Bookmark(bookmark)),
            resume_token: self.watched.token(&self.epoch, position),
        }
    }

    /// The instant for which all that is watched was read.
    fn as_of(&self, readings: &[Reading]) -> Option<Timestamp> {
        let read = |scope: &Scope| readings.iter().find(|reading| reading.scope == *scope)?.as_of;
        self.scopes.iter().map(read).min().flatten()
    }
}
