//! What one RPC knows, all know: each rule in every RPC that it concerns, by the same words, as a refusal or a finding. How the
//! plans' own RPCs tell of vaults is in `same_words_of_vaults.rs`.

use std::collections::BTreeMap;

use serde_json::json;
use strongroom::proto::{
    CreateSelectionRequest, DeleteSelectionRequest, ExplainProtectionRequest, Finding, JobFilter, JobKind,
    ListJobsRequest, PreviewSelectionRequest, ReplaceSelectionRequest, SavedSelection, SelectionCriteria,
    StartBackupRequest, UpdateRegionSettingsRequest, preview_selection_request::Of,
};
use tonic::{Code, Status};

use crate::{
    backups::{VAULT, aws_backup, backup_of, prepared},
    cli::{done, run},
    harness::{LABS, World, reason},
    protection::{CLUSTER, plan, rule, select},
};

const ROLE: &str = "AWSBackupDefaultServiceRole";
const MEMBER: &str = "arn:aws:rds:us-east-1:123456789012:db:aurora-billing-1";
const PAUSED: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused";
const LEGACY: &str = "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy";
const NOWHERE: &str = "arn:aws:rds:us-east-1:123456789012:db:nowhere";
const SNAPSHOT: &str = "arn:aws:rds:us-east-1:123456789012:snapshot:rds:orders-2026-03-01";

/// An RPC's answer: code and message of everything that it found, or the reason and the message of its refusal.
type Said = Vec<(String, String)>;

/// How an RPC may be asked about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ask {
    StartBackup,
    CheckBackup,
    CreateSelection,
    CheckSelection,
    ReplaceSelection,
    CheckReplacement,
    PreviewSelection,
    PreviewSaved,
    Explain,
}

const BACKUPS: &[Ask] = &[Ask::StartBackup, Ask::CheckBackup];
const SELECTIONS: &[Ask] = &[
    Ask::CheckSelection,
    Ask::CreateSelection,
    Ask::CheckReplacement,
    Ask::ReplaceSelection,
    Ask::PreviewSelection,
    Ask::PreviewSaved,
];

fn refused(status: &Status) -> Said {
    vec![(reason(status).1, status.message().to_owned())]
}

fn found(findings: Vec<Finding>) -> Said {
    findings.into_iter().map(|finding| (finding.code, finding.message)).collect()
}

/// Asks about one resource. Selections are of plan `asked`, which is there.
async fn ask(world: &World, ask: Ask, resource: &str) -> Said {
    let resources = vec![resource.to_owned()];
    let validate_only = matches!(ask, Ask::CheckBackup | Ask::CheckSelection | Ask::CheckReplacement);
    match ask {
        Ask::StartBackup | Ask::CheckBackup => {
            let request = StartBackupRequest { validate_only, ..backup_of(resource) };
            let answer = world.jobs().start_backup(request).await;
            answer.map_or_else(|status| refused(&status), |answer| found(answer.into_inner().findings))
        }
        Ask::CreateSelection | Ask::CheckSelection => {
            // The one of the resource before.
            let before = DeleteSelectionRequest {
                plan: "asked".into(),
                selection: "named".into(),
                allow_missing: true,
                ..Default::default()
            };
            world.plans().delete_selection(before).await.unwrap();
            let request = CreateSelectionRequest {
                plan: "asked".into(),
                name: "named".into(),
                role: ROLE.into(),
                resources,
                validate_only,
                ..Default::default()
            };
            found(world.plans().create_selection(request).await.unwrap().into_inner().findings)
        }
        Ask::ReplaceSelection | Ask::CheckReplacement => {
            let request = ReplaceSelectionRequest {
                plan: "asked".into(),
                selection: "named".into(),
                resources,
                validate_only,
                ..Default::default()
            };
            found(world.plans().replace_selection(request).await.unwrap().into_inner().findings)
        }
        Ask::PreviewSelection | Ask::PreviewSaved => {
            let of = match ask {
                Ask::PreviewSaved => Of::Saved(SavedSelection { plan: "asked".into(), selection: "named".into() }),
                _ => Of::Criteria(SelectionCriteria { resources, ..Default::default() }),
            };
            let request = PreviewSelectionRequest { of: Some(of), ..Default::default() };
            found(world.plans().preview_selection(request).await.unwrap().into_inner().findings)
        }
        Ask::Explain => {
            let request = ExplainProtectionRequest { resource: resource.into(), ..Default::default() };
            let answer = world.protection().explain_protection(request).await;
            answer.map_or_else(|status| refused(&status), |answer| found(answer.into_inner().findings))
        }
    }
}

