use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::domain::{
    AccountId, Criteria, Hindrance, JobId, JobKind, JobOrigin, Lifecycle, MismatchKind, Plan, PlanContent, PlanOrigin,
    RecoveryPointState, RegionName, ResourceKind, ResourceType, Retention, Scope, SeenVault, Unseen, VaultLock,
    VaultRef, Windows,
};

pub(in crate::domain) const ROLE: &str = "arn:aws:iam::123456789012:role/service-role/R";
const CONTINUOUS: &str = "arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:db-abc-0123";

/// A Monday, an hour after the daily rule.
pub(in crate::domain) const NOW: &str = "2026-03-02T06:00:00Z";

pub(in crate::domain) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(in crate::domain) fn scope() -> Scope {
    Scope { account: AccountId::parse("123456789012").unwrap(), region: RegionName::parse("us-east-1").unwrap() }
}

pub(in crate::domain) fn database() -> Resource {
    Resource {
        arn: "arn:aws:rds:us-east-1:123456789012:db:orders".into(),
        id: "orders".into(),
        scope: scope(),
        kind: ResourceKind::DbInstance,
        engine: "postgres".into(),
        engine_version: String::new(),
        status: "available".into(),
        tags: BTreeMap::new(),
        automated_backup_retention_days: 7,
        automated_backup_window: "20:00-20:30".into(),
        maintenance_window: "sun:22:00-sun:22:30".into(),
        instance_class: String::new(),
        allocated_storage_gib: None,
        storage_encrypted: false,
        encryption_key_arn: String::new(),
        created_at: Some(at("2026-01-01T00:00:00Z")),
        cluster_id: String::new(),
        continuous_recovery_point_arn: String::new(),
        latest_restorable_at: None,
        resource_id: String::new(),
    }
}

pub(in crate::domain) fn rule(name: &str, schedule: &str) -> Rule {
    Rule {
        id: format!("id-of-{name}"),
        name: name.into(),
        vault: "prod".into(),
        schedule: schedule.into(),
        zone: "Etc/UTC".into(),
        windows: Windows { start_minutes: 60, completion_minutes: 120 },
        lifecycle: Lifecycle::DEFAULT,
        recovery_point_tags: BTreeMap::new(),
        copies: Vec::new(),
        continuous: false,
        air_gapped_vault: None,
        index_types: Vec::new(),
        scan_actions: Vec::new(),
    }
}

pub(in crate::domain) fn plan(rules: Vec<Rule>) -> Plan {
    Plan {
        id: "p1".into(),
        arn: String::new(),
        scope: scope(),
        etag: String::new(),
        content: PlanContent { name: "nightly".into(), rules, settings: Vec::new(), scans: Vec::new() },
        created_at: Some(at("2026-01-01T00:00:00Z")),
        last_run_at: Some(at("2026-03-02T05:00:00Z")),
        deleted_at: None,
        tags: BTreeMap::new(),
        selections: Vec::new(),
        request_id: String::new(),
    }
}

pub(in crate::domain) fn selection(name: &str) -> Selection {
    Selection {
        id: format!("id-of-{name}"),
        name: name.into(),
        scope: scope(),
        plan_id: "p1".into(),
        plan_arn: "arn:aws:backup:us-east-1:123456789012:backup-plan:p1".into(),
        role_arn: ROLE.into(),
        criteria: Some(Criteria::default()),
        created_at: Some(at("2026-01-01T00:00:00Z")),
        request_id: String::new(),
    }
}

fn judged(name: &str, verdict: Verdict) -> JudgedSelection {
    JudgedSelection { plan_name: "nightly".into(), selection: Arc::new(selection(name)), verdict }
}

fn selected() -> Verdict {
    Verdict { selected_by: Some("everything".into()), mismatches: Vec::new(), near_miss: false }
}

fn missed(kinds: &[MismatchKind]) -> Verdict {
    let mismatch = |kind: &MismatchKind| Mismatch { kind: *kind, message: kind.code().into(), field: String::new() };
    Verdict { selected_by: None, mismatches: kinds.iter().map(mismatch).collect(), near_miss: true }
}

