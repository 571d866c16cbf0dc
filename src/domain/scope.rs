//! Accounts and regions: where a call goes.

use std::fmt;

use super::{
    invalid::{Fault, quoted},
    region_names::region_meant,
};

/// A twelve-digit AWS account id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// Twelve digits, leading zeros included.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{} is not an AWS account id: it has twelve digits", quoted(text)).into())
        }
    }

    /// `123456789012`, the account of AWS's own examples.
    pub fn example() -> Self {
        Self("123456789012".to_owned())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An AWS region name such as `eu-west-1` or `us-gov-west-1`. Only the form is checked: whether
/// AWS has it, [`Self::is_known`] tells and the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionName(String);

impl RegionName {
    /// Two or more groups of lower-case letters and a number, with hyphens between.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut groups = text.rsplit('-');
        let number = groups.next().unwrap_or_default();
        let words: Vec<&str> = groups.collect();
        let well_formed = text.len() <= 32
            && (1..=2).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && words.len() >= 2
            && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            let meant = region_meant(text);
            Err(format!("{} is not an AWS region name: one looks like eu-west-1{meant}", quoted(text)).into())
        }
    }

    /// `us-east-1`, which AWS's tools assume.
    pub fn example() -> Self {
        Self("us-east-1".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a request says of its scope; what it leaves out is the server's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedScope {
    /// The account, if the request or an ARN in it names one.
    pub account: Option<AccountId>,
    /// The region, if the request or an ARN in it names one.
    pub region: Option<RegionName>,
    /// The partition that an ARN in it names; an ARN of IAM has no region.
    pub partition: Option<&'static str>,
}

impl AskedScope {
    /// The partition, as far as region or ARN tell.
    pub fn partition(&self) -> Option<&'static str> {
        self.region.as_ref().map(RegionName::partition).or(self.partition)
    }

    /// Takes over what `other` (the scope of an ARN in the request) says, or tells the contradiction.
    pub fn merge(&mut self, other: Self) -> Result<(), Fault> {
        match (&self.account, &other.account) {
            (Some(asked), Some(named)) if asked != named => {
                return Err(format!("names account {named}, but the request is about account {asked}").into());
            }
            _ => {}
        }
        match (&self.region, &other.region) {
            (Some(asked), Some(named)) if asked != named => {
                return Err(format!("names region {named}, but the request is about region {asked}").into());
            }
            _ => {}
        }
        match (self.partition(), other.partition()) {
            (Some(asked), Some(named)) if asked != named => {
                return Err(format!("names partition {named}, but the request is about partition {asked}").into());
            }
            _ => {}
        }
        self.fill(other);
        Ok(())
    }

    /// Takes over what nothing has said so far.
    pub fn fill(&mut self, other: Self) {
        self.account = self.account.take().or(other.account);
        self.region = self.region.take().or(other.region);
        self.partition = self.partition.or(other.partition);
    }
}

/// An account and region, both known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: RegionName,
}

impl From<&Scope> for AskedScope {
    fn from(scope: &Scope) -> Self {
        let Scope { account, region } = scope.clone();
        Self { account: Some(account), partition: Some(region.partition()), region: Some(region) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_told_by_their_form() {
        for good in ["us-east-1", "ap-southeast-2", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"] {
            assert!(RegionName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "useast1", "US-EAST-1", "us-east", "us--east-1", "us-east-123", "-east-1"] {
            assert!(RegionName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scope_that_contradicts_an_arn_is_a_fault() {
        let account = |id: &str| Some(AccountId::parse(id).unwrap());
        let mut asked = AskedScope { account: account("123456789012"), ..AskedScope::default() };
        let fault = asked.merge(AskedScope { account: account("999999999999"), ..AskedScope::default() }).unwrap_err();
        assert_eq!(fault.0, "names account 999999999999, but the request is about account 123456789012");
        let role = AskedScope { partition: Some("aws-cn"), ..AskedScope::default() };
        let region = AskedScope { region: Some(RegionName::example()), ..AskedScope::default() };
        for (first, then) in [(&role, &region), (&region, &role)] {
            assert!(first.clone().merge(then.clone()).unwrap_err().0.starts_with("names partition aws"));
        }
    }
}
