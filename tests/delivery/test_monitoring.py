"""Dashboard, alerts and pages name nothing that the server does not measure, and what is generated is fresh."""

import importlib.util
import json
import re
import subprocess

import promql
import pytest
import rendered
import yaml
from metrics_contract import BROUGHT, METRICS, labels_of

PAGES = ("docs/runbook.md", "docs/operations.md", "docs/configuration.md", "docs/performance.md")


def panels(repository) -> list[dict]:
    shown = json.loads((repository / "helm/strongroom/files/dashboard.json").read_text())
    return [panel for panel in shown["panels"] if panel["type"] != "row"]


def expressions(repository) -> dict[str, str]:
    """Every expression of PromQL, by where it stands."""
    found = {}
    for panel in panels(repository):
        for target in panel["targets"]:
            found[f"panel {panel['title']} {target['refId']}"] = target["expr"].replace("$__rate_interval", "5m")
    for group in rendered.rules()["groups"]:
        for rule in group["rules"]:
            found[f"rule {rule.get('alert') or rule['record']}"] = rule["expr"]
    for page in PAGES:
        for number, block in enumerate(re.findall(r"^```promql\n(.*?)^```", (repository / page).read_text(), re.M | re.S)):
            found[f"{page}, block {number + 1}"] = block
    return found


def known(name: str, recorded: dict[str, set[str]]) -> set[str] | None:
    return recorded.get(name) or labels_of(name)


def recorded_series() -> dict[str, set[str]]:
    """The labels of the rules that record."""
    rules = [rule for group in rendered.rules()["groups"] for rule in group["rules"] if "record" in rule]
    made = {}
    for rule in rules:
        labels = promql.grouped(rule["expr"])
        own = labels_of(promql.series(rule["expr"])[0][0])
        made[rule["record"]] = labels or own
    return made


def test_every_expression_is_promql(prometheus, repository, tmp_path):
    rules = [{"record": f"expression_{number}", "expr": text} for number, text in enumerate(expressions(repository).values())]
    file = tmp_path / "expressions.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    checked = subprocess.run([prometheus / "promtool", "check", "rules", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_expression_names_series_and_labels_that_are_measured(repository):
    recorded, wrong = recorded_series(), []
    for place, expression in expressions(repository).items():
        named, possible = promql.series(expression), set(BROUGHT)
        if not named:
            wrong.append(f"{place}: names no series")
        for name, asked in named:
            labels = known(name, recorded)
            if labels is None:
                wrong.append(f"{place}: nobody measures {name}")
                continue
            possible |= labels
            if name not in ("up",) and asked - labels:
                wrong.append(f"{place}: {name} has no label {sorted(asked - labels)}")
        if promql.grouped(expression) - possible:
            wrong.append(f"{place}: groups by {sorted(promql.grouped(expression) - possible)}, which nothing in it has")
    assert wrong == []


def test_the_reader_of_expressions_finds_what_is_wrong():
    assert promql.series('sum by (a, le) (rate(b_total{c="x{y}",d!~"z"}[5m] offset 1h)) / 1e3 > 0.5 and e') == [
        ("b_total", {"c", "d"}),
        ("e", set()),
    ]
    assert promql.grouped('x unless on (job, instance) y') == {"job", "instance"}
    assert labels_of("rpc_server_call_duration_seconds") is None, "a histogram has parts, and no value of its own"
    assert labels_of("strongroom_rpc_failures") is None


def test_every_legend_names_labels_that_its_series_have(repository):
    for panel in panels(repository):
        for target in panel["targets"]:
            possible = set().union(*(labels_of(name) or set() for name, _ in promql.series(target["expr"])))
            by = promql.grouped(target["expr"])
            legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert legend <= (by or possible), f"{panel['title']}: {target['legendFormat']}"


def test_the_dashboard_shows_every_metric(repository):
    """What nobody looks at need not be measured."""
    text = " ".join(target["expr"] for panel in panels(repository) for target in panel["targets"])
    assert [name for name in METRICS if name not in text] == []


def test_panels_do_not_overlap_and_have_numbers_of_their_own(repository):
    taken, numbers = set(), set()
    for panel in json.loads((repository / "helm/strongroom/files/dashboard.json").read_text())["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        assert panel["id"] not in numbers
        taken |= cells
        numbers.add(panel["id"])


def test_every_page_names_metrics_that_are_measured(repository):
    """In running text too, by their name in OpenTelemetry or in Prometheus; what a page says of a family ends in a star."""
    otel = {name.removesuffix("_total").removesuffix("_seconds").removesuffix("_bytes").replace("_", ".") for name in METRICS}
    for page in (*PAGES, "helm/strongroom/files/alerts.yaml"):
        text = (repository / page).read_text()
        for name in re.findall(r"\b(?:strongroom|rpc_server|process)_[a-z_]*[a-z]\b", text):
            assert labels_of(name) is not None or name in METRICS, f"{page}: nobody measures {name}"
        for name in re.findall(r"`((?:strongroom|rpc\.server|process)\.[a-z_.]+[a-z])`", text):
            assert name.replace("_", ".") in otel, f"{page}: nobody measures {name}"


@pytest.mark.parametrize(
    ("script", "made"), [("readme", "strongroom/README.md"), ("dashboard", "strongroom/files/dashboard.json")]
)
def test_what_is_generated_is_fresh(repository, script, made):
    spec = importlib.util.spec_from_file_location(script, repository / f"helm/{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    fresh = module.readme() if script == "readme" else json.dumps(module.dashboard(), indent=1, ensure_ascii=False) + "\n"
    assert (repository / "helm" / made).read_text() == fresh, f"stale: `make chart` writes helm/{made} anew"


def test_the_readme_of_the_chart_names_every_value(repository):
    text = (repository / "helm/strongroom/README.md").read_text()
    schema = json.loads((repository / "helm/strongroom/values.schema.json").read_text())["properties"]
    for top, inner in schema.items():
        for key, deeper in inner.get("properties", {}).items():
            keys = [f"{top}.{key}.{last}" for last in deeper.get("properties", {})] or [f"{top}.{key}"]
            for name in keys if top == "config" else [f"{top}.{key}"]:
                assert f"`{name}" in text or f"`{top}`" in text or f"### {name}" in text, name
        assert f"`{top}`" in text or f"### {top}" in text or top == "global", top
