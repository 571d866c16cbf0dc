//! ProtectionService over the wire: what became of last night's run, and what will become of the next.

use serde_json::json;
use strongroom::proto::{DeleteVaultRequest, Lifecycle, ProtectionVerdict, Rule, Severity, TagResourceRequest};

use crate::{
    backups::{VAULT, aws_backup, aws_iam, back_up, backup_of, prepared, start},
    harness::{LABS, World},
    protection::{CLUSTER, at, codes, explain, finding, plan, rule, seconds, select, select_tagged},
};

const LEGACY: &str = "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy";
const PAUSED: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused";

fn kept(days: i32) -> Option<Lifecycle> {
    Some(Lifecycle { delete_after_days: Some(days), ..Default::default() })
}

/// A world whose plan `nightly` has these rules and selects the database.
async fn covered(rules: Vec<Rule>, resource: &str) -> World {
    let world = prepared().await;
    plan(&world, "nightly", rules).await;
    select(&world, "nightly", "by-arn", &[resource]).await;
    world
}

#[tokio::test]
async fn what_is_covered_and_never_ran_has_nothing_to_restore_from() {
    let world = covered(vec![rule("daily")], LABS).await;
    let explained = explain(&world, LABS).await;
    assert_eq!(explained.verdict(), ProtectionVerdict::AtRisk);
    assert_eq!(codes(&explained), ["NO_RECOVERY_POINT", "PLAN_NEVER_RAN"]);
    let never = &finding(&explained, "PLAN_NEVER_RAN").message;
    assert!(never.ends_with("its next run is at 2026-03-02T05:00:00Z"), "{never}");
    assert!(finding(&explained, "NO_RECOVERY_POINT").action.contains("StartBackup"));
    assert_eq!((explained.last_job, explained.last_recovery_point), (None, None));

    // On demand there is soon something to restore from.
    back_up(&world, LABS).await;
    let explained = explain(&world, LABS).await;
    assert_eq!((explained.verdict(), codes(&explained)), (ProtectionVerdict::Protected, vec!["PLAN_NEVER_RAN"]));
}

#[tokio::test]
async fn a_selection_or_plan_that_is_newer_than_the_last_run_explains_that_there_is_no_job() {
    let world = covered(vec![rule("daily")], LABS).await;
    world.advance("PT6H").await;
    select(&world, "nightly", "late", &[LEGACY]).await;
    let explained = explain(&world, LEGACY).await;
    let newer = &finding(&explained, "SELECTION_IS_NEWER").message;
    assert!(
        newer
            .starts_with("rule daily of plan nightly ran at 2026-03-02T05:00:00Z without it: selection late was added")
    );
    plan(&world, "second", vec![rule("daily")]).await;
    select(&world, "second", "by-arn", &[LABS]).await;
    let explained = explain(&world, LABS).await;
    assert_eq!((explained.verdict(), explained.coverage.len()), (ProtectionVerdict::Protected, 2));
    assert_eq!(codes(&explained), ["PLAN_NEVER_RAN"]);
}

#[tokio::test]
async fn a_backup_that_failed_for_a_window_says_so_and_that_it_will_again() {
    let world = covered(vec![rule("daily")], LEGACY).await;
    world.advance("PT6H").await;
    let explained = explain(&world, LEGACY).await;
    assert_eq!(explained.verdict(), ProtectionVerdict::AtRisk);
    let failed = finding(&explained, "JOB_FAILED");
    assert_eq!(failed.severity(), Severity::Error);
    assert!(
        failed
            .message
            .starts_with("rule daily of plan nightly, run of 2026-03-02T05:00:00Z: the backup failed; AWS says: ")
    );
    assert!(failed.message.contains("automated backup window"), "{failed:?}");
    assert!(failed.action.contains("more than an hour before that window"), "{failed:?}");
    let again = finding(&explained, "RUN_NEAR_BACKUP_WINDOW");
    assert!(
        again.message.contains("7 of its 7 runs in the next seven days, the first at 2026-03-03T05:00:00Z"),
        "{again:?}"
    );
    assert!(again.message.contains("(05:10-05:40 UTC) of mysql-legacy"), "{again:?}");
    assert_eq!(explained.last_job.as_ref().unwrap().state_text, "FAILED");
    assert_eq!(explained.last_successful_job, None);
    assert!(
        explained.summary.starts_with("instance mysql-legacy is covered by rule daily of plan nightly, but rule daily")
    );

    world.advance("PT3H").await;
    back_up(&world, LEGACY).await;
    let mended = explain(&world, LEGACY).await;
    let failed = finding(&mended, "JOB_FAILED");
    assert_eq!(failed.severity(), Severity::Warning);
    assert!(failed.message.contains("; it was backed up since, at 2026-03-02T09:"), "{failed:?}");
}

