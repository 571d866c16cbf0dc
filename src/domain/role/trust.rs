//! Reading and repairing a trust policy.

use serde_json::{Value, json};

use super::{BACKUP_SERVICE, Trust};

/// What has to be written so that AWS Backup may assume the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustRepair {
    /// This document: all that was there and a statement for AWS Backup.
    Write(String),
    /// Nothing that only adds helps: a person has to look at the policy, for the reason given.
    Impossible(&'static str),
}

/// What the trust policy says of AWS Backup. `Deny` wins over `Allow`, as in IAM, unless its condition may not hold.
pub fn judge(document: &str) -> Trust {
    let Some(statements) = statements(document) else { return Trust::Unreadable };
    let about_backup = |statement: &&Value| names_backup(statement) && allows_assume(statement);
    let effects: Vec<(&str, bool)> = statements
        .iter()
        .filter(about_backup)
        .filter_map(|statement| Some((effect(statement)?, statement.get("Condition").is_some())))
        .collect();
    if effects.contains(&("Deny", false)) {
        Trust::Denied
    } else if effects.contains(&("Allow", false)) && !effects.contains(&("Deny", true)) {
        Trust::Granted
    } else if effects.iter().any(|(effect, _)| *effect == "Allow") {
        Trust::Conditional
    } else {
        Trust::Missing
    }
}

/// The document with a statement for AWS Backup added; every other trust stays.
pub fn repair(document: &str) -> TrustRepair {
    let Some(mut statements) = statements(document) else {
        return TrustRepair::Impossible("its trust policy is not readable JSON");
    };
    if judge(document) == Trust::Denied {
        return TrustRepair::Impossible("a statement of its trust policy denies backup.amazonaws.com");
    }
    statements.push(json!({
        "Effect": "Allow",
        "Principal": { "Service": BACKUP_SERVICE },
        "Action": "sts:AssumeRole",
    }));
    let mut policy: Value = serde_json::from_str(document).unwrap_or_else(|_| json!({ "Version": "2012-10-17" }));
    policy["Statement"] = Value::Array(statements);
    TrustRepair::Write(policy.to_string())
}

/// A new trust policy for AWS Backup alone is the repair of the empty one.
fn statements(document: &str) -> Option<Vec<Value>> {
    let policy: Value = serde_json::from_str(document).ok()?;
    match policy.as_object()?.get("Statement") {
        Some(Value::Array(statements)) => Some(statements.clone()),
        Some(statement @ Value::Object(_)) => Some(vec![statement.clone()]),
        None => Some(Vec::new()),
        Some(_) => None,
    }
}

/// `Allow` or `Deny`. IAM takes them in any case in trust policies, though nowhere else: published Terraform modules for
/// AWS Backup have `"Effect": "allow"` `[I]`.
fn effect(statement: &Value) -> Option<&'static str> {
    let written = statement["Effect"].as_str()?;
    ["Allow", "Deny"].into_iter().find(|effect| effect.eq_ignore_ascii_case(written))
}

fn names_backup(statement: &Value) -> bool {
    match &statement["Principal"] {
        Value::String(anyone) => anyone == "*",
        principal => one_or_many(&principal["Service"]).any(|service| service == BACKUP_SERVICE),
    }
}

fn allows_assume(statement: &Value) -> bool {
    one_or_many(&statement["Action"]).any(|action| {
        action.eq_ignore_ascii_case("sts:AssumeRole") || action.eq_ignore_ascii_case("sts:*") || action == "*"
    })
}

fn one_or_many(value: &Value) -> impl Iterator<Item = &str> {
    let many = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value.as_str().into_iter().chain(many.iter().filter_map(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC2: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com"]},"Action":"sts:AssumeRole"}}"#;

    #[test]
    fn a_repair_adds_and_takes_nothing_away() {
        assert_eq!(judge(EC2), Trust::Missing);
        let TrustRepair::Write(repaired) = repair(EC2) else { panic!("repairable") };
        assert_eq!(judge(&repaired), Trust::Granted);
        assert!(repaired.contains("ec2.amazonaws.com"), "{repaired}");
    }

    #[test]
    fn one_service_or_a_list_one_action_or_a_list_are_the_same() {
        for (service, action) in [
            (json!("backup.amazonaws.com"), json!("sts:AssumeRole")),
            (json!(["ec2.amazonaws.com", "backup.amazonaws.com"]), json!(["sts:TagSession", "sts:assumerole"])),
        ] {
            let policy =
                json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": action}]});
            assert_eq!(judge(&policy.to_string()), Trust::Granted, "{policy}");
            assert_eq!(judge(&policy.to_string().replace("Allow", "allow")), Trust::Granted, "{policy}");
        }
    }

    #[test]
    fn a_deny_wins_and_is_not_repaired() {
        let policy = json!({"Statement": [
            {"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": "*", "Action": "*"},
        ]});
        assert_eq!(judge(&policy.to_string()), Trust::Denied);
        assert!(matches!(repair(&policy.to_string()), TrustRepair::Impossible(_)));
        assert_eq!(judge("nonsense"), Trust::Unreadable);
    }

    #[test]
    fn a_condition_is_said_not_judged() {
        let policy = json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"},
            "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}]});
        assert_eq!(judge(&policy.to_string()), Trust::Conditional);
    }

    #[test]
    fn a_deny_under_a_condition_is_not_taken_for_an_absolute_one() {
        let allow =
            json!({"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:AssumeRole"});
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole",
            "Condition": {"StringNotEquals": {"aws:SourceAccount": "1"}}});
        assert_eq!(judge(&json!({"Statement": [allow, deny]}).to_string()), Trust::Conditional);
        let alone = json!({"Statement": [deny]}).to_string();
        assert_eq!(judge(&alone), Trust::Missing);
        let TrustRepair::Write(repaired) = repair(&alone) else { panic!("repairable") };
        assert_eq!(judge(&repaired), Trust::Conditional);
    }
}
