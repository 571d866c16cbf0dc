//! TLS and certificates of clients, over the wire.

mod callers;
mod files;
mod handshakes;

use std::{fs, path::PathBuf, time::Duration};

use rcgen::{ExtendedKeyUsagePurpose, SanType, date_time_ymd};
use strongroom::{
    app::{self, Neighbour},
    config::{ClientCertificate, Clock, Config, TlsVersion},
    lifecycle::Lifecycle,
    proto::{Authentication, Principal, WhoAmIRequest, access_service_client::AccessServiceClient},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{
    Code,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

use crate::{authority::Authority, harness::reason};

/// A client that is known by this id.
fn client(authority: &Authority, id: &str) -> (String, String) {
    authority.signs(|it| {
        it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        it.subject_alt_names = vec![SanType::URI(id.try_into().unwrap())];
    })
}

/// A server with TLS, and its files.
struct Encrypted {
    folder: tempfile::TempDir,
    port: u16,
    life: Lifecycle,
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        self.life.stop();
        self.life.hard().cancel();
    }
}

impl Encrypted {
    /// One that knows clients by certificates of the same authority.
    async fn start_knowing(authority: &Authority, change: impl FnOnce(&mut Config)) -> Self {
        Self::start(authority, |config, at| {
            fs::write(at("ca.pem"), authority.pem()).unwrap();
            config.server.tls.client_ca_file = Some(at("ca.pem"));
            change(config);
        })
        .await
    }

    async fn start(authority: &Authority, change: impl FnOnce(&mut Config, &dyn Fn(&str) -> PathBuf)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(&at("server.pem"), &authority.signs_for("localhost"));
        let mut config = Config::default();
        config.server.listen = ([127, 0, 0, 1], 0).into();
        config.sandbox.listen = ([127, 0, 0, 1], 0).into();
        config.admin.listen = None;
        config.sandbox.clock = Clock::Manual;
        config.server.tls.certificate_file = Some(at("server.pem"));
        config.server.tls.key_file = Some(at("server.pem.key"));
        config.server.tls.reload_interval = Duration::from_millis(20);
        change(&mut config, &at);
        let life = Lifecycle::new();
        let running = app::start(&config, Neighbour::Sandbox, &life).await.unwrap();
        let port = running.grpc.port();
        Self { folder, port, life }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn channel(&self, authority: &Authority, client: Option<&(String, String)>) -> Result<Channel, String> {
        let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()));
        if let Some((certificate, key)) = client {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        let endpoint = Endpoint::from_shared(format!("https://localhost:{}", self.port)).unwrap();
        endpoint.tls_config(tls).unwrap().connect().await.map_err(|error| format!("{error:?}"))
    }
}

/// Certificate and key, the key first: who looks meanwhile finds two that do not fit, and waits.
fn write(at: &std::path::Path, (certificate, key): &(String, String)) {
    fs::write(at.with_extension("pem.key"), key).unwrap();
    fs::write(at, certificate).unwrap();
}

async fn who(channel: Channel) -> Result<Principal, tonic::Status> {
    let answer = AccessServiceClient::new(channel).who_am_i(WhoAmIRequest {}).await?;
    Ok(answer.into_inner().principal.unwrap())
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_is_served_and_one_that_does_not_goes_away() {
    let (ours, foreign) = (Authority::new("ours"), Authority::new("foreign"));
    let server = Encrypted::start(&ours, |_, _| {}).await;
    let principal = who(server.channel(&ours, None).await.unwrap()).await.unwrap();
    assert_eq!(principal.authentication(), Authentication::Anonymous);
    let refused = server.channel(&foreign, None).await.unwrap_err();
    assert!(refused.contains("UnknownIssuer") || refused.contains("BadSignature"), "{refused}");
}

#[tokio::test]
async fn a_client_certificate_says_who_calls_and_without_one_nobody_comes_in() {
    let (ours, foreign) = (Authority::new("ours"), Authority::new("foreign"));
    let server = Encrypted::start_knowing(&ours, |_| {}).await;
    let portal = client(&ours, "spiffe://example/ns/tools/sa/portal");
    let principal = who(server.channel(&ours, Some(&portal)).await.unwrap()).await.unwrap();
    assert_eq!(principal.name, "spiffe://example/ns/tools/sa/portal");
    assert_eq!(principal.authentication(), Authentication::Certificate);
    let expired = ours.signs(|it| {
        it.not_before = date_time_ymd(2020, 1, 1);
        it.not_after = date_time_ymd(2021, 1, 1);
        it.subject_alt_names = vec![SanType::URI("spiffe://example/old".try_into().unwrap())];
    });
    let stranger = client(&foreign, "spiffe://example/ns/tools/sa/portal");
    for client in [None, Some(&stranger), Some(&expired)] {
        // By TLS 1.3 the client learns only from its first call that the server has refused it.
        let served = match server.channel(&ours, client).await {
            Ok(channel) => who(channel).await.is_ok(),
            Err(_) => false,
        };
        assert!(!served, "{client:?}");
    }
}

#[tokio::test]
async fn where_a_certificate_is_optional_who_has_none_is_anonymous_and_who_has_one_is_known() {
    let ours = Authority::new("ours");
    let server = Encrypted::start_knowing(&ours, |config| {
        config.server.tls.client_certificate = ClientCertificate::Optional;
    })
    .await;
    let principal = who(server.channel(&ours, None).await.unwrap()).await.unwrap();
    assert_eq!(principal.name, "anonymous");
    let portal = client(&ours, "spiffe://example/portal");
    let principal = who(server.channel(&ours, Some(&portal)).await.unwrap()).await.unwrap();
    assert_eq!(principal.name, "spiffe://example/portal");
}

#[tokio::test]
async fn a_certificate_that_ends_while_its_client_is_connected_is_no_longer_taken() {
    let ours = Authority::new("ours");
    let server = Encrypted::start_knowing(&ours, |_| {}).await;
    let ends = seconds_now() + 4;
    let client = ours.signs(|it| {
        it.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(ends);
        it.subject_alt_names = vec![SanType::URI("spiffe://example/short".try_into().unwrap())];
    });
    let channel = server.channel(&ours, Some(&client)).await.unwrap();
    who(channel.clone()).await.unwrap();
    let refused = loop {
        match who(channel.clone()).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(refused) => break refused,
        }
    };
    assert!(seconds_now() >= ends, "not before its time");
    assert_eq!(reason(&refused), (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned()));
}

fn seconds_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn plain_text_is_told_that_the_port_speaks_tls() {
    let ours = Authority::new("ours");
    let server = Encrypted::start(&ours, |_, _| {}).await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("TLS"), "{answer}");
}

