//! What a role needs to serve resource types: AWS's managed policies for them (docs/aws-backup-semantics.md, section 2.1).

use jiff::{SignedDuration, Timestamp};

use super::{RoleState, Trust};
use crate::domain::{Fault, Finding, ResourceType, Tags, given_before};

/// A managed policy that a role needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServicePolicy {
    /// Without it no backup works, but those of S3.
    Backup,
    /// Without it no restore works, but those of S3.
    Restores,
    /// Without it no bucket is backed up.
    S3Backup,
    /// Without it no bucket is restored.
    S3Restore,
}

impl ServicePolicy {
    /// ARN in a partition of AWS, such as `aws-cn` `[D]`. The second is plural: `…ForRestores`. Those of S3 have no path `[Q]`.
    pub fn arn(self, partition: &str) -> String {
        let name = match self {
            Self::Backup => "service-role/AWSBackupServiceRolePolicyForBackup",
            Self::Restores => "service-role/AWSBackupServiceRolePolicyForRestores",
            Self::S3Backup => "AWSBackupServiceRolePolicyForS3Backup",
            Self::S3Restore => "AWSBackupServiceRolePolicyForS3Restore",
        };
        format!("arn:{partition}:iam::aws:policy/{name}")
    }

    /// Whether restores need it; otherwise backups do.
    fn is_for_restores(self) -> bool {
        matches!(self, Self::Restores | Self::S3Restore)
    }

    /// The one for backups of the type, and the one for its restores `[D]`.
    fn of_type(resource_type: &ResourceType) -> [Self; 2] {
        if *resource_type == ResourceType::S3 {
            [Self::S3Backup, Self::S3Restore]
        } else {
            [Self::Backup, Self::Restores]
        }
    }
}

/// The resource types that a role is to serve; at least one, each once, in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedTypes {
    types: Vec<ResourceType>,
    /// Where each stands in the request.
    places: Vec<usize>,
}

/// More than AWS Backup has types.
const MOST_NAMES: usize = 100;

impl Default for ServedTypes {
    /// RDS, which needs what all types but S3 need.
    fn default() -> Self {
        Self::of(ResourceType::RDS)
    }
}

impl ServedTypes {
    /// The one type.
    pub fn of(resource_type: ResourceType) -> Self {
        Self { types: vec![resource_type], places: vec![0] }
    }

    /// AWS Backup's names, or every one that cannot be one, by its index. None at all: the default. What this version does
    /// not know the region is asked about ([`ResourceType::judged`]).
    pub fn parse(names: &[String]) -> Result<Self, Vec<(String, Fault)>> {
        if names.len() > MOST_NAMES {
            let fault = format!("has {} types: at most {MOST_NAMES} are possible", names.len());
            return Err(vec![(String::new(), fault.into())]);
        }
        let (mut types, mut places) = (Vec::new(), Vec::new());
        let mut faults = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let named = given_before(names, index).map_or_else(|| ResourceType::parse(name), Err);
            match named {
                Ok(named) => {
                    types.push(named);
                    places.push(index);
                }
                Err(fault) => faults.push((format!("[{index}]"), fault)),
            }
        }
        match (faults.is_empty(), types.is_empty()) {
            (false, _) => Err(faults),
            (true, true) => Ok(Self::default()),
            (true, false) => Ok(Self { types, places }),
        }
    }

    /// The types, each with the field of the request that names it.
    pub fn named<'t>(&'t self, field: &str) -> Vec<(String, &'t ResourceType)> {
        let places = self.places.iter().map(|place| format!("{field}[{place}]"));
        places.zip(&self.types).collect()
    }

    /// Each policy that they need, once.
    fn policies(&self) -> Vec<ServicePolicy> {
        let mut policies = Vec::new();
        for policy in self.types.iter().flat_map(ServicePolicy::of_type) {
            if !policies.contains(&policy) {
                policies.push(policy);
            }
        }
        policies
    }
}

/// What a role lacks to back up, or to restore, resources of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleNeed {
    /// AWS Backup's name.
    pub resource_type: ResourceType,
    /// True: to restore; false: to back up.
    pub restore: bool,
    /// The managed policies that are not attached.
    pub missing: Vec<ServicePolicy>,
}

/// As long as it may take IAM to tell AWS Backup of a role: tools that make roles wait so long `[T]`.
const PROPAGATION: SignedDuration = SignedDuration::from_mins(2);

