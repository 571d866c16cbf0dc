//! What one RPC knows of vaults, all know: those that rules and copies name, in every RPC that such a rule or copy passes.

use std::collections::BTreeMap;

use serde_json::json;
use strongroom::{
    config::RoleTemplate,
    proto::{
        CopyAction, CreatePlanRequest, CreateSelectionRequest, DeleteVaultRequest, Finding, Lifecycle,
        LockVaultRequest, PreviewScheduleRequest, Rule, Severity, StartBackupRequest, StartCopyRequest, UnsavedRules,
        UpdatePlanRequest, preview_schedule_request::Of,
    },
};
use tonic::Status;
use tonic_types::StatusExt;

use crate::{
    backups::{VAULT, aws_backup, backup_of, prepare, prepared, recovery_point},
    copies::{copy, vault},
    harness::{LABS, World},
    protection::{explain, select},
};

const OTHER: &str = "999999999999";
const FAR: &str = "arn:aws:backup:eu-west-1:123456789012:backup-vault:far";

fn kept(days: i32) -> Option<Lifecycle> {
    Some(Lifecycle { delete_after_days: Some(days), ..Default::default() })
}

fn rule(name: &str, vault: &str, days: i32) -> Rule {
    Rule { name: name.into(), vault: vault.into(), lifecycle: kept(days), ..Default::default() }
}

fn copying(rule: Rule, destinations: &[&str]) -> Rule {
    let copy = |vault: &&str| CopyAction { destination_vault: (*vault).into(), lifecycle: None };
    Rule { copy_actions: destinations.iter().map(copy).collect(), ..rule }
}

/// Code, message and field.
type Said = Vec<(String, String, String)>;

fn said(findings: Vec<Finding>) -> Said {
    let all_warn = findings.iter().all(|finding| finding.severity() <= Severity::Warning);
    assert!(all_warn, "AWS accepts it all the same: {findings:?}");
    findings.into_iter().map(|finding| (finding.code, finding.message, finding.field)).collect()
}

/// What every RPC that takes rules says of them, by its name: of the plan `asked`, which is there afterwards.
async fn of_rules(world: &World, rules: &[Rule]) -> BTreeMap<&'static str, Said> {
    let mut told = BTreeMap::new();
    let create = |validate_only| CreatePlanRequest {
        name: "asked".into(),
        rules: rules.to_vec(),
        validate_only,
        ..Default::default()
    };
    for (name, validate_only) in [("CreatePlan checked", true), ("CreatePlan", false)] {
        let answer = world.plans().create_plan(create(validate_only)).await.unwrap();
        told.insert(name, said(answer.into_inner().findings));
    }
    for (name, validate_only) in [("UpdatePlan checked", true), ("UpdatePlan", false)] {
        let request =
            UpdatePlanRequest { plan: "asked".into(), rules: rules.to_vec(), validate_only, ..Default::default() };
        told.insert(name, said(world.plans().update_plan(request).await.unwrap().into_inner().findings));
    }
    let unsaved = Of::Unsaved(UnsavedRules { rules: rules.to_vec() });
    for (name, of) in [("PreviewSchedule", Of::Plan("asked".into())), ("PreviewSchedule unsaved", unsaved)] {
        let request = PreviewScheduleRequest { of: Some(of), ..Default::default() };
        let mut found = said(world.plans().preview_schedule(request).await.unwrap().into_inner().findings);
        if name.ends_with("unsaved") {
            for (_, _, field) in &mut found {
                *field = field.strip_prefix("unsaved.").unwrap().to_owned();
            }
        }
        told.insert(name, found);
    }
    told
}

