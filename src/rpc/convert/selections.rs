//! Selections of plans.

use super::{reader::Reader, timestamp};
use crate::{
    domain::{
        AskedScope, Criteria, Invalid, Match, Mismatch, NewSelection, Noted, Operator, PageRequest, PlanRef,
        PreviewFilter, PreviewOf, PreviewedResource, ReplaceSelection, ResourcePattern, Selection, SelectionName,
        SelectionRef, TagCondition, check_condition_count,
    },
    proto,
    rpc::page_token::Query,
};

pub(in crate::rpc) fn create(
    request: proto::CreateSelectionRequest,
) -> Result<(AskedScope, NewSelection, bool), Invalid> {
    let proto::CreateSelectionRequest {
        scope,
        plan,
        name,
        role,
        r#match,
        conditions,
        resources,
        excluded_resources,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::new(scope);
    let plan = read.plan("plan", &plan);
    let name = read.note("name", SelectionName::parse(&name));
    let role = read.role("role", &role);
    let criteria = read.criteria(r#match, conditions, &resources, &excluded_resources);
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        let new = NewSelection { plan: plan?, name: name?, role: role?, criteria: criteria?, request_id: request_id? };
        Ok((scope, new, validate_only))
    })
}

pub(in crate::rpc) fn get(request: proto::GetSelectionRequest) -> Result<(AskedScope, PlanRef, SelectionRef), Invalid> {
    let proto::GetSelectionRequest { scope, plan, selection } = request;
    let mut read = Reader::new(scope);
    let plan = read.plan("plan", &plan);
    let selection = read.note("selection", SelectionRef::parse(&selection));
    read.conclude(|scope| Ok((scope, plan?, selection?)))
}

pub(in crate::rpc) fn list(
    mut request: proto::ListSelectionsRequest,
) -> Result<(AskedScope, PlanRef, PageRequest, Query), Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let plan = read.plan("plan", &request.plan);
    let page = read.page("ListSelections", &request, size, &token);
    read.conclude(|scope| {
        let (page, query) = page?;
        Ok((scope, plan?, page, query))
    })
}

pub(in crate::rpc) fn delete(
    request: proto::DeleteSelectionRequest,
) -> Result<(AskedScope, PlanRef, SelectionRef, bool), Invalid> {
    let proto::DeleteSelectionRequest { scope, plan, selection, request_id, allow_missing } = request;
    let mut read = Reader::new(scope);
    let plan = read.plan("plan", &plan);
    let selection = read.note("selection", SelectionRef::parse(&selection));
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, plan?, selection?, allow_missing))
    })
}

pub(in crate::rpc) fn replace(
    request: proto::ReplaceSelectionRequest,
) -> Result<(AskedScope, ReplaceSelection, bool), Invalid> {
    let proto::ReplaceSelectionRequest {
        scope,
        plan,
        selection,
        role,
        r#match,
        conditions,
        resources,
        excluded_resources,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::new(scope);
    let plan = read.plan("plan", &plan);
    let selection = read.note("selection", SelectionRef::parse(&selection));
    let role = if role.is_empty() { Ok(None) } else { read.role("role", &role).map(Some) };
    let criteria = read.criteria(r#match, conditions, &resources, &excluded_resources);
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        let (plan, selection, role) = (plan?, selection?, role?);
        let replace = ReplaceSelection { plan, selection, role, criteria: criteria?, request_id: request_id? };
        Ok((scope, replace, validate_only))
    })
}

