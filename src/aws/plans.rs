//! Backup plans.

mod changes;
mod selected;
mod shape;
mod vaults;

use aws_sdk_backup::{operation::get_backup_plan::GetBackupPlanOutput, types::BackupPlansListMember};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    looks::in_time,
    pages::pages,
    time,
};
use crate::domain::{
    Cursor, Finding, GetPlan, MAX_PAGE_SIZE, Noun, Page, PageRequest, Plan, PlanContent, PlanFilter, PlanName, PlanRef,
    Refusal, RefusalKind, Rule, check_own_plan, did_you_mean,
};

const GET: Operation = Operation::read("backup", "GetBackupPlan");
const LIST: Operation = Operation::read("backup", "ListBackupPlans");
const LIST_VERSIONS: Operation = Operation::read("backup", "ListBackupPlanVersions");

/// Plans read at once, of one call: AWS throttles by account, and others want answers too.
const AT_ONCE: usize = 8;

impl Scoped {
    /// A plan with its tags, in its current version or another. One that was deleted is still told, with its time.
    pub async fn get_plan(&self, get: &GetPlan) -> Result<Plan, Error> {
        let version = get.version.as_deref();
        self.of_plan(&get.plan, |id| async move { Ok(self.plan_with_tags(&id, version).await?) }).await
    }

    /// A page of plans, without tags; whole, each with its rules and selections.
    pub async fn list_plans(&self, filter: &PlanFilter, page: &PageRequest) -> Result<Page<Plan>, Error> {
        let sent = self
            .clients
            .backup
            .list_backup_plans()
            .max_results(page.size.into())
            .set_next_token(page.token())
            .include_deleted(filter.with_deleted);
        let answer = self.read(LIST, ask!(sent)).await?;
        let listed = answer.backup_plans_list.unwrap_or_default();
        let mut items: Vec<Plan> = listed.into_iter().map(|plan| shape::listed(plan, self.scope())).collect();
        if filter.whole {
            let whole = items.into_iter().map(|listed| self.whole_plan(listed, filter.with_deleted));
            let whole: Vec<_> = stream::iter(whole).buffered(AT_ONCE).try_collect().await?;
            items = whole.into_iter().flatten().collect();
        }
        Ok(Page { items, next: answer.next_token.map(Cursor::at) })
    }

    /// The rules of a plan as they run now, and what lets their jobs fail: windows of what the plan selects,
    /// vaults. One that was deleted has no runs ahead: it is missing.
    pub async fn rules_running(&self, plan: &PlanRef) -> Result<(Vec<Rule>, Vec<Finding>), Error> {
        let plan = self.of_plan(plan, |id| async move { self.plan_there(&id).await }).await?;
        let rules = &plan.content.rules;
        let of_selected = Box::pin(self.findings_of_selected(&plan.id, rules));
        let (of_selected, of_vaults) = tokio::join!(of_selected, Box::pin(self.vault_findings(rules, None)));
        let found = [Rule::copies_unsaid(rules), of_selected, of_vaults].concat();
        Ok((plan.content.rules, found))
    }

    /// What lets jobs of rules fail that no plan has yet, because of their vaults. AWS tells the time meanwhile.
    pub async fn findings_of_unsaved(&self, rules: &[Rule]) -> Result<Vec<Finding>, Error> {
        let rules: Vec<Rule> = rules.iter().cloned().map(|rule| rule.within(self.scope())).collect();
        let (time, found) = tokio::join!(self.ask_time(), Box::pin(self.vault_findings(&rules, None)));
        time.map(|_| found)
    }

    /// A page of a plan's versions, without rules, scans and tags.
    pub async fn list_plan_versions(&self, plan: &PlanRef, page: &PageRequest) -> Result<Page<Plan>, Error> {
        let list = |id: String| async move {
            let sent = self.clients.backup.list_backup_plan_versions().backup_plan_id(&id);
            let sent = sent.max_results(page.size.into()).set_next_token(page.token());
            Ok(self.read(LIST_VERSIONS, ask!(sent)).await.map_err(|error| about_plan(error, &id))?)
        };
        let answer = self.of_plan(plan, list).await?;
        let items = answer.backup_plan_versions_list.unwrap_or_default();
        Ok(Page {
            items: items.into_iter().map(|version| shape::listed(version, self.scope())).collect(),
            next: answer.next_token.map(Cursor::at),
        })
    }
}

