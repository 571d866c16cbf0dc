//! Hearing of AWS's events by a queue, so that what happens is known seconds later and not with the next look.
//!
//! An event is one more telling: it may come late, twice, before an earlier one, or never, and what is known in the end is the same. A
//! message is deleted when the ledger has what it says; until then SQS gives it again. What cannot be read is left to the queue's
//! redrive policy, which takes it away after so many times; each time it is hidden for as long as a message that is at work, so
//! that a queue without such a policy costs little too.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use opentelemetry::{KeyValue, global, metrics::Counter};
use tokio::time::sleep;

use super::{Broken, Workers, before, points, take_in};
use crate::{
    aws::{
        Error,
        events::{Call, Event, EventFault, News},
        queue::{Message, Queue},
        sweeps::JobSweep,
    },
    domain::{Job, JobId, JobKind, Period, Scope, Touched, TouchedThing, VaultRef},
    ledger::Called,
};

/// How long SQS waits for a message: the longest that it does, for each wait is a call.
const WAIT: Duration = Duration::from_secs(20);

/// How long a message is hidden from others while it is at work: many times as long as that takes.
const HIDDEN: Duration = Duration::from_secs(60);

/// How long nothing is asked of a queue that cannot be read, or after messages that could not be taken in.
const REST: Duration = Duration::from_secs(5);

/// How long before an event was told a job may have been created that it is of and does not name.
const BEFORE: SignedDuration = SignedDuration::from_mins(15);

/// How much more than what is asked for is read: AWS rounds what its lists go by.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

static EVENTS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.feed.events")
        .with_description("Messages of the queue of AWS's events, by what became of them.")
        .build()
});

/// What becomes of a message, by its name in the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// The ledger has what it says.
    Taken,
    /// It says nothing that the ledger is to know.
    Ignored,
    /// It cannot be read.
    Unreadable,
}

impl Became {
    fn count(self, messages: usize) {
        let outcome = match self {
            Self::Taken => "taken",
            Self::Ignored => "ignored",
            Self::Unreadable => "unreadable",
        };
        if messages > 0 {
            EVENTS.add(messages as u64, &[KeyValue::new("outcome", outcome)]);
        }
    }
}

/// Takes in what the queue brings. It never ends.
pub(super) async fn hear(workers: Workers, queue: Queue) {
    let scopes = workers.followed().await;
    let mut hearing = Hearing { workers, queue, scopes, is_well: true, told: BTreeSet::new() };
    loop {
        let heard = hearing.hear().await;
        if let Err(error) = &heard {
            // Once, not each time.
            if hearing.is_well {
                tracing::warn!(queue = %hearing.queue.scope().region, %error, "AWS's events are not taken in");
            }
            sleep(REST).await;
        } else if !hearing.is_well {
            tracing::info!(queue = %hearing.queue.scope().region, "AWS's events are taken in again");
        }
        hearing.is_well = heard.is_ok();
    }
}

struct Hearing {
    workers: Workers,
    queue: Queue,
    /// The accounts and regions that are followed.
    scopes: Vec<Scope>,
    is_well: bool,
    /// The kinds of messages that the log was told of.
    told: BTreeSet<&'static str>,
}

/// What is to be done for some messages.
#[derive(Default)]
struct Taken {
    /// What they tell of jobs.
    tellings: Vec<(Job, Timestamp)>,
    ask: Questions,
    /// Recovery points, with the vaults that events name, and vaults of which there is news: an event says less of them than AWS
    /// when it is asked.
    points: BTreeMap<(Scope, String), Option<String>>,
    vaults: BTreeSet<(Scope, String)>,
    /// Who had AWS Backup change what.
    calls: Vec<Called>,
    /// Plans of which there is news, for the worker that looks at what they cover.
    touched: Vec<Touched>,
}

/// What AWS must be asked, for an event says less than its lists: about all jobs of a kind that were created, or ended, from an
/// instant on.
#[derive(Default)]
struct Questions(BTreeMap<(Scope, JobKind, About), Timestamp>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    New,
    Ended,
}

impl Hearing {
    async fn hear(&mut self) -> Result<(), Broken> {
        let messages = self.queue.receive(WAIT, HIDDEN).await.map_err(Error::from)?;
        let (mut taken, mut done, mut of_jobs) = (Taken::default(), Vec::new(), 0);
        let (mut ignored, mut unreadable) = (0, 0);
        for message in messages {
            match self.read(&message, &mut taken) {
                Became::Taken => of_jobs += 1,
                Became::Ignored => ignored += 1,
                Became::Unreadable => {
                    unreadable += 1;
                    continue;
                }
            }
            done.push(message.receipt);
        }
        // Each time it comes: there is something to be mended as long as that counts.
        Became::Unreadable.count(unreadable);
        self.take_in(taken).await?;
        let left = self.queue.delete(&done).await.map_err(Error::from)?;
        if left > 0 {
            tracing::debug!(left, "messages that the ledger has were not deleted, and come again");
        }
        Became::Taken.count(of_jobs);
        Became::Ignored.count(ignored);
        Ok(())
    }