/// A saved selection, or criteria that are not saved.
pub(in crate::rpc) fn preview(
    mut request: proto::PreviewSelectionRequest,
) -> Result<(AskedScope, PreviewOf, PreviewFilter, PageRequest, Query), Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let page = read.page("PreviewSelection", &request, size, &token);
    let proto::PreviewSelectionRequest {
        scope: _,
        plan,
        selection,
        r#match,
        conditions,
        resources,
        excluded_resources,
        filter,
        page_size: _,
        page_token: _,
    } = request;
    let saved = !(plan.is_empty() && selection.is_empty());
    let criteria = [
        ("match", r#match != 0),
        ("conditions", !conditions.is_empty()),
        ("resources", !resources.is_empty()),
        ("excluded_resources", !excluded_resources.is_empty()),
    ];
    let of = if saved {
        let plan = read.plan("plan", &plan);
        let selection = read.note("selection", SelectionRef::parse(&selection));
        for (field, _) in criteria.into_iter().filter(|(_, given)| *given) {
            read.fault(field, "is for a preview of criteria that are not saved: leave it blank, or plan and selection");
        }
        plan.and_then(|plan| Ok(PreviewOf::Saved(plan, selection?)))
    } else {
        read.criteria(r#match, conditions, &resources, &excluded_resources).map(PreviewOf::Unsaved)
    };
    let filter = match proto::PreviewFilter::try_from(filter) {
        Ok(proto::PreviewFilter::Unspecified) => Ok(PreviewFilter::All),
        Ok(proto::PreviewFilter::Selected) => Ok(PreviewFilter::Selected),
        Ok(proto::PreviewFilter::NotSelected) => Ok(PreviewFilter::NotSelected),
        Err(_) => Err(read.fault(
            "filter",
            format!(
                "{filter} is not a PreviewFilter: give PREVIEW_FILTER_SELECTED or _NOT_SELECTED, or leave it blank"
            ),
        )),
    };
    read.conclude(|scope| {
        let (page, query) = page?;
        Ok((scope, of?, filter?, page, query))
    })
}

impl Reader {
    fn criteria(
        &mut self,
        matching: i32,
        conditions: Vec<proto::TagCondition>,
        resources: &[String],
        excluded: &[String],
    ) -> Result<Criteria, Noted> {
        let matching = match proto::Match::try_from(matching) {
            Ok(proto::Match::Unspecified | proto::Match::All) => Ok(Match::All),
            Ok(proto::Match::Any) => Ok(Match::Any),
            Err(_) => Err(self.fault("match", format!("{matching} is not a Match: give MATCH_ALL or MATCH_ANY"))),
        };
        let conditions = self.conditions("conditions", conditions);
        let resources = self.patterns("resources", resources);
        let excluded = self.patterns("excluded_resources", excluded);
        let (matching, conditions, resources, excluded) = (matching?, conditions?, resources?, excluded?);
        let criteria = Criteria { matching, conditions, resources, excluded, any_conditions: Vec::new() };
        self.note_all("", criteria.check())
    }

    fn conditions(&mut self, field: &str, conditions: Vec<proto::TagCondition>) -> Result<Vec<TagCondition>, Noted> {
        self.note(field, check_condition_count(conditions.len()))?;
        let conditions: Vec<_> = conditions
            .into_iter()
            .enumerate()
            .map(|(index, condition)| self.condition(&format!("{field}[{index}]"), condition))
            .collect();
        conditions.into_iter().collect()
    }

    fn condition(&mut self, field: &str, condition: proto::TagCondition) -> Result<TagCondition, Noted> {
        let proto::TagCondition { key, operator, value } = condition;
        let key = self.note(&format!("{field}.key"), TagCondition::parse_key(&key));
        let operator = match proto::Operator::try_from(operator) {
            Ok(proto::Operator::Unspecified | proto::Operator::Equals) => Ok(Operator::Equals),
            Ok(proto::Operator::NotEquals) => Ok(Operator::NotEquals),
            Ok(proto::Operator::Like) => Ok(Operator::Like),
            Ok(proto::Operator::NotLike) => Ok(Operator::NotLike),
            Err(_) => Err(self.fault(
                &format!("{field}.operator"),
                format!("{operator} is not an Operator: give OPERATOR_EQUALS, _NOT_EQUALS, _LIKE or _NOT_LIKE"),
            )),
        };
        let value = self.note(&format!("{field}.value"), TagCondition::parse_value(&value));
        Ok(TagCondition { key: key?, operator: operator?, value: value? })
    }

    fn patterns(&mut self, field: &str, patterns: &[String]) -> Result<Vec<String>, Noted> {
        self.note(field, ResourcePattern::check_count(patterns))?;
        let patterns: Vec<_> = patterns
            .iter()
            .enumerate()
            .map(|(index, pattern)| self.note(&format!("{field}[{index}]"), ResourcePattern::parse(pattern)))
            .collect();
        patterns.into_iter().collect()
    }
}

impl From<Selection> for proto::Selection {
    fn from(selection: Selection) -> Self {
        let conditions = |conditions: Vec<TagCondition>| conditions.into_iter().map(Into::into).collect();
        let criteria = selection.criteria;
        let matching = criteria.as_ref().map_or(proto::Match::Unspecified, |criteria| match criteria.matching {
            Match::All => proto::Match::All,
            Match::Any => proto::Match::Any,
        });
        let criteria = criteria.unwrap_or_default();
        Self {
            id: selection.id,
            name: selection.name,
            plan_id: selection.plan_id,
            plan_arn: selection.plan_arn,
            role_arn: selection.role_arn,
            r#match: matching.into(),
            conditions: conditions(criteria.conditions),
            resources: criteria.resources,
            excluded_resources: criteria.excluded,
            any_conditions: conditions(criteria.any_conditions),
            create_time: selection.created_at.map(timestamp),
            request_id: selection.request_id,
        }
    }
}

impl From<TagCondition> for proto::TagCondition {
    fn from(condition: TagCondition) -> Self {
        let operator = match condition.operator {
            Operator::Equals => proto::Operator::Equals,
            Operator::NotEquals => proto::Operator::NotEquals,
            Operator::Like => proto::Operator::Like,
            Operator::NotLike => proto::Operator::NotLike,
        };
        Self { key: condition.key, operator: operator.into(), value: condition.value }
    }
}

impl From<PreviewedResource> for proto::PreviewedResource {
    fn from(resource: PreviewedResource) -> Self {
        Self {
            selected: resource.verdict.selected(),
            arn: resource.arn,
            resource_type: resource.resource_type.unwrap_or_default(),
            name: resource.name,
            mismatches: resource.verdict.mismatches.into_iter().map(Into::into).collect(),
            tags: resource.tags,
            selected_by: resource.verdict.selected_by.unwrap_or_default(),
        }
    }
}

impl From<Mismatch> for proto::Mismatch {
    fn from(mismatch: Mismatch) -> Self {
        Self { code: mismatch.kind.code().to_owned(), message: mismatch.message, field: mismatch.field }
    }
}
