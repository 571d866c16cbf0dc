//! The state of the sandbox: accounts, their regions, and what lives there.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::config::Behaviour;

/// Everything there is. Guarded by one lock: an operation sees and leaves a consistent world.
#[derive(Debug, Default)]
pub struct World {
    /// What falls due when, in every account and region.
    pub agenda: crate::due::Agenda,
    /// How what services tell arrives, and what became of it.
    pub office: crate::outbox::Office,
    /// By account id.
    pub accounts: BTreeMap<String, Account>,
}

impl World {
    /// The account, made empty on first use.
    pub fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.entry(id.to_owned()).or_default()
    }

    /// The region of an account if something has been in it: looked at without making either, so that a mistyped one does
    /// not come to life.
    #[must_use]
    pub fn existing(&self, account: &str, region: &str) -> Option<&Region> {
        self.accounts.get(account)?.regions.get(region)
    }

    /// The same, to change.
    pub fn existing_mut(&mut self, account: &str, region: &str) -> Option<&mut Region> {
        self.accounts.get_mut(account)?.regions.get_mut(region)
    }

    /// Forgets what AWS would have forgotten by `now`, so that days of automatic time don't fill the memory.
    pub fn prune(&mut self, now: Timestamp, behaviour: &Behaviour) {
        for account in self.accounts.values_mut() {
            for region in account.regions.values_mut() {
                region.backup.prune(now, behaviour);
                region.sqs.prune(now);
            }
        }
    }

    /// Counts what came to be receivable in any queue: who waits for a message looks again when this has changed.
    #[must_use]
    pub fn arrivals(&self) -> u64 {
        let regions = self.accounts.values().flat_map(|account| account.regions.values());
        regions.map(|region| region.sqs.arrivals()).sum()
    }

    /// Whether something has been told that nobody has put on the agenda yet.
    #[must_use]
    pub fn has_letters(&self) -> bool {
        let mut regions = self.accounts.values().flat_map(|account| account.regions.values());
        regions.any(|region| region.outbox.has_fresh())
    }
}

/// One AWS account.
#[derive(Debug, Default)]
pub struct Account {
    /// By region name.
    pub regions: BTreeMap<String, Region>,
    /// AWS Backup's settings of the organization, kept with its management account.
    pub global_settings: crate::backup::settings::GlobalSettings,
    /// Roles and their policies: global to the account, in each partition by itself ([`crate::partition`]).
    pub iam: crate::iam::States,
    /// Whom temporary keys stand for.
    pub sessions: crate::sts::Sessions,
}

impl Account {
    /// The region, made empty on first use.
    pub fn region(&mut self, name: &str) -> &mut Region {
        self.regions.entry(name.to_owned()).or_default()
    }
}

/// One region of one account.
#[derive(Debug, Default)]
pub struct Region {
    /// The one tag store: RDS, the tagging API, AWS Backup and selections all read and write it.
    pub tags: Tags,
    /// AWS Backup.
    pub backup: crate::backup::State,
    /// Databases and their snapshots.
    pub rds: crate::rds::State,
    /// What services have told, on its way.
    pub outbox: crate::outbox::Outbox,
    /// Rules of EventBridge.
    pub events: crate::events::State,
    /// Topics.
    pub sns: crate::sns::State,
    /// Queues.
    pub sqs: crate::sqs::State,
    /// ARNs of KMS keys that somebody disabled.
    pub disabled_keys: std::collections::BTreeSet<String>,
}

/// Tags by resource ARN.
#[derive(Debug, Default)]
pub struct Tags(pub BTreeMap<String, BTreeMap<String, String>>);

impl Tags {
    /// Tags of a rule, a topic or a queue at most `[D]`.
    pub const MOST: usize = 50;

    /// Whether a rule, a topic or a queue can have the tag `[D]`.
    #[must_use]
    pub fn fits(key: &str, value: &str) -> bool {
        (1..=128).contains(&key.chars().count())
            && value.chars().count() <= 256
            && !key.to_lowercase().starts_with("aws:")
    }

    /// What a resource would have with these tags over its own.
    #[must_use]
    pub fn merged(&self, arn: &str, given: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut tags = self.0.get(arn).cloned().unwrap_or_default();
        tags.extend(given);
        tags
    }

    /// Takes tags away. Emptied, the entry stays: the tagging API lists what was tagged once, with no tags `[M]`.
    pub fn forget(&mut self, arn: &str, keys: &[String]) {
        if let Some(tags) = self.0.get_mut(arn) {
            tags.retain(|key, _| !keys.contains(key));
        }
    }
}
