//! Jobs that are counted, and runs that left none: whatever was told in whatever order, the counts are those of what is there.

mod model;

use jiff::Timestamp;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use self::model::{Model, told};
use super::{
    super::{GroupPosition, Keeping, Ledger, NewLook, store::Sql},
    arn, at,
    coverage::{look, protection},
    job,
    missed::run,
    scope, some_job, some_query, word,
};
use crate::domain::{
    DatabaseProtection, Job, JobDimension, JobGroup, JobOrder, JobQuery, JobState, MissedRun, Period, ResourceType,
};

/// Every group of a question.
async fn all(ledger: &Ledger, query: &JobQuery, by: &[JobDimension], size: usize) -> Vec<JobGroup> {
    all_of(ledger, query, None, by, size).await
}

async fn all_of(
    ledger: &Ledger,
    query: &JobQuery,
    owner: Option<&str>,
    by: &[JobDimension],
    size: usize,
) -> Vec<JobGroup> {
    let (mut groups, mut after) = (Vec::new(), None);
    loop {
        let page = ledger.summarize(query, owner, by, size, after).await.unwrap();
        assert!(page.groups.len() <= size);
        groups.extend(page.groups);
        after = match page.next {
            Some(next) => Some(GroupPosition::parse(&next.to_string()).unwrap()),
            None => return groups,
        };
    }
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

/// Of the same things and days as the jobs.
fn some_missed_run() -> impl Strategy<Value = MissedRun> {
    let about = (word(&["a", "b", "c"]), word(&["RDS", "Aurora"]), word(&["v1", "v2"]), word(&["p1", "p2"]));
    (about, 0i64..50).prop_map(|((name, of, vault, plan), day)| MissedRun {
        resource_type: ResourceType::told(of).unwrap(),
        vault_arn: vault,
        rule_id: format!("rule-of-{plan}"),
        plan_id: plan,
        ..run(&name, day * 70_000)
    })
}

fn some_owner() -> impl Strategy<Value = String> {
    word(&["", "payments", "platform"])
}

/// After each step: whatever is asked, the answer is that of a list in memory.
pub(in crate::ledger) async fn what_is_counted_is_what_a_model_counts(ledger: &Ledger) {
    let strategy = (
        prop::collection::vec((some_job_of_some_day(), 0i64..200), 1..60),
        prop::collection::vec(some_missed_run(), 0..8),
        prop::collection::vec((some_question(), prop::option::weighted(0.2, some_owner())), 25),
        (0i64..20, prop::collection::vec(some_owner(), 3)),
    );
    let mut model = Model::default();
    let mut runner = TestRunner::deterministic();
    for step in 0..24 {
        let (tellings, missed, questions, (forgotten, owners)) = strategy.new_tree(&mut runner).unwrap().current();
        let tellings: Vec<(Job, Timestamp)> = tellings.into_iter().map(|(job, second)| (job, at(second))).collect();
        model.learn(&tellings);
        ledger.learn(tellings).await.unwrap();
        // Now and then it is looked at the databases, in one of the places alone.
        if step % 2 == 1 {
            let (after, as_of) = (step / 2, at((5 + step) * 70_000));
            let judged = Some(at((20 + step) * 70_000));
            model.look(&missed, as_of, judged);
            let owned = ["a", "b", "c"].into_iter().zip(owners).map(|(name, owner)| {
                model.own(scope("us-east-1"), arn(name).unwrap(), owner.clone());
                DatabaseProtection { owner, ..protection(name) }
            });
            let new = NewLook { missed, as_of, judged, ..look(after, owned.collect()) };
            assert!(ledger.keep_look(new).await.unwrap());
            while ledger.settle_owners(&scope("us-east-1")).await.unwrap() {}
        }
        if step % 6 == 5 {
            let withdrawn = ledger.withdraw_missed(&scope("us-east-1"), at(0), at(0)).await.unwrap();
            assert_eq!(withdrawn, model.withdraw());
        }
        if step % 5 == 4 {
            let before = at(forgotten * 70_000 + 5);
            ledger.forget_missed(before).await.unwrap();
            ledger.forget_jobs(before).await.unwrap();
            model.forget(before);
        }
        for ((query, by, size), owner) in questions {
            let owner = owner.as_deref();
            let expected = model.told(&query, owner, &by);
            let groups = all_of(ledger, &query, owner, &by, size).await;
            assert_eq!(told(groups), expected, "{query:?} {owner:?} {by:?} {size}");
        }
    }
    // Nothing is left of what was forgotten.
    ledger.forget_jobs(Timestamp::MAX).await.unwrap();
    ledger.forget_missed(Timestamp::MAX).await.unwrap();
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
    let mut model = Model::default();
    model.learn(&tellings);
    // Of all resources together a page looks at few days, and one by one at some of them, though most of a heat map is empty.
    let all_named = JobQuery { resources: names.iter().filter_map(|name| arn(name)).collect(), ..JobQuery::default() };
    for (query, by) in [
        (all_named, [JobDimension::Day].as_slice()),
        (JobQuery::default(), &[JobDimension::Resource]),
        (JobQuery::default(), &[JobDimension::Resource, JobDimension::Day]),
    ] {
        let page = ledger.summarize(&query, None, by, 1_000, None).await.unwrap();
        let expected = model.told(&query, None, by);
        let is_short = page.next.is_some() && page.groups.len() < expected.len().min(1_000);
        assert!(is_short, "{by:?} {}", page.groups.len());
        assert_eq!(told(all(ledger, &query, by, 1_000).await), expected, "{by:?}");
    }
}

pub(in crate::ledger) async fn what_becomes_anothers_moves_a_few_at_a_time(ledger: &Ledger) {
    let names: Vec<String> = (0..25).map(|index| format!("db-{index}")).collect();
    let jobs = names.iter().zip(0i64..).map(|(name, index)| {
        let job = Job { resource_arn: arn(name), ..job(&format!("job-{name}"), index * 86_400) };
        (job, at(index))
    });
    ledger.learn(jobs.collect()).await.unwrap();
    let owned = |owner: &str| {
        let owned = names.iter().map(|name| DatabaseProtection { owner: owner.into(), ..protection(name) });
        owned.collect::<Vec<_>>()
    };
    let counts = async || {
        let groups = all(ledger, &JobQuery::default(), &[JobDimension::Owner], 10).await;
        let counts = groups.into_iter().map(|mut group| (group.values.remove(0).1, group.counts.under_way));
        counts.collect::<Vec<_>>()
    };
    let settle = async || ledger.settle_owners(&scope("us-east-1")).await.unwrap();
    assert!(!settle().await, "nobody was looked at");
    ledger.keep_look(look(0, owned("payments"))).await.unwrap();
    assert_eq!(counts().await, [(String::new(), 25)]);
    assert!(settle().await);
    assert_eq!(counts().await, [(String::new(), 15), ("payments".into(), 10)]);
    assert!(settle().await && !settle().await && !settle().await);
    assert_eq!(counts().await, [("payments".into(), 25)]);
    // A job of what is somebody's is counted so at once, and one that is gone stays so.
    ledger.keep_look(look(1, Vec::new())).await.unwrap();
    assert!(!settle().await);
    ledger.learn(vec![(Job { resource_arn: arn("db-3"), ..job("another", 7) }, at(7))]).await.unwrap();
    assert_eq!(counts().await, [("payments".into(), 26)]);
    // Nobody's again, when the tag is taken away.
    ledger.keep_look(look(2, owned(""))).await.unwrap();
    while settle().await {}
    assert_eq!(counts().await, [(String::new(), 26)]);
}

/// The tables as they were before anything was counted: what is there is counted when they are brought up to date.
pub(in crate::ledger) async fn what_was_there_before_is_counted(keeping: Keeping) {
    let first = Ledger::new(keeping.clone());
    let strategy = prop::collection::vec((some_job_of_some_day(), 0i64..200), 300);
    let tellings = strategy.new_tree(&mut TestRunner::deterministic()).unwrap().current();
    first.learn(tellings.into_iter().map(|(job, second)| (job, at(second))).collect()).await.unwrap();
    let missed =
        prop::collection::vec(some_missed_run(), 40).new_tree(&mut TestRunner::deterministic()).unwrap().current();
    let (as_of, judged) = (at(5 * 70_000), Some(at(20 * 70_000)));
    first.keep_look(NewLook { missed, as_of, judged, ..look(0, Vec::new()) }).await.unwrap();
    assert!(first.withdraw_missed(&scope("us-east-1"), at(0), at(0)).await.unwrap() > 0);
    let questions: Vec<Vec<JobDimension>> = JobDimension::ALL.into_iter().map(|dimension| vec![dimension]).collect();
    let query = JobQuery::default();
    let mut expected = Vec::new();
    for by in &questions {
        expected.push(all(&first, &query, by, 1000).await);
    }
    let mut writing = first.store().await.unwrap().write().await.unwrap();
    for sql in [
        "DROP TABLE cell",
        "DROP TABLE facet",
        "DROP TABLE owned",
        "ALTER TABLE survey DROP COLUMN since",
        "DELETE FROM _sqlx_migrations WHERE version IN (3, 6, 7)",
    ] {
        writing.rows(Sql::Fixed(sql), Vec::new()).await.unwrap();
    }
    writing.commit().await.unwrap();
    first.close().await;
    let second = Ledger::new(keeping);
    for (by, expected) in questions.iter().zip(expected) {
        assert_eq!(all(&second, &query, by, 1000).await, expected, "{by:?}");
    }
    // What is somebody's moves, with all that was counted before.
    let owned = DatabaseProtection { owner: "payments".into(), ..protection("a") };
    let new = NewLook { as_of, judged, ..look(1, vec![owned]) };
    assert!(second.keep_look(new).await.unwrap());
    while second.settle_owners(&scope("us-east-1")).await.unwrap() {}
    let of_a =
        JobQuery { resources: arn("a").into_iter().collect(), scopes: vec![scope("us-east-1")], ..query.clone() };
    let of_a = all(&second, &of_a, &[], 1).await.remove(0).counts;
    assert_eq!(all_of(&second, &query, Some("payments"), &[], 1).await.remove(0).counts, of_a);
    assert!(of_a.jobs() > 0 && of_a.missed > 0, "{of_a:?}");
    // And goes on being counted.
    let before = all(&second, &query, &[], 1).await.remove(0).counts.jobs();
    second.learn(vec![super::telling("one more", 1)]).await.unwrap();
    assert_eq!(all(&second, &query, &[], 1).await.remove(0).counts.jobs(), before + 1);
    assert_eq!(second.list_jobs(&query, JobOrder::Newest, 1000, None).await.unwrap().jobs.len() as i64, before + 1);
}
