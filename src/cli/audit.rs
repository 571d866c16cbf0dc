//! `audit`: looks into the record of what callers did, without the server that wrote it.

mod verify;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufReader, Write},
    path::PathBuf,
};

use anyhow::Context as _;

use self::verify::{Report, verify};
use super::{DONE, FAILED, failed, terminal};

/// What a server holds its directory by.
const LOCK: &str = "audit.lock";

const EXAMPLES: &str = "\
Examples:
  strongroom audit verify /var/lib/strongroom/audit
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
        /// The files of one record, in any order, or its directory
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
        Some(path) => fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?,
        None => String::new(),
    };
    let keys: Vec<&str> = keys.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut opened = Vec::new();
    for path in named(files)? {
        let file = File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        opened.push((path.display().to_string(), BufReader::new(file)));
    }
    verify(opened, &keys).context("the record cannot be read to its end")
}

/// The files that are meant: those of a directory are its `audit-….jsonl`. Beside them lies a lock, which `*` names too.
fn named(paths: &[PathBuf]) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut named = BTreeSet::new();
    for path in paths {
        if !path.is_dir() {
            named.extend((path.file_name() != Some(LOCK.as_ref())).then(|| path.clone()));
            continue;
        }
        let unread = || format!("{} cannot be read", path.display());
        let before = named.len();
        for entry in fs::read_dir(path).with_context(unread)? {
            let file = entry.with_context(unread)?.path();
            let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if name.starts_with("audit-") && name.ends_with(".jsonl") {
                named.insert(file);
            }
        }
        anyhow::ensure!(named.len() > before, "{} has no file of a record (audit-….jsonl)", path.display());
    }
    Ok(named)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_means_its_files_and_a_lock_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let told = named(&[folder.path().to_owned()]).unwrap_err();
        assert!(told.to_string().ends_with("has no file of a record (audit-….jsonl)"), "{told}");
        for name in ["audit-0000000001.jsonl", "audit-0000000002.jsonl", "audit.lock", "audit.restored", "notes"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let of = |name: &str| folder.path().join(name);
        let both = BTreeSet::from([of("audit-0000000001.jsonl"), of("audit-0000000002.jsonl")]);
        assert_eq!(named(&[folder.path().to_owned(), of("audit-0000000002.jsonl")]).unwrap(), both);
        assert_eq!(named(&[of("audit.lock"), of("copy")]).unwrap(), BTreeSet::from([of("copy")]));
    }
}
