//! The commands: which noun and verb makes which call. What a call takes is in the descriptors, see `flags`.

use super::verb::{Verb, Waits, verb};

/// Every command that makes a call.
pub(super) const VERBS: &[Verb] = &[
    verb(
        "vault",
        "create",
        "VaultService/CreateVault",
        &["name"],
        "strongroom vault create nightly --tag team=databases",
    ),
    verb("vault", "get", "VaultService/GetVault", &["vault"], "strongroom vault get nightly"),
    verb("vault", "list", "VaultService/ListVaults", &[], "strongroom vault list -o json | jq -r '.vaults[].name'"),
    verb("vault", "delete", "VaultService/DeleteVault", &["vault"], "strongroom vault delete nightly --yes")
        .asks("the vault is deleted"),
    verb(
        "vault",
        "lock",
        "VaultService/LockVault",
        &["vault"],
        "strongroom vault lock nightly --min-retention-days 7 --max-retention-days 365\n\
         strongroom vault lock nightly --mode compliance --changeable-for-days 3 --min-retention-days 7 --validate-only",
    ),
    verb("vault", "unlock", "VaultService/UnlockVault", &["vault"], "strongroom vault unlock nightly --yes")
        .asks("the lock goes: recovery points can be deleted again"),
    verb(
        "vault",
        "get-access-policy",
        "VaultService/GetVaultAccessPolicy",
        &["vault"],
        "strongroom vault get-access-policy nightly -o json | jq -r .policy > policy.json",
    ),
    verb(
        "vault",
        "set-access-policy",
        "VaultService/SetVaultAccessPolicy",
        &["vault"],
        "strongroom vault set-access-policy nightly --policy-file policy.json",
    ),
    verb(
        "vault",
        "delete-access-policy",
        "VaultService/DeleteVaultAccessPolicy",
        &["vault"],
        "strongroom vault delete-access-policy nightly --yes",
    )
    .asks("the vault's resource policy is deleted, and what it denies is no longer denied"),
    verb(
        "vault",
        "get-notifications",
        "VaultService/GetVaultNotifications",
        &["vault"],
        "strongroom vault get-notifications nightly",
    ),
    verb(
        "vault",
        "set-notifications",
        "VaultService/SetVaultNotifications",
        &["vault"],
        "strongroom vault set-notifications nightly --topic backups \\\n    \
         --event BACKUP_JOB_COMPLETED --event COPY_JOB_FAILED",
    ),
    verb(
        "vault",
        "delete-notifications",
        "VaultService/DeleteVaultNotifications",
        &["vault"],
        "strongroom vault delete-notifications nightly --yes",
    )
    .asks("nobody is notified of the vault's events any more"),
    verb(
        "plan",
        "create",
        "PlanService/CreatePlan",
        &["name"],
        "strongroom plan create nightly --vault nightly --cron '0 5 ? * * *' --timezone Europe/Berlin --keep-days 35\n\
         strongroom plan create -f plan.json --validate-only",
    ),
    verb("plan", "get", "PlanService/GetPlan", &["plan"], "strongroom plan get nightly -o json > plan.json"),
    verb("plan", "list", "PlanService/ListPlans", &[], "strongroom plan list --show-deleted"),
    verb(
        "plan",
        "update",
        "PlanService/UpdatePlan",
        &["plan"],
        "strongroom plan update nightly --rule weekly --keep-days 60\n\
         strongroom plan get nightly -o json > plan.json\n\
         strongroom plan update nightly -f plan.json",
    )
    .asks_when_rules_go()
    .opens(
        "Changes a plan: flags change one rule and keep the others, a file is sent as it is. For flags of a rule the plan \
         is read first, and its other rules are sent along. What the call itself does:",
    ),
    verb("plan", "delete", "PlanService/DeletePlan", &["plan"], "strongroom plan delete nightly --yes")
        .asks("the plan is deleted, and makes no more backups"),
    verb("plan", "list-versions", "PlanService/ListPlanVersions", &["plan"], "strongroom plan list-versions nightly"),
    verb(
        "plan",
        "preview-schedule",
        "PlanService/PreviewSchedule",
        &["plan"],
        "strongroom plan preview-schedule nightly --runs 5\n\
         strongroom plan preview-schedule --cron '0 5 ? * MON#1 *' --timezone Europe/Berlin",
    ),
    verb(
        "selection",
        "create",
        "PlanService/CreateSelection",
        &["plan", "name"],
        "strongroom selection create nightly production --role backup --tag Environment=production --tag Tier=gold\n\
         strongroom selection create nightly either --role backup --tag Tier=gold --tag Tier=silver --any",
    ),
    verb(
        "selection",
        "get",
        "PlanService/GetSelection",
        &["plan", "selection"],
        "strongroom selection get nightly production",
    ),
    verb("selection", "list", "PlanService/ListSelections", &["plan"], "strongroom selection list nightly"),
    verb(
        "selection",
        "delete",
        "PlanService/DeleteSelection",
        &["plan", "selection"],
        "strongroom selection delete nightly production --yes",
    )
    .asks("the selection is deleted: the plan no longer backs up what it selects"),
    verb(
        "selection",
        "replace",
        "PlanService/ReplaceSelection",
        &["plan", "selection"],
        "strongroom selection replace nightly production --tag Environment=production\n\
         strongroom selection get nightly production -o json > selection.json\n\
         strongroom selection replace nightly production -f selection.json",
    ),
    verb(
        "selection",
        "preview",
        "PlanService/PreviewSelection",
        &["saved.plan", "saved.selection"],
        "strongroom selection preview nightly production --filter not-selected\n\
         strongroom selection preview --tag Environment=production",
    ),
    verb(
        "backup",
        "start",
        "JobService/StartBackup",
        &["resource"],
        "strongroom backup start orders --vault nightly --role backup --wait",
    )
    .waits(Waits::Asked),
    verb(
        "restore",
        "start",
        "JobService/StartRestore",
        &["restore.recovery_point"],
        "strongroom restore start arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1 --vault nightly \\\n    \
         --role backup --db-instance-identifier orders-restored --wait\n\
         strongroom restore start --restore-token \"$token\" --wait",
    )
    .waits(Waits::Asked),
    verb(
        "restore",
        "plan",
        "RecoveryPointService/PlanRestore",
        &["restore.recovery_point"],
        "strongroom restore plan arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1 --vault nightly \\\n    \
         --role backup --db-instance-identifier orders-restored -o json | jq -r .restoreToken",
    ),
    verb(
        "copy",
        "start",
        "JobService/StartCopy",
        &["recovery_point"],
        "strongroom copy start arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1 --vault nightly \\\n    \
         --destination-vault away --role backup --wait",
    )
    .waits(Waits::Asked),
    verb("job", "get", "JobService/GetJob", &["job"], "strongroom job get 0c9f6b1e-7d1f-4d3c-9a55-2f6f4c1d8e10"),
    verb(
        "job",
        "list",
        "JobService/ListJobs",
        &[],
        "strongroom job list --kind backup --state failed --state expired --created-after 2026-03-01\n\
         strongroom job list --resource orders -w",
    )
    .watches("JobService/WatchJobs"),
    verb(
        "job",
        "wait",
        "JobService/GetJob",
        &["job"],
        "strongroom job wait 0c9f6b1e-7d1f-4d3c-9a55-2f6f4c1d8e10 --wait-timeout 2h",
    )
    .waits(Waits::Always)
    .opens("Waits until a job has ended, and tells how. What the call that is repeated does:"),
    verb(
        "job",
        "summarize",
        "JobService/SummarizeJobs",
        &[],
        "strongroom job summarize --group-by day --created-after 2026-03-01\n\
         strongroom job summarize --group-by resource --kind backup",
    ),
    verb("job", "watch", "JobService/WatchJobs", &[], "strongroom job watch --resource rdspg-fcj-labs"),
    verb(
        "job",
        "cancel",
        "JobService/CancelJob",
        &["job"],
        "strongroom job cancel 0c9f6b1e-7d1f-4d3c-9a55-2f6f4c1d8e10",
    ),
    verb(
        "point",
        "get",
        "RecoveryPointService/GetRecoveryPoint",
        &["recovery_point"],
        "strongroom point get arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1 --vault nightly",
    ),
    verb(
        "point",
        "list",
        "RecoveryPointService/ListRecoveryPoints",
        &[],
        "strongroom point list --vault nightly --created-after 2026-03-01",
    ),
    verb(
        "point",
        "delete",
        "RecoveryPointService/DeleteRecoveryPoint",
        &["recovery_point"],
        "strongroom point delete arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1 --vault nightly --yes",
    )
    .asks("the recovery point is deleted; nothing can be restored from it any more"),
    verb(
        "point",
        "update-lifecycle",
        "RecoveryPointService/UpdateRecoveryPointLifecycle",
        &["recovery_point"],
        "strongroom point update-lifecycle arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1 \\\n    \
         --vault nightly --keep-days 90 --yes",
    )
    .asks("the recovery point is deleted when this says, at once if that time has passed"),
    verb(
        "point",
        "disassociate",
        "RecoveryPointService/DisassociateRecoveryPoint",
        &["recovery_point"],
        "strongroom point disassociate arn:aws:rds:us-east-1:123456789012:recovery-point:continuous-1 \\\n    \
         --vault nightly --yes",
    )
    .asks("AWS Backup gives up the continuous recovery point; the database's own backups take over"),
    verb(
        "hold",
        "create",
        "LegalHoldService/CreateLegalHold",
        &["title"],
        "strongroom hold create 'case 7' --description 'lawsuit 2026/7' --vault nightly --resource orders --validate-only",
    ),
    verb("hold", "get", "LegalHoldService/GetLegalHold", &["legal_hold"], "strongroom hold get 'case 7'"),
    verb("hold", "list", "LegalHoldService/ListLegalHolds", &[], "strongroom hold list --state active"),
    verb(
        "hold",
        "cancel",
        "LegalHoldService/CancelLegalHold",
        &["legal_hold"],
        "strongroom hold cancel 'case 7' --reason settled --yes",
    )
    .asks("what only this hold keeps can be deleted, and AWS deletes what has outlived its retention"),
    verb(
        "hold",
        "list-points",
        "LegalHoldService/ListLegalHoldRecoveryPoints",
        &["legal_hold"],
        "strongroom hold list-points 'case 7'",
    ),
    verb("resource", "get", "ResourceService/GetResource", &["resource"], "strongroom resource get orders"),
    verb("resource", "list", "ResourceService/ListResources", &[], "strongroom resource list --engine postgres"),
    verb(
        "resource",
        "get-protected",
        "ResourceService/GetProtectedResource",
        &["resource"],
        "strongroom resource get-protected orders",
    ),
    verb(
        "resource",
        "list-protected",
        "ResourceService/ListProtectedResources",
        &[],
        "strongroom resource list-protected",
    ),
    verb(
        "protection",
        "explain",
        "ProtectionService/ExplainProtection",
        &["resource"],
        "strongroom protection explain orders",
    ),
    verb(
        "protection",
        "list",
        "ProtectionService/ListProtection",
        &[],
        "strongroom protection list --verdict not-protected --all-scopes",
    ),
    verb(
        "protection",
        "coverage",
        "ProtectionService/GetCoverage",
        &[],
        "strongroom protection coverage --owner payments",
    ),
    verb("run", "list", "ProtectionService/ListUpcomingRuns", &[], "strongroom run list --hours 12 --plan nightly"),
    verb("incident", "list", "ProtectionService/ListIncidents", &[], "strongroom incident list --cause recovery-point-deleted"),
    verb(
        "incident",
        "acknowledge",
        "ProtectionService/AcknowledgeIncident",
        &["incident"],
        "strongroom incident acknowledge 7f8a1c52-13fa-4a2e-8a53-0b6cf3f0c111 --note ticket-4711",
    ),
    verb(
        "tag",
        "add",
        "ResourceService/TagResource",
        &["resource", "tags"],
        "strongroom tag add orders Environment=production Tier=gold",
    ),
    verb(
        "tag",
        "remove",
        "ResourceService/UntagResource",
        &["resource", "tag_keys"],
        "strongroom tag remove orders Tier",
    ),
    verb("tag", "list", "ResourceService/ListTags", &["resource"], "strongroom tag list orders"),
    verb("role", "ensure", "AccountService/EnsureServiceRole", &["role"], "strongroom role ensure backup"),
    verb("role", "get", "AccountService/GetServiceRole", &["role"], "strongroom role get backup"),
    verb("account", "get", "AccountService/GetAccount", &[], "strongroom account get --region eu-central-1"),
    verb("settings", "get", "AccountService/GetRegionSettings", &[], "strongroom settings get --region eu-central-1"),
    verb(
        "settings",
        "update",
        "AccountService/UpdateRegionSettings",
        &[],
        "strongroom settings update --resource-type-opt-in RDS=true --resource-type-opt-in EBS=false",
    ),
    verb("settings", "get-global", "AccountService/GetGlobalSettings", &[], "strongroom settings get-global"),
    verb(
        "settings",
        "update-global",
        "AccountService/UpdateGlobalSettings",
        &[],
        "strongroom settings update-global --setting isCrossAccountBackupEnabled=true",
    ),
    verb("access", "whoami", "AccessService/WhoAmI", &[], "strongroom access whoami"),
    verb(
        "access",
        "audit-events",
        "AccessService/ListAuditEvents",
        &[],
        "strongroom access audit-events --action DeleteVault",
    ),
    verb(
        "access",
        "explain",
        "AccessService/ExplainAccess",
        &["principal", "action", "thing", "name"],
        "strongroom access explain corp:ada StartBackup database orders --group corp:orders",
    ),
    verb(
        "approval",
        "request",
        "AccessService/RequestApproval",
        &["request"],
        "strongroom approval request --reason 'case 4711' \\\n    \
         '{\"deleteVault\": {\"vault\": \"nightly\", \"force\": true, \"requestId\": \"2b1f0c3e-7f0a-4c8e-9d57-0e4f6d1a9b11\"}}'",
    ),
    verb(
        "approval",
        "get",
        "AccessService/GetApproval",
        &["approval"],
        "strongroom approval get 7f8a1c52-13fa-4a2e-8a53-0b6cf3f0c111 -o json | jq -r .shownJson | jq",
    ),
    verb("approval", "list", "AccessService/ListApprovals", &[], "strongroom approval list --state pending"),
    verb(
        "approval",
        "approve",
        "AccessService/Approve",
        &["approval"],
        "strongroom approval approve 7f8a1c52-13fa-4a2e-8a53-0b6cf3f0c111 --note 'seen with Ada' --yes",
    )
    .asks("the request can be carried out within the hour: see what it takes with `strongroom approval get`"),
    verb(
        "approval",
        "reject",
        "AccessService/Reject",
        &["approval"],
        "strongroom approval reject 7f8a1c52-13fa-4a2e-8a53-0b6cf3f0c111 --note 'still needed'",
    ),
    verb("server", "get", "ServerService/GetServerInfo", &[], "strongroom server get -o json | jq -r .version"),
];

/// The command of these words.
pub(super) fn find(noun: &str, name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.noun == noun && verb.name == name)
}
