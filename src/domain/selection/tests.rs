use proptest::prelude::*;

use super::*;
use crate::domain::{AccountId, RegionName, Scope};

fn condition(key: &str, operator: Operator, value: &str) -> TagCondition {
    TagCondition { key: key.into(), operator, value: value.into() }
}

fn codes(criteria: &Criteria) -> Vec<&'static str> {
    let scope =
        Scope { account: AccountId::parse("123456789012").unwrap(), region: RegionName::parse("eu-west-1").unwrap() };
    criteria.findings(&scope, None).iter().map(|finding| finding.code).collect()
}

#[test]
fn neither_conditions_nor_resources_is_refused() {
    assert_eq!(Criteria::default().check().unwrap_err()[0].0, "conditions");
    let excluded_alone = Criteria { excluded: vec![ResourcePattern::told("*")], ..Criteria::default() };
    assert!(excluded_alone.check().is_err());
}

#[test]
fn any_takes_equality_alone_and_every_other_is_told() {
    let conditions = vec![
        condition("a", Operator::Equals, "1"),
        condition("b", Operator::Like, "1*"),
        condition("c", Operator::NotEquals, "1"),
    ];
    let all = Criteria { conditions, ..Criteria::default() };
    assert!(all.clone().check().is_ok());
    let faults = Criteria { matching: Match::Any, ..all }.check().unwrap_err();
    let at: Vec<_> = faults.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(at, ["conditions[1].operator", "conditions[2].operator"]);
}

