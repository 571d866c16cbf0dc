//! Legal holds: Strongroom neither makes nor cancels them, and says which one is in the way.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Error,
    call::{Operation, call},
    client::Clients,
};
use crate::domain::{Arn, MAX_PAGE_SIZE, VaultName};

const LIST: Operation = Operation::read("backup", "ListLegalHolds");
const LIST_POINTS: Operation = Operation::read("backup", "ListRecoveryPointsByLegalHold");

/// Holds that are looked into at once.
const AT_ONCE: usize = 4;

/// An active legal hold, and how many of the recovery points asked about it keeps.
#[derive(Debug)]
pub(super) struct Hold {
    id: String,
    title: String,
    /// At least one.
    pub(super) kept: usize,
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let title: String = self.title.chars().take(60).collect();
        write!(f, "\"{}\" ({})", title.escape_debug(), self.id)
    }
}

impl Clients {
    /// The holds that keep recovery points of the vault, or that one point of it. AWS has no look-up by point: every
    /// active hold, of which an account has 50 at most, is looked into.
    pub(super) async fn holds_on(&self, vault: &VaultName, point: Option<&Arn>) -> Result<Vec<Hold>, Error> {
        let active = self.active_holds().await?;
        let looked: Vec<Hold> = stream::iter(active)
            .map(|hold| async move {
                let kept = self.kept_by(&hold.id, vault, point).await?;
                Ok::<_, Error>(Hold { kept, ..hold })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(looked.into_iter().filter(|hold| hold.kept > 0).collect())
    }

    async fn active_holds(&self) -> Result<Vec<Hold>, Error> {
        let (mut active, mut cursor) = (Vec::new(), None);
        loop {
            let sent = self.backup.list_legal_holds().max_results(MAX_PAGE_SIZE.into()).set_next_token(cursor);
            let answer = call(LIST, sent.send()).await?;
            // One that is being made or cancelled may hold already, or still.
            let holds = answer.legal_holds.unwrap_or_default().into_iter();
            let holds = holds.filter(|hold| hold.status.as_ref().is_none_or(|status| status.as_str() != "CANCELED"));
            active.extend(holds.filter_map(|hold| {
                Some(Hold { id: hold.legal_hold_id?, title: hold.title.unwrap_or_default(), kept: 0 })
            }));
            cursor = answer.next_token;
            if cursor.is_none() {
                return Ok(active);
            }
        }
    }

    async fn kept_by(&self, id: &str, vault: &VaultName, point: Option<&Arn>) -> Result<usize, Error> {
        let (mut kept, mut cursor) = (0, None);
        loop {
            let sent = self.backup.list_recovery_points_by_legal_hold().legal_hold_id(id);
            let sent = sent.max_results(MAX_PAGE_SIZE.into()).set_next_token(cursor);
            let answer = call(LIST_POINTS, sent.send()).await?;
            let ours = |it: &&aws_sdk_backup::types::RecoveryPointMember| {
                it.backup_vault_name() == Some(vault.as_str())
                    && point.is_none_or(|arn| it.recovery_point_arn() == Some(arn.as_str()))
            };
            kept += answer.recovery_points().iter().filter(ours).count();
            cursor = answer.next_token;
            // Of one point once is enough.
            if cursor.is_none() || (point.is_some() && kept > 0) {
                return Ok(kept);
            }
        }
    }
}
