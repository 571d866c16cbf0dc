//! Reads typed values out of the layers, key by key, and notes what it saw: the effective settings, faults, warnings.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use super::{
    Setting, Warning,
    fault::{Error, Fault, Faults},
    source::{ENVIRONMENT_PREFIX, Entry, Layers, Raw, Source, Sources},
    value::Value,
};

/// A key of the program, or one of a table that has its name from whoever configures.
pub(super) type Key = Cow<'static, str>;

pub(super) struct Reader {
    layers: Layers,
    /// Every key that was asked for. Of tables that are named by whoever configures, the settings have what is set alone.
    known: BTreeSet<Key>,
    settings: Vec<Setting>,
    warnings: Vec<Warning>,
    faults: Faults,
}

impl Reader {
    pub(super) fn open(sources: &Sources) -> Self {
        let mut faults = Faults::default();
        let layers = Layers::read(sources, &mut faults);
        Self { layers, known: BTreeSet::new(), settings: Vec::new(), warnings: Vec::new(), faults }
    }

    /// The value of a key, or its default.
    pub(super) fn value<T: Value>(&mut self, key: impl Into<Key>, default: T) -> T {
        let key = key.into();
        let entry = self.layers.get(&key).cloned();
        let value = entry.as_ref().and_then(|entry| self.one(&key, entry)).unwrap_or(default);
        self.note(key, Some(value.show()), entry);
        value
    }

    /// The value of a key within its bounds, or its default.
    pub(super) fn within<T: Value + PartialOrd>(
        &mut self,
        key: impl Into<Key>,
        default: T,
        range: RangeInclusive<T>,
    ) -> T {
        let key = key.into();
        let entry = self.layers.get(&key).cloned();
        let mut value = entry.as_ref().and_then(|entry| self.one(&key, entry)).unwrap_or(default);
        if let Some(entry) = entry.as_ref().filter(|_| !range.contains(&value)) {
            let (least, most) = (range.start().show(), range.end().show());
            let advice = format!("choose a value from {least} to {most}");
            self.faults
                .push(Fault::new(&key, "is out of range", advice).with_value(value.show()).from(entry.source.clone()));
            // The nearest allowed one, so that the comparison of keys can go on.
            let (least, most) = range.into_inner();
            value = if value < least { least } else { most };
        }
        self.note(key, Some(value.show()), entry);
        value
    }

    /// The value of a key that may be left out. Empty text leaves it out too.
    pub(super) fn optional<T: Value>(&mut self, key: impl Into<Key>) -> Option<T> {
        self.may_be_left_out(key.into(), |entry| entry.raw != Raw::Text(String::new()))
    }

    /// The value of a key that may be left out, and says something where it is there: what would hold instead guards less.
    pub(super) fn said<T: Value>(&mut self, key: impl Into<Key>) -> Option<T> {
        self.may_be_left_out(key.into(), |_| true)
    }

    fn may_be_left_out<T: Value>(&mut self, key: Key, says: impl Fn(&Entry) -> bool) -> Option<T> {
        let entry = self.layers.get(&key).cloned().filter(says);
        let value = entry.as_ref().and_then(|entry| self.one::<T>(&key, entry));
        self.note(key, value.as_ref().map(Value::show), entry);
        value
    }

    /// The values of a list key: an array in the file, separated by commas elsewhere; each fault on its own. A text of none
    /// is a fault too: such lists say what alone is taken or allowed, and who fills in nothing does not mean everything.
    pub(super) fn list<T: Value>(&mut self, key: impl Into<Key>) -> Vec<T> {
        let key = key.into();
        let entry = self.layers.get(&key).cloned();
        let mut values = Vec::new();
        if let Some(entry) = &entry {
            let items: Vec<String> = match &entry.raw {
                Raw::List(items) => items.clone(),
                Raw::Text(text) => {
                    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
                }
                Raw::Empty => Vec::new(),
            };
            if items.is_empty() && !matches!(entry.raw, Raw::List(_)) {
                let advice =
                    format!("expected {}, or several in a list; leave it out where none is meant", T::EXPECTED);
                self.faults.push(Fault::new(&key, "names nothing", advice).with_value("").from(entry.source.clone()));
            }
            for item in items {
                values.extend(self.parse::<T>(&key, &item, &entry.source));
            }
        }
        let shown: Vec<String> = values.iter().map(Value::show).collect();
        self.note(key, Some(shown.join(",")).filter(|text| !text.is_empty()), entry);
        values
    }

    /// The values of a list key, of which there is one at least where it is said, or its default.
    pub(super) fn some<T: Value>(&mut self, key: impl Into<Key>, default: Vec<T>) -> Vec<T> {
        let key = key.into();
        let values = self.list(key.clone());
        if values.is_empty() {
            if self.says(&key) {
                let advice = format!("list at least one, {}; or leave the key out", T::EXPECTED);
                self.refuse(&key, &[], "is an empty list, which would let nothing pass", advice);
            }
            return default;
        }
        values
    }

    /// Whether somebody has said a key, and be it what holds by default.
    pub(super) fn says(&self, key: &str) -> bool {
        self.layers.get(key).is_some()
    }

