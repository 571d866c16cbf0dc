//! What is kept of a database's protection, so that all of a fleet's is told at once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{BackupAge, Protection, ProtectionVerdict, ProtectionWord};
use crate::domain::{
    DatabaseIdentity, JobId, KeptFinding, Resource, ResourceKind, ResourceType, Scope, Severity, VaultRef,
};

/// Whether a database is protected, in brief: what of [`Protection`] a list tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseProtection {
    /// Account and region.
    pub scope: Scope,
    /// ARN.
    pub arn: String,
    /// Identifier.
    pub name: String,
    /// Instance or cluster.
    pub kind: ResourceKind,
    /// Engine.
    pub engine: String,
    /// AWS Backup's name of its type.
    pub resource_type: ResourceType,
    /// What is backed up of it: it, or the cluster that it is an instance of.
    pub subject: DatabaseIdentity,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Who owns it, by the tag that says so; blank where none does.
    pub owner: String,
    /// The answer in one word.
    pub verdict: ProtectionVerdict,
    /// The answer in one sentence.
    pub summary: String,
    /// The rules that cover it, each once.
    pub coverage: Vec<CoveringRule>,
    /// When the job of its last backup that COMPLETED was created.
    pub last_success_at: Option<Timestamp>,
    /// How old its last backup may be.
    pub allowed_age: Option<SignedDuration>,
    /// The soonest run of a rule that covers it.
    pub next_run_at: Option<Timestamp>,
    /// Its last backup that ended otherwise.
    pub last_failure: Option<FailedBackup>,
    /// The longest time between two backups that its rules promise, in minutes.
    pub interval_minutes: Option<i64>,
    /// How many ended otherwise than COMPLETED since the last one that did not.
    pub consecutive_failures: u32,
    /// Some rule covers it, and no rule ever made a job of it.
    pub never_ran: bool,
    /// What was found, the most severe first.
    pub findings: Vec<KeptFinding>,
    /// The last run of it that left no job, as far as it was seen. It is kept for itself.
    pub last_missed_at: Option<Timestamp>,
}

/// A rule that covers a database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoveringRule {
    /// Id of the plan.
    pub plan_id: String,
    /// ARN of the plan.
    pub plan_arn: String,
    /// Name of the plan.
    pub plan_name: String,
    /// Id of the rule.
    pub rule_id: String,
    /// Name of the rule.
    pub rule_name: String,
    /// Name of the vault that recovery points go to.
    pub vault: String,
}

/// A backup that ended otherwise than COMPLETED.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedBackup {
    /// The job.
    pub job: JobId,
    /// When it ended; where AWS does not say, when it was created.
    pub at: Option<Timestamp>,
    /// AWS's explanation.
    pub message: String,
    /// What its end means.
    pub finding: Option<KeptFinding>,
}

impl DatabaseProtection {
    /// Of what was judged; `owner_tag`: the key of the tag that names the owner.
    pub fn of(found: &Resource, subject: DatabaseIdentity, judged: Protection, owner_tag: &str) -> Self {
        let Protection { explanation, next_run_at, backup_age, last_failure, consecutive_failures, never_ran } = judged;
        let rule = |covered: &super::RuleCoverage| CoveringRule {
            plan_id: covered.plan_id.clone(),
            plan_arn: covered.plan_arn.clone(),
            plan_name: covered.plan_name.clone(),
            rule_id: covered.rule.id.clone(),
            rule_name: covered.rule.name.clone(),
            vault: covered.rule.vault.clone(),
        };
        let rules: BTreeSet<CoveringRule> = explanation.coverage.iter().map(rule).collect();
        Self {
            scope: found.scope.clone(),
            arn: found.arn.clone(),
            name: found.id.clone(),
            kind: found.kind,
            engine: found.engine.clone(),
            resource_type: found.resource_type(),
            subject,
            tags: found.tags.clone(),
            owner: found.tags.get(owner_tag).cloned().unwrap_or_default(),
            verdict: explanation.verdict,
            summary: explanation.summary,
            coverage: rules.into_iter().collect(),
            last_success_at: explanation.last_successful_job.and_then(|job| job.created_at),
            allowed_age: backup_age.map(|age| age.allowed),
            next_run_at,
            last_failure: last_failure.map(|(job, finding)| FailedBackup {
                at: job.completed_at.or(job.created_at),
                message: job.status_message.unwrap_or_default(),
                job: job.id,
                finding: finding.map(Into::into),
            }),
            interval_minutes: explanation.expected_interval.map(|interval| interval.as_mins()),
            consecutive_failures,
            never_ran,
            findings: explanation.findings.into_iter().map(Into::into).collect(),
            last_missed_at: None,
        }
    }

