use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::{Finding, Hindrance, Unseen};

fn places(document: &Value) -> Vec<String> {
    match AccessPolicy::parse(&document.to_string()) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|(at, _)| at).collect(),
    }
}

const VAULT: &str = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";

fn told_to(caller: &str, statement: &Value) -> Vec<Finding> {
    let document = json!({"Version": "2012-10-17", "Statement": statement});
    let policy = AccessPolicy::parse(&document.to_string()).unwrap_or_else(|found| panic!("{statement}: {found:?}"));
    policy.findings(VAULT, Ok(&Caller::told(caller, "AROA1234567890EXAMPLE:pod-1").unwrap()))
}

fn codes(statement: &Value) -> Vec<&'static str> {
    told_to(ROLE, statement).iter().map(|finding| finding.code).collect()
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
            {"Effect": "Allow", "NotPrincipal": {"AWS": "*"}, "NotAction": "backup:*", "NotResource": "*",
                "Condition": {"StringLikes": {"aws:PrincipalOrgID": "o-1"}}},
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
            ".Statement[4].NotPrincipal",
            ".Statement[4].Condition",
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
    let mut bounded = statement("Allow", json!("*"), "backup:*");
    bounded["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}});
    assert!(codes(&bounded).is_empty());
    bounded["Condition"] = json!({});
    assert_eq!(codes(&bounded), open, "an empty condition bounds nobody");
    for (condition, says_who) in [
        (json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::999999999999:role/*"}}), true),
        (json!({"StringEquals": {"aws:sourcevpce": ["vpce-1"]}, "Bool": {"aws:SecureTransport": "true"}}), true),
        (json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}), true),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), false),
        (json!({"StringLike": {"aws:PrincipalArn": "*"}}), false),
        (json!({"StringNotEquals": {"aws:PrincipalAccount": "999999999999"}}), false),
        (json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}), false),
        (json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), false),
    ] {
        bounded["Condition"] = condition;
        assert_eq!(codes(&bounded).is_empty(), says_who, "{bounded}");
    }
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

const ROLE: &str = "arn:aws:sts::123456789012:assumed-role/Strongroom/pod-1";
const USER: &str = "arn:aws:iam::123456789012:user/ops/strongroom";
const DENIES: &[&str] = &["POLICY_DENIES_ITS_CHANGE"];
const MAY_DENY: &[&str] = &["POLICY_MAY_DENY_ITS_CHANGE"];

fn codes_for(caller: &str, statement: &Value) -> Vec<&'static str> {
    told_to(caller, statement).iter().map(|finding| finding.code).collect()
}

#[test]
fn a_denial_is_judged_by_every_way_to_write_its_actions() {
    for (member, actions, expected) in [
        ("Action", json!("*"), DENIES),
        ("Action", json!("BACKUP:*"), DENIES),
        ("Action", json!(["backup:StartCopyJob", "backup:Put*"]), DENIES),
        ("Action", json!("backup:putbackupvaultACCESSpolicy"), DENIES),
        ("Action", json!("backup:???BackupVaultAccessPolicy"), DENIES),
        ("Action", json!("backup:*AccessPolicy"), DENIES),
        ("Action", json!("backup:DeleteBackupVault*"), DENIES),
        ("Action", json!("backup:DeleteBackupVault"), &[]),
        ("Action", json!(["backup:DeleteRecoveryPoint", "backup:StartRestoreJob", "backup:Get*"]), &[]),
        ("NotAction", json!("backup:CopyIntoBackupVault"), DENIES),
        ("NotAction", json!(["backup:Describe*", "backup:PutBackupVaultAccessPolicy"]), DENIES),
        ("NotAction", json!("backup:*AccessPolicy"), &[]),
        ("NotAction", json!("backup:*"), &[]),
    ] {
        let statement = json!({"Effect": "Deny", "Principal": "*", member: actions, "Resource": "*"});
        assert_eq!(codes(&statement), expected, "{statement}");
    }
}

#[test]
fn a_denial_is_judged_by_whom_it_hits() {
    let root = "arn:aws:iam::123456789012:root";
    let role = "arn:aws:iam::123456789012:role/Strongroom";
    let with_path = "arn:aws:iam::123456789012:role/platform/Strongroom";
    for (caller, member, principal, expected) in [
        (ROLE, "Principal", json!("*"), DENIES),
        (ROLE, "Principal", json!({"AWS": ["999999999999", "*"]}), DENIES),
        (ROLE, "Principal", json!({"AWS": root}), DENIES),
        (ROLE, "Principal", json!({"AWS": "123456789012"}), DENIES),
        (ROLE, "Principal", json!({"AWS": role}), DENIES),
        (ROLE, "Principal", json!({"AWS": with_path}), DENIES),
        (ROLE, "Principal", json!({"AWS": ROLE}), DENIES),
        (ROLE, "Principal", json!({"AWS": "arn:aws:sts::123456789012:assumed-role/Strongroom/pod-2"}), MAY_DENY),
        (ROLE, "Principal", json!({"AWS": "arn:aws:iam::123456789012:role/Other"}), &[]),
        (ROLE, "Principal", json!({"AWS": "arn:aws:iam::999999999999:root"}), &[]),
        (ROLE, "Principal", json!({"Service": "backup.amazonaws.com"}), &[]),
        (USER, "Principal", json!({"AWS": USER}), DENIES),
        (USER, "Principal", json!({"AWS": "arn:aws:iam::123456789012:user/strongroom"}), &[]),
        (ROLE, "NotPrincipal", json!({"AWS": [root, role, ROLE]}), &[]),
        (ROLE, "NotPrincipal", json!({"AWS": ["123456789012", with_path, ROLE]}), &[]),
        (ROLE, "NotPrincipal", json!({"AWS": [root, role]}), DENIES),
        (ROLE, "NotPrincipal", json!({"AWS": [role, ROLE]}), DENIES),
        (ROLE, "NotPrincipal", json!({"AWS": root}), DENIES),
        (ROLE, "NotPrincipal", json!({"AWS": "arn:aws:iam::123456789012:role/Other"}), DENIES),
        (ROLE, "NotPrincipal", json!({"Service": "backup.amazonaws.com"}), DENIES),
        (ROLE, "NotPrincipal", json!({"AWS": "*"}), &[]),
        (USER, "NotPrincipal", json!({"AWS": [root, USER]}), &[]),
        (USER, "NotPrincipal", json!({"AWS": USER}), DENIES),
    ] {
        let statement = json!({"Effect": "Deny", member: principal, "Action": "backup:*", "Resource": "*"});
        assert_eq!(codes_for(caller, &statement), expected, "{statement}");
    }
}

#[test]
fn a_denial_is_judged_by_its_resources() {
    for (member, resource, expected) in [
        ("Resource", json!(VAULT), DENIES),
        ("Resource", json!(["arn:aws:backup:*:*:backup-vault:pro?"]), DENIES),
        ("Resource", json!("arn:aws:backup:us-east-1:123456789012:recovery-point:*"), &[]),
        ("Resource", json!("arn:aws:backup:us-east-1:123456789012:backup-vault:other"), &["STATEMENT_NEVER_APPLIES"]),
        ("Resource", json!("arn:aws:backup:us-east-1:${aws:PrincipalAccount}:backup-vault:prod"), MAY_DENY),
        ("NotResource", json!("arn:aws:backup:us-east-1:123456789012:recovery-point:*"), DENIES),
        ("NotResource", json!([VAULT, "arn:aws:backup:us-east-1:123456789012:recovery-point:*"]), &[]),
    ] {
        let statement = json!({"Effect": "Deny", "Principal": "*", "Action": "backup:*", member: resource});
        assert_eq!(codes(&statement), expected, "{statement}");
    }
}

#[test]
fn a_denial_under_a_condition_is_judged_as_far_as_strongroom_knows_itself() {
    let role = "arn:aws:iam::123456789012:role/Strongroom";
    for (condition, expected) in [
        (json!({"StringNotEquals": {"aws:PrincipalArn": role}}), &[][..]),
        (json!({"ArnNotEquals": {"aws:principalarn": "arn:aws:iam::123456789012:role/platform/Strongroom"}}), &[]),
        (
            json!({"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/Admin", "arn:aws:iam::*:role/Strong*"]}}),
            &[],
        ),
        (json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/platform/*"}}), MAY_DENY),
        (json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/Admin"}}), DENIES),
        (json!({"StringNotEquals": {"aws:PrincipalArn": ROLE}}), DENIES),
        (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}}), DENIES),
        (json!({"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}), &[]),
        (json!({"StringNotEquals": {"aws:PrincipalAccount": ["999999999999"]}}), DENIES),
        (json!({"StringNotLike": {"aws:userId": ["AROA1234567890EXAMPLE:*", "AIDA1"]}}), &[]),
        (json!({"StringNotLike": {"aws:userId": "AIDA1"}}), DENIES),
        (json!({"Bool": {"aws:SecureTransport": false}}), &[]),
        (json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}), DENIES),
        (json!({"StringNotEqualsIfExists": {"aws:SourceAccount": "123456789012"}}), DENIES),
        (json!({"StringEquals": {"aws:SourceAccount": "123456789012"}}), &[]),
        (json!({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}), DENIES),
        (json!({"Null": {"aws:SourceArn": "true"}}), DENIES),
        (json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), MAY_DENY),
        (json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}), MAY_DENY),
        (json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}), MAY_DENY),
        (json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}), MAY_DENY),
        (json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1", "aws:PrincipalArn": role}}), &[]),
        (json!({"StringNotEquals": {"aws:PrincipalArn": "${aws:PrincipalTag/owner}"}}), MAY_DENY),
        (json!({}), DENIES),
    ] {
        let statement =
            json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition});
        assert_eq!(codes(&statement), expected, "{statement}");
    }
}

#[test]
fn what_is_told_of_a_lockout_names_the_place_the_way_back_and_the_remedy() {
    let deny = |action: &str| json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"});
    let whole = &told_to(ROLE, &json!([deny("backup:StartCopyJob"), deny("*")]))[0];
    assert_eq!(whole.field, "policy.Statement[1]");
    assert!(whole.message.contains("denies everybody, Strongroom too, to change or remove"), "{}", whole.message);
    assert!(whole.message.ends_with("AWS documents no other way to undo it"), "{}", whole.message);
    assert!(whole.action.contains("arn:aws:iam::123456789012:role/Strongroom"), "{}", whole.action);
    let change = &told_to(ROLE, &deny("backup:Put*"))[0];
    assert_eq!(change.field, "policy.Statement");
    assert!(change.message.ends_with("DeleteVaultAccessPolicy can still remove it"), "{}", change.message);
    let removal = &told_to(ROLE, &deny("backup:Delete*"))[0];
    assert!(removal.message.ends_with("SetVaultAccessPolicy can still replace it"), "{}", removal.message);
    let split = told_to(ROLE, &json!([deny("backup:Put*"), deny("backup:Delete*")]));
    assert!(split.iter().all(|finding| finding.message.ends_with("no other way to undo it")), "{split:?}");
    let spared = json!({"AWS": ["123456789012", "arn:aws:iam::123456789012:role/Strongroom"]});
    let session = json!({"Effect": "Deny", "NotPrincipal": spared, "Action": "backup:*", "Resource": "*"});
    let action = &told_to(ROLE, &session)[0].action;
    assert!(action.contains("or name arn:aws:sts::123456789012:assumed-role/Strongroom/pod-1 too"), "{action}");
}

#[test]
fn who_aws_does_not_tell_is_not_guessed() {
    let of = |principal: Value| {
        let statement = json!({"Effect": "Deny", "Principal": principal, "Action": "*", "Resource": "*"});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let unseen = Unseen { hindrance: Hindrance::Passing, why: "AWS throttles".to_owned() };
        AccessPolicy::parse(&document).unwrap().findings(VAULT, Err(&unseen))
    };
    let codes = |found: &[Finding]| found.iter().map(|finding| finding.code).collect::<Vec<_>>();
    assert_eq!(codes(&of(json!("*"))), DENIES);
    assert_eq!(codes(&of(json!({"AWS": "123456789012"}))), DENIES);
    assert_eq!(codes(&of(json!({"AWS": "arn:aws:iam::999999999999:role/Strongroom"}))), [""; 0]);
    let found = of(json!({"AWS": "arn:aws:iam::123456789012:role/Strongroom"}));
    assert_eq!(codes(&found), ["POLICY_MAY_DENY_ITS_CHANGE", "NOT_CHECKED"]);
    assert!(found[1].message.contains("AWS throttles"), "{}", found[1].message);
}

#[test]
fn a_principal_that_aws_refuses_is_a_fault() {
    for name in [
        "arn:aws:iam::123456789012:role/*",
        "arn:aws:iam::123456789012:user/ops-?",
        "arn:aws:iam::*:root",
        "arn:aws:iam::123456789012:*",
        "arn:aws:iam::123456789012:group/ops",
        "arn:aws:iam::123456789012:policy/x",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:sts::123456789012:assumed-role/Strongroom",
        "arn:aws:s3:::bucket",
        "1234",
    ] {
        let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": ["123456789012", name]}, "Action": "backup:*", "Resource": "*"}]});
        assert_eq!(places(&document), [".Statement[0].Principal.AWS[1]"], "{name}");
    }
}

fn statement_of(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": action, "Resource": resource})
}

#[test]
fn what_stands_twice_is_a_fault_where_it_stands() {
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Effect": "Allow", "Principal": "*",
        "Action": "backup:StartCopyJob", "Resource": "*", "Condition": {"Bool": {"a": "true"}, "Bool": {"b": "true"}}}],
        "Version": "2012-10-17"}"#;
    let faults = AccessPolicy::parse(text).unwrap_err();
    let found: Vec<&str> = faults.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(found, [".Statement[0].Effect", ".Statement[0].Condition.Bool", ".Version"]);
    assert!(faults.iter().all(|(_, fault)| fault.0.starts_with("stands twice")), "{faults:?}");
    let named = |sid: &str| {
        let mut statement = statement_of("backup:StartCopyJob", "*");
        statement["Sid"] = json!(sid);
        statement
    };
    // Of AWS's own example of a policy for copies: a Sid with spaces `[D]`.
    let document = json!({"Version": "2012-10-17",
        "Statement": [named("let copies in"), named("b"), named(""), named("b"), named("B"), named("")]});
    assert_eq!(places(&document), [".Statement[3].Sid"]);
}

#[test]
fn a_canonical_user_is_no_principal_of_a_vault() {
    let document = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"CanonicalUser": "79a5"}, "Action": "backup:*", "Resource": "*"}});
    assert_eq!(places(&document), [".Statement.Principal.CanonicalUser"]);
}

#[test]
fn what_nobody_heeds_is_warned_of() {
    let other = "arn:aws:backup:us-east-1:123456789012:backup-vault:other";
    for (action, resource, code, field) in [
        ("backup:DeleteBackupVaultt", "*", "ACTION_UNKNOWN", "policy.Statement.Action"),
        ("backup:Foo*", "*", "ACTION_UNKNOWN", "policy.Statement.Action"),
        ("BACKUP:copyintobackupvault", other, "STATEMENT_NEVER_APPLIES", "policy.Statement.Resource"),
        ("backup:*", "arn:aws:backup:*:*:backup-vault:oth*", "STATEMENT_NEVER_APPLIES", "policy.Statement.Resource"),
    ] {
        let found = told_to(ROLE, &statement_of(action, resource));
        let told: Vec<_> = found.iter().map(|finding| (finding.code, finding.field.as_str())).collect();
        assert_eq!(told, [(code, field)], "{action} {resource}");
    }
    let message = &told_to(ROLE, &statement_of("backup:DeleteBackupVaultt", "*"))[0].message;
    assert!(message.ends_with("; did you mean backup:DeleteBackupVault?"), "{message}");
    for resource in [VAULT, "arn:aws:backup:us-east-1:*:backup-vault:p*", "arn:aws:ec2:us-east-1::snapshot/*", "*"] {
        assert!(codes(&statement_of("backup:Copy*", resource)).is_empty(), "{resource}");
    }
}

#[test]
fn a_resource_of_no_partition_is_told_and_a_pattern_is_of_any() {
    let partitions = |resource: &str| {
        let document = json!({"Version": "2012-10-17", "Statement": [statement_of("backup:*", resource)]});
        let policy = AccessPolicy::parse(&document.to_string()).unwrap();
        policy.resource_partitions().into_iter().map(|(at, it)| (at, it.ok())).collect::<Vec<_>>()
    };
    let at = || ".Statement[0].Resource".to_owned();
    assert_eq!(partitions("arn:aws-cn:backup:*:*:backup-vault:*"), [(at(), Some("aws-cn"))]);
    assert_eq!(partitions("arn:aws-xx:backup:*:*:backup-vault:*"), [(at(), None)]);
    assert_eq!(partitions("arn:*:backup:*:*:backup-vault:*"), []);
    assert_eq!(partitions("*"), []);
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
                policy.findings(VAULT, Ok(&Caller::told(ROLE, "").unwrap()));
                prop_assert_eq!(policy.as_str(), document);
            }
        }
    }
}
