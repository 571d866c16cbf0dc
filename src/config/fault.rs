//! What is wrong with a configuration: every fault at once, each with its place and its remedy.

use std::fmt;

use super::source::Source;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key, such as `server.listen`; `config` for the file itself.
    pub key: String,
    /// The value found, where showing it helps and is safe.
    pub value: Option<String>,
    /// Where it was set.
    pub source: Option<Source>,
    /// What is wrong; continues the sentence that the key begins.
    pub problem: String,
    /// What to do.
    pub advice: String,
}

impl Fault {
    /// That what is in the files which a key names cannot be used.
    pub fn of_files(key: &str, problem: String) -> Self {
        Self::new(key, problem, "correct the files")
    }

    pub(super) fn new(key: &str, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: None, source: None, problem: problem.into(), advice: advice.into() }
    }

    pub(super) fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(redacted(value.into()));
        self
    }

    pub(super) fn from(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value:?}")?;
        }
        if let Some(source) = &self.source {
            write!(f, " ({source})")?;
        }
        write!(f, " {}; {}", self.problem, self.advice)
    }
}

/// Every fault of a configuration. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// In the order of the documentation; faults of the sources first.
    pub faults: Vec<Fault>,
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.faults.len() == 1 { "fault" } else { "faults" };
        write!(f, "the configuration has {} {plural}", self.faults.len())?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|fault| fault.key == key)
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, Error> {
        if self.0.is_empty() { Ok(value) } else { Err(Error { faults: self.0 }) }
    }
}

/// A password in a URL is the one secret that can stand in a value by mistake.
fn redacted(value: String) -> String {
    const LONGEST: usize = 200;
    let value = match (value.find("://"), value.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => format!("{}***{}", &value[..scheme + 3], &value[at..]),
        _ => value,
    };
    if value.chars().count() > LONGEST {
        return value.chars().take(LONGEST).chain(['…']).collect();
    }
    value
}
