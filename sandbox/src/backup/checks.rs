//! Checks of request members that several operations share. Each names the member and the value at fault.

use std::collections::BTreeMap;

use super::{error, lifecycle::Lifecycle};
use crate::{
    call::{AwsError, Call},
    partition,
    world::World,
};

/// The value of a required member.
///
/// # Errors
/// MPV when it is absent or blank.
pub fn required<'v>(member: &str, value: Option<&'v str>) -> Result<&'v str, AwsError> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| error::missing_parameter(member))
}

/// `^[a-zA-Z0-9\-\_]{2,50}$` `[M]`.
///
/// # Errors
/// IPV.
pub fn vault_name(name: &str) -> Result<(), AwsError> {
    let fine =
        (2..=50).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fine {
        return Ok(());
    }
    let rule = "2 to 50 letters, digits, hyphens and underscores";
    Err(error::invalid_parameter(format!("BackupVaultName must be {rule}, not '{}'", shorten(name))))
}

/// The form of a role ARN. AWS answers a malformed one like one it can't assume `[Q]`.
///
/// # Errors
/// IPV.
pub fn role_arn(arn: &str) -> Result<(), AwsError> {
    let fine = partition::of_iam(arn).is_some_and(|(account, role)| {
        let named = role.strip_prefix("role/").is_some_and(|name| !name.is_empty());
        account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && named && arn.len() <= 2048
    });
    if fine { Ok(()) } else { Err(error::invalid_parameter(cannot_be_assumed(arn))) }
}

/// Whether AWS Backup can assume the role, which must be of the caller's account.
///
/// # Errors
/// IPV in AWS's words `[T][Q]`.
pub fn assumable(world: &mut World, call: &Call, arn: &str) -> Result<(), AwsError> {
    let iam = call.iam(world);
    let assumed = iam.assumable_by_backup(arn, call.now, call.behaviour.role_propagation);
    assumed.map_err(|_| error::invalid_parameter(cannot_be_assumed(arn)))
}

/// AWS Backup's words for a role it cannot assume, in a refusal and as the end of a job alike `[T][Q]`.
#[must_use]
pub fn cannot_be_assumed(role: &str) -> String {
    format!("IAM Role {} cannot be assumed by AWS Backup", shorten(role))
}

/// Idempotency tokens have no pattern in the model; a megabyte of one is kept for a day, so it is refused.
///
/// # Errors
/// IPV.
pub fn token(token: Option<&str>) -> Result<(), AwsError> {
    match token {
        Some(token) if token.len() > 256 => {
            Err(error::invalid_parameter("IdempotencyToken is longer than 256 characters"))
        }
        _ => Ok(()),
    }
}

/// The answer to a token that stood for another request `[U]`.
pub fn token_reused(token: Option<&str>) -> AwsError {
    let token = token.unwrap_or_default();
    error::invalid_parameter(format!("IdempotencyToken '{token}' was already used with different parameters"))
}

/// The lifecycle as it is stored.
///
/// # Errors
/// IPV in AWS's words.
pub fn lifecycle(lifecycle: Option<Lifecycle>) -> Result<Option<Lifecycle>, AwsError> {
    let Some(lifecycle) = lifecycle.map(Lifecycle::normalised) else { return Ok(None) };
    if let Some(fault) = lifecycle.fault() {
        return Err(error::invalid_parameter(fault));
    }
    Ok(Some(lifecycle).filter(|lifecycle| *lifecycle != Lifecycle::default()))
}

/// Tags to write: their number, lengths, and no `aws:` keys.
///
/// # Errors
/// IPV.
pub fn tags(member: &str, tags: &BTreeMap<String, String>, most: usize) -> Result<(), AwsError> {
    if tags.len() > most {
        return Err(error::invalid_parameter(format!(
            "{member} holds {} tags; at most {most} are allowed",
            tags.len()
        )));
    }
    for (key, value) in tags {
        let fault = if key.is_empty() || key.chars().count() > 128 {
            "a key must have 1 to 128 characters"
        } else if value.chars().count() > 256 {
            "a value must have at most 256 characters"
        } else if key.to_ascii_lowercase().starts_with("aws:") {
            "keys that begin with aws: are reserved"
        } else {
            continue;
        };
        return Err(error::invalid_parameter(format!("{member}: {fault} ('{}')", shorten(key))));
    }
    Ok(())
}

/// `BackupOptions`: keys and values of `^[a-zA-Z0-9\-\_\.]{1,50}$` `[M]`.
///
/// # Errors
/// IPV.
pub fn options(options: &BTreeMap<String, String>) -> Result<(), AwsError> {
    let fine = |text: &String| {
        (1..=50).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    match options.iter().find(|(key, value)| !fine(key) || !fine(value)) {
        Some((key, _)) => {
            Err(error::invalid_parameter(format!("BackupOptions: '{}' or its value is not valid", shorten(key))))
        }
        None => Ok(()),
    }
}

/// RNF for a vault that an operation other than those on vaults names.
pub fn no_such_vault(name: &str) -> AwsError {
    error::not_found(format!("Backup vault {} does not exist", shorten(name)))
}

/// A value from the wire, fit for a message: a megabyte of name stays out of the answer.
#[must_use]
pub fn shorten(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
