//! Access policies and notifications of vaults over the wire.

use serde_json::{Value, json};
use strongroom::proto::{
    CreateVaultRequest, DeleteVaultAccessPolicyRequest, DeleteVaultNotificationsRequest, GetVaultAccessPolicyRequest,
    GetVaultNotificationsRequest, Scope, SetVaultAccessPolicyRequest, SetVaultNotificationsRequest, VaultNotifications,
};
use tonic::Code;

use crate::harness::{ACCOUNT, World, reason, told};

const ARN: &str = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alerts";

async fn world() -> World {
    let world = World::start().await;
    let vault = CreateVaultRequest { name: "prod".into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
    world
}

fn policy(principal: &Value) -> SetVaultAccessPolicyRequest {
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": principal, "Action": "backup:CopyIntoBackupVault", "Resource": "*"}]});
    SetVaultAccessPolicyRequest { vault: "prod".into(), policy: policy.to_string(), ..Default::default() }
}

fn scope() -> Option<Scope> {
    Some(Scope { account: ACCOUNT.into(), region: "us-east-1".into() })
}

async fn read_policy(world: &World, vault: &str) -> (String, String) {
    let request = GetVaultAccessPolicyRequest { vault: vault.into(), ..Default::default() };
    let answer = world.vaults().get_vault_access_policy(request).await.unwrap().into_inner();
    assert_eq!((answer.vault_name.as_str(), answer.scope), ("prod", scope()));
    (answer.policy, answer.vault_arn)
}

fn notifications() -> SetVaultNotificationsRequest {
    let events = vec!["BACKUP_JOB_COMPLETED".into(), "RESTORE_JOB_COMPLETED".into()];
    SetVaultNotificationsRequest {
        vault: "prod".into(),
        notifications: Some(VaultNotifications { topic: TOPIC.into(), events }),
        ..Default::default()
    }
}

async fn read_notifications(world: &World) -> Option<VaultNotifications> {
    let request = GetVaultNotificationsRequest { vault: ARN.into(), ..Default::default() };
    let answer = world.vaults().get_vault_notifications(request).await.unwrap().into_inner();
    assert_eq!((answer.vault_name.as_str(), answer.vault_arn.as_str()), ("prod", ARN));
    answer.notifications
}

#[tokio::test]
async fn a_policy_is_set_read_back_and_removed() {
    let world = world().await;
    assert_eq!(read_policy(&world, "prod").await, (String::new(), ARN.into()), "a vault without one is no error");
    let request = policy(&json!({"AWS": "arn:aws:iam::999999999999:root"}));
    let dry = SetVaultAccessPolicyRequest { validate_only: true, ..request.clone() };
    assert_eq!(world.vaults().set_vault_access_policy(dry).await.unwrap().into_inner().policy, request.policy);
    assert_eq!(read_policy(&world, "prod").await.0, "", "a dry run sets nothing");
    for _ in 0..2 {
        let set = world.vaults().set_vault_access_policy(request.clone()).await.unwrap().into_inner();
        assert_eq!((set.policy, set.findings), (request.policy.clone(), vec![]));
        assert_eq!((set.vault_name.as_str(), set.vault_arn.as_str(), set.scope), ("prod", ARN, scope()));
    }
    assert_eq!(read_policy(&world, ARN).await.0, request.policy);
    for _ in 0..2 {
        let remove = DeleteVaultAccessPolicyRequest { vault: "prod".into(), ..Default::default() };
        let dry = DeleteVaultAccessPolicyRequest { validate_only: true, ..remove.clone() };
        let dry = world.vaults().delete_vault_access_policy(dry).await.unwrap().into_inner();
        assert_eq!(dry.deleted, read_policy(&world, ARN).await.0.is_empty(), "a dry run removes nothing");
        let removed = world.vaults().delete_vault_access_policy(remove).await.unwrap().into_inner();
        assert!(removed.deleted && !removed.request_id.is_empty());
    }
    assert_eq!(read_policy(&world, "prod").await.0, "");
}

#[tokio::test]
async fn a_policy_is_checked_before_it_is_sent_and_after() {
    let world = world().await;
    let bad = json!({"Statement": [{"Effect": "allow", "Principal": {"AWS": "me"}, "Action": "s3:*"}]});
    let request = SetVaultAccessPolicyRequest { policy: bad.to_string(), ..Default::default() };
    let faults = told(&world.vaults().set_vault_access_policy(request).await.unwrap_err());
    assert_eq!(
        faults.fields,
        [
            "vault",
            "policy.Version",
            "policy.Statement[0].Effect",
            "policy.Statement[0].Principal.AWS",
            "policy.Statement[0].Action",
            "policy.Statement[0].Resource"
        ]
    );
    // Only AWS knows who exists.
    let stranger = policy(&json!({"AWS": "arn:aws:iam::123456789012:role/nobody"}));
    let refused = world.vaults().set_vault_access_policy(stranger).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::InvalidArgument, "AWS_REJECTED_ARGUMENT".into()));
    assert!(refused.message().contains("Provided principal is not valid"), "{}", refused.message());
    let open = world.vaults().set_vault_access_policy(policy(&json!("*"))).await.unwrap().into_inner();
    assert_eq!(open.findings.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["POLICY_OPEN_TO_ANYONE"]);
    assert_eq!(open.findings[0].field, "policy.Statement[0]");
    let mut closed: Value = serde_json::from_str(&policy(&json!("*")).policy).unwrap();
    closed["Statement"][0]["Effect"] = json!("Deny");
    closed["Statement"][0]["Action"] = json!("backup:*");
    let closed = SetVaultAccessPolicyRequest {
        vault: "prod".into(),
        policy: closed.to_string(),
        validate_only: true,
        ..Default::default()
    };
    let closed = world.vaults().set_vault_access_policy(closed).await.unwrap().into_inner();
    assert_eq!(closed.findings[0].code, "POLICY_DENIES_ITS_CHANGE");
}

