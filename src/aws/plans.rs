//! Backup plans.

mod selected;
mod shape;

use aws_sdk_backup::{operation::get_backup_plan::GetBackupPlanOutput, types::BackupPlansListMember};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    time,
};
use crate::domain::{
    AskedScope, MAX_PAGE_SIZE, NewPlan, Page, PageRequest, Plan, PlanContent, PlanName, PlanRef, PlanUpdate, Scope,
};

const CREATE: Operation = Operation::write("backup", "CreateBackupPlan");
const GET: Operation = Operation::read("backup", "GetBackupPlan");
const LIST: Operation = Operation::read("backup", "ListBackupPlans");
const LIST_VERSIONS: Operation = Operation::read("backup", "ListBackupPlanVersions");
const UPDATE: Operation = Operation::write("backup", "UpdateBackupPlan");
const DELETE: Operation = Operation::write("backup", "DeleteBackupPlan");
const LIST_TAGS: Operation = Operation::read("backup", "ListTags");

impl Aws {
    /// Creates a plan, or returns the one that the same request created before, as it is now.
    pub async fn create_plan(&self, asked: &AskedScope, new: &NewPlan) -> Result<Plan, Error> {
        let clients = self.clients(asked).await?;
        let content = new.content();
        let sent = clients
            .backup
            .create_backup_plan()
            .creator_request_id(new.request_id.as_str())
            .backup_plan(shape::input(CREATE, &content)?)
            .set_backup_plan_tags((!new.tags.0.is_empty()).then(|| new.tags.0.clone().into_iter().collect()));
        let (id, version) = match call(CREATE, sent.send()).await {
            Ok(created) => (
                created.backup_plan_id.ok_or_else(|| Error::malformed(CREATE.name, "BackupPlanId"))?,
                created.version_id,
            ),
            // AWS answers a repeated CreatorRequestId with its plan [M]; should it refuse the name first [U], the plan
            // itself tells who made it.
            Err(error) if error.kind == Kind::AlreadyExists => {
                let ours = clients.find_plan(|plan| plan.creator_request_id() == Some(new.request_id.as_str())).await?;
                (ours.ok_or_else(|| error.about(Noun::Plan, &new.name))?, None)
            }
            Err(error) => return Err(error.about(Noun::Plan, &new.name)),
        };
        let plan = clients.plan_with_tags(&id, None).await.map_err(|error| error.after(CREATE.name))?;
        if !new.request_id.may_repeat() {
            return Ok(plan);
        }
        let tagged =
            plan.deleted_at.is_some() || new.tags.0.iter().all(|(key, value)| plan.tags.get(key) == Some(value));
        if tagged && (plan.content.same_as(&content) || clients.began_as(&plan, version, &content).await?) {
            return Ok(plan);
        }
        let message = "this request_id created another plan, or this one with other tags: use a fresh request_id";
        Err(Error::found(CREATE.name, Kind::RequestIdReused, Noun::Plan, plan.id, message))
    }

    /// A plan with its tags, in its current version or another. One that was deleted is still told, with its time.
    pub async fn get_plan(&self, asked: &AskedScope, plan: &PlanRef, version: Option<&str>) -> Result<Plan, Error> {
        let clients = self.clients(asked).await?;
        let id = clients.plan_id(plan).await?;
        clients.plan_with_tags(&id, version).await
    }

    /// A page of plans, without rules and tags.
    pub async fn list_plans(
        &self,
        asked: &AskedScope,
        page: &PageRequest,
        with_deleted: bool,
    ) -> Result<Page<Plan>, Error> {
        let clients = self.clients(asked).await?;
        let sent = clients
            .backup
            .list_backup_plans()
            .max_results(page.size.into())
            .set_next_token(page.cursor.clone())
            .include_deleted(with_deleted);
        let answer = call(LIST, sent.send()).await?;
        let items = answer.backup_plans_list.unwrap_or_default();
        Ok(Page {
            items: items.into_iter().map(|plan| shape::listed(plan, &clients.scope)).collect(),
            next: answer.next_token,
        })
    }

