//! Replacing a selection: AWS has no update, and one selection of a name in a plan.
//!
//! ```text
//!              old    stand-in    new          who stops here leaves
//! before        ✓
//! stand-in      ✓        ✓                     both selected; repeating goes on with the stand-in
//! delete old             ✓                     the stand-in, which tells whom it stands in for
//! create new             ✓         ✓           both, selecting the same
//! delete                           ✓
//! ```
//!
//! What old and new both select is selected by something at every instant, and what two selections of a plan select is
//! backed up once `[I]`. Each step looks at what is there and is right whoever did the steps before, so a repetition goes on
//! where the call was interrupted. The stand-in's name is a lock too: AWS lets one call alone create it.

use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::{
    super::{Error, Failure, FailureKind, Scoped, as_json},
    CREATE, GET,
    changes::of_etag,
    is_missing_selection, shape,
};
use crate::domain::{
    Asked, CheckedRole, Finding, Maker, NoLongerMade, Noun, Predecessor, Refusal, RefusalKind, ReplaceSelection,
    Replaced, RequestId, RoleRef, Selection, SelectionName, SelectionRef,
};

/// A stand-in that selects something else than what a call wants belongs to another call, which is under way; after this
/// time it was interrupted.
const LONGEST_CALL: SignedDuration = SignedDuration::from_mins(2);

/// The longest that a selection just created is waited for: AWS may not know it at once `[T]`.
const LONGEST_UNSEEN: Duration = Duration::from_secs(30);

/// What there is of a selection that is to be replaced: it, or its stand-in, or both.
struct There {
    name: SelectionName,
    current: Option<Selection>,
    stand_in: Option<Selection>,
    /// Somebody's own selection that has the stand-in's name.
    taken: Option<String>,
    /// Whom the next selection of the name follows.
    of: Predecessor,
    /// The id that the call named, if the selection of that id has been replaced already.
    gone: Option<String>,
}

impl Scoped {
    /// Has a selection select something else. Equal content changes nothing; what an interrupted call left is cleared up.
    /// Tells what will surprise.
    pub async fn replace_selection(&self, asked: &Asked<ReplaceSelection>) -> Result<(Replaced, Vec<Finding>), Error> {
        let criteria = &asked.what.criteria;
        // Boxed: side by side on the stack they are too much for a thread of a debug build.
        let (replaced, found) =
            tokio::join!(Box::pin(self.replaced(asked)), Box::pin(self.findings_of_criteria(criteria)));
        let (replaced, of_role) = replaced?;
        let of_plan = Box::pin(self.findings_of_plan(&replaced.selection.plan_id, criteria)).await;
        Ok((replaced, [found, of_role, of_plan].concat()))
    }

    async fn replaced(&self, asked: &Asked<ReplaceSelection>) -> Result<(Replaced, Vec<Finding>), Error> {
        let replace = |plan_id: String| async move { Box::pin(self.replaced_in(&plan_id, asked)).await };
        self.of_plan(&asked.what.plan, replace).await
    }

    async fn replaced_in(
        &self,
        plan_id: &str,
        asked: &Asked<ReplaceSelection>,
    ) -> Result<(Replaced, Vec<Finding>), Error> {
        let replace = &asked.what;
        self.is_own_plan(plan_id).await?;
        let role = match &replace.role {
            Some(role) => Some(self.role_handed_over(role, asked.is_check()).await?),
            None => None,
        };
        let there = self.what_is_there(plan_id, &replace.selection).await?;
        let role_arn = role.as_ref().map_or_else(|| there.role_arn(), |role| role.arn.clone());
        let wanted = self.wanted(&there, asked, plan_id, role_arn)?;
        let mut left = Vec::new();
        if !there.current.as_ref().is_some_and(|current| current.selects_as(&wanted)) {
            self.may_be_replaced(&there, &wanted, asked)?;
            left = self.continuous_points_left(plan_id, NoLongerMade::SelectionReplaced).await;
        }
        if !asked.is_check() {
            let role_arn = wanted.role_arn.clone();
            let (replaced, role) = tokio::join!(
                Box::pin(self.carry_out(plan_id, there, wanted, &asked.request_id)),
                Box::pin(self.role_seen(&role_arn))
            );
            return Ok((replaced?, [left, role.findings(None)].concat()));
        }
        let old = match there.current {
            Some(current) if current.selects_as(&wanted) => {
                return Ok((Replaced { selection: current, replaced: there.gone }, Vec::new()));
            }
            current => current.map(|old| old.id),
        };
        // Also the role that stays is handed to AWS Backup again.
        let role = match role {
            Some(role) => role,
            None => self.role_kept(&wanted.role_arn).await?,
        };
        role.refused()?;
        let found = [left, role.findings(None)].concat();
        Ok((Replaced { selection: wanted, replaced: old.or(there.gone) }, found))
    }

