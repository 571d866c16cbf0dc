//! Which legal hold is in the way of a deletion.

use aws_sdk_backup::types::{LegalHold, RecoveryPointMember};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    super::{Failure, Scoped, call::ask, pages::pages},
    LIST, LIST_POINTS,
};
use crate::domain::{Arn, MAX_PAGE_SIZE, VaultName};

/// Holds that are looked into at once.
const AT_ONCE: usize = 4;

/// An active legal hold, and how many of the recovery points asked about it keeps.
#[derive(Debug)]
pub(in crate::aws) struct Hold {
    id: String,
    title: String,
    /// At least one.
    pub(in crate::aws) kept: usize,
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let title: String = self.title.chars().take(60).collect();
        write!(f, "\"{}\" ({})", title.escape_debug(), self.id)
    }
}

impl Scoped {
    /// The holds that keep recovery points of the vault, or that one point of it. AWS has no look-up by point: every
    /// active hold, of which an account has 50 at most, is looked into.
    pub(in crate::aws) async fn holds_on(&self, vault: &VaultName, point: Option<&Arn>) -> Result<Vec<Hold>, Failure> {
        let active = self.active_holds().await?;
        let looked: Vec<Hold> = stream::iter(active)
            .map(|hold| async move {
                let kept = self.kept_by(&hold.id, vault, point).await?;
                Ok::<_, Failure>(Hold { kept, ..hold })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(looked.into_iter().filter(|hold| hold.kept > 0).collect())
    }

    async fn active_holds(&self) -> Result<Vec<Hold>, Failure> {
        let holds = pages(|token| async move {
            let sent = self.clients.backup.list_legal_holds().max_results(MAX_PAGE_SIZE.into()).set_next_token(token);
            let answer = self.read(LIST, ask!(sent)).await?;
            Ok((answer.legal_holds.unwrap_or_default(), answer.next_token))
        });
        let holds: Vec<LegalHold> = holds.try_concat().await?;
        // One that is being made or cancelled may hold already, or still.
        let active = |hold: &LegalHold| hold.status.as_ref().is_none_or(|status| status.as_str() != "CANCELED");
        let hold =
            |hold: LegalHold| Some(Hold { id: hold.legal_hold_id?, title: hold.title.unwrap_or_default(), kept: 0 });
        Ok(holds.into_iter().filter(active).filter_map(hold).collect())
    }

    async fn kept_by(&self, id: &str, vault: &VaultName, point: Option<&Arn>) -> Result<usize, Failure> {
        let points = pages(|token| async move {
            let sent = self.clients.backup.list_recovery_points_by_legal_hold().legal_hold_id(id);
            let sent = sent.max_results(MAX_PAGE_SIZE.into()).set_next_token(token);
            let answer = self.read(LIST_POINTS, ask!(sent)).await?;
            Ok((answer.recovery_points.unwrap_or_default(), answer.next_token))
        });
        let ours = |it: &&RecoveryPointMember| {
            it.backup_vault_name() == Some(vault.as_str())
                && point.is_none_or(|arn| it.recovery_point_arn() == Some(arn.as_str()))
        };
        let (mut points, mut kept) = (std::pin::pin!(points), 0);
        while let Some(page) = points.try_next().await? {
            kept += page.iter().filter(ours).count();
            // Of one point once is enough.
            if point.is_some() && kept > 0 {
                break;
            }
        }
        Ok(kept)
    }
}
