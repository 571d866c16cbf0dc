//! Recovery points and what guards their vaults: what is there, and what others took away before its time.
//!
//! Whoever tells says who did it: what Strongroom was asked to do is written as it is now, and is no incident.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{
    Error, Ledger,
    incidents::{self, Kept},
    jobs,
    store::{Row, Writing, time},
};
use crate::domain::{Cause, RecoveryPoint, RecoveryPointState, Retention, Scope, VaultPicture, is_continuous};

/// Who did what is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doer {
    /// Strongroom, because it was asked to.
    Strongroom,
    /// Perhaps somebody else; or Strongroom, which is told once AWS has answered it. What would be an incident is not taken in, and
    /// `false` is told: who looks asks again a little later, as [`Doer::Others`].
    Suspected,
    /// Somebody else, or time.
    Others,
}

/// That somebody had AWS Backup do something, as its CloudTrail tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// ARN of the recovery point or vault that it was done to.
    pub object: String,
    /// AWS's name of the operation, such as `DeleteRecoveryPoint`.
    pub operation: String,
    /// When.
    pub at: Timestamp,
    /// ARN of who called; of a role, the session's.
    pub caller: String,
}

/// A recovery point that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPoint {
    /// ARN.
    pub arn: String,
    /// Account and region of its vault.
    pub scope: Scope,
    /// ARN of its vault.
    pub vault: String,
    /// ARN of what was backed up; blank where AWS did not say.
    pub resource: String,
    /// AWS Backup's name for the type of that; blank likewise.
    pub resource_type: String,
    /// AWS's word for its state.
    pub state: String,
    /// Bytes, as AWS tells them; 0 for RDS.
    pub bytes: Option<i64>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it will be deleted.
    pub expires_at: Option<Timestamp>,
    /// When it was told last.
    pub seen_at: Timestamp,
    /// Since when it is known to be no more.
    pub gone_at: Option<Timestamp>,
}

/// A point as it is written; instants in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    arn: String,
    scope: Scope,
    vault: String,
    resource: String,
    of_type: String,
    state: String,
    created: Option<i64>,
    expires: Option<i64>,
    /// Days; 0 for ever; none where it is not known.
    kept: Option<i64>,
    bytes: Option<i64>,
    seen: i64,
    gone: Option<i64>,
    why: Option<i64>,
}

/// Why a point is no more: its time was over, or it never was a whole one.
const IN_TIME: i64 = 1;
/// Others deleted it.
const BY_OTHERS: i64 = 2;
/// Strongroom was asked to.
const BY_STRONGROOM: i64 = 3;

impl Point {
    pub(super) fn of_row(mut row: Row) -> Result<Self, Error> {
        Ok(Self {
            arn: row.text(0)?,
            scope: jobs::scope_of(&row.text(1)?, &row.text(2)?)?,
            vault: row.text(3)?,
            resource: row.text(4)?,
            of_type: row.text(5)?,
            state: row.text(6)?,
            created: row.some_int(7),
            expires: row.some_int(8),
            kept: row.some_int(9),
            bytes: row.some_int(10),
            seen: row.int(11)?,
            gone: row.some_int(12),
            why: row.some_int(13),
        })
    }

    fn row(&self, place: i64) -> Json {
        let Self { arn, vault, resource, of_type, state, created, expires, kept, bytes, seen, gone, why, .. } = self;
        json!([arn, place, vault, resource, of_type, state, created, expires, kept, bytes, seen, gone, why])
    }

