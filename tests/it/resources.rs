//! ResourceService over the wire.

use std::collections::BTreeMap;

use strongroom::proto::{
    CreateVaultRequest, GetResourceRequest, ListProtectedResourcesRequest, ListResourcesRequest, ListTagsRequest,
    ResourceKind, TagResourceRequest, UntagResourceRequest,
};
use tonic::Code;

use crate::harness::{LABS, World, reason, told};

#[tokio::test]
async fn databases_are_listed_whatever_the_page_size() {
    let world = World::start().await;
    let mut resources = world.resources();
    let all = resources.list_resources(ListResourcesRequest::default()).await.unwrap().into_inner();
    assert_eq!(all.next_page_token, "");
    let arns = |resources: &[strongroom::proto::Resource]| resources.iter().map(|r| r.arn.clone()).collect::<Vec<_>>();
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
    assert!(!postgres.is_empty() && postgres.iter().all(|found| found.engine == "postgres"), "{postgres:?}");
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
    assert_eq!((by_arn.resource_type.as_str(), by_arn.status.as_str()), ("RDS", "available"));
    let missing = get("arn:aws:rds:us-east-1:123456789012:db:nowhere").await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    let missing = get("arn:aws:rds:us-east-1:123456789012:cluster:nowhere").await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
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
        let tag = TagResourceRequest { resource_arn: arn.into(), tags: tags.clone(), ..Default::default() };
        let tagged = resources.tag_resource(tag).await.unwrap().into_inner();
        assert_eq!(tagged.tags, tags, "{arn}");
        let keys = vec!["ResourceType".to_owned(), "not-there".to_owned()];
        let untag = UntagResourceRequest { resource_arn: arn.into(), tag_keys: keys, ..Default::default() };
        let left = resources.untag_resource(untag).await.unwrap().into_inner();
        let listed =
            resources.list_tags(ListTagsRequest { resource_arn: arn.into(), ..Default::default() }).await.unwrap();
        assert_eq!(left.tags, listed.into_inner().tags);
        assert_eq!(left.tags.keys().collect::<Vec<_>>(), ["Environment"]);
    }
}

#[tokio::test]
async fn tagging_nothing_or_badly_or_what_is_not_there_is_told() {
    let world = World::start().await;
    let mut resources = world.resources();
    let empty = TagResourceRequest { resource_arn: "db".into(), ..Default::default() };
    assert_eq!(told(&resources.tag_resource(empty).await.unwrap_err()).fields, ["resource_arn", "tags"]);
    let keys = UntagResourceRequest {
        resource_arn: LABS.into(),
        tag_keys: vec![String::new(), "aws:x".into()],
        ..Default::default()
    };
    assert_eq!(told(&resources.untag_resource(keys).await.unwrap_err()).fields, ["tag_keys[0]", "tag_keys[1]"]);
    let missing = ListTagsRequest { resource_arn: LABS.replace("labs", "nowhere"), ..Default::default() };
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
