//! LegalHoldService over the wire: what a hold keeps and lets go, how it is named, and that repeating does it once.

use prost_types::Timestamp;
use serde_json::json;
use strongroom::proto::{
    CancelLegalHoldRequest, CancelLegalHoldResponse, CreateLegalHoldRequest, CreateLegalHoldResponse,
    DeleteRecoveryPointRequest, Finding, GetLegalHoldRequest, LegalHold, LegalHoldState,
    ListLegalHoldRecoveryPointsRequest, ListLegalHoldsRequest, RecoveryPointSelection, Scope, TimeInterval,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    backups::{VAULT, VOLUME, aws_backup, back_up, prepared, recovery_point},
    harness::{LABS, START, World, reason, request_id, told},
    recovery_point_changes::continuous_point,
};

fn of_vault() -> RecoveryPointSelection {
    RecoveryPointSelection { vaults: vec![VAULT.into()], ..Default::default() }
}

fn titled(title: &str, selection: RecoveryPointSelection) -> CreateLegalHoldRequest {
    CreateLegalHoldRequest {
        title: title.into(),
        description: "lawsuit 2026/7".into(),
        recovery_point_selection: Some(selection),
        ..Default::default()
    }
}

async fn create(world: &World, request: CreateLegalHoldRequest) -> Result<CreateLegalHoldResponse, Status> {
    Ok(world.legal_holds().create_legal_hold(request).await?.into_inner())
}

async fn made(world: &World, request: CreateLegalHoldRequest) -> LegalHold {
    create(world, request).await.unwrap().legal_hold.unwrap()
}

async fn get(world: &World, hold: &str) -> Result<LegalHold, Status> {
    let request = GetLegalHoldRequest { legal_hold: hold.into(), ..Default::default() };
    Ok(world.legal_holds().get_legal_hold(request).await?.into_inner().legal_hold.unwrap())
}

async fn list(world: &World, request: ListLegalHoldsRequest) -> Vec<LegalHold> {
    world.legal_holds().list_legal_holds(request).await.unwrap().into_inner().legal_holds
}

async fn all(world: &World) -> Vec<LegalHold> {
    list(world, ListLegalHoldsRequest::default()).await
}

fn cancelling(hold: &str) -> CancelLegalHoldRequest {
    CancelLegalHoldRequest { legal_hold: hold.into(), reason: "settled".into(), ..Default::default() }
}

async fn cancel(world: &World, request: CancelLegalHoldRequest) -> Result<CancelLegalHoldResponse, Status> {
    Ok(world.legal_holds().cancel_legal_hold(request).await?.into_inner())
}

