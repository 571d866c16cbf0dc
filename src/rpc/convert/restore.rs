//! Restores.

use jiff::Timestamp;

use super::{super::restore_token, super::restore_token::Planned, reader::Reader, timestamp};
use crate::{
    domain::{
        AskedScope, Faults, Invalid, Noted, PointInTime, RdsClusterRestore, RdsInstanceRestore, RequestId, Restore,
        RestoreTarget, RestoreWindow,
    },
    proto,
};

/// A restore to be started.
#[derive(Debug)]
pub(in crate::rpc) struct StartRestore {
    pub(in crate::rpc) scope: AskedScope,
    pub(in crate::rpc) restore: Restore,
    pub(in crate::rpc) request_id: RequestId,
    pub(in crate::rpc) validate_only: bool,
    /// What the token says that the metadata came to when it was planned.
    pub(in crate::rpc) planned: Option<Planned>,
}

pub(in crate::rpc) fn plan(mut request: proto::PlanRestoreRequest) -> Result<(AskedScope, Restore), Invalid> {
    let mut read = Reader::new(request.scope.take());
    let restore = read.restore(request);
    read.conclude(|scope| Ok((scope, restore?)))
}

pub(in crate::rpc) fn start(request: proto::StartRestoreRequest) -> Result<StartRestore, Invalid> {
    let proto::StartRestoreRequest {
        scope,
        recovery_point_arn,
        vault,
        role,
        rds_instance,
        copy_source_tags,
        request_id,
        validate_only,
        restore_token,
        rds_cluster,
        point_in_time,
    } = request;
    let mut read = Reader::new(scope);
    let fields = proto::PlanRestoreRequest {
        scope: None,
        recovery_point_arn,
        vault,
        role,
        rds_instance,
        rds_cluster,
        point_in_time,
        copy_source_tags,
    };
    let (restore, planned) = if restore_token.is_empty() {
        (read.restore(fields), Ok(None))
    } else {
        match read.restore_token(&restore_token, &fields) {
            Ok((request, planned)) => (read.restore(request), Ok(Some(planned))),
            Err(noted) => (Err(noted), Err(noted)),
        }
    };
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        Ok(StartRestore { scope, restore: restore?, request_id: request_id?, validate_only, planned: planned? })
    })
}

impl Reader {
    /// What a token stands for. It says all that is restored, so nothing may be said besides.
    fn restore_token(
        &mut self,
        token: &str,
        besides: &proto::PlanRestoreRequest,
    ) -> Result<(proto::PlanRestoreRequest, Planned), Noted> {
        for (field, given) in [
            ("recovery_point_arn", !besides.recovery_point_arn.is_empty()),
            ("vault", !besides.vault.is_empty()),
            ("role", !besides.role.is_empty()),
            ("rds_instance", besides.rds_instance.is_some()),
            ("rds_cluster", besides.rds_cluster.is_some()),
            ("point_in_time", besides.point_in_time.is_some()),
            ("copy_source_tags", besides.copy_source_tags),
        ] {
            if given {
                self.fault(field, "cannot be set with restore_token, which says all that is restored: leave one out");
            }
        }
        let (mut request, planned) = self.note("restore_token", restore_token::read(token))?;
        let scope = Self::new(request.scope.take()).conclude(Ok);
        let scope = scope.map_err(|_| "names no account and region: plan again");
        let scope = self.note("restore_token", scope)?;
        self.within("restore_token", scope)?;
        Ok((request, planned))
    }

