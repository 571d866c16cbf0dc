//! What stands beside the new database and must be there for it: groups, keys and zones, those that the request gives and
//! those that the recovery point remembers. Some AWS can be asked about; of the rest it is said that nobody has looked.

use super::{FIELD, Restore, RestoreMetadata, RestoreSource, RestoreTarget};
use crate::domain::{Arn, Finding, RecoveryPoint, RegionName, Unseen};

/// A look at something that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked<T> {
    /// It is there, and so.
    There(T),
    /// It is not there.
    Missing,
    /// Nobody knows; with the permission that the look takes.
    Unseen(Unseen, &'static str),
}

/// What an option group is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsOf {
    /// RDS's name of the engine.
    pub engine: String,
    /// Such as `16` or `8.0`.
    pub major_version: String,
}

/// Whether a key can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// Whether it is enabled.
    pub enabled: bool,
    /// AWS's word, such as `PendingDeletion`.
    pub word: String,
}

/// What AWS tells of what a restore's metadata names. `None`: it names none.
#[derive(Debug, Clone)]
pub struct SeenSettings {
    /// The family of the parameter group.
    pub parameter_group: Option<Looked<String>>,
    /// The family that the engine's version takes; missing: RDS does not list the version.
    pub family: Option<Looked<String>>,
    /// The option group.
    pub option_group: Option<Looked<OptionsOf>>,
    /// The subnet group.
    pub subnet_group: Option<Looked<()>>,
}

/// Names of what the metadata of a restore names, each `None` where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings<'m> {
    /// Parameter group; a cluster's own kind for clusters.
    pub parameter_group: Option<&'m str>,
    /// Option group.
    pub option_group: Option<&'m str>,
    /// DB subnet group.
    pub subnet_group: Option<&'m str>,
    /// Engine and version, for what fits them.
    pub engine: Option<(&'m str, Option<&'m str>)>,
}

/// The member of metadata that names security groups.
const SECURITY_GROUPS: &str = "VpcSecurityGroupIds";

/// What AWS Backup's metadata may name and Strongroom has no way to ask about: its member, what it is, and who can tell.
const UNASKED: [(&str, &str, &str); 4] = [
    (SECURITY_GROUPS, "security groups", "aws ec2 describe-security-groups --group-ids"),
    ("Domain", "Active Directory domain", "aws ds describe-directories --directory-ids"),
    ("DomainIAMRoleName", "role for the domain", "aws iam get-role --role-name"),
    ("CustomIamInstanceProfile", "instance profile", "aws iam get-instance-profile --instance-profile-name"),
];

impl<'m> Settings<'m> {
    /// What that metadata names, for that target.
    pub fn of(target: &RestoreTarget, metadata: &'m RestoreMetadata) -> Self {
        let text = |key| metadata.get(key).filter(|text| !text.is_empty());
        Self {
            parameter_group: text(parameter_group_key(target)),
            option_group: text("OptionGroupName"),
            subnet_group: text("DBSubnetGroupName"),
            engine: text("Engine").map(|engine| (engine, text("EngineVersion"))),
        }
    }
}

fn parameter_group_key(target: &RestoreTarget) -> &'static str {
    match target {
        RestoreTarget::Instance(_) => "DBParameterGroupName",
        RestoreTarget::Cluster(_) => "DBClusterParameterGroupName",
    }
}

/// The judge of one restore's settings.
struct Judge<'r> {
    restore: &'r Restore,
    region: RegionName,
    /// What the recovery point remembers.
    own: &'r RestoreMetadata,
    /// The region of the database that was backed up, if it is another.
    from: Option<RegionName>,
}

