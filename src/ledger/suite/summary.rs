//! Jobs that are counted: whatever was told in whatever order, the counts are those of the jobs that are there.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{Timestamp, tz::TimeZone};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{
    super::{GroupPosition, Keeping, Ledger, jobs, store::Sql},
    arn, at, job, some_job, some_query,
};
use crate::domain::{
    Job, JobCounts, JobDimension, JobGroup, JobId, JobKind, JobOrder, JobQuery, JobState, KnownJob, Period,
};

/// Every group of a question.
async fn all(ledger: &Ledger, query: &JobQuery, by: &[JobDimension], size: usize) -> Vec<JobGroup> {
    let (mut groups, mut after) = (Vec::new(), None);
    loop {
        let page = ledger.summarize(query, by, size, after).await.unwrap();
        assert!(page.groups.len() <= size);
        groups.extend(page.groups);
        after = match page.next {
            Some(next) => Some(GroupPosition::parse(&next.to_string()).unwrap()),
            None => return groups,
        };
    }
}

/// What keeps groups apart, in their order.
type Place = (Vec<String>, Option<u8>, Reverse<Option<jiff::civil::Date>>, Option<JobState>);

fn place_of(job: &Job, by: &[JobDimension]) -> Place {
    let plan = job.plan_origin();
    let values = by.iter().filter_map(|dimension| match dimension {
        JobDimension::Resource => Some(job.resource_arn.clone().unwrap_or_default()),
        JobDimension::Vault => Some(job.vault_arn.clone().unwrap_or_default()),
        JobDimension::Plan => Some(plan.map(|plan| plan.plan_id.clone()).unwrap_or_default()),
        JobDimension::Rule => Some(plan.map(|plan| plan.rule_id.clone()).unwrap_or_default()),
        JobDimension::ResourceType => Some(job.resource_type.clone().map(String::from).unwrap_or_default()),
        JobDimension::Account => Some(job.scope.account.as_str().to_owned()),
        JobDimension::Region => Some(job.scope.region.as_str().to_owned()),
        JobDimension::Kind | JobDimension::Day | JobDimension::State => None,
    });
    let by = |dimension| by.contains(&dimension);
    let day = job.created_at.map(|at| at.to_zoned(TimeZone::UTC).date()).filter(|_| by(JobDimension::Day));
    let kind = JobKind::ALL.into_iter().zip(0u8..).find(|(kind, _)| *kind == job.kind).map(|(_, number)| number);
    let state = by(JobDimension::State).then(|| job.state.clone());
    (values.collect(), kind.filter(|_| by(JobDimension::Kind)), Reverse(day), state)
}

fn counts(jobs: &[&Job]) -> JobCounts {
    let in_state = |state: JobState| i64::try_from(jobs.iter().filter(|job| job.state == state).count()).unwrap();
    let took = |job: &&Job| {
        let took = job.completed_at?.as_millisecond() - job.created_at?.as_millisecond();
        (took >= 0 && job.state.is_final()).then_some(took / 1000)
    };
    let took: Vec<i64> = jobs.iter().filter_map(took).collect();
    JobCounts {
        under_way: i64::try_from(jobs.iter().filter(|job| !job.state.is_final()).count()).unwrap(),
        completed: in_state(JobState::Completed),
        with_issues: i64::try_from(jobs.iter().filter(|job| job.completed_with_issues()).count()).unwrap(),
        partial: in_state(JobState::Partial),
        failed: in_state(JobState::Failed),
        expired: in_state(JobState::Expired),
        aborted: in_state(JobState::Aborted),
        bytes: jobs.iter().filter_map(|job| job.bytes_transferred).sum(),
        timed: i64::try_from(took.len()).unwrap(),
        seconds: took.iter().sum(),
    }
}