    /// The role of a selection, looked at; one whose ARN tells nothing is AWS's matter.
    async fn role_kept(&self, arn: &str) -> Result<CheckedRole, Error> {
        match RoleRef::parse(arn) {
            Ok((role, _)) => self.role_handed_over(&role, true).await,
            Err(_) => Ok(CheckedRole::unseen(arn.to_owned())),
        }
    }

    /// Whether something that is not there yet may take the place of what is.
    fn may_be_replaced(
        &self,
        there: &There,
        wanted: &Selection,
        asked: &Asked<ReplaceSelection>,
    ) -> Result<(), Refusal> {
        let refused = |kind, id: &str, message: String| Err(Refusal::of(kind, Noun::Selection, id, message));
        let other = there.stand_in.as_ref().filter(|left| !left.selects_as(wanted));
        if let Some(current) = &there.current {
            if asked.request_id.as_str() == current.request_id {
                let message = "this request_id gave the selection another content: use a fresh request_id";
                return refused(RefusalKind::RequestIdReused, &current.id, message.to_owned());
            }
            of_etag(current, asked.what.etag.as_deref())?;
            // One that selects what the selection does already has done its work.
            if let Some(left) = other.filter(|left| !current.selects_as(left)) {
                self.only_if_interrupted(left)?;
            }
        } else if let (Some(left), Some(read)) = (other, &asked.what.etag) {
            let message = format!(
                "selection {} has changed: another call, which was interrupted, replaces the one of etag {read}, and \
                 selection {} ({}) stands in for it; look at that, and decide without an etag",
                there.name, left.name, left.id
            );
            return refused(RefusalKind::EtagMismatch, &left.id, message);
        }
        match &there.taken {
            None => Ok(()),
            Some(id) => {
                let stand_in = there.name.of_stand_in();
                let message = format!(
                    "selection {id} has the name {stand_in}, under which another is to stand in while {} is replaced",
                    there.name
                );
                refused(RefusalKind::AlreadyExists, &stand_in, message)
            }
        }
    }

    async fn carry_out(
        &self,
        plan_id: &str,
        mut there: There,
        wanted: Selection,
        request_id: &RequestId,
    ) -> Result<Replaced, Error> {
        if let Some(left) = there.stand_in.take_if(|left| there.current.is_none() && !left.selects_as(&wanted)) {
            // The old one is gone and somebody wants something else now: what that call wanted comes first.
            let current = Selection { name: wanted.name.clone(), ..left.clone() };
            let token = Maker::token_of_successor(&there.of, &RequestId::fresh());
            let current = self.put_selection(plan_id, &token, &current).await.map_err(half_done)?;
            self.remove_stand_in(plan_id, &left).await.map_err(half_done)?;
            there.of = Predecessor::of(&current.id);
            there.current = Some(current);
        }
        if let Some(current) = there.current.take_if(|current| current.selects_as(&wanted)) {
            if let Some(left) = there.stand_in {
                self.remove_stand_in(plan_id, &left).await.map_err(half_done)?;
            }
            return Ok(Replaced { selection: current, replaced: there.gone });
        }
        let stand_in = match there.stand_in {
            Some(left) if left.selects_as(&wanted) => left,
            left => {
                if let Some(left) = left {
                    self.remove_stand_in(plan_id, &left).await?;
                }
                let token = Maker::token_of_stand_in(&there.of, &there.name, request_id);
                let stand_in = Selection { name: there.name.of_stand_in(), ..wanted.clone() };
                self.put_selection(plan_id, &token, &stand_in).await?
            }
        };
        if let Some(old) = &there.current {
            let (before, after) = (as_json::selection(old), as_json::selection(&wanted));
            self.changes_value(format!("plan/{plan_id}"), "selection", Some(before), Some(after));
            self.remove_selection(plan_id, &old.id).await.map_err(half_done)?;
        }
        let token = Maker::token_of_successor(&there.of, request_id);
        let selection = self.put_selection(plan_id, &token, &wanted).await.map_err(half_done)?;
        self.remove_stand_in(plan_id, &stand_in).await.map_err(half_done)?;
        Ok(Replaced { selection, replaced: there.current.map(|old| old.id).or(there.gone) })
    }

