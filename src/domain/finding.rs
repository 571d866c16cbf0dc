//! What is found on looking at a thing, or on accepting a request that will surprise.

use serde_json::{Value, json};

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
    /// What to do about it; blank: nothing, or the message says it.
    pub action: String,
    /// Path of the field of the request that it comes from; blank: from none, or from the whole of it.
    pub field: String,
    /// ARN, id or name of the thing that it is about; blank: what the answer is about.
    pub subject: String,
}

impl Finding {
    /// Worth knowing; there is nothing to do.
    pub fn info(code: &'static str, message: impl Into<String>) -> Self {
        Self::of(Severity::Info, code, message.into(), String::new())
    }

    /// May go wrong.
    pub fn warning(code: &'static str, message: impl Into<String>, action: impl Into<String>) -> Self {
        Self::of(Severity::Warning, code, message.into(), action.into())
    }

    /// Goes wrong.
    pub fn error(code: &'static str, message: impl Into<String>, action: impl Into<String>) -> Self {
        Self::of(Severity::Error, code, message.into(), action.into())
    }

    fn of(severity: Severity, code: &'static str, message: String, action: String) -> Self {
        Self { code, severity, message, action, field: String::new(), subject: String::new() }
    }

    /// With the field of the request that it comes from.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Self {
        Self { field: field.into(), ..self }
    }

    /// With the thing that it is about, where the answer is about more than that.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..self }
    }

    /// As it is told of a change that AWS accepts all the same: nothing of it is an obstacle.
    #[must_use]
    pub fn as_warning(self) -> Self {
        Self { severity: self.severity.min(Severity::Warning), ..self }
    }

    /// Whether it lets what is planned fail.
    pub fn is_obstacle(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A finding that was kept, perhaps by another version, which knew other codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFinding {
    /// As in [`Finding`].
    pub code: String,
    /// As in [`Finding`].
    pub severity: Severity,
    /// As in [`Finding`].
    pub message: String,
    /// As in [`Finding`].
    pub action: String,
    /// As in [`Finding`].
    pub subject: String,
}

impl From<Finding> for KeptFinding {
    fn from(finding: Finding) -> Self {
        let Finding { code, severity, message, action, subject, field: _ } = finding;
        Self { code: code.to_owned(), severity, message, action, subject }
    }
}

impl KeptFinding {
    /// To be kept.
    pub fn to_json(&self) -> Value {
        let severity = match self.severity {
            Severity::Info => 1,
            Severity::Warning => 2,
            Severity::Error => 3,
        };
        json!([self.code, severity, self.message, self.action, self.subject])
    }

    /// What was kept.
    pub fn from_json(kept: &Value) -> Option<Self> {
        let text = |at: usize| Some(kept.get(at)?.as_str()?.to_owned());
        let severity = match kept.get(1)?.as_u64()? {
            1 => Severity::Info,
            2 => Severity::Warning,
            3 => Severity::Error,
            _ => return None,
        };
        Some(Self { code: text(0)?, severity, message: text(2)?, action: text(3)?, subject: text(4)? })
    }
}
