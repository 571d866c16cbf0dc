//! The operations that clients asked for, in their order: what a program does of AWS behind its own calls.

use std::collections::VecDeque;

use serde::Serialize;

use crate::service::Service;

/// So many are kept, the newest.
const MOST: usize = 1000;

/// A request that found its operation, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Counts the requests since the start, from 1.
    pub number: u64,
    /// `backup`, `iam`, `kms`, `rds`, `sts` or `tagging`.
    pub service: &'static str,
    /// The operation's name in the service model.
    pub operation: &'static str,
}

/// The newest requests.
#[derive(Debug, Default)]
pub struct Calls {
    kept: VecDeque<Asked>,
    count: u64,
}

impl Calls {
    /// Writes down a request.
    pub fn note(&mut self, service: Service, operation: &'static str) {
        self.count += 1;
        self.kept.push_back(Asked { number: self.count, service: service.name(), operation });
        if self.kept.len() > MOST {
            self.kept.pop_front();
        }
    }

    /// Those that are kept, oldest first.
    pub fn list(&self) -> Vec<Asked> {
        self.kept.iter().cloned().collect()
    }

    /// Forgets them; the count goes on.
    pub fn clear(&mut self) {
        self.kept.clear();
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
}
