//! Topics: making, setting and deleting them.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Topic, invalid, map_of, required, tags, topic_arn};
use crate::{
    call::{AwsError, Call},
    iam::resource_policy,
    query::{Form, Xml, page},
    world::World,
};

/// Topics of a region at most. AWS: 100,000 `[D]`; less here, because a sandbox holds them in memory.
const MOST_TOPICS: usize = 1_000;

/// The longest value of an attribute: a policy `[D]`.
pub(super) const LONGEST: usize = 30_720;

/// Topics on a page `[M]`.
const PER_PAGE: usize = 100;

/// How SNS tries again over HTTP; told of every topic, and nothing here goes by it.
const DELIVERY_POLICY: &str = r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}"#;

/// CreateTopic: one that is there already, and is set just so, is answered as if it were new.
pub(super) fn create(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let name = required(form, "Name")?;
    if name.ends_with(".fifo") {
        return Err(invalid("Topic Name: the sandbox has standard topics alone, and this would be a FIFO topic"));
    }
    let fine = name.len() <= 256 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !fine {
        return Err(invalid("Topic Name"));
    }
    let mut attributes = BTreeMap::new();
    for (name, value) in map_of(form, "Attributes") {
        check(&name, &value)?;
        if !value.is_empty() && name != "FifoTopic" {
            attributes.insert(name, value);
        }
    }
    let given = tags::given(form)?;
    let arn = call.arn("sns", name);
    let region = call.region(world);
    if let Some(topic) = region.sns.topics.get(&arn) {
        if attributes.iter().any(|(name, value)| topic.attributes.get(name) != Some(value)) {
            return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
        }
        if !given.is_empty() && region.tags.0.get(&arn) != Some(&given) {
            return Err(invalid("Tags Reason: Topic already exists with different tags"));
        }
        return Ok(Xml::new().text("TopicArn", arn));
    }
    if region.sns.topics.len() >= MOST_TOPICS {
        let message = format!("The sandbox holds at most {MOST_TOPICS} topics in a region");
        return Err(AwsError::new(403, "TopicLimitExceeded", message));
    }
    region.sns.topics.insert(arn.clone(), Topic { attributes, ..Topic::default() });
    if !given.is_empty() {
        region.tags.0.insert(arn.clone(), given);
    }
    Ok(Xml::new().text("TopicArn", arn))
}

/// Refuses what no topic can be set to.
fn check(name: &str, value: &str) -> Result<(), AwsError> {
    let feedback = |name: &str| {
        let of = ["HTTP", "Firehose", "Lambda", "Application", "SQS"].iter().any(|kind| name.starts_with(kind));
        of && ["SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    if value.len() > LONGEST {
        return Err(invalid(format!("Attributes Reason: {name} is longer than {LONGEST} bytes")));
    }
    match name {
        "Policy" if !value.is_empty() => {
            resource_policy::check(value).map_err(|_| invalid("Policy statement or document is not valid"))
        }
        "DeliveryPolicy" if !value.is_empty() && serde_json::from_str::<serde_json::Value>(value).is_err() => {
            Err(invalid("Attributes Reason: DeliveryPolicy: failed to parse JSON."))
        }
        "FifoTopic" | "ContentBasedDeduplication" if value == "true" => {
            Err(invalid(format!("{name}: the sandbox has standard topics alone")))
        }
        "SignatureVersion" if !matches!(value, "1" | "2") => Err(invalid("SignatureVersion")),
        "DisplayName" if value.chars().count() > 100 => Err(invalid("DisplayName")),
        "DeliveryPolicy" | "DisplayName" | "FifoTopic" | "KmsMasterKeyId" | "Policy" | "SignatureVersion"
        | "TracingConfig" => Ok(()),
        other if feedback(other) => Ok(()),
        _ => Err(invalid("AttributeName")),
    }
}

/// GetTopicAttributes.
pub(super) fn get_attributes(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = topic_arn(form, "TopicArn", call)?;
    let state = &call.region(world).sns;
    let topic = state.topic(arn)?;
    let confirmed = state.subscriptions.values().filter(|subscription| subscription.topic_arn == arn).count();
    let mut told: BTreeMap<String, String> = [
        ("DisplayName", String::new()),
        ("EffectiveDeliveryPolicy", DELIVERY_POLICY.to_owned()),
        ("Owner", call.account.clone()),
        ("Policy", default_policy(arn, &call.account)),
        ("SubscriptionsConfirmed", confirmed.to_string()),
        ("SubscriptionsDeleted", "0".to_owned()),
        ("SubscriptionsPending", "0".to_owned()),
        ("TopicArn", arn.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    told.extend(topic.attributes.clone());
    Ok(Xml::new().list("Attributes", "entry", entries(&told)))
}

/// The entries of a map in an answer.
pub(super) fn entries(map: &BTreeMap<String, String>) -> impl Iterator<Item = Xml> + '_ {
    map.iter().map(|(key, value)| Xml::new().text("key", key).text("value", value))
}

/// What SNS gives a topic of its own: the account itself may do everything, and no service of AWS anything `[D]`.
pub(super) fn default_policy(arn: &str, account: &str) -> String {
    let actions = [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ];
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": actions,
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
        }],
    })
    .to_string()
}

/// SetTopicAttributes.
pub(super) fn set_attributes(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = topic_arn(form, "TopicArn", call)?;
    let (name, value) = (required(form, "AttributeName")?, form.get("AttributeValue").unwrap_or_default());
    let topic = call.region(world).sns.topic_mut(arn)?;
    if name == "FifoTopic" {
        return Err(invalid("AttributeName"));
    }
    check(name, value)?;
    if value.is_empty() {
        topic.attributes.remove(name);
    } else {
        topic.attributes.insert(name.to_owned(), value.to_owned());
    }
    Ok(Xml::none())
}

/// DeleteTopic, with its subscriptions; of one that is not there too.
pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = topic_arn(form, "TopicArn", call)?;
    let region = call.region(world);
    region.sns.topics.remove(arn);
    region.sns.subscriptions.retain(|_, subscription| subscription.topic_arn != arn);
    region.tags.0.remove(arn);
    Ok(Xml::none())
}

/// ListTopics.
pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let topics = call.region(world).sns.topics.keys();
    let page = page(topics, |arn| arn.as_str(), form.get("NextToken"), PER_PAGE).ok_or_else(|| invalid("NextToken"))?;
    let topics = page.items.into_iter().map(|arn| Xml::new().text("TopicArn", arn));
    Ok(Xml::new().list("Topics", "member", topics).optional("NextToken", page.marker))
}
