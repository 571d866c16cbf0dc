//! A region's jobs of one kind: by id, newest first, with their idempotency tokens, and never more than a bound.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

/// How long jobs can be looked up [M for ListBackupJobs; U for the others].
pub const HISTORY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long an idempotency token protects; AWS does not say `[U]`.
pub const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// What every kind of job has.
pub trait Job {
    /// AWS's id.
    fn id(&self) -> &str;
    /// When it was created.
    fn created_at(&self) -> Timestamp;
    /// Whether its state is terminal.
    fn ended(&self) -> bool;
}

/// See the module.
#[derive(Debug)]
pub struct JobStore<J> {
    by_id: BTreeMap<String, J>,
    by_time: BTreeSet<(Timestamp, String)>,
    tokens: BTreeMap<String, Token>,
    tokens_by_time: BTreeSet<(Timestamp, String)>,
}

impl<J> Default for JobStore<J> {
    fn default() -> Self {
        Self {
            by_id: BTreeMap::new(),
            by_time: BTreeSet::new(),
            tokens: BTreeMap::new(),
            tokens_by_time: BTreeSet::new(),
        }
    }
}

#[derive(Debug)]
struct Token {
    job_id: String,
    created_at: Timestamp,
    request: String,
}

/// What an idempotency token says about a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Replay {
    /// Never seen, or forgotten: go on.
    New,
    /// The same request: answer with that job, made at that time.
    Same {
        /// The job.
        job_id: String,
        /// When it was created; the job itself may be pruned.
        created_at: Timestamp,
    },
    /// The token was used with other parameters.
    Different,
}

impl<J: Job> JobStore<J> {
    /// Keeps a job; one of the same id is replaced.
    pub fn insert(&mut self, job: J) {
        self.by_time.insert((job.created_at(), job.id().to_owned()));
        self.by_id.insert(job.id().to_owned(), job);
    }

    /// By id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&J> {
        self.by_id.get(id)
    }

    /// By id, to change it.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut J> {
        self.by_id.get_mut(id)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Every job, in no promised order.
    pub fn iter(&self) -> impl Iterator<Item = &J> {
        self.by_id.values()
    }

    /// Looks a token up. `request` is the request in a canonical form.
    #[must_use]
    pub fn replay(&self, token: Option<&str>, request: &str, now: Timestamp) -> Replay {
        match token.and_then(|token| self.tokens.get(token)) {
            Some(seen) if now.duration_since(seen.created_at) <= TOKEN_LIFE => {
                if seen.request == request {
                    Replay::Same { job_id: seen.job_id.clone(), created_at: seen.created_at }
                } else {
                    Replay::Different
                }
            }
            _ => Replay::New,
        }
    }

    /// Remembers what a token stood for.
    pub fn remember(&mut self, token: Option<&str>, request: String, job_id: &str, now: Timestamp) {
        let Some(token) = token else { return };
        let entry = Token { job_id: job_id.to_owned(), created_at: now, request };
        if let Some(old) = self.tokens.insert(token.to_owned(), entry) {
            self.tokens_by_time.remove(&(old.created_at, token.to_owned()));
        }
        self.tokens_by_time.insert((now, token.to_owned()));
    }

    /// Forgets ended jobs older than the history, the oldest ended ones above `most`, and tokens past their life.
    /// A job that has not ended stays whatever its age.
    pub fn prune(&mut self, now: Timestamp, most: usize) {
        let horizon = now.checked_sub(HISTORY).unwrap_or(Timestamp::MIN);
        let mut excess = self.by_id.len().saturating_sub(most);
        let mut gone = Vec::new();
        for key in &self.by_time {
            if key.0 >= horizon && excess == 0 {
                break;
            }
            if self.by_id.get(&key.1).is_some_and(Job::ended) {
                gone.push(key.clone());
                excess = excess.saturating_sub(1);
            }
        }
        for key in gone {
            self.by_id.remove(&key.1);
            self.by_time.remove(&key);
        }
        let horizon = now.checked_sub(TOKEN_LIFE).unwrap_or(Timestamp::MIN);
        while self.tokens_by_time.first().is_some_and(|(at, _)| *at < horizon) {
            if let Some((_, token)) = self.tokens_by_time.pop_first() {
                self.tokens.remove(&token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Plain(String, Timestamp, bool);

    impl Job for Plain {
        fn id(&self) -> &str {
            &self.0
        }
        fn created_at(&self) -> Timestamp {
            self.1
        }
        fn ended(&self) -> bool {
            self.2
        }
    }

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(n * 86_400).unwrap()
    }

    fn store() -> JobStore<Plain> {
        let mut store = JobStore::default();
        for n in 0..40 {
            store.insert(Plain(format!("job-{n:02}"), day(n), n != 3));
        }
        store
    }

    #[test]
    fn ended_jobs_are_forgotten_after_30_days_and_open_ones_are_not() {
        let mut store = store();
        store.prune(day(40), 1000);
        assert_eq!(store.len(), 31);
        assert!(store.get("job-03").is_some() && store.get("job-09").is_none() && store.get("job-10").is_some());
    }

    #[test]
    fn above_the_bound_the_oldest_ended_jobs_go_early() {
        let mut store = store();
        store.prune(day(40), 5);
        let left: Vec<_> = store.iter().map(|job| job.0.as_str()).collect();
        assert_eq!(left, ["job-03", "job-36", "job-37", "job-38", "job-39"]);
    }

    #[test]
    fn a_token_stands_for_its_request_for_a_day() {
        let mut store = store();
        store.remember(Some("t"), "request".into(), "job-01", day(1));
        let same = Replay::Same { job_id: "job-01".into(), created_at: day(1) };
        assert_eq!(store.replay(Some("t"), "request", day(2)), same);
        assert_eq!(store.replay(Some("t"), "other", day(2)), Replay::Different);
        assert_eq!(store.replay(Some("t"), "other", day(3)), Replay::New);
        assert_eq!(store.replay(None, "request", day(1)), Replay::New);
        store.prune(day(3), 1000);
        assert!(store.tokens.is_empty() && store.tokens_by_time.is_empty());
    }
}
