"""The client commands as docs/cli.md shows them, and at a terminal: colours, questions, a bar."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from pages import Page, programs, run_script
from processes import PATIENCE, EmbeddedSandbox, environment

PAGE = Path(__file__).parents[2] / "docs/cli.md"
START = "2026-03-02T00:00:00Z"
DATABASE = "arn:aws:rds:us-east-1:123456789012:db:rdspg-fcj-labs"


@pytest.fixture
def neighbour(binary, tmp_path):
    # As the page starts it: it follows what it works on.
    settings = ["--set", f"audit.path={tmp_path}/audit", "--set", "feed.enabled=true"]
    sandbox = EmbeddedSandbox(binary, tmp_path / "log", *settings, start=START)
    yield sandbox
    assert sandbox.process.stop() == 0


def test_the_commands_of_the_page_run_from_top_to_bottom(binary, neighbour, tmp_path):
    script = Page(PAGE).script({"127.0.0.1:50051": neighbour.server.address, "127.0.0.1:4566": neighbour.address})
    done = run_script(script, tmp_path, programs(tmp_path, binary))
    # One that ends in `|| true` fails, and no other does.
    assert done.stderr.count("error: ") == Page(PAGE).expected_failures() + done.stderr.count("VAULT_NOT_FOUND\n")


def test_the_commands_of_the_page_of_the_ledger_run_where_its_server_was(binary, tmp_path):
    (tmp_path / "strongroom.toml").write_text('[ledger]\npath = "ledger.db"\n')
    settings = ["--config", str(tmp_path / "strongroom.toml"), "--set", f"ledger.path={tmp_path}/ledger.db"]
    sandbox = EmbeddedSandbox(binary, tmp_path / "log", *settings, start=START)
    run(binary, sandbox.server.address, "vault", "create", "nightly")
    assert sandbox.process.stop() == 0
    page = Page(PAGE.parent / "ledger.md")
    script = page.script({"nothing to be put in": ""})
    run_script(script, tmp_path, programs(tmp_path, binary), STRONGROOM_LEDGER__PATH=f"{tmp_path}/ledger.db")
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert kinds[0] == "ledger"
    # Every kind that there can be is told of.
    assert set(kinds) <= set(re.findall(r"(?m)^\| `(\w+)` \| ", page.text))


class Terminal:
    """The program at a terminal, as a person sees and answers it."""

    def __init__(self, binary, server: str, *words: str, columns: int = 0, variables: dict[str, str] | None = None):
        self.here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        variables = environment() | {"STRONGROOM_SERVER": f"http://{server}", "TERM": "xterm-256color"} | (variables or {})
        self.process = subprocess.Popen(
            [str(binary), *words], stdin=there, stdout=there, stderr=there, env=variables, close_fds=True
        )
        os.close(there)
        self.seen = ""

    def until(self, pattern: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.seen):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.seen!r}"
            if select.select([self.here], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.here, 65536).decode()
                except OSError:
                    assert re.search(pattern, self.seen), self.seen
        return self.seen

    def type(self, text: str) -> None:
        os.write(self.here, text.encode() + b"\n")

    def end(self) -> int:
        while True:
            try:
                more = os.read(self.here, 65536)
            except OSError:
                break
            if not more:
                break
            self.seen += more.decode()
        os.close(self.here)
        return self.process.wait(PATIENCE)


def run(binary, server: str, *words: str) -> str:
    variables = environment() | {"STRONGROOM_SERVER": f"http://{server}"}
    done = subprocess.run([str(binary), *words], capture_output=True, text=True, env=variables, timeout=60)
    assert done.returncode == 0, done
    return done.stdout


def test_a_terminal_has_colours_and_a_pipe_has_none(binary, neighbour):
    server = neighbour.server.address
    terminal = Terminal(binary, server, "resource", "list")
    assert terminal.end() == 0
    assert "\x1b[1mID" in terminal.seen
    assert "\x1b" not in run(binary, server, "resource", "list")


def test_the_page_of_operations_tells_what_an_open_server_is_told(binary):
    page = (PAGE.parent / "operations.md").read_text()
    ((command, answer),) = re.findall(r"(?m)^\$ strongroom (check-config .*)\n((?:.+\n)+?)```", page)
    done = subprocess.run([str(binary), *command.split()], capture_output=True, text=True, env=environment(), timeout=60)
    assert done.returncode == 1
    for line in answer.splitlines():
        assert line.removesuffix("…").rstrip() in done.stderr


def test_what_is_wrong_fits_a_narrow_terminal(binary, tmp_path):
    contexts = {"STRONGROOM_CONTEXTS": str(tmp_path / "contexts.toml")}
    server = "strongroom.production.eu-central-1.example.com:443"
    words = ["context", "add", "production", "--server", server, "--token-command", "login", "--ca-file", "/ca.pem", "--use"]
    subprocess.run([str(binary), *words], env=environment() | contexts, check=True, timeout=60)
    (tmp_path / "audit-0000000001.jsonl").write_text('{"seq":1,"kind":"start"}\n{"seq":')
    for words, code, told in [
        (["context", "list"], 0, f"* production\n    {server}\n    token command, own authority\n"),
        (["check-config", "--listen", "0.0.0.0:50051"], 1, "mesh, a\n    proxy or a network policy says who may call\n"),
        (["audit", "verify", str(tmp_path / "audit-0000000001.jsonl")], 1, "1 line of 1 file: the record does NOT verify\n"),
    ]:
        terminal = Terminal(binary, "", *words, columns=60, variables=contexts)
        assert terminal.end() == code, terminal.seen
        seen = terminal.seen.replace("\r\n", "\n")
        assert told in seen, seen
        # A word that is wider, such as a path, stays whole.
        assert [line for line in seen.splitlines() if len(line) > 60 and " " in line.strip()] == [], seen


def test_the_status_is_one_screen_of_a_narrow_terminal(binary, neighbour):
    for columns in (80, 60):
        terminal = Terminal(binary, neighbour.server.address, "status", columns=columns)
        assert terminal.end() in (9, 10), terminal.seen
        lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.seen.replace("\r\n", "\n")).splitlines()
        assert len(lines) <= 23 and max(map(len, lines)) <= columns, terminal.seen
        assert lines[0].startswith(("NOT WELL: ", "NOT KNOWN: ")), terminal.seen


def test_a_person_is_asked_before_a_vault_is_deleted(binary, neighbour):
    server = neighbour.server.address
    run(binary, server, "vault", "create", "nightly")
    terminal = Terminal(binary, server, "vault", "delete", "nightly")
    terminal.until("Type yes")
    terminal.type("no")
    assert terminal.end() == 1
    assert "nothing was done" in terminal.seen
    run(binary, server, "vault", "get", "nightly")
    terminal = Terminal(binary, server, "vault", "delete", "nightly")
    terminal.until("Type yes")
    terminal.type("yes")
    assert terminal.end() == 0, terminal.seen
    assert "nightly" not in run(binary, server, "vault", "list")


def test_a_person_sees_a_bar(binary, neighbour):
    server = neighbour.server.address
    run(binary, server, "role", "ensure", "backup")
    run(binary, server, "vault", "create", "nightly")
    terminal = Terminal(
        binary, server, "backup", "start", DATABASE, "--vault", "nightly", "--role", "backup", "--wait"
    )
    terminal.until("0 %  CREATED")
    neighbour.advance("PT1H")
    assert terminal.end() == 0, terminal.seen
    assert "state:               COMPLETED" in terminal.seen


def test_a_person_types_the_name_of_what_nobody_can_undo(binary, neighbour):
    server = neighbour.server.address
    run(binary, server, "vault", "create", "nightly")
    lock = ("vault", "lock", "nightly", "--mode", "compliance", "--changeable-for-days", "3", "--min-retention-days", "7")
    terminal = Terminal(binary, server, *lock)
    terminal.until("Type nightly")
    assert "2026-03-05T00:00:00Z" in terminal.seen, "the date is shown before the question"
    terminal.type("yes")
    assert terminal.end() == 1
    assert "compliance" not in run(binary, server, "vault", "get", "nightly")
    terminal = Terminal(binary, server, *lock)
    terminal.until("Type nightly")
    terminal.type("nightly")
    assert terminal.end() == 0, terminal.seen
    assert "compliance from 2026-03-05T00:00:00Z" in run(binary, server, "vault", "get", "nightly")
