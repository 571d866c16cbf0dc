//! What two persons have agreed on, and what one of them asks for. The SQL here is the same for both databases.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    Error, Ledger,
    jobs::scope_of,
    store::{Row, Value},
};
use crate::domain::{
    APPROVAL_HOLDS_FOR, Approval, ApprovalDecision, ApprovalState, NewApproval, Person, Scope, Signer,
};

/// An approval, of which `WHERE` and more follow.
macro_rules! approvals {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, p.account, p.region, a.action, a.request, a.request_id, a.digest, a.shown, a.requester, a.reason, ",
            "a.asked, a.expires, a.decider, a.agrees, a.note, a.decided, a.used, a.after FROM approval AS a ",
            "JOIN place AS p ON p.id = a.place WHERE ",
            $rest
        )
    };
}

const ONE: &str = approvals!("a.id = $1");

const NEWEST: &str = approvals!(
    "a.requester_name = $1 AND a.request_id = $2 AND p.account = $3 AND p.region = $4 ORDER BY a.asked DESC, a.id DESC LIMIT 1"
);

const PAGE: &str = approvals!(
    "p.account = $1 AND p.region = $2 AND (a.asked, a.id) < ($3, $4) ORDER BY a.asked DESC, a.id DESC LIMIT $5"
);

pub(super) const ALL: &str = approvals!("a.id > $1 ORDER BY a.id LIMIT $2");

const PUT: &str = "INSERT INTO approval (id, place, action, request, request_id, digest, shown, requester, requester_name, reason, asked, \
                   expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const END: &str = "UPDATE approval SET expires = $3 WHERE requester_name = $1 AND request_id = $2 AND expires > $3";

/// One that somebody has decided on is not decided on again, but that what was agreed to can be taken back.
const DECIDE: &str = "UPDATE approval SET decider = $2, agrees = $3, note = $4, decided = $5 WHERE id = $1 AND used IS NULL \
                      AND expires > $5 AND (agrees IS NULL OR (agrees = 1 AND $3 = 0)) RETURNING id";

const FINISH: &str = "UPDATE approval SET after = $2 WHERE id = $1 AND used IS NOT NULL RETURNING id";

const USE: &str =
    "UPDATE approval SET used = $2 WHERE id = $1 AND used IS NULL AND agrees = 1 AND expires > $2 RETURNING id";

/// The oldest that were asked for before `$1`, of which `$2` at most: a row of each.
pub(super) const FORGET: &str = "DELETE FROM approval WHERE id IN (SELECT id FROM approval WHERE asked < $1 ORDER BY asked LIMIT $2) \
                                 RETURNING asked";

/// Where a page begins: after the approval that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalPosition {
    asked: i64,
    id: String,
}

impl ApprovalPosition {
    /// Out of its text.
    pub fn parse(text: &str) -> Option<Self> {
        let (asked, id) = text.split_once('.')?;
        Some(Self { asked: asked.parse().ok()?, id: Uuid::parse_str(id).ok()?.to_string() })
    }
}

impl std::fmt::Display for ApprovalPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.asked, self.id)
    }
}

