//! Whether a database is protected, and why not: what AWS tells goes in, findings come out.
//!
//! Everything here is judged as of one moment, `now`, by AWS's clock. What was before it can be seen only as far as AWS
//! keeps it: jobs for 30 days, the latest version of a plan, no history of tags.

mod arrangements;
mod continuous;
mod covering;
mod environment;
mod figures;
mod history;
mod kept;
mod last_run;
mod next_runs;
mod objective;
mod outlook;
mod points;
mod query;
mod summary;
pub(in crate::domain) mod survey;
#[cfg(test)]
pub(in crate::domain) mod tests;
mod uncovered;
mod unread;
mod upcoming;

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};

pub use arrangements::{ArrangedPlan, Arrangements, Looked};
use covering::Covering;
pub(in crate::domain) use covering::ROUNDING;
pub use figures::{PlanFigures, Promised, ProtectionFigures};
pub use history::History;
pub use kept::{CoveringRule, DatabaseProtection, FailedBackup};
pub(in crate::domain) use last_run::UNTIL_SEEN;
pub use objective::BackupAge;
pub use outlook::Outlook;
pub use points::newest_usable;
pub use query::{ProtectionFilter, ProtectionOrder, ProtectionQuery, ProtectionWord};
pub use survey::{Protection, Survey};
pub use unread::{Part, Unread};
pub use upcoming::{ListUpcomingRuns, Upcoming, UpcomingFilter, UpcomingRun};

use super::{
    Finding, Job, JobState, Mismatch, RecoveryPoint, Resource, RoleState, Rule, RunningPlan, Scope, SeenVaults,
    Selection, Severity, Verdict, backup::database_unavailable,
};

/// What AWS told about a database and its backups. What it did not tell stands in `unread`.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The present time by AWS's clock.
    pub now: Timestamp,
    /// What is judged.
    pub database: Resource,
    /// Identifier of the instance that was asked about, where `database` is its cluster.
    pub asked_member: Option<String>,
    /// How many plans there are.
    pub plan_count: usize,
    /// How many selections they have.
    pub selection_count: usize,
    /// The selections that select the database or nearly do, in AWS's order.
    pub judged: Vec<JudgedSelection>,
    /// The plans that have a selection which selects it, with their rules, reckoned from `now`.
    pub covering_plans: Vec<Arc<RunningPlan>>,
    /// The roles of these selections by ARN; `None`: there is no such role.
    pub roles: BTreeMap<String, Option<RoleState>>,
    /// The vaults that rules name, wherever they are.
    pub vaults: Arc<SeenVaults>,
    /// Its backup jobs, the newest first; `None`: not read.
    pub jobs: Option<Vec<Job>>,
    /// Its recovery points; `None`: not read.
    pub points: Option<Vec<RecoveryPoint>>,
    /// The [`newest_usable`] of them, with all that AWS tells of it.
    pub last_point: Option<RecoveryPoint>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// A selection, and what it makes of the database.
#[derive(Debug, Clone)]
pub struct JudgedSelection {
    /// Name of its plan.
    pub plan_name: String,
    /// The selection.
    pub selection: Arc<Selection>,
    /// What it makes of the database.
    pub verdict: Verdict,
}

/// Whether a database is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtectionVerdict {
    /// Some rule covers it, and nothing is amiss.
    Protected,
    /// Some rule covers it, and there is an error or a warning.
    AtRisk,
    /// No rule covers it.
    NotProtected,
    /// None is known to, and not everything could be read.
    Unknown,
}

impl ProtectionVerdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Protected, Self::AtRisk, Self::NotProtected, Self::Unknown];
}

/// Why a database is protected, or not.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What was judged.
    pub database: Resource,
    /// The answer in one word.
    pub verdict: ProtectionVerdict,
    /// The answer in one sentence.
    pub summary: String,
    /// Every rule that covers it, once for each selection.
    pub coverage: Vec<RuleCoverage>,
    /// Selections that lack little to select it, the nearest first.
    pub near_misses: Vec<NearMiss>,
    /// The newest one that can be restored from.
    pub last_point: Option<RecoveryPoint>,
    /// The backup job created last.
    pub last_job: Option<Job>,
    /// The one created last of those that completed.
    pub last_successful_job: Option<Job>,
    /// The longest time between two backups that the rules which cover it promise: that of the tightest. `None`: none does.
    pub expected_interval: Option<SignedDuration>,
    /// What was found, the most severe first.
    pub findings: Vec<Finding>,
    /// The moment of all this, by AWS's clock.
    pub observed_at: Timestamp,
}

