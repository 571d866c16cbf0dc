//! Runs that left no job, as incidents: one for each resource, until a backup that was made later completes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{Kept, open, put};
use crate::{
    domain::{Cause, JobKind, JobSubject, MissedRun, Scope},
    ledger::{Error, jobs::kind_number, store::Writing},
};

/// Opens what these runs are incidents of, which were just written.
pub(in crate::ledger) async fn add(
    writing: &mut Writing,
    places: &BTreeMap<Scope, i64>,
    runs: &[MissedRun],
) -> Result<(), Error> {
    let mut known = of(writing, places, runs).await?;
    for run in runs {
        let (arn, due) = (run.database.arn.as_str(), run.due_at.as_millisecond());
        let place = places.get(&run.scope).copied().unwrap_or_default();
        let incident =
            known.entry((arn.to_owned(), place)).or_insert_with(|| Kept::new(place, Cause::RunMissed, arn, due));
        incident.kind = kind_number(JobKind::Backup);
        incident.times += 1;
        incident.opened = incident.opened.min(due);
        arn.clone_into(&mut incident.resource);
        if due >= incident.last {
            incident.last = due;
            incident.vault.clone_from(&run.vault_arn);
            incident.own = json!({
                "run": run.to_json(), "type": run.resource_type.to_string(), "plan": run.plan_id, "rule": run.rule_id,
            })
            .to_string();
        }
    }
    put(writing, &known.into_values().collect::<Vec<_>>()).await
}

/// Takes back what these runs are incidents of: their jobs turned up after all.
pub(in crate::ledger) async fn take_back(
    writing: &mut Writing,
    places: &BTreeMap<Scope, i64>,
    runs: &[MissedRun],
    at: Timestamp,
) -> Result<(), Error> {
    let mut known = of(writing, places, runs).await?;
    for run in runs {
        let place = places.get(&run.scope).copied().unwrap_or_default();
        if let Some(incident) = known.get_mut(&(run.database.arn.clone(), place)) {
            incident.times -= 1;
        }
    }
    for incident in known.values_mut().filter(|incident| incident.times <= 0) {
        (incident.times, incident.closed) = (0, Some(at.as_millisecond()));
    }
    put(writing, &known.into_values().collect::<Vec<_>>()).await
}

/// What is open of the resources of these runs.
async fn of(
    writing: &mut Writing,
    places: &BTreeMap<Scope, i64>,
    runs: &[MissedRun],
) -> Result<BTreeMap<(String, i64), Kept>, Error> {
    let about: BTreeSet<(&str, i64)> =
        runs.iter().filter_map(|run| Some((run.database.arn.as_str(), *places.get(&run.scope)?))).collect();
    let known = open(writing, &about).await?.into_iter().filter(|known| known.cause == Cause::RunMissed);
    Ok(known.map(|known| ((known.object.clone(), known.place), known)).collect())
}

/// The run in an incident, the last one of its resource.
pub(super) fn run(own: &Json, scope: &Scope, resource: &str, vault: &str) -> Option<MissedRun> {
    let text = |name: &str| Some(own.get(name)?.as_str()?.to_owned());
    let subject = JobSubject {
        scope: scope.clone(),
        kind: JobKind::Backup,
        resource_type: text("type")?,
        resource: resource.to_owned(),
        vault: vault.to_owned(),
        destination: String::new(),
        plan: text("plan")?,
        rule: text("rule")?,
    };
    MissedRun::from_json(own.get("run")?, subject)
}
