//! Deleting vaults: empty ones, and with `force` what they hold first.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt, future, stream};
use tokio::time::Instant;

use super::{
    Detection, Error, Failure, FailureKind, Scoped,
    call::Operation,
    legal_holds::Hold,
    recovery_point_changes::{PAUSES, not_deleted},
};
use crate::domain::{
    Asked, ContinuousEnd, Cursor, DeleteVault, Deletion, EndingPoint, Finding, Noun, Page, PageRequest, RecoveryPoint,
    RecoveryPointState, Refusal, RefusalKind, Undeleted, Unseen, Vault, VaultDeletion, VaultLock, VaultName,
    continuous_end,
};

const DELETE: Operation = Operation::write("backup", "DeleteBackupVault");
const DELETE_POINT: &str = "DeleteRecoveryPoint";

/// Most pages of points that a check looks through, of 1000 each.
const MOST_PAGES_CHECKED: usize = 10;

/// Deletions of recovery points under way at once.
const AT_ONCE: usize = 8;

impl Scoped {
    /// Deletes a vault; with `force` its recovery points first. That stops in time to say how far it came: what is left is
    /// what the next call begins with, so that repeating the call goes on. AWS's 403 for a missing vault becomes
    /// [`FailureKind::NotFound`] when that is certain, and [`RefusalKind::NotEmpty`] has all that keeps one with recovery
    /// points. Plans that need the vault are told; AWS does not mind them.
    pub async fn delete_vault(&self, asked: &Asked<DeleteVault>) -> Result<VaultDeletion, Error> {
        let DeleteVault { vault, allow_missing, force } = &asked.what;
        let deletion = async {
            match force {
                true => self.delete_with_points(vault, asked.is_check()).await,
                false => self.delete_empty(vault, asked.is_check()).await,
            }
        };
        let besides = self.besides(asked);
        // Boxed: side by side on the stack they are too much for a thread of a debug build.
        let (deletion, needing) = tokio::join!(Box::pin(deletion), Box::pin(besides.plans_needing(vault)));
        match deletion {
            Err(error) if *allow_missing && error.is_missing() => {
                Ok(VaultDeletion::of(Deletion::of_nothing(&error.absence()), self.scope()))
            }
            Ok(mut deletion) => {
                deletion.of_vault.findings.extend(needing);
                Ok(deletion)
            }
            Err(error) => Err(error),
        }
    }
}

