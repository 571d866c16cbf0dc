use serde_json::json;

use crate::harness::start;

#[tokio::test]
async fn an_unknown_route_is_an_unknown_operation() {
    let aws = start().await;
    for (method, path) in
        [("GET", "/nothing"), ("PATCH", "/backup-vaults"), ("GET", "/"), ("GET", "/backup-vaults/%FF")]
    {
        let answer = aws.try_backup(method, path, Some(json!({}))).await.unwrap();
        answer.is(404, "UnknownOperationException", "does not serve");
    }
}

#[tokio::test]
async fn unknown_members_are_ignored_and_no_body_is_an_empty_one() {
    let aws = start().await;
    assert_eq!(aws.backup("PUT", "/backup-vaults/gold/", json!({"Novelty": {"a": 1}})).await.status, 200);
    assert_eq!(aws.try_backup("PUT", "/backup-vaults/silver", None).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_odd_region_falls_back_to_the_sandboxs_own() {
    let mut aws = start().await;
    aws.vault("gold").await;
    aws.caller.1 = "x".repeat(5000);
    assert_eq!(aws.get("/backup-vaults/gold").await.status, 200);
}

#[tokio::test]
async fn requests_without_a_signature_are_for_backup_in_the_default_account() {
    let aws = start().await;
    aws.vault("gold").await;
    let list = reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{}/backup-vaults", aws.url));
    let body: serde_json::Value = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(body["BackupVaultList"][0]["BackupVaultName"], "gold");
}
