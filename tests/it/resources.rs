//! ResourceService over the wire.

use std::collections::BTreeMap;

use serde_json::json;
use strongroom::proto::{
    CreateVaultRequest, Database, GetResourceRequest, ListProtectedResourcesRequest, ListResourcesRequest,
    ListTagsRequest, Resource, ResourceKind, TagResourceRequest, UntagResourceRequest, resource::Detail,
};
use tonic::Code;

use crate::{
    backups::{prepared, recovery_point},
    harness::{LABS, World, reason, told},
    protection::CLUSTER,
    restores::restore_as,
};

/// What only a database has.
fn database(resource: &Resource) -> &Database {
    let Some(Detail::Database(database)) = &resource.detail else { panic!("{resource:?}") };
    database
}

#[tokio::test]
async fn databases_are_listed_whatever_the_page_size() {
    let world = World::start().await;
    let mut resources = world.resources();
    let all = resources.list_resources(ListResourcesRequest::default()).await.unwrap().into_inner();
    assert_eq!(all.next_page_token, "");
    let arns = |resources: &[Resource]| resources.iter().map(|r| r.arn.clone()).collect::<Vec<_>>();
    let whole = arns(&all.resources);
    assert!(whole.iter().any(|arn| arn == LABS), "{whole:?}");
    assert!(all.resources.iter().any(|found| found.kind() == ResourceKind::DbCluster), "{whole:?}");
    for page_size in 1..=3 {
        let mut request = ListResourcesRequest { page_size, ..Default::default() };
        let mut paged = Vec::new();
        loop {
            let page = resources.list_resources(request.clone()).await.unwrap().into_inner();
            paged.extend(arns(&page.resources));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(paged, whole, "pages of {page_size}");
    }
}

#[tokio::test]
async fn aws_filters_by_kind_and_engine() {
    let world = World::start().await;
    let mut resources = world.resources();
    let clusters = ListResourcesRequest { kind: ResourceKind::DbCluster.into(), ..Default::default() };
    let clusters = resources.list_resources(clusters).await.unwrap().into_inner().resources;
    assert!(!clusters.is_empty() && clusters.iter().all(|found| found.resource_type == "Aurora"), "{clusters:?}");
    let postgres = ListResourcesRequest { engine: "postgres".into(), ..Default::default() };
    let postgres = resources.list_resources(postgres).await.unwrap().into_inner().resources;
    assert!(!postgres.is_empty() && postgres.iter().all(|found| database(found).engine == "postgres"), "{postgres:?}");
    let strange = ListResourcesRequest { kind: 99, engine: "a b".into(), page_size: -1, ..Default::default() };
    assert_eq!(told(&resources.list_resources(strange).await.unwrap_err()).fields, ["page_size", "kind", "engine"]);
}

#[tokio::test]
async fn a_database_is_read_by_arn_and_identifier() {
    let world = World::start().await;
    let mut resources = world.resources();
    let mut get = async |resource: &str| {
        resources.get_resource(GetResourceRequest { resource: resource.into(), ..Default::default() }).await
    };
    let by_arn = get(LABS).await.unwrap().into_inner().resource.unwrap();
    let by_id = get("rdspg-fcj-labs").await.unwrap().into_inner().resource.unwrap();
    assert_eq!(by_arn, by_id);
    assert_eq!((by_arn.resource_type.as_str(), database(&by_arn).status.as_str()), ("RDS", "available"));
    let cluster = get("aurora-billing").await.unwrap().into_inner().resource.unwrap();
    assert_eq!((cluster.arn.as_str(), cluster.kind()), (CLUSTER, ResourceKind::DbCluster));
    let missing = get("nowhere").await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    assert!(missing.message().contains("of no RDS instance or cluster in account 123456789012"), "{missing:?}");
    let missing = get("arn:aws:rds:us-east-1:123456789012:db:nowhere").await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    let missing = get("arn:aws:rds:us-east-1:123456789012:cluster:nowhere").await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
}

#[tokio::test]
async fn an_identifier_that_an_instance_and_a_cluster_have_means_neither() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    restore_as(&world, &point, "aurora-billing").await;
    world.advance("PT1H").await;
    let instance = "arn:aws:rds:us-east-1:123456789012:db:aurora-billing";
    let get = async |resource: &str| {
        let request = GetResourceRequest { resource: resource.into(), ..Default::default() };
        world.resources().get_resource(request).await
    };
    let ambiguous = get("aurora-billing").await.unwrap_err();
    assert_eq!(reason(&ambiguous), (Code::FailedPrecondition, "NAME_AMBIGUOUS".into()));
    assert!(ambiguous.message().contains(&format!("give {instance} or {CLUSTER}")), "{}", ambiguous.message());
    for arn in [instance, CLUSTER] {
        assert_eq!(get(arn).await.unwrap().into_inner().resource.unwrap().arn, arn);
    }
    let tags = ListTagsRequest { resource: "aurora-billing".into(), ..Default::default() };
    let ambiguous = world.resources().list_tags(tags).await.unwrap_err();
    assert_eq!(reason(&ambiguous).1, "NAME_AMBIGUOUS");
}

