//! Tags of databases and snapshots: read and written in the region's one store.

use super::params::{MAX_TAGS, Params};
use super::{State, kind_and_id, not_found, refused};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::{Tags, World};

pub(super) fn add(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let arn = params.required("ResourceName");
    let new = params.tags();
    params.done()?;
    let region = call.region(world);
    exists(&region.rds, arn)?;
    let old = region.tags.0.get(arn);
    let kept =
        old.map_or(0, |old| old.keys().filter(|key| !key.starts_with("aws:") && !new.contains_key(*key)).count());
    if kept + new.len() > MAX_TAGS {
        let message = format!("The resultant tag set must not have more than {MAX_TAGS} user tags.");
        return Err(refused("InvalidParameterValue", message));
    }
    region.tags.0.entry(arn.to_owned()).or_default().extend(new);
    Ok(Xml::none())
}

pub(super) fn remove(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let arn = params.required("ResourceName");
    params.done()?;
    let region = call.region(world);
    exists(&region.rds, arn)?;
    // What was tagged once stays in the store, though empty: the tagging API still lists it [M].
    if let Some(tags) = region.tags.0.get_mut(arn) {
        for key in form.strings("TagKeys") {
            if key.starts_with("aws:") {
                return Err(refused("InvalidParameterValue", format!("The system tag {key} can't be removed.")));
            }
            tags.remove(&key);
        }
    }
    Ok(Xml::none())
}

pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let arn = params.required("ResourceName");
    params.done()?;
    let region = call.region(world);
    exists(&region.rds, arn)?;
    Ok(Xml::new().list("TagList", "Tag", shapes(&region.tags, arn)))
}

/// The `Tag` shapes of a resource.
pub(super) fn shapes<'t>(tags: &'t Tags, arn: &str) -> impl Iterator<Item = Xml> + use<'t> {
    let tags = tags.0.get(arn).into_iter().flatten();
    tags.map(|(key, value)| Xml::new().text("Key", key).text("Value", value))
}

fn exists(state: &State, arn: &str) -> Result<(), AwsError> {
    if state.has(arn) {
        return Ok(());
    }
    match kind_and_id(arn) {
        Some(("db", id)) => Err(not_found("DBInstanceNotFound", format!("DBInstance {id} not found."))),
        Some(("cluster", id)) => Err(not_found("DBClusterNotFoundFault", format!("DBCluster {id} not found."))),
        Some(("snapshot", id)) => Err(not_found("DBSnapshotNotFound", format!("DBSnapshot {id} not found."))),
        Some(("cluster-snapshot", id)) => {
            Err(not_found("DBClusterSnapshotNotFoundFault", format!("DBClusterSnapshot {id} not found.")))
        }
        _ => Err(refused("InvalidParameterValue", format!("Invalid resource name: {arn}"))),
    }
}
