"""A database of PostgreSQL's, for servers that share a ledger."""

import itertools
import os
import subprocess
from pathlib import Path

COUNT = itertools.count(1)


class Database:
    """One of a run's own on the server at that URL, by PostgreSQL's own program."""

    def __init__(self, url: str):
        self.admin, self.name = url, f"strongroom_{os.getpid()}_{next(COUNT)}"
        self.url = url.rsplit("/", 1)[0] + "/" + self.name
        self.sql(f"CREATE DATABASE {self.name}")

    def sql(self, text: str) -> str:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
        program = str(found[-1]) if found else "psql"
        command = [program, "--no-psqlrc", "--quiet", "--tuples-only", "--dbname", self.admin, "--command", text]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def cut(self, most: int) -> None:
        """Ends connections to it, as many at most."""
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity "
            f"WHERE datname = '{self.name}' ORDER BY random() LIMIT {most}) AS connection"
        )

    def drop(self) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
