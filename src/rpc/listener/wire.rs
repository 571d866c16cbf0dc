//! What is between a socket and hyper: who speaks TLS to a port without, and how much was heard.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
};

use super::connection::Connection;

/// The first byte of a TLS handshake; no HTTP begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// Whether the first byte is that of a TLS handshake. Waits for it, and leaves it where it is.
pub(super) async fn begins_with_tls(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let heard = stream.peek(&mut first).await?;
    Ok(heard == 1 && first[0] == TLS_HANDSHAKE)
}

/// What is told in plain text to whoever speaks it to a port with TLS.
pub(super) const TLS_HERE: &str = "This port speaks gRPC over TLS: write https:// where the client takes an address, or call \
                                   it without -plaintext.\n";

/// Refuses in plain text what is no connection of this port: a TLS handshake here, plain text there. To a handshake an alert
/// would be closer to the letter, but clients tell it as a fault of versions or ciphers; at plain text they say that this is
/// not TLS, which is what is wrong.
pub(super) async fn refuse(mut stream: TcpStream, text: &str) -> io::Result<()> {
    // Closing with something unread would reset the connection, and the answer with it.
    let mut hello = [0; 4096];
    let _ = stream.read(&mut hello).await?;
    let length = text.len();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

/// A stream whose connection is told how much came in.
#[derive(Debug)]
pub(super) struct Heard<T> {
    pub(super) stream: T,
    pub(super) connection: Arc<Connection>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Heard<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.connection.hear(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Heard<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
