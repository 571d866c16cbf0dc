//! Things made once and kept while they are asked for; beyond a number the one asked for longest ago is let go.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

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
    entries: BTreeMap<K, Entry<V>>,
}

/// A thing, or the place of one that is being made.
#[derive(Debug)]
struct Entry<V> {
    asked: u64,
    thing: Arc<OnceCell<Arc<V>>>,
}

impl<K: Ord + Clone + Sync + Send, V: Send + Sync> Recent<K, V> {
    /// Keeps as many as that.
    pub(super) fn of(most: usize) -> Self {
        Self { most, kept: Mutex::new(Kept { now: 0, entries: BTreeMap::new() }) }
    }

    /// The thing of the key. Who asks while it is being made waits for that; if it fails, the next one tries.
    pub(super) async fn get_or_make<E, F>(&self, key: &K, make: impl FnOnce() -> F + Send) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>> + Send,
        E: Send,
    {
        let place = self.place(key);
        let made = place.get_or_try_init(|| async { make().await.map(Arc::new) }).await.map(Arc::clone);
        drop(place);
        self.let_go();
        made
    }

    fn place(&self, key: &K) -> Arc<OnceCell<Arc<V>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.now += 1;
        let asked = kept.now;
        let entry = kept.entries.entry(key.clone()).or_insert_with(|| Entry { asked, thing: Arc::default() });
        entry.asked = asked;
        Arc::clone(&entry.thing)
    }

    /// Lets go of what was asked for longest ago, only now that something else was made: what cannot be made must not take
    /// the place of what was. And of places where nothing was made and nobody waits any more.
    fn let_go(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entries.retain(|_, entry| entry.thing.initialized() || Arc::strong_count(&entry.thing) > 1);
        while kept.entries.values().filter(|entry| entry.thing.initialized()).count() > self.most {
            let made = kept.entries.iter().filter(|(_, entry)| entry.thing.initialized());
            let Some(key) = made.min_by_key(|(_, entry)| entry.asked).map(|(key, _)| key.clone()) else { return };
            kept.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn make(recent: &Recent<u32, u32>, key: u32, made: &AtomicU32) -> Arc<u32> {
        let make = || async {
            tokio::task::yield_now().await;
            Ok::<_, ()>(made.fetch_add(1, Ordering::Relaxed))
        };
        recent.get_or_make(&key, make).await.unwrap()
    }

    #[tokio::test]
    async fn two_who_ask_at_once_get_the_same_thing() {
        let (recent, made) = (Recent::of(2), AtomicU32::new(0));
        let (one, other) = tokio::join!(make(&recent, 1, &made), make(&recent, 1, &made));
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(made.into_inner(), 1);
    }

    #[tokio::test]
    async fn the_one_asked_for_longest_ago_is_let_go() {
        let (recent, made) = (Recent::of(2), AtomicU32::new(0));
        for (key, thing) in [(1, 0), (2, 1), (1, 0), (3, 2), (1, 0), (2, 3)] {
            assert_eq!(*make(&recent, key, &made).await, thing, "{key}");
        }
    }

    #[tokio::test]
    async fn what_could_not_be_made_is_tried_again_and_costs_nothing_that_was() {
        let (recent, made) = (Recent::of(1), AtomicU32::new(0));
        make(&recent, 1, &made).await;
        assert_eq!(recent.get_or_make(&2, || async { Err("no way in") }).await, Err("no way in"));
        assert_eq!(recent.kept.lock().unwrap().entries.len(), 1);
        assert_eq!(*make(&recent, 1, &made).await, 0, "it is still there");
        assert_eq!(*make(&recent, 2, &made).await, 1);
    }

    #[tokio::test]
    async fn who_gives_up_while_it_is_made_leaves_no_place_behind() {
        let (recent, made) = (Recent::of(1), AtomicU32::new(0));
        let never = recent.get_or_make(&2, std::future::pending::<Result<u32, ()>>);
        tokio::select! {
            biased;
            _ = never => unreachable!("it is never made"),
            () = tokio::task::yield_now() => {}
        }
        make(&recent, 1, &made).await;
        assert_eq!(recent.kept.lock().unwrap().entries.len(), 1);
    }
}
