//! Restore metadata: texts by the names of RDS's parameters.

use std::collections::BTreeMap;

/// All values are texts; lists are JSON in a text `[D]`. AWS's own documents spell the names in several cases, and restore
/// testing takes them in any `[D]`: a name is looked up in any case, and one that AWS gave stays spelled as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreMetadata {
    /// By name.
    pub values: BTreeMap<String, String>,
}

impl RestoreMetadata {
    /// The value of a name.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str())
    }

    /// Whether the value is AWS's word for true.
    pub fn is_true(&self, key: &str) -> bool {
        self.get(key).is_some_and(|word| word.eq_ignore_ascii_case("true"))
    }

    /// Gives a name its value.
    pub(super) fn set(&mut self, key: &str, value: impl Into<String>) {
        let own = self.values.keys().find(|own| own.eq_ignore_ascii_case(key)).cloned();
        self.values.insert(own.unwrap_or_else(|| key.to_owned()), value.into());
    }

    /// Takes a name out.
    pub(super) fn remove(&mut self, key: &str) {
        self.values.retain(|own, _| !own.eq_ignore_ascii_case(key));
    }

    /// Gives those names their values that have one.
    pub(super) fn override_with(&mut self, overrides: impl IntoIterator<Item = (&'static str, Option<String>)>) {
        for (key, value) in overrides {
            if let Some(value) = value {
                self.set(key, value);
            }
        }
    }
}

impl FromIterator<(String, String)> for RestoreMetadata {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self { values: pairs.into_iter().collect() }
    }
}