/// `to_the_job`: of the day of the last job that ended otherwise, those after it are counted too.
fn streak(jobs: &[&Job], to_the_job: bool) -> i64 {
    let mut ended: Vec<&&Job> = jobs.iter().filter(|job| job.state.is_final()).collect();
    ended.sort_by_key(|job| Reverse(jobs::key(job.created_at.unwrap(), &job.id)));
    let is_success = |job: &&&&Job| job.state == JobState::Completed;
    let day = |job: &Job| job.created_at.unwrap().to_zoned(TimeZone::UTC).date();
    let setback = ended.iter().find(|job| !is_success(job)).map(|job| day(job));
    let after = ended.iter().take_while(is_success).filter(|job| to_the_job || Some(day(job)) != setback);
    i64::try_from(after.count()).unwrap()
}

/// What the ledger must tell.
fn model(
    jobs: &BTreeMap<JobId, KnownJob>,
    query: &JobQuery,
    by: &[JobDimension],
) -> Vec<(Place, JobCounts, Option<i64>)> {
    let jobs: Vec<Job> = jobs.values().map(KnownJob::job).filter(|job| query.fits(job)).collect();
    let mut groups: BTreeMap<Place, Vec<&Job>> = BTreeMap::new();
    for job in &jobs {
        groups.entry(place_of(job, by)).or_default().push(job);
    }
    if by.is_empty() {
        groups.entry((Vec::new(), None, Reverse(None), None)).or_default();
    }
    let has_streaks = query.states.is_empty() && !by.contains(&JobDimension::Day) && !by.contains(&JobDimension::State);
    let to_the_job = by.contains(&JobDimension::Resource) || !query.resources.is_empty();
    let told =
        |(place, jobs): (Place, Vec<&Job>)| (place, counts(&jobs), has_streaks.then(|| streak(&jobs, to_the_job)));
    groups.into_iter().map(told).collect()
}

fn told(groups: Vec<JobGroup>) -> Vec<(Place, JobCounts, Option<i64>)> {
    let kind = |kind| JobKind::ALL.into_iter().zip(0u8..).find(|(one, _)| *one == kind).map(|(_, number)| number);
    let told = |group: JobGroup| {
        let values = group.values.into_iter().map(|(_, value)| value).collect();
        let place = (values, group.kind.and_then(kind), Reverse(group.day), group.state);
        (place, group.counts, group.consecutive_successes)
    };
    groups.into_iter().map(told).collect()
}

/// Over some months, some of them of no bytes, and some that take long.
fn some_job_of_some_day() -> impl Strategy<Value = Job> {
    let day =
        |at: Timestamp| Timestamp::from_second(1_700_000_000 + (at.as_second() - 1_700_000_000) * 70_000).unwrap();
    (some_job(), prop::option::of(0i64..1_000_000), 0i64..100_000).prop_map(move |(job, bytes, took)| Job {
        bytes_transferred: bytes,
        created_at: job.created_at.map(day),
        completed_at: job.completed_at.map(|at| day(at).checked_add(jiff::SignedDuration::from_secs(took)).unwrap()),
        ..job
    })
}

/// What can be counted of what can be listed.
fn some_question() -> impl Strategy<Value = (JobQuery, Vec<JobDimension>, usize)> {
    let by = prop::collection::btree_set(prop::sample::select(JobDimension::ALL.to_vec()), 0..3);
    let day = |days: i64| {
        let start = Timestamp::from_second(1_700_000_000 / 86_400 * 86_400).unwrap();
        start.checked_add(jiff::SignedDuration::from_hours(24 * days)).unwrap()
    };
    let span = (prop::option::weighted(0.3, -2i64..30), prop::option::weighted(0.3, 10i64..50));
    (some_query(), by, 1usize..40, span).prop_map(move |(query, by, size, (after, before))| {
        let created = Period { after: after.map(day), before: before.map(day) };
        let query = JobQuery {
            created,
            completed: Period::default(),
            category: None,
            parent: None,
            source_recovery_point: None,
            text: None,
            ..query
        };
        (query, by.into_iter().collect(), size)
    })
}

