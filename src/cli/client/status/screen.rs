//! What `status` makes of the answers: what is not well, what is not known, and a screen of 24 lines at the most, which is still one in
//! 60 columns.

use std::{collections::BTreeMap, fmt::Write as _};

use console::Style;
use jiff::Timestamp;

use crate::{
    cli::client::show::{Paper, text::clean},
    proto::{
        DatabaseProtection, GetCoverageResponse, GetServerInfoResponse, Incident, JobSummary, ListIncidentsResponse,
        ListProtectionResponse, ProtectionVerdict, ScopeState, ScopeStatus, Severity, SummarizeJobsResponse,
    },
};

/// Lines below the line of a section, and of the sections that say less.
const LINES: usize = 4;
const FEWER_LINES: usize = 2;

/// An answer, or why there is none.
type Answer<M> = Result<M, String>;

/// What the server answered.
pub(super) struct Answers {
    pub(super) server: Answer<GetServerInfoResponse>,
    pub(super) coverage: Answer<GetCoverageResponse>,
    pub(super) unprotected: Answer<ListProtectionResponse>,
    pub(super) late: Answer<ListProtectionResponse>,
    pub(super) next: Answer<ListProtectionResponse>,
    pub(super) incidents: Answer<ListIncidentsResponse>,
    pub(super) under_way: Answer<SummarizeJobsResponse>,
    pub(super) jobs: Answer<SummarizeJobsResponse>,
}

/// Whether all is well.
pub(super) struct Verdict {
    /// What is not.
    pub(super) problems: Vec<String>,
    /// What cannot be told.
    pub(super) unknown: Vec<String>,
}

impl Verdict {
    pub(super) fn word(&self) -> &'static str {
        match (self.problems.is_empty(), self.unknown.is_empty()) {
            (false, _) => "NOT_WELL",
            (true, false) => "UNKNOWN",
            (true, true) => "WELL",
        }
    }
}

impl Answers {
    pub(super) fn verdict(&self) -> Verdict {
        let (mut problems, mut unknown) = (Vec::new(), Vec::new());
        match &self.coverage {
            Ok(coverage) => {
                for (count, what) in
                    [(coverage.not_protected_count, "not protected"), (coverage.at_risk_count, "at risk")]
                {
                    if count > 0 {
                        problems.push(format!("{} {what}", of(count.into(), "database")));
                    }
                }
                if coverage.unknown_count > 0 {
                    unknown.push(format!("whether {} protected", are(coverage.unknown_count.into(), "database")));
                }
                let hindered = coverage.findings.iter().filter(|finding| finding.severity() != Severity::Info);
                unknown.extend(hindered.map(|finding| format!("{}: {}", finding.code, finding.message)));
            }
            Err(why) => unknown.push(format!("what is protected: {why}")),
        }
        for (what, answer, more) in [
            ("past its RPO", self.late.as_ref().map(|late| late.databases.len()), is_more(&self.late)),
            ("open", self.incidents.as_ref().map(|it| it.incidents.len()), is_more(&self.incidents)),
        ] {
            let thing = if what == "open" { "incident" } else { "database" };
            match answer {
                Ok(0) => {}
                Ok(count) => problems.push(format!("{} {what}", at_least(count, thing, more))),
                Err(why) => unknown.push(format!("which {thing}s are {what}: {why}")),
            }
        }
        for why in [&self.under_way, &self.jobs].into_iter().filter_map(|answer| answer.as_ref().err()) {
            unknown.push(format!("how jobs go: {why}"));
        }
        if let Err(why) = &self.next {
            unknown.push(format!("what runs next: {why}"));
        }
        for scope in self.scopes().iter().filter(|scope| scope.state() != ScopeState::Current) {
            unknown.push(format!("all of {}", standing(scope)));
        }
        // The same reason is told once.
        unknown.dedup();
        Verdict { problems, unknown }
    }

