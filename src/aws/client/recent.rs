//! Things made once and kept while they are asked for. Beyond a number one is let go: of those that have proven to be of no
//! use yet the one asked for longest ago, and only where there are none of these another.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Whether a thing has been of use.
pub(super) trait Proven {
    fn is_proven(&self) -> bool;
}

/// What was made, by its key.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    most: usize,
    kept: Mutex<Kept<K, V>>,
}

#[derive(Debug)]
struct Kept<K, V> {
    /// Counts the askings.
    now: u64,
    things: BTreeMap<K, (u64, Arc<V>)>,
}

impl<K: Ord + Clone, V: Proven> Recent<K, V> {
    /// Keeps as many as that.
    pub(super) fn of(most: usize) -> Self {
        Self { most, kept: Mutex::new(Kept { now: 0, things: BTreeMap::new() }) }
    }

    /// The thing of the key. It is made under the lock, so it must be made quickly; two who ask at once get the same one.
    pub(super) fn get_or_make(&self, key: &K, make: impl FnOnce() -> V) -> Arc<V> {
        let mut kept = self.kept();
        kept.now += 1;
        let now = kept.now;
        if let Some((asked, thing)) = kept.things.get_mut(key) {
            *asked = now;
            return Arc::clone(thing);
        }
        if kept.things.len() >= self.most {
            let least = kept.things.iter().min_by_key(|(_, (asked, thing))| (thing.is_proven(), *asked));
            if let Some(key) = least.map(|(key, _)| key.clone()) {
                kept.things.remove(&key);
            }
        }
        let thing = Arc::new(make());
        kept.things.insert(key.clone(), (now, Arc::clone(&thing)));
        thing
    }
}

impl<K: Ord, V> Recent<K, V> {
    /// The thing of the key, if there is one, without asking for it.
    pub(super) fn peek(&self, key: &K) -> Option<Arc<V>> {
        self.kept().things.get(key).map(|(_, thing)| Arc::clone(thing))
    }

    /// All there are.
    pub(super) fn all(&self) -> Vec<Arc<V>> {
        self.kept().things.values().map(|(_, thing)| Arc::clone(thing)).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    struct Thing {
        number: u32,
        proven: AtomicBool,
    }

    impl Proven for Thing {
        fn is_proven(&self) -> bool {
            self.proven.load(Ordering::Relaxed)
        }
    }

    fn make(recent: &Recent<u32, Thing>, key: u32, made: &AtomicU32) -> Arc<Thing> {
        let make = || Thing { number: made.fetch_add(1, Ordering::Relaxed), proven: AtomicBool::new(false) };
        recent.get_or_make(&key, make)
    }

    #[test]
    fn the_one_asked_for_longest_ago_is_let_go() {
        let (recent, made) = (Recent::of(2), AtomicU32::new(0));
        for (key, thing) in [(1, 0), (2, 1), (1, 0), (3, 2), (1, 0), (2, 3)] {
            assert_eq!(make(&recent, key, &made).number, thing, "{key}");
        }
    }

    #[test]
    fn what_has_not_been_of_use_makes_room_for_what_has_not_either() {
        let (recent, made) = (Recent::of(3), AtomicU32::new(0));
        for key in [1, 2] {
            make(&recent, key, &made).proven.store(true, Ordering::Relaxed);
        }
        for key in 100..200 {
            make(&recent, key, &made);
        }
        assert_eq!((make(&recent, 1, &made).number, make(&recent, 2, &made).number), (0, 1));
        assert_eq!(recent.kept.lock().unwrap().things.len(), 3);
        make(&recent, 3, &made).proven.store(true, Ordering::Relaxed);
        let fourth = make(&recent, 4, &made).number;
        assert_eq!(make(&recent, 4, &made).number, fourth, "though all others are of use");
        assert_eq!((make(&recent, 2, &made).number, make(&recent, 3, &made).number), (1, fourth - 1));
    }

    #[test]
    fn all_who_ask_at_once_get_the_same_thing() {
        let (recent, made) = (Recent::of(2), AtomicU32::new(0));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| make(&recent, 1, &made).number)).collect();
            assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 0));
        });
    }
}
