//! The IAM role that AWS Backup assumes.

use percent_encoding::percent_decode_str;

use super::{
    Aws, Effect, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    time,
};
use crate::domain::{
    AskedScope, Change, ChangeKind, EnsureRole, RoleName, RoleRef, RoleState, Trust, TrustRepair, judge_trust,
    repair_trust,
};

const GET_ROLE: Operation = Operation::read("iam", "GetRole");
const CREATE_ROLE: Operation = Operation::write("iam", "CreateRole");
const UPDATE_TRUST: Operation = Operation::write("iam", "UpdateAssumeRolePolicy");
const LIST_ATTACHED: Operation = Operation::read("iam", "ListAttachedRolePolicies");
const LIST_INLINE: Operation = Operation::read("iam", "ListRolePolicies");
const ATTACH: Operation = Operation::write("iam", "AttachRolePolicy");

impl Aws {
    /// The role as IAM has it.
    pub async fn get_service_role(&self, asked: &AskedScope, role: &RoleRef) -> Result<RoleState, Error> {
        let clients = self.clients(asked).await?;
        match clients.role(&role.name).await? {
            Some((state, _)) if role.means(&state.arn) => Ok(state),
            Some((state, _)) => Err(elsewhere(role, &state.arn)),
            None => Err(missing(role)),
        }
    }

    /// Creates the role or adds what it lacks; says what it did. Every step can be repeated, so a call that broke off
    /// half way is finished by calling again.
    pub async fn ensure_service_role(
        &self,
        asked: &AskedScope,
        ensure: &EnsureRole,
    ) -> Result<(RoleState, Vec<Change>), Error> {
        let clients = self.clients(asked).await?;
        let name = &ensure.role.name;
        let mut changes = Vec::new();
        let (mut state, trust_document) = match clients.role(name).await? {
            Some(found) => found,
            None => {
                let message = format!("created role {name} at path {}, trusting backup.amazonaws.com", ensure.path);
                changes.push(Change { kind: ChangeKind::RoleCreated, message });
                clients.create_role(ensure).await?
            }
        };
        // One that a dry run did not create has no ARN.
        if !state.arn.is_empty() && !ensure.role.means(&state.arn) {
            let message = format!(
                "role {name} exists already, under another path: it is {}; name that one, or choose another name",
                state.arn
            );
            return Err(Error::found(CREATE_ROLE.name, Kind::AlreadyExists, Noun::Role, name.as_str(), message));
        }
        if matches!(state.trust, Trust::Missing | Trust::Denied | Trust::Unreadable) {
            let document = match repair_trust(&trust_document) {
                TrustRepair::Write(document) => document,
                TrustRepair::Impossible(why) => {
                    let message = format!(
                        "role {name} cannot be repaired by adding to it: {why}; correct its trust policy by hand"
                    );
                    return Err(Error::found(UPDATE_TRUST.name, Kind::State, Noun::Role, name.as_str(), message));
                }
            };
            // A statement that denies under a condition stays, and makes the trust conditional.
            state.trust = judge_trust(&document);
            if !ensure.validate_only {
                let sent = clients.iam.update_assume_role_policy().role_name(name.as_str()).policy_document(document);
                call(UPDATE_TRUST, sent.send()).await.map_err(|error| error.about(Noun::Role, name))?;
            }
            let message = format!("added backup.amazonaws.com to the trust policy of role {name}");
            changes.push(Change { kind: ChangeKind::TrustRepaired, message });
        }
        for policy in state.missing(&ensure.served) {
            let arn = policy.arn(state.partition);
            if !ensure.validate_only {
                let sent = clients.iam.attach_role_policy().role_name(name.as_str()).policy_arn(&arn);
                // What was done before this step stays done, whatever becomes of the step.
                let effect = |error: &Error| if changes.is_empty() { error.effect } else { Effect::Unknown };
                call(ATTACH, sent.send())
                    .await
                    .map_err(|error| Error { effect: effect(&error), ..error.about(Noun::Role, name) })?;
            }
            let message = format!("attached {arn} to role {name}");
            state.attached.push(arn);
            changes.push(Change { kind: ChangeKind::PolicyAttached, message });
        }
        Ok((state, changes))
    }
}

impl Clients {
    /// The ARN that AWS Backup wants. A name alone does not tell the role's path: IAM is asked.
    pub(super) async fn role_arn(&self, role: &RoleRef) -> Result<String, Error> {
        if let Some(arn) = &role.arn {
            return Ok(arn.as_str().to_owned());
        }
        self.look_for_role(role).await
    }

    /// As [`Self::role_arn`], for dry runs: IAM is asked for the role of an ARN too. Who may not ask may still hand the
    /// role to AWS Backup, so a refusal to tell is none of the role.
    pub(super) async fn role_arn_looked_for(&self, role: &RoleRef) -> Result<String, Error> {
        match (self.look_for_role(role).await, &role.arn) {
            (Err(error), Some(arn)) if error.kind == Kind::Denied => Ok(arn.as_str().to_owned()),
            (answer, _) => answer,
        }
    }

