//! A set of keys, as issuers publish it (RFC 7517).

use std::sync::Arc;

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Issuers have two or three; one with more than this has something else in mind.
const MOST: usize = 100;

/// A key by which tokens are verified.
pub(in crate::rpc::access) struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    pub(in crate::rpc::access) decoding: DecodingKey,
    /// What the key is known by once it is gone.
    pub(in crate::rpc::access) print: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

/// All keys of an issuer.
#[derive(Debug)]
pub(super) struct Keys(Vec<Arc<Key>>);

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// Those of a set that verify signatures; what a set has beside them is not ours to judge.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let set: Set = serde_json::from_slice(text).map_err(|error| format!("they are no JWK set: {error}"))?;
        if set.keys.len() > MOST {
            return Err(format!("the JWK set has {} keys, and {MOST} are taken", set.keys.len()));
        }
        let keys: Vec<Arc<Key>> = set.keys.into_iter().filter_map(|key| Key::read(key).map(Arc::new)).collect();
        if keys.is_empty() {
            return Err("the JWK set has no key by which a signature can be verified".to_owned());
        }
        Ok(Self(keys))
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The key of an id; without an id, the one that there is of the kind.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<Key>> {
        let fits =
            |key: &&Arc<Key>| key.algorithms.contains(&algorithm) && id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut found = self.0.iter().filter(fits);
        let first = found.next()?;
        found.next().is_none().then(|| Arc::clone(first))
    }

    pub(super) fn has(&self, print: &[u8; 32]) -> bool {
        self.0.iter().any(|key| key.print == *print)
    }
}

impl Key {
    fn read(key: Value) -> Option<Self> {
        let print = Sha256::digest(key.to_string()).into();
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        let signs = match &jwk.common.public_key_use {
            Some(PublicKeyUse::Signature) | None => true,
            Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)) => false,
        };
        // Never what both sides have: whoever can verify by it can sign by it.
        let kind: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[Algorithm::ES256],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => &[Algorithm::ES384],
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
            _ => return None,
        };
        let said = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
        let fits = |one: &&Algorithm| said.as_ref().is_none_or(|said| *said == format!("{one:?}"));
        let algorithms: Vec<Algorithm> = kind.iter().filter(fits).copied().collect();
        if !signs || algorithms.is_empty() {
            return None;
        }
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id: jwk.common.key_id, algorithms, decoding, print })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn okp(id: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    #[test]
    fn a_key_that_both_sides_have_and_one_that_encrypts_are_no_keys() {
        let secret = json!({"kty": "oct", "kid": "s", "k": "c2VjcmV0c2VjcmV0"});
        let mut encrypts = okp("e");
        encrypts["use"] = "enc".into();
        let mut otherwise = okp("o");
        otherwise["alg"] = "RS256".into();
        let keys = json!({"keys": [secret, encrypts, otherwise]}).to_string();
        assert!(Keys::read(keys.as_bytes()).is_err());
        let keys = json!({"keys": [secret, okp("good"), {"kty": "new"}, 7]}).to_string();
        let keys = Keys::read(keys.as_bytes()).unwrap();
        assert_eq!(keys.count(), 1);
        assert!(keys.find(Some("good"), Algorithm::EdDSA).is_some());
        assert!(keys.find(Some("good"), Algorithm::RS256).is_none());
        assert!(keys.find(Some("s"), Algorithm::HS256).is_none());
        assert!(keys.find(None, Algorithm::EdDSA).is_some(), "the only one of its kind");
    }

    #[test]
    fn a_token_that_says_no_key_has_none_where_there_are_several() {
        let keys = json!({"keys": [okp("a"), okp("b")]}).to_string();
        let keys = Keys::read(keys.as_bytes()).unwrap();
        assert!(keys.find(None, Algorithm::EdDSA).is_none());
        let print = keys.find(Some("b"), Algorithm::EdDSA).unwrap().print;
        assert!(keys.has(&print) && !keys.has(&[0; 32]));
    }

    #[test]
    fn what_is_no_set_or_too_large_a_set_is_refused() {
        for text in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []}"#] {
            assert!(Keys::read(text.as_bytes()).is_err(), "{text}");
        }
        let many = json!({"keys": vec![okp("a"); MOST + 1]}).to_string();
        assert!(Keys::read(many.as_bytes()).is_err());
    }
}
