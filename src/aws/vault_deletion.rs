//! Deleting vaults: empty ones, and with `force` what they hold first.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, future, stream};
use tokio::time::Instant;

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    legal_holds::Hold,
    recovery_point_changes::{PAUSES, not_deleted},
};
use crate::domain::{
    AskedScope, Finding, MAX_PAGE_SIZE, Page, PageRequest, RecoveryPoint, RecoveryPointState, Vault, VaultLock,
    VaultName,
};

const DELETE: Operation = Operation::write("backup", "DeleteBackupVault");
const DELETE_POINT: &str = "DeleteRecoveryPoint";

/// Deletions of recovery points under way at once.
const AT_ONCE: usize = 8;

/// How far a forced deletion came.
#[derive(Debug, Default)]
pub struct VaultDeletion {
    /// Whether the vault is gone.
    pub deleted: bool,
    /// Recovery points that this call deleted.
    pub points_deleted: usize,
    /// Recovery points that are still in the vault, those being deleted included.
    pub points_remaining: i64,
    /// What AWS would not delete.
    pub undeleted: Vec<Undeleted>,
}

impl VaultDeletion {
    /// The vault is gone, and had nothing to delete before.
    pub fn done() -> Self {
        Self { deleted: true, ..Self::default() }
    }
}

/// A recovery point that was not deleted.
#[derive(Debug)]
pub struct Undeleted {
    /// Its ARN.
    pub arn: String,
    /// Why, and what to do.
    pub message: String,
}

impl Aws {
    /// Deletes an empty vault. AWS's 403 for a missing one becomes [`Kind::NotFound`] when that is certain, and
    /// [`Kind::NotEmpty`] has all that keeps one with recovery points.
    pub async fn delete_vault(&self, asked: &AskedScope, name: &VaultName) -> Result<(), Error> {
        let clients = self.clients(asked).await?;
        match clients.send_delete_vault(name).await {
            Err(error) if error.kind == Kind::NotEmpty => Err(clients.why_not_empty(error, name).await),
            deleted => deleted,
        }
    }

    /// Deletes the recovery points of a vault, then the vault; stops by `until` to say how far it came. What is left is
    /// what the next call begins with, so that repeating the call goes on.
    pub async fn delete_vault_with_points(
        &self,
        asked: &AskedScope,
        name: &VaultName,
        until: Instant,
    ) -> Result<VaultDeletion, Error> {
        let clients = self.clients(asked).await?;
        let vault = clients.describe_vault(name).await?;
        let first = clients.points_in(name, None).await?;
        if first.items.iter().any(|point| point.state != RecoveryPointState::Deleting) {
            clients.refuse_if_kept(&vault, name).await?;
        }
        let mut sweep = Sweep { clients: &clients, name, until, accepted: BTreeSet::new(), refused: BTreeMap::new() };
        let swept = sweep.run(first).await?;
        sweep.conclude(swept).await
    }
}

impl Clients {
    /// Deletes the vault, which must be empty.
    async fn send_delete_vault(&self, name: &VaultName) -> Result<(), Error> {
        match call(DELETE, self.backup.delete_backup_vault().backup_vault_name(name.as_str()).send()).await {
            Ok(_) => Ok(()),
            // DeleteBackupVault says InvalidRequestException for nothing but recovery points in the vault [D].
            Err(error) if error.kind == Kind::State => Err(error.as_kind(Kind::NotEmpty).about(Noun::Vault, name)),
            Err(error) => match self.missing_or_denied(error, name).await {
                gone if gone.is_gone_by_us() => Ok(()),
                error => Err(error),
            },
        }
    }

    async fn points_in(&self, name: &VaultName, cursor: Option<String>) -> Result<Page<RecoveryPoint>, Error> {
        self.recovery_points_in(name, |sent| sent, &PageRequest { size: MAX_PAGE_SIZE, cursor }).await
    }

