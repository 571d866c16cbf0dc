//! Members that a JSON object has twice. `serde_json` keeps the last of them without a word, and AWS refuses the document
//! `[I: IAM does]`.

use std::collections::BTreeSet;

/// An object or a list that is being read.
#[derive(Default)]
struct Open {
    place: String,
    /// Of a list: how many members stand before. `None`: it is an object.
    index: Option<usize>,
    /// Of an object: the member that is being read, and those before.
    key: String,
    keys: BTreeSet<String>,
    wants_key: bool,
}

impl Open {
    /// Where the member stands that is being read.
    fn member(&self) -> String {
        match self.index {
            Some(index) => format!("{}[{index}]", self.place),
            None => format!("{}.{}", self.place, self.key),
        }
    }
}

/// The places of the members that stand in their object before already. The text must be readable as JSON.
pub(super) fn repeated(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'{' | b'[' => {
                let place = open.last().map(Open::member).unwrap_or_default();
                let index = (*byte == b'[').then_some(0);
                open.push(Open { place, index, wants_key: index.is_none(), ..Open::default() });
            }
            b'}' | b']' => drop(open.pop()),
            b',' => {
                if let Some(level) = open.last_mut() {
                    level.index = level.index.map(|index| index + 1);
                    level.wants_key = level.index.is_none();
                }
            }
            b'"' => {
                let end = end_of_text(text, at);
                if let Some(level) = open.last_mut().filter(|level| level.wants_key) {
                    level.wants_key = false;
                    // Of two ways to write a letter both mean the same member.
                    level.key = serde_json::from_str(&text[at..end]).unwrap_or_default();
                    if !level.keys.insert(level.key.clone()) {
                        found.push(level.member());
                    }
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Behind the closing quotation mark of the text that begins there.
fn end_of_text(text: &str, begin: usize) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(begin + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_stands_twice_in_its_object_is_found() {
        for (text, places) in [
            (r#"{"a": 1, "b": {"a": 2}, "c": [{"a": "a"}, {"a": "a,a"}]}"#, &[][..]),
            (r#"{"a": 1, "a": 1}"#, &[".a"]),
            (r#"{"a": 1, "\u0061": 1}"#, &[".a"]),
            (
                r#"{"a": [{"b": "{\"b\"", "b": []}, {"b": {}, "c": "x", "b": {}}], "a": 2}"#,
                &[".a[0].b", ".a[1].b", ".a"],
            ),
            ("[]", &[]),
            ("3", &[]),
        ] {
            assert_eq!(repeated(text), places, "{text}");
        }
    }
}
