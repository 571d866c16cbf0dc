//! The members of an event, in each of the forms that AWS has for one thing (docs/aws-backup-semantics.md, section 12.1).
//! Whatever has another form, or is blank, says nothing.

use jiff::{Timestamp, Unit, civil::DateTime, fmt::strtime, tz::TimeZone};
use serde_json::{Map, Value};

use super::super::job_answers;
use crate::domain::{Lifecycle, PlanOrigin, Retention};

/// Bytes of a name, word or ARN: AWS's own bound on an ARN.
const LONGEST: usize = 2048;

/// Bytes of an explanation that are kept.
const LONGEST_MESSAGE: usize = 4096;

/// An object, or what stands where one was looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Detail<'e>(Option<&'e Map<String, Value>>);

impl<'e> Detail<'e> {
    pub(super) fn of(value: Option<&'e Value>) -> Self {
        Self(value.and_then(Value::as_object))
    }

    fn member(self, name: &str) -> Option<&'e Value> {
        self.0?.get(name)
    }

    /// The object of that name.
    pub(super) fn within(self, name: &str) -> Self {
        Self::of(self.member(name))
    }

    pub(super) fn is_silent(self) -> bool {
        self.0.is_none_or(Map::is_empty)
    }

    /// A name, word or ARN. AWS sends an object without members for an ARN that there is none of.
    pub(super) fn text(self, name: &str) -> Option<&'e str> {
        self.member(name).and_then(word)
    }

    pub(super) fn owned(self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// The first of a list.
    pub(super) fn first(self, name: &str) -> Option<&'e str> {
        self.member(name)?.as_array()?.first().and_then(word)
    }

    /// A whole number, which some events write as text.
    pub(super) fn number(self, name: &str) -> Option<i64> {
        match self.member(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// 0–100.
    pub(super) fn percent(self, name: &str) -> Option<f64> {
        match self.member(name)? {
            Value::Number(number) => job_answers::percent(Some(&number.to_string())),
            Value::String(text) => job_answers::percent(Some(text)),
            _ => None,
        }
    }

    /// A truth, which AWS writes as text.
    pub(super) fn flag(self, name: &str) -> Option<bool> {
        match self.member(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.to_ascii_lowercase().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn time(self, name: &str) -> Option<Timestamp> {
        match self.member(name)? {
            Value::String(text) => instant(text),
            // As AWS's API has it, and no event yet.
            Value::Number(number) => {
                let milliseconds = number.as_f64()? * 1000.0;
                #[expect(clippy::cast_possible_truncation, reason = "beyond any calendar it saturates, and is refused")]
                Timestamp::from_millisecond(milliseconds.round() as i64).ok()
            }
            _ => None,
        }
    }

    /// An explanation: AWS puts some between quotation marks, and sends some that are blank.
    pub(super) fn message(self, name: &str) -> Option<String> {
        let text = self.member(name)?.as_str()?;
        let within = serde_json::from_str::<String>(text);
        let text = within.as_deref().unwrap_or(text).trim();
        let end = (0..=LONGEST_MESSAGE.min(text.len())).rev().find(|at| text.is_char_boundary(*at))?;
        let kept: String = text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        (!kept.is_empty()).then(|| if end < text.len() { kept + "…" } else { kept })
    }

    /// The plan and rule that made something. AWS's events have a name of their own for the rule's id; some have the API's.
    pub(super) fn origin(self) -> Option<PlanOrigin> {
        let by = self.within("createdBy");
        let text = |name| by.owned(name).unwrap_or_default();
        let plan_id = by.owned("backupPlanId")?;
        Some(PlanOrigin {
            plan_id,
            plan_arn: text("backupPlanArn"),
            plan_name: text("backupPlanName"),
            plan_version: text("backupPlanVersion"),
            rule_id: by.owned("backupPlanRuleId").unwrap_or_else(|| text("backupRuleId")),
            rule_name: text("backupRuleName"),
            schedule: text("backupRuleCron"),
            timezone: text("backupRuleTimezone"),
        })
    }

    /// A lifecycle, as [`lifecycle::from_aws`](super::super::lifecycle::from_aws) reads it, but that an empty one says nothing.
    pub(super) fn lifecycle(self, name: &str) -> Option<Lifecycle> {
        let told = self.within(name);
        let days =
            |name| told.number(name).filter(|days| *days > 0).map(|days| u16::try_from(days).unwrap_or(u16::MAX));
        (!told.is_silent()).then(|| Lifecycle {
            retention: days("deleteAfterDays").map_or(Retention::Forever, Retention::Days),
            cold_after_days: days("moveToColdStorageAfterDays"),
            archive_ebs_snapshots: told.flag("optInToArchiveForSupportedResources").unwrap_or_default(),
            delete_after_event: told.owned("deleteAfterEvent"),
        })
    }
}

/// Neither control characters nor their like are in any name of AWS's, and not every store of ours takes them.
fn word(value: &Value) -> Option<&str> {
    let text = value.as_str()?;
    let is_word = !text.is_empty() && text.len() <= LONGEST && !text.contains(char::is_control);
    is_word.then_some(text)
}

/// An instant, as ISO 8601 has it or as Java shows one: `Jul 15, 2020 9:39:07 PM`, in UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if text.len() > 64 {
        return None;
    }
    let exact = match text.parse::<Timestamp>() {
        Ok(exact) => exact,
        // Newer ones have a narrow blank before the last word.
        Err(_) => shown(&text.replace('\u{202f}', " "))?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    exact.round(Unit::Millisecond).ok()
}

fn shown(text: &str) -> Option<DateTime> {
    strtime::parse("%b %d, %Y %I:%M:%S %p", text).ok()?.to_datetime().ok()
}
