//! HTTP/2 frame by frame, for clients that no library would let misbehave so.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::PATIENCE;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;

pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

pub(super) const REFUSED_STREAM: u32 = 7;
pub(super) const CANCEL: u32 = 8;
pub(super) const ENHANCE_YOUR_CALM: u32 = 11;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The error code of RST_STREAM and GOAWAY.
    pub(super) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }

    /// The value of a setting, where SETTINGS name it.
    pub(super) fn setting(&self, id: u16) -> Option<u32> {
        let mut entries = self.payload.chunks(6).filter(|entry| entry[..2] == id.to_be_bytes());
        entries.next().map(|entry| u32::from_be_bytes(entry[2..].try_into().unwrap()))
    }
}

/// One connection of a client that keeps to the letter of HTTP/2 as far as a test wants.
pub(super) struct Raw(pub(super) TcpStream);

impl Raw {
    /// Connects, and says nothing.
    pub(super) async fn connect(url: &str) -> Self {
        Self(TcpStream::connect(url.trim_start_matches("http://")).await.unwrap())
    }

    /// Connects, and opens HTTP/2 with these settings.
    pub(super) async fn open(url: &str, settings: &[(u16, u32)]) -> Self {
        let mut raw = Self::connect(url).await;
        raw.send(PREFACE).await;
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()[..]].concat())
            .collect();
        raw.frame(SETTINGS, 0, 0, &payload).await;
        raw
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub(super) async fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.send(&frame(kind, flags, stream, payload)).await;
    }

    /// A whole request with a message.
    pub(super) async fn request(&mut self, stream: u32, path: &str, message: &[u8]) {
        self.frame(HEADERS, END_HEADERS, stream, &headers(path)).await;
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        self.frame(DATA, END_STREAM, stream, &[&[0], &length[..], message].concat()).await;
    }

    /// The next frame, or `None` when the server has closed the connection.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let read = async {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            self.0.read_exact(&mut payload).await.ok()?;
            let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
            Some(Frame { kind: head[3], flags: head[4], stream, payload })
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the server says something or hangs up")
    }

    /// The next frame of a kind; what comes before it is passed over, and pings are answered.
    pub(super) async fn next_of(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("closed before a frame {kind} came"));
            if frame.kind == kind {
                return frame;
            }
            if frame.kind == PING && frame.flags & ACK == 0 {
                self.frame(PING, ACK, 0, &frame.payload).await;
            }
        }
    }

    /// All frames until the server closes.
    pub(super) async fn until_closed(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }

    /// All bytes until the server closes, as text.
    pub(super) async fn text(&mut self) -> String {
        let mut heard = Vec::new();
        // What came before a reset counts too.
        let read = async { while self.0.read_buf(&mut heard).await.is_ok_and(|read| read > 0) {} };
        tokio::time::timeout(PATIENCE.max(Duration::from_secs(1)), read).await.expect("the server hangs up");
        String::from_utf8_lossy(&heard).into_owned()
    }
}

/// The bytes of a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

/// The header block of a call, each header as a literal.
pub(super) fn headers(path: &str) -> Vec<u8> {
    let literal = |name: &str, value: &str| {
        let (name_length, length) = (u8::try_from(name.len()).unwrap(), u8::try_from(value.len()).unwrap());
        assert!(name_length < 127 && length < 127, "longer ones are written otherwise");
        [&[0, name_length], name.as_bytes(), &[length], value.as_bytes()].concat()
    };
    let of = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "server"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    of.iter().flat_map(|(name, value)| literal(name, value)).collect()
}
