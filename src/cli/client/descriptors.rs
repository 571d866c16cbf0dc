//! The API as this program was built with: methods, their messages, and the comments of the proto as help texts.

use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FileDescriptor, MethodDescriptor,
};

use crate::proto::FILE_DESCRIPTOR_SET;

static POOL: LazyLock<DescriptorPool> =
    // An empty pool has no methods: every command then says that it cannot be found, and a test that none is.
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap_or_default());

/// The package of the API.
const PACKAGE: &str = "strongroom.v1";

/// The method of a path such as `VaultService/GetVault`.
pub(super) fn method(path: &str) -> Option<MethodDescriptor> {
    let (service, name) = path.split_once('/')?;
    let service = POOL.get_service_by_name(&format!("{PACKAGE}.{service}"))?;
    service.methods().find(|method| method.name() == name)
}

/// A message or enum's name inside the package; the full name of what is not of the package.
pub(super) fn short(full_name: &str) -> &str {
    full_name.strip_prefix(PACKAGE).map_or(full_name, |name| name.trim_start_matches('.'))
}

/// An enum's value without the words that every value of the enum begins with: `COMPLETED` of `JOB_STATE_COMPLETED`.
pub(super) fn value_name(of: &EnumDescriptor, value: &EnumValueDescriptor) -> String {
    let mut prefix = String::new();
    for letter in of.name().chars() {
        if letter.is_uppercase() && !prefix.is_empty() {
            prefix.push('_');
        }
        prefix.push(letter.to_ascii_uppercase());
    }
    prefix.push('_');
    value.name().strip_prefix(&prefix).unwrap_or(value.name()).to_owned()
}

/// What the proto says about a method, without the AWS permissions that the server needs for it.
pub(super) fn about_method(method: &MethodDescriptor) -> String {
    let text = comment(&method.parent_file(), method.path());
    text.split("AWS permission").next().unwrap_or_default().trim().to_owned()
}

/// What the proto says about a field.
pub(super) fn about_field(field: &FieldDescriptor) -> String {
    comment(&field.parent_message().parent_file(), field.path())
}

/// What the proto says about a value of an enum.
pub(super) fn about_value(value: &EnumValueDescriptor) -> String {
    comment(&value.parent_enum().parent_file(), value.path())
}

fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|location| location.path == path));
    let text = location.map(prost_types::source_code_info::Location::leading_comments).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first sentence, as clap's short help wants it: without its full stop.
pub(super) fn first_sentence(text: &str) -> String {
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

/// Every unary method of the API, such as `VaultService/GetVault`.
#[cfg(test)]
pub(super) fn methods() -> Vec<String> {
    let services = POOL.services().filter(|service| service.full_name().starts_with(PACKAGE));
    let unary = |method: &MethodDescriptor| !method.is_client_streaming() && !method.is_server_streaming();
    services
        .flat_map(|service| service.methods().filter(unary).collect::<Vec<_>>())
        .map(|method| format!("{}/{}", method.parent_service().name(), method.name()))
        .collect()
}
