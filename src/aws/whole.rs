//! What every answer of AWS has. The door lets no answer through without it: what is taken for blank further in would be
//! told as a thing without a name, as an absence or as an empty list, and is a fault of AWS's that passes.
//!
//! AWS's models call next to nothing in answers required; what stands here is what AWS's own examples and every client
//! rely on, and no more.

use aws_sdk_backup::{
    operation as backup,
    types::{
        BackupJob, BackupPlansListMember, BackupSelectionsListMember, BackupVaultListMember, CopyJob, LegalHold,
        ProtectedResource, RecoveryPointMember, RestoreJobsListMember,
    },
};
use aws_sdk_iam::{operation as iam, types::Role};
use aws_sdk_kms::operation as kms;
use aws_sdk_rds::operation as rds;
use aws_sdk_resourcegroupstagging::operation as tagging;
use aws_sdk_sqs::operation as sqs;
use aws_sdk_sts::operation as sts;

/// An answer of AWS that can be judged.
pub(super) trait Whole {
    /// What it has to have and has not, in AWS's words.
    fn lacks(&self) -> Option<&'static str>;
}

/// By operation: what its answer has to have.
macro_rules! whole {
    ($($service:ident::$operation:ident::$answer:ident: $($lacks:expr)?;)*) => {
        $(impl Whole for $service::$operation::$answer {
            fn lacks(&self) -> Option<&'static str> {
                let lacks: [fn(&Self) -> Option<&'static str>; _] = [$($lacks)?];
                lacks.iter().find_map(|lacks| lacks(self))
            }
        })*
    };
}

