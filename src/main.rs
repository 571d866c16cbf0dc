//! The `strongroom` program: parses the command line, hands over, and turns the outcome into an exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// What glibc's has had in a flood it keeps, and the next one adds to it: docs/adr/0006 has the figures.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    strongroom::cli::main()
}
