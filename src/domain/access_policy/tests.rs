use proptest::prelude::*;
use serde_json::json;

use super::*;

fn places(document: &Value) -> Vec<String> {
    match AccessPolicy::parse(&document.to_string()) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|(at, _)| at).collect(),
    }
}

fn codes(statement: &Value) -> Vec<&'static str> {
    let document = json!({"Version": "2012-10-17", "Statement": statement});
    AccessPolicy::parse(&document.to_string()).unwrap().findings().iter().map(|finding| finding.code).collect()
}

#[test]
fn policies_of_aws_own_examples_are_fine() {
    for statement in [
        json!({"Effect": "Deny", "Principal": "*", "Action": "backup:DeleteRecoveryPoint", "Resource": "*"}),
        json!([{
            "Sid": "Allow account to copy into backup vault",
            "Effect": "Allow",
            "Action": "backup:CopyIntoBackupVault",
            "Resource": "*",
            "Principal": {"AWS": ["arn:aws:iam::123456789012:root", "210987654321"]},
        }]),
        json!([{
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["backup:Copy*", "Backup:StartBackupJob"],
            "Resource": "arn:aws:backup:us-east-1:123456789012:backup-vault:prod",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
        }]),
    ] {
        let document = json!({"Version": "2012-10-17", "Id": "x", "Statement": statement});
        assert_eq!(places(&document), Vec::<String>::new(), "{document}");
    }
}

#[test]
fn what_is_no_policy_at_all_says_so() {
    for (text, words) in [
        ("", "is required"),
        ("  ", "is required"),
        ("{", "is not readable as JSON: EOF while parsing an object at line 1 column 1"),
        ("[]", "is not a JSON object"),
    ] {
        let found = AccessPolicy::parse(text).unwrap_err();
        assert_eq!((found.len(), found[0].0.as_str()), (1, ""), "{text}");
        assert!(found[0].1.0.starts_with(words), "{}", found[0].1);
    }
    let huge = json!({"Version": "x".repeat(20 * 1024)});
    assert_eq!(places(&huge), [""]);
}

#[test]
fn every_fault_is_told_with_its_place() {
    let document = json!({
        "Version": "2024-01-01",
        "Statements": [],
        "Statement": [
            {"Effect": "allow", "Principal": {"AWS": ["me", 7], "Anyone": "x"}, "Action": [], "Resource": ""},
            {"Effect": "Deny", "NotPrincipal": {}, "Action": ["s3:GetObject", "backup:"], "NotAction": "*", "Resource": "x"},
            {"Effect": "Deny", "Principal": "me", "Action": ["s3:GetObject", "backup:", "backup:Start*"], "Condition": []},
            "x",
        ],
    });
    assert_eq!(
        places(&document),
        [
            "",
            ".Version",
            ".Statement[0].Effect",
            ".Statement[0].Principal",
            ".Statement[0].Principal.AWS[0]",
            ".Statement[0].Principal.AWS[1]",
            ".Statement[0].Action",
            ".Statement[0].Resource",
            ".Statement[1].NotPrincipal",
            ".Statement[1].Action",
            ".Statement[1].Resource",
            ".Statement[2].Principal",
            ".Statement[2].Action[0]",
            ".Statement[2].Action[1]",
            ".Statement[2].Resource",
            ".Statement[2].Condition",
            ".Statement[3]",
        ]
    );
    assert_eq!(places(&json!({"Version": "2012-10-17"})), [".Statement"]);
    assert_eq!(places(&json!({"Version": "2012-10-17", "Statement": {}})).len(), 4, "of a single statement too");
}

#[test]
fn letting_anyone_in_and_locking_everyone_out_are_warned_of() {
    let statement = |effect: &str, principal: Value, action: &str| json!({"Effect": effect, "Principal": principal, "Action": action, "Resource": "*"});
    let open = vec!["POLICY_OPEN_TO_ANYONE"];
    assert_eq!(codes(&statement("Allow", json!("*"), "backup:CopyIntoBackupVault")), open);
    assert_eq!(codes(&statement("Allow", json!({"AWS": ["*"]}), "backup:*")), open);
    assert_eq!(
        codes(&json!({"Effect": "Allow", "NotPrincipal": {"AWS": "*"}, "Action": "backup:*", "Resource": "*"})),
        open
    );
    let mut bounded = statement("Allow", json!("*"), "backup:*");
    bounded["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}});
    assert!(codes(&bounded).is_empty());
    bounded["Condition"] = json!({});
    assert_eq!(codes(&bounded), open, "an empty condition bounds nobody");
    assert!(codes(&statement("Allow", json!({"AWS": "123456789012"}), "backup:*")).is_empty());
    assert_eq!(codes(&statement("Deny", json!("*"), "backup:*")), ["POLICY_DENIES_ITS_CHANGE"]);
    assert!(codes(&statement("Deny", json!("*"), "backup:DeleteRecoveryPoint")).is_empty());
}

#[test]
fn a_policy_says_the_same_however_aws_writes_it() {
    let of = |statement: Value| json!({"Version": "2012-10-17", "Statement": statement});
    let given = of(json!([{
        "Effect": "Allow",
        "Principal": {"AWS": ["210987654321", "arn:aws-cn:iam::123456789012:root"]},
        "Action": ["backup:CopyIntoBackupVault"],
        "Resource": "*",
    }]));
    let policy = AccessPolicy::parse(&given.to_string()).unwrap();
    let told = |principal: Value, action: &str| {
        let statement =
            json!({"Resource": ["*"], "Principal": {"AWS": principal}, "Action": action, "Effect": "Allow"});
        format!("{:#}", of(statement))
    };
    let (one, other) = ("arn:aws-cn:iam::123456789012:root", "arn:aws-cn:iam::210987654321:root");
    assert!(policy.says(&told(json!([one, other]), "backup:CopyIntoBackupVault")));
    assert!(policy.says(&told(json!([other, one]), "backup:CopyIntoBackupVault")));
    assert!(!policy.says(&told(json!(one), "backup:CopyIntoBackupVault")));
    assert!(!policy.says(&told(json!([one, other]), "backup:DeleteRecoveryPoint")));
    assert!(!policy.says("no JSON"));
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_has_faults(text in "\\PC{0,200}") {
        let _ = AccessPolicy::parse(&text);
    }

    #[test]
    fn any_statement_is_judged_without_panic(
        effect in "Allow|Deny|x", principal in "\\*|x|123456789012", action in "backup:[a-zA-Z*]{0,5}|\\*|x",
    ) {
        for principal in [json!(principal), json!({"AWS": principal})] {
            let statement = json!({"Effect": effect, "Principal": principal, "Action": [action], "Resource": "*"});
            let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
            if let Ok(policy) = AccessPolicy::parse(&document) {
                policy.findings();
                prop_assert_eq!(policy.as_str(), document);
            }
        }
    }
}
