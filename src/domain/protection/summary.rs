//! The answer in one sentence.

use super::{Evidence, ProtectionVerdict, covering::Covering};
use crate::domain::{Finding, ResourceKind};

impl Evidence {
    pub(super) fn summary(
        &self,
        verdict: ProtectionVerdict,
        covering: &[Covering<'_>],
        findings: &[Finding],
    ) -> String {
        let noun = match self.database.kind {
            ResourceKind::DbInstance => "instance",
            ResourceKind::DbCluster => "cluster",
        };
        let it = format!("{noun} {}", self.database.id);
        let worst = findings.first().map_or("", |finding| finding.message.as_str());
        match verdict {
            ProtectionVerdict::Protected => format!("{it} is protected: {}", self.backed_up(covering)),
            ProtectionVerdict::AtRisk => format!("{it} is covered by {}, but {worst}", named(covering)),
            ProtectionVerdict::NotProtected => format!("{it} is not protected: {worst}"),
            ProtectionVerdict::Unknown => format!("whether {it} is protected is not known: {worst}"),
        }
    }

    fn backed_up(&self, covering: &[Covering<'_>]) -> String {
        let last = self.last_point.as_ref().and_then(|point| {
            let at = point.created_at?;
            Some(match self.database.latest_restorable_at {
                Some(until) if point.is_continuous() => format!("it can be restored to any second up to {until}"),
                _ => format!("its last backup is of {at}"),
            })
        });
        let soonest = covering.iter().filter_map(|rule| Some((rule.runs.next?, rule))).min_by_key(|(next, _)| *next);
        let next = soonest.map(|(next, rule)| format!("{} backs it up next at {next}", rule.name()));
        [last, next].into_iter().flatten().collect::<Vec<_>>().join(", and ")
    }
}

/// `rule daily of plan databases and 2 more`.
fn named(covering: &[Covering<'_>]) -> String {
    match covering {
        [] => String::new(),
        [only] => only.name(),
        [first, more @ ..] => format!("{} and {} more", first.name(), more.len()),
    }
}