    /// What is told of a point, and what it leaves out as it was known before.
    fn told(point: &RecoveryPoint, vault: &str, at: i64, before: Option<&Self>) -> Self {
        let millis = |at: Timestamp| at.as_millisecond();
        let kept = point.lifecycle.as_ref().map(|lifecycle| match lifecycle.retention {
            Retention::Days(days) => i64::from(days),
            Retention::Forever => 0,
        });
        let text = |told: Option<String>, known: fn(&Self) -> &String| {
            told.or_else(|| before.map(|before| known(before).clone())).unwrap_or_default()
        };
        let number = |told: Option<i64>, known: fn(&Self) -> Option<i64>| told.or_else(|| before.and_then(known));
        Self {
            arn: point.arn.clone(),
            scope: point.scope.clone(),
            vault: vault.to_owned(),
            resource: text(point.resource_arn.clone(), |known| &known.resource),
            of_type: text(point.resource_type.clone().map(String::from), |known| &known.of_type),
            state: text(Some(point.state.word().to_owned()).filter(|word| !word.is_empty()), |known| &known.state),
            created: number(point.created_at.map(millis), |known| known.created),
            expires: match kept {
                Some(0) => None,
                Some(_) | None => number(point.delete_at.map(millis), |known| known.expires),
            },
            kept: number(kept, |known| known.kept),
            bytes: number(point.backup_size_bytes, |known| known.bytes),
            seen: at,
            gone: None,
            why: None,
        }
    }

    /// Whether it is to be deleted earlier than it was. A continuous one is kept as its rule says, which plans tell.
    fn is_shorter_than(&self, before: &Self) -> bool {
        let shorter = match (before.kept, self.kept) {
            (Some(0), Some(days)) => days > 0,
            (Some(before), Some(days)) => 0 < days && days < before,
            (None, _) | (_, None) => false,
        };
        shorter && before.gone.is_none() && !is_continuous(&self.arn)
    }
}

/// Something that others did to a point.
struct Harm {
    point: Point,
    cause: Cause,
    /// When it was last seen as it had been, and when it was to be deleted then.
    seen: i64,
    expired: Option<i64>,
    expires: Option<i64>,
}

