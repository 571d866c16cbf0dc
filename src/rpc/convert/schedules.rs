//! Previews of schedules.

use jiff::Timestamp;

use super::{reader::Reader, timestamp};
use crate::{
    domain::{AskedScope, Fault, Invalid, PlanRef, PreviewedRun, Rule, RulePreview, Warning},
    proto,
};

/// What PreviewSchedule is asked.
#[derive(Debug)]
pub(in crate::rpc) struct Preview {
    /// Of which rules.
    pub(in crate::rpc) of: PreviewOf,
    /// How many runs of each.
    pub(in crate::rpc) runs: usize,
    /// After when; absent: now.
    pub(in crate::rpc) start: Option<Timestamp>,
}

/// Rules to preview.
#[derive(Debug)]
pub(in crate::rpc) enum PreviewOf {
    /// Those of a saved plan.
    Plan(PlanRef),
    /// Those of the request.
    Rules(Vec<Rule>),
}

pub(in crate::rpc) fn preview(request: proto::PreviewScheduleRequest) -> Result<(AskedScope, Preview), Invalid> {
    let proto::PreviewScheduleRequest { scope, plan, rules, runs, start_time } = request;
    let mut read = Reader::new(scope);
    let of = match (plan.as_str(), rules.is_empty()) {
        ("", true) => Err(read.fault("plan", "is required, or rules: say what to preview")),
        ("", false) => read.drafts("rules", rules).map(PreviewOf::Rules),
        (plan, true) => read.plan("plan", plan).map(PreviewOf::Plan),
        (_, false) => Err(read.fault("rules", "contradicts plan: give the one or the other")),
    };
    let runs = read.note("runs", count(runs));
    let start = read.instant("start_time", start_time);
    read.conclude(|scope| Ok((scope, Preview { of: of?, runs: runs?, start: start? })))
}

fn count(runs: i32) -> Result<usize, Fault> {
    const MOST: usize = 100;
    match usize::try_from(runs) {
        Ok(0) => Ok(10),
        Ok(runs) if runs <= MOST => Ok(runs),
        _ => Err(format!("is {runs}: give 1–{MOST}, or leave it blank for 10").into()),
    }
}

pub(in crate::rpc) fn previewed(rules: Vec<RulePreview<'_>>, warnings: Vec<Warning>) -> proto::PreviewScheduleResponse {
    proto::PreviewScheduleResponse {
        rules: rules.into_iter().map(Into::into).collect(),
        warnings: warnings.into_iter().map(Into::into).collect(),
    }
}

impl From<RulePreview<'_>> for proto::RuleSchedule {
    fn from(RulePreview { rule, timetable, runs }: RulePreview<'_>) -> Self {
        // What could not be read is told as AWS has it.
        let (schedule, zone) = timetable.as_ref().map_or((rule.schedule.as_str(), rule.zone.as_str()), |timetable| {
            (timetable.schedule.as_str(), timetable.zone.as_str())
        });
        Self {
            rule_name: rule.name.clone(),
            rule_id: rule.id.clone(),
            schedule: schedule.to_owned(),
            schedule_timezone: zone.to_owned(),
            runs: runs.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PreviewedRun> for proto::ScheduledRun {
    fn from(PreviewedRun { run, start_by, overruled }: PreviewedRun) -> Self {
        Self {
            time: Some(timestamp(run.at.timestamp())),
            local_time: run.at.strftime("%FT%T%:z").to_string(),
            start_by_time: Some(timestamp(start_by)),
            note: run.note(),
            overruled,
        }
    }
}
