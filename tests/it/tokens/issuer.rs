//! An issuer of tokens that may misbehave: its OpenID configuration, its keys, and what it signs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, encode, jwk::Jwk};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// A pair of keys, of which the issuer publishes one half.
pub(crate) struct Pair {
    pub(crate) id: String,
    private: EncodingKey,
    /// The public half as files and certificates have it: in PEM, and in DER.
    pub(crate) published: (String, Vec<u8>),
}

impl Pair {
    pub(crate) fn new(id: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let published = (pair.public_key_pem(), rcgen::PublicKeyData::subject_public_key_info(&pair));
        Self { id: id.to_owned(), private: EncodingKey::from_ec_der(&pair.serialize_der()), published }
    }

    pub(crate) fn public(&self) -> Value {
        let mut key = serde_json::to_value(Jwk::from_encoding_key(&self.private, Algorithm::ES256).unwrap()).unwrap();
        key["kid"] = self.id.as_str().into();
        key
    }

    /// A token of these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(Some("JWT"), Some(&self.id), claims)
    }

    /// The signature of a text.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        crypto::sign(text.as_bytes(), &self.private, Algorithm::ES256).unwrap()
    }

    pub(crate) fn sign_as(&self, kind: Option<&str>, id: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = kind.map(str::to_owned);
        header.kid = id.map(str::to_owned);
        encode(&header, claims, &self.private).unwrap()
    }
}

/// Keys as issuers publish them.
pub(crate) fn set(pairs: &[&Pair]) -> Value {
    json!({ "keys": pairs.iter().map(|pair| pair.public()).collect::<Vec<_>>() })
}

#[derive(Default)]
struct State {
    /// By path; what is not in here is not found.
    pages: BTreeMap<String, Value>,
    asked: BTreeMap<String, usize>,
    /// Where it takes a question and never answers.
    silent: BTreeSet<String>,
}

/// Where it listens, and what it says.
pub(crate) struct Issuer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Issuer {
    pub(crate) async fn start(pairs: &[&Pair]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self { url, state: Arc::default() };
        issuer.says("/.well-known/openid-configuration", Some(issuer.document()));
        issuer.says("/keys", Some(set(pairs)));
        let state = Arc::clone(&issuer.state);
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = Vec::new();
                while !asked.windows(4).any(|end| end == b"\r\n\r\n") && stream.read_buf(&mut asked).await.unwrap() > 0
                {
                }
                let path = String::from_utf8_lossy(&asked).split(' ').nth(1).unwrap_or_default().to_owned();
                let (answer, silent) = {
                    let mut state = state.lock().unwrap();
                    *state.asked.entry(path.clone()).or_default() += 1;
                    (state.pages.get(&path).cloned(), state.silent.contains(&path))
                };
                if silent {
                    held.push(stream);
                    continue;
                }
                let text = match answer {
                    Some(Value::String(location)) => {
                        format!(
                            "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                        )
                    }
                    Some(page) => {
                        let page = page.to_string();
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}", page.len())
                    }
                    None => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
                };
                _ = stream.write_all(text.as_bytes()).await;
            }
        });
        issuer
    }

    pub(crate) fn document(&self) -> Value {
        json!({ "issuer": self.url, "jwks_uri": format!("{}/keys", self.url) })
    }

    /// What is answered at a path from now on; a text is where to go instead.
    pub(crate) fn says(&self, path: &str, page: Option<Value>) {
        let mut state = self.state.lock().unwrap();
        match page {
            Some(page) => _ = state.pages.insert(path.to_owned(), page),
            None => _ = state.pages.remove(path),
        }
    }

    /// Takes questions for a path from now on, and never answers them.
    pub(crate) fn says_nothing(&self, path: &str) {
        self.state.lock().unwrap().silent.insert(path.to_owned());
    }

    /// How often it was asked for a path.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }

    /// What a token for alice claims, with this changed.
    pub(crate) fn claims(&self, change: &Value) -> Value {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({"iss": self.url, "aud": "strongroom", "sub": "alice", "exp": now + 600, "iat": now});
        for (claim, value) in change.as_object().unwrap() {
            claims[claim] = value.clone();
        }
        claims
    }
}
