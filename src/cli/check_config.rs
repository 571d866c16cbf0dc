//! `check-config`: what holds, who said so, what will surprise, what is wrong; and what AWS says of it, where that is asked for.

mod aws;

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{DONE, FAILED, failed, flags::ServeFlags, terminal};
use crate::{
    app::{
        aws_check::{self, Checked, Depth},
        policies,
    },
    config::{Error, Fault, Loaded, Setting, Source, Warning},
};

const EXAMPLES: &str = "\
Takes the flags of `serve` and exits with 1 when something is wrong. Without --aws nothing is connected to. With it AWS is asked
who the server will be, in each of aws.allowed_accounts too, and what of docs/samples/iam-policy.json it may not do there; nothing
is changed. That takes iam:SimulatePrincipalPolicy and, of a role, iam:GetRole; 1 is also for what is missing or not told.

Examples:
  strongroom check-config --config strongroom.toml
  strongroom check-config --config strongroom.toml --aws
  strongroom check-config --region eu-central-1 --profile backup-admin --aws=identity
  STRONGROOM_LOG__FORMAT=json strongroom check-config -o json | jq '.settings[] | select(.source != \"default\")'";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// How to answer
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Ask AWS too: as whom the server works, and whether it may do what it needs; =identity asks only the first
    #[arg(long, value_enum, value_name = "HOW_FAR", num_args = 0..=1, require_equals = true, default_missing_value = "permissions")]
    aws: Option<HowFar>,
    #[command(flatten)]
    pub(super) flags: ServeFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Output {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HowFar {
    /// As whom
    Identity,
    /// As whom, and what is missing of the sample policy
    Permissions,
}

pub(super) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let loaded = args.flags.load().and_then(|loaded| match policies::check(&loaded.config.access) {
        Ok(()) => Ok(loaded),
        Err(error) => Err(Error { faults: vec![Fault::of_files("access.policies", error.to_string())] }),
    });
    let depth = match args.aws {
        None => return answer(args, &loaded, out, err),
        Some(HowFar::Identity) => Depth::Identity,
        Some(HowFar::Permissions) => Depth::Permissions,
    };
    let Ok(config) = &loaded else { return answer(args, &loaded, out, err) };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("the runtime cannot be started")),
    };
    let checked = runtime.block_on(Box::pin(aws_check::check(&config.config.aws, depth)));
    told(args, &loaded, Some(&checked), out, err)
}

pub(super) fn answer(args: &Args, loaded: &Result<Loaded, Error>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    told(args, loaded, None, out, err)
}

fn told(
    args: &Args,
    loaded: &Result<Loaded, Error>,
    checked: Option<&Checked>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let is_well = loaded.is_ok() && checked.is_none_or(aws::is_well);
    // A reader that has seen enough (`| head`) closes the pipe; the configuration is no worse for it.
    _ = match args.output {
        Output::Text => text(loaded, out, err).and_then(|()| checked.map_or(Ok(()), |it| aws::text(it, out, err))),
        Output::Json => writeln!(out, "{:#}", document(loaded, checked)),
    };
    if is_well { DONE } else { FAILED }
}

fn text(loaded: &Result<Loaded, Error>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return writeln!(err, "{}", terminal::for_stderr(format!("error: {error}"))),
    };
    let width = |of: fn(&Setting) -> usize| loaded.settings.iter().map(of).max().unwrap_or_default();
    let keys = width(|setting| setting.key.len());
    let values = width(|setting| shown(setting).chars().count()).min(40);
    for setting in &loaded.settings {
        writeln!(out, "{:keys$}  {:values$}  {}", setting.key, shown(setting), setting.source)?;
    }
    out.flush()?;
    for Warning { key, message } in &loaded.warnings {
        writeln!(err, "{}", terminal::for_stderr(format!("warning: {key}: {message}")))?;
    }
    Ok(())
}

fn shown(setting: &Setting) -> &str {
    setting.value.as_deref().unwrap_or("-")
}

fn document(loaded: &Result<Loaded, Error>, checked: Option<&Checked>) -> Value {
    let mut document = match loaded {
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
    };
    if let Some(checked) = checked {
        document["aws"] = aws::document(checked);
    }
    document
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
