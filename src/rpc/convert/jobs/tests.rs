use super::*;

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

fn filtered(kind: proto::JobKind, change: impl FnOnce(&mut proto::ListJobsRequest)) -> Vec<String> {
    let mut request = proto::ListJobsRequest { kind: kind.into(), ..proto::ListJobsRequest::default() };
    change(&mut request);
    fields(list(request))
}

#[test]
fn a_backup_that_leaves_everything_out_gets_the_console_s_defaults() {
    let request = proto::StartBackupRequest {
        resource_arn: INSTANCE.into(),
        vault: "prod".into(),
        role: "R".into(),
        ..proto::StartBackupRequest::default()
    };
    let (scope, start) = start_backup(request).unwrap();
    assert_eq!(scope.region.unwrap().as_str(), "us-east-1");
    assert_eq!(start.lifecycle, crate::domain::Lifecycle::DEFAULT);
    assert_eq!(start.windows, StartBackup::DEFAULT_WINDOWS);
}

#[test]
fn every_fault_of_a_backup_is_told() {
    let request = proto::StartBackupRequest {
        resource_arn: "orders".into(),
        vault: VAULT.into(),
        role: "arn:aws:iam::123456789012:role/R".into(),
        start_window_minutes: Some(-1),
        completion_window_minutes: Some(1),
        recovery_point_tags: (0..11).map(|n| (format!("k{n}"), String::new())).collect(),
        request_id: "once".into(),
        ..proto::StartBackupRequest::default()
    };
    let told = [
        "resource_arn",
        "role",
        "start_window_minutes",
        "completion_window_minutes",
        "recovery_point_tags",
        "request_id",
    ];
    assert_eq!(fields(start_backup(request)), told);
    assert_eq!(fields(start_backup(proto::StartBackupRequest::default())), ["resource_arn", "vault", "role"]);
}

#[test]
fn a_filter_that_a_kind_cannot_have_is_a_fault() {
    use proto::{JobKind as K, JobState as S};
    assert_eq!(filtered(K::Restore, |list| list.vault = "prod".into()), ["vault"]);
    assert_eq!(filtered(K::Unspecified, |list| list.vault = "prod".into()), ["vault"]);
    assert_eq!(filtered(K::Copy, |list| list.vault = "prod".into()), ["vault"]);
    assert!(filtered(K::Copy, |list| list.vault = VAULT.into()).is_empty());
    assert!(filtered(K::Backup, |list| list.vault = "prod".into()).is_empty());
    assert_eq!(filtered(K::Restore, |list| list.state = S::Created.into()), ["state"]);
    assert_eq!(filtered(K::Copy, |list| list.state = S::Expired.into()), ["state"]);
    assert!(filtered(K::Unspecified, |list| list.state = S::Expired.into()).is_empty());
    for kind in [K::Restore, K::Unspecified] {
        let told = filtered(kind, |list| {
            list.resource_arn = INSTANCE.into();
            list.resource_type = "RDS".into();
            list.create_time = Some(proto::Period { after: at(1), before: None });
        });
        assert_eq!(told, ["resource_type", "create_time"]);
    }
}

#[test]
fn unknown_numbers_and_nonsense_are_faults_of_their_fields() {
    let request = proto::ListJobsRequest {
        kind: 99,
        state: -1,
        resource_arn: "x".into(),
        resource_type: "ä".into(),
        vault: "prod".into(),
        create_time: Some(proto::Period { after: at(2), before: at(1) }),
        page_size: 1001,
        page_token: "?".into(),
        ..proto::ListJobsRequest::default()
    };
    let told = ["page_size", "page_token", "kind", "state", "resource_arn", "resource_type", "create_time"];
    assert_eq!(fields(list(request)), told);
    assert_eq!(fields(get(proto::GetJobRequest { kind: 9, ..proto::GetJobRequest::default() })), ["job_id", "kind"]);
    assert_eq!(fields(cancel(proto::CancelJobRequest { job_id: "a/b".into(), ..Default::default() })), ["job_id"]);
}

#[test]
fn a_vault_elsewhere_that_copies_go_to_does_not_move_the_call() {
    let request =
        proto::ListJobsRequest { kind: proto::JobKind::Copy.into(), vault: VAULT.into(), ..Default::default() };
    let (scope, filter, ..) = list(request).unwrap();
    assert_eq!(scope, AskedScope::default());
    assert_eq!(filter.destination_vault.unwrap().as_str(), VAULT);
}

#[test]
fn a_state_of_tomorrow_is_carried_as_text() {
    assert_eq!(state(&JobState::of_word("PAUSED")), proto::JobState::Unspecified);
    assert_eq!(JobState::of_word("PAUSED").word(), "PAUSED");
}
