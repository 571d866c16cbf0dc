//! Creating, updating and deleting plans. Each checks first, and answers then when nothing is to be done.

use aws_sdk_backup::types::BackupPlansListMember;

use super::{
    super::{Detection, Error, Failure, FailureKind, Scoped, as_json, call::Operation, time},
    about_plan, is_missing, shape,
};
use crate::domain::{
    Asked, DeletePlan, Deletion, Finding, NewPlan, NewScanSetting, NoLongerMade, Noun, Plan, PlanContent, PlanName,
    PlanUpdate, Refusal, RefusalKind, Rule, ScanSetting, SeenVault, check_etag, check_own_plan,
};

const CREATE: Operation = Operation::write("backup", "CreateBackupPlan");
const UPDATE: Operation = Operation::write("backup", "UpdateBackupPlan");
const DELETE: Operation = Operation::write("backup", "DeleteBackupPlan");

impl Scoped {
    /// Creates a plan, or returns the one that the same request created before, as it is now; with what will surprise.
    pub async fn create_plan(&self, asked: &Asked<NewPlan>) -> Result<(Plan, Vec<Finding>), Error> {
        let scans = self.scans(&asked.what.scans, asked.is_check()).await?;
        let content = asked.what.content(self.scope(), scans);
        let plan = async {
            if asked.is_check() {
                self.plan_to_be(asked, &content).await
            } else {
                self.send_plan(asked, &content).await
            }
        };
        // Boxed: side by side on the stack they are too much for a thread of a debug build.
        let (plan, of_vaults) = tokio::join!(Box::pin(plan), Box::pin(self.vault_findings(&content.rules, None)));
        let plan = plan?;
        let of_name = PlanName::findings(&content.name);
        Ok((plan, [of_name, Rule::findings(&content.rules, self.now()), of_vaults].concat()))
    }

    /// Gives a plan a new content; an equal one makes no new version. Tells what will surprise.
    ///
    /// AWS has neither an idempotency token nor a condition for this, so the plan is read, compared, and written: a
    /// change between the read and the write is overwritten. A repeated call finds its own content, whatever etag it
    /// brings, and changes nothing.
    pub async fn update_plan(&self, asked: &Asked<PlanUpdate>) -> Result<(Plan, Vec<Finding>), Error> {
        let update = &asked.what;
        let scans = match &update.scans {
            Some(scans) => Some(self.scans(scans, asked.is_check()).await?),
            None => None,
        };
        let current = self.of_plan(&update.plan, |id| async move { self.plan_there(&id).await }).await?;
        let id = current.id.clone();
        check_own_plan(&id)?;
        let renamed = update.name.as_ref().is_some_and(|name| name.as_str() != current.content.name);
        let content = update.content(&current.content, self.scope(), scans);
        let before = current.content.rules.clone();
        let plan = if content.same_as(&current.content) {
            self.with_tags(current).await?
        } else {
            of_etag(&current, update.etag.as_deref())?;
            if asked.is_check() {
                if content.name != current.content.name {
                    self.name_is_free(&content.name, &id).await?;
                }
                self.with_tags(Plan { content, ..current }).await?
            } else {
                let (old, new) = (as_json::rules(&before), as_json::rules(&content.rules));
                self.changes_value(format!("plan/{id}"), "rules", Some(old), Some(new));
                if Rule::keep_shorter(&before, &content.rules) {
                    self.detects(Detection::PlanKeepsShorter);
                }
                self.send_update(&id, &content).await?
            }
        };
        let rules = &plan.content.rules;
        let mut found = if renamed { PlanName::findings(&plan.content.name) } else { Vec::new() };
        found.extend(Rule::change_findings(&before, rules));
        found.extend(Rule::copies_still_unsaid(&before, rules));
        found.extend(Rule::findings(rules, self.now()));
        let of_selected = Box::pin(self.findings_of_selected(&plan.id, rules));
        let (of_selected, of_vaults) = tokio::join!(of_selected, Box::pin(self.vault_findings(rules, None)));
        found.extend([of_selected, of_vaults].concat());
        Ok((plan, found))
    }