/// All that is to be said of the settings: the metadata to send, what AWS told of what it names, and the recovery point,
/// where that could be read. What nobody was asked about comes apart, for it weighs least.
pub fn judge(
    restore: &Restore,
    source: &RestoreSource,
    metadata: &RestoreMetadata,
    seen: &SeenSettings,
    point: Option<&RecoveryPoint>,
    region: &RegionName,
) -> (Vec<Finding>, Vec<Finding>) {
    let home = point.and_then(|point| Arn::parse(point.resource_arn.as_deref()?).ok()?.scope().region);
    let from = home.filter(|home| home != region);
    let judge = Judge { restore, region: region.clone(), own: &source.metadata, from };
    let settings = Settings::of(&restore.target, metadata);
    let mut findings = Vec::new();
    if let (Some(name), Some(looked)) = (settings.subnet_group, &seen.subnet_group) {
        findings.push(judge.subnet_group(name, looked));
    }
    if let (Some(name), Some(looked)) = (settings.parameter_group, &seen.parameter_group) {
        findings.push(judge.parameter_group(name, looked, seen.family.as_ref(), settings.engine));
    }
    if let (Some(name), Some(looked)) = (settings.option_group, &seen.option_group) {
        findings.push(judge.option_group(name, looked, settings.engine));
    }
    findings.extend(judge.zones(metadata));
    let elsewhere = judge.groups_of_other_region(metadata);
    let unasked = UNASKED.iter().filter(|(key, ..)| elsewhere.is_none() || *key != SECURITY_GROUPS);
    let unasked = unasked.filter_map(|(key, what, command)| judge.unasked(metadata, key, what, command)).collect();
    findings.extend(elsewhere);
    (findings, unasked)
}

