//! Parameter groups, of instances and of clusters, and option groups: those that RDS has by itself, one of each engine and
//! major version, and those that somebody made. What stands in them is nobody's matter here.

use std::collections::BTreeMap;

use super::params::{Params, listed};
use super::settings::{ENGINES, Place, Settings, family, major};
use super::{State, not_found, place, refused};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

/// Groups of a kind that somebody may make: a bound on memory.
const MAX_GROUPS: usize = 1000;

/// The groups that somebody made.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// By name: family and description.
    parameters: BTreeMap<String, Made>,
    of_clusters: BTreeMap<String, Made>,
    /// By name: engine and major version.
    options: BTreeMap<String, Made>,
}

#[derive(Debug, Clone)]
struct Made {
    /// Family, or engine.
    of: String,
    /// Major version; option groups only.
    major: String,
    description: String,
}

/// How the three kinds are told apart on the wire.
struct Kind {
    name: &'static str,
    element: &'static str,
    list: &'static str,
    arn: &'static str,
    missing: &'static str,
    exists: &'static str,
}

const PARAMETERS: Kind = Kind {
    name: "DBParameterGroupName",
    element: "DBParameterGroup",
    list: "DBParameterGroups",
    arn: "pg",
    missing: "DBParameterGroupNotFound",
    exists: "DBParameterGroupAlreadyExists",
};

const OF_CLUSTERS: Kind = Kind {
    name: "DBClusterParameterGroupName",
    element: "DBClusterParameterGroup",
    list: "DBClusterParameterGroups",
    arn: "cluster-pg",
    missing: "DBParameterGroupNotFound",
    exists: "DBParameterGroupAlreadyExists",
};

const OPTIONS: Kind = Kind {
    name: "OptionGroupName",
    element: "OptionGroup",
    list: "OptionGroupsList",
    arn: "og",
    missing: "OptionGroupNotFoundFault",
    exists: "OptionGroupAlreadyExistsFault",
};

impl Kind {
    fn of(&self) -> (&'static str, &'static str) {
        if self.arn == OPTIONS.arn {
            ("EngineName", "OptionGroupDescription")
        } else {
            ("DBParameterGroupFamily", "Description")
        }
    }

    fn gone(&self, name: &str) -> (&'static str, String) {
        match self.arn {
            "og" => (self.missing, format!("Specified OptionGroupName: {name} not found.")),
            _ => (self.missing, format!("{} not found: {name}", self.element)),
        }
    }

    /// RDS's own group of that name: it has one for each engine and major version.
    fn default(&self, name: &str) -> Option<Made> {
        let text = name.strip_prefix(if self.arn == "og" { "default:" } else { "default." })?;
        let engines = ENGINES.iter().map(|it| it.name).filter(|engine| text.starts_with(engine));
        let engine = engines.max_by_key(|engine| engine.len())?;
        let rest = text.strip_prefix(engine)?;
        let numbers = |rest: &str, dot: char| {
            rest.starts_with(|c: char| c.is_ascii_digit()) && rest.chars().all(|c| c.is_ascii_digit() || c == dot)
        };
        let (of, major) = if self.arn == "og" {
            let rest = rest.strip_prefix('-').filter(|rest| numbers(rest, '-'))?;
            (engine.to_owned(), rest.replace('-', "."))
        } else {
            (text.to_owned(), Some(rest).filter(|rest| numbers(rest, '.'))?.to_owned())
        };
        Some(Made { description: format!("Default group for {text}"), of, major })
    }

