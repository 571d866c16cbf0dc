//! Names of snapshots and ARNs of recovery points: docs/aws-backup-semantics.md, sections 1.5 and 3.5.

use sha2::{Digest, Sha256};

use crate::{
    backup::resource_types::{Kind, Source},
    partition,
};

/// The identifier of the snapshot that a backup job makes in RDS.
#[must_use]
pub fn snapshot_id(job_id: &str) -> String {
    format!("awsbackup:job-{}", job_id.to_lowercase())
}

/// The identifier of the snapshot that a copy job makes in RDS.
#[must_use]
pub fn copied_snapshot_id(copy_job_id: &str) -> String {
    format!("awsbackup:copyjob-{}", copy_job_id.to_lowercase())
}

/// The ARN of the recovery point that a backup job makes.
#[must_use]
pub fn snapshot_arn(source: &Source, account: &str, region: &str, job_id: &str) -> String {
    named(&source.kind, account, region, &snapshot_id(job_id), job_id)
}

/// The ARN of the recovery point that a copy job makes.
#[must_use]
pub fn copied_snapshot_arn(source: &Source, account: &str, region: &str, copy_job_id: &str) -> String {
    named(&source.kind, account, region, &copied_snapshot_id(copy_job_id), copy_job_id)
}

fn named(kind: &Kind, account: &str, region: &str, snapshot: &str, job_id: &str) -> String {
    let (hex, aws) = (|| hex(job_id), partition::of(region));
    match kind {
        Kind::DbInstance(_) => format!("arn:{aws}:rds:{region}:{account}:snapshot:{snapshot}"),
        Kind::DbCluster(_) => format!("arn:{aws}:rds:{region}:{account}:cluster-snapshot:{snapshot}"),
        // EC2's own ARNs name no account [D].
        Kind::Other("EBS", _) => format!("arn:{aws}:ec2:{region}::snapshot/snap-0{}", &hex()[..16]),
        Kind::Other("EC2", _) => format!("arn:{aws}:ec2:{region}::image/ami-0{}", &hex()[..16]),
        Kind::Other(..) => {
            let h = hex();
            format!(
                "arn:{aws}:backup:{region}:{account}:recovery-point:{}-{}-4{}-8{}-{}",
                &h[..8],
                &h[8..12],
                &h[13..16],
                &h[17..20],
                &h[20..32]
            )
        }
    }
}

/// The ARN of an instance's or cluster's continuous point. AWS's hash is not known `[U]`; this one tells one enabling
/// from the next, so that a stopped point keeps its ARN.
#[must_use]
pub fn continuous_arn(account: &str, region: &str, resource_id: &str, job_id: &str) -> String {
    let (resource_id, aws) = (resource_id.to_lowercase(), partition::of(region));
    format!("arn:{aws}:backup:{region}:{account}:recovery-point:continuous:{resource_id}-{}", &hex(job_id)[..8])
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_form_of_arn() {
        let job = "0f9bc25c-6d41-4e5a-9f6e-0c1b8f1d4b11";
        for (resource, expected) in [
            ("arn:aws:rds:r:1:db:a", format!("arn:aws:rds:r:1:snapshot:awsbackup:job-{job}")),
            ("arn:aws:rds:r:1:cluster:a", format!("arn:aws:rds:r:1:cluster-snapshot:awsbackup:job-{job}")),
        ] {
            assert_eq!(snapshot_arn(&Source::parse(resource).unwrap(), "1", "r", job), expected);
        }
        for (resource, prefix, length) in [
            ("arn:aws:ec2:r:1:volume/v", "arn:aws:ec2:r::snapshot/snap-0", 16),
            ("arn:aws:ec2:r:1:instance/v", "arn:aws:ec2:r::image/ami-0", 16),
            ("arn:aws:elasticfilesystem:r:1:file-system/v", "arn:aws:backup:r:1:recovery-point:", 36),
        ] {
            let arn = snapshot_arn(&Source::parse(resource).unwrap(), "1", "r", job);
            assert_eq!(arn.strip_prefix(prefix).map(str::len), Some(length), "{arn}");
        }
        assert!(
            continuous_arn("1", "r", "db-ABC", job).starts_with("arn:aws:backup:r:1:recovery-point:continuous:db-abc-")
        );
    }
}
