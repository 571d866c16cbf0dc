//! What a vault tells its SNS topic, where it has one and the topic was asked to hear of that.
//!
//! Of the events that can be asked for, several are never sent any more (BACKUP_JOB_SUCCESSFUL, BACKUP_JOB_FAILED …): how a
//! job ended stands in an attribute of the one that says that it did (section 16.2). The words are AWS's where it documents
//! them, and made like them elsewhere `[I]`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{failed, iso};
use crate::{
    backup::{
        copies::CopyJob,
        jobs::{BackupJob, Phase},
        outcome::{Outcome, Terminal},
        recovery_points::RecoveryPoint,
        restores::{self, RestoreJob},
    },
    outbox::{Letter, Notice},
    world::Region,
};

/// The service that sends.
const SERVICE: &str = "backup.amazonaws.com";

/// What stands as the subject of every message.
const SUBJECT: &str = "Notification from AWS Backup";

/// What a message is about.
struct About<'a> {
    kind: &'static str,
    id: &'a str,
    account: &'a str,
    state: &'a str,
    started: Timestamp,
}

fn letter(
    region: &Region,
    vault: &str,
    event: &str,
    at: Timestamp,
    about: &About<'_>,
    message: String,
) -> Option<Letter> {
    let vault = region.backup.vaults.0.get(vault)?;
    let wanted = vault.notifications.as_ref()?;
    if !wanted.events.iter().any(|wanted| wanted == event) {
        return None;
    }
    let texts = [
        ("AccountId", about.account.to_owned()),
        ("EventType", about.kind.to_owned()),
        ("Id", about.id.to_owned()),
        ("StartTime", iso(about.started)),
        ("State", about.state.to_owned()),
    ];
    let attributes: BTreeMap<String, (String, String)> =
        texts.into_iter().map(|(name, value)| (name.to_owned(), ("String".to_owned(), value))).collect();
    let notice = Notice {
        topic_arn: wanted.topic_arn.clone(),
        service: Some(SERVICE),
        source_arn: vault.arn.clone(),
        subject: Some(SUBJECT.to_owned()),
        message,
        attributes,
    };
    Some(Letter::notice(at, notice))
}

/// How an end is said in a message.
fn ended(outcome: Option<&Outcome>) -> &'static str {
    match outcome.map(|outcome| outcome.state) {
        None => "was started",
        Some(Terminal::Completed) => "was completed successfully",
        Some(Terminal::Failed) => "failed",
        Some(Terminal::Expired) => "expired",
        Some(Terminal::Aborted) => "was stopped",
    }
}

pub(super) fn backup_job(region: &Region, job: &BackupJob, at: Timestamp) -> Option<Letter> {
    let outcome = job.outcome();
    let event = match (&job.phase, outcome) {
        (Phase::Running(_), _) => "BACKUP_JOB_STARTED",
        (_, Some(_)) => "BACKUP_JOB_COMPLETED",
        (_, None) => return None,
    };
    let point = outcome.and_then(|outcome| outcome.recovery_point_arn.as_ref());
    let point = point.map(|arn| format!(" Recovery point ARN: {arn}.")).unwrap_or_default();
    let message = format!(
        "An AWS Backup job {}.{point} Resource ARN : {}. BackupJob ID : {}",
        ended(outcome),
        job.resource_arn,
        job.id
    );
    let about =
        About { kind: "BACKUP_JOB", id: &job.id, account: &job.account, state: job.state(), started: job.created_at };
    letter(region, &job.vault_name, event, at, &about, message)
}

pub(super) fn restore_job(region: &Region, job: &RestoreJob, at: Timestamp) -> Option<Letter> {
    let outcome = job.outcome();
    let event = match &job.phase {
        restores::Phase::Pending => return None,
        restores::Phase::Running { .. } => "RESTORE_JOB_STARTED",
        restores::Phase::Ended { .. } => "RESTORE_JOB_COMPLETED",
    };
    let created = job.created_arn().filter(|_| outcome.is_some() && !failed(outcome));
    let created = created.map(|arn| format!(" Restored resource ARN: {arn}.")).unwrap_or_default();
    let message = format!(
        "An AWS Restore job {}.{created} Recovery point ARN: {}. RestoreJob ID : {}",
        ended(outcome),
        job.recovery_point_arn,
        job.id
    );
    let about =
        About { kind: "RESTORE_JOB", id: &job.id, account: &job.account, state: job.status(), started: job.created_at };
    letter(region, vault_name(&job.vault_arn), event, at, &about, message)
}

pub(super) fn copy_job(region: &Region, job: &CopyJob, at: Timestamp) -> Option<Letter> {
    let outcome = job.outcome();
    let event = match outcome {
        None if job.destination_point_arn().is_none() => return None,
        None => "COPY_JOB_STARTED",
        Some(_) if failed(outcome) => "COPY_JOB_FAILED",
        Some(_) => "COPY_JOB_SUCCESSFUL",
    };
    let point = outcome.and_then(|outcome| outcome.recovery_point_arn.as_ref());
    let point = point.map(|arn| format!(" Recovery point ARN: {arn}.")).unwrap_or_default();
    let message = format!(
        "An AWS Copy job {}.{point} Resource ARN : {}. CopyJob ID : {}",
        ended(outcome),
        job.resource_arn,
        job.id
    );
    let about =
        About { kind: "COPY_JOB", id: &job.id, account: &job.account, state: job.state(), started: job.created_at };
    letter(region, vault_name(&job.source_vault_arn), event, at, &about, message)
}

pub(super) fn recovery_point(region: &Region, point: &RecoveryPoint, at: Timestamp) -> Option<Letter> {
    let account = point.vault_arn.split(':').nth(4).unwrap_or_default();
    let message = format!(
        "A recovery point was modified. Recovery point ARN: {}. Resource ARN : {}",
        point.arn, point.resource_arn
    );
    let about = About { kind: "RECOVERY_POINT", id: &point.arn, account, state: "MODIFIED", started: point.created_at };
    letter(region, &point.vault_name, "RECOVERY_POINT_MODIFIED", at, &about, message)
}

/// The last part of a vault's ARN.
fn vault_name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}
