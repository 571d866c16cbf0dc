#!/usr/bin/env python3
"""The watch campaign: what ten watchers are told while servers and connections to the database are killed at random.

    target/venv/bin/python tests/campaign/watching.py --minutes 5 --seed 1
    target/venv/bin/python tests/campaign/watching.py --minutes 60 --postgres postgres://postgres@127.0.0.1/postgres

AWS is a sandbox in a process of its own, whose time runs faster. With SQLite one server keeps the ledger in a file; with PostgreSQL two
share a database, and one of them reads AWS for both. Callers start jobs there, and others at AWS itself, of which nobody tells the
server. Servers are killed with -9, stopped, and started again; connections to the database are cut. Watchers read quickly and slowly,
all jobs or some, and go on with their last token at whichever server answers.

At the end the logs of the watchers are checked, by seven rules:

  ordered      positions go up, and no job goes back from a state to an earlier one
  unique       nothing is told twice, over all reconnections
  atomic       what is told at a position is the same to every watcher
  reliable     who watches everything is told every position; who watches some, all of those that fit
  resumable    the first thing that is told after a token lies behind its position
  bookmarkable a bookmark never lies before what was told, and nothing before it is told after it
  filtered     nothing is told that does not fit

and what the ledger has is compared with what AWS has, job by job.
"""

import argparse
import base64
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
sys.path[:0] = [str(HERE), str(REPOSITORY / "tests/acceptance")]

import boto3  # noqa: E402
from grpc_client import Client, Failure  # noqa: E402
from postgres import Database  # noqa: E402
from processes import REGION, Sandbox, Server, environment  # noqa: E402

DATABASES = ("rdspg-fcj-labs", "rdspg-orders", "rdspg-analytics-dev")
ROLE, VAULTS = "AWSBackupDefaultServiceRole", ("nightly", "hourly")
# A job of 35 seconds takes less than one.
SPEED = 60
BEHAVIOUR = {"jobs": {"start_delay": "10s", "run_time": "30s"}}
OFTEN = ("--set", "feed.enabled=true", "--set", "feed.interval=500ms", "--set", "feed.busy_interval=200ms")

# What a watcher asks for; what fits is decided here again, by what is told of a job.
FILTERS = [
    ({}, lambda job: True),
    ({}, lambda job: True),
    ({}, lambda job: True),
    ({"resource": DATABASES[0]}, lambda job: job["resource_arn"].endswith(f":{DATABASES[0]}")),
    ({"resource": DATABASES[1]}, lambda job: job["resource_arn"].endswith(f":{DATABASES[1]}")),
    ({"states": ["JOB_STATE_COMPLETED"]}, lambda job: job["state"] == "JOB_STATE_COMPLETED"),
    ({"states": ["JOB_STATE_RUNNING", "JOB_STATE_FAILED"]}, lambda job: job["state"] in ("JOB_STATE_RUNNING", "JOB_STATE_FAILED")),
    ({"vault": VAULTS[1]}, lambda job: job["vault_name"] == VAULTS[1]),
    ({"kinds": ["JOB_KIND_BACKUP"]}, lambda job: job["kind"] == "JOB_KIND_BACKUP"),
    ({"kinds": ["JOB_KIND_COPY"]}, lambda job: job["kind"] == "JOB_KIND_COPY"),
]

# In which order a job has its states.
RANKS = {"CREATED": 0, "PENDING": 1, "RUNNING": 2, "ABORTING": 3, "ABORTED": 4, "COMPLETED": 4, "FAILED": 4, "EXPIRED": 4, "PARTIAL": 4}

# Bytes of a token before its position: a digest of what is watched, and a sum over both.
DIGESTS = 16


def position(token: str) -> int:
    """The position in a resume token: for this check alone, callers take tokens as they are."""
    text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[DIGESTS:].decode()
    return int(text.split(" ")[0])


def say(text: str) -> None:
    print(text, flush=True)


class Way:
    """Clients of every server, of which one is taken at random. They go on over restarts."""

    def __init__(self, servers, seed):
        self.servers, self.random = servers, random.Random(seed)
        self.clients = {}

    def any(self) -> Client:
        server = self.random.choice(self.servers)
        if server.address not in self.clients:
            self.clients[server.address] = Client(server.address)
        return self.clients[server.address]


