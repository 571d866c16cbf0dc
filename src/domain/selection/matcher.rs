//! Whether a selection selects a resource, by what, and everything that stands in the way (docs/aws-backup-semantics.md, section 8).
//!
//! ```text
//! selected(r) =  supported(r) ∧ in region ∧ ¬ member of a cluster ∧ ( opted_in(r) ∨ its type is named )
//!             ∧ ( any(resources, glob(r.arn)) ∨ any(any_of, tag test) ∨ both lists empty )
//!             ∧ all(all_of, tag test)
//!             ∧ ¬ any(excluded, glob(r.arn))
//! ```
//!
//! AWS Backup is never told the outcome: it selects by itself, at every run of a rule. This is for previews and
//! explanations alone, and is held against the sandbox's own matcher in `tests/it/matching.rs`.

mod glob;
mod mismatch;
mod tag_test;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use glob::fits_arn;
pub use mismatch::{Mismatch, MismatchKind};

use super::{Criteria, Match, ResourcePattern, TagCondition};
use crate::domain::{Arn, Resource, ResourceKind, ResourceType, Scope, invalid::quoted};

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
        let cluster =
            (self.kind == ResourceKind::DbInstance && !self.cluster_id.is_empty()).then_some(&*self.cluster_id);
        Candidate { arn: &self.arn, resource_type: Some(self.resource_type()), tags: &self.tags, cluster }
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

/// What a selection makes of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What selects it, in words; `None`: it is not selected.
    pub selected_by: Option<String>,
    /// Everything that keeps it from being selected. Empty when it is selected.
    pub mismatches: Vec<Mismatch>,
    /// It is not selected and little is lacking: one tag, the case of a letter, the region's opt-in. A resource that is
    /// plainly another one is no near miss.
    pub near_miss: bool,
}

impl Verdict {
    /// Whether the resource is selected.
    pub fn selected(&self) -> bool {
        self.selected_by.is_some()
    }
}

impl Criteria {
    /// What these criteria make of a resource, there and with those settings.
    pub fn judge(&self, candidate: &Candidate<'_>, eligibility: &Eligibility) -> Verdict {
        let mut mismatches = eligibility.mismatches(candidate, self);
        let assigned_by = self.assigned_by(candidate).map_err(|alternatives| {
            // One of these would have been enough, so only the nearest counts as lacking.
            let near = alternatives.iter().any(|mismatch| mismatch.kind.in_case());
            mismatches.extend(alternatives);
            near
        });
        let failed: Vec<_> = self.all_of().filter_map(|test| test.mismatch(candidate.tags)).collect();
        let lacking = failed.iter().filter(|mismatch| !mismatch.kind.in_case()).count();
        mismatches.extend(failed);
        mismatches.extend(self.exclusion(candidate));
        match assigned_by {
            Ok(by) if mismatches.is_empty() => {
                let conditions = if self.all_of().next().is_some() { ", and every condition holds" } else { "" };
                Verdict { selected_by: Some(format!("{by}{conditions}")), mismatches, near_miss: false }
            }
            assigned_by => {
                let near_miss = assigned_by.map_or_else(|near| near, |_| true) && lacking <= 1;
                Verdict { selected_by: None, mismatches, near_miss }
            }
        }
    }

    /// By which entry it is among what conditions and exclusions then narrow; if by none, what each entry says to it.
    fn assigned_by(&self, candidate: &Candidate<'_>) -> Result<String, Vec<Mismatch>> {
        // An empty selection takes everything [D]; also when it has conditions [U].
        if self.resources.is_empty() && self.any_of().next().is_none() {
            return Ok("no list of resources or tags: everything".to_owned());
        }
        let fits = |pattern: &ResourcePattern| fits_arn(pattern.as_str(), candidate.arn);
        if let Some(index) = self.resources.iter().position(fits) {
            return Ok(format!("resources[{index}] {}", quoted(self.resources[index].as_str())));
        }
        let mut mismatches = Vec::new();
        if !self.resources.is_empty() {
            mismatches.push(self.not_listed(candidate));
        }
        for test in self.any_of() {
            match test.mismatch(candidate.tags) {
                Some(mismatch) => mismatches.push(mismatch),
                None => return Ok(format!("{} tag {} = {}", test.field(), test.key(), quoted(test.value()))),
            }
        }
        Err(mismatches)
    }

