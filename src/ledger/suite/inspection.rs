//! Looks at a whole ledger: whether it is one, all that is in it, and a ledger made anew of it.

use std::collections::BTreeMap;

use super::{at, job, missed::look_with_missed_runs, scope, telling};
use crate::{
    domain::{Acknowledgement, IncidentQuery, IncidentState, Job, JobId, JobState, RecoveryPoint, RecoveryPointState},
    ledger::{Doer, Error, Exported, Keeping, Ledger, Made, Reading, Repeatable, store::Sql},
};

const DB: &str = "arn:aws:rds:us-east-1:111122223333:db:one";

const DAY: i64 = 86_400;

async fn write(ledger: &Ledger, sql: &str) {
    let mut writing = ledger.store().await.unwrap().write().await.unwrap();
    writing.rows(Sql::Made(sql.to_owned()), Vec::new()).await.unwrap();
    writing.commit().await.unwrap();
}

async fn faults(ledger: &Ledger) -> Vec<String> {
    ledger.check().await.unwrap().faults
}

fn ended(id: &str, created: i64, state: JobState) -> (Job, jiff::Timestamp) {
    let ended = Job {
        state,
        resource_arn: Some(DB.to_owned()),
        completed_at: Some(at(created + 90)),
        bytes_transferred: Some(1 << 40),
        ..job(id, created)
    };
    (ended, at(created + 90))
}

fn request(id: &str) -> Repeatable {
    Repeatable { scope: scope("us-east-1"), operation: "StartBackup", id: id.into() }
}

async fn start(ledger: &Ledger, id: &str, job: &str) {
    let made = Made { digest: "x".into(), job: JobId::told(job).unwrap(), answer: String::new() };
    ledger.note_request(&request(id), &made, at(0)).await.unwrap();
}

/// Something of everything, up to the day 60: jobs of every day, of which the last of each resource failed.
async fn fill(ledger: &Ledger) {
    let days = (0..60).map(|day| {
        let id = format!("job-{day}");
        match day {
            58 | 59 => ended(&id, day * DAY, JobState::Failed),
            _ => ended(&id, day * DAY, JobState::Completed),
        }
    });
    ledger.learn(days.collect()).await.unwrap();
    let elsewhere = |day: i64| {
        let job = Job { scope: scope("eu-west-1"), ..job(&format!("away-{day}"), day * DAY) };
        (job, at(day * DAY))
    };
    ledger.learn((0..60).map(elsewhere).collect()).await.unwrap();
    // It goes on, and is counted elsewhere.
    ledger.learn(vec![telling("goes-on", 59 * DAY)]).await.unwrap();
    ledger.learn(vec![ended("goes-on", 59 * DAY, JobState::Aborted)]).await.unwrap();
    let point = RecoveryPoint {
        state: RecoveryPointState::Completed,
        resource_arn: Some(DB.to_owned()),
        ..RecoveryPoint::blank("arn:point".into(), scope("us-east-1"))
    };
    ledger.learn_points(&scope("us-east-1"), "vault", &[point], at(5), Doer::Others).await.unwrap();
    ledger.keep_look(look_with_missed_runs(0)).await.unwrap();
    start(ledger, "r-old", "job-3").await;
    start(ledger, "r-new", "job-40").await;
    let reading =
        Reading { scope: scope("us-east-1"), history_start: Some(at(0)), as_of: Some(at(60 * DAY)), filled: true };
    ledger.note_reading(&reading).await.unwrap();
    let incident = incidents(ledger).await.into_iter().find(|it| it.job_id().is_some()).unwrap();
    let by = Acknowledgement { by: "somebody".into(), at: at(60 * DAY), note: "ticket 7".into() };
    ledger.acknowledge(&incident, &by).await.unwrap();
}

async fn incidents(ledger: &Ledger) -> Vec<crate::domain::Incident> {
    let states = vec![IncidentState::Open, IncidentState::Acknowledged];
    let query = IncidentQuery { scopes: vec![scope("us-east-1")], states, ..Default::default() };
    ledger.list_incidents(&query, 100, None).await.unwrap().incidents
}

