//! What is named: as long as AWS takes it, by names that look like ids, and by ids of every form that AWS makes.

use serde_json::{Value, json};
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, DeletePlanRequest, DeleteSelectionRequest, ExplainProtectionRequest,
    GetPlanRequest, GetSelectionRequest, ListPlanVersionsRequest, ListPlansRequest, ListRecoveryPointsRequest,
    ListSelectionsRequest, PlanView, PreviewScheduleRequest, PreviewSelectionRequest, ReplaceSelectionRequest, Rule,
    SavedSelection, TagResourceRequest, UntagResourceRequest, UpdatePlanRequest, preview_schedule_request::Of,
    preview_selection_request::Of as OfSelection,
};
use tonic::Code;

use crate::{
    grammar::{criteria, found, plan, rule, selection, world},
    harness::{ACCOUNT, LABS, World, reason, told},
};

#[tokio::test]
async fn names_are_as_long_as_aws_takes_them() {
    let world = world().await;
    for (length, accepted) in [(1, true), (50, true), (51, true), (200, true), (201, false)] {
        let name = "n".repeat(length);
        let created = world.plans().create_plan(plan(&name, rule("", ""))).await;
        assert_eq!(created.is_ok(), accepted, "{length}");
        let renamed = UpdatePlanRequest { plan: "plan".into(), name: "m".repeat(length), ..Default::default() };
        let renamed = UpdatePlanRequest { validate_only: true, ..renamed };
        assert_eq!(world.plans().update_plan(renamed).await.is_ok(), accepted, "{length}");
        let get = GetPlanRequest { plan: name, ..Default::default() };
        match world.plans().get_plan(get).await {
            Ok(_) => assert!(accepted, "{length}"),
            Err(refused) => assert_eq!(told(&refused).fields, ["plan"], "{length}"),
        }
        let new = selection("plan", &"s".repeat(length), criteria(&[LABS], &[]));
        assert_eq!(world.plans().create_selection(new).await.is_ok(), length <= 50, "{length}");
        let named = Rule { name: "r".repeat(length), ..rule("", "") };
        let named = CreatePlanRequest { validate_only: true, ..plan("new", named) };
        assert_eq!(world.plans().create_plan(named).await.is_ok(), length <= 50, "{length}");
    }
}

/// Whether each RPC that names a plan finds this one, by the id that it tells.
async fn plan_seen_by_every_read(world: &World, plan: &str, id: &str) {
    let get = GetPlanRequest { plan: plan.into(), ..Default::default() };
    assert_eq!(world.plans().get_plan(get).await.unwrap().into_inner().plan.unwrap().id, id);
    let versions = ListPlanVersionsRequest { plan: plan.into(), ..Default::default() };
    assert_eq!(world.plans().list_plan_versions(versions).await.unwrap().into_inner().versions[0].id, id);
    let preview = PreviewScheduleRequest { of: Some(Of::Plan(plan.into())), ..Default::default() };
    assert_eq!(world.plans().preview_schedule(preview).await.unwrap().into_inner().rules[0].runs.len(), 10);
    let list = ListSelectionsRequest { plan: plan.into(), ..Default::default() };
    let listed = world.plans().list_selections(list).await.unwrap().into_inner().selections;
    assert_eq!(listed.iter().map(|it| it.plan_id.as_str()).collect::<Vec<_>>(), [id]);
    let get = GetSelectionRequest { plan: plan.into(), selection: listed[0].id.clone(), ..Default::default() };
    assert_eq!(world.plans().get_selection(get).await.unwrap().into_inner().selection.unwrap().plan_id, id);
    let saved = SavedSelection { plan: plan.into(), selection: listed[0].name.clone() };
    let preview = PreviewSelectionRequest { of: Some(OfSelection::Saved(saved)), ..Default::default() };
    world.plans().preview_selection(preview).await.unwrap();
    let points = ListRecoveryPointsRequest { vault: "prod".into(), plan: plan.into(), ..Default::default() };
    world.recovery_points().list_recovery_points(points).await.unwrap();
}

