//! The sample policies for less than everything: each is what is left of the whole one when only what some RPCs name in their
//! comments is granted. Who changes the whole one, or a comment, writes them anew:
//! `cargo test --test it write_the_narrower_samples -- --ignored`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
};

use serde_json::Value;
use strongroom::proto::EnsureServiceRoleRequest;

use super::{POLICY, comments, comments_in};
use crate::harness::World;

const FOLDER: &str = "docs/samples";

/// Characters of a managed policy at most, white space not counted `[D]`.
const MOST_CHARACTERS: usize = 6144;

#[test]
fn the_narrower_samples_are_the_whole_one_but_for_what_their_rpcs_do_not_need() {
    let expected = narrower();
    let found: BTreeSet<String> = sample_names().into_iter().filter(|name| !POLICY.ends_with(name.as_str())).collect();
    assert_eq!(found, expected.keys().cloned().collect(), "the sample policies in {FOLDER}");
    for (name, policy) in expected {
        let path = Path::new(FOLDER).join(&name);
        assert_eq!(fs::read_to_string(path).unwrap(), policy, "{name}: write the narrower samples anew, see this file");
    }
}

#[test]
#[ignore = "writes into the tree"]
fn write_the_narrower_samples() {
    for (name, policy) in narrower() {
        fs::write(Path::new(FOLDER).join(name), policy).unwrap();
    }
}

#[test]
fn who_may_only_read_is_granted_nothing_that_writes() {
    let granted = actions_of(&read(&Path::new(FOLDER).join("iam-policy-read-only.json")));
    assert!(granted.len() > 20, "{granted:?}");
    let reads = |action: &str| {
        let (_, name) = action.split_once(':').unwrap();
        ["Get", "List", "Describe"].iter().any(|verb| name.starts_with(verb))
    };
    let writes: Vec<_> = granted.iter().filter(|action| !reads(action)).collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[test]
fn every_sample_is_a_policy_that_iam_takes() {
    for name in sample_names() {
        let path = Path::new(FOLDER).join(&name);
        let text = fs::read_to_string(&path).unwrap();
        let filled = text.replace("ACCOUNT", "123456789012").replace("REGION", "ap-southeast-1");
        let characters = filled.chars().filter(|letter| !letter.is_whitespace()).count();
        assert!(
            characters <= MOST_CHARACTERS,
            "{name} has {characters} characters: a managed policy has {MOST_CHARACTERS}"
        );
        let policy = read(&path);
        assert_eq!(policy["Version"], "2012-10-17", "{name}");
        let mut sids = BTreeSet::new();
        for statement in policy["Statement"].as_array().unwrap() {
            let sid = statement["Sid"].as_str().unwrap();
            assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) && sids.insert(sid), "{name}: {sid}");
            assert_eq!(statement["Effect"], "Allow", "{name}: {sid}");
            let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
            assert!(!actions.is_empty() && actions.iter().all(|action| !action.contains('*')), "{name}: {sid}");
            let fits = |resource: &str| resource == "*" || resource.starts_with("arn:aws:");
            assert!(!resources.is_empty() && resources.iter().all(|resource| fits(resource)), "{name}: {sid}");
        }
    }
}

/// Whoever takes over the server must not get by its roles what it does not have itself.
#[test]
fn what_could_be_turned_into_more_stands_under_its_condition_in_every_sample() {
    let via_backup = ["StringEquals", "kms:ViaService"];
    let conditions: BTreeMap<&str, Vec<[&str; 2]>> = BTreeMap::from([
        ("iam:AttachRolePolicy", vec![["ArnEquals", "iam:PolicyARN"]]),
        ("iam:PassRole", vec![["StringEquals", "iam:PassedToService"]]),
        ("iam:CreateServiceLinkedRole", vec![["StringEquals", "iam:AWSServiceName"]]),
        ("kms:CreateGrant", vec![["Bool", "kms:GrantIsForAWSResource"], via_backup]),
        ("kms:Decrypt", vec![via_backup]),
        ("kms:GenerateDataKey", vec![via_backup]),
        ("kms:RetireGrant", vec![via_backup]),
    ]);
    let mut seen = BTreeSet::new();
    for name in sample_names() {
        let policy = read(&Path::new(FOLDER).join(&name));
        for statement in policy["Statement"].as_array().unwrap() {
            for action in texts(&statement["Action"]) {
                let whole = statement["Resource"] == "*" || texts(&statement["Resource"]).contains(&"*".to_owned());
                let changes =
                    action.starts_with("iam:") && !action.starts_with("iam:Get") && !action.starts_with("iam:List");
                assert!(!(changes && whole), "{name} lets {action} be done to anything");
                // The server itself asks for it: nothing of AWS Backup is on the way.
                assert!(action != "kms:DescribeKey" || statement.get("Condition").is_none(), "{name}: {action}");
                let Some(wanted) = conditions.get(action.as_str()) else { continue };
                for [operator, key] in wanted {
                    let condition = &statement["Condition"][operator][key];
                    assert!(!texts(condition).is_empty(), "{name} grants {action} without {operator} of {key}");
                }
                seen.insert(action);
            }
        }
    }
    assert_eq!(seen.len(), conditions.len(), "{seen:?}");
}

