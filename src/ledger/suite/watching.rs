//! Watchers.

use std::time::Duration;

use jiff::Timestamp;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use tokio::time::Instant;

use super::{
    super::{Event, Feed, Happened, Ledger, Told, Watch, WatchError},
    at,
    missed::look_with_missed_runs,
    some_job, some_query, telling,
};
use crate::domain::{Job, JobQuery};

/// What a watcher is told until it has been told of everything up to a position. `slow`: it rests after each.
async fn watched(mut watch: Watch, end: i64, slow: bool) -> Vec<i64> {
    let mut told = Vec::new();
    loop {
        match watch.next(Instant::now() + Duration::from_millis(20)).await.unwrap() {
            Told::Event(event) => told.push(event.seq),
            Told::Bookmark(position, _) if position >= end => return told,
            Told::Bookmark(position, _) => assert!(told.last().is_none_or(|last| *last <= position)),
        }
        if slow {
            tokio::task::yield_now().await;
        }
    }
}

/// Ordered, unique, reliable, resumable, filtered: each watcher is told exactly what a list of all events says, from wherever it
/// begins, whether it keeps up or not, while others write.
pub(in crate::ledger) async fn watchers_are_told_of_all_that_fits_once_and_in_order(ledger: &Ledger) {
    let mut runner = TestRunner::deterministic();
    let mut batch = || {
        let strategy = prop::collection::vec((some_job(), 0i64..200), 1..40);
        let tellings = strategy.new_tree(&mut runner).unwrap().current();
        tellings.into_iter().map(|(job, second)| (job, at(second))).collect::<Vec<(Job, Timestamp)>>()
    };
    let batches: Vec<_> = (0..40).map(|_| batch()).collect();
    let (before, after) = batches.split_at(20);
    for tellings in before {
        ledger.learn(tellings.clone()).await.unwrap();
    }
    let feed = Feed::new(ledger.clone());
    let half = ledger.head().await.unwrap().seq;
    let mut queries = TestRunner::deterministic();
    let mut query = || some_query().new_tree(&mut queries).unwrap().current();
    let mut begun = Vec::new();
    for index in 0..24 {
        let start = half * (index % 4) / 3;
        let query = if index == 0 { JobQuery::default() } else { query() };
        let watch = feed.watch(query.clone(), start.min(half)).await.unwrap();
        begun.push((query, start.min(half), watch));
    }
    assert_eq!(feed.watchers(), 24);
    let write = async {
        for (index, tellings) in (0..).zip(after) {
            ledger.learn(tellings.clone()).await.unwrap();
            assert!(ledger.keep_look(look_with_missed_runs(index)).await.unwrap());
        }
        ledger.head().await.unwrap().seq
    };
    let end = tokio::select! {
        end = write => end,
        () = feed.clone().run() => unreachable!("it never ends"),
    };
    let (asked, watches): (Vec<_>, Vec<_>) =
        begun.into_iter().map(|(query, start, watch)| ((query, start), watch)).unzip();
    let watching = watches.into_iter().enumerate().map(|(index, watch)| watched(watch, end, index % 3 == 0));
    let told = tokio::select! {
        told = futures_util::future::join_all(watching) => told,
        () = feed.clone().run() => unreachable!("it never ends"),
    };
    let mut all: Vec<Event> = Vec::new();
    while let Some(more) =
        Some(ledger.events(all.last().map_or(0, |event| event.seq), 500).await.unwrap()).filter(|it| !it.is_empty())
    {
        all.extend(more);
    }
    for ((query, start), told) in asked.into_iter().zip(told) {
        let fits = |event: &&Event| {
            let fits = match &event.what {
                Happened::Job(job) => query.fits(job),
                Happened::MissedRun(run) => query.fits_missed(run),
            };
            event.seq > start && fits
        };
        let expected: Vec<i64> = all.iter().filter(fits).map(|event| event.seq).collect();
        assert_eq!(told, expected, "from {start}: {query:?}");
    }
    assert_eq!(feed.watchers(), 0, "who has gone is forgotten");
}

pub(in crate::ledger) async fn a_watcher_that_is_too_far_behind_is_told_so(ledger: &Ledger) {
    ledger.learn((0..30).map(|index| telling(&format!("job-{index}"), index)).collect()).await.unwrap();
    let feed = Feed::new(ledger.clone());
    let mut slow = feed.watch(JobQuery::default(), 0).await.unwrap();
    ledger.forget_events(at(10)).await.unwrap();
    let expired = |result: Result<_, WatchError>| matches!(result, Err(WatchError::Expired(_)));
    assert!(expired(slow.next(Instant::now() + Duration::from_secs(60)).await.map(drop)));
    assert!(expired(feed.watch(JobQuery::default(), 9).await.map(drop)), "forgotten");
    assert!(expired(feed.watch(JobQuery::default(), 31).await.map(drop)), "not yet there");
    assert!(feed.watch(JobQuery::default(), 10).await.is_ok());
    // All of it forgotten, a slow one is told all the same.
    let mut slow = feed.watch(JobQuery::default(), 20).await.unwrap();
    ledger.forget_events(at(100)).await.unwrap();
    assert!(expired(slow.next(Instant::now() + Duration::from_secs(60)).await.map(drop)));
}
