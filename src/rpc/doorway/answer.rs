//! The body of an answer. What a call has taken is held until its answer has left.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tonic::{
    Status,
    body::Body,
    codegen::http::{HeaderMap, Response},
};

use super::Held;
use crate::{aws::Effect, rpc::status::Failure};

/// What an answer may have without holding anything once it is made: a client that does not read it costs no more than
/// the stream it came by.
const LIGHT: usize = 8 * 1024;

/// An answer of one message. It is encoded here and now, so that it has its size, and nothing else of the call is kept
/// while the client reads. A heavy one holds the call's place, and room for its bytes; a read that finds none is refused.
pub(super) async fn of_one(answer: Response<Body>, held: &Arc<Held>, changes: bool) -> Result<Response<Body>, Failure> {
    let (parts, mut body) = answer.into_parts();
    let Some(Ok(first)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await else {
        // Nothing but headers, as of an error.
        return Ok(Response::from_parts(parts, body));
    };
    let size = first.data_ref().map_or(0, Bytes::len);
    let held = if size <= LIGHT {
        None
    } else {
        // What was changed is told in any case: nobody must be sent away to repeat it.
        match held.bytes.more(size) {
            Ok(()) => {}
            Err(_) if changes => {}
            Err(full) => return Err(Failure::Overloaded(full)),
        }
        Some(Arc::clone(held))
    };
    Ok(Response::from_parts(parts, Body::new(Answer { first: Some(first), rest: body, _held: held, until: None })))
}

/// An answer that is a stream: held to its end, and ended at its deadline if it has one.
pub(super) fn of_many(answer: Response<Body>, held: Arc<Held>, until: Option<Instant>) -> Response<Body> {
    let until = until.map(|until| Box::pin(tokio::time::sleep_until(until)));
    answer.map(|rest| Body::new(Answer { first: None, rest, _held: Some(held), until }))
}

struct Answer {
    first: Option<Frame<Bytes>>,
    rest: Body,
    _held: Option<Arc<Held>>,
    until: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.until.as_mut().is_some_and(|until| until.as_mut().poll(cx).is_ready()) {
            self.until = None;
            self.rest = Body::empty();
            let mut trailers = HeaderMap::new();
            Status::from(Failure::Deadline(Effect::None)).add_header(&mut trailers)?;
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        Pin::new(&mut self.rest).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.first.as_ref().map_or_else(|| self.rest.size_hint(), |_| SizeHint::default())
    }
}
