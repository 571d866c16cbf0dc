//! Plans and selections over HTTP; what they mean is tested beside them.

use serde_json::{Value, json};

use crate::harness::{Neighbour, start, start_with};

const POLICY: &str = "arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2Fservice-role%2FAWSBackupServiceRolePolicyForBackup";
const ROLE: &str = "arn:aws:iam::123456789012:role/keeper";

async fn role(aws: &Neighbour) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "backup.amazonaws.com" }, "Action": "sts:AssumeRole",
    }]});
    let form = format!("Action=CreateRole&Version=2010-05-08&RoleName=keeper&AssumeRolePolicyDocument={trust}");
    assert_eq!(aws.form("iam", &form).await.status, 200);
    let form = format!("Action=AttachRolePolicy&Version=2010-05-08&RoleName=keeper&PolicyArn={POLICY}");
    assert_eq!(aws.form("iam", &form).await.status, 200);
}

/// A plan as Terraform sends it; its id and ARN.
async fn plan(aws: &Neighbour) -> (String, String) {
    let body = json!({ "BackupPlanTags": { "team": "db" }, "BackupPlan": { "BackupPlanName": "p", "Rules": [{
        "CompletionWindowMinutes": 180, "EnableContinuousBackup": false, "Lifecycle": { "DeleteAfterDays": 35 },
        "RuleName": "DailyBackups", "ScheduleExpression": "cron(0 5 ? * * *)",
        "ScheduleExpressionTimezone": "Etc/UTC", "StartWindowMinutes": 60, "TargetBackupVaultName": "gold",
    }]}});
    let made = aws.backup("PUT", "/backup/plans", body).await.json();
    let text = |member: &str| made[member].as_str().unwrap().to_owned();
    (text("BackupPlanId"), text("BackupPlanArn"))
}

fn selection() -> Value {
    json!({ "BackupSelection": {
        "Conditions": {}, "IamRoleArn": ROLE, "ListOfTags": [], "NotResources": [], "Resources": ["*"], "SelectionName": "s",
    }})
}

#[tokio::test]
async fn a_plan_lives_from_creation_to_the_list_of_deleted_ones() {
    let aws = start().await;
    role(&aws).await;
    let (id, arn) = plan(&aws).await;
    let tags = aws.get(&format!("/tags/{}/", arn.replace(':', "%3A"))).await.json();
    assert_eq!(tags, json!({ "Tags": { "team": "db" } }));
    let made = aws.backup("PUT", &format!("/backup/plans/{id}/selections/"), selection()).await.json();
    aws.delete(&format!("/backup/plans/{id}")).await.is(
        400,
        "InvalidRequestException",
        "Related backup plan selections must be deleted prior to backup",
    );
    let (_, state) = aws.control("GET", "/state", Value::Null).await;
    let shown = &state["accounts"]["123456789012"]["regions"]["us-east-1"]["backup"]["plans"][0];
    assert_eq!(shown["Plan"]["BackupPlanId"], id.as_str());
    assert_eq!(shown["Selections"][0]["SelectionId"], made["SelectionId"]);
    let one = format!("/backup/plans/{id}/selections/{}", made["SelectionId"].as_str().unwrap());
    aws.delete(&one).await.is_empty();
    aws.delete(&one).await.is(400, "InvalidParameterValueException", "Cannot find Backup selection");
    assert_eq!(aws.delete(&format!("/backup/plans/{id}/")).await.status, 200);
    assert_eq!(aws.get("/backup/plans/").await.json(), json!({ "BackupPlansList": [] }));
    let deleted = aws.get("/backup/plans?includeDeleted=true").await.json();
    assert_eq!(deleted["BackupPlansList"][0]["BackupPlanId"], id.as_str());
    aws.advance("721h").await;
    aws.get(&format!("/backup/plans/{id}/")).await.is(400, "ResourceNotFoundException", "Failed reading Backup plan");
}

#[tokio::test]
async fn a_fresh_role_is_refused_until_the_clock_has_moved() {
    let aws = start_with(|config| config.behaviour.role_propagation = jiff::SignedDuration::from_secs(8)).await;
    role(&aws).await;
    let (id, _) = plan(&aws).await;
    let path = format!("/backup/plans/{id}/selections");
    let refused = aws.backup("PUT", &path, selection()).await;
    refused.is(400, "InvalidParameterValueException", "cannot be assumed by AWS Backup");
    aws.advance("8s").await;
    assert_eq!(aws.backup("PUT", &path, selection()).await.status, 200);
}

#[tokio::test]
async fn plans_of_other_regions_are_not_seen() {
    let mut aws = start().await;
    let (id, _) = plan(&aws).await;
    aws.caller.1 = "eu-west-1".to_owned();
    assert_eq!(aws.get("/backup/plans").await.json(), json!({ "BackupPlansList": [] }));
    aws.get(&format!("/backup/plans/{id}")).await.is(400, "ResourceNotFoundException", "Failed reading");
}

#[tokio::test]
async fn others_are_answered_while_a_year_passes() {
    let aws = start().await;
    role(&aws).await;
    let (id, _) = plan(&aws).await;
    assert_eq!(aws.backup("PUT", &format!("/backup/plans/{id}/selections/"), selection()).await.status, 200);
    tokio::select! {
        biased;
        () = aws.advance("8760h") => panic!("a year of backups has held everybody up"),
        answer = aws.get("/no-such-operation") => assert_eq!(answer.status, 404),
    }
}
