//! `context`: names for servers and the way to each, so that no command needs it said again.

pub(in crate::cli) mod file;

use std::path::PathBuf;

use clap::Subcommand;

use self::file::{Context, Contexts};
use super::{
    DONE, FAILED,
    client::{
        failure::USAGE,
        way::{Credentials, Way},
    },
    tell,
    terminal::width_of_stdout,
};
use crate::config::{CONTEXT_VARIABLE, CONTEXTS_VARIABLE, ClientEnvironment};

const EXAMPLES: &str = "\
A command goes by --server or --context, else by STRONGROOM_SERVER or STRONGROOM_CONTEXT, else by the context in use, else to
http://127.0.0.1:50051. The file is ~/.config/strongroom/contexts.toml (STRONGROOM_CONTEXTS names another), readable by its
owner alone. It holds paths and commands, never a secret.

Examples:
  strongroom context add production --server strongroom.example.com:443 --token-command 'company-login --token' --use
  strongroom context add staging --server https://10.0.0.7:50051 --ca-file ca.pem --certificate-file me.pem --key-file me.key
  strongroom context list
  strongroom vault list --context staging";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Name a server, and how it is spoken with
    Add(Box<Add>),
    /// Let commands go by a context when nothing else is said
    Use {
        /// The context
        #[arg(value_name = "NAME", required_unless_present = "none")]
        name: Option<String>,
        /// By none of them
        #[arg(long, conflicts_with = "name")]
        none: bool,
    },
    /// Show all contexts; the one in use has a star
    List {
        /// How the answer is shown
        #[arg(short, long, value_name = "FORMAT", default_value = "table", value_parser = ["table", "json"])]
        output: String,
    },
    /// Forget a context
    Remove {
        /// The context
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    /// What it is called: letters, digits, - . and _
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    /// The server: https://HOST:PORT, http://HOST:PORT, HOST:PORT or unix:/PATH
    #[arg(long, value_name = "ADDRESS")]
    server: String,
    #[command(flatten)]
    credentials: Credentials,
    /// Let commands go by it from now on
    #[arg(long = "use")]
    in_use: bool,
    /// Replace the context that has the name already
    #[arg(long)]
    replace: bool,
}

/// Why it was not done, and the exit code for it.
type Refused = (u8, String);

pub(super) fn run(args: &Args) -> u8 {
    let done = path().and_then(|path| {
        let contexts = Contexts::read(&path).map_err(|why| (FAILED, why))?;
        obey(&args.verb, contexts, &path)
    });
    match done {
        Ok(()) => DONE,
        Err((code, why)) => {
            tell(format_args!("error: {why}"));
            code
        }
    }
}

fn path() -> Result<PathBuf, Refused> {
    let environment = ClientEnvironment::of_process().map_err(|why| (USAGE, why))?;
    environment.contexts.ok_or_else(|| {
        (USAGE, format!("nothing says where your files are: set HOME, XDG_CONFIG_HOME or {CONTEXTS_VARIABLE}"))
    })
}

fn obey(verb: &Verb, mut contexts: Contexts, path: &std::path::Path) -> Result<(), Refused> {
    let usage = |why: String| (USAGE, why);
    match verb {
        Verb::Add(add) => {
            if contexts.contexts.contains_key(&add.name) && !add.replace {
                return Err(usage(format!("there is a context {:?} already; say --replace to replace it", add.name)));
            }
            let credentials = add.credentials.clone().absolute().map_err(usage)?;
            // What no command could go by is refused now.
            Way::of_context(&add.server, &credentials).map_err(usage)?;
            contexts.contexts.insert(add.name.clone(), Context { server: add.server.clone(), credentials });
            if add.in_use {
                contexts.in_use = Some(add.name.clone());
            }
        }
        Verb::Use { name, none: _ } => {
            if let Some(name) = name {
                contexts.named(name).map_err(usage)?;
            }
            contexts.in_use.clone_from(name);
        }
        Verb::List { output } => {
            let shown = if output == "json" { json(&contexts) } else { table(&contexts, width_of_stdout()) };
            // A reader who has closed the pipe wants no more.
            _ = std::io::Write::write_all(&mut std::io::stdout(), shown.as_bytes());
            return Ok(());
        }
        Verb::Remove { name } => {
            contexts.named(name).map_err(usage)?;
            contexts.contexts.remove(name);
            if contexts.in_use.as_ref() == Some(name) {
                contexts.in_use = None;
                tell(format_args!("{name} was in use; now none is. Choose another with: strongroom context use NAME"));
            }
        }
    }
    contexts.write(path).map_err(|why| (FAILED, why))
}

/// A line a context; on a terminal that has no room for that, several.
fn table(contexts: &Contexts, width: Option<usize>) -> String {
    let rows = contexts.contexts.iter().map(|(name, context)| {
        let star = if contexts.in_use.as_ref() == Some(name) { "*" } else { " " };
        [format!("{star} {name}"), context.server.clone(), context.credentials.kinds().join(", ")]
    });
    let rows: Vec<[String; 3]> =
        std::iter::once(["  NAME", "SERVER", "CREDENTIALS"].map(str::to_owned)).chain(rows).collect();
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (names, servers) = (wide(0), wide(1));
    if width.is_some_and(|width| names + servers + wide(2) + 4 > width) {
        // One below the other, each whole: an address that is broken is not found by a search, nor copied.
        let below = |text: &str| if text.is_empty() { String::new() } else { format!("    {text}\n") };
        let block = |[name, server, kinds]: &[String; 3]| format!("{name}\n{}{}", below(server), below(kinds));
        return rows[1..].iter().map(block).collect();
    }
    let line = |[name, server, kinds]: &[String; 3]| {
        let line = format!("{name:names$}  {server:servers$}  {kinds}");
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

fn json(contexts: &Contexts) -> String {
    let shown = serde_json::json!({ "inUse": contexts.in_use, "contexts": contexts.contexts });
    format!("{shown:#}\n")
}

fn name(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if (1..=63).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('-') {
        return Ok(text.to_owned());
    }
    Err(format!("a name has up to 63 letters, digits, - . and _, so that {CONTEXT_VARIABLE} and every shell take it"))
}
