//! Everything that a ledger has which somebody could want to keep, one after the other. The SQL here is the same for both databases.

use jiff::Timestamp;

use super::{
    Error, Head, IncidentPosition, KnownPoint, Ledger, Reading, approvals,
    coverage::missed,
    jobs::{self, scope_of},
    points::Point,
    store::{Row, Value},
};
use crate::domain::{Approval, Incident, IncidentQuery, Job, JobId, MissedRun, Scope};

/// Rows of a page.
const PAGE: usize = 500;

const JOBS: &str = "SELECT j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
                    c.text, j.own FROM job AS j JOIN subject AS s ON s.id = j.subject JOIN place AS p ON p.id = s.place \
                    JOIN common AS c ON c.id = j.common WHERE j.key > $1 ORDER BY j.key LIMIT $2";

const POINTS: &str = "SELECT q.arn, p.account, p.region, q.vault, q.resource, q.type, q.state, q.created, q.expires, q.kept, \
                      q.bytes, q.seen, q.gone, q.why FROM point AS q JOIN place AS p ON p.id = q.place WHERE q.arn > $1 \
                      ORDER BY q.arn LIMIT $2";

/// As events of missed runs are read, with what a page goes on by in front.
const MISSED: &str = "SELECT m.resource, m.due, m.plan, m.rule, m.place, p.account, p.region, s.kind, s.type, s.resource, s.vault, \
                      s.destination, s.plan, s.rule, '', m.own FROM missed AS m JOIN subject AS s ON s.id = m.subject \
                      JOIN place AS p ON p.id = m.place WHERE (m.resource, m.due, m.plan, m.rule, m.place) > \
                      ($1, $2, $3, $4, $5) ORDER BY m.resource, m.due, m.plan, m.rule, m.place LIMIT $6";

const REQUESTS: &str = "SELECT r.place, r.operation, r.id, p.account, p.region, r.job, r.at FROM request AS r JOIN place AS p \
                        ON p.id = r.place WHERE (r.place, r.operation, r.id) > ($1, $2, $3) \
                        ORDER BY r.place, r.operation, r.id LIMIT $4";

/// A thing that a ledger has.
#[derive(Debug)]
pub enum Exported {
    /// Which ledger it is, and how far it goes. The first of all.
    Ledger(Head),
    /// How far an account and region was read.
    Place(Reading),
    /// A job.
    Job(Box<Job>),
    /// A run that was missed, or is withdrawn.
    MissedRun(Box<MissedRun>),
    /// A recovery point.
    RecoveryPoint(Box<KnownPoint>),
    /// Something that goes wrong, or went.
    Incident(Box<Incident>),
    /// What a second person was asked to agree with.
    Approval(Box<Approval>),
    /// What a request started.
    Request {
        /// Where.
        scope: Scope,
        /// The operation, such as `StartBackup`.
        operation: String,
        /// Its id as AWS was told it, which is another for each caller.
        id: String,
        /// The job that it started.
        job: JobId,
        /// When.
        at: Timestamp,
    },
}

impl Ledger {
    /// Tells everything, kind by kind, until `to` wants no more.
    ///
    /// # Errors
    /// When the ledger does not answer, and what `to` fails with.
    pub async fn export<E: From<Error>>(&self, mut to: impl FnMut(Exported) -> Result<(), E> + Send) -> Result<(), E> {
        to(Exported::Ledger(self.head().await?))?;
        let places = self.readings().await?;
        let scopes: Vec<Scope> = places.iter().map(|place| place.scope.clone()).collect();
        places.into_iter().try_for_each(|place| to(Exported::Place(place)))?;
        let whole = |row: Row| jobs::job(row, 0).map(|job| Exported::Job(Box::new(job)));
        self.pages(JOBS, vec![i64::MIN.into()], whole, &mut to).await?;
        let first = vec!["".into(), i64::MIN.into(), "".into(), "".into(), i64::MIN.into()];
        let whole = |row: Row| missed::of_event(row).map(|run| Exported::MissedRun(Box::new(run)));
        self.pages(MISSED, first, whole, &mut to).await?;
        let whole = |row: Row| Point::of_row(row)?.known().map(|point| Exported::RecoveryPoint(Box::new(point)));
        self.pages(POINTS, vec!["".into()], whole, &mut to).await?;
        self.incidents_of(scopes, &mut to).await?;
        let whole = |row: Row| approvals::approval(row).map(|approval| Exported::Approval(Box::new(approval)));
        self.pages(approvals::ALL, vec!["".into()], whole, &mut to).await?;
        self.pages(REQUESTS, vec![i64::MIN.into(), "".into(), "".into()], request, &mut to).await
    }

    /// Tells the rows of a statement, page by page. The columns that a page goes on by are its first ones, as many as there are of
    /// `first`.
    async fn pages<E: From<Error>>(
        &self,
        sql: &'static str,
        first: Vec<Value>,
        whole: impl Fn(Row) -> Result<Exported, Error>,
        to: &mut (impl FnMut(Exported) -> Result<(), E> + Send),
    ) -> Result<(), E> {
        let store = self.store().await?;
        let mut after = first;
        loop {
            let mut args = after.clone();
            args.push(PAGE.into());
            let rows = store.rows(sql, args).await?;
            let is_last = rows.len() < PAGE;
            if let Some(last) = rows.last() {
                after = last.0.iter().take(after.len()).cloned().collect();
            }
            rows.into_iter().try_for_each(|row| to(whole(row)?))?;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn incidents_of<E: From<Error>>(
        &self,
        scopes: Vec<Scope>,
        to: &mut (impl FnMut(Exported) -> Result<(), E> + Send),
    ) -> Result<(), E> {
        let query = IncidentQuery {
            scopes,
            states: Vec::new(),
            causes: Vec::new(),
            kinds: Vec::new(),
            resources: Vec::new(),
            vaults: Vec::new(),
        };
        let mut after: Option<IncidentPosition> = None;
        loop {
            let page = self.list_incidents(&query, PAGE, after.as_ref()).await?;
            page.incidents.into_iter().try_for_each(|incident| to(Exported::Incident(Box::new(incident))))?;
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

fn request(mut row: Row) -> Result<Exported, Error> {
    let job = JobId::told(row.text(5)?).ok_or_else(|| Error::unreadable("a request has no job"))?;
    Ok(Exported::Request {
        scope: scope_of(&row.text(3)?, &row.text(4)?)?,
        operation: row.text(1)?,
        id: row.text(2)?,
        job,
        at: row.time(6)?,
    })
}
