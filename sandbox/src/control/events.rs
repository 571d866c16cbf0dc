//! How what AWS tells arrives, and what became of it: of AWS one would have to look into metrics.

use serde_json::{Map, Value, json};

use super::Refusal;
use crate::{outbox::Delivery, shared::Inner, world::Region};

/// The delivery, what was told, and what each region's rules and topics made of it.
pub(super) fn show(inner: &Inner) -> Value {
    let mut shown = inner.world.office.overview();
    let regions = |state: &std::collections::BTreeMap<String, Region>| -> Map<String, Value> {
        state.iter().filter_map(|(name, region)| Some((name.clone(), of_region(region)?))).collect()
    };
    let accounts = inner.world.accounts.iter().map(|(id, account)| (id.clone(), regions(&account.regions)));
    let accounts = accounts.filter(|(_, regions)| !regions.is_empty());
    let accounts: Map<String, Value> = accounts.map(|(id, regions)| (id, regions.into())).collect();
    shown["delivery"] = json!(inner.world.office.delivery());
    shown["accounts"] = accounts.into();
    shown
}

fn of_region(region: &Region) -> Option<Value> {
    let (rules, topics, under_way) = (region.events.overview(), region.sns.overview(), region.outbox.len());
    let is_empty = |shown: &Value| shown.as_object().is_some_and(Map::is_empty);
    let silent = is_empty(&rules) && is_empty(&topics) && under_way == 0;
    (!silent).then(|| json!({ "rules": rules, "topics": topics, "under_way": under_way }))
}

/// From now on it arrives like this.
pub(super) fn set(inner: &mut Inner, delivery: Delivery) -> Result<Value, Refusal> {
    inner.world.office.set(delivery).map_err(Refusal::bad)?;
    Ok(show(inner))
}
