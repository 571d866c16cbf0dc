//! The IAM role that AWS Backup assumes.

use futures_util::TryStreamExt;
use percent_encoding::percent_decode_str;

use super::{
    Effect, Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    looks::in_time,
    pages::pages,
    time,
};
use crate::domain::{
    Asked, BACKUP_SERVICE, Change, ChangeKind, CheckedRole, EnsureRole, Noun, Refusal, RefusalKind, RoleName, RoleRef,
    RoleState, Scope, Trust, TrustRepair, Unseen, judge_trust, repair_trust,
};

const GET_ROLE: Operation = Operation::read("iam", "GetRole");
const CREATE_ROLE: Operation = Operation::write("iam", "CreateRole");
const UPDATE_TRUST: Operation = Operation::write("iam", "UpdateAssumeRolePolicy");
const LIST_ATTACHED: Operation = Operation::read("iam", "ListAttachedRolePolicies");
const LIST_INLINE: Operation = Operation::read("iam", "ListRolePolicies");
const ATTACH: Operation = Operation::write("iam", "AttachRolePolicy");

/// How AWS says of a selection's role, which it may assume, that it lacks the policy for backups `[T]`.
const MAY_NOT_SELECT: &str = "is not authorized to call tag:GetResources";

impl Scoped {
    /// The role as IAM has it.
    pub async fn get_service_role(&self, role: &RoleRef) -> Result<RoleState, Error> {
        match self.role(&role.name).await? {
            Some((state, _)) if role.means(&state.arn) => Ok(state),
            Some((state, _)) => Err(elsewhere(role, &state.arn).into()),
            None => Err(missing(role).into()),
        }
    }

    /// Creates the role or adds what it lacks; answers the role as it is then, or would be, and what was, or would be, done.
    /// Every step can be repeated, so a call that broke off half way is finished by calling again.
    pub async fn ensure_service_role(&self, asked: &Asked<EnsureRole>) -> Result<(RoleState, Vec<Change>), Error> {
        let ensure = &asked.what;
        let name = &ensure.role.name;
        let mut changes = Vec::new();
        let (mut state, trust_document) = match self.role(name).await? {
            Some(found) => found,
            None => {
                let message = format!("created role {name} at path {}, trusting backup.amazonaws.com", ensure.path);
                changes.push(Change { kind: ChangeKind::RoleCreated, message });
                let (planned, trust) = self.planned_role(ensure)?;
                if asked.is_check() { (planned, trust) } else { self.create_role(ensure, planned, trust).await? }
            }
        };
        if !ensure.role.means(&state.arn) {
            let message = format!(
                "role {name} exists already, under another path: it is {}; name that one, or choose another name",
                state.arn
            );
            return Err(Refusal::of(RefusalKind::AlreadyExists, Noun::Role, name.as_str(), message).into());
        }
        let repaired = repaired_trust(&state, &trust_document)?;
        let done: Vec<String> = changes.iter().map(|change| change.message.clone()).collect();
        if let Some(document) = &repaired {
            // A statement that denies under a condition stays, and makes the trust conditional.
            state.trust = judge_trust(document);
            changes.push(Change { kind: ChangeKind::TrustRepaired, message: trust_added(name) });
        }
        let lacking: Vec<String> =
            state.missing(&ensure.served).into_iter().map(|policy| policy.arn(state.partition)).collect();
        for arn in &lacking {
            changes.push(Change { kind: ChangeKind::PolicyAttached, message: attached(arn, name) });
        }
        if !asked.is_check() {
            self.repair_role(name, repaired, &lacking, done).await?;
        }
        state.attached.extend(lacking);
        Ok((state, changes))
    }
}

impl Scoped {
    /// The ARN that AWS Backup wants. A name alone does not tell the role's path: IAM is asked.
    pub(super) async fn role_arn(&self, role: &RoleRef) -> Result<String, Error> {
        if let Some(arn) = &role.arn {
            return Ok(arn.as_str().to_owned());
        }
        self.look_for_role(role).await
    }

