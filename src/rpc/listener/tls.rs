//! TLS: by which certificate clients know the server, and by whose the server knows clients. What stands in the files is
//! looked at again and again, and taken for the connections that come after; those that are open go on.

use std::{
    error::Error,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
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

use crate::{
    aws,
    config::{ClientCertificate, MAX_PEM_BYTES, TlsConfig, TlsVersion, UnreadPem, read_pem},
    rpc::{access::Certificate, fault::Fault},
};

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
    /// A file is something else than certificates or a key.
    #[error("{key}: {path} has {bytes} bytes, and a PEM file may have {MAX_PEM_BYTES}")]
    TooLarge {
        /// The key of the configuration that names it.
        key: &'static str,
        /// Where.
        path: String,
        /// How many.
        bytes: u64,
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
    fault: Mutex<Fault>,
}

/// What was read in one look at the files.
#[derive(Debug)]
struct Taken {
    server: Arc<ServerConfig>,
    /// Of all files together, so that a change is seen wherever it is.
    content: [u8; 32],
    ends: Ends,
}

/// When the certificates end.
#[derive(Debug, Clone, Copy)]
struct Ends {
    /// The first of those that are shown to clients: without it they trust none.
    server: Option<Timestamp>,
    /// The last of those that sign clients' certificates: with it nobody comes in.
    client_ca: Option<Timestamp>,
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
        let certificate = fingerprint(&files.certificate);
        tracing::info!(certificate, until = taken.ends.told(), "the gRPC port is encrypted");
        taken.ends.measure();
        super::metrics::files_usable(true);
        let present = ArcSwap::from_pointee(taken);
        Ok(Some(Arc::new(Self { config: config.clone(), present, fault: Mutex::default() })))
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
            if let Err(error) = tokio::task::spawn_blocking(move || this.look()).await {
                tracing::error!(%error, "a look at the files of server.tls broke off");
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
        let error = match new {
            Ok(None) => None,
            Ok(Some((certificate, taken))) => {
                tracing::info!(certificate, until = taken.ends.told(), "took new certificates for the gRPC port");
                taken.ends.measure();
                self.present.store(Arc::new(taken));
                super::metrics::certificates_read(true);
                None
            }
            Err(error) => Some(error),
        };
        self.tell(error.as_ref());
    }

    /// A fault is told and counted when it comes, and not at each look that finds it still there.
    fn tell(&self, error: Option<&TlsError>) {
        super::metrics::files_usable(error.is_none());
        let error = error.map(|error| error as &(dyn Error + 'static));
        let text = error.map(|error| aws::chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": "));
        if !self.fault.lock().unwrap_or_else(PoisonError::into_inner).is_news(text) {
            return;
        }
        match error {
            None => tracing::info!("the files of server.tls can be used again"),
            Some(error) => {
                super::metrics::certificates_read(false);
                tracing::warn!(error, "the files of server.tls cannot be used: the present certificate stays");
            }
        }
    }
}

impl Ends {
    fn of(chain: &[CertificateDer<'_>], client_ca: &[CertificateDer<'_>]) -> Self {
        let ends = |certificates: &[CertificateDer<'_>]| -> Vec<Timestamp> {
            certificates.iter().filter_map(|certificate| Certificate::ends(certificate)).collect()
        };
        Self { server: ends(chain).into_iter().min(), client_ca: ends(client_ca).into_iter().max() }
    }

    fn told(self) -> String {
        self.server.map(|ends| ends.to_string()).unwrap_or_default()
    }

    fn measure(self) {
        for (whose, ends) in [("server", self.server), ("client_ca", self.client_ca)] {
            if let Some(ends) = ends {
                super::metrics::certificate_ends(whose, ends.as_second());
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
        let client_ca = match &self.client_ca {
            None => Vec::new(),
            Some(text) => certificates("server.tls.client_ca_file", config.client_ca_file.as_deref(), text)?,
        };
        let ends = Ends::of(&chain, &client_ca);
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(_) => {
                let mut roots = RootCertStore::empty();
                for root in client_ca {
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
        Ok(Taken { server: Arc::new(server), content: self.content(), ends })
    }
}

fn bytes(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let shown = || path.display().to_string();
    read_pem(path).map_err(|unread| match unread {
        UnreadPem::File(source) => TlsError::File { key, path: shown(), source },
        UnreadPem::TooLarge(bytes) => TlsError::TooLarge { key, path: shown(), bytes },
    })
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
