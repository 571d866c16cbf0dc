//! What every database of the ledger must do: cases that each of them runs, and a model of a page that both are compared with.

mod approvals;
mod coverage;
mod figures;
pub(super) mod incidents;
mod inspection;
mod leases;
mod missed;
mod pages;
mod requests;
pub(super) mod summary;
mod tagged;
mod touched;
mod watching;

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{Happened, Ledger, Reading};
use crate::domain::{
    AccountId, Job, JobId, JobKind, JobOrder, JobOrigin, JobQuery, JobState, KnownJob, Period, PlanOrigin, RegionName,
    ResourceType, Scope,
};

/// Makes a test of each case for one database. `$open` gives a ledger without anything in it, or none where there is no such
/// database.
macro_rules! cases {
    ($open:ident) => {
        $crate::ledger::suite::cases! {
            $open:
            what_is_learnt_is_found_by_its_id,
            what_is_no_news_is_no_event,
            events_are_told_in_their_order_and_once,
            jobs_of_one_instant_are_all_kept,
            a_job_whose_creation_is_learnt_late_moves_to_its_place,
            pages_are_what_a_model_says,
            pages_go_on_where_they_ended_while_jobs_come,
            many_subjects_are_merged,
            what_has_an_index_of_its_own_fills_its_pages,
            what_is_old_is_forgotten_and_said_to_be,
            how_far_a_place_was_read_is_kept,
            jobs_that_have_not_ended_are_found,
            watchers_are_told_of_all_that_fits_once_and_in_order,
            a_watcher_that_is_too_far_behind_is_told_so,
            a_role_has_one_holder_until_it_is_released,
            a_lease_ends_by_the_clock_of_the_database,
            a_lease_that_ended_is_held_on_where_nobody_wants_it,
            a_holder_that_was_asleep_writes_nothing_more,
            a_lease_is_not_taken_over_amid_what_its_holder_writes,
            a_request_is_noted_once,
            what_requests_made_is_forgotten_with_the_jobs,
            what_fails_is_one_incident_until_a_later_one_does_not,
            what_completes_with_issues_ends_failures_and_is_an_incident_of_its_own,
            whatever_the_order_the_same_is_open,
            somebody_looks_after_an_incident,
            a_point_that_goes_before_its_time_is_an_incident,
            a_retention_that_is_shortened_is_an_incident_until_it_is_not,
            a_vault_that_is_guarded_less_is_an_incident_until_it_is_as_before,
            incidents_are_forgotten_when_they_are_old,
            what_is_counted_is_what_a_model_counts,
            a_job_that_changes_moves_to_another_cell,
            a_page_for_which_much_is_looked_at_is_short_and_goes_on,
            what_becomes_anothers_moves_a_few_at_a_time,
            what_was_changed_is_taken_over_once,
            vaults_and_plans_are_known_by_arn_and_name_with_their_tags,
            an_approval_is_decided_once_and_used_once,
            approvals_are_listed_by_pages_and_forgotten_when_they_are_old,
            a_look_is_kept_whole_and_what_it_saw_no_more_is_gone,
            pages_of_protection_are_what_a_model_says,
            a_list_of_protection_goes_on_while_it_is_judged_again,
            a_missed_run_is_told_once_and_withdrawn_when_its_job_turns_up,
            missed_runs_are_incidents_until_a_later_backup_completes,
            memberships_go_on_from_look_to_look,
            a_history_has_the_jobs_that_verdicts_hang_on,
            what_is_measured_of_databases_is_what_is_kept_of_them,
            runs_that_were_missed_since_the_last_backup_are_measured,
            incidents_are_counted_by_cause_until_they_are_closed,
            a_whole_ledger_has_no_faults,
            every_fault_is_told_with_where_it_is_and_a_rebuild_ends_it,
            everything_is_exported_once,
            a_rebuild_forgets_what_aws_tells_and_keeps_the_rest,
            a_ledger_is_not_rebuilt_under_a_server,
        }
    };
    ($open:ident: $($case:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $case() {
                if let Some(ledger) = $open().await {
                    $crate::ledger::suite::$case(&ledger).await;
                }
            }
        )+
    };
}
pub(super) use approvals::{
    an_approval_is_decided_once_and_used_once, approvals_are_listed_by_pages_and_forgotten_when_they_are_old,
};
pub(super) use cases;
pub(super) use coverage::{
    a_history_has_the_jobs_that_verdicts_hang_on, a_list_of_protection_goes_on_while_it_is_judged_again,
    a_look_is_kept_whole_and_what_it_saw_no_more_is_gone, memberships_go_on_from_look_to_look,
    pages_of_protection_are_what_a_model_says,
};
pub(super) use figures::{
    incidents_are_counted_by_cause_until_they_are_closed, runs_that_were_missed_since_the_last_backup_are_measured,
    what_is_measured_of_databases_is_what_is_kept_of_them,
};
pub(super) use incidents::{
    a_point_that_goes_before_its_time_is_an_incident, a_retention_that_is_shortened_is_an_incident_until_it_is_not,
    a_vault_that_is_guarded_less_is_an_incident_until_it_is_as_before, incidents_are_forgotten_when_they_are_old,
    somebody_looks_after_an_incident, what_completes_with_issues_ends_failures_and_is_an_incident_of_its_own,
    what_fails_is_one_incident_until_a_later_one_does_not, whatever_the_order_the_same_is_open,
};
pub(super) use inspection::{
    a_ledger_is_not_rebuilt_under_a_server, a_ledger_is_seen_as_it_was,
    a_rebuild_forgets_what_aws_tells_and_keeps_the_rest, a_whole_ledger_has_no_faults,
    every_fault_is_told_with_where_it_is_and_a_rebuild_ends_it, everything_is_exported_once,
};
pub(super) use leases::{
    a_holder_that_was_asleep_writes_nothing_more, a_lease_ends_by_the_clock_of_the_database,
    a_lease_is_not_taken_over_amid_what_its_holder_writes, a_lease_that_ended_is_held_on_where_nobody_wants_it,
    a_role_has_one_holder_until_it_is_released,
};
pub(super) use missed::{
    a_missed_run_is_told_once_and_withdrawn_when_its_job_turns_up,
    missed_runs_are_incidents_until_a_later_backup_completes,
};
pub(super) use pages::{many_subjects_are_merged, what_has_an_index_of_its_own_fills_its_pages};
pub(super) use requests::{a_request_is_noted_once, what_requests_made_is_forgotten_with_the_jobs};
pub(super) use summary::{
    a_job_that_changes_moves_to_another_cell, a_page_for_which_much_is_looked_at_is_short_and_goes_on,
    what_becomes_anothers_moves_a_few_at_a_time, what_is_counted_is_what_a_model_counts,
};
pub(super) use tagged::vaults_and_plans_are_known_by_arn_and_name_with_their_tags;
pub(super) use touched::what_was_changed_is_taken_over_once;
pub(super) use watching::{
    a_watcher_that_is_too_far_behind_is_told_so, watchers_are_told_of_all_that_fits_once_and_in_order,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn scope(region: &str) -> Scope {
    Scope { account: AccountId::example(), region: RegionName::parse(region).unwrap() }
}

fn job(id: &str, created: i64) -> Job {
    Job {
        state: JobState::Running,
        created_at: Some(at(created)),
        ..Job::blank(JobId::told(id).unwrap(), JobKind::Backup, scope("us-east-1"))
    }
}

pub(super) fn telling(id: &str, created: i64) -> (Job, Timestamp) {
    (job(id, created), at(created))
}

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.id.as_str()).collect()
}

