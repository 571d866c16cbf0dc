//! Roles and the account's own policies as `/_sandbox/state` shows them.

use serde_json::{Value, json};

use super::State;

impl State {
    /// Who is there and with which policies; trust policies are for GetRole.
    pub(crate) fn overview(&self) -> Value {
        let roles = self.roles.values().map(|role| {
            json!({
                "arn": role.arn,
                "created": role.created.to_string(),
                "attached_policies": role.attached,
                "inline_policies": role.inline.keys().collect::<Vec<_>>(),
                "tags": role.tags,
            })
        });
        let policies: Value = self.policies.values().map(|policy| json!(policy.arn)).collect();
        json!({ "roles": roles.collect::<Value>(), "policies": policies })
    }
}
