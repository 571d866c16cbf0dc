//! What guards a vault, as it was seen: the text by which it is kept, and what makes it weaker than it was.

use serde_json::{Map, Value, json};

use super::{About, Cause};
use crate::domain::{Scope, VaultLock, VaultNotifications};

/// What guards a vault. What is not known is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultPicture {
    /// Its lock, if it has one.
    pub lock: Option<Option<VaultLock>>,
    /// Its access policy as AWS has it, if it has one.
    pub policy: Option<Option<String>>,
    /// The topic that is told, and of which events, if one is.
    pub notifications: Option<Option<(String, Vec<String>)>>,
}

impl VaultPicture {
    /// With what the vault tells a topic, if it does; the vault is of that scope.
    #[must_use]
    pub fn with_notifications(self, told: Option<&VaultNotifications>, scope: &Scope) -> Self {
        let notifications = told.map(|of| (of.topic.arn_in(scope), of.events.clone()));
        Self { notifications: Some(notifications), ..self }
    }

    /// The text by which it is kept.
    pub fn text(&self) -> String {
        let mut members = Map::new();
        if let Some(lock) = &self.lock {
            let text = |lock: &VaultLock| json!([lock.min_retention_days, lock.max_retention_days, lock.locked_at]);
            members.insert("lock".into(), lock.as_ref().map_or(Value::Null, text));
        }
        if let Some(policy) = &self.policy {
            members.insert("policy".into(), json!(policy));
        }
        if let Some(notifications) = &self.notifications {
            members.insert("notifications".into(), json!(notifications));
        }
        Value::Object(members).to_string()
    }

    /// Out of its text; what cannot be read is not known.
    pub fn parse(text: &str) -> Self {
        let Ok(Value::Object(mut members)) = serde_json::from_str(text) else { return Self::default() };
        let mut take = |name: &str| members.remove(name);
        let days = |value: &Value| value.as_i64().and_then(|days| i32::try_from(days).ok());
        let lock = |value: Value| {
            let [min, max, locked_at] = value.as_array()?.as_slice() else { return None };
            let locked_at = locked_at.as_str().and_then(|at| at.parse().ok());
            let (min_retention_days, max_retention_days) = (days(min), days(max));
            Some(VaultLock { min_retention_days, max_retention_days, locked_at, immutable: false })
        };
        Self {
            lock: take("lock").map(lock),
            policy: take("policy").and_then(|value| serde_json::from_value(value).ok()),
            notifications: take("notifications").and_then(|value| serde_json::from_value(value).ok()),
        }
    }

    /// The same with what another look told; what that did not see stays.
    #[must_use]
    pub fn and(self, told: Self) -> Self {
        Self {
            lock: told.lock.or(self.lock),
            policy: told.policy.or(self.policy),
            notifications: told.notifications.or(self.notifications),
        }
    }

    /// By which causes it is weaker than it was, and in what way: as it was, and as it is.
    pub fn weaker_than(&self, before: &Self) -> Vec<(Cause, String, String)> {
        let all = [Cause::VaultLockWeakened, Cause::VaultPolicyChanged, Cause::VaultNotificationsOff];
        let weaker = |cause: Cause| {
            let is = |of: &Self| of.described(cause);
            self.is_weaker(before, cause).then(|| (cause, is(before), is(self)))
        };
        all.into_iter().filter_map(weaker).collect()
    }

    /// Whether it is, by that cause. What is not known is no weaker.
    pub fn is_weaker(&self, before: &Self, cause: Cause) -> bool {
        match cause.about() {
            About::Lock => match (&before.lock, &self.lock) {
                (Some(Some(_)), Some(None)) => true,
                (Some(Some(before)), Some(Some(now))) => {
                    now.min_retention_days.unwrap_or(1) < before.min_retention_days.unwrap_or(1)
                        || (before.locked_at.is_some() && now.locked_at.is_none())
                }
                (Some(None) | None, _) | (Some(Some(_)), None) => false,
            },
            About::Policy => match (&before.policy, &self.policy) {
                (Some(before), Some(now)) => value_of(before.as_ref()) != value_of(now.as_ref()),
                (None, _) | (_, None) => false,
            },
            About::Notifications => match (&before.notifications, &self.notifications) {
                (Some(Some(_)), Some(None)) => true,
                (Some(Some((topic, events))), Some(Some((now, on)))) => {
                    topic != now || events.iter().any(|event| !on.contains(event))
                }
                (Some(None) | None, _) | (Some(Some(_)), None) => false,
            },
            About::Jobs | About::Runs | About::Points => false,
        }
    }

    /// What an incident of that cause shows of it.
    fn described(&self, cause: Cause) -> String {
        match cause.about() {
            About::Lock => match self.lock.as_ref().and_then(Option::as_ref) {
                None => "none".to_owned(),
                Some(lock) => {
                    let mode = if lock.locked_at.is_some() { "compliance" } else { "governance" };
                    format!("{mode}, {}", lock.range())
                }
            },
            About::Notifications => match self.notifications.as_ref().and_then(Option::as_ref) {
                None => "none".to_owned(),
                Some((topic, events)) => format!("{topic}: {}", events.join(", ")),
            },
            About::Policy => self.policy.clone().flatten().unwrap_or_else(|| "none".to_owned()),
            About::Jobs | About::Runs | About::Points => String::new(),
        }
    }
}

/// A policy as what it says: spaces and the order of members are no change.
fn value_of(policy: Option<&String>) -> Option<Value> {
    policy.map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())))
}
