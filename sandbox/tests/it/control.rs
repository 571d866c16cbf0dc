use serde_json::{Value, json};

use crate::harness::{START, start, start_with};

#[tokio::test]
async fn the_clock_is_shown_and_moved_by_hand() {
    let aws = start().await;
    assert_eq!(aws.control("GET", "/clock", Value::Null).await.1, json!({"now": START, "mode": "manual"}));
    let (_, moved) = aws.control("POST", "/clock", json!({"advance": "PT25H"})).await;
    assert_eq!(moved["now"], "2026-03-02T05:00:00Z");
    aws.vault("gold").await;
    assert_eq!(aws.get("/backup-vaults/gold").await.json()["CreationDate"], 1_772_337_600 + 25 * 3600);
    let (status, refused) = aws.control("POST", "/clock", json!({"set": START, "speed": 2})).await;
    assert_eq!(status, 400);
    assert!(refused["error"].as_str().unwrap().contains("speed"), "{refused}");
}

#[tokio::test]
async fn a_body_that_is_wrong_is_told_so() {
    let aws = start().await;
    for (method, path, body) in [
        ("POST", "/clock", json!({"warp": 9})),
        ("POST", "/clock", json!([])),
        ("PATCH", "/settings", json!({"quotas": {"teapots": 1}})),
        ("PATCH", "/settings", json!({"quotas": {"vaults": -1}})),
        ("PATCH", "/settings", json!({"jobs": {"run_time": "-1s"}})),
        ("PATCH", "/settings", json!({"opt_in": {"Floppy": true}})),
        ("PATCH", "/settings", json!("x")),
    ] {
        let (status, answer) = aws.control(method, path, body.clone()).await;
        assert_eq!(status, 400, "{body}");
        assert!(!answer["error"].as_str().unwrap().is_empty(), "{body}");
    }
    assert_eq!(aws.control("GET", "/tea", Value::Null).await.0, 404);
    assert_eq!(aws.control("DELETE", "/clock", Value::Null).await.0, 405);
}

#[tokio::test]
async fn settings_are_patched_one_by_one() {
    let aws = start().await;
    let (_, before) = aws.control("GET", "/settings", Value::Null).await;
    let (_, after) =
        aws.control("PATCH", "/settings", json!({"quotas": {"vaults": 1}, "role_propagation": "8s"})).await;
    let mut expected = before;
    expected["quotas"]["vaults"] = json!(1);
    expected["role_propagation"] = json!("PT8S");
    assert_eq!(after, expected);
}

#[tokio::test]
async fn the_state_shows_what_there_is_and_a_reset_starts_afresh() {
    let aws = start().await;
    aws.vault("gold").await;
    aws.advance("1h").await;
    aws.control("POST", "/faults", json!({"next": 1, "effect": "throttle"})).await;
    let (_, state) = aws.control("GET", "/state", Value::Null).await;
    assert_eq!(state["now"], "2026-03-01T05:00:00Z");
    let vaults = &state["accounts"]["123456789012"]["regions"]["us-east-1"]["backup"]["vaults"];
    assert_eq!(vaults[0]["BackupVaultName"], "gold");
    let account = &state["accounts"]["123456789012"];
    assert!(account["regions"]["us-east-1"]["rds"]["instances"].to_string().contains("db:rdspg-fcj-labs"));
    assert!(account["iam"]["roles"].is_array());
    let (_, clock) = aws.control("POST", "/reset", Value::Null).await;
    assert_eq!(clock["now"], START);
    assert_eq!(aws.get("/backup-vaults").await.json(), json!({"BackupVaultList": []}));
}

#[tokio::test]
async fn the_help_names_every_endpoint() {
    let aws = start().await;
    let (_, help) = aws.control("GET", "", Value::Null).await;
    for (line, _) in help.as_object().unwrap() {
        let (method, path) = line.split_once(' ').unwrap();
        let path = path.trim_start_matches("/_sandbox").replace("{id}", "1");
        let (status, _) = aws.control(method, &path, Value::Null).await;
        assert_ne!(status, 405, "{line}");
        assert!(status != 404 || path == "/faults/1", "{line}");
    }
}

#[tokio::test]
async fn an_oversize_body_is_refused_by_both_faces() {
    let aws = start_with(|config| config.max_body_bytes = 100).await;
    let big = json!({"CreatorRequestId": "x".repeat(200)});
    aws.backup("PUT", "/backup-vaults/gold", big.clone()).await.is(413, "RequestEntityTooLargeException", "100 bytes");
    assert_eq!(aws.control("POST", "/clock", big).await.0, 413);
    // Far more than fits into the socket's buffers: the client must still get to read the answer.
    let huge = json!({"CreatorRequestId": "x".repeat(20_000_000)});
    aws.backup("PUT", "/backup-vaults/gold", huge).await.is(413, "RequestEntityTooLargeException", "100 bytes");
}

#[tokio::test]
async fn every_request_to_aws_is_counted_since_the_last_reset() {
    let aws = start().await;
    aws.vault("gold").await;
    aws.control("POST", "/faults", json!({"operation": "ListBackupVaults", "next": 1, "effect": "throttle"})).await;
    aws.control("POST", "/faults", json!({"operation": "ListBackupVaults", "next": 1, "effect": "drop_before"})).await;
    aws.get("/backup-vaults").await.is(400, "ThrottlingException", "");
    assert!(aws.try_backup("GET", "/backup-vaults", None).await.is_err());
    aws.get("/tea").await.is(404, "UnknownOperationException", "");
    aws.form("iam", "Action=ListRoles&Version=2010-05-08").await;
    let counted = json!({"backup:CreateBackupVault": 1, "backup:ListBackupVaults": 2, "backup:UnknownOperation": 1, "iam:ListRoles": 1});
    let (_, requests) = aws.control("GET", "/requests", Value::Null).await;
    assert_eq!(requests, json!({"total": 5, "by_operation": counted}));
    aws.control("POST", "/reset", Value::Null).await;
    let (_, requests) = aws.control("GET", "/requests", Value::Null).await;
    assert_eq!(requests, json!({"total": 0, "by_operation": {}}));
}

#[tokio::test]
async fn no_page_of_the_web_resets_the_sandbox() {
    let aws = start().await;
    aws.vault("gold").await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let evil = ("host", "evil.example:4566");
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), evil] {
        let reset = client.post(format!("{}/_sandbox/reset", aws.url)).header(name, value);
        let answer = reset.send().await.unwrap();
        assert_eq!(answer.status(), 403, "{name}");
        let told: Value = answer.json().await.unwrap();
        assert!(told["error"].as_str().unwrap().contains(value), "{told}");
    }
    assert_eq!(aws.get("/backup-vaults").await.json()["BackupVaultList"][0]["BackupVaultName"], "gold");
}
