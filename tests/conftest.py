"""What the tests in Python share: where the repository is, the program under test, and an AWS in memory."""

import os
import shutil
from pathlib import Path

import pytest
from processes import Sandbox

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def binary() -> Path:
    """The program: $STRONGROOM_BIN, else the development build."""
    path = Path(os.environ.get("STRONGROOM_BIN", REPOSITORY / "target/debug/strongroom")).resolve()
    if not path.is_file():
        pytest.fail(f"{path} is missing: `cargo build`, or set STRONGROOM_BIN")
    return path


@pytest.fixture(scope="session")
def prometheus(repository) -> Path:
    """The folder of Prometheus' own programs: prometheus and promtool."""
    unpacked = repository / "target/ci-tools/prometheus/usr/bin"
    if (unpacked / "promtool").is_file():
        return unpacked
    if installed := shutil.which("promtool"):
        return Path(installed).parent
    pytest.fail("promtool is missing: `.ci/run delivery` unpacks it, or install Debian's package prometheus")


@pytest.fixture(scope="session")
def one_sandbox(binary, tmp_path_factory):
    sandbox = Sandbox(binary, tmp_path_factory.mktemp("sandbox") / "log")
    yield sandbox
    assert sandbox.process.stop() == 0


@pytest.fixture
def sandbox(one_sandbox):
    """The sandbox with its starting world, its clock standing at START."""
    one_sandbox.reset()
    return one_sandbox
