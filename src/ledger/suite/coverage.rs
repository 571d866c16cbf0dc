//! Coverage.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{
    super::{Ledger, Look, Members, NewLook, ProtectionPosition},
    at, job, scope,
};
use crate::domain::{
    CoveringRule, DatabaseIdentity, DatabaseProtection, FailedBackup, Job, JobId, JobOrigin, JobState, KeptFinding,
    Membership, Outlook, PlanOrigin, PlanTiming, ProtectionOrder, ProtectionQuery, ProtectionVerdict, ProtectionWord,
    ResourceKind, ResourceType, Retention, RuleTiming, Severity,
};

pub(super) const NOW: i64 = 1_000_000;

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:rds:us-east-1:123456789012:db:{name}")
}

pub(super) fn protection(name: &str) -> DatabaseProtection {
    DatabaseProtection {
        scope: scope("us-east-1"),
        arn: arn(name),
        name: name.into(),
        kind: ResourceKind::DbInstance,
        engine: "postgres".into(),
        resource_type: ResourceType::RDS,
        subject: DatabaseIdentity { arn: arn(name), made: "db-ONE".into() },
        tags: BTreeMap::new(),
        owner: String::new(),
        verdict: ProtectionVerdict::Protected,
        summary: "it is \"fine\"".into(),
        coverage: Vec::new(),
        last_success_at: None,
        allowed_age: None,
        next_run_at: None,
        last_failure: None,
        interval_minutes: None,
        consecutive_failures: 0,
        never_ran: false,
        findings: Vec::new(),
        last_missed_at: None,
    }
}

pub(super) fn look(after: i64, protections: Vec<DatabaseProtection>) -> NewLook {
    NewLook {
        scope: scope("us-east-1"),
        after,
        as_of: at(NOW + after),
        judged: None,
        protections,
        kinds: ResourceKind::ALL.to_vec(),
        members: Members::default(),
        outlook: Outlook::nothing(scope("us-east-1")),
        missed: Vec::new(),
        findings: Vec::new(),
    }
}

async fn last(ledger: &Ledger) -> Look {
    ledger.looks().await.unwrap().remove(0)
}

pub(super) async fn all(
    ledger: &Ledger,
    query: &ProtectionQuery,
    order: ProtectionOrder,
    size: usize,
) -> Vec<DatabaseProtection> {
    let (mut databases, mut after) = (Vec::new(), None);
    loop {
        let page = ledger.list_protection(query, order, size, after).await.unwrap();
        assert!(page.databases.len() <= size);
        databases.extend(page.databases);
        after = match page.next {
            Some(next) => Some(ProtectionPosition::parse(&next.to_string()).unwrap()),
            None => return databases,
        };
    }
}

async fn names(ledger: &Ledger, query: &ProtectionQuery) -> Vec<String> {
    all(ledger, query, ProtectionOrder::Arn, 10).await.into_iter().map(|it| it.name).collect()
}

pub(in crate::ledger) async fn a_look_is_kept_whole_and_what_it_saw_no_more_is_gone(ledger: &Ledger) {
    let everything = ProtectionQuery::default();
    let finding = KeptFinding {
        code: "CLUSTER_NOT_READ".into(),
        severity: Severity::Warning,
        message: "it isn't".into(),
        action: String::new(),
        subject: String::new(),
    };
    let one = DatabaseProtection { findings: vec![finding.clone()], ..protection("one") };
    let cluster = DatabaseProtection { kind: ResourceKind::DbCluster, ..protection("cluster") };
    assert!(ledger.keep_look(look(0, vec![one.clone(), protection("two"), cluster.clone()])).await.unwrap());
    assert_eq!(names(ledger, &everything).await, ["cluster", "one", "two"]);
    let with_finding =
        ProtectionQuery { words: vec![vec![ProtectionWord::Finding(finding.code.clone())]], ..everything.clone() };
    assert_eq!(names(ledger, &with_finding).await, ["one"]);
    // Another replica that knows of no look keeps none.
    assert!(!ledger.keep_look(look(0, Vec::new())).await.unwrap());
    // What keeps a look from being one is noted, and the look stays.
    ledger.note_trouble(&scope("us-east-1"), std::slice::from_ref(&finding)).await.unwrap();
    let kept = last(ledger).await;
    assert_eq!((kept.generation, kept.as_of, kept.trouble.len()), (1, Some(at(NOW)), 1));
    // Clusters could not be listed: those that were there stay.
    let well = DatabaseProtection { findings: Vec::new(), ..one };
    let partial = NewLook { kinds: vec![ResourceKind::DbInstance], findings: vec![finding], ..look(1, vec![well]) };
    assert!(ledger.keep_look(partial).await.unwrap());
    assert_eq!(names(ledger, &everything).await, ["cluster", "one"]);
    assert_eq!(names(ledger, &with_finding).await, [""; 0]);
    let kept = last(ledger).await;
    assert_eq!((kept.generation, kept.trouble.len(), kept.findings.len()), (2, 0, 1));
    // What is judged by a look that is not the last one is not kept.
    let renamed = DatabaseProtection { summary: "other".into(), ..protection("one") };
    let of = scope("us-east-1");
    assert!(!ledger.keep_judged(&of, 1, at(NOW), std::slice::from_ref(&renamed), None).await.unwrap());
    assert!(ledger.keep_judged(&of, 2, at(NOW), std::slice::from_ref(&renamed), None).await.unwrap());
    assert_eq!(all(ledger, &everything, ProtectionOrder::Arn, 10).await, [cluster, renamed]);
    assert!(ledger.keep_look(look(2, Vec::new())).await.unwrap());
    assert_eq!(names(ledger, &everything).await, [""; 0]);
}

