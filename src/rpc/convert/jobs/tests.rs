use super::{
    super::{job_answers::state, job_filter::list},
    *,
};
use crate::domain::{AskedScope, JobFilter, JobKind, JobState, ResourceRef, VaultRef};

const INSTANCE: &str = "arn:aws:rds:us-east-1:123456789012:db:orders";
const VAULT: &str = "arn:aws:backup:eu-west-1:999999999999:backup-vault:far";

fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

fn fields<T>(result: Result<T, Invalid>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.violations.into_iter().map(|violation| violation.field).collect(),
    }
}

fn request(kinds: &[proto::JobKind], change: impl FnOnce(&mut proto::JobFilter)) -> proto::ListJobsRequest {
    let kinds = kinds.iter().map(|kind| i32::from(*kind)).collect();
    let mut filter = proto::JobFilter { kinds, ..Default::default() };
    change(&mut filter);
    proto::ListJobsRequest { filter: Some(filter), ..Default::default() }
}

fn filtered(kinds: &[proto::JobKind], change: impl FnOnce(&mut proto::JobFilter)) -> Vec<String> {
    // The ledger can filter by everything.
    fields(list(proto::ListJobsRequest { read: proto::Read::Live.into(), ..request(kinds, change) }))
}

#[test]
fn a_backup_that_leaves_everything_out_gets_the_console_s_defaults() {
    let request = proto::StartBackupRequest {
        resource: INSTANCE.into(),
        vault: "prod".into(),
        role: "R".into(),
        ..proto::StartBackupRequest::default()
    };
    let asked = start_backup(request).unwrap();
    assert_eq!(asked.scope.region.as_ref().unwrap().as_str(), "us-east-1");
    assert_eq!(asked.what.lifecycle, crate::domain::Lifecycle::DEFAULT);
    assert_eq!(asked.what.windows, StartBackup::DEFAULT_WINDOWS);
    assert!(!asked.is_check() && !asked.request_id.may_repeat());
}

#[test]
fn a_database_is_backed_up_by_its_identifier_too() {
    let request = proto::StartBackupRequest {
        resource: "orders".into(),
        vault: VAULT.into(),
        role: "R".into(),
        validate_only: true,
        ..proto::StartBackupRequest::default()
    };
    let asked = start_backup(request).unwrap();
    assert_eq!(asked.what.resource, ResourceRef::Database("orders".into()));
    assert_eq!(asked.scope.region.as_ref().unwrap().as_str(), "eu-west-1", "where its vault is");
    assert!(asked.is_check());
}

#[test]
fn every_fault_of_a_backup_is_told() {
    let request = proto::StartBackupRequest {
        resource: "my orders".into(),
        vault: VAULT.into(),
        role: "arn:aws:iam::123456789012:role/R".into(),
        start_window_minutes: Some(-1),
        completion_window_minutes: Some(1),
        recovery_point_tags: (0..11).map(|n| (format!("k{n}"), String::new())).collect(),
        request_id: "once".into(),
        ..proto::StartBackupRequest::default()
    };
    let mut told = fields(start_backup(request));
    told.sort();
    let expected =
        ["completion_window_minutes", "recovery_point_tags", "request_id", "resource", "role", "start_window_minutes"];
    assert_eq!(told, expected);
    assert_eq!(fields(start_backup(proto::StartBackupRequest::default())), ["resource", "vault", "role"]);
}

#[test]
fn a_filter_that_a_kind_cannot_have_is_a_fault() {
    use proto::{JobKind as K, JobState as S};
    for kinds in [&[][..], &[K::Restore], &[K::Copy], &[K::Backup, K::Copy]] {
        assert_eq!(filtered(kinds, |filter| filter.vault = "prod".into()), ["filter.vault"]);
    }
    for kinds in [&[][..], &[K::Backup], &[K::Copy, K::Restore]] {
        let told = filtered(kinds, |filter| filter.destination_vault = VAULT.into());
        assert_eq!(told, ["filter.destination_vault"]);
    }
    assert!(filtered(&[K::Copy], |filter| filter.destination_vault = VAULT.into()).is_empty());
    assert!(filtered(&[K::Backup], |filter| filter.vault = "prod".into()).is_empty());
    assert_eq!(filtered(&[K::Restore], |filter| filter.states = vec![S::Created.into()]), ["filter.states"]);
    assert_eq!(filtered(&[K::Copy], |filter| filter.states = vec![S::Expired.into()]), ["filter.states"]);
    assert!(filtered(&[], |filter| filter.states = vec![S::Expired.into()]).is_empty());
    for kinds in [&[K::Restore][..], &[]] {
        let told = filtered(kinds, |filter| {
            filter.resource = INSTANCE.into();
            filter.resource_types = vec!["RDS".into()];
            filter.create_time = Some(proto::TimeInterval { start_time: at(1), end_time: None });
        });
        assert_eq!(told, ["filter.resource_types", "filter.create_time"]);
    }
}

