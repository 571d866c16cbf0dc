//! Which resource types AWS Backup protects in a region (docs/aws-backup-semantics.md, sections 1.13 and 8.4).

use std::collections::BTreeMap;

use super::{
    Criteria, Eligibility, Finding, Invalid, Resource, ResourceType, Scope, Unseen, Violation, did_you_mean,
    etag::etag, invalid::quoted, resource_type::unknown_type,
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
    /// What a selection may select at all by them.
    pub fn eligibility(self) -> Eligibility {
        let Self { scope, supported, opt_in, management: _ } = self;
        Eligibility { scope, supported: supported.into_iter().collect(), opt_in }
    }

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
            description: format!(
                "{} has no choice of management: AWS Backup gives it for {choices}{}",
                quoted(name),
                did_you_mean(name, current.management.keys().map(String::as_str))
            ),
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
        let finding = |of_type: ResourceType| {
            let (which, besides) = match of_type.heeds_opt_in_when_named() {
                true => ("plans", ", also of what they name by ARN"),
                false => ("plans that select by tags", ""),
            };
            let message =
                format!("{which} leave out every database of type {of_type} from now on, without a word{besides}");
            let action = match of_type.heeds_opt_in_when_named() {
                true => format!("switch {of_type} on again"),
                false => format!("name such databases by ARN, or switch {of_type} on again"),
            };
            Finding::warning("DATABASE_TYPE_SWITCHED_OFF", message, action).at(field_of(&of_type))
        };
        self.switched_off().into_iter().map(finding).collect()
    }

    /// The types of databases that it switches off.
    fn switched_off(&self) -> Vec<ResourceType> {
        let off = |of_type: &ResourceType| self.opt_in.get(of_type.as_str()) == Some(&false);
        ResourceType::DATABASES.into_iter().filter(off).collect()
    }

    /// The types of databases that it switches off and that were not off before.
    pub fn newly_off(&self, before: &RegionSettings) -> Vec<ResourceType> {
        let was_on = |of_type: &ResourceType| before.opt_in.get(of_type.as_str()) != Some(&false);
        self.switched_off().into_iter().filter(was_on).collect()
    }

    /// Which of the databases some selection selects by the settings before, and none does by those after.
    pub fn left_out(
        before: &Eligibility,
        after: &Eligibility,
        selections: &[Criteria],
        databases: &[Resource],
    ) -> Vec<Finding> {
        const MOST_NAMED: usize = 5;
        let mut left_out: BTreeMap<ResourceType, Vec<&str>> = BTreeMap::new();
        for database in databases {
            let by = |settings| selections.iter().any(|it| it.judge(&database.candidate(), settings).selected());
            if by(before) && !by(after) {
                left_out.entry(database.resource_type()).or_default().push(&database.id);
            }
        }
        let finding = |(of_type, ids): (ResourceType, Vec<&str>)| {
            let named = ids.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = match ids.len().saturating_sub(MOST_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!("plans that back up {named}{more} now leave them out from now on, without a word");
            Finding::warning("DATABASES_LEFT_OUT", message, format!("switch {of_type} on again")).at(field_of(&of_type))
        };
        left_out.into_iter().map(finding).collect()
    }

    /// That nobody knows which databases plans leave out.
    pub fn left_out_not_checked(unseen: &Unseen) -> Finding {
        let permissions = "backup:ListBackupPlans, backup:ListBackupSelections, backup:GetBackupSelection, \
                           rds:DescribeDBInstances and rds:DescribeDBClusters";
        let action = unseen.action(permissions, "ask ExplainProtection of the databases");
        let what = "which databases plans back up now";
        unseen.not_checked(what, "some may be left out from now on", action).at("resource_type_opt_in")
    }
}

fn field_of(of_type: &ResourceType) -> String {
    format!("resource_type_opt_in[{}]", quoted(of_type.as_str()))
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
    fn of_those_that_heed_the_opt_in_when_named_no_arn_is_advised() {
        let off = map(&[("Aurora", false), ("RDS", false)]);
        let update = SettingsUpdate { opt_in: off, management: map(&[]), etag: None };
        let told = update.findings();
        let advised: Vec<_> = told.iter().map(|it| (it.field.as_str(), it.action.contains("ARN"))).collect();
        assert_eq!(advised, [("resource_type_opt_in[\"RDS\"]", true), ("resource_type_opt_in[\"Aurora\"]", false)]);
    }

    #[test]
    fn every_unknown_type_is_told_with_the_known_ones() {
        let update = SettingsUpdate { opt_in: map(&[("Rds", true)]), management: map(&[("RDS", true)]), etag: None };
        let told = update.over(&current()).unwrap_err().violations;
        let read: Vec<_> = told.iter().map(|it| (it.field.as_str(), it.description.as_str())).collect();
        assert_eq!(
            read,
            [
                (
                    "resource_type_opt_in[\"Rds\"]",
                    "\"Rds\" is no resource type of AWS Backup: they are EFS, RDS, S3; did you mean RDS?"
                ),
                (
                    "resource_type_management[\"RDS\"]",
                    "\"RDS\" has no choice of management: AWS Backup gives it for EFS"
                )
            ]
        );
    }
}
