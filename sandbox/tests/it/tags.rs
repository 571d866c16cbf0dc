use serde_json::{Value, json};

use crate::harness::start;

const ARN: &str = "arn%3Aaws%3Abackup%3Aus-east-1%3A123456789012%3Abackup-vault%3Agold";

#[tokio::test]
async fn a_vaults_tags_are_added_changed_listed_and_removed() {
    let aws = start().await;
    aws.backup("PUT", "/backup-vaults/gold", json!({"BackupVaultTags": {"a": "1"}})).await;
    aws.backup("POST", &format!("/tags/{ARN}"), json!({"Tags": {"a": "2", "b": "3"}})).await.is_empty();
    assert_eq!(aws.get(&format!("/tags/{ARN}/")).await.json(), json!({"Tags": {"a": "2", "b": "3"}}));
    let first = aws.get(&format!("/tags/{ARN}/?maxResults=1")).await.json();
    assert_eq!(first["Tags"], json!({"a": "2"}));
    let next = first["NextToken"].as_str().unwrap();
    assert_eq!(aws.get(&format!("/tags/{ARN}/?nextToken={next}")).await.json(), json!({"Tags": {"b": "3"}}));
    aws.backup("POST", &format!("/untag/{ARN}"), json!({"TagKeyList": ["a", "never"]})).await.is_empty();
    aws.backup("POST", &format!("/untag/{ARN}"), json!({"TagKeyList": ["b"]})).await.is_empty();
    assert_eq!(aws.get(&format!("/tags/{ARN}")).await.json(), json!({"Tags": {}}));
}

#[tokio::test]
async fn only_what_aws_backup_holds_can_be_tagged() {
    let aws = start().await;
    aws.vault("gold").await;
    for (arn, code) in [
        ("arn%3Aaws%3Ards%3Aus-east-1%3A123456789012%3Asnapshot%3Ax", "InvalidParameterValueException"),
        ("arn%3Aaws%3Abackup%3Aeu-west-1%3A123456789012%3Abackup-vault%3Agold", "InvalidParameterValueException"),
        ("nonsense", "InvalidParameterValueException"),
        ("arn%3Aaws%3Abackup%3Aus-east-1%3A123456789012%3Abackup-vault%3Asilver", "ResourceNotFoundException"),
        ("arn%3Aaws%3Abackup%3Aus-east-1%3A123456789012%3Ateapot%3A1", "ResourceNotFoundException"),
    ] {
        aws.backup("POST", &format!("/tags/{arn}"), json!({"Tags": {"a": "b"}})).await.is(400, code, "");
        aws.get(&format!("/tags/{arn}")).await.is(400, code, "");
    }
}

#[tokio::test]
async fn reserved_oversize_and_too_many_tags_change_nothing() {
    let aws = start().await;
    aws.vault("gold").await;
    let path = format!("/tags/{ARN}");
    let bad = json!({"Tags": {"AWS:x": "1", "": "2", "k".repeat(129): "3", "v": "x".repeat(257), "fine": "4"}});
    let answer = aws.backup("POST", &path, bad).await;
    for words in ["reserved", "blank", "129", "257"] {
        answer.is(400, "InvalidParameterValueException", words);
    }
    let tags = |from: usize, to: usize| -> Value {
        (from..to).map(|n| (format!("k{n}"), json!(""))).collect::<serde_json::Map<_, _>>().into()
    };
    aws.backup("POST", &path, json!({ "Tags": tags(0, 50) })).await.is_empty();
    aws.backup("POST", &path, json!({ "Tags": tags(50, 51) })).await.is(400, "LimitExceededException", "51");
    aws.backup("POST", &path, json!({})).await.is(400, "MissingParameterValueException", "Tags");
    assert_eq!(aws.get(&path).await.json()["Tags"].as_object().unwrap().len(), 50);
}

#[tokio::test]
async fn a_deleted_vault_leaves_no_tags_to_its_successor() {
    let aws = start().await;
    aws.backup("PUT", "/backup-vaults/gold", json!({"BackupVaultTags": {"a": "1"}})).await;
    aws.delete("/backup-vaults/gold").await.is_empty();
    aws.vault("gold").await;
    assert_eq!(aws.get(&format!("/tags/{ARN}")).await.json(), json!({"Tags": {}}));
}
