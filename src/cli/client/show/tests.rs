use std::collections::BTreeMap;

use prost::Message;
use prost_reflect::DynamicMessage;

use super::{columns, findings, has_finding, json, listed, page, text::clean};
use crate::proto::{
    self, JobKind, JobState,
    descriptors::{method, methods},
};

fn answer(rpc: &str, message: &impl Message) -> DynamicMessage {
    DynamicMessage::decode(method(rpc).unwrap().output(), message.encode_to_vec().as_slice()).unwrap()
}

#[test]
fn every_column_is_a_field_of_its_message() {
    let pool = method("VaultService/GetVault").unwrap().parent_pool().clone();
    for (message, columns) in columns::all() {
        let found = pool.get_message_by_name(&format!("strongroom.v1.{message}"));
        let message = found.unwrap_or_else(|| panic!("there is no message {message}"));
        for path in columns.iter().flat_map(|(_, from)| from.split('|')) {
            path.split('.').fold(message.clone(), |message, name| {
                let field = message.get_field_by_name(name);
                let field = field.unwrap_or_else(|| panic!("{} has no {name}", message.name()));
                field.kind().as_message().cloned().unwrap_or(message)
            });
        }
    }
}

#[test]
fn every_list_knows_what_it_lists() {
    for rpc in methods() {
        let method = method(&rpc).unwrap();
        let pages = method.input().get_field_by_name("page_token").is_some();
        assert_eq!(listed(&method.output()).is_some(), pages, "{rpc}");
    }
}

#[test]
fn a_list_is_a_table_whose_empty_columns_are_left_out_and_whose_bad_rows_stand_out() {
    let job = |id: &str, state: JobState, text: &str| proto::Job {
        id: id.to_owned(),
        kind: JobKind::Backup.into(),
        state: state.into(),
        state_text: text.to_owned(),
        percent_done: (state == JobState::Failed).then_some(40.0),
        ..Default::default()
    };
    let jobs = vec![job("a", JobState::Completed, "COMPLETED"), job("longer", JobState::Failed, "FAILED")];
    let listed = answer("JobService/ListJobs", &proto::ListJobsResponse { jobs, ..Default::default() });
    assert_eq!(
        page(&listed, false),
        "ID      KIND    STATE      DONE\na       BACKUP  COMPLETED\nlonger  BACKUP  FAILED     40 %\n"
    );
    let coloured = page(&listed, true);
    assert!(coloured.contains("\u{1b}[31mlonger"), "{coloured:?}");
    assert!(coloured.starts_with("\u{1b}[1mID"), "{coloured:?}");
    assert_eq!(page(&answer("JobService/ListJobs", &proto::ListJobsResponse::default()), false), "None.\n");
}

#[test]
fn counts_of_days_fit_a_narrow_terminal_and_nearly_all_are_not_all() {
    let group = proto::JobSummary {
        day: "2026-03-01".to_owned(),
        job_count: 2_003,
        completed_count: 2_000,
        failed_count: 3,
        percent_succeeded: Some(99.85),
        bytes_transferred: 5 << 40,
        ..Default::default()
    };
    let counted = proto::SummarizeJobsResponse { groups: vec![group], ..Default::default() };
    let shown = page(&answer("JobService/SummarizeJobs", &counted), false);
    assert_eq!(
        shown,
        "DAY         JOBS  OPEN  DONE  FAILED  EXPIRED  MISSED  SUCCESS  BYTES\n\
         2026-03-01  2003  0     2000  3       0        0       99 %     5.00 TiB\n"
    );
    assert!(shown.lines().all(|line| line.len() <= 80));
}

#[test]
fn one_thing_is_shown_with_all_that_is_known_of_it() {
    let lifecycle = proto::Lifecycle {
        retention: proto::Retention::Days.into(),
        delete_after_days: Some(120),
        move_to_cold_storage_after_days: Some(30),
        ..Default::default()
    };
    let rule = proto::Rule {
        name: "daily".to_owned(),
        vault: "v".to_owned(),
        lifecycle: Some(lifecycle),
        ..Default::default()
    };
    let plan = proto::Plan {
        name: "nightly".to_owned(),
        create_time: Some(prost_types::Timestamp { seconds: 1_772_409_600, nanos: 5 }),
        rules: vec![rule],
        tags: BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())]),
        ..Default::default()
    };
    let made = proto::CreatePlanResponse { plan: Some(plan), request_id: "r".to_owned(), ..Default::default() };
    let made = answer("PlanService/CreatePlan", &made);
    assert_eq!(
        page(&made, false),
        "name:         nightly\ncreate time:  2026-03-02T00:00:00Z\ntags:         a=1\n              b=2\n\nrules:\n  \
         NAME   VAULT  KEPT                     CONTINUOUS\n  daily  v      120 days, cold after 30  no\n\nrequest id:  r\n"
    );
    let deleted =
        |deleted| answer("PlanService/DeletePlan", &proto::DeletePlanResponse { deleted, ..Default::default() });
    assert_eq!(page(&deleted(true), false), "deleted:  yes\n");
    assert_eq!(page(&deleted(false), false), "deleted:  no\n");
}

