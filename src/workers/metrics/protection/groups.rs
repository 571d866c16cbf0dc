//! What many databases have in common, so that few series tell of all of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use opentelemetry::KeyValue;

use super::super::of_scope;
use crate::domain::{BackupAge, ProtectionFigures, ProtectionVerdict, ResourceType, Scope};

/// The databases of all accounts and regions, as they are read.
#[derive(Debug)]
pub(super) struct Groups {
    /// By account, region and type.
    pub(super) types: BTreeMap<(Scope, ResourceType), Group>,
    /// By account, region and id of the plan.
    pub(super) plans: BTreeMap<(Scope, String), Group>,
    /// Those that are told each by itself: by how bad it is, the worst first, and by ARN, so that every server has the same.
    pub(super) worst: BTreeMap<(i64, String), ProtectionFigures>,
    /// How many of these at most.
    pub(super) most: usize,
    /// How many there are beside them.
    pub(super) left_out: u64,
}

/// How it stands with databases that have something in common.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// What they have in common.
    pub(super) labels: Vec<KeyValue>,
    /// How many there are of each verdict, in the order of [`ProtectionVerdict::ALL`].
    pub(super) verdicts: [u64; 4],
    pub(super) never_ran: u64,
    pub(super) most_failures: u64,
    /// Of plans: runs of them that were missed.
    pub(super) missed_runs: u64,
    /// Of those whose rules promise backups, and that have one: when the last was begun, and how old it may be. Which of them is
    /// the latest changes as time passes.
    pub(super) last_backups: Vec<(Timestamp, SignedDuration)>,
}

impl Groups {
    /// With so many told by themselves.
    pub(super) fn new(most: usize) -> Self {
        Self { types: BTreeMap::new(), plans: BTreeMap::new(), worst: BTreeMap::new(), most, left_out: 0 }
    }

    /// Takes a database in.
    pub(super) fn add(&mut self, database: ProtectionFigures) {
        let of_type = (database.scope.clone(), database.resource_type.clone());
        self.types.entry(of_type).or_insert_with(|| Group::new(labels_of_type(&database))).add(&database);
        for (id, plan) in &database.promised.plans {
            let group = self.plans.entry((database.scope.clone(), id.clone())).or_insert_with(|| {
                let mut labels = of_scope(&database.scope);
                labels.extend([KeyValue::new("plan_id", id.clone()), KeyValue::new("plan_name", plan.name.clone())]);
                Group::new(labels)
            });
            group.missed_runs += plan.missed_runs;
            group.add(&database);
        }
        self.worst.insert((database.badness, database.arn.clone()), database);
        if self.worst.len() > self.most {
            self.worst.pop_last();
            self.left_out += 1;
        }
    }
}

impl Group {
    fn new(labels: Vec<KeyValue>) -> Self {
        Self { labels, ..Self::default() }
    }

    fn add(&mut self, database: &ProtectionFigures) {
        for (verdict, count) in ProtectionVerdict::ALL.into_iter().zip(&mut self.verdicts) {
            *count += u64::from(verdict == database.verdict);
        }
        self.never_ran += u64::from(database.never_ran);
        self.most_failures = self.most_failures.max(database.consecutive_failures);
        self.last_backups.extend(database.last_success_at.zip(database.promised.allowed_age));
    }

    /// The RPO ratios of its databases at that instant.
    pub(super) fn ratios(&self, now: Timestamp) -> impl Iterator<Item = f64> {
        self.last_backups.iter().map(move |(created, allowed)| BackupAge::at(*created, *allowed, now).ratio())
    }
}

/// The labels of a database that is told by itself.
pub(super) fn labels(database: &ProtectionFigures) -> Vec<KeyValue> {
    let mut labels = labels_of_type(database);
    labels.push(KeyValue::new("resource_arn", database.arn.clone()));
    labels
}

fn labels_of_type(database: &ProtectionFigures) -> Vec<KeyValue> {
    let mut labels = of_scope(&database.scope);
    labels.push(KeyValue::new("resource_type", database.resource_type.to_string()));
    labels
}