async fn kept(world: &World, hold: &str) -> Vec<String> {
    let request = ListLegalHoldRecoveryPointsRequest { legal_hold: hold.into(), ..Default::default() };
    let answer = world.legal_holds().list_legal_hold_recovery_points(request).await.unwrap().into_inner();
    answer.recovery_points.into_iter().map(|point| point.arn).collect()
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// Seconds from the start of the world.
fn at(seconds: i64) -> Option<Timestamp> {
    let start: jiff::Timestamp = START.parse().unwrap();
    Some(Timestamp { seconds: start.as_second() + seconds, nanos: 0 })
}

#[tokio::test]
async fn a_hold_keeps_what_is_there_until_it_is_cancelled_and_every_answer_says_so() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let request = CreateLegalHoldRequest { tags: [("case".into(), "7".into())].into(), ..titled("case 7", of_vault()) };
    let shown = create(&world, CreateLegalHoldRequest { validate_only: true, ..request.clone() }).await.unwrap();
    assert_eq!(codes(&shown.findings), ["LEGAL_HOLD_KEEPS"]);
    assert!(shown.findings[0].message.starts_with("it keeps 1 recovery point: "), "{:?}", shown.findings);
    let planned = shown.legal_hold.unwrap();
    assert_eq!((planned.id.as_str(), planned.title.as_str(), planned.tags.len()), ("", "case 7", 1));
    assert!(all(&world).await.is_empty());

    let answer = create(&world, request).await.unwrap();
    assert_eq!(answer.findings, shown.findings, "done and only checked, it says the same");
    let hold = answer.legal_hold.unwrap();
    assert_eq!((hold.state(), hold.state_text.as_str()), (LegalHoldState::Active, "ACTIVE"));
    assert!(hold.arn.ends_with(&format!(":legal-hold:{}", hold.id)) && hold.create_time.is_some());
    assert_eq!((&hold.recovery_point_selection, &hold.tags), (&planned.recovery_point_selection, &planned.tags));
    for name in [hold.id.as_str(), &hold.arn, "case 7", &hold.id.to_uppercase()] {
        let read = get(&world, name).await;
        if name == hold.id.to_uppercase() {
            assert_eq!(read.unwrap_err().code(), Code::NotFound, "AWS's ids are compared as they are");
        } else {
            assert_eq!(read.unwrap(), hold, "{name}");
        }
    }
    assert_eq!(kept(&world, "case 7").await, [point.as_str()]);

    // Neither a caller nor the lifecycle deletes it.
    let delete =
        || DeleteRecoveryPointRequest { vault: VAULT.into(), recovery_point: point.clone(), ..Default::default() };
    let held = world.recovery_points().delete_recovery_point(delete()).await.unwrap_err();
    assert_eq!(reason(&held), (Code::FailedPrecondition, "RECOVERY_POINTS_HELD".into()));
    assert!(held.message().contains(&hold.id), "{}", held.message());

    let dry = cancel(&world, CancelLegalHoldRequest { validate_only: true, ..cancelling("case 7") }).await.unwrap();
    assert_eq!((dry.legal_hold.unwrap(), codes(&dry.findings)), (hold.clone(), vec!["LEGAL_HOLD_LETS_GO"]));
    let request = CancelLegalHoldRequest { retain_record_days: Some(30), ..cancelling("case 7") };
    let answer = cancel(&world, request.clone()).await.unwrap();
    assert_eq!(codes(&answer.findings), ["LEGAL_HOLD_LETS_GO"]);
    let over = answer.legal_hold.unwrap();
    assert_eq!((over.state(), over.cancel_reason.as_str()), (LegalHoldState::Canceled, "settled"));
    assert!(over.cancel_time.is_some() && over.record_delete_time.is_some());
    assert_eq!(over.tags, hold.tags);
    assert!(kept(&world, &hold.id).await.is_empty());
    world.recovery_points().delete_recovery_point(delete()).await.unwrap();

    // Once more: the same, and nothing to say; with another reason AWS keeps the first.
    let again = cancel(&world, request).await.unwrap();
    assert_eq!((again.legal_hold.as_ref(), codes(&again.findings)), (Some(&over), vec![]));
    let other = CancelLegalHoldRequest { reason: "lost".into(), ..cancelling(&hold.id) };
    let other = cancel(&world, other).await.unwrap();
    assert_eq!((other.legal_hold, codes(&other.findings)), (Some(over), vec!["LEGAL_HOLD_CANCELED"]));
}

#[tokio::test]
async fn a_hold_that_would_keep_nothing_or_a_continuous_point_says_so() {
    let world = prepared().await;
    let elsewhere = titled("empty", of_vault());
    for validate_only in [true, false] {
        let empty = create(&world, CreateLegalHoldRequest { validate_only, ..elsewhere.clone() }).await.unwrap();
        assert_eq!(codes(&empty.findings), ["LEGAL_HOLD_KEEPS_NOTHING"], "{validate_only}");
    }
    continuous_point(&world).await;
    for validate_only in [true, false] {
        let request = CreateLegalHoldRequest { validate_only, ..titled("all", of_vault()) };
        let both = create(&world, request).await.unwrap();
        assert_eq!(codes(&both.findings), ["LEGAL_HOLD_OF_CONTINUOUS", "LEGAL_HOLD_KEEPS"], "{validate_only}");
    }
}

