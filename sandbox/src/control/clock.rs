//! Showing and changing the clock.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::{Clock, MAX_SPEED, Mode};

/// The body of `POST /_sandbox/clock`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Change {
    mode: Option<String>,
    speed: Option<f64>,
    set: Option<String>,
    advance: Option<String>,
}

pub(super) fn show(clock: &Clock) -> Value {
    let now = clock.now().to_string();
    match clock.mode() {
        Mode::Auto { speed } => json!({ "now": now, "mode": "auto", "speed": speed }),
        Mode::Manual => json!({ "now": now, "mode": "manual" }),
    }
}

/// Does all of the change or, with every reason, nothing of it.
pub(super) fn change(clock: &mut Clock, change: Change) -> Result<(), Vec<String>> {
    let mut faults = Vec::new();
    let speed = change.speed.filter(|speed| {
        let fine = (0.0..=MAX_SPEED).contains(speed);
        if !fine {
            faults.push(format!("speed must be 0 to {MAX_SPEED}, not {speed}"));
        }
        fine
    });
    let mode = match (change.mode.as_deref(), clock.mode()) {
        (None, Mode::Manual) if change.speed.is_some() => {
            faults.push("speed needs mode auto; the clock is manual".to_owned());
            None
        }
        (None, mode) => speed.map_or(Some(mode), |speed| Some(Mode::Auto { speed })),
        (Some("auto"), Mode::Auto { speed: present }) => Some(Mode::Auto { speed: speed.unwrap_or(present) }),
        (Some("auto"), Mode::Manual) => Some(Mode::Auto { speed: speed.unwrap_or(1.0) }),
        (Some("manual"), _) => {
            if change.speed.is_some() {
                faults.push("a manual clock has no speed".to_owned());
            }
            Some(Mode::Manual)
        }
        (Some(other), _) => {
            faults.push(format!("mode must be auto or manual, not '{other}'"));
            None
        }
    };
    let now = clock.now();
    let set = change.set.and_then(|text| {
        let at = text.parse::<Timestamp>();
        at.inspect_err(|fault| faults.push(format!("set must be an instant such as 2026-03-01T05:00:00Z: {fault}")))
            .ok()
    });
    let advance = change.advance.and_then(|text| match duration(&text) {
        Ok(step) => now.checked_add(step).inspect_err(|fault| faults.push(format!("advance: {fault}"))).ok(),
        Err(fault) => {
            faults.push(format!("advance must be a duration such as PT25H, 36h or 2d: {fault}"));
            None
        }
    });
    if set.is_some() && advance.is_some() {
        faults.push("set and advance can't be combined".to_owned());
    }
    if let (Some(mode), true) = (mode, faults.is_empty()) {
        match set.or(advance).map_or(Ok(()), |to| clock.set(to)) {
            Ok(()) if mode != clock.mode() => clock.run(mode),
            Ok(()) => {}
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// ISO 8601 or jiff's friendly form; days are 24 hours and weeks 7 days.
fn duration(text: &str) -> Result<SignedDuration, jiff::Error> {
    text.parse::<Span>()?.to_duration(SpanRelativeTo::days_are_24_hours())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockConfig;

    fn clock() -> Clock {
        Clock::new(ClockConfig::Manual { start: "2026-03-01T04:00:00Z".parse().unwrap() })
    }

    fn apply(clock: &mut Clock, body: Value) -> Result<(), Vec<String>> {
        change(clock, serde_json::from_value(body).unwrap())
    }

    #[test]
    fn the_clock_advances_by_any_common_spelling_of_a_duration() {
        for (text, then) in [
            ("PT25H", "2026-03-02T05:00:00Z"),
            ("36h", "2026-03-02T16:00:00Z"),
            ("2d", "2026-03-03T04:00:00Z"),
            ("P1W", "2026-03-08T04:00:00Z"),
            ("90 minutes", "2026-03-01T05:30:00Z"),
        ] {
            let mut clock = clock();
            apply(&mut clock, json!({ "advance": text })).unwrap();
            assert_eq!(show(&clock)["now"], then, "{text}");
        }
    }

    #[test]
    fn every_fault_is_named_and_nothing_is_done() {
        let mut clock = clock();
        let faults =
            apply(&mut clock, json!({"mode": "fast", "speed": -1, "set": "soon", "advance": "a while"})).unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:?}");
        for body in [
            json!({"set": "2026-02-01T00:00:00Z", "mode": "auto"}),
            json!({"advance": "-1h"}),
            json!({"speed": 2.0}),
            json!({"mode": "manual", "speed": 1}),
            json!({"advance": "1 month"}),
            json!({"advance": "1h", "set": "2026-04-01T00:00:00Z"}),
        ] {
            assert!(apply(&mut clock, body.clone()).is_err(), "{body}");
            assert_eq!(show(&clock), json!({"now": "2026-03-01T04:00:00Z", "mode": "manual"}), "{body}");
        }
    }

    #[test]
    fn mode_and_instant_change_together() {
        let mut clock = clock();
        apply(&mut clock, json!({"mode": "auto", "speed": 0, "set": "2026-03-05T00:00:00Z"})).unwrap();
        assert_eq!(show(&clock), json!({"now": "2026-03-05T00:00:00Z", "mode": "auto", "speed": 0.0}));
    }
}
