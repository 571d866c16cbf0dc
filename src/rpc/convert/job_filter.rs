//! What jobs are filtered by.

use super::reader::Reader;
use crate::{
    domain::{
        Arn, Asked, Bond, FilterMembers, Invalid, JobFilter, JobId, JobKind, JobState, Noted, ResourceType, VaultRef,
    },
    proto,
    rpc::page_token::ListOf,
};

pub(in crate::rpc) fn list(mut request: proto::ListJobsRequest) -> Result<Asked<ListOf<JobFilter>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListJobs", &request, size, &token);
    let filter = read.job_filter("filter", request.filter.unwrap_or_default());
    read.conclude(|| Ok(ListOf { filter: filter?, paged: paged? }))
}

impl Reader {
    /// What AWS cannot filter by, the filter itself says.
    fn job_filter(&mut self, field: &str, filter: proto::JobFilter) -> Result<JobFilter, Noted> {
        let proto::JobFilter {
            kinds,
            states,
            resource_types,
            resource,
            vault,
            destination_vault,
            create_time,
            completion_time,
            message_category,
            parent_job,
            source_recovery_point,
        } = filter;
        let at = |member: &str| format!("{field}.{member}");
        let kinds = all(each(kinds, |index, kind| {
            let field = format!("{field}.kinds[{index}]");
            let kind = self.job_kind(&field, kind);
            self.in_list(&field, kind)
        }));
        let states = all(each(states, |index, state| {
            let field = format!("{field}.states[{index}]");
            let state = self.job_state(&field, state);
            self.in_list(&field, state)
        }));
        let resource_types: Vec<_> = each(resource_types, |index, text| {
            let field = format!("{field}.resource_types[{index}]");
            let of_type = self.resource_type(&field, &text);
            self.in_list(&field, of_type)
        });
        // A copy may be here of a resource elsewhere: the resource only fills in what nothing else says.
        let resource = self.optional(&resource, |read, text| read.hinted_resource(&at("resource"), text));
        let vault = self.optional(&vault, |read, text| read.vault(&at("vault"), text));
        // The vault that copies go to may be in another account and region than the job: it says nothing of where to look.
        let destination_vault = self.optional(&destination_vault, |read, text| {
            let vault = read.note_of(&at("destination_vault"), text, VaultRef::parse(text), Bond::Sought)?;
            read.place(&at("destination_vault"), &vault.scope(), Bond::Sought);
            Ok(vault)
        });
        let created = self.interval(&at("create_time"), create_time);
        let completed = self.interval(&at("completion_time"), completion_time);
        let category = self.message_category(&at("message_category"), &message_category);
        let parent = self.optional(&parent_job, |read, text| read.note(&at("parent_job"), JobId::parse(text)));
        let source_recovery_point = self.optional(&source_recovery_point, |read, text| {
            let arn = read.note(&at("source_recovery_point"), Arn::parse(text).and_then(Arn::of_recovery_point))?;
            read.hint(&at("source_recovery_point"), arn.scope());
            Ok(arn)
        });
        let faults = match &kinds {
            Ok(kinds) => {
                let members = FilterMembers {
                    kinds,
                    states: states.as_deref().unwrap_or_default(),
                    resource_types: resource_types.iter().any(is_there),
                    resource: is_there(&resource),
                    vault: is_there(&vault),
                    destination_vault: is_there(&destination_vault),
                    created: created.as_ref().map_or(true, |period| !period.is_unbounded()),
                    completed: completed.as_ref().map_or(true, |period| !period.is_unbounded()),
                    category: is_there(&category),
                    parent: is_there(&parent),
                    source_recovery_point: is_there(&source_recovery_point),
                };
                members.faults()
            }
            // Of which jobs AWS is to be asked nobody knows.
            Err(_) => Vec::new(),
        };
        if let Some(noted) = faults.into_iter().map(|(member, fault)| self.fault(&at(member), fault)).last() {
            return Err(noted);
        }
        let filter = JobFilter {
            kinds: kinds?,
            states: states?,
            resource_types: all(resource_types)?,
            resource: resource?,
            vault: vault?,
            destination_vault: destination_vault?,
            created: created?,
            completed: completed?,
            category: category?,
            parent: parent?,
            source_recovery_point: source_recovery_point?,
        };
        match filter.contradictions().into_iter().map(|(member, fault)| self.fault(&at(member), fault)).last() {
            Some(noted) => Err(noted),
            None => Ok(filter),
        }
    }

