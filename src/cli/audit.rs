//! `audit`: looks into the record of what callers did, without the server that wrote it.

mod verify;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context as _;

use self::verify::{Report, verify};
use super::{DONE, FAILED, failed, terminal};

const EXAMPLES: &str = "\
Examples:
  strongroom audit verify /var/lib/strongroom/audit/audit-*.jsonl
  strongroom audit verify /var/lib/strongroom/audit/audit-*.jsonl --hmac-key-file /etc/strongroom/audit.key";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether the record is as it was written: no line changed, missing, added or in another place
    #[command(after_help = EXAMPLES)]
    Verify {
        /// The files of one record, in any order
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// The keys that it is chained with, one a line
        #[arg(long, value_name = "FILE")]
        hmac_key_file: Option<PathBuf>,
    },
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> u8 {
    let Command::Verify { files, hmac_key_file } = &args.command;
    let report = read(files, hmac_key_file.as_ref());
    match report.and_then(|report| tell(&report, out).map(|()| report.faults.is_empty()).map_err(Into::into)) {
        Ok(true) => DONE,
        Ok(false) => FAILED,
        Err(error) => failed(&error),
    }
}

fn read(files: &[PathBuf], keys: Option<&PathBuf>) -> anyhow::Result<Report> {
    let keys = match keys {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?,
        None => String::new(),
    };
    let keys: Vec<&str> = keys.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut contents = Vec::new();
    for path in files {
        let content = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        contents.push((path.display().to_string(), content));
    }
    Ok(verify(contents, &keys))
}

fn tell(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for (kind, told) in [("BAD ", &report.faults), ("note", &report.notes), ("open", &report.open)] {
        for told in told {
            writeln!(out, "{}", terminal::for_stdout(format!("{kind} {told}")))?;
        }
    }
    let verdict = if report.faults.is_empty() { "verifies" } else { "does NOT verify" };
    let counted = |count: usize, of: &str| format!("{count} {of}{}", if count == 1 { "" } else { "s" });
    let (lines, files) = (counted(report.lines, "line"), counted(report.files, "file"));
    writeln!(out, "{lines} of {files}: the record {verdict}")
}
