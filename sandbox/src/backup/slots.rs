//! One backup or copy job at a time for a resource: who holds the resource, and who waits for it.

use std::collections::BTreeMap;

/// A job that needs the resource to itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A backup job, by id.
    Backup(String),
    /// A copy job, by id.
    Copy(String),
}

/// Who holds each resource of a region, and who waits, in the order in which they came [D: quota of one concurrent job
/// a resource].
#[derive(Debug, Default)]
pub struct Slots {
    held: BTreeMap<String, Work>,
    waiting: BTreeMap<String, BTreeMap<u64, Work>>,
    tickets: BTreeMap<Work, u64>,
    next_ticket: u64,
}

impl Slots {
    /// Takes the resource for `work`, or queues it at the end; who waits already keeps its place. True when `work` now
    /// holds the resource.
    pub fn take(&mut self, resource: &str, work: &Work) -> bool {
        if self.held.get(resource).is_none_or(|holder| holder == work) {
            self.held.insert(resource.to_owned(), work.clone());
            self.stop_waiting(resource, work);
            return true;
        }
        if !self.tickets.contains_key(work) {
            self.next_ticket += 1;
            self.tickets.insert(work.clone(), self.next_ticket);
            self.waiting.entry(resource.to_owned()).or_default().insert(self.next_ticket, work.clone());
        }
        false
    }

    /// Gives the resource up and names who should try next; nobody while another holds it. Where `work` held nothing
    /// and the resource is free, it may be `work` that was asked to try and did not: the next one must not wait for it.
    pub fn release(&mut self, resource: &str, work: &Work) -> Option<Work> {
        if self.held.get(resource).is_some_and(|holder| holder != work) {
            return None;
        }
        self.held.remove(resource);
        self.waiting.get(resource)?.values().next().cloned()
    }

    /// Leaves the queue: the start window ran out, or the job was stopped.
    pub fn stop_waiting(&mut self, resource: &str, work: &Work) {
        let Some(ticket) = self.tickets.remove(work) else { return };
        if let Some(queue) = self.waiting.get_mut(resource) {
            queue.remove(&ticket);
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
    fn who_came_first_is_next() {
        let mut slots = Slots::default();
        let (a, b, c) = (Work::Backup("a".into()), Work::Copy("b".into()), Work::Backup("c".into()));
        assert!(slots.take("db", &a));
        assert!(!slots.take("db", &c));
        assert!(!slots.take("db", &b));
        assert!(!slots.take("db", &c), "asking again keeps the place");
        assert_eq!(slots.release("db", &c), None, "only the holder can release");
        assert_eq!(slots.release("db", &a), Some(c.clone()));
        assert!(slots.take("db", &c));
        slots.stop_waiting("db", &b);
        assert_eq!(slots.release("db", &c), None);
        assert!(slots.holder("db").is_none() && slots.waiting.is_empty() && slots.tickets.is_empty());
    }

    #[test]
    fn who_ends_without_having_held_a_free_resource_still_names_the_next() {
        let mut slots = Slots::default();
        let (a, b, c) = (Work::Backup("a".into()), Work::Backup("b".into()), Work::Copy("c".into()));
        assert!(slots.take("db", &a) && !slots.take("db", &b) && !slots.take("db", &c));
        assert_eq!(slots.release("db", &a), Some(b.clone()));
        slots.stop_waiting("db", &b);
        assert_eq!(slots.release("db", &b), Some(c));
    }
}
