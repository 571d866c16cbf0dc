//! Issuers that are away, slow, or say what they should not.

use serde_json::{Value, json};
use strongroom::config::{IssuerConfig, Url};
use tonic::Code;

use super::{Issuer, Pair, World, ask, reason, set, wants};
use crate::harness::PATIENCE;

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// That a server which starts with this issuer has no keys of it, and that this is no denial.
async fn has_no_keys(issuer: &Issuer, pair: &Pair, why: &str) {
    let world = World::start_with(wants(issuer)).await;
    let status = ask(world.channel(), &pair.sign(&issuer.claims(&json!({})))).await.unwrap_err();
    assert_eq!(reason(&status), (Code::Unavailable, "ISSUER_UNAVAILABLE".to_owned()), "{why}");
}

#[tokio::test]
async fn an_issuer_whose_document_points_elsewhere_is_not_followed() {
    let pair = Pair::new("one");
    let elsewhere = Issuer::start(&[&pair]).await;
    let port = elsewhere.url.rsplit_once(':').unwrap().1;
    for change in [
        json!({"issuer": "https://elsewhere.example.com"}),
        json!({"issuer": elsewhere.url}),
        json!({"issuer": null}),
        json!({"jwks_uri": null}),
        json!({"jwks_uri": ""}),
        json!({"jwks_uri": "/keys"}),
        json!({"jwks_uri": format!("{}/keys", elsewhere.url)}),
        json!({"jwks_uri": format!("http://localhost:{port}/keys")}),
        json!({"jwks_uri": format!("//127.0.0.1:{port}/keys")}),
        json!({"jwks_uri": "http://169.254.169.254/latest/meta-data/iam/security-credentials/"}),
        json!({"jwks_uri": "http://[fd00:ec2::254]/latest/meta-data/"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"jwks_uri": "gopher://127.0.0.1:6379/_FLUSHALL"}),
        // The same host and port by another scheme, and as what stands before an at sign.
        json!({"jwks_uri": "https://SAME/keys"}),
        json!({"jwks_uri": format!("http://SAME@127.0.0.1:{port}/keys")}),
        Value::from(format!("{}{DISCOVERY}", elsewhere.url)),
    ] {
        let issuer = Issuer::start(&[&pair]).await;
        let same = issuer.url.strip_prefix("http://").unwrap();
        let document = match &change {
            Value::Object(changed) => {
                let mut document = issuer.document();
                for (key, value) in changed {
                    let text = value.as_str().map(|text| text.replace("SAME", same));
                    document[key] = text.map_or_else(|| value.clone(), Value::from);
                }
                document
            }
            redirect => redirect.clone(),
        };
        issuer.says(DISCOVERY, Some(document));
        has_no_keys(&issuer, &pair, &change.to_string()).await;
        assert_eq!(elsewhere.asked("/keys") + elsewhere.asked(DISCOVERY), 0, "{change}");
    }
}

#[tokio::test]
async fn keys_that_are_said_to_be_elsewhere_are_not_followed_either() {
    let pair = Pair::new("one");
    let elsewhere = Issuer::start(&[&pair]).await;
    let issuer = Issuer::start(&[]).await;
    issuer.says("/keys", Some(Value::from(format!("{}/keys", elsewhere.url))));
    has_no_keys(&issuer, &pair, "a redirect").await;
    assert_eq!(elsewhere.asked("/keys"), 0);
    // By the configuration they may be anywhere.
    elsewhere.says("/", Some(set(&[&pair])));
    let address = elsewhere.url.strip_prefix("http://").unwrap().parse().unwrap();
    let corp = wants(&issuer);
    let world = World::start_with(|config| {
        corp(config);
        config.access.issuers[0].jwks_uri = Some(Url::to(address));
    })
    .await;
    ask(world.channel(), &pair.sign(&issuer.claims(&json!({})))).await.unwrap();
    assert_eq!((elsewhere.asked("/keys"), elsewhere.asked("/")), (0, 1));
}

