//! What a selection makes of the resources there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::ControlFlow,
    time::Duration,
};

use super::super::{
    Aws, Error,
    call::call,
    client::Clients,
    resources::{MOST_RECORDS, foreign_cursor},
    tags::TAGGING_GET,
};
use crate::domain::{
    Arn, AskedScope, Criteria, Eligibility, Page, PageRequest, PreviewFilter, PreviewOf, PreviewedResource,
    ResourceKind, TAGGED_KINDS, Tally, Warning, backup_type,
};

/// Most reads of resources in a call: at most 100 resources each.
const MOST_READS: usize = 100;
/// Most bytes of a page, about; clients take 4 MB by default.
const MOST_BYTES: usize = 2_000_000;
/// Most reads for the warnings of a change, and the longest that it waits for them.
const MOST_READS_FOR_WARNINGS: usize = 10;
const LONGEST_FOR_WARNINGS: Duration = Duration::from_secs(3);

impl Aws {
    /// A page of what a selection makes of the resources there are, with warnings about it.
    pub async fn preview_selection(
        &self,
        asked: &AskedScope,
        of: &PreviewOf,
        filter: PreviewFilter,
        page: &PageRequest,
    ) -> Result<(Page<PreviewedResource>, Vec<Warning>), Error> {
        let clients = self.clients(asked).await?;
        let from = match &page.cursor {
            Some(cursor) => Place::parse(cursor).ok_or_else(|| foreign_cursor(cursor))?,
            None => Place::default(),
        };
        let criteria = match of {
            PreviewOf::Unsaved(criteria) => criteria.clone(),
            PreviewOf::Saved(plan, selection) => {
                let plan_id = clients.plan_id(plan).await?;
                let id = clients.selection_id(&plan_id, selection).await?;
                clients.describe_selection(&plan_id, &id).await?.criteria.unwrap_or_default()
            }
        };
        let eligibility = clients.eligibility().await?;
        let (mut items, mut bytes, mut tally) = (Vec::new(), 0, Tally::default());
        let whole = from == Place::default();
        let next = clients
            .look_at_resources(&criteria, &eligibility, from, MOST_READS, |resource| {
                if filter.passes(&resource.verdict) {
                    bytes += resource.size();
                    // The first one always fits.
                    if items.len() == usize::from(page.size) || (bytes > MOST_BYTES && !items.is_empty()) {
                        return ControlFlow::Break(());
                    }
                    tally.count(&resource.verdict);
                    items.push(resource);
                } else {
                    tally.count(&resource.verdict);
                }
                ControlFlow::Continue(())
            })
            .await?;
        let now = (whole && next.is_none()).then_some(tally);
        let warnings = criteria.warnings(&clients.scope, now);
        Ok((Page { items, next: next.map(|place| place.to_string()) }, warnings))
    }

    /// What these criteria make of the resources there are now, for the warnings of a change: only as far as that is found
    /// out soon.
    pub async fn tally(&self, asked: &AskedScope, criteria: &Criteria) -> Option<Tally> {
        let look = async {
            let clients = self.clients(asked).await?;
            let eligibility = clients.eligibility().await?;
            let mut tally = Tally::default();
            let visit = |resource: PreviewedResource| {
                tally.count(&resource.verdict);
                if tally.is_mixed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let reads = MOST_READS_FOR_WARNINGS;
            let rest = clients.look_at_resources(criteria, &eligibility, Place::default(), reads, visit).await?;
            Ok::<_, Error>(rest.is_none().then_some(tally))
        };
        match tokio::time::timeout(LONGEST_FOR_WARNINGS, look).await {
            Ok(Ok(tally)) => tally,
            Ok(Err(error)) => {
                tracing::info!(%error, "what a selection selects now could not be read, so nothing warns about it");
                None
            }
            Err(_) => {
                tracing::info!("what a selection selects now was not read in time, so nothing warns about it");
                None
            }
        }
    }
}

/// Where the look at the resources goes on: with the records of an answer of AWS after the first few.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    stage: Stage,
    marker: Option<String>,
    skip: usize,
}

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Instances,
    Clusters,
    Tagged,
    Named,
}

impl Stage {
    const ALL: [(Self, &str); 4] = [
        (Self::Instances, "instances"),
        (Self::Clusters, "clusters"),
        (Self::Tagged, "tagged"),
        (Self::Named, "named"),
    ];

    fn next(self) -> Option<Self> {
        Self::ALL.into_iter().map(|(stage, _)| stage).skip_while(|stage| *stage != self).nth(1)
    }
}

