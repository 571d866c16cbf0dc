//! Rows of the record of changes, of the runs ahead, and of what is remembered.

use serde_json::{Value, json};

use super::{
    super::{Fault, Missing, Row, row},
    NO_ID, WILDCARD,
};

/// Of the record: the rows without a right value have one in audit.rs, where a record is kept.
pub(super) fn of_the_record() -> Vec<Row> {
    let events = |field, never, says: &str| row("ListAuditEvents", field, never, Fault, says, Value::Null);
    let before = json!("1999-01-01T00:00:00Z");
    vec![
        events("principal", json!("alice"), "is no caller's name"),
        events("action", json!("DeleteVaults"), "did you mean DeleteVault?"),
        events("resource", json!(WILDCARD), "names no one thing"),
        events("detection", json!(77), "77 is not a detection"),
        events("interval.end_time", before.clone(), "must be later")
            .beside(json!({"interval": {"start_time": "2026-03-02T00:00:00Z"}}))
            .blames("interval"),
        events("interval.start_time", json!("2026-03-02T00:00:00Z"), "must be later")
            .beside(json!({"interval": {"end_time": before}}))
            .blames("interval"),
    ]
}

/// Of jobs that are waited for, watched, or found by what the ledger alone knows. No ledger follows anything here: ledger.rs has
/// what is found.
pub(super) fn of_remembered_jobs() -> Vec<Row> {
    let fault = |rpc, field, never, says: &str| row(rpc, field, never, Fault, says, Value::Null);
    let scope = json!({"scope": {"region": "us-east-1"}});
    vec![
        fault("ListJobs", "filter.plan", json!("nightly"), "is a name"),
        fault("ListJobs", "filter.rule", json!("no id"), "is not the id of a rule"),
        fault("ListJobs", "filter.message_contains", json!("x"), "has 1 characters"),
        fault("ListJobs", "order", json!(77), "77 is not an order"),
        fault("ListJobs", "read", json!(77), "77 is not where"),
        fault("ListJobs", "all_scopes", json!(true), "cannot go with scope").beside(scope.clone()),
        fault("GetJob", "read", json!(77), "77 is not where").beside(json!({"job": NO_ID})),
        fault("WatchJobs", "all_scopes", json!(true), "cannot go with scope").beside(scope.clone()),
        fault("SummarizeJobs", "all_scopes", json!(true), "cannot go with scope").beside(scope),
        fault("SummarizeJobs", "owner", json!("o".repeat(257)), "has 257 characters"),
        fault("SummarizeJobs", "group_by", json!([77]), "77 is nothing that jobs are counted by").blames("group_by[0]"),
        row("WaitJob", "job", json!(NO_ID), Missing("JOB_NOT_FOUND"), NO_ID, Value::Null),
        fault("WaitJob", "kind", json!(77), "77 is not a kind").beside(json!({"job": NO_ID})),
        fault("WaitJob", "wait_seconds", json!(121), "is not 1 to 120").beside(json!({"job": NO_ID})),
    ]
}

/// Of ListIncidents, which the ledger answers: what it does not know is not looked for.
pub(super) fn of_incidents() -> Vec<Row> {
    let fault = |field, never, says: &str| row("ListIncidents", field, never, Fault, says, Value::Null);
    let scope = json!({"scope": {"region": "us-east-1"}});
    vec![
        fault("filter.states", json!([77]), "77 is not a state"),
        fault("filter.causes", json!([77]), "77 is not a cause"),
        fault("filter.job_kinds", json!([0]), "is blank"),
        fault("filter.resource", json!("arn:aws:sqs:us-east-1:123456789012:queue"), "of something else"),
        fault("filter.vault", json!("a b"), "is not"),
        fault("all_scopes", json!(true), "cannot go with scope").beside(scope),
    ]
}

/// Of ListUpcomingRuns.
pub(super) fn ahead() -> Vec<Row> {
    let runs = |field, never, tells, says, right| row("ListUpcomingRuns", field, never, tells, says, right);
    let (no_plan, no_database) = (Missing("PLAN_NOT_FOUND"), Missing("RESOURCE_NOT_FOUND"));
    let labs = json!("rdspg-fcj-labs");
    vec![
        runs("hours", json!(169), Fault, "give 1–168", json!(24)),
        runs("plan", json!("nightli"), no_plan, "did you mean nightly?", json!("nightly")),
        runs("resource", json!("rdspg-fcj-lab"), no_database, "did you mean rdspg-fcj-labs?", labs),
        runs("read", json!(77), Fault, "77 is not where", Value::Null),
        runs("all_scopes", json!(true), Fault, "cannot go with scope", Value::Null)
            .beside(json!({"scope": {"region": "us-east-1"}})),
    ]
}

/// Of GetCoverage and ListProtection. No ledger follows anything here: protection_list.rs has what is found.
pub(super) fn of_coverage(rpc: &'static str) -> Vec<Row> {
    let fault = |field, never, says: &str| row(rpc, field, never, Fault, says, Value::Null);
    let mut rows = vec![
        fault("all_scopes", json!(true), "cannot go with scope").beside(json!({"scope": {"region": "us-east-1"}})),
        fault("filter.verdicts", json!([77]), "77 is not a verdict"),
        fault("filter.verdicts", json!(["PROTECTION_VERDICT_UNSPECIFIED"]), "is blank"),
        fault("filter.kinds", json!([77]), "77 is not a kind"),
        fault("filter.engine", json!("postgres 17"), "is not an engine's name"),
        fault("filter.plan", json!("a plan"), "name"),
        fault("filter.rule", json!("r".repeat(101)), "has 101 characters"),
        fault("filter.vault", json!("a vault"), "vault"),
        fault("filter.owner", json!("o".repeat(257)), "has 257 characters"),
        fault("filter.tags", json!({"aws:owner": "x"}), "aws:"),
        fault("filter.finding_codes", json!(["run missed"]), "is not the code of a finding"),
        fault("filter.least_rpo_ratio", json!(-1.0), "is -1"),
        fault("filter.least_consecutive_failures", json!(-1), "is -1"),
        fault("filter.resource", json!(WILDCARD), "names no one thing"),
    ];
    if rpc == "ListProtection" {
        rows.push(fault("order", json!(77), "77 is not an order"));
    }
    rows
}
