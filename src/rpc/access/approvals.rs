//! Approvals: one person asks for what takes two, another agrees or does not. What was agreed to is carried out by [`Sight::permit`].
//!
//! An approval is bound to who asked for it, to the `request_id` and digest of the request, and to what that is about as it was shown. It is
//! used once, within an hour. It is kept in the ledger, and while that does not answer there is none.

mod shown;

pub(in crate::rpc) use self::shown::Shown;
use super::{
    audit::digest,
    metrics,
    permissions::Permissions,
    principal::Principal,
    sight::{Need, Sight, absent},
    things::Noun,
};
use crate::{
    aws::Scoped,
    domain::{
        Approval, ApprovalDecision, ApprovalState, Asked, Cursor, DecideApproval, NewApproval, PageRequest, Persons,
        Signer,
    },
    ledger::{ApprovalPosition, Ledger},
    proto::{self, ErrorReason},
    rpc::{
        convert::approvals::{self as convert, AskApproval},
        doorway::{LetIn, Method},
        page_token::ListOf,
        remembered::LEDGER,
        status::Failure,
    },
};

/// Why a call takes two persons, or nothing can be done with an approval.
#[derive(Debug)]
pub(in crate::rpc) struct TwoPersons {
    pub(in crate::rpc) reason: ErrorReason,
    pub(in crate::rpc) text: String,
    /// The RPC that takes two.
    pub(in crate::rpc) action: String,
    /// The approval that there is, and how far it is.
    pub(in crate::rpc) approval: Option<(String, ApprovalState)>,
}

impl TwoPersons {
    pub(in crate::rpc) fn new(
        reason: ErrorReason,
        action: &str,
        why: String,
        approval: Option<(String, ApprovalState)>,
    ) -> Self {
        let text = match reason {
            ErrorReason::ApprovalRequired => format!("{action} takes a second person who agrees: {why}"),
            _ => why,
        };
        Self { reason, text, action: action.to_owned(), approval }
    }

    fn of(approval: &Approval, reason: ErrorReason, why: &str, aws: &Scoped) -> Failure {
        let so = Some((approval.id.clone(), approval.state(aws.now())));
        Self::new(reason, &approval.of.action, why.to_owned(), so).into()
    }
}

/// Whoever calls, as one who can ask or decide.
fn signer(caller: &Principal, action: &str) -> Result<Signer, Failure> {
    let why = "takes two persons, and only a token tells persons apart: call with a bearer token, a certificate beside it or not";
    let refused = || TwoPersons::new(ErrorReason::SecondPersonRequired, action, format!("{action} {why}"), None);
    caller.known().signer().ok_or_else(|| refused().into())
}

/// Asks for an approval.
pub(super) async fn ask(
    permissions: &Permissions,
    let_in: &LetIn,
    aws: &Scoped,
    asked: Asked<AskApproval>,
) -> Result<proto::RequestApprovalResponse, Failure> {
    let is_check = asked.is_check();
    let AskApproval { mut request, about, reason } = asked.what;
    let action = convert::action(&request);
    let requester = signer(&let_in.principal, action)?;
    let request_id = convert::take_request_id(&mut request);
    let bytes = convert::encode(&request);
    let method = Method::named(action).ok_or_else(|| Failure::Bug("an approval of what is no RPC".to_owned()))?;
    // Whoever may not do it need not ask.
    let sight = Sight::of(permissions, &let_in.principal, (method, &let_in.facts), &bytes);
    sight.decide(aws).await?;
    let not_needed = |why: String| TwoPersons::new(ErrorReason::ApprovalNotNeeded, action, why, None);
    match sight.need() {
        Need::SecondPerson => {}
        Need::Alone => return Err(not_needed(format!("{action} of this takes no second person: send it")).into()),
        Need::BreakGlass(by) => {
            let by = by.join(", ");
            return Err(
                not_needed(format!("{by} lets the caller {action} alone: send it, and the record tells")).into()
            );
        }
    }
    let shown = Shown::there(aws, &about).await?;
    let new = NewApproval {
        scope: aws.scope().clone(),
        action: action.to_owned(),
        digest: digest(&bytes),
        request: bytes,
        // As the call that uses it is looked up by.
        request_id: request_id.to_ascii_lowercase(),
        shown: shown.text(),
        requester,
        reason,
        asked_at: aws.now(),
    };
    let now = new.asked_at;
    let approval = if is_check {
        let expires_at = now + crate::domain::APPROVAL_HOLDS_FOR;
        Approval { id: String::new(), of: new, expires_at, decided: None, used_at: None, after: None }
    } else {
        let approval = permissions.picture().ledger.ask_approval(&new).await?;
        metrics::approval(action, "requested");
        let_in.facts.approved(&approval);
        approval
    };
    let approval = Some(convert::told(approval, now));
    Ok(proto::RequestApprovalResponse { approval, ..Default::default() })
}

/// An approval of the account and region; of one that is not there, the same as of one that the caller may not see.
pub(super) async fn there(ledger: &Ledger, aws: &Scoped, id: &str) -> Result<Approval, Failure> {
    let known = ledger.approval(id).await?.filter(|approval| approval.of.scope == *aws.scope());
    Ok(known.ok_or_else(|| absent(Noun::Approval, id))?)
}

