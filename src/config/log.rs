//! `log`: what goes to standard error.

use tracing_subscriber::EnvFilter;

use super::{reader::Reader, value::Value};

/// What goes to standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// For people or for machines.
    pub format: LogFormat,
    /// What is logged.
    pub level: LogFilter,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl Value for LogFormat {
    const EXPECTED: &'static str = "\"text\" or \"json\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// A level, or directives for targets: `info`, `warn,strongroom::aws=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Reads a level or directives.
    ///
    /// # Errors
    /// What to write instead.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        Value::parse(text).ok_or(Self::EXPECTED)
    }

    /// The directives as `tracing_subscriber` reads them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for LogFilter {
    const EXPECTED: &'static str =
        "error, warn, info, debug, trace or off, or such directives as \"info,strongroom::aws=debug\"";

    fn parse(text: &str) -> Option<Self> {
        // EnvFilter takes a lone unknown word for the name of a target and would switch everything off.
        let levels = ["error", "warn", "info", "debug", "trace", "off"];
        let directive = |part: &str| part.contains(['=', '[']) || levels.contains(&part.to_ascii_lowercase().as_str());
        // EnvFilter panics on some text beyond ASCII, which no target holds anyway.
        let fits = !text.is_empty() && text.is_ascii() && text.split(',').all(|part| directive(part.trim()));
        (fits && EnvFilter::builder().parse(text).is_ok()).then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogFilter("info".to_owned()) }
    }
}

impl LogConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        Self { format: reader.value("log.format", d.format), level: reader.value("log.level", d.level) }
    }
}
