//! Which events of a vault go to which SNS topic (docs/aws-backup-semantics.md, section 12).

use std::{collections::BTreeSet, fmt};

use super::{
    Arn, AskedScope, Finding, Scope,
    invalid::{Fault, quoted},
};

/// Topic and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultNotifications {
    /// Where they go.
    pub topic: TopicRef,
    /// AWS's words.
    pub events: Vec<String>,
}

impl VaultNotifications {
    /// Whether both send the same to the same topic of that scope, in whatever order.
    pub fn same_as(&self, other: &Self, scope: &Scope) -> bool {
        let events = |of: &Self| of.events.iter().cloned().collect::<BTreeSet<_>>();
        self.topic.arn_in(scope) == other.topic.arn_in(scope) && events(self) == events(other)
    }
}

/// An SNS topic by its name, which means one of the vault's own account and region, or by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By ARN.
    Arn(Arn),
}

impl TopicRef {
    /// Name or ARN of a standard topic; FIFO topics get nothing from AWS Backup `[D]`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err("is required: give the ARN or the name of an SNS topic".into());
        }
        let arn = if Arn::looks_like(text) { Some(Arn::parse(text)?) } else { None };
        let name = match &arn {
            None => Some(text),
            Some(arn) => Some(arn.resource()).filter(|_| arn.service() == "sns" && !arn.region().is_empty()),
        };
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let Some(name) = name
            .map(|name| name.strip_suffix(".fifo").unwrap_or(name))
            .filter(|name| (1..=256).contains(&name.len()) && name.bytes().all(is_word))
        else {
            let form = "its ARN has the form arn:aws:sns:REGION:ACCOUNT:NAME, its name letters, digits, - and _";
            return Err(format!("{} is not an SNS topic: {form}", quoted(text)).into());
        };
        if !text.ends_with(name) {
            return Err(format!("{} is a FIFO topic: AWS Backup publishes to standard ones only", quoted(text)).into());
        }
        Ok(arn.map_or_else(|| Self::Name(text.to_owned()), Self::Arn))
    }

    /// As AWS tells it: what is no ARN is kept as it is.
    pub fn told(text: impl Into<String>) -> Self {
        let text = text.into();
        Arn::parse(&text).map_or_else(|_| Self::Name(text), Self::Arn)
    }

    /// The account and region that the ARN names.
    pub fn scope(&self) -> AskedScope {
        match self {
            Self::Name(_) => AskedScope::default(),
            Self::Arn(arn) => arn.scope(),
        }
    }

    /// What of it will surprise for a vault of that scope. That AWS Backup publishes across regions nobody says `[U]`.
    pub fn findings(&self, scope: &Scope) -> Vec<Finding> {
        let other = self.scope().region.filter(|region| *region != scope.region).map(|region| {
            let message = format!(
                "the topic is in {region}, and the vault in {}: AWS Backup may publish nothing there, and nobody says so",
                scope.region
            );
            let action = format!("name a topic in {}", scope.region);
            Finding::warning("TOPIC_OF_OTHER_REGION", message, action).at("notifications.topic")
        });
        other.into_iter().collect()
    }

    /// ARN of the topic; a name means one of that scope.
    pub fn arn_in(&self, scope: &Scope) -> String {
        match self {
            Self::Name(name) => {
                let Scope { account, region } = scope;
                format!("arn:{}:sns:{region}:{account}:{name}", region.partition())
            }
            Self::Arn(arn) => arn.as_str().to_owned(),
        }
    }
}

impl fmt::Display for TopicRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Arn(arn) => arn.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RegionName};

    #[test]
    fn a_topic_is_a_standard_one_of_sns_by_name_or_arn() {
        let scope = Scope { account: AccountId::example(), region: RegionName::parse("us-gov-west-1").unwrap() };
        let arn = |text: &str| TopicRef::parse(text).unwrap().arn_in(&scope);
        let far = "arn:aws:sns:us-east-1:123456789012:alerts";
        assert_eq!(arn(far), far);
        assert_eq!(arn("alerts"), "arn:aws-us-gov:sns:us-gov-west-1:123456789012:alerts");
        for bad in [
            "",
            "my alerts",
            "alerts.fifo",
            ".fifo",
            "arn:aws:sqs:us-east-1:123456789012:alerts",
            "arn:aws:sns:us-east-1:123456789012:alerts.fifo",
            "arn:aws:sns:us-east-1:123456789012:alerts:subscription",
        ] {
            assert!(TopicRef::parse(bad).is_err(), "{bad}");
        }
    }
}
