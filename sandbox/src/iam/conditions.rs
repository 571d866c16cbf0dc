//! What policies say of a request that one is told of: statements with their conditions, against the context that a simulation
//! is given.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::document::{Decision, glob, speaks_of, texts};
use crate::call::AwsError;

/// What is known of a request: values by lower-case key, for IAM does not mind the case of keys `[D]`.
#[derive(Debug, Default)]
pub(super) struct Context(pub(super) BTreeMap<String, Vec<String>>);

/// What the statements of some policies come to.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) decision: Decision,
    /// Places of the statements that decided it.
    pub(super) decided_by: Vec<usize>,
    /// Keys that the statements which speak of the action and the resource ask for, and the context has not.
    pub(super) missing: BTreeSet<String>,
}

/// Judges one action on one resource.
///
/// # Errors
/// When a statement that speaks of it has a condition operator that the sandbox does not evaluate.
pub(super) fn judge<'d>(
    statements: impl Iterator<Item = &'d Map<String, Value>>,
    action: &str,
    resource: &str,
    context: &Context,
) -> Result<Judged, AwsError> {
    let mut missing = BTreeSet::new();
    let (mut allow, mut deny) = (Vec::new(), Vec::new());
    for (place, statement) in statements.enumerate() {
        if !speaks_of(statement, "Action", action, true) || !is_about(statement, resource, context, &mut missing) {
            continue;
        }
        if !met(statement.get("Condition"), context, &mut missing)? {
            continue;
        }
        match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => allow.push(place),
            _ => deny.push(place),
        }
    }
    let (decision, decided_by) = match (deny.is_empty(), allow.is_empty()) {
        (false, _) => (Decision::ExplicitDeny, deny),
        (true, false) => (Decision::Allowed, allow),
        (true, true) => (Decision::ImplicitDeny, Vec::new()),
    };
    Ok(Judged { decision, decided_by, missing })
}

/// `Resource` or `NotResource`, with what variables in it stand for.
fn is_about(statement: &Map<String, Value>, resource: &str, context: &Context, missing: &mut BTreeSet<String>) -> bool {
    let mut matches = |patterns: &Value| {
        texts(patterns)
            .into_iter()
            .any(|pattern| context.filled(pattern, missing).is_some_and(|pattern| glob(&pattern, resource, false)))
    };
    match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(patterns), _) => matches(patterns),
        (None, Some(patterns)) => !matches(patterns),
        (None, None) => false,
    }
}

impl Context {
    fn values(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_lowercase()).map(Vec::as_slice)
    }

    /// The text with each `${key}` or `${key, 'default'}` replaced by the one value of the key `[D]`; `None` where there is
    /// none. `${*}`, `${?}` and `${$}` are left to the glob as the characters they stand for.
    fn filled(&self, text: &str, missing: &mut BTreeSet<String>) -> Option<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (variable, after) = after.split_once('}')?;
            filled.push_str(before);
            let (key, default) =
                variable.split_once(',').map_or((variable, None), |(key, default)| (key, Some(default)));
            match (self.values(key.trim()), default) {
                _ if matches!(key, "*" | "?" | "$") => filled.push_str(key),
                (Some([one]), _) => filled.push_str(one),
                (_, Some(default)) => filled.push_str(default.trim().trim_matches('\'')),
                (_, None) => {
                    missing.insert(key.trim().to_owned());
                    return None;
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }
}

/// Whether every operator and every key of a condition holds.
fn met(condition: Option<&Value>, context: &Context, missing: &mut BTreeSet<String>) -> Result<bool, AwsError> {
    let Some(Value::Object(operators)) = condition else { return Ok(true) };
    let mut holds = true;
    for (name, keys) in operators {
        let operator = Operator::of(name).ok_or_else(|| not_evaluated(name))?;
        let Value::Object(keys) = keys else { continue };
        for (key, wanted) in keys {
            // All of them, also when one does not hold: each key that is missing is told.
            holds &= operator.holds(key, &written(wanted), context, missing);
        }
    }
    Ok(holds)
}

/// What stands as a number or a boolean in a condition is as good as its text `[D]`.
fn written(wanted: &Value) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match wanted {
        Value::Array(values) => values.iter().filter_map(one).collect(),
        value => one(value).into_iter().collect(),
    }
}

fn not_evaluated(operator: &str) -> AwsError {
    let message = format!(
        "The sandbox does not evaluate the condition operator {operator}, so it cannot tell what the policy allows: it knows \
         those of strings, ARNs, numbers and booleans, and Null."
    );
    AwsError::new(501, "NotImplemented", message)
}

/// A condition operator: how values are compared, and what of many or none.
#[derive(Debug)]
struct Operator {
    compare: Compare,
    /// `StringNotEquals` and its kin: none of the values may be equal.
    negated: bool,
    if_exists: bool,
    set: Option<Set>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    All,
    Any,
}

