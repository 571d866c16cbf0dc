"""The way by which AWS Backup's events arrive: a rule, a queue and its policy, a topic; with boto3 and the AWS CLI."""

import json
import threading
import time
from collections import Counter

import botocore.exceptions
import pytest
from aws_clients import LABS
from processes import ACCOUNT, REGION

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:events"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/backup"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:vaults"
ALL = {"source": ["aws.backup"]}


def allows(service: str, action: str, resource: str, source: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Feed:
    """A queue with the events that a pattern means."""

    def __init__(self, aws, pattern=None, policy: str | None = None):
        self.sqs = aws.sqs
        policy = policy or allows("events.amazonaws.com", "sqs:SendMessage", QUEUE, RULE)
        self.url = self.sqs.create_queue(
            QueueName="events", Attributes={"Policy": policy, "VisibilityTimeout": "600"}
        )["QueueUrl"]
        made = aws.events.put_rule(Name="backup", EventPattern=json.dumps(pattern or ALL))
        assert made["RuleArn"] == RULE
        put = aws.events.put_targets(Rule="backup", Targets=[{"Id": "queue", "Arn": QUEUE}])
        assert put["FailedEntryCount"] == 0

    def take(self) -> list[dict]:
        """The bodies of all that is there, deleted."""
        bodies = []
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [json.loads(message["Body"]) for message in messages]
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            assert self.sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)["Failed"] == []
        return bodies


@pytest.fixture
def backup(aws):
    """A function that starts a backup of a database, and answers the job's id."""
    role = aws.role()
    aws.backup.create_backup_vault(BackupVaultName="gold")

    def start() -> str:
        return aws.backup.start_backup_job(BackupVaultName="gold", ResourceArn=LABS, IamRoleArn=role)["BackupJobId"]

    return start


def test_the_events_of_a_backup_come_to_the_queue_with_all_that_is_odd(aws, sandbox, backup):
    jobs = {"source": ["aws.backup"], "detail-type": ["Backup Job State Change"]}
    feed = Feed(aws, pattern=jobs)
    job = backup()
    created = feed.take()
    assert [event["detail"] for event in created] == [
        {"backupJobId": job, "state": "CREATED", "creationDate": "2026-03-01T04:00:00.000Z"}
    ]
    sandbox.advance("1h")
    running, completed = feed.take()
    assert (running["detail"]["state"], running["resources"]) == ("RUNNING", [])
    assert running["detail"]["expectedCompletionDate"] == "Mar 1, 2026 4:00:35 AM"
    point = aws.backup.describe_backup_job(BackupJobId=job)["RecoveryPointArn"]
    detail = completed["detail"]
    assert (detail["state"], completed["resources"]) == ("COMPLETED", [point])
    assert (detail["backupSizeInBytes"], detail["bytesTransferred"], detail["percentDone"]) == ("0", "0", 100)
    assert (completed["account"], completed["region"], completed["version"]) == (ACCOUNT, REGION, "0")
    assert completed["time"] == "2026-03-01T04:00:35Z"


def test_a_restore_says_state_first_and_status_after(aws, sandbox, backup):
    job = backup()
    sandbox.advance("1h")
    point = aws.backup.describe_backup_job(BackupJobId=job)
    feed = Feed(aws, pattern=ALL | {"detail": {"$or": [{"state": [{"exists": True}]}, {"status": [{"exists": True}]}]}})
    metadata = {"DBInstanceIdentifier": "restored", "DBInstanceClass": "db.t3.micro"}
    aws.backup.start_restore_job(
        RecoveryPointArn=point["RecoveryPointArn"], IamRoleArn=point["IamRoleArn"], Metadata=metadata
    )
    sandbox.advance("1h")
    first, *_, last = feed.take()
    assert (first["detail"].get("state"), first["detail"].get("status")) == ("CREATED", None)
    assert (last["detail"].get("state"), last["detail"].get("status")) == (None, "COMPLETED")
    assert isinstance(last["detail"]["backupSizeInBytes"], str)


def test_events_come_late_twice_out_of_order_or_never(aws, sandbox, backup):
    feed = Feed(aws, pattern=ALL | {"detail-type": ["Backup Job State Change"]})
    sandbox.control("PUT", "events", {"delay": "PT10M"})
    backup()
    sandbox.advance("9m")
    assert feed.take() == []
    sandbox.advance("2m")
    late = feed.take()
    assert len(late) == 3
    assert late[0]["time"] == "2026-03-01T04:10:00Z", "an event says when it was told"

    sandbox.control("PUT", "events", {"duplicates": 1})
    backup()
    sandbox.advance("10m")
    ids = Counter(event["id"] for event in feed.take())
    assert len(ids) == 3 and set(ids.values()) == {2}, "what comes twice has one id"

    sandbox.control("PUT", "events", {"every": "PT5M", "shuffle": True, "seed": 3})
    orders = set()
    for _ in range(8):
        backup()
        sandbox.advance("10m")
        orders.add(tuple(event["detail"]["state"] for event in feed.take()))
    assert all(sorted(order) == ["COMPLETED", "CREATED", "RUNNING"] for order in orders)
    assert any(order != ("CREATED", "RUNNING", "COMPLETED") for order in orders), orders

    sandbox.control("PUT", "events", {"lost": 1})
    backup()
    sandbox.advance("10m")
    assert feed.take() == []
    shown = sandbox.control("GET", "events")
    assert shown["counts"]["lost"] > 0 and shown["delivery"]["lost"] == 1


