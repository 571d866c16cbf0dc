//! What a caller may do and see in one call, by the policies that hold when it begins.

mod two_persons;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};

use self::two_persons::Agreed;
pub(in crate::rpc) use self::two_persons::Need;
use super::{
    permissions::Permissions,
    policy::{Decision, Marks, Policies, Saying},
    principal::Principal,
    shown::{Answer, subject_told},
    things::{Facts, NOUNS, Noun, Thing, entity_type, reading},
    touched::{How, Named, Told, Touched, map, saying_nothing, text},
};
use crate::{
    aws::{self, Scoped},
    domain::{self, JobSubject, Refusal, RefusalKind, Scope},
    ledger::{Happened, Tagged},
    rpc::{doorway::Method, status::Failure, telling},
};

/// What one caller may, in one call. Without policies everything that the doorway lets in. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(in crate::rpc) struct Sight(Option<Arc<View>>);

#[derive(Debug)]
struct View {
    permissions: Permissions,
    caller: Principal,
    method: &'static Method,
    facts: Arc<telling::Facts>,
    /// The request as it is on the wire; of a change without its `request_id`.
    bytes: Vec<u8>,
    touched: Touched,
    need: OnceLock<Need>,
    agreed: OnceLock<Agreed>,
    decided: Mutex<Decided>,
    /// Of the policies by which the call itself was decided.
    decided_by: Mutex<String>,
}

/// What was decided, once for each distinct thing.
#[derive(Debug, Default)]
struct Decided {
    /// Of the policies by which it was.
    hash: String,
    sees_everything: Option<bool>,
    may_be_read: BTreeMap<Thing, bool>,
}

/// Decisions that are kept in one call, or watch.
const MOST_KEPT: usize = 10_000;

/// Why a caller may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rpc) struct Forbidden {
    pub(in crate::rpc) caller: String,
    pub(in crate::rpc) action: String,
    /// What it may not be done to.
    pub(in crate::rpc) thing: String,
    /// The ids of the policies that decided.
    pub(in crate::rpc) policies: Vec<String>,
    /// Whether a policy could not be evaluated, or asks for what is not known.
    pub(in crate::rpc) broken: bool,
}

/// That the caller may not, as it is told.
struct Denied {
    failure: Box<Failure>,
    broken: bool,
}

impl Denied {
    /// It is told once of each call, and counted.
    fn told(self, action: &str) -> Failure {
        super::metrics::denied(action, self.broken);
        *self.failure
    }
}

