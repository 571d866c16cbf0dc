//! What becomes of continuous backup when a recovery point of it is deleted or given back, or when what makes it no longer
//! does (docs/aws-backup-semantics.md, sections 7.4 and 16.2): in one place for all changes that can bring that about.

use std::collections::BTreeSet;

use super::{RecoveryPoint, or};
use crate::domain::{Arn, Finding, Lifecycle, Rule, VaultName};

/// Most names in one message.
const MOST_NAMED: usize = 5;

/// What takes continuous recovery points away from AWS Backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContinuousEnd {
    /// They are deleted.
    Deleted,
    /// They are deleted with their vault.
    DeletedWithVault,
    /// They are given back to their service.
    GivenBack,
}

/// How a kind of resource goes on without its continuous recovery point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Instance,
    Cluster,
    Other,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Instance, Self::Cluster, Self::Other];

    /// By the ARN of the resource; where AWS does not tell it, by that of the point, which begins with its id `[Q]`.
    fn of(point: &RecoveryPoint) -> Self {
        let arn = point.resource_arn.as_deref().and_then(|arn| Arn::parse(arn).ok());
        let is = |kind| arn.as_ref().is_some_and(|arn| arn.service() == "rds" && arn.resource_of_kind(kind).is_some());
        let begins = |start: &str| point.arn.rsplit(":continuous:").next().is_some_and(|id| id.starts_with(start));
        match () {
            () if is("cluster") || (arn.is_none() && begins("cluster-")) => Self::Cluster,
            () if is("db") || (arn.is_none() && begins("db-")) => Self::Instance,
            () => Self::Other,
        }
    }

    fn after(self, end: ContinuousEnd, of: &str) -> Finding {
        match (end, self) {
            (ContinuousEnd::GivenBack, Self::Instance | Self::Cluster) => {
                let message = format!(
                    "RDS keeps the automated backups of {of}, for as long as it keeps them now, and they go on: AWS Backup \
                     shows and restores them no longer"
                );
                let action = "set the retention in RDS (BackupRetentionPeriod), and restore from there";
                Finding::warning("AUTOMATED_BACKUPS_STAY", message, action)
            }
            (ContinuousEnd::GivenBack, Self::Other) => {
                let message = format!("AWS Backup shows and restores the continuous backup of {of} no longer");
                Finding::warning("AUTOMATED_BACKUPS_STAY", message, "")
            }
            (ContinuousEnd::Deleted | ContinuousEnd::DeletedWithVault, kind) => kind.deleted(of),
        }
    }

    fn deleted(self, of: &str) -> Finding {
        let (message, action) = match self {
            Self::Instance => (
                format!(
                    "continuous backup of {of} ends: RDS turns automated backups off in the maintenance window, and \
                     restarts the instance for it; no second of the time before can be restored any more"
                ),
                "keep it with DisassociateRecoveryPoint, which leaves automated backups to RDS",
            ),
            Self::Cluster => (
                format!(
                    "continuous backup of {of} ends: a cluster cannot be without automated backups, so RDS keeps them, \
                     for 1 day; what is older can no longer be restored to any second"
                ),
                "keep it with DisassociateRecoveryPoint, which leaves automated backups to RDS",
            ),
            Self::Other => (format!("continuous backup of {of} ends: it can no longer be restored to any second"), ""),
        };
        Finding::warning("CONTINUOUS_BACKUP_ENDS", message, action)
    }
}

/// What will happen after continuous ones among the points have ended in that way. Of snapshots there is nothing to say.
pub fn after<'p>(points: impl IntoIterator<Item = &'p RecoveryPoint>, end: ContinuousEnd) -> Vec<Finding> {
    let points: Vec<&RecoveryPoint> = points.into_iter().filter(|point| point.is_continuous()).collect();
    let made_by: BTreeSet<(&str, &str)> = points
        .iter()
        .filter_map(|point| point.plan_origin())
        .map(|origin| (or(&origin.rule_name, &origin.rule_id), or(&origin.plan_name, &origin.plan_id)))
        .collect();
    let made_by = made_by.into_iter().take(MOST_NAMED);
    let mut findings: Vec<Finding> = made_by.map(|(rule, plan)| makes_another(rule, plan, end)).collect();
    for kind in Kind::ALL {
        let of: BTreeSet<&str> = points.iter().filter(|it| Kind::of(it) == kind).map(|it| resource(it)).collect();
        if !of.is_empty() {
            findings.push(kind.after(end, &some(&of)));
        }
    }
    findings
}

/// That a check of a vault did not look through all of its points.
pub fn not_all_seen(vault: &VaultName) -> Finding {
    let message = format!(
        "vault {vault} holds so many recovery points that not all were looked at: which continuous ones are among the rest \
         is not known"
    );
    Finding::warning("NOT_CHECKED", message, "list them with ListRecoveryPoints")
}

