//! Policy documents: checking them when they come in, and asking what they allow.

use serde_json::{Map, Value};

use crate::call::AwsError;

/// The outcome of evaluating policies for one action on one resource.
///
/// An honest part of IAM's evaluation: actions, resources, wildcards and Deny count; conditions are taken as met for
/// Allow and as not met for Deny, because the sandbox knows no request context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Some statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement speaks of it.
    ImplicitDeny,
}

/// Whether the trust policy lets the service call `sts:AssumeRole`.
pub(super) fn trusts_service(trust: &str, service: &str) -> bool {
    trusts(trust, "Service", |principal| principal == service)
}

/// Whether the trust policy lets principals of the account call `sts:AssumeRole`: by account id, by its root, or by
/// the ARN of a user or role in it.
pub(super) fn trusts_account(trust: &str, account: &str) -> bool {
    trusts(trust, "AWS", |principal| {
        principal == "*" || principal == account || principal.split(':').nth(4) == Some(account)
    })
}

fn trusts(trust: &str, kind: &str, is_wanted: impl Fn(&str) -> bool) -> bool {
    let mut allowed = false;
    for statement in statements(trust) {
        let principals = match statement.get("Principal") {
            Some(Value::String(any)) => vec![any.as_str()],
            Some(Value::Object(by_kind)) => by_kind.get(kind).map(texts).unwrap_or_default(),
            _ => Vec::new(),
        };
        let concerns = principals.into_iter().any(|principal| principal == "*" || is_wanted(principal));
        if !concerns || !speaks_of(&statement, "Action", "sts:AssumeRole", true) {
            continue;
        }
        match statement.get("Effect").and_then(Value::as_str) {
            Some(effect) if effect.eq_ignore_ascii_case("Allow") => allowed = true,
            _ if !statement.contains_key("Condition") => return false,
            _ => {}
        }
    }
    allowed
}

/// Evaluates identity policies.
pub(super) fn decide<'d>(documents: impl Iterator<Item = &'d str>, action: &str, resource: &str) -> Decision {
    let mut decision = Decision::ImplicitDeny;
    for statement in documents.flat_map(statements) {
        if !speaks_of(&statement, "Action", action, true) || !speaks_of(&statement, "Resource", resource, false) {
            continue;
        }
        match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => decision = Decision::Allowed,
            _ if !statement.contains_key("Condition") => return Decision::ExplicitDeny,
            _ => {}
        }
    }
    decision
}

/// `Action`/`NotAction` or `Resource`/`NotResource` against one value.
pub(super) fn speaks_of(statement: &Map<String, Value>, member: &str, value: &str, ignore_case: bool) -> bool {
    let matches = |patterns: &Value| texts(patterns).into_iter().any(|pattern| glob(pattern, value, ignore_case));
    match (statement.get(member), statement.get(&format!("Not{member}"))) {
        (Some(patterns), _) => matches(patterns),
        (None, Some(patterns)) => !matches(patterns),
        (None, None) => false,
    }
}

