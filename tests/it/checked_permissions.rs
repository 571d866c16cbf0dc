//! `check-config --aws`: the real program asks the sandbox who it is and what it may do, with the keys of roles whose policies
//! say various things.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    accounts::percent,
    cli::Ran,
    harness::{ACCOUNT, World},
};

const REGION: &str = "us-east-1";

/// Another account: in the sandbox, twelve digits are a key of the account that they name.
const OTHER: &str = "210000000001";

/// Keys as a process gets them by its environment.
#[derive(Debug, Clone)]
struct Keys {
    id: String,
    secret: String,
    token: Option<String>,
}

impl Keys {
    fn of_account(account: &str) -> Self {
        Self { id: account.to_owned(), secret: "sandbox".to_owned(), token: None }
    }
}

/// Asks IAM or STS of the sandbox for something that it must do.
async fn ask(world: &World, keys: &Keys, service: &str, action: &str, pairs: &[(&str, &str)]) -> String {
    let version = if service == "sts" { "2011-06-15" } else { "2010-05-08" };
    let form = [("Action", action), ("Version", version)];
    let form: Vec<String> = form.iter().chain(pairs).map(|(key, value)| format!("{key}={}", percent(value))).collect();
    let scope =
        format!("AWS4-HMAC-SHA256 Credential={}/20260302/{REGION}/{service}/aws4_request, Signature=0", keys.id);
    let answer = reqwest::Client::new()
        .post(world.sandbox())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", scope)
        .body(form.join("&"))
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{action}: {text}");
    text
}

fn within<'t>(text: &'t str, element: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("<{element}>")).unwrap_or_else(|| panic!("no {element} in {text}"));
    rest.split('<').next().unwrap()
}

/// A role that may do what the policy says, under a path, and the keys of a session of it.
async fn role(world: &World, account: &str, path: &str, policy: &Value, more: &[(&str, &str)]) -> Keys {
    let keys = Keys::of_account(account);
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ["123456789012", OTHER]}, "Action": "sts:AssumeRole"}]});
    let trust = trust.to_string();
    let named = [("RoleName", "Strongroom"), ("Path", path), ("AssumeRolePolicyDocument", trust.as_str())];
    let made: Vec<(&str, &str)> = named.into_iter().chain(more.iter().copied()).collect();
    let made = ask(world, &keys, "iam", "CreateRole", &made).await;
    let arn = within(&made, "Arn").to_owned();
    let policy = policy.to_string();
    let put = [("RoleName", "Strongroom"), ("PolicyName", "what-it-may"), ("PolicyDocument", policy.as_str())];
    ask(world, &keys, "iam", "PutRolePolicy", &put).await;
    let assumed = [("RoleArn", arn.as_str()), ("RoleSessionName", "pod-1")];
    let assumed = ask(world, &keys, "sts", "AssumeRole", &assumed).await;
    let key = |element: &str| within(&assumed, element).to_owned();
    Keys { id: key("AccessKeyId"), secret: key("SecretAccessKey"), token: Some(key("SessionToken")) }
}

/// The sample policy, filled in as docs/operations.md says.
fn sample() -> Value {
    let text = fs::read_to_string("docs/samples/iam-policy.json").unwrap();
    serde_json::from_str(&text.replace("ACCOUNT", ACCOUNT).replace("REGION", REGION)).unwrap()
}

fn statement<'p>(policy: &'p mut Value, sid: &str) -> &'p mut Value {
    let mut statements = policy["Statement"].as_array_mut().unwrap().iter_mut();
    statements.find(|statement| statement["Sid"] == sid).unwrap()
}

