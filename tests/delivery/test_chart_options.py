"""What users switch on in the chart and put beside it: where it arrives, and whom it must not touch."""

import json
import subprocess
import tomllib

import pytest
import yaml
from chart_values import BARE, EVERYTHING, OPEN, SANDBOX, VALUES
from rendered import by_kind, mounted, open_to_all, pod, settings, workload


def selects(selector: dict, labels: dict) -> bool:
    return selector.items() <= labels.items()


def test_labels_and_annotations_of_the_user_are_on_every_object_and_on_the_pods(chart):
    objects = [found for same in by_kind(chart, EVERYTHING).values() for found in same]
    metadata = [found["metadata"] for found in objects]
    metadata += [found["spec"]["template"]["metadata"] for found in objects if found["kind"] == "Deployment"]
    assert len(metadata) >= 15
    for each in metadata:
        assert selects(EVERYTHING["commonLabels"], each["labels"]), each["name"]
        assert selects(EVERYTHING["commonAnnotations"], each["annotations"]), each["name"]


@pytest.mark.parametrize("values", [*VALUES.values(), OPEN | {"podLabels": {"app.kubernetes.io/name": "mine"}}])
def test_every_selector_finds_the_pods_and_nothing_else(chart, values):
    objects = by_kind(chart, values)
    labels = workload(objects)["spec"]["template"]["metadata"]["labels"]
    testers = [tester["metadata"]["labels"] for tester in objects.get("Pod", [])]
    selectors = [service["spec"]["selector"] for service in objects["Service"]]
    selectors += [workload(objects)["spec"]["selector"]["matchLabels"]]
    selectors += [found["spec"]["selector"]["matchLabels"] for found in objects.get("PodDisruptionBudget", [])]
    for selector in selectors:
        assert selects(selector, labels)
        assert not any(selects(selector, tester) for tester in testers), "the pod of helm test would be sent calls"


