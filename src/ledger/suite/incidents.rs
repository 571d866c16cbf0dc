//! What goes wrong: opened, closed and shown the same by every database.

use jiff::Timestamp;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{at, job, scope};
use crate::{
    domain::{
        Acknowledgement, Cause, Incident, IncidentQuery, IncidentState, Job, JobId, JobKind, JobState, Lifecycle,
        RecoveryPoint, RecoveryPointState, Retention, VaultLock, VaultPicture,
    },
    ledger::{Called, Doer, IncidentPosition, Keeping, Ledger, store::Sql},
};

const DB: &str = "arn:aws:rds:us-east-1:111122223333:db:one";
const VAULT: &str = "arn:aws:backup:us-east-1:111122223333:backup-vault:main";

fn ended(id: &str, created: i64, state: JobState, message: Option<&str>) -> (Job, Timestamp) {
    let job = Job {
        state,
        resource_arn: Some(DB.to_owned()),
        vault_arn: Some(VAULT.to_owned()),
        completed_at: Some(at(created + 10)),
        status_message: message.map(str::to_owned),
        ..job(id, created)
    };
    (job, at(created + 10))
}

fn failed(id: &str, created: i64) -> (Job, Timestamp) {
    ended(id, created, JobState::Failed, Some("no"))
}

fn done(id: &str, created: i64) -> (Job, Timestamp) {
    ended(id, created, JobState::Completed, None)
}

async fn all(ledger: &Ledger, states: &[IncidentState]) -> Vec<Incident> {
    let query = IncidentQuery { scopes: vec![scope("us-east-1")], states: states.to_vec(), ..Default::default() };
    let (mut all, mut after): (Vec<Incident>, Option<IncidentPosition>) = (Vec::new(), None);
    loop {
        let page = ledger.list_incidents(&query, 2, after.as_ref()).await.unwrap();
        assert!(page.incidents.len() <= 2);
        all.extend(page.incidents);
        after = match page.next {
            Some(next) => Some(IncidentPosition::parse(&next.to_string()).unwrap()),
            None => return all,
        };
    }
}

async fn open(ledger: &Ledger) -> Vec<Incident> {
    all(ledger, &[IncidentState::Open, IncidentState::Acknowledged]).await
}

pub(in crate::ledger) async fn what_fails_is_one_incident_until_a_later_one_does_not(ledger: &Ledger) {
    ledger.learn(vec![done("a", 0), failed("b", 100)]).await.unwrap();
    ledger.learn(vec![failed("c", 200)]).await.unwrap();
    let found = open(ledger).await;
    let [incident] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((incident.cause, incident.kind, incident.count), (Cause::JobFailed, Some(JobKind::Backup), 2));
    assert_eq!((incident.opened_at, incident.last_at), (at(110), at(210)));
    assert_eq!(incident.job_id().map(JobId::as_str), Some("c"));
    assert_eq!((incident.resource.as_str(), incident.vault.as_str()), (DB, VAULT));
    assert_eq!(incident.finding().map(|finding| finding.code), Some("JOB_FAILED"));
    // Told again it is no more of it.
    ledger.learn(vec![failed("c", 200), failed("b", 100)]).await.unwrap();
    assert_eq!(open(ledger).await, found);
    ledger.learn(vec![done("d", 300)]).await.unwrap();
    assert_eq!(open(ledger).await, []);
    let closed = all(ledger, &[]).await;
    assert_eq!(
        closed.iter().map(|it| (it.id.as_str(), it.closed_at)).collect::<Vec<_>>(),
        [(incident.id.as_str(), Some(at(310)))]
    );
    // Another time is another one.
    ledger.learn(vec![failed("e", 400)]).await.unwrap();
    let again = open(ledger).await;
    assert_eq!(again.iter().map(|it| (it.count, it.id != incident.id)).collect::<Vec<_>>(), [(1, true)]);
    // What was before a good end, and is told late, is past.
    ledger.learn(vec![ended("late", 50, JobState::Expired, None)]).await.unwrap();
    assert_eq!(open(ledger).await, again);
}

pub(in crate::ledger) async fn what_completes_with_issues_ends_failures_and_is_an_incident_of_its_own(ledger: &Ledger) {
    ledger.learn(vec![failed("a", 0), ended("b", 100, JobState::Completed, Some("half"))]).await.unwrap();
    let causes: Vec<Cause> = open(ledger).await.iter().map(|it| it.cause).collect();
    assert_eq!(causes, [Cause::JobCompletedWithIssues]);
    ledger.learn(vec![done("c", 200)]).await.unwrap();
    assert_eq!(open(ledger).await, []);
}

