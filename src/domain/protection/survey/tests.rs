use std::{sync::Arc, time::Instant};

use proptest::prelude::*;

use super::*;
use crate::domain::{
    ArrangedPlan, Criteria, JobState, Looked, Operator, Outlook, Plan, PlanContent, ProtectionVerdict, Selection,
    Severity, TagCondition, Upcoming, UpcomingFilter, UpcomingRun,
    protection::tests::{NOW, at, database, evidence, job, plan, rule, scope, selection},
};

pub(in crate::domain) const DAILY: &str = "cron(0 5 ? * * *)";

/// A database of the name with these tags.
pub(in crate::domain) fn named(id: &str, tags: &[(&str, &str)]) -> Resource {
    let arn = format!("arn:aws:rds:us-east-1:123456789012:db:{id}");
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Resource { id: id.into(), arn, tags, resource_id: format!("db-{id}"), ..database() }
}

pub(in crate::domain) fn cluster(id: &str) -> Resource {
    let arn = format!("arn:aws:rds:us-east-1:123456789012:cluster:{id}");
    Resource {
        arn,
        kind: ResourceKind::DbCluster,
        engine: "aurora-postgresql".into(),
        ..named(id, &[("tier", "gold")])
    }
}

fn member(id: &str, of: &str) -> Resource {
    Resource { cluster_id: of.into(), engine: "aurora-postgresql".into(), ..named(id, &[]) }
}

/// A plan of the name whose rule `daily` backs up what has the tag.
pub(in crate::domain) fn arranged(name: &str, schedules: &[&str], (key, value): (&str, &str)) -> ArrangedPlan {
    let rules = schedules.iter().enumerate().map(|(at, schedule)| rule(&format!("rule-{at}"), schedule)).collect();
    let content = PlanContent { name: name.into(), ..plan(rules).content };
    let arn = format!("arn:aws:backup:us-east-1:123456789012:backup-plan:{name}");
    let plan = Plan { id: name.into(), arn: arn.clone(), content, ..plan(Vec::new()) };
    let condition = TagCondition { key: key.into(), operator: Operator::Equals, value: value.into() };
    let criteria = Some(Criteria { conditions: vec![condition], ..Criteria::default() });
    let selected = Selection { plan_id: name.into(), plan_arn: arn, criteria, ..selection("by-tag") };
    let mut arranged = ArrangedPlan::listed(&plan, Ok(vec![selected]));
    arranged.content = Some(Looked::There(plan));
    arranged
}

/// What is there and arranged, as of that time.
pub(in crate::domain) fn survey(databases: Vec<Resource>, plans: Vec<ArrangedPlan>, now: &str) -> Survey {
    let eligibility = Eligibility {
        scope: scope(),
        supported: ["RDS", "Aurora"].map(str::to_owned).into(),
        opt_in: [("RDS".to_owned(), true), ("Aurora".to_owned(), true)].into(),
    };
    let mut arrangements = Arrangements::new(scope(), at(now), Ok(eligibility), Ok(plans));
    let databases = databases.into_iter().map(|database| (database.arn.clone(), database)).collect();
    let backed_up = Ok(BTreeMap::new());
    arrangements.reckon(at(now));
    Survey { arrangements, databases, unlisted: Vec::new(), backed_up }
}

pub(in crate::domain) fn opt_out(survey: &mut Survey) {
    survey.arrangements.eligibility.as_mut().unwrap().opt_in.insert("RDS".into(), false);
}

fn unread(part: Part) -> Unread {
    let unseen = Unseen { hindrance: Hindrance::Passing, why: "no answer in time".into() };
    Unread { part, name: "x".into(), operation: "Get", unseen }
}

const GOLD: (&str, &str) = ("tier", "gold");

fn verdict(survey: &Survey, arn: &str) -> ProtectionVerdict {
    survey.protection_of(arn, History::of_jobs(Vec::new())).unwrap().explanation.verdict
}

