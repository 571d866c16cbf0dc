//! The queues as `/_sandbox/state` shows them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::State;

impl State {
    /// How full each queue is.
    pub fn overview(&self, now: Timestamp) -> Value {
        let shown = self.queues.iter().map(|(name, queue)| {
            let (visible, in_flight, delayed) = queue.counts(now);
            let redrive = queue.attributes.redrive().map(|redrive| &redrive.target);
            let told = json!({
                "arn": queue.arn, "visible": visible, "in_flight": in_flight, "delayed": delayed,
                "dead_letters_to": redrive,
            });
            (name.clone(), told)
        });
        shown.collect::<Map<_, _>>().into()
    }
}