    /// Says as AWS would that a plan of that name is there, made by another request; else what a create would make.
    pub async fn check_new_plan(&self, asked: &AskedScope, new: &NewPlan) -> Result<Scope, Error> {
        let clients = self.clients(asked).await?;
        let ours = new.request_id.as_str();
        let other = |plan: &BackupPlansListMember| {
            plan.backup_plan_name() == Some(new.name.as_str()) && plan.creator_request_id() != Some(ours)
        };
        match clients.find_plan(other).await? {
            None => Ok(clients.scope.clone()),
            Some(id) => {
                let message = format!("plan {id} has that name");
                Err(Error::found(LIST.name, Kind::AlreadyExists, Noun::Plan, new.name.as_str(), message))
            }
        }
    }

    /// A plan as it is now, without its tags. One that was deleted has no runs ahead: it is missing.
    pub async fn running_plan(&self, asked: &AskedScope, plan: &PlanRef) -> Result<Plan, Error> {
        let clients = self.clients(asked).await?;
        let id = clients.plan_id(plan).await?;
        let plan = shape::plan(&clients.describe_plan(&id, None).await?, &clients.scope);
        if plan.deleted_at.is_some() { Err(deleted(GET, &id)) } else { Ok(plan) }
    }

    /// A page of a plan's versions, without rules, scans and tags.
    pub async fn list_plan_versions(
        &self,
        asked: &AskedScope,
        plan: &PlanRef,
        page: &PageRequest,
    ) -> Result<Page<Plan>, Error> {
        let clients = self.clients(asked).await?;
        let id = clients.plan_id(plan).await?;
        let sent = clients
            .backup
            .list_backup_plan_versions()
            .backup_plan_id(&id)
            .max_results(page.size.into())
            .set_next_token(page.cursor.clone());
        let answer = call(LIST_VERSIONS, sent.send()).await.map_err(|error| about_plan(error, &id))?;
        let items = answer.backup_plan_versions_list.unwrap_or_default();
        Ok(Page {
            items: items.into_iter().map(|version| shape::listed(version, &clients.scope)).collect(),
            next: answer.next_token,
        })
    }

    /// Gives a plan a new content; an equal one makes no new version.
    ///
    /// AWS has neither an idempotency token nor a condition for this, so the plan is read, compared, and written: a
    /// change between the read and the write is overwritten. A repeated call finds its own content, whatever etag it
    /// brings, and changes nothing. Tells what the plan said before, too.
    pub async fn update_plan(&self, asked: &AskedScope, update: &PlanUpdate) -> Result<(Plan, PlanContent), Error> {
        let clients = self.clients(asked).await?;
        let id = clients.plan_id(&update.plan).await?;
        let answer = clients.describe_plan(&id, None).await?;
        let current = clients.with_tags(shape::plan(&answer, &clients.scope)).await?;
        if current.deleted_at.is_some() {
            return Err(deleted(UPDATE, &id));
        }
        let content = update.content(&current.content);
        if content.same_as(&current.content) {
            return Ok((current, content));
        }
        if let Some(etag) = update.etag.as_ref().filter(|etag| **etag != current.etag) {
            let message = format!(
                "plan {id} has changed: its etag is {}, not {etag}; read it again and decide on what it says now",
                current.etag
            );
            return Err(Error::found(UPDATE.name, Kind::EtagMismatch, Noun::Plan, id, message));
        }
        if update.validate_only {
            let before = current.content;
            return Ok((Plan { content, ..current }, before));
        }
        let input = shape::input(UPDATE, &content)?;
        let sent = clients.backup.update_backup_plan().backup_plan_id(&id).backup_plan(input);
        let updated = call(UPDATE, sent.send()).await.map_err(|error| about_plan(error, &id))?;
        let now = clients.describe_plan(&id, updated.version_id.as_deref()).await;
        let now = now.map_err(|error| error.after(UPDATE.name))?;
        Ok((Plan { tags: current.tags, ..shape::plan(&now, &clients.scope) }, current.content))
    }