#[test]
fn patterns_of_arns_are_told_from_other_text() {
    for good in [
        "*",
        "arn:aws:rds:eu-west-1:123456789012:db:orders",
        "arn:aws:rds:*:*:db:*",
        "arn:aws:rds:*",
        "arn:aws:fsx:*",
        "arn:aws:ec2:*:*:volume/vol-0*",
        "arn:*:rds:eu-west-1:123456789012:db:prod-*-main",
        "arn:aws:s3:::my-bucket-*",
    ] {
        assert_eq!(ResourcePattern::parse(good), Ok(ResourcePattern::told(good)));
    }
    for bad in
        ["", "**", "db:*", "arn:*", "arn:aws", "arn:gcp:x:*", "arn:aws:rds:*:*:", "arn:aws:rds:*:db", "arn:aws:r ds:*"]
    {
        assert!(ResourcePattern::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_star_makes_the_list_shorter() {
    let arns = |count: usize, last: &str| {
        let mut arns = vec!["arn:aws:rds:eu-west-1:123456789012:db:x".to_owned(); count - 1];
        arns.push(last.into());
        arns
    };
    assert_eq!(ResourcePattern::check_count(&arns(500, "arn:aws:s3:::b")), Ok(()));
    assert!(ResourcePattern::check_count(&arns(501, "arn:aws:s3:::b")).is_err());
    assert_eq!(ResourcePattern::check_count(&arns(30, "*")), Ok(()));
    assert_eq!(
        ResourcePattern::check_count(&arns(31, "*")).unwrap_err().0,
        "has 31 ARNs: at most 30 are possible when one has a *"
    );
    assert!(check_condition_count(30).is_ok() && check_condition_count(31).is_err());
}

#[test]
fn a_key_is_given_without_its_prefix() {
    let told = TagCondition::parse_key("aws:ResourceTag/Environment").unwrap_err().0;
    assert!(told.ends_with("give the tag key alone, \"Environment\""), "{told}");
    assert!(TagCondition::parse_key("aws:cloudformation:stack-name").is_ok());
    assert!(TagCondition::parse_key(&"x".repeat(129)).is_err());
    assert!(TagCondition::parse_value("").is_ok());
    assert!(TagCondition::parse_value(&"x".repeat(257)).is_err());
}

#[test]
fn everything_nothing_and_elsewhere_are_told() {
    let star = Criteria { resources: vec![ResourcePattern::told("*")], ..Criteria::default() };
    assert_eq!(codes(&star), ["SELECTS_EVERYTHING"]);
    let production = vec![condition("Environment", Operator::Equals, "production")];
    let narrowed = Criteria { conditions: production.clone(), ..star };
    assert_eq!(codes(&narrowed), [""; 0]);
    assert_eq!(codes(&Criteria { matching: Match::Any, ..narrowed }), ["SELECTS_EVERYTHING"]);

    let both = vec![production[0].clone(), condition("Environment", Operator::Equals, "staging")];
    let contradiction = Criteria { conditions: both, ..Criteria::default() };
    assert_eq!(codes(&contradiction), ["SELECTS_NOTHING"]);
    assert_eq!(codes(&Criteria { matching: Match::Any, ..contradiction }), [""; 0]);

    let literal = Criteria { conditions: vec![condition("a", Operator::Equals, "prod*")], ..Criteria::default() };
    assert_eq!(codes(&literal), ["STAR_COMPARED_LITERALLY"]);

    let elsewhere = Criteria {
        resources: ["arn:aws:rds:us-east-1:123456789012:db:x", "arn:aws:rds:*:*:db:*"]
            .map(ResourcePattern::told)
            .into(),
        excluded: vec![ResourcePattern::told("arn:aws:s3:::bucket")],
        ..Criteria::default()
    };
    assert_eq!(codes(&elsewhere), ["RESOURCE_OUT_OF_SCOPE"]);
}

#[test]
fn an_etag_changes_with_what_a_selection_says_and_not_with_the_order_of_it() {
    let scope =
        Scope { account: AccountId::parse("123456789012").unwrap(), region: RegionName::parse("eu-west-1").unwrap() };
    let (a, b) = (condition("a", Operator::Equals, "1"), condition("b", Operator::Like, "2*"));
    let arns = ["arn:aws:s3:::a", "arn:aws:s3:::b"].map(ResourcePattern::told);
    let criteria = Criteria { conditions: vec![a.clone(), b.clone()], resources: arns.to_vec(), ..Criteria::default() };
    let selection = Selection {
        id: "id".into(),
        name: "name".into(),
        scope,
        plan_id: "plan".into(),
        plan_arn: String::new(),
        role_arn: "role".into(),
        criteria: Some(criteria.clone()),
        created_at: None,
        request_id: String::new(),
    };
    let with = |criteria: Criteria| Selection { criteria: Some(criteria), ..selection.clone() };
    let [first, second] = arns.clone();
    let turned =
        Criteria { conditions: vec![b.clone(), a.clone()], resources: vec![second.clone(), first], ..criteria.clone() };
    assert_eq!(with(turned).etag(), selection.etag());
    let others = [
        with(Criteria { matching: Match::Any, ..criteria.clone() }),
        with(Criteria { conditions: vec![a.clone()], ..criteria.clone() }),
        with(Criteria { conditions: vec![a], any_conditions: vec![b], ..criteria.clone() }),
        with(Criteria { resources: vec![second], ..criteria.clone() }),
        with(Criteria { resources: Vec::new(), excluded: arns.to_vec(), ..criteria }),
        Selection { id: "other".into(), ..selection.clone() },
        Selection { role_arn: "other".into(), ..selection.clone() },
    ];
    let mut etags: Vec<_> = others.iter().chain([&selection]).map(|other| other.etag().unwrap()).collect();
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 8);
    assert_eq!(Selection { criteria: None, ..selection.clone() }.etag(), None);
    assert_eq!(Selection { id: String::new(), ..selection }.etag(), None);
}

#[test]
fn nothing_and_everything_of_now_are_told_unless_the_words_say_so_already() {
    let codes = |criteria: &Criteria, selected, left| -> Vec<_> {
        let scope = Scope {
            account: AccountId::parse("123456789012").unwrap(),
            region: RegionName::parse("eu-west-1").unwrap(),
        };
        let found = criteria.findings(&scope, Some(&Tally { selected, left, complete: true, ..Tally::default() }));
        found.into_iter().map(|finding| finding.code).collect()
    };
    let tagged = Criteria { conditions: vec![condition("a", Operator::Equals, "1")], ..Criteria::default() };
    assert_eq!(codes(&tagged, 0, 5), ["SELECTS_NOTHING_NOW"]);
    assert_eq!(codes(&tagged, 5, 0), ["SELECTS_EVERYTHING_NOW"]);
    assert_eq!(codes(&tagged, 1, 4), [""; 0]);
    let arns = ["arn:aws:rds:eu-west-1:123456789012:db:x", "arn:aws:rds:eu-west-1:123456789012:db:y"];
    let arns = arns.map(ResourcePattern::told).into();
    assert_eq!(codes(&Criteria { resources: arns, ..Criteria::default() }, 2, 0), [""; 0]);
    let star = Criteria { resources: vec![ResourcePattern::told("*")], ..Criteria::default() };
    assert_eq!(codes(&star, 5, 0), ["SELECTS_EVERYTHING"]);
}

proptest! {
    #[test]
    fn any_text_is_a_pattern_or_a_fault(text in "(arn:)?[a-z:*/ü]{0,40}") {
        let _ = ResourcePattern::parse(&text);
        let _ = SelectionRef::parse(&text);
        let _ = TagCondition::parse_key(&text);
    }
}