    fn not_listed(&self, candidate: &Candidate<'_>) -> Mismatch {
        let arn = candidate.arn;
        let lower = arn.to_lowercase();
        let in_case = self.resources.iter().position(|pattern| fits_arn(&pattern.as_str().to_lowercase(), &lower));
        if let Some(index) = in_case {
            let message = format!(
                "{} differs from {arn} in the case of letters, which counts",
                quoted(self.resources[index].as_str())
            );
            return Mismatch { kind: MismatchKind::ArnDiffersInCase, message, field: format!("resources[{index}]") };
        }
        let message = match self.resources.as_slice() {
            [only] => format!("{arn} does not fit {}", quoted(only.as_str())),
            several => format!("{arn} fits none of the {} entries of resources", several.len()),
        };
        Mismatch { kind: MismatchKind::ArnNotListed, message, field: "resources".to_owned() }
    }

    fn exclusion(&self, candidate: &Candidate<'_>) -> Option<Mismatch> {
        let index = self.excluded.iter().position(|pattern| fits_arn(pattern.as_str(), candidate.arn))?;
        let message = format!("excluded_resources has {}, which takes it out", quoted(self.excluded[index].as_str()));
        let field = format!("excluded_resources[{index}]");
        Some(Mismatch { kind: MismatchKind::ResourceExcluded, message, field })
    }

    /// The tests that must all hold: AWS's `Conditions`.
    fn all_of(&self) -> impl Iterator<Item = TagTest<'_>> {
        tests("conditions", if self.matching == Match::All { &self.conditions } else { &[] })
    }

    /// The tests of which one is enough: AWS's `ListOfTags`.
    fn any_of(&self) -> impl Iterator<Item = TagTest<'_>> {
        let ours = tests("conditions", if self.matching == Match::Any { &self.conditions } else { &[] });
        ours.chain(tests("any_conditions", &self.any_conditions))
    }

    /// Whether an entry of `resources` that fits names the resource's type, so that opt-in is not asked (section 8.4).
    fn names_the_type_of(&self, candidate: &Candidate<'_>) -> bool {
        self.resources
            .iter()
            .map(ResourcePattern::as_str)
            .any(|pattern| names_a_type(pattern) && fits_arn(pattern, candidate.arn))
    }
}

/// A tag condition and where it stands.
#[derive(Debug, Clone, Copy)]
struct TagTest<'a> {
    condition: &'a TagCondition,
    list: &'static str,
    index: usize,
}

fn tests<'a>(list: &'static str, conditions: &'a [TagCondition]) -> impl Iterator<Item = TagTest<'a>> {
    conditions.iter().enumerate().map(move |(index, condition)| TagTest { condition, list, index })
}

impl Eligibility {
    /// What keeps any selection, or one that does not name its type, from selecting the resource.
    fn mismatches(&self, candidate: &Candidate<'_>, criteria: &Criteria) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        let mut add = |kind, message| mismatches.push(Mismatch { kind, message, field: String::new() });
        let Scope { account, region } = &self.scope;
        if super::is_elsewhere(candidate.arn, &self.scope) {
            let message =
                format!("{} is not in account {account} and {region}: a plan selects nothing elsewhere", candidate.arn);
            add(MismatchKind::ResourceOutOfScope, message);
        }
        if let Some(cluster) = candidate.cluster {
            let message =
                format!("is an instance of cluster {cluster}: AWS Backup backs up the cluster, not its instances");
            add(MismatchKind::ClusterMember, message);
        }
        match &candidate.resource_type {
            Some(of_type) if self.supported.contains(of_type.as_str()) => {
                let opted_in = self.opt_in.get(of_type.as_str()).copied().unwrap_or(true);
                if !opted_in && !criteria.names_the_type_of(candidate) {
                    let message = format!(
                        "the settings of {region} opt out of {of_type}, which no entry of resources names: opt in, or \
                         name the resource by its ARN"
                    );
                    add(MismatchKind::ResourceTypeOptedOut, message);
                }
            }
            Some(of_type) => {
                add(
                    MismatchKind::ResourceTypeNotSupported,
                    format!("AWS Backup does not support {of_type} in {region}"),
                );
            }
            None => {
                let message = format!("AWS Backup has no resource type for {}", candidate.arn);
                add(MismatchKind::ResourceTypeNotSupported, message);
            }
        }
        mismatches
    }
}

/// Whether an entry of `resources` names a resource type: a concrete ARN, or a pattern whose service and type are spelled
/// out. ARN formats that several types share name none of them `[D]`.
fn names_a_type(pattern: &str) -> bool {
    if !pattern.contains('*') {
        return true;
    }
    let mut parts = pattern.splitn(6, ':').skip(2);
    let (Some(service), Some(resource)) = (parts.next(), parts.nth(2)) else { return false };
    let Some((kind, _)) = resource.split_once([':', '/']) else { return false };
    let spelled_out = !service.contains('*') && !kind.contains('*');
    spelled_out && !matches!((service, kind), ("rds", "cluster") | ("fsx", "file-system"))
}
