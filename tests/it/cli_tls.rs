//! The client commands over TLS and Unix sockets, with tokens and certificates, and what they say when the two ends do not
//! fit. In front of the server stands a door of the test's own.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixListener},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    authority,
    cli::{Ran, program, run},
    harness::World,
};

/// An authority with files of its own.
struct Authority {
    signs: authority::Authority,
    folder: PathBuf,
    name: &'static str,
}

impl Authority {
    fn new(folder: &Path, name: &'static str) -> Self {
        let signs = authority::Authority::new(name);
        std::fs::write(folder.join(format!("{name}.pem")), signs.pem()).unwrap();
        Self { signs, folder: folder.to_owned(), name }
    }

    fn file(&self) -> String {
        self.folder.join(format!("{}.pem", self.name)).display().to_string()
    }

    /// The files of a certificate and its key.
    fn signed(&self, name: &str) -> (String, String) {
        let (certificate, key) = self.signs.signs_for(name);
        let file = |end: &str| self.folder.join(format!("{}-{name}.{end}", self.name));
        std::fs::write(file("crt"), certificate).unwrap();
        std::fs::write(file("key"), key).unwrap();
        (file("crt").display().to_string(), file("key").display().to_string())
    }
}

/// Beside the test, which it ends with.
#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
fn beside(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

fn acceptor(signed: &(String, String), clients: Option<&Authority>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(authority.file()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let chain = vec![CertificateDer::from_pem_file(&signed.0).unwrap()];
    let mut config = builder.with_single_cert(chain, PrivateKeyDer::from_pem_file(&signed.1).unwrap()).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn lead_on(mut from: impl AsyncRead + AsyncWrite + Unpin, to: &str) {
    let mut to = TcpStream::connect(to.trim_start_matches("http://")).await.unwrap();
    _ = copy_bidirectional(&mut from, &mut to).await;
}

/// TLS in front of a server; the port that it listens on.
async fn door(world: &World, acceptor: TlsAcceptor) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = world.url().to_owned();
    beside(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, server) = (acceptor.clone(), server.clone());
            beside(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    lead_on(stream, &server).await;
                }
            });
        }
    });
    port
}

async fn get(world: &World, words: &[&str]) -> Ran {
    run(world, &[&["server", "get"], words].concat()).await
}

#[tokio::test]
async fn a_server_is_believed_by_its_authority_and_its_name_and_told_why_not() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::new(folder.path(), "ours"), Authority::new(folder.path(), "other"));
    let port = door(&world, acceptor(&ours.signed("localhost"), None)).await;
    let (https, bare) = (format!("https://localhost:{port}"), format!("localhost:{port}"));
    let by_address = format!("https://127.0.0.1:{port}");
    let (ca, wrong) = (ours.file(), other.file());
    let good = get(&world, &["--server", &https, "--ca-file", &ca]).await;
    assert_eq!(good.code, 0, "{good:?}");
    let meant = get(&world, &["--server", &bare, "--ca-file", &ca]).await;
    assert_eq!(meant.code, 0, "{meant:?}");
    let named = get(&world, &["--server", &by_address, "--ca-file", &ca, "--server-name", "localhost"]).await;
    assert_eq!(named.code, 0, "{named:?}");
    let plain = format!("http://127.0.0.1:{port}");
    let no_tls = world.url().replace("http://", "https://");
    for (words, code, told) in [
        (vec!["--server", &https, "--ca-file", &wrong], 4, "other.pem has signed its certificate"),
        (vec!["--server", &by_address, "--ca-file", &ca], 4, "not for \"127.0.0.1\""),
        (vec!["--server", &plain], 4, "it speaks TLS: write https://127.0.0.1"),
        (vec!["--server", &no_tls, "--ca-file", &ca], 4, "it speaks no TLS"),
        (vec!["--server", &https, "--ca-file", "/nowhere.pem"], 2, "--ca-file /nowhere.pem cannot be read"),
        (vec!["--server", world.url(), "--ca-file", &ca], 2, "--ca-file is for TLS"),
    ] {
        let ran = get(&world, &words).await;
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        assert!(ran.err.contains(told) && !ran.err.contains("trying again"), "{words:?}: {ran:?}");
    }
}

