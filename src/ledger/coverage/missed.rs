//! Runs that were due and left no job: each is kept once, and is an event as jobs are.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::super::{
    Error, Ledger, changes, incidents,
    jobs::{self, first_key},
    rollups::{Counted, Moves},
    store::{Row, Writing},
};
use crate::domain::{JobId, JobSubject, MissedRun, Scope};

impl Ledger {
    /// Withdraws missed runs of that account and region, due from then on, whose jobs turned up after all, later than AWS's lists
    /// ever are: as of `at`. How many.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn withdraw_missed(&self, scope: &Scope, since: Timestamp, at: Timestamp) -> Result<usize, Error> {
        let Some(look) = self.look(scope).await? else { return Ok(0) };
        let args = || vec![look.place.into(), since.as_millisecond().into()];
        let store = self.store().await?;
        // Nearly always there is none: nobody who writes is kept waiting for that.
        if store.rows(store.statements().made_after_all, args()).await?.is_empty() {
            return Ok(0);
        }
        let (mut writing, head) = self.begin().await?;
        let rows = writing.rows(writing.statements().made_after_all, args()).await?;
        let (mut withdrawn, mut events, mut runs, mut moves) = (Vec::new(), Vec::new(), Vec::new(), Moves::default());
        for mut row in rows {
            let subject = row.int(14)?;
            let job = JobId::told(row.text(15)?);
            let about = jobs::subject(&mut row, 4)?;
            let run = MissedRun { made: job, ..of_parts(&row.text(13)?, about)? };
            let own = run.to_json().to_string();
            moves.take_away(Counted::missed(run.subject(), run.due_at));
            runs.push(run);
            let millis = at.as_millisecond();
            withdrawn.push(json!([row.text(0)?, row.text(1)?, row.text(2)?, row.int(3)?, millis, own]));
            events.push((subject, own));
        }
        let count = events.len();
        writing.rows(writing.statements().withdraw_missed, vec![look.place.into(), jobs::json(&withdrawn)]).await?;
        let places = BTreeMap::from([(scope.clone(), look.place)]);
        incidents::missed::take_back(&mut writing, &places, &runs, at).await?;
        moves.write(&mut writing, &places).await?;
        let head = tell(&mut writing, head, events, at).await?;
        writing.commit().await?;
        self.ring(head);
        Ok(count)
    }
}

/// Writes missed runs, and the events of those that were not known: those are the answer, with the new head. Whatever else is
/// kept of missed runs is written here too.
pub(in crate::ledger) async fn write(
    writing: &mut Writing,
    head: i64,
    runs: Vec<MissedRun>,
    at: Timestamp,
) -> Result<(Vec<MissedRun>, i64), Error> {
    if runs.is_empty() {
        return Ok((runs, head));
    }
    let about: Vec<JobSubject> = runs.iter().map(MissedRun::subject).collect();
    let places = changes::places(writing, runs.iter().map(|run| &run.scope).collect()).await?;
    let subjects = changes::subjects(writing, &places, about.iter().collect()).await?;
    let missing = || Error::unreadable("what was just written is not there");
    let mut rows = Vec::new();
    for (run, about) in runs.iter().zip(&about) {
        let (from, to) = run.time_of_job();
        rows.push(json!([
            places.get(&run.scope).ok_or_else(missing)?,
            run.database.arn,
            run.plan_id,
            run.rule_id,
            run.due_at.as_millisecond(),
            run.database.made,
            subjects.get(about).ok_or_else(missing)?,
            first_key(from),
            to.map_or(i64::MAX, first_key),
            run.to_json().to_string(),
        ]));
    }
    let mut new = BTreeSet::new();
    for mut row in writing.rows(writing.statements().put_missed, vec![jobs::json(&rows)]).await? {
        new.insert((row.text(0)?, row.int(1)?, row.text(2)?, row.text(3)?));
    }
    let (mut news, mut events, mut moves) = (Vec::new(), Vec::new(), Moves::default());
    for (run, about) in runs.into_iter().zip(&about) {
        let key = (run.database.arn.clone(), run.due_at.as_millisecond(), run.plan_id.clone(), run.rule_id.clone());
        // Told twice at once, it is new once.
        if new.remove(&key) {
            events.push((*subjects.get(about).ok_or_else(missing)?, run.to_json().to_string()));
            moves.add(Counted::missed(about.clone(), run.due_at));
            news.push(run);
        }
    }
    incidents::missed::add(writing, &places, &news).await?;
    moves.write(writing, &places).await?;
    let head = tell(writing, head, events, at).await?;
    Ok((news, head))
}

/// Adds events of missed runs, each with its subject. The new head.
async fn tell(writing: &mut Writing, head: i64, runs: Vec<(i64, String)>, at: Timestamp) -> Result<i64, Error> {
    if runs.is_empty() {
        return Ok(head);
    }
    let nothing = changes::commons(writing, BTreeSet::from([""])).await?.get("").copied().unwrap_or_default();
    let mut new = head;
    let mut events = Vec::new();
    for (subject, own) in runs {
        new += 1;
        events.push(json!([new, at.as_millisecond(), changes::MISSED, "", subject, nothing, own]));
    }
    writing.rows(writing.statements().add_events, vec![jobs::json(&events)]).await?;
    writing.rows(writing.statements().set_head, vec![new.into()]).await?;
    Ok(new)
}

/// The missed run in the row of an event.
pub(in crate::ledger) fn of_event(mut row: Row) -> Result<MissedRun, Error> {
    let about = jobs::subject(&mut row, 5)?;
    of_parts(&row.text(15)?, about)
}

fn of_parts(own: &str, about: JobSubject) -> Result<MissedRun, Error> {
    let kept = serde_json::from_str(own).ok().and_then(|own| MissedRun::from_json(&own, about));
    kept.ok_or_else(|| Error::unreadable("a missed run is not written as this version writes one"))
}
