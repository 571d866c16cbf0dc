//! A thread that ends when nothing more comes to it. What it writes to may never answer, so it is waited for within bounds.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

/// Nothing is sent: who has the other end is gone with the thread.
#[derive(Debug)]
pub(super) struct Thread(Mutex<Receiver<()>>);

impl Thread {
    pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (lives, ended) = channel();
        let work = move || {
            work();
            drop(lives);
        };
        thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self(Mutex::new(ended)))
    }

    /// Whether it has ended by then.
    pub(super) fn ends_within(&mut self, patience: Duration) -> bool {
        let ended = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        ended.recv_timeout(patience) != Err(RecvTimeoutError::Timeout)
    }
}
