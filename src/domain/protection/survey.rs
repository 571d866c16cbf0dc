//! All databases of one account and region, and what stands behind their backups: read once, it tells of each whether it is
//! protected, by the same judgement as one that is asked about alone.

#[cfg(test)]
pub(in crate::domain) mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Arrangements, BackupAge, Evidence, Explanation, History, Part, Unread};
use crate::domain::{
    Eligibility, Finding, Hindrance, Job, ProtectedResource, RecoveryPoint, RecoveryPointState, Resource, ResourceKind,
    Unseen,
};

/// What is there, and what is arranged for it.
#[derive(Debug, Clone)]
pub struct Survey {
    /// What backs databases up.
    pub arrangements: Arrangements,
    /// Every instance and cluster that could be listed, by ARN.
    pub databases: BTreeMap<String, Resource>,
    /// The kinds of which not all could be listed: of these none is in `databases`, and nobody knows which there are.
    pub unlisted: Vec<(ResourceKind, Unread)>,
    /// What has a recovery point, by ARN.
    pub backed_up: Result<BTreeMap<String, ProtectedResource>, Unread>,
}

/// Whether a database is protected, and how well its rules keep what they promise.
#[derive(Debug, Clone)]
pub struct Protection {
    /// The verdict and its reasons.
    pub explanation: Explanation,
    /// The soonest run of a rule that covers it and does not give way then.
    pub next_run_at: Option<Timestamp>,
    /// The age of its last backup against what the rules promise; `None`: they promise none, or none has completed.
    pub backup_age: Option<BackupAge>,
    /// Its last backup that ended otherwise than COMPLETED, and what that means.
    pub last_failure: Option<(Job, Option<Finding>)>,
    /// How many ended so since the last one that completed.
    pub consecutive_failures: u32,
    /// Some rule covers it, and no rule ever made a job of it.
    pub never_ran: bool,
}

impl Survey {
    /// Whether a database is protected, by what became of its backups before. `None`: there is no database of that ARN. Of an
    /// instance of a cluster its cluster is told, of which `history` has to be ([`Self::subject`]).
    pub fn protection_of(&self, arn: &str, history: History) -> Option<Protection> {
        self.protection_by(arn, history, &self.arrangements.eligibility())
    }

