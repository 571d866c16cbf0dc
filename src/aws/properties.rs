//! What holds of whatever stands in the queue; as `domain::properties`, in no build that ships.

use jiff::Timestamp;

use super::events::{Event, News};

/// Words of events.
#[rustfmt::skip]
pub const EVENTS: &[&str] = &[
    "{", "}", "[", "]", ":", ",", "\"", "\\", "null", "true", "0", "100", "1e300", "{}", "[]", "\"\"", "\"\\u0000\"",
    "\"id\":", "\"detail-type\":", "\"source\":\"aws.backup\"", "\"account\":\"123456789012\"", "\"region\":\"us-east-1\"",
    "\"time\":\"2025-03-01T05:12:00Z\"", "\"resources\":[", "\"detail\":{", "\"Backup Job State Change\"",
    "\"Recovery Point State Change\"", "\"backupJobId\":", "\"state\":", "\"status\":\"DELETED\"", "\"statusMessage\":",
    "\"\\\"x\\\"\"", "\"percentDone\":", "\"creationDate\":", "\"Jul 15, 2020 9:39:07 PM\"", "\"createdBy\":{",
    "\"TopicArn\":\"arn:aws:sns:us-east-1:123456789012:t\"", "\"MessageId\":\"m\"", "\"Timestamp\":\"2025-03-01T05:12:00Z\"",
    "\"Message\":\"{\\\"detail-type\\\":\\\"x\\\"}\"", "\"MessageAttributes\":{", "\"lifecycle\":{\"deleteAfterDays\":",
    "{\"id\":\"i\",\"source\":\"aws.backup\",\"account\":\"123456789012\",\"region\":\"us-east-1\",\"time\":\"2025-03-01T05:12:00Z\",",
    "\"detail-type\":\"Copy Job State Change\",\"detail\":{\"copyJobId\":\"c\",", "}}",
];

