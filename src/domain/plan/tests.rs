use super::*;
use crate::domain::Warning;

fn rule(name: &str, schedule: &str) -> NewRule {
    NewRule {
        name: RuleName::parse(name).unwrap(),
        target_vault: VaultName::parse("vault").unwrap(),
        timetable: Timetable::parse(schedule, "").unwrap(),
        windows: Windows { start_minutes: 60, completion_minutes: 120 },
        lifecycle: Lifecycle::DEFAULT,
        recovery_point_tags: Tags::default(),
        copies: Vec::new(),
        continuous: false,
    }
}

fn warned(rules: &[NewRule]) -> Vec<Warning> {
    NewRule::warnings(rules, "2026-01-01T00:00:00Z".parse().unwrap())
}

#[test]
fn a_plan_is_named_by_id_arn_or_name() {
    let id = "1c2d3e4f-0000-4000-8000-5b6a79880000";
    assert_eq!(PlanRef::parse(&id.to_uppercase()).unwrap().0, PlanRef::Id(id.into()));
    let (plan, scope) = PlanRef::parse(&format!("arn:aws:backup:eu-west-1:123456789012:backup-plan:{id}")).unwrap();
    assert_eq!(plan, PlanRef::Id(id.into()));
    assert_eq!(scope.region.unwrap().as_str(), "eu-west-1");
    assert_eq!(PlanRef::parse(&format!("orgs/{id}")).unwrap().0, PlanRef::Id(format!("orgs/{id}")));
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
    let lifecycle = |retention| Lifecycle { retention, cold_after_days: None };
    assert_eq!(NewRule::check_continuous(true, lifecycle(Retention::Days(35))), Ok(true));
    assert!(NewRule::check_continuous(true, lifecycle(Retention::Days(36))).is_err());
    assert!(NewRule::check_continuous(true, lifecycle(Retention::Forever)).is_err());
    assert_eq!(NewRule::check_continuous(false, lifecycle(Retention::Forever)), Ok(false));
}

#[test]
fn overlapping_rules_are_told_with_the_first_time() {
    let told = warned(&[rule("daily", "cron(0 5 ? * * *)"), rule("yearly", "cron(30 5 24 12 ? *)")]);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].code, told[0].field.as_str()), ("RULES_OVERLAP", "rules[1].schedule"));
    assert!(told[0].message.contains("2026-12-24T05:30:00Z"), "{}", told[0].message);
}

#[test]
fn windows_that_only_touch_do_not_overlap() {
    assert_eq!(warned(&[rule("a", "cron(0 5 ? * * *)"), rule("b", "cron(0 6 ? * * *)")]), []);
    assert_eq!(warned(&[rule("a", "cron(0 4 ? * 2 *)"), rule("b", "cron(0 4 ? * 3 *)")]), []);
}

#[test]
fn a_window_over_midnight_meets_the_next_day() {
    let mut late = rule("late", "cron(0 23 ? * * *)");
    late.windows.start_minutes = 480;
    assert_eq!(warned(&[late, rule("early", "cron(0 5 ? * * *)")])[0].code, "RULES_OVERLAP");
}

#[test]
fn a_schedule_of_the_past_cold_storage_and_continuous_backup_surprise() {
    let mut odd = rule("odd", "cron(0 5 ? * * 2020)");
    odd.lifecycle = Lifecycle { retention: Retention::Forever, cold_after_days: Some(30) };
    odd.continuous = true;
    let codes: Vec<_> = warned(&[odd]).iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["SCHEDULE_IS_OVER", "COLD_STORAGE_IGNORED", "CONTINUOUS_BACKUP_OWNS_RDS_WINDOW"]);
}

#[test]
fn order_and_ids_do_not_make_a_difference() {
    let content = |rules: &[NewRule]| PlanContent {
        name: "plan".into(),
        rules: rules.iter().map(Rule::from).collect(),
        settings: Vec::new(),
    };
    let (a, b) = (rule("a", ""), rule("b", "cron(0 6 ? * * *)"));
    let mut seen = content(&[b.clone(), a.clone()]);
    seen.rules[0].id = "id".into();
    assert!(content(&[a.clone(), b]).same_as(&seen));
    assert!(!content(&[a.clone(), a]).same_as(&seen));
}
