//! Rules whose jobs may begin in the windows of the databases that they back up (docs/aws-backup-semantics.md, section 3.3).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        Finding, Resource, ResourceKind, Unseen,
        rds_window::{BackupWindow, MaintenanceWindow},
    },
    Rule,
};

/// How far ahead runs are looked at: a yearly rule and both changes of the clocks lie within it.
const AHEAD: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Most runs of a rule that are looked at; of an hourly rule, more than two weeks.
const MOST_RUNS: usize = 400;
/// Most instances that a finding names.
const MOST_NAMED: usize = 5;
const MINUTES_A_WEEK: i64 = 7 * 24 * 60;

/// A window of an instance, read.
enum Window {
    Backup(BackupWindow),
    Maintenance(MaintenanceWindow),
}

/// Reads a window of an instance, if it has one.
type Read = fn(&Resource) -> Option<Window>;

/// An instance whose windows RDS owns, and from when on AWS Backup does, so that no run is near them any more.
struct Instance<'r> {
    database: &'r Resource,
    owned_from: Option<Timestamp>,
}

/// The next runs of a plan's continuous rules that do not give way to another rule, in order.
#[derive(Debug, Clone)]
pub(in crate::domain) struct ContinuousRuns(Vec<Timestamp>);

/// How a rule gets near windows.
#[derive(Default)]
struct Near<'r> {
    /// Instances whose window is near when the rule runs, with the first such run.
    at_run: Vec<(&'r str, Timestamp)>,
    /// Instances whose window is near while the rule's jobs may still begin, with the first such run.
    in_start_window: Vec<(&'r str, Timestamp)>,
}

impl Rule {
    /// Which rules of a plan may begin jobs in the windows of the instances that the plan's selections select, from `now`
    /// on. AWS lets such jobs fail `[D]`, unless it owns the windows: a continuous rule in the plan does not have them yet.
    pub fn window_findings(rules: &[Self], selected: &[Resource], now: Timestamp) -> Vec<Finding> {
        let free = |database: &&Resource| {
            database.kind == ResourceKind::DbInstance && database.continuous_recovery_point_arn.is_empty()
        };
        let continuous = ContinuousRuns::of(rules, now);
        let instances: Vec<Instance<'_>> = selected
            .iter()
            .filter(free)
            .map(|database| Instance { database, owned_from: continuous.own_windows_from(database) })
            .collect();
        let kinds: [(_, _, Read); 2] = [
            ("NEAR_BACKUP_WINDOW", "automated backup window", Window::backup),
            ("NEAR_MAINTENANCE_WINDOW", "maintenance window", Window::maintenance),
        ];
        let mut found = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let runs = rule.minutes_of_the_week(now);
            for (code, window, read) in kinds {
                let near = rule.near(&runs, &instances, read);
                let mut warn = |member: &str, message: String, action| {
                    found.push(Finding::warning(code, message, action).at(format!("rules[{at}].{member}")));
                };
                if let Some(first) = first(&near.at_run) {
                    let message = format!(
                        "rule {} runs inside the {window}, or in the hour before it, of {}, first at {first}: AWS lets jobs \
                         that begin then fail",
                        rule.name,
                        names(&near.at_run)
                    );
                    warn("schedule", message, "move the schedule or the window");
                }
                if let Some(first) = first(&near.in_start_window) {
                    let message = format!(
                        "jobs of rule {} may begin up to {} minutes after it runs, which reaches into the {window}, or the \
                         hour before it, of {}, first after the run of {first}: AWS lets jobs that begin then fail",
                        rule.name,
                        rule.windows.start_minutes,
                        names(&near.in_start_window)
                    );
                    let action = "shorten the start window, or move the schedule or the window";
                    warn("start_window_minutes", message, action);
                }
            }
        }
        found
    }

    /// Which rules of a plan copy what AWS Backup copies nothing of, out of the clusters that the plan's selections select.
    pub fn copy_findings(rules: &[Self], selected: &[Resource]) -> Vec<Finding> {
        let clusters: Vec<_> = selected.iter().filter(|database| database.is_multi_az_cluster()).collect();
        let Some(first) = clusters.first() else { return Vec::new() };
        let which = match clusters.len() {
            1 => format!("cluster {}", first.id),
            count => format!("{count} clusters, such as {}", first.id),
        };
        let copying = rules.iter().enumerate().filter(|(_, rule)| !rule.copies.is_empty());
        let found = copying.map(|(at, rule)| {
            let so = format!(": the copy actions of rule {} fail for {which}", rule.name);
            Finding::multi_az_cluster_not_copyable(&so).as_warning().at(format!("rules[{at}].copy_actions"))
        });
        found.collect()
    }

    /// Which databases the findings of a plan's rules are about: instances have windows, and of clusters some cannot be
    /// copied.
    pub fn kinds_that_count(rules: &[Self]) -> Vec<ResourceKind> {
        let copies = rules.iter().any(|rule| !rule.copies.is_empty());
        let counts = |kind: &ResourceKind| match kind {
            ResourceKind::DbInstance => !rules.is_empty(),
            ResourceKind::DbCluster => copies,
        };
        ResourceKind::ALL.into_iter().filter(counts).collect()
    }

    /// What the check of the windows could not see, and why; without a reason there is too much of it.
    pub fn windows_not_checked(why: Option<&Unseen>) -> Finding {
        let (why, action) = match why {
            None => ("the plan selects too many to look at each".to_owned(), String::new()),
            Some(unseen) => {
                let permissions = "backup:ListBackupSelections, backup:GetBackupSelection, \
                                   backup:GetSupportedResourceTypes, backup:DescribeRegionSettings and \
                                   rds:DescribeDBInstances";
                (unseen.why.clone(), unseen.action(permissions, "ask PreviewSchedule"))
            }
        };
        let message = format!(
            "which databases the plan selects was not found out, or not of all ({why}): whether its rules run near their \
             backup and maintenance windows, where AWS lets jobs fail, is not known"
        );
        Finding::warning("WINDOWS_NOT_CHECKED", message, action)
    }

    /// The first run of each minute of the week at which the rule runs: windows come round daily or weekly, so the other
    /// runs are like it.
    fn minutes_of_the_week(&self, now: Timestamp) -> BTreeMap<i64, Timestamp> {
        let mut minutes = BTreeMap::new();
        let Ok(timetable) = self.timetable() else { return minutes };
        let end = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let runs = timetable.runs_after(now).map(|run| run.at.timestamp());
        for run in runs.take(MOST_RUNS).take_while(|run| *run <= end) {
            minutes.entry(run.as_second().div_euclid(60).rem_euclid(MINUTES_A_WEEK)).or_insert(run);
        }
        minutes
    }

    fn near<'r>(&self, runs: &BTreeMap<i64, Timestamp>, instances: &[Instance<'r>], read: Read) -> Near<'r> {
        let mut near = Near::default();
        for Instance { database, owned_from } in instances {
            let Some(window) = read(database) else { continue };
            let is_free = |run: &&Timestamp| owned_from.is_none_or(|from| **run < from);
            let free = || runs.values().filter(is_free);
            let first = |minutes| free().filter(|run| window.meets(**run, minutes)).min().copied();
            if let Some(run) = first(0) {
                near.at_run.push((&database.id, run));
            } else if let Some(run) = first(self.windows.start_minutes) {
                near.in_start_window.push((&database.id, run));
            }
        }
        near
    }
}

