//! What the engine asks of RDS, in AWS Backup's words: may this be backed up now, make, copy and delete snapshots,
//! restore.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Instant;
use crate::{
    backup::{
        outcome::{Category, Failure},
        recovery_points::{Content, RecoveryPoint, arn},
        resource_types::{Kind, Source},
    },
    call::AwsError,
    partition,
    rds::{Status, backup::WindowConflict, point_in_time::Followed},
    world::{Region, World},
};

/// A size for what the sandbox does not imitate: 1 GiB.
const OTHER_BYTES: i64 = GIB;
const GIB: i64 = 1 << 30;

/// A snapshot that has begun.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) content: Content,
    pub(super) kms_key: Option<String>,
    pub(super) bytes: i64,
    pub(super) restore_metadata: BTreeMap<String, String>,
}

/// Whether a backup may start now.
pub(super) fn check(region: &Region, source: &Source, at: Timestamp) -> Result<(), Failure> {
    let missing = || Failure::new(Category::ResourceNotFound, format!("Could not find resource {}", source.arn));
    let busy = |status: Status| {
        let message = format!("{} is not in the available state: it is {}", source.arn, status.as_str());
        (status != Status::Available).then(|| Failure::new(Category::Conflict, message))
    };
    match &source.kind {
        Kind::DbInstance(id) => {
            let instance = region.rds.instance(id).filter(|it| it.arn == source.arn).ok_or_else(missing)?;
            if let Some(cluster) = &instance.cluster {
                let message = format!("{} is an unsupported resource type: back up its cluster {cluster}", source.arn);
                return Err(Failure::new(Category::InvalidParameters, message));
            }
            busy(instance.status).or_else(|| instance.window_conflict(at).map(in_the_way)).map_or(Ok(()), Err)
        }
        Kind::DbCluster(id) => {
            let cluster = region.rds.cluster(id).filter(|it| it.arn == source.arn).ok_or_else(missing)?;
            busy(cluster.status).or_else(|| cluster.window_conflict(at).map(in_the_way)).map_or(Ok(()), Err)
        }
        Kind::Other(..) => Ok(()),
    }
}

fn in_the_way(conflict: WindowConflict) -> Failure {
    let window = match conflict {
        WindowConflict::Maintenance => "weekly maintenance window",
        WindowConflict::AutomatedBackup => "automated backup window",
    };
    Failure::new(
        Category::Conflict,
        format!(
            "Backup job could not start because it is either inside or too close to the {window} configured in the database."
        ),
    )
}

/// Begins the snapshot of a backup job, with these tags on it.
pub(super) fn begin_snapshot(
    now: &Instant<'_>,
    region: &mut Region,
    source: &Source,
    job_id: &str,
    point_arn: &str,
    tags: BTreeMap<String, String>,
) -> Result<Made, Failure> {
    check(region, source, now.at)?;
    let until = now.after(now.behaviour.jobs.run_time);
    if matches!(source.kind, Kind::Other(..)) {
        region.tags.0.insert(point_arn.to_owned(), tags);
        let restore_metadata = BTreeMap::new();
        return Ok(Made { content: Content::Other, kms_key: None, bytes: OTHER_BYTES, restore_metadata });
    }
    let missing = || Failure::new(Category::ResourceNotFound, format!("Could not find resource {}", source.arn));
    let arn =
        region.rds.begin_backup(&mut region.tags, &source.arn, job_id, &tags, now.at, until).ok_or_else(missing)?;
    let id = arn::snapshot_id(job_id);
    if let Some(snapshot) = region.rds.snapshot_by_arn(&arn) {
        return Ok(Made {
            content: Content::DbSnapshot(id),
            kms_key: snapshot.settings.kms_key.clone(),
            bytes: i64::from(snapshot.settings.allocated_storage) * GIB,
            restore_metadata: snapshot.restore_metadata(),
        });
    }
    let snapshot = region.rds.cluster_snapshot_by_arn(&arn).ok_or_else(missing)?;
    Ok(Made {
        content: Content::DbClusterSnapshot(id),
        kms_key: snapshot.settings.kms_key.clone(),
        bytes: i64::from(snapshot.settings.allocated_storage) * GIB,
        restore_metadata: snapshot.restore_metadata(),
    })
}

