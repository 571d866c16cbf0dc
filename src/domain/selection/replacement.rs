//! Replacing a selection, which AWS has no call for.
//!
//! A stand-in under a derived name selects what the new selection will, while the old one is deleted and the new one takes
//! over its name. Who is killed in between leaves the stand-in behind; whoever repeats the call finds it by its name, and
//! by what is written into the CreatorRequestIds even if only the id of the old selection is known, which is gone.

use sha2::{Digest, Sha256};

use super::{Criteria, Selection, SelectionName, SelectionRef};
use crate::domain::{PlanRef, RequestId, RoleRef};

/// A selection that is to select something else, under the same name.
#[derive(Debug, Clone)]
pub struct ReplaceSelection {
    /// In which plan.
    pub plan: PlanRef,
    /// The selection that is replaced.
    pub selection: SelectionRef,
    /// The role from now on; `None`: as it was.
    pub role: Option<RoleRef>,
    /// Which resources from now on.
    pub criteria: Criteria,
    /// The etag that was read, if the selection is to be replaced as it was then.
    pub etag: Option<String>,
}

/// What came of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The selection as it is now.
    pub selection: Selection,
    /// The id of the selection that it took the place of, where that is known.
    pub replaced: Option<String>,
}

/// What a stand-in's name ends with.
const SUFFIX: &str = ".replacing";
/// What a stand-in's CreatorRequestId begins with.
const MARK: &str = "stand-in.";
/// So much of a name stands in the name of its stand-in when not all of it can: AWS's names have at most 50 characters.
const KEPT: usize = 33;

impl SelectionName {
    /// The name of the selection that stands in while one of this name is replaced.
    pub fn of_stand_in(&self) -> String {
        let name = self.as_str();
        if self.stands_whole() {
            return format!("{name}{SUFFIX}");
        }
        format!("{}.{}{SUFFIX}", &name[..KEPT], digest(name, 6))
    }

    /// Whether the stand-in's name has room for all of it.
    fn stands_whole(&self) -> bool {
        self.as_str().len() + SUFFIX.len() <= 50
    }
}

/// Which replacement made a selection, as its CreatorRequestId tells. AWS takes 50 characters there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maker {
    /// A replacement that is under way, or was interrupted.
    StandIn {
        /// Of which selection.
        of: Predecessor,
        /// The name that it stands in for.
        name: SelectionName,
    },
    /// A replacement that took over the name.
    Successor {
        /// Of which selection.
        of: Predecessor,
        /// The id of the request.
        request_id: String,
    },
}

/// A digest of the id of a selection that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predecessor(String);

impl Predecessor {
    /// Of that selection.
    pub fn of(id: &str) -> Self {
        Self(digest(id, 12))
    }
}

impl Maker {
    /// Reads the CreatorRequestId of a selection of that name; `None`: no replacement made it.
    pub fn parse(name: &str, creator_request_id: &str) -> Option<Self> {
        if let Some(rest) = creator_request_id.strip_prefix(MARK) {
            let mut parts = rest.splitn(3, '.');
            let of = Predecessor(parts.next().filter(|of| is_digest(of, 12))?.to_owned());
            let tail = parts.nth(1)?;
            let whole = if tail.is_empty() {
                name.strip_suffix(SUFFIX)?.to_owned()
            } else {
                format!("{}{tail}", name.get(..KEPT)?)
            };
            let whole = SelectionName::parse(&whole).ok().filter(|whole| whole.of_stand_in() == name)?;
            return Some(Self::StandIn { of, name: whole });
        }
        let (request_id, of) = creator_request_id.split_once('.')?;
        let ours = request_id.len() == 36 && is_digest(of, 12);
        ours.then(|| Self::Successor { of: Predecessor(of.to_owned()), request_id: request_id.to_owned() })
    }

    /// Which selection was replaced.
    pub fn predecessor(&self) -> &Predecessor {
        match self {
            Self::StandIn { of, .. } | Self::Successor { of, .. } => of,
        }
    }

    /// The CreatorRequestId of the stand-in that a request makes. Each request has its own: AWS may remember those of
    /// selections that are gone.
    pub fn token_of_stand_in(of: &Predecessor, name: &SelectionName, request_id: &RequestId) -> String {
        let tail = if name.stands_whole() { "" } else { &name.as_str()[KEPT..] };
        format!("{MARK}{}.{}.{tail}", of.0, digest(request_id.as_str(), 8))
    }

    /// The CreatorRequestId of the selection that takes over the name.
    pub fn token_of_successor(of: &Predecessor, request_id: &RequestId) -> String {
        format!("{request_id}.{}", of.0)
    }
}

impl Selection {
    /// The id of the request that made it, as the caller gave it.
    pub fn asked_by(name: &str, creator_request_id: String) -> String {
        match Maker::parse(name, &creator_request_id) {
            Some(Maker::Successor { request_id, .. }) => request_id,
            Some(Maker::StandIn { .. }) | None => creator_request_id,
        }
    }
}

fn digest(text: &str, length: usize) -> String {
    let digits = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    digits[..length].to_owned()
}

fn is_digest(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_stand_in_tells_whom_it_stands_in_for(text in "[a-zA-Z0-9._-]{1,50}") {
            let name = SelectionName::parse(&text).unwrap();
            let stand_in = name.of_stand_in();
            prop_assert!(SelectionName::parse(&stand_in).is_ok());
            let of = Predecessor::of("2d8a1f3e-0000-4000-8000-000000000001");
            let request_id = RequestId::parse_or_new("").unwrap();
            let token = Maker::token_of_stand_in(&of, &name, &request_id);
            prop_assert!(token.len() <= 50, "{}", token);
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
            prop_assert_eq!(Maker::parse(&stand_in, &token), Some(Maker::StandIn { of: of.clone(), name: name.clone() }));
            prop_assert_eq!(Maker::parse(name.as_str(), &token), None, "the name belongs to it");

            let token = Maker::token_of_successor(&of, &request_id);
            prop_assert!(token.len() <= 50);
            let maker = Maker::parse(name.as_str(), &token);
            prop_assert_eq!(maker, Some(Maker::Successor { of, request_id: request_id.as_str().to_owned() }));
            prop_assert_eq!(Selection::asked_by(name.as_str(), token), request_id.as_str());
        }

        #[test]
        fn names_do_not_share_a_stand_in(one in "[ab]{38,50}", other in "[ab]{38,50}") {
            let stand_in = |text: &str| SelectionName::parse(text).unwrap().of_stand_in();
            prop_assert_eq!(one == other, stand_in(&one) == stand_in(&other));
        }

        #[test]
        fn any_creator_request_id_is_read_without_panic(name in "\\PC{0,50}", token in "(stand-in.)?[0-9a-f.ü]{0,50}") {
            let _ = Maker::parse(&name, &token);
        }
    }
}
