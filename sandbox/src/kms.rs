//! KMS, as far as backups ask it: whose a key is. There are no keys to make here: those behind `aws/backup` and `aws/rds`
//! are AWS's, and every other key that is named is taken to exist, to be its account's own, and to be enabled until
//! somebody disables it.

use serde_json::{Value, json};

use crate::{
    backup::vaults,
    call::{AwsError, Call, JsonHandler},
    rds,
    world::World,
};

/// Every served operation; a request's target is `TrentService.NAME`.
pub const OPERATIONS: &[(&str, JsonHandler)] =
    &[("DescribeKey", describe_key), ("DisableKey", disable_key), ("EnableKey", enable_key)];

/// What stands before the operation's name in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "TrentService.";

fn disable_key(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let key = own_key(call, body)?;
    call.region(world).disabled_keys.insert(key);
    Ok(Value::Null)
}

fn enable_key(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let key = own_key(call, body)?;
    call.region(world).disabled_keys.remove(&key);
    Ok(Value::Null)
}

/// The key that a change names; an alias names none.
fn own_key(call: &Call, body: &Value) -> Result<String, AwsError> {
    match key_arn(call, body["KeyId"].as_str().unwrap_or_default())? {
        Named::Key(arn) => Ok(arn),
        Named::Alias(alias) => Err(AwsError::new(400, "InvalidArnException", format!("Invalid keyId '{alias}'"))),
    }
}

fn describe_key(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let asked = body["KeyId"].as_str().unwrap_or_default();
    if !(1..=2048).contains(&asked.len()) {
        let message = "1 validation error detected: Value at 'keyId' failed to satisfy constraint: Member must have length between 1 and 2048";
        return Err(AwsError::new(400, "ValidationException", message));
    }
    let backup = vaults::default_key(&call.account, &call.region);
    let database = rds::default_key(&call.account, &call.region);
    let key = match key_arn(call, asked)? {
        Named::Key(arn) => arn,
        Named::Alias(alias) if alias == "alias/aws/backup" => backup.clone(),
        Named::Alias(alias) if alias == "alias/aws/rds" => database.clone(),
        Named::Alias(alias) => {
            let message = format!("Alias {} is not found.", call.arn("kms", &alias));
            return Err(AwsError::new(400, "NotFoundException", message));
        }
    };
    let description = match &key {
        key if *key == backup => Some("Default key that protects my Backup data when no other key is defined"),
        key if *key == database => {
            Some("Default key that protects my RDS database volumes when no other key is defined")
        }
        _ => None,
    };
    let enabled = !call.region(world).disabled_keys.contains(&key);
    let mut parts = key.splitn(6, ':').skip(4);
    let (account, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Ok(json!({"KeyMetadata": {
        "AWSAccountId": account,
        "KeyId": id.trim_start_matches("key/"),
        "Arn": key,
        "CreationDate": 1_514_764_800,
        "Enabled": enabled,
        "Description": description.unwrap_or_default(),
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": if enabled { "Enabled" } else { "Disabled" },
        "Origin": "AWS_KMS",
        "KeyManager": if description.is_some() { "AWS" } else { "CUSTOMER" },
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": false,
    }}))
}

enum Named {
    /// ARN.
    Key(String),
    /// `alias/NAME`.
    Alias(String),
}

/// A key is named by its id, its ARN, `alias/NAME` or an alias' ARN; one of another region is none `[M]`.
fn key_arn(call: &Call, asked: &str) -> Result<Named, AwsError> {
    let Some(rest) = asked.strip_prefix("arn:") else {
        return Ok(if asked.starts_with("alias/") {
            Named::Alias(asked.to_owned())
        } else {
            Named::Key(call.arn("kms", &format!("key/{asked}")))
        });
    };
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    match parts[..] {
        [_, "kms", region, account, resource] if region == call.region && account.len() == 12 => {
            if resource.strip_prefix("key/").is_some_and(|id| !id.is_empty()) {
                return Ok(Named::Key(asked.to_owned()));
            }
            if resource.starts_with("alias/") && account == call.account {
                return Ok(Named::Alias(resource.to_owned()));
            }
            Err(AwsError::new(400, "NotFoundException", format!("Key '{asked}' does not exist")))
        }
        [_, "kms", _, account, _] if account.len() == 12 => {
            Err(AwsError::new(400, "NotFoundException", format!("Invalid arn {}", parts[2])))
        }
        _ => Err(AwsError::new(400, "InvalidArnException", format!("Invalid keyId '{asked}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager(key: &str) -> Result<String, String> {
        let call = Call::at("2026-03-02T00:00:00Z".parse().unwrap());
        let answer = describe_key(&mut World::default(), &call, &json!({"KeyId": key}));
        answer
            .map(|answer| answer["KeyMetadata"]["KeyManager"].as_str().unwrap().to_owned())
            .map_err(|error| error.code.into_owned())
    }

    #[test]
    fn the_keys_of_aws_are_told_from_those_of_customers() {
        for aws in ["alias/aws/backup", "alias/aws/rds", "arn:aws:kms:us-east-1:123456789012:alias/aws/rds"] {
            assert_eq!(manager(aws).as_deref(), Ok("AWS"), "{aws}");
        }
        assert_eq!(manager(&vaults::default_key("123456789012", "us-east-1")).as_deref(), Ok("AWS"));
        assert_eq!(manager("arn:aws:kms:us-east-1:999999999999:key/k").as_deref(), Ok("CUSTOMER"));
        assert_eq!(manager("6f1c2d3e-0000-4000-8000-5b6a79880000").as_deref(), Ok("CUSTOMER"));
    }

    #[test]
    fn what_is_no_key_of_the_region_is_not_found() {
        for (key, code) in [
            ("alias/mine", "NotFoundException"),
            ("arn:aws:kms:eu-west-1:123456789012:key/k", "NotFoundException"),
            ("arn:aws:kms:us-east-1:123456789012:grant/k", "NotFoundException"),
            ("arn:aws:s3:::bucket", "InvalidArnException"),
            ("", "ValidationException"),
        ] {
            assert_eq!(manager(key), Err(code.to_owned()), "{key}");
        }
    }
}
