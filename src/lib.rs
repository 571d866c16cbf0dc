//! Strongroom: a gRPC control plane for AWS Backup.
//!
//! The map in miniature; calls go `rpc → aws → domain`, down once and up once:
//!
//! * [`cli`] — the command line; [`app`] — the composition root.
//! * [`rpc`] — the gRPC face; `aws` — the adapter; [`domain`] — nouns and rules, pure.
//! * [`config`] — file, environment and flags; [`lifecycle`] — signals and shutdown; `telemetry` — logs, traces, metrics.
//! * [`proto`] — the wire types, generated from `proto/`, and the API as data.
//!
//! What is `pub` here is what `main` and the tests over the wire need. The adapter and telemetry are private, so that the
//! compiler tells what of them nobody uses.

pub mod app;
#[cfg(not(fuzzing))]
#[expect(
    unreachable_pub,
    clippy::wrong_self_convention,
    reason = "what the adapter shows is marked `pub` in its files, and only `rpc` and `app` see it; `as_kind` takes an error over"
)]
mod aws;
#[cfg(fuzzing)]
pub mod aws;
pub mod cli;
pub mod config;
pub mod domain;
pub mod ledger;
pub mod lifecycle;
pub mod proto;
pub mod rpc;
mod telemetry;
#[expect(unreachable_pub, reason = "what the workers show is marked `pub` in their files, and only `app` sees it")]
mod workers;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Target and profile it was built for, such as `x86_64-unknown-linux-gnu release`.
pub const BUILD: &str = env!("BUILT_FOR");

/// The commit it was built from; `unknown` where the build could not tell.
pub const REVISION: &str = env!("BUILT_FROM");

/// The compiler it was built with, such as `rustc 1.95.0`.
pub const COMPILER: &str = env!("BUILT_WITH");
