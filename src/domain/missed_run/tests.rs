use jiff::ToSpan;
use proptest::prelude::*;

use super::*;
use crate::domain::{AccountId, RegionName, Retention};

const ARN: &str = "arn:aws:rds:us-east-1:123456789012:db:orders";
const DAILY: &str = "cron(0 5 ? * * *)";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| format!("{text}:00Z").parse().unwrap())
}

fn timed(name: &str, schedule: &str, zone: &str, days: u16) -> RuleTiming {
    RuleTiming {
        id: format!("id-of-{name}"),
        name: name.into(),
        schedule: schedule.into(),
        zone: zone.into(),
        start_minutes: 60,
        retention: Retention::Days(days),
    }
}

/// The rule `daily` of the timing covers the database so long.
fn member(timing: &PlanTiming, since: &str, until: &str) -> Membership {
    Membership {
        scope: Scope { account: AccountId::example(), region: RegionName::example() },
        database: DatabaseIdentity { arn: ARN.into(), made: "db-ONE".into() },
        plan_id: "p1".into(),
        plan_arn: String::new(),
        plan_name: "nightly".into(),
        rule_id: "id-of-daily".into(),
        selection_ids: vec!["s1".into()],
        timing: timing.digest(),
        resource_type: ResourceType::RDS,
        vault_arn: String::new(),
        passed_over: None,
        since: at(since),
        until: at(until),
    }
}

fn made(times: &[&str]) -> JobsMade {
    let mut jobs = JobsMade::default();
    times.iter().for_each(|time| jobs.note_made(ARN, "p1", "id-of-daily", at(time)));
    jobs
}

fn timings(all: &[&PlanTiming]) -> BTreeMap<String, PlanTiming> {
    all.iter().map(|timing| (timing.digest(), (*timing).clone())).collect()
}

fn known(since: &str, until: &str) -> KnownJobs {
    KnownJobs { since: at(since), until: at(until) }
}

/// What the rule misses while it covers the database and all is known, with jobs of those times.
fn missed(schedule: &str, zone: &str, (since, until): (&str, &str), jobs: &[&str]) -> Vec<String> {
    let timing = PlanTiming { rules: vec![timed("daily", schedule, zone, 35)] };
    let members = [member(&timing, since, until)];
    let until = at(until).checked_add(24.hours()).unwrap().to_string();
    let missed = missed_runs(&members, &timings(&[&timing]), &made(jobs), known("2026-01-01T00:00", &until), None);
    missed.iter().map(|run| run.due_at.strftime("%FT%H:%M").to_string()).collect()
}

#[test]
fn a_run_without_a_job_is_missed_and_no_time_that_daylight_saving_skips_is_a_run() {
    let days = ("2026-03-02T00:00", "2026-03-05T00:00");
    assert_eq!(missed(DAILY, "", days, &["2026-03-02T05:00", "2026-03-04T05:00"]), ["2026-03-03T05:00"]);
    // A job is made a moment after its run, or before, by another clock.
    assert_eq!(missed(DAILY, "", days, &["2026-03-02T04:59:30Z", "2026-03-03T05:14", "2026-03-04T05:00"]), [""; 0]);
    // In Berlin 02:30 does not come on 29 March, and comes twice on 25 October: one run.
    let spring = ("2026-03-28T00:00", "2026-03-31T00:00");
    let half_past = "cron(30 2 ? * * *)";
    assert_eq!(missed(half_past, "Europe/Berlin", spring, &["2026-03-28T01:30", "2026-03-30T00:30"]), [""; 0]);
    let autumn = ("2026-10-24T12:00", "2026-10-25T12:00");
    assert_eq!(missed(half_past, "Europe/Berlin", autumn, &["2026-10-25T00:30"]), [""; 0]);
    assert_eq!(missed(half_past, "Europe/Berlin", autumn, &[]), ["2026-10-25T00:30"]);
    // The last day, the workday nearest to the 15th, the second Tuesday.
    let months = ("2026-02-01T00:00", "2026-04-01T00:00");
    for (schedule, runs) in [
        ("cron(0 5 L * ? *)", ["2026-02-28T05:00", "2026-03-31T05:00"]),
        ("cron(0 5 15W * ? *)", ["2026-02-16T05:00", "2026-03-16T05:00"]),
        ("cron(0 5 ? * TUE#2 *)", ["2026-02-10T05:00", "2026-03-10T05:00"]),
    ] {
        assert_eq!(missed(schedule, "", months, &[]), runs, "{schedule}");
        assert_eq!(missed(schedule, "", months, &runs), [""; 0], "{schedule}");
    }
    assert_eq!(missed("rate(1 day)", "", months, &[]), [""; 0], "nobody can read when it runs");
}