impl Judge<'_> {
    /// What a message calls a group, and what to do about one that will not do.
    fn named(&self, what: &str, name: &str, key: &str) -> String {
        if self.own.get(key) != Some(name) {
            return format!("{what} {name}");
        }
        match &self.from {
            Some(from) => format!("{what} {name}, which the recovery point has from region {from},"),
            None => format!("{what} {name}, which the recovery point has,"),
        }
    }

    fn unseen(&self, what: &str, unseen: &Unseen, permission: &str) -> Finding {
        super::checks::not_checked(what, permission, unseen)
    }

    fn subnet_group(&self, name: &str, looked: &Looked<()>) -> Finding {
        let (what, field) = (self.named("DB subnet group", name, "DBSubnetGroupName"), "db_subnet_group_name");
        let finding = match looked {
            Looked::There(()) => Finding::info("SUBNET_GROUP_EXISTS", format!("DB subnet group {name} exists")),
            Looked::Missing => Finding::error(
                "SUBNET_GROUP_MISSING",
                format!("{what} does not exist in {}", self.region),
                format!("choose another {field}, or create it in RDS"),
            ),
            Looked::Unseen(unseen, permission) => self.unseen(&format!("DB subnet group {name}"), unseen, permission),
        };
        finding.at(self.restore.target.path(field))
    }

    fn parameter_group(
        &self,
        name: &str,
        looked: &Looked<String>,
        family: Option<&Looked<String>>,
        engine: Option<(&str, Option<&str>)>,
    ) -> Finding {
        let (kind, field) = match self.restore.target {
            RestoreTarget::Instance(_) => ("DB parameter group", "db_parameter_group_name"),
            RestoreTarget::Cluster(_) => ("DB cluster parameter group", "db_cluster_parameter_group_name"),
        };
        let what = self.named(kind, name, parameter_group_key(&self.restore.target));
        let choose = format!("give {field} of one that does, or create it in RDS");
        // RDS makes its own groups when they are first needed [K], so a missing one of them is none that stands in the way.
        let default = name.strip_prefix("default.").filter(|_| *looked == Looked::Missing);
        let of = match (looked, default) {
            (Looked::There(of), _) => of.as_str(),
            (Looked::Missing, Some(of)) => of,
            (Looked::Missing, None) => {
                let message = format!("{what} does not exist in {}", self.region);
                let action = format!("choose another {field}, or create it in RDS");
                return Finding::error("PARAMETER_GROUP_MISSING", message, action).at(self.restore.target.path(field));
            }
            (Looked::Unseen(unseen, permission), _) => {
                return self.unseen(&format!("{kind} {name}"), unseen, permission).at(self.restore.target.path(field));
            }
        };
        let engine = engine.map_or_else(|| "the engine".to_owned(), of_version);
        let finding = match family {
            Some(Looked::There(family)) if family.eq_ignore_ascii_case(of) => {
                Finding::info("PARAMETER_GROUP_FITS", format!("{kind} {name} is of family {of}, as {engine} takes it"))
            }
            Some(Looked::There(family)) => Finding::error(
                "PARAMETER_GROUP_OF_OTHER_FAMILY",
                format!("{what} is of family {of}, and {engine} takes one of {family}"),
                choose,
            ),
            Some(Looked::Unseen(unseen, permission)) => {
                self.unseen(&format!("whether {kind} {name} (family {of}) fits {engine}"), unseen, permission)
            }
            Some(Looked::Missing) | None => {
                let message = format!(
                    "{kind} {name} is of family {of}, and RDS does not tell which family {engine} takes: if it is another, \
                     the job fails"
                );
                Finding::warning("NOT_CHECKED", message, "watch the job")
            }
        };
        finding.at(self.restore.target.path(field))
    }

    fn option_group(&self, name: &str, looked: &Looked<OptionsOf>, engine: Option<(&str, Option<&str>)>) -> Finding {
        let field = "option_group_name";
        let what = self.named("option group", name, "OptionGroupName");
        let finding = match looked {
            // Made when it is first needed, as default parameter groups are [K].
            Looked::Missing if name.starts_with("default:") => {
                Finding::info("OPTION_GROUP_FITS", format!("option group {name} is RDS's own, made when it is needed"))
            }
            Looked::Missing => Finding::error(
                "OPTION_GROUP_MISSING",
                format!("{what} does not exist in {}", self.region),
                format!("choose another {field}, or create it in RDS"),
            ),
            Looked::Unseen(unseen, permission) => self.unseen(&format!("option group {name}"), unseen, permission),
            Looked::There(of) if fits(of, engine) => Finding::info(
                "OPTION_GROUP_FITS",
                format!("option group {name} is for {} {}", of.engine, of.major_version),
            ),
            Looked::There(of) => Finding::error(
                "OPTION_GROUP_OF_OTHER_ENGINE",
                format!(
                    "{what} is for {} {}, and the recovery point is of {}",
                    of.engine,
                    of.major_version,
                    engine.map_or_else(String::new, of_version)
                ),
                format!("give {field} of one for that engine, or create it in RDS"),
            ),
        };
        finding.at(self.restore.target.path(field))
    }

    /// Zones are a region's own.
    fn zones(&self, metadata: &RestoreMetadata) -> Vec<Finding> {
        let (key, field) = match self.restore.target {
            RestoreTarget::Instance(_) => ("AvailabilityZone", "availability_zone"),
            RestoreTarget::Cluster(_) => ("AvailabilityZones", "availability_zones"),
        };
        let text = metadata.get(key).unwrap_or_default();
        let elsewhere: Vec<String> = names(text).into_iter().filter(|zone| !self.is_here(zone)).collect();
        if elsewhere.is_empty() {
            return Vec::new();
        }
        let what = self.named("availability zone", text, key).replace(text, &elsewhere.join(", "));
        let message = format!("{what} is none of region {}, where the recovery point is", self.region);
        let found = Finding::error("ZONE_OF_OTHER_REGION", message, format!("give {field} of {}", self.region));
        vec![found.at(self.restore.target.path(field))]
    }

    fn is_here(&self, zone: &str) -> bool {
        is_zone_of(zone, &self.region)
    }

    /// Security groups are a VPC's, and with it a region's own: those that a copied point has from its first region are
    /// never there. Which are meant instead nobody can tell but the caller.
    fn groups_of_other_region(&self, metadata: &RestoreMetadata) -> Option<Finding> {
        let from = self.from.as_ref()?;
        let text = metadata.get(SECURITY_GROUPS).filter(|text| self.own.get(SECURITY_GROUPS) == Some(text))?;
        let groups = names(text);
        if groups.is_empty() {
            return None;
        }
        let message = format!(
            "security groups {}, which the recovery point has from region {from}, are none of region {}, where it is",
            groups.join(", "),
            self.region
        );
        let action = format!("give vpc_security_group_ids of {}, of the subnet group's VPC", self.region);
        let found = Finding::error("SECURITY_GROUPS_OF_OTHER_REGION", message, action);
        Some(found.at(self.restore.target.path("vpc_security_group_ids")))
    }

    fn unasked(&self, metadata: &RestoreMetadata, key: &str, what: &str, command: &str) -> Option<Finding> {
        let text = metadata.get(key).filter(|text| !text.is_empty())?;
        let names = names(text);
        if names.is_empty() {
            return None;
        }
        let named = names.join(" ");
        let own = self.own.get(key) == Some(text);
        let doubt = match &self.from {
            Some(from) if own => format!("the recovery point has them from region {from}, whose are none of another"),
            _ => "Strongroom has no way to ask for them".to_owned(),
        };
        let vpc = if key == SECURITY_GROUPS { " and are of the subnet group's VPC" } else { "" };
        let message = format!("{what} {named} could not be checked ({doubt}): if they are wrong, the job fails");
        let action = format!("see that they are there{vpc}: {command} {named} --region {}", self.region);
        let field = match key {
            SECURITY_GROUPS => self.restore.target.path("vpc_security_group_ids"),
            _ => FIELD.to_owned(),
        };
        Some(Finding::warning("NOT_CHECKED", message, action).at(field))
    }
}

