"""What the chart refuses: slips in the values, and values that contradict each other."""

import re
import shutil

import helm_python as helm
import pytest
from rendered import CHART, by_kind, open_to_all

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
    "a claim that must say nothing": {
        "config": {
            "access": {
                "issuers": {"ci": {"issuer": "https://i", "audiences": ["x"], "required_claims": {"environment": ""}}}
            }
        }
    },
    "a region that is none": {"config": {"aws": {"region": "Frankfurt"}}},
    "more attempts than allowed": {"config": {"aws": {"max_attempts": 11}}},
    "a role without {account}": {"config": {"aws": {"assume_role": "arn:aws:iam::123456789012:role/x"}}},
    "a password in a URL": {"config": {"aws": {"endpoint_url": "https://user:secret@example.com"}}},
    "a password in the collector's URL": {"config": {"telemetry": {"otlp_endpoint": "https://u:p@collector:4317"}}},
    "a certificate by a relative path": {"config": {"telemetry": {"otlp_ca_file": "ca.pem"}}},
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
    "an unquoted off, which is false": {"config": {"admin": {"listen": False}}},
    "metrics for the pod alone": {"config": {"admin": {"listen": "127.0.0.1:9464"}}},
    "an unknown key of the sandbox": {"config": {"sandbox": {"quota": 1}}},
    "an unknown switch of the sandbox": {"sandbox": {"enable": True}},
    "a label by which the chart finds its pods": {"commonLabels": {"app.kubernetes.io/name": "x"}},
    "an annotation that is a number": {"commonAnnotations": {"a": 1}},
    "an argument that is a number": {"extraArgs": [1]},
    "a volume without a name": {"extraVolumes": [{"emptyDir": {}}]},
    "a mount that is relative": {"extraVolumeMounts": [{"name": "a", "mountPath": "etc"}]},
    "a sidecar without an image": {"sidecars": [{"name": "tls"}]},
    "a sidecar of the server's own name": {"sidecars": [{"name": "strongroom", "image": "x"}]},
    "an init container without a name": {"initContainers": [{"image": "x"}]},
    "a typing error in the pod's security": {"podSecurityContext": {"runAsNonroot": True}},
    "a typing error in the container's security": {"securityContext": {"readOnlyRootFileSystem": True}},
    "capabilities that are a list": {"securityContext": {"capabilities": ["ALL"]}},
    "an unknown key of the route": {"grpcRoute": {"enabled": True, "parents": []}},
    "a gateway without a name": {"grpcRoute": {"enabled": True, "parentRefs": [{"namespace": "x"}]}},
    "a host name with a port": {"grpcRoute": {"hostnames": ["strongroom.example.com:443"]}},
    "an unknown key of the monitor": {"serviceMonitor": {"scrapeInterval": "30s"}},
    "an interval without unit": {"serviceMonitor": {"interval": "30"}},
    "an unknown threshold": {"prometheusRule": {"thresholds": {"errors": 1}}},
    "a share in percent": {"prometheusRule": {"thresholds": {"errorShare": 5}}},
    "an alert that there is not": {"prometheusRule": {"disabled": ["StrongroomDwon"]}},
    "a selector in braces": {"prometheusRule": {"selector": '{job="x"}'}},
    "a severity for all alerts": {"prometheusRule": {"alertLabels": {"severity": "critical"}}},
    "an unknown key of the dashboard": {"dashboard": {"folder": "Backup"}},
    "an unknown key of the tests": {"tests": {"image": "x"}},
    "who may scrape, as text": {"networkPolicy": {"metricsFrom": ["monitoring"]}},
    "a size without a unit": {"audit": {"persistence": {"size": "8"}}},
    "a volume that others write": {"audit": {"persistence": {"accessModes": ["ReadOnlyMany"]}}},
    "a record by a relative path": {"config": {"audit": {"path": "audit"}}},
    "a version of TLS that is a number": {"tls": {"minVersion": 1.2}},
    "policies by a relative path": {"config": {"access": {"allow_anonymous": True, "policies": "policies"}}},
    "policies in a Secret": {"access": {"policies": {"secretName": "policies"}}},
    "a section of the configuration that is nothing": {"config": {"access": None}},
    "a selector that would be set twice": {
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ]
    },
}


@pytest.mark.parametrize("values", REFUSED.values(), ids=REFUSED)
def test_a_bad_value_is_refused(chart, values):
    values = values if "access" in values.get("config", {}) else open_to_all(values)
    with pytest.raises(helm.HelmValuesError) as refused:
        chart.validate_schema(values)
    assert "anyOf' failed\n  - at '/config/access" not in str(refused.value), "refused for want of callers, not for the slip"


OPEN = {
    "nothing": {},
    "TLS alone": {"tls": {"secretName": "mine"}},
    "a sandbox": {"sandbox": {"enabled": True}},
    "tokens of nobody": {"config": {"access": {"require": ["token"]}}},
    "nobody, by another word": {"config": {"access": {"allow_anonymous": None}}},
}


