//! AWS in one account and region, resolved once for a request.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Aws,
    budget::{Asker, Class},
    call::{Operation, ask},
    client::Clients,
    error::Error,
    flights::Freshness,
    patience::{Changed, Changes, Detection, Patience, Trail},
};
use crate::domain::{
    AccountId, Asked, AskedScope, Faults, Invalid, Noun, Place, Refusal, RefusalKind, RegionName, Scope,
};

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");

/// AWS within a scope: every operation is one of its methods, one file a noun. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scoped {
    /// For what is to be done in a second scope, and the configuration.
    pub(super) aws: Aws,
    pub(super) clients: Arc<Clients>,
    /// How long its caller waits.
    pub(super) patience: Patience,
    /// How old what it reads may be.
    pub(super) freshness: Freshness,
    /// Whether anybody waits for it.
    pub(super) class: Class,
}

impl Aws {
    /// The scope that a request means, and every place that its fields name judged by it: each is of a region that there is,
    /// where the configuration lets requests go or send something, and where it has to be.
    pub async fn within_all(&self, asked: AskedScope, places: Vec<Place>) -> Result<Scoped, Error> {
        self.know_regions(&places)?;
        let scope = self.resolve(&asked).await?;
        let home = self.home(&scope.region).await?;
        places.iter().filter(|place| place.bond.is_bound()).try_for_each(|place| self.may_reach(place, home))?;
        let mut faults = Faults::default();
        for place in &places {
            if let Some(fault) = place.fault(&(&scope).into()) {
                faults.add(&place.field, fault);
            }
        }
        faults.conclude(|| Ok(()))?;
        self.enter(scope).await
    }

    /// The scope that a request means, blanks filled with the defaults, if the configuration lets requests go there and
    /// there is a way in.
    pub async fn within(&self, asked: &AskedScope) -> Result<Scoped, Error> {
        self.enter(self.resolve(asked).await?).await
    }

    async fn enter(&self, scope: Scope) -> Result<Scoped, Error> {
        let (patience, freshness, class) = (Patience::default(), Freshness::InFlight, Class::Interactive);
        Ok(Scoped { aws: self.clone(), clients: self.clients(&scope).await?, patience, freshness, class })
    }

    pub(super) async fn resolve(&self, asked: &AskedScope) -> Result<Scope, Error> {
        let region = asked.region.as_ref().or(self.default_region()).ok_or_else(Refusal::no_region)?;
        self.may_reach_region(region)?;
        let home = self.home(region).await?;
        let account = asked.account.as_ref().unwrap_or(home);
        self.may_reach_account(account, home)?;
        Ok(Scope { account: account.clone(), region: region.clone() })
    }

    /// Whether the configuration lets a request have to do with another place that a field of it names.
    fn may_reach(&self, place: &Place, home: &AccountId) -> Result<(), Refusal> {
        let in_field = |refusal: Refusal| {
            let message = format!("{} names another place, and {}", place.field, refusal.message);
            Refusal { message, ..refusal }
        };
        if let Some(region) = &place.scope.region {
            self.may_reach_region(region).map_err(in_field)?;
        }
        place.scope.account.as_ref().map_or(Ok(()), |account| self.may_reach_account(account, home)).map_err(in_field)
    }

    fn may_reach_region(&self, region: &RegionName) -> Result<(), Refusal> {
        let allowed = &self.config().allowed_regions;
        if allowed.is_empty() || allowed.contains(region) {
            return Ok(());
        }
        let message = format!("region {region} is not among the server's aws.allowed_regions");
        Err(Refusal::of(RefusalKind::ScopeNotAllowed, Noun::Account, region.as_str(), message))
    }

    /// The server's own account is always allowed.
    fn may_reach_account(&self, account: &AccountId, home: &AccountId) -> Result<(), Refusal> {
        let allowed = &self.config().allowed_accounts;
        if account == home || allowed.is_empty() || allowed.contains(account) {
            return Ok(());
        }
        let message = format!("account {account} is not among the server's aws.allowed_accounts");
        Err(Refusal::of(RefusalKind::ScopeNotAllowed, Noun::Account, account.as_str(), message))
    }

    /// Whether each region is one that AWS is known to have, or that the configuration names: a slip in one would be answered
    /// with empty lists, or not at all.
    fn know_regions(&self, places: &[Place]) -> Result<(), Invalid> {
        let configured =
            |region| self.default_region() == Some(region) || self.config().allowed_regions.contains(region);
        let mut faults = Faults::default();
        for place in places {
            if let Some(region) = place.scope.region.as_ref().filter(|region| !region.is_known() && !configured(region))
            {
                faults.add(&place.field, region.unknown());
            }
        }
        faults.conclude(|| Ok(()))
    }
}

impl Scoped {
    /// The account and region.
    pub fn scope(&self) -> &Scope {
        &self.clients.scope
    }

    /// The same, for a change whose caller waits until then: what it reads was so after it was asked for.
    #[must_use]
    pub fn for_change(self, deadline: Instant) -> Self {
        Self { patience: Patience::until(deadline), freshness: Freshness::Fresh, ..self }
    }

    /// The same, for a read whose caller waits until then.
    #[must_use]
    pub fn for_read(self, deadline: Instant) -> Self {
        Self { patience: Patience::until(deadline), ..self }
    }

    /// The same, for what is only told, of plans and selections.
    pub(super) fn at_a_glance(&self) -> Self {
        Self { freshness: Freshness::Recent, ..self.clone() }
    }

    /// The same, for what a change tells of plans and selections and does not decide on: in a dry run at a glance.
    pub(super) fn besides<T>(&self, asked: &Asked<T>) -> Self {
        if asked.is_check() { self.at_a_glance() } else { self.clone() }
    }

    /// Another scope, as far as the request may go there, on behalf of the same call.
    pub(super) async fn elsewhere(&self, scope: &AskedScope) -> Result<Self, Error> {
        let clients = self.aws.within(scope).await?.clients;
        Ok(Self { clients, ..self.clone() })
    }

    /// Who asks for what is sent now, and until when they wait.
    pub(super) fn asker(&self) -> Asker {
        Asker::of(self.class, self.patience.bound())
    }

    /// What was asked of AWS for this call so far.
    pub fn trail(&self) -> &Trail {
        self.patience.trail()
    }

    /// What this call changes, as far as it came.
    pub fn changes(&self) -> &Changes {
        self.patience.changes()
    }

    /// Notes a value that is about to be changed.
    pub(super) fn changes_value(
        &self,
        subject: impl Into<String>,
        field: &'static str,
        old: Option<serde_json::Value>,
        new: Option<serde_json::Value>,
    ) {
        self.patience.changes().note(Changed { subject: subject.into(), field, old, new });
    }

    /// Notes that what is about to be done is what public detection rules look for.
    pub(super) fn detects(&self, detection: Detection) {
        self.patience.changes().detect(detection);
    }

    /// Whether AWS has certainly changed nothing for this call so far.
    pub fn is_untouched(&self) -> bool {
        self.patience.is_untouched()
    }

    /// How long its caller still waits, if that is known.
    pub fn time_left(&self) -> Option<Duration> {
        self.patience.ends().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// When a change that goes in steps says how far it came: at three quarters of what was left of its time when it began,
    /// so that the steps under way can end.
    pub(super) fn stop_by(&self) -> Option<Instant> {
        self.patience.ends().map(|deadline| {
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
        self.read(GET_CALLER_IDENTITY, ask!(self.clients.sts.get_caller_identity())).await?;
        Ok(self.now())
    }
}
