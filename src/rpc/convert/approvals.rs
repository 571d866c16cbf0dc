//! Approvals, and the requests that one can be asked for.

use jiff::Timestamp;
use prost::Message as _;

use super::{
    change::Change as _,
    incidents::{id_of, note_of, words},
    legal_holds, plans,
    reader::Reader,
    recovery_points, selections, timestamp, vault_lock, vault_settings, vaults,
};
pub(in crate::rpc) use crate::proto::approvable_request::Request as Approvable;
use crate::{
    domain::{
        Approval, ApprovalState, Asked, DecideApproval, Fault, Faults, GetPlan, Invalid, LegalHoldRef, PlanRef,
        PlanUpdate, PointInVault, Retention, SavedSelection, VaultName,
    },
    proto,
    rpc::page_token::ListOf,
};

/// What is read to show what a request is about.
#[derive(Debug)]
pub(in crate::rpc) enum About {
    /// The vault, with how many recovery points are in it.
    VaultAndPoints(VaultName),
    /// The vault itself.
    Vault(VaultName),
    /// Who may do what in the vault.
    AccessPolicy(VaultName),
    /// Whom the vault tells.
    Notifications(VaultName),
    /// The recovery point; and how long it is to be kept, where that is what changes.
    Point(PointInVault, Option<Retention>),
    /// The plan; and what is to become of it, where it is changed.
    Plan(GetPlan, Option<Box<PlanUpdate>>),
    /// The selection.
    Selection(SavedSelection),
    /// The legal hold.
    LegalHold(LegalHoldRef),
}

/// Each request that an approval can be asked for, by its RPC: how it is read, and what it is about.
macro_rules! approvable {
    ($($action:ident($message:ident, $field:literal): $read:path, $about:expr;)+) => {
        /// The actions that an approval can be asked for.
        pub(in crate::rpc) const ACTIONS: &[&str] = &[$(stringify!($action)),+];

        /// The RPC of a request.
        pub(in crate::rpc) fn action(request: &Approvable) -> &'static str {
            match request {
                $(Approvable::$action(_) => stringify!($action)),+
            }
        }

        /// The request of an RPC, as it is on the wire; nothing of those that no approval can be asked for.
        pub(in crate::rpc) fn decode(action: &str, bytes: &[u8]) -> Option<Approvable> {
            match action {
                $(stringify!($action) => proto::$message::decode(bytes).ok().map(Approvable::$action),)+
                _ => None,
            }
        }

        /// Takes the `request_id` out: what is left is the same request whatever the spelling of that.
        pub(in crate::rpc) fn take_request_id(request: &mut Approvable) -> String {
            match request {
                $(Approvable::$action(message) => std::mem::take(&mut message.request_id)),+
            }
        }

        /// The request with that id.
        pub(in crate::rpc) fn with_request_id(mut request: Approvable, id: &str) -> Approvable {
            match &mut request {
                $(Approvable::$action(message) => message.set_request_id(id)),+
            }
            request
        }

        /// A request as it is on the wire.
        pub(in crate::rpc) fn encode(request: &Approvable) -> Vec<u8> {
            match request {
                $(Approvable::$action(message) => message.encode_to_vec()),+
            }
        }

        /// The name of the field that a request stands in, and what is wrong with it as one that is asked for.
        fn faults_of(request: &Approvable) -> (&'static str, Faults) {
            match request {
                $(Approvable::$action(message) => ($field, within(&message.request_id, message.validate_only))),+
            }
        }

        /// What a request is about.
        ///
        /// # Errors
        /// When it is not valid.
        pub(in crate::rpc) fn about(request: &Approvable) -> Result<Asked<About>, Invalid> {
            match request {
                $(Approvable::$action(message) => {
                    Ok(of($read(message.clone())?, $about))
                }),+
            }
        }
    };
}

