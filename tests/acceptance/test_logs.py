"""The log of a mixed load, read by a strict parser: one line a call, no key twice, and nothing secret at the lowest level."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from aws_clients import LABS
from grpc_client import PACKAGE, Client, Failure
from processes import PATIENCE, Process, environment, free_address, serves

# What must be in no log; each is known to nobody but the server and what it asks.
PLANTED = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDKEYOFTEST",
    "AWS_SECRET_ACCESS_KEY": "planted/secret+key",
    "AWS_SESSION_TOKEN": "planted-session-token",
}
SECRETS = [PLANTED["AWS_SECRET_ACCESS_KEY"], PLANTED["AWS_SESSION_TOKEN"], "planted-external-id"]

# Whoever wants their lines too names them.
LIBRARIES = (
    "aws_config aws_credential_types aws_runtime aws_sdk_backup aws_sdk_sts aws_sigv4 aws_smithy_http "
    "aws_smithy_http_client aws_smithy_runtime aws_smithy_runtime_api h2 hyper hyper_util rustls tonic tower"
).split()


def strict(line: str) -> dict:
    """One JSON object, by a parser that takes no key twice, and neither infinities nor what is no number."""

    def once(pairs):
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), f"a key stands twice: {line}"
        return dict(pairs)

    def never(name):
        raise AssertionError(f"{name} is no JSON: {line}")

    return json.loads(line, object_pairs_hook=once, parse_constant=never)


class Logged:
    """A server whose credentials are planted, and what was sent to it."""

    def __init__(self, binary, sandbox, log, level):
        self.log, self.address = log, free_address()
        self.sent = Counter()
        settings = ["aws.assume_role=arn:aws:iam::{account}:role/backup", "aws.external_id=planted-external-id"]
        self.process = Process(
            log,
            binary,
            *("serve", "--listen", self.address, "--admin-listen", free_address(), "--endpoint-url", sandbox.url),
            *("--log-format", "json", "--log-level", level),
            *(flag for setting in settings for flag in ("--set", setting)),
            variables=environment() | PLANTED,
        )
        self.process.wait_until(lambda: serves(self.address))
        self.client = Client(self.address)

    def call(self, rpc: str, **fields):
        """The answer, or the failure."""
        self.sent[f"{PACKAGE}.{rpc}"] += 1
        try:
            return self.client.call(rpc, **fields)
        except Failure as failure:
            return failure

    def nonsense(self):
        self.sent["_OTHER"] += 1
        with pytest.raises(grpc.RpcError):
            self.client.channel.unary_unary(f"/{PACKAGE}.VaultService/Nothing")(b"", timeout=PATIENCE)

    def lines(self) -> list[dict]:
        whole = self.log.read_text().rpartition("\n")[0]
        return [strict(line) for line in whole.splitlines()]

    def told(self) -> tuple[Counter, Counter]:
        """How many lines there are of each method, and how many calls they tell of."""
        written, told = Counter(), Counter()
        for line in self.lines():
            if line.get("message") == "rpc":
                written[line["method"]] += 1
                told[line["method"]] += 1 + line.get("unlogged", 0)
        return written, told


@pytest.fixture
def logged(binary, sandbox, tmp_path):
    """Begins a server that logs at a level."""
    begun = []

    def begin(level: str) -> Logged:
        begun.append(Logged(binary, sandbox, tmp_path / "log", level))
        return begun[-1]

    yield begin
    for server in begun:
        server.client.close()
        if server.process.process.poll() is None:
            server.process.kill()


def a_day(logged, sandbox):
    call = logged.call
    role = call("AccountService/EnsureServiceRole", role="backup")["role"]["arn"]
    call("VaultService/CreateVault", name="prod")
    call("VaultService/CreateVault", name="no such name, for it has blanks\nand lines")
    started = call("JobService/StartBackup", resource=LABS, vault="prod", role=role)["job"]["id"]
    sandbox.advance("2h")
    call("JobService/GetJob", job=started, kind="JOB_KIND_BACKUP")
    call("VaultService/DeleteVault", vault="prod")
    call("VaultService/ListVaults", scope={"account": "999999999999"})
    for effect in ("throttle", "drop_before", "drop_after", "truncate"):
        sandbox.spoil(operation="ListBackupVaults", next=2, effect=effect)
        call("VaultService/ListVaults")
        sandbox.spoil(operation="CreateBackupVault", next=3, effect=effect)
        call("VaultService/CreateVault", name=f"under-{effect.replace('_', '-')}")
    sandbox.control("DELETE", "faults")


def a_flood(logged):
    method = f"{PACKAGE}.ServerService/GetServerInfo"
    send = logged.client.channel.unary_unary(f"/{method}")
    with ThreadPoolExecutor(16) as many:
        answers = [many.submit(send, b"", timeout=PATIENCE) for _ in range(600)]
        for _ in range(600):
            logged.nonsense()
        for answer in answers:
            answer.result()
    logged.sent[method] += 600


def test_a_days_log_is_one_strict_line_a_call(logged, sandbox):
    logged = logged("info")
    a_day(logged, sandbox)
    a_flood(logged)
    # What a flood left unwritten stands in the next line of its sort: some more calls bring it out.
    deadline = time.monotonic() + PATIENCE
    info = "ServerService/GetServerInfo"
    for method, call in (("_OTHER", logged.nonsense), (f"{PACKAGE}.{info}", lambda: logged.call(info))):
        while logged.told()[1][method] != logged.sent[method]:
            assert time.monotonic() < deadline, f"sent {logged.sent}, told {logged.told()}"
            call()
    assert logged.process.stop() == 0

    written, told = logged.told()
    assert told == logged.sent
    for method in ("_OTHER", f"{PACKAGE}.ServerService/GetServerInfo"):
        assert written[method] < logged.sent[method], "a flood fills no disk"
    changes = [f"{PACKAGE}.VaultService/CreateVault", f"{PACKAGE}.JobService/StartBackup"]
    assert all(written[method] == logged.sent[method] for method in changes), "every change has its line"

    for line in logged.lines():
        if line["message"] == "rpc":
            assert {"method", "code", "duration_ms", "peer", "user_agent"} <= line.keys(), line
            assert (line["code"] == "OK") == ("reason" not in line), line


def test_nothing_secret_is_told_at_the_lowest_level(logged, sandbox):
    logged = logged(",".join(["trace", *(f"{name}=trace" for name in LIBRARIES)]))
    a_day(logged, sandbox)
    assert logged.process.stop() == 0
    lines = logged.lines()
    targets = {line["target"].split("::")[0] for line in lines if line["level"] == "DEBUG"}
    assert {"strongroom", "aws_smithy_runtime", "h2"} <= targets, "whoever names libraries hears of them"
    assert not [line for line in lines if line["level"] == "TRACE" and not line["target"].startswith("strongroom")]
    text = logged.log.read_text()
    for secret in SECRETS:
        assert secret not in text, f"the log has {secret}"


def test_a_line_of_text_is_one_line_whatever_callers_send(binary, sandbox, tmp_path):
    log, address = tmp_path / "log", free_address()
    process = Process(log, binary, "serve", "--listen", address, "--admin-listen", free_address(), "--endpoint-url", sandbox.url)
    process.wait_until(lambda: serves(address))
    client = Client(address)
    with pytest.raises(Failure):
        client.call("VaultService/GetVault", vault="a\n2026-01-01T00:00:00Z ERROR forged\x1b[2J\u202e")
    client.close()
    assert process.stop() == 0
    lines = log.read_text().splitlines()
    assert len([line for line in lines if "VaultService/GetVault" in line]) == 1
    assert not any(line.startswith("2026-01-01T00:00:00Z") for line in lines)
    assert not any(c in "\x1b\u202e" for c in log.read_text())
