"""Cold start to SERVING, resident memory when idle, and size of a strongroom binary.

    cargo build --release --no-default-features
    python benches/cold_start.py target/release/strongroom target/debug/strongroom

The first binary is measured; the second serves the sandbox it works on. Needs grpcio and grpcio-health-checking
(tests/requirements.txt). Machines are noisy: compare two binaries in one run, and quote the median.
"""

import os
import re
import statistics
import subprocess
import sys
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

RUNS = 20
ENVIRONMENT = {"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}


def start(*command):
    """Starts a process and returns it with the address that its log says it listens on."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    for line in process.stderr:
        if found := re.search(r"(?:address|sandbox)=\"?(?:http://)?(127\.0\.0\.1:\d+)", line):
            return process, found[1]
    raise SystemExit(f"{command} ended without saying where it listens")


def serving(address):
    """Waits until the server's health is SERVING; a failed look costs no pause."""
    while True:
        with grpc.insecure_channel(address, options=[("grpc.initial_reconnect_backoff_ms", 1)]) as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.RpcError:
                pass


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) / 1024


def main(measured, neighbour):
    sandbox, endpoint = start(neighbour, "sandbox", "--listen", "127.0.0.1:0")
    times, memory = [], []
    try:
        for _ in range(RUNS):
            began = time.perf_counter()
            flags = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--set", f"aws.endpoint_url=http://{endpoint}", "--set", "aws.region=us-east-1"]
            server, address = start(measured, "serve", *flags)
            serving(address)
            times.append((time.perf_counter() - began) * 1000)
            memory.append(resident(server.pid))
            server.terminate()
            server.wait()
    finally:
        sandbox.terminate()
    print(f"cold start to SERVING: median {statistics.median(times):.0f} ms, worst of {RUNS} {max(times):.0f} ms")
    print(f"resident when idle: {statistics.median(memory):.1f} MB")
    print(f"binary: {os.path.getsize(measured) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:3])
