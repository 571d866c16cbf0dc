//! Whether databases are protected, as of the last look at an account and region: what a fleet's answer is told from without
//! asking AWS.
//!
//! A look is kept whole, in one transaction, by whoever knows the look before: of two replicas that look at once, one does it
//! again. What was judged since, for its jobs changed, is written into the look that it was judged by.

mod figures;
mod list;
pub(in crate::ledger) mod missed;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{
    Error, Ledger, changes, incidents,
    jobs::{self, scope_of},
    store::{Row, Store, Value, Writing},
};
use crate::domain::{
    DatabaseProtection, Job, KeptFinding, Membership, MissedRun, Outlook, PlanTiming, ProtectionVerdict,
    ProtectionWord, ResourceKind, Scope,
};
pub use list::{CoverageCounts, ProtectionPage, ProtectionPosition};

/// Databases that are written by one statement.
const AT_ONCE: usize = 500;

/// How far the databases and plans of an account and region were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Which.
    pub scope: Scope,
    /// Which look it is: each has a greater number than the one before.
    pub generation: i64,
    /// When it was so, by AWS's clock; absent: there was none yet.
    pub as_of: Option<Timestamp>,
    /// Until when missed runs were judged.
    pub judged: Option<Timestamp>,
    /// Since when: what was due before the first look, or is forgotten, is not.
    pub judged_since: Option<Timestamp>,
    /// What has kept the last attempt at a look from being one; empty where nothing did.
    pub trouble: Vec<KeptFinding>,
    /// What the look could not read.
    pub findings: Vec<KeptFinding>,
    pub(super) place: i64,
}

/// Which rule covers which database, as it is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Members {
    /// Those that the last look saw, and those that it could not tell of.
    pub current: Vec<Membership>,
    /// Those that have ended, and whose last runs may still be judged.
    pub ended: Vec<Membership>,
    /// When the plans of all these run, by digest.
    pub timings: BTreeMap<String, PlanTiming>,
}

/// A look that is to be kept.
#[derive(Debug, Clone)]
pub struct NewLook {
    /// Account and region.
    pub scope: Scope,
    /// The look before; 0: there was none.
    pub after: i64,
    /// When it was so, by AWS's clock.
    pub as_of: Timestamp,
    /// Until when missed runs are judged now.
    pub judged: Option<Timestamp>,
    /// Every database of `kinds`.
    pub protections: Vec<DatabaseProtection>,
    /// The kinds of which all could be listed: of others those that are kept stay.
    pub kinds: Vec<ResourceKind>,
    /// Which rule covers which database.
    pub members: Members,
    /// How it looks for the runs ahead.
    pub outlook: Outlook,
    /// The runs that were missed.
    pub missed: Vec<MissedRun>,
    /// What could not be read.
    pub findings: Vec<KeptFinding>,
}

/// The sorts of memberships.
const SEEN: i64 = 1;
const IN_DOUBT: i64 = 2;
const ENDED: i64 = 3;

