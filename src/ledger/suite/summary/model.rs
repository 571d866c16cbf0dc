//! What the ledger must count, of lists in memory.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    domain::{
        Job, JobCounts, JobDimension, JobGroup, JobId, JobKind, JobQuery, JobState, JobSubject, KnownJob, MissedRun,
        Period, Scope, done_with,
    },
    ledger::jobs,
};

/// What keeps groups apart, in their order.
type Place = (Vec<String>, Option<u8>, Reverse<Option<Date>>, Option<JobState>);

/// What is told of a group: of how many days it is known that nothing was due comes last.
pub(super) type Counted = (Place, JobCounts, Option<i64>, Option<i64>);

/// What there is.
#[derive(Default)]
pub(super) struct Model {
    jobs: BTreeMap<JobId, KnownJob>,
    /// By what keeps them apart, and whether the job turned up after all.
    missed: BTreeMap<(String, Timestamp, String, String), (MissedRun, bool)>,
    /// Whose resources are, by place and ARN.
    owners: BTreeMap<(Scope, String), String>,
    /// What jobs and runs were ever about.
    subjects: BTreeSet<JobSubject>,
    /// Since when runs of the one place that is looked at are judged, and until when.
    judged: Option<(Timestamp, Timestamp)>,
}

#[derive(Default)]
struct Group<'m> {
    jobs: Vec<&'m Job>,
    missed: Vec<&'m MissedRun>,
}

impl Model {
    pub(super) fn learn(&mut self, tellings: &[(Job, Timestamp)]) {
        for (job, at) in tellings {
            let known = KnownJob::told(job.clone(), *at);
            match self.jobs.get_mut(&job.id) {
                Some(so_far) => _ = so_far.learn(known),
                None => _ = self.jobs.insert(job.id.clone(), known),
            }
        }
        self.subjects.extend(self.jobs.values().map(KnownJob::subject));
    }

    pub(super) fn look(&mut self, missed: &[MissedRun], as_of: Timestamp, judged: Option<Timestamp>) {
        for run in missed {
            let key = (run.database.arn.clone(), run.due_at, run.plan_id.clone(), run.rule_id.clone());
            self.missed.entry(key).or_insert_with(|| (run.clone(), false));
            self.subjects.insert(run.subject());
        }
        let since = self.judged.map_or(as_of, |(since, _)| since);
        self.judged = judged.map(|judged| (since, judged));
    }

    /// How many runs turn out to have left a job.
    pub(super) fn withdraw(&mut self) -> usize {
        let made: Vec<(JobSubject, Timestamp)> =
            self.jobs.values().filter_map(|known| Some((known.subject(), known.job().created_at?))).collect();
        let is_of = |run: &MissedRun, (subject, at): &(JobSubject, Timestamp)| {
            let (from, to) = run.time_of_job();
            let of_rule = (&subject.scope, &subject.resource, &subject.plan, &subject.rule)
                == (&run.scope, &run.database.arn, &run.plan_id, &run.rule_id);
            subject.kind == JobKind::Backup && of_rule && from <= *at && to.is_none_or(|to| *at < to)
        };
        let mut count = 0;
        for (run, withdrawn) in self.missed.values_mut().filter(|(_, withdrawn)| !withdrawn) {
            *withdrawn = made.iter().any(|made| is_of(run, made));
            count += usize::from(*withdrawn);
        }
        count
    }

    pub(super) fn forget(&mut self, before: Timestamp) {
        self.jobs.retain(|_, known| known.job().created_at.unwrap() >= before);
        self.missed.retain(|_, (run, _)| run.due_at >= before);
        self.judged = self.judged.map(|(since, until)| (since.max(before), until));
    }

    pub(super) fn own(&mut self, scope: Scope, arn: String, owner: String) {
        self.owners.insert((scope, arn), owner);
    }

    fn owner(&self, subject: &JobSubject) -> String {
        self.owners.get(&(subject.scope.clone(), subject.resource.clone())).cloned().unwrap_or_default()
    }

