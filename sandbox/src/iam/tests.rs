use super::*;
use crate::call::Call;
use crate::query::Form;
use crate::world::World;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const BACKUP: &str = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";
const ROLE: &str = "arn:aws:iam::123456789012:role/service-role/Backup";

fn at(second: i64) -> Call {
    Call::at(Timestamp::from_second(1_700_000_000 + second).expect("a time"))
}

fn call(world: &mut World, call: &Call, action: &str, params: &[(&str, &str)]) -> Result<String, AwsError> {
    let form = Form::of_pairs(params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let (_, handler) = ACTIONS.iter().find(|(name, _)| *name == action).expect("a served action");
    handler(world, call, &form).map(|xml| xml.as_str().to_owned())
}

fn with_role() -> World {
    let mut world = World::default();
    let params = [("RoleName", "Backup"), ("AssumeRolePolicyDocument", TRUST), ("Path", "/service-role/")];
    call(&mut world, &at(0), "CreateRole", &params).expect("a new role");
    world
}

fn code(result: Result<String, AwsError>) -> (u16, String) {
    let error = result.expect_err("an error");
    (error.status, error.code.into_owned())
}

#[test]
fn a_role_is_created_found_and_listed() {
    let mut world = with_role();
    let got = call(&mut world, &at(1), "GetRole", &[("RoleName", "backup")]).expect("names ignore case");
    assert!(got.contains(&format!("<Arn>{ROLE}</Arn>")), "{got}");
    assert!(got.contains("%22Service%22%3A%22backup.amazonaws.com%22"), "the document is URL-encoded: {got}");
    let listed = call(&mut world, &at(1), "ListRoles", &[]).expect("a list");
    assert!(listed.contains("<RoleName>Backup</RoleName>") && listed.contains("<IsTruncated>false</IsTruncated>"));
}

#[test]
fn a_name_is_taken_whatever_its_case() {
    let mut world = with_role();
    let params = [("RoleName", "BACKUP"), ("AssumeRolePolicyDocument", TRUST)];
    let error = call(&mut world, &at(1), "CreateRole", &params).expect_err("taken");
    assert_eq!((error.status, error.code.as_ref()), (409, "EntityAlreadyExists"));
    assert_eq!(error.message, "Role with name BACKUP already exists.");
}

#[test]
fn all_faults_of_a_request_are_told_at_once() {
    let mut world = World::default();
    let params = [("RoleName", "no spaces"), ("Path", "x"), ("MaxSessionDuration", "5"), ("Tags.member.1.Key", "k")];
    let error = call(&mut world, &at(0), "CreateRole", &params).expect_err("five faults");
    assert_eq!((error.status, error.code.as_ref()), (400, "ValidationError"));
    assert!(error.message.starts_with("5 validation errors detected: "), "{}", error.message);
    assert!(
        world.accounts.values().all(|account| account.iam.0.values().all(|iam| iam.roles.is_empty())),
        "nothing is half-done"
    );
}

#[test]
fn a_missing_role_is_no_such_entity() {
    let mut world = World::default();
    for action in ["GetRole", "DeleteRole", "ListAttachedRolePolicies", "ListInstanceProfilesForRole", "ListRoleTags"] {
        let result = call(&mut world, &at(0), action, &[("RoleName", "nope")]);
        assert_eq!(
            result.clone().map_err(|error| error.message),
            Err("The role with name nope cannot be found.".to_owned())
        );
        assert_eq!(code(result), (404, "NoSuchEntity".to_owned()));
    }
}

#[test]
fn an_update_without_a_description_keeps_it() {
    let mut world = with_role();
    let mut update = |params: &[(&str, &str)]| {
        let params = [&[("RoleName", "Backup")], params].concat();
        call(&mut world, &at(1), "UpdateRole", &params).expect("updated");
        let got = call(&mut world, &at(1), "GetRole", &[("RoleName", "Backup")]).expect("the role");
        got.contains("<Description>nightly</Description>")
    };
    assert!(update(&[("Description", "nightly")]));
    assert!(update(&[("MaxSessionDuration", "7200")]));
    assert!(!update(&[("Description", "")]), "given empty, it goes");
}

#[test]
fn a_role_with_policies_is_not_deleted() {
    let mut world = with_role();
    let inline = [
        ("RoleName", "Backup"),
        ("PolicyName", "p"),
        ("PolicyDocument", r#"{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#),
    ];
    call(&mut world, &at(1), "AttachRolePolicy", &[("RoleName", "Backup"), ("PolicyArn", BACKUP)]).expect("attached");
    call(&mut world, &at(1), "AttachRolePolicy", &[("RoleName", "Backup"), ("PolicyArn", BACKUP)])
        .expect("attached twice");
    call(&mut world, &at(1), "PutRolePolicy", &inline).expect("put");
    let delete = |world: &mut World| call(world, &at(2), "DeleteRole", &[("RoleName", "Backup")]);
    assert_eq!(
        delete(&mut world).expect_err("attached").message,
        "Cannot delete entity, must detach all policies first."
    );
    call(&mut world, &at(2), "DetachRolePolicy", &[("RoleName", "Backup"), ("PolicyArn", BACKUP)]).expect("detached");
    assert_eq!(delete(&mut world).expect_err("inline").message, "Cannot delete entity, must delete policies first.");
    let again = call(&mut world, &at(2), "DetachRolePolicy", &[("RoleName", "Backup"), ("PolicyArn", BACKUP)]);
    assert_eq!(code(again), (404, "NoSuchEntity".to_owned()));
    call(&mut world, &at(2), "DeleteRolePolicy", &[("RoleName", "Backup"), ("PolicyName", "p")]).expect("deleted");
    delete(&mut world).expect("free to go");
}

#[test]
fn a_managed_policy_without_its_path_does_not_exist() {
    let mut world = with_role();
    let arn = "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForBackup";
    let error = call(&mut world, &at(1), "AttachRolePolicy", &[("RoleName", "Backup"), ("PolicyArn", arn)])
        .expect_err("no such");
    assert_eq!((error.status, error.code.as_ref()), (404, "NoSuchEntity"));
    assert!(error.message.ends_with("does not exist or is not attachable."), "{}", error.message);
}

#[test]
fn lists_go_on_where_their_marker_stands() {
    let mut world = World::default();
    for n in 0..25 {
        let name = format!("role-{n:02}");
        call(&mut world, &at(0), "CreateRole", &[("RoleName", &name), ("AssumeRolePolicyDocument", TRUST)])
            .expect("a role");
    }
    let first = call(&mut world, &at(1), "ListRoles", &[("MaxItems", "10")]).expect("a page");
    let marker = first.split("<Marker>").nth(1).and_then(|rest| rest.split('<').next()).expect("truncated");
    let second = call(&mut world, &at(1), "ListRoles", &[("MaxItems", "20"), ("Marker", marker)]).expect("the rest");
    assert!(second.contains("role-10") && second.contains("role-24") && !second.contains("role-09"));
    assert!(second.contains("<IsTruncated>false</IsTruncated>") && !second.contains("<Marker>"));
    assert_eq!(code(call(&mut world, &at(1), "ListRoles", &[("Marker", "!")])), (400, "ValidationError".to_owned()));
}

#[test]
fn backup_can_assume_a_role_once_it_has_propagated() {
    let mut world = with_role();
    let wait = SignedDuration::from_secs(10);
    let why = |world: &mut World, second: i64| {
        let call = at(second);
        call.iam(world).assumable_by_backup(ROLE, call.now, wait)
    };
    assert_eq!(why(&mut world, 9), Err(Why::NotPropagated));
    assert_eq!(why(&mut world, 10), Ok(()));
    let other = TRUST.replace("backup", "ec2");
    let update = |world: &mut World, second, trust: &str| {
        let params = [("RoleName", "Backup"), ("PolicyDocument", trust)];
        call(world, &at(second), "UpdateAssumeRolePolicy", &params).expect("updated");
    };
    update(&mut world, 20, &other);
    assert_eq!(why(&mut world, 40), Err(Why::NotTrusted));
    update(&mut world, 50, TRUST);
    assert_eq!(why(&mut world, 55), Err(Why::NotPropagated));
    let iam = &at(0).iam(&mut world).role_by_arn(&ROLE.replace("/service-role", "")).cloned();
    assert!(iam.is_none(), "the path belongs to the ARN");
}

#[test]
fn permissions_come_from_attached_and_inline_policies() {
    let mut world = with_role();
    let db = "arn:aws:rds:us-east-1:123456789012:db:x";
    let allows = |world: &mut World, action: &str| at(0).iam(world).allows(ROLE, action, db);
    assert!(!allows(&mut world, "rds:CreateDBSnapshot"));
    call(&mut world, &at(1), "AttachRolePolicy", &[("RoleName", "Backup"), ("PolicyArn", BACKUP)]).expect("attached");
    assert!(allows(&mut world, "rds:CreateDBSnapshot") && !allows(&mut world, "rds:DeleteDBInstance"));
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"rds:*","Resource":"*"}]}"#;
    let params = [("RoleName", "Backup"), ("PolicyName", "deny"), ("PolicyDocument", deny)];
    call(&mut world, &at(1), "PutRolePolicy", &params).expect("put");
    assert!(!allows(&mut world, "rds:CreateDBSnapshot"));
    let params = [
        ("PolicySourceArn", ROLE),
        ("ActionNames.member.1", "rds:CreateDBSnapshot"),
        ("ActionNames.member.2", "tag:GetResources"),
    ];
    let simulated = call(&mut world, &at(1), "SimulatePrincipalPolicy", &params).expect("simulated");
    assert!(simulated.contains("explicitDeny") && simulated.contains("allowed"), "{simulated}");
}

