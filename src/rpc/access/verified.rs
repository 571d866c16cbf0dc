//! Tokens that were verified, by their digests: a signature is not verified again while its token and its key live.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

use super::principal::Principal;

/// Tokens in each of the two halves. One takes about half a kilobyte.
const HALF: usize = 5000;

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

/// The newer half, and the older, which goes when the newer is full: what is asked for goes on to the newer one.
#[derive(Debug, Default)]
struct Halves {
    newer: BTreeMap<Print, Known>,
    older: BTreeMap<Print, Known>,
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
        halves.newer.remove(print);
        halves.older.remove(print);
    }
}

impl Halves {
    fn put(&mut self, print: Print, known: Known) {
        if self.newer.len() >= HALF {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(print, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