/// A rule that covers a database, by one selection.
#[derive(Debug, Clone)]
pub struct RuleCoverage {
    /// Account and region of the plan.
    pub scope: Scope,
    /// Id of the plan.
    pub plan_id: String,
    /// ARN of the plan.
    pub plan_arn: String,
    /// Name of the plan.
    pub plan_name: String,
    /// The rule.
    pub rule: Rule,
    /// Id of the selection.
    pub selection_id: String,
    /// Name of the selection.
    pub selection_name: String,
    /// What of the selection selects the database.
    pub selected_by: String,
    /// ARN of the selection's role.
    pub role_arn: String,
    /// When the rule runs next.
    pub next_run_at: Option<Timestamp>,
    /// The latest time before now that its schedule names.
    pub last_run_at: Option<Timestamp>,
    /// The longest time between two backups that it promises; `None`: it runs no more, or nobody can read when.
    pub expected_interval: Option<SignedDuration>,
    /// At the next run it gives way to another rule.
    pub overruled: bool,
}

/// A selection that lacks little to select a database.
#[derive(Debug, Clone)]
pub struct NearMiss {
    /// Account and region of the plan.
    pub scope: Scope,
    /// Id of the plan.
    pub plan_id: String,
    /// ARN of the plan.
    pub plan_arn: String,
    /// Name of the plan.
    pub plan_name: String,
    /// Id of the selection.
    pub selection_id: String,
    /// Name of the selection.
    pub selection_name: String,
    /// Everything that keeps the database from being selected.
    pub mismatches: Vec<Mismatch>,
}

impl Evidence {
    /// Of an instance whose cluster could not be read: nothing is known.
    pub fn of_unread_cluster(instance: Resource, unread: Vec<Unread>, now: Timestamp) -> Self {
        Self {
            now,
            database: instance,
            asked_member: None,
            plan_count: 0,
            selection_count: 0,
            judged: Vec::new(),
            covering_plans: Vec::new(),
            roles: BTreeMap::new(),
            vaults: Arc::default(),
            jobs: None,
            points: None,
            last_point: None,
            unread,
        }
    }

    /// Judges it all.
    pub fn explain(self) -> Explanation {
        let covering = Covering::all(&self);
        let near_misses = self.near_misses();
        let mut findings = self.findings(&covering, &near_misses);
        // Stable: within a severity, in the order in which they were looked for.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let verdict = self.verdict(&covering, &findings);
        let summary = self.summary(verdict, &covering, &findings);
        let coverage = covering.iter().flat_map(Covering::coverage).collect();
        let jobs = self.jobs.as_deref().unwrap_or_default();
        let expected_interval = self.covering_plans.iter().filter_map(|plan| plan.expected_interval()).min();
        Explanation {
            verdict,
            summary,
            coverage,
            near_misses,
            last_job: jobs.first().cloned(),
            last_successful_job: jobs.iter().find(|job| job.state == JobState::Completed).cloned(),
            expected_interval,
            last_point: self.last_point,
            findings,
            observed_at: self.now,
            database: self.database,
        }
    }

    fn findings(&self, covering: &[Covering<'_>], near_misses: &[NearMiss]) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.member_finding().into_iter().collect();
        if covering.is_empty() {
            findings.extend(self.uncovered_findings(near_misses));
        }
        for rule in covering {
            findings.extend(rule.findings_of_last_run());
        }
        findings.extend(self.other_job_findings(covering));
        findings.extend(self.point_findings(covering));
        findings.extend(self.role_findings());
        findings.extend(self.vault_findings(covering));
        findings.extend(self.copy_findings(covering));
        if !covering.is_empty() {
            findings.extend(database_unavailable(&self.database));
        }
        for rule in covering {
            findings.extend(rule.findings_of_next_runs());
        }
        findings.extend(self.continuous_findings(covering));
        findings.extend(self.unread_findings(covering));
        findings
    }

    fn verdict(&self, covering: &[Covering<'_>], findings: &[Finding]) -> ProtectionVerdict {
        if covering.is_empty() {
            let hidden = self.unread.iter().any(|unread| unread.part.may_hide_coverage());
            return if hidden { ProtectionVerdict::Unknown } else { ProtectionVerdict::NotProtected };
        }
        match findings.first().map(|finding| finding.severity) {
            Some(Severity::Error | Severity::Warning) => ProtectionVerdict::AtRisk,
            Some(Severity::Info) | None => ProtectionVerdict::Protected,
        }
    }
}
