//! Why a list is empty: the things that it is filtered by are looked at, once nothing was found. A list that finds something
//! costs no call more.

use std::collections::BTreeSet;

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, join_all},
    stream,
};

use super::{
    Error, Scoped,
    looks::{IN_PLACE_OF_MORE, there, within},
    resources::MOST_RECORDS,
};
use crate::domain::{
    Arn, AskedScope, DatabaseRef, Finding, JobId, JobKind, Noun, Page, PageRequest, Resource, ResourceKind,
    ResourceRef, ResourceType, Unseen, VaultName, did_you_mean, unmatched,
};

/// Most vaults that a recovery point is looked for in: AWS finds one only by its vault.
const MOST_VAULTS: usize = 10;
const AT_ONCE: usize = 5;

const OF_VAULTS: &str = "backup:ListBackupVaults";
const OF_PLANS: &str = "backup:GetBackupPlan";
const OF_DATABASES: &str = "rds:DescribeDBInstances and rds:DescribeDBClusters";
const OF_JOBS: &str = "backup:DescribeBackupJob, backup:DescribeRestoreJob and backup:DescribeCopyJob";
const OF_POINTS: &str = "backup:ListBackupVaults and backup:DescribeRecoveryPoint";

/// What a filter names, and where it stands in the request.
#[derive(Debug)]
pub(super) struct Sought<'f> {
    pub(super) field: String,
    pub(super) thing: Thing<'f>,
}

impl<'f> Sought<'f> {
    /// A resource, of whatever type.
    pub(super) fn resource(field: &str, resource: &'f ResourceRef) -> Self {
        Self { field: field.to_owned(), thing: Thing::Resource(resource, Wanted::default()) }
    }
}

