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


def pod(objects) -> dict:
    """What the rendered Deployment makes of a pod."""
    return objects["Deployment"][0]["spec"]["template"]["spec"]


def rules(**values) -> dict:
    """The rules of Prometheus as the chart renders them, in Prometheus' own form: `groups`."""
    with helm.Chart.load(CHART) as chart:
        return by_kind(chart, {"prometheusRule": {"enabled": True} | values})["PrometheusRule"][0]["spec"]


def alerts(rendered: dict) -> dict[str, dict]:
    """The alerts of such rules, by name."""
    return {rule["alert"]: rule for group in rendered["groups"] for rule in group["rules"] if "alert" in rule}