    /// How far the server knows, by whichever answer says it.
    fn scopes(&self) -> &[ScopeStatus] {
        let told = [
            self.coverage.as_ref().map(|it| it.scopes.as_slice()),
            self.under_way.as_ref().map(|it| it.scopes.as_slice()),
            self.incidents.as_ref().map(|it| it.scopes.as_slice()),
        ];
        told.into_iter().flatten().find(|scopes| !scopes.is_empty()).unwrap_or_default()
    }

    fn as_of(&self) -> Option<Timestamp> {
        let told = [
            self.coverage.as_ref().ok().and_then(|it| it.as_of),
            self.under_way.as_ref().ok().and_then(|it| it.as_of),
            self.incidents.as_ref().ok().and_then(|it| it.as_of),
        ];
        told.into_iter().flatten().find_map(instant)
    }
}

/// Whether a list has a next page.
trait Paged {
    fn next(&self) -> &str;
}

impl Paged for ListProtectionResponse {
    fn next(&self) -> &str {
        &self.next_page_token
    }
}

impl Paged for ListIncidentsResponse {
    fn next(&self) -> &str {
        &self.next_page_token
    }
}

fn is_more(answer: &Answer<impl Paged>) -> bool {
    answer.as_ref().is_ok_and(|page| !page.next().is_empty())
}

/// Lines that are as wide as the paper, if that has an end.
struct Screen {
    text: String,
    paper: Paper,
}

impl Screen {
    fn line(&mut self, style: Style, line: &str) {
        let line = clean(line);
        let line = match self.paper.width {
            Some(width) => console::truncate_str(&line, width, "…").into_owned(),
            None => line,
        };
        _ = writeln!(self.text, "{}", style.force_styling(self.paper.colour).apply_to(line.trim_end()));
    }

    /// A section, with as many of its things as there is room for.
    fn section(&mut self, name: &str, said: &str, is_bad: bool, things: Vec<String>, (most, more): (usize, &str)) {
        self.line(if is_bad { Style::new().red() } else { Style::new() }, &format!("{name:<11} {said}"));
        let whole = things.len() <= most;
        let left = things.len() - if whole { things.len() } else { most - 1 };
        for thing in things.into_iter().take(if whole { most } else { most - 1 }) {
            self.line(Style::new(), &format!("  {thing}"));
        }
        if !whole {
            self.line(Style::new(), &format!("  and {left} more: {more}"));
        }
    }

    fn unknown(&mut self, name: &str, why: &str) {
        self.section(name, &format!("not known: {why}"), true, Vec::new(), (0, ""));
    }
}

/// The screen.
pub(super) fn drawn(answers: &Answers, verdict: &Verdict, server: &str, paper: Paper) -> String {
    let mut screen = Screen { text: String::new(), paper };
    let (style, word, what) = match (verdict.problems.as_slice(), verdict.unknown.as_slice()) {
        ([], []) => (Style::new().green().bold(), "all is well", String::new()),
        ([], unknown) => (Style::new().yellow().bold(), "NOT KNOWN", format!(": {}", unknown.join("; "))),
        (problems, _) => (Style::new().red().bold(), "NOT WELL", format!(": {}", problems.join(", "))),
    };
    screen.line(style, &format!("{word}{what}"));
    let info = answers.server.as_ref().map_or_else(
        |_| String::new(),
        |info| format!(", strongroom {}{}", info.version, if info.sandbox { ", sandbox" } else { "" }),
    );
    let as_of = answers.as_of().map(|at| format!(", as of {}", at.strftime("%F %H:%MZ"))).unwrap_or_default();
    screen.line(Style::new(), &format!("{server}{info}{as_of}"));
    databases(answers, &mut screen);
    late(answers, &mut screen);
    incidents(answers, &mut screen);
    jobs(answers, &mut screen);
    next(answers, &mut screen);
    scopes(answers, &mut screen);
    screen.text
}