    fn restore(&mut self, request: proto::PlanRestoreRequest) -> Result<Restore, Noted> {
        let proto::PlanRestoreRequest {
            scope: _,
            recovery_point_arn,
            vault,
            role,
            rds_instance,
            rds_cluster,
            point_in_time,
            copy_source_tags,
        } = request;
        let vault = self.vault("vault", &vault);
        let recovery_point = self.arn("recovery_point_arn", &recovery_point_arn);
        let role = self.role("role", &role);
        let target = match (rds_instance, rds_cluster) {
            (Some(given), None) => self.check(instance(given), RdsInstanceRestore::check).map(RestoreTarget::Instance),
            (None, Some(given)) => self.check(cluster(given), RdsClusterRestore::check).map(RestoreTarget::Cluster),
            (None, None) => {
                let fault =
                    "is required, or rds_cluster for a recovery point of a cluster: say at least the identifier";
                Err(self.fault("rds_instance", fault))
            }
            (Some(_), Some(_)) => Err(self
                .fault("rds_cluster", "cannot be set with rds_instance: give the one that the recovery point is of")),
        };
        let point_in_time = self.point_in_time(point_in_time);
        Ok(Restore {
            recovery_point: recovery_point?,
            vault: vault?,
            role: role?,
            target: target?,
            point_in_time: point_in_time?,
            copy_source_tags,
        })
    }

    fn point_in_time(&mut self, given: Option<proto::PointInTime>) -> Result<Option<PointInTime>, Noted> {
        let Some(proto::PointInTime { time, latest }) = given else { return Ok(None) };
        match (self.instant("point_in_time.time", time)?, latest) {
            (None, true) => Ok(Some(PointInTime::Latest)),
            // Fractions are cut off: RDS restores to whole seconds.
            (Some(time), false) => Ok(Some(PointInTime::At(Timestamp::from_second(time.as_second()).unwrap_or(time)))),
            (None, false) => Err(self.fault("point_in_time", "is empty: set time, or latest")),
            (Some(_), true) => Err(self.fault("point_in_time", "has both time and latest: set one")),
        }
    }

