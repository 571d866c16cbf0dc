//! Restores.

use jiff::Timestamp;

use super::{super::restore_token, super::restore_token::Planned, reader::Reader, timestamp};
use crate::{
    domain::{
        Asked, Faults, Invalid, Noted, PointInTime, RdsClusterRestore, RdsInstanceRestore, Restore, RestoreTarget,
        RestoreWindow,
    },
    proto::{self, point_in_time::At, restore::Target, start_restore_request::What},
};

/// A restore to be planned.
#[derive(Debug)]
pub(in crate::rpc) struct PlanRestore {
    pub(in crate::rpc) restore: Restore,
    /// The same in the words of the request, for the token.
    pub(in crate::rpc) said: proto::Restore,
}

/// A restore to be started.
#[derive(Debug)]
pub(in crate::rpc) struct StartRestore {
    pub(in crate::rpc) restore: Restore,
    /// What the token says that the metadata came to when it was planned.
    pub(in crate::rpc) planned: Option<Planned>,
}

pub(in crate::rpc) fn plan(request: proto::PlanRestoreRequest) -> Result<Asked<PlanRestore>, Invalid> {
    let mut read = Reader::new(request.scope);
    let said = request.restore.ok_or_else(|| read.fault("restore", NO_RESTORE));
    let restore = said.clone().and_then(|said| read.restore("restore", said));
    read.conclude(|| Ok(PlanRestore { restore: restore?, said: said? }))
}

const NO_RESTORE: &str = "is required: say what to restore, and into what";

