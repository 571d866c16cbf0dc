//! Reads what is arranged for backups: a few questions at a time, and what cannot be read becomes part of what is known.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::super::{Error, Scoped, pages::pages};
use crate::domain::{
    ArrangedPlan, Arrangements, Eligibility, Looked, Page, PageRequest, Part, Plan, PlanFilter, PlanRef, Resource,
    RoleRef, RoleState, Rule, Unread, Unseen, VaultName, VaultRef,
};

/// Questions at once, of one call: AWS throttles by account, and others want answers too.
const BREADTH: usize = 8;

/// Who asks.
#[derive(Clone, Copy)]
pub(in crate::aws) struct Reading<'a> {
    pub(in crate::aws) scoped: &'a Scoped,
    /// For plans and selections, which are most of what is read: many explanations at a time read them once.
    pub(in crate::aws) plans: &'a Scoped,
}

impl Reading<'_> {
    /// The region's supported types and its opt-in.
    pub(in crate::aws) async fn eligibility(self) -> Result<Eligibility, Unread> {
        self.scoped.eligibility().await.map_err(|error| unread(Part::RegionSettings, "", error))
    }

    /// Every plan with its selections, and nothing yet of what they lean on.
    pub(in crate::aws) async fn arrangements(self) -> Arrangements {
        let (eligibility, plans) = tokio::join!(self.eligibility(), self.plans());
        Arrangements::new(self.scoped.scope().clone(), self.scoped.now(), eligibility, plans)
    }

    /// Every plan with its selections, and without its rules.
    pub(in crate::aws) async fn plans(self) -> Result<Vec<ArrangedPlan>, Unread> {
        let filter = &PlanFilter::default();
        let listed = every(|page| async move { self.plans.list_plans(filter, &page).await }).await;
        let listed: Vec<Plan> = listed.map_err(|error| unread(Part::Plans, "", error))?;
        Ok(each(listed, |plan| async move { self.with_selections(&plan).await }).await)
    }

    /// A listed plan with its selections.
    pub(in crate::aws) async fn with_selections(self, plan: &Plan) -> ArrangedPlan {
        let read = self.plans.selections_in_full(&PlanRef::Id(plan.id.clone())).await;
        let selections = match looked(Part::Selections, &plan.content.name, read) {
            Looked::There(selections) => Ok(selections),
            // Deleted since it was listed.
            Looked::Missing => Ok(Vec::new()),
            Looked::Unread(unread) => Err(unread),
        };
        ArrangedPlan::listed(plan, selections)
    }

    /// Reads, of what the plans lean on, what is not known yet: the rules, roles and vaults of those plans that cover the
    /// database, or of all that select anything.
    pub(in crate::aws) async fn fill(self, arrangements: &mut Arrangements, of: Option<&Resource>) {
        let eligibility = arrangements.eligibility();
        let selecting: Vec<_> = match of {
            Some(database) => arrangements.selecting(database, &eligibility).collect(),
            None => arrangements.selections().collect(),
        };
        let wanted: BTreeSet<String> = selecting.iter().map(|(plan, _)| plan.id.clone()).collect();
        let roles: BTreeSet<String> = selecting.iter().map(|(_, selection)| selection.role_arn.clone()).collect();
        let (_, ()) = tokio::join!(
            self.fill_roles(&mut arrangements.roles, roles),
            self.fill_plans(arrangements.plans.as_deref_mut().unwrap_or_default(), &wanted),
        );
        let content = |plan: &ArrangedPlan| match &plan.content {
            Some(Looked::There(plan)) if plan.deleted_at.is_none() => plan.content.rules.clone(),
            _ => Vec::new(),
        };
        let covering = arrangements.plans().filter(|plan| wanted.contains(&plan.id));
        let rules: Vec<Rule> = covering.flat_map(content).collect();
        self.fill_vaults(arrangements, &rules).await;
    }

    /// Reads the rules of all plans that select anything, or of that one, and nothing of what they lean on.
    pub(in crate::aws) async fn fill_rules(self, arrangements: &mut Arrangements, of: Option<&str>) {
        let selecting = arrangements.plans().filter(|plan| plan.selections().next().is_some());
        let wanted = selecting.map(|plan| plan.id.clone()).filter(|id| of.is_none_or(|of| of == id)).collect();
        self.fill_plans(arrangements.plans.as_deref_mut().unwrap_or_default(), &wanted).await;
    }

    async fn fill_plans(self, plans: &mut [ArrangedPlan], wanted: &BTreeSet<String>) {
        let plans = plans.iter_mut().filter(|plan| plan.content.is_none() && wanted.contains(&plan.id));
        let plans: Vec<&mut ArrangedPlan> = plans.collect();
        let ids = plans.iter().map(|plan| plan.id.clone()).collect();
        let answers = each(ids, |id: String| async move { self.plans.plan(&id).await }).await;
        for (plan, answer) in plans.into_iter().zip(answers) {
            plan.content = Some(looked(Part::Plan, &plan.name, answer));
        }
    }

    async fn fill_roles(self, known: &mut BTreeMap<String, Looked<RoleState>>, wanted: BTreeSet<String>) {
        let unknown = wanted.into_iter().filter(|arn| !known.contains_key(arn));
        let roles: Vec<RoleRef> = unknown.filter_map(|arn| Some(RoleRef::parse(&arn).ok()?.0)).collect();
        let ask = |role: RoleRef| async move {
            let state = self.scoped.get_service_role(&role).await;
            (role.arn.map(|arn| arn.as_str().to_owned()).unwrap_or_default(), state)
        };
        for (arn, state) in each(roles, ask).await {
            let looked = looked(Part::Role, &arn, state);
            known.insert(arn, looked);
        }
    }

    /// The vaults of the rules, and the other ones that they name: where copies go, wherever that is.
    async fn fill_vaults(self, arrangements: &mut Arrangements, rules: &[Rule]) {
        let scope = self.scoped.scope();
        let names: BTreeSet<&String> = rules.iter().map(|rule| &rule.vault).collect();
        // AWS's own vaults have names that nobody can give; they are always there.
        let names = names.into_iter().filter(|name| !arrangements.vaults.contains_key(*name));
        let names: Vec<VaultName> = names.filter_map(|name| VaultName::parse(name).ok()).collect();
        let ask = |name: VaultName| async move {
            let vault = self.scoped.describe_vault(&name).await;
            (name.as_str().to_owned(), vault)
        };
        let own: BTreeSet<String> = rules.iter().map(|rule| VaultRef::arn_of(&rule.vault, scope)).collect();
        let mut others = Rule::vaults_named(rules, scope);
        others.extend(Rule::vaults_whose_keys_count(rules, scope));
        let seen = &arrangements.destinations.vaults;
        let others = others.into_iter().filter(|arn| !own.contains(arn) && !seen.contains_key(arn)).collect();
        let (vaults, destinations) = tokio::join!(each(names, ask), self.scoped.seen_vaults(rules, others));
        for (name, vault) in vaults {
            let looked = looked(Part::Vault, &name, vault);
            arrangements.vaults.insert(name, looked);
        }
        arrangements.destinations.vaults.extend(destinations.vaults);
        arrangements.destinations.keys.extend(destinations.keys);
    }
}

/// What was in the way of reading something.
pub(in crate::aws) fn unread(part: Part, name: &str, error: impl Into<Error>) -> Unread {
    let error = error.into();
    Unread {
        part,
        name: name.to_owned(),
        operation: error.failure().map_or("reading it", |failure| failure.operation),
        unseen: Unseen::from(&error),
    }
}

/// What came of looking for something that may not be there.
fn looked<T>(part: Part, name: &str, read: Result<T, impl Into<Error>>) -> Looked<T> {
    match read.map_err(Into::into) {
        Ok(found) => Looked::There(found),
        Err(error) if error.is_missing() => Looked::Missing,
        Err(error) => Looked::Unread(unread(part, name, error)),
    }
}

/// Asks about each, a few at a time; the answers come in the order of the questions.
pub(in crate::aws) async fn each<Q, F: Future>(questions: Vec<Q>, ask: impl Fn(Q) -> F) -> Vec<F::Output> {
    let asked: Vec<F> = questions.into_iter().map(ask).collect();
    stream::iter(asked).buffered(BREADTH).collect().await
}

/// Every page of a list.
pub(in crate::aws) async fn every<T, F>(read: impl Fn(PageRequest) -> F + Send + Sync) -> Result<Vec<T>, Error>
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
