//! Paging of the Backup lists: `maxResults` 1–1000 and an opaque `nextToken` `[M]`.
//!
//! A token holds the position of the last entry that was given, not a count: entries that come or go between two
//! pages neither repeat nor hide others.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{error, rest::RestRequest};
use crate::call::AwsError;

/// Entries of a page at most `[M]`.
const MOST: usize = 1000;

/// The page size when the caller names none; AWS documents no default `[U]`.
const DEFAULT: usize = MOST;

/// What of a list is asked for.
#[derive(Debug)]
pub struct Page {
    size: usize,
    after: Option<String>,
}

impl Page {
    /// Reads `maxResults` and `nextToken`, as most lists spell them.
    ///
    /// # Errors
    /// IPV for a size below 1 or a token that this sandbox did not make.
    pub fn of(request: &RestRequest) -> Result<Self, AwsError> {
        Self::named(request, "maxResults", "nextToken")
    }

    /// Reads them by the names `…Summaries`, report and restore-testing lists use: `MaxResults`, `NextToken`.
    ///
    /// # Errors
    /// As [`Page::of`].
    pub fn named(request: &RestRequest, size: &str, token: &str) -> Result<Self, AwsError> {
        let size = match request.query(size) {
            None => DEFAULT,
            // More than a page holds is a page `[Q]`.
            Some(text) => match text.parse::<u32>() {
                Ok(asked @ 1..) => MOST.min(asked as usize),
                _ => return Err(error::invalid_parameter(format!("{size} must be a number from 1, not '{text}'"))),
            },
        };
        let after = match request.query(token).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(decode(text).ok_or_else(|| error::invalid_parameter(format!("{token} is not valid")))?),
        };
        Ok(Self { size, after })
    }

    /// The entries of this page in the order of their positions, and the token of the next page if there is one.
    ///
    /// Positions must be unique; [`oldest_first`] and [`newest_first`] make them.
    pub fn take<T>(&self, entries: impl IntoIterator<Item = (String, T)>) -> (Vec<T>, Option<String>) {
        let mut rest: Vec<(String, T)> = entries
            .into_iter()
            .filter(|(position, _)| self.after.as_ref().is_none_or(|after| position > after))
            .collect();
        rest.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let more = rest.len() > self.size;
        rest.truncate(self.size);
        let next = rest.last().filter(|_| more).map(|(position, _)| encode(position));
        (rest.into_iter().map(|(_, entry)| entry).collect(), next)
    }
}

/// A position that orders by time, then by `id`.
pub fn oldest_first(at: Timestamp, id: &str) -> String {
    // Flipping the sign bit makes two's complement sort like text.
    format!("{:016x}{id}", at.as_millisecond().cast_unsigned() ^ (1 << 63))
}

/// A position that orders by time backwards, then by `id`.
pub fn newest_first(at: Timestamp, id: &str) -> String {
    format!("{:016x}{id}", !(at.as_millisecond().cast_unsigned() ^ (1 << 63)))
}

fn encode(position: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("1:{position}"))
}

fn decode(token: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    String::from_utf8(bytes).ok()?.strip_prefix("1:").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(query: &str) -> Result<Page, AwsError> {
        Page::of(&RestRequest::for_test(&[], query, ""))
    }

    #[test]
    fn sizes_out_of_range_and_foreign_tokens_are_refused() {
        for query in ["maxResults=0", "maxResults=-1", "maxResults=x", "nextToken=%F0", "nextToken=abc"] {
            assert_eq!(page(query).unwrap_err().code, "InvalidParameterValueException", "{query}");
        }
    }

    #[test]
    fn more_than_a_page_holds_is_a_page() {
        for query in ["maxResults=1001", "maxResults=4000000000"] {
            assert_eq!(page(query).unwrap().size, 1000, "{query}");
        }
    }

    proptest! {
        #[test]
        fn pages_together_are_the_whole_list_in_order(ids in proptest::collection::btree_set("[a-z]{1,4}", 0..40), size in 1_usize..7) {
            let mut seen: Vec<String> = Vec::new();
            let mut query = format!("maxResults={size}");
            loop {
                let (part, next) = page(&query).unwrap().take(ids.iter().rev().map(|id| (id.clone(), id.clone())));
                prop_assert!(part.len() <= size);
                seen.extend(part);
                let Some(next) = next else { break };
                query = format!("maxResults={size}&nextToken={next}");
            }
            prop_assert_eq!(seen, ids.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn positions_order_by_time(a in -62_135_596_800_000_i64..253_402_207_200_000, b in -62_135_596_800_000_i64..253_402_207_200_000) {
            let (a, b) = (Timestamp::from_millisecond(a).unwrap(), Timestamp::from_millisecond(b).unwrap());
            prop_assert_eq!(oldest_first(a, "").cmp(&oldest_first(b, "")), a.cmp(&b));
            prop_assert_eq!(newest_first(a, "").cmp(&newest_first(b, "")), b.cmp(&a));
        }
    }
}