/// What mends most of what a role lacks.
const REPAIR: &str = "call EnsureServiceRole";

impl RoleState {
    /// The policies that it lacks to serve the types.
    pub fn missing(&self, served: &ServedTypes) -> Vec<ServicePolicy> {
        let mut policies = served.policies();
        policies.retain(|policy| self.lacks(*policy));
        policies
    }

    fn lacks(&self, policy: ServicePolicy) -> bool {
        !self.attached.contains(&policy.arn(self.partition))
    }

    /// By type, backup before restore: what it lacks.
    pub fn needs(&self, served: &ServedTypes) -> Vec<RoleNeed> {
        let needs = served.types.iter().flat_map(|resource_type| {
            ServicePolicy::of_type(resource_type).into_iter().zip([false, true]).map(|(policy, restore)| {
                let missing = if self.lacks(policy) { vec![policy] } else { Vec::new() };
                RoleNeed { resource_type: resource_type.clone(), restore, missing }
            })
        });
        needs.collect()
    }

    /// What is wrong with it, or worth knowing, for databases.
    pub fn findings(&self) -> Vec<Finding> {
        self.findings_for(&ServedTypes::default())
    }

    /// What is wrong with it, or worth knowing, for the types that it is to serve.
    pub fn findings_for(&self, served: &ServedTypes) -> Vec<Finding> {
        let doubt = (!self.inline.is_empty()).then_some("inline");
        let lacking = self.missing(served).into_iter().map(|policy| self.lacking(policy, doubt));
        self.trust_finding().into_iter().chain(lacking).collect()
    }

    /// What lets its restores, or else its backups, fail. A policy that is not AWS's own for backups can allow them all the
    /// same: Strongroom does not read what policies say.
    pub fn findings_of_jobs(&self, served: &ServedTypes, restores: bool) -> Vec<Finding> {
        let others = self.attached.iter().any(|arn| !arn.contains("/AWSBackupServiceRolePolicyFor"));
        let doubt = if self.inline.is_empty() { others.then_some("other") } else { Some("inline") };
        let missing = self.missing(served).into_iter().filter(|policy| policy.is_for_restores() == restores);
        self.trust_finding().into_iter().chain(missing.map(|policy| self.lacking(policy, doubt))).collect()
    }

    /// What of its trust policy is wrong, or worth knowing.
    pub(super) fn trust_finding(&self) -> Option<Finding> {
        let name = &self.name;
        Some(match self.trust {
            Trust::Granted => return None,
            Trust::Conditional => Finding::warning(
                "TRUST_CONDITIONAL",
                format!("role {name} trusts backup.amazonaws.com under a condition that Strongroom cannot judge"),
                "make sure that the condition holds for AWS Backup",
            ),
            Trust::Missing => Finding::error(
                "TRUST_MISSING",
                format!("role {name} does not let backup.amazonaws.com assume it: every backup and restore fails"),
                REPAIR,
            ),
            Trust::Denied => Finding::error(
                "TRUST_DENIED",
                format!("a statement of role {name}'s trust policy denies backup.amazonaws.com"),
                "remove that statement by hand: EnsureServiceRole only adds",
            ),
            Trust::Unreadable => Finding::error(
                "TRUST_UNREADABLE",
                format!("the trust policy of role {name} is not readable JSON"),
                "replace it by hand",
            ),
        })
    }

    /// That the policy is not attached. `doubt`: the sort of its policies that may allow the same.
    fn lacking(&self, policy: ServicePolicy, doubt: Option<&str>) -> Finding {
        let (code, what) = match policy {
            ServicePolicy::Backup => ("BACKUP_POLICY_MISSING", "back up"),
            ServicePolicy::Restores => ("RESTORE_POLICY_MISSING", "restore"),
            ServicePolicy::S3Backup => ("BACKUP_POLICY_MISSING", "back up buckets of S3"),
            ServicePolicy::S3Restore => ("RESTORE_POLICY_MISSING", "restore buckets of S3"),
        };
        let message = format!("role {} lacks {}", self.name, policy.arn(self.partition));
        match doubt {
            None => Finding::error(code, format!("{message}: AWS Backup cannot {what}"), REPAIR),
            Some(which) => {
                let message = format!("{message}; whether its {which} policies let AWS Backup {what} is not known");
                Finding::warning(code, message, REPAIR)
            }
        }
    }

