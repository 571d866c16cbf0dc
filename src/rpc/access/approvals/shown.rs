//! What a request is about, as it is: what its approver sees, and is bound to.

use serde_json::{Value, json};

use crate::{
    aws::{Error, Scoped},
    domain::{Retention, Rule},
    proto::{self, descriptors::json_of},
    rpc::{convert::approvals::About, status::Failure},
};

/// A thing as it was read.
#[derive(Debug)]
pub(in crate::rpc) struct Shown {
    json: Value,
    /// Whether something would be kept for a shorter time by the request.
    pub(in crate::rpc) shortens: bool,
}

/// What comes and goes without anybody's doing, and is nothing to agree with.
const PASSING: [&str; 4] = ["etag", "lastRestoreTime", "lastRunTime", "statusMessage"];

/// How many recovery points a vault has: where they are deleted with it, it counts.
const POINTS: &str = "recoveryPointCount";

impl Shown {
    /// The text of what is not there.
    pub(in crate::rpc) const NOTHING: &'static str = "null";

    /// Reads what a request is about. What is not there is shown as nothing.
    pub(in crate::rpc) async fn read(aws: &Scoped, about: &About) -> Result<Self, Failure> {
        let mut shortens = false;
        let json = match about {
            About::VaultAndPoints(name) => there(aws.get_vault(name).await)?.map(vault),
            About::Vault(name) => there(aws.get_vault(name).await)?.map(vault).map(without_points),
            About::AccessPolicy(name) => {
                let of = |policy| {
                    json_of("GetVaultAccessPolicyResponse", &proto::GetVaultAccessPolicyResponse::from(policy))
                };
                let (vault_there, policy) = tokio::try_join!(aws.get_vault(name), aws.get_vault_access_policy(name))
                    .map_or_else(|error| there(Err(error)), |both| Ok(Some(both)))?
                    .unzip();
                vault_there.map(|it| beside(it, policy.map(of)))
            }
            About::Notifications(name) => {
                let of = |it| json_of("GetVaultNotificationsResponse", &proto::GetVaultNotificationsResponse::from(it));
                let (vault_there, told) = tokio::try_join!(aws.get_vault(name), aws.get_vault_notifications(name))
                    .map_or_else(|error| there(Err(error)), |both| Ok(Some(both)))?
                    .unzip();
                vault_there.map(|it| beside(it, told.map(of)))
            }
            About::Point(point, wanted) => there(aws.get_recovery_point(point).await)?.map(|point| {
                let present = point.lifecycle.as_ref().map_or(Retention::Forever, |lifecycle| lifecycle.retention);
                shortens = wanted.is_some_and(|wanted| wanted < present);
                json_of("RecoveryPoint", &proto::RecoveryPoint::from(point))
            }),
            About::Plan(get, update) => there(aws.get_plan(get).await)?.map(|plan| {
                let after = update.as_ref().map(|update| update.content(&plan.content, aws.scope(), None));
                shortens = after.is_some_and(|after| Rule::keep_shorter(&plan.content.rules, &after.rules));
                json_of("Plan", &proto::Plan::from(plan))
            }),
            About::Selection(saved) => {
                there(aws.get_selection(saved).await)?.map(|it| json_of("Selection", &proto::Selection::from(it)))
            }
            About::LegalHold(hold) => {
                there(aws.get_legal_hold(hold).await)?.map(|it| json_of("LegalHold", &proto::LegalHold::from(it)))
            }
        };
        let mut json = json.unwrap_or_default();
        if let Some(members) = json.as_object_mut() {
            members.retain(|name, _| !PASSING.contains(&name.as_str()));
        }
        Ok(Self { json, shortens })
    }

    /// Whether there is nothing.
    pub(in crate::rpc) fn is_nothing(&self) -> bool {
        self.json.is_null()
    }

    /// As it is kept, shown, and compared.
    pub(in crate::rpc) fn text(&self) -> String {
        self.json.to_string()
    }

    /// Whether a thing is what was shown, or what is left of it: nothing, or a vault with fewer recovery points. A vault that was made
    /// anew under the same name is another.
    pub(in crate::rpc) fn is_rest_of(present: &str, shown: &str) -> bool {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let (present, shown) = (read(present), read(shown));
        let points = |of: &Value| of[POINTS].as_str().and_then(|count| count.parse::<i64>().ok()).unwrap_or_default();
        present.is_null() || (points(&present) <= points(&shown) && without_points(present) == without_points(shown))
    }
}

fn vault(vault: crate::domain::Vault) -> Value {
    json_of("Vault", &proto::Vault::from(vault))
}

fn without_points(mut json: Value) -> Value {
    if let Some(members) = json.as_object_mut() {
        members.remove(POINTS);
    }
    json
}

/// A vault with one of its settings.
fn beside(of: crate::domain::Vault, setting: Option<Value>) -> Value {
    let mut setting = setting.unwrap_or_default();
    if let Some(members) = setting.as_object_mut() {
        members.retain(|name, _| !PASSING.contains(&name.as_str()));
    }
    let mut of = without_points(vault(of));
    if let Some(members) = of.as_object_mut() {
        members.retain(|name, _| !PASSING.contains(&name.as_str()));
    }
    json!({ "vault": of, "setting": setting })
}

/// What is there; nothing where it is said not to be.
fn there<T>(read: Result<T, Error>) -> Result<Option<T>, Failure> {
    match read {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_vault_is_no_other_vault() {
        let vault = |made: &str, points: &str| {
            json!({"arn": "v", "createTime": made, "recoveryPointCount": points}).to_string()
        };
        let shown = vault("monday", "7");
        for (present, is_rest) in [
            (vault("monday", "7"), true),
            (vault("monday", "2"), true),
            (json!({"arn": "v", "createTime": "monday"}).to_string(), true),
            ("null".to_owned(), true),
            (vault("monday", "8"), false),
            (vault("tuesday", "2"), false),
        ] {
            assert_eq!(Shown::is_rest_of(&present, &shown), is_rest, "{present}");
        }
    }
}
