"""Every command that README.md shows is run, in the order of the page.

Fenced blocks of language `sh` hold commands, one a line (a backslash continues it). A command that keeps running (`serve`,
`sandbox`) is started and left running for those after it. The well-known ports are exchanged for free ones. The machine has
no AWS set-up, and no variables but PATH and an empty HOME: what a command needs of it stands before it.
"""

import itertools
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from pages import Page, programs
from processes import Process, free_address

VARIABLE = re.compile(r"[A-Z_]+=")
# Run by .ci/run itself, or by nobody here: they install or take minutes.
ELSEWHERE = ("cargo test", "cargo build", "cargo install", "make", ".ci/run", "git clone", "cd ", "docker", "helm")


def commands(text: str) -> list[str]:
    """The commands of the page; one with an open quotation goes on in the next line."""
    found, open_ = [], ""
    for line in text.splitlines():
        line = open_ + line.removeprefix("$ ")
        try:
            complete = not line.endswith("\\")
            words = shlex.split(line, comments=True) if complete else []
        except ValueError:
            complete, words = False, []
        open_ = "" if complete else line.removesuffix("\\") + "\n"
        if words:
            found.append(line)
    assert not open_, f"a quotation is never closed: {open_}"
    return found


class Shell:
    """Runs the page's commands as a reader would, one after the other."""

    def __init__(self, binary: Path, folder: Path):
        self.binary, self.folder = binary, folder
        self.home = folder / "home"
        self.home.mkdir()
        self.running: list[Process] = []
        self.variables = {"PATH": programs(folder)}
        self.ports = {port: free_address().rsplit(":", 1)[1] for port in ("50051", "4566")}
        self.variables["STRONGROOM_SERVER"] = f"http://127.0.0.1:{self.ports['50051']}"

    def run(self, line: str) -> None:
        for well_known, free in self.ports.items():
            line = re.sub(rf"\b{well_known}\b", free, line)
        words = shlex.split(line, comments=True)
        # Variables before a command are its own.
        own = list(itertools.takewhile(VARIABLE.match, words))
        words = words[len(own) :]
        if own:
            assert words and words[0] in ("grpcurl", "aws", "curl"), f"this test does not know how to run: {line}"
            self._to_the_end(words, dict(variable.split("=", 1) for variable in own))
        elif words[0] == "export":
            self.variables |= dict(word.split("=", 1) for word in words[1:])
        elif words[:2] == ["cargo", "run"]:
            self._strongroom(words[words.index("--") + 1 :])
        elif words[0] == "strongroom":
            self._strongroom(words[1:])
        elif words[0] in ("grpcurl", "aws", "curl"):
            self._to_the_end(words)
        else:
            raise AssertionError(f"this test does not know how to run: {line}")

    def _strongroom(self, arguments: list[str]) -> None:
        arguments = [argument for argument in arguments if argument != "&"]
        grpc, sandbox = (f"127.0.0.1:{self.ports[port]}" for port in ("50051", "4566"))
        if arguments[0] == "serve" and "--listen" not in arguments:
            arguments += ["--listen", grpc] + (["--sandbox-listen", sandbox] if "--sandbox" in arguments else [])
        if arguments[0] == "sandbox" and "--listen" not in arguments:
            arguments += ["--listen", sandbox]
        if arguments[0] not in ("serve", "sandbox") or "--help" in arguments:
            self._to_the_end([str(self.binary), *arguments])
            return
        for earlier in self.running:
            earlier.stop()
        self.running = [Process(self.folder / "log", self.binary, *arguments, variables=self._environment())]
        self.running[0].wait_until(lambda: all(port_is_open(port) for port in self._ports_of(arguments)))

    def _ports_of(self, arguments) -> list[str]:
        return [port for port in self.ports.values() if any(argument.endswith(f":{port}") for argument in arguments)]

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.home)} | self.variables

    def _to_the_end(self, arguments, own: dict[str, str] | None = None) -> None:
        done = subprocess.run(
            arguments,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            env=self._environment() | (own or {}),
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"


def port_is_open(port: str) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def test_every_command_of_the_readme_runs(repository, binary, tmp_path):
    readme = repository / "README.md"
    if not readme.is_file():
        pytest.skip("NOT TESTED: there is no README.md yet")
    shown = commands(Page(readme).commands())
    assert any("serve --sandbox" in line for line in shown), "the first of the two commands is not there"
    assert any("cargo test --workspace" in line for line in shown), "the second of the two commands is not there"
    shell = Shell(binary, tmp_path)
    try:
        for line in shown:
            if not line.startswith(ELSEWHERE):
                shell.run(line)
    finally:
        for process in shell.running:
            process.kill()
