//! `access.issuers.NAME`: an issuer of tokens.

use std::{collections::BTreeMap, path::PathBuf};

use crate::config::{
    reader::Reader,
    value::{Url, Value},
};

/// An issuer of tokens, and which of its tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerConfig {
    /// Of the table. Names of callers begin with it.
    pub name: String,
    /// The `iss` of its tokens, to the letter; and where its OpenID configuration is found.
    pub issuer: String,
    /// The `aud` of tokens that are meant for this server: one of these.
    pub audiences: Vec<String>,
    /// How tokens may be signed.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The `typ` of tokens that are taken, without regard to case and to a leading `application/`.
    pub token_types: Vec<String>,
    /// A file with its keys, instead of asking it.
    pub jwks_file: Option<PathBuf>,
    /// Where its keys are, instead of where its OpenID configuration says.
    pub jwks_uri: Option<Url>,
    /// PEM file of the certificates that the issuer's own may be signed by.
    pub ca_file: Option<PathBuf>,
    /// The claim that says who calls.
    pub principal_claim: String,
    /// The claim that has the caller's groups; with dots, within others.
    pub groups_claim: Option<String>,
    /// The claim that says which person a caller is, such as `email`; absent: each caller is a person of its own.
    pub person_claim: Option<String>,
    /// Claims that tokens must have, with their values.
    pub required_claims: BTreeMap<String, String>,
}

/// How a token may be signed: by a key whose other half its issuer alone has. There is no `none` and no HS256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// RSA PKCS#1 with SHA-256.
    Rs256,
    /// RSA PKCS#1 with SHA-384.
    Rs384,
    /// RSA PKCS#1 with SHA-512.
    Rs512,
    /// RSA PSS with SHA-256.
    Ps256,
    /// RSA PSS with SHA-384.
    Ps384,
    /// RSA PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256.
    Es256,
    /// ECDSA on P-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Rs256, "RS256"),
        (Self::Rs384, "RS384"),
        (Self::Rs512, "RS512"),
        (Self::Ps256, "PS256"),
        (Self::Ps384, "PS384"),
        (Self::Ps512, "PS512"),
        (Self::Es256, "ES256"),
        (Self::Es384, "ES384"),
        (Self::EdDsa, "EdDSA"),
    ];

    /// As tokens spell it.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("", |(_, name)| name)
    }
}

impl Value for SigningAlgorithm {
    const EXPECTED: &'static str = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA";

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(one, _)| *one)
    }

    fn show(&self) -> String {
        self.as_str().to_owned()
    }
}

impl IssuerConfig {
    /// Every key of such a table.
    pub const KEYS: [&'static str; 11] = [
        "issuer",
        "audiences",
        "algorithms",
        "token_types",
        "jwks_file",
        "jwks_uri",
        "ca_file",
        "principal_claim",
        "groups_claim",
        "person_claim",
        "required_claims",
    ];

    /// One that has its name and URL, takes what is meant for the audience, and else what holds by default.
    pub fn new(name: &str, issuer: &str, audience: &str) -> Self {
        Self {
            name: name.to_owned(),
            issuer: issuer.to_owned(),
            audiences: vec![audience.to_owned()],
            algorithms: default_algorithms(),
            token_types: default_types(),
            jwks_file: None,
            jwks_uri: None,
            ca_file: None,
            principal_claim: "sub".to_owned(),
            groups_claim: None,
            person_claim: None,
            required_claims: BTreeMap::new(),
        }
    }

    pub(super) fn read(name: &str, reader: &mut Reader) -> Self {
        let key = |key: &str| format!("access.issuers.{name}.{key}");
        Self {
            name: name.to_owned(),
            issuer: reader.said(key("issuer")).unwrap_or_default(),
            audiences: reader.some(key("audiences"), Vec::new()),
            algorithms: reader.some(key("algorithms"), default_algorithms()),
            token_types: reader.some(key("token_types"), default_types()),
            jwks_file: reader.said(key("jwks_file")),
            jwks_uri: reader.said(key("jwks_uri")),
            ca_file: reader.said(key("ca_file")),
            principal_claim: reader.said(key("principal_claim")).unwrap_or_else(|| "sub".to_owned()),
            groups_claim: reader.said(key("groups_claim")),
            person_claim: reader.said(key("person_claim")),
            required_claims: reader.texts(&key("required_claims")),
        }
    }

    pub(super) fn check(&self, reader: &mut Reader) {
        let key = |key: &str| format!("access.issuers.{}.{key}", self.name);
        let fits = !self.name.is_empty()
            && self.name.len() <= 32
            && self.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        // Other ways to be known begin so.
        let taken = ["spiffe", "dns", "subject", "anonymous", "certificate"].contains(&self.name.as_str());
        if !fits || taken {
            let advice = "choose up to 32 of a-z, 0-9 and -, and not spiffe, dns, subject, anonymous or certificate";
            reader.refuse(&key("issuer"), &[], format!("belongs to a table of the name {:?}", self.name), advice);
        }
        if self.issuer.is_empty() {
            reader.refuse(&key("issuer"), &[], "is missing", "write the issuer's URL, as its tokens have it in `iss`");
        } else {
            match Url::parse(&self.issuer) {
                Some(url) if url.is_encrypted() || url.is_loopback() => {}
                // Nobody is asked there.
                Some(_) if self.jwks_file.is_some() => {}
                Some(_) => {
                    let problem = "is not encrypted: whoever is between could sign tokens";
                    reader.refuse(&key("issuer"), &[], problem, "write an https URL, or give its keys by jwks_file");
                }
                None => reader.refuse(&key("issuer"), &[], "is no URL", "write it as the tokens have it in `iss`"),
            }
        }
        if self.audiences.is_empty() {
            let problem = "is missing: a token that was made for another service would be taken";
            let advice = "list what this server's tokens have in `aud`, such as [\"strongroom\"]";
            reader.refuse(&key("audiences"), &[], problem, advice);
        }
        if self.required_claims.is_empty() && FOR_EVERYBODY.contains(&self.issuer.trim_end_matches('/')) {
            let problem = "gives tokens to everybody, with the audience that they ask for";
            let advice = "say by required_claims whose are taken, such as { repository_owner_id = \"65\" }";
            reader.refuse(&key("issuer"), &[&key("required_claims")], problem, advice);
        }
        if self.jwks_uri.as_ref().is_some_and(|url| !url.is_encrypted() && !url.is_loopback()) {
            let problem = "is not encrypted: whoever is between could sign tokens";
            reader.refuse(&key("jwks_uri"), &[], problem, "write an https URL");
        }
        if self.jwks_file.is_some() {
            for (other, there) in [("jwks_uri", self.jwks_uri.is_some()), ("ca_file", self.ca_file.is_some())] {
                if there {
                    reader.refuse(&key(other), &[&key("jwks_file")], "has no effect beside jwks_file", "remove one");
                }
            }
        }
    }
}

/// Issuers of whom anybody gets a token, in any audience: there, the audience says nothing of who calls.
const FOR_EVERYBODY: [&str; 3] =
    ["https://token.actions.githubusercontent.com", "https://gitlab.com", "https://accounts.google.com"];

fn default_algorithms() -> Vec<SigningAlgorithm> {
    use SigningAlgorithm as S;
    vec![S::Rs256, S::Ps256, S::Es256, S::Es384, S::EdDsa]
}

/// What OAuth calls access tokens, and what issuers say that say nothing more.
fn default_types() -> Vec<String> {
    vec!["JWT".to_owned(), "at+jwt".to_owned()]
}
