//! Who Strongroom is in AWS, and a client of each service for each account and region that is asked for.

mod recent;

use std::sync::Arc;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, retry::RetryConfig, sts::AssumeRoleProvider, timeout::TimeoutConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::SystemTimeSource,
};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::{
    attempts::{AttemptLog, QuotaIsFinal},
    call::{Operation, assume_role, call_unscoped},
    clock::AwsClock,
    error::{Error, Failure},
};
use crate::{
    config::AwsConfig,
    domain::{AccountId, Noun, Refusal, RefusalKind, RegionName, Scope},
};
use recent::Recent;

/// AWS as Strongroom uses it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Aws(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sdk: SdkConfig,
    config: AwsConfig,
    default_region: Option<RegionName>,
    /// Asked once, when first needed: a start must not wait for AWS.
    home: OnceCell<AccountId>,
    clients: Recent<Scope, Clients>,
    /// Heard by every client.
    clock: Arc<AwsClock>,
}

/// The clients of one account and region.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) scope: Scope,
    pub(super) backup: aws_sdk_backup::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) kms: aws_sdk_kms::Client,
    pub(super) rds: aws_sdk_rds::Client,
    pub(super) tagging: aws_sdk_resourcegroupstagging::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

fn timeouts(config: &AwsConfig) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(config.connect_timeout)
        .read_timeout(config.read_timeout)
        .operation_attempt_timeout(config.attempt_timeout)
        .operation_timeout(config.operation_timeout)
        .build()
}

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");

/// Most accounts × regions that clients are kept for. Requests name them, so their number needs a bound.
const MOST_CLIENTS: usize = 100;

impl Aws {
    /// Reads the AWS configuration of the environment and files. Sends nothing to AWS.
    pub async fn connect(config: &AwsConfig) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(config.max_attempts))
            .timeout_config(timeouts(config));
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
            .timeout_config(timeouts(config))
            .build();
        Self::with(sdk, config)
    }

    fn with(sdk: SdkConfig, config: &AwsConfig) -> Self {
        let default_region = sdk.region().and_then(|region| RegionName::parse(region.as_ref()).ok());
        Self(Arc::new(Inner {
            sdk,
            config: config.clone(),
            default_region,
            home: OnceCell::new(),
            clients: Recent::of(MOST_CLIENTS),
            clock: Arc::default(),
        }))
    }

    /// The configuration it was connected with.
    pub(super) fn config(&self) -> &AwsConfig {
        &self.0.config
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

    /// The account that Strongroom's own identity is of; asked of AWS once, in the region of whoever asks first: a server
    /// need not have one of its own.
    pub(super) async fn home(&self, region: &RegionName) -> Result<&AccountId, Error> {
        self.0
            .home
            .get_or_try_init(|| async {
                let sts = aws_sdk_sts::config::Builder::from(&self.0.sdk)
                    .region(Region::new(region.as_str().to_owned()))
                    .interceptor(self.attempt_log());
                let sts = aws_sdk_sts::Client::from_conf(sts.build());
                let answer = call_unscoped(GET_CALLER_IDENTITY, sts.get_caller_identity().send()).await?;
                let account = answer.account().and_then(|account| AccountId::parse(account).ok());
                Ok(account.ok_or_else(|| Failure::malformed(GET_CALLER_IDENTITY, "Account"))?)
            })
            .await
    }

    /// The clients of a scope that requests may go to.
    pub(super) async fn clients(&self, scope: &Scope) -> Result<Arc<Clients>, Error> {
        // Boxed: few requests are the first of their scope, and all would carry the making.
        self.0.clients.get_or_make(scope, || Box::pin(self.make(scope))).await
    }

    async fn make(&self, scope: &Scope) -> Result<Clients, Error> {
        let mut sdk = self.0.sdk.clone().into_builder().region(Region::new(scope.region.as_str().to_owned()));
        if scope.account != *self.home(&scope.region).await? {
            sdk = sdk.credentials_provider(SharedCredentialsProvider::new(self.role_in(scope).await?));
        }
        let sdk = sdk.build();
        Ok(Clients {
            scope: scope.clone(),
            backup: aws_sdk_backup::Client::from_conf(
                aws_sdk_backup::config::Builder::from(&sdk)
                    .interceptor(self.attempt_log())
                    .retry_classifier(QuotaIsFinal)
                    .build(),
            ),
            iam: aws_sdk_iam::Client::from_conf(
                aws_sdk_iam::config::Builder::from(&sdk).interceptor(self.attempt_log()).build(),
            ),
            kms: aws_sdk_kms::Client::from_conf(
                aws_sdk_kms::config::Builder::from(&sdk).interceptor(self.attempt_log()).build(),
            ),
            rds: aws_sdk_rds::Client::from_conf(
                aws_sdk_rds::config::Builder::from(&sdk).interceptor(self.attempt_log()).build(),
            ),
            tagging: aws_sdk_resourcegroupstagging::Client::from_conf(
                aws_sdk_resourcegroupstagging::config::Builder::from(&sdk).interceptor(self.attempt_log()).build(),
            ),
            sts: aws_sdk_sts::Client::from_conf(
                aws_sdk_sts::config::Builder::from(&sdk).interceptor(self.attempt_log()).build(),
            ),
        })
    }

    async fn role_in(&self, scope: &Scope) -> Result<AssumeRoleProvider, Error> {
        let Some(template) = &self.0.config.assume_role else {
            let account = scope.account.as_str();
            let message = format!(
                "account {account} is not the server's own, and aws.assume_role, the role to assume in other accounts, is not set"
            );
            return Err(Refusal::of(RefusalKind::AccountNotReachable, Noun::Account, account, message).into());
        };
        let role = template.role_in(scope.account.as_str(), scope.region.partition());
        let mut provider = AssumeRoleProvider::builder(&role)
            .session_name("strongroom")
            .region(Region::new(scope.region.as_str().to_owned()))
            .configure(&self.0.sdk);
        if let Some(external_id) = &self.0.config.external_id {
            provider = provider.external_id(external_id);
        }
        let provider = provider.build().await;
        // Asked here once, so that "no way in" is told apart from credentials that fail later.
        assume_role(&provider, scope, &role).await?;
        Ok(provider)
    }
}
