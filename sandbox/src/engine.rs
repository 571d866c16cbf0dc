//! Lets time pass: brings the world from one instant to a later one, event by event, in time order.
//!
//! What falls due stands on two kinds of agenda, both sorted: [`crate::due::Agenda`] for jobs and recovery points of the whole
//! world, and each region's plans for its rules. A database's own changes of state are brought up to the instant of
//! each event of its region, and at last to the end.

mod backups;
mod continuous;
mod copies;
mod databases;
mod expiry;
mod firing;
mod post;
mod restores;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    config::Behaviour,
    due::{Due, Kind},
    iam,
    world::{Region, World},
};

/// How often the world is pruned while time is moved over long stretches; keeps the memory flat.
const PRUNE_EVERY: SignedDuration = SignedDuration::from_hours(6);

/// Where and when an event happens, and how AWS behaves.
#[derive(Debug, Clone, Copy)]
struct Instant<'e> {
    account: &'e str,
    region: &'e str,
    at: Timestamp,
    behaviour: &'e Behaviour,
}

impl Instant<'_> {
    fn region<'w>(&self, world: &'w mut World) -> &'w mut Region {
        world.account(self.account).region(self.region)
    }

    fn iam<'w>(&self, world: &'w mut World) -> &'w mut iam::State {
        world.account(self.account).iam.of(self.region)
    }

    fn due(&self, kind: Kind, id: &str) -> Due {
        Due { kind, account: self.account.to_owned(), region: self.region.to_owned(), id: id.to_owned() }
    }

    /// So much later.
    fn after(&self, step: SignedDuration) -> Timestamp {
        self.at.checked_add(step).unwrap_or(Timestamp::MAX)
    }
}

/// Brings the world up to `to`. Called before every request and every second of an automatic clock; costs next to
/// nothing where nothing is due.
pub fn advance(world: &mut World, behaviour: &Behaviour, to: Timestamp) {
    let mut rules = rule_times(world);
    let mut pruned = None;
    loop {
        post::collect(world);
        let event = world.agenda.next_at().filter(|at| *at <= to);
        let rule = rules.first().filter(|(at, ..)| *at <= to).cloned();
        // At one instant what was planned happens before rules fire: what ends frees its resource first.
        let at = match (event, rule) {
            (Some(event), rule) if rule.as_ref().is_none_or(|(at, ..)| event <= *at) => {
                if let Some((at, due)) = world.agenda.pop(to) {
                    let now = Instant { account: &due.account, region: &due.region, at, behaviour };
                    settle(world, &now);
                    happen(world, &now, due.kind, &due.id);
                }
                event
            }
            (_, Some(entry)) => {
                rules.remove(&entry);
                let (at, account, region) = entry;
                let now = Instant { account: &account, region: &region, at, behaviour };
                settle(world, &now);
                firing::fire(world, &now);
                if let Some(next) = now.region(world).backup.plans.next_fire() {
                    rules.insert((next, account, region));
                }
                at
            }
            (_, None) => break,
        };
        if pruned.is_none_or(|last| at.duration_since(last) >= PRUNE_EVERY) {
            world.prune(at, behaviour);
            pruned = Some(at);
        }
    }
    for account in world.accounts.values_mut() {
        for region in account.regions.values_mut() {
            region.rds.advance(&mut region.tags, to);
        }
    }
    world.prune(to, behaviour);
}

/// The next firing of every region that has rules.
fn rule_times(world: &World) -> BTreeSet<(Timestamp, String, String)> {
    let accounts = world
        .accounts
        .iter()
        .flat_map(|(account, state)| state.regions.iter().map(move |(name, region)| (account, name, region)));
    accounts
        .filter_map(|(account, name, region)| Some((region.backup.plans.next_fire()?, account.clone(), name.clone())))
        .collect()
}

/// Databases as they are at the instant of an event.
fn settle(world: &mut World, now: &Instant<'_>) {
    let region = now.region(world);
    region.rds.advance(&mut region.tags, now.at);
}

fn happen(world: &mut World, now: &Instant<'_>, kind: Kind, id: &str) {
    match kind {
        Kind::BackupStarts => backups::start(world, now, id),
        Kind::BackupEnds => backups::end(world, now, id),
        Kind::BackupAborted => backups::aborted(world, now, id),
        Kind::BackupStartWindowEnds => backups::start_window_ends(world, now, id),
        Kind::CopyStarts => copies::start(world, now, id),
        Kind::CopyEnds => copies::end(world, now, id),
        Kind::RestoreStarts => restores::start(world, now, id),
        Kind::RestoreEnds => restores::end(world, now, id),
        Kind::RecoveryPointExpires => expiry::expires(world, now, id),
        Kind::RecoveryPointGone => expiry::gone(world, now, id),
        Kind::ContinuousBegins => continuous::begins(world, now, id),
        Kind::LettersArrive => post::arrive(world, now),
    }
}

#[cfg(test)]
mod tests;
