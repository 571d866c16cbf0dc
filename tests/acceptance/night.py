"""A night with Strongroom in little: a real Prometheus with the chart's rules, whose minutes are seconds, and servers that it
watches."""

import json
import re
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import rendered
import yaml
from exposition import scrape
from grpc_client import Client, Failure
from processes import PATIENCE, Process, Sandbox, Server, free_address

# Below what any build of the program takes.
MEMORY_LIMIT = 1 << 20

EVERY = "500ms"
SHORTER = {"1h": "60s", "15m": "30s", "10m": "20s", "5m": "15s"}


def shorter(rules: dict) -> dict:
    """The same rules over seconds instead of minutes. Days stay: what is asked of them is whether it ever was."""
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\[(\w+)\]", lambda found: f"[{SHORTER.get(found[1], found[1])}]", rule["expr"])
            rule["expr"] = rule["expr"].replace("offset 5m", f"offset {SHORTER['5m']}")
            if "for" in rule:
                rule["for"] = EVERY
    return rules


class Prometheus:
    """Scrapes and judges twice a second. Each target has a namespace of its own, by which its alerts are told apart."""

    def __init__(self, programs: Path, folder: Path):
        self.targets = folder / "targets"
        self.targets.mkdir(parents=True)
        thresholds = {"slowSeconds": 0.5}
        rules = rendered.rules(selector='job="strongroom"', memoryLimitBytes=MEMORY_LIMIT, thresholds=thresholds)
        (folder / "rules.yaml").write_text(yaml.safe_dump(shorter(rules)))
        every = {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY}
        found = [{"files": [f"{self.targets}/*.json"], "refresh_interval": "1s"}]
        config = {
            "global": every,
            "rule_files": [str(folder / "rules.yaml")],
            "scrape_configs": [{"job_name": "strongroom", "file_sd_configs": found}],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        self.address = free_address()
        self.process = Process(
            folder / "log",
            programs / "prometheus",
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--log.level=warn",
        )
        self.process.wait_until(self._ready)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def wait_until(self, ready) -> None:
        """Another test watches after this one, whatever became of it."""
        deadline = time.monotonic() + PATIENCE
        while not ready():
            assert self.process.process.poll() is None, self.process.log.read_text()
            assert time.monotonic() < deadline, f"not so after {PATIENCE} s"
            time.sleep(0.05)

    def ask(self, path: str, **query: str):
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def watch(self, namespace: str, address: str) -> None:
        """Scrapes it from now on. Renamed into place: half a file would be read as none."""
        target = [{"targets": [address], "labels": {"namespace": namespace, "pod": "a"}}]
        new = self.targets / f"{namespace}.new"
        new.write_text(json.dumps(target))
        new.rename(new.with_suffix(".json"))
        self.wait_until(lambda: self.ask("query", query=f'up{{namespace="{namespace}"}}')["result"])

    def forget(self, namespace: str) -> None:
        (self.targets / f"{namespace}.json").unlink()

    def alert(self, name: str, namespace: str) -> dict | None:
        """The alert where it fires."""
        for alert in self.ask("alerts")["alerts"]:
            labels = alert["labels"]
            if (labels["alertname"], labels.get("namespace"), alert["state"]) == (name, namespace, "firing"):
                return alert
        return None


class Night:
    """What one alert is about: a server, the sandbox behind it, and who calls."""

    def __init__(self, binary: Path, folder: Path, sandbox: Sandbox, *flags: str):
        self.sandbox, self.number = sandbox, 0
        self.folder = folder
        self.held, self.channels = [], []
        self.prometheus: Prometheus | None = None
        # One attempt: a fault is told at once, and not when the retries are over.
        self.audit = folder / "audit"
        kept = ("--set", f"audit.path={self.audit}")
        always = ("--endpoint-url", sandbox.url, "--log-format", "json", "--set", "aws.max_attempts=1", *kept)
        self.server = Server(binary, folder / "log", *always, *flags)
        self.admin = self.server.admin
        self.client = Client(self.server.address)

    def watched_by(self, prometheus: Prometheus, namespace: str, admin: str) -> None:
        self.prometheus, self.namespace = prometheus, namespace
        prometheus.watch(namespace, admin)

    def alert(self, name: str) -> dict | None:
        return self.prometheus.alert(name, self.namespace)

    def call(self, rpc: str, timeout: float = PATIENCE, **fields) -> str:
        """The reason of its failure, or blank."""
        try:
            self.client.call(rpc, timeout, **fields)
        except Failure as failure:
            return failure.reason
        return ""

    def begin(self, rpc: str, timeout: float = PATIENCE, **fields) -> None:
        """A call that is not waited for."""
        method = self.client.channel.unary_unary(
            f"/strongroom.v1.{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=lambda answer: answer,
        )
        self.held.append(method.future(self.client.request(rpc, fields), timeout=timeout))

    def keep(self, channel) -> None:
        self.channels.append(channel)

    def another(self) -> str:
        self.number += 1
        return f"n{self.number}"

    def shows(self, series: str) -> bool:
        return series in scrape(self.admin)

    def end(self) -> None:
        if self.prometheus:
            self.prometheus.forget(self.namespace)
        for call in self.held:
            call.cancel()
        for channel in (*self.channels, self.client):
            channel.close()
        if self.server.process.process.poll() is None:
            self.server.process.kill()


class Foreigner:
    """An exporter that is not Strongroom's."""

    def __init__(self):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                known = self.path == "/metrics"
                self.send_response(200 if known else 404)
                self.end_headers()
                self.wfile.write(b"somebody_elses_metric 1\n" if known else b"not here\n")

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = "127.0.0.1:%d" % self.server.server_port

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()
