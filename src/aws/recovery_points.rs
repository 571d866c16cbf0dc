//! Recovery points.

use std::collections::BTreeSet;

use aws_sdk_backup::{
    operation::{
        describe_recovery_point::DescribeRecoveryPointOutput,
        list_recovery_points_by_backup_vault::builders::ListRecoveryPointsByBackupVaultFluentBuilder,
    },
    types::{RecoveryPointByBackupVault, RecoveryPointByResource, RecoveryPointStatus, StorageClass},
};

use futures_util::TryStreamExt;

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    date, job_answers, just_before, lifecycle,
    looks::in_time,
    pages::{MOST_LISTS, pages},
    time,
    unmatched::{Sought, Thing, Wanted, nothing_found},
};
use crate::domain::{
    Arn, Cursor, Fault, Finding, JobOrigin, Lifecycle, MAX_PAGE_SIZE, Noun, Page, PageRequest, PointFilter,
    PointInVault, RecoveryPoint, RecoveryPointQuery, RecoveryPointState, Refusal, ResourceType, Scope, VaultName,
    arn_meant,
};

const DESCRIBE: Operation = Operation::read("backup", "DescribeRecoveryPoint");
const LIST_IN_VAULT: Operation = Operation::read("backup", "ListRecoveryPointsByBackupVault");
const LIST_OF_RESOURCE: Operation = Operation::read("backup", "ListRecoveryPointsByResource");

impl Scoped {
    /// A recovery point.
    pub async fn get_recovery_point(&self, point: &PointInVault) -> Result<RecoveryPoint, Error> {
        Ok(self.describe_recovery_point(&point.vault, &point.arn).await?)
    }

    /// A page of the recovery points of a vault, of every vault or of a resource.
    pub async fn list_recovery_points(
        &self,
        query: &RecoveryPointQuery,
        page: &PageRequest,
    ) -> Result<Page<RecoveryPoint>, Error> {
        match query {
            RecoveryPointQuery::InVaults(filter) => {
                let PointFilter { vault, resource, resource_type, plan, created, parent } = &**filter;
                // A name that nothing has is told, and not taken for one that has no points.
                let resource = async {
                    match resource {
                        Some(resource) => self.resource_arn(resource).await.map(Some),
                        None => Ok(None),
                    }
                };
                let plan_id = async {
                    match plan {
                        Some(plan) => self.plan_id_once(plan).await.map(Some),
                        None => Ok(None),
                    }
                };
                let (resource, plan_id) = tokio::try_join!(resource, plan_id)?;
                let filter = |sent: ListRecoveryPointsByBackupVaultFluentBuilder| {
                    sent.set_by_resource_arn(resource.as_ref().map(ToString::to_string))
                        .set_by_resource_type(resource_type.clone().map(Into::into))
                        .set_by_backup_plan_id(plan_id.clone())
                        .set_by_created_after(created.after.map(just_before))
                        .set_by_created_before(created.before.map(date))
                        .set_by_parent_recovery_point_arn(parent.as_ref().map(ToString::to_string))
                };
                match vault {
                    Some(vault) => Ok(self.recovery_points_in(vault, filter, page).await?),
                    None => self.recovery_points_in_every_vault(filter, page).await,
                }
            }
            RecoveryPointQuery::OfResource { resource, managed_by_backup_only } => {
                let resource = self.resource_arn(resource).await?;
                self.recovery_points_of(&resource, *managed_by_backup_only, page).await
            }
        }
    }
}

impl Scoped {
    /// As [`Self::list_recovery_points`], with what there is to say of the query: above all why nothing fits it, if it names
    /// what is not there.
    pub async fn list_recovery_points_explained(
        &self,
        query: &RecoveryPointQuery,
        page: &PageRequest,
    ) -> Result<(Page<RecoveryPoint>, Vec<Finding>), Error> {
        let mut findings = self.check_types(&query.named_types()).await?;
        let found = self.list_recovery_points(query, page).await?;
        if page.cursor.is_none() {
            findings.extend(query.interval_finding(self.now()));
        }
        if nothing_found(page, &found) {
            findings.extend(self.why_no_points(query).await?);
        }
        Ok((found, findings))
    }

