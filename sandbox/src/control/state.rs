//! The state as JSON: what there is, by account and region. Secrets are not state to show.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    shared::Inner,
    world::{Account, Region},
};

pub(super) fn show(inner: &Inner) -> Value {
    let now = inner.clock.now();
    let accounts = inner.world.accounts.iter().map(|(id, it)| (id.clone(), account(it, now)));
    json!({ "now": now.to_string(), "accounts": accounts.collect::<Map<_, _>>() })
}

fn account(account: &Account, now: Timestamp) -> Value {
    let regions: Map<String, Value> =
        account.regions.iter().map(|(name, it)| (name.clone(), region(it, now))).collect();
    json!({ "iam": account.iam.overview(), "regions": regions })
}

fn region(region: &Region, now: Timestamp) -> Value {
    json!({
        "tags": region.tags.0,
        "backup": region.backup.overview(),
        "rds": region.rds.overview(),
        "queues": region.sqs.overview(now),
    })
}