def test_a_queue_that_the_rule_may_not_send_to_gets_nothing_and_that_can_be_found_out(aws, sandbox, backup):
    feed = Feed(aws, policy=allows("events.amazonaws.com", "sqs:SendMessage", QUEUE, f"{RULE}-of-another-name"))
    backup()
    sandbox.advance("1h")
    assert feed.take() == []
    target = sandbox.control("GET", "events")["accounts"][ACCOUNT][REGION]["rules"]["backup"]["targets"]["queue"]
    assert target["invocations"] == target["failed_invocations"] > 0
    assert "does not allow events.amazonaws.com sqs:SendMessage" in target["last_failure"]["why"]


def test_who_waits_for_an_event_is_woken_by_it(aws, sandbox, backup):
    feed = Feed(aws)
    received = []

    def wait():
        answer = feed.sqs.receive_message(QueueUrl=feed.url, WaitTimeSeconds=20)
        received.append((time.monotonic(), answer["Messages"]))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    begun = time.monotonic()
    backup()
    waiting.join(timeout=30)
    ended, messages = received[0]
    assert len(messages) == 1 and ended - begun < 10


def test_a_vault_tells_a_topic_and_the_topic_a_queue(aws, sandbox, backup):
    policy = allows("sns.amazonaws.com", "sqs:SendMessage", QUEUE, TOPIC)
    url = aws.sqs.create_queue(QueueName="events", Attributes={"Policy": policy})["QueueUrl"]
    assert aws.sns.create_topic(Name="vaults")["TopicArn"] == TOPIC
    subscription = aws.sns.subscribe(
        TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    wanted = ["BACKUP_JOB_STARTED", "BACKUP_JOB_COMPLETED"]
    aws.backup.put_backup_vault_notifications(BackupVaultName="gold", SNSTopicArn=TOPIC, BackupVaultEvents=wanted)

    def messages():
        received = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return received.get("Messages", [])

    backup()
    sandbox.advance("1h")
    assert messages() == [], "a topic's own policy does not let AWS Backup in"
    topic = sandbox.control("GET", "events")["accounts"][ACCOUNT][REGION]["topics"][TOPIC]
    assert topic["refused"] == 2 and "policy" in topic["last_refusal"]["why"]

    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "backup.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": TOPIC,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)
    job = backup()
    sandbox.advance("1h")
    started, completed = (json.loads(message["Body"]) for message in messages())
    assert (started["Type"], started["TopicArn"]) == ("Notification", TOPIC)
    assert completed["Subject"] == "Notification from AWS Backup" and job in completed["Message"]
    attributes = {name: value["Value"] for name, value in completed["MessageAttributes"].items()}
    assert (attributes["EventType"], attributes["State"], attributes["Id"]) == ("BACKUP_JOB", "COMPLETED", job)

    aws.sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    aws.sns.publish(
        TopicArn=TOPIC, Message="raw", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}}
    )
    (raw,) = messages()
    assert raw["Body"] == "raw" and raw["MessageAttributes"]["a"]["StringValue"] == "b"


def test_boto3_checks_digests_and_knows_the_errors_of_sqs(aws, sandbox):
    sqs = aws.sqs
    url = sqs.create_queue(QueueName="plain", tags={"team": "orders"})["QueueUrl"]
    assert url == f"{aws.url}/{ACCOUNT}/plain" == sqs.get_queue_url(QueueName="plain")["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "orders"}
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="grüße",
        MessageAttributes={"n": {"DataType": "Number", "StringValue": "7"}},
    )
    # botocore itself refuses an answer whose MD5OfBody is not that of the body.
    asked = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["n"]}
    (message,) = sqs.receive_message(QueueUrl=url, **asked)["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "grüße")
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as missing:
        sqs.get_queue_url(QueueName="none")
    assert missing.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="none")
    with pytest.raises(botocore.exceptions.ClientError, match="FIFO"):
        sqs.create_queue(QueueName="ordered.fifo", Attributes={"FifoQueue": "true"})
    with pytest.raises(aws.events.exceptions.InvalidEventPatternException):
        aws.events.put_rule(Name="wrong", EventPattern='{"source": "aws.backup"}')
    with pytest.raises(aws.sns.exceptions.NotFoundException):
        aws.sns.get_topic_attributes(TopicArn=f"{TOPIC}-none")


def test_the_cli_sees_the_same(aws_cli, sandbox, backup):
    url = aws_cli("sqs", "create-queue", "--queue-name", "events")["QueueUrl"]
    policy = {"Policy": allows("events.amazonaws.com", "sqs:SendMessage", QUEUE, RULE)}
    aws_cli("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", json.dumps(policy))
    aws_cli("events", "put-rule", "--name", "backup", "--event-pattern", json.dumps(ALL))
    aws_cli("events", "put-targets", "--rule", "backup", "--targets", f"Id=queue,Arn={QUEUE}")
    assert [rule["Name"] for rule in aws_cli("events", "list-rules")["Rules"]] == ["backup"]
    backup()
    received = aws_cli("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "5")
    assert json.loads(received["Messages"][0]["Body"])["source"] == "aws.backup"
    topic = aws_cli("sns", "create-topic", "--name", "vaults")["TopicArn"]
    assert aws_cli("sns", "list-topics")["Topics"] == [{"TopicArn": topic}]
    assert "AWS.SimpleQueueService.NonExistentQueue" in aws_cli(
        "sqs", "get-queue-url", "--queue-name", "none", fails=True
    )
