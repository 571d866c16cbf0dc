//! Legal holds: what one is, and which recovery points it keeps (docs/aws-backup-semantics.md, section 1.14).
//!
//! A hold keeps the points that are there, and fit its selection, when it is made `[I]`: a date range cannot reach into
//! the future `[M]`, and AWS does not say that one without a range grows.

mod operations;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    job_store::TOKEN_LIFE,
    recovery_points::{RecoveryPoint, RecoveryPoints, Status as PointStatus},
    routes::{Route, route},
};

/// What this folder serves.
pub const ROUTES: &[Route] = &[
    route("POST", "legal-holds", "CreateLegalHold", operations::create),
    route("GET", "legal-holds", "ListLegalHolds", operations::list),
    route("GET", "legal-holds/{legalHoldId}", "GetLegalHold", operations::get),
    route("DELETE", "legal-holds/{legalHoldId}", "CancelLegalHold", operations::cancel),
    route(
        "GET",
        "legal-holds/{legalHoldId}/recovery-points",
        "ListRecoveryPointsByLegalHold",
        operations::list_recovery_points,
    ),
];

/// Cancelled holds that a region remembers; above it the oldest go early.
const MOST_CANCELLED: usize = 1_000;

/// A legal hold. Creating and cancelling take no time here, so the model's CREATING and CANCELING are never seen `[I]`.
#[derive(Debug, Clone)]
pub struct LegalHold {
    /// Lower-case UUID.
    pub id: String,
    /// `arn:aws:backup:R:A:legal-hold:ID` `[U]`.
    pub arn: String,
    /// What people call it.
    pub title: String,
    /// Why it is there.
    pub description: String,
    /// When it was made.
    pub created: Timestamp,
    /// How it ended, if it did.
    pub cancelled: Option<Cancelled>,
    /// What it was asked to keep.
    pub selection: Option<Selection>,
    /// ARNs of the points that it keeps; empty once it is cancelled.
    pub points: BTreeSet<String>,
}

/// How a hold ended.
#[derive(Debug, Clone)]
pub struct Cancelled {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub description: String,
    /// Until when its record is kept; AWS does not say how long without a number of days `[U]`.
    pub retain_until: Option<Timestamp>,
}

/// `RecoveryPointSelection`. What is left out fits everything; all that is given must fit `[I]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of vaults.
    pub vaults: Vec<String>,
    /// ARNs of resources or vaults, or types of resources: "the resources, including type of resources and vaults" `[M]`.
    pub resources: Vec<String>,
    /// First and last time of creation, both included.
    pub dates: Option<(Timestamp, Timestamp)>,
}

impl Selection {
    fn fits(&self, point: &RecoveryPoint) -> bool {
        let named = |name: &String| [&point.resource_arn, &point.resource_type, &point.vault_arn].contains(&name);
        (self.vaults.is_empty() || self.vaults.contains(&point.vault_name))
            && (self.resources.is_empty() || self.resources.iter().any(named))
            && self.dates.is_none_or(|(from, to)| (from..=to).contains(&point.created_at))
    }
}

/// A region's legal holds.
#[derive(Debug, Default)]
pub struct LegalHolds {
    by_id: BTreeMap<String, LegalHold>,
    /// By idempotency token: the request, when it came and the hold that it made.
    tokens: BTreeMap<String, (String, Timestamp, String)>,
}

impl LegalHolds {
    /// The hold that keeps the point from deletion, if one does.
    #[must_use]
    pub fn keeping(&self, arn: &str) -> Option<&LegalHold> {
        self.by_id.values().find(|hold| hold.points.contains(arn))
    }

    /// Whether there is a hold of this id, cancelled ones included.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Forgets records whose time is over, and tokens.
    pub fn prune(&mut self, now: Timestamp) {
        let cancelled = |hold: &LegalHold| hold.cancelled.clone();
        self.by_id.retain(|_, hold| cancelled(hold).and_then(|end| end.retain_until).is_none_or(|until| until > now));
        let mut ended: Vec<_> = self.by_id.values().filter_map(|hold| Some((cancelled(hold)?.at, &hold.id))).collect();
        if let Some(excess) = ended.len().checked_sub(MOST_CANCELLED).filter(|excess| *excess > 0) {
            ended.sort_unstable();
            let forgotten: Vec<String> = ended.into_iter().take(excess).map(|(_, id)| id.clone()).collect();
            for id in forgotten {
                self.by_id.remove(&id);
            }
        }
        self.tokens.retain(|_, (_, at, _)| now.duration_since(*at) < TOKEN_LIFE);
    }

    fn active(&self) -> usize {
        self.by_id.values().filter(|hold| hold.cancelled.is_none()).count()
    }
}

/// The points that a hold of this selection keeps, made now. What is on its way out cannot be kept any more.
fn kept(points: &RecoveryPoints, selection: &Selection) -> BTreeSet<String> {
    let fitting = points.all().filter(|point| point.status != PointStatus::Deleting && selection.fits(point));
    fitting.map(|point| point.arn.clone()).collect()
}
