//! What becomes of the continuous recovery points of a plan when a selection of it goes or changes: a look for findings,
//! which fails nothing.

use super::super::{FailureKind, Scoped, plans::LONGEST};
use crate::domain::{Finding, NoLongerMade, Rule, Unseen};

impl Scoped {
    pub(super) async fn continuous_points_left(&self, plan_id: &str, why: NoLongerMade) -> Vec<Finding> {
        let unseen = match tokio::time::timeout(LONGEST, self.plan(plan_id)).await {
            Ok(Ok(plan)) => return Rule::continuous_points_left(&plan.content.rules, why),
            // The change itself says so.
            Ok(Err(error)) if error.kind == FailureKind::NotFound => return Vec::new(),
            Ok(Err(error)) => Unseen::from(&error),
            Err(_) => Unseen::in_time(),
        };
        let unknown = "if one backs up continuously, its continuous recovery points of what is no longer selected end";
        let action = unseen.action("backup:GetBackupPlan", "read the plan with GetPlan");
        vec![unseen.not_checked(&format!("whether rules of plan {plan_id} back up continuously"), unknown, action)]
    }
}