#[tokio::test]
async fn a_name_that_looks_like_an_id_is_warned_of_and_found() {
    let world = world().await;
    // Upper-case: an id would be read in lower case, and a name is not.
    let name = "1C2D3E4F-0000-4000-8000-5B6A79880000";
    let made = world.plans().create_plan(plan(name, rule("", ""))).await.unwrap().into_inner();
    assert_eq!(found(&made.findings, "NAME_LOOKS_LIKE_ID"), ["name"]);
    let id = made.plan.unwrap().id;
    let renamed =
        UpdatePlanRequest { plan: "plan".into(), name: name.to_lowercase(), validate_only: true, ..Default::default() };
    let renamed = world.plans().update_plan(renamed).await.unwrap().into_inner();
    assert_eq!(found(&renamed.findings, "NAME_LOOKS_LIKE_ID"), ["name"]);
    let inner = "2c2d3e4f-0000-4000-8000-5b6a79880000";
    let new = selection(name, inner, criteria(&[LABS], &[]));
    let new = world.plans().create_selection(new).await.unwrap().into_inner();
    assert_eq!(found(&new.findings, "NAME_LOOKS_LIKE_ID"), ["name"]);
    let new = new.selection.unwrap();
    plan_seen_by_every_read(&world, name, &id).await;
    plan_seen_by_every_read(&world, &id, &id).await;
    // An id comes before a name.
    let shadow = world.plans().create_plan(plan(&id, rule("", ""))).await.unwrap().into_inner().plan.unwrap();
    assert_ne!(shadow.id, id);
    plan_seen_by_every_read(&world, &id, &id).await;

    for (asked, expected) in [(inner, new.id.as_str()), (new.id.as_str(), new.id.as_str())] {
        let get = GetSelectionRequest { plan: name.into(), selection: asked.into(), ..Default::default() };
        let got = world.plans().get_selection(get).await.unwrap().into_inner().selection.unwrap();
        assert_eq!(got.id, expected);
    }
    let replace = ReplaceSelectionRequest {
        plan: name.into(),
        selection: inner.into(),
        resources: vec!["*".into()],
        ..Default::default()
    };
    let replaced = world.plans().replace_selection(replace).await.unwrap().into_inner().selection.unwrap();
    assert_eq!(replaced.name, inner);
    let delete = DeleteSelectionRequest { plan: name.into(), selection: inner.into(), ..Default::default() };
    assert!(world.plans().delete_selection(delete).await.unwrap().into_inner().deleted);
    let update = UpdatePlanRequest { plan: name.into(), name: "sane".into(), ..Default::default() };
    assert_eq!(world.plans().update_plan(update).await.unwrap().into_inner().plan.unwrap().id, id);
    let gone = "3c2d3e4f-0000-4000-8000-5b6a79880000";
    for missing in [name, gone] {
        let delete = DeletePlanRequest { plan: missing.into(), ..Default::default() };
        let refused = world.plans().delete_plan(delete).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "PLAN_NOT_FOUND".into()));
        let get = GetSelectionRequest { plan: "plan".into(), selection: missing.into(), ..Default::default() };
        let refused = world.plans().get_selection(get).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "SELECTION_NOT_FOUND".into()));
    }
    // A throttled look for the name is not told as absence.
    world.arm(json!({"operation": "ListBackupPlans", "effect": "throttle", "next": 10})).await;
    let get = GetPlanRequest { plan: gone.into(), ..Default::default() };
    let refused = world.plans().get_plan(get).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::ResourceExhausted, "AWS_THROTTLED".into()));
}