#[test]
fn a_survey_says_of_each_database_what_one_that_is_asked_about_alone_is_told() {
    let plans =
        vec![arranged("nightly", &[DAILY], GOLD), arranged("weekly", &["cron(0 5 ? * SUN *)"], ("tier", "Gold"))];
    let all =
        vec![named("a", &[GOLD]), named("b", &[("tier", "GOLD")]), named("c", &[]), cluster("d"), member("d-1", "d")];
    let survey = survey(all.clone(), plans, NOW);
    assert!(survey.protection_of("arn:aws:rds:us-east-1:123456789012:db:none", History::default()).is_none());
    let told: Vec<_> = survey.protections(|_| History::of_jobs(Vec::new())).collect();
    assert_eq!(told.len(), all.len());
    for (arn, protection) in told {
        let asked = survey.databases[survey.subject(arn)].clone();
        let history = History { points: Some(Vec::new()), ..History::of_jobs(Vec::new()) };
        let is_member = (asked.arn != arn).then(|| survey.databases[arn].id.clone());
        let alone = survey.arrangements.evidence(asked, is_member, history).explain();
        let brief = &protection.explanation;
        assert_eq!((brief.verdict, &brief.findings), (alone.verdict, &alone.findings), "{arn}");
        assert_eq!(brief.summary, alone.summary);
        if alone.coverage.is_empty() {
            assert_eq!(brief.near_misses.len(), alone.near_misses.len());
        }
        assert_eq!(protection.never_ran, !alone.coverage.is_empty());
    }
    let cluster = "arn:aws:rds:us-east-1:123456789012:cluster:d";
    let instance = "arn:aws:rds:us-east-1:123456789012:db:d-1";
    assert_eq!(survey.subject(instance), cluster);
    assert_eq!(survey.touched_by(cluster), [cluster, instance]);
    assert_eq!(verdict(&survey, instance), ProtectionVerdict::AtRisk);
    let near = survey.protection_of(&all[1].arn, History::default()).unwrap().explanation;
    assert!(near.findings[0].action.contains("wanted \"gold\""), "{:?}", near.findings);
}

#[test]
fn what_could_not_be_read_is_never_called_not_protected() {
    let all = || vec![named("a", &[]), cluster("d"), member("d-1", "d")];
    let lone = named("a", &[]).arn;
    let mut whole = survey(all(), vec![arranged("nightly", &[DAILY], GOLD)], NOW);
    assert_eq!(verdict(&whole, &lone), ProtectionVerdict::NotProtected);
    whole.arrangements.plans.as_mut().unwrap()[0].selections = Err(unread(Part::Selections));
    assert_eq!(verdict(&whole, &lone), ProtectionVerdict::Unknown);
    whole.arrangements.plans = Err(unread(Part::Plans));
    assert_eq!(verdict(&whole, &lone), ProtectionVerdict::Unknown);
    let mut without = survey(vec![member("d-1", "d")], vec![arranged("nightly", &[DAILY], GOLD)], NOW);
    without.unlisted = vec![(ResourceKind::DbCluster, unread(Part::Databases))];
    let explained = without.protection_of(&member("d-1", "d").arn, History::default()).unwrap().explanation;
    assert_eq!((explained.verdict, explained.findings[0].code), (ProtectionVerdict::Unknown, "CLUSTER_NOT_READ"));
    let mut unbacked = survey(vec![named("a", &[GOLD])], vec![arranged("nightly", &[DAILY], GOLD)], NOW);
    unbacked.backed_up = Err(unread(Part::RecoveryPoints));
    let job = job("2026-03-02T05:00:00Z", JobState::Completed);
    let explained = unbacked.protection_of(&lone, History::of_jobs(vec![job])).unwrap().explanation;
    assert!(explained.findings.iter().any(|it| it.code == "RECOVERY_POINTS_NOT_READ"), "{:?}", explained.findings);
}