/// Every page of a query.
async fn all(ledger: &Ledger, query: &JobQuery, order: JobOrder, size: usize) -> Vec<Job> {
    let (mut jobs, mut after) = (Vec::new(), None);
    loop {
        let page = ledger.list_jobs(query, order, size, after).await.unwrap();
        assert!(page.jobs.len() <= size);
        jobs.extend(page.jobs);
        after = match page.next {
            Some(next) => Some(super::JobPosition::parse(&next.to_string()).unwrap()),
            None => return jobs,
        };
    }
}

pub(super) async fn what_is_learnt_is_found_by_its_id(ledger: &Ledger) {
    let lasting = Job {
        status_message: Some("it isn't \"quoted\"; ½".into()),
        bytes_transferred: Some(i64::MAX),
        percent_done: Some(12.5),
        created_by: Some(JobOrigin::Plan(PlanOrigin {
            plan_id: "p".into(),
            plan_name: "Plan".into(),
            ..PlanOrigin::default()
        })),
        ..job("a", 1)
    };
    assert_eq!(ledger.learn(vec![(lasting.clone(), at(1))]).await.unwrap(), 1);
    assert_eq!(ledger.job(&lasting.id).await.unwrap(), Some(lasting));
    assert_eq!(ledger.job(&JobId::told("b").unwrap()).await.unwrap(), None);
}

