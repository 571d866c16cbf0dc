//! Roles and the account's own policies as `/_sandbox/state` shows them.

use serde_json::{Value, json};

use super::{State, States};

impl State {
    fn shown(&self) -> (Vec<Value>, Vec<Value>) {
        let roles = self.roles.values().map(|role| {
            json!({
                "arn": role.arn,
                "created": role.created.to_string(),
                "attached_policies": role.attached,
                "inline_policies": role.inline.keys().collect::<Vec<_>>(),
                "tags": role.tags,
            })
        });
        (roles.collect(), self.policies.values().map(|policy| json!(policy.arn)).collect())
    }
}

impl States {
    /// Who is there and with which policies, in all partitions; trust policies are for GetRole.
    pub(crate) fn overview(&self) -> Value {
        let (roles, policies): (Vec<_>, Vec<_>) = self.0.values().map(State::shown).unzip();
        json!({ "roles": roles.concat(), "policies": policies.concat() })
    }
}