impl Ledger {
    /// Takes in what is told of the points of a vault, whose ARN it is. What was told later already stands.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn learn_points(
        &self,
        scope: &Scope,
        vault: &str,
        points: &[RecoveryPoint],
        at: Timestamp,
        by: Doer,
    ) -> Result<bool, Error> {
        if points.is_empty() {
            return Ok(true);
        }
        let (mut writing, place) = self.write_of(scope).await?;
        let at = at.as_millisecond();
        let known = known(&mut writing, points.iter().map(|point| point.arn.as_str())).await?;
        let (mut rows, mut harms) = (Vec::new(), Vec::new());
        let mut told = BTreeSet::new();
        for point in points.iter().filter(|point| told.insert(point.arn.as_str())) {
            let before = known.get(&point.arn);
            if before.is_some_and(|before| before.seen > at) {
                continue;
            }
            let now = Point::told(point, vault, at, before);
            if let Some(before) = before
                && by != Doer::Strongroom
                && now.is_shorter_than(before)
            {
                let (seen, expired, expires) = (before.seen, before.expires, now.expires);
                harms.push(Harm { point: now.clone(), cause: Cause::RetentionShortened, seen, expired, expires });
            }
            rows.push(now.row(place));
        }
        if by == Doer::Suspected && !harms.is_empty() {
            return Ok(false);
        }
        writing.rows(writing.statements().put_points, vec![jobs::json(&rows)]).await?;
        note(&mut writing, place, harms, at).await?;
        writing.commit().await?;
        Ok(true)
    }

    /// Takes in that these points are no more.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn points_gone(&self, scope: &Scope, arns: &[&str], at: Timestamp, by: Doer) -> Result<bool, Error> {
        let (mut writing, place) = self.write_of(scope).await?;
        let at = at.as_millisecond();
        let known = known(&mut writing, arns.iter().copied()).await?;
        let (mut rows, mut harms) = (Vec::new(), Vec::new());
        for before in known.into_values().filter(|point| point.gone.is_none()) {
            let never_whole = RecoveryPointState::of_word(&before.state) == RecoveryPointState::Creating;
            let why = match by {
                Doer::Strongroom => BY_STRONGROOM,
                _ if never_whole || before.expires.is_some_and(|expires| expires <= at) => IN_TIME,
                Doer::Suspected | Doer::Others => BY_OTHERS,
            };
            let now = Point { gone: Some(at), why: Some(why), ..before.clone() };
            rows.push(now.row(place));
            if why == BY_OTHERS {
                let (seen, expired) = (before.seen, before.expires);
                harms.push(Harm { point: now, cause: Cause::RecoveryPointDeleted, seen, expired, expires: None });
            }
        }
        if by == Doer::Suspected && !harms.is_empty() {
            return Ok(false);
        }
        if !rows.is_empty() {
            writing.rows(writing.statements().put_points, vec![jobs::json(&rows)]).await?;
            note(&mut writing, place, harms, at).await?;
            writing.commit().await?;
        }
        Ok(true)
    }

    /// Points of a vault that are there and of which nothing was told since the instant: so many at most, those told of first
    /// first.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn unseen_points(
        &self,
        scope: &Scope,
        vault: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<KnownPoint>, Error> {
        let store = self.store().await?;
        let Some(place) = self.place(scope).await? else { return Ok(Vec::new()) };
        let args = vec![vault.into(), place.into(), since.as_millisecond().into(), most.into()];
        let rows = store.rows(store.statements().unseen_points, args).await?;
        rows.into_iter().map(|row| Point::of_row(row)?.known()).collect()
    }

    /// A point that is remembered, by its ARN alone.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn point(&self, arn: &str) -> Result<Option<KnownPoint>, Error> {
        let store = self.store().await?;
        let rows = store.rows(store.statements().points, vec![jobs::json(&[arn])]).await?;
        rows.into_iter().next().map(|row| Point::of_row(row)?.known()).transpose()
    }

    /// Closes what is about points whose time would be over by now, or whose retention is as it was.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn close_what_is_past(&self, scope: &Scope, at: Timestamp) -> Result<(), Error> {
        let (mut writing, place) = self.write_of(scope).await?;
        let args = || vec![place.into(), at.as_millisecond().into()];
        writing.rows(writing.statements().close_deleted, args()).await?;
        writing.rows(writing.statements().close_shortened, args()).await?;
        writing.commit().await
    }

    /// Takes in what guards a vault, whose ARN it is.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn learn_vault(
        &self,
        scope: &Scope,
        vault: &str,
        told: VaultPicture,
        at: Timestamp,
        by: Doer,
    ) -> Result<bool, Error> {
        let (mut writing, place) = self.write_of(scope).await?;
        let at = at.as_millisecond();
        let mut rows = writing.rows(writing.statements().vault, vec![vault.into(), place.into()]).await?;
        let known = rows.first_mut().map(|row| Ok::<_, Error>((VaultPicture::parse(&row.text(0)?), row.int(1)?)));
        let (before, seen) = known.transpose()?.unwrap_or_else(|| (told.clone(), at));
        if seen > at {
            return Ok(true);
        }
        let now = before.clone().and(told);
        let open = incidents::open(&mut writing, &BTreeSet::from([(vault, place)])).await?;
        let mut open: BTreeMap<Cause, Kept> = open.into_iter().map(|known| (known.cause, known)).collect();
        let mut changed = BTreeMap::new();
        let weaker = if by == Doer::Strongroom { Vec::new() } else { now.weaker_than(&before) };
        if by == Doer::Suspected && !weaker.is_empty() {
            return Ok(false);
        }
        for (cause, was, is) in weaker {
            let begun = open.remove(&cause).unwrap_or_else(|| {
                let own = json!({"picture": before.text(), "before": was, "seen": seen}).to_string();
                Kept { vault: vault.to_owned(), own, ..Kept::new(place, cause, vault, at) }
            });
            let mut own: Json = serde_json::from_str(&begun.own).unwrap_or_default();
            if let Some(members) = own.as_object_mut() {
                members.insert("after".to_owned(), is.into());
            }
            changed.insert(cause, Kept { times: begun.times + 1, last: at, own: own.to_string(), ..begun });
        }
        for (cause, known) in open.into_iter().chain(std::mem::take(&mut changed)) {
            let own: Json = serde_json::from_str(&known.own).unwrap_or_default();
            let first = VaultPicture::parse(own.get("picture").and_then(Json::as_str).unwrap_or_default());
            let closed = (!now.is_weaker(&first, cause)).then_some(at);
            changed.insert(cause, Kept { closed, ..known });
        }
        incidents::put(&mut writing, &changed.into_values().collect::<Vec<_>>()).await?;
        let args = vec![vault.into(), place.into(), now.text().into(), at.into()];
        writing.rows(writing.statements().put_vault, args).await?;
        writing.commit().await?;
        Ok(true)
    }

    /// The ARNs of the vaults that were there.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn vaults(&self, scope: &Scope) -> Result<Vec<String>, Error> {
        let store = self.store().await?;
        let Some(place) = self.place(scope).await? else { return Ok(Vec::new()) };
        let rows = store.rows(store.statements().vaults, vec![place.into()]).await?;
        rows.into_iter().map(|mut row| row.text(0)).collect()
    }

    /// Takes in that a vault is no more; what is about its settings is over.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn vault_gone(&self, scope: &Scope, vault: &str, at: Timestamp) -> Result<(), Error> {
        let (mut writing, place) = self.write_of(scope).await?;
        let open = incidents::open(&mut writing, &BTreeSet::from([(vault, place)])).await?;
        let closed = open.into_iter().map(|known| Kept { closed: Some(at.as_millisecond()), ..known });
        incidents::put(&mut writing, &closed.collect::<Vec<_>>()).await?;
        writing.rows(writing.statements().drop_vault, vec![vault.into(), place.into()]).await?;
        writing.commit().await
    }

    /// Takes in who had AWS Backup do what, and to what.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn learn_calls(&self, calls: &[Called]) -> Result<(), Error> {
        let row = |call: &Called| json!([call.object, call.operation, call.at.as_millisecond(), call.caller]);
        let rows: Vec<Json> = calls.iter().map(row).collect();
        let (mut writing, _) = self.begin().await?;
        writing.rows(writing.statements().put_calls, vec![jobs::json(&rows)]).await?;
        writing.commit().await
    }
}