pub(super) async fn what_is_no_news_is_no_event(ledger: &Ledger) {
    assert_eq!(ledger.learn(vec![telling("a", 1), telling("a", 1)]).await.unwrap(), 1);
    // The same, known to be so later too.
    assert_eq!(ledger.learn(vec![(job("a", 1), at(5))]).await.unwrap(), 0);
    assert_eq!(ledger.learn(vec![telling("a", 1)]).await.unwrap(), 0);
    assert_eq!(ledger.head().await.unwrap().seq, 1);
    assert_eq!(ledger.learn(Vec::new()).await.unwrap(), 0);
}

pub(super) async fn events_are_told_in_their_order_and_once(ledger: &Ledger) {
    let many: Vec<_> = (0..1_203).map(|index| telling(&format!("job-{index}"), index / 7)).collect();
    assert_eq!(ledger.learn(many).await.unwrap(), 1_203);
    let done = Job { state: JobState::Completed, completed_at: Some(at(9)), ..job("job-3", 0) };
    ledger.learn(vec![(done.clone(), at(9))]).await.unwrap();
    let mut events = Vec::new();
    loop {
        let some = ledger.events(i64::try_from(events.len()).unwrap(), 500).await.unwrap();
        if some.is_empty() {
            break;
        }
        events.extend(some);
    }
    let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=1_204).collect::<Vec<i64>>());
    let last = events.last().map(|event| event.what.clone());
    assert_eq!(last, Some(Happened::Job(Box::new(done))));
    // An event tells the job as it was then.
    let first = events.iter().find_map(|event| match &event.what {
        Happened::Job(job) if job.id.as_str() == "job-3" => Some(job.state.clone()),
        _ => None,
    });
    assert_eq!(first, Some(JobState::Running));
    assert_eq!(*ledger.bell().borrow(), 1_204);
}

pub(super) async fn jobs_of_one_instant_are_all_kept(ledger: &Ledger) {
    // So many that their keys meet.
    let many: Vec<_> = (0..6_000).map(|index| telling(&format!("job-{index}"), 0)).collect();
    ledger.learn(many).await.unwrap();
    for order in [JobOrder::Newest, JobOrder::Oldest] {
        let jobs = all(ledger, &JobQuery::default(), order, 1_000).await;
        let mut told = ids(&jobs);
        told.sort_unstable();
        told.dedup();
        assert_eq!((jobs.len(), told.len()), (6_000, 6_000));
    }
}

pub(super) async fn a_job_whose_creation_is_learnt_late_moves_to_its_place(ledger: &Ledger) {
    let sparse = Job { created_at: None, ..job("a", 0) };
    ledger.learn(vec![(sparse, at(500)), telling("b", 100)]).await.unwrap();
    assert_eq!(ids(&all(ledger, &JobQuery::default(), JobOrder::Newest, 10).await), ["a", "b"]);
    ledger.learn(vec![(job("a", 7), at(501))]).await.unwrap();
    assert_eq!(ids(&all(ledger, &JobQuery::default(), JobOrder::Newest, 10).await), ["b", "a"]);
}

