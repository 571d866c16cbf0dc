//! The resource policy of a vault. The sandbox checks and keeps it; it does not judge callers by it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    backup::{
        error,
        rest::{RestReply, RestRequest},
    },
    call::{AwsError, Call},
    iam, partition,
    world::World,
};

/// Bytes of a policy at most `[U]`.
const MAX_BYTES: usize = 20 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutInput {
    policy: Option<String>,
}

pub(super) fn put(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let policy = request.body::<PutInput>()?.policy.ok_or_else(|| error::missing_parameter("Policy"))?;
    call.region(world).backup.vaults.get(request.path("backupVaultName"), &call.behaviour)?;
    check(&policy, call, call.iam(world))?;
    let vaults = &mut call.region(world).backup.vaults;
    vaults.get_mut(request.path("backupVaultName"), &call.behaviour)?.access_policy = Some(policy);
    Ok(RestReply::empty())
}

fn check(policy: &str, call: &Call, iam: &iam::State) -> Result<(), AwsError> {
    let invalid = |why: &str| Err(error::invalid_parameter(format!("Invalid Policy: {why}")));
    if policy.len() > MAX_BYTES {
        return invalid(&format!("it has {} bytes, {MAX_BYTES} are allowed", policy.len()));
    }
    let Ok(Value::Object(document)) = serde_json::from_str::<Value>(policy) else {
        return invalid("it is not a JSON object");
    };
    let statements: Vec<&Value> = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => return invalid("it has no Statement"),
    };
    if statements.is_empty() {
        return invalid("its Statement is empty");
    }
    let mut sids = BTreeSet::new();
    for statement in statements {
        if statement.get("Sid").and_then(Value::as_str).is_some_and(|sid| !sid.is_empty() && !sids.insert(sid)) {
            return invalid("Statement IDs (SID) in a single policy must be unique");
        }
        if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
            return invalid("a statement's Effect must be Allow or Deny");
        }
        for name in ["Action", "Resource", "Principal"] {
            let (this, other) = (statement.get(name), statement.get(format!("Not{name}")));
            if this.is_some() == other.is_some() {
                return invalid(&format!("a statement has {name} or Not{name}, and not both"));
            }
        }
        // IAM takes NotPrincipal with Deny alone [D].
        if statement.get("NotPrincipal").is_some() && statement["Effect"] == "Allow" {
            return invalid("NotPrincipal does not go with Allow");
        }
        let Some(principal) = statement.get("Principal").or_else(|| statement.get("NotPrincipal")) else {
            return invalid("a statement has no Principal");
        };
        if !principals_are_sane(principal, call, iam) {
            return Err(error::invalid_parameter("Provided principal is not valid"));
        }
    }
    Ok(())
}

/// `"*"`, or a map of AWS, Service … to one or several. A role of the caller's own account must exist `[T]`; of other
/// accounts the sandbox can't know.
fn principals_are_sane(principal: &Value, call: &Call, iam: &iam::State) -> bool {
    let Value::Object(kinds) = principal else { return principal == "*" };
    !kinds.is_empty()
        && kinds.iter().all(|(kind, names)| {
            let names: Vec<&Value> = names.as_array().map_or_else(|| vec![names], |names| names.iter().collect());
            !names.is_empty()
                && names.iter().all(|name| match (kind.as_str(), name.as_str()) {
                    ("AWS", Some(name)) => {
                        is_account_or_arn(name) && (!is_role_of(name, call) || iam.role_by_arn(name).is_some())
                    }
                    // CanonicalUser is a principal of S3's policies alone [D].
                    ("Service" | "Federated", Some(name)) => !name.is_empty(),
                    _ => false,
                })
        })
}

fn is_role_of(arn: &str, call: &Call) -> bool {
    partition::of_iam(arn).is_some_and(|(account, named)| account == call.account && named.starts_with("role/"))
}

fn is_account_or_arn(name: &str) -> bool {
    let account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    // A wildcard is no principal but alone [Q], nor is a group or a policy [D].
    let names_one = |service: &str, resource: &str| match (service, resource.split_once('/')) {
        ("iam", None) => resource == "root",
        ("iam", Some((kind, name))) => matches!(kind, "user" | "role") && !name.is_empty(),
        (_, Some(("assumed-role", session))) => session.contains('/'),
        (_, Some((kind, name))) => kind == "federated-user" && !name.is_empty(),
        _ => false,
    };
    name == "*"
        || account(name)
        || !name.contains(['*', '?'])
            && matches!(parts[..], ["arn", _, service @ ("iam" | "sts"), "", id, resource]
                if account(id) && names_one(service, resource))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetOutput<'a> {
    backup_vault_name: &'a str,
    backup_vault_arn: &'a str,
    policy: &'a str,
}

pub(super) fn get(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let vault = call.region(world).backup.vaults.get(request.path("backupVaultName"), &call.behaviour)?;
    let Some(policy) = &vault.access_policy else {
        return Err(error::not_found(format!("Backup vault {} has no access policy", vault.name)));
    };
    Ok(RestReply::json(&GetOutput { backup_vault_name: &vault.name, backup_vault_arn: &vault.arn, policy }))
}

pub(super) fn delete(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let vaults = &mut call.region(world).backup.vaults;
    vaults.get_mut(request.path("backupVaultName"), &call.behaviour)?.access_policy = None;
    Ok(RestReply::empty())
}
