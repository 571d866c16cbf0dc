//! The AWS adapter: the only importer of the AWS SDK. One value, [`Aws`], gives a [`Scoped`] for an account and region,
//! which has every operation, one file a noun; [`call`] is the one door.

mod account;
mod as_json;
mod attempts;
mod backups;
mod budget;
mod call;
mod client;
mod clock;
mod continuous_ends;
mod copies;
mod error;
pub mod events;
mod flights;
mod followed;
mod global_settings;
mod job_answers;
mod jobs;
mod keys;
mod legal_holds;
mod lifecycle;
mod looks;
mod missing;
mod pages;
mod patience;
mod permissions;
mod plans;
mod propagation;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod protection;
pub mod queue;
mod recovery_point_changes;
mod recovery_points;
mod resources;
mod restores;
mod roles;
mod scoped;
mod selections;
mod survey;
pub mod sweeps;
mod tags;
#[cfg(feature = "sandbox")]
#[cfg(test)]
mod tests;
mod unmatched;
mod vault_deletion;
mod vault_lock;
mod vault_settings;
mod vaults;
mod whole;

pub use client::Aws;
pub(crate) use error::chain;
pub use error::{Effect, Error, Failure, FailureKind};
pub use patience::Detection;
pub use permissions::{Lack, Permissions, Why};
pub use scoped::Scoped;

use jiff::Timestamp;

/// AWS's time as ours; one that no calendar holds is left out. AWS counts in milliseconds and sends a decimal fraction,
/// which the SDK reads through a float: rounded, the same instant is the same in every answer.
fn time(date: Option<&aws_smithy_types::DateTime>) -> Option<Timestamp> {
    let date = date?;
    let exact = Timestamp::new(date.secs(), i32::try_from(date.subsec_nanos()).ok()?).ok()?;
    exact.round(jiff::Unit::Millisecond).ok()
}

/// Our time as AWS's.
fn date(at: Timestamp) -> aws_smithy_types::DateTime {
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or_default();
    aws_smithy_types::DateTime::from_secs_and_nanos(at.as_second(), nanos)
}

/// For filters whose start AWS takes as exclusive, or as inclusive: it does not say `[U]`, and counts in milliseconds. A
/// start one of them earlier is inclusive either way.
fn just_before(at: Timestamp) -> aws_smithy_types::DateTime {
    date(at.saturating_sub(jiff::SignedDuration::from_millis(1)).unwrap_or(at))
}