    async fn look_for_role(&self, role: &RoleRef) -> Result<String, Error> {
        let found = match call(GET_ROLE, self.iam.get_role().role_name(role.name.as_str()).send()).await {
            Ok(answer) => answer.role.map(|found| found.arn).unwrap_or_default(),
            Err(error) if error.kind == Kind::NotFound => return Err(missing(role)),
            Err(error) => return Err(error.about(Noun::Role, &role.name)),
        };
        if role.means(&found) { Ok(found) } else { Err(elsewhere(role, &found)) }
    }

    /// The role and its trust policy; `None` when there is no such role.
    pub(super) async fn role(&self, name: &RoleName) -> Result<Option<(RoleState, String)>, Error> {
        let about = |error: Error| error.about(Noun::Role, name);
        let role = match call(GET_ROLE, self.iam.get_role().role_name(name.as_str()).send()).await {
            Ok(answer) => answer.role.ok_or_else(|| Error::malformed(GET_ROLE.name, "Role"))?,
            Err(error) if error.kind == Kind::NotFound => return Ok(None),
            Err(error) => return Err(about(error)),
        };
        let (mut attached, mut inline) = (Vec::new(), Vec::new());
        let mut marker = None;
        loop {
            let sent = self.iam.list_attached_role_policies().role_name(name.as_str()).set_marker(marker);
            let answer = call(LIST_ATTACHED, sent.send()).await.map_err(about)?;
            attached.extend(
                answer.attached_policies.unwrap_or_default().into_iter().filter_map(|policy| policy.policy_arn),
            );
            marker = answer.marker.filter(|_| answer.is_truncated);
            if marker.is_none() {
                break;
            }
        }
        loop {
            let sent = self.iam.list_role_policies().role_name(name.as_str()).set_marker(marker);
            let answer = call(LIST_INLINE, sent.send()).await.map_err(about)?;
            inline.extend(answer.policy_names);
            marker = answer.marker.filter(|_| answer.is_truncated);
            if marker.is_none() {
                break;
            }
        }
        // IAM answers policy documents percent-encoded [M].
        let document = role.assume_role_policy_document.as_deref().unwrap_or_default();
        let document = percent_decode_str(document).decode_utf8_lossy().into_owned();
        let state = RoleState {
            name: role.role_name,
            arn: role.arn,
            path: role.path,
            partition: self.scope.region.partition(),
            created_at: time(Some(&role.create_date)),
            trust: judge_trust(&document),
            attached,
            inline,
        };
        Ok(Some((state, document)))
    }

    async fn create_role(&self, ensure: &EnsureRole) -> Result<(RoleState, String), Error> {
        let TrustRepair::Write(trust) = repair_trust(r#"{"Version":"2012-10-17"}"#) else {
            return Err(Error::malformed(CREATE_ROLE.name, "trust policy"));
        };
        let mut state = RoleState {
            name: ensure.role.name.as_str().to_owned(),
            arn: String::new(),
            path: ensure.path.as_str().to_owned(),
            partition: self.scope.region.partition(),
            created_at: None,
            trust: Trust::Granted,
            attached: Vec::new(),
            inline: Vec::new(),
        };
        if ensure.validate_only {
            return Ok((state, trust));
        }
        let mut sent = self
            .iam
            .create_role()
            .role_name(ensure.role.name.as_str())
            .path(ensure.path.as_str())
            .description("Assumed by AWS Backup to back up and restore resources. Made by Strongroom.")
            .assume_role_policy_document(&trust);
        for (key, value) in &ensure.tags.0 {
            let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value).build();
            sent = sent.tags(tag.map_err(|_| Error::malformed(CREATE_ROLE.name, "tag"))?);
        }
        match call(CREATE_ROLE, sent.send()).await {
            Ok(answer) => {
                let role = answer.role.ok_or_else(|| Error::malformed(CREATE_ROLE.name, "Role"))?;
                state.arn = role.arn;
                state.created_at = time(Some(&role.create_date));
                Ok((state, trust))
            }
            // Somebody, perhaps an earlier try of this call, was faster: what is there is repaired like any other.
            Err(error) if error.kind == Kind::AlreadyExists => self.role(&ensure.role.name).await?.ok_or(error),
            Err(error) => Err(error.about(Noun::Role, &ensure.role.name)),
        }
    }
}

fn missing(role: &RoleRef) -> Error {
    let name = &role.name;
    let message = format!("there is no role {name}: create it with EnsureServiceRole");
    Error::found(GET_ROLE.name, Kind::NotFound, Noun::Role, name.as_str(), message)
}

fn elsewhere(role: &RoleRef, found: &str) -> Error {
    let asked = role.arn.as_ref().map_or(role.name.as_str(), |arn| arn.as_str());
    let message = format!("there is no role {asked}: the role of that name is {found}");
    Error::found(GET_ROLE.name, Kind::NotFound, Noun::Role, asked, message)
}
