//! What services have to tell the outside, on its way from where it happened to where it arrives.
//!
//! Whoever changes something puts a [`Letter`] into its region's outbox and knows nothing of who reads it. The engine gives
//! each a time of arrival, by the rules of [`Delivery`], and carries it then: late, twice, out of order or not at all, as
//! AWS does, whose events are best effort and come "every five minutes" `[D]`.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Letters under way in a region at most. Above it the one that would arrive first is lost: a long delay must not fill
/// the memory.
const MOST_UNDER_WAY: usize = 10_000;

/// So many of the newest letters are remembered, to be looked at.
const MOST_REMEMBERED: usize = 200;

/// The longest delay: ten years, as far as a clock moves at once.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3653);

/// Something that happened and is to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// A UUID. An event that comes twice has it twice.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// When it was told: the first time of its arrival. It is what an event says of its time `[D]`.
    pub told_at: Timestamp,
    /// What is told, and how.
    pub content: Content,
}

/// What a letter tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// An event on the default bus of its region.
    Event {
        /// `aws.backup`, or what PutEvents said.
        source: String,
        /// Such as `Backup Job State Change`.
        detail_type: String,
        /// ARNs of what it is about.
        resources: Vec<String>,
        /// An object.
        detail: Value,
    },
    /// A message for the subscribers of an SNS topic.
    Notice(Notice),
}

/// A message for a topic.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notice {
    /// Which topic.
    pub topic_arn: String,
    /// The service that sends it, such as `backup.amazonaws.com`; `None` for Publish. The topic's policy must let it.
    pub service: Option<&'static str>,
    /// What has the service send it: ARN of the vault.
    pub source_arn: String,
    /// The subject of an email, where there is one.
    pub subject: Option<String>,
    /// The text.
    pub message: String,
    /// Type and value by name.
    pub attributes: BTreeMap<String, (String, String)>,
}

impl Letter {
    /// An event that happened at `at`.
    #[must_use]
    pub fn event(at: Timestamp, source: &str, detail_type: &str, resources: Vec<String>, detail: Value) -> Self {
        let content =
            Content::Event { source: source.to_owned(), detail_type: detail_type.to_owned(), resources, detail };
        Self { id: uuid::Uuid::new_v4().to_string(), at, told_at: at, content }
    }

    /// A message for a topic, sent at `at`.
    #[must_use]
    pub fn notice(at: Timestamp, notice: Notice) -> Self {
        Self { id: uuid::Uuid::new_v4().to_string(), at, told_at: at, content: Content::Notice(notice) }
    }

    /// Whether how it arrives is for [`Delivery`] to say: what AWS Backup tells. What a caller sends itself arrives at once.
    fn is_of_aws(&self) -> bool {
        match &self.content {
            Content::Event { source, .. } => source.starts_with("aws."),
            Content::Notice(notice) => notice.service.is_some(),
        }
    }
}

/// A region's outbox.
#[derive(Debug, Default)]
pub struct Outbox {
    fresh: Vec<Letter>,
    under_way: BTreeMap<(Timestamp, u64), Letter>,
    taken: u64,
}

impl Outbox {
    /// Puts a letter in.
    pub fn put(&mut self, letter: Letter) {
        self.fresh.push(letter);
    }

    /// Puts letters in, where there are any.
    pub fn put_all(&mut self, letters: impl IntoIterator<Item = Letter>) {
        self.fresh.extend(letters);
    }

    /// Whether there is something that has no time of arrival yet.
    #[must_use]
    pub fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Gives every fresh letter its time of arrival, and answers those times.
    pub fn post(&mut self, office: &mut Office) -> Vec<Timestamp> {
        let mut arrivals = Vec::new();
        for mut letter in std::mem::take(&mut self.fresh) {
            let times = office.arrivals(&letter);
            letter.told_at = times.iter().min().copied().unwrap_or(letter.at);
            office.remember(&letter, &times);
            for at in times {
                if self.under_way.len() >= MOST_UNDER_WAY {
                    self.under_way.pop_first();
                    office.counts.crowded_out += 1;
                }
                self.taken += 1;
                self.under_way.insert((at, self.taken), letter.clone());
                arrivals.push(at);
            }
        }
        arrivals
    }

    /// Takes out what has arrived by `at`, in the order in which it is to be delivered.
    pub fn arrived(&mut self, at: Timestamp, office: &mut Office) -> Vec<Letter> {
        let later = self.under_way.split_off(&(at, u64::MAX));
        let mut arrived: Vec<Letter> = std::mem::replace(&mut self.under_way, later).into_values().collect();
        if office.delivery.shuffle {
            office.dice.shuffle(&mut arrived);
        }
        office.counts.arrived += arrived.len() as u64;
        arrived
    }

