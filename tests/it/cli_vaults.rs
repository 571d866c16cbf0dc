//! Locking and deleting vaults on the command line, where nobody is at a terminal.

use crate::{
    backups::{VAULT, prepared, recovery_point},
    cli::{done, run},
};

#[tokio::test]
async fn a_compliance_lock_must_be_confirmed_in_words_of_its_own() {
    let world = prepared().await;
    let lock = ["vault", "lock", VAULT, "--mode", "compliance", "--changeable-for-days", "3"];
    let refused = run(&world, &lock).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--confirm-irreversible"), "{refused:?}");
    assert!(!done(&world, &["vault", "get", VAULT]).await.contains("compliance"));

    let trial = done(&world, &[lock.as_slice(), &["--validate-only"]].concat()).await;
    assert!(trial.contains("2026-03-05T00:00:00Z"), "{trial}");
    done(&world, &[lock.as_slice(), &["--confirm-irreversible"]].concat()).await;
    assert!(done(&world, &["vault", "get", VAULT]).await.contains("compliance from 2026-03-05T00:00:00Z"));
    done(&world, &["vault", "unlock", VAULT, "--yes"]).await;
}

#[tokio::test]
async fn a_vault_is_deleted_with_everything_in_it_when_that_is_said() {
    let world = prepared().await;
    recovery_point(&world).await;
    let kept = run(&world, &["vault", "delete", VAULT, "--yes"]).await;
    assert_eq!(kept.code, 1, "{kept:?}");
    assert!(kept.err.contains("VAULT_NOT_EMPTY"), "{kept:?}");
    // The snapshot takes its time to go, by the sandbox's clock: the command asks again until it is gone.
    let pass = async {
        loop {
            world.advance("1m").await;
        }
    };
    let gone = tokio::select! {
        gone = done(&world, &["vault", "delete", VAULT, "--yes", "--force"]) => gone,
        () = pass => unreachable!(),
    };
    assert!(gone.contains("deleted:") && gone.contains("yes"), "{gone}");
    assert_eq!(run(&world, &["vault", "get", VAULT]).await.code, 5);
}
