//! What will become of the next runs of a rule.

use jiff::{SignedDuration, Timestamp};

use super::covering::Covering;
use crate::domain::{ContinuousRuns, Finding, Severity, Timetable, backup::database_findings};

/// How far ahead runs are compared with the windows of RDS: both come once a week at least.
const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Most runs looked at: every quarter of an hour for a week is fewer.
const MOST_RUNS: usize = 700;

/// More runs in [`AHEAD`] than these, four a day, make one that fails bearable.
const OFTEN: usize = 28;

/// How many next runs must all give way for a rule to be called idle.
const IDLE_AFTER: usize = 10;

impl Covering<'_> {
    /// What will become of the rule's next runs.
    pub(super) fn findings_of_next_runs(&self) -> Vec<Finding> {
        let name = self.name();
        let timetable = match &self.timetable {
            Ok(timetable) => timetable,
            Err(fault) => {
                let message = format!("when {name} runs Strongroom cannot tell: {fault}");
                return vec![Finding::warning(
                    "SCHEDULE_NOT_READ",
                    message,
                    "see in AWS's console when it runs, or give it a cron expression",
                )];
            }
        };
        let Some(next) = self.next else {
            let message = format!("{name} never runs again: the years of its schedule have passed");
            return vec![Finding::error("SCHEDULE_IS_OVER", message, "correct the year field with UpdatePlan")];
        };
        let mut findings: Vec<Finding> = self.overruled(timetable, next).into_iter().collect();
        findings.extend(self.near_windows(timetable));
        findings
    }

    fn overruled(&self, timetable: &Timetable, next: Timestamp) -> Option<Finding> {
        let by = &self.gives_way_at(next)?.name;
        let name = self.name();
        let always = timetable
            .runs_after(self.evidence.now)
            .take(IDLE_AFTER)
            .all(|run| self.gives_way_at(run.at.timestamp()).is_some());
        if always {
            return Some(Finding::warning(
                "RULE_OVERRULED",
                format!(
                    "{name} makes no backups of it: at each of its next runs it gives way to another rule of the plan, at \
                     {next} to rule {by}, whose start window overlaps and which keeps its recovery points longer"
                ),
                "keep the start windows of the two rules apart, or make them two plans",
            ));
        }
        let message = format!(
            "{name} gives way at its next run, at {next}, to rule {by}, whose start window overlaps and which keeps its \
             recovery points longer"
        );
        Some(Finding::info("RULE_OVERRULED", message))
    }

    /// Runs that begin in or near the windows of RDS.
    fn near_windows(&self, timetable: &Timetable) -> Vec<Finding> {
        let (database, now) = (&self.evidence.database, self.evidence.now);
        let end = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        let runs = timetable.runs_after(now).map(|run| run.at.timestamp()).take_while(|at| *at <= end).take(MOST_RUNS);
        // One that runs more seldom is judged by its next run.
        let runs: Vec<Timestamp> = match runs.collect::<Vec<_>>() {
            none if none.is_empty() => self.next.into_iter().collect(),
            runs => runs,
        };
        let windows = [
            ("NEAR_BACKUP_WINDOW", "RUN_NEAR_BACKUP_WINDOW", "automated backup", &database.automated_backup_window),
            ("NEAR_MAINTENANCE_WINDOW", "RUN_NEAR_MAINTENANCE_WINDOW", "maintenance", &database.maintenance_window),
        ];
        // Once a continuous rule of the plan has made its backup, AWS Backup owns the windows.
        let owned_from = ContinuousRuns::of(&self.plan.content.rules, now).own_windows_from(database);
        let mut findings = Vec::new();
        for (of_start, code, kind, window) in windows {
            let blocked = |at: &&Timestamp| {
                let is_free = owned_from.is_none_or(|from| **at < from);
                is_free && database_findings(database, **at).iter().any(|found| found.code == of_start)
            };
            let hit: Vec<&Timestamp> = runs.iter().filter(blocked).collect();
            let Some(first) = hit.first() else { continue };
            let which = match (hit.len(), runs.len()) {
                (1, 1) => format!("its next run, at {first}, comes"),
                (1, all) => format!("1 of its {all} runs in the next seven days, at {first}, comes"),
                (hit, all) => format!("{hit} of its {all} runs in the next seven days, the first at {first}, come"),
            };
            let message = format!(
                "{}: {which} inside or less than an hour before the {kind} window ({window} UTC) of {}: AWS lets such jobs \
                 fail",
                self.name(),
                database.id
            );
            let action = "move the schedule of the rule, or the window of the database";
            let severity = if runs.len() > OFTEN { Severity::Info } else { Severity::Warning };
            findings.push(Finding { severity, ..Finding::warning(code, message, action) });
        }
        findings
    }
}