approvable! {
    CancelLegalHold(CancelLegalHoldRequest, "cancel_legal_hold"):
        legal_holds::cancel, |it| About::LegalHold(it.hold);
    DeletePlan(DeletePlanRequest, "delete_plan"): plans::delete, |it| About::Plan(whole(it.plan), None);
    DeleteRecoveryPoint(DeleteRecoveryPointRequest, "delete_recovery_point"):
        recovery_points::delete, |it| About::Point(it.point, None);
    DeleteSelection(DeleteSelectionRequest, "delete_selection"): selections::delete, |it| About::Selection(it.selection);
    DeleteVault(DeleteVaultRequest, "delete_vault"): vaults::delete, |it| About::VaultAndPoints(it.vault);
    DeleteVaultAccessPolicy(DeleteVaultAccessPolicyRequest, "delete_vault_access_policy"):
        vault_settings::delete_policy, |it| About::AccessPolicy(it.vault);
    DeleteVaultNotifications(DeleteVaultNotificationsRequest, "delete_vault_notifications"):
        vault_settings::delete_notifications, |it| About::Notifications(it.vault);
    DisassociateRecoveryPoint(DisassociateRecoveryPointRequest, "disassociate_recovery_point"):
        recovery_points::disassociate, |it| About::Point(it, None);
    LockVault(LockVaultRequest, "lock_vault"): vault_lock::lock, |it| About::Vault(it.vault);
    SetVaultAccessPolicy(SetVaultAccessPolicyRequest, "set_vault_access_policy"):
        vault_settings::set_policy, |it| About::AccessPolicy(it.vault);
    UnlockVault(UnlockVaultRequest, "unlock_vault"): vault_lock::unlock, |it| About::Vault(it.vault);
    UpdatePlan(UpdatePlanRequest, "update_plan"):
        plans::update, |it| About::Plan(whole(it.plan.clone()), Some(Box::new(it)));
    UpdateRecoveryPointLifecycle(UpdateRecoveryPointLifecycleRequest, "update_recovery_point_lifecycle"):
        recovery_points::update_lifecycle, |it| About::Point(it.point, Some(it.lifecycle.retention));
}

fn of<T>(asked: Asked<T>, about: impl FnOnce(T) -> About) -> Asked<About> {
    let Asked { scope, places, mode, request_id, what } = asked;
    Asked { scope, places, mode, request_id, what: about(what) }
}

fn whole(plan: PlanRef) -> GetPlan {
    GetPlan { plan, version: None }
}

/// What is wrong with a request that is asked for, and would not be with one that is sent.
fn within(request_id: &str, validate_only: bool) -> Faults {
    let mut faults = Faults::default();
    if request_id.is_empty() {
        let why =
            "is required: the approval is for the request of this id; give a UUID, and send the request with the same";
        faults.add("request_id", why);
    }
    if validate_only {
        faults.add("validate_only", "is set, and nobody need agree with a check");
    }
    faults
}

/// An approval that is asked for, as the request says it.
#[derive(Debug)]
pub(in crate::rpc) struct AskApproval {
    pub(in crate::rpc) request: Approvable,
    pub(in crate::rpc) about: About,
    pub(in crate::rpc) reason: String,
}

pub(in crate::rpc) fn ask(request: proto::RequestApprovalRequest) -> Result<Asked<AskApproval>, Invalid> {
    let proto::RequestApprovalRequest { request, reason, request_id, validate_only } = request;
    let mut read = Reader::change(None, &request_id, validate_only);
    let reason = read.note("reason", note_of(reason));
    let missing = "is required: the request that is asked for, such as delete_vault";
    let wanted = read.note("request", request.and_then(|request| request.request).ok_or(missing));
    let wanted = wanted.and_then(|request| {
        let (field, mut faults) = faults_of(&request);
        let about = about(&request);
        if let Err(invalid) = &about {
            faults.append(Faults::of(invalid.clone())).ok();
        }
        read.take_over(faults.under(&format!("request.{field}")))?;
        Ok((request, about))
    });
    let asked = read.conclude(|| {
        let (request, about) = wanted?;
        Ok((request, about, reason?))
    })?;
    let Asked { mode, request_id, what: (request, about, reason), .. } = asked;
    // Account and region are those of the request that is asked for.
    let Asked { scope, places, what: about, .. } = about?;
    Ok(Asked { scope, places, mode, request_id, what: AskApproval { request, about, reason } })
}