#[tokio::test]
async fn what_a_policy_says_twice_or_elsewhere_is_a_fault_and_what_nobody_heeds_a_finding() {
    let world = world().await;
    let china = "arn:aws-cn:backup:cn-north-1:123456789012:backup-vault:*";
    let statement = |principal: Value, action: &str, resource: &str| json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": [resource], "Sid": "one"});
    let set = |text: String, validate_only| {
        let request =
            SetVaultAccessPolicyRequest { vault: "prod".into(), policy: text, validate_only, ..Default::default() };
        let mut vaults = world.vaults();
        async move { vaults.set_vault_access_policy(request).await }
    };
    let document = |statements: &[Value]| json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let root = || json!({"AWS": "arn:aws:iam::999999999999:root"});
    let copy = "backup:CopyIntoBackupVault";
    let fine = document(&[statement(root(), copy, "*")]);
    for (text, field) in [
        (fine.replacen("\"Action\":", "\"Action\":\"backup:*\",\"Action\":", 1), "policy.Statement[0].Action"),
        (document(&[statement(root(), copy, "*"), statement(root(), copy, "*")]), "policy.Statement[1].Sid"),
        (document(&[statement(root(), copy, china)]), "policy.Statement[0].Resource[0]"),
        (
            document(&[statement(json!({"AWS": "arn:aws-cn:iam::999999999999:root"}), copy, "*")]),
            "policy.Statement[0].Principal.AWS",
        ),
        (
            document(&[statement(json!({"CanonicalUser": "79a5"}), copy, "*")]),
            "policy.Statement[0].Principal.CanonicalUser",
        ),
    ] {
        for validate_only in [true, false] {
            let refused = told(&set(text.clone(), validate_only).await.unwrap_err());
            assert_eq!(
                (refused.reason.as_str(), refused.fields),
                ("INVALID_REQUEST", vec![field.to_owned()]),
                "{text}"
            );
        }
    }
    for (action, resource, code, field) in [
        ("backup:DeleteBackupVaultt", "*", "ACTION_UNKNOWN", "policy.Statement[0].Action"),
        (
            copy,
            "arn:aws:backup:us-east-1:123456789012:backup-vault:other",
            "STATEMENT_NEVER_APPLIES",
            "policy.Statement[0].Resource",
        ),
    ] {
        let answer = set(document(&[statement(root(), action, resource)]), true).await.unwrap().into_inner();
        let found: Vec<_> = answer.findings.iter().map(|it| (it.code.as_str(), it.field.as_str())).collect();
        assert_eq!(found, [(code, field)]);
    }
}

