//! Restore tokens: what PlanRestore planned, in a text that StartRestore reads back. The server keeps nothing.
//!
//! A token holds the typed request and a digest of the metadata that it came to. It proves nothing about who made it, and
//! needs not to: whoever writes one by hand can say no more than the fields of StartRestore can.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use prost::Message;
use sha2::{Digest, Sha256};

use super::checksum::{CHECK, check};
use crate::{
    domain::{Fault, RestoreMetadata},
    proto::PlanRestoreRequest,
};

/// Of the layout: version, check, digest, request.
const VERSION: u8 = 2;

/// Longest token that is read. A request with every field at its longest is far below.
const LONGEST: usize = 64 * 1024;

/// A digest of metadata: two plans with the same send the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned([u8; 32]);

impl Planned {
    pub(super) fn of(metadata: &RestoreMetadata) -> Self {
        let mut digest = Sha256::new();
        for text in metadata.values.iter().flat_map(|(key, value)| [key, value]) {
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
        Self(digest.finalize().into())
    }
}

/// A token for the request, whose scope and role must be whole.
pub(super) fn write(request: &PlanRestoreRequest, metadata: &RestoreMetadata) -> String {
    let content = [&Planned::of(metadata).0[..], &request.encode_to_vec()].concat();
    BASE64_URL_SAFE_NO_PAD.encode([&[VERSION], &check(&[&[VERSION], &content])[..], &content].concat())
}

/// What a token stands for.
pub(super) fn read(token: &str) -> Result<(PlanRestoreRequest, Planned), Fault> {
    let damaged = || Fault("is damaged, or no token of PlanRestore: give its restore_token, unchanged".into());
    if token.len() > LONGEST {
        return Err(damaged());
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| damaged())?;
    let (version, rest) = bytes.split_first().ok_or_else(damaged)?;
    if *version != VERSION {
        return Err(Fault(format!("is of version {version}, which this server does not read: plan again")));
    }
    let (told, content) = rest.split_at_checked(CHECK).ok_or_else(damaged)?;
    if told != check(&[&[VERSION], content]) {
        return Err(damaged());
    }
    let (planned, request) = content.split_first_chunk().ok_or_else(damaged)?;
    Ok((PlanRestoreRequest::decode(request).map_err(|_| damaged())?, Planned(*planned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Restore;

    fn metadata(value: &str) -> RestoreMetadata {
        [("DBInstanceIdentifier".to_owned(), value.to_owned())].into_iter().collect()
    }

    fn request() -> PlanRestoreRequest {
        let restore = Restore { vault: "prod".into(), copy_source_tags: true, ..Default::default() };
        PlanRestoreRequest { restore: Some(restore), ..Default::default() }
    }

    #[test]
    fn a_token_stands_for_its_request_and_metadata() {
        let (read, planned) = read(&write(&request(), &metadata("a"))).unwrap();
        assert_eq!(read, request());
        assert_eq!(planned, Planned::of(&metadata("a")));
        assert_ne!(planned, Planned::of(&metadata("b")));
    }

    #[test]
    fn a_token_of_another_version_says_so() {
        let token = BASE64_URL_SAFE_NO_PAD.encode([7; 60]);
        assert!(read(&token).unwrap_err().0.starts_with("is of version 7"));
    }
}
