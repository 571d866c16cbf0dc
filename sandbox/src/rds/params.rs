//! Reads and checks the parameters of RDS actions.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::call::AwsError;
use crate::query::{Form, Page, Xml, page};

/// Tags per resource `[M]`.
pub(crate) const MAX_TAGS: usize = 50;

/// The parameters of one request, with the faults found so far.
pub(super) struct Params<'f> {
    form: &'f Form,
    missing: Vec<String>,
    faults: Vec<String>,
    /// What is answered when nothing is wrong with any parameter by itself.
    otherwise: Option<AwsError>,
}

impl<'f> Params<'f> {
    pub(super) fn of(form: &'f Form) -> Self {
        Self { form, missing: Vec::new(), faults: Vec::new(), otherwise: None }
    }

    /// A parameter of at most 1000 characters; an empty one counts as absent, as RDS does.
    pub(super) fn text(&mut self, name: &str) -> Option<&'f str> {
        let text = self.form.get(name).filter(|text| !text.is_empty())?;
        if text.len() > 1000 || text.chars().any(char::is_control) {
            self.faults.push(format!("Invalid {name}: more than 1000 characters, or control characters."));
            return None;
        }
        Some(text)
    }

    /// A required parameter; the empty string, with a fault noted, when it is absent.
    pub(super) fn required(&mut self, name: &str) -> &'f str {
        let text = self.text(name);
        if text.is_none() && self.form.get(name).is_none_or(str::is_empty) {
            self.missing.push(name.to_owned());
        }
        text.unwrap_or_default()
    }

    /// A name to be given to something new, lower-cased as RDS stores it: 1–`most` letters, digits and hyphens, first a
    /// letter, no two hyphens in a row, none at the end `[M]`.
    pub(super) fn new_identifier(&mut self, name: &str, most: usize) -> String {
        let text = self.required(name).to_lowercase();
        let well_formed = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !text.contains("--")
            && !text.ends_with('-')
            && text.len() <= most;
        if !well_formed && !text.is_empty() {
            self.faults.push(format!(
                "The parameter {name} is not a valid identifier. Identifiers must begin with a letter; must contain only \
                 ASCII letters, digits, and hyphens; must not end with a hyphen or contain two consecutive hyphens; and \
                 have at most {most} characters."
            ));
        }
        text
    }

    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (from, to) = (range.start(), range.end());
            self.faults.push(format!("Invalid value {text} for {name}. Must be between {from} and {to}"));
        }
        number
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.text(name)? {
            "true" | "True" => Some(true),
            "false" | "False" => Some(false),
            text => {
                self.faults.push(format!("Invalid value {text} for {name}: must be true or false"));
                None
            }
        }
    }

    pub(super) fn set_text(&mut self, name: &str, value: &mut String) {
        if let Some(text) = self.text(name) {
            text.clone_into(value);
        }
    }

    pub(super) fn set_number(&mut self, name: &str, range: RangeInclusive<u32>, value: &mut u32) {
        if let Some(number) = self.number(name, range) {
            *value = number;
        }
    }

    pub(super) fn set_flag(&mut self, name: &str, value: &mut bool) {
        if let Some(flag) = self.flag(name) {
            *value = flag;
        }
    }

    pub(super) fn set_list(&mut self, name: &str, value: &mut Vec<String>) {
        let list = self.form.strings(name);
        if list.len() > 100 || list.iter().any(|text| text.len() > 255) {
            self.faults.push(format!("Invalid {name}: more than 100 entries, or one over 255 characters."));
        } else if !list.is_empty() {
            *value = list;
        }
    }

    /// `Tags.Tag.N`; `None` when there are none.
    pub(super) fn tags(&mut self) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        for tag in self.form.items("Tags") {
            let Some(key) = tag.get("Key") else {
                self.faults.push("A tag has no Key.".to_owned());
                continue;
            };
            let value = tag.get("Value").unwrap_or_default();
            if let Some(fault) = tag_fault(key, value) {
                self.faults.push(fault);
            }
            tags.insert(key.to_owned(), value.to_owned());
        }
        if tags.len() > MAX_TAGS {
            self.faults.push(format!("{} tags are more than the {MAX_TAGS} that a resource can have.", tags.len()));
        }
        tags
    }

    /// `MaxRecords` and `Marker`.
    pub(super) fn paging(&mut self) -> Paging<'f> {
        let size = self.number("MaxRecords", 20..=100).unwrap_or(100);
        Paging { marker: self.form.get("Marker").filter(|marker| !marker.is_empty()), size: size as usize }
    }

    pub(super) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// Something the request names does not exist; answered when nothing is wrong with the request itself.
    pub(super) fn not_found(&mut self, code: &'static str, message: String) {
        self.otherwise.get_or_insert(AwsError::new(404, code, message));
    }

    /// Parameters that are right by themselves and do not go together.
    pub(super) fn combination(&mut self, refusal: AwsError) {
        self.otherwise.get_or_insert(refusal);
    }

    pub(super) fn done(self) -> Result<(), AwsError> {
        if !self.missing.is_empty() {
            let missing = self.missing.join(", ");
            let message = format!("The request must contain the parameter {missing}.");
            return Err(AwsError::new(400, "MissingParameter", message));
        }
        if !self.faults.is_empty() {
            return Err(AwsError::new(400, "InvalidParameterValue", self.faults.join(" ")));
        }
        self.otherwise.map_or(Ok(()), Err)
    }
}

/// What is wrong with a tag, if anything.
pub(crate) fn tag_fault(key: &str, value: &str) -> Option<String> {
    let allowed = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c));
    let length = key.chars().count();
    if length == 0 || length > 128 || !allowed(key) {
        return Some(format!("Invalid tag key '{}': 1 to 128 letters, digits, spaces and _.:/=+-@", cut(key)));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Some(format!("Invalid tag key '{key}': the prefix aws: is reserved for system tags"));
    }
    if value.chars().count() > 256 || !allowed(value) {
        return Some(format!("Invalid value of tag '{key}': at most 256 letters, digits, spaces and _.:/=+-@"));
    }
    None
}

fn cut(text: &str) -> String {
    text.chars().take(128).collect()
}

/// Where a listing is to be continued.
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
        page(items, key, self.marker, self.size)
            .ok_or_else(|| AwsError::new(400, "InvalidParameterValue", "The request contains an invalid Marker."))
    }
}

/// A list and, unless it was the last page, its `Marker`.
pub(super) fn listed<T>(name: &str, element: &str, page: &Page<T>, shape: impl Fn(&T) -> Xml) -> Xml {
    Xml::new().list(name, element, page.items.iter().map(shape)).optional("Marker", page.marker.as_ref())
}