impl Ledger {
    /// Every account and region that was looked at, or was tried to.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn looks(&self) -> Result<Vec<Look>, Error> {
        looks_in(&self.store().await?).await
    }

    /// How an account and region was looked at, if it was.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn look(&self, scope: &Scope) -> Result<Option<Look>, Error> {
        Ok(self.looks().await?.into_iter().find(|look| look.scope == *scope))
    }

    /// Which rule covers which database, as of that look.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn members(&self, look: &Look) -> Result<Members, Error> {
        let store = self.store().await?;
        let strange = || Error::unreadable("a membership is not written as this version writes one");
        let mut members = Members::default();
        for mut row in store.rows(store.statements().timings, vec![look.place.into()]).await? {
            let timing = serde_json::from_str(&row.text(1)?).ok().and_then(|kept| PlanTiming::from_json(&kept));
            members.timings.insert(row.text(0)?, timing.ok_or_else(strange)?);
        }
        for mut row in store.rows(store.statements().memberships, vec![look.place.into()]).await? {
            let (since, until, state) = (row.time(1)?, row.time(2)?, row.int(3)?);
            let until = look.as_of.filter(|_| state == SEEN).unwrap_or(until);
            let kept: Json = serde_json::from_str(&row.text(4)?).map_err(|_| strange())?;
            let member = Membership::from_json(&kept, look.scope.clone(), since, until).ok_or_else(strange)?;
            if state == ENDED { &mut members.ended } else { &mut members.current }.push(member);
        }
        Ok(members)
    }

    /// How it looks for the runs ahead, by that look, with runs reckoned from now on. None: it was kept by a version that did not
    /// keep that.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn outlook(&self, look: &Look, now: Timestamp) -> Result<Option<Outlook>, Error> {
        let store = self.store().await?;
        let rows = store.rows(store.statements().outlook, vec![look.place.into()]).await?;
        let Some(mut row) = rows.into_iter().next() else { return Ok(None) };
        let kept = serde_json::from_str(&row.text(0)?).ok();
        let outlook = kept.and_then(|kept| Outlook::from_json(&kept, &look.scope, now));
        let strange = || Error::unreadable("the runs ahead are not written as this version writes them");
        outlook.map(Some).ok_or_else(strange)
    }

    /// The backup jobs of resources, as far as a verdict hangs on them: of each thing that backs one up the last that COMPLETED,
    /// and the last hundred that did not.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn histories(&self, scope: &Scope, resources: &[&str]) -> Result<BTreeMap<String, Vec<Job>>, Error> {
        let store = self.store().await?;
        let place = self.place(scope).await?.unwrap_or_default();
        let mut histories: BTreeMap<String, Vec<Job>> =
            resources.iter().map(|arn| ((*arn).to_owned(), Vec::new())).collect();
        for some in resources.chunks(AT_ONCE) {
            let rows = store.rows(store.statements().histories, vec![place.into(), jobs::json(some)]).await?;
            for row in rows {
                let job = jobs::job(row, 0)?;
                if let Some(jobs) = job.resource_arn.as_deref().and_then(|arn| histories.get_mut(arn)) {
                    jobs.push(job);
                }
            }
        }
        Ok(histories)
    }

    /// Keeps a look, with the runs that it shows to be missed. `false`: another replica has kept one since `after`, and it is to
    /// be made anew from that.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn keep_look(&self, new: NewLook) -> Result<bool, Error> {
        let NewLook { scope, after, as_of, judged, protections, kinds, members, outlook, missed: runs, findings } = new;
        let (mut writing, place) = self.write_of(&scope).await?;
        let head = changes::take_head(&mut writing).await?;
        let present = generation(&mut writing, &scope).await?;
        if present != after {
            return Ok(false);
        }
        let generation = present + 1;
        let kinds: Vec<i64> = kinds.into_iter().map(kind_number).collect();
        put(&mut writing, place, generation, as_of, &protections).await?;
        let args = vec![place.into(), generation.into(), jobs::json(&kinds)];
        let gone = writing.rows(writing.statements().drop_protections, args).await?;
        let gone: Vec<String> = gone.into_iter().map(|mut row| row.text(0)).collect::<Result<_, _>>()?;
        writing.rows(writing.statements().drop_words, vec![jobs::json(&gone)]).await?;
        incidents::of_gone(&mut writing, place, &gone, as_of.as_millisecond()).await?;
        put_members(&mut writing, place, as_of, members).await?;
        put_outlook(&mut writing, place, &outlook).await?;
        let (_, new_head) = missed::write(&mut writing, head, runs, judged.unwrap_or(as_of)).await?;
        let args = vec![
            place.into(),
            generation.into(),
            as_of.as_millisecond().into(),
            judged.into(),
            "[]".into(),
            findings_json(&findings),
        ];
        writing.rows(writing.statements().set_survey, args).await?;
        writing.commit().await?;
        self.ring(new_head);
        Ok(true)
    }

    /// Writes what was judged anew of some databases into the look by which it was judged, and how it looks for the runs ahead where
    /// that was looked at anew. `false`: that is not the last one any more, and who keeps a later one sees to it.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn keep_judged(
        &self,
        scope: &Scope,
        of: i64,
        as_of: Timestamp,
        judged: &[DatabaseProtection],
        outlook: Option<&Outlook>,
    ) -> Result<bool, Error> {
        let (mut writing, place) = self.write_of(scope).await?;
        if generation(&mut writing, scope).await? != of {
            return Ok(false);
        }
        put(&mut writing, place, of, as_of, judged).await?;
        if let Some(outlook) = outlook {
            put_outlook(&mut writing, place, outlook).await?;
        }
        writing.commit().await?;
        Ok(true)
    }

    /// Notes what keeps a look from being one: the last one stays.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn note_trouble(&self, scope: &Scope, trouble: &[KeptFinding]) -> Result<(), Error> {
        let look = self.look(scope).await?;
        if look.as_ref().is_some_and(|look| look.trouble == trouble) {
            return Ok(());
        }
        let (mut writing, place) = self.write_of(scope).await?;
        let look = looks_of(&mut writing).await?.into_iter().find(|look| look.scope == *scope);
        let args = vec![
            place.into(),
            look.as_ref().map_or(0, |look| look.generation).into(),
            look.as_ref().and_then(|look| look.as_of).into(),
            look.as_ref().and_then(|look| look.judged).into(),
            findings_json(trouble),
            findings_json(look.as_ref().map_or(&[], |look| &look.findings)),
        ];
        writing.rows(writing.statements().set_survey, args).await?;
        writing.commit().await
    }
}