#[test]
fn nothing_is_missed_before_it_was_seen_or_before_its_window_is_over_or_while_jobs_are_not_known() {
    let timing = PlanTiming { rules: vec![timed("daily", DAILY, "", 35)] };
    let judge = |member: &Membership, known, judged| {
        let missed = missed_runs([member], &timings(&[&timing]), &JobsMade::default(), known, judged);
        missed.iter().map(|run| run.due_at).collect::<Vec<_>>()
    };
    let always = member(&timing, "2026-03-01T00:00", "2026-03-09T00:00");
    let second = [at("2026-03-02T05:00")];
    for (since, until, expected) in [
        ("2026-03-01T12:00", "2026-03-02T06:15", &second[..]),
        // The window of an hour, and a quarter for the job to be seen.
        ("2026-03-01T12:00", "2026-03-02T06:14", &[]),
        // What was made about the time of the run is not all known.
        ("2026-03-02T05:00", "2026-03-02T08:00", &[]),
        ("2026-03-02T04:59", "2026-03-02T08:00", &second[..]),
    ] {
        assert_eq!(judge(&always, known(since, until), None), expected, "{since} {until}");
    }
    for (since, until, expected) in [
        ("2026-03-02T05:00", "2026-03-02T05:00", &second[..]),
        ("2026-03-02T05:01", "2026-03-02T09:00", &[]),
        // It was untagged before the run, or after: nobody knows.
        ("2026-03-01T05:01", "2026-03-02T04:59", &[]),
    ] {
        let member = member(&timing, since, until);
        assert_eq!(judge(&member, known("2026-02-01T00:00", "2026-03-09T00:00"), None), expected, "{since} {until}");
    }
    // Each is told once, whenever it is asked for.
    let mut told = Vec::new();
    let mut before = None;
    for hour in 0..60 {
        let until = at("2026-03-01T12:00").checked_add((hour * 3).hours()).unwrap();
        told.extend(judge(&always, KnownJobs { since: at("2026-03-01T06:00"), until }, before));
        before = Some(until);
    }
    let days: Vec<_> = (2..=8).map(|day| at(&format!("2026-03-0{day}T05:00"))).collect();
    assert_eq!(told, days);
}

#[test]
fn a_start_window_of_a_century_is_not_waited_for() {
    let mut rule = timed("daily", DAILY, "", 35);
    rule.start_minutes = 52_560_000;
    let timing = PlanTiming { rules: vec![rule] };
    let members = [member(&timing, "2026-03-01T12:00", "2026-03-02T12:00")];
    let judge = |until| {
        let known = known("2026-03-01T00:00", until);
        missed_runs(&members, &timings(&[&timing]), &JobsMade::default(), known, None).len()
    };
    assert_eq!((judge("2026-03-02T13:14"), judge("2026-03-02T13:15")), (0, 1));
}

#[test]
fn a_run_that_gave_way_is_not_due_and_that_of_the_other_rule_is() {
    let weekly = timed("weekly", "cron(30 5 ? * MON *)", "", 365);
    let timing = PlanTiming { rules: vec![timed("daily", DAILY, "", 35), weekly] };
    let daily = member(&timing, "2026-03-01T12:00", "2026-03-03T12:00");
    let both = [daily.clone(), Membership { rule_id: "id-of-weekly".into(), ..daily }];
    let judge = |jobs: &JobsMade| {
        let known = known("2026-03-01T00:00", "2026-03-04T00:00");
        let missed = missed_runs(&both, &timings(&[&timing]), jobs, known, None);
        missed.iter().map(|run| (run.rule_name.clone(), run.due_at.to_string())).collect::<Vec<_>>()
    };
    // 2 March is a Monday.
    let monday = ("weekly".to_owned(), "2026-03-02T05:30:00Z".to_owned());
    let tuesday = ("daily".to_owned(), "2026-03-03T05:00:00Z".to_owned());
    assert_eq!(judge(&JobsMade::default()), [tuesday.clone(), monday]);
    let mut jobs = JobsMade::default();
    jobs.note_made(ARN, "p1", "weekly", at("2026-03-02T05:30"));
    assert_eq!(judge(&jobs), [tuesday], "of old jobs AWS may tell the rule's name alone");
}

