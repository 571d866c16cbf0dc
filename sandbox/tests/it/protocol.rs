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

#[tokio::test]
async fn an_unsigned_request_finds_its_service_by_target_or_version() {
    let aws = start().await;
    let sts = aws.form("", "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert!(sts.text.contains("<GetCallerIdentityResult>"), "{}", sts.text);
    let iam = aws.form("", "Action=ListRoles&Version=2010-05-08").await;
    assert!(iam.text.contains("https://iam.amazonaws.com/doc/2010-05-08/"), "{}", iam.text);
    let tagging = aws.target("", "ResourceGroupsTaggingAPI_20170126.GetResources", json!({})).await;
    assert_eq!(tagging.status, 200, "{}", tagging.text);
}

#[tokio::test]
async fn an_unknown_action_is_an_error_in_the_services_envelope() {
    let aws = start().await;
    let rds = aws.form("rds", "Action=MakeTea&Version=2014-10-31").await;
    assert!(rds.status == 400 && rds.text.contains("<Code>InvalidAction</Code>"), "{}", rds.text);
    let tagging = aws.target("tagging", "ResourceGroupsTaggingAPI_20170126.MakeTea", json!({})).await;
    assert_eq!((tagging.status, &tagging.json()["__type"]), (400, &json!("UnknownOperationException")));
}

#[tokio::test]
async fn a_service_that_is_not_served_is_told_in_the_clients_own_protocol() {
    let aws = start().await;
    let ec2 = aws.form("ec2", "Action=DescribeVpcs&Version=2016-11-15").await;
    assert!(ec2.text.contains("<Code>UnknownOperationException</Code>") && ec2.text.contains("ec2"), "{}", ec2.text);
    let dynamo = aws.target("dynamodb", "DynamoDB_20120810.ListTables", json!({})).await;
    assert_eq!(dynamo.json()["__type"], "UnknownOperationException");
}

#[tokio::test]
async fn an_answer_is_dated_by_the_sandboxs_clock() {
    let aws = start().await;
    let dated = async || {
        let answer = reqwest::get(format!("{}/backup-vaults", aws.url)).await.unwrap();
        answer.headers()["date"].to_str().unwrap().to_owned()
    };
    assert_eq!(dated().await, "Sun, 01 Mar 2026 04:00:00 GMT");
    aws.advance("PT25H").await;
    assert_eq!(dated().await, "Mon, 02 Mar 2026 05:00:00 GMT");
}
