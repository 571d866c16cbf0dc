"""WatchJobs, read by grpcio: by slow readers, over kill -9 of the server, and by those who come back."""

import time
from pathlib import Path

import grpc
import pytest
from grpc_client import Client, Failure
from processes import Sandbox, Server

DATABASES = ("rdspg-fcj-labs", "rdspg-orders", "rdspg-analytics-dev")
DONE = ("JOB_STATE_COMPLETED", "JOB_STATE_FAILED")
OFTEN = ("--set", "feed.enabled=true", "--set", "feed.interval=50ms", "--set", "feed.busy_interval=50ms")


@pytest.fixture
def world(binary, tmp_path):
    """A sandbox, and a server that follows it and keeps its ledger in a file."""
    sandbox = Sandbox(binary, tmp_path / "sandbox.log")
    ledger = ("--set", f"ledger.path={tmp_path / 'ledger.db'}")
    server = Server(binary, tmp_path / "server.log", "--endpoint-url", sandbox.url, *OFTEN, *ledger)
    client = Client(server.address)
    client.call("AccountService/EnsureServiceRole")
    client.call("VaultService/CreateVault", name="nightly")
    yield sandbox, server, client
    client.close()
    assert server.stop() == 0
    sandbox.process.stop()


def listed(client, wanted=lambda answer: True):
    """The ledger's list, once it is as wanted."""
    for _ in range(600):
        try:
            answer = client.call("JobService/ListJobs", read="READ_LEDGER")
            if all(scope["state"] == "SCOPE_STATE_CURRENT" for scope in answer["scopes"]) and wanted(answer):
                return answer
        except Failure as failure:
            assert failure.reason == "SCOPE_NOT_FOLLOWED", failure
        time.sleep(0.05)
    raise AssertionError("the ledger never tells it")


def back_up(client):
    role = "AWSBackupDefaultServiceRole"
    start = lambda name: client.call("JobService/StartBackup", resource=name, vault="nightly", role=role)  # noqa: E731
    return {start(name)["job"]["id"] for name in DATABASES}


def told(stream, until):
    """(id, state) of each job that is told, and the last token, until that is so."""
    jobs, token = [], None
    for message in stream:
        token = message["resume_token"]
        if "job" in message:
            jobs.append((message["job"]["id"], message["job"]["state"]))
        if until(jobs):
            break
    stream.cancel()
    return jobs, token


def resident(server) -> int:
    """Bytes of memory that the server holds."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def ledger_of(server) -> Path:
    return next(Path(flag.removeprefix("ledger.path=")) for flag in server.flags if flag.startswith("ledger.path="))


def ended(jobs):
    # Some fall into the windows of their databases, and fail.
    return {id for id, state in jobs if state in DONE}


def test_a_reader_who_is_slow_or_gone_misses_nothing(world):
    sandbox, server, client = world
    begin = listed(client)["resume_token"]
    slow = client.stream("JobService/WatchJobs", resume_token=begin)
    first = next(iter(slow))
    assert "bookmark" in first
    started = back_up(client)
    sandbox.advance("10s")
    # One that hangs up after a word, without a good-bye.
    _, left = told(client.stream("JobService/WatchJobs", resume_token=begin), lambda jobs: len(jobs) >= 1)
    listed(client, lambda answer: {job["state"] for job in answer["jobs"]} == {"JOB_STATE_RUNNING"})
    server.restart_after_kill()
    sandbox.advance("1h")
    client = Client(server.address)
    listed(client, lambda answer: {job["state"] for job in answer["jobs"]} == {"JOB_STATE_COMPLETED"})
    # The server is another process, and who was told one thing is told the rest.
    rest, _ = told(client.stream("JobService/WatchJobs", resume_token=left), lambda jobs: ended(jobs) == started)
    whole, end = told(client.stream("JobService/WatchJobs", resume_token=begin), lambda jobs: ended(jobs) == started)
    assert whole[1:] == rest, "it goes on after the first"
    for job in started:
        states = [state for id, state in whole if id == job]
        order = [states.index(f"JOB_STATE_{state}") for state in ("CREATED", "RUNNING", "COMPLETED")]
        assert order == sorted(order), states
    # There is no more, and that is said too.
    silence = client.stream("JobService/WatchJobs", resume_token=end)
    assert "bookmark" in next(iter(silence))
    silence.cancel()
    with pytest.raises(Failure) as broken:
        list(slow)
    assert broken.value.code == grpc.StatusCode.UNAVAILABLE
    client.close()


def test_a_deadline_ends_a_watch_and_says_so(world):
    _, _, client = world
    listed(client)
    with pytest.raises(Failure) as late:
        list(client.stream("JobService/WatchJobs", _timeout=1))
    assert late.value.code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_who_reads_ten_rows_a_minute_is_told_everything_and_holds_no_memory(world):
    sandbox, server, client = world
    begin = listed(client)["resume_token"]
    stream = client.stream("JobService/WatchJobs", resume_token=begin, _timeout=600)
    slow = iter(stream)
    assert "bookmark" in next(slow)
    # More than all buffers between here and there have room for.
    started, rounds, early = set(), 40, 10
    for number in range(rounds):
        started |= back_up(client)
        sandbox.advance("2h")
        if number == early:
            before = resident(server)
    listed(client, lambda answer: all(job["state"] in DONE for job in answer["jobs"]))
    # Thirty rounds that wait for it are there once, on disk.
    assert resident(server) - before < 32 << 20
    jobs = []
    while ended(jobs) != started:
        message = next(slow)
        if "job" in message:
            jobs.append((message["job"]["id"], message["job"]["state"]))
            # At this pace through the first rows, of which there are a few hundred.
            time.sleep(6 if len(jobs) <= 3 else 0)
    stream.cancel()
    quick, _ = told(client.stream("JobService/WatchJobs", resume_token=begin), lambda jobs: ended(jobs) == started)
    assert jobs == quick


def test_who_comes_back_after_a_day_goes_on_and_after_all_is_forgotten_begins_with_a_list(world):
    sandbox, server, client = world
    begin = listed(client)["resume_token"]
    yesterday = back_up(client)
    sandbox.advance("24h")
    today = back_up(client)
    sandbox.advance("1h")
    listed(client, lambda answer: len(answer["jobs"]) == 6 and all(job["state"] in DONE for job in answer["jobs"]))
    assert server.stop() == 0
    server.start()
    client = Client(server.address)
    jobs, _ = told(client.stream("JobService/WatchJobs", resume_token=begin), lambda jobs: ended(jobs) == yesterday | today)
    assert {id for id, _ in jobs} == yesterday | today
    # A ledger made anew is another: a position in the old one says nothing there.
    assert server.stop() == 0
    for file in ledger_of(server).parent.glob("ledger.db*"):
        file.unlink()
    server.start()
    client = Client(server.address)
    answer = listed(client, lambda answer: len(answer["jobs"]) == 6)
    with pytest.raises(Failure) as expired:
        list(client.stream("JobService/WatchJobs", resume_token=begin))
    assert expired.value.reason == "RESUME_TOKEN_EXPIRED", expired.value
    more = back_up(client)
    jobs, _ = told(client.stream("JobService/WatchJobs", resume_token=answer["resume_token"]), lambda jobs: len(jobs) >= 3)
    assert {id for id, _ in jobs} == more
    client.close()
