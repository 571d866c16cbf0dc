use std::collections::BTreeSet;

use clap::ArgMatches;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{
    failure::{NOT_FOUND, NOT_NOW, USAGE, refusal},
    flags::{Form, flag_of, flags},
    named::{EACH, each, named},
    nouns::NOUNS,
    request::{document, message},
    verbs::VERBS,
    way::Way,
};
use crate::{
    cli::{FAILED, UNREACHABLE, command},
    proto::descriptors::{self, method},
};

/// RPCs that no command makes, each with the reason.
const WITHOUT_COMMAND: &[(&str, &str)] = &[("JobService/WaitJob", "`job wait` waits for longer than one call may")];

#[test]
fn every_rpc_is_made_by_a_command() {
    let made: BTreeSet<&str> = VERBS.iter().map(|verb| verb.rpc).collect();
    let all = [descriptors::methods(), descriptors::streams()].concat();
    assert!(all.len() > 30, "{all:?}");
    let known = |rpc: &str| made.contains(rpc) || WITHOUT_COMMAND.iter().any(|(without, _)| *without == rpc);
    let missing: Vec<&String> = all.iter().filter(|rpc| !known(rpc)).collect();
    assert!(missing.is_empty(), "no command makes {missing:?}: give each a line in verbs.rs");
}

#[test]
fn every_command_makes_an_rpc_that_there_is_and_takes_its_fields() {
    for verb in VERBS {
        let method = method(verb.rpc).unwrap_or_else(|| panic!("{verb:?}"));
        let given = flags(verb, &method.input()).iter().filter(|flag| flag.position.is_some()).count();
        assert_eq!(given, verb.takes.len(), "{verb:?}");
        assert!(NOUNS.iter().any(|(noun, _)| *noun == verb.noun), "{verb:?}");
        assert!(!descriptors::about_method(&method).is_empty(), "{verb:?}");
    }
    for (noun, _) in NOUNS {
        assert!(VERBS.iter().any(|verb| verb.noun == *noun), "{noun} has no verb");
    }
}

#[test]
fn the_documentation_lists_the_commands_that_there_are() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, documented) = text.split_once("## All commands").unwrap();
    let documented: Vec<&str> = documented.lines().filter(|line| line.starts_with("| `")).collect();
    let all: Vec<String> =
        VERBS.iter().map(|verb| format!("| `{} {}` | `{}` |", verb.noun, verb.name, verb.rpc)).collect();
    assert_eq!(documented, all, "docs/cli.md");
}

#[test]
fn the_whole_command_line_is_consistent() {
    let mut all = command();
    // Builds the verbs too, which else wait until they are asked for.
    all.build();
    all.debug_assert();
}

/// The words of a command line, as a shell would split them up to a pipe or redirection.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            '|' | '>' | ';' if !quoted => break,
            ' ' | '\n' | '\\' if !quoted => words.push(String::new()),
            letter => words.last_mut().unwrap().push(letter),
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

