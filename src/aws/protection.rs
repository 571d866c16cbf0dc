//! What there is to know about a database's backups, for the domain to judge.
//!
//! AWS is asked no more than that takes: every selection, but the rules, roles and vaults only of those plans that turn out
//! to cover the database; a few questions at a time. What cannot be read becomes part of the evidence.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Error, Scoped, pages::pages, resources::arn_of};
use crate::domain::{
    Arn, DatabaseRef, Eligibility, Evidence, Explanation, Job, JobFilter, JobKind, JudgedSelection, Page, PageRequest,
    Part, Plan, PlanFilter, PlanRef, PointInVault, RecoveryPoint, RecoveryPointQuery, Resource, ResourceKind,
    ResourceRef, RoleRef, RoleState, Rule, SeenVaults, Unread, Unseen, Vault, VaultName, VaultRef, newest_usable,
};

/// Questions at once, of one call: AWS throttles by account, and others want answers too.
const BREADTH: usize = 8;

impl Scoped {
    /// Why a database is protected, or not. Fails only if the database itself cannot be read.
    pub async fn explain_protection(&self, named: &DatabaseRef) -> Result<Explanation, Error> {
        let inquiry = Inquiry { scoped: self, plans: &self.at_a_glance() };
        let found = self.database(named).await?;
        let arn = arn_of(&found)?;
        Ok(Box::pin(inquiry.about(found, arn)).await.explain())
    }
}

/// The questions about one database.
#[derive(Clone, Copy)]
struct Inquiry<'a> {
    scoped: &'a Scoped,
    /// For plans and selections, which are most of what is read: many explanations at a time read them once.
    plans: &'a Scoped,
}

/// What could not be read.
#[derive(Default)]
struct Gaps(Vec<Unread>);

