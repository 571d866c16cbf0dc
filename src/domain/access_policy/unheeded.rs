//! What of a policy nobody will heed: actions that there are not, and statements about other vaults.

use serde_json::Value;

use super::{AccessPolicy, actions, placed, texts, wildcards};
use crate::domain::{Finding, invalid::quoted};

impl AccessPolicy {
    /// What of it, as the policy of the vault, says nothing to AWS, though somebody meant something by it.
    pub fn unheeded(&self, vault_arn: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (index, statement) in self.statements.iter().enumerate() {
            let at = format!("policy{}", self.place(index));
            for member in ["Action", "NotAction"] {
                for (at, action) in placed(&statement[member], &format!("{at}.{member}")) {
                    findings.extend(actions::unknown(action).map(|meant| no_action(action, &meant).at(at)));
                }
            }
            if is_about_other_vaults(&statement["Resource"], vault_arn) {
                findings.push(never_applies(vault_arn).at(format!("{at}.Resource")));
            }
        }
        findings
    }
}

fn no_action(action: &str, meant: &str) -> Finding {
    let which = if action.contains(['*', '?']) { "fits no action" } else { "is no action" };
    Finding::warning(
        "ACTION_UNKNOWN",
        format!("{} {which} of AWS Backup that Strongroom knows{meant}", quoted(action)),
        "correct it; an action that is newer than this version of Strongroom may stay",
    )
}

fn never_applies(vault_arn: &str) -> Finding {
    let message = format!(
        "the statement never applies: its Resource names other vaults alone, and the policy is heeded for {vault_arn} alone"
    );
    Finding::warning("STATEMENT_NEVER_APPLIES", message, "name this vault, or write \"*\"")
}

/// Whether all that it names are vaults, and none is this one. What variables stand for nobody knows here.
fn is_about_other_vaults(resources: &Value, vault_arn: &str) -> bool {
    let another = |pattern: &str| {
        pattern.contains(":backup-vault:") && !pattern.contains("${") && !wildcards::fits(pattern, vault_arn)
    };
    texts(resources).next().is_some() && texts(resources).all(another)
}
