//! A client that may misbehave: HTTP/2 frames by hand.

use std::{net::Ipv4Addr, time::Duration};

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};
use h2::{
    SendStream,
    client::{ResponseFuture, SendRequest},
};
use http::{HeaderMap, Method, Request};
use tokio::net::{TcpSocket, TcpStream};
use tonic::Status;

use crate::harness::{PATIENCE, World};

/// A connection.
pub(crate) struct Raw(SendRequest<Bytes>);

impl Raw {
    pub(crate) async fn connect(world: &World) -> Self {
        Self::connect_from(world, [127, 0, 0, 1]).await
    }

    /// From one of the addresses that the machine itself has.
    pub(crate) async fn connect_from(world: &World, address: [u8; 4]) -> Self {
        Self::to(world.url(), address).await
    }

    /// To whatever listens there.
    pub(crate) async fn to(url: &str, address: [u8; 4]) -> Self {
        let server = url.strip_prefix("http://").unwrap().parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::from(address), 0).into()).unwrap();
        let stream: TcpStream = socket.connect(server).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "it ends with the connection")]
        tokio::spawn(async move {
            // How it ended is seen by whoever waits for an answer.
            let _ = connection.await;
        });
        Self(send)
    }

    /// A whole call.
    pub(crate) async fn call(&mut self, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        self.open(path, headers).await.finish(body).await.answer().await
    }

    /// The headers of a call; each that is given replaces the usual one.
    pub(crate) async fn open(&mut self, path: &str, headers: &[(&str, &str)]) -> Half {
        let usual = [("content-type", "application/grpc"), ("te", "trailers")];
        let mut request = Request::builder().method(Method::POST).uri(format!("http://strongroom{path}"));
        for (name, value) in usual.iter().filter(|(name, _)| !headers.iter().any(|(given, _)| given == name)) {
            request = request.header(*name, *value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(()).unwrap(), false).await
    }

    /// What a browser would do.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::builder().uri(format!("http://strongroom{path}")).body(()).unwrap();
        self.send(request, true).await.answer().await
    }

    async fn send(&mut self, request: Request<()>, whole: bool) -> Half {
        let mut ready = self.0.clone().ready().await.unwrap();
        let (answer, body) = ready.send_request(request, whole).unwrap();
        Half { answer, body }
    }
}

/// A call of which not everything was sent.
pub(crate) struct Half {
    answer: ResponseFuture,
    body: SendStream<Bytes>,
}

impl Half {
    /// Some of the body.
    pub(crate) async fn send(mut self, data: Bytes) -> Self {
        // Refused early: the answer tells.
        let _ = self.body.send_data(data, false);
        self
    }

    /// The rest of it.
    pub(crate) async fn finish(mut self, data: Bytes) -> Self {
        let _ = self.body.send_data(data, true);
        self
    }

    pub(crate) async fn answer(self) -> Answer {
        self.answer_or_nothing(PATIENCE).await.expect("no answer came")
    }

    pub(crate) async fn answer_or_nothing(self, patience: Duration) -> Option<Answer> {
        let Self { answer, body: _open } = self;
        let answer = async {
            let (parts, mut body) = answer.await.unwrap().into_parts();
            let mut data = BytesMut::new();
            while let Some(piece) = body.data().await {
                // Cut off after an early answer: what was said counts.
                let Ok(piece) = piece else { break };
                let _ = body.flow_control().release_capacity(piece.len());
                data.put(piece);
            }
            let trailers = body.trailers().await.ok().flatten();
            Answer { http: parts.status.as_u16(), headers: parts.headers, data: data.freeze(), trailers }
        };
        tokio::time::timeout(patience, answer).await.ok()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    http: u16,
    headers: HeaderMap,
    data: Bytes,
    trailers: Option<HeaderMap>,
}

impl Answer {
    pub(crate) fn http(&self) -> u16 {
        self.http
    }

    /// Of gRPC, with its details.
    pub(crate) fn status(&self) -> Status {
        let said = self.trailers.as_ref().unwrap_or(&self.headers);
        Status::from_header_map(said).unwrap_or_else(|| panic!("no grpc-status in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

/// A message in gRPC's frame.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    frame(0, message)
}

/// The same, packed.
pub(crate) fn packed(message: &[u8]) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut gzip, message).unwrap();
    frame(1, &gzip.finish().unwrap())
}

fn frame(flag: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(flag);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put(message);
    framed.freeze()
}
