//! Reads a form-encoded request.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::call::AwsError;

/// More parameters than any real request has; keeps a hostile one from costing memory.
const MAX_PARAMETERS: usize = 4_000;

/// Deeper than any shape of the served models.
const MAX_NAME_BYTES: usize = 512;

/// The parameters of a request, or of one structure in a list of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    fields: BTreeMap<String, String>,
}

impl Form {
    /// Reads a body. A name that comes twice keeps its last value.
    ///
    /// # Errors
    /// `MalformedInput` when it holds more than 4000 parameters, a name over 512 bytes, or text that is not UTF-8.
    pub fn parse(body: &[u8]) -> Result<Self, AwsError> {
        let malformed = |message: String| Err(AwsError::new(400, "MalformedInput", message));
        let mut fields = BTreeMap::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default());
            let value = decode(halves.next().unwrap_or_default());
            let (Some(name), Some(value)) = (name, value) else {
                return malformed("The request body is not UTF-8 text.".to_owned());
            };
            if name.len() > MAX_NAME_BYTES {
                return malformed(format!("A parameter name is longer than {MAX_NAME_BYTES} bytes."));
            }
            fields.insert(name, value);
            if fields.len() > MAX_PARAMETERS {
                return malformed(format!("The request has more than {MAX_PARAMETERS} parameters."));
            }
        }
        Ok(Self { fields })
    }

    /// A form with these parameters.
    #[must_use]
    pub fn of_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { fields: pairs.into_iter().collect() }
    }

    /// The parameter with exactly this name. An empty value counts as given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The structures of a list, in the order of their numbers. `Tags.member.1.Key`, `Tags.Tag.1.Key` and `Tags.1.Key`
    /// are the same to it: clients differ in the name between list and number, and no two lists differ by it alone.
    #[must_use]
    pub fn items(&self, list: &str) -> Vec<Self> {
        let prefix = format!("{list}.");
        let mut items: BTreeMap<u32, Self> = BTreeMap::new();
        for (name, value) in self.fields.range(prefix.clone()..) {
            let Some(rest) = name.strip_prefix(&prefix) else { break };
            let Some((number, member)) = split_number(rest) else { continue };
            items.entry(number).or_default().fields.insert(member.to_owned(), value.clone());
        }
        items.into_values().collect()
    }

    /// The values of a list of strings, in the order of their numbers.
    #[must_use]
    pub fn strings(&self, list: &str) -> Vec<String> {
        self.items(list).into_iter().filter_map(|mut item| item.fields.remove("")).collect()
    }

    /// Whether the list was given at all, even if empty (`Tags=`).
    #[must_use]
    pub fn has_list(&self, list: &str) -> bool {
        self.get(list).is_some() || !self.items(list).is_empty()
    }
}

/// `member.3.Key` or `3.Key` → (3, `Key`).
fn split_number(rest: &str) -> Option<(u32, &str)> {
    let (first, after) = rest.split_once('.').unwrap_or((rest, ""));
    if let Ok(number) = first.parse() {
        return Some((number, after));
    }
    let (second, after) = after.split_once('.').unwrap_or((after, ""));
    second.parse().ok().map(|number| (number, after))
}

fn decode(text: &[u8]) -> Option<String> {
    let spaced: Cow<'_, [u8]> = if text.contains(&b'+') {
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<_>>().into()
    } else {
        text.into()
    };
    percent_encoding::percent_decode(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(body: &str) -> Form {
        Form::parse(body.as_bytes()).expect("a form")
    }

    #[test]
    fn plus_and_percent_are_decoded() {
        assert_eq!(form("Description=a+b%2Bc%C3%A9&Empty=&Bare").get("Description"), Some("a b+c\u{e9}"));
        assert_eq!(form("Empty=&Bare").get("Empty"), Some(""));
        assert_eq!(form("Empty=&Bare").get("Bare"), Some(""));
        assert_eq!(form("").get("Any"), None);
    }

    #[test]
    fn lists_are_ordered_by_number_whatever_their_member_name() {
        for member in ["member.", "Tag.", ""] {
            let body: String = (1..=11).rev().map(|n| format!("Tags.{member}{n}.Key=k{n}&")).collect();
            let keys: Vec<_> = form(&body).items("Tags").iter().map(|tag| tag.get("Key").map(str::to_owned)).collect();
            assert_eq!(keys, (1..=11).map(|n| Some(format!("k{n}"))).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nested_lists_are_read_from_their_item() {
        let form =
            form("Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=a&Filters.Filter.1.Values.Value.2=b");
        let filters = form.items("Filters");
        assert_eq!(filters.len(), 1);
        assert_eq!(filters[0].get("Name"), Some("engine"));
        assert_eq!(filters[0].strings("Values"), ["a", "b"]);
    }

    #[test]
    fn a_list_is_not_confused_with_a_longer_name() {
        let form = form("TagKeys.member.1=a&TagKeysToo.member.1=b&Tag.1=c");
        assert_eq!(form.strings("TagKeys"), ["a"]);
        assert!(form.has_list("TagKeys") && !form.has_list("Tags"));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(Form::parse(b"RoleName=%FF").expect_err("not UTF-8").code, "MalformedInput");
    }

    #[test]
    fn a_flood_of_parameters_is_refused() {
        let body: String = (0..5_000).map(|n| format!("p{n}=&")).collect();
        assert_eq!(Form::parse(body.as_bytes()).expect_err("too many").code, "MalformedInput");
    }

    proptest! {
        #[test]
        fn what_a_client_encodes_is_what_is_read(pairs in proptest::collection::btree_map("[^\u{0}]{1,20}", any::<String>(), 0..20)) {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let form = Form::parse(body.as_bytes()).expect("a form");
            prop_assert_eq!(form.fields, pairs);
        }

        #[test]
        fn strings_survive_any_numbering(values in proptest::collection::vec(any::<String>(), 0..30), start in 0_u32..1000) {
            let pairs = values.iter().zip(start..).map(|(value, n)| (format!("L.member.{n}"), value));
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            prop_assert_eq!(Form::parse(body.as_bytes()).expect("a form").strings("L"), values);
        }

        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(form) = Form::parse(&body) {
                for name in form.fields.keys() {
                    let _ = form.items(name.split('.').next().unwrap_or_default());
                }
            }
        }
    }
}
