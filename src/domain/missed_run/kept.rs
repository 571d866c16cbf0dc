//! Memberships and missed runs as they are kept.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Membership, MissedRun};
use crate::domain::{DatabaseIdentity, JobId, JobKind, JobSubject, KeptFinding, ResourceType, Scope, etag::etag};

fn text(kept: &Value, member: &str) -> Option<String> {
    Some(kept.get(member)?.as_str()?.to_owned())
}

fn time(kept: &Value, member: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(kept.get(member)?.as_i64()?).ok()
}

impl Membership {
    /// What tells it from others of its account and region.
    pub fn digest(&self) -> String {
        let (arn, made, plan, rule, timing, passed_over) = self.key();
        let passed_over = if passed_over { "passed over" } else { "" };
        etag([&*arn, &*made, &*plan, &*rule, &*timing, passed_over])
    }

    /// To be kept; without its account and region, and since and until when.
    pub fn to_json(&self) -> Value {
        json!({
            "arn": self.database.arn, "made": self.database.made, "plan": self.plan_id, "plan_arn": self.plan_arn,
            "plan_name": self.plan_name, "rule": self.rule_id, "selections": self.selection_ids, "timing": self.timing,
            "type": self.resource_type.to_string(), "vault": self.vault_arn,
            "passed_over": self.passed_over.as_ref().map(ToString::to_string),
        })
    }

    /// What was kept.
    pub fn from_json(kept: &Value, scope: Scope, since: Timestamp, until: Timestamp) -> Option<Self> {
        let selections = kept.get("selections")?.as_array()?.iter();
        Some(Self {
            scope,
            database: DatabaseIdentity { arn: text(kept, "arn")?, made: text(kept, "made")? },
            plan_id: text(kept, "plan")?,
            plan_arn: text(kept, "plan_arn")?,
            plan_name: text(kept, "plan_name")?,
            rule_id: text(kept, "rule")?,
            selection_ids: selections.map(|id| Some(id.as_str()?.to_owned())).collect::<Option<_>>()?,
            timing: text(kept, "timing")?,
            resource_type: ResourceType::told(text(kept, "type")?)?,
            vault_arn: text(kept, "vault")?,
            passed_over: text(kept, "passed_over").and_then(ResourceType::told),
            since,
            until,
        })
    }
}

impl MissedRun {
    /// To be kept, beside what it is about.
    pub fn to_json(&self) -> Value {
        json!({
            "made": self.database.made, "plan_arn": self.plan_arn, "plan_name": self.plan_name, "rule_name": self.rule_name,
            "due": self.due_at.as_millisecond(), "window_until": self.window_until.as_millisecond(),
            "next_due": self.next_due_at.map(Timestamp::as_millisecond), "finding": self.finding.to_json(),
            "job": self.made.as_ref().map(JobId::as_str),
        })
    }

    /// What was kept.
    pub fn from_json(kept: &Value, subject: JobSubject) -> Option<Self> {
        let JobSubject { scope, kind, resource_type, resource, vault, destination: _, plan, rule } = subject;
        if kind != JobKind::Backup {
            return None;
        }
        Some(Self {
            scope,
            database: DatabaseIdentity { arn: resource, made: text(kept, "made")? },
            resource_type: ResourceType::told(resource_type)?,
            vault_arn: vault,
            plan_id: plan,
            plan_arn: text(kept, "plan_arn")?,
            plan_name: text(kept, "plan_name")?,
            rule_id: rule,
            rule_name: text(kept, "rule_name")?,
            due_at: time(kept, "due")?,
            window_until: time(kept, "window_until")?,
            next_due_at: time(kept, "next_due"),
            finding: KeptFinding::from_json(kept.get("finding")?)?,
            made: text(kept, "job").and_then(JobId::told),
        })
    }
}