    /// The same of every database, in the order of their ARNs; `history` tells that of an ARN.
    pub fn protections<'s>(
        &'s self,
        history: impl Fn(&str) -> History + 's,
    ) -> impl Iterator<Item = (&'s str, Protection)> + 's {
        let eligibility = self.arrangements.eligibility();
        self.databases.keys().filter_map(move |arn| {
            let protection = self.protection_by(arn, history(self.subject(arn)), &eligibility)?;
            Some((arn.as_str(), protection))
        })
    }

    fn protection_by(&self, arn: &str, history: History, eligibility: &Eligibility) -> Option<Protection> {
        let found = self.databases.get(arn)?;
        let last_failure = history.last_failure().map(|(job, finding)| (job.clone(), finding));
        let (consecutive_failures, ever_ran) = (history.consecutive_failures, history.ever_ran);
        let evidence = match self.cluster_of(found) {
            Ok(None) => {
                let history = self.with_points(found, history);
                self.arrangements.evidence_in_brief(found.clone(), None, history, eligibility)
            }
            Ok(Some(cluster)) => {
                let history = self.with_points(cluster, history);
                let member = Some(found.id.clone());
                self.arrangements.evidence_in_brief(cluster.clone(), member, history, eligibility)
            }
            Err(unread) => Evidence::of_unread_cluster(found.clone(), vec![unread], self.arrangements.as_of()),
        };
        let explanation = evidence.explain();
        let running = explanation.coverage.iter().filter(|covered| !covered.overruled);
        let backup_age = explanation.expected_interval.zip(explanation.last_successful_job.as_ref());
        Some(Protection {
            next_run_at: running.filter_map(|covered| covered.next_run_at).min(),
            backup_age: backup_age
                .and_then(|(interval, last)| BackupAge::of(last, interval, self.arrangements.as_of())),
            last_failure,
            consecutive_failures,
            never_ran: !explanation.coverage.is_empty() && !ever_ran,
            explanation,
        })
    }

    /// Everything of it that could not be read and that a verdict may hang on.
    pub fn unread(&self) -> impl Iterator<Item = &Unread> {
        let Self { arrangements, unlisted, backed_up, databases: _ } = self;
        let plans = arrangements.plans();
        let of_plans = plans.flat_map(|plan| plan.selections.as_ref().err().into_iter().chain(plan.unread()));
        let whole =
            [arrangements.eligibility.as_ref().err(), arrangements.plans.as_ref().err(), backed_up.as_ref().err()];
        whole.into_iter().flatten().chain(of_plans).chain(unlisted.iter().map(|(_, unread)| unread))
    }

    /// The ARN of what is backed up of a database: its own, or that of the cluster that it is an instance of.
    pub fn subject<'s>(&'s self, arn: &'s str) -> &'s str {
        let found = self.databases.get(arn).map(|found| self.cluster_of(found));
        if let Some(Ok(Some(cluster))) = found { &cluster.arn } else { arn }
    }

    /// Every database whose answer another one's change touches: it, and for a cluster its instances.
    pub fn touched_by<'s>(&'s self, arn: &'s str) -> Vec<&'s str> {
        let cluster = self.databases.get(arn).filter(|it| it.kind == ResourceKind::DbCluster);
        let members = self.databases.values().filter(|it| cluster.is_some_and(|cluster| it.cluster_id == cluster.id));
        std::iter::once(arn).chain(members.map(|member| member.arn.as_str())).collect()
    }

    /// A database as it is now: one that is new, or changed since.
    pub fn put(&mut self, database: Resource) {
        self.databases.insert(database.arn.clone(), database);
    }

    /// That a database is there no more.
    pub fn remove(&mut self, arn: &str) {
        self.databases.remove(arn);
    }

    /// The cluster that it is an instance of.
    fn cluster_of(&self, found: &Resource) -> Result<Option<&Resource>, Unread> {
        if found.member_of().is_none() {
            return Ok(None);
        }
        let arn = found.candidate().cluster_arn().unwrap_or_default();
        let unread = || {
            let unlisted = self.unlisted.iter().find(|(kind, _)| *kind == ResourceKind::DbCluster);
            let not_there = || Unseen { hindrance: Hindrance::Passing, why: "RDS does not list it".to_owned() };
            let unseen = unlisted.map_or_else(not_there, |(_, unread)| unread.unseen.clone());
            Unread { part: Part::Cluster, name: found.cluster_id.clone(), operation: "DescribeDBClusters", unseen }
        };
        self.databases.get(&arn).map(Some).ok_or_else(unread)
    }

    /// The history with what there is to restore from, as far as the list of what is backed up tells.
    fn with_points(&self, database: &Resource, history: History) -> History {
        if history.points.is_some() {
            return history;
        }
        let mut history = history;
        match &self.backed_up {
            Err(unread) => history.unread.push(unread.clone()),
            Ok(backed_up) => {
                let since = |job: &&Job| job.completed_at.is_some_and(|at| at > self.arrangements.as_of());
                let of_job = |job: &Job| {
                    let arn = job.recovery_point_arn.clone().unwrap_or_default();
                    point(database, arn, job.created_at)
                };
                let listed = backed_up
                    .get(&database.arn)
                    .map(|listed| point(database, listed.last_recovery_point_arn.clone(), listed.last_backup_at));
                let last = listed.or_else(|| history.last_success().filter(since).map(of_job));
                history.last_point = history.last_point.or_else(|| last.clone());
                history.points = Some(last.into_iter().collect());
            }
        }
        history
    }
}

/// A recovery point of which little more is known than that it is there.
fn point(database: &Resource, arn: String, created_at: Option<Timestamp>) -> RecoveryPoint {
    RecoveryPoint {
        resource_arn: Some(database.arn.clone()),
        resource_type: Some(database.resource_type()),
        state: RecoveryPointState::Completed,
        created_at,
        ..RecoveryPoint::blank(arn, database.scope.clone())
    }
}
