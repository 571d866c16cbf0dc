//! Previews of schedules.

use jiff::{SignedDuration, Timestamp};

use super::{findings, reader::Reader, timestamp};
use crate::{
    domain::{Asked, Fault, Finding, Invalid, PlanRef, PreviewedRun, Rule, RulePreview},
    proto::{self, preview_schedule_request::Of},
};

/// What PreviewSchedule is asked.
#[derive(Debug)]
pub(in crate::rpc) struct Preview {
    /// Of which rules.
    pub(in crate::rpc) of: PreviewOf,
    /// How many runs of each.
    pub(in crate::rpc) runs: usize,
    /// From when on; absent: from now on.
    pub(in crate::rpc) start: Option<Timestamp>,
}

impl Preview {
    /// The instant after which runs are told: one at the given time itself is one of them.
    pub(in crate::rpc) fn after(&self, now: Timestamp) -> Timestamp {
        self.start.map_or(now, |start| start.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(start))
    }
}

/// Rules to preview.
#[derive(Debug)]
pub(in crate::rpc) enum PreviewOf {
    /// Those of a saved plan.
    Plan(PlanRef),
    /// Those of the request.
    Rules(Vec<Rule>),
}

pub(in crate::rpc) fn preview(request: proto::PreviewScheduleRequest) -> Result<Asked<Preview>, Invalid> {
    let proto::PreviewScheduleRequest { scope, of, runs, start_time } = request;
    let mut read = Reader::new(scope);
    let of = match of {
        None => Err(read.fault("plan", "is required, or unsaved: say what to preview")),
        Some(Of::Unsaved(proto::UnsavedRules { rules })) => read.drafts("unsaved.rules", rules).map(PreviewOf::Rules),
        Some(Of::Plan(plan)) => read.plan("plan", &plan).map(PreviewOf::Plan),
    };
    let runs = read.note("runs", count(runs));
    let start = read.instant("start_time", start_time);
    read.conclude(|| Ok(Preview { of: of?, runs: runs?, start: start? }))
}

fn count(runs: i32) -> Result<usize, Fault> {
    const MOST: usize = 100;
    match usize::try_from(runs) {
        Ok(0) => Ok(10),
        Ok(runs) if runs <= MOST => Ok(runs),
        _ => Err(format!("is {runs}: give 1–{MOST}, or leave it blank for 10").into()),
    }
}

pub(in crate::rpc) fn previewed(
    rules: Vec<RulePreview<'_>>,
    found: Vec<Finding>,
    now: Timestamp,
) -> proto::PreviewScheduleResponse {
    proto::PreviewScheduleResponse {
        rules: rules.into_iter().map(Into::into).collect(),
        findings: findings(found),
        as_of: Some(timestamp(now)),
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
