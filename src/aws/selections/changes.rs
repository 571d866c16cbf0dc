//! Creating and deleting selections. Each checks first, and answers then when nothing is to be done.

use aws_sdk_backup::{operation::create_backup_selection::CreateBackupSelectionOutput, types::BackupSelection};

use super::{
    super::{
        Detection, Error, Failure, FailureKind, Scoped, as_json, call::Operation, looks::in_time, missing::Named,
        plans::about_plan, time,
    },
    CREATE, is_missing_selection, shape,
};
use crate::domain::{
    Asked, DeleteSelection, Deletion, Finding, NewSelection, NoLongerMade, Noun, PlanRef, Refusal, RefusalKind,
    SavedSelection, Selection, check_etag,
};

const DELETE: Operation = Operation::write("backup", "DeleteBackupSelection");

impl Scoped {
    /// Creates a selection, or returns the one that the same request created before; with what will surprise. Waits for a
    /// role just created.
    pub async fn create_selection(&self, asked: &Asked<NewSelection>) -> Result<(Selection, Vec<Finding>), Error> {
        let criteria = &asked.what.criteria;
        // Boxed: side by side on the stack they are too much for a thread of a debug build.
        let (selection, found) =
            tokio::join!(Box::pin(self.created_selection(asked)), Box::pin(self.findings_of_criteria(criteria)));
        let (selection, of_role) = selection?;
        let of_plan = Box::pin(self.findings_of_plan(&selection.plan_id, criteria)).await;
        Ok((selection, [asked.what.name.findings(), found, of_role, of_plan].concat()))
    }

    /// Deletes a selection.
    pub async fn delete_selection(&self, asked: &Asked<DeleteSelection>) -> Result<Deletion, Error> {
        match self.try_delete_selection(asked).await {
            Err(missing) if asked.what.allow_missing && missing.is_missing() => {
                Ok(Deletion::of_nothing(&missing.absence()))
            }
            answer => answer,
        }
    }
}

impl Scoped {
    async fn created_selection(&self, asked: &Asked<NewSelection>) -> Result<(Selection, Vec<Finding>), Error> {
        let create = |plan_id: String| async move { Box::pin(self.created_selection_in(&plan_id, asked)).await };
        self.of_plan(&asked.what.plan, create).await
    }

    async fn created_selection_in(
        &self,
        plan_id: &str,
        asked: &Asked<NewSelection>,
    ) -> Result<(Selection, Vec<Finding>), Error> {
        let new = &asked.what;
        self.is_own_plan(plan_id).await?;
        if asked.is_check() {
            // In a create AWS itself looks for the plan.
            self.plan_is_there(plan_id).await?;
        }
        let role = self.role_handed_over(&new.role, asked.is_check()).await?;
        let name = new.name.as_str();
        let input = shape::input(CREATE, &new.criteria, name, &role.arn)?;
        let to_be = self.selection_to_be(plan_id, name, role.arn.clone(), shape::criteria(&input), &asked.request_id);
        if asked.is_check() {
            let selection = self.selection_in_place_of(asked, to_be).await?;
            // What the same request made before is answered, whatever became of its role.
            if selection.id.is_empty() {
                role.refused()?;
            }
            return Ok((selection, role.findings(None)));
        }
        let (sent, role) = tokio::join!(
            Box::pin(self.sent_selection(asked, plan_id, &input, to_be)),
            Box::pin(self.role_seen(&role.arn))
        );
        Ok((sent?, role.findings(None)))
    }

    async fn sent_selection(
        &self,
        asked: &Asked<NewSelection>,
        plan_id: &str,
        input: &BackupSelection,
        to_be: Selection,
    ) -> Result<Selection, Error> {
        let new = &asked.what;
        let name = new.name.as_str();
        let made = |id: String, created_at| Selection { id, created_at, ..to_be };
        let made = match self.send_selection(plan_id, asked.request_id.as_str(), input).await? {
            Ok(created) => {
                let id = created.selection_id.ok_or_else(|| Failure::malformed(CREATE, "SelectionId"))?;
                made(id, time(created.creation_date.as_ref()))
            }
            // Whether a repeated CreatorRequestId is answered with success AWS leaves open [U]: the name finds it.
            Err(error) if error.kind == FailureKind::AlreadyExists => {
                let twin = self.find_selection(plan_id, |twin| twin.selection_name() == Some(name)).await?;
                let twin = twin.filter(|twin| twin.creator_request_id() == Some(asked.request_id.as_str()));
                let id =
                    twin.and_then(|twin| twin.selection_id).ok_or_else(|| error.about(Noun::Selection, &new.name))?;
                made(id, None)
            }
            Err(error) if error.kind == FailureKind::RoleNotAssumable => return Err(error.into()),
            Err(error) => return Err(self.not_selected(error, plan_id, &input.iam_role_arn).await.into()),
        };
        // Success may be the answer to a repetition, so AWS is asked what it has. A selection just created it may not
        // know yet [T]; then what was asked for is what there is.
        match self.describe_selection(plan_id, &made.id).await {
            Ok(there) => of_this_request(asked, there, &made),
            Err(unseen) if is_missing_selection(&unseen) && made.created_at.is_some() => Ok(made),
            Err(error) => Err(error.after(CREATE.name)),
        }
    }

