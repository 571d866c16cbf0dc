//! One of several servers does what is done once for all.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{PAUSE, Workers, metrics};
use crate::ledger::{Lease, Ledger};

/// How long a shutdown waits for the ledger to take back a role.
const FAREWELL: Duration = Duration::from_secs(2);

impl Workers {
    /// Does the work while this server leads the role, until it is stopped; then the role is given back, and another server has it
    /// within a second. The work is given workers whose ledger writes nothing once another leads. It is dropped wherever it stands
    /// when it is no more sure that this server leads, and begins anew when it leads again: it must not mind either.
    pub(super) async fn lead<F>(self, role: &'static str, stop: CancellationToken, work: impl Fn(Self) -> F)
    where
        F: Future<Output = ()>,
    {
        metrics::leads(role, false);
        while let Some(mut lease) = stop.run_until_cancelled(self.elected(role)).await {
            tracing::debug!(role, "this server leads");
            metrics::leads(role, true);
            let working = Self { ledger: self.ledger.under(&lease), ..self.clone() };
            let why = tokio::select! {
                () = stop.cancelled() => "the server stops",
                why = hold(&self.ledger, &mut lease) => why,
                () = work(working) => "the work has ended",
            };
            metrics::leads(role, false);
            // It ends by itself where that fails.
            match timeout(FAREWELL, self.ledger.release_lease(lease)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(role, %error, "the role is not given back"),
                Err(_) => tracing::debug!(role, "the role is not given back: the ledger does not answer in time"),
            }
            if stop.is_cancelled() {
                return;
            }
            tracing::info!(role, why, "this server leads no more");
            sleep(PAUSE).await;
        }
    }

    /// Until this server leads the role.
    async fn elected(&self, role: &'static str) -> Lease {
        loop {
            match self.ledger.take_lease(role, &self.name, self.config.lease).await {
                Ok(Some(lease)) => return lease,
                Ok(None) => {}
                Err(error) => tracing::debug!(role, %error, "who leads cannot be told"),
            }
            sleep(PAUSE).await;
        }
    }
}

/// Renews the lease until that is no more sure to be in time; with the reason.
async fn hold(ledger: &Ledger, lease: &mut Lease) -> &'static str {
    loop {
        let due = lease.is_due();
        tokio::select! {
            () = sleep_until(due) => {}
            () = lease.lost() => return "another leads",
        }
        // A clock may be a little slower than the database's.
        let sure = lease.ends() - lease.ends().duration_since(due) / 10;
        while lease.is_due() == due {
            match timeout_at(sure, ledger.renew_lease(lease)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return "another leads",
                Ok(Err(_)) if Instant::now() + PAUSE < sure => sleep(PAUSE).await,
                Ok(Err(_)) | Err(_) => return "the ledger does not answer",
            }
        }
    }
}