    /// A kind of job, if one is meant.
    pub(super) fn job_kind(&mut self, field: &str, kind: i32) -> Result<Option<JobKind>, Noted> {
        match proto::JobKind::try_from(kind) {
            Ok(proto::JobKind::Unspecified) => Ok(None),
            Ok(proto::JobKind::Backup) => Ok(Some(JobKind::Backup)),
            Ok(proto::JobKind::Restore) => Ok(Some(JobKind::Restore)),
            Ok(proto::JobKind::Copy) => Ok(Some(JobKind::Copy)),
            Err(_) => Err(self.fault(field, format!("{kind} is not a kind of job"))),
        }
    }

    fn job_state(&mut self, field: &str, state: i32) -> Result<Option<JobState>, Noted> {
        use proto::JobState as P;
        Ok(Some(match P::try_from(state) {
            Ok(P::Unspecified) => return Ok(None),
            Ok(P::Created) => JobState::Created,
            Ok(P::Pending) => JobState::Pending,
            Ok(P::Running) => JobState::Running,
            Ok(P::Aborting) => JobState::Aborting,
            Ok(P::Aborted) => JobState::Aborted,
            Ok(P::Completed) => JobState::Completed,
            Ok(P::Failed) => JobState::Failed,
            Ok(P::Expired) => JobState::Expired,
            Ok(P::Partial) => JobState::Partial,
            Err(_) => return Err(self.fault(field, format!("{state} is not a state of jobs"))),
        }))
    }

    /// AWS does not list its categories `[U]`; they are words.
    fn message_category(&mut self, field: &str, text: &str) -> Result<Option<String>, Noted> {
        match text {
            "" => Ok(None),
            text if text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                Ok(Some(text.to_owned()))
            }
            _ => Err(self.fault(field, "is not a category of messages: one is a word, such as AccessDenied")),
        }
    }

    /// A value of a list of which one must be fulfilled: a blank one among others would be fulfilled by everything.
    fn in_list<T>(&mut self, field: &str, read: Result<Option<T>, Noted>) -> Result<Option<T>, Noted> {
        match read {
            Ok(None) => Err(self.fault(field, "is blank: leave it out, or the whole list to have everything")),
            read => read,
        }
    }

    /// AWS Backup's name of a type; blank: any.
    pub(super) fn resource_type(&mut self, field: &str, text: &str) -> Result<Option<ResourceType>, Noted> {
        self.optional(text, |read, text| read.note(field, ResourceType::parse(text)))
    }

    /// Reads what is not blank.
    pub(super) fn optional<T>(
        &mut self,
        text: &str,
        read: impl FnOnce(&mut Self, &str) -> Result<T, Noted>,
    ) -> Result<Option<T>, Noted> {
        if text.is_empty() { Ok(None) } else { read(self, text).map(Some) }
    }
}

/// Whether something was given, be it readable or not.
fn is_there<T>(read: &Result<Option<T>, Noted>) -> bool {
    !matches!(read, Ok(None))
}

fn each<T, R>(values: Vec<T>, mut read: impl FnMut(usize, T) -> R) -> Vec<R> {
    values.into_iter().enumerate().map(|(index, value)| read(index, value)).collect()
}

/// All that were read.
fn all<T>(read: Vec<Result<Option<T>, Noted>>) -> Result<Vec<T>, Noted> {
    read.into_iter().filter_map(Result::transpose).collect()
}
