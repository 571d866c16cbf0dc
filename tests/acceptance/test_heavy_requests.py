"""Requests that are more in memory than on the wire, by grpcio: many at once, and what stays resident of the server.

`python -m pytest -s tests/acceptance/test_heavy_requests.py` prints the resident memory before and at the peak of each.
"""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from processes import Server

# Whatever one client sends: the chart's limit.
MOST_RESIDENT = 256

CREATE_PLAN = "/strongroom.v1.PlanService/CreatePlan"

# Two bytes on the wire, some hundred in memory.
EMPTY_RULE = b"\x1a\x00"

REQUESTS = [
    ("two million empty rules", EMPTY_RULE * 2_000_000, None, grpc.StatusCode.OUT_OF_RANGE),
    ("the longest request, of empty rules", EMPTY_RULE * 131_000, None, grpc.StatusCode.OUT_OF_RANGE),
    ("as many empty rules as are taken", EMPTY_RULE * 5_000, None, grpc.StatusCode.INVALID_ARGUMENT),
    ("a bomb", EMPTY_RULE * 10_000_000, grpc.Compression.Gzip, grpc.StatusCode.OUT_OF_RANGE),
]

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


def resident(server: Server) -> int:
    """In MB."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) // 1024


@pytest.fixture
def lone(binary, sandbox, tmp_path):
    """A server of the test's own: what is resident of it is this test's."""
    server = Server(binary, tmp_path / "log", "--endpoint-url", sandbox.url)
    yield server
    assert server.stop() == 0


@pytest.mark.parametrize(("name", "payload", "compression", "code"), REQUESTS, ids=[name for name, *_ in REQUESTS])
def test_what_one_client_sends_costs_little_memory(lone, name, payload, compression, code):
    before, seen, ended = resident(lone), [0], threading.Event()

    def watch() -> None:
        while not ended.is_set():
            seen.append(resident(lone))
            time.sleep(0.01)

    def call(_: int) -> grpc.StatusCode:
        with grpc.insecure_channel(lone.address, options=[("grpc.max_send_message_length", -1)]) as channel:
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(CREATE_PLAN)(payload, timeout=60, compression=compression)
            return refused.value.code()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(16) as clients:
            codes = set(clients.map(call, range(64)))
    finally:
        ended.set()
        watcher.join()
    print(f"\n{name}: {before} MB before, {max(seen)} MB at most")
    assert codes == {code}
    assert max(seen) < MOST_RESIDENT
