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
            let target = &rule.vault;
            match self.vaults.get(target) {
                Some(Some(vault)) => {
                    let retention = rule.lifecycle.retention;
                    let what = format!("the backups of {name} are");
                    let lock = vault.lock.as_ref();
                    findings.extend(lock.and_then(|lock| Finding::outside_lock(target, lock, &what, retention)));
                }
                Some(None) if missing.insert(target) => {
                    findings.push(Finding::vault_missing(target, &format!("{name} backs up")));
                }
                Some(None) | None => {}
            }
        }
        findings
    }
}
