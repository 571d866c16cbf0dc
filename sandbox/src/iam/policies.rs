//! Managed policies: those that AWS owns, which can only be read, and those that the account makes itself.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::input::{ARN, Input, NAME, TEXT, paged};
use super::roles::time;
use super::{State, document, limit_exceeded, managed, no_such_entity, role_tags};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::random_id::random_id;
use crate::world::World;

/// Policies that an account makes itself `[K]`.
const MAX_POLICIES: usize = 1500;

/// Characters of a document, white space not counted `[K]`.
const MAX_DOCUMENT: usize = 6144;

/// A policy of the account's own.
#[derive(Debug, Clone)]
pub(super) struct Own {
    name: String,
    path: String,
    id: String,
    pub(super) arn: String,
    created: Timestamp,
    pub(super) updated: Timestamp,
    description: Option<String>,
    tags: BTreeMap<String, String>,
    /// By number; at least the default one. Numbers are never used again `[M]`.
    pub(super) versions: BTreeMap<u32, Version>,
    pub(super) default: u32,
    pub(super) last: u32,
}

/// A version of a policy of the account's own.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) document: String,
    pub(super) created: Timestamp,
}

/// A policy of either kind, as answers show it.
pub(super) struct Shown<'s> {
    pub(super) name: &'s str,
    pub(super) path: &'s str,
    id: &'s str,
    arn: String,
    default: Cow<'s, str>,
    created: String,
    updated: String,
    description: Option<Cow<'s, str>>,
    tags: Option<&'s BTreeMap<String, String>>,
}

impl<'s> Shown<'s> {
    fn of_aws(policy: &'s managed::Policy, partition: &str) -> Self {
        Self {
            name: policy.name,
            path: policy.path,
            id: policy.id,
            arn: policy.arn(partition),
            default: policy.version.into(),
            created: policy.created.to_owned(),
            updated: policy.created.to_owned(),
            description: Some(format!("AWS managed policy {}", policy.name).into()),
            tags: None,
        }
    }
}

impl<'s> From<&'s Own> for Shown<'s> {
    fn from(policy: &'s Own) -> Self {
        Self {
            name: &policy.name,
            path: &policy.path,
            id: &policy.id,
            arn: policy.arn.clone(),
            default: format!("v{}", policy.default).into(),
            created: time(policy.created).to_string(),
            updated: time(policy.updated).to_string(),
            description: policy.description.as_deref().map(Cow::from),
            tags: Some(&policy.tags),
        }
    }
}

impl State {
    /// A managed policy of either kind.
    pub(super) fn policy(&self, arn: &str) -> Option<Shown<'_>> {
        let aws = managed::find(self.partition, arn).map(|policy| Shown::of_aws(policy, self.partition));
        aws.or_else(|| self.own_policy(arn).map(Shown::from))
    }

    pub(super) fn own_policy(&self, arn: &str) -> Option<&Own> {
        self.policies.get(&key(arn)).filter(|policy| policy.arn == arn)
    }

    /// For changes: AWS's own policies are nobody's to change [U: the code].
    pub(super) fn own_policy_mut(&mut self, arn: &str) -> Result<&mut Own, AwsError> {
        if managed::find(self.partition, arn).is_some() {
            let message = format!("Policy {arn} is owned by AWS and cannot be changed.");
            return Err(AwsError::new(403, "AccessDenied", message));
        }
        self.policies.get_mut(&key(arn)).filter(|policy| policy.arn == arn).ok_or_else(|| no_such_policy(arn))
    }

    /// What the default version of a managed policy says.
    pub(super) fn policy_document(&self, arn: &str) -> Option<Cow<'_, str>> {
        managed::document_of(self.partition, arn).or_else(|| {
            let policy = self.own_policy(arn)?;
            policy.versions.get(&policy.default).map(|version| version.document.as_str().into())
        })
    }

    fn attachments(&self, arn: &str) -> usize {
        self.roles.values().filter(|role| role.attached.contains(arn)).count()
    }

    fn bounded(&self, arn: &str) -> usize {
        self.roles.values().filter(|role| role.boundary.as_deref() == Some(arn)).count()
    }
}

