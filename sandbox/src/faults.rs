//! Spoiling requests on purpose: errors, throttling, delays, dropped connections, answers cut short or with something missing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    call::AwsError,
    service::{NAMES, Service},
};

/// Faults at once at most.
const MAX_FAULTS: usize = 1000;

/// The longest delay, in milliseconds: beyond every client's patience.
const MAX_DELAY_MS: u64 = 600_000;

/// What to spoil, how often and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// One of [`NAMES`], or `*`.
    #[serde(default = "any")]
    pub service: String,
    /// The operation's name in the service model, or `*`.
    #[serde(default = "any")]
    pub operation: String,
    /// Lets so many matching requests pass before it begins: to break off in the middle of several.
    #[serde(default)]
    pub skip: u32,
    /// Spoils the next n matching requests, then is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
    /// Spoils this share of the matching requests, above 0 and at most 1, until it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Where the dice of `rate` start: the same seed spoils the same requests in every run.
    #[serde(default)]
    pub seed: u64,
    /// How.
    pub effect: Effect,
}

fn any() -> String {
    "*".to_owned()
}

/// How a request is spoiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// This error; the operation is not done.
    Error {
        /// HTTP status, 400 to 599.
        status: u16,
        /// The wire code.
        code: String,
        /// For people.
        #[serde(default)]
        message: String,
    },
    /// The service's own throttling error; the operation is not done.
    Throttle,
    /// Waits so many milliseconds of real time, then goes on as if nothing were.
    DelayMs(u64),
    /// The connection breaks without an answer; the operation is not done.
    DropBefore,
    /// The connection breaks without an answer; the operation **is** done.
    DropAfter,
    /// The operation is done, and its answer breaks off in the middle.
    Truncate,
    /// The operation is done, and its answer lacks the members of these names, however deep they are.
    Without(Vec<String>),
}

/// What the faults make of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Wait first.
    pub delay: Duration,
    /// Then this, if anything.
    pub spoil: Option<Spoil>,
}

/// An [`Effect`] as it applies to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spoil {
    /// Answer with it.
    Error(AwsError),
    /// Break the connection, nothing done.
    DropBefore,
    /// Do it, then break the connection.
    DropAfter,
    /// Do it, then break off in the middle of the answer.
    Truncate,
    /// Do it, and leave these members out of the answer.
    Without(Vec<String>),
}

/// The faults in force.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Vec<Armed>,
    last_id: u64,
}

#[derive(Debug)]
struct Armed {
    id: u64,
    fault: Fault,
    dice: fastrand::Rng,
    hits: u64,
}

/// A fault in force, as the control endpoint shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// To delete it by.
    pub id: u64,
    /// As it was given; `skip` and `next` count down.
    #[serde(flatten)]
    pub fault: Fault,
    /// Requests spoiled so far.
    pub hits: u64,
}

impl Fault {
    /// Every reason why this fault can't be armed; empty if it can.
    pub fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.service != "*" && Service::signed_as(&self.service).is_none() {
            faults.push(format!("service: '{}' is none of {}, *", self.service, NAMES.join(", ")));
        }
        match (self.next, self.rate) {
            (None, None) => faults.push("one of next and rate is needed".to_owned()),
            (Some(_), Some(_)) => faults.push("next and rate can't be combined".to_owned()),
            (Some(0), None) => faults.push("next must be at least 1".to_owned()),
            (None, Some(rate)) if !(rate > 0.0 && rate <= 1.0) => {
                faults.push(format!("rate must be above 0 and at most 1, not {rate}"));
            }
            _ => {}
        }
        match &self.effect {
            Effect::Error { status, code, .. } => {
                if !(400..=599).contains(status) {
                    faults.push(format!("effect.error.status must be 400 to 599, not {status}"));
                }
                if code.is_empty() || !code.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
                    faults.push(format!("effect.error.code must be letters, digits and ._-, not '{code}'"));
                }
            }
            Effect::DelayMs(delay) if *delay > MAX_DELAY_MS => {
                faults.push(format!("effect.delay_ms must be at most {MAX_DELAY_MS}, not {delay}"));
            }
            Effect::Without(members) if !members.iter().all(|name| is_member(name)) || members.is_empty() => {
                faults.push("effect.without must be names of members, such as BackupVaultArn".to_owned());
            }
            Effect::Without(_) => {}
            Effect::DelayMs(_) | Effect::Throttle | Effect::DropBefore | Effect::DropAfter | Effect::Truncate => {}
        }
        faults
    }
}

