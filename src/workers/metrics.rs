//! Who leads, how far behind AWS the ledger is, and how it stands with the protection of databases.

pub(super) mod protection;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use opentelemetry::{KeyValue, global, metrics::Gauge};
use tokio::time::{MissedTickBehavior, interval};

use super::Workers;
use crate::{aws::Aws, domain::Scope};

/// How often the ledger is looked at: what it says is then as old at most.
const EVERY: Duration = Duration::from_secs(5);

static LEADS: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_gauge("strongroom.worker.leads")
        .with_description("1 on the server that does the work of the role for all on its ledger, 0 on the others.")
        .build()
});

/// This server leads a role, or does not.
pub(super) fn leads(role: &'static str, leads: bool) {
    LEADS.record(u64::from(leads), &[KeyValue::new("role", role)]);
}

/// What the ledger said when it was looked at last.
#[derive(Debug)]
struct Seen {
    aws: Aws,
    ledger: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    /// Nothing before the first look.
    answers: Option<bool>,
    /// For which instant what is remembered is true, of each account and region that is followed; where one was never read, the
    /// instant at which it was found so.
    as_of: BTreeMap<Scope, Timestamp>,
}

/// Looks at the ledger for the metrics, on each server by itself. It never ends.
pub(super) async fn look_on(workers: Workers) {
    let seen = Arc::new(Seen { aws: workers.aws.clone(), ledger: Mutex::default() });
    observe(&Arc::downgrade(&seen));
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let readings = workers.ledger.readings().await;
        let followed = match workers.feed.enabled {
            true => workers.aws.followed(&workers.config.scopes).await.unwrap_or_default(),
            false => Vec::new(),
        };
        let mut ledger = seen.ledger();
        ledger.answers = Some(readings.is_ok());
        // What was known stands while it does not answer: nothing is read meanwhile either.
        let Ok(readings) = readings else { continue };
        let as_of = followed.into_iter().map(|scope| {
            let reading = readings.iter().find(|reading| reading.scope == scope).and_then(|reading| reading.as_of);
            let at = reading.or_else(|| ledger.as_of.get(&scope).copied()).unwrap_or_else(|| workers.aws.now());
            (scope, at)
        });
        ledger.as_of = as_of.collect();
    }
}

/// What tells an account and region from others.
fn of_scope(scope: &Scope) -> Vec<KeyValue> {
    vec![
        KeyValue::new("aws.account_id", scope.account.as_str().to_owned()),
        KeyValue::new("aws.region", scope.region.as_str().to_owned()),
    ]
}

fn observe(seen: &Weak<Seen>) {
    let meter = global::meter("strongroom");
    let looked = Weak::clone(seen);
    meter
        .u64_observable_gauge("strongroom.ledger.up")
        .with_description("1 while the ledger answers; 0 while what needs it is LEDGER_UNAVAILABLE.")
        .with_callback(move |told| {
            let answers = looked.upgrade().and_then(|seen| seen.ledger().answers);
            if let Some(answers) = answers {
                told.observe(u64::from(answers), &[]);
            }
        })
        .build();
    let looked = Weak::clone(seen);
    meter
        .f64_observable_gauge("strongroom.feed.lag")
        .with_unit("s")
        .with_description(
            "How long ago what is remembered of an account and region was true: the same on every server.",
        )
        .with_callback(move |told| {
            let Some(seen) = looked.upgrade() else { return };
            let now = seen.aws.now();
            for (scope, as_of) in &seen.ledger().as_of {
                told.observe(now.duration_since(*as_of).as_secs_f64().max(0.0), &of_scope(scope));
            }
        })
        .build();
}

impl Seen {
    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
