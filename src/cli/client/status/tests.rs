//! The screen, without a server.

use super::screen::{Answers, drawn};
use crate::{
    cli::client::show::Paper,
    proto::{
        DatabaseProtection, Finding, GetCoverageResponse, GetServerInfoResponse, Incident, IncidentCause, JobSummary,
        ListIncidentsResponse, ListProtectionResponse, ProtectionVerdict, Scope, ScopeState, ScopeStatus, Severity,
        SummarizeJobsResponse,
    },
};

fn time(second: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: 1_772_427_600 + second, nanos: 0 })
}

fn scope(region: &str, state: ScopeState) -> ScopeStatus {
    let scope = Scope { account: "123456789012".into(), region: region.into() };
    ScopeStatus { scope: Some(scope), state: state.into(), as_of: time(0), ..ScopeStatus::default() }
}

fn databases(count: usize, verdict: ProtectionVerdict) -> ListProtectionResponse {
    let database = |at: usize| DatabaseProtection {
        arn: format!("arn:aws:rds:us-east-1:123456789012:db:a-database-with-a-long-name-{at}"),
        verdict: verdict.into(),
        summary: "No plan covers it: no selection takes its tags, and none names it by its ARN.".into(),
        rpo_ratio: Some(3.25),
        last_success_time: time(-100_000),
        next_run_time: time(3_600 * i64::try_from(at / 2).unwrap()),
        ..Default::default()
    };
    ListProtectionResponse { databases: (0..count).map(database).collect(), ..Default::default() }
}

fn incident(cause: IncidentCause, severity: Severity) -> Incident {
    let finding = Finding {
        severity: severity.into(),
        message: "It failed.".into(),
        action: "See why it failed, with `strongroom job get`, and start it again".into(),
        ..Default::default()
    };
    let resource_arn = "arn:aws:rds:us-east-1:123456789012:db:orders".into();
    Incident { cause: cause.into(), resource_arn, finding: Some(finding), ..Default::default() }
}

fn jobs(group: JobSummary) -> Result<SummarizeJobsResponse, String> {
    Ok(SummarizeJobsResponse { groups: vec![group], ..Default::default() })
}

/// Where all is well.
fn well() -> Answers {
    let current = vec![scope("us-east-1", ScopeState::Current)];
    Answers {
        server: Ok(GetServerInfoResponse { version: "1.2.3".into(), ..Default::default() }),
        coverage: Ok(GetCoverageResponse {
            database_count: 7,
            protected_count: 7,
            as_of: time(0),
            scopes: current,
            ..Default::default()
        }),
        unprotected: Ok(ListProtectionResponse::default()),
        late: Ok(ListProtectionResponse::default()),
        next: Ok(databases(1, ProtectionVerdict::Protected)),
        incidents: Ok(ListIncidentsResponse::default()),
        under_way: jobs(JobSummary { under_way_count: 2, ..Default::default() }),
        jobs: jobs(JobSummary { completed_count: 5, ..Default::default() }),
    }
}

/// Where everything is as bad as it can be, and there is more of it than fits.
fn bad() -> Answers {
    let mut incidents = vec![incident(IncidentCause::RunMissed, Severity::Warning); 9];
    incidents.push(incident(IncidentCause::JobFailed, Severity::Error));
    let scopes = ["eu-west-1", "eu-west-2", "eu-west-3"].map(|region| scope(region, ScopeState::Stale)).to_vec();
    Answers {
        coverage: Ok(GetCoverageResponse {
            database_count: 50,
            not_protected_count: 30,
            at_risk_count: 15,
            unknown_count: 5,
            scopes,
            ..Default::default()
        }),
        unprotected: Ok(databases(5, ProtectionVerdict::NotProtected)),
        late: Ok(ListProtectionResponse {
            next_page_token: "more".into(),
            ..databases(100, ProtectionVerdict::AtRisk)
        }),
        next: Ok(databases(20, ProtectionVerdict::Protected)),
        incidents: Ok(ListIncidentsResponse { incidents, ..Default::default() }),
        jobs: jobs(JobSummary { completed_count: 5, failed_count: 3, expired_count: 1, ..Default::default() }),
        ..well()
    }
}

