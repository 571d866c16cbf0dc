//! What a selection makes of the resources there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use super::super::{Error, Failure, Scoped, call::ask, looks::in_time, resources::MOST_RECORDS, tags::TAGGING_GET};
use crate::domain::{
    Arn, Criteria, Cursor, Eligibility, Finding, Page, PageRequest, PreviewFilter, PreviewOf, PreviewedResource,
    ResourceKind, ResourcePattern, ResourceType, TAGGED_KINDS, Tally, Unseen,
};

/// Most reads of resources in a call: at most 100 resources each.
const MOST_READS: usize = 100;
/// Most bytes of a page, about; clients take 4 MB by default.
const MOST_BYTES: usize = 2_000_000;
/// Most reads for the findings of a change.
const MOST_READS_FOR_FINDINGS: usize = 10;

impl Scoped {
    /// A page of what a selection makes of the resources there are, with what will surprise about it.
    pub async fn preview_selection(
        &self,
        of: &PreviewOf,
        filter: PreviewFilter,
        page: &PageRequest,
    ) -> Result<(Page<PreviewedResource>, Vec<Finding>), Error> {
        let from = Cursor::within(page.cursor.as_ref(), &Stage::ALL, Stage::word, MOST_RECORDS)?;
        let criteria = match of {
            PreviewOf::Unsaved(criteria) => criteria.clone(),
            PreviewOf::Saved(saved) => self.get_selection(saved).await?.criteria.unwrap_or_default(),
        };
        let eligibility = self.eligibility().await?;
        let (mut items, mut bytes, mut tally) = (Vec::new(), 0, Tally::default());
        let whole = page.cursor.is_none();
        let next = self
            .look_at_resources(&criteria, &eligibility, from, MOST_READS, |resource| {
                if filter.passes(&resource.verdict) {
                    bytes += resource.size();
                    // The first one always fits.
                    if items.len() == usize::from(page.size) || (bytes > MOST_BYTES && !items.is_empty()) {
                        return ControlFlow::Break(());
                    }
                    tally.count(&resource, &criteria);
                    items.push(resource);
                } else {
                    tally.count(&resource, &criteria);
                }
                ControlFlow::Continue(())
            })
            .await?;
        tally.complete = next.is_none();
        let mut found = criteria.findings(self.scope(), whole.then_some(&tally));
        if whole {
            found.extend(self.findings_of_named(&criteria).await);
        }
        Ok((Page { items, next }, found))
    }

    /// What these criteria make of the resources there are now, for the findings of a change: only as far as that is found
    /// out soon.
    pub(super) async fn tally(&self, criteria: &Criteria) -> Result<Tally, Unseen> {
        let look = async {
            let eligibility = self.eligibility().await?;
            let mut tally = Tally::default();
            let visit = |resource: PreviewedResource| {
                tally.count(&resource, criteria);
                if tally.is_settled(&eligibility, criteria) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let from = (Stage::Instances, Cursor::of_part(Stage::Instances.word()));
            let rest = self.look_at_resources(criteria, &eligibility, from, MOST_READS_FOR_FINDINGS, visit).await?;
            tally.complete = rest.is_none();
            Ok::<_, Error>(tally)
        };
        in_time(look).await
    }
}

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Instances,
    Clusters,
    Tagged,
    Named,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Instances, Self::Clusters, Self::Tagged, Self::Named];

    fn word(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::Clusters => "clusters",
            Self::Tagged => "tagged",
            Self::Named => "named",
        }
    }

    fn next(self) -> Option<Self> {
        Self::ALL.into_iter().skip_while(|stage| *stage != self).nth(1)
    }
}

