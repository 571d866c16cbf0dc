//! A look behind continuous recovery points that are to end, for findings: what there is of their databases, and whether
//! their rules make new ones. It fails nothing, and takes no longer than it may.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::{
    Error, Scoped,
    looks::{BESIDES, by, there},
};
use crate::domain::{
    Arn, DatabaseNow, DatabaseRef, EndingPoint, Plan, PlanContent, PlanNow, RecoveryPoint, Resource, ResourceKind,
    RuleNow, continuous_end::too_many,
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
        let until = Instant::now() + BESIDES;
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
        let plan = there(self.plan(id).await)?.filter(|plan| plan.deleted_at.is_none());
        let Some(Plan { content: PlanContent { rules, .. }, .. }) = plan else { return Ok(None) };
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
        let named = async { there(self.describe_resource(kind, &id).await) };
        let backups = async { there(backups.await) };
        let (named, backups) = tokio::join!(by(until, named), by(until, backups));
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