pub(in crate::ledger) async fn a_whole_ledger_has_no_faults(ledger: &Ledger) {
    let empty = ledger.check().await.unwrap();
    assert_eq!((empty.faults.as_slice(), empty.jobs, empty.events), ([].as_slice(), 0, 0));
    fill(ledger).await;
    let checked = ledger.check().await.unwrap();
    assert_eq!(checked.faults, [""; 0]);
    assert_eq!(checked.jobs, 121);
    assert_eq!(checked.head.map(|head| head.seq), i64::try_from(checked.events).ok());
    assert!(checked.counts > 121, "{}", checked.counts);
    // What is forgotten is no fault.
    while ledger.forget_events(at(30 * DAY)).await.unwrap() || ledger.forget_jobs(at(30 * DAY)).await.unwrap() {}
    assert_eq!(faults(ledger).await, [""; 0]);
}

pub(in crate::ledger) async fn every_fault_is_told_with_where_it_is_and_a_rebuild_ends_it(ledger: &Ledger) {
    fill(ledger).await;
    for (damage, told) in [
        ("UPDATE head SET head = head + 1", "head: it is 126, and the last event is 125"),
        ("UPDATE head SET compacted = 7", "events are forgotten up to 7, and the first that is there is 1"),
        ("DELETE FROM event WHERE seq IN (40, 41)", "event: there is 39, and not the one after it"),
        ("UPDATE event SET what = 9 WHERE seq = 3", "event: 3 is of a sort that this version does not know: 9"),
        (
            "UPDATE cell SET jobs = jobs + 1 WHERE grain = 0 AND period = 19675 AND state = 6",
            "2023-11-14, COMPLETED: 2 jobs, ",
        ),
        ("DELETE FROM cell WHERE facet IN (SELECT id FROM facet WHERE sort = 6)", ": 0 jobs, 0 bytes"),
        ("UPDATE cell SET jobs = jobs + 1 WHERE state = 10 AND grain = 0", ", missed: "),
        ("DELETE FROM facet WHERE sort = 7", "is counted in 6 of the rollups alone"),
        ("DELETE FROM facet WHERE sort = 5", "is counted in 6 of the rollups alone"),
        ("DELETE FROM job WHERE id = 'job-7'", "there are 0 jobs, "),
        (
            "DELETE FROM job WHERE id LIKE 'away-%'",
            "RUNNING: 1 jobs, 0 bytes, 0 timed with 0 s, 0 with issues; there are 0 jobs",
        ),
        ("UPDATE job SET state = 7 WHERE id = 'job-8'", "job: job-8 (key "),
        ("UPDATE job SET own = 'x' WHERE id = 'job-9'", "is not written as this version writes one"),
        ("UPDATE job SET subject = 999 WHERE id = 'job-9'", ": the subject 999 is not there"),
        ("UPDATE job SET common = 999 WHERE id = 'job-9'", "what it has in common with others is not there"),
        ("UPDATE incident SET place = 77", "row: incident: 4 of place 77, which place does not have"),
    ] {
        write(ledger, damage).await;
        let found = faults(ledger).await;
        assert!(found.iter().any(|fault| fault.contains(told)), "{damage}: {found:#?}");
        assert!(found.len() < 100, "{} faults", found.len());
        ledger.rebuild(at(60 * DAY)).await.unwrap();
        assert_eq!(faults(ledger).await, [""; 0], "{damage}");
        write(ledger, "DELETE FROM job").await;
        for table in ["event", "cell", "facet", "incident", "missed", "request", "outcome", "survey", "protection"] {
            write(ledger, &format!("DELETE FROM {table}")).await;
        }
        write(ledger, "UPDATE head SET head = 0, compacted = 0").await;
        fill(ledger).await;
        assert_eq!(faults(ledger).await, [""; 0], "after {damage}");
    }
}

