//! Recovery points.

use super::{job_answers::vault_name, reader::Reader, timestamp};
use crate::{
    domain::{
        Arn, Asked, DeleteRecoveryPoint, Invalid, Noted, PointFilter, PointInVault, RecoveryPoint, RecoveryPointQuery,
        RecoveryPointState, ResourceRef, ResourceType, UpdateLifecycle, VaultName,
    },
    proto,
    rpc::page_token::ListOf,
};

/// The vault may be left out.
pub(in crate::rpc) fn get(request: proto::GetRecoveryPointRequest) -> Result<Asked<(Option<VaultName>, Arn)>, Invalid> {
    let proto::GetRecoveryPointRequest { scope, vault, recovery_point } = request;
    let mut read = Reader::new(scope);
    let vault = read.optional(&vault, |read, text| read.vault("vault", text));
    let arn = read.recovery_point("recovery_point", &recovery_point);
    read.conclude(|| Ok((vault?, arn?)))
}

pub(in crate::rpc) fn delete(
    request: proto::DeleteRecoveryPointRequest,
) -> Result<Asked<DeleteRecoveryPoint>, Invalid> {
    let proto::DeleteRecoveryPointRequest { scope, vault, recovery_point, request_id, validate_only, allow_missing } =
        request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let point = read.point(&vault, &recovery_point);
    read.conclude(|| Ok(DeleteRecoveryPoint { point: point?, allow_missing }))
}

