//! The body of an answer: whole, or broken off in the middle.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::{Bytes, Frame, SizeHint};

/// One chunk of known length, which may end too early.
#[derive(Debug)]
pub(crate) struct Body {
    chunk: Option<Bytes>,
    /// What `Content-Length` says.
    promised: u64,
    breaks: bool,
    flushed: bool,
}

impl Body {
    pub(crate) fn whole(text: impl Into<Bytes>) -> Self {
        let chunk = text.into();
        Self {
            promised: chunk.len() as u64,
            chunk: Some(chunk).filter(|chunk| !chunk.is_empty()),
            breaks: false,
            flushed: false,
        }
    }

    /// Promises all of it, gives the first half and breaks the connection. An empty body breaks at once, after the
    /// promise of one byte.
    pub(crate) fn truncated(text: impl Into<Bytes>) -> Self {
        let all: Bytes = text.into();
        let half = all.slice(..all.len() / 2);
        Self {
            promised: all.len().max(1) as u64,
            chunk: Some(half).filter(|half| !half.is_empty()),
            breaks: true,
            flushed: false,
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(match self.chunk.take() {
            Some(chunk) => Some(Ok(Frame::data(chunk))),
            // An error drops what hyper has not sent yet; while it waits it sends head and first half.
            None if self.breaks && !self.flushed => {
                self.flushed = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None if self.breaks => Some(Err(io::Error::other("cut short by a sandbox fault"))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.chunk.is_none() && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
