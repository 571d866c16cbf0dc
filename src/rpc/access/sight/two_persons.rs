//! What a caller may not do alone, and that a second person has agreed with it.

use std::collections::BTreeSet;

use super::{Denied, Sight, View};
use crate::{
    aws::Scoped,
    domain::{Approval, ApprovalState, Finding, Persons},
    proto::ErrorReason,
    rpc::{
        access::{
            approvals::{self, Shown, TwoPersons},
            audit::digest,
            metrics,
            policy::{
                Marks, Policies, Saying,
                schema::{SHORTENING, SHORTENS},
            },
            principal::Known,
            things::{Noun, Thing},
            touched::{How, Touched, saying_nothing},
        },
        convert::{Changed, approvals as convert},
        doorway::Method,
        status::Failure,
    },
};

/// Who must be there for what a caller asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::rpc) enum Need {
    /// The caller.
    #[default]
    Alone,
    /// Somebody else, too.
    SecondPerson,
    /// The caller alone, for what takes two otherwise: by these policies.
    BreakGlass(Vec<String>),
}

/// An approval that a call is carried out with.
#[derive(Debug)]
pub(super) struct Agreed {
    id: String,
    aws: Scoped,
}

/// What of a request takes two persons, whatever policies say.
fn takes_two(action: &str, saying: &Saying) -> bool {
    let says = |name: &str| saying.get(name);
    match action {
        "DeleteRecoveryPoint" | "DisassociateRecoveryPoint" | "UnlockVault" => true,
        "DeleteVault" => says("force") == Some(&true.into()),
        "LockVault" => says("mode") == Some(&"COMPLIANCE".into()),
        _ => says(SHORTENS) == Some(&true.into()),
    }
}

/// What a call touches: how, what the request calls it, and the thing.
pub(super) type TouchedThings = Vec<(How, String, Thing)>;

impl Sight {
    /// Whether the caller may do what the request asks for, now: with a second person where it takes one.
    pub(in crate::rpc) async fn permit(&self, aws: &Scoped, request_id: &str) -> Result<(), Failure> {
        self.decide(aws).await?;
        let Some(view) = &self.0 else { return Ok(()) };
        match view.need.get() {
            Some(Need::SecondPerson) => Box::pin(view.agreed(aws, request_id)).await,
            Some(Need::BreakGlass(by)) => {
                let (caller, action) = (view.caller.name(), view.method.action());
                tracing::warn!(caller, action, policies = by.join(","), "does alone what takes two persons");
                metrics::broke_glass(action);
                view.facts.broke_glass(by);
                Ok(())
            }
            Some(Need::Alone) | None => Ok(()),
        }
    }

    /// Who must be there for it, once it was decided.
    pub(in crate::rpc) fn need(&self) -> Need {
        self.0.as_ref().and_then(|view| view.need.get().cloned()).unwrap_or_default()
    }

    /// Tells what is uncommon about who was there for it, or must be.
    pub(in crate::rpc) fn tell_need(&self, is_check: bool, answer: &mut impl Changed) {
        let finding = match (self.need(), is_check) {
            (Need::SecondPerson, true) => Finding::warning(
                "APPROVAL_REQUIRED",
                "it takes a second person who agrees",
                "ask with RequestApproval, and send the same request once somebody has approved it",
            ),
            (Need::BreakGlass(by), _) => Finding::warning(
                "BREAK_GLASS",
                format!("it takes two persons, and {} lets the caller do it alone", by.join(", ")),
                "say somewhere why it had to be: the record of calls and an alert tell of it",
            ),
            (Need::Alone | Need::SecondPerson, _) => return,
        };
        answer.tell_finding(finding.into());
    }
}

