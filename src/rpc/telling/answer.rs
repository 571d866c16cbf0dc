//! The body of an answer, up to the trailers that say how its call ended.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::{Code, Status, body::Body};

use super::{End, Record};

/// Dropped before its end, its client has gone.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    record: Record,
}

impl Answer {
    pub(super) fn new(body: Body, record: Record) -> Self {
        Self { body, record }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => match (frame.data_ref(), frame.trailers_ref()) {
                (Some(data), _) => self.record.sent += data.len() as u64,
                (None, Some(trailers)) => self.record.ended_by(trailers),
                (None, None) => {}
            },
            Some(Err(status)) => {
                let (code, said) = (status.code(), Some(status.message()));
                self.record.end(&End { code, reason: None, cause: None, said });
            }
            // Without trailers nobody knows how.
            None => self.record.end(&End { code: Code::Unknown, reason: None, cause: None, said: None }),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