    /// The refusal with how many points there are, and what keeps them. What cannot be read is left out.
    async fn why_not_empty(&self, error: Error, name: &VaultName) -> Error {
        let (vault, holds) = tokio::join!(self.describe_vault(name), self.holds_on(name, None));
        let (vault, holds) = (vault.ok(), holds.unwrap_or_default());
        let count = match vault.as_ref().map(|vault| vault.recovery_points) {
            Some(1) => "a recovery point".to_owned(),
            Some(count @ 2..) => format!("{count} recovery points"),
            _ => "recovery points".to_owned(),
        };
        let holding = format!("vault {name} holds {count}");
        let mut obstacles = Vec::new();
        if let Some(lock) = vault.as_ref().and_then(|vault| vault.lock.as_ref()) {
            obstacles.push(locked(name, lock));
        }
        if !holds.is_empty() {
            obstacles.push(held(name, &holds));
        }
        if obstacles.is_empty() {
            let action = "delete them first, or call DeleteVault with force";
            obstacles.push(Finding::error("VAULT_NOT_EMPTY", holding.clone(), action));
        }
        let why: Vec<_> =
            obstacles.iter().map(|it| if it.message == holding { &it.action } else { &it.message }).cloned().collect();
        Error { message: format!("{holding}: {}", why.join("; ")), obstacles, ..error }
    }

    /// Refuses before anything is deleted where a lock or a legal hold keeps points. Who may not list legal holds learns
    /// of them from each point.
    async fn refuse_if_kept(&self, vault: &Vault, name: &VaultName) -> Result<(), Error> {
        let refuse = |kind, obstacle: Finding| {
            let message = format!("{}: {}; nothing was deleted", obstacle.message, obstacle.action);
            Err(Error::found(DELETE.name, kind, Noun::Vault, name.as_str(), message))
        };
        if let Some(lock) = &vault.lock {
            return refuse(Kind::Locked, locked(name, lock));
        }
        match self.holds_on(name, None).await {
            Ok(holds) if holds.is_empty() => Ok(()),
            Ok(holds) => refuse(Kind::Held, held(name, &holds)),
            Err(error) if error.kind == Kind::Denied => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn locked(name: &VaultName, lock: &VaultLock) -> Finding {
    let action = if lock.immutable {
        "wait until the retention of its recovery points is over"
    } else {
        "call UnlockVault first"
    };
    Finding::error("VAULT_LOCKED", format!("vault {name} is {}", lock.described()), action)
}

fn held(name: &VaultName, holds: &[Hold]) -> Finding {
    const MOST: usize = 3;
    let named = holds.iter().take(MOST).map(|hold| format!("legal hold {hold} keeps {} of its points", hold.kept));
    let named: Vec<String> = named.collect();
    let more = match holds.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(", and {more} more holds keep others"),
    };
    let message = format!("in vault {name} {}{more}", named.join(", "));
    Finding::error("RECOVERY_POINTS_HELD", message, "have the hold cancelled in AWS Backup")
}

/// One pass over a vault's recovery points.
struct Sweep<'c> {
    clients: &'c Clients,
    name: &'c VaultName,
    until: Instant,
    /// ARNs whose deletion AWS accepted.
    accepted: BTreeSet<String>,
    /// By ARN: why AWS would not delete it.
    refused: BTreeMap<String, String>,
}

/// Whether a pass saw every point.
#[derive(Debug, PartialEq, Eq)]
enum Swept {
    All,
    Part,
}

impl Sweep<'_> {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Deletes page by page, until all points were asked for or the time is over.
    async fn run(&mut self, first: Page<RecoveryPoint>) -> Result<Swept, Error> {
        let mut page = first;
        loop {
            if let Some(error) = self.delete_all(page.items).await? {
                // AWS does not answer, or throttles. Whoever has come nowhere should know why.
                return if self.accepted.is_empty() { Err(error) } else { Ok(Swept::Part) };
            }
            if self.is_over() {
                return Ok(Swept::Part);
            }
            let Some(cursor) = page.next else { return Ok(Swept::All) };
            page = self.points(Some(cursor)).await?;
        }
    }

