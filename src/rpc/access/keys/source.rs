//! Where keys come from: a file, or the issuer, asked over HTTP. What an issuer answers leads nowhere that the configuration
//! does not name: no redirect is followed, and its keys are on its own host unless `jwks_uri` says where.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{aws, config::IssuerConfig};

/// Bytes of an answer, and of a file. A set of keys has a few thousand.
const LONGEST: usize = 256 * 1024;

/// For one question and its whole answer.
const PATIENCE: Duration = Duration::from_secs(4);

#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    Asked(Box<Asked>),
}

#[derive(Debug)]
pub(super) struct Asked {
    issuer: String,
    ca_file: Option<PathBuf>,
    configured: Option<Uri>,
    /// Where the issuer said that its keys are.
    told: Mutex<Option<Uri>>,
}

/// What is read of an OpenID configuration.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    pub(super) fn of(config: &IssuerConfig) -> Self {
        match &config.jwks_file {
            Some(file) => Self::File(file.clone()),
            None => Self::Asked(Box::new(Asked {
                issuer: config.issuer.clone(),
                ca_file: config.ca_file.clone(),
                configured: config.jwks_uri.as_ref().and_then(|url| url.as_str().parse().ok()),
                told: Mutex::new(None),
            })),
        }
    }

    /// A set of keys, as text.
    pub(super) async fn read(&self) -> Result<Bytes, String> {
        match self {
            Self::File(path) => of_file(path).await,
            Self::Asked(asked) => asked.read().await,
        }
    }
}

async fn of_file(path: &Path) -> Result<Bytes, String> {
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        use std::io::Read as _;
        let mut text = Vec::new();
        std::fs::File::open(owned)?.take(LONGEST as u64 + 1).read_to_end(&mut text)?;
        Ok::<_, std::io::Error>(text)
    });
    let text = read.await.map_err(|error| error.to_string())?;
    let text = text.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    if text.len() > LONGEST {
        return Err(format!("{} has more than {LONGEST} bytes", path.display()));
    }
    Ok(text.into())
}

impl Asked {
    async fn read(&self) -> Result<Bytes, String> {
        let keys = match self.configured.clone().or_else(|| self.told().clone()) {
            Some(keys) => keys,
            None => {
                let keys = self.discover().await?;
                *self.told() = Some(keys.clone());
                keys
            }
        };
        let read = self.get(&keys).await;
        if read.is_err() {
            // They may have moved.
            *self.told() = None;
        }
        read
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Option<Uri>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the keys are, by OpenID Connect Discovery.
    async fn discover(&self) -> Result<Uri, String> {
        let at = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let at: Uri = at.parse().map_err(|_| "the issuer is no URL".to_owned())?;
        let text = self.get(&at).await?;
        let document: Document =
            serde_json::from_slice(&text).map_err(|error| format!("{at} is no OpenID configuration: {error}"))?;
        // Else one issuer could speak for another.
        if document.issuer != self.issuer {
            return Err(format!("{at} is the configuration of another issuer: {:?}", shortened(&document.issuer)));
        }
        let keys: Uri = document.jwks_uri.parse().map_err(|_| format!("the jwks_uri in {at} is no URL"))?;
        let origin = |uri: &Uri| {
            let usual = if uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
            (uri.scheme().cloned(), uri.host().map(str::to_ascii_lowercase), uri.port_u16().unwrap_or(usual))
        };
        if origin(&keys) != origin(&at) {
            return Err(format!(
                "{at} says that the keys are on another host, {:?}: where that is meant, set jwks_uri",
                shortened(&document.jwks_uri)
            ));
        }
        Ok(keys)
    }

    async fn get(&self, at: &Uri) -> Result<Bytes, String> {
        let asked = async {
            let ca_file = self.ca_file.clone();
            // Reads files, of which a machine may have hundreds.
            let client = tokio::task::spawn_blocking(move || client(ca_file.as_deref())).await;
            let client = client.map_err(|error| error.to_string())??;
            let request = Request::get(at.clone())
                .header(header::ACCEPT, "application/json")
                .header(header::USER_AGENT, concat!("strongroom/", env!("CARGO_PKG_VERSION")))
                .body(Empty::<Bytes>::new());
            let request = request.map_err(|error| error.to_string())?;
            let answer = client.request(request).await.map_err(|error| told(&error))?;
            if answer.status() != StatusCode::OK {
                return Err(format!("HTTP status {}", answer.status().as_u16()));
            }
            let text = Limited::new(answer.into_body(), LONGEST).collect().await;
            Ok(text.map_err(|error| error.to_string())?.to_bytes())
        };
        match timeout(PATIENCE, Box::pin(asked)).await {
            Ok(read) => read.map_err(|error| format!("{at}: {error}")),
            Err(_) => Err(format!("{at}: no whole answer within {} s", PATIENCE.as_secs())),
        }
    }
}

type Https = Client<hyper_rustls::HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// Made for each question, so that certificates which were exchanged hold. It follows nothing and heeds no proxy.
fn client(ca_file: Option<&Path>) -> Result<Https, String> {
    let builder = match ca_file {
        None => HttpsConnectorBuilder::new().with_provider_and_native_roots(default_provider()),
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| format!("{} cannot be read: {error}", path.display());
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            if roots.is_empty() {
                return Err(format!("{} holds no certificate in PEM", path.display()));
            }
            let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
            let config = config.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
            let config = config.with_root_certificates(roots).with_no_client_auth();
            Ok(HttpsConnectorBuilder::new().with_tls_config(config))
        }
    };
    // The configuration takes URLs without TLS on this machine alone.
    let connector = builder.map_err(|error| error.to_string())?.https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
}

/// The error with all that caused it.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    aws::chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}
