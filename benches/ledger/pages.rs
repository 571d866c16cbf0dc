//! Pages of lists and sums at growing sizes: how long they take and how much they look at, by the ledger itself, as the server asks it.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use strongroom::{
    domain::{
        JobDimension, JobKind, JobOrder, JobQuery, JobState, Period, ProtectionOrder, ProtectionQuery,
        ProtectionVerdict, ProtectionWord, Scope,
    },
    ledger::{GroupPosition, JobPosition, Ledger, ProtectionPosition},
};

use crate::{
    at::At,
    examined::Statements,
    figures::{Latencies, median, table},
    fill, jobs,
    protections::{self, DATABASES},
};

const PAGE: usize = 100;

/// What is asked for.
#[derive(Clone)]
pub(crate) enum Asked {
    Jobs(JobQuery, JobOrder),
    Groups(JobQuery, Vec<JobDimension>),
    Databases(ProtectionQuery, ProtectionOrder),
}

pub(crate) struct Question {
    pub(crate) what: &'static str,
    pub(crate) asked: Asked,
    /// Parts of it have no index: pages may be short.
    pub(crate) is_residual: bool,
}

/// Of one question at one size, of the first page and of a deep one.
#[derive(Clone, Copy, Default)]
struct Figures {
    half: f64,
    most: f64,
    examined: u64,
    told: usize,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) calls: usize,
}

/// Everything that is asked; of which resource, vault and so on, a number says, so that no answer is that of the call before.
fn questions(scopes: &[Scope], number: u64) -> Vec<Question> {
    let any = 1 + number % jobs::RESOURCES;
    let plan = || jobs::plan(jobs::plan_of(any));
    let somewhere = || JobQuery {
        scopes: scopes.get(usize::try_from(number % 12).unwrap_or_default()).into_iter().cloned().collect(),
        ..JobQuery::default()
    };
    use JobState as S;
    let of = |query: JobQuery| JobQuery { scopes: scopes.to_vec(), ..query };
    let all = || of(JobQuery::default());
    let hot = || JobQuery { resources: vec![jobs::resource(0, scopes)], ..all() };
    let few = || JobQuery { resources: vec![jobs::resource(any, scopes)], ..all() };
    let vault = |number| JobQuery { vaults: vec![jobs::vault(number, scopes)], ..all() };
    let rare = || JobQuery { plan: Some(jobs::rare_plan()), ..all() };
    let failed = |query: JobQuery| JobQuery { states: vec![S::Failed], ..query };
    let month = Period {
        after: Timestamp::from_millisecond(jobs::instant(0.5)).ok(),
        before: Timestamp::from_millisecond(jobs::instant(0.575)).ok(),
    };
    let newest = |what, query| Question { what, asked: Asked::Jobs(query, JobOrder::Newest), is_residual: false };
    let ended = |what, query| Question { what, asked: Asked::Jobs(query, JobOrder::LastEnded), is_residual: false };
    let residual = |question: Question| Question { is_residual: true, ..question };
    let sum = |what, query, by: &[JobDimension]| Question {
        what,
        asked: Asked::Groups(query, by.to_vec()),
        is_residual: false,
    };
    use JobDimension as D;
    vec![
        newest("all", all()),
        newest("FAILED", failed(all())),
        newest(
            "FAILED or EXPIRED, in a month",
            JobQuery { states: vec![S::Failed, S::Expired], created: month, ..all() },
        ),
        newest("the resource that has half", hot()),
        newest("the same, FAILED", failed(hot())),
        newest("the same, COMPLETED", JobQuery { states: vec![S::Completed], ..hot() }),
        newest("a resource of 2,000", few()),
        newest("a vault", vault(any)),
        newest("a vault, FAILED", failed(vault(any))),
        newest("the vault of the resource that has half", vault(0)),
        newest("a plan", JobQuery { plan: Some(plan()), ..all() }),
        newest("one account and region", somewhere()),
        newest(
            "restores of a type",
            JobQuery { kinds: vec![JobKind::Restore], resource_types: vec!["Neptune".into()], ..all() },
        ),
        newest("0.001 %: a plan", rare()),
        newest(
            "0.001 %: a plan, kind, type, state",
            JobQuery {
                kinds: vec![JobKind::Backup],
                resource_types: vec!["RDS".into(), "Aurora".into(), "DocumentDB".into(), "Neptune".into()],
                ..failed(rare())
            },
        ),
        Question {
            what: "a plan, oldest first",
            asked: Asked::Jobs(JobQuery { plan: Some(plan()), ..all() }, JobOrder::Oldest),
            is_residual: false,
        },
        ended("all, last ended first", all()),
        ended("FAILED, last ended first", failed(all())),
        ended("the resource that has half, last ended first", hot()),
        ended("a resource of 2,000, last ended first", few()),
        ended("a vault, FAILED, last ended first", failed(vault(any))),
        ended("0.001 %: a plan, last ended first", rare()),
        residual(newest(
            "0.001 %: restores of a type that are PARTIAL",
            JobQuery {
                kinds: vec![JobKind::Restore],
                resource_types: vec!["Neptune".into()],
                states: vec![S::Partial],
                ..all()
            },
        )),
        residual(newest("words of a message", JobQuery { text: Some("quota".into()), ..all() })),
        residual(newest("a category, FAILED", JobQuery { category: Some("AccessDenied".into()), ..failed(all()) })),
        residual(newest("a vault, words of a message", JobQuery { text: Some("quota".into()), ..vault(any) })),
        residual(newest("words that nobody said", JobQuery { text: Some("no such words".into()), ..all() })),
        sum("jobs together", all(), &[]),
        sum("by day", all(), &[D::Day]),
        sum("by day, the resource that has half", hot(), &[D::Day]),
        sum("by day, 0.001 %", rare(), &[D::Day]),
        sum("by plan", all(), &[D::Plan]),
        sum("by vault", all(), &[D::Vault]),
        sum("by account and region", all(), &[D::Account, D::Region]),
        sum("by resource", all(), &[D::Resource]),
        sum("by resource, FAILED", failed(all()), &[D::Resource]),
        sum("by resource, of a plan", JobQuery { plan: Some(plan()), ..all() }, &[D::Resource]),
        sum("by resource, 0.001 %", rare(), &[D::Resource]),
        sum("by resource and day", all(), &[D::Resource, D::Day]),
        sum("by plan and day", all(), &[D::Plan, D::Day]),
        sum("by state", all(), &[D::State]),
    ]
}

