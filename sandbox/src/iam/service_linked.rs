//! Roles that belong to a service.

use std::collections::{BTreeMap, BTreeSet};

use super::input::{ARN, Input, NAME, TEXT};
use super::{Role, no_such_entity, no_such_role, roles};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::random_id::random_id;
use crate::world::World;

/// Where service-linked roles live; nobody else may create or change roles there.
pub(super) const PATH_PREFIX: &str = "/aws-service-role/";

/// Services the sandbox knows, with the name of their role and the managed policy on it.
const SERVICES: &[(&str, &str, &str)] = &[
    ("backup.amazonaws.com", "AWSServiceRoleForBackup", "AWSBackupServiceLinkedRolePolicyForBackup"),
    ("rds.amazonaws.com", "AWSServiceRoleForRDS", "AmazonRDSServiceRolePolicy"),
];

pub(super) fn create(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let service = input.required("AWSServiceName", 1..=128, &NAME);
    let description = input.optional("Description", 0..=1000, &TEXT);
    input.done()?;
    let Some((_, name, policy)) = SERVICES.iter().find(|(known, _, _)| *known == service) else {
        let message = format!("Service-linked roles are not available for the service {service}.");
        return Err(AwsError::new(400, "InvalidInput", message));
    };
    let state = call.iam(world);
    if state.role(name).is_ok() {
        let message =
            format!("Service role name {name} has been taken in this account, please try a different suffix.");
        return Err(AwsError::new(400, "InvalidInput", message));
    }
    let path = format!("{PATH_PREFIX}{service}/");
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":["{service}"]}},"Action":["sts:AssumeRole"]}}]}}"#
    );
    let role = state.add(Role {
        name: (*name).to_owned(),
        id: random_id("AROA", 17),
        arn: call.iam_arn(&format!("role{path}{name}")),
        path,
        created: call.now,
        trust,
        trust_changed: call.now,
        description: description.map(str::to_owned),
        max_session_seconds: 3600,
        boundary: None,
        tags: BTreeMap::new(),
        inline: BTreeMap::new(),
        attached: BTreeSet::from([format!("arn:{}:iam::aws:policy/aws-service-role/{policy}", call.partition())]),
    })?;
    Ok(Xml::new().inside("Role", &roles::shape(role, true)))
}

/// Done at once here; AWS takes its time, so callers ask [`deletion_status`] with the task's id.
pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let name = roles::name_of(form)?;
    let state = call.iam(world);
    let role = state.role(name)?;
    if !role.path.starts_with(PATH_PREFIX) {
        return Err(no_such_role(name));
    }
    let task = format!("task{}{}/{}", role.path, role.name, uuid::Uuid::new_v4());
    state.roles.remove(&name.to_lowercase());
    Ok(Xml::new().text("DeletionTaskId", task))
}

pub(super) fn deletion_status(_: &mut World, _: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let task = input.required("DeletionTaskId", 1..=1000, &ARN);
    input.done()?;
    if !task.starts_with(&format!("task{PATH_PREFIX}")) {
        return Err(no_such_entity(format!("Deletion Task Id: {task} cannot be found")));
    }
    Ok(Xml::new().text("Status", "SUCCEEDED"))
}
