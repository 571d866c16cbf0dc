//! Resource Groups Tagging API: one look at the tags of everything in a region, over the region's one store.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::backup::resource_types::Source;
use crate::call::{AwsError, Call, JsonHandler, read};
use crate::query::page;
use crate::rds::{MAX_TAGS, tag_fault};
use crate::world::{Region, World};

/// Every served operation; a request's target is `ResourceGroupsTaggingAPI_20170126.NAME`.
pub const OPERATIONS: &[(&str, JsonHandler)] = &[
    ("GetResources", get_resources),
    ("GetTagKeys", get_tag_keys),
    ("GetTagValues", get_tag_values),
    ("TagResources", tag_resources),
    ("UntagResources", untag_resources),
];

/// What stands before the operation's name in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "ResourceGroupsTaggingAPI_20170126.";

/// Values on a page of GetTagKeys and GetTagValues.
const NAMES_PER_PAGE: usize = 500;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct GetResources {
    tag_filters: Vec<TagFilter>,
    resource_type_filters: Vec<String>,
    #[serde(rename = "ResourceARNList")]
    arns: Option<Vec<String>>,
    resources_per_page: Option<usize>,
    tags_per_page: Option<usize>,
    pagination_token: Option<String>,
    include_compliance_details: Option<bool>,
    exclude_compliant_resources: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TagFilter {
    key: Option<String>,
    values: Vec<String>,
}

impl TagFilter {
    /// No values: the key with any value.
    fn passes(&self, tags: &BTreeMap<String, String>) -> bool {
        let value = self.key.as_ref().and_then(|key| tags.get(key));
        value.is_some_and(|value| self.values.is_empty() || self.values.contains(value))
    }
}

impl GetResources {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut need = |ok: bool, fault: &str| {
            if !ok {
                faults.push(fault.to_owned());
            }
        };
        need(self.tag_filters.len() <= 50, "TagFilters: at most 50 filters");
        let keyed =
            |filter: &TagFilter| filter.key.as_ref().is_some_and(|key| (1..=128).contains(&key.chars().count()));
        need(self.tag_filters.iter().all(keyed), "TagFilters: every filter needs a Key of 1 to 128 characters");
        need(
            self.tag_filters.iter().all(|filter| filter.values.len() <= 20),
            "TagFilters: at most 20 Values in a filter",
        );
        need(self.resource_type_filters.len() <= 100, "ResourceTypeFilters: at most 100 types");
        let typed = |text: &String| {
            (1..=256).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_:./".contains(c))
        };
        need(
            self.resource_type_filters.iter().all(typed),
            "ResourceTypeFilters: each is service or service:type, such as rds:db",
        );
        need(self.resources_per_page.is_none_or(|n| (1..=100).contains(&n)), "ResourcesPerPage: 1 to 100");
        let hundreds = |n: usize| (100..=500).contains(&n) && n.is_multiple_of(100);
        need(self.tags_per_page.is_none_or(hundreds), "TagsPerPage: 100 to 500, a multiple of 100");
        need(
            self.pagination_token.as_ref().is_none_or(|token| token.len() <= 2048),
            "PaginationToken: at most 2048 characters",
        );
        need(
            self.exclude_compliant_resources != Some(true) || self.include_compliance_details == Some(true),
            "ExcludeCompliantResources: only with IncludeComplianceDetails",
        );
        if let Some(arns) = &self.arns {
            need((1..=100).contains(&arns.len()), "ResourceARNList: 1 to 100 ARNs");
            need(arns.iter().all(|arn| arn.starts_with("arn:")), "ResourceARNList: every entry must be an ARN");
            let alone = self.tag_filters.is_empty()
                && self.resource_type_filters.is_empty()
                && self.resources_per_page.is_none()
                && self.tags_per_page.is_none()
                && self.pagination_token.as_ref().is_none_or(String::is_empty);
            need(alone, "ResourceARNList: not together with filters or paging");
        }
        faults
    }
}

fn get_resources(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: GetResources = read(body)?;
    refuse(&input.faults())?;
    let region = call.region(world);
    let shape = |arn: &str, tags: &BTreeMap<String, String>| {
        let mut resource = json!({ "ResourceARN": arn, "Tags": tag_shapes(tags) });
        if input.include_compliance_details == Some(true) {
            // Without tag policies everything complies.
            resource["ComplianceDetails"] = json!({ "ComplianceStatus": true });
        }
        resource
    };
    if let Some(arns) = &input.arns {
        let wanted: BTreeSet<&String> = arns.iter().collect();
        let found = wanted.into_iter().filter_map(|arn| region.tags.0.get(arn).map(|tags| shape(arn, tags)));
        return Ok(json!({ "PaginationToken": "", "ResourceTagMappingList": found.collect::<Vec<_>>() }));
    }
    // Only what stands in the store: what was never tagged is not listed [M].
    let wanted = region.tags.0.iter().filter(|(arn, tags)| {
        let types = &input.resource_type_filters;
        (types.is_empty() || types.iter().any(|wanted| is_of_type(arn, wanted)))
            && input.tag_filters.iter().all(|filter| filter.passes(tags))
            && input.exclude_compliant_resources != Some(true)
    });
    let token = input.pagination_token.as_deref().filter(|token| !token.is_empty());
    let size = input.resources_per_page.unwrap_or(50);
    let page = page(wanted, |(arn, _)| arn.as_str(), token, size).ok_or_else(bad_token)?;
    let resources: Vec<Value> = page.items.iter().map(|(arn, tags)| shape(arn, tags)).collect();
    // Empty on the last page, never absent: clients stop at it [M].
    Ok(json!({ "PaginationToken": page.marker.unwrap_or_default(), "ResourceTagMappingList": resources }))
}

