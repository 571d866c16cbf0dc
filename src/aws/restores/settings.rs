//! Looks at the groups and the key that a restore needs: they must be in the recovery point's own region.

use futures_util::future::OptionFuture;

use crate::{
    aws::{
        Failure, FailureKind, Scoped,
        call::{Operation, ask},
    },
    domain::{
        Finding, Restore, RestoreMetadata, RestoreTarget, Unseen,
        restore_settings::{self as judge, KeyState, Looked, OptionsOf, SeenSettings, Settings},
    },
};

const SUBNET_GROUPS: Operation = Operation::read("rds", "DescribeDBSubnetGroups");
const PARAMETER_GROUPS: Operation = Operation::read("rds", "DescribeDBParameterGroups");
const CLUSTER_PARAMETER_GROUPS: Operation = Operation::read("rds", "DescribeDBClusterParameterGroups");
const OPTION_GROUPS: Operation = Operation::read("rds", "DescribeOptionGroups");
const VERSIONS: Operation = Operation::read("rds", "DescribeDBEngineVersions");

impl Scoped {
    /// What AWS tells of what the metadata names. It fails nothing.
    pub(super) async fn seen_settings(&self, restore: &Restore, metadata: &RestoreMetadata) -> SeenSettings {
        let settings = Settings::of(&restore.target, metadata);
        let of_cluster = matches!(restore.target, RestoreTarget::Cluster(_));
        let family = settings.engine.filter(|_| settings.parameter_group.is_some());
        let (parameters, of_clusters) = match of_cluster {
            true => (None, settings.parameter_group),
            false => (settings.parameter_group, None),
        };
        let (parameters, of_clusters, family, option_group, subnet_group) = tokio::join!(
            OptionFuture::from(parameters.map(|name| self.parameter_group(name))),
            OptionFuture::from(of_clusters.map(|name| self.cluster_parameter_group(name))),
            OptionFuture::from(family.map(|(engine, version)| self.family(engine, version))),
            OptionFuture::from(settings.option_group.map(|name| self.option_group(name))),
            OptionFuture::from(settings.subnet_group.map(|name| self.subnet_group(name))),
        );
        let parameter_group = parameters.or(of_clusters);
        SeenSettings { parameter_group, family, option_group, subnet_group }
    }

    /// Whether the key with which a recovery point is encrypted can be used.
    pub(super) async fn key_finding(&self, arn: &str) -> Finding {
        let looked = match self.key_state(arn).await {
            Ok((enabled, word)) => Looked::There(KeyState { enabled, word }),
            Err(error) => unseen(&error, "kms:DescribeKey"),
        };
        judge::key(arn, &looked)
    }
}

impl Scoped {
    async fn subnet_group(&self, name: &str) -> Looked<()> {
        let sent = self.clients.rds.describe_db_subnet_groups().db_subnet_group_name(name);
        match self.read(SUBNET_GROUPS, ask!(sent)).await {
            Ok(_) => Looked::There(()),
            Err(error) => unseen(&error, "rds:DescribeDBSubnetGroups"),
        }
    }

    async fn parameter_group(&self, name: &str) -> Looked<String> {
        let sent = self.clients.rds.describe_db_parameter_groups().db_parameter_group_name(name);
        match self.read(PARAMETER_GROUPS, ask!(sent)).await {
            Ok(answer) => {
                let group = answer.db_parameter_groups.unwrap_or_default().into_iter().next();
                group.and_then(|group| group.db_parameter_group_family).map_or(Looked::Missing, Looked::There)
            }
            Err(error) => unseen(&error, "rds:DescribeDBParameterGroups"),
        }
    }

    async fn cluster_parameter_group(&self, name: &str) -> Looked<String> {
        let sent = self.clients.rds.describe_db_cluster_parameter_groups().db_cluster_parameter_group_name(name);
        match self.read(CLUSTER_PARAMETER_GROUPS, ask!(sent)).await {
            Ok(answer) => {
                let group = answer.db_cluster_parameter_groups.unwrap_or_default().into_iter().next();
                group.and_then(|group| group.db_parameter_group_family).map_or(Looked::Missing, Looked::There)
            }
            Err(error) => unseen(&error, "rds:DescribeDBClusterParameterGroups"),
        }
    }

    async fn option_group(&self, name: &str) -> Looked<OptionsOf> {
        let sent = self.clients.rds.describe_option_groups().option_group_name(name);
        match self.read(OPTION_GROUPS, ask!(sent)).await {
            Ok(answer) => {
                let group = answer.option_groups_list.unwrap_or_default().into_iter().next();
                group.map_or(Looked::Missing, |group| {
                    Looked::There(OptionsOf {
                        engine: group.engine_name.unwrap_or_default(),
                        major_version: group.major_engine_version.unwrap_or_default(),
                    })
                })
            }
            Err(error) => unseen(&error, "rds:DescribeOptionGroups"),
        }
    }

    /// The family of parameter groups that a version takes, deprecated versions too: backups outlive them.
    async fn family(&self, engine: &str, version: Option<&str>) -> Looked<String> {
        // Without a version the answer would be that of any.
        let Some(version) = version else { return Looked::Missing };
        let sent = self.clients.rds.describe_db_engine_versions().engine(engine).engine_version(version);
        match self.read(VERSIONS, ask!(sent.include_all(true))).await {
            Ok(answer) => {
                let told = answer.db_engine_versions.unwrap_or_default().into_iter();
                told.filter_map(|it| it.db_parameter_group_family).next().map_or(Looked::Missing, Looked::There)
            }
            Err(error) => unseen(&error, "rds:DescribeDBEngineVersions"),
        }
    }
}

fn unseen<T>(error: &Failure, permission: &'static str) -> Looked<T> {
    if error.kind == FailureKind::NotFound { Looked::Missing } else { Looked::Unseen(Unseen::from(error), permission) }
}
