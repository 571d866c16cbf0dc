use std::sync::Arc;

use serde_json::{Value, json};

use crate::backup::rest::RestRequest;
use crate::backup::routes;
use crate::call::{AwsError, Call};
use crate::world::World;

/// Sends a request as a client would, down to the route; an empty answer reads as null.
pub(in crate::backup) fn send(
    world: &mut World,
    call: &Call,
    method: &str,
    target: &str,
    body: &Value,
) -> Result<Value, AwsError> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (route, parameters) = routes::find(method, path).unwrap_or_else(|| panic!("no route for {method} {path}"));
    let parameters: Vec<(&'static str, &str)> =
        parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let reply = (route.handler)(world, call, &RestRequest::for_test(&parameters, query, &body.to_string()))?;
    Ok(if reply.body.is_empty() { Value::Null } else { serde_json::from_str(&reply.body).unwrap() })
}

fn call(now: &str) -> Call {
    Call::at(now.parse().unwrap())
}

fn now() -> Call {
    call("2027-01-01T00:00:00Z")
}

fn plan(name: &str, rules: &Value) -> Value {
    json!({ "BackupPlan": { "BackupPlanName": name, "Rules": rules } })
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the members in place")]
fn one_rule(members: Value) -> Value {
    let mut whole = json!({ "RuleName": "daily", "TargetBackupVaultName": "vault" });
    whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    plan("p", &json!([whole]))
}

fn create(world: &mut World, body: &Value) -> Result<Value, AwsError> {
    send(world, &now(), "PUT", "/backup/plans/", body)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn what_was_sent_comes_back_with_the_defaults_and_nothing_else() {
    let mut world = World::default();
    let made = create(&mut world, &one_rule(json!({}))).unwrap();
    let id = text(&made["BackupPlanId"]);
    assert_eq!(text(&made["BackupPlanArn"]), format!("arn:aws:backup:us-east-1:123456789012:backup-plan:{id}"));
    assert_eq!(text(&made["VersionId"]).len(), 48, "base64 of a UUID's text");
    let mut shown = send(&mut world, &now(), "GET", &format!("/backup/plans/{id}/"), &json!(null)).unwrap();
    let rule_id = shown["BackupPlan"]["Rules"][0].as_object_mut().unwrap().remove("RuleId").unwrap();
    assert_eq!(text(&rule_id).len(), 36);
    let expected = json!({
        "BackupPlan": { "BackupPlanName": "p", "Rules": [{
            "RuleName": "daily", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 5 ? * * *)",
            "ScheduleExpressionTimezone": "Etc/UTC", "StartWindowMinutes": 480, "CompletionWindowMinutes": 10080,
        }]},
        "BackupPlanId": id, "BackupPlanArn": made["BackupPlanArn"], "VersionId": made["VersionId"],
        "CreationDate": 1_798_761_600,
    });
    assert_eq!(shown, expected);
}

#[test]
fn every_member_of_a_rule_is_echoed() {
    let mut world = World::default();
    let rule = json!({
        "RuleName": "r", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 1 ? * MON *)",
        "ScheduleExpressionTimezone": "America/New_York", "StartWindowMinutes": 60, "CompletionWindowMinutes": 180,
        "Lifecycle": { "MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 120, "OptInToArchiveForSupportedResources": true },
        "RecoveryPointTags": { "a": "b" }, "EnableContinuousBackup": false,
        "CopyActions": [{ "DestinationBackupVaultArn": "arn:aws:backup:eu-west-1:123456789012:backup-vault:other",
            "Lifecycle": { "DeleteAfterDays": 7 } }],
        "IndexActions": [{ "ResourceTypes": ["EBS"] }],
        "ScanActions": [{ "MalwareScanner": "GUARDDUTY", "ScanMode": "FULL_SCAN" }],
        "TargetLogicallyAirGappedBackupVaultArn": "arn:aws:backup:us-east-1:123456789012:backup-vault:gap",
    });
    let body = json!({ "CreatorRequestId": "token", "BackupPlanTags": { "team": "db" }, "BackupPlan": {
        "BackupPlanName": "p", "Rules": [rule], "Unknown": 1,
        "AdvancedBackupSettings": [{ "ResourceType": "EC2", "BackupOptions": { "WindowsVSS": "enabled" } }],
        "ScanSettings": [{ "MalwareScanner": "GUARDDUTY", "ResourceTypes": ["S3"], "ScannerRoleArn": "arn" }],
    }});
    let made = create(&mut world, &body).unwrap();
    let id = text(&made["BackupPlanId"]);
    let mut shown = send(&mut world, &now(), "GET", &format!("/backup/plans/{id}"), &json!(null)).unwrap();
    shown["BackupPlan"]["Rules"][0].as_object_mut().unwrap().remove("RuleId").unwrap();
    assert_eq!(shown["BackupPlan"]["Rules"][0], rule);
    assert_eq!(shown["AdvancedBackupSettings"], body["BackupPlan"]["AdvancedBackupSettings"], "beside the plan");
    assert_eq!(shown["BackupPlan"].get("AdvancedBackupSettings"), None, "not inside it");
    assert_eq!(shown["BackupPlan"]["ScanSettings"], body["BackupPlan"]["ScanSettings"]);
    assert_eq!(shown["CreatorRequestId"], "token");
    let tags = &now().region(&mut world).tags.0[text(&made["BackupPlanArn"])];
    assert_eq!(tags["team"], "db");
}

#[test]
fn faults_are_named_in_the_words_of_aws() {
    for (rule, message) in [
        (json!({ "TargetBackupVaultName": null }), "Error in some rules due to: Backup vault name is null"),
        (
            json!({ "Lifecycle": { "MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 119 } }),
            "Error in some rules due to : Invalid lifecycle. DeleteAfterDays cannot be less than 90 days apart from MoveToColdStorageAfterDays",
        ),
        (
            json!({ "Lifecycle": { "DeleteAfterDays": 0 } }),
            "Error in some rules due to : Invalid lifecycle. DeleteAfterDays cannot be less than 1 or more than 36500 days",
        ),
        (
            json!({ "StartWindowMinutes": 59 }),
            "Error in some rules due to: StartWindowMinutes 59 must be at least 60 and at most 52560000 minutes",
        ),
    ] {
        let fault = create(&mut World::default(), &one_rule(rule)).unwrap_err();
        assert_eq!((&*fault.code, fault.message.as_str()), ("InvalidParameterValueException", message));
    }
}

#[test]
fn bad_plans_are_refused_with_the_value_at_fault() {
    let arn = "arn:aws:backup:us-east-1:123456789012:backup-vault:v";
    let copies = |count: usize| json!({ "CopyActions": vec![json!({ "DestinationBackupVaultArn": arn }); count] });
    let many_tags: serde_json::Map<String, Value> = (0..11).map(|n| (n.to_string(), json!("x"))).collect();
    for (body, code, part) in [
        (json!({}), "MissingParameterValueException", "BackupPlan"),
        (json!({ "BackupPlan": { "Rules": [] } }), "MissingParameterValueException", "BackupPlanName"),
        (json!({ "BackupPlan": { "BackupPlanName": "p" } }), "MissingParameterValueException", "Rules"),
        (json!({ "BackupPlan": { "BackupPlanName": 5 } }), "SerializationException", "integer"),
        (plan("p", &json!([])), "InvalidParameterValueException", "at least one rule"),
        (plan("a b", &json!([])), "InvalidParameterValueException", "a b"),
        (plan(&"x".repeat(1_000_000), &json!([])), "InvalidParameterValueException", "1 to 200"),
        (plan("p", &json!(vec![json!({}); 11])), "LimitExceededException", "10 rules"),
        (plan("p", &json!([{}])), "InvalidParameterValueException", "Rule name is null; Backup vault name is null"),
        (one_rule(json!({ "RuleName": "a b" })), "InvalidParameterValueException", "a b"),
        (one_rule(json!({ "TargetBackupVaultName": "a.b" })), "InvalidParameterValueException", "a.b"),
        (one_rule(json!({ "ScheduleExpression": "cron(0 5 * * * *)" })), "InvalidParameterValueException", "must be ?"),
        (one_rule(json!({ "ScheduleExpressionTimezone": "Mars" })), "InvalidParameterValueException", "Mars"),
        (one_rule(json!({ "StartWindowMinutes": -1 })), "InvalidParameterValueException", "-1"),
        (one_rule(json!({ "StartWindowMinutes": 52_560_001 })), "InvalidParameterValueException", "52560001"),
        (one_rule(json!({ "StartWindowMinutes": i64::MAX })), "InvalidParameterValueException", "StartWindow"),
        (
            one_rule(json!({ "StartWindowMinutes": 60, "CompletionWindowMinutes": 119 })),
            "InvalidParameterValueException",
            "60 minutes longer",
        ),
        (
            one_rule(json!({ "EnableContinuousBackup": true, "Lifecycle": { "DeleteAfterDays": 36 } })),
            "InvalidParameterValueException",
            "between 1 and 35",
        ),
        (
            one_rule(json!({ "EnableContinuousBackup": true })),
            "InvalidParameterValueException",
            "Lifecycle must be specified for backup rule enabled continuous backup",
        ),
        (
            one_rule(json!({ "EnableContinuousBackup": true, "Lifecycle": {} })),
            "InvalidParameterValueException",
            "Lifecycle must be specified for backup rule enabled continuous backup",
        ),
        (
            one_rule(
                json!({ "EnableContinuousBackup": true, "Lifecycle": { "MoveToColdStorageAfterDays": 1, "DeleteAfterDays": 91 } }),
            ),
            "InvalidParameterValueException",
            "Invalid lifecycle. MoveToColdStorageAfterDays is unavailable",
        ),
        (one_rule(copies(6)), "InvalidParameterValueException", "at most 5 copy"),
        (
            one_rule(json!({ "CopyActions": [{ "DestinationBackupVaultArn": "vault" }] })),
            "InvalidParameterValueException",
            "destination",
        ),
        (one_rule(json!({ "RecoveryPointTags": many_tags })), "InvalidParameterValueException", "at most 10 tags"),
        (one_rule(json!({ "RecoveryPointTags": { "aws:x": "y" } })), "InvalidParameterValueException", "aws:x"),
        (json!({ "CreatorRequestId": "a b", "BackupPlan": {} }), "InvalidParameterValueException", "CreatorRequestId"),
        (
            json!({ "BackupPlan": { "BackupPlanName": "p", "Rules": [],
                "AdvancedBackupSettings": [{ "ResourceType": "RDS", "BackupOptions": {} }] } }),
            "InvalidParameterValueException",
            "RDS",
        ),
    ] {
        let mut world = World::default();
        let fault = create(&mut world, &body).unwrap_err();
        assert!(fault.code == code && fault.message.contains(part), "{body}: {fault:?}");
        assert!(fault.message.len() < 2_000, "{}", fault.message.len());
        let left = now().region(&mut world).backup.plans.all_active().count();
        assert_eq!(left, 0, "nothing half-done");
    }
}

#[test]
fn the_same_token_gives_the_same_plan_and_another_plan_of_the_name_is_refused() {
    let mut world = World::default();
    let mut body = one_rule(json!({}));
    body["CreatorRequestId"] = json!("one");
    let made = create(&mut world, &body).unwrap();
    assert_eq!(create(&mut world, &body).unwrap(), made);
    body["CreatorRequestId"] = json!("two");
    let twin = create(&mut world, &body).unwrap_err();
    assert_eq!((twin.status, &*twin.code), (400, "AlreadyExistsException"));
    assert_eq!(twin.message, "Backup plan with the same plan document already exists");
    assert!(twin.members.contains(&("CreatorRequestId", "one".to_owned())));
    assert!(twin.members.contains(&("Arn", text(&made["BackupPlanArn"]).to_owned())));
}

#[test]
fn plans_are_limited_per_region() {
    let mut world = World::default();
    let mut call = now();
    Arc::make_mut(&mut call.behaviour).quotas.plans = 1;
    let rules = json!([{ "RuleName": "r", "TargetBackupVaultName": "vault" }]);
    send(&mut world, &call, "PUT", "/backup/plans", &plan("a", &rules)).unwrap();
    let fault = send(&mut world, &call, "PUT", "/backup/plans", &plan("b", &rules)).unwrap_err();
    assert_eq!(fault.code, "LimitExceededException");
}

#[test]
fn an_update_makes_a_version_and_keeps_the_ids_of_rules_by_name() {
    let mut world = World::default();
    let rule = |name: &str, start: i64| json!({ "RuleName": name, "TargetBackupVaultName": "vault", "StartWindowMinutes": start });
    let made = create(&mut world, &plan("p", &json!([rule("a", 60), rule("b", 60)]))).unwrap();
    let path = format!("/backup/plans/{}", text(&made["BackupPlanId"]));
    let first = send(&mut world, &now(), "GET", &path, &json!(null)).unwrap();
    let later = call("2027-02-01T00:00:00.25Z");
    let updated = send(&mut world, &later, "POST", &path, &plan("p", &json!([rule("c", 60), rule("b", 90)]))).unwrap();
    assert_eq!(updated["BackupPlanArn"], made["BackupPlanArn"]);
    assert_ne!(updated["VersionId"], made["VersionId"]);
    assert_eq!(updated["CreationDate"], json!(1_801_440_000.25));
    let second = send(&mut world, &later, "GET", &path, &json!(null)).unwrap();
    assert_eq!(second["BackupPlan"]["Rules"][1]["RuleId"], first["BackupPlan"]["Rules"][1]["RuleId"]);
    assert_eq!(second["BackupPlan"]["Rules"][1]["StartWindowMinutes"], 90);
    assert_ne!(second["BackupPlan"]["Rules"][0]["RuleId"], first["BackupPlan"]["Rules"][0]["RuleId"]);
    let old = format!("{path}?versionId={}", text(&made["VersionId"]));
    assert_eq!(send(&mut world, &later, "GET", &old, &json!(null)).unwrap(), first);
    let versions = send(&mut world, &later, "GET", &format!("{path}/versions/?maxResults=1"), &json!(null)).unwrap();
    assert_eq!(versions["BackupPlanVersionsList"][0]["VersionId"], updated["VersionId"], "newest first");
    let next = format!("{path}/versions?maxResults=1&nextToken={}", text(&versions["NextToken"]));
    let rest = send(&mut world, &later, "GET", &next, &json!(null)).unwrap();
    assert_eq!(rest["BackupPlanVersionsList"][0]["VersionId"], made["VersionId"]);
    assert_eq!(rest.get("NextToken"), None);
    let missing = send(&mut world, &later, "GET", &format!("{path}?versionId=x"), &json!(null)).unwrap_err();
    assert_eq!((missing.status, &*missing.code), (400, "ResourceNotFoundException"));
    assert_eq!(missing.message, "Failed reading Backup plan with provided version");
}

#[test]
fn a_plan_may_not_take_the_name_of_another() {
    let mut world = World::default();
    let rules = json!([{ "RuleName": "r", "TargetBackupVaultName": "vault" }]);
    let made = create(&mut world, &plan("a", &rules)).unwrap();
    create(&mut world, &plan("b", &rules)).unwrap();
    let path = format!("/backup/plans/{}", text(&made["BackupPlanId"]));
    let fault = send(&mut world, &now(), "POST", &path, &plan("b", &rules)).unwrap_err();
    assert_eq!(fault.code, "InvalidParameterValueException");
    send(&mut world, &now(), "POST", &path, &plan("c", &rules)).unwrap();
}

#[test]
fn a_deleted_plan_is_read_for_thirty_days_and_listed_on_request() {
    let mut world = World::default();
    let mut body = one_rule(json!({}));
    body["BackupPlanTags"] = json!({ "a": "b" });
    let made = create(&mut world, &body).unwrap();
    let path = format!("/backup/plans/{}", text(&made["BackupPlanId"]));
    let deleted = send(&mut world, &call("2027-01-02T00:00:00Z"), "DELETE", &path, &json!(null)).unwrap();
    assert_eq!(deleted["DeletionDate"], 1_798_848_000);
    assert_eq!(deleted["VersionId"], made["VersionId"]);
    assert_eq!(deleted.get("CreationDate"), None);
    let region = now();
    assert!(region.region(&mut world).tags.0.is_empty(), "its tags went");
    assert_eq!(region.region(&mut world).backup.plans.next_fire(), None, "its rules fire no more");
    let shown = send(&mut world, &now(), "GET", &path, &json!(null)).unwrap();
    assert_eq!(shown["DeletionDate"], 1_798_848_000);
    for (query, count) in [("", 0), ("?includeDeleted=false", 0), ("?includeDeleted=true", 1)] {
        let listed = send(&mut world, &now(), "GET", &format!("/backup/plans/{query}"), &json!(null)).unwrap();
        assert_eq!(listed["BackupPlansList"].as_array().unwrap().len(), count, "{query}");
    }
    for (method, body) in [("POST", one_rule(json!({}))), ("DELETE", json!(null))] {
        let fault = send(&mut world, &now(), method, &path, &body).unwrap_err();
        assert_eq!(fault.code, "ResourceNotFoundException", "{method}");
    }
    create(&mut world, &one_rule(json!({}))).expect("the name is free again");
    let plans = &mut call("2027-01-02T00:00:00Z").region(&mut world).backup.plans.by_id;
    assert_eq!(plans.len(), 2);
    let region = now();
    region.region(&mut world).backup.plans.prune("2027-02-01T00:00:00Z".parse().unwrap());
    assert_eq!(region.region(&mut world).backup.plans.by_id.len(), 2);
    region.region(&mut world).backup.plans.prune("2027-02-01T00:00:01Z".parse().unwrap());
    assert_eq!(region.region(&mut world).backup.plans.by_id.len(), 1);
}

#[test]
fn deleted_plans_do_not_pile_up_under_a_standing_clock() {
    let mut world = World::default();
    for _ in 0..super::MOST_DELETED + 5 {
        let made = create(&mut world, &one_rule(json!({}))).unwrap();
        send(&mut world, &now(), "DELETE", &format!("/backup/plans/{}", text(&made["BackupPlanId"])), &json!(null))
            .unwrap();
    }
    assert_eq!(now().region(&mut world).backup.plans.by_id.len(), super::MOST_DELETED);
}

#[test]
fn plans_page_in_the_order_they_were_made() {
    let mut world = World::default();
    let rules = json!([{ "RuleName": "r", "TargetBackupVaultName": "vault" }]);
    for number in 0..5 {
        let call = call(&format!("2027-01-01T00:0{number}:00Z"));
        send(&mut world, &call, "PUT", "/backup/plans", &plan(&format!("p{number}"), &rules)).unwrap();
    }
    let mut names = Vec::new();
    let mut target = "/backup/plans?maxResults=2".to_owned();
    loop {
        let page = send(&mut world, &now(), "GET", &target, &json!(null)).unwrap();
        names.extend(
            page["BackupPlansList"].as_array().unwrap().iter().map(|plan| text(&plan["BackupPlanName"]).to_owned()),
        );
        let Some(token) = page.get("NextToken") else { break };
        target = format!("/backup/plans?maxResults=2&nextToken={}", text(token));
    }
    assert_eq!(names, ["p0", "p1", "p2", "p3", "p4"]);
}

#[test]
fn the_preview_shows_the_soonest_runs_of_all_rules() {
    let mut world = World::default();
    let rules = json!([
        { "RuleName": "a", "TargetBackupVaultName": "vault" },
        { "RuleName": "b", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 4 ? * 7 *)",
            "EnableContinuousBackup": true, "Lifecycle": { "DeleteAfterDays": 7 } },
    ]);
    let made = create(&mut world, &plan("p", &rules)).unwrap();
    let path = format!("/backup/plans/{}", text(&made["BackupPlanId"]));
    let shown = send(&mut world, &now(), "GET", &format!("{path}?MaxScheduledRunsPreview=3"), &json!(null)).unwrap();
    let runs: Vec<(i64, &str)> = shown["ScheduledRunsPreview"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["ExecutionTime"].as_i64().unwrap(), text(&run["RuleExecutionType"])))
        .collect();
    let expected =
        [(1_798_779_600, "SNAPSHOTS"), (1_798_862_400, "CONTINUOUS_AND_SNAPSHOTS"), (1_798_866_000, "SNAPSHOTS")];
    assert_eq!(runs, expected);
    for query in ["?MaxScheduledRunsPreview=11", "?MaxScheduledRunsPreview=-1", "?MaxScheduledRunsPreview=x"] {
        let fault = send(&mut world, &now(), "GET", &format!("{path}{query}"), &json!(null)).unwrap_err();
        assert_eq!(fault.code, "InvalidParameterValueException", "{query}");
    }
}

#[test]
fn templates_are_listed_and_are_valid_plans() {
    let mut world = World::default();
    let listed = send(&mut world, &now(), "GET", "/backup/template/plans", &json!(null)).unwrap();
    let templates = listed["BackupPlanTemplatesList"].as_array().unwrap().clone();
    assert_eq!(templates.len(), 4);
    for template in templates {
        let path = format!("/backup/template/plans/{}/toPlan", text(&template["BackupPlanTemplateId"]));
        let plan = send(&mut world, &now(), "GET", &path, &json!(null)).unwrap();
        let made = create(&mut world, &json!({ "BackupPlan": plan["BackupPlanDocument"] })).unwrap();
        assert!(made["BackupPlanId"].is_string(), "{template}");
    }
    let fault = send(&mut world, &now(), "GET", "/backup/template/plans/x/toPlan", &json!(null)).unwrap_err();
    assert_eq!(fault.code, "ResourceNotFoundException");
}

#[test]
fn an_exported_plan_reads_back_unless_it_was_edited() {
    let mut world = World::default();
    let mut body = one_rule(json!({ "Lifecycle": { "DeleteAfterDays": 35 } }));
    body["BackupPlan"]["AdvancedBackupSettings"] =
        json!([{ "ResourceType": "EC2", "BackupOptions": { "WindowsVSS": "enabled" } }]);
    let made = create(&mut world, &body).unwrap();
    let path = format!("/backup/plans/{}/toTemplate/", text(&made["BackupPlanId"]));
    let exported = send(&mut world, &now(), "GET", &path, &json!(null)).unwrap();
    let document = text(&exported["BackupPlanTemplateJson"]);
    let mut read = |text: &str| {
        let body = json!({ "BackupPlanTemplateJson": text });
        send(&mut world, &now(), "POST", "/backup/template/json/toPlan", &body)
    };
    let plan = read(document).unwrap();
    assert_eq!(plan["BackupPlan"]["Rules"][0]["Lifecycle"]["DeleteAfterDays"], 35);
    for edited in [document.replace("35", "36"), "{}".to_owned(), "no json".to_owned()] {
        assert_eq!(read(&edited).unwrap_err().code, "InvalidParameterValueException", "{edited}");
    }
}
