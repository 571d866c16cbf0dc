//! Where values come from: the file, the environment and the flags, flattened to one text (or list of texts) for a key.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

use super::{
    client::CLIENT_VARIABLES,
    fault::{Fault, Faults},
};

/// Every environment variable of Strongroom begins with it.
pub(super) const ENVIRONMENT_PREFIX: &str = "STRONGROOM_";

/// Names the configuration file, where `--config` does not.
pub const CONFIG_VARIABLE: &str = "STRONGROOM_CONFIG";

/// Enough for thousands of keys; a path to something else is noticed before memory is.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nowhere: the built-in default.
    Default,
    /// In the configuration file.
    File {
        /// As it was given.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// By the environment variable of this name.
    Environment(String),
    /// By this command line flag.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value set by a command line flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// As the user writes it, such as `--listen`.
    pub flag: String,
    /// The key it sets, such as `server.listen`.
    pub key: String,
    /// The text given.
    pub value: String,
}

/// Everything outside the program that configures it.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The configuration file by `--config`. It must exist.
    pub file: Option<PathBuf>,
    /// The environment; what does not begin with `STRONGROOM_` is ignored.
    pub environment: Vec<(OsString, OsString)>,
    /// The command line; the last one wins where a key is given twice.
    pub flags: Vec<Flag>,
}

impl Sources {
    /// The process's own environment with the given file and flags.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        Self { file, environment: std::env::vars_os().collect(), flags }
    }
}

/// A value before its type is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    List(Vec<String>),
    /// A table with nothing in it; of others, the keys in them are what is kept.
    Empty,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) raw: Raw,
    pub(super) source: Source,
}

/// One source after the other; an entry of a later one wins.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) said: Vec<BTreeMap<String, Entry>>,
    /// What variables of the environment would set that have nothing in them, which is as good as not set.
    pub(super) unset: BTreeMap<String, Source>,
}

impl Layers {
    /// Reads all sources. What cannot be read is a fault, and the rest is read all the same.
    pub(super) fn read(sources: &Sources, faults: &mut Faults) -> Self {
        let (mut environment, mut unset) = (BTreeMap::new(), BTreeMap::new());
        let mut file = sources.file.clone().map(|path| (path, Source::Flag("--config".to_owned())));
        for (name, value) in &sources.environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with(ENVIRONMENT_PREFIX)) else { continue };
            let source = Source::Environment(name.to_owned());
            let Some(value) = value.to_str() else {
                faults.push(Fault::new(name, "is not UTF-8", "set it to readable text, or unset it").from(source));
                continue;
            };
            if CLIENT_VARIABLES.contains(&name) {
                continue;
            }
            if name == CONFIG_VARIABLE {
                if !value.is_empty() {
                    file.get_or_insert_with(|| (PathBuf::from(value), source));
                }
            } else if let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX).filter(|path| !is_service_link(path)) {
                let key = path.split("__").collect::<Vec<_>>().join(".").to_ascii_lowercase();
                // `docker compose` and Helm pass on variables that nobody set as empty ones.
                if value.is_empty() {
                    unset.insert(key, source);
                } else {
                    environment.insert(key, Entry { raw: Raw::Text(value.to_owned()), source });
                }
            }
        }
        let file = file.map(|(path, named_by)| read_file(&path, named_by, faults)).unwrap_or_default();
        let flags = sources.flags.iter().map(|flag| {
            let source = Source::Flag(flag.flag.clone());
            (flag.key.clone(), Entry { raw: Raw::Text(flag.value.clone()), source })
        });
        Self { said: vec![file, environment, flags.collect()], unset }
    }

    /// What holds for a key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.said.iter().rev().find_map(|layer| layer.get(key))
    }
}

/// Kubernetes puts the address of every Service into every pod: a Service named `strongroom` becomes
/// `STRONGROOM_SERVICE_HOST`, `STRONGROOM_PORT_50051_TCP_ADDR` and so on. They are not configuration.
fn is_service_link(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    let has = |tail: &[&str]| words.ends_with(tail);
    let protocol = |word: &str| matches!(word, "TCP" | "UDP" | "SCTP");
    let number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let port = words.windows(3).any(|w| w[0] == "PORT" && number(w[1]) && protocol(w[2]));
    !name.contains("__") && (has(&["SERVICE", "HOST"]) || name.contains("SERVICE_PORT") || has(&["PORT"]) || port)
}

fn read_file(path: &Path, named_by: Source, faults: &mut Faults) -> BTreeMap<String, Entry> {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(problem) => {
            let advice = "name a readable TOML file, or none at all";
            faults.push(Fault::new("config", problem, advice).with_value(path.display().to_string()).from(named_by));
            return BTreeMap::new();
        }
    };
    let (document, errors) = DeTable::parse_recoverable(&text);
    let source = |at: usize| Source::File { path: path.to_owned(), line: line_of(&text, at) };
    for error in errors {
        let place = source(error.span().map_or(0, |span| span.start));
        let problem = format!("is not TOML: {}", error.message());
        faults.push(Fault::new("config", problem, "see docs/samples/strongroom.toml for the form").from(place));
    }
    let mut entries = BTreeMap::new();
    flatten("", document.get_ref(), &mut |key, at, raw| {
        let source = source(at);
        match raw {
            Some(raw) => _ = entries.insert(key, Entry { raw, source }),
            None => faults.push(Fault::new(&key, "is a list of lists or tables", "write a list of texts").from(source)),
        }
    });
    entries
}

fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("is larger than {MAX_FILE_BYTES} bytes"));
    }
    Ok(text)
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn flatten(prefix: &str, table: &DeTable<'_>, found: &mut dyn FnMut(String, usize, Option<Raw>)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        match value.get_ref() {
            // What it was meant to say must not be lost: a claim with nothing in it would be required of nobody.
            DeValue::Table(table) if table.is_empty() => found(key, name.span().start, Some(Raw::Empty)),
            DeValue::Table(table) => flatten(&key, table, found),
            DeValue::Array(items) => {
                let items: Option<Vec<String>> = items.iter().map(|item| scalar(item.get_ref())).collect();
                found(key, name.span().start, items.map(Raw::List));
            }
            value => found(key, name.span().start, scalar(value).map(Raw::Text)),
        }
    }
}

/// Numbers keep their digits as written: `accounts = [123456789012]` means what its writer thought.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(instant) => Some(instant.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
