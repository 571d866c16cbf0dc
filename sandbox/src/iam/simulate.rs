//! SimulatePrincipalPolicy: what a role may do, before anybody does it.
//!
//! As AWS documents it: an answer has one result for each action, and within it one for each resource that was named. Resource
//! policies are not looked at, of roles AWS does not look at them either `[M]`; there are no organizations here, and so none of
//! their policies.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::conditions::{Context, Judged, judge};
use super::document::{Decision, check_identity, statements};
use super::input::{ARN, Input, TEXT, paged};
use super::{Role, State, no_such_entity};
use crate::call::{AwsError, Call};
use crate::partition;
use crate::query::{Form, Xml};
use crate::world::World;

/// Actions in one request; AWS limits the size of the request alone.
const MAX_ACTIONS: usize = 1000;

/// Judgements for one answer, so that no request holds the world for long.
const MAX_JUDGED: usize = 20_000;

/// What AWS takes and the sandbox would have to guess about.
const NOT_IMITATED: [&str; 4] = ["ResourcePolicy", "ResourceOwner", "ResourceHandlingOption", "PolicyExclusionList"];

const CONTEXT_TYPES: [&str; 12] = [
    "string",
    "stringList",
    "numeric",
    "numericList",
    "boolean",
    "booleanList",
    "ip",
    "ipList",
    "binary",
    "binaryList",
    "date",
    "dateList",
];

pub(super) fn simulate_principal(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let source = input.required("PolicySourceArn", 20..=2048, &ARN);
    input.optional("CallerArn", 1..=2048, &TEXT);
    let paging = input.paging();
    input.done()?;
    if let Some(member) = NOT_IMITATED.iter().find(|member| form.has_list(member)) {
        return Err(AwsError::new(
            501,
            "NotImplemented",
            format!("The sandbox does not imitate {member}: leave it out."),
        ));
    }
    let asked = Asked::of(form)?;
    let mut policies = Policies::of(call, call.iam(world), source)?;
    policies.add(form)?;
    // Numbered, because an action may be asked about twice and markers need an order.
    let actions = asked.actions.iter().enumerate().map(|(n, action)| (format!("{n:08}"), action));
    let page = paging.take(actions, |(key, _)| key.as_str())?;
    if page.items.len() * asked.resources.len() > MAX_JUDGED {
        let message = format!("The sandbox answers {MAX_JUDGED} pairs of action and resource at once: ask for fewer.");
        return Err(invalid(message));
    }
    let results: Result<Vec<Xml>, AwsError> =
        page.items.iter().map(|(_, action)| policies.result(action, &asked)).collect();
    Ok(paged(Xml::new().list("EvaluationResults", "member", results?), &page))
}

/// What is asked about.
struct Asked {
    actions: Vec<String>,
    /// `*` alone when none was named.
    resources: Vec<String>,
    context: Context,
}

impl Asked {
    fn of(form: &Form) -> Result<Self, AwsError> {
        let actions = form.strings("ActionNames");
        if actions.is_empty() || actions.len() > MAX_ACTIONS {
            return Err(invalid(format!("ActionNames must hold 1 to {MAX_ACTIONS} actions.")));
        }
        let is_action = |action: &&String| {
            action.split_once(':').is_none_or(|(service, name)| service.is_empty() || name.is_empty())
                || action.contains('*')
        };
        if let Some(bad) = actions.iter().find(is_action) {
            return Err(invalid(format!("Invalid Action: {bad} is not of the form service:Action.")));
        }
        let mut resources = form.strings("ResourceArns");
        if resources.is_empty() {
            resources.push("*".to_owned());
        }
        if let Some(bad) = resources.iter().find(|resource| *resource != "*" && !resource.starts_with("arn:")) {
            return Err(invalid(format!("Invalid Resource: {bad} is neither an ARN nor *.")));
        }
        let mut context = BTreeMap::new();
        for entry in form.items("ContextEntries") {
            let (Some(key), Some(kind)) = (entry.get("ContextKeyName"), entry.get("ContextKeyType")) else {
                return Err(invalid("A context entry needs ContextKeyName, ContextKeyValues and ContextKeyType."));
            };
            if !CONTEXT_TYPES.contains(&kind) {
                return Err(invalid(format!(
                    "Invalid ContextKeyType: {kind} is none of {}.",
                    CONTEXT_TYPES.join(", ")
                )));
            }
            let values = entry.strings("ContextKeyValues");
            if values.len() != 1 && !kind.ends_with("List") {
                return Err(invalid(format!("{key} is of type {kind}, and has {} values.", values.len())));
            }
            context.insert(key.to_lowercase(), values);
        }
        Ok(Self { actions, resources, context: Context(context) })
    }
}

