//! Rows of the record of changes, and of the runs ahead.

use serde_json::{Value, json};

use super::{
    super::{Fault, Missing, Row, row},
    WILDCARD,
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

/// Of ListUpcomingRuns.
pub(super) fn ahead() -> Vec<Row> {
    let runs = |field, never, tells, says, right| row("ListUpcomingRuns", field, never, tells, says, right);
    let (no_plan, no_database) = (Missing("PLAN_NOT_FOUND"), Missing("RESOURCE_NOT_FOUND"));
    let labs = json!("rdspg-fcj-labs");
    vec![
        runs("hours", json!(169), Fault, "give 1–168", json!(24)),
        runs("plan", json!("nightli"), no_plan, "did you mean nightly?", json!("nightly")),
        runs("resource", json!("rdspg-fcj-lab"), no_database, "did you mean rdspg-fcj-labs?", labs),
    ]
}