#[tokio::test]
async fn documents_that_are_huge_or_no_documents_are_not_read() {
    let pair = Pair::new("one");
    let padding = "x".repeat(300_000);
    for (path, page) in [
        (DISCOVERY, json!({"padding": padding})),
        (DISCOVERY, json!([])),
        ("/keys", json!({"keys": [], "padding": padding})),
        ("/keys", json!({"keys": vec![pair.public(); 101]})),
        ("/keys", json!({"keys": []})),
        ("/keys", json!({"keys": {"one": pair.public()}})),
        ("/keys", json!({"keys": [{"kty": "oct", "kid": "one", "k": "c2VjcmV0"}]})),
        ("/keys", json!([pair.public()])),
    ] {
        let issuer = Issuer::start(&[&pair]).await;
        let mut page = page;
        if page["padding"].is_string() && path == DISCOVERY {
            let document = issuer.document();
            page["issuer"] = document["issuer"].clone();
            page["jwks_uri"] = document["jwks_uri"].clone();
        } else if page["padding"].is_string() {
            page["keys"] = json!([pair.public()]);
        }
        issuer.says(path, Some(page.clone()));
        has_no_keys(&issuer, &pair, &page.to_string().chars().take(200).collect::<String>()).await;
    }
}

#[tokio::test]
async fn who_waits_for_a_slow_issuer_holds_nobody_else() {
    let (pair, other) = (Pair::new("one"), Pair::new("one"));
    let (issuer, slow) = (Issuer::start(&[&pair]).await, Issuer::start(&[&other]).await);
    let corp = wants(&issuer);
    let world = World::start_with(|config| {
        corp(config);
        config.access.issuers.push(IssuerConfig::new("slow", &slow.url, "strongroom"));
    })
    .await;
    let known = other.sign(&slow.claims(&json!({})));
    ask(world.channel(), &known).await.unwrap();
    slow.says_nothing("/keys");
    let unknown = other.sign_as(Some("JWT"), Some("two"), &slow.claims(&json!({})));
    let waiting = (0..20).map(|_| ask(world.channel(), &unknown));
    let others = async {
        while slow.asked("/keys") < 2 {
            tokio::task::yield_now().await;
        }
        ask(world.channel(), &known).await.unwrap();
        ask(world.channel(), &other.sign(&slow.claims(&json!({"sub": "bob"})))).await.unwrap();
        ask(world.channel(), &pair.sign(&issuer.claims(&json!({})))).await.unwrap();
    };
    tokio::select! {
        (told, ..) = futures_util::future::select_all(waiting.map(Box::pin)) => panic!("before the others: {told:?}"),
        () = others => {}
    }
    assert_eq!(slow.asked("/keys"), 2, "all wait for one answer");
}

#[tokio::test]
async fn an_issuer_that_is_down_is_no_denial_and_what_was_known_stays_known() {
    let pair = Pair::new("one");
    let issuer = Issuer::start(&[&pair]).await;
    issuer.says("/keys", None);
    let world = World::start_with(wants(&issuer)).await;
    let token = pair.sign(&issuer.claims(&json!({})));
    let status = ask(world.channel(), &token).await.unwrap_err();
    assert_eq!(reason(&status), (Code::Unavailable, "ISSUER_UNAVAILABLE".to_owned()));
    issuer.says("/keys", Some(set(&[&pair])));
    let back = async {
        while ask(world.channel(), &token).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, back).await.unwrap();
    issuer.says("/keys", None);
    issuer.says(DISCOVERY, None);
    // Has it ask, in vain: the issuer may have such a key by now. And so says whoever comes soon after.
    let unknown = pair.sign_as(Some("JWT"), Some("two"), &issuer.claims(&json!({})));
    for _ in 0..2 {
        let status = ask(world.channel(), &unknown).await.unwrap_err();
        assert_eq!(reason(&status), (Code::Unavailable, "ISSUER_UNAVAILABLE".to_owned()));
    }
    ask(world.channel(), &pair.sign(&issuer.claims(&json!({"sub": "bob"})))).await.unwrap();
}
