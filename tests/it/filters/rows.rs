//! The table: what is asked for that nothing can have, and how that is told.

mod runs;

use serde_json::{Value, json};

use super::{Fault, Finding, Found, Missing, Row, row, swapped};
use crate::{
    backups::{VAULT, VOLUME},
    harness::LABS,
};

/// Every row.
pub(super) fn all(found: &Found) -> Vec<Row> {
    [
        of_jobs(found),
        of_points(found),
        of_the_rest(found),
        runs::of_the_record(),
        runs::ahead(),
        runs::of_remembered_jobs(),
        runs::of_incidents(),
        runs::of_coverage("GetCoverage"),
        runs::of_coverage("ListProtection"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const NO_DATABASE: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-fcj-lab";
const CAPITALS: &str = "arn:aws:rds:us-east-1:123456789012:db:RDSPG-fcj-labs";
const MEMBER: &str = "arn:aws:rds:us-east-1:123456789012:db:aurora-billing-1";
const VAULT_ARN: &str = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";
const FAR_VAULT: &str = "arn:aws:backup:eu-west-1:123456789012:backup-vault:prod";
const NO_POINT: &str = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-0";
const NO_ID: &str = "0f3c7a50-7d5e-4d3c-8c0f-0c1d2e3f4a5b";

const OTHER_STATES: &str = "MESSAGE_CATEGORY_OF_OTHER_STATES";
const ANCIENT: &str = "INTERVAL_BEFORE_AWS_BACKUP";
const WILDCARD: &str = "arn:aws:rds:us-east-1:123456789012:db:*";

fn of_jobs(found: &Found) -> Vec<Row> {
    let jobs = |field, never, tells, says: &str, right| row("ListJobs", field, never, tells, says, right);
    let backups = |row: Row| row.beside(json!({"filter": {"kinds": ["JOB_KIND_BACKUP"]}}));
    let copies = |row: Row| row.beside(json!({"filter": {"kinds": ["JOB_KIND_COPY"]}}));
    let unlike_restores = "is not a state of restore jobs";
    let (resource, category) = ("filter.resource", "filter.message_category");
    let old = json!("1999-01-01T00:00:00Z");
    vec![
        jobs("filter.kinds", json!(["JOB_KIND_UNSPECIFIED"]), Fault, "is blank", json!(["JOB_KIND_BACKUP"])),
        jobs("filter.states", json!(["JOB_STATE_UNSPECIFIED"]), Fault, "is blank", json!(["JOB_STATE_COMPLETED"])),
        jobs("filter.resource_types", json!(["RDS", ""]), Fault, "is blank", json!(["RDS"])),
        jobs("filter.kinds", json!([77]), Fault, "77 is not a kind", json!(["JOB_KIND_BACKUP"])),
        jobs("filter.states", json!(["JOB_STATE_CREATED"]), Fault, unlike_restores, json!(["JOB_STATE_COMPLETED"]))
            .beside(json!({"filter": {"kinds": ["JOB_KIND_RESTORE"]}}))
            .without_right(),
        jobs("filter.states", json!(["JOB_STATE_RUNNING"]), Fault, "names no other", json!(["JOB_STATE_COMPLETED"]))
            .beside(json!({"filter": {"completion_time": {"start_time": "2026-03-01T00:00:00Z"}}}))
            .blames("filter.completion_time"),
        jobs("filter.resource_types", json!(["rds"]), Fault, "did you mean RDS?", json!(["RDS"])),
        jobs("filter.resource_types", json!(["RDSS"]), Fault, "did you mean RDS?", json!(["RDS"])),
        jobs("filter.resource_types", json!(["Floppy"]), Fault, "they are", json!(["RDS"])),
        backups(jobs("filter.resource_types", json!(["Aurora"]), Fault, "it is RDS", json!(["RDS"])))
            .with("filter.resource", json!(LABS)),
        backups(jobs(
            resource,
            json!(NO_DATABASE),
            Finding("RESOURCE_NOT_FOUND"),
            "did you mean rdspg-fcj-labs?",
            json!(LABS),
        )),
        jobs(
            resource,
            json!("rdspg-fcj-lab"),
            Missing("RESOURCE_NOT_FOUND"),
            "did you mean rdspg-fcj-labs?",
            json!("rdspg-fcj-labs"),
        ),
        jobs(resource, json!(CAPITALS), Fault, LABS, json!(LABS)),
        jobs(resource, json!(WILDCARD), Fault, "no wildcards here", json!(LABS)),
        jobs(resource, json!(MEMBER), Finding("CLUSTER_MEMBER"), "aurora-billing", json!(LABS)),
        jobs(resource, json!(found.point), Fault, "is the ARN of a recovery point", json!(LABS)),
        jobs(resource, json!(VAULT_ARN), Fault, "is the ARN of a backup vault", json!(LABS)),
        backups(jobs("filter.vault", json!("prodd"), Finding("VAULT_NOT_FOUND"), "did you mean prod?", json!("prod"))),
        backups(jobs("filter.vault", json!("Prod"), Finding("VAULT_NOT_FOUND"), "did you mean prod?", json!("prod"))),
        backups(jobs("filter.vault", json!(LABS), Fault, "is the ARN of an RDS instance", json!(VAULT_ARN))),
        backups(jobs("filter.vault", json!(FAR_VAULT), Fault, "names region eu-west-1", json!(VAULT_ARN)))
            .with("scope.region", json!("us-east-1")),
        copies(jobs(
            "filter.destination_vault",
            json!("copiess"),
            Finding("VAULT_NOT_FOUND"),
            "did you mean copies?",
            json!("copies"),
        )),
        copies(jobs(
            "filter.destination_vault",
            json!(FAR_VAULT),
            Finding("VAULT_NOT_FOUND"),
            FAR_VAULT,
            json!("copies"),
        )),
        jobs(
            "filter.create_time.start_time",
            json!("2030-01-01T00:00:00Z"),
            Finding("INTERVAL_IN_FUTURE"),
            "future",
            json!("2026-03-01T00:00:00Z"),
        ),
        jobs(
            "filter.create_time.end_time",
            json!("2025-01-01T00:00:00Z"),
            Finding("JOBS_FORGOTTEN"),
            "30 days",
            json!("2026-04-01T00:00:00Z"),
        ),
        jobs(
            "filter.completion_time.start_time",
            json!("2030-01-01T00:00:00Z"),
            Finding("INTERVAL_IN_FUTURE"),
            "future",
            json!("2026-03-01T00:00:00Z"),
        ),
        jobs(
            "filter.completion_time.end_time",
            json!("2025-01-01T00:00:00Z"),
            Finding("JOBS_FORGOTTEN"),
            "30 days",
            json!("2026-04-01T00:00:00Z"),
        ),
        jobs(
            "filter.completion_time.end_time",
            json!("2026-03-01T00:00:00Z"),
            Fault,
            "before it is created",
            json!("2026-04-01T00:00:00Z"),
        )
        .beside(json!({"filter": {"create_time": {"start_time": "2026-03-02T00:00:00Z"}}}))
        .blames("filter.completion_time"),
        backups(jobs(
            "filter.message_category",
            json!("AccesDenied"),
            Finding("MESSAGE_CATEGORY_UNKNOWN"),
            "did you mean AccessDenied?",
            json!("SUCCESS"),
        )),
        jobs(category, json!("Success"), Finding(OTHER_STATES), "did not complete", Value::Null)
            .beside(json!({"filter": {"kinds": ["JOB_KIND_BACKUP"], "states": ["JOB_STATE_FAILED"]}})),
        jobs(category, json!("AccessDenied"), Finding(OTHER_STATES), "with issues", json!("Success"))
            .beside(json!({"filter": {"kinds": ["JOB_KIND_BACKUP"], "states": ["JOB_STATE_COMPLETED"]}})),
        jobs(category, json!("AccessDenied"), Finding(OTHER_STATES), "under way have none", Value::Null).beside(
            json!({"filter": {"kinds": ["JOB_KIND_COPY", "JOB_KIND_BACKUP"], "states": ["JOB_STATE_RUNNING"]}}),
        ),
        backups(jobs(
            "filter.states",
            json!(["JOB_STATE_ABORTED"]),
            Finding("STATES_OF_OTHER_TYPES"),
            "does not stop",
            json!(["JOB_STATE_COMPLETED"]),
        ))
        .with("filter.resource", json!(LABS)),
        copies(jobs(
            "filter.states",
            json!(["JOB_STATE_PARTIAL"]),
            Finding("STATES_OF_OTHER_TYPES"),
            "parts",
            Value::Null,
        ))
        .with("filter.resource_types", json!(["RDS", "Aurora"])),
        jobs(
            "filter.create_time.end_time",
            old.clone(),
            Finding(ANCIENT),
            "January 2019",
            json!("2026-04-01T00:00:00Z"),
        )
        .beside(json!({"filter": {"kinds": ["JOB_KIND_RESTORE"]}}))
        .without_right(),
        jobs("filter.completion_time.end_time", old.clone(), Finding(ANCIENT), "January 2019", Value::Null)
            .beside(json!({"filter": {"kinds": ["JOB_KIND_RESTORE"]}})),
        jobs("filter.completion_time.end_time", old, Finding("JOBS_FORGOTTEN"), "30 days", Value::Null),
        copies(jobs("filter.source_recovery_point", json!(found.point), Fault, "is EBS, of which", json!(found.point)))
            .with("filter.resource_types", json!(["EBS"]))
            .blames("filter.resource_types")
            .without_right(),
        copies(jobs("filter.source_recovery_point", json!(found.point), Fault, "is of type EBS", Value::Null))
            .with("filter.resource", json!(VOLUME))
            .blames("filter.resource"),
        copies(jobs(
            "filter.parent_job",
            json!(found.job),
            Finding("JOB_KIND_DIFFERS"),
            "is a backup job",
            Value::Null,
        )),
        backups(jobs("filter.parent_job", json!(found.job), Finding("JOB_WITHOUT_PARTS"), "has no parts", Value::Null)),
        jobs("filter.parent_job", json!(NO_ID), Finding("JOB_NOT_FOUND"), NO_ID, Value::Null),
        copies(jobs(
            "filter.source_recovery_point",
            json!(NO_POINT),
            Finding("RECOVERY_POINT_NOT_FOUND"),
            NO_POINT,
            json!(found.point),
        )),
        copies(jobs(
            "filter.source_recovery_point",
            json!(LABS),
            Fault,
            "is the ARN of an RDS instance",
            json!(found.point),
        )),
        row("GetJob", "job", json!(NO_ID), Missing("JOB_NOT_FOUND"), NO_ID, json!(found.job)),
        row(
            "GetJob",
            "job",
            json!(swapped(&found.job)),
            Missing("JOB_NOT_FOUND"),
            &format!("did you mean {}?", found.job),
            json!(found.job),
        ),
        row(
            "GetJob",
            "kind",
            json!("JOB_KIND_RESTORE"),
            Missing("JOB_NOT_FOUND"),
            "is a copy job",
            json!("JOB_KIND_COPY"),
        )
        .beside(json!({"job": found.copy})),
    ]
}

fn of_points(found: &Found) -> Vec<Row> {
    let points = |field, never, tells, says: &str, right| row("ListRecoveryPoints", field, never, tells, says, right);
    let in_vault = |row: Row| row.beside(json!({"vault": VAULT}));
    let plan_arn = |id: &str| format!("arn:aws:backup:us-east-1:123456789012:backup-plan:{id}");
    vec![
        points("vault", json!("prodd"), Missing("VAULT_NOT_FOUND"), "did you mean prod?", json!("prod")),
        points("vault", json!("PROD"), Missing("VAULT_NOT_FOUND"), "did you mean prod?", json!("prod")),
        points("vault", json!(LABS), Fault, "is the ARN of an RDS instance", json!(VAULT_ARN)),
        points(
            "resource",
            json!(NO_DATABASE),
            Finding("RESOURCE_NOT_FOUND"),
            "did you mean rdspg-fcj-labs?",
            json!(LABS),
        ),
        points(
            "resource",
            json!("rdspg-fcj-lab"),
            Missing("RESOURCE_NOT_FOUND"),
            "did you mean rdspg-fcj-labs?",
            json!(LABS),
        ),
        points("resource", json!(found.point), Fault, "is the ARN of a recovery point", json!(LABS)),
        points(
            "resource",
            json!("arn:aws:ec2:us-east-1:123456789012:volume/vol-0"),
            Finding("NOT_CHECKED"),
            "cannot tell",
            json!(LABS),
        ),
        in_vault(points("resource", json!(NO_DATABASE), Finding("RESOURCE_NOT_FOUND"), "rdspg-fcj-lab", json!(LABS))),
        in_vault(points("resource", json!(MEMBER), Finding("CLUSTER_MEMBER"), "aurora-billing", json!(LABS))),
        in_vault(points("resource", json!(found.point), Fault, "is the ARN of a recovery point", json!(LABS))),
        points("resource_type", json!("RDSS"), Fault, "did you mean RDS?", json!("RDS")),
        points("resource_type", json!("aurora"), Fault, "did you mean Aurora?", json!("RDS")),
        in_vault(points("resource_type", json!("EBS"), Fault, "it is RDS", json!("RDS"))).with("resource", json!(LABS)),
        points("plan", json!("nosuch"), Missing("PLAN_NOT_FOUND"), "nosuch", json!("nightly")),
        points("plan", json!("Nightly"), Missing("PLAN_NOT_FOUND"), "did you mean nightly?", json!("nightly")),
        points("plan", json!(NO_ID), Finding("PLAN_NOT_FOUND"), NO_ID, json!(found.plan)),
        points("plan", json!(format!("orgs/{NO_ID}")), Finding("PLAN_NOT_FOUND"), NO_ID, json!(plan_arn(&found.plan))),
        points("plan", json!(found.deleted_plan), Finding("PLAN_NOT_FOUND"), "it was deleted at", json!(found.plan)),
        points("plan", json!(VAULT_ARN), Fault, "is the ARN of a backup vault", json!(found.plan)),
        points(
            "create_time.start_time",
            json!("2030-01-01T00:00:00Z"),
            Finding("INTERVAL_IN_FUTURE"),
            "future",
            json!("2026-03-01T00:00:00Z"),
        ),
        points(
            "create_time.end_time",
            json!("1999-01-01T00:00:00Z"),
            Finding(ANCIENT),
            "January 2019",
            json!("2026-04-01T00:00:00Z"),
        ),
        points(
            "parent_recovery_point",
            json!(found.point),
            Finding("RECOVERY_POINT_WITHOUT_PARTS"),
            "has no parts",
            Value::Null,
        ),
        points(
            "create_time.end_time",
            json!("2026-03-01T00:00:00Z"),
            Fault,
            "must be later",
            json!("2026-04-01T00:00:00Z"),
        )
        .beside(json!({"create_time": {"start_time": "2026-03-01T00:00:00Z"}}))
        .blames("create_time"),
        points("parent_recovery_point", json!(NO_POINT), Finding("RECOVERY_POINT_NOT_FOUND"), NO_POINT, Value::Null),
        points("resource", json!(WILDCARD), Fault, "no wildcards here", json!(LABS)),
        points("vault", json!(VAULT_ARN.replace("prod", "*")), Fault, "no wildcards here", json!(VAULT_ARN)),
        points("parent_recovery_point", json!(LABS), Fault, "is the ARN of an RDS instance", Value::Null),
        points(
            "parent_recovery_point",
            json!("arn:aws:backup:eu-west-1:123456789012:recovery-point:x"),
            Fault,
            "names region",
            Value::Null,
        )
        .beside(json!({"scope": {"region": "us-east-1"}})),
        row(
            "GetRecoveryPoint",
            "recovery_point",
            json!(LABS),
            Fault,
            "is the ARN of an RDS instance",
            json!(found.point),
        )
        .beside(json!({"vault": VAULT})),
        row(
            "GetRecoveryPoint",
            "vault",
            json!("prodd"),
            Missing("VAULT_NOT_FOUND"),
            "did you mean prod?",
            json!(VAULT),
        )
        .beside(json!({"recovery_point": found.point})),
        row(
            "GetRecoveryPoint",
            "recovery_point",
            json!(NO_POINT),
            Missing("RECOVERY_POINT_NOT_FOUND"),
            NO_POINT,
            json!(found.point),
        )
        .beside(json!({"vault": VAULT})),
    ]
}

fn of_the_rest(found: &Found) -> Vec<Row> {
    let lab = "did you mean rdspg-fcj-labs?";
    let engines = |field, never, says: &str, right| row("ListResources", field, never, Fault, says, right);
    let plan = |rpc, field| {
        row(rpc, field, json!("nightli"), Missing("PLAN_NOT_FOUND"), "did you mean nightly?", json!("nightly"))
    };
    let vault =
        |rpc| row(rpc, "vault", json!("prodd"), Missing("VAULT_NOT_FOUND"), "did you mean prod?", json!("prod"));
    let resource =
        |rpc, never: &str, tells, says: &str| row(rpc, "resource", json!(never), tells, says, json!("rdspg-fcj-labs"));
    let gone = Missing("RESOURCE_NOT_FOUND");
    let types = |rpc| row(rpc, "resource_types", json!(["RDSS"]), Fault, "did you mean RDS?", json!(["RDS"]));
    vec![
        engines("kind", json!(9), "is not a kind of resource", json!("RESOURCE_KIND_DB_CLUSTER")),
        engines("kind", json!("RESOURCE_KIND_DB_CLUSTER"), "which no cluster has", json!("RESOURCE_KIND_DB_INSTANCE"))
            .beside(json!({"engine": "mariadb"}))
            .blames("engine")
            .without_right(),
        engines("engine", json!("postgress"), "did you mean postgres?", json!("postgres")),
        engines("engine", json!("Postgres"), "did you mean postgres?", json!("postgres")),
        engines("engine", json!("Aurora_PostgreSQL"), "did you mean aurora-postgresql?", json!("aurora-postgresql")),
        engines("engine", json!("valkey-sql"), "is no engine of RDS", json!("aurora-postgresql"))
            .beside(json!({"kind": "RESOURCE_KIND_DB_INSTANCE"})),
        vault("ListProtectedResources"),
        vault("GetVaultAccessPolicy").without_right(),
        vault("GetVaultNotifications").without_right(),
        vault("GetVault"),
        resource("GetResource", "rdspg-fcj-lab", gone, lab),
        resource("GetResource", NO_DATABASE, gone, lab),
        resource("GetResource", &found.point, Fault, "is the ARN of a recovery point"),
        resource("ExplainProtection", "rdspg-fcj-lab", gone, lab),
        resource("ExplainProtection", &found.point, Fault, "is the ARN of a recovery point"),
        resource("ListTags", "rdspg-fcj-lab", gone, lab),
        resource("GetProtectedResource", "rdspg-fcj-lab", gone, lab),
        resource("GetProtectedResource", WILDCARD, Fault, "no wildcards here"),
        resource("ListTags", WILDCARD, Fault, "no wildcards here"),
        resource("GetProtectedResource", &found.point, Fault, "is the ARN of a recovery point"),
        plan("GetPlan", "plan"),
        plan("ListPlanVersions", "plan"),
        plan("PreviewSchedule", "plan"),
        plan("ListSelections", "plan"),
        plan("GetSelection", "plan").beside(json!({"selection": "labs"})),
        plan("PreviewSelection", "saved.plan").beside(json!({"saved": {"selection": "labs"}})),
        row("GetPlan", "etag", json!("nosuch"), Missing("PLAN_NOT_FOUND"), "version nosuch", Value::Null)
            .beside(json!({"plan": "nightly"})),
        row("ListPlanVersions", "plan", json!(NO_ID), Missing("PLAN_NOT_FOUND"), NO_ID, json!("nightly")),
        row(
            "ListSelections",
            "plan",
            json!(format!("orgs/{NO_ID}")),
            Missing("PLAN_NOT_FOUND"),
            NO_ID,
            json!("nightly"),
        ),
        row("ListSelections", "plan", json!(LABS), Fault, "is the ARN of an RDS instance", json!("nightly")),
        row(
            "GetSelection",
            "selection",
            json!("lab"),
            Missing("SELECTION_NOT_FOUND"),
            "did you mean labs?",
            json!("labs"),
        )
        .beside(json!({"plan": "nightly"})),
        row(
            "PreviewSelection",
            "saved.selection",
            json!("Labs"),
            Missing("SELECTION_NOT_FOUND"),
            "did you mean labs?",
            json!("labs"),
        )
        .beside(json!({"saved": {"plan": "nightly"}})),
        row("GetLegalHold", "legal_hold", json!("nosuch"), Missing("LEGAL_HOLD_NOT_FOUND"), "nosuch", json!("audit")),
        row(
            "ListLegalHoldRecoveryPoints",
            "legal_hold",
            json!("nosuch"),
            Missing("LEGAL_HOLD_NOT_FOUND"),
            "nosuch",
            json!("audit"),
        ),
        row("ListLegalHolds", "states", json!([77]), Fault, "77 is not a state", json!(["LEGAL_HOLD_STATE_ACTIVE"])),
        types("GetServiceRole"),
        types("EnsureServiceRole"),
        row(
            "GetServiceRole",
            "role",
            json!("nosuch"),
            Missing("ROLE_NOT_FOUND"),
            "nosuch",
            json!("AWSBackupDefaultServiceRole"),
        ),
        row("StartBackup", "resource", json!(found.point), Fault, "is the ARN of a recovery point", json!(LABS))
            .beside(json!({
                "vault": VAULT, "role": "AWSBackupDefaultServiceRole", "validate_only": true
            })),
    ]
}
