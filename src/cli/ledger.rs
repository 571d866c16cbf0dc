//! `ledger`: looks at what a server remembers, writes it out, and makes it anew, where the server does or without it.

use std::{
    fmt,
    io::{self, BufWriter, Write},
};

use super::{DONE, FAILED, client, failed, flags::ConfigFlags, tell, terminal};
use crate::{
    app::ledger::{self, Checked, Rebuilding, Rebuilt},
    config::Config,
};

const CHECK: &str = "\
Nothing is written, and a server may go on with it meanwhile. Exit code 1: there are faults, or it cannot be looked at.

Examples:
  strongroom ledger check --config /etc/strongroom.toml
  strongroom ledger check --set ledger.path=/var/lib/strongroom/ledger.db";

const EXPORT: &str = "\
Nothing is written, and a server may go on with it meanwhile: all lines are of one instant.

Examples:
  strongroom ledger export > ledger.jsonl
  strongroom ledger export | jq -c 'select(.kind == \"incident\").incident'";

const REBUILD: &str = "\
No server may lead on it meanwhile. The next one that starts reads again what AWS still knows: 30 days.

Examples:
  strongroom ledger rebuild --config /etc/strongroom.toml
  strongroom ledger rebuild --set ledger.path=/var/lib/strongroom/ledger.db --yes";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether the ledger is whole: the database, the order of events, every job, and what is counted
    #[command(after_help = CHECK)]
    Check(#[command(flatten)] ConfigFlags),
    /// Write everything in the ledger to standard output, a line of JSON for each thing
    #[command(after_help = EXPORT)]
    Export(#[command(flatten)] ConfigFlags),
    /// Forget what AWS can tell again, keep what it cannot, and begin anew with that
    #[command(after_help = REBUILD)]
    Rebuild {
        #[command(flatten)]
        flags: ConfigFlags,
        /// Do it without asking
        #[arg(long, short)]
        yes: bool,
    },
}

pub(super) fn run(args: &Args) -> u8 {
    let (Command::Check(flags) | Command::Export(flags) | Command::Rebuild { flags, .. }) = &args.command;
    let config = match flags.load() {
        Ok(loaded) => loaded.config,
        Err(error) => return failed(&error.into()),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("the runtime cannot be started")),
    };
    let done = runtime.block_on(async {
        match &args.command {
            Command::Check(_) => check(&config).await,
            Command::Export(_) => export(&config).await,
            Command::Rebuild { yes, .. } => rebuild(&config, *yes).await,
        }
    });
    done.unwrap_or_else(|error| match error {
        Failed::Ledger(error) => failed(&error.into()),
        // A reader who has closed the pipe wants no more.
        Failed::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
        Failed::Output(error) => failed(&anyhow::Error::new(error).context("standard output cannot be written")),
    })
}

/// Why a command did not come to its end.
enum Failed {
    Ledger(ledger::Error),
    Output(io::Error),
}

impl From<ledger::Error> for Failed {
    fn from(error: ledger::Error) -> Self {
        Self::Ledger(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

async fn check(config: &Config) -> Result<u8, Failed> {
    let checked = ledger::check(config).await?;
    let code = if checked.faults.is_empty() { DONE } else { FAILED };
    match told(&checked, &mut io::stdout()) {
        // It is no better for being read by nobody.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(code),
    }
}

fn told(checked: &Checked, out: &mut impl Write) -> io::Result<()> {
    let Checked { schema, head, events, jobs, counts, faults } = checked;
    for fault in faults {
        writeln!(out, "{}", terminal::for_stdout(format!("BAD  {fault}")))?;
    }
    let which = match head {
        Some(head) => format!("ledger {} at position {}, schema {schema}", head.epoch, head.seq),
        None => format!("a ledger of schema {schema}"),
    };
    let verdict = if faults.is_empty() { "well" } else { "NOT well" };
    let looked_at = format!("{}, {}, {}", of(*jobs, "job"), of(*events, "event"), of(*counts, "count"));
    writeln!(out, "{}", terminal::for_stdout(format!("{which}: {looked_at}: it is {verdict}")))?;
    out.flush()
}

async fn export(config: &Config) -> Result<u8, Failed> {
    let mut out = BufWriter::new(io::stdout());
    ledger::export(config, |line| writeln!(out, "{line}").map_err(Failed::Output)).await?;
    out.flush()?;
    Ok(DONE)
}

async fn rebuild(config: &Config, yes: bool) -> Result<u8, Failed> {
    let rebuilding = Rebuilding::of(config);
    if let Some(leader) = rebuilding.leader().await? {
        let (role, holder, left) = (leader.role, leader.holder, leader.left.as_secs_f64().ceil());
        tell(format_args!(
            "error: a server leads on this ledger ({role}, by the name {holder}): end every server that has it first. One that was \
             killed leads for {left} s more\nnothing was done"
        ));
        return Ok(FAILED);
    }
    if let Some(damage) = rebuilding.damage().await?.first() {
        tell(format_args!(
            "error: the database itself is damaged, and what is written into it may be lost: {damage}\nnothing was done. Take its \
             file away: the next server makes another, and reads again what AWS still knows. docs/ledger.md says what is lost"
        ));
        return Ok(FAILED);
    }
    let prospect = rebuilding.prospect().await?;
    tell(Parts { of: &prospect, done: false });
    if !yes
        && let Err(failure) =
            client::confirm::ask("What is forgotten comes back only as AWS tells it", "rebuild", "--yes")
    {
        tell(format_args!("error: {failure}"));
        return Ok(failure.code);
    }
    let rebuilt = rebuilding.rebuild().await?;
    let mut out = io::stdout();
    writeln!(out, "{}", terminal::for_stdout(Parts { of: &rebuilt, done: true }.to_string()))?;
    Ok(DONE)
}

/// What becomes of the parts of a ledger that is rebuilt.
struct Parts<'r> {
    of: &'r Rebuilt,
    done: bool,
}

impl fmt::Display for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rebuilt { since, forgotten_jobs, broken_jobs, kept_jobs, requests, incidents, acknowledged, missed_runs } =
            self.of;
        let (jobs, kept) = (of(*forgotten_jobs, "job"), of(*kept_jobs, "job"));
        let since = since.strftime("%F %TZ");
        writeln!(
            f,
            "read again from AWS: {jobs} created since {since}, recovery points, vaults, and what is protected"
        )?;
        writeln!(f, "kept: {kept} that AWS has forgotten, or that a request or an open incident is about")?;
        if *broken_jobs > 0 {
            writeln!(f, "lost: {} that could not be read", of(*broken_jobs, "older job"))?;
        }
        let (incidents, runs) = (of(*incidents, "incident"), of(*missed_runs, "missed run"));
        writeln!(f, "kept: {incidents} ({acknowledged} acknowledged), {runs}, {}", of(*requests, "request id"))?;
        write!(f, "lost: the positions of watchers, who are told RESUME_TOKEN_EXPIRED, list, and watch again")?;
        if self.done { write!(f, "\nthe ledger is made anew: the next server that starts fills it") } else { Ok(()) }
    }
}

fn of(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
