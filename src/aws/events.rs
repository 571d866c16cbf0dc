//! AWS Backup's events, as EventBridge puts them into a queue (docs/aws-backup-semantics.md, section 12).
//!
//! Pure, and of anything: what is in the queue was put there by whoever may, so that a body is bounded before it is read, and
//! what it says is taken or left, member by member. AWS delivers at least once and in no order, and tells of an event some
//! seconds or minutes after it; so an [`Event`] is a telling like any other, true at [`Event::at`], and what it leaves out it
//! says nothing of.

mod calls;
mod detail;
mod jobs;
mod notifications;
mod points;

use jiff::Timestamp;
use serde_json::Value;

use self::detail::Detail;
use crate::domain::{AccountId, Job, JobKind, RecoveryPoint, RegionName, Scope, quoted};

/// Bytes of a body that are read: the most that SQS lets a message have `[D]`.
const LARGEST: usize = 1024 * 1024;

/// Something that AWS tells has happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// AWS's id of it: the same for each delivery.
    pub id: String,
    /// When AWS told it, by its clock, in whole seconds.
    pub at: Timestamp,
    /// Where it happened.
    pub scope: Scope,
    /// What.
    pub news: News,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A job stands so. It has what the event says; a state that is blank is not said.
    Job(Box<Job>),
    /// There is news of a job of this kind, and the event does not say of which: AWS's of new copies does not `[D]`.
    UnnamedJob(JobKind),
    /// Of a recovery point.
    Point(Box<PointNews>),
    /// Of a vault.
    Vault {
        /// Its name.
        name: String,
        /// What became of it.
        change: Change,
        /// Whether it is locked, where that is said.
        locked: Option<bool>,
    },
    /// Of a plan.
    Plan {
        /// Its id.
        id: String,
        /// The version that it is of, where that is said.
        version: Option<String>,
        /// What became of it.
        change: Change,
    },
    /// What the region backs up was changed.
    RegionSettings,
    /// Somebody had AWS Backup change something, as CloudTrail tells where an account has a trail.
    Call(Box<Call>),
    /// Something else, by AWS's name for it.
    Other(String),
}

/// What is told of a recovery point.
#[derive(Debug, Clone, PartialEq)]
pub struct PointNews {
    /// The recovery point, with what the event says of it; a state that is blank is not said.
    pub point: RecoveryPoint,
    /// What became of it. Neither by whom, nor whether by its lifecycle: only CloudTrail tells that.
    pub change: PointChange,
}

/// What became of a recovery point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointChange {
    /// It came to be in the state that it has.
    State,
    /// Something of it was changed, such as its lifecycle: what it was is not told.
    Modified,
    /// It is no more.
    Deleted,
}

/// What became of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// It is another.
    Modified,
    /// It is no more.
    Deleted,
    /// A word that AWS added later, as it is.
    Unknown(String),
}