#[tokio::test]
async fn a_backup_that_expired_behind_another_job_says_so() {
    let short = Rule { start_window_minutes: Some(60), completion_window_minutes: Some(180), ..rule("daily") };
    let world = covered(vec![short], LABS).await;
    world.behave(json!({"jobs": {"start_delay": "PT5S", "run_time": "PT9H"}})).await;
    let other = start(&world, backup_of(LABS)).await;
    world.advance("PT5H30M").await;
    let waiting = explain(&world, LABS).await;
    let under_way = finding(&waiting, "BACKUP_UNDER_WAY");
    assert!(under_way.message.contains(&format!("it waits until backup job {}", other.id)), "{under_way:?}");
    assert_eq!(finding(&waiting, "BLOCKED_BY_JOB").severity(), Severity::Warning);
    world.advance("PT1H").await;
    let explained = explain(&world, LABS).await;
    let expired = finding(&explained, "EXPIRED_BEFORE_START");
    assert_eq!(expired.severity(), Severity::Error);
    assert!(expired.message.contains("there was a running job for the same resource"), "{expired:?}");
    assert_eq!(explained.last_job.unwrap().state_text, "EXPIRED");
}

#[tokio::test]
async fn a_run_from_which_a_tag_kept_the_database_is_missed() {
    let world = prepared().await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    select_tagged(&world, "nightly", "by-tag", "Environment", "staging").await;
    let tag = async |arn: &str| {
        let tags = [("Environment".to_owned(), "staging".to_owned())].into();
        let request = TagResourceRequest { resource: arn.into(), tags, ..Default::default() };
        world.resources().tag_resource(request).await.unwrap();
    };
    world.advance("PT6H").await;
    tag(LABS).await;
    let explained = explain(&world, LABS).await;
    assert_eq!(explained.verdict(), ProtectionVerdict::AtRisk);
    let nobody = finding(&explained, "PLAN_DID_NOT_RUN");
    assert!(nobody.message.contains("at 2026-03-02T05:00:00Z the plan made no job for any resource: it has never run"));

    world.advance("PT24H").await;
    tag("arn:aws:rds:us-east-1:123456789012:db:rdspg-orders").await;
    let missed = explain(&world, "rdspg-orders").await;
    let missed = finding(&missed, "RUN_MISSED");
    assert_eq!(missed.severity(), Severity::Error);
    assert!(
        missed.message.contains("made no job for it at 2026-03-03T05:00:00Z, though the plan ran then"),
        "{missed:?}"
    );
    assert_eq!(codes(&explain(&world, LABS).await), [""; 0], "the first one was backed up meanwhile");
}

#[tokio::test]
async fn a_role_that_is_gone_or_wrong_is_told_with_the_job_that_failed_for_it() {
    let world = covered(vec![rule("daily")], LABS).await;
    let (iam, name) = (aws_iam(&world), "AWSBackupDefaultServiceRole");
    for policy in ["AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"] {
        let arn = format!("arn:aws:iam::aws:policy/service-role/{policy}");
        iam.detach_role_policy().role_name(name).policy_arn(arn).send().await.unwrap();
    }
    let wrong = explain(&world, LABS).await;
    assert_eq!(finding(&wrong, "BACKUP_POLICY_MISSING").severity(), Severity::Error);
    assert_eq!(finding(&wrong, "RESTORE_POLICY_MISSING").severity(), Severity::Info);
    iam.delete_role().role_name(name).send().await.unwrap();
    world.advance("PT6H").await;
    let gone = explain(&world, LABS).await;
    assert_eq!(gone.verdict(), ProtectionVerdict::AtRisk);
    assert_eq!(finding(&gone, "ROLE_MISSING").severity(), Severity::Error);
    assert!(finding(&gone, "JOB_FAILED").message.contains("cannot be assumed by AWS Backup"), "{gone:#?}");
}

#[tokio::test]
async fn a_vault_that_is_gone_or_locked_against_the_rule_is_told() {
    let world = covered(vec![rule("daily")], LABS).await;
    let lock = aws_backup(&world).put_backup_vault_lock_configuration().backup_vault_name(VAULT).max_retention_days(30);
    lock.send().await.unwrap();
    let locked = explain(&world, LABS).await;
    assert_eq!(finding(&locked, "RETENTION_OUTSIDE_VAULT_LOCK").severity(), Severity::Error);
    let gone = DeleteVaultRequest { vault: VAULT.into(), ..Default::default() };
    world.vaults().delete_vault(gone).await.unwrap();
    world.advance("PT6H").await;
    let explained = explain(&world, LABS).await;
    let missing = finding(&explained, "VAULT_MISSING");
    assert_eq!(
        missing.message,
        "there is no vault prod, into which rule daily of plan nightly backs up: its jobs fail"
    );
    assert_eq!(finding(&explained, "JOB_FAILED").severity(), Severity::Error);
}