/// Which code each RPC gives to what the words say; an RPC that does not say them has none.
async fn told(world: &World, asks: &[Ask], resource: &str, words: &str) -> BTreeMap<Ask, Vec<String>> {
    let mut told = BTreeMap::new();
    for &one in asks {
        let said = ask(world, one, resource).await;
        let codes = said.iter().filter(|(_, message)| message.contains(words)).map(|(code, _)| code.clone());
        told.insert(one, codes.collect());
    }
    told
}

/// Every RPC says the words, under the code.
async fn all_say(world: &World, asks: &[Ask], resource: &str, code: &str, words: &str) {
    let expected: BTreeMap<Ask, Vec<String>> = asks.iter().map(|ask| (*ask, vec![code.to_owned()])).collect();
    assert_eq!(told(world, asks, resource, words).await, expected, "{resource}: {words}");
}

async fn world() -> World {
    let world = prepared().await;
    plan(&world, "asked", vec![rule("daily")]).await;
    world
}

async fn opt(world: &World, of_type: &str, on: bool) {
    let settings = [(of_type.to_owned(), on)].into();
    let request = UpdateRegionSettingsRequest { resource_type_opt_in: settings, ..Default::default() };
    world.accounts().update_region_settings(request).await.unwrap();
}

async fn jobs(world: &World) -> Vec<String> {
    let filter = Some(JobFilter { kinds: vec![JobKind::Backup.into()], ..Default::default() });
    let request = ListJobsRequest { filter, ..Default::default() };
    let listed = world.jobs().list_jobs(request).await.unwrap().into_inner().jobs;
    listed.into_iter().map(|job| job.resource_arn).collect()
}

