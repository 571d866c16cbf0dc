"""The alerts that the chart renders, by Prometheus' own promtool: each fires when it must, and stays quiet when it must."""

import re
import subprocess

import pytest
import rendered
import yaml
from alert_cases import CASES, Case

BASE = {"job": "prod-strongroom-metrics", "namespace": "backup", "pod": "a", "instance": "a"}


@pytest.fixture(scope="module")
def rules() -> dict:
    return rendered.rules()


@pytest.fixture(scope="module")
def rules_file(rules, tmp_path_factory):
    file = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(yaml.safe_dump(rules))
    return file


def of_the_release(series: str) -> str:
    """A series with the labels that the ServiceMonitor brings, but those that it has."""
    name, _, labels = series.rstrip("}").partition("{")
    own = {label.split("=")[0] for label in labels.split(",") if label}
    brought = [f'{label}="{value}"' for label, value in BASE.items() if label not in own]
    return f"{name}{{{','.join(filter(None, [labels, *brought]))}}}"


def promtool(prometheus, rules_file, case: Case, **expected) -> subprocess.CompletedProcess:
    series = [{"series": of_the_release(name), "values": values} for name, values in case.series.items()]
    test = {"interval": "30s", "input_series": series} | expected
    file = rules_file.with_name("test.yaml")
    file.write_text(yaml.safe_dump({"rule_files": [str(rules_file)], "evaluation_interval": "30s", "tests": [test]}))
    return subprocess.run([prometheus / "promtool", "test", "rules", file], capture_output=True, text=True, timeout=60)


def test_prometheus_takes_the_rules(prometheus, rules_file):
    done = subprocess.run([prometheus / "promtool", "check", "rules", rules_file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_case_that_fires_it_and_one_that_does_not(rules):
    assert set(CASES) == set(rendered.alerts(rules))
    for name, cases in CASES.items():
        assert {case.firing > 0 for case in cases} == {True, False}, name


ALL = [(name, case) for name, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(
    ("name", "case"), ALL, ids=[f"{name}, {'fires' if case.firing else 'quiet'}: {case.sentence}" for name, case in ALL]
)
def test_an_alert_fires_when_it_must_and_only_then(prometheus, rules_file, name, case):
    firing = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
    samples = [{"labels": "{}", "value": case.firing}] if case.firing else []
    done = promtool(
        prometheus, rules_file, case, promql_expr_test=[{"expr": firing, "eval_time": case.at, "exp_samples": samples}]
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "cases"), CASES.items(), ids=CASES)
def test_what_an_alert_says_is_whole(prometheus, rules_file, name, cases):
    """Its templates are expanded. promtool shows what it got when it expects something else, here no alert."""
    case = next(case for case in cases if case.firing and case.series)
    done = promtool(
        prometheus,
        rules_file,
        case,
        alert_rule_test=[{"eval_time": case.at, "alertname": name, "exp_alerts": []}],
    )
    assert done.returncode != 0 and f'alertname="{name}"' in done.stdout + done.stderr
    said = done.stdout + done.stderr
    for broken in ("error expanding", "<no value>", "%!", "{{", "$(", " ,", " in  ", "for  "):
        assert broken not in said, said


def test_each_alert_says_how_bad_it_is_what_to_do_first_and_where_its_page_is(rules, repository):
    page = (repository / "docs/runbook.md").read_text()
    sections = re.findall(r"^## (Strongroom\w+)$", page, re.MULTILINE)
    alerts = rendered.alerts(rules)
    assert sections == list(alerts), "the sections of docs/runbook.md, in the order of the alerts"
    for name, rule in alerts.items():
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert rule["annotations"]["runbook_url"].endswith(f"/docs/runbook.md#{name.lower()}")
        assert rule["annotations"]["summary"].endswith(".")
        assert "Look first" in rule["annotations"]["description"], name


def test_thresholds_labels_and_selection_are_the_users():
    own = rendered.rules(
        selector='job="backup"',
        disabled=["StrongroomSlow"],
        alertLabels={"team": "platform"},
        thresholds={"errorShare": 0.5, "leastErrors": 1000000},
        runbookUrl="https://wiki.example.com/strongroom#",
    )
    alerts = rendered.alerts(own)
    assert "StrongroomSlow" not in alerts and len(alerts) == len(CASES) - 1
    assert "> 0.5" in alerts["StrongroomErrors"]["expr"] and ">= 1" in alerts["StrongroomErrors"]["expr"]
    assert alerts["StrongroomDown"]["expr"].startswith('sum by (namespace, job) (up{job="backup"}) == 0')
    for name, rule in alerts.items():
        assert rule["labels"]["team"] == "platform"
        assert rule["annotations"]["runbook_url"] == f"https://wiki.example.com/strongroom#{name.lower()}"
    text = yaml.safe_dump(own)
    assert "$(" not in text and "prod-strongroom" not in text


def test_every_alert_can_be_done_without():
    assert rendered.alerts(rendered.rules(disabled=list(CASES))) == {}


def test_the_alert_on_memory_knows_the_limit():
    def limit(**resources) -> str | None:
        with rendered.helm.Chart.load(rendered.CHART) as chart:
            values = {"prometheusRule": {"enabled": True}, "resources": {"limits": resources}}
            rule = rendered.alerts(rendered.by_kind(chart, rendered.open_to_all(values))["PrometheusRule"][0]["spec"])
        found = rule.get("StrongroomMemoryNearLimit")
        return found and found["expr"].split(" * ")[1]

    assert limit(memory="256Mi") == str(256 * 1024**2)
    assert limit(memory="1.5Gi") == str(1536 * 1024**2)
    assert limit(memory="500M") == "500000000"
    assert limit(memory=None) is None, "without a limit nothing is near it"
