//! Legal holds.

use super::{reader::Reader, timestamp};
use crate::{
    domain::{
        Asked, Bond, CancelLegalHold, HeldPoint, HeldSelection, Invalid, LegalHold, LegalHoldRef, LegalHoldState,
        NewLegalHold, Noted, ResourceType, Tags, WantedPoints,
    },
    proto,
    rpc::page_token::ListOf,
};

pub(in crate::rpc) fn create(request: proto::CreateLegalHoldRequest) -> Result<Asked<NewLegalHold>, Invalid> {
    let proto::CreateLegalHoldRequest {
        scope,
        title,
        description,
        recovery_point_selection,
        tags,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let title = read.note("title", NewLegalHold::title(title));
    let description = read.note("description", NewLegalHold::description(description));
    let selection = read.wanted_points("recovery_point_selection", recovery_point_selection.unwrap_or_default());
    let tags = read.tags("tags", tags, Tags::most());
    read.conclude(|| Ok(NewLegalHold { title: title?, description: description?, selection: selection?, tags: tags? }))
}

pub(in crate::rpc) fn get(request: proto::GetLegalHoldRequest) -> Result<Asked<LegalHoldRef>, Invalid> {
    let proto::GetLegalHoldRequest { scope, legal_hold } = request;
    let mut read = Reader::new(scope);
    let named = read.legal_hold("legal_hold", &legal_hold);
    read.conclude(|| named)
}

pub(in crate::rpc) fn list(
    mut request: proto::ListLegalHoldsRequest,
) -> Result<Asked<ListOf<Vec<LegalHoldState>>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListLegalHolds", &request, size, &token);
    let states = request.states.iter().enumerate();
    let states: Vec<_> =
        states.map(|(index, state)| read.legal_hold_state(&format!("states[{index}]"), *state)).collect();
    read.conclude(|| Ok(ListOf { filter: states.into_iter().collect::<Result<_, _>>()?, paged: paged? }))
}

pub(in crate::rpc) fn cancel(request: proto::CancelLegalHoldRequest) -> Result<Asked<CancelLegalHold>, Invalid> {
    let proto::CancelLegalHoldRequest {
        scope,
        legal_hold,
        reason,
        retain_record_days,
        request_id,
        validate_only,
        allow_missing,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let hold = read.legal_hold("legal_hold", &legal_hold);
    let reason = read.note("reason", CancelLegalHold::reason(reason));
    let retain_record_days = read.note("retain_record_days", CancelLegalHold::days(retain_record_days));
    read.conclude(|| {
        Ok(CancelLegalHold { hold: hold?, reason: reason?, retain_record_days: retain_record_days?, allow_missing })
    })
}

pub(in crate::rpc) fn list_points(
    mut request: proto::ListLegalHoldRecoveryPointsRequest,
) -> Result<Asked<ListOf<LegalHoldRef>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListLegalHoldRecoveryPoints", &request, size, &token);
    let hold = read.legal_hold("legal_hold", &request.legal_hold);
    read.conclude(|| Ok(ListOf { filter: hold?, paged: paged? }))
}

impl Reader {
    /// A legal hold by id, ARN or title.
    fn legal_hold(&mut self, field: &str, text: &str) -> Result<LegalHoldRef, Noted> {
        let (named, scope) = self.note_of(field, text, LegalHoldRef::parse(text), Bond::Own)?;
        self.within(field, scope)?;
        Ok(named)
    }

    fn legal_hold_state(&mut self, field: &str, number: i32) -> Result<LegalHoldState, Noted> {
        match proto::LegalHoldState::try_from(number) {
            Ok(proto::LegalHoldState::Creating) => Ok(LegalHoldState::Creating),
            Ok(proto::LegalHoldState::Active) => Ok(LegalHoldState::Active),
            Ok(proto::LegalHoldState::Canceling) => Ok(LegalHoldState::Cancelling),
            Ok(proto::LegalHoldState::Canceled) => Ok(LegalHoldState::Cancelled),
            Ok(proto::LegalHoldState::Unspecified) => {
                Err(self.fault(field, "is UNSPECIFIED: leave states empty for holds in any state"))
            }
            Err(_) => Err(self.fault(field, format!("{number} is not a state of a legal hold"))),
        }
    }

    /// What a hold is to keep: its members, and what is wrong with it as a whole.
    fn wanted_points(&mut self, field: &str, wanted: proto::RecoveryPointSelection) -> Result<WantedPoints, Noted> {
        let proto::RecoveryPointSelection { vaults, resources, resource_types, create_time } = wanted;
        let at = |member: &str, index: usize| format!("{field}.{member}[{index}]");
        let each = |(index, text): (usize, &String), read: &mut Self| read.vault(&at("vaults", index), text);
        let vaults: Vec<_> = vaults.iter().enumerate().map(|one| each(one, self)).collect();
        let resources = resources.iter().enumerate();
        // A copy in a vault here may be of a resource elsewhere: its ARN only fills in what nothing else says.
        let resources: Vec<_> =
            resources.map(|(index, text)| self.hinted_resource(&at("resources", index), text)).collect();
        let types = resource_types.iter().enumerate();
        let types: Vec<_> =
            types.map(|(index, text)| self.note(&at("resource_types", index), ResourceType::parse(text))).collect();
        let created = self.interval(&format!("{field}.create_time"), create_time);
        let wanted = WantedPoints {
            vaults: vaults.into_iter().collect::<Result<_, _>>()?,
            resources: resources.into_iter().collect::<Result<_, _>>()?,
            types: types.into_iter().collect::<Result<_, _>>()?,
            created: created?,
        };
        let faults = wanted.faults().into_iter();
        match faults.map(|(member, fault)| self.fault(&format!("{field}{member}"), fault)).last() {
            Some(noted) => Err(noted),
            None => Ok(wanted),
        }
    }
}

impl From<LegalHold> for proto::LegalHold {
    fn from(hold: LegalHold) -> Self {
        let state = match &hold.state {
            LegalHoldState::Creating => proto::LegalHoldState::Creating,
            LegalHoldState::Active => proto::LegalHoldState::Active,
            LegalHoldState::Cancelling => proto::LegalHoldState::Canceling,
            LegalHoldState::Cancelled => proto::LegalHoldState::Canceled,
            LegalHoldState::Unknown(_) => proto::LegalHoldState::Unspecified,
        };
        Self {
            state: state.into(),
            state_text: hold.state.word().to_owned(),
            id: hold.id,
            arn: hold.arn,
            scope: Some(hold.scope.into()),
            title: hold.title,
            description: hold.description,
            create_time: hold.created_at.map(timestamp),
            cancel_time: hold.cancelled_at.map(timestamp),
            cancel_reason: hold.cancel_reason,
            record_delete_time: hold.record_kept_until.map(timestamp),
            recovery_point_selection: hold.selection.map(Into::into),
            tags: hold.tags,
        }
    }
}

impl From<HeldSelection> for proto::RecoveryPointSelection {
    fn from(selection: HeldSelection) -> Self {
        let create_time = (!selection.created.is_unbounded()).then(|| proto::TimeInterval {
            start_time: selection.created.after.map(timestamp),
            end_time: selection.created.before.map(timestamp),
        });
        Self { vaults: selection.vaults, resources: selection.resources, resource_types: selection.types, create_time }
    }
}

impl From<HeldPoint> for proto::HeldRecoveryPoint {
    fn from(point: HeldPoint) -> Self {
        Self {
            scope: Some(point.scope.into()),
            arn: point.arn,
            vault_name: point.vault,
            resource_arn: point.resource_arn,
            resource_type: point.resource_type,
        }
    }
}
