"""Clients that follow the published policy, and what kills the server meanwhile."""

import concurrent.futures
import json
import random
import threading
import time
from pathlib import Path

import grpc
from aws_clients import POLICIES, TRUST, Aws
from changes import Asked, Outcome
from google.protobuf import json_format, message_factory
from grpc_client import PACKAGE, Client, Failure

SERVICE_CONFIG = Path(__file__).resolve().parents[2] / "proto/strongroom/v1/service_config.json"

# gRPC waits longer and longer for a server that was away; these callers want it back soon.
OPTIONS = [
    ("grpc.service_config", SERVICE_CONFIG.read_text()),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
]

# What docs/errors.md says to repeat with the same request_id. The policy does so with the first two, but a killed server may
# take longer to come back than its five attempts.
REPEATED = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0


class Callers:
    """Clients of one server."""

    def __init__(self, address: str, deadline: float, aws: Aws):
        self.address, self.deadline = address, deadline
        self.iam = aws.client("iam", attempts=20)
        client = Client(address)
        # The messages come by reflection, once, before anything breaks.
        self.messages = {}
        for rpc, method in client.methods():
            self.messages[rpc] = tuple(message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type))
        client.close()

    def make(self, asked: list[Asked], at_once: int, killer) -> list[Outcome]:
        """Makes the changes, so many at a time."""
        channels = threading.local()

        def one(change: Asked) -> Outcome:
            if not hasattr(channels, "own"):
                channels.own = grpc.insecure_channel(self.address, options=[*OPTIONS, ("grpc.use_local_subchannel_pool", 1)])
            outcome = self._make(channels.own, change)
            if killer and outcome.done:
                killer.saw_success()
            return outcome

        if killer:
            killer.start()
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(one, asked))

    def _make(self, channel, asked: Asked) -> Outcome:
        """Sends a change until it is done, refused for good, or out of time."""
        if asked.fresh_role:
            self._make_role(asked.fresh_role)
        request_type, answer_type = self.messages[asked.rpc]
        request = json_format.ParseDict(asked.fields, request_type())
        send = channel.unary_unary(
            f"/{PACKAGE}.{asked.rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer_type.FromString,
        )
        began = time.monotonic()
        pause, failed = FIRST_PAUSE, []
        while (left := began + self.deadline - time.monotonic()) > 0:
            sent, wait = time.monotonic(), pause
            try:
                answer = json_format.MessageToDict(send(request, timeout=left), preserving_proto_field_name=True)
                # A forced delete says how far it came, and the same call goes on.
                if "force" not in asked.fields or answer.get("deleted"):
                    return Outcome(asked, True, answer, time.monotonic() - began, failed)
                failed.append(f"{time.monotonic() - sent:.0f} s: not deleted yet")
            except grpc.RpcError as error:
                failure = Failure(error)
                failed.append(f"{time.monotonic() - sent:.0f} s: {failure.code.name} {failure.reason or failure.message}")
                if failure.code not in REPEATED or failure.reason == "AWS_QUOTA_EXCEEDED":
                    break
                wait = max(pause, failure.retry.total_seconds() if failure.retry else 0.0)
            time.sleep(wait * random.uniform(0.8, 1.2))
            pause = min(pause * 2, LONGEST_PAUSE)
        return Outcome(asked, False, {}, time.monotonic() - began, failed)

    def _make_role(self, name: str) -> None:
        """By IAM itself, which is as spoiled as the rest of AWS."""
        try:
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        except self.iam.exceptions.EntityAlreadyExistsException:
            pass  # by an attempt whose answer was lost
        for policy in POLICIES:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=policy)


class Killer(threading.Thread):
    """Kills the server at random, starts it again, and measures how long nothing was done."""

    def __init__(self, server, mean: float, seed: float):
        super().__init__(daemon=True)
        self.server, self.mean, self.random = server, mean, random.Random(seed)
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.killed_at = None
        self.recoveries: list[float] = []

    def run(self) -> None:
        while not self.over.wait(self.random.expovariate(1 / self.mean)):
            self.server.process.kill()
            with self.lock:
                # A kill before anything was done since the last one lengthens that outage.
                self.killed_at = self.killed_at or time.monotonic()
            self.server.start()

    def saw_success(self) -> None:
        with self.lock:
            if self.killed_at is not None:
                self.recoveries.append(time.monotonic() - self.killed_at)
                self.killed_at = None

    def stop(self) -> list[float]:
        self.over.set()
        self.join()
        return self.recoveries