pub(in crate::ledger) async fn whatever_the_order_the_same_is_open(ledger: &Ledger) {
    let state = prop_oneof![
        Just((JobState::Completed, None)),
        Just((JobState::Completed, Some("half"))),
        Just((JobState::Failed, Some("no"))),
        Just((JobState::Expired, None)),
        Just((JobState::Partial, None)),
        Just((JobState::Aborted, None)),
    ];
    let jobs = proptest::collection::vec(state, 1..9).prop_flat_map(|states| {
        let jobs: Vec<_> = (0..).zip(states).collect();
        (Just(jobs.clone()), Just(jobs).prop_shuffle(), 1usize..4)
    });
    let mut runner = TestRunner::deterministic();
    for round in 0..40 {
        let (in_order, shuffled, at_once) = jobs.new_tree(&mut runner).unwrap().current();
        let resource = |way: &str| format!("{DB}-{round}-{way}");
        for (way, jobs) in [("order", &in_order), ("shuffled", &shuffled)] {
            for some in jobs.chunks(at_once) {
                let telling = |(index, (state, message)): &(i64, (JobState, Option<&str>))| {
                    let (job, at) = ended(&format!("{round}-{way}-{index}"), index * 100, state.clone(), *message);
                    (Job { resource_arn: Some(resource(way)), ..job }, at)
                };
                ledger.learn(some.iter().map(telling).collect()).await.unwrap();
            }
        }
        let open = open(ledger).await;
        let of = |way: &str| {
            let mut of: Vec<_> = open
                .iter()
                .filter(|it| it.resource == resource(way))
                .map(|it| (it.cause, it.opened_at, it.last_at, it.count))
                .collect();
            of.sort_unstable();
            of
        };
        assert_eq!(of("order"), of("shuffled"), "{in_order:?} {shuffled:?}");
        // What a model says.
        let good = in_order.iter().rposition(|(_, it)| *it == (JobState::Completed, None));
        let completed = in_order.iter().rposition(|(_, (state, _))| *state == JobState::Completed);
        let mut wanted: Vec<_> = in_order
            .iter()
            .enumerate()
            .filter_map(|(nth, (index, (state, message)))| {
                let cause = Cause::of_job(state, message.is_some())?;
                let past = if *state == JobState::Completed { good } else { completed };
                past.is_none_or(|past| nth > past).then_some((cause, *index))
            })
            .collect();
        wanted.sort_unstable();
        let counted: Vec<_> =
            of("order").into_iter().flat_map(|(cause, .., count)| (0..count).map(move |_| cause)).collect();
        assert_eq!(counted, wanted.iter().map(|(cause, _)| *cause).collect::<Vec<_>>(), "{in_order:?}");
    }
}

pub(in crate::ledger) async fn somebody_looks_after_an_incident(ledger: &Ledger) {
    ledger.learn(vec![failed("a", 0)]).await.unwrap();
    let [incident] = open(ledger).await.try_into().unwrap();
    let taken = Acknowledgement { by: "ann".into(), at: at(20), note: "it's known".into() };
    ledger.acknowledge(&incident, &taken).await.unwrap();
    let found = ledger.incident(&incident.id).await.unwrap().unwrap();
    assert_eq!((found.state(), found.acknowledged.as_ref()), (IncidentState::Acknowledged, Some(&taken)));
    assert_eq!(all(ledger, &[IncidentState::Open]).await, []);
    // It goes on, and somebody still looks after it.
    ledger.learn(vec![failed("b", 100)]).await.unwrap();
    let found = ledger.incident(&incident.id).await.unwrap().unwrap();
    assert_eq!((found.state(), found.count), (IncidentState::Acknowledged, 2));
    assert_eq!(ledger.incident("another").await.unwrap(), None);
}

fn point(name: &str, days: Option<u16>) -> RecoveryPoint {
    let retention = days.map_or(Retention::Forever, Retention::Days);
    let arn = format!("arn:aws:rds:us-east-1:111122223333:snapshot:awsbackup:{name}");
    RecoveryPoint {
        resource_arn: Some(DB.to_owned()),
        state: RecoveryPointState::Completed,
        created_at: Some(at(0)),
        delete_at: days.map(|days| at(i64::from(days) * 86_400)),
        lifecycle: Some(Lifecycle::kept(retention)),
        ..RecoveryPoint::blank(arn, scope("us-east-1"))
    }
}

const DAY: i64 = 86_400;

async fn told(ledger: &Ledger, points: &[RecoveryPoint], second: i64, by: Doer) {
    ledger.learn_points(&scope("us-east-1"), VAULT, points, at(second), by).await.unwrap();
}

