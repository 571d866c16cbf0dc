"""What one client may do to the others: floods of connections, streams, frames and bytes, and no file descriptors left.

`python -m pytest -s tests/acceptance/test_floods.py` prints the resident memory before, at the peak of, and after each.
"""

import re
import socket
import struct
import time
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from processes import PATIENCE, Server

# Whatever one client sends: the chart's limit.
MOST_RESIDENT = 256

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_HEADERS = 4
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
WATCH = "/grpc.health.v1.Health/Watch"
CREATE_PLAN = "/strongroom.v1.PlanService/CreatePlan"

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def setting(identifier: int, value: int) -> bytes:
    return struct.pack(">HI", identifier, value)


def headers(path: str) -> bytes:
    """The header block of a call, each header as a literal."""
    of = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "server",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    return b"".join(bytes([0, len(k)]) + k.encode() + bytes([len(v)]) + v.encode() for k, v in of.items())


class Sender:
    """Sends what it may: no more than the windows that the server opens."""

    def __init__(self, connection: socket.socket):
        self.connection, self.heard = connection, b""
        self.windows: dict[int, int] = {}
        connection.settimeout(3)

    def window(self, stream: int) -> int:
        return self.windows.setdefault(stream, 65_535)

    def listen(self) -> bool:
        """Hears one frame. False when there is none for a while, or the server has hung up."""
        try:
            while len(self.heard) < 9 or len(self.heard) < 9 + int.from_bytes(self.heard[:3]):
                heard = self.connection.recv(65_536)
                if not heard:
                    return False
                self.heard += heard
        except OSError:
            return False
        length, kind, stream = int.from_bytes(self.heard[:3]), self.heard[3], int.from_bytes(self.heard[5:9])
        payload, self.heard = self.heard[9 : 9 + length], self.heard[9 + length :]
        if kind == WINDOW_UPDATE:
            self.windows[stream] = self.window(stream) + int.from_bytes(payload)
        elif kind == RST_STREAM:
            self.windows[stream] = -(2**31)
        return True

    def data(self, stream: int, data: bytes) -> bool:
        """False when the server does not want it."""
        while min(self.window(0), self.window(stream)) < len(data):
            if self.window(stream) < 0 or not self.listen():
                return False
        try:
            self.connection.sendall(frame(DATA, 0, stream, data))
        except OSError:
            return False
        self.windows[0] -= len(data)
        self.windows[stream] -= len(data)
        return True


class Flood:
    """A server of the test's own, and connections to it that nobody reads."""

    def __init__(self, server: Server):
        self.server, self.connections = server, []
        self.before = self.resident()

    def memory(self, what: str) -> int:
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) // 1024

    def resident(self) -> int:
        return self.memory("VmRSS")

    def connect(self, settings: bytes = b"") -> socket.socket:
        host, port = self.server.address.split(":")
        connection = socket.create_connection((host, int(port)), PATIENCE)
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))
        self.connections.append(connection)
        return connection

    def send(self, connection: socket.socket, data: bytes) -> int:
        """As much as the server takes: it need not read on, and may hang up. How many bytes it were."""
        connection.settimeout(3)
        sent, view = 0, memoryview(data)
        try:
            while sent < len(data):
                sent += connection.send(view[sent:])
        except OSError:
            pass
        return sent

    def held(self) -> None:
        """Others are still answered, the memory is bounded, and what is let go of is given back."""
        assert healthy(self.server)
        # What the kernel holds of the flood is still to be read: until the server has nothing to do.
        deadline = time.monotonic() + PATIENCE
        busy = processor_time(self.server)
        while time.monotonic() < deadline:
            time.sleep(0.5)
            before, busy = busy, processor_time(self.server)
            if busy - before < 0.02:
                break
        assert healthy(self.server)
        peak = self.memory("VmHWM")
        for connection in self.connections:
            connection.close()
        # The allocator gives memory back when it is used again.
        deadline = time.monotonic() + 5
        while self.resident() > self.before + 32 and time.monotonic() < deadline:
            assert healthy(self.server)
            time.sleep(0.1)
        print(f"\n  resident: {self.before} MiB before, {peak} at the peak, {self.resident()} after", end="")
        assert peak < MOST_RESIDENT


@pytest.fixture
def flood(binary, sandbox, tmp_path):
    server = Server(binary, tmp_path / "log", "--endpoint-url", sandbox.url)
    yield Flood(server)
    assert server.stop() == 0, "a flood does not hold the server when it stops"


def test_a_hundred_thousand_streams_half_open_on_one_connection(flood):
    connection = flood.connect()
    block = headers(CREATE_PLAN)
    flood.send(connection, b"".join(frame(HEADERS, END_HEADERS, 2 * number + 1, block) for number in range(100_000)))
    flood.held()