fn of_databases(scopes: &[Scope], number: u64) -> Vec<Question> {
    let all = || ProtectionQuery { scopes: scopes.to_vec(), ..ProtectionQuery::default() };
    let of = |what, query, order| Question { what, asked: Asked::Databases(query, order), is_residual: false };
    let plan = || ProtectionQuery { words: vec![vec![ProtectionWord::Plan(jobs::plan(number % 50))]], ..all() };
    use ProtectionOrder as O;
    vec![
        of("databases, the worst first", all(), O::WorstFirst),
        of("by RPO ratio", all(), O::RpoRatio),
        of("by ARN", all(), O::Arn),
        of(
            "NOT_PROTECTED",
            ProtectionQuery { verdicts: vec![ProtectionVerdict::NotProtected], ..all() },
            O::WorstFirst,
        ),
        of(
            "one account and region",
            ProtectionQuery {
                scopes: scopes[usize::try_from(number % 12).unwrap_or_default()..][..1].to_vec(),
                ..all()
            },
            O::WorstFirst,
        ),
        of("covered by a plan", plan(), O::WorstFirst),
        of("an owner", ProtectionQuery { owner: Some(format!("team-{}", number % 100)), ..all() }, O::WorstFirst),
        of(
            "a tag that one database has",
            ProtectionQuery { words: vec![vec![ProtectionWord::Tag("only".into(), "one".into())]], ..all() },
            O::WorstFirst,
        ),
        of(
            "three failures one after the other, of a plan",
            ProtectionQuery { least_failures: 3, ..plan() },
            O::LastSuccess,
        ),
        of("counted (GetCoverage)", all(), O::NextRun),
    ]
}