#[tokio::test]
async fn a_stopped_instance_is_told_before_the_run_fails() {
    let world = covered(vec![rule("daily")], PAUSED).await;
    let explained = explain(&world, PAUSED).await;
    let stopped = finding(&explained, "DATABASE_NOT_AVAILABLE");
    assert!(stopped.message.contains("rdspg-paused is stopped"), "{stopped:?}");
    assert_eq!(explained.verdict(), ProtectionVerdict::AtRisk);
}

#[tokio::test]
async fn a_rule_that_gives_way_to_another_is_told() {
    let weekly = Rule { schedule: "cron(0 5 ? * MON *)".into(), lifecycle: kept(365), ..rule("weekly") };
    let world = covered(vec![rule("daily"), weekly], LABS).await;
    world.advance("PT6H").await;
    let explained = explain(&world, LABS).await;
    assert_eq!((explained.verdict(), codes(&explained)), (ProtectionVerdict::Protected, vec!["RULE_OVERRULED"]));
    let words = "rule daily of plan nightly made no backup at 2026-03-02T05:00:00Z: it gave way to rule weekly";
    assert!(finding(&explained, "RULE_OVERRULED").message.starts_with(words), "{explained:#?}");
    assert!(explained.coverage.iter().all(|covered| !covered.overruled), "tomorrow the daily rule runs");
    world.advance("P6D").await;
    let sunday = explain(&world, LABS).await;
    let overruled: Vec<_> = sunday.coverage.iter().map(|covered| (&*covered.rule_name, covered.overruled)).collect();
    assert_eq!(overruled, [("daily", true), ("weekly", false)]);
    assert!(finding(&sunday, "RULE_OVERRULED").message.contains("gives way at its next run, at 2026-03-09T05:00:00Z"));

    let longer = Rule { lifecycle: kept(365), ..rule("longer") };
    let idle = covered(vec![rule("daily"), longer], LABS).await;
    let explained = explain(&idle, LABS).await;
    let never = finding(&explained, "RULE_OVERRULED");
    assert_eq!(never.severity(), Severity::Warning);
    assert!(never.message.starts_with("rule daily of plan nightly makes no backups of it"), "{never:?}");
}

#[tokio::test]
async fn a_continuous_backup_tells_how_far_it_reaches() {
    let continuous = Rule { enable_continuous_backup: true, ..rule("pitr") };
    let world = covered(vec![continuous], LABS).await;
    let pending = explain(&world, LABS).await;
    assert!(codes(&pending).contains(&"CONTINUOUS_BACKUP_PENDING"), "{pending:#?}");
    assert!(pending.coverage[0].continuous);
    world.advance("P2D").await;
    let explained = explain(&world, LABS).await;
    assert_eq!(
        (explained.verdict(), codes(&explained)),
        (ProtectionVerdict::Protected, vec!["CONTINUOUS_BACKUP_ACTIVE"])
    );
    let until = &finding(&explained, "CONTINUOUS_BACKUP_ACTIVE").message;
    assert!(until.contains("can be restored to any second up to 2026-03-0"), "{until}");
    assert!(explained.last_recovery_point.unwrap().continuous == Some(true));
    assert!(explained.summary.contains("it can be restored to any second up to"), "{}", explained.summary);
}

#[tokio::test]
async fn a_rule_for_a_cluster_is_asked_when_it_runs_in_its_own_time_zone() {
    let berlin = Rule { schedule_timezone: "Europe/Berlin".into(), ..rule("berlin") };
    let world = covered(vec![berlin], CLUSTER).await;
    let explained = explain(&world, CLUSTER).await;
    assert_eq!(seconds(&explained.coverage[0].next_run_time), at("2026-03-02T04:00:00Z"));
    assert_eq!(seconds(&explained.coverage[0].last_run_time), at("2026-03-01T04:00:00Z"));
    assert_eq!(explained.coverage[0].schedule_timezone, "Europe/Berlin");
}

#[tokio::test]
async fn a_schedule_of_the_past_or_of_another_language_is_told() {
    let world = prepared().await;
    plan(&world, "nightly", vec![Rule { schedule: "cron(0 5 1 1 ? 2025)".into(), ..rule("once") }]).await;
    select(&world, "nightly", "by-arn", &[LABS]).await;
    let over = explain(&world, LABS).await;
    assert_eq!(finding(&over, "SCHEDULE_IS_OVER").severity(), Severity::Error);
    assert_eq!((over.coverage[0].next_run_time, over.coverage[0].last_run_time.is_some()), (None, true));
    assert_eq!((over.coverage[0].expected_interval_minutes, over.expected_interval_minutes), (None, None));
}
