//! Recovery points.

use super::{reader::Reader, timestamp};
use crate::{
    domain::{
        Arn, AskedScope, Fault, Invalid, Lifecycle, Noted, PageRequest, RecoveryPoint, RecoveryPointQuery,
        RecoveryPointState, VaultName,
    },
    proto,
    rpc::page_token::Query,
};

pub(in crate::rpc) fn get(request: proto::GetRecoveryPointRequest) -> Result<(AskedScope, VaultName, Arn), Invalid> {
    let proto::GetRecoveryPointRequest { scope, vault, recovery_point_arn } = request;
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", &vault);
    let arn = read.arn("recovery_point_arn", &recovery_point_arn);
    read.conclude(|scope| Ok((scope, vault?, arn?)))
}

pub(in crate::rpc) fn delete(
    request: proto::DeleteRecoveryPointRequest,
) -> Result<(AskedScope, VaultName, Arn, bool), Invalid> {
    let proto::DeleteRecoveryPointRequest { scope, vault, recovery_point_arn, request_id, allow_missing } = request;
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", &vault);
    let arn = read.arn("recovery_point_arn", &recovery_point_arn);
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, vault?, arn?, allow_missing))
    })
}

pub(in crate::rpc) fn update_lifecycle(
    request: proto::UpdateRecoveryPointLifecycleRequest,
) -> Result<(AskedScope, VaultName, Arn, Lifecycle, bool), Invalid> {
    let proto::UpdateRecoveryPointLifecycleRequest {
        scope,
        vault,
        recovery_point_arn,
        lifecycle,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", &vault);
    let arn = read.arn("recovery_point_arn", &recovery_point_arn);
    // AWS replaces the whole lifecycle, and a default would shorten or lengthen a life that nobody spoke of.
    let said = lifecycle.filter(|it| it.delete_after_days.is_some() || it.retention() == proto::Retention::Forever);
    let lifecycle = match said {
        Some(lifecycle) => read.lifecycle("lifecycle", Some(lifecycle)),
        None => {
            let fault = "is required and has no default: give delete_after_days, or RETENTION_FOREVER in retention";
            Err(read.fault("lifecycle", fault))
        }
    };
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, vault?, arn?, lifecycle?, validate_only))
    })
}

pub(in crate::rpc) fn disassociate(
    request: proto::DisassociateRecoveryPointRequest,
) -> Result<(AskedScope, VaultName, Arn), Invalid> {
    let proto::DisassociateRecoveryPointRequest { scope, vault, recovery_point_arn, request_id } = request;
    let request =
        proto::DeleteRecoveryPointRequest { scope, vault, recovery_point_arn, request_id, allow_missing: false };
    let (scope, vault, arn, _) = delete(request)?;
    Ok((scope, vault, arn))
}

pub(in crate::rpc) fn list(
    mut request: proto::ListRecoveryPointsRequest,
) -> Result<(AskedScope, RecoveryPointQuery, PageRequest, Query), Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let page = read.page("ListRecoveryPoints", &request, size, &token);
    let proto::ListRecoveryPointsRequest {
        scope: _,
        vault,
        resource_arn,
        resource_type,
        plan,
        create_time,
        page_size: _,
        page_token: _,
        parent_recovery_point_arn,
        managed_by_backup_only,
    } = request;
    let points = if vault.is_empty() {
        let given = [
            ("resource_type", !resource_type.is_empty()),
            ("plan", !plan.is_empty()),
            ("create_time", create_time.is_some()),
            ("parent_recovery_point_arn", !parent_recovery_point_arn.is_empty()),
        ];
        for (field, _) in given.iter().filter(|(_, given)| *given) {
            read.fault(field, "needs vault: AWS cannot filter the recovery points of a resource by it");
        }
        match resource_arn.as_str() {
            "" => Err(read.fault("vault", "is required, or resource_arn: say whose recovery points to list")),
            text => read
                .arn("resource_arn", text)
                .map(|resource| RecoveryPointQuery::OfResource { resource, managed_by_backup_only }),
        }
    } else {
        let vault = read.vault("vault", &vault);
        let resource = match resource_arn.as_str() {
            "" => Ok(None),
            // The vault may hold a copy of a backup made elsewhere: the resource only fills in what nothing else says.
            text => read.note("resource_arn", Arn::parse(text)).inspect(|arn| read.hint(arn.scope())).map(Some),
        };
        let resource_type = read.resource_type(&resource_type);
        let plan_id = plan_id(&mut read, &plan);
        let created = read.period("create_time", create_time);
        let parent = match parent_recovery_point_arn.as_str() {
            "" => Ok(None),
            text => read.note("parent_recovery_point_arn", Arn::parse(text)).map(Some),
        };
        if managed_by_backup_only {
            let fault = "is for lists by resource_arn alone: a vault holds nothing that AWS Backup does not manage";
            read.fault("managed_by_backup_only", fault);
        }
        let build = || {
            Ok(RecoveryPointQuery::InVault {
                vault: vault?,
                resource: resource?,
                resource_type: resource_type?,
                plan_id: plan_id?,
                created: created?,
                parent: parent?,
            })
        };
        build()
    };
    read.conclude(|scope| {
        let (page, query) = page?;
        Ok((scope, points?, page, query))
    })
}

