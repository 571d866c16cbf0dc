//! Reading recovery points, and what guards their vaults, for the ledger: vault after vault, again and again.
//!
//! What a look does not find any more is asked for by its name before it is said to be gone: a page that changes while it is
//! read leaves out what is there.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, future::join_all, pin_mut};
use jiff::Timestamp;
use tokio::time::sleep;

use super::{Broken, Workers};
use crate::{
    aws::{Error, Scoped},
    domain::{Arn, PointInVault, Scope, VaultName, VaultRef},
    ledger::{Doer, KnownPoint, Ledger},
};

/// Points that are asked for by name one after the other, before what came of it is written.
const AT_ONCE: usize = 100;

/// Looks after every account and region that is meant. It never ends.
pub(super) async fn look_after(workers: Workers) {
    let scopes = workers.followed().await;
    join_all(scopes.into_iter().map(|scope| look_after_one(&workers, scope))).await;
}

async fn look_after_one(workers: &Workers, scope: Scope) {
    let mut is_well = true;
    loop {
        match look(workers, &scope).await {
            Ok(()) => is_well = true,
            Err(error) => {
                // Once, not at every look.
                if is_well {
                    tracing::warn!(%scope.account, %scope.region, %error, "recovery points are not all read");
                }
                is_well = false;
            }
        }
        sleep(workers.feed.points_interval.mul_f64(0.9 + 0.2 * fastrand::f64())).await;
    }
}

async fn look(workers: &Workers, scope: &Scope) -> Result<(), Broken> {
    let aws = workers.aws.within(&scope.into()).await?.for_worker();
    let look = Look { aws: &aws, ledger: &workers.ledger, scope };
    let vaults = aws.sweep_vaults().await?;
    let mut gone: BTreeSet<String> = workers.ledger.vaults(scope).await?.into_iter().collect();
    for name in &vaults.items {
        let arn = VaultRef::arn_of(name.as_str(), scope);
        match look.at_vault(name, &arn).await {
            // It goes just now, and the next look sees it.
            Err(Broken::Aws(error)) if error.is_missing() => {}
            ended => ended?,
        }
        gone.remove(&arn);
    }
    for arn in gone {
        let name = VaultName::parse_reference(&arn).map(|(name, _)| name);
        if let Ok(name) = name {
            look.for_missing(&name, &arn, vaults.at).await?;
        }
        workers.ledger.vault_gone(scope, &arn, vaults.at).await?;
    }
    workers.ledger.close_what_is_past(scope, vaults.at).await?;
    Ok(())
}

struct Look<'l> {
    aws: &'l Scoped,
    ledger: &'l Ledger,
    scope: &'l Scope,
}

impl Look<'_> {
    async fn at_vault(&self, name: &VaultName, arn: &str) -> Result<(), Broken> {
        let (picture, at) = self.aws.sweep_vault(name).await?;
        self.ledger.learn_vault(self.scope, arn, picture, at, Doer::Others).await?;
        let mut since = None;
        let batches = self.aws.sweep_points(name);
        pin_mut!(batches);
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(Error::from)?;
            since = since.or(Some(batch.at));
            self.ledger.learn_points(self.scope, arn, &batch.items, batch.at, Doer::Others).await?;
        }
        match since {
            Some(since) => self.for_missing(name, arn, since).await,
            None => Ok(()),
        }
    }

    /// Looks for what was there and was not told since then.
    async fn for_missing(&self, name: &VaultName, vault: &str, since: Timestamp) -> Result<(), Broken> {
        loop {
            let unseen = self.ledger.unseen_points(self.scope, vault, since, AT_ONCE).await?;
            if unseen.is_empty() {
                return Ok(());
            }
            let mut gone = Vec::new();
            for KnownPoint { arn, expires_at, .. } in &unseen {
                // What was to be deleted by now is.
                if expires_at.is_some_and(|expires| expires <= since) {
                    gone.push(arn.as_str());
                    continue;
                }
                let Ok(named) = Arn::parse(arn) else { continue };
                match self.aws.get_recovery_point(&PointInVault { vault: name.clone(), arn: named }).await {
                    Ok(point) => {
                        self.ledger.learn_points(self.scope, vault, &[point], since, Doer::Others).await?;
                    }
                    Err(error) if error.is_missing() => gone.push(arn.as_str()),
                    Err(error) => return Err(error.into()),
                }
            }
            self.ledger.points_gone(self.scope, &gone, since, Doer::Others).await?;
        }
    }
}
