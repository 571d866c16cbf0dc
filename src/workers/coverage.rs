//! Whether every database is protected, one loop for each account and region.
//!
//! A look reads what is there and what is arranged for it, twenty-odd calls and one for each plan and selection, and keeps it with
//! the verdict on every database; so the runs that left no job come to light. Between two looks AWS is not asked: a database of
//! which a job is told is judged again, by what was read. What could not be read, for AWS throttled or failed, is no look: the one
//! before stays, and says how old it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::broadcast,
    time::{Instant, sleep},
};

use super::{Broken, PAUSE, Workers, touched::take_over};
use crate::{
    aws::Scoped,
    domain::{
        DatabaseProtection, Hindrance, History, Job, JobKind, JobOrder, JobQuery, JobsMade, KeptFinding, KnownJobs,
        MissedRun, Period, Renewed, ResourceKind, Scope, Severity, Survey, Touched, TouchedThing, Unread, done_with,
        missed_runs,
    },
    ledger::{Event, Happened, Ledger, Look, Members, NewLook, Reading, Tagged, Told, Watch},
};

/// The longest that a look may take.
const LONGEST: Duration = Duration::from_secs(600);

/// So long news is gathered before databases are judged again, and at most so much of it.
const GATHER: Duration = Duration::from_millis(200);
const MOST_NEWS: usize = 1_000;

/// Jobs that are read at once, when runs are to be judged.
const JOBS_AT_ONCE: usize = 1_000;

/// How long it is looked whether the job of a missed run turns up after all: AWS forgets jobs then.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How much earlier than its run a job may be created, and more.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);

/// Covers every account and region that is followed. It never ends.
pub(super) async fn cover(workers: Workers) {
    let scopes = workers.followed().await;
    if workers.ledger.is_shared() {
        // What is changed here goes the way of what is changed at other servers.
        let changes = broadcast::Sender::new(MOST_NEWS);
        let covering = join_all(scopes.into_iter().map(|scope| cover_one(&workers, &changes, scope)));
        tokio::join!(covering, take_over(&workers, &changes));
    } else {
        join_all(scopes.into_iter().map(|scope| cover_one(&workers, &workers.touched, scope))).await;
    }
}

async fn cover_one(workers: &Workers, changes: &broadcast::Sender<Touched>, scope: Scope) {
    let mut is_well = true;
    loop {
        let touched = changes.subscribe();
        let mut covering = Covering { workers, scope: &scope, jobs: BTreeMap::new(), judging: None, touched };
        // It goes on until something is in the way; then it begins anew, for it may have missed what happened meanwhile.
        let Err(error) = covering.go_on(&mut is_well).await;
        tell(&scope, &mut is_well, &error);
        sleep(workers.feed.coverage_interval.min(workers.feed.interval).max(PAUSE)).await;
    }
}

/// Once, not at every tick.
fn tell(scope: &Scope, is_well: &mut bool, error: &Broken) {
    if std::mem::take(is_well) {
        tracing::warn!(%scope.account, %scope.region, %error, "databases are not looked at: the last look stays");
    }
}

/// What is known of an account and region from look to look.
struct Covering<'w> {
    workers: &'w Workers,
    scope: &'w Scope,
    /// The backup jobs of what is backed up, by its ARN, as far as verdicts hang on them.
    jobs: BTreeMap<String, Vec<Job>>,
    /// What databases are judged by, and the look that it is.
    judging: Option<(Survey, i64)>,
    /// What was changed, at any server or as AWS tells.
    touched: broadcast::Receiver<Touched>,
}

/// What never is.
enum Never {}