@pytest.mark.parametrize("path", [WATCH, REFLECTION], ids=["watches", "reflection"])
def test_streams_that_never_end(flood, path):
    for _ in range(20):
        connection = flood.connect(setting(4, 0))
        streams = range(1, 2000, 2)
        flood.send(
            connection,
            b"".join(frame(HEADERS, END_HEADERS, s, headers(path)) + frame(DATA, 1, s, b"\0" * 5) for s in streams),
        )
    flood.held()


def never_finish(flood: Flood, size: int) -> None:
    """As many messages of a size as the server takes, none of them whole."""
    for _ in range(8):
        sender = Sender(flood.connect())
        streams = range(1, 201, 2)
        block = headers(CREATE_PLAN)
        flood.send(sender.connection, b"".join(frame(HEADERS, END_HEADERS, s, block) for s in streams))
        for stream in streams:
            sender.data(stream, struct.pack(">BI", 0, size))
        for _ in range(15):
            if not any([sender.data(stream, bytes(16_000)) for stream in streams if sender.window(stream) > 0]):
                break


@pytest.mark.parametrize("size", [4 * 1024 * 1024, 250_000], ids=["4 MiB", "250 kB"])
def test_messages_that_are_never_finished(flood, size):
    never_finish(flood, size)
    flood.held()


def test_bytes_one_by_one_into_streams_that_nobody_reads(flood):
    for _ in range(5):
        connection = flood.connect(setting(4, 0))
        streams, block = range(1, 17, 2), headers(REFLECTION)
        # Which services there are, asked until the answers that nobody takes keep the server from reading on.
        ask = struct.pack(">BI", 0, 2) + b"\x3a\x00"
        flood.send(connection, b"".join(frame(HEADERS, END_HEADERS, s, block) + frame(DATA, 0, s, ask * 4) for s in streams))
        # All that the windows allow, in as many frames as there are bytes.
        flood.send(connection, b"".join(frame(DATA, 0, s, b"\0") for _ in range(32_000) for s in streams))
    flood.held()


def test_frames_that_cost_nothing_to_send(flood):
    connection = flood.connect()
    flood.send(connection, frame(PING, 0, 0, bytes(8)) * 200_000)
    flood.send(flood.connect(), frame(SETTINGS, 0, 0) * 100_000)
    begun = frame(HEADERS, 0, 1, headers(CREATE_PLAN))
    flood.send(flood.connect(), begun + frame(CONTINUATION, 0, 1, b"\0\1a\1b" * 3000) * 2000)
    flood.held()


def test_connections_that_say_nothing(flood):
    host, port = flood.server.address.split(":")
    for _ in range(600):
        flood.connections.append(socket.create_connection((host, int(port)), PATIENCE))
    flood.held()


def processor_time(server: Server) -> float:
    """The seconds of processor that it has used."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def healthy(server: Server) -> bool:
    with grpc.insecure_channel(server.address) as channel:
        ask = health_pb2.HealthCheckRequest()
        answer = health_pb2_grpc.HealthStub(channel).Check(ask, timeout=PATIENCE, wait_for_ready=True)
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_server_without_file_descriptors_left_says_so_rests_and_goes_on(limited, sandbox, tmp_path):
    server = Server(limited, tmp_path / "log", "--endpoint-url", sandbox.url)
    host, port = server.address.split(":")
    # They speak, and have a watch open: nobody of them is idle, and none makes room.
    watch = frame(HEADERS, END_HEADERS, 1, headers(WATCH)) + frame(DATA, 1, 1, b"\0" * 5)
    busy = []
    while "connections cannot be accepted" not in server.log.read_text():
        connection = socket.create_connection((host, int(port)), PATIENCE)
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0) + watch)
        busy.append(connection)
        assert len(busy) < 200, server.log.read_text()

    before = processor_time(server)
    time.sleep(2)
    assert processor_time(server) - before < 1, "it does not spin"
    assert server.log.read_text().count("connections cannot be accepted") == 1, "told once"
    for connection in busy:
        connection.close()
    assert healthy(server)
    assert server.stop() == 0


def test_the_idle_make_room_where_file_descriptors_run_out(limited, sandbox, tmp_path):
    server = Server(limited, tmp_path / "log", "--endpoint-url", sandbox.url)
    host, port = server.address.split(":")
    silent = [socket.create_connection((host, int(port)), PATIENCE) for _ in range(100)]
    assert healthy(server)
    assert server.stop() == 0
    for connection in silent:
        connection.close()
