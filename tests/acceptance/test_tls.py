"""TLS as OpenSSL and Python's gRPC see it: versions, protocols, the chain, and who is let in."""

import grpc
import pytest
from certificates import CLIENT, SERVER, openssl, signed
from grpc_health.v1 import health_pb2, health_pb2_grpc
from processes import PATIENCE, Process, free_address


@pytest.fixture(scope="module")
def served(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    for name, authority, extension in (
        ("authority", None, None),
        ("foreign", None, None),
        ("server", "authority", SERVER),
        ("portal", "authority", CLIENT),
        ("stranger", "foreign", CLIENT),
    ):
        signed(folder, name, authority and folder / authority, extension)
    address, log = free_address(), folder / "log"
    files = {"certificate_file": "server.pem", "key_file": "server.key", "client_ca_file": "authority.pem"}
    keys = [part for key, file in files.items() for part in ("--set", f"server.tls.{key}={folder / file}")]
    process = Process(log, binary, "serve", "--sandbox", "--sandbox-listen", free_address(), "--listen", address, *keys)
    process.wait_until(lambda: "serving gRPC" in log.read_text())
    yield address, folder
    assert process.stop() == 0


def looks(served, *flags):
    address, folder = served
    shows = ("-cert", folder / "portal.pem", "-key", folder / "portal.key")
    trusts = ("-CAfile", folder / "authority.pem", "-verify_return_error")
    return openssl("s_client", "-connect", address, *trusts, *shows, *flags)


@pytest.mark.parametrize(("flag", "version"), [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_both_versions_are_spoken_and_http_2_is_agreed_on(served, flag, version):
    code, said = looks(served, flag, "-alpn", "h2")
    assert code == 0 and "Verify return code: 0 (ok)" in said, said
    assert f"New, {version}" in said and "ALPN protocol: h2" in said, said


def test_older_versions_are_refused(served):
    # At this level OpenSSL offers what it would not offer any more by itself.
    code, said = looks(served, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    assert code != 0 and "SSL alert number" in said and "Cipher is (NONE)" in said, said


def test_who_knows_no_protocol_of_the_port_is_refused(served):
    code, said = looks(served, "-alpn", "spdy/1")
    assert code != 0 and "no application protocol" in said, said


def channel(served, name):
    address, folder = served
    roots = (folder / "authority.pem").read_bytes()
    shows = [(folder / f"{name}.{kind}").read_bytes() for kind in ("key", "pem")] if name else [None, None]
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(roots, *shows))


def check(served, name):
    with channel(served, name) as open_:
        return health_pb2_grpc.HealthStub(open_).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE).status


def test_a_client_with_a_certificate_is_served_and_known_by_it(served, generated):
    from strongroom.v1 import access_service_pb2, access_service_pb2_grpc

    assert check(served, "portal") == health_pb2.HealthCheckResponse.SERVING
    with channel(served, "portal") as open_:
        access = access_service_pb2_grpc.AccessServiceStub(open_)
        answer = access.WhoAmI(access_service_pb2.WhoAmIRequest(), timeout=PATIENCE)
    assert answer.principal.name == CLIENT.partition("URI:")[2]
    _, said = openssl("x509", "-in", served[1] / "portal.pem", "-noout", "-enddate", "-dateopt", "iso_8601")
    assert answer.expire_time.ToJsonString() == said.strip().removeprefix("notAfter=").replace(" ", "T")


@pytest.mark.parametrize("name", [None, "stranger"])
def test_without_a_certificate_of_the_authority_nobody_comes_in(served, name):
    with pytest.raises(grpc.RpcError) as refused:
        check(served, name)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