fn all(scopes: &[Scope], number: u64) -> Vec<Question> {
    questions(scopes, number).into_iter().chain(of_databases(scopes, number)).collect()
}

/// One of the questions, about anything.
fn some(scopes: &[Scope], index: usize) -> Result<Question> {
    all(scopes, fastrand::u64(..)).into_iter().nth(index).context("there are so many")
}

/// Where a page begins somewhere in the middle.
enum Deep {
    Job(JobPosition),
    Group(GroupPosition),
    Database(ProtectionPosition),
}

fn base36(mut number: i64) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.is_empty() {
        let digit = u8::try_from(number % 36).unwrap_or_default();
        digits.push(char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
        number /= 36;
    }
    digits.into_iter().rev().collect()
}

impl Question {
    fn deep(&self, scopes: &[Scope]) -> Result<Deep> {
        let share = 0.2 + 0.6 * fastrand::f64();
        let at = jobs::instant(share);
        let day = at / 86_400_000;
        Ok(match &self.asked {
            Asked::Jobs(query, _) => {
                // Within the time that is asked for.
                let at = match (query.created.after, query.created.before) {
                    (Some(after), Some(before)) => i64::midpoint(after.as_millisecond(), before.as_millisecond()),
                    _ => at,
                };
                let text = format!("{}.{}", base36(at << 21), base36(at));
                Deep::Job(JobPosition::parse(&text).context("it is a position")?)
            }
            Asked::Groups(_, by) => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "one of them")]
                let number = (jobs::RESOURCES as f64 * share) as u64;
                let values: Vec<String> = by
                    .iter()
                    .filter_map(|by| match by {
                        JobDimension::Resource => Some(jobs::resource(number, scopes)),
                        JobDimension::Plan => Some("80000000".to_owned()),
                        JobDimension::Vault => Some(jobs::vault(number, scopes)),
                        JobDimension::Account => Some("210987654321".to_owned()),
                        JobDimension::Region => Some("eu-central-1".to_owned()),
                        _ => None,
                    })
                    .collect();
                let day = by.contains(&JobDimension::Day).then_some(day);
                let text = serde_json::json!({ "values": values, "day": day, "state": null }).to_string();
                Deep::Group(GroupPosition::parse(&text).context("it is a position")?)
            }
            Asked::Databases(_, order) => Deep::Database(protections::deep(*order, share)?),
        })
    }

    /// Asks; how many were told.
    async fn ask(&self, ledger: &Ledger, deep: Option<Deep>) -> Result<usize> {
        match (&self.asked, deep) {
            (Asked::Jobs(query, order), deep) => {
                let after = match deep {
                    Some(Deep::Job(at)) => Some(at),
                    _ => None,
                };
                Ok(ledger.list_jobs(query, *order, PAGE, after).await?.jobs.len())
            }
            (Asked::Groups(query, by), deep) => {
                let after = match deep {
                    Some(Deep::Group(at)) => Some(at),
                    _ => None,
                };
                let page = ledger.summarize(query, None, by, PAGE, after).await;
                Ok(page.map_err(|error| anyhow::anyhow!("{}: {error:?}", self.what))?.groups.len())
            }
            (Asked::Databases(query, ProtectionOrder::NextRun), _) => {
                let since = Timestamp::from_millisecond(jobs::instant(0.9))?;
                Ok(usize::try_from(ledger.count_protection(query, since).await?.matching)?)
            }
            (Asked::Databases(query, order), deep) => {
                let after = match deep {
                    Some(Deep::Database(at)) => Some(at),
                    _ => None,
                };
                Ok(ledger.list_protection(query, *order, PAGE, after).await?.databases.len())
            }
        }
    }
}

/// Whether a question is of a list.
type IsOf = fn(&Question) -> bool;

