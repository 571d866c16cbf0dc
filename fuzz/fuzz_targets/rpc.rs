//! Nonsense for every RPC, out of the fuzzer's bytes: the integration test's own, against a server in this process.

#![no_main]
#![expect(clippy::unwrap_used, reason = "a server that does not start fails the run")]

#[path = "../../tests/it/nonsense/dice.rs"]
mod dice;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../../tests/it/harness.rs"]
mod harness;
#[path = "../../tests/it/nonsense/judge.rs"]
mod judge;
#[path = "../../tests/it/nonsense/request.rs"]
mod request;
#[expect(dead_code, reason = "a fuzzer counts nothing")]
#[path = "../../tests/it/nonsense/session.rs"]
mod session;
#[path = "../../tests/it/nonsense/words.rs"]
mod words;

use std::{cell::RefCell, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use session::Session;
use tokio::runtime::Runtime;

/// Calls to one world: what nonsense makes there piles up.
const CALLS_OF_A_WORLD: usize = 500;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

thread_local! {
    static SESSION: RefCell<(usize, Option<Session>)> = const { RefCell::new((0, None)) };
}

fuzz_target!(|bytes: &[u8]| SESSION.with_borrow_mut(|(calls, session)| {
    RUNTIME.block_on(async {
        if calls.is_multiple_of(CALLS_OF_A_WORLD) {
            *session = Some(Session::start().await);
        }
        *calls += 1;
        if let Some(session) = session {
            let judged = session.call(bytes).await;
            assert!(judged.is_ok(), "{}", judged.unwrap_err());
        }
    });
}));