    /// How many letters are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fresh.len() + self.under_way.len()
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How what AWS tells by itself arrives. At first: at once, once, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// From what happened to its arrival.
    pub delay: SignedDuration,
    /// Up to so much more, by dice: with it letters overtake one another.
    pub jitter: SignedDuration,
    /// Letters arrive together, at multiples of this since 1970; zero, each by itself. AWS: "every five minutes" `[D]`.
    pub every: SignedDuration,
    /// What arrives together arrives in any order.
    pub shuffle: bool,
    /// This share arrives twice, each time with dice of its own: 0 to 1.
    pub duplicates: f64,
    /// This share never arrives: 0 to 1.
    pub lost: f64,
    /// Where the dice start: the same seed does the same to the same events.
    pub seed: u64,
}

impl Default for Delivery {
    fn default() -> Self {
        let now = SignedDuration::ZERO;
        Self { delay: now, jitter: now, every: now, shuffle: false, duplicates: 0.0, lost: 0.0, seed: 0 }
    }
}

impl Delivery {
    /// Every reason why nothing can arrive like this; empty if it can.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let durations = [("delay", self.delay), ("jitter", self.jitter), ("every", self.every)];
        let shares = [("duplicates", self.duplicates), ("lost", self.lost)];
        let long = durations.into_iter().filter(|(_, given)| *given < SignedDuration::ZERO || *given > LONGEST);
        let odd = shares.into_iter().filter(|(_, given)| !(0.0..=1.0).contains(given));
        let mut faults: Vec<String> =
            long.map(|(name, given)| format!("{name} must be 0 to ten years, not {given}")).collect();
        faults.extend(odd.map(|(name, given)| format!("{name} is a share, 0 to 1, not {given}")));
        faults
    }
}

/// What is common to the outboxes of all regions: how letters arrive, the dice, and what became of them.
#[derive(Debug, Default)]
pub struct Office {
    delivery: Delivery,
    dice: Dice,
    counts: Counts,
    remembered: VecDeque<Value>,
}

/// Dice that start at the seed of the default delivery.
#[derive(Debug)]
struct Dice(fastrand::Rng);

impl Default for Dice {
    fn default() -> Self {
        Self(fastrand::Rng::with_seed(0))
    }
}

impl Dice {
    fn hit(&mut self, share: f64) -> bool {
        share > 0.0 && self.0.f64() < share
    }

    fn up_to(&mut self, most: SignedDuration) -> SignedDuration {
        if most.is_zero() {
            return most;
        }
        let millis = i64::try_from(most.as_millis()).unwrap_or(i64::MAX);
        SignedDuration::from_millis(self.0.i64(0..=millis))
    }

    fn shuffle(&mut self, letters: &mut [Letter]) {
        self.0.shuffle(letters);
    }
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    told: u64,
    arrived: u64,
    lost: u64,
    doubled: u64,
    crowded_out: u64,
}

impl Office {
    /// From now on letters arrive like this; those that are under way keep their time.
    ///
    /// # Errors
    /// Every fault, in words; then nothing has changed.
    pub fn set(&mut self, delivery: Delivery) -> Result<(), Vec<String>> {
        let faults = delivery.check();
        if !faults.is_empty() {
            return Err(faults);
        }
        self.dice = Dice(fastrand::Rng::with_seed(delivery.seed));
        self.delivery = delivery;
        Ok(())
    }

    /// How letters arrive.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// What has been told since the start, and the newest of it with when it arrives.
    #[must_use]
    pub fn overview(&self) -> Value {
        json!({ "counts": self.counts, "newest": self.remembered })
    }

    /// When a letter arrives: once, twice or never.
    fn arrivals(&mut self, letter: &Letter) -> Vec<Timestamp> {
        self.counts.told += 1;
        if !letter.is_of_aws() {
            return vec![letter.at];
        }
        if self.dice.hit(self.delivery.lost) {
            self.counts.lost += 1;
            return Vec::new();
        }
        let times = if self.dice.hit(self.delivery.duplicates) { 2 } else { 1 };
        self.counts.doubled += times - 1;
        (0..times).map(|_| self.arrival(letter.at)).collect()
    }

    fn arrival(&mut self, at: Timestamp) -> Timestamp {
        let later = self.delivery.delay + self.dice.up_to(self.delivery.jitter);
        let at = at.checked_add(later).unwrap_or(Timestamp::MAX);
        let every = i64::try_from(self.delivery.every.as_millis()).unwrap_or(i64::MAX);
        if every == 0 {
            return at;
        }
        let over = at.as_millisecond().rem_euclid(every);
        let wait = if over == 0 && at.subsec_nanosecond() % 1_000_000 == 0 { 0 } else { every - over };
        let whole = Timestamp::from_millisecond(at.as_millisecond().saturating_add(wait));
        whole.unwrap_or(Timestamp::MAX)
    }