    fn made<'g>(&self, groups: &'g Groups) -> &'g BTreeMap<String, Made> {
        match self.arn {
            "og" => &groups.options,
            "cluster-pg" => &groups.of_clusters,
            _ => &groups.parameters,
        }
    }

    fn made_mut<'g>(&self, groups: &'g mut Groups) -> &'g mut BTreeMap<String, Made> {
        match self.arn {
            "og" => &mut groups.options,
            "cluster-pg" => &mut groups.of_clusters,
            _ => &mut groups.parameters,
        }
    }

    fn find(&self, groups: &Groups, name: &str) -> Option<Made> {
        self.made(groups).get(&name.to_lowercase()).cloned().or_else(|| self.default(name))
    }

    /// All that are there: of its own groups RDS shows those of the versions that it offers.
    fn all(&self, groups: &Groups) -> BTreeMap<String, Made> {
        let own = ENGINES.iter().map(|it| match self.arn {
            "og" => format!("default:{}-{}", it.name, major(it.name, it.version).replace('.', "-")),
            _ => format!("default.{}", family(it.name, it.version)),
        });
        let own = own.filter_map(|name| Some((self.default(&name)?, name))).map(|(made, name)| (name, made));
        own.chain(self.made(groups).clone()).collect()
    }

    fn shape(&self, place: &Place<'_>, name: &str, made: &Made) -> Xml {
        let (of, described) = self.of();
        let xml = Xml::new().text(self.name, name).text(of, &made.of).text(described, &made.description);
        match self.arn {
            "og" => xml
                .text("MajorEngineVersion", &made.major)
                .list("Options", "Option", [])
                .value("AllowsVpcAndNonVpcInstanceMemberships", true)
                .text("OptionGroupArn", place.arn(self.arn, name)),
            "cluster-pg" => xml.text("DBClusterParameterGroupArn", place.arn(self.arn, name)),
            _ => xml.text("DBParameterGroupArn", place.arn(self.arn, name)),
        }
    }

    fn create(&self, world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
        let (of, described) = self.of();
        let mut params = Params::of(form);
        let name = params.new_identifier(self.name, 255);
        let made = Made {
            of: params.required(of).to_owned(),
            major: if self.arn == "og" { params.required("MajorEngineVersion").to_owned() } else { String::new() },
            description: params.required(described).to_owned(),
        };
        let known = ENGINES.iter().any(|it| match self.arn {
            "og" => made.of == it.name,
            _ => made.of.strip_prefix(it.name).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())),
        });
        if !known && !made.of.is_empty() {
            params.fault(format!("{of} {} is not a valid one", made.of));
        }
        params.done()?;
        let groups = self.made_mut(&mut call.region(world).rds.groups);
        if groups.contains_key(&name) {
            return Err(refused(self.exists, format!("{} {name} already exists", self.element)));
        }
        if groups.len() >= MAX_GROUPS {
            let message = format!("The sandbox holds at most {MAX_GROUPS} groups of a kind in a region.");
            return Err(refused("DBParameterGroupQuotaExceeded", message));
        }
        let shape = self.shape(&place(call), &name, &made);
        groups.insert(name, made);
        Ok(Xml::new().inside(self.element, &shape))
    }

    fn describe(&self, world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
        let mut params = Params::of(form);
        let name = params.text(self.name);
        let engine = params.text("EngineName").filter(|_| self.arn == "og");
        let paging = params.paging();
        params.done()?;
        let groups = &call.region(world).rds.groups;
        let found = match name {
            None => self.all(groups),
            Some(name) => match self.find(groups, name) {
                Some(made) => BTreeMap::from([(name.to_lowercase(), made)]),
                None => {
                    let (code, message) = self.gone(name);
                    return Err(not_found(code, message));
                }
            },
        };
        let wanted = found.iter().filter(|(_, made)| engine.is_none_or(|engine| engine == made.of));
        let page = paging.take(wanted, |(name, _)| name.as_str())?;
        Ok(listed(self.list, self.element, &page, |(name, made)| self.shape(&place(call), name, made)))
    }

    fn delete(&self, world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
        let mut params = Params::of(form);
        let name = params.required(self.name).to_lowercase();
        params.done()?;
        match self.made_mut(&mut call.region(world).rds.groups).remove(&name) {
            Some(_) => Ok(Xml::new()),
            None => {
                let (code, message) = self.gone(&name);
                Err(not_found(code, message))
            }
        }
    }
}

impl State {
    /// Notes what of the groups that a request names is not there, or is of another engine or version than `settings` say.
    pub(super) fn check_groups(&self, params: &mut Params<'_>, settings: &Settings) {
        let family = family(&settings.engine, &settings.engine_version);
        for kind in [PARAMETERS, OF_CLUSTERS, OPTIONS] {
            let Some(name) = params.text(kind.name) else { continue };
            match kind.find(&self.groups, name) {
                None => {
                    let (code, message) = kind.gone(name);
                    params.not_found(code, message);
                }
                Some(made) if kind.arn == "og" => {
                    let version = major(&settings.engine, &settings.engine_version);
                    if made.of != settings.engine || made.major != version {
                        let message = format!(
                            "The option group {name} is of {} {} and cannot be used with {} {version}.",
                            made.of, made.major, settings.engine
                        );
                        params.combination(refused("InvalidParameterCombination", message));
                    }
                }
                Some(made) if made.of != family => {
                    let message = format!(
                        "The parameter group {name} with DBParameterGroupFamily {} cannot be used for this instance. Please \
                         use a Parameter Group with DBParameterGroupFamily {family}",
                        made.of
                    );
                    params.combination(refused("InvalidParameterCombination", message));
                }
                Some(_) => {}
            }
        }
    }
}

pub(super) fn create_parameter_group(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    PARAMETERS.create(world, call, form)
}

pub(super) fn create_cluster_parameter_group(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    OF_CLUSTERS.create(world, call, form)
}

pub(super) fn create_option_group(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    OPTIONS.create(world, call, form)
}

pub(super) fn delete_parameter_group(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    PARAMETERS.delete(world, call, form)
}

pub(super) fn delete_cluster_parameter_group(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    OF_CLUSTERS.delete(world, call, form)
}

pub(super) fn delete_option_group(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    OPTIONS.delete(world, call, form)
}

pub(super) fn describe_parameter_groups(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    PARAMETERS.describe(world, call, form)
}

pub(super) fn describe_cluster_parameter_groups(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    OF_CLUSTERS.describe(world, call, form)
}

pub(super) fn describe_option_groups(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    OPTIONS.describe(world, call, form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rds_has_a_group_of_its_own_for_each_engine_and_major_version() {
        let of = |kind: Kind, name: &str| kind.default(name).map(|made| (made.of, made.major));
        let told = |of: &str, major: &str| Some((of.to_owned(), major.to_owned()));
        assert_eq!(of(PARAMETERS, "default.postgres16"), told("postgres16", "16"));
        assert_eq!(of(PARAMETERS, "default.aurora-mysql8.0"), told("aurora-mysql8.0", "8.0"));
        assert_eq!(of(OPTIONS, "default:postgres-16"), told("postgres", "16"));
        assert_eq!(of(OPTIONS, "default:mysql-8-0"), told("mysql", "8.0"));
        for none in ["postgres16", "default.postgres", "default.db2-15", "default.postgres16x", "default:postgres-16"] {
            assert_eq!(of(PARAMETERS, none), None, "{none}");
        }
        assert_eq!(of(OPTIONS, "default.postgres16"), None);
    }
}
