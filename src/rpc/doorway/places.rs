//! How many there may be of something at once: calls, streams, bytes held. In all, on one connection, for one client address
//! and for one known caller, so that nobody can take everything.

use std::{
    borrow::Borrow,
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

use crate::rpc::access::principal::Principal;

/// Who asks. What a connection leaves behind when it hangs up still counts for its address, and for its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) connection: u64,
    pub(super) address: Option<IpAddr>,
    /// Where the caller is known.
    pub(super) principal: Option<Principal>,
}

/// What is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rpc) struct Full {
    what: &'static str,
    key: &'static str,
    whose: Whose,
}

/// Whose share is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Everybodys,
    Connections,
    Addresses,
    Principals,
}

impl Full {
    #[cfg(test)]
    pub(in crate::rpc) fn of_calls() -> Self {
        Self { what: "calls under way", key: "server.max_concurrent_requests", whose: Whose::Everybodys }
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, key, whose } = self;
        match whose {
            Whose::Everybodys => write!(f, "the server has as many {what} as it may ({key})"),
            Whose::Connections => {
                write!(f, "this connection has as many {what} as it may ({key}, server.max_share_per_connection)")
            }
            Whose::Addresses => {
                write!(f, "this client address has as many {what} as it may ({key}, server.max_share_per_address)")
            }
            Whose::Principals => {
                write!(f, "this caller has as many {what} as one may ({key}, access.max_share_per_principal)")
            }
        }
    }
}

/// What one connection, one address and one known caller may take of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Percent {
    pub(super) connection: usize,
    pub(super) address: usize,
    pub(super) principal: usize,
}

/// Who has taken how much of a bound.
#[derive(Debug)]
struct Shares {
    most: usize,
    of_connection: usize,
    of_address: usize,
    of_principal: usize,
    taken: usize,
    // Whoever has nothing is not in here: the maps are as large as what is under way.
    by_connection: BTreeMap<u64, usize>,
    by_address: BTreeMap<IpAddr, usize>,
    by_principal: BTreeMap<String, usize>,
}

impl Shares {
    fn new(most: usize, percent: Percent) -> Self {
        let share = |percent: usize| most.saturating_mul(percent).div_ceil(100);
        Self {
            most,
            of_connection: share(percent.connection),
            of_address: share(percent.address),
            of_principal: share(percent.principal),
            taken: 0,
            by_connection: BTreeMap::new(),
            by_address: BTreeMap::new(),
            by_principal: BTreeMap::new(),
        }
    }

    fn take(&mut self, caller: &Caller, units: usize) -> Result<(), Whose> {
        let of_connection = self.by_connection.get(&caller.connection).copied().unwrap_or_default();
        let of_address = caller.address.and_then(|address| self.by_address.get(&address)).copied().unwrap_or_default();
        let principal = caller.principal.as_ref().map(Principal::name);
        let of_principal = principal.and_then(|name| self.by_principal.get(name)).copied().unwrap_or_default();
        let fits = |taken: usize, most: usize| units <= most.saturating_sub(taken);
        if !fits(of_connection, self.of_connection) {
            return Err(Whose::Connections);
        }
        if caller.address.is_some() && !fits(of_address, self.of_address) {
            return Err(Whose::Addresses);
        }
        if principal.is_some() && !fits(of_principal, self.of_principal) {
            return Err(Whose::Principals);
        }
        if !fits(self.taken, self.most) {
            return Err(Whose::Everybodys);
        }
        self.taken += units;
        self.by_connection.insert(caller.connection, of_connection + units);
        if let Some(address) = caller.address {
            self.by_address.insert(address, of_address + units);
        }
        if let Some(name) = principal {
            match self.by_principal.get_mut(name) {
                Some(taken) => *taken += units,
                None => _ = self.by_principal.insert(name.to_owned(), units),
            }
        }
        Ok(())
    }

