//! Changes under way, by the `request_id` that their callers gave: whoever sends one again joins it, and is told what the
//! first is told, instead of having it done a second time beside the first.

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tonic::Status;

/// What stands for a change. Two callers that are not known to be one must not be told each other's answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// By name; whoever is anonymous is one with all others who are.
    principal: String,
    request_id: String,
    /// The type of the request stands for the RPC.
    rpc: TypeId,
}

/// What was asked for under a `request_id`, in short: the request itself may be large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of the bytes of the request; equal requests are equal bytes, for maps are sorted.
    pub(super) fn of(request: &[u8]) -> Self {
        Self(Sha256::digest(request).into())
    }
}

/// What came of a change.
#[derive(Debug, Clone)]
pub(super) enum Outcome<R> {
    Told(Result<R, Status>),
    /// Its first caller went away, or waited no longer, before anything was done: another may begin.
    GivenUp,
}

/// Hears what comes of a change.
#[derive(Debug)]
pub(super) struct Told<R>(watch::Receiver<Option<Outcome<R>>>);

impl<R: Clone + Send + Sync> Told<R> {
    /// Nothing, if the work ended without a word: it panicked, or was cut off.
    pub(super) async fn outcome(mut self) -> Option<Outcome<R>> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// What a caller is to do.
#[derive(Debug)]
pub(super) enum Turn<R> {
    /// See to it that it is done.
    Lead(Lead<R>),
    /// Wait for what comes of it.
    Join(Told<R>),
    /// Nothing: the id stands for another request, which is being carried out.
    Reused,
}

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<BTreeMap<Key, Change>>);

#[derive(Debug)]
struct Change {
    what: Fingerprint,
    /// A receiver of its outcome; which type it has is decided by the RPC.
    outcome: Box<dyn Any + Send>,
}

impl Running {
    /// What the caller of `M`, whose answer is `R`, is to do.
    pub(super) fn ask<M, R>(self: &Arc<Self>, principal: &str, request_id: &str, what: &Fingerprint) -> Turn<R>
    where
        M: 'static,
        R: Clone + Send + Sync + 'static,
    {
        let key = Key { principal: principal.to_owned(), request_id: request_id.to_owned(), rpc: TypeId::of::<M>() };
        let mut changes = self.changes();
        if let Some(change) = changes.get(&key) {
            return match change.outcome.downcast_ref::<watch::Receiver<Option<Outcome<R>>>>() {
                Some(outcome) if change.what == *what => Turn::Join(Told(outcome.clone())),
                Some(_) | None => Turn::Reused,
            };
        }
        let (tell, outcome) = watch::channel(None);
        changes.insert(key.clone(), Change { what: what.clone(), outcome: Box::new(outcome) });
        Turn::Lead(Lead { running: Arc::clone(self), key, tell, begun: false })
    }

    fn changes(&self) -> MutexGuard<'_, BTreeMap<Key, Change>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to do a change, and the duty to tell what came of it.
#[derive(Debug)]
pub(super) struct Lead<R> {
    running: Arc<Running>,
    key: Key,
    tell: watch::Sender<Option<Outcome<R>>>,
    begun: bool,
}

impl<R> Lead<R> {
    /// From here on it is not known that nothing was done.
    pub(super) fn begin(&mut self) {
        self.begun = true;
    }

    /// Like the others.
    pub(super) fn told(&self) -> Told<R> {
        Told(self.tell.subscribe())
    }

