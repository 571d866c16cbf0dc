//! Legal holds (docs/aws-backup-semantics.md, section 1.14): what keeps recovery points beyond their retention.

mod findings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Arn, AskedScope, Period, ResourceRef, ResourceType, Scope, Tags, VaultName,
    invalid::{Fault, quoted},
    tags::given_before,
};

/// Longest title `[I]`, and longest description or reason `[I]`: AWS documents no bounds, and the console has these.
const LONGEST_TITLE: usize = 256;
const LONGEST_TEXT: usize = 1024;

/// A legal hold as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegalHoldRef {
    /// By the id in its ARN.
    Id(String),
    /// By its id or its title: a title may look like an id.
    Named(String),
}

impl LegalHoldRef {
    /// An id, an ARN or a title, and the scope that the ARN names.
    pub fn parse(text: &str) -> Result<(Self, AskedScope), Fault> {
        if text.is_empty() {
            return Err("is required: give the id, the ARN or the title of a legal hold".into());
        }
        if !Arn::looks_like(text) {
            check_text(text, "a legal hold's id, ARN or title", LONGEST_TITLE)?;
            return Ok((Self::Named(text.to_owned()), AskedScope::default()));
        }
        let arn = Arn::parse(text)?;
        let id = (arn.service() == "backup").then(|| arn.resource_of_kind("legal-hold")).flatten();
        let id = id.ok_or_else(|| {
            let form = "arn:aws:backup:REGION:ACCOUNT:legal-hold:ID";
            format!("{} is not a legal hold's ARN: one has the form {form}", quoted(text))
        })?;
        Ok((Self::Id(id.to_owned()), arn.scope()))
    }
}

/// A text that people write: not blank, not too long, without control characters but line ends.
fn check_text(text: &str, what: &str, most: usize) -> Result<(), Fault> {
    if text.trim().is_empty() {
        return Err(format!("is required: give {what}").into());
    }
    let length = text.chars().count();
    if length > most {
        return Err(format!("has {length} characters: {what} has at most {most}").into());
    }
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        return Err(format!("{} is not {what}: it has a control character", quoted(text)).into());
    }
    Ok(())
}

/// A legal hold to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLegalHold {
    /// What people will call it.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// What it is to keep.
    pub selection: WantedPoints,
    /// Its tags.
    pub tags: Tags,
}

impl NewLegalHold {
    /// A title.
    pub fn title(text: String) -> Result<String, Fault> {
        check_text(&text, "a title", LONGEST_TITLE).map(|()| text)
    }

    /// A description.
    pub fn description(text: String) -> Result<String, Fault> {
        check_text(&text, "a description", LONGEST_TEXT).map(|()| text)
    }

    /// Whether the hold is the one that is asked for, of these resources. Its tags may have been added to since.
    pub fn is(&self, hold: &LegalHold, selection: &HeldSelection) -> bool {
        let same = hold.selection.as_ref().is_some_and(|held| held.same_as(selection));
        let tagged = self.tags.0.iter().all(|(key, value)| hold.tags.get(key) == Some(value));
        hold.title == self.title && hold.description == self.description && same && tagged
    }

    /// The hold as it would be.
    pub fn planned(&self, scope: &Scope, selection: HeldSelection) -> LegalHold {
        LegalHold {
            id: String::new(),
            arn: String::new(),
            scope: scope.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            state: LegalHoldState::Creating,
            created_at: None,
            cancelled_at: None,
            cancel_reason: String::new(),
            record_kept_until: None,
            selection: Some(selection),
            tags: self.tags.0.clone(),
        }
    }
}

/// Which recovery points a hold is to keep, as a request says it: at least one of the four.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPoints {
    /// In one of these vaults.
    pub vaults: Vec<VaultName>,
    /// Of one of these resources, or of one of the types.
    pub resources: Vec<ResourceRef>,
    /// Of one of these types, or one of the resources.
    pub types: Vec<ResourceType>,
    /// Created within this span; both ends, or neither.
    pub created: Period,
}

/// Things that AWS takes in one selection: more than an account has vaults `[I]`.
const MOST_HELD: usize = 1_000;

impl WantedPoints {
    /// What is wrong with it as a whole, each with the member that it is said of.
    pub fn faults(&self) -> Vec<(String, Fault)> {
        let mut faults: Vec<(String, Fault)> = Vec::new();
        let count = self.vaults.len() + self.resources.len() + self.types.len();
        if count == 0 && self.created.is_unbounded() {
            let fault = "is required: give at least one of vaults, resources, resource_types and create_time; to keep \
                         everything, name every vault";
            faults.push((String::new(), fault.into()));
        }
        if count > MOST_HELD {
            faults.push((String::new(), format!("names {count} things: at most {MOST_HELD} are possible").into()));
            return faults;
        }
        for (member, names) in [
            (".vaults", texts(&self.vaults)),
            (".resources", texts(&self.resources)),
            (".resource_types", texts(&self.types)),
        ] {
            faults.extend(repeated(&names).map(|(index, fault)| (format!("{member}[{index}]"), fault)));
        }
        match self.created {
            Period { after: Some(_), before: None } => {
                faults
                    .push((".create_time.end_time".to_owned(), "is required: AWS takes a span with both ends".into()));
            }
            Period { after: None, before: Some(_) } => {
                faults.push((
                    ".create_time.start_time".to_owned(),
                    "is required: AWS takes a span with both ends".into(),
                ));
            }
            Period { .. } => {}
        }
        faults
    }
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// The members of a list that stand in it before, each with its index: one thing is named once, whatever it is called by.
fn repeated(names: &[String]) -> impl Iterator<Item = (usize, Fault)> {
    (0..names.len()).filter_map(|index| Some((index, given_before(names, index)?)))
}

/// Which recovery points a hold keeps, as AWS tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldSelection {
    /// Names of vaults.
    pub vaults: Vec<String>,
    /// ARNs of resources.
    pub resources: Vec<String>,
    /// Types of resources: whatever AWS tells that is no ARN.
    pub types: Vec<String>,
    /// When they were created.
    pub created: Period,
}

