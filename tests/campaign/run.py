#!/usr/bin/env python3
"""The fault campaign: does a client that follows the published policy get every change done, once, whatever AWS does and
however often the server is killed?

    target/venv/bin/python tests/campaign/run.py --changes 1000 --seed 1

AWS is a sandbox in a process of its own: it throttles, fails, hangs, and breaks connections before and after it has acted.
The server is killed with -9 at random. In between clients make changes, each with a request_id, and repeat them with the same
one, as proto/strongroom/v1/service_config.json and docs/errors.md say. At the end the state of the sandbox is compared with
what was asked for: the words of the server count for nothing there.

The seed decides on the changes, on the faults of each request to AWS in its order, and on the times between the kills. Which
request comes when is the machine's: two runs of a seed are alike, and not the same.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
sys.path[:0] = [str(HERE), str(REPOSITORY / "tests/acceptance")]

from callers import Callers, Killer  # noqa: E402
from changes import Round  # noqa: E402
from processes import Sandbox, Server  # noqa: E402

# Changes of a round: then AWS is looked at and begins anew, for an account has room for so many plans and vaults.
ROUND = 500

# What is spoiled, as `POST /_sandbox/faults` takes it, but for the seed.
THROTTLING = [{"rate": 0.30, "effect": "throttle"}]
CAMPAIGN = THROTTLING + [
    {"rate": 0.05, "effect": {"error": {"status": 500, "code": "InternalFailure", "message": "of the campaign"}}},
    {"rate": 0.05, "effect": {"error": {"status": 503, "code": "ServiceUnavailableException", "message": "of the campaign"}}},
    {"rate": 0.02, "effect": "drop_before"},
    {"rate": 0.02, "effect": "drop_after"},
    {"rate": 0.02, "effect": "truncate"},
    # Answers that come late, and those that nobody waits for any more.
    {"rate": 0.05, "effect": {"delay_ms": 300}},
    {"rate": 0.01, "effect": {"delay_ms": 30_000}},
]

# Most changes of a round whose failures are shown.
SHOWN = 20

# Clocks of the sandbox: a job of 35 seconds takes 3.5, a role is known after 1.5.
SPEED = 10
BEHAVIOUR = {"role_propagation": "15s", "jobs": {"start_delay": "20s", "run_time": "30s"}}

# A hanging answer is given up sooner than by default, so that a run has time for many.
SERVER = ["--set", "aws.read_timeout=2s", "--set", "aws.attempt_timeout=4s", "--set", "aws.operation_timeout=30s"]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--changes", type=int, default=1000, help="how many changes (1000)")
    arguments.add_argument("--seed", type=int, default=None, help="of everything random; by default a new one")
    arguments.add_argument("--callers", type=int, default=96, help="clients at once (96)")
    arguments.add_argument("--deadline", type=float, default=180.0, help="seconds that a change may take with all repetitions (180)")
    arguments.add_argument("--kill-every", type=float, default=30.0, help="mean seconds between two kills (30)")
    arguments.add_argument("--logs", type=Path, default=None, help="folder for the logs of server and sandbox")
    options = arguments.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    binary = Path(os.environ.get("STRONGROOM_BIN", REPOSITORY / "target/debug/strongroom")).resolve()
    if not binary.is_file():
        sys.exit(f"{binary} is missing: `cargo build`, or set STRONGROOM_BIN")
    say(f"seed {seed}: {options.changes} changes by {options.callers} callers at once")
    with tempfile.TemporaryDirectory() as scratch:
        logs = options.logs or Path(scratch)
        logs.mkdir(parents=True, exist_ok=True)
        return Campaign(options, seed, binary, logs).run()


def say(text: str) -> None:
    print(text, flush=True)


class Campaign:
    def __init__(self, options, seed: int, binary: Path, logs: Path):
        self.options, self.seed = options, seed
        self.sandbox = Sandbox(binary, logs / "sandbox.log")
        # As it is by default while requests are counted: a time-out on a busy machine would count as one more.
        self.server = Server(binary, logs / "server.log", "--endpoint-url", self.sandbox.url)

    def run(self) -> int:
        try:
            plain, _ = self.round("without faults", 0, ROUND, faults=[], kills=False)
            throttled, _ = self.round("30 % throttling alone", 0, ROUND, faults=THROTTLING, kills=False)
            self.server.flags += tuple(SERVER)
            self.server.restart_after_kill()
            rounds, recoveries = [], []
            while (done := sum(len(each.outcomes) for each in rounds)) < self.options.changes:
                size = min(ROUND, self.options.changes - done)
                number = len(rounds) + 1
                one, killed = self.round(f"round {number}", number, size, faults=CAMPAIGN, kills=True)
                rounds.append(one)
                recoveries += killed
        finally:
            self.server.process.kill()
            self.sandbox.process.kill()
        return self.report(plain, throttled, rounds, recoveries)

    def round(self, name: str, number: int, size: int, faults: list[dict], kills: bool):
        """Makes a round of changes, and compares what came of them with AWS."""
        began = time.monotonic()
        random_numbers = random.Random(f"{self.seed}/{number}")
        self.sandbox.reset()
        changes = Round(self.sandbox, random_numbers, size, fresh_roles=kills)
        self.sandbox.settings(BEHAVIOUR if kills else {"jobs": BEHAVIOUR["jobs"]})
        self.sandbox.control("POST", "clock", {"mode": "auto", "speed": SPEED})
        for place, fault in enumerate(faults):
            self.sandbox.spoil(**fault, seed=random_numbers.randrange(1 << 32) + place)
        before = self.sandbox.control("GET", "requests")["total"]
        callers = Callers(self.server.address, self.options.deadline, changes.aws)
        killer = Killer(self.server, self.options.kill_every, random_numbers.random()) if kills else None
        try:
            changes.outcomes = callers.make(changes.asked, self.options.callers, killer)
        finally:
            recoveries = killer.stop() if killer else []
        changes.requests = self.sandbox.control("GET", "requests")["total"] - before
        self.sandbox.control("DELETE", "faults")
        self.sandbox.control("POST", "clock", {"mode": "manual"})
        changes.compare_with_aws()
        undone = [outcome for outcome in changes.outcomes if not outcome.done]
        say(
            f"{name}: {size} changes in {time.monotonic() - began:.0f} s, {len(undone)} not done in time, "
            f"{changes.requests} requests to AWS, {len(recoveries)} kills, {len(changes.wrong)} wrong"
        )
        for outcome in undone[:SHOWN]:
            say(f"  not done: {outcome.asked.rpc} {outcome.asked.number} {outcome.failed}")
        for text in changes.wrong:
            say(f"  WRONG: {text}")
        return changes, recoveries

    def report(self, plain: Round, throttled: Round, rounds: list[Round], recoveries: list[float]) -> int:
        outcomes = [outcome for one in rounds for outcome in one.outcomes]
        done = sorted(outcome.seconds for outcome in outcomes if outcome.done)
        wrong = [text for one in [plain, throttled, *rounds] for text in one.wrong]
        calls = sum(len(outcome.failed) + outcome.done for outcome in outcomes)
        say("")
        say(f"seed                          {self.seed}")
        say(f"changes                       {len(outcomes)}, with {calls} calls of their callers")
        say(f"done within {self.options.deadline:.0f} s             {100 * len(done) / max(len(outcomes), 1):.2f} % (goal 99.9 %)")
        if done:
            say(f"time to be done               median {done[len(done) // 2]:.1f} s, longest {done[-1]:.1f} s")
        say(f"lost or doubled               {len(wrong)} (goal 0)")
        ratio = throttled.requests / max(plain.requests, 1)
        say(f"requests at 30 % throttling   {throttled.requests} / {plain.requests} = {ratio:.2f} (goal 1.6)")
        longest = f"{max(recoveries):.1f} s" if recoveries else "-"
        say(f"kills                         {len(recoveries)}; longest from a kill to the next change that was done {longest}")
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