impl Inquiry<'_> {
    async fn about(self, found: Resource, arn: Arn) -> Evidence {
        let mut gaps = Gaps::default();
        let Some((database, arn, asked_member)) = self.cluster_of(&found, arn, &mut gaps).await else {
            return Evidence::of_unread_cluster(found, gaps.0, self.scoped.now());
        };
        let (eligibility, plans, jobs, points) =
            tokio::join!(self.scoped.eligibility(), self.plans(), self.jobs(&arn), self.points(&arn));
        let eligibility = gaps.take(Part::RegionSettings, "", eligibility).unwrap_or_else(|| permissive(&database));
        let plans = gaps.take(Part::Plans, "", plans).unwrap_or_default();
        let jobs = gaps.take(Part::Jobs, "", jobs);
        let points = gaps.take(Part::RecoveryPoints, "", points);
        let judged = self.judged(&plans, &database, &eligibility, &mut gaps).await;
        let covering_plans = self.covering(&plans, &judged, &mut gaps).await;
        let roles = self.roles(&judged, &mut gaps).await;
        let vaults = self.vaults(&covering_plans, &mut gaps).await;
        let destinations = self.destinations(&covering_plans).await;
        let last_point = match points.as_ref().and_then(|points| newest_usable(points, &database)) {
            Some(listed) => Some(self.in_full(listed, &mut gaps).await),
            None => None,
        };
        Evidence {
            now: self.scoped.now(),
            plan_count: plans.len(),
            database,
            asked_member,
            judged,
            covering_plans,
            roles,
            vaults,
            destinations,
            jobs,
            points,
            last_point,
            unread: gaps.0,
        }
    }

    /// The cluster, if the instance is of one, and then the instance's identifier. `None` where the cluster could not be
    /// read: what is known of the instance says nothing of it, for tags, jobs and recovery points are the cluster's.
    async fn cluster_of(self, found: &Resource, arn: Arn, gaps: &mut Gaps) -> Option<(Resource, Arn, Option<String>)> {
        if found.kind == ResourceKind::DbCluster || found.cluster_id.is_empty() {
            return Some((found.clone(), arn, None));
        }
        let cluster = self.scoped.describe_resource(ResourceKind::DbCluster, &found.cluster_id).await;
        let cluster = cluster.and_then(|cluster| Ok((arn_of(&cluster)?, cluster)));
        let (arn, cluster) = gaps.take(Part::Cluster, &found.cluster_id, cluster)?;
        Some((cluster, arn, Some(found.id.clone())))
    }

    /// Every plan, without rules.
    async fn plans(self) -> Result<Vec<Plan>, Error> {
        let filter = &PlanFilter::default();
        every(|page| async move { self.plans.list_plans(filter, &page).await }).await
    }

    /// Every backup job that AWS remembers, the newest first: AWS does not say in which order it lists them.
    async fn jobs(self, resource: &Arn) -> Result<Vec<Job>, Error> {
        let resource = Some(ResourceRef::Arn(resource.clone()));
        let filter = &JobFilter { kinds: vec![JobKind::Backup], resource, ..JobFilter::default() };
        let mut jobs = every(|page| async move { self.scoped.list_jobs(filter, &page).await }).await?;
        jobs.sort_by_key(|job| std::cmp::Reverse(job.created_at));
        Ok(jobs)
    }

    async fn points(self, resource: &Arn) -> Result<Vec<RecoveryPoint>, Error> {
        let resource = ResourceRef::Arn(resource.clone());
        let query = &RecoveryPointQuery::OfResource { resource, managed_by_backup_only: false };
        every(|page| Box::pin(async move { self.scoped.list_recovery_points(query, &page).await })).await
    }

    /// Every selection of the plans, judged.
    async fn judged(
        self,
        plans: &[Plan],
        database: &Resource,
        eligibility: &Eligibility,
        gaps: &mut Gaps,
    ) -> Vec<JudgedSelection> {
        let ids: Vec<PlanRef> = plans.iter().map(|plan| PlanRef::Id(plan.id.clone())).collect();
        let read = each(ids, |id| async move { self.plans.selections_in_full(&id).await }).await;
        let mut judged = Vec::new();
        for (plan, selections) in plans.iter().zip(read) {
            let selections = gaps.take_if_there(Part::Selections, &plan.content.name, selections).flatten();
            for selection in selections.unwrap_or_default() {
                let Some(criteria) = &selection.criteria else { continue };
                let verdict = criteria.judge(&database.candidate(), eligibility);
                judged.push(JudgedSelection {
                    plan_id: plan.id.clone(),
                    plan_arn: plan.arn.clone(),
                    plan_name: plan.content.name.clone(),
                    selection,
                    verdict,
                });
            }
        }
        judged
    }

    /// The plans of which a selection selects the database, with their rules.
    async fn covering(self, plans: &[Plan], judged: &[JudgedSelection], gaps: &mut Gaps) -> Vec<Plan> {
        let covers = |plan: &&Plan| judged.iter().any(|judged| judged.plan_id == plan.id && judged.verdict.selected());
        let listed: Vec<&Plan> = plans.iter().filter(covers).collect();
        let ids = listed.iter().map(|plan| plan.id.clone()).collect();
        let read = each(ids, |id: String| async move { self.plans.plan(&id).await }).await;
        let found = listed.into_iter().zip(read);
        let found = found.filter_map(|(plan, read)| gaps.take_if_there(Part::Plan, &plan.content.name, read).flatten());
        // One that was deleted meanwhile is still told.
        found.filter(|plan| plan.deleted_at.is_none()).collect()
    }

    /// The roles of the selections that select the database.
    async fn roles(self, judged: &[JudgedSelection], gaps: &mut Gaps) -> BTreeMap<String, Option<RoleState>> {
        let selecting = judged.iter().filter(|judged| judged.verdict.selected());
        let arns: BTreeSet<&String> = selecting.map(|judged| &judged.selection.role_arn).collect();
        let roles: Vec<RoleRef> = arns.into_iter().filter_map(|arn| Some(RoleRef::parse(arn).ok()?.0)).collect();
        let ask = |role: RoleRef| async move {
            let state = self.scoped.get_service_role(&role).await;
            (role.arn.map(|arn| arn.as_str().to_owned()).unwrap_or_default(), state)
        };
        let read = each(roles, ask).await.into_iter();
        read.filter_map(|(arn, role)| gaps.take_if_there(Part::Role, &arn, role).map(|role| (arn, role))).collect()
    }

    /// The vaults of the rules.
    async fn vaults(self, plans: &[Plan], gaps: &mut Gaps) -> BTreeMap<String, Option<Vault>> {
        let rules = plans.iter().flat_map(|plan| &plan.content.rules);
        let names: BTreeSet<&String> = rules.map(|rule| &rule.vault).collect();
        // AWS's own vaults have names that nobody can give; they are always there.
        let names: Vec<VaultName> = names.into_iter().filter_map(|name| VaultName::parse(name).ok()).collect();
        let ask = |name: VaultName| async move {
            let vault = self.scoped.describe_vault(&name).await;
            (name.as_str().to_owned(), vault)
        };
        let read = each(names, ask).await.into_iter();
        read.filter_map(|(name, vault)| gaps.take_if_there(Part::Vault, &name, vault).map(|vault| (name, vault)))
            .collect()
    }

    /// The other vaults of the rules: where copies go, wherever that is.
    async fn destinations(self, plans: &[Plan]) -> SeenVaults {
        let rules: Vec<Rule> = plans.iter().flat_map(|plan| plan.content.rules.clone()).collect();
        let own = rules.iter().map(|rule| VaultRef::arn_of(&rule.vault, self.scoped.scope())).collect();
        let mut others = Rule::vaults_named(&rules, self.scoped.scope());
        others.extend(Rule::vaults_whose_keys_count(&rules, self.scoped.scope()));
        let others = others.difference(&own).cloned().collect();
        self.scoped.seen_vaults(&rules, others).await
    }

    /// A point with all that AWS tells of it: its list tells little.
    async fn in_full(self, listed: &RecoveryPoint, gaps: &mut Gaps) -> RecoveryPoint {
        let (Ok(vault), Ok(arn)) =
            (VaultName::parse(listed.vault_name.as_deref().unwrap_or_default()), Arn::parse(&listed.arn))
        else {
            return listed.clone();
        };
        let described = self.scoped.get_recovery_point(&PointInVault { vault, arn }).await;
        let described = gaps.take_if_there(Part::RecoveryPoints, "", described).flatten();
        described.unwrap_or_else(|| listed.clone())
    }
}