    /// To all who wait.
    pub(super) fn tell(self, outcome: Outcome<R>) {
        // First: whoever is told that it was given up asks at once who leads now.
        self.running.changes().remove(&self.key);
        self.tell.send_replace(Some(outcome));
    }
}

impl<R> Drop for Lead<R> {
    fn drop(&mut self) {
        if self.tell.borrow().is_some() {
            // Told: by now the key may be another's.
            return;
        }
        self.running.changes().remove(&self.key);
        if !self.begun {
            self.tell.send_replace(Some(Outcome::GivenUp));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use prost::Message as _;

    use super::*;
    use crate::proto::{CreateVaultRequest, DeleteVaultRequest};

    const WHO: &str = "anonymous";
    const ID: &str = "6f1c2d3e-0000-4000-8000-5b6a79880000";

    fn print(name: &str) -> Fingerprint {
        Fingerprint::of(&CreateVaultRequest { name: name.into(), ..Default::default() }.encode_to_vec())
    }

    fn lead(running: &Arc<Running>) -> Lead<u32> {
        match running.ask::<CreateVaultRequest, u32>(WHO, ID, &print("a")) {
            Turn::Lead(lead) => lead,
            other => panic!("{other:?}"),
        }
    }

    fn join(running: &Arc<Running>) -> Told<u32> {
        match running.ask::<CreateVaultRequest, u32>(WHO, ID, &print("a")) {
            Turn::Join(told) => told,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn whoever_joins_is_told_what_the_first_is_told() {
        let running = Arc::<Running>::default();
        let leader = lead(&running);
        let (own, joined) = (leader.told(), join(&running));
        leader.tell(Outcome::Told(Ok(7)));
        for told in [own, joined] {
            assert!(matches!(told.outcome().await, Some(Outcome::Told(Ok(7)))));
        }
        drop(lead(&running));
    }

    #[test]
    fn another_request_under_the_same_id_is_refused_and_that_of_another_rpc_is_another_change() {
        let running = Arc::<Running>::default();
        let _leader = lead(&running);
        assert!(matches!(running.ask::<CreateVaultRequest, u32>(WHO, ID, &print("b")), Turn::Reused));
        assert!(matches!(running.ask::<DeleteVaultRequest, u32>(WHO, ID, &print("b")), Turn::Lead(_)));
    }

    #[tokio::test]
    async fn a_leader_that_goes_before_it_began_makes_room_and_one_that_breaks_off_is_told_of() {
        let running = Arc::<Running>::default();
        let leader = lead(&running);
        let joined = join(&running);
        drop(leader);
        assert!(matches!(joined.outcome().await, Some(Outcome::GivenUp)));
        let mut leader = lead(&running);
        leader.begin();
        let joined = join(&running);
        drop(leader);
        assert!(joined.outcome().await.is_none());
        drop(lead(&running));
    }

    /// What callers do one after the other.
    #[derive(Debug, Clone)]
    enum Step {
        Ask { id: u8, what: u8 },
        Tell { leader: usize },
        GoAway { leader: usize, begun: bool },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let ask = (0_u8..3, 0_u8..2).prop_map(|(id, what)| Step::Ask { id, what });
        let tell = (0_usize..9).prop_map(|leader| Step::Tell { leader });
        let go = (0_usize..9, any::<bool>()).prop_map(|(leader, begun)| Step::GoAway { leader, begun });
        vec(prop_oneof![3 => ask, 1 => tell, 1 => go], 0..50)
    }

    proptest! {
        /// A change never has two leaders; nobody joins what they did not ask for; everybody who waits hears the end; and
        /// when all has ended, nothing is kept.
        #[test]
        fn one_leader_at_a_time_and_nobody_waits_for_ever(steps in steps()) {
            let running = Arc::<Running>::default();
            let mut leaders: Vec<(u8, u8, Lead<u32>)> = Vec::new();
            let mut waiting: Vec<Told<u32>> = Vec::new();
            for step in steps {
                match step {
                    Step::Ask { id, what } => {
                        let leads = leaders.iter().find(|(its, ..)| *its == id).map(|(_, what, _)| *what);
                        match running.ask::<CreateVaultRequest, u32>(WHO, &id.to_string(), &print(&what.to_string())) {
                            Turn::Lead(lead) => {
                                prop_assert_eq!(leads, None);
                                leaders.push((id, what, lead));
                            }
                            Turn::Join(told) => {
                                prop_assert_eq!(leads, Some(what));
                                waiting.push(told);
                            }
                            Turn::Reused => prop_assert!(leads.is_some_and(|its| its != what)),
                        }
                    }
                    Step::Tell { leader } if !leaders.is_empty() => {
                        let (_, _, lead) = leaders.remove(leader % leaders.len());
                        lead.tell(Outcome::Told(Ok(1)));
                    }
                    Step::GoAway { leader, begun } if !leaders.is_empty() => {
                        let (_, _, mut lead) = leaders.remove(leader % leaders.len());
                        if begun {
                            lead.begin();
                        }
                    }
                    Step::Tell { .. } | Step::GoAway { .. } => {}
                }
            }
            drop(leaders);
            prop_assert!(running.changes().is_empty());
            for Told(outcome) in waiting {
                prop_assert!(outcome.borrow().is_some() || outcome.has_changed().is_err());
            }
        }
    }
}
