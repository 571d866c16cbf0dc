//! Missed runs.

use super::{
    super::{Happened, Ledger, NewLook},
    at,
    coverage::{all, arn, look, protection},
    job, scope, telling,
};
use crate::domain::{
    Cause, DatabaseIdentity, IncidentQuery, IncidentState, Job, JobId, JobOrigin, JobQuery, JobState, KeptFinding,
    MissedRun, PlanOrigin, ProtectionOrder, ProtectionQuery, ResourceType, Severity,
};

pub(super) fn run(name: &str, due: i64) -> MissedRun {
    MissedRun {
        scope: scope("us-east-1"),
        database: DatabaseIdentity { arn: arn(name), made: "db-ONE".into() },
        resource_type: ResourceType::RDS,
        vault_arn: "vault".into(),
        plan_id: "p1".into(),
        plan_arn: "arn of p1".into(),
        plan_name: "nightly".into(),
        rule_id: "r1".into(),
        rule_name: "daily".into(),
        due_at: at(due),
        window_until: at(due + 3_600),
        next_due_at: Some(at(due + 86_400)),
        finding: KeptFinding {
            code: "RUN_MISSED".into(),
            severity: Severity::Error,
            message: "no".into(),
            action: String::new(),
            subject: String::new(),
        },
        made: None,
    }
}

/// The look of that number, in which a run of each of three databases turns out to be missed.
pub(super) fn look_with_missed_runs(after: i64) -> NewLook {
    let missed = ["a", "b", "c"].map(|name| run(name, 100 + after)).to_vec();
    NewLook { missed, ..look(after, Vec::new()) }
}

async fn events(ledger: &Ledger) -> Vec<MissedRun> {
    let events = ledger.events(0, 1_000).await.unwrap();
    let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=i64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    let missed = events.into_iter().filter_map(|event| match event.what {
        Happened::MissedRun(run) => Some(*run),
        Happened::Job(_) => None,
    });
    missed.collect()
}

pub(in crate::ledger) async fn a_missed_run_is_told_once_and_withdrawn_when_its_job_turns_up(ledger: &Ledger) {
    ledger.learn(vec![telling("a", 1)]).await.unwrap();
    let runs = [run("one", 1_000), run("two", 1_000), run("one", 87_400)];
    let with = |after, missed: &[MissedRun]| NewLook {
        missed: missed.to_vec(),
        judged: Some(at(90_000)),
        ..look(after, vec![protection("one"), protection("two")])
    };
    assert!(ledger.keep_look(with(0, &runs)).await.unwrap());
    assert_eq!(events(ledger).await, runs);
    assert_eq!(*ledger.bell().borrow(), 4);
    // Told again it is no news, be it twice at once.
    let again = [runs.as_slice(), &runs, &[run("two", 87_400)]].concat();
    assert!(ledger.keep_look(with(1, &again)).await.unwrap());
    assert_eq!(events(ledger).await.len(), 4);
    let query = ProtectionQuery::default();
    let missed = async || ledger.count_protection(&query, at(2_000)).await.unwrap().missed_runs;
    assert_eq!(missed().await, 2);
    let told = all(ledger, &query, ProtectionOrder::Arn, 10).await;
    assert_eq!(told.iter().map(|it| it.last_missed_at).collect::<Vec<_>>(), [Some(at(87_400)), Some(at(87_400))]);
    // A filter of jobs is one of missed runs too.
    let fits = |query: JobQuery| runs.iter().filter(|run| query.fits_missed(run)).count();
    assert_eq!(fits(JobQuery { resources: vec![arn("one")], ..JobQuery::default() }), 2);
    assert_eq!(fits(JobQuery { rule: Some("r2".into()), ..JobQuery::default() }), 0);
    assert_eq!(fits(JobQuery { states: vec![JobState::Failed], ..JobQuery::default() }), 0);
    // A job of the day after, of another rule, and of another database are none of it.
    let made = |id: &str, name: &str, rule: &str, created: i64| {
        let by = PlanOrigin { plan_id: "p1".into(), rule_id: rule.into(), ..PlanOrigin::default() };
        let created_by = Some(JobOrigin::Plan(by));
        // AWS may tell another vault: a rule's is changed.
        let vault_arn = Some("another vault".into());
        (Job { created_by, resource_arn: Some(arn(name)), vault_arn, ..job(id, created) }, at(created))
    };
    let others = [made("b", "one", "r2", 1_000), made("c", "three", "r1", 1_000), made("d", "two", "r1", 174_000)];
    ledger.learn(others.to_vec()).await.unwrap();
    let withdraw = async || ledger.withdraw_missed(&scope("us-east-1"), at(0), at(95_000)).await.unwrap();
    assert_eq!(withdraw().await, 0);
    ledger.learn(vec![made("late", "one", "r1", 87_400)]).await.unwrap();
    assert_eq!((withdraw().await, withdraw().await), (1, 0));
    let told = events(ledger).await;
    let expected = MissedRun { made: JobId::told("late"), ..run("one", 87_400) };
    assert_eq!((told.len(), told.last()), (5, Some(&expected)));
    assert_eq!(missed().await, 1);
    let told = all(ledger, &query, ProtectionOrder::Arn, 10).await;
    assert_eq!(told.iter().map(|it| it.last_missed_at).collect::<Vec<_>>(), [Some(at(1_000)), Some(at(87_400))]);
    // The same name is another database: nothing was missed of it.
    let mut anew = protection("one");
    anew.subject.made = "db-TWO".into();
    ledger.keep_look(look(2, vec![anew])).await.unwrap();
    assert_eq!(all(ledger, &query, ProtectionOrder::Arn, 10).await[0].last_missed_at, None);
    assert!(!ledger.forget_missed(at(2_000)).await.unwrap());
    assert!(ledger.keep_look(with(3, &[run("two", 87_400)])).await.unwrap());
    assert_eq!(events(ledger).await.len(), 5, "what is kept is not told again");
    assert!(ledger.keep_look(with(4, &[run("two", 1_000)])).await.unwrap());
    assert_eq!(events(ledger).await.len(), 6, "what was forgotten would be");
}

