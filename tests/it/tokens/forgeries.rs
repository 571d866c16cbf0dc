//! Tokens that are almost right, each wrong in one way.

use serde_json::{Value, json};
use tonic::Code;

use super::{Issuer, Pair, Raw, WHO_AM_I, World, ask, forged, framed, reason, refused, set, wants, world, world_with};

/// What follows the last dot.
fn signature(token: &str) -> String {
    token.rsplit_once('.').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_kid_is_a_name_and_no_path_address_or_question() {
    let (world, issuer, pair) = world().await;
    let elsewhere = Issuer::start(&[&pair]).await;
    let claims = issuer.claims(&json!({}));
    for kid in [
        "../../../../dev/null",
        "/proc/self/environ",
        &format!("{}/keys", elsewhere.url),
        "one' OR '1'='1",
        "one\0",
        "ONE",
        "*",
        "",
        &"k".repeat(5000),
    ] {
        let text = refused(&world, &pair.sign_as(Some("JWT"), Some(kid), &claims)).await;
        assert!(text.contains("has no key"), "{kid:?}: {text}");
    }
    for kid in [json!(1), json!(["one"]), json!({"one": 1})] {
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": kid});
        refused(&world, &forged(&header, &claims, |_| signature(&pair.sign(&claims)))).await;
    }
    assert_eq!(elsewhere.asked("/keys"), 0);
}

#[tokio::test]
async fn a_token_that_names_no_key_is_taken_where_there_is_one_alone() {
    let (world, issuer, pair) = world().await;
    let nameless = pair.sign_as(Some("JWT"), None, &issuer.claims(&json!({})));
    ask(world.channel(), &nameless).await.unwrap();
    let two = Issuer::start(&[&pair, &Pair::new("two")]).await;
    let world = World::start_with(wants(&two)).await;
    let nameless = pair.sign_as(Some("JWT"), None, &two.claims(&json!({})));
    assert!(refused(&world, &nameless).await.contains("has no key"));
    ask(world.channel(), &pair.sign(&two.claims(&json!({})))).await.unwrap();
}

#[tokio::test]
async fn a_key_that_a_token_brings_or_points_to_is_not_looked_at() {
    let (world, issuer, pair) = world().await;
    let mallory = Pair::new("mallory");
    let elsewhere = Issuer::start(&[&mallory]).await;
    let claims = issuer.claims(&json!({}));
    let keys = format!("{}/keys", elsewhere.url);
    for (member, value) in [
        ("jku", json!(keys)),
        ("x5u", json!(keys)),
        ("jwk", mallory.public()),
        ("x5c", json!([mallory.published.0])),
        ("iss", json!(elsewhere.url)),
    ] {
        for kid in ["mallory", "one"] {
            let mut header = json!({"alg": "ES256", "typ": "JWT", "kid": kid});
            header[member] = value.clone();
            refused(&world, &forged(&header, &claims, |message| mallory.sign_text(message))).await;
            // The same header is no hindrance to a token that is right by itself.
            let token = forged(&header, &claims, |signed| pair.sign_text(signed));
            assert_eq!(ask(world.channel(), &token).await.is_ok(), kid == "one", "{member} {kid}");
        }
    }
    assert_eq!(elsewhere.asked("/keys"), 0);
}

#[tokio::test]
async fn another_algorithm_than_the_keys_own_is_refused() {
    let (world, issuer, pair) = world().await;
    let claims = issuer.claims(&json!({}));
    for algorithm in ["RS256", "PS256", "ES384", "EdDSA", "es256", "ES256 ", "HS256", "ES256K", "RSA1_5"] {
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": "one"});
        refused(&world, &forged(&header, &claims, |message| pair.sign_text(message))).await;
    }
    for header in [
        json!({"alg": "ES256", "typ": "JWT", "kid": "one", "crit": ["exp"]}),
        json!({"alg": "ES256", "typ": "JWT", "kid": "one", "b64": false, "crit": ["b64"]}),
        json!({"alg": "ES256", "typ": ["JWT"], "kid": "one"}),
        json!({"typ": "JWT", "kid": "one"}),
        json!(["ES256"]),
        json!(null),
    ] {
        refused(&world, &forged(&header, &claims, |message| pair.sign_text(message))).await;
    }
}

#[tokio::test]
async fn claims_of_other_kinds_than_they_should_be_are_refused_and_break_nothing() {
    let (world, issuer, pair) = world_with(|config| {
        config.access.issuers[0].groups_claim = Some("groups".to_owned());
        config.access.max_call_burst = 10_000;
    })
    .await;
    let nested = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let others = [json!(null), json!(true), json!(7), json!(-1.5), json!({"a": "b"}), json!([[]]), json!([1]), nested];
    for claim in ["iss", "aud", "sub", "exp", "groups", "nbf", "iat"] {
        for other in &others {
            // A number is a time, if one long past; and who has no groups, or says none, has none.
            let fine = match claim {
                "groups" => other.is_null(),
                "nbf" | "iat" => other == &json!(7),
                _ => false,
            };
            let token = pair.sign(&issuer.claims(&json!({claim: other})));
            match fine {
                true => _ = ask(world.channel(), &token).await.unwrap(),
                false => _ = refused(&world, &token).await,
            }
        }
    }
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": "one"});
    for claims in [json!([]), json!("claims"), json!(null), json!(7), json!({})] {
        refused(&world, &forged(&header, &claims, |message| pair.sign_text(message))).await;
    }
    for groups in [json!(["a\nb"]), json!(["a", "\u{1b}[2J"]), json!(["\u{202e}a"]), json!([""]), json!("a\r\nb")] {
        let text = refused(&world, &pair.sign(&issuer.claims(&json!({"groups": groups})))).await;
        assert!(text.contains("groups") && !text.contains('\n'), "{text}");
    }
}

#[tokio::test]
async fn there_is_one_header_and_bearer_is_spelled_as_one_likes() {
    let (world, issuer, pair) = world().await;
    let token = pair.sign(&issuer.claims(&json!({})));
    let mut raw = Raw::connect(&world).await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let value = format!("{scheme} {token}");
        let status = raw.call(WHO_AM_I, &[("authorization", &value)], framed(&[])).await.status();
        assert_eq!(status.code(), Code::Ok, "{scheme}: {status:?}");
    }
    let good = format!("Bearer {token}");
    let joined = format!("{good}, {good}");
    for headers in [
        &[("authorization", good.as_str()), ("authorization", good.as_str())][..],
        &[("authorization", good.as_str()), ("authorization", "")],
        &[("authorization", "Basic YWxpY2U6c2VjcmV0"), ("authorization", good.as_str())],
        &[("authorization", joined.as_str())],
        &[("authorization", token.as_str())],
        &[("authorization", "Bearer")],
        &[("authorization", "")],
        &[("authorization", "Bearer \u{e9}")],
    ] {
        let status = raw.call(WHO_AM_I, headers, framed(&[])).await.status();
        assert_eq!(reason(&status), (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned()), "{headers:?}");
    }
    // Elsewhere than in its header a token is none.
    for header in ["x-authorization", "proxy-authorization", "cookie"] {
        let status = raw.call(WHO_AM_I, &[(header, &good)], framed(&[])).await.status();
        assert_eq!(reason(&status), (Code::Unauthenticated, "CREDENTIALS_MISSING".to_owned()), "{header}");
    }
}

#[tokio::test]
async fn a_key_of_one_issuer_signs_nothing_of_another() {
    let (ours, theirs) = (Pair::new("one"), Pair::new("one"));
    let (corp, partner) = (Issuer::start(&[&ours]).await, Issuer::start(&[&theirs]).await);
    let wants = wants(&corp);
    let world = World::start_with(|config| {
        wants(config);
        config.access.issuers.push(strongroom::config::IssuerConfig::new("partner", &partner.url, "strongroom"));
    })
    .await;
    let name = |answer: strongroom::proto::WhoAmIResponse| answer.principal.unwrap().name;
    assert_eq!(name(ask(world.channel(), &ours.sign(&corp.claims(&json!({})))).await.unwrap()), "corp:alice");
    assert_eq!(name(ask(world.channel(), &theirs.sign(&partner.claims(&json!({})))).await.unwrap()), "partner:alice");
    assert!(refused(&world, &theirs.sign(&corp.claims(&json!({})))).await.contains("not signed"));
    // Published under another name, it is another's key all the same.
    partner.says("/keys", Some(set(&[&theirs, &ours])));
    let claims: Value = corp.claims(&json!({"iss": partner.url}));
    assert!(refused(&world, &ours.sign(&claims)).await.contains("not signed"));
}