    /// Deletes a plan without selections.
    pub async fn delete_plan(&self, asked: &AskedScope, plan: &PlanRef) -> Result<Option<jiff::Timestamp>, Error> {
        let clients = self.clients(asked).await?;
        let id = clients.plan_id(plan).await?;
        clients.plan_is_there(DELETE, &id).await?;
        match call(DELETE, clients.backup.delete_backup_plan().backup_plan_id(&id).send()).await {
            Ok(answer) => Ok(time(answer.deletion_date.as_ref())),
            // DeleteBackupPlan says InvalidRequestException for nothing but selections of the plan [D].
            Err(error) if error.kind == Kind::State => Err(error.as_kind(Kind::HasSelections).about(Noun::Plan, id)),
            Err(error) => match about_plan(error, &id) {
                gone if gone.is_gone_by_us() => Ok(None),
                error => Err(error),
            },
        }
    }
}

impl Clients {
    /// The id of a plan. Only a name costs a call.
    pub(super) async fn plan_id(&self, plan: &PlanRef) -> Result<String, Error> {
        match plan {
            PlanRef::Id(id) => Ok(id.clone()),
            PlanRef::Name(name) => self.plan_named(name).await,
        }
    }

    async fn plan_named(&self, name: &PlanName) -> Result<String, Error> {
        let ids = self.find_plans(|plan| plan.backup_plan_name() == Some(name.as_str())).await?;
        only(name, ids)
    }

    async fn find_plan(&self, wanted: impl Fn(&BackupPlansListMember) -> bool) -> Result<Option<String>, Error> {
        Ok(self.find_plans(wanted).await?.into_iter().next())
    }

