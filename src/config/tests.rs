use std::{ffi::OsString, fs, time::Duration};

use proptest::prelude::*;

use super::{value::Value, *};
use crate::domain::{AccountId, RegionName};

fn environment(pairs: &[(&str, &str)]) -> Sources {
    let environment = pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
    Sources { environment, ..Sources::default() }
}

fn flag(flag: &str, key: &str, value: &str) -> Flag {
    Flag { flag: flag.to_owned(), key: key.to_owned(), value: value.to_owned() }
}

fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strongroom.toml");
    fs::write(&path, text).unwrap();
    (folder, Sources { file: Some(path), ..Sources::default() })
}

fn faults(sources: &Sources) -> Vec<String> {
    load(sources).unwrap_err().faults.iter().map(ToString::to_string).collect()
}

fn setting<'l>(loaded: &'l Loaded, key: &str) -> &'l Setting {
    loaded.settings.iter().find(|setting| setting.key == key).unwrap()
}

#[test]
fn without_sources_every_default_holds_and_nothing_warns() {
    let loaded = load(&Sources::default()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.warnings, []);
    assert!(loaded.settings.iter().all(|setting| setting.source == Source::Default));
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let (_folder, mut sources) = file("[server]\nlisten = '127.0.0.1:1'\nreflection = false\n[log]\nlevel = 'warn'\n");
    sources.environment = environment(&[
        ("STRONGROOM_SERVER__LISTEN", "127.0.0.1:2"),
        ("STRONGROOM_LOG__LEVEL", "debug"),
        ("PATH", "/bin"),
    ])
    .environment;
    sources.flags = vec![flag("--listen", "server.listen", "127.0.0.1:3"), flag("--set", "aws.max_attempts", "2")];
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.config.server.listen.port(), 3);
    assert_eq!(loaded.config.log.level.as_str(), "debug");
    assert!(!loaded.config.server.reflection);
    assert_eq!(loaded.config.aws.max_attempts, 2);
    let source = |key| setting(&loaded, key).source.to_string();
    assert_eq!(source("server.listen"), "flag --listen");
    assert_eq!(source("log.level"), "environment STRONGROOM_LOG__LEVEL");
    assert!(source("server.reflection").ends_with("strongroom.toml:3"), "{}", source("server.reflection"));
    assert_eq!(source("aws.read_timeout"), "default");
}

