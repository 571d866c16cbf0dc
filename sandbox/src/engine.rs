//! Brings the world from one instant to a later one, event by event, in time order.

pub mod due;

use jiff::Timestamp;

use crate::{config::Behaviour, world::World};

/// Brings the world up to `to`. Called before every request and every second of an automatic clock.
pub fn advance(world: &mut World, behaviour: &Behaviour, to: Timestamp) {
    for region in world.accounts.values_mut().flat_map(|account| account.regions.values_mut()) {
        region.rds.advance(&mut region.tags, to);
    }
    world.prune(to, behaviour);
}