    fn give_back(&mut self, caller: &Caller, units: usize) {
        self.taken = self.taken.saturating_sub(units);
        less(&mut self.by_connection, &caller.connection, units);
        if let Some(address) = caller.address {
            less(&mut self.by_address, &address, units);
        }
        if let Some(principal) = &caller.principal {
            less(&mut self.by_principal, principal.name(), units);
        }
    }
}

fn less<K: Ord + Borrow<Q>, Q: Ord + ?Sized>(held: &mut BTreeMap<K, usize>, whose: &Q, units: usize) {
    let left = held.get(whose).copied().unwrap_or_default().saturating_sub(units);
    if left == 0 {
        held.remove(whose);
    } else if let Some(held) = held.get_mut(whose) {
        *held = left;
    }
}

/// A bound, and what is taken of it by now.
#[derive(Debug)]
pub(super) struct Bound {
    what: &'static str,
    key: &'static str,
    shares: Mutex<Shares>,
    empty: Notify,
}

impl Bound {
    /// `what` there may be at most so many of, by the key of the configuration.
    pub(super) fn new(what: &'static str, key: &'static str, most: usize, percent: Percent) -> Arc<Self> {
        Arc::new(Self { what, key, shares: Mutex::new(Shares::new(most, percent)), empty: Notify::new() })
    }

    /// So much of it, until the grant is dropped or given back. Refused, not queued, when there is none.
    pub(super) fn take(self: &Arc<Self>, caller: &Caller, units: usize) -> Result<Grant, Full> {
        let grant = Grant { bound: Arc::clone(self), caller: caller.clone(), units: AtomicUsize::new(0) };
        grant.more(units)?;
        Ok(grant)
    }

    /// How much is taken.
    pub(super) fn taken(&self) -> usize {
        self.shares().taken
    }

    /// How much there is.
    pub(super) fn most(&self) -> usize {
        self.shares().most
    }