#[test]
fn every_fault_of_every_source_is_reported_at_once() {
    let (_folder, mut sources) = file(concat!(
        "[server]\n",
        "listen = 'everywhere'\n",
        "lisen = '127.0.0.1:1'\n",
        "max_request_bytes = 1\n",
        "[aws]\n",
        "allowed_regions = ['eu-west-1', 'Frankfurt']\n",
        "read_timeout = 5\n",
    ));
    sources.environment =
        environment(&[("STRONGROOM_LOG__FORMAT", "xml"), ("STRONGROOM_LOG_LEVEL", "info")]).environment;
    sources.flags = vec![flag("--grace", "shutdown.grace", "-3s"), flag("--set", "nonsense", "1")];
    let found = faults(&sources);
    for expected in [
        "server.listen = \"everywhere\"",
        "strongroom.toml:2) is not valid; expected IP:PORT",
        "server.lisen (",
        "strongroom.toml:3) is not a known key; did you mean server.listen?",
        "server.max_request_bytes = \"1\"",
        "is out of range; choose a value from 65536 to 67108864",
        "aws.allowed_regions = \"Frankfurt\"",
        "aws.read_timeout = \"5\"",
        "expected a duration with its unit",
        "log.format = \"xml\" (environment STRONGROOM_LOG__FORMAT) is not valid; expected \"text\" or \"json\"",
        "(environment STRONGROOM_LOG_LEVEL) is not a known key; did you mean STRONGROOM_LOG__LEVEL?",
        "shutdown.grace = \"-3s\" (flag --grace) is not valid",
        "nonsense (flag --set) is not a known key; remove it",
    ] {
        assert!(found.iter().any(|fault| fault.contains(expected)), "{expected:?} is missing in {found:#?}");
    }
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn a_missing_file_is_a_fault_and_none_is_looked_for() {
    let sources = Sources { file: Some("no/such.toml".into()), ..Sources::default() };
    let found = faults(&sources);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("config = \"no/such.toml\" (flag --config) cannot be read:"), "{found:?}");
    let found = faults(&environment(&[("STRONGROOM_CONFIG", "no/such.toml")]));
    assert!(found[0].contains("(environment STRONGROOM_CONFIG)"), "{found:?}");
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_lines_and_the_rest_is_checked() {
    let (_folder, sources) = file("[server]\nlisten = \n[log]\nlevel = 'loud'\n= 3\n");
    let found = faults(&sources);
    assert!(found.iter().any(|fault| fault.contains("strongroom.toml:2) is not TOML")), "{found:#?}");
    assert!(found.iter().any(|fault| fault.contains("strongroom.toml:5) is not TOML")), "{found:#?}");
    assert!(found.iter().any(|fault| fault.contains("log.level = \"loud\"")), "{found:#?}");
}

#[test]
fn an_oversize_file_and_tables_in_lists_are_refused() {
    let (_folder, sources) = file(&format!("# {}\n", "x".repeat(2 << 20)));
    assert!(faults(&sources)[0].contains("is larger than"), "{:?}", faults(&sources));
    let (_folder, sources) = file("[aws]\nallowed_regions = [{ name = 'eu-west-1' }]\n");
    assert!(faults(&sources)[0].contains("is a list of lists or tables"), "{:?}", faults(&sources));
    let (_folder, sources) = file("[server]\nlisten = ['127.0.0.1:1']\n");
    assert!(faults(&sources)[0].contains("is a list; expected IP:PORT"), "{:?}", faults(&sources));
}

#[test]
fn no_fault_shows_a_password_or_the_value_of_an_unknown_key() {
    let sources = environment(&[
        ("STRONGROOM_AWS__ENDPOINT_URL", "https://user:hunter2@example.com/"),
        ("STRONGROOM_AWS__SECRET_ACCESS_KEY", "hunter2"),
    ]);
    let error = load(&sources).unwrap_err();
    assert_eq!(error.faults.len(), 2);
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[test]
fn the_variables_of_a_kubernetes_service_are_not_configuration() {
    let links = [
        ("STRONGROOM_SERVICE_HOST", "10.0.0.1"),
        ("STRONGROOM_SERVICE_PORT", "50051"),
        ("STRONGROOM_SERVICE_PORT_GRPC", "50051"),
        ("STRONGROOM_PORT", "tcp://10.0.0.1:50051"),
        ("STRONGROOM_PORT_50051_TCP", "tcp://10.0.0.1:50051"),
        ("STRONGROOM_PORT_50051_TCP_ADDR", "10.0.0.1"),
        ("STRONGROOM_WEB_SERVICE_HOST", "10.0.0.2"),
    ];
    assert_eq!(load(&environment(&links)).unwrap().config, Config::default());
}

#[test]
fn the_variable_of_the_client_commands_is_not_configuration_and_what_resembles_it_is_refused() {
    let client = client::CLIENT_VARIABLES.map(|name| (name, "http://10.0.0.1:50051"));
    assert_eq!(load(&environment(&client)).unwrap().config, Config::default());
    load(&environment(&[("STRONGROOM_SERVER_URL", "http://10.0.0.1:50051")])).unwrap_err();
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let loaded = load(&environment(&[("STRONGROOM_AWS__REGION", ""), ("STRONGROOM_SERVER__LISTEN", "")])).unwrap();
    assert_eq!(loaded.config, Config::default());
}

#[test]
fn account_ids_are_text_in_every_source() {
    let text = "[aws]\nassume_role = 'arn:aws:iam::{account}:role/r'\nallowed_accounts = [123456789012]\n";
    let (_folder, sources) = file(text);
    let accounts = load(&sources).unwrap().config.aws.allowed_accounts;
    assert_eq!(accounts.iter().map(AccountId::as_str).collect::<Vec<_>>(), ["123456789012"]);
    let sources = environment(&[("STRONGROOM_SANDBOX__ACCOUNT", "012345678901")]);
    assert_eq!(load(&sources).unwrap().config.sandbox.account.as_str(), "012345678901");
}

#[test]
fn keys_that_contradict_each_other_are_refused_with_the_place_of_the_culprit() {
    let sources = environment(&[
        ("STRONGROOM_AWS__CONNECT_TIMEOUT", "30s"),
        ("STRONGROOM_AWS__OPERATION_TIMEOUT", "10s"),
        ("STRONGROOM_AWS__REGION", "eu-west-1"),
        ("STRONGROOM_AWS__ALLOWED_REGIONS", "us-east-1, us-west-2"),
        ("STRONGROOM_AWS__EXTERNAL_ID", "x"),
        ("STRONGROOM_SANDBOX__START", "2026-01-31T04:00:00Z"),
        ("STRONGROOM_TELEMETRY__OTLP_ENDPOINT", "http://collector:4317"),
        ("STRONGROOM_TELEMETRY__OTLP_CA_FILE", "ca.pem"),
        ("STRONGROOM_SERVER__LISTEN", "127.0.0.1:9464"),
    ]);
    let keys: Vec<String> = load(&sources).unwrap_err().faults.into_iter().map(|fault| fault.key).collect();
    assert_eq!(
        keys,
        [
            "aws.connect_timeout",
            "aws.attempt_timeout",
            "aws.region",
            "aws.external_id",
            "sandbox.start",
            "telemetry.otlp_ca_file",
            "admin.listen"
        ]
    );
    let found = faults(&environment(&[("STRONGROOM_SANDBOX__CLOCK", "manual"), ("STRONGROOM_SANDBOX__SPEED", "60")]));
    assert!(found[0].starts_with("sandbox.speed = \"60\" (environment STRONGROOM_SANDBOX__SPEED)"), "{found:?}");
}

#[test]
fn a_region_that_is_not_known_is_taken_and_warned_of() {
    let sources = environment(&[
        ("STRONGROOM_AWS__REGION", "us-est-1"),
        ("STRONGROOM_AWS__ALLOWED_REGIONS", "us-est-1,us-east-1,mars-north-1"),
        ("STRONGROOM_AWS__ALLOWED_ACCOUNTS", "123456789012"),
    ]);
    let warned = load(&sources).unwrap().warnings;
    let told: Vec<_> =
        warned.iter().map(|warning| (warning.key, warning.message.contains("did you mean us-east-1?"))).collect();
    let regions = [("aws.region", true), ("aws.allowed_regions", true), ("aws.allowed_regions", false)];
    assert_eq!(told[0], ("aws.allowed_accounts", false));
    assert_eq!(told[1..], regions);
    let abroad = environment(&[
        ("STRONGROOM_AWS__REGION", "us-gov-west-1"),
        ("STRONGROOM_AWS__ASSUME_ROLE", "arn:aws:iam::{account}:role/Strongroom"),
    ]);
    assert_eq!(load(&abroad).unwrap().warnings[0].key, "aws.assume_role");
}

#[test]
fn what_surprises_is_warned_of() {
    let sources = environment(&[
        ("STRONGROOM_SERVER__LISTEN", "0.0.0.0:50051"),
        ("STRONGROOM_ACCESS__ALLOW_ANONYMOUS", "true"),
        ("STRONGROOM_SERVER__REQUEST_TIMEOUT", "10s"),
        ("STRONGROOM_AWS__ENDPOINT_URL", "http://emulator:4566"),
        ("STRONGROOM_AWS__MAX_ATTEMPTS", "1"),
        ("STRONGROOM_SANDBOX__LISTEN", "[::]:4566"),
        ("STRONGROOM_SHUTDOWN__GRACE", "0s"),
        ("STRONGROOM_TELEMETRY__OTLP_ENDPOINT", "http://collector:4317"),
        ("STRONGROOM_ADMIN__LISTEN", "0.0.0.0:9464"),
    ]);
    let keys: Vec<&str> = load(&sources).unwrap().warnings.iter().map(|warning| warning.key).collect();
    assert_eq!(
        keys,
        [
            "server.listen",
            "server.request_timeout",
            "audit.path",
            "aws.endpoint_url",
            "aws.max_attempts",
            "sandbox.listen",
            "shutdown.grace",
            "telemetry.otlp_endpoint",
            "admin.listen"
        ]
    );
    let quiet = environment(&[("STRONGROOM_AWS__ENDPOINT_URL", "http://[::1]:4566")]);
    assert_eq!(load(&quiet).unwrap().warnings, []);
}

#[test]
fn the_admin_port_is_off_only_where_it_says_so_and_needed_only_where_it_is_another() {
    let read = |value| load(&environment(&[("STRONGROOM_ADMIN__LISTEN", value)])).unwrap().config.admin;
    assert_eq!(read("off").listen, None);
    assert_eq!(read(""), AdminConfig::default());
    assert!(!read("127.0.0.1:9464").is_needed() && read("127.0.0.1:9465").is_needed() && read("[::]:9464").is_needed());
    for text in ["Off", "none", "0", "9464"] {
        assert!(faults(&environment(&[("STRONGROOM_ADMIN__LISTEN", text)]))[0].contains("or \"off\""), "{text}");
    }
}

#[test]
fn certificates_for_the_collector_come_in_pairs_and_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (ca, key) = (path("ca.pem", "-----BEGIN CERTIFICATE-----\n"), path("key.pem", "-----BEGIN PRIVATE KEY-----\n"));
    let loaded = |files: &[(&str, &str)]| {
        let endpoint = [("STRONGROOM_TELEMETRY__OTLP_ENDPOINT", "https://collector:4317")];
        load(&environment(&[&endpoint, files].concat()))
    };
    const CA: &str = "STRONGROOM_TELEMETRY__OTLP_CA_FILE";
    const CERTIFICATE: &str = "STRONGROOM_TELEMETRY__OTLP_CERTIFICATE_FILE";
    const KEY: &str = "STRONGROOM_TELEMETRY__OTLP_KEY_FILE";
    assert_eq!(loaded(&[(CA, &ca), (CERTIFICATE, &ca), (KEY, &key)]).unwrap().warnings, []);
    for alone in [CERTIFICATE, KEY] {
        let fault = loaded(&[(alone, &key)]).unwrap_err().to_string();
        assert!(fault.contains("beside it; set both, or neither"), "{fault}");
    }
    for (file, told) in [(key.as_str(), "holds no PEM block"), ("no/such.pem", "cannot be read")] {
        let warned = loaded(&[(CA, file)]).unwrap().warnings;
        assert_eq!((warned.len(), warned[0].key), (1, "telemetry.otlp_ca_file"));
        assert!(warned[0].message.contains(told), "{warned:?}");
    }
}

#[test]
fn a_role_template_needs_its_placeholder() {
    let template = RoleTemplate::parse("arn:aws-cn:iam::{account}:role/team/Strongroom").unwrap();
    assert_eq!(template.role_in("123456789012", "aws-cn"), "arn:aws-cn:iam::123456789012:role/team/Strongroom");
    assert_eq!(template.role_in("123456789012", "aws"), "arn:aws:iam::123456789012:role/team/Strongroom");
    for text in [
        "",
        "Strongroom",
        "arn:aws:iam::123456789012:role/r",
        "arn:aws:iam::{account}:role/",
        "arn:aws:iam::{account}:user/u",
    ] {
        assert_eq!(RoleTemplate::parse(text), None, "{text}");
    }
}

#[test]
fn a_log_filter_is_never_silently_the_name_of_a_target() {
    for text in ["info", "WARN", "off", "info,strongroom::aws=debug", "warn,[start_backup]=trace"] {
        assert!(LogFilter::parse(text).is_some(), "{text}");
    }
    for text in ["", "loud", "info,", "strongroom", "info,strongroom::aws=loud"] {
        assert!(LogFilter::parse(text).is_none(), "{text}");
    }
}

#[test]
fn names_of_regions_and_urls_are_checked() {
    for text in ["us-east-1", "us-gov-west-1", "ap-southeast-12", "us-iso-east-1"] {
        assert!(<RegionName as Value>::parse(text).is_some(), "{text}");
    }
    for text in ["", "us", "us-east", "US-EAST-1", "us--1", "us-east-1a", "us-east-123", "1-2-3"] {
        assert!(<RegionName as Value>::parse(text).is_none(), "{text}");
    }
    for text in ["", "127.0.0.1:4566", "ftp://x", "http://", "http://a@b", "http://a?b=c", "http://a b"] {
        assert!(Url::parse(text).is_none(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_duration_is_read_back_as_it_was_shown(millis in 0_u64..10_000_000_000) {
        let duration = Duration::from_millis(millis);
        prop_assert_eq!(Duration::parse(&duration.show()), Some(duration));
    }

    #[test]
    fn no_text_of_any_source_panics(text in ".{0,60}", key in "[a-z._]{0,30}") {
        let (_folder, mut sources) = file(&text);
        let settings = load(&Sources::default()).unwrap().settings;
        let keys = settings.iter().map(|setting| &*setting.key);
        sources.flags = keys.map(|key| flag("--set", key, &text)).collect();
        sources.flags.push(flag("--set", &key, &text));
        _ = load(&sources).map_err(|error| error.to_string());
    }
}
