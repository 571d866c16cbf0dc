//! Access policies, in Cedar: what a caller may do to which thing.
//!
//! Cedar passes over a policy that cannot be evaluated. A permit that does is no permission, which is as it should be; but a
//! forbid that does would be gone, and a permit beside it would decide. Here it is a denial, and so is a forbid that asks for
//! what is not known of a thing.

mod index;
mod load;
mod marks;
pub(in crate::rpc::access) mod schema;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::LazyLock,
};

use cedar_policy::{
    Authorizer, Context, Decision as Said, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, RestrictedExpression, Schema,
};

pub(in crate::rpc) use self::load::{Files, PolicyFault};
use self::{
    index::Index,
    schema::{ACCOUNT, GROUP, NAMESPACE, USER},
};
pub(in crate::rpc::access) use self::{load::inside, marks::Marks};
use super::{
    principal::{Authentication, Known},
    things::{Fact, NOUNS, Noun, Thing, entity_type},
};
use crate::domain::{AccountId, PlanRef, RegionName, Scope};

/// A set of policies that can be decided by.
#[derive(Debug)]
pub(in crate::rpc) struct Policies {
    index: Index,
    /// Of all files together, by which records and logs tell one set from another.
    pub(in crate::rpc) hash: String,
    /// How many policies there are.
    pub(in crate::rpc) count: usize,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rpc) enum Decision {
    /// By these policies.
    Permitted {
        /// Their ids.
        by: Vec<String>,
        /// What they say of a second person.
        marks: Marks,
    },
    /// By these policies; of none, since none permits it.
    Denied {
        /// Their ids.
        by: Vec<String>,
    },
    /// These policies would forbid it or not, and nobody can tell which.
    Broken {
        /// Their ids.
        policies: Vec<String>,
    },
}

impl Decision {
    pub(in crate::rpc) fn is_permitted(&self) -> bool {
        match self {
            Self::Permitted { .. } => true,
            Self::Denied { .. } | Self::Broken { .. } => false,
        }
    }
}

/// What a request says besides what it names, as policies read it.
pub(in crate::rpc) type Saying = serde_json::Map<String, serde_json::Value>;

impl Policies {
    /// Whether the caller may do the action to the thing.
    pub(in crate::rpc) fn decide(&self, caller: &Known, action: &str, thing: &Thing, saying: &Saying) -> Decision {
        let unknown: BTreeSet<Fact> =
            Fact::of(thing.noun).iter().copied().filter(|fact| !thing.facts.knows(*fact)).collect();
        let asked = match self.index.policies(caller, action, thing.noun, &unknown) {
            Ok(asked) => asked,
            Err(blind) => return Decision::Broken { policies: blind },
        };
        if asked.is_empty() {
            return Decision::Denied { by: Vec::new() };
        }
        evaluate(&asked, caller, action, thing, saying).unwrap_or_else(|Strange(why)| {
            // What a request is made of is the program's own: that Cedar does not take it is a fault of the program.
            tracing::error!(why, action, "policies could not be asked");
            Decision::Broken { policies: Vec::new() }
        })
    }

    /// Whether policies have to know anything of a thing of this sort to decide on the action.
    pub(in crate::rpc) fn reads(&self, action: &str, noun: Noun) -> bool {
        self.index.reads(action, noun)
    }

    /// Whether the caller may do the action to everything of this sort, whatever is known of it.
    pub(in crate::rpc) fn permits_all(&self, caller: &Known, action: &str, noun: Noun) -> bool {
        self.index.permits_all(caller, action, noun)
    }
}

/// Why Cedar does not take a question.
#[derive(Debug)]
struct Strange(String);