def test_what_the_user_puts_beside_it_is_in_the_pod(chart):
    spec = pod(by_kind(chart, EVERYTHING))
    server, *beside = spec["containers"]
    assert server["name"] == "strongroom"
    assert beside == EVERYTHING["sidecars"] and spec["initContainers"] == EVERYTHING["initContainers"]
    assert server["args"][:3] == ["serve", "--config", "/etc/strongroom/strongroom.toml"]
    assert server["args"][-2:] == ["--set", "aws.least_rate=10"]
    assert EVERYTHING["extraVolumes"][0] in spec["volumes"] and EVERYTHING["extraVolumeMounts"][0] in server["volumeMounts"]
    assert spec["securityContext"]["supplementalGroups"] == [4711] and spec["securityContext"]["runAsNonRoot"] is True
    assert server["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "runAsUser" not in pod(by_kind(chart, BARE))["securityContext"], "as OpenShift wants it, which chooses itself"


def test_the_policies_are_in_the_pod_as_a_directory_that_follows_the_configmap(chart):
    spec = pod(by_kind(chart, OPEN | {"access": {"policies": {"configMapName": "policies"}}}))
    (container,) = spec["containers"]
    folder = mounted(container, "policies")
    assert settings(container) == {"access.policies": folder["mountPath"]}
    # Not a file of it: what is changed in a ConfigMap does not reach a mount of a single one.
    assert folder == {"name": "policies", "mountPath": "/etc/strongroom-policies", "readOnly": True}
    assert {"name": "policies", "configMap": {"name": "policies"}} in spec["volumes"]
    without = pod(by_kind(chart, OPEN))
    assert [volume["name"] for volume in without["volumes"]] == ["config"] and settings(without["containers"][0]) == {}


def test_metrics_have_a_service_of_their_own_that_stays_inside(chart):
    for values in (OPEN | {"service": {"type": "LoadBalancer"}}, EVERYTHING):
        objects = by_kind(chart, values)
        calls, metrics = objects["Service"]
        assert [port["name"] for port in calls["spec"]["ports"]] == ["grpc"]
        assert [port["name"] for port in metrics["spec"]["ports"]] == ["metrics"]
        assert metrics["spec"]["type"] == "ClusterIP" and metrics["spec"]["publishNotReadyAddresses"] is True
        listen = tomllib.loads(objects["ConfigMap"][0]["data"]["strongroom.toml"])["admin"]["listen"]
        ports = {port["name"]: port["containerPort"] for port in pod(objects)["containers"][0]["ports"]}
        assert ports["metrics"] == int(listen.rsplit(":", 1)[1])
    without = by_kind(chart, BARE)
    assert len(without["Service"]) == 1
    assert [port["name"] for port in pod(without)["containers"][0]["ports"]] == ["grpc"]


def test_prometheus_finds_the_metrics_and_nothing_else(chart):
    objects = by_kind(chart, EVERYTHING)
    monitor = objects["ServiceMonitor"][0]["spec"]
    found = [one for one in objects["Service"] if selects(monitor["selector"]["matchLabels"], one["metadata"]["labels"])]
    assert [one["metadata"]["name"] for one in found] == ["prod-strongroom-metrics"]
    assert monitor["endpoints"][0]["port"] == found[0]["spec"]["ports"][0]["name"]
    # Prometheus names the job by the Service, and the alerts ask for that.
    rules = json.dumps(objects["PrometheusRule"][0]["spec"])
    assert r'up{job=\"prod-strongroom-metrics\",namespace=\"backup\"}' in rules


def test_the_network_policy_lets_in_whom_it_names_and_the_test(chart):
    calls, metrics = by_kind(chart, EVERYTHING)["NetworkPolicy"][0]["spec"]["ingress"]
    tester = by_kind(chart, EVERYTHING)["Pod"][0]["metadata"]["labels"]
    assert calls["from"][:-1] == EVERYTHING["networkPolicy"]["from"]
    assert selects(calls["from"][-1]["podSelector"]["matchLabels"], tester)
    assert metrics["from"] == EVERYTHING["networkPolicy"]["metricsFrom"]
    assert ([port["port"] for port in calls["ports"]], [port["port"] for port in metrics["ports"]]) == (["grpc"], ["metrics"])


def test_the_route_leads_to_the_service(chart):
    objects = by_kind(chart, EVERYTHING)
    (rule,) = objects["GRPCRoute"][0]["spec"]["rules"]
    service = objects["Service"][0]
    assert rule["backendRefs"] == [{"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}]
    assert objects["GRPCRoute"][0]["spec"]["hostnames"] == ["strongroom.example.com"]


def test_helm_test_makes_a_call_that_the_program_knows(chart, binary):
    objects = by_kind(chart, OPEN)
    tester = objects["Pod"][0]
    assert tester["metadata"]["annotations"]["helm.sh/hook"] == "test"
    container, server = tester["spec"]["containers"][0], pod(objects)["containers"][0]
    assert container["image"] == server["image"], "the image itself, for it has no shell and needs none"
    assert "http://prod-strongroom.backup.svc:50051" in container["args"]
    arguments = [word.replace("prod-strongroom.backup.svc:50051", "127.0.0.1:1") for word in container["args"]]
    called = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin"})
    assert called.returncode == 4, "nobody is there, which is no fault of the command line: " + called.stderr


def test_a_sandbox_is_one_pod_of_the_image_that_has_it(chart):
    objects = by_kind(chart, SANDBOX | {"replicaCount": 5})
    deployment = objects["Deployment"][0]["spec"]
    container = deployment["template"]["spec"]["containers"][0]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    assert container["image"] == "ghcr.io/strongroom/strongroom:main-sandbox"
    assert container["args"][:2] == ["serve", "--sandbox"]
    ports = {port["name"]: port for port in objects["Service"][0]["spec"]["ports"]}
    assert (ports["sandbox"]["port"], ports["sandbox"]["targetPort"]) == (80, "sandbox")
    assert {port["name"]: port["containerPort"] for port in container["ports"]}["sandbox"] == 4566
    calls = objects["NetworkPolicy"][0]["spec"]["ingress"][0]
    assert [port["port"] for port in calls["ports"]] == ["grpc", "sandbox"]


def test_without_the_switch_nothing_speaks_of_a_sandbox(chart):
    objects = by_kind(chart, EVERYTHING)
    assert "sandbox" not in json.dumps(objects["Deployment"]) + json.dumps(objects["Service"])
    assert "[sandbox]" not in objects["ConfigMap"][0]["data"]["strongroom.toml"]


@pytest.mark.parametrize(("values", "loud"), [(SANDBOX, True), (OPEN, False)])
def test_the_notes_say_loudly_that_it_is_a_sandbox(chart, values, loud):
    (notes,) = [text for path, text in chart.render(values, name="prod", namespace="backup").items() if path.endswith("NOTES.txt")]
    assert ("does NOT speak with AWS" in notes) is loud


def test_names_of_objects_fit_whatever_the_release_is_called(chart):
    for path, text in chart.render(EVERYTHING | {"fullnameOverride": "a" * 63}, name="p" * 53, namespace="backup").items():
        if not path.endswith("NOTES.txt"):
            for found in filter(None, yaml.safe_load_all(text)):
                assert len(found["metadata"]["name"]) <= 63, found["kind"]
