//! AWS managed policies that backups need, with the parts of their documents that concern the served services.

use std::borrow::Cow;

/// A policy that AWS owns.
pub(super) struct Policy {
    pub(super) name: &'static str,
    /// `/` or `/service-role/`: part of the ARN, and forgetting it is a common mistake `[D]`.
    pub(super) path: &'static str,
    pub(super) version: &'static str,
    pub(super) created: &'static str,
    pub(super) id: &'static str,
    /// As it is in the partition `aws`.
    document: &'static str,
}

impl Policy {
    pub(super) fn arn(&self, partition: &str) -> String {
        format!("arn:{partition}:iam::aws:policy{}{}", self.path, self.name)
    }

    /// What it says in the partition.
    pub(super) fn document(&self, partition: &str) -> Cow<'static, str> {
        match partition {
            "aws" => self.document.into(),
            _ => self.document.replace("\"arn:aws:", &format!("\"arn:{partition}:")).into(),
        }
    }
}

/// In the order of their paths and names, which is the order of lists.
pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "AWSBackupAuditAccess",
        path: "/",
        version: "v1",
        created: "2021-08-24T01:02:25Z",
        id: "ANPAZKAPJZG4HWE7Q2NKF",
        document: include_str!("audit_access.json"),
    },
    Policy {
        name: "AWSBackupFullAccess",
        path: "/",
        version: "v19",
        created: "2019-11-18T22:21:52Z",
        id: "ANPAZKAPJZG4MG6KTBTAB",
        document: include_str!("full_access.json"),
    },
    Policy {
        name: "AWSBackupOperatorAccess",
        path: "/",
        version: "v19",
        created: "2019-11-18T22:23:22Z",
        id: "ANPAZKAPJZG4NWDL3SEX2",
        document: include_str!("operator_access.json"),
    },
    Policy {
        name: "AWSBackupOrganizationAdminAccess",
        path: "/",
        version: "v4",
        created: "2020-06-24T16:23:14Z",
        id: "ANPAZKAPJZG4I7UBIPZXR",
        document: include_str!("organization_admin_access.json"),
    },
    Policy {
        name: "AWSBackupServiceRolePolicyForS3Backup",
        path: "/",
        version: "v5",
        created: "2022-02-18T17:40:24Z",
        id: "ANPAZKAPJZG4JYUPJTZQV",
        document: include_str!("s3_backup.json"),
    },
    Policy {
        name: "AWSBackupServiceRolePolicyForS3Restore",
        path: "/",
        version: "v3",
        created: "2022-02-18T17:39:42Z",
        id: "ANPAZKAPJZG4PMQV2D7WI",
        document: include_str!("s3_restore.json"),
    },
    Policy {
        name: "AdministratorAccess",
        path: "/",
        version: "v1",
        created: "2015-02-06T18:39:46Z",
        id: "ANPAIWMBCKSKIEE64ZLYK",
        document: include_str!("administrator.json"),
    },
    Policy {
        name: "ReadOnlyAccess",
        path: "/",
        version: "v140",
        created: "2015-02-06T18:39:48Z",
        id: "ANPAILL3HVNFSB6DCOWYQ",
        document: include_str!("read_only.json"),
    },
    Policy {
        name: "AWSBackupServiceLinkedRolePolicyForBackup",
        path: "/aws-service-role/",
        version: "v18",
        created: "2020-06-02T23:08:21Z",
        id: "ANPAZKAPJZG4D6KH7SYZH",
        document: include_str!("backup_service_linked.json"),
    },
    Policy {
        name: "AmazonRDSServiceRolePolicy",
        path: "/aws-service-role/",
        version: "v14",
        created: "2018-01-08T18:17:46Z",
        id: "ANPAJPEU5ZOBJWKWHUIBA",
        document: include_str!("rds_service_linked.json"),
    },
    Policy {
        name: "AWSBackupServiceRolePolicyForBackup",
        path: "/service-role/",
        version: "v30",
        created: "2019-01-10T21:01:28Z",
        id: "ANPAIOOYZSLZZXWFJJ5N2",
        document: include_str!("backup.json"),
    },
    Policy {
        name: "AWSBackupServiceRolePolicyForRestores",
        path: "/service-role/",
        version: "v35",
        created: "2019-01-12T00:23:54Z",
        id: "ANPAJZCCKRBSMDYCEQMAY",
        document: include_str!("restores.json"),
    },
];

/// One of another partition there is not.
pub(super) fn find(partition: &str, arn: &str) -> Option<&'static Policy> {
    let path_and_name = arn.strip_prefix("arn:")?.strip_prefix(partition)?.strip_prefix(":iam::aws:policy")?;
    let (path, name) = path_and_name.split_at(path_and_name.rfind('/')? + 1);
    POLICIES.iter().find(|policy| policy.path == path && policy.name == name)
}

pub(super) fn document_of(partition: &str, arn: &str) -> Option<Cow<'static, str>> {
    find(partition, arn).map(|policy| policy.document(partition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::document::{self, Decision};

    #[test]
    fn every_managed_policy_is_one_iam_would_accept() {
        for policy in POLICIES {
            document::check_identity(policy.document).unwrap_or_else(|error| panic!("{}: {error:?}", policy.name));
            assert!(find("aws-cn", &policy.arn("aws-cn")).is_some());
        }
    }

    #[test]
    fn a_service_role_policy_is_not_found_without_its_path() {
        assert!(find("aws", "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForBackup").is_none());
        let backup = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";
        assert!(find("aws", backup).is_some());
        assert!(find("aws-us-gov", backup).is_none(), "it is one of another partition");
    }

    #[test]
    fn the_backup_policy_backs_up_and_the_restore_policy_restores() {
        let backup = document_of("aws", "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup");
        let restore = document_of("aws", "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores");
        let decide = |document: &Option<Cow<'_, str>>, action| {
            document::decide(document.iter().map(AsRef::as_ref), action, "arn:aws:rds:r:a:db:x")
        };
        assert_eq!(decide(&backup, "rds:CreateDBSnapshot"), Decision::Allowed);
        assert_eq!(decide(&backup, "rds:RestoreDBInstanceFromDBSnapshot"), Decision::ImplicitDeny);
        assert_eq!(decide(&restore, "rds:RestoreDBInstanceFromDBSnapshot"), Decision::Allowed);
        assert_eq!(decide(&restore, "rds:CreateDBSnapshot"), Decision::ImplicitDeny);
    }
}
