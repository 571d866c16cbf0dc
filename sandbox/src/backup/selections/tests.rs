use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::backup::plans::tests::send;
use crate::call::{AwsError, Call};
use crate::iam;
use crate::query::Form;
use crate::world::World;

const ROLE: &str = "arn:aws:iam::123456789012:role/backup";

fn iam(world: &mut World, call: &Call, action: &str, members: &[(&str, &str)]) {
    let pairs = members.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let (_, handler) = iam::ACTIONS.iter().find(|(name, _)| *name == action).unwrap();
    handler(world, call, &Form::of_pairs(pairs)).unwrap();
}

/// A role that trusts AWS Backup, without permissions.
fn bare_role(world: &mut World, call: &Call, name: &str) -> String {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "backup.amazonaws.com" }, "Action": "sts:AssumeRole",
    }]});
    iam(world, call, "CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust.to_string())]);
    format!("arn:aws:iam::123456789012:role/{name}")
}

/// A role that AWS Backup can use for everything.
pub(in crate::backup) fn trusted_role(world: &mut World, call: &Call, name: &str) -> String {
    let arn = bare_role(world, call, name);
    let policy = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";
    iam(world, call, "AttachRolePolicy", &[("RoleName", name), ("PolicyArn", policy)]);
    arn
}

fn call() -> Call {
    Call::at("2027-01-01T00:00:00Z".parse().unwrap())
}

