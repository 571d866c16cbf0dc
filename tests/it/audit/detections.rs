//! Every deed that public detection rules for AWS Backup look for is known by one field, with what there was before.

use std::time::Duration;

use serde_json::{Value, json};
use strongroom::proto::ListAuditEventsRequest;

use super::{end, ended, events, lines};
use crate::{
    every_change::{method, send, with, world_and_requests_with},
    harness::LABS,
};

/// A deed: the RPC, its request, by what it is known here and to rules for CloudTrail, and where of its changes what is told.
struct Deed {
    rpc: &'static str,
    request: Value,
    detections: Vec<&'static str>,
    event_names: Vec<&'static str>,
    told: Vec<(&'static str, Value)>,
}

fn deed(rpc: &'static str, request: &Value, detection: &'static str, event_name: &'static str) -> Deed {
    let (detections, event_names) = (vec![detection], vec![event_name]);
    Deed { rpc, request: request.clone(), detections, event_names, told: Vec::new() }
}

fn harmless(rpc: &'static str, request: Value) -> Deed {
    Deed { rpc, request, detections: Vec::new(), event_names: Vec::new(), told: Vec::new() }
}

impl Deed {
    /// Of its first change, at this place.
    fn tells(mut self, at: &'static str, value: Value) -> Self {
        self.told.push((at, value));
        self
    }
}

#[tokio::test]
async fn each_is_known_by_one_field_and_told_with_what_there_was_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().to_owned();
    let (world, requests) = world_and_requests_with(|config| config.audit.path = Some(kept)).await;
    let of = |rpc: &str| requests[rpc].clone();
    let lifecycle =
        |days: u32| with(&of("UpdateRecoveryPointLifecycle"), "lifecycle", json!({"delete_after_days": days}));
    let rule = |days: u32| json!({"name": "weekly", "vault": "prod", "lifecycle": {"delete_after_days": days}});
    let plan = |days: u32| json!({"plan": "evening", "rules": [rule(days)]});
    let tells = |events: &[&str]| json!({"vault": "prod", "notifications": {"topic": "backups", "events": events}});
    let deeds = [
        harmless("LockVault", of("LockVault")),
        deed("UpdateRecoveryPointLifecycle", &lifecycle(14), "RETENTION_SHORTENED", "UpdateRecoveryPointLifecycle")
            .tells("/old/delete_after_days", json!(35))
            .tells("/new/delete_after_days", json!(14)),
        harmless("UpdateRecoveryPointLifecycle", lifecycle(120)),
        deed("UpdateRecoveryPointLifecycle", &lifecycle(119), "RETENTION_SHORTENED", "UpdateRecoveryPointLifecycle")
            .tells("/old/delete_after_days", json!(120)),
        // The rule that was there makes nothing any more.
        deed("UpdatePlan", &plan(30), "RETENTION_SHORTENED", "UpdateBackupPlan").tells("/old/0/name", json!("daily")),
        harmless("UpdatePlan", plan(31)),
        deed("UpdatePlan", &plan(7), "RETENTION_SHORTENED", "UpdateBackupPlan")
            .tells("/old/0/lifecycle/delete_after_days", json!(31))
            .tells("/new/0/lifecycle/delete_after_days", json!(7)),
        harmless("SetVaultNotifications", tells(&["BACKUP_JOB_COMPLETED", "COPY_JOB_FAILED"])),
        deed(
            "SetVaultNotifications",
            &tells(&["BACKUP_JOB_COMPLETED"]),
            "NOTIFICATIONS_SWITCHED_OFF",
            "PutBackupVaultNotifications",
        )
        .tells("/old/events/1", json!("COPY_JOB_FAILED")),
        deed(
            "DeleteVaultNotifications",
            &of("DeleteVaultNotifications"),
            "NOTIFICATIONS_SWITCHED_OFF",
            "DeleteBackupVaultNotifications",
        )
        .tells("/old/events/0", json!("BACKUP_JOB_COMPLETED")),
        deed("SetVaultAccessPolicy", &of("SetVaultAccessPolicy"), "VAULT_POLICY_CHANGED", "PutBackupVaultAccessPolicy")
            .tells("/new/Statement/0/Effect", json!("Deny")),
        deed(
            "DeleteVaultAccessPolicy",
            &of("DeleteVaultAccessPolicy"),
            "VAULT_POLICY_CHANGED",
            "DeleteBackupVaultAccessPolicy",
        )
        .tells("/old/Statement/0/Action", json!("backup:DeleteRecoveryPoint")),
        deed("UnlockVault", &of("UnlockVault"), "VAULT_LOCK_REMOVED", "DeleteBackupVaultLockConfiguration")
            .tells("/old/min_retention_days", json!(1)),
        deed("DeleteSelection", &of("DeleteSelection"), "SELECTION_DELETED", "DeleteBackupSelection")
            .tells("/old/name", json!("two"))
            .tells("/old/criteria/resources/0", json!(LABS)),
        deed("DeletePlan", &of("DeletePlan"), "PLAN_DELETED", "DeleteBackupPlan")
            .tells("/old/name", json!("bare"))
            .tells("/old/rules/0/name", json!("daily")),
        deed("CancelLegalHold", &of("CancelLegalHold"), "LEGAL_HOLD_CANCELLED", "CancelLegalHold"),
        deed("DeleteRecoveryPoint", &of("DeleteRecoveryPoint"), "RECOVERY_POINT_DELETED", "DeleteRecoveryPoint")
            .tells("/old/vault", json!("prod"))
            .tells("/old/resource_arn", json!(LABS))
            .tells("/old/resource_type", json!("RDS"))
            .tells("/old/lifecycle/delete_after_days", json!(119)),
        deed(
            "DisassociateRecoveryPoint",
            &of("DisassociateRecoveryPoint"),
            "RECOVERY_POINT_DELETED",
            "DisassociateRecoveryPoint",
        ),
        deed("DeleteVault", &of("DeleteVault"), "VAULT_DELETED", "DeleteBackupVault"),
    ];
    for Deed { rpc, request, detections, event_names, told } in deeds {
        let detections: Vec<_> = detections.iter().map(|name| format!("DETECTION_{name}")).collect();
        send(&world, &method(rpc), request.clone(), false).await.unwrap_or_else(|error| panic!("{rpc}: {error}"));
        let wanted = ListAuditEventsRequest { action: rpc.to_owned(), page_size: 1, ..Default::default() };
        let ended = || async {
            let event = events(&world, wanted.clone()).await.remove(0);
            Some(event).filter(|event| event.end_time.is_some())
        };
        let event = loop {
            if let Some(event) = ended().await {
                break event;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let known: Vec<_> = event.detections().map(|known| known.as_str_name().to_owned()).collect();
        assert_eq!(known, detections, "{rpc} {request}");
        let written = lines(folder.path()).into_iter().rfind(|line| line["begun"]["id"] == event.id.as_str()).unwrap();
        let names = written.get("eventName").cloned().unwrap_or_else(|| json!([]));
        assert_eq!(names, json!(event_names), "{rpc} {request}");
        for (at, value) in told {
            let change = &written["changes"][0];
            assert_eq!(change.pointer(at), Some(&value), "{rpc}{at}: {change}");
        }
    }
}

#[tokio::test]
async fn a_vault_deleted_with_its_points_is_both_and_tells_each_point() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().to_owned();
    let (world, requests) = world_and_requests_with(|config| config.audit.path = Some(kept)).await;
    // What runs there would keep it.
    world.advance("P2D").await;
    let before = ended(folder.path()).await.iter().filter(|line| line["kind"] == "end").count();
    let request = json!({"vault": "prod", "force": true});
    _ = send(&world, &method("DeleteVault"), request, false).await;
    let end = end(folder.path(), before + 1).await;
    assert_eq!(end["detections"][0], "DETECTION_RECOVERY_POINT_DELETED", "{end}");
    assert_eq!(end["eventName"][0], "DeleteRecoveryPoint", "{end}");
    if end["outcome"] == "SUCCEEDED"
        && end["changes"].as_array().unwrap().iter().any(|change| change["field"] == "vault")
    {
        assert_eq!(end["detections"], json!(["DETECTION_RECOVERY_POINT_DELETED", "DETECTION_VAULT_DELETED"]));
        assert_eq!(end["eventName"], json!(["DeleteRecoveryPoint", "DeleteBackupVault"]));
    }
    let of = |arn: &Value| end["changes"].as_array().unwrap().iter().find(|change| change["subject"] == *arn).cloned();
    let point = of(&requests["DeleteRecoveryPoint"]["recovery_point"]).unwrap();
    assert_eq!((&point["old"]["vault"], &point["old"]["resource_arn"]), (&json!("prod"), &json!(LABS)), "{point}");
}
