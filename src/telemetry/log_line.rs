//! How a line of the log is written: as one JSON object, or as a line of text.
//!
//! A line has the time, the level, the module, the message, what the event tells, what the spans around it tell and it does
//! not, and the ids of its trace. No key stands in it twice, whatever fields are called; no value ends a line, moves a
//! terminal's cursor or turns the text around, whoever sent it.

use std::{
    borrow::Cow,
    error::Error as StdError,
    fmt::{self, Write as _},
};

use jiff::Timestamp;
use opentelemetry::{Context, trace::TraceContextExt as _};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer},
    registry::LookupSpan,
};

use crate::config::LogFormat;

/// Characters of one value; AWS repeats whole policies in some messages.
const LONGEST: usize = 4096;

/// Writes events.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLine {
    pub(super) format: LogFormat,
}

/// Keeps what spans tell, for the lines within them: each name and value as JSON has them, in which neither separator can
/// occur.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpanFields;

/// Behind a name.
const NAMED: char = '\u{1f}';

/// Behind a value.
const ENDED: char = '\u{1e}';

/// What spans have for traces alone, by the beginnings of its names.
const OF_TRACES: [&str; 5] = ["otel.", "rpc.", "client.", "user_agent.", "strongroom."];

impl<S> FormatEvent<S, SpanFields> for LogLine
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, SpanFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let about = event.metadata();
        let mut line = Line::begin(self.format, &mut writer, *about.level(), about.target())?;
        let mut message = Message(&mut line, Ok(()));
        event.record(&mut message);
        message.1?;
        let mut fields = Fields { line: &mut line, passed: false, result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let kept = extensions.get::<FormattedFields<SpanFields>>().map_or("", |kept| kept.fields.as_str());
            // What was recorded last counts.
            for (name, value) in kept.rsplit_terminator(ENDED).filter_map(|field| field.split_once(NAMED)) {
                line.unless_there(name, value)?;
            }
        }
        let trace = Context::map_current(|context| {
            let span = context.span();
            let ids = span.span_context();
            ids.is_valid().then(|| (ids.trace_id(), ids.span_id()))
        });
        if let Some((trace, span)) = trace {
            line.unless_there("trace_id", &format!("\"{trace}\""))?;
            line.unless_there("span_id", &format!("\"{span}\""))?;
        }
        line.end()
    }
}

