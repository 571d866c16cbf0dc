//! That a second person agrees with what one caller asks for.

use jiff::{SignedDuration, Timestamp};

use super::Scope;

/// How long an approval holds, from when it is asked for.
pub const APPROVAL_HOLDS_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Somebody who asks for an approval, or decides on one, as the token said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The caller's name.
    pub name: String,
    /// The groups of that time.
    pub groups: Vec<String>,
    /// The `iss` of the token.
    pub issuer: String,
    /// Who that is.
    pub person: Person,
}

/// Which person a caller is, as far as a token tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Person {
    /// The issuer has one name for each person: the caller's.
    #[default]
    Subject,
    /// The issuer says in a claim of its own who it is.
    Claimed(String),
    /// The issuer says so of others, and of this caller it does not: a program, as a rule.
    Nobody,
}

/// Whether two callers are two persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persons {
    /// They are.
    Two,
    /// It is one, perhaps with two credentials.
    One,
    /// The decider is no person, or one cannot be compared with the other.
    Untold,
}

impl Signer {
    /// Whether `decider` is another person than this one. What cannot be told is not taken for two.
    pub fn and(&self, decider: &Self) -> Persons {
        if self.name == decider.name {
            return Persons::One;
        }
        match (&self.person, &decider.person) {
            (Person::Claimed(one), Person::Claimed(other)) if one == other => Persons::One,
            (Person::Claimed(_), Person::Claimed(_)) => Persons::Two,
            (_, Person::Nobody) => Persons::Untold,
            // Names of one issuer tell its callers apart; those of two say nothing of each other.
            _ if self.issuer == decider.issuer => Persons::Two,
            _ => Persons::Untold,
        }
    }
}

/// An approval that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApproval {
    /// Account and region of what it is about.
    pub scope: Scope,
    /// The RPC, such as `DeleteVault`.
    pub action: String,
    /// The request as it is on the wire, without its `request_id`.
    pub request: Vec<u8>,
    /// The `request_id` of the request.
    pub request_id: String,
    /// SHA-256 of the request, in hexadecimal digits.
    pub digest: String,
    /// JSON: what the request is about, as it was.
    pub shown: String,
    /// Who asks.
    pub requester: Signer,
    /// Why. Blank: nothing is said.
    pub reason: String,
    /// When.
    pub asked_at: Timestamp,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub of: NewApproval,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What was decided, if anything.
    pub decided: Option<ApprovalDecision>,
    /// When it was used: the request was begun with it.
    pub used_at: Option<Timestamp>,
    /// JSON: what the request is about, as it was once that was carried out. Absent: nobody knows that it was.
    pub after: Option<String>,
}

/// What somebody has decided of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalDecision {
    /// Who.
    pub by: Signer,
    /// Whether the request may be carried out.
    pub agrees: bool,
    /// Why. Blank: nothing is said.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

/// How far an approval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState {
    /// Nobody has decided.
    Pending,
    /// Somebody agrees, and it is not used yet.
    Approved,
    /// Somebody does not.
    Rejected,
    /// The request was carried out with it.
    Used,
    /// It holds no longer, and was not used.
    Expired,
}

impl Approval {
    /// How far it is.
    pub fn state(&self, now: Timestamp) -> ApprovalState {
        match &self.decided {
            _ if self.used_at.is_some() => ApprovalState::Used,
            Some(decision) if !decision.agrees => ApprovalState::Rejected,
            _ if self.is_over(now) => ApprovalState::Expired,
            Some(_) => ApprovalState::Approved,
            None => ApprovalState::Pending,
        }
    }

    /// Whether nothing can be done with it any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// An approval that somebody decides on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideApproval {
    /// Which, by id.
    pub approval: String,
    /// What the decider has to say; blank: nothing.
    pub note: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(name: &str, issuer: &str, person: Person) -> Signer {
        Signer { name: name.to_owned(), groups: Vec::new(), issuer: issuer.to_owned(), person }
    }

    #[test]
    fn one_person_with_two_credentials_is_not_two() {
        let subject = |name: &str, issuer: &str| signer(name, issuer, Person::Subject);
        let claimed = |name: &str, issuer: &str, who: &str| signer(name, issuer, Person::Claimed(who.to_owned()));
        let nobody = |name: &str, issuer: &str| signer(name, issuer, Person::Nobody);
        for (requester, decider, persons) in [
            (subject("a:ada", "a"), subject("a:ada", "a"), Persons::One),
            (subject("a:ada", "a"), subject("a:bob", "a"), Persons::Two),
            (subject("a:ada", "a"), subject("b:bob", "b"), Persons::Untold),
            (claimed("a:1", "a", "ada@x"), claimed("a:2", "a", "ada@x"), Persons::One),
            (claimed("a:1", "a", "ada@x"), claimed("b:1", "b", "ada@x"), Persons::One),
            (claimed("a:1", "a", "ada@x"), claimed("b:1", "b", "bob@x"), Persons::Two),
            (nobody("a:deploy", "a"), claimed("a:2", "a", "bob@x"), Persons::Two),
            (claimed("a:1", "a", "ada@x"), nobody("a:deploy", "a"), Persons::Untold),
            (nobody("a:one", "a"), nobody("a:two", "a"), Persons::Untold),
            (nobody("a:deploy", "a"), claimed("b:2", "b", "bob@x"), Persons::Untold),
            (claimed("a:1", "a", "ada@x"), subject("b:bob", "b"), Persons::Untold),
        ] {
            assert_eq!(requester.and(&decider), persons, "{requester:?} {decider:?}");
        }
    }
}
