//! The wire types of `strongroom.v1`, and the API as data: what every door that knows no message by its type works from.
//!
//! * The types and service traits are generated from `proto/`.
//! * [`descriptors`] — methods, fields, comments and what is asked of a field; [`dynamic_codec`] — calls whose messages are
//!   known by their descriptors alone.

pub mod descriptors;
pub mod dynamic_codec;

use prost::{DecodeError, Message};
use prost_types::FileDescriptorSet;

pub use self::generated::*;

/// Descriptors of the whole package, for reflection and for tests that walk the API.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/strongroom.bin"));

/// Descriptors of `google.rpc`: the messages in the details of errors, which no request or answer leads to. Clients ask
/// reflection for them by name, to read what stands in an `Any`. tonic-types has them without the folder of their files,
/// under which everybody else knows them.
pub fn error_details() -> Result<FileDescriptorSet, DecodeError> {
    let mut set = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET)?;
    for file in set.file.iter_mut().filter(|file| file.package() == "google.rpc") {
        file.name = Some(format!("google/rpc/{}", file.name()));
    }
    Ok(set)
}

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
