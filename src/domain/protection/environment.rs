//! What rules lean on: the role of the selection, the vault of the rule.

use std::collections::BTreeSet;

use super::{Evidence, covering::Covering};
use crate::domain::{Finding, Severity};

impl Evidence {
    /// What is wrong with the roles.
    pub(super) fn role_findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (arn, role) in &self.roles {
            let Some(role) = role else {
                findings.push(Finding::error(
                    "ROLE_MISSING",
                    format!(
                        "there is no role {arn}, which AWS Backup assumes for this database: no backup of it works"
                    ),
                    "call EnsureServiceRole with that ARN, or ReplaceSelection with another role",
                ));
                continue;
            };
            findings.extend(role.findings().into_iter().map(|finding| match finding.code {
                // Another role will do for a restore.
                "RESTORE_POLICY_MISSING" => Finding { severity: Severity::Info, ..finding },
                _ => finding,
            }));
        }
        findings
    }

    /// What is wrong with the vaults.
    pub(super) fn vault_findings(&self, covering: &[Covering<'_>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut missing = BTreeSet::new();
        for covered in covering {
            let (name, rule) = (covered.name(), covered.rule);
            let target = &rule.target_vault;
            match self.vaults.get(target) {
                Some(Some(vault)) => {
                    let retention = rule.lifecycle.retention;
                    if vault.lock.as_ref().is_some_and(|lock| !lock.allows(retention)) {
                        findings.push(Finding::error(
                            "RETENTION_OUTSIDE_VAULT_LOCK",
                            format!("the lock of vault {target} does not allow what {name} asks for, a retention of {retention}: its jobs fail"),
                            "choose a retention within the lock (GetVault shows its bounds), or another vault, with UpdatePlan",
                        ));
                    }
                }
                Some(None) if missing.insert(target) => findings.push(Finding::error(
                    "VAULT_MISSING",
                    format!("there is no vault {target}, into which {name} backs up: its jobs fail"),
                    "create the vault, or name another with UpdatePlan",
                )),
                Some(None) | None => {}
            }
        }
        findings
    }
}
