use proptest::prelude::*;

use super::*;
use crate::domain::{AccountId, CopyAction, PlanContent, RegionName, Rule, RuleVault, Windows};

fn now() -> Timestamp {
    "2026-03-02T00:00:00Z".parse().unwrap()
}

fn asked(min: Option<u16>, max: Option<u16>, grace: Option<u16>) -> LockVault {
    let vault = VaultName::parse("prod").unwrap();
    LockVault { vault, min_retention_days: min, max_retention_days: max, changeable_for_days: grace, etag: None }
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn bounds_and_grace_are_aws_own() {
    for (days, fine) in [(0, false), (1, true), (36_500, true), (36_501, false), (i32::MAX, false), (-1, false)] {
        assert_eq!(LockVault::parse_bound(days).is_ok(), fine, "{days}");
    }
    for (days, fine) in [(2, false), (3, true), (36_500, true), (36_501, false), (-3, false)] {
        assert_eq!(LockVault::parse_grace(days).is_ok(), fine, "{days}");
    }
}

#[test]
fn a_lock_is_there_when_it_says_the_same_and_its_date_was_made_just_now() {
    let governance = asked(Some(7), None, None);
    assert!(governance.is_there(&governance.made_at(now()), now()));
    assert!(!governance.is_there(&asked(Some(8), None, None).made_at(now()), now()));
    let compliance = asked(Some(7), None, Some(3));
    assert!(!compliance.is_there(&governance.made_at(now()), now()));
    let made = compliance.made_at(now());
    for (later, there) in [(0, true), (3_599, true), (3_600, false), (86_400, false)] {
        let later = now().checked_add(SignedDuration::from_secs(later)).unwrap();
        assert_eq!(compliance.is_there(&made, later), there, "{later}");
    }
    assert!(!asked(Some(7), None, Some(4)).is_there(&made, now()), "another date is asked for");
}

#[test]
fn neither_an_immutable_lock_nor_a_date_is_replaced_silently() {
    let compliance = asked(Some(7), None, Some(3)).made_at(now());
    assert!(asked(None, None, Some(5)).refusal(&compliance).is_none());
    assert!(asked(None, None, None).refusal(&compliance).unwrap().contains("UnlockVault"));
    assert!(asked(None, None, None).refusal(&asked(Some(7), None, None).made_at(now())).is_none());
    let immutable = VaultLock { immutable: true, ..compliance };
    assert!(asked(None, None, Some(5)).refusal(&immutable).unwrap().contains("2026-03-05T00:00:00Z"));
}

#[test]
fn what_a_lock_takes_away_or_makes_final_is_warned_of() {
    let findings = |lock: &LockVault, before: Option<&VaultLock>| codes(&lock.findings(&lock.made_at(now()), before));
    assert!(findings(&asked(Some(7), Some(90), None), None).is_empty());
    assert_eq!(findings(&asked(None, None, None), None), ["LOCK_WITHOUT_BOUNDS"]);
    assert_eq!(findings(&asked(Some(7), Some(90), Some(3)), None), ["LOCK_IRREVERSIBLE"]);
    assert_eq!(findings(&asked(Some(7), None, Some(3)), None), ["LOCK_IRREVERSIBLE", "LOCK_KEEPS_FOR_EVER"]);
    let before = asked(Some(7), Some(90), Some(4)).made_at(now());
    assert_eq!(
        findings(&asked(Some(7), None, Some(3)), Some(&before)),
        ["LOCK_IRREVERSIBLE", "LOCK_KEEPS_FOR_EVER", "LOCK_BOUND_REMOVED", "LOCK_DATE_MOVED"]
    );
}

fn vault() -> Vault {
    Vault {
        name: "prod".into(),
        arn: "arn:aws:backup:us-east-1:123456789012:backup-vault:prod".into(),
        scope: Scope { account: AccountId::example(), region: RegionName::example() },
        encryption_key_arn: String::new(),
        created_at: None,
        recovery_points: 0,
        lock: None,
        vault_type: String::new(),
        state: String::new(),
        tags: std::collections::BTreeMap::new(),
        request_id: String::new(),
    }
}

fn rule(name: &str, target: &str, retention: Retention, copies: Vec<CopyAction>) -> Rule {
    Rule {
        id: format!("id-{name}"),
        name: name.into(),
        vault: target.into(),
        schedule: String::new(),
        zone: String::new(),
        windows: Windows::DEFAULT,
        lifecycle: Lifecycle::kept(retention),
        recovery_point_tags: std::collections::BTreeMap::new(),
        copies,
        continuous: false,
        air_gapped_vault: None,
        index_types: vec![],
        scan_actions: vec![],
    }
}

#[test]
fn rules_and_copies_into_the_vault_clash_and_others_do_not() {
    let copy = |lifecycle| CopyAction { vault: RuleVault::told(&vault().arn), lifecycle };
    let kept = |retention| Some(Lifecycle::kept(retention));
    let elsewhere = RuleVault::told(&vault().arn.replace("us-east-1", "eu-west-1"));
    let elsewhere = CopyAction { vault: elsewhere, lifecycle: None };
    let rules = vec![
        rule("fine", "prod", Retention::Days(30), vec![]),
        rule("short", "prod", Retention::Days(6), vec![]),
        rule("for-ever", "prod", Retention::Forever, vec![]),
        rule("other", "other", Retention::Days(1), vec![elsewhere]),
        rule("copies", "other", Retention::Days(5), vec![copy(None), copy(kept(Retention::Days(30)))]),
    ];
    let plan = Plan {
        id: "p-1".into(),
        arn: "arn".into(),
        scope: vault().scope,
        etag: String::new(),
        content: PlanContent { name: "plan".into(), rules, settings: vec![], scans: vec![] },
        created_at: None,
        last_run_at: None,
        deleted_at: None,
        tags: std::collections::BTreeMap::new(),
        selections: Vec::new(),
        request_id: String::new(),
    };
    let clashes = RetentionClash::of(&plan, &vault(), &asked(Some(7), Some(90), None).made_at(now()));
    assert!(clashes.iter().all(|clash| clash.scope == vault().scope));
    let told: Vec<_> = clashes.iter().map(|clash| (clash.rule_name.as_str(), clash.copy)).collect();
    assert_eq!(told, [("short", false), ("for-ever", false), ("copies", true)]);
    assert_eq!(
        clashes[0].message,
        "the lock of vault prod allows 7 to 90 days of retention and the backups of rule short of plan plan are kept 6 days: \
         such a job fails"
    );
    assert!(clashes[1].message.contains("of rule for-ever of plan plan are kept for ever"), "{}", clashes[1].message);
    assert!(RetentionClash::finding(&clashes).unwrap().message.starts_with("3 rules and copy actions"));
    assert!(RetentionClash::finding(&[]).is_none());
}

proptest! {
    #[test]
    fn a_lock_allows_just_what_lies_between_its_bounds(
        min in proptest::option::of(1_u16..400),
        max in proptest::option::of(1_u16..400),
        days in 1_u16..400,
    ) {
        let lock = asked(min, max, None).made_at(now());
        let inside = min.is_none_or(|min| days >= min) && max.is_none_or(|max| days <= max);
        prop_assert_eq!(lock.allows(Retention::Days(days)), inside);
        prop_assert_eq!(lock.allows(Retention::Forever), max.is_none());
    }
}
