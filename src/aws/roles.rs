//! The IAM role that AWS Backup assumes.

use percent_encoding::percent_decode_str;

use super::{
    Aws, Effect, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    time,
};
use crate::domain::{
    AskedScope, Change, ChangeKind, EnsureRole, RoleName, RoleRef, RoleState, ServicePolicy, Trust, TrustRepair,
    judge_trust, repair_trust,
};

const GET_ROLE: Operation = Operation::read("iam", "GetRole");
const CREATE_ROLE: Operation = Operation::write("iam", "CreateRole");
const UPDATE_TRUST: Operation = Operation::write("iam", "UpdateAssumeRolePolicy");
const LIST_ATTACHED: Operation = Operation::read("iam", "ListAttachedRolePolicies");
const LIST_INLINE: Operation = Operation::read("iam", "ListRolePolicies");
const ATTACH: Operation = Operation::write("iam", "AttachRolePolicy");

impl Aws {
    /// The role as IAM has it.
    pub async fn get_service_role(&self, asked: &AskedScope, name: &RoleName) -> Result<RoleState, Error> {
        let clients = self.clients(asked).await?;
        let (state, _) = clients.role(name).await?.ok_or_else(|| missing(name))?;
        Ok(state)
    }

    /// Creates the role or adds what it lacks; says what it did. Every step can be repeated, so a call that broke off
    /// half way is finished by calling again.
    pub async fn ensure_service_role(
        &self,
        asked: &AskedScope,
        ensure: &EnsureRole,
    ) -> Result<(RoleState, Vec<Change>), Error> {
        let clients = self.clients(asked).await?;
        let mut changes = Vec::new();
        let (mut state, trust_document) = match clients.role(&ensure.name).await? {
            Some(found) => found,
            None => {
                let message =
                    format!("created role {} at path {}, trusting backup.amazonaws.com", ensure.name, ensure.path);
                changes.push(Change { kind: ChangeKind::RoleCreated, message });
                clients.create_role(ensure).await?
            }
        };
        if matches!(state.trust, Trust::Missing | Trust::Denied | Trust::Unreadable) {
            let document = match repair_trust(&trust_document) {
                TrustRepair::Write(document) => document,
                TrustRepair::Impossible(why) => {
                    let message = format!(
                        "role {} cannot be repaired by adding to it: {why}; correct its trust policy by hand",
                        ensure.name
                    );
                    return Err(Error::found(
                        UPDATE_TRUST.name,
                        Kind::State,
                        Noun::Role,
                        ensure.name.as_str(),
                        message,
                    ));
                }
            };
            if !ensure.validate_only {
                let sent =
                    clients.iam.update_assume_role_policy().role_name(ensure.name.as_str()).policy_document(document);
                call(UPDATE_TRUST, sent.send()).await.map_err(|error| error.about(Noun::Role, &ensure.name))?;
            }
            state.trust = Trust::Granted;
            let message = format!("added backup.amazonaws.com to the trust policy of role {}", ensure.name);
            changes.push(Change { kind: ChangeKind::TrustRepaired, message });
        }
        let missing: Vec<ServicePolicy> = state.missing().collect();
        for policy in missing {
            if !ensure.validate_only {
                let sent = clients.iam.attach_role_policy().role_name(ensure.name.as_str()).policy_arn(policy.arn());
                // What was done before this step stays done, whatever becomes of the step.
                let effect = |error: &Error| if changes.is_empty() { error.effect } else { Effect::Unknown };
                call(ATTACH, sent.send())
                    .await
                    .map_err(|error| Error { effect: effect(&error), ..error.about(Noun::Role, &ensure.name) })?;
            }
            state.attached.push(policy.arn().to_owned());
            let message = format!("attached {} to role {}", policy.arn(), ensure.name);
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
        match call(GET_ROLE, self.iam.get_role().role_name(role.name.as_str()).send()).await {
            Ok(answer) => Ok(answer.role.map(|found| found.arn).unwrap_or_default()),
            Err(error) if error.kind == Kind::NotFound => Err(missing(&role.name)),
            Err(error) => Err(error.about(Noun::Role, &role.name)),
        }
    }

    /// The role and its trust policy; `None` when there is no such role.
    async fn role(&self, name: &RoleName) -> Result<Option<(RoleState, String)>, Error> {
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
            name: ensure.name.as_str().to_owned(),
            arn: String::new(),
            path: ensure.path.as_str().to_owned(),
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
            .role_name(ensure.name.as_str())
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
            Err(error) if error.kind == Kind::AlreadyExists => self.role(&ensure.name).await?.ok_or(error),
            Err(error) => Err(error.about(Noun::Role, &ensure.name)),
        }
    }
}

fn missing(name: &RoleName) -> Error {
    let message = format!("there is no role {name}: create it with EnsureServiceRole");
    Error::found(GET_ROLE.name, Kind::NotFound, Noun::Role, name.as_str(), message)
}
