//! What AWS Backup backs up at all, whoever asks: a selection of a plan, or somebody on demand. The one place that knows
//! what of a resource itself stands in the way, and that says so (docs/aws-backup-semantics.md, sections 8.1 to 8.4).

use std::collections::{BTreeMap, BTreeSet};

use super::{Mismatch, MismatchKind, is_elsewhere};
use crate::domain::{
    Arn, Finding, Noun, Refusal, RefusalKind, Resource, ResourceType, Scope, resource_type::other_kinds,
};

/// A resource that a selection may select.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// AWS Backup's name of its type; `None`: it has none.
    pub resource_type: Option<ResourceType>,
    /// Its tags.
    pub tags: &'a BTreeMap<String, String>,
    /// The cluster that it is an instance of.
    pub cluster: Option<&'a str>,
}

impl<'a> Candidate<'a> {
    /// A resource of any service, by its ARN. A cluster of RDS is taken for Aurora: only its engine would tell.
    pub fn of_arn(arn: &'a Arn, tags: &'a BTreeMap<String, String>) -> Self {
        Self { arn: arn.as_str(), resource_type: ResourceType::of_arn(arn), tags, cluster: None }
    }
}

impl Resource {
    /// As a selection sees it.
    pub fn candidate(&self) -> Candidate<'_> {
        Candidate {
            arn: &self.arn,
            resource_type: Some(self.resource_type()),
            tags: &self.tags,
            cluster: self.member_of(),
        }
    }
}

/// What AWS Backup may select at all in an account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligibility {
    /// Account and region: a plan selects nothing elsewhere.
    pub scope: Scope,
    /// The resource types that AWS Backup supports in the region.
    pub supported: BTreeSet<String>,
    /// By resource type: whether the region's settings opt in. A type that is not listed counts as opted in `[I]`.
    pub opt_in: BTreeMap<String, bool>,
}

/// How a resource comes to be backed up: the region's opt-in does not count for all ways (section 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// An entry of `resources` names it, or its type alone.
    Named,
    /// Tags, or an entry that several types share.
    Found,
    /// StartBackup.
    OnDemand,
}

impl Eligibility {
    /// What it takes to look at it.
    pub const PERMISSIONS: &str = "backup:GetSupportedResourceTypes and backup:DescribeRegionSettings";

    /// Whether the region's settings opt out of anything that it supports.
    pub fn opts_out(&self) -> bool {
        self.opt_in.iter().any(|(name, on)| !on && self.supported.contains(name))
    }

    /// Everything of the resource itself that stands in the way.
    pub(super) fn mismatches(&self, candidate: &Candidate<'_>, way: Way) -> Vec<Mismatch> {
        let Scope { account, region } = &self.scope;
        let elsewhere = is_elsewhere(candidate.arn, &self.scope).then(|| {
            let message =
                format!("{} is not in account {account} and {region}: a plan selects nothing elsewhere", candidate.arn);
            mismatch(MismatchKind::ResourceOutOfScope, message)
        });
        let unfit = candidate.unfit();
        elsewhere.into_iter().chain(unfit).chain(self.not_here(candidate, way)).collect()
    }

    /// That the region does not support the type, or opts out of it.
    fn not_here(&self, candidate: &Candidate<'_>, way: Way) -> Option<Mismatch> {
        let (region, of_type) = (&self.scope.region, candidate.resource_type.as_ref()?);
        if !self.supported.contains(of_type.as_str()) {
            return Some(mismatch(MismatchKind::ResourceTypeNotSupported, not_supported(of_type, &self.scope)));
        }
        if self.opt_in.get(of_type.as_str()).copied().unwrap_or(true) {
            return None;
        }
        let why = match way {
            Way::OnDemand => ", which AWS says counts for backups on demand too: the job may fail".to_owned(),
            _ if of_type.heeds_opt_in_when_named() => {
                format!(", which counts for {of_type} even where an entry of resources names it: opt in")
            }
            Way::Named => return None,
            Way::Found => ", which no entry of resources names: opt in, or name the resource by its ARN".to_owned(),
        };
        let message = format!("the settings of {region} opt out of {of_type}{why}");
        Some(mismatch(MismatchKind::ResourceTypeOptedOut, message))
    }
}

