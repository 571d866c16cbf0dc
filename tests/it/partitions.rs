//! Partitions, accounts and regions, over all RPCs that name any: what contradicts itself or the request, what is not
//! there, and what the configuration does not allow.

use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};
use strongroom::{
    config::RoleTemplate,
    domain::{AccountId, RegionName},
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    backups::{prepare, recovery_point},
    every_change::send,
    harness::{ACCOUNT, LABS, World, reason, told},
    shapes::methods,
};

const PACKAGE: &str = "strongroom.v1";
const OTHER: &str = "999999999999";
const ROLE: &str = "AWSBackupDefaultServiceRole";

pub(crate) async fn ask(world: &World, rpc: &str, request: Value) -> Result<DynamicMessage, Status> {
    let method = methods().into_iter().find(|method| method.name() == rpc).unwrap();
    send(world, &method, request, false).await
}

/// What is wrong with which field.
pub(crate) fn faults(error: &Status) -> Vec<(String, String)> {
    let bad = error.get_details_bad_request().unwrap_or_else(|| panic!("no BadRequest in {error:?}"));
    bad.field_violations.into_iter().map(|it| (it.field, it.description)).collect()
}

/// All that is wrong with that field.
pub(crate) fn fault_of(faults: &[(String, String)], field: &str) -> Option<String> {
    let of_it: Vec<&str> = faults.iter().filter(|(at, _)| at == field).map(|(_, what)| what.as_str()).collect();
    (!of_it.is_empty()).then(|| of_it.join("; "))
}

/// What an input of that name can name by an ARN, with the ARN.
pub(crate) fn arn(input: &str, partition: &str, region: &str, account: &str) -> Option<String> {
    let of = |service: &str, resource: &str| Some(format!("arn:{partition}:{service}:{region}:{account}:{resource}"));
    match input {
        "vault" | "vaults" | "destination_vault" | "air_gapped_vault" => of("backup", "backup-vault:other"),
        "plan" => of("backup", "backup-plan:1c2d3e4f-0000-4000-8000-5b6a79880000"),
        "resource" | "resources" | "excluded_resources" => of("rds", "db:orders"),
        "recovery_point" | "parent_recovery_point" | "source_recovery_point" => of("rds", "snapshot:awsbackup:job-1"),
        "encryption_key" => of("kms", "key/6f1c2d3e-0000-4000-8000-5b6a79880000"),
        "topic" => of("sns", "alerts"),
        "role" | "scanner_role" => Some(format!("arn:{partition}:iam::{account}:role/Other")),
        _ => None,
    }
}

/// An input that can hold an ARN.
pub(crate) struct Input {
    pub(crate) method: MethodDescriptor,
    /// Its path, as errors tell it, and the names on the way.
    pub(crate) path: String,
    pub(crate) name: String,
    way: Vec<(String, bool)>,
}

impl Input {
    /// A request that says nothing but this, and in which region.
    pub(crate) fn request(&self, arn: &str, region: &str) -> Value {
        let mut value = json!(arn);
        for (name, is_list) in self.way.iter().rev() {
            let held = if *is_list { json!([value]) } else { value };
            value = Value::Object(Map::from_iter([(name.clone(), held)]));
        }
        if !region.is_empty() {
            let has_scope = self.method.input().get_field_by_name("scope").is_some();
            // What stands within another request has the account and region of both.
            let of = if has_scope { &mut value } else { &mut value[&self.way[0].0][&self.way[1].0] };
            of["scope"] = json!({ "region": region });
        }
        value
    }

    fn has_region(&self) -> bool {
        !self.name.ends_with("role")
    }
}

