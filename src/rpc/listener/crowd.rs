//! All connections there are: who may come in, and who makes room.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::connection::Connection;

/// For a newcomer among so many, one goes; among more, one of so many. A crowd that ignores GOAWAY holds its places
/// [`super::life::LINGER`] longer, and so not one after the other.
const MAKES_ROOM: usize = 64;

/// The connections there are, and how many there may be.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    most_of_a_peer: usize,
    here: Mutex<Here>,
    /// Rung when one is gone.
    left: Notify,
}

#[derive(Debug, Default)]
struct Here {
    next_id: u64,
    connections: BTreeMap<u64, Place>,
}

#[derive(Debug)]
struct Place {
    connection: Arc<Connection>,
    /// Told to make room: it is as good as gone for its peer.
    leaving: bool,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    crowd: Arc<Crowd>,
    pub(super) connection: Arc<Connection>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.crowd.here().connections.remove(&self.connection.id);
        self.crowd.left.notify_one();
    }
}

impl Crowd {
    pub(super) fn new(most: usize, most_of_a_peer: usize) -> Self {
        Self { most, most_of_a_peer, here: Mutex::default(), left: Notify::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.here().connections.len()
    }

    /// Lets a connection in, and gives it its number. `None` when its peer has as many as it may, and all at work.
    pub(super) fn admit(self: &Arc<Self>, peer: SocketAddr) -> Option<Admitted> {
        let mut here = self.here();
        here.next_id += 1;
        let connection = Arc::new(Connection::new(here.next_id, peer));
        let party = connection.party();
        let same = |place: &Place| !place.leaving && place.connection.party() == party;
        if here.connections.values().filter(|place| same(place)).count() >= self.most_of_a_peer
            && here.displace(1, same) == 0
        {
            return None;
        }
        here.connections.insert(connection.id, Place { connection: Arc::clone(&connection), leaving: false });
        Some(Admitted { crowd: Arc::clone(self), connection })
    }

    /// Waits until there is room for one more. Who has no request makes room, the longest idle first; where everybody
    /// is at work, the kernel's queue holds the newcomers.
    pub(super) async fn room(&self) {
        loop {
            if self.len() < self.most {
                return;
            }
            if self.make_room() == 0 {
                // Nobody tells when one becomes idle.
                let _ = tokio::time::timeout(super::life::LINGER, self.left.notified()).await;
            } else {
                self.left.notified().await;
            }
        }
    }

    /// Asks those who have no request to go. Says how many are about to.
    pub(super) fn make_room(&self) -> usize {
        let mut here = self.here();
        let leaving = here.connections.values().filter(|place| place.leaving).count();
        if leaving > 0 { leaving } else { here.displace(self.most.div_ceil(MAKES_ROOM), |_| true) }
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    /// Tells the longest idle of those that are meant to go, and how many that were.
    fn displace(&mut self, most: usize, meant: impl Fn(&Place) -> bool) -> usize {
        let mut idle: Vec<_> = self
            .connections
            .values_mut()
            .filter(|place| !place.leaving && meant(place))
            .filter_map(|place| {
                let seen = place.connection.seen();
                (seen.open == 0).then_some((seen.quiet_since, place))
            })
            .collect();
        idle.sort_by_key(|(since, _)| *since);
        idle.truncate(most);
        for (_, place) in &mut idle {
            place.leaving = true;
            place.connection.displaced.notify_one();
        }
        idle.len()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn from(last: u8) -> SocketAddr {
        ([10, 0, 0, last], 50_000).into()
    }

    fn told_to_go(admitted: &Admitted) -> bool {
        admitted.crowd.here().connections[&admitted.connection.id].leaving
    }

    #[test]
    fn a_peer_with_all_it_may_have_displaces_its_own_longest_idle_and_nobody_else() {
        let crowd = Arc::new(Crowd::new(10, 2));
        let other = crowd.admit(from(9)).unwrap();
        let first = crowd.admit(from(1)).unwrap();
        let second = crowd.admit(from(1)).unwrap();
        first.connection.begin_request();
        let third = crowd.admit(from(1)).unwrap();
        assert!(told_to_go(&second) && !told_to_go(&first) && !told_to_go(&other));
        third.connection.begin_request();
        assert!(crowd.admit(from(1)).is_none(), "everybody of this peer is at work");
        assert!(crowd.admit(from(2)).is_some(), "another peer is not concerned");
        first.connection.end_request();
        assert!(crowd.admit(from(1)).is_some() && told_to_go(&first));
    }

    #[tokio::test]
    async fn a_full_house_lets_the_idle_go_and_waits_for_those_at_work() {
        let crowd = Arc::new(Crowd::new(2, 2));
        crowd.room().await;
        let busy = crowd.admit(from(1)).unwrap();
        busy.connection.begin_request();
        let idle = crowd.admit(from(2)).unwrap();
        let mut room = Box::pin(crowd.room());
        assert!((&mut room).now_or_never().is_none());
        assert!(told_to_go(&idle) && !told_to_go(&busy));
        drop(idle);
        room.await;
        let second = crowd.admit(from(2)).unwrap();
        second.connection.begin_request();
        assert_eq!(crowd.make_room(), 0, "everybody is at work");
        assert!(Box::pin(crowd.room()).now_or_never().is_none());
        second.connection.end_request();
        assert_eq!((crowd.make_room(), told_to_go(&second)), (1, true));
        assert_eq!(crowd.make_room(), 1, "who is about to go makes room enough");
        drop(second);
        crowd.room().await;
        assert_eq!(crowd.len(), 1);
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer_and_so_is_an_address_in_either_form() {
        let crowd = Arc::new(Crowd::new(10, 1));
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let first = crowd.admit(parse("[2001:db8:0:1::1]:1")).unwrap();
        first.connection.begin_request();
        assert!(crowd.admit(parse("[2001:db8:0:1:ffff::2]:1")).is_none());
        assert!(crowd.admit(parse("[2001:db8:0:2::1]:1")).is_some());
        let v4 = crowd.admit(parse("10.0.0.1:1")).unwrap();
        v4.connection.begin_request();
        assert!(crowd.admit(parse("[::ffff:10.0.0.1]:1")).is_none());
    }
}
