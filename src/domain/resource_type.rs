//! AWS Backup's names of resource types (docs/aws-backup-semantics.md, section 8.3).

use std::{borrow::Cow, fmt};

use super::{
    Arn, Finding, Unseen, Violation, did_you_mean,
    invalid::{Fault, quoted},
    nearest::same_letters,
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

    /// A name as a request gives it, such as `RDS` or `SAP HANA on Amazon EC2`. AWS compares with case and blanks, so what
    /// differs in them alone from a known one is a fault; new ones need no release, and are asked of the region
    /// ([`Self::judged`]).
    pub fn parse(text: &str) -> Result<Self, Fault> {
        Self::check_letters(text)?;
        if let Some(known) = RESOURCE_TYPES.into_iter().find(|known| *known == text) {
            return Ok(Self(Cow::Borrowed(known)));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte);
        if (1..=50).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(Cow::Owned(text.to_owned())));
        }
        Err("is not a type of AWS Backup: it has 1–50 characters, such as RDS".into())
    }

    /// That a word is none of the known types in other letters; whether it is a type is not looked at.
    pub fn check_letters(text: &str) -> Result<(), Fault> {
        match RESOURCE_TYPES.into_iter().find(|known| same_letters(known, text)) {
            Some(known) if known != text => Err(unknown_type(text, RESOURCE_TYPES)),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether this version knows the name.
    pub fn is_known(&self) -> bool {
        RESOURCE_TYPES.contains(&self.as_str())
    }

    /// What the region's own list says of names that this version does not know, each with its field: those that the region
    /// does not have either are faults, and where it could not be asked they pass with a warning.
    pub fn judged(
        named: &[(String, &Self)],
        supported: Result<&[String], &Unseen>,
    ) -> Result<Vec<Finding>, Vec<Violation>> {
        let unknown = named.iter().filter(|(_, of_type)| !of_type.is_known());
        match supported {
            Ok(supported) => {
                let missing = unknown.filter(|(_, of_type)| !supported.iter().any(|it| it == of_type.as_str()));
                let violations: Vec<Violation> = missing
                    .map(|(field, of_type)| Violation {
                        field: field.clone(),
                        description: unknown_type(of_type.as_str(), all_types(supported)).0,
                    })
                    .collect();
                if violations.is_empty() { Ok(Vec::new()) } else { Err(violations) }
            }
            Err(unseen) => Ok(unknown
                .map(|(field, of_type)| {
                    let what = format!("whether AWS Backup has a resource type {}", quoted(of_type.as_str()));
                    let question = did_you_mean(of_type.as_str(), RESOURCE_TYPES);
                    let unknown = format!("if there is none, nothing has it{question}");
                    let action = unseen.action("backup:GetSupportedResourceTypes", "ask again");
                    unseen.not_checked(&what, &unknown, action).at(field)
                })
                .collect()),
        }
    }

    /// Whether a resource of that ARN can have the type. A cluster of RDS has any type of a database, by its engine.
    pub fn fits(&self, arn: &Arn) -> bool {
        match Self::of_arn(arn) {
            Some(_) if arn.service() == "rds" && arn.resource_of_kind("cluster").is_some() => self.is_database(),
            Some(of_arn) => of_arn == *self,
            None => true,
        }
    }

    /// That no resource of that ARN has any of the types, if none can have.
    pub fn contradiction(types: &[Self], arn: &Arn) -> Option<Fault> {
        if types.is_empty() || types.iter().any(|of_type| of_type.fits(arn)) {
            return None;
        }
        let given = types.iter().map(Self::as_str).collect::<Vec<_>>().join(", ");
        Some(
            format!(
                "is {given}, which {arn} is not{}",
                Self::of_arn(arn).map(|of| format!(": it is {of}")).unwrap_or_default()
            )
            .into(),
        )
    }

    /// Whether a recovery point of that ARN can be of a resource of the type. Those that AWS Backup keeps itself tell nothing;
    /// snapshots of clusters are of any type of a database.
    pub fn has_point(&self, point: &Arn) -> bool {
        let (kind, _) = point.resource().split_once([':', '/']).unwrap_or((point.resource(), ""));
        match (point.service(), kind) {
            ("rds", "snapshot") => *self == Self::RDS,
            ("rds", _) => self.is_database(),
            ("ec2", "snapshot") => self.as_str() == "EBS",
            ("ec2", "image") => self.as_str() == "EC2",
            ("dynamodb", _) => self.as_str() == "DynamoDB",
            ("fsx", _) => self.as_str() == "FSx",
            ("redshift", _) => self.as_str() == "Redshift",
            ("redshift-serverless", _) => self.as_str() == "Redshift Serverless",
            _ => true,
        }
    }

    /// That no resource of any of the types has that recovery point, if none can have.
    pub fn contradiction_of_point(types: &[Self], point: &Arn) -> Option<Fault> {
        if types.is_empty() || types.iter().any(|of_type| of_type.has_point(point)) {
            return None;
        }
        let given = types.iter().map(Self::as_str).collect::<Vec<_>>().join(", ");
        Some(format!("is {given}, of which {point} is no recovery point").into())
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

    /// Whether the region's opt-in counts even for what a selection names by its ARN, or by its type: for Aurora, Neptune and
    /// DocumentDB it does `[D]`.
    pub fn heeds_opt_in_when_named(&self) -> bool {
        [Self::AURORA, Self::NEPTUNE, Self::DOCUMENT_DB].contains(self)
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

/// Every type that is known, and what the region has besides: one list, however a name is found to be none.
fn all_types(supported: &[String]) -> impl Iterator<Item = &str> {
    let more = supported.iter().map(String::as_str).filter(|name| !RESOURCE_TYPES.contains(name));
    RESOURCE_TYPES.into_iter().chain(more)
}

/// That a name is none of the known types.
pub(super) fn unknown_type<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Fault {
    let known: Vec<&str> = known.into_iter().collect();
    let question = did_you_mean(name, known.iter().copied());
    Fault(format!("{} is no resource type of AWS Backup: they are {}{question}", quoted(name), known.join(", ")))
}

fn name_by_arn(arn: &Arn) -> Option<&'static str> {
    let (kind, _) = arn.resource().split_once([':', '/']).unwrap_or(("", arn.resource()));
    Some(match (arn.service(), kind) {
        ("rds", "db") => "RDS",
        ("rds", "cluster") => "Aurora",
        ("backup-gateway", "vm") => "VirtualMachine",
        ("cloudformation", "stack") => "CloudFormation",
        ("dsql", "cluster") => "DSQL",
        ("dynamodb", "table") => "DynamoDB",
        ("ec2", "instance") => "EC2",
        ("ec2", "volume") => "EBS",
        ("eks", "cluster") => "EKS",
        ("elasticfilesystem", "file-system") => "EFS",
        ("fsx", "file-system" | "volume") => "FSx",
        ("redshift", "cluster" | "namespace") => "Redshift",
        ("redshift-serverless", "namespace") => "Redshift Serverless",
        // A bucket alone; with a slash it is an object, which nobody backs up.
        ("s3", "") => "S3",
        ("ssm-sap", "HANA") => "SAP HANA on Amazon EC2",
        ("storagegateway", "gateway") => "Storage Gateway",
        ("timestream", "database") => "Timestream",
        _ => return None,
    })
}

/// What the kinds of a service are that AWS Backup has types for, where an ARN, or a pattern of ARNs, surely means another;
/// goes on from "no resource type for it". `None`: it has one, or a `*` stands where nobody can tell.
pub(super) fn other_kinds(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let service = *parts.get(2)?;
    // A * in what comes before may stand for several parts.
    if parts[..3].iter().any(|part| part.contains('*')) {
        return None;
    }
    let known =
        || ["rds:db", "rds:cluster", "dsql:cluster", "redshift-serverless:namespace"].iter().chain(TAGGED_KINDS);
    let kinds: Vec<&str> = known()
        .filter_map(|kind| match kind.split_once(':') {
            Some((of, kind)) => (of == service).then_some(kind),
            None => (*kind == service).then_some(""),
        })
        .collect();
    if kinds.is_empty() {
        let services = known().map(|kind| kind.split(':').next().unwrap_or_default());
        return Some(did_you_mean(service, services));
    }
    // The region or the account may take in the rest.
    let resource = parts.get(5)?;
    let (kind, whole) = resource.split_once([':', '/']).map_or((*resource, false), |(kind, _)| (kind, true));
    let fits = match (kind.split_once('*'), whole) {
        (Some((begins, _)), _) => kinds.iter().any(|known| known.is_empty() || known.starts_with(begins)),
        (None, true) => kinds.contains(&kind),
        (None, false) => kinds.contains(&""),
    };
    if fits {
        return None;
    }
    let of_service = kinds.iter().map(|kind| if kind.is_empty() { "buckets" } else { kind }).collect::<Vec<_>>();
    Some(format!(", which has those of {service} for {} alone{}", of_service.join(" and "), did_you_mean(kind, kinds)))
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
            let arn = Arn::read(&format!("arn:aws:{service}:eu-west-1:123456789012:{resource}")).unwrap();
            assert!(ResourceType::of_arn(&arn).is_some(), "{arn}");
        }
    }

    #[test]
    fn every_type_that_an_arn_tells_is_one_of_aws_backup_s() {
        for kind in ["rds:db", "rds:cluster"].iter().chain(TAGGED_KINDS) {
            let (service, kind) = kind.split_once(':').unwrap_or((kind, ""));
            let arn = Arn::read(&format!("arn:aws:{service}:eu-west-1:123456789012:{kind}:id").replace("::id", ":id"));
            let of = ResourceType::of_arn(&arn.unwrap()).unwrap();
            assert!(of.is_known(), "{of}");
        }
    }

    #[test]
    fn other_letters_are_a_fault_and_what_nobody_knows_is_asked_of_the_region() {
        for (wrong, meant) in [
            ("rds", "RDS"),
            ("Rds", "RDS"),
            ("SAP HANA on amazon ec2", "SAP HANA on Amazon EC2"),
            ("dynamo db", "DynamoDB"),
        ] {
            let told = ResourceType::parse(wrong).unwrap_err().0;
            assert!(told.ends_with(&format!("; did you mean {meant}?")), "{told}");
        }
        let (new, slip) = (ResourceType::parse("Quantum Store").unwrap(), ResourceType::parse("RDSS").unwrap());
        let named =
            [("types[0]".to_owned(), &new), ("types[1]".to_owned(), &slip), ("types[2]".to_owned(), &ResourceType::S3)];
        let supported = ["Quantum Store".to_owned(), "RDS".to_owned()];
        let faults = ResourceType::judged(&named, Ok(&supported)).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].field, "types[1]");
        // Those that this version knows, and those that the region does.
        assert!(faults[0].description.ends_with(", Quantum Store; did you mean RDS?"), "{faults:?}");
        let unseen = Unseen::in_time();
        let findings = ResourceType::judged(&named, Err(&unseen)).unwrap();
        let told: Vec<_> = findings.iter().map(|found| (found.code, found.field.as_str())).collect();
        assert_eq!(told, [("NOT_CHECKED", "types[0]"), ("NOT_CHECKED", "types[1]")]);
    }

    #[test]
    fn a_type_contradicts_the_arn_of_a_resource_of_another() {
        let arn = |text: &str| Arn::parse(text).unwrap();
        let instance = arn("arn:aws:rds:us-east-1:123456789012:db:orders");
        let cluster = arn("arn:aws:rds:us-east-1:123456789012:cluster:orders");
        assert_eq!(ResourceType::contradiction(&[ResourceType::AURORA, ResourceType::RDS], &instance), None);
        let told = ResourceType::contradiction(&[ResourceType::AURORA], &instance).unwrap().0;
        assert_eq!(told, format!("is Aurora, which {instance} is not: it is RDS"));
        for of in ResourceType::DATABASES {
            assert_eq!(ResourceType::contradiction(&[of], &cluster), None);
        }
        assert!(ResourceType::contradiction(&[ResourceType::S3], &cluster).is_some());
        assert_eq!(ResourceType::contradiction(&[ResourceType::S3], &arn("arn:aws:new:us-east-1::x")), None);
    }

    #[test]
    fn databases_are_never_cold_and_never_cancelled_and_of_new_types_nothing_is_known() {
        for of in ResourceType::DATABASES {
            assert!(of.is_database() && !of.has_cold_storage() && !of.can_be_cancelled(), "{of}");
            assert_eq!(of.is_cluster_type(), of != ResourceType::RDS);
        }
        let new = ResourceType::told("Quantum Store").unwrap();
        assert!(!new.is_database() && new.has_cold_storage() && new.can_be_cancelled() && !new.is_cluster_type());
        assert!(!ResourceType::parse("FSx").unwrap().can_be_cancelled());
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
