//! What a role may do: managed policies attached to it, and policies written into it.

use super::input::{ARN, Input, NAME, TEXT, paged};
use super::roles::encoded;
use super::{document, limit_exceeded, no_such_entity};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

/// Managed policies per role `[K]`.
const MAX_ATTACHED: usize = 10;

/// Characters of all inline policies of a role together, white space not counted `[K]`.
const MAX_INLINE: usize = 10_240;

pub(super) fn attach(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let (name, arn) = role_and_policy(form)?;
    let state = call.iam(world);
    let known = state.policy(arn).is_some();
    let role = state.own_role_mut(name)?;
    if !known {
        return Err(no_such_entity(format!("Policy {arn} does not exist or is not attachable.")));
    }
    if role.attached.len() >= MAX_ATTACHED && !role.attached.contains(arn) {
        return Err(limit_exceeded(format!("Cannot exceed quota for PoliciesPerRole: {MAX_ATTACHED}")));
    }
    role.attached.insert(arn.to_owned());
    Ok(Xml::none())
}

pub(super) fn detach(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let (name, arn) = role_and_policy(form)?;
    let role = call.iam(world).own_role_mut(name)?;
    if !role.attached.remove(arn) {
        return Err(no_such_entity(format!("Policy {arn} was not found.")));
    }
    Ok(Xml::none())
}

pub(super) fn list_attached(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let prefix = input.optional("PathPrefix", 1..=512, &ARN).unwrap_or("/");
    let paging = input.paging();
    input.done()?;
    let state = call.iam(world);
    let role = state.role(name)?;
    let policies = role.attached.iter().filter_map(|arn| state.policy(arn).map(|policy| (arn, policy)));
    let page = paging.take(policies.filter(|(_, policy)| policy.path.starts_with(prefix)), |(arn, _)| arn.as_str())?;
    let shapes =
        page.items.iter().map(|(arn, policy)| Xml::new().text("PolicyName", policy.name).text("PolicyArn", arn));
    Ok(paged(Xml::new().list("AttachedPolicies", "member", shapes), &page))
}

fn role_and_policy(form: &Form) -> Result<(&str, &str), AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let arn = input.required("PolicyArn", 20..=2048, &ARN);
    input.done()?;
    Ok((name, arn))
}

pub(super) fn put(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let policy = input.required("PolicyName", 1..=128, &NAME);
    let text = input.required("PolicyDocument", 1..=131_072, &TEXT);
    input.done()?;
    let role = call.iam(world).own_role_mut(name)?;
    document::check_identity(text)?;
    let others = role.inline.iter().filter(|(name, _)| *name != policy).map(|(_, text)| text.as_str());
    let size: usize = others.chain([text]).map(|text| text.chars().filter(|c| !c.is_whitespace()).count()).sum();
    if size > MAX_INLINE {
        let message = format!("Maximum policy size of {MAX_INLINE} bytes exceeded for role {}", role.name);
        return Err(limit_exceeded(message));
    }
    role.inline.insert(policy.to_owned(), text.to_owned());
    Ok(Xml::none())
}

pub(super) fn get(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let (name, policy) = role_and_inline(form)?;
    let role = call.iam(world).role(name)?;
    let text = role.inline.get(policy).ok_or_else(|| no_such_inline(policy))?;
    let xml = Xml::new().text("RoleName", &role.name).text("PolicyName", policy);
    Ok(xml.text("PolicyDocument", encoded(text)))
}

pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let (name, policy) = role_and_inline(form)?;
    let role = call.iam(world).own_role_mut(name)?;
    role.inline.remove(policy).ok_or_else(|| no_such_inline(policy))?;
    Ok(Xml::none())
}

pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let paging = input.paging();
    input.done()?;
    let role = call.iam(world).role(name)?;
    let page = paging.take(role.inline.keys(), |name| name.as_str())?;
    Ok(paged(Xml::new().strings("PolicyNames", "member", &page.items), &page))
}

fn role_and_inline(form: &Form) -> Result<(&str, &str), AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let policy = input.required("PolicyName", 1..=128, &NAME);
    input.done()?;
    Ok((name, policy))
}

fn no_such_inline(policy: &str) -> AwsError {
    no_such_entity(format!("The role policy with name {policy} cannot be found."))
}
