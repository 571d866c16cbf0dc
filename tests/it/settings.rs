//! The settings of a region and what a role must have for which resource types, over the wire.

use std::collections::BTreeMap;

use serde_json::json;
use strongroom::proto::{
    EnsureServiceRoleRequest, Finding, GetRegionSettingsRequest, GetServiceRoleRequest, GetServiceRoleResponse,
    RegionSettings, Scope, ServiceRole, Severity, UpdateRegionSettingsRequest,
};
use tonic::Code;

use crate::{
    backups::aws_backup,
    harness::{World, reason, told},
};

const S3: [&str; 2] = [
    "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup",
    "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Restore",
];

async fn settings(world: &World) -> RegionSettings {
    let answer = world.accounts().get_region_settings(GetRegionSettingsRequest::default()).await.unwrap();
    answer.into_inner().settings.unwrap()
}

fn types(pairs: &[(&str, bool)]) -> BTreeMap<String, bool> {
    pairs.iter().map(|(name, on)| ((*name).to_owned(), *on)).collect()
}

fn opt_in(pairs: &[(&str, bool)]) -> UpdateRegionSettingsRequest {
    UpdateRegionSettingsRequest { resource_type_opt_in: types(pairs), ..Default::default() }
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_warns_of_databases_left_out() {
    let world = World::start().await;
    let before = settings(&world).await;
    assert!(before.supported_resource_types.iter().any(|name| name == "RDS"));
    assert_eq!(before.resource_type_opt_in.get("RDS"), Some(&true));

    let request = UpdateRegionSettingsRequest {
        resource_type_management: types(&[("EFS", true)]),
        ..opt_in(&[("RDS", false), ("EFS", false)])
    };
    let dry = UpdateRegionSettingsRequest { validate_only: true, ..request.clone() };
    let dry = world.accounts().update_region_settings(dry).await.unwrap().into_inner();
    assert_eq!(settings(&world).await, before, "a dry run changes nothing");

    let answer = world.accounts().update_region_settings(request.clone()).await.unwrap().into_inner();
    assert_eq!((&answer.settings, &answer.findings), (&dry.settings, &dry.findings), "and says what would be");
    assert_ne!(answer.request_id, dry.request_id);
    let read: Vec<_> = answer.findings.iter().map(|finding| (finding.code.as_str(), finding.field.as_str())).collect();
    assert_eq!(read, [("DATABASE_TYPE_SWITCHED_OFF", "resource_type_opt_in[\"RDS\"]")]);
    let after = settings(&world).await;
    assert_eq!(answer.settings.unwrap(), after);
    let mut expected = before;
    expected.resource_type_opt_in.extend(types(&[("RDS", false), ("EFS", false)]));
    expected.resource_type_management.extend(types(&[("EFS", true)]));
    assert_ne!(after.etag, expected.etag);
    expected.etag.clone_from(&after.etag);
    assert_eq!(after, expected);
    let aws = aws_backup(&world).describe_region_settings().send().await.unwrap();
    let aws = aws.resource_type_opt_in_preference.unwrap();
    assert_eq!((aws["RDS"], aws["Aurora"]), (false, true), "AWS says the same");
    assert_eq!(world.accounts().update_region_settings(request).await.unwrap().into_inner().settings, Some(after));
}

#[tokio::test]
async fn only_the_settings_that_were_read_are_changed() {
    let world = World::start().await;
    let update = async |pairs: &[(&str, bool)], etag: &str, validate_only| {
        let request = UpdateRegionSettingsRequest { etag: etag.into(), validate_only, ..opt_in(pairs) };
        let answer = world.accounts().update_region_settings(request).await?;
        Ok::<_, tonic::Status>(answer.into_inner().settings.unwrap())
    };
    let read = settings(&world).await.etag;
    let shown = update(&[("S3", false)], &read, true).await.unwrap();
    let changed = update(&[("S3", false)], &read, false).await.unwrap();
    assert_eq!(changed, shown);
    assert_eq!(update(&[("S3", false)], &read, false).await.unwrap(), changed, "a repeated call finds its own");
    for validate_only in [true, false] {
        let stale = update(&[("EFS", false)], &read, validate_only).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
        assert!(stale.message().contains(&changed.etag), "{}", stale.message());
    }
    let again = update(&[("EFS", false)], &changed.etag, false).await.unwrap();
    assert!(!again.resource_type_opt_in["EFS"]);
}

#[tokio::test]
async fn settings_are_those_of_the_region() {
    let world = World::start().await;
    world.accounts().update_region_settings(opt_in(&[("S3", false)])).await.unwrap();
    let scope = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let there = world.accounts().get_region_settings(GetRegionSettingsRequest { scope }).await.unwrap().into_inner();
    let there = there.settings.unwrap();
    assert_eq!((there.scope.unwrap().region.as_str(), there.resource_type_opt_in["S3"]), ("eu-west-1", true));
}

#[tokio::test]
async fn unknown_types_are_told_all_at_once_with_the_known_ones() {
    let world = World::start().await;
    let request = UpdateRegionSettingsRequest {
        resource_type_management: types(&[("RDS", true)]),
        ..opt_in(&[("rds", true), ("Floppy", false), ("EFS", false)])
    };
    let refused = world.accounts().update_region_settings(request).await.unwrap_err();
    let faults = told(&refused);
    let fields =
        ["resource_type_opt_in[\"Floppy\"]", "resource_type_opt_in[\"rds\"]", "resource_type_management[\"RDS\"]"];
    assert_eq!((faults.code, faults.fields), (Code::InvalidArgument, fields.map(str::to_owned).to_vec()));
    assert!(refused.message().contains("Neptune, RDS"), "{refused}");
    assert!(settings(&world).await.resource_type_opt_in["EFS"], "nothing is half done");
    let nothing = world.accounts().update_region_settings(opt_in(&[])).await.unwrap_err();
    assert_eq!(told(&nothing).fields, ["resource_type_opt_in"]);
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_is_unknown_and_done_by_repeating() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    world.arm(json!({"operation": "UpdateRegionSettings", "next": 1, "effect": "drop_after"})).await;
    let lost = world.accounts().update_region_settings(opt_in(&[("S3", false)])).await.unwrap_err();
    assert_eq!(reason(&lost), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    world.accounts().update_region_settings(opt_in(&[("S3", false)])).await.unwrap();
    assert!(!settings(&world).await.resource_type_opt_in["S3"]);
}

fn serving(types: &[&str]) -> EnsureServiceRoleRequest {
    let resource_types = types.iter().map(|name| (*name).to_owned()).collect();
    EnsureServiceRoleRequest { role: "backup".into(), resource_types, ..Default::default() }
}

async fn looked(world: &World, types: &[&str]) -> GetServiceRoleResponse {
    let resource_types = types.iter().map(|name| (*name).to_owned()).collect();
    let request = GetServiceRoleRequest { role: "backup".into(), resource_types, ..Default::default() };
    world.accounts().get_service_role(request).await.unwrap().into_inner()
}

async fn role(world: &World, types: &[&str]) -> ServiceRole {
    looked(world, types).await.role.unwrap()
}

#[tokio::test]
async fn what_a_role_lacks_depends_on_what_it_is_to_serve() {
    let world = World::start().await;
    let made = world.accounts().ensure_service_role(serving(&[])).await.unwrap().into_inner();
    assert_eq!(made.changes.len(), 3, "made, with the two policies that databases need");
    let databases = role(&world, &["RDS", "Aurora"]).await;
    assert!(databases.ready && databases.needs.iter().all(|need| need.missing_policy_arns.is_empty()));

    let answer = looked(&world, &["RDS", "S3"]).await;
    let buckets = answer.role.unwrap();
    assert!(!buckets.ready && buckets.trusts_backup);
    assert_eq!(buckets.missing_policy_arns, S3);
    let needs: Vec<_> = buckets
        .needs
        .iter()
        .map(|need| (need.resource_type.as_str(), need.restore, need.missing_policy_arns.len()))
        .collect();
    assert_eq!(needs, [("RDS", false, 0), ("RDS", true, 0), ("S3", false, 1), ("S3", true, 1)]);
    let errors = answer.findings.iter().filter(|finding| finding.severity() == Severity::Error);
    assert_eq!(
        errors.map(|finding| finding.code.as_str()).collect::<Vec<_>>(),
        ["BACKUP_POLICY_MISSING", "RESTORE_POLICY_MISSING"]
    );

    let dry = EnsureServiceRoleRequest { validate_only: true, ..serving(&["S3"]) };
    assert_eq!(world.accounts().ensure_service_role(dry).await.unwrap().into_inner().changes.len(), 2);
    let repaired = world.accounts().ensure_service_role(serving(&["S3"])).await.unwrap().into_inner();
    assert_eq!(repaired.changes.iter().map(|change| change.code.as_str()).collect::<Vec<_>>(), ["POLICY_ATTACHED"; 2]);
    assert!(repaired.role.unwrap().ready);
    assert_eq!(role(&world, &["RDS", "S3"]).await.attached_policy_arns.len(), 4, "nothing is taken away");
}

#[tokio::test]
async fn a_role_made_or_changed_just_now_is_said_to_be_on_its_way_by_aws_s_clock() {
    let world = World::start().await;
    let recent = |findings: &[Finding]| findings.iter().any(|finding| finding.code == "ROLE_RECENT");
    let made = world.accounts().ensure_service_role(serving(&[])).await.unwrap().into_inner();
    assert!(recent(&made.findings) && made.role.as_ref().unwrap().ready, "it is no fault: {made:?}");
    assert!(recent(&looked(&world, &[]).await.findings));
    world.advance("PT3M").await;
    assert!(!recent(&looked(&world, &[]).await.findings));
    let dry = EnsureServiceRoleRequest { validate_only: true, ..serving(&["S3"]) };
    let dry = world.accounts().ensure_service_role(dry).await.unwrap().into_inner();
    assert!(!recent(&dry.findings), "nothing was changed");
    let changed = world.accounts().ensure_service_role(serving(&["S3"])).await.unwrap().into_inner();
    let finding = changed.findings.iter().find(|finding| finding.code == "ROLE_RECENT").unwrap();
    assert!(finding.message.contains("was changed just now"), "{finding:?}");
    assert_eq!(finding.severity(), Severity::Info);
    assert!(!recent(&looked(&world, &["S3"]).await.findings), "IAM does not tell when a policy was attached");
}

#[tokio::test]
async fn a_type_that_nobody_knows_is_a_fault_of_both_requests() {
    let world = World::start().await;
    let ensure = world.accounts().ensure_service_role(serving(&["S3", "Bucket"])).await.unwrap_err();
    assert_eq!(told(&ensure).fields, ["resource_types[1]"]);
    let get = GetServiceRoleRequest { resource_types: vec!["s3".into()], ..Default::default() };
    let get = world.accounts().get_service_role(get).await.unwrap_err();
    assert_eq!((told(&get).code, told(&get).fields), (Code::InvalidArgument, vec!["resource_types[0]".to_owned()]));
}
