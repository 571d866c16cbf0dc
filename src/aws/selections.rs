//! Selections of plans.

mod changes;
mod continuous;
mod looks;
mod preview;
mod replace;
mod shape;

use std::pin::pin;

use aws_sdk_backup::types::BackupSelectionsListMember;
use futures_util::TryStreamExt;

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    pages::pages,
    plans::{about_plan, is_missing},
    time,
};
use crate::domain::{
    Criteria, Cursor, MAX_PAGE_SIZE, Noun, Page, PageRequest, PlanRef, Refusal, RefusalKind, RequestId, SavedSelection,
    Selection, SelectionName, SelectionRef, did_you_mean,
};

const CREATE: Operation = Operation::write("backup", "CreateBackupSelection");
const GET: Operation = Operation::read("backup", "GetBackupSelection");
const LIST: Operation = Operation::read("backup", "ListBackupSelections");

impl Scoped {
    /// A selection.
    pub async fn get_selection(&self, saved: &SavedSelection) -> Result<Selection, Error> {
        self.of_selection(saved, |plan_id, id| async move { self.describe_selection(&plan_id, &id).await }).await
    }

    /// A page of a plan's selections, without what they select.
    pub async fn list_selections(&self, plan: &PlanRef, page: &PageRequest) -> Result<Page<Selection>, Error> {
        let list = |plan_id: String| async move {
            let (items, next) = self.selections_of(&plan_id, page.size.into(), page.token()).await?;
            Ok((plan_id, items, next))
        };
        let (plan_id, items, next) = self.of_plan(plan, list).await?;
        let listed = |selection: BackupSelectionsListMember| {
            let name = selection.selection_name.unwrap_or_default();
            Selection {
                id: selection.selection_id.unwrap_or_default(),
                scope: self.scope().clone(),
                plan_arn: PlanRef::arn_of(&plan_id, self.scope()),
                plan_id: plan_id.clone(),
                role_arn: selection.iam_role_arn.unwrap_or_default(),
                criteria: None,
                created_at: time(selection.creation_date.as_ref()),
                request_id: Selection::asked_by(&name, selection.creator_request_id.unwrap_or_default()),
                name,
            }
        };
        Ok(Page { items: items.into_iter().map(listed).collect(), next: next.map(Cursor::at) })
    }

