//! What access policies are decided on: the tags of things, whose they are, and what they are about, as they were seen last.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{Error, Ledger, jobs, statements::Statements, store::Row};
use crate::domain::{Scope, VaultPicture};

/// A vault or plan with its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// ARN.
    pub arn: String,
    /// What people call it.
    pub name: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A database as it was looked at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDatabase {
    /// Whose it is, by the tag that says so; blank where none does.
    pub owner: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Ledger {
    /// Keeps the vaults and plans that there are in an account and region, and no others.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn keep_tagged(&self, scope: &Scope, all: &[Tagged]) -> Result<(), Error> {
        let (mut writing, place) = self.write_of(scope).await?;
        writing.rows(writing.statements().drop_tagged, vec![place.into()]).await?;
        let rows: Vec<Json> = all.iter().map(|it| row(place, it)).collect();
        writing.rows(writing.statements().put_tagged, vec![jobs::json(&rows)]).await?;
        writing.commit().await
    }

    /// Notes one that was made or changed here.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn note_tagged(&self, scope: &Scope, one: &Tagged) -> Result<(), Error> {
        let (mut writing, place) = self.write_of(scope).await?;
        let args = vec![jobs::json(&[row(place, one)])];
        writing.rows(writing.statements().put_tagged, args).await?;
        writing.commit().await
    }

    /// Those of these ARNs or names that are known in an account and region.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn tagged(&self, scope: &Scope, named: &BTreeSet<String>) -> Result<Vec<Tagged>, Error> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let store = self.store().await?;
        let args = vec![
            jobs::json(&named.iter().collect::<Vec<_>>()),
            scope.account.as_str().into(),
            scope.region.as_str().into(),
        ];
        let rows = store.rows(store.statements().tagged, args).await?;
        rows.into_iter()
            .map(|mut row| Ok(Tagged { arn: row.text(0)?, name: row.text(1)?, tags: tags(&row.text(2)?)? }))
            .collect()
    }

    /// Those of these databases that are known, by ARN.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn databases(&self, arns: &BTreeSet<String>) -> Result<BTreeMap<String, KnownDatabase>, Error> {
        let rows = self.rows_of(|statements| statements.known_databases, arns).await?;
        let known = |mut row: Row| {
            let whole: Json = serde_json::from_str(&row.text(2)?).unwrap_or_default();
            let tags = whole.get("tags").map(|tags| serde_json::from_value(tags.clone()));
            let tags = tags.transpose().map_err(|_| strange())?.unwrap_or_default();
            Ok((row.text(0)?, KnownDatabase { owner: row.text(1)?, tags }))
        };
        rows.into_iter().map(known).collect()
    }

    /// Whose these resources are, or were when they were seen last, of those that are somebody's.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn owners_of(&self, resources: &BTreeSet<String>) -> Result<BTreeMap<String, String>, Error> {
        let rows = self.rows_of(|statements| statements.owners, resources).await?;
        rows.into_iter().map(|mut row| Ok((row.text(0)?, row.text(2)?))).collect()
    }

    /// Whether each of these vaults is locked, of those of which that is known; by ARN.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn locked(&self, vaults: &BTreeSet<String>) -> Result<BTreeMap<String, bool>, Error> {
        let rows = self.rows_of(|statements| statements.vault_pictures, vaults).await?;
        let mut locked = BTreeMap::new();
        for mut row in rows {
            if let Some(lock) = VaultPicture::parse(&row.text(1)?).lock {
                locked.insert(row.text(0)?, lock.is_some());
            }
        }
        Ok(locked)
    }
}

impl Ledger {
    /// What a statement finds of these; of none, nothing.
    async fn rows_of(
        &self,
        statement: impl FnOnce(&Statements) -> &'static str + Send,
        of: &BTreeSet<String>,
    ) -> Result<Vec<Row>, Error> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let store = self.store().await?;
        store.rows(statement(store.statements()), vec![jobs::json(&of.iter().collect::<Vec<_>>())]).await
    }
}

fn row(place: i64, it: &Tagged) -> Json {
    json!([place, it.arn, it.name, json!(it.tags).to_string()])
}

fn tags(text: &str) -> Result<BTreeMap<String, String>, Error> {
    serde_json::from_str(text).map_err(|_| strange())
}

fn strange() -> Error {
    Error::unreadable("tags are not written as this version writes them")
}