#[test]
fn every_example_is_a_command_line_of_its_command() {
    for verb in VERBS {
        let mut shown = false;
        for line in verb.example.replace("\\\n", " ").lines() {
            let parsed = command().try_get_matches_from(words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
            let (noun, matches) = parsed.subcommand().unwrap();
            assert_eq!(noun, verb.noun, "{line}");
            shown |= matches.subcommand_name() == Some(verb.name);
        }
        assert!(shown, "{verb:?}");
    }
}

fn parse(line: &str) -> ArgMatches {
    let parsed = command().try_get_matches_from(words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
    let (_, noun) = parsed.subcommand().unwrap();
    noun.subcommand().unwrap().1.clone()
}

/// The request that a command line makes, in JSON.
fn asked(line: &str) -> Result<Value, String> {
    let parts = words(line);
    let verb = super::verbs::find(&parts[1], &parts[2]).unwrap();
    let of = method(verb.rpc).unwrap().input();
    let made: Result<DynamicMessage, _> =
        document(&parse(line), &of, &flags(verb, &of)).and_then(|document| message(&of, document));
    made.map(|message| serde_json::to_value(&message).unwrap()).map_err(|failure| {
        assert_eq!(failure.code, USAGE);
        failure.text
    })
}

#[test]
fn flags_make_the_request() {
    let id = "--request-id 6f1c2d3e-0000-4000-8000-5b6a79880001";
    let same = "6f1c2d3e-0000-4000-8000-5b6a79880001";
    assert_eq!(
        asked(&format!(
            "strongroom plan create nightly --vault v --cron '0 5 ? * * *' --keep-days 35 --tag a=b=c --tag d= \
             --copy-to arn:x --region eu-west-1 --continuous --start-window-minutes 60 {id}"
        )),
        Ok(json!({
            "scope": { "region": "eu-west-1" },
            "name": "nightly",
            "rules": [{
                "name": "nightly",
                "vault": "v",
                "schedule": "cron(0 5 ? * * *)",
                "startWindowMinutes": 60,
                "lifecycle": { "deleteAfterDays": 35 },
                "copyActions": [{ "destinationVault": "arn:x" }],
                "enableContinuousBackup": true,
            }],
            "tags": { "a": "b=c", "d": "" },
            "requestId": same,
        }))
    );
    assert_eq!(
        asked(&format!("strongroom selection create p s --role r --tag A=1 --tag-not-like B=x* --any {id}")),
        Ok(json!({
            "plan": "p",
            "name": "s",
            "role": "r",
            "match": "MATCH_ANY",
            "conditions": [
                { "key": "A", "operator": "OPERATOR_EQUALS", "value": "1" },
                { "key": "B", "operator": "OPERATOR_NOT_LIKE", "value": "x*" },
            ],
            "requestId": same,
        }))
    );
    assert_eq!(
        asked(&format!("strongroom backup start db --vault v --role r --keep-forever {id}")),
        Ok(json!({
            "resource": "db", "vault": "v", "role": "r", "requestId": same,
            "lifecycle": { "retention": "RETENTION_FOREVER" },
        }))
    );
    assert_eq!(
        asked(
            "strongroom job list --kind backup --kind copy --state FAILED --resource-type RDS --created-after 2026-03-01 \
             --completed-before 2026-03-02T05:00:00Z --page-size 7"
        ),
        Ok(json!({
            "filter": {
                "kinds": ["JOB_KIND_BACKUP", "JOB_KIND_COPY"],
                "states": ["JOB_STATE_FAILED"],
                "resourceTypes": ["RDS"],
                "createTime": { "startTime": "2026-03-01T00:00:00Z" },
                "completionTime": { "endTime": "2026-03-02T05:00:00Z" },
            },
            "pageSize": 7,
        }))
    );
    let restored = asked(&format!(
        "strongroom restore start arn:p --vault v --role r --db-instance-identifier x --multi-az=false --port 5432 {id}"
    ));
    assert_eq!(
        restored.unwrap()["restore"],
        json!({
            "recoveryPoint": "arn:p", "vault": "v", "role": "r",
            "rdsInstance": { "dbInstanceIdentifier": "x", "multiAz": false, "port": 5432 },
        }),
        "what is optional can be said to be false, and a port is that of what is made"
    );
    assert_eq!(
        asked("strongroom plan preview-schedule --cron '0 5 ? * * *' --runs 3"),
        Ok(json!({ "unsaved": { "rules": [{ "schedule": "cron(0 5 ? * * *)" }] }, "runs": 3 }))
    );
    assert_eq!(
        asked("strongroom selection preview p s --page-size 1"),
        Ok(json!({ "saved": { "plan": "p", "selection": "s" }, "pageSize": 1 }))
    );
    assert_eq!(
        asked(&format!("strongroom plan update p --name q --continuous=false {id}")),
        Ok(json!({ "plan": "p", "name": "q", "rules": [{}], "requestId": same })),
        "a rule is not called as its plan when it is there already"
    );
}

#[test]
fn of_what_excludes_each_other_one_is_taken() {
    for (line, told) in [
        ("strongroom restore start --restore-token t --vault v", "--restore-token cannot go with --vault"),
        ("strongroom restore start arn:p --restore-token t", "--restore-token cannot go with <RECOVERY_POINT>"),
        (
            "strongroom restore plan arn:p --vault v --role r --db-instance-identifier x --db-cluster-identifier y",
            "--db-cluster-identifier cannot go with --db-instance-identifier",
        ),
        (
            "strongroom restore plan arn:p --vault v --role r --db-instance-identifier x --latest --at 2026-03-02",
            "--latest cannot go with --at",
        ),
        ("strongroom plan preview-schedule p --cron '0 5 ? * * *'", "--cron cannot go with <PLAN>"),
        ("strongroom selection preview p s --tag a=b", "--tag cannot go with <PLAN>"),
    ] {
        let refused = asked(line).unwrap_err();
        assert!(refused.starts_with(told), "{line}: {refused}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.json");
    std::fs::write(&path, json!({ "restoreToken": "t" }).to_string()).unwrap();
    let refused = asked(&format!("strongroom restore start -f {} --vault v", path.display())).unwrap_err();
    assert!(refused.contains("restore_token of the file cannot go with --vault"), "{refused}");
}

#[test]
fn what_a_command_needs_is_asked_for_and_shown() {
    for (line, missing) in [
        ("strongroom vault create", vec!["<NAME>"]),
        ("strongroom plan create nightly", vec!["--vault"]),
        ("strongroom backup start db", vec!["--vault", "--role"]),
        ("strongroom restore start", vec!["<RECOVERY_POINT>", "--vault", "--role", "--db-instance-identifier"]),
        ("strongroom selection preview p", vec!["<SELECTION>"]),
        ("strongroom vault set-notifications v", vec!["--topic", "--event"]),
        ("strongroom vault set-access-policy v", vec!["--policy-file"]),
    ] {
        let refused = command().try_get_matches_from(words(line)).unwrap_err().to_string();
        let (_, told) = refused.split_once("not provided:").unwrap_or_else(|| panic!("{line}: {refused}"));
        let (told, usage) = told.split_once("Usage:").unwrap();
        assert!(missing.iter().all(|word| told.contains(word)), "{line}: {refused}");
        assert!(missing.iter().all(|word| usage.contains(word)) && usage.contains(" -f <FILE>"), "{line}: {usage}");
    }
    // One member of a oneof is enough, and a file is.
    for line in [
        "strongroom restore start --restore-token t",
        "strongroom restore start arn:p --vault v --role r --db-cluster-identifier c",
        "strongroom plan preview-schedule --cron '0 5 ? * * *'",
        "strongroom selection preview --tag a=b",
        "strongroom plan create -f plan.json",
        "strongroom plan update p --keep-days 7",
    ] {
        parse(line);
    }
    let usage = command().try_get_matches_from(words("strongroom restore start")).unwrap_err().to_string();
    for line in [
        "strongroom restore start <RECOVERY_POINT> --vault <VAULT> --role <ROLE> --db-instance-identifier <IDENTIFIER> ",
        "strongroom restore start <RECOVERY_POINT> --vault <VAULT> --role <ROLE> --db-cluster-identifier <IDENTIFIER> ",
        "strongroom restore start --restore-token <TOKEN> ",
    ] {
        assert!(usage.contains(line), "{usage}");
    }
}

/// The leaves of a request: everything that could be said in it.
fn leaves(message: &MessageDescriptor, above: &[String], found: &mut Vec<Vec<String>>) {
    for field in message.fields().filter(|field| !descriptors::is_output_only(field)) {
        let path = [above, &[field.name().to_owned()]].concat();
        match super::flags::within(&field, &above.to_vec()) {
            Some((kind, path)) => leaves(&kind, &path, found),
            None => found.push(path),
        }
    }
}

/// The field where a flag's value goes.
fn field_at(request: &MessageDescriptor, target: &[String]) -> FieldDescriptor {
    let (mut message, mut found) = (request.clone(), None);
    for part in target.iter().filter(|part| *part != "0") {
        let field = message.get_field_by_name(part).unwrap();
        message = field.kind().as_message().cloned().unwrap_or(message);
        found = Some(field);
    }
    found.unwrap()
}

#[test]
fn every_field_of_every_request_has_a_flag() {
    for verb in VERBS {
        let request = method(verb.rpc).unwrap().input();
        let flags = flags(verb, &request);
        let mut all = Vec::new();
        leaves(&request, &[], &mut all);
        let shared = ["scope", "request_id", "page_size", "page_token"];
        for path in all.iter().filter(|path| !shared.contains(&path[0].as_str())) {
            assert!(flags.iter().any(|flag| flag.targets.contains(path)), "{}: {path:?}", verb.rpc);
        }
        // A flag of several places gives each of them what it takes.
        for flag in &flags {
            let kinds: BTreeSet<(bool, String)> = flag
                .targets
                .iter()
                .map(|target| {
                    let field = field_at(&request, target);
                    (field.is_list(), format!("{:?}", field.kind()))
                })
                .collect();
            assert_eq!(kinds.len(), 1, "{} --{}: {kinds:?}", verb.rpc, flag.name);
        }
    }
}

#[test]
fn every_repeated_field_with_a_flag_is_told_what_its_flag_is_called() {
    let mut used = BTreeSet::new();
    for verb in VERBS {
        let request = method(verb.rpc).unwrap().input();
        for flag in flags(verb, &request) {
            for target in &flag.targets {
                let field = field_at(&request, target);
                let message = field.parent_message();
                if !field.is_list() && !field.is_map() || matches!(flag.form, Form::Conditions(_)) {
                    continue;
                }
                let named = named(descriptors::short(message.full_name()), field.name()).map(|named| named.flag);
                let called = named.or_else(|| each(field.name()));
                assert_eq!(called, Some(flag.name.as_str()), "{} in {}", field.name(), message.name());
                used.insert(field.name().to_owned());
            }
        }
    }
    for (field, _) in EACH {
        assert!(used.contains(*field), "no command has a repeated field {field}");
    }
}

#[test]
fn a_change_without_a_request_id_is_given_one_and_a_list_takes_whole_pages() {
    let made = asked("strongroom vault create v").unwrap();
    assert!(uuid::Uuid::parse_str(made["requestId"].as_str().unwrap()).is_ok(), "{made}");
    assert_eq!(asked("strongroom vault list").unwrap(), json!({ "pageSize": 1000 }));
}

#[test]
fn a_file_is_the_request_or_the_thing_as_it_was_shown_and_flags_are_put_on_top() {
    let folder = tempfile::tempdir().unwrap();
    let file = |text: Value| {
        let path = folder.path().join("file.json");
        std::fs::write(&path, text.to_string()).unwrap();
        path.display().to_string()
    };
    // As a request, in either spelling of the fields.
    let path = file(
        json!({ "name": "n", "rules": [{ "vault": "v", "schedule_timezone": "Etc/UTC" }, { "vault": "w", "scheduleTimezone": "Etc/GMT" }], "requestId": "r" }),
    );
    let made = asked(&format!("strongroom plan create other -f {path}")).unwrap();
    assert_eq!((&made["name"], &made["rules"][1]["scheduleTimezone"]), (&json!("other"), &json!("Etc/GMT")));
    let two = asked(&format!("strongroom plan create -f {path} --vault x")).unwrap_err();
    assert!(two.contains("several"), "{two}");
    // As `plan get -o json` shows it.
    let shown = json!({ "plan": {
        "id": "i", "arn": "arn", "name": "n", "etag": "e", "scope": { "account": "1", "region": "r" }, "creatorRequestId": "old",
        "rules": [{ "name": "a", "id": "x", "vault": "v" }], "createTime": "2026-03-02T00:00:00Z",
        "tags": { "a": "b" },
    } });
    let path = file(shown);
    let updated = asked(&format!("strongroom plan update -f {path} --keep-days 7 --request-id q")).unwrap();
    assert_eq!(
        updated,
        json!({
            "scope": { "account": "1", "region": "r" }, "plan": "i", "name": "n", "etag": "e", "requestId": "q",
            "rules": [{ "name": "a", "id": "x", "vault": "v", "lifecycle": { "deleteAfterDays": 7 } }],
        })
    );
    let again = asked(&format!("strongroom plan create copy -f {path} --region q")).unwrap();
    assert_eq!((&again["name"], &again["scope"]), (&json!("copy"), &json!({ "account": "1", "region": "q" })));
    assert_ne!(again["requestId"], "old");
    // What no request can say is not dropped silently, and neither is what nobody knows.
    let path = file(json!({ "selection": { "name": "s", "any_conditions": [{ "key": "k" }] } }));
    let refused = asked(&format!("strongroom selection create p -f {path}")).unwrap_err();
    assert!(refused.contains("any_conditions"), "{refused}");
    let path = file(json!({ "nmae": "n" }));
    let refused = asked(&format!("strongroom vault create -f {path}")).unwrap_err();
    assert!(refused.contains("nmae"), "{refused}");
}

#[test]
fn a_fault_names_the_flag_that_it_is_about() {
    let verb = super::verbs::find("plan", "create").unwrap();
    let flags = flags(verb, &method(verb.rpc).unwrap().input());
    for (field, flag) in [
        ("name", Some("<NAME>")),
        ("rules[0].vault", Some("--vault")),
        ("rules[0].lifecycle.delete_after_days", Some("--keep-days")),
        ("tags[a.b]", Some("--tag")),
        ("rules[1].schedule", None),
        ("nothing", None),
    ] {
        assert_eq!(flag_of(&flags, field).as_deref(), flag, "{field}");
    }
}

#[test]
fn the_exit_code_tells_what_kind_of_no_it_is() {
    let say = |code: Code, reason: Option<&str>| {
        let details = reason.map_or_else(ErrorDetails::new, |reason| {
            ErrorDetails::with_error_info(reason, "strongroom", [] as [(String, String); 0])
        });
        refusal(&Way::to("http://s").unwrap(), &Status::with_error_details(code, "no", details), Some("the-id"), |_| {
            None
        })
    };
    for (code, reason, exit, repeat) in [
        (Code::NotFound, Some("VAULT_NOT_FOUND"), NOT_FOUND, false),
        (Code::InvalidArgument, Some("INVALID_REQUEST"), FAILED, false),
        (Code::FailedPrecondition, Some("VAULT_LOCKED"), FAILED, false),
        (Code::Aborted, Some("ETAG_MISMATCH"), FAILED, false),
        (Code::ResourceExhausted, Some("AWS_THROTTLED"), NOT_NOW, false),
        (Code::Unavailable, Some("OUTCOME_UNKNOWN"), NOT_NOW, true),
        // The connection's words, not the server's.
        (Code::Unavailable, None, UNREACHABLE, true),
        (Code::Cancelled, None, NOT_NOW, true),
        (Code::Unimplemented, None, FAILED, false),
    ] {
        let failure = say(code, reason);
        assert_eq!(failure.code, exit, "{code:?} {reason:?}");
        assert_eq!(failure.text.contains("--request-id the-id"), repeat, "{}", failure.text);
    }
    // The server's word for the id counts: it may have made it.
    let told = [("request_id".to_owned(), "its-id".to_owned())];
    let details = ErrorDetails::with_error_info("OUTCOME_UNKNOWN", "strongroom", told);
    let failure = refusal(
        &Way::to("http://s").unwrap(),
        &Status::with_error_details(Code::Unavailable, "no", details),
        None,
        |_| None,
    );
    assert!(failure.text.ends_with("--request-id its-id"), "{}", failure.text);
}
