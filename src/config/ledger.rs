//! `ledger` and `feed`: what is remembered, where, and how it is kept up to date.

use std::{path::PathBuf, time::Duration};

use super::{
    reader::Reader,
    value::{Url, Value},
};
use crate::domain::{AccountId, RegionName};

/// What is remembered, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerConfig {
    /// The file of SQLite's; without it `strongroom-ledger.db` in the working directory, and with the embedded sandbox memory.
    pub path: Option<PathBuf>,
    /// A database of PostgreSQL's instead.
    pub url: Option<PostgresUrl>,
    /// The file with the password of the URL's user.
    pub password_file: Option<PathBuf>,
    /// How long jobs are remembered.
    pub keep: Days,
    /// The accounts and regions that are followed; of none, the one that requests mean by default.
    pub scopes: Vec<FollowedScope>,
    /// How long one of several servers leads without saying again that it does: another takes over so long after it was killed.
    pub lease: Duration,
    /// The key of the tag that says who owns a database.
    pub owner_tag: TagKey,
}

/// How what is remembered is kept up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedConfig {
    /// Whether AWS is read for the ledger at all; else only what this server starts is remembered.
    pub enabled: bool,
    /// How often AWS is asked for what is new while no job runs.
    pub interval: Duration,
    /// The same while jobs run, and how old what is told of one may be.
    pub busy_interval: Duration,
    /// The queue by which AWS's events arrive, if any.
    pub queue_url: Option<QueueUrl>,
    /// How often recovery points, and what guards vaults, are read.
    pub points_interval: Duration,
    /// How often databases, plans and selections are looked at.
    pub coverage_interval: Duration,
}

/// An account and region that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedScope {
    /// Absent: the credentials' own.
    pub account: Option<AccountId>,
    /// The region.
    pub region: RegionName,
}

/// Whole days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days(pub u16);

/// The URL of a database of PostgreSQL's, without a password: nothing in the configuration is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for PostgresUrl {
    const EXPECTED: &'static str =
        "the URL of a PostgreSQL database without a password, such as \"postgres://strongroom@db.internal/strongroom\"";

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"))?;
        let (authority, _) = rest.split_once('/')?;
        let user = authority.rsplit_once('@').map(|(user, _)| user).unwrap_or_default();
        let fits = text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic());
        (fits && !user.contains(':') && !text.contains("password=")).then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// The URL of a queue of SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrl(String);

impl QueueUrl {
    /// Reads it; none where it is no such URL.
    pub fn parse(text: &str) -> Option<Self> {
        <Self as Value>::parse(text)
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for QueueUrl {
    const EXPECTED: &'static str =
        "the URL of a queue of SQS, such as \"https://sqs.eu-central-1.amazonaws.com/123456789012/strongroom\"";

    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text)?;
        let (_, rest) = url.as_str().split_once("://")?;
        let (account, name) = rest.split_once('/')?.1.split_once('/')?;
        let fits = AccountId::parse(account).is_ok() && !name.is_empty() && !name.contains('/');
        fits.then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Value for Days {
    const EXPECTED: &'static str = "a number of days, such as \"400d\"";

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix(" days").or_else(|| text.strip_suffix('d'))?;
        number.parse().ok().map(Self)
    }

    fn show(&self) -> String {
        format!("{}d", self.0)
    }
}

/// The key of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagKey(String);

impl TagKey {
    /// The key as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for TagKey {
    const EXPECTED: &'static str = "the key of a tag, of 1–128 characters, such as \"owner\"";

    fn parse(text: &str) -> Option<Self> {
        let fits = (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Value for FollowedScope {
    const EXPECTED: &'static str = "a region, such as \"eu-central-1\", or an account and region, such as \
                                    \"123456789012/eu-central-1\"";

    fn parse(text: &str) -> Option<Self> {
        let (account, region) = match text.split_once('/') {
            Some((account, region)) => (Some(AccountId::parse(account).ok()?), region),
            None => (None, text),
        };
        Some(Self { account, region: RegionName::parse(region).ok()? })
    }

    fn show(&self) -> String {
        match &self.account {
            Some(account) => format!("{account}/{}", self.region),
            None => self.region.as_str().to_owned(),
        }
    }
}

impl Default for LedgerConfig {
    fn default() -> Self {
        let owner_tag = TagKey("owner".to_owned());
        Self {
            path: None,
            url: None,
            password_file: None,
            keep: Days(400),
            scopes: Vec::new(),
            lease: Duration::from_secs(15),
            owner_tag,
        }
    }
}

impl LedgerConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        Self {
            path: reader.said("ledger.path"),
            url: reader.said("ledger.url"),
            password_file: reader.said("ledger.password_file"),
            keep: reader.within("ledger.keep", d.keep, Days(31)..=Days(3660)),
            scopes: reader.list("ledger.scopes"),
            lease: reader.within("ledger.lease", d.lease, Duration::from_secs(1)..=Duration::from_secs(300)),
            owner_tag: reader.value("ledger.owner_tag", d.owner_tag),
        }
    }

    pub(super) fn check(&self, reader: &mut Reader) {
        if self.path.is_some() && self.url.is_some() {
            reader.warn("ledger.path", "has no effect beside ledger.url: jobs are remembered in that database");
        }
        if self.password_file.is_some() && self.url.is_none() {
            let advice = "set ledger.url, or remove it";
            reader.refuse("ledger.password_file", &["ledger.url"], "has no effect without ledger.url", advice);
        }
    }
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(60),
            busy_interval: Duration::from_secs(10),
            queue_url: None,
            points_interval: Duration::from_secs(900),
            coverage_interval: Duration::from_secs(300),
        }
    }
}

impl FeedConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        let (least, most) = (Duration::from_millis(10), Duration::from_secs(3600));
        Self {
            enabled: reader.value("feed.enabled", d.enabled),
            interval: reader.within("feed.interval", d.interval, least..=most),
            busy_interval: reader.within("feed.busy_interval", d.busy_interval, least..=most),
            queue_url: reader.said("feed.queue_url"),
            points_interval: reader.within("feed.points_interval", d.points_interval, least..=24 * most),
            coverage_interval: reader.within("feed.coverage_interval", d.coverage_interval, least..=most),
        }
    }

    pub(super) fn check(&self, reader: &mut Reader) {
        if self.busy_interval > self.interval {
            let advice = "shorten it, or raise feed.interval";
            reader.refuse("feed.busy_interval", &["feed.interval"], "is longer than feed.interval", advice);
        }
        if self.queue_url.is_some() && !self.enabled {
            reader.warn("feed.queue_url", "has no effect while feed.enabled is false: nobody reads the queue");
        }
    }
}