    /// The age of its last backup at that instant.
    pub fn age_at(&self, now: Timestamp) -> Option<SignedDuration> {
        self.last_success_at.map(|at| now.duration_since(at).max(SignedDuration::ZERO))
    }

    /// The age of its last backup at that instant against what its rules promise: 1 and less while every run makes its backup.
    /// `None`: they promise none, or none has completed.
    pub fn rpo_ratio_at(&self, now: Timestamp) -> Option<f64> {
        Some(BackupAge::at(self.last_success_at?, self.allowed_age?, now).ratio())
    }

    /// The same in thousandths, by which it is filtered and ordered.
    pub fn rpo_thousandths_at(&self, now: Timestamp) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "it is bounded just before")]
        self.rpo_ratio_at(now).map(|ratio| (ratio * 1000.0).clamp(0.0, 999_999_999.0).floor() as i64)
    }

    /// How bad it is at that instant: the worst is the least. What nothing backs up comes first, then errors, what nobody knows,
    /// warnings; of equals what is the longest without the backup that is promised.
    pub fn badness_at(&self, now: Timestamp) -> i64 {
        const STEP: i64 = 1_000_000_000;
        let has_error = self.findings.iter().any(|finding| finding.severity == Severity::Error);
        let class = match self.verdict {
            ProtectionVerdict::NotProtected => 0,
            ProtectionVerdict::AtRisk if has_error => 1,
            ProtectionVerdict::Unknown => 2,
            ProtectionVerdict::AtRisk => 3,
            ProtectionVerdict::Protected => 4,
        };
        let late = self.rpo_thousandths_at(now).unwrap_or(if self.last_success_at.is_none() { STEP - 1 } else { 0 });
        class * STEP + (STEP - 1 - late)
    }

    /// What it is found by, beside what it has once.
    pub fn words(&self) -> BTreeSet<ProtectionWord> {
        let mut words = BTreeSet::new();
        for CoveringRule { plan_id, plan_name, rule_id, rule_name, vault, plan_arn: _ } in &self.coverage {
            words.extend([plan_id, plan_name].map(|word| ProtectionWord::Plan(word.clone())));
            words.extend([rule_id, rule_name].map(|word| ProtectionWord::Rule(word.clone())));
            words.insert(ProtectionWord::Vault(vault.clone()));
        }
        words.extend(self.findings.iter().map(|finding| ProtectionWord::Finding(finding.code.clone())));
        words.extend(self.tags.iter().map(|(key, value)| ProtectionWord::Tag(key.clone(), value.clone())));
        words
    }

    /// To be kept. Nothing in it changes because time passes.
    pub fn to_json(&self) -> Value {
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        let rule = |rule: &CoveringRule| {
            json!([rule.plan_id, rule.plan_arn, rule.plan_name, rule.rule_id, rule.rule_name, rule.vault])
        };
        let failure = self.last_failure.as_ref().map(|failed| {
            let finding = failed.finding.as_ref().map(KeptFinding::to_json);
            json!({"job": failed.job.as_str(), "at": millis(failed.at), "message": failed.message, "finding": finding})
        });
        let mut whole = json!({
            "arn": self.arn, "name": self.name, "kind": kind_word(self.kind), "engine": self.engine,
            "type": self.resource_type.to_string(), "subject": [self.subject.arn, self.subject.made], "tags": self.tags,
            "owner": self.owner, "verdict": verdict_word(self.verdict), "summary": self.summary,
            "coverage": self.coverage.iter().map(rule).collect::<Vec<_>>(), "success": millis(self.last_success_at),
            "allowed": self.allowed_age.map(|age| age.as_secs()), "next": millis(self.next_run_at), "failure": failure,
            "interval": self.interval_minutes, "failures": self.consecutive_failures, "never_ran": self.never_ran,
            "findings": self.findings.iter().map(KeptFinding::to_json).collect::<Vec<_>>(),
        });
        // By their names: what is the same has one digest.
        whole.sort_all_objects();
        whole
    }

    /// What was kept.
    pub fn from_json(kept: &Value, scope: Scope, last_missed_at: Option<Timestamp>) -> Option<Self> {
        let text = |member: &str| text_of(kept.get(member)?);
        let millis = |kept: Option<&Value>| Timestamp::from_millisecond(kept?.as_i64()?).ok();
        let rule = |kept: &Value| {
            let text = |at: usize| text_of(kept.get(at)?);
            Some(CoveringRule {
                plan_id: text(0)?,
                plan_arn: text(1)?,
                plan_name: text(2)?,
                rule_id: text(3)?,
                rule_name: text(4)?,
                vault: text(5)?,
            })
        };
        let failure = |kept: &Value| {
            Some(FailedBackup {
                job: JobId::told(text_of(kept.get("job")?)?)?,
                at: millis(kept.get("at")),
                message: text_of(kept.get("message")?)?,
                finding: kept.get("finding").and_then(KeptFinding::from_json),
            })
        };
        let subject = kept.get("subject")?;
        let tags = kept.get("tags")?.as_object()?.iter();
        Some(Self {
            scope,
            arn: text("arn")?,
            name: text("name")?,
            kind: ResourceKind::ALL.into_iter().find(|kind| Some(kind_word(*kind)) == text("kind").as_deref())?,
            engine: text("engine")?,
            resource_type: ResourceType::told(text("type")?)?,
            subject: DatabaseIdentity { arn: text_of(subject.get(0)?)?, made: text_of(subject.get(1)?)? },
            tags: tags.map(|(key, value)| Some((key.clone(), text_of(value)?))).collect::<Option<_>>()?,
            owner: text("owner")?,
            verdict: ProtectionVerdict::ALL
                .into_iter()
                .find(|verdict| Some(verdict_word(*verdict)) == text("verdict").as_deref())?,
            summary: text("summary")?,
            coverage: kept.get("coverage")?.as_array()?.iter().map(rule).collect::<Option<_>>()?,
            last_success_at: millis(kept.get("success")),
            allowed_age: kept.get("allowed")?.as_i64().map(SignedDuration::from_secs),
            next_run_at: millis(kept.get("next")),
            last_failure: kept.get("failure").and_then(failure),
            interval_minutes: kept.get("interval")?.as_i64(),
            consecutive_failures: u32::try_from(kept.get("failures")?.as_u64()?).ok()?,
            never_ran: kept.get("never_ran")?.as_bool()?,
            findings: kept.get("findings")?.as_array()?.iter().map(KeptFinding::from_json).collect::<Option<_>>()?,
            last_missed_at,
        })
    }
}

impl CoveringRule {
    /// ARN of the vault that recovery points go to, of a plan in that account and region.
    pub fn vault_arn(&self, scope: &Scope) -> String {
        VaultRef::arn_of(&self.vault, scope)
    }
}

fn text_of(kept: &Value) -> Option<String> {
    kept.as_str().map(str::to_owned)
}

fn kind_word(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::DbInstance => "instance",
        ResourceKind::DbCluster => "cluster",
    }
}

fn verdict_word(verdict: ProtectionVerdict) -> &'static str {
    match verdict {
        ProtectionVerdict::Protected => "protected",
        ProtectionVerdict::AtRisk => "at risk",
        ProtectionVerdict::NotProtected => "not protected",
        ProtectionVerdict::Unknown => "unknown",
    }
}
