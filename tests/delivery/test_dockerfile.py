"""The Dockerfile, read by hadolint, and what its stages promise."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HADOLINT = Path(sys.executable).parent / "hadolint"


def test_hadolint_has_nothing_to_say(repository):
    found = subprocess.run(
        [HADOLINT, "--failure-threshold", "style", "Dockerfile"], cwd=repository, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.fixture
def stages(repository) -> dict[str, str]:
    """Each stage by its name, in their order."""
    _, *texts = re.split(r"(?m)^FROM ", (repository / "Dockerfile").read_text())
    return {re.match(r"\S+ AS (\S+)", text)[1]: text for text in texts}


def test_what_runs_is_not_root_and_stops_on_sigterm(stages):
    assert re.search(r"(?m)^USER 65532:65532$", stages["runtime"])
    assert re.search(r"(?m)^STOPSIGNAL SIGTERM$", stages["runtime"])
    # The exec form: a shell as PID 1 would swallow the signal, and there is none.
    assert re.search(r'(?m)^ENTRYPOINT \["/usr/local/bin/strongroom"\]$', stages["runtime"])
    of = {"prebuilt": "runtime", "final": "runtime", "runtime-sandbox": "runtime"}
    of |= {"prebuilt-sandbox": "runtime-sandbox", "sandbox": "runtime-sandbox"}
    for name, parent in of.items():
        assert stages[name].startswith(f"{parent} AS"), f"{name} is not made from {parent}"
        assert "USER" not in stages[name] and "ENTRYPOINT" not in stages[name]


def test_the_image_that_is_built_when_none_is_named_cannot_pretend_to_be_aws(stages):
    assert list(stages)[-1] == "final" and "COPY --from=build " in stages["final"]
    assert compiled(stages["build"]) == "--release --locked --no-default-features --bin strongroom"


def test_the_sandbox_is_in_the_image_that_says_so(stages):
    assert "COPY --from=build-sandbox " in stages["sandbox"]
    assert compiled(stages["build-sandbox"]) == "--release --locked --bin strongroom"
    assert 'io.strongroom.sandbox="true"' in stages["runtime-sandbox"]


def test_ci_compiles_the_image_as_the_dockerfile_does(stages, repository):
    section = re.search(r"(?ms)^section_image\(\).*?^}", (repository / ".ci/run").read_text()).group()
    # But for the profile: IMAGE_PROFILE=release is the Dockerfile's.
    assert "--release " + compiled(section).removesuffix(" --profile") == compiled(stages["build"])


def compiled(text: str) -> str:
    """How the first `cargo build` is called."""
    return re.search(r"cargo build ([-\w ]+[-\w])", text)[1]


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