/// A job of the rule `daily`.
pub(in crate::domain) fn job(created: &str, state: JobState) -> Job {
    Job {
        state,
        resource_arn: Some(database().arn),
        resource_type: Some(ResourceType::RDS),
        created_at: Some(at(created)),
        created_by: Some(JobOrigin::Plan(PlanOrigin {
            plan_id: "p1".into(),
            plan_name: "nightly".into(),
            rule_id: "id-of-daily".into(),
            rule_name: "daily".into(),
            ..PlanOrigin::default()
        })),
        ..Job::blank(JobId::parse("j1").unwrap(), JobKind::Backup, scope())
    }
}

fn point(arn: &str, created: &str, state: RecoveryPointState) -> RecoveryPoint {
    RecoveryPoint {
        vault_name: Some("prod".into()),
        resource_arn: Some(database().arn),
        resource_type: Some(ResourceType::RDS),
        state,
        created_at: Some(at(created)),
        ..RecoveryPoint::blank(arn.into(), scope())
    }
}

/// Backed up an hour ago by the rule `daily`; nothing is amiss.
pub(in crate::domain) fn evidence() -> Evidence {
    Evidence {
        now: at(NOW),
        database: database(),
        asked_member: None,
        plan_count: 1,
        selection_count: 1,
        judged: vec![judged("all", selected())],
        covering_plans: vec![Arc::new(RunningPlan::of(plan(vec![rule("daily", "cron(0 5 ? * * *)")]), at(NOW)))],
        roles: BTreeMap::new(),
        vaults: Arc::default(),
        jobs: Some(vec![job("2026-03-02T05:00:00Z", JobState::Completed)]),
        points: Some(vec![point("a", "2026-03-02T05:00:10Z", RecoveryPointState::Completed)]),
        last_point: None,
        unread: Vec::new(),
    }
}

/// What is found when the evidence is changed so.
fn found(change: impl FnOnce(&mut Evidence)) -> Explanation {
    let mut evidence = evidence();
    change(&mut evidence);
    for plan in &mut evidence.covering_plans {
        *plan = Arc::new(RunningPlan::of(plan.plan.clone(), evidence.now));
    }
    evidence.explain()
}

fn plan_of(evidence: &mut Evidence) -> &mut Plan {
    &mut Arc::make_mut(&mut evidence.covering_plans[0]).plan
}

fn rules_of(evidence: &mut Evidence) -> &mut Vec<Rule> {
    &mut plan_of(evidence).content.rules
}

fn vault(evidence: &mut Evidence, seen: SeenVault) {
    Arc::make_mut(&mut evidence.vaults).vaults.insert(VaultRef::arn_of("prod", &scope()), seen);
}

fn no_job(evidence: &mut Evidence) {
    evidence.jobs = Some(Vec::new());
}

