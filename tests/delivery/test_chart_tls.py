"""TLS at the gRPC port, by a Secret that is there or by cert-manager, and the authorities of clients."""

import helm_python as helm
import pytest
from rendered import by_kind, pod

ISSUED = {"certManager": {"enabled": True, "issuerRef": {"name": "internal", "kind": "ClusterIssuer"}, "dnsNames": ["s.example.com"]}}


def settings(container: dict) -> dict:
    """What the arguments set."""
    words = container["args"]
    return dict(after.split("=", 1) for word, after in zip(words, words[1:], strict=False) if word == "--set")


@pytest.mark.parametrize(("tls", "secret"), [({"secretName": "mine"}, "mine"), (ISSUED, "prod-strongroom-tls")])
def test_the_certificate_is_in_the_pod_and_the_probes_go_to_the_admin_port(chart, tls, secret):
    objects = by_kind(chart, {"tls": tls})
    spec = pod(objects)
    container = spec["containers"][0]
    assert {"name": "tls", "secret": {"secretName": secret}} in spec["volumes"]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "tls"]
    assert settings(container) == {
        "server.tls.certificate_file": f"{mount['mountPath']}/tls.crt",
        "server.tls.key_file": f"{mount['mountPath']}/tls.key",
    }
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"
    }
    assert {probe["port"] for probe in probes.values()} == {"metrics"}
    tester = objects["Pod"][0]["spec"]
    assert "https://prod-strongroom.backup.svc:50051" in tester["containers"][0]["args"]
    assert tester["volumes"][0]["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}], "and not the private key"


def test_cert_manager_is_asked_for_the_names_of_the_service(chart):
    (certificate,) = by_kind(chart, {"tls": ISSUED})["Certificate"]
    spec = certificate["spec"]
    assert spec["issuerRef"] == ISSUED["certManager"]["issuerRef"]
    assert {"prod-strongroom.backup.svc", "s.example.com"} < set(spec["dnsNames"])
    assert "Certificate" not in by_kind(chart, {"tls": {"secretName": "mine"}})


@pytest.mark.parametrize(("source", "volume"), [("secretName", "secret"), ("configMapName", "configMap")])
def test_the_authorities_of_clients_are_in_the_pod(chart, source, volume):
    tls = {"secretName": "mine", "clientCa": {source: "clients", "key": "ca.pem"}, "clientCertificate": "required"}
    spec = pod(by_kind(chart, {"tls": tls}))
    said = settings(spec["containers"][0])
    assert said["server.tls.client_ca_file"] == "/etc/strongroom-client-ca/ca.pem"
    assert said["server.tls.client_certificate"] == "required"
    (found,) = [found for found in spec["volumes"] if found["name"] == "client-ca"]
    assert found[volume]["items"] == [{"key": "ca.pem", "path": "ca.pem"}]


REFUSED = {
    "two certificates": ({"secretName": "mine"} | ISSUED, "both say where"),
    "an issuer without a name": ({"certManager": {"enabled": True}}, "issuerRef.name"),
    "authorities without TLS": ({"clientCa": {"secretName": "clients"}}, "clientCa needs TLS"),
    "authorities twice": ({"secretName": "m", "clientCa": {"secretName": "a", "configMapName": "b"}}, "both name"),
}


@pytest.mark.parametrize(("tls", "told"), REFUSED.values(), ids=REFUSED)
def test_what_contradicts_itself_is_refused(chart, tls, told):
    with pytest.raises(helm.HelmRenderError, match=told):
        by_kind(chart, {"tls": tls})


def test_tls_without_the_admin_port_is_refused(chart):
    with pytest.raises(helm.HelmRenderError, match="config.admin.listen"):
        by_kind(chart, {"tls": {"secretName": "m"}, "config": {"admin": {"listen": "off"}}})


@pytest.mark.parametrize("tls", [{"secret": "x"}, {"clientCertificate": "off"}, {"certManager": {"issuer": "x"}}])
def test_slips_are_refused(chart, tls):
    with pytest.raises(helm.HelmValuesError):
        chart.validate_schema({"tls": tls})
