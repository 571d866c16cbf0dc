//! What nobody can undo, AWS included: shown before it is done, and confirmed by typing what it is about.

use std::io::{self, IsTerminal};

use prost_reflect::{DynamicMessage, Value};

use super::{Command, confirm, connection::Connection, failure::Failure, show};
use crate::cli::tell;

/// `LOCK_MODE_COMPLIANCE`.
const COMPLIANCE: i32 = 2;

impl Command<'_> {
    /// Lets a compliance lock be confirmed: the request with `confirm_irreversible`, once the user has seen what comes of
    /// it and typed the vault's name. Anything else is as it was.
    pub(super) async fn confirmed(
        &self,
        connection: &Connection,
        mut request: DynamicMessage,
    ) -> Result<DynamicMessage, Failure> {
        let is = |field: &str| request.get_field_by_name(field).is_some_and(|value| value.as_bool() == Some(true));
        let mode = request.get_field_by_name("mode").and_then(|mode| mode.as_enum_number());
        let asked_for = self.method.name() == "LockVault" && mode == Some(COMPLIANCE);
        if !asked_for || is("confirm_irreversible") || is("validate_only") {
            return Ok(request);
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::usage(
                "vault lock: after its date nobody can undo a compliance lock, AWS included. See what comes of it with \
                 --validate-only, and say --confirm-irreversible to do it",
            ));
        }
        let mut trial = request.clone();
        trial.set_field_by_name("validate_only", Value::Bool(true));
        let preview = self.ask(connection, trial).await?;
        tell(show::page(&preview, console::colors_enabled_stderr()));
        self.warn(&preview);
        let vault = request.get_field_by_name("vault").and_then(|vault| vault.as_str().map(str::to_owned));
        confirm::ask(
            "After the date above nobody can undo this, AWS included",
            &vault.unwrap_or_default(),
            "--confirm-irreversible",
        )?;
        request.set_field_by_name("confirm_irreversible", Value::Bool(true));
        Ok(request)
    }
}
