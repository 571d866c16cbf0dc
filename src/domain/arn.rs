//! Amazon resource names.

use std::fmt;

use super::{
    AccountId, AskedScope, RegionName,
    arn_form::Parts,
    invalid::{Fault, quoted},
    region_names,
};

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, read once; region and account are blank where AWS leaves them out
/// (IAM has no region, an EBS snapshot no account). Partition and region agree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arn {
    text: String,
    partition: &'static str,
    service_at: usize,
    region_at: usize,
    account_at: usize,
    resource_at: usize,
}

/// AWS's own bound on an ARN.
const LONGEST: usize = 2048;

impl Arn {
    /// Reads the ARN of one thing, as requests name it: AWS takes wildcards nowhere but in patterns, and elsewhere one
    /// would match nothing, without a word.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if Self::looks_like(text) && text.contains(['*', '?']) {
            return Err(format!(
                "{} names no one thing: give its whole ARN; * and ? are no wildcards here",
                quoted(text)
            )
            .into());
        }
        let arn = Self::read(text)?;
        arn.check_form()?;
        Ok(arn)
    }

    /// Whether it is written as AWS writes the ARNs of its kind.
    pub(super) fn check_form(&self) -> Result<(), Fault> {
        let (partition, service, resource) = (self.partition, self.service(), self.resource());
        Parts { partition, service, region: self.region(), account: self.account(), resource }.check()
    }

    /// Reads an ARN, whatever it is the ARN of; six parts, none of them with white space.
    pub fn read(text: &str) -> Result<Self, Fault> {
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
        let partition = &text[partition_at..service_at - 1];
        if !text.starts_with("arn:") || !partition.starts_with("aws") {
            return Err(fault());
        }
        let partition = region_names::partition(partition)?;
        let arn = Self { text: text.to_owned(), partition, service_at, region_at, account_at, resource_at };
        let well_formed = !arn.service().is_empty()
            && !arn.resource().is_empty()
            && (arn.region().is_empty() || RegionName::parse(arn.region()).is_ok())
            && (arn.account().is_empty() || arn.account() == "aws" || AccountId::parse(arn.account()).is_ok());
        if !well_formed {
            return Err(fault());
        }
        match arn.scope().region {
            Some(region) if region.partition() != partition => {
                let home = region.partition();
                let arn = quoted(text);
                Err(Fault(format!(
                    "{arn} contradicts itself: region {region} is in partition {home}, not in {partition}"
                )))
            }
            _ => Ok(arn),
        }
    }

    /// Whether the text claims to be an ARN, and so must be a right one.
    pub fn looks_like(text: &str) -> bool {
        text.get(..4).is_some_and(|begins| begins.eq_ignore_ascii_case("arn:"))
    }

    /// The partition, such as `aws-us-gov`.
    pub fn partition(&self) -> &'static str {
        self.partition
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

    /// The account, region and partition that the ARN names.
    pub fn scope(&self) -> AskedScope {
        AskedScope {
            account: AccountId::parse(self.account()).ok(),
            region: RegionName::parse(self.region()).ok(),
            partition: Some(self.partition),
        }
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

    #[test]
    fn a_wildcard_is_told_wherever_it_stands() {
        for text in ["arn:aws:ec2:us-east-1:123456789012:volume/*", "arn:aws:rds:*:*:db:x", "arn:aws:s3:::b?"] {
            let told = Arn::parse(text).unwrap_err().0;
            assert!(told.contains("* and ? are no wildcards here"), "{told}");
        }
        assert!(Arn::read("arn:aws:s3:::b?").is_ok());
    }

    #[test]
    fn partition_and_region_agree() {
        for good in [
            "arn:aws-us-gov:rds:us-gov-west-1:123456789012:db:x",
            "arn:aws-cn:iam::123456789012:role/R",
            "arn:aws-eusc:backup:eusc-de-east-1:123456789012:backup-vault:x",
        ] {
            assert_eq!(good.split(':').nth(1), Some(Arn::parse(good).unwrap().partition()));
        }
        for (bad, why) in [
            (
                "arn:aws:rds:us-gov-west-1:123456789012:db:x",
                "region us-gov-west-1 is in partition aws-us-gov, not in aws",
            ),
            ("arn:aws-cn:rds:us-east-1:123456789012:db:x", "region us-east-1 is in partition aws, not in aws-cn"),
            ("arn:aws-gov:rds:us-gov-west-1:123456789012:db:x", "did you mean aws-us-gov?"),
        ] {
            let told = Arn::parse(bad).unwrap_err().0;
            assert!(told.contains(why), "{told}");
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
