//! What is arranged for backups in one account and region: plans, selections, settings, and what they lean on. Read once,
//! it tells of any number of databases what stands behind their backups.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Evidence, History, JudgedSelection, Unread};
use crate::domain::{
    Eligibility, Plan, Resource, ResourceType, RoleState, RunningPlan, Scope, SeenVault, SeenVaults, Selection, Vault,
    VaultRef,
};

/// What came of looking for something.
#[derive(Debug, Clone)]
pub enum Looked<T> {
    /// It is there.
    There(T),
    /// AWS says that it is not there.
    Missing,
    /// It could not be read.
    Unread(Unread),
}

/// A plan, as far as it was read.
#[derive(Debug, Clone)]
pub struct ArrangedPlan {
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Its selections, with what they select. A plan that was deleted since it was listed has none.
    pub selections: Result<Vec<Arc<Selection>>, Unread>,
    /// What it says; `None`: nobody asked, for it selects nothing that is asked about.
    pub content: Option<Looked<Plan>>,
    running: Option<Arc<RunningPlan>>,
}

/// Everything that decides about backups in one account and region, as of one moment.
#[derive(Debug, Clone)]
pub struct Arrangements {
    /// Account and region.
    pub scope: Scope,
    /// When it was so, by AWS's clock; every "next", "last" and "ago" is reckoned from it.
    as_of: Timestamp,
    /// The region's supported types and its opt-in.
    pub eligibility: Result<Eligibility, Unread>,
    /// Every plan.
    pub plans: Result<Vec<ArrangedPlan>, Unread>,
    /// Roles of selections by ARN, as far as they were asked for.
    pub roles: BTreeMap<String, Looked<RoleState>>,
    /// Vaults of rules by name, as far as they were asked for.
    pub vaults: BTreeMap<String, Looked<Vault>>,
    /// The other vaults that rules name, wherever they are.
    pub destinations: SeenVaults,
    seen: Arc<SeenVaults>,
}

impl ArrangedPlan {
    /// A plan of which nothing is known yet but that it is listed, and what its selections are.
    pub fn listed(plan: &Plan, selections: Result<Vec<Selection>, Unread>) -> Self {
        Self {
            id: plan.id.clone(),
            arn: plan.arn.clone(),
            name: plan.content.name.clone(),
            selections: selections.map(|all| all.into_iter().map(Arc::new).collect()),
            content: None,
            running: None,
        }
    }

    /// Its selections; none where they could not be read.
    pub fn selections(&self) -> impl Iterator<Item = &Arc<Selection>> {
        self.selections.iter().flatten()
    }

    /// Why its rules could not be read, if they could not.
    pub fn unread(&self) -> Option<&Unread> {
        match &self.content {
            Some(Looked::Unread(unread)) => Some(unread),
            Some(Looked::There(_) | Looked::Missing) | None => None,
        }
    }

    /// The plan as it runs. `None`: it was not read, or is there no more.
    pub fn running(&self) -> Option<&Arc<RunningPlan>> {
        self.running.as_ref()
    }
}

impl Arrangements {
    /// With these plans, and nothing yet of what they lean on.
    pub fn new(
        scope: Scope,
        as_of: Timestamp,
        eligibility: Result<Eligibility, Unread>,
        plans: Result<Vec<ArrangedPlan>, Unread>,
    ) -> Self {
        let (roles, vaults, destinations) = (BTreeMap::new(), BTreeMap::new(), SeenVaults::default());
        Self { scope, as_of, eligibility, plans, roles, vaults, destinations, seen: Arc::default() }
    }

    /// Reckons from `as_of` on when rules ran and will run. To be called when all was read that is to be, and again whenever it
    /// is asked later what was read then.
    pub fn reckon(&mut self, as_of: Timestamp) {
        self.as_of = as_of;
        for plan in self.plans.iter_mut().flatten() {
            plan.running = match &plan.content {
                // One that was deleted meanwhile is still told.
                Some(Looked::There(content)) if content.deleted_at.is_none() => {
                    Some(Arc::new(RunningPlan::of(content.clone(), as_of)))
                }
                _ => None,
            };
        }
        let mut seen = self.destinations.clone();
        seen.vaults.extend(self.vaults.iter().filter_map(|(name, vault)| {
            let seen = match vault {
                Looked::There(vault) => SeenVault::there(vault),
                Looked::Missing => SeenVault::Missing(Box::default()),
                Looked::Unread(_) => return None,
            };
            Some((VaultRef::arn_of(name, &self.scope), seen))
        }));
        self.seen = Arc::new(seen);
    }

    /// When it was so, by AWS's clock.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Every plan; none where their list could not be read.
    pub fn plans(&self) -> impl Iterator<Item = &ArrangedPlan> {
        self.plans.iter().flatten()
    }

    /// Every selection, with its plan.
    pub fn selections(&self) -> impl Iterator<Item = (&ArrangedPlan, &Arc<Selection>)> {
        self.plans().flat_map(|plan| plan.selections().map(move |selection| (plan, selection)))
    }

