"""Tokens of an OpenID provider that others wrote (npm: oidc-provider), by its own endpoints: the server finds its keys itself."""

import base64
import json
import time
import urllib.parse
import urllib.request
from pathlib import Path

import grpc
import pytest
from grpc_client import Failure
from processes import PATIENCE, Process, Server, free_address

PROVIDER = Path(__file__).parent / "oidc_provider.mjs"
INSTALLED = Path(__file__).parents[2] / "target/ci-tools/oidc-provider/installed"


class Provider:
    """The provider, which keeps its address and its keys when it is begun anew."""

    def __init__(self, folder: Path):
        if not INSTALLED.is_file():
            pytest.fail(f"{INSTALLED} is missing: .ci/run acceptance installs it")
        self.folder, self.address = folder, free_address()
        self.url = f"http://{self.address}"
        self.process = None

    def begin(self, *keys: str) -> None:
        """With these keys, of which the first one signs."""
        self.end()
        port = self.address.rsplit(":", 1)[1]
        self.process = Process(self.folder / "provider.log", "node", PROVIDER, port, self.folder, *keys)
        self.process.wait_until(self._answers)

    def end(self) -> None:
        if self.process:
            self.process.kill()
            self.process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/.well-known/openid-configuration", timeout=PATIENCE):
                return True
        except OSError:
            return False

    def token(self, client: str = "portal", service: str = "strongroom") -> str:
        """By the client credentials grant, of the endpoint that its discovery names."""
        with urllib.request.urlopen(f"{self.url}/.well-known/openid-configuration", timeout=PATIENCE) as answer:
            endpoint = json.load(answer)["token_endpoint"]
        form = {"grant_type": "client_credentials", "resource": f"urn:service:{service}"}
        basic = base64.b64encode(f"{client}:secret-of-{client}".encode()).decode()
        request = urllib.request.Request(endpoint, urllib.parse.urlencode(form).encode())
        request.add_header("Authorization", f"Basic {basic}")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["access_token"]


def header(token: str) -> dict:
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture
def provider(tmp_path):
    provider = Provider(tmp_path)
    provider.begin("one")
    yield provider
    provider.end()


@pytest.fixture
def who(binary, sandbox, provider, generated, tmp_path):
    """Asks the server who it is that brings a token: what it answers, or the Failure."""
    from strongroom.v1 import access_service_pb2, access_service_pb2_grpc

    corp = {"issuer": provider.url, "audiences": "strongroom", "groups_claim": "groups"}
    keys = [f"access.issuers.corp.{key}={value}" for key, value in corp.items()]
    settings = ["access.clock_skew=0s", "access.require=token", *keys]
    flags = [part for setting in settings for part in ("--set", setting)]
    server = Server(binary, tmp_path / "log", "--endpoint-url", sandbox.url, *flags)

    def ask(token: str | None):
        metadata = [("authorization", f"Bearer {token}")] if token else []
        try:
            return access.WhoAmI(access_service_pb2.WhoAmIRequest(), metadata=metadata, timeout=PATIENCE)
        except grpc.RpcError as error:
            raise Failure(error) from None

    with grpc.insecure_channel(server.address) as channel:
        access = access_service_pb2_grpc.AccessServiceStub(channel)
        yield ask
    assert server.stop() == 0


def refusal(who, token: str | None) -> tuple[str, str, str]:
    with pytest.raises(Failure) as refused:
        who(token)
    return refused.value.code.name, refused.value.reason, refused.value.message


def test_a_token_of_the_provider_says_who_calls_in_which_groups_and_until_when(provider, who):
    token = provider.token()
    assert header(token)["typ"] == "at+jwt"
    answer = who(token)
    assert (answer.principal.name, answer.principal.issuer) == ("corp:portal", provider.url)
    assert list(answer.principal.groups) == ["corp:auditors", "corp:operators"]
    assert answer.expire_time.seconds > time.time()
    assert refusal(who, None)[:2] == ("UNAUTHENTICATED", "CREDENTIALS_MISSING")


def test_a_token_for_another_service_is_refused(provider, who):
    code, reason, message = refusal(who, provider.token(service="billing"))
    assert (code, reason) == ("UNAUTHENTICATED", "CREDENTIALS_REFUSED") and "audience" in message


def test_a_token_is_taken_until_it_ends(provider, who):
    token = provider.token("brief")
    ends = who(token).expire_time.seconds
    while True:
        try:
            who(token)
        except Failure as refused:
            assert refused.reason == "CREDENTIALS_REFUSED" and "expired" in refused.message
            break
        time.sleep(0.1)
    assert time.time() >= ends


def test_the_provider_exchanges_its_keys_while_the_server_runs(provider, who):
    old = provider.token()
    who(old)
    # First the new one signs and the old one is still published; then the old one is gone.
    provider.begin("two", "one")
    new = provider.token()
    assert (header(old)["kid"], header(new)["kid"]) == ("one", "two")
    who(new)
    who(old)


def test_a_provider_that_is_down_is_no_denial_and_whom_the_server_knows_it_goes_on_to_know(provider, who):
    known = provider.token()
    who(known)
    another = provider.token()
    provider.begin("two")
    unknown = provider.token()
    provider.end()
    assert refusal(who, unknown)[:2] == ("UNAVAILABLE", "ISSUER_UNAVAILABLE")
    assert who(known).principal.name == "corp:portal"
    # One that was not seen before, signed by a key that was.
    assert another != known and who(another).principal.name == "corp:portal"
    forged = f"{another[:-8]}AAAAAAAA"
    assert refusal(who, forged)[:2] == ("UNAUTHENTICATED", "CREDENTIALS_REFUSED")


def test_a_server_that_starts_while_the_provider_is_down_serves_when_it_is_back(provider, request):
    token = provider.token()
    provider.end()
    who = request.getfixturevalue("who")
    assert refusal(who, token)[:2] == ("UNAVAILABLE", "ISSUER_UNAVAILABLE")
    provider.begin("one")
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            assert who(token).principal.name == "corp:portal"
            return
        except Failure as refused:
            assert refused.reason == "ISSUER_UNAVAILABLE" and time.monotonic() < deadline
            time.sleep(0.1)