fn databases(answers: &Answers, screen: &mut Screen) {
    let coverage = match &answers.coverage {
        Ok(coverage) => coverage,
        Err(why) => return screen.unknown("databases", why),
    };
    let (at_risk, not) = (coverage.at_risk_count, coverage.not_protected_count);
    let mut said = format!("{}: {} protected", coverage.database_count, coverage.protected_count);
    for (count, what) in [(at_risk, "at risk"), (not, "not protected"), (coverage.unknown_count, "not known")] {
        if count > 0 || what != "not known" {
            _ = write!(said, ", {count} {what}");
        }
    }
    let worst = answers.unprotected.as_ref().map(|it| it.databases.as_slice()).unwrap_or_default();
    let mut things: Vec<String> = worst.iter().map(unprotected).collect();
    // Only the worst were asked for.
    let all = usize::try_from(at_risk + not).unwrap_or_default();
    things.resize(all.max(things.len()), String::new());
    let more = "strongroom protection list --verdict not-protected --verdict at-risk";
    screen.section("databases", &said, at_risk + not > 0, things, (LINES, more));
}

fn unprotected(database: &DatabaseProtection) -> String {
    let word = match database.verdict() {
        ProtectionVerdict::NotProtected => "NOT PROTECTED",
        ProtectionVerdict::AtRisk => "AT RISK",
        ProtectionVerdict::Protected => "PROTECTED",
        ProtectionVerdict::Unknown | ProtectionVerdict::Unspecified => "NOT KNOWN",
    };
    // What it is, and that it is so, stands before the colon, and here already.
    let why = database.summary.split_once(": ").map_or(database.summary.as_str(), |(_, why)| why);
    format!("{word:<13}  {}  {why}", name(&database.resource_name, &database.arn))
}

fn late(answers: &Answers, screen: &mut Screen) {
    let late = match &answers.late {
        Ok(late) => late,
        Err(why) => return screen.unknown("past RPO", why),
    };
    let line = |database: &DatabaseProtection| {
        let ratio = database.rpo_ratio.map(|ratio| format!("{ratio:.1} times its interval")).unwrap_or_default();
        let last = database.last_success_time.and_then(instant);
        let last = last.map_or_else(|| "no backup yet".to_owned(), |at| format!("last backup {}", short(at)));
        format!("{}  {ratio}, {last}", name(&database.resource_name, &database.arn))
    };
    let things: Vec<String> = late.databases.iter().map(line).collect();
    let said = match things.len() {
        0 => "none".to_owned(),
        count => at_least(count, "database", is_more(&answers.late)),
    };
    let more = "strongroom protection list --order rpo-ratio";
    screen.section("past RPO", &said, !things.is_empty(), things, (LINES - 1, more));
}

fn incidents(answers: &Answers, screen: &mut Screen) {
    let open = match &answers.incidents {
        Ok(open) => open,
        Err(why) => return screen.unknown("incidents", why),
    };
    let mut worst: Vec<&Incident> = open.incidents.iter().collect();
    let severity = |incident: &Incident| incident.finding.as_ref().map_or(0, |finding| finding.severity);
    // Of those that are as bad, the newest first, as they are told.
    worst.sort_by_key(|incident| std::cmp::Reverse(severity(incident)));
    let things: Vec<String> = worst.into_iter().map(incident).collect();
    let said = match things.len() {
        0 => "none open".to_owned(),
        count if is_more(&answers.incidents) => format!("{count} or more open"),
        count => format!("{count} open"),
    };
    screen.section("incidents", &said, !things.is_empty(), things, (LINES, "strongroom incident list"));
}

fn incident(incident: &Incident) -> String {
    let about = if incident.resource_arn.is_empty() { &incident.vault_arn } else { &incident.resource_arn };
    let cause = incident.cause().as_str_name().trim_start_matches("INCIDENT_CAUSE_");
    let finding = incident.finding.as_ref();
    let told = finding.map(|finding| if finding.action.is_empty() { &finding.message } else { &finding.action });
    let told = told.map_or("", String::as_str);
    format!("{cause}  {}  {told}", name("", about))
}

