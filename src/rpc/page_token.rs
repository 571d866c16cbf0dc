//! Opaque page tokens that belong to the query they were made for.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::domain::Fault;

/// What a list is asked for, page aside: a digest of the method and the request without its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Query([u8; 8]);

impl Query {
    /// `request` must have its page size and token blanked, so that every page of a query has the same digest.
    pub(super) fn of(method: &str, request: &impl Message) -> Self {
        let digest =
            Sha256::new().chain_update(method).chain_update([0]).chain_update(request.encode_to_vec()).finalize();
        let mut query = [0; 8];
        query.copy_from_slice(&digest[..8]);
        Self(query)
    }

    /// A token for the page that begins at the cursor.
    pub(super) fn token(self, cursor: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([&self.0, cursor.as_bytes()].concat())
    }

    /// The cursor in a token of this query.
    pub(super) fn cursor(self, token: &str) -> Result<Option<String>, Fault> {
        if token.is_empty() {
            return Ok(None);
        }
        let unknown =
            || Fault("is not a token of this server: give the next_page_token of the page before, unchanged".into());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| unknown())?;
        let (query, cursor) = bytes.split_at_checked(8).ok_or_else(unknown)?;
        let cursor = String::from_utf8(cursor.to_owned()).map_err(|_| unknown())?;
        if query != self.0 {
            return Err("belongs to another query: filters and scope must stay the same from page to page".into());
        }
        Ok(Some(cursor))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::ListVaultsRequest;

    #[test]
    fn a_token_of_another_query_is_refused() {
        let query = Query::of("ListVaults", &ListVaultsRequest::default());
        let token = query.token("position");
        assert_eq!(query.cursor(&token).unwrap().as_deref(), Some("position"));
        let other = Query::of("ListPlans", &ListVaultsRequest::default());
        assert!(other.cursor(&token).unwrap_err().0.starts_with("belongs to another query"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_token_or_a_fault(text in "\\PC{0,100}") {
            let _ = Query::of("ListVaults", &ListVaultsRequest::default()).cursor(&text);
        }
    }
}
