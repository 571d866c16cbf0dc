"""The examples of the chart, and the commands by which its pages install it."""

import re
import shlex
import subprocess

import helm_python as helm
import kubernetes_validate
import pytest
import yaml
from custom_resources import CUSTOM
from rendered import CHART, REPOSITORY, by_kind, pod, settings
from test_custom_resources import check, models  # noqa: F401 (a fixture)

EXAMPLES = CHART.parent / "examples"
INSTALLED = ["service-accounts", "mtls"]
PAGES = ["README.md", "docs/operations.md", "helm/strongroom/README.md"]


def values(name: str) -> dict:
    return yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())


def of_client(name: str) -> list[dict]:
    return list(yaml.safe_load_all((EXAMPLES / f"{name}-client.yaml").read_text()))


def test_every_example_is_tried():
    found = {path.stem for path in EXAMPLES.iterdir()}
    assert found == {*INSTALLED, *(f"{name}-client" for name in INSTALLED)}


@pytest.mark.parametrize("name", INSTALLED)
def test_an_example_is_what_kubernetes_and_strongroom_take(chart, name, binary, tmp_path):
    report = helm.lint(CHART, values(name), strict=True, kube_version="v1.37.0")
    assert [message for message in report["messages"] if message["severity"] > 1] == []
    objects = by_kind(chart, values(name))
    for found in (found for same in objects.values() for found in same if found["kind"] not in CUSTOM):
        kubernetes_validate.validate(found, "1.37", strict=True)
    file = tmp_path / "strongroom.toml"
    file.write_text(objects["ConfigMap"][0]["data"]["strongroom.toml"])
    arguments = pod(objects)["containers"][0]["args"][1:]
    arguments = [str(file) if word == "/etc/strongroom/strongroom.toml" else word for word in arguments]
    checked = subprocess.run(
        [binary, "check-config", *arguments], capture_output=True, text=True, timeout=30, env={"PATH": "/usr/bin"}
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # Nobody comes in unknown, what is said is encrypted, and what is done is recorded.
    shown = dict(line.split()[:2] for line in checked.stdout.splitlines())
    assert shown["access.allow_anonymous"] == "false" and shown["access.require"] in ("token", "certificate")
    assert shown["server.tls.certificate_file"] != "-" and shown["audit.path"] != "-"
    assert objects["Pod"], "helm test is there, and knows as whom to call"


@pytest.mark.parametrize("name", INSTALLED)
def test_what_a_client_needs_is_what_kubernetes_takes(name, models, tmp_path):  # noqa: F811
    for at, found in enumerate(of_client(name)):
        if found["kind"] in CUSTOM:
            folder = tmp_path / str(at)
            folder.mkdir()
            assert check(models, folder, found["kind"], found) == ""
        else:
            kubernetes_validate.validate(found, "1.37", strict=True)


def test_client_and_server_speak_of_the_same(chart, binary):
    objects = by_kind(chart, values("service-accounts"))
    (issuer,) = values("service-accounts")["config"]["access"]["issuers"].values()
    client = next(found for found in of_client("service-accounts") if found["kind"] == "Pod")
    (container,) = client["spec"]["containers"]
    volumes = {volume["name"]: volume for volume in client["spec"]["volumes"]}
    (token,) = volumes["token"]["projected"]["sources"]
    assert [token["serviceAccountToken"]["audience"]] == issuer["audiences"]
    # As `helm install backup` names things.
    rendered = helm.Chart.load(CHART).render(values("service-accounts"), name="backup", namespace="backup")
    certificate = next(yaml.safe_load(text) for path, text in rendered.items() if path.endswith("certificate.yaml"))
    assert volumes["ca"]["secret"]["secretName"] == certificate["spec"]["secretName"]
    (server,) = [word.removeprefix("--server=https://") for word in container["args"] if word.startswith("--server=")]
    assert server.split(":")[0] in certificate["spec"]["dnsNames"]
    image = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert container["image"] == pod(objects)["containers"][0]["image"] and container["image"].endswith(f":{image}")
    # The program takes the command: it misses the authority, which is nowhere here.
    called = subprocess.run([binary, *container["args"]], capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin"})
    assert called.returncode == 2 and "/etc/strongroom-tls/ca.crt" in called.stderr, called.stderr
    (of_certificate,) = of_client("mtls")
    mtls = values("mtls")
    assert of_certificate["spec"]["secretName"] == mtls["tls"]["clientCa"]["secretName"] == mtls["tests"]["certificateSecret"]


def commands() -> list[tuple[str, list[str]]]:
    """Each command of the pages that renders the chart: its page, and its words."""
    found = []
    for page in PAGES:
        for block in re.findall(r"(?ms)^```\w*\n(.*?)^```", (REPOSITORY / page).read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                line = line.removeprefix("$ ").split("|")[0]
                if re.match("helm (install|upgrade|template) ", line):
                    found.append((page, shlex.split(line)[1:]))
    return found


def parsed(words: list[str]) -> dict:
    """The values that `--values`, `--set` and `--set-string` give."""
    given: dict = {}
    for flag, value in zip(words, words[1:], strict=False):
        if flag == "--values":
            given = merged(given, yaml.safe_load((REPOSITORY / value).read_text()))
        elif flag in ("--set", "--set-string"):
            keys, value = value.split("=", 1)
            for key in reversed(keys.split(".")):
                value = {key: {"true": True}.get(value, value) if isinstance(value, str) and flag == "--set" else value}
            given = merged(given, value)
    return given


def merged(under: dict, over: dict) -> dict:
    both = {key: merged(under[key], over[key]) for key in under.keys() & over.keys() if isinstance(over[key], dict)}
    return under | over | both


def test_the_commands_of_the_pages_render(chart):
    installed: dict = {}
    tried = commands()
    assert {page for page, _ in tried} == set(PAGES)
    for _, words in tried:
        given = parsed(words)
        if "--reuse-values" in words:
            given = merged(installed, given)
        installed = given
        objects = by_kind(chart, given)
        assert pod(objects) and settings(pod(objects)["containers"][0]) is not None