impl Covering<'_> {
    async fn go_on(&mut self, is_well: &mut bool) -> Result<Never, Broken> {
        // Before any job is read, so that none comes between.
        let head = self.ledger().head().await?.seq;
        let query = JobQuery { scopes: vec![self.scope.clone()], kinds: vec![JobKind::Backup], ..JobQuery::default() };
        let mut watch = self.workers.tail.watch(query, head).await?;
        loop {
            let pause = match self.look().await {
                Ok(true) => {
                    if !std::mem::replace(is_well, true) {
                        let Scope { account, region } = self.scope;
                        tracing::info!(%account, %region, "databases are looked at again");
                    }
                    self.workers.feed.coverage_interval
                }
                // Its jobs are still being read.
                Ok(false) => self.workers.feed.interval.min(PAUSE),
                Err(Broken::Unread(why)) => {
                    tell(self.scope, is_well, &Broken::Unread(why));
                    self.workers.feed.coverage_interval
                }
                Err(error) => return Err(error),
            };
            let until = Instant::now() + pause.mul_f64(0.9 + 0.2 * fastrand::f64());
            while Instant::now() < until {
                tokio::select! {
                    touched = news(&mut watch, until) => {
                        let touched = touched?;
                        if !touched.is_empty() {
                            self.judge_again(touched).await?;
                        }
                    }
                    told = self.touched.recv() => match told {
                        Ok(touched) if touched.scope == *self.scope => self.renew(touched.what).await?,
                        Ok(_) => {}
                        // More than anybody would look at one by one. It is never closed: the workers could tell too.
                        Err(_) => break,
                    },
                }
            }
        }
    }

    fn ledger(&self) -> &Ledger {
        &self.workers.ledger
    }

    /// Looks at all there is. `false`: nobody could judge what is there, for not all jobs are known that AWS knows.
    async fn look(&mut self) -> Result<bool, Broken> {
        let reading = self.ledger().reading(self.scope).await?;
        let Some(reading) = reading.filter(|reading| reading.filled) else { return Ok(false) };
        let survey = match self.workers.aws.within(&self.scope.into()).await {
            Ok(aws) => survey(&aws.for_worker(), self.workers.feed.coverage_interval).await,
            Err(error) => {
                let why = KeptFinding {
                    code: "NOT_CHECKED".to_owned(),
                    severity: Severity::Warning,
                    message: format!("there is no way into the account and region: {error}"),
                    action: String::new(),
                    subject: String::new(),
                };
                self.ledger().note_trouble(self.scope, &[why]).await?;
                return Err(Broken::Unread(error.to_string()));
            }
        };
        let (passing, lasting): (Vec<_>, Vec<_>) = survey.unread().partition(|unread| is_in_the_way(unread));
        if let Some(first) = passing.first() {
            let why = first.finding().message;
            let trouble: Vec<KeptFinding> = passing.iter().map(|unread| unread.finding().into()).collect();
            self.ledger().note_trouble(self.scope, &trouble).await?;
            return Err(Broken::Unread(why));
        }
        let findings: Vec<KeptFinding> = lasting.into_iter().map(|unread| unread.finding().into()).collect();
        let subjects: BTreeSet<&str> = survey.databases.keys().map(|arn| survey.subject(arn)).collect();
        self.jobs.retain(|arn, _| subjects.contains(arn.as_str()));
        let unknown: Vec<&str> = subjects.into_iter().filter(|arn| !self.jobs.contains_key(*arn)).collect();
        self.jobs.extend(self.workers.ledger.histories(self.scope, &unknown).await?);
        let protections = judged(&survey, &self.jobs, self.owner_tag(), None);
        // Another replica may keep a look at the same time: what covers what goes on from that one then.
        loop {
            let last = self.ledger().look(self.scope).await?;
            let as_of = survey.arrangements.as_of();
            if last.as_ref().and_then(|last| last.as_of).is_some_and(|last| last > as_of) {
                break;
            }
            let after = last.as_ref().map_or(0, |last| last.generation);
            let (members, missed, judged) = self.members(&survey, &reading, last.as_ref()).await?;
            let is_listed = |kind: &ResourceKind| !survey.unlisted.iter().any(|(unlisted, _)| unlisted == kind);
            let new = NewLook {
                scope: self.scope.clone(),
                after,
                as_of,
                judged,
                protections: protections.clone(),
                kinds: ResourceKind::ALL.into_iter().filter(is_listed).collect(),
                members,
                outlook: survey.outlook(),
                missed,
                findings: findings.clone(),
            };
            if self.ledger().keep_look(new).await? {
                self.judging = Some((survey, after + 1));
                break;
            }
        }
        self.keep_tagged().await?;
        self.settle_owners().await?;
        let since = reading.as_of.and_then(|at| at.checked_sub(REMEMBERED).ok()).unwrap_or(Timestamp::MIN);
        self.ledger().withdraw_missed(self.scope, since, reading.as_of.unwrap_or(since)).await?;
        Ok(true)
    }

    /// Keeps the tags of vaults and plans, by which it is decided who may do what with them. Where they cannot be read, those that
    /// were read last stay.
    async fn keep_tagged(&self) -> Result<(), Broken> {
        let Some((survey, _)) = &self.judging else { return Ok(()) };
        let Ok(aws) = self.workers.aws.within(&self.scope.into()).await else { return Ok(()) };
        let mut tags = match Box::pin(aws.for_worker().tagged_vaults_and_plans()).await {
            Ok(tags) => tags,
            Err(error) => {
                tracing::warn!(%error, "the tags of vaults and plans cannot be read: those that were read last stay");
                return Ok(());
            }
        };
        let name = |arn: &str| arn.rsplit(':').next().unwrap_or_default().to_owned();
        let plans = survey.arrangements.plans().map(|plan| (plan.arn.clone(), plan.name.clone()));
        let mut there: BTreeMap<String, String> = plans.collect();
        let vaults = self.ledger().vaults(self.scope).await?;
        let tagged: Vec<String> = tags.keys().filter(|arn| arn.contains(":backup-vault:")).cloned().collect();
        there.extend(vaults.into_iter().chain(tagged).map(|arn| (arn.clone(), name(&arn))));
        let all =
            there.into_iter().map(|(arn, name)| Tagged { tags: tags.remove(&arn).unwrap_or_default(), arn, name });
        Ok(self.ledger().keep_tagged(self.scope, &all.collect::<Vec<_>>()).await?)
    }

    /// Which rule covers which database after a survey, and the runs that it shows to be missed: judged until when.
    async fn members(
        &self,
        survey: &Survey,
        reading: &Reading,
        last: Option<&Look>,
    ) -> Result<(Members, Vec<MissedRun>, Option<Timestamp>), Broken> {
        let Members { current, ended: mut all_ended, mut timings } = match last {
            Some(look) => self.ledger().members(look).await?,
            None => Members::default(),
        };
        let Renewed { current, ended, timings: new } = survey.renew(current);
        all_ended.extend(ended);
        timings.extend(new);
        let judged = last.and_then(|last| last.judged);
        // A run is judged when both its jobs and who was covered are known up to its end.
        let until = reading.as_of.unwrap_or(Timestamp::MIN).min(survey.arrangements.as_of());
        let mut missed = Vec::new();
        if let Some(since) = reading.history_start
            && judged.is_none_or(|judged| until > judged)
        {
            let known = KnownJobs { since, until };
            let members = || current.iter().chain(&all_ended);
            // Without a look at jobs every run is missed: nearly always there is none to be judged.
            let due = missed_runs(members(), &timings, &JobsMade::default(), known, judged);
            if let Some(first) = due.iter().map(|run| run.due_at).min() {
                let made = self.jobs_made(first.saturating_sub(MARGIN).unwrap_or(first)).await?;
                missed = missed_runs(members(), &timings, &made, known, judged);
            }
        }
        let judged = judged.max(Some(until));
        let done = done_with(until);
        all_ended.retain(|member| member.until >= done);
        Ok((Members { current, ended: all_ended, timings }, missed, judged))
    }

    /// The jobs that rules made since then.
    async fn jobs_made(&self, since: Timestamp) -> Result<JobsMade, Broken> {
        let query = JobQuery {
            scopes: vec![self.scope.clone()],
            kinds: vec![JobKind::Backup],
            created: Period { after: Some(since), before: None },
            ..JobQuery::default()
        };
        let (mut made, mut after) = (JobsMade::default(), None);
        loop {
            let page = self.ledger().list_jobs(&query, JobOrder::Newest, JOBS_AT_ONCE, after).await?;
            page.jobs.iter().for_each(|job| made.note(job));
            after = match page.next {
                Some(next) => Some(next),
                None => return Ok(made),
            };
        }
    }

    /// Judges again what is backed up by these ARNs, of which jobs were told.
    async fn judge_again(&mut self, touched: BTreeSet<String>) -> Result<(), Broken> {
        let arns: Vec<&str> = touched.iter().map(String::as_str).collect();
        let jobs = self.ledger().histories(self.scope, &arns).await?;
        self.jobs.extend(jobs);
        let Some((survey, look)) = &self.judging else { return Ok(()) };
        let databases: BTreeSet<&str> = arns.iter().flat_map(|arn| survey.touched_by(arn)).collect();
        let judged = judged(survey, &self.jobs, self.owner_tag(), Some(&databases));
        if !judged.is_empty() {
            let as_of = survey.arrangements.as_of();
            self.ledger().keep_judged(self.scope, *look, as_of, &judged, None).await?;
        }
        Ok(())
    }

    /// Reads anew what was changed, and judges what hangs on it: of a database that is one call. What cannot be read now is seen
    /// by the next look.
    async fn renew(&mut self, what: TouchedThing) -> Result<(), Broken> {
        let Some((survey, look)) = &self.judging else { return Ok(()) };
        let (mut survey, look) = (survey.clone(), *look);
        let Ok(aws) = self.workers.aws.within(&self.scope.into()).await else { return Ok(()) };
        let aws = aws.for_worker();
        let touched = match &what {
            TouchedThing::Database(arn) => aws.survey_database(&mut survey, arn).await.map(Some),
            TouchedThing::Plan(named) => {
                let id = survey.arrangements.plans().find(|plan| plan.name == *named).map(|plan| plan.id.clone());
                aws.survey_plan(&mut survey, id.as_ref().unwrap_or(named)).await.map(|()| None)
            }
        };
        let touched = match touched {
            Ok(touched) if is_whole(&survey) => touched,
            Ok(_) | Err(_) => return Ok(()),
        };
        let some: Option<BTreeSet<&str>> = touched.as_ref().map(|arns| arns.iter().map(String::as_str).collect());
        let subjects = some.iter().flatten().map(|arn| survey.subject(arn));
        let unknown: Vec<&str> = subjects.filter(|arn| !self.jobs.contains_key(*arn)).collect();
        self.jobs.extend(self.workers.ledger.histories(self.scope, &unknown).await?);
        let judged = judged(&survey, &self.jobs, self.owner_tag(), some.as_ref());
        let as_of = survey.arrangements.as_of();
        if self.ledger().keep_judged(self.scope, look, as_of, &judged, Some(&survey.outlook())).await? {
            self.judging = Some((survey, look));
            self.settle_owners().await?;
        }
        Ok(())
    }

    /// Has jobs counted as those of whom their databases were seen to be.
    async fn settle_owners(&self) -> Result<(), Broken> {
        while self.ledger().settle_owners(self.scope).await? {}
        Ok(())
    }

    fn owner_tag(&self) -> &str {
        self.workers.config.owner_tag.as_str()
    }
}

