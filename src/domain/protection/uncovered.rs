//! A database that no rule covers, and which selections nearly do.

use super::{Evidence, NearMiss};
use crate::domain::{
    Finding, MismatchKind, Resource, Severity,
    selection::{member_of, not_supported},
};

/// Most near misses that are told.
const MOST_NEAR_MISSES: usize = 20;

impl Evidence {
    /// For an instance of a cluster: that the answer is about the cluster.
    pub(super) fn member_finding(&self) -> Option<Finding> {
        let member = self.asked_member.as_ref()?;
        let message = format!("{member} {}; this answer is about the cluster", member_of(&self.database.id));
        Some(Finding::info("CLUSTER_MEMBER", message))
    }

    /// The selections that lack little, the nearest first.
    pub(super) fn near_misses(&self) -> Vec<NearMiss> {
        let mut near: Vec<_> = self.judged.iter().filter(|judged| judged.verdict.near_miss).collect();
        near.sort_by_key(|judged| (judged.verdict.mismatches.len(), &judged.plan_name, &judged.selection.name));
        let near = near.into_iter().take(MOST_NEAR_MISSES).map(|judged| NearMiss {
            scope: self.database.scope.clone(),
            plan_id: judged.selection.plan_id.clone(),
            plan_arn: judged.selection.plan_arn.clone(),
            plan_name: judged.plan_name.clone(),
            selection_id: judged.selection.id.clone(),
            selection_name: judged.selection.name.clone(),
            mismatches: judged.verdict.mismatches.clone(),
        });
        near.collect()
    }

    /// Why no rule covers it.
    pub(super) fn uncovered_findings(&self, near_misses: &[NearMiss]) -> Vec<Finding> {
        if self.unread.iter().any(|unread| unread.part.may_hide_coverage()) {
            return Vec::new();
        }
        let (id, of_type) = (&self.database.id, self.database.resource_type());
        let message = match (self.plan_count, self.selection_count) {
            (0, _) => format!("nothing backs {id} up: there are no backup plans"),
            (_, 0) => format!("nothing backs {id} up: no plan has a selection"),
            (_, 1) => format!("nothing backs {id} up: the one selection there is does not select it"),
            (_, all) => format!("nothing backs {id} up: none of the {all} selections of all plans selects it"),
        };
        let action = near_misses.first().map_or_else(
            || "add a selection that selects it to a plan (CreateSelection), or the tags that one asks for (TagResource)".to_owned(),
            |near| {
                let lacking: Vec<&str> = near.mismatches.iter().map(|mismatch| mismatch.message.as_str()).collect();
                format!(
                    "selection {} of plan {} nearly selects it: {}",
                    near.selection_name,
                    near.plan_name,
                    lacking.join("; ")
                )
            },
        );
        let mut findings = vec![Finding::error("NOT_COVERED", message, action)];
        let stands_against = |kind| {
            let mismatches = near_misses.iter().flat_map(|near| &near.mismatches);
            mismatches.into_iter().any(|mismatch| mismatch.kind == kind)
        };
        let Resource { arn, scope, .. } = &self.database;
        if stands_against(MismatchKind::ResourceTypeOptedOut) {
            let passed_over = Finding::passed_over(&of_type, 1, arn, scope);
            findings.push(Finding { severity: Severity::Error, ..passed_over });
        }
        if stands_against(MismatchKind::ResourceTypeNotSupported) {
            findings.push(Finding::error(
                MismatchKind::ResourceTypeNotSupported.code(),
                not_supported(&of_type, scope),
                "use the backups of the database's own service",
            ));
        }
        findings.extend(self.no_longer_covered());
        findings
    }

    /// The rule that used to back it up.
    fn no_longer_covered(&self) -> Option<Finding> {
        let job = self.jobs.iter().flatten().find(|job| job.plan_origin().is_some())?;
        let (by, at) = (job.plan_origin()?, job.created_at?);
        Some(Finding::warning(
            "NO_LONGER_COVERED",
            format!(
                "rule {} of plan {} covered it until {at} at least, when it made its last job",
                by.rule_name, by.plan_name
            ),
            "see what changed since: the tags of the database, the plan's selections, the region's opt-in",
        ))
    }
}
