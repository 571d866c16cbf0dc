//! Tags on AWS Backup's own resources: vaults, plans and recovery points with a Backup ARN.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    State, error,
    page::Page,
    rest::{RestReply, RestRequest},
    routes::{Route, route},
};
use crate::{
    call::{AwsError, Call},
    config::Quotas,
    world::World,
};

/// What this file serves.
pub const ROUTES: &[Route] = &[
    route("POST", "tags/{resourceArn}", "TagResource", tag),
    route("POST", "untag/{resourceArn}", "UntagResource", untag),
    route("GET", "tags/{resourceArn}", "ListTags", list),
];

/// Refuses tags that AWS refuses: keys of 1 to 128 characters without `aws:` in front, values of at most 256 `[D][I]`.
///
/// # Errors
/// IPV that names every fault.
pub fn check(tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    let mut faults = Vec::new();
    for (key, value) in tags {
        let shown: String = key.chars().take(40).collect();
        match key.chars().count() {
            0 => faults.push("a tag key is blank".to_owned()),
            1..=128 => {}
            length => faults.push(format!("tag key '{shown}…' has {length} characters, 128 are allowed")),
        }
        if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            faults.push(format!("tag key '{shown}': the prefix aws: is reserved"));
        }
        let length = value.chars().count();
        if length > 256 {
            faults.push(format!("the value of tag '{shown}' has {length} characters, 256 are allowed"));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(error::invalid_parameter(format!("Invalid tags: {}", faults.join("; "))))
    }
}

/// Refuses more tags on a resource than AWS takes.
///
/// # Errors
/// LE.
pub fn check_count(count: usize, quotas: &Quotas) -> Result<(), AwsError> {
    if count <= quotas.tags_per_resource {
        return Ok(());
    }
    Err(error::limit_exceeded(format!("{count} tags on a resource; {} are allowed", quotas.tags_per_resource)))
}

/// Whether a resource with this ARN is there to be tagged by AWS Backup. Snapshots with an RDS ARN are not: they are
/// tagged in RDS `[M]`.
fn check_taggable(backup: &State, call: &Call, arn: &str) -> Result<(), AwsError> {
    let shown: String = arn.chars().take(200).collect();
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "backup", region, account, resource] = parts[..] else {
        return Err(error::invalid_parameter(format!(
            "Invalid ARN '{shown}': tags are supported on AWS Backup resources"
        )));
    };
    if region != call.region || account != call.account {
        return Err(error::invalid_parameter(format!(
            "Invalid ARN '{shown}': not a resource of account {} in {}",
            call.account, call.region
        )));
    }
    if backup.holds(resource, arn) {
        return Ok(());
    }
    Err(error::not_found(format!("Resource {shown} does not exist")))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagInput {
    tags: Option<BTreeMap<String, String>>,
}

fn tag(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let given = request.body::<TagInput>()?.tags.ok_or_else(|| error::missing_parameter("Tags"))?;
    let arn = request.path("resourceArn");
    let region = call.region(world);
    check_taggable(&region.backup, call, arn)?;
    check(&given)?;
    let all = region.tags.merged(arn, given);
    check_count(all.len(), &call.behaviour.quotas)?;
    if !all.is_empty() {
        region.tags.0.insert(arn.to_owned(), all);
    }
    Ok(RestReply::empty())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagInput {
    tag_key_list: Option<Vec<String>>,
}

fn untag(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let keys = request.body::<UntagInput>()?.tag_key_list.ok_or_else(|| error::missing_parameter("TagKeyList"))?;
    let arn = request.path("resourceArn");
    let region = call.region(world);
    check_taggable(&region.backup, call, arn)?;
    region.tags.forget(arn, &keys);
    Ok(RestReply::empty())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput {
    tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn list(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let arn = request.path("resourceArn");
    let region = call.region(world);
    check_taggable(&region.backup, call, arn)?;
    let tags = region.tags.0.get(arn).into_iter().flatten();
    let (tags, next_token) = page.take(tags.map(|(key, value)| (key.clone(), (key.clone(), value.clone()))));
    Ok(RestReply::json(&ListOutput { tags: tags.into_iter().collect(), next_token }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{backup::plans::tests::send, call::Call, world::World};

    #[test]
    fn what_was_tagged_once_stays_known_without_tags() {
        let mut world = World::default();
        let call = Call::at("2026-03-02T12:00:00Z".parse().unwrap());
        let mut put = |method: &str, path: &str, body: Value| send(&mut world, &call, method, path, &body).unwrap();
        let vault = put("PUT", "/backup-vaults/formerly", json!({"BackupVaultTags": {"a": "b"}}));
        let arn = vault["BackupVaultArn"].as_str().unwrap();
        put("POST", &format!("/untag/{}", arn.replace(':', "%3A")), json!({"TagKeyList": ["a"]}));
        let tags = call.region(&mut world).tags.0.get(arn).map(std::collections::BTreeMap::len);
        assert_eq!(tags, Some(0), "the tagging API lists it with no tags");
    }
}
