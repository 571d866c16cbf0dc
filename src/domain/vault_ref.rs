//! A vault and a key as requests name them.

use std::fmt;

use super::{
    Arn, AskedScope, Scope, VaultName,
    invalid::{Fault, quoted},
};

/// A vault by its name, which means one of the request's own account and region, or by its ARN, which may mean one
/// elsewhere: where a copy goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultRef {
    /// By name.
    Name(VaultName),
    /// By ARN, with account and region.
    Arn(Arn),
}

impl VaultRef {
    /// A vault's name or ARN.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let (name, scope) = VaultName::parse_reference(text)?;
        if !Arn::looks_like(text) {
            return Ok(Self::Name(name));
        }
        if scope.account.is_none() || scope.region.is_none() {
            return Err(format!(
                "{} is not a vault's ARN: one has the form arn:aws:backup:REGION:ACCOUNT:backup-vault:NAME",
                quoted(text)
            )
            .into());
        }
        Arn::parse(text).map(Self::Arn)
    }

    /// The account and region that the ARN names.
    pub fn scope(&self) -> AskedScope {
        match self {
            Self::Name(_) => AskedScope::default(),
            Self::Arn(arn) => arn.scope(),
        }
    }

    /// The same vault by its ARN; a name means one of that scope.
    pub fn arn_in(&self, scope: &Scope) -> String {
        match self {
            Self::Name(name) => Self::arn_of(name.as_str(), scope),
            Self::Arn(arn) => arn.as_str().to_owned(),
        }
    }

    /// ARN of the vault of that name in that scope.
    pub fn arn_of(name: &str, scope: &Scope) -> String {
        let Scope { account, region } = scope;
        format!("arn:{}:backup:{region}:{account}:backup-vault:{name}", region.partition())
    }
}

impl fmt::Display for VaultRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Arn(arn) => arn.fmt(f),
        }
    }
}

/// A KMS key by its id, which means one of the request's own account and region, or by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRef {
    /// By id.
    Id(String),
    /// By ARN.
    Arn(Arn),
}

impl KeyRef {
    /// A key's id or ARN. An alias is none: AWS Backup takes no alias `[D]`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if Arn::looks_like(text) {
            let arn = Arn::parse(text)?;
            let is_key = arn.service() == "kms" && arn.resource_of_kind("key").is_some();
            return if is_key {
                Ok(Self::Arn(arn))
            } else {
                Err(format!("{arn} is not a KMS key: its ARN has the form arn:aws:kms:REGION:ACCOUNT:key/ID").into())
            };
        }
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !text.is_empty() && text.len() <= 100 && text.bytes().all(is_word) {
            return Ok(Self::Id(text.to_owned()));
        }
        Err(format!("{} is not a KMS key: give its ARN or its id; AWS Backup takes no alias", quoted(text)).into())
    }

    /// The account and region that the ARN names.
    pub fn scope(&self) -> AskedScope {
        match self {
            Self::Id(_) => AskedScope::default(),
            Self::Arn(arn) => arn.scope(),
        }
    }

    /// ARN of the key; an id means one of that scope.
    pub fn arn_in(&self, scope: &Scope) -> String {
        match self {
            Self::Id(id) => {
                let Scope { account, region } = scope;
                format!("arn:{}:kms:{region}:{account}:key/{id}", region.partition())
            }
            Self::Arn(arn) => arn.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RegionName};

    fn scope() -> Scope {
        Scope { account: AccountId::example(), region: RegionName::parse("us-gov-west-1").unwrap() }
    }

    #[test]
    fn a_name_means_a_vault_of_the_scope_and_an_arn_one_anywhere() {
        let near = VaultRef::parse("prod").unwrap();
        assert_eq!(near.scope(), AskedScope::default());
        assert_eq!(near.arn_in(&scope()), "arn:aws-us-gov:backup:us-gov-west-1:123456789012:backup-vault:prod");
        let far = "arn:aws:backup:eu-west-1:999999999999:backup-vault:far";
        assert_eq!(VaultRef::parse(far).unwrap().arn_in(&scope()), far);
        for bad in ["", "my.vault", "arn:aws:backup:::backup-vault:far", "arn:aws:rds:eu-west-1:999999999999:db:far"] {
            assert!(VaultRef::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_named_by_id_or_arn_and_never_by_alias() {
        let near = KeyRef::parse("6f1c2d3e-0000-4000-8000-5b6a79880001").unwrap();
        let arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/6f1c2d3e-0000-4000-8000-5b6a79880001";
        assert_eq!(near.arn_in(&scope()), arn);
        for bad in ["", "alias/prod", "arn:aws:kms:eu-west-1:123456789012:alias/prod"] {
            assert!(KeyRef::parse(bad).is_err(), "{bad}");
        }
    }
}
