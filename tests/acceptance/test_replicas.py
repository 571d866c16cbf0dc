"""Two servers on one PostgreSQL, used by grpcio as if they were one."""

import time

import pytest
from grpc_client import Client, Failure
from processes import Sandbox, Server

OFTEN = ("--set", "feed.enabled=true", "--set", "feed.interval=100ms", "--set", "feed.busy_interval=50ms", "--set", "feed.coverage_interval=1s")
ROLE = "AWSBackupDefaultServiceRole"


@pytest.fixture
def world(binary, database, tmp_path):
    """A sandbox, and two servers that follow it and remember the same."""
    sandbox = Sandbox(binary, tmp_path / "sandbox.log")
    shared = ("--endpoint-url", sandbox.url, *OFTEN, "--set", f"ledger.url={database.url}", "--set", "ledger.lease=2s")
    servers = [Server(binary, tmp_path / f"server-{number}.log", *shared) for number in range(2)]
    clients = [Client(server.address) for server in servers]
    clients[0].call("AccountService/EnsureServiceRole")
    clients[0].call("VaultService/CreateVault", name="nightly")
    yield sandbox, servers, clients
    for client in clients:
        client.close()
    assert [server.stop() for server in servers] == [0, 0]
    sandbox.process.stop()


def until(client, rpc, wanted, **fields):
    """The answer, once it is as wanted; who is being restarted is asked again."""
    answer = None
    for _ in range(600):
        try:
            answer = client.call(rpc, **fields)
            if wanted(answer):
                return answer
        except Failure as failure:
            assert failure.code.name == "UNAVAILABLE" or failure.reason == "SCOPE_NOT_FOLLOWED", failure
        time.sleep(0.05)
    raise AssertionError(f"{rpc} never tells it: {answer}")


def current(answer):
    return answer["scopes"] and all(scope["state"] == "SCOPE_STATE_CURRENT" for scope in answer["scopes"])


def start(client, name="rdspg-fcj-labs"):
    return client.call("JobService/StartBackup", resource=name, vault="nightly", role=ROLE)["job"]["id"]


def jobs_of(stream, wanted):
    """The jobs that are told, and the last token, until so much was told."""
    jobs, token = [], None
    for message in stream:
        token = message["resume_token"]
        jobs += [message["job"]] if "job" in message else []
        if wanted(jobs):
            break
    stream.cancel()
    return jobs, token


def done(*ids):
    return lambda jobs: {job["id"] for job in jobs if job["state"] == "JOB_STATE_COMPLETED"} >= set(ids)


def test_what_begins_at_one_goes_on_at_the_other_though_the_first_is_killed(world):
    sandbox, servers, (one, other) = world
    begin = until(one, "JobService/ListJobs", current, read="READ_LEDGER")["resume_token"]
    first = start(one)
    _, left = jobs_of(one.stream("JobService/WatchJobs", resume_token=begin), lambda jobs: len(jobs) == 1)
    # Each in its turn leads, and is killed.
    for survivor, killed in ((other, servers[0]), (one, servers[1])):
        killed.process.kill()
        sandbox.advance("2h")
        found = lambda answer: answer["job"]["state"] == "JOB_STATE_COMPLETED"  # noqa: E731
        until(survivor, "JobService/GetJob", found, job=first, read="READ_LEDGER")
        rest, left = jobs_of(survivor.stream("JobService/WatchJobs", resume_token=left), done(first))
        assert rest[-1]["id"] == first
        killed.start()
        first = start(survivor)
    until(one, "JobService/GetJob", lambda answer: answer["job"]["id"] == first, job=first)


def test_both_say_the_same_of_the_fleet_and_an_incident_acknowledged_at_one_is_so_at_the_other(world):
    sandbox, _, (one, other) = world
    until(one, "JobService/ListJobs", current, read="READ_LEDGER")
    failed = start(one, "rdspg-paused")
    sandbox.advance("2h")
    incidents = until(other, "ProtectionService/ListIncidents", lambda answer: answer["incidents"])["incidents"]
    assert [incident["job_id"] for incident in incidents] == [failed]
    acknowledge = {"incident": incidents[0]["id"], "note": "resumed tomorrow"}
    one.call("ProtectionService/AcknowledgeIncident", **acknowledge)
    [incident] = other.call("ProtectionService/ListIncidents")["incidents"]
    assert incident["acknowledgement"]["note"] == "resumed tomorrow"
    for rpc, fields in (
        ("ProtectionService/GetCoverage", {}),
        ("ProtectionService/ListProtection", {}),
        ("JobService/SummarizeJobs", {"group_by": ["JOB_DIMENSION_RESOURCE", "JOB_DIMENSION_DAY"]}),
        ("JobService/ListJobs", {"read": "READ_LEDGER"}),
    ):
        # Between two questions either may have learned something.
        for _ in range(100):
            answers = [client.call(rpc, **fields) for client in (one, other)]
            if answers[0] == answers[1]:
                break
            time.sleep(0.05)
        assert answers[0] == answers[1], rpc
