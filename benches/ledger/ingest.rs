//! What a ledger takes in, by the one path by which a job changes: pages of a thousand, as the poller tells them.

use std::time::Instant;

use anyhow::{Result, ensure};
use strongroom::domain::{Job, JobState};

use crate::{
    at::At,
    figures::{median, table},
    fill::{self, TOLD_AT_ONCE},
    jobs,
    pages::{Effort, short},
};

/// Pages that are told in one round.
const PAGES: u64 = 10;

pub(crate) async fn run(ledgers: &[(u64, At)], effort: Effort) -> Result<()> {
    let mut rows = Vec::new();
    for (size, at) in ledgers {
        fill::filled(at, *size).await?;
        eprintln!("{}: taken in by {size} jobs", at.name());
        let [new, changed, known] = measured(*size, at, effort).await?;
        rows.push(vec![
            format!("{} jobs", short(*size)),
            format!("{new:.0}"),
            format!("{changed:.0}"),
            format!("{known:.0}"),
        ]);
    }
    let name = ledgers.first().map_or("", |(_, at)| at.name());
    let header = ["", "new jobs a second", "jobs that ended a second", "jobs that are no news a second"];
    table(&format!("{name}: what is taken in, pages of {TOLD_AT_ONCE}"), &header, &rows);
    Ok(())
}

async fn measured(size: u64, at: &At, effort: Effort) -> Result<[f64; 3]> {
    let (ledger, scopes) = (at.ledger(), jobs::scopes());
    // Numbers that no job has: each made an event.
    let first = u64::try_from(ledger.head().await?.seq)?.max(size);
    let mut rates: [Vec<f64>; 3] = Default::default();
    let pages = if effort.calls < 10 { 1 } else { PAGES };
    for round in 0..u64::try_from(effort.rounds)? {
        let from = first + round * pages * TOLD_AT_ONCE;
        let job = |number, ended: bool| {
            let (job, at) = jobs::job(number, size, &scopes);
            let runs = Job {
                state: JobState::Running,
                completed_at: None,
                percent_done: Some(10.0),
                status_message: None,
                message_category: None,
                ..job.clone()
            };
            (if ended { job } else { runs }, at)
        };
        for (ended, news, rates) in
            [false, true, true].into_iter().zip([true, true, false]).zip(&mut rates).map(|((a, b), c)| (a, b, c))
        {
            let told: Vec<Vec<_>> = (0..pages)
                .map(|page| {
                    let first = from + page * TOLD_AT_ONCE;
                    (first..first + TOLD_AT_ONCE).map(|number| job(number, ended)).collect()
                })
                .collect();
            let began = Instant::now();
            let mut events = 0;
            for page in told {
                events += ledger.learn(page).await?;
            }
            let expected = if news { pages * TOLD_AT_ONCE } else { 0 };
            ensure!(u64::try_from(events)? == expected, "{events} events of {expected}");
            rates.push((pages * TOLD_AT_ONCE) as f64 / began.elapsed().as_secs_f64());
        }
    }
    ledger.close().await;
    Ok(rates.map(median))
}