#[tokio::test]
async fn certificates_and_authorities_are_exchanged_under_load_and_no_call_is_lost() {
    let old = Authority::new("old");
    let server = Encrypted::start_knowing(&old, |config| {
        config.server.tls.min_version = TlsVersion::Tls13;
    })
    .await;
    let of_old = client(&old, "spiffe://example/old");
    let channel = server.channel(&old, Some(&of_old)).await.unwrap();
    let load = async {
        for _ in 0..200 {
            assert_eq!(who(channel.clone()).await.unwrap().name, "spiffe://example/old");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let exchange = async {
        // Half of a certificate first: what there is stays.
        let new = Authority::new("new");
        let pair = new.signs_for("localhost");
        fs::write(server.file("server.pem"), &pair.0[..pair.0.len() / 2]).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        who(server.channel(&old, Some(&of_old)).await.unwrap()).await.unwrap();
        fs::write(server.file("ca.pem"), new.pem()).unwrap();
        write(&server.file("server.pem"), &pair);
        let of_new = client(&new, "spiffe://example/new");
        let principal = loop {
            if let Ok(channel) = server.channel(&new, Some(&of_new)).await {
                break who(channel).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(principal.name, "spiffe://example/new");
        assert!(server.channel(&old, Some(&of_old)).await.is_err(), "the old certificate is gone");
    };
    tokio::join!(load, exchange);
}

#[tokio::test]
async fn a_key_that_is_not_the_certificates_is_no_start() {
    let (ours, life) = (Authority::new("ours"), Lifecycle::new());
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("b.pem"));
    fs::write(&certificate, ours.signs_for("localhost").0).unwrap();
    let mut config = Config::default();
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.admin.listen = None;
    config.server.tls.certificate_file = Some(certificate);
    config.server.tls.key_file = Some(key.clone());
    let missing = app::start(&config, Neighbour::Sandbox, &life).await.unwrap_err().to_string();
    assert!(missing.starts_with("server.tls.key_file: ") && missing.contains("b.pem"), "{missing}");
    fs::write(&key, "no key").unwrap();
    let empty = app::start(&config, Neighbour::Sandbox, &life).await.unwrap_err().to_string();
    assert!(empty.contains("holds no private key"), "{empty}");
    fs::write(&key, ours.signs_for("localhost").1).unwrap();
    let other = app::start(&config, Neighbour::Sandbox, &life).await.unwrap_err().to_string();
    assert!(other.contains("the certificate and the key of server.tls"), "{other}");
}