impl Ledger {
    /// Keeps that somebody asks for an approval. The very same that is asked for already stays as it is; whatever else the
    /// requester has asked for under that `request_id` is over.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn ask_approval(&self, new: &NewApproval) -> Result<Approval, Error> {
        let (mut writing, place) = self.write_of(&new.scope).await?;
        let now = new.asked_at;
        let before = writing.rows(NEWEST, of(new)).await?.pop().map(approval).transpose()?;
        let is_the_same = |before: &Approval| {
            matches!(before.state(now), ApprovalState::Pending | ApprovalState::Approved)
                && (&before.of.action, &before.of.digest, &before.of.shown) == (&new.action, &new.digest, &new.shown)
        };
        if let Some(same) = before.filter(is_the_same) {
            return Ok(same);
        }
        let millis = now.as_millisecond();
        let args = vec![new.requester.name.as_str().into(), new.request_id.as_str().into(), millis.into()];
        writing.rows(END, args).await?;
        let id = Uuid::new_v4().to_string();
        let expires = now + APPROVAL_HOLDS_FOR;
        let args = vec![
            id.as_str().into(),
            place.into(),
            new.action.as_str().into(),
            BASE64_STANDARD.encode(&new.request).into(),
            new.request_id.as_str().into(),
            new.digest.as_str().into(),
            new.shown.as_str().into(),
            signed(&new.requester).into(),
            new.requester.name.as_str().into(),
            new.reason.as_str().into(),
            millis.into(),
            expires.as_millisecond().into(),
        ];
        writing.rows(PUT, args).await?;
        let kept = writing.rows(ONE, vec![id.into()]).await?.pop().map(approval).transpose()?;
        writing.commit().await?;
        kept.ok_or_else(|| Error::unreadable("what was just written is not there"))
    }

    /// An approval, if there is one with that id.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn approval(&self, id: &str) -> Result<Option<Approval>, Error> {
        let rows = self.store().await?.rows(ONE, vec![id.into()]).await?;
        rows.into_iter().next().map(approval).transpose()
    }

    /// The approval that a caller has asked for last for the request of that id.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn approval_for(
        &self,
        scope: &Scope,
        requester: &str,
        request_id: &str,
    ) -> Result<Option<Approval>, Error> {
        let args =
            vec![requester.into(), request_id.into(), scope.account.as_str().into(), scope.region.as_str().into()];
        let rows = self.store().await?.rows(NEWEST, args).await?;
        rows.into_iter().next().map(approval).transpose()
    }

    /// So many approvals of an account and region, those that were asked for last first; and where the next ones begin.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn list_approvals(
        &self,
        scope: &Scope,
        size: usize,
        after: Option<&ApprovalPosition>,
    ) -> Result<(Vec<Approval>, Option<ApprovalPosition>), Error> {
        let (asked, id) = after.map_or((i64::MAX, ""), |after| (after.asked, after.id.as_str()));
        let args =
            vec![scope.account.as_str().into(), scope.region.as_str().into(), asked.into(), id.into(), size.into()];
        let rows = self.store().await?.rows(PAGE, args).await?;
        let approvals = rows.into_iter().map(approval).collect::<Result<Vec<_>, _>>()?;
        let position =
            |last: &Approval| ApprovalPosition { asked: last.of.asked_at.as_millisecond(), id: last.id.clone() };
        let next = approvals.last().filter(|_| approvals.len() >= size).map(position);
        Ok((approvals, next))
    }

    /// Keeps what somebody has decided. Whether it could be: not of what is decided, used or over, but that what was agreed to
    /// is taken back.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn decide_approval(&self, id: &str, decision: &ApprovalDecision) -> Result<bool, Error> {
        let ApprovalDecision { by, agrees, note, at } = decision;
        let args = vec![
            id.into(),
            signed(by).into(),
            i64::from(*agrees).into(),
            note.as_str().into(),
            at.as_millisecond().into(),
        ];
        self.changes_one(DECIDE, args).await
    }

    /// Uses an approval up. Whether it could be: once, of those that wait for it, one can.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn use_approval(&self, id: &str, at: Timestamp) -> Result<bool, Error> {
        self.changes_one(USE, vec![id.into(), at.as_millisecond().into()]).await
    }

    /// Keeps that the request was carried out, and what came of what it is about.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn finish_approval(&self, id: &str, after: &str) -> Result<bool, Error> {
        self.changes_one(FINISH, vec![id.into(), after.into()]).await
    }

    async fn changes_one(&self, sql: &'static str, args: Vec<Value>) -> Result<bool, Error> {
        let mut writing = self.store().await?.write().await?;
        let changed = !writing.rows(sql, args).await?.is_empty();
        writing.commit().await?;
        Ok(changed)
    }
}

fn of(new: &NewApproval) -> Vec<Value> {
    vec![
        new.requester.name.as_str().into(),
        new.request_id.as_str().into(),
        new.scope.account.as_str().into(),
        new.scope.region.as_str().into(),
    ]
}

pub(super) fn approval(mut row: Row) -> Result<Approval, Error> {
    let decided = match (row.some_text(12), row.some_int(13), row.some_time(15)?) {
        (Some(by), Some(agrees), Some(at)) => {
            let note = row.some_text(14).unwrap_or_default();
            Some(ApprovalDecision { by: signer(&by)?, agrees: agrees == 1, note, at })
        }
        _ => None,
    };
    let request = BASE64_STANDARD.decode(row.text(4)?).map_err(|_| strange())?;
    Ok(Approval {
        id: row.text(0)?,
        of: NewApproval {
            scope: scope_of(&row.text(1)?, &row.text(2)?)?,
            action: row.text(3)?,
            request,
            request_id: row.text(5)?,
            digest: row.text(6)?,
            shown: row.text(7)?,
            requester: signer(&row.text(8)?)?,
            reason: row.text(9)?,
            asked_at: row.time(10)?,
        },
        expires_at: row.time(11)?,
        decided,
        used_at: row.some_time(16)?,
        after: row.some_text(17),
    })
}

fn signed(signer: &Signer) -> String {
    let Signer { name, groups, issuer, person } = signer;
    let (sort, claim) = match person {
        Person::Subject => ("subject", None),
        Person::Claimed(who) => ("claimed", Some(who)),
        Person::Nobody => ("nobody", None),
    };
    json!({ "name": name, "groups": groups, "issuer": issuer, "person": sort, "claim": claim }).to_string()
}

fn signer(text: &str) -> Result<Signer, Error> {
    let mut told: Json = serde_json::from_str(text).map_err(|_| strange())?;
    let of = |name: &str| told[name].as_str().map(str::to_owned).ok_or_else(strange);
    let person = match of("person")?.as_str() {
        "subject" => Person::Subject,
        "claimed" => Person::Claimed(of("claim")?),
        "nobody" => Person::Nobody,
        _ => return Err(strange()),
    };
    let (name, issuer) = (of("name")?, of("issuer")?);
    let groups = serde_json::from_value(told["groups"].take()).map_err(|_| strange())?;
    Ok(Signer { name, groups, issuer, person })
}

fn strange() -> Error {
    Error::unreadable("an approval is not written as this version writes it")
}
