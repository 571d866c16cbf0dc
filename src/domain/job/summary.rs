//! What jobs are counted by, and what is counted.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{JobFilter, JobKind, JobState};
use crate::domain::Fault;

/// What jobs are counted by; in the order in which groups of several are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobDimension {
    /// The resource that they are about, by ARN.
    Resource,
    /// Of a backup, the vault that it goes into, by ARN; of a restore and copy, the one that it comes out of.
    Vault,
    /// The plan that made them, by id.
    Plan,
    /// The rule that made them, by id.
    Rule,
    /// The type of the resource, by AWS Backup's name.
    ResourceType,
    /// The account that they run in.
    Account,
    /// The region that they run in.
    Region,
    /// Whose the resource is, by the tag that says so.
    Owner,
    /// What they do.
    Kind,
    /// The day of UTC on which they were created.
    Day,
    /// Where they stand.
    State,
}

impl JobDimension {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Resource,
        Self::Vault,
        Self::Plan,
        Self::Rule,
        Self::ResourceType,
        Self::Account,
        Self::Region,
        Self::Owner,
        Self::Kind,
        Self::Day,
        Self::State,
    ];
}

/// What SummarizeJobs is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummarizeJobs {
    /// Which jobs are counted.
    pub filter: JobFilter,
    /// Of those the ones about resources of that owner.
    pub owner: Option<String>,
    /// Those of every account and region that is followed.
    pub all_scopes: bool,
    /// By what, in the order of [`JobDimension`], each once; by nothing: all together.
    pub group_by: Vec<JobDimension>,
}

/// Jobs that have in common what they are counted by.
#[derive(Debug, Clone, PartialEq)]
pub struct JobGroup {
    /// Of each dimension that is neither kind, day nor state: its value; blank where it is not known, or there is none.
    pub values: Vec<(JobDimension, String)>,
    /// What they do, where they are counted by that.
    pub kind: Option<JobKind>,
    /// The day on which they were created, where they are counted by that.
    pub day: Option<Date>,
    /// Where they stand, where they are counted by that.
    pub state: Option<JobState>,
    /// How many there are.
    pub counts: JobCounts,
    /// How many of those that ended last, by the time of creation, completed one after the other; where that was counted.
    pub consecutive_successes: Option<i64>,
    /// On how many days there was neither one of them nor a run that should have made one; where that is known.
    pub none_due_days: Option<i64>,
}

/// How many jobs there are, and what they moved; and how many there should have been besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// That have not ended, as far as is known.
    pub under_way: i64,
    /// That completed, those with issues among them.
    pub completed: i64,
    /// That completed, with something to read.
    pub with_issues: i64,
    /// Of which some children failed.
    pub partial: i64,
    /// That failed.
    pub failed: i64,
    /// That did not start or finish within their windows.
    pub expired: i64,
    /// That were stopped.
    pub aborted: i64,
    /// What they transferred.
    pub bytes: i64,
    /// Of how many it is known how long they took.
    pub timed: i64,
    /// How long those took altogether, from creation to end, each in whole seconds.
    pub seconds: i64,
    /// Runs that were due and left no job: none of the jobs.
    pub missed: i64,
}

impl JobCounts {
    /// All of them.
    pub fn jobs(&self) -> i64 {
        self.under_way + self.ended()
    }

    /// Those that have ended.
    pub fn ended(&self) -> i64 {
        self.completed + self.partial + self.failed + self.expired + self.aborted
    }

    /// How many of those that ended completed, from 0 to 1; with none that ended, nobody can say.
    #[expect(clippy::cast_precision_loss, reason = "it is a share, and no number of jobs is that large")]
    pub fn success_rate(&self) -> Option<f64> {
        (self.ended() > 0).then(|| self.completed as f64 / self.ended() as f64)
    }

    /// How many seconds a job took, on average.
    pub fn average_seconds(&self) -> Option<i64> {
        self.seconds.checked_div(self.timed)
    }
}

impl JobFilter {
    /// What jobs are not counted by: the member of the request's filter, and why.
    pub fn uncountable(&self) -> Vec<(&'static str, Fault)> {
        let members = self.members();
        let residual = [
            ("completion_time", members.completed),
            ("message_category", members.category),
            ("parent_job", members.parent),
            ("source_recovery_point", members.source_recovery_point),
            ("message_contains", members.text),
        ];
        let unknown = residual.into_iter().filter(|(_, given)| *given).map(|(member, _)| {
            let fault = "is nothing that jobs are counted by: leave it out, or list the jobs with ListJobs";
            (member, Fault::from(fault))
        });
        let bounds = [self.created.after, self.created.before].into_iter().flatten();
        let within_a_day = bounds.filter(|at| !is_midnight(*at)).map(|at| {
            let fault = format!(
                "has the bound {at}: jobs are counted by whole days of UTC; give midnight, such as {}T00:00:00Z",
                at.to_zoned(TimeZone::UTC).date()
            );
            ("create_time", Fault::from(fault))
        });
        unknown.chain(within_a_day).collect()
    }
}

fn is_midnight(at: Timestamp) -> bool {
    at.as_nanosecond() % (24 * 3600 * 1_000_000_000) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Period;

    #[test]
    fn a_rate_is_one_of_jobs_that_ended() {
        let none = JobCounts { under_way: 3, ..JobCounts::default() };
        assert_eq!((none.success_rate(), none.average_seconds(), none.jobs()), (None, None, 3));
        let some = JobCounts { completed: 3, partial: 1, with_issues: 1, timed: 2, seconds: 7, ..none };
        assert_eq!((some.success_rate(), some.average_seconds(), some.jobs()), (Some(0.75), Some(3), 7));
    }

    #[test]
    fn whole_days_are_countable_and_messages_are_not() {
        let told = |filter: JobFilter| filter.uncountable().into_iter().map(|(member, _)| member).collect::<Vec<_>>();
        let created = |after: &str| JobFilter {
            created: Period { after: after.parse().ok(), before: None },
            ..JobFilter::default()
        };
        assert_eq!(told(created("2026-03-01T00:00:00Z")), [""; 0]);
        assert_eq!(told(created("2026-03-01T00:00:01Z")), ["create_time"]);
        let text = JobFilter { text: Some("denied".into()), ..created("2026-03-01T00:00:00Z") };
        assert_eq!(told(text), ["message_contains"]);
    }
}