#[tokio::test]
async fn an_instance_of_a_cluster_is_backed_up_by_nobody() {
    let world = world().await;
    let words = "is an instance of cluster aurora-billing: AWS Backup backs up the cluster, not its instances";
    for resource in [MEMBER, "aurora-billing-1"] {
        all_say(&world, BACKUPS, resource, "RESOURCE_TYPE_NOT_SUPPORTED", words).await;
    }
    let refused = world.jobs().start_backup(backup_of(MEMBER)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().ends_with(CLUSTER), "the cluster's ARN is told: {refused}");
    assert!(jobs(&world).await.is_empty(), "nothing is started");
    all_say(&world, SELECTIONS, MEMBER, "CLUSTER_MEMBER", words).await;
    all_say(&world, &[Ask::Explain], MEMBER, "CLUSTER_MEMBER", words).await;
    world.jobs().start_backup(backup_of(CLUSTER)).await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_missing_is_told() {
    let world = world().await;
    let words = format!("no database has the ARN {NOWHERE}: it was deleted, or is spelled otherwise");
    all_say(&world, BACKUPS, NOWHERE, "RESOURCE_NOT_FOUND", &words).await;
    all_say(&world, SELECTIONS, NOWHERE, "RESOURCE_MISSING", &words).await;
    for asked in BACKUPS {
        assert_eq!(ask(&world, *asked, "nowhere").await[0].0, "RESOURCE_NOT_FOUND", "by its identifier");
    }
}

#[tokio::test]
async fn whether_a_thing_of_another_service_exists_nobody_looked() {
    let world = world().await;
    let asks = [BACKUPS, SELECTIONS].concat();
    for arn in [
        "arn:aws:ec2:us-east-1:123456789012:volume/vol-00000000000000001",
        "arn:aws:dynamodb:us-east-1:123456789012:table/nowhere",
        "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-1",
    ] {
        let words = format!("whether {arn} exists Strongroom cannot tell, as it asks no other service than RDS");
        all_say(&world, &asks, arn, "NOT_CHECKED", &words).await;
    }
    let excluded = SelectionCriteria {
        resources: vec!["*".into()],
        excluded_resources: vec!["arn:aws:s3:::nowhere".into()],
        ..Default::default()
    };
    let request = PreviewSelectionRequest { of: Some(Of::Criteria(excluded)), ..Default::default() };
    let answer = world.plans().preview_selection(request).await.unwrap().into_inner();
    let told = answer.findings.iter().find(|finding| finding.code == "NOT_CHECKED").unwrap();
    assert_eq!(told.field, "criteria.excluded_resources");
}

#[tokio::test]
async fn a_database_that_is_not_available_is_warned_of() {
    let world = world().await;
    let words = "instance rdspg-paused is stopped: the job fails unless it is available when the backup begins";
    let asks = [BACKUPS, SELECTIONS, &[Ask::Explain]].concat();
    all_say(&world, &asks, PAUSED, "DATABASE_NOT_AVAILABLE", words).await;
}

#[tokio::test]
async fn what_aws_backup_has_no_type_for_is_told() {
    let world = world().await;
    let words = format!("AWS Backup has no resource type for {SNAPSHOT}");
    all_say(&world, SELECTIONS, SNAPSHOT, "RESOURCE_TYPE_NOT_SUPPORTED", &words).await;
    for asked in BACKUPS {
        let said = ask(&world, *asked, SNAPSHOT).await;
        assert!(["INVALID_REQUEST", "RESOURCE_TYPE_NOT_SUPPORTED"].contains(&said[0].0.as_str()), "{said:?}");
    }
    // By the words that say what was given.
    for (arn, noun) in [
        (SNAPSHOT, "a recovery point"),
        ("arn:aws:ec2:us-east-1::snapshot/snap-1", "a recovery point"),
        ("arn:aws:backup:us-east-1:123456789012:backup-vault:prod", "a backup vault"),
        ("arn:aws:kms:us-east-1:123456789012:key/k", "a KMS key"),
    ] {
        let words = format!("is the ARN of {noun}, and not of a resource that is backed up");
        all_say(&world, SELECTIONS, arn, "RESOURCE_TYPE_NOT_SUPPORTED", &words).await;
        all_say(&world, BACKUPS, arn, "INVALID_REQUEST", &words).await;
    }
    let queue = "arn:aws:sqs:us-east-1:123456789012:queue";
    let words = format!("AWS Backup has no resource type for {queue}");
    all_say(&world, SELECTIONS, queue, "RESOURCE_TYPE_NOT_SUPPORTED", &words).await;
}

#[tokio::test]
async fn every_entry_of_a_selection_that_means_nothing_is_told_whatever_the_others_mean() {
    let world = world().await;
    let own = |rest: &str| format!("arn:aws:rds:us-east-1:123456789012:{rest}");
    let unsupported = "RESOURCE_TYPE_NOT_SUPPORTED";
    for (entry, code) in [
        ("arn:aws:lambda:*:*:function:*".to_owned(), unsupported),
        ("arn:aws:backup:*:*:recovery-point:*".to_owned(), unsupported),
        ("arn:aws:ec2:*:*:snapshot/*".to_owned(), unsupported),
        (own("databse:*"), unsupported),
        (own("snapshot:*"), unsupported),
        (own("db:aurora-billing-*"), "CLUSTER_MEMBER"),
        (own("cluster:aurora-billing/*"), "PATTERN_MATCHES_NOTHING_NOW"),
        (own("db:nowhere-*"), "PATTERN_MATCHES_NOTHING_NOW"),
        (own("db:nowhere"), "RESOURCE_MISSING"),
        (own("cluster:rdspg-orders"), "RESOURCE_MISSING"),
        (MEMBER.to_owned(), "CLUSTER_MEMBER"),
        (own("db:rdspg-fcj-*"), ""),
        ("arn:aws:rds:*:*:cluster:*".to_owned(), ""),
    ] {
        for excluded in [false, true] {
            let (resources, excluded_resources) = match excluded {
                false => (vec![LABS.to_owned(), entry.clone()], Vec::new()),
                true => (vec!["arn:aws:rds:*:*:db:*".to_owned()], vec![entry.clone()]),
            };
            let field = if excluded { "excluded_resources[0]" } else { "resources[1]" };
            let request = CreateSelectionRequest {
                plan: "asked".into(),
                name: "entries".into(),
                role: ROLE.into(),
                resources: resources.clone(),
                excluded_resources: excluded_resources.clone(),
                validate_only: true,
                ..Default::default()
            };
            let made = world.plans().create_selection(request).await.unwrap().into_inner().findings;
            let criteria = SelectionCriteria { resources, excluded_resources, ..Default::default() };
            let preview = PreviewSelectionRequest { of: Some(Of::Criteria(criteria)), ..Default::default() };
            let seen = world.plans().preview_selection(preview).await.unwrap().into_inner().findings;
            let at = |findings: &[Finding]| -> Vec<(String, String)> {
                let here = findings.iter().filter(|finding| finding.field.ends_with(field));
                here.map(|finding| (finding.code.clone(), finding.message.clone())).collect()
            };
            let told = at(&made);
            assert_eq!(told, at(&seen), "{entry}");
            let codes: Vec<_> = told.iter().map(|(code, _)| code.as_str()).collect();
            let expected: Vec<_> = Some(code).filter(|code| !code.is_empty()).into_iter().collect();
            assert_eq!(codes, expected, "{entry} in {field}: {made:?}");
        }
    }
}

#[tokio::test]
async fn an_arn_beats_the_opt_in_but_for_those_that_heed_it_even_then() {
    let world = world().await;
    opt(&world, "Aurora", false).await;
    opt(&world, "RDS", false).await;
    let words = "the settings of us-east-1 opt out of Aurora";
    let asks = [BACKUPS, SELECTIONS, &[Ask::Explain]].concat();
    all_say(&world, &asks, CLUSTER, "RESOURCE_TYPE_OPTED_OUT", words).await;
    // A database of RDS is selected by its ARN; on demand AWS says that the settings count.
    let words = "the settings of us-east-1 opt out of RDS";
    all_say(&world, BACKUPS, LABS, "RESOURCE_TYPE_OPTED_OUT", words).await;
    for (asked, codes) in told(&world, &[SELECTIONS, &[Ask::Explain]].concat(), LABS, words).await {
        assert!(codes.is_empty(), "{asked:?}: {codes:?}");
    }
    // By a tag and by a pattern neither is.
    let everything = ask(&world, Ask::PreviewSelection, "*").await;
    let told: Vec<_> = everything.iter().filter(|(code, _)| code == "RESOURCE_TYPE_OPTED_OUT").collect();
    assert_eq!(told.len(), 2, "{everything:?}");

    // And so the sandbox does, whose rules fire.
    select(&world, "asked", "cluster", &[CLUSTER]).await;
    let before = jobs(&world).await;
    world.advance("PT6H").await;
    let mut after = jobs(&world).await;
    after.retain(|arn| !before.contains(arn));
    assert!(!after.iter().any(|arn| arn == CLUSTER), "{after:?}");
    let named = ask(&world, Ask::PreviewSaved, LABS).await;
    assert!(!named.iter().any(|(code, _)| code == "RESOURCE_TYPE_OPTED_OUT"), "{named:?}");
}

#[tokio::test]
async fn whoever_switches_a_type_off_is_told_what_plans_leave_out() {
    let world = world().await;
    select(&world, "asked", "both", &["arn:aws:rds:*", LABS]).await;
    let off = |of_type: &str, validate_only| UpdateRegionSettingsRequest {
        resource_type_opt_in: [(of_type.to_owned(), false)].into(),
        validate_only,
        ..Default::default()
    };
    for validate_only in [true, false] {
        for (of_type, left_out, kept, advice) in [
            ("Aurora", "aurora-billing", "rdspg", false),
            ("RDS", "rdspg-orders", LABS.rsplit(':').next().unwrap(), true),
        ] {
            let answer = world.accounts().update_region_settings(off(of_type, validate_only)).await.unwrap();
            let findings = answer.into_inner().findings;
            let of_code = |code: &str| findings.iter().find(|finding| finding.code == code).unwrap();
            assert_eq!(of_code("DATABASE_TYPE_SWITCHED_OFF").action.contains("ARN"), advice, "{findings:?}");
            let told = of_code("DATABASES_LEFT_OUT");
            assert!(told.message.contains(left_out) && !told.message.contains(kept), "{told:?}");
            assert_eq!(told.field, format!("resource_type_opt_in[\"{of_type}\"]"));
        }
    }
}

#[tokio::test]
async fn what_nobody_could_look_at_is_said_and_fails_nothing() {
    let throttled = json!({"error": {"status": 400, "code": "ThrottlingException", "message": "slow down"}});
    for (operations, asks) in [
        (&["GetSupportedResourceTypes"][..], [BACKUPS, SELECTIONS].concat()),
        (&["DescribeDBInstances"], [BACKUPS, &SELECTIONS[..4]].concat()),
    ] {
        let world = World::start_with(|config| config.aws.max_attempts = 1).await;
        crate::backups::prepare(&world).await;
        plan(&world, "asked", vec![rule("daily")]).await;
        for operation in operations {
            world.arm(json!({"operation": operation, "rate": 1.0, "effect": throttled})).await;
        }
        for asked in asks {
            if matches!(asked, Ask::PreviewSelection | Ask::PreviewSaved) {
                // Its whole answer depends on it.
                continue;
            }
            let said = ask(&world, asked, LABS).await;
            assert!(said.iter().any(|(code, _)| code == "NOT_CHECKED"), "{asked:?} without {operations:?}: {said:?}");
            let blamed = said.iter().any(|(code, _)| code == "RESOURCE_MISSING" || code == "RESOURCE_TYPE_OPTED_OUT");
            assert!(!blamed, "{asked:?}: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_selection_is_told_what_its_plan_s_rules_do_to_what_it_selects() {
    let world = world().await;
    let words = "runs inside the automated backup window, or in the hour before it, of instance mysql-legacy";
    all_say(&world, &SELECTIONS[..4], LEGACY, "NEAR_BACKUP_WINDOW", words).await;
    for asked in &SELECTIONS[..4] {
        let far = ask(&world, *asked, LABS).await;
        assert!(far.iter().all(|(code, _)| code != "NEAR_BACKUP_WINDOW"), "{asked:?}: {far:?}");
    }
}

#[tokio::test]
async fn the_command_line_tells_the_same() {
    let world = world().await;
    let member = run(&world, &["backup", "start", MEMBER, "--vault", VAULT, "--role", ROLE]).await;
    assert!(member.code != 0 && member.err.contains("is an instance of cluster aurora-billing"), "{member:?}");
    let started = run(&world, &["backup", "start", PAUSED, "--vault", VAULT, "--role", ROLE]).await;
    assert!(started.code == 0 && format!("{started:?}").contains("DATABASE_NOT_AVAILABLE"), "{started:?}");
    let words = ["selection", "create", "asked", "named", "--role", ROLE, "--resource", MEMBER];
    let selected = run(&world, &words).await;
    assert!(selected.code == 0 && format!("{selected:?}").contains("CLUSTER_MEMBER"), "{selected:?}");
    let planned = run(&world, &["plan", "create", "lost", "--vault", "nowhere"]).await;
    assert!(planned.code == 0 && format!("{planned:?}").contains("VAULT_MISSING"), "{planned:?}");
    aws_backup(&world).create_backup_vault().backup_vault_name("nowhere").send().await.unwrap();
    let deleted = done(&world, &["vault", "delete", "nowhere", "--yes", "-o", "json"]).await;
    assert!(deleted.contains("VAULT_IN_USE_BY_PLAN"), "{deleted}");
}
