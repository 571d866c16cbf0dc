//! The one message of a request, received whole before anybody is handed it: bounded in bytes as it comes, unpacked and in
//! what it has.

use std::io::{self, Read as _};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use flate2::read::GzDecoder;
use http_body_util::BodyExt as _;
use prost_reflect::MessageDescriptor;
use tonic::codegen::http::{HeaderMap, HeaderValue};

use super::{elements, places::Grant};
use crate::{domain::Invalid, rpc::status::Failure};

/// Whether it is packed, and how long it is: before each message.
pub(super) const PREFIX: usize = 5;

/// What a first frame may have without being counted: the place of the call stands for as much.
const UNCOUNTED: usize = 4096;

/// What bounds a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    pub(super) elements: usize,
}

/// How messages of a request are packed if they say that they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        match headers.get("grpc-encoding").map(HeaderValue::as_bytes) {
            None | Some(b"identity") => Ok(Self::Identity),
            Some(b"gzip") => Ok(Self::Gzip),
            Some(other) => Err(Failure::UnknownEncoding(String::from_utf8_lossy(other).into_owned())),
        }
    }
}

/// The message of a call, in the frame that gRPC gives it, unpacked. What it takes is `held`.
pub(super) async fn receive<B>(
    mut body: B,
    encoding: Encoding,
    input: Option<&MessageDescriptor>,
    bounds: Bounds,
    held: &Grant,
) -> Result<Bytes, Failure>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut came = Came::default();
    while let Some(frame) = body.frame().await {
        // Whoever broke it off hears no answer.
        let frame = frame.map_err(|_| broken("the request broke off"))?;
        // Trailers of a request mean nothing.
        let Ok(data) = frame.into_data() else { continue };
        if came.len() + data.len() > UNCOUNTED {
            held.more(data.len()).map_err(Failure::Overloaded)?;
        }
        came.add(data);
        if let Some(length) = came.expects() {
            bounds.check_bytes(length)?;
            if came.len() > PREFIX + length {
                return Err(broken("the request has more than one message"));
            }
        }
    }
    let framed = came.whole()?;
    let framed = if framed[0] == 0 { framed } else { unpack(&framed, encoding, bounds, held)? };
    if input.is_some_and(|input| elements::more_than(bounds.elements, input, &framed[PREFIX..])) {
        let most = bounds.elements;
        let text = format!(
            "the request has more than {most} fields and elements of lists, which is the most that the server takes \
             (server.max_request_elements)"
        );
        return Err(Failure::TooLarge(text));
    }
    Ok(framed)
}

impl Bounds {
    fn check_bytes(self, length: usize) -> Result<(), Failure> {
        if length <= self.bytes {
            return Ok(());
        }
        let most = self.bytes;
        let text = format!("the request has {length} bytes, and the server takes {most} (server.max_request_bytes)");
        Err(Failure::TooLarge(text))
    }
}

/// What has come of a message. A frame that has all of it, as nearly every one does, is not copied.
#[derive(Debug, Default)]
struct Came {
    first: Bytes,
    all: BytesMut,
}

impl Came {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn add(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.put(std::mem::take(&mut self.first));
        }
        self.all.put(data);
    }

    /// How long the message is going to be, once its prefix has come.
    fn expects(&self) -> Option<usize> {
        let mut prefix = self.bytes().get(1..PREFIX)?;
        usize::try_from(prefix.get_u32()).ok()
    }

    fn bytes(&self) -> &[u8] {
        if self.all.is_empty() { &self.first } else { &self.all }
    }

    fn whole(self) -> Result<Bytes, Failure> {
        match self.expects() {
            None if self.len() == 0 => return Err(broken("the request has no message")),
            Some(length) if self.len() == PREFIX + length => {}
            None | Some(_) => return Err(broken("the message of the request is cut off")),
        }
        Ok(if self.all.is_empty() { self.first } else { self.all.freeze() })
    }
}

/// Unpacked, at most as far as a message may be long: a bomb goes off no further.
fn unpack(framed: &[u8], encoding: Encoding, bounds: Bounds, held: &Grant) -> Result<Bytes, Failure> {
    if framed[0] != 1 || encoding == Encoding::Identity {
        return Err(broken("the message is marked as compressed, and grpc-encoding does not say how"));
    }
    let mut unpacked = vec![0; PREFIX];
    let most = u64::try_from(bounds.bytes).unwrap_or(u64::MAX).saturating_add(1);
    let read: io::Result<usize> = GzDecoder::new(&framed[PREFIX..]).take(most).read_to_end(&mut unpacked);
    let length = read.map_err(|_| broken("the message is not what gzip makes"))?;
    if length > bounds.bytes {
        let most = bounds.bytes;
        return Err(Failure::TooLarge(format!(
            "the request has more than {most} bytes once it is unpacked, which is the most that the server takes \
             (server.max_request_bytes)"
        )));
    }
    held.more(length).map_err(Failure::Overloaded)?;
    let prefix = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    unpacked[1..PREFIX].copy_from_slice(&prefix);
    Ok(unpacked.into())
}

