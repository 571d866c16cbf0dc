//! The databases that a plan's selections select now, for findings: only as far as that is found out soon.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::super::{Error, Failure, Scoped, looks::in_time, pages::pages, resources::MOST_RECORDS};
use crate::domain::{Criteria, Finding, RegionSettings, Resource, ResourceKind, Rule, SettingsUpdate, Unseen};

/// Most selections of a plan that are read, and most reads of databases of a kind: 100 each.
const MOST_SELECTIONS: i32 = 20;
const MOST_READS: usize = 10;

impl Scoped {
    /// Which rules of a saved plan run near the windows of the instances that its selections select now, and which copy
    /// what is never copied, as the domain's matcher judges.
    pub(super) async fn findings_of_selected(&self, plan_id: &str, rules: &[Rule]) -> Vec<Finding> {
        let kinds = Rule::kinds_that_count(rules);
        if kinds.is_empty() {
            return Vec::new();
        }
        let look = async {
            let (criteria, all) = self.criteria_of(plan_id).await?;
            let (selected, complete) = self.selected_by(&criteria, &kinds).await?;
            Ok::<_, Error>((selected, all && complete))
        };
        self.findings_of_look(rules, in_time(look).await)
    }

    /// The same for what the criteria alone select.
    pub(in crate::aws) async fn findings_of_selecting(&self, criteria: &Criteria, rules: &[Rule]) -> Vec<Finding> {
        let kinds = Rule::kinds_that_count(rules);
        if kinds.is_empty() {
            return Vec::new();
        }
        let selected = in_time(self.selected_by(std::slice::from_ref(criteria), &kinds)).await;
        self.findings_of_look(rules, selected)
    }

    fn findings_of_look(&self, rules: &[Rule], look: Result<(Vec<Resource>, bool), Unseen>) -> Vec<Finding> {
        let (selected, unchecked) = match look {
            Ok((selected, complete)) => (selected, (!complete).then(|| Rule::windows_not_checked(None))),
            Err(unseen) => (Vec::new(), Some(Rule::windows_not_checked(Some(&unseen)))),
        };
        let mut found = Rule::window_findings(rules, &selected, self.now());
        found.extend(Rule::copy_findings(rules, &selected));
        found.extend(unchecked);
        found
    }

    /// What the selections of a plan select by, and whether these are all.
    pub(in crate::aws) async fn criteria_of(&self, plan_id: &str) -> Result<(Vec<Criteria>, bool), Error> {
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
        Ok((selections, more.is_none()))
    }

    /// The databases of these kinds that any of the criteria select, and whether these are all.
    async fn selected_by(
        &self,
        selections: &[Criteria],
        kinds: &[ResourceKind],
    ) -> Result<(Vec<Resource>, bool), Error> {
        if selections.is_empty() {
            return Ok((Vec::new(), true));
        }
        let eligibility = self.eligibility().await?;
        let selected = |database: &Resource| {
            selections.iter().any(|criteria| criteria.judge(&database.candidate(), &eligibility).selected())
        };
        let (mut there, all) = self.databases_there(kinds).await?;
        there.retain(selected);
        Ok((there, all))
    }

    /// The databases of these kinds, and whether these are all.
    async fn databases_there(&self, kinds: &[ResourceKind]) -> Result<(Vec<Resource>, bool), Failure> {
        let (mut there, mut all) = (Vec::new(), true);
        for kind in kinds {
            let databases = pages(|marker| async move {
                let (found, next) = self.databases(*kind, None, MOST_RECORDS, marker).await?;
                Ok::<_, Failure>(((found, next.is_none()), next))
            });
            let mut databases = std::pin::pin!(databases.take(MOST_READS));
            let mut complete = false;
            while let Some((found, last)) = databases.try_next().await? {
                there.extend(found);
                complete = last;
            }
            all &= complete;
        }
        Ok((there, all))
    }
}

impl Scoped {
    /// Which databases plans back up by the settings before, and leave out by those after.
    pub(in crate::aws) async fn left_out_by(
        &self,
        update: &SettingsUpdate,
        before: &RegionSettings,
        after: &RegionSettings,
    ) -> Vec<Finding> {
        let off = update.newly_off(before);
        if off.is_empty() {
            return Vec::new();
        }
        let look = async {
            let mut selections = Vec::new();
            let plans = stream::iter(self.find_plans(|_| true).await?);
            let mut read = plans.map(|id| async move { self.criteria_of(&id).await }).buffered(super::AT_ONCE);
            while let Some(of_plan) = read.next().await {
                match of_plan {
                    Ok((criteria, _)) => selections.extend(criteria),
                    // Deleted in between.
                    Err(error) if error.is_missing() => {}
                    Err(error) => return Err(error),
                }
            }
            let (databases, _) = self.databases_there(&ResourceKind::ALL).await?;
            Ok::<_, Error>((selections, databases))
        };
        match in_time(look).await {
            Ok((selections, databases)) => {
                let (before, after) = (before.clone().eligibility(), after.clone().eligibility());
                SettingsUpdate::left_out(&before, &after, &selections, &databases)
            }
            Err(unseen) => vec![SettingsUpdate::left_out_not_checked(&unseen)],
        }
    }
}
