//! AWS Backup's names of resource types (docs/aws-backup-semantics.md, section 8.3).

use std::{borrow::Cow, fmt};

use super::{
    Arn,
    invalid::{Fault, quoted},
};

/// AWS Backup's name of a type of resource. One that AWS added later is kept as it is, and what is said of it is what
/// holds for most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceType(Cow<'static, str>);

impl ResourceType {
    /// RDS instances, and Multi-AZ DB clusters `[D]`.
    pub const RDS: Self = Self(Cow::Borrowed("RDS"));
    /// Aurora clusters.
    pub const AURORA: Self = Self(Cow::Borrowed("Aurora"));
    /// DocumentDB clusters.
    pub const DOCUMENT_DB: Self = Self(Cow::Borrowed("DocumentDB"));
    /// Neptune clusters.
    pub const NEPTUNE: Self = Self(Cow::Borrowed("Neptune"));
    /// Buckets.
    pub const S3: Self = Self(Cow::Borrowed("S3"));

    /// The types of databases: the family that RDS's API knows.
    pub const DATABASES: [Self; 4] = [Self::RDS, Self::AURORA, Self::DOCUMENT_DB, Self::NEPTUNE];

    /// The name as AWS tells it; a blank one tells nothing.
    pub fn told(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        (!name.is_empty()).then_some(Self(Cow::Owned(name)))
    }

    /// A name as a request gives it, such as `RDS` or `SAP HANA on Amazon EC2`; new ones need no release.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte);
        if (1..=50).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(Cow::Owned(text.to_owned())));
        }
        Err("is not a type of AWS Backup: it has 1–50 characters, such as RDS".into())
    }

    /// One of the names that this version knows.
    pub fn known(text: &str) -> Result<Self, Fault> {
        let known = RESOURCE_TYPES.into_iter().find(|known| *known == text);
        known.map(|known| Self(Cow::Borrowed(known))).ok_or_else(|| unknown_type(text, RESOURCE_TYPES))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether RDS's API knows such resources.
    pub fn is_database(&self) -> bool {
        Self::DATABASES.contains(self)
    }

    /// Whether every database of the type is a cluster. Those of RDS may be instances.
    pub fn is_cluster_type(&self) -> bool {
        self.is_database() && *self != Self::RDS
    }

    /// Whether recovery points of the type move to cold storage. Those of databases never do `[M][D]`; which of the other
    /// types do is certain of some alone `[U]`, so they are all taken to.
    pub fn has_cold_storage(&self) -> bool {
        !self.is_database()
    }

    /// Whether AWS stops backups of the type that are under way. Of databases, FSx and SAP HANA it does not `[M]`; of a type
    /// of which it says nothing it may.
    pub fn can_be_cancelled(&self) -> bool {
        !self.is_database() && !matches!(self.as_str(), "FSx" | "SAP HANA on Amazon EC2")
    }

    /// The type of a resource, by its ARN; `None` where AWS Backup has none for it. A cluster of RDS counts as Aurora,
    /// whatever its engine: [`super::Resource::resource_type`] knows better.
    pub fn of_arn(arn: &Arn) -> Option<Self> {
        name_by_arn(arn).map(|name| Self(Cow::Borrowed(name)))
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ResourceType> for String {
    fn from(of: ResourceType) -> Self {
        of.0.into_owned()
    }
}

/// AWS Backup's names of resource types `[M]`; AWS may have newer ones.
const RESOURCE_TYPES: [&str; 19] = [
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

fn name_by_arn(arn: &Arn) -> Option<&'static str> {
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

/// The services and kinds of ARNs that [`ResourceType::of_arn`] knows, databases of RDS aside, as the tagging API filters by them.
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
            assert!(ResourceType::of_arn(&arn).is_some(), "{arn}");
        }
    }

    #[test]
    fn every_type_that_an_arn_tells_is_one_of_aws_backup_s() {
        for kind in ["rds:db", "rds:cluster"].iter().chain(TAGGED_KINDS) {
            let (service, kind) = kind.split_once(':').unwrap_or((kind, ""));
            let arn = Arn::parse(&format!("arn:aws:{service}:eu-west-1:123456789012:{kind}:id").replace("::id", ":id"));
            let of = ResourceType::of_arn(&arn.unwrap()).unwrap();
            assert_eq!(ResourceType::known(of.as_str()), Ok(of));
        }
        assert!(ResourceType::known("Rds").is_err());
    }

    #[test]
    fn databases_are_never_cold_and_never_cancelled_and_of_new_types_nothing_is_known() {
        for of in ResourceType::DATABASES {
            assert!(of.is_database() && !of.has_cold_storage() && !of.can_be_cancelled(), "{of}");
            assert_eq!(of.is_cluster_type(), of != ResourceType::RDS);
        }
        let new = ResourceType::told("Quantum Store").unwrap();
        assert!(!new.is_database() && new.has_cold_storage() && new.can_be_cancelled() && !new.is_cluster_type());
        assert!(!ResourceType::known("FSx").unwrap().can_be_cancelled());
        assert_eq!(ResourceType::told(""), None);
    }

    #[test]
    fn what_is_no_source_of_backups_has_no_type() {
        for arn in [
            "arn:aws:rds:eu-west-1:123456789012:snapshot:s",
            "arn:aws:s3:::bucket/object",
            "arn:aws:sqs:eu-west-1:123456789012:queue",
            "arn:aws:backup:eu-west-1:123456789012:backup-vault:prod",
        ] {
            assert_eq!(ResourceType::of_arn(&Arn::parse(arn).unwrap()), None, "{arn}");
        }
    }
}
