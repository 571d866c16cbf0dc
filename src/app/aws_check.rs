//! Asks AWS what only AWS knows of a configuration: who the server will be, in each account that it may go to, and what it may
//! do there. Nothing is changed.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use super::identity::advice;
pub use crate::aws::{Lack, Permissions, Why};
use crate::{
    aws::{Aws, Error},
    config::AwsConfig,
    domain::{AccountId, AskedScope, RegionName},
};

/// Accounts that are looked at; a configuration may name thousands.
const MOST_ACCOUNTS: usize = 100;

/// Accounts that are looked at side by side.
const AT_ONCE: usize = 4;

/// How long one account may take.
const BOUND: Duration = Duration::from_secs(120);

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Who the server is.
    Identity,
    /// And what it may do.
    Permissions,
}

/// What AWS says of a configuration.
#[derive(Debug)]
pub struct Checked {
    /// The server's own account first.
    pub accounts: Vec<CheckedAccount>,
    /// Accounts of `aws.allowed_accounts` that were not looked at, for they are too many.
    pub left_out: usize,
    /// Where requests without a region go, which is where it was looked.
    pub region: Option<String>,
}

/// What AWS says of one account.
#[derive(Debug)]
pub struct CheckedAccount {
    /// Its id; of the server's own, absent where even that is not known.
    pub account: Option<String>,
    /// Whether it is that of the server's own credentials.
    pub is_own: bool,
    /// As whom calls are made there, or why none can be.
    pub identity: Result<String, String>,
    /// Where the server's own credentials came from; absent of other accounts, into which it assumes a role.
    pub source: Option<String>,
    /// Absent where nobody asked, or there is no way in.
    pub permissions: Option<Permissions>,
}

impl CheckedAccount {
    /// Nothing is missing, as far as was asked.
    pub fn is_well(&self) -> bool {
        let allowed = match &self.permissions {
            Some(Permissions::Told { lacks, .. }) => lacks.is_empty(),
            Some(Permissions::Unknown(_)) => false,
            None => true,
        };
        self.identity.is_ok() && allowed
    }

    fn unreachable(account: Option<&AccountId>, is_own: bool, why: String) -> Self {
        let account = account.map(|account| account.as_str().to_owned());
        Self { account, is_own, identity: Err(why), source: None, permissions: None }
    }
}

/// Asks AWS.
pub async fn check(config: &AwsConfig, depth: Depth) -> Checked {
    let aws = Aws::connect(config).await;
    let Some(region) = aws.default_region().or(config.allowed_regions.first()).cloned() else {
        let why = "there is no region to ask in: set aws.region (--region), AWS_REGION, or a region in the profile";
        let own = CheckedAccount::unreachable(None, true, why.to_owned());
        return Checked { accounts: vec![own], left_out: 0, region: None };
    };
    let told = Some(region.as_str().to_owned());
    let own = match within_bound(aws.identity(&region)).await {
        Ok(identity) => identity.clone(),
        Err(why) => {
            let own = CheckedAccount::unreachable(None, true, why);
            return Checked { accounts: vec![own], left_out: 0, region: told };
        }
    };
    let others: Vec<&AccountId> = match config.assume_role {
        Some(_) => config.allowed_accounts.iter().filter(|account| **account != own.account).collect(),
        None => Vec::new(),
    };
    let left_out = others.len().saturating_sub(MOST_ACCOUNTS);
    let others = others.into_iter().take(MOST_ACCOUNTS);
    let looks = std::iter::once(&own.account).chain(others).map(|account| {
        let is_own = *account == own.account;
        Box::pin(look(&aws, account, &region, depth, is_own))
    });
    let mut accounts: Vec<CheckedAccount> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    if let Some(account) = accounts.first_mut() {
        account.source = Some(own.source.clone());
    }
    Checked { accounts, left_out, region: told }
}

async fn look(aws: &Aws, account: &AccountId, region: &RegionName, depth: Depth, is_own: bool) -> CheckedAccount {
    let asked = AskedScope { account: Some(account.clone()), region: Some(region.clone()), partition: None };
    let seen = async {
        let scoped = aws.within(&asked).await?;
        let arn = scoped.identity_arn().await?;
        let permissions = match depth {
            Depth::Identity => None,
            Depth::Permissions => Some(scoped.permissions(&arn).await),
        };
        Ok::<_, Error>((arn, permissions))
    };
    match within_bound(seen).await {
        Ok((arn, permissions)) => {
            let account = Some(account.as_str().to_owned());
            CheckedAccount { account, is_own, identity: Ok(arn), source: None, permissions }
        }
        Err(why) => CheckedAccount::unreachable(Some(account), is_own, why),
    }
}

async fn within_bound<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match timeout(BOUND, Box::pin(asked)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(match advice(&error) {
            Some(advice) => format!("{}: {advice}", error.message()),
            None => error.message().to_owned(),
        }),
        Err(_) => Err(format!("AWS did not answer within {} s", BOUND.as_secs())),
    }
}
