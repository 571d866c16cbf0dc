"""Every operation of the sandbox over a lived-in world, its raw answers held against botocore's service models."""

import json

import botocore.exceptions
import pytest
import service_models
from aws_clients import Aws
from lived_in_world import OPERATIONS, REFUSED_ONLY, live


class Recorder(Aws):
    """boto3 clients whose raw answers are judged before botocore parses them: (operation, status, faults, body)."""

    def __init__(self, url: str):
        super().__init__(url)
        self.answers = []
        self.fault = None

    def client(self, service: str, *arguments, **options):
        client = super().client(service, *arguments, **options)
        client.meta.events.register("before-parse", self._judge)
        return client

    def _judge(self, operation_model, response_dict, **_):
        status, headers, body = (response_dict[part] for part in ("status_code", "headers", "body"))
        judge = service_models.violations if status < 300 else service_models.error_violations
        name = f"{operation_model.service_model.signing_name}:{operation_model.name}"
        self.answers.append((name, status, judge(operation_model, status, headers, body), body))


@pytest.fixture(scope="module")
def recorded(one_sandbox):
    one_sandbox.reset()
    recorder = Recorder(one_sandbox.url)
    try:
        live(recorder, one_sandbox)
    except Exception as fault:  # told once, below; what was recorded until then is judged all the same
        recorder.fault = fault
    return recorder


def test_the_life_is_lived_to_its_end(recorded):
    if recorded.fault:
        raise recorded.fault


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_answers_are_what_the_model_says(recorded, operation):
    answers = [answer for answer in recorded.answers if answer[0] == operation]
    assert answers, "the lived-in world does not call it"
    if operation not in REFUSED_ONLY:
        assert any(status < 300 for _, status, _, _ in answers), f"never answered with success: {answers}"
    wrong = [(fault, body.decode()[:2000]) for _, _, faults, body in answers for fault in faults]
    assert wrong == []


def test_no_operation_goes_unjudged(recorded):
    assert {name for name, *_ in recorded.answers} == OPERATIONS


def test_an_operation_that_the_sandbox_does_not_have_is_refused_by_name(aws):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.backup.create_framework(
            FrameworkName="none", FrameworkControls=[{"ControlName": "BACKUP_RESOURCES_PROTECTED_BY_BACKUP_PLAN"}]
        )
    assert refused.value.response["Error"]["Code"] == "UnknownOperationException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


class Answer:
    """An answer made up for the checker's own test."""

    def __init__(self, aws, service, operation):
        self.operation = getattr(aws, service).meta.service_model.operation_model(operation)

    def faults(self, body, content_type="application/json", status=200):
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        return service_models.violations(self.operation, status, {"Content-Type": content_type}, raw)


def test_the_checker_sees_what_is_wrong_with_json(aws):
    answer = Answer(aws, "backup", "DescribeBackupJob")
    assert answer.faults({"BackupJobId": "1", "CreationDate": 1516925490.087, "State": "RUNNING"}) == []
    for wrong in (
        {"BackupJobID": "1"},
        {"BackupJobId": 1},
        {"BackupJobId": None},
        {"CreationDate": "2026-03-01T04:00:00Z"},
        {"State": "SLEEPING"},
        {"IsParent": "false"},
        {"BytesTransferred": 1.5},
        {"CreatedBy": {"PlanId": "1"}},
        {"BackupOptions": {"a": 1}},
        [],
    ):
        assert answer.faults(wrong), wrong
    assert answer.faults({}, content_type="text/plain")
    assert answer.faults({}, status=201)
    assert Answer(aws, "backup", "DeleteBackupVault").faults("null")
    plan = {"BackupPlanName": "p", "Rules": [{"RuleName": "r"}]}
    assert Answer(aws, "backup", "GetBackupPlan").faults({"BackupPlan": plan}) == [
        ".BackupPlan.Rules[0].TargetBackupVaultName is missing"
    ]


def test_the_checker_sees_what_is_wrong_with_xml(aws):
    answer = Answer(aws, "iam", "ListRolePolicies")

    def xml(result, namespace="https://iam.amazonaws.com/doc/2010-05-08/"):
        return (
            f'<ListRolePoliciesResponse xmlns="{namespace}"><ListRolePoliciesResult>{result}</ListRolePoliciesResult>'
            "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></ListRolePoliciesResponse>"
        )

    good = "<PolicyNames><member>a</member></PolicyNames><IsTruncated>false</IsTruncated>"
    assert answer.faults(xml(good)) == []
    assert answer.faults(xml(good, namespace="http://iam.amazonaws.com/doc/2010-05-08/"))
    for wrong in (
        "",
        "<PolicyNames><item>a</item></PolicyNames>",
        "<PolicyNames/><IsTruncated>no</IsTruncated>",
        "<PolicyNames/><PolicyNames/>",
        "<PolicyNames/><Truncated>false</Truncated>",
    ):
        assert answer.faults(xml(wrong)), wrong
