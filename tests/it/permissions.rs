//! The comments of the RPCs, the sample policy and the operations that the adapter sends name the same permissions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

mod samples;

const POLICY: &str = "docs/samples/iam-policy.json";

/// AWS asks for these, and those of the key, on the way of operations of other names.
const IMPLICIT: &[&str] = &[
    "backup-storage:MountCapsule",
    "backup:CopyFromBackupVault",
    "iam:PassRole",
    "iam:CreateServiceLinkedRole",
    "iam:TagRole",
];

/// No RPC is for these: the first leads into other accounts, where the configuration says so (`aws.assume_role`), by the
/// second `check-config --aws` asks what is missing, and by the others a worker reads the queue of events, where there is one.
const WITHOUT_RPC: [&str; 4] =
    ["sts:AssumeRole", "iam:SimulatePrincipalPolicy", "sqs:ReceiveMessage", "sqs:DeleteMessageBatch"];

/// RPCs that ask nothing of AWS.
const WITHOUT_AWS: [&str; 11] = [
    "AcknowledgeIncident",
    "GetApproval",
    "GetCoverage",
    "ListApprovals",
    "ListAuditEvents",
    "ListIncidents",
    "ListProtection",
    "Reject",
    "SummarizeJobs",
    "WatchJobs",
    "WhoAmI",
];

#[test]
fn the_sample_policy_grants_what_the_comments_of_the_rpcs_name_and_nothing_else() {
    let named: BTreeSet<String> = comments().into_values().flatten().collect();
    let granted = granted();
    let missing: Vec<_> = named.difference(&granted).collect();
    assert!(missing.is_empty(), "{POLICY} does not grant {missing:?}");
    let unneeded: Vec<_> = granted.difference(&named).collect();
    assert!(unneeded.is_empty(), "{POLICY} grants {unneeded:?}, which no RPC's comment names");
}

#[test]
fn every_rpc_names_its_permissions_and_every_operation_stands_in_some_comment() {
    let comments = comments();
    assert!(comments.len() > 30, "the walk finds the RPCs: {comments:?}");
    let silent: Vec<_> = comments.iter().filter(|(_, named)| named.is_empty()).map(|(rpc, _)| rpc.as_str()).collect();
    assert_eq!(silent, WITHOUT_AWS, "no permissions in the comment of the left ones");
    let named: BTreeSet<String> = comments.into_values().flatten().collect();
    let sent = sent();
    let unnamed: Vec<_> = sent.difference(&named).filter(|action| !WITHOUT_RPC.contains(&action.as_str())).collect();
    assert!(unnamed.is_empty(), "the adapter sends {unnamed:?}, which no RPC's comment names");
    let implicit = |action: &str| IMPLICIT.contains(&action) || action.starts_with("kms:");
    let never_sent: Vec<_> = named.difference(&sent).filter(|action| !implicit(action)).collect();
    assert!(never_sent.is_empty(), "comments name {never_sent:?}, which the adapter never sends");
}