pub(in crate::ledger) async fn a_point_that_goes_before_its_time_is_an_incident(ledger: &Ledger) {
    let here = scope("us-east-1");
    let [one, two, three, four] = ["one", "two", "three", "four"].map(|name| point(name, Some(30)));
    told(ledger, &[one.clone(), two.clone(), three.clone(), four.clone()], 100, Doer::Others).await;
    told(ledger, std::slice::from_ref(&one), 200, Doer::Others).await;
    let unseen = ledger.unseen_points(&here, VAULT, at(200), 10).await.unwrap();
    let mut unseen: Vec<&str> = unseen.iter().map(|point| point.arn.as_str()).collect();
    unseen.sort_unstable();
    let mut wanted = [two.arn.as_str(), three.arn.as_str(), four.arn.as_str()];
    wanted.sort_unstable();
    assert_eq!(unseen, wanted);
    ledger.points_gone(&here, &[two.arn.as_str()], at(200), Doer::Strongroom).await.unwrap();
    assert_eq!(open(ledger).await, []);
    // Who looked while it was being deleted here suspects others, and is told to ask again; of what is ours by then nothing is suspected.
    let gone = [two.arn.as_str(), three.arn.as_str()];
    assert!(!ledger.points_gone(&here, &gone, at(205), Doer::Suspected).await.unwrap());
    assert_eq!((open(ledger).await, ledger.point(&three.arn).await.unwrap().unwrap().gone_at), (vec![], None));
    assert!(ledger.points_gone(&here, &gone[..1], at(205), Doer::Suspected).await.unwrap());
    assert!(ledger.points_gone(&here, &gone, at(210), Doer::Others).await.unwrap());
    let called = ("DeleteRecoveryPoint", "arn:aws:sts::111122223333:assumed-role/other/eve");
    let call = |second, caller: &str| Called {
        object: three.arn.clone(),
        operation: called.0.to_owned(),
        at: at(second),
        caller: caller.to_owned(),
    };
    let (earlier, call) = (call(-5_000, "somebody else"), call(150, called.1));
    ledger.learn_calls(&[earlier, call.clone(), call]).await.unwrap();
    let found = open(ledger).await;
    let [incident] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((incident.cause, incident.count), (Cause::RecoveryPointDeleted, 1));
    let [gone] = incident.points.as_slice() else { panic!("{incident:?}") };
    assert_eq!((gone.recovery_point.as_str(), gone.seen_at, gone.noticed_at), (three.arn.as_str(), at(100), at(210)));
    assert_eq!(gone.actor.as_ref().map(|actor| actor.caller.as_str()), Some(called.1));
    assert_eq!(ledger.point(&three.arn).await.unwrap().unwrap().gone_at, Some(at(210)));
    // What goes when its time is over is no loss; and then the other would have gone too.
    ledger.points_gone(&here, &[four.arn.as_str()], at(30 * DAY), Doer::Others).await.unwrap();
    assert_eq!(open(ledger).await.first().map(|it| it.count), Some(1));
    ledger.close_what_is_past(&here, at(30 * DAY - 1)).await.unwrap();
    assert_eq!(open(ledger).await.len(), 1);
    ledger.close_what_is_past(&here, at(30 * DAY)).await.unwrap();
    assert_eq!(open(ledger).await, []);
    // What was told later stands.
    told(ledger, std::slice::from_ref(&one), 90, Doer::Others).await;
    assert_eq!(ledger.point(&one.arn).await.unwrap().unwrap().seen_at, at(200));
}

pub(in crate::ledger) async fn a_retention_that_is_shortened_is_an_incident_until_it_is_not(ledger: &Ledger) {
    told(ledger, &[point("one", Some(30)), point("ever", None)], 100, Doer::Others).await;
    told(ledger, &[point("one", Some(40)), point("ever", None)], 110, Doer::Others).await;
    told(ledger, &[point("one", Some(35))], 120, Doer::Strongroom).await;
    assert_eq!(open(ledger).await, []);
    told(ledger, &[point("one", Some(7)), point("ever", Some(100))], 200, Doer::Others).await;
    let [incident] = open(ledger).await.try_into().unwrap();
    assert_eq!((incident.cause, incident.count), (Cause::RetentionShortened, 2));
    let shortened = incident.points.iter().find(|it| it.recovery_point.ends_with(":one")).unwrap();
    assert_eq!(shortened.expires_before, Some(at(35 * DAY)));
    assert_eq!(shortened.expires_after, Some(at(7 * DAY)));
    ledger.close_what_is_past(&scope("us-east-1"), at(300)).await.unwrap();
    assert_eq!(open(ledger).await.len(), 1);
    told(ledger, &[point("one", Some(35)), point("ever", None)], 400, Doer::Others).await;
    ledger.close_what_is_past(&scope("us-east-1"), at(400)).await.unwrap();
    assert_eq!(open(ledger).await, []);
}

