//! What a token claims whose signature is good: whom it is for, when it holds, and who its caller is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Refused, expired};
use crate::{
    config::IssuerConfig,
    domain::Person,
    rpc::access::principal::{Authentication, Known, is_printable},
};

/// Bytes of a caller's name, with the issuer's.
const LONGEST_NAME: usize = 512;

/// Groups of one caller, and bytes of the name of one.
const MOST_GROUPS: usize = 500;
const LONGEST_GROUP: usize = 256;

pub(super) struct Claims<'c>(pub(super) &'c Map<String, Value>);

/// A caller, and until when.
pub(super) struct Taken {
    pub(super) known: Known,
    pub(super) expires: i64,
}

impl Claims<'_> {
    pub(super) fn taken(&self, issuer: &IssuerConfig, now: i64, skew: i64) -> Result<Taken, Refused> {
        if !self.audience().iter().any(|one| issuer.audiences.iter().any(|ours| ours == one)) {
            let text = "the token is not for this server: its audience (`aud`) is another";
            return Err(Refused::new("audience", text));
        }
        let expires =
            self.time("exp")?.ok_or_else(|| Refused::new("claims", "the token never ends: it has no `exp`"))?;
        if expires.saturating_add(skew) <= now {
            return Err(expired());
        }
        for (claim, what) in [("nbf", "the token holds not yet (`nbf`)"), ("iat", "the token is of the future (`iat`)")]
        {
            if self.time(claim)?.is_some_and(|at| at > now.saturating_add(skew)) {
                return Err(Refused::new("not_yet_valid", what));
            }
        }
        for (claim, value) in &issuer.required_claims {
            if !self.find(claim).is_some_and(|found| says(found, value)) {
                let text = format!("the token lacks what issuer {} must claim: {claim}", issuer.name);
                return Err(Refused::new("claims", text));
            }
        }
        let claim = issuer.principal_claim.as_str();
        let subject = self.find(claim).and_then(Value::as_str).filter(|subject| !subject.trim().is_empty());
        let subject =
            subject.ok_or_else(|| Refused::new("subject", format!("the token names no caller in `{claim}`")))?;
        let name = format!("{}:{subject}", issuer.name);
        if name.len() > LONGEST_NAME || !is_printable(subject) {
            let text = format!("the caller's name in `{claim}` is too long, or has characters that cannot be printed");
            return Err(Refused::new("subject", text));
        }
        let known = Known {
            name,
            groups: self.groups(issuer)?,
            person: self.person(issuer),
            authentication: Authentication::Token,
            issuer: Some(issuer.issuer.clone()),
            certificate: None,
            until: Timestamp::from_second(expires).ok(),
        };
        Ok(Taken { known, expires })
    }

    /// By its name, or else by a path whose parts are separated by dots.
    fn find(&self, claim: &str) -> Option<&Value> {
        within(self.0, claim)
    }

    fn audience(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => Vec::new(),
        }
    }

    /// Seconds of the epoch. A fraction is cut off.
    #[expect(clippy::cast_possible_truncation, reason = "the number is looked at first")]
    fn time(&self, claim: &str) -> Result<Option<i64>, Refused> {
        let Some(value) = self.0.get(claim) else { return Ok(None) };
        // Farther than any time that there is a name for.
        const FARTHEST: f64 = 253_402_207_200.0;
        let seconds = value.as_f64().filter(|seconds| (0.0..FARTHEST).contains(seconds));
        let seconds = seconds.ok_or_else(|| Refused::new("claims", format!("`{claim}` of the token is no time")))?;
        Ok(Some(seconds as i64))
    }

    /// Which person the caller is. What cannot be printed, or is no text, names nobody.
    fn person(&self, issuer: &IssuerConfig) -> Person {
        let Some(claim) = &issuer.person_claim else { return Person::Subject };
        let said = self.find(claim).and_then(Value::as_str).map(|said| said.trim().to_lowercase());
        let person = said.filter(|said| !said.is_empty() && said.len() <= LONGEST_NAME && is_printable(said));
        person.map_or(Person::Nobody, Person::Claimed)
    }

    fn groups(&self, issuer: &IssuerConfig) -> Result<Vec<String>, Refused> {
        let Some(claim) = &issuer.groups_claim else { return Ok(Vec::new()) };
        let refused = |what: &str| Refused::new("groups", format!("the groups in `{claim}` {what}"));
        let groups: Vec<&str> = match self.find(claim) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => {
                let texts: Option<Vec<&str>> = several.iter().map(Value::as_str).collect();
                texts.ok_or_else(|| refused("are no texts"))?
            }
            Some(_) => return Err(refused("are no list")),
        };
        if groups.len() > MOST_GROUPS {
            return Err(refused(&format!("are more than {MOST_GROUPS}")));
        }
        if groups.iter().any(|group| group.is_empty() || group.len() > LONGEST_GROUP || !is_printable(group)) {
            return Err(refused("are too long, or have characters that cannot be printed"));
        }
        let named: BTreeSet<String> = groups.into_iter().map(|group| format!("{}:{group}", issuer.name)).collect();
        Ok(named.into_iter().collect())
    }
}

