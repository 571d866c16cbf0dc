"""The image where callers must be known and what they do is recorded: as the chart's example runs it, and as the page does."""

import copy
import json
import os
import re
import shlex
import urllib.error

import pytest
import yaml
from certificates import signed
from containers import ADMIN, AWS, GRPC, get
from engine import NONROOT
from pods import KEYS, Pod
from processes import REGION

SERVICE = "prod-strongroom.backup.svc"
NAMES = f"subjectAltName=DNS:{SERVICE},DNS:localhost,IP:127.0.0.1"
CALLER = "spiffe://cluster.local/ns/backup/sa/nightly"
RECORD = "/var/lib/strongroom/audit"


@pytest.fixture
def certificates(tmp_path):
    """What cert-manager would write into its Secrets: that of the server, and that of a client."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    signed(folder, "authority", None, None)
    signed(folder, "server", folder / "authority", NAMES)
    signed(folder, "portal", folder / "authority", f"subjectAltName=URI:{CALLER}")
    signed(folder, "foreign", None, None)
    signed(folder, "stranger", folder / "foreign", f"subjectAltName=URI:{CALLER}")
    return folder


def secret(folder, name) -> dict[str, bytes]:
    files = {"tls.crt": f"{name}.pem", "tls.key": f"{name}.key", "ca.crt": "authority.pem"}
    return {key: (folder / file).read_bytes() for key, file in files.items()}


@pytest.fixture
def example(repository, sandbox, certificates) -> Pod:
    """helm/examples/mtls.yaml, its AWS being the sandbox."""
    values = yaml.safe_load((repository / "helm/examples/mtls.yaml").read_text())
    values["config"]["aws"] = {"endpoint_url": sandbox.url, "region": REGION}
    brought = {"prod-strongroom-tls": secret(certificates, "server"), "strongroom-client": secret(certificates, "portal")}
    return Pod(repository / "helm/strongroom", values | {"extraEnv": KEYS}, brought)


def answers(pod: Pod, which: str) -> bool:
    """What the kubelet asks."""
    probe = pod.container[f"{which}Probe"]["httpGet"]
    try:
        return get(f"http://127.0.0.1:{pod.port(probe['port'])}{probe['path']}")[0] == 200
    except urllib.error.URLError:
        return False


@pytest.fixture
def run(start, image, example, tmp_path):
    """`run()`: the server, once its probes say that it is ready. The volumes are those of the last."""

    def run():
        server = start(image, example.flags(tmp_path), example.arguments)
        server.wait_until(lambda: answers(example, "startup"))
        assert answers(example, "readiness") and answers(example, "liveness")
        return server

    return run


@pytest.fixture
def call(start, image, example, tmp_path):
    """`call("vault", "list")`: a command of the image, with what the pod of `helm test` has. Its exit code and what it says."""
    tester = example.tester()
    way = tester.arguments[2:]
    assert tester.arguments[:2] == ["server", "get"]

    def call(*words, certificate: dict[str, bytes] | None = None):
        other = copy.copy(tester)
        other.objects = tester.objects | ({"strongroom-client": certificate} if certificate else {})
        folder = tmp_path / f"call-{len(list(tmp_path.glob('call-*')))}"
        folder.mkdir()
        container = start(image, [*other.flags(folder), f"--add-host={SERVICE}:127.0.0.1"], [*words, *way])
        return container.end(), container.log.read_text()

    return call


def lines(folder) -> list[dict]:
    return [json.loads(line) for file in sorted((folder / "record").glob("*.jsonl")) for line in file.read_text().splitlines()]


def test_callers_are_known_and_recorded_on_a_volume_though_the_image_cannot_be_written(run, call, start, image, tmp_path, certificates):
    server = run()
    assert call("server", "get")[0] == 0, "helm test"
    code, said = call("access", "whoami", "-o", "json")
    assert code == 0 and CALLER in said, said
    code, said = call("vault", "create", "nightly")
    assert code == 0, said
    code, said = call("vault", "create", "stolen", certificate=secret(certificates, "stranger"))
    assert code == 4, said
    folder = tmp_path / "record"
    for file in folder.iterdir():
        assert (file.stat().st_uid, file.stat().st_gid, file.stat().st_mode & 0o777) == (NONROOT, NONROOT, 0o600)
    begin, end = lines(tmp_path)[-2:]
    assert (begin["kind"], begin["action"], end["outcome"]) == ("begin", "strongroom.v1.VaultService/CreateVault", "SUCCEEDED")
    assert CALLER in json.dumps(begin["principal"])
    # Killed, and back with its volume: it goes on with the record, which the image itself finds whole.
    server.engine.podman("kill", "--signal", "KILL", server.name)
    assert server.end() == 137
    server.remove()
    server = run()
    assert call("vault", "create", "weekly")[0] == 0
    assert [line["kind"] for line in lines(tmp_path)].count("start") == 2
    assert server.stop() == 0
    files = [f"{RECORD}/{path.name}" for path in sorted(folder.glob("*.jsonl"))]
    verify = start(image, [f"--volume={folder}:{RECORD}:ro"], ["audit", "verify", *files])
    assert verify.end() == 0, verify.log.read_text()
    assert "the record verifies" in verify.log.read_text()


@pytest.fixture(scope="session")
def page(repository) -> tuple[str, list[list[str]]]:
    """What docs/operations.md tells of the image: the configuration, and the commands that run it."""
    section = (repository / "docs/operations.md").read_text().split("\n## Image\n")[1].split("\n## ")[0]
    (configuration,) = re.findall(r"(?ms)^```toml\n(.*?)^```", section)
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", section)
    return configuration, [shlex.split(line) for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def of_docker(words: list[str], folder) -> tuple[str, list[str], list[str]]:
    """The image, flags and arguments of a `docker run`, without the ports: containers are in the network of the tests."""
    assert words[:2] == ["docker", "run"]
    keys = {"AWS_REGION": REGION} | {key["name"]: key["value"] for key in KEYS}
    flags, rest = [], words[2:]
    while rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag == "--read-only":
            # podman would still lay something writable over /tmp and others.
            flags += [flag, "--read-only-tmpfs=false"]
            continue
        value = rest.pop(0)
        if flag == "-e":
            flags += [flag, f"{value}={keys[value]}"]
        elif flag != "-p":
            flags += [flag, value.replace("$PWD", str(folder))]
    return rest[0], flags, rest[1:]


def test_the_server_of_the_page_knows_its_callers_and_records_what_they_change(start, image, page, certificates, tmp_path):
    configuration, (whole, *_) = page
    (tmp_path / "strongroom.toml").write_text(configuration)
    (tmp_path / "tls").mkdir()
    for name, content in secret(certificates, "server").items():
        (tmp_path / "tls" / name).write_bytes(content)
    (tmp_path / "audit").mkdir(mode=0o700)
    os.chown(tmp_path / "audit", NONROOT, NONROOT)
    name, flags, arguments = of_docker(whole, tmp_path)
    assert name == "strongroom"
    server = start(image, flags, arguments)
    server.wait_until(lambda: "serving gRPC" in server.log.read_text())
    assert get(f"http://{ADMIN}/readyz")[0] == 200
    ca = [f"--volume={certificates}:/certificates:ro"]
    way = ["--server=https://127.0.0.1:50051", "--ca-file=/certificates/authority.pem"]
    nobody = start(image, ca, ["vault", "list", *way])
    assert nobody.end() == 1 and "CREDENTIALS_MISSING" in nobody.log.read_text(), nobody.log.read_text()
    assert list((tmp_path / "audit").glob("*.jsonl"))
    assert server.stop() == 0


def test_the_other_commands_of_the_page_serve_whoever_reaches_them(start, image, sandbox_image, page, tmp_path):
    _, (_, *others) = page
    assert len(others) == 2
    for words in others:
        name, flags, arguments = of_docker(words, tmp_path)
        container = start({"strongroom": image, "strongroom:sandbox": sandbox_image}[name], flags, arguments)
        container.wait_until_it_serves(GRPC)
        if name == "strongroom:sandbox":
            assert get(f"http://{AWS}/_sandbox/clock")[0] == 200
        assert container.stop() == 0