    /// That tags which EnsureServiceRole was asked for are not on the role: it gives them to roles that it makes. IAM takes
    /// keys that differ in case alone for the same `[D]`.
    pub fn tags_kept(&self, asked: &Tags) -> Option<Finding> {
        let is_there =
            |key: &str, value: &str| self.tags.iter().any(|(k, v)| k.eq_ignore_ascii_case(key) && v == value);
        let lacking: Vec<&str> =
            asked.0.iter().filter(|(key, value)| !is_there(key, value)).map(|(key, _)| key.as_str()).collect();
        if lacking.is_empty() {
            return None;
        }
        let message = format!(
            "role {} was there already and keeps its tags: as asked for it does not have {}; `aws iam tag-role` sets them",
            self.name,
            lacking.join(", ")
        );
        Some(Finding::info("ROLE_TAGS_KEPT", message).at("tags"))
    }

    /// Whether IAM may not have told AWS Backup of the role yet: it was made, or changed by this very call, just now.
    /// IAM does not tell when others changed it. `now` is AWS's present time.
    pub fn recent(&self, changed: bool, now: Timestamp) -> Option<Finding> {
        let young = self.created_at.filter(|at| now.duration_since(*at) < PROPAGATION);
        let what = match young {
            Some(at) => format!("was created at {at}"),
            None if changed => "was changed just now".to_owned(),
            None => return None,
        };
        let message = format!(
            "role {} {what}: AWS Backup may not be able to assume it for some seconds. Strongroom's own calls wait for that",
            self.name
        );
        Some(Finding::info("ROLE_RECENT", message))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn role(attached: &[ServicePolicy]) -> RoleState {
        RoleState {
            name: "R".into(),
            arn: "arn:aws:iam::123456789012:role/R".into(),
            path: "/".into(),
            partition: "aws",
            created_at: Some("2026-03-02T00:00:00Z".parse().unwrap()),
            trust: Trust::Granted,
            attached: attached.iter().map(|policy| policy.arn("aws")).collect(),
            inline: Vec::new(),
            tags: BTreeMap::new(),
        }
    }

    fn served(names: &[&str]) -> ServedTypes {
        ServedTypes::parse(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn buckets_need_policies_of_their_own_and_everything_else_the_two_general_ones() {
        use ServicePolicy as P;
        let general = role(&[P::Backup, P::Restores]);
        assert_eq!(general.missing(&served(&["RDS", "EFS", "VirtualMachine"])), []);
        assert_eq!(general.missing(&served(&["S3", "RDS"])), [P::S3Backup, P::S3Restore]);
        let buckets = role(&[P::S3Backup]);
        let needs = buckets.needs(&served(&["S3", "EBS"]));
        let read: Vec<_> =
            needs.iter().map(|need| (need.resource_type.as_str(), need.restore, need.missing.as_slice())).collect();
        assert_eq!(
            read,
            [
                ("S3", false, &[][..]),
                ("S3", true, &[P::S3Restore]),
                ("EBS", false, &[P::Backup]),
                ("EBS", true, &[P::Restores])
            ]
        );
    }

    #[test]
    fn a_type_that_aws_does_not_have_is_a_fault_with_those_that_it_has() {
        let names = ["RDS".to_owned(), "rds".to_owned(), "Floppy".to_owned(), "a/b".to_owned()];
        let faults = ServedTypes::parse(&names).unwrap_err();
        assert_eq!(faults.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["[1]", "[3]"]);
        assert!(faults[0].1.0.starts_with("\"rds\" is no resource type") && faults[0].1.0.contains("Neptune, RDS"));
        assert_eq!(ServedTypes::parse(&[]), Ok(ServedTypes::default()));
    }

    #[test]
    fn a_role_is_recent_for_two_minutes_or_when_it_was_changed_just_now() {
        let recent =
            |changed, now: &str| role(&[]).recent(changed, now.parse().unwrap()).map(|finding| finding.message);
        assert!(recent(true, "2026-03-02T00:01:59Z").unwrap().contains("was created at 2026-03-02T00:00:00Z"));
        assert!(recent(true, "2026-03-02T00:02:00Z").unwrap().contains("was changed just now"));
        assert_eq!(recent(false, "2026-03-02T00:02:00Z"), None);
    }
}
