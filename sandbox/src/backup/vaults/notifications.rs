//! Which events of a vault go to which SNS topic.

use serde::{Deserialize, Serialize};

use crate::{
    backup::{
        checks::shorten,
        error,
        rest::{RestReply, RestRequest},
    },
    call::{AwsError, Call},
    world::World,
};

/// BackupVaultEvent `[M]`.
const EVENTS: [&str; 17] = [
    "BACKUP_JOB_STARTED",
    "BACKUP_JOB_COMPLETED",
    "RESTORE_JOB_STARTED",
    "RESTORE_JOB_COMPLETED",
    "COPY_JOB_STARTED",
    "COPY_JOB_SUCCESSFUL",
    "COPY_JOB_FAILED",
    "RECOVERY_POINT_MODIFIED",
    "S3_BACKUP_OBJECT_FAILED",
    "S3_RESTORE_OBJECT_FAILED",
    "CONTINUOUS_BACKUP_INTERRUPTED",
    "RECOVERY_POINT_INDEX_COMPLETED",
    "RECOVERY_POINT_INDEX_DELETED",
    "RECOVERY_POINT_INDEXING_FAILED",
    "EKS_RESTORE_OBJECT_FAILED",
    "EKS_RESTORE_OBJECT_SKIPPED",
    "EKS_BACKUP_OBJECT_FAILED",
];

/// BackupVaultEvent that are deprecated: how a job ended stands in the message of the event that it did `[D]`.
const DEPRECATED: [&str; 7] = [
    "BACKUP_JOB_SUCCESSFUL",
    "BACKUP_JOB_FAILED",
    "BACKUP_JOB_EXPIRED",
    "RESTORE_JOB_SUCCESSFUL",
    "RESTORE_JOB_FAILED",
    "BACKUP_PLAN_CREATED",
    "BACKUP_PLAN_MODIFIED",
];

/// A topic and the events it gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Notifications {
    /// A standard topic of the same account `[D]`.
    #[serde(rename = "SNSTopicArn")]
    pub topic_arn: String,
    /// In the order they were given, each once.
    #[serde(rename = "BackupVaultEvents")]
    pub events: Vec<String>,
}

#[derive(Deserialize)]
struct PutInput {
    #[serde(rename = "SNSTopicArn")]
    topic_arn: Option<String>,
    #[serde(rename = "BackupVaultEvents")]
    events: Option<Vec<String>>,
}

pub(super) fn put(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: PutInput = request.body()?;
    let topic_arn = input.topic_arn.ok_or_else(|| error::missing_parameter("SNSTopicArn"))?;
    let given = input.events.ok_or_else(|| error::missing_parameter("BackupVaultEvents"))?;
    check_topic(&topic_arn, call)?;
    let switches = &call.behaviour.switches;
    let told = |fits: &dyn Fn(&str) -> bool| -> Vec<String> {
        given.iter().filter(|event| fits(event)).map(|event| shorten(event)).take(10).collect()
    };
    let deprecated = told(&|event| !switches.deprecated_events && DEPRECATED.contains(&event));
    if !deprecated.is_empty() {
        let why = "are deprecated: listen for the event that a job has COMPLETED, and filter by its State";
        return Err(error::invalid_parameter(format!("BackupVaultEvents {} {why}", deprecated.join(", "))));
    }
    let known = |event: &str| {
        EVENTS.contains(&event) || DEPRECATED.contains(&event) || (switches.unknown_events && looks_like_event(event))
    };
    let unknown = told(&|event| !known(event));
    if !unknown.is_empty() {
        return Err(error::invalid_parameter(format!("Unknown BackupVaultEvents: {}", unknown.join(", "))));
    }
    let mut events: Vec<String> = Vec::new();
    for event in given {
        if !events.contains(&event) {
            events.push(event);
        }
    }
    if events.is_empty() {
        return Err(error::invalid_parameter("BackupVaultEvents must name at least one event"));
    }
    let vaults = &mut call.region(world).backup.vaults;
    let vault = vaults.get_mut(request.path("backupVaultName"), &call.behaviour)?;
    vault.notifications = Some(Notifications { topic_arn, events });
    Ok(RestReply::empty())
}

/// Whether it is spelled as all events are.
fn looks_like_event(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn check_topic(arn: &str, call: &Call) -> Result<(), AwsError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let fine = arn.len() <= 512
        && matches!(parts[..], ["arn", aws, "sns", region, account, topic]
            if aws == call.partition() && !region.is_empty() && account == call.account && !topic.is_empty() && !topic.ends_with(".fifo"));
    if fine {
        return Ok(());
    }
    Err(error::invalid_parameter(format!(
        "Invalid SNSTopicArn '{}': a standard topic of account {} is needed",
        shorten(arn),
        call.account
    )))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetOutput<'a> {
    backup_vault_name: &'a str,
    backup_vault_arn: &'a str,
    #[serde(flatten)]
    notifications: &'a Notifications,
}

pub(super) fn get(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let vault = call.region(world).backup.vaults.get(request.path("backupVaultName"), &call.behaviour)?;
    let notifications = vault.notifications.as_ref().ok_or_else(|| {
        error::not_found(format!("Failed reading notifications from database for Backup vault {}", vault.name))
    })?;
    Ok(RestReply::json(&GetOutput { backup_vault_name: &vault.name, backup_vault_arn: &vault.arn, notifications }))
}

pub(super) fn delete(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let vaults = &mut call.region(world).backup.vaults;
    vaults.get_mut(request.path("backupVaultName"), &call.behaviour)?.notifications = None;
    Ok(RestReply::empty())
}