impl Scoped {
    /// Does something with a plan by its id. Only a name costs a call before; a text that has the form of an id is taken for
    /// one, and for a name where that plan is missing.
    pub(super) async fn of_plan<T, F>(&self, plan: &PlanRef, work: impl Fn(String) -> F + Sync) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
        T: Send,
    {
        match plan {
            PlanRef::Id(id) => match work(id.clone()).await {
                Err(missing) if missing.is_missing() && missing.is_about(Noun::Plan) => {
                    // Only told besides, so no longer waited for than that.
                    let plans = in_time(self.listed_plans()).await.unwrap_or_default();
                    Err(missing.with_question(plan_meant(&plans, id)))
                }
                answer => answer,
            },
            PlanRef::Name(name) => work(self.plan_named(name).await?).await,
            PlanRef::IdOrName(id, name) => match work(id.clone()).await {
                Err(missing) if missing.is_missing() && missing.is_about(Noun::Plan) => {
                    let plans = self.listed_plans().await?;
                    match of_name(&plans, name).map_err(Error::from) {
                        Ok(named) => work(named).await,
                        Err(nor_named) if nor_named.is_missing() => Err(missing.with_question(plan_meant(&plans, id))),
                        Err(error) => Err(error),
                    }
                }
                answer => answer,
            },
        }
    }

    /// The id of a plan that something is looked for by. What a plan made can outlive it, so that an id that no plan has any
    /// more is one too.
    pub(super) async fn plan_id_once(&self, plan: &PlanRef) -> Result<String, Error> {
        let there = self.of_plan(plan, |id| async move {
            if matches!(plan, PlanRef::IdOrName(..)) {
                self.describe_plan(&id, None).await?;
            }
            Ok(id)
        });
        match (plan, there.await) {
            (PlanRef::IdOrName(id, _), Err(missing)) if missing.is_missing() => Ok(id.clone()),
            (_, answer) => answer,
        }
    }

    /// Refuses to change what is in a plan that another than this account makes, if it is there at all.
    pub(super) async fn is_own_plan(&self, id: &str) -> Result<(), Error> {
        let Err(refused) = check_own_plan(id) else { return Ok(()) };
        self.plan_is_there(id).await?;
        Err(refused.into())
    }

    /// A plan without its tags, unless it was deleted.
    pub(super) async fn plan_there(&self, id: &str) -> Result<Plan, Error> {
        let plan = self.plan(id).await?;
        if plan.deleted_at.is_some() { Err(deleted(id).into()) } else { Ok(plan) }
    }

    async fn plan_named(&self, name: &PlanName) -> Result<String, Error> {
        Ok(of_name(&self.listed_plans().await?, name)?)
    }

    async fn find_plan(&self, wanted: impl Fn(&BackupPlansListMember) -> bool) -> Result<Option<String>, Failure> {
        Ok(self.find_plans(wanted).await?.into_iter().next())
    }

    /// Ids of the plans that are wanted, out of all that are not deleted.
    async fn find_plans(&self, wanted: impl Fn(&BackupPlansListMember) -> bool) -> Result<Vec<String>, Failure> {
        let plans = self.listed_plans().await?;
        Ok(plans.into_iter().filter(wanted).filter_map(|plan| plan.backup_plan_id).collect())
    }

    /// Every plan that is not deleted, as it is listed.
    async fn listed_plans(&self) -> Result<Vec<BackupPlansListMember>, Failure> {
        let plans = pages(|token| async move {
            let sent = self.clients.backup.list_backup_plans().max_results(MAX_PAGE_SIZE.into()).set_next_token(token);
            let answer = self.read(LIST, ask!(sent)).await?;
            Ok((answer.backup_plans_list.unwrap_or_default(), answer.next_token))
        });
        plans.try_concat().await
    }