/// By what AWS is asked for.
#[derive(Debug)]
pub(super) enum Thing<'f> {
    /// ARN of a vault, which may be elsewhere.
    Vault(String),
    /// Id of a plan.
    Plan(&'f str),
    Resource(&'f ResourceRef, Wanted<'f>),
    /// A job of which parts of these kinds are wanted; of none: of any.
    PartsOfJob(&'f JobId, &'f [JobKind]),
    RecoveryPoint(&'f Arn),
    /// A recovery point of which parts are wanted.
    PartsOfPoint(&'f Arn),
}

/// What is wanted of a resource.
#[derive(Debug, Default)]
pub(super) struct Wanted<'f> {
    /// Something of one of these types; empty: of any.
    pub(super) types: &'f [ResourceType],
    /// The field that names the types.
    pub(super) types_field: String,
    /// Copies, and nothing else.
    pub(super) copies: bool,
}

/// Whether a page says that the list is empty: the first one, without anything on it.
pub(super) fn nothing_found<T>(asked: &PageRequest, page: &Page<T>) -> bool {
    asked.cursor.is_none() && page.items.is_empty()
}

impl Scoped {
    /// Which of the things are not there, and what else keeps them from being found.
    pub(super) async fn why_nothing(&self, sought: Vec<Sought<'_>>) -> Vec<Finding> {
        let looks: Vec<BoxFuture<'_, Option<Finding>>> = sought.into_iter().map(|it| self.look(it).boxed()).collect();
        join_all(looks).await.into_iter().flatten().collect()
    }

    /// Why there is nothing of one resource that a request names, as far as that is known.
    pub(super) async fn why_nothing_of(&self, resource: &ResourceRef) -> Vec<Finding> {
        let found = self.why_nothing(vec![Sought::resource("resource", resource)]).await;
        found.into_iter().filter(|finding| finding.code != "NOT_CHECKED").collect()
    }

    async fn look(&self, Sought { field, thing }: Sought<'_>) -> Option<Finding> {
        let (name, permissions) = thing.called();
        let looked = within(IN_PLACE_OF_MORE, self.look_for(&field, &thing)).await;
        looked.unwrap_or_else(|unseen| Some(unmatched::not_looked_up(&name, &field, permissions, &unseen)))
    }

    async fn look_for(&self, field: &str, thing: &Thing<'_>) -> Result<Option<Finding>, Error> {
        match thing {
            Thing::Vault(arn) => self.look_for_vault(field, arn).await,
            Thing::Plan(id) => {
                let gone = match there(self.plan(id).await)? {
                    Some(plan) => plan.deleted_at.map(|at| format!(": it was deleted at {at}")),
                    None => Some(String::new()),
                };
                Ok(gone.map(|when| unmatched::not_there(Noun::Plan, id, field, &when)))
            }
            Thing::Resource(resource, wanted) => self.look_for_resource(field, resource, wanted).await,
            Thing::PartsOfJob(id, kinds) => match self.find_job(id, None).await {
                Ok(job) => Ok(unmatched::without_parts(&job, kinds, field)),
                Err(error) if error.is_missing() => {
                    let question = error.failure().map_or("", |failure| &failure.meant);
                    Ok(Some(unmatched::not_there(Noun::Job, id.as_str(), field, question)))
                }
                Err(error) => Err(error),
            },
            Thing::RecoveryPoint(arn) => self.look_for_point(field, arn).await,
            Thing::PartsOfPoint(arn) => {
                Ok(self.look_for_point(field, arn).await?.or_else(|| unmatched::point_without_parts(arn, field)))
            }
        }
    }

    async fn look_for_vault(&self, field: &str, arn: &str) -> Result<Option<Finding>, Error> {
        let Ok((name, scope)) = VaultName::parse_reference(arn) else { return Ok(None) };
        let names = self.elsewhere(&scope).await?.vault_names().await?;
        if names.contains(&name) {
            return Ok(None);
        }
        let shown = if self.is_outside(&scope) { arn } else { name.as_str() };
        Ok(Some(unmatched::not_there(Noun::Vault, shown, field, &question(name.as_str(), &names))))
    }

    async fn look_for_resource(
        &self,
        field: &str,
        resource: &ResourceRef,
        Wanted { types, types_field, copies }: &Wanted<'_>,
    ) -> Result<Option<Finding>, Error> {
        let (scope, name) = (resource.scope(), resource.to_string());
        if self.is_outside(&scope) {
            return Ok(Some(unmatched::elsewhere(&name, field, self.scope())));
        }
        let Some(named) = resource.database() else { return Ok(Some(unmatched::never_looked_up(&name, field))) };
        match self.look_up(&named).await {
            Ok(database) => {
                let never_copied = || unmatched::never_copied(&database, field).filter(|_| *copies);
                Ok(unmatched::of_database(&database, types, field, types_field).or_else(never_copied))
            }
            Err(error) if error.is_missing() => {
                let question = self.meant_database(&named).await;
                Ok(Some(unmatched::not_there(Noun::Resource, &name, field, &question)))
            }
            Err(error) => Err(error),
        }
    }

    async fn look_for_point(&self, field: &str, arn: &Arn) -> Result<Option<Finding>, Error> {
        if self.is_outside(&arn.scope()) {
            return Ok(Some(unmatched::elsewhere(arn.as_str(), field, self.scope())));
        }
        let vaults = self.vault_names().await?;
        if vaults.len() > MOST_VAULTS {
            let why = format!("there are {} vaults, and AWS finds one only by its vault", vaults.len());
            return Ok(Some(unmatched::not_looked_up(arn.as_str(), field, OF_POINTS, &Unseen::settled(why))));
        }
        let looks: Vec<BoxFuture<'_, _>> = vaults.iter().map(|vault| self.holds(vault, arn).boxed()).collect();
        let found: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        if found.iter().any(|found| matches!(found, Ok(true))) {
            return Ok(None);
        }
        match found.into_iter().find_map(Result::err) {
            Some(error) => Err(error.into()),
            None => Ok(Some(unmatched::not_there(Noun::RecoveryPoint, arn.as_str(), field, ""))),
        }
    }

    /// The question which database was meant by an identifier that none has, out of the first that there are.
    pub(super) async fn meant_database(&self, named: &DatabaseRef) -> String {
        named.meant_among(&self.first_databases().await)
    }

    /// The first databases that there are, of either kind, as far as RDS tells them.
    pub(super) async fn first_databases(&self) -> Vec<Resource> {
        let of_kind = |kind| self.databases(kind, None, MOST_RECORDS, None);
        let (instances, clusters) = tokio::join!(of_kind(ResourceKind::DbInstance), of_kind(ResourceKind::DbCluster));
        [instances, clusters].into_iter().flatten().flat_map(|(found, _)| found).collect()
    }

    /// Which of these resources are instances of clusters, each with the field that names it: AWS Backup has nothing of
    /// those. A database that is gone is none, and may have recovery points.
    pub(super) async fn members_among(&self, named: &[(String, &ResourceRef)]) -> Vec<Finding> {
        let own = named.iter().filter(|(_, resource)| !self.is_outside(&resource.scope()));
        let databases: Vec<_> = own.filter_map(|(field, resource)| Some((field, resource.database()?))).collect();
        let looks = databases.iter().map(|(field, database)| async move {
            let look = async {
                match self.look_up(database).await {
                    Err(error) if error.is_missing() => Ok(None),
                    found => found.map(|found| unmatched::of_member(&found, field)),
                }
            };
            let not_checked = |unseen| unmatched::member_not_checked(&database.id, field, OF_DATABASES, &unseen);
            within(IN_PLACE_OF_MORE, look).await.unwrap_or_else(|unseen| Some(not_checked(unseen)))
        });
        let looks: Vec<BoxFuture<'_, _>> = looks.map(FutureExt::boxed).collect();
        stream::iter(looks).buffered(AT_ONCE).filter_map(std::future::ready).collect().await
    }

    /// Whether an ARN's account or region is another than this one.
    fn is_outside(&self, scope: &AskedScope) -> bool {
        scope.account.as_ref().is_some_and(|account| *account != self.scope().account)
            || scope.region.as_ref().is_some_and(|region| *region != self.scope().region)
    }
}

impl Thing<'_> {
    /// Its name, and the permissions that a look at it takes.
    fn called(&self) -> (String, &'static str) {
        match self {
            Self::Vault(arn) => (arn.clone(), OF_VAULTS),
            Self::Plan(id) => ((*id).to_owned(), OF_PLANS),
            Self::Resource(resource, _) => (resource.to_string(), OF_DATABASES),
            Self::PartsOfJob(id, _) => (id.to_string(), OF_JOBS),
            Self::RecoveryPoint(arn) | Self::PartsOfPoint(arn) => (arn.to_string(), OF_POINTS),
        }
    }
}

/// Which vault was meant by a name that none has.
fn question(name: &str, names: &BTreeSet<VaultName>) -> String {
    did_you_mean(name, names.iter().map(VaultName::as_str))
}