fn word(words: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

pub(super) fn some_protection() -> impl Strategy<Value = DatabaseProtection> {
    let verdicts = prop::sample::select(ProtectionVerdict::ALL.to_vec());
    let kinds = prop::sample::select(ResourceKind::ALL.to_vec());
    let what = (0u32..300, kinds, word(&["postgres", "mysql"]), verdicts, word(&["", "ours", "theirs"]));
    let times = (prop::option::of(0i64..NOW), prop::option::of(1i64..NOW), prop::option::of(0i64..50));
    let rest = (word(&["", "p1", "p2"]), word(&["", "A", "B"]), 0u32..3, any::<bool>());
    (what, times, rest).prop_map(|((id, kind, engine, verdict, owner), (success, allowed, next), rest)| {
        let (plan, code, failures, never_ran) = rest;
        let rule = |plan: &String| CoveringRule {
            plan_id: plan.clone(),
            plan_arn: String::new(),
            plan_name: format!("name of {plan}"),
            rule_id: format!("rule of {plan}"),
            rule_name: "daily".into(),
            vault: "vault".into(),
        };
        let finding = |code: &String| KeptFinding {
            code: code.clone(),
            severity: Severity::Error,
            message: "½ \"said\"".into(),
            action: "do".into(),
            subject: "it".into(),
        };
        let failed = FailedBackup {
            job: JobId::told("job").unwrap(),
            at: None,
            message: "no".into(),
            finding: Some(finding(&"JOB_FAILED".to_owned())),
        };
        DatabaseProtection {
            kind,
            engine,
            verdict,
            tags: if owner.is_empty() { BTreeMap::new() } else { [("owner".into(), owner.clone())].into() },
            owner,
            last_success_at: success.map(at),
            allowed_age: allowed.map(SignedDuration::from_secs),
            next_run_at: next.map(at),
            coverage: Some(&plan).filter(|plan| !plan.is_empty()).map(rule).into_iter().collect(),
            findings: Some(&code).filter(|code| !code.is_empty()).map(finding).into_iter().collect(),
            last_failure: (failures > 0).then_some(failed),
            consecutive_failures: failures,
            interval_minutes: allowed,
            never_ran,
            ..protection(&format!("db-{id:03}"))
        }
    })
}

fn some_query() -> impl Strategy<Value = ProtectionQuery> {
    let verdicts = prop::collection::vec(prop::sample::select(ProtectionVerdict::ALL.to_vec()), 0..3);
    let kinds = prop::collection::vec(prop::sample::select(ResourceKind::ALL.to_vec()), 0..2);
    let words = prop::collection::vec(
        prop::sample::select(vec![
            vec![ProtectionWord::Plan("p1".into())],
            vec![ProtectionWord::Plan("name of p2".into())],
            vec![ProtectionWord::Rule("daily".into())],
            vec![ProtectionWord::Vault("elsewhere".into())],
            vec![ProtectionWord::Finding("A".into()), ProtectionWord::Finding("B".into())],
            vec![ProtectionWord::Tag("owner".into(), "ours".into())],
        ]),
        0..2,
    );
    let perhaps = |words: &[&'static str]| prop::option::weighted(0.2, word(words));
    let least = (prop::option::weighted(0.2, 0i64..3_000), 0u32..2, any::<bool>(), any::<bool>());
    let resources = prop::option::weighted(
        0.1,
        prop::collection::vec((0u32..300).prop_map(|id| arn(&format!("db-{id:03}"))), 0..9),
    );
    let texts = (perhaps(&["postgres", "oracle-ee"]), perhaps(&["ours", "nobody"]));
    (verdicts, kinds, words, least, resources, texts).prop_map(
        |(verdicts, kinds, words, (ratio, failures, never_ran, here), resources, (engine, owner))| ProtectionQuery {
            scopes: if here { vec![scope("us-east-1")] } else { Vec::new() },
            verdicts,
            kinds,
            engine,
            owner,
            words,
            never_ran: never_ran && failures == 0,
            least_rpo_thousandths: ratio,
            least_failures: failures,
            resources,
        },
    )
}

fn fits(query: &ProtectionQuery, one: &DatabaseProtection) -> bool {
    let words = one.words();
    (query.verdicts.is_empty() || query.verdicts.contains(&one.verdict))
        && (query.kinds.is_empty() || query.kinds.contains(&one.kind))
        && query.engine.as_ref().is_none_or(|engine| *engine == one.engine)
        && query.owner.as_ref().is_none_or(|owner| *owner == one.owner)
        && query.words.iter().all(|group| group.iter().any(|word| words.contains(word)))
        && (!query.never_ran || one.never_ran)
        && query.least_rpo_thousandths.is_none_or(|least| one.rpo_thousandths_at(at(NOW)).is_some_and(|it| it >= least))
        && one.consecutive_failures >= query.least_failures
        && query.resources.as_ref().is_none_or(|arns| arns.contains(&one.arn))
}

fn order_of(order: ProtectionOrder, one: &DatabaseProtection) -> (i64, String) {
    let millis = |at: Timestamp| at.as_millisecond();
    let key = match order {
        ProtectionOrder::WorstFirst => one.badness_at(at(NOW)),
        ProtectionOrder::RpoRatio => one.rpo_thousandths_at(at(NOW)).map_or(1, |ratio| -ratio),
        ProtectionOrder::LastSuccess => one.last_success_at.map_or(-1, millis),
        ProtectionOrder::NextRun => one.next_run_at.map_or(i64::MAX, millis),
        ProtectionOrder::Arn => 0,
    };
    (key, one.arn.clone())
}

pub(in crate::ledger) async fn pages_of_protection_are_what_a_model_says(ledger: &Ledger) {
    let mut runner = TestRunner::deterministic();
    let mut databases: BTreeMap<String, DatabaseProtection> = BTreeMap::new();
    for turn in 0..4 {
        // Some change from look to look, some stay, some go.
        databases.retain(|arn, _| turn % 2 == 0 || arn.len() % 3 != turn);
        let some = prop::collection::vec(some_protection(), 90).new_tree(&mut runner).unwrap().current();
        databases.extend(some.into_iter().map(|one| (one.arn.clone(), one)));
        let new =
            NewLook { as_of: at(NOW), ..look(i64::try_from(turn).unwrap(), databases.values().cloned().collect()) };
        assert!(ledger.keep_look(new).await.unwrap());
        for _ in 0..60 {
            let query = some_query().new_tree(&mut runner).unwrap().current();
            let (order, size) = (prop::sample::select(ProtectionOrder::ALL.to_vec()), 1usize..40);
            let (order, size) = (order, size).new_tree(&mut runner).unwrap().current();
            let mut expected: Vec<_> = databases.values().filter(|one| fits(&query, one)).cloned().collect();
            expected.sort_by_key(|one| order_of(order, one));
            assert_eq!(all(ledger, &query, order, size).await, expected, "{query:?} {order:?} {size}");
            let counts = ledger.count_protection(&query, at(0)).await.unwrap();
            let count = |verdict| i64::try_from(expected.iter().filter(|one| one.verdict == verdict).count()).unwrap();
            assert_eq!(
                [counts.protected, counts.at_risk, counts.not_protected, counts.unknown],
                ProtectionVerdict::ALL.map(count),
                "{query:?}"
            );
            assert_eq!(counts.matching, i64::try_from(expected.len()).unwrap());
            let found: i64 = counts.findings.iter().map(|(_, count)| count).sum();
            assert_eq!(found, i64::try_from(expected.iter().filter(|one| !one.findings.is_empty()).count()).unwrap());
        }
    }
}

pub(in crate::ledger) async fn a_list_of_protection_goes_on_while_it_is_judged_again(ledger: &Ledger) {
    let databases = |summary: &str, from: u32| -> Vec<DatabaseProtection> {
        let one = |id| DatabaseProtection {
            summary: summary.into(),
            last_success_at: Some(at(i64::from(id))),
            ..protection(&format!("db-{id:03}"))
        };
        (from..60).map(one).collect()
    };
    ledger.keep_look(look(0, databases("first", 0))).await.unwrap();
    let query = ProtectionQuery::default();
    let first = ledger.list_protection(&query, ProtectionOrder::LastSuccess, 25, None).await.unwrap();
    ledger.keep_look(look(1, databases("second", 10))).await.unwrap();
    let rest = ledger.list_protection(&query, ProtectionOrder::LastSuccess, 100, first.next).await.unwrap();
    let told: Vec<_> = first.databases.iter().chain(&rest.databases).map(|it| it.name.clone()).collect();
    assert_eq!(told, (0..60).map(|id| format!("db-{id:03}")).collect::<Vec<_>>());
}

pub(in crate::ledger) async fn memberships_go_on_from_look_to_look(ledger: &Ledger) {
    let rule = RuleTiming {
        id: "r1".into(),
        name: "daily".into(),
        schedule: "cron(0 5 ? * * *)".into(),
        zone: String::new(),
        start_minutes: 60,
        retention: Retention::Days(35),
    };
    let timing = PlanTiming { rules: vec![rule] };
    let member = |name: &str, until: i64| Membership {
        scope: scope("us-east-1"),
        database: DatabaseIdentity { arn: arn(name), made: "db-ONE".into() },
        plan_id: "p1".into(),
        plan_arn: String::new(),
        plan_name: "nightly".into(),
        rule_id: "r1".into(),
        selection_ids: vec!["s".into()],
        timing: timing.digest(),
        resource_type: ResourceType::RDS,
        vault_arn: String::new(),
        passed_over: None,
        since: at(5),
        until: at(until),
    };
    let timings: BTreeMap<String, PlanTiming> =
        [(timing.digest(), timing.clone()), ("unused".into(), PlanTiming { rules: Vec::new() })].into();
    let mut members = Members {
        current: vec![member("seen", NOW), member("in-doubt", NOW - 50)],
        ended: vec![member("seen", 77)],
        timings,
    };
    assert!(ledger.keep_look(NewLook { members: members.clone(), ..look(0, Vec::new()) }).await.unwrap());
    members.timings.remove("unused");
    let kept = async || {
        let mut kept = ledger.members(&last(ledger).await).await.unwrap();
        kept.current.sort_by_key(|member| std::cmp::Reverse(member.database.arn.clone()));
        kept
    };
    assert_eq!(kept().await, members);
    // The next look sees one of them still, which is not written again.
    let next = Members { current: vec![member("seen", NOW + 1)], ended: Vec::new(), timings: members.timings.clone() };
    assert!(ledger.keep_look(NewLook { members: next.clone(), ..look(1, Vec::new()) }).await.unwrap());
    assert_eq!(kept().await, next);
    assert!(ledger.keep_look(look(2, Vec::new())).await.unwrap());
    assert_eq!(kept().await, Members::default());
}

pub(in crate::ledger) async fn a_history_has_the_jobs_that_verdicts_hang_on(ledger: &Ledger) {
    use JobState as S;
    let made = |id: &str, name: &str, rule: &str, created: i64, state: S| {
        let by = PlanOrigin { plan_id: "p1".into(), rule_id: rule.into(), ..PlanOrigin::default() };
        let created_by = (!rule.is_empty()).then_some(JobOrigin::Plan(by));
        (Job { created_by, state, resource_arn: Some(arn(name)), ..job(id, created) }, at(created))
    };
    let mut tellings = vec![
        made("old", "one", "r1", 1, S::Completed),
        made("done", "one", "r1", 2, S::Completed),
        made("failed", "one", "r1", 3, S::Failed),
        made("runs", "one", "r1", 4, S::Running),
        made("by-hand", "one", "", 5, S::Completed),
        made("other", "two", "r1", 6, S::Completed),
    ];
    tellings.extend((0..150).map(|index| made(&format!("f-{index:03}"), "three", "r1", 10 + index, S::Expired)));
    ledger.learn(tellings).await.unwrap();
    let arns = ["one", "three", "none"].map(arn);
    let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
    let found = ledger.histories(&scope("us-east-1"), &arns).await.unwrap();
    let ids = |name: &str| found[&arn(name)].iter().map(|job| job.id.as_str().to_owned()).collect::<BTreeSet<_>>();
    let expected: BTreeSet<String> = ["by-hand", "done", "failed", "runs"].map(str::to_owned).into();
    assert_eq!(ids("one"), expected);
    let newest: BTreeSet<String> = (50..150).map(|index| format!("f-{index:03}")).collect();
    assert_eq!(ids("three"), newest);
    assert_eq!((ids("none").len(), found.len()), (0, 3));
    assert_eq!(ledger.histories(&scope("eu-west-1"), &arns).await.unwrap()[&arn("one")], []);
}
