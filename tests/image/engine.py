"""buildah and podman without a daemon, a registry, or anything of the machine's own images."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

NONROOT = 65532
UNPRIVILEGED = {"root": 0, "nobody": 65534, "nonroot": NONROOT}


class Engine:
    """Images and containers in a folder of their own."""

    def __init__(self, folder: Path):
        self.folder = folder
        # Plain copies for layers, and cgroups by hand: neither overlays nor systemd are there in every container or VM.
        self.storage = ["--root", folder / "storage", "--runroot", folder / "run", "--storage-driver", "vfs"]
        folder.mkdir(parents=True, exist_ok=True)
        self.forget()

    def podman(self, *arguments) -> str:
        how = ["--cgroup-manager", "cgroupfs", "--runtime", "runc"]
        # In its own folder: where memory runs out, the monitor of the container leaves a file `oom` in the one that it is in.
        return run("podman", *self.storage, *how, *arguments, cwd=self.folder)

    def buildah(self, *arguments) -> str:
        return run("buildah", *self.storage, *arguments)

    def forget(self) -> None:
        """What an earlier run has left."""
        self.podman("rm", "--all", "--force")
        self.podman("rmi", "--all", "--force")

    def import_distroless(self, packages: list[Path], name: str) -> None:
        """Distroless `cc` out of Debian's packages, under the name that the Dockerfile asks for."""
        tree = self.folder / "base"
        run("rm", "-rf", tree)
        for package in packages:
            run("dpkg-deb", "--extract", package, tree)
        for documents in ("doc", "info", "lintian", "man"):
            run("rm", "-rf", tree / "usr/share" / documents)
        # In Debian the packages' scripts write these, which distroless does not run either.
        authorities = sorted((tree / "usr/share/ca-certificates").rglob("*.crt"))
        (tree / "etc/ssl/certs/ca-certificates.crt").write_bytes(b"".join(one.read_bytes() for one in authorities))
        (tree / "etc/passwd").write_text("".join(f"{n}:x:{i}:{i}:{n}:/:/sbin/nologin\n" for n, i in UNPRIVILEGED.items()))
        (tree / "etc/group").write_text("".join(f"{n}:x:{i}:\n" for n, i in UNPRIVILEGED.items()))
        archive = self.folder / "base.tar"
        run("tar", "--create", "--file", archive, "--directory", tree, ".")
        self.podman("import", "--quiet", archive, name)
        archive.unlink()

    def build(self, context: Path, target: str, **arguments: str) -> str:
        """Builds a target of the Dockerfile. Its name."""
        name = f"localhost/strongroom:{target}"
        given = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        # Docker's own format: OCI's has no place for STOPSIGNAL's kin, and Docker is what most will build with.
        how = ["--isolation", "chroot", "--pull-never", "--format", "docker"]
        self.buildah("bud", *how, *given, "--target", target, "--tag", name, context)
        return name

    def inspect(self, image: str) -> dict:
        return json.loads(self.podman("image", "inspect", image))[0]

    def files(self, image: str) -> dict[str, str]:
        """What is in an image: the path of each file and link, and its mode and owner as tar tells them."""
        container = self.podman("create", image, "a command, which the base has not").strip()
        archive = self.folder / "files.tar"
        self.podman("export", "--output", archive, container)
        self.podman("rm", container)
        listed = run("tar", "--list", "--verbose", "--numeric-owner", "--file", archive)
        archive.unlink()
        found = {}
        for line in listed.splitlines():
            mode, owner, _, _, _, path = line.split(maxsplit=5)
            if not mode.startswith("d"):
                found[path.split(" -> ")[0]] = f"{mode} {owner}"
        return found


def run(*arguments, cwd: Path | None = None) -> str:
    """What a command prints. One that fails is an AssertionError with what it said."""
    command = [str(argument) for argument in arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def built(repository: Path) -> dict[str, str]:
    """The arguments of the build: what it is made of."""
    version = tomllib.loads((repository / "Cargo.toml").read_text())["package"]["version"]
    # That of the program, which `.ci/run` tells: there may be a commit since.
    revision = os.environ.get("REVISION") or run("git", "-C", repository, "rev-parse", "HEAD").strip()
    return {"VERSION": version, "REVISION": revision}


def runtime_image(dockerfile: Path) -> str:
    """The base that the Dockerfile names."""
    return re.search(r"(?m)^ARG RUNTIME_IMAGE=(\S+)$", dockerfile.read_text())[1]