#[test]
fn how_well_a_database_is_backed_up_is_measured_by_its_tightest_rule() {
    let plans = vec![arranged("nightly", &[DAILY], GOLD), arranged("weekly", &["cron(0 5 ? * SUN *)"], GOLD)];
    let survey = survey(vec![named("a", &[GOLD])], plans, "2026-03-03T17:00:00Z");
    let failed = job("2026-03-03T05:00:00Z", JobState::Failed);
    let expired = job("2026-03-02T05:00:00Z", JobState::Expired);
    let completed = job("2026-03-01T05:00:00Z", JobState::Completed);
    let history = History::of_jobs(vec![completed.clone(), failed.clone(), expired]);
    let told = survey.protection_of(&named("a", &[]).arn, history).unwrap();
    assert_eq!(told.explanation.expected_interval.unwrap().as_hours(), 24);
    assert!((told.backup_age.unwrap().ratio() - 2.5).abs() < 1e-9, "{:?}", told.backup_age);
    assert_eq!((told.consecutive_failures, told.never_ran), (2, false));
    assert_eq!(told.next_run_at, Some(at("2026-03-04T05:00:00Z")));
    let (last, finding) = told.last_failure.unwrap();
    assert_eq!((last, finding.unwrap().code), (failed, "JOB_FAILED"));
    assert_eq!(told.explanation.last_successful_job, Some(completed));
}

#[test]
fn the_backups_of_another_database_that_had_the_name_are_not_its_own() {
    let plans = || vec![arranged("nightly", &[DAILY], GOLD)];
    let anew = Resource { created_at: Some(at("2026-03-02T05:30:00Z")), ..named("a", &[GOLD]) };
    let jobs = vec![job("2026-03-02T05:00:00Z", JobState::Completed), job("2026-03-01T05:00:00Z", JobState::Failed)];
    let before = History::of_database(&named("a", &[]), jobs.clone());
    assert_eq!((before.jobs.as_ref().map(Vec::len), before.ever_ran), (Some(2), true));
    let history = History::of_database(&anew, jobs);
    let told = survey(vec![anew], plans(), NOW).protection_of(&named("a", &[]).arn, history).unwrap();
    assert!(told.never_ran && told.backup_age.is_none() && told.explanation.last_job.is_none());
    let codes: Vec<_> = told.explanation.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["NO_RECOVERY_POINT", "DATABASE_IS_NEWER"]);
}

/// The runs ahead: by how it looks now, and the same by what is kept of that.
fn upcoming(survey: &Survey, filter: &UpcomingFilter) -> Vec<UpcomingRun> {
    let (outlook, now) = (survey.outlook(), survey.arrangements.as_of());
    let text = outlook.to_json().to_string();
    let kept = Outlook::from_json(&serde_json::from_str(&text).unwrap(), &outlook.scope, now).unwrap();
    let [runs, kept] = [outlook, kept].map(|outlook| {
        let upcoming = Upcoming::of(&[outlook], filter, None, now).unwrap();
        upcoming.page(1_000).0.to_vec()
    });
    let told = |run: &UpcomingRun| {
        let rule = run.rule().map(|rule| (rule.name.clone(), rule.lifecycle.clone(), rule.vault.clone()));
        let codes: Vec<_> = run.findings.iter().map(|it| it.message.clone()).collect();
        (rule, run.at, run.start_by, run.part, run.resources.clone(), run.overruled, codes)
    };
    assert_eq!(runs.iter().map(told).collect::<Vec<_>>(), kept.iter().map(told).collect::<Vec<_>>());
    runs
}

