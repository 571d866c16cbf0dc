"""The checks of the watch campaign see what they are for: each of them a log that is wrong in one way."""

import base64
import sys
from pathlib import Path

import grpc
import pytest
from google.rpc import status_pb2
from grpc_client import Failure

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "campaign"))

from watching import FILTERS, check, position  # noqa: E402


class Told:
    """A watcher that was told this."""

    def __init__(self, number, log, begun=0):
        self.number, self.log, self.begun, self.faults = number, log, begun, []
        self.filter, self.fits = FILTERS[number]


def job(at, id="a", state="RUNNING", database="rdspg-fcj-labs"):
    arn = f"arn:aws:rds:us-east-1:123456789012:db:{database}"
    return ("job", at, {"id": id, "state": f"JOB_STATE_{state}", "resource_arn": arn, "kind": "JOB_KIND_BACKUP"})


def bookmark(at):
    return ("bookmark", at, None)


def resumed(at):
    return ("resumed", at, None)


ALL = [resumed(0), job(1), job(2, "b", database="rdspg-orders"), bookmark(2), job(3, state="COMPLETED"), resumed(3), bookmark(3)]


def test_logs_as_they_should_be_are_right():
    some = [resumed(0), job(1), job(3, state="COMPLETED")]
    assert check([Told(0, ALL), Told(3, some)], 0, 3) == []


@pytest.mark.parametrize(
    ("rule", "number", "log"),
    [
        ("ordered", 0, [job(1), job(3, state="COMPLETED"), job(2, "b", database="rdspg-orders")]),
        ("ordered", 0, [job(1), job(2, "b", database="rdspg-orders"), job(3, state="COMPLETED"), job(4)]),
        ("unique", 0, [job(1), job(1), job(2, "b", database="rdspg-orders"), job(3, state="COMPLETED")]),
        ("atomic", 0, [job(1, state="PENDING"), job(2, "b", database="rdspg-orders"), job(3, state="COMPLETED")]),
        ("reliable", 0, [job(1), job(3, state="COMPLETED")]),
        ("reliable", 3, [job(1)]),
        ("resumable", 0, [*ALL, resumed(3), job(3, state="COMPLETED")]),
        ("bookmarkable", 0, [job(1), job(2, "b", database="rdspg-orders"), job(3, state="COMPLETED"), bookmark(2)]),
        ("filtered", 3, [job(1), job(2, "b", database="rdspg-orders"), job(3, state="COMPLETED")]),
    ],
)
def test_what_is_wrong_is_told_by_its_rule(rule, number, log):
    wrong = check([Told(1, ALL), Told(number, log)], 0, 4 if log[-1][1] == 4 else 3)
    assert [text for text in wrong if text.startswith(f"{rule}:")], wrong


def test_a_position_that_nobody_was_told_is_missed():
    wrong = check([Told(0, ALL), Told(1, ALL)], 0, 4)
    assert wrong[0].startswith("reliable: nobody was told 1 positions, the first 4")


def test_a_position_is_read_from_a_token():
    token = base64.urlsafe_b64encode(bytes(16) + b"42 0123abcd").rstrip(b"=").decode()
    assert position(token) == 42


class Raced(grpc.RpcError):
    """As grpcio tells it when its own deadline passes while the server's trailers arrive."""

    def __init__(self, code: grpc.StatusCode):
        self.of = code

    def code(self):
        return self.of

    def details(self):
        return "Stream removed (Deadline Exceeded)"

    def trailing_metadata(self):
        told = status_pb2.Status(code=self.of.value[0], message="the deadline of the call passed")
        return (("grpc-status-details-bin", told.SerializeToString()),)


def test_a_deadline_of_the_library_beside_that_of_the_server_is_an_error_like_others():
    failure = Failure(Raced(grpc.StatusCode.DEADLINE_EXCEEDED))
    assert (failure.code, failure.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "")
    with pytest.raises(ValueError):
        Failure(Raced(grpc.StatusCode.INTERNAL))
