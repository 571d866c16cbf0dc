//! The id that makes repeating a mutation safe.

use std::fmt;

use uuid::Uuid;

use super::invalid::{Fault, quoted};

/// A UUID that becomes AWS's IdempotencyToken or CreatorRequestId. Always written in lower case, so that two spellings
/// of one id are one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId {
    text: String,
    given: bool,
}

impl RequestId {
    /// The caller's id, or a fresh one for a blank: then at least our own retries are safe.
    pub fn parse_or_new(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Ok(Self::fresh());
        }
        // try_parse also takes braces and URNs; AWS's token has at most 50 characters of [A-Za-z0-9-_.].
        let id = Uuid::try_parse(text).ok().filter(|id| !id.is_nil() && text.len() == 36);
        let id =
            id.ok_or_else(|| format!("{} is not a UUID such as 6f1c2d3e-0000-4000-8000-5b6a79880000", quoted(text)))?;
        Ok(Self { text: id.to_string(), given: true })
    }

    /// An id that stands for one call of the server's own.
    pub fn fresh() -> Self {
        Self { text: Uuid::new_v4().to_string(), given: false }
    }

    /// The same id, made by the server for this call: nobody can have used it before.
    #[must_use]
    pub fn of_this_call(self) -> Self {
        Self { given: false, ..self }
    }

    /// The lower-case text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the caller gave it, so that the call may be a repetition, or another request under a used id. One that the
    /// server made stands for this call alone.
    pub fn may_repeat(&self) -> bool {
        self.given
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_id_are_one_id() {
        let upper = RequestId::parse_or_new("6F1C2D3E-0000-4000-8000-5B6A79880000").unwrap();
        assert_eq!(upper.as_str(), "6f1c2d3e-0000-4000-8000-5b6a79880000");
    }

    #[test]
    fn a_blank_id_is_made_and_another_text_is_refused() {
        assert_ne!(RequestId::parse_or_new("").unwrap(), RequestId::parse_or_new("").unwrap());
        for bad in ["x", "{6f1c2d3e-0000-4000-8000-5b6a79880000}", "00000000-0000-0000-0000-000000000000"] {
            assert!(RequestId::parse_or_new(bad).is_err(), "{bad}");
        }
    }
}