/// Asks everything at each size, and tells it in a table for each list.
pub(crate) async fn run(statements: &Statements, ledgers: &[(u64, At)], effort: Effort) -> Result<()> {
    let scopes = jobs::scopes();
    let questions = all(&scopes, 0);
    let name = ledgers.first().map_or("", |(_, at)| at.name());
    let mut figures = Vec::new();
    for (size, at) in ledgers {
        fill::filled(at, *size).await?;
        protections::filled(at).await?;
        eprintln!("{name}: pages of {size} jobs");
        figures.push(measured(statements, at, questions.len(), &scopes, effort).await?);
    }
    let unit = if name == "SQLite" { "steps" } else { "rows" };
    let kinds: [(&str, IsOf); 4] = [
        ("ListJobs", |it| matches!(it.asked, Asked::Jobs(..)) && !it.is_residual),
        ("ListJobs, what has no index", |it| matches!(it.asked, Asked::Jobs(..)) && it.is_residual),
        ("SummarizeJobs", |it| matches!(it.asked, Asked::Groups(..))),
        ("ListProtection", |it| matches!(it.asked, Asked::Databases(..))),
    ];
    for (list, is_of) in kinds {
        let mut header = vec![String::new()];
        for (size, _) in ledgers {
            header.push(format!("{} jobs: p50 / p99 ms", short(*size)));
            header.push(format!("{unit} / told"));
        }
        let mut rows = Vec::new();
        for (index, question) in questions.iter().enumerate().filter(|(_, it)| is_of(it)) {
            for (depth, place) in ["", ", deep"].iter().enumerate() {
                let mut row = vec![format!("{}{place}", question.what)];
                for figures in &figures {
                    let Figures { half, most, examined, told } = figures[index][depth];
                    row.push(format!("{half:.2} / {most:.2}"));
                    row.push(format!("{examined} / {told}"));
                }
                rows.push(row);
            }
        }
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let databases = if list == "ListProtection" { format!(" of {DATABASES} databases") } else { String::new() };
        table(&format!("{name}: {list}{databases}, pages of {PAGE}"), &header, &rows);
    }
    Ok(())
}

/// First pages and deep ones, of every question, in turn.
async fn measured(
    statements: &Statements,
    at: &At,
    questions: usize,
    scopes: &[Scope],
    effort: Effort,
) -> Result<Vec<[Figures; 2]>> {
    let (ledger, mut raw) = (at.ledger(), at.raw().await?);
    let mut figures = vec![[Figures::default(); 2]; questions];
    let mut rounds: Vec<[(Vec<f64>, Vec<f64>); 2]> = vec![Default::default(); questions];
    for round in 0..=effort.rounds {
        for index in 0..questions {
            for depth in 0..2 {
                // What is slow is asked less often.
                let (mut latencies, began) = (Vec::new(), Instant::now());
                while latencies.len() < effort.calls
                    && (began.elapsed() < Duration::from_secs(2) || latencies.len() < 3)
                {
                    let question = some(scopes, index)?;
                    let deep = if depth == 1 { Some(question.deep(scopes)?) } else { None };
                    let asked = Instant::now();
                    figures[index][depth].told = question.ask(&ledger, deep).await?;
                    latencies.push(asked.elapsed());
                }
                // The first round warms everything up.
                if round > 0 {
                    let latencies = Latencies::of(latencies);
                    rounds[index][depth].0.push(latencies.quantile(0.5) / 1000.0);
                    rounds[index][depth].1.push(latencies.quantile(0.99) / 1000.0);
                }
            }
        }
    }
    for index in 0..questions {
        for depth in 0..2 {
            // The most of some.
            for _ in 0..5 {
                let question = some(scopes, index)?;
                let deep = if depth == 1 { Some(question.deep(scopes)?) } else { None };
                let examined = statements.examined(&mut raw, question.ask(&ledger, deep)).await?;
                figures[index][depth].examined = figures[index][depth].examined.max(examined);
            }
            let (half, most) = std::mem::take(&mut rounds[index][depth]);
            (figures[index][depth].half, figures[index][depth].most) = (median(half), median(most));
        }
    }
    ledger.close().await;
    Ok(figures)
}

/// A number of jobs, as people say it.
pub(crate) fn short(count: u64) -> String {
    match count {
        1_000_000.. if count.is_multiple_of(1_000_000) => format!("{} M", count / 1_000_000),
        1_000.. if count.is_multiple_of(1_000) => format!("{} k", count / 1_000),
        _ => {
            let mut text = String::new();
            let _ = write!(text, "{count}");
            text
        }
    }
}