/// A code, its severity, the verdict, and what is amiss.
type Case = (&'static str, Severity, ProtectionVerdict, fn(&mut Evidence));

#[test]
fn each_thing_that_is_amiss_is_found_alone_and_with_its_severity() {
    use JobState as J;
    use ProtectionVerdict::{AtRisk, Protected};
    use Severity::{Error, Info, Warning};
    let cases: Vec<Case> = vec![
        ("RUN_MISSED", Error, AtRisk, no_job),
        ("PLAN_DID_NOT_RUN", Error, AtRisk, |e| {
            no_job(e);
            plan_of(e).last_run_at = Some(at("2026-03-01T05:00:00Z"));
        }),
        ("PLAN_IS_NEWER", Info, Protected, |e| {
            no_job(e);
            plan_of(e).created_at = Some(at("2026-03-02T05:30:00Z"));
        }),
        ("DATABASE_IS_NEWER", Info, Protected, |e| {
            no_job(e);
            e.database.created_at = Some(at("2026-03-02T05:30:00Z"));
        }),
        ("RUN_JUST_DUE", Info, Protected, |e| {
            no_job(e);
            e.now = at("2026-03-02T05:05:00Z");
        }),
        ("JOB_ABORTED", Warning, AtRisk, |e| e.jobs = Some(vec![job("2026-03-02T05:00:00Z", J::Aborted)])),
        ("JOB_FAILED", Error, AtRisk, |e| e.jobs = Some(vec![job("2026-03-02T05:00:00Z", J::Failed)])),
        ("COMPLETED_WITH_ISSUES", Warning, AtRisk, |e| {
            e.jobs.as_mut().unwrap()[0].status_message = Some("something".into());
        }),
        ("BACKUP_UNDER_WAY", Info, Protected, |e| e.jobs.as_mut().unwrap()[0].state = J::Running),
        ("SCHEDULE_NOT_READ", Warning, AtRisk, |e| rules_of(e)[0].schedule = "rate(1 day)".into()),
        ("SCHEDULE_IS_OVER", Error, AtRisk, |e| rules_of(e)[0].schedule = "cron(0 5 2 3 ? 2026)".into()),
        ("RUN_NEAR_MAINTENANCE_WINDOW", Warning, AtRisk, |e| {
            e.database.maintenance_window = "sun:05:30-sun:06:00".into();
        }),
        ("RECOVERY_POINTS_EXPIRED", Info, Protected, |e| {
            let stuck = point("b", "2026-01-02T05:00:00Z", RecoveryPointState::Expired);
            e.points.as_mut().unwrap().push(stuck);
        }),
        ("NO_RECOVERY_POINT", Error, AtRisk, |e| e.points = Some(Vec::new())),
        ("VAULT_MISSING", Error, AtRisk, |e| vault(e, SeenVault::Missing(Box::default()))),
        ("ROLE_MISSING", Error, AtRisk, |e| e.roles = [(ROLE.to_owned(), None)].into()),
        ("CONTINUOUS_BACKUP_NOT_ACTIVE", Warning, AtRisk, |e| rules_of(e)[0].continuous = true),
        ("CONTINUOUS_BACKUP_PENDING", Info, Protected, |e| {
            rules_of(e)[0].continuous = true;
            e.database.automated_backup_retention_days = 0;
        }),
        ("CONTINUOUS_BACKUP_NOT_POSSIBLE", Info, Protected, |e| {
            rules_of(e)[0].continuous = true;
            e.database.kind = ResourceKind::DbCluster;
            e.database.engine = "docdb".into();
        }),
    ];
    let healthy = evidence().explain();
    assert_eq!((healthy.verdict, healthy.findings), (Protected, Vec::new()));
    for (code, severity, verdict, change) in cases {
        let explained = found(change);
        let told: Vec<_> = explained.findings.iter().map(|finding| (finding.code, finding.severity)).collect();
        assert_eq!((told, explained.verdict), (vec![(code, severity)], verdict), "{:?}", explained.findings);
    }
}

#[test]
fn a_run_that_aws_has_forgotten_is_vouched_for_by_a_recovery_point_of_its_time() {
    let yearly = |backed_up: &str| {
        found(|evidence| {
            rules_of(evidence)[0].schedule = "cron(0 5 15 1 ? *)".into();
            evidence.jobs = Some(Vec::new());
            evidence.points = Some(vec![point("a", backed_up, RecoveryPointState::Completed)]);
        })
    };
    assert_eq!(yearly("2026-01-15T05:00:10Z").findings, []);
    let forgotten = yearly("2025-01-15T05:00:10Z").findings;
    assert_eq!((forgotten.len(), forgotten[0].code, forgotten[0].severity), (1, "RUN_FORGOTTEN", Severity::Info));
}

#[test]
fn tonight_s_job_under_way_does_not_hide_how_last_night_s_ended() {
    let explained = found(|evidence| {
        let running = job("2026-03-02T05:00:00Z", JobState::Running);
        evidence.jobs = Some(vec![running, job("2026-03-01T05:00:00Z", JobState::Failed)]);
    });
    let codes: Vec<_> = explained.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["JOB_FAILED", "BACKUP_UNDER_WAY"]);
    assert!(explained.findings[0].message.starts_with("rule daily of plan nightly, run of 2026-03-01T05:00:00Z: "));
}

