//! Callers who show a certificate, and what it says of them; a token beside it.

use serde_json::json;
use strongroom::{
    config::{Credential, IssuerConfig},
    proto::WhoAmIResponse,
};
use tonic::Request;

use super::*;
use crate::tokens::{
    issuer::{Issuer, Pair},
    with,
};

async fn whole(channel: Channel, request: Request<WhoAmIRequest>) -> Result<WhoAmIResponse, tonic::Status> {
    Ok(AccessServiceClient::new(channel).who_am_i(request).await?.into_inner())
}

#[tokio::test]
async fn who_is_known_by_a_certificate_is_told_until_when_it_holds() {
    let ours = Authority::new("ours");
    let server = Encrypted::start_knowing(&ours, |_| {}).await;
    let ends = seconds_now() + 3600;
    let client = ours.signs(|it| {
        it.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(ends);
        it.subject_alt_names = vec![SanType::URI("spiffe://example/portal".try_into().unwrap())];
    });
    let answer =
        whole(server.channel(&ours, Some(&client)).await.unwrap(), Request::new(WhoAmIRequest {})).await.unwrap();
    assert_eq!(answer.expire_time.unwrap().seconds, i64::try_from(ends).unwrap());
    let principal = answer.principal.unwrap();
    assert_eq!(
        (principal.name.as_str(), principal.certificate_name.as_str()),
        ("spiffe://example/portal", "spiffe://example/portal")
    );
    assert_eq!((principal.issuer.as_str(), principal.groups.len()), ("", 0));
}

#[tokio::test]
async fn where_both_are_required_who_brings_one_is_told_what_is_missing_and_who_brings_both_is_known_by_both() {
    let (ours, pair) = (Authority::new("ours"), Pair::new("one"));
    let issuer = Issuer::start(&[&pair]).await;
    let corp = IssuerConfig::new("corp", &issuer.url, "strongroom");
    let server = Encrypted::start_knowing(&ours, |config| {
        config.server.tls.client_certificate = ClientCertificate::Optional;
        config.access.issuers = vec![corp];
        config.access.require = vec![Credential::Token, Credential::Certificate];
    })
    .await;
    let portal = client(&ours, "spiffe://example/portal");
    let (with_certificate, without) =
        (server.channel(&ours, Some(&portal)).await.unwrap(), server.channel(&ours, None).await.unwrap());
    let token = pair.sign(&issuer.claims(&json!({})));
    let missing = (Code::Unauthenticated, "CREDENTIALS_MISSING".to_owned());
    for (channel, request, told) in [
        (&with_certificate, Request::new(WhoAmIRequest {}), "token"),
        (&without, with(&token, WhoAmIRequest {}), "certificate"),
        (&without, Request::new(WhoAmIRequest {}), "token"),
    ] {
        let status = whole(channel.clone(), request).await.unwrap_err();
        assert_eq!(reason(&status), missing);
        assert!(status.message().contains(told), "{status:?}");
    }
    let answer = whole(with_certificate.clone(), with(&token, WhoAmIRequest {})).await.unwrap();
    let until = answer.expire_time.unwrap().seconds;
    let principal = answer.principal.unwrap();
    assert_eq!(principal.authentication(), Authentication::TokenAndCertificate);
    assert_eq!(
        (principal.name.as_str(), principal.certificate_name.as_str()),
        ("corp:alice", "spiffe://example/portal")
    );
    assert!(until <= i64::try_from(seconds_now()).unwrap() + 600, "the token ends before the certificate");
    // A certificate makes no bad token good.
    let bad = pair.sign(&issuer.claims(&json!({"aud": "other"})));
    let status = whole(with_certificate, with(&bad, WhoAmIRequest {})).await.unwrap_err();
    assert_eq!(reason(&status), (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned()));
}

#[tokio::test]
async fn where_either_is_taken_a_bad_one_is_refused_though_the_other_is_good() {
    let (ours, pair) = (Authority::new("ours"), Pair::new("one"));
    let issuer = Issuer::start(&[&pair]).await;
    let corp = IssuerConfig::new("corp", &issuer.url, "strongroom");
    let server = Encrypted::start_knowing(&ours, |config| {
        config.server.tls.client_certificate = ClientCertificate::Optional;
        config.access.issuers = vec![corp];
    })
    .await;
    let nameless = ours.signs(|it| {
        it.distinguished_name = rcgen::DistinguishedName::new();
        it.subject_alt_names = vec![SanType::URI("https://example/portal".try_into().unwrap())];
    });
    let two = ours.signs(|it| {
        it.subject_alt_names =
            ["a", "b"].map(|id| SanType::URI(format!("spiffe://example/{id}").as_str().try_into().unwrap())).into();
    });
    let token = pair.sign(&issuer.claims(&json!({})));
    for (client, told) in [(nameless, "no name that is taken"), (two, "several SPIFFE ids")] {
        let channel = server.channel(&ours, Some(&client)).await.unwrap();
        for request in [Request::new(WhoAmIRequest {}), with(&token, WhoAmIRequest {})] {
            let status = whole(channel.clone(), request).await.unwrap_err();
            assert_eq!(reason(&status), (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned()));
            assert!(status.message().contains(told), "{status:?}");
        }
    }
    let answer = whole(server.channel(&ours, None).await.unwrap(), with(&token, WhoAmIRequest {})).await.unwrap();
    assert_eq!(answer.principal.unwrap().authentication(), Authentication::Token);
}
