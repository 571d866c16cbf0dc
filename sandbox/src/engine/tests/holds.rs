use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{DB, FILES, Story, segment};

fn point(arn: &str) -> String {
    format!("/backup-vaults/vault/recovery-points/{}", segment(arn))
}

/// Makes a hold of this selection; gives its id.
fn hold(story: &mut Story, selection: &Value) -> String {
    let body = json!({"Title": "case 7", "Description": "lawsuit", "RecoveryPointSelection": selection});
    let made = story.ok("POST", "/legal-holds/", body);
    assert_eq!(made["Status"], "ACTIVE");
    made["LegalHoldId"].as_str().unwrap().to_owned()
}

fn cancel(story: &mut Story, id: &str) {
    story.ok("DELETE", &format!("/legal-holds/{id}?cancelDescription=over"), json!({}));
}

fn kept(story: &mut Story, id: &str) -> usize {
    story.get(&format!("/legal-holds/{id}/recovery-points"))["RecoveryPoints"].as_array().unwrap().len()
}

#[test]
fn what_is_held_is_neither_deleted_nor_expires_until_the_last_hold_is_cancelled() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({"Lifecycle": {"DeleteAfterDays": 1}}));
    let holds = [hold(&mut story, &json!({"VaultNames": ["vault"]})), hold(&mut story, &json!({}))];
    let refused = story.refusal("DELETE", &point(&arn), json!({}));
    assert!(refused.starts_with("InvalidRequestException") && refused.contains("legal hold"), "{refused}");
    assert!(story.refusal("DELETE", "/backup-vaults/vault", json!({})).starts_with("InvalidRequestException"));
    for id in holds {
        story.pass(SignedDuration::from_hours(48));
        assert_eq!(story.get(&point(&arn))["Status"], "COMPLETED", "its day is long over");
        cancel(&mut story, &id);
    }
    story.pass(SignedDuration::ZERO);
    assert!(story.refusal("GET", &point(&arn), json!({})).starts_with("ResourceNotFoundException"));
    assert!(story.region().rds.snapshot_by_arn(&arn).is_none());
}

#[test]
fn a_hold_keeps_what_fits_every_part_of_its_selection_when_it_is_made() {
    let mut story = Story::new();
    let before = story.call.now.as_second();
    story.backed_up(DB, &json!({}));
    story.backed_up(FILES, &json!({}));
    let after = story.call.now.as_second();
    for (selection, count) in [
        (json!({}), 2),
        (json!({"ResourceIdentifiers": [DB]}), 1),
        (json!({"ResourceIdentifiers": ["EFS", DB]}), 2),
        (json!({"VaultNames": ["other"]}), 0),
        (json!({"VaultNames": ["other", "vault"], "ResourceIdentifiers": ["EFS"]}), 1),
        (json!({"DateRange": {"FromDate": before, "ToDate": after}}), 2),
        (json!({"DateRange": {"FromDate": 0, "ToDate": before - 1}}), 0),
    ] {
        let id = hold(&mut story, &selection);
        assert_eq!(kept(&mut story, &id), count, "{selection}");
    }
    let id = hold(&mut story, &json!({}));
    let late = story.backed_up(DB, &json!({}));
    assert_eq!(kept(&mut story, &id), 2, "what comes later is free");
    story.ok("DELETE", &point(&late), json!({}));
}

#[test]
fn bad_holds_are_refused_in_the_models_errors() {
    let mut story = Story::new();
    let now = story.call.now.as_second();
    for (body, code) in [
        (json!({"Description": "d"}), "MissingParameterValueException"),
        (json!({"Title": "t"}), "MissingParameterValueException"),
        (
            json!({"Title": "t", "Description": "d", "RecoveryPointSelection": {"VaultNames": ["none"]}}),
            "InvalidParameter",
        ),
        (
            json!({"Title": "t", "Description": "d", "RecoveryPointSelection": {"DateRange": {"FromDate": 0, "ToDate": now + 60}}}),
            "InvalidParameter",
        ),
        (
            json!({"Title": "t", "Description": "d", "RecoveryPointSelection": {"DateRange": {"FromDate": 9, "ToDate": 8}}}),
            "InvalidParameter",
        ),
        (
            json!({"Title": "t", "Description": "d", "RecoveryPointSelection": {"DateRange": {"FromDate": 9}}}),
            "MissingParameterValueException",
        ),
    ] {
        let refused = story.refusal("POST", "/legal-holds", body);
        assert!(refused.starts_with(code), "{refused}");
    }
    let id = hold(&mut story, &json!({}));
    let cancelled = format!("/legal-holds/{id}?cancelDescription=over");
    assert!(story.refusal("DELETE", &format!("/legal-holds/{id}"), json!({})).starts_with("MissingParameter"));
    assert!(
        story.refusal("DELETE", &format!("{cancelled}&retainRecordInDays=x"), json!({})).starts_with("InvalidParam")
    );
    story.ok("DELETE", &format!("{cancelled}&retainRecordInDays=2"), json!({}));
    assert!(story.refusal("DELETE", &cancelled, json!({})).starts_with("InvalidResourceState"));
    for missing in ["/legal-holds/none", "/legal-holds/none/recovery-points"] {
        assert!(story.refusal("GET", missing, json!({})).contains("does not exist"));
    }
    let told = story.get(&format!("/legal-holds/{id}/"));
    assert_eq!((&told["Status"], &told["CancelDescription"]), (&json!("CANCELED"), &json!("over")));
    story.pass(SignedDuration::from_hours(49));
    assert!(story.refusal("GET", &format!("/legal-holds/{id}"), json!({})).starts_with("ResourceNotFound"));
}

#[test]
fn a_token_makes_one_hold_and_a_region_has_a_bounded_number() {
    let mut story = Story::new();
    let body = json!({"Title": "t", "Description": "d", "IdempotencyToken": "one"});
    let first = story.ok("POST", "/legal-holds", body.clone());
    assert_eq!(story.ok("POST", "/legal-holds", body), first);
    let other = json!({"Title": "u", "Description": "d", "IdempotencyToken": "one"});
    assert!(story.refusal("POST", "/legal-holds", other).starts_with("InvalidParameter"));
    story.behaviour().quotas.legal_holds = 1;
    let full = story.refusal("POST", "/legal-holds", json!({"Title": "t", "Description": "d"}));
    assert!(full.starts_with("LimitExceeded"), "{full}");
    cancel(&mut story, first["LegalHoldId"].as_str().unwrap());
    hold(&mut story, &json!({}));
    assert_eq!(story.get("/legal-holds")["LegalHolds"].as_array().unwrap().len(), 2);
}