/// A body is an event, the same each time, whose texts are ones that every store takes; or it is a fault that is short.
pub fn event(body: &str) {
    let told = match Event::parse(body) {
        Ok(told) => told,
        Err(fault) => {
            let fault = fault.to_string();
            assert!(!fault.is_empty() && fault.len() < 1_200, "a fault of {} bytes: {fault}", fault.len());
            return;
        }
    };
    assert_eq!(Event::parse(body).as_ref(), Ok(&told));
    let mut texts = vec![Some(told.id.as_str())];
    let mut times = vec![Some(told.at)];
    match &told.news {
        News::Job(job) => {
            texts.extend([Some(job.id.as_str()), Some(job.state.word())]);
            let more = [&job.resource_arn, &job.status_message, &job.recovery_point_arn, &job.role_arn];
            texts.extend(more.map(Option::as_deref));
            times.extend([job.created_at, job.completed_at, job.start_by, job.expected_completion_at]);
            assert_eq!(job.scope, told.scope);
            assert!(job.percent_done.is_none_or(|done| (0.0..=100.0).contains(&done)));
        }
        News::Point(news) => {
            texts.extend([Some(news.point.arn.as_str()), Some(news.point.state.word())]);
            texts.extend([&news.point.vault_name, &news.point.status_message].map(Option::as_deref));
            times.extend([news.point.created_at, news.point.delete_at]);
            assert!(!news.point.arn.is_empty());
        }
        News::Vault { name: text, .. } | News::Plan { id: text, .. } => {
            assert!(!text.is_empty());
            texts.push(Some(text));
        }
        News::Call(call) => texts.extend([Some(call.operation.as_str()), call.caller.as_deref()]),
        News::Other(kind) => texts.push(Some(kind)),
        News::UnnamedJob(_) | News::RegionSettings => {}
    }
    for text in texts.into_iter().flatten() {
        assert!(text.len() <= 5_000 && !text.contains(char::is_control), "{text:?}");
    }
    for time in times.into_iter().flatten() {
        assert_eq!(Timestamp::from_millisecond(time.as_millisecond()).ok(), Some(time), "finer than AWS tells");
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use serde_json::{Map, Value, json};

    use super::EVENTS;
    use crate::domain::properties::tests::text_of;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,30}".prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            select(&["DELETED", "CREATED", "12.5%", "Jul 15, 2020 9:39:07 PM", "-9999-01-01T00:00:00Z"][..])
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            let members = prop::collection::vec(("[a-zA-Z-]{0,12}", inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    /// An event of each sort.
    fn whole() -> impl Strategy<Value = Value> {
        const KINDS: &[&str] = &[
            "Backup Job State Change",
            "Restore Job State Change",
            "Copy Job State Change",
            "Recovery Point State Change",
            "Recovery Point Change",
            "Backup Vault State Change",
            "Backup Plan State Change",
            "AWS API Call via CloudTrail",
        ];
        select(KINDS).prop_map(|kind| {
            let arn = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";
            let detail = json!({
                "backupJobId": "a-1", "restoreJobId": "b-2", "copyJobId": "c-3", "state": "COMPLETED",
                "status": "COMPLETED", "statusMessage": "\"x\"", "percentDone": 100, "bytesTransferred": "7",
                "creationDate": "2025-03-01T05:00:00.000Z", "completionDate": "2025-03-01T05:00:00.000Z",
                "startBy": "2025-03-01T05:00:00Z", "expectedCompletionDate": "Jul 15, 2020 9:39:07 PM",
                "resourceArn": arn, "resourceType": "RDS", "createdBy": {"backupPlanId": "p", "backupPlanRuleId": "r"},
                "backupVaultName": "prod", "backupVaultArn": arn, "destinationRecoveryPointArn": {},
                "lifecycle": {"deleteAfterDays": 35}, "calculatedLifeCycle": {"deleteAt": "2025-03-01T05:00:00Z"},
                "backupPlanId": "p", "versionId": "v", "isLocked": "true", "eventName": "DeleteRecoveryPoint",
                "userIdentity": {"arn": arn}, "requestParameters": {"backupVaultName": "prod"},
            });
            crate::aws::events::tests::event(kind, &json!([arn]), &detail)
        })
    }

    /// The same with another value somewhere, or a part more.
    fn altered() -> impl Strategy<Value = String> {
        (whole(), any::<prop::sample::Index>(), any::<bool>(), json()).prop_map(|(mut event, at, within, value)| {
            let place = if within { &mut event["detail"] } else { &mut event };
            let members = place.as_object_mut().unwrap();
            let name = members.keys().nth(at.index(members.len())).unwrap().clone();
            members.insert(name, value);
            event.to_string()
        })
    }

    /// The text of an event with other bytes in it.
    fn damaged() -> impl Strategy<Value = String> {
        (altered(), any::<prop::sample::Index>(), 0_usize..40, "\\PC{0,8}").prop_map(|(event, at, less, more)| {
            let at = at.index(event.len());
            let kept = |from: usize, to: usize| event.get(from..to.min(event.len())).unwrap_or_default();
            format!("{}{more}{}", kept(0, at), kept(at + less, event.len()))
        })
    }

    proptest! {
        #[test]
        fn event(body in prop_oneof![text_of(EVENTS, 24), json().prop_map(|body| body.to_string()), altered(), damaged()]) {
            super::event(&body);
        }

        #[test]
        fn whatever_a_detail_says_its_event_is_read_where_its_frame_is(mut event in whole(), detail in json()) {
            event["detail"] = detail;
            let told = crate::aws::events::Event::parse(&event.to_string());
            let faulty = matches!(
                told,
                Err(crate::aws::events::EventFault::Lacks(..) | crate::aws::events::EventFault::Strange("the id of a job", _))
            );
            prop_assert!(told.is_ok() || faulty, "{:?}", told);
        }
    }
}
