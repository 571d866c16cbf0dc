//! The resources of a region as selections look for them: by ARN, by tag, or all of them.

use std::collections::BTreeMap;

use super::matcher::{Criteria, Resource, TAG_KEY_PREFIX, selects};

/// Built once for each instant at which rules fire; ten thousand resources are looked through by hundreds of
/// selections, most of which name a tag.
#[derive(Debug)]
pub struct Inventory<'w> {
    resources: Vec<Resource<'w>>,
    by_arn: BTreeMap<&'w str, usize>,
    by_tag: BTreeMap<(&'w str, &'w str), Vec<usize>>,
}

impl<'w> Inventory<'w> {
    /// Of these resources, each once.
    pub fn new(resources: Vec<Resource<'w>>) -> Self {
        let mut by_arn = BTreeMap::new();
        let mut by_tag: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, resource) in resources.iter().enumerate() {
            by_arn.insert(resource.arn, index);
            for (key, value) in resource.tags.into_iter().flatten() {
                by_tag.entry((key.as_str(), value.as_str())).or_default().push(index);
            }
        }
        Self { resources, by_arn, by_tag }
    }

    /// What a selection takes, in no promised order. `opted_in` is the region's setting by resource type.
    pub fn selected<'i>(
        &'i self,
        criteria: &'i Criteria,
        opted_in: impl Fn(&str) -> bool + 'i,
    ) -> impl Iterator<Item = &'i Resource<'w>> {
        self.candidates(criteria)
            .into_iter()
            .filter_map(|index| self.resources.get(index))
            .filter(move |resource| selects(criteria, resource, opted_in(resource.resource_type)))
    }

    /// Indices of the resources that could be selected: never too few, and far fewer than all where a tag or ARN is named.
    fn candidates<'i>(&'i self, criteria: &'i Criteria) -> Vec<usize> {
        let must = criteria.conditions.string_equals.iter().filter_map(|test| {
            Some(self.tagged(test.condition_key.strip_prefix(TAG_KEY_PREFIX)?, &test.condition_value))
        });
        if let Some(fewest) = must.min_by_key(|indices| indices.len()) {
            return fewest.to_vec();
        }
        let everything = criteria.resources.is_empty() && criteria.list_of_tags.is_empty();
        if everything || criteria.resources.iter().any(|pattern| pattern.contains('*')) {
            return (0..self.resources.len()).collect();
        }
        let named = criteria.resources.iter().filter_map(|arn| self.by_arn.get(arn.as_str()).copied());
        let tags = criteria.list_of_tags.iter().flat_map(|tag| self.tagged(&tag.condition_key, &tag.condition_value));
        let mut indices: Vec<usize> = named.chain(tags.copied()).collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    }

    fn tagged<'i>(&'i self, key: &'i str, value: &'i str) -> &'i [usize] {
        self.by_tag.get(&(key, value)).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backup::matcher::tests::some_criteria;

    proptest! {
        #[test]
        fn narrowing_loses_and_adds_nothing(
            criteria in some_criteria(),
            fleet in proptest::collection::vec(proptest::collection::btree_map("[ab]", "[xy]", 0..3), 0..12),
        ) {
            let arns: Vec<String> = ["orders", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]
                .map(|id| format!("arn:aws:rds:us-east-1:123456789012:db:{id}"))
                .into();
            let resources: Vec<Resource<'_>> = arns
                .iter()
                .zip(&fleet)
                .map(|(arn, tags)| Resource { arn, resource_type: "RDS", tags: Some(tags) })
                .collect();
            let expected: Vec<&str> = resources.iter().filter(|it| selects(&criteria, it, true)).map(|it| it.arn).collect();
            let inventory = Inventory::new(resources.clone());
            let mut found: Vec<&str> = inventory.selected(&criteria, |_| true).map(|it| it.arn).collect();
            found.sort_by_key(|arn| resources.iter().position(|it| it.arn == *arn));
            prop_assert_eq!(found, expected);
        }
    }
}
