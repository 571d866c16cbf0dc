use serde_json::json;

use crate::harness::{start, start_with};

#[tokio::test]
async fn every_type_is_opted_in_and_updates_merge() {
    let aws = start_with(|config| {
        config.behaviour.opt_in.insert("EKS".to_owned(), false);
    })
    .await;
    let types = aws.get("/supported-resource-types").await.json()["ResourceTypes"].clone();
    assert!(types.as_array().unwrap().contains(&json!("RDS")) && types.as_array().unwrap().contains(&json!("Aurora")));
    aws.backup("PUT", "/account-settings", json!({"ResourceTypeOptInPreference": {"RDS": false}})).await.is_empty();
    aws.backup("PUT", "/account-settings", json!({"ResourceTypeOptInPreference": {"EFS": false}})).await.is_empty();
    aws.backup("PUT", "/account-settings", json!({"ResourceTypeManagementPreference": {"DynamoDB": true}}))
        .await
        .is_empty();
    let settings = aws.get("/account-settings").await.json();
    let opt_in = settings["ResourceTypeOptInPreference"].as_object().unwrap();
    let out: Vec<&String> = opt_in.iter().filter(|(_, on)| **on == json!(false)).map(|(name, _)| name).collect();
    assert_eq!(out, ["EFS", "EKS", "RDS"]);
    assert_eq!(opt_in.len(), types.as_array().unwrap().len());
    assert_eq!(settings["ResourceTypeManagementPreference"], json!({"DynamoDB": true, "EFS": false}));
}

#[tokio::test]
async fn unknown_types_are_refused_and_nothing_is_merged() {
    let aws = start().await;
    let before = aws.get("/account-settings").await.text;
    let answer = aws
        .backup("PUT", "/account-settings", json!({"ResourceTypeOptInPreference": {"RDS": false, "Floppy": true}}))
        .await;
    answer.is(400, "InvalidParameterValueException", "Floppy");
    aws.backup("PUT", "/account-settings", json!({"ResourceTypeOptInPreference": {"RDS": "no"}})).await.is(
        400,
        "SerializationException",
        "",
    );
    assert_eq!(aws.get("/account-settings").await.text, before);
}

#[tokio::test]
async fn global_settings_belong_to_organizations() {
    let aws = start().await;
    aws.get("/global-settings").await.is(400, "InvalidRequestException", "organization");
    aws.backup("PUT", "/global-settings", json!({"GlobalSettings": {}})).await.is(
        400,
        "InvalidRequestException",
        "organization",
    );
    aws.control("PATCH", "/settings", json!({"switches": {"organization": true}})).await;
    aws.backup("PUT", "/global-settings", json!({"GlobalSettings": {"isCrossAccountBackupEnabled": "true"}}))
        .await
        .is_empty();
    let settings = aws.get("/global-settings").await.json();
    assert_eq!(settings["GlobalSettings"]["isCrossAccountBackupEnabled"], "true");
    assert_eq!(settings["GlobalSettings"]["isMpaEnabled"], "false");
    assert_eq!(settings["LastUpdateTime"], 1_772_337_600);
    for bad in [json!({"isMpaEnabled": "yes"}), json!({"isTeaServed": "true"})] {
        aws.backup("PUT", "/global-settings", json!({ "GlobalSettings": bad })).await.is(
            400,
            "InvalidParameterValueException",
            "=",
        );
    }
}
