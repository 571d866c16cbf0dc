//! Reading recovery points, and what guards their vaults, for the ledger: vault after vault, again and again.
//!
//! What a look does not find any more is asked for by its name before it is said to be gone: a page that changes while it is
//! read leaves out what is there.

use std::{collections::BTreeSet, slice, time::Duration};

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

/// How long it is waited before what is missing or weaker is told to be others' doing: a change that was asked for here is done at AWS a
/// moment before it is noted as ours.
const GRACE: Duration = Duration::from_secs(2);

/// Takes in what was seen; what would be an incident, once more after a while.
macro_rules! judged {
    ($by:ident => $take_in:expr) => {{
        let $by = Doer::Suspected;
        if !$take_in.await? {
            sleep(GRACE).await;
            let $by = Doer::Others;
            $take_in.await?;
        }
    }};
}

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
    // One that cannot be read, as its own policy may have it, keeps no other from being read.
    let mut unread = None;
    for name in &vaults.items {
        let arn = VaultRef::arn_of(name.as_str(), scope);
        match look.at_vault(name, &arn).await {
            // It goes just now, and the next look sees it.
            Err(Broken::Aws(error)) if error.is_missing() => {}
            Err(error @ Broken::Aws(_)) => unread = unread.or(Some(error)),
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
    unread.map_or(Ok(()), Err)
}

/// Looks at a recovery point of which there is news, in the vault that it is known to be in, or else is said to be: as it is, or
/// that it is gone.
pub(super) async fn look_at_point(
    workers: &Workers,
    scope: &Scope,
    arn: &str,
    said: Option<&str>,
) -> Result<(), Broken> {
    let known = workers.ledger.point(arn).await?.map(|point| point.vault);
    // One of which nothing is known is seen with its vault.
    let Some(vault) = known.or_else(|| said.map(|name| VaultRef::arn_of(name, scope))) else { return Ok(()) };
    let Ok((name, _)) = VaultName::parse_reference(&vault) else { return Ok(()) };
    let aws = workers.aws.within(&scope.into()).await?.for_worker();
    let look = Look { aws: &aws, ledger: &workers.ledger, scope };
    if let Some(at) = look.gone_at(&name, &vault, arn, None).await? {
        judged!(by => workers.ledger.points_gone(scope, &[arn], at, by));
    }
    Ok(())
}

/// Looks at a vault of which there is news.
pub(super) async fn look_at_vault(workers: &Workers, scope: &Scope, name: &str) -> Result<(), Broken> {
    let Ok(name) = VaultName::parse(name) else { return Ok(()) };
    let aws = workers.aws.within(&scope.into()).await?.for_worker();
    match aws.sweep_vault(&name).await {
        Ok((picture, at)) => {
            let arn = VaultRef::arn_of(name.as_str(), scope);
            judged!(by => workers.ledger.learn_vault(scope, &arn, picture.clone(), at, by));
            Ok(())
        }
        // The next look at all vaults sees to what was in it.
        Err(error) if error.is_missing() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

struct Look<'l> {
    aws: &'l Scoped,
    ledger: &'l Ledger,
    scope: &'l Scope,
}

impl Look<'_> {
    async fn at_vault(&self, name: &VaultName, arn: &str) -> Result<(), Broken> {
        let (picture, at) = self.aws.sweep_vault(name).await?;
        judged!(by => self.ledger.learn_vault(self.scope, arn, picture.clone(), at, by));
        let mut since = None;
        let batches = self.aws.sweep_points(name);
        pin_mut!(batches);
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(Error::from)?;
            since = since.or(Some(batch.at));
            judged!(by => self.ledger.learn_points(self.scope, arn, &batch.items, batch.at, by));
        }
        match since {
            Some(since) => self.for_missing(name, arn, since).await,
            None => Ok(()),
        }
    }

    /// Looks for what was there and was not told since then.
    async fn for_missing(&self, name: &VaultName, vault: &str, since: Timestamp) -> Result<(), Broken> {
        let mut asked = BTreeSet::new();
        loop {
            let unseen = self.ledger.unseen_points(self.scope, vault, since, AT_ONCE).await?;
            // Whatever AWS tells of a point, it is asked for once.
            if unseen.iter().filter(|point| asked.insert(point.arn.clone())).count() == 0 {
                return Ok(());
            }
            let mut gone = Vec::new();
            for KnownPoint { arn, expires_at, .. } in &unseen {
                // What was to be deleted by now is.
                if expires_at.is_some_and(|expires| expires <= since) {
                    gone.push(arn.as_str());
                    continue;
                }
                if self.gone_at(name, vault, arn, Some(since)).await?.is_some() {
                    gone.push(arn.as_str());
                }
            }
            judged!(by => self.ledger.points_gone(self.scope, &gone, since, by));
        }
    }

    /// Since when a point is known to be no more; if it is there, it is taken in as it is. As of `since`, or of when it is asked for.
    async fn gone_at(
        &self,
        name: &VaultName,
        vault: &str,
        arn: &str,
        since: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, Broken> {
        let Ok(named) = Arn::parse(arn) else { return Ok(None) };
        let (found, at) = self.aws.sweep_point(&PointInVault { vault: name.clone(), arn: named }).await;
        let at = since.unwrap_or(at);
        match found {
            Ok(point) => {
                judged!(by => self.ledger.learn_points(self.scope, vault, slice::from_ref(&point), at, by));
                Ok(None)
            }
            Err(error) if error.is_missing() => Ok(Some(at)),
            Err(error) => Err(error.into()),
        }
    }
}
