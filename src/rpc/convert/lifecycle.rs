//! Lifecycles, which plans, jobs and recovery points share.

use super::reader::Reader;
use crate::{
    domain::{Lifecycle, Noted, Retention},
    proto,
};

impl Reader {
    /// How long recovery points are kept; absent: [`Lifecycle::DEFAULT`].
    pub(in crate::rpc) fn lifecycle(
        &mut self,
        field: &str,
        lifecycle: Option<proto::Lifecycle>,
    ) -> Result<Lifecycle, Noted> {
        let Some(lifecycle) = lifecycle else { return Ok(Lifecycle::DEFAULT) };
        let proto::Lifecycle {
            retention,
            delete_after_days,
            move_to_cold_storage_after_days,
            archive_ebs_snapshots,
            delete_after_event: _,
        } = lifecycle;
        let delete_field = format!("{field}.delete_after_days");
        let delete_after = delete_after_days.map(|days| self.note(&delete_field, Lifecycle::parse_days(days)));
        let retention = match (proto::Retention::try_from(retention), delete_after) {
            (Ok(proto::Retention::Unspecified | proto::Retention::Days), None) => Ok(Lifecycle::DEFAULT.retention),
            (Ok(proto::Retention::Unspecified | proto::Retention::Days), Some(days)) => days.map(Retention::Days),
            (Ok(proto::Retention::Forever), None) => Ok(Retention::Forever),
            (Ok(proto::Retention::Forever), Some(_)) => {
                Err(self.fault(&delete_field, "contradicts RETENTION_FOREVER: leave one of the two out"))
            }
            (Err(_), _) => Err(self.fault(
                &format!("{field}.retention"),
                format!("{retention} is not a Retention: give RETENTION_DAYS or RETENTION_FOREVER, or leave it blank"),
            )),
        };
        let cold_field = format!("{field}.move_to_cold_storage_after_days");
        let cold_after_days =
            move_to_cold_storage_after_days.map(|days| self.note(&cold_field, Lifecycle::parse_days(days))).transpose();
        let lifecycle =
            Lifecycle { cold_after_days: cold_after_days?, archive_ebs_snapshots, ..Lifecycle::kept(retention?) };
        self.note(&delete_field, lifecycle.check())
    }
}

impl From<Lifecycle> for proto::Lifecycle {
    fn from(lifecycle: Lifecycle) -> Self {
        let (retention, delete_after_days) = match lifecycle.retention {
            Retention::Days(days) => (proto::Retention::Days, Some(days.into())),
            Retention::Forever => (proto::Retention::Forever, None),
        };
        Self {
            retention: retention.into(),
            delete_after_days,
            move_to_cold_storage_after_days: lifecycle.cold_after_days.map(Into::into),
            archive_ebs_snapshots: lifecycle.archive_ebs_snapshots,
            delete_after_event: lifecycle.delete_after_event.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Invalid, Violation};

    fn read(lifecycle: Option<proto::Lifecycle>) -> Result<Lifecycle, Vec<Violation>> {
        let mut reader = Reader::new(None);
        let lifecycle = reader.lifecycle("lifecycle", lifecycle);
        reader.conclude(|| lifecycle).map(|asked| asked.what).map_err(|Invalid { violations }| violations)
    }

    fn asked(retention: proto::Retention, delete: Option<i32>, cold: Option<i32>) -> proto::Lifecycle {
        proto::Lifecycle {
            retention: retention.into(),
            delete_after_days: delete,
            move_to_cold_storage_after_days: cold,
            ..proto::Lifecycle::default()
        }
    }

    #[test]
    fn what_is_left_out_is_35_days_and_for_ever_must_be_said() {
        use proto::Retention as R;
        let days = |days| Lifecycle::kept(Retention::Days(days));
        for (lifecycle, meant) in [
            (None, days(35)),
            (Some(proto::Lifecycle::default()), days(35)),
            (Some(asked(R::Days, None, None)), days(35)),
            (Some(asked(R::Unspecified, Some(7), None)), days(7)),
            (Some(asked(R::Forever, None, Some(1))), Lifecycle { cold_after_days: Some(1), ..Lifecycle::FOREVER }),
            (Some(asked(R::Days, Some(120), Some(30))), Lifecycle { cold_after_days: Some(30), ..days(120) }),
        ] {
            assert_eq!(read(lifecycle.clone()), Ok(meant), "{lifecycle:?}");
        }
    }

    #[test]
    fn contradictions_are_faults_of_their_fields() {
        use proto::Retention as R;
        for (lifecycle, fields) in [
            (asked(R::Forever, Some(7), None), vec!["lifecycle.delete_after_days"]),
            (
                asked(R::Days, Some(0), Some(-1)),
                vec!["lifecycle.delete_after_days", "lifecycle.move_to_cold_storage_after_days"],
            ),
            (asked(R::Days, Some(36_501), None), vec!["lifecycle.delete_after_days"]),
            (asked(R::Unspecified, None, Some(30)), vec!["lifecycle.delete_after_days"]),
            (asked(R::Days, Some(119), Some(30)), vec!["lifecycle.delete_after_days"]),
            (proto::Lifecycle { retention: 99, ..proto::Lifecycle::default() }, vec!["lifecycle.retention"]),
        ] {
            let told = read(Some(lifecycle.clone())).unwrap_err();
            let told: Vec<_> = told.iter().map(|violation| violation.field.as_str()).collect();
            assert_eq!(told, fields, "{lifecycle:?}");
        }
    }

    #[test]
    fn an_answer_is_read_back_as_it_was() {
        let cold = Lifecycle { cold_after_days: Some(7), archive_ebs_snapshots: true, ..Lifecycle::FOREVER };
        for lifecycle in [Lifecycle::DEFAULT, cold] {
            assert_eq!(read(Some(lifecycle.clone().into())), Ok(lifecycle));
        }
    }
}