#[test]
fn tags_ignore_the_case_of_their_keys() {
    let mut world = with_role();
    let tag = |key, value| [("RoleName", "Backup"), ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)];
    call(&mut world, &at(1), "TagRole", &tag("Team", "a")).expect("tagged");
    call(&mut world, &at(1), "TagRole", &tag("team", "b")).expect("tagged over");
    let listed = call(&mut world, &at(1), "ListRoleTags", &[("RoleName", "Backup")]).expect("a list");
    assert!(listed.contains("<Key>team</Key><Value>b</Value>") && !listed.contains("Team"), "{listed}");
    assert_eq!(code(call(&mut world, &at(1), "TagRole", &tag("aws:x", "b"))), (400, "InvalidInput".to_owned()));
    call(&mut world, &at(1), "UntagRole", &[("RoleName", "Backup"), ("TagKeys.member.1", "TEAM")]).expect("untagged");
    let listed = call(&mut world, &at(1), "ListRoleTags", &[("RoleName", "Backup")]).expect("a list");
    assert!(!listed.contains("team"), "{listed}");
}

#[test]
fn a_service_linked_role_belongs_to_its_service() {
    let mut world = World::default();
    let service = [("AWSServiceName", "backup.amazonaws.com")];
    call(&mut world, &at(0), "CreateServiceLinkedRole", &service).expect("a role");
    assert_eq!(code(call(&mut world, &at(0), "CreateServiceLinkedRole", &service)), (400, "InvalidInput".to_owned()));
    let name = [("RoleName", "AWSServiceRoleForBackup")];
    assert_eq!(code(call(&mut world, &at(0), "DeleteRole", &name)), (400, "UnmodifiableEntity".to_owned()));
    call(&mut world, &at(0), "DeleteServiceLinkedRole", &name).expect("gone");
    assert_eq!(code(call(&mut world, &at(0), "GetRole", &name)), (404, "NoSuchEntity".to_owned()));
}

