//! The filters that the job lists share. All that are given must hold.

use jiff::Timestamp;

use super::{error, outcome::Category, rest::RestRequest};
use crate::{
    backup::job_store::HISTORY,
    call::{AwsError, Call},
};

/// What of a job the filters look at.
#[derive(Debug)]
pub struct Seen<'j> {
    /// State or status.
    pub state: &'j str,
    /// The resource behind the job.
    pub resource_arn: &'j str,
    /// Its type.
    pub resource_type: &'j str,
    /// When the job was created.
    pub created_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// How it ended.
    pub category: Option<Category>,
}

/// Filters as they were asked for. Bounds in time exclude their own instant `[I]`.
#[derive(Debug)]
pub struct JobFilters<'r> {
    state: Option<&'r str>,
    resource_arn: Option<&'r str>,
    resource_type: Option<&'r str>,
    category: Option<&'r str>,
    created: Between,
    completed: Between,
    foreign: bool,
    oldest: Timestamp,
}

impl<'r> JobFilters<'r> {
    /// Reads them; `state` is the name of the state parameter and `states` what it may be.
    ///
    /// # Errors
    /// IPV for an unknown state, a bad time, or another account: `*` and others are for the management account of an
    /// organization `[M]`.
    pub fn of(call: &Call, request: &'r RestRequest, state: &str, states: &[&str]) -> Result<Self, AwsError> {
        if let Some(value) = request.query(state).filter(|value| !states.contains(value)) {
            return Err(error::invalid_parameter(format!(
                "{state} must be one of {}, not '{value}'",
                states.join(", ")
            )));
        }
        if let Some(account) = request.query("accountId").filter(|id| *id != call.account) {
            return Err(error::invalid_parameter(format!(
                "accountId '{account}' is not the caller's account; other accounts are for an organization's management account"
            )));
        }
        Ok(Self {
            state: request.query(state),
            resource_arn: request.query("resourceArn"),
            resource_type: request.query("resourceType"),
            category: request.query("messageCategory").filter(|value| !value.eq_ignore_ascii_case("AGGREGATE_ALL")),
            created: Between::of(request, "createdAfter", "createdBefore")?,
            completed: Between::of(request, "completeAfter", "completeBefore")?,
            // There are no composite resources here, so no job has a parent.
            foreign: request.query("parentJobId").is_some(),
            oldest: call.now.checked_sub(HISTORY).unwrap_or(Timestamp::MIN),
        })
    }

    /// Whether the job is asked for; jobs before the history never are.
    #[must_use]
    pub fn accept(&self, job: &Seen<'_>) -> bool {
        !self.foreign
            && job.created_at >= self.oldest
            && self.state.is_none_or(|state| state == job.state)
            && self.resource_arn.is_none_or(|arn| arn == job.resource_arn)
            && self.resource_type.is_none_or(|name| name == job.resource_type)
            && self.category.is_none_or(|name| {
                job.category.is_some_and(|category| category.text().eq_ignore_ascii_case(name) || name == "ANY")
            })
            && self.created.holds(Some(job.created_at))
            && self.completed.holds(job.completed_at)
    }
}

/// An open interval of time.
#[derive(Debug, Default)]
pub struct Between {
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl Between {
    /// Reads two query parameters.
    ///
    /// # Errors
    /// IPV for what is no time.
    pub fn of(request: &RestRequest, after: &str, before: &str) -> Result<Self, AwsError> {
        Ok(Self { after: request.query_time(after)?, before: request.query_time(before)? })
    }

    /// Whether `at` lies inside; what has no time lies inside only where nothing is asked for.
    #[must_use]
    pub fn holds(&self, at: Option<Timestamp>) -> bool {
        match at {
            Some(at) => self.after.is_none_or(|after| at > after) && self.before.is_none_or(|before| at < before),
            None => self.after.is_none() && self.before.is_none(),
        }
    }
}
