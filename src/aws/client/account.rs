//! An account, and the way into one that is not the server's own: a role that Strongroom's own identity assumes, and the credentials that come of it.
//!
//! They are asked for when first needed, once for all regions of the account, and again some minutes before they end, by
//! one call while all others go on with those there are. That the role cannot be assumed is remembered for a while, for a
//! look costs a call, and everybody who asks for the account one; a fault that passes is never remembered.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::recent::Proven;
use crate::{
    aws::{
        budget::{Asker, Budget},
        call::{Operation, call_outside},
        clock::AwsClock,
        error::{Failure, FailureKind},
        flights::WayIn,
    },
    config::BudgetConfig,
    domain::{Noun, Scope},
};

const ASSUME_ROLE: Operation = Operation::read("sts", "AssumeRole");

/// Credentials are renewed so long before they end.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// While those there are hold good, a renewal that failed is tried again after so long.
const PAUSE: Duration = Duration::from_secs(30);

/// What all regions of an account share.
#[derive(Debug)]
pub(super) struct Account {
    /// Absent of the server's own.
    pub(super) way: Option<Arc<Way>>,
    pub(super) way_in: WayIn,
    /// IAM has one endpoint for all regions.
    pub(super) iam: Arc<Budget>,
}

impl Account {
    pub(super) fn new(budget: &BudgetConfig, scope: &Scope, way: Option<Way>) -> Self {
        let iam = Arc::new(Budget::new("iam", scope.clone(), budget.iam, budget));
        Self { way: way.map(Arc::new), way_in: WayIn::new(), iam }
    }
}

impl Proven for Account {
    fn is_proven(&self) -> bool {
        self.way.as_ref().is_none_or(|way| way.is_proven())
    }
}

/// The way into one account.
#[derive(Debug)]
pub(super) struct Way {
    /// For which account, and through which region: that of who asked first.
    scope: Scope,
    role: String,
    request: AssumeRoleFluentBuilder,
    /// Of all roles that are assumed.
    budget: Arc<Budget>,
    clock: Arc<AwsClock>,
    /// How long a denial is remembered.
    remembered: Duration,
    held: Mutex<Option<Credentials>>,
    /// Held by who asks STS, with what came of the last asking, where it failed.
    asking: tokio::sync::Mutex<Option<Failed>>,
    proven: AtomicBool,
}

/// An asking that failed.
#[derive(Debug)]
struct Failed {
    at: Instant,
    failure: Failure,
}

impl Way {
    pub(super) fn new(
        scope: &Scope,
        role: String,
        request: AssumeRoleFluentBuilder,
        budget: Arc<Budget>,
        clock: Arc<AwsClock>,
        remembered: Duration,
    ) -> Self {
        Self {
            scope: scope.clone(),
            role,
            request,
            budget,
            clock,
            remembered,
            held: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            proven: AtomicBool::new(false),
        }
    }

    /// Credentials that hold good, renewed where they soon end.
    pub(super) async fn credentials(&self) -> Result<Credentials, Failure> {
        let came = Instant::now();
        let asking = match self.held() {
            Some((held, Left::Long)) => return Ok(held),
            Some((held, Left::Little)) => match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return Ok(held),
            },
            None => self.asking.lock().await,
        };
        self.renewed(asking, came).await
    }

    async fn renewed(
        &self,
        mut failed: tokio::sync::MutexGuard<'_, Option<Failed>>,
        came: Instant,
    ) -> Result<Credentials, Failure> {
        // Somebody may have asked meanwhile.
        let held = match self.held() {
            Some((held, Left::Long)) => return Ok(held),
            held => held.map(|(held, _)| held),
        };
        if let Some(Failed { at, failure }) = &*failed {
            let ago = at.elapsed();
            if let Some(held) = held.clone().filter(|_| ago < PAUSE) {
                return Ok(held);
            }
            let denied = failure.kind == FailureKind::AccountNotReachable && ago < self.remembered;
            // Who waited for an asking is answered by what came of it, though it is not remembered.
            if held.is_none() && (denied || *at >= came) {
                return Err(failure.clone());
            }
        }
        match self.assume().await {
            Ok(credentials) => {
                *failed = None;
                *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials.clone());
                self.proven.store(true, Ordering::Relaxed);
                Ok(credentials)
            }
            Err(failure) => {
                // Whoever is told later hears what there is to do, and the log has had its cause.
                let told = Failure { source: None, ..failure.clone() };
                *failed = Some(Failed { at: Instant::now(), failure: told });
                held.ok_or(failure)
            }
        }
    }

    /// The credentials there are, if they have not ended.
    fn held(&self) -> Option<(Credentials, Left)> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let left = held.expiry().and_then(|end| Timestamp::try_from(end).ok())?.duration_since(self.clock.now());
        match left {
            _ if left <= SignedDuration::ZERO => None,
            _ if left <= AHEAD => Some((held, Left::Little)),
            _ => Some((held, Left::Long)),
        }
    }

    fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    async fn assume(&self) -> Result<Credentials, Failure> {
        let asker = if self.is_proven() { Asker::until(None) } else { Asker::unproven() };
        // Boxed: seldom asked for, and every call would carry it.
        let send = Box::pin(self.request.clone().send());
        let answer = call_outside(ASSUME_ROLE, Some(&self.scope), Some((&self.budget, asker)), send).await;
        let answer = answer.map_err(|failure| self.understood(failure))?;
        let told = answer.credentials().ok_or_else(|| Failure::malformed(ASSUME_ROLE, "Credentials"))?;
        let ends = told.expiration().secs().try_into().map(Duration::from_secs).unwrap_or_default();
        Ok(Credentials::new(
            told.access_key_id(),
            told.secret_access_key(),
            Some(told.session_token().to_owned()),
            Some(std::time::UNIX_EPOCH + ends),
            "strongroom",
        ))
    }

    fn understood(&self, failure: Failure) -> Failure {
        let (role, said) = (&self.role, &failure.message);
        let failure = match failure.kind {
            FailureKind::Throttled
            | FailureKind::Unavailable
            | FailureKind::Malformed
            | FailureKind::OverBudget
            | FailureKind::OutOfTime
            | FailureKind::Credentials => Failure { message: format!("role {role}: {said}"), ..failure },
            // STS has said no to this role, whatever its word for it.
            FailureKind::Rejected
            | FailureKind::NotFound
            | FailureKind::MissingOrDenied
            | FailureKind::AlreadyExists
            | FailureKind::State
            | FailureKind::NotEmpty
            | FailureKind::Locked
            | FailureKind::Held
            | FailureKind::HasSelections
            | FailureKind::NotCancellable
            | FailureKind::Busy
            | FailureKind::Unsupported
            | FailureKind::RoleNotAssumable
            | FailureKind::RequestIdReused
            | FailureKind::Conflict
            | FailureKind::Denied
            | FailureKind::AccountNotReachable
            | FailureKind::Quota => {
                let message = format!(
                    "role {role} cannot be assumed: check that it exists and trusts Strongroom's identity (AWS says: {said})"
                );
                Failure { kind: FailureKind::AccountNotReachable, message, ..failure }
            }
        };
        failure.about(Noun::Account, &self.scope.account)
    }
}

/// How long credentials hold good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Long,
    Little,
}

/// The role as the SDK's clients take it: they ask before every request.
#[derive(Debug)]
pub(super) struct ByRole(pub(super) Arc<Way>);

impl ProvideCredentials for ByRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { self.0.credentials().await.map_err(CredentialsError::provider_error) })
    }
}
