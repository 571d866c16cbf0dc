//! Which events of a vault go to which SNS topic (docs/aws-backup-semantics.md, section 12).

use std::collections::BTreeSet;

use super::{
    Arn,
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
    /// ARN of the topic.
    pub topic_arn: String,
    /// AWS's words.
    pub events: Vec<String>,
}

impl VaultNotifications {
    /// A standard topic; FIFO topics get nothing from AWS Backup `[D]`.
    pub fn parse_topic(text: &str) -> Result<Arn, Fault> {
        if text.is_empty() {
            return Err("is required: give the ARN of an SNS topic".into());
        }
        let arn = Arn::parse(text)?;
        let named = arn.service() == "sns" && !arn.region().is_empty() && !arn.resource().contains([':', '/']);
        if !named {
            let form = "its ARN has the form arn:aws:sns:REGION:ACCOUNT:NAME";
            return Err(format!("{} is not an SNS topic: {form}", quoted(text)).into());
        }
        if text.ends_with(".fifo") {
            return Err(format!("{} is a FIFO topic: AWS Backup publishes to standard ones only", quoted(text)).into());
        }
        Ok(arn)
    }

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

fn known() -> String {
    EVENTS.split_whitespace().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_a_standard_one_of_sns() {
        assert!(VaultNotifications::parse_topic("arn:aws:sns:us-east-1:123456789012:alerts").is_ok());
        for bad in [
            "",
            "alerts",
            "arn:aws:sqs:us-east-1:123456789012:alerts",
            "arn:aws:sns:us-east-1:123456789012:alerts.fifo",
            "arn:aws:sns:us-east-1:123456789012:alerts:subscription",
        ] {
            assert!(VaultNotifications::parse_topic(bad).is_err(), "{bad}");
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
