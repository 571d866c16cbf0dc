"""What a server tells on /metrics after calls of each kind and some faults: well-formed by Prometheus' own judgement, and
just what docs/operations.md, the alerts and the dashboard say that there is."""

import socket
import subprocess
import time

import grpc
import pytest
from aws_clients import LABS
from exposition import samples, scrape, types
from grpc_client import Client, Failure
from metrics_contract import METRICS
from processes import PATIENCE, EmbeddedSandbox, free_address

# Where accepting fails for want of file descriptors: test_runbook.py.
NOT_HERE = {
    "strongroom_accept_failures_total",
    # Of a server that has issuers of tokens: tests/it/tokens.rs.
    "strongroom_access_authentications_total",
    "strongroom_access_key_reads_total",
    # Of a server with policies: test_policies.py.
    "strongroom_access_approvals_total",
    "strongroom_access_break_glass_total",
    "strongroom_access_denials_total",
    "strongroom_access_policies",
    "strongroom_access_policies_usable",
    "strongroom_access_policy_reads_total",
    # Of a server with TLS: tests/it/tls/files.rs.
    "strongroom_tls_certificate_not_after_seconds",
    "strongroom_tls_certificate_reloads_total",
    "strongroom_tls_files_usable",
    # Of a server with a queue of events: tests/it/queue.rs.
    "strongroom_feed_events_total",
}
SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180]


def refused(client: Client, rpc: str, **fields) -> str:
    with pytest.raises(Failure) as failure:
        client.call(rpc, **fields)
    return failure.value.reason


@pytest.fixture(scope="module")
def told(binary, tmp_path_factory) -> str:
    """/metrics of a server that has lived a little."""
    # One call a second to IAM, so that some wait for their turn and some have no time to; a collector that is not there.
    folder = tmp_path_factory.mktemp("server")
    # Databases are looked at once, and then as what hangs on them changes: a look would take the faults that are for calls.
    following = ("feed.enabled=true", "feed.interval=1s", "feed.busy_interval=1s")
    settings = ("telemetry.metrics_interval=1s", *following, "aws.iam_rate=1", f"audit.path={folder / 'audit'}")
    flags = ("--otlp-endpoint", f"http://{free_address()}", *(word for setting in settings for word in ("--set", setting)))
    sandbox = EmbeddedSandbox(binary, folder / "log", *flags)
    try:
        text = lived(sandbox)
    finally:
        code = sandbox.process.stop()
    assert code == 0
    return text


def lived(sandbox: EmbeddedSandbox) -> str:
    server = sandbox.server
    client = Client(server.address)
    client.call("AccountService/EnsureServiceRole", role="backup")
    client.call("VaultService/CreateVault", name="nightly")
    client.call("VaultService/GetVault", vault="nightly")
    client.call("ResourceService/ListResources")
    assert refused(client, "VaultService/GetVault", vault="nobody") == "VAULT_NOT_FOUND"
    assert refused(client, "VaultService/CreateVault", name="not a name") == "INVALID_REQUEST"
    sandbox.spoil(service="backup", operation="ListBackupPlans", next=1, effect="throttle")
    client.call("PlanService/ListPlans")
    error = {"error": {"status": 500, "code": "ServiceUnavailableException", "message": "away"}}
    sandbox.spoil(service="backup", operation="DescribeBackupVault", next=4, effect=error)
    assert refused(client, "VaultService/GetVault", vault="nightly") == "AWS_UNAVAILABLE"
    budget_spent(client)
    no_method(server.address)
    no_grpc(server.address)
    backed_up(sandbox, client)
    missing = None
    deadline = time.monotonic() + PATIENCE
    # The collector is given up on last.
    while missing != set() and time.monotonic() < deadline:
        text = scrape(server.admin)
        missing = METRICS.keys() - NOT_HERE - types(text).keys()
        if "strongroom_aws_budget_rate" in missing:
            # Of a budget that has a bound it is told with an answer that comes ten seconds after the last observation.
            client.call("AccountService/GetServiceRole", role="backup")
    assert missing == set(), "never told"
    client.close()
    return text