    /// Every plan that is not deleted, with its rules and without tags; in AWS's order.
    pub(super) async fn every_plan(&self) -> Result<Vec<Plan>, Failure> {
        let ids = self.find_plans(|_| true).await?;
        let plans = stream::iter(ids).map(|id| async move {
            match self.describe_plan(&id, None).await {
                Ok(answer) => Ok(Some(shape::plan(&answer, self.scope())).filter(|plan| plan.deleted_at.is_none())),
                // Deleted since it was listed.
                Err(error) if error.kind == FailureKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        });
        let plans: Vec<Option<Plan>> = plans.buffered(AT_ONCE).try_collect().await?;
        Ok(plans.into_iter().flatten().collect())
    }

    /// A listed plan with its rules and selections; `None`: it was deleted since it was listed, and deleted ones are not
    /// wanted, or AWS does not tell it any more.
    async fn whole_plan(&self, listed: Plan, with_deleted: bool) -> Result<Option<Plan>, Error> {
        let plan = match self.plan(&listed.id).await {
            Ok(plan) => plan,
            Err(error) if error.kind == FailureKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if plan.deleted_at.is_some() {
            return Ok(with_deleted.then_some(plan));
        }
        match self.selections_in_full(&PlanRef::Id(listed.id)).await {
            Ok(selections) => Ok(Some(Plan { selections, ..plan })),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn describe_plan(&self, id: &str, version: Option<&str>) -> Result<GetBackupPlanOutput, Failure> {
        let sent = self.clients.backup.get_backup_plan().backup_plan_id(id).set_version_id(version.map(str::to_owned));
        self.read(GET, ask!(sent)).await.map_err(|error| match version {
            None => about_plan(error, id),
            Some(version) => about_plan(error, &format!("{id} in version {version}")),
        })
    }

    /// A plan without its tags.
    pub(super) async fn plan(&self, id: &str) -> Result<Plan, Failure> {
        Ok(shape::plan(&self.describe_plan(id, None).await?, self.scope()))
    }

    async fn plan_with_tags(&self, id: &str, version: Option<&str>) -> Result<Plan, Failure> {
        // At the same time: the id tells the ARN. Whether the plan is there, it says itself.
        let arn = PlanRef::arn_of(id, self.scope());
        let (answer, tags) = tokio::join!(self.describe_plan(id, version), self.backup_tags(&arn));
        let plan = shape::plan(&answer?, self.scope());
        if plan.deleted_at.is_some() || plan.arn != arn {
            return self.with_tags(plan).await;
        }
        Ok(Plan { tags: tags.map_err(|error| about_plan(error, id))?, ..plan })
    }

    /// The tags of a plan; those of a deleted one are gone with it.
    async fn with_tags(&self, plan: Plan) -> Result<Plan, Failure> {
        if plan.deleted_at.is_some() {
            return Ok(plan);
        }
        let tags = self.backup_tags(&plan.arn).await.map_err(|error| about_plan(error, &plan.id))?;
        Ok(Plan { tags, ..plan })
    }

    /// Makes sure that a plan is there: of a deleted one AWS still tells what it was, and when it was deleted `[I]`.
    pub(super) async fn plan_is_there(&self, id: &str) -> Result<(), Error> {
        match self.describe_plan(id, None).await?.deletion_date {
            None => Ok(()),
            Some(_) => Err(deleted(id).into()),
        }
    }

    /// Whether a plan that says something else now was created with that content: in the version that a create answered,
    /// or in its oldest one.
    async fn began_as(&self, plan: &Plan, version: Option<String>, content: &PlanContent) -> Result<bool, Failure> {
        let mut versions = Vec::from_iter(version);
        versions.extend(self.oldest_versions(&plan.id).await?);
        versions.dedup();
        for version in versions {
            let answer = self.describe_plan(&plan.id, Some(&version)).await?;
            if shape::plan(&answer, self.scope()).content.same_as(content) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The oldest version; several, if their times are the same.
    async fn oldest_versions(&self, id: &str) -> Result<Vec<String>, Failure> {
        const MOST: usize = 10;
        let versions = pages(|token| async move {
            let sent = self.clients.backup.list_backup_plan_versions().backup_plan_id(id);
            let sent = sent.max_results(MAX_PAGE_SIZE.into()).set_next_token(token);
            let answer = self.read(LIST_VERSIONS, ask!(sent)).await.map_err(|error| about_plan(error, id))?;
            let page = answer.backup_plan_versions_list.unwrap_or_default().into_iter();
            let versions = page.filter_map(|it| Some((time(it.creation_date.as_ref())?, it.version_id?)));
            Ok((versions.collect::<Vec<_>>(), answer.next_token))
        });
        let versions: Vec<_> = versions.try_concat().await?;
        let oldest = versions.iter().map(|(at, _)| *at).min();
        Ok(versions.into_iter().filter(|(at, _)| Some(*at) == oldest).map(|(_, version)| version).take(MOST).collect())
    }
}

/// The id of the plan of that name.
fn of_name(plans: &[BackupPlansListMember], name: &PlanName) -> Result<String, Refusal> {
    let named = plans.iter().filter(|plan| plan.backup_plan_name() == Some(name.as_str()));
    let ids = named.filter_map(|plan| plan.backup_plan_id.clone()).collect();
    only(name, ids, plans.iter().filter_map(|plan| plan.backup_plan_name()))
}

/// The question which plan was meant by an id that none has: one of an organization's policy or of AWS itself, whose ids
/// have a path before the UUID, or one of nearly that id. Blank where none is near, or it was deleted.
fn plan_meant(plans: &[BackupPlansListMember], id: &str) -> String {
    let ids = || plans.iter().filter_map(|plan| plan.backup_plan_id());
    let of_uuid = |other: &str| other.rsplit_once('/').is_some_and(|(_, last)| last == id);
    match ids().find(|other| of_uuid(other)) {
        Some(other) => format!("; did you mean {other}?"),
        // Of one that is listed a moment after its deletion nobody asks whether it was meant.
        None if ids().any(|other| other == id) => String::new(),
        None => did_you_mean(id, ids()),
    }
}

/// The plan of a name, if there is one alone; else the question which of these was meant.
fn only<'n>(
    name: &PlanName,
    mut ids: Vec<String>,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<String, Refusal> {
    let found = |kind, message: String| Err(Refusal::of(kind, Noun::Plan, name.as_str(), message));
    match ids.len() {
        0 => found(RefusalKind::NotFound, {
            let question = did_you_mean(name.as_str(), names);
            format!("no plan has the name {name}{question}")
        }),
        1 => Ok(ids.remove(0)),
        count => {
            ids.truncate(5);
            let some = ids.join(", ");
            found(
                RefusalKind::Ambiguous,
                format!("{count} plans have the name {name}: name the one you mean by its id, such as {some}"),
            )
        }
    }
}

/// A failure of a call that names a plan. Besides ResourceNotFoundException AWS has another word for a missing one.
pub(super) fn about_plan(error: Failure, plan: &str) -> Failure {
    let error = error.about(Noun::Plan, plan);
    if is_missing(&error) { error.as_kind(FailureKind::NotFound) } else { error }
}

/// InvalidParameterValueException with such a message is how AWS says "missing" of a plan `[T][Q]` and, of a selection,
/// what clients take it for `[T]`.
pub(super) fn is_missing(error: &Failure) -> bool {
    error.kind == FailureKind::NotFound
        || (error.kind == FailureKind::Rejected && error.message.contains("Cannot find Backup"))
}

fn deleted(id: &str) -> Refusal {
    Refusal::of(RefusalKind::NotFound, Noun::Plan, id, format!("plan {id} was deleted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_plan_only_while_no_other_has_it() {
        let name = PlanName::parse("plan").unwrap();
        let ids = |count: usize| (0..count).map(|number| format!("id-{number}")).collect::<Vec<_>>();
        assert_eq!(only(&name, ids(0), ["plans"]).unwrap_err().kind, RefusalKind::NotFound);
        assert_eq!(only(&name, ids(1), []).unwrap(), "id-0");
        let ambiguous = only(&name, ids(7), []).unwrap_err();
        assert_eq!(ambiguous.kind, RefusalKind::Ambiguous);
        assert!(ambiguous.message.ends_with("such as id-0, id-1, id-2, id-3, id-4"), "{}", ambiguous.message);
    }
}