#[tokio::test]
async fn what_a_hold_keeps_is_said_by_vaults_resources_types_and_times() {
    let world = prepared().await;
    let labs = recovery_point(&world).await;
    world.advance("PT1H").await;
    let volume = back_up(&world, VOLUME).await.recovery_point_arn;
    let vault_arn = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let within = |start, end| Some(TimeInterval { start_time: at(start), end_time: at(end) });
    let blank = RecoveryPointSelection::default;
    for (number, (selection, expected)) in (0..).zip([
        (RecoveryPointSelection { vaults: texts(&[vault_arn]), ..blank() }, vec![&labs, &volume]),
        (RecoveryPointSelection { resources: texts(&["rdspg-fcj-labs"]), ..blank() }, vec![&labs]),
        (RecoveryPointSelection { resources: texts(&[VOLUME]), ..blank() }, vec![&volume]),
        (RecoveryPointSelection { resource_types: texts(&["EBS"]), ..blank() }, vec![&volume]),
        (
            RecoveryPointSelection { resource_types: texts(&["EBS"]), resources: texts(&[LABS]), ..of_vault() },
            vec![&labs, &volume],
        ),
        (RecoveryPointSelection { create_time: within(0, 3_600), ..blank() }, vec![&labs]),
        (RecoveryPointSelection { resource_types: texts(&["EFS"]), ..of_vault() }, vec![]),
    ]) {
        let request = titled(&format!("case {number}"), selection.clone());
        let dry = create(&world, CreateLegalHoldRequest { validate_only: true, ..request.clone() }).await.unwrap();
        let answer = create(&world, request).await.unwrap();
        assert_eq!(dry.findings, answer.findings, "{selection:?}");
        let hold = answer.legal_hold.unwrap();
        let mut found = kept(&world, &hold.id).await;
        found.sort();
        let mut expected: Vec<_> = expected.into_iter().cloned().collect();
        expected.sort();
        assert_eq!(found, expected, "{selection:?}");
        // Names and ARNs come back in the form that AWS has; spans as they were given.
        let told = hold.recovery_point_selection.unwrap();
        assert_eq!(told.create_time, selection.create_time);
        assert_eq!(told.vaults.is_empty(), selection.vaults.is_empty());
        assert!(told.vaults.iter().all(|vault| vault == VAULT) && told.resource_types == selection.resource_types);
        assert!(told.resources.iter().all(|resource| [LABS, VOLUME].contains(&resource.as_str())), "{told:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_held_is_refused_with_every_fault_at_once() {
    let world = prepared().await;
    let nothing = create(&world, CreateLegalHoldRequest::default()).await.unwrap_err();
    assert_eq!(told(&nothing).fields, ["title", "description", "recovery_point_selection"]);
    let half = RecoveryPointSelection {
        create_time: Some(TimeInterval { start_time: at(0), end_time: None }),
        ..Default::default()
    };
    let half = create(&world, titled("x", half)).await.unwrap_err();
    assert_eq!(told(&half).fields, ["recovery_point_selection.create_time.end_time"]);
    let ahead = RecoveryPointSelection {
        create_time: Some(TimeInterval { start_time: at(0), end_time: at(90_000) }),
        ..Default::default()
    };
    for validate_only in [true, false] {
        let request = CreateLegalHoldRequest { validate_only, ..titled("x", ahead.clone()) };
        let refused = create(&world, request).await.unwrap_err();
        assert_eq!(told(&refused).fields, ["recovery_point_selection.create_time.end_time"]);
        for (selection, reason_of) in [
            (RecoveryPointSelection { vaults: vec!["nowhere".into()], ..Default::default() }, "VAULT_NOT_FOUND"),
            (RecoveryPointSelection { resources: vec!["nothing".into()], ..of_vault() }, "RESOURCE_NOT_FOUND"),
        ] {
            let request = CreateLegalHoldRequest { validate_only, ..titled("x", selection) };
            let missing = create(&world, request).await.unwrap_err();
            assert_eq!(reason(&missing), (Code::NotFound, reason_of.into()));
        }
        let types = RecoveryPointSelection { resource_types: vec!["rdss".into()], ..Default::default() };
        let unknown = create(&world, CreateLegalHoldRequest { validate_only, ..titled("x", types) }).await.unwrap_err();
        assert_eq!(told(&unknown).fields, ["recovery_point_selection.resource_types[0]"]);
        assert!(unknown.message().contains("RDS"), "{unknown:?}");
    }
    let elsewhere = RecoveryPointSelection {
        vaults: vec!["arn:aws:backup:eu-west-1:123456789012:backup-vault:prod".into(), "a vault".into()],
        ..Default::default()
    };
    let scope = Some(Scope { region: "us-east-1".into(), ..Default::default() });
    let refused = create(&world, CreateLegalHoldRequest { scope, ..titled("x", elsewhere) }).await.unwrap_err();
    let at = |index: usize| format!("recovery_point_selection.vaults[{index}]");
    assert_eq!(told(&refused).fields, [at(0), at(1)]);
    assert!(all(&world).await.is_empty());
}

#[tokio::test]
async fn the_same_request_id_makes_one_hold_and_another_request_under_it_is_refused() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    crate::backups::prepare(&world).await;
    recovery_point(&world).await;
    let request = CreateLegalHoldRequest { request_id: request_id(7), ..titled("case 7", of_vault()) };
    world.arm(json!({"operation": "CreateLegalHold", "next": 1, "effect": "drop_after"})).await;
    let lost = create(&world, request.clone()).await.unwrap_err();
    assert_eq!(reason(&lost), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    let first = made(&world, request.clone()).await;
    assert_eq!(made(&world, request.clone()).await, first);
    assert_eq!(all(&world).await.len(), 1);
    for other in [
        CreateLegalHoldRequest { title: "case 8".into(), ..request.clone() },
        CreateLegalHoldRequest { description: "another".into(), ..request.clone() },
        CreateLegalHoldRequest { tags: [("a".into(), "b".into())].into(), ..request.clone() },
        CreateLegalHoldRequest {
            recovery_point_selection: Some(RecoveryPointSelection {
                resource_types: vec!["RDS".into()],
                ..Default::default()
            }),
            ..request.clone()
        },
    ] {
        let reused = create(&world, other).await.unwrap_err();
        assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    }
    assert_eq!(all(&world).await.len(), 1);
    // The answer of the cancellation is lost, too; and a repeated create finds the cancelled hold, and says so.
    world.arm(json!({"operation": "CancelLegalHold", "next": 1, "effect": "drop_after"})).await;
    assert_eq!(cancel(&world, cancelling(&first.id)).await.unwrap_err().code(), Code::Unavailable);
    let cancelled = cancel(&world, cancelling(&first.id)).await.unwrap();
    assert_eq!((cancelled.legal_hold.unwrap().state(), codes(&cancelled.findings)), (LegalHoldState::Canceled, vec![]));
    let again = create(&world, request).await.unwrap();
    assert_eq!(codes(&again.findings), ["LEGAL_HOLD_CANCELED"]);
    assert_eq!(again.legal_hold.unwrap().id, first.id);
}

#[tokio::test]
async fn a_cancellation_that_the_sdk_repeats_by_itself_is_one() {
    let world = prepared().await;
    let hold = made(&world, titled("case 7", of_vault())).await;
    world.arm(json!({"operation": "CancelLegalHold", "next": 1, "effect": "drop_after"})).await;
    let answer = cancel(&world, cancelling(&hold.id)).await.unwrap();
    assert_eq!(answer.legal_hold.unwrap().state(), LegalHoldState::Canceled);
}

#[tokio::test]
async fn a_title_means_one_hold_or_is_ambiguous() {
    let world = prepared().await;
    let first = made(&world, titled("case 7", of_vault())).await;
    let second = made(&world, titled("case 7", of_vault())).await;
    // A title that looks like an id is one all the same.
    let like_an_id = made(&world, titled(&request_id(3), of_vault())).await;
    assert_eq!(get(&world, &request_id(3)).await.unwrap().id, like_an_id.id);
    for refused in [
        get(&world, "case 7").await.unwrap_err(),
        cancel(&world, cancelling("case 7")).await.unwrap_err(),
        world
            .legal_holds()
            .list_legal_hold_recovery_points(ListLegalHoldRecoveryPointsRequest {
                legal_hold: "case 7".into(),
                ..Default::default()
            })
            .await
            .unwrap_err(),
    ] {
        assert_eq!(reason(&refused), (Code::FailedPrecondition, "NAME_AMBIGUOUS".into()));
        assert!(refused.message().contains(&first.id) && refused.message().contains(&second.id), "{refused:?}");
    }
    cancel(&world, cancelling(&first.id)).await.unwrap();
    assert_eq!(get(&world, "case 7").await.unwrap().id, second.id, "the one that holds is meant");
    world.advance("PT1M").await;
    cancel(&world, cancelling("case 7")).await.unwrap();
    let again = cancel(&world, cancelling("case 7")).await.unwrap().legal_hold.unwrap();
    assert_eq!(again.id, second.id, "a repetition means the one that was cancelled last");
    assert_eq!(reason(&get(&world, "case 7").await.unwrap_err()).1, "NAME_AMBIGUOUS");
    let holds = |states: &[LegalHoldState]| ListLegalHoldsRequest {
        states: states.iter().map(|state| (*state).into()).collect(),
        ..Default::default()
    };
    assert_eq!(list(&world, holds(&[LegalHoldState::Active])).await.len(), 1);
    assert_eq!(list(&world, holds(&[LegalHoldState::Canceled, LegalHoldState::Canceling])).await.len(), 2);
    let faulty = world.legal_holds().list_legal_holds(holds(&[LegalHoldState::Unspecified])).await.unwrap_err();
    assert_eq!(told(&faulty).fields, ["states[0]"]);
}

#[tokio::test]
async fn holds_and_what_they_keep_are_listed_page_by_page() {
    let world = prepared().await;
    recovery_point(&world).await;
    back_up(&world, VOLUME).await;
    for number in 0..3 {
        made(&world, titled(&format!("case {number}"), of_vault())).await;
    }
    let mut request = ListLegalHoldsRequest { page_size: 2, ..Default::default() };
    let first = world.legal_holds().list_legal_holds(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = world.legal_holds().list_legal_holds(request).await.unwrap().into_inner();
    assert_eq!((first.legal_holds.len(), second.legal_holds.len()), (2, 1));
    assert!(second.next_page_token.is_empty());
    let mut request =
        ListLegalHoldRecoveryPointsRequest { legal_hold: "case 0".into(), page_size: 1, ..Default::default() };
    let first = world.legal_holds().list_legal_hold_recovery_points(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = world.legal_holds().list_legal_hold_recovery_points(request).await.unwrap().into_inner();
    let points = [first.recovery_points, second.recovery_points].concat();
    let types: Vec<_> = points.iter().map(|point| point.resource_type.as_str()).collect();
    assert_eq!((types, second.next_page_token.as_str()), (vec!["EBS", "RDS"], ""));
    assert!(points.iter().all(|point| point.vault_name == VAULT && point.scope.is_some()));
}

#[tokio::test]
async fn a_hold_that_is_missing_is_not_found_whatever_it_is_called() {
    let world = prepared().await;
    let arn = format!("arn:aws:backup:us-east-1:123456789012:legal-hold:{}", request_id(1));
    for name in [request_id(1).as_str(), &arn, "case 7"] {
        for refused in [
            get(&world, name).await.unwrap_err(),
            cancel(&world, cancelling(name)).await.unwrap_err(),
            cancel(&world, CancelLegalHoldRequest { validate_only: true, ..cancelling(name) }).await.unwrap_err(),
        ] {
            assert_eq!(reason(&refused), (Code::NotFound, "LEGAL_HOLD_NOT_FOUND".into()), "{name}");
            assert_eq!(refused.get_details_resource_info().unwrap().resource_type, "strongroom.v1.LegalHold");
        }
        for validate_only in [true, false] {
            let request = CancelLegalHoldRequest { allow_missing: true, validate_only, ..cancelling(name) };
            let answer = cancel(&world, request).await.unwrap();
            assert_eq!((answer.legal_hold, codes(&answer.findings)), (None, vec!["NOTHING_WAS_THERE"]), "{name}");
        }
    }
    let faulty = CancelLegalHoldRequest { retain_record_days: Some(-1), ..Default::default() };
    let faulty = cancel(&world, faulty).await.unwrap_err();
    assert_eq!(told(&faulty).fields, ["legal_hold", "reason", "retain_record_days"]);
    // Without a record it is gone at once, and the answer tells it as it was.
    let hold = made(&world, titled("case 7", of_vault())).await;
    let request = CancelLegalHoldRequest { retain_record_days: Some(0), ..cancelling("case 7") };
    let answer = cancel(&world, request).await.unwrap().legal_hold.unwrap();
    assert_eq!((answer.id.as_str(), answer.state()), (hold.id.as_str(), LegalHoldState::Canceled));
}

#[tokio::test]
async fn a_fault_that_passes_is_no_absence_and_what_could_not_be_counted_is_said() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    crate::backups::prepare(&world).await;
    recovery_point(&world).await;
    let hold = made(&world, titled("case 7", of_vault())).await;
    for (operation, name) in [("GetLegalHold", hold.id.as_str()), ("ListLegalHolds", "case 7"), ("ListTags", "case 7")]
    {
        for effect in [json!("throttle"), json!("drop_before"), json!({"error": {"status": 503, "code": "x"}})] {
            world.arm(json!({"operation": operation, "next": 1, "effect": effect})).await;
            let passing = get(&world, name).await.unwrap_err();
            assert!(matches!(passing.code(), Code::Unavailable | Code::ResourceExhausted), "{operation}: {passing:?}");
        }
    }
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    for (validate_only, operations) in [
        (true, ["DescribeBackupVault", "ListRecoveryPointsByBackupVault"]),
        (false, ["DescribeBackupVault", "ListRecoveryPointsByLegalHold"]),
    ] {
        for operation in operations {
            for effect in [json!("throttle"), denied.clone()] {
                world.arm(json!({"operation": operation, "next": 1, "effect": effect})).await;
                let request = CreateLegalHoldRequest { validate_only, ..titled("case 8", of_vault()) };
                let answer = create(&world, request).await.unwrap();
                let unseen = answer.findings.iter().find(|finding| finding.code == "NOT_CHECKED");
                let unseen = unseen.unwrap_or_else(|| panic!("{operation} {effect}: {:?}", answer.findings));
                assert_eq!(unseen.action.contains("grant"), effect == denied, "{unseen:?}");
            }
        }
    }
    world.arm(json!({"operation": "ListRecoveryPointsByLegalHold", "next": 1, "effect": "throttle"})).await;
    let answer = cancel(&world, cancelling(&hold.id)).await.unwrap();
    assert_eq!(codes(&answer.findings), ["NOT_CHECKED"]);
    assert_eq!(answer.legal_hold.unwrap().state(), LegalHoldState::Canceled);
}

/// What other tools make has to be told as well: a hold without a selection, and one that names a vault as a resource.
#[tokio::test]
async fn a_hold_that_another_tool_made_is_told() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let hold = aws_backup(&world).create_legal_hold().title("theirs").description("d").send().await.unwrap();
    let read = get(&world, "theirs").await.unwrap();
    assert_eq!(Some(read.id.as_str()), hold.legal_hold_id());
    assert_eq!(read.recovery_point_selection, Some(RecoveryPointSelection::default()));
    assert_eq!(kept(&world, "theirs").await, [point]);
}
