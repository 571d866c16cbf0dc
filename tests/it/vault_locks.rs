//! LockVault and UnlockVault over the wire.

use serde_json::json;
use strongroom::proto::{
    CopyAction, CreatePlanRequest, CreateVaultRequest, GetVaultRequest, Lifecycle, LockMode, LockVaultRequest,
    LockVaultResponse, Retention, Rule, UnlockVaultRequest, Vault, VaultLock, Warning,
};
use tonic::Code;

use crate::harness::{World, reason, told};

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

fn codes(warnings: &[Warning]) -> Vec<&str> {
    warnings.iter().map(|warning| warning.code.as_str()).collect()
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
        assert_eq!((locked.irreversible_time, codes(&locked.warnings)), (None, vec![]));
    }
    // The request is the whole lock.
    let changed = lock(&world, LockVaultRequest { max_retention_days: None, ..governance() }).await;
    assert_eq!(changed.vault.unwrap().lock.unwrap().max_retention_days, None);
    assert_eq!(codes(&changed.warnings), ["LOCK_BOUND_REMOVED"]);
    for _ in 0..2 {
        let unlocked = world.vaults().unlock_vault(unlock()).await.unwrap().into_inner();
        assert_eq!(unlocked.vault.unwrap().lock, None, "also when it is not locked any more");
    }
    assert_eq!(vault(&world).await.lock, None);
    let boundless = LockVaultRequest { vault: VAULT.into(), ..Default::default() };
    assert_eq!(codes(&lock(&world, boundless).await.warnings), ["LOCK_WITHOUT_BOUNDS"]);
}

#[tokio::test]
async fn a_compliance_lock_says_its_date_and_can_be_undone_until_then() {
    let world = world().await;
    let shown =
        lock(&world, LockVaultRequest { validate_only: true, confirm_irreversible: false, ..compliance() }).await;
    assert!(is_in_three_days(shown.irreversible_time.unwrap()), "{shown:?}");
    assert_eq!(shown.vault.unwrap().lock.unwrap().mode(), LockMode::Compliance);
    assert_eq!(vault(&world).await.lock, None, "nothing was done");

    let locked = lock(&world, compliance()).await;
    assert_eq!(codes(&locked.warnings), ["LOCK_IRREVERSIBLE"]);
    assert!(locked.warnings[0].message.contains("2026-03-05T00:00:0"), "{:?}", locked.warnings);
    let date = locked.irreversible_time.unwrap();
    assert!(is_in_three_days(date));
    assert!(!locked.vault.unwrap().lock.unwrap().immutable);
    // A call whose answer was lost is repeated, and the date stays.
    world.advance("30m").await;
    assert_eq!(lock(&world, compliance()).await.irreversible_time, Some(date));
    // Later it is another lock.
    world.advance("30h").await;
    let moved = lock(&world, LockVaultRequest { max_retention_days: None, ..compliance() }).await;
    assert!(moved.irreversible_time.unwrap().seconds > date.seconds + 29 * 3600);
    assert_eq!(
        codes(&moved.warnings),
        ["LOCK_IRREVERSIBLE", "LOCK_KEEPS_FOR_EVER", "LOCK_BOUND_REMOVED", "LOCK_DATE_MOVED"]
    );
    let downgrade = world.vaults().lock_vault(governance()).await.unwrap_err();
    assert_eq!(reason(&downgrade), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
    assert!(downgrade.message().contains("call UnlockVault first"), "{}", downgrade.message());
    world.vaults().unlock_vault(unlock()).await.unwrap();
    lock(&world, governance()).await;
}

#[tokio::test]
async fn nobody_undoes_a_compliance_lock_past_its_date() {
    let world = world().await;
    lock(&world, compliance()).await;
    world.advance("73h").await;
    assert!(vault(&world).await.lock.unwrap().immutable);
    let dry = LockVaultRequest { validate_only: true, ..governance() };
    let refused = [
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
            "vault",
            "min_retention_days",
            "max_retention_days",
            "confirm_irreversible",
            "changeable_for_days",
            "request_id"
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
        target_vault: vault.into(),
        lifecycle,
        ..Default::default()
    };
    let arn = vault(&world).await.arn;
    let copy = CopyAction { destination_vault_arn: arn, lifecycle: days(3) };
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
    assert_eq!(codes(&shown.warnings), ["PLANS_CLASH_WITH_LOCK"]);
    assert_eq!(lock(&world, governance()).await.clashes, shown.clashes, "a clash does not stop the lock");

    // Who may not read plans may still lock, and is told that nobody looked.
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "GetBackupPlan", "next": 1, "effect": denied})).await;
    let unseen = lock(&world, governance()).await;
    assert_eq!((unseen.clashes.len(), codes(&unseen.warnings)), (0, vec!["CLASHES_NOT_CHECKED"]));
}
