//! What is wrong with tags is said alike by every RPC that takes some: one reason, one place, the same words.

use std::collections::BTreeSet;

use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use strongroom::proto::{CreatePlanRequest, CreateVaultRequest, ListTagsRequest, Rule};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    cli::run,
    every_change::{method, send},
    harness::{LABS, World, reason},
    shapes::methods,
};

/// A field of a request that takes tags: the path to it, with a message at each step.
struct Place {
    rpc: String,
    path: Vec<(String, bool)>,
}

impl Place {
    /// As faults name it.
    fn field(&self) -> String {
        let steps = self.path.iter().map(|(name, list)| if *list { format!("{name}[0]") } else { name.clone() });
        steps.collect::<Vec<_>>().join(".")
    }

    /// A request with nothing but the tags: what it lacks besides is told beside what is wrong with them.
    fn request(&self, tags: Value) -> Value {
        self.path
            .iter()
            .rev()
            .fold(tags, |inner, (name, list)| json!({ name: if *list { json!([inner]) } else { inner } }))
    }
}

/// Every map of texts in a request whose name says that it holds tags.
fn places() -> Vec<Place> {
    fn walk(rpc: &str, of: &MessageDescriptor, above: &[(String, bool)], found: &mut Vec<Place>) {
        for field in of.fields() {
            let path = [above, &[(field.name().to_owned(), field.is_list())]].concat();
            match field.kind() {
                Kind::Message(_) if field.is_map() && field.name().ends_with("tags") => {
                    found.push(Place { rpc: rpc.to_owned(), path });
                }
                Kind::Message(inner) if !field.is_map() && inner.package_name() == "strongroom.v1" => {
                    walk(rpc, &inner, &path, found);
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    for method in methods() {
        walk(method.name(), &method.input(), &[], &mut found);
    }
    found
}

fn faults(refused: &Status) -> Vec<(String, String)> {
    assert_eq!(reason(refused), (Code::InvalidArgument, "INVALID_REQUEST".into()), "{refused:?}");
    let bad = refused.get_details_bad_request().unwrap();
    bad.field_violations.into_iter().map(|fault| (fault.field, fault.description)).collect()
}

async fn refused(world: &World, rpc: &str, request: Value) -> Vec<(String, String)> {
    let method = methods().into_iter().find(|method| method.name() == rpc).unwrap();
    let Err(refused) = send(world, &method, request, false).await else { panic!("{rpc} takes it") };
    faults(&refused)
}

fn many(count: usize) -> Value {
    (0..count).map(|number| (format!("key-{number}"), json!(""))).collect::<Map<_, _>>().into()
}

#[tokio::test]
async fn every_request_with_tags_refuses_the_same_with_the_same_words() {
    let world = World::start().await;
    let places = places();
    let rpcs: BTreeSet<&str> = places.iter().map(|place| place.rpc.as_str()).collect();
    for expected in ["CreateVault", "CreatePlan", "UpdatePlan", "PreviewSchedule", "StartBackup", "TagResource"] {
        assert!(rpcs.contains(expected), "{rpcs:?} lack {expected}");
    }
    assert!(rpcs.contains("EnsureServiceRole"), "{rpcs:?}");
    for place in &places {
        let (rpc, field) = (place.rpc.as_str(), place.field());
        let most = if field.ends_with("recovery_point_tags") { 10 } else { 50 };
        let told = refused(&world, rpc, place.request(many(most + 1))).await;
        let words = format!("has {} tags: at most {most} are possible", most + 1);
        assert!(told.contains(&(field.clone(), words)), "{rpc}: {told:?}");
        let long = "v".repeat(257);
        let bad = json!({"": "", "aws:x": "", "AWS:y": "", "a#b": "", "c": "d;e", "f": long, "fine": "ä b+c=d"});
        let told = refused(&world, rpc, place.request(bad)).await;
        let of_tags: Vec<&(String, String)> =
            told.iter().filter(|(at, _)| at.starts_with(&format!("{field}["))).collect();
        let places: Vec<&str> = of_tags.iter().map(|(at, _)| at.as_str()).collect();
        let expected = ["", "AWS:y", "a#b", "aws:x", "c", "f"].map(|key| format!("{field}[\"{key}\"]"));
        assert_eq!(places, expected, "{rpc}");
        assert!(of_tags[1].1.contains("begins with aws:") && of_tags[2].1.contains("'#'"), "{rpc}: {of_tags:?}");
        assert!(of_tags[4].1.contains("\"d;e\"") && of_tags[5].1.contains("at most 256"), "{rpc}: {of_tags:?}");
    }
}

#[tokio::test]
async fn more_tags_than_a_resource_can_have_are_told_alike_whoever_keeps_them() {
    let world = World::start().await;
    let vault = CreateVaultRequest { name: "prod".into(), ..Default::default() };
    let vault = world.vaults().create_vault(vault).await.unwrap().into_inner().vault.unwrap().arn;
    let rule = Rule { name: "daily".into(), vault: "prod".into(), ..Default::default() };
    let plan = CreatePlanRequest { name: "nightly".into(), rules: vec![rule], ..Default::default() };
    let plan = world.plans().create_plan(plan).await.unwrap().into_inner().plan.unwrap().arn;
    let tag = method("TagResource");
    for resource in
        [LABS, "rdspg-fcj-labs", vault.as_str(), plan.as_str(), "arn:aws:dynamodb:us-east-1:123456789012:table/Orders"]
    {
        let of = |tags: Value, dry: bool| json!({"resource": resource, "tags": tags, "validate_only": dry});
        if resource != "rdspg-fcj-labs" {
            let list = ListTagsRequest { resource: resource.into(), ..Default::default() };
            let present = world.resources().list_tags(list).await.unwrap().into_inner().tags;
            send(&world, &tag, of(many(50 - present.len()), false), false).await.unwrap();
        }
        for dry in [true, false] {
            let told = faults(&send(&world, &tag, of(json!({"more": ""}), dry), false).await.unwrap_err());
            let words = "makes 51 tags with those that the resource has: at most 50 are possible";
            assert_eq!(told, [("tags".to_owned(), words.to_owned())], "{resource}");
            // What overwrites makes none more.
            send(&world, &tag, of(json!({"key-0": "other"}), dry), false).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_given_twice_is_refused_and_told_where() {
    let world = World::start().await;
    let keys = json!({"resource": LABS, "tag_keys": ["a", "b", "a", "b"]});
    let told = refused(&world, "UntagResource", keys).await;
    let twice = |field: &str, what: &str, first: u32| {
        (field.to_owned(), format!("is \"{what}\", which stands at [{first}] already: give it once"))
    };
    assert_eq!(told, [twice("tag_keys[2]", "a", 0), twice("tag_keys[3]", "b", 1)]);
    for rpc in ["EnsureServiceRole", "GetServiceRole"] {
        let told = refused(&world, rpc, json!({"resource_types": ["RDS", "S3", "RDS"]})).await;
        assert_eq!(told, [twice("resource_types[2]", "RDS", 0)], "{rpc}");
    }
    // IAM does not tell case apart, RDS does.
    let cases = json!({"Team": "a", "team": "b"});
    let told = refused(&world, "EnsureServiceRole", json!({"tags": cases})).await;
    assert_eq!(told[0].0, "tags[\"team\"]");
    send(&world, &method("TagResource"), json!({"resource": LABS, "tags": cases}), false).await.unwrap();
    let twice = run(&world, &["tag", "add", "rdspg-fcj-labs", "Environment=a", "Tier=gold", "Environment=b"]).await;
    assert_eq!(twice.code, 2, "{twice:?}");
    assert!(twice.err.contains("gives Environment twice: give each key once"), "{twice:?}");
    let of_rds =
        refused(&world, "TagResource", json!({"resource": "rdspg-fcj-labs", "tags": {"rds:x": "aws:y"}})).await;
    assert_eq!(of_rds[0].0, "tags[\"rds:x\"]");
}
