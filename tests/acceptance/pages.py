"""Pages of documentation whose examples are run: their `sh` blocks, and the programs that these call."""

import os
import re
import subprocess
import sys
from pathlib import Path

from processes import environment

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FAILS = re.compile(r"\|\| true\s*$", re.MULTILINE)


class Page:
    """A Markdown file."""

    def __init__(self, path: Path):
        self.path = path
        self.text = path.read_text()

    def commands(self) -> str:
        """The blocks, one after the other."""
        return "\n".join(BLOCK.findall(self.text))

    def sections(self) -> dict[str, str]:
        """The text of each `## Heading`."""
        parts = re.split(r"^## (.+)$", self.text, flags=re.MULTILINE)
        return dict(zip(map(str.strip, parts[1::2]), parts[2::2], strict=True))

    def rpcs(self) -> set[str]:
        """The `Service/Rpc` that are called."""
        return set(re.findall(r" strongroom\.v1\.(\w+/\w+)", self.commands()))

    def expected_failures(self) -> int:
        return len(FAILS.findall(self.commands()))

    def script(self, addresses: dict[str, str]) -> str:
        """One script of all blocks, each command on its line of the page, so that bash names the line that failed."""
        inside, lines = False, []
        for line in self.text.splitlines():
            fence = line == ("```" if inside else "```sh")
            lines.append(line if inside and not fence else "")
            inside ^= fence
        # On the first line, which is the page's title.
        trap = "set -euo pipefail; trap 'echo \"$0:$LINENO: failed: $BASH_COMMAND\" >&2' ERR;"
        return trap + put_in(addresses, "\n".join(lines))


def put_in(addresses: dict[str, str], script: str) -> str:
    """The script with other addresses than its page has."""
    # All at once: one after the other, the second would find itself in what the first had put there (":45665" begins with
    # ":4566").
    return re.sub("|".join(map(re.escape, addresses)), lambda found: addresses[found[0]], script)


def run_script(script: str, folder: Path, path: str, *, name: str = "bash", timeout: float = 300, **variables: str):
    """What becomes of a script, with a PATH of `programs`. It fails the test if it fails."""
    done = subprocess.run(
        ["bash", "-c", script, name],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment() | {"PATH": path} | variables,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{name}: {done.returncode}\n{done.stderr[-4000:]}\n{done.stdout[-3000:]}"
    return done


# Its exit code is 64 and the gRPC code on top. The last argument of a call is its method; `list` and `describe` are no calls.
LOGGED = """#!/bin/bash
code=0
"{grpcurl}" "$@" || code=$?
if [[ -n ${{GRPCURL_LOG:-}} && ${{!#}} == */* ]]; then
  echo "${{!#}} $code" >>"$GRPCURL_LOG"
fi
exit "$code"
"""


def programs(folder: Path, binary: Path | None = None) -> str:
    """A PATH with the programs of these tests, the AWS CLI and, if it is given, the program itself among them. Each call of
    grpcurl leaves a line `METHOD CODE` in the file that GRPCURL_LOG names."""
    installed = Path(sys.executable).parent
    first = folder / "programs"
    first.mkdir(exist_ok=True)
    grpcurl = first / "grpcurl"
    grpcurl.write_text(LOGGED.format(grpcurl=installed / "grpcurl"))
    grpcurl.chmod(0o755)
    if binary is not None:
        (first / "strongroom").symlink_to(binary.resolve())
    return os.pathsep.join([str(first), str(installed), os.environ["PATH"]])