/// What stands at a path. Names have dots too, such as `kubernetes.io`: the longest name that is there is meant.
fn within<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    if let Some(found) = claims.get(path) {
        return Some(found);
    }
    let mut ends = path.rmatch_indices('.').map(|(at, _)| at);
    ends.find_map(|at| within(claims.get(&path[..at])?.as_object()?, &path[at + 1..]))
}

/// Whether a claim has a value: is it, or has it in its list.
fn says(found: &Value, value: &str) -> bool {
    match found {
        Value::String(text) => text == value,
        Value::Bool(found) => found.to_string() == value,
        Value::Number(found) => found.to_string() == value,
        Value::Array(several) => several.iter().any(|one| one.as_str() == Some(value)),
        Value::Object(_) | Value::Null => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn issuer() -> IssuerConfig {
        let mut issuer = IssuerConfig::new("corp", "https://id.example.com", "strongroom");
        issuer.groups_claim = Some("realm.groups".to_owned());
        issuer
    }

    fn take(change: impl FnOnce(&mut Value)) -> Result<Known, &'static str> {
        take_of(&issuer(), change)
    }

    fn take_of(issuer: &IssuerConfig, change: impl FnOnce(&mut Value)) -> Result<Known, &'static str> {
        let mut claims = json!({"aud": ["other", "strongroom"], "sub": "alice", "exp": NOW + 100});
        change(&mut claims);
        let claims = claims.as_object().unwrap();
        Claims(claims).taken(issuer, NOW, 60).map(|taken| taken.known).map_err(|refused| refused.outcome)
    }

    #[test]
    fn names_and_groups_begin_with_the_issuer() {
        let known = take(|claims| claims["realm"] = json!({"groups": ["b", "a", "b"]})).unwrap();
        assert_eq!((known.name.as_str(), known.groups), ("corp:alice", vec!["corp:a".to_owned(), "corp:b".to_owned()]));
        assert_eq!(known.until.unwrap().as_second(), NOW + 100);
        assert_eq!(take(|claims| claims["realm"] = json!({"groups": "one"})).unwrap().groups, ["corp:one"]);
    }

    #[test]
    fn a_person_is_named_by_the_claim_that_the_configuration_says_or_is_nobody() {
        assert_eq!(take(|_| {}).unwrap().person, Person::Subject);
        let mut issuer = issuer();
        issuer.person_claim = Some("email".to_owned());
        let of = |email: Value| take_of(&issuer, |claims| claims["email"] = email).unwrap().person;
        assert_eq!(of(json!(" Ada@Example.com ")), Person::Claimed("ada@example.com".to_owned()));
        for nobody in [json!(null), json!(""), json!("  "), json!(7), json!("a\u{202e}b"), json!("x".repeat(600))] {
            assert_eq!(of(nobody), Person::Nobody);
        }
    }

    #[test]
    fn times_are_kept_to_but_for_the_skew_of_clocks() {
        let at = |claim: &str, seconds: i64| take(|claims| claims[claim] = (NOW + seconds).into()).map(|_| ());
        assert_eq!([at("exp", -59), at("exp", -60)], [Ok(()), Err("expired")]);
        assert_eq!([at("nbf", 60), at("nbf", 61)], [Ok(()), Err("not_yet_valid")]);
        assert_eq!([at("iat", 60), at("iat", 61)], [Ok(()), Err("not_yet_valid")]);
        for nonsense in [json!("soon"), json!(-1), json!(1e300), json!(null), json!([1])] {
            assert_eq!(take(|claims| claims["exp"] = nonsense.clone()).unwrap_err(), "claims", "{nonsense}");
        }
        assert!(take(|claims| claims["exp"] = json!(NOW as f64 + 0.5)).is_ok(), "a fraction is allowed");
    }

    #[test]
    fn the_audience_is_to_the_letter() {
        for other in [json!("Strongroom"), json!(["other"]), json!({}), json!(7), json!([]), json!("strongroom ")] {
            assert_eq!(take(|claims| claims["aud"] = other.clone()).unwrap_err(), "audience", "{other}");
        }
        assert!(take(|claims| claims["aud"] = json!("strongroom")).is_ok());
    }

    #[test]
    fn a_name_that_would_forge_a_line_is_no_name() {
        for bad in
            ["", " ", "a\nb", "a\u{1b}[2J", "a\u{202e}b", "a\u{61c}b", "a\u{ad}b", "a\u{2028}b", &"x".repeat(600)]
        {
            assert_eq!(take(|claims| claims["sub"] = bad.into()).unwrap_err(), "subject", "{bad:?}");
            if !bad.trim().is_empty() {
                let group = json!({"groups": [bad]});
                assert_eq!(take(|claims| claims["realm"] = group).unwrap_err(), "groups", "{bad:?}");
            }
        }
        assert_eq!(take(|claims| claims["realm"] = json!({"groups": [7]})).unwrap_err(), "groups");
        assert_eq!(take(|claims| claims["realm"] = json!({"groups": vec!["a"; 501]})).unwrap_err(), "groups");
        assert_eq!(take(|claims| claims["sub"] = json!(["alice"])).unwrap_err(), "subject");
    }

    #[test]
    fn claims_that_are_required_are_there_with_their_values() {
        let mut issuer = issuer();
        issuer.required_claims.insert("org.id".to_owned(), "7".to_owned());
        assert_eq!(take_of(&issuer, |_| {}).unwrap_err(), "claims");
        for fine in [json!("7"), json!(7), json!(["5", "7"])] {
            assert!(take_of(&issuer, |claims| claims["org"] = json!({"id": fine})).is_ok());
        }
        assert_eq!(take_of(&issuer, |claims| claims["org"] = json!({"id": "77"})).unwrap_err(), "claims");
    }

    #[test]
    fn a_path_goes_through_names_that_have_dots() {
        let claims = json!({
            "kubernetes.io": {"namespace": "backup", "pod": {"name": "portal"}}, "https://example.com/groups": ["a"],
            "a": {"b": 1}, "a.b": 2,
        });
        let find = |path| within(claims.as_object().unwrap(), path).cloned();
        assert_eq!(find("kubernetes.io.namespace"), Some(json!("backup")));
        assert_eq!(find("kubernetes.io.pod.name"), Some(json!("portal")));
        assert_eq!(find("https://example.com/groups"), Some(json!(["a"])));
        assert_eq!(find("a.b"), Some(json!(2)), "the name to the letter comes first");
        for nothing in ["kubernetes.io.namespace.more", "kubernetes", ".", "", "kubernetes.io."] {
            assert_eq!(find(nothing), None, "{nothing:?}");
        }
    }
}
