"""The image as it is shipped, in containers that have what the chart gives a pod.

`.ci/run image` builds the programs first, and gives the tests a network of their own: each container listens on the ports
that the image names, and nothing of it is reached from elsewhere.
"""

import os
from pathlib import Path

import pytest
from containers import Container
from engine import Engine, built, runtime_image
from pods import KEYS, Pod
from processes import REGION

figures: list[str] = []


def pytest_terminal_summary(terminalreporter):
    if figures:
        terminalreporter.section("figures of the image")
        for figure in figures:
            terminalreporter.write_line(figure)


@pytest.fixture(scope="session")
def tell():
    """`tell("text")`: a line among the figures at the end."""
    return figures.append


@pytest.fixture(scope="session")
def engine(repository):
    if os.geteuid() != 0:
        pytest.fail("root is needed for a container whose memory is limited: `.ci/run image`, as root")
    packages = sorted((repository / "target/ci-tools/distroless").glob("*.deb"))
    if not packages:
        pytest.fail("target/ci-tools/distroless is empty: `.ci/run image` puts Debian's packages there")
    engine = Engine(repository / "target/image-engine")
    engine.import_distroless(packages, runtime_image(repository / "Dockerfile"))
    yield engine
    engine.forget()


@pytest.fixture(scope="session")
def base(engine, repository) -> str:
    return runtime_image(repository / "Dockerfile")


def build(engine: Engine, repository: Path, target: str, program: str) -> str:
    if not (repository / program).is_file():
        pytest.fail(f"{program} is missing: `.ci/run image` puts it there")
    return engine.build(repository, target, **built(repository))


@pytest.fixture(scope="session")
def image(engine, repository) -> str:
    """The image that runs in production."""
    return build(engine, repository, "prebuilt", "dist/strongroom")


@pytest.fixture(scope="session")
def sandbox_image(engine, repository) -> str:
    """The image for development clusters."""
    return build(engine, repository, "prebuilt-sandbox", "dist/strongroom-sandbox")


@pytest.fixture
def pod(repository, sandbox) -> Pod:
    """What the chart makes of little more than its defaults, its AWS being the sandbox."""
    config = {"aws": {"endpoint_url": sandbox.url, "region": REGION}, "access": {"allow_anonymous": True}}
    return Pod(repository / "helm/strongroom", {"config": config, "extraEnv": KEYS})


@pytest.fixture
def start(engine, tmp_path):
    """`start(image, flags, arguments)`: a container, and its end after the test."""
    started = []

    def start(image: str, flags: list[str], arguments: list[str] = ()) -> Container:
        container = Container(engine, image, flags, list(arguments), tmp_path / f"log-{len(started)}")
        started.append(container)
        return container

    yield start
    for container in started:
        container.remove()


@pytest.fixture
def server(start, image, pod, tmp_path):
    """The image, run as the chart runs it."""
    container = start(image, pod.flags(tmp_path), pod.arguments)
    container.wait_until_it_serves(f"127.0.0.1:{pod.port('grpc')}")
    return container
