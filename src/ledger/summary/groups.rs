//! The facets of groups, in the order of the groups.

use super::{Asked, GroupPosition, MOST_FACETS, MOST_TRIED, SummaryError};
use crate::{
    domain::{JobDimension, JobSubject},
    ledger::{
        Error,
        jobs::{Made, subject, subject_conditions},
        store::Sql,
    },
};

/// Whether jobs about that, of that owner, are to be counted.
pub type Seen<'s> = &'s (dyn Fn(&JobSubject, &str) -> bool + Sync);

/// What tells who sees a facet `s` in a place `p`.
const ABOUT: &str =
    ", p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, s.owner";

/// Facets of a group, as many as are likely.
const LIKELY: usize = 8;

/// Facets that have the same values, and the places that they are in.
pub(super) struct Group {
    pub(super) values: Vec<String>,
    pub(super) facets: Vec<i64>,
    pub(super) places: Vec<i64>,
}

/// Some groups.
pub(super) struct Chunk {
    pub(super) groups: Vec<Group>,
    /// There are more of them.
    pub(super) more: bool,
}

impl Asked<'_> {
    /// Groups, about as many as are wanted, from those on of which not everything is told.
    pub(super) async fn chunk(
        &self,
        at: Option<&GroupPosition>,
        bound: Option<&str>,
        wanted: usize,
    ) -> Result<Chunk, SummaryError> {
        let all_in_one = self.of_facets.is_empty();
        if all_in_one && at.is_some_and(GroupPosition::ends) {
            return Ok(Chunk { groups: Vec::new(), more: false });
        }
        let mut limit = if all_in_one { MOST_FACETS } else { wanted.saturating_mul(LIKELY).min(MOST_FACETS) };
        loop {
            let (mut groups, count) = self.groups(at, bound, limit).await?;
            let more = count > limit;
            if !more || groups.len() > 1 {
                if more {
                    // Of the last one there may be more.
                    groups.pop();
                }
                return Ok(Chunk { groups, more });
            }
            if limit >= MOST_FACETS {
                return Err(SummaryError::TooBroad(count));
            }
            limit = (limit * 8).min(MOST_FACETS);
        }
    }

    /// The groups of so many facets and one more, and how many facets these are.
    async fn groups(
        &self,
        at: Option<&GroupPosition>,
        bound: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Group>, usize), Error> {
        let Self { store, query, owner, seen, of_facets, sort, .. } = self;
        let mut made = Made::default();
        let mut conditions = vec![format!("s.sort = {}", sort.number())];
        conditions.extend(subject_conditions(store, query, &mut made));
        conditions.extend(owner.map(|owner| format!("s.owner = {}", made.push(owner))));
        let columns: Vec<String> = of_facets.iter().map(|dimension| self.column(*dimension)).collect();
        if let Some(at) = at
            && !at.values.is_empty()
        {
            let told = of_facets.iter().zip(&at.values).map(|(dimension, value)| match dimension {
                JobDimension::Kind => made.push(value.parse::<i64>().unwrap_or_default()),
                _ => made.push(value.as_str()),
            });
            let told: Vec<String> = told.collect();
            let after = if at.ends() { ">" } else { ">=" };
            let columns = columns.iter().take(told.len()).map(String::as_str).collect::<Vec<_>>().join(", ");
            conditions.push(format!("({columns}) {after} ({})", told.join(", ")));
        }
        if let Some(bound) = bound {
            conditions.push(format!("s.resource <= {}", made.push(bound)));
        }
        let (conditions, most) = (conditions.join(" AND "), limit + 1);
        let ordered = if columns.is_empty() { String::new() } else { format!("ORDER BY {}", columns.join(", ")) };
        let selected: String = columns.iter().map(|column| format!(", {column}")).collect();
        let about = if seen.is_some() { ABOUT } else { "" };
        let join = store.join();
        let sql = format!(
            "SELECT s.id, s.place{selected}{about} FROM facet AS s {join} place AS p ON p.id = s.place WHERE {conditions} {ordered} \
             LIMIT {most}"
        );
        let rows = store.rows(Sql::Made(sql), made.args).await?;
        let count = rows.len();
        let mut groups: Vec<Group> = Vec::new();
        for mut row in rows {
            let mut values = Vec::new();
            for column in (2..).take(of_facets.len()) {
                values.push(match row.some_int(column) {
                    Some(number) => number.to_string(),
                    None => row.text(column)?,
                });
            }
            let (facet, place) = (row.int(0)?, row.int(1)?);
            if groups.last().is_none_or(|group| group.values != values) {
                groups.push(Group { values, facets: Vec::new(), places: Vec::new() });
            }
            let Some(group) = groups.last_mut() else { continue };
            // A group of which nothing is seen stays, so that the page goes on after it; nothing is counted of it.
            if let Some(seen) = seen {
                let first = 2 + of_facets.len();
                let subject = subject(&mut row, first)?;
                if !seen(&subject, &row.text(first + 9)?) {
                    continue;
                }
            }
            group.facets.push(facet);
            if !group.places.contains(&place) {
                group.places.push(place);
            }
        }
        Ok((groups, count))
    }

    /// Of groups by resource, the last resource that a page looks for: a filter that few of them pass is not to be tried on all there
    /// are.
    pub(super) async fn bound(&self, at: Option<&GroupPosition>) -> Result<Option<String>, Error> {
        if self.of_facets.first() != Some(&JobDimension::Resource) || !self.query.resources.is_empty() {
            return Ok(None);
        }
        let from = at.and_then(|at| at.values.first()).map_or("", String::as_str);
        let args = vec![self.sort.number().into(), from.into(), MOST_TRIED.into()];
        let mut rows = self.store.rows(self.store.statements().so_many_resources, args).await?;
        rows.first_mut().map(|row| row.text(0)).transpose()
    }

    /// The value of a dimension, of a facet `s` in a place `p`.
    fn column(&self, dimension: JobDimension) -> String {
        match dimension {
            JobDimension::Resource => "s.resource".to_owned(),
            JobDimension::Vault => "s.vault".to_owned(),
            JobDimension::Plan => "s.plan".to_owned(),
            JobDimension::Rule => "s.rule".to_owned(),
            JobDimension::ResourceType => "s.type".to_owned(),
            JobDimension::Account => self.store.by_bytes("p.account"),
            JobDimension::Region => self.store.by_bytes("p.region"),
            JobDimension::Owner => "s.owner".to_owned(),
            // A cell has day and state itself.
            JobDimension::Kind | JobDimension::Day | JobDimension::State => "s.kind".to_owned(),
        }
    }
}
