use super::*;
use crate::domain::{AccountId, Finding, RegionName};

fn scope() -> Scope {
    Scope { account: AccountId::example(), region: RegionName::example() }
}

fn saved(rule: &NewRule) -> Rule {
    Rule::from(rule).within(&scope())
}

fn rule(name: &str, schedule: &str) -> NewRule {
    NewRule {
        name: RuleName::parse(name).unwrap(),
        vault: VaultName::parse("vault").unwrap(),
        schedule: ScheduleText::parse(schedule).unwrap(),
        zone: TimeZone::parse("").unwrap(),
        windows: Windows { start_minutes: 60, completion_minutes: 120 },
        lifecycle: Lifecycle::DEFAULT,
        recovery_point_tags: Tags::default(),
        copies: Vec::new(),
        continuous: false,
        air_gapped_vault: None,
        index_types: Vec::new(),
        scan_actions: Vec::new(),
    }
}

fn found(rules: &[NewRule]) -> Vec<Finding> {
    let rules: Vec<Rule> = rules.iter().map(saved).collect();
    Rule::findings(&rules, "2026-01-01T00:00:00Z".parse().unwrap())
}

#[test]
fn a_plan_is_named_by_id_arn_or_name() {
    let id = "1c2d3e4f-0000-4000-8000-5b6a79880000";
    let upper = id.to_uppercase();
    let name = PlanName::parse(&upper).unwrap();
    assert_eq!(PlanRef::parse(&upper).unwrap().0, PlanRef::IdOrName(id.into(), name), "a name keeps its letters");
    let (plan, scope) = PlanRef::parse(&format!("arn:aws:backup:eu-west-1:123456789012:backup-plan:{id}")).unwrap();
    assert_eq!(plan, PlanRef::Id(id.into()));
    assert_eq!(scope.region.unwrap().as_str(), "eu-west-1");
    let of_policy = format!("orgs/{id}");
    assert_eq!(PlanRef::parse(&of_policy).unwrap().0, PlanRef::Id(of_policy.clone()));
    let arn = format!("arn:aws:backup:eu-west-1:123456789012:backup-plan:{of_policy}");
    assert_eq!(PlanRef::parse(&arn).unwrap().0, PlanRef::Id(of_policy.clone()));
    assert!(check_own_plan(id).is_ok() && check_own_plan(&of_policy).is_err());
    assert!(matches!(PlanRef::parse("daily.prod").unwrap().0, PlanRef::Name(_)));
    for wrong in
        ["", "a b", "orgs/x", "arn:aws:backup:eu-west-1:123456789012:backup-vault:x", "arn:aws:rds:eu-west-1:1:db:x"]
    {
        assert!(PlanRef::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn windows_have_their_bounds() {
    assert!(Windows::parse_start(59).is_err());
    assert_eq!(Windows::parse_start(60), Ok(60));
    assert!(Windows::parse_start(i32::MIN).is_err());
    assert!(Windows::check_completion(119, 60).is_err());
    assert_eq!(Windows::check_completion(120, 60), Ok(120));
}

#[test]
fn a_name_used_twice_is_told_at_the_second_rule() {
    assert_eq!(check_rule_names(&["a", "b"]), Ok(()));
    let faults = check_rule_names(&["a", "b", "a"]).unwrap_err();
    assert_eq!(faults[0].0, "[2].name");
    assert_eq!(check_rule_names(&[]).unwrap_err()[0].1.0, "is required: give 1–10 rules");
    assert_eq!(check_rule_names(&["x"; 11]).unwrap_err()[0].1.0, "has 11 rules: at most 10 are possible");
}

#[test]
fn continuous_backups_are_kept_35_days_at_most() {
    assert_eq!(NewRule::check_continuous(true, &Lifecycle::kept(Retention::Days(35))), Ok(true));
    assert!(NewRule::check_continuous(true, &Lifecycle::kept(Retention::Days(36))).is_err());
    assert!(NewRule::check_continuous(true, &Lifecycle::FOREVER).is_err());
    assert_eq!(NewRule::check_continuous(false, &Lifecycle::FOREVER), Ok(false));
}

#[test]
fn overlapping_rules_are_told_with_the_first_time() {
    let told = found(&[rule("daily", "cron(0 5 ? * * *)"), rule("yearly", "cron(30 5 24 12 ? *)")]);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].code, told[0].field.as_str()), ("RULES_OVERLAP", "rules[1].schedule"));
    assert!(told[0].message.contains("2026-12-24T05:30:00Z"), "{}", told[0].message);
}

#[test]
fn windows_that_only_touch_do_not_overlap() {
    assert_eq!(found(&[rule("a", "cron(0 5 ? * * *)"), rule("b", "cron(0 6 ? * * *)")]), []);
    assert_eq!(found(&[rule("a", "cron(0 4 ? * 2 *)"), rule("b", "cron(0 4 ? * 3 *)")]), []);
}