fn first<const N: usize>(members: [(&'static str, bool); N]) -> Option<&'static str> {
    members.into_iter().find(|(_, told)| !told).map(|(name, _)| name)
}

/// A list that AWS sends, empty too `[Q]`: clients take it out of the answer without asking whether it is there. What lacks
/// it says nothing of what there is.
fn list<T>(
    name: &'static str,
    told: Option<&Vec<T>>,
    lacks: impl Fn(&T) -> Option<&'static str>,
) -> Option<&'static str> {
    told.map_or(Some(name), |told| told.iter().find_map(lacks))
}

fn text(told: Option<&str>) -> bool {
    told.is_some_and(|text| !text.is_empty())
}

whole! {
    backup::cancel_legal_hold::CancelLegalHoldOutput: ;
    backup::create_backup_plan::CreateBackupPlanOutput: |it| first([("BackupPlanId", text(it.backup_plan_id()))]);
    backup::create_backup_selection::CreateBackupSelectionOutput: |it| first([("SelectionId", text(it.selection_id()))]);
    backup::create_backup_vault::CreateBackupVaultOutput: ;
    backup::create_legal_hold::CreateLegalHoldOutput: |it| first([("LegalHoldId", text(it.legal_hold_id()))]);
    backup::delete_backup_plan::DeleteBackupPlanOutput: ;
    backup::delete_backup_selection::DeleteBackupSelectionOutput: ;
    backup::delete_backup_vault::DeleteBackupVaultOutput: ;
    backup::delete_backup_vault_access_policy::DeleteBackupVaultAccessPolicyOutput: ;
    backup::delete_backup_vault_lock_configuration::DeleteBackupVaultLockConfigurationOutput: ;
    backup::delete_backup_vault_notifications::DeleteBackupVaultNotificationsOutput: ;
    backup::delete_recovery_point::DeleteRecoveryPointOutput: ;
    backup::describe_backup_job::DescribeBackupJobOutput: |it| first([("BackupJobId", text(it.backup_job_id()))]);
    backup::describe_backup_vault::DescribeBackupVaultOutput: |it| first([
        ("BackupVaultName", text(it.backup_vault_name())),
        ("BackupVaultArn", text(it.backup_vault_arn())),
    ]);
    backup::describe_copy_job::DescribeCopyJobOutput: |it| first([("CopyJob", it.copy_job.is_some())]);
    backup::describe_global_settings::DescribeGlobalSettingsOutput: ;
    backup::describe_protected_resource::DescribeProtectedResourceOutput: |it| first([
        ("ResourceArn", text(it.resource_arn())),
    ]);
    backup::describe_recovery_point::DescribeRecoveryPointOutput: |it| first([
        ("RecoveryPointArn", text(it.recovery_point_arn())),
        ("Status", it.status.is_some()),
    ]);
    backup::describe_region_settings::DescribeRegionSettingsOutput: ;
    backup::describe_restore_job::DescribeRestoreJobOutput: |it| first([("RestoreJobId", text(it.restore_job_id()))]);
    backup::disassociate_recovery_point::DisassociateRecoveryPointOutput: ;
    backup::get_backup_plan::GetBackupPlanOutput: |it| first([
        ("BackupPlanId", text(it.backup_plan_id())),
        ("BackupPlanArn", text(it.backup_plan_arn())),
        ("VersionId", text(it.version_id())),
        ("BackupPlan", it.backup_plan.is_some()),
    ]);
    backup::get_backup_selection::GetBackupSelectionOutput: |it| first([
        ("BackupSelection", it.backup_selection.is_some()),
    ]);
    backup::get_backup_vault_access_policy::GetBackupVaultAccessPolicyOutput: |it| first([
        ("BackupVaultName", text(it.backup_vault_name())),
        ("BackupVaultArn", text(it.backup_vault_arn())),
        ("Policy", text(it.policy())),
    ]);
    backup::get_backup_vault_notifications::GetBackupVaultNotificationsOutput: |it| first([
        ("BackupVaultName", text(it.backup_vault_name())),
        ("BackupVaultArn", text(it.backup_vault_arn())),
        ("SNSTopicArn", text(it.sns_topic_arn())),
        ("BackupVaultEvents", it.backup_vault_events.is_some()),
    ]);
    backup::get_legal_hold::GetLegalHoldOutput: |it| first([("LegalHoldId", text(it.legal_hold_id()))]);
    backup::get_recovery_point_restore_metadata::GetRecoveryPointRestoreMetadataOutput: |it| first([
        ("ResourceType", text(it.resource_type())),
        ("RestoreMetadata", it.restore_metadata.is_some()),
    ]);
    backup::get_restore_job_metadata::GetRestoreJobMetadataOutput: |it| first([("Metadata", it.metadata.is_some())]);
    backup::get_supported_resource_types::GetSupportedResourceTypesOutput: |it| first([
        ("ResourceTypes", it.resource_types.is_some()),
    ]);
    backup::list_backup_jobs::ListBackupJobsOutput: |it| list("BackupJobs", it.backup_jobs.as_ref(), backup_job);
    backup::list_backup_plan_versions::ListBackupPlanVersionsOutput: |it| {
        list("BackupPlanVersionsList", it.backup_plan_versions_list.as_ref(), plan)
    };
    backup::list_backup_plans::ListBackupPlansOutput: |it| list("BackupPlansList", it.backup_plans_list.as_ref(), plan);
    backup::list_backup_selections::ListBackupSelectionsOutput: |it| {
        list("BackupSelectionsList", it.backup_selections_list.as_ref(), selection)
    };
    backup::list_backup_vaults::ListBackupVaultsOutput: |it| list("BackupVaultList", it.backup_vault_list.as_ref(), vault);
    backup::list_copy_jobs::ListCopyJobsOutput: |it| list("CopyJobs", it.copy_jobs.as_ref(), copy_job);
    backup::list_legal_holds::ListLegalHoldsOutput: |it| it.legal_holds().iter().find_map(legal_hold);
    backup::list_protected_resources::ListProtectedResourcesOutput: |it| list("Results", it.results.as_ref(), protected);
    backup::list_protected_resources_by_backup_vault::ListProtectedResourcesByBackupVaultOutput: |it| {
        list("Results", it.results.as_ref(), protected)
    };
    backup::list_recovery_points_by_backup_vault::ListRecoveryPointsByBackupVaultOutput: |it| {
        list("RecoveryPoints", it.recovery_points.as_ref(), |point| {
            first([("RecoveryPointArn", text(point.recovery_point_arn())), ("Status", point.status.is_some())])
        })
    };
    backup::list_recovery_points_by_legal_hold::ListRecoveryPointsByLegalHoldOutput: |it| {
        it.recovery_points().iter().find_map(held)
    };
    backup::list_recovery_points_by_resource::ListRecoveryPointsByResourceOutput: |it| {
        list("RecoveryPoints", it.recovery_points.as_ref(), |point| {
            first([("RecoveryPointArn", text(point.recovery_point_arn())), ("Status", point.status.is_some())])
        })
    };
    backup::list_restore_jobs::ListRestoreJobsOutput: |it| list("RestoreJobs", it.restore_jobs.as_ref(), restore_job);
    backup::list_restore_jobs_by_protected_resource::ListRestoreJobsByProtectedResourceOutput: |it| {
        list("RestoreJobs", it.restore_jobs.as_ref(), restore_job)
    };
    backup::list_tags::ListTagsOutput: ;
    backup::put_backup_vault_access_policy::PutBackupVaultAccessPolicyOutput: ;
    backup::put_backup_vault_lock_configuration::PutBackupVaultLockConfigurationOutput: ;
    backup::put_backup_vault_notifications::PutBackupVaultNotificationsOutput: ;
    backup::start_backup_job::StartBackupJobOutput: |it| first([("BackupJobId", text(it.backup_job_id()))]);
    backup::start_copy_job::StartCopyJobOutput: |it| first([("CopyJobId", text(it.copy_job_id()))]);
    backup::start_restore_job::StartRestoreJobOutput: |it| first([("RestoreJobId", text(it.restore_job_id()))]);
    backup::stop_backup_job::StopBackupJobOutput: ;
    backup::tag_resource::TagResourceOutput: ;
    backup::untag_resource::UntagResourceOutput: ;
    backup::update_backup_plan::UpdateBackupPlanOutput: ;
    backup::update_global_settings::UpdateGlobalSettingsOutput: ;
    backup::update_recovery_point_lifecycle::UpdateRecoveryPointLifecycleOutput: ;
    backup::update_region_settings::UpdateRegionSettingsOutput: ;

    iam::attach_role_policy::AttachRolePolicyOutput: ;
    iam::create_role::CreateRoleOutput: |it| it.role().map_or(Some("Role"), |role| first([("Arn", !role.arn.is_empty())]));
    iam::get_role::GetRoleOutput: |it| it.role().map_or(Some("Role"), role);
    iam::list_attached_role_policies::ListAttachedRolePoliciesOutput: |it| {
        it.attached_policies().iter().find_map(|policy| first([("PolicyArn", text(policy.policy_arn()))]))
    };
    iam::list_role_policies::ListRolePoliciesOutput: ;
    iam::simulate_principal_policy::SimulatePrincipalPolicyOutput: |it| {
        list("EvaluationResults", it.evaluation_results.as_ref(), |_| None)
    };
    iam::update_assume_role_policy::UpdateAssumeRolePolicyOutput: ;

    kms::describe_key::DescribeKeyOutput: |it| {
        it.key_metadata().map_or(Some("KeyMetadata"), |key| first([("KeyManager", key.key_manager.is_some())]))
    };

    rds::add_tags_to_resource::AddTagsToResourceOutput: ;
    rds::describe_db_cluster_automated_backups::DescribeDbClusterAutomatedBackupsOutput: ;
    rds::describe_db_cluster_parameter_groups::DescribeDbClusterParameterGroupsOutput: |it| {
        it.db_cluster_parameter_groups().iter().find_map(|group| family(group.db_parameter_group_family()))
    };
    rds::describe_db_clusters::DescribeDbClustersOutput: |it| {
        it.db_clusters().iter().find_map(|cluster| first([
            ("DBClusterArn", text(cluster.db_cluster_arn())),
            ("DBClusterIdentifier", text(cluster.db_cluster_identifier())),
        ]))
    };
    rds::describe_db_engine_versions::DescribeDbEngineVersionsOutput: |it| {
        it.db_engine_versions().iter().find_map(|version| family(version.db_parameter_group_family()))
    };
    rds::describe_db_instance_automated_backups::DescribeDbInstanceAutomatedBackupsOutput: ;
    rds::describe_db_instances::DescribeDbInstancesOutput: |it| {
        it.db_instances().iter().find_map(|instance| first([
            ("DBInstanceArn", text(instance.db_instance_arn())),
            ("DBInstanceIdentifier", text(instance.db_instance_identifier())),
        ]))
    };
    rds::describe_db_parameter_groups::DescribeDbParameterGroupsOutput: |it| {
        it.db_parameter_groups().iter().find_map(|group| family(group.db_parameter_group_family()))
    };
    rds::describe_db_subnet_groups::DescribeDbSubnetGroupsOutput: ;
    rds::describe_option_groups::DescribeOptionGroupsOutput: |it| {
        it.option_groups_list().iter().find_map(|group| first([("EngineName", text(group.engine_name()))]))
    };
    rds::describe_orderable_db_instance_options::DescribeOrderableDbInstanceOptionsOutput: ;
    rds::list_tags_for_resource::ListTagsForResourceOutput: ;
    rds::remove_tags_from_resource::RemoveTagsFromResourceOutput: ;

    sqs::delete_message_batch::DeleteMessageBatchOutput: ;
    sqs::receive_message::ReceiveMessageOutput: |it| {
        it.messages().iter().find_map(|message| first([
            ("ReceiptHandle", text(message.receipt_handle())),
            ("Body", message.body().is_some()),
        ]))
    };

    sts::assume_role::AssumeRoleOutput: |it| first([
        ("Credentials", it.credentials().is_some_and(|told| text(Some(told.access_key_id())))),
    ]);
    sts::get_caller_identity::GetCallerIdentityOutput: |it| first([
        ("Account", text(it.account())),
        ("Arn", text(it.arn())),
    ]);

    tagging::get_resources::GetResourcesOutput: |it| {
        it.resource_tag_mapping_list().iter().find_map(|found| first([("ResourceARN", text(found.resource_arn()))]))
    };
    tagging::tag_resources::TagResourcesOutput: ;
    tagging::untag_resources::UntagResourcesOutput: ;
}

fn vault(listed: &BackupVaultListMember) -> Option<&'static str> {
    first([("BackupVaultName", text(listed.backup_vault_name())), ("BackupVaultArn", text(listed.backup_vault_arn()))])
}

fn plan(listed: &BackupPlansListMember) -> Option<&'static str> {
    first([
        ("BackupPlanId", text(listed.backup_plan_id())),
        ("BackupPlanArn", text(listed.backup_plan_arn())),
        ("BackupPlanName", text(listed.backup_plan_name())),
        ("VersionId", text(listed.version_id())),
    ])
}

