//! The client commands try again what passes, by the policy that is published for every client.

use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpListener};

use crate::{
    cli::{Ran, program, run},
    harness::World,
};

/// A server that asks AWS once, so that each fault is one answer to the command.
async fn hasty() -> World {
    World::start_with(|config| config.aws.max_attempts = 1).await
}

async fn vaults_made(world: &World) -> usize {
    let asked = world.asked_for().await;
    asked.iter().filter(|(_, operation)| operation == "CreateBackupVault").count()
}

#[tokio::test]
async fn a_change_whose_first_attempts_fail_is_made_once() {
    let world = hasty().await;
    for (vault, effect) in [("one", "throttle"), ("two", "drop_after")] {
        world.asked_for().await;
        world.arm(json!({"operation": "CreateBackupVault", "next": 2, "effect": effect})).await;
        let ran = run(&world, &["vault", "create", vault, "-o", "json"]).await;
        assert_eq!(ran.json()["vault"]["name"], vault);
        assert_eq!(ran.err.matches(": trying again in ").count(), 2, "{ran:?}");
        assert!(ran.err.contains("(attempt 3 of at most 5)"), "{ran:?}");
        assert_eq!(vaults_made(&world).await, 3);
    }
    let all = run(&world, &["vault", "list", "-o", "json"]).await.json();
    assert_eq!(all["vaults"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_waiting_does_not_help_is_not_tried_again() {
    let world = hasty().await;
    let quota = json!({"error": {"status": 400, "code": "LimitExceededException", "message": "Too many vaults"}});
    world.arm(json!({"operation": "CreateBackupVault", "next": 5, "effect": quota})).await;
    let ran = run(&world, &["vault", "create", "prod"]).await;
    assert!(ran.code != 0 && ran.err.contains("AWS_QUOTA_EXCEEDED") && !ran.err.contains("trying again"), "{ran:?}");
    assert_eq!(vaults_made(&world).await, 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_until_the_patience_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let breaking = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // Something of the call has come.
            _ = stream.read(&mut [0; 256]).await;
        }
    };
    let mut command = program(&server, &["vault", "create", "prod", "--timeout", "3s"]);
    let ran = tokio::task::spawn_blocking(move || Ran::of(command.output().unwrap()));
    let ran = tokio::select! {
        ran = ran => ran.unwrap(),
        () = breaking => unreachable!("it breaks connections for ever"),
    };
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("UNAVAILABLE: trying again in "), "{ran:?}");
    assert!(ran.err.contains("repeat the command with --request-id "), "{ran:?}");
}