#[test]
fn a_window_over_midnight_meets_the_next_day() {
    let mut late = rule("late", "cron(0 23 ? * * *)");
    late.windows.start_minutes = 480;
    assert_eq!(found(&[late, rule("early", "cron(0 5 ? * * *)")])[0].code, "RULES_OVERLAP");
}

#[test]
fn a_schedule_of_the_past_cold_storage_and_continuous_backup_surprise() {
    let mut odd = rule("odd", "cron(0 5 ? * * 2020)");
    odd.lifecycle = Lifecycle { cold_after_days: Some(30), ..Lifecycle::FOREVER };
    odd.continuous = true;
    let codes: Vec<_> = found(&[odd]).iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["COLD_STORAGE_IGNORED", "CONTINUOUS_BACKUP_OWNS_RDS_WINDOW", "SCHEDULE_IS_OVER"]);
}

#[test]
fn order_and_ids_do_not_make_a_difference() {
    let content = |rules: &[NewRule]| PlanContent {
        name: "plan".into(),
        rules: rules.iter().map(saved).collect(),
        settings: Vec::new(),
        scans: Vec::new(),
    };
    let (a, b) = (rule("a", ""), rule("b", "cron(0 6 ? * * *)"));
    let mut seen = content(&[b.clone(), a.clone()]);
    seen.rules[0].id = "id".into();
    assert!(content(&[a.clone(), b]).same_as(&seen));
    assert!(!content(&[a.clone(), a]).same_as(&seen));
}

#[test]
fn an_overlap_tells_which_rule_is_dropped() {
    let keeping = |name, schedule, retention| NewRule { lifecycle: Lifecycle::kept(retention), ..rule(name, schedule) };
    let daily = keeping("daily", "cron(0 5 ? * * *)", Retention::Days(35));
    for (other, told) in [
        (
            Retention::Days(365),
            "runs only rule monthly, which keeps for 365 days, and drops the run of rule daily, which keeps for 35 days",
        ),
        (
            Retention::Forever,
            "runs only rule monthly, which keeps for ever, and drops the run of rule daily, which keeps for 35 days",
        ),
        (
            Retention::Days(1),
            "runs only rule daily, which keeps for 35 days, and drops the run of rule monthly, which keeps for 1 day",
        ),
        (Retention::Days(35), "runs one of the two, and does not say which, for both keep for 35 days"),
    ] {
        let warnings = found(&[daily.clone(), keeping("monthly", "cron(0 5 1 * ? *)", other)]);
        assert!(warnings[0].message.ends_with(told), "{}", warnings[0].message);
    }
}

#[test]
fn continuous_rules_of_several_vaults_contradict_each_other() {
    let continuous = |name, vault| NewRule {
        continuous: true,
        vault: VaultName::parse(vault).unwrap(),
        ..rule(name, "cron(0 5 ? * 1 *)")
    };
    let codes = |rules: &[NewRule]| {
        let told = found(rules).into_iter().filter(|warning| warning.code == "CONTINUOUS_IN_SEVERAL_VAULTS");
        told.map(|warning| warning.field).collect::<Vec<_>>()
    };
    assert_eq!(codes(&[continuous("a", "one"), continuous("b", "one")]), [""; 0]);
    assert_eq!(codes(&[continuous("a", "one"), continuous("b", "two")]), ["rules[1].enable_continuous_backup"]);
}

#[test]
fn a_new_retention_stops_the_points_of_a_continuous_rule_and_of_no_other() {
    let days = |name, days, continuous| {
        let lifecycle = Lifecycle::kept(Retention::Days(days));
        saved(&NewRule { lifecycle, continuous, ..rule(name, "") })
    };
    let before = [days("pitr", 7, true), days("daily", 7, false), days("begun", 7, false), days("same", 7, true)];
    let after = [days("daily", 8, false), days("begun", 8, true), days("pitr", 8, true), days("same", 7, true)];
    let told = Rule::change_findings(&before, &after);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].code, told[0].field.as_str()), ("CONTINUOUS_POINT_STOPS", "rules[2].lifecycle"));
}

#[test]
fn a_rule_that_is_gone_is_told_with_what_it_did() {
    let rules = |names: &[&str]| names.iter().map(|name| saved(&rule(name, ""))).collect::<Vec<_>>();
    let told = Rule::change_findings(&rules(&["daily", "weekly"]), &rules(&["weekly", "new"]));
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].code, told[0].field.as_str(), told[0].subject.as_str()), ("RULE_REMOVED", "rules", "daily"));
    let did =
        "what it backed up to vault vault, at cron(0 5 ? * * *) in Etc/UTC, kept for 35 days, it no longer backs up";
    assert!(told[0].message.starts_with(&format!("rule daily is gone from the plan: {did}")), "{}", told[0].message);
}

