//! Tokens of workloads, as Kubernetes, GitHub Actions and GitLab document them, by the issuers of docs/samples/issuers.toml.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use strongroom::config::{IssuerConfig, SigningAlgorithm, Sources, load};

use super::{Pair, World, ask, refused, set};

/// The issuers as the sample has them. Nobody is asked for keys: those of a pair stand in a file, for elliptic curves.
fn issuers(keys: &Path) -> Vec<IssuerConfig> {
    let file = PathBuf::from("docs/samples/issuers.toml");
    let loaded = load(&Sources { file: Some(file), ..Sources::default() }).unwrap();
    let mut issuers = loaded.config.access.issuers;
    for issuer in &mut issuers {
        assert_eq!(issuer.algorithms, [SigningAlgorithm::Rs256]);
        issuer.algorithms = vec![SigningAlgorithm::Es256];
        (issuer.jwks_file, issuer.jwks_uri, issuer.ca_file) = (Some(keys.to_owned()), None, None);
    }
    issuers
}

fn kubernetes() -> Value {
    json!({
        "aud": ["strongroom"],
        "iss": "https://kubernetes.default.svc.cluster.local",
        "jti": "ea28ed49-2e11-4280-9ec5-bc3d1d84661a",
        "kubernetes.io": {
            "namespace": "portal",
            "node": {"name": "127.0.0.1", "uid": "58456cb0-dd00-45ed-b797-5578fdceaced"},
            "pod": {"name": "web-69cbfb9798-jv9gn", "uid": "778a530c-b3f4-47c0-9cd5-ab018fb64f33"},
            "serviceaccount": {"name": "web", "uid": "a087d5a0-e1dd-43ec-93ac-f13d89cd13af"}
        },
        "sub": "system:serviceaccount:portal:web"
    })
}

fn github() -> Value {
    json!({
        "jti": "example-id",
        "sub": "repo:octo-org/octo-repo:ref:refs/heads/main",
        "aud": "strongroom",
        "ref": "refs/heads/main",
        "sha": "example-sha",
        "repository": "octo-org/octo-repo",
        "repository_owner": "octo-org",
        "actor_id": "12",
        "repository_visibility": "private",
        "repository_id": "74",
        "repository_owner_id": "65",
        "run_id": "example-run-id",
        "actor": "octocat",
        "workflow": "example-workflow",
        "event_name": "push",
        "ref_type": "branch",
        "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
        "iss": "https://token.actions.githubusercontent.com"
    })
}

fn gitlab() -> Value {
    json!({
        "namespace_id": "72",
        "namespace_path": "my-group",
        "project_id": "20",
        "project_path": "my-group/my-project",
        "user_id": "1",
        "user_login": "sample-user",
        "pipeline_id": "574",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_protected": "true",
        "sub": "project_path:my-group/my-project:ref_type:branch:ref:main",
        "iss": "https://gitlab.com",
        "aud": "strongroom"
    })
}

#[tokio::test]
async fn workloads_are_known_by_the_tokens_that_their_platforms_give_them_and_others_are_not() {
    let (pair, folder) = (Pair::new("one"), tempfile::tempdir().unwrap());
    let keys = folder.path().join("keys.json");
    fs::write(&keys, set(&[&pair]).to_string()).unwrap();
    let issuers = issuers(&keys);
    let world = World::start_with(|config| config.access.issuers = issuers).await;
    let now = jiff::Timestamp::now().as_second();
    let sign = |mut claims: Value, change: &Value| {
        let times = json!({"iat": now, "nbf": now, "exp": now + 600});
        for (claim, value) in times.as_object().unwrap().iter().chain(change.as_object().unwrap()) {
            claims[claim] = value.clone();
        }
        pair.sign(&claims)
    };
    for (claims, name, group) in [
        (kubernetes(), "kubernetes:system:serviceaccount:portal:web", "kubernetes:portal"),
        (github(), "github:repo:octo-org/octo-repo:ref:refs/heads/main", "github:octo-org/octo-repo"),
        (gitlab(), "gitlab:project_path:my-group/my-project:ref_type:branch:ref:main", "gitlab:my-group"),
    ] {
        let principal = ask(world.channel(), &sign(claims, &json!({}))).await.unwrap().principal.unwrap();
        assert_eq!((principal.name.as_str(), principal.groups), (name, vec![group.to_owned()]));
    }
    for (claims, change) in [
        // Tokens of a pod for the API server have its audience, and those of old Secrets have neither audience nor end.
        (kubernetes(), json!({"aud": ["https://kubernetes.default.svc.cluster.local"]})),
        (kubernetes(), json!({"aud": null, "exp": null})),
        (github(), json!({"repository_owner_id": "66", "repository_id": "75"})),
        (github(), json!({"repository_id": "75"})),
        (github(), json!({"ref": "refs/heads/topic"})),
        (github(), json!({"event_name": "pull_request"})),
        (github(), json!({"aud": "https://github.com/octo-org"})),
        (gitlab(), json!({"namespace_id": "73"})),
        (gitlab(), json!({"ref_protected": "false"})),
    ] {
        refused(&world, &sign(claims, &change)).await;
    }
}
