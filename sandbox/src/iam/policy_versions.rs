//! What a managed policy said and says: up to five documents, one of which counts.

use std::borrow::Cow;

use super::input::{ARN, Input, NAME, TEXT, paged};
use super::policies::{Version, arn_of, check_document, no_such_policy};
use super::roles::{encoded, time};
use super::{State, limit_exceeded, managed, no_such_entity};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

/// Versions of a policy at a time `[M]`.
const MAX_VERSIONS: usize = 5;

pub(super) fn create(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let arn = input.required("PolicyArn", 20..=2048, &ARN);
    let text = input.required("PolicyDocument", 1..=131_072, &TEXT);
    input.done()?;
    let policy = call.iam(world).own_policy_mut(arn)?;
    check_document(text)?;
    if policy.versions.len() >= MAX_VERSIONS {
        let message = format!(
            "A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new version, you must delete \
             an existing version."
        );
        return Err(limit_exceeded(message));
    }
    policy.last += 1;
    policy.versions.insert(policy.last, Version { document: text.to_owned(), created: call.now });
    policy.updated = call.now;
    if form.get("SetAsDefault") == Some("true") {
        policy.default = policy.last;
    }
    let shown = own_version(policy.last, policy.default == policy.last, call.now);
    Ok(Xml::new().inside("PolicyVersion", &shown))
}

pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let (arn, version) = arn_and_version(form)?;
    let policy = call.iam(world).own_policy_mut(arn)?;
    let number = number(version).filter(|number| policy.versions.contains_key(number));
    let number = number.ok_or_else(|| no_such_version(arn, version))?;
    if number == policy.default {
        return Err(AwsError::new(409, "DeleteConflict", "Cannot delete the default version of a policy."));
    }
    policy.versions.remove(&number);
    policy.updated = call.now;
    Ok(Xml::none())
}

pub(super) fn set_default(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let (arn, version) = arn_and_version(form)?;
    let policy = call.iam(world).own_policy_mut(arn)?;
    let number = number(version).filter(|number| policy.versions.contains_key(number));
    policy.default = number.ok_or_else(|| no_such_version(arn, version))?;
    policy.updated = call.now;
    Ok(Xml::none())
}

pub(super) fn get(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let (arn, version) = arn_and_version(form)?;
    let versions = versions(call.iam(world), arn)?;
    let found = versions.into_iter().find(|found| found.id == version);
    let found = found.ok_or_else(|| no_such_version(arn, version))?;
    Ok(Xml::new().inside("PolicyVersion", &found.shape.text("Document", encoded(&found.document))))
}

pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let arn = input.required("PolicyArn", 20..=2048, &ARN);
    let paging = input.paging();
    input.done()?;
    let page = paging.take(versions(call.iam(world), arn)?, |version| version.id.as_str())?;
    let shapes = page.items.iter().map(|version| version.shape.clone());
    Ok(paged(Xml::new().list("Versions", "member", shapes), &page))
}

/// One version of a policy of either kind.
struct Shown<'s> {
    id: String,
    document: Cow<'s, str>,
    shape: Xml,
}

/// In the order of their ids, which lists are continued by.
fn versions<'s>(state: &'s State, arn: &str) -> Result<Vec<Shown<'s>>, AwsError> {
    if let Some(policy) = managed::find(state.partition, arn) {
        let shape = shape(policy.version, true).text("CreateDate", policy.created);
        return Ok(vec![Shown { id: policy.version.to_owned(), document: policy.document(state.partition), shape }]);
    }
    let policy = state.own_policy(arn).ok_or_else(|| no_such_policy(arn))?;
    let mut versions: Vec<Shown<'_>> = policy
        .versions
        .iter()
        .map(|(number, version)| Shown {
            id: format!("v{number}"),
            document: version.document.as_str().into(),
            shape: own_version(*number, *number == policy.default, version.created),
        })
        .collect();
    versions.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(versions)
}

fn own_version(number: u32, default: bool, created: jiff::Timestamp) -> Xml {
    shape(&format!("v{number}"), default).value("CreateDate", time(created))
}

fn shape(id: &str, default: bool) -> Xml {
    Xml::new().text("VersionId", id).value("IsDefaultVersion", default)
}

fn arn_and_version(form: &Form) -> Result<(&str, &str), AwsError> {
    let mut input = Input::of(form);
    input.required("PolicyArn", 20..=2048, &ARN);
    let version = input.required("VersionId", 1..=64, &NAME);
    input.done()?;
    Ok((arn_of(form)?, version))
}

fn number(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.parse().ok()
}

fn no_such_version(arn: &str, version: &str) -> AwsError {
    no_such_entity(format!("Policy {arn} version {version} does not exist or is not attachable."))
}