#[test]
fn a_rule_that_runs_at_other_times_is_told_and_one_that_only_writes_them_otherwise_is_not() {
    let at = |schedule: &str, zone: &str| {
        saved(&NewRule { zone: TimeZone::parse(zone).unwrap(), ..rule("daily", schedule) })
    };
    let changed = |before: &Rule, after: &Rule| {
        let told = Rule::change_findings(std::slice::from_ref(before), std::slice::from_ref(after));
        told.into_iter().map(|finding| (finding.code, finding.field, finding.message)).collect::<Vec<_>>()
    };
    let (was, is) = (at("cron(0 5 ? * * *)", ""), at("cron(0 6 ? * * *)", ""));
    let message = "rule daily runs at cron(0 6 ? * * *) in Etc/UTC now, and ran at cron(0 5 ? * * *) in Etc/UTC before";
    assert_eq!(changed(&was, &is), [("SCHEDULE_CHANGED", "rules[0].schedule".to_owned(), message.to_owned())]);
    let elsewhere = changed(&was, &at("cron(0 5 ? * * *)", "Europe/Berlin"));
    assert_eq!(elsewhere[0].1, "rules[0].schedule_timezone");
    for same in ["cron(00 5 * * ? *)", "cron(0 5 ? * SUN-SAT *)", "cron(0 5 ? jan-dec * 1970-2199)"] {
        assert_eq!(changed(&was, &at(same, "etc/utc")), [], "{same}");
    }
    // One that Strongroom cannot read is compared as it is written.
    let odd = Rule { schedule: "rate(1 day)".into(), ..was.clone() };
    assert_eq!(changed(&odd, &odd), []);
    assert_eq!(changed(&odd, &was)[0].0, "SCHEDULE_CHANGED");
    assert_eq!(changed(&was, &odd)[0].0, "SCHEDULE_CHANGED");
}

#[test]
fn vaults_named_shortly_are_the_plan_s_own_by_their_arns() {
    let near = |vault| Some(VaultRef::parse(vault).unwrap());
    let copy = |vault: &str| CopyAction { vault: VaultRef::parse(vault).unwrap().into(), lifecycle: None };
    let own = "arn:aws:backup:us-east-1:123456789012:backup-vault";
    let far = "arn:aws:backup:eu-west-1:999999999999:backup-vault:far";
    let short = NewRule { copies: vec![copy("near"), copy(far)], air_gapped_vault: near("gapped"), ..rule("a", "") };
    let saved = saved(&short);
    let copies: Vec<_> = saved.copies.iter().map(|copy| copy.vault.to_string()).collect();
    assert_eq!(copies, [&format!("{own}:near"), far]);
    assert_eq!(saved.air_gapped_vault, Some(RuleVault::told(&format!("{own}:gapped"))));
    let long = NewRule {
        copies: vec![copy(far), copy(&format!("{own}:near"))],
        air_gapped_vault: near(&format!("{own}:gapped")),
        ..short.clone()
    };
    let content = |rule| {
        let name = PlanName::parse("plan").unwrap();
        let new = NewPlan { name, rules: vec![rule], tags: Tags::default(), settings: Vec::new(), scans: Vec::new() };
        new.content(&scope(), Vec::new())
    };
    assert!(content(short).same_as(&content(long)));
}

#[test]
fn a_schedule_of_another_tool_that_cannot_be_read_has_no_runs_and_is_told() {
    let mut odd = saved(&rule("odd", ""));
    odd.schedule = "rate(1 day)".into();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(Rule::findings(std::slice::from_ref(&odd), now)[0].code, "SCHEDULE_NOT_READ");
    let rules = [odd];
    let preview = Rule::preview(&rules, now, 5);
    assert!(preview[0].timetable.is_none() && preview[0].runs.is_empty());
}

#[test]
fn a_run_is_overruled_where_a_longer_kept_rule_s_window_meets_its_own() {
    let mut daily = saved(&rule("daily", "cron(0 5 ? * * *)"));
    let mut monthly = saved(&rule("monthly", "cron(30 5 1 * ? *)"));
    monthly.lifecycle = Lifecycle::FOREVER;
    let overruled = |rules: &[Rule]| {
        let preview = Rule::preview(rules, "2026-01-29T12:00:00Z".parse().unwrap(), 4);
        let days = preview[0].runs.iter().filter(|run| run.overruled).map(|run| run.run.at.day());
        assert!(preview[1].runs.iter().all(|run| !run.overruled));
        days.collect::<Vec<_>>()
    };
    assert_eq!(overruled(&[daily.clone(), monthly.clone()]), [1]);
    // The monthly window is open through the night of the day after.
    monthly.windows.start_minutes = 24 * 60;
    assert_eq!(overruled(&[daily.clone(), monthly.clone()]), [1, 2]);
    // A window that closes as the other one opens does not meet it.
    monthly.windows.start_minutes = 23 * 60 + 30;
    assert_eq!(overruled(&[daily.clone(), monthly.clone()]), [1]);
    daily.lifecycle = Lifecycle::FOREVER;
    assert_eq!(overruled(&[daily, monthly]), [0_i8; 0]);
}