    /// Waits until nothing is taken.
    pub(super) async fn empty(&self) {
        loop {
            let emptied = self.empty.notified();
            if self.shares().taken == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call has taken of a bound.
#[derive(Debug)]
pub(super) struct Grant {
    bound: Arc<Bound>,
    caller: Caller,
    units: AtomicUsize,
}

impl Grant {
    /// More for the same call.
    pub(super) fn more(&self, units: usize) -> Result<(), Full> {
        // Most calls hold no bytes that count: they need not wait for those who do.
        if units == 0 {
            return Ok(());
        }
        let Bound { what, key, .. } = *self.bound;
        self.bound.shares().take(&self.caller, units).map_err(|whose| Full { what, key, whose })?;
        self.units.fetch_add(units, Ordering::Relaxed);
        Ok(())
    }

    /// Everything, before the grant is dropped.
    pub(super) fn give_back(&self) {
        let units = self.units.swap(0, Ordering::Relaxed);
        if units == 0 {
            return;
        }
        let mut shares = self.bound.shares();
        shares.give_back(&self.caller, units);
        if shares.taken == 0 {
            self.bound.empty.notify_waiters();
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::rpc::access::principal::Known;

    const QUARTER: Percent = Percent { connection: 25, address: 75, principal: 50 };

    fn caller(connection: u64, address: u8) -> Caller {
        Caller { connection, address: Some(Ipv4Addr::new(10, 0, 0, address).into()), principal: None }
    }

    #[test]
    fn a_connection_an_address_and_everybody_have_a_bound_each() {
        let mut shares = Shares::new(8, QUARTER);
        for connection in [1, 1, 2, 2, 3, 3] {
            assert_eq!(shares.take(&caller(connection, 1), 1), Ok(()));
        }
        assert_eq!(shares.take(&caller(3, 1), 1), Err(Whose::Connections));
        assert_eq!(shares.take(&caller(4, 1), 1), Err(Whose::Addresses), "six of eight for one address");
        assert_eq!(shares.take(&caller(5, 2), 2), Ok(()));
        assert_eq!(shares.take(&caller(6, 3), 1), Err(Whose::Everybodys));
        shares.give_back(&caller(1, 1), 1);
        assert_eq!(shares.take(&caller(6, 3), 1), Ok(()));
    }

    #[test]
    fn a_known_caller_has_a_share_over_all_connections_and_addresses() {
        let known = Principal::anonymous().known().clone();
        let of = |name: &str| Some(Principal::new(Known { name: name.to_owned(), ..known.clone() }));
        let by = |connection: u8, name| Caller { principal: of(name), ..caller(connection.into(), connection) };
        let mut shares = Shares::new(8, QUARTER);
        for connection in 1..=4 {
            assert_eq!(shares.take(&by(connection, "corp:alice"), 1), Ok(()));
        }
        assert_eq!(shares.take(&by(5, "corp:alice"), 1), Err(Whose::Principals));
        assert_eq!(shares.take(&by(5, "corp:bob"), 1), Ok(()));
        shares.give_back(&by(1, "corp:alice"), 1);
        assert_eq!(shares.take(&by(5, "corp:alice"), 1), Ok(()));
    }

    #[test]
    fn a_share_is_never_less_than_one_and_none_is_none() {
        assert_eq!(Shares::new(1, QUARTER).take(&caller(1, 1), 1), Ok(()));
        assert!(Shares::new(0, QUARTER).take(&caller(1, 1), 1).is_err());
    }

    #[test]
    fn a_grant_is_given_back_once() {
        let bound = Bound::new("calls under way", "server.max_concurrent_requests", 8, QUARTER);
        let one = bound.take(&caller(1, 1), 1).unwrap();
        let other = bound.take(&caller(1, 1), 1).unwrap();
        let full = bound.take(&caller(1, 1), 1).unwrap_err();
        assert!(full.to_string().starts_with("this connection has as many calls under way"), "{full}");
        one.give_back();
        drop(one);
        assert_eq!(bound.shares().taken, 1);
        drop(other);
        assert_eq!(bound.shares().taken, 0);
    }

    #[tokio::test]
    async fn whoever_waits_for_the_end_hears_of_it() {
        let bound = Bound::new("calls under way", "server.max_concurrent_requests", 8, QUARTER);
        bound.empty().await;
        let grant = bound.take(&caller(1, 1), 1).unwrap();
        let (mut empty, waker) = (Box::pin(bound.empty()), std::task::Waker::noop());
        assert!(empty.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
        drop(grant);
        empty.await;
    }

    proptest! {
        /// No bound is ever passed, whoever comes and goes; and when all have gone, nothing is kept.
        #[test]
        fn nobody_takes_more_than_their_share(
            most in 0_usize..20,
            steps in vec((0_u64..5, 0_u8..3, 1_usize..6, any::<bool>()), 0..60),
        ) {
            let mut shares = Shares::new(most, QUARTER);
            let mut held: Vec<(Caller, usize)> = Vec::new();
            for (connection, address, units, leaves) in steps {
                if leaves && !held.is_empty() {
                    let (caller, units) = held.remove(units % held.len());
                    shares.give_back(&caller, units);
                } else if shares.take(&caller(connection, address), units).is_ok() {
                    held.push((caller(connection, address), units));
                }
                let sum = |of: &dyn Fn(&Caller) -> bool| -> usize {
                    held.iter().filter(|(caller, _)| of(caller)).map(|(_, units)| units).sum()
                };
                prop_assert_eq!(shares.taken, sum(&|_| true));
                prop_assert!(shares.taken <= most);
                for connection in 0..5 {
                    prop_assert!(sum(&|caller| caller.connection == connection) <= (most * 25).div_ceil(100));
                }
                for address in 0..3 {
                    let address = caller(0, address).address;
                    prop_assert!(sum(&|caller| caller.address == address) <= (most * 75).div_ceil(100));
                }
            }
            for (caller, units) in held {
                shares.give_back(&caller, units);
            }
            prop_assert_eq!(shares.taken, 0);
            prop_assert!(shares.by_connection.is_empty() && shares.by_address.is_empty());
        }
    }
}
