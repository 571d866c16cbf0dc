//! AWS's events, by a rule of EventBridge and a queue of SQS: what happens is known though nobody looks for it.

use std::time::Duration;

use aws_sdk_backup::types::{BackupPlanInput as AwsPlan, BackupRuleInput as AwsRule, BackupSelection as AwsSelection};
use serde_json::{Value, json};
use strongroom::{
    config::{Config, QueueUrl},
    proto::{
        IncidentCause, Job, JobKind, JobState, ListIncidentsRequest, ListJobsRequest, ListProtectionRequest,
        ProtectionFilter, Read,
    },
};

use crate::{
    backups::{VAULT, aws_backup, prepare},
    harness::{ACCOUNT, LABS, START, World, follow},
    ledger::{is_current, list, until},
    served::Served,
};

const OTHER: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-orders";
const ROLE: &str = "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole";

/// Asks a service of AWS that speaks JSON for something that it must do.
async fn ask(sandbox: &str, service: &str, target: &str, body: Value) -> Value {
    let scope = format!("AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260302/us-east-1/{service}/aws4_request, Signature=0");
    let answer = reqwest::Client::new()
        .post(sandbox)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .header("authorization", scope)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{target}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// A rule that sends all events of AWS Backup into the queue, of that URL.
async fn route(sandbox: &str) -> String {
    let (queue, rule) =
        (format!("arn:aws:sqs:us-east-1:{ACCOUNT}:events"), format!("arn:aws:events:us-east-1:{ACCOUNT}:rule/backup"));
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }]});
    let made = json!({"QueueName": "events", "Attributes": {"Policy": policy.to_string()}});
    let made = ask(sandbox, "sqs", "AmazonSQS.CreateQueue", made).await;
    let pattern = json!({"source": ["aws.backup"]}).to_string();
    ask(sandbox, "events", "AWSEvents.PutRule", json!({"Name": "backup", "EventPattern": pattern})).await;
    let targets = json!({"Rule": "backup", "Targets": [{"Id": "queue", "Arn": queue}]});
    ask(sandbox, "events", "AWSEvents.PutTargets", targets).await;
    made["QueueUrl"].as_str().unwrap().to_owned()
}

