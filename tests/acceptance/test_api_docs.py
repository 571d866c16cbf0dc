"""Every example of docs/api is run, each file from top to bottom in one bash, and every RPC has one."""

import re
import time
from pathlib import Path

import pytest
from grpc_client import PACKAGE, Client, Failure
from pages import Page, programs, run_script
from processes import PATIENCE, EmbeddedSandbox

START = "2026-01-31T04:00:00Z"
# AWS stops no job of a resource that the sandbox has, the server of the pages keeps neither record nor policies, and a watch ends by its
# deadline.
ALWAYS_REFUSED = {
    "AccessService/Approve",
    "AccessService/ExplainAccess",
    "AccessService/GetApproval",
    "AccessService/ListApprovals",
    "AccessService/ListAuditEvents",
    "AccessService/Reject",
    "AccessService/RequestApproval",
    "JobService/CancelJob",
    "JobService/WatchJobs",
}
PAGES = sorted((Path(__file__).parents[2] / "docs/api").glob("*_service.md"))


@pytest.fixture
def neighbour(binary, tmp_path):
    """What docs/api/README.md has the reader start."""
    sandbox = EmbeddedSandbox(binary, tmp_path / "log", "--set", "feed.enabled=true", start=START)
    yield sandbox
    assert sandbox.process.stop() == 0


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_examples_run_from_top_to_bottom(path, neighbour, tmp_path):
    page = Page(path)
    calls = tmp_path / "calls"
    addresses = {"127.0.0.1:50051": neighbour.server.address, "127.0.0.1:4566": neighbour.address}
    looked_at(neighbour)
    done = run_script(page.script(addresses), tmp_path, programs(tmp_path), name=path.name, GRPCURL_LOG=str(calls))
    outcomes = [line.split() for line in calls.read_text().splitlines()]
    succeeded = {method.removeprefix(f"{PACKAGE}.") for method, code in outcomes if code == "0"}
    only_failed = page.rpcs() - succeeded - ALWAYS_REFUSED
    assert not only_failed, f"{path.name} shows no call that succeeds of {sorted(only_failed)}"
    # An error that nobody meant would hide behind `|| true`; and what succeeds must not say that it fails.
    # An error whose details nobody can read tells no reason.
    shown = len(re.findall(r'google\.rpc\.ErrorInfo".*?"reason": ?"[A-Z_]+"', done.stderr, re.DOTALL))
    failures = sum(code != "0" for _, code in outcomes)
    said = page.expected_failures()
    assert failures == said, f"{path.name} says `|| true` {said} times, and {failures} calls failed: {outcomes}"
    assert shown == failures, f"{path.name}: {failures} errors, {shown} of them with a reason\n{done.stderr[-4000:]}"
    assert "is not recognized" not in done.stderr, done.stderr[-4000:]


def looked_at(neighbour) -> None:
    """Waits for the first look at the databases: who reads a page has taken longer to get there."""
    client, deadline = Client(neighbour.server.address), time.monotonic() + PATIENCE
    while True:
        try:
            client.call("ProtectionService/GetCoverage")
            break
        except Failure:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    client.close()


def test_every_rpc_has_a_section_with_an_example(neighbour):
    client = Client(neighbour.server.address)
    expected = {rpc for rpc, _ in client.methods()}
    client.close()
    sections = {f"{service(path)}/{name}": text for path in PAGES for name, text in Page(path).sections().items()}
    assert sorted(expected - sections.keys()) == [], "no section `## Rpc` on the page of their service"
    assert sorted(sections.keys() - expected) == [], "sections of RPCs that there are not"
    without = sorted(rpc for rpc, text in sections.items() if f" {PACKAGE}.{rpc}" not in text)
    assert without == [], "their sections have no grpcurl call of them"


def service(path: Path) -> str:
    """vault_service.md is about VaultService."""
    return "".join(word.title() for word in path.stem.split("_"))
