//! How often a caller may call, and start jobs: so many in the long run, and a burst of them. And how many credentials that are
//! not good an address may bring: each costs work before anybody knows who calls.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::principal::Principal;
use crate::config::AccessConfig;

/// Callers who are told apart. Beyond, newcomers share one allowance.
const MOST: usize = 20_000;

/// How often callers who have all of their allowance are looked for when there are too many.
const BETWEEN: Duration = Duration::from_secs(1);

/// Whose allowance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Principal(String),
    Address(IpAddr),
    Newcomers,
}

/// What is given, and how much of it there can be at once.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    per_second: f64,
    most: f64,
}

/// What a caller has left.
#[derive(Debug, Clone, Copy)]
struct Left {
    calls: f64,
    jobs: f64,
    at: Instant,
}

#[derive(Debug)]
pub(super) struct Rates {
    calls: Option<Allowance>,
    jobs: Option<Allowance>,
    left: Mutex<(BTreeMap<Whose, Left>, Option<Instant>)>,
}

/// What there is no more of, and when there is again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) key: &'static str,
    pub(super) wait: Duration,
}

impl Rates {
    pub(super) fn new(config: &AccessConfig) -> Self {
        let allowance = |per_second: f64, most: u32| {
            (per_second > 0.0).then(|| Allowance { per_second, most: f64::from(most.max(1)) })
        };
        Self {
            calls: allowance(config.max_calls_per_second.into(), config.max_call_burst),
            jobs: allowance(f64::from(config.max_jobs_per_minute) / 60.0, config.max_jobs_per_minute),
            left: Mutex::default(),
        }
    }

    /// One call of a caller, which starts a job or does not. Who is anonymous is known by the address, and is left alone on
    /// this machine.
    pub(super) fn take(
        &self,
        principal: &Principal,
        address: Option<IpAddr>,
        starts_a_job: bool,
        now: Instant,
    ) -> Result<(), Spent> {
        let whose = match (principal.is_anonymous(), address) {
            (false, _) => Whose::Principal(principal.name().to_owned()),
            (true, Some(address)) if !address.is_loopback() => Whose::Address(address),
            (true, _) => return Ok(()),
        };
        self.take_as(whose, starts_a_job, now)
    }

    /// A credential that is not known yet, from wherever it comes: before a proxy on this machine stand all others.
    pub(super) fn take_as_stranger(&self, address: IpAddr, now: Instant) -> Result<(), Spent> {
        self.take_as(Whose::Address(address), false, now)
    }

    /// It was good: its sender is no stranger, and leaves what there is to those.
    pub(super) fn give_back(&self, address: IpAddr) {
        let Some(allowance) = self.calls else { return };
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = left.0.get_mut(&Whose::Address(address)) {
            one.calls = (one.calls + 1.0).min(allowance.most);
        }
    }

    fn take_as(&self, whose: Whose, starts_a_job: bool, now: Instant) -> Result<(), Spent> {
        if self.calls.is_none() && (self.jobs.is_none() || !starts_a_job) {
            return Ok(());
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, swept) = &mut *left;
        let whole = |at| Left {
            calls: self.calls.map_or(0.0, |all| all.most),
            jobs: self.jobs.map_or(0.0, |all| all.most),
            at,
        };
        let whose = if left.contains_key(&whose) || left.len() < MOST {
            whose
        } else {
            if swept.is_none_or(|at| now.duration_since(at) >= BETWEEN) {
                *swept = Some(now);
                left.retain(|_, one| !self.is_whole(&self.by(*one, now)));
            }
            if left.len() < MOST { whose } else { Whose::Newcomers }
        };
        let one = left.entry(whose).or_insert_with(|| whole(now));
        *one = self.by(*one, now);
        if let Some(allowance) = self.calls {
            spend(&mut one.calls, allowance, "access.max_calls_per_second")?;
        }
        if let Some(allowance) = self.jobs.filter(|_| starts_a_job) {
            spend(&mut one.jobs, allowance, "access.max_jobs_per_minute")?;
        }
        Ok(())
    }

