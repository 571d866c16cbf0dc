//! What was changed at one server, for the one that looks after it: through the ledger, where several are on it. What gets lost on
//! the way shows with the next look.

use tokio::{
    sync::broadcast::{Receiver, Sender, error::RecvError},
    time::sleep,
};

use super::{PAUSE, Workers};
use crate::{domain::Touched, ledger::Ledger};

/// Hands over what is changed here. It never ends: the workers could tell of something too.
pub(super) async fn hand_over(ledger: Ledger, mut touched: Receiver<Touched>) {
    loop {
        let handed = match touched.recv().await {
            Ok(touched) => ledger.hand_over(&touched).await.map_err(|error| error.to_string()),
            Err(RecvError::Lagged(lost)) => Err(format!("{lost} changes came faster than the ledger takes them")),
            Err(RecvError::Closed) => return,
        };
        if let Err(error) = handed {
            tracing::debug!(%error, "what was changed here shows with the next look");
        }
    }
}

/// Takes over what was changed anywhere, and tells of it. It never ends.
pub(super) async fn take_over(workers: &Workers, tell: &Sender<Touched>) {
    loop {
        match workers.ledger.take_over().await {
            // Who does not listen just now looks at everything when it listens again.
            Ok(touched) => touched.into_iter().for_each(|touched| drop(tell.send(touched))),
            Err(error) => tracing::debug!(%error, "what other servers changed is not heard of"),
        }
        sleep(PAUSE).await;
    }
}
