//! AWS Backup's names of resource types (docs/aws-backup-semantics.md, section 8.3).

use super::{
    Arn,
    invalid::{Fault, quoted},
};

/// AWS Backup's names of resource types `[M]`; AWS may have newer ones.
pub(super) const RESOURCE_TYPES: [&str; 19] = [
    "Aurora",
    "CloudFormation",
    "DSQL",
    "DocumentDB",
    "DynamoDB",
    "EBS",
    "EC2",
    "EFS",
    "EKS",
    "FSx",
    "Neptune",
    "RDS",
    "Redshift",
    "Redshift Serverless",
    "S3",
    "SAP HANA on Amazon EC2",
    "Storage Gateway",
    "Timestream",
    "VirtualMachine",
];

/// That a name is none of the known types.
pub(super) fn unknown_type<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Fault {
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    Fault(format!("{} is no resource type of AWS Backup: they are {known}", quoted(name)))
}

/// AWS Backup's name of the type of a resource, by its ARN; `None` where AWS Backup has none for it. A cluster of RDS
/// counts as Aurora, whatever its engine: [`super::Resource::resource_type`] knows better.
pub fn backup_type(arn: &Arn) -> Option<&'static str> {
    let (kind, _) = arn.resource().split_once([':', '/']).unwrap_or(("", arn.resource()));
    Some(match (arn.service(), kind) {
        ("rds", "db") => "RDS",
        ("rds", "cluster") => "Aurora",
        ("backup-gateway", "vm") => "VirtualMachine",
        ("cloudformation", "stack") => "CloudFormation",
        ("dynamodb", "table") => "DynamoDB",
        ("ec2", "instance") => "EC2",
        ("ec2", "volume") => "EBS",
        ("eks", "cluster") => "EKS",
        ("elasticfilesystem", "file-system") => "EFS",
        ("fsx", "file-system" | "volume") => "FSx",
        ("redshift", "cluster" | "namespace") => "Redshift",
        // A bucket alone; with a slash it is an object, which nobody backs up.
        ("s3", "") => "S3",
        ("ssm-sap", "HANA") => "SAP HANA on Amazon EC2",
        ("storagegateway", "gateway") => "Storage Gateway",
        ("timestream", "database") => "Timestream",
        _ => return None,
    })
}

/// The services and kinds of ARNs that [`backup_type`] knows, databases of RDS aside, as the tagging API filters by them.
pub const TAGGED_KINDS: &[&str] = &[
    "backup-gateway:vm",
    "cloudformation:stack",
    "dynamodb:table",
    "ec2:instance",
    "ec2:volume",
    "eks:cluster",
    "elasticfilesystem:file-system",
    "fsx:file-system",
    "fsx:volume",
    "redshift:cluster",
    "redshift:namespace",
    "s3",
    "ssm-sap:HANA",
    "storagegateway:gateway",
    "timestream:database",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_is_asked_for_has_a_type() {
        for kind in TAGGED_KINDS {
            let (service, resource) = kind
                .split_once(':')
                .map_or((*kind, "bucket".to_owned()), |(service, kind)| (service, format!("{kind}/id")));
            let arn = Arn::parse(&format!("arn:aws:{service}:eu-west-1:123456789012:{resource}")).unwrap();
            assert!(backup_type(&arn).is_some(), "{arn}");
        }
    }

    #[test]
    fn what_is_no_source_of_backups_has_no_type() {
        for arn in [
            "arn:aws:rds:eu-west-1:123456789012:snapshot:s",
            "arn:aws:s3:::bucket/object",
            "arn:aws:sqs:eu-west-1:123456789012:queue",
            "arn:aws:backup:eu-west-1:123456789012:backup-vault:prod",
        ] {
            assert_eq!(backup_type(&Arn::parse(arn).unwrap()), None, "{arn}");
        }
    }
}