@pytest.mark.parametrize("values", OPEN.values(), ids=OPEN)
def test_a_server_that_is_left_open_is_refused_with_what_would_close_it(chart, values, tmp_path):
    with pytest.raises(helm.HelmValuesError) as refused:
        chart.validate_schema(values)
    for key in ("issuers", "allow_anonymous"):
        assert re.search(rf"at '/config/access(/{key}'|': missing property '{key}')", str(refused.value)), refused.value
    for key in ("secretName", "configMapName"):
        assert f"at '/tls/clientCa/{key}'" in str(refused.value), refused.value
    # As with --skip-schema-validation.
    shutil.copytree(CHART, tmp_path / "chart", ignore=shutil.ignore_patterns("*.schema.json"))
    told = "nothing says who may call: describe an issuer .* set config.access.allow_anonymous=true"
    with helm.Chart.load(tmp_path / "chart") as unchecked, pytest.raises(helm.HelmRenderError, match=told):
        unchecked.render(values, name="prod", namespace="backup")


CONTRADICTIONS = {
    "a headless load balancer": ({"service": {"type": "LoadBalancer", "headless": True}}, "ClusterIP"),
    "a sandbox that scales": ({"sandbox": {"enabled": True}, "autoscaling": {"enabled": True}}, "AWS of its own"),
    "a sandbox and another AWS": (
        {"sandbox": {"enabled": True}, "config": {"aws": {"endpoint_url": "http://x:4566"}}}, "endpoint of its own"
    ),
    "a route without a gateway": ({"grpcRoute": {"enabled": True}}, "parentRefs"),
    "metrics that nobody tells": (
        {"serviceMonitor": {"enabled": True}, "config": {"admin": {"listen": "off"}}}, "nothing to scrape"
    ),
    "a memory limit in another unit": (
        {"prometheusRule": {"enabled": True}, "resources": {"limits": {"memory": "1Ei"}}}, "memoryLimitBytes"
    ),
    "a record in two places": (
        {"audit": {"persistence": {"enabled": True}}, "config": {"audit": {"path": "/record"}}}, "both say where the record is"
    ),
    "a record on the image itself": ({"config": {"audit": {"path": "/record"}}}, "is on no volume"),
    "a record beside a volume": (
        {
            "config": {"audit": {"path": "/records"}},
            "extraVolumes": [{"name": "record", "emptyDir": {}}],
            "extraVolumeMounts": [{"name": "record", "mountPath": "/record"}],
        },
        "is on no volume",
    ),
    "keys of no record": ({"audit": {"hmacKey": {"secretName": "keys"}}}, "none is kept"),
    "keys in two places": (
        {
            "audit": {"persistence": {"enabled": True}, "hmacKey": {"secretName": "keys"}},
            "config": {"audit": {"hmac_key_file": "/etc/company/keys"}},
        },
        "both say where the keys are",
    ),
    "a ledger in two places": (
        {"replicaCount": 1, "ledger": {"persistence": {"enabled": True}}, "config": {"ledger": {"url": "postgres://a@b/c"}}},
        "both say where the ledger is",
    ),
    "a file of several": ({"replicaCount": 2, "ledger": {"persistence": {"enabled": True}}}, "one pod has: set replicaCount=1"),
    "a file of however many": (
        {"replicaCount": 1, "autoscaling": {"enabled": True}, "ledger": {"persistence": {"enabled": True}}},
        "leave autoscaling off",
    ),
    "a password of no database": ({"ledger": {"password": {"secretName": "ledger"}}}, "set config.ledger.url"),
    "passwords in two places": (
        {
            "ledger": {"password": {"secretName": "ledger"}},
            "config": {"ledger": {"url": "postgres://a@b/c", "password_file": "/etc/company/password"}},
        },
        "both say where the password is",
    ),
    "nobody unknown, and anybody": ({"config": {"access": {"require": ["token"]}}}, "contradict each other"),
    "policies in two places": (
        {"access": {"policies": {"configMapName": "policies"}}, "config": {"access": {"policies": "/etc/company/policies"}}},
        "both say where the policies are",
    ),
    "policies that nobody asks": (
        {"access": {"policies": {"configMapName": "policies"}}, "config": {"access": {"default": "who-am-i-only"}}},
        "lets nobody do what policies permit",
    ),
    "tokens of nobody": (
        {"config": {"access": {"allow_anonymous": False, "require": ["token"]}}, "tls": {"secretName": "m", "clientCa": {"secretName": "c"}}},
        "describe their issuer",
    ),
    "certificates of nobody": (
        {
            "config": {
                "access": {
                    "allow_anonymous": False,
                    "require": ["certificate"],
                    "issuers": {"corp": {"issuer": "https://id.example.com", "audiences": ["strongroom"]}},
                }
            }
        },
        "name their authorities",
    ),
    "a token of the test in plain text": ({"tests": {"tokenAudience": "strongroom"}}, "need TLS"),
    "plain text that is encrypted": (
        {"tls": {"secretName": "mine"}, "service": {"appProtocol": "kubernetes.io/h2c"}}, "is plain text"
    ),
    "a version of no TLS": ({"tls": {"minVersion": "1.3"}}, "are for TLS"),
    "fewest above most": ({"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 2}}, "minReplicas"),
}


@pytest.mark.parametrize(("values", "named"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_values_that_contradict_each_other_are_refused(chart, values, named):
    with pytest.raises(helm.HelmRenderError, match=named):
        by_kind(chart, open_to_all(values))
