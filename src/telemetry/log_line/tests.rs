use std::{
    io,
    sync::{Arc, Mutex},
};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use proptest::prelude::*;
use serde_json::Value;
use tracing_subscriber::{Layer as _, Registry, layer::SubscriberExt as _};

use super::*;

/// Keeps what is logged.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged meanwhile, without its last end of line.
fn logged(format: LogFormat, ansi: bool, what: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(move || writer.clone())
        .with_ansi(ansi)
        .fmt_fields(SpanFields)
        .event_format(LogLine { format });
    tracing::subscriber::with_default(Registry::default().with(layer), what);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().strip_suffix('\n').expect("every line ends").to_owned()
}

/// The keys of a JSON object in their order, twice what stands there twice: no parser into a map would tell.
fn keys(line: &str) -> Vec<String> {
    struct Keys;
    impl<'d> serde::de::Visitor<'d> for Keys {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'d>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut keys = Vec::new();
            while let Some((key, _)) = map.next_entry::<String, Value>()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(line), Keys).unwrap()
}

fn json(what: impl FnOnce()) -> (Value, Vec<String>) {
    let line = logged(LogFormat::Json, false, what);
    assert!(!line.contains('\n'), "{line}");
    (serde_json::from_str(&line).unwrap(), keys(&line))
}

#[test]
fn a_line_has_what_the_event_tells_and_what_the_spans_around_it_tell_besides() {
    let (line, keys) = json(|| {
        let _outer =
            tracing::info_span!("rpc", rpc.method = "S/M", otel.name = "S/M", job.id = "J1", near = 1).entered();
        let inner = tracing::info_span!("aws", near = 2, aws.attempts = tracing::field::Empty);
        let _inner = inner.enter();
        inner.record("aws.attempts", 3);
        tracing::warn!(slow = true, of = 1.5, what = "a", line = %7, none = None::<u32>, "it was {}", "slow");
    });
    assert_eq!(keys[..4], ["timestamp", "level", "target", "message"]);
    assert_eq!(
        (&line["level"], &line["message"], &line["target"]),
        (&"WARN".into(), &"it was slow".into(), &module_path!().into())
    );
    assert_eq!(
        (&line["slow"], &line["of"], &line["what"], &line["line"]),
        (&true.into(), &1.5.into(), &"a".into(), &"7".into())
    );
    assert_eq!(
        (&line["method"], &line["job.id"], &line["near"], &line["aws.attempts"]),
        (&"S/M".into(), &"J1".into(), &2.into(), &3.into())
    );
    assert!(!keys.iter().any(|key| key.starts_with("otel.") || key == "none"), "{keys:?}");
    let at: Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(line["timestamp"].as_str().unwrap().len() == "2026-03-02T00:00:00.000Z".len() && at <= Timestamp::now());
}

#[test]
fn no_key_stands_twice_whatever_fields_are_called() {
    let (line, keys) = json(|| {
        let _span =
            tracing::info_span!("rpc", level = 1, message = "of the span", a = "span", trace_id = "t").entered();
        tracing::info!(message = "first", level = 2, target = "x", timestamp = "y", a = 1, "a" = 2, span_id = "s");
    });
    let mut once = keys.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), keys.len(), "{keys:?}");
    assert_eq!(
        (&line["level"], &line["level_"], &line["target_"], &line["a"], &line["a_"]),
        (&"INFO".into(), &2.into(), &"x".into(), &1.into(), &2.into())
    );
    assert_eq!((&line["message"], &line["trace_id"]), (&"first".into(), &"t".into()));
}

#[test]
fn lines_within_a_trace_tell_its_ids() {
    let tracer = SdkTracerProvider::builder().build().tracer("strongroom");
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let log = log.fmt_fields(SpanFields).event_format(LogLine { format: LogFormat::Json });
    let subscriber = Registry::default().with(tracing_opentelemetry::layer().with_tracer(tracer).boxed()).with(log);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("rpc").in_scope(|| tracing::info!("in it"));
        tracing::info!("out of it");
    });
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(lines[0]["span_id"].as_str().unwrap().len(), 16);
    assert_eq!(lines[1].get("trace_id"), None);
}

#[test]
fn text_is_for_people_and_has_the_same_in_it() {
    let line = logged(LogFormat::Text, false, || {
        let _span = tracing::info_span!("rpc", rpc.method = "S/M").entered();
        tracing::warn!(aws.operation = "StartBackupJob", address = %"127.0.0.1:1", said = %"two words", "slow");
    });
    let (_, rest) = line.split_once(' ').unwrap();
    let expected = " WARN strongroom::telemetry::log_line::tests: slow aws.operation=\"StartBackupJob\" \
                    address=127.0.0.1:1 said=\"two words\" method=\"S/M\"";
    assert_eq!(rest, expected);
    let coloured = logged(LogFormat::Text, true, || tracing::error!("bad"));
    assert!(coloured.contains("\u{1b}[31mERROR\u{1b}[0m"), "{coloured:?}");
}

#[test]
fn nothing_that_somebody_sends_ends_a_line_or_turns_it_around() {
    let sent = "a\nERROR forged: x\r\u{1b}[2J\u{7}\u{202e}evil\u{2028}\u{85}\u{e0041}\"\\";
    for format in [LogFormat::Text, LogFormat::Json] {
        let line = logged(format, false, || tracing::info!(user_agent = sent, shown = %sent, debug = ?sent, "{sent}"));
        assert!(line.chars().all(|c| c == '"' || c == '\\' || !needs_escape(c)), "{line:?}");
        assert!(
            line.contains("\\nERROR forged: x\\r\\u001b[2J\\u0007\\u202eevil\\u2028\\u0085\\udb40\\udc41"),
            "{line}"
        );
    }
    let (line, _) = json(|| tracing::info!(user_agent = sent, "x"));
    assert_eq!(line["user_agent"], sent, "and a parser reads what was sent");
}

#[test]
fn a_value_has_an_end() {
    let (line, _) = json(|| tracing::info!(said = "é".repeat(100_000), other = "o", "x"));
    let said = line["said"].as_str().unwrap();
    assert!(said.chars().count() == LONGEST && said.ends_with("é…"), "{}", said.len());
    assert_eq!(line["other"], "o");
}

proptest! {
    /// Whatever a value is, a line is one line, its JSON is JSON and has that value; and what a span keeps is told.
    #[test]
    fn values_come_through(value in any::<String>(), number in -1e9_f64..1e9) {
        let (line, keys) = json(|| {
            let _span = tracing::info_span!("s", kept = value.as_str(), shown = %value).entered();
            tracing::info!(text = value.as_str(), number, "{value}");
        });
        prop_assert_eq!(keys.len(), 8);
        for key in ["message", "text", "kept", "shown"] {
            prop_assert_eq!(line[key].as_str(), Some(value.as_str()), "{}", key);
        }
        // The parser reads the last digit as it likes.
        prop_assert!((line["number"].as_f64().unwrap() - number).abs() < 0.001);
        let text = logged(LogFormat::Text, false, || tracing::info!(text = value.as_str(), shown = %value, "{value}"));
        prop_assert!(!text.chars().any(char::is_control), "{:?}", text);
    }
}
