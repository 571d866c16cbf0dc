use std::collections::BTreeSet;

use clap::ArgMatches;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{
    descriptors::{self, method},
    failure::{NOT_FOUND, NOT_NOW, USAGE, refusal},
    flags::{flag_of, flags},
    request::request,
    verbs::{NOUNS, VERBS},
};
use crate::cli::{FAILED, UNREACHABLE, command};

/// RPCs that no command makes, each with the reason.
const WITHOUT_COMMAND: &[(&str, &str)] = &[];

#[test]
fn every_rpc_is_made_by_a_command() {
    let made: BTreeSet<&str> = VERBS.iter().map(|verb| verb.rpc).collect();
    let all = descriptors::methods();
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
    let made: Result<DynamicMessage, _> = request(&parse(line), &of, &flags(verb, &of));
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
                "targetVault": "v",
                "schedule": "cron(0 5 ? * * *)",
                "startWindowMinutes": 60,
                "lifecycle": { "deleteAfterDays": 35 },
                "copyActions": [{ "destinationVaultArn": "arn:x" }],
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
        asked(&format!("strongroom backup start arn:db --vault v --role r --keep-forever {id}")),
        Ok(json!({
            "resourceArn": "arn:db", "vault": "v", "role": "r", "requestId": same,
            "lifecycle": { "retention": "RETENTION_FOREVER" },
        }))
    );
    assert_eq!(
        asked("strongroom job list --kind backup --state FAILED --created-after 2026-03-01 --page-size 7"),
        Ok(json!({
            "kind": "JOB_KIND_BACKUP", "state": "JOB_STATE_FAILED", "pageSize": 7,
            "createTime": { "after": "2026-03-01T00:00:00Z" },
        }))
    );
    let restored = asked(&format!("strongroom restore start arn:p --db-instance-identifier x --multi-az=false {id}"));
    assert_eq!(
        restored.unwrap()["rdsInstance"],
        json!({ "dbInstanceIdentifier": "x", "multiAz": false }),
        "what is optional can be said to be false"
    );
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
    let path =
        file(json!({ "name": "n", "rules": [{ "target_vault": "v" }, { "targetVault": "w" }], "requestId": "r" }));
    let made = asked(&format!("strongroom plan create other -f {path}")).unwrap();
    assert_eq!((&made["name"], &made["rules"][1]["targetVault"]), (&json!("other"), &json!("w")));
    let two = asked(&format!("strongroom plan create -f {path} --vault x")).unwrap_err();
    assert!(two.contains("several"), "{two}");
    // As `plan get -o json` shows it.
    let shown = json!({ "plan": {
        "id": "i", "arn": "arn", "name": "n", "etag": "e", "scope": { "account": "1", "region": "r" }, "requestId": "old",
        "rules": [{ "name": "a", "id": "x", "targetVault": "v" }], "createTime": "2026-03-02T00:00:00Z",
        "tags": { "a": "b" },
    } });
    let path = file(shown);
    let updated = asked(&format!("strongroom plan update -f {path} --keep-days 7 --request-id q")).unwrap();
    assert_eq!(
        updated,
        json!({
            "scope": { "account": "1", "region": "r" }, "plan": "i", "name": "n", "etag": "e", "requestId": "q",
            "rules": [{ "name": "a", "id": "x", "targetVault": "v", "lifecycle": { "deleteAfterDays": 7 } }],
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
        ("rules[0].target_vault", Some("--vault")),
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
        refusal("http://s", &Status::with_error_details(code, "no", details), Some("the-id"), |_| None)
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
}
