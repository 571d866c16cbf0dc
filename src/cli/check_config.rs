//! `check-config`: what holds, who said so, what will surprise, what is wrong.

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{DONE, FAILED, flags::ServeFlags};
use crate::config::{Error, Fault, Loaded, Setting, Source, Warning};

const EXAMPLES: &str = "\
Takes the flags of `serve` and exits with 1 when something is wrong. Nothing is connected to.

Examples:
  strongroom check-config --config strongroom.toml
  STRONGROOM_LOG__FORMAT=json strongroom check-config -o json | jq '.settings[] | select(.source != \"default\")'";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// How to answer
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    pub(super) flags: ServeFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Output {
    Text,
    Json,
}

pub(super) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    answer(args, &args.flags.load(), out, err)
}

pub(super) fn answer(args: &Args, loaded: &Result<Loaded, Error>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let code = if loaded.is_ok() { DONE } else { FAILED };
    // A reader that has seen enough (`| head`) closes the pipe; the configuration is no worse for it.
    _ = match args.output {
        Output::Text => text(loaded, out, err),
        Output::Json => writeln!(out, "{:#}", document(loaded)),
    };
    code
}

fn text(loaded: &Result<Loaded, Error>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return writeln!(err, "error: {error}"),
    };
    let width = |of: fn(&Setting) -> usize| loaded.settings.iter().map(of).max().unwrap_or_default();
    let keys = width(|setting| setting.key.len());
    let values = width(|setting| shown(setting).chars().count()).min(40);
    for setting in &loaded.settings {
        writeln!(out, "{:keys$}  {:values$}  {}", setting.key, shown(setting), setting.source)?;
    }
    out.flush()?;
    for Warning { key, message } in &loaded.warnings {
        writeln!(err, "warning: {key}: {message}")?;
    }
    Ok(())
}

fn shown(setting: &Setting) -> &str {
    setting.value.as_deref().unwrap_or("-")
}

fn document(loaded: &Result<Loaded, Error>) -> Value {
    match loaded {
        Ok(loaded) => json!({
            "valid": true,
            "settings": loaded.settings.iter().map(setting).collect::<Vec<_>>(),
            "warnings": loaded.warnings.iter().map(warning).collect::<Vec<_>>(),
            "faults": [],
        }),
        Err(error) => json!({
            "valid": false,
            "settings": [],
            "warnings": [],
            "faults": error.faults.iter().map(fault).collect::<Vec<_>>(),
        }),
    }
}

fn setting(setting: &Setting) -> Value {
    json!({ "key": setting.key, "value": setting.value, "source": setting.source.to_string() })
}

fn warning(warning: &Warning) -> Value {
    json!({ "key": warning.key, "message": warning.message })
}

fn fault(fault: &Fault) -> Value {
    json!({
        "key": fault.key,
        "value": fault.value,
        "source": fault.source.as_ref().map(Source::to_string),
        "problem": fault.problem,
        "advice": fault.advice,
    })
}