/// One policy of the principal.
struct Policy {
    id: String,
    kind: &'static str,
    statements: Vec<Map<String, Value>>,
}

impl Policy {
    fn of(id: impl Into<String>, kind: &'static str, document: &str) -> Self {
        Self { id: id.into(), kind, statements: statements(document) }
    }
}

/// All that a principal is allowed, and what bounds it.
struct Policies {
    identity: Vec<Policy>,
    boundary: Option<Policy>,
}

/// What one action on one resource comes to.
struct Verdict<'p> {
    decision: Decision,
    /// The policies of the statements that decided it.
    decided_by: Vec<&'p Policy>,
    missing: BTreeSet<String>,
    within_boundary: Option<bool>,
}

impl Policies {
    fn of(call: &Call, state: &State, source: &str) -> Result<Self, AwsError> {
        let entity = partition::of_iam(source).map(|(_, entity)| entity).unwrap_or_default();
        match entity.split_once('/') {
            Some(("user", _)) if source == call.own_user() => {
                let administrator = format!("arn:{}:iam::aws:policy/AdministratorAccess", call.partition());
                Ok(Self { identity: state.managed(&administrator).into_iter().collect(), boundary: None })
            }
            Some(("role", _)) => {
                let missing = || no_such_entity(format!("The role with ARN {source} cannot be found."));
                state.role_by_arn(source).map(|role| Self::of_role(state, role)).ok_or_else(missing)
            }
            Some(("user", name)) => Err(no_such_entity(format!("The user with name {name} cannot be found."))),
            Some(("group", name)) => Err(no_such_entity(format!("The group with name {name} cannot be found."))),
            // The words are AWS's, the same for an assumed role and for the root [U].
            _ => Err(invalid(format!("Invalid Entity Arn: {source} does not clearly define entity type and name."))),
        }
    }

    fn of_role(state: &State, role: &Role) -> Self {
        let managed = role.attached.iter().filter_map(|arn| state.managed(arn));
        let inline = role
            .inline
            .iter()
            .map(|(name, document)| Policy::of(format!("role_{}_{name}", role.name), "role", document));
        // A boundary that is not there bounds all.
        let boundary = role
            .boundary
            .as_ref()
            .map(|arn| state.managed(arn).unwrap_or_else(|| Policy::of(arn.as_str(), "user-managed", "{}")));
        Self { identity: managed.chain(inline).collect(), boundary }
    }

    /// Those that the request brings along.
    fn add(&mut self, form: &Form) -> Result<(), AwsError> {
        for (number, document) in (1..).zip(form.strings("PolicyInputList")) {
            check_identity(&document).map_err(|error| invalid(error.message))?;
            self.identity.push(Policy::of(format!("PolicyInputList.{number}"), "none", &document));
        }
        let boundaries = form.strings("PermissionsBoundaryPolicyInputList");
        if boundaries.len() > 1 {
            return Err(invalid("Only one permissions boundary can be given."));
        }
        for document in boundaries {
            check_identity(&document).map_err(|error| invalid(error.message))?;
            self.boundary = Some(Policy::of("PermissionsBoundaryPolicyInputList.1", "none", &document));
        }
        Ok(())
    }

