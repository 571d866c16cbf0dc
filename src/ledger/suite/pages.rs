//! Pages at any size: what an index leads to is told whole, however much else there is.

use jiff::Timestamp;

use super::{all, arn, at, ids, job};
use crate::{
    domain::{Job, JobKind, JobOrder, JobOrigin, JobQuery, JobState, PlanOrigin},
    ledger::Ledger,
};

pub(in crate::ledger) async fn many_subjects_are_merged(ledger: &Ledger) {
    // More lanes than stand in the text of a statement; and more than are walked at all.
    let jobs = (0..1_300i64).map(|index| {
        let state = if index % 11 == 0 { JobState::Failed } else { JobState::Completed };
        let job =
            Job { state, resource_arn: arn(&format!("db-{}", index % 450)), ..job(&format!("job-{index}"), index) };
        let completed_at = Some(at(index * 7 % 1_300));
        let job = Job { vault_arn: Some(format!("vault-{}", index % 450 / 150)), completed_at, ..job };
        (job, at(2_000))
    });
    let jobs: Vec<(Job, Timestamp)> = jobs.collect();
    ledger.learn(jobs.clone()).await.unwrap();
    let vaults = |names: &[&str]| JobQuery {
        vaults: names.iter().map(|name| (*name).to_owned()).collect(),
        ..JobQuery::default()
    };
    let failed = |query: JobQuery| JobQuery { states: vec![JobState::Failed], ..query };
    let queries = [
        vaults(&["vault-0"]),
        failed(vaults(&["vault-0"])),
        vaults(&["vault-0", "vault-1", "vault-2"]),
        failed(vaults(&["vault-0", "vault-1", "vault-2"])),
        JobQuery { states: vec![JobState::Completed], ..vaults(&["vault-0"]) },
        JobQuery { states: vec![JobState::Failed, JobState::Expired], ..JobQuery::default() },
    ];
    for query in queries {
        let expected = jobs.iter().filter(|(job, _)| query.fits(job)).count();
        assert!(expected > 40, "{query:?}");
        for order in JobOrder::ALL {
            let jobs = all(ledger, &query, order, 60).await;
            assert!(jobs.iter().all(|job| query.fits(job)));
            let mut told = ids(&jobs);
            told.sort_unstable();
            told.dedup();
            assert_eq!((told.len(), jobs.len()), (expected, expected), "{query:?} {order:?}");
            let by = |job: &Job| if order == JobOrder::LastEnded { job.completed_at } else { job.created_at };
            let instants: Vec<_> = jobs.iter().map(by).collect();
            let is_sorted = match order {
                JobOrder::Newest | JobOrder::LastEnded => instants.is_sorted_by(|one, next| one >= next),
                JobOrder::Oldest => instants.is_sorted(),
            };
            assert!(is_sorted, "{query:?} {order:?}");
        }
    }
}

/// A page is short only where nothing leads to what is asked for, and looking at everything would take too long.
pub(in crate::ledger) async fn what_has_an_index_of_its_own_fills_its_pages(ledger: &Ledger) {
    let by = |plan: &str| {
        Some(JobOrigin::Plan(PlanOrigin {
            plan_id: plan.into(),
            rule_id: format!("rule-of-{plan}"),
            ..PlanOrigin::default()
        }))
    };
    // What is asked for lies in the midst of more than a page looks at, on either side, by whatever order.
    let jobs = (0..1_500i64).map(|index| {
        let (name, plan) = if (700..800).contains(&index) { (index % 4, "rare") } else { (10 + index % 3, "usual") };
        let state = if index % 2 == 0 { JobState::Failed } else { JobState::Completed };
        let job = Job {
            state,
            kind: if index % 5 == 0 { JobKind::Copy } else { JobKind::Backup },
            resource_arn: arn(&format!("db-{name}")),
            vault_arn: Some(format!("vault-of-{plan}")),
            created_by: by(plan),
            completed_at: Some(at(index + 10)),
            ..job(&format!("job-{index}"), index)
        };
        (job, at(3_000))
    });
    ledger.learn(jobs.collect()).await.unwrap();
    let failed = |query: JobQuery| JobQuery { states: vec![JobState::Failed, JobState::Expired], ..query };
    let plan = || JobQuery { plan: Some("rare".into()), ..JobQuery::default() };
    let vault = || JobQuery { vaults: vec!["vault-of-rare".into()], ..JobQuery::default() };
    let resource = || JobQuery { resources: arn("db-1").into_iter().collect(), ..JobQuery::default() };
    let queries = [
        (plan(), 100),
        (failed(plan()), 50),
        (vault(), 100),
        (failed(vault()), 50),
        (JobQuery { kinds: vec![JobKind::Copy], ..plan() }, 20),
        (resource(), 25),
    ];
    for (query, expected) in queries {
        for order in JobOrder::ALL {
            let first = ledger.list_jobs(&query, order, 15, None).await.unwrap();
            assert_eq!(first.jobs.len(), 15, "{query:?} {order:?}");
            let rest = ledger.list_jobs(&query, order, 200, first.next).await.unwrap();
            assert_eq!((rest.jobs.len(), rest.next), (expected - 15, None), "{query:?} {order:?}");
        }
    }
}
