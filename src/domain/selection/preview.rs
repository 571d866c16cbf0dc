//! What a selection makes of the resources there are.

use std::collections::BTreeMap;

use super::{
    Candidate, Criteria, Eligibility, Mismatch, MismatchKind, ResourcePattern, SavedSelection, Verdict,
    matcher::fits_arn,
};
use crate::domain::{Arn, Resource, ResourceType, Scope};

/// What is previewed.
#[derive(Debug, Clone)]
pub enum PreviewOf {
    /// A selection of a plan.
    Saved(SavedSelection),
    /// Criteria that nobody has saved.
    Unsaved(Criteria),
}

/// Which resources a preview tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviewFilter {
    /// All that were looked at.
    All,
    /// Only the selected ones.
    Selected,
    /// Only the others.
    NotSelected,
}

impl PreviewFilter {
    /// Whether a preview tells of a resource with that verdict.
    pub fn passes(self, verdict: &Verdict) -> bool {
        match self {
            Self::All => true,
            Self::Selected => verdict.selected(),
            Self::NotSelected => !verdict.selected(),
        }
    }
}

/// A resource, and what a selection makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewedResource {
    /// Where it is.
    pub scope: Scope,
    /// ARN.
    pub arn: String,
    /// AWS Backup's name of its type, if it has one.
    pub resource_type: Option<ResourceType>,
    /// Identifier, or the last part of the ARN.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What the selection makes of it.
    pub verdict: Verdict,
}

impl PreviewedResource {
    /// A database.
    pub fn database(database: Resource, criteria: &Criteria, eligibility: &Eligibility) -> Self {
        let verdict = criteria.judge(&database.candidate(), eligibility);
        Self {
            resource_type: Some(database.resource_type()),
            scope: database.scope,
            arn: database.arn,
            name: database.id,
            tags: database.tags,
            verdict,
        }
    }

    /// A resource of which nothing but ARN and tags is known.
    pub fn of_arn(arn: &Arn, tags: BTreeMap<String, String>, criteria: &Criteria, eligibility: &Eligibility) -> Self {
        let verdict = criteria.judge(&Candidate::of_arn(arn, &tags), eligibility);
        let named = arn.scope();
        let Scope { account, region } = &eligibility.scope;
        Self {
            // A bucket's ARN tells neither.
            scope: Scope {
                account: named.account.unwrap_or_else(|| account.clone()),
                region: named.region.unwrap_or_else(|| region.clone()),
            },
            arn: arn.as_str().to_owned(),
            resource_type: ResourceType::of_arn(arn),
            name: arn.resource().rsplit([':', '/']).next().unwrap_or_default().to_owned(),
            tags,
            verdict,
        }
    }

    /// A database that `resources` names by its ARN and that does not exist.
    pub fn missing(arn: &Arn, criteria: &Criteria, eligibility: &Eligibility) -> Self {
        let mut named = Self::of_arn(arn, BTreeMap::new(), criteria, eligibility);
        // Its tags would tell nothing: there is nothing to have any.
        named.verdict.mismatches.retain(|mismatch| !mismatch.field.contains("conditions"));
        let field = criteria.resources.iter().position(|entry| entry.as_str() == arn.as_str());
        let field = field.map(|index| format!("resources[{index}]")).unwrap_or_default();
        named.verdict.mismatches.push(Mismatch::missing(arn, field));
        named.verdict.selected_by = None;
        named.verdict.near_miss = false;
        named
    }

    /// About how many bytes the answer takes for it.
    pub fn size(&self) -> usize {
        let texts = |text: &String| text.len() + 4;
        let tags: usize = self.tags.iter().map(|(key, value)| texts(key) + texts(value)).sum();
        let mismatches: usize =
            self.verdict.mismatches.iter().map(|mismatch| mismatch.message.len() + mismatch.field.len() + 40).sum();
        2 * self.arn.len() + 40 + tags + mismatches + self.verdict.selected_by.as_ref().map_or(0, texts)
    }
}

/// How many resources a selection takes and leaves, of all that any selection could take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Selected.
    pub selected: usize,
    /// Not selected, though a selection could.
    pub left: usize,
    /// Not selected for nothing but the region's opt-in, and named by no ARN: by type, how many, and the ARN of the first.
    pub passed_over: BTreeMap<ResourceType, (usize, String)>,
    /// What the patterns of both lists mean now, by their texts.
    pub meant: BTreeMap<String, Meant>,
    /// Whether all resources were looked at.
    pub complete: bool,
}

/// What a pattern of ARNs means among the resources there are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// Something that AWS Backup backs up.
    Something,
    /// Instances of clusters alone; what is said of the first.
    Members(String),
}

impl Tally {
    /// Counts a resource as the criteria judge it. One that no selection could take counts for nothing.
    pub fn count(&mut self, resource: &PreviewedResource, criteria: &Criteria) {
        let verdict = &resource.verdict;
        let of_kind = |kind| verdict.mismatches.iter().find(|mismatch| mismatch.kind == kind);
        if of_kind(MismatchKind::ResourceMissing).is_none() {
            let member = of_kind(MismatchKind::ClusterMember).map(|mismatch| mismatch.sentence(&resource.arn));
            for pattern in criteria.patterns().filter(|pattern| fits_arn(pattern.as_str(), &resource.arn)) {
                let meant = self.meant.get(pattern.as_str());
                match &member {
                    None => drop(self.meant.insert(pattern.as_str().to_owned(), Meant::Something)),
                    Some(told) if meant.is_none() => {
                        self.meant.insert(pattern.as_str().to_owned(), Meant::Members(told.clone()));
                    }
                    Some(_) => {}
                }
            }
        }
        let impossible = |mismatch: &Mismatch| {
            matches!(
                mismatch.kind,
                MismatchKind::ClusterMember
                    | MismatchKind::ResourceMissing
                    | MismatchKind::ResourceOutOfScope
                    | MismatchKind::ResourceTypeNotSupported
            )
        };
        if verdict.selected() {
            self.selected += 1;
        } else if !verdict.mismatches.iter().any(impossible) {
            self.left += 1;
        }
        if let ([Mismatch { kind: MismatchKind::ResourceTypeOptedOut, .. }], Some(of_type)) =
            (verdict.mismatches.as_slice(), &resource.resource_type)
            && !criteria.resources.iter().any(|entry| entry.as_str() == resource.arn)
        {
            let (count, _) = self.passed_over.entry(of_type.clone()).or_insert_with(|| (0, resource.arn.clone()));
            *count += 1;
        }
    }

    /// Whether more resources can change nothing about the findings.
    pub fn is_settled(&self, eligibility: &Eligibility, criteria: &Criteria) -> bool {
        let means_something = |pattern: &ResourcePattern| self.meant.get(pattern.as_str()) == Some(&Meant::Something);
        let settled = self.selected > 0 && self.left > 0 && !eligibility.opts_out();
        settled && criteria.patterns().all(means_something)
    }
}
