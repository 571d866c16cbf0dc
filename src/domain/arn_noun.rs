//! What an ARN is the ARN of, as far as its form tells: who gives one thing for another is told which it gave.

use std::fmt;

use super::{
    Arn, ResourceType,
    invalid::{Fault, quoted},
};

/// The sort of thing that an ARN names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArnNoun {
    /// A backup vault.
    Vault,
    /// A backup plan.
    Plan,
    /// A recovery point: one of AWS Backup's own, or a snapshot or backup of the resource's service.
    RecoveryPoint,
    /// An RDS instance, of any engine.
    DbInstance,
    /// An RDS cluster, of any engine.
    DbCluster,
    /// Another resource that AWS Backup backs up.
    Resource(ResourceType),
    /// An IAM role.
    Role,
    /// A KMS key.
    Key,
    /// An SNS topic.
    Topic,
    /// Something else of a service that is known, which nobody backs up.
    Other,
    /// Something of a service or kind that this version does not know; AWS may back it up by now.
    Unknown,
}

const BACKED_UP: &str = "a resource that is backed up";

impl Arn {
    /// The sort of thing that it names `[D]` (docs/aws-backup-semantics.md, section 1.5).
    pub fn noun(&self) -> ArnNoun {
        let (kind, _) = self.resource().split_once([':', '/']).unwrap_or((self.resource(), ""));
        match (self.service(), kind) {
            ("backup", "backup-vault") => ArnNoun::Vault,
            ("backup", "backup-plan") => ArnNoun::Plan,
            ("backup", "recovery-point")
            | ("rds", "snapshot" | "cluster-snapshot")
            | ("ec2", "snapshot" | "image")
            | ("fsx", "backup")
            | ("redshift" | "redshift-serverless", "snapshot") => ArnNoun::RecoveryPoint,
            ("dynamodb", "table") if self.resource().contains("/backup/") => ArnNoun::RecoveryPoint,
            ("rds", "db") => ArnNoun::DbInstance,
            ("rds", "cluster") => ArnNoun::DbCluster,
            ("iam", "role") => ArnNoun::Role,
            ("kms", "key") => ArnNoun::Key,
            ("sns", _) => ArnNoun::Topic,
            ("backup" | "rds" | "iam" | "kms" | "sts" | "sqs" | "lambda" | "logs" | "events", _) => ArnNoun::Other,
            _ => ResourceType::of_arn(self).map_or(ArnNoun::Unknown, ArnNoun::Resource),
        }
    }

    /// The ARN, if it can be one of a resource that backups are made of.
    pub fn of_backed_up(self) -> Result<Self, Fault> {
        match self.not_backed_up() {
            None => Ok(self),
            Some(advice) => Err(self.is_not(BACKED_UP, advice)),
        }
    }

    /// What it is the ARN of, if that is surely nothing that backups are made of, and what to do.
    pub fn noun_not_backed_up(&self) -> Option<(String, &'static str)> {
        let advice = self.not_backed_up()?;
        Some((format!("is the ARN of {}, and not of {BACKED_UP}", self.noun()), advice))
    }

