"""The image as the chart runs it: its rights, its memory, its configuration, its health, its end."""

import json
import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import grpc
import pytest
from containers import get
from engine import NONROOT
from grpc_client import Client
from grpc_health.v1 import health_pb2, health_pb2_grpc
from processes import PATIENCE, REGION, serves


@pytest.fixture
def client(server):
    client = Client(server.address)
    yield client
    client.close()


@pytest.fixture
def admin(pod):
    """The address of the admin port, as a scraper sees it."""
    return f"http://127.0.0.1:{pod.port('metrics')}"


def until(holds) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not after {PATIENCE} s"
        time.sleep(0.02)


def test_it_has_no_rights(server):
    status = dict(re.findall(r"(?m)^(\w+):\s*(.*)$", Path(f"/proc/{server.pid}/status").read_text()))
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(NONROOT)}
    assert {status[which] for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2", "system calls are filtered"


def test_it_can_write_nowhere(server):
    mounts = [line.split() for line in Path(f"/proc/{server.pid}/mounts").read_text().splitlines()]
    assert next(options for _, place, _, options, *_ in mounts if place == "/").split(",")[0] == "ro"
    writable = {place for _, place, _, options, *_ in mounts if options.split(",")[0] == "rw"}
    kernels_own = re.compile(r"/(proc|dev|sys)(/.*)?")
    assert [place for place in writable if not kernels_own.fullmatch(place)] == []


def test_its_memory_is_limited(server, pod):
    assert server.memory_limit() == pod.memory == 256 * 2**20


def test_it_reads_the_configuration_of_the_chart(client):
    assert client.call("ServerService/GetServerInfo")["default_scope"]["region"] == REGION


def test_probes_of_grpc_see_that_it_serves(server, pod):
    probes = [pod.container[f"{which}Probe"]["grpc"] for which in ("startup", "readiness", "liveness")]
    for probe in probes:
        with grpc.insecure_channel(f"127.0.0.1:{probe['port']}") as channel:
            ask = health_pb2.HealthCheckRequest(service=probe.get("service", ""))
            answer = health_pb2_grpc.HealthStub(channel).Check(ask, timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_admin_port_is_reached_from_outside(server, client, admin):
    assert get(f"{admin}/healthz")[0] == 200
    assert get(f"{admin}/readyz")[0] == 200
    client.call("VaultService/ListVaults")
    status, metrics = get(f"{admin}/metrics")
    assert status == 200
    (counted,) = re.findall(r'(?m)^rpc_server_call_duration_seconds_count{.*ListVaults.*} (\d+)$', metrics)
    assert counted == "1"
    assert re.search(r"(?m)^strongroom_serving(?:{.*})? 1$", metrics)


def test_its_log_is_json_line_by_line(server, client):
    client.call("VaultService/ListVaults")
    assert server.stop() == 0
    # The engine writes a time, the stream and F (a full line) before what the program said.
    lines = [line.split(" ", 3) for line in server.log.read_text().splitlines()]
    assert {full for _, _, full, _ in lines} == {"F"}
    said = [json.loads(text) for *_, text in lines]
    assert said and all({"timestamp", "level", "message"} <= line.keys() for line in said)


def test_sigterm_lets_the_call_under_way_end_refuses_new_ones_and_ends_with_0(server, client, admin, sandbox, pod):
    sandbox.spoil(operation="ListBackupVaults", next=1, effect={"delay_ms": 5000})
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(client.call, "VaultService/ListVaults")
        # The server has asked AWS who it is by then, and maybe not yet this.
        until(lambda: "backup:ListBackupVaults" in sandbox.control("GET", "requests")["by_operation"])
        end = threads.submit(server.stop, pod.grace)
        until(lambda: get(f"{admin}/readyz")[0] == 503)
        until(lambda: not serves(server.address))
        assert slow.result()["vaults"] == []
        assert end.result() == 0


def test_it_ends_at_once_when_nothing_is_under_way(server):
    assert server.stop() == 0


def test_how_long_it_takes_to_start(start, image, pod, tmp_path, tell):
    address, flags, took = f"127.0.0.1:{pod.port('grpc')}", pod.flags(tmp_path), []
    for _ in range(5):
        container = start(image, flags, pod.arguments)
        container.wait_until_it_serves(address)
        serving = time.time()
        began = re.match(r"(\S+ [\d:]+\.\d{6})\d* (\S+)", container.state("StartedAt"))
        took.append(serving - datetime.fromisoformat(f"{began[1]}{began[2]}").timestamp())
        assert container.stop() == 0
        container.remove()
    tell(f"start: {statistics.median(took) * 1000:.0f} ms from the start of the process to SERVING (median of {len(took)})")
