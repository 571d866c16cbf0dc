//! What rules lean on: the role of the selection, the vault of the rule.

use std::{collections::BTreeSet, slice};

use super::{Evidence, covering::Covering};
use crate::domain::{Finding, Rule, Severity};

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

    /// What is wrong with the vaults, those that copies go to included. A vault that is missing is told once.
    pub(super) fn vault_findings(&self, covering: &[Covering<'_>]) -> Vec<Finding> {
        let mut told = BTreeSet::new();
        let mut findings = Vec::new();
        for Covering { plan, rule, .. } in covering {
            for found in
                Rule::vault_findings(slice::from_ref(*rule), &plan.scope, &self.vaults, Some(&plan.content.name))
            {
                // That nobody looked is no reason to call the database badly protected.
                let severity = match found.code {
                    "DESTINATION_NOT_CHECKED" | "KEY_NOT_CHECKED" | "NOT_CHECKED" => Severity::Info,
                    _ => found.severity,
                };
                let is_of_rule = matches!(found.code, "RETENTION_OUTSIDE_VAULT_LOCK" | "DESTINATION_IS_SOURCE");
                if is_of_rule || told.insert((found.code, found.subject.clone())) {
                    findings.push(Finding { severity, field: String::new(), ..found });
                }
            }
        }
        findings
    }

    /// That copies of a cluster are asked for of which AWS Backup copies nothing.
    pub(super) fn copy_findings(&self, covering: &[Covering<'_>]) -> Option<Finding> {
        let copying = covering.iter().find(|covered| !covered.rule.copies.is_empty())?;
        let multi_az = self.database.is_multi_az_cluster();
        let so = format!(": the copy actions of {} fail for {}", copying.name(), self.database.id);
        multi_az.then(|| Finding::multi_az_cluster_not_copyable(&so).as_warning())
    }
}
