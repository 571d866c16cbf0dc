//! The operations that clients asked for, in their order and counted: what a program does of AWS behind its own calls.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::{Value, json};

use crate::service::Service;

/// So many are kept, the newest.
const MOST: usize = 1000;

/// A request that found its operation, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Counts the requests since the start, from 1.
    pub number: u64,
    /// One of [`crate::service::NAMES`].
    pub service: &'static str,
    /// The operation's name in the service model.
    pub operation: &'static str,
}

/// What stands in the counts for a request that found no operation.
const NONE: &str = "UnknownOperation";

/// The newest requests, and how many there were of each operation.
#[derive(Debug, Default)]
pub struct Calls {
    kept: VecDeque<Asked>,
    count: u64,
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

impl Calls {
    /// Writes down a request.
    pub fn note(&mut self, service: Service, operation: &'static str) {
        self.count += 1;
        *self.counts.entry((service.name(), operation)).or_default() += 1;
        self.kept.push_back(Asked { number: self.count, service: service.name(), operation });
        if self.kept.len() > MOST {
            self.kept.pop_front();
        }
    }

    /// Counts a request that found no operation.
    pub fn note_unknown(&mut self, service: Service) {
        *self.counts.entry((service.name(), NONE)).or_default() += 1;
    }

    /// How many requests there were since the last [`Calls::reset`], whatever became of them.
    pub fn counted(&self) -> Value {
        let name = |(service, operation): &(&str, &str)| format!("{service}:{operation}");
        let by_operation: BTreeMap<String, u64> =
            self.counts.iter().map(|(asked, count)| (name(asked), *count)).collect();
        json!({ "total": by_operation.values().sum::<u64>(), "by_operation": by_operation })
    }

    /// Those that are kept, oldest first.
    pub fn list(&self) -> Vec<Asked> {
        self.kept.iter().cloned().collect()
    }

    /// Forgets them; the count goes on.
    pub fn clear(&mut self) {
        self.kept.clear();
    }

    /// Forgets them and how many there were.
    pub fn reset(&mut self) {
        self.clear();
        self.counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_the_count_goes_on() {
        let mut calls = Calls::default();
        for _ in 0..MOST {
            calls.note(Service::Backup, "ListBackupVaults");
        }
        calls.note(Service::Backup, "ListBackupPlans");
        let listed = calls.list();
        assert_eq!((listed.len(), listed[0].number), (MOST, 2));
        assert_eq!(listed.last().map(|asked| asked.operation), Some("ListBackupPlans"));
        calls.clear();
        calls.note(Service::Backup, "ListBackupPlans");
        assert_eq!(calls.list()[0].number, MOST as u64 + 2);
    }

    #[test]
    fn every_request_is_counted_until_a_reset() {
        let mut calls = Calls::default();
        for _ in 0..MOST + 1 {
            calls.note(Service::Backup, "ListBackupVaults");
        }
        calls.note_unknown(Service::Backup);
        calls.clear();
        let counted = json!({"backup:ListBackupVaults": MOST + 1, "backup:UnknownOperation": 1});
        assert_eq!(calls.counted(), json!({ "total": MOST + 2, "by_operation": counted }));
        calls.reset();
        assert_eq!(calls.counted(), json!({ "total": 0, "by_operation": {} }));
    }
}
