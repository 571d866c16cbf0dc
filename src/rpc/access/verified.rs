//! Tokens that were verified, by their digests: a signature is not verified again while its token and its key live.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

use super::principal::Principal;

/// Tokens in each of the two halves, and bytes of them: one takes about half a kilobyte as a rule, and with hundreds of groups
/// many times that.
const HALF: usize = 5000;
const HALF_BYTES: usize = 4 << 20;

/// Which token. The token itself is kept nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Print([u8; 32]);

impl Print {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// What is known of a token whose signature is good.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) principal: Principal,
    /// Which of the issuers.
    pub(super) issuer: usize,
    /// The key that signed it.
    pub(super) key: [u8; 32],
    /// When it ends, in seconds of the epoch.
    pub(super) expires: i64,
}

impl Known {
    /// About how many bytes it takes.
    fn bytes(&self) -> usize {
        let known = self.principal.known();
        let groups: usize = known.groups.iter().map(|group| size_of::<String>() + group.len()).sum();
        size_of::<Print>() + size_of::<Self>() + known.name.len() + groups + 200
    }
}

/// The newer half, and the older, which goes when the newer is full: what is asked for goes on to the newer one.
#[derive(Debug, Default)]
struct Halves {
    newer: BTreeMap<Print, Known>,
    older: BTreeMap<Print, Known>,
    /// Of the newer.
    bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<Halves>);

impl Verified {
    pub(super) fn get(&self, print: &Print) -> Option<Known> {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = halves.newer.get(print) {
            return Some(known.clone());
        }
        let known = halves.older.remove(print)?;
        halves.put(*print, known.clone());
        Some(known)
    }

    pub(super) fn put(&self, print: Print, known: Known) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(print, known);
    }

    /// It is good no more.
    pub(super) fn forget(&self, print: &Print) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = halves.newer.remove(print) {
            halves.bytes -= known.bytes();
        }
        halves.older.remove(print);
    }
}

impl Halves {
    fn put(&mut self, print: Print, known: Known) {
        let bytes = known.bytes();
        if self.newer.len() >= HALF || self.bytes + bytes > HALF_BYTES {
            self.older = mem::take(&mut self.newer);
            self.bytes = 0;
        }
        self.bytes += bytes;
        if let Some(before) = self.newer.insert(print, known) {
            self.bytes -= before.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::access::principal;

    #[test]
    fn it_is_bounded_and_keeps_what_is_asked_for() {
        let verified = Verified::default();
        let known = || Known { principal: Principal::anonymous(), issuer: 0, key: [0; 32], expires: 0 };
        let of = |number: usize| Print::of(&number.to_string());
        verified.put(of(0), known());
        for number in 1..5 * HALF {
            verified.put(of(number), known());
            if number % 1000 == 0 {
                assert!(verified.get(&of(0)).is_some(), "{number}");
            }
        }
        let halves = verified.0.lock().unwrap();
        assert!(halves.newer.len() + halves.older.len() <= 2 * HALF);
        drop(halves);
        assert!(verified.get(&of(1)).is_none());
        verified.forget(&of(0));
        assert!(verified.get(&of(0)).is_none());
    }

    #[test]
    fn callers_with_many_groups_take_no_more_memory_than_others() {
        let verified = Verified::default();
        let groups = vec!["g".repeat(100); 500];
        let principal = Principal::new(principal::Known { groups, ..Principal::anonymous().known().clone() });
        for number in 0..HALF {
            let known = Known { principal: principal.clone(), issuer: 0, key: [0; 32], expires: 0 };
            verified.put(Print::of(&number.to_string()), known.clone());
            verified.put(Print::of(&number.to_string()), known);
        }
        verified.forget(&Print::of(&(HALF - 1).to_string()));
        let halves = verified.0.lock().unwrap();
        let bytes = |half: &BTreeMap<Print, Known>| half.values().map(Known::bytes).sum::<usize>();
        assert_eq!(halves.bytes, bytes(&halves.newer));
        assert!(halves.bytes <= HALF_BYTES && bytes(&halves.older) <= HALF_BYTES);
        assert!(halves.older.len() > 50);
    }
}