pub(super) async fn get(
    permissions: &Permissions,
    aws: &Scoped,
    id: &str,
) -> Result<proto::GetApprovalResponse, Failure> {
    let approval = there(&permissions.picture().ledger, aws, id).await?;
    Ok(proto::GetApprovalResponse { approval: Some(convert::told(approval, aws.now())) })
}

pub(super) async fn list(
    permissions: &Permissions,
    sight: &Sight,
    aws: &Scoped,
    list: ListOf<Vec<ApprovalState>>,
) -> Result<proto::ListApprovalsResponse, Failure> {
    let ListOf { filter: states, paged } = list;
    let ledger = &permissions.picture().ledger;
    let now = aws.now();
    let page = async |page: PageRequest| {
        let after = page.position(ApprovalPosition::parse)?;
        let (found, next) = ledger.list_approvals(aws.scope(), usize::from(page.size), after.as_ref()).await?;
        let wanted = |approval: &Approval| states.is_empty() || states.contains(&approval.state(now));
        let seen = sight.approvals_seen(aws, found.into_iter().filter(wanted).collect()).await?;
        let next = next.map(|next| Cursor { token: Some(next.to_string()), ..Cursor::of_part(LEDGER) });
        Ok(proto::ListApprovalsResponse {
            approvals: seen.into_iter().map(|approval| convert::told(approval, now)).collect(),
            next_page_token: paged.token(next.as_ref()),
        })
    };
    paged.answer(page).await
}

/// Agrees. The approval as it is then.
pub(super) async fn approve(
    permissions: &Permissions,
    let_in: &LetIn,
    aws: &Scoped,
    asked: Asked<DecideApproval>,
) -> Result<proto::Approval, Failure> {
    let by = signer(&let_in.principal, "Approve")?;
    let ledger = &permissions.picture().ledger;
    let approval = there(ledger, aws, &asked.what.approval).await?;
    match approval.of.requester.and(&by) {
        Persons::Two => {}
        Persons::One => {
            let why = "the caller is who asked for it, perhaps with another credential: it takes another person";
            return Err(TwoPersons::of(&approval, ErrorReason::SecondPersonRequired, why, aws));
        }
        Persons::Untold => {
            let why = "nobody can tell whether the caller is another person than the one who asked: the tokens of both must say who \
                       they are (access.issuers.NAME.person_claim), or be of one issuer";
            return Err(TwoPersons::of(&approval, ErrorReason::SecondPersonRequired, why, aws));
        }
    }
    // What it is about is read first: then the time is that of AWS's answer.
    let present = Shown::of_request(aws, &approval.of.action, &approval.of.request).await?.text();
    let state = approval.state(aws.now());
    let is_mine = approval.decided.as_ref().is_some_and(|decision| decision.by.name == by.name && decision.agrees);
    if is_mine && state == ApprovalState::Approved {
        return Ok(convert::told(approval, aws.now()));
    }
    if state != ApprovalState::Pending {
        return Err(TwoPersons::of(&approval, ErrorReason::ApprovalClosed, closed(state), aws));
    }
    if present != approval.of.shown {
        let why = "what it is about is no longer as it is shown here: whoever asked is to look, and ask anew";
        return Err(TwoPersons::of(&approval, ErrorReason::ApprovalStale, why, aws));
    }
    decide(ledger, let_in, (approval, true), by, aws, asked).await
}

/// Does not agree, or takes it back. The approval as it is then.
pub(super) async fn reject(
    permissions: &Permissions,
    let_in: &LetIn,
    aws: &Scoped,
    asked: Asked<DecideApproval>,
) -> Result<proto::Approval, Failure> {
    let by = signer(&let_in.principal, "Reject")?;
    let ledger = &permissions.picture().ledger;
    let approval = there(ledger, aws, &asked.what.approval).await?;
    let state = approval.state(aws.now());
    match state {
        ApprovalState::Pending | ApprovalState::Approved => {}
        ApprovalState::Rejected => return Ok(convert::told(approval, aws.now())),
        ApprovalState::Used | ApprovalState::Expired => {
            return Err(TwoPersons::of(&approval, ErrorReason::ApprovalClosed, closed(state), aws));
        }
    }
    decide(ledger, let_in, (approval, false), by, aws, asked).await
}

fn closed(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Pending => "nobody has decided on it",
        ApprovalState::Approved => "somebody has approved it already",
        ApprovalState::Rejected => "somebody did not agree, or it was taken back: whoever asked can ask anew",
        ApprovalState::Used => "the request was carried out with it",
        ApprovalState::Expired => "it is over: whoever asked can ask anew",
    }
}

async fn decide(
    ledger: &Ledger,
    let_in: &LetIn,
    (approval, agrees): (Approval, bool),
    by: Signer,
    aws: &Scoped,
    asked: Asked<DecideApproval>,
) -> Result<proto::Approval, Failure> {
    let is_check = asked.is_check();
    let now = aws.now();
    let decision = ApprovalDecision { by, agrees, note: asked.what.note, at: now };
    let decided = Approval { decided: Some(decision.clone()), ..approval.clone() };
    if !is_check {
        if !ledger.decide_approval(&approval.id, &decision).await? {
            let present = ledger.approval(&approval.id).await?.unwrap_or(approval);
            let state = present.state(now);
            return Err(TwoPersons::of(&present, ErrorReason::ApprovalClosed, closed(state), aws));
        }
        metrics::approval(&approval.of.action, if agrees { "approved" } else { "rejected" });
        let_in.facts.approved(&decided);
    }
    Ok(convert::told(decided, now))
}