fn makes_another(rule: &str, plan: &str, end: ContinuousEnd) -> Finding {
    let (message, action) = match end {
        ContinuousEnd::Deleted | ContinuousEnd::GivenBack => (
            format!(
                "rule {rule} of plan {plan} made it and makes a new continuous recovery point at its next run, unless the \
                 rule or the selection is changed before"
            ),
            "change the rule (enable_continuous_backup) or the selection first, if it is to end",
        ),
        ContinuousEnd::DeletedWithVault => (
            format!(
                "rule {rule} of plan {plan} made continuous recovery points in the vault: as long as it names the vault, \
                 its runs fail once that is gone"
            ),
            "have the rule name another vault, or end it",
        ),
    };
    Finding::warning("RULE_CONTINUES_BACKUP", message, action)
}

/// What of a resource's ARN people call it.
fn resource(point: &RecoveryPoint) -> &str {
    let arn = point.resource_arn.as_deref();
    let named = point.resource_name.as_deref().filter(|name| !name.is_empty());
    named.or_else(|| arn?.rsplit([':', '/']).next()).unwrap_or("its resource")
}

fn some(names: &BTreeSet<&str>) -> String {
    let named: Vec<&str> = names.iter().take(MOST_NAMED).copied().collect();
    match names.len().saturating_sub(MOST_NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Why rules no longer make the continuous recovery points that they made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLongerMade {
    /// The plan is deleted.
    PlanDeleted,
    /// The plan has the rule no longer.
    RuleRemoved,
    /// The rule makes snapshots from now on.
    TurnedOff,
    /// The selection is deleted.
    SelectionDeleted,
    /// The selection selects something else.
    SelectionReplaced,
}

impl Rule {
    /// What becomes of the continuous recovery points that those rules made.
    pub fn continuous_points_left<'r>(rules: impl IntoIterator<Item = &'r Self>, why: NoLongerMade) -> Vec<Finding> {
        let continuous = rules.into_iter().filter(|rule| rule.continuous);
        continuous.map(|rule| rule.points_left(why)).collect()
    }

    fn points_left(&self, why: NoLongerMade) -> Finding {
        let (of, unless) = match why {
            NoLongerMade::PlanDeleted | NoLongerMade::RuleRemoved | NoLongerMade::TurnedOff => ("", ""),
            NoLongerMade::SelectionDeleted => {
                (" of what the selection selected", ", of all that no other selection of the plan selects")
            }
            NoLongerMade::SelectionReplaced => {
                (" of what the selection no longer selects", ", of all that no other selection of the plan selects")
            }
        };
        let kept = Lifecycle::kept(self.lifecycle.retention).described();
        let message = format!(
            "the continuous recovery points that rule {} made{of} end{unless}: AWS keeps them by the retention that they \
             had, {kept}, and deletes them then; until a database's is deleted, AWS Backup keeps its backup window and \
             retention in RDS",
            self.name
        );
        let action = "give what is to stay with RDS back with DisassociateRecoveryPoint";
        Finding::warning("CONTINUOUS_POINTS_LEFT", message, action).about(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, JobOrigin, PlanOrigin, RegionName, Scope};

    fn point(arn: &str, resource: &str) -> RecoveryPoint {
        let scope = Scope { account: AccountId::example(), region: RegionName::example() };
        let made = PlanOrigin { plan_name: "p".into(), rule_name: "r".into(), ..PlanOrigin::default() };
        RecoveryPoint {
            resource_arn: (!resource.is_empty()).then(|| resource.to_owned()),
            created_by: Some(JobOrigin::Plan(made)),
            ..RecoveryPoint::blank(format!("arn:aws:backup:us-east-1:123456789012:recovery-point:{arn}"), scope)
        }
    }

    #[test]
    fn each_kind_of_resource_goes_on_in_its_own_way_and_is_told_once() {
        let rds = |id: &str| format!("arn:aws:rds:us-east-1:123456789012:{id}");
        let points = [
            point("continuous:db-A-1", &rds("db:orders")),
            point("continuous:db-B-1", &rds("db:ledger")),
            point("continuous:cluster-C-1", ""),
            point("continuous:bucket-1", "arn:aws:s3:::bucket"),
            point("0f3c7a50-7d5e-4d3c-8c0f-0c1d2e3f4a5b", &rds("db:other")),
        ];
        let told = |end| after(&points, end).into_iter().map(|found| (found.code, found.message)).collect::<Vec<_>>();
        for (end, code) in [
            (ContinuousEnd::Deleted, "CONTINUOUS_BACKUP_ENDS"),
            (ContinuousEnd::DeletedWithVault, "CONTINUOUS_BACKUP_ENDS"),
            (ContinuousEnd::GivenBack, "AUTOMATED_BACKUPS_STAY"),
        ] {
            let told = told(end);
            let codes: Vec<_> = told.iter().map(|(code, _)| *code).collect();
            assert_eq!(codes, ["RULE_CONTINUES_BACKUP", code, code, code], "{end:?}");
            assert!(told[1].1.contains("ledger, orders"), "{told:?}");
        }
        let deleted = told(ContinuousEnd::Deleted);
        for (at, word) in [(0, "next run"), (1, "maintenance window"), (2, "for 1 day"), (3, "bucket")] {
            assert!(deleted[at].1.contains(word), "{deleted:?}");
        }
        assert_eq!(after(&points[4..], ContinuousEnd::Deleted), [], "a snapshot leaves nothing behind");
    }
}