/// After each step: whatever is asked, the answer is that of a list in memory.
pub(in crate::ledger) async fn what_is_counted_is_what_a_model_counts(ledger: &Ledger) {
    let strategy = (
        prop::collection::vec((some_job_of_some_day(), 0i64..200), 1..60),
        prop::collection::vec(some_question(), 25),
        0i64..20,
    );
    let mut jobs: BTreeMap<JobId, KnownJob> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    for step in 0..24 {
        let (tellings, questions, forgotten) = strategy.new_tree(&mut runner).unwrap().current();
        let tellings: Vec<(Job, Timestamp)> = tellings.into_iter().map(|(job, second)| (job, at(second))).collect();
        for (job, at) in tellings.clone() {
            let known = KnownJob::told(job.clone(), at);
            match jobs.get_mut(&job.id) {
                Some(so_far) => _ = so_far.learn(known),
                None => _ = jobs.insert(job.id.clone(), known),
            }
        }
        ledger.learn(tellings).await.unwrap();
        if step % 5 == 4 {
            let before = at(forgotten * 70_000 + 5);
            ledger.forget_jobs(before).await.unwrap();
            jobs.retain(|_, known| known.job().created_at.unwrap() >= before);
        }
        for (query, by, size) in questions {
            let expected = model(&jobs, &query, &by);
            assert_eq!(told(all(ledger, &query, &by, size).await), expected, "{query:?} {by:?} {size}");
        }
    }
    // Nothing is left of what was forgotten.
    ledger.forget_jobs(Timestamp::MAX).await.unwrap();
    let mut cells = ledger.store().await.unwrap().rows("SELECT count(*) FROM cell", Vec::new()).await.unwrap();
    assert_eq!(cells.remove(0).int(0).unwrap(), 0);
}

pub(in crate::ledger) async fn a_job_that_changes_moves_to_another_cell(ledger: &Ledger) {
    // All together is a group of none, too.
    let none = all(ledger, &JobQuery::default(), &[], 10).await;
    assert_eq!((none.len(), none[0].counts.jobs(), none[0].consecutive_successes), (1, 0, Some(0)));
    let later = Period { after: Some(at(1_000_000)), before: None };
    let later = JobQuery { created: later, ..JobQuery::default() };
    assert_eq!(all(ledger, &later, &[], 10).await, none);
    assert_eq!(all(ledger, &later, &[JobDimension::Day], 10).await, []);
    let by = [JobDimension::Resource, JobDimension::Day];
    let group = async |expected: &[(&str, &str, i64, i64)]| {
        let told = all(ledger, &JobQuery::default(), &by, 10).await;
        let told: Vec<(String, String, i64, i64)> = told
            .into_iter()
            .map(|group| {
                let (resource, day) = (group.values[0].1.clone(), group.day.unwrap().to_string());
                (resource, day, group.counts.under_way, group.counts.completed)
            })
            .collect();
        let expected: Vec<(String, String, i64, i64)> = expected
            .iter()
            .map(|(name, day, under_way, completed)| {
                let resource = if name.is_empty() { String::new() } else { arn(name).unwrap() };
                (resource, (*day).to_owned(), *under_way, *completed)
            })
            .collect();
        assert_eq!(told, expected);
    };
    // Neither what it is about is known, nor when it was created.
    let sparse = Job { created_at: None, ..job("a", 0) };
    ledger.learn(vec![(sparse, at(3 * 86_400))]).await.unwrap();
    group(&[("", "2023-11-17", 1, 0)]).await;
    ledger.learn(vec![(Job { resource_arn: arn("db"), ..job("a", 0) }, at(86_401))]).await.unwrap();
    group(&[("db", "2023-11-14", 1, 0)]).await;
    let done = Job { state: JobState::Completed, completed_at: Some(at(60)), ..job("a", 0) };
    ledger.learn(vec![(done.clone(), at(90))]).await.unwrap();
    group(&[("db", "2023-11-14", 0, 1)]).await;
    // A job that transfers what nothing has room for stops nobody.
    let strange = |id| Job { bytes_transferred: Some(i64::MAX), ..job(id, 1) };
    ledger.learn(vec![(strange("b"), at(2)), (strange("c"), at(2))]).await.unwrap();
    let told = all(ledger, &JobQuery::default(), &[], 10).await;
    assert_eq!((told[0].counts.jobs(), told[0].counts.bytes), (3, 2 << 52));
}

