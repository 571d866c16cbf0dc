//! Answers that clients take: pages get shorter and say so, and nothing that is asked for gets lost.

use std::collections::BTreeSet;

use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, EnsureServiceRoleRequest, GetSelectionRequest, ListPlansRequest,
    ListVaultsRequest, Match, PlanView, Rule,
};

use crate::harness::World;

/// Resources of a selection: 500 ARNs of a quarter of a kilobyte.
fn many() -> Vec<String> {
    let table = "t".repeat(200);
    (0..500).map(|n| format!("arn:aws:dynamodb:us-east-1:123456789012:table/{table}{n:03}")).collect()
}

async fn plan(world: &World, name: &str, selections: usize) {
    let rules = vec![Rule { name: "daily".into(), vault: "prod".into(), ..Default::default() }];
    let request = CreatePlanRequest { name: name.into(), rules, ..Default::default() };
    world.plans().create_plan(request).await.unwrap();
    for number in 0..selections {
        let selection = CreateSelectionRequest {
            plan: name.into(),
            name: format!("s{number}"),
            role: "AWSBackupDefaultServiceRole".into(),
            resources: many(),
            ..Default::default()
        };
        world.plans().create_selection(selection).await.unwrap();
    }
}

#[tokio::test]
async fn a_page_that_would_be_too_large_is_shorter_and_its_token_says_that_there_is_more() {
    let world = World::start().await;
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    for name in ["a", "b", "c"] {
        plan(&world, name, 14).await;
    }
    let mut list = ListPlansRequest { view: PlanView::Full.into(), page_size: 3, ..Default::default() };
    let (mut seen, mut pages) = (BTreeSet::new(), 0);
    loop {
        // The client's own bound is gRPC's 4 MiB: an answer over it would be an error here.
        let page = world.plans().list_plans(list.clone()).await.unwrap().into_inner();
        pages += 1;
        for plan in page.plans {
            assert_eq!(plan.selections.len(), 14);
            assert!(plan.selections.iter().all(|selection| selection.resources.len() == 500), "{}", plan.name);
            seen.insert(plan.name);
        }
        list.page_token = page.next_page_token;
        if list.page_token.is_empty() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (3, 3), "{seen:?}");
}

#[tokio::test]
async fn of_a_plan_that_is_too_large_by_itself_the_selections_are_told_without_what_makes_them_so() {
    let world = World::start().await;
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    plan(&world, "a", 27).await;
    let list = ListPlansRequest { view: PlanView::Full.into(), ..Default::default() };
    let page = world.plans().list_plans(list).await.unwrap().into_inner();
    let [plan] = page.plans.as_slice() else { panic!("one plan: {}", page.plans.len()) };
    assert_eq!(plan.selections.len(), 27);
    assert!(plan.selections.iter().all(|it| it.r#match() == Match::Unspecified && it.etag.is_empty()));
    let one = GetSelectionRequest { plan: "a".into(), selection: "s0".into(), ..Default::default() };
    let one = world.plans().get_selection(one).await.unwrap().into_inner().selection.unwrap();
    assert_eq!((one.r#match(), one.resources.len()), (Match::All, 500));
}

#[tokio::test]
async fn a_page_size_over_the_largest_is_brought_down_and_none_is_negative() {
    let world = World::start().await;
    let list = |page_size| ListVaultsRequest { page_size, ..Default::default() };
    // The sandbox refuses a MaxResults over 1000, as AWS's model does: what is asked of it is no more.
    assert!(world.vaults().list_vaults(list(i32::MAX)).await.is_ok());
    let refused = world.vaults().list_vaults(list(-1)).await.unwrap_err();
    assert_eq!(crate::harness::told(&refused).fields, ["page_size"]);
}
