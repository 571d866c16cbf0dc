//! What becomes of the continuous recovery points of a plan when a selection of it goes or changes: a look for findings,
//! which fails nothing.

use super::super::{
    Scoped,
    looks::{in_time, there},
};
use crate::domain::{Finding, NoLongerMade, Rule};

impl Scoped {
    pub(super) async fn continuous_points_left(&self, plan_id: &str, why: NoLongerMade) -> Vec<Finding> {
        let unseen = match in_time(async { there(self.plan(plan_id).await) }).await {
            Ok(Some(plan)) => return Rule::continuous_points_left(&plan.content.rules, why),
            // The change itself says so.
            Ok(None) => return Vec::new(),
            Err(unseen) => unseen,
        };
        let unknown = "if one backs up continuously, its continuous recovery points of what is no longer selected end";
        let action = unseen.action("backup:GetBackupPlan", "read the plan with GetPlan");
        vec![unseen.not_checked(&format!("whether rules of plan {plan_id} back up continuously"), unknown, action)]
    }
}
