//! The AWS adapter: the only importer of the AWS SDK. One value, [`Aws`]; one file a noun; [`call`] is the one door.

mod account;
mod attempts;
mod call;
mod client;
mod error;
mod lifecycle;
mod plans;
mod propagation;
mod resources;
mod roles;
mod selections;
mod tags;
mod vaults;

pub use account::Account;
pub use client::{Aws, Identity};
pub(crate) use error::chain;
pub use error::{Effect, Error, Kind, Noun, Subject};
pub use resources::ResourceFilter;

use jiff::Timestamp;

/// AWS's time as ours; one that no calendar holds is left out.
fn time(date: Option<&aws_smithy_types::DateTime>) -> Option<Timestamp> {
    let date = date?;
    Timestamp::new(date.secs(), i32::try_from(date.subsec_nanos()).ok()?).ok()
}