#[test]
fn the_runs_ahead_are_told_in_their_order_with_what_becomes_of_them() {
    let mut plans = vec![arranged("b", &[DAILY, "cron(30 5 ? * TUE *)"], GOLD), arranged("a", &[DAILY], GOLD)];
    plans.push(arranged("nobody", &[DAILY], ("tier", "none")));
    let Some(Looked::There(content)) = &mut plans[0].content else { panic!() };
    content.content.rules[1].lifecycle.retention = crate::domain::Retention::Forever;
    let near = Resource { automated_backup_window: "05:30-06:00".into(), ..named("near", &[GOLD]) };
    let mut survey = survey(vec![named("x", &[GOLD]), near, named("other", &[])], plans, NOW);
    let filter = |hours| UpcomingFilter { hours, plan_ids: None, resource_arns: None };
    let told = |survey: &Survey, filter: &UpcomingFilter| {
        let runs = upcoming(survey, filter).into_iter();
        let told = runs.map(|run| {
            let codes = run.findings.iter().map(|it| it.code).collect::<Vec<_>>();
            (run.plan.plan.id.clone(), run.rule().unwrap().name.clone(), run.at.to_string(), run.resources.len(), codes)
        });
        told.collect::<Vec<_>>()
    };
    let row = |plan: &str, rule: &str, at: &str, count, codes: &[&'static str]| {
        (plan.to_owned(), rule.to_owned(), format!("2026-03-03T{at}:00Z"), count, codes.to_vec())
    };
    assert_eq!(
        told(&survey, &filter(24)),
        [
            row("a", "rule-0", "05:00", 2, &["RUN_NEAR_BACKUP_WINDOW"]),
            // On Tuesdays the other rule runs in its place.
            row("b", "rule-0", "05:00", 2, &["RULE_OVERRULED"]),
            row("b", "rule-1", "05:30", 2, &["RUN_NEAR_BACKUP_WINDOW"]),
        ]
    );
    let of_x = UpcomingFilter {
        resource_arns: Some([named("x", &[]).arn].into()),
        plan_ids: Some(["a".to_owned()].into()),
        ..filter(24)
    };
    assert_eq!(told(&survey, &of_x), [row("a", "rule-0", "05:00", 1, &[])]);
    assert_eq!(told(&survey, &filter(1)), []);
    opt_out(&mut survey);
    assert_eq!(told(&survey, &of_x), [row("a", "rule-0", "05:00", 0, &["RESOURCE_TYPE_OPTED_OUT"])]);
    assert_eq!([UpcomingFilter::hours_of(0), UpcomingFilter::hours_of(168)], [Ok(24), Ok(168)]);
    assert!([-1, 169, i32::MAX].into_iter().all(|hours| UpcomingFilter::hours_of(hours).is_err()));
}

#[test]
fn a_run_for_many_databases_is_told_in_parts() {
    let many = (0..2_500).map(|number| named(&format!("db-{number:04}"), &[GOLD])).collect();
    let survey = survey(many, vec![arranged("nightly", &[DAILY], GOLD)], NOW);
    let filter = UpcomingFilter { hours: 24, plan_ids: None, resource_arns: None };
    let parts = upcoming(&survey, &filter);
    assert_eq!(
        parts.iter().map(|run| (run.part, run.resources.len())).collect::<Vec<_>>(),
        [(0, 1000), (1, 1000), (2, 500)]
    );
    assert!(parts.iter().all(|run| run.resource_count == 2_500));
}

#[test]
fn pages_of_runs_follow_each_other_though_time_goes_on() {
    let plans = || vec![arranged("a", &["cron(0 * ? * * *)"], GOLD), arranged("b", &["cron(0 * ? * * *)"], GOLD)];
    let filter = UpcomingFilter { hours: 6, plan_ids: None, resource_arns: None };
    let (mut told, mut cursor, mut now) = (Vec::new(), None, at(NOW));
    loop {
        let survey = survey(vec![named("x", &[GOLD])], plans(), &now.to_string());
        let upcoming = Upcoming::of(&[survey.outlook()], &filter, cursor.as_ref(), now).unwrap();
        let (page, next) = upcoming.page(5);
        told.extend(page.iter().map(|run| (run.at.to_string(), run.plan.plan.id.clone())));
        let Some(next) = next else { break };
        cursor = Some(next);
        now += jiff::SignedDuration::from_mins(90);
    }
    let all =
        (7..=12).flat_map(|hour| ["a", "b"].map(|plan| (format!("2026-03-02T{hour:02}:00:00Z"), plan.to_owned())));
    assert_eq!(told, all.collect::<Vec<_>>());
    let survey = survey(Vec::new(), Vec::new(), NOW);
    for foreign in ["", "1 2 3", "x 0 0 0 p", "0 0 0 99999999999999999999 p"] {
        let cursor = crate::domain::Cursor::at(foreign);
        assert!(Upcoming::of(&[survey.outlook()], &filter, Some(&cursor), at(NOW)).is_err(), "{foreign}");
    }
}