/// Runs the check, on a machine that has nothing of AWS but these keys.
async fn check(world: &World, keys: Option<&Keys>, words: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command.arg("check-config").args(words).args(["--endpoint-url", world.sandbox()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_clear();
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent");
    if let Some(Keys { id, secret, token }) = keys {
        command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
        command.envs(token.as_ref().map(|token| ("AWS_SESSION_TOKEN", token)));
    }
    Ran::of(tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap())
}

/// What the check says of the server's own account, with the exit code.
async fn own(world: &World, keys: &Keys, words: &[&str]) -> (i32, Value) {
    let all: Vec<&str> = words.iter().copied().chain(["--region", REGION, "-o", "json"]).collect();
    let ran = check(world, Some(keys), &all).await;
    let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    assert_eq!(told["valid"], true, "{told}");
    assert_eq!(told["aws"]["well"].as_bool().unwrap(), ran.code == 0, "{ran:?}");
    (ran.code, told["aws"]["accounts"][0].clone())
}

/// Action and reason of what is missing, each once.
fn missing(account: &Value) -> Vec<(String, String)> {
    let all = account["permissions"]["missing"].as_array().unwrap_or_else(|| panic!("{account}")).iter();
    let mut all: Vec<(String, String)> = all
        .map(|lack| (lack["action"].as_str().unwrap().to_owned(), lack["why"].as_str().unwrap().to_owned()))
        .collect();
    all.sort();
    all.dedup();
    all
}

fn lack(action: &str, why: &str) -> (String, String) {
    (action.to_owned(), why.to_owned())
}

#[tokio::test]
async fn whoever_has_the_sample_policy_lacks_nothing() {
    let world = World::start().await;
    let keys = role(&world, ACCOUNT, "/platform/", &sample(), &[]).await;
    let (code, account) = own(&world, &keys, &["--aws"]).await;
    assert_eq!((code, missing(&account)), (0, Vec::new()), "{account}");
    assert_eq!(account["identity"], format!("arn:aws:sts::{ACCOUNT}:assumed-role/Strongroom/pod-1"));
    assert_eq!(account["credentials"], "the environment (AWS_ACCESS_KEY_ID)");
    assert!(account["permissions"]["asked"].as_u64().unwrap() > 80, "{account}");
    let calls = reqwest::get(format!("{}/_sandbox/requests", world.sandbox())).await.unwrap();
    let calls: Value = calls.json().await.unwrap();
    let calls = calls["by_operation"]["iam:SimulatePrincipalPolicy"].as_u64().unwrap();
    assert!((1..=20).contains(&calls), "{calls} calls");

    let text = check(&world, Some(&keys), &["--aws", "--region", REGION]).await;
    assert_eq!((text.code, text.err.as_str()), (0, ""));
    assert!(text.out.contains("permissions  all ") && text.out.contains("not looked at:"), "{}", text.out);
    for secret in [&keys.secret, keys.token.as_ref().unwrap(), &keys.id] {
        assert!(!text.out.contains(secret.as_str()), "{}", text.out);
    }
}

#[tokio::test]
async fn what_is_missing_is_told_with_its_reason_its_resource_and_the_rpcs_that_need_it() {
    let world = World::start().await;
    let mut policy = sample();
    let points = &mut statement(&mut policy, "RecoveryPoints")["Action"];
    points.as_array_mut().unwrap().retain(|action| action != "backup:StartRestoreJob");
    statement(&mut policy, "PassRole")["Condition"] =
        json!({"StringEquals": {"iam:PassedToService": "rds.amazonaws.com"}});
    let conditional = json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}});
    statement(&mut policy, "Tags")["Condition"] = conditional;
    let denied = json!({"Effect": "Deny", "Action": "backup:DeleteBackupVault", "Resource": "*"});
    policy["Statement"].as_array_mut().unwrap().push(denied);
    let keys = role(&world, ACCOUNT, "/", &policy, &[]).await;
    let (code, account) = own(&world, &keys, &["--aws"]).await;
    assert_eq!(code, 1);
    let expected = [
        lack("backup:DeleteBackupVault", "DENIED"),
        lack("backup:StartRestoreJob", "NOT_ALLOWED"),
        lack("iam:PassRole", "NOT_ALLOWED"),
        lack("tag:TagResources", "CONDITIONAL"),
        lack("tag:UntagResources", "CONDITIONAL"),
    ];
    assert_eq!(missing(&account), expected);
    let lacks = account["permissions"]["missing"].as_array().unwrap();
    let of = |action: &str| lacks.iter().find(|lack| lack["action"] == action).unwrap();
    let vault = of("backup:DeleteBackupVault");
    assert_eq!(vault["resource"], format!("arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:*"));
    assert_eq!((&vault["statement"], &vault["needed_by"]), (&json!("Vaults"), &json!(["DeleteVault"])));
    assert!(of("iam:PassRole")["needed_by"].as_array().unwrap().contains(&json!("StartBackup")));
    assert_eq!(of("tag:TagResources")["condition_keys"], json!(["aws:SourceVpce"]));

    let text = check(&world, Some(&keys), &["--aws", "--region", REGION]).await;
    assert_eq!((text.code, text.err.as_str()), (1, "error: 5 permissions are missing in account 123456789012\n"));
    let told = "      backup:DeleteBackupVault: a policy denies it\n        \
                for arn:aws:backup:us-east-1:123456789012:backup-vault:*\n        needed by DeleteVault\n";
    assert!(text.out.contains(told), "{}", text.out);
}

#[tokio::test]
async fn what_stands_around_the_policies_of_a_role_is_told_as_that() {
    let world = World::start().await;
    let boundary = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]});
    let boundary = boundary.to_string();
    let made = [("PolicyName", "bound"), ("PolicyDocument", boundary.as_str())];
    let made = ask(&world, &Keys::of_account(ACCOUNT), "iam", "CreatePolicy", &made).await;
    let bound = [("PermissionsBoundary", within(&made, "Arn"))];
    let keys = role(&world, ACCOUNT, "/", &sample(), &bound).await;
    let (code, account) = own(&world, &keys, &["--aws"]).await;
    let missing = missing(&account);
    assert_eq!(code, 1);
    assert!(!missing.is_empty(), "{account}");
    assert!(missing.iter().all(|(action, why)| action.starts_with("iam:") && why == "BOUNDARY"), "{missing:?}");
}

