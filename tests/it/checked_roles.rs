//! What `validate_only` tells of the role that AWS Backup is to assume: the refusal that the real call would end in, and what
//! the role lacks for the job.

use serde_json::json;
use strongroom::proto::{
    CreateSelectionRequest, CreateVaultRequest, Finding, ReplaceSelectionRequest, Severity, StartBackupRequest,
    StartCopyRequest,
};
use tonic::{Code, Status};

use crate::{
    backups::{VAULT, aws_iam, backup_of, prepared, recovery_point},
    harness::{LABS, World, reason},
};

const ROLE: &str = "AWSBackupDefaultServiceRole";
const ARN: &str = "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole";
const BACKUP_POLICY: &str = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";
const TRUSTS_EC2: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// With a point to copy, and a plan with the selection `there`.
async fn world() -> (World, String) {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let far = CreateVaultRequest { name: "far".into(), ..Default::default() };
    world.vaults().create_vault(far).await.unwrap();
    let rules = vec![strongroom::proto::Rule { name: "daily".into(), vault: VAULT.into(), ..Default::default() }];
    let plan = strongroom::proto::CreatePlanRequest { name: "plan".into(), rules, ..Default::default() };
    world.plans().create_plan(plan).await.unwrap();
    let there = CreateSelectionRequest { validate_only: false, ..selection("there", ROLE) };
    world.plans().create_selection(there).await.unwrap();
    (world, point)
}

fn selection(name: &str, role: &str) -> CreateSelectionRequest {
    CreateSelectionRequest {
        plan: "plan".into(),
        name: name.into(),
        role: role.into(),
        resources: vec![LABS.into()],
        validate_only: true,
        ..Default::default()
    }
}

fn replacement(role: &str) -> ReplaceSelectionRequest {
    ReplaceSelectionRequest {
        plan: "plan".into(),
        selection: "there".into(),
        role: role.into(),
        resources: vec!["arn:aws:rds:*:*:db:*".into()],
        validate_only: true,
        ..Default::default()
    }
}

/// What each of the four dry runs answers with the role.
async fn checks(world: &World, point: &str, role: &str) -> Vec<Result<Vec<Finding>, Status>> {
    let backup = StartBackupRequest { validate_only: true, role: role.into(), ..backup_of(LABS) };
    let copy = StartCopyRequest {
        recovery_point: point.into(),
        vault: VAULT.into(),
        destination_vault: "far".into(),
        role: role.into(),
        validate_only: true,
        ..Default::default()
    };
    vec![
        world.jobs().start_backup(backup).await.map(|answer| answer.into_inner().findings),
        world.jobs().start_copy(copy).await.map(|answer| answer.into_inner().findings),
        world.plans().create_selection(selection("new", role)).await.map(|answer| answer.into_inner().findings),
        world.plans().replace_selection(replacement(role)).await.map(|answer| answer.into_inner().findings),
    ]
}

fn of_role(findings: &[Finding]) -> Vec<(&str, Severity)> {
    let of_role = findings.iter().filter(|finding| finding.field == "role");
    of_role.map(|finding| (finding.code.as_str(), finding.severity())).collect()
}

async fn distrust(world: &World) {
    aws_iam(world).update_assume_role_policy().role_name(ROLE).policy_document(TRUSTS_EC2).send().await.unwrap();
}

#[tokio::test]
async fn a_role_that_aws_backup_may_not_assume_is_refused_as_the_call_would_be() {
    let (world, point) = world().await;
    for answer in checks(&world, &point, ROLE).await {
        assert_eq!(of_role(&answer.unwrap()), []);
    }
    distrust(&world).await;
    for role in [ROLE, ARN] {
        for answer in checks(&world, &point, role).await {
            let refused = answer.unwrap_err();
            assert_eq!(reason(&refused), (Code::FailedPrecondition, "ROLE_NOT_ASSUMABLE".into()), "{refused}");
            assert!(refused.message().contains("EnsureServiceRole"), "{refused}");
        }
    }
    // The role that a selection keeps is handed over again when the selection is replaced.
    let kept = world.plans().replace_selection(replacement("")).await.unwrap_err();
    assert_eq!(reason(&kept), (Code::FailedPrecondition, "ROLE_NOT_ASSUMABLE".into()));
    // Where there is nothing to be done, nothing is handed to AWS.
    let same = ReplaceSelectionRequest { resources: vec![LABS.into()], ..replacement(ROLE) };
    assert!(world.plans().replace_selection(same).await.is_ok());
}

/// What the calls that start a job answer with the role, for real.
async fn starts(world: &World, point: &str, role: &str) -> Vec<Result<Vec<Finding>, Status>> {
    let backup = StartBackupRequest { role: role.into(), ..backup_of(LABS) };
    let copy = StartCopyRequest {
        recovery_point: point.into(),
        vault: VAULT.into(),
        destination_vault: "far".into(),
        role: role.into(),
        ..Default::default()
    };
    vec![
        world.jobs().start_backup(backup).await.map(|answer| answer.into_inner().findings),
        world.jobs().start_copy(copy).await.map(|answer| answer.into_inner().findings),
    ]
}