    /// The selection that a create would make, or that the same request made before. Who made what, the list tells.
    async fn selection_in_place_of(&self, asked: &Asked<NewSelection>, to_be: Selection) -> Result<Selection, Error> {
        let (name, ours) = (to_be.name.as_str(), asked.request_id.as_str());
        let members = self.every_selection_of(&to_be.plan_id).await?;
        let made = members.iter().find(|member| member.creator_request_id() == Some(ours));
        if let Some(id) = made.and_then(|made| made.selection_id()) {
            let there = self.describe_selection(&to_be.plan_id, id).await?;
            return of_this_request(asked, there, &to_be);
        }
        match members.iter().find(|member| member.selection_name() == Some(name)) {
            None => Ok(to_be),
            Some(taken) => {
                let message = format!("selection {} of the plan has that name", taken.selection_id().unwrap_or(name));
                Err(Refusal::of(RefusalKind::AlreadyExists, Noun::Selection, name, message).into())
            }
        }
    }

    /// Hands a selection to AWS, and waits for a role just created.
    pub(super) async fn send_selection(
        &self,
        plan_id: &str,
        token: &str,
        input: &BackupSelection,
    ) -> Result<Result<CreateBackupSelectionOutput, Failure>, Refusal> {
        self.once_assumable(&input.iam_role_arn, || {
            let sent = self.clients.backup.create_backup_selection().backup_plan_id(plan_id).creator_request_id(token);
            self.call(CREATE, sent.backup_selection(input.clone()).send())
        })
        .await
    }

    /// Understands why AWS would not take a selection.
    pub(super) async fn not_selected(&self, error: Failure, plan_id: &str, role_arn: &str) -> Failure {
        match error.kind {
            FailureKind::NotFound => self.missing_of(error, &[Named::Plan(plan_id), Named::Role(role_arn)]).await,
            _ => about_plan(error, plan_id),
        }
    }

    async fn try_delete_selection(&self, asked: &Asked<DeleteSelection>) -> Result<Deletion, Error> {
        let SavedSelection { plan, selection } = &asked.what.selection;
        let delete = |plan_id: String, id: String| async move { self.deleted_selection(&plan_id, &id, asked).await };
        let delete = &delete;
        let in_plan = |plan_id: String| async move {
            // Before the selection is looked for: a plan that nobody may change is refused, whatever is in it.
            self.is_own_plan(&plan_id).await?;
            let saved = SavedSelection { plan: PlanRef::Id(plan_id), selection: selection.clone() };
            self.of_selection(&saved, delete).await
        };
        self.of_plan(plan, in_plan).await
    }

    async fn deleted_selection(
        &self,
        plan_id: &str,
        id: &str,
        asked: &Asked<DeleteSelection>,
    ) -> Result<Deletion, Error> {
        let etag = asked.what.etag.as_deref();
        let found = if asked.is_check() || etag.is_some() {
            let found = self.describe_selection(plan_id, id).await?;
            of_etag(&found, etag)?;
            Some(found)
        } else {
            // Afterwards nobody can tell what it selected. What cannot be read leaves its id.
            in_time(self.describe_selection(plan_id, id)).await.ok()
        };
        let left = self.continuous_points_left(plan_id, NoLongerMade::SelectionDeleted).await;
        if asked.is_check() {
            return Ok(Deletion::checked().with(left));
        }
        self.detects(Detection::SelectionDeleted);
        self.selection_goes(plan_id, id, found.as_ref());
        match self.send_deletion(plan_id, id).await {
            Err(gone) if gone.is_gone_by_us() => Ok(Deletion::done().with(left)),
            answer => answer.map(|()| Deletion::done().with(left)),
        }
    }

    /// Notes what a selection was that is about to be deleted, as far as that was read.
    pub(super) fn selection_goes(&self, plan_id: &str, id: &str, found: Option<&Selection>) {
        let was = found.map_or_else(|| serde_json::json!({ "id": id }), as_json::selection);
        self.changes_value(format!("plan/{plan_id}"), "selection", Some(was), None);
    }

    pub(super) async fn send_deletion(&self, plan_id: &str, id: &str) -> Result<(), Error> {
        let sent = self.clients.backup.delete_backup_selection().backup_plan_id(plan_id).selection_id(id);
        match self.call(DELETE, sent.send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.about_selection(error, plan_id, id).await),
        }
    }
}

/// The selection that a request made, if it says what the request says.
fn of_this_request(asked: &Asked<NewSelection>, there: Selection, to_be: &Selection) -> Result<Selection, Error> {
    if !asked.request_id.may_repeat() || there.same_as(to_be) {
        return Ok(there);
    }
    let message = "this request_id created another selection: use a fresh request_id";
    Err(Refusal::of(RefusalKind::RequestIdReused, Noun::Selection, there.id, message).into())
}

/// Whether the selection still says what was read.
pub(super) fn of_etag(selection: &Selection, etag: Option<&str>) -> Result<(), Refusal> {
    let Selection { name, id, .. } = selection;
    let present = selection.etag().unwrap_or_default();
    check_etag(etag, &present, &format!("selection {name} ({id})"), (Noun::Selection, id))
}
