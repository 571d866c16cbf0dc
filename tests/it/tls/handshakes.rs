//! How connections begin: versions, protocols, and those that do not get so far.

use std::sync::Arc;

use rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::harness::PATIENCE;

/// The beginning of a handshake by TLS 1.1, which offers nothing that is newer.
fn tls_1_1() -> Vec<u8> {
    let chance_and_no_session = [0; 33];
    // ECDHE-ECDSA-AES128-SHA, no compression; X25519, and ECDSA on P-256 with SHA-256.
    let suites = [0, 2, 0xc0, 0x09, 1, 0];
    let extensions = [0, 16, 0, 10, 0, 4, 0, 2, 0, 0x1d, 0, 13, 0, 4, 0, 2, 4, 3];
    let hello = [&[3, 2][..], &chance_and_no_session, &suites, &extensions].concat();
    let length = u8::try_from(hello.len()).unwrap();
    [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat()
}

/// A handshake that offers these versions and protocols.
async fn shakes(
    server: &Encrypted,
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_protocol_versions(versions).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_older_ones_are_not() {
    let ours = Authority::new("ours");
    let server = Encrypted::start(&ours, |_, _| {}).await;
    for (version, spoken) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let stream = shakes(&server, &ours, &[version], &["h2"]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(spoken));
    }
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    stream.write_all(&tls_1_1()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // A fatal alert (21, of two bytes) that says protocol_version (70), and nothing more.
    assert_eq!((answer[0], &answer[3..]), (21, &[0, 2, 2, 70][..]), "{answer:?}");
}

#[tokio::test]
async fn where_1_3_is_wanted_1_2_is_refused() {
    let ours = Authority::new("ours");
    let server = Encrypted::start(&ours, |config, _| config.server.tls.min_version = TlsVersion::Tls13).await;
    let refused = shakes(&server, &ours, &[&TLS12], &["h2"]).await.unwrap_err().to_string();
    assert!(refused.contains("ProtocolVersion"), "{refused}");
    shakes(&server, &ours, &[&TLS13, &TLS12], &["h2"]).await.unwrap();
}

#[tokio::test]
async fn http_2_is_agreed_on_where_it_is_offered_and_http_1_only_to_be_told_that_it_is_wrong() {
    let ours = Authority::new("ours");
    let server = Encrypted::start(&ours, |_, _| {}).await;
    for (offered, agreed) in [(&["http/1.1", "h2"][..], Some("h2")), (&["http/1.1"], Some("http/1.1")), (&[], None)] {
        let stream = shakes(&server, &ours, &[&TLS13], offered).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes), "{offered:?}");
    }
    let refused = shakes(&server, &ours, &[&TLS13], &["spdy/1"]).await.unwrap_err().to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    let mut stream = shakes(&server, &ours, &[&TLS13], &["http/1.1"]).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Whether the end is told by TLS too is not what this is about.
    _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 ") && !answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn who_begins_no_handshake_or_half_of_one_is_hung_up_on_and_holds_nobody() {
    let ours = Authority::new("ours");
    let moment = Duration::from_millis(200);
    let server = Encrypted::start(&ours, |config, _| config.server.connections.handshake_timeout = moment).await;
    let (hello, mut held) = (tls_1_1(), Vec::new());
    for beginning in [&b""[..], &hello[..1], &hello[..5], &hello[..30]] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        held.push((beginning, stream));
    }
    who(server.channel(&ours, None).await.unwrap()).await.unwrap();
    for (beginning, mut stream) in held {
        let mut said = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
        assert!(ended.is_ok() && said.is_empty(), "{beginning:?}: {said:?}");
    }
    // Encrypted, and then silent: as without encryption.
    let mut silent = shakes(&server, &ours, &[&TLS13], &["h2"]).await.unwrap();
    let mut said = Vec::new();
    tokio::time::timeout(PATIENCE, silent.read_to_end(&mut said)).await.expect("it is hung up on").ok();
}
