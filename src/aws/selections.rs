//! Selections of plans.

mod preview;
mod replace;
mod shape;

use aws_sdk_backup::{
    operation::create_backup_selection::CreateBackupSelectionOutput,
    types::{BackupSelection, BackupSelectionsListMember},
};

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    plans::{about_plan, is_missing, plan_arn},
    time,
};
use crate::domain::{
    AskedScope, Criteria, MAX_PAGE_SIZE, NewSelection, Page, PageRequest, PlanRef, RequestId, Selection, SelectionRef,
};

const CREATE: Operation = Operation::write("backup", "CreateBackupSelection");
const GET: Operation = Operation::read("backup", "GetBackupSelection");
const LIST: Operation = Operation::read("backup", "ListBackupSelections");
const DELETE: Operation = Operation::write("backup", "DeleteBackupSelection");

impl Aws {
    /// Creates a selection, or returns the one that the same request created before. Waits for a role just created.
    pub async fn create_selection(&self, asked: &AskedScope, new: &NewSelection) -> Result<Selection, Error> {
        let clients = self.clients(asked).await?;
        let plan_id = clients.plan_id(&new.plan).await?;
        let role_arn = clients.role_arn(&new.role).await?;
        let name = new.name.as_str();
        let input = shape::input(CREATE, &new.criteria, name, &role_arn)?;
        let created = self.send_selection(&clients, &plan_id, new.request_id.as_str(), &input).await;
        let to_be = clients.selection_to_be(&plan_id, name, role_arn, shape::criteria(&input), &new.request_id);
        let made = |id: String, created_at| Selection { id, created_at, ..to_be };
        let made = match created {
            Ok(created) => {
                let id = created.selection_id.ok_or_else(|| Error::malformed(CREATE.name, "SelectionId"))?;
                made(id, time(created.creation_date.as_ref()))
            }
            // Whether a repeated CreatorRequestId is answered with success AWS leaves open [U]: the name finds it.
            Err(error) if error.kind == Kind::AlreadyExists => {
                let twin = clients.find_selection(&plan_id, |twin| twin.selection_name() == Some(name)).await?;
                let twin = twin.filter(|twin| twin.creator_request_id() == Some(new.request_id.as_str()));
                let id =
                    twin.and_then(|twin| twin.selection_id).ok_or_else(|| error.about(Noun::Selection, &new.name))?;
                made(id, None)
            }
            Err(error) if error.kind == Kind::RoleNotAssumable => return Err(error),
            Err(error) => return Err(about_plan(error, &plan_id)),
        };
        // Success may be the answer to a repetition, so AWS is asked what it has. A selection just created it may not
        // know yet [T]; then what was asked for is what there is.
        match clients.describe_selection(&plan_id, &made.id).await {
            Ok(there) if !new.request_id.may_repeat() || there.same_as(&made) => Ok(there),
            Ok(there) => {
                let message = "this request_id created another selection: use a fresh request_id";
                Err(Error::found(CREATE.name, Kind::RequestIdReused, Noun::Selection, there.id, message))
            }
            Err(_) if made.created_at.is_some() => Ok(made),
            Err(error) => Err(error),
        }
    }

    /// The selection that [`Self::create_selection`] would make. Its plan and role are looked for, and nothing is done.
    pub async fn planned_selection(&self, asked: &AskedScope, new: &NewSelection) -> Result<Selection, Error> {
        let clients = self.clients(asked).await?;
        let plan_id = clients.plan_id(&new.plan).await?;
        clients.plan_is_there(CREATE, &plan_id).await?;
        let role_arn = clients.role_arn_looked_for(&new.role).await?;
        let name = new.name.as_str();
        let criteria = shape::criteria(&shape::input(CREATE, &new.criteria, name, &role_arn)?);
        Ok(clients.selection_to_be(&plan_id, name, role_arn, criteria, &new.request_id))
    }

    /// Hands a selection to AWS, and waits for a role just created.
    async fn send_selection(
        &self,
        clients: &Clients,
        plan_id: &str,
        token: &str,
        input: &BackupSelection,
    ) -> Result<CreateBackupSelectionOutput, Error> {
        self.once_assumable(&input.iam_role_arn, || {
            let sent = clients.backup.create_backup_selection().backup_plan_id(plan_id).creator_request_id(token);
            call(CREATE, sent.backup_selection(input.clone()).send())
        })
        .await
    }

    /// A selection.
    pub async fn get_selection(
        &self,
        asked: &AskedScope,
        plan: &PlanRef,
        selection: &SelectionRef,
    ) -> Result<Selection, Error> {
        let clients = self.clients(asked).await?;
        let plan_id = clients.plan_id(plan).await?;
        let id = clients.selection_id(&plan_id, selection).await?;
        clients.describe_selection(&plan_id, &id).await
    }

    /// A page of a plan's selections, without what they select.
    pub async fn list_selections(
        &self,
        asked: &AskedScope,
        plan: &PlanRef,
        page: &PageRequest,
    ) -> Result<Page<Selection>, Error> {
        let clients = self.clients(asked).await?;
        let plan_id = clients.plan_id(plan).await?;
        let (items, next) = clients.selections_of(&plan_id, page.size.into(), page.cursor.clone()).await?;
        let listed = |selection: BackupSelectionsListMember| {
            let name = selection.selection_name.unwrap_or_default();
            Selection {
                id: selection.selection_id.unwrap_or_default(),
                plan_arn: plan_arn(&clients.scope, &plan_id),
                plan_id: plan_id.clone(),
                role_arn: selection.iam_role_arn.unwrap_or_default(),
                criteria: None,
                created_at: time(selection.creation_date.as_ref()),
                request_id: Selection::asked_by(&name, selection.creator_request_id.unwrap_or_default()),
                name,
            }
        };
        Ok(Page { items: items.into_iter().map(listed).collect(), next })
    }

