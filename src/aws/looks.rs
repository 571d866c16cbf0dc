//! Looks for findings: one that fails, or takes longer than it may, fails nothing else.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Error, Failure, FailureKind, budget::besides};
use crate::domain::Unseen;

/// The longest that a call waits for what is only told besides.
pub(super) const BESIDES: Duration = Duration::from_secs(3);

/// The longest that it waits where that is nearly all there is to tell, such as why a list is empty.
pub(super) const IN_PLACE_OF_MORE: Duration = Duration::from_secs(5);

/// What comes of a look until that time.
pub(super) async fn by<T, E>(until: Instant, look: impl Future<Output = Result<T, E>>) -> Result<T, Unseen>
where
    Error: From<E>,
{
    match timeout_at(until, besides(until, look)).await {
        Ok(seen) => seen.map_err(|error| Unseen::from(&Error::from(error))),
        Err(_) => Err(Unseen::in_time()),
    }
}

/// What comes of a look within so long.
pub(super) async fn within<T, E>(longest: Duration, look: impl Future<Output = Result<T, E>>) -> Result<T, Unseen>
where
    Error: From<E>,
{
    by(Instant::now() + longest, look).await
}

/// What comes of a look that may take so long as it can take besides something else.
pub(super) async fn in_time<T, E>(look: impl Future<Output = Result<T, E>>) -> Result<T, Unseen>
where
    Error: From<E>,
{
    within(BESIDES, look).await
}

/// What was found. `None`: AWS says that it is not there, which is an answer.
pub(super) fn there<T>(found: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == FailureKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
