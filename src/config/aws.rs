//! `aws`: which AWS, as whom, and how patiently.

use std::time::Duration;

use super::{
    budget::BudgetConfig,
    reader::Reader,
    value::{RoleTemplate, Url},
};
use crate::domain::{AccountId, RegionName};

/// Which AWS, as whom, and how patiently. Credentials are not here: they come by the SDK's chain (environment,
/// profile, web identity, container, instance).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsConfig {
    /// The region of a request that names none; without it the SDK's own chain decides (`AWS_REGION`, profile).
    pub region: Option<RegionName>,
    /// Regions that requests may name, those of copies' destinations, keys and topics included; empty means all that are
    /// known. A region that this version does not know may be named when it stands here or in `region`.
    pub allowed_regions: Vec<RegionName>,
    /// The profile of the AWS configuration files to use.
    pub profile: Option<String>,
    /// The role to assume in the account of a request; without it only the credentials' own account can be reached.
    pub assume_role: Option<RoleTemplate>,
    /// Sent as `ExternalId` when a role is assumed.
    pub external_id: Option<String>,
    /// Accounts that requests may name beside the credentials' own, those of copies' destinations and keys included; empty
    /// means every account.
    pub allowed_accounts: Vec<AccountId>,
    /// Where every AWS service is found instead of at AWS: an emulator, or a VPC endpoint.
    pub endpoint_url: Option<Url>,
    /// Bound on opening a connection.
    pub connect_timeout: Duration,
    /// Bound on waiting for the first byte of an answer.
    pub read_timeout: Duration,
    /// Bound on one attempt of a call.
    pub attempt_timeout: Duration,
    /// Bound on a call with all its attempts and the pauses between them.
    pub operation_timeout: Duration,
    /// Attempts of a call, the first one counted.
    pub max_attempts: u32,
    /// How much is asked of AWS.
    pub budget: BudgetConfig,
    /// Accounts × regions whose clients are kept; beyond it those asked for longest ago are made anew when asked for.
    pub max_scopes: usize,
    /// How long it is remembered that the role of an account cannot be assumed.
    pub unreachable_for: Duration,
    /// How long AWS Backup's "cannot be assumed" about a role is repeated, because IAM takes a while to tell everybody.
    pub role_propagation_wait: Duration,
    /// How old what is told of plans and selections may be where nothing is decided by it, so that many explanations and dry
    /// runs read them once. What the server itself changes is told at once; zero: nothing is kept.
    pub plans_age: Duration,
}

impl Default for AwsConfig {
    fn default() -> Self {
        Self {
            region: None,
            allowed_regions: Vec::new(),
            profile: None,
            assume_role: None,
            external_id: None,
            allowed_accounts: Vec::new(),
            endpoint_url: None,
            connect_timeout: Duration::from_secs(3),
            read_timeout: Duration::from_secs(15),
            attempt_timeout: Duration::from_secs(20),
            operation_timeout: Duration::from_secs(60),
            max_attempts: 4,
            budget: BudgetConfig::default(),
            max_scopes: 500,
            unreachable_for: Duration::from_secs(30),
            role_propagation_wait: Duration::from_secs(120),
            plans_age: Duration::from_secs(5),
        }
    }
}

impl AwsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        let (millisecond, second) = (Duration::from_millis(1), Duration::from_secs(1));
        Self {
            region: reader.optional("aws.region"),
            allowed_regions: reader.list("aws.allowed_regions"),
            profile: reader.optional("aws.profile"),
            assume_role: reader.optional("aws.assume_role"),
            external_id: reader.optional("aws.external_id"),
            allowed_accounts: reader.list("aws.allowed_accounts"),
            endpoint_url: reader.optional("aws.endpoint_url"),
            connect_timeout: reader.within("aws.connect_timeout", d.connect_timeout, 100 * millisecond..=60 * second),
            read_timeout: reader.within("aws.read_timeout", d.read_timeout, 100 * millisecond..=300 * second),
            attempt_timeout: reader.within("aws.attempt_timeout", d.attempt_timeout, 100 * millisecond..=600 * second),
            operation_timeout: reader.within(
                "aws.operation_timeout",
                d.operation_timeout,
                100 * millisecond..=3600 * second,
            ),
            max_attempts: reader.within("aws.max_attempts", d.max_attempts, 1..=10),
            budget: BudgetConfig::read(reader),
            max_scopes: reader.within("aws.max_scopes", d.max_scopes, 1..=100_000),
            unreachable_for: reader.within("aws.unreachable_for", d.unreachable_for, Duration::ZERO..=3600 * second),
            role_propagation_wait: reader.within(
                "aws.role_propagation_wait",
                d.role_propagation_wait,
                Duration::ZERO..=900 * second,
            ),
            plans_age: reader.within("aws.plans_age", d.plans_age, Duration::ZERO..=60 * second),
        }
    }

    pub(super) fn check(&self, reader: &mut Reader) {
        for (key, timeout) in [("aws.connect_timeout", self.connect_timeout), ("aws.read_timeout", self.read_timeout)] {
            if timeout > self.attempt_timeout {
                let problem = "is longer than aws.attempt_timeout and would never be reached";
                reader.refuse(key, &["aws.attempt_timeout"], problem, "shorten it, or raise aws.attempt_timeout");
            }
        }
        if self.attempt_timeout > self.operation_timeout {
            let problem = "is longer than aws.operation_timeout and would never be reached";
            let advice = "shorten it, or raise aws.operation_timeout";
            reader.refuse("aws.attempt_timeout", &["aws.operation_timeout"], problem, advice);
        }
        if let Some(region) = &self.region
            && !self.allowed_regions.is_empty()
            && !self.allowed_regions.contains(region)
        {
            let problem = "is not among aws.allowed_regions";
            reader.refuse("aws.region", &["aws.allowed_regions"], problem, "add it there, or choose one of them");
        }
        if self.external_id.is_some() && self.assume_role.is_none() {
            let problem = "has no effect without aws.assume_role";
            reader.refuse("aws.external_id", &["aws.assume_role"], problem, "set aws.assume_role, or remove it");
        }
        if !self.allowed_accounts.is_empty() && self.assume_role.is_none() {
            let message = "no other account can be reached without aws.assume_role: it says only of which accounts the vaults \
                           of copies, and keys, may be";
            reader.warn("aws.allowed_accounts", message);
        }
        let regions = self.region.iter().map(|region| ("aws.region", region));
        let regions = regions.chain(self.allowed_regions.iter().map(|region| ("aws.allowed_regions", region)));
        for (key, region) in regions.clone().filter(|(_, region)| !region.is_known()) {
            let meant = region.meant();
            let message = format!(
                "{region} is no region that this version knows{meant}; should AWS have it by now, all is well, and its \
                 partition is taken to be {}",
                region.partition()
            );
            reader.warn(key, message);
        }
        if let Some(template) = &self.assume_role {
            let other = regions.clone().find(|(_, region)| region.partition() != template.partition());
            if let Some((key, region)) = other {
                let message = format!(
                    "is a role of partition {}, and {key} has {region}, which is of partition {}: the role of that name there is taken",
                    template.partition(),
                    region.partition()
                );
                reader.warn("aws.assume_role", message);
            }
        }
        if let Some(url) = &self.endpoint_url
            && !url.is_encrypted()
            && !url.is_loopback()
        {
            reader.warn("aws.endpoint_url", "requests to AWS leave this machine unencrypted: use https");
        }
        if self.max_attempts == 1 {
            reader.warn("aws.max_attempts", "nothing is retried: every hiccup of AWS reaches the caller");
        }
    }
}
