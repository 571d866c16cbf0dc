"""Access policies: the samples are what they say, `access check` finds what is wrong with others, and a team has its own databases
by the steps that docs/security.md shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from certificates import Signer
from exposition import samples, scrape
from metrics_contract import METRICS
from pages import BLOCK, Page, programs, run_script
from processes import PATIENCE, EmbeddedSandbox, environment

DOCS = Path(__file__).parents[2] / "docs"
SAMPLES = DOCS / "samples/policies"
SETS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())
HOW_TO = Page(DOCS / "security.md").sections()["A team's own databases"]
ISSUER = {"iss": "https://id.example.com", "aud": "strongroom"}


def run(binary: Path, *words: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run([binary, *words], capture_output=True, text=True, timeout=PATIENCE, env=environment())


def access(binary: Path, *words: str | Path) -> subprocess.CompletedProcess:
    return run(binary, "access", *words)


@pytest.mark.parametrize("name", SETS)
def test_a_sample_can_be_used_and_every_case_of_it_comes_out(binary, name):
    checked = access(binary, "check", SAMPLES / name)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    policies = sum(len(re.findall(r"^@id", file.read_text(), re.M)) for file in (SAMPLES / name).glob("*.cedar"))
    cases = (SAMPLES / name / "cases.toml").read_text().count("[[case]]")
    assert re.match(rf"{policies} polic(y|ies) can be used, {cases} cases came out as expected\n", checked.stdout), checked.stdout


def test_every_sample_has_a_case_of_each_of_its_policies():
    for name in SETS:
        cases = (SAMPLES / name / "cases.toml").read_text()
        for file in (SAMPLES / name).glob("*.cedar"):
            for policy in re.findall(r'^@id\("(.+)"\)', file.read_text(), re.M):
                # Those of the second team are the first one's.
                assert f"{file.name}:{policy}" in cases or file.name == "billing.cedar", f"{name}: {file.name}:{policy}"


def test_the_second_team_has_the_policies_of_the_first():
    first, second = ((SAMPLES / "teams" / f"{team}.cedar").read_text() for team in ("orders", "billing"))
    assert second == first.replace("orders", "billing")


def test_the_page_explains_every_sample():
    page = (DOCS / "security.md").read_text()
    assert [name for name in SETS if f"(samples/policies/{name}/" not in page] == []


def test_the_schema_beside_the_samples_is_that_of_the_program(binary):
    assert access(binary, "schema").stdout == (SAMPLES / "strongroom.cedarschema").read_text()


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(SAMPLES / "on-call", tmp_path / "on-call")


def test_a_case_that_comes_out_otherwise_is_told_with_what_came_of_it(binary, copied):
    cases = copied / "cases.toml"
    cases.write_text(cases.read_text().replace('expect = "broken"', 'expect = "permitted"', 1))
    checked = access(binary, "check", copied)
    assert checked.returncode == 1
    assert f"{cases}: nor one of which nobody knows whether it is: is broken by [on-call.cedar:frozen-databases]" in checked.stdout
    assert "1 thing is wrong" in checked.stdout


def test_an_action_that_there_is_not_is_told_with_its_policy(binary, copied):
    file = copied / "on-call.cedar"
    file.write_text(file.read_text().replace('Strongroom::Action::"read"', 'Strongroom::Action::"raed"'))
    checked = access(binary, "check", copied)
    assert checked.returncode == 1
    assert "on-call.cedar:operates" in checked.stdout and 'Strongroom::Action::"raed"' in checked.stdout


def test_what_cannot_be_parsed_is_told_with_its_line(binary, copied):
    (copied / "more.cedar").write_text('@id("one")\npermit (principal, action, resource)\n')
    checked = access(binary, "check", copied)
    assert checked.returncode == 1 and "more.cedar: line " in checked.stdout, checked.stdout
    configured = run(binary, "check-config", "--set", f"access.policies={copied}")
    assert configured.returncode == 1 and "access.policies" in configured.stderr and "more.cedar" in configured.stderr


@pytest.fixture
def folder(tmp_path):
    """What the page says that there is."""
    signer = Signer(tmp_path, "key")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [signer.published()]}))
    for name, groups in {"admin": ["backup-admins"], "ada": ["payments"]}.items():
        (tmp_path / f"{name}.token").write_text(signer.token(**ISSUER, sub=name, groups=groups))
    shutil.copytree(SAMPLES / "administrator", tmp_path / "policies", ignore=shutil.ignore_patterns("*.toml"))
    (tmp_path / "docs").symlink_to(DOCS)
    (settings,) = re.findall(r"^```toml\n(.*?)^```$", HOW_TO, re.M | re.S)
    for path in ("policies", "keys.json"):
        settings = settings.replace(f'= "{path}"', f'= "{tmp_path / path}"')
    (tmp_path / "strongroom.toml").write_text(settings)
    return tmp_path


def test_a_team_has_its_own_databases_by_the_steps_of_the_page(binary, folder):
    flags = ("--config", str(folder / "strongroom.toml"), "--set", "feed.enabled=true")
    sandbox = EmbeddedSandbox(binary, folder / "log", *flags)
    where = {"ADMIN": f"http://{sandbox.server.admin}", "STRONGROOM_SERVER": f"http://{sandbox.server.address}"}
    try:
        script = "set -euo pipefail\n" + "\n".join(BLOCK.findall(HOW_TO))
        done = run_script(script, folder, programs(folder, binary), name="docs/security.md", timeout=120, **where)
        told = scrape(sandbox.server.admin)
    finally:
        assert sandbox.process.stop() == 0
    for shown in (
        "corp:backup-admins",
        "8 policies can be used, 2 cases came out as expected",
        "payments.cedar:own",
        "NOT_FOUND",
        "\nserving\n",
        "rdspg-fcj-labs",
    ):
        assert shown in done.stdout, f"{shown} is not in\n{done.stdout}"
    # What is another's is in no list, and not there. That a vault may not be deleted is told to whom it is shown.
    listed = done.stdout.rsplit("NOT_FOUND", 1)[1].split("ID ", 1)[1]
    assert "mysql-legacy" not in listed, listed
    assert done.stderr.count("RESOURCE_NOT_FOUND") == 2 and done.stderr.count("reason: ACCESS_DENIED") == 1, done.stderr
    measured = {name: labels for name, (_, labels) in METRICS.items() if re.match("strongroom_access_(denials|polic)", name)}
    assert {sample.name: set(sample.labels) for sample in samples(told) if sample.name in measured} == measured
