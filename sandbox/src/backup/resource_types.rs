//! What an ARN names, in AWS Backup's words.

use crate::rds;

/// What AWS Backup knows of a resource from its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The ARN, whole.
    pub arn: String,
    /// Where it lives; blank where the ARN names no region (S3).
    pub region: String,
    /// Whose it is; blank where the ARN names no account (S3).
    pub account: String,
    /// How it is backed up.
    pub kind: Kind,
}

/// How a resource is backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An RDS instance, by identifier.
    DbInstance(String),
    /// A cluster of the RDS family, by identifier: Aurora, Multi-AZ RDS, Neptune or DocumentDB by its engine.
    DbCluster(String),
    /// A resource of a service that the sandbox does not imitate, by type and name. It is taken to exist: only its
    /// backup jobs and recovery points are simulated.
    Other(&'static str, String),
}

impl Source {
    /// Reads an ARN; `None` where AWS Backup does not support the resource type, or it is no ARN.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        if parts.next() != Some("arn") || parts.next()?.is_empty() {
            return None;
        }
        let (service, region, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let kind = kind(service, resource)?;
        Some(Self { arn: arn.to_owned(), region: region.to_owned(), account: account.to_owned(), kind })
    }

    /// AWS Backup's type string (docs/aws-backup-semantics.md, section 8.3). A cluster's depends on its engine: `rds` knows it;
    /// one that is not there counts as Aurora.
    #[must_use]
    pub fn resource_type(&self, rds: &rds::State) -> &'static str {
        match &self.kind {
            Kind::DbInstance(_) => "RDS",
            Kind::DbCluster(id) => rds.cluster_engine(id).map_or("Aurora", cluster_type),
            Kind::Other(resource_type, _) => resource_type,
        }
    }

    /// The display name: the last part of the ARN.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.kind {
            Kind::DbInstance(name) | Kind::DbCluster(name) | Kind::Other(_, name) => name,
        }
    }
}

/// The type string of a cluster of this engine.
#[must_use]
pub fn cluster_type(engine: &str) -> &'static str {
    match engine {
        "neptune" => "Neptune",
        "docdb" => "DocumentDB",
        _ if engine.starts_with("aurora") => "Aurora",
        _ => "RDS",
    }
}

fn kind(service: &str, resource: &str) -> Option<Kind> {
    let (noun, name) = resource.split_once([':', '/']).unwrap_or(("", resource));
    if name.is_empty() {
        return None;
    }
    let other = |resource_type| Some(Kind::Other(resource_type, name.to_owned()));
    match (service, noun) {
        ("rds", "db") => Some(Kind::DbInstance(name.to_lowercase())),
        ("rds", "cluster") => Some(Kind::DbCluster(name.to_lowercase())),
        ("dsql", "cluster") => other("DSQL"),
        ("dynamodb", "table") => other("DynamoDB"),
        ("ec2", "volume") => other("EBS"),
        ("ec2", "instance") => other("EC2"),
        ("elasticfilesystem", "file-system") => other("EFS"),
        ("fsx", "file-system" | "volume") => other("FSx"),
        ("s3", "") => other("S3"),
        ("storagegateway", "gateway") => other("Storage Gateway"),
        ("timestream", "database") => other("Timestream"),
        ("redshift", "cluster" | "namespace") => other("Redshift"),
        ("redshift-serverless", "namespace") => other("Redshift Serverless"),
        ("cloudformation", "stack") => other("CloudFormation"),
        ("backup-gateway", "vm") => other("VirtualMachine"),
        ("ssm-sap", "HANA") => other("SAP HANA on Amazon EC2"),
        ("eks", "cluster") => other("EKS"),
        _ => None,
    }
}

/// Whether StopBackupJob works for the type; the list is closed `[M]`.
#[must_use]
pub fn can_stop(resource_type: &str) -> bool {
    const STOPPABLE: [&str; 9] =
        ["DynamoDB", "EBS", "EC2", "EFS", "Redshift", "S3", "Storage Gateway", "Timestream", "VirtualMachine"];
    STOPPABLE.contains(&resource_type)
}

/// Whether the size of a point is told: 0 for RDS, and nothing for the types whose snapshots AWS does not measure `[M]`.
#[must_use]
pub fn size_told(resource_type: &str, bytes: i64) -> Option<i64> {
    match resource_type {
        "RDS" => Some(0),
        "Aurora" | "DocumentDB" | "Neptune" | "FSx" => None,
        _ => Some(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_types() {
        let rds = rds::State::default();
        for (arn, expected) in [
            ("arn:aws:rds:us-east-1:123456789012:db:One", Some(("RDS", "one"))),
            ("arn:aws:rds:us-east-1:123456789012:cluster:c", Some(("Aurora", "c"))),
            ("arn:aws:s3:::bucket", Some(("S3", "bucket"))),
            ("arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-1", Some(("EFS", "fs-1"))),
            ("arn:aws:ec2:us-east-1:123456789012:volume/vol-1", Some(("EBS", "vol-1"))),
            ("arn:aws:rds:us-east-1:123456789012:snapshot:s", None),
            ("arn:aws:rds:us-east-1:123456789012:db:", None),
            ("arn:aws:sqs:us-east-1:123456789012:q", None),
            ("rdspg-fcj-labs", None),
            ("", None),
        ] {
            let source = Source::parse(arn);
            let found = source.as_ref().map(|source| (source.resource_type(&rds), source.name()));
            assert_eq!(found, expected, "{arn}");
        }
        assert_eq!(
            [cluster_type("aurora-postgresql"), cluster_type("mysql"), cluster_type("docdb")],
            ["Aurora", "RDS", "DocumentDB"]
        );
    }
}
