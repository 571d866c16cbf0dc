//! Legal holds, protected resources and the organization's settings on the command line.

use serde_json::json;

use crate::{
    backups::{VAULT, prepared, recovery_point},
    cli::{done, run},
};

#[tokio::test]
async fn a_hold_is_made_seen_and_cancelled_when_that_is_said() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let create =
        ["hold", "create", "case 7", "--description", "lawsuit", "--vault", VAULT, "--resource", "rdspg-fcj-labs"];
    let trial = run(&world, &[create.as_slice(), &["--validate-only"]].concat()).await;
    assert!(trial.code == 0 && trial.err.contains("LEGAL_HOLD_KEEPS"), "what is found is printed: {trial:?}");
    assert!(!done(&world, &["hold", "list"]).await.contains("case 7"));
    let span = ["--created-after", "2026-03-01", "--created-before", "2026-03-02T00:05:00Z"];
    done(&world, &[create.as_slice(), &span].concat()).await;
    assert!(done(&world, &["hold", "list", "--state", "active"]).await.contains("case 7"));
    assert!(done(&world, &["hold", "get", "case 7"]).await.contains("lawsuit"));
    assert!(done(&world, &["hold", "list-points", "case 7"]).await.contains(&point));
    let kept = run(&world, &["point", "delete", &point, "--vault", VAULT, "--yes"]).await;
    assert!(kept.code != 0 && kept.err.contains("RECOVERY_POINTS_HELD"), "{kept:?}");

    let cancel = ["hold", "cancel", "case 7", "--reason", "settled"];
    let asked = run(&world, &cancel).await;
    assert!(asked.code == 2 && asked.err.contains("--yes"), "nobody is at a terminal: {asked:?}");
    let gone = run(&world, &[cancel.as_slice(), &["--yes"]].concat()).await;
    assert!(gone.code == 0 && gone.err.contains("LEGAL_HOLD_LETS_GO"), "{gone:?}");
    assert!(done(&world, &["hold", "get", "case 7"]).await.contains("CANCELED"));
    assert_eq!(run(&world, &["hold", "get", "case 8"]).await.code, 5);
}

#[tokio::test]
async fn a_protected_resource_and_the_organization_s_settings_are_told() {
    let world = prepared().await;
    assert_eq!(run(&world, &["resource", "get-protected", "rdspg-fcj-labs"]).await.code, 5);
    let point = recovery_point(&world).await;
    assert!(done(&world, &["resource", "get-protected", "rdspg-fcj-labs"]).await.contains(&point));
    let outside = run(&world, &["settings", "get-global"]).await;
    assert!(outside.code == 1 && outside.err.contains("management account"), "{outside:?}");
    world.behave(json!({"switches": {"organization": true}})).await;
    done(&world, &["settings", "update-global", "--setting", "isCrossAccountBackupEnabled=true"]).await;
    assert!(done(&world, &["settings", "get-global"]).await.contains("isCrossAccountBackupEnabled"));
    let off = run(&world, &["settings", "update-global", "--setting", "isCrossAccountBackupEnabled=false"]).await;
    assert!(off.code == 0 && off.err.contains("CROSS_ACCOUNT_BACKUP_OFF"), "{off:?}");
}