pub(in crate::ledger) async fn a_page_for_which_much_is_looked_at_is_short_and_goes_on(ledger: &Ledger) {
    let names: Vec<String> = (0..1_300).map(|index| format!("db-{index}")).collect();
    let tellings = names.iter().zip(0i64..).map(|(name, index)| {
        let id = format!("job-{index}");
        (Job { resource_arn: arn(name), ..job(&id, index % 211 * 86_400) }, at(index))
    });
    let tellings: Vec<(Job, Timestamp)> = tellings.collect();
    ledger.learn(tellings.clone()).await.unwrap();
    let known = |(job, at): (Job, Timestamp)| (job.id.clone(), KnownJob::told(job, at));
    let jobs: BTreeMap<JobId, KnownJob> = tellings.into_iter().map(known).collect();
    // Of all resources together a page looks at few days, and of a heat map at few resources, though most of it is empty.
    let all_named = JobQuery { resources: names.iter().filter_map(|name| arn(name)).collect(), ..JobQuery::default() };
    for (query, by) in [
        (all_named, [JobDimension::Day].as_slice()),
        (JobQuery::default(), &[JobDimension::Resource]),
        (JobQuery::default(), &[JobDimension::Resource, JobDimension::Day]),
    ] {
        let page = ledger.summarize(&query, by, 1_000, None).await.unwrap();
        let expected = model(&jobs, &query, by);
        let is_short = page.next.is_some() && page.groups.len() < expected.len().min(1_000);
        assert_eq!(is_short, by.contains(&JobDimension::Day), "{by:?} {}", page.groups.len());
        assert_eq!(told(all(ledger, &query, by, 1_000).await), expected, "{by:?}");
    }
}

/// The tables as they were before anything was counted: what is there is counted when they are brought up to date.
pub(in crate::ledger) async fn what_was_there_before_is_counted(keeping: Keeping) {
    let first = Ledger::new(keeping.clone());
    let strategy = prop::collection::vec((some_job_of_some_day(), 0i64..200), 300);
    let tellings = strategy.new_tree(&mut TestRunner::deterministic()).unwrap().current();
    first.learn(tellings.into_iter().map(|(job, second)| (job, at(second))).collect()).await.unwrap();
    let questions: Vec<Vec<JobDimension>> = JobDimension::ALL.into_iter().map(|dimension| vec![dimension]).collect();
    let query = JobQuery::default();
    let mut expected = Vec::new();
    for by in &questions {
        expected.push(all(&first, &query, by, 1000).await);
    }
    let mut writing = first.store().await.unwrap().write().await.unwrap();
    for sql in ["DROP TABLE cell", "DROP TABLE facet", "DELETE FROM _sqlx_migrations WHERE version = 3"] {
        writing.rows(Sql::Fixed(sql), Vec::new()).await.unwrap();
    }
    writing.commit().await.unwrap();
    first.close().await;
    let second = Ledger::new(keeping);
    for (by, expected) in questions.iter().zip(expected) {
        assert_eq!(all(&second, &query, by, 1000).await, expected, "{by:?}");
    }
    // And goes on being counted.
    let before = all(&second, &query, &[], 1).await.remove(0).counts.jobs();
    second.learn(vec![super::telling("one more", 1)]).await.unwrap();
    assert_eq!(all(&second, &query, &[], 1).await.remove(0).counts.jobs(), before + 1);
    assert_eq!(second.list_jobs(&query, JobOrder::Newest, 1000, None).await.unwrap().jobs.len() as i64, before + 1);
}
