"""The audit record of a real process: killed, on a full disk, and looked at afterwards by somebody who has the files alone.

The sandbox is a process of its own here, as AWS is: what it was asked for is compared with what the record says was begun.
"""

import errno
import hashlib
import hmac
import json
import os
import resource
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from aws_clients import LABS
from grpc_client import Client, Failure
from processes import Server

KEYS = {name: name * 40 for name in "ko"}
AT_ONCE = 8


class Record:
    """The files of a record, read as docs/audit.md tells the format."""

    def __init__(self, binary: Path, folder: Path, key: str = ""):
        self.binary, self.folder, self.key = binary, folder, key

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("audit-*.jsonl"))

    def lines(self) -> list[dict]:
        """Held to the format by code that is not Strongroom's."""
        told, before = [], "0" * 64
        for file in self.files():
            # What stands behind the last line feed is being written.
            for text in file.read_bytes().split(b"\n")[:-1]:
                line = json.loads(text)
                hashed = text[: -len(',"hash":""}') - 64]
                digest = hmac.digest(self.key.encode(), hashed, "sha256") if self.key else hashlib.sha256(hashed).digest()
                assert (line["seq"], line["prev"], line["hash"]) == (len(told) + 1, before, digest.hex()), f"{file}: {line}"
                before = line["hash"]
                told.append(line)
        return told

    def begins(self, rpc: str) -> list[dict]:
        return [line for line in self.lines() if line["kind"] == "begin" and line["action"].endswith(f"/{rpc}")]

    def ends(self) -> dict[str, dict]:
        ends = [line for line in self.lines() if line["kind"] == "end"]
        by_id = {end["begun"]["id"]: end for end in ends}
        assert len(by_id) == len(ends), "a call ends once"
        return by_id

    def verify(self, *flags: str) -> tuple[int, str]:
        done = subprocess.run([self.binary, "audit", "verify", *self.files(), *flags], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def asked_for(sandbox, operation: str) -> int:
    """How often AWS was asked for it, by its own count."""
    return sandbox.control("GET", "requests")["by_operation"].get(f"backup:{operation}", 0)


@pytest.fixture
def start(binary, sandbox, tmp_path):
    """Starts a server that keeps its record in a folder. One attempt: what is asked of AWS twice was done twice."""
    started = []

    def start(folder: Path, *settings: str, program: Path = binary) -> Server:
        told = (f"audit.path={folder}", "aws.max_attempts=1", *settings)
        flags = [word for setting in told for word in ("--set", setting)]
        started.append(Server(program, tmp_path / "log", "--endpoint-url", sandbox.url, *flags))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()


def until_told(client: Client, rpc: str, **fields) -> dict:
    """What fails for want of a server is asked for again, with the same request_id, as a client should."""
    fields["request_id"] = str(uuid.uuid4())
    while True:
        try:
            return client.call(rpc, 20, **fields)
        except Failure as failure:
            if failure.code != grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(0.05)


def known(server: Server) -> Client:
    """A client for many threads, which asks for no more descriptors."""
    client = Client(server.address)
    for rpc in ("VaultService/CreateVault", "VaultService/ListVaults", "JobService/StartBackup"):
        client.request(rpc, {})
    return client


def test_after_kills_under_load_nothing_was_done_without_a_begin_and_nothing_twice(binary, start, sandbox, aws, tmp_path):
    aws.role("audit-role")
    aws.backup.create_backup_vault(BackupVaultName="backups")
    sandbox.spoil(service="backup", rate=0.5, effect={"delay_ms": 40})
    server = start(tmp_path / "audit", "audit.segment_bytes=65536")
    client, record = known(server), Record(binary, tmp_path / "audit")
    made, jobs, over = [], [], threading.Event()

    def call(worker: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            name = f"vault-{worker}-{number}"
            assert until_told(client, "VaultService/CreateVault", name=name)["vault"]["name"] == name
            made.append(name)
            job = until_told(client, "JobService/StartBackup", resource=LABS, vault="backups", role="audit-role")
            jobs.append(job["job"]["id"])

    with ThreadPoolExecutor(AT_ONCE) as workers:
        calls = [workers.submit(call, worker) for worker in range(AT_ONCE)]
        try:
            for kill in range(1, 6):
                while len(made) < 10 * kill:
                    time.sleep(0.01)
                    assert not any(call.done() for call in calls), [call.result() for call in calls if call.done()]
                server.restart_after_kill()
        finally:
            over.set()
        for call in calls:
            call.result()
    client.close()
    assert server.stop() == 0
    assert record.verify()[0] == 0, record.verify()
    assert "open " not in record.verify()[1], "the last process ended all that it began"
    assert len(record.files()) > 1
    ends = record.ends()
    killed = [end for end in ends.values() if end.get("reason") == "SERVER_KILLED"]
    assert killed and all(end["outcome"] == "UNKNOWN" for end in killed)
    there = {vault["BackupVaultName"] for vault in aws.backup.list_backup_vaults()["BackupVaultList"]} - {"backups"}
    begun = [line["request"]["name"] for line in record.begins("CreateVault")]
    assert set(made) <= there <= set(begun)
    assert asked_for(sandbox, "CreateBackupVault") - 1 <= len(begun), "AWS was asked for what was not begun"
    begun = record.begins("StartBackup")
    ids = {line["request_id"] for line in begun}
    pages = aws.backup.get_paginator("list_backup_jobs").paginate()
    in_aws = [job["BackupJobId"] for page in pages for job in page["BackupJobs"]]
    assert sorted(in_aws) == sorted(jobs) and len(jobs) == len(ids), "a job for each request, and one alone"
    assert asked_for(sandbox, "StartBackupJob") <= len(begun), "AWS was asked for what was not begun"


def test_half_a_line_that_a_kill_left_is_cut_and_told(binary, start, sandbox, tmp_path):
    server = start(tmp_path / "audit")
    record = Record(binary, tmp_path / "audit")
    client = Client(server.address)
    client.call("VaultService/CreateVault", name="main")
    client.close()
    server.process.kill()
    whole = record.files()[-1].read_bytes()
    half = b'{"seq":5,"prev":"'
    record.files()[-1].write_bytes(whole + half)
    code, said = record.verify()
    assert code == 1 and "it was cut, or is being written" in said, said
    server.start()
    assert record.verify()[0] == 0, record.verify()
    (cut,) = [line for line in record.lines() if line["kind"] == "cut"]
    assert (cut["bytes"], cut["sha256"]) == (len(half), hashlib.sha256(half).hexdigest())
    assert record.files()[-1].read_bytes().startswith(whole)


class Limited:
    """Room for so many bytes in one file: what the kernel refuses beyond, whoever asks."""

    def __init__(self, folder: Path, binary: Path):
        self.folder = folder / "audit"
        # The kernel would end the process that does not want to hear of it.
        self.program = folder / "program"
        self.program.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec '{binary}' \"$@\"\n")
        self.program.chmod(0o755)

    def fill_at(self, server: Server, size: int) -> None:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def leave_nothing(self, server: Server) -> None:
        self.fill_at(server, 1)

    def make_room(self, server: Server) -> None:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def end(self) -> None:
        pass


class Tmpfs:
    """A file system of its own, which is full."""

    def __init__(self, folder: Path, binary: Path):
        self.folder, self.program = folder / "disk", binary
        self.folder.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.folder], capture_output=True, text=True)
        if mounted.returncode != 0:
            pytest.skip(f"a file system of one's own is root's: {mounted.stderr}")
        self.ballast = self.folder / "ballast"

    def fill_at(self, server: Server, size: int) -> None:
        free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
        self.ballast.write_bytes(b"\0" * max(0, free - size))

    def leave_nothing(self, server: Server) -> None:
        with self.ballast.open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"\0" * 4096)
            except OSError as full:
                assert full.errno == errno.ENOSPC, full

    def make_room(self, server: Server) -> None:
        self.ballast.unlink()

    def end(self) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=False)