impl View {
    /// Whether the caller may, on all of these, and who must be there for it. What only a read tells is read where that decides.
    pub(super) async fn decide_all(
        &self,
        policies: &Policies,
        aws: &Scoped,
        things: &TouchedThings,
    ) -> Result<Need, Failure> {
        let action = self.method.action();
        let saying = &self.touched.saying;
        if !SHORTENING.contains(&action) {
            return self.decide_saying(policies, things, saying).map_err(|denied| denied.told(action));
        }
        let shortening = Saying::from_iter(saying.clone().into_iter().chain([(SHORTENS.to_owned(), true.into())]));
        let told = |saying: &Saying| self.decide_saying(policies, things, saying);
        let (if_not, if_so) = (told(saying), told(&shortening));
        // Whoever may neither is told before AWS is asked.
        if if_so.is_err() && if_not.is_err() {
            return if_not.map_err(|denied| denied.told(action));
        }
        let decided = if self.shown_now(aws).await?.shortens { if_so } else { if_not };
        decided.map_err(|denied| denied.told(action))
    }

    fn decide_saying(&self, policies: &Policies, things: &TouchedThings, saying: &Saying) -> Result<Need, Denied> {
        let action = self.method.action();
        let (mut required, mut alone) = (takes_two(action, saying), true);
        let mut break_glass = BTreeSet::new();
        for (how, text, thing) in things {
            if let Some(Marks { required: by_policy, break_glass: by }) =
                self.decide_on(policies, action, (how, text), thing, saying)?
            {
                required |= by_policy;
                alone &= !by.is_empty();
                break_glass.extend(by);
            }
        }
        // A mark on many actions is about those that an approval can be asked for, and not about asking.
        Ok(match (required && convert::ACTIONS.contains(&action), alone) {
            (false, _) => Need::Alone,
            (true, true) => Need::BreakGlass(break_glass.into_iter().collect()),
            (true, false) => Need::SecondPerson,
        })
    }

    /// What the request is about, as it is now.
    async fn shown_now(&self, aws: &Scoped) -> Result<Shown, Failure> {
        Shown::of_request(aws, self.method.action(), &self.bytes).await
    }

    /// Whether somebody has agreed with this very call. Then the approval is used.
    async fn agreed(&self, aws: &Scoped, request_id: &str) -> Result<(), Failure> {
        let ledger = &self.permissions.picture().ledger;
        let action = self.method.action();
        let needed = |why: &str, approval: Option<(String, ApprovalState)>| {
            metrics::approval(action, "missing");
            Failure::from(TwoPersons::new(ErrorReason::ApprovalRequired, action, why.to_owned(), approval))
        };
        let known = ledger.approval_for(aws.scope(), self.caller.name(), &request_id.to_ascii_lowercase()).await?;
        let Some(approval) = known else {
            let why = "ask with RequestApproval, giving this very request with its request_id, and send it once somebody has approved it";
            return Err(needed(why, None));
        };
        // What it is about is read first: then the time is that of AWS's answer.
        let present = self.shown_now(aws).await?.text();
        let now = aws.now();
        let so = || Some((approval.id.clone(), approval.state(now)));
        let needed = |why: &str| needed(why, so());
        if (approval.of.action.as_str(), &approval.of.digest) != (action, &digest(&self.bytes)) {
            return Err(needed(
                "what was asked for under this request_id is another request: ask for this one, under an id of its own",
            ));
        }
        match approval.state(now) {
            ApprovalState::Approved => {}
            ApprovalState::Used if !approval.is_over(now) => {}
            ApprovalState::Pending => return Err(needed("nobody has decided on the approval yet")),
            ApprovalState::Rejected => return Err(needed("somebody did not agree, or it was taken back")),
            ApprovalState::Used => {
                return Err(needed("its approval was used: ask for another, under another request_id"));
            }
            ApprovalState::Expired => return Err(needed("its approval is over: ask for another")),
        }
        let Some(decision) = &approval.decided else { return Err(needed("nobody has decided on the approval yet")) };
        let policies = self.permissions.present();
        let things = self.things(aws, &policies, true).await?;
        let decider = Known::of_signer(&decision.by);
        let persons = self.caller.known().signer().map(|requester| requester.and(&decision.by));
        if persons != Some(Persons::Two) || !permits(&policies, &decider, "Approve", &things) {
            return Err(needed("whoever approved it may not any more: ask for another"));
        }
        let is_as_said = match (&approval.used_at, &approval.after) {
            (None, _) => present == approval.of.shown,
            // It is carried out once. A repetition finds nothing to do, or finishes what was begun.
            (Some(_), Some(after)) => present == *after || present == Shown::NOTHING,
            (Some(_), None) => Shown::is_rest_of(&present, &approval.of.shown),
        };
        if !is_as_said {
            let why = "what it is about is no longer as it was shown to whoever approved it: look, and ask anew";
            return Err(TwoPersons::new(ErrorReason::ApprovalStale, action, why.to_owned(), so()).into());
        }
        if approval.used_at.is_none() && !ledger.use_approval(&approval.id, now).await? {
            return Err(needed("its approval was taken back, or used, just now"));
        }
        metrics::approval(action, "used");
        self.facts.approved(&approval);
        _ = self.agreed.set(Agreed { id: approval.id, aws: aws.clone() });
        Ok(())
    }