#[tokio::test]
async fn notifications_are_set_read_back_and_ended() {
    let world = world().await;
    assert_eq!(read_notifications(&world).await, None, "a vault without them is no error");
    let request = notifications();
    let dry = SetVaultNotificationsRequest { validate_only: true, ..request.clone() };
    let shown = world.vaults().set_vault_notifications(dry).await.unwrap().into_inner();
    assert_eq!(shown.notifications, request.notifications);
    assert_eq!(read_notifications(&world).await, None, "a dry run sets nothing");
    let set = world.vaults().set_vault_notifications(request.clone()).await.unwrap().into_inner();
    assert_eq!((&set.notifications, set.findings.len()), (&request.notifications, 0));
    assert_eq!(read_notifications(&world).await, request.notifications);
    for _ in 0..2 {
        let end = DeleteVaultNotificationsRequest { vault: "prod".into(), ..Default::default() };
        let dry = DeleteVaultNotificationsRequest { validate_only: true, ..end.clone() };
        let dry = world.vaults().delete_vault_notifications(dry).await.unwrap().into_inner();
        assert_eq!(dry.deleted, read_notifications(&world).await.is_none(), "a dry run ends nothing");
        assert!(world.vaults().delete_vault_notifications(end).await.unwrap().into_inner().deleted);
    }
    assert_eq!(read_notifications(&world).await, None);
}

async fn policy_etag(world: &World) -> String {
    let request = GetVaultAccessPolicyRequest { vault: "prod".into(), ..Default::default() };
    world.vaults().get_vault_access_policy(request).await.unwrap().into_inner().etag
}

#[tokio::test]
async fn only_the_policy_that_was_read_is_replaced_or_removed() {
    let world = world().await;
    let none = policy_etag(&world).await;
    assert_eq!(none.len(), 24, "a vault without one has an etag too");
    let mine = SetVaultAccessPolicyRequest { etag: none.clone(), ..policy(&json!({"AWS": "999999999999"})) };
    let dry = SetVaultAccessPolicyRequest { validate_only: true, ..mine.clone() };
    let shown = world.vaults().set_vault_access_policy(dry).await.unwrap().into_inner();
    for _ in 0..2 {
        let set = world.vaults().set_vault_access_policy(mine.clone()).await.unwrap().into_inner();
        assert_eq!((&set.etag, &set.policy), (&shown.etag, &shown.policy), "a repeated call finds its own");
    }
    let present = policy_etag(&world).await;
    assert_eq!(present, shown.etag);
    // However it is written, it says the same.
    let as_root = json!({"AWS": ["arn:aws:iam::999999999999:root"]});
    let same = SetVaultAccessPolicyRequest { etag: none.clone(), ..policy(&as_root) };
    let same = world.vaults().set_vault_access_policy(same).await.unwrap().into_inner();
    assert_eq!(same.etag, present);
    for validate_only in [true, false] {
        let other = policy(&json!({"AWS": "111111111111"}));
        let stale = SetVaultAccessPolicyRequest { etag: none.clone(), validate_only, ..other };
        let stale = world.vaults().set_vault_access_policy(stale).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
        assert!(stale.message().contains(&present), "{}", stale.message());
        let (vault, etag) = ("prod".into(), none.clone());
        let stale = DeleteVaultAccessPolicyRequest { vault, etag, validate_only, ..Default::default() };
        let stale = world.vaults().delete_vault_access_policy(stale).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
    }
    let remove = DeleteVaultAccessPolicyRequest { vault: "prod".into(), etag: present, ..Default::default() };
    for _ in 0..2 {
        assert!(world.vaults().delete_vault_access_policy(remove.clone()).await.unwrap().into_inner().deleted);
    }
    assert_eq!(policy_etag(&world).await, none);
}

#[tokio::test]
async fn only_the_notifications_that_were_read_are_replaced_or_ended() {
    let world = world().await;
    let etag = async || {
        let request = GetVaultNotificationsRequest { vault: ARN.into(), ..Default::default() };
        world.vaults().get_vault_notifications(request).await.unwrap().into_inner().etag
    };
    let set = async |events: &[&str], etag: &str, validate_only| {
        let events = events.iter().map(ToString::to_string).collect();
        // By its name: of the vault's own account and region.
        let notifications = Some(VaultNotifications { topic: "alerts".into(), events });
        let (vault, etag) = ("prod".into(), etag.to_owned());
        let request = SetVaultNotificationsRequest { vault, notifications, etag, validate_only, ..Default::default() };
        world.vaults().set_vault_notifications(request).await.map(tonic::Response::into_inner)
    };
    let none = etag().await;
    let both = ["BACKUP_JOB_COMPLETED", "COPY_JOB_FAILED"];
    let shown = set(&both, &none, true).await.unwrap();
    assert_eq!(shown.notifications.as_ref().unwrap().topic, TOPIC, "answers carry the ARN");
    assert_eq!(etag().await, none, "a dry run sets nothing");
    let made = set(&both, &none, false).await.unwrap();
    assert_eq!((made.notifications, made.etag.clone()), (shown.notifications, shown.etag));
    assert_eq!(etag().await, made.etag);
    let turned = set(&["COPY_JOB_FAILED", "BACKUP_JOB_COMPLETED"], &none, false).await.unwrap();
    assert_eq!(turned.etag, made.etag, "it is there already, in another order");
    for validate_only in [true, false] {
        let stale = set(&["RESTORE_JOB_COMPLETED"], &none, validate_only).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
        let (vault, etag) = ("prod".into(), none.clone());
        let stale = DeleteVaultNotificationsRequest { vault, etag, validate_only, ..Default::default() };
        let stale = world.vaults().delete_vault_notifications(stale).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
        assert!(stale.message().contains(&made.etag), "{}", stale.message());
    }
    let end = DeleteVaultNotificationsRequest { vault: "prod".into(), etag: made.etag, ..Default::default() };
    for _ in 0..2 {
        assert!(world.vaults().delete_vault_notifications(end.clone()).await.unwrap().into_inner().deleted);
    }
    assert_eq!(etag().await, none);
}

