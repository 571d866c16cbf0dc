//! The resource policy of a vault: checked before AWS sees it, whose answer to all that is wrong is one sentence.

use serde_json::{Map, Value};

use super::{
    did_you_mean, given_before,
    invalid::{Fault, quoted},
    region_names,
};

mod actions;
mod caller;
mod condition;
mod judged;
mod repeated;
mod unheeded;
mod wildcards;

pub use caller::Caller;

/// A JSON document that AWS can take for a vault's policy.
#[derive(Debug, Clone)]
pub struct AccessPolicy {
    text: String,
    statements: Vec<Value>,
    /// Whether they stand in a list.
    many: bool,
}

/// Faults with their places under the field, such as `.Statement[0].Effect`.
type Found = Vec<(String, Fault)>;

impl AccessPolicy {
    /// What IAM allows a resource's policy to have; for vaults AWS says nothing `[U]`.
    const MOST_BYTES: usize = 20 * 1024;

    /// Reads the document and finds every fault of it.
    pub fn parse(text: &str) -> Result<Self, Found> {
        let whole = |fault: String| vec![(String::new(), fault.into())];
        if text.trim().is_empty() {
            let fault = "is required: give a JSON document; DeleteVaultAccessPolicy removes the policy";
            return Err(whole(fault.to_owned()));
        }
        if text.len() > Self::MOST_BYTES {
            return Err(whole(format!("has {} bytes: at most {} are possible", text.len(), Self::MOST_BYTES)));
        }
        let document: Value =
            serde_json::from_str(text).map_err(|fault| whole(format!("is not readable as JSON: {fault}")))?;
        let Value::Object(document) = document else {
            return Err(whole(
                "is not a JSON object: a policy has the form {\"Version\": …, \"Statement\": […]}".into(),
            ));
        };
        let mut found = Found::new();
        for at in repeated::repeated(text) {
            add(
                &mut found,
                &at,
                "stands twice in its object, of which AWS refuses the policy: leave one of the two out",
            );
        }
        unknown(&document, "", &["Version", "Id", "Statement"], &mut found);
        if !matches!(document.get("Version").and_then(Value::as_str), Some("2012-10-17" | "2008-10-17")) {
            add(&mut found, ".Version", "must be \"2012-10-17\", the present policy language");
        }
        if document.get("Id").is_some_and(|id| !id.is_string()) {
            add(&mut found, ".Id", "must be a text");
        }
        let (statements, many) = match document.get("Statement") {
            Some(Value::Array(statements)) => (statements.clone(), true),
            Some(statement @ Value::Object(_)) => (vec![statement.clone()], false),
            _ => (Vec::new(), false),
        };
        if statements.is_empty() {
            add(&mut found, ".Statement", "is required: give one statement or a list of them");
        }
        for (index, statement) in statements.iter().enumerate() {
            let at = place(many, index);
            match statement {
                Value::Object(members) => check(members, &at, &mut found),
                _ => add(&mut found, &at, "is not a JSON object"),
            }
        }
        let sids: Vec<&str> = statements.iter().map(|it| it["Sid"].as_str().unwrap_or_default()).collect();
        for index in (0..sids.len()).filter(|index| !sids[*index].is_empty()) {
            if let Some(fault) = given_before(&sids, index) {
                add(&mut found, &format!("{}.Sid", place(many, index)), fault);
            }
        }
        if found.is_empty() { Ok(Self { text: text.to_owned(), statements, many }) } else { Err(found) }
    }

    /// The document as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a vault's policy, as AWS tells it, says the same. AWS may write one otherwise than it was given: a list of one
    /// as that one, lists in another order, an account as its root `[I]`.
    pub fn says(&self, told: &str) -> bool {
        let read = |text: &str| serde_json::from_str(text).ok().map(plain);
        self.text == told || read(&self.text).is_some_and(|document| read(told) == Some(document))
    }

    /// The ARNs of principals, with their places: AWS takes none of another partition than the vault's.
    pub fn principals(&self) -> Vec<(String, &str)> {
        let mut found = Vec::new();
        for (index, statement) in self.statements.iter().enumerate() {
            for member in ["Principal", "NotPrincipal"] {
                let (at, names) = (format!("{}.{member}.AWS", self.place(index)), &statement[member]["AWS"]);
                found.extend(placed(names, &at).into_iter().filter(|(_, name)| name.starts_with("arn:")));
            }
        }
        found
    }

