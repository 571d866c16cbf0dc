//! Medians, quantiles, ratios, and the table they are told in.

use std::{fs, time::Duration};

use anyhow::Result;

/// Latencies of one run, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The value below which a share of all lies, in microseconds; 0 of nothing.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in the list")]
        let place = (last as f64 * share).round() as usize;
        self.0.get(place).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
    }
}

/// The middle of what several pairs gave.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// What the machine is, as far as it tells.
pub(crate) fn machine() -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches(|c: char| c.is_whitespace() || c == ':'));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cores = std::thread::available_parallelism()?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split_whitespace().next().unwrap_or("?");
    Ok(format!("{model}, {cores} cores, Linux {}, load {load} before the run", kernel.trim()))
}

/// A table for docs/performance.md.
pub(crate) fn table(title: &str, header: &[&str], rows: &[Vec<String>]) {
    println!("### {title}\n");
    println!("| {} |", header.join(" | "));
    println!("|{}", "---|".repeat(header.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
    println!();
}