impl Candidate<'_> {
    /// What stands in the way whatever the region's settings are.
    fn unfit(&self) -> Option<Mismatch> {
        if let Some(cluster) = self.cluster {
            return Some(mismatch(MismatchKind::ClusterMember, member_of(cluster)));
        }
        let none = || mismatch(MismatchKind::ResourceTypeNotSupported, no_type(self.arn));
        self.resource_type.is_none().then(none)
    }

    /// ARN of the cluster that it is an instance of.
    pub fn cluster_arn(&self) -> Option<String> {
        let (place, _) = self.arn.split_once(":db:")?;
        self.cluster.map(|cluster| format!("{place}:cluster:{cluster}"))
    }

    /// What lets a selection that names the resource by its ARN pass over it all the same.
    pub fn findings_when_named(&self, eligibility: Option<&Eligibility>) -> Vec<Finding> {
        let mismatches = match eligibility {
            Some(eligibility) => eligibility.mismatches(self, Way::Named),
            None => self.unfit().into_iter().collect(),
        };
        mismatches.iter().map(|mismatch| self.finding(mismatch)).collect()
    }

    /// Whether AWS Backup backs it up on demand, and what will surprise. Without the region's settings only what holds in
    /// every region is told.
    pub fn on_demand(&self, eligibility: Option<&Eligibility>) -> Result<Vec<Finding>, Refusal> {
        let mismatches = match eligibility {
            Some(eligibility) => eligibility.mismatches(self, Way::OnDemand),
            None => self.unfit().into_iter().collect(),
        };
        for mismatch in &mismatches {
            let certain = match mismatch.kind {
                MismatchKind::ClusterMember => true,
                // A type that this version does not know may be one that AWS has by now; of its own databases nothing but
                // instances and clusters, and of its own vaults nothing at all.
                MismatchKind::ResourceTypeNotSupported => {
                    self.resource_type.is_some() || matches!(self.arn.split(':').nth(2), Some("rds" | "backup"))
                }
                _ => false,
            };
            if certain {
                let Finding { message, action, .. } = self.finding(mismatch);
                let message = format!("{message}: {action}");
                return Err(Refusal::of(RefusalKind::Unsupported, Noun::Resource, self.arn, message));
            }
        }
        Ok(mismatches.iter().map(|mismatch| self.finding(mismatch)).collect())
    }

    fn finding(&self, mismatch: &Mismatch) -> Finding {
        let action = match mismatch.kind {
            MismatchKind::ClusterMember => format!("give {}", self.cluster_arn().as_deref().unwrap_or("the cluster")),
            MismatchKind::ResourceTypeOptedOut => "opt in with UpdateRegionSettings".to_owned(),
            MismatchKind::ResourceTypeNotSupported => noun_not_backed_up(self.arn)
                .map_or("use the backups of its own service", |(_, advice)| advice)
                .to_owned(),
            _ => "make a plan there".to_owned(),
        };
        Finding::warning(mismatch.kind.code(), mismatch.sentence(self.arn), action).about(self.arn)
    }
}

impl Mismatch {
    /// The message as a sentence of its own: beside its resource it need not say which.
    pub fn sentence(&self, arn: &str) -> String {
        match self.kind {
            MismatchKind::ClusterMember => format!("{arn} {}", self.message),
            _ => self.message.clone(),
        }
    }

    /// That `resources` names a database that does not exist.
    pub(super) fn missing(arn: &Arn, field: String) -> Self {
        let message = format!("no database has the ARN {arn}: it was deleted, or is spelled otherwise");
        Self { kind: MismatchKind::ResourceMissing, message, field }
    }
}

impl Finding {
    /// That a change names a database that does not exist.
    pub fn database_missing(arn: &Arn) -> Self {
        let Mismatch { kind, message, .. } = Mismatch::missing(arn, String::new());
        Self::warning(kind.code(), message, "correct the ARN, or leave it out").about(arn.as_str())
    }

    /// That the region's settings let a selection pass over resources that it would select: so many of the type, such as
    /// that one.
    pub fn passed_over(of_type: &ResourceType, count: usize, example: &str, scope: &Scope) -> Self {
        let which = match count {
            1 => example.to_owned(),
            count => format!("{count} resources that would be selected otherwise, such as {example}"),
        };
        let message = format!(
            "the settings of {} opt out of {of_type}: AWS Backup passes over {which} without a word",
            scope.region
        );
        let action = match of_type.heeds_opt_in_when_named() {
            true => "opt in with UpdateRegionSettings".to_owned(),
            false => "opt in with UpdateRegionSettings, or name the resources by their ARNs".to_owned(),
        };
        Self::warning(MismatchKind::ResourceTypeOptedOut.code(), message, action)
    }
}

