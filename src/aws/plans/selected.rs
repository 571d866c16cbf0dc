//! The instances that a plan's selections select now, for findings: only as far as that is found out soon.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};

use super::super::{Error, Failure, Scoped, pages::pages, resources::MOST_RECORDS};
use crate::domain::{Criteria, Finding, Resource, ResourceKind, Rule, Unseen};

/// Most selections of a plan that are read, and most reads of instances: 100 each.
const MOST_SELECTIONS: i32 = 20;
const MOST_READS: usize = 10;
/// The longest that a call waits for what is only told besides.
pub(super) const LONGEST: Duration = Duration::from_secs(3);

impl Scoped {
    /// Which rules of a saved plan run near the windows of the instances that its selections select now, as the domain's
    /// matcher judges. A continuous rule owns the windows, and nothing is looked at.
    pub(super) async fn window_findings(&self, plan_id: &str, rules: &[Rule]) -> Vec<Finding> {
        if rules.iter().any(|rule| rule.continuous) {
            return Vec::new();
        }
        let look = self.selected_instances(plan_id);
        let (instances, unchecked) = match tokio::time::timeout(LONGEST, look).await {
            Ok(Ok((selected, complete))) => (selected, (!complete).then(|| Rule::windows_not_checked(None))),
            Ok(Err(error)) => (Vec::new(), Some(Rule::windows_not_checked(Some(&Unseen::from(&error))))),
            Err(_) => (Vec::new(), Some(Rule::windows_not_checked(Some(&Unseen::in_time())))),
        };
        let mut found = Rule::window_findings(rules, &instances, self.now());
        found.extend(unchecked);
        found
    }

    /// The instances that were found, and whether these are all.
    async fn selected_instances(&self, plan_id: &str) -> Result<(Vec<Resource>, bool), Error> {
        let (listed, more) = self.selections_of(plan_id, MOST_SELECTIONS, None).await?;
        let mut selections: Vec<Criteria> = Vec::new();
        for id in listed.into_iter().filter_map(|item| item.selection_id) {
            match self.describe_selection(plan_id, &id).await {
                Ok(selection) => selections.extend(selection.criteria),
                // Deleted in between.
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
        }
        if selections.is_empty() {
            return Ok((Vec::new(), more.is_none()));
        }
        let eligibility = self.eligibility().await?;
        let selected = |database: &Resource| {
            selections.iter().any(|criteria| criteria.judge(&database.candidate(), &eligibility).selected())
        };
        let databases = pages(|marker| async move {
            let (found, next) = self.databases(ResourceKind::DbInstance, None, MOST_RECORDS, marker).await?;
            Ok::<_, Failure>(((found, next.is_none()), next))
        });
        let mut databases = std::pin::pin!(databases.take(MOST_READS));
        let (mut instances, mut complete) = (Vec::new(), false);
        while let Some((found, last)) = databases.try_next().await? {
            instances.extend(found.into_iter().filter(selected));
            complete = last;
        }
        Ok((instances, more.is_none() && complete))
    }
}
