"""TLS as OpenSSL and Python's gRPC see it: versions, protocols, the chain, and who is let in."""

import subprocess

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from processes import PATIENCE, Process, free_address

SERVER = "subjectAltName=DNS:localhost,IP:127.0.0.1"
CLIENT = "subjectAltName=URI:spiffe://example/ns/a/sa/portal"


def openssl(*arguments, said=b""):
    run = subprocess.run(["openssl", *map(str, arguments)], input=said, capture_output=True, timeout=PATIENCE)
    return run.returncode, (run.stdout + run.stderr).decode(errors="replace")


def signed(folder, name, authority, extension):
    """A key and a certificate; without an authority it is one itself."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    by = ("-CA", folder / f"{authority}.pem", "-CAkey", folder / f"{authority}.key") if authority else ()
    more = ("-addext", "basicConstraints=critical,CA:false", "-addext", extension) if authority else ()
    code, said = openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"),
        *("-subj", f"/CN={name}", "-keyout", key, "-out", certificate, *by, *more),
    )
    assert code == 0, said


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
        signed(folder, name, authority, extension)
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


def test_who_knows_no_protocol_of_the_port_is_refused(served):
    code, said = looks(served, "-alpn", "spdy/1")
    assert code != 0 and "no application protocol" in said, said


def check(served, name):
    address, folder = served
    roots = (folder / "authority.pem").read_bytes()
    shows = [(folder / f"{name}.{kind}").read_bytes() for kind in ("key", "pem")] if name else [None, None]
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(roots, *shows)) as channel:
        return health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE).status


def test_a_client_with_a_certificate_is_served(served):
    assert check(served, "portal") == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("name", [None, "stranger"])
def test_without_a_certificate_of_the_authority_nobody_comes_in(served, name):
    with pytest.raises(grpc.RpcError) as refused:
        check(served, name)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
