"""docs/runbook.md, alert by alert: a fault that raises it, the alert as a real Prometheus tells it, and the commands of its section
as they stand, which must show what the section says that they show."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
import rendered
from aws_clients import LABS, POLICIES, Aws
from certificates import SERVER, signed
from grpc_health.v1 import health_pb2, health_pb2_grpc
from night import Foreigner, Night, Prometheus
from pages import BLOCK, Page, programs, put_in, run_script
from processes import PATIENCE, free_address

PAGE = Page(Path(__file__).parents[2] / "docs/runbook.md")


def error(status: int, code: str) -> dict:
    return {"error": {"status": status, "code": code, "message": "by the fault of a test"}}


class Scenario(NamedTuple):
    """What raises an alert. `again` is done over and over until it fires."""

    shows: list[str]
    # Of the server; some need files, which they make in the folder.
    flags: tuple[str, ...] | Callable[[Path], tuple[str, ...]] = ()
    begin: Callable[[Night], None] = lambda night: None
    again: Callable[[Night], object] = lambda night: None
    # It is so from the start of the server on, and never was otherwise.
    from_the_start: bool = False
    # A fault of Strongroom that somebody could raise from outside would have been mended: here its commands alone are run, and
    # promtool has the alert fire (tests/delivery/test_alerts.py).
    cannot_be_raised: bool = False


def setting(*pairs: str) -> tuple[str, ...]:
    return tuple(word for pair in pairs for word in ("--set", pair))


def aws_is_away(night: Night) -> None:
    night.sandbox.spoil(service="*", rate=1.0, effect=error(500, "ServiceUnavailableException"))


def list_vaults(night: Night) -> None:
    night.call("VaultService/ListVaults")


def get_vault(night: Night) -> None:
    night.call("VaultService/GetVault", vault="nightly")


def make_vault(night: Night) -> None:
    assert night.call("VaultService/CreateVault", name="nightly") == ""


def make_another_vault(night: Night) -> None:
    night.call("VaultService/CreateVault", name=night.another())


def record_cut(night: Night) -> None:
    """As a rotation of logs does that copies a file and cuts it."""
    for file in night.audit.glob("*.jsonl"):
        file.write_text("")


def killed(night: Night) -> None:
    night.server.process.kill()


def drained(night: Night) -> None:
    """A shutdown that waits for a call under way."""
    night.sandbox.spoil(service="backup", rate=1.0, effect={"delay_ms": 60_000})
    night.begin("VaultService/ListVaults", 100)
    night.server.process.wait_until(lambda: night.shows('strongroom_door_taken{what="calls"} 1'))
    night.server.process.process.send_signal(signal.SIGTERM)


def start_again(night: Night) -> None:
    """Once it has run long enough for the next scrape to see that it starts anew."""
    text = subprocess.run(["curl", "-fsS", f"http://{night.admin}/metrics"], capture_output=True, text=True).stdout
    uptime = next(float(line.split()[1]) for line in text.splitlines() if line.startswith("process_uptime_seconds "))
    if uptime > 1:
        night.server.restart_after_kill()


def answers_get_lost(night: Night) -> None:
    night.sandbox.spoil(service="backup", operation="CreateBackupVault", rate=1.0, effect="drop_after")


def slow(night: Night) -> None:
    make_vault(night)
    night.sandbox.spoil(service="backup", rate=1.0, effect={"delay_ms": 1200})


def several_reads(night: Night) -> None:
    for _ in range(10):
        night.begin("VaultService/GetVault", vault="nightly")
    get_vault(night)


def held_up(night: Night) -> None:
    """As many calls as there are places, and AWS answers none."""
    night.sandbox.spoil(service="backup", rate=1.0, effect={"delay_ms": 60_000})
    for _ in range(5):
        night.begin("VaultService/ListVaults", 100)
    # Else a later call would have one of the places, and wait with them.
    night.server.process.wait_until(lambda: night.shows('strongroom_door_taken{what="calls"} 5'))


def connected(night: Night) -> None:
    for number in range(9):
        options = [("grpc.use_local_subchannel_pool", 1), ("test.number", number)]
        channel = grpc.insecure_channel(night.server.address, options)
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
        night.keep(channel)


def encrypted(folder: Path) -> tuple[str, ...]:
    """With certificates that are good for a day."""
    signed(folder, "ca", None, None)
    signed(folder, "server", folder / "ca", SERVER)
    files = {"certificate_file": "server.pem", "key_file": "server.key", "client_ca_file": "ca.pem"}
    return setting("server.tls.reload_interval=1s", *(f"server.tls.{key}={folder / file}" for key, file in files.items()))


def certificate_emptied(night: Night) -> None:
    (night.folder / "server.pem").write_text("")


def by_policies(folder: Path) -> tuple[str, ...]:
    """Whoever calls may everything."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "all.cedar").write_text("permit (principal, action, resource);")
    return setting(f"access.policies={policies}", "access.policy_reload_interval=1s")


