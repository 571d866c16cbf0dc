//! What a filter asks for that no job is, or hardly any, though AWS takes it: told where nothing was found.

use super::{JobFilter, JobKind, JobState, filter::asked_kinds};
use crate::domain::{Finding, ResourceType};

impl JobFilter {
    /// What goes together in no job that is known; `field` is where the filter stands in the request.
    pub fn unlikely(&self, field: &str) -> Vec<Finding> {
        let category = self.category_of_other_states().map(|finding| finding.at(format!("{field}.message_category")));
        let states = self.states_of_other_types().map(|finding| finding.at(format!("{field}.states")));
        category.into_iter().chain(states).collect()
    }

    /// A category that the jobs in none of the states have (docs/aws-backup-semantics.md, section 5.1).
    fn category_of_other_states(&self) -> Option<Finding> {
        let category = self.category.as_deref().filter(|_| !self.states.is_empty())?;
        let success = category.eq_ignore_ascii_case("SUCCESS");
        let has_it = |state: &JobState| match state {
            JobState::Completed => success,
            JobState::Aborted | JobState::Failed | JobState::Expired => !success,
            JobState::Partial | JobState::Unknown(_) => true,
            JobState::Created | JobState::Pending | JobState::Running | JobState::Aborting => false,
        };
        if self.states.iter().any(has_it) {
            return None;
        }
        let states = self.states.iter().map(JobState::word).collect::<Vec<_>>().join(" or ");
        let why = if self.states.contains(&JobState::Completed) {
            "a job that completed has SUCCESS, or another one in the rare case that it completed with issues"
        } else if success && self.states.iter().any(JobState::is_final) {
            "jobs that did not complete have another one, which says why"
        } else {
            "jobs under way have none yet"
        };
        let message = format!("no job that is {states} with the message category {category} was found: {why}");
        Some(Finding::warning("MESSAGE_CATEGORY_OF_OTHER_STATES", message, "leave one of the two out"))
    }

    /// States that jobs of databases never come to: nobody stops a backup of one `[M]`, and none has parts.
    fn states_of_other_types(&self) -> Option<Finding> {
        let only_databases =
            !self.resource_types.is_empty() && self.resource_types.iter().all(ResourceType::is_database);
        let a_database = self.resource.as_ref().is_some_and(|resource| resource.database().is_some());
        if self.states.is_empty() || !(only_databases || a_database) {
            return None;
        }
        let comes_to = |state: &JobState, kind: JobKind| {
            kind.has_state(state)
                && match state {
                    JobState::Partial => false,
                    JobState::Aborting | JobState::Aborted => kind != JobKind::Backup,
                    _ => true,
                }
        };
        if self.states.iter().any(|state| asked_kinds(&self.kinds).any(|kind| comes_to(state, kind))) {
            return None;
        }
        let states = self.states.iter().map(JobState::word).collect::<Vec<_>>().join(" or ");
        let why = match self.states.contains(&JobState::Partial) {
            true => "PARTIAL is of jobs with parts, which those of databases have none of",
            false => "AWS does not stop the backup of a database that is under way",
        };
        let message = format!("no job of a database is {states}: {why}");
        Some(Finding::warning("STATES_OF_OTHER_TYPES", message, "leave the states out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(states: &[JobState], category: &str, types: &[ResourceType]) -> Vec<(&'static str, String)> {
        let filter = JobFilter {
            kinds: vec![JobKind::Backup],
            states: states.to_vec(),
            category: Some(category.to_owned()).filter(|category| !category.is_empty()),
            resource_types: types.to_vec(),
            ..JobFilter::default()
        };
        filter.unlikely("filter").into_iter().map(|finding| (finding.code, finding.field)).collect()
    }

    #[test]
    fn a_category_that_no_job_in_these_states_has_is_told() {
        use JobState as S;
        let wrong = vec![("MESSAGE_CATEGORY_OF_OTHER_STATES", "filter.message_category".to_owned())];
        for (states, category) in [
            (&[S::Failed][..], "Success"),
            (&[S::Expired, S::Running], "SUCCESS"),
            (&[S::Completed], "AccessDenied"),
            (&[S::Created, S::Running], "SUCCESS"),
            (&[S::Running], "AccessDenied"),
        ] {
            assert_eq!(told(states, category, &[]), wrong, "{states:?} {category}");
        }
        for (states, category) in [
            (&[][..], "SUCCESS"),
            (&[S::Failed, S::Completed], "Success"),
            (&[S::Failed], "AccessDenied"),
            (&[S::Partial], "AccessDenied"),
            (&[S::Failed], ""),
        ] {
            assert_eq!(told(states, category, &[]), [], "{states:?} {category}");
        }
    }

    #[test]
    fn states_that_jobs_of_databases_never_have_are_told() {
        use JobState as S;
        let ebs = ResourceType::parse("EBS").unwrap();
        let wrong = vec![("STATES_OF_OTHER_TYPES", "filter.states".to_owned())];
        for states in [&[S::Aborted][..], &[S::Partial], &[S::Aborting, S::Partial]] {
            assert_eq!(told(states, "", &[ResourceType::RDS]), wrong, "{states:?}");
            assert_eq!(told(states, "", &[ResourceType::RDS, ebs.clone()]), [], "{states:?}");
            assert_eq!(told(states, "", &[]), [], "{states:?}");
        }
        assert_eq!(told(&[S::Aborted, S::Failed], "", &[ResourceType::RDS]), []);
    }
}