/// `*` stands for any text and `?` for one character. In time linear in the product of the lengths: a pattern made of
/// asterisks must not stop the sandbox.
pub(super) fn glob(pattern: &str, value: &str, ignore_case: bool) -> bool {
    let fold = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
    let pattern: Vec<char> = fold(pattern).chars().collect();
    let value: Vec<char> = fold(value).chars().collect();
    let (mut p, mut v, mut star) = (0, 0, None);
    while v < value.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, v));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == value[v]) {
            p += 1;
            v += 1;
        } else if let Some((star_p, star_v)) = star {
            star = Some((star_p, star_v + 1));
            p = star_p + 1;
            v = star_v + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

pub(super) fn statements(document: &str) -> Vec<Map<String, Value>> {
    let Ok(Value::Object(mut document)) = serde_json::from_str(document) else { return Vec::new() };
    match document.remove("Statement") {
        Some(Value::Array(statements)) => statements
            .into_iter()
            .filter_map(|statement| if let Value::Object(map) = statement { Some(map) } else { None })
            .collect(),
        Some(Value::Object(statement)) => vec![statement],
        _ => Vec::new(),
    }
}

pub(super) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Checks a trust policy.
///
/// # Errors
/// `MalformedPolicyDocument`, with the first fault as IAM words it.
pub(super) fn check_trust(document: &str) -> Result<(), AwsError> {
    // In any case: published Terraform modules for AWS Backup have "allow", and IAM takes it of them [I].
    let is_effect = |text: &str| text.eq_ignore_ascii_case("Allow") || text.eq_ignore_ascii_case("Deny");
    for statement in checked_statements(document, is_effect)? {
        if statement.contains_key("Resource") || statement.contains_key("NotResource") {
            return Err(malformed("Has prohibited field Resource"));
        }
        check_principal(&statement)?;
        let actions = statement.get("Action").map(texts).unwrap_or_default();
        if actions.iter().any(|action| *action != "*" && !action.to_ascii_lowercase().starts_with("sts:")) {
            return Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."));
        }
    }
    Ok(())
}

/// Checks that a statement says whom it speaks of.
pub(super) fn check_principal(statement: &Map<String, Value>) -> Result<(), AwsError> {
    match statement.get("Principal").or_else(|| statement.get("NotPrincipal")) {
        None => Err(malformed("Missing required field Principal")),
        Some(Value::String(any)) if any == "*" => Ok(()),
        Some(Value::Object(kinds)) if !kinds.is_empty() => {
            kinds.iter().try_for_each(|(kind, principals)| check_principals(kind, principals))
        }
        Some(_) => Err(malformed("Invalid principal in policy.")),
    }
}

fn check_principals(kind: &str, principals: &Value) -> Result<(), AwsError> {
    let invalid =
        |text: &str| malformed(format!("Invalid principal in policy: \"{}\":\"{text}\"", kind.to_uppercase()));
    let texts = texts(principals);
    if texts.is_empty() || !["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind) {
        return Err(invalid(&principals.to_string()));
    }
    for text in texts {
        let known = match kind {
            "Service" => text.ends_with(".amazonaws.com") && text.len() > ".amazonaws.com".len(),
            "AWS" => {
                text == "*"
                    || text.starts_with("arn:aws")
                    || text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
            }
            _ => !text.is_empty(),
        };
        if !known {
            return Err(invalid(text));
        }
    }
    Ok(())
}

/// Checks an identity policy (inline or managed).
///
/// # Errors
/// `MalformedPolicyDocument`, with the first fault as IAM words it.
pub(super) fn check_identity(document: &str) -> Result<(), AwsError> {
    for statement in checked_statements(document, |text| matches!(text, "Allow" | "Deny"))? {
        if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
            return Err(malformed("Policy document should not specify a principal."));
        }
        let resources =
            statement.get("Resource").or_else(|| statement.get("NotResource")).map(texts).unwrap_or_default();
        if resources.is_empty() {
            return Err(malformed("Policy statement must contain resources."));
        }
        if let Some(bad) = resources.iter().find(|resource| **resource != "*" && !resource.starts_with("arn:")) {
            return Err(malformed(format!("Resource {bad} must be in ARN format or \"*\".")));
        }
        let actions = statement.get("Action").or_else(|| statement.get("NotAction")).map(texts).unwrap_or_default();
        if actions.iter().any(|action| *action != "*" && !action.contains(':')) {
            return Err(malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."));
        }
    }
    Ok(())
}

/// `is_effect` tells what may stand for Allow and Deny.
pub(super) fn checked_statements(
    document: &str,
    is_effect: fn(&str) -> bool,
) -> Result<Vec<Map<String, Value>>, AwsError> {
    let Ok(Value::Object(parsed)) = serde_json::from_str::<Value>(document) else {
        return Err(malformed("This policy contains invalid Json"));
    };
    match parsed.get("Version").map(Value::as_str) {
        None | Some(Some("2012-10-17" | "2008-10-17")) => {}
        Some(_) => return Err(malformed("Syntax errors in policy.")),
    }
    if parsed.keys().any(|key| !["Version", "Id", "Statement"].contains(&key.as_str())) {
        return Err(malformed("Syntax errors in policy."));
    }
    let given = match parsed.get("Statement") {
        Some(Value::Array(all)) => all.len(),
        Some(Value::Object(_)) => 1,
        _ => 0,
    };
    let statements = statements(document);
    if statements.is_empty() || statements.len() != given {
        return Err(malformed("Syntax errors in policy."));
    }
    for statement in &statements {
        if !statement.get("Effect").and_then(Value::as_str).is_some_and(is_effect) {
            return Err(malformed("Syntax errors in policy."));
        }
        if statement
            .get("Action")
            .or_else(|| statement.get("NotAction"))
            .is_none_or(|actions| texts(actions).is_empty())
        {
            return Err(malformed("Policy statement must contain actions."));
        }
    }
    Ok(statements)
}

fn malformed(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "MalformedPolicyDocument", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

    #[test]
    fn any_json_spelling_of_a_trust_policy_is_understood() {
        assert!(trusts_service(TRUST, "backup.amazonaws.com"));
        let spelled = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","backup.amazonaws.com"]},"Action":["sts:AssumeRole"]}}"#;
        assert!(trusts_service(spelled, "backup.amazonaws.com"));
        let lower = TRUST.replace("Allow", "allow");
        assert!(check_trust(&lower).is_ok() && trusts_service(&lower, "backup.amazonaws.com"));
        let identity = r#"{"Statement":{"Effect":"allow","Action":"rds:*","Resource":"*"}}"#;
        assert!(check_identity(identity).is_err(), "IAM is strict with what a role may do");
        let other = TRUST.replace("backup.", "ec2.");
        assert!(!trusts_service(&other, "backup.amazonaws.com"));
        assert!(!trusts_service("not json", "backup.amazonaws.com"));
        let denied = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:*"},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}"#;
        assert!(!trusts_service(denied, "backup.amazonaws.com"));
    }

    #[test]
    fn an_account_is_trusted_by_id_root_or_member() {
        let of = |principal: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
            )
        };
        for principal in ["*", "111122223333", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/x"] {
            assert!(trusts_account(&of(principal), "111122223333"), "{principal}");
        }
        assert!(!trusts_account(&of("arn:aws:iam::444455556666:root"), "111122223333"));
        assert!(!trusts_account(TRUST, "111122223333"));
    }

    #[test]
    fn deny_wins_and_silence_is_no() {
        let allow = r#"{"Statement":[{"Effect":"Allow","Action":"RDS:Create*","Resource":"arn:aws:rds:*:*:db:*"}]}"#;
        let deny = r#"{"Statement":[{"Effect":"Deny","Action":"rds:CreateDBSnapshot","Resource":"*"}]}"#;
        let db = "arn:aws:rds:us-east-1:111122223333:db:x";
        assert_eq!(decide([allow].into_iter(), "rds:CreateDBSnapshot", db), Decision::Allowed);
        assert_eq!(
            decide([allow].into_iter(), "rds:CreateDBSnapshot", "arn:aws:rds:r:a:cluster:x"),
            Decision::ImplicitDeny
        );
        assert_eq!(decide([allow, deny].into_iter(), "rds:CreateDBSnapshot", db), Decision::ExplicitDeny);
        assert_eq!(decide([allow].into_iter(), "rds:DeleteDBSnapshot", db), Decision::ImplicitDeny);
    }

    #[test]
    fn faulty_documents_are_refused_in_iams_words() {
        let message = |result: Result<(), AwsError>| result.expect_err("faulty").message;
        assert_eq!(message(check_trust("{")), "This policy contains invalid Json");
        assert_eq!(message(check_trust("{}")), "Syntax errors in policy.");
        assert_eq!(message(check_trust(&TRUST.replace("Allow", "Maybe"))), "Syntax errors in policy.");
        assert!(
            message(check_trust(&TRUST.replace(".amazonaws.com", "")))
                .starts_with("Invalid principal in policy: \"SERVICE\":\"backup\"")
        );
        assert_eq!(message(check_identity(TRUST)), "Policy document should not specify a principal.");
        assert_eq!(
            message(check_identity(r#"{"Statement":{"Effect":"Allow","Action":"*"}}"#)),
            "Policy statement must contain resources."
        );
        assert_eq!(
            message(check_identity(r#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#)),
            "Policy statement must contain actions."
        );
        check_trust(TRUST).expect("fine");
    }

    proptest! {
        #[test]
        fn a_glob_matches_what_its_stars_stand_for(parts in proptest::collection::vec("[a-c]{0,4}", 1..5), fill in "[a-c]{0,4}") {
            prop_assert!(glob(&parts.join("*"), &parts.join(&fill), false));
            prop_assert!(glob("*", &fill, false));
            prop_assert_eq!(glob(&fill, &parts.concat(), false), fill == parts.concat());
        }

        #[test]
        fn no_document_panics(text in any::<String>()) {
            let _ = check_trust(&text);
            let _ = check_identity(&text);
            trusts_service(&text, "x");
        }
    }
}
