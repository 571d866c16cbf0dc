//! Recovery points.

use aws_sdk_backup::{
    operation::{
        describe_recovery_point::DescribeRecoveryPointOutput,
        list_recovery_points_by_backup_vault::builders::ListRecoveryPointsByBackupVaultFluentBuilder,
    },
    types::{RecoveryPointByBackupVault, RecoveryPointByResource, RecoveryPointStatus, StorageClass},
};

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    date, job_answers, just_before, lifecycle, time,
};
use crate::domain::{
    Arn, AskedScope, Lifecycle, MAX_PAGE_SIZE, Page, PageRequest, RecoveryPoint, RecoveryPointQuery,
    RecoveryPointState, Scope, VaultName,
};

const DESCRIBE: Operation = Operation::read("backup", "DescribeRecoveryPoint");
const LIST_IN_VAULT: Operation = Operation::read("backup", "ListRecoveryPointsByBackupVault");
const LIST_OF_RESOURCE: Operation = Operation::read("backup", "ListRecoveryPointsByResource");

impl Aws {
    /// A recovery point.
    pub async fn get_recovery_point(
        &self,
        asked: &AskedScope,
        vault: &VaultName,
        arn: &Arn,
    ) -> Result<RecoveryPoint, Error> {
        self.clients(asked).await?.describe_recovery_point(vault, arn).await
    }

    /// A page of the recovery points of a vault or a resource.
    pub async fn list_recovery_points(
        &self,
        asked: &AskedScope,
        query: &RecoveryPointQuery,
        page: &PageRequest,
    ) -> Result<Page<RecoveryPoint>, Error> {
        let clients = self.clients(asked).await?;
        match query {
            RecoveryPointQuery::InVault { vault, resource, resource_type, plan_id, created, parent } => {
                let filter = |sent: ListRecoveryPointsByBackupVaultFluentBuilder| {
                    sent.set_by_resource_arn(resource.as_ref().map(ToString::to_string))
                        .set_by_resource_type(resource_type.clone())
                        .set_by_backup_plan_id(plan_id.clone())
                        .set_by_created_after(created.after.map(just_before))
                        .set_by_created_before(created.before.map(date))
                        .set_by_parent_recovery_point_arn(parent.as_ref().map(ToString::to_string))
                };
                clients.recovery_points_in(vault, filter, page).await
            }
            RecoveryPointQuery::OfResource { resource, managed_by_backup_only } => {
                clients.recovery_points_of(resource, *managed_by_backup_only, page).await
            }
        }
    }
}

impl Clients {
    pub(super) async fn describe_recovery_point(&self, vault: &VaultName, arn: &Arn) -> Result<RecoveryPoint, Error> {
        let sent = self.backup.describe_recovery_point().backup_vault_name(vault.as_str());
        match call(DESCRIBE, sent.recovery_point_arn(arn.as_str()).send()).await {
            Ok(answer) => Ok(described(answer, &self.scope)),
            Err(error) => Err(self.in_vault(error, vault, Noun::RecoveryPoint, arn.as_str()).await),
        }
    }

    /// A page of the recovery points of a vault.
    pub(super) async fn recovery_points_in(
        &self,
        vault: &VaultName,
        filter: impl FnOnce(ListRecoveryPointsByBackupVaultFluentBuilder) -> ListRecoveryPointsByBackupVaultFluentBuilder,
        page: &PageRequest,
    ) -> Result<Page<RecoveryPoint>, Error> {
        let sent = self.backup.list_recovery_points_by_backup_vault().backup_vault_name(vault.as_str());
        let sent = filter(sent).max_results(page.size.into()).set_next_token(page.cursor.clone());
        match call(LIST_IN_VAULT, sent.send()).await {
            Ok(answer) => {
                let points = answer.recovery_points.unwrap_or_default();
                let items = points.into_iter().map(|point| in_vault(point, &self.scope)).collect();
                Ok(Page { items, next: answer.next_token })
            }
            // Nothing but the vault can be missing here.
            Err(error) => Err(self.missing_or_denied(error, vault).await),
        }
    }