    /// Deletes a plan without selections.
    pub async fn delete_plan(&self, asked: &Asked<DeletePlan>) -> Result<Deletion, Error> {
        match self.try_delete_plan(asked).await {
            Err(missing) if asked.what.allow_missing && missing.is_missing() => {
                Ok(Deletion::of_nothing(&missing.absence()))
            }
            answer => answer,
        }
    }
}

impl Scoped {
    /// The plan that a create would make, or that the same request made before. Who made what, the list tells.
    async fn plan_to_be(&self, asked: &Asked<NewPlan>, content: &PlanContent) -> Result<Plan, Error> {
        let (new, ours) = (&asked.what, asked.request_id.as_str());
        if asked.request_id.may_repeat()
            && let Some(made) = self.find_plan(|plan| plan.creator_request_id() == Some(ours)).await?
        {
            let plan = self.plan_with_tags(&made, None).await?;
            return self.made_by(asked, plan, None, content).await;
        }
        self.name_is_free(&content.name, "").await?;
        Ok(Plan {
            id: String::new(),
            arn: String::new(),
            scope: self.scope().clone(),
            etag: String::new(),
            content: content.clone(),
            created_at: None,
            last_run_at: None,
            deleted_at: None,
            tags: new.tags.0.clone(),
            selections: Vec::new(),
            request_id: ours.to_owned(),
        })
    }

    /// Says as AWS would that another plan than this one has the name.
    async fn name_is_free(&self, name: &str, id: &str) -> Result<(), Error> {
        let other = |plan: &BackupPlansListMember| {
            plan.backup_plan_name() == Some(name) && plan.backup_plan_id().is_some_and(|other| other != id)
        };
        match self.find_plan(other).await? {
            None => Ok(()),
            Some(other) => {
                let message = format!("plan {other} has that name");
                Err(Refusal::of(RefusalKind::AlreadyExists, Noun::Plan, name, message).into())
            }
        }
    }

    async fn send_plan(&self, asked: &Asked<NewPlan>, content: &PlanContent) -> Result<Plan, Error> {
        let (new, ours) = (&asked.what, asked.request_id.as_str());
        let sent = self
            .clients
            .backup
            .create_backup_plan()
            .creator_request_id(ours)
            .backup_plan(shape::input(CREATE, content)?)
            .set_backup_plan_tags((!new.tags.0.is_empty()).then(|| new.tags.0.clone().into_iter().collect()));
        let (id, version) = match self.call(CREATE, sent.send()).await {
            Ok(created) => {
                (created.backup_plan_id.ok_or_else(|| Failure::malformed(CREATE, "BackupPlanId"))?, created.version_id)
            }
            // AWS answers a repeated CreatorRequestId with its plan [M]; should it refuse the name first [U], the plan
            // itself tells who made it.
            Err(error) if error.kind == FailureKind::AlreadyExists => {
                let made = self.find_plan(|plan| plan.creator_request_id() == Some(ours)).await?;
                (made.ok_or_else(|| error.about(Noun::Plan, &new.name))?, None)
            }
            Err(error) => return Err(self.of_plan_or_vault(error.about(Noun::Plan, &new.name), content).await.into()),
        };
        let plan = self.plan_with_tags(&id, None).await.map_err(|error| error.after(CREATE.name))?;
        if asked.request_id.may_repeat() { self.made_by(asked, plan, version, content).await } else { Ok(plan) }
    }

    /// The plan, if it is what this request made and not another one of the same id.
    async fn made_by(
        &self,
        asked: &Asked<NewPlan>,
        plan: Plan,
        version: Option<String>,
        content: &PlanContent,
    ) -> Result<Plan, Error> {
        let has_tag = |(key, value): (&String, &String)| plan.tags.get(key) == Some(value);
        let tagged = plan.deleted_at.is_some() || asked.what.tags.0.iter().all(has_tag);
        if tagged && (plan.content.same_as(content) || self.began_as(&plan, version, content).await?) {
            return Ok(plan);
        }
        let message = "this request_id created another plan, or this one with other tags: use a fresh request_id";
        Err(Refusal::of(RefusalKind::RequestIdReused, Noun::Plan, plan.id, message).into())
    }

