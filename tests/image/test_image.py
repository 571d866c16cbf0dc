"""What is in the images, and how large they are."""

import json

import pytest
from containers import ADMIN, AWS, GRPC, get
from engine import NONROOT, built
from pods import KEYS

PROGRAM = "usr/local/bin/strongroom"
MIB = 2**20


def ports(*addresses: str) -> set[str]:
    return {f"{address.rpartition(':')[2]}/tcp" for address in addresses}


def test_the_image_runs_the_program_as_nobody_and_stops_it_by_sigterm(engine, image):
    config = engine.inspect(image)["Config"]
    assert config["User"] == f"{NONROOT}:{NONROOT}"
    assert config["Entrypoint"] == [f"/{PROGRAM}"]
    assert config["StopSignal"] == "SIGTERM"
    assert set(config["ExposedPorts"]) == ports(GRPC, ADMIN)
    assert "MIMALLOC_PURGE_DELAY=0" in config["Env"]


def test_labels_say_what_is_in_it_and_what_it_was_made_of(engine, repository, image):
    labels = engine.inspect(image)["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "strongroom"
    assert labels["org.opencontainers.image.version"] == built(repository)["VERSION"]
    assert labels["org.opencontainers.image.revision"] == built(repository)["REVISION"]


def test_the_program_is_all_that_is_laid_over_the_base_and_nobody_can_overwrite_it(engine, base, image):
    before, after = engine.files(base), engine.files(image)
    assert {path: what for path, what in after.items() if before.get(path) != what} == {PROGRAM: "-r-xr-xr-x 0/0"}
    assert before.keys() <= after.keys()


def test_nobody_takes_the_sandbox_for_the_real_one(engine, image, sandbox_image):
    config = engine.inspect(sandbox_image)["Config"]
    assert "--sandbox" in config["Cmd"] and "--sandbox" not in engine.inspect(image)["Config"]["Cmd"]
    assert config["User"] == f"{NONROOT}:{NONROOT}"
    assert set(config["ExposedPorts"]) == ports(GRPC, ADMIN, AWS)
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == "strongroom-sandbox"
    assert labels["io.strongroom.sandbox"] == "true"
    assert "nothing is real" in labels["org.opencontainers.image.description"]
    assert "io.strongroom.sandbox" not in engine.inspect(image)["Config"]["Labels"]


def test_the_image_cannot_pretend_to_be_aws(start, image):
    container = start(image, [], ["serve", "--sandbox"])
    assert container.end() == 1
    assert "this build has no sandbox" in container.log.read_text()


def test_as_it_is_it_does_not_start_for_nobody_has_said_who_may_call(start, image):
    """The default command listens on every address."""
    container = start(image, [])
    assert container.end() == 1
    told = container.log.read_text()
    assert "lets everybody in who reaches 0.0.0.0:50051" in told and "access.allow_anonymous = true" in told


@pytest.mark.parametrize("of", ["image", "sandbox_image"])
def test_as_it_is_it_listens_for_others_and_tells_what_it_is(start, repository, request, of):
    """The default command, with no more than who may call; 127.0.0.2 is where only what listens everywhere is reached."""
    name = request.getfixturevalue(of)
    grpc, admin, aws = (address.replace("127.0.0.1", "127.0.0.2") for address in (GRPC, ADMIN, AWS))
    keys = [f"--env={key['name']}={key['value']}" for key in KEYS]
    # The image of the sandbox says it itself.
    said = ["--env=STRONGROOM_ACCESS__ALLOW_ANONYMOUS=true"] if of == "image" else []
    start(name, [*keys, *said, "--env=AWS_REGION=us-east-1"]).wait_until_it_serves(grpc)
    assert get(f"http://{admin}/readyz")[0] == 200
    if of == "image":
        told = json.loads(get(f"http://{admin}/buildinfo")[1])
        assert {key.upper(): told[key] for key in ("version", "revision")} == built(repository)
    else:
        assert get(f"http://{aws}/_sandbox/clock")[0] == 200


def test_how_large_it_is(engine, repository, base, image, tell):
    of_base, whole = engine.inspect(base)["Size"], engine.inspect(image)["Size"]
    program = (repository / "dist/strongroom").stat().st_size
    tell(f"image: {whole / MIB:.1f} MiB unpacked: {of_base / MIB:.1f} of the base, {(whole - of_base) / MIB:.1f} on top")
    tell(f"program: {program / MIB:.1f} MiB")
    # The labels and the user cost nothing: what is on top of the base is the program, once.
    assert program <= whole - of_base < program + MIB / 10
