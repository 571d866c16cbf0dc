//! The queue by which AWS's events arrive: a queue of SQS, read by waiting for messages.
//!
//! It belongs to no scope of a request: the server reads it as itself, in whatever account and region it is, and the events in
//! it are of all that the operator's rules send there.

use std::{sync::Arc, time::Duration};

use aws_config::Region;
use aws_sdk_sqs::{
    Client,
    config::{Builder, StalledStreamProtectionConfig},
    types::{DeleteMessageBatchRequestEntry, Message as Told, MessageSystemAttributeName as Attribute},
};
use http::Uri;
use jiff::Timestamp;

use super::{
    Aws, Failure,
    budget::{Asker, Budget, Class},
    call::{Operation, call_outside},
    client::timeouts,
};
use crate::domain::{AccountId, Fault, RegionName, Scope, quoted};

const RECEIVE: Operation = Operation::wait("sqs", "ReceiveMessage");
const DELETE: Operation = Operation::write("sqs", "DeleteMessageBatch");

/// Messages that SQS gives, or takes back, at once `[D]`.
const MOST: usize = 10;

/// The longest that SQS waits for a message `[D]`.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The longest that SQS hides a message from others `[D]`.
const LONGEST_HIDING: Duration = Duration::from_hours(12);

/// A queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: Arc<str>,
    /// Whose it is, and where: for traces and metrics.
    scope: Scope,
    /// Of its own: waiting for messages takes nobody's turn.
    budget: Arc<Budget>,
}

/// A message that was received, and is hidden from others for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// SQS's id of it: the same whenever it is received.
    pub id: String,
    /// By which it is deleted.
    pub receipt: Receipt,
    /// What was sent: anything.
    pub body: String,
    /// How often it was received, this time counted, as far as SQS knows.
    pub received: u32,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

/// By which a message is deleted: as it was received last, by whomever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(String);

impl Aws {
    /// The queue of that URL, read by the server's own identity. Nothing is asked of AWS for it.
    pub fn queue(&self, url: &str) -> Result<Queue, Fault> {
        let Address { scope, endpoint } = Address::of(url, self.default_region())?;
        let timeouts = timeouts(self.config(), LONGEST_WAIT);
        let client = self.of_own(|sdk| {
            // Where all services are found in one place, the queue is too.
            let endpoint = endpoint.filter(|_| sdk.endpoint_url().is_none());
            let region = Region::new(scope.region.as_str().to_owned());
            // No answer is a stalled one: it is what a wait is made of.
            let patient = StalledStreamProtectionConfig::disabled();
            let built = Builder::from(sdk).region(region).timeout_config(timeouts).stalled_stream_protection(patient);
            match endpoint {
                Some(endpoint) => built.endpoint_url(endpoint),
                None => built,
            }
        });
        let budget = Arc::new(Budget::new("sqs", scope.clone(), 0, &self.config().budget));
        Ok(Queue { client, url: url.into(), scope, budget })
    }
}

impl Queue {
    /// Where it is, and whose.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Waits so long at most for messages, and hides those that come from others for a while. None: there were none. Whoever
    /// stops waiting may have had some hidden.
    pub async fn receive(&self, wait: Duration, hidden_for: Duration) -> Result<Vec<Message>, Failure> {
        let sent = self
            .client
            .receive_message()
            .queue_url(&*self.url)
            .max_number_of_messages(whole(MOST))
            .wait_time_seconds(whole(wait.min(LONGEST_WAIT).as_secs()))
            .visibility_timeout(whole(hidden_for.min(LONGEST_HIDING).as_secs()))
            .message_system_attribute_names(Attribute::ApproximateReceiveCount)
            .message_system_attribute_names(Attribute::SentTimestamp);
        let answer = call_outside(RECEIVE, Some(&self.scope), Some((&self.budget, worker())), sent.send()).await?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(message).collect())
    }

    /// Deletes messages. Tells how many SQS did not delete: they come again.
    pub async fn delete(&self, receipts: &[Receipt]) -> Result<usize, Failure> {
        let mut left = 0;
        for some in receipts.chunks(MOST) {
            let entries = some.iter().enumerate().filter_map(|(at, receipt)| {
                DeleteMessageBatchRequestEntry::builder().id(at.to_string()).receipt_handle(&receipt.0).build().ok()
            });
            let sent = self.client.delete_message_batch().queue_url(&*self.url).set_entries(Some(entries.collect()));
            let answer = call_outside(DELETE, Some(&self.scope), Some((&self.budget, worker())), sent.send()).await?;
            left += answer.failed.len();
        }
        Ok(left)
    }
}

/// Nobody waits for it.
fn worker() -> Asker {
    Asker::of(Class::Background, None)
}

fn whole(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

fn message(told: Told) -> Message {
    let attribute = |name: Attribute| told.attributes.as_ref().and_then(|told| told.get(&name));
    let received = attribute(Attribute::ApproximateReceiveCount).and_then(|count| count.parse().ok());
    let sent = attribute(Attribute::SentTimestamp).and_then(|at| at.parse().ok());
    Message {
        received: received.unwrap_or(1),
        sent_at: sent.and_then(|at| Timestamp::from_millisecond(at).ok()),
        id: told.message_id.unwrap_or_default(),
        receipt: Receipt(told.receipt_handle.unwrap_or_default()),
        body: told.body.unwrap_or_default(),
    }
}

/// What the URL of a queue says.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    scope: Scope,
    /// Where it is found, unless by the region's own name of SQS.
    endpoint: Option<String>,
}

impl Address {
    fn of(url: &str, default: Option<&RegionName>) -> Result<Self, Fault> {
        let read = || {
            let uri: Uri = url.parse().ok()?;
            let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
            let (account, name) = uri.path().strip_prefix('/')?.split_once('/')?;
            let account = AccountId::parse(account).ok()?;
            let is_queue = ["http", "https"].contains(&scheme)
                && !authority.as_str().contains('@')
                && uri.query().is_none()
                && !name.is_empty()
                && !name.contains('/');
            let (host, origin) = (authority.host().to_owned(), format!("{scheme}://{authority}"));
            is_queue.then_some((host, origin, account))
        };
        let form = "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME";
        let (host, origin, account) = read()
            .ok_or_else(|| Fault(format!("{} is not the URL of a queue: it has the form {form}", quoted(url))))?;
        let labels = || host.split('.').filter_map(|label| RegionName::parse(label).ok());
        let of_aws = ["amazonaws.com", "amazonaws.com.cn", "api.aws"].iter().any(|end| host.ends_with(end));
        let known = labels().find(RegionName::is_known);
        let named = known.or_else(|| labels().next().filter(|_| of_aws));
        let Some(region) = named.or_else(|| default.cloned()) else {
            return Err(Fault(format!("{} does not say in which region: set aws.region", quoted(url))));
        };
        let is_regions_own = of_aws && !host.contains("vpce");
        let endpoint = (!is_regions_own).then_some(origin);
        Ok(Self { scope: Scope { account, region }, endpoint })
    }
}

#[cfg(test)]
mod tests;