impl ContinuousRuns {
    /// Those of these rules of one plan, from `now` on.
    pub(in crate::domain) fn of(rules: &[Rule], now: Timestamp) -> Self {
        let mut runs = Vec::new();
        if rules.iter().any(|rule| rule.continuous) {
            let timetables: Vec<_> = rules.iter().map(|rule| rule.timetable().ok()).collect();
            let gives_way = |rule: &Rule, at: Timestamp| {
                let others = rules.iter().zip(&timetables);
                others
                    .filter_map(|(other, timetable)| Some((other, timetable.as_ref()?)))
                    .any(|(other, timetable)| other.overrules(timetable, rule, at))
            };
            let end = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
            for (rule, timetable) in rules.iter().zip(&timetables).filter(|(rule, _)| rule.continuous) {
                let ahead = timetable.iter().flat_map(|timetable| timetable.runs_after(now));
                let ahead = ahead.map(|run| run.at.timestamp()).take(MOST_RUNS).take_while(|run| *run <= end);
                runs.extend(ahead.filter(|run| !gives_way(rule, *run)));
            }
            runs.sort_unstable();
        }
        Self(runs)
    }

    /// From when on AWS Backup owns the windows of such an instance: from its first continuous backup on `[D]`. A run that
    /// begins in a window or near it makes none.
    pub(in crate::domain) fn own_windows_from(&self, database: &Resource) -> Option<Timestamp> {
        let windows: Vec<Window> =
            [Window::backup(database), Window::maintenance(database)].into_iter().flatten().collect();
        self.0.iter().find(|run| !windows.iter().any(|window| window.meets(**run, 0))).copied()
    }
}

impl Window {
    /// RDS makes backups of its own only when it keeps them.
    fn backup(database: &Resource) -> Option<Self> {
        let window = BackupWindow::parse(&database.automated_backup_window);
        window.filter(|_| database.automated_backup_retention_days > 0).map(Self::Backup)
    }

    fn maintenance(database: &Resource) -> Option<Self> {
        MaintenanceWindow::parse(&database.maintenance_window).map(Self::Maintenance)
    }

    fn meets(&self, at: Timestamp, minutes: i64) -> bool {
        match self {
            Self::Backup(window) => window.meets(at, minutes),
            Self::Maintenance(window) => window.meets(at, minutes),
        }
    }
}

fn first(near: &[(&str, Timestamp)]) -> Option<Timestamp> {
    near.iter().map(|(_, run)| *run).min()
}

fn names(near: &[(&str, Timestamp)]) -> String {
    let named: Vec<_> = near.iter().take(MOST_NAMED).map(|(id, _)| *id).collect();
    let more = near.len().saturating_sub(MOST_NAMED);
    let noun = if near.len() == 1 { "instance" } else { "instances" };
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{noun} {}{rest}", named.join(", "))
}