const OWN: &str = "arn:aws:iam::123456789012:policy/team/tagging";
const SNAPSHOTS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"rds:CreateDBSnapshot","Resource":"*"}]}"#;
const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"backup:ListTags","Resource":"*"}]}"#;

fn with_own_policy() -> World {
    let mut world = with_role();
    let params = [
        ("PolicyName", "tagging"),
        ("Path", "/team/"),
        ("PolicyDocument", SNAPSHOTS),
        ("Description", "ours"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "platform"),
    ];
    let made = call(&mut world, &at(1), "CreatePolicy", &params).expect("a new policy");
    assert!(made.contains(&format!("<Arn>{OWN}</Arn>")) && made.contains("<DefaultVersionId>v1<"), "{made}");
    world
}

#[test]
fn an_accounts_own_policy_counts_by_its_default_version() {
    let mut world = with_own_policy();
    let own = [("PolicyArn", OWN)];
    call(&mut world, &at(2), "AttachRolePolicy", &[("RoleName", "Backup"), own[0]]).expect("attached");
    let allows = |world: &mut World| at(0).iam(world).allows(ROLE, "rds:CreateDBSnapshot", "*");
    assert!(allows(&mut world));
    let listed = call(&mut world, &at(2), "ListAttachedRolePolicies", &[("RoleName", "Backup")]).expect("a list");
    assert!(listed.contains("<PolicyName>tagging</PolicyName>"), "{listed}");
    let entities = call(&mut world, &at(2), "ListEntitiesForPolicy", &own).expect("a list");
    assert!(entities.contains("<RoleName>Backup</RoleName>"), "{entities}");

    let next = [own[0], ("PolicyDocument", NOTHING), ("SetAsDefault", "true")];
    let made = call(&mut world, &at(3), "CreatePolicyVersion", &next).expect("a version");
    assert!(made.contains("<VersionId>v2</VersionId>") && made.contains(">true</IsDefaultVersion>"), "{made}");
    assert!(!allows(&mut world), "the new version says less");
    call(&mut world, &at(4), "SetDefaultPolicyVersion", &[own[0], ("VersionId", "v1")]).expect("back");
    assert!(allows(&mut world));
    let old = call(&mut world, &at(4), "GetPolicyVersion", &[own[0], ("VersionId", "v2")]).expect("the other one");
    assert!(old.contains("backup%3AListTags") && old.contains(">false</IsDefaultVersion>"), "{old}");
}