pub(in crate::rpc) fn start(request: proto::StartRestoreRequest) -> Result<Asked<StartRestore>, Invalid> {
    let proto::StartRestoreRequest { scope, what, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let (restore, planned) = match what {
        None => (Err(read.fault("restore", format!("{NO_RESTORE}; or give restore_token"))), Ok(None)),
        Some(What::Restore(said)) => (read.restore("restore", said), Ok(None)),
        Some(What::RestoreToken(token)) => match read.restore_token(&token) {
            Ok((said, planned)) => (read.restore("restore_token", said), Ok(Some(planned))),
            Err(noted) => (Err(noted), Err(noted)),
        },
    };
    read.conclude(|| Ok(StartRestore { restore: restore?, planned: planned? }))
}

impl Reader {
    /// What a token stands for. It says all that is restored.
    fn restore_token(&mut self, token: &str) -> Result<(proto::Restore, Planned), Noted> {
        let (request, planned) = self.note("restore_token", restore_token::read(token))?;
        let scope = Self::new(request.scope).conclude(|| Ok(())).map(|asked| asked.scope);
        let scope = self.note("restore_token", scope.map_err(|_| "names no account and region: plan again"))?;
        self.within("restore_token", scope)?;
        let said = request.restore.ok_or("names nothing to restore: plan again");
        Ok((self.note("restore_token", said)?, planned))
    }

    fn restore(&mut self, field: &str, said: proto::Restore) -> Result<Restore, Noted> {
        let proto::Restore { recovery_point, vault, role, target, point_in_time, copy_source_tags } = said;
        let at = |member: &str| format!("{field}.{member}");
        let vault = self.vault(&at("vault"), &vault);
        let recovery_point = self.recovery_point(&at("recovery_point"), &recovery_point);
        let role = self.role(&at("role"), &role);
        let target = match target {
            Some(Target::RdsInstance(given)) => {
                self.check(field, instance(given), RdsInstanceRestore::check).map(RestoreTarget::Instance)
            }
            Some(Target::RdsCluster(given)) => {
                self.check(field, cluster(given), RdsClusterRestore::check).map(RestoreTarget::Cluster)
            }
            None => {
                let fault =
                    "is required, or rds_cluster for a recovery point of a cluster: say at least the identifier";
                Err(self.fault(&at("rds_instance"), fault))
            }
        };
        let point_in_time = self.point_in_time(&at("point_in_time"), point_in_time);
        Ok(Restore {
            recovery_point: recovery_point?,
            vault: vault?,
            role: role?,
            target: target?,
            point_in_time: point_in_time?,
            copy_source_tags,
        })
    }

    fn point_in_time(&mut self, field: &str, given: Option<proto::PointInTime>) -> Result<Option<PointInTime>, Noted> {
        match given.map(|given| given.at) {
            None => Ok(None),
            Some(Some(At::Latest(true))) => Ok(Some(PointInTime::Latest)),
            Some(Some(At::Time(time))) => {
                let time = self.instant(&format!("{field}.time"), Some(time))?;
                // Fractions are cut off: RDS restores to whole seconds.
                Ok(time.map(|time| PointInTime::At(Timestamp::from_second(time.as_second()).unwrap_or(time))))
            }
            Some(Some(At::Latest(false))) => {
                Err(self.fault(&format!("{field}.latest"), "is false: set it to true, or set time"))
            }
            Some(None) => Err(self.fault(field, "is empty: set time, or latest")),
        }
    }

    /// A value that notes its own faults; it is kept when there were none.
    fn check<T>(&mut self, under: &str, value: T, check: impl FnOnce(&T, &mut Faults)) -> Result<T, Noted> {
        let mut faults = Faults::default();
        check(&value, &mut faults);
        self.take_over(faults.under(under))?;
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

    fn said(identifier: &str) -> proto::Restore {
        let instance = proto::RdsInstanceRestore { db_instance_identifier: identifier.into(), ..Default::default() };
        proto::Restore {
            vault: "prod".into(),
            role: "R".into(),
            recovery_point: "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1".into(),
            target: Some(Target::RdsInstance(instance)),
            ..Default::default()
        }
    }

    fn request(said: proto::Restore) -> proto::StartRestoreRequest {
        proto::StartRestoreRequest { what: Some(What::Restore(said)), ..Default::default() }
    }

    #[test]
    fn every_fault_of_a_restore_is_told_those_of_the_target_too() {
        assert_eq!(fields(start(proto::StartRestoreRequest::default())), ["restore"]);
        assert_eq!(fields(plan(proto::PlanRestoreRequest::default())), ["restore"]);
        let empty = ["restore.vault", "restore.recovery_point", "restore.role", "restore.rds_instance"];
        assert_eq!(fields(start(request(proto::Restore::default()))), empty);
        let port =
            proto::RdsInstanceRestore { db_instance_identifier: "1".into(), port: Some(-1), ..Default::default() };
        let bad = proto::Restore {
            role: String::new(),
            target: Some(Target::RdsInstance(port)),
            point_in_time: Some(proto::PointInTime::default()),
            ..said("a")
        };
        let told = [
            "restore.role",
            "restore.rds_instance.db_instance_identifier",
            "restore.rds_instance.port",
            "restore.point_in_time",
        ];
        assert_eq!(fields(start(request(bad))), told);
        let cluster = proto::RdsClusterRestore {
            db_cluster_identifier: "a--b".into(),
            availability_zones: vec!["us east".into()],
            ..Default::default()
        };
        let told = ["restore.rds_cluster.db_cluster_identifier", "restore.rds_cluster.availability_zones[0]"];
        let bad = proto::Restore { target: Some(Target::RdsCluster(cluster)), ..said("a") };
        assert_eq!(fields(start(request(bad))), told);
    }

    #[test]
    fn an_identifier_is_taken_in_the_case_in_which_rds_stores_it() {
        let read = start(request(said("Orders-2"))).unwrap();
        assert_eq!(read.what.restore.target.identifier(), "orders-2");
        assert!(!read.request_id.may_repeat() && !read.is_check() && read.what.planned.is_none());
        assert_eq!(read.scope.account.unwrap().as_str(), "123456789012");
    }

    #[test]
    fn a_time_is_cut_to_its_second() {
        let at = |at| {
            let point_in_time = Some(proto::PointInTime { at: Some(at) });
            start(request(proto::Restore { point_in_time, ..said("a") }))
        };
        let time = |seconds, nanos| At::Time(prost_types::Timestamp { seconds, nanos });
        let read = at(time(1_700_000_000, 999_999_999)).unwrap().what.restore.point_in_time;
        assert_eq!(read, Some(PointInTime::At(Timestamp::from_second(1_700_000_000).unwrap())));
        assert_eq!(at(At::Latest(true)).unwrap().what.restore.point_in_time, Some(PointInTime::Latest));
        assert_eq!(fields(at(At::Latest(false))), ["restore.point_in_time.latest"]);
        assert_eq!(fields(at(time(i64::MAX, 0))), ["restore.point_in_time.time"]);
        assert_eq!(fields(at(time(0, -1))), ["restore.point_in_time.time"]);
    }

    #[test]
    fn a_token_says_all_that_is_restored_and_where() {
        let planned = proto::PlanRestoreRequest {
            scope: Some(proto::Scope { account: "123456789012".into(), region: "us-east-1".into() }),
            restore: Some(said("a")),
        };
        let token = restore_token::write(&planned, &Default::default());
        let by = |token: String, region: &str| {
            let scope = Some(proto::Scope { region: region.into(), ..Default::default() });
            start(proto::StartRestoreRequest { scope, what: Some(What::RestoreToken(token)), ..Default::default() })
        };
        let read = by(token.clone(), "").unwrap();
        assert_eq!((read.what.restore.target.identifier(), read.scope.region.unwrap().as_str()), ("a", "us-east-1"));
        assert!(read.what.planned.is_some());
        assert_eq!(fields(by(token.clone(), "eu-west-1"))[0], "restore_token");
        assert_eq!(fields(by(format!("{token}x"), "")), ["restore_token"]);
    }
}