    /// Every selection of a plan, with what it selects: a call for each.
    pub async fn selections_in_full(&self, plan: &PlanRef) -> Result<Vec<Selection>, Error> {
        let list = |plan_id: String| async move {
            let members = self.every_selection_of(&plan_id).await?;
            Ok((plan_id, members))
        };
        let (plan_id, members) = self.of_plan(plan, list).await?;
        let mut selections = Vec::new();
        for id in members.into_iter().filter_map(|member| member.selection_id) {
            match self.describe_selection(&plan_id, &id).await {
                Ok(selection) => selections.push(selection),
                // Deleted in between.
                Err(error) if is_missing_selection(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(selections)
    }

    /// Does something with a selection by the ids of its plan and of itself. Only names cost calls before; a text that has
    /// the form of an id is taken for one, and for a name where that selection is missing.
    async fn of_selection<T, F>(
        &self,
        saved: &SavedSelection,
        work: impl Fn(String, String) -> F + Sync,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
        T: Send,
    {
        let work = &work;
        let in_plan = |plan_id: String| async move {
            match &saved.selection {
                SelectionRef::Name(name) => {
                    let id = self.selection_named(&plan_id, name).await?;
                    work(plan_id, id).await
                }
                SelectionRef::IdOrName(id, name) => match work(plan_id.clone(), id.clone()).await {
                    Err(missing) if is_missing_selection(&missing) => {
                        let all = self.every_selection_of(&plan_id).await?;
                        match of_name(&all, name) {
                            Some(named) => work(plan_id, named).await,
                            None => {
                                let ids = all.iter().filter_map(|selection| selection.selection_id());
                                Err(missing.with_question(did_you_mean(id, ids)))
                            }
                        }
                    }
                    answer => answer,
                },
            }
        };
        self.of_plan(&saved.plan, in_plan).await
    }

    async fn selection_named(&self, plan_id: &str, name: &SelectionName) -> Result<String, Error> {
        let all = self.every_selection_of(plan_id).await?;
        of_name(&all, name).ok_or_else(|| {
            let question = did_you_mean(name.as_str(), all.iter().filter_map(|selection| selection.selection_name()));
            let message = format!("plan {plan_id} has no selection of the name {name}{question}");
            Refusal::of(RefusalKind::NotFound, Noun::Selection, name.as_str(), message).into()
        })
    }

    /// A selection as it will be when AWS has it.
    fn selection_to_be(
        &self,
        plan_id: &str,
        name: &str,
        role_arn: String,
        criteria: Criteria,
        request_id: &RequestId,
    ) -> Selection {
        Selection {
            id: String::new(),
            name: name.to_owned(),
            scope: self.scope().clone(),
            plan_arn: PlanRef::arn_of(plan_id, self.scope()),
            plan_id: plan_id.to_owned(),
            role_arn,
            criteria: Some(criteria),
            created_at: None,
            request_id: request_id.as_str().to_owned(),
        }
    }

    /// Every selection of a plan, without what it selects.
    async fn every_selection_of(&self, plan_id: &str) -> Result<Vec<BackupSelectionsListMember>, Failure> {
        pages(|token| self.selections_of(plan_id, MAX_PAGE_SIZE.into(), token)).try_concat().await
    }

    async fn find_selection(
        &self,
        plan_id: &str,
        wanted: impl Fn(&BackupSelectionsListMember) -> bool,
    ) -> Result<Option<BackupSelectionsListMember>, Failure> {
        let mut selections = pin!(pages(|token| self.selections_of(plan_id, MAX_PAGE_SIZE.into(), token)));
        while let Some(page) = selections.try_next().await? {
            let found = page.into_iter().find(&wanted);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    pub(super) async fn selections_of(
        &self,
        plan_id: &str,
        size: i32,
        token: Option<String>,
    ) -> Result<(Vec<BackupSelectionsListMember>, Option<String>), Failure> {
        let sent = self
            .clients
            .backup
            .list_backup_selections()
            .backup_plan_id(plan_id)
            .max_results(size)
            .set_next_token(token);
        let answer = self.read(LIST, ask!(sent)).await.map_err(|error| about_plan(error, plan_id))?;
        Ok((answer.backup_selections_list.unwrap_or_default(), answer.next_token))
    }

    pub(super) async fn describe_selection(&self, plan_id: &str, id: &str) -> Result<Selection, Error> {
        let sent = self.clients.backup.get_backup_selection().backup_plan_id(plan_id).selection_id(id);
        let answer = match self.read(GET, ask!(sent)).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.about_selection(error, plan_id, id).await),
        };
        let selection = answer.backup_selection.ok_or_else(|| Failure::malformed(GET, "BackupSelection"))?;
        Ok(Selection {
            id: answer.selection_id.unwrap_or_else(|| id.to_owned()),
            scope: self.scope().clone(),
            plan_arn: PlanRef::arn_of(plan_id, self.scope()),
            plan_id: plan_id.to_owned(),
            criteria: Some(shape::criteria(&selection)),
            request_id: Selection::asked_by(&selection.selection_name, answer.creator_request_id.unwrap_or_default()),
            name: selection.selection_name,
            role_arn: selection.iam_role_arn,
            created_at: time(answer.creation_date.as_ref()),
        })
    }

    /// Understands a failure of a call that names a selection. AWS's words for a missing selection and for a missing
    /// plan are not told apart reliably `[T]`: the plan itself tells.
    async fn about_selection(&self, error: Failure, plan_id: &str, id: &str) -> Error {
        if !is_missing(&error) {
            return error.about(Noun::Selection, id).into();
        }
        match self.plan_is_there(plan_id).await {
            Ok(()) => error.as_kind(FailureKind::NotFound).about(Noun::Selection, id).into(),
            Err(of_plan) => of_plan,
        }
    }
}

/// The id of the selection of that name.
fn of_name(all: &[BackupSelectionsListMember], name: &SelectionName) -> Option<String> {
    let found = all.iter().find(|selection| selection.selection_name() == Some(name.as_str()));
    found.and_then(|selection| selection.selection_id.clone())
}

/// Whether it is the selection that is not there, and not its plan.
fn is_missing_selection(error: &Error) -> bool {
    error.is_missing() && error.is_about(Noun::Selection)
}
