//! What a change of a selection tells of what it selects, and of the plan that it is in: looks for findings, which fail
//! nothing and take no longer than they may.

use std::collections::BTreeMap;

use super::super::{Failure, Scoped, looks::in_time, resources::MOST_RECORDS};
use crate::domain::{
    Arn, Criteria, DatabaseRef, Eligibility, Finding, MismatchKind, Plan, Resource, ResourceKind,
    restore_checks::not_checked,
};

impl Scoped {
    /// What will surprise about the criteria in a plan of this account and region, as the resources and settings are now.
    pub(super) async fn findings_of_criteria(&self, criteria: &Criteria) -> Vec<Finding> {
        let (now, of_named) = tokio::join!(Box::pin(self.tally(criteria)), Box::pin(self.findings_of_named(criteria)));
        let mut found = criteria.findings(self.scope(), now.as_ref().ok());
        found.extend(of_named);
        found.extend(now.err().map(|unseen| Criteria::not_checked(&unseen)));
        found
    }

    /// What lets AWS Backup pass over what `resources` names by ARN, or lets its backups fail.
    pub(super) async fn findings_of_named(&self, criteria: &Criteria) -> Vec<Finding> {
        let named = criteria.named_here(self.scope());
        if named.is_empty() {
            return Vec::new();
        }
        let arns: Vec<&Arn> = named.iter().map(|(_, arn)| arn).collect();
        let (databases, eligibility) = tokio::join!(in_time(self.databases_of(&arns)), in_time(self.eligibility()));
        let told = criteria.findings_of_named(self.scope(), databases.as_ref().ok(), eligibility.as_ref().ok());
        let unread = [
            (databases.err(), "what resources names", "rds:DescribeDBInstances and rds:DescribeDBClusters"),
            (eligibility.err(), "the region's settings", Eligibility::PERMISSIONS),
        ];
        let told = self.with_databases_meant(told, &named).await;
        let unread = unread.into_iter().filter_map(|(unseen, what, permissions)| {
            unseen.map(|unseen| not_checked(what, permissions, &unseen).at("resources"))
        });
        told.into_iter().chain(unread).collect()
    }

    /// Of what is said of databases that are missing, also which ones may have been meant.
    async fn with_databases_meant(&self, mut told: Vec<Finding>, named: &[(String, Arn)]) -> Vec<Finding> {
        let is_missing = |finding: &Finding| finding.code == MismatchKind::ResourceMissing.code();
        if !told.iter().any(is_missing) {
            return told;
        }
        let there = self.first_databases().await;
        for finding in told.iter_mut().filter(|finding| is_missing(finding)) {
            let of_field = named.iter().find(|(field, _)| finding.field == *field);
            let database = of_field.and_then(|(_, arn)| DatabaseRef::of_arn(arn));
            finding.message.push_str(&database.map(|named| named.meant_among(&there)).unwrap_or_default());
        }
        told
    }

    /// The databases of these ARNs that there are.
    async fn databases_of(&self, arns: &[&Arn]) -> Result<BTreeMap<String, Resource>, Failure> {
        let mut there = BTreeMap::new();
        for (kind, filter) in [(ResourceKind::DbInstance, "db-instance-id"), (ResourceKind::DbCluster, "db-cluster-id")]
        {
            let of_kind = |arn: &&&Arn| DatabaseRef::of_arn(arn).is_some_and(|named| named.kind == Some(kind));
            let wanted: Vec<String> = arns.iter().filter(of_kind).map(|arn| arn.as_str().to_owned()).collect();
            for wanted in wanted.chunks(MOST_RECORDS) {
                let (found, _) = self.databases(kind, Some((filter, wanted.to_vec())), MOST_RECORDS, None).await?;
                there.extend(found.into_iter().map(|database| (database.arn.clone(), database)));
            }
        }
        Ok(there)
    }

    /// What will surprise about the plan itself for what the criteria select, with the plan as the subject: it is the plan's
    /// rules that back it up.
    pub(super) async fn findings_of_plan(&self, plan_id: &str, criteria: &Criteria) -> Vec<Finding> {
        let plan = match in_time(self.plan(plan_id)).await {
            Ok(plan) if plan.deleted_at.is_none() => plan,
            // Whoever makes a selection in it hears of that otherwise.
            Ok(_) => return Vec::new(),
            Err(unseen) => {
                let permissions = "backup:GetBackupPlan";
                return vec![not_checked(&format!("plan {plan_id}"), permissions, &unseen).at("plan")];
            }
        };
        let Plan { arn, content, .. } = &plan;
        let (of_selected, of_vaults) = tokio::join!(
            Box::pin(self.findings_of_selecting(criteria, &content.rules)),
            Box::pin(self.vault_findings(&content.rules, Some(&content.name))),
        );
        // That jobs may begin in some window as long as the start window lasts is so for nearly every selection: whoever
        // makes one is told of the rules that run there.
        let is_certain = |finding: &Finding| !finding.field.ends_with(".start_window_minutes");
        let of_selected = of_selected.into_iter().filter(is_certain).map(|finding| finding.about(arn.as_str()));
        of_selected.chain(of_vaults).map(|finding| finding.at("plan")).collect()
    }
}
