//! `access check` and `access schema`: policies without a server. The rest of `access` calls one.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{FromArgMatches as _, Subcommand as _};

use super::{DONE, FAILED, failed, terminal};
use crate::app::policies;

const EXAMPLES: &str = "\
Examples:
  strongroom access check /etc/strongroom/policies
  strongroom access check docs/samples/policies/read-only
  strongroom access check teams.cedar teams.toml";

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether policies can be used, and try them with the cases of tables beside them
    #[command(after_help = EXAMPLES)]
    Check(CheckArgs),
    /// Print what policies can speak of, as a schema of Cedar's
    Schema,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// Policies (.cedar), tables of cases (.toml), or directories of both
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// The noun with these commands too.
pub(super) fn with_commands(noun: clap::Command) -> clap::Command {
    Command::augment_subcommands(noun)
}

/// Runs one of these, if it is one.
pub(super) fn run(matches: &clap::ArgMatches, out: &mut impl Write) -> Option<u8> {
    let (name, of) = matches.subcommand()?;
    let done = match name {
        "check" => {
            let args = CheckArgs::from_arg_matches(of).unwrap_or_else(|error| error.exit());
            check(&args.files, out)
        }
        "schema" => write!(out, "{}", policies::schema()).map(|()| DONE),
        _ => return None,
    };
    Some(done.unwrap_or_else(|error| failed(&error.into())))
}

fn check(files: &[PathBuf], out: &mut impl Write) -> io::Result<u8> {
    let policies::Tried { policies: count, cases, faults } = policies::try_out(files);
    for fault in &faults {
        writeln!(out, "{}", terminal::for_stderr(format!("wrong: {fault}")))?;
    }
    let of = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let (policies, cases) = (of(count, "policy", "policies"), of(cases, "case", "cases"));
    if faults.is_empty() {
        writeln!(out, "{policies} can be used, {cases} came out as expected")?;
        return Ok(DONE);
    }
    let wrong = of(faults.len(), "thing is", "things are");
    writeln!(out, "{policies}, {cases}: {wrong} wrong")?;
    Ok(FAILED)
}