pub(in crate::ledger) async fn everything_is_exported_once(ledger: &Ledger) {
    fill(ledger).await;
    let many = (0..1_203).map(|index| telling(&format!("many-{index}"), index / 7));
    ledger.learn(many.collect()).await.unwrap();
    for id in ["r1", "r2"] {
        ledger.ask_approval(&super::approvals::new(id, "d", 0)).await.unwrap();
    }
    let (mut kinds, mut jobs) = (BTreeMap::<&str, usize>::new(), Vec::new());
    let mut taken = Vec::new();
    let told = ledger.export(|thing| {
        let kind = match thing {
            Exported::Ledger(_) => "ledger",
            Exported::Place(_) => "place",
            Exported::Job(job) => {
                jobs.push(job.id);
                "job"
            }
            Exported::MissedRun(_) => "missed",
            Exported::RecoveryPoint(point) => {
                assert_eq!((point.arn.as_str(), point.resource.as_str()), ("arn:point", DB));
                "point"
            }
            Exported::Incident(incident) => {
                taken.extend(incident.acknowledged);
                "incident"
            }
            Exported::Approval(approval) => {
                assert_eq!(approval.of.requester.name, "corp:ada");
                "approval"
            }
            Exported::Request { id, job, .. } => {
                assert!(["r-old job-3", "r-new job-40"].contains(&format!("{id} {job}").as_str()));
                "request"
            }
        };
        *kinds.entry(kind).or_default() += 1;
        Ok::<_, Error>(())
    });
    told.await.unwrap();
    let expected = [
        ("approval", 2),
        ("incident", 4),
        ("job", 1_324),
        ("ledger", 1),
        ("missed", 3),
        ("place", 2),
        ("point", 1),
        ("request", 2),
    ];
    assert_eq!(kinds, BTreeMap::from(expected));
    jobs.sort();
    jobs.dedup();
    assert_eq!(jobs.len(), 1_324);
    assert_eq!(
        taken.iter().map(|it| (it.by.as_str(), it.note.as_str())).collect::<Vec<_>>(),
        [("somebody", "ticket 7")]
    );
    // Whoever wants no more is told no more.
    let mut count = 0;
    let ended = ledger.export(|_| {
        count += 1;
        if count < 5 { Ok(()) } else { Err(Error::down("enough")) }
    });
    assert_eq!(ended.await, Err(Error::down("enough")));
}

pub(in crate::ledger) async fn a_rebuild_forgets_what_aws_tells_and_keeps_the_rest(ledger: &Ledger) {
    fill(ledger).await;
    let (before, open) = (ledger.head().await.unwrap(), incidents(ledger).await);
    let now = at(50 * DAY);
    let would = ledger.rebuilding(now).await.unwrap();
    // AWS was heard later than this clock says: it remembers 30 days before that.
    assert_eq!(would.since, at(30 * DAY));
    assert_eq!((would.requests, would.incidents, would.acknowledged, would.missed_runs), (2, 4, 1, 3));
    let rebuilt = ledger.rebuild(now).await.unwrap();
    assert_eq!(rebuilt, would);
    // Of the newest thirty days those stay that a request and an incident hang on.
    assert_eq!((rebuilt.kept_jobs, rebuilt.forgotten_jobs, rebuilt.broken_jobs), (30 + 30 + 2, 30 + 30 + 1 - 2, 0));
    let known = async |id: &str| ledger.job(&JobId::told(id).unwrap()).await.unwrap().is_some();
    for (id, is_known) in
        [("job-3", true), ("job-29", true), ("job-31", false), ("job-40", true), ("job-58", false), ("job-59", true)]
    {
        assert_eq!(known(id).await, is_known, "{id}");
    }
    let head = ledger.head().await.unwrap();
    assert_ne!(head.epoch, before.epoch);
    assert_eq!((head.seq, head.compacted), (0, 0));
    for reading in ledger.readings().await.unwrap() {
        assert_eq!((reading.history_start, reading.as_of, reading.filled), (None, None, false));
    }
    assert_eq!(faults(ledger).await, [""; 0]);
    assert_eq!(
        ledger.request(&request("r-new")).await.unwrap().map(|made| made.job.to_string()),
        Some("job-40".into())
    );
    // What AWS tells again, be it only a part of it yet, opens and closes nothing.
    let same = async |why: &str| {
        let now = incidents(ledger).await;
        let of = |all: &[crate::domain::Incident]| {
            all.iter().map(|it| (it.id.clone(), it.cause, it.acknowledged.clone())).collect::<Vec<_>>()
        };
        assert_eq!(of(&now), of(&open), "{why}");
    };
    ledger.learn(vec![ended("job-57", 57 * DAY, JobState::Completed)]).await.unwrap();
    same("one that completed before").await;
    let days = (31..60).map(|day| {
        let state = if day < 58 { JobState::Completed } else { JobState::Failed };
        ended(&format!("job-{day}"), day * DAY, state)
    });
    ledger.learn(days.collect()).await.unwrap();
    same("all").await;
    assert_eq!(incidents(ledger).await, open, "with the same count");
    assert_eq!(faults(ledger).await, [""; 0]);
}