#[tokio::test]
async fn a_topic_elsewhere_and_what_is_no_event_are_faults() {
    let world = world().await;
    let with = |topic: &str, events: &[&str]| SetVaultNotificationsRequest {
        vault: ARN.into(),
        notifications: Some(VaultNotifications {
            topic: topic.into(),
            events: events.iter().map(ToString::to_string).collect(),
        }),
        ..Default::default()
    };
    for (request, fields) in [
        (with("arn:aws:sns:us-east-1:999999999999:alerts", &[]), vec!["notifications.events", "notifications.topic"]),
        (
            with("arn:aws:sns:us-east-1:123456789012:alerts.fifo", &["backup_job_done", "COPY_JOB_FAILED", "*"]),
            vec!["notifications.topic", "notifications.events[0]", "notifications.events[2]"],
        ),
        (SetVaultNotificationsRequest::default(), vec!["vault", "notifications"]),
    ] {
        let refused = world.vaults().set_vault_notifications(request).await.unwrap_err();
        assert_eq!(told(&refused).fields, fields);
    }
    let refused = world.vaults().set_vault_notifications(with(TOPIC, &["*"])).await.unwrap_err();
    assert!(refused.message().contains("known are BACKUP_JOB_STARTED, BACKUP_JOB_COMPLETED"), "{}", refused.message());
}

#[tokio::test]
async fn settings_of_a_missing_vault_are_not_found_and_of_a_denied_one_denied() {
    let world = world().await;
    for denied_as_missing in [true, false] {
        world.behave(json!({"switches": {"missing_vault_is_denied": denied_as_missing}})).await;
        let (mut vaults, vault) = (world.vaults(), || "nowhere".to_owned());
        let get = GetVaultAccessPolicyRequest { vault: vault(), ..Default::default() };
        let set = SetVaultAccessPolicyRequest { vault: vault(), ..policy(&json!("*")) };
        let delete = DeleteVaultAccessPolicyRequest { vault: vault(), ..Default::default() };
        let get_events = GetVaultNotificationsRequest { vault: vault(), ..Default::default() };
        let set_events = SetVaultNotificationsRequest { vault: vault(), ..notifications() };
        let dry_events = SetVaultNotificationsRequest { validate_only: true, ..set_events.clone() };
        let end_events = DeleteVaultNotificationsRequest { vault: vault(), ..Default::default() };
        for missing in [
            vaults.get_vault_access_policy(get).await.unwrap_err(),
            vaults.set_vault_access_policy(set).await.unwrap_err(),
            vaults.delete_vault_access_policy(delete).await.unwrap_err(),
            vaults.get_vault_notifications(get_events).await.unwrap_err(),
            vaults.set_vault_notifications(set_events).await.unwrap_err(),
            vaults.set_vault_notifications(dry_events).await.unwrap_err(),
            vaults.delete_vault_notifications(end_events).await.unwrap_err(),
        ] {
            assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()), "{missing:?}");
        }
    }
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "GetBackupVaultAccessPolicy", "next": 1, "effect": denied})).await;
    let request = GetVaultAccessPolicyRequest { vault: "prod".into(), ..Default::default() };
    let denied = world.vaults().get_vault_access_policy(request).await.unwrap_err();
    assert_eq!(reason(&denied), (Code::PermissionDenied, "AWS_ACCESS_DENIED".into()));
    let elsewhere = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let contradiction = GetVaultNotificationsRequest { scope: elsewhere, vault: ARN.into() };
    assert_eq!(told(&world.vaults().get_vault_notifications(contradiction).await.unwrap_err()).fields, ["vault"]);
}
