//! `Filters` of describe actions.

use std::collections::BTreeMap;

use super::kind_and_id;
use super::params::Params;
use crate::query::Form;

/// Names that RDS knows, whether the sandbox offers the engine or not `[M]`.
const ENGINE_NAMES: [&str; 27] = [
    "aurora",
    "aurora-mysql",
    "aurora-postgresql",
    "custom-oracle-ee",
    "custom-oracle-ee-cdb",
    "custom-oracle-se2",
    "custom-oracle-se2-cdb",
    "custom-sqlserver-dev",
    "custom-sqlserver-ee",
    "custom-sqlserver-se",
    "custom-sqlserver-web",
    "db2-ae",
    "db2-se",
    "docdb",
    "mariadb",
    "mysql",
    "neptune",
    "oracle-ee",
    "oracle-ee-cdb",
    "oracle-se2",
    "oracle-se2-cdb",
    "postgres",
    "sqlserver-dev-ee",
    "sqlserver-ee",
    "sqlserver-ex",
    "sqlserver-se",
    "sqlserver-web",
];

/// The filters of a request, by name: all must hold, and a filter holds when any of its values does `[M]`.
pub(super) struct Filters(BTreeMap<String, Vec<String>>);

impl Filters {
    /// Reads them; a name outside `known` is a fault, and so is an engine that RDS does not have `[Q]`.
    pub(super) fn of(form: &Form, known: &[&str], params: &mut Params<'_>) -> Self {
        let mut filters = BTreeMap::new();
        for filter in form.items("Filters") {
            let name = filter.get("Name").unwrap_or_default();
            let values = filter.strings("Values");
            if !known.contains(&name) {
                params.fault(format!("Unrecognized filter name: {name}. It must be one of {}.", known.join(", ")));
            } else if values.is_empty() {
                params.fault(format!("The filter {name} has no Values."));
            } else if values.len() > 1000 {
                params.fault(format!("The filter {name} has more than 1000 Values."));
            }
            if name == "engine" {
                for unknown in values.iter().filter(|value| !ENGINE_NAMES.contains(&value.as_str())) {
                    params.fault(format!("Unrecognized engine name: {unknown}"));
                }
            }
            filters.insert(name.to_owned(), values);
        }
        Self(filters)
    }

    /// Whether the filter is absent or one of its values is one of these. Identifiers may be given as ARNs.
    pub(super) fn pass(&self, name: &str, actual: &[&str]) -> bool {
        let Some(values) = self.0.get(name) else { return true };
        let same = |value: &str| actual.iter().any(|actual| actual.eq_ignore_ascii_case(value));
        values.iter().any(|value| same(value) || kind_and_id(value).is_some_and(|(_, id)| same(id)))
    }
}