#[tokio::test]
async fn what_iam_does_not_tell_is_not_taken_for_permission() {
    let world = World::start().await;
    let keys = role(&world, ACCOUNT, "/platform/", &sample(), &[]).await;
    let denied = |operation: &str| {
        json!({"service": "iam", "operation": operation, "rate": 1.0,
            "effect": {"error": {"status": 403, "code": "AccessDenied", "message": "not authorized to perform it"}}})
    };
    world.arm(denied("SimulatePrincipalPolicy")).await;
    let (code, account) = own(&world, &keys, &["--aws"]).await;
    assert_eq!((code, &account["permissions"]["known"]), (1, &json!(false)), "{account}");
    let problem = account["permissions"]["problem"].as_str().unwrap();
    assert!(problem.contains("allow iam:SimulatePrincipalPolicy") && problem.contains("not authorized"), "{problem}");
    let (code, account) = own(&world, &keys, &["--aws=identity"]).await;
    assert_eq!((code, &account["permissions"]), (0, &Value::Null), "nobody asked for them");

    // Without a look at the role its path is not known.
    world.end_faults().await;
    world.arm(denied("GetRole")).await;
    let (code, account) = own(&world, &keys, &["--aws"]).await;
    let problem = account["permissions"]["problem"].as_str().unwrap();
    assert!(code == 1 && problem.contains("allow iam:GetRole"), "{problem}");
    // One that has none is found without a look.
    let other = role(&world, OTHER, "/", &sample_of(OTHER), &[]).await;
    let (code, account) = own(&world, &other, &["--aws"]).await;
    assert_eq!((code, missing(&account)), (0, Vec::new()), "{account}");

    // A condition that nobody can judge here is no permission either.
    world.end_faults().await;
    let mut policy = sample();
    statement(&mut policy, "Vaults")["Condition"] = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    let policy = policy.to_string();
    let put = [("RoleName", "Strongroom"), ("PolicyName", "what-it-may"), ("PolicyDocument", policy.as_str())];
    ask(&world, &Keys::of_account(ACCOUNT), "iam", "PutRolePolicy", &put).await;
    let (code, account) = own(&world, &keys, &["--aws"]).await;
    assert_eq!((code, &account["permissions"]["known"]), (1, &json!(false)), "{account}");
}

fn sample_of(account: &str) -> Value {
    serde_json::from_str(&sample().to_string().replace(ACCOUNT, account)).unwrap()
}

#[tokio::test]
async fn every_allowed_account_is_looked_at_as_whoever_the_server_is_there() {
    let world = World::start().await;
    let mut less = sample_of(OTHER);
    let vaults = &mut statement(&mut less, "Vaults")["Action"];
    vaults.as_array_mut().unwrap().retain(|action| action != "backup:CreateBackupVault");
    role(&world, OTHER, "/", &less, &[]).await;
    let words = ["--aws", "--region", REGION, "-o", "json", "--assume-role", "arn:aws:iam::{account}:role/Strongroom"];
    let accounts = format!("aws.allowed_accounts={OTHER},210000000002");
    let words: Vec<&str> = words.into_iter().chain(["--set", &accounts]).collect();
    // The sandbox's own user may do everything.
    let ran = check(&world, Some(&Keys::of_account(ACCOUNT)), &words).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let [own, other, unreachable] = &told["aws"]["accounts"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!((&own["own"], &own["identity"]), (&json!(true), &json!(format!("arn:aws:iam::{ACCOUNT}:user/sandbox"))));
    assert_eq!(missing(own), Vec::new());
    assert_eq!(other["identity"], format!("arn:aws:sts::{OTHER}:assumed-role/Strongroom/strongroom"));
    assert_eq!(missing(other), [lack("backup:CreateBackupVault", "NOT_ALLOWED")]);
    let problem = unreachable["problem"].as_str().unwrap();
    assert_eq!((&unreachable["account"], &unreachable["identity"]), (&json!("210000000002"), &Value::Null));
    assert!(problem.contains("arn:aws:iam::210000000002:role/Strongroom cannot be assumed"), "{problem}");
}

#[tokio::test]
async fn without_credentials_a_region_or_a_valid_configuration_it_says_what_to_do() {
    let world = World::start().await;
    let ran = check(&world, None, &["--aws", "--region", REGION]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("identity     not known: there are no usable credentials"), "{}", ran.out);
    assert!(ran.out.contains("give it credentials"), "{}", ran.out);
    assert!(ran.err.contains("error: there is no way to work"), "{}", ran.err);
    let ran = check(&world, Some(&Keys::of_account(ACCOUNT)), &["--aws"]).await;
    assert!(ran.code == 1 && ran.out.contains("set aws.region"), "{ran:?}");
    let ran = check(&world, Some(&Keys::of_account(ACCOUNT)), &["--aws", "--region", "nowhere"]).await;
    assert!(ran.code == 1 && !ran.out.contains("AWS, in"), "a faulty configuration is not asked about: {ran:?}");
}
