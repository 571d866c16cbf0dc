//! What is promised of every change, over the whole descriptor set: `validate_only` leaves everything as it was, and every
//! answer and every error names the call's `request_id`.

use std::{collections::BTreeMap, time::Duration};

use prost_reflect::{DynamicMessage, MethodDescriptor, ReflectMessage};
use serde_json::{Value, json};
use strongroom::{
    config::Config,
    proto::dynamic_codec::{DynamicCodec, path},
};
use tonic::{Code, Request, Response, Status, client::Grpc};
use tonic_types::StatusExt;

use crate::{
    backups::{prepare, recovery_point},
    harness::{LABS, World, reason, request_id},
    recovery_point_changes::continuous_point,
    shapes::changes_of_aws,
};

pub(crate) async fn send(
    world: &World,
    method: &MethodDescriptor,
    request: Value,
    retried: bool,
) -> Result<DynamicMessage, Status> {
    let message = DynamicMessage::deserialize(method.input(), request).unwrap();
    let mut client = Grpc::new(world.channel());
    client.ready().await.unwrap();
    let mut request = Request::new(message);
    if retried {
        request.metadata_mut().insert("grpc-previous-rpc-attempts", "1".parse().unwrap());
    }
    client.unary(request, path(method)?, DynamicCodec::of_caller(method)).await.map(Response::into_inner)
}

/// The `request_id` of an answer.
fn told(answer: &DynamicMessage) -> String {
    let field = answer.descriptor().get_field_by_name("request_id").unwrap();
    answer.get_field(&field).as_str().unwrap().to_owned()
}

/// The `request_id` of an error.
fn told_by(error: &Status) -> Option<String> {
    error.get_details_error_info().unwrap().metadata.get("request_id").cloned()
}

/// A world with something to change of each noun, and for every change a request that can be done there.
pub(crate) async fn world_and_requests() -> (World, BTreeMap<&'static str, Value>) {
    world_and_requests_with(|_| {}).await
}

