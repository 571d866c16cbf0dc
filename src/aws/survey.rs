//! Everything that decides about the backups of a scope, read once: databases, plans, selections, settings, and what they
//! lean on. Of a thousand databases AWS is asked twenty-odd times, and once for each plan and each selection.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::TryStreamExt;
use tokio::time::Instant;

use super::{
    Error, Failure, Scoped,
    budget::besides,
    flights::Freshness,
    looks::there,
    pages::pages,
    protection::{Reading, every, unread},
    resources::{MOST_RECORDS, part},
};
use crate::domain::{
    Arn, Cursor, DatabaseRef, ListUpcomingRuns, Part, ProtectedResource, Resource, ResourceKind, Survey, Unread,
    Upcoming, UpcomingFilter,
};

impl Scoped {
    /// What is there, and what is arranged for it. What could not be read is part of the answer; `at_a_glance`: plans and
    /// selections may be some seconds old.
    pub async fn survey(&self, at_a_glance: bool) -> Survey {
        let plans = if at_a_glance { &self.at_a_glance() } else { self };
        let reading = Reading { scoped: self, plans };
        let arranged = async {
            let mut arrangements = reading.arrangements().await;
            reading.fill(&mut arrangements, None).await;
            arrangements
        };
        let (mut arrangements, (databases, unlisted), backed_up) =
            tokio::join!(Box::pin(arranged), Box::pin(self.databases_listed()), Box::pin(self.everything_backed_up()));
        arrangements.reckon(self.now());
        Survey { arrangements, databases, unlisted, backed_up }
    }

    /// The same for nobody who waits: its calls come after those of callers, and take at most so long.
    pub async fn survey_besides(&self, longest: Duration) -> Survey {
        Box::pin(besides(Instant::now() + longest, self.survey(false))).await
    }

    /// Reads one database of a survey anew, after a change of it: that costs one call. Answers the ARNs of the databases whose
    /// protection is to be judged again.
    pub async fn survey_database(&self, survey: &mut Survey, arn: &Arn) -> Result<Vec<String>, Error> {
        let Some(DatabaseRef { kind: Some(kind), id }) = DatabaseRef::of_arn(arn) else { return Ok(Vec::new()) };
        // What it was before counts too: its instances outlive a cluster by moments.
        let mut touched: Vec<String> = survey.touched_by(arn.as_str()).into_iter().map(str::to_owned).collect();
        match there(self.afresh().describe_resource(kind, &id).await)? {
            Some(database) => survey.put(database),
            None => survey.remove(arn.as_str()),
        }
        touched.extend(survey.touched_by(arn.as_str()).into_iter().map(str::to_owned));
        touched.sort_unstable();
        touched.dedup();
        Ok(touched)
    }

    /// Reads one plan of a survey anew, after a change of it or of a selection of it. Whatever databases it covers, or covered,
    /// are to be judged again: AWS need not be asked about them.
    pub async fn survey_plan(&self, survey: &mut Survey, plan_id: &str) -> Result<(), Error> {
        let fresh = &self.afresh();
        let reading = Reading { scoped: fresh, plans: fresh };
        let plan = there(fresh.plan(plan_id).await)?.filter(|plan| plan.deleted_at.is_none());
        let arranged = match &plan {
            Some(plan) => Some(reading.with_selections(plan).await),
            None => None,
        };
        let arrangements = &mut survey.arrangements;
        // Where the list of plans could not be read, one alone says nothing.
        if let Ok(plans) = &mut arrangements.plans {
            let at = plans.iter().position(|plan| plan.id == plan_id);
            match (at, arranged) {
                (Some(at), Some(arranged)) => plans[at] = arranged,
                (Some(at), None) => drop(plans.remove(at)),
                (None, arranged) => plans.extend(arranged),
            }
            reading.fill(arrangements, None).await;
        }
        survey.arrangements.reckon(self.now());
        Ok(())
    }