/// So many databases under fifty plans of four selections, a third of which nothing selects.
fn measure(count: usize) {
    let tiers = (0..50).map(|plan| format!("tier-{plan}")).collect::<Vec<_>>();
    let plans = tiers.iter().map(|tier| {
        let mut plan = arranged(tier, &[DAILY, "cron(0 7 ? * SUN *)"], ("tier", tier));
        let first = Selection::clone(&plan.selections.as_ref().unwrap()[0]);
        let more = (1..4).map(|number| {
            let mut selection = Selection { id: format!("{tier}-{number}"), ..first.clone() };
            selection.criteria.as_mut().unwrap().conditions[0].key = format!("key-{number}");
            Arc::new(selection)
        });
        plan.selections.as_mut().unwrap().extend(more);
        plan
    });
    let began = Instant::now();
    let tags = |number: usize| ("tier", if number.is_multiple_of(3) { "none" } else { tiers[number % 50].as_str() });
    let databases = (0..count).map(|number| named(&format!("db-{number}"), &[tags(number), ("owner", "team")]));
    let survey = survey(databases.collect(), plans.collect(), NOW);
    println!("reckoned after {:?}", began.elapsed());
    let began = Instant::now();
    let history = |_: &str| History::of_jobs(vec![job("2026-03-02T05:00:00Z", JobState::Completed)]);
    let told: Vec<_> = survey.protections(history).map(|(_, told)| told.explanation.coverage.is_empty()).collect();
    println!("{count} databases judged in {:?}", began.elapsed());
    let began = Instant::now();
    let members = survey.members().0.len();
    println!("{members} memberships in {:?}", began.elapsed());
    let began = Instant::now();
    survey.protection_of(&named("db-1", &[]).arn, history("")).unwrap();
    println!("one database judged in {:?}", began.elapsed());
    assert_eq!(told.iter().filter(|uncovered| **uncovered).count(), count.div_ceil(3));
    assert_eq!(members, (count - count.div_ceil(3)) * 2);
}

#[test]
fn many_databases_are_judged_one_by_one() {
    measure(300);
}

#[test]
#[ignore = "measures: cargo test --release --lib ten_thousand -- --ignored --nocapture"]
fn ten_thousand_databases_under_fifty_plans_are_judged() {
    measure(10_000);
}

proptest! {
    /// Whoever keeps only the jobs that matter tells the same as who has them all.
    #[test]
    fn the_jobs_that_matter_are_all_that_is_looked_at(
        ends in proptest::collection::vec((0i64..100, 0usize..5, 0usize..4), 0..20),
    ) {
        let states = [JobState::Completed, JobState::Failed, JobState::Running, JobState::Created, JobState::Expired];
        let jobs = ends.iter().enumerate().map(|(number, (hours, state, rule))| {
            let created = at(NOW) - jiff::SignedDuration::from_hours(*hours);
            let mut job = job(&created.to_string(), states[*state].clone());
            job.id = crate::domain::JobId::parse(&format!("j{number}")).unwrap();
            match (rule, &mut job.created_by) {
                (0, by) => *by = None,
                (1, Some(crate::domain::JobOrigin::Plan(by))) => by.rule_id = "id-of-another".into(),
                _ => {}
            }
            job
        });
        let all = History::of_jobs(jobs.collect());
        let explain = |history: &History| {
            let mut evidence = evidence();
            evidence.jobs = history.jobs.clone();
            evidence.explain()
        };
        let digest = all.clone().digest();
        let (whole, brief) = (explain(&all), explain(&digest));
        prop_assert_eq!((whole.verdict, whole.summary, whole.findings), (brief.verdict, brief.summary, brief.findings));
        prop_assert_eq!((whole.last_job, whole.last_successful_job), (brief.last_job, brief.last_successful_job));
        prop_assert_eq!(all.last_failure(), digest.last_failure());
        prop_assert!(digest.jobs.unwrap().len() <= all.jobs.unwrap().len());
        let _ = Severity::Info;
    }
}
