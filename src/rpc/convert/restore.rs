//! Restores.

use super::reader::Reader;
use crate::{
    domain::{AskedScope, Faults, Invalid, RdsInstanceRestore, StartRestore},
    proto,
};

pub(in crate::rpc) fn start(request: proto::StartRestoreRequest) -> Result<(AskedScope, StartRestore, bool), Invalid> {
    let proto::StartRestoreRequest {
        scope,
        recovery_point_arn,
        vault,
        role,
        rds_instance,
        copy_source_tags,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", &vault);
    let recovery_point = read.arn("recovery_point_arn", &recovery_point_arn);
    let role = read.role("role", &role);
    let instance = match rds_instance {
        Some(rds_instance) => read.check("rds_instance", instance(rds_instance), RdsInstanceRestore::check),
        None => Err(read.fault("rds_instance", "is required: say at least db_instance_identifier")),
    };
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        let start = StartRestore {
            recovery_point: recovery_point?,
            vault: vault?,
            role: role?,
            instance: instance?,
            copy_source_tags,
            request_id: request_id?,
        };
        Ok((scope, start, validate_only))
    })
}

fn instance(instance: proto::RdsInstanceRestore) -> RdsInstanceRestore {
    let proto::RdsInstanceRestore {
        db_instance_identifier,
        db_instance_class,
        db_subnet_group_name,
        vpc_security_group_ids,
        availability_zone,
        port,
        multi_az,
        publicly_accessible,
        deletion_protection,
        auto_minor_version_upgrade,
        copy_tags_to_snapshot,
        enable_iam_database_authentication,
        storage_type,
        iops,
        db_parameter_group_name,
        option_group_name,
    } = instance;
    let given = |text: String| (!text.is_empty()).then_some(text);
    RdsInstanceRestore {
        identifier: db_instance_identifier.to_ascii_lowercase(),
        class: given(db_instance_class),
        subnet_group: given(db_subnet_group_name),
        security_groups: vpc_security_group_ids,
        availability_zone: given(availability_zone),
        port,
        multi_az,
        publicly_accessible,
        deletion_protection,
        auto_minor_version_upgrade,
        copy_tags_to_snapshot,
        iam_authentication: enable_iam_database_authentication,
        storage_type: given(storage_type),
        iops,
        parameter_group: given(db_parameter_group_name),
        option_group: given(option_group_name),
    }
}

impl Reader {
    /// A value that notes its own faults; it is kept when there were none.
    fn check<T>(
        &mut self,
        field: &str,
        value: T,
        check: impl FnOnce(&T, &str, &mut Faults),
    ) -> Result<T, crate::domain::Noted> {
        let mut faults = Faults::default();
        check(&value, field, &mut faults);
        self.take_over(faults)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_restore_is_told_those_of_the_instance_too() {
        let fields = |request| -> Vec<_> {
            let invalid = start(request).unwrap_err();
            invalid.violations.into_iter().map(|violation| violation.field).collect()
        };
        let empty = ["vault", "recovery_point_arn", "role", "rds_instance"];
        assert_eq!(fields(proto::StartRestoreRequest::default()), empty);
        let request = proto::StartRestoreRequest {
            vault: "prod".into(),
            recovery_point_arn: "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1".into(),
            rds_instance: Some(proto::RdsInstanceRestore {
                db_instance_identifier: "1".into(),
                port: Some(-1),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(fields(request), ["role", "rds_instance.db_instance_identifier", "rds_instance.port"]);
    }

    #[test]
    fn an_identifier_is_taken_in_the_case_in_which_rds_stores_it() {
        let request = proto::StartRestoreRequest {
            vault: "prod".into(),
            role: "R".into(),
            recovery_point_arn: "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1".into(),
            rds_instance: Some(proto::RdsInstanceRestore {
                db_instance_identifier: "Orders-2".into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let (scope, start, validate_only) = start(request).unwrap();
        assert_eq!(start.instance.identifier, "orders-2");
        assert!(!start.request_id.may_repeat() && !validate_only);
        assert_eq!(scope.account.unwrap().as_str(), "123456789012");
    }
}
