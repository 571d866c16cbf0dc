//! What only those who work on a call know of it, for its line; and the line of work that goes on when its call is over.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use tonic::{Code, Status};
use tracing::Level;

use super::{code_name, line::Line, name};
use crate::{
    aws::Scoped,
    domain::Approval,
    rpc::{access::principal::Principal, doorway::Method, status::Cause},
};

/// In the extensions of each request, and written to on its way.
#[derive(Debug, Default)]
pub(in crate::rpc) struct Facts {
    method: Option<&'static Method>,
    let_in: AtomicBool,
    /// Bytes of the message, unpacked, and one.
    received: AtomicU64,
    principal: OnceLock<Principal>,
    request_id: OnceLock<String>,
    scoped: OnceLock<Scoped>,
    approval: OnceLock<Approval>,
    break_glass: OnceLock<Vec<String>>,
    course: Mutex<Course>,
}

/// How far the call is, and the work that a task of its own does for it.
#[derive(Debug, Default)]
struct Course {
    over: bool,
    work: Option<Stage>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    UnderWay,
    Ended(Code),
}

impl Facts {
    pub(super) fn of(method: Option<&'static Method>) -> Self {
        Self { method, ..Self::default() }
    }

    /// The method that is called, if there is one, whether or not this server offers it.
    pub(in crate::rpc) fn method(&self) -> Option<&'static Method> {
        self.method
    }

    /// The message has come, of so many bytes, and goes to its handler.
    pub(in crate::rpc) fn let_in(&self, bytes: usize) {
        self.received.store(bytes as u64 + 1, Ordering::Relaxed);
        self.let_in.store(true, Ordering::Relaxed);
    }

    /// Who calls, where that is known.
    pub(in crate::rpc) fn set_principal(&self, principal: &Principal) {
        if !principal.is_anonymous() {
            self.principal.get_or_init(|| principal.clone());
        }
    }

    /// The `request_id` of a change: its caller's, or the one that the server made for it.
    pub(in crate::rpc) fn set_request_id(&self, request_id: &str) {
        // One that is no UUID is told as far as one is long.
        self.request_id.get_or_init(|| request_id.chars().take(36).collect());
    }

    /// The account and region that it works in, with what is asked of AWS there.
    pub(in crate::rpc) fn within(&self, aws: &Scoped) {
        self.scoped.get_or_init(|| aws.clone());
    }

    /// The approval that the call is done with, or decides on.
    pub(in crate::rpc) fn approved(&self, approval: &Approval) {
        self.approval.get_or_init(|| approval.clone());
    }

    pub(in crate::rpc) fn approval(&self) -> Option<&Approval> {
        self.approval.get()
    }

    /// The policies by which its caller does alone what takes two persons.
    pub(in crate::rpc) fn broke_glass(&self, policies: &[String]) {
        self.break_glass.get_or_init(|| policies.to_vec());
    }

    pub(in crate::rpc) fn break_glass(&self) -> &[String] {
        self.break_glass.get().map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn was_let_in(&self) -> bool {
        self.let_in.load(Ordering::Relaxed)
    }

    pub(super) fn received(&self) -> Option<u64> {
        self.received.load(Ordering::Relaxed).checked_sub(1)
    }

    pub(super) fn request_id(&self) -> Option<&str> {
        self.request_id.get().map(String::as_str)
    }

    pub(super) fn principal(&self) -> Option<&str> {
        self.principal.get().map(Principal::name)
    }

    pub(in crate::rpc) fn scoped(&self) -> Option<&Scoped> {
        self.scoped.get()
    }

    /// The call has ended. Where it leaves work behind, or did not hear how its work ended, what there is to tell of that.
    pub(super) fn over(&self, code: Code) -> Option<&'static str> {
        let mut course = self.course();
        course.over = true;
        match course.work? {
            Stage::UnderWay => Some("goes on"),
            Stage::Ended(of_work) => (of_work != code).then(|| code_name(of_work)),
        }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work of a change, which goes on when its client has gone or waits no longer: then it tells itself how it ended, also
/// when it is cut off.
#[derive(Debug)]
pub(in crate::rpc) struct Work {
    facts: Arc<Facts>,
    began: Instant,
    ended: bool,
}

impl Work {
    pub(in crate::rpc) fn begin(facts: Arc<Facts>) -> Self {
        facts.course().work = Some(Stage::UnderWay);
        Self { facts, began: Instant::now(), ended: false }
    }

    /// It was done, or this came of it; absent: it was given up before anything was done.
    pub(in crate::rpc) fn ended(mut self, outcome: Option<Result<(), &Status>>) {
        use std::error::Error as _;
        self.ended = true;
        match outcome {
            Some(Ok(())) => self.tell(Code::Ok, None, None),
            Some(Err(status)) => {
                let cause = status.source().and_then(|source| source.downcast_ref());
                self.tell(status.code(), cause, Some(status.message()));
            }
            None => self.tell(Code::DeadlineExceeded, None, Some("given up before anything was done")),
        }
    }

    fn tell(&self, code: Code, cause: Option<&Cause>, said: Option<&str>) {
        let over = {
            let mut course = self.facts.course();
            course.work = Some(Stage::Ended(code));
            course.over
        };
        // As long as the call is under way, its own line tells it.
        if !over {
            return;
        }
        let code = code_name(code);
        let cut_off = !self.ended;
        Line {
            what: "the work of a call ended after the call",
            level: match cause {
                _ if cut_off => Level::WARN,
                Some(cause) => cause.level,
                None => Level::INFO,
            },
            method: name(self.facts.method),
            code,
            reason: cause.map(|cause| cause.reason).or((code != "OK").then_some(code)),
            took: self.began.elapsed(),
            facts: &self.facts,
            cause,
            said,
            work: None,
            peer: None,
            user_agent: None,
            trace_id: None,
            unlogged: 0,
        }
        .write();
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(
                Code::Unknown,
                None,
                Some("cut off in the middle, or broken off: it may or may not have happened"),
            );
        }
    }
}