/// Messages that are in the queue, those at work among them.
async fn waiting(world: &World, url: &str) -> u64 {
    let names = json!(["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]);
    let asked = json!({"QueueUrl": url, "AttributeNames": names});
    let told = ask(world.sandbox(), "sqs", "AmazonSQS.GetQueueAttributes", asked).await;
    let attributes = told["Attributes"].as_object().unwrap();
    attributes.values().map(|count| count.as_str().unwrap().parse::<u64>().unwrap()).sum()
}

async fn until_empty(world: &World, url: &str) {
    let empty = async {
        while waiting(world, url).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), empty).await.expect("messages are left");
}

/// A world whose events come by a queue, and whose server looks at AWS so seldom that it is never, but for the first look.
async fn hearing(interval: Duration) -> (World, String) {
    let url = QueueUrl::parse("http://127.0.0.1:1/123456789012/events").unwrap();
    let world = World::start_with(|config: &mut Config| {
        follow(config);
        (config.feed.interval, config.feed.busy_interval) = (interval, interval);
        // With the embedded sandbox every service is found there, whatever the URL says.
        config.feed.queue_url = Some(url);
    })
    .await;
    prepare(&world).await;
    let url = route(world.sandbox()).await;
    until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    // The look that filled it is over when nothing more is asked for of jobs.
    while world.asked_for().await.iter().any(|(service, _)| service == "backup") {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    (world, url)
}

async fn back_up_elsewhere(world: &World, resource: &str) -> String {
    let started = aws_backup(world).start_backup_job().backup_vault_name(VAULT).resource_arn(resource);
    started.iam_role_arn(ROLE).send().await.unwrap().backup_job_id.unwrap()
}

async fn until_state(world: &World, id: &str, state: JobState) -> Job {
    let is_so = |job: &Job| job.id == id && job.state() == state;
    let told = until(world.jobs(), &ListJobsRequest::default(), |it| it.jobs.iter().any(is_so)).await;
    told.jobs.into_iter().find(is_so).unwrap()
}

/// What AWS has, and what is remembered.
async fn both(world: &World) -> [Vec<Job>; 2] {
    let by_id = |mut jobs: Vec<Job>| {
        jobs.sort_by(|one, other| one.id.cmp(&other.id));
        jobs
    };
    let mut live = Vec::new();
    for kind in [JobKind::Backup, JobKind::Restore, JobKind::Copy] {
        let filter = strongroom::proto::JobFilter { kinds: vec![kind.into()], ..Default::default() };
        let request =
            ListJobsRequest { read: Read::Live.into(), filter: Some(filter), page_size: 1000, ..Default::default() };
        live.extend(list(world.jobs(), request).await.jobs);
    }
    let request = ListJobsRequest { page_size: 1000, ..Default::default() };
    [by_id(live), by_id(list(world.jobs(), request).await.jobs)]
}

#[tokio::test]
async fn the_states_of_a_job_come_by_events_alone() {
    let (world, url) = hearing(Duration::from_secs(3600)).await;
    let id = back_up_elsewhere(&world, LABS).await;
    // Of what the event does not say AWS is asked: it names the job alone.
    let is_whole = |job: &Job| job.id == id && job.resource_arn == LABS && job.state() == JobState::Created;
    until(world.jobs(), &ListJobsRequest::default(), |it| it.jobs.iter().any(is_whole)).await;
    world.advance("PT10S").await;
    until_state(&world, &id, JobState::Running).await;
    world.advance("PT30M").await;
    until_state(&world, &id, JobState::Completed).await;
    until_empty(&world, &url).await;
    let [live, remembered] = both(&world).await;
    assert_eq!(live, remembered);
}

#[tokio::test]
async fn a_copy_whose_event_does_not_name_it_is_asked_for() {
    let (world, url) = hearing(Duration::from_secs(3600)).await;
    let id = back_up_elsewhere(&world, LABS).await;
    world.advance("PT30M").await;
    let job = until_state(&world, &id, JobState::Completed).await;
    let vault = aws_backup(&world).create_backup_vault().backup_vault_name("second").send().await.unwrap();
    let copied = aws_backup(&world)
        .start_copy_job()
        .source_backup_vault_name(VAULT)
        .recovery_point_arn(job.recovery_point_arn)
        .destination_backup_vault_arn(vault.backup_vault_arn.unwrap())
        .iam_role_arn(ROLE);
    let copy = copied.send().await.unwrap().copy_job_id.unwrap();
    until_state(&world, &copy, JobState::Created).await;
    world.advance("PT2H").await;
    until_state(&world, &copy, JobState::Completed).await;
    until_empty(&world, &url).await;
}

#[tokio::test]
async fn events_that_are_late_twice_and_in_no_order_end_as_aws_has_it() {
    let (world, url) = hearing(Duration::from_secs(3600)).await;
    let how =
        json!({"delay": "PT5M", "jitter": "PT20M", "every": "PT7M", "shuffle": true, "duplicates": 0.5, "seed": 7});
    arrive(&world, &how).await;
    for _ in 0..6 {
        back_up_elsewhere(&world, LABS).await;
        back_up_elsewhere(&world, OTHER).await;
        world.advance("PT11M").await;
    }
    world.advance("PT3H").await;
    until_empty(&world, &url).await;
    let [live, remembered] = both(&world).await;
    assert_eq!(live.len(), 12);
    assert_eq!(live, remembered);
}

#[tokio::test]
async fn what_is_lost_of_events_the_next_look_finds() {
    let (world, url) = hearing(Duration::from_millis(300)).await;
    let how = json!({"delay": "PT1M", "shuffle": true, "duplicates": 0.3, "lost": 0.5, "seed": 7});
    arrive(&world, &how).await;
    for _ in 0..4 {
        back_up_elsewhere(&world, LABS).await;
        world.advance("PT11M").await;
    }
    world.advance("PT3H").await;
    until_empty(&world, &url).await;
    let request = ListJobsRequest::default();
    let ended = |it: &strongroom::proto::ListJobsResponse| {
        it.jobs.len() == 4 && it.jobs.iter().all(|job| job.state() == JobState::Completed)
    };
    until(world.jobs(), &request, ended).await;
    let [live, remembered] = both(&world).await;
    assert_eq!(live, remembered);
}

#[tokio::test]
async fn what_is_no_event_hinders_nothing_and_is_left_to_the_redrive_policy() {
    let (world, url) = hearing(Duration::from_secs(3600)).await;
    let elsewhere = json!({"id": "e", "source": "aws.backup", "detail-type": "Backup Job State Change", "account": "210000000001",
        "region": "us-east-1", "time": START, "resources": [], "detail": {"backupJobId": "j", "state": "CREATED"}});
    let of_another = json!({"id": "e", "source": "aws.s3", "detail-type": "Object Created"});
    for body in ["{".to_owned(), elsewhere.to_string(), of_another.to_string(), "[]".to_owned()] {
        let message = json!({"QueueUrl": url, "MessageBody": body});
        ask(world.sandbox(), "sqs", "AmazonSQS.SendMessage", message).await;
    }
    let id = back_up_elsewhere(&world, LABS).await;
    until_state(&world, &id, JobState::Created).await;
    let left = async {
        while waiting(&world, &url).await > 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), left).await.expect("what can be read is not deleted");
    assert_eq!(waiting(&world, &url).await, 2, "what cannot be read is kept");
    assert_eq!(
        list(world.jobs(), ListJobsRequest::default()).await.jobs.len(),
        1,
        "of an account that is not followed"
    );
}

#[tokio::test]
async fn a_queue_that_cannot_be_read_is_read_when_it_can_be() {
    let (world, url) = hearing(Duration::from_secs(3600)).await;
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"service": "sqs", "operation": "ReceiveMessage", "next": 1, "effect": denied})).await;
    // AWS does not tell of it either: then nothing is deleted.
    world.arm(json!({"service": "backup", "operation": "ListBackupJobs", "next": 4, "effect": "throttle"})).await;
    let id = back_up_elsewhere(&world, LABS).await;
    world.advance("PT30M").await;
    until_state(&world, &id, JobState::Completed).await;
    world.end_faults().await;
    // Hidden for a minute by AWS's clock, what was left comes again.
    world.advance("PT2M").await;
    until_empty(&world, &url).await;
    let [live, remembered] = both(&world).await;
    assert_eq!(live, remembered);
}

