//! Who does what only one of several servers may do at a time: a role is leased to one holder, for a while by the clock of the
//! database, which is one for all.
//!
//! A lease that is held says who tries; the fence says who may. A holder that was asleep past the end of its lease believes that it
//! still has it, so what is written [under](Ledger::under) a lease is checked in the writing transaction, behind the head row, which
//! whoever takes a lease over takes too: nothing of the former holder is written after that.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    Error, Ledger, changes,
    store::{Value, Writing},
};

/// A role that is held.
#[derive(Debug)]
pub struct Lease {
    fence: Arc<Fence>,
    length: Duration,
    /// When the ledger was last asked for it, by this process's clock: it ends no earlier than its length after that.
    asked_at: Instant,
}

/// What is written under a lease is checked by.
#[derive(Debug)]
pub(super) struct Fence {
    role: String,
    holder: String,
    number: i64,
    /// Rings when something was refused by it.
    refused: Notify,
}

impl Fence {
    fn args(&self) -> Vec<Value> {
        vec![self.role.as_str().into(), self.holder.as_str().into(), self.number.into()]
    }
}

impl Lease {
    /// When it ends at the earliest, by this process's clock.
    pub fn ends(&self) -> Instant {
        self.asked_at + self.length
    }

    /// When it is time to renew it: at a third of its length, so that a second and a third try are in time too.
    pub fn is_due(&self) -> Instant {
        self.asked_at + self.length / 3
    }

    /// Until something was refused because another has taken the role over.
    pub async fn lost(&self) {
        self.fence.refused.notified().await;
    }
}

impl Ledger {
    /// Leases a role to the holder, or again to the same. None: another has it.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn take_lease(&self, role: &str, holder: &str, length: Duration) -> Result<Option<Lease>, Error> {
        let asked_at = Instant::now();
        let store = self.store().await?;
        let ends_others = store.is_alone() && !self.shared.others_ended.load(Ordering::Acquire);
        if !ends_others {
            // Most ask in vain, and are not to keep those waiting who write.
            let mut rows = store.rows(store.statements().lease, vec![role.into()]).await?;
            if let Some(row) = rows.first_mut()
                && row.text(0)? != holder
                && row.int(1)? > 0
            {
                return Ok(None);
            }
        }
        let mut writing = store.write().await?;
        changes::take_head(&mut writing).await?;
        if ends_others {
            // Their holders are dead: nobody else has the file.
            writing.rows(writing.statements().end_leases_of_others, vec![holder.into()]).await?;
        }
        let args = vec![role.into(), holder.into(), millis(length)];
        let taken = writing.rows(writing.statements().take_lease, args).await?;
        writing.commit().await?;
        if ends_others {
            self.shared.others_ended.store(true, Ordering::Release);
        }
        let Some(row) = taken.first() else { return Ok(None) };
        let (role, holder) = (role.to_owned(), holder.to_owned());
        let fence = Fence { role, holder, number: row.int(0)?, refused: Notify::new() };
        Ok(Some(Lease { fence: Arc::new(fence), length, asked_at }))
    }

    /// Makes a lease as long again as it was from now on. Whether it is held still: one that has ended is, as long as nobody else
    /// took the role.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn renew_lease(&self, lease: &mut Lease) -> Result<bool, Error> {
        let asked_at = Instant::now();
        let mut writing = self.store().await?.write().await?;
        let args = [lease.fence.args(), vec![millis(lease.length)]].concat();
        let renewed = writing.rows(writing.statements().renew_lease, args).await?;
        writing.commit().await?;
        if renewed.is_empty() {
            return Ok(false);
        }
        lease.asked_at = asked_at;
        Ok(true)
    }

    /// Gives a role back, so that another can have it at once. One that another has by now is left alone.
    ///
    /// # Errors
    /// When the ledger does not answer: then the lease ends by itself.
    pub async fn release_lease(&self, lease: Lease) -> Result<(), Error> {
        let mut writing = self.store().await?.write().await?;
        writing.rows(writing.statements().end_lease, lease.fence.args()).await?;
        writing.commit().await
    }

    /// The same ledger, which writes nothing once another has taken over the role of the lease.
    #[must_use]
    pub fn under(&self, lease: &Lease) -> Self {
        Self { shared: Arc::clone(&self.shared), under: Some(Arc::clone(&lease.fence)) }
    }

    /// Begins to write, and with which head: others who write wait from here on.
    pub(super) async fn begin(&self) -> Result<(Writing, i64), Error> {
        let mut writing = self.store().await?.write().await?;
        let head = changes::take_head(&mut writing).await?;
        if let Some(fence) = &self.under {
            let rows = writing.rows(writing.statements().lease, vec![fence.role.as_str().into()]).await?;
            if rows.first().and_then(|row| row.some_int(2)) != Some(fence.number) {
                fence.refused.notify_one();
                return Err(Error::Fenced(fence.role.clone()));
            }
        }
        Ok((writing, head))
    }
}

fn millis(length: Duration) -> Value {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 2).into()
}
