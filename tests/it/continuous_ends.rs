//! What is said of a continuous recovery point that is deleted or given back is what is so now: the rule that made it, and
//! its database, can have gone or changed since.

use serde_json::json;
use strongroom::proto::{
    DeletePlanRequest, DeleteSelectionRequest, Finding, Lifecycle, ReplaceSelectionRequest, Rule, Severity,
    UpdatePlanRequest,
};

use crate::{
    backups::{VAULT, aws_rds},
    harness::{LABS, World},
    points_in_time::continuous,
    silences::{done, of_code},
};

const ENDS: [(&str, &str); 3] = [
    ("DeleteRecoveryPoint", "CONTINUOUS_BACKUP_ENDS"),
    ("DisassociateRecoveryPoint", "AUTOMATED_BACKUPS_STAY"),
    ("DeleteVault", "CONTINUOUS_BACKUP_ENDS"),
];

/// What the change tells, which is the same only checked and done.
async fn told(world: &World, change: &str, point: &str) -> Vec<Finding> {
    let dry = done(world, change, point, true).await;
    let real = done(world, change, point, false).await;
    assert_eq!(dry, real, "{change}: the same words before and after");
    real
}

async fn unselected(world: &World) {
    let selection = DeleteSelectionRequest { plan: "pitr".into(), selection: "one".into(), ..Default::default() };
    world.plans().delete_selection(selection).await.unwrap();
}

async fn ruled(world: &World, name: &str, vault: &str, enable_continuous_backup: bool) {
    let rule = Rule {
        name: name.into(),
        vault: vault.into(),
        enable_continuous_backup,
        lifecycle: Some(Lifecycle { delete_after_days: Some(14), ..Default::default() }),
        ..Default::default()
    };
    let update = UpdatePlanRequest { plan: "pitr".into(), rules: vec![rule], ..Default::default() };
    world.plans().update_plan(update).await.unwrap();
}

async fn changed(world: &World, since: &str) {
    match since {
        "plan deleted" => {
            unselected(world).await;
            let plan = DeletePlanRequest { plan: "pitr".into(), ..Default::default() };
            world.plans().delete_plan(plan).await.unwrap();
        }
        "selection deleted" => unselected(world).await,
        "selection replaced" => {
            let other = ReplaceSelectionRequest {
                plan: "pitr".into(),
                selection: "one".into(),
                resources: vec!["arn:aws:rds:us-east-1:123456789012:db:rdspg-orders".into()],
                ..Default::default()
            };
            world.plans().replace_selection(other).await.unwrap();
        }
        "rule removed" => ruled(world, "other", VAULT, false).await,
        "rule turned off" => ruled(world, "continuous", VAULT, false).await,
        "vault changed" => ruled(world, "continuous", "elsewhere", true).await,
        _ => {}
    }
}

#[tokio::test]
async fn a_rule_goes_on_only_where_it_does_so_now() {
    let changes = [
        "",
        "plan deleted",
        "selection deleted",
        "selection replaced",
        "rule removed",
        "rule turned off",
        "vault changed",
    ];
    for since in changes {
        for (change, ends) in ENDS {
            let (world, point) = continuous(LABS).await;
            changed(&world, since).await;
            let findings = told(&world, change, &point.arn).await;
            let case = format!("{change}, {since}: {findings:?}");
            let goes_on = of_code(&findings, "RULE_CONTINUES_BACKUP");
            assert_eq!(goes_on.len(), usize::from(["", "vault changed"].contains(&since)), "{case}");
            if since == "vault changed" {
                assert!(goes_on[0].message.contains("at its next run, in vault elsewhere"), "{case}");
            }
            assert_eq!(of_code(&findings, ends).len(), 1, "{case}");
            assert!(of_code(&findings, "NOT_CHECKED").is_empty(), "{case}");
        }
    }
}

#[tokio::test]
async fn of_a_database_that_is_gone_nothing_is_said_to_end_or_to_stay() {
    for (change, ends) in ENDS {
        let (world, point) = continuous(LABS).await;
        let delete = aws_rds(&world).delete_db_instance().db_instance_identifier("rdspg-fcj-labs");
        delete.skip_final_snapshot(true).delete_automated_backups(true).send().await.unwrap();
        world.advance("PT10M").await;
        let findings = told(&world, change, &point.arn).await;
        let [gone] = of_code(&findings, "NOTHING_TO_RESTORE_FROM")[..] else { panic!("{change}: {findings:?}") };
        assert_eq!(gone.severity(), Severity::Info);
        assert!(gone.message.contains("rdspg-fcj-labs"), "{gone:?}");
        for code in [ends, "RULE_CONTINUES_BACKUP", "NOT_CHECKED"] {
            assert!(of_code(&findings, code).is_empty(), "{change}: {findings:?}");
        }
    }
}

#[tokio::test]
async fn what_nobody_could_look_at_is_called_so() {
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    for (operation, permission) in [
        ("GetBackupPlan", "backup:GetBackupPlan"),
        ("ListBackupSelections", "backup:ListBackupSelections"),
        ("DescribeRegionSettings", "backup:DescribeRegionSettings"),
        ("DescribeDBInstances", "rds:DescribeDBInstances"),
    ] {
        for (change, ends) in ENDS {
            let (world, point) = continuous(LABS).await;
            world.arm(json!({"operation": operation, "rate": 1.0, "effect": denied.clone()})).await;
            let findings = told(&world, change, &point.arn).await;
            let case = format!("{change}, {operation}: {findings:?}");
            assert!(of_code(&findings, "RULE_CONTINUES_BACKUP").is_empty(), "{case}");
            assert_eq!(of_code(&findings, ends).len(), 1, "{case}");
            let unseen = of_code(&findings, "NOT_CHECKED");
            assert!(unseen.iter().any(|found| found.action.contains(permission)), "{case}");
        }
    }
}