pub(in crate::ledger) async fn a_vault_that_is_guarded_less_is_an_incident_until_it_is_as_before(ledger: &Ledger) {
    let here = scope("us-east-1");
    let lock = Some(VaultLock { min_retention_days: Some(7), ..VaultLock::default() });
    let guarded = VaultPicture {
        lock: Some(lock),
        policy: Some(Some("{\"a\":1}".into())),
        notifications: Some(Some(("topic".into(), vec!["BACKUP_JOB_FAILED".into()]))),
    };
    let bare = VaultPicture { lock: Some(None), policy: Some(None), notifications: Some(None) };
    let tell = async |picture: &VaultPicture, second, by| {
        ledger.learn_vault(&here, VAULT, picture.clone(), at(second), by).await.unwrap();
        let mut causes: Vec<Cause> = open(ledger).await.iter().map(|it| it.cause).collect();
        causes.sort_unstable();
        causes
    };
    assert_eq!(tell(&bare, 0, Doer::Others).await, []);
    assert_eq!(tell(&guarded, 10, Doer::Strongroom).await, []);
    let all = [Cause::VaultLockWeakened, Cause::VaultPolicyChanged, Cause::VaultNotificationsOff];
    assert_eq!(tell(&bare, 20, Doer::Others).await, all);
    assert_eq!(tell(&VaultPicture::default(), 25, Doer::Others).await, all);
    let incidents = open(ledger).await;
    let lost = incidents.iter().find(|it| it.cause == Cause::VaultLockWeakened).unwrap();
    assert_eq!(lost.change, Some(("governance, 7 days or more".into(), "none".into())));
    // Whoever accepts a policy has it no longer before the eyes; a lock that is off is off.
    let taken = Acknowledgement { by: "ann".into(), at: at(26), note: String::new() };
    for incident in incidents {
        ledger.acknowledge(&incident, &taken).await.unwrap();
    }
    assert_eq!(tell(&bare, 30, Doer::Others).await, [Cause::VaultLockWeakened, Cause::VaultNotificationsOff]);
    assert_eq!(tell(&guarded, 40, Doer::Others).await, [Cause::VaultPolicyChanged]);
    ledger.vault_gone(&here, VAULT, at(50)).await.unwrap();
    assert_eq!(open(ledger).await, []);
    assert_eq!(ledger.vaults(&here).await.unwrap(), Vec::<String>::new());
}

pub(in crate::ledger) async fn incidents_are_forgotten_when_they_are_old(ledger: &Ledger) {
    ledger.learn(vec![failed("a", 0), done("b", 100), failed("c", 200)]).await.unwrap();
    told(ledger, &[point("one", Some(30))], 0, Doer::Others).await;
    ledger.points_gone(&scope("us-east-1"), &[point("one", None).arn.as_str()], at(5), Doer::Others).await.unwrap();
    assert!(!ledger.forget_incidents(at(1_000)).await.unwrap());
    let left: Vec<Cause> = all(ledger, &[]).await.iter().map(|it| it.cause).collect();
    assert_eq!(left, [Cause::JobFailed, Cause::RecoveryPointDeleted]);
    assert_eq!(ledger.point(&point("one", None).arn).await.unwrap(), None);
}

/// Of jobs that were remembered before there were incidents, what goes wrong is known at once; of what completed with issues, with
/// the next job.
pub(in crate::ledger) async fn what_went_wrong_before_is_known(keeping: Keeping) {
    let first = Ledger::new(keeping.clone());
    let other = |(job, at): (Job, Timestamp)| (Job { resource_arn: Some(format!("{DB}-other")), ..job }, at);
    let jobs = vec![
        failed("a", 0),
        done("b", 100),
        failed("c", 200),
        failed("d", 300),
        ended("e", 400, JobState::Expired, None),
        other(failed("f", 0)),
        other(done("g", 100)),
    ];
    first.learn(jobs).await.unwrap();
    let told = async |ledger: &Ledger| {
        let mut told: Vec<_> = open(ledger)
            .await
            .into_iter()
            .map(|it| (it.cause, it.resource.clone(), it.opened_at, it.last_at, it.count, it.job.map(|job| job.id)))
            .collect();
        told.sort();
        told
    };
    let expected = told(&first).await;
    assert_eq!(expected.len(), 2);
    let mut writing = first.store().await.unwrap().write().await.unwrap();
    for sql in [
        "DROP TABLE outcome",
        "DROP TABLE incident",
        "DROP TABLE point",
        "DROP TABLE point_change",
        "DROP TABLE vault",
        "DROP TABLE call",
        "DELETE FROM _sqlx_migrations WHERE version = 5",
    ] {
        writing.rows(Sql::Fixed(sql), Vec::new()).await.unwrap();
    }
    writing.commit().await.unwrap();
    first.close().await;
    let second = Ledger::new(keeping);
    assert_eq!(told(&second).await, expected);
    second.learn(vec![done("h", 500)]).await.unwrap();
    assert_eq!(told(&second).await, []);
}
