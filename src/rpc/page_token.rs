//! Pages of answers: opaque tokens that belong to the query they were made for, and answers that clients can take.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use prost::Message;

use super::{
    checksum::{CHECK, check},
    status::Failure,
};
use crate::domain::{Cursor, Fault, PageRequest};

/// Largest answer of a list. gRPC's clients take 4 MiB unless they are told otherwise.
const LARGEST: usize = 3 * 1024 * 1024;

/// A page that a list is asked for, and the query that the token of the next one belongs to.
#[derive(Debug, Clone)]
pub(super) struct Paged {
    pub(super) page: PageRequest,
    pub(super) query: Query,
}

/// What a list is asked for: what it is filtered by, and which page.
#[derive(Debug, Clone)]
pub(super) struct ListOf<F> {
    pub(super) filter: F,
    pub(super) paged: Paged,
}

impl Paged {
    /// The answer of a list. While it is larger than clients take, a shorter page is asked for, whose token then says that
    /// there is more: how large the things of a list are, only they tell. Shorter than one thing is no page.
    pub(super) async fn answer<R, F>(&self, ask: impl Fn(PageRequest) -> F) -> Result<R, Failure>
    where
        R: Message,
        F: Future<Output = Result<R, Failure>>,
    {
        let mut page = self.page.clone();
        loop {
            let answer = ask(page.clone()).await?;
            if fits(&answer) || page.size <= 1 {
                return Ok(answer);
            }
            page.size = shorter(page.size, answer.encoded_len());
        }
    }

    /// The token of the next page.
    pub(super) fn token(&self, next: Option<&Cursor>) -> String {
        next.map(|next| self.query.token(next)).unwrap_or_default()
    }
}

/// Whether clients take the answer.
pub(super) fn fits(answer: &impl Message) -> bool {
    answer.encoded_len() <= LARGEST
}

/// As many things as are likely to fit, at most half of those that did not.
fn shorter(size: u16, bytes: usize) -> u16 {
    let fitting = usize::from(size) * LARGEST / bytes * 9 / 10;
    u16::try_from(fitting).unwrap_or(u16::MAX).clamp(1, size / 2)
}

/// What a list is asked for, page aside: a digest of the method and the request without its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Query([u8; CHECK]);

impl Query {
    /// `request` must have its page size and token blanked, so that every page of a query has the same digest.
    pub(super) fn of(method: &str, request: &impl Message) -> Self {
        Self(check(&[method.as_bytes(), &[0], &request.encode_to_vec()]))
    }

    /// The digest.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A token for the page that begins at the cursor.
    pub(super) fn token(self, cursor: &Cursor) -> String {
        let cursor = cursor.to_string();
        BASE64_URL_SAFE_NO_PAD.encode([&self.0, &self.check(cursor.as_bytes())[..], cursor.as_bytes()].concat())
    }

    /// By which a damaged cursor is told: one digit of it altered would begin the page elsewhere, and leave records out.
    fn check(self, cursor: &[u8]) -> [u8; CHECK] {
        check(&[&self.0, cursor])
    }

    /// The cursor in a token of this query.
    pub(super) fn cursor(self, token: &str) -> Result<Option<Cursor>, Fault> {
        if token.is_empty() {
            return Ok(None);
        }
        let unknown =
            || Fault("is not a token of this server: give the next_page_token of the page before, unchanged".into());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| unknown())?;
        let (query, rest) = bytes.split_first_chunk().ok_or_else(unknown)?;
        let (told, cursor) = rest.split_first_chunk::<CHECK>().ok_or_else(unknown)?;
        if Self(*query).check(cursor) != *told {
            return Err(unknown());
        }
        let cursor = std::str::from_utf8(cursor).ok().and_then(Cursor::parse).ok_or_else(unknown)?;
        if *query != self.0 {
            return Err("belongs to another query: filters and scope must stay the same from page to page".into());
        }
        Ok(Some(cursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::ListVaultsRequest;

    #[test]
    fn a_token_of_another_query_is_refused() {
        let query = Query::of("ListVaults", &ListVaultsRequest::default());
        let position = Cursor::at("position");
        let token = query.token(&position);
        assert_eq!(query.cursor(&token), Ok(Some(position)));
        let other = Query::of("ListPlans", &ListVaultsRequest::default());
        assert!(other.cursor(&token).unwrap_err().0.starts_with("belongs to another query"));
    }

    #[test]
    fn a_page_that_is_too_large_gets_shorter_and_never_empty() {
        assert_eq!(shorter(1000, 2 * LARGEST), 450);
        assert_eq!(shorter(1000, LARGEST + 1), 500);
        assert_eq!(shorter(3, 100 * LARGEST), 1);
        assert_eq!(shorter(2, LARGEST + 1), 1);
    }
}
