//! What a legal hold is told to keep and is called: nothing twice, nothing that can never be kept without a word, and who
//! slips is told what was meant.

use strongroom::proto::{
    CancelLegalHoldRequest, CreateLegalHoldRequest, CreateLegalHoldResponse, GetLegalHoldRequest,
    GetProtectedResourceRequest, RecoveryPointSelection,
};
use tonic::{Code, Status};

use crate::{
    backups::{VAULT, prepared, recovery_point},
    harness::{LABS, World, reason, told},
};

const MEMBER: &str = "arn:aws:rds:us-east-1:123456789012:db:aurora-billing-1";
const NOWHERE: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-fcj-lab";

fn of(vaults: &[&str], resources: &[&str], types: &[&str]) -> RecoveryPointSelection {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    RecoveryPointSelection {
        vaults: texts(vaults),
        resources: texts(resources),
        resource_types: texts(types),
        ..Default::default()
    }
}

async fn create(
    world: &World,
    selection: RecoveryPointSelection,
    validate_only: bool,
) -> Result<CreateLegalHoldResponse, Status> {
    let request = CreateLegalHoldRequest {
        title: "case 7".into(),
        description: "lawsuit".into(),
        recovery_point_selection: Some(selection),
        validate_only,
        ..Default::default()
    };
    Ok(world.legal_holds().create_legal_hold(request).await?.into_inner())
}

#[tokio::test]
async fn what_a_hold_names_twice_or_with_a_wildcard_is_refused_at_its_place() {
    let world = prepared().await;
    recovery_point(&world).await;
    let vault_arn = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";
    let volumes = "arn:aws:ec2:us-east-1:123456789012:volume/*";
    for validate_only in [true, false] {
        for (selection, field, says) in [
            (of(&[VAULT, VAULT], &[], &[]), "vaults[1]", "give it once"),
            (of(&[vault_arn, VAULT], &[], &[]), "vaults[1]", "give it once"),
            (of(&[], &[LABS, LABS], &[]), "resources[1]", "give it once"),
            (of(&[], &["rdspg-fcj-labs", LABS], &[]), "resources[1]", "give it once"),
            (of(&[], &[], &["RDS", "EFS", "RDS"]), "resource_types[2]", "give it once"),
            (of(&[], &[volumes], &[]), "resources[0]", "no wildcards here"),
        ] {
            let fault = create(&world, selection, validate_only).await.unwrap_err();
            assert_eq!(reason(&fault).0, Code::InvalidArgument, "{field}");
            assert_eq!(told(&fault).fields, [format!("recovery_point_selection.{field}")]);
            assert!(fault.message().contains(says), "{}", fault.message());
        }
    }
}

#[tokio::test]
async fn a_resource_of_which_nothing_can_be_kept_is_told() {
    let world = prepared().await;
    recovery_point(&world).await;
    for validate_only in [true, false] {
        for (resources, code, field) in [
            (&["aurora-billing-1"][..], "CLUSTER_MEMBER", "resources[0]"),
            (&[LABS, MEMBER], "CLUSTER_MEMBER", "resources[1]"),
            (&[NOWHERE], "RESOURCE_NOT_FOUND", "resources[0]"),
        ] {
            let found = create(&world, of(&[], resources, &[]), validate_only).await.unwrap().findings;
            let finding = found.iter().find(|finding| finding.code == code).unwrap_or_else(|| panic!("{found:?}"));
            assert_eq!(finding.field, format!("recovery_point_selection.{field}"));
        }
    }
    // GetProtectedResource says it in the same words.
    for resource in ["aurora-billing-1", MEMBER] {
        let request = GetProtectedResourceRequest { resource: resource.into(), ..Default::default() };
        let none = world.resources().get_protected_resource(request).await.unwrap_err();
        assert_eq!(reason(&none), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
        assert!(none.message().contains("is an instance of cluster aurora-billing: "), "{}", none.message());
    }
}

#[tokio::test]
async fn a_hold_in_other_letters_is_asked_about_and_one_that_is_not_there_is_told_as_missing() {
    let world = prepared().await;
    let hold = create(&world, of(&[VAULT], &[], &[]), false).await.unwrap().legal_hold.unwrap();
    for (name, meant) in [
        (hold.id.to_uppercase(), &hold.id),
        (hold.arn.replace(&hold.id, &hold.id.to_uppercase()), &hold.id),
        ("Case 7".to_owned(), &hold.title),
    ] {
        let request = GetLegalHoldRequest { legal_hold: name.clone(), ..Default::default() };
        let missing = world.legal_holds().get_legal_hold(request).await.unwrap_err();
        assert_eq!(reason(&missing), (Code::NotFound, "LEGAL_HOLD_NOT_FOUND".into()), "{name}");
        assert!(missing.message().contains(&format!("did you mean {meant}?")), "{}", missing.message());
    }
    let request = CancelLegalHoldRequest {
        legal_hold: "Case 7".into(),
        reason: "settled".into(),
        allow_missing: true,
        ..Default::default()
    };
    let nothing = world.legal_holds().cancel_legal_hold(request).await.unwrap().into_inner();
    assert_eq!((nothing.legal_hold, nothing.findings[0].code.as_str()), (None, "NOTHING_WAS_THERE"));
    assert!(nothing.findings[0].message.contains("did you mean case 7?"), "{:?}", nothing.findings);
}