    fn not_backed_up(&self) -> Option<&'static str> {
        Some(match self.noun() {
            ArnNoun::DbInstance | ArnNoun::DbCluster | ArnNoun::Resource(_) | ArnNoun::Unknown => return None,
            ArnNoun::RecoveryPoint => {
                "give the ARN of what it is a backup of; GetRecoveryPoint, which takes it as recovery_point, tells that"
            }
            ArnNoun::Vault => "a vault is given as vault",
            ArnNoun::Plan => "a plan is given as plan",
            ArnNoun::Role | ArnNoun::Key | ArnNoun::Topic | ArnNoun::Other => "AWS Backup does not back it up",
        })
    }

    /// The ARN, if it can be one of a recovery point.
    pub fn of_recovery_point(self) -> Result<Self, Fault> {
        let advice = match self.noun() {
            ArnNoun::RecoveryPoint | ArnNoun::Unknown => return Ok(self),
            ArnNoun::DbInstance | ArnNoun::DbCluster | ArnNoun::Resource(_) => {
                "ListRecoveryPoints, which takes it as resource, lists its recovery points"
            }
            ArnNoun::Vault => "ListRecoveryPoints, which takes it as vault, lists what is in it",
            ArnNoun::Plan => "ListRecoveryPoints, which takes it as plan, lists what it made",
            ArnNoun::Role | ArnNoun::Key | ArnNoun::Topic | ArnNoun::Other => {
                "give the ARN that ListRecoveryPoints tells"
            }
        };
        Err(self.is_not("a recovery point", advice))
    }

    /// That it is the ARN of something else than what is wanted, and of what.
    pub fn is_not(&self, wanted: &str, advice: &str) -> Fault {
        Fault(match self.noun() {
            ArnNoun::Unknown => format!("{} is not the ARN of {wanted}: {advice}", quoted(self.as_str())),
            other => format!("{} is the ARN of {other}, and not of {wanted}: {advice}", quoted(self.as_str())),
        })
    }
}

impl fmt::Display for ArnNoun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vault => "a backup vault",
            Self::Plan => "a backup plan",
            Self::RecoveryPoint => "a recovery point",
            Self::DbInstance => "an RDS instance",
            Self::DbCluster => "an RDS cluster",
            Self::Resource(of_type) => return write!(f, "a resource of type {of_type}"),
            Self::Role => "an IAM role",
            Self::Key => "a KMS key",
            Self::Topic => "an SNS topic",
            Self::Other | Self::Unknown => "something else",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(text: &str) -> Arn {
        Arn::parse(text).unwrap()
    }

    #[test]
    fn only_what_is_backed_up_passes_for_a_resource_and_only_backups_for_recovery_points() {
        let here = "us-east-1:123456789012";
        for (text, resource, point) in [
            (format!("arn:aws:rds:{here}:db:orders"), true, false),
            (format!("arn:aws:rds:{here}:cluster:orders"), true, false),
            (format!("arn:aws:rds:{here}:snapshot:awsbackup:job-1"), false, true),
            (format!("arn:aws:rds:{here}:cluster-snapshot:awsbackup:job-1"), false, true),
            (format!("arn:aws:rds:{here}:subgrp:private"), false, false),
            (format!("arn:aws:backup:{here}:recovery-point:continuous:db-1"), false, true),
            (format!("arn:aws:backup:{here}:backup-vault:prod"), false, false),
            (format!("arn:aws:backup:{here}:backup-plan:0f3c7a50-7d5e-4d3c-8c0f-0c1d2e3f4a5b"), false, false),
            ("arn:aws:ec2:us-east-1::snapshot/snap-1".to_owned(), false, true),
            ("arn:aws:ec2:us-east-1::image/ami-1".to_owned(), false, true),
            (format!("arn:aws:ec2:{here}:volume/vol-1"), true, false),
            (format!("arn:aws:dynamodb:{here}:table/t"), true, false),
            (format!("arn:aws:dynamodb:{here}:table/t/backup/1"), false, true),
            ("arn:aws:s3:::bucket".to_owned(), true, false),
            ("arn:aws:iam::123456789012:role/R".to_owned(), false, false),
            // AWS may have learnt to back it up.
            (format!("arn:aws:newservice:{here}:thing/1"), true, true),
        ] {
            let (of_backed_up, of_recovery_point) = (arn(&text).of_backed_up(), arn(&text).of_recovery_point());
            assert_eq!((of_backed_up.is_ok(), of_recovery_point.is_ok()), (resource, point), "{text}");
        }
    }

    #[test]
    fn a_fault_says_what_was_given() {
        let snapshot = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1";
        let told = arn(snapshot).of_backed_up().unwrap_err().0;
        assert!(told.contains("is the ARN of a recovery point, and not of a resource that is backed up"), "{told}");
    }
}