fn broken(what: &'static str) -> Failure {
    Failure::Invalid(Invalid::of("", what))
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, io::Write as _};

    use flate2::{Compression, write::GzEncoder};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::rpc::doorway::places::{Bound, Caller, Percent};

    const BOUNDS: Bounds = Bounds { bytes: 10_000, elements: 100 };

    fn framed(packed: bool, message: &[u8]) -> Vec<u8> {
        let mut framed = vec![u8::from(packed)];
        framed.put_u32(u32::try_from(message.len()).unwrap());
        framed.extend_from_slice(message);
        framed
    }

    fn zip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    async fn received(pieces: Vec<Vec<u8>>, encoding: Encoding, room: usize) -> Result<Bytes, Failure> {
        let everything = Percent { connection: 100, address: 100, principal: 100 };
        let bound = Bound::new("bytes held", "server.max_buffered_bytes", room, everything);
        let held = bound.take(&Caller { connection: 1, address: None, principal: None }, 0).unwrap();
        let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from(piece))));
        receive(StreamBody::new(futures_util::stream::iter(frames)), encoding, None, BOUNDS, &held).await
    }

    #[tokio::test]
    async fn what_is_no_message_is_told_as_a_fault() {
        let (message, mut cut, mut twice) = (framed(false, b"abc"), framed(false, b"abc"), framed(false, b"abc"));
        cut.pop();
        twice.extend(message);
        for (came, why) in [
            (vec![], "has no message"),
            (vec![0, 0], "is cut off"),
            (cut, "is cut off"),
            (twice, "more than one"),
            (framed(true, b"abc"), "does not say how"),
        ] {
            let fault = received(vec![came], Encoding::Identity, 10_000).await.unwrap_err();
            assert!(matches!(&fault, Failure::Invalid(it) if it.violations[0].description.contains(why)), "{fault:?}");
        }
        let fault = received(vec![framed(true, b"abc")], Encoding::Gzip, 10_000).await.unwrap_err();
        assert!(matches!(fault, Failure::Invalid(_)), "{fault:?}");
    }

    #[tokio::test]
    async fn one_that_says_that_it_is_too_long_is_not_waited_for() {
        let mut long = framed(false, b"");
        long[1..5].copy_from_slice(&10_001_u32.to_be_bytes());
        let fault = received(vec![long], Encoding::Identity, 10_000).await.unwrap_err();
        assert!(matches!(fault, Failure::TooLarge(_)), "{fault:?}");
    }

    #[tokio::test]
    async fn a_bomb_is_unpacked_no_further_than_a_message_may_be_long() {
        let fits = zip(&[0; 10_000]);
        let whole = received(vec![framed(true, &fits)], Encoding::Gzip, 10_000).await.unwrap();
        assert_eq!(whole, framed(false, &[0; 10_000]));
        let bomb = zip(&vec![0; 9_000_000]);
        assert!(bomb.len() < 10_000, "{}", bomb.len());
        let fault = received(vec![framed(true, &bomb)], Encoding::Gzip, 10_000).await.unwrap_err();
        assert!(matches!(fault, Failure::TooLarge(_)), "{fault:?}");
    }

    #[tokio::test]
    async fn what_finds_no_room_is_refused() {
        let pieces = framed(false, &[7; 9000]).chunks(3000).map(<[u8]>::to_vec).collect();
        let fault = received(pieces, Encoding::Identity, 5000).await.unwrap_err();
        assert!(matches!(fault, Failure::Overloaded(_)), "{fault:?}");
    }

    proptest! {
        /// However a message is cut into frames, what comes out is the message.
        #[test]
        fn pieces_make_the_message(message in vec(any::<u8>(), 0..3000), size in 1_usize..700, packed in any::<bool>()) {
            let sent = if packed { framed(true, &zip(&message)) } else { framed(false, &message) };
            let pieces = sent.chunks(size).map(<[u8]>::to_vec).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let whole = runtime.block_on(received(pieces, Encoding::Gzip, 100_000)).unwrap();
            prop_assert_eq!(whole, framed(false, &message));
        }
    }
}
