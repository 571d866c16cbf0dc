//! ARNs and patterns of them.

use std::fmt;

use crate::domain::{
    AccountId, Arn, Finding, MismatchKind, RegionName,
    arn_form::Parts,
    invalid::{Fault, quoted},
    resource_type::other_kinds,
};

use super::eligibility::no_type;

/// An ARN in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourcePattern(String);

impl ResourcePattern {
    /// Most ARNs of a selection `[M]`.
    const MOST: usize = 500;
    /// Most when one has a `*` `[M]`.
    const MOST_WITH_STAR: usize = 30;

    /// `*` alone, an ARN, or an ARN with `*`, which may stand for several of its parts.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text == "*" {
            return Ok(Self::told(text));
        }
        if !text.contains('*') {
            let arn = Arn::read(text)?;
            arn.check_form()?;
            return Ok(Self::told(arn.as_str()));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let printable = text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic());
        let partition = parts.get(1).is_some_and(|part| part.starts_with("aws") || part.starts_with('*'));
        let whole = parts.len() == 6 || parts.last().is_some_and(|last| last.ends_with('*'));
        let service = parts.get(2).is_some_and(|service| !service.is_empty());
        let resource = parts.get(5).is_none_or(|resource| !resource.is_empty());
        if printable && parts[0] == "arn" && partition && whole && service && resource {
            if let [_, partition, service, region, account, resource] = parts[..] {
                Parts { partition, service, region, account, resource }.check()?;
                let stands_alone = |part: &&str| !part.is_empty() && !part.contains('*');
                if stands_alone(&account) && account != "aws" {
                    AccountId::parse(account)?;
                }
                if stands_alone(&region) {
                    RegionName::parse(region)?;
                }
            }
            return Ok(Self::told(text));
        }
        Err(format!("{} is not a pattern of ARNs: one is arn:aws:rds:*:*:db:*", quoted(text)).into())
    }

    /// One that a selection of AWS has: other tools may have put anything there.
    pub fn told(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region that it names, if it names one whole.
    pub fn region(&self) -> Option<RegionName> {
        let parts: Vec<&str> = self.0.splitn(6, ':').collect();
        let region = (parts.len() == 6).then(|| parts[3])?;
        RegionName::parse(region).ok()
    }

    /// Whether it is an ARN, which names one resource.
    pub fn names_one(&self) -> bool {
        !self.0.contains('*')
    }

    /// That AWS does not say what such an entry means: it supports a `*` at the end of the part that names the resource
    /// alone `[M]`, and in its own examples one for the whole of region and account `[D]`. None: it is as AWS has it.
    pub fn beyond_aws(&self) -> Option<String> {
        let stars = "AWS Backup supports a * at the very end, and one for the whole of region or account, and no other \
                     wildcard";
        if self.0.contains(['?', '[']) {
            return Some(format!("{stars}; ? and [ stand for themselves"));
        }
        let parts: Vec<&str> = self.0.splitn(6, ':').collect();
        let last = parts.len() - 1;
        let is_supported = |(at, part): (usize, &&str)| match (part.matches('*').count(), at) {
            (0, _) => true,
            (1, at) if at == last => part.ends_with('*'),
            (1, 3 | 4) => *part == "*",
            _ => false,
        };
        (!parts.iter().enumerate().all(is_supported)).then(|| stars.to_owned())
    }

    /// The finding about an entry that AWS does not say the meaning of.
    pub(super) fn finding(&self) -> Option<Finding> {
        let why = self.beyond_aws()?;
        let message = format!(
            "{} has a wildcard where AWS Backup supports none, so what it means there is not certain, and it may mean no \
             resource: {why}",
            self.0
        );
        let action = "select by a tag, or list the ARNs";
        Some(Finding::warning("PATTERN_NOT_SUPPORTED", message, action).about(&self.0))
    }

    /// That AWS Backup backs up nothing that a pattern can mean. Of an ARN the resource itself is judged.
    pub(super) fn without_type(&self) -> Option<Finding> {
        if self.names_one() || self.is_everything() {
            return None;
        }
        other_kinds(&self.0)?;
        let code = MismatchKind::ResourceTypeNotSupported.code();
        let action = "correct the entry, or leave it out";
        Some(Finding::warning(code, format!("{}: it means nothing", no_type(&self.0)), action).about(&self.0))
    }

    /// What a judgement by this entry is to say of itself; blank: nothing.
    pub(super) fn doubt(&self) -> &'static str {
        if self.beyond_aws().is_some() {
            ", a pattern that AWS does not support, so that this is not certain"
        } else {
            ""
        }
    }

    /// Whether every resource fits it.
    pub fn is_everything(&self) -> bool {
        self.0 == "*"
    }

    /// At most 500, or 30 when one has a `*`.
    pub fn check_count(patterns: &[String]) -> Result<(), Fault> {
        let star = patterns.iter().any(|pattern| pattern.contains('*'));
        let (most, which) = if star { (Self::MOST_WITH_STAR, " when one has a *") } else { (Self::MOST, "") };
        if patterns.len() <= most {
            return Ok(());
        }
        Err(format!("has {} ARNs: at most {most} are possible{which}", patterns.len()).into())
    }
}

impl fmt::Display for ResourcePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ResourcePattern> for String {
    fn from(pattern: ResourcePattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_where_aws_supports_one_or_is_told() {
        for fine in [
            "*",
            "arn:aws:rds:*",
            "arn:aws:rds:*:*:db:*",
            "arn:aws:rds:us-east-1:123456789012:db:prod-*",
            "arn:aws:rds:*:*:cluster:my-cluster",
            "arn:aws:s3:::bucket-*",
            "arn:aws-us-gov:ec2:*:*:volume/*",
            "arn:aws:rds:us-east-1:123456789012:db:whole",
        ] {
            assert_eq!(ResourcePattern::parse(fine).unwrap().beyond_aws(), None, "{fine}");
        }
        for beyond in [
            "arn:aws:rds:us-east-1:123456789012:db:*-prod",
            "arn:aws:rds:us-east-1:123456789012:db:a*b",
            "arn:aws:rds:us-east-1:123456789012:db:a*b*",
            "arn:aws:rds:us-*:123456789012:db:prod",
            "arn:aws:rds:*:1234*:db:*",
            "arn:*:rds:*:*:db:*",
            "arn:aws:r*s:*:*:db:*",
            "arn:aws:rds:us-east-1:123456789012:db:prod-?",
            "arn:aws:rds:us-east-1:123456789012:db:prod-[ab]*",
        ] {
            assert!(ResourcePattern::parse(beyond).unwrap().beyond_aws().is_some(), "{beyond}");
        }
    }
}