impl<'w> FormatFields<'w> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut kept = Kept { writer: &mut writer, result: Ok(()) };
        fields.record(&mut kept);
        kept.result
    }

    fn add_fields(&self, current: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

/// A line that is being written.
struct Line<'w, 'b> {
    format: LogFormat,
    writer: &'w mut Writer<'b>,
    /// The keys it has.
    keys: Vec<Cow<'static, str>>,
}

impl<'w, 'b> Line<'w, 'b> {
    fn begin(format: LogFormat, writer: &'w mut Writer<'b>, level: Level, target: &str) -> Result<Self, fmt::Error> {
        // As many as an event can have.
        let mut keys = Vec::with_capacity(40);
        keys.extend(["timestamp", "level", "target"].map(Cow::Borrowed));
        let now = Timestamp::now();
        match format {
            LogFormat::Json => {
                write!(writer, "{{\"timestamp\":\"{now:.3}\",\"level\":\"{level}\",\"target\":")?;
                quoted(writer, format_args!("{target}"))?;
            }
            LogFormat::Text if writer.has_ansi_escapes() => {
                let colour = match level {
                    Level::ERROR => 31,
                    Level::WARN => 33,
                    Level::INFO => 32,
                    Level::DEBUG => 34,
                    Level::TRACE => 35,
                };
                write!(writer, "\u{1b}[2m{now:.3}\u{1b}[0m \u{1b}[{colour}m{level:>5}\u{1b}[0m \u{1b}[2m")?;
                escaped(writer, format_args!("{target}:"))?;
                writer.write_str("\u{1b}[0m")?;
            }
            LogFormat::Text => {
                write!(writer, "{now:.3} {level:>5} ")?;
                escaped(writer, format_args!("{target}:"))?;
            }
        }
        Ok(Self { format, writer, keys })
    }

    fn writer(&mut self) -> &mut Writer<'b> {
        self.writer
    }

    fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|had| had == key)
    }

    /// The key of a field of the event's own. One that is taken is not lost: it gets another.
    fn key(&mut self, name: &'static str) -> fmt::Result {
        let mut key = Cow::Borrowed(name);
        while self.has(&key) {
            key.to_mut().push('_');
        }
        match self.format {
            LogFormat::Json => {
                self.writer.write_char(',')?;
                quoted(self.writer, format_args!("{key}"))?;
                self.writer.write_char(':')?;
            }
            LogFormat::Text => {
                self.writer.write_char(' ')?;
                bare(self.writer, &key)?;
                self.writer.write_char('=')?;
            }
        }
        self.keys.push(key);
        Ok(())
    }

    fn message(&mut self, said: fmt::Arguments<'_>) -> fmt::Result {
        self.keys.push(Cow::Borrowed("message"));
        match self.format {
            LogFormat::Json => {
                self.writer.write_str(",\"message\":")?;
                quoted(self.writer, said)
            }
            LogFormat::Text => {
                self.writer.write_char(' ')?;
                escaped(self.writer, said)
            }
        }
    }

    /// What is no number and no text of the program's own: in a text without quotes where that is plain.
    fn value(&mut self, value: fmt::Arguments<'_>) -> fmt::Result {
        match self.format {
            LogFormat::Json => quoted(self.writer, value),
            LogFormat::Text => bare(self.writer, &value.to_string()),
        }
    }

    /// A field of a span, as [`SpanFields`] keeps it.
    fn unless_there(&mut self, name: &str, value: &str) -> fmt::Result {
        // A name is compared as its JSON has it, and differs from itself only by what must be escaped.
        if self.has(name) {
            return Ok(());
        }
        self.keys.push(Cow::Owned(name.to_owned()));
        match self.format {
            LogFormat::Json => write!(self.writer, ",\"{name}\":{value}"),
            LogFormat::Text => write!(self.writer, " {name}={value}"),
        }
    }

    fn end(self) -> fmt::Result {
        match self.format {
            LogFormat::Json => self.writer.write_str("}\n"),
            LogFormat::Text => self.writer.write_char('\n'),
        }
    }
}

/// Writes the message of an event, and passes over the rest.
struct Message<'l, 'w, 'b>(&'l mut Line<'w, 'b>, fmt::Result);

impl Visit for Message<'_, '_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" && self.1.is_ok() && !self.0.has("message") {
            self.1 = self.0.message(format_args!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// Writes the fields of an event. The first that is called `message` is its message, and stands there already.
struct Fields<'l, 'w, 'b> {
    line: &'l mut Line<'w, 'b>,
    /// The message was seen.
    passed: bool,
    result: fmt::Result,
}

impl Fields<'_, '_, '_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Line<'_, '_>) -> fmt::Result) {
        if field.name() == "message" && !std::mem::replace(&mut self.passed, true) {
            return;
        }
        if self.result.is_ok() {
            self.result = self.line.key(field.name()).and_then(|()| value(self.line));
        }
    }
}

/// Writes the fields of a span, for [`Line::unless_there`].
struct Kept<'l, 'b> {
    writer: &'l mut Writer<'b>,
    result: fmt::Result,
}

impl Kept<'_, '_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let name = match field.name() {
            "rpc.method" => "method",
            name if OF_TRACES.iter().any(|beginning| name.starts_with(beginning)) => return,
            name => name,
        };
        if self.result.is_ok() {
            self.result = self.keep(name, value);
        }
    }

    fn keep(&mut self, name: &str, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) -> fmt::Result {
        escaped(self.writer, format_args!("{name}"))?;
        self.writer.write_char(NAMED)?;
        value(self.writer)?;
        self.writer.write_char(ENDED)
    }
}

