//! Bearer tokens over the wire: what a good one is good for, and what an attacker tries.

mod forgeries;
pub(crate) mod issuer;
mod issuers;
mod strangers;
mod workloads;

use std::fs;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use strongroom::{
    config::{Config, Credential, DefaultAccess, IssuerConfig},
    proto::{
        Authentication, ListAuditEventsRequest, ListVaultsRequest, WhoAmIRequest, WhoAmIResponse,
        access_service_client::AccessServiceClient, vault_service_client::VaultServiceClient,
    },
};
use tonic::{Code, Request, Status, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use self::issuer::{Issuer, Pair, set};
use crate::{
    doorway::wire::{Raw, framed},
    harness::{World, reason},
    served::Served,
};

const WHO_AM_I: &str = "/strongroom.v1.AccessService/WhoAmI";

pub(crate) fn with<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// Takes tokens of the issuer alone.
pub(crate) fn wants(issuer: &Issuer) -> impl FnOnce(&mut Config) {
    let corp = IssuerConfig::new("corp", &issuer.url, "strongroom");
    |config| {
        config.access.issuers = vec![corp];
        config.access.require = vec![Credential::Token];
    }
}

pub(crate) async fn world() -> (World, Issuer, Pair) {
    world_with(|_| {}).await
}

/// A server that takes tokens of one issuer alone, that issuer, and what it signs by.
pub(crate) async fn world_with(change: impl FnOnce(&mut Config)) -> (World, Issuer, Pair) {
    let pair = Pair::new("one");
    let issuer = Issuer::start(&[&pair]).await;
    let corp = wants(&issuer);
    let world = World::start_with(|config| {
        corp(config);
        change(config);
    })
    .await;
    (world, issuer, pair)
}

async fn ask(channel: Channel, token: &str) -> Result<WhoAmIResponse, Status> {
    Ok(AccessServiceClient::new(channel).who_am_i(with(token, WhoAmIRequest {})).await?.into_inner())
}

/// That a token is refused, and what the caller is told; which is nothing out of the token.
async fn refused(world: &World, token: &str) -> String {
    let status = ask(world.channel(), token).await.unwrap_err();
    assert_eq!(reason(&status), (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned()));
    assert!(!status.message().contains(token), "{status:?}");
    status.message().to_owned()
}

#[tokio::test]
async fn a_good_token_says_who_calls() {
    let (world, issuer, pair) = world().await;
    let answer = ask(world.channel(), &pair.sign(&issuer.claims(&json!({})))).await.unwrap();
    let principal = answer.principal.unwrap();
    assert_eq!((principal.name.as_str(), principal.issuer), ("corp:alice", issuer.url.clone()));
    assert_eq!(principal.authentication, i32::from(Authentication::Token));
    assert!(answer.expire_time.is_some());
    let token = pair.sign_as(Some("at+jwt"), None, &issuer.claims(&json!({"aud": ["other", "strongroom"]})));
    ask(world.channel(), &token).await.unwrap();
    let kept = AccessServiceClient::new(world.channel());
    let status = kept.clone().list_audit_events(with(&token, ListAuditEventsRequest::default())).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "AUDIT_NOT_KEPT".to_owned()));
}

