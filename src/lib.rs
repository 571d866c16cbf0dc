//! Strongroom: a gRPC control plane for AWS Backup.
//!
//! The map in miniature; calls go `rpc → aws → domain`, down once and up once:
//!
//! * [`cli`] — the command line; [`app`] — the composition root.
//! * [`rpc`] — the gRPC face; [`aws`] — the adapter; [`domain`] — nouns and rules, pure.
//! * [`config`] — file, environment and flags; [`lifecycle`] — signals and shutdown; [`telemetry`] — logs, traces, metrics.
//! * [`proto`] — the wire types, generated from `proto/`.

pub mod app;
pub mod aws;
pub mod cli;
pub mod config;
pub mod domain;
pub mod lifecycle;
pub mod rpc;
pub mod telemetry;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Target and profile it was built for, such as `x86_64-unknown-linux-gnu release`.
pub const BUILD: &str = env!("BUILT_FOR");

/// The wire types and service traits of `strongroom.v1`, generated from `proto/`.
#[expect(
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod proto {
    tonic::include_proto!("strongroom.v1");

    /// Descriptors of the whole package, for reflection and for tests that walk the API.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/strongroom.bin"));
}
