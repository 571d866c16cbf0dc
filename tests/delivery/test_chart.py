"""The chart, by Helm's own engine: what it renders, what it refuses, and that Kubernetes and Strongroom accept it."""

import copy
import functools
import re
import subprocess
import tomllib

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

# The oldest that the chart's kubeVersion admits, and the newest that the checker knows.
KUBERNETES = ["1.30", "1.37"]

EVERYTHING = {
    "image": {"digest": "sha256:" + "ab" * 32},
    "imagePullSecrets": [{"name": "registry"}],
    "config": {
        "server": {
            "listen": "[::]:8443",
            "max_request_bytes": 4194304,
            "max_request_elements": 1000,
            "max_header_bytes": 8192,
            "max_headers": 50,
            "max_buffered_bytes": 67108864,
            "max_concurrent_requests": 100000,
            "max_watches": 10,
            "max_reflections": 1,
            "max_share_per_connection": 50,
            "max_share_per_address": 100,
            "message_timeout": "10s",
            "request_timeout": "2m 30s",
            "max_connections": 100,
            "max_connections_per_peer": 100,
            "max_streams_per_connection": 100,
            "connection_window": 65535,
            "handshake_timeout": "5s",
            "idle_timeout": "1h",
            "max_connection_age": "24h",
            "max_connection_age_grace": "0s",
            "unread_timeout": "1m",
            "keepalive_interval": "30s",
            "keepalive_timeout": "20s",
            "reflection": False,
        },
        "aws": {
            "region": "eu-central-1",
            "allowed_regions": ["eu-central-1", "us-gov-west-1"],
            "assume_role": "arn:aws:iam::{account}:role/Strong\"room",
            "external_id": 'quote " and <backslash> \\',
            "allowed_accounts": ["012345678901"],
            "endpoint_url": "https://vpce.example.com:8443/path",
            "connect_timeout": "500ms",
            "read_timeout": "10s",
            "attempt_timeout": "20s",
            "operation_timeout": "1m",
            "max_attempts": 10,
            "role_propagation_wait": "0s",
        },
        "shutdown": {"grace": "120s"},
        "log": {"format": "text", "level": "info,strongroom::aws=debug"},
        "telemetry": {
            "otlp_endpoint": "http://otel-collector.observability:4317",
            "service_name": "strongroom-eu",
            "sample_ratio": 0.25,
            "metrics_interval": "15s",
        },
    },
    "extraEnv": [{"name": "AWS_PROFILE", "value": "backup"}],
    "serviceAccount": {
        "roleArn": "arn:aws:iam::123456789012:role/strongroom",
        "annotations": {"example.com/owner": "platform"},
    },
    "service": {"headless": True, "appProtocol": "grpc", "annotations": {"example.com/a": "b"}},
    "autoscaling": {"enabled": True, "minReplicas": 3, "maxReplicas": 9},
    "podDisruptionBudget": {"maxUnavailable": "25%"},
    "networkPolicy": {
        "from": [{"namespaceSelector": {"matchLabels": {"team": "portal"}}}],
        "extraEgress": [{"ports": [{"port": 4317, "protocol": "TCP"}]}],
    },
    "podLabels": {"team": "platform"},
    "podAnnotations": {"example.com/scrape": "false"},
    "priorityClassName": "high",
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "backup", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
}

BARE = {
    "replicaCount": 1,
    "serviceAccount": {"create": False, "name": "existing"},
    "service": {"type": "LoadBalancer"},
    "preStopSleepSeconds": 0,
    "podDisruptionBudget": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "topologySpreadConstraints": [],
}

VALUES = {"defaults": {}, "everything": EVERYTHING, "bare": BARE}


@pytest.fixture(scope="module")
def chart(repository):
    with helm.Chart.load(repository / "helm/strongroom") as loaded:
        yield loaded


