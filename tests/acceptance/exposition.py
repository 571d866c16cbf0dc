"""What an admin port tells in Prometheus' text format."""

import re
import urllib.request
from typing import NamedTuple

from processes import PATIENCE

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


def scrape(admin: str) -> str:
    with urllib.request.urlopen(f"http://{admin}/metrics", timeout=PATIENCE) as answer:
        return answer.read().decode()


def types(text: str) -> dict[str, str]:
    """The families and their types."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))


def samples(text: str) -> list[Sample]:
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, f"no sample: {line!r}"
            found.append(Sample(match[1], dict(LABEL.findall(match[2] or "")), float(match[3])))
    return found
