//! The matcher of previews and explanations against the sandbox's own, by which its rules fire. They share nothing but
//! section 8 of docs/aws-backup-semantics.md.

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::select};
use strongroom::domain::{
    AccountId, Arn, Candidate, Criteria, Eligibility, Match, Operator, RegionName, ResourcePattern, ResourceType,
    Scope, TagCondition,
};
use strongroom_sandbox::backup::matcher::{self, Conditions, TAG_KEY_PREFIX, TagEquals, TagTest};

const ARNS: &[(&str, &str)] = &[
    ("arn:aws:rds:us-east-1:123456789012:db:orders", "RDS"),
    ("arn:aws:rds:us-east-1:123456789012:db:orders-2", "RDS"),
    ("arn:aws:rds:us-east-1:123456789012:cluster:ledger", "Aurora"),
    ("arn:aws:dynamodb:us-east-1:123456789012:table/Orders", "DynamoDB"),
    ("arn:aws:ec2:us-east-1:123456789012:volume/vol-1", "EBS"),
    ("arn:aws:fsx:us-east-1:123456789012:file-system/fs-1", "FSx"),
    ("arn:aws:s3:::orders", "S3"),
];

/// Patterns that people and tools write, and ARNs with stars anywhere.
fn pattern() -> impl Strategy<Value = String> {
    const WRITTEN: &[&str] = &[
        "*",
        "arn:aws:rds:*",
        "arn:aws:rds:*:*:db:*",
        "arn:aws:rds:*:*:db:ord*",
        "arn:aws:rds:*:*:cluster:*",
        "arn:aws:rds:us-east-1:123456789012:db:Orders",
        "arn:aws:dynamodb:*:*:table/*",
        "arn:aws:ec2:*",
        "arn:aws:fsx:*:*:file-system/*",
        "arn:aws:s3:::*",
        "arn:aws:*:*:*:db:*",
        "arn:aws:rds:*:*:*",
        "arn:aws:rds:*:*:d*:orders",
    ];
    let starred = (select(ARNS), 0usize..60, 0usize..12).prop_map(|((arn, _), at, length)| {
        let at = at.min(arn.len());
        let end = (at + length).min(arn.len());
        format!("{}*{}", &arn[..at], &arn[end..])
    });
    prop_oneof![select(WRITTEN).prop_map(str::to_owned), select(ARNS).prop_map(|(arn, _)| arn.to_owned()), starred]
}

fn condition(operators: &'static [Operator]) -> impl Strategy<Value = TagCondition> {
    ("[eE]", select(operators), "[pP x*]{0,3}").prop_map(|(key, operator, value)| TagCondition { key, operator, value })
}

const EVERY: &[Operator] = &[Operator::Equals, Operator::NotEquals, Operator::Like, Operator::NotLike];

/// As AWS holds them, so also those with both lists, which only other tools make.
fn criteria() -> impl Strategy<Value = Criteria> {
    let patterns = || proptest::collection::vec(pattern().prop_map(ResourcePattern::told), 0..3);
    let all = proptest::collection::vec(condition(EVERY), 0..3);
    let any = proptest::collection::vec(condition(&[Operator::Equals]), 0..3);
    (patterns(), patterns(), all, any).prop_map(|(resources, excluded, all, any)| {
        let excluded = excluded.into_iter().skip(1).collect();
        let (matching, conditions, any_conditions) =
            if all.is_empty() { (Match::Any, any, Vec::new()) } else { (Match::All, all, any) };
        Criteria { matching, conditions, resources, excluded, any_conditions }
    })
}

fn in_aws_shape(criteria: &Criteria) -> matcher::Criteria {
    let (all, any) = match criteria.matching {
        Match::All => (&criteria.conditions[..], &criteria.any_conditions[..]),
        Match::Any => (&[][..], &criteria.conditions[..]),
    };
    let tests = |operator| {
        let wanted = all.iter().filter(|condition| condition.operator == operator);
        let test = |condition: &TagCondition| TagTest {
            condition_key: format!("{TAG_KEY_PREFIX}{}", condition.key),
            condition_value: condition.value.clone(),
        };
        wanted.map(test).collect::<Vec<_>>()
    };
    let texts = |patterns: &[ResourcePattern]| patterns.iter().map(ToString::to_string).collect();
    let listed = |condition: &TagCondition| TagEquals {
        condition_type: "STRINGEQUALS".to_owned(),
        condition_key: condition.key.clone(),
        condition_value: condition.value.clone(),
    };
    matcher::Criteria {
        resources: texts(&criteria.resources),
        not_resources: texts(&criteria.excluded),
        list_of_tags: any.iter().map(listed).collect(),
        conditions: Conditions {
            string_equals: tests(Operator::Equals),
            string_not_equals: tests(Operator::NotEquals),
            string_like: tests(Operator::Like),
            string_not_like: tests(Operator::NotLike),
        },
    }
}

fn eligibility(opted_in: bool) -> Eligibility {
    let types = || ARNS.iter().map(|(_, of_type)| (*of_type).to_owned());
    Eligibility {
        scope: Scope {
            account: AccountId::parse("123456789012").unwrap(),
            region: RegionName::parse("us-east-1").unwrap(),
        },
        supported: types().collect(),
        opt_in: types().map(|of_type| (of_type, opted_in)).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn both_matchers_select_the_same(
        criteria in criteria(),
        tags in proptest::collection::btree_map("[eE]", "[pP x]{0,3}", 0..3),
        opted_in: bool,
    ) {
        let theirs = in_aws_shape(&criteria);
        let eligibility = eligibility(opted_in);
        for (text, of_type) in ARNS {
            let arn = Arn::parse(text).unwrap();
            let candidate = Candidate::of_arn(&arn, &tags);
            prop_assert_eq!(candidate.resource_type.as_ref().map(ResourceType::as_str), Some(*of_type));
            let ours = criteria.judge(&candidate, &eligibility);
            let resource = matcher::Resource { arn: text, resource_type: of_type, tags: Some(&tags) };
            prop_assert_eq!(ours.selected(), matcher::selects(&theirs, &resource, opted_in), "{:?}", ours);
            prop_assert_eq!(ours.selected(), ours.mismatches.is_empty());
            prop_assert!(!(ours.selected() && ours.near_miss));
        }
    }

    /// A mismatch is a true one: with the criterion that it names gone, it is gone.
    #[test]
    fn a_mismatch_goes_with_its_criterion(
        mut criteria in criteria(),
        tags in proptest::collection::btree_map("[eE]", "[pP x]{0,3}", 0..3),
    ) {
        let eligibility = eligibility(true);
        let arn = Arn::parse(ARNS[0].0).unwrap();
        let candidate = Candidate::of_arn(&arn, &tags);
        let fields = |criteria: &Criteria| -> BTreeMap<String, String> {
            let verdict = criteria.judge(&candidate, &eligibility);
            verdict.mismatches.into_iter().map(|mismatch| (mismatch.field, mismatch.message)).collect()
        };
        let last = format!("conditions[{}]", criteria.conditions.len().saturating_sub(1));
        let before = fields(&criteria);
        if criteria.matching == Match::All && before.contains_key(&last) {
            criteria.conditions.pop();
            let after = fields(&criteria);
            prop_assert!(!after.contains_key(&last));
            prop_assert_eq!(after.len() + 1, before.len());
        }
    }
}
