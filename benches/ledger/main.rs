//! The ledger at growing sizes, on both databases: what it takes in, and what pages, sums and watches cost. Machines are noisy, so
//! that beside each time stands how much was looked at.
//!
//! ```sh
//! cargo bench --bench ledger -- --postgres postgres://postgres@127.0.0.1/postgres
//! ```
//!
//! `--quick` tries everything once. `--keep` leaves the databases for the next run.

#![expect(clippy::future_not_send, reason = "nothing here is a server: one task drives all")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a report is what this is for; it goes to stdout, progress to stderr"
)]

mod at;
mod covering;
mod examined;
#[path = "../side_by_side/figures.rs"]
mod figures;
mod fill;
mod ingest;
mod jobs;
#[path = "../side_by_side/load.rs"]
mod load;
mod pages;
#[expect(dead_code, reason = "some of it is what the other bench needs")]
#[path = "../side_by_side/processes.rs"]
mod processes;
mod protections;
mod rates;
mod served;
mod watching;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use self::{at::At, examined::Statements, pages::Effort};

#[derive(Debug, Parser)]
#[command(about = "The ledger at growing sizes")]
struct Arguments {
    /// Jobs in each of the ledgers.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000, 10_000_000])]
    jobs: Vec<u64>,
    /// A database of PostgreSQL's that may make others: everything is done on SQLite, and then there.
    #[arg(long)]
    postgres: Option<String>,
    /// Few jobs and few calls: whether it runs, no figures.
    #[arg(long)]
    quick: bool,
    /// Rounds, of which medians are told.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Pages of each sort that are asked for in a round.
    #[arg(long, default_value_t = 200)]
    calls: usize,
    /// Only these sections.
    #[arg(long = "only", value_delimiter = ',')]
    only: Vec<Section>,
    /// Only PostgreSQL.
    #[arg(long)]
    no_sqlite: bool,
    /// Leaves the ledgers for the next run, which does not fill them again.
    #[arg(long)]
    keep: bool,
    /// Given by `cargo bench` to every bench.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What a child process of the bench is.
#[derive(Debug, Subcommand)]
enum Role {
    /// GetJob on tonic's own server, out of the tables of a ledger.
    #[command(hide = true)]
    Bare {
        /// Its file or URL.
        ledger: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Section {
    /// Pages of lists and of sums.
    Pages,
    /// What is taken in a second.
    Ingest,
    /// A read beside bare tonic with sqlx, and pages over gRPC.
    Rates,
    /// Watchers, in what time they hear, and what they cost.
    Watching,
    /// What looks at many databases ask of AWS.
    Covering,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match &arguments.role {
            Some(Role::Bare { ledger }) => rates::serve_bare(ledger).await,
            None => run(&arguments).await,
        }
    })
}

async fn run(arguments: &Arguments) -> Result<()> {
    println!("{}\n", figures::machine()?);
    let statements = Statements::listen();
    if !arguments.no_sqlite {
        let folder = fill::folder();
        std::fs::create_dir_all(&folder)?;
        on(arguments, &statements, |name| Ok(At::File(folder.join(format!("{name}.db"))))).await?;
    }
    if let Some(url) = &arguments.postgres {
        on(arguments, &statements, |name| {
            let name = format!("bench_{}", name.replace('-', "_"));
            let (server, _) = url.rsplit_once('/').context("the URL of PostgreSQL names no database")?;
            Ok(At::Postgres(format!("{server}/{name}")))
        })
        .await?;
    }
    Ok(())
}

/// Everything on one database.
async fn on(arguments: &Arguments, statements: &Statements, at: impl Fn(&str) -> Result<At>) -> Result<()> {
    let wanted = |section| arguments.only.is_empty() || arguments.only.contains(&section);
    let sizes = if arguments.quick { &[2_000][..] } else { &arguments.jobs };
    let effort = match arguments.quick {
        true => Effort { rounds: 1, calls: 3 },
        false => Effort { rounds: arguments.rounds, calls: arguments.calls },
    };
    fill::check(&at("bulk")?, &at("told")?, if arguments.quick { 2_000 } else { 10_000 }).await?;
    let ledgers: Vec<(u64, At)> =
        sizes.iter().map(|size| Ok((*size, at(&format!("jobs-{size}"))?))).collect::<Result<_>>()?;
    if wanted(Section::Pages) {
        pages::run(statements, &ledgers, effort).await?;
    }
    if wanted(Section::Ingest) {
        ingest::run(&ledgers, effort).await?;
    }
    if wanted(Section::Rates) {
        // A server reads what its AWS has into it, so that it is one of its own.
        let size = sizes.iter().copied().min_by_key(|size| size.abs_diff(1_000_000)).unwrap_or(10_000);
        rates::run(&at("served")?, size, if arguments.quick { 1 } else { 10 }, arguments.quick).await?;
        at("served")?.drop().await?;
    }
    if wanted(Section::Watching) {
        watching::run(&at("watched")?, arguments.quick).await?;
        at("watched")?.drop().await?;
    }
    if wanted(Section::Covering) {
        covering::run(&at("covered")?, arguments.quick).await?;
        at("covered")?.drop().await?;
    }
    if !arguments.keep {
        for (_, at) in &ledgers {
            at.drop().await?;
        }
    }
    Ok(())
}