    /// The role that a change hands to AWS Backup. In a dry run IAM is asked for the role of an ARN too, and for what it says;
    /// who may not ask may still hand the role over, so a refusal to tell is none of the role.
    pub(super) async fn role_handed_over(&self, role: &RoleRef, check: bool) -> Result<CheckedRole, Error> {
        if !check {
            return self.role_arn(role).await.map(CheckedRole::unseen);
        }
        let (mut state, _) = match (self.role_alone(&role.name).await, &role.arn) {
            (Ok(Some(found)), _) => found,
            (Ok(None), _) => return Err(missing(role).into()),
            (Err(error), Some(arn)) if error.kind == FailureKind::Denied => {
                let unseen = CheckedRole::unseen(arn.as_str().to_owned());
                return Ok(CheckedRole { unread: Some(Unseen::from(&error)), ..unseen });
            }
            (Err(error), _) => return Err(error.into()),
        };
        if !role.means(&state.arn) {
            return Err(elsewhere(role, &state.arn).into());
        }
        let unread = self.add_policies(&mut state).await.err().map(|error| Unseen::from(&error));
        Ok(CheckedRole { arn: state.arn.clone(), state: Some(state), unread })
    }

    /// Why AWS Backup will not use the role however long one waits, as a dry run says it; `said` is what AWS says. `None`: a
    /// role just made may be on its way through IAM, or IAM does not tell.
    pub(super) async fn never_usable(&self, arn: &str, said: &Failure) -> Option<Refusal> {
        let (role, _) = RoleRef::parse(arn).ok()?;
        match in_time(self.role_alone(&role.name)).await.ok()? {
            None => Some(missing(&role)),
            Some((state, _)) if !role.means(&state.arn) => Some(elsewhere(&role, &state.arn)),
            Some((state, _)) if !state.is_settled(self.now()) => None,
            Some((mut state, _)) => match state.not_assumable() {
                None if said.message.contains(MAY_NOT_SELECT) => {
                    in_time(self.add_policies(&mut state)).await.ok()?;
                    state.lacks_policy(&said.message)
                }
                refusal => refusal,
            },
        }
    }

    /// The role that a change hands over, looked at beside that change: for findings alone, so it fails nothing.
    pub(super) async fn role_seen(&self, arn: &str) -> CheckedRole {
        let Ok((role, _)) = RoleRef::parse(arn) else { return CheckedRole::unseen(arn.to_owned()) };
        match in_time(self.role_handed_over(&role, true)).await {
            Ok(role) => role,
            Err(unseen) => CheckedRole { unread: Some(unseen), ..CheckedRole::unseen(arn.to_owned()) },
        }
    }

    /// As [`Self::role_arn`], for dry runs: IAM is asked for the role of an ARN too. Who may not ask may still hand the
    /// role to AWS Backup, so a refusal to tell is none of the role.
    pub(super) async fn role_arn_looked_for(&self, role: &RoleRef) -> Result<String, Error> {
        match (self.look_for_role(role).await, &role.arn) {
            (Err(error), Some(arn)) if error.failed_as(FailureKind::Denied) => Ok(arn.as_str().to_owned()),
            (answer, _) => answer,
        }
    }

    async fn look_for_role(&self, role: &RoleRef) -> Result<String, Error> {
        let found = match self.read(GET_ROLE, ask!(self.clients.iam.get_role().role_name(role.name.as_str()))).await {
            Ok(answer) => answer.role.ok_or_else(|| Failure::malformed(GET_ROLE, "Role"))?.arn,
            Err(error) if error.kind == FailureKind::NotFound => return Err(missing(role).into()),
            Err(error) => return Err(error.about(Noun::Role, &role.name).into()),
        };
        if role.means(&found) { Ok(found) } else { Err(elsewhere(role, &found).into()) }
    }

    /// The role and its trust policy; `None` when there is no such role.
    pub(super) async fn role(&self, name: &RoleName) -> Result<Option<(RoleState, String)>, Failure> {
        let Some((mut state, document)) = self.role_alone(name).await? else { return Ok(None) };
        self.add_policies(&mut state).await?;
        Ok(Some((state, document)))
    }

