//! `tour`: walks through backup and restore against a running server, and shows how to make each call by hand.

mod clock;
mod guide;
mod names;
mod story;
#[cfg(test)]
mod tests;
mod tidy_up;

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use self::guide::{Guide, Stop};
use super::{
    DONE, FAILED, UNREACHABLE,
    client::{
        failure::USAGE,
        way::{Way, WayFlags},
    },
    failed, tell,
};

const EXAMPLES: &str = "\
Role, vault, on-demand backup, tags, plan, selection, the plan's run (on a sandbox, whose clock the tour moves over
05:00), recovery points, and with --restore a restore. Stopped half-way, it goes on where it was: every call carries the
request_id of its step. Afterwards it removes what it made, unless --keep says otherwise; it never removes a vault, plan
or tag that was there before.

Examples:
  strongroom serve --sandbox &  strongroom tour
  strongroom tour --yes --restore --keep
  strongroom tour --server http://127.0.0.1:50051 --database my-test-database";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    way: WayFlags,
    /// Where the sandbox's clock is moved, when the address that the server tells does not lead there from here
    #[arg(long, value_name = "URL")]
    sandbox_url: Option<String>,
    /// The RDS instance to back up: its identifier
    #[arg(long, value_name = "NAME", default_value = "rdspg-fcj-labs")]
    database: String,
    /// Go on without asking, on real AWS too
    #[arg(short, long)]
    yes: bool,
    /// Leave everything in place at the end
    #[arg(long)]
    keep: bool,
    /// Restore the backup into a new instance, which is left in place
    #[arg(long)]
    restore: bool,
    /// How long to wait for a job, in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=1440))]
    wait: u16,
}

impl Args {
    fn wait(&self) -> Duration {
        Duration::from_secs(u64::from(self.wait) * 60)
    }
}

pub(super) fn run(args: &Args) -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("the runtime cannot be started")),
    };
    let way = match Way::of_process(&args.way) {
        Ok(way) => way,
        Err(why) => {
            tell(format_args!("error: {why}"));
            return USAGE;
        }
    };
    let server = way.to_string();
    let asks = !args.yes && io::stdin().is_terminal();
    let walked = runtime.block_on(async {
        tokio::select! {
            walked = walk(args, way, asks) => walked,
            // Nothing to undo: a repeated tour goes on where this one was.
            _ = tokio::signal::ctrl_c() => Err(Stop::Quit),
        }
    });
    match walked {
        Ok(()) => DONE,
        Err(Stop::Quit) => {
            tell("\nStopped. `strongroom tour` goes on from here.");
            FAILED
        }
        Err(Stop::Unreachable(why)) => {
            tell(format_args!("error: no Strongroom server answers at {server}: {why}"));
            tell("Start one that needs no AWS with: strongroom serve --sandbox");
            UNREACHABLE
        }
        Err(Stop::Told(failure)) => {
            tell(format_args!("error: {}", failure.text));
            failure.code
        }
        Err(Stop::Failed(why)) => {
            tell(format_args!("error: {why}"));
            FAILED
        }
    }
}

async fn walk(args: &Args, way: Way, asks: bool) -> Result<(), Stop> {
    let mut guide = Guide::connect(way, asks).await?;
    story::tell(args, &mut guide).await
}