/// What an adapter's calls need besides the operation that they are for: looks by name, and to understand a refusal.
#[test]
fn what_a_look_up_by_name_or_a_refusal_asks_for_is_named() {
    const MEANT: &[&str] = &["backup:ListRecoveryPointsByBackupVault"];
    const VAULT: &[&str] = &["backup:ListBackupVaults"];
    const PLAN: &[&str] = &["backup:ListBackupPlans", "backup:GetBackupPlan"];
    const RESTORE_CHECKS: &[&str] = &[
        "backup:DescribeRecoveryPoint",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
        "rds:DescribeDBInstances",
        "rds:DescribeDBClusters",
        "kms:DescribeKey",
        "rds:DescribeDBSubnetGroups",
        "rds:DescribeDBParameterGroups",
        "rds:DescribeDBClusterParameterGroups",
        "rds:DescribeOptionGroups",
        "rds:DescribeDBEngineVersions",
        "rds:DescribeOrderableDBInstanceOptions",
        "rds:DescribeDBInstanceAutomatedBackups",
        "rds:DescribeDBClusterAutomatedBackups",
    ];
    const ENDING: &[&str] = &[
        "backup:GetBackupPlan",
        "backup:ListBackupSelections",
        "backup:GetBackupSelection",
        "backup:GetSupportedResourceTypes",
        "backup:DescribeRegionSettings",
        "rds:DescribeDBInstances",
        "rds:DescribeDBClusters",
        "rds:DescribeDBInstanceAutomatedBackups",
        "rds:DescribeDBClusterAutomatedBackups",
    ];
    const DATABASE: &[&str] = &["rds:DescribeDBInstances", "rds:DescribeDBClusters"];
    const TYPES: &[&str] = &["backup:GetSupportedResourceTypes"];
    const HOLDS: &[&str] = &["backup:ListLegalHolds", "backup:ListRecoveryPointsByLegalHold"];
    const WINDOWS: &[&str] = &[
        "backup:ListBackupSelections",
        "backup:GetBackupSelection",
        "backup:GetSupportedResourceTypes",
        "backup:DescribeRegionSettings",
        "rds:DescribeDBInstances",
        "rds:DescribeDBClusters",
    ];
    const SETTINGS: &[&str] = &["backup:GetSupportedResourceTypes", "backup:DescribeRegionSettings"];
    const CHECKED: &[&str] = &["iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"];
    const ROLE: &[&str] = &["iam:GetRole", "iam:PassRole"];
    let comments = comments();
    let needs: &[(&str, &[&[&str]])] = &[
        ("CreateVault", &[VAULT, &["backup:DescribeBackupVault", "backup:ListTags", "backup:TagResource"]]),
        ("GetVault", &[VAULT, &["backup:ListTags"]]),
        ("DeleteVault", &[VAULT, HOLDS, &["backup:DescribeBackupVault", "backup:ListRecoveryPointsByBackupVault"]]),
        ("DeleteVault", &[PLAN, ENDING, &["backup:DeleteRecoveryPoint"]]),
        ("LockVault", &[VAULT, PLAN, &["backup:DescribeBackupVault", "backup:ListTags"]]),
        ("UnlockVault", &[VAULT, &["backup:DescribeBackupVault", "backup:ListTags"]]),
        ("GetVaultAccessPolicy", &[VAULT, &["backup:DescribeBackupVault"]]),
        ("SetVaultAccessPolicy", &[VAULT, &["backup:DescribeBackupVault", "backup:GetBackupVaultAccessPolicy"]]),
        ("SetVaultAccessPolicy", &[&["sts:GetCallerIdentity"]]),
        ("DeleteVaultAccessPolicy", &[VAULT, &["backup:DescribeBackupVault"]]),
        ("GetVaultNotifications", &[VAULT, &["backup:DescribeBackupVault"]]),
        ("SetVaultNotifications", &[VAULT, &["backup:DescribeBackupVault"]]),
        ("DeleteVaultNotifications", &[VAULT, &["backup:DescribeBackupVault"]]),
        ("CreatePlan", &[VAULT, &["backup:DescribeBackupVault", "kms:DescribeKey"]]),
        ("CreatePlan", &[PLAN, &["backup:ListBackupPlanVersions", "backup:ListTags", "backup:TagResource"]]),
        ("GetPlan", &[PLAN, &["backup:ListTags"]]),
        ("UpdatePlan", &[PLAN, WINDOWS, VAULT, &["backup:ListTags", "backup:DescribeBackupVault", "kms:DescribeKey"]]),
        ("DeletePlan", &[PLAN]),
        ("ListPlanVersions", &[&["backup:ListBackupPlans", "backup:ListBackupPlanVersions"]]),
        ("PreviewSchedule", &[PLAN, WINDOWS, VAULT, &["backup:DescribeBackupVault", "kms:DescribeKey"]]),
        ("CreateSelection", &[PLAN, ROLE, CHECKED, &["backup:GetBackupSelection", "backup:ListBackupSelections"]]),
        ("GetSelection", &[PLAN, &["backup:ListBackupSelections"]]),
        ("ListSelections", &[&["backup:ListBackupPlans"]]),
        ("DeleteSelection", &[PLAN, &["backup:ListBackupSelections"]]),
        ("ReplaceSelection", &[PLAN, ROLE, CHECKED, &["backup:ListBackupSelections", "backup:GetBackupSelection"]]),
        ("PreviewSelection", &[PLAN, &["backup:ListBackupSelections", "backup:GetBackupSelection"]]),
        ("StartBackup", &[CHECKED, SETTINGS]),
        ("CreateSelection", &[SETTINGS, DATABASE, VAULT, &["backup:DescribeBackupVault", "tag:GetResources"]]),
        ("ReplaceSelection", &[SETTINGS, DATABASE, VAULT, &["backup:DescribeBackupVault", "tag:GetResources"]]),
        ("UpdateRegionSettings", &[SETTINGS, DATABASE, &["backup:ListBackupPlans", "backup:GetBackupSelection"]]),
        ("ExplainProtection", &[SETTINGS, &["kms:DescribeKey"]]),
        ("StartBackup", &[VAULT, ROLE, &["backup:DescribeBackupVault", "rds:DescribeDBInstances"]]),
        ("StartBackup", &[&["rds:DescribeDBClusters", "backup:DescribeBackupJob", "backup:TagResource"]]),
        ("StartRestore", &[VAULT, ROLE, &["backup:DescribeBackupVault", "rds:DescribeDBInstances"]]),
        ("StartRestore", &[&["backup:ListRestoreJobs", "backup:DescribeRestoreJob", "backup:GetRestoreJobMetadata"]]),
        ("StartRestore", &[RESTORE_CHECKS]),
        ("PlanRestore", &[VAULT, &["iam:GetRole", "backup:DescribeBackupVault"], RESTORE_CHECKS]),
        ("StartCopy", &[CHECKED]),
        ("StartCopy", &[VAULT, ROLE, &["backup:DescribeBackupVault", "backup:DescribeCopyJob", "backup:ListCopyJobs"]]),
        ("StartCopy", &[&["backup:DescribeRecoveryPoint", "kms:DescribeKey"]]),
        ("GetJob", &[&["backup:ListBackupJobs", "backup:ListCopyJobs", "rds:DescribeDBInstances"]]),
        ("GetRecoveryPoint", &[VAULT, &["backup:DescribeBackupVault"]]),
        ("ListRecoveryPoints", &[VAULT, DATABASE, PLAN, TYPES, &["backup:DescribeRecoveryPoint"]]),
        ("ListJobs", &[VAULT, DATABASE, TYPES, &["backup:DescribeRecoveryPoint", "backup:DescribeBackupJob"]]),
        ("ListJobs", &[&["backup:DescribeRestoreJob", "backup:DescribeCopyJob"]]),
        ("GetServiceRole", &[TYPES]),
        ("EnsureServiceRole", &[TYPES]),
        ("DeleteRecoveryPoint", &[VAULT, HOLDS, &["backup:DescribeBackupVault", "backup:DescribeRecoveryPoint"]]),
        ("UpdateRecoveryPointLifecycle", &[VAULT, &["backup:DescribeBackupVault", "backup:DescribeRecoveryPoint"]]),
        ("UpdateRecoveryPointLifecycle", &[HOLDS]),
        ("GetRecoveryPoint", &[MEANT]),
        ("DeleteRecoveryPoint", &[MEANT]),
        ("UpdateRecoveryPointLifecycle", &[MEANT]),
        ("DisassociateRecoveryPoint", &[MEANT]),
        ("StartCopy", &[MEANT]),
        ("StartRestore", &[MEANT]),
        ("PlanRestore", &[MEANT]),
        ("DeleteRecoveryPoint", &[ENDING]),
        ("DisassociateRecoveryPoint", &[ENDING]),
        ("DisassociateRecoveryPoint", &[VAULT, HOLDS, &["backup:DescribeBackupVault", "backup:DescribeRecoveryPoint"]]),
        ("ListProtectedResources", &[VAULT]),
        ("GetResource", &[DATABASE]),
        (
            "TagResource",
            &[DATABASE, &["rds:ListTagsForResource", "backup:ListTags", "backup:GetBackupPlan", "tag:GetResources"]],
        ),
        (
            "UntagResource",
            &[DATABASE, &["rds:ListTagsForResource", "backup:ListTags", "backup:GetBackupPlan", "tag:GetResources"]],
        ),
        ("ListTags", &[DATABASE]),
        ("ExplainProtection", &[VAULT, PLAN, &["backup:GetBackupSelection", "backup:ListBackupSelections"]]),
        ("ExplainProtection", &[&["iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]]),
        ("ExplainProtection", &[&["rds:DescribeDBInstances", "rds:DescribeDBClusters", "backup:ListBackupJobs"]]),
        ("ExplainProtection", &[&["backup:DescribeRecoveryPoint", "backup:ListRecoveryPointsByResource"]]),
        ("EnsureServiceRole", &[&["iam:ListRolePolicies", "iam:TagRole"]]),
        (
            "CreateLegalHold",
            &[VAULT, DATABASE, &["backup:DescribeBackupVault", "backup:ListRecoveryPointsByBackupVault"]],
        ),
        (
            "CreateLegalHold",
            &[&["backup:GetLegalHold", "backup:ListTags", "backup:TagResource", "sts:GetCallerIdentity"]],
        ),
        ("CreateLegalHold", &[&["backup:ListRecoveryPointsByLegalHold", "backup:GetSupportedResourceTypes"]]),
        ("GetLegalHold", &[&["backup:ListLegalHolds", "backup:ListTags"]]),
        ("CancelLegalHold", &[HOLDS, &["backup:GetLegalHold", "backup:ListTags"]]),
        ("ListLegalHoldRecoveryPoints", &[HOLDS, &["backup:GetLegalHold"]]),
        ("GetProtectedResource", &[DATABASE]),
        ("GetServerInfo", &[&["sts:GetCallerIdentity"]]),
    ];
    for (rpc, groups) in needs {
        let lacks: Vec<_> =
            groups.iter().copied().flatten().filter(|action| !comments[*rpc].contains(**action)).collect();
        assert!(lacks.is_empty(), "the comment of {rpc} does not name {lacks:?}");
    }
}

/// By RPC: the actions in the last paragraph of its comment.
pub(crate) fn comments() -> BTreeMap<String, BTreeSet<String>> {
    comments_in(&files("proto/strongroom/v1"))
}

fn comments_in(files: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut rpcs = BTreeMap::new();
    for file in files {
        let mut paragraph = String::new();
        for line in file.lines().map(str::trim) {
            match line.strip_prefix("//") {
                Some("") => paragraph.clear(),
                Some(comment) => paragraph.push_str(comment),
                None => {
                    let named = std::mem::take(&mut paragraph);
                    if let Some(rpc) = line.strip_prefix("rpc ").and_then(|line| line.split('(').next()) {
                        rpcs.insert(rpc.to_owned(), actions(&named));
                    }
                }
            }
        }
    }
    rpcs
}

/// `service:Action` words of a text.
fn actions(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '-'));
    let action = |word: &&str| {
        word.split_once(':').is_some_and(|(service, action)| {
            !service.is_empty() && action.starts_with(|first: char| first.is_ascii_uppercase())
        })
    };
    words.filter(action).map(str::to_owned).collect()
}

fn granted() -> BTreeSet<String> {
    let policy: Value = serde_json::from_str(&fs::read_to_string(POLICY).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            one => vec![one.clone()],
        })
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

/// What the adapter says that it sends, as permissions.
pub(crate) fn sent() -> BTreeSet<String> {
    let mut sent = BTreeSet::new();
    for file in files("src/aws") {
        for constant in ["Operation::read(\"", "Operation::wait(\"", "Operation::write(\""] {
            for rest in file.split(constant).skip(1) {
                let words: Vec<&str> = rest.split('"').take(3).collect();
                if let [service, ", ", name] = words[..] {
                    let service = if service == "tagging" { "tag" } else { service };
                    sent.insert(format!("{service}:{name}"));
                }
            }
        }
    }
    assert!(sent.len() > 40, "the walk finds the operations: {sent:?}");
    sent
}

fn files(folder: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(files(path.to_str().unwrap()));
        } else {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    texts
}
