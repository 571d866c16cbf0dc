//! The text by which a job is kept: JSON with short names, for there are millions. What a store keeps in columns of its own,
//! the subject and the id, is not in it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{JobParts, JobSubject, KnownJob, Percent, Stage, Told};
use crate::domain::{AfterRestore, JobId, JobOrigin, JobState, Lifecycle, PlanOrigin, ResourceType, Retention};

/// A JSON object that is written: what is not there is left out.
#[derive(Default)]
struct Writer(Map<String, Value>);

impl Writer {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    fn told<T>(&mut self, name: &str, told: Option<&Told<T>>, value: impl Fn(&T) -> Value) {
        self.put(name, told.map(|told| json!([told.stage.rank, millis(told.stage.at), value(&told.value)])));
    }

    fn text(self) -> String {
        // By their names: what is the same is one text, whatever the order in which it was put together.
        let mut whole = Value::Object(self.0);
        whole.sort_all_objects();
        whole.to_string()
    }
}

/// A JSON object that is read. A value of another form than this version writes is taken to be absent.
struct Reading(Map<String, Value>);

impl Reading {
    fn of(text: &str) -> Option<Self> {
        match serde_json::from_str(text).ok()? {
            Value::Object(members) => Some(Self(members)),
            _ => None,
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        Some(self.0.get(name)?.as_str()?.to_owned())
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.number(name)?).ok()
    }

    fn told<T>(&self, name: &str, value: impl Fn(&Value) -> Option<T>) -> Option<Told<T>> {
        let [rank, at, told] = self.0.get(name)?.as_array()?.as_slice() else { return None };
        let stage =
            Stage { rank: u8::try_from(rank.as_u64()?).ok()?, at: Timestamp::from_millisecond(at.as_i64()?).ok()? };
        Some(Told { stage, value: value(told)? })
    }

    fn after(&self, name: &str) -> Option<AfterRestore> {
        let [word, message] = self.0.get(name)?.as_array()?.as_slice() else { return None };
        Some(AfterRestore { word: word.as_str()?.to_owned(), message: message.as_str().map(str::to_owned) })
    }
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

fn word(text: &Value) -> Option<String> {
    text.as_str().map(str::to_owned)
}

impl KnownJob {
    /// The job in the parts that a store keeps apart.
    pub fn parts(&self) -> JobParts {
        JobParts { id: self.id.clone(), subject: self.subject(), common: self.common(), own: self.own() }
    }

    fn common(&self) -> String {
        let mut out = Writer::default();
        out.put("role", self.role_arn.clone());
        out.put("name", self.resource_name.clone());
        out.put("keep", self.lifecycle.as_ref().map(kept));
        match &self.created_by {
            Some(JobOrigin::Plan(origin)) => out.put("by", Some(by(origin))),
            Some(JobOrigin::RestoreTesting { plan_arn }) => out.put("test", Some(plan_arn.clone())),
            None => {}
        }
        out.text()
    }

    fn own(&self) -> String {
        let mut out = Writer::default();
        out.told("s", Some(&self.state), |state| state.word().into());
        out.told("m", self.message.as_ref(), |text| text.clone().into());
        out.told("c", self.category.as_ref(), |text| text.clone().into());
        out.told("p", self.percent.as_ref(), |percent| percent.0.into());
        out.told("b", self.transferred.as_ref(), |bytes| (*bytes).into());
        out.told("x", self.expected.as_ref(), |at| millis(*at).into());
        out.put("size", self.size);
        out.put("point", self.recovery_point_arn.clone());
        out.put("at", self.created_at.map(millis));
        out.put("by", self.start_by.map(millis));
        out.put("done", self.completed_at.map(millis));
        out.put("made", self.created_resource_arn.clone());
        out.put("copy", self.destination_recovery_point_arn.clone());
        out.put("of", self.parent.as_ref().map(JobId::as_str));
        let after = |after: &AfterRestore| json!([after.word, after.message]);
        out.put("valid", self.validation.as_ref().map(after));
        out.put("gone", self.deletion.as_ref().map(after));
        out.text()
    }

    /// The job out of its parts; none of texts that this version cannot read.
    pub fn of_parts(parts: JobParts) -> Option<Self> {
        let JobParts { id, subject, common, own } = parts;
        let JobSubject { scope, kind, resource_type, resource, vault, destination, plan, rule } = subject;
        let (common, own) = (Reading::of(&common)?, Reading::of(&own)?);
        let some = |text: String| (!text.is_empty()).then_some(text);
        Some(Self {
            id,
            kind,
            scope,
            state: own.told("s", |value| value.as_str().map(JobState::of_word))?,
            message: own.told("m", word),
            category: own.told("c", word),
            percent: own.told("p", |value| value.as_f64().map(Percent)),
            transferred: own.told("b", Value::as_i64),
            expected: own.told("x", |value| Timestamp::from_millisecond(value.as_i64()?).ok()),
            size: own.number("size"),
            resource_arn: some(resource),
            resource_type: ResourceType::told(resource_type),
            resource_name: common.text("name"),
            vault_arn: some(vault),
            recovery_point_arn: own.text("point"),
            role_arn: common.text("role"),
            created_at: own.time("at"),
            start_by: own.time("by"),
            completed_at: own.time("done"),
            lifecycle: common.0.get("keep").and_then(lifecycle),
            created_by: origin(&common, plan, rule),
            created_resource_arn: own.text("made"),
            destination_vault_arn: some(destination),
            destination_recovery_point_arn: own.text("copy"),
            parent: own.text("of").and_then(JobId::told),
            validation: own.after("valid"),
            deletion: own.after("gone"),
        })
    }
}

fn kept(lifecycle: &Lifecycle) -> Value {
    let Lifecycle { retention, cold_after_days, archive_ebs_snapshots, delete_after_event } = lifecycle;
    json!([retention.days(), cold_after_days, archive_ebs_snapshots, delete_after_event])
}

fn lifecycle(value: &Value) -> Option<Lifecycle> {
    let [days, cold, archive, event] = value.as_array()?.as_slice() else { return None };
    let number = |value: &Value| value.as_u64().and_then(|days| u16::try_from(days).ok());
    Some(Lifecycle {
        retention: number(days).map_or(Retention::Forever, Retention::Days),
        cold_after_days: number(cold),
        archive_ebs_snapshots: archive.as_bool()?,
        delete_after_event: word(event),
    })
}

/// All but the ids, which are the subject's.
fn by(origin: &PlanOrigin) -> Value {
    let PlanOrigin { plan_id: _, plan_arn, plan_name, plan_version, rule_id: _, rule_name, schedule, timezone } =
        origin;
    json!([plan_arn, plan_name, plan_version, rule_name, schedule, timezone])
}

fn origin(common: &Reading, plan_id: String, rule_id: String) -> Option<JobOrigin> {
    if let Some(plan_arn) = common.text("test") {
        return Some(JobOrigin::RestoreTesting { plan_arn });
    }
    let told: Vec<String> = common.0.get("by")?.as_array()?.iter().map(|it| word(it).unwrap_or_default()).collect();
    let [plan_arn, plan_name, plan_version, rule_name, schedule, timezone] = told.try_into().ok()?;
    Some(JobOrigin::Plan(PlanOrigin {
        plan_id,
        plan_arn,
        plan_name,
        plan_version,
        rule_id,
        rule_name,
        schedule,
        timezone,
    }))
}