#[test]
fn a_filter_takes_several_values_and_a_blank_one_widens_no_list() {
    use proto::{JobKind as K, JobState as S};
    let blank = filtered(&[K::Copy, K::Unspecified], |filter| {
        filter.states = vec![S::Unspecified.into(), S::Failed.into()];
        filter.resource_types = vec!["RDS".into(), String::new()];
    });
    assert_eq!(blank, ["filter.kinds[1]", "filter.states[0]", "filter.resource_types[1]"]);
    let request = request(&[K::Copy, K::Backup], |filter| {
        filter.states = vec![S::Failed.into(), S::Running.into()];
        filter.resource_types = vec!["RDS".into(), "Aurora".into()];
        filter.resource = "orders".into();
    });
    let JobFilter { kinds, states, resource_types, resource, .. } = list(request).unwrap().what.list.filter.filter;
    assert_eq!(kinds, [JobKind::Copy, JobKind::Backup]);
    assert_eq!(states, [JobState::Failed, JobState::Running]);
    assert_eq!(resource_types.iter().map(ToString::to_string).collect::<Vec<_>>(), ["RDS", "Aurora"]);
    assert_eq!(resource, Some(ResourceRef::Database("orders".into())));
}

#[test]
fn unknown_numbers_and_nonsense_are_faults_of_their_fields() {
    let filter = proto::JobFilter {
        kinds: vec![1, 99],
        states: vec![-1],
        resource: "my orders".into(),
        resource_types: vec!["RDS".into(), "ä".into()],
        create_time: Some(proto::TimeInterval { start_time: at(2), end_time: at(1) }),
        message_category: "no word".into(),
        parent_job: "a/b".into(),
        ..Default::default()
    };
    let request = proto::ListJobsRequest {
        filter: Some(filter),
        page_size: -1,
        page_token: "?".into(),
        ..proto::ListJobsRequest::default()
    };
    let told = [
        "page_size",
        "page_token",
        "filter.kinds[1]",
        "filter.states[0]",
        "filter.resource_types[1]",
        "filter.resource",
        "filter.create_time",
        "filter.message_category",
        "filter.parent_job",
    ];
    assert_eq!(fields(list(request)), told);
    assert_eq!(fields(get(proto::GetJobRequest { kind: 9, ..proto::GetJobRequest::default() })), ["job", "kind"]);
    assert_eq!(fields(cancel(proto::CancelJobRequest { job: "a/b".into(), ..Default::default() })), ["job"]);
}

#[test]
fn a_vault_elsewhere_that_copies_go_to_does_not_move_the_call() {
    let request = request(&[proto::JobKind::Copy], |filter| filter.destination_vault = VAULT.into());
    let asked = list(request).unwrap();
    assert_eq!(asked.scope, AskedScope::default());
    assert_eq!(asked.what.list.filter.filter.destination_vault, VaultRef::parse(VAULT).ok());
    let copy = proto::StartCopyRequest {
        recovery_point: "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1".into(),
        vault: "prod".into(),
        destination_vault: VAULT.into(),
        role: "R".into(),
        ..Default::default()
    };
    let asked = start_copy(copy).unwrap();
    assert_eq!(asked.scope.region.unwrap().as_str(), "us-east-1");
    assert_eq!(asked.what.destination, VaultRef::parse(VAULT).unwrap());
}

#[test]
fn a_state_of_tomorrow_is_carried_as_text() {
    assert_eq!(state(&JobState::of_word("PAUSED")), proto::JobState::Unspecified);
    assert_eq!(JobState::of_word("PAUSED").word(), "PAUSED");
}

#[test]
fn what_made_a_job_is_told_a_plan_or_restore_testing() {
    use crate::domain::{AccountId, JobOrigin, PlanOrigin, RegionName, Scope};
    let scope = Scope { account: AccountId::example(), region: RegionName::example() };
    let job = |kind, created_by| {
        let job = Job { created_by, ..Job::blank(JobId::parse("j1").unwrap(), kind, scope.clone()) };
        proto::Job::from(job).created_by.map(|made| made.origin.unwrap())
    };
    let plan = PlanOrigin { plan_id: "p".into(), rule_id: "r".into(), ..PlanOrigin::default() };
    match job(JobKind::Backup, Some(JobOrigin::Plan(plan))) {
        Some(proto::job_origin::Origin::Plan(plan)) => {
            assert_eq!((plan.plan_id, plan.rule_id), ("p".into(), "r".into()));
        }
        other => panic!("{other:?}"),
    }
    let testing = JobOrigin::RestoreTesting { plan_arn: "arn".into() };
    match job(JobKind::Restore, Some(testing)) {
        Some(proto::job_origin::Origin::RestoreTesting(made)) => assert_eq!(made.restore_testing_plan_arn, "arn"),
        other => panic!("{other:?}"),
    }
    assert_eq!(job(JobKind::Copy, None), None);
}

#[test]
fn what_follows_a_restore_has_a_value_for_each_word_that_is_known() {
    use crate::{
        domain::{AccountId, AfterRestore, RegionName, Scope},
        proto::{RestoreDeletionStatus, RestoreValidationStatus},
    };
    let scope = Scope { account: AccountId::example(), region: RegionName::example() };
    let after = |word: &str| Some(AfterRestore { word: word.into(), message: None });
    let told = |validation, deletion| {
        let job = Job::blank(JobId::parse("j1").unwrap(), JobKind::Restore, scope.clone());
        proto::Job::from(Job { validation, deletion, ..job })
    };
    let known = told(after("TIMED_OUT"), after("DELETING"));
    assert_eq!(known.validation_status(), RestoreValidationStatus::TimedOut);
    assert_eq!(known.deletion_status(), RestoreDeletionStatus::Deleting);
    let tomorrow = told(after("ARCHIVED"), after("ARCHIVED"));
    assert_eq!(tomorrow.validation_status(), RestoreValidationStatus::Unspecified);
    assert_eq!(tomorrow.deletion_status(), RestoreDeletionStatus::Unspecified);
    assert_eq!(tomorrow.deletion_status_text, "ARCHIVED");
}