/// Every account and region that was looked at, or was tried to.
pub(super) async fn looks_in(store: &Store) -> Result<Vec<Look>, Error> {
    store.rows(store.statements().surveys, Vec::new()).await?.into_iter().map(look).collect()
}

async fn looks_of(writing: &mut Writing) -> Result<Vec<Look>, Error> {
    writing.rows(writing.statements().surveys, Vec::new()).await?.into_iter().map(look).collect()
}

async fn generation(writing: &mut Writing, scope: &Scope) -> Result<i64, Error> {
    let looks = looks_of(writing).await?;
    Ok(looks.iter().find(|look| look.scope == *scope).map_or(0, |look| look.generation))
}

fn look(mut row: Row) -> Result<Look, Error> {
    let findings = |text: String| {
        let strange = || Error::unreadable("a finding is not written as this version writes one");
        let kept: Vec<Json> = serde_json::from_str(&text).map_err(|_| strange())?;
        kept.iter().map(|kept| KeptFinding::from_json(kept).ok_or_else(strange)).collect::<Result<_, Error>>()
    };
    Ok(Look {
        scope: scope_of(&row.text(0)?, &row.text(1)?)?,
        place: row.int(2)?,
        generation: row.int(3)?,
        as_of: row.some_time(4)?,
        judged: row.some_time(5)?,
        trouble: findings(row.text(6)?)?,
        findings: findings(row.text(7)?)?,
        judged_since: row.some_time(8)?,
    })
}

fn findings_json(findings: &[KeptFinding]) -> Value {
    jobs::json(&findings.iter().map(KeptFinding::to_json).collect::<Vec<_>>())
}

/// Writes databases: of those that are as they were only what time has changed.
async fn put(
    writing: &mut Writing,
    place: i64,
    generation: i64,
    as_of: Timestamp,
    protections: &[DatabaseProtection],
) -> Result<(), Error> {
    let mut before = BTreeMap::new();
    for mut row in writing.rows(writing.statements().protection_digests, vec![place.into()]).await? {
        before.insert(row.text(0)?, row.text(1)?);
    }
    for some in protections.chunks(AT_ONCE) {
        let (mut new, mut aged, mut words, mut arns) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for one in some {
            let whole = one.to_json().to_string();
            let digest = digest(&whole);
            let ratio = one.rpo_thousandths_at(as_of);
            let late = ratio.map_or(1, |ratio| -ratio);
            let worst = one.badness_at(as_of);
            if before.get(&one.arn) == Some(&digest) {
                aged.push(json!([one.arn, generation, ratio, worst, late]));
                continue;
            }
            let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
            new.push(json!([
                one.arn,
                place,
                generation,
                one.subject.arn,
                one.subject.made,
                kind_number(one.kind),
                one.engine,
                one.owner,
                verdict_number(one.verdict),
                i64::from(one.never_ran),
                one.consecutive_failures,
                ratio,
                worst,
                late,
                millis(one.last_success_at).unwrap_or(-1),
                millis(one.next_run_at).unwrap_or(i64::MAX),
                digest,
                whole,
            ]));
            arns.push(&one.arn);
            words.extend(one.words().into_iter().map(|word| {
                let (what, word) = word_columns(&word);
                json!([what, word, one.arn])
            }));
        }
        writing.rows(writing.statements().put_protections, vec![jobs::json(&new)]).await?;
        writing.rows(writing.statements().age_protections, vec![jobs::json(&aged)]).await?;
        writing.rows(writing.statements().drop_words, vec![jobs::json(&arns)]).await?;
        writing.rows(writing.statements().put_words, vec![jobs::json(&words)]).await?;
    }
    Ok(())
}

