//! Lifecycles in AWS's shape.

use aws_sdk_backup::types;

use crate::domain::{Lifecycle, Retention};

/// AWS's number for "never", of either member `[M]`: "specify -1 to keep your recovery points indefinitely".
const NEVER: i64 = -1;

/// As AWS takes it of what is new, where nothing else can be meant by what is left out: for ever, or never `[M][T]`.
pub(super) fn to_aws(lifecycle: &Lifecycle) -> types::Lifecycle {
    types::Lifecycle::builder()
        .set_delete_after_days(lifecycle.retention.days().map(i64::from))
        .set_move_to_cold_storage_after_days(lifecycle.cold_after_days.map(i64::from))
        .set_opt_in_to_archive_for_supported_resources(lifecycle.archive_ebs_snapshots.then_some(true))
        .build()
}

/// As AWS takes it where what is left out has another reading: of a copy, the original's lifecycle `[D]`; of a recovery
/// point, the present one, for AWS may pass over an empty lifecycle `[U]`. So "for ever" is said. Cold storage is left
/// out where the recovery point has none that could stay, unless the lifecycle would be empty but for it.
pub(super) fn in_full(lifecycle: &Lifecycle, present: Option<&Lifecycle>) -> types::Lifecycle {
    let forever = lifecycle.retention == Retention::Forever;
    let never = forever || present.is_some_and(|present| present.cold_after_days.is_some());
    let mut said = to_aws(lifecycle);
    said.delete_after_days = said.delete_after_days.or(Some(NEVER));
    said.move_to_cold_storage_after_days = said.move_to_cold_storage_after_days.or(never.then_some(NEVER));
    said
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_ever_is_said_where_silence_has_another_reading() {
        let cold = |retention| Lifecycle { cold_after_days: Some(30), ..Lifecycle::kept(retention) };
        let warm = Lifecycle::kept;
        for (lifecycle, present, delete, moved) in [
            (warm(Retention::Forever), None, -1, Some(-1)),
            (warm(Retention::Forever), Some(warm(Retention::Days(35))), -1, Some(-1)),
            (cold(Retention::Forever), None, -1, Some(30)),
            (warm(Retention::Days(7)), Some(warm(Retention::Days(35))), 7, None),
            (warm(Retention::Days(7)), Some(cold(Retention::Days(365))), 7, Some(-1)),
            (cold(Retention::Days(365)), Some(warm(Retention::Forever)), 365, Some(30)),
        ] {
            let said = in_full(&lifecycle, present.as_ref());
            let told = (said.delete_after_days, said.move_to_cold_storage_after_days);
            assert_eq!(told, (Some(delete), moved), "{lifecycle:?} in place of {present:?}");
            assert_eq!(from_aws(&said), lifecycle, "and is read back");
        }
    }
}
