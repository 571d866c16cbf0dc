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
from exposition import scrape
from processes import Sandbox, Server, environment, free_address, serves

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

    def begin(self) -> None:
        """The world and the record as they were."""
        self.sandbox.reset()
        shutil.rmtree(self.record)
        shutil.copytree(self.filled, self.record)
        self.trace.write_text("")

    def server(self, at: int | None = None, way: str = "", *more: str) -> Server:
        variables = environment()
        if at is not None:
            variables |= {"LD_PRELOAD": str(self.shim), "RECORD": str(self.record), "TRACE": str(self.trace)}
            # A disk that fails does so for a while: what mends a write fails too.
            variables |= {"FAULT_AT": str(at), "FAULT": way, "FAULTS": "1" if way.startswith("KILL") else "3"}
        audit = (f"audit.path={self.record}", f"audit.segment_bytes={LARGEST}")
        flags = ("--endpoint-url", self.sandbox.url, "--set", audit[0], "--set", audit[1], *more)
        return Server(self.binary, self.folder / "server.log", *flags, variables=variables)

    def play(self, at: int, way: str) -> list[str]:
        """Three vaults are made while one system call breaks. The system calls that there were."""
        self.begin()
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
        made = {line["request"]["name"] for line in begun.values() if line["action"].endswith("/CreateVault")}
        assert made == {"filler", *VAULTS}, "what is at AWS is in the record"


def test_whichever_system_call_of_the_record_breaks_nothing_is_done_that_is_not_in_it(scene):
    calls = scene.play(0, "")
    assert {line.split()[1] for line in calls} == {"open", "write", "fdatasync", "fsync"}, calls
    everything = os.environ.get("STRONGROOM_AUDIT_FAULTS") == "all"
    for at, _ in enumerate(calls, 1):
        for way in WAYS if everything else [WAYS[at % len(WAYS)]]:
            print(at, calls[at - 1], way)
            scene.play(at, way)


@pytest.mark.parametrize("reads", ["serve", "refuse"])
def test_a_disk_that_does_not_answer_is_one_that_cannot_be_written_to(scene, reads):
    scene.begin()
    recorded = ("--set", "audit.reads=true", "--set", f"audit.reads_when_unavailable={reads}")
    probe = scene.server(0)
    at = len(scene.trace.read_text().splitlines())
    assert probe.stop() == 0
    scene.begin()
    # The first begin is written, and then the disk is waited for.
    server = scene.server(at + 2, "HANG", *recorded)
    client = Client(server.address)
    before = scene.sandbox.state()
    for name in VAULTS:
        with pytest.raises(Failure) as refused:
            client.call("VaultService/CreateVault", name=name)
        assert refused.value.reason == "AUDIT_UNAVAILABLE", refused.value
    assert scene.sandbox.state() == before
    assert "strongroom_audit_writable 0" in scrape(server.admin)
    if reads == "serve":
        client.call("VaultService/ListVaults")
    else:
        with pytest.raises(Failure) as refused:
            client.call("VaultService/ListVaults")
        assert refused.value.reason == "AUDIT_UNAVAILABLE", refused.value
    Path(f"{scene.trace}.goes-on").touch()
    for name in VAULTS:
        scene.make(server, name)
    assert "strongroom_audit_writable 1" in scrape(server.admin)
    client.close()
    assert server.stop() == 0
    Path(f"{scene.trace}.goes-on").unlink()
    scene.judge()


def test_a_server_ends_though_its_disk_does_not_answer(scene):
    scene.begin()
    probe = scene.server(0)
    at = len(scene.trace.read_text().splitlines())
    assert probe.stop() == 0
    scene.begin()
    server = scene.server(at + 2, "HANG")
    client = Client(server.address)
    with pytest.raises(Failure) as refused:
        client.call("VaultService/CreateVault", name="one")
    assert refused.value.reason == "AUDIT_UNAVAILABLE", refused.value
    client.close()
    server.stop()
    assert "was not written to its end" in server.log.read_text()
    # What was written of it counts, and the next start ends it.
    server = scene.server()
    for name in VAULTS:
        scene.make(server, name)
    assert server.stop() == 0
    scene.judge()


def test_nobody_waits_for_a_copy_that_is_not_read(binary, scene, tmp_path):
    scene.begin()
    address = free_address()
    flags = ("--listen", address, "--admin-listen", free_address(), "--endpoint-url", scene.sandbox.url)
    settings = ("--set", f"audit.path={scene.record}", "--set", "audit.copy=stdout")
    with (tmp_path / "log").open("wb") as log:
        command = [binary, "serve", *flags, *settings]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment())
    try:
        deadline = time.monotonic() + PATIENCE
        while not serves(address):
            assert server.poll() is None and time.monotonic() < deadline
        client = Client(address)
        for name in VAULTS:
            client.call("VaultService/CreateVault", name=name, request_id=request_id(name))
        # A pipe holds 64 KiB, which is some tens of changes.
        for _ in range(150):
            client.call("VaultService/CreateVault", name="one", request_id=request_id("one"))
        client.close()
        server.terminate()
        assert server.wait(PATIENCE) == 0
        copied = [json.loads(line) for line in server.stdout.read().splitlines()[:-1]]
    finally:
        server.kill()
    ends = [line for line in copied if line["kind"] == "end"]
    assert ends and all(end["begun"]["principal"] == "anonymous" and end["begun"]["resources"] for end in ends)
    assert {line["kind"] for line in copied} == {"begin", "end"}
    scene.judge()
