use std::collections::BTreeMap;

use super::*;
use crate::domain::{AccountId, Arn, Operator, RegionName, ResourceType, Scope};

const DB: &str = "arn:aws:rds:eu-west-1:123456789012:db:orders";
const CLUSTER: &str = "arn:aws:rds:eu-west-1:123456789012:cluster:ledger";

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn condition(key: &str, operator: Operator, value: &str) -> TagCondition {
    TagCondition { key: key.into(), operator, value: value.into() }
}

fn all(conditions: &[TagCondition]) -> Criteria {
    Criteria { conditions: conditions.to_vec(), resources: vec![ResourcePattern::told("*")], ..Criteria::default() }
}

fn listed(patterns: &[&str]) -> Criteria {
    Criteria { resources: patterns.iter().map(|text| ResourcePattern::told(*text)).collect(), ..Criteria::default() }
}

fn eligibility(opted_out: &[&str]) -> Eligibility {
    let known = ["Aurora", "DynamoDB", "RDS", "S3"];
    Eligibility {
        scope: Scope {
            account: AccountId::parse("123456789012").unwrap(),
            region: RegionName::parse("eu-west-1").unwrap(),
        },
        supported: known.map(str::to_owned).into(),
        opt_in: known.map(|name| (name.to_owned(), !opted_out.contains(&name))).into(),
    }
}

fn judge(criteria: &Criteria, arn: &str, pairs: &[(&str, &str)]) -> Verdict {
    let (arn, tags) = (Arn::parse(arn).unwrap(), tags(pairs));
    criteria.judge(&Candidate::of_arn(&arn, &tags), &eligibility(&[]))
}

/// Code, message and field of each mismatch.
fn told(verdict: &Verdict) -> Vec<(&str, &str, &str)> {
    assert_eq!(verdict.selected(), verdict.mismatches.is_empty());
    verdict.mismatches.iter().map(|it| (it.kind.code(), it.message.as_str(), it.field.as_str())).collect()
}

#[test]
fn a_tag_that_nearly_fits_is_told_with_both_values() {
    use Operator as O;
    for (wanted, pairs, code, message) in [
        (
            condition("Environment", O::Equals, "production"),
            &[("Environment", "Production")][..],
            "TAG_VALUE_DIFFERS_IN_CASE",
            r#"tag Environment is "Production", wanted "production""#,
        ),
        (
            condition("Environment", O::Equals, "production"),
            &[("Environment", "staging")],
            "TAG_VALUE_DIFFERS",
            r#"tag Environment is "staging", wanted "production""#,
        ),
        (
            condition("Environment", O::Equals, "production"),
            &[("Team", "orders")],
            "TAG_MISSING",
            r#"tag Environment is missing, wanted "production""#,
        ),
        (
            condition("Environment", O::Equals, "production"),
            &[("environment", "production")],
            "TAG_KEY_DIFFERS_IN_CASE",
            r#"tag Environment is missing, wanted "production"; tag environment, whose key differs in case, is "production""#,
        ),
        (
            condition("Environment", O::Equals, "production"),
            &[("environment", "test")],
            "TAG_MISSING",
            r#"tag Environment is missing, wanted "production"; tag environment, whose key differs in case, is "test""#,
        ),
        (
            condition("Name", O::Like, "Prod*"),
            &[("Name", "prod-1")],
            "TAG_VALUE_DIFFERS_IN_CASE",
            r#"tag Name is "prod-1", wanted like "Prod*""#,
        ),
        (
            condition("Name", O::Like, "two*"),
            &[("Name", "two words")],
            "TAG_VALUE_DIFFERS",
            r#"tag Name is "two words", wanted like "two*", where * takes no white space"#,
        ),
        (
            condition("Stage", O::NotEquals, "test"),
            &[("Stage", "test")],
            "TAG_EXCLUDES",
            r#"tag Stage is "test", wanted anything but "test""#,
        ),
        (
            condition("Stage", O::NotLike, "te*"),
            &[("Stage", "test")],
            "TAG_EXCLUDES",
            r#"tag Stage is "test", wanted nothing like "te*""#,
        ),
    ] {
        let verdict = judge(&all(&[wanted]), DB, pairs);
        assert_eq!(told(&verdict), [(code, message, "conditions[0]")]);
        assert!(verdict.near_miss);
    }
}

#[test]
fn every_reason_is_told_and_a_far_cry_is_no_near_miss() {
    let mut criteria = all(&[
        condition("Environment", Operator::Equals, "production"),
        condition("Team", Operator::Equals, "orders"),
        condition("Stage", Operator::NotEquals, "test"),
    ]);
    criteria.excluded = vec![ResourcePattern::told("arn:aws:rds:*:*:db:ord*")];
    let verdict = judge(&criteria, DB, &[("Environment", "dev")]);
    let codes: Vec<_> = told(&verdict).into_iter().map(|(code, _, field)| (code, field)).collect();
    assert_eq!(
        codes,
        [
            ("TAG_VALUE_DIFFERS", "conditions[0]"),
            ("TAG_MISSING", "conditions[1]"),
            ("RESOURCE_EXCLUDED", "excluded_resources[0]")
        ]
    );
    assert!(!verdict.near_miss);
    criteria.conditions.remove(1);
    assert!(judge(&criteria, DB, &[("Environment", "dev")]).near_miss);
}