impl Place {
    fn parse(cursor: &str) -> Option<Self> {
        let mut parts = cursor.splitn(3, ' ');
        let word = parts.next()?;
        let (stage, _) = Stage::ALL.into_iter().find(|(_, name)| *name == word)?;
        let skip = parts.next()?.parse().ok().filter(|skip| *skip < MOST_RECORDS)?;
        let marker = parts.next().filter(|marker| !marker.is_empty()).map(str::to_owned);
        Some(Self { stage, marker, skip })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Stage::ALL.into_iter().find(|(stage, _)| *stage == self.stage).map_or("", |(_, name)| name);
        write!(f, "{name} {} {}", self.skip, self.marker.as_deref().unwrap_or_default())
    }
}

impl Clients {
    /// Shows resources from a place on, each judged, until the visitor breaks off or `reads` are used up. The place where
    /// to go on: of the resource that the visitor would not take. `None`: that was all.
    async fn look_at_resources(
        &self,
        criteria: &Criteria,
        eligibility: &Eligibility,
        from: Place,
        reads: usize,
        mut visit: impl FnMut(PreviewedResource) -> ControlFlow<()> + Send,
    ) -> Result<Option<Place>, Error> {
        let mut place = from;
        for _ in 0..reads {
            let (found, marker) = self.resources_at(&place, criteria, eligibility).await?;
            for (at, resource) in found.into_iter().enumerate().skip(place.skip) {
                if visit(resource).is_break() {
                    return Ok(Some(Place { skip: at, ..place }));
                }
            }
            place = match (marker, place.stage.next()) {
                (Some(marker), _) => Place { stage: place.stage, marker: Some(marker), skip: 0 },
                (None, Some(stage)) => Place { stage, marker: None, skip: 0 },
                (None, None) => return Ok(None),
            };
        }
        Ok(Some(place))
    }

    /// What one answer of AWS holds, at most [`MOST_RECORDS`], and where the next one begins.
    async fn resources_at(
        &self,
        place: &Place,
        criteria: &Criteria,
        eligibility: &Eligibility,
    ) -> Result<(Vec<PreviewedResource>, Option<String>), Error> {
        let kind = match place.stage {
            Stage::Instances => ResourceKind::DbInstance,
            Stage::Clusters => ResourceKind::DbCluster,
            Stage::Tagged => return self.tagged(place.marker.clone(), criteria, eligibility).await,
            Stage::Named => return self.named(place.marker.as_deref(), criteria, eligibility).await,
        };
        let (found, marker) = self.databases(kind, None, MOST_RECORDS, place.marker.clone()).await?;
        let judged = found.into_iter().map(|database| PreviewedResource::database(database, criteria, eligibility));
        Ok((judged.collect(), marker))
    }

    /// Resources that have or had a tag, databases aside.
    async fn tagged(
        &self,
        token: Option<String>,
        criteria: &Criteria,
        eligibility: &Eligibility,
    ) -> Result<(Vec<PreviewedResource>, Option<String>), Error> {
        let kinds = TAGGED_KINDS.iter().map(|&kind| kind.to_owned()).collect();
        let sent = self.tagging.get_resources().set_resource_type_filters(Some(kinds)).resources_per_page(100);
        let answer = call(TAGGING_GET, sent.set_pagination_token(token).send()).await?;
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
    ) -> Result<(Vec<PreviewedResource>, Option<String>), Error> {
        let start: usize = from.and_then(|from| from.parse().ok()).unwrap_or(0);
        let named: BTreeSet<&str> =
            criteria.resources.iter().map(String::as_str).filter(|entry| !entry.contains('*')).collect();
        let arns: Vec<Arn> =
            named.iter().skip(start).take(MOST_RECORDS).filter_map(|entry| Arn::parse(entry).ok()).collect();
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
    async fn known_among(&self, arns: &[Arn]) -> Result<BTreeSet<String>, Error> {
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
            let sent = self.tagging.get_resources().set_resource_arn_list(Some(others));
            let answer = call(TAGGING_GET, sent.send()).await?;
            let found = answer.resource_tag_mapping_list.unwrap_or_default();
            known.extend(found.into_iter().filter_map(|mapping| mapping.resource_arn));
        }
        Ok(known)
    }

    fn is_here(&self, arn: &Arn) -> bool {
        arn.region() == self.scope.region.as_str() && arn.account() == self.scope.account.as_str()
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
    arn.service() != "rds" && backup_type(arn).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_survives_its_cursor(
            stage in 0usize..4,
            marker in proptest::option::of("[^ ]\\PC{0,40}"),
            skip in 0usize..100,
        ) {
            let place = Place { stage: Stage::ALL[stage].0, marker, skip };
            prop_assert_eq!(Place::parse(&place.to_string()), Some(place));
        }

        #[test]
        fn any_text_is_a_place_or_none(text in "(instances |named )?\\PC{0,40}") {
            let _ = Place::parse(&text);
        }
    }
}
