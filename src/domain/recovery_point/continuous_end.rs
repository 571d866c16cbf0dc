//! What becomes of continuous backup when a recovery point of it is deleted or given back, or when what makes it no longer
//! does (docs/aws-backup-semantics.md, sections 7.4 and 16.2): in one place for all changes that can bring that about.

use std::collections::BTreeSet;

use super::{RecoveryPoint, or};
use crate::domain::{
    Arn, Criteria, Eligibility, Finding, Lifecycle, Resource, Rule, Unseen, VaultName, restore_checks::AutomatedBackup,
};

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

/// A continuous recovery point that ends, with what stands behind it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndingPoint {
    /// The point.
    pub point: RecoveryPoint,
    /// What it is of.
    pub database: DatabaseNow,
    /// The rule that made it.
    pub rule: RuleNow,
}

impl EndingPoint {
    /// Of one behind which nobody could look.
    pub fn unseen(point: RecoveryPoint, why: &Unseen) -> Self {
        Self { point, database: DatabaseNow::NotChecked(why.clone()), rule: RuleNow::NotChecked(why.clone()) }
    }
}

/// What there is of the database that a continuous recovery point is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseNow {
    /// It is there.
    There,
    /// It is deleted, and RDS has kept its automated backups.
    BackupsKept,
    /// It is deleted with its automated backups.
    Gone,
    /// Another one has its name, and it is gone.
    Replaced,
    /// It is none of RDS's, and not looked at.
    NotOfRds,
    /// Nobody knows.
    NotChecked(Unseen),
}

impl DatabaseNow {
    /// By the database of that name, if there is one, and the automated backups that RDS has under the name.
    pub fn judge(point: &RecoveryPoint, named: Option<&Resource>, backups: &[AutomatedBackup]) -> Self {
        let own = backups.iter().any(|backup| backup.is_of(&point.arn));
        match named {
            Some(database) if own || database.continuous_recovery_point_arn == point.arn => Self::There,
            Some(_) if !backups.is_empty() => Self::Replaced,
            Some(_) => Self::There,
            None if own => Self::BackupsKept,
            None => Self::Gone,
        }
    }

    /// Whether what the rule backs up now is not what the point is of.
    fn is_over(&self) -> bool {
        matches!(self, Self::BackupsKept | Self::Gone | Self::Replaced)
    }
}

/// Whether the rule that made a continuous recovery point would make a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleNow {
    /// It does, to this vault.
    Continues {
        /// Name.
        vault: String,
    },
    /// No rule is known to have made it; or that one, its plan or the selection is gone or changed.
    NoLonger,
    /// Nobody knows.
    NotChecked(Unseen),
}

/// A plan as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanNow {
    /// Its rules.
    pub rules: Vec<Rule>,
    /// What its selections select by.
    pub criteria: Vec<Criteria>,
    /// Whether these are all.
    pub complete: bool,
}

impl RuleNow {
    /// By the plan that made the point (`None`: deleted), and what is known of the database of its name.
    pub fn judge(
        point: &RecoveryPoint,
        plan: &Result<Option<PlanNow>, Unseen>,
        eligibility: &Result<Eligibility, Unseen>,
        database: &DatabaseNow,
        named: Option<&Resource>,
    ) -> Self {
        let Some(origin) = point.plan_origin() else { return Self::NoLonger };
        let plan = match plan {
            Err(unseen) => return Self::NotChecked(unseen.clone()),
            Ok(None) => return Self::NoLonger,
            Ok(Some(plan)) => plan,
        };
        let by_id = plan.rules.iter().find(|rule| !rule.id.is_empty() && rule.id == origin.rule_id);
        let rule = by_id.or_else(|| plan.rules.iter().find(|rule| rule.name == origin.rule_name));
        let Some(rule) = rule.filter(|rule| rule.continuous) else { return Self::NoLonger };
        if database.is_over() || (plan.complete && plan.criteria.is_empty()) {
            return Self::NoLonger;
        }
        let named = match (named, database) {
            (Some(named), _) => named,
            (None, DatabaseNow::NotChecked(unseen)) => return Self::NotChecked(unseen.clone()),
            (None, _) => return Self::NotChecked(Unseen::settled("Strongroom looks at databases alone")),
        };
        let eligibility = match eligibility {
            Ok(eligibility) => eligibility,
            Err(unseen) => return Self::NotChecked(unseen.clone()),
        };
        let candidate = named.candidate();
        if plan.criteria.iter().any(|criteria| criteria.judge(&candidate, eligibility).selected()) {
            return Self::Continues { vault: rule.vault.clone() };
        }
        if plan.complete { Self::NoLonger } else { Self::NotChecked(Unseen::settled("the plan has more selections")) }
    }
}

