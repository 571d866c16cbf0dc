//! What a person is shown before it is done, because only the server can tell what comes of it: a compliance lock, which
//! nobody can undo, AWS included, the rules that a plan loses, and what a deletion takes with it.

use std::io::{self, IsTerminal};

use prost_reflect::{DynamicMessage, Value};

use super::{Command, arguments::on, confirm, connection::Connection, failure::Failure, says, show, verb::Asks};
use crate::cli::tell;

/// `LOCK_MODE_COMPLIANCE`.
const COMPLIANCE: i32 = 2;

/// The finding of UpdatePlan that says so.
const RULE_REMOVED: &str = "RULE_REMOVED";

impl Command<'_> {
    /// Lets a compliance lock be confirmed: the request with `confirm_irreversible`, once the user has seen what comes of
    /// it and typed the vault's name. Anything else is as it was.
    pub(super) async fn confirmed(
        &self,
        connection: &Connection,
        mut request: DynamicMessage,
    ) -> Result<DynamicMessage, Failure> {
        if self.verb.asks == Asks::WhenRulesGo {
            self.confirm_rules(connection, &request).await?;
            return Ok(request);
        }
        if self.tries_first() && !says(&request, "validate_only") {
            let mut trial = request.clone();
            trial.set_field_by_name("validate_only", Value::Bool(true));
            self.warn(&self.ask(connection, trial).await?);
            self.confirm()?;
            return Ok(request);
        }
        let mode = request.get_field_by_name("mode").and_then(|mode| mode.as_enum_number());
        let asked_for = self.method.name() == "LockVault" && mode == Some(COMPLIANCE);
        if !asked_for || says(&request, "confirm_irreversible") || says(&request, "validate_only") {
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

    /// Whether somebody is asked only once the server has told what will happen. What it refuses is not asked about.
    pub(super) fn tries_first(&self) -> bool {
        matches!(self.verb.asks, Asks::Always(_))
            && !on(self.matches, "yes")
            && self.method.input().get_field_by_name("validate_only").is_some()
            && io::stdin().is_terminal()
    }

    /// A file can leave out rules that the plan has. Scripts are warned and not asked.
    async fn confirm_rules(&self, connection: &Connection, request: &DynamicMessage) -> Result<(), Failure> {
        if on(self.matches, "yes") || says(request, "validate_only") || !io::stdin().is_terminal() {
            return Ok(());
        }
        let mut trial = request.clone();
        trial.set_field_by_name("validate_only", Value::Bool(true));
        let preview = self.ask(connection, trial).await?;
        if !show::has_finding(&preview, RULE_REMOVED) {
            return Ok(());
        }
        self.warn(&preview);
        confirm::ask("The plan loses rules", "yes", "--yes")
    }
}
