//! What of a plan decides which runs are due, as it is kept for when the plan is changed or gone.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{DueRun, KnownJobs, LONGEST_WAIT, ROUNDING, UNTIL_SEEN, over_at};
use crate::domain::{Lifecycle, PlanContent, Retention, Rule, Windows, etag::etag, gives_way};

/// When the rules of a plan run, and which gives way to which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanTiming {
    /// The rules, in the plan's order, which decides between equals.
    pub rules: Vec<RuleTiming>,
}

/// When a rule runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTiming {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// AWS's expression.
    pub schedule: String,
    /// IANA name.
    pub zone: String,
    /// Minutes of its start window.
    pub start_minutes: i64,
    /// How long it keeps: of rules that overlap AWS runs the one that keeps longest.
    pub retention: Retention,
}

impl PlanTiming {
    /// Of what a plan says.
    pub fn of(content: &PlanContent) -> Self {
        let rule = |rule: &Rule| RuleTiming {
            id: rule.id.clone(),
            name: rule.name.clone(),
            schedule: rule.schedule.clone(),
            zone: rule.zone.clone(),
            start_minutes: rule.windows.start_minutes,
            retention: rule.lifecycle.retention,
        };
        Self { rules: content.rules.iter().map(rule).collect() }
    }

    /// What tells it from any other. Names of rules do not count: they change nothing.
    pub fn digest(&self) -> String {
        let words = self.rules.iter().flat_map(|rule| {
            let RuleTiming { id, schedule, zone, start_minutes, retention, name: _ } = rule;
            [id.clone(), schedule.clone(), zone.clone(), start_minutes.to_string(), retention.to_string()]
        });
        let words: Vec<String> = words.collect();
        etag(words.iter().map(String::as_str))
    }

    /// The rule of that id.
    pub fn rule(&self, id: &str) -> Option<&RuleTiming> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// To be kept.
    pub fn to_json(&self) -> Value {
        let rule = |rule: &RuleTiming| {
            let days = rule.retention.days();
            json!({
                "id": rule.id, "name": rule.name, "schedule": rule.schedule, "zone": rule.zone,
                "start_minutes": rule.start_minutes, "days": days,
            })
        };
        self.rules.iter().map(rule).collect()
    }

    /// What was kept.
    pub fn from_json(kept: &Value) -> Option<Self> {
        let rule = |rule: &Value| {
            let text = |member: &str| Some(rule.get(member)?.as_str()?.to_owned());
            let retention = match rule.get("days")? {
                Value::Null => Retention::Forever,
                days => Retention::Days(u16::try_from(days.as_u64()?).ok()?),
            };
            Some(RuleTiming {
                id: text("id")?,
                name: text("name")?,
                schedule: text("schedule")?,
                zone: text("zone")?,
                start_minutes: rule.get("start_minutes")?.as_i64()?,
                retention,
            })
        };
        Some(Self { rules: kept.as_array()?.iter().map(rule).collect::<Option<_>>()? })
    }

    /// The runs of a rule that are over while the jobs are known, were not judged before, and gave way to no other.
    pub(super) fn due(&self, rule_id: &str, known: KnownJobs, judged_until: Option<Timestamp>) -> Vec<DueRun> {
        let rules: Vec<Rule> = self.rules.iter().map(RuleTiming::rule).collect();
        let timetables: Vec<_> = rules.iter().map(|rule| rule.timetable().ok()).collect();
        let Some(place) = rules.iter().position(|rule| rule.id == rule_id) else { return Vec::new() };
        let (rule, Some(timetable)) = (&rules[place], &timetables[place]) else { return Vec::new() };
        let longest = LONGEST_WAIT.saturating_add(UNTIL_SEEN).saturating_add(ROUNDING);
        let judged = judged_until.and_then(|judged| judged.checked_sub(longest).ok()).unwrap_or(Timestamp::MIN);
        // A run in the first minute is of a job that may have been created before.
        let from = known.since.saturating_add(ROUNDING).unwrap_or(known.since).max(judged);
        let runs = timetable.runs_after(from.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(from));
        let runs = runs.map(|run| run.at.timestamp()).take_while(|at| *at <= known.until);
        let due = runs.filter(|at| {
            let over = over_at(*at, rule.start_by(*at));
            over <= known.until && judged_until.is_none_or(|judged| over > judged)
        });
        let keeps = due.filter(|at| gives_way(&rules, &|rule| timetables.get(rule)?.as_ref(), place, *at).is_none());
        keeps.map(|at| DueRun { at, window_until: rule.start_by(at), next: timetable.next_after(at) }).collect()
    }
}

impl RuleTiming {
    fn rule(&self) -> Rule {
        Rule {
            id: self.id.clone(),
            name: self.name.clone(),
            vault: String::new(),
            schedule: self.schedule.clone(),
            zone: self.zone.clone(),
            windows: Windows { start_minutes: self.start_minutes, ..Windows::DEFAULT },
            lifecycle: Lifecycle::kept(self.retention),
            recovery_point_tags: BTreeMap::new(),
            copies: Vec::new(),
            continuous: false,
            air_gapped_vault: None,
            index_types: Vec::new(),
            scan_actions: Vec::new(),
        }
    }
}