#[test]
fn a_failure_before_a_later_backup_is_a_warning() {
    let explained = found(|evidence| {
        let on_demand = Job { created_by: None, ..job("2026-03-02T05:40:00Z", JobState::Completed) };
        evidence.jobs = Some(vec![on_demand, job("2026-03-02T05:00:00Z", JobState::Failed)]);
    });
    let [failed] = &explained.findings[..] else { panic!("{:?}", explained.findings) };
    assert_eq!((failed.code, failed.severity), ("JOB_FAILED", Severity::Warning));
    assert!(failed.message.ends_with("; it was backed up since, at 2026-03-02T05:40:00Z"), "{failed:?}");
}

#[test]
fn the_last_job_counts_whoever_started_it() {
    let explained = found(|evidence| {
        let failed = Job { created_by: None, ..job("2026-03-02T05:40:00Z", JobState::Failed) };
        evidence.jobs.as_mut().unwrap().insert(0, failed);
    });
    let [failed] = &explained.findings[..] else { panic!("{:?}", explained.findings) };
    assert!(failed.message.starts_with("the last job (j1, on demand): the backup failed"), "{failed:?}");
    assert_eq!(explained.last_successful_job.unwrap().created_at, Some(at("2026-03-02T05:00:00Z")));
}

#[test]
fn of_many_runs_one_near_a_window_is_bearable() {
    let hourly = found(|evidence| {
        rules_of(evidence)[0].schedule = "cron(0 * ? * * *)".into();
        evidence.jobs = Some(vec![job("2026-03-02T05:00:00Z", JobState::Completed)]);
    });
    let told: Vec<_> = hourly.findings.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(told, [("RUN_NEAR_BACKUP_WINDOW", Severity::Info), ("RUN_NEAR_MAINTENANCE_WINDOW", Severity::Info)]);
    // At 19:00 and at 20:00; on Sundays at 21:00 and at 22:00.
    assert!(
        hourly.findings[0].message.contains("14 of its 168 runs in the next seven days, the first at 2026-03-02T19")
    );
    assert!(
        hourly.findings[1].message.contains("2 of its 168 runs in the next seven days, the first at 2026-03-08T21")
    );
}

#[test]
fn a_lock_is_held_against_the_retention_of_each_rule() {
    let lock = VaultLock { min_retention_days: None, max_retention_days: Some(30), locked_at: None, immutable: false };
    let explained = found(|evidence| {
        vault(evidence, SeenVault::There(Some(lock), Box::default()));
    });
    let [outside] = &explained.findings[..] else { panic!("{:?}", explained.findings) };
    assert_eq!((outside.code, outside.severity), ("RETENTION_OUTSIDE_VAULT_LOCK", Severity::Error));
    assert!(outside.message.contains("kept 35 days: such a job fails"), "{outside:?}");
}

#[test]
fn near_misses_are_told_nearest_first_and_not_without_end() {
    use MismatchKind as M;
    let explained = found(|evidence| {
        evidence.covering_plans.clear();
        evidence.jobs = Some(Vec::new());
        evidence.judged = vec![judged("far", missed(&[M::TagMissing, M::ResourceTypeOptedOut]))];
        evidence.judged.extend((0..30).map(|n| judged(&format!("near-{n:02}"), missed(&[M::TagValueDiffersInCase]))));
        evidence.selection_count = 32;
    });
    assert_eq!((explained.verdict, explained.near_misses.len()), (ProtectionVerdict::NotProtected, 20));
    let near = &explained.near_misses[0];
    assert_eq!((near.selection_name.as_str(), &near.scope), ("near-00", &scope()));
    assert!(near.plan_arn.ends_with(":backup-plan:p1"));
    assert_eq!(
        explained.findings[0].action,
        "selection near-00 of plan nightly nearly selects it: TAG_VALUE_DIFFERS_IN_CASE"
    );
    assert!(explained.findings[0].message.contains("none of the 32 selections"));
}

#[test]
fn what_no_selection_can_take_is_said() {
    let explained = found(|evidence| {
        evidence.judged = vec![judged("all", missed(&[MismatchKind::ResourceTypeNotSupported]))];
    });
    let codes: Vec<_> = explained.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["NOT_COVERED", "RESOURCE_TYPE_NOT_SUPPORTED", "NO_LONGER_COVERED"]);
}

