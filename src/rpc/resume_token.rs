//! Where a watch goes on: a position in the events of one ledger, for one filter.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{
    checksum::{CHECK, check},
    page_token::Query,
};
use crate::domain::{Fault, Scope};

/// What is watched: a token of another filter or scope is refused, for its watcher would miss what it did not ask for before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watched([u8; CHECK]);

/// A position in the events of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    /// Which ledger.
    pub(super) epoch: String,
    /// After which event.
    pub(super) seq: i64,
}

impl Watched {
    /// `filter` is a digest of it.
    pub(super) fn of(filter: &Query, scopes: &[Scope]) -> Self {
        let named: Vec<String> = scopes.iter().map(|scope| format!("{} {}", scope.account, scope.region)).collect();
        Self(check(&[filter.bytes(), named.join(",").as_bytes()]))
    }

    /// A token for what comes after the event.
    pub(super) fn token(self, epoch: &str, seq: i64) -> String {
        let position = format!("{seq} {epoch}");
        BASE64_URL_SAFE_NO_PAD
            .encode([&self.0, &check(&[&self.0, position.as_bytes()])[..], position.as_bytes()].concat())
    }

    /// The position in a token of this watch; none in a blank one.
    pub(super) fn position(self, token: &str) -> Result<Option<Position>, Fault> {
        if token.is_empty() {
            return Ok(None);
        }
        let unknown = || Fault("is not a token of this server: give a resume_token that it told, unchanged".into());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| unknown())?;
        let (watched, rest) = bytes.split_first_chunk().ok_or_else(unknown)?;
        let (told, position) = rest.split_first_chunk::<CHECK>().ok_or_else(unknown)?;
        if check(&[watched, position]) != *told {
            return Err(unknown());
        }
        let position = std::str::from_utf8(position).ok().and_then(|text| text.split_once(' ')).ok_or_else(unknown)?;
        let seq = position.0.parse().ok().filter(|seq| *seq >= 0).ok_or_else(unknown)?;
        if *watched != self.0 {
            return Err("belongs to another scope or filter: they must stay the same when a watch goes on".into());
        }
        Ok(Some(Position { epoch: position.1.to_owned(), seq }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::JobFilter;

    fn watched(filter: &JobFilter) -> Watched {
        Watched::of(&Query::of("WatchJobs", filter), &[])
    }

    proptest! {
        #[test]
        fn a_token_is_its_position_and_any_other_text_is_refused(seq in 0i64.., epoch in "[0-9a-f]{1,32}", text in "\\PC{0,80}") {
            let watch = watched(&JobFilter::default());
            let position = Some(Position { epoch: epoch.clone(), seq });
            prop_assert_eq!(watch.position(&watch.token(&epoch, seq)), Ok(position));
            prop_assert!(text.is_empty() || watch.position(&text).is_err());
        }

        #[test]
        fn a_token_with_one_letter_changed_is_refused(at in 0usize..30, letter in "[A-Za-z0-9_-]") {
            let watch = watched(&JobFilter::default());
            let token = watch.token("0123456789abcdef", 1234);
            let mut changed = token.clone();
            changed.replace_range(at..=at, &letter);
            prop_assert!(changed == token || watch.position(&changed).is_err());
        }
    }

    #[test]
    fn a_token_of_another_filter_is_refused() {
        let watch = watched(&JobFilter::default());
        let other = JobFilter { message_contains: "quota".into(), ..JobFilter::default() };
        let fault = watched(&other).position(&watch.token("e", 1)).unwrap_err();
        assert!(fault.0.starts_with("belongs to another"), "{fault:?}");
    }
}
