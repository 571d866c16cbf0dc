//! Strongroom: a gRPC control plane for AWS Backup.
//!
//! The map in miniature; calls go `rpc → aws → domain`, down once and up once:
//!
//! * [`proto`] — the wire types, generated from `proto/`.

/// The wire types and service traits of `strongroom.v1`, generated from `proto/`.
#[expect(unused_qualifications, reason = "generated code")]
pub mod proto {
    tonic::include_proto!("strongroom.v1");

    /// Descriptors of the whole package, for reflection and for tests that walk the API.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/strongroom.bin"));
}
