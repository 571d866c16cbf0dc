//! AWS in one account and region, resolved once for a request.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Aws, call::Operation, client::Clients, error::Error};
use crate::domain::{AskedScope, Noun, Refusal, RefusalKind, Scope};

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");

/// AWS within a scope: every operation is one of its methods, one file a noun. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scoped {
    /// For what is to be done in a second scope, and the configuration.
    pub(super) aws: Aws,
    pub(super) clients: Arc<Clients>,
    /// When its caller's patience ends; absent: nobody has said.
    deadline: Option<Instant>,
}

impl Aws {
    /// The scope that a request means, blanks filled with the defaults, if the configuration lets requests go there and
    /// there is a way in.
    pub async fn within(&self, asked: &AskedScope) -> Result<Scoped, Error> {
        let scope = self.resolve(asked).await?;
        Ok(Scoped { aws: self.clone(), clients: self.clients(&scope).await?, deadline: None })
    }

    async fn resolve(&self, asked: &AskedScope) -> Result<Scope, Error> {
        let refused =
            |name: &str, message| Err(Refusal::of(RefusalKind::ScopeNotAllowed, Noun::Account, name, message).into());
        let config = self.config();
        let region = asked.region.as_ref().or(self.default_region()).ok_or_else(Refusal::no_region)?;
        if !config.allowed_regions.is_empty() && !config.allowed_regions.contains(region) {
            let message = format!("region {region} is not among the server's aws.allowed_regions");
            return refused(region.as_str(), message);
        }
        let home = self.home(region).await?;
        let account = asked.account.as_ref().unwrap_or(home);
        let allowed =
            account == home || config.allowed_accounts.is_empty() || config.allowed_accounts.contains(account);
        if !allowed {
            let message = format!("account {account} is not among the server's aws.allowed_accounts");
            return refused(account.as_str(), message);
        }
        Ok(Scope { account: account.clone(), region: region.clone() })
    }
}

impl Scoped {
    /// The account and region.
    pub fn scope(&self) -> &Scope {
        &self.clients.scope
    }

    /// The same, for a call whose caller waits until then.
    #[must_use]
    pub fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// When a change that goes in steps says how far it came: at three quarters of what was left of its time when it began,
    /// so that the steps under way can end.
    pub(super) fn stop_by(&self) -> Option<Instant> {
        self.deadline.map(|deadline| {
            let now = Instant::now();
            now + deadline.saturating_duration_since(now) * 3 / 4
        })
    }

    /// [`Aws::now`].
    pub fn now(&self) -> Timestamp {
        self.aws.now()
    }

    /// [`Self::now`] when nothing else asks AWS: by a call that needs no permission.
    pub async fn ask_time(&self) -> Result<Timestamp, Error> {
        self.call(GET_CALLER_IDENTITY, self.clients.sts.get_caller_identity().send()).await?;
        Ok(self.now())
    }
}
