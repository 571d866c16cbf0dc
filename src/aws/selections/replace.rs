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
    super::{Aws, Effect, Error, Kind, Noun, client::Clients, plans::about_plan},
    CREATE, DELETE, GET, LIST, shape,
};
use crate::domain::{
    AskedScope, Maker, Predecessor, ReplaceSelection, Replaced, RequestId, Selection, SelectionName, SelectionRef,
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
    /// Whom the next selection of the name follows.
    of: Predecessor,
    /// The id that the call named, if the selection of that id has been replaced already.
    gone: Option<String>,
}

impl Aws {
    /// Has a selection select something else. Equal content changes nothing; what an interrupted call left is cleared up.
    pub async fn replace_selection(&self, asked: &AskedScope, replace: &ReplaceSelection) -> Result<Replaced, Error> {
        let clients = self.clients(asked).await?;
        let plan_id = clients.plan_id(&replace.plan).await?;
        let mut there = clients.what_is_there(&plan_id, &replace.selection).await?;
        let role_arn = match &replace.role {
            Some(role) => clients.role_arn(role).await?,
            None => there.role_arn(),
        };
        let wanted = clients.wanted(&plan_id, &there, replace, role_arn)?;
        if let Some(left) = there.stand_in.take_if(|left| there.current.is_none() && !left.selects_as(&wanted)) {
            // The old one is gone and somebody wants something else now: what that call wanted comes first.
            let current = Selection { name: wanted.name.clone(), ..left.clone() };
            let token = Maker::token_of_successor(&there.of, &RequestId::fresh());
            let current = self.put_selection(&clients, &plan_id, &token, &current).await.map_err(half_done)?;
            clients.remove_selection(&plan_id, &left.id).await.map_err(half_done)?;
            there.of = Predecessor::of(&current.id);
            there.current = Some(current);
        }
        if let Some(current) = there.current.take_if(|current| current.selects_as(&wanted)) {
            if let Some(left) = there.stand_in {
                clients.remove_selection(&plan_id, &left.id).await.map_err(half_done)?;
            }
            return Ok(Replaced { selection: current, replaced: there.gone });
        }
        if let Some(used) = there.current.as_ref().filter(|current| replace.request_id.as_str() == current.request_id) {
            let message = "this request_id gave the selection another content: use a fresh request_id";
            return Err(Error::found(CREATE.name, Kind::RequestIdReused, Noun::Selection, &used.id, message));
        }
        let stand_in = match there.stand_in {
            Some(left) if left.selects_as(&wanted) => left,
            left => {
                if let Some(left) = left {
                    // One that selects what the selection does already has done its work.
                    if !there.current.as_ref().is_some_and(|current| current.selects_as(&left)) {
                        self.only_if_interrupted(&left)?;
                    }
                    clients.remove_selection(&plan_id, &left.id).await?;
                }
                let token = Maker::token_of_stand_in(&there.of, &there.name, &replace.request_id);
                let stand_in = Selection { name: there.name.of_stand_in(), ..wanted.clone() };
                self.put_selection(&clients, &plan_id, &token, &stand_in).await?
            }
        };
        if let Some(old) = &there.current {
            clients.remove_selection(&plan_id, &old.id).await.map_err(half_done)?;
        }
        let token = Maker::token_of_successor(&there.of, &replace.request_id);
        let selection = self.put_selection(&clients, &plan_id, &token, &wanted).await.map_err(half_done)?;
        clients.remove_selection(&plan_id, &stand_in.id).await.map_err(half_done)?;
        Ok(Replaced { selection, replaced: there.current.map(|old| old.id).or(there.gone) })
    }

    /// What [`Self::replace_selection`] would make. Plan, selection and role are looked for, and nothing is done.
    pub async fn planned_replacement(&self, asked: &AskedScope, replace: &ReplaceSelection) -> Result<Replaced, Error> {
        let clients = self.clients(asked).await?;
        let plan_id = clients.plan_id(&replace.plan).await?;
        let there = clients.what_is_there(&plan_id, &replace.selection).await?;
        let role_arn = match &replace.role {
            Some(role) => clients.role_arn_looked_for(role).await?,
            None => there.role_arn(),
        };
        let wanted = clients.wanted(&plan_id, &there, replace, role_arn)?;
        Ok(match there.current {
            Some(current) if current.selects_as(&wanted) => Replaced { selection: current, replaced: there.gone },
            current => Replaced { selection: wanted, replaced: current.map(|old| old.id).or(there.gone) },
        })
    }

