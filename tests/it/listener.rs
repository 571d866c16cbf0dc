//! Connections: how many, how old, how silent, and what one of them may do to the others.

mod frames;

use std::time::Duration;

use serde_json::json;
use strongroom::lifecycle::Outcome;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use self::frames::{
    ACK, CANCEL, DATA, END_HEADERS, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, PING, PREFACE, REFUSED_STREAM, RST_STREAM, Raw,
    SETTINGS, WINDOW_UPDATE, frame, headers,
};
use crate::harness::{PATIENCE, World};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const LIST_VAULTS: &str = "/strongroom.v1.VaultService/ListVaults";
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_HEADER_LIST_SIZE: u16 = 6;

const MOMENT: Duration = Duration::from_millis(100);

/// Somebody else, on a connection of his own, is answered.
async fn others_are_answered(world: &World) {
    let channel = Channel::from_shared(world.url().to_owned()).unwrap().connect().await.unwrap();
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test]
async fn who_does_not_begin_to_speak_is_hung_up_on() {
    let world = World::start_with(|config| config.server.connections.handshake_timeout = MOMENT).await;
    for beginning in [&b""[..], &PREFACE[..1], &PREFACE[..17], PREFACE, b"GET / HTTP/1.1\r\nHost:", b"\x00\x00"] {
        let mut raw = Raw::connect(world.url()).await;
        raw.send(beginning).await;
        let said = raw.until_closed().await;
        assert!(said.iter().all(|frame| [SETTINGS, WINDOW_UPDATE].contains(&frame.kind)), "{beginning:?}: {said:?}");
    }
    others_are_answered(&world).await;
}

#[tokio::test]
async fn who_has_no_request_is_told_to_go_and_so_is_one_that_never_ends_its_header() {
    let world = World::start_with(|config| config.server.connections.idle_timeout = MOMENT).await;
    let mut idle = Raw::open(world.url(), &[]).await;
    assert_eq!(idle.next_of(GOAWAY).await.code(), 0);
    let ended = idle.until_closed().await;
    assert!(ended.iter().all(|frame| frame.kind == GOAWAY || frame.kind == PING), "{ended:?}");

    let mut half = Raw::open(world.url(), &[]).await;
    half.frame(HEADERS, 0, 1, &headers(CHECK)[..20]).await;
    // It cannot even answer the ping, with a header block begun.
    assert_eq!(half.next_of(GOAWAY).await.code(), 0);
    half.until_closed().await;
}

#[tokio::test]
async fn the_wrong_protocol_is_told_so() {
    let world = World::start().await;
    for request in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"POST /a/b HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello"]
    {
        let mut raw = Raw::connect(world.url()).await;
        raw.send(request).await;
        let answer = raw.text().await;
        assert!(answer.starts_with("HTTP/1.") && answer.contains(" 505 HTTP Version Not Supported\r\n"), "{answer}");
        assert!(answer.ends_with("must speak gRPC or HTTP/2 (h2c).\n"), "{answer}");
    }
    let mut garbage = Raw::connect(world.url()).await;
    garbage.send(b"\x01\x02\x03 what is this\r\n\r\n").await;
    assert!(garbage.text().await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    let mut tls = Raw::connect(world.url()).await;
    tls.send(&[&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[7; 400]].concat()).await;
    let answer = tls.text().await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n") && answer.contains("without TLS"), "{answer}");
}

#[tokio::test]
async fn the_bounds_of_a_connection_are_announced() {
    let world = World::start_with(|config| config.server.connections.max_streams_per_connection = 7).await;
    let mut raw = Raw::open(world.url(), &[]).await;
    let settings = raw.next_of(SETTINGS).await;
    assert_eq!(settings.setting(MAX_CONCURRENT_STREAMS), Some(7));
    assert_eq!(
        settings.setting(MAX_HEADER_LIST_SIZE),
        Some(2 * 16 * 1024),
        "twice the bound: what is over it is told why"
    );
    assert!(settings.setting(INITIAL_WINDOW_SIZE).is_none_or(|window| window == 65_535), "{settings:?}");
}

