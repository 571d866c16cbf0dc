"""Each system call by which the record of changes is written, broken: whatever becomes of the call that waits for it, nothing
reaches AWS that is not in the record, nothing is done twice, and the record verifies.

Here each of them breaks in one way, the next in the next; with STRONGROOM_AUDIT_FAULTS=all each breaks in every way."""

import json
import os
import shutil
import subprocess
import time
import uuid
from pathlib import Path

import grpc
import pytest
from grpc_client import Client, Failure
from processes import Sandbox, Server, environment

WAYS = ("EIO", "KILL_BEFORE", "HALF", "KILL_AFTER", "ENOSPC")
VAULTS = ("one", "two", "three")
LARGEST = 65_536
# A server looks every second whether the disk works again.
PATIENCE = 30


def request_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


@pytest.fixture(scope="module")
def scene(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    shim = folder / "audit_faults.so"
    source = Path(__file__).with_name("audit_faults.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", shim, source, "-ldl"], check=True)
    scene = Scene(binary, shim, folder)
    yield scene
    assert scene.sandbox.process.stop() == 0


class Scene:
    """A sandbox, and servers one after the other that keep one record."""

    def __init__(self, binary: Path, shim: Path, folder: Path):
        self.binary, self.shim, self.folder = binary, shim, folder
        self.record, self.filled, self.trace = folder / "record", folder / "filled", folder / "trace"
        self.sandbox = Sandbox(binary, folder / "sandbox.log")
        self._fill()

    def _fill(self) -> None:
        """A record that turns over to its next file with the next change."""
        server = self.server()
        client = Client(server.address)
        while sum(path.stat().st_size for path in self.record.glob("*.jsonl")) < LARGEST - 2_000:
            client.call("VaultService/CreateVault", name="filler", request_id=request_id("filler"))
        client.close()
        assert server.stop() == 0
        shutil.copytree(self.record, self.filled)

    def server(self, at: int | None = None, way: str = "") -> Server:
        variables = environment()
        if at is not None:
            variables |= {"LD_PRELOAD": str(self.shim), "RECORD": str(self.record), "TRACE": str(self.trace)}
            # A disk that fails does so for a while: what mends a write fails too.
            variables |= {"FAULT_AT": str(at), "FAULT": way, "FAULTS": "1" if way.startswith("KILL") else "3"}
        audit = (f"audit.path={self.record}", f"audit.segment_bytes={LARGEST}")
        flags = ("--endpoint-url", self.sandbox.url, "--set", audit[0], "--set", audit[1])
        return Server(self.binary, self.folder / "server.log", *flags, variables=variables)

    def play(self, at: int, way: str) -> list[str]:
        """Three vaults are made while one system call breaks. The system calls that there were."""
        self.sandbox.reset()
        shutil.rmtree(self.record)
        shutil.copytree(self.filled, self.record)
        self.trace.write_text("")
        try:
            server = self.server(at, way)
        except AssertionError as ended:
            assert way.startswith("KILL") or "audit.path" in str(ended), ended
            server = self.server()
        for name in VAULTS:
            server = self.make(server, name)
        if server.process.process.poll() is None:
            # Killed by its last event, it is told so.
            assert server.stop() in ((0, -9) if way.startswith("KILL") else (0,))
        # The next start closes what is open, and is the last to write.
        server = self.server()
        client = Client(server.address)
        there = {vault["name"] for vault in client.call("VaultService/ListVaults")["vaults"]} & set(VAULTS)
        client.close()
        assert server.stop() == 0
        assert there == set(VAULTS)
        self.judge()
        return self.trace.read_text().splitlines()

    def make(self, server: Server, name: str) -> Server:
        """Makes a vault, by the same request until it is there."""
        request = {"name": name, "request_id": request_id(name)}
        client = Client(server.address)
        for _ in range(PATIENCE * 20):
            before = self.sandbox.state()
            try:
                client.call("VaultService/CreateVault", **request)
                client.close()
                return server
            except Failure as failure:
                if failure.reason == "AUDIT_UNAVAILABLE":
                    assert self.sandbox.state() == before, "refused and done all the same"
                    time.sleep(0.05)
                    continue
                assert failure.code == grpc.StatusCode.UNAVAILABLE, failure
            except grpc.RpcError as gone:
                assert gone.code() == grpc.StatusCode.UNAVAILABLE, gone
            client.close()
            if server.process.process.wait(PATIENCE) is not None:
                server = self.server()
            client = Client(server.address)
        raise AssertionError(f"vault {name} is refused for ever")

    def judge(self) -> None:
        files = sorted(self.record.glob("*.jsonl"))
        verified = subprocess.run([self.binary, "audit", "verify", *files], capture_output=True, text=True)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        begun = {line["id"]: line for line in lines if line["kind"] == "begin"}
        ended = [line["begun"]["id"] for line in lines if line["kind"] == "end"]
        assert sorted(begun) == sorted(ended), "each call has one end"
        made = {line["request"]["name"] for line in begun.values()}
        assert made == {"filler", *VAULTS}, "what is at AWS is in the record"


def test_whichever_system_call_of_the_record_breaks_nothing_is_done_that_is_not_in_it(scene):
    calls = scene.play(0, "")
    assert {line.split()[1] for line in calls} == {"open", "write", "fdatasync", "fsync"}, calls
    everything = os.environ.get("STRONGROOM_AUDIT_FAULTS") == "all"
    for at, _ in enumerate(calls, 1):
        for way in WAYS if everything else [WAYS[at % len(WAYS)]]:
            print(at, calls[at - 1], way)
            scene.play(at, way)