async fn survey(aws: &Scoped, interval: Duration) -> Survey {
    aws.survey_besides(interval.clamp(Duration::from_secs(60), LONGEST)).await
}

/// Whether it is no look without that.
fn is_in_the_way(unread: &Unread) -> bool {
    matches!(unread.unseen.hindrance, Hindrance::Passing | Hindrance::NoWay)
}

fn is_whole(survey: &Survey) -> bool {
    !survey.unread().any(is_in_the_way)
}

/// The verdicts on databases, or on some of them.
fn judged(
    survey: &Survey,
    jobs: &BTreeMap<String, Vec<Job>>,
    owner_tag: &str,
    some: Option<&BTreeSet<&str>>,
) -> Vec<DatabaseProtection> {
    let history = |arn: &str| {
        let jobs = jobs.get(arn).cloned().unwrap_or_default();
        match survey.databases.get(arn) {
            Some(database) => History::of_database(database, jobs),
            None => History::of_jobs(jobs),
        }
    };
    let told = |(arn, judged)| {
        let subject = survey.databases.get(survey.subject(arn)).or_else(|| survey.databases.get(arn))?.identity();
        Some(DatabaseProtection::of(survey.databases.get(arn)?, subject, judged, owner_tag))
    };
    match some {
        None => survey.protections(history).filter_map(told).collect(),
        Some(some) => {
            let judge = |arn| Some((arn, survey.protection_of(arn, history(survey.subject(arn)))?));
            some.iter().copied().filter_map(judge).filter_map(told).collect()
        }
    }
}

/// What is backed up and of which jobs are told next, gathered for a moment; nothing where none are by then.
async fn news(watch: &mut Watch, until: Instant) -> Result<BTreeSet<String>, Broken> {
    let mut touched = BTreeSet::new();
    let mut gathered = until;
    loop {
        match watch.next(gathered).await? {
            Told::Event(event) => {
                if let Event { what: Happened::Job(job), .. } = &*event {
                    touched.extend(job.resource_arn.clone());
                }
                gathered = gathered.min(Instant::now() + GATHER);
            }
            Told::Bookmark(..) => break,
        }
        if touched.len() >= MOST_NEWS {
            break;
        }
    }
    Ok(touched)
}
