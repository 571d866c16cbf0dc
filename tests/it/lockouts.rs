//! Access policies of vaults that lock out whoever sets them, over the wire: in a dry run and in truth alike.

use serde_json::{Value, json};
use strongroom::proto::{
    CreateVaultRequest, GetAccountRequest, GetVaultAccessPolicyRequest, SetVaultAccessPolicyRequest,
};
use tonic::Code;

use crate::harness::{World, told};

const DENIES: &[&str] = &["POLICY_DENIES_ITS_CHANGE"];
const MAY_DENY: &[&str] = &["POLICY_MAY_DENY_ITS_CHANGE"];

async fn world() -> World {
    let world = World::start().await;
    let vault = CreateVaultRequest { name: "prod".into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
    world
}

fn request(statements: &Value, validate_only: bool) -> SetVaultAccessPolicyRequest {
    let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    SetVaultAccessPolicyRequest { vault: "prod".into(), policy, validate_only, ..Default::default() }
}

#[tokio::test]
async fn every_way_to_lock_strongroom_out_is_warned_of_dry_and_in_truth() {
    let world = world().await;
    let account = world.accounts().get_account(GetAccountRequest::default()).await.unwrap().into_inner();
    let me = account.account.unwrap().identity_arn;
    let root = "arn:aws:iam::123456789012:root";
    let deny = |principal: (&str, Value), action: (&str, Value), condition: Value| json!([{"Effect": "Deny", principal.0: principal.1, action.0: action.1, "Resource": "*", "Condition": condition}]);
    let (all, write) = (("Principal", json!("*")), ("Action", json!("backup:Put*")));
    let cases: &[(Value, &[&str])] = &[
        (deny(all.clone(), write.clone(), json!({})), DENIES),
        (deny(all.clone(), ("Action", json!("BACKUP:?utBackupVaultAccess*")), json!({})), DENIES),
        (deny(all.clone(), ("NotAction", json!("backup:StartCopyJob")), json!({})), DENIES),
        (deny(all.clone(), ("NotAction", json!("backup:*AccessPolicy")), json!({})), &[]),
        (deny(("Principal", json!({"AWS": root})), write.clone(), json!({})), DENIES),
        (deny(("NotPrincipal", json!({"AWS": "arn:aws:iam::999999999999:root"})), write.clone(), json!({})), DENIES),
        (deny(("NotPrincipal", json!({"AWS": [root, me]})), write.clone(), json!({})), &[]),
        (deny(all.clone(), write.clone(), json!({"ArnNotEquals": {"aws:PrincipalArn": me}})), &[]),
        (deny(all.clone(), write.clone(), json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})), MAY_DENY),
        (deny(all.clone(), ("Action", json!("backup:DeleteRecoveryPoint")), json!({})), &[]),
    ];
    for (statements, expected) in cases {
        let mut told = Vec::new();
        // Once dry, once in truth, and once when it is there already.
        for validate_only in [true, false, false] {
            let set = world.vaults().set_vault_access_policy(request(statements, validate_only)).await;
            told.push(set.unwrap_or_else(|error| panic!("{statements}: {error:?}")).into_inner().findings);
        }
        let codes: Vec<&str> = told[0].iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, *expected, "{statements}");
        assert!(told.iter().all(|findings| *findings == told[0]), "{statements}: {told:?}");
        for finding in &told[0] {
            assert_eq!(finding.field, "policy.Statement[0]", "{statements}");
            assert!(!finding.action.is_empty(), "{statements}: {finding:?}");
        }
    }
}

#[tokio::test]
async fn a_passing_fault_in_asking_who_strongroom_is_is_told_and_stops_nothing() {
    let world = world().await;
    let statements = json!([{"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::123456789012:user/strongroom"},
        "Action": "*", "Resource": "*"}]);
    world.arm(json!({"operation": "GetCallerIdentity", "rate": 1.0, "effect": "throttle"})).await;
    let set = world.vaults().set_vault_access_policy(request(&statements, false)).await.unwrap().into_inner();
    let codes: Vec<&str> = set.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["POLICY_MAY_DENY_ITS_CHANGE", "NOT_CHECKED"]);
}

#[tokio::test]
async fn a_policy_that_hides_itself_is_answered_all_the_same() {
    let world = world().await;
    let statements = json!([{"Effect": "Deny", "Principal": "*", "Action": "backup:*", "Resource": "*"}]);
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "explicit deny"}});
    let look = json!({"operation": "GetBackupVaultAccessPolicy", "skip": 1, "rate": 1.0, "effect": denied});
    world.arm(look).await;
    let set = world.vaults().set_vault_access_policy(request(&statements, false)).await.unwrap().into_inner();
    assert_eq!(set.findings[0].code, "POLICY_DENIES_ITS_CHANGE");
    assert_eq!(set.policy, request(&statements, false).policy);
}

#[tokio::test]
async fn every_fault_of_a_policy_is_told_at_once_and_nothing_is_set() {
    let world = world().await;
    let statements = json!([
        {"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "backup:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": ["arn:aws:iam::999999999999:role/*", "arn:aws:iam::999999999999:group/x"]},
            "Action": "s3:*", "NotAction": "backup:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "ec2:*", "Resource": "*",
            "Condition": {"StringLikes": {"aws:PrincipalArn": "x"}}},
    ]);
    for validate_only in [true, false] {
        let refused = world.vaults().set_vault_access_policy(request(&statements, validate_only)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(
            told(&refused).fields,
            [
                "policy.Statement[0].NotPrincipal",
                "policy.Statement[1].Principal.AWS[0]",
                "policy.Statement[1].Principal.AWS[1]",
                "policy.Statement[1].Action",
                "policy.Statement[2].Action",
                "policy.Statement[2].Condition",
            ]
        );
    }
    let elsewhere = json!([{"Effect": "Allow", "Principal": {"AWS": ["999999999999", "arn:aws-cn:iam::999999999999:root"]},
        "Action": "backup:CopyIntoBackupVault", "Resource": "*"}]);
    let refused = world.vaults().set_vault_access_policy(request(&elsewhere, true)).await.unwrap_err();
    assert_eq!(told(&refused).fields, ["policy.Statement[0].Principal.AWS[1]"], "of another partition");
    let get = GetVaultAccessPolicyRequest { vault: "prod".into(), ..Default::default() };
    assert_eq!(world.vaults().get_vault_access_policy(get).await.unwrap().into_inner().policy, "");
}