/// A world with a plan, and the path of the plan's selections.
fn planned() -> (World, String) {
    let mut world = World::default();
    trusted_role(&mut world, &call(), "backup");
    let body = json!({ "BackupPlan": { "BackupPlanName": "p", "Rules": [{ "RuleName": "r", "TargetBackupVaultName": "vault" }] } });
    let plan = send(&mut world, &call(), "PUT", "/backup/plans", &body).unwrap();
    let path = format!("/backup/plans/{}/selections", plan["BackupPlanId"].as_str().unwrap());
    (world, path)
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the members in place")]
fn selection(members: Value) -> Value {
    let mut whole = json!({ "SelectionName": "s", "IamRoleArn": ROLE });
    let members = members.as_object().unwrap();
    // A test that is about something else selects everything.
    if !["Resources", "NotResources", "ListOfTags", "Conditions"].iter().any(|member| members.contains_key(*member)) {
        whole["Resources"] = json!(["*"]);
    }
    whole.as_object_mut().unwrap().extend(members.clone());
    json!({ "BackupSelection": whole })
}

fn create(world: &mut World, path: &str, body: &Value) -> Result<Value, AwsError> {
    send(world, &call(), "PUT", path, body)
}

#[test]
fn a_selection_is_echoed_with_every_list() {
    let (mut world, path) = planned();
    // As Terraform sends it.
    let body = selection(json!({
        "Resources": ["arn:aws:rds:*:*:db:*"], "NotResources": [], "Conditions": {},
        "ListOfTags": [{ "ConditionType": "StringEquals", "ConditionKey": "a", "ConditionValue": "b" }],
    }));
    let made = create(&mut world, &path, &body).unwrap();
    let id = made["SelectionId"].as_str().unwrap();
    let shown = send(&mut world, &call(), "GET", &format!("{path}/{id}"), &json!(null)).unwrap();
    let expected = json!({
        "SelectionName": "s", "IamRoleArn": ROLE, "Resources": ["arn:aws:rds:*:*:db:*"], "NotResources": [],
        "ListOfTags": [{ "ConditionType": "STRINGEQUALS", "ConditionKey": "a", "ConditionValue": "b" }],
        "Conditions": { "StringEquals": [], "StringNotEquals": [], "StringLike": [], "StringNotLike": [] },
    });
    assert_eq!(shown["BackupSelection"], expected);
    assert_eq!(shown["SelectionId"], made["SelectionId"]);
    assert_eq!(shown["CreationDate"], 1_798_761_600);
    let listed = send(&mut world, &call(), "GET", &format!("{path}/"), &json!(null)).unwrap();
    let member = json!({
        "SelectionId": id, "SelectionName": "s", "BackupPlanId": made["BackupPlanId"], "CreationDate": 1_798_761_600,
        "IamRoleArn": ROLE,
    });
    assert_eq!(listed, json!({ "BackupSelectionsList": [member] }));
}

#[test]
fn conditions_come_back_as_they_were_sent() {
    let (mut world, path) = planned();
    let conditions = json!({
        "StringEquals": [{ "ConditionKey": "aws:ResourceTag/a", "ConditionValue": "b" }],
        "StringNotEquals": [{ "ConditionKey": "aws:ResourceTag/c", "ConditionValue": "" }],
        "StringLike": [{ "ConditionKey": "aws:ResourceTag/d", "ConditionValue": "x*" }],
        "StringNotLike": [{ "ConditionKey": "aws:ResourceTag/e", "ConditionValue": "*y" }],
    });
    let made = create(&mut world, &path, &selection(json!({ "Resources": ["*"], "Conditions": conditions }))).unwrap();
    let one = format!("{path}/{}", made["SelectionId"].as_str().unwrap());
    let shown = send(&mut world, &call(), "GET", &one, &json!(null)).unwrap();
    assert_eq!(shown["BackupSelection"]["Conditions"], conditions);
}

#[test]
fn a_selection_without_resources_and_tags_is_refused_in_the_words_of_aws() {
    let (mut world, path) = planned();
    let condition = json!({ "StringEquals": [{ "ConditionKey": "aws:ResourceTag/a", "ConditionValue": "b" }] });
    for members in [
        json!({ "Resources": [] }),
        json!({ "Conditions": condition }),
        json!({ "NotResources": ["arn:aws:rds:*:*:db:*"] }),
        json!({ "NotResources": ["arn:aws:rds:*:*:db:*"], "Conditions": condition, "Resources": [], "ListOfTags": [] }),
    ] {
        let refused = create(&mut world, &path, &selection(members.clone())).unwrap_err();
        assert_eq!(refused.code, "InvalidParameterValueException", "{members}");
        let words = "Invalid backup selection. Either 'ListOfTags' or 'Resources' section must be non-empty.";
        assert_eq!(refused.message, words, "{members}");
    }
    create(&mut world, &path, &selection(json!({ "Resources": ["*"], "Conditions": condition }))).unwrap();
}

#[test]
fn bad_selections_are_refused_with_the_value_at_fault() {
    let tag = |key: &str| json!({ "ConditionType": "STRINGEQUALS", "ConditionKey": key, "ConditionValue": "v" });
    let arns = |count: usize, arn: &str| vec![arn.to_owned(); count];
    for (body, code, part) in [
        (json!({}), "MissingParameterValueException", "BackupSelection"),
        (json!({ "BackupSelection": { "IamRoleArn": ROLE } }), "MissingParameterValueException", "SelectionName"),
        (json!({ "BackupSelection": { "SelectionName": "s" } }), "MissingParameterValueException", "IamRoleArn"),
        (selection(json!({ "SelectionName": "a b" })), "InvalidParameterValueException", "a b"),
        (selection(json!({ "SelectionName": "x".repeat(1_000_000) })), "InvalidParameterValueException", "1 to 50"),
        (selection(json!({ "Resources": ["rdspg-fcj-labs"] })), "InvalidParameterValueException", "rdspg-fcj-labs"),
        (selection(json!({ "NotResources": [""] })), "InvalidParameterValueException", "NotResources"),
        (selection(json!({ "Resources": arns(501, "arn:aws:rds:r:a:db:x") })), "LimitExceededException", "500"),
        (selection(json!({ "Resources": arns(31, "arn:aws:rds:*") })), "LimitExceededException", "30"),
        (selection(json!({ "ListOfTags": vec![tag("k"); 31] })), "LimitExceededException", "30 tags"),
        (selection(json!({ "ListOfTags": [tag("")] })), "InvalidParameterValueException", "ListOfTags"),
        (
            selection(
                json!({ "ListOfTags": [{ "ConditionType": "STRINGLIKE", "ConditionKey": "k", "ConditionValue": "v" }] }),
            ),
            "InvalidParameterValueException",
            "STRINGLIKE",
        ),
        (
            selection(json!({ "ListOfTags": [{ "ConditionType": "STRINGEQUALS", "ConditionKey": "k" }] })),
            "InvalidParameterValueException",
            "ConditionValue",
        ),
        (
            selection(json!({ "Conditions": { "StringEquals": [{ "ConditionKey": "k", "ConditionValue": "v" }] } })),
            "InvalidParameterValueException",
            "aws:ResourceTag/key",
        ),
        (
            selection(json!({ "Conditions": { "StringMatches": [] } })),
            "InvalidParameterValueException",
            "StringMatches",
        ),
        (selection(json!({ "Resources": "*" })), "SerializationException", "string"),
    ] {
        let (mut world, path) = planned();
        let fault = create(&mut world, &path, &body).unwrap_err();
        assert!(fault.code == code && fault.message.contains(part), "{body}: {fault:?}");
        assert!(fault.message.len() < 1_000, "{}", fault.message.len());
    }
}

#[test]
fn an_unknown_plan_is_a_bad_parameter_and_so_is_deleting_what_is_gone() {
    let (mut world, path) = planned();
    let nowhere = "/backup/plans/00000000-0000-0000-0000-000000000000/selections";
    for (method, target) in [
        ("PUT", nowhere.to_owned()),
        ("GET", nowhere.to_owned()),
        ("GET", format!("{nowhere}/x")),
        ("DELETE", format!("{nowhere}/x")),
    ] {
        let fault = send(&mut world, &call(), method, &target, &selection(json!({}))).unwrap_err();
        assert_eq!((&*fault.code, fault.status), ("InvalidParameterValueException", 400), "{method} {target}");
        assert_eq!(fault.message, "Cannot find Backup plan with ID 00000000-0000-0000-0000-000000000000");
    }
    let get = send(&mut world, &call(), "GET", &format!("{path}/x"), &json!(null)).unwrap_err();
    assert_eq!(get.code, "ResourceNotFoundException");
    let delete = send(&mut world, &call(), "DELETE", &format!("{path}/x"), &json!(null)).unwrap_err();
    assert_eq!(delete.code, "InvalidParameterValueException");
}

#[test]
fn a_name_is_taken_once_and_a_token_repeats_the_answer() {
    let (mut world, path) = planned();
    let mut body = selection(json!({}));
    body["CreatorRequestId"] = json!("one");
    let made = create(&mut world, &path, &body).unwrap();
    assert_eq!(create(&mut world, &path, &body).unwrap(), made);
    body["CreatorRequestId"] = json!("two");
    let twin = create(&mut world, &path, &body).unwrap_err();
    assert_eq!(twin.code, "AlreadyExistsException");
    assert!(twin.members.contains(&("CreatorRequestId", "one".to_owned())));
}

#[test]
fn a_plan_is_deleted_after_its_selections() {
    let (mut world, path) = planned();
    let made = create(&mut world, &path, &selection(json!({}))).unwrap();
    let plan = path.trim_end_matches("/selections");
    let refused = send(&mut world, &call(), "DELETE", plan, &json!(null)).unwrap_err();
    assert_eq!(refused.code, "InvalidRequestException");
    assert_eq!(refused.message, "Related backup plan selections must be deleted prior to backup plan deletion");
    let one = format!("{path}/{}", made["SelectionId"].as_str().unwrap());
    assert_eq!(send(&mut world, &call(), "DELETE", &one, &json!(null)).unwrap(), Value::Null);
    send(&mut world, &call(), "DELETE", plan, &json!(null)).unwrap();
}

#[test]
fn selections_page_and_are_limited() {
    let (mut world, path) = planned();
    for number in 0..100 {
        create(&mut world, &path, &selection(json!({ "SelectionName": format!("s{number}") }))).unwrap();
    }
    let full = create(&mut world, &path, &selection(json!({ "SelectionName": "more" }))).unwrap_err();
    assert_eq!(full.code, "LimitExceededException");
    let (mut target, mut count) = (format!("{path}?maxResults=33"), 0);
    loop {
        let page = send(&mut world, &call(), "GET", &target, &json!(null)).unwrap();
        count += page["BackupSelectionsList"].as_array().unwrap().len();
        let Some(token) = page.get("NextToken") else { break };
        target = format!("{path}?maxResults=33&nextToken={}", token.as_str().unwrap());
    }
    assert_eq!(count, 100);
}

#[test]
fn the_role_must_be_usable() {
    let (mut world, path) = planned();
    bare_role(&mut world, &call(), "bare");
    for (role, message) in [
        (
            "arn:aws:iam::123456789012:role/none",
            "IAM Role arn:aws:iam::123456789012:role/none cannot be assumed by AWS Backup",
        ),
        ("", "IAM Role  cannot be assumed by AWS Backup"),
        (
            "arn:aws:iam::123456789012:role/bare",
            "IAM Role arn:aws:iam::123456789012:role/bare is not authorized to call tag:GetResources",
        ),
    ] {
        let fault = create(&mut world, &path, &selection(json!({ "IamRoleArn": role }))).unwrap_err();
        assert_eq!((&*fault.code, fault.message.as_str()), ("InvalidParameterValueException", message));
    }
}

#[test]
fn a_fresh_role_is_refused_until_it_has_propagated() {
    let (mut world, path) = planned();
    let mut early = call();
    Arc::make_mut(&mut early.behaviour).role_propagation = SignedDuration::from_secs(10);
    let fault = send(&mut world, &early, "PUT", &path, &selection(json!({}))).unwrap_err();
    assert!(fault.message.ends_with("cannot be assumed by AWS Backup"), "{fault:?}");
    early.now = "2027-01-01T00:00:10Z".parse().unwrap();
    send(&mut world, &early, "PUT", &path, &selection(json!({}))).unwrap();
}
