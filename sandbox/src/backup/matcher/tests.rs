use proptest::prelude::*;

use super::*;

const DB: &str = "arn:aws:rds:us-east-1:123456789012:db:orders";
const CLUSTER: &str = "arn:aws:rds:us-east-1:123456789012:cluster:ledger";

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn list(pairs: &[(&str, &str)]) -> Vec<TagEquals> {
    pairs
        .iter()
        .map(|(key, value)| TagEquals {
            condition_type: "STRINGEQUALS".to_owned(),
            condition_key: (*key).to_owned(),
            condition_value: (*value).to_owned(),
        })
        .collect()
}

fn tests(pairs: &[(&str, &str)]) -> Vec<TagTest> {
    pairs
        .iter()
        .map(|(key, value)| TagTest {
            condition_key: format!("{TAG_KEY_PREFIX}{key}"),
            condition_value: (*value).to_owned(),
        })
        .collect()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn takes(criteria: &Criteria, arn: &str, pairs: &[(&str, &str)]) -> bool {
    let tags = tags(pairs);
    let resource_type = if arn == DB { "RDS" } else { "Aurora" };
    selects(criteria, &Resource { arn, resource_type, tags: Some(&tags) }, true)
}

fn takes_opted_out(criteria: &Criteria, arn: &str, pairs: &[(&str, &str)]) -> bool {
    let tags = tags(pairs);
    selects(criteria, &Resource { arn, resource_type: "RDS", tags: Some(&tags) }, false)
}

#[test]
fn list_of_tags_is_or() {
    let criteria = Criteria { list_of_tags: list(&[("env", "prod"), ("tier", "db")]), ..Criteria::default() };
    assert!(takes(&criteria, DB, &[("env", "prod")]));
    assert!(takes(&criteria, DB, &[("tier", "db"), ("env", "test")]));
    assert!(!takes(&criteria, DB, &[("env", "Prod")]), "values compare with case");
    assert!(!takes(&criteria, DB, &[("Env", "prod")]), "keys compare with case");
    assert!(!takes(&criteria, DB, &[]));
}

#[test]
fn conditions_are_and() {
    let conditions = Conditions { string_equals: tests(&[("env", "prod"), ("tier", "db")]), ..Conditions::default() };
    let criteria = Criteria { resources: texts(&["*"]), conditions, ..Criteria::default() };
    assert!(takes(&criteria, DB, &[("env", "prod"), ("tier", "db")]));
    assert!(!takes(&criteria, DB, &[("env", "prod")]));
    assert!(!takes(&criteria, DB, &[]));
}

#[test]
fn resources_and_list_of_tags_are_or() {
    let criteria =
        Criteria { resources: texts(&[CLUSTER]), list_of_tags: list(&[("backup", "yes")]), ..Criteria::default() };
    assert!(takes(&criteria, CLUSTER, &[]));
    assert!(takes(&criteria, DB, &[("backup", "yes")]));
    assert!(!takes(&criteria, DB, &[]));
}

#[test]
fn conditions_narrow_resources_and_tags_alike() {
    let criteria = Criteria {
        resources: texts(&["arn:aws:rds:*:*:cluster:*"]),
        list_of_tags: list(&[("backup", "true")]),
        conditions: Conditions { string_not_equals: tests(&[("stage", "test")]), ..Conditions::default() },
        ..Criteria::default()
    };
    assert!(takes(&criteria, CLUSTER, &[]));
    assert!(!takes(&criteria, CLUSTER, &[("stage", "test")]));
    assert!(takes(&criteria, DB, &[("backup", "true"), ("stage", "live")]));
    assert!(!takes(&criteria, DB, &[("backup", "true"), ("stage", "test")]));
}

#[test]
fn a_missing_tag_fails_the_tests_and_passes_their_negations() {
    for (conditions, expected) in [
        (Conditions { string_equals: tests(&[("stage", "a")]), ..Conditions::default() }, false),
        (Conditions { string_like: tests(&[("stage", "*")]), ..Conditions::default() }, false),
        (Conditions { string_not_equals: tests(&[("stage", "a")]), ..Conditions::default() }, true),
        (Conditions { string_not_like: tests(&[("stage", "*")]), ..Conditions::default() }, true),
    ] {
        let criteria = Criteria { conditions, ..Criteria::default() };
        assert_eq!(takes(&criteria, DB, &[("other", "a")]), expected, "{criteria:?}");
        assert_eq!(selects(&criteria, &Resource { arn: DB, resource_type: "RDS", tags: None }, true), expected);
    }
}

#[test]
fn not_resources_win() {
    let criteria = Criteria {
        resources: texts(&[DB, "*"]),
        list_of_tags: list(&[("backup", "yes")]),
        not_resources: texts(&["arn:aws:rds:*:*:db:ord*"]),
        ..Criteria::default()
    };
    assert!(!takes(&criteria, DB, &[("backup", "yes")]));
    assert!(takes(&criteria, CLUSTER, &[]));
}

#[test]
fn an_empty_selection_takes_everything_that_is_opted_in() {
    assert!(takes(&Criteria::default(), DB, &[]));
    assert!(!takes_opted_out(&Criteria::default(), DB, &[]));
}

#[test]
fn rds_patterns_take_instances_clusters_or_both() {
    for (pattern, db, cluster) in [
        ("arn:aws:rds:*:*:db:*", true, false),
        ("arn:aws:rds:*:*:cluster:*", false, true),
        ("arn:aws:rds:*", true, true),
        ("*", true, true),
        (DB, true, false),
        ("arn:aws:rds:us-east-1:123456789012:db:ord", false, false),
        ("arn:aws:rds:us-east-1:*:orders", true, false),
        ("arn:aws:ec2:*", false, false),
    ] {
        let criteria = Criteria { resources: texts(&[pattern]), ..Criteria::default() };
        assert_eq!((takes(&criteria, DB, &[]), takes(&criteria, CLUSTER, &[])), (db, cluster), "{pattern}");
    }
}

#[test]
fn opt_in_is_not_asked_when_the_type_is_named() {
    for (pattern, named) in [
        (DB, true),
        (CLUSTER, true),
        ("arn:aws:rds:*:*:db:*", true),
        ("arn:aws:ec2:*:*:instance/*", true),
        ("arn:aws:rds:*:*:cluster:*", false),
        ("arn:aws:fsx:*:*:file-system/*", false),
        ("arn:aws:ec2:*", false),
        ("arn:aws:rds:*:*:*", false),
        ("arn:aws:rds:*:*:d*:x", false),
        ("arn:aws:*:*:*:db:*", false),
        ("*", false),
    ] {
        assert_eq!(names_its_type(pattern), named, "{pattern}");
    }
    let named = |resource_type| {
        let criteria = Criteria { resources: texts(&[CLUSTER]), ..Criteria::default() };
        selects(&criteria, &Resource { arn: CLUSTER, resource_type, tags: None }, false)
    };
    assert!(named("RDS"), "a Multi-AZ cluster");
    for heeds in ["Aurora", "Neptune", "DocumentDB"] {
        assert!(!named(heeds), "{heeds}, even where its ARN is named");
    }
    let by_tag = Criteria { list_of_tags: list(&[("a", "b")]), ..Criteria::default() };
    assert!(!takes_opted_out(&by_tag, DB, &[("a", "b")]));
    let both = Criteria { resources: texts(&["*", "arn:aws:rds:*:*:db:*"]), ..by_tag };
    assert!(takes_opted_out(&both, DB, &[("a", "b")]), "type and tags together: the type takes priority");
}

#[test]
fn like_takes_no_white_space() {
    for (pattern, value, expected) in [
        ("prod*", "production", true),
        ("*prod", "preprod", true),
        ("*ro*", "production", true),
        ("*", "", true),
        ("*", "two words", false),
        ("two *", "two words", true),
        ("two*", "two words", false),
        ("* *", "two words", true),
        ("* *", "three more words", false),
        ("p?od", "prod", false),
        ("p?od", "p?od", true),
        ("Prod*", "production", false),
        ("", "", true),
        ("", "a", false),
        ("é*", "été", true),
    ] {
        assert_eq!(matches_like(pattern, value), expected, "{pattern:?} on {value:?}");
    }
}

/// The definition, without regard to cost.
fn like_by_definition(pattern: &[char], value: &[char], any: bool) -> bool {
    match pattern.split_first() {
        None => value.is_empty(),
        Some(('*', rest)) => {
            like_by_definition(rest, value, any)
                || value.split_first().is_some_and(|(first, tail)| {
                    (any || !first.is_whitespace()) && like_by_definition(pattern, tail, any)
                })
        }
        Some((first, rest)) => value.first() == Some(first) && like_by_definition(rest, &value[1..], any),
    }
}

fn some_tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    proptest::collection::btree_map("[ab]", "[xy]", 0..3)
}