    async fn why_no_points(&self, query: &RecoveryPointQuery) -> Result<Vec<Finding>, Error> {
        let sought = |field: &str, thing| Sought { field: field.to_owned(), thing };
        let wanted = |types| Wanted { types, types_field: "resource_type".to_owned(), copies: false };
        match query {
            RecoveryPointQuery::InVaults(filter) => {
                let PointFilter { vault: _, resource, resource_type, plan, created: _, parent } = &**filter;
                // A name was looked up already; what has the form of an id may have been one too.
                let plan_id = match plan {
                    Some(plan) if plan.id().is_some() => Some(self.plan_id_once(plan).await?),
                    Some(_) | None => None,
                };
                let things = [
                    resource
                        .as_ref()
                        .map(|it| sought("resource", Thing::Resource(it, wanted(resource_type.as_slice())))),
                    plan_id.as_deref().map(|id| sought("plan", Thing::Plan(id))),
                    parent.as_ref().map(|arn| sought("parent_recovery_point", Thing::PartsOfPoint(arn))),
                ];
                Ok(self.why_nothing(things.into_iter().flatten().collect()).await)
            }
            RecoveryPointQuery::OfResource { resource, managed_by_backup_only: _ } => {
                Ok(self.why_nothing(vec![Sought::resource("resource", resource)]).await)
            }
        }
    }

