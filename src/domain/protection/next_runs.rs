//! What will become of the next runs of a rule.

use jiff::Timestamp;

use super::covering::Covering;
use crate::domain::{Fault, Finding, Severity, backup::NearWindows};

/// More runs in seven days than these, four a day, make one that fails bearable.
const OFTEN: usize = 28;

impl Finding {
    /// That Strongroom cannot read the schedule of a rule.
    pub(super) fn schedule_not_read(rule: &str, fault: &Fault) -> Self {
        let message = format!("when {rule} runs Strongroom cannot tell: {fault}");
        Self::warning("SCHEDULE_NOT_READ", message, "see in AWS's console when it runs, or give it a cron expression")
    }
}

impl Covering<'_> {
    /// What will become of the rule's next runs.
    pub(super) fn findings_of_next_runs(&self) -> Vec<Finding> {
        let name = self.name();
        if let Err(fault) = &self.runs.timetable {
            return vec![Finding::schedule_not_read(&name, fault)];
        }
        let Some(next) = self.runs.next else {
            let message = format!("{name} never runs again: the years of its schedule have passed");
            return vec![Finding::error("SCHEDULE_IS_OVER", message, "correct the year field with UpdatePlan")];
        };
        let mut findings: Vec<Finding> = self.overruled(next).into_iter().collect();
        findings.extend(self.near_windows());
        findings
    }

    fn overruled(&self, next: Timestamp) -> Option<Finding> {
        let gives_way = self.runs.gives_way?;
        let by = &self.plan.content.rules.get(gives_way.to)?.name;
        let name = self.name();
        if gives_way.always {
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
    fn near_windows(&self) -> Vec<Finding> {
        let (database, runs) = (&self.evidence.database, &self.runs.soon);
        let near = NearWindows::of(database);
        let windows = [
            ("RUN_NEAR_BACKUP_WINDOW", "automated backup", &database.automated_backup_window),
            ("RUN_NEAR_MAINTENANCE_WINDOW", "maintenance", &database.maintenance_window),
        ];
        // Once a continuous rule of the plan has made its backup, AWS Backup owns the windows.
        let owned_from = self.running.continuous.own_windows_from(database);
        let mut findings = Vec::new();
        for (which, (code, kind, window)) in windows.into_iter().enumerate() {
            let blocked = |at: &&Timestamp| owned_from.is_none_or(|from| **at < from) && near.block(**at)[which];
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
