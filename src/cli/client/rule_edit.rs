//! `plan update` with flags of a rule: what AWS replaces as a whole is read, changed in one place, and written back.

use prost_reflect::{DynamicMessage, SerializeOptions, Value as Read};
use serde_json::{Map, Value};

use super::{
    Command,
    arguments::one,
    connection::Connection,
    failure::Failure,
    request::{mask, message},
};
use crate::{cli::FAILED, proto::descriptors};

/// Fields of a lifecycle that say the same thing in two ways.
const EITHER: [&str; 2] = ["retention", "delete_after_days"];

impl Command<'_> {
    /// Whether flags, and no file, say something of a rule of a plan that is there.
    pub(super) fn edits_a_rule(&self, document: &Value) -> bool {
        self.method.name() == "UpdatePlan"
            && one::<String>(self.matches, "file").is_none()
            && document.get("rules").is_some()
    }

    /// The request with all rules of the plan, of which one is changed by what the flags say. It carries the version that
    /// was read: somebody else's change is not overwritten.
    pub(super) async fn with_all_rules(
        &self,
        connection: &Connection,
        mut document: Value,
    ) -> Result<DynamicMessage, Failure> {
        let missing = || Failure::new(FAILED, "GetPlan answered no plan");
        let get = descriptors::method("PlanService/GetPlan").ok_or_else(missing)?;
        let mut look = Map::new();
        for field in ["scope", "plan"] {
            if let Some(value) = document.get(field) {
                look.insert(field.to_owned(), value.clone());
            }
        }
        let answer = self.ask_for(connection, &get, message(&get.input(), Value::Object(look))?).await?;
        let plan = answer.get_field_by_name("plan");
        let plan = plan.as_deref().and_then(Read::as_message).ok_or_else(missing)?;
        let options = SerializeOptions::new().use_proto_field_name(true);
        let plan = plan.serialize_with_options(serde_json::value::Serializer, &options);
        let plan = plan.map_err(|error| Failure::new(FAILED, format!("the plan cannot be read: {error}")))?;

        let said = document["rules"][0].take();
        document["rules"] = edited(&plan, &said).map_err(Failure::usage)?;
        let Some(request) = document.as_object_mut() else { return Err(missing()) };
        // What else the flags say is replaced too.
        let replaced: Vec<&str> = ["name", "rules", "advanced_backup_settings", "scan_settings"]
            .into_iter()
            .filter(|field| request.contains_key(*field))
            .collect();
        let mask = mask(&replaced.join(",")).into();
        request.entry("update_mask").or_insert(mask);
        request.entry("etag").or_insert(plan["etag"].clone());
        message(&self.method.input(), document)
    }
}

/// The rules of a plan with what is said of one of them, which it need not name when there is no other.
fn edited(plan: &Value, said: &Value) -> Result<Value, String> {
    let mut rules = plan["rules"].as_array().cloned().unwrap_or_default();
    let name_of = |rule: &Value| rule["name"].as_str().unwrap_or_default().to_owned();
    let names: Vec<String> = rules.iter().map(name_of).collect();
    let plan = plan["name"].as_str().unwrap_or_default();
    let rule = match (said["name"].as_str(), rules.as_mut_slice()) {
        (None, [only]) => only,
        (None, _) => return Err(format!("plan {plan} has several rules: say --rule {}", names.join(" or "))),
        (Some(name), rules) => match rules.iter_mut().find(|rule| rule["name"] == name) {
            Some(rule) => rule,
            None => {
                let names = names.join(", ");
                return Err(format!("plan {plan} has no rule {name}, only {names}. A new one is added with -f FILE"));
            }
        },
    };
    let mut changes = said.as_object().cloned().unwrap_or_default();
    changes.remove("name");
    if changes.is_empty() {
        return Err(format!("nothing is said of rule {}: say what changes, such as --keep-days 60", name_of(rule)));
    }
    merge(rule, Value::Object(changes));
    Ok(rules.into())
}

/// A message is changed field by field; a list or a map of tags is what was said of it.
fn merge(there: &mut Value, said: Value) {
    match (there.as_object_mut(), said) {
        (Some(there), Value::Object(said)) => {
            if EITHER.iter().any(|field| said.contains_key(*field)) {
                there.retain(|field, _| !EITHER.contains(&field.as_str()));
            }
            for (field, value) in said {
                if field == "lifecycle" {
                    merge(there.entry(field).or_insert_with(|| Map::new().into()), value);
                } else {
                    there.insert(field, value);
                }
            }
        }
        (_, said) => *there = said,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan() -> Value {
        json!({ "name": "weekly", "etag": "e", "rules": [
            { "name": "sundays", "vault": "v", "schedule": "cron(0 3 ? * SUN *)", "recovery_point_tags": { "a": "1" },
              "lifecycle": {
                  "retention": "RETENTION_DAYS", "delete_after_days": 90, "move_to_cold_storage_after_days": 1 } },
            { "name": "continuous", "vault": "v", "enable_continuous_backup": true },
        ] })
    }

    #[test]
    fn only_what_is_said_of_the_rule_changes() {
        let said = json!({
            "name": "sundays", "lifecycle": { "delete_after_days": 120 }, "recovery_point_tags": { "b": "2" } });
        let mut expected = plan()["rules"].take();
        expected[0]["lifecycle"] = json!({ "delete_after_days": 120, "move_to_cold_storage_after_days": 1 });
        expected[0]["recovery_point_tags"] = json!({ "b": "2" });
        assert_eq!(edited(&plan(), &said), Ok(expected));
        let said = json!({ "name": "sundays", "lifecycle": { "retention": "RETENTION_FOREVER" } });
        let kept = edited(&plan(), &said).unwrap()[0]["lifecycle"].take();
        assert_eq!(kept, json!({ "retention": "RETENTION_FOREVER", "move_to_cold_storage_after_days": 1 }));
        let said =
            json!({ "name": "continuous", "enable_continuous_backup": false, "lifecycle": { "delete_after_days": 7 } });
        let rule = edited(&plan(), &said).unwrap()[1].take();
        assert_eq!(rule["enable_continuous_backup"], false);
        assert_eq!(rule["lifecycle"], json!({ "delete_after_days": 7 }));
    }

    #[test]
    fn a_rule_that_nobody_can_tell_is_asked_for() {
        let several = edited(&plan(), &json!({ "vault": "w" })).unwrap_err();
        assert!(several.contains("--rule sundays or continuous"), "{several}");
        let unknown = edited(&plan(), &json!({ "name": "r", "vault": "w" })).unwrap_err();
        assert!(unknown.contains("no rule r, only sundays, continuous"), "{unknown}");
        let nothing = edited(&plan(), &json!({ "name": "sundays" })).unwrap_err();
        assert!(nothing.contains("nothing is said of rule sundays"), "{nothing}");
        let mut one = plan();
        one["rules"].as_array_mut().unwrap().pop();
        assert_eq!(edited(&one, &json!({ "vault": "w" })).unwrap()[0]["vault"], "w");
    }
}
