//! What was asked of AWS for one call, by AWS's ids of the requests: for the line of the call, and for AWS's support.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::aws::call::Nature;

/// Ids that are kept of each nature; a look at everything takes hundreds of requests.
const MOST: usize = 8;

/// Written to by every request of the call that has ended.
#[derive(Debug, Default)]
pub struct Trail(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    calls: u64,
    /// Those of changes stand first: a call makes few, and whoever asks wants them.
    writes: Vec<Box<str>>,
    reads: Vec<Box<str>>,
}

impl Trail {
    /// A request has ended. One that AWS never answered has no id.
    pub(in crate::aws) fn note(&self, nature: Nature, id: Option<&str>) {
        let mut asked = self.asked();
        asked.calls += 1;
        let ids = match nature {
            Nature::Write => &mut asked.writes,
            Nature::Read => &mut asked.reads,
        };
        if let Some(id) = id.filter(|_| ids.len() < MOST) {
            ids.push(id.into());
        }
    }

    /// The ids, those of changes first.
    pub fn ids(&self) -> Vec<String> {
        let asked = self.asked();
        asked.writes.iter().chain(&asked.reads).map(ToString::to_string).collect()
    }

    /// How many there were.
    pub fn calls(&self) -> u64 {
        self.asked().calls
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ids with commas between them.
impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.asked();
        for (at, id) in asked.writes.iter().chain(&asked.reads).enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{id}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_stand_first_and_of_many_reads_some_are_kept_and_all_counted() {
        let trail = Trail::default();
        for number in 0..100 {
            trail.note(Nature::Read, Some(&format!("r{number}")));
        }
        trail.note(Nature::Read, None);
        trail.note(Nature::Write, Some("w"));
        assert_eq!((trail.calls(), trail.to_string().as_str()), (102, "w,r0,r1,r2,r3,r4,r5,r6,r7"));
    }
}