#[test]
fn a_change_tells_the_id_of_its_call_and_not_only_that_of_the_call_that_made_the_thing() {
    let vault = proto::Vault { name: "v".to_owned(), creator_request_id: "first".to_owned(), ..Default::default() };
    let made = |vault| proto::CreateVaultResponse { vault, request_id: "second".to_owned(), ..Default::default() };
    let made = |vault| page(&answer("VaultService/CreateVault", &made(vault)), false);
    assert_eq!(made(Some(vault)), "name:                v\ncreator request id:  first\n\nrequest id:  second\n");
    assert_eq!(made(None), "Done.\nrequest id:  second\n");
}

#[test]
fn what_was_found_stands_beside_a_change_and_is_the_answer_of_a_look() {
    let finding = |severity: proto::Severity, field: &str, action: &str| proto::Finding {
        code: "C".to_owned(),
        severity: severity.into(),
        message: "m".to_owned(),
        action: action.to_owned(),
        field: field.to_owned(),
        subject: "s".to_owned(),
    };
    let all = vec![
        finding(proto::Severity::Error, "", "do"),
        finding(proto::Severity::Warning, "f", ""),
        finding(proto::Severity::Info, "", ""),
    ];
    let made = proto::CreatePlanResponse { findings: all.clone(), ..Default::default() };
    let made = answer("PlanService/CreatePlan", &made);
    assert_eq!(findings(&made), ["problem: C: m (s)\n  what to do: do", "warning: C: m (f, s)", "note: C: m (s)"]);
    assert!(has_finding(&made, "C") && !has_finding(&made, "D"));
    assert_eq!(page(&made, false), "Done.\n");
    let looked = proto::PlanRestoreResponse { findings: all, ..Default::default() };
    let looked = answer("RecoveryPointService/PlanRestore", &looked);
    assert!(findings(&looked).is_empty());
    assert!(page(&looked, false).contains("ERROR     C     m        do"), "{}", page(&looked, false));
}

#[test]
fn what_only_a_database_has_is_a_column_of_resources() {
    let database = proto::Database { engine: "postgres".to_owned(), ..Default::default() };
    let resource = proto::Resource {
        id: "orders".to_owned(),
        detail: Some(proto::resource::Detail::Database(database)),
        ..Default::default()
    };
    let listed = proto::ListResourcesResponse { resources: vec![resource], ..Default::default() };
    let listed = page(&answer("ResourceService/ListResources", &listed), false);
    assert_eq!(listed, "ID      ENGINE\norders  postgres\n");
}

#[test]
fn what_was_called_is_told_by_service_and_rpc() {
    let event = proto::AuditEvent { action: "strongroom.v1.VaultService/DeleteVault".to_owned(), ..Default::default() };
    let listed = proto::ListAuditEventsResponse { events: vec![event], ..Default::default() };
    let listed = page(&answer("AccessService/ListAuditEvents", &listed), false);
    assert_eq!(listed, "ACTION\nVaultService/DeleteVault\n");
}

#[test]
fn what_made_a_job_is_told_in_a_line() {
    let plan = proto::PlanOrigin { plan_id: "p".to_owned(), rule_name: "r".to_owned(), ..Default::default() };
    let job = proto::Job {
        created_by: Some(proto::JobOrigin { origin: Some(proto::job_origin::Origin::Plan(plan)) }),
        ..Default::default()
    };
    let read = answer("JobService/GetJob", &proto::GetJobResponse { job: Some(job), ..Default::default() });
    assert_eq!(page(&read, false), "created by:  plan p, rule r\n");
}

#[test]
fn equal_answers_are_equal_texts() {
    let tags = (0..20).map(|at| (format!("k{at:02}"), String::new())).collect();
    let listed = answer("ResourceService/ListTags", &proto::ListTagsResponse { tags, ..Default::default() });
    let text = json(&listed, false).unwrap();
    assert!(text.starts_with(r#"{"tags":{"k00":"","k01":"""#), "{text}");
}

#[test]
fn text_of_others_does_not_steer_the_terminal() {
    assert_eq!(clean("a\u{1b}[2Jb\tc\u{7f}ö"), "a\\u{1b}[2Jb\\tc\\u{7f}ö");
}