#[derive(Debug, Clone, Copy)]
enum Compare {
    Text { ignore_case: bool },
    Like,
    Arn,
    Bool,
    Number(fn(f64, f64) -> bool),
    Null,
}

impl Operator {
    fn of(name: &str) -> Option<Self> {
        let (set, name) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Set::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Set::Any), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (if_exists, name) = name.strip_suffix("IfExists").map_or((false, name), |name| (true, name));
        let (compare, negated) = match name {
            "StringEquals" => (Compare::Text { ignore_case: false }, false),
            "StringNotEquals" => (Compare::Text { ignore_case: false }, true),
            "StringEqualsIgnoreCase" => (Compare::Text { ignore_case: true }, false),
            "StringNotEqualsIgnoreCase" => (Compare::Text { ignore_case: true }, true),
            "StringLike" => (Compare::Like, false),
            "StringNotLike" => (Compare::Like, true),
            "ArnEquals" | "ArnLike" => (Compare::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Compare::Arn, true),
            "Bool" => (Compare::Bool, false),
            "NumericEquals" => (Compare::Number(|is, wanted| is == wanted), false),
            "NumericNotEquals" => (Compare::Number(|is, wanted| is == wanted), true),
            "NumericLessThan" => (Compare::Number(|is, wanted| is < wanted), false),
            "NumericLessThanEquals" => (Compare::Number(|is, wanted| is <= wanted), false),
            "NumericGreaterThan" => (Compare::Number(|is, wanted| is > wanted), false),
            "NumericGreaterThanEquals" => (Compare::Number(|is, wanted| is >= wanted), false),
            "Null" if !if_exists && set.is_none() => (Compare::Null, false),
            _ => return None,
        };
        Some(Self { compare, negated, if_exists, set })
    }

    fn holds(&self, key: &str, wanted: &[String], context: &Context, missing: &mut BTreeSet<String>) -> bool {
        let values = context.values(key);
        if matches!(self.compare, Compare::Null) {
            return wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case("true") == values.is_none());
        }
        let Some(values) = values else {
            missing.insert(key.to_owned());
            // What is not there is equal to nothing, and all of nothing is whatever is wanted [D].
            return self.if_exists || self.set == Some(Set::All) || (self.negated && self.set.is_none());
        };
        let wanted: Vec<String> = wanted.iter().filter_map(|text| context.filled(text, missing)).collect();
        let fits = |value: &String| wanted.iter().any(|wanted| self.compare.fits(value, wanted)) != self.negated;
        match self.set {
            Some(Set::All) => values.iter().all(fits),
            Some(Set::Any) => values.iter().any(fits),
            None if self.negated => values.iter().all(fits),
            None => values.iter().any(fits),
        }
    }
}

impl Compare {
    fn fits(self, value: &str, wanted: &str) -> bool {
        match self {
            Self::Text { ignore_case: false } => value == wanted,
            Self::Text { ignore_case: true } => value.to_lowercase() == wanted.to_lowercase(),
            Self::Like => glob(wanted, value, false),
            Self::Arn => is_like_arn(wanted, value),
            Self::Bool => value.eq_ignore_ascii_case(wanted),
            Self::Number(compare) => {
                let (value, wanted) = (value.trim().parse(), wanted.trim().parse());
                value.is_ok_and(|value| wanted.is_ok_and(|wanted| compare(value, wanted)))
            }
            Self::Null => false,
        }
    }
}