/// That AWS Backup has no resource type for an ARN, or for a pattern of ARNs.
pub(super) fn no_type(text: &str) -> String {
    let noun = noun_not_backed_up(text).map(|(noun, _)| format!(": it {noun}"));
    let why = noun.or_else(|| other_kinds(text)).unwrap_or_default();
    format!("AWS Backup has no resource type for {text}{why}")
}

/// What an ARN is of, and what to do, where no backups are made of it. Of a pattern of ARNs nobody knows.
fn noun_not_backed_up(text: &str) -> Option<(String, &'static str)> {
    if text.contains('*') { None } else { Arn::read(text).ok()?.noun_not_backed_up() }
}

/// What an instance of that cluster is: goes on from its name.
pub(in crate::domain) fn member_of(cluster: &str) -> String {
    format!("is an instance of cluster {cluster}: AWS Backup backs up the cluster, not its instances")
}

/// That the region does not support the type.
pub(in crate::domain) fn not_supported(of_type: &ResourceType, scope: &Scope) -> String {
    format!("AWS Backup does not support {of_type} in {}", scope.region)
}

fn mismatch(kind: MismatchKind, message: String) -> Mismatch {
    Mismatch { kind, message, field: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RegionName};

    const MEMBER: &str = "arn:aws:rds:us-east-1:123456789012:db:ledger-1";

    fn eligibility(opted_out: &[&str]) -> Eligibility {
        let out = |name: &str| opted_out.contains(&name);
        Eligibility {
            scope: Scope { account: AccountId::example(), region: RegionName::example() },
            supported: ResourceType::DATABASES.into_iter().map(Into::into).collect(),
            opt_in: ResourceType::DATABASES.iter().map(|of| (of.as_str().to_owned(), !out(of.as_str()))).collect(),
        }
    }

    #[test]
    fn an_instance_of_a_cluster_is_told_with_the_cluster_s_arn_in_every_way() {
        let none = BTreeMap::new();
        let member =
            Candidate { arn: MEMBER, resource_type: Some(ResourceType::AURORA), tags: &none, cluster: Some("ledger") };
        let cluster = "arn:aws:rds:us-east-1:123456789012:cluster:ledger";
        for settings in [None, Some(&eligibility(&[]))] {
            let refused = member.on_demand(settings).unwrap_err();
            assert_eq!(refused.kind, RefusalKind::Unsupported);
            assert!(refused.message.ends_with(cluster), "{}", refused.message);
            let named = member.findings_when_named(settings);
            assert_eq!(named[0].code, "CLUSTER_MEMBER");
            assert!(refused.message.starts_with(&named[0].message) && named[0].action.ends_with(cluster), "{named:?}");
        }
    }

    #[test]
    fn an_arn_does_not_help_those_that_heed_the_opt_in_when_named() {
        let none = BTreeMap::new();
        for of in ResourceType::DATABASES {
            let candidate = Candidate { arn: MEMBER, resource_type: Some(of.clone()), tags: &none, cluster: None };
            let settings = eligibility(&[of.as_str()]);
            let named = candidate.findings_when_named(Some(&settings));
            assert_eq!(named.len(), usize::from(of != ResourceType::RDS), "{of}");
            let on_demand = candidate.on_demand(Some(&settings)).unwrap();
            let start = format!("the settings of us-east-1 opt out of {of}");
            assert!(on_demand.iter().chain(&named).all(|told| told.message.starts_with(&start)), "{on_demand:?}");
            assert_eq!(candidate.on_demand(Some(&eligibility(&[]))), Ok(Vec::new()));
        }
    }

    #[test]
    fn what_aws_backup_may_have_by_now_is_warned_of_and_what_it_cannot_have_is_refused() {
        let none = BTreeMap::new();
        let told = |arn: &str| {
            let arn = Arn::parse(arn).unwrap();
            let told = Candidate::of_arn(&arn, &none).on_demand(Some(&eligibility(&[])));
            told.map(|found| found.iter().map(|finding| finding.code).collect::<Vec<_>>()).map_err(|it| it.kind)
        };
        assert_eq!(told("arn:aws:sqs:us-east-1:123456789012:queue"), Ok(vec!["RESOURCE_TYPE_NOT_SUPPORTED"]));
        for arn in [
            "arn:aws:rds:us-east-1:123456789012:snapshot:s",
            "arn:aws:backup:us-east-1:123456789012:recovery-point:r",
            "arn:aws:eks:us-east-1:123456789012:cluster/c",
        ] {
            assert_eq!(told(arn), Err(RefusalKind::Unsupported), "{arn}");
        }
    }
}
