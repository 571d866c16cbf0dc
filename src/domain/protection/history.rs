//! What became of the backups of a database before: its jobs, as far as they matter, and what there is to restore from.

use std::collections::BTreeMap;

use super::Unread;
use crate::domain::{Finding, Job, JobKind, JobState, RecoveryPoint, Resource};

/// The backups of a database before now. Whoever asks AWS has all its jobs of 30 days; whoever keeps a record of jobs gives
/// those that matter ([`Self::digest`]), and what it counted.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Its backup jobs, the newest first; `None`: they are not known.
    pub jobs: Option<Vec<Job>>,
    /// Its recovery points; `None`: they are not known.
    pub points: Option<Vec<RecoveryPoint>>,
    /// The newest that can be restored from ([`super::newest_usable`]), with all that is known of it.
    pub last_point: Option<RecoveryPoint>,
    /// How many of its backups ended otherwise than COMPLETED since the last one that did not.
    pub consecutive_failures: u32,
    /// A rule of a plan, be it of before, made a job of it.
    pub ever_ran: bool,
    /// What of all this could not be read.
    pub unread: Vec<Unread>,
}

impl History {
    /// Of these backup jobs, in any order, of one database.
    pub fn of_jobs(jobs: Vec<Job>) -> Self {
        let mut jobs: Vec<Job> = jobs.into_iter().filter(|job| job.kind == JobKind::Backup).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.created_at));
        let ended = jobs.iter().filter(|job| job.state.is_final());
        let failures = ended.take_while(|job| job.state != JobState::Completed).count();
        Self {
            consecutive_failures: u32::try_from(failures).unwrap_or(u32::MAX),
            ever_ran: jobs.iter().any(|job| job.plan_origin().is_some()),
            jobs: Some(jobs),
            ..Self::default()
        }
    }

    /// Of a database of whose ARN these are the backup jobs: those from before it was created are of another one, which had
    /// its name.
    pub fn of_database(database: &Resource, jobs: Vec<Job>) -> Self {
        let own = |job: &Job| database.created_at.is_none_or(|born| job.created_at.is_none_or(|at| at >= born));
        Self::of_jobs(jobs.into_iter().filter(own).collect())
    }

    /// The same, with no more jobs than an explanation looks at: those under way, the newest of all, that completed, that
    /// failed, and of each rule the newest and the newest that has ended. What it counted stays as it is.
    #[must_use]
    pub fn digest(self) -> Self {
        Self { jobs: self.jobs.map(that_matter), ..self }
    }

    /// The job created last of those that completed.
    pub fn last_success(&self) -> Option<&Job> {
        self.jobs.iter().flatten().find(|job| job.state == JobState::Completed)
    }

    /// The job created last of those that ended otherwise, and what its end means.
    pub fn last_failure(&self) -> Option<(&Job, Option<Finding>)> {
        let job = self.jobs.iter().flatten().find(|job| is_failure(job))?;
        Some((job, job.findings_of_end().into_iter().next()))
    }
}

fn is_failure(job: &Job) -> bool {
    job.state.is_final() && job.state != JobState::Completed
}

fn that_matter(jobs: Vec<Job>) -> Vec<Job> {
    // Of each rule: whether its newest was seen, and its newest that has ended.
    let mut seen: BTreeMap<(String, String), bool> = BTreeMap::new();
    let (mut any, mut completed, mut failed) = (false, false, false);
    let mut matters = |job: &Job| {
        let mut it_does = !job.state.is_final() || !any;
        any = true;
        if job.state == JobState::Completed {
            it_does |= !completed;
            completed = true;
        }
        if is_failure(job) {
            it_does |= !failed;
            failed = true;
        }
        if let Some(by) = job.plan_origin() {
            let ended = seen.entry((by.plan_id.clone(), by.rule().to_owned())).or_insert_with(|| {
                it_does = true;
                false
            });
            it_does |= job.state.is_final() && !*ended;
            *ended |= job.state.is_final();
        }
        it_does
    };
    jobs.into_iter().filter(|job| matters(job)).collect()
}