    /// What the ledger must tell.
    pub(super) fn told(&self, query: &JobQuery, owner: Option<&str>, by: &[JobDimension]) -> Vec<Counted> {
        let is_owned = |subject: &JobSubject| owner.is_none_or(|owner| self.owner(subject) == owner);
        let jobs: Vec<(Job, JobSubject)> = self.jobs.values().map(|known| (known.job(), known.subject())).collect();
        let mut groups: BTreeMap<Place, Group<'_>> = BTreeMap::new();
        if by.is_empty() {
            groups.entry((Vec::new(), None, Reverse(None), None)).or_default();
        }
        for (job, subject) in jobs.iter().filter(|(job, subject)| query.fits(job) && is_owned(subject)) {
            let place = self.place_of(subject, job.created_at, Some(&job.state), by);
            groups.entry(place).or_default().jobs.push(job);
        }
        let missed = self.missed.values().filter(|(_, withdrawn)| !withdrawn).map(|(run, _)| run);
        let in_time = |run: &&MissedRun| query.created.has(Some(run.due_at));
        let whenever = JobQuery { created: Period::default(), ..query.clone() };
        let by_state = by.contains(&JobDimension::State);
        let fits = |run: &&MissedRun| !by_state && whenever.fits_missed(run) && is_owned(&run.subject());
        for run in missed.filter(in_time).filter(fits) {
            let place = self.place_of(&run.subject(), Some(run.due_at), None, by);
            groups.entry(place).or_default().missed.push(run);
        }
        let by_day_or_state = by.contains(&JobDimension::Day) || by_state;
        let all_states = query.states.is_empty() && !by_day_or_state;
        let to_the_job = by.contains(&JobDimension::Resource) || !query.resources.is_empty();
        let told = |(place, group): (Place, Group<'_>)| {
            let streak = all_states.then(|| streak(&group.jobs, to_the_job));
            let none_due = self.none_due((query, &is_owned), by, &place, &group).filter(|_| all_states);
            (place, counts(&group), streak, none_due)
        };
        groups.into_iter().map(told).collect()
    }

    fn place_of(
        &self,
        subject: &JobSubject,
        at: Option<Timestamp>,
        state: Option<&JobState>,
        by: &[JobDimension],
    ) -> Place {
        let values = by.iter().filter_map(|dimension| match dimension {
            JobDimension::Resource => Some(subject.resource.clone()),
            JobDimension::Vault => Some(subject.vault.clone()),
            JobDimension::Plan => Some(subject.plan.clone()),
            JobDimension::Rule => Some(subject.rule.clone()),
            JobDimension::ResourceType => Some(subject.resource_type.clone()),
            JobDimension::Account => Some(subject.scope.account.as_str().to_owned()),
            JobDimension::Region => Some(subject.scope.region.as_str().to_owned()),
            JobDimension::Owner => Some(self.owner(subject)),
            JobDimension::Kind | JobDimension::Day | JobDimension::State => None,
        });
        let by = |dimension| by.contains(&dimension);
        let day = at.map(|at| at.to_zoned(TimeZone::UTC).date()).filter(|_| by(JobDimension::Day));
        let kind =
            JobKind::ALL.into_iter().zip(0u8..).find(|(kind, _)| *kind == subject.kind).map(|(_, number)| number);
        let state = state.filter(|_| by(JobDimension::State)).cloned();
        (values.collect(), kind.filter(|_| by(JobDimension::Kind)), Reverse(day), state)
    }

    fn none_due(
        &self,
        (query, is_owned): (&JobQuery, &dyn Fn(&JobSubject) -> bool),
        by: &[JobDimension],
        place: &Place,
        group: &Group<'_>,
    ) -> Option<i64> {
        let is_in = |subject: &JobSubject| self.place_of(subject, None, None, by) == *place;
        let fits = |subject: &&JobSubject| is_about(query, subject) && is_owned(subject) && is_in(subject);
        let places: BTreeSet<&Scope> = self.subjects.iter().filter(fits).map(|subject| &subject.scope).collect();
        let (since, judged) = self.judged.filter(|_| !group.jobs.is_empty() || !group.missed.is_empty())?;
        if places.iter().map(|scope| scope.region.as_str()).collect::<Vec<_>>() != ["us-east-1"] {
            return None;
        }
        let midnight = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let until = done_with(judged);
        let days: Vec<i64> = (19_600..19_800)
            .filter(|day| {
                let (start, end) = (midnight(*day), midnight(day + 1));
                since <= start && end <= until && query.created.has(Some(start))
            })
            .collect();
        if days.is_empty() || days.len() > 35 {
            return None;
        }
        let jobs = group.jobs.iter().filter_map(|job| job.created_at);
        let busy = jobs.chain(group.missed.iter().map(|run| run.due_at));
        let busy: BTreeSet<i64> = busy.map(|at| at.as_second().div_euclid(86_400)).collect();
        Some(i64::try_from(days.iter().filter(|day| !busy.contains(day)).count()).unwrap())
    }
}

