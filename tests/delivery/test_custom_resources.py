"""What the chart renders for the Prometheus Operator, the Gateway API and cert-manager, by the types and checks that are generated from their
definitions: the compiler finds what they do not know, their own validation what they do not take."""

import copy
import json
import subprocess

import pytest
import rendered
from chart_values import EVERYTHING
from custom_resources import CUSTOM


@pytest.fixture(scope="module")
def models(repository):
    folder = repository / "target/ci-tools/kubernetes-models/node_modules"
    if not folder.is_dir():
        pytest.fail(f"{folder} is missing: `.ci/run delivery` installs it")
    return folder


@pytest.fixture(scope="module")
def objects() -> dict[str, dict]:
    with rendered.helm.Chart.load(rendered.CHART) as chart:
        return {kind: found[0] for kind, found in rendered.by_kind(chart, EVERYTHING).items() if kind in CUSTOM}


def check(models, folder, kind: str, found: dict) -> str:
    """What is wrong with it; blank: nothing."""
    (folder / "node_modules").symlink_to(models)
    program = f"""
import {{ {kind}, type I{kind} }} from "{CUSTOM[kind]}";
const found: I{kind} = {json.dumps(found)};
new {kind}(found).validate();
"""
    (folder / "check.mts").write_text(program)
    options = ["--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]
    compiled = subprocess.run(
        ["node", models / "typescript/bin/tsc", *options, "check.mts"], cwd=folder, capture_output=True, text=True
    )
    if compiled.returncode:
        return compiled.stdout + compiled.stderr
    ran = subprocess.run(["node", "check.mjs"], cwd=folder, capture_output=True, text=True)
    return ran.stderr if ran.returncode else ""


@pytest.mark.parametrize("kind", CUSTOM)
def test_the_operators_take_what_the_chart_renders(models, objects, kind, tmp_path):
    assert check(models, tmp_path, kind, objects[kind]) == ""


def without_a_port(route):
    route["spec"]["rules"][0]["backendRefs"][0]["port"] = 0


def misspelled(monitor):
    monitor["spec"]["endpoints"][0]["scrapeTimeOut"] = "10s"


def in_minutes(rule):
    rule["spec"]["groups"][1]["rules"][0]["for"] = "2 minutes"


def by_another_algorithm(certificate):
    certificate["spec"]["privateKey"]["algorithm"] = "EC"


WRONG = {
    "GRPCRoute": without_a_port,
    "ServiceMonitor": misspelled,
    "PrometheusRule": in_minutes,
    "Certificate": by_another_algorithm,
}


@pytest.mark.parametrize(("kind", "spoil"), WRONG.items(), ids=WRONG)
def test_the_check_refuses_what_they_would_not_take(models, objects, kind, spoil, tmp_path):
    wrong = copy.deepcopy(objects[kind])
    spoil(wrong)
    assert check(models, tmp_path, kind, wrong) != ""