/// Has the plan be one of an organization's policy, and answers its id.
async fn handed_to_organization(world: &World, plan_arn: &str) -> String {
    let url = format!("{}/_sandbox/organization-plans", world.sandbox());
    let answer = reqwest::Client::new().post(url).json(&json!({ "plan_arn": plan_arn })).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_plan_of_an_organization_s_policy_is_seen_everywhere_and_changed_nowhere() {
    let world = world().await;
    let made = plan("policy", rule("cron(0 5 ? * * *)", ""));
    let made = world.plans().create_plan(made).await.unwrap().into_inner().plan.unwrap();
    world.plans().create_selection(selection("policy", "labs", criteria(&[LABS], &[]))).await.unwrap();
    let id = handed_to_organization(&world, &made.arn).await;
    assert!(id.starts_with("orgs/"), "{id}");
    let arn = format!("arn:aws:backup:us-east-1:{ACCOUNT}:backup-plan:{id}");
    for spelling in [id.as_str(), arn.as_str(), "policy", &id.to_uppercase().replace("ORGS", "orgs")] {
        plan_seen_by_every_read(&world, spelling, &id).await;
    }
    let list = ListPlansRequest { view: PlanView::Full.into(), ..Default::default() };
    let listed = world.plans().list_plans(list).await.unwrap().into_inner().plans;
    let listed = listed.iter().find(|plan| plan.id == id).unwrap();
    assert_eq!((listed.arn.as_str(), listed.selections.len()), (arn.as_str(), 1));
    let explain = ExplainProtectionRequest { resource: LABS.into(), ..Default::default() };
    let explained = world.protection().explain_protection(explain).await.unwrap().into_inner();
    assert_eq!(explained.coverage.iter().map(|it| it.plan_id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
    // What it makes says by which plan.
    world.advance("PT24H").await;
    let points = ListRecoveryPointsRequest { vault: "prod".into(), plan: arn.clone(), ..Default::default() };
    let points = world.recovery_points().list_recovery_points(points).await.unwrap().into_inner().recovery_points;
    assert_eq!(points.len(), 1);

    let mut plans = world.plans();
    for validate_only in [true, false] {
        let update = UpdatePlanRequest { plan: id.clone(), name: "ours".into(), validate_only, ..Default::default() };
        let replace = ReplaceSelectionRequest {
            plan: id.clone(),
            selection: "labs".into(),
            resources: vec!["*".into()],
            validate_only,
            ..Default::default()
        };
        let create = CreateSelectionRequest { validate_only, ..selection(&id, "more", criteria(&[LABS], &[])) };
        let end =
            DeleteSelectionRequest { plan: id.clone(), selection: "labs".into(), validate_only, ..Default::default() };
        // Neither is what is not there taken for deleted.
        let gone = DeleteSelectionRequest { selection: "nothing".into(), allow_missing: true, ..end.clone() };
        let gone_by_name = DeleteSelectionRequest { plan: "policy".into(), ..gone.clone() };
        let gone_by_arn = DeleteSelectionRequest { plan: arn.clone(), selection: made.id.clone(), ..gone.clone() };
        let delete = DeletePlanRequest { plan: id.clone(), validate_only, ..Default::default() };
        let delete_any = DeletePlanRequest { allow_missing: true, etag: "old".into(), ..delete.clone() };
        let replace_none = ReplaceSelectionRequest { selection: "nothing".into(), ..replace.clone() };
        let rename = UpdatePlanRequest { etag: "old".into(), ..update.clone() };
        let tag = TagResourceRequest {
            resource: arn.clone(),
            tags: [("team".to_owned(), "ours".to_owned())].into(),
            validate_only,
            ..Default::default()
        };
        let untag = UntagResourceRequest {
            resource: arn.clone(),
            tag_keys: vec!["team".into()],
            validate_only,
            ..Default::default()
        };
        for (rpc, refused) in [
            ("DeleteSelection of nothing", plans.delete_selection(gone).await.unwrap_err()),
            ("DeleteSelection by the plan's name", plans.delete_selection(gone_by_name).await.unwrap_err()),
            ("DeleteSelection by the plan's ARN", plans.delete_selection(gone_by_arn).await.unwrap_err()),
            ("DeletePlan allow_missing", plans.delete_plan(delete_any).await.unwrap_err()),
            ("ReplaceSelection of nothing", plans.replace_selection(replace_none).await.unwrap_err()),
            ("UpdatePlan with an etag", plans.update_plan(rename).await.unwrap_err()),
            ("TagResource", world.resources().tag_resource(tag).await.unwrap_err()),
            ("UntagResource", world.resources().untag_resource(untag).await.unwrap_err()),
            ("UpdatePlan", plans.update_plan(update).await.unwrap_err()),
            ("ReplaceSelection", plans.replace_selection(replace).await.unwrap_err()),
            ("CreateSelection", plans.create_selection(create).await.unwrap_err()),
            ("DeleteSelection", plans.delete_selection(end).await.unwrap_err()),
            ("DeletePlan", plans.delete_plan(delete).await.unwrap_err()),
        ] {
            assert_eq!(refused.code(), Code::FailedPrecondition, "{rpc}: {refused}");
            assert!(refused.message().contains("backup policy of the organization"), "{rpc}: {refused}");
        }
    }
    let missing = GetPlanRequest { plan: format!("orgs/{}", "0".repeat(8) + &id[13..]), ..Default::default() };
    let refused = world.plans().get_plan(missing.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::NotFound, "PLAN_NOT_FOUND".into()));
    for validate_only in [true, false] {
        let create = selection(&missing.plan, "more", criteria(&[LABS], &[]));
        let create = CreateSelectionRequest { validate_only, ..create };
        let refused = world.plans().create_selection(create).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "PLAN_NOT_FOUND".into()));
    }
}
