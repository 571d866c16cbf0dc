"""The Dockerfile, read by hadolint, and what its stages promise."""

import re
import subprocess
import sys
from pathlib import Path

HADOLINT = Path(sys.executable).parent / "hadolint"


def test_hadolint_has_nothing_to_say(repository):
    found = subprocess.run(
        [HADOLINT, "--failure-threshold", "style", "Dockerfile"], cwd=repository, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_what_runs_is_not_root_and_stops_on_sigterm(repository):
    stages = re.split(r"(?m)^FROM ", (repository / "Dockerfile").read_text())
    runtime = next(stage for stage in stages if re.search(r"AS runtime\b", stage.splitlines()[0]))
    assert re.search(r"(?m)^USER 65532:65532$", runtime)
    assert re.search(r"(?m)^STOPSIGNAL SIGTERM$", runtime)
    # The exec form: a shell as PID 1 would swallow the signal, and there is none.
    assert re.search(r'(?m)^ENTRYPOINT \["/usr/local/bin/strongroom"\]$', runtime)
    for name in ("prebuilt", "final"):
        stage = next(stage for stage in stages if re.search(rf"AS {name}\b", stage.splitlines()[0]))
        assert stage.startswith("runtime AS"), f"{name} is not made from runtime"
        assert "USER" not in stage and "ENTRYPOINT" not in stage


def test_the_image_cannot_pretend_to_be_aws(repository):
    build = re.search(r"cargo build [^\n]*", (repository / "Dockerfile").read_text()).group()
    assert "--no-default-features" in build and "--locked" in build and "--release" in build


def test_every_copied_path_is_let_into_the_context(repository):
    copied = re.findall(r"(?m)^COPY (?:--chmod=\S+ )?(?!--)(.+) \S+$", (repository / "Dockerfile").read_text())
    paths = [path for line in copied for path in line.split()]
    allowed = [line[1:] for line in (repository / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert paths, "no COPY found"
    for path in paths:
        assert any(entry == path or entry.startswith(f"{path}/") for entry in allowed), f".dockerignore hides {path}"


def test_the_compiler_is_the_one_of_the_toolchain_file(repository):
    toolchain = re.search(r'channel = "([\d.]+)"', (repository / "rust-toolchain.toml").read_text()).group(1)
    image = re.search(r"(?m)^ARG BUILD_IMAGE=rust:([\d.]+)-", (repository / "Dockerfile").read_text()).group(1)
    assert image == toolchain
