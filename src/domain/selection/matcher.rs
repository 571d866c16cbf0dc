//! Whether a selection selects a resource, by what, and everything that stands in the way (docs/aws-backup-semantics.md, section 8).
//!
//! ```text
//! selected(r) =  supported(r) ∧ in region ∧ ¬ member of a cluster
//!             ∧ ( opted_in(r) ∨ its type is named, and is none of those that heed the opt-in even then )
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

pub(super) use glob::fits_arn;
pub use mismatch::{Mismatch, MismatchKind};

use super::{Candidate, Criteria, Eligibility, Match, ResourcePattern, TagCondition, eligibility::Way};
use crate::domain::invalid::quoted;

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
        let verdict = self.judge_in_words(candidate, eligibility);
        debug_assert_eq!(verdict.selected(), self.selects(candidate, eligibility), "{self:?} of {candidate:?}");
        verdict
    }

    fn judge_in_words(&self, candidate: &Candidate<'_>, eligibility: &Eligibility) -> Verdict {
        let way = if self.names_the_type_of(candidate) { Way::Named } else { Way::Found };
        let mut mismatches = eligibility.mismatches(candidate, way);
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

    /// Whether these criteria select a resource: what [`Self::judge`] says, without a word why. Of ten thousand resources and
    /// hundreds of selections most are told apart by this alone.
    pub fn selects(&self, candidate: &Candidate<'_>, eligibility: &Eligibility) -> bool {
        let way = || if self.names_the_type_of(candidate) { Way::Named } else { Way::Found };
        self.all_of().all(|test| test.holds(candidate.tags))
            && self.assigns(candidate)
            && self.exclusion(candidate).is_none()
            && eligibility.mismatches(candidate, way()).is_empty()
    }

    fn assigns(&self, candidate: &Candidate<'_>) -> bool {
        let everything = self.resources.is_empty() && self.any_of().next().is_none();
        everything
            || self.resources.iter().any(|pattern| fits_arn(pattern.as_str(), candidate.arn))
            || self.any_of().any(|test| test.holds(candidate.tags))
    }

    /// By which entry it is among what conditions and exclusions then narrow; if by none, what each entry says to it.
    fn assigned_by(&self, candidate: &Candidate<'_>) -> Result<String, Vec<Mismatch>> {
        // An empty selection takes everything [D]; also when it has conditions [U].
        if self.resources.is_empty() && self.any_of().next().is_none() {
            return Ok("no list of resources or tags: everything".to_owned());
        }
        let fits = |pattern: &ResourcePattern| fits_arn(pattern.as_str(), candidate.arn);
        // By an entry that AWS supports, if there is one.
        let certain = |pattern: &ResourcePattern| pattern.beyond_aws().is_none() && fits(pattern);
        let by = self.resources.iter().position(certain).or_else(|| self.resources.iter().position(fits));
        if let Some(index) = by {
            let pattern = &self.resources[index];
            return Ok(format!("resources[{index}] {}{}", quoted(pattern.as_str()), pattern.doubt()));
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
        let pattern = &self.excluded[index];
        let message =
            format!("excluded_resources has {}, which takes it out{}", quoted(pattern.as_str()), pattern.doubt());
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