    /// What is left by now.
    fn by(&self, left: Left, now: Instant) -> Left {
        let passed = now.duration_since(left.at).as_secs_f64();
        let more = |left: f64, all: Option<Allowance>| {
            all.map_or(0.0, |all| passed.mul_add(all.per_second, left).min(all.most))
        };
        Left { calls: more(left.calls, self.calls), jobs: more(left.jobs, self.jobs), at: now }
    }

    fn is_whole(&self, left: &Left) -> bool {
        let whole = |left: f64, all: Option<Allowance>| all.is_none_or(|all| left >= all.most);
        whole(left.calls, self.calls) && whole(left.jobs, self.jobs)
    }
}

fn spend(left: &mut f64, allowance: Allowance, key: &'static str) -> Result<(), Spent> {
    if *left < 1.0 {
        let wait = Duration::from_secs_f64((1.0 - *left) / allowance.per_second);
        return Err(Spent { key, wait: wait.max(Duration::from_millis(10)) });
    }
    *left -= 1.0;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::access::principal::{Authentication, Known};

    fn somebody(name: &str) -> Principal {
        let known = Principal::anonymous().known().clone();
        Principal::new(Known { name: name.to_owned(), authentication: Authentication::Token, ..known })
    }

    fn rates(calls: u32, burst: u32, jobs: u32) -> Rates {
        Rates::new(&AccessConfig {
            max_calls_per_second: calls,
            max_call_burst: burst,
            max_jobs_per_minute: jobs,
            ..AccessConfig::default()
        })
    }

    #[test]
    fn each_caller_has_a_burst_and_then_the_rate() {
        let (rates, begin) = (rates(10, 3, 0), Instant::now());
        let call = |name: &str, millis| {
            rates.take(&somebody(name), None, true, begin + Duration::from_millis(millis)).map_err(|spent| spent.wait)
        };
        assert_eq!([call("a", 0), call("a", 0), call("a", 0)], [Ok(()); 3]);
        assert_eq!(call("a", 0), Err(Duration::from_millis(100)));
        assert_eq!(call("b", 0), Ok(()), "another's is another's");
        assert_eq!(call("a", 101), Ok(()));
        assert!(call("a", 101).is_err());
    }

    #[test]
    fn jobs_are_counted_apart_and_a_bound_of_nought_is_none() {
        let (rates, now) = (rates(0, 1, 2), Instant::now());
        let call = |job| rates.take(&somebody("a"), None, job, now).map_err(|spent| spent.key);
        assert_eq!([call(true), call(true)], [Ok(()); 2]);
        assert_eq!(call(true), Err("access.max_jobs_per_minute"));
        assert_eq!([call(false); 10], [Ok(()); 10]);
    }

    #[test]
    fn who_is_anonymous_is_known_by_the_address_and_free_on_this_machine() {
        let (rates, now) = (rates(1, 1, 0), Instant::now());
        let call = |address: [u8; 4]| rates.take(&Principal::anonymous(), Some(address.into()), false, now).is_ok();
        assert!(call([10, 0, 0, 1]) && call([10, 0, 0, 2]) && !call([10, 0, 0, 1]));
        assert!(call([127, 0, 0, 1]) && call([127, 0, 0, 1]));
    }

    #[test]
    fn a_stranger_is_counted_on_this_machine_too_until_a_credential_is_good() {
        let (rates, now) = (rates(1, 2, 0), Instant::now());
        let address = IpAddr::from([127, 0, 0, 1]);
        let call = || rates.take_as_stranger(address, now).is_ok();
        assert_eq!([call(), call(), call()], [true, true, false]);
        rates.give_back(address);
        assert_eq!([call(), call()], [true, false]);
        rates.give_back([10, 0, 0, 1].into());
        assert!(!call(), "another's is another's");
    }

    #[test]
    fn however_many_call_no_more_are_told_apart_than_there_may_be() {
        let (rates, now) = (rates(1, 1, 0), Instant::now());
        for number in 0..MOST + 10 {
            let _ = rates.take(&somebody(&number.to_string()), None, false, now);
        }
        assert_eq!(rates.left.lock().unwrap().0.len(), MOST + 1);
        let later = now + Duration::from_secs(5);
        assert_eq!(rates.take(&somebody("new"), None, false, later), Ok(()));
        assert_eq!(rates.left.lock().unwrap().0.len(), 1, "who has all again is forgotten");
    }
}