/// The same, with a configuration of one's own on top.
pub(crate) async fn world_and_requests_with(
    change: impl FnOnce(&mut Config),
) -> (World, BTreeMap<&'static str, Value>) {
    // One attempt, and nothing kept of plans: what fails here fails at once.
    let world = World::start_with(|config| {
        config.aws.max_attempts = 1;
        config.aws.plans_age = Duration::ZERO;
        change(config);
    });
    let world = world.await;
    prepare(&world).await;
    world.behave(json!({"switches": {"organization": true}})).await;
    let point = recovery_point(&world).await;
    let continuous = continuous_point(&world).await;
    let role = "AWSBackupDefaultServiceRole";
    let rules = json!([{"name": "daily", "vault": "prod"}]);
    let notifications = json!({"topic": "backups", "events": ["BACKUP_JOB_COMPLETED"]});
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "backup:DeleteRecoveryPoint", "Resource": "*"}]});
    // Of a vault that stays empty: it keeps nothing from being deleted.
    let hold = |title: &str| json!({"title": title, "description": "lawsuit", "recovery_point_selection": {"vaults": ["locked"]}});
    for (name, request) in [
        ("CreateVault", json!({"name": "empty"})),
        ("CreateVault", json!({"name": "locked"})),
        ("LockVault", json!({"vault": "locked", "min_retention_days": 1})),
        ("SetVaultAccessPolicy", json!({"vault": "locked", "policy": policy.to_string()})),
        ("SetVaultNotifications", json!({"vault": "locked", "notifications": notifications})),
        ("CreatePlan", json!({"name": "evening", "rules": rules})),
        ("CreatePlan", json!({"name": "bare", "rules": rules})),
        ("CreateSelection", json!({"plan": "evening", "name": "labs", "role": role, "resources": [LABS]})),
        ("CreateSelection", json!({"plan": "evening", "name": "two", "role": role, "resources": [LABS]})),
        ("TagResource", json!({"resource": "rdspg-fcj-labs", "tags": {"old": "1"}})),
        ("CreateLegalHold", hold("old")),
    ] {
        send(&world, &method(name), request, false).await.unwrap();
    }
    let volume = "arn:aws:ec2:us-east-1:123456789012:volume/vol-0123456789abcdef0";
    let backup = json!({"resource": volume, "vault": "prod", "role": role});
    let running = send(&world, &method("StartBackup"), backup, false).await.unwrap();
    let running = running.get_field_by_name("job").unwrap().into_owned();
    let running = running.as_message().unwrap().get_field_by_name("id").unwrap().as_str().unwrap().to_owned();
    let instance = json!({"db_instance_identifier": "restored"});
    let requests = [
        ("CancelJob", json!({"job": running})),
        ("CancelLegalHold", json!({"legal_hold": "old", "reason": "settled"})),
        ("CreateLegalHold", hold("new")),
        ("CreatePlan", json!({"name": "weekly", "rules": rules})),
        ("CreateSelection", json!({"plan": "evening", "name": "all", "role": role, "resources": ["*"]})),
        ("CreateVault", json!({"name": "new"})),
        ("DeletePlan", json!({"plan": "bare"})),
        ("DeleteRecoveryPoint", json!({"vault": "prod", "recovery_point": point})),
        ("DeleteSelection", json!({"plan": "evening", "selection": "two"})),
        ("DeleteVault", json!({"vault": "empty"})),
        ("DeleteVaultAccessPolicy", json!({"vault": "locked"})),
        ("DeleteVaultNotifications", json!({"vault": "locked"})),
        ("DisassociateRecoveryPoint", json!({"vault": "prod", "recovery_point": continuous})),
        ("EnsureServiceRole", json!({"role": "another"})),
        ("LockVault", json!({"vault": "empty", "max_retention_days": 30})),
        ("ReplaceSelection", json!({"plan": "evening", "selection": "labs", "resources": ["*"]})),
        ("SetVaultAccessPolicy", json!({"vault": "prod", "policy": policy.to_string()})),
        ("SetVaultNotifications", json!({"vault": "prod", "notifications": notifications})),
        ("StartBackup", json!({"resource": "rdspg-fcj-labs", "vault": "prod", "role": role})),
        ("StartCopy", json!({"recovery_point": point, "vault": "prod", "destination_vault": "locked", "role": role})),
        (
            "StartRestore",
            json!({"restore": {"recovery_point": point, "vault": "prod", "role": role, "rds_instance": instance}}),
        ),
        ("TagResource", json!({"resource": "rdspg-fcj-labs", "tags": {"new": "1"}})),
        ("UnlockVault", json!({"vault": "locked"})),
        ("UntagResource", json!({"resource": "rdspg-fcj-labs", "tag_keys": ["old"]})),
        ("UpdateGlobalSettings", json!({"settings": {"isCrossAccountBackupEnabled": true}})),
        ("UpdatePlan", json!({"plan": "evening", "rules": [{"name": "weekly", "vault": "prod"}]})),
        (
            "UpdateRecoveryPointLifecycle",
            json!({"vault": "prod", "recovery_point": point, "lifecycle": {"delete_after_days": 90}}),
        ),
        ("UpdateRegionSettings", json!({"resource_type_opt_in": {"EBS": false}})),
    ];
    (world, requests.into_iter().collect())
}

pub(crate) fn method(name: &str) -> MethodDescriptor {
    changes_of_aws().into_iter().find(|method| method.name() == name).unwrap()
}

pub(crate) async fn state(world: &World) -> Value {
    let state = reqwest::get(format!("{}/_sandbox/state", world.sandbox())).await.unwrap();
    state.json().await.unwrap()
}

pub(crate) fn with(request: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut request = request.clone();
    request[field] = value.into();
    request
}

#[tokio::test]
async fn validate_only_of_every_change_leaves_everything_as_it_was() {
    let (world, requests) = world_and_requests().await;
    let before = state(&world).await;
    assert!(before["accounts"].as_object().is_some_and(|accounts| !accounts.is_empty()), "{before}");
    for method in changes_of_aws() {
        let name = method.name();
        let request = requests.get(name).unwrap_or_else(|| panic!("no request for {name}"));
        let answer = send(&world, &method, with(request, "validate_only", true), false).await;
        assert!(answer.is_ok(), "{name}: {:?}", answer.err());
        assert_eq!(state(&world).await, before, "{name} changed something");
    }
}

#[tokio::test]
async fn every_answer_of_a_change_names_its_request_id() {
    let (world, requests) = world_and_requests().await;
    // Each can be done, in this order: the job is cancelled while it runs, and what others need is deleted last.
    let mut ordered = changes_of_aws();
    ordered.sort_by_key(|method| match method.name() {
        "CancelJob" => 0,
        name if name.starts_with("Delete") => 2,
        _ => 1,
    });
    for (number, method) in (100..).zip(ordered) {
        let name = method.name();
        let known = with(&requests[name], "request_id", request_id(number));
        let checked = send(&world, &method, with(&known, "validate_only", true), false).await;
        assert_eq!(told(&checked.unwrap_or_else(|error| panic!("{name}, checked: {error:?}"))), request_id(number));
        let done = send(&world, &method, known, false).await;
        assert_eq!(told(&done.unwrap_or_else(|error| panic!("{name}: {error:?}"))), request_id(number), "{name}");
        // The server's own, where the call may be made twice.
        if let Ok(again) = send(&world, &method, requests[name].clone(), false).await {
            let made = told(&again);
            assert!(uuid::Uuid::parse_str(&made).is_ok_and(|id| id.get_version_num() == 4), "{name}: {made}");
            assert_ne!(made, request_id(number), "{name}");
        }
        world.advance("PT1H").await;
    }
}