impl Change {
    fn of_word(word: &str) -> Self {
        match word {
            "CREATED" => Self::Created,
            "MODIFIED" => Self::Modified,
            "DELETED" => Self::Deleted,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

/// A call of AWS Backup's API, by whomever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// AWS's name of the operation, such as `DeleteRecoveryPoint`.
    pub operation: String,
    /// ARN of who called; of a role, the session's. Absent: AWS itself, or it is not said.
    pub caller: Option<String>,
    /// When.
    pub at: Timestamp,
    /// AWS's code, if it refused.
    pub refused: Option<String>,
    /// Name of the vault that the call was about.
    pub vault_name: Option<String>,
    /// ARN of the recovery point that it was about.
    pub recovery_point_arn: Option<String>,
}

/// Why a body is no event of AWS Backup; for an operator, and of bounded length. What is no event at all is not quoted:
/// whatever else it is, it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// It is longer than any.
    #[error("has {0} bytes: an event has {LARGEST} at most")]
    TooLarge(usize),
    /// It cannot be read at all.
    #[error("is no JSON of an object: {0} bytes, strange at line {1}, column {2}")]
    NotJson(usize, usize, usize),
    /// It is something else.
    #[error("is no event of EventBridge and no notification of SNS: it has no {0}")]
    NoEvent(&'static str),
    /// It is an event of another service.
    #[error("is an event of {}, not of aws.backup: a rule sends it here that should not", quoted(.0))]
    OfAnother(String),
    /// A member that every event has cannot be read.
    #[error("says {} for {}, which cannot be read", quoted(.1), .0)]
    Strange(&'static str, String),
    /// It does not say what it is about.
    #[error("is a {} without {}", quoted(.0), .1)]
    Lacks(String, &'static str),
}

impl Event {
    /// Reads the body of a message: the event itself, as EventBridge sends it, or what SNS puts around one, or around a vault's
    /// notification.
    pub fn parse(body: &str) -> Result<Self, EventFault> {
        match notifications::opened(read(body)?)? {
            notifications::Opened::Event(event) => Self::of(&event),
            notifications::Opened::Notification(told) => Ok(told),
        }
    }

    fn of(event: &Value) -> Result<Self, EventFault> {
        let told = Detail::of(Some(event));
        let kind = told.text("detail-type").ok_or(EventFault::NoEvent("detail-type"))?;
        let source = told.text("source").ok_or(EventFault::NoEvent("source"))?;
        if source != "aws.backup" {
            return Err(EventFault::OfAnother(source.to_owned()));
        }
        let id = told.text("id").ok_or(EventFault::NoEvent("id"))?.to_owned();
        let scope = Scope {
            account: required(told, "account", |text| AccountId::parse(text).ok())?,
            region: required(told, "region", |text| RegionName::parse(text).ok())?,
        };
        let at = required(told, "time", detail::instant)?;
        let event = Told { kind, scope: &scope, at, resource: told.first("resources"), detail: told.within("detail") };
        let news = event.news()?;
        Ok(Self { id, at, scope, news })
    }
}

/// An object of bounded size; `serde_json` bounds its depth.
fn read(body: &str) -> Result<Value, EventFault> {
    if body.len() > LARGEST {
        return Err(EventFault::TooLarge(body.len()));
    }
    match serde_json::from_str(body) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(EventFault::NotJson(body.len(), 1, 1)),
        Err(error) => Err(EventFault::NotJson(body.len(), error.line(), error.column())),
    }
}

fn required<T>(told: Detail<'_>, name: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, EventFault> {
    let text = told.text(name).ok_or(EventFault::NoEvent(name))?;
    read(text).ok_or_else(|| EventFault::Strange(name, text.to_owned()))
}

/// An event whose frame is read.
#[derive(Clone, Copy)]
struct Told<'e> {
    kind: &'e str,
    scope: &'e Scope,
    at: Timestamp,
    /// The first of its resources.
    resource: Option<&'e str>,
    detail: Detail<'e>,
}

impl<'e> Told<'e> {
    fn news(self) -> Result<News, EventFault> {
        match self.kind {
            "Backup Job State Change" => self.job(JobKind::Backup),
            "Restore Job State Change" => self.job(JobKind::Restore),
            "Copy Job State Change" => self.job(JobKind::Copy),
            "Recovery Point State Change" | "Recovery Point Change" => self.point(),
            "Backup Vault State Change" => Ok(News::Vault {
                name: self.named("backupVaultName", ":backup-vault:", "the name of a vault")?,
                change: self.change(),
                locked: self.detail.flag("isLocked"),
            }),
            "Backup Plan State Change" => Ok(News::Plan {
                id: self.named("backupPlanId", ":backup-plan:", "the id of a plan")?,
                version: self.detail.owned("versionId"),
                change: self.change(),
            }),
            "Region Setting State Change" => Ok(News::RegionSettings),
            "AWS API Call via CloudTrail" => Ok(self.call()),
            other => Ok(News::Other(other.to_owned())),
        }
    }

    fn change(self) -> Change {
        let word = self.detail.text("state").or_else(|| self.detail.text("status"));
        Change::of_word(word.unwrap_or_default())
    }

    /// The name of a vault or plan, by its own member or by its ARN.
    fn named(self, member: &str, of_arn: &str, what: &'static str) -> Result<String, EventFault> {
        let by_arn = || self.resource.and_then(|arn| arn.split_once(of_arn)).map(|(_, name)| name);
        let name = self.detail.text(member).or_else(by_arn).filter(|name| !name.is_empty());
        name.map(str::to_owned).ok_or_else(|| self.lacks(what))
    }

    fn lacks(self, what: &'static str) -> EventFault {
        EventFault::Lacks(self.kind.to_owned(), what)
    }
}

#[cfg(test)]
pub(super) mod tests;