impl Sight {
    /// Of a call that was let in, with this message.
    pub(super) fn of(
        permissions: &Permissions,
        caller: &Principal,
        (method, facts): (&'static Method, &Arc<telling::Facts>),
        bytes: &[u8],
    ) -> Self {
        let touched = method.input.as_ref().map(|input| Touched::by(input, bytes)).unwrap_or_default();
        let (permissions, caller) = (permissions.clone(), caller.clone());
        Self(Some(Arc::new(View {
            permissions,
            caller,
            method,
            facts: Arc::clone(facts),
            // Of no other than a change anybody asks once more what it says.
            bytes: if method.changes { bytes.to_vec() } else { Vec::new() },
            touched,
            need: OnceLock::new(),
            agreed: OnceLock::new(),
            decided: Mutex::default(),
            decided_by: Mutex::default(),
        })))
    }

    /// Whether the caller may do what the request asks for, to everything that it touches.
    pub(in crate::rpc) async fn decide(&self, aws: &Scoped) -> Result<(), Failure> {
        let Some(view) = &self.0 else { return Ok(()) };
        let policies = view.permissions.present();
        policies.hash.clone_into(&mut view.decided_by.lock().unwrap_or_else(PoisonError::into_inner));
        if view.touched.is_unread {
            return Err(Failure::Bug("a request cannot be read by its descriptor".to_owned()));
        }
        let things = view.things(aws, &policies, false).await?;
        let need = view.decide_all(&policies, aws, &things).await?;
        _ = view.need.set(need);
        Ok(())
    }

    /// The same once more, of a call that goes on, where other policies hold than when it was decided.
    pub(in crate::rpc) async fn decide_again(&self, aws: &Scoped) -> Result<(), Failure> {
        let Some(view) = &self.0 else { return Ok(()) };
        let is_decided = {
            let by = view.decided_by.lock().unwrap_or_else(PoisonError::into_inner);
            *by == view.permissions.present().hash
        };
        if is_decided { Ok(()) } else { self.decide(aws).await }
    }

    /// The policies by which the call was decided, as the record of calls names them; blank where there are none.
    pub(in crate::rpc) fn policies_hash(&self) -> String {
        self.0.as_ref().map(|view| view.permissions.present().hash.clone()).unwrap_or_default()
    }

    /// The same, of a call that has no account and region.
    pub(in crate::rpc) fn decide_at_home(&self) -> Result<(), Failure> {
        let Some(view) = &self.0 else { return Ok(()) };
        let nowhere = || "*".to_owned();
        let thing = Thing {
            noun: Noun::Region,
            account: nowhere(),
            region: nowhere(),
            id: nowhere(),
            name: nowhere(),
            facts: Facts::default(),
        };
        let (action, saying) = (view.method.action(), &view.touched.saying);
        view.decide_on(&view.permissions.present(), action, (&How::Names, ""), &thing, saying)
            .map(drop)
            .map_err(|denied| denied.told(action))
    }

    /// The answer without what its caller may not see.
    ///
    /// Where that cannot be told, the answer is withheld: of a change it is known by its `request_id` what came of it.
    pub(in crate::rpc) async fn shown<R: Message + Default>(
        &self,
        scope: &Scope,
        answer: Result<R, Failure>,
    ) -> Result<R, Failure> {
        let Some(view) = &self.0 else { return answer };
        let Some(output) = view.method.output.as_ref() else { return answer };
        if let Ok(answer) = &answer {
            view.note(scope, output, answer).await;
            view.finish().await;
        }
        if self.sees_everything() {
            return answer;
        }
        let answer = match answer {
            Err(Failure::Aws(error)) => return Err(Failure::Aws(view.veiled(scope, error).await?)),
            answer => answer?,
        };
        let Some(told) = Answer::of(output, &answer)? else { return Ok(answer) };
        let seen = view.seen(scope, &told.items).await?;
        Ok(told.with(&seen).unwrap_or(answer))
    }

    /// Whether the caller may read every thing there is, so that nothing need be left out.
    pub(in crate::rpc) fn sees_everything(&self) -> bool {
        let Some(view) = &self.0 else { return true };
        let policies = view.permissions.present();
        let mut decided = view.decided(&policies);
        *decided.sees_everything.get_or_insert_with(|| {
            let mut read = NOUNS.into_iter().filter_map(|noun| Some((reading(noun)?, noun)));
            read.all(|(action, noun)| policies.permits_all(view.caller.known(), action, noun))
        })
    }

    /// Which of these the caller may see the jobs of, each with whose it is; none where the caller sees all.
    pub(in crate::rpc) fn sees_jobs(&self) -> Option<impl Fn(&JobSubject, &str) -> bool + Send + Sync + use<>> {
        let view = self.0.clone()?;
        if self.sees_everything() {
            return None;
        }
        let policies = view.permissions.present();
        Some(move |subject: &JobSubject, owner: &str| view.may_read(&policies, &job_of(subject, owner)))
    }

    /// Whether the caller may see what happened: decided anew when policies have changed since.
    pub(in crate::rpc) async fn sees_event(&self, what: &Happened) -> Result<bool, Failure> {
        let Some(view) = &self.0 else { return Ok(true) };
        if self.sees_everything() {
            return Ok(true);
        }
        let noun = match what {
            Happened::Job(_) => Noun::Job,
            Happened::MissedRun(_) => Noun::Database,
        };
        let (scope, id, [vault, database, plan]) = match what {
            Happened::Job(job) => {
                let plan = job.plan_id().map(str::to_owned);
                let about = [job.vault_arn.clone(), job.resource_arn.clone(), plan].map(Option::unwrap_or_default);
                (&job.scope, job.id.as_str().to_owned(), about)
            }
            Happened::MissedRun(run) => (&run.scope, run.database.arn.clone(), [const { String::new() }; 3]),
        };
        let named = [(Noun::Vault, vault), (Noun::Database, database), (Noun::Plan, plan), (noun, id)];
        let named = named.into_iter().filter(|(_, text)| !text.is_empty()).map(|(noun, text)| (noun, vec![text]));
        let told =
            Told { named: named.collect(), account: scope.account.to_string(), region: scope.region.to_string() };
        let things = view.permissions.picture().told(scope, &[(noun, told)]).await?;
        let policies = view.permissions.present();
        Ok(things.iter().flatten().all(|thing| view.may_read(&policies, thing)))
    }

    /// Which of these databases the caller may see.
    pub(in crate::rpc) async fn databases_seen(
        &self,
        scope: &Scope,
        arns: Vec<String>,
    ) -> Result<Vec<String>, Failure> {
        let Some(view) = &self.0 else { return Ok(arns) };
        let items: Vec<_> = arns.iter().map(|arn| (Noun::Database, Told::of_arn(Noun::Database, arn, arn))).collect();
        let things = view.permissions.picture().told(scope, &items).await?;
        let policies = view.permissions.present();
        let seen = |things: &Vec<Thing>| things.iter().all(|thing| view.may_read(&policies, thing));
        Ok(arns.into_iter().zip(&things).filter(|(_, things)| seen(things)).map(|(arn, _)| arn).collect())
    }
}

fn job_of(subject: &JobSubject, owner: &str) -> Thing {
    let Scope { account, region } = &subject.scope;
    let facts = Facts {
        owner: Some(owner.to_owned()),
        vault: Some(subject.vault.clone()),
        database: Some(subject.resource.clone()),
        plan: Some(subject.plan.clone()),
        ..Facts::default()
    };
    let (account, region) = (account.to_string(), region.to_string());
    // One decision stands for all jobs of the subject: what tells them from each other is no part of it.
    Thing { noun: Noun::Job, account, region, id: "*".to_owned(), name: "*".to_owned(), facts }
}

impl View {
    /// Which of the things that items tell of the caller may read.
    async fn seen(&self, scope: &Scope, items: &[(Noun, Told)]) -> Result<Vec<Vec<bool>>, Failure> {
        let things = self.permissions.picture().told(scope, items).await?;
        let policies = self.permissions.present();
        let may_read = |thing: &Thing| match thing.noun {
            // An account and region are told of to whom the call itself is permitted there.
            Noun::Region => {
                let decided = policies.decide(self.caller.known(), self.method.action(), thing, &self.touched.saying);
                decided.is_permitted()
            }
            // What no policy knows is told of what the request itself names.
            Noun::Unspecified => self.touched.named.iter().any(|named| named.text == thing.id),
            _ => self.may_read(&policies, thing),
        };
        Ok(things.iter().map(|things| things.iter().map(may_read).collect()).collect())
    }