pub(in crate::rpc) fn update_lifecycle(
    request: proto::UpdateRecoveryPointLifecycleRequest,
) -> Result<Asked<UpdateLifecycle>, Invalid> {
    let proto::UpdateRecoveryPointLifecycleRequest {
        scope,
        vault,
        recovery_point,
        lifecycle,
        etag,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let point = read.point(&vault, &recovery_point);
    // AWS replaces the whole lifecycle, and a default would shorten or lengthen a life that nobody spoke of.
    let said = lifecycle.filter(|it| it.delete_after_days.is_some() || it.retention() == proto::Retention::Forever);
    let lifecycle = match said {
        Some(lifecycle) => read.lifecycle("lifecycle", Some(lifecycle)),
        None => {
            let fault = "is required and has no default: give delete_after_days, or RETENTION_FOREVER in retention";
            Err(read.fault("lifecycle", fault))
        }
    };
    let etag = read.etag(etag);
    read.conclude(|| Ok(UpdateLifecycle { point: point?, lifecycle: lifecycle?, etag: etag? }))
}

pub(in crate::rpc) fn disassociate(
    request: proto::DisassociateRecoveryPointRequest,
) -> Result<Asked<PointInVault>, Invalid> {
    let proto::DisassociateRecoveryPointRequest { scope, vault, recovery_point, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let point = read.point(&vault, &recovery_point);
    read.conclude(|| point)
}

pub(in crate::rpc) fn list(
    mut request: proto::ListRecoveryPointsRequest,
) -> Result<Asked<ListOf<RecoveryPointQuery>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListRecoveryPoints", &request, size, &token);
    let proto::ListRecoveryPointsRequest {
        scope: _,
        vault,
        resource,
        resource_type,
        plan,
        create_time,
        parent_recovery_point,
        managed_by_backup_only,
        page_size: _,
        page_token: _,
    } = request;
    let points = if vault.is_empty() && !resource.is_empty() {
        let given = [
            ("resource_type", !resource_type.is_empty()),
            ("plan", !plan.is_empty()),
            ("create_time", create_time.is_some()),
            ("parent_recovery_point", !parent_recovery_point.is_empty()),
        ];
        for (field, _) in given.iter().filter(|(_, given)| *given) {
            read.fault(field, "needs vault: AWS cannot filter the recovery points of a resource by it");
        }
        let resource = read.backed_up("resource", &resource);
        resource.map(|resource| RecoveryPointQuery::OfResource { resource, managed_by_backup_only })
    } else {
        if managed_by_backup_only {
            let fault = "is for lists by resource alone: a vault holds nothing that AWS Backup does not manage";
            read.fault("managed_by_backup_only", fault);
        }
        let vault = read.optional(&vault, |read, text| read.vault("vault", text));
        // The vault may hold a copy of a backup made elsewhere: the resource only fills in what nothing else says.
        let resource = read.optional(&resource, |read, text| read.hinted_resource("resource", text));
        let resource_type = read.resource_type("resource_type", &resource_type);
        let plan = read.optional(&plan, |read, text| read.plan("plan", text));
        let created = read.interval("create_time", create_time);
        // A composite point and its parts are in one vault, so its ARN says where to look, or contradicts.
        let parent =
            read.optional(&parent_recovery_point, |read, text| read.recovery_point("parent_recovery_point", text));
        if let (Ok(Some(ResourceRef::Arn(arn))), Ok(Some(of_type))) = (&resource, &resource_type)
            && let Some(never) = ResourceType::contradiction(std::slice::from_ref(of_type), arn)
        {
            read.fault("resource_type", never);
        }
        let build = || {
            Ok(RecoveryPointQuery::InVaults(Box::new(PointFilter {
                vault: vault?,
                resource: resource?,
                resource_type: resource_type?,
                plan: plan?,
                created: created?,
                parent: parent?,
            })))
        };
        build()
    };
    read.conclude(|| Ok(ListOf { filter: points?, paged: paged? }))
}

impl Reader {
    /// A recovery point by its ARN, which becomes the request's scope.
    pub(in crate::rpc) fn recovery_point(&mut self, field: &str, text: &str) -> Result<Arn, Noted> {
        let arn = self.note(field, Arn::parse(text).and_then(Arn::of_recovery_point))?;
        self.within(field, arn.scope())?;
        Ok(arn)
    }

    fn point(&mut self, vault: &str, recovery_point: &str) -> Result<PointInVault, Noted> {
        let vault = self.vault("vault", vault);
        let arn = self.recovery_point("recovery_point", recovery_point);
        Ok(PointInVault { vault: vault?, arn: arn? })
    }
}

impl From<RecoveryPoint> for proto::RecoveryPoint {
    fn from(point: RecoveryPoint) -> Self {
        let text = Option::unwrap_or_default;
        Self {
            etag: point.etag().unwrap_or_default(),
            continuous: point.continuous(),
            arn: point.arn,
            scope: Some(point.scope.into()),
            vault_name: text(point.vault_name),
            vault_arn: text(point.vault_arn),
            resource_arn: text(point.resource_arn),
            resource_type: point.resource_type.map(|kind| kind.to_string()).unwrap_or_default(),
            resource_name: text(point.resource_name),
            state: state(&point.state).into(),
            state_text: point.state.word().to_owned(),
            status_message: text(point.status_message),
            create_time: point.created_at.map(timestamp),
            completion_time: point.completed_at.map(timestamp),
            delete_time: point.delete_at.map(timestamp),
            move_to_cold_storage_time: point.cold_at.map(timestamp),
            lifecycle: point.lifecycle.map(Into::into),
            backup_size_bytes: point.backup_size_bytes,
            encryption_key_arn: text(point.encryption_key_arn),
            role_arn: text(point.role_arn),
            storage_class: text(point.storage_class),
            last_restore_time: point.last_restore_at.map(timestamp),
            created_by: point.created_by.map(Into::into),
            source_vault_name: vault_name(point.source_vault_arn.as_deref()),
            source_vault_arn: text(point.source_vault_arn),
        }
    }
}

pub(in crate::rpc) fn state(state: &RecoveryPointState) -> proto::RecoveryPointState {
    match state {
        RecoveryPointState::Creating => proto::RecoveryPointState::Creating,
        RecoveryPointState::Completed => proto::RecoveryPointState::Completed,
        RecoveryPointState::Available => proto::RecoveryPointState::Available,
        RecoveryPointState::Partial => proto::RecoveryPointState::Partial,
        RecoveryPointState::Expired => proto::RecoveryPointState::Expired,
        RecoveryPointState::Stopped => proto::RecoveryPointState::Stopped,
        RecoveryPointState::Deleting => proto::RecoveryPointState::Deleting,
        RecoveryPointState::Unknown(_) => proto::RecoveryPointState::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "arn:aws:rds:us-east-1:123456789012:db:orders";

    fn fields(request: proto::ListRecoveryPointsRequest) -> Vec<String> {
        match list(request) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.violations.into_iter().map(|violation| violation.field).collect(),
        }
    }

    #[test]
    fn filters_that_aws_lacks_for_a_resource_need_a_vault() {
        assert!(fields(proto::ListRecoveryPointsRequest::default()).is_empty());
        let request = proto::ListRecoveryPointsRequest {
            resource: INSTANCE.into(),
            resource_type: "RDS".into(),
            plan: "p".into(),
            create_time: Some(proto::TimeInterval::default()),
            ..Default::default()
        };
        assert_eq!(fields(request), ["resource_type", "plan", "create_time"]);
        let of_vaults = proto::ListRecoveryPointsRequest { managed_by_backup_only: true, ..Default::default() };
        assert_eq!(fields(of_vaults), ["managed_by_backup_only"]);
    }

    #[test]
    fn a_vault_may_hold_backups_of_resources_elsewhere() {
        let region = |vault: &str| {
            let request = proto::ListRecoveryPointsRequest {
                vault: vault.into(),
                resource: INSTANCE.into(),
                ..Default::default()
            };
            list(request).unwrap().scope.region.unwrap()
        };
        assert_eq!(region("arn:aws:backup:eu-west-1:123456789012:backup-vault:far").as_str(), "eu-west-1");
        assert_eq!(region("near").as_str(), "us-east-1");
    }
}