pub(in crate::rpc) fn get(request: proto::GetApprovalRequest) -> Result<Asked<String>, Invalid> {
    let proto::GetApprovalRequest { scope, approval } = request;
    let mut read = Reader::new(scope);
    let approval = read.note("approval", id_of("an approval", "ListApprovals", &approval));
    read.conclude(|| approval)
}

pub(in crate::rpc) fn list(
    mut request: proto::ListApprovalsRequest,
) -> Result<Asked<ListOf<Vec<ApprovalState>>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListApprovals", &request, size, &token);
    let states = words(&mut read, "states", request.states, state, []);
    read.conclude(|| Ok(ListOf { filter: states?, paged: paged? }))
}

pub(in crate::rpc) fn approve(request: proto::ApproveRequest) -> Result<Asked<DecideApproval>, Invalid> {
    let proto::ApproveRequest { scope, approval, note, request_id, validate_only } = request;
    decide(Reader::change(scope, &request_id, validate_only), &approval, note)
}

pub(in crate::rpc) fn reject(request: proto::RejectRequest) -> Result<Asked<DecideApproval>, Invalid> {
    let proto::RejectRequest { scope, approval, note, request_id, validate_only } = request;
    decide(Reader::change(scope, &request_id, validate_only), &approval, note)
}

fn decide(mut read: Reader, approval: &str, note: String) -> Result<Asked<DecideApproval>, Invalid> {
    let approval = read.note("approval", id_of("an approval", "ListApprovals", approval));
    let note = read.note("note", note_of(note));
    read.conclude(|| Ok(DecideApproval { approval: approval?, note: note? }))
}

fn state(number: i32) -> Result<ApprovalState, Fault> {
    let all = [
        ApprovalState::Pending,
        ApprovalState::Approved,
        ApprovalState::Rejected,
        ApprovalState::Used,
        ApprovalState::Expired,
    ];
    let found = all.into_iter().find(|state| i32::from(proto::ApprovalState::from(*state)) == number);
    found.ok_or_else(|| format!("{number} is not a state of approvals: see ApprovalState").into())
}

impl From<ApprovalState> for proto::ApprovalState {
    fn from(state: ApprovalState) -> Self {
        match state {
            ApprovalState::Pending => Self::Pending,
            ApprovalState::Approved => Self::Approved,
            ApprovalState::Rejected => Self::Rejected,
            ApprovalState::Used => Self::Used,
            ApprovalState::Expired => Self::Expired,
        }
    }
}

/// An approval as it is told.
pub(in crate::rpc) fn told(approval: Approval, now: Timestamp) -> proto::Approval {
    let state = approval.state(now);
    let Approval { id, of, expires_at, decided, used_at, after: _ } = approval;
    let request = decode(&of.action, &of.request).map(|request| with_request_id(request, &of.request_id));
    let (decider, note, decide_time) = match decided {
        Some(decision) => (decision.by.name, decision.note, Some(timestamp(decision.at))),
        None => Default::default(),
    };
    proto::Approval {
        id,
        scope: Some(of.scope.into()),
        state: proto::ApprovalState::from(state).into(),
        action: of.action,
        request: Some(proto::ApprovableRequest { request }),
        request_digest: of.digest,
        shown_json: of.shown,
        requester: of.requester.name,
        reason: of.reason,
        decider,
        note,
        create_time: Some(timestamp(of.asked_at)),
        expire_time: Some(timestamp(expires_at)),
        decide_time,
        use_time: used_at.map(timestamp),
    }
}
