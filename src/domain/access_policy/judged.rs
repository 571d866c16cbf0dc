//! Whether a policy lets Strongroom, which sets it, change it again.

use serde_json::Value;

use super::{
    AccessPolicy,
    caller::{Answer, Caller},
    condition, texts, wildcards,
};
use crate::domain::{Finding, Unseen};

const CHANGE: &str = "backup:PutBackupVaultAccessPolicy";
const REMOVAL: &str = "backup:DeleteBackupVaultAccessPolicy";

/// By what statements are judged.
pub(super) struct Judge<'j> {
    /// `None`: AWS did not tell.
    pub(super) caller: Option<&'j Caller>,
    vault_arn: &'j str,
}

impl<'j> Judge<'j> {
    pub(super) fn account(&self) -> &'j str {
        self.vault_arn.split(':').nth(4).unwrap_or_default()
    }

    pub(super) fn region(&self) -> &'j str {
        self.vault_arn.split(':').nth(3).unwrap_or_default()
    }

    /// Whether the statement is about the action, done by Strongroom to the vault.
    fn hits(&self, statement: &Value, action: &str) -> Answer {
        let hits = [
            about_action(statement, action),
            self.about_vault(statement),
            self.about_caller(statement),
            condition::holds(&statement["Condition"], self),
        ];
        hits.into_iter().fold(Answer::Yes, Answer::min)
    }

    fn about_vault(&self, statement: &Value) -> Answer {
        let fits = |pattern: &str| match wildcards::fits(pattern, self.vault_arn) {
            true => Answer::Yes,
            false if pattern.contains("${") => Answer::Unknown,
            false => Answer::No,
        };
        match statement.get("NotResource") {
            Some(others) => texts(others).map(fits).fold(Answer::No, Answer::max).not(),
            None => texts(&statement["Resource"]).map(fits).fold(Answer::No, Answer::max),
        }
    }

    fn about_caller(&self, statement: &Value) -> Answer {
        match statement.get("NotPrincipal") {
            Some(spared) if names_everyone(spared) => Answer::No,
            Some(spared) => match self.caller {
                None => Answer::Unknown,
                Some(caller) => (!self.not_spared(spared, caller).is_empty()).into(),
            },
            None if names_everyone(&statement["Principal"]) => Answer::Yes,
            None => texts(&statement["Principal"]["AWS"]).map(|name| self.is(name)).fold(Answer::No, Answer::max),
        }
    }

    /// Whether a principal is Strongroom. It is one of the vault's account, even if AWS does not tell which.
    fn is(&self, principal: &str) -> Answer {
        let Some(caller) = self.caller else {
            let account = principal.split(':').nth(4).unwrap_or(principal);
            let whole = principal == account || principal.ends_with(":root");
            return match (account == self.account(), whole) {
                (false, _) => Answer::No,
                (true, false) => Answer::Unknown,
                (true, true) => Answer::Yes,
            };
        };
        caller.is(principal)
    }

    /// By which names of the caller NotPrincipal does not spare it: a Deny hits whoever is not named by all of them `[D]`.
    fn not_spared(&self, spared: &Value, caller: &Caller) -> Vec<String> {
        let mut names = caller.names();
        names.retain(|name| {
            let root = name.ends_with(":root");
            let spares = |spared: &str| match root {
                true => spared == self.account() || spared == name,
                // A role is named with its path, which STS does not tell.
                false if name.contains(":role/") => spared.contains(":role/") && caller.is(spared) == Answer::Yes,
                false => spared == name,
            };
            !texts(&spared["AWS"]).any(spares)
        });
        names
    }
}

impl AccessPolicy {
    /// Whether it denies anything, so that it matters who Strongroom is.
    pub fn denies(&self) -> bool {
        self.statements.iter().any(|statement| statement["Effect"] == "Deny")
    }