fn word(words: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn arn(name: &str) -> Option<String> {
    Some(format!("arn:aws:rds:us-east-1:123456789012:db:{name}"))
}

/// Jobs of few different things, so that filters find some.
fn some_job() -> impl Strategy<Value = Job> {
    use JobState as S;
    let states = prop::sample::select(vec![S::Created, S::Running, S::Completed, S::Completed, S::Failed, S::Expired]);
    let what = (0u32..400, prop::sample::select(JobKind::ALL.to_vec()), states, word(&["us-east-1", "eu-west-1"]));
    let about = (word(&["a", "b", "c"]), word(&["RDS", "Aurora"]), word(&["v1", "v2"]), word(&["p1", "p2", ""]));
    let rest = (0i64..50, 0i64..50, word(&["", "No Access to it", "quota"]), word(&["", "AccessDenied"]), 0u32..4);
    (what, about, rest).prop_map(|((id, kind, state, region), (resource, of, vault, plan), rest)| {
        let (created, took, message, category, point) = rest;
        let is_final = state.is_final();
        let by = PlanOrigin { plan_id: plan.clone(), rule_id: format!("rule-of-{plan}"), ..PlanOrigin::default() };
        Job {
            state,
            resource_arn: arn(&resource),
            resource_type: ResourceType::told(of),
            vault_arn: Some(vault.clone()),
            destination_vault_arn: (kind == JobKind::Copy).then(|| format!("to-{vault}")),
            created_by: (!plan.is_empty()).then_some(JobOrigin::Plan(by)),
            created_at: Some(at(created)),
            completed_at: is_final.then(|| at(created + took)),
            status_message: Some(message).filter(|text| !text.is_empty()),
            message_category: Some(category).filter(|text| !text.is_empty()),
            recovery_point_arn: Some(format!("point-{point}")),
            parent_job_id: (point == 0).then(|| JobId::told("parent").unwrap()),
            // One id is one kind of job in one place.
            ..Job::blank(JobId::told(format!("{id}-{kind}-{region}")).unwrap(), kind, scope(&region))
        }
    })
}

fn some_query() -> impl Strategy<Value = JobQuery> {
    use JobState as S;
    let few = |words: &[&'static str]| prop::collection::vec(word(words), 0..3);
    let perhaps = |words: &[&'static str]| prop::option::weighted(0.2, word(words));
    let states =
        prop::collection::vec(prop::sample::select(vec![S::Running, S::Completed, S::Failed, S::Expired]), 0..3);
    let what = (
        few(&["us-east-1", "eu-west-1"]),
        prop::collection::vec(prop::sample::select(JobKind::ALL.to_vec()), 0..2),
        states,
    );
    let about = (
        few(&["a", "b", "x"]),
        few(&["RDS", "Aurora"]),
        few(&["v1", "v2"]),
        few(&["to-v1"]),
        perhaps(&["p1"]),
        perhaps(&["rule-of-p2"]),
    );
    let span = || (prop::option::weighted(0.2, 0i64..60), prop::option::weighted(0.2, 30i64..90));
    let rest = (perhaps(&["accessdenied"]), perhaps(&["ACCESS", "quo"]), perhaps(&["point-1"]), perhaps(&["parent"]));
    (what, about, span(), span(), rest).prop_map(|(what, about, created, completed, rest)| {
        let period =
            |(after, before): (Option<i64>, Option<i64>)| Period { after: after.map(at), before: before.map(at) };
        JobQuery {
            scopes: what.0.iter().map(|region| scope(region)).collect(),
            kinds: what.1,
            states: what.2,
            resources: about.0.iter().filter_map(|name| arn(name)).collect(),
            resource_types: about.1,
            vaults: about.2,
            destinations: about.3,
            plan: about.4,
            rule: about.5,
            created: period(created),
            completed: period(completed),
            category: rest.0,
            text: rest.1,
            source_recovery_point: rest.2,
            parent: rest.3.and_then(JobId::told),
        }
    })
}

/// A page is compared with a list in memory, of what the rules of the domain say that is known and fits.
pub(super) async fn pages_are_what_a_model_says(ledger: &Ledger) {
    let strategy = (
        prop::collection::vec((some_job(), 0i64..200), 1..60),
        prop::collection::vec((some_query(), prop::sample::select(JobOrder::ALL.to_vec()), 1usize..40), 12),
    );
    let mut model: BTreeMap<JobId, KnownJob> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    // One ledger that grows: each step adds to it, and asks it much.
    for _ in 0..24 {
        let (tellings, questions) = strategy.new_tree(&mut runner).unwrap().current();
        let tellings: Vec<(Job, Timestamp)> = tellings.into_iter().map(|(job, second)| (job, at(second))).collect();
        for (job, at) in tellings.clone() {
            let known = KnownJob::told(job.clone(), at);
            match model.get_mut(&job.id) {
                Some(so_far) => _ = so_far.learn(known),
                None => _ = model.insert(job.id.clone(), known),
            }
        }
        ledger.learn(tellings).await.unwrap();
        for (query, order, size) in questions {
            let told = all(ledger, &query, order, size).await;
            let mut expected: Vec<Job> = model.values().map(KnownJob::job).filter(|job| query.fits(job)).collect();
            expected.retain(|job| order != JobOrder::LastEnded || job.completed_at.is_some());
            let place = |job: &Job| match order {
                JobOrder::Newest => job.created_at.map(|at| -at.as_millisecond()),
                JobOrder::Oldest => job.created_at.map(Timestamp::as_millisecond),
                JobOrder::LastEnded => job.completed_at.map(|at| -at.as_millisecond()),
            };
            assert!(told.is_sorted_by_key(place), "{query:?} {order:?}");
            let by_id = |mut jobs: Vec<Job>| {
                jobs.sort_by(|one, other| one.id.cmp(&other.id));
                jobs
            };
            assert_eq!(by_id(told), by_id(expected), "{query:?} {order:?} {size}");
        }
    }
}

pub(super) async fn pages_go_on_where_they_ended_while_jobs_come(ledger: &Ledger) {
    ledger.learn((0..50).map(|index| telling(&format!("old-{index}"), index)).collect()).await.unwrap();
    let query = JobQuery::default();
    let first = ledger.list_jobs(&query, JobOrder::Newest, 20, None).await.unwrap();
    ledger.learn((0..50).map(|index| telling(&format!("new-{index}"), 100 + index)).collect()).await.unwrap();
    let done = Job { state: JobState::Completed, ..job("old-20", 20) };
    ledger.learn(vec![(done, at(500))]).await.unwrap();
    let second = ledger.list_jobs(&query, JobOrder::Newest, 100, first.next).await.unwrap();
    let told = [ids(&first.jobs), ids(&second.jobs)].concat();
    let expected: Vec<String> = (0..50).rev().map(|index| format!("old-{index}")).collect();
    assert_eq!(told, expected);
    assert_eq!(second.next, None);
}

pub(super) async fn what_is_old_is_forgotten_and_said_to_be(ledger: &Ledger) {
    ledger.learn((0..30).map(|index| telling(&format!("job-{index}"), index)).collect()).await.unwrap();
    assert!(!ledger.forget_events(at(10)).await.unwrap());
    let head = ledger.head().await.unwrap();
    assert_eq!((head.seq, head.compacted), (30, 10));
    assert_eq!(ledger.events(0, 100).await.unwrap().first().unwrap().seq, 11);
    assert!(!ledger.forget_jobs(at(20)).await.unwrap());
    assert_eq!(all(ledger, &JobQuery::default(), JobOrder::Newest, 100).await.len(), 10);
    // Nothing is left to forget, and positions go on.
    assert!(!ledger.forget_events(at(10)).await.unwrap());
    ledger.learn(vec![telling("new", 50)]).await.unwrap();
    assert_eq!(ledger.head().await.unwrap().seq, 31);
}

pub(super) async fn how_far_a_place_was_read_is_kept(ledger: &Ledger) {
    let reading = Reading { scope: scope("eu-west-1"), history_start: Some(at(1)), as_of: None, filled: false };
    ledger.note_reading(&reading).await.unwrap();
    assert_eq!(ledger.readings().await.unwrap(), std::slice::from_ref(&reading));
    let further = Reading { as_of: Some(at(7)), filled: true, ..reading };
    ledger.note_reading(&further).await.unwrap();
    assert_eq!(ledger.readings().await.unwrap(), [further]);
}

pub(super) async fn jobs_that_have_not_ended_are_found(ledger: &Ledger) {
    let ended = Job { state: JobState::Failed, ..job("ended", 0) };
    let strange = Job { state: JobState::Unknown("NEW".into()), ..job("strange", 1) };
    let elsewhere = Job { scope: scope("eu-west-1"), ..job("elsewhere", 2) };
    let copy = Job { kind: JobKind::Copy, ..job("copy", 3) };
    let tellings = [ended, strange, elsewhere, copy, job("runs", 4)].map(|job| (job, at(9)));
    ledger.learn(tellings.to_vec()).await.unwrap();
    let found = ledger.unended_jobs(&scope("us-east-1"), JobKind::Backup, 10).await.unwrap();
    assert_eq!(ids(&found), ["strange", "runs"]);
}