fn is_member(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl Faults {
    /// Puts a fault in force and gives the id to delete it by.
    ///
    /// # Errors
    /// Every reason against it.
    pub fn arm(&mut self, fault: Fault) -> Result<u64, Vec<String>> {
        let mut faults = fault.check();
        if self.armed.len() >= MAX_FAULTS {
            faults.push(format!("{MAX_FAULTS} faults are in force already; DELETE /_sandbox/faults clears them"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.last_id += 1;
        let dice = fastrand::Rng::with_seed(fault.seed);
        self.armed.push(Armed { id: self.last_id, fault, dice, hits: 0 });
        Ok(self.last_id)
    }

    /// The faults in force, oldest first.
    pub fn list(&self) -> Vec<Listed> {
        self.armed.iter().map(|armed| Listed { id: armed.id, fault: armed.fault.clone(), hits: armed.hits }).collect()
    }

    /// Ends one fault; false if there is none with this id.
    pub fn disarm(&mut self, id: u64) -> bool {
        let before = self.armed.len();
        self.armed.retain(|armed| armed.id != id);
        self.armed.len() < before
    }

    /// Ends all.
    pub fn clear(&mut self) {
        self.armed.clear();
    }

    /// Decides on one request. Delays add up; of the other effects the oldest fault that fires wins and the younger
    /// ones are not used up.
    pub fn judge(&mut self, service: Service, operation: &str) -> Verdict {
        let mut verdict = Verdict::default();
        for armed in &mut self.armed {
            let fault = &mut armed.fault;
            let matches = (fault.service == "*" || Service::signed_as(&fault.service) == Some(service))
                && (fault.operation == "*" || fault.operation == operation);
            let delays = matches!(fault.effect, Effect::DelayMs(_));
            if !matches || (verdict.spoil.is_some() && !delays) {
                continue;
            }
            let fires = match (&mut fault.next, fault.rate) {
                _ if fault.skip > 0 => {
                    fault.skip -= 1;
                    false
                }
                (Some(next), _) => {
                    *next = next.saturating_sub(1);
                    true
                }
                (None, Some(rate)) => armed.dice.f64() < rate,
                (None, None) => false,
            };
            if !fires {
                continue;
            }
            armed.hits += 1;
            match &fault.effect {
                Effect::DelayMs(delay) => verdict.delay += Duration::from_millis(*delay),
                Effect::Error { status, code, message } => {
                    verdict.spoil = Some(Spoil::Error(AwsError::new(*status, code.clone(), message.clone())));
                }
                Effect::Throttle => verdict.spoil = Some(Spoil::Error(service.throttled())),
                Effect::DropBefore => verdict.spoil = Some(Spoil::DropBefore),
                Effect::DropAfter => verdict.spoil = Some(Spoil::DropAfter),
                Effect::Truncate => verdict.spoil = Some(Spoil::Truncate),
                Effect::Without(members) => verdict.spoil = Some(Spoil::Without(members.clone())),
            }
        }
        self.armed.retain(|armed| armed.fault.next != Some(0));
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: serde_json::Value) -> Fault {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn next_spoils_exactly_so_many_requests_of_its_operation() {
        let mut faults = Faults::default();
        faults.arm(fault(serde_json::json!({"service": "backup", "operation": "StartBackupJob", "next": 2, "effect": "throttle"}))).unwrap();
        assert_eq!(faults.judge(Service::Backup, "ListBackupJobs"), Verdict::default());
        for _ in 0..2 {
            let spoil = faults.judge(Service::Backup, "StartBackupJob").spoil;
            assert_eq!(spoil, Some(Spoil::Error(AwsError::new(400, "ThrottlingException", "Rate exceeded"))));
        }
        assert_eq!(faults.judge(Service::Backup, "StartBackupJob"), Verdict::default());
        assert!(faults.list().is_empty());
    }

    #[test]
    fn what_is_skipped_passes() {
        let mut faults = Faults::default();
        faults.arm(fault(serde_json::json!({"skip": 1, "next": 1, "effect": "drop_after"}))).unwrap();
        faults.arm(fault(serde_json::json!({"skip": 1, "rate": 1.0, "effect": "drop_before"}))).unwrap();
        let spoils = [(); 3].map(|()| faults.judge(Service::Backup, "X").spoil);
        assert_eq!(spoils, [None, Some(Spoil::DropAfter), Some(Spoil::DropBefore)]);
    }

    #[test]
    fn a_rate_spoils_the_same_requests_in_every_run() {
        let run = || {
            let mut faults = Faults::default();
            faults.arm(fault(serde_json::json!({"rate": 0.3, "seed": 7, "effect": "drop_after"}))).unwrap();
            (0..1000).map(|_| faults.judge(Service::Backup, "X").spoil.is_some()).collect::<Vec<_>>()
        };
        let hits = run().iter().filter(|hit| **hit).count();
        assert!((250..350).contains(&hits), "{hits}");
        assert_eq!(run(), run());
    }

    #[test]
    fn delays_add_up_and_a_younger_fault_is_saved_for_later() {
        let mut faults = Faults::default();
        faults.arm(fault(serde_json::json!({"next": 1, "effect": "drop_before"}))).unwrap();
        faults.arm(fault(serde_json::json!({"next": 1, "effect": "truncate"}))).unwrap();
        faults.arm(fault(serde_json::json!({"next": 1, "effect": {"delay_ms": 5}}))).unwrap();
        let first = faults.judge(Service::Backup, "X");
        assert_eq!(first, Verdict { delay: Duration::from_millis(5), spoil: Some(Spoil::DropBefore) });
        assert_eq!(faults.judge(Service::Backup, "X").spoil, Some(Spoil::Truncate));
    }

    #[test]
    fn every_reason_against_a_fault_is_named_at_once() {
        let bad = fault(serde_json::json!({
            "service": "s3", "next": 1, "rate": 2.0, "effect": {"error": {"status": 200, "code": "a b"}}
        }));
        assert_eq!(bad.check().len(), 4, "{:?}", bad.check());
    }
}