#[test]
fn a_policy_in_use_or_with_a_past_is_not_deleted() {
    let mut world = with_own_policy();
    let own = ("PolicyArn", OWN);
    let attach = [("RoleName", "Backup"), own];
    call(&mut world, &at(2), "AttachRolePolicy", &attach).expect("attached");
    assert_eq!(code(call(&mut world, &at(2), "DeletePolicy", &[own])), (409, "DeleteConflict".to_owned()));
    call(&mut world, &at(2), "DetachRolePolicy", &attach).expect("detached");
    let version = [own, ("PolicyDocument", NOTHING)];
    for _ in 2..=5 {
        call(&mut world, &at(3), "CreatePolicyVersion", &version).expect("a version");
    }
    assert_eq!(code(call(&mut world, &at(3), "CreatePolicyVersion", &version)), (409, "LimitExceeded".to_owned()));
    assert_eq!(code(call(&mut world, &at(3), "DeletePolicy", &[own])), (409, "DeleteConflict".to_owned()));
    let default = call(&mut world, &at(3), "DeletePolicyVersion", &[own, ("VersionId", "v1")]);
    assert_eq!(code(default), (409, "DeleteConflict".to_owned()));
    for id in ["v2", "v3", "v4", "v5"] {
        call(&mut world, &at(4), "DeletePolicyVersion", &[own, ("VersionId", id)]).expect("deleted");
    }
    call(&mut world, &at(4), "DeletePolicy", &[own]).expect("deleted");
    assert_eq!(code(call(&mut world, &at(5), "GetPolicy", &[own])), (404, "NoSuchEntity".to_owned()));
}

#[test]
fn names_of_policies_are_unique_and_awss_own_are_not_to_be_changed() {
    let mut world = with_own_policy();
    let twin = [("PolicyName", "TAGGING"), ("PolicyDocument", NOTHING)];
    assert_eq!(code(call(&mut world, &at(2), "CreatePolicy", &twin)), (409, "EntityAlreadyExists".to_owned()));
    let bad = [("PolicyName", "bad"), ("PolicyDocument", "{")];
    assert_eq!(code(call(&mut world, &at(2), "CreatePolicy", &bad)), (400, "MalformedPolicyDocument".to_owned()));
    assert_eq!(
        code(call(&mut world, &at(2), "DeletePolicy", &[("PolicyArn", BACKUP)])),
        (403, "AccessDenied".to_owned())
    );
    let local = call(&mut world, &at(2), "ListPolicies", &[("Scope", "Local")]).expect("a list");
    assert!(local.contains(OWN) && !local.contains(BACKUP), "{local}");
    let tags = [("PolicyArn", OWN), ("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "data")];
    call(&mut world, &at(3), "TagPolicy", &tags).expect("tagged");
    let shown = call(&mut world, &at(3), "ListPolicyTags", &[("PolicyArn", OWN)]).expect("the tags");
    assert!(shown.contains("<Key>Team</Key><Value>data</Value>") && !shown.contains("platform"), "{shown}");
}