#[tokio::test]
async fn who_brings_no_token_is_told_to_and_whether_the_server_lives_is_told_to_everybody() {
    let (world, ..) = world().await;
    let status = AccessServiceClient::new(world.channel()).who_am_i(WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(reason(&status), (Code::Unauthenticated, "CREDENTIALS_MISSING".to_owned()));
    assert_eq!(status.metadata().get("www-authenticate").unwrap(), "Bearer");
    HealthClient::new(world.channel()).check(HealthCheckRequest::default()).await.unwrap();
    let mut raw = Raw::connect(&world).await;
    let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    assert_eq!(raw.call(reflection, &[], framed(&[])).await.status().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn without_authentication_a_caller_on_this_machine_is_anonymous() {
    let world = World::start().await;
    let answer = AccessServiceClient::new(world.channel()).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner();
    assert_eq!(answer.principal.unwrap().name, "anonymous");
    assert_eq!(answer.expire_time, None);
}

#[tokio::test]
async fn where_other_machines_reach_the_server_credentials_are_wanted_unless_it_says_otherwise() {
    for (allow_anonymous, expected) in [(false, Code::Unauthenticated), (true, Code::Ok)] {
        let (pair, every) = (Pair::new("one"), ([0, 0, 0, 0], 0).into());
        let issuer = Issuer::start(&[&pair]).await;
        let corp = IssuerConfig::new("corp", &issuer.url, "strongroom");
        let world = World::start_with(|config| {
            config.server.listen = every;
            config.access.issuers = vec![corp];
            config.access.allow_anonymous = allow_anonymous;
        })
        .await;
        let asked = AccessServiceClient::new(world.channel()).who_am_i(WhoAmIRequest {}).await;
        assert_eq!(asked.err().map_or(Code::Ok, |status| status.code()), expected);
        ask(world.channel(), &pair.sign(&issuer.claims(&json!({})))).await.unwrap();
        let bad = pair.sign(&issuer.claims(&json!({"aud": "other"})));
        refused(&world, &bad).await;
    }
}

#[tokio::test]
async fn a_token_of_another_time_issuer_audience_or_type_is_refused() {
    let (world, issuer, pair) = world().await;
    let now = jiff::Timestamp::now().as_second();
    for (change, told) in [
        (json!({"exp": now - 61}), "expired"),
        (json!({"exp": null}), "exp"),
        (json!({"nbf": now + 90}), "not yet"),
        (json!({"iat": now + 90}), "future"),
        (json!({"iss": "https://elsewhere.example.com"}), "issuer"),
        (json!({"aud": "another"}), "audience"),
        (json!({"sub": ""}), "no caller"),
    ] {
        let text = refused(&world, &pair.sign(&issuer.claims(&change))).await;
        assert!(text.contains(told), "{change}: {text}");
    }
    let text = refused(&world, &pair.sign_as(Some("id+jwt"), Some("one"), &issuer.claims(&json!({})))).await;
    assert!(text.contains("type"), "{text}");
}

/// A token with this header, signed by nobody or by what everybody knows.
fn forged(header: &Value, claims: &Value, signature: impl FnOnce(&str) -> String) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = signature(&message);
    format!("{message}.{signature}")
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let (world, issuer, pair) = world().await;
    let claims = issuer.claims(&json!({}));
    for none in ["none", "None", "NONE", ""] {
        let token = forged(&json!({"alg": none, "typ": "JWT", "kid": "one"}), &claims, |_| String::new());
        refused(&world, &token).await;
    }
    let good = pair.sign(&claims);
    let (message, _) = good.rsplit_once('.').unwrap();
    refused(&world, &format!("{message}.")).await;
    refused(&world, message).await;
}

#[tokio::test]
async fn a_token_signed_by_the_public_key_as_if_it_were_a_secret_is_refused() {
    let (world, issuer, pair) = world().await;
    let (public, (pem, der)) = (pair.public(), pair.published.clone());
    let bare = pem.trim_end().as_bytes().to_vec();
    let x = public["x"].as_str().unwrap().as_bytes().to_vec();
    for secret in [public.to_string().into_bytes(), x, pem.into_bytes(), bare, der] {
        let key = jsonwebtoken::EncodingKey::from_secret(&secret).unwrap();
        let token =
            forged(&json!({"alg": "HS256", "typ": "JWT", "kid": "one"}), &issuer.claims(&json!({})), |message| {
                jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap()
            });
        assert!(refused(&world, &token).await.contains("alg"));
    }
}

#[tokio::test]
async fn a_token_of_another_key_under_a_known_name_is_refused_as_is_one_that_brings_its_own_key() {
    let (world, issuer, pair) = world().await;
    let mallory = Pair::new("one");
    let claims = issuer.claims(&json!({}));
    assert!(refused(&world, &mallory.sign(&claims)).await.contains("not signed"));
    let header =
        json!({"alg": "ES256", "typ": "JWT", "kid": "one", "jwk": mallory.public(), "jku": "http://127.0.0.1:1"});
    let signature = mallory.sign(&claims).rsplit_once('.').unwrap().1.to_owned();
    refused(&world, &forged(&header, &claims, |_| signature)).await;
    // The good one's claims with others put in their place.
    let good = pair.sign(&claims);
    let parts: Vec<&str> = good.split('.').collect();
    let admin = URL_SAFE_NO_PAD.encode(issuer.claims(&json!({"sub": "admin"})).to_string());
    refused(&world, &format!("{}.{admin}.{}", parts[0], parts[2])).await;
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_the_issuer_once() {
    let (world, issuer, pair) = world().await;
    ask(world.channel(), &pair.sign(&issuer.claims(&json!({})))).await.unwrap();
    let before = issuer.asked("/keys");
    let flood = (0..40).map(|number| {
        let token = pair.sign_as(Some("JWT"), Some(&format!("unknown-{number}")), &issuer.claims(&json!({})));
        let channel = world.channel();
        async move { reason(&ask(channel, &token).await.unwrap_err()) }
    });
    for told in futures_util::future::join_all(flood).await {
        assert_eq!(told, (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned()));
    }
    assert_eq!(issuer.asked("/keys") - before, 1);
    assert_eq!(issuer.asked("/.well-known/openid-configuration"), 1, "where the keys are is remembered");
}

#[tokio::test]
async fn a_huge_token_and_two_tokens_are_refused() {
    let (world, issuer, pair) = world_with(|config| {
        config.server.connections.max_header_bytes = 65_536;
    })
    .await;
    let huge = pair.sign(&issuer.claims(&json!({"padding": "x".repeat(20_000)})));
    assert!(refused(&world, &huge).await.contains("bytes"));
    let mut twice = with(&pair.sign(&issuer.claims(&json!({}))), WhoAmIRequest {});
    let other = pair.sign(&issuer.claims(&json!({"sub": "bob"})));
    twice.metadata_mut().append("authorization", format!("Bearer {other}").parse().unwrap());
    let status = AccessServiceClient::new(world.channel()).who_am_i(twice).await.unwrap_err();
    assert_eq!(reason(&status), (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned()));
    let mut raw = Raw::connect(&world).await;
    let basic = raw.call(WHO_AM_I, &[("authorization", "Basic YWxpY2U6c2VjcmV0")], framed(&[])).await.status();
    assert_eq!(reason(&basic), (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned()));
}

#[tokio::test]
async fn claims_cannot_write_lines_into_the_log() {
    let (world, issuer, pair) = world().await;
    for sub in ["alice\n{\"level\":\"ERROR\"}", "\u{1b}[31malice", "al\u{202e}ice"] {
        let text = refused(&world, &pair.sign(&issuer.claims(&json!({"sub": sub})))).await;
        assert!(!text.contains("alice") && !text.contains('\n'), "{text}");
    }
}

#[tokio::test]
async fn keys_are_exchanged_without_a_restart_and_what_the_old_one_signed_ends_with_it() {
    let (world, issuer, old) = world().await;
    let before = old.sign(&issuer.claims(&json!({})));
    ask(world.channel(), &before).await.unwrap();
    let new = Pair::new("two");
    issuer.says("/keys", Some(set(&[&new])));
    ask(world.channel(), &before).await.unwrap();
    ask(world.channel(), &new.sign(&issuer.claims(&json!({})))).await.unwrap();
    refused(&world, &before).await;
}

#[tokio::test]
async fn where_only_who_am_i_is_allowed_all_else_is_denied() {
    let (world, issuer, pair) = world_with(|config| {
        config.access.default = DefaultAccess::WhoAmIOnly;
    })
    .await;
    let token = pair.sign(&issuer.claims(&json!({})));
    ask(world.channel(), &token).await.unwrap();
    let mut vaults = VaultServiceClient::new(world.channel());
    let status = vaults.list_vaults(with(&token, ListVaultsRequest::default())).await.unwrap_err();
    assert_eq!(reason(&status), (Code::PermissionDenied, "ACCESS_DENIED".to_owned()));
    assert!(status.message().contains("corp:alice"), "{status:?}");
}

#[tokio::test]
async fn calls_that_are_denied_are_counted_like_others() {
    let (world, issuer, pair) = world_with(|config| {
        config.access.default = DefaultAccess::WhoAmIOnly;
        config.access.max_calls_per_second = 1;
        config.access.max_call_burst = 3;
    })
    .await;
    let token = pair.sign(&issuer.claims(&json!({})));
    let mut vaults = VaultServiceClient::new(world.channel());
    let mut told = Vec::new();
    for _ in 0..8 {
        told.push(reason(&vaults.list_vaults(with(&token, ListVaultsRequest::default())).await.unwrap_err()).1);
    }
    assert_eq!((&*told[0], &*told[2], &*told[7]), ("ACCESS_DENIED", "ACCESS_DENIED", "RATE_LIMITED"), "{told:?}");
}

#[tokio::test]
async fn a_token_is_verified_once_and_stands_in_no_log_trace_or_metric() {
    let pair = Pair::new("one");
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    fs::write(&keys, set(&[&pair]).to_string()).unwrap();
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({"iss": "https://id.example.com", "aud": "strongroom", "sub": "alice", "exp": now + 600});
    let served = Served::start(&[
        "log.level=trace",
        "access.issuers.corp.issuer=https://id.example.com",
        "access.issuers.corp.audiences=strongroom",
        &format!("access.issuers.corp.jwks_file={}", keys.display()),
    ])
    .await;
    let channel = served.channel().await;
    let token = pair.sign(&claims);
    for _ in 0..5 {
        ask(channel.clone(), &token).await.unwrap();
    }
    let mut expired = claims.clone();
    expired["exp"] = (now - 600).into();
    let bad = pair.sign(&expired);
    ask(channel.clone(), &bad).await.unwrap_err();
    let told = served.stop().await;
    let counted =
        |outcome| told.value("strongroom.access.authentications", &[("issuer", "corp"), ("outcome", outcome)]);
    assert_eq!((counted("verified"), counted("remembered"), counted("expired")), (Some(1.0), Some(4.0), Some(1.0)));
    let named = told.rpcs().iter().filter(|line| line["principal"] == "corp:alice").count();
    assert_eq!(named, 5, "{:#?}", told.lines);
    let traced = format!("{:?} {:?}", told.spans, told.points);
    for token in [token, bad] {
        for part in token.split('.') {
            // A header alone is nobody's secret, and the same in every token.
            assert!(!told.raw.contains(part) && !traced.contains(part), "{part}");
        }
    }
}
