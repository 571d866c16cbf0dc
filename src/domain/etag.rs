//! What tells whether a thing has changed since it was read, where AWS has no version of it.

use sha2::{Digest, Sha256};

use super::{Noun, Refusal, RefusalKind};

/// A digest of what a thing says, in its parts: the same says the same.
pub(super) fn etag<'t>(parts: impl IntoIterator<Item = &'t str>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Refuses to change what somebody else has changed since the etag was read; no etag: it does not matter. `what` has
/// changed, of the thing of that name. AWS has no conditional writes, so this is asked just before one.
pub fn check_etag(given: Option<&str>, present: &str, what: &str, (noun, name): (Noun, &str)) -> Result<(), Refusal> {
    match given {
        Some(given) if given != present => {
            let message = format!(
                "{what} has changed: its etag is {present}, not {given}; read it again and decide on what it says now"
            );
            Err(Refusal::of(RefusalKind::EtagMismatch, noun, name, message))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        assert_eq!(etag(["a", "b"]), etag(["a", "b"]));
        assert_ne!(etag(["a", "b"]), etag(["ab", ""]));
        assert_eq!(etag([]).len(), 24);
    }

    #[test]
    fn an_etag_that_is_given_is_the_present_one() {
        let check = |given| check_etag(given, "b", "plan p", (Noun::Plan, "p"));
        assert_eq!((check(None), check(Some("b"))), (Ok(()), Ok(())));
        let refused = check(Some("a")).unwrap_err();
        assert_eq!(refused.kind, RefusalKind::EtagMismatch);
        assert!(refused.message.starts_with("plan p has changed: its etag is b, not a"), "{refused}");
    }
}
