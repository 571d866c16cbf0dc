//! What the process takes of its machine, as Linux tells it. Elsewhere it is left out, but for the time.

use std::{fs, time::Instant};

use super::metrics::METER;

/// Ticks a second of the times in `/proc/self/stat`: the same on every architecture that Linux is built for here.
const TICKS: f64 = 100.0;

/// Where utime stands behind the name of the process, which is in brackets and may have spaces; stime follows.
const UTIME: usize = 11;

/// Measures this process from now on.
pub(super) fn measured() {
    let began = Instant::now();
    METER
        .f64_observable_gauge("process.uptime")
        .with_unit("s")
        .with_description("How long the process has been up.")
        .with_callback(move |seen| seen.observe(began.elapsed().as_secs_f64(), &[]))
        .build();
    METER
        .u64_observable_gauge("process.memory.usage")
        .with_unit("By")
        .with_description("Memory of the process that is resident.")
        .with_callback(|seen| resident().into_iter().for_each(|bytes| seen.observe(bytes, &[])))
        .build();
    METER
        .f64_observable_counter("process.cpu.time")
        .with_unit("s")
        .with_description("Time of processors that the process has had, its own and the kernel's for it.")
        .with_callback(|seen| cpu().into_iter().for_each(|seconds| seen.observe(seconds, &[])))
        .build();
    METER
        .u64_observable_gauge("process.open_file_descriptors")
        .with_description("File descriptors that are open: connections, most of them.")
        .with_callback(|seen| descriptors().into_iter().for_each(|open| seen.observe(open, &[])))
        .build();
}

/// In bytes: what the kernel counts for a container's limit, as far as it is this process's own.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn cpu() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let after = &stat[stat.rfind(')')? + 1..];
    let ticks = after.split_whitespace().skip(UTIME).take(2).map(str::parse::<u64>);
    Some(ticks.sum::<Result<u64, _>>().ok()? as f64 / TICKS)
}

fn descriptors() -> Option<u64> {
    // Less the one that lists them.
    Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_what_this_process_takes() {
        assert!(resident().unwrap() > 1 << 20);
        assert!(cpu().unwrap() >= 0.0);
        let before = descriptors().unwrap();
        let open: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        // Other tests of this process open and close some meanwhile.
        assert!(descriptors().unwrap() >= before + 20, "{before} before {} were opened", open.len());
    }
}
