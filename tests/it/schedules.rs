//! PreviewSchedule: when rules run, told before they do and compared with what the sandbox, which reads schedules by code of
//! its own, tells and does.

use aws_sdk_backup::types::{BackupPlanInput, BackupRuleInput};
use jiff::Timestamp;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, EnsureServiceRoleRequest, Job, Lifecycle, ListJobsRequest, Plan,
    PreviewScheduleRequest, PreviewScheduleResponse, Retention, Rule, RuleSchedule, UnsavedRules, UpdatePlanRequest,
    job_origin::Origin, preview_schedule_request::Of,
};
use tonic::Code;

use crate::{
    backups::aws_backup,
    harness::{LABS, World, reason, told},
};

fn rule(name: &str, schedule: &str, zone: &str) -> Rule {
    Rule {
        name: name.into(),
        vault: "prod".into(),
        schedule: schedule.into(),
        schedule_timezone: zone.into(),
        ..Default::default()
    }
}

fn of_rules(rules: Vec<Rule>) -> PreviewScheduleRequest {
    PreviewScheduleRequest { of: Some(Of::Unsaved(UnsavedRules { rules })), ..Default::default() }
}

fn of_plan(plan: &str) -> PreviewScheduleRequest {
    PreviewScheduleRequest { of: Some(Of::Plan(plan.into())), ..Default::default() }
}

async fn preview(world: &World, request: PreviewScheduleRequest) -> PreviewScheduleResponse {
    world.plans().preview_schedule(request).await.unwrap().into_inner()
}

async fn created(world: &World, rules: Vec<Rule>) -> Plan {
    let request = CreatePlanRequest { name: "plan".into(), rules, ..Default::default() };
    world.plans().create_plan(request).await.unwrap().into_inner().plan.unwrap()
}