    fn verdict(&self, action: &str, resource: &str, context: &Context) -> Result<Verdict<'_>, AwsError> {
        let placed = |policies: &'_ [Policy], judged: &Judged| -> Vec<usize> {
            // By the policy of each statement, once.
            let of = policies.iter().enumerate().flat_map(|(n, policy)| policy.statements.iter().map(move |_| n));
            let of: Vec<usize> = of.collect();
            let policies: BTreeSet<usize> = judged.decided_by.iter().map(|place| of[*place]).collect();
            policies.into_iter().collect()
        };
        let all = self.identity.iter().flat_map(|policy| policy.statements.iter());
        let identity = judge(all, action, resource, context)?;
        let mut decided_by: Vec<&Policy> =
            placed(&self.identity, &identity).into_iter().map(|n| &self.identity[n]).collect();
        let mut missing = identity.missing;
        let Some(policy) = &self.boundary else {
            return Ok(Verdict { decision: identity.decision, decided_by, missing, within_boundary: None });
        };
        let bound = judge(policy.statements.iter(), action, resource, context)?;
        missing.extend(bound.missing);
        let decision = match (identity.decision, bound.decision) {
            (Decision::ExplicitDeny, _) => Decision::ExplicitDeny,
            (_, Decision::ExplicitDeny) => {
                decided_by = vec![policy];
                Decision::ExplicitDeny
            }
            (Decision::Allowed, Decision::Allowed) => Decision::Allowed,
            (Decision::Allowed | Decision::ImplicitDeny, _) => {
                decided_by.clear();
                Decision::ImplicitDeny
            }
        };
        let within_boundary = Some(bound.decision == Decision::Allowed);
        Ok(Verdict { decision, decided_by, missing, within_boundary })
    }

    /// The result of an action: that of each resource, and above them the worst.
    fn result(&self, action: &str, asked: &Asked) -> Result<Xml, AwsError> {
        let verdicts: Result<Vec<Verdict<'_>>, AwsError> =
            asked.resources.iter().map(|resource| self.verdict(action, resource, &asked.context)).collect();
        let verdicts = verdicts?;
        let worst = verdicts.iter().map(|verdict| verdict.decision).max_by_key(|decision| severity(*decision));
        let worst = worst.unwrap_or(Decision::ImplicitDeny);
        let mut deciding: BTreeMap<&str, &Policy> = BTreeMap::new();
        for verdict in verdicts.iter().filter(|verdict| verdict.decision == worst) {
            deciding.extend(verdict.decided_by.iter().map(|policy| (policy.id.as_str(), *policy)));
        }
        let whole = Verdict {
            decision: worst,
            decided_by: deciding.into_values().collect(),
            missing: verdicts.iter().flat_map(|verdict| verdict.missing.iter().cloned()).collect(),
            within_boundary: self
                .boundary
                .as_ref()
                .map(|_| verdicts.iter().all(|verdict| verdict.within_boundary == Some(true))),
        };
        let xml = Xml::new().text("EvalActionName", action).text("EvalResourceName", template(&asked.resources[0]));
        let xml = whole.told(xml, "EvalDecision");
        if asked.resources == ["*"] {
            return Ok(xml);
        }
        let each = asked.resources.iter().zip(&verdicts).map(|(resource, verdict)| {
            verdict.told(Xml::new().text("EvalResourceName", resource), "EvalResourceDecision")
        });
        Ok(xml.list("ResourceSpecificResults", "member", each))
    }
}

impl Verdict<'_> {
    /// Where in its document a statement stands is left out.
    fn told(&self, xml: Xml, decision: &str) -> Xml {
        let matched = self
            .decided_by
            .iter()
            .map(|policy| Xml::new().text("SourcePolicyId", &policy.id).text("SourcePolicyType", policy.kind));
        let xml = xml.text(decision, word(self.decision)).list("MatchedStatements", "member", matched).strings(
            "MissingContextValues",
            "member",
            &self.missing,
        );
        match self.within_boundary {
            Some(within) => {
                let detail = Xml::new().value("AllowedByPermissionsBoundary", within);
                xml.inside("PermissionsBoundaryDecisionDetail", &detail)
            }
            None => xml,
        }
    }
}

impl State {
    fn managed(&self, arn: &str) -> Option<Policy> {
        let document: Cow<'_, str> = self.policy_document(arn)?;
        let name = arn.rsplit('/').next().unwrap_or_default();
        let kind = if arn.split(':').nth(4) == Some("aws") { "aws-managed" } else { "user-managed" };
        Some(Policy::of(name, kind, &document))
    }
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "allowed",
        Decision::ExplicitDeny => "explicitDeny",
        Decision::ImplicitDeny => "implicitDeny",
    }
}

fn severity(decision: Decision) -> u8 {
    match decision {
        Decision::Allowed => 0,
        Decision::ImplicitDeny => 1,
        Decision::ExplicitDeny => 2,
    }
}

/// The form of ARNs of the resource's type, as AWS's tables of actions have it; `*` of types that stand not here.
fn template(resource: &str) -> String {
    const NAMES: [(&str, &str, &str); 12] = [
        ("backup", "backup-vault:", "${BackupVaultName}"),
        ("backup", "backup-plan:", "${BackupPlanId}"),
        ("backup", "recovery-point:", "${RecoveryPointId}"),
        ("backup", "legal-hold:", "${LegalHoldId}"),
        ("iam", "role/", "${RoleNameWithPath}"),
        ("iam", "user/", "${UserNameWithPath}"),
        ("iam", "policy/", "${PolicyNameWithPath}"),
        ("kms", "key/", "${KeyId}"),
        ("rds", "db:", "${DbInstanceName}"),
        ("rds", "cluster:", "${DbClusterInstanceName}"),
        ("rds", "snapshot:", "${SnapshotName}"),
        ("rds", "cluster-snapshot:", "${ClusterSnapshotName}"),
    ];
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let [_, _, service, region, _, rest] = parts[..] else { return "*".to_owned() };
    let named = NAMES.iter().find(|(of, prefix, _)| *of == service && rest.starts_with(prefix));
    let region = if region.is_empty() { "" } else { "${Region}" };
    named.map_or_else(
        || "*".to_owned(),
        |(_, prefix, name)| format!("arn:${{Partition}}:{service}:{region}:${{Account}}:{prefix}{name}"),
    )
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidInput", message)
}

#[cfg(test)]
mod tests;
