//! Values as the record of changes tells them: in the words of the API, whole enough to be put back by hand.

use serde_json::{Value, json};

use crate::domain::{Lifecycle, PlanContent, RecoveryPoint, Rule, Selection, TagCondition, VaultLock, VaultName};

pub(super) fn lifecycle(told: &Lifecycle) -> Value {
    json!({ "delete_after_days": told.retention.days(), "cold_after_days": told.cold_after_days })
}

pub(super) fn lock(told: &VaultLock) -> Value {
    json!({
        "min_retention_days": told.min_retention_days,
        "max_retention_days": told.max_retention_days,
        "locked_at": told.locked_at,
    })
}

pub(super) fn rules(told: &[Rule]) -> Value {
    told.iter().map(rule).collect()
}

fn rule(told: &Rule) -> Value {
    let copies: Vec<Value> = told
        .copies
        .iter()
        .map(|copy| json!({ "vault": copy.vault.to_string(), "lifecycle": lifecycle(copy.kept()) }))
        .collect();
    json!({
        "name": told.name,
        "vault": told.vault,
        "schedule": told.schedule,
        "zone": told.zone,
        "lifecycle": lifecycle(&told.lifecycle),
        "copies": copies,
        "continuous": told.continuous,
    })
}

pub(super) fn selection(told: &Selection) -> Value {
    let tests = |conditions: &[TagCondition]| -> Vec<Value> {
        let test = |test: &TagCondition| json!([test.key, format!("{:?}", test.operator), test.value]);
        conditions.iter().map(test).collect()
    };
    let criteria = told.criteria.as_ref().map(|criteria| {
        json!({
            "conditions": tests(&criteria.conditions),
            "any_conditions": tests(&criteria.any_conditions),
            "resources": criteria.resources.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "excluded_resources": criteria.excluded.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    });
    json!({ "id": told.id, "name": told.name, "role": told.role_arn, "criteria": criteria })
}

pub(super) fn notifications(topic: &str, events: &[String]) -> Value {
    json!({ "topic": topic, "events": events })
}

/// A recovery point that will be gone: whose it was, and what it would have been good for.
pub(super) fn point(vault: &VaultName, told: &RecoveryPoint) -> Value {
    known(json!({
        "vault": vault.as_str(),
        "resource_arn": told.resource_arn,
        "resource_type": told.resource_type.as_ref().map(ToString::to_string),
        "resource_name": told.resource_name,
        "state": told.state.word(),
        "created_at": told.created_at,
        "completed_at": told.completed_at,
        "lifecycle": told.lifecycle.as_ref().map(lifecycle),
        "delete_at": told.delete_at,
        "backup_size_bytes": told.backup_size_bytes,
        "encryption_key_arn": told.encryption_key_arn,
        "role": told.role_arn,
        "source_vault_arn": told.source_vault_arn,
    }))
}

/// Without what AWS did not say.
fn known(mut told: Value) -> Value {
    if let Some(members) = told.as_object_mut() {
        members.retain(|_, value| !value.is_null() && value != "");
    }
    told
}

pub(super) fn plan(told: &PlanContent) -> Value {
    json!({ "name": told.name, "rules": rules(&told.rules) })
}

/// A document as it is, or as text where it is no JSON.
pub(super) fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
