//! Who Strongroom itself is in AWS, and where its credentials come from.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use aws_credential_types::credential_feature::AwsCredentialFeature as Feature;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextRef, dyn_dispatch_hint},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::os_shim_internal::Env;

use super::Aws;
use crate::{
    aws::{
        call::{Operation, call_outside},
        error::{Error, Failure},
    },
    domain::{AccountId, RegionName},
};

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");

/// Whose credentials Strongroom has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As STS tells it; of a role, the session's.
    pub arn: String,
    /// Whose it is.
    pub account: AccountId,
    /// Where the credentials came from, in words.
    pub source: String,
}

impl Aws {
    /// Strongroom's own identity; asked of AWS once, in the region of whoever asks first: a server need not have one of its
    /// own.
    pub async fn identity(&self, region: &RegionName) -> Result<&Identity, Error> {
        self.0.identity.get_or_try_init(|| self.ask_identity(region)).await
    }

    /// Boxed, and of no type that the compiler follows: asked once, and every call to come would carry it.
    fn ask_identity<'a>(
        &'a self,
        region: &'a RegionName,
    ) -> Pin<Box<dyn Future<Output = Result<Identity, Error>> + Send + 'a>> {
        Box::pin(async {
            let seen = Seen::default();
            let config = self.own_sts(region).config().to_builder().interceptor(seen.clone()).build();
            let send = Box::pin(aws_sdk_sts::Client::from_conf(config).get_caller_identity().send());
            let answer = call_outside(GET_CALLER_IDENTITY, None, None, send).await?;
            let account = answer.account().and_then(|account| AccountId::parse(account).ok());
            let account = account.ok_or_else(|| Failure::malformed(GET_CALLER_IDENTITY, "Account"))?;
            let profile = self.0.config.profile.as_deref();
            Ok(Identity { arn: answer.arn.unwrap_or_default(), account, source: seen.source(profile) })
        })
    }
}

/// What the SDK notes of the credentials that it signs with, for its own statistics: nowhere else it says where in its chain it
/// found them.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Vec<Feature>>>);

#[dyn_dispatch_hint]
impl Intercept for Seen {
    fn name(&self) -> &'static str {
        "Seen"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = config.load::<Feature>().cloned().collect();
        Ok(())
    }
}

impl Seen {
    fn source(&self, profile: Option<&str>) -> String {
        let of_environment = || Env::real().get("AWS_PROFILE").ok().filter(|name| !name.is_empty());
        let profile = || profile.map(str::to_owned).or_else(of_environment).unwrap_or_else(|| "default".to_owned());
        words(&self.0.lock().unwrap_or_else(PoisonError::into_inner), profile)
    }
}

/// The source in words. A profile may itself lead to any of the others.
fn words(features: &[Feature], profile: impl FnOnce() -> String) -> String {
    let has = |wanted: &[Feature]| features.iter().any(|feature| wanted.contains(feature));
    let kinds: [(&[Feature], &str); 8] = [
        (&[Feature::CredentialsSso, Feature::CredentialsProfileSso], "SSO"),
        (&[Feature::CredentialsLogin, Feature::CredentialsProfileLogin], "a login of the console"),
        (&[Feature::CredentialsProcess, Feature::CredentialsProfileProcess], "a process that it names"),
        (
            &[
                Feature::CredentialsEnvVarsStsWebIdToken,
                Feature::CredentialsProfileStsWebIdToken,
                Feature::CredentialsStsAssumeRoleWebId,
            ],
            "web identity (a token file)",
        ),
        (&[Feature::CredentialsHttp], "the container's credentials (ECS or EKS Pod Identity)"),
        (&[Feature::CredentialsImds], "the instance's role (IMDS)"),
        (&[Feature::CredentialsStsAssumeRole, Feature::CredentialsProfileSourceProfile], "a role that it assumes"),
        (&[Feature::CredentialsEnvVars], "the environment (AWS_ACCESS_KEY_ID)"),
    ];
    let kind = kinds.iter().find(|(features, _)| has(features)).map(|(_, kind)| *kind);
    match (has(&[Feature::CredentialsProfile, Feature::CredentialsProfileLogin]), kind) {
        (true, Some(kind)) => format!("profile {}: {kind}", profile()),
        (true, None) => format!("profile {}", profile()),
        (false, Some(kind)) => kind.to_owned(),
        (false, None) => "a source that the SDK does not name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_told_in_words_and_a_profile_by_its_name() {
        let told = |features: &[Feature]| words(features, || "backup-admin".to_owned());
        assert_eq!(told(&[Feature::CredentialsEnvVars]), "the environment (AWS_ACCESS_KEY_ID)");
        assert_eq!(told(&[Feature::CredentialsProfileStsWebIdToken]), "web identity (a token file)");
        assert_eq!(told(&[Feature::CredentialsImds]), "the instance's role (IMDS)");
        assert_eq!(told(&[Feature::CredentialsProfile]), "profile backup-admin");
        assert_eq!(told(&[Feature::CredentialsSso, Feature::CredentialsProfile]), "profile backup-admin: SSO");
        assert_eq!(
            told(&[Feature::CredentialsStsAssumeRole, Feature::CredentialsProfile]),
            "profile backup-admin: a role that it assumes"
        );
        assert_eq!(told(&[]), "a source that the SDK does not name");
    }
}
