//! An answer of AWS without a member that every answer has is a fault that passes too: it is told as one, and never as
//! something that is blank or not there.

use std::collections::BTreeSet;

use super::{Case, Fault, Sort, ask, healthy, judge::judge, requests::of_reads};
use crate::every_change::world_and_requests;

/// By operation: what every answer of it has, in AWS's words.
const MEMBERS: &[(&str, &[&str])] = &[
    ("DescribeBackupVault", &["BackupVaultName", "BackupVaultArn"]),
    ("ListBackupVaults", &["BackupVaultList", "BackupVaultName", "BackupVaultArn"]),
    ("GetBackupPlan", &["BackupPlanId", "BackupPlanArn", "VersionId", "BackupPlan"]),
    ("ListBackupPlans", &["BackupPlansList", "BackupPlanId", "BackupPlanArn", "BackupPlanName"]),
    ("ListBackupPlanVersions", &["BackupPlanId", "BackupPlanArn", "VersionId"]),
    ("ListBackupSelections", &["BackupSelectionsList", "SelectionId", "SelectionName"]),
    ("GetBackupSelection", &["BackupSelection"]),
    ("DescribeRecoveryPoint", &["RecoveryPointArn"]),
    ("ListRecoveryPointsByBackupVault", &["RecoveryPoints", "RecoveryPointArn"]),
    ("ListRecoveryPointsByResource", &["RecoveryPoints", "RecoveryPointArn"]),
    ("DescribeBackupJob", &["BackupJobId"]),
    ("ListBackupJobs", &["BackupJobs", "BackupJobId"]),
    ("ListCopyJobs", &["CopyJobs", "CopyJobId"]),
    ("ListRestoreJobs", &["RestoreJobs", "RestoreJobId"]),
    ("ListProtectedResources", &["Results", "ResourceArn"]),
    ("ListProtectedResourcesByBackupVault", &["Results", "ResourceArn"]),
    ("DescribeDBInstances", &["DBInstanceArn", "DBInstanceIdentifier"]),
    ("DescribeDBClusters", &["DBClusterArn", "DBClusterIdentifier"]),
    ("GetSupportedResourceTypes", &["ResourceTypes"]),
    ("GetRole", &["Role", "Arn", "AssumeRolePolicyDocument"]),
    ("ListAttachedRolePolicies", &["PolicyArn"]),
    ("GetRecoveryPointRestoreMetadata", &["ResourceType", "RestoreMetadata"]),
    ("GetBackupVaultNotifications", &["SNSTopicArn", "BackupVaultEvents"]),
    ("GetBackupVaultAccessPolicy", &["Policy"]),
    ("GetResources", &["ResourceARN"]),
];

#[tokio::test]
async fn no_read_tells_a_malformed_answer_of_aws_for_something_blank_or_missing() {
    let (world, changes) = world_and_requests().await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for case in of_reads(&changes) {
        let (healthy, asked) = healthy(&world, &case).await;
        for (service, operation) in asked.into_iter().collect::<BTreeSet<_>>() {
            let members = MEMBERS.iter().find(|(of, _)| *of == operation).map(|(_, members)| *members);
            for member in members.unwrap_or_default() {
                let fault = Fault::passes("malformed", serde_json::json!({"without": [member]}));
                let struck = fault.strike(&world, &service, &operation, &case).await;
                tried += 1;
                // An answer that has none of them anyway, such as an empty list, is what it was.
                if struck == healthy {
                    continue;
                }
                if let Some(why) = judge(&case, &operation, Sort::Passing, &healthy, &struck) {
                    wrong.push(format!("{case}, {operation} without {member}: {why}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 150, "{tried}");
    let whole: Case = of_reads(&changes).remove(0);
    assert!(ask(&world, &whole).await.is_ok(), "the world is well again");
}