    /// Notes the vault or plan that the call has made, or whose tags it has set.
    async fn note(&self, scope: &Scope, output: &MessageDescriptor, answer: &impl Message) {
        let is_change = self.method.changes && self.touched.saying.get("validate_only") != Some(&true.into());
        let of_tags = self.touched.tags.is_some() || !self.touched.untags.is_empty();
        if !is_change || !self.touched.named.iter().any(|it| matches!(it.noun, Noun::Vault | Noun::Plan)) {
            return;
        }
        let Ok(answer) = DynamicMessage::decode(output.clone(), answer.encode_to_vec().as_slice()) else { return };
        for named in &self.touched.named {
            let thing = match (&named.how, named.noun) {
                (How::Makes, Noun::Vault | Noun::Plan) => made(&answer, named, self.touched.tags.clone()),
                (How::Names, Noun::Vault | Noun::Plan) if of_tags && named.text.starts_with("arn:") => {
                    map(&answer, "tags").map(|tags| Tagged { arn: named.text.clone(), name: String::new(), tags })
                }
                _ => None,
            };
            if let Some(thing) = thing {
                self.permissions.picture().note(scope, thing).await;
            }
        }
    }

    /// An error without what else there is: what a name is near to, which things have the same, and what stands in the way that the
    /// caller may not see.
    async fn veiled(&self, scope: &Scope, error: aws::Error) -> Result<aws::Error, Failure> {
        let mut error = error.without_hints();
        if let aws::Error::Refused(refusal) = &mut error {
            let items: Vec<_> = refusal.obstacles.iter().map(|finding| subject_told(&finding.subject)).collect();
            let seen = self.seen(scope, &items).await?;
            let mut seen = seen.iter();
            let all = refusal.obstacles.len();
            refusal.obstacles.retain(|_| seen.next().is_none_or(|seen| seen.iter().all(|seen| *seen)));
            if refusal.obstacles.len() < all {
                // The message counts and names them.
                refusal.message = "something stands in the way, of which the caller may not see all".to_owned();
            }
        }
        Ok(error)
    }

