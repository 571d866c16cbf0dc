//! PlanService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{
        findings, plans as convert,
        schedules::{self, PreviewOf},
        selections, timestamp,
    },
    page_token::ListOf,
};
use crate::{
    aws::Scoped,
    domain::{self, Asked, DeletePlan, DeleteSelection, Finding, PlanFilter, PlanRef, Rule, TouchedThing},
    proto::{self, plan_service_server::PlanService},
};

#[derive(Debug)]
pub(super) struct Plans(pub(super) Calls);

/// What was found about a part of the request, by the paths that its fields have there.
fn under(at: &str, mut found: Vec<Finding>) -> Vec<Finding> {
    for finding in found.iter_mut().filter(|finding| !finding.field.is_empty()) {
        finding.field.insert_str(0, at);
    }
    found
}

#[async_trait]
impl PlanService for Plans {
    async fn create_plan(
        &self,
        request: Request<proto::CreatePlanRequest>,
    ) -> Result<Response<proto::CreatePlanResponse>, Status> {
        let touch = self.0.toucher();
        let work = |aws: Scoped, asked| async move {
            let (plan, found) = aws.create_plan(&asked).await?;
            touch(&aws, TouchedThing::Plan(plan.id.clone()));
            Ok(proto::CreatePlanResponse { plan: Some(plan.into()), findings: findings(found), ..Default::default() })
        };
        self.0.change(request, convert::create, work).await
    }

    async fn get_plan(
        &self,
        request: Request<proto::GetPlanRequest>,
    ) -> Result<Response<proto::GetPlanResponse>, Status> {
        let work = |aws: Scoped, get| async move {
            let plan = aws.get_plan(&get).await?;
            let found = Rule::copies_unsaid(&plan.content.rules);
            Ok(proto::GetPlanResponse { plan: Some(plan.into()), findings: findings(found) })
        };
        self.0.read(request, convert::get, work).await
    }