    /// Creates a selection unless it is there, and sees that AWS has it.
    async fn put_selection(&self, plan_id: &str, token: &str, wanted: &Selection) -> Result<Selection, Error> {
        let criteria = wanted.criteria.clone().unwrap_or_default();
        let input = shape::input(CREATE, &criteria, &wanted.name, &wanted.role_arn)?;
        let id = match Box::pin(self.send_selection(plan_id, token, &input)).await? {
            Ok(created) => created.selection_id.ok_or_else(|| Failure::malformed(CREATE, "SelectionId"))?,
            Err(error) if error.kind == FailureKind::AlreadyExists => {
                let twin =
                    self.find_selection(plan_id, |twin| twin.selection_name() == Some(wanted.name.as_str())).await?;
                // One that no replacement made is somebody's own.
                let made = |token: Option<&str>| Maker::parse(&wanted.name, token.unwrap_or_default()).is_some();
                let twin = twin.filter(|twin| made(twin.creator_request_id()));
                let id = twin.and_then(|twin| twin.selection_id);
                id.ok_or_else(|| error.about(Noun::Selection, &wanted.name))?
            }
            Err(error) if error.kind == FailureKind::RoleNotAssumable => return Err(error.into()),
            Err(error) => return Err(self.not_selected(error, plan_id, &wanted.role_arn).await.into()),
        };
        let made = Box::pin(self.once_seen(plan_id, &id)).await?;
        if made.selects_as(wanted) { Ok(made) } else { Err(under_way(&made).into()) }
    }

    /// Whether a stand-in for something else may be removed.
    fn only_if_interrupted(&self, left: &Selection) -> Result<(), Refusal> {
        let age = left.created_at.map_or(SignedDuration::MAX, |created| self.now().duration_since(created));
        if age >= LONGEST_CALL { Ok(()) } else { Err(under_way(left)) }
    }
}

impl There {
    fn role_arn(&self) -> String {
        let known = self.current.as_ref().or(self.stand_in.as_ref());
        known.map(|selection| selection.role_arn.clone()).unwrap_or_default()
    }
}