impl Point {
    pub(super) fn known(self) -> Result<KnownPoint, Error> {
        let Self { arn, scope, vault, resource, of_type, state, bytes, created, expires, seen, gone, .. } = self;
        Ok(KnownPoint {
            arn,
            scope,
            vault,
            resource,
            resource_type: of_type,
            state,
            bytes,
            created_at: created.map(time).transpose()?,
            expires_at: expires.map(time).transpose()?,
            seen_at: time(seen)?,
            gone_at: gone.map(time).transpose()?,
        })
    }
}

async fn known<'p>(
    writing: &mut Writing,
    arns: impl Iterator<Item = &'p str>,
) -> Result<BTreeMap<String, Point>, Error> {
    let arns: Vec<&str> = arns.collect();
    let rows = writing.rows(writing.statements().points, vec![jobs::json(&arns)]).await?;
    rows.into_iter().map(|row| Point::of_row(row).map(|point| (point.arn.clone(), point))).collect()
}

/// Notes what others did to points: in the incident of each resource, or of the vault where that is not known.
async fn note(writing: &mut Writing, place: i64, harms: Vec<Harm>, at: i64) -> Result<(), Error> {
    if harms.is_empty() {
        return Ok(());
    }
    fn object(point: &Point) -> &str {
        if point.resource.is_empty() { &point.vault } else { &point.resource }
    }
    let objects = harms.iter().map(|harm| (object(&harm.point), place)).collect();
    let open = incidents::open(writing, &objects).await?;
    let mut incidents: BTreeMap<(String, Cause), Kept> =
        open.into_iter().map(|known| ((known.object.clone(), known.cause), known)).collect();
    let (mut touched, mut rows) = (BTreeSet::new(), Vec::new());
    for Harm { point, cause, seen, expired, expires } in &harms {
        let key = (object(point).to_owned(), *cause);
        let incident = incidents.entry(key.clone()).or_insert_with(|| Kept::new(place, *cause, &key.0, at));
        incident.times += 1;
        incident.last = at;
        incident.resource.clone_from(&point.resource);
        incident.vault.clone_from(&point.vault);
        rows.push(json!([incident.id, point.arn, point.vault, seen, at, expired, expires]));
        touched.insert(key);
    }
    let changed: Vec<Kept> =
        incidents.into_iter().filter(|(key, _)| touched.contains(key)).map(|(_, incident)| incident).collect();
    incidents::put(writing, &changed).await?;
    writing.rows(writing.statements().add_point_changes, vec![jobs::json(&rows)]).await?;
    Ok(())
}
