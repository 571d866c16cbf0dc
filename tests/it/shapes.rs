//! What the shapes of the API promise, whatever the noun: held for every RPC by the descriptor set.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value};
use strongroom::proto::FILE_DESCRIPTOR_SET;

const PACKAGE: &str = "strongroom.v1";

pub(crate) fn pool() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap()
}

/// Every RPC of the API.
pub(crate) fn methods() -> Vec<MethodDescriptor> {
    let services: Vec<_> = pool().services().filter(|service| service.package_name() == PACKAGE).collect();
    services.iter().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

pub(crate) fn reads(method: &MethodDescriptor) -> bool {
    const NO_SIDE_EFFECTS: i32 = 1;
    let options = method.method_descriptor_proto().options.clone().unwrap_or_default();
    options.idempotency_level == Some(NO_SIDE_EFFECTS)
}

/// Every RPC that changes something.
pub(crate) fn changes() -> Vec<MethodDescriptor> {
    methods().into_iter().filter(|method| !reads(method)).collect()
}

/// Those that change something at AWS: what changes the ledger alone needs something there first, see `incidents`.
pub(crate) fn changes_of_aws() -> Vec<MethodDescriptor> {
    let of_us_alone = ["AcknowledgeIncident", "Approve", "Reject", "RequestApproval"];
    changes().into_iter().filter(|method| !of_us_alone.contains(&method.name())).collect()
}

/// What `google.api.field_behavior` says of a field, by number.
fn behavior(field: &FieldDescriptor) -> Vec<i32> {
    let extension = field.parent_pool().get_extension_by_name("google.api.field_behavior").unwrap();
    let said = field.options().get_extension(&extension).into_owned();
    said.as_list().unwrap_or_default().iter().filter_map(Value::as_enum_number).collect()
}

const REQUIRED: i32 = 2;
const OUTPUT_ONLY: i32 = 3;

/// The fields that a request can set, down to the last message, as paths.
fn inputs(message: &MessageDescriptor, above: &str, found: &mut Vec<(String, FieldDescriptor)>) {
    for field in message.fields().filter(|field| !behavior(field).contains(&OUTPUT_ONLY)) {
        let path = format!("{above}.{}", field.name());
        if let Kind::Message(of) = field.kind()
            && of.package_name() == PACKAGE
            && !field.is_map()
        {
            inputs(&of, &path, found);
        }
        found.push((path, field));
    }
}

/// The fields that a request can set, but those that hold others, as paths from the request.
pub(crate) fn inputs_of(method: &MethodDescriptor) -> Vec<String> {
    let mut found = Vec::new();
    inputs(&method.input(), method.input().name(), &mut found);
    let holds = |field: &FieldDescriptor| match field.kind() {
        Kind::Message(of) => of.package_name() == PACKAGE && !field.is_map(),
        _ => false,
    };
    found.into_iter().filter(|(_, field)| !holds(field)).map(|(path, _)| path).collect()
}

fn all_inputs() -> Vec<(String, FieldDescriptor)> {
    let mut found = Vec::new();
    for method in methods() {
        inputs(&method.input(), method.input().name(), &mut found);
    }
    found
}

fn field(message: &MessageDescriptor, name: &str) -> Option<String> {
    message.get_field_by_name(name).map(|field| format!("{:?}", field.kind()))
}

#[test]
fn every_rpc_is_a_read_by_name_and_option_or_a_change() {
    const VERBS: [&str; 9] =
        ["Get", "List", "Preview", "Explain", "PlanRestore", "Summarize", "Wait", "Watch", "WhoAmI"];
    for method in methods() {
        let by_name = VERBS.iter().any(|verb| method.name().starts_with(verb));
        assert_eq!(reads(&method), by_name, "{}", method.name());
    }
    assert!(changes().len() >= 25 && methods().len() >= 50);
}

#[test]
fn every_change_can_be_repeated_and_only_checked_and_says_what_it_found() {
    for method in changes() {
        let (request, answer) = (method.input(), method.output());
        assert_eq!(field(&request, "request_id").as_deref(), Some("string"), "{}", request.name());
        assert_eq!(field(&request, "validate_only").as_deref(), Some("bool"), "{}", request.name());
        assert_eq!(field(&answer, "request_id").as_deref(), Some("string"), "{}", answer.name());
        assert!(answer.get_field_by_name("findings").is_some(), "{}", answer.name());
        assert!(answer.get_field_by_name("warnings").is_none(), "{}", answer.name());
    }
}

#[test]
fn every_deletion_is_answered_in_one_shape() {
    for method in changes().into_iter().filter(|method| method.name().starts_with("Delete")) {
        let told: Vec<String> = method.output().fields().take(4).map(|field| field.name().to_owned()).collect();
        assert_eq!(told, ["deleted", "delete_time", "findings", "request_id"], "{}", method.name());
    }
}

#[test]
fn inputs_are_named_by_the_noun_and_only_answers_say_arn_id_or_name() {
    const ENDS: [&str; 7] = ["_arn", "_arns", "_id", "_ids", "_name", "_names", "_identifier"];
    // The settings of a database that a restore makes are called as RDS calls them.
    const RDS: [&str; 2] = ["RdsInstanceRestore", "RdsClusterRestore"];
    let named: BTreeSet<String> = all_inputs()
        .into_iter()
        .filter(|(_, field)| !RDS.contains(&field.parent_message().name()))
        .filter(|(_, field)| ENDS.iter().any(|end| field.name().ends_with(end)))
        .map(|(path, _)| path)
        .filter(|path| !path.ends_with(".request_id"))
        .collect();
    assert!(named.is_empty(), "{named:?}");
}

#[test]
fn everything_that_is_listed_says_where_it_is() {
    let mut lists = 0;
    for method in methods().into_iter().filter(|method| method.output().get_field_by_name("next_page_token").is_some())
    {
        let answer = method.output();
        // How far what is remembered goes is said beside what is listed.
        let beside = |field: &FieldDescriptor| ["findings", "scopes"].contains(&field.name());
        let items: Vec<_> = answer.fields().filter(|field| field.is_list() && !beside(field)).collect();
        let [items] = items.as_slice() else { panic!("{} has one list", answer.name()) };
        let Kind::Message(item) = items.kind() else { panic!("{} lists things", answer.name()) };
        assert!(item.get_field_by_name("scope").is_some(), "{} of {}", item.name(), answer.name());
        // The record is the server's own, and of all accounts and regions.
        let of_the_server = method.name() == "ListAuditEvents";
        for paging in ["page_size", "page_token", "scope"].into_iter().filter(|it| !of_the_server || *it != "scope") {
            assert!(method.input().get_field_by_name(paging).is_some(), "{paging} of {}", method.input().name());
        }
        lists += 1;
    }
    assert!(lists >= 9, "the walk finds the lists: {lists}");
}

#[test]
fn spans_and_counts_of_time_have_one_width_and_one_word() {
    let messages: Vec<MessageDescriptor> =
        pool().all_messages().filter(|message| message.package_name() == PACKAGE).collect();
    for field in messages.iter().flat_map(MessageDescriptor::fields) {
        let name = field.full_name().to_owned();
        if ["_days", "_minutes", "_seconds"].iter().any(|unit| field.name().ends_with(unit)) {
            assert_eq!(field.kind(), Kind::Int32, "{name}");
        }
        let kind = format!("{:?}", field.kind());
        assert!(!kind.contains("google.protobuf.Duration"), "{name}");
        assert!(!["observe_time", "after", "before", "read_time"].contains(&field.name()), "{name}");
    }
}

#[test]
fn what_is_required_and_what_is_only_told_stands_in_the_descriptors() {
    let required = |message: &str, name: &str| {
        let message = pool().get_message_by_name(&format!("{PACKAGE}.{message}")).unwrap();
        behavior(&message.get_field_by_name(name).unwrap())
    };
    assert_eq!(required("StartBackupRequest", "resource"), [REQUIRED]);
    assert_eq!(required("Rule", "id"), [OUTPUT_ONLY]);
    assert_eq!(required("ListJobsRequest", "filter"), [0; 0]);
    let extension = pool().get_extension_by_name("google.api.field_behavior").unwrap();
    assert_eq!((extension.number(), extension.parent_file().name()), (1052, "google/api/field_behavior.proto"));
}

#[test]
fn every_file_says_its_package_to_go_java_and_csharp() {
    for file in pool().files().filter(|file| file.package_name() == PACKAGE) {
        let options = file.file_descriptor_proto().options.clone().unwrap_or_default();
        assert!(options.go_package().ends_with("strongroom/v1;strongroomv1"), "{}", file.name());
        assert!(options.java_package().ends_with("strongroom.v1"), "{}", file.name());
        assert_eq!(options.csharp_namespace(), "Strongroom.V1", "{}", file.name());
    }
}
