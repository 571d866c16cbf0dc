//! The API as this program was built with: methods, their messages, what is asked of their fields, and the comments of
//! the proto as help texts.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, EnumValueDescriptor, ExtensionDescriptor, FieldDescriptor,
    FileDescriptor, MessageDescriptor, MethodDescriptor, OneofDescriptor, SerializeOptions, Value,
};

use super::{ActionGroup, FILE_DESCRIPTOR_SET, Thing};

static POOL: LazyLock<DescriptorPool> =
    // An empty pool has no methods: every command then says that it cannot be found, and a test that none is.
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap_or_default());

static FIELD_BEHAVIOR: LazyLock<Option<ExtensionDescriptor>> =
    LazyLock::new(|| POOL.get_extension_by_name("google.api.field_behavior"));

/// Of annotations.proto, in the order of [`Annotation`].
static ANNOTATIONS: LazyLock<[Option<ExtensionDescriptor>; 5]> = LazyLock::new(|| {
    ["names", "filters", "makes", "item", "action_group"]
        .map(|name| POOL.get_extension_by_name(&format!("{PACKAGE}.{name}")))
});

/// What the API says of a field, a message or a method for access policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Annotation {
    Names,
    Filters,
    Makes,
    Item,
    ActionGroup,
}

/// The package of the API.
const PACKAGE: &str = "strongroom.v1";

/// `REQUIRED` and `OUTPUT_ONLY` of `google.api.FieldBehavior`.
const REQUIRED: i32 = 2;
const OUTPUT_ONLY: i32 = 3;

/// The method of a path such as `VaultService/GetVault`.
pub fn method(path: &str) -> Option<MethodDescriptor> {
    let (service, name) = path.split_once('/')?;
    let service = POOL.get_service_by_name(&format!("{PACKAGE}.{service}"))?;
    service.methods().find(|method| method.name() == name)
}

/// The message of a name such as `Job`.
pub fn message(name: &str) -> Option<MessageDescriptor> {
    POOL.get_message_by_name(&format!("{PACKAGE}.{name}"))
}

/// A message in protobuf's JSON, as `-o json` shows it.
pub fn json_of(name: &str, of: &impl Message) -> serde_json::Value {
    let whole = message(name).and_then(|kind| {
        let mut whole = DynamicMessage::new(kind);
        whole.transcode_from(of).ok()?;
        let mut whole = whole.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new()).ok()?;
        whole.sort_all_objects();
        Some(whole)
    });
    // Every message of the API is in its descriptors.
    whole.unwrap_or_default()
}

/// Every unary method of the API, such as `VaultService/GetVault`.
pub fn methods() -> Vec<String> {
    methods_that(|method| !method.is_client_streaming() && !method.is_server_streaming())
}

/// Every method of the API that answers with a stream, such as `JobService/WatchJobs`.
pub fn streams() -> Vec<String> {
    methods_that(MethodDescriptor::is_server_streaming)
}

fn methods_that(fits: impl Fn(&MethodDescriptor) -> bool) -> Vec<String> {
    let services = POOL.services().filter(|service| service.full_name().starts_with(PACKAGE));
    services
        .flat_map(|service| service.methods().filter(&fits).collect::<Vec<_>>())
        .map(|method| format!("{}/{}", method.parent_service().name(), method.name()))
        .collect()
}

/// Whether a method changes nothing.
pub fn is_read(method: &MethodDescriptor) -> bool {
    let proto = method.method_descriptor_proto();
    let level = proto.options.as_ref().map(prost_types::MethodOptions::idempotency_level);
    level == Some(prost_types::method_options::IdempotencyLevel::NoSideEffects)
}

/// A message or enum's name inside the package; the full name of what is not of the package.
pub fn short(full_name: &str) -> &str {
    full_name.strip_prefix(PACKAGE).map_or(full_name, |name| name.trim_start_matches('.'))
}

/// A request without the field is a fault.
pub fn is_required(field: &FieldDescriptor) -> bool {
    is(field, REQUIRED)
}

/// Only the server sets the field.
pub fn is_output_only(field: &FieldDescriptor) -> bool {
    is(field, OUTPUT_ONLY)
}

/// What the field holds stays out of every record: it is a secret, or whoever has it may do something.
pub fn is_secret(field: &FieldDescriptor) -> bool {
    let options = field.options();
    options.get_field_by_name("debug_redact").is_some_and(|said| said.as_bool() == Some(true))
}

/// What the field names, by a name, an id or an ARN.
pub fn names(field: &FieldDescriptor) -> Option<Thing> {
    thing(&field.options(), Annotation::Names)
}

/// What the field looks for among what is listed.
pub fn filters(field: &FieldDescriptor) -> Option<Thing> {
    thing(&field.options(), Annotation::Filters)
}

/// What the request makes under the name that the field gives.
pub fn makes(field: &FieldDescriptor) -> Option<Thing> {
    thing(&field.options(), Annotation::Makes)
}

/// What a message of an answer tells of.
pub fn item(message: &MessageDescriptor) -> Option<Thing> {
    thing(&message.options(), Annotation::Item)
}

/// The group of actions that the method's own is of, if it is of one.
pub fn action_group(method: &MethodDescriptor) -> Option<ActionGroup> {
    let number = annotated(&method.options(), Annotation::ActionGroup)?;
    ActionGroup::try_from(number).ok().filter(|group| *group != ActionGroup::Unspecified)
}