    /// The same, so that what it reads was so after it was asked for: a change is what it is asked for.
    fn afresh(&self) -> Self {
        Self { freshness: Freshness::Fresh, ..self.clone() }
    }

    /// The runs ahead, from where the page begins on: no more is read than says which rules run for which databases.
    pub async fn upcoming_runs(&self, ask: &ListUpcomingRuns, cursor: Option<&Cursor>) -> Result<Upcoming, Error> {
        let plan_id = async {
            match &ask.plan {
                Some(plan) => {
                    self.of_plan(plan, |id| async move { self.plan_there(&id).await }).await.map(|it| Some(it.id))
                }
                None => Ok(None),
            }
        };
        let (plan_id, subject) = tokio::join!(Box::pin(plan_id), Box::pin(self.subject_of(ask.resource.as_ref())));
        let (plan_id, subject) = (plan_id?, subject?);
        let resource_arns = subject.as_ref().map(|database| BTreeSet::from([database.arn.clone()]));
        let reading = Reading { scoped: self, plans: &self.at_a_glance() };
        let arranged = async {
            let mut arrangements = reading.arrangements().await;
            reading.fill_rules(&mut arrangements, plan_id.as_deref()).await;
            arrangements
        };
        let listed = async {
            match subject {
                Some(database) => (BTreeMap::from([(database.arn.clone(), database)]), Vec::new()),
                None => self.databases_listed().await,
            }
        };
        let (mut arrangements, (databases, unlisted)) = tokio::join!(Box::pin(arranged), Box::pin(listed));
        arrangements.reckon(self.now());
        let survey = Survey { arrangements, databases, unlisted, backed_up: Ok(BTreeMap::new()) };
        let plan_ids = plan_id.map(|id| BTreeSet::from([id]));
        let filter = UpcomingFilter { hours: ask.hours, plan_ids, resource_arns };
        Ok(Upcoming::of(&[survey.outlook()], &filter, cursor, survey.arrangements.as_of())?)
    }

    /// What is backed up of a database: it, or the cluster that it is an instance of.
    async fn subject_of(&self, named: Option<&DatabaseRef>) -> Result<Option<Resource>, Error> {
        let Some(named) = named else { return Ok(None) };
        let found = self.database(named).await?;
        Ok(Some(match found.member_of() {
            Some(cluster) => self.describe_resource(ResourceKind::DbCluster, cluster).await?,
            None => found,
        }))
    }

    /// The databases by ARN, and the kinds of which not all could be listed.
    async fn databases_listed(&self) -> (BTreeMap<String, Resource>, Vec<(ResourceKind, Unread)>) {
        let (instances, clusters) =
            tokio::join!(self.every_database(ResourceKind::DbInstance), self.every_database(ResourceKind::DbCluster));
        let (mut databases, mut unlisted) = (BTreeMap::new(), Vec::new());
        for (kind, listed) in [(ResourceKind::DbInstance, instances), (ResourceKind::DbCluster, clusters)] {
            match listed {
                Ok(found) => databases.extend(found.into_iter().map(|database| (database.arn.clone(), database))),
                Err(unread) => unlisted.push((kind, unread)),
            }
        }
        (databases, unlisted)
    }

    async fn every_database(&self, kind: ResourceKind) -> Result<Vec<Resource>, Unread> {
        let list = pages(|marker| self.databases(kind, None, MOST_RECORDS, marker));
        let list: Result<Vec<Resource>, Failure> = list.try_concat().await;
        list.map_err(|error| unread(Part::Databases, part(kind), error))
    }

    async fn everything_backed_up(&self) -> Result<BTreeMap<String, ProtectedResource>, Unread> {
        let list = every(|page| async move { self.list_protected_resources(None, &page).await }).await;
        let list: Vec<ProtectedResource> = list.map_err(|error| unread(Part::RecoveryPoints, "", error))?;
        Ok(list.into_iter().map(|found| (found.arn.clone(), found)).collect())
    }
}
