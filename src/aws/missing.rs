//! Which of the several things that a change names AWS does not find: one rule for all changes.

use super::{Error, Failure, FailureKind, Scoped, copies::Destination};
use crate::domain::{Arn, DatabaseRef, Noun, RoleRef, VaultName};

/// Something that a change names, and that can be looked at.
pub(super) enum Named<'a> {
    /// A vault of the request's own account and region.
    Vault(&'a VaultName),
    /// A vault anywhere, by its ARN.
    VaultAt(&'a str),
    /// A recovery point in a vault, and so the vault.
    RecoveryPoint(&'a VaultName, &'a Arn),
    /// A plan, by its id.
    Plan(&'a str),
    /// A role, by its ARN.
    Role(&'a str),
    /// A resource; of other than databases nobody can be asked.
    Resource(&'a Arn),
}

impl Scoped {
    /// Understands that AWS does not find something of what a change names: it is what a look finds missing. Where
    /// everything is there AWS's own words are told, and nothing is said to be missing that is not. A failure of another
    /// kind stays what it is.
    pub(super) async fn missing_of(&self, error: Failure, named: &[Named<'_>]) -> Failure {
        if error.kind != FailureKind::NotFound {
            return error;
        }
        let mut unseen = None;
        for thing in named {
            match Box::pin(self.find_named(thing, &error)).await {
                Ok(()) => {}
                Err(missing) if missing.kind == FailureKind::NotFound => return missing,
                Err(why) => unseen = unseen.or(Some(why)),
            }
        }
        match unseen {
            // Nobody can tell yet what is missing, or whether it is the vault.
            Some(why) if why.is_passing() || why.kind == FailureKind::MissingOrDenied => {
                Failure { effect: error.effect, ..why }
            }
            Some(_) | None => Failure { subject: None, ..error },
        }
    }

    /// Looks whether it is there; one that is not fails as the change did.
    async fn find_named(&self, thing: &Named<'_>, change: &Failure) -> Result<(), Failure> {
        let missing = |noun, name: &str| {
            let told = Failure::told(change.operation, FailureKind::NotFound, change.message.clone());
            let (aws_code, aws_request_id) = (change.aws_code.clone(), change.aws_request_id.clone());
            Failure { effect: change.effect, scope: change.scope.clone(), aws_code, aws_request_id, ..told }
                .about(noun, name)
        };
        match thing {
            Named::Vault(name) => self.describe_vault(name).await.map(drop),
            Named::VaultAt(arn) => match self.destination(arn).await {
                Destination::Missing(_) => Err(missing(Noun::Vault, arn)),
                Destination::There(..) | Destination::NotChecked(_) => Ok(()),
            },
            Named::RecoveryPoint(vault, arn) => match self.describe_recovery_point(vault, arn).await {
                Err(gone) if gone.kind == FailureKind::NotFound && gone.is_about(Noun::RecoveryPoint) => {
                    Err(Failure { meant: gone.meant, ..missing(Noun::RecoveryPoint, arn.as_str()) })
                }
                answer => answer.map(drop),
            },
            Named::Plan(id) => seen(self.plan_is_there(id).await, || missing(Noun::Plan, id)),
            Named::Role(arn) => match RoleRef::parse(arn) {
                Ok((role, _)) => seen(self.role_arn_looked_for(&role).await.map(drop), || missing(Noun::Role, arn)),
                Err(_) => Ok(()),
            },
            Named::Resource(arn) => match DatabaseRef::of_arn(arn) {
                Some(named) => seen(self.look_up(&named).await.map(drop), || missing(Noun::Resource, arn.as_str())),
                None => Ok(()),
            },
        }
    }
}

fn seen(looked: Result<(), Error>, missing: impl FnOnce() -> Failure) -> Result<(), Failure> {
    match looked {
        Err(error) if error.is_missing() => Err(missing()),
        Err(Error::Failed(failure)) => Err(failure),
        Ok(()) | Err(Error::Refused(_) | Error::Invalid(_)) => Ok(()),
    }
}
