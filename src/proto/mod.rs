//! The wire types of `strongroom.v1`, and the API as data: what every door that knows no message by its type works from.
//!
//! * The types and service traits are generated from `proto/`.
//! * [`descriptors`] — methods, fields, comments and what is asked of a field; [`dynamic_codec`] — calls whose messages are
//!   known by their descriptors alone.

pub mod descriptors;
pub mod dynamic_codec;

pub use self::generated::*;

/// Descriptors of the whole package, for reflection and for tests that walk the API.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/strongroom.bin"));

#[expect(
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    reason = "generated code"
)]
mod generated {
    tonic::include_proto!("strongroom.v1");
}
