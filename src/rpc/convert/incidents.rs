//! Incidents.

use super::{job_answers::kind, reader::Reader, timestamp};
use crate::{
    domain::{
        Acknowledge, Asked, Cause, Fault, Incident, IncidentQuery, IncidentState, Invalid, JobKind, Noted, ResourceRef,
        Scope, VaultName, VaultRef, quoted,
    },
    proto,
    rpc::page_token::ListOf,
};

/// Characters of a note.
const LONGEST_NOTE: usize = 1000;

/// Which incidents are listed, as requests say it.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct ListIncidents {
    states: Vec<IncidentState>,
    causes: Vec<Cause>,
    kinds: Vec<JobKind>,
    resource: Option<ResourceRef>,
    vault: Option<VaultName>,
    pub(in crate::rpc) all_scopes: bool,
}

impl ListIncidents {
    /// Of these accounts and regions.
    pub(in crate::rpc) fn query(&self, scopes: Vec<Scope>) -> IncidentQuery {
        let named = self.resource.iter();
        let resources = named.flat_map(|named| scopes.iter().flat_map(|scope| named.arns_in(scope)));
        let mut resources: Vec<String> = resources.map(|arn| arn.as_str().to_owned()).collect();
        resources.dedup();
        let vaults = self.vault.iter();
        let vaults = vaults.flat_map(|name| scopes.iter().map(|scope| VaultRef::arn_of(name.as_str(), scope)));
        let (states, causes, kinds) = (self.states.clone(), self.causes.clone(), self.kinds.clone());
        IncidentQuery { states, causes, kinds, resources, vaults: vaults.collect(), scopes }
    }
}

pub(in crate::rpc) fn list(mut request: proto::ListIncidentsRequest) -> Result<Asked<ListOf<ListIncidents>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListIncidents", &request, size, &token);
    read.all_scopes(request.all_scopes, request.scope.as_ref());
    let proto::IncidentFilter { states, causes, job_kinds, resource, vault } = request.filter.unwrap_or_default();
    let states = words(&mut read, "filter.states", states, state, [IncidentState::Open, IncidentState::Acknowledged]);
    let causes = words(&mut read, "filter.causes", causes, cause, []);
    let kinds = read.job_kinds("filter.job_kinds", job_kinds);
    let resource = read.optional(&resource, |read, text| read.hinted_resource("filter.resource", text));
    let vault = read.optional(&vault, |read, text| read.vault("filter.vault", text));
    let all_scopes = request.all_scopes;
    read.conclude(|| {
        let (states, causes, kinds) = (states?, causes?, kinds?);
        let filter = ListIncidents { states, causes, kinds, resource: resource?, vault: vault?, all_scopes };
        Ok(ListOf { filter, paged: paged? })
    })
}

/// The words of a list; of an empty one, those that it means.
pub(super) fn words<T: Copy, const N: usize>(
    read: &mut Reader,
    field: &str,
    numbers: Vec<i32>,
    word: fn(i32) -> Result<T, Fault>,
    empty: [T; N],
) -> Result<Vec<T>, Noted> {
    if numbers.is_empty() {
        return Ok(empty.to_vec());
    }
    let noted: Vec<Result<T, Noted>> =
        (0..).zip(numbers).map(|(index, number)| read.note(&format!("{field}[{index}]"), word(number))).collect();
    noted.into_iter().collect()
}

