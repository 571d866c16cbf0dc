//! What the organization lets AWS Backup do across its accounts.

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    time,
};
use crate::domain::{Asked, Finding, GlobalSettings, GlobalSettingsUpdate, Invalid, Noun, check_etag};

const DESCRIBE: Operation = Operation::read("backup", "DescribeGlobalSettings");
const UPDATE: Operation = Operation::write("backup", "UpdateGlobalSettings");

impl Scoped {
    /// The organization's settings.
    pub async fn get_global_settings(&self) -> Result<GlobalSettings, Error> {
        let sent = self.clients.backup.describe_global_settings();
        let answer = self.read(DESCRIBE, ask!(sent)).await.map_err(|error| self.of_organization(error))?;
        let words = answer.global_settings.unwrap_or_default();
        Ok(GlobalSettings::told(self.scope().clone(), words, time(answer.last_update_time.as_ref())))
    }

    /// Changes the settings that the update names; AWS leaves the others alone `[I]`. Answers all of them as they are
    /// then, and what will surprise; or those that nobody knows, which only AWS can tell. What is there already is not
    /// written again.
    pub async fn update_global_settings(
        &self,
        asked: &Asked<GlobalSettingsUpdate>,
    ) -> Result<Result<(GlobalSettings, Vec<Finding>), Invalid>, Error> {
        let update = &asked.what;
        let current = self.get_global_settings().await?;
        let then = match update.over(&current) {
            Ok(then) => then,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let findings = update.findings(&current);
        if then == current {
            return Ok(Ok((current, findings)));
        }
        let account = self.scope().account.as_str();
        let what = format!("what the organization of account {account} lets AWS Backup do");
        check_etag(update.etag.as_deref(), &current.etag(), &what, (Noun::Account, account))?;
        if asked.is_check() {
            return Ok(Ok((then, findings)));
        }
        let named = update.settings.iter().map(|(name, on)| (name.clone(), on.to_string())).collect();
        let sent = self.clients.backup.update_global_settings().set_global_settings(Some(named)).send();
        self.call(UPDATE, sent).await.map_err(|error| self.of_organization(error))?;
        let now = self.get_global_settings().await.map_err(|error| error.after(UPDATE.name))?;
        Ok(Ok((now, findings)))
    }

    /// An account that is in no organization, or does not manage it, is InvalidRequestException `[M]`, which says so in
    /// few words.
    fn of_organization(&self, error: Failure) -> Failure {
        let error = error.about(Noun::Account, &self.scope().account);
        if error.kind != FailureKind::State {
            return error;
        }
        let message = format!(
            "{}; global settings are an organization's: call it in the organization's management account",
            error.message.trim_end_matches('.')
        );
        Failure { message, ..error }
    }
}
