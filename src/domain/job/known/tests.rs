use proptest::{option, prelude::*};

use super::*;
use crate::domain::{AccountId, RegionName, Retention};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn blank() -> Job {
    let scope = Scope { account: AccountId::example(), region: RegionName::example() };
    Job::blank(JobId::told("job-1").unwrap(), JobKind::Backup, scope)
}

fn state() -> impl Strategy<Value = JobState> {
    use JobState as S;
    let words = [
        S::Unknown(String::new()),
        S::Unknown("COMPLETING".to_owned()),
        S::Created,
        S::Pending,
        S::Running,
        S::Aborting,
        S::Aborted,
        S::Completed,
        S::Failed,
    ];
    prop::sample::select(words.to_vec())
}

fn text() -> impl Strategy<Value = Option<String>> {
    option::of("[a-c]{1,2}")
}

fn time() -> impl Strategy<Value = Option<Timestamp>> {
    option::of((0i64..5).prop_map(at))
}

fn after() -> impl Strategy<Value = Option<AfterRestore>> {
    let words = prop::sample::select(vec!["VALIDATING", "SUCCESSFUL", "FAILED", ""]);
    option::of((words, text()).prop_map(|(word, message)| AfterRestore { word: word.to_owned(), message }))
}

fn origin() -> impl Strategy<Value = Option<JobOrigin>> {
    let plan = ("[ab]?", "[ab]?", "[ab]?").prop_map(|(plan_id, plan_name, rule_id)| {
        JobOrigin::Plan(PlanOrigin { plan_id, plan_name, rule_id, ..PlanOrigin::default() })
    });
    let testing = "[ab]".prop_map(|plan_arn| JobOrigin::RestoreTesting { plan_arn });
    option::of(prop_oneof![4 => plan, 1 => testing])
}

/// One telling: of a job that has few different values, so that they meet.
pub(crate) fn telling() -> impl Strategy<Value = (Job, Timestamp)> {
    let changing = (state(), text(), text(), option::of(0u8..3), option::of(0i64..3), time());
    let lasting = (text(), text(), time(), time(), option::of(1u16..3), option::of(0i64..2));
    (changing, lasting, origin(), after(), after(), 0i64..4).prop_map(
        |((state, message, category, percent, bytes, expected), lasting, created_by, validation, deletion, second)| {
            let (resource, point, created_at, completed_at, days, size) = lasting;
            let job = Job {
                state,
                status_message: message,
                message_category: category,
                percent_done: percent.map(f64::from),
                bytes_transferred: bytes,
                expected_completion_at: expected,
                resource_arn: resource,
                recovery_point_arn: point,
                created_at,
                completed_at,
                lifecycle: days.map(|days| Lifecycle::kept(Retention::Days(days))),
                backup_size_bytes: size,
                created_by,
                validation,
                deletion,
                ..blank()
            };
            (job, at(second))
        },
    )
}

fn known(tellings: &[(Job, Timestamp)]) -> KnownJob {
    let mut all = tellings.iter().map(|(job, at)| KnownJob::told(job.clone(), *at));
    let mut known = all.next().unwrap();
    for other in all {
        known.learn(other);
    }
    known
}

proptest! {
    #[test]
    fn any_order_of_the_same_tellings_ends_the_same(
        (tellings, shuffled) in prop::collection::vec(telling(), 1..7)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        prop_assert_eq!(known(&tellings), known(&shuffled));
    }

    #[test]
    fn what_is_told_twice_is_no_news(tellings in prop::collection::vec(telling(), 1..7)) {
        let mut once = known(&tellings);
        for (job, at) in tellings {
            prop_assert!(!once.learn(KnownJob::told(job, at)));
        }
    }

    #[test]
    fn parts_of_the_whole_may_be_joined_apart(
        left in prop::collection::vec(telling(), 1..5),
        right in prop::collection::vec(telling(), 1..5),
    ) {
        let mut joined = known(&left);
        joined.learn(known(&right));
        prop_assert_eq!(joined, known(&[left, right].concat()));
    }

    #[test]
    fn a_job_survives_its_parts(tellings in prop::collection::vec(telling(), 1..5)) {
        let known = known(&tellings);
        // A plan without a name of its own is one that nobody told of.
        prop_assert_eq!(KnownJob::of_parts(known.parts()), Some(known));
    }

    #[test]
    fn texts_of_anything_are_a_job_or_none(common in "\\PC{0,40}", own in "\\PC{0,40}|\\{\"s\":\\[\\PC{0,20}\\]\\}") {
        let subject = known(&[(blank(), at(0))]).subject();
        let _ = KnownJob::of_parts(JobParts { id: JobId::told("j").unwrap(), subject, common, own });
    }
}

#[test]
fn a_lists_blank_never_takes_away_what_a_description_said() {
    let described = Job { role_arn: Some("role".into()), state: JobState::Running, ..blank() };
    let listed = Job { state: JobState::Running, ..blank() };
    let known = known(&[(described, at(0)), (listed, at(9))]);
    assert_eq!(known.job().role_arn.as_deref(), Some("role"));
}

#[test]
fn a_late_event_of_an_earlier_state_changes_nothing() {
    let done = Job { state: JobState::Completed, percent_done: Some(100.0), ..blank() };
    let running = Job { state: JobState::Running, percent_done: Some(40.0), ..blank() };
    let known = known(&[(done, at(5)), (running, at(9))]);
    assert_eq!((known.job().state, known.job().percent_done), (JobState::Completed, Some(100.0)));
}

#[test]
fn why_a_job_did_not_begin_is_not_told_of_its_end() {
    let waiting = Job { state: JobState::Created, status_message: Some("no capacity".into()), ..blank() };
    let done = Job { state: JobState::Completed, ..blank() };
    let known = known(&[(waiting, at(0)), (done, at(1))]);
    assert!(!known.job().completed_with_issues());
}

#[test]
fn what_became_of_what_a_restore_made_goes_on_after_its_end() {
    let after = |word: &str| Some(AfterRestore { word: word.into(), message: None });
    let job = |validation, deletion| Job { state: JobState::Completed, validation, deletion, ..blank() };
    let tellings = [(job(after("SUCCESSFUL"), None), at(2)), (job(after("VALIDATING"), after("DELETING")), at(1))];
    let job = known(&tellings).job();
    assert_eq!((job.validation, job.deletion), (after("SUCCESSFUL"), after("DELETING")));
}