pub(in crate::rpc) fn acknowledge(request: proto::AcknowledgeIncidentRequest) -> Result<Asked<Acknowledge>, Invalid> {
    let proto::AcknowledgeIncidentRequest { scope, incident, note, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let incident = read.note("incident", id_of("an incident", "ListIncidents", &incident));
    let note = read.note("note", note_of(note));
    read.conclude(|| Ok(Acknowledge { incident: incident?, note: note? }))
}

/// The id of a thing of the ledger's own, such as "an incident", that the RPC tells.
pub(super) fn id_of(thing: &str, told_by: &str, text: &str) -> Result<String, Fault> {
    if text.is_empty() {
        return Err(format!("is required: give the id that {told_by} tells").into());
    }
    match uuid::Uuid::parse_str(text) {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Err(format!("{} is not the id of {thing}: {told_by} tells them", quoted(text)).into()),
    }
}

pub(super) fn note_of(text: String) -> Result<String, Fault> {
    match text.chars().count() {
        long if long > LONGEST_NOTE => Err(format!("has {long} characters: {LONGEST_NOTE} at most").into()),
        _ => Ok(text),
    }
}

fn state(number: i32) -> Result<IncidentState, Fault> {
    match proto::IncidentState::try_from(number) {
        Ok(proto::IncidentState::Open) => Ok(IncidentState::Open),
        Ok(proto::IncidentState::Acknowledged) => Ok(IncidentState::Acknowledged),
        Ok(proto::IncidentState::Closed) => Ok(IncidentState::Closed),
        Ok(proto::IncidentState::Unspecified) | Err(_) => {
            Err(format!("{number} is not a state of incidents: give OPEN, ACKNOWLEDGED or CLOSED").into())
        }
    }
}

fn cause(number: i32) -> Result<Cause, Fault> {
    let found = Cause::ALL.into_iter().find(|cause| i32::from(proto::IncidentCause::from(*cause)) == number);
    found.ok_or_else(|| format!("{number} is not a cause of incidents: see IncidentCause").into())
}

impl From<Cause> for proto::IncidentCause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::JobFailed => Self::JobFailed,
            Cause::JobExpired => Self::JobExpired,
            Cause::JobPartial => Self::JobPartial,
            Cause::JobCompletedWithIssues => Self::JobCompletedWithIssues,
            Cause::RecoveryPointDeleted => Self::RecoveryPointDeleted,
            Cause::RetentionShortened => Self::RetentionShortened,
            Cause::VaultLockWeakened => Self::VaultLockWeakened,
            Cause::VaultPolicyChanged => Self::VaultPolicyChanged,
            Cause::VaultNotificationsOff => Self::VaultNotificationsOff,
            Cause::RunMissed => Self::RunMissed,
        }
    }
}

impl From<Incident> for proto::Incident {
    fn from(incident: Incident) -> Self {
        let (finding, state) = (incident.finding(), incident.state());
        let state = match state {
            IncidentState::Open => proto::IncidentState::Open,
            IncidentState::Acknowledged => proto::IncidentState::Acknowledged,
            IncidentState::Closed => proto::IncidentState::Closed,
        };
        let job_id = incident.job_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
        let missed_run = incident.run.map(proto::MissedRun::from);
        let (setting_before, setting_after) = incident.change.unwrap_or_default();
        Self {
            id: incident.id,
            scope: Some(incident.scope.into()),
            cause: proto::IncidentCause::from(incident.cause).into(),
            state: state.into(),
            job_kind: incident.kind.map_or(proto::JobKind::Unspecified, kind).into(),
            resource_arn: incident.resource,
            vault_arn: incident.vault,
            open_time: Some(timestamp(incident.opened_at)),
            last_time: Some(timestamp(incident.last_at)),
            close_time: incident.closed_at.map(timestamp),
            count: incident.count,
            job_id,
            recovery_points: incident.points.into_iter().map(Into::into).collect(),
            setting_before,
            setting_after,
            actor: incident.actor.map(Into::into),
            acknowledgement: incident.acknowledged.map(|taken| proto::Acknowledgement {
                principal: taken.by,
                acknowledge_time: Some(timestamp(taken.at)),
                note: taken.note,
            }),
            finding: missed_run.as_ref().and_then(|run| run.finding.clone()).or(finding.map(Into::into)),
            missed_run,
        }
    }
}

impl From<crate::domain::PointChange> for proto::RecoveryPointChange {
    fn from(change: crate::domain::PointChange) -> Self {
        Self {
            recovery_point_arn: change.recovery_point,
            vault_arn: change.vault,
            seen_time: Some(timestamp(change.seen_at)),
            notice_time: Some(timestamp(change.noticed_at)),
            delete_time_before: change.expires_before.map(timestamp),
            delete_time_after: change.expires_after.map(timestamp),
            actor: change.actor.map(Into::into),
        }
    }
}

impl From<crate::domain::Actor> for proto::Actor {
    fn from(actor: crate::domain::Actor) -> Self {
        Self { caller_arn: actor.caller, operation: actor.operation, call_time: Some(timestamp(actor.at)) }
    }
}
