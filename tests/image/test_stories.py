"""The story of tests/acceptance, told to containers."""

import pytest
from aws_clients import Aws
from containers import AWS, GRPC
from grpc_client import Client
from processes import START, Sandbox
from test_story import test_the_whole_story  # noqa: F401 (run here, in the worlds below)


class SandboxOfContainer(Sandbox):
    """The sandbox that an image has inside."""

    def __init__(self):
        self.address, self.url = AWS, f"http://{AWS}"


@pytest.fixture
def before_another_aws(server, sandbox):
    return server.address, sandbox


@pytest.fixture
def with_its_own_aws(start, engine, sandbox_image, pod, tmp_path):
    """The default command of the image, with the clock in our hand."""
    command = engine.inspect(sandbox_image)["Config"]["Cmd"]
    rights = [*pod.rights(), "--memory", str(pod.memory)]
    container = start(sandbox_image, rights, [*command, "--clock", "manual", "--start", START])
    container.wait_until_it_serves(GRPC)
    return container.address, SandboxOfContainer()


@pytest.fixture(params=["before_another_aws", "with_its_own_aws"])
def world(request):
    address, sandbox = request.getfixturevalue(request.param)
    client = Client(address)
    yield client, sandbox, Aws(sandbox.url)
    client.close()
