//! Which resource types AWS Backup protects in a region (docs/aws-backup-semantics.md, sections 1.13 and 8.4).

use std::collections::BTreeMap;

use super::{
    Finding, Invalid, ResourceType, Scope, Violation, etag::etag, invalid::quoted, resource_type::unknown_type,
};

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

impl RegionSettings {
    /// Changes with what can be changed; which types AWS supports cannot.
    pub fn etag(&self) -> String {
        let word = |on: &bool| if *on { "on" } else { "off" };
        let words = |map: &BTreeMap<String, bool>| {
            map.iter().flat_map(|(name, on)| [name.clone(), word(on).to_owned()]).collect::<Vec<_>>()
        };
        let (opt_in, management) = (words(&self.opt_in), words(&self.management));
        // A blank, which no type is called, stands between the two.
        let scope = [self.scope.account.as_str(), self.scope.region.as_str()];
        let (opt_in, management) = (opt_in.iter().map(String::as_str), management.iter().map(String::as_str));
        etag(scope.into_iter().chain(opt_in).chain([""]).chain(management))
    }
}

/// A change of some of the settings; the others stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsUpdate {
    /// By type.
    pub opt_in: BTreeMap<String, bool>,
    /// By type.
    pub management: BTreeMap<String, bool>,
    /// The etag of the settings that were read; absent: it does not matter.
    pub etag: Option<String>,
}

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
    pub fn findings(&self) -> Vec<Finding> {
        let off = ResourceType::DATABASES.into_iter().filter(|name| self.opt_in.get(name.as_str()) == Some(&false));
        let finding = |name: ResourceType| {
            let message = format!(
                "plans that select by tags leave out every database of type {name} from now on, without a word: name such \
                 databases by ARN, or switch {name} on again"
            );
            let field = format!("resource_type_opt_in[{}]", quoted(name.as_str()));
            Finding::warning("DATABASE_TYPE_SWITCHED_OFF", message, "").at(field)
        };
        off.map(finding).collect()
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
        let update = SettingsUpdate { opt_in: map(&[("RDS", false), ("S3", true)]), management: map(&[]), etag: None };
        let after = update.over(&current()).unwrap();
        assert_eq!(after.opt_in, map(&[("EFS", true), ("RDS", false), ("S3", true)]));
        assert_eq!(after.management, current().management);
        assert_ne!(after.etag(), current().etag());
        assert_eq!(update.findings()[0].field, "resource_type_opt_in[\"RDS\"]");
    }

    #[test]
    fn every_unknown_type_is_told_with_the_known_ones() {
        let update = SettingsUpdate { opt_in: map(&[("Rds", true)]), management: map(&[("RDS", true)]), etag: None };
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