/// Policy names are unique in an account without regard to case, whatever their path `[M]`.
fn key(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or_default().to_lowercase()
}

pub(super) fn create(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("PolicyName", 1..=128, &NAME);
    let text = input.required("PolicyDocument", 1..=131_072, &TEXT);
    let path = input.path("Path");
    let description = input.optional("Description", 0..=1000, &TEXT);
    let tags = input.tags("Tags");
    input.done()?;
    check_document(text)?;
    let tags = role_tags::merged(&BTreeMap::new(), tags)?;
    let state = call.iam(world);
    if state.policies.contains_key(&name.to_lowercase()) {
        let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
        return Err(AwsError::new(409, "EntityAlreadyExists", message));
    }
    if state.policies.len() >= MAX_POLICIES {
        return Err(limit_exceeded(format!("Cannot exceed quota for PoliciesPerAccount: {MAX_POLICIES}")));
    }
    let policy = Own {
        name: name.to_owned(),
        path: path.to_owned(),
        id: random_id("ANPA", 17),
        arn: call.iam_arn(&format!("policy{path}{name}")),
        created: call.now,
        updated: call.now,
        description: description.filter(|text| !text.is_empty()).map(str::to_owned),
        tags,
        versions: BTreeMap::from([(1, Version { document: text.to_owned(), created: call.now })]),
        default: 1,
        last: 1,
    };
    let policy = state.policies.entry(name.to_lowercase()).or_insert(policy).clone();
    Ok(Xml::new().inside("Policy", &shape(&Shown::from(&policy), state, true)))
}

/// Whether IAM takes it for a managed policy.
pub(super) fn check_document(text: &str) -> Result<(), AwsError> {
    document::check_identity(text)?;
    if text.chars().filter(|c| !c.is_whitespace()).count() > MAX_DOCUMENT {
        return Err(limit_exceeded(format!("Cannot exceed quota for PolicySize: {MAX_DOCUMENT}")));
    }
    Ok(())
}

pub(super) fn get(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = arn_of(form)?;
    let state = call.iam(world);
    let policy = state.policy(arn).ok_or_else(|| no_such_policy(arn))?;
    Ok(Xml::new().inside("Policy", &shape(&policy, state, true)))
}

pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = arn_of(form)?;
    let state = call.iam(world);
    let used = state.attachments(arn) + state.bounded(arn) > 0;
    let policy = state.own_policy_mut(arn)?;
    let conflict = |message: &str| Err(AwsError::new(409, "DeleteConflict", message));
    if used {
        return conflict("Cannot delete a policy attached to entities.");
    }
    if policy.versions.len() > 1 {
        let message = "This policy has more than one version. Before you delete a policy, you must delete the \
                       policy's versions. The default version is deleted with the policy.";
        return conflict(message);
    }
    state.policies.remove(&key(arn));
    Ok(Xml::none())
}

pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let prefix = input.optional("PathPrefix", 1..=512, &ARN).unwrap_or("/");
    let paging = input.paging();
    input.done()?;
    let scope = form.get("Scope").unwrap_or("All");
    let only_attached = form.get("OnlyAttached") == Some("true");
    let state = call.iam(world);
    let aws = managed::POLICIES.iter().filter(|_| scope != "Local");
    let aws = aws.map(|policy| Shown::of_aws(policy, call.partition()));
    let own = state.policies.values().filter(|_| scope != "AWS").map(Shown::from);
    let mut policies: Vec<Shown<'_>> = aws
        .chain(own)
        .filter(|policy| policy.path.starts_with(prefix))
        .filter(|policy| !only_attached || state.attachments(&policy.arn) > 0)
        .collect();
    policies.sort_unstable_by(|a, b| a.arn.cmp(&b.arn));
    let page = paging.take(policies, |policy| policy.arn.as_str())?;
    let shapes = page.items.iter().map(|policy| shape(policy, state, false));
    Ok(paged(Xml::new().list("Policies", "member", shapes), &page))
}

