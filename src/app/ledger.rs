//! The ledger that a configuration means, beside a server or without one.

use jiff::Timestamp;

pub use crate::ledger::{Checked, Error, Leader, Rebuilt};
use crate::{config::Config, ledger::Ledger, rpc};

/// Looks at all of it, whoever has it open.
///
/// # Errors
/// When it does not answer, or is none of this version.
pub async fn check(config: &Config) -> Result<Checked, Error> {
    let ledger = Ledger::to_look_at(super::kept(&config.ledger));
    let checked = ledger.check().await;
    ledger.close().await;
    checked
}

/// Tells everything in it, as lines of JSON without their ends, until `to` wants no more.
///
/// # Errors
/// When it does not answer or is none of this version, and what `to` fails with.
pub async fn export<E: From<Error>>(
    config: &Config,
    mut to: impl FnMut(String) -> Result<(), E> + Send,
) -> Result<(), E> {
    let ledger = Ledger::to_look_at(super::kept(&config.ledger));
    let exported = ledger.export(|thing| to(rpc::exported_line(thing).to_string())).await;
    ledger.close().await;
    exported
}

/// A ledger that is to be made anew.
#[derive(Debug)]
pub struct Rebuilding(Ledger);

impl Rebuilding {
    /// Of that configuration.
    pub fn of(config: &Config) -> Self {
        Self(Ledger::to_rebuild(super::kept(&config.ledger)))
    }

    /// Who leads on it, if anybody does.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn leader(&self) -> Result<Option<Leader>, Error> {
        self.0.leader().await
    }

    /// What is wrong with the database itself, which nothing that is written into it could mend.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn damage(&self) -> Result<Vec<String>, Error> {
        self.0.damage().await
    }

    /// What would be kept, and what lost.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn prospect(&self) -> Result<Rebuilt, Error> {
        self.0.rebuilding(Timestamp::now()).await
    }

    /// Makes it anew.
    ///
    /// # Errors
    /// When it does not answer, or a server leads on it by now: then it is as it was.
    pub async fn rebuild(&self) -> Result<Rebuilt, Error> {
        let rebuilt = self.0.rebuild(Timestamp::now()).await;
        self.0.close().await;
        rebuilt
    }
}
