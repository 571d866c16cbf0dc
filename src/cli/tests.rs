use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::CommandFactory;

use super::*;
use crate::config::{Config, Setting, Sources, environment_name, load};

fn repository(path: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), path].iter().collect()
}

/// A row of docs/configuration.md.
#[derive(Debug, PartialEq)]
struct Row {
    default: String,
    environment: String,
    flag: String,
}

fn documented() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(repository("docs/configuration.md")).unwrap();
    let plain = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), 5, "{line}");
        assert!(cells[4].trim().ends_with('.'), "no sentence: {line}");
        (plain(cells[0]), Row { default: plain(cells[1]), environment: plain(cells[2]), flag: plain(cells[3]) })
    };
    // Those of tables with names have neither a default of their own nor a flag.
    let named = |line: &&str| line.starts_with("| `access.issuers.");
    text.lines().filter(|line| line.starts_with("| `") && !named(line)).map(row).collect()
}

fn settings() -> Vec<Setting> {
    load(&Sources::default()).unwrap().settings
}

fn serve(arguments: &[&str]) -> flags::ServeFlags {
    let command = ["strongroom", "check-config"].iter().chain(arguments);
    match Cli::try_parse_from(command).unwrap().command {
        Command::CheckConfig(args) => args.flags,
        other => panic!("{other:?}"),
    }
}

/// The flags of `serve` that set one key, with that key.
fn own_flags() -> BTreeMap<String, String> {
    let command = Cli::command();
    let serve_command = command.find_subcommand("serve").unwrap();
    let names = serve_command.get_arguments().filter_map(|argument| argument.get_long());
    let own = names.filter(|name| !["help", "config", "set", "sandbox"].contains(name));
    own.map(|name| {
        let flags = serve(&[&format!("--{name}=x")]).flags();
        assert_eq!(flags.len(), 1, "{name}");
        assert_eq!(flags[0].flag, format!("--{name}"));
        (flags[0].key.clone(), flags[0].flag.clone())
    })
    .collect()
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn documentation_and_code_know_the_same_keys_defaults_variables_and_flags() {
    let own = own_flags();
    let of_code: BTreeMap<String, Row> = settings()
        .into_iter()
        .map(|setting| {
            let row = Row {
                default: setting.value.unwrap_or_else(|| "–".to_owned()),
                environment: environment_name(&setting.key),
                flag: own.get(&*setting.key).cloned().unwrap_or_else(|| "--set".to_owned()),
            };
            (setting.key.into_owned(), row)
        })
        .collect();
    let documented = documented();
    for (key, row) in &of_code {
        assert_eq!(documented.get(key), Some(row), "docs/configuration.md: {key}");
    }
    assert_eq!(documented.len(), of_code.len(), "docs/configuration.md documents a key that is not there");
    for key in own.keys() {
        assert!(of_code.contains_key(key), "{key}");
    }
}

#[test]
fn the_sample_holds_every_key_says_the_defaults_and_is_valid() {
    let path = repository("docs/samples/strongroom.toml");
    let text = fs::read_to_string(&path).unwrap();
    let loaded = load(&Sources { file: Some(path), ..Sources::default() }).unwrap();
    assert_eq!(loaded.config, Config::default());
    // The keys that are commented out are valid with their examples, too; sandbox.start needs the other clock.
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.toml");
    let uncommented = |line: &str| match line.strip_prefix("# ") {
        Some(key) if key.contains(" = ") => key.to_owned(),
        Some(_) | None => line.replace("clock = \"auto\"", "clock = \"manual\""),
    };
    fs::write(&whole, text.lines().map(uncommented).collect::<Vec<_>>().join("\n")).unwrap();
    let whole = load(&Sources { file: Some(whole), ..Sources::default() }).unwrap();
    for setting in whole.settings {
        assert_ne!(setting.source, config::Source::Default, "{} is not in the sample", setting.key);
        assert!(setting.value.is_some(), "{}", setting.key);
    }
}

#[test]
fn a_flag_of_its_own_wins_over_set() {
    let flags = serve(&["--listen", "127.0.0.1:2", "--set", "server.listen=127.0.0.1:1"]).flags();
    let loaded = load(&Sources { flags, ..Sources::default() }).unwrap();
    assert_eq!(loaded.config.server.listen.port(), 2);
}

#[test]
fn the_sandboxs_own_listen_is_the_sandboxs() {
    let parsed =
        Cli::try_parse_from(["strongroom", "sandbox", "--listen", "127.0.0.1:1", "--clock", "manual"]).unwrap();
    let Command::Sandbox(args) = parsed.command else { panic!("{parsed:?}") };
    let loaded = load(&Sources { flags: args.flags.flags(), ..Sources::default() }).unwrap();
    assert_eq!(loaded.config.sandbox.listen.port(), 1);
    assert_eq!(loaded.config.sandbox.clock, config::Clock::Manual);
}

fn check(arguments: &[&str]) -> (u8, String, String) {
    let command = ["strongroom", "check-config"].iter().chain(arguments);
    let Command::CheckConfig(args) = Cli::try_parse_from(command).unwrap().command else { panic!("not check-config") };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    // Not the process's environment: a developer may have set variables.
    let loaded = load(&Sources { flags: args.flags.flags(), ..Sources::default() });
    let code = check_config::answer(&args, &loaded, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn check_config_shows_every_key_with_its_source_and_the_warnings() {
    let (code, out, err) = check(&["--listen", "0.0.0.0:50051", "--set", "access.allow_anonymous=true"]);
    assert_eq!(code, 0);
    assert_eq!(out.lines().count(), settings().len());
    let line = out.lines().find(|line| line.starts_with("server.listen ")).unwrap();
    assert!(line.contains("0.0.0.0:50051") && line.ends_with("flag --listen"), "{line}");
    assert!(err.starts_with("warning: server.listen: 0.0.0.0:50051 is reachable"), "{err}");
}

#[test]
fn check_config_fails_with_all_faults() {
    let (code, out, err) = check(&["--listen", "nowhere", "--grace", "soon"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("error: the configuration has 2 faults\n"), "{err}");
}

#[test]
fn check_config_answers_programs_in_json() {
    let (code, out, err) = check(&["-o", "json", "--set", "aws.max_attempts=1"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, err.as_str(), &answer["valid"]), (0, "", &true.into()));
    assert_eq!(answer["warnings"][0]["key"], "aws.max_attempts");
    let settings = answer["settings"].as_array().unwrap();
    let setting = settings.iter().find(|setting| setting["key"] == "aws.max_attempts").unwrap();
    assert_eq!((&setting["value"], &setting["source"]), (&"1".into(), &"flag --set".into()));

    let (code, out, _) = check(&["-o", "json", "--grace", "soon"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["valid"]), (1, &false.into()));
    assert_eq!(
        (&answer["faults"][0]["key"], &answer["faults"][0]["value"]),
        (&"shutdown.grace".into(), &"soon".into())
    );
}