pub(in crate::ledger) async fn a_ledger_is_not_rebuilt_under_a_server(ledger: &Ledger) {
    ledger.learn(vec![telling("a", 1)]).await.unwrap();
    let length = std::time::Duration::from_secs(600);
    let lease = ledger.take_lease("feed", "server-1", length).await.unwrap().unwrap();
    // It is another process that rebuilds; what is in memory none can.
    let tool = match &ledger.shared.keeping {
        Keeping::Memory => ledger.clone(),
        keeping => Ledger::to_rebuild(keeping.clone()),
    };
    let leader = tool.leader().await.unwrap().unwrap();
    assert_eq!((leader.role.as_str(), leader.holder.as_str()), ("feed", "server-1"));
    assert!(leader.left <= length && leader.left > length / 2, "{leader:?}");
    assert_eq!(tool.rebuild(at(0)).await, Err(Error::Fenced("feed".into())));
    assert_eq!(ledger.head().await.unwrap().seq, 1, "it is as it was");
    ledger.release_lease(lease).await.unwrap();
    assert_eq!(tool.leader().await.unwrap(), None);
    tool.rebuild(at(0)).await.unwrap();
    assert_eq!(ledger.head().await.unwrap().seq, 0);
}

/// Not one of the cases: what is in memory nobody else sees.
pub(in crate::ledger) async fn a_ledger_is_seen_as_it_was(keeping: Keeping) {
    let server = Ledger::new(keeping.clone());
    server.learn(vec![telling("a", 1)]).await.unwrap();
    let aside = Ledger::to_look_at(keeping.clone());
    assert_eq!(aside.head().await.unwrap().seq, 1);
    server.learn(vec![telling("b", 2)]).await.unwrap();
    assert_eq!(server.head().await.unwrap().seq, 2);
    let checked = aside.check().await.unwrap();
    assert_eq!((checked.jobs, checked.events, checked.faults.as_slice()), (1, 1, [].as_slice()));
    assert!(aside.learn(vec![telling("c", 3)]).await.is_err(), "it is there to be read");
    let later = Ledger::to_look_at(keeping.clone());
    assert_eq!(later.check().await.unwrap().jobs, 2);
    // Of another version it says which.
    write(&server, "DELETE FROM _sqlx_migrations WHERE version > 3").await;
    let older = Ledger::to_look_at(keeping.clone()).check().await.unwrap_err().to_string();
    assert!(older.contains("schema 3, and this version knows"), "{older}");
    write(&server, "UPDATE _sqlx_migrations SET version = 99 WHERE version = 3").await;
    let newer = Ledger::to_look_at(keeping).check().await.unwrap_err().to_string();
    assert!(newer.contains("newer version of strongroom (schema 99)"), "{newer}");
}