    /// Understands what AWS does not find on writing a plan that can be written: a vault that its rules name, where one is
    /// missing.
    async fn of_plan_or_vault(&self, error: Failure, content: &PlanContent) -> Failure {
        if error.kind != FailureKind::NotFound {
            return error;
        }
        let rules = &content.rules;
        let seen = Box::pin(self.seen_vaults(rules, Rule::vaults_named(rules, self.scope()))).await;
        match seen.vaults.into_iter().find(|(_, seen)| matches!(seen, SeenVault::Missing(_))) {
            Some((arn, _)) => error.about(Noun::Vault, arn),
            None => Failure { subject: None, ..error },
        }
    }

    async fn send_update(&self, id: &str, content: &PlanContent) -> Result<Plan, Error> {
        let input = shape::input(UPDATE, content)?;
        let sent = self.clients.backup.update_backup_plan().backup_plan_id(id).backup_plan(input);
        let updated = match self.call(UPDATE, sent.send()).await {
            Ok(updated) => updated,
            Err(error) if is_missing(&error) && self.plan_is_there(id).await.is_ok() => {
                return Err(self.of_plan_or_vault(about_plan(error, id), content).await.into());
            }
            Err(error) => return Err(about_plan(error, id).into()),
        };
        let now = self.plan_with_tags(id, updated.version_id.as_deref()).await;
        Ok(now.map_err(|error| error.after(UPDATE.name))?)
    }

    async fn try_delete_plan(&self, asked: &Asked<DeletePlan>) -> Result<Deletion, Error> {
        let delete = &asked.what;
        let plan = self.of_plan(&delete.plan, |id| async move { self.plan_there(&id).await }).await?;
        let id = plan.id.clone();
        check_own_plan(&id)?;
        of_etag(&plan, delete.etag.as_deref())?;
        let left = Rule::continuous_points_left(&plan.content.rules, NoLongerMade::PlanDeleted);
        if asked.is_check() {
            let (selections, _) = self.selections_of(&id, 1, None).await?;
            return if selections.is_empty() {
                Ok(Deletion::checked().with(left))
            } else {
                let message = format!("plan {id} has selections");
                let full = Failure::told(DELETE.name, FailureKind::HasSelections, message);
                Err(full.about(Noun::Plan, id).into())
            };
        }
        self.changes_value(format!("plan/{id}"), "plan", Some(as_json::plan(&plan.content)), None);
        self.detects(Detection::PlanDeleted);
        match self.call(DELETE, self.clients.backup.delete_backup_plan().backup_plan_id(&id).send()).await {
            Ok(answer) => Ok(Deletion::done_at(time(answer.deletion_date.as_ref())).with(left)),
            // DeleteBackupPlan says InvalidRequestException for nothing but selections of the plan [D].
            Err(error) if error.kind == FailureKind::State => {
                Err(error.as_kind(FailureKind::HasSelections).about(Noun::Plan, id).into())
            }
            Err(error) => match about_plan(error, &id) {
                gone if gone.is_gone_by_us() => Ok(Deletion::done().with(left)),
                error => Err(error.into()),
            },
        }
    }

    /// Scans with the ARNs of their roles, as AWS tells them: IAM is asked for a role of which the name alone is given, and
    /// in a dry run for every one.
    async fn scans(&self, scans: &[NewScanSetting], check: bool) -> Result<Vec<ScanSetting>, Error> {
        let mut known = Vec::with_capacity(scans.len());
        for scan in scans {
            let role_arn = match &scan.role {
                None => String::new(),
                Some(role) if check => self.role_arn_looked_for(role).await?,
                Some(role) => self.role_arn(role).await?,
            };
            known.push(scan.with_role(role_arn));
        }
        Ok(known)
    }
}

/// Whether the plan is still the version that was read.
fn of_etag(plan: &Plan, etag: Option<&str>) -> Result<(), Refusal> {
    check_etag(etag, &plan.etag, &format!("plan {}", plan.id), (Noun::Plan, &plan.id))
}
