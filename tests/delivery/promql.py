"""What an expression of PromQL names: series, and the labels that it asks of them."""

import re

GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
RANGE = re.compile(r"\[[^\]]*\]")
SERIES = re.compile(r"([A-Za-z_:][\w:]*)\s*(\{[^}]*\})?")
WORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan"}


def series(expression: str) -> list[tuple[str, set[str]]]:
    """Each series with the labels of its selector."""
    bare = GROUPING.sub(" ", RANGE.sub(" ", TEXT.sub('""', expression)))
    bare = re.sub(r"\boffset\s+\S+", " ", bare)
    found = []
    for match in SERIES.finditer(bare):
        name, selector = match[1], match[2] or ""
        called = bare[match.end() :].lstrip().startswith("(") and not selector
        number = match.start() > 0 and (bare[match.start() - 1].isdigit() or bare[match.start() - 1] == ".")
        if name.lower() not in WORDS and not called and not number:
            found.append((name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))))
    return found


def grouped(expression: str) -> set[str]:
    """The labels that it groups and matches by."""
    return {label.strip() for group in GROUPING.findall(expression) for label in group.split(",") if label.strip()}
