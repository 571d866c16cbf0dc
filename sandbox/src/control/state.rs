//! The state as JSON: what there is, by account and region. Secrets are not state to show.

use serde_json::{Map, Value, json};

use crate::{
    shared::Inner,
    world::{Account, Region},
};

pub(super) fn show(inner: &Inner) -> Value {
    let accounts: Map<String, Value> = inner.world.accounts.iter().map(|(id, a)| (id.clone(), account(a))).collect();
    json!({ "now": inner.clock.now().to_string(), "accounts": accounts })
}

fn account(account: &Account) -> Value {
    let regions: Map<String, Value> = account.regions.iter().map(|(name, r)| (name.clone(), region(r))).collect();
    json!({ "iam": account.iam.overview(), "regions": regions })
}

fn region(region: &Region) -> Value {
    json!({
        "tags": region.tags.0,
        "backup": region.backup.overview(),
        "rds": region.rds.overview(),
    })
}