impl Gaps {
    /// What was read; what was not is noted.
    fn take<T, E: Into<Error>>(&mut self, part: Part, name: &str, read: Result<T, E>) -> Option<T> {
        let unread = |error: Error| Unread {
            part,
            name: name.to_owned(),
            operation: error.failure().map_or("reading it", |failure| failure.operation),
            unseen: Unseen::from(&error),
        };
        read.map_err(|error| self.0.push(unread(error.into()))).ok()
    }

    /// What was read, `Some(None)` if it is not there; what could not be read is noted.
    fn take_if_there<T, E: Into<Error>>(&mut self, part: Part, name: &str, read: Result<T, E>) -> Option<Option<T>> {
        match read.map_err(Into::into) {
            Err(error) if error.is_missing() => Some(None),
            read => self.take(part, name, read).map(Some),
        }
    }
}

/// Asks about each, a few at a time; the answers come in the order of the questions.
async fn each<Q, F: Future>(questions: Vec<Q>, ask: impl Fn(Q) -> F) -> Vec<F::Output> {
    let asked: Vec<F> = questions.into_iter().map(ask).collect();
    stream::iter(asked).buffered(BREADTH).collect().await
}

/// Every page of a list.
async fn every<T, F>(read: impl Fn(PageRequest) -> F + Send + Sync) -> Result<Vec<T>, Error>
where
    T: Send,
    F: Future<Output = Result<Page<T>, Error>> + Send,
{
    let pages = pages(|cursor| {
        let page = read(PageRequest::largest(cursor));
        async move { page.await.map(|Page { items, next }| (items, next)) }
    });
    pages.try_concat().await
}

/// What to judge by where the region's settings cannot be read: as if they were the default.
fn permissive(database: &Resource) -> Eligibility {
    Eligibility {
        scope: database.scope.clone(),
        supported: BTreeSet::from([database.resource_type().into()]),
        opt_in: BTreeMap::new(),
    }
}