    /// The names of the tables under a key, as in `access.issuers.NAME.issuer`, sorted.
    pub(super) fn tables(&self, key: &str) -> Vec<String> {
        self.rest(key)
            .map(|rest| rest.split('.').next().unwrap_or(rest).to_owned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// The texts of a table whose keys are names of the reader's own, as in `access.issuers.NAME.required_claims.CLAIM`. One
    /// that has nothing in it is a fault, by a variable of the environment too: left out, it would be required of nobody.
    pub(super) fn texts(&mut self, key: &str) -> BTreeMap<String, String> {
        let names: BTreeSet<String> = self.rest(key).map(str::to_owned).collect();
        let prefix = format!("{key}.");
        for (unset, source) in self.layers.unset.iter().filter(|(unset, _)| unset.starts_with(&prefix)) {
            if self.layers.get(unset).is_none() {
                let advice = format!("expected {}; or unset the variable", String::EXPECTED);
                self.faults.push(Fault::new(unset, "is not valid", advice).with_value("").from(source.clone()));
            }
        }
        let texts = names.into_iter().map(|name| {
            let text = self.said::<String>(format!("{key}.{name}"));
            Some((name, text?))
        });
        texts.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// What keys that begin with one go on with.
    fn rest(&self, key: &str) -> impl Iterator<Item = &str> {
        let keys = self.layers.said.iter().flat_map(BTreeMap::keys);
        let prefix = format!("{key}.");
        keys.filter_map(move |other| other.strip_prefix(&*prefix))
    }

    /// A fault between keys. Silent when one of them is at fault by itself: mending that may mend this.
    pub(super) fn refuse(&mut self, key: &str, with: &[&str], problem: impl Into<String>, advice: impl Into<String>) {
        if self.faults.has(key) || with.iter().any(|other| self.faults.has(other)) {
            return;
        }
        let mut fault = Fault::new(key, problem, advice);
        if let Some(setting) = self.settings.iter().find(|setting| setting.key == key) {
            fault.value.clone_from(&setting.value);
            fault.source = Some(setting.source.clone());
        }
        self.faults.push(fault);
    }

    /// Something that works but will surprise.
    pub(super) fn warn(&mut self, key: &'static str, message: impl Into<String>) {
        self.warnings.push(Warning { key, message: message.into() });
    }

    /// Refuses the keys that nobody read, and hands everything over.
    pub(super) fn close<T>(mut self, config: T) -> Result<(T, Vec<Setting>, Vec<Warning>), Error> {
        let known: Vec<&str> = self.known.iter().map(|key| &**key).collect();
        for (key, entry) in self.layers.said.iter().flatten() {
            // A section with nothing in it says nothing.
            if known.contains(&key.as_str()) || entry.raw == Raw::Empty {
                continue;
            }
            let advice = match (suggestion(key, &known), &entry.source) {
                (Some(near), Source::Environment(_)) => format!("did you mean {}?", environment_name(near)),
                (Some(near), Source::Default | Source::File { .. } | Source::Flag(_)) => {
                    format!("did you mean {near}?")
                }
                (None, _) => "remove it; docs/configuration.md lists every key".to_owned(),
            };
            // Not the value: an unknown key may be a misplaced secret.
            self.faults.push(Fault::new(key, "is not a known key", advice).from(entry.source.clone()));
        }
        self.faults.into_result((config, self.settings, self.warnings))
    }

    fn one<T: Value>(&mut self, key: &str, entry: &Entry) -> Option<T> {
        match &entry.raw {
            Raw::Text(text) => self.parse(key, text, &entry.source),
            Raw::List(_) | Raw::Empty => {
                let problem = if entry.raw == Raw::Empty { "is a table" } else { "is a list" };
                let advice = format!("expected {}", T::EXPECTED);
                self.faults.push(Fault::new(key, problem, advice).from(entry.source.clone()));
                None
            }
        }
    }

    fn parse<T: Value>(&mut self, key: &str, text: &str, source: &Source) -> Option<T> {
        let value = T::parse(text);
        if value.is_none() {
            let advice = format!("expected {}", T::EXPECTED);
            self.faults.push(Fault::new(key, "is not valid", advice).with_value(text).from(source.clone()));
        }
        value
    }

    fn note(&mut self, key: Key, value: Option<String>, entry: Option<Entry>) {
        self.known.insert(key.clone());
        if entry.is_none() && matches!(key, Cow::Owned(_)) {
            return;
        }
        let source = entry.map_or(Source::Default, |entry| entry.source);
        self.settings.push(Setting { key, value, source });
    }
}

/// The environment variable of a key: `server.listen` is `STRONGROOM_SERVER__LISTEN`.
pub fn environment_name(key: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

/// The known key that was most likely meant: the same words put together otherwise, the same last part in another
/// section, or a slip of the fingers.
fn suggestion<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    let words = |key: &str| key.replace(['.', '-'], "_").to_ascii_lowercase();
    let last = |key: &str| words(key.rsplit('.').next().unwrap_or(key));
    if let Some(same) = known.iter().find(|key| words(key) == words(unknown)) {
        return Some(same);
    }
    let score = |key: &str| {
        let whole = strsim::normalized_damerau_levenshtein(&words(key), &words(unknown));
        let tail = strsim::normalized_damerau_levenshtein(&last(key), &last(unknown));
        // Two sections may have a key of one name; the nearer section decides.
        whole.max(0.9 * tail + 0.1 * whole)
    };
    let best = known.iter().copied().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) >= 0.7).then_some(best)
}