    /// Creates a selection unless it is there, and sees that AWS has it.
    async fn put_selection(
        &self,
        clients: &Clients,
        plan_id: &str,
        token: &str,
        wanted: &Selection,
    ) -> Result<Selection, Error> {
        let criteria = wanted.criteria.clone().unwrap_or_default();
        let input = shape::input(CREATE, &criteria, &wanted.name, &wanted.role_arn)?;
        let id = match Box::pin(self.send_selection(clients, plan_id, token, &input)).await {
            Ok(created) => created.selection_id.ok_or_else(|| Error::malformed(CREATE.name, "SelectionId"))?,
            Err(error) if error.kind == Kind::AlreadyExists => {
                let twin =
                    clients.find_selection(plan_id, |twin| twin.selection_name() == Some(wanted.name.as_str())).await?;
                // One that no replacement made is somebody's own.
                let made = |token: Option<&str>| Maker::parse(&wanted.name, token.unwrap_or_default()).is_some();
                let twin = twin.filter(|twin| made(twin.creator_request_id()));
                let id = twin.and_then(|twin| twin.selection_id);
                id.ok_or_else(|| error.about(Noun::Selection, &wanted.name))?
            }
            Err(error) if error.kind == Kind::RoleNotAssumable => return Err(error),
            Err(error) => return Err(about_plan(error, plan_id)),
        };
        let made = Box::pin(clients.once_seen(plan_id, &id)).await?;
        if made.selects_as(wanted) { Ok(made) } else { Err(under_way(&made)) }
    }

    /// Whether a stand-in for something else may be removed.
    fn only_if_interrupted(&self, left: &Selection) -> Result<(), Error> {
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

impl Clients {
    async fn what_is_there(&self, plan_id: &str, asked: &SelectionRef) -> Result<There, Error> {
        let members = self.every_selection_of(plan_id).await?;
        let of_id = |id: &str| members.iter().find(|member| member.selection_id() == Some(id));
        let of_name = |name: &str| members.iter().find(|member| member.selection_name() == Some(name));
        let maker = |name: &str, token: Option<&str>| Maker::parse(name, token.unwrap_or_default());
        let missing = |named: &str| {
            let message = format!("plan {plan_id} has no selection {named}, and none that replaced it");
            Error::found(LIST.name, Kind::NotFound, Noun::Selection, named, message)
        };
        let (name, gone) = match asked {
            SelectionRef::Name(name) => (name.as_str().to_owned(), None),
            SelectionRef::Id(id) => match of_id(id) {
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
        let stand_in = of_name(&name.of_stand_in()).and_then(|member| {
            match maker(member.selection_name()?, member.creator_request_id())? {
                Maker::StandIn { of, .. } => Some((member.selection_id()?, of)),
                Maker::Successor { .. } => None,
            }
        });
        let (stand_in, stands_for) = stand_in.unzip();
        let Some(of) = current.map(Predecessor::of).or(stands_for) else { return Err(missing(name.as_str())) };
        let there = There {
            current: self.full(plan_id, current).await?,
            stand_in: self.full(plan_id, stand_in).await?,
            name,
            of,
            gone,
        };
        // Both were deleted since they were listed.
        if there.current.is_none() && there.stand_in.is_none() { Err(missing(there.name.as_str())) } else { Ok(there) }
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
        plan_id: &str,
        there: &There,
        replace: &ReplaceSelection,
        role_arn: String,
    ) -> Result<Selection, Error> {
        let name = there.name.as_str();
        let criteria = shape::criteria(&shape::input(CREATE, &replace.criteria, name, &role_arn)?);
        Ok(self.selection_to_be(plan_id, name, role_arn, criteria, &replace.request_id))
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
                        let unseen = Error::found(GET.name, Kind::Unavailable, Noun::Selection, id, message);
                        return Err(Error { effect: Effect::Unknown, ..unseen });
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(3));
                }
                answer => return answer,
            }
        }
    }

    /// Deletes a selection of which nobody minds if it is gone already.
    async fn remove_selection(&self, plan_id: &str, id: &str) -> Result<(), Error> {
        match self.send_deletion(plan_id, id).await {
            Err(error) if is_missing_selection(&error) => Ok(()),
            answer => answer,
        }
    }
}

fn is_missing_selection(error: &Error) -> bool {
    error.kind == Kind::NotFound && error.subject.as_ref().is_some_and(|subject| subject.noun == Noun::Selection)
}

/// Another call is replacing the selection by something else.
fn under_way(other: &Selection) -> Error {
    let message = format!(
        "another replacement is under way, which made selection {} ({}): try again in two minutes",
        other.name, other.id
    );
    Error::found(DELETE.name, Kind::Conflict, Noun::Selection, &other.id, message)
}

/// A failure after the first step: nobody should think that nothing happened. Who repeats the call goes on from there.
fn half_done(error: Error) -> Error {
    if error.kind == Kind::Conflict { error } else { error.after("ReplaceSelection") }
}
