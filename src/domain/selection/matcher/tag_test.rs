//! What a tag condition says to the tags of a resource.

use std::collections::BTreeMap;

use super::{
    super::Operator,
    Mismatch, MismatchKind, TagTest,
    glob::{fits_like, fits_like_but_for_white_space},
};
use crate::domain::invalid::quoted;

impl<'a> TagTest<'a> {
    pub(super) fn key(&self) -> &'a str {
        &self.condition.key
    }

    pub(super) fn value(&self) -> &'a str {
        &self.condition.value
    }

    pub(super) fn field(&self) -> String {
        format!("{}[{}]", self.list, self.index)
    }

    /// Whether it holds. Keys and values compare with case `[D]`; a missing tag fails Equals and Like and passes their
    /// negations, as in IAM `[I]`.
    pub(super) fn holds(&self, tags: &BTreeMap<String, String>) -> bool {
        let wanted = tags.get(self.key()).is_some_and(|has| self.wants(has));
        match self.condition.operator {
            Operator::Equals | Operator::Like => wanted,
            Operator::NotEquals | Operator::NotLike => !wanted,
        }
    }

    /// Why it does not hold.
    pub(super) fn mismatch(&self, tags: &BTreeMap<String, String>) -> Option<Mismatch> {
        let has = tags.get(self.key());
        let (kind, message) = match self.condition.operator {
            Operator::Equals | Operator::Like => match has {
                Some(has) if self.wants(has) => return None,
                Some(has) => self.other_value(has),
                None => self.missing(tags),
            },
            Operator::NotEquals | Operator::NotLike => {
                let has = has.filter(|has| self.wants(has))?;
                let but = if self.condition.operator == Operator::NotLike { "nothing like" } else { "anything but" };
                let message = format!("tag {} is {}, wanted {but} {}", self.key(), quoted(has), quoted(self.value()));
                (MismatchKind::TagExcludes, message)
            }
        };
        Some(Mismatch { kind, message, field: self.field() })
    }

    /// Whether the value is the condition's, or fits its pattern; for the negative operators, what they do not want.
    fn wants(&self, value: &str) -> bool {
        match self.condition.operator {
            Operator::Equals | Operator::NotEquals => value == self.value(),
            Operator::Like | Operator::NotLike => fits_like(self.value(), value),
        }
    }

    fn wants_but_for_case(&self, value: &str) -> bool {
        let (wanted, value) = (self.value().to_lowercase(), value.to_lowercase());
        if self.condition.operator == Operator::Like { fits_like(&wanted, &value) } else { wanted == value }
    }

    fn wanted(&self) -> String {
        let like = if self.condition.operator == Operator::Like { "like " } else { "" };
        format!("wanted {like}{}", quoted(self.value()))
    }

    fn other_value(&self, has: &str) -> (MismatchKind, String) {
        let mut message = format!("tag {} is {}, {}", self.key(), quoted(has), self.wanted());
        if self.wants_but_for_case(has) {
            return (MismatchKind::TagValueDiffersInCase, message);
        }
        if self.condition.operator == Operator::Like && fits_like_but_for_white_space(self.value(), has) {
            message.push_str(", where * takes no white space");
        }
        (MismatchKind::TagValueDiffers, message)
    }

    fn missing(&self, tags: &BTreeMap<String, String>) -> (MismatchKind, String) {
        let key = self.key().to_lowercase();
        let twin = tags.iter().find(|(other, _)| other.to_lowercase() == key);
        let mut message = format!("tag {} is missing, {}", self.key(), self.wanted());
        let Some((other, has)) = twin else { return (MismatchKind::TagMissing, message) };
        message.push_str(&format!("; tag {other}, whose key differs in case, is {}", quoted(has)));
        let fits = self.wants(has) || self.wants_but_for_case(has);
        (if fits { MismatchKind::TagKeyDiffersInCase } else { MismatchKind::TagMissing }, message)
    }
}
