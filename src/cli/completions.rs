//! `completions`: what a shell needs to complete the command line.

use clap_complete::{Shell, generate};

use super::{DONE, command};

pub(super) const EXAMPLES: &str = "\
Examples:
  strongroom completions bash > /etc/bash_completion.d/strongroom
  strongroom completions zsh > ~/.zfunc/_strongroom               with ~/.zfunc in fpath
  strongroom completions fish > ~/.config/fish/completions/strongroom.fish";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(args: &Args) -> u8 {
    let mut script = Vec::new();
    generate(args.shell, &mut command(), "strongroom", &mut script);
    match std::io::Write::write_all(&mut std::io::stdout(), &script) {
        // A reader who has closed the pipe wants no more.
        Ok(()) | Err(_) => DONE,
    }
}
