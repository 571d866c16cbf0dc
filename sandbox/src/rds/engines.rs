//! Which engines there are.

use super::params::{Params, listed};
use super::settings::{ENGINES, family};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

/// DescribeDBEngineVersions: one version, the default one, of each engine, and any that is asked for.
pub(super) fn describe_versions(_: &mut World, _: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let engine = params.text("Engine");
    let version = params.text("EngineVersion");
    let paging = params.paging();
    params.done()?;
    let of_engine = ENGINES.iter().filter(|it| engine.is_none_or(|engine| engine == it.name));
    let wanted = of_engine.filter_map(|it| match version {
        Some(version) if it.version.starts_with(version) => Some((it.name, it.version)),
        // Databases of any version can be made here, so a whole one of an engine is known.
        Some(version) if engine.is_some() && version.contains('.') => Some((it.name, version)),
        Some(_) => None,
        None => Some((it.name, it.version)),
    });
    let page = paging.take(wanted, |(name, _)| name)?;
    Ok(listed("DBEngineVersions", "DBEngineVersion", &page, |(name, version)| {
        Xml::new()
            .text("Engine", name)
            .text("EngineVersion", version)
            .text("DBParameterGroupFamily", family(name, version))
            .text("DBEngineDescription", name)
            .text("DBEngineVersionDescription", format!("{name} {version}"))
            .text("Status", "available")
    }))
}
