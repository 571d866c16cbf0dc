"""What delivery and acceptance tests share: where the repository is, and the program under test."""

import os
from pathlib import Path

import pytest

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
