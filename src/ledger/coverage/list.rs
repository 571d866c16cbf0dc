//! A page of databases in the order of their protection, and how many there are of each sort.

use std::fmt;

use jiff::Timestamp;

use super::{
    super::{
        Error, Ledger,
        jobs::{self, Made, scope_of},
        store::{Sql, Store, Value},
    },
    kind_number, verdict_number, word_columns,
};
use crate::domain::{DatabaseProtection, ProtectionOrder, ProtectionQuery, ProtectionVerdict, Scope};

/// Most codes of findings that are counted apart.
const MOST_CODES: usize = 100;

/// Where a page begins: after the database that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionPosition {
    /// What the order goes by.
    key: i64,
    arn: String,
}

impl ProtectionPosition {
    /// Out of its text.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, arn) = text.split_once(' ')?;
        Some(Self { key: key.parse().ok()?, arn: arn.to_owned() })
    }
}

impl fmt::Display for ProtectionPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.arn)
    }
}

/// A page of databases.
#[derive(Debug, Clone, PartialEq)]
pub struct ProtectionPage {
    /// The databases, in the order asked for.
    pub databases: Vec<DatabaseProtection>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<ProtectionPosition>,
}

/// How many databases there are of each sort.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoverageCounts {
    /// Those that are meant.
    pub matching: i64,
    /// Some rule covers them, and nothing is amiss.
    pub protected: i64,
    /// Some rule covers them, and something is.
    pub at_risk: i64,
    /// No rule covers them.
    pub not_protected: i64,
    /// Nobody knows.
    pub unknown: i64,
    /// Some rule covers them, and none ever made a job of them.
    pub never_ran: i64,
    /// The runs of them that were missed.
    pub missed_runs: i64,
    /// How many have a finding of that code, the most frequent first.
    pub findings: Vec<(String, i64)>,
}

impl Ledger {
    /// A page of the databases that are meant. One that keeps its place in the order from page to page is told once, whatever is
    /// judged meanwhile.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn list_protection(
        &self,
        query: &ProtectionQuery,
        order: ProtectionOrder,
        size: usize,
        after: Option<ProtectionPosition>,
    ) -> Result<ProtectionPage, Error> {
        let store = self.store().await?;
        let mut meant = Meant::of(&store, query).await?;
        let key = match order {
            ProtectionOrder::WorstFirst => "d.worst",
            ProtectionOrder::RpoRatio => "d.late",
            ProtectionOrder::LastSuccess => "d.success",
            ProtectionOrder::NextRun => "d.next",
            ProtectionOrder::Arn => "0",
        };
        if let Some(ProtectionPosition { key: at, arn }) = after {
            let arn = meant.made.push(arn);
            meant.conditions.push(match order {
                ProtectionOrder::Arn => format!("d.arn > {arn}"),
                _ => format!("({key}, d.arn) > ({at}, {arn})"),
            });
        }
        let ordered = if order == ProtectionOrder::Arn { "d.arn".to_owned() } else { format!("{key}, d.arn") };
        let sql = format!(
            "SELECT CAST({key} AS BIGINT), d.arn, p.account, p.region, d.whole, \
             (SELECT max(m.due) FROM missed AS m WHERE m.resource = d.resource AND m.made = d.made AND m.withdrawn IS NULL) \
             FROM protection AS d JOIN place AS p ON p.id = d.place WHERE {} ORDER BY {ordered} LIMIT {size}",
            meant.conditions.join(" AND "),
        );
        let mut rows = store.rows(Sql::Made(sql), meant.made.args).await?;
        let next = match rows.last_mut().map(|row| Ok::<_, Error>((row.int(0)?, row.text(1)?))).transpose()? {
            Some((key, arn)) if rows.len() >= size => Some(ProtectionPosition { key, arn }),
            Some(_) | None => None,
        };
        let mut databases = Vec::new();
        for mut row in rows {
            let scope = scope_of(&row.text(2)?, &row.text(3)?)?;
            let missed = row.some_time(5)?;
            let kept = serde_json::from_str(&row.text(4)?).ok();
            let kept = kept.and_then(|kept| DatabaseProtection::from_json(&kept, scope, missed));
            databases
                .push(kept.ok_or_else(|| Error::unreadable("a database is not written as this version writes one"))?);
        }
        Ok(ProtectionPage { databases, next })
    }

    /// How many of the databases that are meant there are of each sort; and of their missed runs those that were due from then on.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn count_protection(
        &self,
        query: &ProtectionQuery,
        missed_since: Timestamp,
    ) -> Result<CoverageCounts, Error> {
        let store = self.store().await?;
        let Meant { conditions, made: Made { args } } = Meant::of(&store, query).await?;
        let meant = conditions.join(" AND ");
        let since = missed_since.as_millisecond();
        // Runs are the cluster's: they are not counted again for its instances.
        let sql = format!(
            "SELECT d.verdict, d.never_ran, count(*), CAST(coalesce(sum((SELECT count(*) FROM missed AS m \
             WHERE m.resource = d.arn AND m.made = d.made AND m.due >= {since} AND m.withdrawn IS NULL)), 0) AS BIGINT) \
             FROM protection AS d WHERE {meant} GROUP BY d.verdict, d.never_ran"
        );
        let mut counts = CoverageCounts::default();
        for row in store.rows(Sql::Made(sql), args.clone()).await? {
            let (verdict, never_ran, count, missed) = (row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?);
            counts.matching += count;
            counts.missed_runs += missed;
            if never_ran == 1 {
                counts.never_ran += count;
            }
            for (of, counted) in [
                (ProtectionVerdict::Protected, &mut counts.protected),
                (ProtectionVerdict::AtRisk, &mut counts.at_risk),
                (ProtectionVerdict::NotProtected, &mut counts.not_protected),
                (ProtectionVerdict::Unknown, &mut counts.unknown),
            ] {
                if verdict_number(of) == verdict {
                    *counted += count;
                }
            }
        }
        let sql = format!(
            "SELECT w.word, count(*) FROM protection AS d JOIN protection_word AS w ON w.arn = d.arn AND w.what = 4 \
             WHERE {meant} GROUP BY w.word ORDER BY count(*) DESC, w.word LIMIT {MOST_CODES}"
        );
        for mut row in store.rows(Sql::Made(sql), args).await? {
            counts.findings.push((row.text(0)?, row.int(1)?));
        }
        Ok(counts)
    }
}

