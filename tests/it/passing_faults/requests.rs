//! Requests that take every way through every RPC: by name and by ARN, of what is there and of what is not, in a world of
//! [`world_and_requests`](crate::every_change::world_and_requests).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Case;
use crate::{
    every_change::with,
    harness::{ACCOUNT, LABS, request_id},
    shapes::{changes_of_aws, methods, reads},
};

/// What the world has that requests name.
struct Named {
    point: String,
    continuous: String,
    job: String,
    missing_point: String,
}

impl Named {
    fn of(changes: &BTreeMap<&'static str, Value>) -> Self {
        let text = |rpc: &str, field: &str| changes[rpc][field].as_str().unwrap().to_owned();
        let point = text("DeleteRecoveryPoint", "recovery_point");
        let missing_point = format!("{point}-gone");
        Self {
            point,
            continuous: text("DisassociateRecoveryPoint", "recovery_point"),
            job: text("CancelJob", "job"),
            missing_point,
        }
    }
}

const NO_JOB: &str = "00000000-0000-4000-8000-00000000dead";

fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{rest}")
}

/// Every read, in every way.
pub(super) fn of_reads(changes: &BTreeMap<&'static str, Value>) -> Vec<Case> {
    let Named { point, continuous, job, missing_point } = Named::of(changes);
    let restore = &changes["StartRestore"]["restore"];
    let role = &restore["role"];
    let cluster = arn("rds", "cluster:aurora-billing");
    let into = |point: &str, name: &str| json!({"recovery_point": point, "vault": "prod", "role": role, "rds_instance": {"db_instance_identifier": name}});
    let mut to_a_time = into(&continuous, "again");
    to_a_time["point_in_time"] = json!({"latest": true});
    let rules = json!({"rules": [{"name": "daily", "vault": "prod"}]});
    let saved = |plan: &str, selection: &str| json!({"saved": {"plan": plan, "selection": selection}});
    let requests = [
        ("GetLegalHold", vec![json!({"legal_hold": "old"}), json!({"legal_hold": NO_JOB})]),
        ("ListLegalHolds", vec![json!({})]),
        ("ListLegalHoldRecoveryPoints", vec![json!({"legal_hold": "old"}), json!({"legal_hold": NO_JOB})]),
        ("GetAccount", vec![json!({})]),
        ("GetRegionSettings", vec![json!({})]),
        ("GetGlobalSettings", vec![json!({})]),
        (
            "GetServiceRole",
            vec![
                json!({"role": role}),
                json!({"role": "missing"}),
                json!({"role": format!("arn:aws:iam::{ACCOUNT}:role/elsewhere/AWSBackupDefaultServiceRole")}),
            ],
        ),
        ("GetServerInfo", vec![json!({})]),
        ("WhoAmI", vec![json!({})]),
        ("ListAuditEvents", vec![json!({})]),
        // There are no policies here: it says so, and AWS is not asked.
        (
            "ExplainAccess",
            vec![json!({"principal": "corp:ada", "action": "GetVault", "thing": "THING_VAULT", "name": "prod"})],
        ),
        ("GetApproval", vec![json!({"approval": NO_JOB})]),
        ("ListApprovals", vec![json!({})]),
        ("GetVault", vec![json!({"vault": "prod"}), json!({"vault": "missing"})]),
        ("ListVaults", vec![json!({}), json!({"page_size": 1})]),
        (
            "GetVaultAccessPolicy",
            vec![json!({"vault": "locked"}), json!({"vault": "empty"}), json!({"vault": "missing"})],
        ),
        (
            "GetVaultNotifications",
            vec![json!({"vault": "locked"}), json!({"vault": "empty"}), json!({"vault": "missing"})],
        ),
        ("GetPlan", vec![json!({"plan": "evening"}), json!({"plan": "missing"}), json!({"plan": NO_JOB})]),
        (
            "ListPlans",
            vec![json!({}), json!({"view": "PLAN_VIEW_FULL"}), json!({"view": "PLAN_VIEW_FULL", "show_deleted": true})],
        ),
        ("ListPlanVersions", vec![json!({"plan": "evening"}), json!({"plan": NO_JOB})]),
        ("PreviewSchedule", vec![json!({"plan": "evening"}), json!({"plan": "missing"}), json!({"unsaved": rules})]),
        (
            "GetSelection",
            vec![
                json!({"plan": "evening", "selection": "labs"}),
                json!({"plan": "evening", "selection": "missing"}),
                json!({"plan": "evening", "selection": NO_JOB}),
            ],
        ),
        ("ListSelections", vec![json!({"plan": "evening"}), json!({"plan": NO_JOB})]),
        (
            "PreviewSelection",
            vec![
                saved("evening", "labs"),
                saved("evening", "missing"),
                json!({"criteria": {"resources": ["*"]}}),
                json!({"criteria": {"resources": [LABS, arn("rds", "db:missing"), arn("ec2", "volume/vol-1")]}}),
            ],
        ),
        (
            "GetJob",
            vec![
                json!({"job": job}),
                json!({"job": NO_JOB}),
                json!({"job": NO_JOB, "kind": "JOB_KIND_COPY"}),
                json!({"job": NO_JOB, "kind": "JOB_KIND_RESTORE"}),
            ],
        ),
        ("SummarizeJobs", vec![json!({}), json!({"group_by": ["JOB_DIMENSION_DAY"]})]),
        ("WaitJob", vec![json!({"job": job}), json!({"job": NO_JOB, "kind": "JOB_KIND_COPY"})]),
        (
            "ListJobs",
            vec![
                json!({}),
                json!({"filter": {"resource": "rdspg-fcj-labs"}}),
                json!({"filter": {"resource": "missing"}}),
                json!({"filter": {"kinds": ["JOB_KIND_RESTORE"], "resource": LABS}}),
            ],
        ),
        (
            "GetRecoveryPoint",
            vec![
                json!({"vault": "prod", "recovery_point": point}),
                json!({"vault": "prod", "recovery_point": missing_point}),
                json!({"vault": "missing", "recovery_point": point}),
            ],
        ),
        (
            "ListRecoveryPoints",
            vec![
                json!({"vault": "prod"}),
                json!({"vault": "missing"}),
                json!({"vault": "prod", "resource": "rdspg-fcj-labs", "plan": "evening"}),
                json!({}),
                json!({"resource": "rdspg-fcj-labs", "managed_by_backup_only": true}),
                json!({"resource": LABS}),
            ],
        ),
        (
            "PlanRestore",
            vec![
                json!({"restore": restore}),
                json!({"restore": into(&point, "rdspg-fcj-labs")}),
                json!({"restore": into(&missing_point, "again")}),
                json!({"restore": to_a_time}),
            ],
        ),
        ("ListResources", vec![json!({}), json!({"engine": "postgres"}), json!({"kind": "RESOURCE_KIND_DB_CLUSTER"})]),
        (
            "GetResource",
            vec![
                json!({"resource": "rdspg-fcj-labs"}),
                json!({"resource": LABS}),
                json!({"resource": cluster}),
                json!({"resource": "missing"}),
            ],
        ),
        (
            "ListTags",
            vec![
                json!({"resource": "rdspg-fcj-labs"}),
                json!({"resource": LABS}),
                json!({"resource": arn("rds", "db:missing")}),
                json!({"resource": arn("backup", "backup-vault:prod")}),
                json!({"resource": arn("backup", "backup-vault:missing")}),
                json!({"resource": arn("ec2", "volume/vol-0123456789abcdef0")}),
            ],
        ),
        ("ListProtectedResources", vec![json!({}), json!({"vault": "prod"}), json!({"vault": "missing"})]),
        (
            "GetProtectedResource",
            vec![
                json!({"resource": LABS}),
                json!({"resource": "rdspg-fcj-labs"}),
                json!({"resource": "missing"}),
                json!({"resource": arn("rds", "db:missing")}),
            ],
        ),
        (
            "ExplainProtection",
            vec![
                json!({"resource": "rdspg-fcj-labs"}),
                json!({"resource": cluster}),
                json!({"resource": "aurora-billing-1"}),
                json!({"resource": "missing"}),
            ],
        ),
        ("ListIncidents", vec![json!({})]),
        // Nothing is followed here: they say so, and AWS is not asked.
        ("GetCoverage", vec![json!({})]),
        ("ListProtection", vec![json!({})]),
        (
            "ListUpcomingRuns",
            vec![
                json!({"hours": 168}),
                json!({"hours": 168, "plan": "evening", "resource": "rdspg-fcj-labs"}),
                json!({"hours": 168, "resource": "aurora-billing-1"}),
                json!({"plan": "missing"}),
                json!({"resource": "missing"}),
            ],
        ),
    ];
    let all: Vec<Case> = requests
        .into_iter()
        .flat_map(|(rpc, requests)| requests.into_iter().map(|request| Case { rpc: rpc.to_owned(), request }))
        .collect();
    // A stream reads the ledger alone.
    for method in methods().iter().filter(|method| reads(method) && !method.is_server_streaming()) {
        assert!(all.iter().any(|case| case.rpc == method.name()), "no request for {}", method.name());
    }
    all
}

