use jiff::Timestamp;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{
    clock::{Reading, after_the_next_run, reading},
    guide::{Guide, Stop, refusal},
    names::request_id,
};
use crate::{
    cli::{UNREACHABLE, client::way::Way},
    proto,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_call_is_shown_as_its_grpcurl_command() {
    let way = Way::to("http://127.0.0.1:50051/").unwrap();
    let guide = Guide::over(way.endpoint().unwrap().connect_lazy(), way, false).unwrap();
    let request = proto::CreateSelectionRequest {
        plan: "it's mine".to_owned(),
        r#match: proto::Match::All.into(),
        ..Default::default()
    };
    let shown = guide.grpcurl("PlanService/CreateSelection", &request).unwrap();
    assert_eq!(
        shown,
        r#"$ grpcurl -plaintext -d '{"plan":"it'\''s mine","match":"MATCH_ALL"}' 127.0.0.1:50051 strongroom.v1.PlanService/CreateSelection"#
    );
    assert!(matches!(guide.grpcurl("PlanService/Nothing", &request), Err(Stop::Failed(_))));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_one_that_refuses() {
    let nobody = Guide::connect(Way::to("http://127.0.0.1:1").unwrap(), false).await;
    assert!(matches!(&nobody, Err(Stop::Told(failure)) if failure.code == UNREACHABLE), "{nobody:?}");
    assert!(matches!(refusal("X/Y", &Status::unavailable("closed")), Stop::Unreachable(_)));
}

#[test]
fn a_refusal_tells_reason_metadata_and_every_field() {
    let mut details = ErrorDetails::with_error_info(
        "INVALID_REQUEST",
        "strongroom",
        [("aws_request_id".to_owned(), "R1".to_owned())],
    );
    details.add_bad_request_violation("name", "too long").add_bad_request_violation("tags", "too many");
    let status = Status::with_error_details(Code::InvalidArgument, "2 faults", details);
    let Stop::Failed(text) = refusal("VaultService/CreateVault", &status) else { panic!("{status:?}") };
    assert_eq!(
        text,
        "VaultService/CreateVault was refused: 2 faults\n  name: too long\n  tags: too many\n  code: INVALID_ARGUMENT\n  \
         reason: INVALID_REQUEST\n  aws_request_id: R1"
    );
}

#[test]
fn the_same_step_on_the_same_thing_has_the_same_id() {
    assert_eq!(request_id("backup", &["a", "b"]), request_id("backup", &["a", "b"]));
    let different = [("backup", vec!["ab", ""]), ("backup", vec!["a"]), ("restore", vec!["a", "b"])];
    for (step, about) in different {
        assert_ne!(request_id(step, &about), request_id("backup", &["a", "b"]), "{step} {about:?}");
    }
    assert!(uuid::Uuid::parse_str(&request_id("backup", &[])).is_ok());
}

#[test]
fn the_clock_goes_just_past_the_next_run() {
    for (now, then) in [
        ("2026-01-31T04:00:00Z", "2026-01-31T05:02:00Z"),
        ("2026-01-31T04:59:59Z", "2026-01-31T05:02:00Z"),
        ("2026-01-31T05:00:00Z", "2026-02-01T05:02:00Z"),
        ("2026-12-31T23:00:00Z", "2027-01-01T05:02:00Z"),
    ] {
        assert_eq!(after_the_next_run(at(now)), at(then), "{now}");
    }
}

#[test]
fn what_is_no_clock_is_not_read_as_one() {
    let manual = reading(br#"{"now":"2026-01-31T04:00:00Z","mode":"manual"}"#);
    assert_eq!(manual, Some(Reading { now: at("2026-01-31T04:00:00Z"), manual: true }));
    let auto = reading(br#"{"now":"2026-01-31T04:00:00Z","mode":"auto","speed":1.0}"#);
    assert_eq!(auto, Some(Reading { now: at("2026-01-31T04:00:00Z"), manual: false }));
    for body in ["", "{}", "<html>", r#"{"now":"soon","mode":"auto"}"#, r#"{"now":"2026-01-31T04:00:00Z"}"#] {
        assert_eq!(reading(body.as_bytes()), None, "{body}");
    }
}
