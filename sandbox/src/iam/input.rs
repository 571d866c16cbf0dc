//! Reads and checks the parameters of IAM actions. IAM reports every fault of a request at once.

use crate::call::AwsError;
use crate::query::{Form, Page, Xml, page};

/// What a parameter may look like.
pub(super) struct Pattern {
    text: &'static str,
    allows: fn(char) -> bool,
}

/// Role and policy names `[M]`.
pub(super) const NAME: Pattern =
    Pattern { text: r"[\w+=,.@-]+", allows: |c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) };

/// ARNs: printable ASCII and what follows it [M: length alone].
pub(super) const ARN: Pattern = Pattern {
    text: r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD]+",
    allows: |c| !c.is_control(),
};

/// Policy documents and descriptions `[M]`.
pub(super) const TEXT: Pattern = Pattern {
    text: r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
    allows: |c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}'),
};

/// Tag keys and values `[M]`.
pub(super) const TAG: Pattern = Pattern {
    text: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
    allows: |c| c.is_alphanumeric() || c == ' ' || c.is_whitespace() && !c.is_control() || "_.:/=+-@".contains(c),
};

/// The parameters of one request, with the faults found so far.
pub(super) struct Input<'f> {
    form: &'f Form,
    faults: Vec<String>,
}

impl<'f> Input<'f> {
    pub(super) fn of(form: &'f Form) -> Self {
        Self { form, faults: Vec::new() }
    }

    /// A required parameter; the empty string, with a fault noted, when it is absent.
    pub(super) fn required(
        &mut self,
        name: &str,
        length: std::ops::RangeInclusive<usize>,
        pattern: &Pattern,
    ) -> &'f str {
        let Some(value) = self.form.get(name) else {
            self.faults.push(constraint("null", name, "Member must not be null"));
            return "";
        };
        self.check(name, value, length, pattern);
        value
    }

    pub(super) fn optional(
        &mut self,
        name: &str,
        length: std::ops::RangeInclusive<usize>,
        pattern: &Pattern,
    ) -> Option<&'f str> {
        let value = self.form.get(name)?;
        self.check(name, value, length, pattern);
        Some(value)
    }

    /// `/` or `/…/` `[M]`; `/` when absent.
    pub(super) fn path(&mut self, name: &str) -> &'f str {
        let Some(path) = self.form.get(name) else { return "/" };
        self.length(name, path, &(1..=512));
        let closed = path.starts_with('/') && path.ends_with('/');
        if !closed || path.contains("//") || !path.chars().all(|c| ('\u{21}'..='\u{7e}').contains(&c)) {
            let pattern = r"Member must satisfy regular expression pattern: (\u002F)|(\u002F[\u0021-\u007E]+\u002F)";
            self.faults.push(constraint(&quoted(path), name, pattern));
        }
        path
    }

    pub(super) fn number(&mut self, name: &str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let text = self.form.get(name)?;
        match text.parse() {
            Ok(number) if range.contains(&number) => return Some(number),
            Ok(number) if number > *range.end() => {
                let bound = format!("Member must have value less than or equal to {}", range.end());
                self.faults.push(constraint(&quoted(text), name, &bound));
            }
            _ => {
                let bound = format!("Member must have value greater than or equal to {}", range.start());
                self.faults.push(constraint(&quoted(text), name, &bound));
            }
        }
        None
    }

    /// `Tags.member.N.Key` and `.Value`.
    pub(super) fn tags(&mut self, list: &str) -> Vec<(String, String)> {
        let mut tags = Vec::new();
        let given = self.form.items(list);
        // More than a role can have are refused by their number alone [T].
        if given.len() > super::role_tags::MAX_TAGS {
            let bound = format!("Member must have length less than or equal to {}", super::role_tags::MAX_TAGS);
            self.faults.push(constraint(&format!("a list of {}", given.len()), list, &bound));
        }
        for (n, tag) in (1..).zip(given) {
            let key = format!("{list}.{n}.member.key");
            let value = format!("{list}.{n}.member.value");
            match (tag.get("Key"), tag.get("Value")) {
                (Some(k), Some(v)) => {
                    self.check(&key, k, 1..=128, &TAG);
                    self.check(&value, v, 0..=256, &TAG);
                    tags.push((k.to_owned(), v.to_owned()));
                }
                (k, v) => {
                    for (name, _) in [(&key, k), (&value, v)].iter().filter(|(_, given)| given.is_none()) {
                        self.faults.push(constraint("null", name, "Member must not be null"));
                    }
                }
            }
        }
        tags
    }

    /// `Marker` and `MaxItems`.
    pub(super) fn paging(&mut self) -> Paging<'f> {
        let size = self.number("MaxItems", 1..=1000).unwrap_or(100);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        Paging { marker: self.form.get("Marker"), size }
    }

    pub(super) fn done(self) -> Result<(), AwsError> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let count = self.faults.len();
        let errors = if count == 1 { "error" } else { "errors" };
        let faults = self.faults.join("; ");
        Err(AwsError::new(400, "ValidationError", format!("{count} validation {errors} detected: {faults}")))
    }

    fn check(&mut self, name: &str, value: &str, length: std::ops::RangeInclusive<usize>, pattern: &Pattern) {
        self.length(name, value, &length);
        if !value.chars().all(pattern.allows) {
            let rule = format!("Member must satisfy regular expression pattern: {}", pattern.text);
            self.faults.push(constraint(&quoted(value), name, &rule));
        }
    }

    fn length(&mut self, name: &str, value: &str, length: &std::ops::RangeInclusive<usize>) {
        let chars = value.chars().count();
        if chars < *length.start() {
            let bound = format!("Member must have length greater than or equal to {}", length.start());
            self.faults.push(constraint(&quoted(value), name, &bound));
        } else if chars > *length.end() {
            let bound = format!("Member must have length less than or equal to {}", length.end());
            self.faults.push(constraint(&quoted(value), name, &bound));
        }
    }
}

/// Where a list is to be continued.
pub(super) struct Paging<'f> {
    marker: Option<&'f str>,
    size: usize,
}

impl Paging<'_> {
    pub(super) fn take<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> &str,
    ) -> Result<Page<T>, AwsError> {
        page(items, key, self.marker, self.size).ok_or_else(|| {
            AwsError::new(400, "ValidationError", "Invalid Marker: it is not one of this service's answers.")
        })
    }
}

/// `IsTruncated` always, `Marker` only when truncated `[M]`.
pub(super) fn paged<T>(xml: Xml, page: &Page<T>) -> Xml {
    xml.value("IsTruncated", page.marker.is_some()).optional("Marker", page.marker.as_ref())
}

/// A value quoted in a message, cut so that an oversize one does not come back whole.
fn quoted(value: &str) -> String {
    match value.char_indices().nth(200) {
        Some((end, _)) => format!("'{}…'", &value[..end]),
        None => format!("'{value}'"),
    }
}

fn constraint(value: &str, name: &str, rule: &str) -> String {
    let mut member: Vec<char> = name.chars().collect();
    if let Some(first) = member.first_mut() {
        first.make_ascii_lowercase();
    }
    let member: String = member.into_iter().collect();
    format!("Value {value} at '{member}' failed to satisfy constraint: {rule}")
}
