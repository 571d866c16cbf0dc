//! The events of a vault that AWS Backup tells an SNS topic of (docs/aws-backup-semantics.md, sections 12.5 and 16.2).

use std::collections::BTreeSet;

use super::{
    Finding, VaultNotifications,
    invalid::{Fault, quoted},
    nearest::{did_you_mean, nearest},
};

/// Those that AWS sends `[D]`.
const SENT: &str = "BACKUP_JOB_STARTED BACKUP_JOB_COMPLETED COPY_JOB_STARTED COPY_JOB_SUCCESSFUL COPY_JOB_FAILED \
     RESTORE_JOB_STARTED RESTORE_JOB_COMPLETED RECOVERY_POINT_MODIFIED S3_BACKUP_OBJECT_FAILED S3_RESTORE_OBJECT_FAILED \
     CONTINUOUS_BACKUP_INTERRUPTED RECOVERY_POINT_INDEX_COMPLETED RECOVERY_POINT_INDEX_DELETED \
     RECOVERY_POINT_INDEXING_FAILED EKS_BACKUP_OBJECT_FAILED EKS_RESTORE_OBJECT_FAILED EKS_RESTORE_OBJECT_SKIPPED";

/// Those that AWS still knows and never sends any more `[D][Q]`: what is told of jobs, `EVENT INSTEAD STATE`, and of plans.
const DEPRECATED_OF_JOBS: [&str; 5] = [
    "BACKUP_JOB_SUCCESSFUL BACKUP_JOB_COMPLETED COMPLETED",
    "BACKUP_JOB_FAILED BACKUP_JOB_COMPLETED FAILED",
    "BACKUP_JOB_EXPIRED BACKUP_JOB_COMPLETED EXPIRED",
    "RESTORE_JOB_SUCCESSFUL RESTORE_JOB_COMPLETED COMPLETED",
    "RESTORE_JOB_FAILED RESTORE_JOB_COMPLETED FAILED",
];
const DEPRECATED_OF_PLANS: &str = "BACKUP_PLAN_CREATED BACKUP_PLAN_MODIFIED";

/// More than AWS has, with room for those to come. Each one that is not known is compared with all that are.
const MOST_EVENTS: usize = 100;

fn sent() -> impl Iterator<Item = &'static str> {
    SENT.split_whitespace()
}

fn deprecated() -> impl Iterator<Item = &'static str> {
    let of_jobs = DEPRECATED_OF_JOBS.iter().filter_map(|line| line.split(' ').next());
    of_jobs.chain(DEPRECATED_OF_PLANS.split_whitespace())
}

fn known() -> impl Iterator<Item = &'static str> {
    sent().chain(deprecated())
}

/// That the event that was meant is never sent, and what to do instead; goes on from the question.
fn same_letters_deprecated(event: &str) -> String {
    let meant = nearest(event, known()).filter(|meant| deprecated().any(|it| it == *meant));
    meant.and_then(instead_of).map(|instead| format!(" It is deprecated and never sent: {instead}")).unwrap_or_default()
}

/// What to do instead of listening for an event that is never sent; `None`: it is not deprecated.
fn instead_of(event: &str) -> Option<String> {
    if DEPRECATED_OF_PLANS.split_whitespace().any(|deprecated| deprecated == event) {
        return Some("have a rule of EventBridge listen for Backup Plan State Change".to_owned());
    }
    let (instead, state) = DEPRECATED_OF_JOBS.iter().find_map(|line| {
        let (deprecated, instead) = line.split_once(' ')?;
        (deprecated == event).then(|| instead.split_once(' '))?
    })?;
    Some(format!(
        "give {instead}, which is sent when a job has ended in whatever way, and let the topic's subscription filter by the \
         attribute State, such as {{\"State\": [\"{state}\"]}}"
    ))
}

impl VaultNotifications {
    /// Events, each once. One that is not known may be newer than Strongroom: AWS is asked, as long as it looks like an
    /// event. Tells every fault with its place.
    pub fn parse_events(events: Vec<String>) -> Result<Vec<String>, Vec<(String, Fault)>> {
        if events.is_empty() {
            return Err(vec![(String::new(), format!("is required: give at least one of {}", listed()).into())]);
        }
        if events.len() > MOST_EVENTS {
            let fault = format!("has {} events: at most {MOST_EVENTS} are possible", events.len());
            return Err(vec![(String::new(), fault.into())]);
        }
        let mut seen = BTreeSet::new();
        let mut faults = Vec::new();
        let mut told = false;
        for (index, event) in events.iter().enumerate() {
            let fault = if !is_event(event) {
                let meant = did_you_mean(event, known()) + &same_letters_deprecated(event);
                // What is known is said once.
                let known = if told || !meant.is_empty() {
                    String::new()
                } else {
                    told = true;
                    format!(": known are {}", listed())
                };
                format!("{} is not an event of AWS Backup, whose names are capitals{known}{meant}", quoted(event))
            } else if !seen.insert(event) {
                format!("is {event}, which is there already")
            } else {
                continue;
            };
            faults.push((format!("[{index}]"), fault.into()));
        }
        if faults.is_empty() { Ok(events) } else { Err(faults) }
    }