impl Scoped {
    /// Shows resources from a place on, each judged, until the visitor breaks off or `reads` are used up. The place where
    /// to go on: of the resource that the visitor would not take. `None`: that was all.
    async fn look_at_resources(
        &self,
        criteria: &Criteria,
        eligibility: &Eligibility,
        from: (Stage, Cursor),
        reads: usize,
        mut visit: impl FnMut(PreviewedResource) -> ControlFlow<()> + Send,
    ) -> Result<Option<Cursor>, Failure> {
        let (mut stage, mut place) = from;
        for _ in 0..reads {
            let (found, marker) = self.resources_at(stage, place.token.clone(), criteria, eligibility).await?;
            for (at, resource) in found.into_iter().enumerate().skip(place.skip) {
                if visit(resource).is_break() {
                    return Ok(Some(Cursor { skip: at, ..place }));
                }
            }
            match (marker, stage.next()) {
                (Some(marker), _) => place = Cursor { part: place.part, ..Cursor::at(marker) },
                (None, Some(next)) => (stage, place) = (next, Cursor::of_part(next.word())),
                (None, None) => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// What one answer of AWS holds, at most [`MOST_RECORDS`], and where the next one begins.
    async fn resources_at(
        &self,
        stage: Stage,
        token: Option<String>,
        criteria: &Criteria,
        eligibility: &Eligibility,
    ) -> Result<(Vec<PreviewedResource>, Option<String>), Failure> {
        let kind = match stage {
            Stage::Instances => ResourceKind::DbInstance,
            Stage::Clusters => ResourceKind::DbCluster,
            Stage::Tagged => return self.tagged(token, criteria, eligibility).await,
            Stage::Named => return self.named(token.as_deref(), criteria, eligibility).await,
        };
        let (found, marker) = self.databases(kind, None, MOST_RECORDS, token).await?;
        let judged = found.into_iter().map(|database| PreviewedResource::database(database, criteria, eligibility));
        Ok((judged.collect(), marker))
    }

    /// Resources that have or had a tag, databases aside.
    async fn tagged(
        &self,
        token: Option<String>,
        criteria: &Criteria,
        eligibility: &Eligibility,
    ) -> Result<(Vec<PreviewedResource>, Option<String>), Failure> {
        let kinds = TAGGED_KINDS.iter().map(|&kind| kind.to_owned()).collect();
        let sent = self.clients.tagging.get_resources().set_resource_type_filters(Some(kinds)).resources_per_page(100);
        let answer = self.read(TAGGING_GET, ask!(sent.set_pagination_token(token))).await?;
        let found = answer.resource_tag_mapping_list.unwrap_or_default().into_iter();
        let judged = found.filter_map(|mapping| {
            let arn = Arn::parse(&mapping.resource_arn?).ok()?;
            let tags = mapping.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
            is_tagged_kind(&arn).then(|| PreviewedResource::of_arn(&arn, tags, criteria, eligibility))
        });
        Ok((judged.collect(), answer.pagination_token.filter(|token| !token.is_empty())))
    }

    /// ARNs of `resources` that the stages before did not come across: never tagged, elsewhere, of no type that AWS Backup
    /// knows, or missing. Whether those of other services than RDS exist, nobody can tell.
    async fn named(
        &self,
        from: Option<&str>,
        criteria: &Criteria,
        eligibility: &Eligibility,
    ) -> Result<(Vec<PreviewedResource>, Option<String>), Failure> {
        let start: usize = from.and_then(|from| from.parse().ok()).unwrap_or(0);
        let named: BTreeSet<&str> =
            criteria.resources.iter().filter(|entry| entry.names_one()).map(ResourcePattern::as_str).collect();
        let arns: Vec<Arn> =
            named.iter().skip(start).take(MOST_RECORDS).filter_map(|entry| Arn::read(entry).ok()).collect();
        let known = self.known_among(&arns).await?;
        let judged = arns.iter().filter(|arn| !known.contains(arn.as_str())).map(|arn| {
            if database_kind(arn).is_some() && self.is_here(arn) {
                PreviewedResource::missing(arn, criteria, eligibility)
            } else {
                PreviewedResource::of_arn(arn, BTreeMap::new(), criteria, eligibility)
            }
        });
        let end = start.saturating_add(MOST_RECORDS);
        Ok((judged.collect(), (end < named.len()).then(|| end.to_string())))
    }

    /// Those of the ARNs that the other stages come across.
    async fn known_among(&self, arns: &[Arn]) -> Result<BTreeSet<String>, Failure> {
        let mut known = BTreeSet::new();
        for (kind, filter) in [(ResourceKind::DbInstance, "db-instance-id"), (ResourceKind::DbCluster, "db-cluster-id")]
        {
            let wanted = arns.iter().filter(|arn| database_kind(arn) == Some(kind) && self.is_here(arn));
            let wanted: Vec<String> = wanted.map(|arn| arn.as_str().to_owned()).collect();
            if !wanted.is_empty() {
                let (found, _) = self.databases(kind, Some((filter, wanted)), MOST_RECORDS, None).await?;
                known.extend(found.into_iter().map(|database| database.arn));
            }
        }
        // A bucket's ARN tells neither region nor account.
        let may_be_here = |arn: &&Arn| is_tagged_kind(arn) && (arn.region().is_empty() || self.is_here(arn));
        let others: Vec<String> = arns.iter().filter(may_be_here).map(|arn| arn.as_str().to_owned()).collect();
        if !others.is_empty() {
            let sent = self.clients.tagging.get_resources().set_resource_arn_list(Some(others));
            let answer = self.read(TAGGING_GET, ask!(sent)).await?;
            let found = answer.resource_tag_mapping_list.unwrap_or_default();
            known.extend(found.into_iter().filter_map(|mapping| mapping.resource_arn));
        }
        Ok(known)
    }

    fn is_here(&self, arn: &Arn) -> bool {
        arn.region() == self.scope().region.as_str() && arn.account() == self.scope().account.as_str()
    }
}

fn database_kind(arn: &Arn) -> Option<ResourceKind> {
    if arn.service() != "rds" {
        return None;
    }
    let instance = arn.resource_of_kind("db").map(|_| ResourceKind::DbInstance);
    instance.or_else(|| arn.resource_of_kind("cluster").map(|_| ResourceKind::DbCluster))
}

/// Whether the tagging API is asked for resources of this kind.
fn is_tagged_kind(arn: &Arn) -> bool {
    arn.service() != "rds" && ResourceType::of_arn(arn).is_some()
}
