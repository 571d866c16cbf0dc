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
use crate::domain::{DatabaseProtection, ProtectionOrder, ProtectionQuery, ProtectionVerdict, ProtectionWord, Scope};

/// Databases that are looked up one by one where a word leads to them. Fewer in tests, which so try both ways.
const FEW: usize = if cfg!(test) { 3 } else { 500 };

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
        let (ordered, again) = match order {
            ProtectionOrder::Arn => ("d.arn".to_owned(), "m.arn"),
            _ => (format!("{key}, d.arn"), "m.at, m.arn"),
        };
        let join = store.join();
        // The page is found in an index alone, which has whatever is asked for; what is told of a database is long.
        let sql = format!(
            "SELECT m.at, d.arn, p.account, p.region, d.whole, \
             (SELECT max(x.due) FROM missed AS x WHERE x.resource = d.resource AND x.made = d.made AND x.withdrawn IS NULL) \
             FROM (SELECT CAST({key} AS BIGINT) AS at, d.arn FROM protection AS d WHERE {} \
             ORDER BY {ordered} LIMIT {size}) AS m {join} protection AS d ON d.arn = m.arn \
             {join} place AS p ON p.id = d.place ORDER BY {again}",
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

    /// The ARNs of all databases that are meant.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn databases_meant(&self, query: &ProtectionQuery) -> Result<Vec<String>, Error> {
        let store = self.store().await?;
        let Meant { conditions, made: Made { args } } = Meant::of(&store, query).await?;
        let sql = format!("SELECT d.arn FROM protection AS d WHERE {} ORDER BY d.arn", conditions.join(" AND "));
        store.rows(Sql::Made(sql), args).await?.into_iter().map(|mut row| row.text(0)).collect()
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
        let sql = format!(
            "SELECT d.verdict, d.never_ran, count(*) FROM protection AS d WHERE {meant} GROUP BY d.verdict, d.never_ran"
        );
        let mut counts = CoverageCounts::default();
        for row in store.rows(Sql::Made(sql), args.clone()).await? {
            let (verdict, never_ran, count) = (row.int(0)?, row.int(1)?, row.int(2)?);
            counts.matching += count;
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
        // Runs are the cluster's: they are not counted again for its instances.
        let join = store.join();
        let sql = format!(
            "SELECT count(*) FROM missed AS m {join} protection AS d ON d.arn = m.resource AND d.made = m.made \
             WHERE m.due >= {since} AND m.withdrawn IS NULL AND {meant}"
        );
        for row in store.rows(Sql::Made(sql), args.clone()).await? {
            counts.missed_runs += row.int(0)?;
        }
        let sql = format!(
            "SELECT w.word, count(*) FROM protection_word AS w {join} protection AS d ON d.arn = w.arn \
             WHERE w.what = 4 AND {meant} GROUP BY w.word ORDER BY count(*) DESC, w.word LIMIT {MOST_CODES}"
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
        // The sign has both databases keep to the index of the order: that of places leads to all databases that are meant.
        let mut meant =
            Self { conditions: vec![format!("+d.place IN ({})", places(store, scopes).await?)], made: Made::default() };
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
        let mut is_found_by_words = false;
        for group in words {
            // Few are looked up one by one; of many some are soon met on the way through all.
            let mut few = Made::default();
            let sql =
                format!("SELECT w.arn FROM protection_word AS w WHERE {} LIMIT {}", any_of(group, &mut few), FEW + 1);
            let is_few = !is_found_by_words && store.rows(Sql::Made(sql), few.args).await?.len() <= FEW;
            let any = any_of(group, &mut meant.made);
            is_found_by_words |= is_few;
            meant.conditions.push(match is_few {
                true => format!("d.arn IN (SELECT w.arn FROM protection_word AS w WHERE {any})"),
                false => format!("EXISTS (SELECT 1 FROM protection_word AS w WHERE w.arn = d.arn AND ({any}))"),
            });
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

/// That a word `w` is one of these.
fn any_of(words: &[ProtectionWord], made: &mut Made) -> String {
    let mut one_of = |word| {
        let (what, word) = word_columns(word);
        format!("(w.what = {what} AND w.word = {})", made.push(word))
    };
    words.iter().map(&mut one_of).collect::<Vec<_>>().join(" OR ")
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
