use jiff::Timestamp;

use crate::call::{AwsError, Call};
use crate::iam::ACTIONS;
use crate::query::Form;
use crate::world::World;

const ROLE: &str = "arn:aws:iam::123456789012:role/platform/Strongroom";
const USER: &str = "arn:aws:iam::123456789012:user/sandbox";
const VAULT: &str = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";
const OTHER: &str = "arn:aws:backup:us-east-1:123456789012:backup-vault:other";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}"#;

fn call(world: &mut World, action: &str, params: &[(&str, &str)]) -> Result<String, AwsError> {
    let form = Form::of_pairs(params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let (_, handler) = ACTIONS.iter().find(|(name, _)| *name == action).expect("a served action");
    let at = Call::at(Timestamp::from_second(1_700_000_000).expect("a time"));
    handler(world, &at, &form).map(|xml| xml.as_str().to_owned())
}

/// A role that may do what the statements say.
fn world(statements: &str, more: &[(&str, &str)]) -> World {
    let mut world = World::default();
    let role = [("RoleName", "Strongroom"), ("Path", "/platform/"), ("AssumeRolePolicyDocument", TRUST)];
    let role: Vec<(&str, &str)> = role.into_iter().chain(more.iter().copied()).collect();
    call(&mut world, "CreateRole", &role).expect("a role");
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let put = [("RoleName", "Strongroom"), ("PolicyName", "own"), ("PolicyDocument", document.as_str())];
    call(&mut world, "PutRolePolicy", &put).expect("a policy");
    world
}

fn simulated(world: &mut World, params: &[(&str, &str)]) -> Result<String, AwsError> {
    let source = [("PolicySourceArn", ROLE)];
    let params: Vec<(&str, &str)> = source.into_iter().chain(params.iter().copied()).collect();
    call(world, "SimulatePrincipalPolicy", &params)
}

#[test]
fn an_action_has_one_result_and_in_it_one_for_each_resource() {
    let mut world = world(
        r#"{"Effect":"Allow","Action":"backup:Describe*","Resource":"arn:aws:backup:*:*:backup-vault:prod"}"#,
        &[],
    );
    let asked = [
        ("ActionNames.member.1", "backup:DescribeBackupVault"),
        ("ResourceArns.member.1", VAULT),
        ("ResourceArns.member.2", OTHER),
    ];
    let told = simulated(&mut world, &asked).expect("simulated");
    assert_eq!(told.matches("<EvalActionName>").count(), 1);
    let whole = "<EvalResourceName>arn:${Partition}:backup:${Region}:${Account}:backup-vault:${BackupVaultName}\
                 </EvalResourceName><EvalDecision>implicitDeny</EvalDecision>";
    assert!(told.contains(whole), "{told}");
    let prod = format!(
        "<EvalResourceName>{VAULT}</EvalResourceName><EvalResourceDecision>allowed</EvalResourceDecision>\
         <MatchedStatements><member><SourcePolicyId>role_Strongroom_own</SourcePolicyId>\
         <SourcePolicyType>role</SourcePolicyType></member></MatchedStatements>"
    );
    assert!(told.contains(&prod), "{told}");
    assert!(told.contains(&format!("{OTHER}</EvalResourceName><EvalResourceDecision>implicitDeny")), "{told}");
    let everything = simulated(&mut world, &asked[..1]).expect("simulated");
    assert!(!everything.contains("ResourceSpecificResults"), "{everything}");
    assert!(everything.contains("<EvalResourceName>*</EvalResourceName>"), "{everything}");
}

#[test]
fn conditions_are_judged_by_the_context_and_what_it_lacks_is_told() {
    let statement = r#"{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"backup.amazonaws.com"}}}"#;
    let mut world = world(statement, &[]);
    let asked = [("ActionNames.member.1", "iam:PassRole")];
    let told = simulated(&mut world, &asked).expect("simulated");
    assert!(told.contains("implicitDeny") && told.contains("<member>iam:PassedToService</member>"), "{told}");
    let context = |service, kind| {
        [
            asked[0],
            ("ContextEntries.member.1.ContextKeyName", "iam:PassedToService"),
            ("ContextEntries.member.1.ContextKeyValues.member.1", service),
            ("ContextEntries.member.1.ContextKeyType", kind),
        ]
    };
    let told = simulated(&mut world, &context("backup.amazonaws.com", "string")).expect("simulated");
    assert!(told.contains("<EvalDecision>allowed") && told.contains("<MissingContextValues></MissingContextValues>"));
    let told = simulated(&mut world, &context("ec2.amazonaws.com", "string")).expect("simulated");
    assert!(told.contains("<EvalDecision>implicitDeny"), "{told}");
    let error = simulated(&mut world, &context("x", "text")).expect_err("no such type");
    assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
}

#[test]
fn a_boundary_bounds_and_further_policies_are_heard() {
    let bound = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"backup:List*","Resource":"*"}]}"#;
    let mut world = world(r#"{"Effect":"Allow","Action":"backup:*","Resource":"*"}"#, &[]);
    let asked =
        [("ActionNames.member.1", "backup:ListBackupVaults"), ("ActionNames.member.2", "backup:DeleteBackupVault")];
    let with = [asked[0], asked[1], ("PermissionsBoundaryPolicyInputList.member.1", bound)];
    let told = simulated(&mut world, &with).expect("simulated");
    let inside = "<EvalDecision>allowed</EvalDecision>";
    let outside = "<EvalDecision>implicitDeny</EvalDecision>";
    assert!(told.contains(inside) && told.contains(outside), "{told}");
    assert!(
        told.contains("<AllowedByPermissionsBoundary>false<") && told.contains("<AllowedByPermissionsBoundary>true<")
    );
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let told = simulated(&mut world, &[asked[0], ("PolicyInputList.member.1", deny)]).expect("simulated");
    assert!(told.contains("explicitDeny") && told.contains("PolicyInputList.1"), "{told}");
    let none = world_bounded_by_nothing();
    let told = simulated(&mut { none }, &asked[..1]).expect("simulated");
    assert!(told.contains(outside), "a boundary that is not there bounds all: {told}");
}

