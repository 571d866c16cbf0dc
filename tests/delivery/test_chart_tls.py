"""TLS at the gRPC port, by a Secret that is there or by cert-manager, and the authorities of clients."""

import subprocess

import helm_python as helm
import pytest
from chart_values import EVERYTHING, OPEN, RECORD, SHARED
from rendered import by_kind, open_to_all, pod, settings

ISSUED = {"certManager": {"enabled": True, "issuerRef": {"name": "internal", "kind": "ClusterIssuer"}, "dnsNames": ["s.example.com"]}}


@pytest.mark.parametrize(("tls", "secret"), [({"secretName": "mine"}, "mine"), (ISSUED, "prod-strongroom-tls")])
def test_the_certificate_is_in_the_pod_and_the_probes_go_to_the_admin_port(chart, tls, secret):
    objects = by_kind(chart, open_to_all({"tls": tls}))
    spec = pod(objects)
    container = spec["containers"][0]
    assert {"name": "tls", "secret": {"secretName": secret}} in spec["volumes"]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "tls"]
    # Not a file of it: what is renewed in a Secret does not reach a mount of a single one.
    assert "subPath" not in mount and mount["readOnly"] is True
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
    # What the port speaks is no plain text.
    assert objects["Service"][0]["spec"]["ports"][0]["appProtocol"] == "https"


def test_without_tls_the_probes_ask_grpc_and_the_service_says_that_it_is_plain_text(chart):
    objects = by_kind(chart, OPEN)
    assert pod(objects)["containers"][0]["livenessProbe"]["grpc"] == {"port": 50051}
    assert objects["Service"][0]["spec"]["ports"][0]["appProtocol"] == "kubernetes.io/h2c"


def test_cert_manager_is_asked_for_the_names_of_the_service(chart):
    (certificate,) = by_kind(chart, open_to_all({"tls": ISSUED}))["Certificate"]
    spec = certificate["spec"]
    assert spec["issuerRef"] == ISSUED["certManager"]["issuerRef"]
    assert {"prod-strongroom.backup.svc", "s.example.com"} < set(spec["dnsNames"])
    assert "Certificate" not in by_kind(chart, open_to_all({"tls": {"secretName": "mine"}}))


@pytest.mark.parametrize(("source", "volume"), [("secretName", "secret"), ("configMapName", "configMap")])
def test_the_authorities_of_clients_are_in_the_pod(chart, source, volume):
    tls = {"secretName": "mine", "clientCa": {source: "clients", "key": "ca.pem"}, "clientCertificate": "required"}
    # Callers are known by their certificates: nothing else has to be said.
    spec = pod(by_kind(chart, {"tls": tls}))
    said = settings(spec["containers"][0])
    assert said["server.tls.client_ca_file"] == "/etc/strongroom-client-ca/ca.pem"
    assert said["server.tls.client_certificate"] == "required"
    (found,) = [found for found in spec["volumes"] if found["name"] == "client-ca"]
    assert found[volume]["items"] == [{"key": "ca.pem", "path": "ca.pem"}]


def test_helm_test_shows_what_callers_are_asked_for_and_is_not_there_where_it_could_not(chart, binary, tmp_path):
    spec = by_kind(chart, EVERYTHING)["Pod"][0]["spec"]
    (container,) = spec["containers"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    (token,) = volumes["token"]["projected"]["sources"]
    assert token["serviceAccountToken"]["audience"] == "strongroom"
    assert volumes["certificate"]["secret"]["secretName"] == "caller"
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    # The program takes the command, and looks for the files where they are mounted.
    called = subprocess.run([binary, *container["args"]], capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin"})
    assert called.returncode == 2 and "/etc/strongroom-tls/ca.crt" in called.stderr, called.stderr
    known = {"tls": RECORD["tls"]}
    assert "Pod" not in by_kind(chart, known)
    assert "Pod" in by_kind(chart, known | {"tests": {"certificateSecret": "caller"}})
    assert "Pod" not in by_kind(chart, known | {"tests": {"tokenAudience": "strongroom"}})
    optional = {"tls": RECORD["tls"] | {"clientCertificate": "optional"}}
    assert "Pod" in by_kind(chart, open_to_all(optional))


@pytest.mark.parametrize(
    ("values", "told", "not_told"),
    [
        (OPEN, ["whoever reaches the port may call", "http://prod-strongroom.backup.svc:50051", "helm test prod"], ["TLS"]),
        (OPEN | {"service": {"type": "LoadBalancer"}}, ["A LoadBalancer may be reachable from anywhere."], []),
        (
            EVERYTHING,
            ["--token-command", "https://localhost:50051", "deployment/prod-strongroom", "helm test prod"],
            ["whoever reaches", "plain text", "http://prod", "access.policies"],
        ),
        (RECORD, ["statefulset/prod-strongroom", "There is no helm test", "--key-file"], ["whoever reaches", "--token-command"]),
        (
            {"config": {"access": {"issuers": EVERYTHING["config"]["access"]["issuers"]}}},
            ["WARNING: tokens come to this port in plain text", "audit.persistence.enabled keeps one", "access.policies.configMapName"],
            ["whoever reaches"],
        ),
        (SHARED, ["whoever reaches the port may call"], ["audit.persistence.enabled"]),
    ],
)
def test_the_notes_say_how_it_is_called_and_what_is_open(chart, values, told, not_told):
    chart.validate_schema(values)
    rendered = chart.render(values, name="prod", namespace="backup")
    (notes,) = [text for path, text in rendered.items() if path.endswith("NOTES.txt")]
    assert [words for words in told if words not in notes] == [], notes
    assert [words for words in not_told if words in notes] == [], notes
    assert "\n\n\n" not in notes and max(map(len, notes.splitlines())) <= 130, notes


REFUSED = {
    "two certificates": ({"secretName": "mine"} | ISSUED, "both say where"),
    "an issuer without a name": ({"certManager": {"enabled": True}}, "issuerRef.name"),
    "authorities without TLS": ({"clientCa": {"secretName": "clients"}}, "clientCa needs TLS"),
    "authorities twice": ({"secretName": "m", "clientCa": {"secretName": "a", "configMapName": "b"}}, "both name"),
}


@pytest.mark.parametrize(("tls", "told"), REFUSED.values(), ids=REFUSED)
def test_what_contradicts_itself_is_refused(chart, tls, told):
    with pytest.raises(helm.HelmRenderError, match=told):
        by_kind(chart, open_to_all({"tls": tls}))


def test_tls_without_the_admin_port_is_refused(chart):
    with pytest.raises(helm.HelmRenderError, match="config.admin.listen"):
        by_kind(chart, open_to_all({"tls": {"secretName": "m"}, "config": {"admin": {"listen": "off"}}}))


@pytest.mark.parametrize("tls", [{"secret": "x"}, {"clientCertificate": "off"}, {"certManager": {"issuer": "x"}}])
def test_slips_are_refused(chart, tls):
    with pytest.raises(helm.HelmValuesError, match="/tls"):
        chart.validate_schema(open_to_all({"tls": tls}))