impl HeldSelection {
    /// Out of AWS's words.
    pub fn told(vaults: Vec<String>, identifiers: Vec<String>, created: Period) -> Self {
        let (resources, types) = identifiers.into_iter().partition(|identifier| Arn::looks_like(identifier));
        Self { vaults, resources, types, created }
    }

    /// The resources that were named twice, such as once by their identifier and once by their ARN.
    pub fn resources_repeated(&self) -> Vec<(usize, Fault)> {
        repeated(&self.resources).collect()
    }

    /// Whether both say the same, in whatever order.
    fn same_as(&self, other: &Self) -> bool {
        fn set(list: &[String]) -> BTreeSet<&String> {
            list.iter().collect()
        }
        set(&self.vaults) == set(&other.vaults)
            && set(&self.resources) == set(&other.resources)
            && set(&self.types) == set(&other.types)
            && self.created == other.created
    }

    /// Whether a recovery point of such a resource, in a vault that fits, fits.
    pub fn fits(&self, resource_arn: &str, resource_type: Option<&str>, created_at: Option<Timestamp>) -> bool {
        let any = self.resources.is_empty() && self.types.is_empty();
        let named = || {
            self.resources.iter().any(|arn| arn == resource_arn)
                || resource_type.is_some_and(|of| self.types.iter().any(|named| named == of))
        };
        let within = |at: Timestamp| {
            self.created.after.is_none_or(|after| at >= after) && self.created.before.is_none_or(|before| at < before)
        };
        (any || named()) && (self.created.is_unbounded() || created_at.is_some_and(within))
    }
}

/// Where a legal hold stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegalHoldState {
    /// Being made.
    Creating,
    /// It holds.
    Active,
    /// Being cancelled.
    Cancelling,
    /// It holds nothing any more.
    Cancelled,
    /// A word that AWS added later, as it is.
    Unknown(String),
}

impl LegalHoldState {
    /// Reads AWS's word.
    pub fn of_word(word: &str) -> Self {
        match word {
            "CREATING" => Self::Creating,
            "ACTIVE" => Self::Active,
            "CANCELING" => Self::Cancelling,
            "CANCELED" => Self::Cancelled,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// AWS's word.
    pub fn word(&self) -> &str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Cancelling => "CANCELING",
            Self::Cancelled => "CANCELED",
            Self::Unknown(word) => word,
        }
    }

    /// Whether it was cancelled, though AWS may still be at it.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Cancelling | Self::Cancelled)
    }
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalHold {
    /// AWS's id; blank: it is not made yet.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Where it is.
    pub scope: Scope,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Where it stands.
    pub state: LegalHoldState,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Why it was cancelled; blank where AWS does not say.
    pub cancel_reason: String,
    /// Until when AWS keeps its record.
    pub record_kept_until: Option<Timestamp>,
    /// What it keeps; `None` where AWS does not say.
    pub selection: Option<HeldSelection>,
    /// Tags; empty where AWS does not say.
    pub tags: BTreeMap<String, String>,
}

/// A legal hold to be cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelLegalHold {
    /// Which.
    pub hold: LegalHoldRef,
    /// Why.
    pub reason: String,
    /// For how many days AWS is to keep its record.
    pub retain_record_days: Option<i32>,
    /// A missing one is success too.
    pub allow_missing: bool,
}

impl CancelLegalHold {
    /// A reason.
    pub fn reason(text: String) -> Result<String, Fault> {
        check_text(&text, "a reason", LONGEST_TEXT).map(|()| text)
    }

    /// A number of days.
    pub fn days(days: Option<i32>) -> Result<Option<i32>, Fault> {
        const MOST: i32 = 36_500;
        match days {
            Some(days) if !(0..=MOST).contains(&days) => {
                Err(format!("{days} is not a number of days that AWS keeps a record: give 0–{MOST}").into())
            }
            days => Ok(days),
        }
    }
}

/// A recovery point that a hold keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPoint {
    /// Account and region.
    pub scope: Scope,
    /// Its ARN.
    pub arn: String,
    /// Name of its vault.
    pub vault: String,
    /// ARN of what was backed up.
    pub resource_arn: String,
    /// AWS Backup's name of its type.
    pub resource_type: String,
}

/// How many recovery points a hold keeps, as far as they were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldCount {
    /// So many.
    pub points: usize,
    /// Of them so many continuous ones.
    pub continuous: usize,
    /// There may be more.
    pub more: bool,
}
