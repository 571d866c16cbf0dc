//! The places that a request names in its fields: what may be where.

use super::{AskedScope, Fault};

/// An account, region or partition that a field of a request names, by itself or in an ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path of the field.
    pub field: String,
    /// What it names.
    pub scope: AskedScope,
    /// What the request has to do with it.
    pub bond: Bond,
}

/// What a request has to do with a place that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bond {
    /// The request is about it: it completes the request's own scope, or contradicts it.
    Own,
    /// It is of the request's own account and region, and does not say which they are.
    Beside,
    /// It is an entry of a selection, which may mean what is elsewhere, or nothing: that is told as a finding.
    Selected,
    /// Something is looked for that has to do with it: it may be anywhere in the partition.
    Sought,
    /// Backups go there: anywhere in the partition, where the configuration lets requests go.
    CopiedTo,
    /// A role of there is handed to AWS Backup: of the request's own account, for nobody passes a role into another `[D]`.
    Role,
    /// A KMS key of there is used: of any account that the configuration lets requests go to, in the request's own region
    /// `[I: RDS and EBS copy with keys of the region alone]`.
    Key,
    /// Events go to an SNS topic there: of the request's own account `[D]`, in a region that the configuration lets requests
    /// go to.
    Topic,
}

impl Bond {
    /// Whether the configuration says which accounts and regions it may be: where something is sent or used.
    pub fn is_bound(self) -> bool {
        matches!(self, Self::CopiedTo | Self::Key | Self::Topic)
    }
}

impl Place {
    /// What of it cannot be in a request of that scope, as far as the scope is known.
    pub fn fault(&self, of: &AskedScope) -> Option<Fault> {
        if let (Some(here), Some(there)) = (of.partition(), self.scope.partition())
            && here != there
            && self.bond != Bond::Selected
        {
            let why = match self.bond {
                Bond::Own | Bond::Beside | Bond::Selected | Bond::Sought => "",
                Bond::CopiedTo => ": no copy leaves its partition",
                Bond::Role | Bond::Key | Bond::Topic => ": nothing of another partition can be used there",
            };
            return Some(format!("names partition {there}, but the request is about partition {here}{why}").into());
        }
        match self.bond {
            Bond::Own | Bond::Selected | Bond::Sought | Bond::CopiedTo => None,
            Bond::Beside => {
                let why = "it has to be of the same account and region, and does not decide which: give scope";
                let of_account = || {
                    let (here, there) = (of.account.as_ref()?, self.scope.account.as_ref()?);
                    (here != there)
                        .then(|| format!("names account {there}, but the request is about account {here}: {why}"))
                };
                let of_region = || {
                    let (here, there) = (of.region.as_ref()?, self.scope.region.as_ref()?);
                    (here != there)
                        .then(|| format!("names region {there}, but the request is about region {here}: {why}"))
                };
                of_account().or_else(of_region).map(Into::into)
            }
            Bond::Key => {
                let (here, there) = (of.region.as_ref()?, self.scope.region.as_ref()?);
                let fault = format!("is a key of region {there}, but the vault's is {here}: give a key of that region");
                (here != there).then(|| fault.into())
            }
            Bond::Role => {
                let (here, there) = (of.account.as_ref()?, self.scope.account.as_ref()?);
                let fault = format!(
                    "is a role of account {there}, but the request is about account {here}: AWS Backup takes roles of the \
                     account that it works in"
                );
                (here != there).then(|| fault.into())
            }
            Bond::Topic => {
                let (here, there) = (of.account.as_ref()?, self.scope.account.as_ref()?);
                let fault = format!(
                    "is a topic of account {there}, but the vault is of account {here}: AWS Backup publishes to topics of \
                     the vault's own account"
                );
                (here != there).then(|| fault.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Arn;

    #[test]
    fn what_may_be_where_is_told_by_what_the_request_has_to_do_with_it() {
        let scope = |arn: &str| Arn::parse(arn).unwrap().scope();
        let here = scope("arn:aws:backup:us-east-1:123456789012:backup-vault:prod");
        for (arn, bond, fault) in [
            ("arn:aws:backup:eu-west-1:999999999999:backup-vault:far", Bond::CopiedTo, None),
            ("arn:aws-cn:backup:cn-north-1:123456789012:backup-vault:far", Bond::CopiedTo, Some("no copy leaves")),
            ("arn:aws-cn:iam::123456789012:role/r", Bond::Own, Some("names partition aws-cn")),
            ("arn:aws:iam::123456789012:role/r", Bond::Role, None),
            ("arn:aws:iam::999999999999:role/r", Bond::Role, Some("is a role of account 999999999999")),
            ("arn:aws:kms:us-east-1:999999999999:key/k", Bond::Key, None),
            ("arn:aws:kms:eu-west-1:123456789012:key/k", Bond::Key, Some("is a key of region eu-west-1")),
            ("arn:aws:sns:eu-west-1:123456789012:t", Bond::Topic, None),
            ("arn:aws:sns:us-east-1:999999999999:t", Bond::Topic, Some("is a topic of account 999999999999")),
            ("arn:aws:rds:eu-west-1:999999999999:db:d", Bond::Sought, None),
            ("arn:aws-cn:rds:cn-north-1:999999999999:db:d", Bond::Selected, None),
            ("arn:aws:backup:us-east-1:123456789012:backup-vault:gap", Bond::Beside, None),
            ("arn:aws:backup:us-west-2:123456789012:backup-vault:gap", Bond::Beside, Some("names region us-west-2")),
            (
                "arn:aws:backup:us-east-1:999999999999:backup-vault:gap",
                Bond::Beside,
                Some("names account 999999999999"),
            ),
        ] {
            let place = Place { field: "field".into(), scope: scope(arn), bond };
            let told = place.fault(&here).map(|fault| fault.0);
            assert_eq!(told.is_some(), fault.is_some(), "{arn}: {told:?}");
            assert!(told.unwrap_or_default().contains(fault.unwrap_or_default()), "{arn}");
            assert_eq!(place.fault(&AskedScope::default()), None, "nothing is known yet");
        }
    }
}
