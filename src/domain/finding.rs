//! What is found on looking at a thing.

/// How serious a finding is; the most serious is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// May go wrong.
    Warning,
    /// Goes wrong.
    Error,
}

/// Something found on looking at a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable code, documented in docs/errors.md.
    pub code: &'static str,
    /// How serious it is.
    pub severity: Severity,
    /// What was found, in one sentence.
    pub message: String,
    /// What to do about it; blank: nothing.
    pub action: String,
}

impl Finding {
    /// Worth knowing; there is nothing to do.
    pub fn info(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Info, message: message.into(), action: String::new() }
    }

    /// May go wrong.
    pub fn warning(code: &'static str, message: impl Into<String>, action: impl Into<String>) -> Self {
        Self { code, severity: Severity::Warning, message: message.into(), action: action.into() }
    }

    /// Goes wrong.
    pub fn error(code: &'static str, message: impl Into<String>, action: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), action: action.into() }
    }

    /// Whether it lets what is planned fail.
    pub fn is_obstacle(&self) -> bool {
        self.severity == Severity::Error
    }
}