@pytest.mark.parametrize("reads", ["serve", "refuse"])
@pytest.mark.parametrize("disk", [Limited, Tmpfs], ids=["limit", "tmpfs"])
def test_on_a_full_disk_nothing_is_changed_until_there_is_room(binary, start, sandbox, aws, tmp_path, disk, reads):
    disk = disk(tmp_path, binary)
    try:
        settings = ("audit.reads=true", f"audit.reads_when_unavailable={reads}")
        server = start(disk.folder, *settings, program=disk.program)
        on_a_full_disk(binary, server, sandbox, aws, disk, reads)
        assert server.stop() == 0
        record = Record(binary, disk.folder)
        code, said = record.verify()
        assert code == 0 and "open " not in said, said
    finally:
        disk.end()


def on_a_full_disk(binary, server, sandbox, aws, disk, reads):
    record, made, refused = Record(binary, disk.folder), [], []
    client = known(server)
    disk.fill_at(server, 96 << 10)

    def call(worker: int) -> None:
        for number in range(1000):
            try:
                client.call("VaultService/CreateVault", name=f"vault-{worker}-{number}")
            except Failure as failure:
                refused.append(failure)
                break
            made.append(f"vault-{worker}-{number}")

    with ThreadPoolExecutor(AT_ONCE) as workers:
        list(workers.map(call, range(AT_ONCE)))
    assert {failure.reason for failure in refused} == {"AUDIT_UNAVAILABLE"} and len(refused) == AT_ONCE, refused
    assert all(failure.retry is not None for failure in refused), "when it is worth while to try again"
    # What is refused once may be let go again while a shorter line finds room. Then there is none for any.
    disk.leave_nothing(server)
    server.process.wait_until(lambda: not accepts(client, "VaultService/CreateVault", made, name=f"last-{len(made)}"))
    before = asked_for(sandbox, "CreateBackupVault")
    for number in range(20):
        with pytest.raises(Failure, match="AUDIT_UNAVAILABLE"):
            client.call("VaultService/CreateVault", name=f"never-{number}")
    assert asked_for(sandbox, "CreateBackupVault") == before == len(made), "AWS is asked for nothing"
    if reads == "serve":
        assert len(client.call("VaultService/ListVaults", page_size=1000)["vaults"]) >= len(made)
    else:
        server.process.wait_until(lambda: not accepts(client, "VaultService/ListVaults", []))
    disk.make_room(server)
    server.process.wait_until(lambda: accepts(client, "VaultService/CreateVault", made, name="after"))
    client.close()
    there = {vault["BackupVaultName"] for vault in aws.backup.list_backup_vaults()["BackupVaultList"]}
    assert there == set(made)
    begun = {line["id"]: line["request"]["name"] for line in record.begins("CreateVault")}
    assert set(made) == set(begun.values()), "what was refused is not begun"
    server.process.wait_until(lambda: begun.keys() <= record.ends().keys())
    assert all(record.ends()[id]["outcome"] == "SUCCEEDED" for id in begun)
    assert [line for line in record.lines() if line["kind"] == "gap"], "that nothing could be written is told"
    code, said = record.verify()
    assert code == 0 and "nothing could be written since" in said, said


