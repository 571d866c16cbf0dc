use std::collections::BTreeMap;

use prost::Message;
use prost_reflect::DynamicMessage;

use super::{columns, json, listed, page, text::clean, warnings};
use crate::{
    cli::client::descriptors::method,
    proto::{self, JobKind, JobState},
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
        for name in columns.iter().flat_map(|(_, from)| from.split('|')) {
            assert!(message.get_field_by_name(name).is_some(), "{} has no {name}", message.name());
        }
    }
}

#[test]
fn every_list_knows_what_it_lists() {
    for rpc in crate::cli::client::descriptors::methods() {
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
        ..Default::default()
    };
    let jobs = vec![job("a", JobState::Completed, "COMPLETED"), job("longer", JobState::Failed, "FAILED")];
    let listed = answer("JobService/ListJobs", &proto::ListJobsResponse { jobs, ..Default::default() });
    assert_eq!(
        page(&listed, false),
        "ID      KIND    STATE      DONE\na       BACKUP  COMPLETED  0 %\nlonger  BACKUP  FAILED     0 %\n"
    );
    let coloured = page(&listed, true);
    assert!(coloured.contains("\u{1b}[31mlonger"), "{coloured:?}");
    assert!(coloured.starts_with("\u{1b}[1mID"), "{coloured:?}");
    assert_eq!(page(&answer("JobService/ListJobs", &proto::ListJobsResponse::default()), false), "None.\n");
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
        target_vault: "v".to_owned(),
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
    let warning = proto::Warning { code: "C".to_owned(), message: "m".to_owned(), field: "f".to_owned() };
    let made = proto::CreatePlanResponse { plan: Some(plan), warnings: vec![warning] };
    let made = answer("PlanService/CreatePlan", &made);
    assert_eq!(
        page(&made, false),
        "name:         nightly\ncreate time:  2026-03-02T00:00:00Z\ntags:         a=1\n              b=2\n\nrules:\n  \
         NAME   VAULT  KEPT                     CONTINUOUS\n  daily  v      120 days, cold after 30  no\n"
    );
    assert_eq!(warnings(&made), ["C: m (f)"]);
    assert_eq!(page(&answer("VaultService/DeleteVault", &proto::DeleteVaultResponse::default()), false), "Done.\n");
}

#[test]
fn equal_answers_are_equal_texts() {
    let tags = (0..20).map(|at| (format!("k{at:02}"), String::new())).collect();
    let listed = answer("ResourceService/ListTags", &proto::ListTagsResponse { tags });
    let text = json(&listed, false).unwrap();
    assert!(text.starts_with(r#"{"tags":{"k00":"","k01":"""#), "{text}");
}

#[test]
fn text_of_others_does_not_steer_the_terminal() {
    assert_eq!(clean("a\u{1b}[2Jb\tc\u{7f}ö"), "a\\u{1b}[2Jb\\tc\\u{7f}ö");
}
