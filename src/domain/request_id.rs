//! The id that makes repeating a mutation safe.

use std::fmt;

use sha2::{Digest as _, Sha256};
use uuid::{Uuid, Version};

use super::invalid::{Fault, quoted};

/// A UUID that becomes AWS's IdempotencyToken or CreatorRequestId. Always written in lower case, so that two spellings
/// of one id are one id. Of a known caller AWS is given another UUID, made of both: ids of two callers never meet there, nor
/// can one find out or take up what another asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId {
    text: String,
    token: String,
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
        Ok(Self { text: id.to_string(), token: id.to_string(), given: true })
    }

    /// An id that stands for one call of the server's own.
    pub fn fresh() -> Self {
        let text = Uuid::new_v4().to_string();
        Self { token: text.clone(), text, given: false }
    }

    /// The same id, made by the server for this call: nobody can have used it before.
    #[must_use]
    pub fn of_this_call(self) -> Self {
        Self { given: false, ..self }
    }

    /// The same id of a caller who is known by this name.
    #[must_use]
    pub fn of_caller(self, name: &str) -> Self {
        // A name may have every character but this.
        let digest = Sha256::digest(format!("{name}\0{}", self.text));
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(byte, of_digest)| *byte = of_digest);
        Self { token: Uuid::new_v8(bytes).to_string(), ..self }
    }

    /// Whether it has the form of what [`Self::of_caller`] makes, and so may be another caller's token.
    pub fn looks_derived(&self) -> bool {
        Uuid::try_parse(&self.token).is_ok_and(|id| id.get_version() == Some(Version::Custom))
    }

    /// What AWS is given, and what it tells of what was made by it.
    pub fn as_str(&self) -> &str {
        &self.token
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
    fn what_was_derived_is_seen() {
        let given = RequestId::parse_or_new("6f1c2d3e-0000-4000-8000-5b6a79880000").unwrap();
        assert!(!given.looks_derived() && !RequestId::fresh().looks_derived());
        assert!(given.of_caller("corp:alice").looks_derived());
    }

    #[test]
    fn two_spellings_of_one_id_are_one_id() {
        let upper = RequestId::parse_or_new("6F1C2D3E-0000-4000-8000-5B6A79880000").unwrap();
        assert_eq!(upper.as_str(), "6f1c2d3e-0000-4000-8000-5b6a79880000");
    }

    #[test]
    fn the_same_id_of_two_callers_is_two_tokens_and_is_told_as_it_was_given() {
        let given = || RequestId::parse_or_new("6f1c2d3e-0000-4000-8000-5b6a79880000").unwrap();
        let (alice, bob) = (given().of_caller("corp:alice"), given().of_caller("corp:bob"));
        assert_ne!(alice.as_str(), bob.as_str());
        assert_ne!(alice.as_str(), given().as_str());
        assert_eq!(alice, given().of_caller("corp:alice"), "and may be repeated");
        assert_eq!(alice.to_string(), given().to_string());
        assert_eq!(Uuid::parse_str(alice.as_str()).unwrap().get_version_num(), 8);
    }

    #[test]
    fn a_blank_id_is_made_and_another_text_is_refused() {
        assert_ne!(RequestId::parse_or_new("").unwrap(), RequestId::parse_or_new("").unwrap());
        for bad in ["x", "{6f1c2d3e-0000-4000-8000-5b6a79880000}", "00000000-0000-0000-0000-000000000000"] {
            assert!(RequestId::parse_or_new(bad).is_err(), "{bad}");
        }
    }
}