    /// The role without its policies, and its trust policy; `None` when there is no such role.
    async fn role_alone(&self, name: &RoleName) -> Result<Option<(RoleState, String)>, Failure> {
        let about = |error: Failure| error.about(Noun::Role, name);
        let role = match self.read(GET_ROLE, ask!(self.clients.iam.get_role().role_name(name.as_str()))).await {
            Ok(answer) => answer.role.ok_or_else(|| Failure::malformed(GET_ROLE, "Role"))?,
            Err(error) if error.kind == FailureKind::NotFound => return Ok(None),
            Err(error) => return Err(about(error)),
        };
        // IAM answers policy documents percent-encoded [M].
        let document = role.assume_role_policy_document.as_deref().unwrap_or_default();
        let document = percent_decode_str(document).decode_utf8_lossy().into_owned();
        let state = RoleState {
            name: role.role_name,
            arn: role.arn,
            path: role.path,
            partition: self.scope().region.partition(),
            created_at: time(Some(&role.create_date)),
            trust: judge_trust(&document),
            attached: Vec::new(),
            inline: Vec::new(),
            tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
        };
        Ok(Some((state, document)))
    }

    async fn add_policies(&self, role: &mut RoleState) -> Result<(), Failure> {
        let name = role.name.as_str();
        let about = |error: Failure| error.about(Noun::Role, name);
        let attached = pages(|marker| async move {
            let sent = self.clients.iam.list_attached_role_policies().role_name(name).set_marker(marker);
            let answer = self.read(LIST_ATTACHED, ask!(sent)).await.map_err(about)?;
            let policies = answer.attached_policies.unwrap_or_default().into_iter();
            let arns: Vec<String> = policies.filter_map(|policy| policy.policy_arn).collect();
            Ok((arns, answer.marker.filter(|_| answer.is_truncated)))
        });
        let inline = pages(|marker| async move {
            let sent = self.clients.iam.list_role_policies().role_name(name).set_marker(marker);
            let answer = self.read(LIST_INLINE, ask!(sent)).await.map_err(about)?;
            Ok((answer.policy_names, answer.marker.filter(|_| answer.is_truncated)))
        });
        let (attached, inline) = tokio::join!(attached.try_concat(), inline.try_concat());
        (role.attached, role.inline) = (attached?, inline?);
        Ok(())
    }

    /// The role as it will be made, and its trust policy.
    fn planned_role(&self, ensure: &EnsureRole) -> Result<(RoleState, String), Failure> {
        let TrustRepair::Write(trust) = repair_trust(r#"{"Version":"2012-10-17"}"#) else {
            return Err(Failure::malformed(CREATE_ROLE, "trust policy"));
        };
        let (name, path, Scope { account, region }) = (&ensure.role.name, &ensure.path, self.scope());
        let planned = RoleState {
            name: name.as_str().to_owned(),
            arn: format!("arn:{}:iam::{account}:role{path}{name}", region.partition()),
            path: path.as_str().to_owned(),
            partition: region.partition(),
            created_at: None,
            trust: Trust::Granted,
            attached: Vec::new(),
            inline: Vec::new(),
            tags: ensure.tags.0.clone(),
        };
        Ok((planned, trust))
    }

