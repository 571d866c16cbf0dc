//! Which engines there are.

use super::params::{Params, listed};
use super::settings::{ENGINES, family};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

/// DescribeDBEngineVersions: one version, the default one, of each engine.
pub(super) fn describe_versions(_: &mut World, _: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let engine = params.text("Engine");
    let version = params.text("EngineVersion");
    let paging = params.paging();
    params.done()?;
    let wanted = ENGINES.iter().filter(|it| {
        engine.is_none_or(|engine| engine == it.name) && version.is_none_or(|version| it.version.starts_with(version))
    });
    let page = paging.take(wanted, |it| it.name)?;
    Ok(listed("DBEngineVersions", "DBEngineVersion", &page, |it| {
        Xml::new()
            .text("Engine", it.name)
            .text("EngineVersion", it.version)
            .text("DBParameterGroupFamily", family(it.name, it.version))
            .text("DBEngineDescription", it.name)
            .text("DBEngineVersionDescription", format!("{} {}", it.name, it.version))
            .text("Status", "available")
    }))
}
