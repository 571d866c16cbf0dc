//! Rules fire: a job for each resource that they select at this moment.

use super::Instant;
use crate::{
    backup::{
        firing::{self, Fired, Target},
        jobs::{self, BackupJob, CompletionWindow, Phase},
        resource_types::Source,
    },
    partition,
    world::World,
};

/// Fires what is due in this region and accepts the jobs.
pub(super) fn fire(world: &mut World, now: &Instant<'_>) {
    for fired in firing::fire(world.account(now.account), now.region, now.at, now.behaviour) {
        for target in &fired.targets {
            let start_at = fired.due.checked_add(now.behaviour.jobs.start_delay).unwrap_or(now.at);
            jobs::accept(world, now.account, now.region, job(now, &fired, target), start_at);
        }
    }
}

fn job(now: &Instant<'_>, fired: &Fired, target: &Target) -> BackupJob {
    let name = Source::parse(&target.resource_arn).map(|source| source.name().to_owned());
    BackupJob {
        id: uuid::Uuid::new_v4().to_string(),
        account: now.account.to_owned(),
        vault_arn: format!(
            "arn:{}:backup:{}:{}:backup-vault:{}",
            partition::of(now.region),
            now.region,
            now.account,
            fired.vault_name
        ),
        vault_name: fired.vault_name.clone(),
        resource_arn: target.resource_arn.clone(),
        resource_type: target.resource_type.to_owned(),
        resource_name: name.unwrap_or_default(),
        role_arn: target.role_arn.clone(),
        created_at: fired.due,
        start_by: fired.due.checked_add(fired.start_window).unwrap_or(jiff::Timestamp::MAX),
        completion_window: CompletionWindow::FromStart(fired.completion_window),
        lifecycle: fired.lifecycle.clone(),
        recovery_point_tags: fired.recovery_point_tags.clone(),
        options: Default::default(),
        creator: Some(fired.creator.clone()),
        copy_actions: fired.copy_actions.clone(),
        continuous: fired.continuous,
        bytes: 0,
        phase: Phase::Created,
    }
}