    /// AWS takes no page below 20 points for RDS `[M]`, and a caller may want fewer: then the rest of AWS's page is read
    /// again for the next one, from the place where this one ends.
    async fn recovery_points_of(
        &self,
        resource: &Arn,
        managed_by_backup_only: bool,
        page: &PageRequest,
    ) -> Result<Page<RecoveryPoint>, Error> {
        let place = match &page.cursor {
            Some(cursor) => Place::parse(cursor).ok_or_else(|| {
                let message = "page_token is not a token of this server";
                Error::found(LIST_OF_RESOURCE.name, Kind::Rejected, Noun::RecoveryPoint, cursor, message)
            })?,
            None => Place { skip: 0, token: None },
        };
        let wanted = usize::from(page.size);
        let asked = (place.skip + wanted).clamp(FEWEST_POINTS, MAX_PAGE_SIZE.into());
        let sent = self
            .backup
            .list_recovery_points_by_resource()
            .resource_arn(resource.as_str())
            .set_managed_by_aws_backup_only(managed_by_backup_only.then_some(true))
            .max_results(i32::try_from(asked).unwrap_or(i32::MAX))
            .set_next_token(place.token.clone());
        let answer = match call(LIST_OF_RESOURCE, sent.send()).await {
            Ok(answer) => answer,
            // A resource that AWS Backup never saw has no points; AWS may say that as an error [U].
            Err(error) if error.kind == Kind::NotFound => return Ok(Page { items: Vec::new(), next: None }),
            Err(error) => return Err(error.about(Noun::Resource, resource)),
        };
        let found = answer.recovery_points.unwrap_or_default();
        let end = place.skip + wanted;
        let next = match answer.next_token {
            _ if found.len() > end => Some(Place { skip: end, token: place.token }),
            Some(token) => Some(Place { skip: 0, token: Some(token) }),
            None => None,
        };
        let items = found.into_iter().skip(place.skip).take(wanted);
        let items = items.map(|point| of_resource(point, resource, &self.scope)).collect();
        Ok(Page { items, next: next.map(|place| place.to_string()) })
    }
}

/// The smallest page of ListRecoveryPointsByResource `[M]`.
const FEWEST_POINTS: usize = 20;

/// Where a page of a resource's points begins: AWS's token, and how many of the points behind it the pages before took.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    skip: usize,
    token: Option<String>,
}

impl Place {
    fn parse(cursor: &str) -> Option<Self> {
        let (skip, token) = cursor.split_once(' ')?;
        let skip = skip.parse().ok().filter(|skip| *skip < FEWEST_POINTS)?;
        Some(Self { skip, token: (!token.is_empty()).then(|| token.to_owned()) })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.skip, self.token.as_deref().unwrap_or_default())
    }
}

/// DescribeRecoveryPoint and ListRecoveryPointsByBackupVault tell the same members in two types.
macro_rules! recovery_point {
    ($name:ident, $answer:ty, $storage_class:expr) => {
        fn $name(point: $answer, scope: &Scope) -> RecoveryPoint {
            let storage_class: fn(&$answer) -> Option<&StorageClass> = $storage_class;
            let calculated = point.calculated_lifecycle.as_ref();
            RecoveryPoint {
                storage_class: storage_class(&point).map(StorageClass::as_str).unwrap_or_default().to_owned(),
                state: state(point.status.as_ref()),
                created_at: time(point.creation_date.as_ref()),
                completed_at: time(point.completion_date.as_ref()),
                delete_at: time(calculated.and_then(|calculated| calculated.delete_at.as_ref())),
                cold_at: time(calculated.and_then(|calculated| calculated.move_to_cold_storage_at.as_ref())),
                lifecycle: Some(point.lifecycle.as_ref().map_or(Lifecycle::FOREVER, lifecycle::from_aws)),
                last_restore_at: time(point.last_restore_time.as_ref()),
                scope: scope.clone(),
                arn: point.recovery_point_arn.unwrap_or_default(),
                vault_name: point.backup_vault_name.unwrap_or_default(),
                vault_arn: point.backup_vault_arn.unwrap_or_default(),
                resource_arn: point.resource_arn.unwrap_or_default(),
                resource_type: point.resource_type.unwrap_or_default(),
                resource_name: point.resource_name.unwrap_or_default(),
                status_message: point.status_message.unwrap_or_default(),
                backup_size_bytes: point.backup_size_in_bytes.unwrap_or_default(),
                encryption_key_arn: point.encryption_key_arn.unwrap_or_default(),
                role_arn: point.iam_role_arn.unwrap_or_default(),
                created_by: point.created_by.map(job_answers::origin),
                source_vault_arn: point.source_backup_vault_arn.unwrap_or_default(),
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
        arn: point.recovery_point_arn.unwrap_or_default(),
        scope: scope.clone(),
        vault_name: point.backup_vault_name.unwrap_or_default(),
        vault_arn: String::new(),
        resource_arn: resource.as_str().to_owned(),
        resource_type: String::new(),
        resource_name: point.resource_name.unwrap_or_default(),
        status_message: point.status_message.unwrap_or_default(),
        completed_at: None,
        delete_at: None,
        cold_at: None,
        lifecycle: None,
        backup_size_bytes: point.backup_size_bytes.unwrap_or_default(),
        encryption_key_arn: point.encryption_key_arn.unwrap_or_default(),
        role_arn: String::new(),
        storage_class: String::new(),
        last_restore_at: None,
        created_by: None,
        source_vault_arn: String::new(),
    }
}

fn state(status: Option<&RecoveryPointStatus>) -> RecoveryPointState {
    RecoveryPointState::of_word(status.map(RecoveryPointStatus::as_str).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_survives_its_cursor(skip in 0usize..FEWEST_POINTS, token in proptest::option::of("\\PC{1,60}")) {
            let place = Place { skip, token };
            prop_assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
    }
}
