"""The story of tests/acceptance, told to containers."""

import pytest
from aws_clients import Aws
from grpc_client import Client
from pods import Pod
from processes import START, Sandbox
from test_story import test_the_whole_story  # noqa: F401 (run here, in the worlds below)


class SandboxOfContainer(Sandbox):
    """The sandbox that an image has inside."""

    def __init__(self, address: str):
        self.address, self.url = address, f"http://{address}"


@pytest.fixture
def before_another_aws(server, sandbox):
    return server.address, sandbox


@pytest.fixture
def with_its_own_aws(repository, start, sandbox_image, tmp_path):
    """As the chart runs it in a development cluster, with the clock in our hand."""
    clock = {"clock": "manual", "start": START}
    config = {"sandbox": clock, "access": {"allow_anonymous": True}}
    pod = Pod(repository / "helm/strongroom", {"sandbox": {"enabled": True}, "config": config})
    container = start(sandbox_image, pod.flags(tmp_path), pod.arguments)
    container.wait_until_it_serves(f"127.0.0.1:{pod.port('grpc')}")
    return container.address, SandboxOfContainer(f"127.0.0.1:{pod.port('sandbox')}")


@pytest.fixture(params=["before_another_aws", "with_its_own_aws"])
def world(request):
    address, sandbox = request.getfixturevalue(request.param)
    client = Client(address)
    yield client, sandbox, Aws(sandbox.url)
    client.close()
