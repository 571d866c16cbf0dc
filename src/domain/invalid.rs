//! What is wrong with a request: every fault, each with the path of its field.

use std::fmt;

/// A request that cannot be: all its faults at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid request")]
pub struct Invalid {
    /// At least one.
    pub violations: Vec<Violation>,
}

impl Invalid {
    /// A request with one fault.
    pub fn of(field: impl Into<String>, fault: impl Into<Fault>) -> Self {
        Self { violations: vec![Violation { field: field.into(), description: fault.into().0 }] }
    }
}

/// One fault of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, such as `rules[0].schedule`.
    pub field: String,
    /// What is wrong, with which value, what to do: a sentence without the field's name.
    pub description: String,
}

/// What a parser says is wrong with a value; it does not know which field the value stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

impl<T: Into<String>> From<T> for Fault {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Proof that a fault was noted: whoever holds one need not report again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted(());

/// Collects the faults of a request, so that all are told at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<Violation>);

impl Faults {
    /// Keeps the value, or notes its fault under the field.
    pub fn note<T, F: Into<Fault>>(&mut self, field: &str, result: Result<T, F>) -> Result<T, Noted> {
        result.map_err(|fault| self.add(field, fault))
    }

    /// Notes a fault.
    pub fn add(&mut self, field: &str, fault: impl Into<Fault>) -> Noted {
        self.0.push(Violation { field: field.to_owned(), description: fault.into().0 });
        Noted(())
    }

    /// The faults of a request that stands within another one.
    pub fn of(invalid: Invalid) -> Self {
        Self(invalid.violations)
    }

    /// The same faults of fields that stand within `field`.
    #[must_use]
    pub fn under(mut self, field: &str) -> Self {
        for violation in &mut self.0 {
            violation.field = format!("{field}.{}", violation.field);
        }
        self
    }

    /// Takes over the faults noted in another place.
    pub fn append(&mut self, other: Self) -> Result<(), Noted> {
        let any = !other.0.is_empty();
        self.0.extend(other.0);
        if any { Err(Noted(())) } else { Ok(()) }
    }

    /// Builds the valid thing, or tells every fault that was noted.
    pub fn conclude<T>(self, build: impl FnOnce() -> Result<T, Noted>) -> Result<T, Invalid> {
        if self.0.is_empty()
            && let Ok(built) = build()
        {
            return Ok(built);
        }
        Err(Invalid { violations: self.0 })
    }
}

/// The value as far as an error message may quote it: whole when short, else its beginning and its length.
pub fn quoted(value: &str) -> String {
    const LONGEST: usize = 80;
    let escaped = |text: &str| text.escape_debug().to_string();
    match value.char_indices().nth(LONGEST) {
        None => format!("\"{}\"", escaped(value)),
        Some((end, _)) => format!("\"{}…\" ({} bytes)", escaped(&value[..end]), value.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_and_nothing_is_built() {
        let mut faults = Faults::default();
        let name = faults.note("name", Err::<(), _>("is blank"));
        let size = faults.note("page_size", Err::<(), _>("is negative"));
        let told = faults.conclude(|| Ok((name?, size?))).unwrap_err();
        let fields: Vec<_> = told.violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["name", "page_size"]);
    }

    #[test]
    fn a_long_value_is_quoted_by_its_beginning() {
        let told = quoted(&"ä".repeat(1_000_000));
        assert!(told.len() < 250, "{told}");
        assert!(told.ends_with("(2000000 bytes)"), "{told}");
    }
}
