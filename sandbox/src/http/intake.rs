//! Reading a request's body within bounds of size and time.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};

use crate::call::AwsError;

/// For a client to send its whole body.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of an oversize body that are read and thrown away. A client that is still writing when its connection closes
/// sees a broken pipe instead of the answer.
const DISCARDED: usize = 64 * 1024 * 1024;

/// The body, or the 413 to answer instead. `None` when the client broke off or dawdled: there is nobody to answer.
pub(super) async fn read(body: Incoming, limit: usize) -> Option<Result<Bytes, AwsError>> {
    tokio::time::timeout(TIMEOUT, collect(body, limit)).await.ok()?
}

async fn collect(mut body: Incoming, limit: usize) -> Option<Result<Bytes, AwsError>> {
    let mut kept = Vec::new();
    let mut size = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size <= limit {
            kept.extend_from_slice(&data);
        } else if size > limit.saturating_add(DISCARDED) {
            break;
        }
    }
    if size <= limit {
        return Some(Ok(kept.into()));
    }
    let message = format!("The request body is longer than {limit} bytes");
    Some(Err(AwsError::new(413, "RequestEntityTooLargeException", message)))
}