def by_a_glass(folder: Path) -> tuple[str, ...]:
    """Whoever calls may everything, and alone."""
    flags = by_policies(folder)
    text = '@id("night") @approval("break-glass") permit (principal, action, resource);'
    (folder / "policies" / "all.cedar").write_text(text)
    return flags


def glass_broken(night: Night) -> None:
    night.call("VaultService/UnlockVault", vault="nightly")


def policy_misspelt(night: Night) -> None:
    text = 'forbid (principal, action == Strongroom::Action::"DeleteVaults", resource);'
    (night.folder / "policies" / "more.cedar").write_text(text)


def out_of_descriptors(night: Night) -> None:
    """Connections that are at work, so that none makes room. Later all but a few of them are let go, for Prometheus gets in no
    sooner than a client does."""
    channels = []
    while "connections cannot be accepted" not in night.server.log.read_text():
        channel = grpc.insecure_channel(night.server.address, [("grpc.use_local_subchannel_pool", 1), ("test.n", len(channels))])
        channels.append((channel, health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())))
        assert len(channels) < 200, night.server.log.read_text()
    for channel, _ in channels:
        channel.close()


def credentials_do_not_count(night: Night) -> None:
    night.sandbox.spoil(service="*", rate=1.0, effect=error(403, "UnrecognizedClientException"))


def denied(night: Night) -> None:
    night.sandbox.spoil(service="backup", rate=1.0, effect=error(403, "AccessDeniedException"))


def throttled(night: Night) -> None:
    night.sandbox.spoil(service="backup", rate=1.0, effect="throttle")


def impatient(night: Night) -> None:
    for _ in range(4):
        night.begin("AccountService/GetServiceRole", 0.5, role=night.another())
    night.call("AccountService/GetServiceRole", 0.5, role=night.another())


def reached_and_lost(night: Night) -> None:
    list_vaults(night)
    series = f'strongroom_aws_scope_reachable{{namespace="{night.namespace}"}} == 1'
    night.prometheus.wait_until(lambda: night.prometheus.ask("query", query=series)["result"])
    aws_is_away(night)


def not_read(night: Night) -> None:
    """For an hour by AWS's clock, once it has been."""
    night.server.process.wait_until(lambda: night.shows("strongroom_feed_lag_seconds{"))
    # What is left of AWS tells the time, by which the lag is reckoned.
    night.sandbox.spoil(service="backup", rate=1.0, effect=error(500, "ServiceUnavailableException"))
    night.sandbox.advance("1h")


def covered(night: Night, **chosen) -> None:
    """A plan that backs databases up each day at five, and that they were seen under."""
    for rpc, fields in (
        ("AccountService/EnsureServiceRole", {}),
        ("VaultService/CreateVault", {"name": "nightly"}),
        ("PlanService/CreatePlan", {"name": "nightly", "rules": [{"name": "daily", "vault": "nightly"}]}),
        ("PlanService/CreateSelection", {"plan": "nightly", "name": "databases", "role": SERVICE_ROLE, **chosen}),
    ):
        assert night.call(rpc, **fields) == ""
    night.server.process.wait_until(lambda: night.shows("strongroom_plan_never_ran{"))


def backed_up_and_then_no_more(night: Night) -> None:
    covered(night, resources=[LABS])
    night.sandbox.advance("6h")
    night.server.process.wait_until(lambda: night.shows("strongroom_protection_rpo_ratio{"))
    assert night.alert("StrongroomRpoExceeded") is None
    night.sandbox.spoil(service="backup", rate=1.0, effect=error(500, "ServiceUnavailableException"))
    night.sandbox.advance("48h")


def without_a_role(night: Night) -> None:
    """AWS Backup reads no tags then, and makes no job of what would be selected by them."""
    assert night.call("ResourceService/TagResource", resource=LABS, tags={"backup": "nightly"}) == ""
    covered(night, match="MATCH_ALL", conditions=[{"key": "backup", "value": "nightly"}])
    iam = Aws(night.sandbox.url).iam
    for policy in POLICIES:
        iam.detach_role_policy(RoleName=SERVICE_ROLE, PolicyArn=policy)
    iam.delete_role(RoleName=SERVICE_ROLE)
    # The window of the run at five is over, and then a quarter of an hour.
    night.sandbox.advance("16h")