/// Every input of every RPC that can hold an ARN, found by its name.
pub(crate) fn inputs() -> Vec<Input> {
    fn look(of: &MessageDescriptor, way: &[(String, bool)], method: &MethodDescriptor, found: &mut Vec<Input>) {
        for field in of.fields().filter(|field| !field.is_map()) {
            let mut way = way.to_vec();
            way.push((field.name().to_owned(), field.is_list()));
            match field.kind() {
                Kind::Message(of) if of.package_name() == PACKAGE => look(&of, &way, method, found),
                Kind::String if arn(field.name(), "", "", "").is_some() => {
                    let step =
                        |(name, is_list): &(String, bool)| format!("{name}{}", if *is_list { "[0]" } else { "" });
                    let path = way.iter().map(step).collect::<Vec<_>>().join(".");
                    found.push(Input { method: method.clone(), path, name: field.name().to_owned(), way });
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    for method in methods() {
        look(&method.input(), &[], &method, &mut found);
    }
    assert!(found.len() > 60, "{}", found.len());
    found
}

#[tokio::test]
async fn an_arn_that_contradicts_itself_is_a_fault_wherever_it_stands() {
    let world = World::start().await;
    for input in inputs() {
        let mut spellings = vec![("aws-chn", "us-east-1", "did you mean aws-cn?")];
        if input.has_region() {
            spellings.push(("aws", "us-gov-west-1", "is in partition aws-us-gov, not in aws"));
            spellings.push(("aws-cn", "us-east-1", "is in partition aws, not in aws-cn"));
            spellings.push(("aws-us-gov", "eusc-de-east-1", "is in partition aws-eusc, not in aws-us-gov"));
        }
        for (partition, region, why) in spellings {
            let named = arn(&input.name, partition, region, ACCOUNT).unwrap();
            let refused = send(&world, &input.method, input.request(&named, ""), false).await.unwrap_err();
            let at = format!("{} {} = {named}", input.method.name(), input.path);
            assert_eq!(reason(&refused), (Code::InvalidArgument, "INVALID_REQUEST".into()), "{at}");
            let faults = faults(&refused);
            let what = fault_of(&faults, &input.path).unwrap_or_else(|| panic!("{at}: {faults:?}"));
            assert!(what.contains(why), "{at}: {what}");
        }
    }
}

#[tokio::test]
async fn an_arn_of_another_partition_than_the_request_s_is_a_fault_wherever_it_stands() {
    let world = World::start().await;
    for input in inputs() {
        // What is not asked of AWS has no region: an ARN in the record is from anywhere.
        if input.method.name() == "ListAuditEvents" {
            continue;
        }
        // What a selection names elsewhere it only never selects.
        if ["resources", "excluded_resources"].contains(&input.name.as_str()) && !input.path.contains("recovery_point")
        {
            continue;
        }
        for (partition, region, own) in [("aws-cn", "cn-north-1", "us-east-1"), ("aws", "us-east-1", "us-gov-west-1")] {
            let named = arn(&input.name, partition, region, ACCOUNT).unwrap();
            let refused = send(&world, &input.method, input.request(&named, own), false).await.unwrap_err();
            let at = format!("{} {} = {named} in {own}", input.method.name(), input.path);
            assert_eq!(reason(&refused), (Code::InvalidArgument, "INVALID_REQUEST".into()), "{at}");
            let faults = faults(&refused);
            let what = fault_of(&faults, &input.path).unwrap_or_else(|| panic!("{at}: {faults:?}"));
            // Of what has a region and has to be in the request's, the region tells enough.
            assert!(what.contains(partition) || what.contains(region), "{at}: {what}");
        }
    }
}

/// An ARN with a name that cannot be is quoted whole, and where it is matters all the same.
#[tokio::test]
async fn a_name_in_an_arn_that_cannot_be_is_told_with_what_else_is_wrong() {
    let world = World::start().await;
    for input in inputs() {
        let (right, wrong) = match input.name.as_str() {
            "vault" | "vaults" | "destination_vault" | "air_gapped_vault" => (":other", ":x"),
            "role" => ("/Other", "/O:r"),
            "topic" => (":alerts", ":al.erts"),
            "encryption_key" => (":key/", ":alias/"),
            _ => continue,
        };
        let named = arn(&input.name, "aws-cn", "cn-north-1", ACCOUNT).unwrap().replace(right, wrong);
        let refused = send(&world, &input.method, input.request(&named, "us-east-1"), false).await.unwrap_err();
        let at = format!("{} {} = {named}", input.method.name(), input.path);
        let told = fault_of(&faults(&refused), &input.path).unwrap_or_else(|| panic!("{at}: {refused:?}"));
        assert!(told.contains(&named), "{at}: {told}");
        assert!(told.contains("aws-cn, ") || told.contains("cn-north-1, "), "{at}: {told}");
    }
}

/// Requests that are whole, of which one place is somewhere else; with the field.
fn requests_that_reach(partition: &str, region: &str, account: &str) -> Vec<(&'static str, Value, &'static str)> {
    let arn = |input: &str| arn(input, partition, region, account).unwrap();
    let point = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1";
    let copy = json!([{"name": "daily", "vault": "prod", "copy_actions": [{"destination_vault": arn("vault")}]}]);
    let copies = |rpc, mut request: Value, check: bool| {
        request["rules"] = copy.clone();
        request["validate_only"] = check.into();
        (rpc, request, "rules[0].copy_actions[0].destination_vault")
    };
    let start = json!({"recovery_point": point, "vault": "prod", "destination_vault": arn("vault"), "role": ROLE});
    let mut checked = start.clone();
    checked["validate_only"] = true.into();
    vec![
        ("StartCopy", start, "destination_vault"),
        ("StartCopy", checked, "destination_vault"),
        copies("CreatePlan", json!({"name": "new"}), false),
        copies("CreatePlan", json!({"name": "new"}), true),
        copies("UpdatePlan", json!({"plan": "there"}), false),
        copies("UpdatePlan", json!({"plan": "there"}), true),
        ("CreateVault", json!({"name": "keyed", "encryption_key": arn("encryption_key")}), "encryption_key"),
        (
            "SetVaultNotifications",
            json!({"vault": "prod", "notifications": {"topic": arn("topic"), "events": ["COPY_JOB_FAILED"]}}),
            "notifications.topic",
        ),
    ]
}

#[tokio::test]
async fn what_the_configuration_does_not_allow_is_refused_wherever_something_is_sent_or_used_there() {
    let world = World::start_with(|config| {
        config.aws.allowed_regions = vec![RegionName::parse("us-east-1").unwrap()];
        config.aws.allowed_accounts = vec![AccountId::parse("111122223333").unwrap()];
        config.aws.assume_role = RoleTemplate::new("arn:aws:iam::{account}:role/OrganizationAccountAccessRole");
    })
    .await;
    prepare(&world).await;
    ask(&world, "CreatePlan", json!({"name": "there", "rules": [{"name": "daily", "vault": "prod"}]})).await.unwrap();
    for (region, account, key) in [
        ("eu-west-1", ACCOUNT, "aws.allowed_regions"),
        ("us-east-1", OTHER, "aws.allowed_accounts"),
        ("eu-west-1", OTHER, "aws.allowed_regions"),
    ] {
        for (rpc, request, field) in requests_that_reach("aws", region, account) {
            if rpc == "SetVaultNotifications" && account == OTHER {
                // No configuration makes that one right.
                continue;
            }
            let refused = ask(&world, rpc, request).await.unwrap_err();
            assert_eq!(reason(&refused), (Code::PermissionDenied, "SCOPE_NOT_ALLOWED".into()), "{rpc}: {refused}");
            assert!(refused.message().contains(field) && refused.message().contains(key), "{rpc}: {refused}");
        }
    }
    // Nothing was made.
    assert_eq!(ask(&world, "GetVault", json!({"vault": "keyed"})).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(ask(&world, "GetPlan", json!({"plan": "new"})).await.unwrap_err().code(), Code::NotFound);
    // What is allowed goes on.
    let key = arn("encryption_key", "aws", "us-east-1", "111122223333").unwrap();
    ask(&world, "CreateVault", json!({"name": "keyed", "encryption_key": key})).await.unwrap();
}

#[tokio::test]
async fn what_a_plan_has_already_is_no_matter_of_the_configuration_while_no_request_names_it() {
    let world = World::start().await;
    prepare(&world).await;
    let far = arn("vault", "aws", "eu-west-1", ACCOUNT).unwrap();
    let rules = json!([{"name": "daily", "vault": "prod", "copy_actions": [{"destination_vault": far}]}]);
    ask(&world, "CreatePlan", json!({"name": "there", "rules": rules})).await.unwrap();
    ask(&world, "UpdatePlan", json!({"plan": "there", "name": "renamed"})).await.unwrap();
}

#[tokio::test]
async fn keys_topics_roles_and_copies_are_told_when_they_are_elsewhere() {
    let world = World::start().await;
    prepare(&world).await;
    ask(&world, "CreatePlan", json!({"name": "there", "rules": [{"name": "daily", "vault": "prod"}]})).await.unwrap();
    let point = recovery_point(&world).await;
    let role = arn("role", "aws", "", OTHER).unwrap();
    let restore = json!({"recovery_point": point, "vault": "prod", "role": role,
        "rds_instance": {"db_instance_identifier": "new"}});
    let key = |region| arn("encryption_key", "aws", region, ACCOUNT).unwrap();
    let topic = arn("topic", "aws", "us-east-1", OTHER).unwrap();
    let mut refused = vec![
        ("CreateVault", json!({"name": "keyed", "encryption_key": key("eu-west-1")}), "encryption_key"),
        (
            "SetVaultNotifications",
            json!({"vault": "prod", "notifications": {"topic": topic, "events": ["COPY_JOB_FAILED"]}}),
            "notifications.topic",
        ),
        ("StartBackup", json!({"resource": LABS, "vault": "prod", "role": role}), "role"),
        ("StartBackup", json!({"resource": "rdspg-fcj-labs", "vault": "prod", "role": role}), "role"),
        (
            "StartCopy",
            json!({"recovery_point": point, "vault": "prod", "destination_vault": "other", "role": role}),
            "role",
        ),
        ("PlanRestore", json!({"restore": restore}), "restore.role"),
        ("StartRestore", json!({"restore": restore}), "restore.role"),
        ("CreateSelection", json!({"plan": "there", "name": "all", "role": role, "resources": ["*"]}), "role"),
        ("ReplaceSelection", json!({"plan": "there", "selection": "all", "role": role, "resources": ["*"]}), "role"),
    ];
    refused.extend(requests_that_reach("aws-cn", "cn-north-1", ACCOUNT));
    // A region that there is not, in whole ARNs and in patterns.
    let (none, pattern) = (format!("arn:aws:rds:us-est-1:{ACCOUNT}:db:x"), "arn:aws:rds:us-est-1:*:db:*");
    let (named, excluding) = (json!([LABS, none]), json!([pattern]));
    for (rpc, name) in [("CreateSelection", "name"), ("ReplaceSelection", "selection")] {
        let request = json!({"plan": "there", (name): "all", "role": ROLE, "resources": named});
        refused.push((rpc, request, "resources[1]"));
        let request = json!({"plan": "there", (name): "all", "role": ROLE, "resources": ["*"],
            "excluded_resources": excluding});
        refused.push((rpc, request, "excluded_resources[0]"));
    }
    let criteria = json!({"resources": named, "excluded_resources": excluding});
    for (rpc, request, field) in refused {
        let error = ask(&world, rpc, request).await.unwrap_err();
        assert_eq!(told(&error).fields, [field], "{rpc}: {error}");
    }
    let error = ask(&world, "PreviewSelection", json!({"criteria": criteria})).await.unwrap_err();
    assert_eq!(told(&error).fields, ["criteria.resources[1]", "criteria.excluded_resources[0]"], "{error}");
    // AWS may take these; nobody would be told otherwise.
    let abroad = arn("topic", "aws", "eu-west-1", ACCOUNT).unwrap();
    let theirs = arn("encryption_key", "aws", "us-east-1", OTHER).unwrap();
    let away =
        ["arn:aws-cn:rds:*:*:db:*", "arn:aws:rds:eu-west-1:123456789012:db:x", "arn:aws:rds:*:999999999999:db:*"];
    for (rpc, request, found) in [
        (
            "SetVaultNotifications",
            json!({"vault": "prod", "notifications": {"topic": abroad, "events": ["COPY_JOB_FAILED"]}}),
            vec![("TOPIC_OF_OTHER_REGION", "notifications.topic")],
        ),
        (
            "CreateVault",
            json!({"name": "theirs", "encryption_key": theirs}),
            vec![("KEY_OF_OTHER_ACCOUNT", "encryption_key")],
        ),
        (
            "CreateSelection",
            json!({"plan": "there", "name": "away", "role": ROLE, "resources": [LABS, away[0], away[1]],
                "excluded_resources": [away[2]]}),
            vec![
                ("RESOURCE_OUT_OF_SCOPE", "resources[1]"),
                ("RESOURCE_OUT_OF_SCOPE", "resources[2]"),
                ("RESOURCE_OUT_OF_SCOPE", "excluded_resources[0]"),
            ],
        ),
        (
            "PreviewSelection",
            json!({"criteria": {"resources": [LABS, away[0]], "excluded_resources": [away[2]]}}),
            vec![
                ("RESOURCE_OUT_OF_SCOPE", "criteria.resources[1]"),
                ("RESOURCE_OUT_OF_SCOPE", "criteria.excluded_resources[0]"),
            ],
        ),
    ] {
        let answer = ask(&world, rpc, request).await.unwrap();
        let told = findings(&answer);
        for (code, field) in found {
            assert!(told.iter().any(|it| (it.0.as_str(), it.1.as_str()) == (code, field)), "{rpc} {code}: {told:?}");
        }
    }
}

/// Code, field and message of what was found.
fn findings(answer: &DynamicMessage) -> Vec<(String, String, String)> {
    let found = answer.get_field_by_name("findings").unwrap().into_owned();
    let text = |finding: &DynamicMessage, name: &str| {
        finding.get_field_by_name(name).unwrap().as_str().unwrap_or_default().to_owned()
    };
    let found = found.as_list().unwrap_or_default().iter().filter_map(prost_reflect::Value::as_message);
    found.map(|it| (text(it, "code"), text(it, "field"), text(it, "message"))).collect()
}

#[tokio::test]
async fn a_made_up_region_is_no_empty_list() {
    let world = World::start().await;
    prepare(&world).await;
    ask(&world, "CreatePlan", json!({"name": "there", "rules": [{"name": "daily", "vault": "prod"}]})).await.unwrap();
    let there = |input: &str| arn(input, "aws", "us-est-1", ACCOUNT).unwrap();
    let scope = json!({"region": "us-est-1"});
    let mut asked = vec![
        ("ListVaults", json!({"scope": scope}), "scope.region"),
        ("ListPlans", json!({"scope": scope}), "scope.region"),
        ("ListJobs", json!({"scope": scope}), "scope.region"),
        ("ListResources", json!({"scope": scope}), "scope.region"),
        ("ListProtectedResources", json!({"scope": scope}), "scope.region"),
        ("ListRecoveryPoints", json!({"scope": scope}), "scope.region"),
        ("GetAccount", json!({"scope": scope}), "scope.region"),
        ("GetRegionSettings", json!({"scope": scope}), "scope.region"),
        ("GetServiceRole", json!({"scope": scope}), "scope.region"),
        ("EnsureServiceRole", json!({"scope": scope}), "scope.region"),
        ("CreateVault", json!({"scope": scope, "name": "new"}), "scope.region"),
        ("GetVault", json!({"vault": there("vault")}), "vault"),
        ("GetPlan", json!({"plan": there("plan")}), "plan"),
        ("ExplainProtection", json!({"resource": there("resource")}), "resource"),
        ("TagResource", json!({"resource": there("resource"), "tags": {"a": "b"}}), "resource"),
        ("ListRecoveryPoints", json!({"resource": there("resource")}), "resource"),
        ("ListJobs", json!({"filter": {"resource": there("resource")}}), "filter.resource"),
        (
            "ListJobs",
            json!({"filter": {"kinds": ["JOB_KIND_COPY"], "destination_vault": there("vault")}}),
            "filter.destination_vault",
        ),
        ("StartBackup", json!({"resource": there("resource"), "vault": "prod", "role": ROLE}), "resource"),
    ];
    asked.extend(requests_that_reach("aws", "us-est-1", ACCOUNT));
    for (rpc, request, field) in asked.clone() {
        let refused = ask(&world, rpc, request).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::InvalidArgument, "INVALID_REQUEST".into()), "{rpc}: {refused}");
        let faults = faults(&refused);
        let what = fault_of(&faults, field).unwrap_or_else(|| panic!("{rpc}: {faults:?}"));
        assert!(what.contains("did you mean us-east-1?") && what.contains("aws.allowed_regions"), "{rpc}: {what}");
    }
    // A region of tomorrow needs no release.
    let regions = ["us-east-1", "us-est-1"].map(|region| RegionName::parse(region).unwrap());
    let tomorrow = World::start_with(|config| config.aws.allowed_regions = regions.into()).await;
    for (rpc, request, _) in asked.into_iter().filter(|(rpc, ..)| rpc.starts_with("List")) {
        ask(&tomorrow, rpc, request).await.unwrap();
    }
}

#[tokio::test]
async fn the_service_role_is_made_and_read_in_every_partition() {
    let world = World::start().await;
    for (region, partition) in [
        ("us-east-1", "aws"),
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-north-1", "aws-cn"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
    ] {
        let scope = json!({"region": region});
        let made = ask(&world, "EnsureServiceRole", json!({"scope": scope, "resource_types": ["RDS", "S3"]})).await;
        let made = made.unwrap_or_else(|error| panic!("{region}: {error}"));
        let read =
            ask(&world, "GetServiceRole", json!({"scope": scope, "resource_types": ["RDS", "S3"]})).await.unwrap();
        for answer in [&made, &read] {
            let role = serde_json::to_value(answer).unwrap()["role"].clone();
            let arn = format!("arn:{partition}:iam::{ACCOUNT}:role/service-role/{ROLE}");
            assert_eq!((role["arn"].as_str(), role["ready"].as_bool()), (Some(arn.as_str()), Some(true)), "{region}");
            let attached = role["attachedPolicyArns"].as_array().unwrap();
            let theirs = format!("arn:{partition}:iam::aws:policy/");
            assert!(
                attached.len() == 4 && attached.iter().all(|arn| arn.as_str().unwrap().starts_with(&theirs)),
                "{role}"
            );
        }
        // And it serves there, from the vault to the selection.
        let vault = ask(&world, "CreateVault", json!({"scope": scope, "name": "prod"})).await.unwrap();
        let vault = serde_json::to_value(&vault).unwrap()["vault"].clone();
        assert_eq!(vault["arn"], format!("arn:{partition}:backup:{region}:{ACCOUNT}:backup-vault:prod"));
        assert!(vault["encryptionKeyArn"].as_str().unwrap().starts_with(&format!("arn:{partition}:kms:{region}:")));
        let rules = json!([{"name": "daily", "vault": vault["arn"]}]);
        ask(&world, "CreatePlan", json!({"scope": scope, "name": "daily", "rules": rules})).await.unwrap();
        let all = json!({"scope": scope, "plan": "daily", "name": "all", "role": ROLE, "resources": ["*"]});
        let selection = ask(&world, "CreateSelection", all).await.unwrap();
        let selection = serde_json::to_value(&selection).unwrap()["selection"].clone();
        assert!(selection["roleArn"].as_str().unwrap().starts_with(&format!("arn:{partition}:iam:")), "{selection}");
        let volume = format!("arn:{partition}:ec2:{region}:{ACCOUNT}:volume/vol-0123456789abcdef0");
        world.advance("PT5M").await;
        ask(&world, "StartBackup", json!({"resource": volume, "vault": "prod", "role": ROLE, "scope": scope}))
            .await
            .unwrap();
    }
}
