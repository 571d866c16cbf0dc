//! Incidents as others see them, and that somebody looks after one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{Kept, cause_number, cause_of, missed};
use crate::{
    domain::{
        About, Acknowledgement, Actor, Cause, Incident, IncidentQuery, IncidentState, Job, JobId, JobKind, PointChange,
        Scope,
    },
    ledger::{
        Error, Ledger,
        jobs::{self, scope_of},
        store::{Row, Value, time},
    },
};

/// Incidents that a page looks at: a few milliseconds.
const MOST_LOOKED_AT: usize = 20_000;

/// Recovery points that an incident shows.
const MOST_POINTS: usize = 20;

/// AWS tells of a call by its own clock, and of what came of it by another's.
const SLACK: i64 = 15 * 60 * 1000;

/// Where a page begins: after the incident that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentPosition {
    opened: i64,
    id: String,
}

impl IncidentPosition {
    /// Out of its text.
    pub fn parse(text: &str) -> Option<Self> {
        let (opened, id) = text.split_once('.')?;
        let is_id = id.len() <= 40 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Some(Self { opened: opened.parse().ok()?, id: id.to_owned() }).filter(|_| is_id)
    }
}

impl std::fmt::Display for IncidentPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.opened, self.id)
    }
}

/// A page of incidents.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentPage {
    /// The incidents, those opened last first.
    pub incidents: Vec<Incident>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<IncidentPosition>,
}