    /// Every selection of a plan, with what it selects: a call for each.
    pub async fn selections_in_full(&self, asked: &AskedScope, plan: &PlanRef) -> Result<Vec<Selection>, Error> {
        let clients = self.clients(asked).await?;
        let plan_id = clients.plan_id(plan).await?;
        let mut selections = Vec::new();
        for id in clients.every_selection_of(&plan_id).await?.into_iter().filter_map(|member| member.selection_id) {
            match clients.describe_selection(&plan_id, &id).await {
                Ok(selection) => selections.push(selection),
                // Deleted in between.
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(selections)
    }

    /// Deletes a selection.
    pub async fn delete_selection(
        &self,
        asked: &AskedScope,
        plan: &PlanRef,
        selection: &SelectionRef,
    ) -> Result<(), Error> {
        let clients = self.clients(asked).await?;
        let plan_id = clients.plan_id(plan).await?;
        let id = clients.selection_id(&plan_id, selection).await?;
        match clients.send_deletion(&plan_id, &id).await {
            Err(gone) if gone.is_gone_by_us() => Ok(()),
            answer => answer,
        }
    }
}

impl Clients {
    /// The id of a selection. Only a name costs a call.
    async fn selection_id(&self, plan_id: &str, selection: &SelectionRef) -> Result<String, Error> {
        let name = match selection {
            SelectionRef::Id(id) => return Ok(id.clone()),
            SelectionRef::Name(name) => name,
        };
        let found = self.find_selection(plan_id, |selection| selection.selection_name() == Some(name.as_str())).await?;
        found.and_then(|selection| selection.selection_id).ok_or_else(|| {
            let message = format!("plan {plan_id} has no selection of the name {name}");
            Error::found(LIST.name, Kind::NotFound, Noun::Selection, name.as_str(), message)
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
            plan_arn: plan_arn(&self.scope, plan_id),
            plan_id: plan_id.to_owned(),
            role_arn,
            criteria: Some(criteria),
            created_at: None,
            request_id: request_id.as_str().to_owned(),
        }
    }

    async fn send_deletion(&self, plan_id: &str, id: &str) -> Result<(), Error> {
        let sent = self.backup.delete_backup_selection().backup_plan_id(plan_id).selection_id(id);
        match call(DELETE, sent.send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.about_selection(error, plan_id, id).await),
        }
    }

    /// Every selection of a plan, without what it selects.
    async fn every_selection_of(&self, plan_id: &str) -> Result<Vec<BackupSelectionsListMember>, Error> {
        let (mut members, mut cursor) = (Vec::new(), None);
        loop {
            let (page, next) = self.selections_of(plan_id, MAX_PAGE_SIZE.into(), cursor).await?;
            members.extend(page);
            if next.is_none() {
                return Ok(members);
            }
            cursor = next;
        }
    }

    async fn find_selection(
        &self,
        plan_id: &str,
        wanted: impl Fn(&BackupSelectionsListMember) -> bool,
    ) -> Result<Option<BackupSelectionsListMember>, Error> {
        let mut cursor = None;
        loop {
            let (selections, next) = self.selections_of(plan_id, MAX_PAGE_SIZE.into(), cursor).await?;
            let found = selections.into_iter().find(&wanted);
            if found.is_some() || next.is_none() {
                return Ok(found);
            }
            cursor = next;
        }
    }

    pub(super) async fn selections_of(
        &self,
        plan_id: &str,
        size: i32,
        cursor: Option<String>,
    ) -> Result<(Vec<BackupSelectionsListMember>, Option<String>), Error> {
        let sent =
            self.backup.list_backup_selections().backup_plan_id(plan_id).max_results(size).set_next_token(cursor);
        let answer = call(LIST, sent.send()).await.map_err(|error| about_plan(error, plan_id))?;
        Ok((answer.backup_selections_list.unwrap_or_default(), answer.next_token))
    }

    pub(super) async fn describe_selection(&self, plan_id: &str, id: &str) -> Result<Selection, Error> {
        let sent = self.backup.get_backup_selection().backup_plan_id(plan_id).selection_id(id);
        let answer = match call(GET, sent.send()).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.about_selection(error, plan_id, id).await),
        };
        let selection = answer.backup_selection.ok_or_else(|| Error::malformed(GET.name, "BackupSelection"))?;
        Ok(Selection {
            id: answer.selection_id.unwrap_or_else(|| id.to_owned()),
            plan_arn: plan_arn(&self.scope, plan_id),
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
    async fn about_selection(&self, error: Error, plan_id: &str, id: &str) -> Error {
        if !is_missing(&error) {
            return error.about(Noun::Selection, id);
        }
        match self.plan_is_there(GET, plan_id).await {
            Err(missing) if missing.kind == Kind::NotFound => missing,
            _ => error.as_kind(Kind::NotFound).about(Noun::Selection, id),
        }
    }
}
