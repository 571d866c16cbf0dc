//! `List{Backup,Copy,Restore}JobSummaries`: how many jobs of each state, type and category in each period.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, Unit, tz::TimeZone};

use super::{
    error,
    json::Epoch,
    members::Members,
    page::{self, Page},
    rest::{RestReply, RestRequest},
};
use crate::call::{AwsError, Call};

/// What of a job is counted.
#[derive(Debug)]
pub struct Counted<'j> {
    /// Jobs count in the period they were created in.
    pub created_at: Timestamp,
    /// `State`.
    pub state: &'j str,
    /// `ResourceType`.
    pub resource_type: &'j str,
    /// `MessageCategory`; blank until the job has ended, and for restores, which have none `[M]`.
    pub category: &'j str,
}

/// How one dimension is treated: the parameter's value, or its absence.
enum Dimension<'r> {
    /// `AGGREGATE_ALL`, or nothing said `[I]`.
    Sum,
    /// `ANY`: a row for each value.
    Split,
    /// Only this value.
    Only(&'r str),
}

impl<'r> Dimension<'r> {
    fn of(request: &'r RestRequest, name: &str) -> Self {
        match request.query(name) {
            None | Some("AGGREGATE_ALL") => Self::Sum,
            Some("ANY") => Self::Split,
            Some(value) => Self::Only(value),
        }
    }

    /// The row a value counts in; `None` when it does not count.
    fn row(&self, value: &str) -> Option<String> {
        match self {
            Self::Sum => Some("AGGREGATE_ALL".to_owned()),
            Self::Split => Some(value.to_owned()),
            // The model gives `AccessDenied` and `ACCESSDENIED` styles side by side [U].
            Self::Only(only) => only.eq_ignore_ascii_case(value).then(|| value.to_owned()),
        }
    }
}

/// Counts `jobs` as the request asks and answers with `list` (such as `BackupJobSummaries`). The present day is not
/// in it: data goes up to the last 00:00 UTC `[M]`.
///
/// # Errors
/// IPV for an unknown period or state, another account (only an organization's management account may), bad paging.
pub fn summarise<'j>(
    call: &Call,
    request: &RestRequest,
    list: &str,
    states: &[&str],
    with_category: bool,
    jobs: impl Iterator<Item = Counted<'j>>,
) -> Result<RestReply, AwsError> {
    let page = Page::named(request, "MaxResults", "NextToken")?;
    let (period, days, rows) = match request.query("AggregationPeriod") {
        None | Some("ONE_DAY") => ("ONE_DAY", 1, 14),
        Some("SEVEN_DAYS") => ("SEVEN_DAYS", 7, 1),
        Some("FOURTEEN_DAYS") => ("FOURTEEN_DAYS", 14, 1),
        Some(other) => {
            let known = "ONE_DAY, SEVEN_DAYS or FOURTEEN_DAYS";
            return Err(error::invalid_parameter(format!("AggregationPeriod must be {known}, not '{other}'")));
        }
    };
    if let Some(state) = request.query("State").filter(|state| !states.contains(state)) {
        return Err(error::invalid_parameter(format!("State '{state}' is not known")));
    }
    if let Some(account) = request.query("AccountId").filter(|id| !["ANY", "AGGREGATE_ALL", &call.account].contains(id))
    {
        return Err(error::invalid_parameter(format!("AccountId '{account}' is not the caller's account")));
    }
    let [state, resource_type, category] =
        ["State", "ResourceType", "MessageCategory"].map(|name| Dimension::of(request, name));

    let midnight = midnight(call.now);
    let period_length = SignedDuration::from_hours(24 * days);
    let mut counts: BTreeMap<(i32, String, String, String), i32> = BTreeMap::new();
    for job in jobs {
        let age = midnight.duration_since(job.created_at);
        if age <= SignedDuration::ZERO {
            continue;
        }
        // A job created exactly at the start of a period belongs to it, so the division rounds up before counting from 0.
        let back = (age.as_millis() + period_length.as_millis() - 1) / period_length.as_millis() - 1;
        let Some(back) = i32::try_from(back).ok().filter(|back| *back < rows) else { continue };
        let row =
            || Some((back, state.row(job.state)?, resource_type.row(job.resource_type)?, category.row(job.category)?));
        if let Some(row) = row() {
            *counts.entry(row).or_default() += 1;
        }
    }
    let entries = counts.into_iter().map(|((back, state, resource_type, category), count)| {
        let start = |back: i32| midnight.checked_sub(period_length * back).unwrap_or(midnight);
        let position = page::newest_first(start(back), &format!("{state}/{resource_type}/{category}"));
        let summary = Members::new()
            .with("Region", &call.region)
            .with("AccountId", &call.account)
            .with("State", state)
            .with("ResourceType", resource_type)
            .maybe("MessageCategory", (with_category && !category.is_empty()).then_some(category))
            .with("Count", count)
            .with("StartTime", Epoch(start(back + 1)))
            .with("EndTime", Epoch(start(back)));
        (position, summary)
    });
    let (summaries, next) = page.take(entries);
    Ok(RestReply::json(
        &Members::new().with(list, summaries).with("AggregationPeriod", period).maybe("NextToken", next),
    ))
}