class Watcher(threading.Thread):
    """Reads a watch, goes on from its last token whatever happens, and keeps a log of what it was told."""

    def __init__(self, number: int, servers, token: str, seed):
        super().__init__(daemon=True)
        self.number, self.token, self.way = number, token, Way(servers, seed)
        self.filter, self.fits = FILTERS[number % len(FILTERS)]
        self.slow = number % 3 == 2
        self.log, self.breaks, self.faults = [], 0, []
        self.begun, self.goal, self.over = position(token), None, threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                stream = self.way.any().stream("JobService/WatchJobs", 30, filter=self.filter, resume_token=self.token)
                self.log.append(("resumed", position(self.token), None))
                for message in stream:
                    self.read(message)
                    if self.over.is_set():
                        stream.cancel()
                        return
            except Failure as failure:
                if failure.reason == "RESUME_TOKEN_EXPIRED" or failure.code.name in ("INVALID_ARGUMENT", "INTERNAL", "UNKNOWN"):
                    self.faults.append(f"{failure}")
                    return
            except Exception as error:  # A client is made anew while the server is away.
                if type(error).__module__.startswith("grpc") is False:
                    self.faults.append(repr(error))
                    return
            self.breaks += 1
            time.sleep(0.05)

    def read(self, message: dict) -> None:
        token = message["resume_token"]
        at = position(token)
        if "job" in message:
            self.log.append(("job", at, message["job"]))
            if self.slow:
                time.sleep(self.way.random.random() / 20)
        else:
            self.log.append(("bookmark", at, None))
        self.token = token
        if self.goal is not None and at >= self.goal:
            self.over.set()


class Writer(threading.Thread):
    """Starts backups and copies: there, and at AWS itself."""

    def __init__(self, servers, aws, seed):
        super().__init__(daemon=True)
        self.way, self.aws, self.random = Way(servers, seed), aws, random.Random(f"{seed} w")
        self.over, self.points, self.started = threading.Event(), [], 0

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.start_something()
                self.started += 1
            except Exception:  # What becomes of it AWS says at the end.
                pass
            time.sleep(self.random.random() / 2)

    def start_something(self) -> None:
        database, vault = self.random.choice(DATABASES), self.random.choice(VAULTS)
        what = self.random.random()
        if what < 0.2:
            arn = f"arn:aws:rds:{REGION}:123456789012:db:{database}"
            role = f"arn:aws:iam::123456789012:role/service-role/{ROLE}"
            self.aws.start_backup_job(BackupVaultName=vault, ResourceArn=arn, IamRoleArn=role)
        elif what < 0.35:
            listed = self.way.any().call("RecoveryPointService/ListRecoveryPoints", 20, vault=vault, page_size=5)
            point = self.random.choice(listed["recovery_points"])["arn"]
            other = next(name for name in VAULTS if name != vault)
            request = {"recovery_point": point, "vault": vault, "destination_vault": other, "role": ROLE}
            self.way.any().call("JobService/StartCopy", 20, **request)
        else:
            self.way.any().call("JobService/StartBackup", 20, resource=database, vault=vault, role=ROLE)


class Killer(threading.Thread):
    """Kills servers and connections."""

    def __init__(self, servers, postgres, mean: float, seed):
        super().__init__(daemon=True)
        self.servers, self.postgres, self.mean, self.random = servers, postgres, mean, random.Random(f"{seed} k")
        self.over = threading.Event()
        self.done, self.failed = {"killed": 0, "stopped": 0, "cut": 0}, None

    def run(self) -> None:
        try:
            self.kill()
        except Exception as error:
            # A run in which nothing is killed shows nothing.
            self.failed = repr(error)

    def kill(self) -> None:
        while not self.over.wait(self.random.expovariate(1 / self.mean)):
            what = self.random.random()
            if self.postgres and what < 0.4:
                self.postgres.cut(self.random.randint(1, 12))
                self.done["cut"] += 1
                continue
            server = self.random.choice(self.servers)
            if what < 0.85:
                server.process.kill()
                self.done["killed"] += 1
            else:
                server.stop()
                self.done["stopped"] += 1
            time.sleep(self.random.random() * 2)
            server.start()

    def stop(self) -> None:
        self.over.set()
        self.join()


