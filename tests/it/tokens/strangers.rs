//! What callers cost who bring tokens that are not good.

use serde_json::json;
use tonic::{Code, Status};

use super::{Pair, Raw, WHO_AM_I, framed, reason, world_with};

async fn call(raw: &mut Raw, token: &str) -> Status {
    raw.call(WHO_AM_I, &[("authorization", &format!("Bearer {token}"))], framed(&[])).await.status()
}

#[tokio::test]
async fn who_sends_forgeries_without_end_is_not_even_looked_at_and_those_who_are_known_come_past_them() {
    let (world, issuer, pair) = world_with(|config| {
        config.access.max_calls_per_second = 1;
        config.access.max_call_burst = 10;
    })
    .await;
    let token = |sub: &str| pair.sign(&issuer.claims(&json!({ "sub": sub })));
    let (known, mallory) = (token("alice"), Pair::new("one"));
    let mut raw = Raw::connect(&world).await;
    assert_eq!(call(&mut raw, &known).await.code(), Code::Ok);
    let mut told = Vec::new();
    for number in 0..30 {
        let forged = mallory.sign(&issuer.claims(&json!({"sub": format!("{number}")})));
        told.push(reason(&call(&mut raw, &forged).await));
    }
    let refused = (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned());
    let limited = (Code::ResourceExhausted, "RATE_LIMITED".to_owned());
    assert_eq!((&told[..10], &told[29]), (&vec![refused; 10][..], &limited), "{told:?}");
    // Theirs is a token that the server has seen; a new one has to wait, and is told so rather than denied.
    assert_eq!(call(&mut raw, &known).await.code(), Code::Ok);
    let status = call(&mut raw, &token("bob")).await;
    assert_eq!(reason(&status), limited);
    assert!(status.message().contains("access.max_calls_per_second"), "{status:?}");
    // Another address is another's.
    let mut elsewhere = Raw::connect_from(&world, [127, 0, 0, 2]).await;
    assert_eq!(call(&mut elsewhere, &token("bob")).await.code(), Code::Ok);
}

#[tokio::test]
async fn callers_whose_tokens_are_good_are_no_strangers_however_many_they_are() {
    let (world, issuer, pair) = world_with(|config| {
        config.access.max_calls_per_second = 1;
        config.access.max_call_burst = 2;
    })
    .await;
    let mut raw = Raw::connect(&world).await;
    for number in 0..20 {
        let token = pair.sign(&issuer.claims(&json!({"sub": format!("user-{number}")})));
        assert_eq!(call(&mut raw, &token).await.code(), Code::Ok, "{number}");
    }
}