#[test]
fn what_was_not_read_is_doubted_as_far_as_it_matters() {
    let unread = |part, denied| {
        let hindrance = if denied { Hindrance::Denied } else { Hindrance::Passing };
        let unseen = Unseen { hindrance, why: "GetRole failed: no answer in time".into() };
        Unread { part, name: "x".into(), operation: "GetRole", unseen }
    };
    let explained = found(|evidence| evidence.unread = vec![unread(Part::Role, false)]);
    assert_eq!(explained.verdict, ProtectionVerdict::Protected, "it worked an hour ago");
    assert_eq!(explained.findings[0].message, "role x could not be read: GetRole failed: no answer in time");
    assert_eq!(explained.findings[0].action, "ask again");
    let explained = found(|evidence| {
        evidence.jobs.as_mut().unwrap()[0].state = JobState::Running;
        evidence.unread = vec![unread(Part::Role, true)];
    });
    assert_eq!(explained.verdict, ProtectionVerdict::AtRisk);
    for part in [Part::Plans, Part::Selections, Part::Plan, Part::Cluster] {
        let explained = found(|evidence| {
            evidence.covering_plans.clear();
            evidence.unread = vec![unread(part, true)];
        });
        assert_eq!(explained.verdict, ProtectionVerdict::Unknown, "{part:?}");
    }
}

#[test]
fn the_newest_point_is_the_one_that_reaches_furthest() {
    let snapshot = point("a", "2026-03-02T05:00:00Z", RecoveryPointState::Completed);
    let continuous = point(CONTINUOUS, "2026-01-01T00:00:00Z", RecoveryPointState::Available);
    let creating = point("b", "2026-03-02T05:50:00Z", RecoveryPointState::Creating);
    let points = [continuous, creating, snapshot];
    let mut database = database();
    assert_eq!(newest_usable(&points, &database).unwrap().arn, "a", "nobody follows the continuous one");
    database.continuous_recovery_point_arn = CONTINUOUS.into();
    database.latest_restorable_at = Some(at("2026-03-02T05:55:00Z"));
    assert_eq!(newest_usable(&points, &database).unwrap().arn, CONTINUOUS);
    assert_eq!(newest_usable(&points[1..2], &database), None, "what is being made cannot be restored from");
}

proptest! {
    /// Compared with the definition: every run of the other rule in reach, one by one.
    #[test]
    fn a_rule_gives_way_exactly_to_the_runs_that_meet_its_own(
        ours in (0u8..24, 1i64..30), theirs in (0u8..24, 1i64..30), kept in (1u16..4, 1u16..4), other_first: bool,
    ) {
        let make = |name: &str, (hour, windows): (u8, i64), days| {
            let mut rule = rule(name, &format!("cron(0 {hour} ? * * *)"));
            rule.windows.start_minutes = windows * 60;
            rule.lifecycle.retention = Retention::Days(days);
            rule
        };
        let (a, b) = (make("a", ours, kept.0), make("b", theirs, kept.1));
        let rules = if other_first { vec![b.clone(), a.clone()] } else { vec![a.clone(), b.clone()] };
        let mut evidence = evidence();
        evidence.covering_plans = vec![Arc::new(RunningPlan::of(plan(rules), at(NOW)))];
        let covering = Covering::all(&evidence);
        let covered = covering.iter().find(|covered| covered.rule.name == "a").unwrap();
        let run = covered.runs.next.unwrap();
        let window = |rule: &Rule| SignedDuration::from_mins(rule.windows.start_minutes);
        let start = run - SignedDuration::from_hours(24 * 4);
        let near: Vec<Timestamp> = b.timetable().unwrap().runs_after(start).take(8).map(|it| it.at.timestamp()).collect();
        let meet = near.iter().any(|other| *other < run + window(&a) && run < *other + window(&b));
        let expected = if kept.0 == kept.1 { other_first && near.contains(&run) } else { kept.1 > kept.0 && meet };
        prop_assert_eq!(covered.gives_way_at(run).is_some(), expected);
    }
}