impl<E: fmt::Display> From<E> for Strange {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn evaluate(
    asked: &PolicySet,
    caller: &Known,
    action: &str,
    thing: &Thing,
    saying: &Saying,
) -> Result<Decision, Strange> {
    let user = user_uid(caller)?;
    let resource = uid(entity_type(thing.noun).unwrap_or_default(), &thing.id)?;
    let context = Context::from_json_value(serde_json::Value::Object(saying.clone()), None)?;
    let request = Request::new(user, uid("Action", action)?, resource, context, None)?;
    let mut all = entities(caller, thing)?;
    if let Some(group) = schema::group_of(action) {
        let group = uid("Action", group)?;
        all.push(Entity::new_no_attrs(uid("Action", action)?, [group].into_iter().collect()));
    }
    let entities = Entities::from_entities(all, None)?;
    let response = Authorizer::new().is_authorized(&request, asked, &entities);
    let names = |ids: &mut dyn Iterator<Item = &PolicyId>| {
        let mut names: Vec<String> = ids.map(ToString::to_string).collect();
        names.sort_unstable();
        names
    };
    let erred = response.diagnostics().errors().map(|error| match error {
        cedar_policy::AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
    });
    let forbids = |id: &&PolicyId| asked.policy(id).is_none_or(|policy| policy.effect() == Effect::Forbid);
    let broken = names(&mut erred.filter(forbids));
    let by = names(&mut response.diagnostics().reason());
    Ok(match response.decision() {
        Said::Deny if !by.is_empty() => Decision::Denied { by },
        _ if !broken.is_empty() => Decision::Broken { policies: broken },
        Said::Allow => {
            let marks = Marks::of(asked, &by);
            Decision::Permitted { by, marks }
        }
        Said::Deny => Decision::Denied { by },
    })
}

/// Everything that a question is about: the caller, the thing, and what they are in.
fn entities(caller: &Known, thing: &Thing) -> Result<Vec<Entity>, Strange> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let mut told = vec![("name", text(&caller.name)), ("authentication", text(word(caller.authentication)))];
    told.extend(caller.issuer.as_deref().map(|issuer| ("issuer", text(issuer))));
    told.extend(caller.certificate.as_deref().map(|certificate| ("certificate", text(certificate))));
    let groups = caller.groups.iter().map(|group| uid(GROUP, group)).collect::<Result<_, _>>()?;
    let user = Entity::new(user_uid(caller)?, owned(told), groups)?;

    let Thing { noun, account, region, id, facts, .. } = thing;
    let place = uid("Region", &format!("{account}/{region}"))?;
    let mut parents = Vec::new();
    if *noun != Noun::Region {
        parents.push(place.clone());
    }
    for (of, parent) in [("Vault", &facts.vault), ("Database", &facts.database)] {
        if let Some(arn) = parent.as_deref().filter(|arn| !arn.is_empty()) {
            parents.push(uid(of, arn)?);
        }
    }
    if let Some(plan) = facts.plan.as_deref().filter(|plan| !plan.is_empty())
        && let (Ok(account), Ok(region)) = (AccountId::parse(account), RegionName::parse(region))
    {
        parents.push(uid("Plan", &PlanRef::arn_of(plan, &Scope { account, region }))?);
    }
    let mut told: Vec<_> = thing.texts().into_iter().map(|(name, value)| (name, text(value))).collect();
    if let Some(locked) = facts.locked {
        told.push((Fact::Locked.attribute(), RestrictedExpression::new_bool(locked)));
    }
    let tags: Vec<(String, RestrictedExpression)> =
        facts.tags.iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect();
    let of = entity_type(*noun).unwrap_or_default();
    let parents = if *noun == Noun::Region { vec![uid(ACCOUNT, account)?] } else { parents };
    let resource = Entity::new_with_tags(uid(of, id)?, owned(told), parents, tags)?;
    let mut all = vec![user, resource];
    if *noun != Noun::Region {
        all.push(Entity::new_no_attrs(place, [uid(ACCOUNT, account)?].into_iter().collect()));
    }
    Ok(all)
}

#[expect(clippy::disallowed_types, reason = "Cedar takes the attributes of an entity as a HashMap")]
fn owned(told: Vec<(&'static str, RestrictedExpression)>) -> std::collections::HashMap<String, RestrictedExpression> {
    told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn word(authentication: Authentication) -> &'static str {
    match authentication {
        Authentication::Anonymous => "anonymous",
        Authentication::Token => "token",
        Authentication::Certificate => "certificate",
        Authentication::TokenAndCertificate => "token_and_certificate",
    }
}

fn user_uid(caller: &Known) -> Result<EntityUid, Strange> {
    uid(USER, &caller.name)
}

fn uid(of: &str, id: &str) -> Result<EntityUid, Strange> {
    // Cedar parses a name wherever it is given one, and a decision needs ten.
    static TYPES: LazyLock<BTreeMap<&'static str, EntityTypeName>> = LazyLock::new(|| {
        let others = [ACCOUNT, GROUP, USER, "Action"];
        let all = NOUNS.into_iter().filter_map(entity_type).chain(others);
        all.filter_map(|of| Some((of, format!("{NAMESPACE}::{of}").parse().ok()?))).collect()
    });
    let of = TYPES.get(of).ok_or_else(|| Strange(format!("{of} is no type of things")))?;
    Ok(EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id)))
}

/// The schema that policies are held to.
fn schema() -> Result<Schema, PolicyFault> {
    let parsed = Schema::from_cedarschema_str(&schema::text());
    parsed.map(|(schema, _)| schema).map_err(|error| PolicyFault::Schema(error.to_string()))
}