    /// The partitions that ARNs of resources name, with the places of the ARNs, or why there is no such partition. The rest
    /// of such an ARN may be a pattern.
    pub fn resource_partitions(&self) -> Vec<(String, Result<&'static str, Fault>)> {
        let mut found = Vec::new();
        for (index, statement) in self.statements.iter().enumerate() {
            for member in ["Resource", "NotResource"] {
                for (at, name) in placed(&statement[member], &format!("{}.{member}", self.place(index))) {
                    let partition = name.strip_prefix("arn:").and_then(|rest| rest.split(':').next());
                    if let Some(partition) = partition.filter(|partition| !partition.contains(['*', '?', '$'])) {
                        found.push((at, region_names::partition(partition)));
                    }
                }
            }
        }
        found
    }

    /// Where in the document the statement stands.
    fn place(&self, index: usize) -> String {
        place(self.many, index)
    }
}

fn place(many: bool, index: usize) -> String {
    if many { format!(".Statement[{index}]") } else { ".Statement".to_owned() }
}

/// The document in the one way of writing that all that say the same have in common.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(members) => {
            let mut members: Vec<Value> = members.into_iter().map(plain).collect();
            members.sort_by_key(Value::to_string);
            if members.len() == 1 { members.remove(0) } else { Value::Array(members) }
        }
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, member)| (name, plain(member))).collect())
        }
        Value::String(text) => {
            let root = text.strip_suffix(":root").and_then(|text| text.rsplit_once(":iam::"));
            let account = root.map(|(_, account)| account.to_owned());
            Value::String(account.unwrap_or(text))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn add(found: &mut Found, at: &str, fault: impl Into<Fault>) {
    found.push((at.to_owned(), fault.into()));
}

fn unknown(members: &Map<String, Value>, at: &str, known: &[&str], found: &mut Found) {
    for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
        let fault = format!("has the member {}, which no policy has: known are {}", quoted(name), known.join(", "));
        add(found, at, fault);
    }
}

fn check(statement: &Map<String, Value>, at: &str, found: &mut Found) {
    const KNOWN: &[&str] =
        &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    unknown(statement, at, KNOWN, found);
    if statement.get("Sid").is_some_and(|sid| !sid.is_string()) {
        add(found, &format!("{at}.Sid"), "must be a text");
    }
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow" | "Deny") => {}
        _ => add(found, &format!("{at}.Effect"), "must be \"Allow\" or \"Deny\""),
    }
    if let Some((at, principal)) = one_of(statement, at, "Principal", found) {
        // IAM takes NotPrincipal with Deny alone `[D]`.
        if statement.contains_key("NotPrincipal") && statement.get("Effect").is_some_and(|effect| effect == "Allow") {
            let fault = "does not go with \"Allow\": name those whom the statement allows something in Principal";
            add(found, &at, fault);
        }
        check_principal(principal, &at, found);
    }
    if let Some((at, actions)) = one_of(statement, at, "Action", found) {
        check_texts(actions, &at, "an action, such as backup:CopyIntoBackupVault", found, check_action);
    }
    if let Some((at, resources)) = one_of(statement, at, "Resource", found) {
        check_texts(resources, &at, "\"*\" or an ARN", found, check_resource);
    }
    if let Some(condition) = statement.get("Condition") {
        check_condition(condition, &format!("{at}.Condition"), found);
    }
}

fn check_condition(condition: &Value, at: &str, found: &mut Found) {
    let Some(operators) = condition.as_object().filter(|operators| operators.values().all(Value::is_object)) else {
        return add(found, at, "must be an object of operators, each an object of keys and values");
    };
    for name in operators.keys() {
        let bare = condition::bare(name);
        if !condition::OPERATORS.contains(&bare) {
            let meant = did_you_mean(bare, condition::OPERATORS.iter().copied());
            add(found, at, format!("has the operator {}, which IAM does not have{meant}", quoted(name)));
        }
    }
}

/// The member, or its opposite, and its place: a statement must have one of the two.
fn one_of<'s>(
    statement: &'s Map<String, Value>,
    at: &str,
    name: &str,
    found: &mut Found,
) -> Option<(String, &'s Value)> {
    let not = format!("Not{name}");
    match (statement.get(name), statement.get(&not)) {
        (Some(value), None) => Some((format!("{at}.{name}"), value)),
        (None, Some(value)) => Some((format!("{at}.{not}"), value)),
        (None, None) => {
            add(found, &format!("{at}.{name}"), format!("is required, or {not}"));
            None
        }
        (Some(_), Some(_)) => {
            add(found, &format!("{at}.{name}"), format!("contradicts {not}: leave one of the two out"));
            None
        }
    }
}

