//! The conditions of a statement, as far as Strongroom can judge them of its own calls.

use serde_json::Value;

use super::{
    caller::{Answer, Caller},
    judged::Judge,
    texts, wildcards,
};

/// What a request of Strongroom's own brings under a key.
enum Known {
    Value(String),
    /// No such key: such requests come directly, and from no service of AWS.
    Absent,
    Unknown,
}

/// The operators of IAM `[D]`, without `ForAnyValue:`, `ForAllValues:` and `IfExists`.
pub(super) const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

/// An operator in its parts.
struct Operator<'o> {
    name: &'o str,
    for_all: bool,
    if_exists: bool,
}

impl<'o> Operator<'o> {
    fn of(text: &'o str) -> Self {
        let set = text.split_once(':');
        let name = set.map_or(text, |(_, name)| name);
        let bare = name.strip_suffix("IfExists");
        Self {
            name: bare.unwrap_or(name),
            for_all: set.is_some_and(|(set, _)| set == "ForAllValues"),
            if_exists: bare.is_some(),
        }
    }

    fn negates(&self) -> bool {
        self.name.contains("Not")
    }
}

/// The name of an operator without what can stand around it.
pub(super) fn bare(operator: &str) -> &str {
    let unset = operator.strip_prefix("ForAnyValue:").or_else(|| operator.strip_prefix("ForAllValues:"));
    let name = unset.unwrap_or(operator);
    name.strip_suffix("IfExists").filter(|bare| *bare != "Null").unwrap_or(name)
}

/// Whether the condition holds for a call of Strongroom's own: all operators and keys of it, each with any of its values.
pub(super) fn holds(condition: &Value, judge: &Judge<'_>) -> Answer {
    let tests = condition.as_object().into_iter().flatten().flat_map(|(operator, keys)| {
        let operator = Operator::of(operator);
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| test(&operator, key, values, judge))
    });
    tests.fold(Answer::Yes, Answer::min)
}

fn test(operator: &Operator<'_>, key: &str, values: &Value, judge: &Judge<'_>) -> Answer {
    let values: Vec<String> = match values {
        Value::Array(values) => values.iter().map(text).collect(),
        one => vec![text(one)],
    };
    let known = known(&key.to_ascii_lowercase(), judge);
    if operator.name == "Null" {
        let absent = match known {
            Known::Value(_) => "false",
            Known::Absent => "true",
            Known::Unknown => return Answer::Unknown,
        };
        return values.iter().any(|value| value.eq_ignore_ascii_case(absent)).into();
    }
    let present = match known {
        Known::Unknown => return Answer::Unknown,
        // A negation holds for what is not there `[D]`.
        Known::Absent => return (operator.if_exists || operator.for_all || operator.negates()).into(),
        Known::Value(present) => present,
    };
    let of_principal = key.eq_ignore_ascii_case("aws:PrincipalArn");
    let any = values.iter().map(|value| {
        let caller = judge.caller.filter(|_| of_principal);
        compare(operator.name, value, &present, caller)
    });
    let any = any.fold(Answer::No, Answer::max);
    if operator.negates() { any.not() } else { any }
}

fn compare(operator: &str, wanted: &str, present: &str, principal: Option<&Caller>) -> Answer {
    // Variables stand for more than Strongroom knows.
    if wanted.contains("${") {
        return Answer::Unknown;
    }
    let fits: fn(&str, &str) -> bool = match operator {
        "StringEquals" | "StringNotEquals" => |wanted, present| wanted == present,
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" | "Bool" => {
            |wanted, present| wanted.eq_ignore_ascii_case(present)
        }
        "StringLike" | "StringNotLike" | "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => wildcards::fits,
        _ => return Answer::Unknown,
    };
    match principal {
        Some(caller) => caller.fits(wanted, fits),
        None => fits(wanted, present).into(),
    }
}

fn known(key: &str, judge: &Judge<'_>) -> Known {
    let value = |value: &str| Known::Value(value.to_owned());
    let of_caller = |of: &dyn Fn(&Caller) -> Known| judge.caller.map_or(Known::Unknown, of);
    match key {
        // Its calls are made in the vault's own account.
        "aws:principalaccount" | "aws:resourceaccount" => value(judge.account()),
        "aws:requestedregion" => value(judge.region()),
        "aws:principalarn" => of_caller(&|caller| Known::Value(caller.principal_arn())),
        "aws:principaltype" => of_caller(&|caller| caller.kind().map_or(Known::Unknown, value)),
        "aws:username" => of_caller(&|caller| match (caller.user_name(), caller.kind()) {
            (Some(name), _) => value(name),
            (None, Some(_)) => Known::Absent,
            (None, None) => Known::Unknown,
        }),
        "aws:userid" => of_caller(&|caller| match caller.user_id.as_str() {
            "" => Known::Unknown,
            id => value(id),
        }),
        "aws:securetransport" => value("true"),
        "aws:viaawsservice" | "aws:principalisawsservice" => value("false"),
        "aws:sourceaccount" | "aws:sourcearn" | "aws:sourceorgid" | "aws:sourceorgpaths" => Known::Absent,
        "aws:principalservicename" | "aws:principalservicenameslist" => Known::Absent,
        "aws:calledvia" | "aws:calledviafirst" | "aws:calledvialast" => Known::Absent,
        // Those of AWS Backup belong to copies and shares.
        _ if key.starts_with("backup:") => Known::Absent,
        _ => Known::Unknown,
    }
}

/// Whether the condition says who may come, so that a statement for everybody is none for anybody: a key of the principal,
/// its network or its organization, compared with some value and not only unlike one.
pub(super) fn says_who(condition: &Value) -> bool {
    const WHO: &[&str] = &[
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:userid",
        "aws:username",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceip",
        "aws:vpcsourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
    ];
    condition.as_object().into_iter().flatten().any(|(operator, keys)| {
        let operator = Operator::of(operator);
        let bounds = !operator.negates() && !operator.if_exists && !operator.for_all && operator.name != "Null";
        bounds
            && keys.as_object().into_iter().flatten().any(|(key, values)| {
                let open = |value: &str| {
                    value.chars().all(|letter| letter == '*') || matches!(value, "0.0.0.0/0" | "::/0" | "false")
                };
                let key = key.to_ascii_lowercase();
                WHO.contains(&key.as_str()) && !texts(values).any(open)
            })
    })
}

/// What a condition asks for, in the order of the document.
pub(super) fn keys(condition: &Value) -> Vec<&str> {
    let operators = condition.as_object().into_iter().flatten();
    let mut keys: Vec<&str> =
        operators.flat_map(|(_, keys)| keys.as_object().into_iter().flatten()).map(|(key, _)| key.as_str()).collect();
    keys.dedup();
    keys
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