/// What must be true of the databases `d` that are meant.
struct Meant {
    conditions: Vec<String>,
    made: Made,
}

impl Meant {
    async fn of(store: &Store, query: &ProtectionQuery) -> Result<Self, Error> {
        let ProtectionQuery {
            scopes,
            verdicts,
            kinds,
            engine,
            owner,
            words,
            never_ran,
            least_rpo_thousandths,
            least_failures,
            resources,
        } = query;
        let mut meant =
            Self { conditions: vec![format!("d.place IN ({})", places(store, scopes).await?)], made: Made::default() };
        let numbers =
            |numbers: &mut dyn Iterator<Item = i64>| numbers.map(|it| it.to_string()).collect::<Vec<_>>().join(", ");
        if !verdicts.is_empty() {
            let verdicts = numbers(&mut verdicts.iter().map(|verdict| verdict_number(*verdict)));
            meant.conditions.push(format!("d.verdict IN ({verdicts})"));
        }
        if !kinds.is_empty() {
            let kinds = numbers(&mut kinds.iter().map(|kind| kind_number(*kind)));
            meant.conditions.push(format!("d.kind IN ({kinds})"));
        }
        for (column, wanted) in [("d.engine", engine), ("d.owner", owner)] {
            if let Some(wanted) = wanted {
                let wanted = meant.made.push(wanted.as_str());
                meant.conditions.push(format!("{column} = {wanted}"));
            }
        }
        for group in words {
            let mut any = Vec::new();
            for word in group {
                let (what, word) = word_columns(word);
                let word = meant.made.push(word);
                any.push(format!("(w.what = {what} AND w.word = {word})"));
            }
            let any = any.join(" OR ");
            meant
                .conditions
                .push(format!("EXISTS (SELECT 1 FROM protection_word AS w WHERE w.arn = d.arn AND ({any}))"));
        }
        if *never_ran {
            meant.conditions.push("d.never_ran = 1".to_owned());
        }
        if let Some(least) = least_rpo_thousandths {
            meant.conditions.push(format!("d.ratio >= {least}"));
        }
        if *least_failures > 0 {
            meant.conditions.push(format!("d.failures >= {least_failures}"));
        }
        if let Some(arns) = resources {
            let Value::Text(arns) = jobs::json(arns) else { return Err(Error::unreadable("ARNs are texts")) };
            let arns = meant.made.push(arns);
            meant.conditions.push(store.one_of_texts("d.arn", &arns));
        }
        Ok(meant)
    }
}

/// The numbers of the places of these accounts and regions, as SQL; of none, of all.
async fn places(store: &Store, scopes: &[Scope]) -> Result<String, Error> {
    let mut ids = Vec::new();
    for mut row in store.rows(store.statements().places, Vec::new()).await? {
        let scope = scope_of(&row.text(1)?, &row.text(2)?)?;
        if scopes.is_empty() || scopes.contains(&scope) {
            ids.push(row.int(0)?.to_string());
        }
    }
    // There is no place of that number.
    Ok(if ids.is_empty() { "0".to_owned() } else { ids.join(", ") })
}
