//! The instances that a plan's selections select now, for warnings: only as far as that is found out soon.

use std::time::Duration;

use super::super::{Aws, Error, Kind, client::Clients, resources::MOST_RECORDS};
use crate::domain::{AskedScope, Criteria, Resource, ResourceKind, Rule, Warning};

/// Most selections of a plan that are read, and most reads of instances: 100 each.
const MOST_SELECTIONS: i32 = 20;
const MOST_READS: usize = 10;
/// The longest that a call waits for this.
const LONGEST: Duration = Duration::from_secs(3);

impl Aws {
    /// What can be warned of with the instances that the selections of a saved plan select now, as the domain's matcher
    /// judges: rules that run near their windows. A continuous rule owns the windows, and nothing is looked at.
    pub async fn window_warnings(&self, asked: &AskedScope, plan_id: &str, rules: &[Rule]) -> Vec<Warning> {
        if rules.iter().any(|rule| rule.continuous) {
            return Vec::new();
        }
        let look = async { self.clients(asked).await?.selected_instances(plan_id).await };
        let (instances, complete) = match tokio::time::timeout(LONGEST, look).await {
            Ok(Ok(selected)) => selected,
            Ok(Err(error)) => {
                tracing::info!(%error, "what a plan selects could not be read");
                (Vec::new(), false)
            }
            Err(_) => {
                tracing::info!("what a plan selects was not read in time");
                (Vec::new(), false)
            }
        };
        let mut warnings = Rule::window_warnings(rules, &instances, self.now());
        if !complete {
            warnings.push(Rule::windows_not_checked());
        }
        warnings
    }
}

impl Clients {
    /// The instances that were found, and whether these are all.
    async fn selected_instances(&self, plan_id: &str) -> Result<(Vec<Resource>, bool), Error> {
        let (listed, more) = self.selections_of(plan_id, MOST_SELECTIONS, None).await?;
        let mut selections: Vec<Criteria> = Vec::new();
        for id in listed.into_iter().filter_map(|item| item.selection_id) {
            match self.describe_selection(plan_id, &id).await {
                Ok(selection) => selections.extend(selection.criteria),
                // Deleted in between.
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if selections.is_empty() {
            return Ok((Vec::new(), more.is_none()));
        }
        let eligibility = self.eligibility().await?;
        let (mut instances, mut marker) = (Vec::new(), None);
        for _ in 0..MOST_READS {
            let (found, next) = self.databases(ResourceKind::DbInstance, None, MOST_RECORDS, marker).await?;
            let selected = |database: &Resource| {
                selections.iter().any(|criteria| criteria.judge(&database.candidate(), &eligibility).selected())
            };
            instances.extend(found.into_iter().filter(selected));
            marker = next;
            if marker.is_none() {
                break;
            }
        }
        Ok((instances, more.is_none() && marker.is_none()))
    }
}
