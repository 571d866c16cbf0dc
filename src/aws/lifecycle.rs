//! Lifecycles in AWS's shape.

use aws_sdk_backup::types;

use crate::domain::{Lifecycle, Retention};

/// As AWS takes it: what is left out is for ever, or never.
pub(super) fn to_aws(lifecycle: &Lifecycle) -> types::Lifecycle {
    let delete_after = match lifecycle.retention {
        Retention::Days(days) => Some(i64::from(days)),
        Retention::Forever => None,
    };
    types::Lifecycle::builder()
        .set_delete_after_days(delete_after)
        .set_move_to_cold_storage_after_days(lifecycle.cold_after_days.map(i64::from))
        .set_opt_in_to_archive_for_supported_resources(lifecycle.archive_ebs_snapshots.then_some(true))
        .build()
}

/// As AWS tells it. Other tools say "never" by leaving a member out, by 0 or by -1.
pub(super) fn from_aws(lifecycle: &types::Lifecycle) -> Lifecycle {
    let days = |days: Option<i64>| days.filter(|days| *days > 0).map(|days| u16::try_from(days).unwrap_or(u16::MAX));
    Lifecycle {
        retention: days(lifecycle.delete_after_days).map_or(Retention::Forever, Retention::Days),
        cold_after_days: days(lifecycle.move_to_cold_storage_after_days),
        archive_ebs_snapshots: lifecycle.opt_in_to_archive_for_supported_resources.unwrap_or_default(),
        delete_after_event: lifecycle.delete_after_event.as_ref().map(|event| event.as_str().to_owned()),
    }
}
