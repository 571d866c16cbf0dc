//! The command line: what the program can be told to do, and how it answers people.

mod access;
mod audit;
mod check_config;
mod client;
mod completions;
mod context;
mod flags;
mod ledger;
mod sandbox;
mod serve;
mod terminal;
mod tour;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    VERSION,
    config::{self, Loaded},
    lifecycle::{Lifecycle, Outcome, Signals},
    telemetry::Telemetry,
};

/// Everything went as it should.
const DONE: u8 = 0;
/// Something failed; standard error says what.
const FAILED: u8 = 1;
/// The server of a client command cannot be reached. The other codes of client commands are in `client::failure`.
const UNREACHABLE: u8 = 4;

/// Where `serve` listens when nobody says otherwise.
const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";

const EXIT_CODES: &str = "\
Exit codes:
  0    done; a server: stopped, and everything under way has ended
  1    failed or refused; standard error says why (check-config: there are faults; with --aws also
       that a permission is missing, or that AWS does not tell; ledger check: it is not whole)
  2    the command line or the file given with it is wrong; nothing was changed
  3    a server: stopped, and work under way was cut off
Of the commands that call a server:
  4    the server cannot be reached
  5    what the command names is not there
  6    --wait, job wait: the job has ended, and is not COMPLETED
  7    --wait-timeout: waited so long; the job goes on
  8    not now: the server or AWS is busy, throttles or did not answer in time; the same command may work later
  9    status: not all is well
  10   status: it cannot be told whether all is well
  130  stopped with Ctrl-C: --wait, job wait, whose job goes on; job watch, job list --watch";

#[cfg(feature = "sandbox")]
const LONG_VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), "\nbuild: ", env!("BUILT_FOR"), "\nsandbox: with\nlicence: Apache-2.0");
#[cfg(not(feature = "sandbox"))]
const LONG_VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), "\nbuild: ", env!("BUILT_FOR"), "\nsandbox: without\nlicence: Apache-2.0");

#[derive(Debug, Parser)]
#[command(
    name = "strongroom",
    version = VERSION,
    long_version = LONG_VERSION,
    about = "A gRPC control plane for AWS Backup",
    after_help = EXIT_CODES,
    max_term_width = terminal::WIDEST
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the gRPC API, on real AWS or on the embedded sandbox
    Serve(serve::Args),
    /// Run only the sandbox: a local AWS Backup, IAM, RDS, STS and tagging API to test against
    Sandbox(sandbox::Args),
    /// Show every key with its value and source, warn of surprises, report all faults
    CheckConfig(check_config::Args),
    /// Look into the record of what callers did
    Audit(audit::Args),
    /// Look at what a server remembers, write it out, or make it anew
    Ledger(ledger::Args),
    /// Walk through backup and restore against a running server, step by step
    Tour(tour::Args),
    /// Name servers and the way to each, for the commands that call them
    Context(context::Args),
    /// Print the completions of a shell
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Args),
}

/// The whole command line: what serves, and the client commands.
fn command() -> clap::Command {
    let whole = Cli::command().term_width(terminal::width_of_help());
    let whole = whole.subcommand(client::status()).subcommands(client::nouns());
    whole.mut_subcommand("access", access::with_commands)
}

/// Reads the process's command line and does what it says.
pub fn main() -> ExitCode {
    // Wrong usage, --help and --version end the process here: 2, 0 and 0.
    let matches = command().get_matches();
    if let Some(("access", of)) = matches.subcommand()
        && let Some(code) = access::run(of, &mut io::stdout())
    {
        return ExitCode::from(code);
    }
    if let Some(code) = matches.subcommand().and_then(|(noun, matches)| client::run(noun, matches)) {
        return ExitCode::from(code);
    }
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let code = match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
        Command::CheckConfig(args) => check_config::run(&args, &mut io::stdout(), &mut io::stderr()),
        Command::Audit(args) => audit::run(&args, &mut io::stdout()),
        Command::Ledger(args) => ledger::run(&args),
        Command::Tour(args) => tour::run(&args),
        Command::Context(args) => context::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    ExitCode::from(code)
}

/// Tells people something on standard error. Nobody can be told that this failed.
fn tell(message: impl fmt::Display) {
    _ = writeln!(io::stderr(), "{}", terminal::for_stderr(message.to_string()));
}

/// Says why it did not work, with every cause, and gives the exit code for it.
fn failed(error: &anyhow::Error) -> u8 {
    tell(format_args!("error: {error}"));
    for cause in error.chain().skip(1) {
        tell(format_args!("  caused by: {cause}"));
    }
    FAILED
}

/// The frame of every command that serves: logging, signals, the two stages of shutdown, flushing, the exit code.
///
/// `start` is given the life that it spawns its tasks on, and returns when everything is up.
fn live<F>(loaded: &Loaded, start: impl FnOnce(Lifecycle) -> F) -> u8
where
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("the runtime cannot be started")),
    };
    let code = runtime.block_on(async {
        let telemetry = match Telemetry::start(&loaded.config.log, &loaded.config.telemetry) {
            Ok(telemetry) => telemetry,
            Err(error) => return failed(&error.into()),
        };
        for config::Warning { key, message } in &loaded.warnings {
            tracing::warn!(key, "{message}");
        }
        // Before anything can be under way: a signal during the start stops it cleanly too.
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => return failed(&anyhow::Error::new(error).context("signals cannot be listened for")),
        };
        let code = supervise(loaded, &mut signals, start).await;
        // Blocks until the last batch is sent, on a thread where that hinders nobody, and no longer than anybody wants.
        let sent = tokio::select! {
            sent = tokio::task::spawn_blocking(|| telemetry.shutdown()) => sent,
            signal = signals.next() => {
                tracing::warn!(?signal, "the last of the telemetry was not sent");
                return code;
            }
        };
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last of the telemetry was not sent"),
            Err(error) => tracing::warn!(%error, "the last of the telemetry was not sent"),
        }
        code
    });
    // What still runs on a thread of its own, such as a sandbox that lets years pass, was given its time by now.
    runtime.shutdown_background();
    code
}

async fn supervise<F>(loaded: &Loaded, signals: &mut Signals, start: impl FnOnce(Lifecycle) -> F) -> u8
where
    F: Future<Output = anyhow::Result<()>>,
{
    let life = Lifecycle::new();
    let started = tokio::select! {
        started = start(life.clone()) => started,
        signal = signals.next() => {
            tracing::info!(?signal, "stopped while starting");
            life.stop();
            Ok(())
        }
    };
    if let Err(error) = started {
        life.stop();
        return failed(&error);
    }
    let grace = async || tokio::time::sleep(loaded.config.shutdown.grace).await;
    let outcome = life.run(async || signals.next().await, grace).await;
    match &outcome {
        Outcome::Drained => tracing::info!("stopped: {outcome}"),
        Outcome::Forced { .. } => tracing::warn!("stopped: {outcome}"),
        Outcome::Failed(_) => tracing::error!("{outcome}"),
    }
    outcome.exit_code()
}