#[tokio::test]
async fn a_look_up_that_fails_is_not_taken_for_absence() {
    let world = World::start().await;
    let get = async |resource: &str| {
        let request = GetResourceRequest { resource: resource.into(), ..Default::default() };
        world.resources().get_resource(request).await
    };
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"service": "rds", "operation": "DescribeDBClusters", "rate": 1.0, "effect": denied})).await;
    for identifier in ["rdspg-fcj-labs", "nowhere"] {
        let unknown = get(identifier).await.unwrap_err();
        assert_eq!(reason(&unknown), (Code::PermissionDenied, "AWS_ACCESS_DENIED".into()), "{identifier}");
    }
    assert!(get(LABS).await.is_ok(), "the ARN says what it is");
}

#[tokio::test]
async fn tags_are_shown_as_they_would_be() {
    let world = World::start().await;
    let mut resources = world.resources();
    let tags = |count: usize| (0..count).map(|number| (format!("key-{number}"), "value".to_owned())).collect();
    let request = |count, validate_only| TagResourceRequest {
        resource: "rdspg-fcj-labs".into(),
        tags: tags(count),
        validate_only,
        ..Default::default()
    };
    let now = ListTagsRequest { resource: "rdspg-fcj-labs".into(), ..Default::default() };
    let before = resources.list_tags(now.clone()).await.unwrap().into_inner().tags;
    let shown = resources.tag_resource(request(2, true)).await.unwrap().into_inner();
    assert_eq!(resources.list_tags(now.clone()).await.unwrap().into_inner().tags, before, "nothing was done");
    let done = resources.tag_resource(request(2, false)).await.unwrap().into_inner();
    assert_eq!(shown.tags, done.tags);
    assert!(!done.request_id.is_empty() && done.tags.len() == before.len() + 2, "{done:?}");

    let untag = |validate_only| UntagResourceRequest {
        resource: "rdspg-fcj-labs".into(),
        tag_keys: vec!["key-0".into(), "not-there".into()],
        validate_only,
        ..Default::default()
    };
    let shown = resources.untag_resource(untag(true)).await.unwrap().into_inner();
    assert_eq!(resources.list_tags(now).await.unwrap().into_inner().tags, done.tags, "nothing was done");
    assert_eq!(resources.untag_resource(untag(false)).await.unwrap().into_inner().tags, shown.tags);

    let full = TagResourceRequest { tags: tags(50 - before.len()), ..request(0, false) };
    resources.tag_resource(full).await.unwrap();
    for validate_only in [true, false] {
        let tags = [("one-more".to_owned(), String::new())].into();
        let more = TagResourceRequest { tags, ..request(0, validate_only) };
        let refused = resources.tag_resource(more).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::InvalidArgument, "INVALID_REQUEST".into()));
        assert!(refused.message().contains("50"), "{}", refused.message());
    }
}

#[tokio::test]
async fn tags_go_to_the_service_that_the_arn_names() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let vault = vaults.create_vault(CreateVaultRequest { name: "prod".into(), ..Default::default() }).await.unwrap();
    let vault = vault.into_inner().vault.unwrap().arn;
    let mut resources = world.resources();
    for arn in [LABS, vault.as_str()] {
        let tags: BTreeMap<_, _> =
            [("Environment", "production"), ("ResourceType", "rdspg-fcj")].map(|(k, v)| (k.into(), v.into())).into();
        let tag = TagResourceRequest { resource: arn.into(), tags: tags.clone(), ..Default::default() };
        let tagged = resources.tag_resource(tag).await.unwrap().into_inner();
        assert_eq!(tagged.tags, tags, "{arn}");
        let keys = vec!["ResourceType".to_owned(), "not-there".to_owned()];
        let untag = UntagResourceRequest { resource: arn.into(), tag_keys: keys, ..Default::default() };
        let left = resources.untag_resource(untag).await.unwrap().into_inner();
        let listed = resources.list_tags(ListTagsRequest { resource: arn.into(), ..Default::default() }).await.unwrap();
        assert_eq!(left.tags, listed.into_inner().tags);
        assert_eq!(left.tags.keys().collect::<Vec<_>>(), ["Environment"]);
    }
}

#[tokio::test]
async fn tagging_nothing_or_badly_or_what_is_not_there_is_told() {
    let world = World::start().await;
    let mut resources = world.resources();
    let empty = TagResourceRequest { resource: "a_b".into(), ..Default::default() };
    assert_eq!(told(&resources.tag_resource(empty).await.unwrap_err()).fields, ["resource", "tags"]);
    let keys = UntagResourceRequest {
        resource: LABS.into(),
        tag_keys: vec![String::new(), "aws:x".into()],
        ..Default::default()
    };
    assert_eq!(told(&resources.untag_resource(keys).await.unwrap_err()).fields, ["tag_keys[0]", "tag_keys[1]"]);
    let missing = ListTagsRequest { resource: LABS.replace("labs", "nowhere"), ..Default::default() };
    let missing = resources.list_tags(missing).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
}

#[tokio::test]
async fn nothing_is_protected_before_the_first_backup() {
    let world = World::start().await;
    let mut resources = world.resources();
    let none = resources.list_protected_resources(ListProtectedResourcesRequest::default()).await.unwrap().into_inner();
    assert!(none.resources.is_empty() && none.next_page_token.is_empty());
    let missing = ListProtectedResourcesRequest { vault: "nowhere".into(), ..Default::default() };
    let missing = resources.list_protected_resources(missing).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
}
