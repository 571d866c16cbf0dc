"""A container that runs, with what the attacks and the story of tests/acceptance ask of a server."""

import re
import resource
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from engine import Engine
from processes import PATIENCE, serves

# What the image listens on by itself, as the tests reach it: gRPC, the admin port, and the AWS of the sandbox image.
GRPC, ADMIN, AWS = "127.0.0.1:50051", "127.0.0.1:9464", "127.0.0.1:4566"

# One of the two is mounted: control groups of the first kind, or of the second.
HIERARCHIES = [Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")]
NAMES = {
    "limit": ("memory.limit_in_bytes", "memory.max"),
    "peak": ("memory.max_usage_in_bytes", "memory.peak"),
    "events": ("memory.oom_control", "memory.events"),
}


class Container:
    """A container of an image, from its start until it is removed."""

    def __init__(self, engine: Engine, image: str, flags: list[str], arguments: list[str], log: Path):
        self.engine, self.log = engine, log
        self.name = f"strongroom-{uuid.uuid4().hex[:8]}"
        # The network of the tests is one of their own already.
        here = ["--network=host", *limits(), "--log-driver=k8s-file", f"--log-opt=path={log}"]
        engine.podman("run", "--detach", f"--name={self.name}", *here, *flags, image, *arguments)
        self.pid = int(self.state("Pid"))

    def state(self, what: str) -> str:
        return self.engine.podman("inspect", "--format", f"{{{{.State.{what}}}}}", self.name).strip()

    def wait_until_it_serves(self, address: str) -> None:
        self.address = address
        self.wait_until(lambda: serves(address))

    def wait_until(self, holds) -> None:
        """Until it is so, and the container lives meanwhile."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert self.state("Running") == "true", f"it has ended with {self.state('ExitCode')}:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"not ready after {PATIENCE} s:\n{self.log.read_text()}"
            time.sleep(0.02)

    def of_memory(self, what: str) -> str:
        """What the control group of the container tells."""
        groups = dict(re.findall(r"(?m)^\d+:(\w*):(.+)$", Path(f"/proc/{self.pid}/cgroup").read_text()))
        kind = 0 if "memory" in groups else 1
        return (HIERARCHIES[kind] / groups["memory" if kind == 0 else ""].lstrip("/") / NAMES[what][kind]).read_text()

    def memory_limit(self) -> int:
        return int(self.of_memory("limit"))

    def memory_peak(self) -> int:
        """The most that the group has held, the pages of the program's file included."""
        return int(self.of_memory("peak"))

    def killed_for_memory(self) -> int:
        """How many times something in the container was killed because it had no memory left."""
        return int(re.search(r"(?m)^oom_kill (\d+)$", self.of_memory("events"))[1])

    def end(self) -> int:
        """Waits for its end. Its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.state("Running") == "true":
            assert time.monotonic() < deadline, f"it has not ended after {PATIENCE} s:\n{self.log.read_text()}"
            time.sleep(0.05)
        return int(self.state("ExitCode"))

    def stop(self, patience: int = 40) -> int:
        """Its stop signal; killed where it does not end. Its exit code."""
        self.engine.podman("stop", "--time", patience, self.name)
        return int(self.state("ExitCode"))

    def remove(self) -> None:
        self.engine.podman("rm", "--force", "--time=0", self.name)


def limits() -> list[str]:
    """As many open files as this process may have, and enough processes: podman would set more of both than it has itself,
    and the container has no right to raise a limit."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    return [f"--ulimit=nofile={files}:{files}", "--ulimit=nproc=4096:4096"]


def get(url: str) -> tuple[int, str]:
    """The status and the text of an answer of HTTP."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.status, refusal.read().decode()