def accepts(client: Client, rpc: str, made: list[str], **fields) -> bool:
    try:
        client.call(rpc, **fields)
    except Failure as failure:
        assert failure.reason == "AUDIT_UNAVAILABLE", failure
        return False
    made.extend(fields.values())
    return True


@pytest.fixture(params=["", KEYS["k"]], ids=["without a key", "with a key"])
def kept(request, binary, start, tmp_path) -> Record:
    """A record of several files, whose server has ended."""
    settings = ["audit.segment_bytes=65536"]
    if request.param:
        (tmp_path / "right").write_text(request.param + "\n")
        settings.append(f"audit.hmac_key_file={tmp_path / 'right'}")
    server = start(tmp_path / "audit", *settings)
    client = Client(server.address)
    tags = {f"tag-{number}": "x" * 200 for number in range(40)}
    for number in range(20):
        client.call("VaultService/CreateVault", name=f"vault-{number}", tags=tags)
    client.close()
    assert server.stop() == 0
    record = Record(binary, tmp_path / "audit", request.param)
    assert len(record.files()) > 2 and len(record.lines()) > 40
    return record


def flags(record: Record, tmp_path: Path) -> tuple[str, ...]:
    return ("--hmac-key-file", str(tmp_path / "right")) if record.key else ()


def test_a_record_verifies_with_its_key_alone(kept, tmp_path):
    code, said = kept.verify(*flags(kept, tmp_path))
    assert code == 0 and "the record verifies" in said, said
    (tmp_path / "wrong").write_text(KEYS["o"] + "\n")
    wrong = kept.verify("--hmac-key-file", str(tmp_path / "wrong"))
    missing = kept.verify("--hmac-key-file", str(tmp_path / "missing"))
    if not kept.key:
        assert wrong[0] == 1 and "the record ends chained without a key, and keys are given" in wrong[1], wrong
    else:
        assert wrong[0] == 1 and "give it by --hmac-key-file" in wrong[1], wrong
        without = kept.verify()
        assert without[0] == 1 and "give it by --hmac-key-file" in without[1], without
    assert missing[0] != 0 and "missing cannot be read" in missing[1], missing