    /// What AWS Backup may select at all: where the region's settings could not be read, as if they were the default.
    pub fn eligibility(&self) -> Eligibility {
        self.eligibility.clone().unwrap_or_else(|_| Eligibility {
            scope: self.scope.clone(),
            supported: ResourceType::DATABASES.into_iter().map(Into::into).collect(),
            opt_in: BTreeMap::new(),
        })
    }

    /// The selections that select the database, each with its plan.
    pub fn selecting<'a>(
        &'a self,
        database: &'a Resource,
        eligibility: &'a Eligibility,
    ) -> impl Iterator<Item = (&'a ArrangedPlan, &'a Arc<Selection>)> {
        let candidate = database.candidate();
        self.selections().filter(move |(_, selection)| selection.selects(&candidate, eligibility))
    }

    /// All that stands behind the backups of a database, with those that it had before. `asked_member`: the instance that was
    /// asked about, where the database is its cluster.
    pub fn evidence(&self, database: Resource, asked_member: Option<String>, history: History) -> Evidence {
        let eligibility = self.eligibility();
        let judged = self.judged(&database, &eligibility, true);
        self.evidence_of(database, asked_member, history, judged)
    }

    /// The same, without what nearly selects a database that something selects: that is never a reason for a verdict.
    pub fn evidence_in_brief(
        &self,
        database: Resource,
        asked_member: Option<String>,
        history: History,
        eligibility: &Eligibility,
    ) -> Evidence {
        let judged = self.judged(&database, eligibility, false);
        self.evidence_of(database, asked_member, history, judged)
    }

    fn evidence_of(
        &self,
        database: Resource,
        asked_member: Option<String>,
        history: History,
        judged: Vec<JudgedSelection>,
    ) -> Evidence {
        let selecting: Vec<&JudgedSelection> = judged.iter().filter(|judged| judged.verdict.selected()).collect();
        let covering: BTreeSet<&str> = selecting.iter().map(|judged| judged.selection.plan_id.as_str()).collect();
        let of_those = || self.plans().filter(|plan| covering.contains(plan.id.as_str()));
        let covering_plans: Vec<Arc<RunningPlan>> = of_those().filter_map(|plan| plan.running.clone()).collect();
        let mut unread: Vec<Unread> = Vec::new();
        unread.extend(self.eligibility.as_ref().err().cloned());
        unread.extend(self.plans.as_ref().err().cloned());
        unread.extend(history.unread);
        unread.extend(self.plans().filter_map(|plan| plan.selections.as_ref().err().cloned()));
        unread.extend(of_those().filter_map(ArrangedPlan::unread).cloned());
        let arns: BTreeSet<&String> = selecting.iter().map(|judged| &judged.selection.role_arn).collect();
        let mut roles = BTreeMap::new();
        for (arn, looked) in arns.into_iter().filter_map(|arn| Some((arn, self.roles.get(arn)?))) {
            match looked {
                Looked::There(role) => drop(roles.insert(arn.clone(), Some(role.clone()))),
                Looked::Missing => drop(roles.insert(arn.clone(), None)),
                Looked::Unread(gap) => unread.push(gap.clone()),
            }
        }
        let rules = covering_plans.iter().flat_map(|running| &running.plan.content.rules);
        let names: BTreeSet<&String> = rules.map(|rule| &rule.vault).collect();
        unread.extend(names.into_iter().filter_map(|name| match self.vaults.get(name)? {
            Looked::Unread(gap) => Some(gap.clone()),
            Looked::There(_) | Looked::Missing => None,
        }));
        Evidence {
            now: self.as_of,
            database,
            asked_member,
            plan_count: self.plans().count(),
            selection_count: self.selections().count(),
            judged,
            covering_plans,
            roles,
            vaults: Arc::clone(&self.seen),
            jobs: history.jobs,
            points: history.points,
            last_point: history.last_point,
            unread,
        }
    }

    /// What selections make of the database, of those that select it or nearly do; unless `near`, of those that nearly do only
    /// where none does.
    fn judged(&self, database: &Resource, eligibility: &Eligibility, near: bool) -> Vec<JudgedSelection> {
        let judge = |plan: &ArrangedPlan, selection: &Arc<Selection>| {
            let verdict = selection.criteria.as_ref()?.judge(&database.candidate(), eligibility);
            Some(JudgedSelection { plan_name: plan.name.clone(), selection: Arc::clone(selection), verdict })
        };
        if !near {
            let selecting = self.selecting(database, eligibility);
            let selecting: Vec<_> = selecting.filter_map(|(plan, selection)| judge(plan, selection)).collect();
            if !selecting.is_empty() {
                return selecting;
            }
        }
        let judged = self.selections().filter_map(|(plan, selection)| judge(plan, selection));
        judged.filter(|judged| judged.verdict.selected() || judged.verdict.near_miss).collect()
    }
}