/// What each of the four calls answers with the role, for real.
async fn calls(world: &World, point: &str, role: &str) -> Vec<Result<Vec<Finding>, Status>> {
    let mut answers = starts(world, point, role).await;
    let made = CreateSelectionRequest { validate_only: false, ..selection("new", role) };
    let replaced = ReplaceSelectionRequest { validate_only: false, ..replacement(role) };
    answers.extend([
        world.plans().create_selection(made).await.map(|answer| answer.into_inner().findings),
        world.plans().replace_selection(replaced).await.map(|answer| answer.into_inner().findings),
    ]);
    answers
}

#[tokio::test]
async fn a_role_that_no_wait_mends_is_refused_at_once_and_in_the_words_of_the_dry_run() {
    let (world, point) = world().await;
    let began = std::time::Instant::now();
    let missing = "arn:aws:iam::123456789012:role/xrole";
    let without_path = format!("arn:aws:iam::123456789012:role/{ROLE}");
    let both = async |role: &str, code: Code, why: &str| {
        let checked = checks(&world, &point, role).await;
        for (checked, called) in checked.into_iter().zip(calls(&world, &point, role).await) {
            let (checked, called) = (checked.unwrap_err(), called.unwrap_err());
            assert_eq!(reason(&called), (code, why.into()), "{called}");
            assert_eq!((called.message(), reason(&called)), (checked.message(), reason(&checked)), "{role}");
        }
    };
    both(missing, Code::NotFound, "ROLE_NOT_FOUND").await;
    both(&without_path, Code::NotFound, "ROLE_NOT_FOUND").await;
    distrust(&world).await;
    // One just made may be on its way through IAM.
    world.advance("PT10M").await;
    both(ARN, Code::FailedPrecondition, "ROLE_NOT_ASSUMABLE").await;
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_the_role_lacks_is_told_by_the_call_itself_too() {
    let (world, point) = world().await;
    aws_iam(&world).detach_role_policy().role_name(ROLE).policy_arn(BACKUP_POLICY).send().await.unwrap();
    // A selection AWS does not take with such a role.
    world.advance("PT10M").await;
    let began = std::time::Instant::now();
    for answer in calls(&world, &point, ARN).await.into_iter().skip(2) {
        let refused = answer.unwrap_err();
        assert_eq!(reason(&refused), (Code::FailedPrecondition, "ROLE_NOT_ASSUMABLE".into()), "{refused}");
        for words in
            [&*format!("lacks {BACKUP_POLICY}"), "EnsureServiceRole", "is not authorized to call tag:GetResources"]
        {
            assert!(refused.message().contains(words), "{words}: {refused}");
        }
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "no wait mends it: {:?}", began.elapsed());
    for answer in starts(&world, &point, ARN).await {
        assert_eq!(of_role(&answer.unwrap()), [("BACKUP_POLICY_MISSING", Severity::Warning)]);
    }
}

#[tokio::test]
async fn a_call_whose_role_may_not_be_looked_at_is_done_all_the_same() {
    let (world, point) = world().await;
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"operation": "GetRole", "rate": 1.0, "effect": denied})).await;
    for answer in calls(&world, &point, ARN).await {
        assert_eq!(of_role(&answer.unwrap()), [("NOT_CHECKED", Severity::Warning)]);
    }
}

#[tokio::test]
async fn what_the_role_lacks_for_the_job_is_warned_of() {
    let (world, point) = world().await;
    aws_iam(&world).detach_role_policy().role_name(ROLE).policy_arn(BACKUP_POLICY).send().await.unwrap();
    for answer in checks(&world, &point, ROLE).await {
        assert_eq!(of_role(&answer.unwrap()), [("BACKUP_POLICY_MISSING", Severity::Warning)]);
    }
}

#[tokio::test]
async fn a_role_that_may_not_be_looked_at_is_told_and_refuses_nothing() {
    let (world, point) = world().await;
    distrust(&world).await;
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"operation": "ListAttachedRolePolicies", "rate": 1.0, "effect": denied})).await;
    for answer in checks(&world, &point, ARN).await {
        assert_eq!(reason(&answer.unwrap_err()).1, "ROLE_NOT_ASSUMABLE", "the trust is seen without the policies");
    }
    world.arm(json!({"operation": "GetRole", "rate": 1.0, "effect": denied})).await;
    for answer in checks(&world, &point, ARN).await {
        let findings = answer.unwrap();
        assert_eq!(of_role(&findings), [("NOT_CHECKED", Severity::Warning)]);
        assert!(findings.iter().any(|finding| finding.action.contains("iam:GetRole")), "{findings:?}");
    }
}