def check(watchers, first: int, last: int) -> list[str]:
    """What is wrong by the seven rules."""
    wrong = []
    told = {}
    for watcher in watchers:
        for kind, at, job in watcher.log:
            if kind == "job":
                text = json.dumps(job, sort_keys=True)
                if told.setdefault(at, text) != text:
                    wrong.append(f"atomic: watcher {watcher.number} is told something else at {at}")
    missing = [at for at in range(first + 1, last + 1) if at not in told]
    if missing:
        wrong.append(f"reliable: nobody was told {len(missing)} positions, the first {missing[0]}")
    jobs = {at: json.loads(text) for at, text in told.items()}
    for watcher in watchers:
        who = f"watcher {watcher.number} {watcher.filter}"
        wrong += [f"{who}: {fault}" for fault in watcher.faults]
        seen, states, highest, resumed = [], {}, watcher.begun, None
        for kind, at, job in watcher.log:
            if kind == "resumed":
                resumed = at
                continue
            if resumed is not None and at < resumed or (kind == "job" and resumed is not None and at == resumed):
                wrong.append(f"resumable: {who} went on from {resumed} and is told {at}")
            resumed = None
            if kind == "bookmark":
                if at < highest:
                    wrong.append(f"bookmarkable: {who} is at {highest}, and a bookmark says {at}")
                highest = max(highest, at)
                continue
            if at in seen[-1:]:
                wrong.append(f"unique: {who} is told {at} twice")
            elif at <= highest:
                wrong.append(f"ordered: {who} was at {highest} and is told {at}")
            if not watcher.fits(job):
                wrong.append(f"filtered: {who} is told {at}: {job['id']}")
            rank = RANKS[job["state"].removeprefix("JOB_STATE_")]
            if rank < states.get(job["id"], 0):
                wrong.append(f"ordered: {who}: job {job['id']} goes back to {job['state']} at {at}")
            states[job["id"]] = rank
            highest = max(highest, at)
            seen.append(at)
        if len(set(seen)) != len(seen):
            wrong.append(f"unique: {who} is told something twice")
        fitting = [at for at in sorted(jobs) if first < at <= last and watcher.fits(jobs[at])]
        lacking = sorted(set(fitting) - set(seen))
        if lacking:
            wrong.append(f"reliable: {who} was not told {len(lacking)} of {len(fitting)}, the first {lacking[0]}")
    return wrong


def all_jobs(client: Client, read: str) -> dict[str, dict]:
    jobs, token = {}, ""
    while True:
        answer = client.call("JobService/ListJobs", 60, read=read, page_size=1000, page_token=token)
        jobs |= {job["id"]: job for job in answer["jobs"]}
        token = answer["next_page_token"]
        if not token:
            return jobs


def settled(way: Way, aws_jobs: set[str]) -> dict[str, dict]:
    """What the ledger has, once it has everything and nothing is under way."""
    deadline, jobs = time.monotonic() + 120, {}
    while time.monotonic() < deadline:
        try:
            jobs = all_jobs(way.any(), "READ_LEDGER")
            done = all(RANKS[job["state"].removeprefix("JOB_STATE_")] == 4 for job in jobs.values())
            if done and set(jobs) == aws_jobs:
                return jobs
        except Exception:
            pass
        time.sleep(0.5)
    return jobs


def known_to_aws(aws) -> dict[str, str]:
    jobs = {}
    for name, member, id in (
        ("list_backup_jobs", "BackupJobs", "BackupJobId"),
        ("list_copy_jobs", "CopyJobs", "CopyJobId"),
        ("list_restore_jobs", "RestoreJobs", "RestoreJobId"),
    ):
        for page in aws.get_paginator(name).paginate():
            jobs |= {job[id]: job.get("State") or job.get("Status") for job in page[member]}
    return jobs


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=5, help="how long (5)")
    arguments.add_argument("--seed", type=int, default=None, help="of everything random; by default a new one")
    arguments.add_argument("--watchers", type=int, default=10, help="how many (10)")
    arguments.add_argument("--kill-every", type=float, default=6.0, help="mean seconds between two kills (6)")
    arguments.add_argument("--postgres", default=os.environ.get("STRONGROOM_TEST_POSTGRES"), help="a server of PostgreSQL's")
    arguments.add_argument("--logs", type=Path, default=None, help="folder for the logs of servers and sandbox")
    options = arguments.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    binary = Path(os.environ.get("STRONGROOM_BIN", REPOSITORY / "target/debug/strongroom")).resolve()
    if not binary.is_file():
        sys.exit(f"{binary} is missing: `cargo build`, or set STRONGROOM_BIN")
    say(f"seed {seed}: {options.watchers} watchers, {options.minutes:g} minutes, on {'PostgreSQL' if options.postgres else 'SQLite'}")
    with tempfile.TemporaryDirectory() as scratch:
        logs = options.logs or Path(scratch)
        logs.mkdir(parents=True, exist_ok=True)
        return campaign(options, seed, binary, logs, Path(scratch))