/// A text or a list of them, at least one.
fn check_texts(value: &Value, at: &str, what: &str, found: &mut Found, fault: fn(&str) -> Option<String>) {
    let texts = match value {
        Value::Array(texts) => texts.iter().enumerate().map(|(index, text)| (format!("{at}[{index}]"), text)).collect(),
        one => vec![(at.to_owned(), one)],
    };
    if texts.is_empty() {
        add(found, at, format!("is an empty list: give {what}"));
    }
    for (at, text) in texts {
        match text.as_str() {
            None | Some("") => add(found, &at, format!("is not a text: give {what}")),
            Some(text) => {
                if let Some(fault) = fault(text) {
                    add(found, &at, fault);
                }
            }
        }
    }
}

fn check_action(action: &str) -> Option<String> {
    let fits = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'?'))
    };
    let service = action.split_once(':').filter(|(service, name)| service.eq_ignore_ascii_case("backup") && fits(name));
    let fault =
        || format!("{} is not an action of AWS Backup: one looks like backup:DeleteRecoveryPoint", quoted(action));
    (action != "*" && service.is_none()).then(fault)
}

fn check_resource(resource: &str) -> Option<String> {
    (resource != "*" && !(resource.starts_with("arn:") && resource.split(':').count() >= 6))
        .then(|| format!("{} is neither \"*\" nor an ARN", quoted(resource)))
}

fn check_principal(principal: &Value, at: &str, found: &mut Found) {
    if principal == "*" {
        return;
    }
    let Some(kinds) = principal.as_object().filter(|kinds| !kinds.is_empty()) else {
        let fault = "must be \"*\" or an object such as {\"AWS\": \"arn:aws:iam::ACCOUNT:root\"}";
        return add(found, at, fault);
    };
    unknown(kinds, at, &["AWS", "Service", "Federated", "CanonicalUser"], found);
    for (kind, names) in kinds {
        let at = format!("{at}.{kind}");
        match kind.as_str() {
            "AWS" => check_texts(names, &at, "an account or an ARN of IAM or STS", found, check_aws_principal),
            "Service" => check_texts(names, &at, "a service, such as backup.amazonaws.com", found, |_| None),
            "Federated" => check_texts(names, &at, "its name", found, |_| None),
            // Who owns a bucket `[D]`.
            "CanonicalUser" => add(found, &at, "names a user as policies of S3 alone do: name the account as AWS"),
            _ => {}
        }
    }
}

fn check_aws_principal(name: &str) -> Option<String> {
    let account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if name == "*" || account(name) {
        return None;
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let ["arn", partition, service @ ("iam" | "sts"), "", id, resource] = parts[..] else {
        return Some(format!(
            "{} is neither \"*\", nor a twelve-digit account, nor an ARN of IAM or STS",
            quoted(name)
        ));
    };
    // AWS answers "Provided principal is not valid" `[Q]`.
    if name.contains(['*', '?']) {
        return Some(format!(
            "{} has a wildcard, which AWS takes in no principal but \"*\" alone: name each principal, or write \"*\" with \
             the Condition {{\"ArnLike\": {{\"aws:PrincipalArn\": {}}}}}",
            quoted(name),
            quoted(name)
        ));
    }
    let named = |rest: &str| !rest.is_empty() && !rest.ends_with('/');
    let fits = match (service, resource.split_once('/')) {
        ("iam", None) => resource == "root",
        ("iam", Some(("user" | "role", path))) => named(path),
        ("sts", Some(("assumed-role", rest))) => {
            rest.split_once('/').is_some_and(|(role, session)| named(role) && named(session))
        }
        ("sts", Some(("federated-user", rest))) => named(rest),
        _ => false,
    };
    (partition.is_empty() || !account(id) || !fits).then(|| {
        format!(
            "{} is no principal: an ARN of one names an account's root, a user, a role, a session of a role \
             (assumed-role/ROLE/SESSION) or a federated user",
            quoted(name)
        )
    })
}

/// The texts of a member that is one or a list of them, each with its place.
fn placed<'v>(value: &'v Value, at: &str) -> Vec<(String, &'v str)> {
    let many = value.is_array();
    texts(value)
        .enumerate()
        .map(|(number, text)| (if many { format!("{at}[{number}]") } else { at.to_owned() }, text))
        .collect()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let many = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value.as_str().into_iter().chain(many.iter().filter_map(Value::as_str))
}

#[cfg(test)]
mod tests;