#[tokio::test]
async fn a_client_shows_its_certificate_and_is_told_when_it_has_none() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::new(folder.path(), "ours"), Authority::new(folder.path(), "other"));
    let port = door(&world, acceptor(&ours.signed("localhost"), Some(&ours))).await;
    let server = format!("https://localhost:{port}");
    let (good, foreign) = (ours.signed("ada"), other.signed("eve"));
    let ca = ours.file();
    let to = ["--server", server.as_str(), "--ca-file", &ca];
    let shown = get(&world, &[&to[..], &["--certificate-file", &good.0, "--key-file", &good.1]].concat()).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    for (words, code, told) in [
        (vec![], 4, "it wants a certificate of whoever calls: --certificate-file"),
        (vec!["--certificate-file", &foreign.0, "--key-file", &foreign.1], 4, "it does not take the certificate"),
        (vec!["--certificate-file", &good.0, "--key-file", &foreign.1], 2, "is not the key of --certificate-file"),
        (vec!["--certificate-file", &good.0, "--key-file", &ca], 2, "has no private key in PEM"),
        (vec!["--certificate-file", &good.0], 2, "--key-file"),
    ] {
        let ran = get(&world, &[&to[..], &words].concat()).await;
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        assert!(ran.err.contains(told) && !ran.err.contains("PRIVATE"), "{words:?}: {ran:?}");
    }
}

#[tokio::test]
async fn a_server_behind_a_socket_is_called_by_both_spellings() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = world.url().to_owned();
    beside(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let server = server.clone();
            beside(async move { lead_on(stream, &server).await });
        }
    });
    for server in [format!("unix:{}", path.display()), format!("unix://{}", path.display())] {
        let ran = get(&world, &["--server", &server]).await;
        assert_eq!(ran.code, 0, "{server}: {ran:?}");
    }
    let ran = get(&world, &["--server", "unix:/nowhere.sock"]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
}

/// A server that takes one token alone, and every token that it was shown.
async fn guard(takes: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shown = seen.clone();
    beside(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let shown = shown.clone();
            beside(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let token = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
                    let taken = token.as_deref() == Some(takes);
                    shown.lock().unwrap().push(token.unwrap_or_default());
                    let answer = http::Response::builder().header("content-type", "application/grpc");
                    if taken {
                        let mut body = respond.send_response(answer.body(()).unwrap(), false).unwrap();
                        body.send_data(bytes::Bytes::from_static(&[0; 5]), false).unwrap();
                        body.send_trailers([("grpc-status", "0")].map(pair).into_iter().collect()).unwrap();
                    } else {
                        let answer = answer.header("grpc-status", "16").header("grpc-message", "who are you?");
                        respond.send_response(answer.body(()).unwrap(), true).unwrap();
                    }
                }
            });
        }
    });
    (server, seen)
}

fn pair((name, value): (&'static str, &'static str)) -> (http::HeaderName, http::HeaderValue) {
    (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
}

async fn guarded(server: &str, words: &[&str], token: Option<&str>) -> Ran {
    let mut command = program(server, &[&["server", "get"], words].concat());
    match token {
        Some(token) => command.env("STRONGROOM_TOKEN", token),
        None => command.env_remove("STRONGROOM_TOKEN"),
    };
    tokio::task::spawn_blocking(move || Ran::of(command.output().unwrap())).await.unwrap()
}

#[tokio::test]
async fn a_token_command_is_run_once_more_when_its_token_is_not_taken() {
    let (server, seen) = guard("Bearer t2").await;
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count").display().to_string();
    let line = format!("echo x >> {count}; echo \"t$(wc -l < {count} | tr -d ' ')\"");
    let ran = guarded(&server, &["--token-command", &line], Some("other")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(*seen.lock().unwrap(), ["Bearer t1", "Bearer t2"]);
    // The next token is not taken either, and there the command ends.
    let ran = guarded(&server, &["--token-command", &line], None).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("who are you?") && ran.err.contains("which was run again"), "{ran:?}");
    assert_eq!(seen.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn who_is_not_known_is_told_what_to_do() {
    let (server, seen) = guard("Bearer t").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token").display().to_string();
    std::fs::write(&file, "old\n").unwrap();
    for (words, variable, told) in [
        (vec![], None, "--token-command, --token-file or STRONGROOM_TOKEN"),
        (vec![], Some("old"), "token of STRONGROOM_TOKEN"),
        (vec!["--token-file", &file], Some("t"), "which has no newer one"),
    ] {
        let ran = guarded(&server, &words, variable).await;
        assert_eq!(ran.code, 1, "{words:?}: {ran:?}");
        assert!(ran.err.contains("UNAUTHENTICATED") && ran.err.contains(told), "{words:?}: {ran:?}");
        assert!(!ran.err.contains("old"), "{words:?}: {ran:?}");
    }
    assert_eq!(*seen.lock().unwrap(), ["", "Bearer old", "Bearer old"]);
    let ran = guarded(&server, &[], Some("t")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for (words, told) in [
        (vec!["--token-command", "echo s3cret; exit 1"], "--token-command failed"),
        (vec!["--token-command", "echo s3cret two"], "holds no token"),
        (vec!["--server", "http://192.0.2.1:1", "--token-command", "echo s3cret"], "could read the token"),
    ] {
        let ran = guarded(&server, &words, None).await;
        assert_eq!(ran.code, 2, "{words:?}: {ran:?}");
        assert!(ran.err.contains(told) && !ran.err.contains("s3cret"), "{words:?}: {ran:?}");
    }
}