/// Every RPC that takes rules says just this, by code, field and a part of the message.
async fn all_say(world: &World, rules: &[Rule], expected: &[(&str, &str, &str)]) {
    for (rpc, said) in of_rules(world, rules).await {
        let about_vaults = said.iter().filter(|(code, ..)| {
            !matches!(code.as_str(), "RULES_OVERLAP" | "CONTINUOUS_BACKUP_OWNS_RDS_WINDOW" | "WINDOWS_NOT_CHECKED")
        });
        let told: Vec<_> = about_vaults.map(|(code, _, field)| (code.as_str(), field.as_str())).collect();
        let wanted: Vec<_> = expected.iter().map(|(code, field, _)| (*code, *field)).collect();
        assert_eq!(told, wanted, "{rpc}: {said:?}");
        for (code, field, words) in expected {
            let says = |it: &&(String, String, String)| it.0 == *code && it.2 == *field && it.1.contains(words);
            assert!(said.iter().any(|it| says(&it)), "{rpc} does not say {words}: {said:?}");
        }
    }
}

async fn lock(world: &World, name: &str, longest: i64) {
    let lock = aws_backup(world).put_backup_vault_lock_configuration().backup_vault_name(name);
    lock.max_retention_days(longest).send().await.unwrap();
}

/// What a copy is refused for: code and words of each obstacle, or the reason alone.
async fn copy_refused(world: &World, request: StartCopyRequest) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for validate_only in [true, false] {
        let status: Status =
            world.jobs().start_copy(StartCopyRequest { validate_only, ..request.clone() }).await.unwrap_err();
        let obstacles = status.get_details_precondition_failure().map(|it| it.violations).unwrap_or_default();
        let told: Vec<_> = obstacles.into_iter().map(|it| (it.r#type, it.description)).collect();
        let told = if told.is_empty() { vec![(String::new(), status.message().to_owned())] } else { told };
        assert!(all.is_empty() || all == told, "a check says the same");
        all = told;
    }
    all
}

#[tokio::test]
async fn a_vault_that_is_missing_is_told_wherever_it_is_named() {
    let world = prepared().await;
    let rules = [
        copying(rule("lost", "nowhere", 7), &["gone", FAR]),
        Rule { air_gapped_vault: "airless".into(), ..rule("gapped", VAULT, 7) },
    ];
    let expected = [
        ("VAULT_MISSING", "rules[0].vault", "there is no vault nowhere, into which rule lost backs up: its jobs fail"),
        (
            "VAULT_MISSING",
            "rules[0].copy_actions[0].destination_vault",
            "there is no vault gone, into which rule lost copies",
        ),
        (
            "VAULT_MISSING",
            "rules[0].copy_actions[1].destination_vault",
            &format!("there is no vault {FAR}, into which"),
        ),
        ("VAULT_MISSING", "rules[1].air_gapped_vault", "there is no vault airless, into which rule gapped backs up"),
        ("RULES_OVERLAP", "", ""),
    ];
    all_say(&world, &rules, &expected[..4]).await;
    // Protection that rests on it, and a selection that is added to such a plan.
    select(&world, "asked", "labs", &[LABS]).await;
    let explained = explain(&world, LABS).await;
    let missing: Vec<_> = explained.findings.iter().filter(|it| it.code == "VAULT_MISSING").collect();
    assert_eq!(missing.len(), 4, "{explained:#?}");
    let words = "there is no vault nowhere, into which rule lost of plan asked backs up: its jobs fail";
    assert!(missing.iter().any(|it| it.message == words && it.severity() == Severity::Error), "{missing:?}");
}

#[tokio::test]
async fn a_lock_against_what_is_kept_is_told_to_all_who_keep_it_there() {
    let world = prepared().await;
    vault(&world, "eu-west-1", "", "far", "").await;
    vault(&world, "", "", "locked", "").await;
    lock(&world, "locked", 30).await;
    let words = "the lock of vault locked allows 1 to 30 days of retention and";
    let rules = [rule("long", "locked", 31), copying(rule("copied", VAULT, 60), &["locked"])];
    let expected = [
        ("RETENTION_OUTSIDE_VAULT_LOCK", "rules[0].lifecycle", words),
        ("RETENTION_OUTSIDE_VAULT_LOCK", "rules[1].lifecycle", "the copies of rule copied are kept 60 days"),
    ];
    all_say(&world, &rules, &expected).await;
    for validate_only in [true, false] {
        let lifecycle = kept(31);
        let request = StartBackupRequest { vault: "locked".into(), lifecycle, validate_only, ..backup_of(LABS) };
        let found = said(world.jobs().start_backup(request).await.unwrap().into_inner().findings);
        let outside = found.iter().find(|(code, ..)| code == "RETENTION_OUTSIDE_VAULT_LOCK").unwrap();
        assert!(outside.1.starts_with(words), "{outside:?}");
        let request = LockVaultRequest {
            vault: "locked".into(),
            max_retention_days: Some(30),
            validate_only,
            ..Default::default()
        };
        let clashes = world.vaults().lock_vault(request).await.unwrap().into_inner().clashes;
        assert_eq!(clashes.len(), 2);
        assert!(clashes.iter().all(|clash| clash.message.starts_with(words)), "{clashes:?}");
    }
    world.advance("PT1H").await;
    let point = recovery_point(&world).await;
    let request = StartCopyRequest { lifecycle: kept(31), ..copy(&point, "locked") };
    let refused = copy_refused(&world, request).await;
    assert_eq!(refused[0].0, "RETENTION_OUTSIDE_VAULT_LOCK");
    assert!(
        refused[0].1.contains("allows 1 to 30 days of retention and the copy would be kept 31 days"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_copy_that_goes_where_its_original_is_is_told() {
    let world = prepared().await;
    vault(&world, "", "", "second", "").await;
    let home = format!("arn:aws:backup:us-east-1:123456789012:backup-vault:{VAULT}");
    let rules = [copying(rule("home", VAULT, 7), &[VAULT, "second", &home, "second"])];
    let already = format!("the backups of rule home are in {VAULT} already");
    let at = |index: usize| format!("rules[0].copy_actions[{index}].destination_vault");
    let expected = [
        ("DESTINATION_IS_SOURCE", &*at(0), &*already),
        ("DESTINATION_IS_SOURCE", &*at(2), &*already),
        ("COPY_DESTINATION_REPEATED", &*at(3), "another copy action of rule home copies into second already"),
    ];
    all_say(&world, &rules, &expected).await;
    let point = recovery_point(&world).await;
    let refused = copy_refused(&world, copy(&point, VAULT)).await;
    assert_eq!(refused[0].0, "DESTINATION_IS_SOURCE");
    assert!(refused[0].1.contains(&format!("the recovery point is in {home} already")), "{refused:?}");
}

#[tokio::test]
async fn a_vault_that_is_not_air_gapped_is_told_where_a_rule_names_it_as_that() {
    let world = prepared().await;
    vault(&world, "", "", "second", "").await;
    let gapped = |name: &str, air_gapped: &str| Rule { air_gapped_vault: air_gapped.into(), ..rule(name, VAULT, 7) };
    let home = format!("arn:aws:backup:us-east-1:123456789012:backup-vault:{VAULT}");
    let rules = [gapped("ordinary", "second"), gapped("own", &home), copying(gapped("copied", "second"), &["second"])];
    let ordinary = "vault second, which rule ordinary names as its air-gapped one, is none: it is a BACKUP_VAULT";
    let already = format!("the backups of rule own are in {VAULT} already");
    let expected = [
        ("VAULT_NOT_AIR_GAPPED", "rules[0].air_gapped_vault", ordinary),
        ("DESTINATION_IS_SOURCE", "rules[1].air_gapped_vault", &*already),
        (
            "DESTINATION_IS_SOURCE",
            "rules[2].copy_actions[0].destination_vault",
            "the backups of rule copied are in second already",
        ),
        ("VAULT_NOT_AIR_GAPPED", "rules[2].air_gapped_vault", "which rule copied names as its air-gapped one"),
    ];
    all_say(&world, &rules, &expected).await;
    // Whoever has the plan select something hears of it, and who asks about that.
    let create = CreateSelectionRequest {
        plan: "asked".into(),
        name: "labs".into(),
        role: "AWSBackupDefaultServiceRole".into(),
        resources: vec![LABS.into()],
        ..Default::default()
    };
    let found = said(world.plans().create_selection(create).await.unwrap().into_inner().findings);
    let of_vaults = |it: &Finding| ["VAULT_NOT_AIR_GAPPED", "DESTINATION_IS_SOURCE"].contains(&it.code.as_str());
    let explained = said(explain(&world, LABS).await.findings.into_iter().filter(of_vaults).collect());
    for told in [found, explained] {
        let about = |code: &str| told.iter().filter(|(it, ..)| it == code).count();
        assert_eq!((about("VAULT_NOT_AIR_GAPPED") > 0, about("DESTINATION_IS_SOURCE")), (true, 2), "{told:?}");
        let words = "vault second, which rule ordinary of plan asked names as its air-gapped one, is none";
        assert!(told.iter().any(|(_, message, _)| message.starts_with(words)), "{told:?}");
    }
}

#[tokio::test]
async fn a_type_that_aws_does_not_index_is_told() {
    let world = prepared().await;
    let types = ["EBS", "S4", "RDS", "S3", "QuantumStore"];
    let types = types.map(str::to_owned).to_vec();
    let rules = [Rule { index_resource_types: types, ..rule("indexed", VAULT, 7) }];
    let only = |of_type: &str| format!("indexes those of EBS and S3 alone{of_type}");
    let (meant, plain) = (only("; did you mean S3?"), only(""));
    let expected = [
        ("INDEX_TYPE_NOT_SUPPORTED", "rules[0].index_resource_types[1]", &*meant),
        ("INDEX_TYPE_NOT_SUPPORTED", "rules[0].index_resource_types[2]", &*plain),
        ("INDEX_TYPE_NOT_SUPPORTED", "rules[0].index_resource_types[4]", &*plain),
    ];
    all_say(&world, &rules, &expected).await;
}

#[tokio::test]
async fn what_a_continuous_rule_copies_and_keeps_cold_is_told() {
    let world = prepared().await;
    vault(&world, "", "", "second", "").await;
    let cold =
        Lifecycle { move_to_cold_storage_after_days: Some(30), delete_after_days: Some(200), ..Default::default() };
    let continuous = Rule { enable_continuous_backup: true, ..copying(rule("pitr", VAULT, 7), &["second"]) };
    let mut cooled = copying(rule("cooled", VAULT, 7), &["second"]);
    cooled.copy_actions[0].lifecycle = Some(cold);
    let words = "AWS does not copy continuous recovery points: what the copy actions of rule pitr copy are snapshots";
    let expected = [
        ("CONTINUOUS_NOT_COPYABLE", "rules[0].copy_actions", words),
        (
            "COLD_STORAGE_IGNORED",
            "rules[1].copy_actions[0].lifecycle.move_to_cold_storage_after_days",
            "of the copies of rule cooled",
        ),
    ];
    all_say(&world, &[continuous, cooled], &expected).await;
}

#[tokio::test]
async fn a_key_of_aws_is_told_of_copies_that_leave_the_account() {
    let role = "arn:aws:iam::{account}:role/OrganizationAccountAccessRole";
    let world = World::start_with(|config| config.aws.assume_role = RoleTemplate::new(role)).await;
    prepare(&world).await;
    let theirs = vault(&world, "", OTHER, "theirs", "").await.arn;
    let keyed = vault(&world, "", OTHER, "keyed", &format!("arn:aws:kms:us-east-1:{OTHER}:key/own")).await.arn;
    let rules = [copying(rule("leaving", VAULT, 7), &[&keyed, &theirs])];
    let at = |index: usize| format!("rules[0].copy_actions[{index}].destination_vault");
    let source = format!("the source vault {VAULT} is encrypted with");
    let destination = format!("the destination vault {theirs} is encrypted with");
    let expected = [("AWS_MANAGED_KEY", &*at(0), &*source), ("AWS_MANAGED_KEY", &*at(1), &*destination)];
    all_say(&world, &rules, &expected).await;
    let point = recovery_point(&world).await;
    let refused = copy_refused(&world, copy(&point, &theirs)).await;
    for words in [&source, &destination] {
        assert!(refused.iter().any(|it| it.0 == "AWS_MANAGED_KEY" && it.1.contains(&**words)), "{words}: {refused:?}");
    }
}

#[tokio::test]
async fn a_destination_where_nobody_could_look_is_said_by_the_words_of_a_copy() {
    let world = prepared().await;
    // No way leads into the account.
    let theirs = format!("arn:aws:backup:us-east-1:{OTHER}:backup-vault:theirs");
    let rules = [copying(rule("leaving", VAULT, 7), &[&theirs])];
    let at = "rules[0].copy_actions[0].destination_vault";
    let words = format!("Strongroom could not look at vault {theirs}");
    let source = format!("the source vault {VAULT} is encrypted with");
    all_say(&world, &rules, &[("DESTINATION_NOT_CHECKED", at, &words), ("AWS_MANAGED_KEY", at, &source)]).await;
    let throttled = json!({"error": {"status": 400, "code": "ThrottlingException", "message": "slow down"}});
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    world.arm(json!({"operation": "DescribeBackupVault", "rate": 1.0, "effect": throttled})).await;
    let rules = [copying(rule("one", VAULT, 7), &[FAR])];
    let words = format!("Strongroom could not look at vault {FAR}");
    all_say(
        &world,
        &rules,
        &[("NOT_CHECKED", "rules[0].vault", "vault prod"), ("DESTINATION_NOT_CHECKED", at, &words)],
    )
    .await;
}

#[tokio::test]
async fn whoever_deletes_a_vault_is_told_which_plans_need_it() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    vault(&world, "", "", "second", "").await;
    let rules = vec![copying(rule("daily", "second", 7), &[VAULT]), rule("other", VAULT, 9)];
    let create = CreatePlanRequest { name: "needy".into(), rules, ..Default::default() };
    let plan = world.plans().create_plan(create).await.unwrap().into_inner().plan.unwrap();
    let delete = |vault: &str, validate_only, force| DeleteVaultRequest {
        vault: vault.into(),
        validate_only,
        force,
        ..Default::default()
    };
    for (name, words) in [
        ("second", vec!["into which rule daily of plan needy backs up"]),
        (VAULT, vec!["into which rule daily of plan needy copies", "into which rule other of plan needy backs up"]),
    ] {
        for (validate_only, force) in [(true, false), (true, true), (false, false)] {
            let mut answer =
                world.vaults().delete_vault(delete(name, validate_only, force)).await.unwrap().into_inner();
            assert_eq!(answer.deleted, !validate_only);
            let elsewhere = answer.findings.pop().unwrap();
            assert_eq!((&*elsewhere.code, elsewhere.severity()), ("PLANS_ELSEWHERE_NOT_CHECKED", Severity::Info));
            let told: Vec<_> = answer.findings.iter().map(|it| (it.code.as_str(), it.message.as_str())).collect();
            assert_eq!(told.len(), words.len(), "{told:?}");
            for ((code, message), words) in told.iter().zip(&words) {
                assert_eq!(*code, "VAULT_IN_USE_BY_PLAN");
                assert!(message.contains(&format!("there is no vault {name}, {words}")), "{message}");
            }
            assert!(answer.findings.iter().all(|it| it.subject == plan.arn && it.severity() == Severity::Warning));
        }
    }
    // Who could not look says so, and deletes.
    vault(&world, "", "", "third", "").await;
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "ListBackupPlans", "next": 1, "effect": denied})).await;
    let answer = world.vaults().delete_vault(delete("third", false, false)).await.unwrap().into_inner();
    assert!(answer.deleted);
    assert_eq!(answer.findings[0].code, "NOT_CHECKED");
    assert!(answer.findings[0].action.contains("backup:ListBackupPlans"), "{:?}", answer.findings);
    // Nobody needs what was not there.
    let missing = DeleteVaultRequest { allow_missing: true, ..delete("second", false, false) };
    let found = world.vaults().delete_vault(missing).await.unwrap().into_inner().findings;
    assert_eq!(found.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["NOTHING_WAS_THERE"]);
}
