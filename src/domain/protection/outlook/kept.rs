//! How it looks, as it is kept: what of plans and databases says when runs come and what becomes of them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Outlook, PlanAhead};
use crate::domain::{
    KeptFinding, Lifecycle, Plan, PlanContent, Resource, ResourceKind, Retention, Rule, RunningPlan, Scope, Windows,
};

impl Outlook {
    /// To be kept; without its account and region.
    pub fn to_json(&self) -> Value {
        // Plans say which databases by their numbers: an ARN is said once.
        let numbers: BTreeMap<&String, usize> = self.databases.keys().zip(0..).collect();
        let numbered = |arns: &[String]| arns.iter().filter_map(|arn| numbers.get(arn).copied()).collect::<Vec<_>>();
        let plan = |plan: &PlanAhead| {
            let content = plan.running.as_ref().map(|running| &running.plan);
            let rules = content.map(|plan| plan.content.rules.iter().map(rule_to_json).collect::<Vec<_>>());
            json!({
                "id": plan.id, "arn": content.map(|plan| &plan.arn), "name": plan.name, "rules": rules,
                "selected": numbered(&plan.selected), "passed_over": numbered(&plan.passed_over),
            })
        };
        let finding = |(plan, finding): &(Option<String>, KeptFinding)| json!([plan, finding.to_json()]);
        json!({
            "plans": self.plans.iter().map(plan).collect::<Vec<_>>(),
            "databases": self.databases.values().map(database_to_json).collect::<Vec<_>>(),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }

    /// What was kept, with runs reckoned from now on.
    pub fn from_json(kept: &Value, scope: &Scope, now: Timestamp) -> Option<Self> {
        let databases = kept.get("databases")?.as_array()?.iter();
        let databases: Vec<Resource> = databases.map(|kept| database(kept, scope)).collect::<Option<_>>()?;
        let plan = |kept: &Value| {
            let arns = |member: &str| {
                let numbers = kept.get(member)?.as_array()?.iter();
                let arn = |number: &Value| Some(databases.get(usize::try_from(number.as_u64()?).ok()?)?.arn.clone());
                numbers.map(arn).collect::<Option<Vec<String>>>()
            };
            let (id, name) = (text(kept, "id")?, text(kept, "name")?);
            let running = match kept.get("rules")?.as_array() {
                Some(rules) => {
                    let rules = rules.iter().map(rule).collect::<Option<_>>()?;
                    let plan = plan_of(scope, id.clone(), text(kept, "arn")?, name.clone(), rules);
                    Some(Arc::new(RunningPlan::of(plan, now)))
                }
                None => None,
            };
            Some(PlanAhead { id, name, running, selected: arns("selected")?, passed_over: arns("passed_over")? })
        };
        let plans = kept.get("plans")?.as_array()?.iter().map(plan).collect::<Option<_>>()?;
        let finding = |kept: &Value| {
            let plan = kept.get(0)?.as_str().map(str::to_owned);
            Some((plan, KeptFinding::from_json(kept.get(1)?)?))
        };
        let findings = kept.get("findings")?.as_array()?.iter().map(finding).collect::<Option<_>>()?;
        let databases = databases.into_iter().map(|database| (database.arn.clone(), database)).collect();
        Some(Self { scope: scope.clone(), plans, databases, findings })
    }
}

fn text(kept: &Value, member: &str) -> Option<String> {
    Some(kept.get(member)?.as_str()?.to_owned())
}

fn days(kept: &Value, member: &str) -> Option<Option<u16>> {
    match kept.get(member)? {
        Value::Null => Some(None),
        days => Some(Some(u16::try_from(days.as_u64()?).ok()?)),
    }
}

fn rule_to_json(rule: &Rule) -> Value {
    let Windows { start_minutes, completion_minutes } = rule.windows;
    let Lifecycle { retention, cold_after_days, archive_ebs_snapshots, delete_after_event } = &rule.lifecycle;
    json!({
        "id": rule.id, "name": rule.name, "vault": rule.vault, "schedule": rule.schedule, "zone": rule.zone,
        "start_minutes": start_minutes, "completion_minutes": completion_minutes, "days": retention.days(),
        "cold": cold_after_days, "archive": archive_ebs_snapshots, "event": delete_after_event,
        "continuous": rule.continuous,
    })
}

fn rule(kept: &Value) -> Option<Rule> {
    Some(Rule {
        id: text(kept, "id")?,
        name: text(kept, "name")?,
        vault: text(kept, "vault")?,
        schedule: text(kept, "schedule")?,
        zone: text(kept, "zone")?,
        windows: Windows {
            start_minutes: kept.get("start_minutes")?.as_i64()?,
            completion_minutes: kept.get("completion_minutes")?.as_i64()?,
        },
        lifecycle: Lifecycle {
            retention: days(kept, "days")?.map_or(Retention::Forever, Retention::Days),
            cold_after_days: days(kept, "cold")?,
            archive_ebs_snapshots: kept.get("archive")?.as_bool()?,
            delete_after_event: kept.get("event")?.as_str().map(str::to_owned),
        },
        continuous: kept.get("continuous")?.as_bool()?,
        // None of the rest says when a rule runs, or for what.
        recovery_point_tags: BTreeMap::new(),
        copies: Vec::new(),
        air_gapped_vault: None,
        index_types: Vec::new(),
        scan_actions: Vec::new(),
    })
}

fn plan_of(scope: &Scope, id: String, arn: String, name: String, rules: Vec<Rule>) -> Plan {
    Plan {
        id,
        arn,
        scope: scope.clone(),
        etag: String::new(),
        content: PlanContent { name, rules, settings: Vec::new(), scans: Vec::new() },
        created_at: None,
        last_run_at: None,
        deleted_at: None,
        tags: BTreeMap::new(),
        selections: Vec::new(),
        request_id: String::new(),
    }
}

fn database_to_json(database: &Resource) -> Value {
    json!([
        database.arn,
        database.id,
        database.kind == ResourceKind::DbCluster,
        database.engine,
        database.status,
        database.automated_backup_retention_days,
        database.automated_backup_window,
        database.maintenance_window,
        database.continuous_recovery_point_arn,
    ])
}

fn database(kept: &Value, scope: &Scope) -> Option<Resource> {
    let text = |at: usize| Some(kept.get(at)?.as_str()?.to_owned());
    Some(Resource {
        arn: text(0)?,
        id: text(1)?,
        scope: scope.clone(),
        kind: if kept.get(2)?.as_bool()? { ResourceKind::DbCluster } else { ResourceKind::DbInstance },
        engine: text(3)?,
        status: text(4)?,
        automated_backup_retention_days: i32::try_from(kept.get(5)?.as_i64()?).ok()?,
        automated_backup_window: text(6)?,
        maintenance_window: text(7)?,
        continuous_recovery_point_arn: text(8)?,
        // None of the rest says what becomes of a run.
        engine_version: String::new(),
        tags: BTreeMap::new(),
        instance_class: String::new(),
        allocated_storage_gib: None,
        storage_encrypted: false,
        encryption_key_arn: String::new(),
        created_at: None,
        cluster_id: String::new(),
        latest_restorable_at: None,
        resource_id: String::new(),
    })
}