def render(chart, values) -> dict[str, list[dict]]:
    """The rendered objects by kind."""
    # The SDK's render does not look at the schema; an installation does.
    chart.validate_schema(values)
    manifests = chart.render(values, name="prod", namespace="backup")
    objects = {}
    for path, text in manifests.items():
        if not path.endswith("NOTES.txt"):
            for document in filter(None, yaml.safe_load_all(text)):
                objects.setdefault(document["kind"], []).append(document)
    return objects


def pod(objects) -> dict:
    return objects["Deployment"][0]["spec"]["template"]["spec"]


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_helm_lint_has_nothing_to_say(repository, values):
    report = helm.lint(repository / "helm/strongroom", values, strict=True, kube_version="v1.37.0")
    assert report["errors"] == []
    worse_than_information = [message for message in report["messages"] if message["severity"] > 1]
    assert worse_than_information == []


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_kubernetes_accepts_every_object(chart, values, version):
    objects = [found for same in render(chart, values).values() for found in same]
    assert len(objects) >= 3
    for found in objects:
        kubernetes_validate.validate(found, version, strict=True)


def test_the_checker_refuses_what_kubernetes_does_not_know(chart):
    deployment = render(chart, {})["Deployment"][0]
    deployment["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["grpcs"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, KUBERNETES[0], strict=True)


def test_the_objects_are_those_that_were_asked_for(chart):
    always = {"ConfigMap", "Deployment", "Service"}
    assert set(render(chart, {})) == always | {"NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"}
    assert set(render(chart, BARE)) == always
    assert set(render(chart, EVERYTHING)) - set(render(chart, {})) == {"HorizontalPodAutoscaler"}
    # The autoscaler owns the number of pods: a chart that says it too would undo its work at every upgrade.
    assert "replicas" not in render(chart, EVERYTHING)["Deployment"][0]["spec"]


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_pod_has_no_more_rights_than_it_needs(chart, values):
    spec = pod(render(chart, values))
    container = spec["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_port_probes_and_service_follow_the_address_listened_on(chart, values):
    objects = render(chart, values)
    container = pod(objects)["containers"][0]
    listen = tomllib.loads(objects["ConfigMap"][0]["data"]["strongroom.toml"])["server"]["listen"]
    host, port = listen.rsplit(":", 1)
    assert host in ("0.0.0.0", "[::]"), "nobody outside the pod would reach it"
    assert container["ports"][0]["containerPort"] == int(port)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["grpc"]["port"] == int(port)
    assert objects["Service"][0]["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_kubernetes_waits_longer_than_the_program_does(chart, values):
    objects = render(chart, values)
    spec = pod(objects)
    grace = tomllib.loads(objects["ConfigMap"][0]["data"]["strongroom.toml"])["shutdown"]["grace"]
    pause = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert spec["terminationGracePeriodSeconds"] == int(grace.removesuffix("s")) + pause + 5


def test_every_key_of_the_configuration_arrives_as_it_was_given(chart):
    rendered = tomllib.loads(render(chart, EVERYTHING)["ConfigMap"][0]["data"]["strongroom.toml"])
    assert rendered == EVERYTHING["config"]


def test_a_change_of_the_configuration_rolls_the_pods(chart):
    def checksum(values):
        template = render(chart, values)["Deployment"][0]["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert checksum({}) == checksum({"replicaCount": 5})
    assert checksum({}) != checksum({"config": {"log": {"level": "debug"}}})


def test_the_role_of_irsa_stands_on_the_service_account(chart):
    account = render(chart, EVERYTHING)["ServiceAccount"][0]
    assert account["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/strongroom",
        "example.com/owner": "platform",
    }
    assert pod(render(chart, BARE))["serviceAccountName"] == "existing"


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
        foreign = key in ("topologyKey", "whenUnsatisfiable", "requests", "limits", "cpu", "memory")
        if not (explained or opens_block or item or foreign):
            bare.append(line)
    assert bare == []


REFUSED = {
    "an unknown value": {"replicas": 3},
    "an unknown configuration section": {"config": {"servers": {}}},
    "an unknown configuration key": {"config": {"server": {"port": 50051}}},
    "the loopback address": {"config": {"server": {"listen": "127.0.0.1:50051"}}},
    "a privileged port": {"config": {"server": {"listen": "0.0.0.0:443"}}},
    "a port beyond the last": {"config": {"server": {"listen": "0.0.0.0:65536"}}},
    "a grace without unit": {"config": {"shutdown": {"grace": 25}}},
    "a grace in minutes, which the chart cannot add up": {"config": {"shutdown": {"grace": "2m"}}},
    "a grace over an hour": {"config": {"shutdown": {"grace": "3601s"}}},
    "a duration without unit": {"config": {"aws": {"read_timeout": "15"}}},
    "a number as an account": {"config": {"aws": {"allowed_accounts": [123456789012]}}},
    "a region that is none": {"config": {"aws": {"region": "Frankfurt"}}},
    "more attempts than allowed": {"config": {"aws": {"max_attempts": 11}}},
    "a role without {account}": {"config": {"aws": {"assume_role": "arn:aws:iam::123456789012:role/x"}}},
    "a password in a URL": {"config": {"aws": {"endpoint_url": "https://user:secret@example.com"}}},
    "TLS to the collector": {"config": {"telemetry": {"otlp_endpoint": "https://collector:4317"}}},
    "a share above one": {"config": {"telemetry": {"sample_ratio": 1.5}}},
    "a log format that is none": {"config": {"log": {"format": "xml"}}},
    "a section that is text": {"config": {"log": "debug"}},
    "a pull policy that is none": {"image": {"pullPolicy": "Sometimes"}},
    "a short digest": {"image": {"digest": "sha256:abc"}},
    "no pods at all, negative": {"replicaCount": -1},
    "text as a number": {"replicaCount": "two"},
    "an IAM user as the role": {"serviceAccount": {"roleArn": "arn:aws:iam::123456789012:user/x"}},
    "an ExternalName service": {"service": {"type": "ExternalName"}},
    "a protocol that is not gRPC": {"service": {"appProtocol": "http"}},
    "a port of zero": {"service": {"port": 0}},
    "a budget that never lets a pod go": {"podDisruptionBudget": {"maxUnavailable": 0}},
    "a probe that never runs": {"probes": {"liveness": {"periodSeconds": 0}}},
    "an unknown probe": {"probes": {"live": {"periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 1}}},
    "a label that is a number": {"podLabels": {"tier": 1}},
    "a selector that would be set twice": {
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ]
    },
}


@pytest.mark.parametrize("values", REFUSED.values(), ids=REFUSED)
def test_a_bad_value_is_refused(chart, values):
    with pytest.raises(helm.HelmValuesError):
        chart.validate_schema(values)


CONTRADICTIONS = {
    "a headless load balancer": ({"service": {"type": "LoadBalancer", "headless": True}}, "ClusterIP"),
    "fewest above most": ({"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 2}}, "minReplicas"),
}


@pytest.mark.parametrize(("values", "named"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_values_that_contradict_each_other_are_refused(chart, values, named):
    with pytest.raises(helm.HelmRenderError, match=named):
        render(chart, values)


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
    # A pod has no profile files, and its image no sandbox.
    elsewhere = {key for key in documented if key == "aws.profile" or key.startswith("sandbox.")}
    assert len(documented) > 20
    assert known == set(documented) - elsewhere


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_strongroom_accepts_the_rendered_configuration(chart, values, binary, tmp_path):
    values = copy.deepcopy(values)
    if "config" in values:
        # Not a role name that AWS would take; it is there to test the quoting.
        values["config"]["aws"]["assume_role"] = "arn:aws:iam::{account}:role/Strongroom"
    file = tmp_path / "strongroom.toml"
    file.write_text(render(chart, values)["ConfigMap"][0]["data"]["strongroom.toml"])
    checked = subprocess.run(
        [binary, "check-config", "--config", file], capture_output=True, text=True, timeout=30, env={"PATH": "/usr/bin"}
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
