//! How the process lives and stops: signals, a shutdown of two stages, and the tasks that must end before the process.
//!
//! The *soft* stage says "finish": health answers NOT_SERVING, nothing new is accepted, what runs may end. The *hard*
//! stage says "now": it comes with a second signal or when the grace is over. The outcome tells which of the two it
//! took, and the exit code tells the truth about it.

use std::{
    fmt,
    future::Future,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::signal::unix;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Hands out what tasks need to know about the end of the process. Clones are handles to the same life.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    neighbours: TaskTracker,
    failed: Arc<Mutex<Option<String>>>,
}

/// What can ask a process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, as orchestrators send it.
    Terminate,
    /// SIGINT, Ctrl-C.
    Interrupt,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything ended by itself.
    Drained,
    /// Something was cut off.
    Forced {
        /// Tasks that were still running.
        tasks: usize,
        /// What made the second stage begin.
        by: Force,
    },
    /// A task that should live as long as the process ended with an error, and everything was stopped because of it.
    Failed(String),
}

/// What began the second stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Somebody asked twice.
    SecondSignal,
    /// The grace was over.
    GraceOver,
}

impl Outcome {
    /// 0 when everything ended by itself; 1 when a task failed; 3 when work was cut off.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Drained => 0,
            Self::Failed(_) => 1,
            Self::Forced { .. } => 3,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drained => f.write_str("everything under way has ended"),
            Self::Forced { tasks, by: Force::SecondSignal } => write!(f, "a second signal cut off {tasks} tasks"),
            Self::Forced { tasks, by: Force::GraceOver } => {
                write!(f, "the end of shutdown.grace cut off {tasks} tasks")
            }
            Self::Failed(why) => write!(f, "stopped because {why}"),
        }
    }
}

impl Lifecycle {
    /// A new life.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the first stage begins: finish, and accept nothing new.
    pub fn soft(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Cancelled when the second stage begins, and when the first one has ended well: drop what you have.
    pub fn hard(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Runs a task that shutdown waits for, and that the second stage drops where it stands.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let hard = self.hard.clone();
        self.tasks.spawn(async move { hard.run_until_cancelled_owned(task).await });
    }

    /// Runs a task that ends with the first stage, wherever it stands: nothing waits for what it would do.
    pub fn spawn_until_stop(&self, task: impl Future<Output = ()> + Send + 'static) {
        let soft = self.soft.clone();
        self.spawn(async move { _ = soft.run_until_cancelled_owned(task).await });
    }

    /// Runs a task that must live as long as the process: when it fails or panics, or ends before the first stage, the
    /// process stops with [`Outcome::Failed`].
    pub fn spawn_vital<E: fmt::Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let life = self.clone();
        // Also runs when the task unwinds: a panic must not leave a process that serves nothing.
        let mut guard = Guard { life: life.clone(), end: Some(format!("{name} panicked")) };
        self.tasks.spawn(async move {
            let end = match life.hard.run_until_cancelled(task).await {
                Some(Err(error)) => Some(format!("{name} failed: {error}")),
                Some(Ok(())) if !life.soft.is_cancelled() => Some(format!("{name} ended unexpectedly")),
                Some(Ok(())) | None => None,
            };
            guard.ended(end);
        });
    }

    /// Begins the first stage, as a signal would.
    pub fn stop(&self) {
        self.soft.cancel();
    }

    /// Runs a neighbour that requests under way still need while they drain: shutdown stops it last, and waits for
    /// nothing of it. It should end when [`Lifecycle::hard`] is cancelled; ending earlier is a failure.
    pub fn spawn_neighbour(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let mut guard = Guard { life: self.clone(), end: Some(format!("{name} panicked")) };
        self.neighbours.spawn(async move {
            task.await;
            let too_early = !guard.life.hard.is_cancelled();
            guard.ended(too_early.then(|| format!("{name} ended unexpectedly")));
        });
    }

    /// Waits for a signal (or [`Lifecycle::stop`], or the failure of a vital task), then sees the two stages through.
    ///
    /// `grace` is called when the first stage begins: a `sleep` made earlier would count the whole life of the process.
    /// Both parameters are what a test holds in its hand;
    /// [`Signals::next`] is the real first one.
    pub async fn run(&self, mut next_signal: impl AsyncFnMut() -> Signal, grace: impl AsyncFnOnce()) -> Outcome {
        tokio::select! {
            () = self.soft.cancelled() => {}
            signal = next_signal() => tracing::info!(?signal, "shutting down; a second signal cuts off what runs"),
        }
        self.soft.cancel();
        self.tasks.close();
        let forced = tokio::select! {
            // What has ended is not cut off, even if the grace is over in the same moment.
            biased;
            () = self.tasks.wait() => None,
            _ = next_signal() => Some(Force::SecondSignal),
            () = grace() => Some(Force::GraceOver),
        };
        let cut_off = forced.map(|by| Outcome::Forced { tasks: self.tasks.len(), by });
        self.hard.cancel();
        if cut_off.is_some() {
            // Tasks are dropped at their next await; one that never reaches it must not survive an impatient operator.
            tokio::select! {
                () = self.tasks.wait() => {}
                _ = next_signal() => {}
            }
        }
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        failed.map(Outcome::Failed).or(cut_off).unwrap_or(Outcome::Drained)
    }

    fn fail(&self, why: String) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.soft.cancel();
    }
}

/// Reports how a vital task ended, whichever way it did.
struct Guard {
    life: Lifecycle,
    end: Option<String>,
}

impl Guard {
    fn ended(&mut self, end: Option<String>) {
        self.end = end;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(why) = self.end.take() {
            self.life.fail(why);
        }
    }
}

/// The process's SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

impl Signals {
    /// Listens from now on: neither signal ends the process by itself any more.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(unix::SignalKind::terminate())?,
            interrupt: unix::signal(unix::SignalKind::interrupt())?,
        })
    }

    /// The next one. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
        }
    }
}

#[cfg(test)]
mod tests;
