use serde_json::{Value, json};

use crate::harness::{Neighbour, start};

async fn arm(aws: &Neighbour, fault: Value) {
    let (status, body) = aws.control("POST", "/faults", fault).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn an_error_is_answered_in_the_services_envelope_and_nothing_is_done() {
    let aws = start().await;
    arm(&aws, json!({"operation": "CreateBackupVault", "next": 1, "effect": {"error": {"status": 500, "code": "ServiceUnavailableException", "message": "later"}}})).await;
    aws.backup("PUT", "/backup-vaults/gold", json!({})).await.is(500, "ServiceUnavailableException", "later");
    aws.get("/backup-vaults/gold").await.is(403, "AccessDeniedException", "");
    aws.vault("gold").await;
}

#[tokio::test]
async fn throttling_has_the_services_code() {
    let aws = start().await;
    arm(&aws, json!({"service": "iam", "next": 1, "effect": "throttle"})).await;
    arm(&aws, json!({"service": "tagging", "operation": "GetResources", "next": 1, "effect": "throttle"})).await;
    let iam = aws.form("iam", "Action=ListRoles&Version=2010-05-08").await;
    assert!(iam.status == 400 && iam.text.contains("<Code>Throttling</Code>"), "{}", iam.text);
    let tagging = aws.target("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", json!({})).await;
    assert_eq!((tagging.status, &tagging.json()["__type"]), (400, &json!("ThrottledException")));
    arm(&aws, json!({"service": "backup", "next": 1, "effect": "throttle"})).await;
    aws.get("/backup-vaults").await.is(400, "ThrottlingException", "Rate exceeded");
    assert_eq!(aws.get("/backup-vaults").await.status, 200);
}

#[tokio::test]
async fn a_connection_drops_before_or_after_the_effect() {
    let aws = start().await;
    for (effect, name, then) in [("drop_before", "before", 403), ("drop_after", "after", 200)] {
        arm(&aws, json!({"operation": "CreateBackupVault", "next": 1, "effect": effect})).await;
        let path = format!("/backup-vaults/{name}");
        let broken = aws.try_backup("PUT", &path, Some(json!({}))).await;
        assert!(broken.is_err_and(|fault| fault.is_request()), "{effect}");
        assert_eq!(aws.get(&path).await.status, then, "{effect}");
    }
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_in_its_body_with_the_effect_done() {
    let aws = start().await;
    arm(&aws, json!({"next": 1, "effect": "truncate"})).await;
    let broken = aws.try_backup("PUT", "/backup-vaults/gold", Some(json!({}))).await;
    assert!(broken.is_err_and(|fault| fault.is_body() || fault.is_decode()));
    assert_eq!(aws.get("/backup-vaults/gold").await.status, 200);
    // An empty answer breaks off too.
    arm(&aws, json!({"operation": "DeleteBackupVault", "next": 1, "effect": "truncate"})).await;
    assert!(aws.try_backup("DELETE", "/backup-vaults/gold", None).await.is_err());
}

#[tokio::test]
async fn an_answer_lacks_what_it_is_to_be_without() {
    let aws = start().await;
    aws.vault("gold").await;
    arm(&aws, json!({"operation": "ListBackupVaults", "next": 1, "effect": {"without": ["BackupVaultArn"]}})).await;
    let listed = aws.get("/backup-vaults").await.json();
    assert_eq!(listed["BackupVaultList"][0]["BackupVaultName"], "gold");
    assert!(listed["BackupVaultList"][0].get("BackupVaultArn").is_none(), "{listed}");
    arm(&aws, json!({"service": "rds", "next": 1, "effect": {"without": ["DBInstanceArn"]}})).await;
    let form = "Action=DescribeDBInstances&Version=2014-10-31";
    let instances = aws.form("rds", form).await.text;
    assert!(instances.contains("<DBInstanceIdentifier>") && !instances.contains("DBInstanceArn"), "{instances}");
    assert!(aws.form("rds", form).await.text.contains("<DBInstanceArn>"));
}

#[tokio::test]
async fn the_operations_that_were_asked_for_are_told_in_their_order() {
    let aws = start().await;
    aws.vault("gold").await;
    arm(&aws, json!({"operation": "ListBackupVaults", "next": 1, "effect": "throttle"})).await;
    aws.get("/backup-vaults").await;
    aws.form("rds", "Action=DescribeDBInstances&Version=2014-10-31").await;
    let (_, asked) = aws.control("GET", "/calls", Value::Null).await;
    assert_eq!(
        asked["calls"],
        json!([
            {"number": 1, "service": "backup", "operation": "CreateBackupVault"},
            {"number": 2, "service": "backup", "operation": "ListBackupVaults"},
            {"number": 3, "service": "rds", "operation": "DescribeDBInstances"},
        ])
    );
    aws.control("DELETE", "/calls", Value::Null).await;
    assert_eq!(aws.control("GET", "/calls", Value::Null).await.1, json!({"calls": []}));
}

#[tokio::test]
async fn faults_are_listed_counted_down_and_ended() {
    let aws = start().await;
    arm(&aws, json!({"operation": "ListBackupVaults", "next": 5, "effect": {"delay_ms": 0}})).await;
    arm(&aws, json!({"rate": 1.0, "operation": "CreateBackupVault", "effect": "drop_before"})).await;
    assert_eq!(aws.get("/backup-vaults").await.status, 200);
    let (_, listed) = aws.control("GET", "/faults", Value::Null).await;
    assert_eq!(listed["faults"][0]["next"], 4);
    assert_eq!(listed["faults"][0]["hits"], 1);
    assert_eq!(listed["faults"][1]["operation"], "CreateBackupVault");
    assert_eq!(aws.control("DELETE", "/faults/1", Value::Null).await.0, 200);
    assert_eq!(aws.control("DELETE", "/faults/1", Value::Null).await.0, 404);
    assert_eq!(aws.control("DELETE", "/faults", Value::Null).await.0, 200);
    assert_eq!(aws.control("GET", "/faults", Value::Null).await.1, json!({"faults": []}));
}

#[tokio::test]
async fn a_bad_fault_is_refused_with_every_reason() {
    let aws = start().await;
    let (status, body) =
        aws.control("POST", "/faults", json!({"service": "s3", "effect": {"delay_ms": 9_999_999}})).await;
    assert_eq!(status, 400);
    for words in ["s3", "next and rate", "delay_ms"] {
        assert!(body["error"].as_str().unwrap().contains(words), "{body}");
    }
    assert_eq!(aws.control("POST", "/faults", json!({"next": 1, "effect": "melt"})).await.0, 400);
}
