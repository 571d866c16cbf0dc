//! Who Strongroom is in AWS, and a client of each service for each account and region that is asked for.
//!
//! The ways into accounts and the clients of scopes are kept apart: credentials cost a call to AWS and are an account's,
//! clients cost nothing but memory. All of them share one HTTP client, with its certificates and its connections.

mod account;
mod identity;
mod reach;
mod recent;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, identity::IdentityCache, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_sts::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::SystemTimeSource,
};
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::SharedHttpClient, runtime_components::RuntimeComponents};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::{
    attempts::{AttemptLog, QuotaIsFinal, ThrottledWaits},
    budget::{Budget, Budgets},
    clock::AwsClock,
    error::Error,
    flights::{Flights, WayIn},
};
use crate::{
    config::AwsConfig,
    domain::{AccountId, Noun, Refusal, RefusalKind, RegionName, Scope},
};
use account::{Account, ByRole, Way};
pub use identity::Identity;
use reach::Reach;
use recent::{Proven, Recent};

/// AWS as Strongroom uses it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Aws(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sdk: SdkConfig,
    config: AwsConfig,
    default_region: Option<RegionName>,
    /// Asked once, when first needed: a start must not wait for AWS.
    identity: OnceCell<Identity>,
    /// By account and partition: the role's ARN has both.
    accounts: Recent<(AccountId, &'static str), Account>,
    /// What assuming roles is paid for out of.
    roles: OnceLock<Arc<Budget>>,
    clients: Recent<Scope, Clients>,
    /// The reads in flight, of all scopes.
    flights: Arc<Flights>,
    /// Heard by every client.
    clock: Arc<AwsClock>,
}

/// The clients of one account and region.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) scope: Scope,
    pub(super) way_in: WayIn,
    pub(super) backup: aws_sdk_backup::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) kms: aws_sdk_kms::Client,
    pub(super) rds: aws_sdk_rds::Client,
    pub(super) tagging: aws_sdk_resourcegroupstagging::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) budgets: Budgets,
    /// AWS has done something that was asked for with them.
    proven: AtomicBool,
    reach: Reach,
}

impl Clients {
    /// AWS has done what was asked for.
    fn prove(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }
}

impl Proven for Clients {
    fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }
}

/// Those of the configuration; `wait` is how long an answer may be held back on purpose.
pub(super) fn timeouts(config: &AwsConfig, wait: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(config.connect_timeout)
        .read_timeout(config.read_timeout.saturating_add(wait))
        .operation_attempt_timeout(config.attempt_timeout.saturating_add(wait))
        .operation_timeout(config.operation_timeout.saturating_add(wait))
        .build()
}

/// One for all clients: each of its own would have its own certificates and connections.
fn http_client(proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(proxy.clone()));
        connector.build()
    })
}

/// What retries of a family of calls cost in a scope. The SDK's own would be shared by all accounts, and by what concurrent
/// calls do to it soon be empty for good: AWS's throttling is paid for in our budget, and of what fails otherwise every
/// fifth is repeated, and some hundreds besides.
fn retries(family: &'static str) -> RetryPartition {
    let tokens = TokenBucket::builder()
        .capacity(500)
        .throttling_retry_cost(0)
        .retry_cost(5)
        .timeout_retry_cost(5)
        .success_reward(1.0)
        .build();
    RetryPartition::custom(family).token_bucket(tokens).build()
}

