use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::backup::plans::tests::send;
use crate::backup::selections::tests::trusted_role;
use crate::call::Call;
use crate::start_world;
use crate::world::World;

const DB: &str = "arn:aws:rds:us-east-1:123456789012:db:";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The starting world on New Year's Eve, with a role.
struct Scene {
    world: World,
    call: Call,
    role: String,
}

impl Scene {
    fn new() -> Self {
        let call = Call::at(at("2026-12-31T12:00:00Z"));
        let mut world = World::default();
        start_world::build(&mut world, &call.account, &call.region, call.now);
        let role = trusted_role(&mut world, &call, "backup");
        Self { world, call, role }
    }

    fn region(&mut self) -> &mut Region {
        self.call.region(&mut self.world)
    }

    fn tag(&mut self, arn: &str, pairs: &[(&str, &str)]) {
        let tags = self.region().tags.0.entry(arn.to_owned()).or_default();
        tags.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    }

    fn plan(&mut self, name: &str, rules: &Value) -> String {
        let body = json!({ "BackupPlan": { "BackupPlanName": name, "Rules": rules } });
        let made = send(&mut self.world, &self.call, "PUT", "/backup/plans", &body).unwrap();
        made["BackupPlanId"].as_str().unwrap().to_owned()
    }

    fn select(&mut self, plan: &str, name: &str, members: &Value) {
        let mut selection = json!({ "SelectionName": name, "IamRoleArn": self.role });
        selection.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let path = format!("/backup/plans/{plan}/selections");
        send(&mut self.world, &self.call, "PUT", &path, &json!({ "BackupSelection": selection })).unwrap();
    }

    fn next(&mut self) -> Option<Timestamp> {
        self.region().backup.plans.next_fire()
    }

    /// Lets rules fire until `to`: due instant, rule name, and the last parts of the targets' ARNs.
    fn run_to(&mut self, to: &str) -> Vec<(String, String, Vec<String>)> {
        let mut seen = Vec::new();
        while let Some(due) = self.next().filter(|due| *due <= at(to)) {
            let account = self.call.account(&mut self.world);
            for fired in fire(account, &self.call.region, due, &self.call.behaviour) {
                assert_eq!(fired.due, due);
                let last = |target: &Target| target.resource_arn.rsplit([':', '/']).next().unwrap().to_owned();
                let names = fired.targets.iter().map(last).collect();
                seen.push((due.strftime("%m-%dT%H:%M").to_string(), fired.creator.backup_rule_name, names));
            }
        }
        self.call.now = at(to);
        seen
    }
}

fn rule(name: &str, schedule: &str, days: i64) -> Value {
    json!({
        "RuleName": name, "TargetBackupVaultName": "vault", "ScheduleExpression": format!("cron({schedule})"),
        "StartWindowMinutes": 60, "CompletionWindowMinutes": 180, "Lifecycle": { "DeleteAfterDays": days },
    })
}

fn both_tags() -> Value {
    json!({ "Resources": ["*"], "Conditions": { "StringEquals": [
        { "ConditionKey": "aws:ResourceTag/Environment", "ConditionValue": "production" },
        { "ConditionKey": "aws:ResourceTag/ResourceType", "ConditionValue": "rdspg-fcj" },
    ]}})
}

fn team(name: &str) -> Value {
    json!({ "ListOfTags": [{ "ConditionType": "STRINGEQUALS", "ConditionKey": "Team", "ConditionValue": name }] })
}

fn fires(when: &str, rule: &str, targets: &[&str]) -> (String, String, Vec<String>) {
    (when.to_owned(), rule.to_owned(), targets.iter().map(|target| (*target).to_owned()).collect())
}

#[test]
fn a_selection_is_evaluated_when_the_rule_fires() {
    let mut scene = Scene::new();
    scene.tag(&format!("{DB}rdspg-fcj-labs"), &[("Environment", "production"), ("ResourceType", "rdspg-fcj")]);
    scene.tag(&format!("{DB}rdspg-orders"), &[("Environment", "production")]);
    let plan = scene.plan("p", &json!([{ "RuleName": "DailyBackups", "TargetBackupVaultName": "vault" }]));
    scene.select(&plan, "s", &both_tags());
    assert_eq!(scene.run_to("2027-01-01T04:59:59Z"), []);
    assert_eq!(scene.run_to("2027-01-01T05:00:00Z"), [fires("01-01T05:00", "DailyBackups", &["rdspg-fcj-labs"])]);
    scene.tag(&format!("{DB}rdspg-orders"), &[("ResourceType", "rdspg-fcj")]);
    let second = scene.run_to("2027-01-02T05:00:00Z");
    assert_eq!(second, [fires("01-02T05:00", "DailyBackups", &["rdspg-fcj-labs", "rdspg-orders"])]);
}

