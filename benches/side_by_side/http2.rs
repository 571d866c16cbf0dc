//! HTTP/2 frames written by hand: a client that keeps to no rule but that of the frame.

use anyhow::{Result, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection over which anything may be sent.
#[derive(Debug)]
pub(crate) struct Rude(TcpStream);

/// Flags of a frame.
pub(crate) const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const ACK: u8 = 0x1;

impl Rude {
    /// The preface, and settings as pairs of identifier and value.
    pub(crate) async fn connect(address: &str, settings: &[(u16, u32)]) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut rude = Self(stream);
        rude.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
        let mut payload = Vec::new();
        for (identifier, value) in settings {
            payload.extend(identifier.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        rude.0.write_all(&frame(0x4, 0, 0, &payload)).await?;
        Ok(rude)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.0.write_all(bytes).await?)
    }

    /// Reads whatever has come, answering settings and pings as HTTP/2 wants it, until nothing has come for a while or
    /// the server has closed. Says whether it has.
    pub(crate) async fn drain(&mut self, quiet: std::time::Duration) -> Result<bool> {
        loop {
            let mut head = [0; 9];
            match tokio::time::timeout(quiet, self.0.read_exact(&mut head)).await {
                Err(_) => return Ok(false),
                Ok(Err(_)) => return Ok(true),
                Ok(Ok(_)) => {}
            }
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            if length > 1 << 20 {
                bail!("a frame of {length} bytes");
            }
            let mut payload = vec![0; length];
            if self.0.read_exact(&mut payload).await.is_err() {
                return Ok(true);
            }
            let answer = match (head[3], head[4] & ACK) {
                (0x4, 0) => frame(0x4, ACK, 0, &[]),
                (0x6, 0) => frame(0x6, ACK, 0, &payload),
                _ => continue,
            };
            if self.0.write_all(&answer).await.is_err() {
                return Ok(true);
            }
        }
    }
}

/// A frame of a type, with its flags, for a stream.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The headers of a call, which leave its stream open.
pub(crate) fn call(stream: u32, path: &str) -> Vec<u8> {
    // POST and http out of HPACK's static table, the rest literally and without being remembered.
    let mut block = vec![0x83, 0x86];
    let mut literal = |name: &[u8], value: &str| {
        block.extend(name);
        block.push(u8::try_from(value.len()).unwrap_or(0x7f));
        block.extend(value.as_bytes());
    };
    literal(&[0x04], path);
    literal(&[0x01], "localhost");
    literal(&[0x0f, 0x10], "application/grpc");
    literal(&[0x00, 2, b't', b'e'], "trailers");
    frame(0x1, END_HEADERS, stream, &block)
}
