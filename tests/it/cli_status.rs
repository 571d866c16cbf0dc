//! `strongroom status`: whether all is well, on one screen and by the exit code.

use serde_json::Value;
use strongroom::{config::FollowedScope, domain::RegionName};

use crate::{
    backups::{backup_of, prepare, start},
    cli::{Ran, program, run},
    harness::{PATIENCE, START, World, cover, without_ledger},
    protection::{at, plan, rule, select},
    protection_list::looked,
};

/// AWS cannot back it up while it is stopped.
const PAUSED: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused";

/// What it says once that has the word.
async fn until(world: &World, words: &[&str], wanted: &str) -> Ran {
    let told = async {
        loop {
            let ran = run(world, words).await;
            if ran.out.contains(wanted) {
                return ran;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE * 3, told).await.unwrap_or_else(|_| panic!("{words:?} never says {wanted:?}"))
}

#[tokio::test]
async fn what_is_not_well_is_told_on_one_screen_and_by_the_exit_code() {
    let world = World::start_with(cover).await;
    prepare(&world).await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    select(&world, "nightly", "one", &[PAUSED]).await;
    start(&world, backup_of(PAUSED)).await;
    world.advance("P1D").await;
    looked(&world, at(START) + 86_400).await;
    let ran = until(&world, &["status"], "JOB_FAILED  rdspg-paused  ").await;
    assert_eq!((ran.code, ran.err.as_str()), (9, ""), "{ran:?}");
    let first = ran.out.lines().next().unwrap();
    assert!(first.starts_with("NOT WELL: ") && first.contains(" databases not protected"), "{}", ran.out);
    for told in
        ["sandbox, as of 2026-03-03 00:00Z", "databases   ", "NOT PROTECTED  ", "incidents   1 open", "2 failed"]
    {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
    assert!(ran.out.contains("next runs   \n") || ran.out.contains("next runs\n"), "{}", ran.out);
    assert!(ran.out.contains("  03-03 05:00Z  1 database: rdspg-paused\n"), "{}", ran.out);
    assert!(ran.out.contains("scopes      1 followed\n"), "{}", ran.out);
    assert!(ran.out.lines().count() <= 23, "{}", ran.out);

    let json = run(&world, &["status", "-o", "json"]).await;
    assert_eq!(json.code, 9, "{json:?}");
    let whole: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(whole["verdict"], "NOT_WELL");
    assert_eq!(whole["incidents"]["incidents"][0]["cause"], "INCIDENT_CAUSE_JOB_FAILED");
    assert!(whole["coverage"]["notProtectedCount"].as_i64() > Some(0), "{whole}");
    assert_eq!(whole["errors"], serde_json::json!({}));
}

#[tokio::test]
async fn where_all_is_well_it_says_so() {
    let elsewhere = || Some(RegionName::parse("eu-west-1").unwrap());
    let world = World::start_with(|config| {
        cover(config);
        config.ledger.scopes = elsewhere().map(|region| FollowedScope { account: None, region }).into_iter().collect();
    })
    .await;
    let ran = until(&world, &["status", "--region", "eu-west-1"], "all is well").await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let ran = until(&world, &["status", "--all-scopes", "-o", "json"], "\"WELL\"").await;
    assert_eq!(ran.json()["problems"], serde_json::json!([]));
    // What is not followed is not known, and that is not well.
    let ran = run(&world, &["status"]).await;
    assert_eq!(ran.code, 10, "{ran:?}");
    assert!(ran.out.starts_with("NOT KNOWN: what is protected: "), "{ran:?}");
}

#[tokio::test]
async fn what_cannot_be_told_is_not_told_as_well() {
    for (world, why) in [
        (World::start().await, "does not follow account 123456789012 in us-east-1"),
        (World::start_with(without_ledger).await, "ledger"),
    ] {
        let ran = run(&world, &["status"]).await;
        assert_eq!((ran.code, ran.err.as_str()), (10, ""), "{ran:?}");
        for told in
            ["NOT KNOWN: ", "databases   not known: ", "incidents   not known: ", "jobs        not known: ", why]
        {
            assert!(ran.out.contains(told), "{told}: {}", ran.out);
        }
        let json = run(&world, &["status", "-o", "json"]).await;
        let whole: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!((json.code, &whole["verdict"]), (10, &"UNKNOWN".into()), "{whole}");
        assert!(whole["errors"]["coverage"].is_string(), "{whole}");
    }
    let mut nobody = program("http://127.0.0.1:1", &["status"]);
    let ran = Ran::of(tokio::task::spawn_blocking(move || nobody.output()).await.unwrap().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{ran:?}");
}