fn jobs(answers: &Answers, screen: &mut Screen) {
    let sum = |answer: &Answer<SummarizeJobsResponse>, of: fn(&JobSummary) -> i64| {
        answer.as_ref().map(|told| told.groups.iter().map(of).sum::<i64>()).map_err(String::clone)
    };
    let said = || {
        let under_way = sum(&answers.under_way, |group| group.under_way_count)?;
        let completed = sum(&answers.jobs, |group| group.completed_count)?;
        let failed = sum(&answers.jobs, |group| group.failed_count + group.partial_count)?;
        let expired = sum(&answers.jobs, |group| group.expired_count)?;
        let aborted = sum(&answers.jobs, |group| group.aborted_count)?;
        let mut said = format!("{under_way} under way; since yesterday {completed} completed, {failed} failed");
        for (count, what) in [(expired, "expired"), (aborted, "aborted")] {
            if count > 0 {
                _ = write!(said, ", {count} {what}");
            }
        }
        Ok::<_, String>((said, failed + expired > 0))
    };
    match said() {
        Ok((said, is_bad)) => screen.section("jobs", &said, is_bad, Vec::new(), (0, "")),
        Err(why) => screen.unknown("jobs", &why),
    }
}

fn next(answers: &Answers, screen: &mut Screen) {
    let next = match &answers.next {
        Ok(next) => next,
        Err(why) => return screen.unknown("next runs", why),
    };
    let mut runs: BTreeMap<Timestamp, Vec<String>> = BTreeMap::new();
    for database in &next.databases {
        if let Some(at) = database.next_run_time.and_then(instant) {
            runs.entry(at).or_default().push(name(&database.resource_name, &database.arn));
        }
    }
    let last = runs.keys().next_back().copied();
    let line = |(at, names): (&Timestamp, &Vec<String>)| {
        // Of the last run of a page there may be more on the next.
        let count = at_least(names.len(), "database", is_more(&answers.next) && last == Some(*at));
        format!("{}  {count}: {}", short(*at), names.join(", "))
    };
    let things: Vec<String> = runs.iter().take(FEWER_LINES).map(line).collect();
    let said = if things.is_empty() { "none" } else { "" };
    screen.section("next runs", said, false, things, (FEWER_LINES, ""));
}

fn scopes(answers: &Answers, screen: &mut Screen) {
    let scopes = answers.scopes();
    let behind: Vec<String> =
        scopes.iter().filter(|scope| scope.state() != ScopeState::Current).map(standing).collect();
    let said = match (scopes.len(), behind.len()) {
        (0, _) => "not known".to_owned(),
        (all, 0) => format!("{all} followed"),
        (all, behind) => format!("{} of {all} followed", all - behind),
    };
    screen.section("scopes", &said, !behind.is_empty() || scopes.is_empty(), behind, (FEWER_LINES, "-o json"));
}

/// An account and region, and what is missing of it.
fn standing(status: &ScopeStatus) -> String {
    let scope = status.scope.clone().unwrap_or_default();
    let place = format!("{} in {}", scope.account, scope.region);
    let as_of = status.as_of.and_then(instant).map(short);
    match (status.state(), as_of) {
        (ScopeState::Current, _) => format!("{place}: known"),
        (ScopeState::Filling, _) => format!("{place}: what AWS still knows is being read"),
        (ScopeState::Stale, Some(at)) => format!("{place}: AWS was not heard since {at}"),
        (ScopeState::Stale, None) => format!("{place}: AWS was not heard yet"),
        (ScopeState::NotFollowed | ScopeState::Unspecified, _) => format!("{place}: not followed"),
    }
}

/// The name of a thing; of one that has none, the end of its ARN.
fn name(name: &str, arn: &str) -> String {
    let name = if name.is_empty() { arn.rsplit([':', '/']).next().unwrap_or(arn) } else { name };
    name.to_owned()
}

fn instant(at: prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(at.seconds, at.nanos).ok()
}

/// An instant of these days.
fn short(at: Timestamp) -> String {
    at.strftime("%m-%d %H:%MZ").to_string()
}

fn of(count: i64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn are(count: i64, thing: &str) -> String {
    format!("{} {}", of(count, thing), if count == 1 { "is" } else { "are" })
}

/// A count, which there may be more of.
fn at_least(count: usize, thing: &str, more: bool) -> String {
    let more = if more { " or more" } else { "" };
    format!("{count}{more} {thing}{}", if count == 1 && more.is_empty() { "" } else { "s" })
}