fn world_bounded_by_nothing() -> World {
    let gone = [("PermissionsBoundary", "arn:aws:iam::123456789012:policy/gone")];
    world(r#"{"Effect":"Allow","Action":"backup:*","Resource":"*"}"#, &gone)
}

#[test]
fn results_come_in_pages() {
    let mut world = world(r#"{"Effect":"Allow","Action":"backup:*","Resource":"*"}"#, &[]);
    let names: Vec<String> = (1..=5).map(|n| format!("ActionNames.member.{n}")).collect();
    let mut asked: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "backup:ListTags")).collect();
    asked.push(("MaxItems", "2"));
    let (mut seen, mut marker) = (0, None::<String>);
    loop {
        let mut asked = asked.clone();
        asked.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let page = simulated(&mut world, &asked).expect("simulated");
        seen += page.matches("<EvalActionName>").count();
        marker = page.split("<Marker>").nth(1).and_then(|rest| rest.split('<').next()).map(str::to_owned);
        assert_eq!(page.contains("<IsTruncated>true"), marker.is_some());
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, 5);
}

#[test]
fn whoever_the_sandbox_is_may_do_everything_and_others_are_refused_as_aws_does() {
    let mut world = world(r#"{"Effect":"Allow","Action":"backup:*","Resource":"*"}"#, &[]);
    let ask = |world: &mut World, source| {
        let params = [("PolicySourceArn", source), ("ActionNames.member.1", "iam:CreateUser")];
        call(world, "SimulatePrincipalPolicy", &params)
    };
    let told = ask(&mut world, USER).expect("simulated");
    assert!(told.contains("<EvalDecision>allowed") && told.contains("AdministratorAccess"), "{told}");
    for (source, status, code) in [
        ("arn:aws:iam::123456789012:role/Strongroom", 404, "NoSuchEntity"),
        ("arn:aws:iam::123456789012:user/somebody", 404, "NoSuchEntity"),
        ("arn:aws:sts::123456789012:assumed-role/Strongroom/pod-1", 400, "InvalidInput"),
        ("arn:aws:iam::123456789012:root", 400, "InvalidInput"),
    ] {
        let error = ask(&mut world, source).expect_err(source);
        assert_eq!((error.status, error.code.as_ref()), (status, code), "{source}: {}", error.message);
    }
    let policy = [("ActionNames.member.1", "backup:ListTags"), ("ResourcePolicy", "{}")];
    let error = simulated(&mut world, &policy).expect_err("not imitated");
    assert!(error.status == 501 && error.message.contains("ResourcePolicy"), "{error:?}");
    for faulty in [("ActionNames.member.1", "backup:*"), ("ActionNames.member.1", "backup")] {
        assert_eq!(simulated(&mut world, &[faulty]).expect_err("faulty").code, "InvalidInput");
    }
}