pub(in crate::ledger) async fn missed_runs_are_incidents_until_a_later_backup_completes(ledger: &Ledger) {
    let open = async || {
        let query = IncidentQuery {
            scopes: vec![scope("us-east-1")],
            states: vec![IncidentState::Open],
            ..IncidentQuery::default()
        };
        let told = ledger.list_incidents(&query, 10, None).await.unwrap().incidents.into_iter();
        let mut told: Vec<_> = told.map(|it| (it.cause, it.resource, it.count, it.run.map(|run| run.due_at))).collect();
        told.sort();
        told
    };
    let missed = |name: &str, count, due: i64| (Cause::RunMissed, arn(name), count, Some(at(due)));
    let runs = ["one", "two", "three"].map(|name| run(name, 1_000));
    let databases = || ["one", "two", "three"].map(protection).to_vec();
    let with = |after, missed: Vec<MissedRun>| NewLook { missed, ..look(after, databases()) };
    assert!(ledger.keep_look(with(0, [&runs[..], &[run("one", 87_400)]].concat())).await.unwrap());
    assert_eq!(open().await, [missed("one", 2, 87_400), missed("three", 1, 1_000), missed("two", 1, 1_000)]);
    let backup = |id: &str, name: &str, created: i64, state| {
        let job =
            Job { state, resource_arn: Some(arn(name)), completed_at: Some(at(created + 10)), ..job(id, created) };
        (job, at(created + 10))
    };
    // One that was begun before it says nothing of it, nor does one that fails.
    let jobs = vec![
        backup("a", "one", 50_000, JobState::Completed),
        backup("b", "three", 2_000, JobState::Failed),
        backup("c", "two", 2_000, JobState::Completed),
    ];
    ledger.learn(jobs).await.unwrap();
    let failed = (Cause::JobFailed, arn("three"), 1, None);
    assert_eq!(open().await, [failed, missed("one", 2, 87_400), missed("three", 1, 1_000)]);
    // A job that turns up after all takes its run back.
    let by = PlanOrigin { plan_id: "p1".into(), rule_id: "r1".into(), ..PlanOrigin::default() };
    let (late, told_at) = backup("d", "three", 1_000, JobState::Running);
    let late = Job { created_by: Some(JobOrigin::Plan(by)), completed_at: None, ..late };
    ledger.learn(vec![(late, told_at)]).await.unwrap();
    assert_eq!(ledger.withdraw_missed(&scope("us-east-1"), at(0), at(95_000)).await.unwrap(), 1);
    assert_eq!(open().await.len(), 2);
    // What is about jobs of a database that is gone is over.
    assert!(ledger.keep_look(look(1, vec![protection("one")])).await.unwrap());
    assert_eq!(open().await, [missed("one", 2, 87_400)]);
    ledger.learn(vec![backup("e", "one", 90_000, JobState::Completed)]).await.unwrap();
    assert_eq!(open().await, []);
}
