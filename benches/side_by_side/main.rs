//! Strongroom beside its peers, in one run on one machine: what it adds to the AWS calls that it makes, and what it holds
//! in memory. Machines are noisy, so that every figure is the median of interleaved pairs, and what counts are ratios.
//!
//! ```sh
//! cargo bench --bench side_by_side -- --python target/venv/bin/python
//! ```
//!
//! `--quick` tries everything once. `--against OTHER_BINARY` runs the attacks against an older server too.

#![expect(
    clippy::disallowed_methods,
    clippy::future_not_send,
    reason = "nothing here is a server: one task drives all, and what it spawns ends with it"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a report is what this is for; it goes to stdout, progress to stderr"
)]

mod attacks;
mod figures;
mod gate;
mod held;
mod http2;
mod instructions;
mod load;
mod peers;
mod processes;
mod told;
mod unary;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Strongroom beside its peers")]
struct Arguments {
    /// One pair and few calls: whether it runs, no figures.
    #[arg(long)]
    quick: bool,
    /// Interleaved pairs for each comparison.
    #[arg(long, default_value_t = 10)]
    pairs: usize,
    /// Only these sections.
    #[arg(long = "only", value_delimiter = ',')]
    only: Vec<Section>,
    /// A Python with grpcio, grpcio-tools and boto3 (tests/requirements.txt): adds the Python peer.
    #[arg(long)]
    python: Option<PathBuf>,
    /// An older strongroom: the attacks are made on both.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Given by `cargo bench` to every bench.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Section {
    /// Calls a second and latencies beside bare tonic, the raw SDK and Python.
    Unary,
    /// What tokens and the record of changes cost.
    Gate,
    /// Memory and health while calls hang, and what equal reads cost.
    Held,
    /// Instructions a call, by callgrind.
    Instructions,
    /// Memory under what one client sends.
    Attacks,
}

/// What a child process of the bench is.
#[derive(Debug, Subcommand)]
enum Role {
    /// The same messages on tonic's own server, with nothing behind them.
    #[command(hide = true)]
    BareTonic,
    /// A collector of OpenTelemetry that takes everything and keeps nothing.
    #[command(hide = true)]
    Collector,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.role {
            Some(Role::BareTonic) => peers::serve_bare_tonic().await,
            Some(Role::Collector) => peers::serve_collector().await,
            None => run(&arguments).await,
        }
    })
}

async fn run(arguments: &Arguments) -> Result<()> {
    let pairs = if arguments.quick { 1 } else { arguments.pairs };
    let wanted = |section| arguments.only.is_empty() || arguments.only.contains(&section);
    println!("{}\n", figures::machine()?);
    if wanted(Section::Unary) {
        unary::run(pairs, arguments.quick, arguments.python.as_deref()).await?;
    }
    if wanted(Section::Gate) {
        gate::run(pairs, arguments.quick).await?;
    }
    if wanted(Section::Held) {
        held::run(arguments.quick).await?;
    }
    if wanted(Section::Instructions) {
        instructions::run(arguments.quick).await?;
    }
    if wanted(Section::Attacks) {
        attacks::run(arguments.quick, arguments.against.as_deref()).await?;
    }
    Ok(())
}
