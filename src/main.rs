//! The `strongroom` program: parses the command line, hands over, and turns the outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    strongroom::cli::main()
}