    /// What the policies that permit it say of a second person; nothing where the thing is only looked for.
    fn decide_on(
        &self,
        policies: &Policies,
        action: &str,
        (how, text): (&How, &str),
        thing: &Thing,
        saying: &Saying,
    ) -> Result<Option<Marks>, Denied> {
        let is_filter = *how == How::Filters;
        let decision = match (is_filter, reading(thing.noun)) {
            (true, Some(reading)) => self.reading_of(policies, reading, thing),
            (true, None) => return Ok(None),
            (false, _) => policies.decide(self.caller.known(), action, thing, saying),
        };
        let (by, broken) = match decision {
            Decision::Permitted { marks, .. } => return Ok((!is_filter).then_some(marks)),
            Decision::Denied { by } => (by, false),
            Decision::Broken { policies } => (policies, true),
        };
        // Whoever may not read a thing is not told that it is there.
        let hidden = *how != How::Makes && reading(thing.noun).is_some() && !self.may_read(policies, thing);
        if hidden {
            let noun = if *how == How::Approves { Noun::Approval } else { thing.noun };
            return Err(Denied { failure: Box::new(absent(noun, text).into()), broken });
        }
        let failure = Box::new(Failure::Forbidden(Forbidden {
            caller: self.caller.name().to_owned(),
            action: action.to_owned(),
            thing: label(thing),
            policies: by,
            broken,
        }));
        Err(Denied { failure, broken })
    }

    fn reading_of(&self, policies: &Policies, action: &'static str, thing: &Thing) -> Decision {
        policies.decide(self.caller.known(), action, thing, saying_nothing(action))
    }

    /// What was decided so far by these policies.
    fn decided(&self, policies: &Policies) -> MutexGuard<'_, Decided> {
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        if decided.hash != policies.hash || decided.may_be_read.len() >= MOST_KEPT {
            *decided = Decided { hash: policies.hash.clone(), ..Decided::default() };
        }
        decided
    }

    /// Whether the caller may read it: one decision for each distinct thing.
    fn may_read(&self, policies: &Policies, thing: &Thing) -> bool {
        let Some(action) = reading(thing.noun) else { return true };
        let mut decided = self.decided(policies);
        if let Some(seen) = decided.may_be_read.get(thing) {
            return *seen;
        }
        let seen = self.reading_of(policies, action, thing).is_permitted();
        decided.may_be_read.insert(thing.clone(), seen);
        seen
    }
}

/// What was made of it, as the answer tells. A plan keeps the tags that it has.
fn made(answer: &DynamicMessage, named: &Named, tags: Option<BTreeMap<String, String>>) -> Option<Tagged> {
    let of = if named.noun == Noun::Vault { "vault" } else { "plan" };
    let made = answer.get_field_by_name(of)?;
    let made = made.as_message()?;
    let arn = text(made, "arn");
    let tags = map(made, "tags").or(tags).unwrap_or_default();
    (!arn.is_empty()).then(|| Tagged { arn, name: named.text.clone(), tags })
}

/// The same answer as of a thing that is not there.
pub(super) fn absent(noun: Noun, text: &str) -> Refusal {
    let (noun, word) = match noun {
        Noun::Vault => (domain::Noun::Vault, "vault"),
        Noun::Plan => (domain::Noun::Plan, "plan"),
        Noun::Selection => (domain::Noun::Selection, "selection"),
        Noun::RecoveryPoint => (domain::Noun::RecoveryPoint, "recovery point"),
        Noun::Job => (domain::Noun::Job, "job"),
        Noun::LegalHold => (domain::Noun::LegalHold, "legal hold"),
        Noun::Incident => (domain::Noun::Incident, "incident"),
        Noun::Approval => (domain::Noun::Approval, "approval"),
        Noun::Database
        | Noun::Region
        | Noun::Role
        | Noun::Key
        | Noun::Topic
        | Noun::Unspecified
        | Noun::PlannedRestore
        | Noun::TaggedResource => (domain::Noun::Resource, "database"),
    };
    let message = format!("there is no {word} {text} that the caller may see");
    Refusal::of(RefusalKind::NotFound, noun, text, message)
}

fn label(thing: &Thing) -> String {
    format!("{}::\"{}\"", entity_type(thing.noun).unwrap_or_default(), thing.id)
}
