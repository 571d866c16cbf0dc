//! Bearer tokens: which are taken, and whose they are.
//!
//! In this order, so that nothing is worked on which another check would refuse for less: one header of a bounded size, the
//! token's own header, how it is signed, its issuer, the key, the signature, and only then what it claims.

mod claims;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, crypto};
use serde::Deserialize;
use serde_json::{Map, Value};
use tonic::codegen::http::{HeaderMap, header};

use self::claims::Claims;
use super::{
    keys::{Issuer, Lack},
    metrics,
    principal::Principal,
    verified::{Known, Print, Verified},
};
use crate::{config::AccessConfig, rpc::status::Failure};

/// Bytes of a token. Those of people with many groups have some thousands.
const LONGEST: usize = 16 * 1024;

/// Why a token is not taken: for the metrics, and for the caller, who is told nothing out of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) outcome: &'static str,
    pub(super) text: String,
}

impl Refused {
    fn new(outcome: &'static str, text: impl Into<String>) -> Self {
        Self { outcome, text: text.into() }
    }
}

/// What the token's own header says.
#[derive(Deserialize)]
struct Head {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<Value>,
}

/// What a request brings.
pub(super) enum Shown<'h> {
    Nothing,
    /// A token that was found good before, and still is.
    Remembered(Principal),
    New(New<'h>),
}

/// A token that nothing is known of yet.
pub(super) struct New<'h> {
    token: &'h str,
    print: Print,
}

#[derive(Debug)]
pub(super) struct Tokens {
    issuers: Vec<Arc<Issuer>>,
    verified: Verified,
    skew: i64,
}

impl Tokens {
    pub(super) fn new(config: &AccessConfig) -> Self {
        Self {
            issuers: config.issuers.iter().map(Issuer::new).collect(),
            verified: Verified::default(),
            skew: i64::try_from(config.clock_skew.as_secs()).unwrap_or(i64::MAX),
        }
    }

    pub(super) fn issuers(&self) -> &[Arc<Issuer>] {
        &self.issuers
    }

    /// What a request brings, as far as that is told without believing a token that was not verified yet.
    pub(super) fn look<'h>(&self, headers: &'h HeaderMap) -> Result<Shown<'h>, Failure> {
        // Without issuers, what stands there is for somebody else: a proxy before this server, say.
        if self.issuers.is_empty() {
            return Ok(Shown::Nothing);
        }
        let Some(token) = bearer(headers).map_err(|refused| refuse("", refused))? else { return Ok(Shown::Nothing) };
        let now = Timestamp::now().as_second();
        let print = Print::of(token);
        if let Some(known) = self.verified.get(&print) {
            let issuer = &self.issuers[known.issuer];
            let name = issuer.config.name.as_str();
            if known.expires.saturating_add(self.skew) <= now {
                self.verified.forget(&print);
                return Err(refuse(name, expired()));
            }
            if issuer.has(&known.key) {
                metrics::authenticated(name, "remembered");
                return Ok(Shown::Remembered(known.principal));
            }
            // Its key is its issuer's no more: it is looked at like a new one.
            self.verified.forget(&print);
        }
        Ok(Shown::New(New { token, print }))
    }

    /// The caller whom a token names that is not known yet.
    pub(super) async fn verify(&self, New { token, print }: New<'_>) -> Result<Principal, Failure> {
        let (head, claims, signed) = read(token).map_err(|refused| refuse("", refused))?;
        let (at, issuer) = self.issuer(&claims).map_err(|refused| refuse("", refused))?;
        let name = issuer.config.name.as_str();
        let algorithm = allowed(&head, issuer).map_err(|refused| refuse(name, refused))?;
        let key = match issuer.key(head.kid.as_deref(), algorithm).await {
            Ok(key) => key,
            Err(Lack::Key) => {
                let text = format!("issuer {name} has no key of the token's kid and algorithm");
                return Err(refuse(name, Refused::new("unknown_key", text)));
            }
            Err(Lack::Issuer) => {
                metrics::authenticated(name, "unavailable");
                return Err(Failure::IssuerUnavailable(format!("the keys of issuer {name} cannot be read now")));
            }
        };
        let (message, signature) = signed;
        if !matches!(crypto::verify(signature, message.as_bytes(), &key.decoding, algorithm), Ok(true)) {
            let text = format!("the token is not signed by the key of issuer {name} that it names");
            return Err(refuse(name, Refused::new("signature", text)));
        }
        // Not earlier: the key may have been waited for.
        let now = Timestamp::now().as_second();
        let taken = Claims(&claims).taken(&issuer.config, now, self.skew).map_err(|refused| refuse(name, refused))?;
        let principal = Principal::new(taken.known);
        let known = Known { principal: principal.clone(), issuer: at, key: key.print, expires: taken.expires };
        self.verified.put(print, known);
        metrics::authenticated(name, "verified");
        Ok(principal)
    }

    /// Whose it says it is: nothing is believed of it yet but where to look.
    fn issuer(&self, claims: &Map<String, Value>) -> Result<(usize, &Issuer), Refused> {
        let said = claims.get("iss").and_then(Value::as_str);
        let found = self.issuers.iter().enumerate().find(|(_, issuer)| Some(issuer.config.issuer.as_str()) == said);
        let refused = || Refused::new("issuer", "the token's issuer (`iss`) is none of those that this server takes");
        found.map(|(at, issuer)| (at, &**issuer)).ok_or_else(refused)
    }
}

