//! TLS: by which certificate clients know the server, and by whose the server knows clients. What stands in the files is
//! looked at again and again, and taken for the connections that come after; those that are open go on.

use std::{fs, io, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::config::{ClientCertificate, TlsConfig, TlsVersion};

/// What the port is encrypted with cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{key}: {path} cannot be read")]
    File {
        /// The key of the configuration that names it.
        key: &'static str,
        /// Where.
        path: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{key}: {path} holds no {what} in PEM")]
    Content {
        /// The key of the configuration that names it.
        key: &'static str,
        /// Where.
        path: String,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificate and key do not belong together, or one of them is of a kind that is not known.
    #[error("the certificate and the key of server.tls cannot be used")]
    Certificate(#[from] rustls::Error),
    /// What the certificates of clients are to be signed by is no authority.
    #[error("server.tls.client_ca_file cannot be used")]
    ClientCa(#[from] rustls::server::VerifierBuilderError),
}

/// The present certificate, for the handshakes that come.
#[derive(Debug)]
pub struct Tls {
    config: TlsConfig,
    present: ArcSwap<Taken>,
}

/// What was read in one look at the files.
#[derive(Debug)]
struct Taken {
    server: Arc<ServerConfig>,
    /// Of all files together, so that a change is seen wherever it is.
    content: [u8; 32],
}

/// The files, as they stand.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Tls {
    /// Nothing where the configuration has no certificate.
    pub(crate) fn open(config: &TlsConfig) -> Result<Option<Arc<Self>>, TlsError> {
        let Some(files) = Files::read(config)? else { return Ok(None) };
        let taken = files.take(config)?;
        tracing::info!(certificate = fingerprint(&files.certificate), "the gRPC port is encrypted");
        Ok(Some(Arc::new(Self { config: config.clone(), present: ArcSwap::from_pointee(taken) })))
    }

    /// The handshake with a client, by what is in the files now.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let server = Arc::clone(&self.present.load().server);
        TlsAcceptor::from(server).accept(stream).await
    }

    /// Looks at the files for as long as it is polled.
    pub(in crate::rpc) async fn keep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.config.reload_interval).await;
            let this = Arc::clone(&self);
            // A file on a network can take its time.
            if tokio::task::spawn_blocking(move || this.look()).await.is_err() {
                return;
            }
        }
    }

    /// Takes what is new. What cannot be used leaves what there is: half of it may be written only.
    fn look(&self) {
        let new = Files::read(&self.config).and_then(|files| match files {
            Some(files) if files.content() != self.present.load().content => {
                let taken = files.take(&self.config)?;
                Ok(Some((fingerprint(&files.certificate), taken)))
            }
            Some(_) | None => Ok(None),
        });
        match new {
            Ok(None) => {}
            Ok(Some((certificate, taken))) => {
                self.present.store(Arc::new(taken));
                super::metrics::certificates_read(true);
                tracing::info!(certificate, "took new certificates for the gRPC port");
            }
            Err(error) => {
                super::metrics::certificates_read(false);
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(error, "the files of server.tls cannot be used: the present certificate stays");
            }
        }
    }
}

impl Files {
    fn read(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        let (Some(certificate), Some(key)) = (&config.certificate_file, &config.key_file) else { return Ok(None) };
        let client_ca = config.client_ca_file.as_deref();
        Ok(Some(Self {
            certificate: bytes("server.tls.certificate_file", certificate)?,
            key: bytes("server.tls.key_file", key)?,
            client_ca: client_ca.map(|path| bytes("server.tls.client_ca_file", path)).transpose()?,
        }))
    }

    fn content(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for file in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()].into_iter().flatten() {
            hash.update((file.len() as u64).to_be_bytes());
            hash.update(file);
        }
        hash.finalize().into()
    }

    fn take(&self, config: &TlsConfig) -> Result<Taken, TlsError> {
        let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
        let versions: &[_] = match config.min_version {
            TlsVersion::Tls12 => &[&TLS13, &TLS12],
            TlsVersion::Tls13 => &[&TLS13],
        };
        let chain = certificates("server.tls.certificate_file", config.certificate_file.as_deref(), &self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| holds_no("server.tls.key_file", config.key_file.as_deref(), "private key"))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(text) => {
                let mut roots = RootCertStore::empty();
                for root in certificates("server.tls.client_ca_file", config.client_ca_file.as_deref(), text)? {
                    roots.add(root)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = match config.client_certificate {
                    ClientCertificate::Required => verifier,
                    ClientCertificate::Optional => verifier.allow_unauthenticated(),
                };
                builder.with_client_cert_verifier(verifier.build()?)
            }
        };
        let mut server = builder.with_single_cert(chain, key)?;
        // HTTP/1.1 only to be told that it is the wrong one.
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Taken { server: Arc::new(server), content: self.content() })
    }
}

/// More than any chain of certificates has; a path to something else is noticed before memory is.
const MOST_BYTES: u64 = 1 << 20;

fn bytes(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let read = || {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, MOST_BYTES), &mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|source| TlsError::File { key, path: path.display().to_string(), source })
}

fn certificates(key: &'static str, path: Option<&Path>, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    read.ok().filter(|read| !read.is_empty()).ok_or_else(|| holds_no(key, path, "certificate"))
}

fn holds_no(key: &'static str, path: Option<&Path>, what: &'static str) -> TlsError {
    TlsError::Content { key, path: path.map(|path| path.display().to_string()).unwrap_or_default(), what }
}

/// By what people compare certificates: SHA-256 of the first.
fn fingerprint(pem: &[u8]) -> String {
    let first = CertificateDer::from_pem_slice(pem);
    let digest = first.map(|first| Sha256::digest(&first));
    digest.map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect()).unwrap_or_default()
}