    async fn list_plans(
        &self,
        request: Request<proto::ListPlansRequest>,
    ) -> Result<Response<proto::ListPlansResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<PlanFilter>| async move {
            let page = async |page| {
                let found = aws.list_plans(&list.filter, &page).await?;
                Ok(proto::ListPlansResponse {
                    next_page_token: list.paged.token(found.next.as_ref()),
                    plans: found.items.into_iter().map(Into::into).collect(),
                })
            };
            list.paged.answer(page).await.map(convert::fitting)
        };
        self.0.read(request, convert::list, work).await
    }

    async fn update_plan(
        &self,
        request: Request<proto::UpdatePlanRequest>,
    ) -> Result<Response<proto::UpdatePlanResponse>, Status> {
        let touch = self.0.toucher();
        let work = |aws: Scoped, asked| async move {
            let (plan, found) = aws.update_plan(&asked).await?;
            touch(&aws, TouchedThing::Plan(plan.id.clone()));
            Ok(proto::UpdatePlanResponse { plan: Some(plan.into()), findings: findings(found), ..Default::default() })
        };
        self.0.change(request, convert::update, work).await
    }

    async fn delete_plan(
        &self,
        request: Request<proto::DeletePlanRequest>,
    ) -> Result<Response<proto::DeletePlanResponse>, Status> {
        let touch = self.0.toucher();
        let work = |aws: Scoped, asked: Asked<DeletePlan>| async move {
            let deleted = aws.delete_plan(&asked).await?;
            touch(&aws, TouchedThing::Plan(asked.what.plan.word().to_owned()));
            Ok(deleted.into())
        };
        self.0.change(request, convert::delete, work).await
    }

    async fn list_plan_versions(
        &self,
        request: Request<proto::ListPlanVersionsRequest>,
    ) -> Result<Response<proto::ListPlanVersionsResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<PlanRef>| async move {
            let page = async |page| {
                let found = aws.list_plan_versions(&list.filter, &page).await?;
                Ok(proto::ListPlanVersionsResponse {
                    next_page_token: list.paged.token(found.next.as_ref()),
                    versions: found.items.into_iter().map(Into::into).collect(),
                })
            };
            list.paged.answer(page).await
        };
        self.0.read(request, convert::versions, work).await
    }

    async fn preview_schedule(
        &self,
        request: Request<proto::PreviewScheduleRequest>,
    ) -> Result<Response<proto::PreviewScheduleResponse>, Status> {
        let work = |aws: Scoped, preview: schedules::Preview| async move {
            let (rules, of_plan, at) = match &preview.of {
                PreviewOf::Plan(plan) => {
                    let (rules, found) = aws.rules_running(plan).await?;
                    (rules, found, "")
                }
                PreviewOf::Rules(rules) => (rules.clone(), aws.findings_of_unsaved(rules).await?, "unsaved."),
            };
            let now = aws.now();
            let found = under(at, [Rule::findings(&rules, now), of_plan].concat());
            let runs = Rule::preview(&rules, preview.after(now), preview.runs);
            Ok(schedules::previewed(runs, found, now))
        };
        self.0.read(request, schedules::preview, work).await
    }

    async fn create_selection(
        &self,
        request: Request<proto::CreateSelectionRequest>,
    ) -> Result<Response<proto::CreateSelectionResponse>, Status> {
        let touch = self.0.toucher();
        let work = |aws: Scoped, asked| async move {
            let (selection, found) = aws.create_selection(&asked).await?;
            touch(&aws, TouchedThing::Plan(selection.plan_id.clone()));
            let selection = Some(selection.into());
            Ok(proto::CreateSelectionResponse { selection, findings: findings(found), ..Default::default() })
        };
        self.0.change(request, selections::create, work).await
    }

    async fn get_selection(
        &self,
        request: Request<proto::GetSelectionRequest>,
    ) -> Result<Response<proto::GetSelectionResponse>, Status> {
        let work = |aws: Scoped, saved| async move {
            let selection = aws.get_selection(&saved).await?;
            Ok(proto::GetSelectionResponse { selection: Some(selection.into()) })
        };
        self.0.read(request, selections::get, work).await
    }

    async fn list_selections(
        &self,
        request: Request<proto::ListSelectionsRequest>,
    ) -> Result<Response<proto::ListSelectionsResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<PlanRef>| async move {
            let page = async |page| {
                let found = aws.list_selections(&list.filter, &page).await?;
                Ok(proto::ListSelectionsResponse {
                    next_page_token: list.paged.token(found.next.as_ref()),
                    selections: found.items.into_iter().map(Into::into).collect(),
                })
            };
            list.paged.answer(page).await
        };
        self.0.read(request, selections::list, work).await
    }

    async fn delete_selection(
        &self,
        request: Request<proto::DeleteSelectionRequest>,
    ) -> Result<Response<proto::DeleteSelectionResponse>, Status> {
        let touch = self.0.toucher();
        let work = |aws: Scoped, asked: Asked<DeleteSelection>| async move {
            let deleted = aws.delete_selection(&asked).await?;
            touch(&aws, TouchedThing::Plan(asked.what.selection.plan.word().to_owned()));
            Ok(deleted.into())
        };
        self.0.change(request, selections::delete, work).await
    }

    async fn replace_selection(
        &self,
        request: Request<proto::ReplaceSelectionRequest>,
    ) -> Result<Response<proto::ReplaceSelectionResponse>, Status> {
        let touch = self.0.toucher();
        let work = |aws: Scoped, asked| async move {
            let (replaced, found) = aws.replace_selection(&asked).await?;
            touch(&aws, TouchedThing::Plan(replaced.selection.plan_id.clone()));
            Ok(proto::ReplaceSelectionResponse {
                selection: Some(replaced.selection.into()),
                replaced_selection_id: replaced.replaced.unwrap_or_default(),
                findings: findings(found),
                ..Default::default()
            })
        };
        self.0.change(request, selections::replace, work).await
    }

    async fn preview_selection(
        &self,
        request: Request<proto::PreviewSelectionRequest>,
    ) -> Result<Response<proto::PreviewSelectionResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<selections::Preview>| async move {
            let selections::Preview { of, filter } = &list.filter;
            let page = async |page| {
                let (resources, found) = aws.preview_selection(of, *filter, &page).await?;
                let found = match of {
                    domain::PreviewOf::Saved(_) => found,
                    domain::PreviewOf::Unsaved(_) => under("criteria.", found),
                };
                Ok(proto::PreviewSelectionResponse {
                    next_page_token: list.paged.token(resources.next.as_ref()),
                    resources: resources.items.into_iter().map(Into::into).collect(),
                    findings: findings(found),
                    as_of: Some(timestamp(aws.now())),
                })
            };
            list.paged.answer(page).await
        };
        self.0.read(request, selections::preview, work).await
    }
}