#[tokio::test]
async fn the_metrics_tell_who_leads_how_far_behind_it_is_and_what_became_of_messages() {
    let served = Served::start(&["feed.enabled=true", "feed.queue_url=http://127.0.0.1:1/123456789012/events"]).await;
    let url = route(served.sandbox()).await;
    for body in ["{", r#"{"id": "e", "source": "aws.s3", "detail-type": "Object Created"}"#] {
        let message = json!({"QueueUrl": url, "MessageBody": body});
        ask(served.sandbox(), "sqs", "AmazonSQS.SendMessage", message).await;
    }
    let expected = [
        "strongroom_ledger_up 1",
        "strongroom_worker_leads{role=\"events\"} 1",
        "strongroom_worker_leads{role=\"feed\"} 1",
        "strongroom_worker_leads{role=\"retention\"} 1",
        "strongroom_feed_lag_seconds{aws_account_id=\"123456789012\",aws_region=\"us-east-1\"} ",
        "strongroom_feed_events_total{outcome=\"ignored\"} 1",
        "strongroom_feed_events_total{outcome=\"unreadable\"} 1",
    ];
    let told = async {
        loop {
            let shown = served.scraped().await;
            if expected.iter().all(|start| shown.lines().any(|line| line.starts_with(start))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("it is never told");
}

async fn arrive(world: &World, how: &Value) {
    let answer = reqwest::Client::new().put(format!("{}/_sandbox/events", world.sandbox())).json(how).send().await;
    let answer = answer.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn a_recovery_point_that_is_taken_away_is_known_by_its_event_and_by_cloudtrail_who_took_it() {
    let (world, url) = hearing(Duration::from_secs(3600)).await;
    let id = back_up_elsewhere(&world, LABS).await;
    world.advance("PT30M").await;
    let point = until_state(&world, &id, JobState::Completed).await.recovery_point_arn;
    until_empty(&world, &url).await;
    let aws = aws_backup(&world);
    aws.delete_recovery_point().backup_vault_name(VAULT).recovery_point_arn(&point).send().await.unwrap();
    let eve = "arn:aws:sts::123456789012:assumed-role/Admin/eve";
    let call = json!({
        "version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.backup", "account": ACCOUNT, "time": "2026-03-02T00:31:00Z", "region": "us-east-1", "resources": [],
        "detail": {
            "userIdentity": {"type": "AssumedRole", "arn": eve}, "eventTime": "2026-03-02T00:31:00Z",
            "eventSource": "backup.amazonaws.com", "eventName": "DeleteRecoveryPoint",
            "requestParameters": {"backupVaultName": VAULT, "recoveryPointArn": point},
        },
    });
    let sent = json!({"QueueUrl": url, "MessageBody": call.to_string()});
    ask(world.sandbox(), "sqs", "AmazonSQS.SendMessage", sent).await;
    world.advance("PT2M").await;
    let told = async {
        loop {
            let listed = world.protection().list_incidents(ListIncidentsRequest::default()).await.unwrap().into_inner();
            match listed.incidents.into_iter().next() {
                Some(incident) if incident.actor.is_some() => return incident,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let incident = tokio::time::timeout(Duration::from_secs(60), told).await.expect("nobody is told");
    assert_eq!((incident.cause(), incident.resource_arn.as_str()), (IncidentCause::RecoveryPointDeleted, LABS));
    let actor = incident.actor.unwrap();
    assert_eq!((actor.caller_arn.as_str(), actor.operation.as_str()), (eve, "DeleteRecoveryPoint"));
    assert_eq!(incident.recovery_points[0].recovery_point_arn, point);
    assert!(incident.finding.unwrap().message.contains(eve));
}

#[tokio::test]
async fn a_plan_that_others_change_is_looked_at_by_its_event() {
    let (world, _) = hearing(Duration::from_secs(3600)).await;
    let plan = AwsPlan::builder()
        .backup_plan_name("nightly")
        .rules(AwsRule::builder().rule_name("daily").target_backup_vault_name(VAULT).build().unwrap());
    let made = aws_backup(&world).create_backup_plan().backup_plan(plan.build().unwrap()).send().await.unwrap();
    let selection = AwsSelection::builder().selection_name("all").iam_role_arn(ROLE).resources(LABS).build().unwrap();
    let id = made.backup_plan_id.unwrap();
    aws_backup(&world).create_backup_selection().backup_plan_id(&id).backup_selection(selection).send().await.unwrap();
    let changed = AwsPlan::builder()
        .backup_plan_name("nightly")
        .rules(AwsRule::builder().rule_name("hourly").target_backup_vault_name(VAULT).build().unwrap());
    // A selection is no event of AWS's, so it is known with the plan's next one.
    aws_backup(&world)
        .update_backup_plan()
        .backup_plan_id(id)
        .backup_plan(changed.build().unwrap())
        .send()
        .await
        .unwrap();
    world.advance("PT1M").await;
    let told = async {
        loop {
            let request = ListProtectionRequest {
                filter: Some(ProtectionFilter { resource: LABS.into(), ..Default::default() }),
                ..Default::default()
            };
            let listed = world.protection().list_protection(request).await.map(tonic::Response::into_inner);
            let rules = listed.iter().flat_map(|it| &it.databases).flat_map(|it| &it.coverage);
            if rules.map(|rule| rule.rule_name.as_str()).eq(["hourly"]) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("nobody looks at the plan");
}