    /// A value that notes its own faults; it is kept when there were none.
    fn check<T>(&mut self, value: T, check: impl FnOnce(&T, &mut Faults)) -> Result<T, Noted> {
        let mut faults = Faults::default();
        check(&value, &mut faults);
        self.take_over(faults)?;
        Ok(value)
    }
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
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

fn cluster(cluster: proto::RdsClusterRestore) -> RdsClusterRestore {
    let proto::RdsClusterRestore {
        db_cluster_identifier,
        db_subnet_group_name,
        vpc_security_group_ids,
        availability_zones,
        port,
        deletion_protection,
        copy_tags_to_snapshot,
        enable_iam_database_authentication,
        db_cluster_parameter_group_name,
        option_group_name,
        db_cluster_instance_class,
        storage_type,
        iops,
        publicly_accessible,
    } = cluster;
    RdsClusterRestore {
        identifier: db_cluster_identifier.to_ascii_lowercase(),
        subnet_group: given(db_subnet_group_name),
        security_groups: vpc_security_group_ids,
        availability_zones,
        port,
        deletion_protection,
        copy_tags_to_snapshot,
        iam_authentication: enable_iam_database_authentication,
        parameter_group: given(db_cluster_parameter_group_name),
        option_group: given(option_group_name),
        class: given(db_cluster_instance_class),
        storage_type: given(storage_type),
        iops,
        publicly_accessible,
    }
}

impl From<RestoreWindow> for proto::RestoreWindow {
    fn from(window: RestoreWindow) -> Self {
        Self { earliest_time: Some(timestamp(window.earliest)), latest_time: Some(timestamp(window.latest)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<T: std::fmt::Debug>(read: Result<T, Invalid>) -> Vec<String> {
        read.unwrap_err().violations.into_iter().map(|violation| violation.field).collect()
    }

    fn request(identifier: &str) -> proto::StartRestoreRequest {
        proto::StartRestoreRequest {
            vault: "prod".into(),
            role: "R".into(),
            recovery_point_arn: "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1".into(),
            rds_instance: Some(proto::RdsInstanceRestore {
                db_instance_identifier: identifier.into(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    #[test]
    fn every_fault_of_a_restore_is_told_those_of_the_target_too() {
        let empty = ["vault", "recovery_point_arn", "role", "rds_instance"];
        assert_eq!(fields(start(proto::StartRestoreRequest::default())), empty);
        assert_eq!(fields(plan(proto::PlanRestoreRequest::default())), empty);
        let mut bad = proto::StartRestoreRequest { role: String::new(), ..request("1") };
        bad.rds_instance.as_mut().unwrap().port = Some(-1);
        bad.point_in_time = Some(proto::PointInTime::default());
        let told = ["role", "rds_instance.db_instance_identifier", "rds_instance.port", "point_in_time"];
        assert_eq!(fields(start(bad)), told);
        let cluster = proto::RdsClusterRestore {
            db_cluster_identifier: "a--b".into(),
            availability_zones: vec!["us east".into()],
            ..Default::default()
        };
        let both = proto::StartRestoreRequest { rds_cluster: Some(cluster), ..request("a") };
        assert_eq!(fields(start(both.clone())), ["rds_cluster"]);
        let told = ["rds_cluster.db_cluster_identifier", "rds_cluster.availability_zones[0]"];
        assert_eq!(fields(start(proto::StartRestoreRequest { rds_instance: None, ..both })), told);
    }

    #[test]
    fn an_identifier_is_taken_in_the_case_in_which_rds_stores_it() {
        let read = start(request("Orders-2")).unwrap();
        assert_eq!(read.restore.target.identifier(), "orders-2");
        assert!(!read.request_id.may_repeat() && !read.validate_only && read.planned.is_none());
        assert_eq!(read.scope.account.unwrap().as_str(), "123456789012");
    }

    #[test]
    fn a_time_is_cut_to_its_second() {
        let at = |seconds, nanos, latest| {
            let time = Some(prost_types::Timestamp { seconds, nanos });
            let given = proto::PointInTime { time, latest };
            start(proto::StartRestoreRequest { point_in_time: Some(given), ..request("a") })
        };
        let read = at(1_700_000_000, 999_999_999, false).unwrap().restore.point_in_time;
        assert_eq!(read, Some(PointInTime::At(Timestamp::from_second(1_700_000_000).unwrap())));
        assert_eq!(fields(at(1_700_000_000, 0, true)), ["point_in_time"]);
        assert_eq!(fields(at(i64::MAX, 0, false)), ["point_in_time.time"]);
        assert_eq!(fields(at(0, -1, false)), ["point_in_time.time"]);
    }

    #[test]
    fn beside_a_token_nothing_else_is_said() {
        let planned = proto::PlanRestoreRequest {
            scope: Some(proto::Scope { account: "123456789012".into(), region: "us-east-1".into() }),
            recovery_point_arn: request("a").recovery_point_arn,
            vault: "prod".into(),
            role: "R".into(),
            rds_instance: request("a").rds_instance,
            ..Default::default()
        };
        let token = restore_token::write(&planned, &Default::default());
        let alone = proto::StartRestoreRequest { restore_token: token.clone(), ..Default::default() };
        let read = start(alone.clone()).unwrap();
        assert_eq!((read.restore.target.identifier(), read.scope.region.unwrap().as_str()), ("a", "us-east-1"));
        assert!(read.planned.is_some());
        let more = proto::StartRestoreRequest { restore_token: token.clone(), copy_source_tags: true, ..request("a") };
        assert_eq!(fields(start(more)), ["recovery_point_arn", "vault", "role", "rds_instance", "copy_source_tags"]);
        let scope = Some(proto::Scope { region: "eu-west-1".into(), ..Default::default() });
        assert_eq!(fields(start(proto::StartRestoreRequest { scope, ..alone.clone() }))[0], "restore_token");
        let damaged = proto::StartRestoreRequest { restore_token: format!("{token}x"), ..alone };
        assert_eq!(fields(start(damaged)), ["restore_token"]);
    }
}
