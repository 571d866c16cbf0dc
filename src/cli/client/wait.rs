//! Waits until a job has ended, and shows how far it is.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use prost_reflect::{DynamicMessage, Value};
use tonic::Code;

use super::{
    connection::Connection,
    failure::{Failure, INTERRUPTED, JOB_NOT_COMPLETED, NOT_NOW, WAITED_LONG_ENOUGH, refusal},
    way::Way,
};
use crate::{
    cli::{FAILED, UNREACHABLE, tell},
    proto::{self, JobState, descriptors},
};

/// The first look comes soon, the later ones ever less often: backups take minutes to days.
const FIRST_LOOK: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How often in a row the server may not answer before the wait is given up: a restart takes less.
const MOST_FAILED_LOOKS: u32 = 20;

/// The pauses between looks.
pub(super) struct Pauses(Duration);

impl Pauses {
    pub(super) fn new() -> Self {
        Self(FIRST_LOOK)
    }

    pub(super) async fn pass(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = self.0.mul_f64(1.3).min(LONGEST_PAUSE);
    }
}

/// Where to look, and how long.
pub(super) struct Wait<'w> {
    pub(super) connection: &'w Connection,
    pub(super) way: &'w Way,
    pub(super) limit: Option<Duration>,
}

/// What to give to GetJob for this job, in its own scope.
pub(super) fn look(job: &proto::Job) -> proto::GetJobRequest {
    proto::GetJobRequest { scope: job.scope.clone(), job: job.id.clone(), kind: job.kind, ..Default::default() }
}

impl Wait<'_> {
    /// The answer of GetJob once the job has ended.
    pub(super) async fn until_ended(&self, request: proto::GetJobRequest) -> Result<DynamicMessage, Failure> {
        let id = request.job.clone();
        let goes_on = |code, why: &str| {
            Failure::new(code, format!("{why}; job {id} goes on. Wait for it with: strongroom job wait {id}"))
        };
        let limit = async {
            match self.limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = self.watch(request) => ended,
            () = limit => Err(goes_on(WAITED_LONG_ENOUGH, "the time to wait is over")),
            _ = tokio::signal::ctrl_c() => Err(goes_on(INTERRUPTED, "no longer waiting")),
        }
    }

    async fn watch(&self, request: proto::GetJobRequest) -> Result<DynamicMessage, Failure> {
        let missing = || Failure::new(FAILED, "GetJob answered no job");
        let method = descriptors::method("JobService/GetJob").ok_or_else(missing)?;
        let mut message = DynamicMessage::new(method.input());
        message.transcode_from(&request).map_err(|error| Failure::new(FAILED, error.to_string()))?;
        let (mut progress, mut pauses, mut failed) = (Progress::begin(), Pauses::new(), 0);
        loop {
            match self.connection.call(&method, message.clone()).await {
                Ok(answer) => {
                    let looked: proto::GetJobResponse = answer.transcode_to().map_err(|_| missing())?;
                    let job = looked.job.ok_or_else(missing)?;
                    progress.show(&job);
                    if ended(job.state()) {
                        progress.end();
                        return Ok(answer);
                    }
                    failed = 0;
                }
                Err(status) => {
                    let failure = refusal(self.way, &status, None, |_| None);
                    failed += 1;
                    // The job goes on whether or not anybody can be asked about it.
                    let passes = matches!(failure.code, NOT_NOW | UNREACHABLE) || status.code() == Code::Unknown;
                    if !passes || failed >= MOST_FAILED_LOOKS {
                        return Err(failure);
                    }
                }
            }
            pauses.pass().await;
        }
    }
}

fn ended(state: JobState) -> bool {
    match state {
        JobState::Completed | JobState::Aborted | JobState::Failed | JobState::Expired | JobState::Partial => true,
        JobState::Unspecified | JobState::Created | JobState::Pending | JobState::Running | JobState::Aborting => false,
    }
}

/// What the end of a job means for the command: a job that did not complete is its failure.
pub(super) fn verdict(job: &proto::Job) -> Result<(), Failure> {
    if job.state() != JobState::Completed {
        let text = format!("job {} ended {}: {}", job.id, job.state_text, job.status_message);
        return Err(Failure::new(JOB_NOT_COMPLETED, text));
    }
    if job.completed_with_issues {
        tell(format_args!("warning: job {} completed with issues: {}", job.id, job.status_message));
    }
    // What was restored is not what it should be, or goes on to cost money; the job itself has done its part.
    for (what, word, said) in [
        ("validation", &job.validation_status_text, &job.validation_status_message),
        ("deletion", &job.deletion_status_text, &job.deletion_status_message),
    ] {
        if matches!(word.as_str(), "FAILED" | "TIMED_OUT") {
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            tell(format_args!("warning: job {} completed, but the {what} of what it restored {word}{said}", job.id));
        }
    }
    Ok(())
}

/// The job in an answer that has one.
pub(super) fn job_of(answer: &DynamicMessage) -> Option<proto::Job> {
    let job = answer.get_field_by_name("job")?;
    job.as_message()?.transcode_to().ok()
}

/// The answer with the job as it is in another answer.
pub(super) fn with_job_of(mut answer: DynamicMessage, looked: &DynamicMessage) -> DynamicMessage {
    if let Some(Value::Message(job)) = looked.get_field_by_name("job").map(std::borrow::Cow::into_owned) {
        answer.set_field_by_name("job", Value::Message(job));
    }
    answer
}

/// A bar on terminals, elsewhere a line for each change; on standard error, because standard output is the answer's.
struct Progress {
    bar: Option<ProgressBar>,
    shown: String,
    begun: Instant,
}

impl Progress {
    fn begin() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(100);
            match ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {elapsed}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self { bar, shown: String::new(), begun: Instant::now() }
    }

    fn show(&mut self, job: &proto::Job) {
        let percent = job.percent_done.map(|percent| percent.clamp(0.0, 100.0));
        if let Some(bar) = &self.bar {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a bar shows")]
            bar.set_position(percent.unwrap_or_default() as u64);
            bar.set_message(job.state_text.clone());
            bar.tick();
        } else {
            let done = percent.map(|percent| format!(" {percent:.0} %")).unwrap_or_default();
            let line = format!("job {}: {}{done}", job.id, job.state_text);
            if line != self.shown {
                tell(&line);
                self.shown = line;
            }
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            tell(format_args!("waited {} s", self.begun.elapsed().as_secs()));
        }
    }
}
