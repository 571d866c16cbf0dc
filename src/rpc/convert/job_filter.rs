//! What jobs are filtered by.

use super::reader::Reader;
use crate::{
    domain::{
        Arn, Asked, Bond, Fault, Faults, FilterMembers, Invalid, JobFilter, JobId, JobKind, JobOrder, JobState,
        ListJobs, Noted, PlanRef, ReadFrom, ResourceType, VaultRef, quoted,
    },
    proto,
    rpc::page_token::{ListOf, Query},
};

pub(in crate::rpc) fn list(mut request: proto::ListJobsRequest) -> Result<Asked<Listing>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListJobs", &request, size, &token);
    let from = read.read_from("read", request.read);
    let order = read.job_order("order", request.order);
    read.all_scopes(request.all_scopes, request.scope.as_ref());
    let live = from == Ok(ReadFrom::Live);
    if live && request.all_scopes {
        read.fault("all_scopes", "cannot go with read LIVE: AWS is asked of one account and region at a time");
    }
    if live && matches!(order, Ok(Some(_))) {
        read.fault("order", "cannot go with read LIVE: AWS has an order of its own");
    }
    let watch = Query::of("WatchJobs", request.filter.as_ref().unwrap_or(&proto::JobFilter::default()));
    let filter = read.job_filter("filter", request.filter.unwrap_or_default(), live);
    let all_scopes = request.all_scopes;
    read.conclude(|| {
        let filter = ListJobs { filter: filter?, order: order?, all_scopes, read: from? };
        Ok(Listing { list: ListOf { filter, paged: paged? }, watch })
    })
}

/// A list of jobs, and by what a watch is known that goes on from it.
pub(in crate::rpc) struct Listing {
    pub(in crate::rpc) list: ListOf<ListJobs>,
    pub(in crate::rpc) watch: Query,
}

/// What is watched.
pub(in crate::rpc) struct WatchJobs {
    pub(in crate::rpc) filter: JobFilter,
    pub(in crate::rpc) all_scopes: bool,
    /// By what it is known.
    pub(in crate::rpc) watch: Query,
    pub(in crate::rpc) resume_token: String,
}

pub(in crate::rpc) fn watch(request: proto::WatchJobsRequest) -> Result<Asked<WatchJobs>, Invalid> {
    let proto::WatchJobsRequest { scope, all_scopes, filter, resume_token } = request;
    let mut read = Reader::new(scope.clone());
    read.all_scopes(all_scopes, scope.as_ref());
    let filter = filter.unwrap_or_default();
    let watch = Query::of("WatchJobs", &filter);
    let filter = read.job_filter("filter", filter, false);
    read.conclude(|| Ok(WatchJobs { filter: filter?, all_scopes, watch, resume_token }))
}

/// What AWS cannot filter by, where it turns out that it is AWS that answers.
pub(in crate::rpc) fn beyond_aws(list: &ListJobs) -> Result<(), Invalid> {
    let mut faults = Faults::default();
    if list.order.is_some_and(|order| order != JobOrder::Newest) {
        _ = faults.add("order", "needs the ledger: AWS has an order of its own");
    }
    for (member, fault) in list.filter.members().beyond_aws() {
        _ = faults.add(&format!("filter.{member}"), fault);
    }
    faults.conclude(|| Ok(()))
}