/// Copies the snapshot behind `point` to another vault: the same region, another one, or another account's.
pub(super) fn copy_snapshot(
    world: &mut World,
    now: &Instant<'_>,
    there: &Instant<'_>,
    point: &RecoveryPoint,
    job_id: &str,
) -> Result<Content, Failure> {
    let place = format!("arn:{}:rds:{}:{}:db:", partition::of(there.region), there.region, there.account);
    let id = arn::copied_snapshot_id(job_id);
    match &point.content {
        Content::DbSnapshot(_) => {
            let snapshot = now.region(world).rds.snapshot_by_arn(&point.arn).cloned().ok_or_else(|| gone(point))?;
            there.region(world).rds.copy_in(snapshot, &place, job_id, now.at);
            Ok(Content::DbSnapshot(id))
        }
        Content::DbClusterSnapshot(_) => {
            let snapshot =
                now.region(world).rds.cluster_snapshot_by_arn(&point.arn).cloned().ok_or_else(|| gone(point))?;
            there.region(world).rds.copy_cluster_in(snapshot, &place, job_id, now.at);
            Ok(Content::DbClusterSnapshot(id))
        }
        Content::Other => Ok(Content::Other),
        Content::Continuous(_) => {
            Err(Failure::new(Category::InvalidParameters, "Feature is not supported for provided resource type."))
        }
    }
}

/// Begins a restore and answers the ARN of the new database.
pub(super) fn begin_restore(
    now: &Instant<'_>,
    region: &mut Region,
    point: &RecoveryPoint,
    metadata: &BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
) -> Result<String, Failure> {
    let rds = &mut region.rds;
    // The point is named by its ARN; a snapshot named beside it is not looked at [Q].
    let mut metadata = metadata.clone();
    for key in ["DBSnapshotIdentifier", "DBClusterSnapshotIdentifier", "SnapshotIdentifier"] {
        metadata.remove(key);
    }
    let made = match &point.content {
        Content::DbSnapshot(_) => rds.restore_from_backup(&mut region.tags, &point.arn, &metadata, tags, now.at),
        Content::DbClusterSnapshot(_) => {
            let from =
                rds.cluster_snapshot_by_arn(&point.arn).map(|it| it.settings.clone()).ok_or_else(|| gone(point))?;
            rds.restore_cluster(&mut region.tags, &from, &point.arn, &metadata, tags, now.at)
        }
        Content::Continuous(source) => {
            let followed = Followed { source_arn: source, recovery_point_arn: &point.arn, until: point.stopped_at };
            rds.restore_continuous(&mut region.tags, &followed, &metadata, tags, now.at)
        }
        Content::Other => {
            let message = "Feature is not supported for provided resource type.";
            return Err(Failure::new(Category::InvalidParameters, message));
        }
    };
    made.map_err(|refused| refused_by_rds(&refused))
}

fn gone(point: &RecoveryPoint) -> Failure {
    Failure::new(Category::ResourceNotFound, format!("Could not find resource {}", point.arn))
}

/// RDS's refusal as a job tells it, code included.
fn refused_by_rds(refused: &AwsError) -> Failure {
    let category = match refused.code.as_ref() {
        code if code.contains("NotFound") => Category::ResourceNotFound,
        code if code.contains("QuotaExceeded") => Category::LimitExceeded,
        code if code.contains("AlreadyExists") || code.contains("InvalidDB") => Category::Conflict,
        _ => Category::InvalidParameters,
    };
    Failure::new(category, format!("{} (Service: AmazonRDS; Error Code: {})", refused.message, refused.code))
}