    fn remember(&mut self, letter: &Letter, times: &[Timestamp]) {
        let what = match &letter.content {
            Content::Event { detail_type, detail, .. } => {
                let state = detail.get("state").or_else(|| detail.get("status"));
                json!({ "detail_type": detail_type, "state": state })
            }
            Content::Notice(notice) => json!({ "topic": notice.topic_arn }),
        };
        let arrives: Vec<String> = times.iter().map(Timestamp::to_string).collect();
        self.remembered.push_back(json!({
            "id": letter.id, "at": letter.at.to_string(), "told": what, "arrives": arrives,
        }));
        if self.remembered.len() > MOST_REMEMBERED {
            self.remembered.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn letter(second: i64, source: &str) -> Letter {
        Letter::event(at(second), source, "Backup Job State Change", Vec::new(), json!({"state": "RUNNING"}))
    }

    /// The seconds at which the events of the first hundred seconds arrive, in order of arrival.
    fn arrivals(delivery: Delivery) -> Vec<(Timestamp, i64)> {
        let (mut office, mut outbox) = (Office::default(), Outbox::default());
        office.set(delivery).unwrap();
        (0..100).for_each(|second| outbox.put(letter(second, "aws.backup")));
        let mut times = outbox.post(&mut office);
        times.sort_unstable();
        times.dedup();
        let told = |time: Timestamp, letters: Vec<Letter>| {
            letters.into_iter().map(move |letter| (time, letter.at.as_second())).collect::<Vec<_>>()
        };
        times.into_iter().flat_map(|time| told(time, outbox.arrived(time, &mut office))).collect()
    }

    #[test]
    fn at_first_everything_arrives_at_once_and_in_order() {
        let arrived = arrivals(Delivery::default());
        assert_eq!(arrived, (0..100).map(|second| (at(second), second)).collect::<Vec<_>>());
    }

    #[test]
    fn letters_come_late_twice_out_of_order_or_never() {
        let minute = SignedDuration::from_mins(1);
        let late = arrivals(Delivery { delay: minute, ..Delivery::default() });
        assert_eq!(late[0], (at(60), 0));
        let twice = arrivals(Delivery { duplicates: 1.0, ..Delivery::default() });
        assert_eq!(twice.len(), 200);
        let jumbled = arrivals(Delivery { jitter: minute, ..Delivery::default() });
        assert!(jumbled.len() == 100 && !jumbled.is_sorted_by_key(|(_, second)| *second));
        assert!(arrivals(Delivery { lost: 1.0, ..Delivery::default() }).is_empty());
        let some = arrivals(Delivery { lost: 0.5, ..Delivery::default() }).len();
        assert!((20..80).contains(&some), "{some}");
        assert_eq!(some, arrivals(Delivery { lost: 0.5, ..Delivery::default() }).len(), "the same seed does the same");
    }

    #[test]
    fn a_batch_comes_together_and_shuffled_if_wanted() {
        let every = SignedDuration::from_mins(1);
        let batches = arrivals(Delivery { every, ..Delivery::default() });
        assert_eq!((batches[0], batches[1], batches[61].0), ((at(0), 0), (at(60), 1), at(120)));
        assert!(batches.is_sorted());
        let shuffled = arrivals(Delivery { every, shuffle: true, ..Delivery::default() });
        assert!(shuffled.len() == 100 && !shuffled.is_sorted());
    }

    #[test]
    fn what_a_caller_sends_arrives_whatever_is_set() {
        let (mut office, mut outbox) = (Office::default(), Outbox::default());
        office.set(Delivery { lost: 1.0, ..Delivery::default() }).unwrap();
        outbox.put(letter(5, "my.app"));
        assert_eq!(outbox.post(&mut office), [at(5)]);
        assert!(office.set(Delivery { lost: 1.5, delay: SignedDuration::MIN, ..Delivery::default() }).is_err());
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let (mut office, mut outbox) = (Office::default(), Outbox::default());
        let most = i64::try_from(MOST_UNDER_WAY).unwrap();
        (0..most + 5).for_each(|second| outbox.put(letter(second, "aws.backup")));
        outbox.post(&mut office);
        assert_eq!((outbox.len(), office.counts.crowded_out), (MOST_UNDER_WAY, 5));
        assert_eq!(outbox.arrived(at(5), &mut office).len(), 1);
    }
}
