use serde_json::{Value, json};

use crate::harness::{start, start_with};

const VAULT: &str = "/backup-vaults/gold";
const LOCK: &str = "/backup-vaults/gold/vault-lock";

#[tokio::test]
async fn a_new_vault_is_described_and_listed() {
    let aws = start().await;
    let made =
        aws.backup("PUT", VAULT, json!({"CreatorRequestId": "one", "BackupVaultTags": {"team": "db"}})).await.json();
    assert_eq!(made["BackupVaultArn"], "arn:aws:backup:us-east-1:123456789012:backup-vault:gold");
    assert_eq!(made["CreationDate"], 1_772_337_600);
    let described = aws.get(VAULT).await.json();
    assert_eq!(described["VaultType"], "BACKUP_VAULT");
    assert_eq!(described["VaultState"], "AVAILABLE");
    assert_eq!(described["NumberOfRecoveryPoints"], 0);
    assert_eq!(described["Locked"], false);
    assert_eq!(described["CreatorRequestId"], "one");
    let key = described["EncryptionKeyArn"].as_str().unwrap();
    assert!(key.starts_with("arn:aws:kms:us-east-1:123456789012:key/"), "{key}");
    for absent in ["LockDate", "MinRetentionDays", "EncryptionKeyType"] {
        assert!(described.get(absent).is_none(), "{absent}");
    }
    assert_eq!(aws.get("/backup-vaults/").await.json(), json!({ "BackupVaultList": [described] }));
}

#[tokio::test]
async fn a_name_is_taken_once_but_a_repeated_request_is_answered_alike() {
    let aws = start().await;
    let request = json!({"CreatorRequestId": "one", "BackupVaultTags": {"a": "b"}});
    let first = aws.backup("PUT", VAULT, request.clone()).await;
    aws.advance("1h").await;
    assert_eq!(aws.backup("PUT", VAULT, request).await.text, first.text);
    for other in
        [json!({}), json!({"CreatorRequestId": "two"}), json!({"CreatorRequestId": "one", "BackupVaultTags": {}})]
    {
        let answer = aws.backup("PUT", VAULT, other).await;
        answer.is(400, "AlreadyExistsException", "same name already exists");
        assert_eq!(answer.json()["CreatorRequestId"], "one");
        assert_eq!(answer.json()["Arn"], "arn:aws:backup:us-east-1:123456789012:backup-vault:gold");
    }
}

#[tokio::test]
async fn bad_names_keys_tokens_and_tags_are_refused_and_leave_nothing() {
    let aws = start().await;
    let long = "x".repeat(1_000_000);
    for path in ["/backup-vaults/a", "/backup-vaults/a.b", "/backup-vaults/a%2Fb", "/backup-vaults/gr%C3%BCn"] {
        aws.backup("PUT", path, json!({})).await.is(400, "InvalidParameterValueException", "name");
    }
    for body in [
        json!({ "EncryptionKeyArn": "key" }),
        json!({ "EncryptionKeyArn": long }),
        json!({ "CreatorRequestId": "a b" }),
        json!({ "CreatorRequestId": "" }),
        json!({ "BackupVaultTags": { "aws:own": "x" } }),
        json!({ "BackupVaultTags": { long.clone(): "x" } }),
    ] {
        let answer = aws.backup("PUT", VAULT, body).await;
        answer.is(400, "InvalidParameterValueException", "");
        assert!(answer.text.len() < 1000, "a megabyte is not echoed");
    }
    aws.backup("PUT", VAULT, json!({ "BackupVaultTags": ["x"] })).await.is(
        400,
        "SerializationException",
        "can't be read",
    );
    let many: Value = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    aws.backup("PUT", VAULT, json!({ "BackupVaultTags": many })).await.is(400, "LimitExceededException", "50");
    assert_eq!(aws.get("/backup-vaults").await.json(), json!({ "BackupVaultList": [] }));
}

#[tokio::test]
async fn a_missing_vault_is_forbidden_unless_that_is_switched_off() {
    let aws = start().await;
    let requests = [
        ("GET", "/backup-vaults/none"),
        ("DELETE", "/backup-vaults/none"),
        ("GET", "/backup-vaults/aws%2Fefs%2Fautomatic-backup-vault"),
        ("GET", "/backup-vaults/none/access-policy"),
        ("DELETE", "/backup-vaults/none/access-policy"),
        ("GET", "/backup-vaults/none/notification-configuration"),
    ];
    for (method, path) in requests {
        let answer = aws.try_backup(method, path, None).await.unwrap();
        answer.is(403, "AccessDeniedException", "Insufficient privileges to perform this action.");
    }
    aws.delete("/backup-vaults/none/vault-lock").await.is(400, "ResourceNotFoundException", "none");
    aws.control("PATCH", "/settings", json!({"switches": {"missing_vault_is_denied": false}})).await;
    for (method, path) in requests {
        aws.try_backup(method, path, None).await.unwrap().is(400, "ResourceNotFoundException", "does not exist");
    }
}

