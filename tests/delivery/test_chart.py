"""The chart, by Helm's own engine: what it renders, what it refuses, and that Kubernetes and Strongroom accept it."""

import copy
import functools
import re
import subprocess
import tomllib

import helm_python as helm
import kubernetes_validate
import pytest
from chart_values import BARE, EVERYTHING, OPEN, RECORD, SANDBOX, VALUES
from custom_resources import CUSTOM
from rendered import by_kind, open_to_all, pod, workload

# The oldest that the chart's kubeVersion admits, and the newest that the checker knows.
KUBERNETES = ["1.30", "1.37"]


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_helm_lint_has_nothing_to_say(repository, values):
    report = helm.lint(repository / "helm/strongroom", values, strict=True, kube_version="v1.37.0")
    assert report["errors"] == []
    worse_than_information = [message for message in report["messages"] if message["severity"] > 1]
    assert worse_than_information == []


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_kubernetes_accepts_every_object(chart, values, version):
    objects = [found for same in by_kind(chart, values).values() for found in same]
    assert len(objects) >= 3
    for found in objects:
        # Those that Kubernetes itself does not have: test_custom_resources.py.
        if found["kind"] not in CUSTOM:
            kubernetes_validate.validate(found, version, strict=True)


def test_the_checker_refuses_what_kubernetes_does_not_know(chart):
    deployment = by_kind(chart, OPEN)["Deployment"][0]
    deployment["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["grpcs"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, KUBERNETES[0], strict=True)


def test_the_objects_are_those_that_were_asked_for(chart):
    always = {"ConfigMap", "Deployment", "Pod", "Service"}
    assert set(by_kind(chart, OPEN)) == always | {"NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"}
    assert set(by_kind(chart, BARE)) == always
    more = set(by_kind(chart, EVERYTHING)) - set(by_kind(chart, OPEN))
    assert more == {"Certificate", "HorizontalPodAutoscaler", "GRPCRoute", "PrometheusRule", "ServiceMonitor"}
    # The autoscaler owns the number of pods: a chart that says it too would undo its work at every upgrade.
    assert "replicas" not in by_kind(chart, EVERYTHING)["Deployment"][0]["spec"]
    with_a_record = by_kind(chart, RECORD)
    assert "replicas" not in with_a_record["StatefulSet"][0]["spec"] and "Deployment" not in with_a_record
    for values in (EVERYTHING, RECORD):
        objects = by_kind(chart, values)
        scaled, kept = objects["HorizontalPodAutoscaler"][0]["spec"]["scaleTargetRef"], workload(objects)
        assert (scaled["kind"], scaled["name"]) == (kept["kind"], kept["metadata"]["name"])


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_pod_has_no_more_rights_than_it_needs(chart, values):
    objects = by_kind(chart, values)
    for spec in (pod(objects), *(tester["spec"] for tester in objects.get("Pod", []))):
        container = spec["containers"][0]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_port_probes_and_service_follow_the_address_listened_on(chart, values):
    objects = by_kind(chart, values)
    container = pod(objects)["containers"][0]
    listen = tomllib.loads(objects["ConfigMap"][0]["data"]["strongroom.toml"])["server"]["listen"]
    host, port = listen.rsplit(":", 1)
    assert host in ("0.0.0.0", "[::]"), "nobody outside the pod would reach it"
    assert container["ports"][0]["containerPort"] == int(port)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if values.get("tls"):
            # Kubernetes speaks no TLS to gRPC: test_chart_tls.py.
            assert container[probe]["httpGet"]["port"] == "metrics"
        else:
            assert container[probe]["grpc"]["port"] == int(port)
    assert objects["Service"][0]["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_kubernetes_waits_longer_than_the_program_does(chart, values):
    objects = by_kind(chart, values)
    spec = pod(objects)
    grace = tomllib.loads(objects["ConfigMap"][0]["data"]["strongroom.toml"])["shutdown"]["grace"]
    pause = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert spec["terminationGracePeriodSeconds"] == int(grace.removesuffix("s")) + pause + 5


def test_every_key_of_the_configuration_arrives_as_it_was_given(chart):
    rendered = tomllib.loads(by_kind(chart, EVERYTHING)["ConfigMap"][0]["data"]["strongroom.toml"])
    assert rendered == EVERYTHING["config"]
    in_a_sandbox = tomllib.loads(by_kind(chart, SANDBOX)["ConfigMap"][0]["data"]["strongroom.toml"])
    assert in_a_sandbox["sandbox"] == SANDBOX["config"]["sandbox"]


def test_a_change_of_the_configuration_rolls_the_pods(chart):
    def checksum(values):
        template = by_kind(chart, open_to_all(values))["Deployment"][0]["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert checksum({}) == checksum({"replicaCount": 5})
    assert checksum({}) != checksum({"config": {"log": {"level": "debug"}}})


def test_the_role_of_irsa_stands_on_the_service_account(chart):
    account = by_kind(chart, EVERYTHING)["ServiceAccount"][0]
    assert account["metadata"]["annotations"] == EVERYTHING["commonAnnotations"] | {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/strongroom",
        "example.com/owner": "platform",
    }
    assert pod(by_kind(chart, BARE))["serviceAccountName"] == "existing"


FOREIGN = {
    *("topologyKey", "whenUnsatisfiable", "requests", "limits", "cpu", "memory"),
    *("fsGroup", "fsGroupChangePolicy", "runAsNonRoot", "runAsUser", "runAsGroup", "type", "allowPrivilegeEscalation", "privileged", "drop"),
    *("readOnlyRootFilesystem", "grafana_dashboard"),
}


def test_every_value_is_explained(repository):
    """A key of values.yaml has a comment above it or above its block."""
    lines = (repository / "helm/strongroom/values.yaml").read_text().splitlines()
    bare = []
    for number, line in enumerate(lines):
        key = line.strip().split(":")[0]
        explained = number > 0 and lines[number - 1].strip().startswith("#")
        opens_block = line.rstrip().endswith(":")
        item = line.strip().startswith(("-", "#")) or not line.strip()
        # Lines under `- ` and Kubernetes' own shapes belong to the comment above them.
        foreign = key in FOREIGN
        if not (explained or opens_block or item or foreign):
            bare.append(line)
    assert bare == []


def test_the_schema_knows_every_value_and_no_more(chart):
    """Walks values.yaml beside the schema; an open object is only one that Kubernetes or the user defines."""

    def walk(schema, path, open_objects):
        if "$ref" in schema:
            schema = functools.reduce(dict.__getitem__, schema["$ref"].split("/")[1:], chart.schema)
        if schema.get("type") == "object" and schema.get("additionalProperties", True) is True:
            open_objects.append(path)
        for key, inner in schema.get("properties", {}).items():
            walk(inner, f"{path}.{key}", open_objects)
        return open_objects

    assert walk(chart.schema, "", []) == [".global", ".affinity"]


def test_the_chart_knows_every_key_of_the_configuration(chart, repository):
    documented = re.findall(r"^\| `(\w+\.\w+)` \|", (repository / "docs/configuration.md").read_text(), re.MULTILINE)
    sections = chart.schema["properties"]["config"]["properties"]
    known = {f"{section}.{key}" for section, schema in sections.items() for key in schema["properties"]}
    # Tables with names of the user's, which the program reads into.
    known -= {"access.issuers"}
    # A pod has no profile files.
    elsewhere = {"aws.profile"}
    assert len(documented) > 20
    assert known == set(documented) - elsewhere


def test_the_chart_knows_every_key_of_an_issuer_and_of_tls(chart, repository):
    page = (repository / "docs/configuration.md").read_text()
    issuers = chart.schema["properties"]["config"]["properties"]["access"]["properties"]["issuers"]
    assert set(re.findall(r"^\| `access\.issuers\.NAME\.(\w+)` \|", page, re.MULTILINE)) == set(
        issuers["additionalProperties"]["properties"]
    )
    # Those of TLS are made of where the certificates are.
    documented = set(re.findall(r"^\| `(server\.tls\.\w+)` \|", page, re.MULTILINE))
    assert documented == {word.split("=")[0] for word in pod(by_kind(chart, EVERYTHING))["containers"][0]["args"] if ".tls." in word}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_strongroom_accepts_the_rendered_configuration(chart, values, binary, repository, tmp_path):
    values = copy.deepcopy(values)
    if "aws" in values.get("config", {}):
        # Not a role name that AWS would take; it is there to test the quoting.
        values["config"]["aws"]["assume_role"] = "arn:aws:iam::{account}:role/Strongroom"
    objects = by_kind(chart, values)
    file = tmp_path / "strongroom.toml"
    file.write_text(objects["ConfigMap"][0]["data"]["strongroom.toml"])
    # check-config takes the flags of serve, but for the sandbox: what is in the file counts all the same.
    arguments = pod(objects)["containers"][0]["args"][1:]
    # What stands in files that are looked at: the ConfigMaps.
    there = {
        "/etc/strongroom/strongroom.toml": str(file),
        "access.policies=/etc/strongroom-policies": f"access.policies={repository / 'docs/samples/policies/teams'}",
    }
    arguments = [there.get(word, word) for word in arguments if word != "--sandbox"]
    checked = subprocess.run(
        [binary, "check-config", *arguments], capture_output=True, text=True, timeout=30, env={"PATH": "/usr/bin"}
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
