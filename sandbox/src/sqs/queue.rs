//! A queue: what lies in it, what of it can be received now, and what is out with a consumer.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use super::{
    attributes::Attributes,
    invalid,
    message::{Message, NewMessage},
    redrive::Redrive,
};
use crate::call::{AwsError, shorten};

/// Messages that are out with consumers at most `[D]`.
pub(super) const MOST_IN_FLIGHT: usize = 120_000;

/// A standard queue.
#[derive(Debug)]
pub struct Queue {
    /// Unique in the region and account.
    pub name: String,
    /// `arn:aws:sqs:R:A:NAME`.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// When its attributes were changed last.
    pub modified: Timestamp,
    /// What it was set to.
    pub attributes: Attributes,
    /// When it was purged last.
    pub purged: Option<Timestamp>,
    /// In the order in which they came.
    messages: BTreeMap<u64, Message>,
    by_age: BTreeSet<(Timestamp, u64)>,
    bytes: usize,
    taken: u64,
}

/// What was received.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) messages: Vec<Message>,
    /// What has been received too often and goes to the dead-letter queue.
    pub(super) dead: Vec<Message>,
}

impl Queue {
    pub(super) fn new(name: &str, arn: String, attributes: Attributes, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            arn,
            created: now,
            modified: now,
            attributes,
            purged: None,
            messages: BTreeMap::new(),
            by_age: BTreeSet::new(),
            bytes: 0,
            taken: 0,
        }
    }

    /// What its messages cost to keep.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts a message in, and gives its id. Without a delay of its own it has the queue's.
    pub(super) fn send(&mut self, new: NewMessage, delay: Option<SignedDuration>, now: Timestamp) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let delay = delay.unwrap_or_else(|| self.attributes.delay());
        self.keep(Message {
            id: id.clone(),
            new,
            sent_at: now,
            visible_at: now.checked_add(delay).unwrap_or(Timestamp::MAX),
            first_received: None,
            receives: 0,
            receipt: None,
        });
        id
    }

    /// Takes a dead letter of another queue: all of it stays as it was.
    pub(super) fn bury(&mut self, message: Message, now: Timestamp) {
        self.keep(Message { visible_at: now, receipt: None, ..message });
    }

    fn keep(&mut self, message: Message) {
        self.taken += 1;
        self.bytes += message.cost();
        self.by_age.insert((message.sent_at, self.taken));
        self.messages.insert(self.taken, message);
    }

    fn take(&mut self, place: u64) -> Option<Message> {
        let message = self.messages.remove(&place)?;
        self.by_age.remove(&(message.sent_at, place));
        self.bytes = self.bytes.saturating_sub(message.cost());
        Some(message)
    }

    /// Hands out up to `most` messages, for `visibility` each. `None`: too many are out already.
    pub(super) fn receive(
        &mut self,
        most: usize,
        visibility: SignedDuration,
        redrive: Option<&Redrive>,
        now: Timestamp,
    ) -> Option<Received> {
        self.prune(now);
        if self.messages.values().filter(|message| message.in_flight(now)).count() >= MOST_IN_FLIGHT {
            return None;
        }
        let mut received = Received::default();
        let mut dead = Vec::new();
        for (place, message) in self.messages.iter_mut().filter(|(_, message)| message.visible_at <= now) {
            if redrive.is_some_and(|redrive| message.receives >= redrive.max_receive_count) {
                dead.push(*place);
                continue;
            }
            if received.messages.len() == most {
                break;
            }
            message.receives += 1;
            message.first_received.get_or_insert(now);
            message.visible_at = now.checked_add(visibility).unwrap_or(Timestamp::MAX);
            let receipt = format!("{}\n{place}\n{}", self.arn, uuid::Uuid::new_v4());
            message.receipt = Some(BASE64_URL_SAFE_NO_PAD.encode(receipt));
            received.messages.push(message.clone());
        }
        received.dead = dead.into_iter().filter_map(|place| self.take(place)).collect();
        Some(received)
    }

    /// Deletes what a receipt is for. A receipt that another has followed deletes nothing, and that is no error `[D]`.
    ///
    /// # Errors
    /// ReceiptHandleIsInvalid for what is no receipt of this queue.
    pub(super) fn delete(&mut self, receipt: &str) -> Result<(), AwsError> {
        let place = self.place_of(receipt)?;
        if self.messages.get(&place).is_some_and(|message| message.receipt.as_deref() == Some(receipt)) {
            self.take(place);
        }
        Ok(())
    }

    /// Has a message that is out be visible so much later than now.
    ///
    /// # Errors
    /// ReceiptHandleIsInvalid, MessageNotInflight, and InvalidParameterValue for a message that is gone.
    pub(super) fn change_visibility(
        &mut self,
        receipt: &str,
        visibility: SignedDuration,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let place = self.place_of(receipt)?;
        let Some(message) = self.messages.get_mut(&place) else {
            return Err(invalid(format!(
                "Value {} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for \
                 visibility timeout change.",
                shorten(receipt)
            )));
        };
        if !message.in_flight(now) || message.receipt.as_deref() != Some(receipt) {
            return Err(AwsError::new(400, "MessageNotInflight", "The specified message isn't in flight."));
        }
        message.visible_at = now.checked_add(visibility).unwrap_or(Timestamp::MAX);
        Ok(())
    }

    fn place_of(&self, receipt: &str) -> Result<u64, AwsError> {
        let read = || {
            let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(receipt).ok()?).ok()?;
            let (arn, rest) = text.split_once('\n')?;
            let (place, _) = rest.split_once('\n')?;
            (arn == self.arn).then(|| place.parse().ok()).flatten()
        };
        read().ok_or_else(|| {
            let message = format!("The input receipt handle \"{}\" is not a valid receipt handle.", shorten(receipt));
            AwsError::new(400, "ReceiptHandleIsInvalid", message)
        })
    }

    /// Forgets what has lain there for as long as the queue keeps messages.
    pub(super) fn prune(&mut self, now: Timestamp) {
        let retention = self.attributes.retention();
        while let Some((sent, place)) = self.by_age.first().copied() {
            if now.duration_since(sent) < retention {
                break;
            }
            self.take(place);
        }
    }

    /// Empties it.
    pub(super) fn purge(&mut self) {
        self.messages.clear();
        self.by_age.clear();
        self.bytes = 0;
    }

    /// How many messages can be received, are out, and are delayed.
    pub(super) fn counts(&self, now: Timestamp) -> (usize, usize, usize) {
        let visible = self.messages.values().filter(|message| message.visible_at <= now).count();
        let out = self.messages.values().filter(|message| message.in_flight(now)).count();
        (visible, out, self.messages.len() - visible - out)
    }
}
