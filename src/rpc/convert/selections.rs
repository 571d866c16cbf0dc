//! Selections of plans.

use super::{reader::Reader, timestamp};
use crate::{
    domain::{
        Asked, AskedScope, Bond, Criteria, DeleteSelection, Invalid, Match, Mismatch, NewSelection, Noted, Operator,
        PlanRef, PreviewFilter, PreviewOf, PreviewedResource, ReplaceSelection, ResourcePattern, SavedSelection,
        Selection, SelectionName, SelectionRef, TagCondition, check_condition_count,
    },
    proto::{self, preview_selection_request::Of},
    rpc::page_token::ListOf,
};

pub(in crate::rpc) fn create(request: proto::CreateSelectionRequest) -> Result<Asked<NewSelection>, Invalid> {
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
    let mut read = Reader::change(scope, &request_id, validate_only);
    let plan = read.plan("plan", &plan);
    let name = read.note("name", SelectionName::parse(&name));
    let role = read.role("role", &role);
    let criteria = proto::SelectionCriteria { r#match, conditions, resources, excluded_resources };
    let criteria = read.criteria("", criteria);
    read.conclude(|| Ok(NewSelection { plan: plan?, name: name?, role: role?, criteria: criteria? }))
}

pub(in crate::rpc) fn get(request: proto::GetSelectionRequest) -> Result<Asked<SavedSelection>, Invalid> {
    let proto::GetSelectionRequest { scope, plan, selection } = request;
    let mut read = Reader::new(scope);
    let saved = read.saved("", &proto::SavedSelection { plan, selection });
    read.conclude(|| saved)
}

pub(in crate::rpc) fn list(mut request: proto::ListSelectionsRequest) -> Result<Asked<ListOf<PlanRef>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let plan = read.plan("plan", &request.plan);
    let paged = read.page("ListSelections", &request, size, &token);
    read.conclude(|| Ok(ListOf { filter: plan?, paged: paged? }))
}

pub(in crate::rpc) fn delete(request: proto::DeleteSelectionRequest) -> Result<Asked<DeleteSelection>, Invalid> {
    let proto::DeleteSelectionRequest { scope, plan, selection, etag, request_id, validate_only, allow_missing } =
        request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let saved = read.saved("", &proto::SavedSelection { plan, selection });
    let etag = read.etag(etag);
    read.conclude(|| Ok(DeleteSelection { selection: saved?, etag: etag?, allow_missing }))
}

