"""Pages of documentation whose examples are run: their `sh` blocks, and the programs that these call."""

import os
import re
import sys
from pathlib import Path

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
        script = "\n".join(lines)
        # All at once: one after the other, the second would find itself in what the first had put there (":45665" begins
        # with ":4566").
        script = re.sub("|".join(map(re.escape, addresses)), lambda found: addresses[found[0]], script)
        # On the first line, which is the page's title.
        return "set -euo pipefail; trap 'echo \"$0:$LINENO: failed: $BASH_COMMAND\" >&2' ERR;" + script


# Its exit code is 64 and the gRPC code on top. The last argument of a call is its method; `list` and `describe` are no calls.
LOGGED = """#!/bin/bash
code=0
"{grpcurl}" "$@" || code=$?
if [[ -n ${{GRPCURL_LOG:-}} && ${{!#}} == */* ]]; then
  echo "${{!#}} $code" >>"$GRPCURL_LOG"
fi
exit "$code"
"""


def programs(folder: Path) -> str:
    """A PATH with the programs of these tests, the AWS CLI among them. Each call of grpcurl leaves a line `METHOD CODE` in the
    file that GRPCURL_LOG names."""
    installed = Path(sys.executable).parent
    first = folder / "programs"
    first.mkdir(exist_ok=True)
    grpcurl = first / "grpcurl"
    grpcurl.write_text(LOGGED.format(grpcurl=installed / "grpcurl"))
    grpcurl.chmod(0o755)
    return os.pathsep.join([str(first), str(installed), os.environ["PATH"]])
