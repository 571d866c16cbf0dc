//! What there is to know about a database's backups, for the domain to judge.
//!
//! AWS is asked no more than that takes: every selection, but the rules, roles and vaults only of those plans that turn out
//! to cover the database; a few questions at a time. What cannot be read becomes part of the evidence. What all databases of
//! a scope lean on is read in `survey.rs`, by the same pieces.

mod reading;

pub(super) use reading::{Reading, every, unread};

use super::{Error, Scoped, resources::arn_of};
use crate::domain::{
    Arn, DatabaseRef, Evidence, Explanation, History, Job, JobFilter, JobKind, Part, PointInVault, RecoveryPoint,
    RecoveryPointQuery, Resource, ResourceKind, ResourceRef, Unread, VaultName, newest_usable,
};

impl Scoped {
    /// Why a database is protected, or not. Fails only if the database itself cannot be read.
    pub async fn explain_protection(&self, named: &DatabaseRef) -> Result<Explanation, Error> {
        let reading = Reading { scoped: self, plans: &self.at_a_glance() };
        let found = self.database(named).await?;
        let arn = arn_of(&found)?;
        Ok(Box::pin(reading.about(found, arn)).await.explain())
    }
}

impl Reading<'_> {
    async fn about(self, found: Resource, arn: Arn) -> Evidence {
        let (database, arn, asked_member) = match self.cluster_of(&found, arn).await {
            Ok(subject) => subject,
            Err(unread) => return Evidence::of_unread_cluster(found, vec![unread], self.scoped.now()),
        };
        let (mut arrangements, history) =
            tokio::join!(Box::pin(self.arrangements()), Box::pin(self.history(&database, &arn)));
        self.fill(&mut arrangements, Some(&database)).await;
        arrangements.reckon(self.scoped.now());
        arrangements.evidence(database, asked_member, history)
    }

    /// The cluster, if the instance is of one, and then the instance's identifier. A failure where the cluster could not be
    /// read: what is known of the instance says nothing of it, for tags, jobs and recovery points are the cluster's.
    async fn cluster_of(self, found: &Resource, arn: Arn) -> Result<(Resource, Arn, Option<String>), Unread> {
        let Some(id) = found.member_of() else { return Ok((found.clone(), arn, None)) };
        let cluster = self.scoped.describe_resource(ResourceKind::DbCluster, id).await;
        let cluster = cluster.and_then(|cluster| Ok((arn_of(&cluster)?, cluster)));
        let (arn, cluster) = cluster.map_err(|error| unread(Part::Cluster, id, error))?;
        Ok((cluster, arn, Some(found.id.clone())))
    }

    /// Its backups, as far as AWS remembers.
    async fn history(self, database: &Resource, arn: &Arn) -> History {
        let (jobs, points) = tokio::join!(self.jobs(arn), self.points(arn));
        let mut gaps = Vec::new();
        let mut gap = |part, error: Error| gaps.push(unread(part, "", error));
        let jobs = jobs.map_err(|error| gap(Part::Jobs, error)).ok();
        let points = points.map_err(|error| gap(Part::RecoveryPoints, error)).ok();
        let last_point = match points.as_ref().and_then(|points| newest_usable(points, database)) {
            Some(listed) => match self.in_full(listed).await {
                Ok(point) => Some(point),
                Err(error) => {
                    gap(Part::RecoveryPoints, error);
                    Some(listed.clone())
                }
            },
            None => None,
        };
        let known = jobs.is_some();
        let history = History::of_database(database, jobs.unwrap_or_default());
        History { jobs: history.jobs.clone().filter(|_| known), points, last_point, unread: gaps, ..history }
    }

    /// Every backup job that AWS remembers.
    async fn jobs(self, resource: &Arn) -> Result<Vec<Job>, Error> {
        let resource = Some(ResourceRef::Arn(resource.clone()));
        let filter = &JobFilter { kinds: vec![JobKind::Backup], resource, ..JobFilter::default() };
        every(|page| async move { self.scoped.list_jobs(filter, &page).await }).await
    }

    async fn points(self, resource: &Arn) -> Result<Vec<RecoveryPoint>, Error> {
        let resource = ResourceRef::Arn(resource.clone());
        let query = &RecoveryPointQuery::OfResource { resource, managed_by_backup_only: false };
        every(|page| Box::pin(async move { self.scoped.list_recovery_points(query, &page).await })).await
    }

    /// A point with all that AWS tells of it, for its list tells little; as it was listed where it is gone.
    async fn in_full(self, listed: &RecoveryPoint) -> Result<RecoveryPoint, Error> {
        let (Ok(vault), Ok(arn)) =
            (VaultName::parse(listed.vault_name.as_deref().unwrap_or_default()), Arn::parse(&listed.arn))
        else {
            return Ok(listed.clone());
        };
        match self.scoped.get_recovery_point(&PointInVault { vault, arn }).await {
            Err(error) if error.is_missing() => Ok(listed.clone()),
            described => described,
        }
    }
}