#[tokio::test]
async fn a_role_can_be_given_the_policies_that_ensure_service_role_attaches_and_no_other() {
    let world = World::start().await;
    let request = EnsureServiceRoleRequest {
        role: "every-AWSBackup-type".into(),
        resource_types: ["RDS", "S3"].map(Into::into).to_vec(),
        ..Default::default()
    };
    let answer = world.accounts().ensure_service_role(request).await.unwrap().into_inner();
    let attached: BTreeSet<String> = answer.role.unwrap().attached_policy_arns.into_iter().collect();
    let policy = read(Path::new(POLICY));
    let mut statements = policy["Statement"].as_array().unwrap().iter();
    let attach = statements.find(|statement| statement["Action"] == "iam:AttachRolePolicy").unwrap();
    let allowed: BTreeSet<String> = texts(&attach["Condition"]["ArnEquals"]["iam:PolicyARN"]).into_iter().collect();
    assert_eq!(allowed, attached);
}

#[test]
fn operations_md_says_which_sample_is_for_whom() {
    let page = fs::read_to_string("docs/operations.md").unwrap();
    let silent: Vec<_> =
        sample_names().into_iter().filter(|name| !page.contains(&format!("(samples/{name})"))).collect();
    assert!(silent.is_empty(), "docs/operations.md does not name {silent:?}");
}

/// By the name of its file: the policy for reads alone, and one for each service that needs anything of AWS.
fn narrower() -> BTreeMap<String, String> {
    let whole = read(Path::new(POLICY));
    let reads = reads();
    let named =
        comments().into_iter().filter(|(rpc, _)| reads.contains(rpc)).flat_map(|(_, actions)| actions).collect();
    let mut policies = BTreeMap::from([("iam-policy-read-only.json".to_owned(), narrowed(&whole, &named))]);
    for (service, text) in services() {
        let named: BTreeSet<String> = comments_in(&[text]).into_values().flatten().collect();
        // Everybody may ask who he is.
        if named.iter().any(|action| action != "sts:GetCallerIdentity") {
            policies.insert(format!("iam-policy-{service}.json"), narrowed(&whole, &named));
        }
    }
    policies
}

/// What is left of the whole policy when only that is granted.
fn narrowed(whole: &Value, granted: &BTreeSet<String>) -> String {
    let mut statements = Vec::new();
    for statement in whole["Statement"].as_array().unwrap() {
        let mut actions = texts(&statement["Action"]);
        actions.retain(|action| granted.contains(action));
        if !actions.is_empty() {
            let mut text = String::from("    {\n");
            writeln!(text, "      \"Sid\": {},", statement["Sid"]).unwrap();
            writeln!(text, "      \"Effect\": {},", statement["Effect"]).unwrap();
            let actions = if let [one] = &actions[..] { Value::from(one.clone()) } else { Value::from(actions) };
            write!(text, "      \"Action\": {}", indented(&actions)).unwrap();
            for member in ["Resource", "Condition"] {
                if let Some(value) = statement.get(member) {
                    write!(text, ",\n      \"{member}\": {}", indented(value)).unwrap();
                }
            }
            text.push_str("\n    }");
            statements.push(text);
        }
    }
    format!("{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n{}\n  ]\n}}\n", statements.join(",\n"))
}

fn indented(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap().replace('\n', "\n      ")
}

/// Of each service, as `vault` of `vault_service.proto`: its file.
fn services() -> BTreeMap<String, String> {
    let mut services = BTreeMap::new();
    for entry in fs::read_dir("proto/strongroom/v1").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(service) = name.strip_suffix("_service.proto") {
            services.insert(service.replace('_', "-"), fs::read_to_string(&path).unwrap());
        }
    }
    assert!(services.len() > 5, "{services:?}");
    services
}

/// The RPCs without side effects.
fn reads() -> BTreeSet<String> {
    let mut reads = BTreeSet::new();
    for text in services().into_values() {
        for rpc in text.split("\n  rpc ").skip(1) {
            let (name, rest) = rpc.split_once('(').unwrap();
            let end = rest.find(['{', ';']).unwrap();
            if rest[end..].starts_with('{') && rest.split('}').next().unwrap().contains("NO_SIDE_EFFECTS") {
                reads.insert(name.to_owned());
            }
        }
    }
    assert!(reads.len() > 15 && reads.contains("ListVaults") && !reads.contains("CreateVault"), "{reads:?}");
    reads
}

fn sample_names() -> BTreeSet<String> {
    let names = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("iam-policy")).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn actions_of(policy: &Value) -> BTreeSet<String> {
    policy["Statement"].as_array().unwrap().iter().flat_map(|statement| texts(&statement["Action"])).collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    }
}
