//! A vault that a rule names besides its own.

use std::fmt;

use super::super::{Scope, VaultRef};

/// A vault that a rule names besides its own: where copies go, anywhere, and the air-gapped one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleVault {
    /// A vault; by name, one of the plan's own account and region.
    Vault(VaultRef),
    /// What AWS tells and is no vault's: other tools can have put any text there, which is kept.
    Text(String),
}

impl RuleVault {
    /// As AWS tells it: by ARN, else any text.
    pub fn told(text: &str) -> Self {
        match VaultRef::parse(text) {
            Ok(vault @ VaultRef::Arn(_)) => Self::Vault(vault),
            Ok(VaultRef::Name(_)) | Err(_) => Self::Text(text.to_owned()),
        }
    }

    /// As AWS tells it of a plan of that account and region.
    #[must_use]
    pub fn within(self, scope: &Scope) -> Self {
        match self {
            Self::Vault(vault) => Self::told(&vault.arn_in(scope)),
            Self::Text(_) => self,
        }
    }

    /// Its ARN; a name means one of that scope.
    pub fn arn_in(&self, scope: &Scope) -> String {
        match self {
            Self::Vault(vault) => vault.arn_in(scope),
            Self::Text(text) => text.clone(),
        }
    }
}

impl From<VaultRef> for RuleVault {
    fn from(vault: VaultRef) -> Self {
        Self::Vault(vault)
    }
}

impl fmt::Display for RuleVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault(vault) => vault.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{AccountId, RegionName};

    fn scope() -> Scope {
        Scope { account: AccountId::example(), region: RegionName::example() }
    }

    #[test]
    fn a_name_is_that_of_a_vault_of_the_plan_and_as_aws_tells_it_by_arn() {
        let named = RuleVault::from(VaultRef::parse("near").unwrap());
        let arn = "arn:aws:backup:us-east-1:123456789012:backup-vault:near";
        assert_eq!((named.to_string().as_str(), named.arn_in(&scope()).as_str()), ("near", arn));
        assert_eq!(named.within(&scope()), RuleVault::told(arn));
    }

    proptest! {
        #[test]
        fn what_aws_tells_is_told_as_it_is(
            text in "(arn:aws:(backup|rds):[a-z1-]{0,9}:[0-9]{0,12}:(backup-vault:)?)?\\PC{0,40}",
        ) {
            let told = RuleVault::told(&text);
            prop_assert_eq!(told.to_string(), text.as_str());
            prop_assert_eq!(told.arn_in(&scope()), text.as_str());
            prop_assert_eq!(told.clone().within(&scope()), told);
        }
    }
}