    /// Whether a vault holds the recovery point.
    pub(super) async fn holds(&self, vault: &VaultName, arn: &Arn) -> Result<bool, Failure> {
        let sent = self.clients.backup.describe_recovery_point().backup_vault_name(vault.as_str());
        match self.read(DESCRIBE, ask!(sent.recovery_point_arn(arn.as_str()))).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == FailureKind::NotFound => Ok(false),
            Err(error) => Err(error.about(Noun::RecoveryPoint, arn)),
        }
    }

    /// The recovery point; of one that is missing, with the question which of the vault was meant.
    pub(super) async fn describe_recovery_point(&self, vault: &VaultName, arn: &Arn) -> Result<RecoveryPoint, Failure> {
        match self.seen_recovery_point(vault, arn).await {
            Err(gone) if gone.kind == FailureKind::NotFound && gone.is_about(Noun::RecoveryPoint) => {
                Err(Failure { meant: self.meant_point(vault, arn).await.into(), ..gone })
            }
            answer => answer,
        }
    }

    /// The question which recovery point was meant by an ARN that none has, out of the first that the vault holds; blank
    /// where they cannot be listed.
    pub(super) async fn meant_point(&self, vault: &VaultName, arn: &Arn) -> String {
        let page = PageRequest::largest(None);
        let points = in_time(self.recovery_points_in(vault, |sent| sent, &page)).await;
        arn_meant(arn.as_str(), points.iter().flat_map(|page| &page.items).map(|point| point.arn.as_str()))
    }

    /// As [`Self::describe_recovery_point`], where it may rightly be gone.
    pub(super) async fn seen_recovery_point(&self, vault: &VaultName, arn: &Arn) -> Result<RecoveryPoint, Failure> {
        let sent = self.clients.backup.describe_recovery_point().backup_vault_name(vault.as_str());
        match self.read(DESCRIBE, ask!(sent.recovery_point_arn(arn.as_str()))).await {
            Ok(answer) => Ok(described(answer, self.scope())),
            Err(error) => Err(self.in_vault(error, vault, Noun::RecoveryPoint, arn.as_str()).await),
        }
    }

    /// A page of the recovery points of a vault.
    pub(super) async fn recovery_points_in(
        &self,
        vault: &VaultName,
        filter: impl FnOnce(ListRecoveryPointsByBackupVaultFluentBuilder) -> ListRecoveryPointsByBackupVaultFluentBuilder,
        page: &PageRequest,
    ) -> Result<Page<RecoveryPoint>, Failure> {
        let sent = self.clients.backup.list_recovery_points_by_backup_vault().backup_vault_name(vault.as_str());
        let sent = filter(sent).max_results(page.size.into()).set_next_token(page.token());
        match self.read(LIST_IN_VAULT, ask!(sent)).await {
            Ok(answer) => {
                let points = answer.recovery_points.unwrap_or_default();
                let items = points.into_iter().map(|point| in_vault(point, self.scope())).collect();
                Ok(Page { items, next: answer.next_token.map(Cursor::at) })
            }
            // Nothing but the vault can be missing here.
            Err(error) => Err(self.missing_or_denied(error, vault).await),
        }
    }

    /// A page of the recovery points of every vault there is, in the order of their names. AWS has no such list: it is asked
    /// vault by vault, for one page [`MOST_LISTS`] times at most. The cursor's part is the name of the vault that comes next.
    async fn recovery_points_in_every_vault(
        &self,
        filter: impl Fn(ListRecoveryPointsByBackupVaultFluentBuilder) -> ListRecoveryPointsByBackupVaultFluentBuilder
        + Send
        + Sync,
        page: &PageRequest,
    ) -> Result<Page<RecoveryPoint>, Error> {
        let Cursor { part, skip, token } = page.cursor.clone().unwrap_or_default();
        if skip != 0 || (part.is_empty() && token.is_some()) {
            return Err(Refusal::page_token().into());
        }
        let names = self.vault_names().await?;
        let mut vaults = names.iter().filter(|name| name.as_str() >= part.as_str());
        let mut items = Vec::new();
        let Some(mut vault) = vaults.next() else { return Ok(Page { items, next: None }) };
        // The token is of that vault alone, which may have been deleted since.
        let mut token = token.filter(|_| vault.as_str() == part);
        for _ in 0..MOST_LISTS {
            let found = u16::try_from(items.len()).unwrap_or(u16::MAX);
            let wanted = page.size.saturating_sub(found);
            if wanted == 0 {
                break;
            }
            let asked = PageRequest { size: wanted, cursor: token.take().map(Cursor::at) };
            match self.recovery_points_in(vault, &filter, &asked).await {
                Ok(found) => {
                    items.extend(found.items);
                    token = found.next.and_then(|next| next.token);
                }
                // Deleted since it was listed.
                Err(error) if error.kind == FailureKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
            if token.is_none() {
                let Some(next) = vaults.next() else { return Ok(Page { items, next: None }) };
                vault = next;
            }
        }
        Ok(Page { items, next: Some(Cursor { part: vault.as_str().to_owned(), skip: 0, token }) })
    }

    /// The names of all vaults, sorted.
    pub(super) async fn vault_names(&self) -> Result<BTreeSet<VaultName>, Error> {
        let vaults = pages(|cursor| async move {
            let page = self.list_vaults(&PageRequest::largest(cursor)).await?;
            Ok::<_, Error>((page.items, page.next))
        });
        let vaults: Vec<_> = vaults.try_concat().await?;
        let name = |name: &str| VaultName::parse_reference(name).map(|(name, _)| name);
        let names: Result<_, _> = vaults.iter().map(|vault| name(&vault.name)).collect();
        let strange = |fault: Fault| {
            let message = format!("the list of vaults has a name that {}", fault.0);
            Failure::told("ListBackupVaults", FailureKind::Malformed, message).into()
        };
        names.map_err(strange)
    }

    /// AWS takes no page below 20 points for RDS `[M]`, and a caller may want fewer: then the rest of AWS's page is read
    /// again for the next one, from the place where this one ends.
    async fn recovery_points_of(
        &self,
        resource: &Arn,
        managed_by_backup_only: bool,
        page: &PageRequest,
    ) -> Result<Page<RecoveryPoint>, Error> {
        let ((), place) = Cursor::within(page.cursor.as_ref(), &[()], |()| "", FEWEST_POINTS)?;
        let wanted = usize::from(page.size);
        let asked = (place.skip + wanted).clamp(FEWEST_POINTS, MAX_PAGE_SIZE.into());
        let sent = self
            .clients
            .backup
            .list_recovery_points_by_resource()
            .resource_arn(resource.as_str())
            .set_managed_by_aws_backup_only(managed_by_backup_only.then_some(true))
            .max_results(i32::try_from(asked).unwrap_or(i32::MAX))
            .set_next_token(place.token.clone());
        let answer = match self.read(LIST_OF_RESOURCE, ask!(sent)).await {
            Ok(answer) => answer,
            // A resource that AWS Backup never saw has no points; AWS may say that as an error [U].
            Err(error) if error.kind == FailureKind::NotFound => return Ok(Page { items: Vec::new(), next: None }),
            Err(error) => return Err(error.about(Noun::Resource, resource).into()),
        };
        let found = answer.recovery_points.unwrap_or_default();
        let end = place.skip + wanted;
        let next = match answer.next_token {
            _ if found.len() > end => Some(Cursor { skip: end, ..place.clone() }),
            Some(token) => Some(Cursor::at(token)),
            None => None,
        };
        let items = found.into_iter().skip(place.skip).take(wanted);
        let items = items.map(|point| of_resource(point, resource, self.scope())).collect();
        Ok(Page { items, next })
    }
}