    async fn create_role(
        &self,
        ensure: &EnsureRole,
        planned: RoleState,
        trust: String,
    ) -> Result<(RoleState, String), Failure> {
        let name = &ensure.role.name;
        let mut sent = self
            .clients
            .iam
            .create_role()
            .role_name(name.as_str())
            .path(ensure.path.as_str())
            .description("Assumed by AWS Backup to back up and restore resources. Made by Strongroom.")
            .assume_role_policy_document(&trust);
        for (key, value) in &ensure.tags.0 {
            let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value).build();
            sent = sent.tags(tag.map_err(|error| Failure::not_built(CREATE_ROLE, error))?);
        }
        match self.call(CREATE_ROLE, sent.send()).await {
            Ok(answer) => {
                let role = answer.role.ok_or_else(|| Failure::malformed(CREATE_ROLE, "Role"))?;
                Ok((RoleState { arn: role.arn, created_at: time(Some(&role.create_date)), ..planned }, trust))
            }
            // Somebody, perhaps an earlier try of this call, was faster: what is there is repaired like any other.
            Err(error) if error.kind == FailureKind::AlreadyExists => self.role(name).await?.ok_or(error),
            // What is not there is not the role that is being made.
            Err(error) if error.kind == FailureKind::NotFound => Err(error),
            Err(error) => Err(error.about(Noun::Role, name)),
        }
    }

    /// Adds what the role lacks. What was done before a step stays done, whatever becomes of the step: `done`, and what is
    /// done here, are told with the failure.
    async fn repair_role(
        &self,
        name: &RoleName,
        trust: Option<String>,
        policies: &[String],
        mut done: Vec<String>,
    ) -> Result<(), Failure> {
        if let Some(document) = trust {
            let sent = self.clients.iam.update_assume_role_policy().role_name(name.as_str()).policy_document(document);
            if let Err(error) = self.call(UPDATE_TRUST, sent.send()).await {
                return Err(having(done, error.about(Noun::Role, name)));
            }
            done.push(trust_added(name));
        }
        for arn in policies {
            let sent = self.clients.iam.attach_role_policy().role_name(name.as_str()).policy_arn(arn);
            if let Err(error) = self.call(ATTACH, sent.send()).await {
                return Err(having(done, self.of_role_or_policy(error, name, arn).await));
            }
            done.push(attached(arn, name));
        }
        Ok(())
    }

    /// Understands a failure of a call that names a role and a policy: where IAM does not say which of the two is missing,
    /// the role is looked for.
    async fn of_role_or_policy(&self, error: Failure, name: &RoleName, policy: &str) -> Failure {
        if error.kind != FailureKind::NotFound {
            return error.about(Noun::Role, name);
        }
        if error.message.contains(policy) {
            return error.about(Noun::Policy, policy);
        }
        match self.role_alone(name).await {
            Ok(None) => error.about(Noun::Role, name),
            Ok(Some(_)) => error.about(Noun::Policy, policy),
            // Nobody can tell.
            Err(_) => error,
        }
    }
}

fn trust_added(name: &RoleName) -> String {
    format!("added {BACKUP_SERVICE} to the trust policy of role {name}")
}

fn attached(policy: &str, name: &RoleName) -> String {
    format!("attached {policy} to role {name}")
}

/// The failure of a call that had done something before.
fn having(done: Vec<String>, error: Failure) -> Failure {
    let effect = match error.effect {
        Effect::None if !done.is_empty() => Effect::Partly,
        effect => effect,
    };
    Failure { effect, done: done.into(), ..error }
}

/// The trust policy that lets AWS Backup assume the role, where the present one does not.
fn repaired_trust(role: &RoleState, document: &str) -> Result<Option<String>, Refusal> {
    match role.trust {
        Trust::Granted | Trust::Conditional => return Ok(None),
        Trust::Missing | Trust::Denied | Trust::Unreadable => {}
    }
    match repair_trust(document) {
        TrustRepair::Write(document) => Ok(Some(document)),
        TrustRepair::Impossible(why) => {
            let name = &role.name;
            let message =
                format!("role {name} cannot be repaired by adding to it: {why}; correct its trust policy by hand");
            Err(Refusal::of(RefusalKind::State, Noun::Role, name, message))
        }
    }
}

fn missing(role: &RoleRef) -> Refusal {
    let name = &role.name;
    let message = format!("there is no role {name}: create it with EnsureServiceRole");
    Refusal::of(RefusalKind::NotFound, Noun::Role, name.as_str(), message)
}

fn elsewhere(role: &RoleRef, found: &str) -> Refusal {
    let asked = role.arn.as_ref().map_or(role.name.as_str(), |arn| arn.as_str());
    let message = format!("there is no role {asked}: the role of that name is {found}");
    Refusal::of(RefusalKind::NotFound, Noun::Role, asked, message)
}