/// Which roles it is attached to; the sandbox has no users and groups.
pub(super) fn list_entities(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let arn = input.required("PolicyArn", 20..=2048, &ARN);
    let prefix = input.optional("PathPrefix", 1..=512, &ARN).unwrap_or("/");
    let paging = input.paging();
    input.done()?;
    let wanted = matches!(form.get("EntityFilter"), None | Some("Role" | "LocalManagedPolicy" | "AWSManagedPolicy"));
    let boundary = form.get("PolicyUsageFilter") == Some("PermissionsBoundary");
    let state = call.iam(world);
    state.policy(arn).ok_or_else(|| no_such_policy(arn))?;
    let roles = state.roles.iter().filter(|(_, role)| {
        let used = if boundary { role.boundary.as_deref() == Some(arn) } else { role.attached.contains(arn) };
        wanted && used && role.path.starts_with(prefix)
    });
    let page = paging.take(roles, |(key, _)| key.as_str())?;
    let shapes = page.items.iter().map(|(_, role)| Xml::new().text("RoleName", &role.name).text("RoleId", &role.id));
    let xml = Xml::new().list("PolicyGroups", "member", []).list("PolicyUsers", "member", []).list(
        "PolicyRoles",
        "member",
        shapes,
    );
    Ok(paged(xml, &page))
}

pub(super) fn tag(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let arn = input.required("PolicyArn", 20..=2048, &ARN);
    let tags = input.tags("Tags");
    input.done()?;
    let policy = call.iam(world).own_policy_mut(arn)?;
    policy.tags = role_tags::merged(&policy.tags, tags)?;
    Ok(Xml::none())
}

pub(super) fn untag(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let policy = call.iam(world).own_policy_mut(arn_of(form)?)?;
    for key in form.strings("TagKeys") {
        policy.tags.retain(|tag, _| !tag.eq_ignore_ascii_case(&key));
    }
    Ok(Xml::none())
}

pub(super) fn list_tags(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let arn = input.required("PolicyArn", 20..=2048, &ARN);
    let paging = input.paging();
    input.done()?;
    let state = call.iam(world);
    let policy = state.policy(arn).ok_or_else(|| no_such_policy(arn))?;
    let page = paging.take(policy.tags.into_iter().flatten(), |(key, _)| key.as_str())?;
    let shapes = page.items.iter().map(|(key, value)| role_tags::shape(key, value));
    Ok(paged(Xml::new().list("Tags", "member", shapes), &page))
}

pub(super) fn arn_of(form: &Form) -> Result<&str, AwsError> {
    let mut input = Input::of(form);
    let arn = input.required("PolicyArn", 20..=2048, &ARN);
    input.done()?;
    Ok(arn)
}

pub(super) fn no_such_policy(arn: &str) -> AwsError {
    no_such_entity(format!("Policy {arn} was not found."))
}

/// The `Policy` shape. `whole`: with description and tags, which lists leave out `[M]`.
fn shape(policy: &Shown<'_>, state: &State, whole: bool) -> Xml {
    let xml = Xml::new()
        .text("PolicyName", policy.name)
        .text("PolicyId", policy.id)
        .text("Arn", &policy.arn)
        .text("Path", policy.path)
        .text("DefaultVersionId", &policy.default)
        .value("AttachmentCount", state.attachments(&policy.arn))
        .value("PermissionsBoundaryUsageCount", state.bounded(&policy.arn))
        .value("IsAttachable", true)
        .text("CreateDate", &policy.created)
        .text("UpdateDate", &policy.updated);
    if !whole {
        return xml;
    }
    let xml = xml.optional("Description", policy.description.as_ref());
    match policy.tags.filter(|tags| !tags.is_empty()) {
        Some(tags) => xml.list("Tags", "member", role_tags::shapes(tags)),
        None => xml,
    }
}
