//! How it stands with the protection of databases: what the ledger says of them, which is the same on every server that looks,
//! and right after a start. What time changes is reckoned when it is asked for, by AWS's clock.

mod groups;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use opentelemetry::{KeyValue, global};
use tokio::time::{Instant, sleep};

use self::groups::{Group, Groups};
use super::{EVERY, Workers, of_scope};
use crate::{
    aws::Aws,
    domain::{BackupAge, Cause, IncidentState, ProtectionFigures, ProtectionVerdict, Scope},
    ledger::{Error, Ledger},
};

/// A look takes at most one part in so many of the time, of this server and of the database: more databases are looked at more
/// seldom.
const SHARE: u32 = 100;

/// How seldom at most, also where the database is slow for a while.
const SELDOM: Duration = Duration::from_secs(300);

/// Databases that are read at once: so many rows are in memory.
const AT_ONCE: usize = 1_000;

/// What the ledger said when it was looked at last; nothing before.
#[derive(Debug)]
struct Seen {
    aws: Aws,
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// When the databases of each account and region were looked at.
    looked: BTreeMap<Scope, Timestamp>,
    /// How it stands with those of a type.
    types: Vec<Group>,
    /// How it stands with those that a plan covers.
    plans: Vec<Group>,
    /// The worst, each by itself, with its labels.
    worst: Vec<(ProtectionFigures, Vec<KeyValue>)>,
    /// How many there are beside these.
    left_out: u64,
    incidents: Vec<(Vec<KeyValue>, u64)>,
}

/// Looks at the ledger for the metrics of databases, on each server by itself. It never ends.
pub(in crate::workers) async fn look_on(workers: Workers) {
    let seen = Arc::new(Seen { aws: workers.aws.clone(), known: Mutex::default() });
    observe(&Arc::downgrade(&seen));
    loop {
        let followed = workers.aws.followed(&workers.config.scopes).await;
        let begun = Instant::now();
        // What was known stands while the ledger does not answer, or nobody can tell what is followed.
        if let Ok(followed) = followed
            && let Ok(known) = look(&workers.ledger, followed.into_iter().collect(), workers.max_databases).await
        {
            *seen.known() = Some(known);
        }
        sleep((begun.elapsed() * SHARE).clamp(EVERY, SELDOM)).await;
    }
}

async fn look(ledger: &Ledger, followed: BTreeSet<Scope>, most: usize) -> Result<Known, Error> {
    let looks = ledger.looks().await?.into_iter().filter_map(|look| Some((look.scope, look.as_of?)));
    let looked: BTreeMap<Scope, Timestamp> = looks.filter(|(scope, _)| followed.contains(scope)).collect();
    let (mut groups, mut after) = (Groups::new(most), String::new());
    loop {
        let page = ledger.protection_figures(&after, AT_ONCE).await?;
        let is_last = page.len() < AT_ONCE;
        if let Some(last) = page.last() {
            after.clone_from(&last.arn);
        }
        page.into_iter().filter(|figures| looked.contains_key(&figures.scope)).for_each(|figures| groups.add(figures));
        if is_last {
            break;
        }
    }
    let incidents = ledger.count_incidents().await?.into_iter().filter(|(scope, ..)| followed.contains(scope));
    let incidents = incidents.map(|(scope, cause, state, count)| {
        let mut labels = of_scope(&scope);
        labels.extend([KeyValue::new("cause", cause_label(cause)), KeyValue::new("state", state_label(state))]);
        (labels, count)
    });
    let incidents = incidents.collect();
    let Groups { types, plans, worst, left_out, most: _ } = groups;
    let (types, plans) = (types.into_values().collect(), plans.into_values().collect());
    let worst = worst
        .into_values()
        .map(|figures| {
            let labels = groups::labels(&figures);
            (figures, labels)
        })
        .collect();
    Ok(Known { looked, types, plans, worst, left_out, incidents })
}

fn observe(seen: &Weak<Seen>) {
    observe_groups(seen, "protection", |known| &known.types);
    observe_groups(seen, "plan", |known| &known.plans);
    observe_databases(seen);
    let name = "strongroom.plan.missed_runs";
    let what = "Runs of the plan that were missed, and that no later backup of the database has made up for.";
    gauge(seen, name, "", what, |known, _, tell| {
        known.plans.iter().for_each(|group| tell(count_of(group.missed_runs), &group.labels));
    });
    let name = "strongroom.protection.age";
    let what = "How long ago the databases of an account and region were looked at.";
    gauge(seen, name, "s", what, |known, now, tell| {
        for (scope, as_of) in &known.looked {
            tell(now.duration_since(*as_of).as_secs_f64().max(0.0), &of_scope(scope));
        }
    });
    let what = "Incidents that are open, or acknowledged and still there.";
    gauge(seen, "strongroom.incidents", "", what, |known, _, tell| {
        known.incidents.iter().for_each(|(labels, count)| tell(count_of(*count), labels));
    });
}