fn seconds(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

fn times(schedule: &RuleSchedule) -> Vec<i64> {
    schedule.runs.iter().map(|run| run.time.unwrap().seconds).collect()
}

#[tokio::test]
async fn unsaved_rules_are_previewed_from_aws_s_present_time_with_every_default() {
    let world = World::start().await;
    world.advance("PT6H").await;
    let blank = Rule::default();
    let answer =
        preview(&world, of_rules(vec![blank, rule("yearly", "cron(0 5 1 1 ? 2030-2031)", "Asia/Tokyo")])).await;
    let [daily, yearly] = &answer.rules[..] else { panic!("{answer:?}") };
    assert_eq!((daily.rule_name.as_str(), daily.rule_id.as_str()), ("", ""));
    assert_eq!((daily.schedule.as_str(), daily.schedule_timezone.as_str()), ("cron(0 5 ? * * *)", "Etc/UTC"));
    assert_eq!(daily.runs.len(), 10);
    let first = &daily.runs[0];
    assert_eq!(first.time.unwrap().seconds, seconds("2026-03-03T05:00:00Z"));
    assert_eq!(first.start_by_time.unwrap().seconds, seconds("2026-03-03T13:00:00Z"));
    assert_eq!((first.local_time.as_str(), first.note.as_str()), ("2026-03-03T05:00:00+00:00", ""));
    // Its years are over after two runs.
    let local: Vec<_> = yearly.runs.iter().map(|run| run.local_time.as_str()).collect();
    assert_eq!(local, ["2030-01-01T05:00:00+09:00", "2031-01-01T05:00:00+09:00"]);
}

#[tokio::test]
async fn what_daylight_saving_does_is_said_at_the_run() {
    let world = World::start().await;
    let nightly = || vec![rule("nightly", "cron(30 2 ? * * *)", "Europe/Berlin")];
    let from = |start: &str| {
        let start_time = Some(prost_types::Timestamp { seconds: seconds(start), nanos: 0 });
        PreviewScheduleRequest { runs: 2, start_time, ..of_rules(nightly()) }
    };
    let spring = preview(&world, from("2026-03-28T12:00:00Z")).await;
    let run = &spring.rules[0].runs[0];
    assert_eq!(run.local_time, "2026-03-30T02:30:00+02:00");
    assert_eq!(run.note, "daylight saving skips 2026-03-29 02:30: the rule does not run then");
    let sharp = preview(&world, from("2026-03-30T00:30:00Z")).await;
    assert_eq!(sharp.rules[0].runs[0].local_time, "2026-03-30T02:30:00+02:00", "a run at start_time itself is one");
    let autumn = preview(&world, from("2026-10-24T12:00:00Z")).await;
    let run = &autumn.rules[0].runs[0];
    assert_eq!(run.local_time, "2026-10-25T02:30:00+02:00");
    assert_eq!(run.note, "daylight saving repeats 2026-10-25 02:30: the rule runs at its first passage alone");
    assert_eq!(autumn.rules[0].runs[1].local_time, "2026-10-26T02:30:00+01:00");
}

/// Expressions of every kind, in zones with and without daylight saving.
fn any_rule() -> impl Strategy<Value = (String, &'static str)> {
    let hours = prop_oneof![
        Just("*".to_owned()),
        (0..24_u8).prop_map(|hour| hour.to_string()),
        (0..24_u8, 1..13_u8).prop_map(|(from, step)| format!("{from}/{step}")),
        (0..24_u8, 0..24_u8).prop_map(|(from, to)| format!("{from}-{to}")),
        (0..6_u8).prop_map(|hour| format!("{hour},{},{}", hour + 6, hour + 12)),
    ];
    let months = proptest::sample::select(vec!["*", "2", "1/3", "MAR-OCT", "NOV-FEB/2", "jan,jul,oct", "11"]);
    let month_days = prop_oneof![
        proptest::sample::select(vec!["*", "L", "LW", "1W", "31W", "1-7", "*/5"]).prop_map(str::to_owned),
        (1..29_u8).prop_map(|day| day.to_string()),
        (1..29_u8).prop_map(|day| format!("{day}W")),
    ];
    let week_days = prop_oneof![
        proptest::sample::select(vec!["*", "L", "MON-FRI", "FRI-MON", "sun,WED", "1/2", "FRIL", "7"])
            .prop_map(str::to_owned),
        (1..8_u8).prop_map(|day| format!("{day}L")),
        (1..8_u8, 1..6_u8).prop_map(|(day, nth)| format!("{day}#{nth}")),
    ];
    let days = prop_oneof![
        (month_days, months.clone()).prop_map(|(day, month)| format!("{day} {month} ?")),
        (week_days, months).prop_map(|(day, month)| format!("? {month} {day}")),
    ];
    let years = proptest::sample::select(vec!["*", "2026-2199", "2028/4"]);
    let zones = vec![
        "Etc/UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Ho_Chi_Minh",
        "Africa/Casablanca",
        "America/Santiago",
    ];
    (0..60_u8, hours, days, years, proptest::sample::select(zones))
        .prop_map(|(minute, hours, days, years, zone)| (format!("cron({minute} {hours} {days} {years})"), zone))
}

#[tokio::test]
async fn the_sandbox_s_own_preview_of_a_plan_has_the_same_runs() {
    let world = World::start().await;
    let aws = aws_backup(&world);
    let plan = created(&world, vec![rule("only", "", "")]).await;
    let mut runner = TestRunner::deterministic();
    let mut compared = 0;
    // Before changes of the clocks in the north and the south, and before a leap day.
    for advance in ["PT132H", "P21D", "P5D", "P205D", "P6D", "P484D"] {
        world.advance(advance).await;
        for _ in 0..25 {
            let (schedule, zone) = any_rule().new_tree(&mut runner).unwrap().current();
            let only = BackupRuleInput::builder().rule_name("only").target_backup_vault_name("prod");
            let only = only.schedule_expression(&schedule).schedule_expression_timezone(zone).build().unwrap();
            let input = BackupPlanInput::builder().backup_plan_name("plan").rules(only).build().unwrap();
            let taken = aws.update_backup_plan().backup_plan_id(&plan.id).backup_plan(input).send().await.is_ok();
            let unsaved = world.plans().preview_schedule(of_rules(vec![rule("only", &schedule, zone)])).await;
            assert_eq!(unsaved.is_ok(), taken, "{schedule}: {unsaved:?}");
            if !taken {
                // Such as 31W of February.
                continue;
            }
            let theirs = aws.get_backup_plan().backup_plan_id(&plan.id).max_scheduled_runs_preview(10).send().await;
            let theirs = theirs.unwrap().scheduled_runs_preview.unwrap_or_default();
            let theirs: Vec<i64> = theirs.iter().map(|run| run.execution_time.unwrap().secs()).collect();
            let ours = preview(&world, of_plan(&plan.id)).await;
            assert_eq!(times(&ours.rules[0]), theirs, "{schedule} in {zone}");
            assert_eq!(times(&unsaved.unwrap().into_inner().rules[0]), theirs, "{schedule} in {zone}");
            compared += 1;
        }
    }
    assert!(compared > 120, "only {compared} were compared");
}

#[tokio::test]
async fn the_runs_that_are_not_overruled_are_those_that_make_jobs() {
    let world = World::start().await;
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    let kept = |days, rule| Rule {
        lifecycle: Some(Lifecycle {
            retention: Retention::Days.into(),
            delete_after_days: Some(days),
            ..Default::default()
        }),
        start_window_minutes: Some(90),
        ..rule
    };
    let plan = created(
        &world,
        vec![
            kept(7, rule("daily", "cron(0 5 ? * * *)", "")),
            kept(35, rule("weekly", "cron(30 5 ? * WED *)", "")),
            kept(90, rule("tenth", "cron(15 4 10 * ? *)", "")),
            kept(365, rule("monthly", "cron(0 6 11 * ? *)", "")),
            kept(2, rule("evening", "cron(0 20 ? * MON-THU *)", "")),
        ],
    )
    .await;
    let selection = CreateSelectionRequest {
        plan: plan.id.clone(),
        name: "labs".into(),
        role: "AWSBackupDefaultServiceRole".into(),
        resources: vec![LABS.into()],
        ..Default::default()
    };
    world.plans().create_selection(selection).await.unwrap();
    let ours = preview(&world, PreviewScheduleRequest { runs: 30, ..of_plan("plan") }).await;
    let end = seconds("2026-03-16T00:00:00Z");
    let runs = ours.rules.iter().flat_map(|rule| rule.runs.iter().map(|run| (rule.rule_id.clone(), run)));
    let (overruled, kept): (Vec<_>, Vec<_>) =
        runs.filter(|(_, run)| run.time.unwrap().seconds < end).partition(|(_, run)| run.overruled);
    let mut kept: Vec<_> = kept.into_iter().map(|(rule, run)| (run.time.unwrap().seconds, rule)).collect();
    kept.sort();
    assert_eq!(overruled.len(), 4, "{overruled:?}");

    world.advance("P14D").await;
    let jobs = world.jobs().list_jobs(ListJobsRequest { page_size: 1000, ..Default::default() }).await.unwrap();
    let jobs = jobs.into_inner().jobs.into_iter();
    let rule_of = |job: &Job| match job.created_by.clone().unwrap().origin.unwrap() {
        Origin::Plan(plan) => plan.rule_id,
        other @ Origin::RestoreTesting(_) => panic!("{other:?}"),
    };
    let mut made: Vec<_> = jobs.map(|job| (job.create_time.unwrap().seconds, rule_of(&job))).collect();
    made.sort();
    assert_eq!(made, kept);
}

#[tokio::test]
async fn a_preview_tells_what_surprises() {
    let world = World::start().await;
    let rules = vec![
        rule("daily", "", ""),
        rule("over", "cron(0 5 1 1 ? 2020)", ""),
        Rule { enable_continuous_backup: true, ..rule("pitr", "cron(0 20 ? * * *)", "") },
        Rule { enable_continuous_backup: true, vault: "other".into(), ..rule("more-pitr", "cron(0 10 1 * ? *)", "") },
    ];
    let mut found = preview(&world, of_rules(rules)).await.findings;
    let vaults: Vec<_> = found.extract_if(.., |finding| finding.code == "VAULT_MISSING").collect();
    assert_eq!(vaults.len(), 4, "there are none here: {vaults:?}");
    let told: Vec<_> = found.iter().map(|finding| (finding.code.as_str(), finding.field.as_str())).collect();
    assert_eq!(
        told,
        [
            ("SCHEDULE_IS_OVER", "unsaved.rules[1].schedule"),
            ("CONTINUOUS_BACKUP_OWNS_RDS_WINDOW", "unsaved.rules[2].enable_continuous_backup"),
            ("CONTINUOUS_BACKUP_OWNS_RDS_WINDOW", "unsaved.rules[3].enable_continuous_backup"),
            ("CONTINUOUS_IN_SEVERAL_VAULTS", "unsaved.rules[3].enable_continuous_backup"),
            ("RULES_OVERLAP", "unsaved.rules[3].schedule"),
        ]
    );
}

#[tokio::test]
async fn a_schedule_that_only_aws_reads_is_shown_without_runs() {
    let world = World::start().await;
    world.behave(serde_json::json!({"switches": {"rate_expressions": true}})).await;
    let rule = BackupRuleInput::builder()
        .rule_name("rate")
        .target_backup_vault_name("prod")
        .schedule_expression("rate(12 hours)")
        .build()
        .unwrap();
    let plan = BackupPlanInput::builder().backup_plan_name("theirs").rules(rule).build().unwrap();
    aws_backup(&world).create_backup_plan().backup_plan(plan).send().await.unwrap();
    let answer = preview(&world, of_plan("theirs")).await;
    assert_eq!((answer.rules[0].schedule.as_str(), answer.rules[0].runs.len()), ("rate(12 hours)", 0));
    assert_eq!(answer.findings[0].code, "SCHEDULE_NOT_READ");
    // Renamed, it keeps its schedule.
    let update_mask = Some(prost_types::FieldMask { paths: vec!["name".into()] });
    let rename = UpdatePlanRequest { plan: "theirs".into(), name: "renamed".into(), update_mask, ..Default::default() };
    let renamed = world.plans().update_plan(rename).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(renamed.rules[0].schedule, "rate(12 hours)");
}

#[tokio::test]
async fn every_fault_of_a_preview_is_told_at_once() {
    let world = World::start().await;
    let wrong = PreviewScheduleRequest {
        runs: 101,
        start_time: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
        ..of_rules(vec![rule("a", "cron(0 5 * * * *)", "Mars/Olympus"), rule("a", "", "")])
    };
    for (request, fields) in [
        (
            wrong,
            vec![
                "unsaved.rules[1].name",
                "unsaved.rules[0].schedule",
                "unsaved.rules[0].schedule_timezone",
                "runs",
                "start_time",
            ],
        ),
        (PreviewScheduleRequest { runs: -1, ..Default::default() }, vec!["plan", "runs"]),
        (of_rules(Vec::new()), vec!["unsaved.rules"]),
    ] {
        let refused = told(&world.plans().preview_schedule(request).await.unwrap_err());
        assert_eq!(
            (refused.code, refused.fields),
            (Code::InvalidArgument, fields.into_iter().map(String::from).collect())
        );
    }
    let missing = world.plans().preview_schedule(of_plan("missing")).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "PLAN_NOT_FOUND".into()));
}