#[test]
fn resources_of_other_regions_and_accounts_are_not_backed_up() {
    let mut scene = Scene::new();
    let plan = scene.plan("p", &json!([{ "RuleName": "r", "TargetBackupVaultName": "vault" }]));
    let files = |region: &str, account: &str, id: &str| {
        format!("arn:aws:elasticfilesystem:{region}:{account}:file-system/{id}")
    };
    let resources = json!([
        files("us-east-1", "123456789012", "fs-own"),
        files("eu-west-1", "123456789012", "fs-far"),
        files("us-east-1", "999999999999", "fs-theirs"),
        "arn:aws:s3:::bucket",
    ]);
    scene.select(&plan, "s", &json!({ "Resources": resources }));
    assert_eq!(scene.run_to("2027-01-01T05:00:00Z"), [fires("01-01T05:00", "r", &["fs-own", "bucket"])]);
}

#[test]
fn what_fires_names_its_plan_and_carries_the_rule() {
    let mut scene = Scene::new();
    let arn = format!("{DB}rdspg-fcj-labs");
    let copies = json!([{ "DestinationBackupVaultArn": "arn:aws:backup:eu-west-1:123456789012:backup-vault:far" }]);
    let plan = scene.plan(
        "p",
        &json!([{
            "RuleName": "r", "TargetBackupVaultName": "vault", "RecoveryPointTags": { "a": "b" }, "CopyActions": copies,
            "EnableContinuousBackup": true, "ScheduleExpressionTimezone": "Asia/Ho_Chi_Minh",
            "Lifecycle": { "DeleteAfterDays": 7 },
        }]),
    );
    scene.select(&plan, "s", &json!({ "Resources": [arn] }));
    let due = scene.next().unwrap();
    assert_eq!(due, at("2026-12-31T22:00:00Z"));
    let account = scene.call.account(&mut scene.world);
    let fired = fire(account, "us-east-1", due, &scene.call.behaviour).remove(0);
    let role = scene.role.clone();
    assert_eq!(fired.targets, [Target { resource_arn: arn, resource_type: "RDS", role_arn: role }]);
    let Creator { backup_plan_id, backup_plan_name, backup_rule_cron, backup_rule_timezone, .. } = &fired.creator;
    assert_eq!(
        [backup_plan_id, backup_plan_name, backup_rule_cron, backup_rule_timezone],
        [plan.as_str(), "p", "cron(0 5 ? * * *)", "Asia/Ho_Chi_Minh"]
    );
    assert_eq!((fired.start_window.as_mins(), fired.completion_window.as_mins()), (480, 10_080));
    assert!(fired.continuous);
    assert_eq!(fired.lifecycle.as_ref().and_then(|lifecycle| lifecycle.delete_after_days), Some(7));
    assert_eq!((fired.recovery_point_tags.len(), fired.copy_actions.len()), (1, 1));
    let path = format!("/backup/plans/{plan}");
    let shown = send(&mut scene.world, &scene.call, "GET", &path, &json!(null)).unwrap();
    assert_eq!(shown["LastExecutionDate"], due.as_second());
}

#[test]
fn selections_unite_and_take_a_resource_once_under_the_older_role() {
    let mut scene = Scene::new();
    let plan = scene.plan("p", &json!([rule("r", "0 5 ? * * *", 35)]));
    scene.select(&plan, "old", &json!({ "Resources": [format!("{DB}rdspg-orders")] }));
    let old = scene.role.clone();
    scene.role = trusted_role(&mut scene.world, &scene.call, "other");
    scene.call.now = at("2026-12-31T13:00:00Z");
    scene.select(&plan, "new", &json!({ "Resources": [format!("{DB}rdspg-orders"), format!("{DB}mysql-legacy")] }));
    let account = scene.call.account(&mut scene.world);
    let fired = fire(account, "us-east-1", at("2027-01-01T05:00:00Z"), &scene.call.behaviour).remove(0);
    let roles: Vec<&str> = fired.targets.iter().map(|target| target.role_arn.as_str()).collect();
    assert_eq!(roles, [scene.role.as_str(), old.as_str()], "mysql-legacy, then rdspg-orders");
}

#[test]
fn of_rules_whose_start_windows_meet_only_the_longest_retention_runs() {
    let mut scene = Scene::new();
    let plan = scene.plan(
        "p",
        &json!([
            rule("daily", "0 5 ? * * *", 35),
            rule("monthly", "30 5 1 * ? *", 365),
            rule("weekly", "0 6 ? * 7 *", 90),
            rule("evening", "0 20 ? * * *", 7),
        ]),
    );
    scene.select(&plan, "s", &json!({ "Resources": [format!("{DB}rdspg-orders")] }));
    // 1 January 2027 is a Friday: monthly at 05:30 displaces daily at 05:00; on Saturday weekly at 06:00 is apart.
    let seen = scene.run_to("2027-01-02T23:00:00Z");
    let names: Vec<String> = seen.iter().map(|(when, rule, _)| format!("{when} {rule}")).collect();
    assert_eq!(
        names,
        [
            "12-31T20:00 evening",
            "01-01T05:30 monthly",
            "01-01T20:00 evening",
            "01-02T05:00 daily",
            "01-02T06:00 weekly",
            "01-02T20:00 evening",
        ]
    );
}