    /// Ids of the plans that are wanted, out of all that are not deleted.
    async fn find_plans(&self, wanted: impl Fn(&BackupPlansListMember) -> bool) -> Result<Vec<String>, Error> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let sent = self.backup.list_backup_plans().max_results(MAX_PAGE_SIZE.into()).set_next_token(cursor);
            let answer = call(LIST, sent.send()).await?;
            let plans = answer.backup_plans_list.unwrap_or_default();
            found.extend(plans.into_iter().filter(&wanted).filter_map(|plan| plan.backup_plan_id));
            cursor = answer.next_token;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// Every plan that is not deleted, with its rules and without tags; in AWS's order.
    pub(super) async fn every_plan(&self) -> Result<Vec<Plan>, Error> {
        const AT_ONCE: usize = 8;
        let ids = self.find_plans(|_| true).await?;
        let plans = stream::iter(ids).map(|id| async move {
            match self.describe_plan(&id, None).await {
                Ok(answer) => Ok(Some(shape::plan(&answer, &self.scope)).filter(|plan| plan.deleted_at.is_none())),
                // Deleted since it was listed.
                Err(error) if error.kind == Kind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        });
        let plans: Vec<Option<Plan>> = plans.buffered(AT_ONCE).try_collect().await?;
        Ok(plans.into_iter().flatten().collect())
    }

    async fn describe_plan(&self, id: &str, version: Option<&str>) -> Result<GetBackupPlanOutput, Error> {
        let sent = self.backup.get_backup_plan().backup_plan_id(id).set_version_id(version.map(str::to_owned));
        call(GET, sent.send()).await.map_err(|error| match version {
            None => about_plan(error, id),
            Some(version) => about_plan(error, &format!("{id} in version {version}")),
        })
    }

    /// A plan without its tags.
    pub(super) async fn plan(&self, id: &str) -> Result<Plan, Error> {
        Ok(shape::plan(&self.describe_plan(id, None).await?, &self.scope))
    }

    async fn plan_with_tags(&self, id: &str, version: Option<&str>) -> Result<Plan, Error> {
        let answer = self.describe_plan(id, version).await?;
        self.with_tags(shape::plan(&answer, &self.scope)).await
    }

    /// The tags of a plan; those of a deleted one are gone with it.
    async fn with_tags(&self, plan: Plan) -> Result<Plan, Error> {
        if plan.deleted_at.is_some() {
            return Ok(plan);
        }
        let answer = call(LIST_TAGS, self.backup.list_tags().resource_arn(&plan.arn).send()).await;
        let tags = answer.map_err(|error| about_plan(error, &plan.id))?.tags.unwrap_or_default();
        Ok(Plan { tags: tags.into_iter().collect(), ..plan })
    }

    /// Makes sure that a plan is there: of a deleted one AWS still tells what it was, and when it was deleted `[I]`.
    pub(super) async fn plan_is_there(&self, operation: Operation, id: &str) -> Result<(), Error> {
        match self.describe_plan(id, None).await?.deletion_date {
            None => Ok(()),
            Some(_) => Err(deleted(operation, id)),
        }
    }

    /// Whether a plan that says something else now was created with that content: in the version that a create answered,
    /// or in its oldest one.
    async fn began_as(&self, plan: &Plan, version: Option<String>, content: &PlanContent) -> Result<bool, Error> {
        let mut versions = Vec::from_iter(version);
        versions.extend(self.oldest_versions(&plan.id).await?);
        versions.dedup();
        for version in versions {
            let answer = self.describe_plan(&plan.id, Some(&version)).await?;
            if shape::plan(&answer, &self.scope).content.same_as(content) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The oldest version; several, if their times are the same.
    async fn oldest_versions(&self, id: &str) -> Result<Vec<String>, Error> {
        const MOST: usize = 10;
        let (mut versions, mut cursor) = (Vec::new(), None);
        loop {
            let sent = self.backup.list_backup_plan_versions().backup_plan_id(id);
            let sent = sent.max_results(MAX_PAGE_SIZE.into()).set_next_token(cursor);
            let answer = call(LIST_VERSIONS, sent.send()).await.map_err(|error| about_plan(error, id))?;
            let page = answer.backup_plan_versions_list.unwrap_or_default();
            versions.extend(page.into_iter().filter_map(|v| Some((time(v.creation_date.as_ref())?, v.version_id?))));
            cursor = answer.next_token;
            if cursor.is_none() {
                break;
            }
        }
        let oldest = versions.iter().map(|(at, _)| *at).min();
        Ok(versions.into_iter().filter(|(at, _)| Some(*at) == oldest).map(|(_, version)| version).take(MOST).collect())
    }
}

/// The plan of a name, if there is one alone.
fn only(name: &PlanName, mut ids: Vec<String>) -> Result<String, Error> {
    let found = |kind, message: String| Err(Error::found(LIST.name, kind, Noun::Plan, name.as_str(), message));
    match ids.len() {
        0 => found(Kind::NotFound, format!("no plan has the name {name}")),
        1 => Ok(ids.remove(0)),
        count => {
            ids.truncate(5);
            let some = ids.join(", ");
            found(
                Kind::Ambiguous,
                format!("{count} plans have the name {name}: name the one you mean by its id, such as {some}"),
            )
        }
    }
}

/// ARN of a plan of that scope.
pub(super) fn plan_arn(scope: &Scope, id: &str) -> String {
    format!("arn:{}:backup:{}:{}:backup-plan:{id}", scope.region.partition(), scope.region, scope.account)
}

/// A failure of a call that names a plan. Besides ResourceNotFoundException AWS has another word for a missing one.
pub(super) fn about_plan(error: Error, plan: &str) -> Error {
    let error = error.about(Noun::Plan, plan);
    if is_missing(&error) { error.as_kind(Kind::NotFound) } else { error }
}

/// InvalidParameterValueException with such a message is how AWS says "missing" of a plan `[T][Q]` and, of a selection,
/// what clients take it for `[T]`.
pub(super) fn is_missing(error: &Error) -> bool {
    error.kind == Kind::NotFound || (error.kind == Kind::Rejected && error.message.contains("Cannot find Backup"))
}

fn deleted(operation: Operation, id: &str) -> Error {
    Error::found(operation.name, Kind::NotFound, Noun::Plan, id, format!("plan {id} was deleted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_plan_only_while_no_other_has_it() {
        let name = PlanName::parse("plan").unwrap();
        let ids = |count: usize| (0..count).map(|number| format!("id-{number}")).collect::<Vec<_>>();
        assert_eq!(only(&name, ids(0)).unwrap_err().kind, Kind::NotFound);
        assert_eq!(only(&name, ids(1)).unwrap(), "id-0");
        let ambiguous = only(&name, ids(7)).unwrap_err();
        assert_eq!(ambiguous.kind, Kind::Ambiguous);
        assert!(ambiguous.message.ends_with("such as id-0, id-1, id-2, id-3, id-4"), "{}", ambiguous.message);
    }
}
