"""The part of the lived-in world that tells: EventBridge, SNS and SQS, every operation of them."""

import json

from aws_clients import refused
from processes import ACCOUNT, REGION

EVENTS = """
    PutRule DescribeRule ListRules EnableRule DisableRule DeleteRule PutTargets ListTargetsByRule ListRuleNamesByTarget
    RemoveTargets PutEvents TestEventPattern TagResource UntagResource ListTagsForResource DescribeEventBus
"""
SNS = """
    CreateTopic GetTopicAttributes SetTopicAttributes ListTopics DeleteTopic Subscribe GetSubscriptionAttributes
    SetSubscriptionAttributes ListSubscriptions ListSubscriptionsByTopic Unsubscribe Publish TagResource UntagResource
    ListTagsForResource
"""
SQS = """
    CreateQueue GetQueueUrl GetQueueAttributes SetQueueAttributes ListQueues ListDeadLetterSourceQueues PurgeQueue
    DeleteQueue TagQueue UntagQueue ListQueueTags SendMessage SendMessageBatch ReceiveMessage DeleteMessage
    DeleteMessageBatch ChangeMessageVisibility ChangeMessageVisibilityBatch
"""

NAME = "lived-in"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"


def events(aws, sandbox):
    """The life of a queue, a rule and a topic."""
    url = queue(aws.sqs)
    rule(aws.events)
    topic(aws.sns)
    sandbox.advance("1s")
    messages(aws.sqs, url)
    sandbox.advance("2m")
    for gone in (url, f"{url}-dead"):
        aws.sqs.purge_queue(QueueUrl=gone)
        aws.sqs.delete_queue(QueueUrl=gone)
    refused(aws.sqs.create_queue, "AWS.SimpleQueueService.QueueDeletedRecently", QueueName=NAME)


def queue(sqs) -> str:
    dead = sqs.create_queue(QueueName=f"{NAME}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "10"}
    url = sqs.create_queue(QueueName=NAME, Attributes=attributes, tags={"a": "b"})["QueueUrl"]
    refused(sqs.create_queue, "QueueAlreadyExists", QueueName=NAME, Attributes={"DelaySeconds": "7"})
    refused(sqs.create_queue, "InvalidAttributeName", QueueName="other", Attributes={"Colour": "red"})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["Policy"] == policy
    sqs.tag_queue(QueueUrl=url, Tags={"c": "d"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"c": "d"}
    assert len(sqs.list_queues(QueueNamePrefix=NAME, MaxResults=1)["QueueUrls"]) == 1
    sqs.get_queue_url(QueueName=NAME)
    refused(sqs.get_queue_url, "AWS.SimpleQueueService.NonExistentQueue", QueueName="none")
    return url


def messages(sqs, url: str):
    received = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"]
    assert len(received) == 2, "one of the rule, one of the topic"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"])
    entries = [{"Id": "1", "ReceiptHandle": received[1]["ReceiptHandle"]}]
    sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    attributes = {"n": {"DataType": "Number", "StringValue": "7"}, "b": {"DataType": "Binary", "BinaryValue": b"\0"}}
    sqs.send_message(QueueUrl=url, MessageBody="one", MessageAttributes=attributes)
    batch = [{"Id": "1", "MessageBody": "two"}, {"Id": "2", "MessageBody": "\u0001"}]
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=batch)["Failed"]) == 1
    first = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"][0]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    entries = [{"Id": "1", "ReceiptHandle": first["ReceiptHandle"], "VisibilityTimeout": 5}]
    assert sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)["Failed"]
    refused(sqs.receive_message, "InvalidParameterValue", QueueUrl=url, MaxNumberOfMessages=11)
    refused(sqs.delete_message, "ReceiptHandleIsInvalid", QueueUrl=url, ReceiptHandle="none")


def rule(events):
    pattern = json.dumps({"source": ["my.app"], "detail": {"state": [{"prefix": "COMP"}]}})
    arn = events.put_rule(Name=NAME, EventPattern=pattern, Tags=[{"Key": "a", "Value": "b"}])["RuleArn"]
    refused(events.put_rule, "InvalidEventPatternException", Name="wrong", EventPattern="{}")
    refused(events.describe_rule, "ResourceNotFoundException", Name="none")
    events.put_targets(Rule=NAME, Targets=[{"Id": "1", "Arn": QUEUE}, {"Id": "2", "Arn": QUEUE, "Input": "{}"}])
    events.remove_targets(Rule=NAME, Ids=["2", "3"])
    events.list_targets_by_rule(Rule=NAME)
    events.list_rule_names_by_target(TargetArn=QUEUE)
    events.disable_rule(Name=NAME)
    events.enable_rule(Name=NAME)
    events.describe_rule(Name=NAME)
    events.list_rules(NamePrefix=NAME, Limit=1)
    events.describe_event_bus()
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "c", "Value": "d"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["a"])
    events.list_tags_for_resource(ResourceARN=arn)
    own = {"Source": "my.app", "DetailType": "t", "Detail": json.dumps({"state": "COMPLETED"})}
    put = events.put_events(Entries=[own, own | {"Source": "aws.backup"}])
    assert put["FailedEntryCount"] == 1
    event = {"id": "1", "account": ACCOUNT, "source": "my.app", "time": "2026-03-01T04:00:00Z", "region": REGION}
    event |= {"resources": [], "detail-type": "t", "detail": {"state": "COMPLETED"}}
    assert events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]
    refused(events.delete_rule, "ValidationException", Name=NAME)
    events.put_rule(Name="short-lived", EventPattern=pattern)
    events.delete_rule(Name="short-lived")


def topic(sns):
    arn = sns.create_topic(Name=NAME, Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="d")
    sns.get_topic_attributes(TopicArn=arn)
    sns.list_topics()
    refused(sns.get_topic_attributes, "NotFound", TopicArn=f"{arn}-none")
    refused(sns.subscribe, "InvalidParameter", TopicArn=arn, Protocol="email", Endpoint="a@example.com")
    subscription = sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]
    raw = {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"}
    sns.set_subscription_attributes(SubscriptionArn=subscription, **raw)
    sns.get_subscription_attributes(SubscriptionArn=subscription)
    sns.list_subscriptions()
    sns.list_subscriptions_by_topic(TopicArn=arn)
    sns.publish(TopicArn=arn, Message="m", Subject="s")
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["a"])
    sns.list_tags_for_resource(ResourceArn=arn)
    other = sns.create_topic(Name="short-lived")["TopicArn"]
    gone = sns.subscribe(TopicArn=other, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]
    sns.unsubscribe(SubscriptionArn=gone)
    sns.delete_topic(TopicArn=other)