fn selection(listed: &BackupSelectionsListMember) -> Option<&'static str> {
    first([("SelectionId", text(listed.selection_id())), ("SelectionName", text(listed.selection_name()))])
}

fn backup_job(listed: &BackupJob) -> Option<&'static str> {
    first([("BackupJobId", text(listed.backup_job_id()))])
}

fn copy_job(listed: &CopyJob) -> Option<&'static str> {
    first([("CopyJobId", text(listed.copy_job_id()))])
}

fn restore_job(listed: &RestoreJobsListMember) -> Option<&'static str> {
    first([("RestoreJobId", text(listed.restore_job_id()))])
}

fn protected(listed: &ProtectedResource) -> Option<&'static str> {
    first([("ResourceArn", text(listed.resource_arn()))])
}

fn legal_hold(listed: &LegalHold) -> Option<&'static str> {
    first([("LegalHoldId", text(listed.legal_hold_id()))])
}

fn family(told: Option<&str>) -> Option<&'static str> {
    first([("DBParameterGroupFamily", text(told))])
}

/// Whether a hold keeps a point is judged by both.
fn held(listed: &RecoveryPointMember) -> Option<&'static str> {
    first([
        ("RecoveryPointArn", text(listed.recovery_point_arn())),
        ("BackupVaultName", text(listed.backup_vault_name())),
    ])
}