/// Of databases together: of those of a type, or of those that a plan covers.
fn observe_groups(seen: &Weak<Seen>, family: &'static str, groups: fn(&Known) -> &[Group]) {
    let name = format!("strongroom.{family}.databases");
    let what = "Databases by the verdict on their protection.";
    gauge(seen, name, "", what, move |known, _, tell| {
        for group in groups(known) {
            for (verdict, count) in ProtectionVerdict::ALL.into_iter().zip(group.verdicts) {
                let verdict = KeyValue::new("verdict", verdict_label(verdict));
                let labels: Vec<KeyValue> = group.labels.iter().cloned().chain([verdict]).collect();
                tell(count_of(count), &labels);
            }
        }
    });
    let one = |name: &str, unit, what, value: fn(&Group, Timestamp) -> Option<f64>| {
        gauge(seen, format!("strongroom.{family}.{name}"), unit, what, move |known, now, tell| {
            for group in groups(known) {
                if let Some(value) = value(group, now) {
                    tell(value, &group.labels);
                }
            }
        });
    };
    let what = "Databases that some rule covers, and of which no rule ever made a job.";
    one("never_ran", "", what, |group, _| Some(count_of(group.never_ran)));
    let what = "The most backups of one database that ended otherwise than COMPLETED since the last one that did not.";
    one("consecutive_failures", "", what, |group, _| Some(count_of(group.most_failures)));
    let what =
        "When the job of its last backup that COMPLETED was created, of the database of which that is the longest ago.";
    one("oldest_success", "s", what, |group, _| {
        group.last_backups.iter().map(|(created, _)| seconds(*created)).min_by(f64::total_cmp)
    });
    let what = "The greatest age of a last backup, against what the rules of the database promise.";
    one("rpo_ratio", "", what, |group, now| group.ratios(now).max_by(f64::total_cmp));
    let what = "Databases whose last backup is older than their rules promise.";
    one("rpo_exceeded", "", what, |group, now| {
        Some(count_of(group.ratios(now).filter(|ratio| *ratio > 1.0).count() as u64))
    });
}

/// Of the worst databases, each by itself.
fn observe_databases(seen: &Weak<Seen>) {
    let one = |name: &str, unit, what, value: fn(&ProtectionFigures, Timestamp) -> Option<f64>| {
        gauge(seen, format!("strongroom.database.{name}"), unit, what, move |known, now, tell| {
            for (figures, labels) in &known.worst {
                if let Some(value) = value(figures, now) {
                    tell(value, labels);
                }
            }
        });
    };
    let what = "When the job of its last backup that COMPLETED was created.";
    one("last_success", "s", what, |it, _| it.last_success_at.map(seconds));
    let what = "The longest time between two backups that its rules promise.";
    one("expected_interval", "s", what, |it, _| it.promised.interval.map(|interval| interval.as_secs_f64()));
    let what = "The age of its last backup, against what its rules promise.";
    one("rpo_ratio", "", what, |it, now| {
        Some(BackupAge::at(it.last_success_at?, it.promised.allowed_age?, now).ratio())
    });
    let what = "Its backups that ended otherwise than COMPLETED since the last one that did not.";
    one("consecutive_failures", "", what, |it, _| Some(count_of(it.consecutive_failures)));
    let what = "1 while some rule covers it and no rule ever made a job of it, else 0.";
    one("never_ran", "", what, |it, _| Some(f64::from(u8::from(it.never_ran))));
    let what = "Databases that have no metrics of their own, for others are worse.";
    gauge(seen, "strongroom.database.left_out", "", what, |known, _, tell| {
        if !known.looked.is_empty() {
            tell(count_of(known.left_out), &[]);
        }
    });
}

/// A gauge that tells of what is known, as of now; nothing before the first look.
fn gauge(
    seen: &Weak<Seen>,
    name: impl Into<Cow<'static, str>>,
    unit: &'static str,
    what: &'static str,
    tell: impl Fn(&Known, Timestamp, &mut dyn FnMut(f64, &[KeyValue])) + Send + Sync + 'static,
) {
    let seen = Weak::clone(seen);
    let meter = global::meter("strongroom");
    let gauge = meter.f64_observable_gauge(name).with_unit(unit).with_description(what);
    let told = gauge.with_callback(move |told| {
        let Some(seen) = seen.upgrade() else { return };
        if let Some(known) = &*seen.known() {
            tell(known, seen.aws.now(), &mut |value, labels| told.observe(value, labels));
        }
    });
    told.build();
}

impl Seen {
    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many")]
fn count_of(count: u64) -> f64 {
    count as f64
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

fn verdict_label(verdict: ProtectionVerdict) -> &'static str {
    match verdict {
        ProtectionVerdict::Protected => "PROTECTED",
        ProtectionVerdict::AtRisk => "AT_RISK",
        ProtectionVerdict::NotProtected => "NOT_PROTECTED",
        ProtectionVerdict::Unknown => "UNKNOWN",
    }
}

fn state_label(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Open => "OPEN",
        IncidentState::Acknowledged => "ACKNOWLEDGED",
        IncidentState::Closed => "CLOSED",
    }
}

fn cause_label(cause: Cause) -> &'static str {
    match cause {
        Cause::JobFailed => "JOB_FAILED",
        Cause::JobExpired => "JOB_EXPIRED",
        Cause::JobPartial => "JOB_PARTIAL",
        Cause::JobCompletedWithIssues => "JOB_COMPLETED_WITH_ISSUES",
        Cause::RecoveryPointDeleted => "RECOVERY_POINT_DELETED",
        Cause::RetentionShortened => "RETENTION_SHORTENED",
        Cause::VaultLockWeakened => "VAULT_LOCK_WEAKENED",
        Cause::VaultPolicyChanged => "VAULT_POLICY_CHANGED",
        Cause::VaultNotificationsOff => "VAULT_NOTIFICATIONS_OFF",
        Cause::RunMissed => "RUN_MISSED",
    }
}