#[tokio::test]
async fn streams_beyond_the_bound_are_refused_one_by_one() {
    let world = World::start_with(|config| config.server.connections.max_streams_per_connection = 7).await;
    let mut raw = Raw::open(world.url(), &[]).await;
    let flood: Vec<u8> =
        (0..100).flat_map(|number| frame(HEADERS, END_HEADERS, 2 * number + 1, &headers(LIST_VAULTS))).collect();
    raw.send(&flood).await;
    for number in 7..100 {
        let refused = raw.next_of(RST_STREAM).await;
        assert_eq!((refused.stream, refused.code()), (2 * number + 1, REFUSED_STREAM));
    }
    others_are_answered(&world).await;
}

#[tokio::test]
async fn who_opens_and_resets_without_end_is_thrown_out() {
    let world = World::start_with(|config| config.server.connections.max_streams_per_connection = 10).await;
    let opened_and_reset = |number: u32| {
        let stream = 2 * number + 1;
        [
            frame(HEADERS, END_HEADERS, stream, &headers(LIST_VAULTS)),
            frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()),
        ]
        .concat()
    };
    // All at once that there may be: that may happen to anybody.
    let mut hasty = Raw::open(world.url(), &[]).await;
    hasty.send(&(0..10).flat_map(opened_and_reset).collect::<Vec<u8>>()).await;
    hasty.request(101, CHECK, &[]).await;
    assert_eq!(hasty.next_of(HEADERS).await.stream, 101);

    let mut raw = Raw::open(world.url(), &[]).await;
    raw.send(&(0..2000).flat_map(opened_and_reset).collect::<Vec<u8>>()).await;
    assert_eq!(raw.next_of(GOAWAY).await.code(), ENHANCE_YOUR_CALM);
    others_are_answered(&world).await;
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_given_up_and_its_connection_goes_on() {
    let world = World::start_with(|config| config.server.connections.unread_timeout = MOMENT).await;
    let mut raw = Raw::open(world.url(), &[(INITIAL_WINDOW_SIZE, 0)]).await;
    raw.request(1, LIST_VAULTS, &[]).await;
    let given_up = raw.next_of(RST_STREAM).await;
    assert_eq!((given_up.stream, given_up.code()), (1, CANCEL));
    // A reader that is only slow: the window is opened after a while, and the whole answer comes.
    raw.request(3, CHECK, &[]).await;
    while raw.next_of(HEADERS).await.stream != 3 {}
    raw.frame(WINDOW_UPDATE, 0, 3, &1000_u32.to_be_bytes()).await;
    assert_eq!(raw.next_of(DATA).await.stream, 3);
}

#[tokio::test]
async fn a_watch_that_has_nothing_to_say_is_not_taken_for_unread() {
    let world = World::start_with(|config| config.server.connections.unread_timeout = Duration::from_millis(1)).await;
    let mut raw = Raw::open(world.url(), &[]).await;
    raw.request(1, "/grpc.health.v1.Health/Watch", &[]).await;
    assert_eq!(raw.next_of(DATA).await.stream, 1);
    for ping in 0_u8..20 {
        raw.frame(PING, 0, 0, &[ping; 8]).await;
        let echo = raw.next().await.unwrap();
        assert_eq!((echo.kind, echo.flags, echo.payload), (PING, ACK, vec![ping; 8]), "nothing but the echo");
    }
}

#[tokio::test]
async fn a_connection_past_its_age_is_told_to_go_and_its_call_ends_well() {
    let world = World::start_with(|config| config.server.connections.max_connection_age = MOMENT).await;
    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": {"delay_ms": 1000}})).await;
    let mut raw = Raw::open(world.url(), &[]).await;
    raw.request(1, LIST_VAULTS, &[]).await;
    assert_eq!(raw.next_of(GOAWAY).await.code(), 0, "told to go while the call is under way");
    assert_eq!(raw.next_of(DATA).await.stream, 1);
    assert_eq!(raw.next_of(HEADERS).await.stream, 1, "the trailers");
    raw.until_closed().await;
}