    /// What will surprise in it, as the policy of the vault, set by the caller.
    pub fn findings(&self, vault_arn: &str, caller: Result<&Caller, &Unseen>) -> Vec<Finding> {
        let judge = Judge { caller: caller.ok(), vault_arn };
        let denied = |action: &str| {
            let denials = self.statements.iter().filter(|statement| statement["Effect"] == "Deny");
            denials.map(|statement| judge.hits(statement, action)).fold(Answer::No, Answer::max)
        };
        let (change, removal) = (denied(CHANGE), denied(REMOVAL));
        let mut findings = self.unheeded(vault_arn);
        for (index, statement) in self.statements.iter().enumerate() {
            let field = format!("policy{}", self.place(index));
            if statement["Effect"] == "Allow" {
                findings.extend(open(statement).map(|finding| finding.at(field)));
                continue;
            }
            let (changes, removes) = (judge.hits(statement, CHANGE), judge.hits(statement, REMOVAL));
            let certain = changes.max(removes);
            if certain == Answer::No {
                continue;
            }
            let what = match (changes == certain, removes == certain) {
                (true, true) => "to change or remove this policy again",
                (true, false) => "to change this policy again",
                (false, _) => "to remove this policy again",
            };
            let way_back = match (change, removal) {
                (Answer::No, _) => "SetVaultAccessPolicy can still replace it",
                (_, Answer::No) => "DeleteVaultAccessPolicy can still remove it",
                _ => "AWS documents no other way to undo it",
            };
            let finding = if certain == Answer::Yes {
                let whom = whom(statement, judge.caller);
                let message = format!("the statement denies {whom} {what}: {way_back}");
                Finding::warning("POLICY_DENIES_ITS_CHANGE", message, judge.remedy(statement))
            } else {
                let message = format!(
                    "the statement may deny Strongroom {what}: whether it does depends on {}; if it does, {way_back}",
                    judge.doubt(statement)
                );
                Finding::warning("POLICY_MAY_DENY_ITS_CHANGE", message, judge.remedy(statement))
            };
            findings.push(finding.at(field));
        }
        let may_deny = findings.iter().any(|finding| finding.code == "POLICY_MAY_DENY_ITS_CHANGE");
        if let (Err(unseen), true) = (caller, may_deny) {
            let unknown = "whether the policy denies it to Strongroom to change the policy again is not known";
            let action = unseen.action("sts:GetCallerIdentity", "check it again with validate_only");
            findings.push(unseen.not_checked("who Strongroom is in AWS", unknown, action).at("policy"));
        }
        findings
    }
}

impl Judge<'_> {
    /// What a statement that locks Strongroom out lacks.
    fn remedy(&self, statement: &Value) -> String {
        let leave_out = "leave that action out of the statement";
        let Some(caller) = self.caller else { return leave_out.to_owned() };
        let path = if caller.kind() == Some("AssumedRole") { " (with the role's path, if it has one)" } else { "" };
        let names = statement.get("NotPrincipal").map(|spared| self.not_spared(spared, caller)).unwrap_or_default();
        if !names.is_empty() {
            return format!("{leave_out}, or name {} too in NotPrincipal{path}", names.join(", "));
        }
        let arn = caller.principal_arn();
        format!(
            "{leave_out}, or except Strongroom by the Condition {{\"ArnNotEquals\": {{\"aws:PrincipalArn\": \
             \"{arn}\"}}}}{path}"
        )
    }

    /// What of the statement cannot be judged.
    fn doubt(&self, statement: &Value) -> String {
        let mut doubts = Vec::new();
        if self.about_caller(statement) == Answer::Unknown {
            doubts.push(match self.caller {
                None => "who Strongroom is, which AWS did not tell".to_owned(),
                Some(_) => "the name of its session, which changes".to_owned(),
            });
        }
        if self.about_vault(statement) == Answer::Unknown {
            doubts.push("variables in its Resource".to_owned());
        }
        if condition::holds(&statement["Condition"], self) == Answer::Unknown {
            doubts.push(format!("its Condition ({})", condition::keys(&statement["Condition"]).join(", ")));
        }
        doubts.join(" and ")
    }
}

fn whom(statement: &Value, caller: Option<&Caller>) -> String {
    let strongroom = caller.map_or_else(|| "Strongroom".to_owned(), |caller| format!("Strongroom ({})", caller.arn));
    let conditional = statement["Condition"].as_object().is_some_and(|condition| !condition.is_empty());
    if statement.get("NotPrincipal").is_some() {
        format!("whoever NotPrincipal does not name in full, {strongroom} too,")
    } else if names_everyone(&statement["Principal"]) && !conditional {
        "everybody, Strongroom too,".to_owned()
    } else {
        strongroom
    }
}

/// That everybody is let in.
fn open(statement: &Value) -> Option<Finding> {
    let condition = &statement["Condition"];
    if !names_everyone(&statement["Principal"]) || condition::says_who(condition) {
        return None;
    }
    let message = match condition.as_object().is_some_and(|condition| !condition.is_empty()) {
        true => {
            "the statement lets every AWS account do this to the vault, for its Condition does not say who may: name \
             principals, or add one such as aws:PrincipalOrgID"
        }
        false => {
            "the statement lets every AWS account do this to the vault: name principals, or add a Condition such as \
             aws:PrincipalOrgID"
        }
    };
    Some(Finding::warning("POLICY_OPEN_TO_ANYONE", message, ""))
}

/// Actions are compared without regard to case `[D]`.
fn about_action(statement: &Value, action: &str) -> Answer {
    let action = action.to_ascii_lowercase();
    let fits = |pattern: &str| wildcards::fits(&pattern.to_ascii_lowercase(), &action);
    match statement.get("NotAction") {
        Some(others) => !texts(others).any(fits),
        None => texts(&statement["Action"]).any(fits),
    }
    .into()
}

fn names_everyone(principal: &Value) -> bool {
    principal == "*" || texts(&principal["AWS"]).any(|name| name == "*")
}
