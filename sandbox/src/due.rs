//! What happens when: one agenda for the whole world, in time order.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// What can fall due. At one instant the variants happen in this order: what ends frees a resource before what
/// starts wants it, and rules fire last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A running backup job ends: completed, or out of its completion window.
    BackupEnds,
    /// A job in ABORTING becomes ABORTED.
    BackupAborted,
    /// A running copy job ends.
    CopyEnds,
    /// A running restore job ends.
    RestoreEnds,
    /// A recovery point has reached the end of its lifecycle.
    RecoveryPointExpires,
    /// A recovery point in DELETING is gone.
    RecoveryPointGone,
    /// The maintenance window in which RDS switches continuous backup on.
    ContinuousBegins,
    /// A created backup job tries to start.
    BackupStarts,
    /// A created copy job tries to start.
    CopyStarts,
    /// The start window of a waiting backup job ran out. After the starts: a resource that becomes free at that instant
    /// is still taken.
    BackupStartWindowEnds,
    /// A created restore job starts.
    RestoreStarts,
    /// What services told arrives. Last: it has happened by then.
    LettersArrive,
}

/// One thing that falls due, by what it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// What happens.
    pub kind: Kind,
    /// In which account.
    pub account: String,
    /// In which region.
    pub region: String,
    /// To which job or recovery point: its id or ARN.
    pub id: String,
}

/// Time, then kind, then the order in which things were set: ids are random and decide nothing.
type Key = (Timestamp, Kind, u64);

/// The agenda. A thing stands in it at most once, so moving a date (a changed lifecycle, say) leaves nothing behind.
#[derive(Debug, Default)]
pub struct Agenda {
    by_time: BTreeMap<Key, Due>,
    keys: BTreeMap<Due, Key>,
    set: u64,
}

impl Agenda {
    /// Puts `due` on the agenda at `at`, or moves it there.
    pub fn set(&mut self, due: Due, at: Timestamp) {
        self.cancel(&due);
        self.set += 1;
        let key = (at, due.kind, self.set);
        self.by_time.insert(key, due.clone());
        self.keys.insert(due, key);
    }

    /// Takes `due` off the agenda, where it stands on it.
    pub fn cancel(&mut self, due: &Due) {
        if let Some(key) = self.keys.remove(due) {
            self.by_time.remove(&key);
        }
    }

    /// The instant of the next thing.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        self.by_time.first_key_value().map(|((at, ..), _)| *at)
    }

    /// Takes the next thing off the agenda when it is due by `to`.
    pub fn pop(&mut self, to: Timestamp) -> Option<(Timestamp, Due)> {
        if self.next_at()? > to {
            return None;
        }
        let ((at, ..), due) = self.by_time.pop_first()?;
        self.keys.remove(&due);
        Some((at, due))
    }

    /// How many things stand on the agenda.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_time.len()
    }

    /// Whether nothing stands on the agenda.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_time.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(kind: Kind, id: &str) -> Due {
        Due { kind, account: "1".into(), region: "r".into(), id: id.into() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn things_come_in_time_order_and_ends_before_starts() {
        let mut agenda = Agenda::default();
        agenda.set(due(Kind::BackupStarts, "b"), at(5));
        agenda.set(due(Kind::BackupEnds, "z"), at(5));
        agenda.set(due(Kind::CopyStarts, "c"), at(1));
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop(at(9))).map(|(_, due)| due.id).collect();
        assert_eq!(order, ["c", "z", "b"]);
    }

    #[test]
    fn a_moved_date_leaves_nothing_behind() {
        let mut agenda = Agenda::default();
        for second in 1..100 {
            agenda.set(due(Kind::RecoveryPointExpires, "p"), at(second));
        }
        assert_eq!((agenda.len(), agenda.pop(at(98))), (1, None));
        agenda.cancel(&due(Kind::RecoveryPointExpires, "p"));
        assert!(agenda.is_empty());
    }
}
