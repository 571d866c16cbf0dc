//! Where the two databases write the parts of a page's statement differently.

use super::super::{postgres, sqlite, store::Store};
use crate::domain::JobOrder;

impl Store {
    /// See [`sqlite::one_of_texts`].
    pub(in crate::ledger) fn one_of_texts(&self, column: &str, parameter: &str) -> String {
        match self {
            Self::Sqlite(_) => sqlite::one_of_texts(column, parameter),
            Self::Postgres(_) => postgres::one_of_texts(column, parameter),
        }
    }

    /// See [`sqlite::contains`].
    pub(super) fn contains(&self, column: &str, parameter: &str) -> String {
        match self {
            Self::Sqlite(_) => sqlite::contains(column, parameter),
            Self::Postgres(_) => postgres::contains(column, parameter),
        }
    }

    /// See [`sqlite::merged`].
    pub(super) fn merged(
        &self,
        lanes: &str,
        lane: &str,
        from: &str,
        (count, most): (usize, usize),
        order: JobOrder,
    ) -> String {
        match self {
            Self::Sqlite(_) => sqlite::merged(lanes, lane, from, most, order),
            Self::Postgres(_) => postgres::merged(lanes, &format!("{lane} AND {from}"), (count, most), order),
        }
    }

    /// How a statement joins what it walks with what belongs to each row. SQLite must not begin at the other end.
    pub(in crate::ledger) fn join(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "CROSS JOIN",
            Self::Postgres(_) => "JOIN",
        }
    }

    /// What a statement must say so that rows that are walked in an order are told in it. SQLite does not know that a
    /// subquery has an order, and would sort all that may be looked at; without an order it keeps the one there is.
    pub(super) fn ordered(&self, order: &str) -> String {
        match self {
            Self::Sqlite(_) => String::new(),
            Self::Postgres(_) => format!("ORDER BY {order}"),
        }
    }

    /// A column of text in the order of its bytes, whatever the database was made for.
    pub(in crate::ledger) fn by_bytes(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => column.to_owned(),
            Self::Postgres(_) => format!("{column} COLLATE \"C\""),
        }
    }

    /// How a statement finds what each row that it walks names by its id, one after the other. PostgreSQL would take in all there
    /// is first, and all that may be walked.
    pub(super) fn one_by_one(&self, table: &str, id: &str) -> String {
        let (name, of) = table.split_once(" AS ").unwrap_or((table, table));
        match self {
            Self::Sqlite(_) => format!("CROSS JOIN {name} AS {of} ON {of}.id = {id}"),
            Self::Postgres(_) => format!("CROSS JOIN LATERAL (SELECT * FROM {name} WHERE id = {id} OFFSET 0) AS {of}"),
        }
    }
}
