//! Asking what a role may do, before AWS Backup asks.

use super::document::Decision;
use super::input::{ARN, Input, TEXT, paged};
use super::no_such_entity;
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

/// Actions in one request; AWS limits the size of the request alone.
const MAX_ACTIONS: usize = 1000;

/// SimulatePrincipalPolicy over a role's attached and inline policies. Permission boundaries, context keys and
/// resource policies are not looked at: see [`Decision`].
pub(super) fn simulate_principal(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let source = input.required("PolicySourceArn", 20..=2048, &ARN);
    input.optional("CallerArn", 1..=2048, &TEXT);
    let paging = input.paging();
    input.done()?;
    let actions = form.strings("ActionNames");
    let fault = |message: String| Err(AwsError::new(400, "InvalidInput", message));
    if actions.is_empty() || actions.len() > MAX_ACTIONS {
        return fault(format!("ActionNames must hold 1 to {MAX_ACTIONS} actions."));
    }
    if let Some(bad) = actions.iter().find(|action| !action.contains(':')) {
        return fault(format!("Invalid Action: {bad} is not of the form service:Action."));
    }
    let mut resources = form.strings("ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let state = call.iam(world);
    let Some(role) = state.role_by_arn(source) else {
        return Err(no_such_entity(format!("Principal {source} does not exist.")));
    };
    // Numbered, because an action may be asked about twice and markers need an order.
    let asked = actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
    let asked = asked.enumerate().map(|(n, pair)| (format!("{n:08}"), pair));
    let page = paging.take(asked, |(key, _)| key.as_str())?;
    let results = page.items.iter().map(|(_, (action, resource))| {
        let decision = match state.decide(role, action, resource) {
            Decision::Allowed => "allowed",
            Decision::ExplicitDeny => "explicitDeny",
            Decision::ImplicitDeny => "implicitDeny",
        };
        Xml::new()
            .text("EvalActionName", action)
            .text("EvalResourceName", resource)
            .text("EvalDecision", decision)
            .list("MatchedStatements", "member", [])
            .list("MissingContextValues", "member", [])
    });
    Ok(paged(Xml::new().list("EvaluationResults", "member", results), &page))
}