fn refuse(issuer: &str, refused: Refused) -> Failure {
    metrics::authenticated(issuer, refused.outcome);
    Failure::BadCredentials(refused.text)
}

fn expired() -> Refused {
    Refused::new("expired", "the token has expired (`exp`): get a new one")
}

/// The token in the one header that there may be.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        // Whoever stands before this server may look at another of them than it does.
        return Err(Refused::new("malformed", "the request has more than one authorization header"));
    }
    if value.len() > LONGEST {
        let text = format!("the token has more than the {LONGEST} bytes that the server takes");
        return Err(Refused::new("too_large", text));
    }
    let scheme = || Refused::new("malformed", "the authorization header has no bearer token: write `Bearer TOKEN`");
    let (name, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(scheme)?;
    let token = token.trim_matches(' ');
    if !name.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(scheme());
    }
    Ok(Some(token))
}

/// Header, claims, and what is signed with its signature. All of it is the caller's word.
type Parts<'t> = (Head, Map<String, Value>, (&'t str, &'t str));

fn read(token: &str) -> Result<Parts<'_>, Refused> {
    let malformed = |what: &str| Refused::new("malformed", format!("the token is no signed JWT: {what}"));
    let (message, signature) = token.rsplit_once('.').ok_or_else(|| malformed("it has no signature"))?;
    let (head, claims) = message.split_once('.').ok_or_else(|| malformed("it has not three parts"))?;
    if claims.contains('.') {
        return Err(malformed("it has more than three parts"));
    }
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed("a part of it is not base64url"));
    let head = serde_json::from_slice(&decoded(head)?).map_err(|_| malformed("its header cannot be read"))?;
    let claims = serde_json::from_slice(&decoded(claims)?).map_err(|_| malformed("its claims are no JSON object"))?;
    Ok((head, claims, (message, signature)))
}

/// How the token is signed, if tokens of its issuer may be signed so.
fn allowed(head: &Head, issuer: &Issuer) -> Result<Algorithm, Refused> {
    let name = &issuer.config.name;
    if head.crit.is_some() {
        return Err(Refused::new("malformed", "the token wants extensions to be understood (`crit`) that are not"));
    }
    let listed = issuer.config.algorithms.iter().any(|one| one.as_str() == head.alg);
    let algorithm = listed.then(|| head.alg.parse().ok()).flatten().ok_or_else(|| {
        Refused::new("algorithm", format!("the token is signed in a way (`alg`) that is not taken of issuer {name}"))
    })?;
    let plain = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_prefix("application/").map_or(text.clone(), str::to_owned)
    };
    // Who says nothing says JWT.
    let said = plain(head.typ.as_deref().unwrap_or("JWT"));
    if !issuer.config.token_types.iter().any(|one| plain(one) == said) {
        let text = format!("the token is of a type (`typ`) that is not taken of issuer {name}");
        return Err(Refused::new("type", text));
    }
    Ok(algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn one_header_has_one_token() {
        assert_eq!(bearer(&headers(&[])), Ok(None));
        for fine in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c "] {
            assert_eq!(bearer(&headers(&[fine])), Ok(Some("a.b.c")), "{fine}");
        }
        let long = format!("Bearer {}", "x".repeat(LONGEST));
        for bad in [&["Bearer a", "Bearer a"][..], &["Basic dTpw"], &["Bearer"], &["Bearer "], &[""], &[&long]] {
            assert!(bearer(&headers(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_jwt_is_refused_without_a_word_of_it() {
        for text in
            ["secret", "secret.secret", "a.b.c.d", "....", "!.!.!", "e30.e30.", "W10.W10.x", "eyJhbGciOjF9.e30.x"]
        {
            let refused = read(text).err().unwrap();
            assert_eq!(refused.outcome, "malformed", "{text}");
            assert!(!refused.text.contains("secret"), "{refused:?}");
        }
        let twice = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","alg":"none"}"#);
        assert!(read(&format!("{twice}.e30.x")).is_err(), "two readers would read two things");
    }
}
