//! Asks before what cannot easily be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use super::failure::Failure;
use crate::cli::FAILED;

/// Asks for this word. Without a terminal there is nobody to ask, and `instead` says what to give.
pub(in crate::cli) fn ask(consequence: &str, word: &str, instead: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{consequence}; say {instead} to do it without being asked")));
    }
    let mut prompt = io::stderr();
    _ = write!(prompt, "{consequence}. Type {word} to go on: ").and_then(|()| prompt.flush());
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer) {
        Ok(_) if answer.trim() == word => Ok(()),
        Ok(_) | Err(_) => Err(Failure::new(FAILED, "nothing was done")),
    }
}