def backed_up(sandbox: EmbeddedSandbox, client: Client) -> None:
    """One of two databases by the plan of a night; the backup of the other one fails."""
    client.call("PlanService/CreatePlan", name="nightly", rules=[{"name": "daily", "vault": "nightly"}])
    both = [LABS, LABS.replace("rdspg-fcj-labs", "mysql-legacy")]
    client.call("PlanService/CreateSelection", plan="nightly", name="both", role="backup", resources=both)
    sandbox.advance("6h")


def budget_spent(client: Client) -> None:
    """Asks IAM for eight roles at once, of which it takes one a second: some wait, and some have no time to. Of different roles, for
    equal reads are sent once."""
    method = client.channel.unary_unary(
        "/strongroom.v1.AccountService/GetServiceRole",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=lambda answer: answer,
    )
    calls = [
        method.future(client.request("AccountService/GetServiceRole", {"role": f"role{number}"}), timeout=patience)
        for number, patience in enumerate([PATIENCE] * 4 + [1.5] * 4)
    ]
    codes = [call.code() for call in calls]
    assert codes[:4] == [grpc.StatusCode.NOT_FOUND] * 4
    assert grpc.StatusCode.RESOURCE_EXHAUSTED in codes[4:]


def no_method(address: str) -> None:
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/strongroom.v1.VaultService/Steal")(b"", timeout=PATIENCE)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def no_grpc(address: str) -> None:
    """The beginning of TLS, which is hung up on."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall(b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + b"\0" * 32)
        connection.settimeout(PATIENCE)
        while connection.recv(65536):
            pass


def test_promtool_finds_nothing_wrong(prometheus, told):
    checked = subprocess.run([prometheus / "promtool", "check", "metrics"], input=told, capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stdout + checked.stderr == "", checked.stdout + checked.stderr


def test_what_is_told_is_what_alerts_and_dashboard_name(told):
    families = types(told)
    assert families.keys() - METRICS.keys() == set(), "nobody says what these are"
    assert {name: kind for name, (kind, _) in METRICS.items() if name not in NOT_HERE} == families


def test_each_series_has_the_labels_that_are_told_of_and_no_others(told):
    wrong, seen = [], {name: set() for name in METRICS}
    for sample in samples(told):
        family = next(name for name in METRICS if sample.name in {name, *(f"{name}_{part}" for part in ("bucket", "sum", "count"))})
        labels = METRICS[family][1]
        seen[family] |= sample.labels.keys()
        if sample.labels.keys() - labels - {"le"}:
            wrong.append(sample)
    assert wrong == []
    for family, labels in seen.items():
        assert family in NOT_HERE or labels - {"le"} == METRICS[family][1], family


def test_calls_are_counted_by_method_and_code(told):
    counts = {
        (sample.labels["rpc_method"], sample.labels["rpc_response_status_code"]): sample.value
        for sample in samples(told)
        if sample.name == "rpc_server_call_duration_seconds_count"
    }
    assert counts["strongroom.v1.VaultService/GetVault", "OK"] == 1
    assert counts["strongroom.v1.VaultService/GetVault", "NOT_FOUND"] == 1
    assert counts["strongroom.v1.VaultService/GetVault", "UNAVAILABLE"] == 1
    assert counts["strongroom.v1.VaultService/CreateVault", "INVALID_ARGUMENT"] == 1
    assert counts["_OTHER", "UNIMPLEMENTED"] == 1
    assert counts["grpc.health.v1.Health/Check", "OK"] >= 1, "counted, though in no log and no trace"
    assert not [method for method, _ in counts if "Steal" in method], "what callers send becomes no name"


def test_seconds_have_buckets_that_fit_calls(told):
    bounds = [
        float(sample.labels["le"])
        for sample in samples(told)
        if sample.name == "rpc_server_call_duration_seconds_bucket"
        and sample.labels["rpc_method"].endswith("/GetVault")
        and sample.labels["rpc_response_status_code"] == "OK"
    ]
    assert bounds == [*SECONDS, float("inf")]
