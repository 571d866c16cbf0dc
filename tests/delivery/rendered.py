"""What Helm's own engine makes of the chart."""

from pathlib import Path

import helm_python as helm
import yaml

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "helm/strongroom"
RELEASE, NAMESPACE = "prod", "backup"


def by_kind(chart, values) -> dict[str, list[dict]]:
    """The rendered objects by kind."""
    # The SDK's render does not look at the schema in all its versions; an installation does.
    chart.validate_schema(values)
    objects = {}
    for path, text in sorted(chart.render(values, name=RELEASE, namespace=NAMESPACE).items()):
        if not path.endswith("NOTES.txt"):
            for document in filter(None, yaml.safe_load_all(text)):
                objects.setdefault(document["kind"], []).append(document)
    return objects


def workload(objects) -> dict:
    """What keeps the pods."""
    (found,) = objects.get("Deployment", []) + objects.get("StatefulSet", [])
    return found


def pod(objects) -> dict:
    """What that makes of a pod."""
    return workload(objects)["spec"]["template"]["spec"]


def settings(container: dict) -> dict[str, str]:
    """What the arguments of the server set."""
    words = container["args"]
    return dict(after.split("=", 1) for word, after in zip(words, words[1:], strict=False) if word == "--set")


def mounted(container: dict, name: str) -> dict:
    """Where the container has the volume of that name."""
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == name]
    return mount


def open_to_all(values: dict) -> dict:
    """The values, and beside them that whoever reaches the port may call: what a test says that is about something else."""
    config = values.get("config", {})
    access = {"allow_anonymous": True} | config.get("access", {})
    return values | {"config": config | {"access": access}}


def rules(**values) -> dict:
    """The rules of Prometheus as the chart renders them, in Prometheus' own form: `groups`."""
    with helm.Chart.load(CHART) as chart:
        alerting = open_to_all({"prometheusRule": {"enabled": True} | values})
        return by_kind(chart, alerting)["PrometheusRule"][0]["spec"]


def alerts(rendered: dict) -> dict[str, dict]:
    """The alerts of such rules, by name."""
    return {rule["alert"]: rule for group in rendered["groups"] for rule in group["rules"] if "alert" in rule}
