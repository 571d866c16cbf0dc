//! PlanService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{
        plans as convert,
        schedules::{self, PreviewOf},
        selections, timestamp,
    },
};
use crate::{
    aws::{Aws, Kind},
    domain::Rule,
    proto::{self, plan_service_server::PlanService},
};

#[derive(Debug)]
pub(super) struct Plans {
    pub(super) aws: Aws,
    pub(super) calls: Calls,
}

#[async_trait]
impl PlanService for Plans {
    async fn create_plan(
        &self,
        request: Request<proto::CreatePlanRequest>,
    ) -> Result<Response<proto::CreatePlanResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, new, validate_only) = convert::create(request)?;
            let rules = new.content().rules;
            let plan = if validate_only {
                let scope = aws.check_new_plan(&scope, &new).await?;
                convert::planned(new, scope)
            } else {
                aws.create_plan(&scope, &new).await?.into()
            };
            let warnings = Rule::warnings(&rules, aws.now());
            Ok(proto::CreatePlanResponse { plan: Some(plan), warnings: warnings.into_iter().map(Into::into).collect() })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn get_plan(
        &self,
        request: Request<proto::GetPlanRequest>,
    ) -> Result<Response<proto::GetPlanResponse>, Status> {
        let work = |request| async {
            let (scope, plan, etag) = convert::get(request)?;
            let plan = self.aws.get_plan(&scope, &plan, etag.as_deref()).await?;
            Ok(proto::GetPlanResponse { plan: Some(plan.into()) })
        };
        self.calls.read(request, work).await
    }

    async fn list_plans(
        &self,
        request: Request<proto::ListPlansRequest>,
    ) -> Result<Response<proto::ListPlansResponse>, Status> {
        let work = |request| async {
            let (scope, page, query, show_deleted) = convert::list(request)?;
            let plans = self.aws.list_plans(&scope, &page, show_deleted).await?;
            Ok(proto::ListPlansResponse {
                next_page_token: plans.next.map(|cursor| query.token(&cursor)).unwrap_or_default(),
                plans: plans.items.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.read(request, work).await
    }

    async fn update_plan(
        &self,
        request: Request<proto::UpdatePlanRequest>,
    ) -> Result<Response<proto::UpdatePlanResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, update) = convert::update(request)?;
            let (plan, before) = aws.update_plan(&scope, &update).await?;
            let mut warnings = Rule::warnings(&plan.content.rules, aws.now());
            warnings.extend(Rule::change_warnings(&before.rules, &plan.content.rules));
            warnings.extend(aws.window_warnings(&scope, &plan.id, &plan.content.rules).await);
            Ok(proto::UpdatePlanResponse {
                plan: Some(plan.into()),
                warnings: warnings.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn delete_plan(
        &self,
        request: Request<proto::DeletePlanRequest>,
    ) -> Result<Response<proto::DeletePlanResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, plan, allow_missing) = convert::delete(request)?;
            let deleted = match aws.delete_plan(&scope, &plan).await {
                Err(error) if allow_missing && error.kind == Kind::NotFound => None,
                deleted => deleted?,
            };
            Ok(proto::DeletePlanResponse { delete_time: deleted.map(timestamp) })
        };
        self.calls.change(request, work).await
    }

    async fn list_plan_versions(
        &self,
        request: Request<proto::ListPlanVersionsRequest>,
    ) -> Result<Response<proto::ListPlanVersionsResponse>, Status> {
        let work = |request| async {
            let (scope, plan, page, query) = convert::versions(request)?;
            let versions = self.aws.list_plan_versions(&scope, &plan, &page).await?;
            Ok(proto::ListPlanVersionsResponse {
                next_page_token: versions.next.map(|cursor| query.token(&cursor)).unwrap_or_default(),
                versions: versions.items.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.read(request, work).await
    }

    async fn preview_schedule(
        &self,
        request: Request<proto::PreviewScheduleRequest>,
    ) -> Result<Response<proto::PreviewScheduleResponse>, Status> {
        let work = |request| async {
            let (scope, preview) = schedules::preview(request)?;
            let (rules, of_plan) = match preview.of {
                PreviewOf::Plan(plan) => {
                    let plan = self.aws.running_plan(&scope, &plan).await?;
                    let warnings = self.aws.window_warnings(&scope, &plan.id, &plan.content.rules).await;
                    (plan.content.rules, warnings)
                }
                PreviewOf::Rules(rules) => {
                    self.aws.ask_time(&scope).await?;
                    (rules, Vec::new())
                }
            };
            let now = self.aws.now();
            let mut warnings = Rule::warnings(&rules, now);
            warnings.extend(of_plan);
            Ok(schedules::previewed(Rule::preview(&rules, preview.start.unwrap_or(now), preview.runs), warnings))
        };
        self.calls.read(request, work).await
    }

    async fn create_selection(
        &self,
        request: Request<proto::CreateSelectionRequest>,
    ) -> Result<Response<proto::CreateSelectionResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, new, validate_only) = selections::create(request)?;
            let change = async {
                if validate_only {
                    aws.planned_selection(&scope, &new).await
                } else {
                    aws.create_selection(&scope, &new).await
                }
            };
            // Boxed: side by side on the stack they are too much for a thread of a debug build.
            let (selection, now) = tokio::join!(Box::pin(change), Box::pin(aws.tally(&scope, &new.criteria)));
            let selection = selection?;
            let warnings = new.criteria.warnings(&aws.scope(&scope).await?, now);
            Ok(proto::CreateSelectionResponse {
                selection: Some(selection.into()),
                warnings: warnings.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn get_selection(
        &self,
        request: Request<proto::GetSelectionRequest>,
    ) -> Result<Response<proto::GetSelectionResponse>, Status> {
        let work = |request| async {
            let (scope, plan, selection) = selections::get(request)?;
            let selection = self.aws.get_selection(&scope, &plan, &selection).await?;
            Ok(proto::GetSelectionResponse { selection: Some(selection.into()) })
        };
        self.calls.read(request, work).await
    }

    async fn list_selections(
        &self,
        request: Request<proto::ListSelectionsRequest>,
    ) -> Result<Response<proto::ListSelectionsResponse>, Status> {
        let work = |request| async {
            let (scope, plan, page, query) = selections::list(request)?;
            let selections = self.aws.list_selections(&scope, &plan, &page).await?;
            Ok(proto::ListSelectionsResponse {
                next_page_token: selections.next.map(|cursor| query.token(&cursor)).unwrap_or_default(),
                selections: selections.items.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.read(request, work).await
    }

    async fn delete_selection(
        &self,
        request: Request<proto::DeleteSelectionRequest>,
    ) -> Result<Response<proto::DeleteSelectionResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, plan, selection, allow_missing) = selections::delete(request)?;
            match aws.delete_selection(&scope, &plan, &selection).await {
                Err(error) if allow_missing && error.kind == Kind::NotFound => {}
                deleted => deleted?,
            }
            Ok(proto::DeleteSelectionResponse {})
        };
        self.calls.change(request, work).await
    }

    async fn replace_selection(
        &self,
        request: Request<proto::ReplaceSelectionRequest>,
    ) -> Result<Response<proto::ReplaceSelectionResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, replace, validate_only) = selections::replace(request)?;
            let change = async {
                if validate_only {
                    aws.planned_replacement(&scope, &replace).await
                } else {
                    Box::pin(aws.replace_selection(&scope, &replace)).await
                }
            };
            // Boxed, as above.
            let (replaced, now) = tokio::join!(Box::pin(change), Box::pin(aws.tally(&scope, &replace.criteria)));
            let replaced = replaced?;
            let warnings = replace.criteria.warnings(&aws.scope(&scope).await?, now);
            Ok(proto::ReplaceSelectionResponse {
                selection: Some(replaced.selection.into()),
                replaced_selection_id: replaced.replaced.unwrap_or_default(),
                warnings: warnings.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn preview_selection(
        &self,
        request: Request<proto::PreviewSelectionRequest>,
    ) -> Result<Response<proto::PreviewSelectionResponse>, Status> {
        let work = |request| async {
            let (scope, of, filter, page, query) = selections::preview(request)?;
            let (resources, warnings) = self.aws.preview_selection(&scope, &of, filter, &page).await?;
            Ok(proto::PreviewSelectionResponse {
                next_page_token: resources.next.map(|cursor| query.token(&cursor)).unwrap_or_default(),
                resources: resources.items.into_iter().map(Into::into).collect(),
                warnings: warnings.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.read(request, work).await
    }
}