#[tokio::test]
async fn every_error_of_a_change_names_its_request_id() {
    let world = World::start().await;
    for method in changes_of_aws() {
        for (request, id) in [
            (json!({"request_id": request_id(7), "scope": {"region": "nowhere"}}), Some(request_id(7))),
            (json!({"scope": {"region": "nowhere"}}), None),
        ] {
            let refused = send(&world, &method, request, false).await.unwrap_err();
            assert_eq!(reason(&refused), (Code::InvalidArgument, "INVALID_REQUEST".into()), "{}", method.name());
            let named = told_by(&refused).unwrap_or_else(|| panic!("{} names none: {refused:?}", method.name()));
            match id {
                Some(id) => assert_eq!(named, id, "{}", method.name()),
                None => assert!(uuid::Uuid::parse_str(&named).is_ok(), "{}: {named}", method.name()),
            }
        }
    }
}

#[tokio::test]
async fn a_change_that_finds_no_aws_names_its_request_id_too_and_one_that_finds_no_place_was_not_read() {
    let (world, requests) = world_and_requests().await;
    let id = request_id(7);
    let broken = json!({"error": {"status": 503, "code": "ServiceUnavailableException", "message": "try later"}});
    let full = World::start_with(|config| config.server.max_concurrent_requests = 0).await;
    for method in changes_of_aws() {
        let name = method.name();
        let known = with(&requests[name], "request_id", id.as_str());
        let overloaded = send(&full, &method, known.clone(), false).await.unwrap_err();
        assert_eq!(reason(&overloaded), (Code::ResourceExhausted, "OVERLOADED".into()), "{name}");
        assert_eq!(told_by(&overloaded), None, "{name}");
        world.arm(json!({"operation": "*", "rate": 1.0, "effect": broken})).await;
        let failed = send(&world, &method, known, false).await.unwrap_err();
        assert_eq!(failed.code(), Code::Unavailable, "{name}: {failed:?}");
        assert_eq!(told_by(&failed).as_ref(), Some(&id), "{name}");
    }
}

#[tokio::test]
async fn a_retry_that_a_library_makes_by_itself_needs_a_request_id() {
    let (world, requests) = world_and_requests().await;
    let before = state(&world).await;
    for method in changes_of_aws() {
        let request = &requests[method.name()];
        let refused = send(&world, &method, request.clone(), true).await.unwrap_err();
        assert_eq!(
            reason(&refused),
            (Code::FailedPrecondition, "RETRY_WITHOUT_REQUEST_ID".into()),
            "{}",
            method.name()
        );
        assert_eq!(told_by(&refused), None, "none stands for the first attempt");
        assert_eq!(state(&world).await, before, "{} changed something", method.name());
    }
    let create = method("CreateVault");
    let known = with(&requests["CreateVault"], "request_id", request_id(1));
    let first = send(&world, &create, known.clone(), false).await.unwrap();
    let second = send(&world, &create, known, true).await.unwrap();
    assert_eq!(told(&first), told(&second));
}

/// The answer is lost behind the effect: what the caller learns is enough to repeat, and there is one backup.
#[tokio::test]
async fn who_does_not_know_what_came_of_a_backup_repeats_it_by_the_id_in_the_error() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    let backup = json!({"resource": "rdspg-fcj-labs", "vault": "prod", "role": "AWSBackupDefaultServiceRole"});
    world.arm(json!({"operation": "StartBackupJob", "next": 1, "effect": "drop_after"})).await;
    let unknown = send(&world, &method("StartBackup"), backup.clone(), false).await.unwrap_err();
    assert_eq!(reason(&unknown), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    let id = told_by(&unknown).unwrap();
    assert!(unknown.message().contains(&id), "people read it too: {}", unknown.message());
    let again = with(&backup, "request_id", id.as_str());
    let done = send(&world, &method("StartBackup"), again, false).await.unwrap();
    assert_eq!(told(&done), id);
    let jobs = world.jobs().list_jobs(strongroom::proto::ListJobsRequest::default()).await.unwrap().into_inner().jobs;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
}
