//! What will surprise about a selection.

use super::{Criteria, Match, Operator, ResourcePattern, TagCondition, Tally};
use crate::domain::{Arn, Finding, Scope};

impl Criteria {
    /// What will surprise about this selection in a plan of that account and region; `now` is what it makes of all the
    /// resources there are, where that is known.
    pub fn findings(&self, scope: &Scope, now: Option<Tally>) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut warn = |code, field: String, message: String| {
            found.push(Finding::warning(code, message, "").at(field));
        };
        if self.selects_everything() {
            let message = "every resource that AWS Backup supports in this account and region is selected, except those \
                           of types that the region's settings opt out of";
            warn("SELECTS_EVERYTHING", "resources".into(), message.into());
        }
        for (index, condition) in self.conditions.iter().enumerate() {
            let TagCondition { key, operator, value } = condition;
            let field = format!("conditions[{index}].value");
            if let Some(other) = self.conditions[..index].iter().find(|other| self.contradict(condition, other)) {
                let message = format!(
                    "no resource is selected: no tag {key} fulfils this condition and the one with the value {} together; \
                     MATCH_ANY is for conditions of which one is enough",
                    other.value
                );
                warn("SELECTS_NOTHING", field, message);
            } else if value.contains('*') && matches!(operator, Operator::Equals | Operator::NotEquals) {
                let message = format!(
                    "the value {value} of tag {key} is compared with its * as it stands: use OPERATOR_LIKE or \
                     OPERATOR_NOT_LIKE for patterns"
                );
                warn("STAR_COMPARED_LITERALLY", field, message);
            }
        }
        for (list, patterns) in [("resources", &self.resources), ("excluded_resources", &self.excluded)] {
            for (index, pattern) in patterns.iter().enumerate() {
                if is_elsewhere(pattern.as_str(), scope) {
                    let message = format!(
                        "{pattern} means no resource of account {} in {}, and a plan sees no other",
                        scope.account, scope.region
                    );
                    warn("RESOURCE_OUT_OF_SCOPE", format!("{list}[{index}]"), message);
                }
            }
        }
        // Whoever is told that it is so by its words need not hear that it is so now.
        if !found.iter().any(|finding| finding.code.starts_with("SELECTS")) {
            found.extend(now.and_then(|now| self.finding_now(now)));
        }
        found
    }

    fn finding_now(&self, now: Tally) -> Option<Finding> {
        // A list of ARNs selects what it names, however much that is.
        let by_pattern = self.resources.is_empty() || self.resources.iter().any(|entry| !entry.names_one());
        let by_tag = self.matching == Match::Any && !self.conditions.is_empty();
        let (code, message) = match now {
            Tally { selected: 0, .. } => (
                "SELECTS_NOTHING_NOW",
                "no resource there is now is selected: PreviewSelection tells of each what stands in the way"
                    .to_owned(),
            ),
            Tally { selected: selected @ 2.., left: 0 } if by_pattern || by_tag => (
                "SELECTS_EVERYTHING_NOW",
                format!("all {selected} resources that there are now to back up are selected"),
            ),
            Tally { .. } => return None,
        };
        Some(Finding::warning(code, message, ""))
    }

    fn selects_everything(&self) -> bool {
        let star = self.resources.iter().any(ResourcePattern::is_everything);
        star && self.excluded.is_empty() && (self.conditions.is_empty() || self.matching == Match::Any)
    }

    /// Whether all must hold and these two never do together; the certain cases alone.
    fn contradict(&self, one: &TagCondition, other: &TagCondition) -> bool {
        self.matching == Match::All
            && one.key == other.key
            && match (one.operator, other.operator) {
                (Operator::Equals, Operator::Equals) => one.value != other.value,
                (Operator::Equals, Operator::NotEquals) | (Operator::NotEquals, Operator::Equals) => {
                    one.value == other.value
                }
                _ => false,
            }
    }
}

/// Whether an ARN names another account or region. Patterns in these parts are not judged, and blanks are AWS's way.
pub(super) fn is_elsewhere(pattern: &str, scope: &Scope) -> bool {
    let Ok(arn) = Arn::parse(pattern) else { return false };
    let named = arn.scope();
    named.account.is_some_and(|account| account != scope.account)
        || named.region.is_some_and(|region| region != scope.region)
}
