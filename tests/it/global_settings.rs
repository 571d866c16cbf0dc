//! The settings of an organization, over the wire.

use serde_json::json;
use strongroom::proto::{
    GetGlobalSettingsRequest, GlobalSettings, UpdateGlobalSettingsRequest, UpdateGlobalSettingsResponse,
};
use tonic::{Code, Status};

use crate::{
    backups::aws_backup,
    harness::{World, reason, told},
};

const CROSS_ACCOUNT: &str = "isCrossAccountBackupEnabled";

async fn organization() -> World {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    world.behave(json!({"switches": {"organization": true}})).await;
    world
}

async fn get(world: &World) -> Result<GlobalSettings, Status> {
    let answer = world.accounts().get_global_settings(GetGlobalSettingsRequest::default()).await?;
    Ok(answer.into_inner().global_settings.unwrap())
}

fn setting(settings: &[(&str, bool)]) -> UpdateGlobalSettingsRequest {
    let settings = settings.iter().map(|(name, on)| ((*name).to_owned(), *on)).collect();
    UpdateGlobalSettingsRequest { settings, ..Default::default() }
}

async fn update(world: &World, request: UpdateGlobalSettingsRequest) -> Result<UpdateGlobalSettingsResponse, Status> {
    Ok(world.accounts().update_global_settings(request).await?.into_inner())
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_says_what_is_lost() {
    let world = organization().await;
    let before = get(&world).await.unwrap();
    let all: Vec<_> = before.settings.iter().map(|(name, on)| (name.as_str(), *on)).collect();
    assert_eq!(all, [(CROSS_ACCOUNT, false), ("isDelegatedAdministratorEnabled", false), ("isMpaEnabled", false)]);
    assert_eq!((before.last_update_time, before.other_settings.len()), (None, 0));

    let on = setting(&[(CROSS_ACCOUNT, true)]);
    let dry = update(&world, UpdateGlobalSettingsRequest { validate_only: true, ..on.clone() }).await.unwrap();
    assert_eq!(get(&world).await.unwrap(), before, "a dry run changes nothing");
    let done = update(&world, on.clone()).await.unwrap();
    assert!(done.findings.is_empty());
    let after = done.global_settings.unwrap();
    assert_eq!(dry.global_settings.unwrap().settings, after.settings);
    assert!(after.settings[CROSS_ACCOUNT] && !after.settings["isMpaEnabled"]);
    assert!(after.last_update_time.is_some() && after.etag != before.etag);
    let aws = aws_backup(&world).describe_global_settings().send().await.unwrap();
    assert_eq!(aws.global_settings.unwrap()[CROSS_ACCOUNT], "true", "AWS says the same");

    // What is so already is not written again.
    world.asked_for().await;
    assert_eq!(update(&world, on).await.unwrap().global_settings.unwrap(), after);
    assert!(!world.asked_for().await.iter().any(|(_, operation)| operation == "UpdateGlobalSettings"));

    for validate_only in [true, false] {
        let request = UpdateGlobalSettingsRequest { validate_only, ..setting(&[(CROSS_ACCOUNT, false)]) };
        let off = update(&world, request).await.unwrap();
        let read: Vec<_> = off.findings.iter().map(|found| (found.code.as_str(), found.field.as_str())).collect();
        assert_eq!(read, [("CROSS_ACCOUNT_BACKUP_OFF", "settings[\"isCrossAccountBackupEnabled\"]")]);
    }
}

#[tokio::test]
async fn only_the_settings_that_were_read_are_changed_and_a_lost_answer_is_repeated() {
    let world = organization().await;
    let read = get(&world).await.unwrap().etag;
    let request = UpdateGlobalSettingsRequest { etag: read.clone(), ..setting(&[(CROSS_ACCOUNT, true)]) };
    world.arm(json!({"operation": "UpdateGlobalSettings", "next": 1, "effect": "drop_after"})).await;
    let lost = update(&world, request.clone()).await.unwrap_err();
    assert_eq!(reason(&lost), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    update(&world, request).await.unwrap();
    for validate_only in [true, false] {
        let request =
            UpdateGlobalSettingsRequest { etag: read.clone(), validate_only, ..setting(&[("isMpaEnabled", true)]) };
        let stale = update(&world, request).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
    }
}

#[tokio::test]
async fn a_setting_that_nobody_knows_is_told_with_the_known_ones() {
    let world = organization().await;
    let request = setting(&[("isCrossAccountBackupEnable", true), ("isMpaEnabled", true)]);
    let refused = update(&world, request).await.unwrap_err();
    assert_eq!(told(&refused).fields, ["settings[\"isCrossAccountBackupEnable\"]"]);
    assert!(refused.message().contains("did you mean isCrossAccountBackupEnabled?"), "{}", refused.message());
    assert!(!get(&world).await.unwrap().settings["isMpaEnabled"], "nothing is half done");
    assert_eq!(told(&update(&world, setting(&[])).await.unwrap_err()).fields, ["settings"]);
}

#[tokio::test]
async fn outside_an_organization_the_answer_says_where_to_ask() {
    let world = World::start().await;
    for refused in
        [get(&world).await.unwrap_err(), update(&world, setting(&[("isMpaEnabled", true)])).await.unwrap_err()]
    {
        assert_eq!(reason(&refused), (Code::FailedPrecondition, "AWS_REJECTED_STATE".into()));
        assert!(refused.message().contains("in the organization's management account"), "{}", refused.message());
    }
    // A fault that passes is no such answer.
    world.behave(json!({"switches": {"organization": true}})).await;
    let broken = json!({"error": {"status": 503, "code": "ServiceUnavailableException", "message": "later"}});
    world.arm(json!({"operation": "DescribeGlobalSettings", "rate": 1.0, "effect": broken})).await;
    assert_eq!(reason(&get(&world).await.unwrap_err()), (Code::Unavailable, "AWS_UNAVAILABLE".into()));
}