#[tokio::test]
async fn a_connection_past_its_age_and_its_grace_is_cut_off() {
    let world = World::start_with(|config| {
        config.server.connections.max_connection_age = MOMENT;
        config.server.connections.max_connection_age_grace = MOMENT;
    })
    .await;
    let mut raw = Raw::open(world.url(), &[]).await;
    // Never ends its message.
    raw.frame(HEADERS, END_HEADERS, 1, &headers(LIST_VAULTS)).await;
    assert_eq!(raw.next_of(GOAWAY).await.code(), 0);
    raw.until_closed().await;
}

#[tokio::test]
async fn a_full_house_makes_room_for_who_speaks() {
    let world = World::start_with(|config| config.server.connections.max_connections = 3).await;
    let mut silent = Raw::connect(world.url()).await;
    let mut idle = Raw::open(world.url(), &[]).await;
    idle.next_of(SETTINGS).await;
    for _ in 0..5 {
        others_are_answered(&world).await;
    }
    silent.until_closed().await;
    idle.next_of(GOAWAY).await;
}

#[tokio::test]
async fn a_peer_whose_connections_are_all_at_work_gets_no_further_one() {
    let world = World::start_with(|config| config.server.connections.max_connections_per_peer = 2).await;
    let watch = async || {
        let mut raw = Raw::open(world.url(), &[]).await;
        raw.request(1, "/grpc.health.v1.Health/Watch", &[]).await;
        assert_eq!(raw.next_of(DATA).await.stream, 1);
        raw
    };
    let (_first, second) = (watch().await, watch().await);
    let mut third = Raw::connect(world.url()).await;
    assert_eq!(third.text().await, "", "hung up on without a word");
    drop(second);
    let again = async {
        loop {
            let mut raw = Raw::open(world.url(), &[]).await;
            if raw.next().await.is_some() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("its place is free again");
}

#[tokio::test]
async fn no_connection_holds_a_drain_whatever_it_is_in() {
    let world = World::start().await;
    let _silent = Raw::connect(world.url()).await;
    let mut half_preface = Raw::connect(world.url()).await;
    half_preface.send(&PREFACE[..9]).await;
    let mut half_header = Raw::open(world.url(), &[]).await;
    half_header.frame(HEADERS, 0, 1, &headers(CHECK)[..20]).await;
    let mut unread = Raw::open(world.url(), &[(INITIAL_WINDOW_SIZE, 0)]).await;
    unread.request(1, "/grpc.health.v1.Health/Watch", &[]).await;
    unread.next_of(HEADERS).await;
    let mut reflection = Raw::open(world.url(), &[]).await;
    let method = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    reflection.frame(HEADERS, END_HEADERS, 1, &headers(method)).await;

    let stopped = world.life().run(std::future::pending, || tokio::time::sleep(PATIENCE));
    let (outcome, goaway) = tokio::join!(stopped, async {
        world.life().stop();
        unread.next_of(GOAWAY).await
    });
    assert_eq!((outcome, goaway.code()), (Outcome::Drained, 0));
    let channel = Channel::from_shared(world.url().to_owned()).unwrap();
    assert!(channel.connect().await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn an_age_does_not_shorten_a_drain() {
    let world = World::start_with(|config| {
        config.server.connections.max_connection_age = MOMENT;
        config.server.connections.max_connection_age_grace = Duration::ZERO;
    })
    .await;
    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": {"delay_ms": 1500}})).await;
    let mut vaults = world.vaults();
    let mut list = Box::pin(vaults.list_vaults(strongroom::proto::ListVaultsRequest::default()));
    let begun = async {
        while !world.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        early = &mut list => panic!("{early:?}"),
        () = begun => {}
    }
    let stopped = world.life().run(std::future::pending, || tokio::time::sleep(PATIENCE));
    let (outcome, listed) = tokio::join!(stopped, async {
        world.life().stop();
        list.await
    });
    assert_eq!(listed.map_err(|status| status.code()).map(|_| Code::Ok), Ok(Code::Ok));
    assert_eq!(outcome, Outcome::Drained);
}