#[tokio::test]
async fn vaults_are_listed_in_pages_by_age() {
    let aws = start().await;
    for name in ["delta", "alpha", "charlie", "bravo"] {
        aws.vault(name).await;
        aws.advance("1s").await;
    }
    let names = |page: &Value| -> Vec<String> {
        page["BackupVaultList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["BackupVaultName"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = aws.get("/backup-vaults/?maxResults=3").await.json();
    assert_eq!(names(&first), ["delta", "alpha", "charlie"]);
    // What goes between two pages moves nobody else.
    aws.delete("/backup-vaults/alpha").await.is_empty();
    let token = first["NextToken"].as_str().unwrap();
    let last = aws.get(&format!("/backup-vaults/?maxResults=3&nextToken={token}")).await.json();
    assert_eq!(names(&last), ["bravo"]);
    assert!(last.get("NextToken").is_none());
    aws.get("/backup-vaults?nextToken=mine").await.is(400, "InvalidParameterValueException", "nextToken");
    aws.get("/backup-vaults?maxResults=0").await.is(400, "InvalidParameterValueException", "from 1");
    assert_eq!(names(&aws.get("/backup-vaults?maxResults=1001").await.json()), ["delta", "charlie", "bravo"]);
    aws.get("/backup-vaults?vaultType=SHED").await.is(400, "InvalidParameterValueException", "SHED");
    assert_eq!(names(&aws.get("/backup-vaults?vaultType=LOGICALLY_AIR_GAPPED_BACKUP_VAULT").await.json()), [""; 0]);
    assert_eq!(names(&aws.get("/backup-vaults?shared=true").await.json()), [""; 0]);
}

#[tokio::test]
async fn the_vault_quota_holds() {
    let aws = start_with(|config| config.behaviour.quotas.vaults = 2).await;
    aws.vault("one").await;
    aws.vault("two").await;
    aws.backup("PUT", "/backup-vaults/three", json!({})).await.is(400, "LimitExceededException", "2 backup vaults");
    aws.delete("/backup-vaults/one").await.is_empty();
    aws.vault("three").await;
}

#[tokio::test]
async fn regions_and_accounts_are_worlds_of_their_own() {
    let mut aws = start().await;
    aws.vault("gold").await;
    aws.caller.1 = "eu-west-1".to_owned();
    assert_eq!(aws.get("/backup-vaults").await.json()["BackupVaultList"], json!([]));
    aws.caller = ("111122223333".to_owned(), "us-east-1".to_owned());
    aws.vault("gold").await;
    assert_eq!(
        aws.get(VAULT).await.json()["BackupVaultArn"],
        "arn:aws:backup:us-east-1:111122223333:backup-vault:gold"
    );
    aws.get("/backup-vaults/gold?backupVaultAccountId=123456789012").await.is(403, "AccessDeniedException", "");
    assert_eq!(aws.get("/backup-vaults/gold?backupVaultAccountId=111122223333").await.status, 200);
}

#[tokio::test]
async fn a_governance_lock_can_be_changed_and_removed_at_any_time() {
    let aws = start().await;
    aws.vault("gold").await;
    aws.backup("PUT", LOCK, json!({"MinRetentionDays": 7, "MaxRetentionDays": 35})).await.is_empty();
    let described = aws.get(VAULT).await.json();
    assert_eq!(
        (&described["Locked"], &described["MinRetentionDays"], &described["MaxRetentionDays"]),
        (&json!(true), &json!(7), &json!(35))
    );
    assert!(described.get("LockDate").is_none());
    aws.advance("365d").await;
    aws.backup("PUT", LOCK, json!({"MinRetentionDays": 1})).await.is_empty();
    assert!(aws.get(VAULT).await.json().get("MaxRetentionDays").is_none(), "what is left out is cleared");
    aws.delete(LOCK).await.is_empty();
    assert_eq!(aws.get(VAULT).await.json()["Locked"], false);
}

#[tokio::test]
async fn a_compliance_lock_can_be_changed_in_its_grace_and_never_after() {
    let aws = start().await;
    aws.vault("gold").await;
    aws.backup("PUT", LOCK, json!({"MinRetentionDays": 7, "ChangeableForDays": 3})).await.is_empty();
    assert_eq!(aws.get(VAULT).await.json()["LockDate"], 1_772_337_600 + 3 * 86_400);
    aws.advance("71h").await;
    aws.backup("PUT", LOCK, json!({"MinRetentionDays": 8, "ChangeableForDays": 3})).await.is_empty();
    aws.advance("72h").await;
    aws.backup("PUT", LOCK, json!({"MinRetentionDays": 9})).await.is(400, "InvalidRequestException", "compliance");
    aws.delete(LOCK).await.is(400, "InvalidRequestException", "compliance");
    assert_eq!(aws.get(VAULT).await.json()["MinRetentionDays"], 8);
    aws.delete(VAULT).await.is_empty();
}

#[tokio::test]
async fn every_fault_of_a_lock_is_named() {
    let aws = start().await;
    aws.vault("gold").await;
    let bad = json!({"MinRetentionDays": -1, "MaxRetentionDays": 36_501, "ChangeableForDays": 2});
    let answer = aws.backup("PUT", LOCK, bad).await;
    for member in ["MinRetentionDays", "MaxRetentionDays", "ChangeableForDays"] {
        answer.is(400, "InvalidParameterValueException", member);
    }
    let crossed = aws.backup("PUT", LOCK, json!({"MinRetentionDays": 9, "MaxRetentionDays": 8})).await;
    crossed.is(400, "InvalidParameterValueException", "must not exceed");
    assert_eq!(aws.get(VAULT).await.json()["Locked"], false);
}

#[tokio::test]
async fn an_access_policy_is_kept_as_it_was_put() {
    let aws = start().await;
    aws.vault("gold").await;
    let path = "/backup-vaults/gold/access-policy";
    aws.get(path).await.is(400, "ResourceNotFoundException", "policy");
    let policy = r#"{ "Version":"2012-10-17", "Statement":[{"Effect":"Deny","Principal":{"AWS":["*","arn:aws:iam::123456789012:root"]},"Action":"backup:DeleteRecoveryPoint","Resource":"*"}]}"#;
    aws.backup("PUT", path, json!({ "Policy": policy })).await.is_empty();
    assert_eq!(aws.get(path).await.json()["Policy"], policy);
    for (bad, words) in [
        ("{}", "Statement"),
        ("nonsense", "JSON"),
        (r#"{"Statement":[]}"#, "empty"),
        (r#"{"Statement":{"Effect":"Maybe"}}"#, "Effect"),
        (r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#, "Principal"),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":"bob"}}}"#,
            "Provided principal is not valid",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":"arn:aws:iam::123456789012:role/nobody"}}}"#,
            "Provided principal is not valid",
        ),
        (&" ".repeat(30_000), "bytes"),
    ] {
        aws.backup("PUT", path, json!({ "Policy": bad })).await.is(400, "InvalidParameterValueException", words);
    }
    aws.backup("PUT", path, json!({})).await.is(400, "MissingParameterValueException", "Policy");
    assert_eq!(aws.get(path).await.json()["Policy"], policy);
    aws.delete(path).await.is_empty();
    aws.get(path).await.is(400, "ResourceNotFoundException", "policy");
}

#[tokio::test]
async fn notifications_name_a_topic_of_the_account_and_known_events() {
    let aws = start().await;
    aws.vault("gold").await;
    let path = "/backup-vaults/gold/notification-configuration";
    let topic = "arn:aws:sns:us-east-1:123456789012:events";
    aws.get(path).await.is(400, "ResourceNotFoundException", "gold");
    let events = json!(["BACKUP_JOB_COMPLETED", "COPY_JOB_FAILED", "BACKUP_JOB_COMPLETED"]);
    aws.backup("PUT", path, json!({"SNSTopicArn": topic, "BackupVaultEvents": events})).await.is_empty();
    let kept = aws.get(path).await.json();
    assert_eq!(kept["SNSTopicArn"], topic);
    assert_eq!(kept["BackupVaultEvents"], json!(["BACKUP_JOB_COMPLETED", "COPY_JOB_FAILED"]));
    for (topic, events, words) in [
        (topic, json!(["BACKUP_JOB_COMPLETED", "tea_time"]), "tea_time"),
        (topic, json!([]), "at least one"),
        ("arn:aws:sns:us-east-1:999999999999:events", json!(["BACKUP_JOB_COMPLETED"]), "123456789012"),
        ("arn:aws:sns:us-east-1:123456789012:events.fifo", json!(["BACKUP_JOB_COMPLETED"]), "standard topic"),
    ] {
        let answer = aws.backup("PUT", path, json!({"SNSTopicArn": topic, "BackupVaultEvents": events})).await;
        answer.is(400, "InvalidParameterValueException", words);
    }
    aws.backup("PUT", path, json!({"SNSTopicArn": topic})).await.is(
        400,
        "MissingParameterValueException",
        "BackupVaultEvents",
    );
    aws.delete(path).await.is_empty();
    aws.get(path).await.is(400, "ResourceNotFoundException", "gold");
}