#[test]
fn of_any_conditions_one_is_enough_and_each_says_why_it_fails() {
    let conditions = vec![condition("env", Operator::Equals, "prod"), condition("tier", Operator::Equals, "db")];
    let criteria = Criteria {
        matching: Match::Any,
        conditions,
        resources: vec![ResourcePattern::told(CLUSTER)],
        ..Criteria::default()
    };
    let by = |arn, pairs: &[(&str, &str)]| judge(&criteria, arn, pairs).selected_by;
    assert_eq!(by(DB, &[("tier", "db")]).unwrap(), r#"conditions[1] tag tier = "db""#);
    assert_eq!(by(CLUSTER, &[]).unwrap(), format!("resources[0] \"{CLUSTER}\""));
    let verdict = judge(&criteria, DB, &[("env", "Prod")]);
    let codes: Vec<_> = told(&verdict).into_iter().map(|(code, _, field)| (code, field)).collect();
    assert_eq!(
        codes,
        [
            ("ARN_NOT_LISTED", "resources"),
            ("TAG_VALUE_DIFFERS_IN_CASE", "conditions[0]"),
            ("TAG_MISSING", "conditions[1]")
        ]
    );
    assert!(verdict.near_miss, "the case of one letter");
    assert!(!judge(&criteria, DB, &[]).near_miss, "another database altogether");
}

/// Only other tools make selections with both lists.
#[test]
fn both_lists_of_tags_narrow_each_other() {
    let criteria = Criteria {
        conditions: vec![condition("stage", Operator::NotEquals, "test")],
        any_conditions: vec![condition("backup", Operator::Equals, "true")],
        resources: vec![ResourcePattern::told("arn:aws:rds:*:*:cluster:*")],
        ..Criteria::default()
    };
    assert!(judge(&criteria, CLUSTER, &[]).selected());
    assert!(!judge(&criteria, CLUSTER, &[("stage", "test")]).selected());
    let by = judge(&criteria, DB, &[("backup", "true")]).selected_by.unwrap();
    assert_eq!(by, r#"any_conditions[0] tag backup = "true", and every condition holds"#);
    let verdict = judge(&criteria, DB, &[("backup", "true"), ("stage", "test")]);
    assert_eq!(told(&verdict)[0].2, "conditions[0]");
    assert!(judge(&Criteria { resources: Vec::new(), ..criteria }, DB, &[]).mismatches[0].field == "any_conditions[0]");
}

#[test]
fn an_arn_in_other_letters_is_a_near_miss() {
    let verdict = judge(&listed(&["arn:aws:rds:eu-west-1:123456789012:db:Orders"]), DB, &[]);
    assert_eq!(
        told(&verdict),
        [(
            "ARN_DIFFERS_IN_CASE",
            "\"arn:aws:rds:eu-west-1:123456789012:db:Orders\" differs from arn:aws:rds:eu-west-1:123456789012:db:orders \
             in the case of letters, which counts",
            "resources[0]"
        )]
    );
    assert!(verdict.near_miss);
}

#[test]
fn opt_in_is_asked_unless_the_type_is_named() {
    let (arn, none) = (Arn::parse(DB).unwrap(), tags(&[]));
    let candidate = Candidate::of_arn(&arn, &none);
    for (patterns, selected) in [
        (&["*"][..], false),
        (&["arn:aws:rds:*"], false),
        (&["arn:aws:rds:*:*:*"], false),
        (&["arn:aws:rds:*:*:db:*"], true),
        (&[DB], true),
        (&["*", DB], true),
        (&["*", "arn:aws:dynamodb:*:*:table/*"], false),
    ] {
        let verdict = listed(patterns).judge(&candidate, &eligibility(&["RDS"]));
        assert_eq!(verdict.selected(), selected, "{patterns:?}");
        if !selected {
            let [("RESOURCE_TYPE_OPTED_OUT", message, "")] = told(&verdict)[..] else { panic!("{verdict:?}") };
            assert!(message.starts_with("the settings of eu-west-1 opt out of RDS"), "{message}");
        }
    }
    let arn = Arn::parse(CLUSTER).unwrap();
    let candidate = Candidate::of_arn(&arn, &none);
    let aurora = |patterns| listed(patterns).judge(&candidate, &eligibility(&["Aurora"])).selected();
    assert!(!aurora(&["arn:aws:rds:*:*:cluster:*"]), "a format that several types share names none of them");
    assert!(!aurora(&[CLUSTER]), "of Aurora the opt-in counts even where its ARN is named");
}

#[test]
fn what_no_selection_can_take_says_so() {
    let everything = listed(&["*"]);
    let codes = |arn| {
        let verdict = judge(&everything, arn, &[]);
        verdict.mismatches.iter().map(|it| it.kind.code()).collect::<Vec<_>>()
    };
    assert_eq!(codes("arn:aws:rds:us-east-1:123456789012:db:orders"), ["RESOURCE_OUT_OF_SCOPE"]);
    assert_eq!(codes("arn:aws:rds:eu-west-1:999999999999:db:orders"), ["RESOURCE_OUT_OF_SCOPE"]);
    assert_eq!(codes("arn:aws:s3:::bucket"), [""; 0], "a bucket's ARN tells neither account nor region");
    assert_eq!(codes("arn:aws:sqs:eu-west-1:123456789012:queue"), ["RESOURCE_TYPE_NOT_SUPPORTED"]);
    assert_eq!(codes("arn:aws:eks:eu-west-1:123456789012:cluster/c"), ["RESOURCE_TYPE_NOT_SUPPORTED"]);
    let none = tags(&[]);
    let member = Candidate { arn: DB, resource_type: Some(ResourceType::AURORA), tags: &none, cluster: Some("ledger") };
    let verdict = everything.judge(&member, &eligibility(&[]));
    assert_eq!(
        told(&verdict),
        [(
            "CLUSTER_MEMBER",
            "is an instance of cluster ledger: AWS Backup backs up the cluster, not its instances",
            ""
        )]
    );
}