    /// What will surprise about the events.
    pub fn findings(&self) -> Vec<Finding> {
        let told = self.events.iter().enumerate();
        told.filter_map(|(index, event)| Some(event_finding(event)?.at(format!("notifications.events[{index}]"))))
            .collect()
    }
}

fn event_finding(event: &str) -> Option<Finding> {
    if sent().any(|known| known == event) {
        return None;
    }
    let found = if let Some(instead) = instead_of(event) {
        let message = format!("AWS Backup has deprecated {event} and never sends it any more: nobody will be told");
        Finding::warning("EVENT_DEPRECATED", message, instead)
    } else {
        let message = format!(
            "{event} is no event of AWS Backup that Strongroom knows: if AWS takes it, whether it is ever sent is not \
             certain{}",
            did_you_mean(event, sent())
        );
        Finding::warning("EVENT_UNKNOWN", message, "look it up in AWS's documentation of PutBackupVaultNotifications")
    };
    Some(found.about(event))
}

fn listed() -> String {
    sent().collect::<Vec<_>>().join(", ")
}

/// Whether the text is built as all of AWS's events are.
fn is_event(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let letter = text.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
    letter && text.len() <= 100 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TopicRef;

    fn texts(events: &[&str]) -> Vec<String> {
        events.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn events_look_like_those_of_aws_and_stand_once() {
        let places = |events: &[&str]| match VaultNotifications::parse_events(texts(events)) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|(at, _)| at).collect(),
        };
        assert_eq!(places(&["BACKUP_JOB_COMPLETED", "COPY_JOB_FAILED", "BACKUP_JOB_FAILED"]), Vec::<String>::new());
        assert_eq!(places(&["BACKUP_JOB_PAUSED"]), Vec::<String>::new(), "AWS may know it");
        assert_eq!(places(&[]), [""]);
        assert_eq!(places(&[""; 101]), [""], "of too many none is looked at");
        assert_eq!(
            places(&["backup_job_failed", "COPY_JOB_FAILED", "COPY_JOB_FAILED", "", "A B"]),
            ["[0]", "[2]", "[3]", "[4]"]
        );
        let told = VaultNotifications::parse_events(texts(&["copy_job_failed"])).unwrap_err();
        assert!(told[0].1.0.ends_with("; did you mean COPY_JOB_FAILED?"), "{}", told[0].1.0);
    }

    #[test]
    fn what_is_never_sent_and_what_nobody_knows_is_told() {
        let found = |event: &str| {
            let topic = TopicRef::parse("alerts").unwrap();
            VaultNotifications { topic, events: texts(&["BACKUP_JOB_COMPLETED", event]) }.findings()
        };
        for event in sent() {
            assert_eq!(found(event), [], "{event}");
        }
        assert_eq!(sent().count(), 17);
        let of_jobs = DEPRECATED_OF_JOBS.iter().filter_map(|line| line.split_whitespace().next());
        for event in of_jobs.chain(DEPRECATED_OF_PLANS.split_whitespace()) {
            let told = found(event);
            assert_eq!((told[0].code, told[0].subject.as_str()), ("EVENT_DEPRECATED", event));
            assert_eq!(told[0].field, "notifications.events[1]");
        }
        assert!(found("BACKUP_JOB_FAILED")[0].action.contains("BACKUP_JOB_COMPLETED"));
        let slip = found("BACKUP_JOB_COMPLETD");
        assert_eq!(slip[0].code, "EVENT_UNKNOWN");
        assert!(slip[0].message.ends_with("; did you mean BACKUP_JOB_COMPLETED?"), "{}", slip[0].message);
    }

    #[test]
    fn an_event_in_small_letters_that_is_never_sent_is_told_with_what_is() {
        let told = |event: &str| {
            let faults = VaultNotifications::parse_events(texts(&[event])).unwrap_err();
            faults[0].1.0.clone()
        };
        let failed = told("backup_job_failed");
        assert!(
            failed
                .contains("did you mean BACKUP_JOB_FAILED? It is deprecated and never sent: give BACKUP_JOB_COMPLETED")
        );
        assert!(told("backup_job_completed").ends_with("; did you mean BACKUP_JOB_COMPLETED?"));
    }
}
