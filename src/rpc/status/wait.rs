//! How long callers are told to wait.

use std::time::Duration;

/// From what is meant up to twice that, never less: AWS or the budget toward it may have told exactly that.
pub(super) fn spread(wait: Duration, roll: f64) -> Duration {
    let wait = wait.min(LONGEST_WAIT);
    wait + wait.mul_f64(roll.clamp(0.0, 1.0))
}

/// Whoever is told to wait longer looks again all the same.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(600);