fn shown(answers: &Answers, width: Option<usize>) -> String {
    drawn(answers, &answers.verdict(), "http://127.0.0.1:50051", Paper { colour: false, width })
}

#[test]
fn what_is_well_is_told_in_a_few_lines() {
    let told = "\
all is well
http://127.0.0.1:50051, strongroom 1.2.3, as of 2026-03-02 05:00Z
databases   7: 7 protected, 0 at risk, 0 not protected
past RPO    none
incidents   none open
jobs        2 under way; since yesterday 5 completed, 0 failed
next runs
  03-02 05:00Z  1 database: a-database-with-a-long-name-0
scopes      1 followed
";
    assert_eq!(shown(&well(), None), told);
    assert_eq!(well().verdict().word(), "WELL");
}

#[test]
fn a_screen_has_room_for_the_worst_and_says_where_the_rest_is() {
    let screen = shown(&bad(), Some(80));
    for told in [
        "NOT WELL: 30 databases not protected, 15 databases at risk, 100 or more databas…",
        "databases   50: 0 protected, 15 at risk, 30 not protected, 5 not known",
        "  and 42 more: strongroom protection list --verdict not-protected --verdict at-…",
        "past RPO    100 or more databases",
        "  a-database-with-a-long-name-0  3.2 times its interval, last backup 03-01 01:1…",
        "incidents   10 open",
        "  JOB_FAILED  orders  See why it failed, with `strongroom job get`, and start i…",
        "  and 7 more: strongroom incident list",
        "jobs        2 under way; since yesterday 5 completed, 3 failed, 1 expired",
        "scopes      0 of 3 followed",
    ] {
        assert!(screen.lines().any(|line| line == told), "{told}\n{screen}");
    }
    for width in [80, 60] {
        let screen = shown(&bad(), Some(width));
        assert!(screen.lines().count() <= 23, "{screen}");
        assert!(screen.lines().all(|line| console::measure_text_width(line) <= width), "{screen}");
        let sections = ["databases ", "past RPO ", "incidents ", "jobs ", "next runs", "scopes "];
        assert!(sections.iter().all(|name| screen.lines().any(|line| line.starts_with(name))), "{screen}");
    }
    // What reads a pipe gets it whole.
    assert!(shown(&bad(), None).lines().next().unwrap().ends_with("past its RPO, 10 incidents open"));
}

#[test]
fn what_is_not_known_is_said_to_be_not_known_and_never_well() {
    let why = || "the ledger does not answer".to_owned();
    let answers = Answers { coverage: Err(why()), incidents: Err(why()), jobs: Err(why()), ..well() };
    let screen = shown(&answers, None);
    for told in ["databases   not known: the", "incidents   not known: the", "jobs        not known: the"] {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
    assert!(screen.starts_with("NOT KNOWN: what is protected: the ledger does not answer; "), "{screen}");
    assert_eq!(answers.verdict().word(), "UNKNOWN");
    for state in [ScopeState::NotFollowed, ScopeState::Filling, ScopeState::Stale] {
        let coverage = GetCoverageResponse { scopes: vec![scope("us-east-1", state)], ..Default::default() };
        let answers = Answers { coverage: Ok(coverage), ..well() };
        assert_eq!(answers.verdict().word(), "UNKNOWN", "{state:?}");
        assert!(shown(&answers, None).contains("  123456789012 in us-east-1: "), "{state:?}");
    }
    // What is bad is bad, whatever else is not known.
    let incidents = ListIncidentsResponse {
        incidents: vec![incident(IncidentCause::JobFailed, Severity::Error)],
        ..Default::default()
    };
    let answers = Answers { coverage: Err(why()), incidents: Ok(incidents), ..well() };
    assert_eq!(answers.verdict().word(), "NOT_WELL");
    assert_eq!(answers.verdict().problems, ["1 incident open"]);
}

#[test]
fn what_aws_says_cannot_write_on_the_terminal() {
    let mut evil = incident(IncidentCause::JobFailed, Severity::Error);
    evil.finding = Some(Finding { message: "\u{1b}[2Jgone".into(), ..Default::default() });
    let incidents = ListIncidentsResponse { incidents: vec![evil], ..Default::default() };
    assert!(!shown(&Answers { incidents: Ok(incidents), ..well() }, None).contains('\u{1b}'));
}