/// Each of the six parts of an ARN is compared by itself: an asterisk does not reach over a colon before the last `[D]`.
fn is_like_arn(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<&str>, Vec<&str>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    pattern.len() == arn.len() && pattern.iter().zip(arn).all(|(pattern, part)| glob(pattern, part, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::document::statements;

    const ROLE: &str = "arn:aws:iam::123456789012:role/R";

    fn judged(policy: &str, action: &str, resource: &str, context: &[(&str, &[&str])]) -> Result<Judged, AwsError> {
        let entry = |(key, values): &(&str, &[&str])| {
            (key.to_lowercase(), values.iter().map(|value| (*value).to_owned()).collect())
        };
        judge(statements(policy).iter(), action, resource, &Context(context.iter().map(entry).collect()))
    }

    /// Whether `iam:PassRole` is allowed under a condition.
    fn passes(condition: &str, context: &[(&str, &[&str])]) -> bool {
        let policy = format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{condition}}}}}"#
        );
        judged(&policy, "iam:PassRole", ROLE, context).expect("known operators").decision == Decision::Allowed
    }

    #[test]
    fn a_condition_holds_when_every_key_has_one_of_its_values() {
        let to_backup = r#"{"StringEquals":{"iam:PassedToService":["backup.amazonaws.com","rds.amazonaws.com"]}}"#;
        assert!(passes(to_backup, &[("iam:passedtoservice", &["backup.amazonaws.com"])]), "keys have no case");
        assert!(!passes(to_backup, &[("iam:PassedToService", &["BACKUP.amazonaws.com"])]), "values have");
        assert!(!passes(to_backup, &[]));
        let two = r#"{"StringLike":{"a:x":"b*"},"Bool":{"a:y":true}}"#;
        assert!(passes(two, &[("a:x", &["backup"]), ("a:y", &["TRUE"])]));
        assert!(!passes(two, &[("a:x", &["backup"]), ("a:y", &["false"])]));
        let arn = r#"{"ArnLike":{"iam:PolicyARN":"arn:aws:iam::*:policy/service-role/*"}}"#;
        assert!(passes(arn, &[("iam:PolicyARN", &["arn:aws:iam::aws:policy/service-role/B"])]));
        assert!(!passes(arn, &[("iam:PolicyARN", &["arn:aws:iam::aws:more:policy/service-role/B"])]), "part by part");
        let number = r#"{"NumericLessThanEquals":{"a:n":"35"}}"#;
        assert!(passes(number, &[("a:n", &["35"])]) && !passes(number, &[("a:n", &["36"])]));
        assert!(!passes(number, &[("a:n", &["many"])]));
    }

    #[test]
    fn what_is_not_there_is_equal_to_nothing() {
        assert!(passes(r#"{"StringNotEquals":{"a:x":"b"}}"#, &[]));
        assert!(passes(r#"{"StringEqualsIfExists":{"a:x":"b"}}"#, &[]));
        assert!(!passes(r#"{"StringEqualsIfExists":{"a:x":"b"}}"#, &[("a:x", &["c"])]));
        assert!(passes(r#"{"Null":{"a:x":"true"}}"#, &[]) && !passes(r#"{"Null":{"a:x":"false"}}"#, &[]));
        let all = r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}"#;
        assert!(passes(all, &[]) && passes(all, &[("aws:TagKeys", &["a"])]));
        assert!(!passes(all, &[("aws:TagKeys", &["a", "c"])]));
        let any = r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}}"#;
        assert!(!passes(any, &[]) && passes(any, &[("aws:TagKeys", &["a", "c"])]));
    }

    #[test]
    fn a_deny_wins_where_its_condition_holds_and_only_there() {
        let policy = r#"{"Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"},
            {"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}"#;
        let decide = |action, region: &[&str]| {
            judged(policy, action, "*", &[("aws:RequestedRegion", region)]).expect("known operators")
        };
        let here = decide("backup:ListBackupVaults", &["eu-west-1"]);
        assert_eq!((here.decision, here.decided_by), (Decision::Allowed, vec![0]));
        let elsewhere = decide("backup:ListBackupVaults", &["us-east-1"]);
        assert_eq!((elsewhere.decision, elsewhere.decided_by), (Decision::ExplicitDeny, vec![1]));
        assert_eq!(decide("iam:PassRole", &["eu-west-1"]).decision, Decision::ImplicitDeny);
    }

    #[test]
    fn keys_that_nothing_is_known_of_are_told() {
        let policy = r#"{"Statement":[
            {"Effect":"Allow","Action":"backup:*","Resource":"arn:aws:backup:*:*:backup-vault:${aws:PrincipalTag/team}-*"},
            {"Effect":"Allow","Action":"backup:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
            {"Effect":"Allow","Action":"rds:*","Resource":"*","Condition":{"Bool":{"rds:Other":"true"}}}]}"#;
        let vault = "arn:aws:backup:us-east-1:123456789012:backup-vault:data-prod";
        let unknown = judged(policy, "backup:DescribeBackupVault", vault, &[]).expect("known operators");
        assert_eq!(unknown.decision, Decision::ImplicitDeny);
        let keys: Vec<_> = unknown.missing.into_iter().collect();
        assert_eq!(keys, ["aws:MultiFactorAuthPresent", "aws:PrincipalTag/team"]);
        let known = judged(policy, "backup:DescribeBackupVault", vault, &[("aws:PrincipalTag/team", &["data"])]);
        assert_eq!(known.expect("known operators").decision, Decision::Allowed);
    }

    #[test]
    fn an_operator_that_is_not_evaluated_is_told_and_not_guessed() {
        let policy = r#"{"Statement":{"Effect":"Allow","Action":"backup:*","Resource":"*",
            "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}}"#;
        let error = judged(policy, "backup:ListTags", "*", &[]).expect_err("not evaluated");
        assert!(error.status == 501 && error.message.contains("IpAddress"), "{error:?}");
        assert!(judged(policy, "rds:DescribeDBInstances", "*", &[]).is_ok(), "the statement does not speak of it");
    }
}