    /// Notes what came of a call that was carried out with an approval: from now on a repetition finds nothing to do, or is refused.
    pub(super) async fn finish(&self) {
        let Some(Agreed { id, aws }) = self.agreed.get() else { return };
        let finished = async {
            let after = self.shown_now(aws).await?.text();
            Ok::<_, Failure>(self.permissions.picture().ledger.finish_approval(id, &after).await?)
        };
        if let Err(error) = Box::pin(finished).await {
            tracing::warn!(?error, approval = id, "what came of an approval is not known");
        }
    }

    /// What the call touches. Of a call about an approval, what the request touches that the approval is for.
    pub(super) async fn things(
        &self,
        aws: &Scoped,
        policies: &Policies,
        whole: bool,
    ) -> Result<TouchedThings, Failure> {
        let picture = self.permissions.picture();
        let named = &self.touched.named;
        if let Some(named) = named.iter().find(|named| named.noun == Noun::Approval) {
            let approval = approvals::there(&picture.ledger, aws, &named.text).await?;
            return self.of_approval(aws, &approval).await;
        }
        // Where no policy reads anything of them, nothing need be known of things.
        let action = self.method.action();
        let is_read = |noun: Noun| {
            policies.reads(action, noun) || super::reading(noun).is_some_and(|reading| policies.reads(reading, noun))
        };
        match whole || named.iter().any(|named| is_read(named.noun)) {
            true => Box::pin(picture.touched(aws, &self.touched)).await,
            false => Ok(super::super::picture::bare_touched(aws.scope(), &self.touched)),
        }
    }

    /// What the request touches that an approval is for.
    pub(super) async fn of_approval(&self, aws: &Scoped, approval: &Approval) -> Result<TouchedThings, Failure> {
        let method = Method::named(&approval.of.action);
        let input = method.and_then(|method| method.input.as_ref());
        let input = input.ok_or_else(|| Failure::Bug("an approval of what is no RPC".to_owned()))?;
        let touched = Touched::by(input, &approval.of.request);
        let things = Box::pin(self.permissions.picture().touched(aws, &touched)).await?;
        Ok(things.into_iter().map(|(_, _, thing)| (How::Approves, approval.id.clone(), thing)).collect())
    }
}

impl Sight {
    /// Those of these approvals that the caller may GetApproval.
    pub(in crate::rpc) async fn approvals_seen(
        &self,
        aws: &Scoped,
        approvals: Vec<Approval>,
    ) -> Result<Vec<Approval>, Failure> {
        let Some(view) = &self.0 else { return Ok(approvals) };
        let policies = view.permissions.present();
        let mut seen = Vec::new();
        for approval in approvals {
            let things = view.of_approval(aws, &approval).await?;
            if permits(&policies, view.caller.known(), "GetApproval", &things) {
                seen.push(approval);
            }
        }
        Ok(seen)
    }
}

/// Whether somebody may do that to all of these.
fn permits(policies: &Policies, who: &Known, action: &str, things: &TouchedThings) -> bool {
    let decided = |thing: &Thing| policies.decide(who, action, thing, saying_nothing(action));
    things.iter().all(|(_, _, thing)| decided(thing).is_permitted())
}
