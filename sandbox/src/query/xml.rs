//! Writes the members of an XML answer.

use std::fmt::Display;

use quick_xml::escape::escape;

/// Members of an answer, written in the order they are added. Element names are the wire's and come from the code
/// alone; every value is escaped.
#[derive(Debug, Clone, Default)]
pub struct Xml {
    text: String,
    no_result: bool,
}

impl Xml {
    /// No members yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The answer of an action whose model has no output: no `<ActionResult>` at all.
    #[must_use]
    pub fn none() -> Self {
        Self { text: String::new(), no_result: true }
    }

    /// `<name>value</name>`.
    #[must_use]
    pub fn text(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.open(name);
        let value = value.as_ref();
        // XML 1.0 has no way to write these, not even escaped: a reader would refuse the whole answer. And it would
        // read a bare carriage return as a line feed.
        if value.contains(|c| unwritable(c) || c == '\r') {
            let value = escape(value.replace(unwritable, "\u{fffd}").as_str()).replace('\r', "&#13;");
            self.text.push_str(&value);
        } else {
            self.text.push_str(&escape(value));
        }
        self.close(name);
        self
    }

    /// A number, boolean or time.
    #[must_use]
    pub fn value(self, name: &str, value: impl Display) -> Self {
        self.text(name, value.to_string())
    }

    /// [`Self::text`], or nothing when there is no value: clients read an empty element as an empty string.
    #[must_use]
    pub fn optional<T: AsRef<str>>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// A structure.
    #[must_use]
    pub fn inside(mut self, name: &str, members: &Self) -> Self {
        self.open(name);
        self.text.push_str(&members.text);
        self.close(name);
        self
    }

    /// A list of structures: `<name><element>…</element>…</name>`.
    #[must_use]
    pub fn list(mut self, name: &str, element: &str, items: impl IntoIterator<Item = Self>) -> Self {
        self.open(name);
        for item in items {
            self = self.inside(element, &item);
        }
        self.close(name);
        self
    }

    /// A list of strings.
    #[must_use]
    pub fn strings<T: AsRef<str>>(mut self, name: &str, element: &str, items: impl IntoIterator<Item = T>) -> Self {
        self.open(name);
        for item in items {
            self = self.text(element, item);
        }
        self.close(name);
        self
    }

    /// The members as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn as_result(&self, action: &str) -> String {
        if self.no_result { String::new() } else { format!("<{action}Result>{}</{action}Result>", self.text) }
    }

    fn open(&mut self, name: &str) {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push('>');
    }

    fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }
}

fn unwritable(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::events::Event;

    use super::*;

    #[test]
    fn lists_and_structures_nest() {
        let tag = |key: &str| Xml::new().text("Key", key);
        let xml = Xml::new().list("Tags", "member", [tag("a"), tag("b")]).strings("Names", "member", ["x"]);
        assert_eq!(
            xml.as_str(),
            "<Tags><member><Key>a</Key></member><member><Key>b</Key></member></Tags><Names><member>x</member></Names>"
        );
    }

    proptest! {
        #[test]
        fn any_value_is_read_back_by_a_parser(value in any::<String>()) {
            let xml = Xml::new().text("V", &value);
            let mut reader = quick_xml::Reader::from_str(xml.as_str());
            let mut read = String::new();
            loop {
                match reader.read_event().expect("well-formed") {
                    Event::Text(text) => read.push_str(&text),
                    Event::GeneralRef(entity) => {
                        let name: &str = &entity;
                        read.push_str(&quick_xml::escape::unescape(&format!("&{name};")).expect("known entity"));
                    }
                    Event::Eof => break,
                    _ => {}
                }
            }
            prop_assert_eq!(read, value.replace(unwritable, "\u{fffd}"));
        }
    }
}