#[test]
fn why_there_is_no_job_is_told_as_far_as_it_is_known() {
    let timing = PlanTiming { rules: vec![timed("daily", DAILY, "", 35)] };
    let selected = member(&timing, "2026-03-02T00:00", "2026-03-02T12:00");
    let judge = |member: &Membership, jobs: &JobsMade| {
        let known = known("2026-03-01T00:00", "2026-03-03T00:00");
        missed_runs([member], &timings(&[&timing]), jobs, known, None).remove(0)
    };
    let nobody = judge(&selected, &JobsMade::default());
    assert_eq!((&*nobody.finding.code, nobody.window_until), ("PLAN_DID_NOT_RUN", at("2026-03-02T06:00")));
    let mut of_another = JobsMade::default();
    of_another.note_made("arn:aws:rds:us-east-1:123456789012:db:other", "p1", "id-of-daily", at("2026-03-02T05:00"));
    assert_eq!(judge(&selected, &of_another).finding.code, "RUN_MISSED");
    let passed_over = Membership { passed_over: Some(ResourceType::RDS), ..selected };
    let opted_out = judge(&passed_over, &of_another).finding;
    assert_eq!(opted_out.code, "RESOURCE_TYPE_OPTED_OUT");
    assert!(opted_out.message.contains("the settings of us-east-1 opt out of RDS"), "{opted_out:?}");
}

#[test]
fn what_is_kept_of_a_plan_says_when_it_ran_then() {
    let timing = PlanTiming { rules: vec![timed("daily", DAILY, "Europe/Berlin", 35), timed("b", DAILY, "", 1)] };
    let mut forever = timing.clone();
    forever.rules[0].retention = Retention::Forever;
    for timing in [&timing, &forever] {
        assert_eq!(PlanTiming::from_json(&timing.to_json()).as_ref(), Some(timing));
    }
    for broken in ["null", "[{}]", "[1]", r#"[{"id": "x"}]"#] {
        assert_eq!(PlanTiming::from_json(&serde_json::from_str(broken).unwrap()), None, "{broken}");
    }
    let mut other = timing.clone();
    other.rules[0].name = "renamed".into();
    assert_eq!(other.digest(), timing.digest());
    for change in [
        |rule: &mut RuleTiming| rule.schedule = "cron(0 6 ? * * *)".into(),
        |rule: &mut RuleTiming| rule.zone = "Europe/Paris".into(),
        |rule: &mut RuleTiming| rule.start_minutes = 61,
        |rule: &mut RuleTiming| rule.retention = Retention::Days(36),
    ] {
        let mut changed = timing.clone();
        change(&mut changed.rules[0]);
        assert_ne!(changed.digest(), timing.digest());
    }
}

proptest! {
    /// By the definition: every run of the schedule between the surveys that has no job of its time.
    #[test]
    fn each_run_has_its_job_or_is_missed(
        hours in proptest::collection::btree_set(0i8..24, 1..5), kept in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let text: Vec<String> = hours.iter().map(ToString::to_string).collect();
        let schedule = format!("cron(0 {} ? * * *)", text.join(","));
        let runs: Vec<Timestamp> = (2..=5)
            .flat_map(|day| hours.iter().map(move |hour| at(&format!("2026-03-0{day}T{hour:02}:00"))))
            .collect();
        let with_job = |keep: bool| {
            runs.iter().zip(&kept).filter(move |(_, kept)| **kept == keep).map(|(run, _)| run.to_string()).collect::<Vec<_>>()
        };
        let jobs = with_job(true);
        let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
        let found = missed(&schedule, "", ("2026-03-02T00:00", "2026-03-05T23:59"), &jobs);
        let expected: Vec<String> = with_job(false).iter().map(|run| run.trim_end_matches(":00Z").to_owned()).collect();
        prop_assert_eq!(found, expected);
    }
}

/// From survey to survey.
mod surveys {
    use super::*;
    use crate::domain::{
        Hindrance, Looked, Part, Resource, ResourceKind, Survey, Unread, Unseen,
        protection::survey::tests::{DAILY, arranged, named, opt_out, survey},
    };

    const GOLD: (&str, &str) = ("tier", "gold");

    fn seen(database: Resource, schedule: &str, now: &str) -> Survey {
        survey(vec![database], vec![arranged("nightly", &[schedule], GOLD)], now)
    }

    fn spans(members: &[Membership]) -> Vec<(String, String)> {
        members.iter().map(|it| (it.since.to_string(), it.until.to_string())).collect()
    }