def two_backups_fail(night: Night) -> None:
    """Of a database whose own backups are made at five."""
    covered(night, resources=[LABS.replace("rdspg-fcj-labs", "mysql-legacy")])
    night.sandbox.advance("30h")


SERVICE_ROLE = "AWSBackupDefaultServiceRole"
FOLLOWING = setting("feed.enabled=true", "feed.interval=1s", "feed.busy_interval=1s", "feed.coverage_interval=1s")
FULL = setting("server.max_concurrent_requests=5", "server.max_share_per_connection=100", "server.max_share_per_address=100")

SCENARIOS: dict[str, Scenario] = {
    "StrongroomDown": Scenario(["it does not answer", "nor does its health"], begin=killed),
    "StrongroomPodDown": Scenario(["its admin port does not answer"], begin=killed),
    "StrongroomMetricsMissing": Scenario(["there is no strongroom_serving"], from_the_start=True),
    "StrongroomNotServing": Scenario(["draining"], ("--grace", "100s"), drained),
    "StrongroomRestarting": Scenario(["process_uptime_seconds", "process_memory_usage_bytes"], again=start_again),
    "StrongroomMemoryNearLimit": Scenario(
        ["process_memory_usage_bytes", "strongroom_aws_scopes", 'strongroom_door_limit{what="bytes"}'], from_the_start=True
    ),
    "StrongroomTelemetryLost": Scenario(
        ["strongroom_telemetry_export_failures_total"],
        ("--otlp-endpoint", f"http://{free_address()}", *setting("telemetry.metrics_interval=1s")),
        again=list_vaults,
        from_the_start=True,
    ),
    "StrongroomErrors": Scenario(['reason="AWS_UNAVAILABLE"', "ServiceUnavailableException"], (), aws_is_away, list_vaults),
    "StrongroomInternalError": Scenario(["no call has failed so", '"version"'], cannot_be_raised=True),
    "StrongroomOutcomeUnknown": Scenario(
        ["OUTCOME_UNKNOWN", "strongroom.v1.VaultService/CreateVault"],
        (),
        answers_get_lost,
        lambda night: night.call("VaultService/CreateVault", name=night.another()),
    ),
    "StrongroomSlow": Scenario(
        ['aws_operation="DescribeBackupVault"', "strongroom.v1.VaultService/GetVault"],
        (),
        slow,
        several_reads,
    ),
    "StrongroomFull": Scenario(
        ['strongroom_door_taken{what="calls"} 5', 'rpc_method="strongroom.v1.VaultService/ListVaults"} 5'], FULL, held_up
    ),
    "StrongroomRefusingCalls": Scenario(
        ["server.max_concurrent_requests", 'reason="OVERLOADED"'], FULL, held_up, list_vaults
    ),
    "StrongroomConnectionsNearLimit": Scenario(
        ["strongroom_connections_limit 10"], setting("server.max_connections=10", "server.max_connections_per_peer=10"), connected
    ),
    "StrongroomIssuerUnreadable": Scenario(
        ['outcome="failed"', "Connection refused", "keys kept: false"],
        setting(f"access.issuers.corp.issuer=http://{free_address()}", "access.issuers.corp.audiences=strongroom"),
        from_the_start=True,
    ),
    "StrongroomGlassBroken": Scenario(
        ["UnlockVault", "all.cedar:night", "anonymous"], by_a_glass, glass_broken, glass_broken
    ),
    "StrongroomPoliciesUnusable": Scenario(
        ["access.policies: ", "more.cedar", "strongroom_access_policies_usable 0", "the present policies stay"],
        by_policies,
        policy_misspelt,
    ),
    "StrongroomCertificateEnding": Scenario(
        ["server ends 20", "client_ca ends 20", "the gRPC port is encrypted"], encrypted, from_the_start=True
    ),
    "StrongroomCertificateUnusable": Scenario(
        ["strongroom_tls_files_usable 0", 'outcome="unusable"', "holds no certificate in PEM"], encrypted, certificate_emptied
    ),
    "StrongroomAcceptFailing": Scenario(
        ["strongroom_accept_failures_total", "process_open_file_descriptors", "cannot be accepted"], (), out_of_descriptors
    ),
    "StrongroomAuditUnavailable": Scenario(
        ["strongroom_audit_writable 0", "bring it back"], (), record_cut, make_another_vault
    ),
    "StrongroomAwsCredentials": Scenario(
        ["AWS takes nobody for us", "UnrecognizedClientException"], (), credentials_do_not_count, list_vaults
    ),
    "StrongroomAwsDenied": Scenario(["ListBackupVaults", 'outcome="denied"', "us-east-1"], (), denied, list_vaults),
    "StrongroomAwsThrottled": Scenario(
        ["strongroom_aws_throttles_total", 'aws_account_id="123456789012"'],
        setting("aws.least_rate=1000"),
        throttled,
        list_vaults,
    ),
    "StrongroomAwsBudgetSpent": Scenario(
        ["strongroom_aws_budget_refusals_total", "strongroom.v1.AccountService/GetServiceRole"],
        setting("aws.iam_rate=1"),
        again=impatient,
    ),
    "StrongroomAwsUnavailable": Scenario(
        ['outcome="unavailable"', "ServiceUnavailableException"], (), aws_is_away, list_vaults
    ),
    "StrongroomScopeUnreachable": Scenario(
        ["still not", 'strongroom_aws_scope_reachable{aws_account_id="123456789012",aws_region="us-east-1"} 0'],
        (),
        reached_and_lost,
        list_vaults,
    ),
    "StrongroomLedgerDown": Scenario(
        ["strongroom_ledger_up 0", "LEDGER_UNAVAILABLE"], setting("ledger.path=/dev/null/ledger.db", "feed.enabled=true"), from_the_start=True
    ),
    "StrongroomFeedLagging": Scenario(
        ['strongroom_worker_leads{role="feed"} 1', "strongroom_feed_lag_seconds", "failed: by the fault of a test"],
        FOLLOWING,
        not_read,
        list_vaults,
    ),
    "StrongroomRpoExceeded": Scenario(
        ["rdspg-fcj-labs", "strongroom_protection_rpo_exceeded", "strongroom_protection_age_seconds"],
        FOLLOWING,
        backed_up_and_then_no_more,
    ),
    "StrongroomRunsMissed": Scenario(
        ["rdspg-fcj-labs", "RUN_MISSED", 'plan_name="nightly"} 1'], FOLLOWING, without_a_role
    ),
    "StrongroomBackupsFailing": Scenario(
        ["mysql-legacy", "FAILED", "strongroom_database_consecutive_failures{"], FOLLOWING, two_backups_fail
    ),
}