pub(in crate::rpc) fn replace(request: proto::ReplaceSelectionRequest) -> Result<Asked<ReplaceSelection>, Invalid> {
    let proto::ReplaceSelectionRequest {
        scope,
        plan,
        selection,
        role,
        r#match,
        conditions,
        resources,
        excluded_resources,
        etag,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let plan = read.plan("plan", &plan);
    let selection = read.note("selection", SelectionRef::parse(&selection));
    let role = read.optional(&role, |read, text| read.role("role", text));
    let criteria = proto::SelectionCriteria { r#match, conditions, resources, excluded_resources };
    let criteria = read.criteria("", criteria);
    let etag = read.etag(etag);
    read.conclude(|| {
        let (plan, selection, role) = (plan?, selection?, role?);
        Ok(ReplaceSelection { plan, selection, role, criteria: criteria?, etag: etag? })
    })
}

/// What PreviewSelection is asked.
#[derive(Debug)]
pub(in crate::rpc) struct Preview {
    /// Of what.
    pub(in crate::rpc) of: PreviewOf,
    /// Which resources are told of.
    pub(in crate::rpc) filter: PreviewFilter,
}

/// A saved selection, or criteria that are not saved.
pub(in crate::rpc) fn preview(mut request: proto::PreviewSelectionRequest) -> Result<Asked<ListOf<Preview>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("PreviewSelection", &request, size, &token);
    let proto::PreviewSelectionRequest { scope: _, of, filter, page_size: _, page_token: _ } = request;
    let of = match of {
        None => Err(read.fault("saved", "is required, or criteria: say what to preview")),
        Some(Of::Saved(saved)) => read.saved("saved.", &saved).map(PreviewOf::Saved),
        Some(Of::Criteria(criteria)) => read.criteria("criteria.", criteria).map(PreviewOf::Unsaved),
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
    read.conclude(|| Ok(ListOf { filter: Preview { of: of?, filter: filter? }, paged: paged? }))
}

impl Reader {
    /// A selection of a plan; `under` is what stands before its fields.
    fn saved(&mut self, under: &str, saved: &proto::SavedSelection) -> Result<SavedSelection, Noted> {
        let plan = self.plan(&format!("{under}plan"), &saved.plan);
        let selection = self.note(&format!("{under}selection"), SelectionRef::parse(&saved.selection));
        Ok(SavedSelection { plan: plan?, selection: selection? })
    }

    fn criteria(&mut self, under: &str, criteria: proto::SelectionCriteria) -> Result<Criteria, Noted> {
        let proto::SelectionCriteria { r#match: matching, conditions, resources, excluded_resources } = criteria;
        let at = |field: &str| format!("{under}{field}");
        let matching = match proto::Match::try_from(matching) {
            Ok(proto::Match::Unspecified | proto::Match::All) => Ok(Match::All),
            Ok(proto::Match::Any) => Ok(Match::Any),
            Err(_) => Err(self.fault(&at("match"), format!("{matching} is not a Match: give MATCH_ALL or MATCH_ANY"))),
        };
        let conditions = self.conditions(&at("conditions"), conditions);
        let resources = self.patterns(&at("resources"), &resources);
        let excluded = self.patterns(&at("excluded_resources"), &excluded_resources);
        let (matching, conditions, resources, excluded) = (matching?, conditions?, resources?, excluded?);
        let criteria = Criteria { matching, conditions, resources, excluded, any_conditions: Vec::new() };
        self.note_all(under, criteria.check())
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

    fn patterns(&mut self, field: &str, patterns: &[String]) -> Result<Vec<ResourcePattern>, Noted> {
        self.note(field, ResourcePattern::check_count(patterns))?;
        let patterns: Vec<_> = patterns
            .iter()
            .enumerate()
            .map(|(index, pattern)| self.pattern(&format!("{field}[{index}]"), pattern))
            .collect();
        patterns.into_iter().collect()
    }

    fn pattern(&mut self, field: &str, text: &str) -> Result<ResourcePattern, Noted> {
        let pattern = self.note(field, ResourcePattern::parse(text))?;
        self.place(field, &AskedScope { region: pattern.region(), ..AskedScope::default() }, Bond::Selected);
        Ok(pattern)
    }
}

impl From<Selection> for proto::Selection {
    fn from(selection: Selection) -> Self {
        let texts = |patterns: Vec<ResourcePattern>| patterns.iter().map(ToString::to_string).collect();
        let conditions = |conditions: Vec<TagCondition>| conditions.into_iter().map(Into::into).collect();
        let etag = selection.etag().unwrap_or_default();
        let criteria = selection.criteria;
        let matching = criteria.as_ref().map_or(proto::Match::Unspecified, |criteria| match criteria.matching {
            Match::All => proto::Match::All,
            Match::Any => proto::Match::Any,
        });
        let criteria = criteria.unwrap_or_default();
        Self {
            etag,
            id: selection.id,
            name: selection.name,
            scope: Some(selection.scope.into()),
            plan_id: selection.plan_id,
            plan_arn: selection.plan_arn,
            role_arn: selection.role_arn,
            r#match: matching.into(),
            conditions: conditions(criteria.conditions),
            resources: texts(criteria.resources),
            excluded_resources: texts(criteria.excluded),
            any_conditions: conditions(criteria.any_conditions),
            create_time: selection.created_at.map(timestamp),
            creator_request_id: selection.request_id,
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
            scope: Some(resource.scope.into()),
            selected: resource.verdict.selected(),
            arn: resource.arn,
            resource_type: resource.resource_type.map(|of_type| of_type.to_string()).unwrap_or_default(),
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
