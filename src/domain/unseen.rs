//! Why something could not be looked at, and who can help: what AWS throttles is not what it denies.

use super::{Arn, Finding};

/// A look that failed and stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// What sort of thing was in the way.
    pub hindrance: Hindrance,
    /// In a few words: what AWS said.
    pub why: String,
}

/// What lets a look fail, by who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// AWS denies it to Strongroom: however often it is asked, until somebody grants it.
    Denied,
    /// Strongroom has no way there: no credentials, or no way into the account or region.
    NoWay,
    /// It passes: AWS throttles, fails, or answers what cannot be.
    Passing,
    /// AWS has said no, for a reason of the thing itself.
    Settled,
}

impl Unseen {
    /// Nobody waited any longer for what is only told besides.
    pub fn in_time() -> Self {
        Self { hindrance: Hindrance::Passing, why: "AWS did not tell in time".to_owned() }
    }

    /// Nobody need ask again: there is no more to be told, for that reason.
    pub fn settled(why: impl Into<String>) -> Self {
        Self { hindrance: Hindrance::Settled, why: why.into() }
    }

    /// What helps. `again` is what somebody can do once the fault has passed; blank where nothing helps.
    pub fn action(&self, permissions: &str, again: &str) -> String {
        match self.hindrance {
            Hindrance::Denied => format!("operator: grant {permissions} to Strongroom's identity"),
            Hindrance::NoWay => "operator: let Strongroom into the account and region (aws.assume_role, \
                                 aws.allowed_accounts, aws.allowed_regions, its credentials)"
                .to_owned(),
            Hindrance::Passing => again.to_owned(),
            Hindrance::Settled => String::new(),
        }
    }

    /// As [`Self::action`], of a look at what that ARN names: what is granted for one region or account does not count in
    /// another. Blank, or no ARN: the request's own.
    pub fn action_at(&self, arn: &str, permissions: &str, again: &str) -> String {
        let place = Arn::parse(arn).ok().filter(|arn| !arn.region().is_empty() && !arn.account().is_empty());
        match place {
            Some(arn) => {
                let permissions = format!("{permissions} in {} (account {})", arn.region(), arn.account());
                self.action(&permissions, again)
            }
            None => self.action(permissions, again),
        }
    }

    /// That `what` could not be checked, and what is not known for that reason.
    pub fn not_checked(&self, what: &str, unknown: &str, action: impl Into<String>) -> Finding {
        Finding::warning("NOT_CHECKED", format!("{what} could not be checked ({}): {unknown}", self.why), action)
    }
}

impl From<&Self> for Unseen {
    fn from(unseen: &Self) -> Self {
        unseen.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_denial_is_to_be_granted() {
        let action = |hindrance| {
            let unseen = Unseen { hindrance, why: "AWS has its reasons".to_owned() };
            unseen.action("iam:GetRole", "ask again")
        };
        assert_eq!(action(Hindrance::Denied), "operator: grant iam:GetRole to Strongroom's identity");
        assert_eq!(action(Hindrance::Passing), "ask again");
        assert_eq!(action(Hindrance::Settled), "");
        assert!(!action(Hindrance::NoWay).contains("grant"));
        let denied = Unseen { hindrance: Hindrance::Denied, why: "AWS denies it".to_owned() };
        assert_eq!(
            denied.action_at(
                "arn:aws:backup:eu-west-1:999999999999:backup-vault:far",
                "backup:DescribeBackupVault",
                ""
            ),
            "operator: grant backup:DescribeBackupVault in eu-west-1 (account 999999999999) to Strongroom's identity"
        );
        assert_eq!(denied.action_at("near", "a:B", ""), denied.action("a:B", ""));
    }
}