#[test]
fn a_rule_gives_way_to_a_longer_one_that_began_before_and_is_still_starting() {
    let mut scene = Scene::new();
    let mut long = rule("long", "0 5 ? * * *", 90);
    long["StartWindowMinutes"] = json!(120);
    let plan = scene.plan("p", &json!([rule("short", "30 * ? * * *", 1), long]));
    scene.select(&plan, "s", &json!({ "Resources": [format!("{DB}rdspg-orders")] }));
    let seen = scene.run_to("2027-01-01T08:00:00Z");
    let morning: Vec<&str> = seen
        .iter()
        .map(|(when, ..)| when.as_str())
        .filter(|when| *when >= "01-01T03:00" && when.starts_with("01-"))
        .collect();
    assert_eq!(morning, ["01-01T03:30", "01-01T05:00", "01-01T07:30"]);
}

#[test]
fn rules_of_equal_retention_both_run_unless_they_fire_at_once() {
    let mut scene = Scene::new();
    let plan = scene
        .plan("p", &json!([rule("a", "0 5 ? * * *", 35), rule("b", "0 5 ? * * *", 35), rule("c", "30 5 ? * * *", 35)]));
    scene.select(&plan, "s", &json!({ "Resources": [format!("{DB}rdspg-orders")] }));
    let names: Vec<String> = scene.run_to("2027-01-01T06:00:00Z").into_iter().map(|(_, rule, _)| rule).collect();
    assert_eq!(names, ["a", "c"]);
}

#[test]
fn an_edited_plan_fires_by_its_new_rules_and_unchanged_rules_keep_their_time() {
    let mut scene = Scene::new();
    let plan = scene.plan("p", &json!([rule("a", "0 5 ? * * *", 35), rule("b", "0 9 ? * * *", 35)]));
    scene.select(&plan, "s", &json!({ "Resources": [format!("{DB}rdspg-orders")] }));
    scene.run_to("2027-01-01T05:00:00Z");
    let rules = json!([rule("a", "0 4 ? * * *", 7), rule("b", "0 9 ? * * *", 7)]);
    let body = json!({ "BackupPlan": { "BackupPlanName": "p", "Rules": rules } });
    send(&mut scene.world, &scene.call, "POST", &format!("/backup/plans/{plan}"), &body).unwrap();
    let seen: Vec<String> =
        scene.run_to("2027-01-02T05:00:00Z").iter().map(|(when, rule, _)| format!("{when} {rule}")).collect();
    assert_eq!(seen, ["01-01T09:00 b", "01-02T04:00 a"]);
}

#[test]
fn opted_out_types_are_skipped_in_silence() {
    let mut scene = Scene::new();
    let plan = scene.plan("p", &json!([rule("r", "0 5 ? * * *", 35)]));
    scene.select(&plan, "s", &json!({ "Resources": ["*"] }));
    Arc::make_mut(&mut scene.call.behaviour).opt_in.insert("RDS".to_owned(), false);
    assert_eq!(scene.run_to("2027-01-01T05:00:00Z"), [fires("01-01T05:00", "r", &["aurora-billing"])]);
}

#[test]
fn a_role_that_cannot_look_up_tags_makes_no_job_and_one_that_is_not_needed_for_that_does() {
    let mut scene = Scene::new();
    let plan = scene.plan("p", &json!([rule("r", "0 5 ? * * *", 35)]));
    let by_tag = team("orders");
    scene.select(&plan, "by-tag", &by_tag);
    scene.select(&plan, "by-arn", &json!({ "Resources": [format!("{DB}mysql-legacy")] }));
    scene.call.account(&mut scene.world).iam = iam::States::default();
    assert_eq!(scene.run_to("2027-01-01T05:00:00Z"), [fires("01-01T05:00", "r", &["mysql-legacy"])]);
}

#[test]
fn resources_of_other_services_are_taken_by_arn_or_tag() {
    let mut scene = Scene::new();
    let volume = "arn:aws:ec2:us-east-1:123456789012:volume/vol-1";
    scene.tag(volume, &[("Team", "orders")]);
    let plan = scene.plan("p", &json!([rule("r", "0 5 ? * * *", 35)]));
    let mut selection = team("orders");
    selection["Resources"] = json!(["arn:aws:dynamodb:us-east-1:123456789012:table/t", format!("{DB}gone")]);
    scene.select(&plan, "s", &selection);
    assert_eq!(scene.run_to("2027-01-01T05:00:00Z"), [fires("01-01T05:00", "r", &["t", "vol-1", "rdspg-orders"])]);
}

#[test]
fn a_plan_without_selections_fires_nothing_and_goes_on() {
    let mut scene = Scene::new();
    let plan = scene.plan("p", &json!([rule("r", "0 5 ? * * *", 35)]));
    assert_eq!(scene.run_to("2027-01-03T05:00:00Z"), []);
    assert_eq!(scene.next(), Some(at("2027-01-04T05:00:00Z")));
    let shown = send(&mut scene.world, &scene.call, "GET", &format!("/backup/plans/{plan}"), &json!(null)).unwrap();
    assert_eq!(shown.get("LastExecutionDate"), None);
}
