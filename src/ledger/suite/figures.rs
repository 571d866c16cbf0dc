//! What is measured.

use jiff::SignedDuration;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{
    super::{Ledger, NewLook},
    at,
    coverage::{NOW, arn, look, protection, some_protection},
    job,
    missed::run,
    scope,
};
use crate::domain::{
    Acknowledgement, Cause, CoveringRule, DatabaseProtection, IncidentQuery, IncidentState, Job, JobState, PlanFigures,
    Promised, ProtectionFigures,
};

/// What is to be measured of a database of which no run was missed.
fn measured(one: &DatabaseProtection) -> ProtectionFigures {
    let plan =
        |rule: &CoveringRule| (rule.plan_id.clone(), PlanFigures { name: rule.plan_name.clone(), missed_runs: 0 });
    ProtectionFigures {
        scope: one.scope.clone(),
        arn: one.arn.clone(),
        resource_type: one.resource_type.clone(),
        badness: one.badness_at(at(NOW)),
        verdict: one.verdict,
        never_ran: one.never_ran,
        consecutive_failures: one.consecutive_failures.into(),
        last_success_at: one.last_success_at,
        promised: Promised {
            allowed_age: one.allowed_age,
            interval: one.interval_minutes.map(SignedDuration::from_mins),
            plans: one.coverage.iter().map(plan).collect(),
        },
    }
}

/// All of it, in pages of that size.
async fn all(ledger: &Ledger, size: usize) -> Vec<ProtectionFigures> {
    let mut all: Vec<ProtectionFigures> = Vec::new();
    loop {
        let after = all.last().map_or(String::new(), |last| last.arn.clone());
        let page = ledger.protection_figures(&after, size).await.unwrap();
        let is_last = page.len() < size;
        all.extend(page);
        if is_last {
            return all;
        }
    }
}

pub(in crate::ledger) async fn what_is_measured_of_databases_is_what_is_kept_of_them(ledger: &Ledger) {
    let some = prop::collection::vec(some_protection(), 90).new_tree(&mut TestRunner::deterministic());
    let mut databases = some.unwrap().current();
    databases.sort_by(|one, other| one.arn.cmp(&other.arn));
    databases.dedup_by(|one, other| one.arn == other.arn);
    let kept = NewLook { as_of: at(NOW), ..look(0, databases.clone()) };
    assert!(ledger.keep_look(kept).await.unwrap());
    let expected: Vec<_> = databases.iter().map(measured).collect();
    for size in [7, 1_000] {
        assert_eq!(all(ledger, size).await, expected);
    }
    // What is gone is not measured.
    assert!(ledger.keep_look(NewLook { as_of: at(NOW), ..look(1, databases.split_off(50)) }).await.unwrap());
    assert_eq!(all(ledger, 7).await, expected[50..]);
}

pub(in crate::ledger) async fn runs_that_were_missed_since_the_last_backup_are_measured(ledger: &Ledger) {
    let covering = CoveringRule {
        plan_id: "p1".into(),
        plan_arn: "arn of p1".into(),
        plan_name: "nightly".into(),
        rule_id: "r1".into(),
        rule_name: "daily".into(),
        vault: "vault".into(),
    };
    let covered = |name: &str| DatabaseProtection { coverage: vec![covering.clone()], ..protection(name) };
    let missed = ["covered", "backed-up", "uncovered"].map(|name| [run(name, 1_000), run(name, 87_400)]).concat();
    let backed_up = DatabaseProtection { last_success_at: Some(at(1_000)), ..covered("backed-up") };
    let mut anew = covered("anew");
    anew.subject.made = "db-TWO".into();
    // An instance has the runs of its cluster, which are the cluster's.
    let mut member = covered("member");
    member.subject.arn = arn("covered");
    let databases = vec![covered("covered"), backed_up, protection("uncovered"), anew, member];
    let missed = [missed, vec![run("anew", 1_000)]].concat();
    assert!(ledger.keep_look(NewLook { missed, ..look(0, databases) }).await.unwrap());
    let told = all(ledger, 10).await;
    let told: Vec<_> = told.iter().map(|it| (&*it.arn, it.promised.plans.get("p1").map(|it| it.missed_runs))).collect();
    let of = |name: &str, missed| (arn(name), missed);
    let expected = [
        of("anew", Some(0)),
        of("backed-up", Some(1)),
        of("covered", Some(2)),
        of("member", Some(0)),
        of("uncovered", None),
    ];
    assert_eq!(told, expected.each_ref().map(|(arn, missed)| (&**arn, *missed)));
}

pub(in crate::ledger) async fn incidents_are_counted_by_cause_until_they_are_closed(ledger: &Ledger) {
    assert_eq!(ledger.count_incidents().await.unwrap(), []);
    let failed =
        |id: &str, name: &str, state| (Job { state, resource_arn: Some(arn(name)), ..job(id, 1_000) }, at(1_100));
    let jobs = ["one", "two", "three"].map(|name| failed(name, name, JobState::Failed)).to_vec();
    ledger.learn([jobs, vec![failed("four", "one", JobState::Expired)]].concat()).await.unwrap();
    let counts = async || {
        let mut counts = ledger.count_incidents().await.unwrap();
        counts.sort_by_key(|(_, cause, state, _)| (*cause, *state == IncidentState::Open));
        counts
    };
    let of = |cause, state, count| (scope("us-east-1"), cause, state, count);
    let expired = of(Cause::JobExpired, IncidentState::Open, 1);
    assert_eq!(counts().await, [of(Cause::JobFailed, IncidentState::Open, 3), expired.clone()]);
    let query = IncidentQuery { scopes: vec![scope("us-east-1")], ..IncidentQuery::default() };
    let page = ledger.list_incidents(&query, 10, None).await.unwrap();
    let taken = page.incidents.iter().find(|it| it.resource == arn("two")).unwrap();
    let by = Acknowledgement { by: "eve".into(), at: at(2_000), note: String::new() };
    ledger.acknowledge(taken, &by).await.unwrap();
    let acknowledged = of(Cause::JobFailed, IncidentState::Acknowledged, 1);
    assert_eq!(counts().await, [acknowledged.clone(), of(Cause::JobFailed, IncidentState::Open, 2), expired.clone()]);
    let done = Job { state: JobState::Completed, resource_arn: Some(arn("three")), ..job("five", 2_000) };
    ledger.learn(vec![(done, at(2_100))]).await.unwrap();
    assert_eq!(counts().await, [acknowledged, of(Cause::JobFailed, IncidentState::Open, 1), expired]);
}