/// `rds:db` or `rds` against `arn:aws:rds:R:A:db:ID`.
fn is_of_type(arn: &str, wanted: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (Some(service), Some(resource)) = (parts.next(), parts.nth(2)) else { return false };
    match wanted.split_once(':') {
        None => service == wanted,
        Some((of, kind)) => service == of && resource.split([':', '/']).next() == Some(kind),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Names {
    key: Option<String>,
    pagination_token: Option<String>,
}

fn get_tag_keys(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Names = read(body)?;
    let keys: BTreeSet<&String> = call.region(world).tags.0.values().flat_map(BTreeMap::keys).collect();
    names("TagKeys", keys, input.pagination_token.as_deref())
}

fn get_tag_values(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Names = read(body)?;
    let Some(key) = input.key.filter(|key| (1..=128).contains(&key.chars().count())) else {
        return Err(invalid("Key: required, 1 to 128 characters"));
    };
    let values: BTreeSet<&String> = call.region(world).tags.0.values().filter_map(|tags| tags.get(&key)).collect();
    names("TagValues", values, input.pagination_token.as_deref())
}

fn names(member: &str, names: BTreeSet<&String>, token: Option<&str>) -> Result<Value, AwsError> {
    let token = token.filter(|token| !token.is_empty());
    let page = page(names, |name| name.as_str(), token, NAMES_PER_PAGE).ok_or_else(bad_token)?;
    Ok(json!({ "PaginationToken": page.marker.unwrap_or_default(), member: page.items }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Change {
    #[serde(rename = "ResourceARNList")]
    arns: Vec<String>,
    tags: BTreeMap<String, String>,
    tag_keys: Vec<String>,
}

impl Change {
    fn arn_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(1..=20).contains(&self.arns.len()) {
            faults.push("ResourceARNList: 1 to 20 ARNs".to_owned());
        }
        if self.arns.iter().any(|arn| !(1..=1011).contains(&arn.len())) {
            faults.push("ResourceARNList: each of 1 to 1011 characters".to_owned());
        }
        faults
    }
}

fn tag_resources(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Change = read(body)?;
    let mut faults = input.arn_faults();
    if !(1..=MAX_TAGS).contains(&input.tags.len()) {
        faults.push(format!("Tags: 1 to {MAX_TAGS} tags"));
    }
    faults.extend(input.tags.iter().filter_map(|(key, value)| tag_fault(key, value)));
    refuse(&faults)?;
    let region = call.region(world);
    change(region, call, &input.arns, |region, arn| {
        let tags = region.tags.merged(arn, input.tags.clone());
        if tags.keys().filter(|key| !key.starts_with("aws:")).count() > MAX_TAGS {
            return Err(format!("The resource would have more than {MAX_TAGS} tags"));
        }
        region.tags.0.insert(arn.to_owned(), tags);
        Ok(())
    })
}

fn untag_resources(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Change = read(body)?;
    let mut faults = input.arn_faults();
    if !(1..=MAX_TAGS).contains(&input.tag_keys.len()) {
        faults.push(format!("TagKeys: 1 to {MAX_TAGS} keys"));
    }
    if let Some(key) = input.tag_keys.iter().find(|key| key.starts_with("aws:")) {
        faults.push(format!("TagKeys: the system tag {key} can't be removed"));
    }
    refuse(&faults)?;
    let region = call.region(world);
    change(region, call, &input.arns, |region, arn| {
        region.tags.forget(arn, &input.tag_keys);
        Ok(())
    })
}

/// Changes each resource for itself: the answer is 200 and names those that failed `[M]`.
fn change(
    region: &mut Region,
    call: &Call,
    arns: &[String],
    mut one: impl FnMut(&mut Region, &str) -> Result<(), String>,
) -> Result<Value, AwsError> {
    let mut failed = serde_json::Map::new();
    for arn in arns {
        let done = if is_there(region, call, arn) {
            one(region, arn)
        } else {
            Err("The resource does not exist, or not in this region and account".to_owned())
        };
        if let Err(message) = done {
            let code = "InvalidParameterException";
            failed.insert(arn.clone(), json!({ "StatusCode": 400, "ErrorCode": code, "ErrorMessage": message }));
        }
    }
    Ok(json!({ "FailedResourcesMap": failed }))
}

fn is_there(region: &Region, call: &Call, arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let here = (parts.next(), parts.next(), parts.next(), parts.next());
    match here {
        (Some("rds"), _, _, _) => region.rds.has(arn),
        (Some("events"), _, _, _) => region.events.has(arn),
        (Some("sns"), _, _, _) => region.sns.has(arn),
        (Some("sqs"), _, _, _) => region.sqs.has(arn),
        (Some("backup"), Some(of_region), Some(account), Some(resource)) => {
            of_region == call.region && account == call.account && region.backup.holds(resource, arn)
        }
        // Of the services that are not imitated, what AWS Backup could back up is taken to exist.
        _ => Source::parse(arn).is_some_and(|source| {
            let here = |named: &str, own: &str| named.is_empty() || named == own;
            here(&source.region, &call.region) && here(&source.account, &call.account)
        }),
    }
}

fn tag_shapes(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

fn refuse(faults: &[String]) -> Result<(), AwsError> {
    if faults.is_empty() { Ok(()) } else { Err(invalid(&faults.join("; "))) }
}

fn invalid(message: &str) -> AwsError {
    AwsError::new(400, "InvalidParameterException", message)
}

fn bad_token() -> AwsError {
    invalid("PaginationToken: it is not one of this service's answers")
}

#[cfg(test)]
mod tests;
