//! What a request is about, as it is: what its approver sees, and is bound to.

use serde_json::{Value, json};

use crate::{
    aws::{Error, Scoped},
    domain::{Retention, Rule, Vault},
    proto::{self, descriptors::json_of},
    rpc::{
        convert::approvals::{self as convert, About},
        status::Failure,
    },
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

    /// Reads what a request is about.
    ///
    /// # Errors
    /// When it is not there, too.
    pub(in crate::rpc) async fn there(aws: &Scoped, about: &About) -> Result<Self, Error> {
        let mut shortens = false;
        let json = match about {
            About::VaultAndPoints(name) => vault(aws.get_vault(name).await?),
            About::Vault(name) => without_points(vault(aws.get_vault(name).await?)),
            About::AccessPolicy(name) => {
                let (of, policy) = tokio::try_join!(aws.get_vault(name), aws.get_vault_access_policy(name))?;
                let policy = proto::GetVaultAccessPolicyResponse::from(policy);
                beside(of, json_of("GetVaultAccessPolicyResponse", &policy))
            }
            About::Notifications(name) => {
                let (of, told) = tokio::try_join!(aws.get_vault(name), aws.get_vault_notifications(name))?;
                let told = proto::GetVaultNotificationsResponse::from(told);
                beside(of, json_of("GetVaultNotificationsResponse", &told))
            }
            About::Point(point, wanted) => {
                let point = aws.get_recovery_point(point).await?;
                let present = point.lifecycle.as_ref().map_or(Retention::Forever, |lifecycle| lifecycle.retention);
                shortens = wanted.is_some_and(|wanted| wanted < present);
                json_of("RecoveryPoint", &proto::RecoveryPoint::from(point))
            }
            About::Plan(get, update) => {
                let plan = aws.get_plan(get).await?;
                let after = update.as_ref().map(|update| update.content(&plan.content, aws.scope(), None));
                shortens = after.is_some_and(|after| Rule::keep_shorter(&plan.content.rules, &after.rules));
                json_of("Plan", &proto::Plan::from(plan))
            }
            About::Selection(saved) => json_of("Selection", &proto::Selection::from(aws.get_selection(saved).await?)),
            About::LegalHold(hold) => json_of("LegalHold", &proto::LegalHold::from(aws.get_legal_hold(hold).await?)),
        };
        Ok(Self { json: lasting(json), shortens })
    }

    /// The same of a request as it is on the wire; of what is not there, nothing.
    pub(in crate::rpc) async fn of_request(aws: &Scoped, action: &str, bytes: &[u8]) -> Result<Self, Failure> {
        let request = convert::decode(action, bytes);
        let request = request.ok_or_else(|| Failure::Bug("an approval of what none can be asked for".to_owned()))?;
        match Self::there(aws, &convert::about(&request)?.what).await {
            Err(error) if error.is_missing() => Ok(Self { json: Value::Null, shortens: false }),
            read => Ok(read?),
        }
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

fn vault(vault: Vault) -> Value {
    json_of("Vault", &proto::Vault::from(vault))
}

fn without_points(mut json: Value) -> Value {
    if let Some(members) = json.as_object_mut() {
        members.remove(POINTS);
    }
    json
}

/// A vault with one of its settings.
fn beside(of: Vault, setting: Value) -> Value {
    json!({ "vault": lasting(without_points(vault(of))), "setting": lasting(setting) })
}

/// Without what comes and goes by itself.
fn lasting(mut json: Value) -> Value {
    if let Some(members) = json.as_object_mut() {
        members.retain(|name, _| !PASSING.contains(&name.as_str()));
    }
    json
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