impl Scoped {
    /// AWS alone knows for certain whether a vault is empty, and refuses to delete one that is not: a check goes by its
    /// count, and the deletion itself by AWS's answer.
    async fn delete_empty(&self, name: &VaultName, check: bool) -> Result<VaultDeletion, Error> {
        if check {
            let vault = self.describe_vault(name).await?;
            return match vault.recovery_points {
                0 => Ok(VaultDeletion::of(Deletion::checked(), self.scope())),
                _ => Err(self.why_not_empty(name, Ok(vault)).await.into()),
            };
        }
        match self.send_delete_vault(name).await {
            Ok(()) => Ok(VaultDeletion::of(Deletion::done(), self.scope())),
            Err(error) if error.kind == FailureKind::NotEmpty => {
                Err(self.why_not_empty(name, self.describe_vault(name).await).await.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes the recovery points of a vault, then the vault.
    async fn delete_with_points(&self, name: &VaultName, check: bool) -> Result<VaultDeletion, Error> {
        let vault = self.describe_vault(name).await?;
        let first = self.points_in(name, None).await?;
        let unchecked = match first.items.iter().any(|point| point.state != RecoveryPointState::Deleting) {
            true => self.refuse_if_kept(&vault, name).await?,
            false => None,
        };
        if check {
            let mut findings = self.continuous_ends(name, first).await?;
            findings.extend(unchecked);
            let checked = VaultDeletion::of(Deletion::checked().with(findings), self.scope());
            return Ok(VaultDeletion { points_remaining: vault.recovery_points, ..checked });
        }
        let (accepted, refused, continuous) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
        // Before, for a deletion changes what there is to see.
        let seen = Box::pin(self.ending(first.items.iter().cloned())).await;
        let mut sweep = Sweep { scoped: self, name, until: self.stop_by(), accepted, refused, continuous, seen };
        let swept = sweep.run(first).await?;
        sweep.conclude(swept).await
    }

    /// Deletes the vault, which must be empty.
    async fn send_delete_vault(&self, name: &VaultName) -> Result<(), Failure> {
        self.changes_value(format!("vault/{name}"), "vault", Some(name.as_str().into()), None);
        self.detects(Detection::VaultDeleted);
        match self.call(DELETE, self.clients.backup.delete_backup_vault().backup_vault_name(name.as_str()).send()).await
        {
            Ok(_) => Ok(()),
            // DeleteBackupVault says InvalidRequestException for nothing but recovery points in the vault [D].
            Err(error) if error.kind == FailureKind::State => {
                Err(error.as_kind(FailureKind::NotEmpty).about(Noun::Vault, name))
            }
            Err(error) => match self.missing_or_denied(error, name).await {
                gone if gone.is_gone_by_us() => Ok(()),
                error => Err(error),
            },
        }
    }

    /// What will happen as the continuous points of the vault are deleted, as far as its first pages show them: a database
    /// has one, so that they are few among the points.
    async fn continuous_ends(&self, name: &VaultName, first: Page<RecoveryPoint>) -> Result<Vec<Finding>, Failure> {
        let mut continuous = Vec::new();
        let (mut page, mut read) = (first, 1);
        loop {
            continuous.extend(page.items.into_iter().filter(RecoveryPoint::is_continuous));
            match page.next {
                Some(cursor) if read < MOST_PAGES_CHECKED => page = self.points_in(name, Some(cursor)).await?,
                next => {
                    let ending = self.ending(continuous).await;
                    let mut findings = continuous_end::after(&ending, ContinuousEnd::DeletedWithVault);
                    if next.is_some() {
                        findings.push(continuous_end::not_all_seen(name));
                    }
                    return Ok(findings);
                }
            }
            read += 1;
        }
    }

    async fn points_in(&self, name: &VaultName, cursor: Option<Cursor>) -> Result<Page<RecoveryPoint>, Failure> {
        self.recovery_points_in(name, |sent| sent, &PageRequest::largest(cursor)).await
    }

    /// The refusal with how many points there are, and what keeps them. What could not be read is said to be unknown: that
    /// the vault is not empty is certain.
    async fn why_not_empty(&self, name: &VaultName, vault: Result<Vault, Failure>) -> Refusal {
        let holds = self.holds_on(name, None).await;
        let count = match vault.as_ref().map(|vault| vault.recovery_points) {
            Ok(1) => "a recovery point".to_owned(),
            Ok(count @ 2..) => format!("{count} recovery points"),
            Ok(_) | Err(_) => "recovery points".to_owned(),
        };
        let holding = format!("vault {name} holds {count}");
        let mut obstacles = Vec::new();
        let mut unread = Vec::new();
        match vault {
            Ok(vault) => obstacles.extend(vault.lock.iter().map(|lock| locked(name, lock))),
            Err(error) => unread.push(format!("whether it is locked is not known: {error}")),
        }
        match holds {
            Ok(holds) if holds.is_empty() => {}
            Ok(holds) => obstacles.push(held(name, &holds)),
            Err(error) => unread.push(format!("whether a legal hold keeps any is not known: {error}")),
        }
        let mut why: Vec<_> = obstacles.iter().map(|obstacle| obstacle.message.clone()).collect();
        if obstacles.is_empty() {
            let action = "delete them first, or call DeleteVault with force";
            obstacles.push(Finding::error("VAULT_NOT_EMPTY", holding.clone(), action));
            why.push(action.to_owned());
        }
        why.extend(unread);
        let message = format!("{holding}: {}", why.join("; "));
        Refusal { obstacles, ..Refusal::of(RefusalKind::NotEmpty, Noun::Vault, name.as_str(), message) }
    }

    /// Refuses before anything is deleted where a lock or a legal hold keeps points. Who may not list legal holds is told so,
    /// and learns of them from each point.
    async fn refuse_if_kept(&self, vault: &Vault, name: &VaultName) -> Result<Option<Finding>, Error> {
        let refuse = |kind, obstacle: Finding| {
            let message = format!("{}: {}; nothing was deleted", obstacle.message, obstacle.action);
            Err(Refusal::of(kind, Noun::Vault, name.as_str(), message).into())
        };
        if let Some(lock) = &vault.lock {
            return refuse(RefusalKind::Locked, locked(name, lock));
        }
        match self.holds_on(name, None).await {
            Ok(holds) if holds.is_empty() => Ok(None),
            Ok(holds) => refuse(RefusalKind::Held, held(name, &holds)),
            Err(error) if error.is_denial() => {
                let unseen = Unseen::from(&error);
                let permissions = "backup:ListLegalHolds and backup:ListRecoveryPointsByLegalHold";
                let (what, action) =
                    (format!("which legal holds keep points of vault {name}"), unseen.action(permissions, ""));
                let finding = unseen.not_checked(&what, "AWS does not delete those that one keeps", action);
                Ok(Some(finding.at("vault")))
            }
            Err(error) => Err(error.into()),
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
    Finding::error("RECOVERY_POINTS_HELD", message, "call CancelLegalHold when it may go")
}

/// One pass over a vault's recovery points.
struct Sweep<'c> {
    scoped: &'c Scoped,
    name: &'c VaultName,
    /// When it says how far it came; absent: when it is through.
    until: Option<Instant>,
    /// ARNs whose deletion AWS accepted.
    accepted: BTreeSet<String>,
    /// By ARN: why AWS would not delete it.
    refused: BTreeMap<String, String>,
    /// Continuous ones whose deletion AWS was asked for.
    continuous: Vec<RecoveryPoint>,
    /// Those of the first page, with what stood behind them before.
    seen: Vec<EndingPoint>,
}

/// Whether a pass saw every point.
#[derive(Debug, PartialEq, Eq)]
enum Swept {
    All,
    Part,
}

impl Sweep<'_> {
    fn is_over(&self) -> bool {
        is_past(self.until)
    }

    /// Deletes page by page, until all points were asked for or the time is over.
    async fn run(&mut self, first: Page<RecoveryPoint>) -> Result<Swept, Error> {
        let mut page = first;
        loop {
            if let Some(error) = self.delete_all(page.items).await? {
                // AWS does not answer, or throttles. Whoever has come nowhere should know why.
                return if self.accepted.is_empty() { Err(error.into()) } else { Ok(Swept::Part) };
            }
            if self.is_over() {
                return Ok(Swept::Part);
            }
            let Some(cursor) = page.next else { return Ok(Swept::All) };
            page = self.points(Some(cursor)).await?;
        }
    }

    /// Deletes what is not on its way out already. Ends early with an error that the next point would meet too.
    async fn delete_all(&mut self, points: Vec<RecoveryPoint>) -> Result<Option<Failure>, Failure> {
        let (scoped, name, until) = (self.scoped, self.name, self.until);
        let wanted = points.into_iter().filter(|point| point.state != RecoveryPointState::Deleting);
        let mut answers = stream::iter(wanted)
            .take_while(|_| future::ready(!is_past(until)))
            .map(|point| async move { (scoped.send_delete(name, &point).await, point) })
            .buffer_unordered(AT_ONCE);
        let mut stopped = None;
        while let Some((answer, point)) = answers.next().await {
            let arn = point.arn.clone();
            match answer {
                Ok(()) => {
                    self.accepted.insert(arn);
                    self.continuous.extend(Some(point).filter(RecoveryPoint::is_continuous));
                }
                // Somebody else was quicker, or an attempt before of this call.
                Err(error) if error.kind == FailureKind::NotFound => {
                    if error.is_gone_by_us() {
                        self.accepted.insert(arn);
                    }
                }
                Err(error) if matches!(error.kind, FailureKind::Denied | FailureKind::Credentials) => {
                    return Err(scoped.missing_or_denied(error, name).await);
                }
                Err(error) => {
                    self.refused.insert(arn, refusal(&error));
                    if error.is_passing() || error.kind == FailureKind::Quota {
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
                let vault = self.scoped.describe_vault(self.name).await;
                vault.map_err(|error| self.after(error))?.recovery_points
            }
        };
        for point in left.iter().flatten().filter(|point| point.state != RecoveryPointState::Deleting) {
            if self.accepted.remove(&point.arn) {
                self.refused.insert(point.arn.clone(), not_deleted(point));
            }
        }
        let deleted = left.is_some_and(|left| left.is_empty())
            && match self.scoped.send_delete_vault(self.name).await {
                Ok(()) => true,
                // Points that AWS counts and no longer lists, or that a job has made since.
                Err(error) if error.kind == FailureKind::NotEmpty => false,
                Err(error) => return Err(error.into()),
            };
        let accepted = self.continuous.into_iter().filter(|point| self.accepted.contains(&point.arn));
        let seen = |point: &RecoveryPoint| self.seen.iter().find(|seen| seen.point.arn == point.arn).cloned();
        let ending: Vec<EndingPoint> = accepted
            .map(|point| seen(&point).unwrap_or_else(|| EndingPoint::unseen(point, &continuous_end::too_many())))
            .collect();
        let ends = continuous_end::after(&ending, ContinuousEnd::DeletedWithVault);
        let of_vault = if deleted { Deletion::done() } else { Deletion::under_way() };
        Ok(VaultDeletion {
            scope: self.scoped.scope().clone(),
            of_vault: of_vault.with(ends),
            points_deleted: self.accepted.len(),
            points_remaining: remaining,
            undeleted: self.refused.into_iter().map(|(arn, message)| Undeleted { arn, message }).collect(),
        })
    }

    /// What is in the vault once the deletions show, as far as they do so within some looks; `None`: the time was over.
    async fn look(&self) -> Result<Option<Vec<RecoveryPoint>>, Failure> {
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
            let in_time = |pause: &Duration| self.until.is_none_or(|until| Instant::now() + *pause < until);
            let pause = pauses.next().filter(|pause| left.iter().any(may_go) && in_time(pause));
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Ok(Some(left)),
            }
        }
    }

    async fn points(&self, cursor: Option<Cursor>) -> Result<Page<RecoveryPoint>, Failure> {
        self.scoped.points_in(self.name, cursor).await.map_err(|error| self.after(error))
    }

    /// An error of a read: once something was deleted nobody should think that nothing was.
    fn after(&self, error: Failure) -> Failure {
        if self.accepted.is_empty() { error } else { error.after(DELETE_POINT) }
    }
}

fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

fn refusal(error: &Failure) -> String {
    match error.kind {
        FailureKind::State if error.has_code("InvalidResourceStateException") => {
            format!("it is in use by a job: repeat the call when the job has ended ({})", error.message)
        }
        _ => format!("AWS refuses to delete it: {}", error.message),
    }
}
