use jiff::Timestamp;

use super::*;
use crate::start_world;

fn world() -> (World, Call) {
    let mut world = World::default();
    let call = Call::at(Timestamp::from_second(1_700_000_000).expect("a time"));
    start_world::build(&mut world, &call.account, &call.region, call.now);
    (world, call)
}

fn arn(id: &str) -> String {
    format!("arn:aws:rds:us-east-1:123456789012:db:{id}")
}

fn arns(answer: &Value) -> Vec<&str> {
    let list = answer["ResourceTagMappingList"].as_array().expect("a list");
    list.iter().map(|it| it["ResourceARN"].as_str().expect("an ARN").rsplit(':').next().unwrap_or_default()).collect()
}

#[test]
fn filters_are_anded_and_their_values_ored() {
    let (mut world, call) = world();
    let mut get = |filters: Value| {
        let body = json!({ "TagFilters": filters });
        let answer = get_resources(&mut world, &call, &body).expect("an answer");
        arns(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(get(json!([{ "Key": "Environment", "Values": ["production"] }])), ["aurora-billing", "mysql-legacy"]);
    let both =
        get(json!([{ "Key": "Environment", "Values": ["production", "development"] }, { "Key": "ResourceType" }]));
    assert_eq!(both, ["rdspg-analytics-dev"]);
    assert_eq!(get(json!([{ "Key": "Environment", "Values": ["Production"] }])), [""; 0], "case counts");
}

#[test]
fn never_tagged_is_not_listed_and_formerly_tagged_is() {
    let (mut world, call) = world();
    let types = json!({ "ResourceTypeFilters": ["rds:db"] });
    let answer = get_resources(&mut world, &call, &types).expect("an answer");
    assert!(!arns(&answer).contains(&"rdspg-fcj-labs"));
    let tag = json!({ "ResourceARNList": [arn("rdspg-fcj-labs")], "Tags": { "a": "b" } });
    assert_eq!(tag_resources(&mut world, &call, &tag), Ok(json!({ "FailedResourcesMap": {} })));
    let untag = json!({ "ResourceARNList": [arn("rdspg-fcj-labs")], "TagKeys": ["a"] });
    untag_resources(&mut world, &call, &untag).expect("untagged");
    let answer = get_resources(&mut world, &call, &json!({ "ResourceARNList": [arn("rdspg-fcj-labs"), arn("nope")] }));
    assert_eq!(
        answer.expect("an answer")["ResourceTagMappingList"],
        json!([{ "ResourceARN": arn("rdspg-fcj-labs"), "Tags": [] }])
    );
}

#[test]
fn pages_end_with_an_empty_token() {
    let (mut world, call) = world();
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let body = json!({ "ResourcesPerPage": 2, "PaginationToken": token });
        let answer = get_resources(&mut world, &call, &body).expect("a page");
        seen.extend(arns(&answer).into_iter().map(str::to_owned));
        token = answer["PaginationToken"].as_str().expect("always a string").to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["aurora-billing", "mysql-legacy", "rdspg-analytics-dev", "rdspg-orders", "rdspg-paused"]);
}

#[test]
fn what_does_not_exist_fails_for_itself() {
    let (mut world, call) = world();
    let body = json!({ "ResourceARNList": [arn("nope"), arn("rdspg-orders")], "Tags": { "a": "b" } });
    let answer = tag_resources(&mut world, &call, &body).expect("an answer");
    assert_eq!(answer["FailedResourcesMap"][arn("nope")]["ErrorCode"], "InvalidParameterException");
    assert_eq!(call.region(&mut world).tags.0[&arn("rdspg-orders")]["a"], "b");
}

#[test]
fn what_is_not_imitated_and_could_be_backed_up_takes_tags() {
    let (mut world, call) = world();
    let table = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders";
    let bucket = "arn:aws:s3:::bucket";
    let elsewhere = "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders";
    let body = json!({ "ResourceARNList": [table, bucket, elsewhere], "Tags": { "a": "b" } });
    let answer = tag_resources(&mut world, &call, &body).expect("an answer");
    assert_eq!(
        answer["FailedResourcesMap"].as_object().map(|failed| failed.keys().collect::<Vec<_>>()),
        Some(vec![&elsewhere.to_owned()])
    );
    let types = json!({ "ResourceTypeFilters": ["dynamodb:table", "s3"] });
    assert_eq!(arns(&get_resources(&mut world, &call, &types).expect("an answer")), ["table/Orders", "bucket"]);
}

#[test]
fn all_faults_are_told_at_once() {
    let (mut world, call) = world();
    let body = json!({ "ResourceARNList": [], "ResourcesPerPage": 0, "TagFilters": [{}] });
    let error = get_resources(&mut world, &call, &body).expect_err("faulty");
    assert_eq!((error.status, error.code.as_ref()), (400, "InvalidParameterException"));
    for part in ["ResourceARNList", "ResourcesPerPage", "TagFilters"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    let error = get_resources(&mut world, &call, &json!({ "PaginationToken": "???" })).expect_err("not ours");
    assert!(error.message.starts_with("PaginationToken"));
    let error = get_resources(&mut world, &call, &json!({ "TagFilters": "x" })).expect_err("wrong type");
    assert_eq!(error.code, "SerializationException");
}

#[test]
fn keys_and_values_are_listed_once() {
    let (mut world, call) = world();
    let keys = get_tag_keys(&mut world, &call, &json!({})).expect("keys");
    assert_eq!(keys, json!({ "PaginationToken": "", "TagKeys": ["Environment", "ResourceType", "Team"] }));
    let values = get_tag_values(&mut world, &call, &json!({ "Key": "Environment" })).expect("values");
    assert_eq!(values, json!({ "PaginationToken": "", "TagValues": ["development", "production"] }));
}