@pytest.fixture(scope="module")
def prometheus_at_work(prometheus, tmp_path_factory):
    running = Prometheus(prometheus, tmp_path_factory.mktemp("prometheus"))
    yield running
    assert running.process.stop() == 0, running.process.log.read_text()


def printed(section: str, binary: Path, folder: Path, server: str, admin: str, log: Path) -> str:
    """What the commands of a section print. The first of them fails the test that fails."""
    commands = put_in({"127.0.0.1:50051": server, "127.0.0.1:9464": admin}, "\n".join(BLOCK.findall(section)))
    # What the page has its reader set beforehand; here the log is a file.
    prelude = f"""set -eu
export STRONGROOM_SERVER=http://{server} ADMIN=http://{admin}
logs() {{ cat '{log}'; }}
"""
    return run_script(prelude + commands, folder, programs(folder, binary), timeout=120).stdout


def test_every_alert_has_a_fault_that_raises_it():
    assert list(SCENARIOS) == list(rendered.alerts(rendered.rules()))


def test_the_first_looks_of_the_page_work(binary, sandbox, tmp_path):
    night = Night(binary, tmp_path, sandbox)
    said = printed(PAGE.sections()["Before anything else"], binary, tmp_path, night.server.address, night.admin, night.server.log)
    for shown in ("rdspg-fcj-labs", "serving", "123456789012", 'strongroom_door_taken{what="calls"}', '"version"'):
        assert shown in said, f"{shown}: {said}"
    night.end()


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_alert_and_its_section(name, binary, limited, sandbox, prometheus_at_work, tmp_path):
    scenario = SCENARIOS[name]
    program = limited if name == "StrongroomAcceptFailing" else binary
    flags = scenario.flags(tmp_path) if callable(scenario.flags) else scenario.flags
    night = Night(program, tmp_path, sandbox, *flags)
    foreigner = Foreigner() if name == "StrongroomMetricsMissing" else None
    admin = foreigner.address if foreigner else night.admin
    try:
        night.watched_by(prometheus_at_work, name.lower(), admin)
        if not scenario.from_the_start:
            assert night.alert(name) is None
        scenario.begin(night)

        def fires() -> bool:
            scenario.again(night)
            return night.alert(name) is not None

        if not scenario.cannot_be_raised:
            prometheus_at_work.wait_until(fires)
            description = night.alert(name)["annotations"]["description"]
            assert "error expanding" not in description and "<no value>" not in description
        said = printed(PAGE.sections()[name], binary, tmp_path, night.server.address, admin, night.server.log)
        for shown in scenario.shows:
            assert shown in said, f"{shown} is not in:\n{said}"
    finally:
        night.end()
        if foreigner:
            foreigner.end()
