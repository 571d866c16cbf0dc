//! What a line of the record says. `docs/audit.md` tells the format to those who read it elsewhere.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rpc::access::principal::Authentication;

/// What a line says, beside its place in the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Record {
    /// The first line of a file.
    Open {
        time: Timestamp,
        /// Of the record of this replica, whose files all say the same.
        record: String,
        segment: u64,
        /// The name of the key that the file is chained with; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// What was begun in an earlier file and has not ended, so that one file suffices to know.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        under_way: Vec<UnderWay>,
    },
    /// A process writes from here on.
    Start { time: Timestamp, version: String },
    /// A call begins.
    Begin(Box<Begin>),
    /// It has ended.
    End(Box<End>),
    /// Half a last line was found at a start, and cut off.
    Cut { time: Timestamp, bytes: u64, sha256: String },
    /// Nothing could be written for a while, and so nothing was changed.
    Gap { time: Timestamp, since: Timestamp, why: String },
    /// Somebody had taken the file away, and it was written again from its beginning.
    Restored { time: Timestamp },
    /// The last line of a file, which has so many bytes before it; the next file has this number.
    Seal { time: Timestamp, next: u64, bytes: u64 },
}

/// The begin of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) time: Timestamp,
    pub(super) id: String,
    pub(super) principal: Caller,
    pub(super) peer: String,
    /// The RPC.
    pub(super) action: String,
    /// What the request names.
    pub(super) resources: Vec<String>,
    /// Account and region as the request names them.
    pub(super) scope: Where,
    pub(super) request_id: String,
    pub(super) request_digest: String,
    /// Its fields, without secrets.
    pub(super) request: Value,
    /// The policies by which it is decided, by a hash of all their files; absent: there are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) policies: String,
    /// Whether it changes nothing: a read, or a check of a change.
    #[serde(default, skip_serializing_if = "is_not")]
    pub(super) read: bool,
    /// Whether the same change was under way, and the call waits for what comes of that.
    #[serde(default, skip_serializing_if = "is_not")]
    pub(super) joined: bool,
}

/// A caller, and how the caller is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    pub(super) authentication: Authentication,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate: Option<String>,
}

/// Account and region; blank: not named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Where {
    pub(super) account: String,
    pub(super) region: String,
}

/// The end of a call. It repeats of the begin what is searched for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) begun: UnderWay,
    #[serde(flatten)]
    pub(super) came: Came,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Came {
    pub(super) time: Timestamp,
    /// Account and region that it worked in; absent: it did not come so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<Where>,
    /// What the answer told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<String>,
    pub(super) outcome: Outcome,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) aws_request_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) changes: Vec<Change>,
    /// Values that were changed beside those.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) changes_left_out: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) detections: Vec<String>,
    /// The approval that it was done with, or that it decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) approval: Option<Box<Approved>>,
    /// The policies by which one person did what takes two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) break_glass_policies: Vec<String>,
    /// The names by which public detection rules know the deeds: `eventName` of CloudTrail.
    #[serde(rename = "eventName", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) event_names: Vec<String>,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Outcome {
    Succeeded,
    Failed,
    Unknown,
}

/// An approval, with both persons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Approved {
    pub(super) id: String,
    pub(super) requester: String,
    /// Blank: nobody has decided.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) decider: String,
    pub(super) action: String,
    pub(super) request_digest: String,
}

/// A value that was changed; absent: there was none, or it is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) subject: String,
    pub(super) field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) old: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) new: Option<Value>,
}

/// A call that was begun: where its begin stands, and what of it is searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnderWay {
    pub(super) id: String,
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) time: Timestamp,
    pub(super) principal: String,
    pub(super) action: String,
    pub(super) resources: Vec<String>,
}

impl Begin {
    pub(super) fn under_way(&self, segment: u64, offset: u64) -> UnderWay {
        UnderWay {
            id: self.id.clone(),
            segment,
            offset,
            time: self.time,
            principal: self.principal.name.clone(),
            action: self.action.clone(),
            resources: self.resources.clone(),
        }
    }
}

impl Came {
    pub(super) fn of(outcome: Outcome, reason: &str) -> Self {
        Self {
            time: Timestamp::now(),
            scope: None,
            resources: Vec::new(),
            outcome,
            reason: reason.to_owned(),
            aws_request_ids: Vec::new(),
            changes: Vec::new(),
            changes_left_out: 0,
            detections: Vec::new(),
            approval: None,
            break_glass_policies: Vec::new(),
            event_names: Vec::new(),
        }
    }
}

fn is_not(said: &bool) -> bool {
    !said
}

fn is_none(count: &u64) -> bool {
    *count == 0
}
