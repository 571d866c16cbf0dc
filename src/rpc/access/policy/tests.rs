use std::collections::BTreeMap;

use super::*;
use crate::proto::descriptors;
use crate::rpc::access::{things::Facts, touched::saying_nothing};

fn known(name: &str, groups: &[&str]) -> Known {
    Known {
        name: name.to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        authentication: Authentication::Token,
        person: crate::domain::Person::Subject,
        issuer: Some("https://issuer.example".to_owned()),
        certificate: None,
        until: None,
    }
}

fn database(name: &str, tags: &[(&str, &str)]) -> Thing {
    let tags: BTreeMap<String, String> = tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    Thing {
        noun: Noun::Database,
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        id: format!("arn:aws:rds:us-east-1:123456789012:db:{name}"),
        name: name.to_owned(),
        facts: Facts::tagged(tags, "owner"),
    }
}

fn policies(text: &str) -> Policies {
    Files::text(text).read().unwrap()
}

fn faults(text: &str) -> Vec<String> {
    match Files::text(text).read() {
        Err(PolicyFault::Faults(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

fn decide(policies: &Policies, caller: &Known, action: &str, thing: &Thing) -> Decision {
    policies.decide(caller, action, thing, saying_nothing(action))
}

fn permitted(by: &[&str]) -> Decision {
    let by = by.iter().map(|&id| format!("test.cedar:{id}")).collect();
    Decision::Permitted { by, marks: Marks::default() }
}

fn denied(by: &[&str]) -> Decision {
    Decision::Denied { by: by.iter().map(|&id| format!("test.cedar:{id}")).collect() }
}

fn broken(by: &[&str]) -> Decision {
    Decision::Broken { policies: by.iter().map(|&id| format!("test.cedar:{id}")).collect() }
}

const TEAMS: &str = r#"
    @id("teams")
    permit (principal in Strongroom::Group::"corp:orders", action in [Strongroom::Action::"read", Strongroom::Action::"operate"], resource)
    when { resource has owner && resource.owner == "orders" };
"#;

#[test]
fn the_schema_is_one_that_cedar_takes_and_has_an_action_for_every_rpc_but_those_that_everybody_may_call() {
    let schema = schema().unwrap();
    let actions: BTreeSet<String> = schema.actions().map(|action| action.id().unescaped().to_owned()).collect();
    let open = ["WhoAmI"];
    for path in descriptors::methods().into_iter().chain(descriptors::streams()) {
        let name = path.rsplit('/').next().unwrap();
        assert_ne!(actions.contains(name), open.contains(&name), "{path}: give it an action_group");
    }
}

#[test]
fn a_team_may_what_is_tagged_as_its_own_and_nothing_else() {
    let set = policies(TEAMS);
    let (orders, billing) = (known("corp:ada", &["corp:orders"]), known("corp:eve", &["corp:billing"]));
    let own = database("orders", &[("owner", "orders")]);
    assert_eq!(decide(&set, &orders, "StartBackup", &own), permitted(&["teams"]));
    assert_eq!(decide(&set, &orders, "GetResource", &own), permitted(&["teams"]));
    assert_eq!(decide(&set, &orders, "TagResource", &own), denied(&[]), "which is administering");
    assert_eq!(decide(&set, &billing, "StartBackup", &own), denied(&[]));
    for other in [database("billing", &[("owner", "billing")]), database("nobody", &[])] {
        assert_eq!(decide(&set, &orders, "GetResource", &other), denied(&[]));
    }
}

#[test]
fn what_is_not_known_of_a_thing_is_no_permission() {
    let set = policies(TEAMS);
    let orders = known("corp:ada", &["corp:orders"]);
    let unknown = Thing { facts: Facts::default(), ..database("orders", &[]) };
    assert_eq!(decide(&set, &orders, "GetResource", &unknown), denied(&[]));
}

#[test]
fn a_forbid_that_asks_for_what_is_not_known_denies() {
    let set = policies(
        r#"
        permit (principal, action, resource);
        @id("hands-off")
        forbid (principal, action in Strongroom::Action::"operate", resource is Strongroom::Database)
        when { resource.hasTag("frozen") };
    "#,
    );
    let ada = known("corp:ada", &[]);
    let unknown = Thing { facts: Facts::default(), ..database("orders", &[]) };
    assert_eq!(decide(&set, &ada, "StartBackup", &unknown), broken(&["hands-off"]));
    assert_eq!(decide(&set, &ada, "StartBackup", &database("orders", &[])), permitted(&["1"]));
    assert_eq!(decide(&set, &ada, "StartBackup", &database("orders", &[("frozen", "")])), denied(&["hands-off"]));
    // What it is not about is decided without it.
    assert_eq!(decide(&set, &ada, "GetResource", &unknown), permitted(&["1"]));
}

#[test]
fn a_forbid_that_cannot_be_evaluated_denies_and_a_permit_that_cannot_permits_nothing() {
    // A number that runs over is what validation cannot see.
    let overflow = "9223372036854775807 + context.page_size > 0";
    let forbids = policies(&format!(
        r#"
        permit (principal, action, resource);
        @id("runs-over")
        forbid (principal, action == Strongroom::Action::"ListVaults", resource) when {{ {overflow} }};
    "#
    ));
    let ada = known("corp:ada", &[]);
    let region =
        crate::rpc::access::picture::region(&Scope { account: AccountId::example(), region: RegionName::example() });
    let saying: Saying = [("page_size".to_owned(), serde_json::json!(1))].into_iter().collect();
    assert_eq!(forbids.decide(&ada, "ListVaults", &region, &saying), broken(&["runs-over"]));
    let permits = policies(&format!(
        r#"
        @id("runs-over")
        permit (principal, action == Strongroom::Action::"ListVaults", resource) when {{ {overflow} }};
    "#
    ));
    assert_eq!(permits.decide(&ada, "ListVaults", &region, &saying), denied(&[]));
}

#[test]
fn of_policies_that_contradict_each_other_the_one_that_forbids_holds() {
    let set = policies(
        r#"
        @id("all")
        permit (principal, action, resource);
        @id("none")
        forbid (principal, action, resource);
    "#,
    );
    assert_eq!(decide(&set, &known("corp:ada", &[]), "GetResource", &database("orders", &[])), denied(&["none"]));
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let found = faults("permit (principal, action, resource)\nwhen { true }\n\npermit (oops);");
    assert!(found.iter().all(|fault| fault.starts_with("test.cedar: line ")), "{found:?}");
    let found = faults(
        r#"
        @id("absent")
        permit (principal, action, resource is Strongroom::Database) when { resource.owner == "orders" };
        @id("misspelt")
        permit (principal, action == Strongroom::Action::"DeleteVaults", resource);
    "#,
    );
    assert!(
        found.iter().any(|fault| fault.contains("test.cedar:absent")),
        "an attribute that may be absent: {found:?}"
    );
    assert!(found.iter().any(|fault| fault.contains("test.cedar:misspelt")), "{found:?}");
    let found = faults(
        "@id(\"one\") permit (principal, action, resource);\n@id(\"one\") forbid (principal, action, resource);",
    );
    assert_eq!(found, ["test.cedar:one: there are two policies of this id"]);
    let found = faults("permit (principal == ?principal, action, resource);");
    assert!(found[0].contains("template"), "{found:?}");
}

#[test]
fn who_may_read_everything_is_told_apart_from_who_may_read_what_policies_choose() {
    let whole =
        |text: &str| policies(text).permits_all(&known("corp:ada", &["corp:orders"]), "GetResource", Noun::Database);
    assert!(whole("permit (principal, action, resource);"));
    assert!(whole(
        r#"permit (principal in Strongroom::Group::"corp:orders", action in Strongroom::Action::"read", resource);"#
    ));
    assert!(!whole(TEAMS));
    assert!(!whole(r#"permit (principal in Strongroom::Group::"corp:others", action, resource);"#));
    let names = r#"permit (principal, action, resource);
        forbid (principal, action, resource is Strongroom::Database) when { resource.name like "secret-*" };"#;
    assert!(!whole(names));
    assert!(!whole(r#"permit (principal, action, resource in Strongroom::Account::"123456789012");"#));
}

#[test]
fn policies_of_other_callers_and_actions_are_never_asked() {
    let many: String = (0..1_000)
        .map(|number| {
            format!(
                "permit (principal in Strongroom::Group::\"corp:team-{number}\", action in Strongroom::Action::\"read\", resource) \
                 when {{ resource has owner && resource.owner == \"team-{number}\" }};\n"
            )
        })
        .collect();
    let set = policies(&(many + TEAMS));
    let orders = known("corp:ada", &["corp:orders", "corp:team-7"]);
    assert_eq!(
        set.index.policies(&orders, "GetResource", Noun::Database, &BTreeSet::new()).unwrap().num_of_policies(),
        2
    );
    assert_eq!(set.index.policies(&orders, "DeletePlan", Noun::Plan, &BTreeSet::new()).unwrap().num_of_policies(), 0);
}

#[test]
fn what_policies_say_of_a_second_person_is_told_with_the_decision() {
    let said = r#"
        @id("all") permit (principal, action == Strongroom::Action::"DeletePlan", resource);
        @id("two") @approval("required")
        permit (principal in Strongroom::Group::"corp:night", action in Strongroom::Action::"destroy", resource);
        @id("glass") @approval("break-glass")
        permit (principal in Strongroom::Group::"corp:officers", action in Strongroom::Action::"destroy", resource);
    "#;
    let policies = Files::text(said).read().unwrap();
    let plan = Thing { noun: Noun::Plan, ..database("nightly", &[]) };
    let marks = |groups: &[&str]| match policies.decide(
        &known("corp:ada", groups),
        "DeletePlan",
        &plan,
        saying_nothing("DeletePlan"),
    ) {
        Decision::Permitted { marks, .. } => marks,
        other => panic!("{other:?}"),
    };
    assert_eq!(marks(&[]), Marks::default());
    assert_eq!(marks(&["corp:night"]), Marks { required: true, break_glass: Vec::new() });
    let both = Marks { required: true, break_glass: vec!["test.cedar:glass".to_owned()] };
    assert_eq!(marks(&["corp:night", "corp:officers"]), both);
}

#[test]
fn a_mark_that_asks_for_what_cannot_be_had_is_a_fault() {
    let fault = |text: &str| Files::text(text).read().map(drop).unwrap_err().to_string();
    let unknown = fault("@id(\"a\") @approval(\"perhaps\") permit (principal, action, resource);");
    assert!(unknown.contains("test.cedar:a: @approval(\"perhaps\")"), "{unknown}");
    let forbids = fault("@approval(\"required\") forbid (principal, action, resource);");
    assert!(forbids.contains("stands on a forbid"), "{forbids}");
    let wide = fault("@approval(\"required\") permit (principal, action, resource);");
    assert!(wide.contains("StartBackup") && !wide.contains("GetVault,"), "{wide}");
    let narrow = "@approval(\"required\") permit (principal, action in Strongroom::Action::\"destroy\", resource);";
    assert!(Files::text(narrow).read().is_ok());
    assert!(Files::text("@approval(\"break-glass\") permit (principal, action, resource);").read().is_ok());
}