impl Reader {
    /// `live`: it is AWS that is to filter; what it cannot filter by, the filter itself says.
    pub(super) fn job_filter(&mut self, field: &str, filter: proto::JobFilter, live: bool) -> Result<JobFilter, Noted> {
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
            plan,
            rule,
            message_contains,
        } = filter;
        let at = |member: &str| format!("{field}.{member}");
        let kinds = self.job_kinds(&at("kinds"), kinds);
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
        let plan = self.optional(&plan, |read, text| read.plan_id(&at("plan"), text));
        let rule = self.optional(&rule, |read, text| read.note(&at("rule"), id_of_rule(text)));
        let text =
            self.optional(&message_contains, |read, text| read.note(&at("message_contains"), part_of_message(text)));
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
                    plan: is_there(&plan),
                    rule: is_there(&rule),
                    text: is_there(&text),
                };
                let mut faults = members.impossible();
                if live {
                    faults.extend(members.beyond_aws());
                }
                faults
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
            plan: plan?,
            rule: rule?,
            text: text?,
        };
        match filter.contradictions().into_iter().map(|(member, fault)| self.fault(&at(member), fault)).last() {
            Some(noted) => Err(noted),
            None => Ok(filter),
        }
    }

    /// Where an answer is to come from.
    pub(super) fn read_from(&mut self, field: &str, read: i32) -> Result<ReadFrom, Noted> {
        match proto::Read::try_from(read) {
            Ok(proto::Read::Unspecified) => Ok(ReadFrom::Either),
            Ok(proto::Read::Live) => Ok(ReadFrom::Live),
            Ok(proto::Read::Ledger) => Ok(ReadFrom::Ledger),
            Err(_) => Err(self.fault(field, format!("{read} is not where an answer can come from"))),
        }
    }

    /// An account and region, or all of them: not both.
    pub(super) fn all_scopes(&mut self, all: bool, scope: Option<&proto::Scope>) {
        if all && scope.is_some_and(|scope| !scope.account.is_empty() || !scope.region.is_empty()) {
            self.fault("all_scopes", "cannot go with scope: leave one of the two out");
        }
    }

    fn job_order(&mut self, field: &str, order: i32) -> Result<Option<JobOrder>, Noted> {
        match proto::JobOrder::try_from(order) {
            Ok(proto::JobOrder::Unspecified) => Ok(None),
            Ok(proto::JobOrder::Newest) => Ok(Some(JobOrder::Newest)),
            Ok(proto::JobOrder::Oldest) => Ok(Some(JobOrder::Oldest)),
            Ok(proto::JobOrder::LastEnded) => Ok(Some(JobOrder::LastEnded)),
            Err(_) => Err(self.fault(field, format!("{order} is not an order of jobs"))),
        }
    }

    /// The id of a plan, given as it is or by the plan's ARN.
    fn plan_id(&mut self, field: &str, text: &str) -> Result<String, Noted> {
        let (plan, scope) = self.note(field, PlanRef::parse(text))?;
        self.hint(field, scope);
        plan.id().map(str::to_owned).ok_or_else(|| {
            self.fault(field, "is a name: jobs keep the id of their plan, for a name may have been another's")
        })
    }

    /// A kind of job, if one is meant.
    /// A list of kinds, none of which is blank.
    pub(super) fn job_kinds(&mut self, field: &str, kinds: Vec<i32>) -> Result<Vec<JobKind>, Noted> {
        all(each(kinds, |index, kind| {
            let field = format!("{field}[{index}]");
            let kind = self.job_kind(&field, kind);
            self.in_list(&field, kind)
        }))
    }

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
    pub(super) fn in_list<T>(&mut self, field: &str, read: Result<Option<T>, Noted>) -> Result<Option<T>, Noted> {
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

fn id_of_rule(text: &str) -> Result<String, Fault> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match text {
        text if text.len() <= 100 && text.bytes().all(is_word) => Ok(text.to_owned()),
        _ => Err(format!("{} is not the id of a rule: it is a UUID, which GetPlan tells", quoted(text)).into()),
    }
}

fn part_of_message(text: &str) -> Result<String, Fault> {
    match text.chars().count() {
        2..=200 => Ok(text.to_owned()),
        count => Err(format!("has {count} characters: give 2 to 200 of the message").into()),
    }
}

/// Whether something was given, be it readable or not.
fn is_there<T>(read: &Result<Option<T>, Noted>) -> bool {
    !matches!(read, Ok(None))
}

pub(super) fn each<T, R>(values: Vec<T>, mut read: impl FnMut(usize, T) -> R) -> Vec<R> {
    values.into_iter().enumerate().map(|(index, value)| read(index, value)).collect()
}

/// All that were read.
pub(super) fn all<T>(read: Vec<Result<Option<T>, Noted>>) -> Result<Vec<T>, Noted> {
    read.into_iter().filter_map(Result::transpose).collect()
}