    #[test]
    fn a_membership_goes_on_until_the_plan_runs_otherwise_or_the_database_is_another() {
        let database = || named("orders", &[GOLD]);
        let first = seen(database(), DAILY, "2026-03-02T00:00:00Z").renew(Vec::new());
        let second = seen(database(), DAILY, "2026-03-02T06:00:00Z").renew(first.current);
        let whole = ("2026-03-02T00:00:00Z".to_owned(), "2026-03-02T06:00:00Z".to_owned());
        assert_eq!((spans(&second.current), second.ended.len()), (vec![whole.clone()], 0));
        // The schedule is another from now on: what was due by the old one ends with the last survey that saw it.
        let later = seen(database(), "cron(0 7 ? * * *)", "2026-03-02T08:00:00Z").renew(second.current.clone());
        let begun = ("2026-03-02T08:00:00Z".to_owned(), "2026-03-02T08:00:00Z".to_owned());
        assert_eq!((spans(&later.current), spans(&later.ended)), (vec![begun.clone()], vec![whole.clone()]));
        let timings: BTreeMap<_, _> = second.timings.into_iter().chain(later.timings).collect();
        let all: Vec<&Membership> = later.current.iter().chain(&later.ended).collect();
        let missed =
            missed_runs(all, &timings, &JobsMade::default(), known("2026-03-01T00:00", "2026-03-02T12:00"), None);
        let due: Vec<_> = missed.iter().map(|run| run.due_at.to_string()).collect();
        assert_eq!(due, ["2026-03-02T05:00:00Z"], "at 07:00 nobody knew which of the two held");
        // Deleted and made anew under the same name: the old one's run is the old one's.
        let anew = Resource { resource_id: "db-TWO".into(), ..database() };
        let anew = seen(anew, DAILY, "2026-03-02T08:00:00Z").renew(second.current);
        assert_eq!((spans(&anew.current), spans(&anew.ended)), (vec![begun], vec![whole]));
        assert_eq!((&*anew.current[0].database.made, &*anew.ended[0].database.made), ("db-TWO", "db-orders"));
    }

    #[test]
    fn what_a_survey_could_not_read_neither_ends_nor_is_seen() {
        let first = seen(named("orders", &[GOLD]), DAILY, "2026-03-02T00:00:00Z").renew(Vec::new()).current;
        let unread = |part| {
            let unseen = Unseen { hindrance: Hindrance::Passing, why: "no answer in time".into() };
            Unread { part, name: String::new(), operation: "List", unseen }
        };
        let without: [fn(&mut Survey, Unread); 4] = [
            |survey, unread| survey.arrangements.plans = Err(unread),
            |survey, unread| survey.arrangements.plans.as_mut().unwrap()[0].selections = Err(unread),
            |survey, unread| {
                survey.arrangements.plans.as_mut().unwrap()[0].content = Some(Looked::Unread(unread));
                survey.arrangements.reckon(survey.arrangements.as_of());
            },
            |survey, unread| {
                survey.databases.clear();
                survey.unlisted = vec![(ResourceKind::DbInstance, unread)];
            },
        ];
        for change in without {
            let mut survey = seen(named("orders", &[GOLD]), DAILY, "2026-03-02T06:00:00Z");
            change(&mut survey, unread(Part::Plans));
            let renewed = survey.renew(first.clone());
            assert_eq!((renewed.current, renewed.ended), (first.clone(), Vec::new()));
        }
        let gone = survey(Vec::new(), vec![arranged("nightly", &[DAILY], GOLD)], "2026-03-02T06:00:00Z");
        assert_eq!(gone.renew(first.clone()).ended, first);
    }

    #[test]
    fn what_the_region_opts_out_of_is_passed_over() {
        let mut survey = seen(named("orders", &[GOLD]), DAILY, "2026-03-02T00:00:00Z");
        let before = survey.renew(Vec::new()).current;
        assert_eq!(before[0].passed_over, None);
        opt_out(&mut survey);
        let after = survey.renew(before.clone());
        assert_eq!((&after.current[0].passed_over, after.ended), (&Some(ResourceType::RDS), before));
    }
}

#[test]
fn what_is_kept_of_a_membership_and_of_a_missed_run_is_all_of_it() {
    let timing = PlanTiming { rules: vec![timed("daily", DAILY, "", 35)] };
    let plain = member(&timing, "2026-03-02T00:00", "2026-03-02T12:00");
    let passed_over = Membership { passed_over: Some(ResourceType::RDS), ..plain.clone() };
    assert_ne!(plain.digest(), passed_over.digest());
    for member in [plain, passed_over] {
        let kept = Membership::from_json(&member.to_json(), member.scope.clone(), member.since, member.until);
        assert_eq!(kept.as_ref(), Some(&member));
        let known = known("2026-03-01T00:00", "2026-03-03T00:00");
        let mut missed = missed_runs([&member], &timings(&[&timing]), &JobsMade::default(), known, None).remove(0);
        for made in [None, JobId::told("late")] {
            missed.made = made;
            let kept = MissedRun::from_json(&missed.to_json(), missed.subject());
            assert_eq!(kept.as_ref(), Some(&missed));
        }
        // A job of the run of the day after is none of it.
        let day = |text| at(text).checked_sub(ROUNDING).unwrap();
        assert_eq!(missed.time_of_job(), (day("2026-03-02T05:00"), Some(day("2026-03-03T05:00"))));
    }
}