impl Aws {
    /// Reads the AWS configuration of the environment and files. Sends nothing to AWS.
    pub async fn connect(config: &AwsConfig) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(config.max_attempts))
            .timeout_config(timeouts(config, Duration::ZERO))
            .http_client(http_client(ProxyConfig::from_env()));
        if let Some(region) = &config.region {
            loader = loader.region(Region::new(region.as_str().to_owned()));
        }
        if let Some(profile) = &config.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &config.endpoint_url {
            loader = loader.endpoint_url(url.as_str());
        }
        Self::with(loader.load().await, config)
    }

    /// For an AWS that is not real, such as the embedded sandbox: any credentials do, and none of the machine's own
    /// credentials, profiles and endpoints is read, so that nothing can reach a real account by mistake.
    pub fn connect_unreal(config: &AwsConfig, endpoint_url: &str, region: &str) -> Self {
        let region = config.region.as_ref().map_or(region, |configured| configured.as_str());
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(endpoint_url)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SystemTimeSource::new())
            // A clock that is moved by hand is no skew: the SDK would take every 403 beside a far-off Date for one, and try
            // again.
            .disable_clock_skew_correction(true)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "sandbox", "sandbox", None, None, "sandbox",
            )))
            .retry_config(RetryConfig::standard().with_max_attempts(config.max_attempts))
            .timeout_config(timeouts(config, Duration::ZERO))
            .http_client(http_client(ProxyConfig::disabled()))
            .identity_cache(IdentityCache::lazy().build())
            .build();
        Self::with(sdk, config)
    }

    fn with(sdk: SdkConfig, config: &AwsConfig) -> Self {
        let default_region = sdk.region().and_then(|region| RegionName::parse(region.as_ref()).ok());
        let inner = Arc::new(Inner {
            sdk,
            config: config.clone(),
            default_region,
            identity: OnceCell::new(),
            // More accounts than scopes are never in use.
            accounts: Recent::of(config.max_scopes),
            roles: OnceLock::new(),
            clients: Recent::of(config.max_scopes),
            flights: Flights::new(config.plans_age),
            clock: Arc::default(),
        });
        reach::observe(Arc::downgrade(&inner));
        Self(inner)
    }

    /// The configuration it was connected with.
    pub(super) fn config(&self) -> &AwsConfig {
        &self.0.config
    }

    /// The reads in flight.
    pub(super) fn flights(&self) -> &Arc<Flights> {
        &self.0.flights
    }

    /// The region that requests without one go to, if any is configured.
    pub fn default_region(&self) -> Option<&RegionName> {
        self.0.default_region.as_ref()
    }

    /// The present time by AWS's clock, as of its last answer: what start windows, locks and restorable times are compared
    /// with.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn attempt_log(&self) -> AttemptLog {
        AttemptLog { clock: Arc::clone(&self.0.clock) }
    }

    /// The account that Strongroom's own identity is of: [`Self::identity`].
    pub(super) async fn home(&self, region: &RegionName) -> Result<&AccountId, Error> {
        self.identity(region).await.map(|identity| &identity.account)
    }

    /// The clients of a scope that requests may go to. No others are made than of an account that there is a way into.
    pub(super) async fn clients(&self, scope: &Scope) -> Result<Arc<Clients>, Error> {
        let home = self.home(&scope.region).await?;
        let account = self.account(scope, home)?;
        if let Some(way) = &account.way {
            let credentials = way.credentials().await;
            // Where there were some before, that is news of the scope.
            if let (Err(failure), Some(clients)) = (&credentials, self.0.clients.peek(scope)) {
                clients.reach.hear(Some(failure));
            }
            credentials?;
        }
        Ok(self.0.clients.get_or_make(scope, || self.make(scope, &account)))
    }

    /// The account of a scope. Nothing is asked of AWS for it.
    fn account(&self, scope: &Scope, home: &AccountId) -> Result<Arc<Account>, Refusal> {
        let key = (scope.account.clone(), scope.region.partition());
        if scope.account == *home {
            return Ok(self.0.accounts.get_or_make(&key, || Account::new(&self.0.config.budget, scope, None)));
        }
        let Some(template) = &self.0.config.assume_role else {
            let account = scope.account.as_str();
            let message = format!(
                "account {account} is not the server's own, and aws.assume_role, the role to assume in other accounts, is not set"
            );
            return Err(Refusal::of(RefusalKind::AccountNotReachable, Noun::Account, account, message));
        };
        let make = || {
            let role = template.role_in(scope.account.as_str(), scope.region.partition());
            let request = self.own_sts(&scope.region).assume_role().role_session_name("strongroom").role_arn(&role);
            let request = request.set_external_id(self.0.config.external_id.clone());
            let (clock, remembered) = (Arc::clone(&self.0.clock), self.0.config.unreachable_for);
            let way = Way::new(scope, role, request, self.roles(scope, home), clock, remembered);
            Account::new(&self.0.config.budget, scope, Some(way))
        };
        Ok(self.0.accounts.get_or_make(&key, make))
    }

    /// STS as Strongroom's own identity asks it.
    fn own_sts(&self, region: &RegionName) -> aws_sdk_sts::Client {
        let sts = aws_sdk_sts::config::Builder::from(&self.0.sdk)
            .region(Region::new(region.as_str().to_owned()))
            .interceptor(self.attempt_log())
            .retry_classifier(ThrottledWaits { most: self.0.config.max_attempts });
        aws_sdk_sts::Client::from_conf(sts.build())
    }

    /// A client of the queue's service, as Strongroom's own identity asks it: `config` says what is its own.
    pub(super) fn of_own(
        &self,
        config: impl FnOnce(&SdkConfig) -> aws_sdk_sqs::config::Builder,
    ) -> aws_sdk_sqs::Client {
        let sqs = config(&self.0.sdk)
            .interceptor(self.attempt_log())
            .retry_classifier(ThrottledWaits { most: self.0.config.max_attempts })
            .retry_partition(retries("sqs"));
        aws_sdk_sqs::Client::from_conf(sqs.build())
    }

    fn roles(&self, scope: &Scope, home: &AccountId) -> Arc<Budget> {
        let config = &self.0.config.budget;
        let make = || {
            let scope = Scope { account: home.clone(), region: scope.region.clone() };
            Arc::new(Budget::new("sts", scope, config.assume_role, config))
        };
        Arc::clone(self.0.roles.get_or_init(make))
    }

    fn make(&self, scope: &Scope, account: &Arc<Account>) -> Clients {
        let mut sdk = self.0.sdk.clone().into_builder().region(Region::new(scope.region.as_str().to_owned()));
        if let Some(way) = &account.way {
            // The way keeps them itself, by AWS's clock.
            let credentials = SharedCredentialsProvider::new(ByRole(Arc::clone(way)));
            sdk = sdk.credentials_provider(credentials).identity_cache(IdentityCache::no_cache());
        }
        let sdk = sdk.build();
        let waits = || ThrottledWaits { most: self.0.config.max_attempts };
        // The SDK's builders have all that in common by shape alone.
        macro_rules! client {
            ($sdk:ident, $family:literal $(, $more:expr)?) => {{
                let config = $sdk::config::Builder::from(&sdk).interceptor(self.attempt_log());
                let config = config.retry_classifier(waits()).retry_partition(retries($family));
                $(let config = config.retry_classifier($more);)?
                $sdk::Client::from_conf(config.build())
            }};
        }
        Clients {
            scope: scope.clone(),
            way_in: account.way_in,
            backup: client!(aws_sdk_backup, "backup", QuotaIsFinal),
            iam: client!(aws_sdk_iam, "iam"),
            kms: client!(aws_sdk_kms, "kms"),
            rds: client!(aws_sdk_rds, "rds"),
            tagging: client!(aws_sdk_resourcegroupstagging, "tagging"),
            sts: client!(aws_sdk_sts, "sts"),
            budgets: Budgets::new(&self.0.config.budget, scope, Arc::clone(&account.iam)),
            proven: AtomicBool::new(false),
            reach: Reach::default(),
        }
    }
}
