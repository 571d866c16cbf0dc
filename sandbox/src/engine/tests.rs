//! The engine and the operations it makes happen, told as stories on one clock.

#![expect(clippy::needless_pass_by_value, reason = "a story reads better without a borrow before every json!(…)")]

mod continuous;
mod copies;
mod events;
mod failures;
mod harness;
mod holds;
mod jobs;
mod machine;
mod point_in_time;
mod points;
mod restores;
