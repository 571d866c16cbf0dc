//! Which resource types AWS Backup protects in a region (docs/aws-backup-semantics.md, sections 1.13 and 8.4).

use std::collections::BTreeMap;

use super::{Invalid, Scope, Violation, Warning, invalid::quoted, resource_type::unknown_type};

/// The settings of an account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSettings {
    /// Which account and region.
    pub scope: Scope,
    /// The types that AWS Backup supports there.
    pub supported: Vec<String>,
    /// By type: whether selections by tags alone back it up.
    pub opt_in: BTreeMap<String, bool>,
    /// By type: whether AWS Backup manages its backups fully.
    pub management: BTreeMap<String, bool>,
}

/// A change of some of the settings; the others stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsUpdate {
    /// By type.
    pub opt_in: BTreeMap<String, bool>,
    /// By type.
    pub management: BTreeMap<String, bool>,
}

/// The types of databases.
const DATABASES: [&str; 4] = ["RDS", "Aurora", "DocumentDB", "Neptune"];

impl SettingsUpdate {
    /// The settings after the change, or every type that the region does not know.
    pub fn over(&self, current: &RegionSettings) -> Result<RegionSettings, Invalid> {
        let mut types: Vec<&str> = current.supported.iter().chain(current.opt_in.keys()).map(String::as_str).collect();
        types.sort_unstable();
        types.dedup();
        let unknown = self.opt_in.keys().filter(|name| !types.contains(&name.as_str())).map(|name| Violation {
            field: format!("resource_type_opt_in[{}]", quoted(name)),
            description: unknown_type(name, types.iter().copied()).0,
        });
        let choices = current.management.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let no_choice = self.management.keys().filter(|name| !current.management.contains_key(*name));
        let no_choice = no_choice.map(|name| Violation {
            field: format!("resource_type_management[{}]", quoted(name)),
            description: format!("{} has no choice of management: AWS Backup gives it for {choices}", quoted(name)),
        });
        let violations: Vec<Violation> = unknown.chain(no_choice).collect();
        if !violations.is_empty() {
            return Err(Invalid { violations });
        }
        let mut after = current.clone();
        after.opt_in.extend(self.opt_in.clone());
        after.management.extend(self.management.clone());
        Ok(after)
    }

    /// Types of databases that it switches off.
    pub fn warnings(&self) -> Vec<Warning> {
        let off = DATABASES.into_iter().filter(|name| self.opt_in.get(*name) == Some(&false));
        let warning = |name: &str| Warning {
            code: "DATABASE_TYPE_SWITCHED_OFF",
            message: format!(
                "plans that select by tags leave out every database of type {name} from now on, without a word: name such \
                 databases by ARN, or switch {name} on again"
            ),
            field: format!("resource_type_opt_in[{}]", quoted(name)),
        };
        off.map(warning).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RegionName};

    fn map(pairs: &[(&str, bool)]) -> BTreeMap<String, bool> {
        pairs.iter().map(|(name, on)| ((*name).to_owned(), *on)).collect()
    }

    fn current() -> RegionSettings {
        RegionSettings {
            scope: Scope { account: AccountId::example(), region: RegionName::example() },
            supported: vec!["EFS".into(), "RDS".into(), "S3".into()],
            opt_in: map(&[("EFS", true), ("RDS", true)]),
            management: map(&[("EFS", false)]),
        }
    }

    #[test]
    fn what_is_not_named_stays() {
        let update = SettingsUpdate { opt_in: map(&[("RDS", false), ("S3", true)]), management: map(&[]) };
        let after = update.over(&current()).unwrap();
        assert_eq!(after.opt_in, map(&[("EFS", true), ("RDS", false), ("S3", true)]));
        assert_eq!(after.management, current().management);
        assert_eq!(update.warnings()[0].field, "resource_type_opt_in[\"RDS\"]");
    }

    #[test]
    fn every_unknown_type_is_told_with_the_known_ones() {
        let update = SettingsUpdate { opt_in: map(&[("Rds", true)]), management: map(&[("RDS", true)]) };
        let told = update.over(&current()).unwrap_err().violations;
        let read: Vec<_> = told.iter().map(|it| (it.field.as_str(), it.description.as_str())).collect();
        assert_eq!(
            read,
            [
                ("resource_type_opt_in[\"Rds\"]", "\"Rds\" is no resource type of AWS Backup: they are EFS, RDS, S3"),
                (
                    "resource_type_management[\"RDS\"]",
                    "\"RDS\" has no choice of management: AWS Backup gives it for EFS"
                )
            ]
        );
    }
}