fn some_tests() -> impl Strategy<Value = Vec<TagTest>> {
    let test = ("[ab]", "[xy*]{1,2}")
        .prop_map(|(key, value)| TagTest { condition_key: format!("{TAG_KEY_PREFIX}{key}"), condition_value: value });
    proptest::collection::vec(test, 0..3)
}

pub(in crate::backup) fn some_criteria() -> impl Strategy<Value = Criteria> {
    let patterns =
        || proptest::collection::vec(prop::sample::select(&[DB, CLUSTER, "*", "arn:aws:rds:*:*:db:*"][..]), 0..2);
    let tags = proptest::collection::vec(("[ab]", "[xy]"), 0..3);
    (patterns(), patterns(), tags, some_tests(), some_tests(), some_tests(), some_tests()).prop_map(
        |(resources, not_resources, tags, string_equals, string_not_equals, string_like, string_not_like)| Criteria {
            resources: texts(&resources),
            not_resources: texts(&not_resources),
            list_of_tags: list(&tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>()),
            conditions: Conditions { string_equals, string_not_equals, string_like, string_not_like },
        },
    )
}

proptest! {
    #[test]
    fn stars_match_by_definition(pattern in "[ab *]{0,8}", value in "[ab ]{0,10}") {
        let (p, v): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
        prop_assert_eq!(matches_like(&pattern, &value), like_by_definition(&p, &v, false));
        prop_assert_eq!(matches_arn(&pattern, &value), like_by_definition(&p, &v, true));
    }

    #[test]
    fn one_more_condition_or_exclusion_never_selects_more(criteria in some_criteria(), tags in some_tags(), test in some_tests()) {
        let resource = Resource { arn: DB, resource_type: "RDS", tags: Some(&tags) };
        let mut narrower = criteria.clone();
        narrower.conditions.string_equals.extend(test.clone());
        narrower.conditions.string_not_like.extend(test);
        prop_assert!(selects(&criteria, &resource, true) || !selects(&narrower, &resource, true));
        narrower = criteria;
        narrower.not_resources.push(DB.to_owned());
        prop_assert!(!selects(&narrower, &resource, true));
    }

    #[test]
    fn opting_out_never_selects_more(criteria in some_criteria(), tags in some_tags()) {
        let resource = Resource { arn: DB, resource_type: "RDS", tags: Some(&tags) };
        prop_assert!(selects(&criteria, &resource, true) || !selects(&criteria, &resource, false));
    }

    #[test]
    fn a_condition_and_its_negation_part_the_resources(tags in some_tags(), test in some_tests()) {
        let resource = Resource { arn: DB, resource_type: "RDS", tags: Some(&tags) };
        for test in test {
            let like = Conditions { string_like: vec![test.clone()], ..Conditions::default() };
            let unlike = Conditions { string_not_like: vec![test], ..Conditions::default() };
            let takes = |conditions| selects(&Criteria { conditions, ..Criteria::default() }, &resource, true);
            prop_assert_ne!(takes(like), takes(unlike));
        }
    }
}
