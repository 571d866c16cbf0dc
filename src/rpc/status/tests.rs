use std::fmt::Write as _;

use super::{
    wait::{LONGEST_WAIT, spread},
    *,
};
use crate::{
    aws::FailureKind,
    domain::{ApprovalState, Noun, Violation},
};

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
    let mut failure = failed(FailureKind::Throttled, Noun::Vault);
    assert_eq!(reasons::of_failure(&failure), ErrorReason::AwsThrottled);
    failure.effect = Effect::Unknown;
    let status = Status::from(Failure::Aws(failure.into()));
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_details_error_info().unwrap().reason, "OUTCOME_UNKNOWN");
    assert!(status.get_details_retry_info().is_some());
}

#[test]
fn every_obstacle_is_a_violation_and_what_does_not_fit_is_counted() {
    let named = |code| Finding::error(code, "the name orders is taken", "choose another");
    let findings = [Finding::info("A_B", "fine"), named("NAME_TAKEN"), named("C_D")];
    let told = |findings: &[Finding]| {
        let refusal = Refusal::preflight(Noun::RecoveryPoint, "the-arn", findings)?;
        Some(Status::from(Failure::from(refusal)))
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

#[test]
fn a_refusal_of_our_own_names_no_operation_of_aws() {
    let refusal = Refusal::of(RefusalKind::Locked, Noun::Vault, "the-name", "vault the-name is locked");
    let status = Status::from(Failure::from(refusal));
    assert!(status.get_details_error_info().unwrap().metadata.is_empty(), "{status:?}");
    let failure = failed(FailureKind::Locked, Noun::Vault);
    let metadata = Status::from(Failure::Aws(failure.into())).get_details_error_info().unwrap().metadata;
    assert_eq!(metadata["aws_operation"], "DoSomething");
}

#[test]
fn an_error_of_a_change_names_its_request_id_where_that_stands_for_the_change() {
    let told = |failure: Failure, id: &str| {
        let status = failure.of_change(id);
        let metadata = status.get_details_error_info().unwrap().metadata;
        (metadata.get("request_id").cloned(), status.message().to_owned())
    };
    let id = "6f1c2d3e-0000-4000-8000-5b6a79880000";
    let (named, message) = told(Failure::CutOff, id);
    assert_eq!(named.as_deref(), Some(id));
    assert!(message.ends_with(&format!("repeat the call with request_id {id}")), "{message}");
    assert_eq!(told(Failure::RetryWithoutRequestId, id).0, None);
    let (long, _) = told(Failure::Overloaded(Full::of_calls()), &"x".repeat(100_000));
    assert_eq!(long.unwrap().len(), 36, "a header is no place for what is no id");
}

#[test]
fn what_no_waiting_mends_tells_the_retries_of_libraries_to_stop() {
    let pushback = |kind| {
        let status = Status::from(Failure::Aws(failed(kind, Noun::Vault).into()));
        assert_eq!(status.code(), Code::ResourceExhausted);
        status.metadata().get(RETRY_PUSHBACK).map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(pushback(FailureKind::Quota).as_deref(), Some("-1"));
    let told: u64 = pushback(FailureKind::Throttled).unwrap().parse().unwrap();
    assert!((2000..=4000).contains(&told), "{told}");
}

#[test]
fn a_wait_is_never_shorter_than_meant_and_the_trailer_says_the_same_as_the_details() {
    let second = Duration::from_secs(1);
    assert_eq!([spread(second, 0.0), spread(second, 0.5), spread(second, 1.0)], [second, second * 3 / 2, second * 2]);
    assert_eq!(spread(Duration::MAX, 1.0), LONGEST_WAIT * 2);
    for failure in [Failure::Overloaded(Full::of_calls()), Failure::ShuttingDown, Failure::CutOff] {
        let status = Status::from(failure);
        let wait = status.get_details_retry_info().unwrap().retry_delay.unwrap();
        let pushback = status.metadata().get(RETRY_PUSHBACK).unwrap().to_str().unwrap();
        assert_eq!(pushback.parse(), Ok(wait.as_millis()), "{status:?}");
    }
}

#[test]
fn a_forged_page_token_is_a_fault_of_its_field() {
    let status = Status::from(Failure::from(Refusal::page_token()));
    assert_eq!(status.get_details_error_info().unwrap().reason, "INVALID_REQUEST");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), ["page_token"]);
}

/// Every row of the table of errors, as a client reads it. A change here is a change of the API.
#[test]
fn the_table_of_errors() {
    const FAILURES: &[FailureKind] = &[
        FailureKind::Rejected,
        FailureKind::NotFound,
        FailureKind::MissingOrDenied,
        FailureKind::AlreadyExists,
        FailureKind::State,
        FailureKind::NotEmpty,
        FailureKind::Locked,
        FailureKind::Held,
        FailureKind::HasSelections,
        FailureKind::NotCancellable,
        FailureKind::Busy,
        FailureKind::Unsupported,
        FailureKind::RoleNotAssumable,
        FailureKind::RequestIdReused,
        FailureKind::Conflict,
        FailureKind::Denied,
        FailureKind::Credentials,
        FailureKind::AccountNotReachable,
        FailureKind::Throttled,
        FailureKind::Quota,
        FailureKind::Unavailable,
        FailureKind::OutOfTime,
        FailureKind::Malformed,
    ];
    const REFUSALS: &[RefusalKind] = &[
        RefusalKind::NotFound,
        RefusalKind::AlreadyExists,
        RefusalKind::Ambiguous,
        RefusalKind::RequestIdReused,
        RefusalKind::EtagMismatch,
        RefusalKind::Preflight,
        RefusalKind::State,
        RefusalKind::NotEmpty,
        RefusalKind::Locked,
        RefusalKind::Held,
        RefusalKind::NotCancellable,
        RefusalKind::RoleNotAssumable,
        RefusalKind::NotDeleted,
        RefusalKind::NotChanged,
        RefusalKind::Conflict,
        RefusalKind::Unsupported,
        RefusalKind::AccountNotReachable,
        RefusalKind::ScopeNotAllowed,
        RefusalKind::NoRegion,
        RefusalKind::PageToken,
    ];
    const NOUNS: &[Noun] = &[
        Noun::Vault,
        Noun::Plan,
        Noun::Selection,
        Noun::Job,
        Noun::RecoveryPoint,
        Noun::Resource,
        Noun::Role,
        Noun::LegalHold,
        Noun::Account,
        Noun::Incident,
        Noun::Approval,
    ];
    let mut table = String::new();
    for kind in FAILURES {
        // The noun counts where it decides the reason.
        let by_noun = matches!(kind, FailureKind::NotFound | FailureKind::AlreadyExists);
        for noun in if by_noun { NOUNS } else { &NOUNS[..1] } {
            row(&mut table, &format!("{kind:?} {noun:?}"), Failure::Aws(failed(*kind, *noun).into()));
        }
    }
    for kind in [FailureKind::Throttled, FailureKind::Unavailable, FailureKind::Malformed, FailureKind::Rejected] {
        let failure = aws::Failure { effect: Effect::Unknown, ..failed(kind, Noun::Vault) };
        row(&mut table, &format!("{kind:?}, effect unknown"), Failure::Aws(failure.into()));
    }
    for kind in REFUSALS {
        let refusal = Refusal::of(*kind, Noun::Vault, "the-name", "what we say");
        row(&mut table, &format!("refused: {kind:?}"), refusal.into());
    }
    let invalid = Invalid::of("name", "is required: give a vault name");
    row(&mut table, "Invalid", Failure::Invalid(invalid));
    row(&mut table, "Overloaded", Failure::Overloaded(Full::of_calls()));
    row(&mut table, "ShuttingDown", Failure::ShuttingDown);
    row(&mut table, "Deadline of a read", Failure::Deadline(Effect::None));
    row(&mut table, "NotBegun", Failure::NotBegun("the message did not come in time"));
    row(&mut table, "TooLarge", Failure::TooLarge("the request has 300000 bytes".into()));
    row(&mut table, "UnknownMethod", Failure::UnknownMethod("/some.Service/Nothing".into()));
    row(&mut table, "UnknownEncoding", Failure::UnknownEncoding("snappy".into()));
    row(&mut table, "RequestIdTaken", Failure::RequestIdTaken);
    row(&mut table, "Deadline of a change", Failure::Deadline(Effect::Unknown));
    let point = Arn::parse("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1").unwrap();
    row(&mut table, "StalePlan", Failure::StalePlan(point));
    row(&mut table, "CutOff", Failure::CutOff);
    row(&mut table, "RetryWithoutRequestId", Failure::RetryWithoutRequestId);
    let text = || "what the door says".to_owned();
    row(&mut table, "NoCredentials", Failure::NoCredentials(text()));
    row(&mut table, "BadCredentials", Failure::BadCredentials(text()));
    row(&mut table, "IssuerUnavailable", Failure::IssuerUnavailable(text()));
    row(&mut table, "AccessDenied", Failure::AccessDenied(text()));
    row(&mut table, "RateLimited", Failure::RateLimited(text(), Duration::from_secs(1)));
    row(&mut table, "AuditUnavailable", Failure::AuditUnavailable(text()));
    row(&mut table, "AuditNotKept", Failure::AuditNotKept);
    row(&mut table, "PoliciesNotKept", Failure::PoliciesNotKept);
    let forbidden = |policies: &[&str], broken| {
        let policies = policies.iter().map(|&id| id.to_owned()).collect();
        let thing = "Vault::\"arn\"".to_owned();
        Failure::Forbidden(Forbidden { caller: text(), action: "GetVault".to_owned(), thing, policies, broken })
    };
    row(&mut table, "Forbidden by none", forbidden(&[], false));
    row(&mut table, "Forbidden by some", forbidden(&["a.cedar:1", "a.cedar:2"], false));
    row(&mut table, "Forbidden by what is broken", forbidden(&["a.cedar:1"], true));
    let down = ledger::Error::Down("disk I/O error".to_owned());
    for reason in [
        ErrorReason::ApprovalRequired,
        ErrorReason::ApprovalNotNeeded,
        ErrorReason::ApprovalClosed,
        ErrorReason::ApprovalStale,
        ErrorReason::SecondPersonRequired,
    ] {
        let so = Some(("7f8a1c52".to_owned(), ApprovalState::Pending));
        row(&mut table, &format!("{reason:?}"), TwoPersons::new(reason, "DeleteVault", text(), so).into());
    }
    row(&mut table, "LedgerUnavailable", Failure::LedgerUnavailable(down));
    row(&mut table, "ScopeNotFollowed", Failure::ScopeNotFollowed(text()));
    row(&mut table, "ResumeTokenExpired", Failure::ResumeTokenExpired("the ledger is another one"));
    insta::assert_snapshot!(table);
}

fn failed(kind: FailureKind, noun: Noun) -> aws::Failure {
    let failure = aws::Failure::told("DoSomething", kind, "what AWS says").about(noun, "the-name");
    aws::Failure { aws_code: Some("SomeException".into()), ..failure }
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