fn thing(options: &DynamicMessage, annotation: Annotation) -> Option<Thing> {
    Thing::try_from(annotated(options, annotation)?).ok().filter(|thing| *thing != Thing::Unspecified)
}

fn annotated(options: &DynamicMessage, annotation: Annotation) -> Option<i32> {
    let extension = ANNOTATIONS[annotation as usize].as_ref()?;
    options.has_extension(extension).then(|| options.get_extension(extension).as_enum_number()).flatten()
}

fn is(field: &FieldDescriptor, behavior: i32) -> bool {
    let Some(extension) = FIELD_BEHAVIOR.as_ref() else { return false };
    let options = field.options();
    let said = options.get_extension(extension);
    said.as_list().unwrap_or_default().contains(&Value::EnumNumber(behavior))
}

/// The oneof that a field is a member of. Not the one that stands for the presence of an `optional` field.
pub fn oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
}

/// A name such as `JobState` in the spelling of constants: `JOB_STATE`.
pub fn constant(name: &str) -> String {
    let mut spelled = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !spelled.is_empty() {
            spelled.push('_');
        }
        spelled.push(letter.to_ascii_uppercase());
    }
    spelled
}

/// An enum's value without the words that every value of the enum begins with: `COMPLETED` of `JOB_STATE_COMPLETED`.
pub fn value_name(of: &EnumDescriptor, value: &EnumValueDescriptor) -> String {
    let prefix = constant(of.name()) + "_";
    value.name().strip_prefix(&prefix).unwrap_or(value.name()).to_owned()
}

/// What the proto says about a method, without the AWS permissions that the server needs for it: those are the last
/// paragraph of every RPC's comment.
pub fn about_method(method: &MethodDescriptor) -> String {
    let mut paragraphs = paragraphs(&comment(&method.parent_file(), method.path()));
    paragraphs.pop();
    paragraphs.join("\n\n")
}

/// The RPCs that need a permission such as `backup:StartBackupJob`, by the last paragraphs of their comments.
pub fn needing(permission: &str) -> Vec<String> {
    let is_named = |path: &String| {
        let paragraphs = method(path).map(|method| paragraphs(&comment(&method.parent_file(), method.path())));
        let last = paragraphs.and_then(|mut paragraphs| paragraphs.pop()).unwrap_or_default();
        last.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-'))).any(|word| word == permission)
    };
    let name = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    methods().into_iter().filter(is_named).map(name).collect()
}

/// What the proto says about a field.
pub fn about_field(field: &FieldDescriptor) -> String {
    paragraphs(&comment(&field.parent_message().parent_file(), field.path())).join("\n\n")
}

/// What the proto says about a value of an enum.
pub fn about_value(value: &EnumValueDescriptor) -> String {
    paragraphs(&comment(&value.parent_enum().parent_file(), value.path())).join("\n\n")
}

/// A comment as it stands there, line by line.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|location| location.path == path));
    location.map(|location| location.leading_comments().to_owned()).unwrap_or_default()
}

/// What stands between empty lines, each on one line: whoever shows it breaks it to their own width.
fn paragraphs(comment: &str) -> Vec<String> {
    let lines: Vec<&str> = comment.lines().map(str::trim).collect();
    let paragraphs = lines.split(|line| line.is_empty()).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| paragraph.join(" ")).collect()
}

/// The first sentence, for where there is one line: without its full stop.
pub fn first_sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let end = line.find(". ").unwrap_or(line.len());
    line[..end].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_says_what_it_does_and_names_its_permissions_in_the_last_paragraph() {
        // `service:Action`, and no path or sentence with a colon.
        let is_action = |word: &str| {
            word.trim_end_matches([',', '.', ';', ')']).split_once(':').is_some_and(|(service, action)| {
                service.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')
                    && action.starts_with(|letter: char| letter.is_ascii_uppercase())
            })
        };
        for rpc in methods() {
            let method = method(&rpc).unwrap();
            let paragraphs = paragraphs(&comment(&method.parent_file(), method.path()));
            assert!(paragraphs.len() >= 2, "{rpc}: {paragraphs:?}");
            let (last, about) = paragraphs.split_last().unwrap();
            let of_us_alone = [
                "AccessService/GetApproval",
                "AccessService/ListApprovals",
                "AccessService/ListAuditEvents",
                "AccessService/Reject",
                "AccessService/WhoAmI",
                "JobService/SummarizeJobs",
                "ProtectionService/AcknowledgeIncident",
                "ProtectionService/GetCoverage",
                "ProtectionService/ListIncidents",
                "ProtectionService/ListProtection",
            ];
            if of_us_alone.contains(&rpc.as_str()) {
                assert_eq!(last, "AWS permission: none.", "{rpc}");
            } else {
                assert!(last.split_whitespace().any(is_action), "{rpc}: {last}");
            }
            assert_eq!(about_method(&method), about.join("\n\n"), "{rpc}");
            assert!(!about.iter().any(|text| text.split_whitespace().any(is_action)), "{rpc}: {about:?}");
        }
    }

    #[test]
    fn what_is_asked_of_a_field_is_read_from_its_options() {
        let input = method("PlanService/CreatePlan").unwrap().input();
        let field = |name: &str| input.get_field_by_name(name).unwrap();
        assert!(is_required(&field("name")) && !is_required(&field("tags")));
        let rule = field("rules").kind().as_message().unwrap().clone();
        let id = rule.get_field_by_name("id").unwrap();
        assert!(is_output_only(&id) && !is_output_only(&rule.get_field_by_name("name").unwrap()));
    }
}