impl Ledger {
    /// A page of the incidents that the query means. It can be short, even empty, and still have a next one.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn list_incidents(
        &self,
        query: &IncidentQuery,
        size: usize,
        after: Option<&IncidentPosition>,
    ) -> Result<IncidentPage, Error> {
        let store = self.store().await?;
        let from = |after: Option<&IncidentPosition>| match after {
            Some(IncidentPosition { opened, id }) => vec![(*opened).into(), id.as_str().into()],
            None => vec![Value::Int(i64::MAX), "".into()],
        };
        let scopes: Vec<[&str; 2]> =
            query.scopes.iter().map(|scope| [scope.account.as_str(), scope.region.as_str()]).collect();
        let states: Vec<i64> = query.states.iter().map(|state| state_number(*state)).collect();
        let causes: Vec<i64> = query.causes.iter().map(|cause| cause_number(*cause)).collect();
        let kinds: Vec<i64> = query.kinds.iter().map(|kind| jobs::kind_number(*kind)).collect();
        let mut args = from(after);
        args.extend([
            MOST_LOOKED_AT.into(),
            jobs::json(&scopes),
            jobs::json(&states),
            jobs::json(&causes),
            jobs::json(&kinds),
            jobs::json(&query.resources),
            jobs::json(&query.vaults),
            size.into(),
        ]);
        let rows = store.rows(store.statements().incidents, args).await?;
        let is_full = rows.len() >= size;
        let incidents = self.read(rows).await?;
        let next = match incidents.last() {
            Some(last) if is_full => {
                Some(IncidentPosition { opened: last.opened_at.as_millisecond(), id: last.id.clone() })
            }
            Some(_) | None => {
                let mut args = from(after);
                args.push((MOST_LOOKED_AT - 1).into());
                let mut rows = store.rows(store.statements().incidents_looked_to, args).await?;
                let last = rows.first_mut().map(|row| Ok(IncidentPosition { opened: row.int(0)?, id: row.text(1)? }));
                last.transpose()?
            }
        };
        Ok(IncidentPage { incidents, next })
    }

    /// How many incidents are open, or are acknowledged and still there, of each account, region and cause that has any.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn count_incidents(&self) -> Result<Vec<(Scope, Cause, IncidentState, u64)>, Error> {
        let store = self.store().await?;
        let count = |mut row: Row| {
            let scope = scope_of(&row.text(0)?, &row.text(1)?)?;
            let state = if row.int(3)? == 1 { IncidentState::Acknowledged } else { IncidentState::Open };
            Ok((scope, cause_of(row.int(2)?)?, state, row.int(4)?.unsigned_abs()))
        };
        store.rows(store.statements().incident_counts, Vec::new()).await?.into_iter().map(count).collect()
    }

    /// An incident, if there is one with that id.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn incident(&self, id: &str) -> Result<Option<Incident>, Error> {
        let store = self.store().await?;
        let rows = store.rows(store.statements().incident, vec![id.into()]).await?;
        Ok(self.read(rows).await?.pop())
    }

    /// Somebody looks after an incident from now on; what cannot go away by itself is over thereby.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn acknowledge(&self, incident: &Incident, by: &Acknowledgement) -> Result<(), Error> {
        let Acknowledgement { by, at, note } = by;
        let closed = incident.cause.ends_with_acknowledgement(incident.kind).then_some(*at);
        let (mut writing, _) = self.begin().await?;
        let at = at.as_millisecond().into();
        let args = vec![incident.id.as_str().into(), by.as_str().into(), at, note.as_str().into(), closed.into()];
        writing.rows(writing.statements().take_incident, args).await?;
        writing.commit().await
    }

    /// Incidents as others see them.
    async fn read(&self, rows: Vec<Row>) -> Result<Vec<Incident>, Error> {
        let mut kept = Vec::new();
        for mut row in rows {
            let scope = scope_of(&row.text(2)?, &row.text(3)?)?;
            let taken = row.some_text(15).zip(row.some_time(16)?);
            let note = row.some_text(17).unwrap_or_default();
            let acknowledged = taken.map(|(by, at)| Acknowledgement { by, at, note });
            kept.push((Kept::of_row(&mut row)?, scope, acknowledged));
        }
        let ids: Vec<JobId> = kept.iter().filter_map(|(kept, ..)| JobId::told(kept.job.as_deref()?)).collect();
        let mut jobs = match ids.is_empty() {
            true => BTreeMap::new(),
            false => self.jobs(&ids.iter().collect::<Vec<_>>()).await?,
        };
        let mut incidents = Vec::new();
        for (kept, scope, acknowledged) in kept {
            let job = kept.job.as_deref().and_then(JobId::told).and_then(|id| jobs.remove(&id));
            incidents.push(self.told(kept, scope, job, acknowledged).await?);
        }
        Ok(incidents)
    }

    async fn told(
        &self,
        kept: Kept,
        scope: Scope,
        job: Option<Job>,
        acknowledged: Option<Acknowledgement>,
    ) -> Result<Incident, Error> {
        let Kept { id, cause, kind, resource, vault, opened, last, closed, times, own, .. } = kept;
        let points = if cause.about() == About::Points { self.point_changes(&id, cause).await? } else { Vec::new() };
        let own: Json = serde_json::from_str(&own).unwrap_or_default();
        let run = missed::run(&own, &scope, &resource, &vault).filter(|_| cause.about() == About::Runs);
        let text = |name: &str| own.get(name).and_then(Json::as_str).map(str::to_owned);
        let change = text("before").zip(text("after"));
        let actor = match (points.first(), &change) {
            (Some(point), _) => point.actor.clone(),
            (None, Some(_)) => {
                let seen = own.get("seen").and_then(Json::as_i64).unwrap_or(opened);
                self.actors(&[(vault.as_str(), seen, last)], cause).await?.remove(&vault)
            }
            (None, None) => None,
        };
        Ok(Incident {
            id,
            scope,
            cause,
            kind: JobKind::ALL.into_iter().find(|known| jobs::kind_number(*known) == kind),
            resource,
            vault,
            opened_at: time(opened)?,
            last_at: time(last)?,
            closed_at: closed.map(time).transpose()?,
            count: times,
            job,
            run,
            points,
            change,
            actor,
            acknowledged,
        })
    }

    async fn point_changes(&self, incident: &str, cause: Cause) -> Result<Vec<PointChange>, Error> {
        let store = self.store().await?;
        let rows = store.rows(store.statements().point_changes, vec![incident.into(), MOST_POINTS.into()]).await?;
        let change = |mut row: Row| {
            Ok(PointChange {
                recovery_point: row.text(0)?,
                vault: row.text(1)?,
                seen_at: row.time(2)?,
                noticed_at: row.time(3)?,
                expires_before: row.some_time(4)?,
                expires_after: row.some_time(5)?,
                actor: None,
            })
        };
        let mut changes: Vec<PointChange> = rows.into_iter().map(change).collect::<Result<_, Error>>()?;
        let millis = |at: Timestamp| at.as_millisecond();
        let asked: Vec<(&str, i64, i64)> = changes
            .iter()
            .map(|change| (change.recovery_point.as_str(), millis(change.seen_at), millis(change.noticed_at)))
            .collect();
        let mut actors = self.actors(&asked, cause).await?;
        for change in &mut changes {
            change.actor = actors.remove(&change.recovery_point);
        }
        Ok(changes)
    }

    /// Who brought it about, of each of these within its time, as far as AWS told.
    async fn actors(&self, asked: &[(&str, i64, i64)], cause: Cause) -> Result<BTreeMap<String, Actor>, Error> {
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let store = self.store().await?;
        let asked: Vec<Json> =
            asked.iter().map(|(object, from, to)| json!([object, from - SLACK, to + SLACK])).collect();
        let rows = store.rows(store.statements().calls_about, vec![jobs::json(&asked)]).await?;
        let mut actors = BTreeMap::new();
        for mut row in rows {
            let (object, operation) = (row.text(0)?, row.text(1)?);
            if cause.operations().contains(&operation.as_str()) {
                let actor = Actor { caller: row.text(3)?, operation, at: row.time(2)? };
                actors.entry(object).or_insert(actor);
            }
        }
        Ok(actors)
    }
}

fn state_number(state: IncidentState) -> i64 {
    match state {
        IncidentState::Open => 1,
        IncidentState::Acknowledged => 2,
        IncidentState::Closed => 3,
    }
}