fn midnight(now: Timestamp) -> Timestamp {
    let today = now.to_zoned(TimeZone::UTC);
    today
        .round(jiff::ZonedRound::new().smallest(Unit::Day).mode(jiff::RoundMode::Floor))
        .map_or(now, |day| day.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: &[&str] = &["COMPLETED", "FAILED", "ANY", "AGGREGATE_ALL"];

    fn counted(query: &str) -> serde_json::Value {
        let now: Timestamp = "2026-03-20T12:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let job = |created_at, state, category| Counted { created_at, state, resource_type: "RDS", category };
        let jobs = [
            job(at("2026-03-20T01:00:00Z"), "COMPLETED", "SUCCESS"),
            job(at("2026-03-19T23:59:59Z"), "COMPLETED", "SUCCESS"),
            job(at("2026-03-19T00:00:00Z"), "FAILED", "AccessDenied"),
            job(at("2026-03-18T05:00:00Z"), "COMPLETED", "SUCCESS"),
            job(at("2026-03-06T00:00:00Z"), "COMPLETED", "SUCCESS"),
            job(at("2026-03-05T23:59:59Z"), "COMPLETED", "SUCCESS"),
        ];
        let request = RestRequest::for_test(&[], query, "");
        let reply = summarise(&Call::at(now), &request, "Summaries", STATES, true, jobs.into_iter()).unwrap();
        serde_json::from_str(&reply.body).unwrap()
    }

    fn counts(query: &str) -> Vec<i64> {
        counted(query)["Summaries"].as_array().unwrap().iter().map(|row| row["Count"].as_i64().unwrap()).collect()
    }

    #[test]
    fn days_end_at_midnight_utc_and_today_is_not_counted() {
        assert_eq!(counts(""), [2, 1, 1]);
        assert_eq!(counts("AggregationPeriod=SEVEN_DAYS"), [3]);
        assert_eq!(counts("AggregationPeriod=FOURTEEN_DAYS"), [4]);
        let first = &counted("")["Summaries"][0];
        assert_eq!(first["StartTime"], 1_773_878_400);
        assert_eq!(first["EndTime"], 1_773_964_800);
    }

    #[test]
    fn dimensions_are_summed_split_or_picked() {
        assert_eq!(counts("AggregationPeriod=SEVEN_DAYS&State=ANY"), [2, 1]);
        assert_eq!(counts("AggregationPeriod=SEVEN_DAYS&State=FAILED"), [1]);
        assert_eq!(counts("AggregationPeriod=SEVEN_DAYS&MessageCategory=accessdenied"), [1]);
        assert_eq!(counts("AggregationPeriod=SEVEN_DAYS&ResourceType=EBS"), [0_i64; 0]);
    }
}
