use super::*;
use crate::domain::Severity;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_hold_is_named_by_its_id_its_arn_or_its_title() {
    let parse = |text: &str| LegalHoldRef::parse(text).map(|(named, scope)| (named, scope.region.is_some()));
    let id = "1eb3b5e7-9eb0-435a-a80b-108b488b0d45";
    let arn = format!("arn:aws-us-gov:backup:us-gov-west-1:123456789012:legal-hold:{id}");
    assert_eq!(parse(&arn), Ok((LegalHoldRef::Id(id.into()), true)));
    for name in [id, "Case 7: Ärger, \"urgent\""] {
        assert_eq!(parse(name), Ok((LegalHoldRef::Named(name.into()), false)));
    }
    let long = "x".repeat(257);
    for bad in ["", " ", "a\u{0}b", long.as_str(), "arn:aws:backup:us-east-1:123456789012:backup-vault:prod"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_selection_says_something_and_has_both_ends_of_its_span() {
    let nothing =
        WantedPoints { vaults: Vec::new(), resources: Vec::new(), types: Vec::new(), created: Period::default() };
    let fields = |wanted: &WantedPoints| wanted.faults().iter().map(|(field, _)| field.clone()).collect::<Vec<_>>();
    assert_eq!(fields(&nothing), [""]);
    let within = |after, before| WantedPoints { created: Period { after, before }, ..nothing.clone() };
    assert!(fields(&within(Some(at(1)), Some(at(2)))).is_empty());
    assert_eq!(fields(&within(Some(at(1)), None)), [".create_time.end_time"]);
    assert_eq!(fields(&within(None, Some(at(2)))), [".create_time.start_time"]);
    let types = vec![ResourceType::RDS; MOST_HELD + 1];
    assert_eq!(fields(&WantedPoints { types, ..nothing.clone() }), [""]);
}

#[test]
fn what_is_told_is_an_arn_or_a_type_and_a_point_fits_all_that_is_given() {
    let arn = "arn:aws:rds:us-east-1:123456789012:db:orders";
    let held = HeldSelection::told(
        vec!["prod".into()],
        vec!["EFS".into(), arn.into()],
        Period { after: Some(at(10)), before: Some(at(20)) },
    );
    assert_eq!((held.resources.len(), held.types.len()), (1, 1));
    assert!(held.fits(arn, Some("RDS"), Some(at(10))) && held.fits("other", Some("EFS"), Some(at(19))));
    assert!(!held.fits("other", Some("RDS"), Some(at(15))) && !held.fits(arn, None, None));
    assert!(!held.fits(arn, None, Some(at(20))), "the end is exclusive");
    let turned = HeldSelection { types: vec!["EFS".into(), "EFS".into()], ..held.clone() };
    assert!(turned.same_as(&held) && !HeldSelection::default().same_as(&held));
    assert!(HeldSelection::default().fits(arn, None, None));
}

#[test]
fn what_a_hold_keeps_and_lets_go_is_said() {
    let count = |points, continuous, more| HeldCount { points, continuous, more };
    let codes = |found: Vec<crate::domain::Finding>| found.iter().map(|found| found.code).collect::<Vec<_>>();
    assert_eq!(codes(count(0, 0, false).findings_of_new()), ["LEGAL_HOLD_KEEPS_NOTHING"]);
    assert_eq!(codes(count(0, 0, true).findings_of_new()), ["LEGAL_HOLD_KEEPS"]);
    assert_eq!(codes(count(3, 1, false).findings_of_new()), ["LEGAL_HOLD_KEEPS", "LEGAL_HOLD_OF_CONTINUOUS"]);
    assert!(count(0, 0, false).findings_of_cancelled().is_empty());
    let lets_go = &count(1, 0, true).findings_of_cancelled()[0];
    assert!(lets_go.severity == Severity::Warning && lets_go.message.starts_with("at least 1 recovery point can"));
}

#[test]
fn a_reason_is_given_and_a_number_of_days_is_one() {
    assert!(CancelLegalHold::reason("  ".into()).is_err() && CancelLegalHold::reason("settled".into()).is_ok());
    for (days, good) in [(None, true), (Some(0), true), (Some(36_500), true), (Some(-1), false), (Some(36_501), false)]
    {
        assert_eq!(CancelLegalHold::days(days).is_ok(), good, "{days:?}");
    }
}
