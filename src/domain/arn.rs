//! Amazon resource names.

use std::fmt;

use super::{
    AccountId, AskedScope, RegionName,
    invalid::{Fault, quoted},
};

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, read once; region and account are blank where AWS leaves them out
/// (IAM has no region, an EBS snapshot no account).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arn {
    text: String,
    service_at: usize,
    region_at: usize,
    account_at: usize,
    resource_at: usize,
}

/// AWS's own bound on an ARN.
const LONGEST: usize = 2048;

impl Arn {
    /// Reads an ARN; six parts, none of them with white space.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err("is required: give an ARN".into());
        }
        let fault = || {
            Fault(format!("{} is not an ARN: it has the form arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE", quoted(text)))
        };
        if text.len() > LONGEST || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(fault());
        }
        let mut colons = text.match_indices(':').map(|(at, _)| at + 1);
        let mut next = || colons.next().ok_or_else(fault);
        let (partition_at, service_at, region_at, account_at, resource_at) =
            (next()?, next()?, next()?, next()?, next()?);
        let arn = Self { text: text.to_owned(), service_at, region_at, account_at, resource_at };
        let partition = &text[partition_at..service_at - 1];
        let well_formed = text.starts_with("arn:")
            && partition.starts_with("aws")
            && !arn.service().is_empty()
            && !arn.resource().is_empty()
            && (arn.region().is_empty() || RegionName::parse(arn.region()).is_ok())
            && (arn.account().is_empty() || arn.account() == "aws" || AccountId::parse(arn.account()).is_ok());
        if well_formed { Ok(arn) } else { Err(fault()) }
    }

    /// Whether the text claims to be an ARN, and so must be a right one.
    pub fn looks_like(text: &str) -> bool {
        text.starts_with("arn:")
    }

    /// The service, such as `rds`.
    pub fn service(&self) -> &str {
        &self.text[self.service_at..self.region_at - 1]
    }

    /// The region; blank for global services.
    pub fn region(&self) -> &str {
        &self.text[self.region_at..self.account_at - 1]
    }

    /// The account; blank where AWS leaves it out.
    pub fn account(&self) -> &str {
        &self.text[self.account_at..self.resource_at - 1]
    }

    /// All after the account, such as `db:orders` or `backup-vault:prod`.
    pub fn resource(&self) -> &str {
        &self.text[self.resource_at..]
    }

    /// What follows `kind` and a `:` or `/` in the resource: `orders` of `db:orders` for kind `db`.
    pub fn resource_of_kind(&self, kind: &str) -> Option<&str> {
        self.resource().strip_prefix(kind)?.strip_prefix([':', '/']).filter(|id| !id.is_empty())
    }

    /// The account and region that the ARN names.
    pub fn scope(&self) -> AskedScope {
        AskedScope { account: AccountId::parse(self.account()).ok(), region: RegionName::parse(self.region()).ok() }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_rds_snapshot_keeps_its_colons() {
        let arn = Arn::parse("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1").unwrap();
        assert_eq!(arn.service(), "rds");
        assert_eq!(arn.region(), "us-east-1");
        assert_eq!(arn.account(), "123456789012");
        assert_eq!(arn.resource_of_kind("snapshot"), Some("awsbackup:job-1"));
    }

    #[test]
    fn region_and_account_may_be_blank() {
        let role = Arn::parse("arn:aws:iam::123456789012:role/service-role/R").unwrap();
        assert_eq!(role.resource_of_kind("role"), Some("service-role/R"));
        assert_eq!(role.scope().region, None);
        assert!(Arn::parse("arn:aws:ec2:us-east-1::snapshot/snap-1").is_ok());
        assert!(Arn::parse("arn:aws:iam::aws:policy/service-role/P").is_ok());
    }

    #[test]
    fn half_an_arn_is_refused_with_its_text() {
        for text in [
            "",
            "db",
            "arn:",
            "arn:aws:rds:us-east-1:12:db:x",
            "arn:aws:rds:us east:123456789012:db:x",
            "arn:aws:rds:::",
        ] {
            assert!(Arn::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,200}") {
            if let Ok(arn) = Arn::parse(&text) {
                prop_assert_eq!(arn.as_str(), text.as_str());
            }
        }
    }
}
