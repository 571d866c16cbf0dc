//! What the tests of jobs, restores and recovery points begin with: a role, a vault, backups; and AWS's own API for what
//! Strongroom has no RPC for.

use aws_credential_types::Credentials;
use strongroom::proto::{CreateVaultRequest, EnsureServiceRoleRequest, GetJobRequest, Job, StartBackupRequest};

use crate::harness::{LABS, World};

/// The vault of these tests.
pub(crate) const VAULT: &str = "prod";

/// A volume: the sandbox takes it to exist, and AWS can stop its backups.
pub(crate) const VOLUME: &str = "arn:aws:ec2:us-east-1:123456789012:volume/vol-0123456789abcdef0";

/// A world with the role and the vault.
pub(crate) async fn prepared() -> World {
    let world = World::start().await;
    prepare(&world).await;
    world
}

/// Makes the role and the vault.
pub(crate) async fn prepare(world: &World) {
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    let vault = CreateVaultRequest { name: VAULT.into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
}

/// A backup of the resource into the vault, everything else default.
pub(crate) fn backup_of(resource: &str) -> StartBackupRequest {
    StartBackupRequest {
        resource: resource.into(),
        vault: VAULT.into(),
        role: "AWSBackupDefaultServiceRole".into(),
        ..Default::default()
    }
}

/// Starts a backup.
pub(crate) async fn start(world: &World, request: StartBackupRequest) -> Job {
    world.jobs().start_backup(request).await.unwrap().into_inner().job.unwrap()
}

/// Backs the resource up, to the end.
pub(crate) async fn back_up(world: &World, resource: &str) -> Job {
    let job = start(world, backup_of(resource)).await;
    world.advance("PT10M").await;
    let job = read(world, &job.id).await;
    assert_eq!(job.state_text, "COMPLETED", "{job:?}");
    job
}

/// The recovery point of a backup of the workshop's database.
pub(crate) async fn recovery_point(world: &World) -> String {
    back_up(world, LABS).await.recovery_point_arn
}

/// A job of any kind.
pub(crate) async fn read(world: &World, id: &str) -> Job {
    let request = GetJobRequest { job: id.into(), ..Default::default() };
    world.jobs().get_job(request).await.unwrap().into_inner().job.unwrap()
}

/// AWS Backup itself.
pub(crate) fn aws_backup(world: &World) -> aws_sdk_backup::Client {
    aws_sdk_backup::Client::new(&sdk(world))
}

/// RDS itself.
pub(crate) fn aws_rds(world: &World) -> aws_sdk_rds::Client {
    aws_sdk_rds::Client::new(&sdk(world))
}

/// KMS itself.
pub(crate) fn aws_kms(world: &World) -> aws_sdk_kms::Client {
    aws_sdk_kms::Client::new(&sdk(world))
}

/// IAM itself.
pub(crate) fn aws_iam(world: &World) -> aws_sdk_iam::Client {
    aws_sdk_iam::Client::new(&sdk(world))
}

fn sdk(world: &World) -> aws_config::SdkConfig {
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("us-east-1"))
        .endpoint_url(world.sandbox())
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        .build()
}
