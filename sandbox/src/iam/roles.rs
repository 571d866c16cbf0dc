//! Roles: create, read, change, delete.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::input::{ARN, Input, NAME, TEXT, paged};
use super::{Role, State, document, limit_exceeded, role_tags, service_linked};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::random_id::random_id;
use crate::world::World;

/// Roles per account `[K]`.
const MAX_ROLES: usize = 1000;

/// Characters of a trust policy, white space not counted: the raised quota, so that no real policy is refused `[K]`.
const MAX_TRUST: usize = 4096;

/// RFC 3986: documents in answers are encoded but for its unreserved characters `[M]`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn create(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let trust = input.required("AssumeRolePolicyDocument", 1..=131_072, &TEXT);
    let path = input.path("Path");
    let description = input.optional("Description", 0..=1000, &TEXT);
    let max_session_seconds = input.number("MaxSessionDuration", 3600..=43_200).unwrap_or(3600);
    let boundary = input.optional("PermissionsBoundary", 20..=2048, &ARN);
    let tags = input.tags("Tags");
    input.done()?;
    if path.starts_with(service_linked::PATH_PREFIX) {
        let message = "Invalid path: roles under /aws-service-role/ are created by CreateServiceLinkedRole.";
        return Err(AwsError::new(400, "InvalidInput", message));
    }
    check_trust(trust)?;
    let role = Role {
        name: name.to_owned(),
        path: path.to_owned(),
        id: random_id("AROA", 17),
        arn: call.iam_arn(&format!("role{path}{name}")),
        created: call.now,
        trust: trust.to_owned(),
        trust_changed: call.now,
        description: description.map(str::to_owned),
        max_session_seconds,
        boundary: boundary.map(str::to_owned),
        tags: role_tags::merged(&BTreeMap::new(), tags)?,
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
    };
    let state = call.iam(world);
    state.add(role).map(|role| Xml::new().inside("Role", &shape(role, true)))
}

impl State {
    pub(super) fn add(&mut self, role: Role) -> Result<&Role, AwsError> {
        let key = role.name.to_lowercase();
        if self.roles.contains_key(&key) {
            let message = format!("Role with name {} already exists.", role.name);
            return Err(AwsError::new(409, "EntityAlreadyExists", message));
        }
        if self.roles.len() >= MAX_ROLES {
            return Err(limit_exceeded(format!("Cannot exceed quota for RolesPerAccount: {MAX_ROLES}")));
        }
        Ok(self.roles.entry(key).or_insert(role))
    }
}

pub(super) fn get(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let role = call.iam(world).role(name_of(form)?)?;
    Ok(Xml::new().inside("Role", &shape(role, true)))
}

pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let name = name_of(form)?;
    let state = call.iam(world);
    let role = state.own_role_mut(name)?;
    let conflict = |message: &str| Err(AwsError::new(409, "DeleteConflict", message));
    if !role.attached.is_empty() {
        return conflict("Cannot delete entity, must detach all policies first.");
    }
    if !role.inline.is_empty() {
        return conflict("Cannot delete entity, must delete policies first.");
    }
    state.roles.remove(&name.to_lowercase());
    Ok(Xml::none())
}

pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let prefix = input.optional("PathPrefix", 1..=512, &ARN).unwrap_or("/");
    let paging = input.paging();
    input.done()?;
    let state = call.iam(world);
    let roles = state.roles.iter().filter(|(_, role)| role.path.starts_with(prefix));
    let page = paging.take(roles, |(key, _)| key.as_str())?;
    // Tags, boundary and last use are left out of lists [M].
    let xml = Xml::new().list("Roles", "member", page.items.iter().map(|(_, role)| shape(role, false)));
    Ok(paged(xml, &page))
}

pub(super) fn update(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let description = input.optional("Description", 0..=1000, &TEXT);
    let max_session_seconds = input.number("MaxSessionDuration", 3600..=43_200);
    input.done()?;
    let role = call.iam(world).own_role_mut(name)?;
    // An absent description stays as it is [I]; an absent duration is taken as the default [D].
    if let Some(description) = description {
        role.description = Some(description.to_owned()).filter(|text| !text.is_empty());
    }
    role.max_session_seconds = max_session_seconds.unwrap_or(3600);
    Ok(Xml::new())
}

pub(super) fn update_description(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let description = input.required("Description", 0..=1000, &TEXT);
    input.done()?;
    let role = call.iam(world).own_role_mut(name)?;
    role.description = Some(description.to_owned()).filter(|text| !text.is_empty());
    Ok(Xml::new().inside("Role", &shape(role, true)))
}

pub(super) fn update_trust(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let trust = input.required("PolicyDocument", 1..=131_072, &TEXT);
    input.done()?;
    let role = call.iam(world).own_role_mut(name)?;
    check_trust(trust)?;
    if role.trust != trust {
        trust.clone_into(&mut role.trust);
        role.trust_changed = call.now;
    }
    Ok(Xml::none())
}

/// The sandbox has no EC2 and so no instance profiles; Terraform asks for them before it deletes a role `[X]`.
pub(super) fn list_instance_profiles(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    call.iam(world).role(name_of(form)?)?;
    Ok(Xml::new().list("InstanceProfiles", "member", []).value("IsTruncated", false))
}

fn check_trust(trust: &str) -> Result<(), AwsError> {
    document::check_trust(trust)?;
    if trust.chars().filter(|c| !c.is_whitespace()).count() > MAX_TRUST {
        return Err(limit_exceeded(format!("Cannot exceed quota for ACLSizePerRole: {MAX_TRUST}")));
    }
    Ok(())
}

pub(super) fn name_of(form: &Form) -> Result<&str, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    input.done()?;
    Ok(name)
}

/// The `Role` shape. `whole`: with what GetRole and CreateRole show and lists do not.
pub(super) fn shape(role: &Role, whole: bool) -> Xml {
    let xml = Xml::new()
        .text("Path", &role.path)
        .text("RoleName", &role.name)
        .text("RoleId", &role.id)
        .text("Arn", &role.arn)
        .value("CreateDate", time(role.created))
        .text("AssumeRolePolicyDocument", encoded(&role.trust))
        .optional("Description", role.description.as_ref())
        .value("MaxSessionDuration", role.max_session_seconds);
    if !whole {
        return xml;
    }
    let xml = match &role.boundary {
        Some(arn) => {
            let boundary = Xml::new().text("PermissionsBoundaryType", "Policy").text("PermissionsBoundaryArn", arn);
            xml.inside("PermissionsBoundary", &boundary)
        }
        None => xml,
    };
    let xml = if role.tags.is_empty() { xml } else { xml.list("Tags", "member", role_tags::shapes(&role.tags)) };
    xml.inside("RoleLastUsed", &Xml::new())
}

/// A policy document as answers carry it.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

/// `2025-11-22T19:24:47Z`.
pub(super) fn time(at: jiff::Timestamp) -> impl std::fmt::Display {
    at.strftime("%Y-%m-%dT%H:%M:%SZ")
}
