import json
import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from aws_clients import Aws
from grpc_client import Client
from postgres import Database
from processes import Server, environment


@pytest.fixture
def aws(sandbox) -> Aws:
    return Aws(sandbox.url)


@pytest.fixture
def aws_cli(sandbox):
    """The AWS CLI; gives its parsed output, or its error text with `fails=True`."""
    program = Path(sys.executable).parent / "aws"

    def run(*arguments: str, fails: bool = False):
        done = subprocess.run(
            [program, "--endpoint-url", sandbox.url, "--output", "json", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            env=environment(),
        )
        if fails:
            assert done.returncode != 0, f"{arguments} succeeded: {done.stdout}"
            return done.stderr.strip()
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


@pytest.fixture(scope="session")
def one_server(binary, one_sandbox, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    audit = f"audit.path={folder / 'audit'}"
    server = Server(binary, folder / "log", "--endpoint-url", one_sandbox.url, "--set", audit)
    yield server
    assert server.process.stop() == 0


@pytest.fixture
def server(one_server, sandbox):
    """`strongroom serve` against the sandbox, which has its starting world."""
    return one_server


@pytest.fixture
def client(server):
    client = Client(server.address)
    yield client
    client.close()


@pytest.fixture(scope="session")
def generated(repository, tmp_path_factory):
    """Strongroom's own protos, generated; google/api comes with googleapis-common-protos, as it does to everybody."""
    folder = tmp_path_factory.mktemp("generated")
    protos = sorted(str(file) for file in (repository / "proto/strongroom").rglob("*.proto"))
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{repository / 'proto'}", f"--python_out={folder}"]
    subprocess.run([*protoc, f"--grpc_python_out={folder}", *protos], check=True)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture
def channel(generated, server):
    with grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
def limited(binary, tmp_path) -> Path:
    """The program, with 64 file descriptors."""
    path = tmp_path / "limited"
    path.write_text(f'#!/bin/sh\nulimit -n 64\nexec "{binary}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def database():
    """A database on the PostgreSQL that STRONGROOM_TEST_POSTGRES names. Without one the test is skipped, or fails where it must run."""
    url = os.environ.get("STRONGROOM_TEST_POSTGRES")
    if not url:
        assert not os.environ.get("STRONGROOM_TEST_POSTGRES_REQUIRED"), "STRONGROOM_TEST_POSTGRES is not set"
        pytest.skip("STRONGROOM_TEST_POSTGRES names no PostgreSQL")
    database = Database(url)
    yield database
    database.drop()