/// Every change, only checked, in every way.
pub(super) fn of_checks(known: &BTreeMap<&'static str, Value>) -> Vec<Case> {
    let Named { missing_point, .. } = Named::of(known);
    let mut requests: Vec<(&str, Value)> = known.iter().map(|(rpc, request)| (*rpc, request.clone())).collect();
    let mut more = |rpc: &'static str, changed: &[(&str, Value)]| {
        let request = known[rpc].clone();
        requests
            .push((rpc, changed.iter().fold(request, |request, (field, value)| with(&request, field, value.clone()))));
    };
    more("CreateVault", &[("name", json!("prod"))]);
    more("CreatePlan", &[("name", json!("evening"))]);
    more("CreatePlan", &[("rules", json!([{"name": "daily", "vault": "missing"}]))]);
    more("CreateSelection", &[("name", json!("labs"))]);
    more("CreateSelection", &[("plan", json!("missing"))]);
    more("CreateSelection", &[("role", json!("missing"))]);
    more("CancelJob", &[("job", json!(NO_JOB))]);
    for allowed in [true, false] {
        more("DeletePlan", &[("plan", json!("missing")), ("allow_missing", json!(allowed))]);
        more("DeletePlan", &[("plan", json!(NO_JOB)), ("allow_missing", json!(allowed))]);
        more("DeleteVault", &[("vault", json!("missing")), ("allow_missing", json!(allowed))]);
        more("DeleteVault", &[("vault", json!("missing")), ("allow_missing", json!(allowed)), ("force", json!(true))]);
        more("DeleteSelection", &[("selection", json!("missing")), ("allow_missing", json!(allowed))]);
        more("DeleteSelection", &[("selection", json!(NO_JOB)), ("allow_missing", json!(allowed))]);
        let gone = [("recovery_point", json!(missing_point)), ("allow_missing", json!(allowed))];
        more("DeleteRecoveryPoint", &gone);
    }
    more("DeletePlan", &[("plan", json!("evening"))]);
    more("DeleteVault", &[("vault", json!("prod"))]);
    more("DeleteVault", &[("vault", json!("prod")), ("force", json!(true))]);
    more("DeleteVaultAccessPolicy", &[("vault", json!("empty"))]);
    more("DeleteVaultAccessPolicy", &[("vault", json!("missing"))]);
    more("DeleteVaultNotifications", &[("vault", json!("empty"))]);
    more("EnsureServiceRole", &[("role", json!("AWSBackupDefaultServiceRole"))]);
    more("LockVault", &[("vault", json!("missing"))]);
    more("StartBackup", &[("resource", json!(LABS))]);
    more("StartBackup", &[("vault", json!("missing"))]);
    more("StartBackup", &[("resource", json!("missing"))]);
    more("StartBackup", &[("role", json!("missing"))]);
    more("StartCopy", &[("recovery_point", json!(missing_point))]);
    more("StartCopy", &[("destination_vault", json!("missing"))]);
    let elsewhere = "arn:aws:backup:us-east-1:210987654321:backup-vault:far";
    more("StartCopy", &[("destination_vault", json!(elsewhere))]);
    more("TagResource", &[("resource", json!("missing"))]);
    more("TagResource", &[("resource", json!(arn("backup", "backup-vault:prod")))]);
    more("UpdatePlan", &[("plan", json!("missing"))]);
    more("UpdatePlan", &[("name", json!("bare"))]);
    let all: Vec<Case> = requests
        .into_iter()
        .map(|(rpc, request)| {
            let request = with(&with(&request, "validate_only", true), "request_id", request_id(77));
            Case { rpc: rpc.to_owned(), request }
        })
        .collect();
    for method in changes_of_aws() {
        assert!(all.iter().any(|case| case.rpc == method.name()), "no request for {}", method.name());
    }
    all
}