async fn put_outlook(writing: &mut Writing, place: i64, outlook: &Outlook) -> Result<(), Error> {
    let args = vec![place.into(), outlook.to_json().to_string().into()];
    writing.rows(writing.statements().put_outlook, args).await.map(drop)
}

async fn put_members(writing: &mut Writing, place: i64, as_of: Timestamp, members: Members) -> Result<(), Error> {
    let Members { current, ended, timings } = members;
    let mut before = BTreeMap::new();
    for mut row in writing.rows(writing.statements().memberships, vec![place.into()]).await? {
        let state = row.int(3)?;
        let until = Some(row.int(2)?).filter(|_| state != SEEN);
        before.insert(row.text(0)?, (row.int(1)?, until, state, row.text(4)?));
    }
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut new: BTreeMap<String, Json> = BTreeMap::new();
    let current = current.iter().map(|member| (member, if member.until == as_of { SEEN } else { IN_DOUBT }));
    // One that has ended, and begun again, has a row of each.
    for (member, state) in ended.iter().map(|member| (member, ENDED)).chain(current) {
        used.insert(&member.timing);
        let (since, until) = (member.since.as_millisecond(), member.until.as_millisecond());
        let id = if state == ENDED { format!("{} {until}", member.digest()) } else { member.digest() };
        let whole = member.to_json().to_string();
        let is = (since, Some(until).filter(|_| state != SEEN), state, whole.clone());
        if before.remove(&id).as_ref() != Some(&is) {
            new.insert(id.clone(), json!([place, id, since, until, state, whole]));
        }
    }
    let gone: Vec<&String> = before.keys().filter(|id| !new.contains_key(*id)).collect();
    writing.rows(writing.statements().drop_memberships, vec![place.into(), jobs::json(&gone)]).await?;
    let new: Vec<Json> = new.into_values().collect();
    for some in new.chunks(AT_ONCE) {
        writing.rows(writing.statements().put_memberships, vec![jobs::json(some)]).await?;
    }
    let kept: Vec<Json> = timings
        .iter()
        .filter(|(digest, _)| used.contains(digest.as_str()))
        .map(|(digest, timing)| json!([place, digest, timing.to_json().to_string()]))
        .collect();
    writing.rows(writing.statements().put_timings, vec![jobs::json(&kept)]).await?;
    let used: Vec<&str> = used.into_iter().collect();
    writing.rows(writing.statements().drop_timings, vec![place.into(), jobs::json(&used)]).await?;
    Ok(())
}

/// Equal ones are written alike.
fn digest(whole: &str) -> String {
    format!("{:016x}", jobs::point_number(whole))
}

fn kind_number(kind: ResourceKind) -> i64 {
    match kind {
        ResourceKind::DbInstance => 1,
        ResourceKind::DbCluster => 2,
    }
}

fn verdict_number(verdict: ProtectionVerdict) -> i64 {
    match verdict {
        ProtectionVerdict::Protected => 1,
        ProtectionVerdict::AtRisk => 2,
        ProtectionVerdict::NotProtected => 3,
        ProtectionVerdict::Unknown => 4,
    }
}

fn verdict_of(number: i64) -> Option<ProtectionVerdict> {
    ProtectionVerdict::ALL.into_iter().find(|verdict| verdict_number(*verdict) == number)
}

fn word_columns(word: &ProtectionWord) -> (i64, String) {
    match word {
        ProtectionWord::Plan(word) => (1, word.clone()),
        ProtectionWord::Rule(word) => (2, word.clone()),
        ProtectionWord::Vault(word) => (3, word.clone()),
        ProtectionWord::Finding(word) => (4, word.clone()),
        // A key has no line in it.
        ProtectionWord::Tag(key, value) => (5, format!("{key}\n{value}")),
    }
}
