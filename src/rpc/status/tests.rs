use std::fmt::Write as _;

use super::*;
use crate::domain::Violation;

#[test]
fn a_thousand_faults_fit_into_a_header() {
    let violations = (0..1000)
        .map(|i| Violation {
            field: format!("resources[{i}]"),
            description: "is not an ARN: it has the form arn:aws".into(),
        })
        .collect();
    let status = Status::from(Failure::Invalid(Invalid { violations }));
    assert!(status.details().len() < 6_000, "{}", status.details().len());
    let told = status.get_details_bad_request().unwrap().field_violations;
    assert!(told.last().unwrap().description.ends_with("more faults"), "{told:?}");
}

#[test]
fn an_unseen_outcome_is_said_whatever_the_last_attempt_answered() {
    let mut error = failed(Kind::Throttled, Noun::Vault);
    assert_eq!(reason_of(&error), ErrorReason::AwsThrottled);
    error.effect = Effect::Unknown;
    let status = Status::from(Failure::Aws(error));
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_details_error_info().unwrap().reason, "OUTCOME_UNKNOWN");
    assert!(status.get_details_retry_info().is_some());
}

#[test]
fn every_obstacle_is_a_violation_and_what_does_not_fit_is_counted() {
    let named = |code| Finding::error(code, "the name orders is taken", "choose another");
    let findings = [Finding::info("A_B", "fine"), named("NAME_TAKEN"), named("C_D")];
    let told = |findings: &[Finding]| {
        let error = aws::Error::preflight("DoSomething", Noun::RecoveryPoint, "the-arn", findings)?;
        Some(Status::from(Failure::Aws(error)))
    };
    assert!(told(&findings[..1]).is_none());
    let status = told(&findings).unwrap();
    assert_eq!(status.message(), "2 obstacles; the first: the name orders is taken");
    let violations = status.get_details_precondition_failure().unwrap().violations;
    let read: Vec<_> = violations.iter().map(|it| (it.r#type.as_str(), it.subject.as_str())).collect();
    assert_eq!(read, [("NAME_TAKEN", "the-arn"), ("C_D", "the-arn")]);
    assert_eq!(violations[0].description, "the name orders is taken: choose another");

    let status = told(&vec![named("NAME_TAKEN"); 500]).unwrap();
    assert!(status.details().len() < 6_000, "{}", status.details().len());
    let violations = status.get_details_precondition_failure().unwrap().violations;
    assert!(violations.last().unwrap().description.ends_with(" more"), "{violations:?}");
}

/// Every row of the table of errors, as a client reads it. A change here is a change of the API.
#[test]
fn the_table_of_errors() {
    const KINDS: &[Kind] = &[
        Kind::Rejected,
        Kind::NotFound,
        Kind::MissingOrDenied,
        Kind::AlreadyExists,
        Kind::State,
        Kind::NotEmpty,
        Kind::Locked,
        Kind::Held,
        Kind::HasSelections,
        Kind::NotCancellable,
        Kind::NotDeleted,
        Kind::Busy,
        Kind::Unsupported,
        Kind::Ambiguous,
        Kind::RoleNotAssumable,
        Kind::Preflight,
        Kind::RequestIdReused,
        Kind::EtagMismatch,
        Kind::Conflict,
        Kind::Denied,
        Kind::Credentials,
        Kind::AccountNotReachable,
        Kind::ScopeNotAllowed,
        Kind::Throttled,
        Kind::Quota,
        Kind::Unavailable,
        Kind::Malformed,
    ];
    const NOUNS: &[Noun] = &[
        Noun::Vault,
        Noun::Plan,
        Noun::Selection,
        Noun::Job,
        Noun::RecoveryPoint,
        Noun::Resource,
        Noun::Role,
        Noun::Account,
    ];
    let mut table = String::new();
    for kind in KINDS {
        // The noun counts where it decides the reason.
        let nouns = if matches!(kind, Kind::NotFound | Kind::AlreadyExists) { NOUNS } else { &NOUNS[..1] };
        for noun in nouns {
            row(&mut table, &format!("{kind:?} {noun:?}"), Failure::Aws(failed(*kind, *noun)));
        }
    }
    for kind in [Kind::Throttled, Kind::Unavailable, Kind::Malformed] {
        let error = aws::Error { effect: Effect::Unknown, ..failed(kind, Noun::Vault) };
        row(&mut table, &format!("{kind:?}, effect unknown"), Failure::Aws(error));
    }
    let invalid = Invalid::of("name", "is required: give a vault name");
    row(&mut table, "Invalid", Failure::Invalid(invalid));
    row(&mut table, "Overloaded", Failure::Overloaded);
    row(&mut table, "ShuttingDown", Failure::ShuttingDown);
    row(&mut table, "Deadline of a read", Failure::Deadline(Effect::None));
    row(&mut table, "Deadline of a change", Failure::Deadline(Effect::Unknown));
    let point = Arn::parse("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1").unwrap();
    row(&mut table, "StalePlan", Failure::StalePlan(point));
    row(&mut table, "CutOff", Failure::CutOff);
    insta::assert_snapshot!(table);
}

fn failed(kind: Kind, noun: Noun) -> aws::Error {
    let mut error = aws::Error::found("DoSomething", kind, noun, "the-name", "what AWS says");
    error.aws_code = Some("SomeException".into());
    error
}

fn row(table: &mut String, what: &str, failure: Failure) {
    let status = Status::from(failure);
    let details = status.get_error_details();
    let carried = [
        ("BadRequest", details.bad_request().is_some()),
        ("PreconditionFailure", details.precondition_failure().is_some()),
        ("QuotaFailure", details.quota_failure().is_some()),
        ("ResourceInfo", details.resource_info().is_some()),
        ("RetryInfo", details.retry_info().is_some()),
    ];
    let carried: Vec<&str> = carried.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    let reason = &details.error_info().unwrap().reason;
    writeln!(table, "{what}\n  {:?} {reason} [{}]\n  {}", status.code(), carried.join(" "), status.message()).unwrap();
}
