//! The actions that AWS Backup has.

use super::wildcards;
use crate::domain::nearest;

/// Those that the Service Authorization Reference lists for the prefix `backup` `[D]`, and the operations of AWS's model
/// `[M]` (docs/aws-operations.md), without the prefix. AWS adds some every year: what is not here is warned of, not refused.
const KNOWN: &[&str] = &[
    "AssociateBackupVaultMpaApprovalTeam",
    "CancelLegalHold",
    "CopyFromBackupVault",
    "CopyIntoBackupVault",
    "CreateBackupAccessPoint",
    "CreateBackupPlan",
    "CreateBackupSelection",
    "CreateBackupVault",
    "CreateFramework",
    "CreateLegalHold",
    "CreateLogicallyAirGappedBackupVault",
    "CreateReportPlan",
    "CreateRestoreAccessBackupVault",
    "CreateRestoreTestingPlan",
    "CreateRestoreTestingSelection",
    "CreateTieringConfiguration",
    "DeleteBackupAccessPoint",
    "DeleteBackupPlan",
    "DeleteBackupSelection",
    "DeleteBackupVault",
    "DeleteBackupVaultAccessPolicy",
    "DeleteBackupVaultLockConfiguration",
    "DeleteBackupVaultNotifications",
    "DeleteBackupVaultSharingPolicy",
    "DeleteFramework",
    "DeleteRecoveryPoint",
    "DeleteReportPlan",
    "DeleteRestoreTestingPlan",
    "DeleteRestoreTestingSelection",
    "DeleteTieringConfiguration",
    "DescribeBackupAccessPoint",
    "DescribeBackupJob",
    "DescribeBackupVault",
    "DescribeCopyJob",
    "DescribeFramework",
    "DescribeGlobalSettings",
    "DescribeProtectedResource",
    "DescribeRecoveryPoint",
    "DescribeRegionSettings",
    "DescribeReportJob",
    "DescribeReportPlan",
    "DescribeRestoreJob",
    "DescribeScanJob",
    "DisassociateBackupVaultMpaApprovalTeam",
    "DisassociateRecoveryPoint",
    "DisassociateRecoveryPointFromParent",
    "ExportBackupPlanTemplate",
    "GetBackupPlan",
    "GetBackupPlanFromJSON",
    "GetBackupPlanFromTemplate",
    "GetBackupSelection",
    "GetBackupVaultAccessPolicy",
    "GetBackupVaultNotifications",
    "GetBackupVaultSharingPolicy",
    "GetLegalHold",
    "GetPITRMalwareScanResults",
    "GetRecoveryPointIndexDetails",
    "GetRecoveryPointRestoreMetadata",
    "GetRestoreJobMetadata",
    "GetRestoreTestingInferredMetadata",
    "GetRestoreTestingPlan",
    "GetRestoreTestingSelection",
    "GetSupportedResourceTypes",
    "GetTieringConfiguration",
    "ListBackupAccessPoints",
    "ListBackupAccessPointsByRecoveryPoint",
    "ListBackupAccessPointsByResource",
    "ListBackupJobSummaries",
    "ListBackupJobs",
    "ListBackupPlanTemplates",
    "ListBackupPlanVersions",
    "ListBackupPlans",
    "ListBackupSelections",
    "ListBackupVaults",
    "ListCopyJobSummaries",
    "ListCopyJobs",
    "ListFrameworks",
    "ListIndexedRecoveryPoints",
    "ListLegalHolds",
    "ListProtectedResources",
    "ListProtectedResourcesByBackupVault",
    "ListRecoveryPointsByBackupVault",
    "ListRecoveryPointsByLegalHold",
    "ListRecoveryPointsByResource",
    "ListReportJobs",
    "ListReportPlans",
    "ListRestoreAccessBackupVaults",
    "ListRestoreJobSummaries",
    "ListRestoreJobs",
    "ListRestoreJobsByProtectedResource",
    "ListRestoreTestingPlans",
    "ListRestoreTestingSelections",
    "ListScanJobSummaries",
    "ListScanJobs",
    "ListTags",
    "ListTieringConfigurations",
    "PutBackupVaultAccessPolicy",
    "PutBackupVaultLockConfiguration",
    "PutBackupVaultNotifications",
    "PutBackupVaultSharingPolicy",
    "PutRestoreValidationResult",
    "RevokeRestoreAccessBackupVault",
    "SearchRecoveryPoint",
    "StartBackupJob",
    "StartCopyJob",
    "StartReportJob",
    "StartRestoreJob",
    "StartScanJob",
    "StopBackupJob",
    "TagResource",
    "UntagResource",
    "UpdateBackupPlan",
    "UpdateFramework",
    "UpdateGlobalSettings",
    "UpdateRecoveryPointIndexSettings",
    "UpdateRecoveryPointLifecycle",
    "UpdateRegionSettings",
    "UpdateReportPlan",
    "UpdateRestoreTestingPlan",
    "UpdateRestoreTestingSelection",
    "UpdateTieringConfiguration",
];

/// Whether the action, a name with the prefix or a pattern, is none that AWS Backup is known to have, and which was meant:
/// `; did you mean …?`, or blank. Case does not matter to AWS `[D]`.
pub(super) fn unknown(action: &str) -> Option<String> {
    let (_, name) = action.split_once(':')?;
    let pattern = name.to_ascii_lowercase();
    if KNOWN.iter().any(|known| wildcards::fits(&pattern, &known.to_ascii_lowercase())) {
        return None;
    }
    let bare = name.replace(['*', '?'], "");
    Some(
        nearest(&bare, KNOWN.iter().copied())
            .map(|meant| format!("; did you mean backup:{meant}?"))
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_api_is_known_and_a_slip_is_not() {
        let page = include_str!("../../../docs/aws-operations.md");
        let operations =
            page.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('`').skip(1).step_by(2));
        let operations = operations.filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()));
        let unlisted: Vec<_> = operations.filter(|name| unknown(&format!("backup:{name}")).is_some()).collect();
        assert!(unlisted.is_empty(), "{unlisted:?}");
        for (action, meant) in [
            ("backup:DeleteBackupVaultt", Some("; did you mean backup:DeleteBackupVault?")),
            ("backup:Foo*", Some("")),
            ("BACKUP:deletebackupvault", None),
            ("backup:Copy*", None),
            ("*", None),
        ] {
            assert_eq!(unknown(action).as_deref(), meant, "{action}");
        }
    }
}