impl Scoped {
    async fn what_is_there(&self, plan_id: &str, asked: &SelectionRef) -> Result<There, Error> {
        let members = self.every_selection_of(plan_id).await?;
        let of_id = |id: &str| members.iter().find(|member| member.selection_id() == Some(id));
        let of_name = |name: &str| members.iter().find(|member| member.selection_name() == Some(name));
        let maker = |name: &str, token: Option<&str>| Maker::parse(name, token.unwrap_or_default());
        let missing = |named: &str| {
            let message = format!("plan {plan_id} has no selection {named}, and none that replaced it");
            Refusal::of(RefusalKind::NotFound, Noun::Selection, named, message)
        };
        let (name, gone) = match asked {
            SelectionRef::Name(name) => (name.as_str().to_owned(), None),
            SelectionRef::IdOrName(id, named) => match of_id(id).or_else(|| of_name(named.as_str())) {
                Some(member) => (member.selection_name().unwrap_or_default().to_owned(), None),
                None => {
                    let of = Predecessor::of(id);
                    let follows = members.iter().find_map(|member| {
                        let name = member.selection_name()?;
                        match maker(name, member.creator_request_id()).filter(|maker| *maker.predecessor() == of)? {
                            Maker::StandIn { name, .. } => Some(name.as_str().to_owned()),
                            Maker::Successor { .. } => Some(name.to_owned()),
                        }
                    });
                    (follows.ok_or_else(|| missing(id))?, Some(id.clone()))
                }
            },
        };
        let name = SelectionName::parse(&name).map_err(|_| missing(&name))?;
        let current = of_name(name.as_str()).and_then(|member| member.selection_id());
        let named_so = of_name(&name.of_stand_in());
        let stand_in =
            named_so.and_then(|member| match maker(member.selection_name()?, member.creator_request_id())? {
                Maker::StandIn { of, .. } => Some((member.selection_id()?, of)),
                Maker::Successor { .. } => None,
            });
        let (stand_in, stands_for) = stand_in.unzip();
        let taken = named_so.filter(|_| stand_in.is_none()).and_then(|member| member.selection_id());
        let Some(of) = current.map(Predecessor::of).or(stands_for) else { return Err(missing(name.as_str()).into()) };
        let there = There {
            current: self.full(plan_id, current).await?,
            stand_in: self.full(plan_id, stand_in).await?,
            taken: taken.map(str::to_owned),
            name,
            of,
            gone,
        };
        // Both were deleted since they were listed.
        if there.current.is_none() && there.stand_in.is_none() {
            Err(missing(there.name.as_str()).into())
        } else {
            Ok(there)
        }
    }

    async fn full(&self, plan_id: &str, id: Option<&str>) -> Result<Option<Selection>, Error> {
        let Some(id) = id else { return Ok(None) };
        match self.describe_selection(plan_id, id).await {
            Ok(selection) => Ok(Some(selection)),
            Err(error) if is_missing_selection(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn wanted(
        &self,
        there: &There,
        asked: &Asked<ReplaceSelection>,
        plan_id: &str,
        role_arn: String,
    ) -> Result<Selection, Failure> {
        let name = there.name.as_str();
        let criteria = shape::criteria(&shape::input(CREATE, &asked.what.criteria, name, &role_arn)?);
        Ok(self.selection_to_be(plan_id, name, role_arn, criteria, &asked.request_id))
    }

    /// The selection as soon as AWS knows it.
    async fn once_seen(&self, plan_id: &str, id: &str) -> Result<Selection, Error> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(200);
        loop {
            match self.describe_selection(plan_id, id).await {
                Err(error) if is_missing_selection(&error) => {
                    if began.elapsed() + pause > LONGEST_UNSEEN {
                        let message = format!("AWS created selection {id} and does not show it yet");
                        return Err(Failure::unseen(GET.name, message).about(Noun::Selection, id).into());
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(3));
                }
                answer => return answer,
            }
        }
    }

    /// Deletes what stood in for a selection, or was to.
    async fn remove_stand_in(&self, plan_id: &str, stand_in: &Selection) -> Result<(), Error> {
        self.selection_goes(plan_id, &stand_in.id, Some(stand_in));
        self.remove_selection(plan_id, &stand_in.id).await
    }

    /// Deletes a selection of which nobody minds if it is gone already.
    async fn remove_selection(&self, plan_id: &str, id: &str) -> Result<(), Error> {
        match self.send_deletion(plan_id, id).await {
            Err(error) if is_missing_selection(&error) => Ok(()),
            answer => answer,
        }
    }
}

/// Another call is replacing the selection by something else.
fn under_way(other: &Selection) -> Refusal {
    let message = format!(
        "another replacement is under way, which made selection {} ({}): try again in two minutes",
        other.name, other.id
    );
    Refusal::of(RefusalKind::Conflict, Noun::Selection, &other.id, message)
}

/// A failure after the first step: nobody should think that nothing happened. Who repeats the call goes on from there.
fn half_done(error: Error) -> Error {
    let busy = error.refused_as(RefusalKind::Conflict) || error.failed_as(FailureKind::Conflict);
    if busy { error } else { error.after("ReplaceSelection") }
}