def damages(lines: list[bytes]) -> dict[str, list[bytes]]:
    middle = len(lines) // 2
    other = bytes(lines[middle]).replace(b"anonymous", b"somebody_", 1)
    assert other != lines[middle]
    return {
        "changed": [*lines[:middle], other, *lines[middle + 1 :]],
        "removed": [*lines[:middle], *lines[middle + 1 :]],
        "repeated": [*lines[:middle], lines[middle], *lines[middle:]],
        "reordered": [*lines[:middle], lines[middle + 1], lines[middle], *lines[middle + 2 :]],
        "first removed": lines[1:],
        "seal removed": lines[:-1],
    }


def test_whatever_is_done_to_a_line_is_found_and_said_where(kept, tmp_path):
    for at, file in enumerate(kept.files()[:-1]):
        whole = file.read_bytes()
        for name, damaged in damages(whole.splitlines(keepends=True)).items():
            file.write_bytes(b"".join(damaged))
            code, said = kept.verify(*flags(kept, tmp_path))
            here = "first" if name == "first removed" else name
            assert code == 1 and "does NOT verify" in said, f"{here} in {file}: {said}"
            bad = [line for line in said.splitlines() if line.startswith("BAD")]
            near = {str(file), str(kept.files()[min(at + 1, len(kept.files()) - 1)])}
            assert any(place in bad[0] for place in near), f"{here} in {file}: {bad}"
        file.write_bytes(whole)
    kept.files()[1].rename(tmp_path / "elsewhere")
    code, said = kept.verify(*flags(kept, tmp_path))
    assert code == 1 and "files are missing" in said, said


def test_a_server_does_not_go_on_with_a_record_that_lacks_a_file(kept, binary, start, sandbox, tmp_path):
    key = (f"audit.hmac_key_file={tmp_path / 'right'}",) if kept.key else ()
    lacking = kept.files()[1]
    lacking.rename(tmp_path / "elsewhere")
    with pytest.raises(AssertionError, match=f"{lacking.name} is missing"):
        start(tmp_path / "audit", *key)
    (tmp_path / "elsewhere").rename(lacking)
    assert start(tmp_path / "audit", *key).stop() == 0
    assert kept.verify(*flags(kept, tmp_path))[0] == 0