/// Numbers and truths are written as JSON has them, everywhere; text in quotes.
macro_rules! plain_values {
    ($writer:expr) => {
        fn record_i64(&mut self, field: &Field, value: i64) {
            self.write(field, |to| write!($writer(to), "{value}"));
        }

        fn record_u64(&mut self, field: &Field, value: u64) {
            self.write(field, |to| write!($writer(to), "{value}"));
        }

        fn record_bool(&mut self, field: &Field, value: bool) {
            self.write(field, |to| write!($writer(to), "{value}"));
        }

        fn record_f64(&mut self, field: &Field, value: f64) {
            // JSON has neither infinities nor what is no number.
            self.write(field, |to| match value.is_finite() {
                true => write!($writer(to), "{value}"),
                false => quoted($writer(to), format_args!("{value}")),
            });
        }

        fn record_str(&mut self, field: &Field, value: &str) {
            self.write(field, |to| quoted($writer(to), format_args!("{value}")));
        }
    };
}

impl Visit for Fields<'_, '_, '_> {
    plain_values!(Line::writer);

    fn record_error(&mut self, field: &Field, error: &(dyn StdError + 'static)) {
        self.write(field, |line| line.value(format_args!("{}", Chain(error))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, |line| line.value(format_args!("{value:?}")));
    }
}

impl Visit for Kept<'_, '_> {
    plain_values!(itself);

    fn record_error(&mut self, field: &Field, error: &(dyn StdError + 'static)) {
        self.write(field, |writer| quoted(writer, format_args!("{}", Chain(error))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, |writer| quoted(writer, format_args!("{value:?}")));
    }
}

fn itself<'l, 'b>(writer: &'l mut Writer<'b>) -> &'l mut Writer<'b> {
    writer
}

/// An error, and what lies below it.
struct Chain<'e>(&'e (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// In quotes, as JSON has it.
fn quoted(to: &mut impl fmt::Write, value: fmt::Arguments<'_>) -> fmt::Result {
    to.write_char('"')?;
    escaped(to, value)?;
    to.write_char('"')
}

/// What goes between quotes; as much of it as is told.
fn escaped(to: &mut impl fmt::Write, value: fmt::Arguments<'_>) -> fmt::Result {
    let mut escaping = Escaping { to, left: LONGEST };
    escaping.write_fmt(value)
}

/// Without quotes where nothing in it needs them.
fn bare(to: &mut impl fmt::Write, value: &str) -> fmt::Result {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'=');
    if !value.is_empty() && value.len() <= LONGEST && value.bytes().all(plain) {
        to.write_str(value)
    } else {
        quoted(to, format_args!("{value}"))
    }
}

/// Escapes what passes through.
struct Escaping<'w, W> {
    to: &'w mut W,
    /// Characters yet.
    left: usize,
}

impl<W: fmt::Write> fmt::Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut begin = 0;
        for (at, c) in text.char_indices() {
            if self.left == 0 {
                return self.to.write_str(&text[begin..at]);
            }
            self.left -= 1;
            if self.left == 0 {
                self.to.write_str(&text[begin..at])?;
                return self.to.write_char('…');
            }
            if !needs_escape(c) {
                continue;
            }
            self.to.write_str(&text[begin..at])?;
            begin = at + c.len_utf8();
            match c {
                '"' => self.to.write_str("\\\"")?,
                '\\' => self.to.write_str("\\\\")?,
                '\n' => self.to.write_str("\\n")?,
                '\r' => self.to.write_str("\\r")?,
                '\t' => self.to.write_str("\\t")?,
                _ => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(self.to, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        // What came after the end of what is told is passed over.
        if self.left == 0 { Ok(()) } else { self.to.write_str(&text[begin..]) }
    }
}

fn needs_escape(c: char) -> bool {
    match c {
        '"' | '\\' => true,
        ' '..='~' => false,
        _ => disturbs(c),
    }
}

/// Controls, ends of lines that are none in ASCII, and what turns or hides the text around it. The one list of them: names of
/// callers, the record and the log are all read where such a character would forge what others believe.
pub(crate) fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
