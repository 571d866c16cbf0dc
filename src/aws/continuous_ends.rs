//! A look behind continuous recovery points that are to end, for findings: what there is of their databases, and whether
//! their rules make new ones. It fails nothing, and takes no longer than it may.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::{Error, Failure, FailureKind, Scoped, plans::LONGEST};
use crate::domain::{
    Arn, DatabaseNow, DatabaseRef, EndingPoint, PlanNow, RecoveryPoint, Resource, ResourceKind, RuleNow, Unseen,
    continuous_end::too_many,
};

/// Most points behind which a call looks, and most looks at once.
const MOST_POINTS: usize = 50;
const AT_ONCE: usize = 8;

impl Scoped {
    /// The continuous ones among the points, with what stands behind them now.
    pub(super) async fn ending(&self, points: impl IntoIterator<Item = RecoveryPoint>) -> Vec<EndingPoint> {
        let mut points: Vec<RecoveryPoint> = points.into_iter().filter(RecoveryPoint::is_continuous).collect();
        if points.is_empty() {
            return Vec::new();
        }
        let rest = points.split_off(points.len().min(MOST_POINTS));
        let until = Instant::now() + LONGEST;
        let plans: BTreeSet<String> = points.iter().filter_map(|it| Some(it.plan_origin()?.plan_id.clone())).collect();
        let plans = stream::iter(plans)
            .map(|id| async move {
                let now = by(until, self.plan_now(&id)).await;
                (id, now)
            })
            .buffer_unordered(AT_ONCE)
            .collect::<BTreeMap<_, _>>();
        let databases = stream::iter(points)
            .map(|point| async move {
                let (database, named) = self.database_now(&point, until).await;
                (point, database, named)
            })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>();
        let (plans, databases, eligibility) =
            tokio::join!(Box::pin(plans), Box::pin(databases), Box::pin(by(until, self.eligibility())));
        let ending = databases.into_iter().map(|(point, database, named)| {
            let plan = point.plan_origin().and_then(|origin| plans.get(&origin.plan_id)).unwrap_or(&Ok(None));
            let rule = RuleNow::judge(&point, plan, &eligibility, &database, named.as_ref());
            EndingPoint { point, database, rule }
        });
        ending.chain(rest.into_iter().map(|point| EndingPoint::unseen(point, &too_many()))).collect()
    }

    /// The plan as it is now; `None`: it is deleted.
    async fn plan_now(&self, id: &str) -> Result<Option<PlanNow>, Error> {
        let plan = match self.plan(id).await {
            Ok(plan) if plan.deleted_at.is_none() => plan,
            Ok(_) => return Ok(None),
            Err(error) if error.kind == FailureKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let rules = plan.content.rules;
        if !rules.iter().any(|rule| rule.continuous) {
            return Ok(Some(PlanNow { rules, criteria: Vec::new(), complete: true }));
        }
        let (criteria, complete) = self.criteria_of(id).await?;
        Ok(Some(PlanNow { rules, criteria, complete }))
    }

    /// What there is of the database of a point, and the database that has its name.
    async fn database_now(&self, point: &RecoveryPoint, until: Instant) -> (DatabaseNow, Option<Resource>) {
        let arn = point.resource_arn.as_deref().and_then(|arn| Arn::parse(arn).ok());
        let Some(DatabaseRef { kind: Some(kind), id }) = arn.as_ref().and_then(DatabaseRef::of_arn) else {
            return (DatabaseNow::NotOfRds, None);
        };
        let backups = async {
            match kind {
                ResourceKind::DbInstance => self.instance_backups(&id).await,
                ResourceKind::DbCluster => self.cluster_backups(&id).await,
            }
        };
        let (named, backups) =
            tokio::join!(by(until, there(self.describe_resource(kind, &id))), by(until, there(backups)));
        let named = match named {
            Ok(named) => named,
            Err(unseen) => return (DatabaseNow::NotChecked(unseen), None),
        };
        let database = match backups {
            Ok(backups) => DatabaseNow::judge(point, named.as_ref(), &backups.unwrap_or_default()),
            Err(unseen) => DatabaseNow::NotChecked(unseen),
        };
        (database, named)
    }
}

/// What comes of a look until that time.
async fn by<T, E>(until: Instant, look: impl Future<Output = Result<T, E>>) -> Result<T, Unseen>
where
    Error: From<E>,
{
    match timeout_at(until, look).await {
        Ok(seen) => seen.map_err(|error| Unseen::from(&Error::from(error))),
        Err(_) => Err(Unseen::in_time()),
    }
}

/// `None`: it is not there, which is an answer.
async fn there<T>(look: impl Future<Output = Result<T, Failure>>) -> Result<Option<T>, Failure> {
    match look.await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == FailureKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