/// AWS filters by the id, which the ARN ends with. The plan need not be there any more.
fn plan_id(read: &mut Reader, text: &str) -> Result<Option<String>, Noted> {
    if text.is_empty() {
        return Ok(None);
    }
    let id = if Arn::looks_like(text) {
        let arn = read.arn("plan", text)?;
        (arn.service() == "backup").then(|| arn.resource_of_kind("backup-plan").map(str::to_owned)).flatten()
    } else {
        Some(text.to_owned())
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let id = id.filter(|id| id.len() <= 100 && id.bytes().all(allowed));
    let fault = "is not a plan's id or ARN: a filter by plan takes the id (a UUID), or arn:aws:backup:REGION:ACCOUNT:backup-plan:ID";
    read.note("plan", id.map(Some).ok_or_else(|| Fault(fault.to_owned())))
}

impl From<RecoveryPoint> for proto::RecoveryPoint {
    fn from(point: RecoveryPoint) -> Self {
        let continuous = point.is_continuous();
        Self {
            arn: point.arn,
            scope: Some(point.scope.into()),
            vault_name: point.vault_name,
            vault_arn: point.vault_arn,
            resource_arn: point.resource_arn,
            resource_type: point.resource_type,
            resource_name: point.resource_name,
            state: state(&point.state).into(),
            state_text: point.state.word().to_owned(),
            status_message: point.status_message,
            create_time: point.created_at.map(timestamp),
            completion_time: point.completed_at.map(timestamp),
            delete_time: point.delete_at.map(timestamp),
            move_to_cold_storage_time: point.cold_at.map(timestamp),
            lifecycle: point.lifecycle.map(Into::into),
            backup_size_bytes: point.backup_size_bytes,
            encryption_key_arn: point.encryption_key_arn,
            role_arn: point.role_arn,
            storage_class: point.storage_class,
            last_restore_time: point.last_restore_at.map(timestamp),
            created_by: point.created_by.map(Into::into),
            continuous,
            source_vault_arn: point.source_vault_arn,
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
    fn a_vault_or_a_resource_is_required_and_the_other_filters_need_a_vault() {
        assert_eq!(fields(proto::ListRecoveryPointsRequest::default()), ["vault"]);
        let request = proto::ListRecoveryPointsRequest {
            resource_arn: INSTANCE.into(),
            resource_type: "RDS".into(),
            plan: "p".into(),
            create_time: Some(proto::Period::default()),
            ..Default::default()
        };
        assert_eq!(fields(request), ["resource_type", "plan", "create_time"]);
    }

    #[test]
    fn a_plan_is_named_by_its_id_or_its_arn() {
        let plan = |text: &str| {
            let request =
                proto::ListRecoveryPointsRequest { vault: "prod".into(), plan: text.into(), ..Default::default() };
            match list(request) {
                Ok((_, RecoveryPointQuery::InVault { plan_id, .. }, ..)) => Ok(plan_id),
                Ok(_) => panic!("a vault was given"),
                Err(invalid) => Err(invalid.violations[0].field.clone()),
            }
        };
        assert_eq!(plan("p-1"), Ok(Some("p-1".into())));
        assert_eq!(plan("arn:aws:backup:us-east-1:123456789012:backup-plan:p-1"), Ok(Some("p-1".into())));
        assert_eq!(plan(INSTANCE), Err("plan".into()));
        assert_eq!(plan("a plan"), Err("plan".into()));
    }

    #[test]
    fn a_vault_may_hold_backups_of_resources_elsewhere() {
        let request = proto::ListRecoveryPointsRequest {
            vault: "arn:aws:backup:eu-west-1:123456789012:backup-vault:far".into(),
            resource_arn: INSTANCE.into(),
            ..Default::default()
        };
        let (scope, ..) = list(request).unwrap();
        assert_eq!(scope.region.unwrap().as_str(), "eu-west-1");
        let request = proto::ListRecoveryPointsRequest {
            vault: "near".into(),
            resource_arn: INSTANCE.into(),
            ..Default::default()
        };
        let (scope, ..) = list(request).unwrap();
        assert_eq!(scope.region.unwrap().as_str(), "us-east-1");
    }
}
