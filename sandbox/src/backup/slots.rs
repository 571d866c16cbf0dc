//! One backup or copy job at a time for a resource: who holds the resource, and who waits for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// A job that needs the resource to itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A backup job, by id.
    Backup(String),
    /// A copy job, by id.
    Copy(String),
}

/// Who holds each resource of a region, and who waits, oldest first [D: quota of one concurrent job a resource].
#[derive(Debug, Default)]
pub struct Slots {
    held: BTreeMap<String, Work>,
    waiting: BTreeMap<String, BTreeSet<(Timestamp, Work)>>,
}

impl Slots {
    /// Takes the resource for `work`, or queues it by its creation time. True when `work` now holds the resource.
    pub fn take(&mut self, resource: &str, work: &Work, created: Timestamp) -> bool {
        match self.held.get(resource) {
            Some(holder) if holder != work => {
                self.waiting.entry(resource.to_owned()).or_default().insert((created, work.clone()));
                false
            }
            _ => {
                self.held.insert(resource.to_owned(), work.clone());
                self.stop_waiting(resource, work, created);
                true
            }
        }
    }

    /// Gives the resource up and names who should try next. Nothing happens when `work` does not hold it.
    pub fn release(&mut self, resource: &str, work: &Work) -> Option<Work> {
        if self.held.get(resource) != Some(work) {
            return None;
        }
        self.held.remove(resource);
        self.waiting.get(resource)?.first().map(|(_, next)| next.clone())
    }

    /// Leaves the queue: the start window ran out, or the job was stopped.
    pub fn stop_waiting(&mut self, resource: &str, work: &Work, created: Timestamp) {
        if let Some(queue) = self.waiting.get_mut(resource) {
            queue.remove(&(created, work.clone()));
            if queue.is_empty() {
                self.waiting.remove(resource);
            }
        }
    }

    /// The job that holds the resource.
    #[must_use]
    pub fn holder(&self, resource: &str) -> Option<&Work> {
        self.held.get(resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_waiting_job_is_next() {
        let mut slots = Slots::default();
        let (a, b, c) = (Work::Backup("a".into()), Work::Copy("b".into()), Work::Backup("c".into()));
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(slots.take("db", &a, at(1)));
        assert!(!slots.take("db", &c, at(3)));
        assert!(!slots.take("db", &b, at(2)));
        assert_eq!(slots.release("db", &c), None, "only the holder can release");
        assert_eq!(slots.release("db", &a), Some(b.clone()));
        assert!(slots.take("db", &b, at(2)));
        slots.stop_waiting("db", &c, at(3));
        assert_eq!(slots.release("db", &b), None);
        assert!(slots.holder("db").is_none() && slots.waiting.is_empty());
    }
}
