//! How wide the terminal is that people read on, and lines that fit it. Pipes and files take lines of any length.

use console::Term;

/// The longest line of help, however wide the terminal.
pub(super) const WIDEST: usize = 120;

/// Narrower than this, lines are left to the terminal itself.
const NARROWEST: usize = 40;

/// Columns of the terminal behind standard output; none: it is no terminal.
pub(super) fn width_of_stdout() -> Option<usize> {
    width(&Term::stdout())
}

/// Columns of the terminal behind standard error; none: it is no terminal.
fn width_of_stderr() -> Option<usize> {
    width(&Term::stderr())
}

/// The text as people read it on standard output: broken where that is a terminal.
pub(super) fn for_stdout(text: String) -> String {
    fitting(text, width_of_stdout())
}

/// The same on standard error.
pub(super) fn for_stderr(text: String) -> String {
    fitting(text, width_of_stderr())
}

fn fitting(text: String, width: Option<usize>) -> String {
    match width {
        Some(width) => wrapped(&text, width),
        None => text,
    }
}

/// Columns of `--help`. Nought is no bound: what reads a pipe breaks lines itself.
pub(super) fn width_of_help() -> usize {
    width_of_stdout().map_or(0, |width| width.min(WIDEST))
}

fn width(term: &Term) -> Option<usize> {
    let (_, columns) = term.is_term().then(|| term.size_checked()).flatten()?;
    Some(usize::from(columns)).filter(|columns| *columns >= NARROWEST)
}

/// The text with its lines broken between words. What goes on stands two columns further in than where it began; a word
/// that is wider than the terminal, such as an ARN, stays whole, so that it can be copied.
fn wrapped(text: &str, width: usize) -> String {
    let lines = text.split('\n').map(|line| {
        if console::measure_text_width(line) <= width {
            return line.to_owned();
        }
        let begin = line.len() - line.trim_start_matches(' ').len();
        let mut broken = line[..begin].to_owned();
        let mut column = begin;
        for (at, word) in line[begin..].split(' ').enumerate() {
            let length = console::measure_text_width(word);
            if at == 0 {
                column += length;
            } else if column + 1 + length > width {
                broken.push('\n');
                broken.push_str(&" ".repeat(begin + 2));
                column = begin + 2 + length;
            } else {
                broken.push(' ');
                column += 1 + length;
            }
            broken.push_str(word);
        }
        broken
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_what_goes_on_stands_further_in() {
        let text = "warning: CODE: it is so\n  what to do: something else";
        assert_eq!(wrapped(text, 80), text);
        let told = "warning: CODE:\n  it is so\n  what to do:\n    something\n    else";
        assert_eq!(wrapped(text, 14), told);
        assert_eq!(wrapped("see arn:aws:rds:us-east-1:1:db:x now", 10), "see\n  arn:aws:rds:us-east-1:1:db:x\n  now");
        assert_eq!(wrapped("", 10), "");
    }
}
