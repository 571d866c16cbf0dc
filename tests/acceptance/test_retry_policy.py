"""The published retry policy, as it stands, in gRPC's own libraries: the programs of docs/clients.md."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from processes import Server

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs/clients.md"
MODULES = REPOSITORY / "target/ci-tools/grpc-js/node_modules"
QUOTA = {"error": {"status": 400, "code": "LimitExceededException", "message": "Too many vaults"}}


@pytest.fixture
def hasty(binary, sandbox, tmp_path):
    """A server that itself asks AWS once, so that each fault is one answer to the client."""
    server = Server(binary, tmp_path / "log", "--endpoint-url", sandbox.url, "--set", "aws.max_attempts=1")
    yield server
    assert server.process.stop() == 0


def program(language: str, server: Server) -> str:
    code = re.search(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1]
    return code.replace("127.0.0.1:50051", server.address)


def python(server: Server) -> list[str]:
    return [sys.executable, "-c", program("python", server)]


def node(server: Server) -> list[str]:
    if not MODULES.is_dir():
        pytest.fail(f"{MODULES} is missing: .ci/run acceptance installs it")
    return ["node", "-e", program("js", server)]


def run(command: list[str]) -> subprocess.CompletedProcess:
    # What `generated` has put on Python's path, and where Node finds its packages.
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "NODE_PATH": str(MODULES)}
    return subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, timeout=120)


def vaults(sandbox) -> list[str]:
    regions = sandbox.state()["accounts"]["123456789012"]["regions"]
    return [vault["BackupVaultName"] for vault in regions["us-east-1"]["backup"]["vaults"]]


def asked(sandbox, operation: str) -> int:
    return sandbox.control("GET", "requests")["by_operation"].get(f"backup:{operation}", 0)


@pytest.mark.parametrize("language", [python, node], ids=lambda language: language.__name__)
@pytest.mark.parametrize("effect", ["throttle", "drop_after", "drop_before"])
def test_a_change_whose_first_attempts_fail_is_done_once(hasty, sandbox, generated, language, effect):
    sandbox.spoil(operation="CreateBackupVault", next=2, effect=effect)
    done = run(language(hasty))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(f":backup-vault:{language.__name__}")
    assert vaults(sandbox) == [language.__name__]
    assert asked(sandbox, "CreateBackupVault") == 3


@pytest.mark.parametrize("language", [python, node], ids=lambda language: language.__name__)
def test_a_quota_that_is_used_up_is_not_asked_for_again(hasty, sandbox, generated, language):
    sandbox.spoil(operation="CreateBackupVault", next=5, effect=QUOTA)
    done = run(language(hasty))
    assert done.returncode != 0 and "Too many vaults" in done.stderr, done.stderr
    assert asked(sandbox, "CreateBackupVault") == 1