/// Whether the query means jobs of that subject.
fn is_about(query: &JobQuery, subject: &JobSubject) -> bool {
    let among = |wanted: &[String], told: &String| wanted.is_empty() || wanted.contains(told);
    let same = |wanted: &Option<String>, told: &str| wanted.as_deref().is_none_or(|wanted| wanted == told);
    (query.scopes.is_empty() || query.scopes.contains(&subject.scope))
        && (query.kinds.is_empty() || query.kinds.contains(&subject.kind))
        && among(&query.resource_types, &subject.resource_type)
        && among(&query.resources, &subject.resource)
        && among(&query.vaults, &subject.vault)
        && among(&query.destinations, &subject.destination)
        && same(&query.plan, &subject.plan)
        && same(&query.rule, &subject.rule)
}

fn counts(group: &Group<'_>) -> JobCounts {
    let jobs = &group.jobs;
    let in_state = |state: JobState| i64::try_from(jobs.iter().filter(|job| job.state == state).count()).unwrap();
    let took = |job: &&Job| {
        let took = job.completed_at?.as_millisecond() - job.created_at?.as_millisecond();
        (took >= 0 && job.state.is_final()).then_some(took / 1000)
    };
    let took: Vec<i64> = jobs.iter().filter_map(took).collect();
    JobCounts {
        under_way: i64::try_from(jobs.iter().filter(|job| !job.state.is_final()).count()).unwrap(),
        completed: in_state(JobState::Completed),
        with_issues: i64::try_from(jobs.iter().filter(|job| job.completed_with_issues()).count()).unwrap(),
        partial: in_state(JobState::Partial),
        failed: in_state(JobState::Failed),
        expired: in_state(JobState::Expired),
        aborted: in_state(JobState::Aborted),
        bytes: jobs.iter().filter_map(|job| job.bytes_transferred).sum(),
        timed: i64::try_from(took.len()).unwrap(),
        seconds: took.iter().sum(),
        missed: i64::try_from(group.missed.len()).unwrap(),
    }
}

/// `to_the_job`: of the day of the last job that ended otherwise, those after it are counted too.
fn streak(jobs: &[&Job], to_the_job: bool) -> i64 {
    let mut ended: Vec<&&Job> = jobs.iter().filter(|job| job.state.is_final()).collect();
    ended.sort_by_key(|job| Reverse(jobs::key(job.created_at.unwrap(), &job.id)));
    let is_success = |job: &&&&Job| job.state == JobState::Completed;
    let day = |job: &Job| job.created_at.unwrap().to_zoned(TimeZone::UTC).date();
    let setback = ended.iter().find(|job| !is_success(job)).map(|job| day(job));
    let after = ended.iter().take_while(is_success).filter(|job| to_the_job || Some(day(job)) != setback);
    i64::try_from(after.count()).unwrap()
}

/// What the ledger told.
pub(super) fn told(groups: Vec<JobGroup>) -> Vec<Counted> {
    let kind = |kind| JobKind::ALL.into_iter().zip(0u8..).find(|(one, _)| *one == kind).map(|(_, number)| number);
    let told = |group: JobGroup| {
        let values = group.values.into_iter().map(|(_, value)| value).collect();
        let place = (values, group.kind.and_then(kind), Reverse(group.day), group.state);
        (place, group.counts, group.consecutive_successes, group.none_due_days)
    };
    groups.into_iter().map(told).collect()
}
