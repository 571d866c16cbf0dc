//! Plans of an organization's backup policies. Their ids are `orgs/` and a UUID `[Q]`; a member account sees them and
//! cannot change them `[D]`. There is no organization here: a plan that is made like any other is handed over to one.

use super::Plans;
use crate::backup::error;
use crate::call::AwsError;

const PATH: &str = "orgs/";

impl Plans {
    /// Has the plan of that id, with its selections, be one of a policy from now on, and answers its new id; `None`: there is
    /// no such plan, or it is one already.
    pub fn hand_to_organization(&mut self, id: &str) -> Option<String> {
        if id.starts_with(PATH) {
            return None;
        }
        self.active(id)?;
        let mut plan = self.by_id.remove(id)?;
        self.agenda.remove(id, &plan.clocks);
        plan.id = format!("{PATH}{id}");
        plan.arn = plan.arn.replace(id, &plan.id);
        self.agenda.add(&plan.id, &plan.clocks);
        let now = plan.id.clone();
        self.by_id.insert(now.clone(), plan);
        Some(now)
    }
}

/// Refuses to change a plan of a policy, or what is in it. AWS's own words are not known `[U]`.
pub(in crate::backup) fn check_own(plan: &str) -> Result<(), AwsError> {
    if !plan.starts_with(PATH) {
        return Ok(());
    }
    Err(error::invalid_request(format!("Backup plan {plan} is managed by AWS Organizations and cannot be changed")))
}
