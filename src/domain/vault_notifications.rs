//! Which events of a vault go to which SNS topic (docs/aws-backup-semantics.md, section 12).

use std::{collections::BTreeSet, fmt};

use super::{
    Arn, AskedScope, Scope,
    invalid::{Fault, quoted},
};

/// AWS's BackupVaultEvent `[M]`.
const EVENTS: &str = "BACKUP_JOB_STARTED BACKUP_JOB_COMPLETED BACKUP_JOB_SUCCESSFUL BACKUP_JOB_FAILED BACKUP_JOB_EXPIRED \
     RESTORE_JOB_STARTED RESTORE_JOB_COMPLETED RESTORE_JOB_SUCCESSFUL RESTORE_JOB_FAILED COPY_JOB_STARTED \
     COPY_JOB_SUCCESSFUL COPY_JOB_FAILED RECOVERY_POINT_MODIFIED BACKUP_PLAN_CREATED BACKUP_PLAN_MODIFIED \
     S3_BACKUP_OBJECT_FAILED S3_RESTORE_OBJECT_FAILED CONTINUOUS_BACKUP_INTERRUPTED RECOVERY_POINT_INDEX_COMPLETED \
     RECOVERY_POINT_INDEX_DELETED RECOVERY_POINT_INDEXING_FAILED EKS_RESTORE_OBJECT_FAILED EKS_RESTORE_OBJECT_SKIPPED \
     EKS_BACKUP_OBJECT_FAILED";

/// Topic and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultNotifications {
    /// Where they go.
    pub topic: TopicRef,
    /// AWS's words.
    pub events: Vec<String>,
}

impl VaultNotifications {
    /// Events that AWS knows, each once. Tells every fault with its place.
    pub fn parse_events(events: Vec<String>) -> Result<Vec<String>, Vec<(String, Fault)>> {
        if events.is_empty() {
            let fault = format!("is required: give at least one of {}", known());
            return Err(vec![(String::new(), fault.into())]);
        }
        let mut seen = BTreeSet::new();
        let mut faults = Vec::new();
        let mut listed = false;
        for (index, event) in events.iter().enumerate() {
            let fault = if !EVENTS.split_whitespace().any(|known| known == event) {
                // What is known is said once.
                let known = if listed { String::new() } else { format!(": known are {}", known()) };
                listed = true;
                format!("{} is not an event of AWS Backup{known}", quoted(event))
            } else if !seen.insert(event) {
                format!("is {event}, which is there already")
            } else {
                continue;
            };
            faults.push((format!("[{index}]"), fault.into()));
        }
        if faults.is_empty() { Ok(events) } else { Err(faults) }
    }
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

fn known() -> String {
    EVENTS.split_whitespace().collect::<Vec<_>>().join(", ")
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

    #[test]
    fn events_are_those_of_aws_each_once() {
        let places = |events: &[&str]| match VaultNotifications::parse_events(
            events.iter().map(ToString::to_string).collect(),
        ) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|(at, _)| at).collect(),
        };
        assert_eq!(places(&["BACKUP_JOB_FAILED", "COPY_JOB_FAILED"]), Vec::<String>::new());
        assert_eq!(places(&[]), [""]);
        assert_eq!(places(&["backup_job_failed", "COPY_JOB_FAILED", "COPY_JOB_FAILED"]), ["[0]", "[2]"]);
        assert_eq!(EVENTS.split_whitespace().count(), 24);
    }
}