/// Of points that are too many to look behind each.
pub fn too_many() -> Unseen {
    Unseen::settled("there are too many")
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

    /// Of a database that is deleted, and whose automated backups RDS has kept: clusters', where a rule says so, and what
    /// instances' continuous points follow (section 16.2).
    fn after_kept(self, end: ContinuousEnd, of: &str) -> Finding {
        match end {
            ContinuousEnd::Deleted | ContinuousEnd::DeletedWithVault => {
                let message = format!(
                    "{of} is deleted, and RDS has kept its automated backups: what the recovery point restores from them, \
                     any second of the time before, can no longer be restored by AWS Backup"
                );
                let action = "keep it until nobody needs it, or leave it to RDS with DisassociateRecoveryPoint";
                Finding::warning("CONTINUOUS_BACKUP_ENDS", message, action)
            }
            ContinuousEnd::GivenBack => {
                let message = format!(
                    "{of} is deleted, and RDS keeps the automated backups that it has of it, for as long as it keeps them \
                     now; none are added, and AWS Backup shows and restores them no longer"
                );
                Finding::warning("AUTOMATED_BACKUPS_STAY", message, "restore from there in RDS")
            }
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

/// What will happen after those points have ended in that way.
pub fn after(points: &[EndingPoint], end: ContinuousEnd) -> Vec<Finding> {
    let mut findings = rules(points, end);
    for kind in Kind::ALL {
        for (is, told) in STATES {
            let of = points.iter().filter(|it| Kind::of(&it.point) == kind && is(&it.database));
            let of: BTreeSet<&str> = of.map(|it| resource(&it.point)).collect();
            if !of.is_empty() {
                findings.push(told(kind, end, &some(&of)));
            }
        }
    }
    findings.extend(not_checked(points));
    findings
}

/// Says what becomes of the resources of a kind, in the states that have it.
type Told = fn(Kind, ContinuousEnd, &str) -> Finding;

/// Whether a database is in a state.
type IsIn = fn(&DatabaseNow) -> bool;

/// What is said of the databases in each state. Of what nobody could look at, it is what is so of one that is there.
const STATES: [(IsIn, Told); 4] = [
    (|it| matches!(it, DatabaseNow::There | DatabaseNow::NotOfRds | DatabaseNow::NotChecked(_)), Kind::after),
    (|it| *it == DatabaseNow::BackupsKept, Kind::after_kept),
    (|it| *it == DatabaseNow::Gone, |_, end, of| gone(end, of)),
    (|it| *it == DatabaseNow::Replaced, |_, _, of| replaced(of)),
];

fn gone(end: ContinuousEnd, of: &str) -> Finding {
    let so = match end {
        ContinuousEnd::Deleted | ContinuousEnd::DeletedWithVault => "nothing that could be restored goes with it",
        ContinuousEnd::GivenBack => "there is nothing that RDS would keep",
    };
    let message = format!(
        "{of} is deleted, and RDS has no automated backups of it any more: the recovery point restores nothing, and {so}"
    );
    Finding::info("NOTHING_TO_RESTORE_FROM", message)
}

fn replaced(of: &str) -> Finding {
    let message = format!(
        "the database that is named {of} now is not the one that the recovery point followed, of which RDS has no automated \
         backups: the recovery point restores nothing of it"
    );
    Finding::info("SOURCE_REPLACED", message)
}

/// Which rules go on, each once.
fn rules(points: &[EndingPoint], end: ContinuousEnd) -> Vec<Finding> {
    let continues = points.iter().filter_map(|ending| match &ending.rule {
        RuleNow::Continues { vault } => {
            let origin = ending.point.plan_origin()?;
            let own = ending.point.vault_name.as_deref().is_none_or(|own| own == vault);
            let elsewhere = (!own).then_some(vault.as_str());
            Some((or(&origin.rule_name, &origin.rule_id), or(&origin.plan_name, &origin.plan_id), elsewhere))
        }
        RuleNow::NoLonger | RuleNow::NotChecked(_) => None,
    });
    let continues: BTreeSet<_> = continues.collect();
    let told = continues.into_iter().take(MOST_NAMED);
    told.map(|(rule, plan, elsewhere)| makes_another(rule, plan, elsewhere, end)).collect()
}

/// What could not be looked at, the databases and the rules each at once.
fn not_checked(points: &[EndingPoint]) -> Vec<Finding> {
    let databases = points.iter().filter_map(|ending| match &ending.database {
        DatabaseNow::NotChecked(unseen) => Some((resource(&ending.point), unseen)),
        _ => None,
    });
    let rules = points.iter().filter_map(|ending| match &ending.rule {
        RuleNow::NotChecked(unseen) => Some((resource(&ending.point), unseen)),
        RuleNow::NoLonger | RuleNow::Continues { .. } => None,
    });
    let mut found = Vec::new();
    if let Some((of, unseen)) = at_once(databases) {
        let unknown = "if not, nothing changes in RDS";
        let action = unseen.action(DATABASE_PERMISSIONS, "look with GetResource");
        found.push(unseen.not_checked(
            &format!("whether RDS still has {of} and its automated backups"),
            unknown,
            action,
        ));
    }
    if let Some((of, unseen)) = at_once(rules) {
        let what = format!("whether a rule of a plan still backs up {of} continuously");
        let unknown = "if one does, it makes a new continuous recovery point at its next run";
        let action = unseen.action(RULE_PERMISSIONS, "see with ExplainProtection");
        found.push(unseen.not_checked(&what, unknown, action));
    }
    found
}

const DATABASE_PERMISSIONS: &str = "rds:DescribeDBInstances, rds:DescribeDBClusters, \
                                    rds:DescribeDBInstanceAutomatedBackups and rds:DescribeDBClusterAutomatedBackups";
const RULE_PERMISSIONS: &str = "backup:GetBackupPlan, backup:ListBackupSelections, backup:GetBackupSelection, \
                                backup:GetSupportedResourceTypes, backup:DescribeRegionSettings, \
                                rds:DescribeDBInstances and rds:DescribeDBClusters";

fn at_once<'u>(unseen: impl Iterator<Item = (&'u str, &'u Unseen)>) -> Option<(String, &'u Unseen)> {
    let (names, unseen): (BTreeSet<&str>, Vec<&Unseen>) = unseen.unzip();
    Some((some(&names), *unseen.first()?))
}

/// That a check of a vault did not look through all of its points.
pub fn not_all_seen(vault: &VaultName) -> Finding {
    let message = format!(
        "vault {vault} holds so many recovery points that not all were looked at: which continuous ones are among the rest \
         is not known"
    );
    Finding::warning("NOT_CHECKED", message, "list them with ListRecoveryPoints")
}

fn makes_another(rule: &str, plan: &str, elsewhere: Option<&str>, end: ContinuousEnd) -> Finding {
    let (message, action) = match (end, elsewhere) {
        (ContinuousEnd::Deleted | ContinuousEnd::GivenBack, _) | (ContinuousEnd::DeletedWithVault, Some(_)) => (
            format!(
                "rule {rule} of plan {plan} made it and makes a new continuous recovery point at its next run{}, unless the \
                 rule or the selection is changed before",
                elsewhere.map(|vault| format!(", in vault {vault}")).unwrap_or_default()
            ),
            "change the rule (enable_continuous_backup) or the selection first, if it is to end",
        ),
        (ContinuousEnd::DeletedWithVault, None) => (
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
             had, {kept}, and deletes them then; until that of a database which is still there is deleted, AWS Backup \
             keeps its backup window and retention in RDS",
            self.name
        );
        let action = "give what is to stay with RDS back with DisassociateRecoveryPoint";
        Finding::warning("CONTINUOUS_POINTS_LEFT", message, action).about(&self.name)
    }
}

#[cfg(test)]
mod tests;
