//! What is told of a resource's last restore, and of what happens to what a restore made.

use aws_sdk_backup::types::RestoreValidationStatus as Validation;
use strongroom::proto::{
    GetJobRequest, GetProtectedResourceRequest, ListJobsRequest, ListProtectedResourcesRequest, ProtectedResource,
    RestoreDeletionStatus, RestoreValidationStatus, Scope,
};
use tonic::{Code, Status};

use crate::{
    backups::{VAULT, VOLUME, aws_backup, back_up, prepared, read, recovery_point},
    harness::{LABS, World, reason, told},
    restores::restore_as,
};

async fn protected(world: &World, resource: &str) -> Result<ProtectedResource, Status> {
    let request = GetProtectedResourceRequest { resource: resource.into(), ..Default::default() };
    Ok(world.resources().get_protected_resource(request).await?.into_inner().resource.unwrap())
}

#[tokio::test]
async fn a_protected_resource_tells_its_last_backup_and_its_last_restore() {
    let world = prepared().await;
    let unprotected = protected(&world, "rdspg-fcj-labs").await.unwrap_err();
    assert_eq!(reason(&unprotected), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    assert!(unprotected.message().contains("has no recovery point"), "{}", unprotected.message());

    let point = recovery_point(&world).await;
    let backed_up = protected(&world, "rdspg-fcj-labs").await.unwrap();
    assert_eq!(protected(&world, LABS).await.unwrap(), backed_up, "by its ARN the same");
    assert_eq!((backed_up.arn.as_str(), backed_up.resource_type.as_str()), (LABS, "RDS"));
    assert_eq!(backed_up.last_recovery_point_arn, point);
    assert!(backed_up.last_backup_time.is_some() && backed_up.last_backup_vault_arn.ends_with(VAULT));
    assert_eq!((backed_up.latest_restore_execution_minutes, backed_up.latest_restore_job_create_time), (None, None));
    let listed = world.resources().list_protected_resources(ListProtectedResourcesRequest::default()).await.unwrap();
    assert_eq!(listed.into_inner().resources, std::slice::from_ref(&backed_up));

    let job = restore_as(&world, &point, "restored").await;
    world.advance("PT2H").await;
    let restored = protected(&world, LABS).await.unwrap();
    assert!(restored.latest_restore_execution_minutes.is_some_and(|minutes| (1..120).contains(&minutes)));
    assert_eq!(restored.latest_restore_job_create_time, job.create_time);
    assert!(restored.latest_restore_recovery_point_create_time.is_some());
    let latest = |of: ProtectedResource| ProtectedResource {
        latest_restore_execution_minutes: None,
        latest_restore_job_create_time: None,
        latest_restore_recovery_point_create_time: None,
        ..of
    };
    assert_eq!(latest(restored), backed_up);
}

#[tokio::test]
async fn a_protected_resource_is_of_any_service_and_what_is_none_is_told() {
    let world = prepared().await;
    back_up(&world, VOLUME).await;
    assert_eq!(protected(&world, VOLUME).await.unwrap().resource_type, "EBS");
    for name in ["nowhere", "arn:aws:ec2:us-east-1:123456789012:volume/vol-00000000000000001"] {
        let missing = protected(&world, name).await.unwrap_err();
        assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()), "{name}");
    }
    for faulty in ["", "a_b", "arn:aws:rds"] {
        assert_eq!(told(&protected(&world, faulty).await.unwrap_err()).fields, ["resource"], "{faulty}");
    }
    let scope = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let elsewhere = GetProtectedResourceRequest { scope, resource: VOLUME.into() };
    let elsewhere = world.resources().get_protected_resource(elsewhere).await.unwrap_err();
    assert_eq!(reason(&elsewhere).1, "RESOURCE_NOT_FOUND", "the vaults there have nothing of it");
}

#[tokio::test]
async fn a_restore_tells_how_it_was_validated() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let job = restore_as(&world, &point, "restored").await;
    assert_eq!(job.validation_status(), RestoreValidationStatus::Unspecified);
    assert_eq!((job.validation_status_text.as_str(), job.deletion_status_text.as_str()), ("", ""));
    assert_eq!(job.deletion_status(), RestoreDeletionStatus::Unspecified);
    world.advance("PT2H").await;
    for (word, status) in [
        (Validation::Validating, RestoreValidationStatus::Validating),
        (Validation::TimedOut, RestoreValidationStatus::TimedOut),
        (Validation::Failed, RestoreValidationStatus::Failed),
        (Validation::Successful, RestoreValidationStatus::Successful),
    ] {
        let put = aws_backup(&world).put_restore_validation_result().restore_job_id(&job.id);
        let put = put.validation_status(word.clone()).validation_status_message("as the script says");
        put.send().await.unwrap();
        let described = read(&world, &job.id).await;
        let listed = world.jobs().list_jobs(ListJobsRequest::default()).await.unwrap().into_inner().jobs;
        let listed = listed.into_iter().find(|listed| listed.id == job.id).unwrap();
        for told in [described, listed] {
            assert_eq!((told.validation_status(), told.validation_status_text.as_str()), (status, word.as_str()));
            assert_eq!(told.validation_status_message, "as the script says");
        }
        let request = GetJobRequest { job: job.id.clone(), ..Default::default() };
        let found = world.jobs().get_job(request).await.unwrap().into_inner().findings;
        let codes: Vec<_> = found.iter().map(|finding| finding.code.as_str()).collect();
        let bad = matches!(word, Validation::Failed | Validation::TimedOut);
        assert_eq!(codes, if bad { vec!["RESTORE_VALIDATION_FAILED"] } else { vec![] }, "{word:?}: {found:?}");
        assert!(found.iter().all(|finding| finding.message.contains("as the script says")), "{found:?}");
    }
}