/// The SDK puts blanks where IAM's answer lacks what its model requires.
fn role(told: &Role) -> Option<&'static str> {
    first([
        ("RoleName", !told.role_name.is_empty()),
        ("Arn", !told.arn.is_empty()),
        ("AssumeRolePolicyDocument", text(told.assume_role_policy_document())),
    ])
}

#[cfg(test)]
mod tests {
    use aws_sdk_backup::operation::list_backup_vaults::ListBackupVaultsOutput;

    use super::*;

    #[test]
    fn an_answer_is_whole_when_everything_that_it_lists_is() {
        let vault = BackupVaultListMember::builder().backup_vault_name("prod");
        let whole = vault.clone().backup_vault_arn("arn:aws:backup:us-east-1:123456789012:backup-vault:prod").build();
        let list = ListBackupVaultsOutput::builder();
        assert_eq!(list.clone().build().lacks(), Some("BackupVaultList"));
        assert_eq!(list.clone().set_backup_vault_list(Some(Vec::new())).build().lacks(), None);
        assert_eq!(list.clone().backup_vault_list(whole.clone()).build().lacks(), None);
        let lacking = list.backup_vault_list(whole).backup_vault_list(vault.build()).build();
        assert_eq!(lacking.lacks(), Some("BackupVaultArn"));
    }
}