    /// Deletes what is not on its way out already. Ends early with an error that the next point would meet too.
    async fn delete_all(&mut self, points: Vec<RecoveryPoint>) -> Result<Option<Error>, Error> {
        let (clients, name, until) = (self.clients, self.name, self.until);
        let wanted = points.into_iter().filter(|point| point.state != RecoveryPointState::Deleting);
        let mut answers = stream::iter(wanted)
            .take_while(|_| future::ready(Instant::now() < until))
            .map(|point| async move { (clients.send_delete(name, &point.arn).await, point.arn) })
            .buffer_unordered(AT_ONCE);
        let mut stopped = None;
        while let Some((answer, arn)) = answers.next().await {
            match answer {
                Ok(()) => {
                    self.accepted.insert(arn);
                }
                // Somebody else was quicker, or an attempt before of this call.
                Err(error) if error.kind == Kind::NotFound => {
                    if error.is_gone_by_us() {
                        self.accepted.insert(arn);
                    }
                }
                Err(error) if matches!(error.kind, Kind::Denied | Kind::Credentials) => {
                    return Err(clients.missing_or_denied(error, name).await);
                }
                Err(error) => {
                    self.refused.insert(arn, refusal(&error));
                    if matches!(error.kind, Kind::Throttled | Kind::Unavailable | Kind::Quota) {
                        stopped = Some(error);
                        break;
                    }
                }
            }
        }
        Ok(stopped)
    }

    /// Looks what became of the points, and deletes the vault if none is left.
    async fn conclude(mut self, swept: Swept) -> Result<VaultDeletion, Error> {
        let left = match swept {
            Swept::All => self.look().await?,
            Swept::Part => None,
        };
        let remaining = match &left {
            Some(left) => i64::try_from(left.len()).unwrap_or(i64::MAX),
            // A vault that was not seen to its end is counted by AWS.
            None => {
                let vault = self.clients.describe_vault(self.name).await;
                vault.map_err(|error| self.after(error))?.recovery_points
            }
        };
        for point in left.iter().flatten().filter(|point| point.state != RecoveryPointState::Deleting) {
            if self.accepted.remove(&point.arn) {
                self.refused.insert(point.arn.clone(), not_deleted(point));
            }
        }
        let deleted = left.is_some_and(|left| left.is_empty())
            && match self.clients.send_delete_vault(self.name).await {
                Ok(()) => true,
                // Points that AWS counts and no longer lists, or that a job has made since.
                Err(error) if error.kind == Kind::NotEmpty => false,
                Err(error) => return Err(error),
            };
        Ok(VaultDeletion {
            deleted,
            points_deleted: self.accepted.len(),
            points_remaining: remaining,
            undeleted: self.refused.into_iter().map(|(arn, message)| Undeleted { arn, message }).collect(),
        })
    }

    /// What is in the vault once the deletions show, as far as they do so within some looks; `None`: the time was over.
    async fn look(&self) -> Result<Option<Vec<RecoveryPoint>>, Error> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let mut left = Vec::new();
            let mut page = self.points(None).await?;
            loop {
                left.extend(page.items);
                let Some(cursor) = page.next else { break };
                if self.is_over() {
                    return Ok(None);
                }
                page = self.points(Some(cursor)).await?;
            }
            let may_go = |point: &RecoveryPoint| {
                point.state == RecoveryPointState::Deleting || self.accepted.contains(&point.arn)
            };
            let pause = pauses.next().filter(|pause| left.iter().any(may_go) && Instant::now() + *pause < self.until);
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Ok(Some(left)),
            }
        }
    }

    async fn points(&self, cursor: Option<String>) -> Result<Page<RecoveryPoint>, Error> {
        self.clients.points_in(self.name, cursor).await.map_err(|error| self.after(error))
    }

    /// An error of a read: once something was deleted nobody should think that nothing was.
    fn after(&self, error: Error) -> Error {
        if self.accepted.is_empty() { error } else { error.after(DELETE_POINT) }
    }
}

fn refusal(error: &Error) -> String {
    match error.kind {
        Kind::State if error.has_code("InvalidResourceStateException") => {
            format!("it is in use by a job: repeat the call when the job has ended ({})", error.message)
        }
        _ => format!("AWS refuses to delete it: {}", error.message),
    }
}