    /// What a message says that is to be taken in.
    fn read(&mut self, message: &Message, taken: &mut Taken) -> Became {
        let event = match Event::parse(&message.body) {
            Ok(event) => event,
            Err(fault) => return self.strange(message, &fault),
        };
        if !self.scopes.contains(&event.scope) {
            let Scope { account, region } = &event.scope;
            self.tell_once("elsewhere", || {
                tracing::warn!(%account, %region, "events come of an account and region that is not followed: they are ignored");
            });
            return Became::Ignored;
        }
        taken.add(event)
    }

    /// A message that is no event of AWS Backup.
    fn strange(&mut self, message: &Message, fault: &EventFault) -> Became {
        let (kind, became) = match fault {
            EventFault::TooLarge(_) => ("too large", Became::Unreadable),
            EventFault::NotJson(..) => ("no JSON", Became::Unreadable),
            EventFault::NoEvent(_) => ("no event", Became::Unreadable),
            EventFault::Strange(..) => ("strange", Became::Unreadable),
            EventFault::Lacks(..) => ("lacking", Became::Unreadable),
            // It can be read, and will never be for us.
            EventFault::OfAnother(_) => ("of another", Became::Ignored),
        };
        self.tell_once(kind, || {
            let Message { id, received, .. } = message;
            tracing::warn!(message = id, received, %fault, "a message of the queue is no event of AWS Backup");
        });
        became
    }

    fn tell_once(&mut self, kind: &'static str, tell: impl FnOnce()) {
        if self.told.insert(kind) {
            tell();
        }
    }

    async fn take_in(&self, taken: Taken) -> Result<(), Broken> {
        let Taken { tellings, mut ask, points, vaults, calls, touched } = taken;
        let ledger = &self.workers.ledger;
        // Before what they did is noticed.
        if !calls.is_empty() {
            ledger.learn_calls(&calls).await?;
        }
        for touched in touched {
            // Where another server looks at plans, its next look shows it.
            _ = self.workers.touched.send(touched);
        }
        for ((scope, arn), vault) in points {
            points::look_at_point(&self.workers, &scope, &arn, vault.as_deref()).await?;
        }
        for (scope, vault) in vaults {
            points::look_at_vault(&self.workers, &scope, &vault).await?;
        }
        let told: BTreeMap<JobId, Timestamp> = tellings.iter().map(|(job, at)| (job.id.clone(), *at)).collect();
        if !tellings.is_empty() {
            ledger.learn(tellings).await?;
            let known = ledger.jobs(&told.keys().collect::<Vec<_>>()).await?;
            for (job, at) in known.into_values().filter_map(|job| told.get(&job.id).map(|at| (job, *at))) {
                ask.about(job, at);
            }
        }
        for ((scope, kind, about), from) in ask.0 {
            let aws = self.workers.aws.within(&(&scope).into()).await?.for_worker();
            let from = before(from, MARGIN);
            let sweep = match about {
                About::New => JobSweep::Created(Period { after: Some(from), before: None }),
                About::Ended => JobSweep::CompletedSince(from),
            };
            take_in(&aws, ledger, (kind, sweep), |_| ()).await?;
        }
        Ok(())
    }
}

impl Taken {
    /// Whoever wants to know of what else AWS tells adds it here, and has it written in [`Hearing::take_in`], before the message
    /// is deleted.
    fn add(&mut self, event: Event) -> Became {
        let Event { at, scope, news, .. } = event;
        match news {
            News::Job(job) => self.tellings.push((*job, at)),
            News::UnnamedJob(kind) => self.ask.from((scope, kind, About::New), before(at, BEFORE)),
            News::Point(news) => {
                let vault = self.points.entry((scope, news.point.arn)).or_default();
                *vault = vault.take().or(news.point.vault_name);
            }
            News::Vault { name, .. } => _ = self.vaults.insert((scope, name)),
            News::Call(call) => self.calls.extend(called(&scope, *call)),
            News::Plan { id, .. } => self.touched.push(Touched { scope, what: TouchedThing::Plan(id) }),
            News::RegionSettings | News::Other(_) => return Became::Ignored,
        }
        Became::Taken
    }
}

/// What somebody had done, and to what: a recovery point, or else a vault. What AWS refused changed nothing.
fn called(scope: &Scope, call: Call) -> Option<Called> {
    let Call { operation, caller, at, refused, vault_name, recovery_point_arn } = call;
    let vault = || vault_name.map(|name| VaultRef::arn_of(&name, scope));
    let object = recovery_point_arn.or_else(vault)?;
    caller.filter(|_| refused.is_none()).map(|caller| Called { object, operation, at, caller })
}

impl Questions {
    /// About a job of which an event told at that instant, if lists have not told of it: an event of a new job says little more
    /// than that it is there, and none says under which category it ended, or how much was transferred in the end.
    fn about(&mut self, job: Job, at: Timestamp) {
        if job.state.is_final() && job.message_category.is_none() {
            self.from((job.scope, job.kind, About::Ended), job.completed_at.unwrap_or(at));
        } else if job.role_arn.is_none() {
            self.from((job.scope, job.kind, About::New), job.created_at.unwrap_or(at));
        }
    }

    /// From the instant on, or from an earlier one.
    fn from(&mut self, what: (Scope, JobKind, About), at: Timestamp) {
        let earliest = self.0.entry(what).or_insert(at);
        *earliest = at.min(*earliest);
    }
}
