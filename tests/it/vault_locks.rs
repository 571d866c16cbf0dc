//! LockVault and UnlockVault over the wire.

use serde_json::json;
use strongroom::proto::{
    CopyAction, CreatePlanRequest, CreateVaultRequest, Finding, GetVaultRequest, Lifecycle, LockMode, LockVaultRequest,
    LockVaultResponse, Retention, Rule, Scope, UnlockVaultRequest, Vault, VaultLock,
};
use tonic::Code;

use crate::harness::{ACCOUNT, World, reason, request_id, told};

pub(crate) const VAULT: &str = "prod";

/// A governance lock of 7 to 90 days.
pub(crate) fn governance() -> LockVaultRequest {
    LockVaultRequest {
        vault: VAULT.into(),
        min_retention_days: Some(7),
        max_retention_days: Some(90),
        ..Default::default()
    }
}

fn compliance() -> LockVaultRequest {
    LockVaultRequest {
        mode: LockMode::Compliance.into(),
        changeable_for_days: Some(3),
        confirm_irreversible: true,
        ..governance()
    }
}

pub(crate) fn unlock() -> UnlockVaultRequest {
    UnlockVaultRequest { vault: VAULT.into(), ..Default::default() }
}

async fn world() -> World {
    let world = World::start().await;
    let vault = CreateVaultRequest { name: VAULT.into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
    world
}

async fn lock(world: &World, request: LockVaultRequest) -> LockVaultResponse {
    world.vaults().lock_vault(request).await.unwrap().into_inner()
}

async fn vault(world: &World) -> Vault {
    let request = GetVaultRequest { vault: VAULT.into(), ..Default::default() };
    world.vaults().get_vault(request).await.unwrap().into_inner().vault.unwrap()
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// From when on nobody undoes the lock.
fn date(locked: &LockVaultResponse) -> prost_types::Timestamp {
    locked.vault.as_ref().unwrap().lock.as_ref().unwrap().lock_time.unwrap()
}

/// 2026-03-05T00:00:00Z, three days after the start, give or take the second that AWS's clock is exact to.
fn is_in_three_days(at: prost_types::Timestamp) -> bool {
    (at.seconds - 1_772_668_800).abs() <= 2
}

#[tokio::test]
async fn a_vault_is_locked_in_governance_mode_by_default_and_unlocked_again() {
    let world = world().await;
    for _ in 0..2 {
        let locked = lock(&world, governance()).await;
        let expected = VaultLock {
            min_retention_days: Some(7),
            max_retention_days: Some(90),
            lock_time: None,
            mode: LockMode::Governance.into(),
            immutable: false,
        };
        assert_eq!(locked.vault.unwrap().lock, Some(expected));
        assert_eq!(codes(&locked.findings), ["PLANS_ELSEWHERE_NOT_CHECKED"]);
    }
    // The request is the whole lock.
    let changed = lock(&world, LockVaultRequest { max_retention_days: None, ..governance() }).await;
    assert_eq!(changed.vault.unwrap().lock.unwrap().max_retention_days, None);
    assert_eq!(codes(&changed.findings), ["LOCK_BOUND_REMOVED", "PLANS_ELSEWHERE_NOT_CHECKED"]);
    for _ in 0..2 {
        let unlocked = world.vaults().unlock_vault(unlock()).await.unwrap().into_inner();
        assert_eq!(unlocked.vault.unwrap().lock, None, "also when it is not locked any more");
    }
    assert_eq!(vault(&world).await.lock, None);
    let boundless = LockVaultRequest { vault: VAULT.into(), ..Default::default() };
    assert_eq!(codes(&lock(&world, boundless).await.findings), ["LOCK_WITHOUT_BOUNDS"]);
}

#[tokio::test]
async fn a_compliance_lock_says_its_date_and_can_be_undone_until_then() {
    let world = world().await;
    let shown =
        lock(&world, LockVaultRequest { validate_only: true, confirm_irreversible: false, ..compliance() }).await;
    assert!(is_in_three_days(date(&shown)), "{shown:?}");
    assert_eq!(shown.vault.unwrap().lock.unwrap().mode(), LockMode::Compliance);
    assert_eq!(vault(&world).await.lock, None, "nothing was done");

    let locked = lock(&world, compliance()).await;
    assert_eq!(codes(&locked.findings), ["LOCK_IRREVERSIBLE", "PLANS_ELSEWHERE_NOT_CHECKED"]);
    assert!(locked.findings[0].message.contains("2026-03-05T00:00:0"), "{:?}", locked.findings);
    let first = date(&locked);
    assert!(is_in_three_days(first));
    assert!(!locked.vault.unwrap().lock.unwrap().immutable);
    // A call whose answer was lost is repeated, and the date stays.
    world.advance("30m").await;
    assert_eq!(date(&lock(&world, compliance()).await), first);
    // Later it is another lock.
    world.advance("30h").await;
    let moved = lock(&world, LockVaultRequest { max_retention_days: None, ..compliance() }).await;
    assert!(date(&moved).seconds > first.seconds + 29 * 3600);
    assert_eq!(
        codes(&moved.findings),
        [
            "LOCK_IRREVERSIBLE",
            "LOCK_KEEPS_FOR_EVER",
            "LOCK_BOUND_REMOVED",
            "LOCK_DATE_MOVED",
            "PLANS_ELSEWHERE_NOT_CHECKED"
        ]
    );
    let downgrade = world.vaults().lock_vault(governance()).await.unwrap_err();
    assert_eq!(reason(&downgrade), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
    assert!(downgrade.message().contains("call UnlockVault first"), "{}", downgrade.message());
    world.vaults().unlock_vault(unlock()).await.unwrap();
    lock(&world, governance()).await;
}

#[tokio::test]
async fn only_the_lock_that_was_read_is_changed_and_a_repeated_call_finds_its_own() {
    let world = world().await;
    let read = vault(&world).await.etag;
    let request = LockVaultRequest { etag: read.clone(), request_id: request_id(1), ..governance() };
    let dry = LockVaultRequest { validate_only: true, ..request.clone() };
    let shown = lock(&world, dry).await;
    assert_eq!((shown.request_id.clone(), vault(&world).await.etag), (request_id(1), read.clone()));
    let locked = lock(&world, request.clone()).await;
    assert_eq!(locked, shown, "it is as it was shown");
    assert_eq!(lock(&world, request.clone()).await, locked, "a repeated call succeeds whatever etag it brings");

    let present = locked.vault.unwrap().etag;
    assert_ne!(present, read);
    let late = LockVaultRequest { min_retention_days: Some(8), ..request };
    for validate_only in [true, false] {
        let stale = LockVaultRequest { validate_only, ..late.clone() };
        let stale = world.vaults().lock_vault(stale).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
        assert!(stale.message().contains(&present), "{}", stale.message());
        let stale = UnlockVaultRequest { etag: read.clone(), validate_only, ..unlock() };
        let stale = world.vaults().unlock_vault(stale).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
    }
    let changed = lock(&world, LockVaultRequest { etag: present, ..late }).await.vault.unwrap();
    let by_read = UnlockVaultRequest { etag: changed.etag.clone(), ..unlock() };
    let dry = UnlockVaultRequest { validate_only: true, ..by_read.clone() };
    assert_eq!(world.vaults().unlock_vault(dry).await.unwrap().into_inner().vault.unwrap().lock, None);
    assert_eq!(vault(&world).await, changed, "a dry run undoes nothing");
    for _ in 0..2 {
        let unlocked = world.vaults().unlock_vault(by_read.clone()).await.unwrap().into_inner();
        assert_eq!(unlocked.vault.unwrap().etag, read);
    }
    let wrong = UnlockVaultRequest { etag: "not one".into(), ..unlock() };
    assert_eq!(told(&world.vaults().unlock_vault(wrong).await.unwrap_err()).fields, ["etag"]);
}

#[tokio::test]
async fn nobody_undoes_a_compliance_lock_past_its_date() {
    let world = world().await;
    lock(&world, compliance()).await;
    world.advance("73h").await;
    assert!(vault(&world).await.lock.unwrap().immutable);
    let dry = LockVaultRequest { validate_only: true, ..governance() };
    let dry_unlock = UnlockVaultRequest { validate_only: true, ..unlock() };
    let refused = [
        world.vaults().unlock_vault(dry_unlock).await.unwrap_err(),
        world.vaults().unlock_vault(unlock()).await.unwrap_err(),
        world.vaults().lock_vault(governance()).await.unwrap_err(),
        world.vaults().lock_vault(compliance()).await.unwrap_err(),
        world.vaults().lock_vault(dry).await.unwrap_err(),
    ];
    for refused in refused {
        assert_eq!(reason(&refused), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
        assert!(refused.message().contains("2026-03-05T00:00:0"), "{}", refused.message());
    }
    // AWS itself says so of a lock that became immutable between our look and the change.
    let late = json!({"error": {"status": 400, "code": "InvalidRequestException", "message": "immutable"}});
    world.arm(json!({"operation": "PutBackupVaultLockConfiguration", "next": 1, "effect": late})).await;
    let other = CreateVaultRequest { name: "other".into(), ..Default::default() };
    world.vaults().create_vault(other).await.unwrap();
    let request = LockVaultRequest { vault: "other".into(), ..governance() };
    let refused = world.vaults().lock_vault(request).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
}

#[tokio::test]
async fn every_fault_of_a_lock_is_told_at_once() {
    let world = world().await;
    let request = LockVaultRequest {
        vault: "my.vault".into(),
        mode: LockMode::Compliance.into(),
        min_retention_days: Some(0),
        max_retention_days: Some(36_501),
        request_id: "1".into(),
        ..Default::default()
    };
    let faults = told(&world.vaults().lock_vault(request).await.unwrap_err());
    assert_eq!(
        faults.fields,
        [
            "request_id",
            "vault",
            "min_retention_days",
            "max_retention_days",
            "confirm_irreversible",
            "changeable_for_days"
        ]
    );
    let missing = LockVaultRequest { vault: "nowhere".into(), ..governance() };
    let missing = world.vaults().lock_vault(missing).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    let missing = UnlockVaultRequest { vault: "nowhere".into(), ..Default::default() };
    let missing = world.vaults().unlock_vault(missing).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    assert_eq!(told(&world.vaults().unlock_vault(UnlockVaultRequest::default()).await.unwrap_err()).fields, ["vault"]);
}

#[tokio::test]
async fn the_plans_whose_jobs_a_lock_lets_fail_are_told_before_it_is_made() {
    let world = world().await;
    let days = |days| Some(Lifecycle { delete_after_days: Some(days), ..Default::default() });
    let rule = |name: &str, vault: &str, lifecycle| Rule {
        name: name.into(),
        vault: vault.into(),
        lifecycle,
        ..Default::default()
    };
    let arn = vault(&world).await.arn;
    let copy = CopyAction { destination_vault: arn, lifecycle: days(3) };
    let forever = Lifecycle { retention: Retention::Forever.into(), ..Default::default() };
    let rules = vec![
        rule("fine", VAULT, days(30)),
        rule("short", VAULT, days(6)),
        rule("for-ever", VAULT, Some(forever)),
        rule("elsewhere", "other", days(1)),
        Rule { copy_actions: vec![copy], ..rule("copied", "other", days(30)) },
    ];
    let plan = CreatePlanRequest { name: "nightly".into(), rules, ..Default::default() };
    let plan = world.plans().create_plan(plan).await.unwrap().into_inner().plan.unwrap();
    let shown = lock(&world, LockVaultRequest { validate_only: true, ..governance() }).await;
    let told: Vec<_> = shown
        .clashes
        .iter()
        .map(|clash| (clash.rule_name.as_str(), clash.copy_action, clash.plan_id.as_str()))
        .collect();
    let id = plan.id.as_str();
    assert_eq!(told, [("short", false, id), ("for-ever", false, id), ("copied", true, id)]);
    assert_eq!(shown.clashes[0].lifecycle.as_ref().unwrap().delete_after_days, Some(6));
    assert_eq!((shown.clashes[0].plan_arn.as_str(), shown.clashes[0].plan_name.as_str()), (&*plan.arn, "nightly"));
    assert!(!shown.clashes[0].rule_id.is_empty());
    let scope = Scope { account: ACCOUNT.into(), region: "us-east-1".into() };
    assert!(shown.clashes.iter().all(|clash| clash.scope.as_ref() == Some(&scope)));
    assert_eq!(codes(&shown.findings), ["PLANS_CLASH_WITH_LOCK", "PLANS_ELSEWHERE_NOT_CHECKED"]);
    assert_eq!(lock(&world, governance()).await.clashes, shown.clashes, "a clash does not stop the lock");

    // Who may not read plans may still lock, and is told that nobody looked.
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "GetBackupPlan", "next": 1, "effect": denied})).await;
    let unseen = lock(&world, governance()).await;
    assert_eq!((unseen.clashes.len(), codes(&unseen.findings)), (0, vec!["CLASHES_NOT_CHECKED"]));
}