def campaign(options, seed: int, binary: Path, logs: Path, scratch: Path) -> int:
    postgres = Database(options.postgres) if options.postgres else None
    place = f"ledger.url={postgres.url}" if postgres else f"ledger.path={scratch / 'ledger.db'}"
    sandbox = Sandbox(binary, logs / "sandbox.log")
    # The environment of tests has the ledger in memory; what is said on the command line wins, and two places would be a fault.
    variables = {name: value for name, value in environment().items() if name != "STRONGROOM_LEDGER__PATH"}
    flags = ("--endpoint-url", sandbox.url, *OFTEN, "--set", place)
    servers = [
        Server(binary, logs / f"server-{number}.log", *flags, variables=variables) for number in range(2 if postgres else 1)
    ]
    try:
        return run(options, seed, sandbox, servers, postgres)
    finally:
        for process in (*(server.process for server in servers), sandbox.process):
            process.kill()
        if postgres:
            postgres.drop()


def run(options, seed: int, sandbox: Sandbox, servers, postgres) -> int:
    began = time.monotonic()
    sandbox.settings(BEHAVIOUR)
    way = Way(servers, seed)
    client = way.any()
    client.call("AccountService/EnsureServiceRole")
    for vault in VAULTS:
        client.call("VaultService/CreateVault", name=vault)
    sandbox.advance("10m")
    sandbox.control("POST", "clock", {"mode": "auto", "speed": SPEED})
    aws = boto3.client(
        "backup", endpoint_url=sandbox.url, region_name=REGION, aws_access_key_id="sandbox", aws_secret_access_key="sandbox"
    )
    token = wait_for_token(client)
    # A token is of one filter, so each watcher begins with a list of its own.
    watchers = []
    for number in range(options.watchers):
        fields = {"filter": FILTERS[number % len(FILTERS)][0]}
        watchers.append(Watcher(number, servers, wait_for_token(client, **fields), f"{seed} {number}"))
    first = position(token)
    for watcher in watchers:
        watcher.begun = position(watcher.token)
        watcher.start()
    writers = [Writer(servers, aws, f"{seed} {number}") for number in range(3)]
    for writer in writers:
        writer.start()
    killer = Killer(servers, postgres, options.kill_every, seed)
    killer.start()
    time.sleep(options.minutes * 60)
    killer.stop()
    for writer in writers:
        writer.over.set()
    for writer in writers:
        writer.join()
    sandbox.control("POST", "clock", {"mode": "manual"})
    # Whatever waits in its start window ends.
    for _ in range(4):
        sandbox.advance("6h")
        time.sleep(1)
    at_aws = known_to_aws(aws)
    jobs = settled(way, set(at_aws))
    last = position(wait_for_token(way.any()))
    for watcher in watchers:
        watcher.goal = last
    for watcher in watchers:
        watcher.join(60)
        if watcher.is_alive():
            watcher.faults.append(f"has not come to {last}: it is at {position(watcher.token)}")
    wrong = check(watchers, first, last)
    wrong += [f"what was to be killed was not: {killer.failed}"] if killer.failed else []
    lost, strange = set(at_aws) - set(jobs), set(jobs) - set(at_aws)
    wrong += [f"the ledger lacks {len(lost)} jobs: {sorted(lost)[:3]}"] if lost else []
    wrong += [f"the ledger has {len(strange)} jobs that AWS has not: {sorted(strange)[:3]}"] if strange else []
    differing = [id for id, state in at_aws.items() if id in jobs and jobs[id]["state_text"] != state]
    wrong += [f"{len(differing)} jobs are in another state at AWS: {differing[:3]}"] if differing else []
    live = all_jobs(way.any(), "READ_LIVE")
    unlike = [id for id, job in jobs.items() if id in live and live[id] != job]
    wrong += [f"{len(unlike)} jobs are not as AWS tells them: {jobs[unlike[0]]} / {live[unlike[0]]}"] if unlike else []
    events = sum(1 for watcher in watchers for kind, _, _ in watcher.log if kind == "job")
    breaks = sum(watcher.breaks for watcher in watchers)
    say(
        f"{time.monotonic() - began:.0f} s: {len(at_aws)} jobs, {last - first} events, {events} told, {breaks} reconnections, "
        f"{killer.done['killed']} kills, {killer.done['stopped']} stops, {killer.done['cut']} cuts of the database, {len(wrong)} wrong"
    )
    for text in wrong[:40]:
        say(f"  WRONG: {text}")
    return 1 if wrong else 0


def wait_for_token(client: Client, **fields) -> str:
    """Where a watch goes on, once everything was read."""
    for _ in range(600):
        try:
            answer = client.call("JobService/ListJobs", 20, read="READ_LEDGER", page_size=1, **fields)
            if all(scope["state"] == "SCOPE_STATE_CURRENT" for scope in answer["scopes"]):
                return answer["resume_token"]
        except Failure:
            pass
        time.sleep(0.1)
    raise AssertionError("the ledger is never read")


if __name__ == "__main__":
    sys.exit(main())