/// The smallest page of ListRecoveryPointsByResource `[M]`.
const FEWEST_POINTS: usize = 20;

/// DescribeRecoveryPoint and ListRecoveryPointsByBackupVault tell the same members in two types.
macro_rules! recovery_point {
    ($name:ident, $answer:ty, $storage_class:expr) => {
        fn $name(point: $answer, scope: &Scope) -> RecoveryPoint {
            let storage_class: fn(&$answer) -> Option<&StorageClass> = $storage_class;
            let calculated = point.calculated_lifecycle.as_ref();
            RecoveryPoint {
                storage_class: storage_class(&point).map(|class| class.as_str().to_owned()),
                state: state(point.status.as_ref()),
                created_at: time(point.creation_date.as_ref()),
                completed_at: time(point.completion_date.as_ref()),
                delete_at: time(calculated.and_then(|calculated| calculated.delete_at.as_ref())),
                cold_at: time(calculated.and_then(|calculated| calculated.move_to_cold_storage_at.as_ref())),
                lifecycle: Some(point.lifecycle.as_ref().map_or(Lifecycle::FOREVER, lifecycle::from_aws)),
                last_restore_at: time(point.last_restore_time.as_ref()),
                scope: scope.clone(),
                arn: point.recovery_point_arn.unwrap_or_default(),
                vault_name: point.backup_vault_name,
                vault_arn: point.backup_vault_arn,
                resource_arn: point.resource_arn,
                resource_type: point.resource_type.and_then(ResourceType::told),
                resource_name: point.resource_name,
                status_message: job_answers::told(point.status_message),
                backup_size_bytes: point.backup_size_in_bytes,
                encryption_key_arn: point.encryption_key_arn,
                role_arn: point.iam_role_arn,
                created_by: point.created_by.map(job_answers::origin).map(JobOrigin::Plan),
                source_vault_arn: point.source_backup_vault_arn,
            }
        }
    };
}

recovery_point!(described, DescribeRecoveryPointOutput, |point| point.storage_class.as_ref());
recovery_point!(in_vault, RecoveryPointByBackupVault, |_| None);

/// This list leaves most out; the resource is the one that was asked for.
fn of_resource(point: RecoveryPointByResource, resource: &Arn, scope: &Scope) -> RecoveryPoint {
    RecoveryPoint {
        state: state(point.status.as_ref()),
        created_at: time(point.creation_date.as_ref()),
        vault_name: point.backup_vault_name,
        resource_arn: Some(resource.as_str().to_owned()),
        resource_name: point.resource_name,
        status_message: job_answers::told(point.status_message),
        backup_size_bytes: point.backup_size_bytes,
        encryption_key_arn: point.encryption_key_arn,
        ..RecoveryPoint::blank(point.recovery_point_arn.unwrap_or_default(), scope.clone())
    }
}

fn state(status: Option<&RecoveryPointStatus>) -> RecoveryPointState {
    RecoveryPointState::of_word(status.map(RecoveryPointStatus::as_str).unwrap_or_default())
}
