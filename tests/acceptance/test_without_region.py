"""A server that nobody gave a region."""

import pytest
from grpc_client import Client, Failure
from processes import Process, Server, clean_machine, serves


class Regionless(Server):
    """With keys, and no region of its own."""

    def start(self) -> None:
        keys = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
        command = (self.binary, "serve", "--listen", self.address, *self.flags)
        self.process = Process(self.log, *command, variables=clean_machine() | keys)
        self.process.wait_until(lambda: serves(self.address))


def test_a_server_without_a_region_says_what_is_missing_and_not_that_the_caller_may_not(binary, sandbox, tmp_path):
    server = Regionless(binary, tmp_path / "log", "--endpoint-url", sandbox.url)
    client = Client(server.address)
    try:
        with pytest.raises(Failure) as refused:
            client.call("VaultService/ListVaults")
        assert (refused.value.code.name, refused.value.reason) == ("FAILED_PRECONDITION", "REGION_NOT_SET")
        assert "aws_operation" not in refused.value.info.metadata, "nobody asked AWS"
        assert client.call("VaultService/ListVaults", scope={"region": "eu-west-1"})["vaults"] == []
    finally:
        client.close()
        assert server.process.stop() == 0
