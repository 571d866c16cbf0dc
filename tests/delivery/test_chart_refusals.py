"""What the chart refuses: slips in the values, and values that contradict each other."""

import helm_python as helm
import pytest
from rendered import by_kind

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
    "fewest above most": ({"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 2}}, "minReplicas"),
}


@pytest.mark.parametrize(("values", "named"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_values_that_contradict_each_other_are_refused(chart, values, named):
    with pytest.raises(helm.HelmRenderError, match=named):
        by_kind(chart, values)
