"""Real processes of the program under test, and the control endpoints of its sandbox."""

import itertools
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

START = "2026-03-01T04:00:00Z"
ACCOUNT = "123456789012"
REGION = "us-east-1"

# How long a process may take to answer. A cold machine under load, not a target.
PATIENCE = 30.0


# Below those that the kernel gives to connections, of which one may take a port between its choice and its use.
PORTS = itertools.cycle(range(10_000, 32_000))
for _ in range(os.getpid() * 97 % 22_000):
    next(PORTS)


def free_address() -> str:
    """An address that nobody listens on, and that was not given out before."""
    for port in PORTS:
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        return f"127.0.0.1:{port}"
    raise AssertionError("there are always more")


def environment() -> dict[str, str]:
    """Keys and a region for a sandbox, and nothing of what this machine itself has of AWS."""
    return clean_machine() | {
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }


def clean_machine() -> dict[str, str]:
    """The environment of a machine without any AWS set-up: no keys, no region, no profile, no instance role."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "STRONGROOM_", "TF_"))}
    return clean | {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
        # What a test says of AWS and its faults is met by its own calls alone; and no server remembers another's jobs.
        "STRONGROOM_FEED__ENABLED": "false",
        "STRONGROOM_LEDGER__PATH": ":memory:",
    }


class Process:
    """One run of the program. Its log goes to a file that a failing test can show."""

    def __init__(self, log: Path, *arguments: str | Path, variables: dict[str, str] | None = None):
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment() if variables is None else variables,
            )

    def wait_until(self, ready) -> None:
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}:\n{self.log.read_text()}")
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"not ready after {PATIENCE} s:\n{self.log.read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, as an orchestrator does. Its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not stop on SIGTERM:\n{self.log.read_text()}") from None


class Sandbox:
    """A running sandbox: `strongroom sandbox` in a process of its own."""

    def __init__(self, binary: Path, log: Path, *flags: str):
        self.address = free_address()
        self.url = f"http://{self.address}"
        self.process = Process(
            log, binary, "sandbox", "--listen", self.address, "--clock", "manual", "--start", START, *flags
        )
        self.process.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            self.control("GET", "clock")
        except OSError:
            return False
        return True

    def control(self, method: str, path: str, body=None):
        """A control endpoint; a refusal is an AssertionError that says why."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{method} {path} {body}: {refusal.status} {refusal.read().decode()}") from None

    def advance(self, duration: str) -> str:
        """Moves the clock by a duration such as `1h`; everything due by then has happened. The new time."""
        return self.control("POST", "clock", {"advance": duration})["now"]

    def now(self) -> str:
        return self.control("GET", "clock")["now"]

    def reset(self) -> None:
        self.control("POST", "reset")

    def state(self):
        """Everything there is, without the time."""
        state = self.control("GET", "state")
        state.pop("now")
        return state

    def settings(self, changes) -> None:
        self.control("PATCH", "settings", changes)

    def spoil(self, **fault) -> None:
        self.control("POST", "faults", fault)


def serves(address: str) -> bool:
    """What an orchestrator's gRPC probe asks."""
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.RpcError:
            return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def says_ready(admin: str) -> bool:
    """What the kubelet asks a pod whose port is encrypted."""
    try:
        with urllib.request.urlopen(f"http://{admin}/readyz", timeout=5):
            return True
    except OSError:
        return False


class Server:
    """A running `strongroom serve`, with its addresses kept over restarts."""

    def __init__(self, binary: Path, log: Path, *flags: str, variables: dict[str, str] | None = None):
        self.binary, self.log, self.flags, self.variables = binary, log, flags, variables
        self.address, self.admin = free_address(), free_address()
        self.start()

    def start(self) -> None:
        admin = ("--admin-listen", self.admin)
        command = (self.binary, "serve", "--listen", self.address, *admin, *self.flags)
        self.process = Process(self.log, *command, variables=self.variables)
        # Whom it does not know by certificate or authority it tells nothing at its port.
        encrypted = any(flag.startswith("server.tls.") for flag in self.flags)
        self.process.wait_until(lambda: says_ready(self.admin) if encrypted else serves(self.address))

    @property
    def pid(self) -> int:
        return self.process.process.pid

    def stop(self) -> int:
        return self.process.stop()

    def restart_after_kill(self) -> None:
        """kill -9, then the same command line again."""
        self.process.kill()
        self.start()


class EmbeddedSandbox(Sandbox):
    """The sandbox inside a `serve --sandbox`, and that server."""

    def __init__(self, binary: Path, log: Path, *flags: str, start: str = START):
        self.address = free_address()
        self.url = f"http://{self.address}"
        clock = ("--clock", "manual", "--start", start)
        self.server = Server(binary, log, "--sandbox", "--sandbox-listen", self.address, *clock, *flags)
        self.process = self.server.process
