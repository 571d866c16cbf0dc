//! Who Strongroom is in AWS, and a client of each service for each account and region that is asked for.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, retry::RetryConfig, sts::AssumeRoleProvider, timeout::TimeoutConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::SystemTimeSource,
};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::{
    attempts::{AttemptLog, QuotaIsFinal},
    call::{Operation, call, credentials_fault},
    clock::AwsClock,
    error::{Error, Kind, Noun},
};
use crate::{
    config::AwsConfig,
    domain::{AccountId, AskedScope, RegionName, Scope},
};

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
    clients: RwLock<BTreeMap<Scope, Arc<Clients>>>,
    /// Heard by every client.
    clock: Arc<AwsClock>,
}

/// Who the credentials stand for.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// ARN of the user or role.
    pub arn: String,
}

/// The clients of one account and region.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) scope: Scope,
    clock: Arc<AwsClock>,
    pub(super) backup: aws_sdk_backup::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) kms: aws_sdk_kms::Client,
    pub(super) rds: aws_sdk_rds::Client,
    pub(super) tagging: aws_sdk_resourcegroupstagging::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

impl Clients {
    /// [`Aws::now`].
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");

/// Most accounts × regions that clients are kept for. Requests name them, so their number needs a bound; at the bound all
/// are let go, and those still asked for are made again.
const MOST_CLIENTS: usize = 100;

impl Aws {
    /// Reads the AWS configuration of the environment and files. Sends nothing to AWS.
    pub async fn connect(config: &AwsConfig) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(config.max_attempts))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(config.connect_timeout)
                    .read_timeout(config.read_timeout)
                    .operation_attempt_timeout(config.attempt_timeout)
                    .operation_timeout(config.operation_timeout)
                    .build(),
            );
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
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "sandbox", "sandbox", None, None, "sandbox",
            )))
            .retry_config(RetryConfig::standard().with_max_attempts(config.max_attempts))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(config.connect_timeout)
                    .read_timeout(config.read_timeout)
                    .operation_attempt_timeout(config.attempt_timeout)
                    .operation_timeout(config.operation_timeout)
                    .build(),
            )
            .build();
        Self::with(sdk, config)
    }

    fn with(sdk: SdkConfig, config: &AwsConfig) -> Self {
        let default_region = sdk.region().and_then(|region| RegionName::parse(region.as_ref()).ok());
        Self(Arc::new(Inner {
            sdk,
            config: config.clone(),
            default_region,
            identity: OnceCell::new(),
            clients: RwLock::default(),
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

    /// [`Self::now`] when nothing else asks AWS: by a call that needs no permission.
    pub async fn ask_time(&self, asked: &AskedScope) -> Result<Timestamp, Error> {
        call(GET_CALLER_IDENTITY, self.clients(asked).await?.sts.get_caller_identity().send()).await?;
        Ok(self.now())
    }

    /// Who Strongroom is; asked of AWS once.
    pub async fn identity(&self) -> Result<&Identity, Error> {
        self.0
            .identity
            .get_or_try_init(|| async {
                let sts = aws_sdk_sts::Client::from_conf(
                    aws_sdk_sts::config::Builder::from(&self.0.sdk).interceptor(self.attempt_log()).build(),
                );
                let answer = call(GET_CALLER_IDENTITY, sts.get_caller_identity().send()).await?;
                let account = answer.account().and_then(|account| AccountId::parse(account).ok());
                Ok(Identity {
                    account: account.ok_or_else(|| Error::malformed(GET_CALLER_IDENTITY.name, "Account"))?,
                    arn: answer.arn().unwrap_or_default().to_owned(),
                })
            })
            .await
    }

    /// The clients for what a request asks, blanks filled with the defaults.
    pub(super) async fn clients(&self, asked: &AskedScope) -> Result<Arc<Clients>, Error> {
        let scope = self.scope(asked).await?;
        if let Some(clients) = self.0.clients.read().unwrap_or_else(PoisonError::into_inner).get(&scope) {
            return Ok(Arc::clone(clients));
        }
        let clients = Arc::new(self.make(&scope).await?);
        let mut known = self.0.clients.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_CLIENTS {
            known.clear();
        }
        known.insert(scope, Arc::clone(&clients));
        Ok(clients)
    }

    /// The scope that a request means, if the configuration lets it go there.
    pub async fn scope(&self, asked: &AskedScope) -> Result<Scope, Error> {
        let refused =
            |noun, name: &str, message: String| Err(Error::found("scope", Kind::ScopeNotAllowed, noun, name, message));
        let config = &self.0.config;
        let Some(region) = asked.region.as_ref().or(self.0.default_region.as_ref()) else {
            let message = "the request names no region and the server has no default: set scope.region, or aws.region on the server";
            return refused(Noun::Account, "region", message.to_owned());
        };
        if !config.allowed_regions.is_empty()
            && !config.allowed_regions.iter().any(|allowed| allowed.as_str() == region.as_str())
        {
            return refused(
                Noun::Account,
                region.as_str(),
                format!("region {region} is not among the server's aws.allowed_regions"),
            );
        }
        let home = &self.identity().await?.account;
        let account = asked.account.as_ref().unwrap_or(home);
        let allowed = account == home
            || config.allowed_accounts.is_empty()
            || config.allowed_accounts.iter().any(|allowed| allowed.as_str() == account.as_str());
        if !allowed {
            return refused(
                Noun::Account,
                account.as_str(),
                format!("account {account} is not among the server's aws.allowed_accounts"),
            );
        }
        Ok(Scope { account: account.clone(), region: region.clone() })
    }

    async fn make(&self, scope: &Scope) -> Result<Clients, Error> {
        let mut sdk = self.0.sdk.clone().into_builder().region(Region::new(scope.region.as_str().to_owned()));
        if scope.account != self.identity().await?.account {
            sdk = sdk.credentials_provider(SharedCredentialsProvider::new(self.role_in(scope).await?));
        }
        let sdk = sdk.build();
        Ok(Clients {
            scope: scope.clone(),
            clock: Arc::clone(&self.0.clock),
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
            let message = format!(
                "account {} is not the server's own, and aws.assume_role, the role to assume in other accounts, is not set",
                scope.account
            );
            return Err(Error::found(
                "AssumeRole",
                Kind::AccountNotReachable,
                Noun::Account,
                scope.account.as_str(),
                message,
            ));
        };
        let mut provider = AssumeRoleProvider::builder(template.role_in(scope.account.as_str()))
            .session_name("strongroom")
            .region(Region::new(scope.region.as_str().to_owned()))
            .configure(&self.0.sdk);
        if let Some(external_id) = &self.0.config.external_id {
            provider = provider.external_id(external_id);
        }
        let provider = provider.build().await;
        // Asked here once, so that "no way in" is told apart from credentials that fail later.
        match provider.provide_credentials().await {
            Ok(_) => Ok(provider),
            Err(error) => {
                let role = template.role_in(scope.account.as_str());
                let (kind, message) = match credentials_fault(&error) {
                    Some(Kind::Unavailable) => {
                        (Kind::Unavailable, format!("role {role} could not be assumed at the moment"))
                    }
                    _ => (
                        Kind::AccountNotReachable,
                        format!("role {role} cannot be assumed: check that it exists and trusts Strongroom's identity"),
                    ),
                };
                let refused = Error::found("AssumeRole", kind, Noun::Account, scope.account.as_str(), message);
                Err(Error { source: Some(Box::new(error)), ..refused })
            }
        }
    }
}