/// The names of a list in metadata, which may be one name alone.
fn names(text: &str) -> Vec<String> {
    let names = serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()]);
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

/// Whether that is a zone of the region: `us-east-1a`, `us-east-1-bos-1a`.
pub(super) fn is_zone_of(zone: &str, region: &RegionName) -> bool {
    let rest = zone.strip_prefix(region.as_str());
    rest.is_some_and(|rest| rest.starts_with(|first: char| first == '-' || first.is_ascii_alphabetic()))
}

fn of_version((engine, version): (&str, Option<&str>)) -> String {
    version.map_or_else(|| engine.to_owned(), |version| format!("{engine} {version}"))
}

/// Whether an option group is for that engine and version; of what is not known it is.
fn fits(of: &OptionsOf, engine: Option<(&str, Option<&str>)>) -> bool {
    let Some((engine, version)) = engine else { return true };
    let of_major = |version: &str| {
        of.major_version.is_empty()
            || version
                .strip_prefix(of.major_version.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    of.engine.eq_ignore_ascii_case(engine) && version.is_none_or(of_major)
}

/// Whether the key of the recovery point, with which the new database is encrypted, can be used.
pub fn key(arn: &str, looked: &Looked<KeyState>) -> Finding {
    let finding = match looked {
        Looked::There(KeyState { enabled: true, .. }) => Finding::info("KEY_USABLE", format!("key {arn} is enabled")),
        Looked::There(KeyState { word, .. }) => Finding::error(
            "KEY_NOT_USABLE",
            format!("key {arn}, with which the recovery point is encrypted, is {word}: nothing can be read from it"),
            "enable it in KMS, or cancel its deletion",
        ),
        Looked::Missing => Finding::error(
            "KEY_MISSING",
            format!(
                "key {arn}, with which the recovery point is encrypted, does not exist: nothing can be read from it"
            ),
            "restore another recovery point",
        ),
        Looked::Unseen(unseen, permission) => super::checks::not_checked(&format!("key {arn}"), permission, unseen),
    };
    finding.at(format!("{FIELD}.recovery_point"))
}

/// That the metadata named a key of another region, which is not sent.
pub(super) fn key_left_out(key: &str) -> Finding {
    let message = format!(
        "the recovery point remembers key {key} of the database that was backed up, which is of another region: it is not \
         sent, and the new database has the recovery point's own key"
    );
    Finding::info("KEY_OF_OTHER_REGION", message).at(format!("{FIELD}.recovery_point"))
}
