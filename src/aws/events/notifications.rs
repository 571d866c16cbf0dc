//! What SNS puts around what it passes on to a queue, unless it is told not to: an event of EventBridge, whose rule has a topic
//! for its target, or a vault's notification, which says less than an event and in other words (docs/aws-backup-semantics.md,
//! sections 12.4 and 12.5).

use serde_json::Value;

use super::{Detail, Event, EventFault, News, detail::instant, read, required};
use crate::domain::{AccountId, Arn, Job, JobId, JobKind, JobState, Scope};

/// What is in a body.
pub(super) enum Opened {
    /// An event, still to be read.
    Event(Value),
    /// A notification, read.
    Notification(Event),
}

pub(super) fn opened(body: Value) -> Result<Opened, EventFault> {
    let told = Detail::of(Some(&body));
    if told.text("detail-type").is_some() || told.text("TopicArn").is_none() {
        return Ok(Opened::Event(body));
    }
    // One envelope is opened, and no other that is in it.
    let message = body.get("Message").and_then(Value::as_str).unwrap_or_default();
    if let Some(event) = read(message).ok().filter(|event| Detail::of(Some(event)).text("detail-type").is_some()) {
        return Ok(Opened::Event(event));
    }
    notification(told).map(Opened::Notification)
}

/// The notification of a vault, by its attributes; its sentences are for people. Its topic is in the vault's own account and
/// region `[D]`.
fn notification(told: Detail<'_>) -> Result<Event, EventFault> {
    let id = told.text("MessageId").ok_or(EventFault::NoEvent("MessageId"))?.to_owned();
    let topic = required(told, "TopicArn", |text| Arn::parse(text).ok())?.scope();
    let attributes = told.within("MessageAttributes");
    let attribute = |name: &str| attributes.within(name).text("Value");
    let account = match attribute("AccountId") {
        Some(text) => Some(AccountId::parse(text).map_err(|_| EventFault::Strange("AccountId", text.to_owned()))?),
        None => topic.account,
    };
    let (Some(account), Some(region)) = (account, topic.region) else { return Err(EventFault::NoEvent("region")) };
    let scope = Scope { account, region };
    let at = required(told, "Timestamp", instant)?;
    let kind = attribute("EventType").unwrap_or_default();
    let of_job = match kind {
        "BACKUP_JOB" => Some(JobKind::Backup),
        "RESTORE_JOB" => Some(JobKind::Restore),
        "COPY_JOB" => Some(JobKind::Copy),
        _ => None,
    };
    let id_of_job = attribute("Id").and_then(|id| JobId::parse(id).ok());
    let news = match (of_job, id_of_job) {
        (Some(kind), Some(id)) => {
            // It has words of its own for some, such as for having been started.
            let state = JobState::of_word(attribute("State").unwrap_or_default());
            let state = if kind.has_state(&state) { state } else { JobState::Unknown(String::new()) };
            News::Job(Box::new(Job { state, ..Job::blank(id, kind, scope.clone()) }))
        }
        (Some(kind), None) => News::UnnamedJob(kind),
        (None, _) if kind.is_empty() => News::Other(told.text("Type").unwrap_or_default().to_owned()),
        (None, _) => News::Other(kind.to_owned()),
    };
    Ok(Event { id, at, scope, news })
}
