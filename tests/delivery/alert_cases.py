"""For each alert, what Prometheus sees when it must fire, and when it must not.

Samples come every 30 seconds, in promtool's notation: `0+1x60` begins at 0 and grows by one for 60 samples, `_` is none.
"""

from typing import NamedTuple


class Case(NamedTuple):
    sentence: str
    at: str
    series: dict[str, str]
    firing: int = 0


MIB = 1048576
ACCOUNT = 'aws_account_id="123456789012",aws_region="eu-central-1",aws_service="backup"'
GET, CREATE = "strongroom.v1.VaultService/GetVault", "strongroom.v1.VaultService/CreateVault"


def calls(method: str, code: str) -> str:
    return f'rpc_server_call_duration_seconds_count{{rpc_method="{method}",rpc_response_status_code="{code}"}}'


def failures(reason: str, code: str, method: str = GET) -> str:
    labels = f'rpc_method="{method}",rpc_response_status_code="{code}",reason="{reason}"'
    return f"strongroom_rpc_failures_total{{{labels}}}"


def bucket(le: str) -> str:
    labels = f'rpc_method="{GET}",rpc_response_status_code="OK",le="{le}"'
    return f"rpc_server_call_duration_seconds_bucket{{{labels}}}"


def aws(name: str, outcome: str = "") -> str:
    return f"strongroom_aws_{name}_total{{{ACCOUNT}" + (f',outcome="{outcome}"}}' if outcome else "}")


def reachable(value: str) -> dict[str, str]:
    return {'strongroom_aws_scope_reachable{aws_account_id="210987654321",aws_region="eu-central-1"}': value}


def lag(values: str, region: str = "eu-central-1") -> dict[str, str]:
    return {f'strongroom_feed_lag_seconds{{aws_account_id="123456789012",aws_region="{region}"}}': values}


def of_type(metric: str, values: str, region: str = "eu-central-1") -> dict[str, str]:
    labels = f'aws_account_id="123456789012",aws_region="{region}",resource_type="RDS"'
    return {f"strongroom_protection_{metric}{{{labels}}}": values}


def missed(values: str, plan: str = "nightly") -> dict[str, str]:
    labels = f'aws_account_id="123456789012",aws_region="eu-central-1",plan_id="id-of-{plan}",plan_name="{plan}"'
    return {f"strongroom_plan_missed_runs{{{labels}}}": values}


CASES: dict[str, list[Case]] = {
    "StrongroomDown": [
        Case("no pod answers", "5m", {"up": "1x2 0x20"}, 1),
        Case("Prometheus knows of no pod at all", "5m", {}, 1),
        Case("one of two pods answers", "10m", {"up": "0x30", 'up{pod="b",instance="b"}': "1x30"}),
        Case("one scrape of a single pod fails", "5m", {"up": "1x6 0 1x20"}),
    ],
    "StrongroomPodDown": [
        Case("one of two pods does not answer", "15m", {"up": "0x40", 'up{pod="b",instance="b"}': "1x40"}, 1),
        Case("a pod is replaced within minutes", "15m", {"up": "1x10 0x10 1x20"}),
    ],
    "StrongroomMetricsMissing": [
        Case("a pod answers with other metrics", "15m", {"up": "1x40"}, 1),
        Case("a pod answers with its metrics", "15m", {"up": "1x40", "strongroom_serving": "1x40"}),
        Case("a pod is down, which StrongroomPodDown tells", "15m", {"up": "0x40"}),
    ],
    "StrongroomNotServing": [
        Case("the only pod is not serving", "5m", {"strongroom_serving": "1x2 0x20"}, 1),
        Case("one of two pods drains", "9m", {
            "strongroom_serving": "1x2 0x20",
            'strongroom_serving{pod="b",instance="b"}': "1x20",
        }),
        Case("a start takes a minute", "5m", {"strongroom_serving": "0x2 1x20"}),
    ],
    "StrongroomRestarting": [
        Case("a pod starts three times in an hour", "50m", {"process_uptime_seconds": "0+30x20 0+30x20 0+30x20 0+30x40"}, 1),
        Case("a pod starts twice in an hour", "50m", {"process_uptime_seconds": "0+30x30 0+30x30 0+30x40"}),
    ],
    "StrongroomMemoryNearLimit": [
        Case("nine tenths of the limit are taken", "15m", {"process_memory_usage_bytes": f"{230 * MIB}x40"}, 1),
        Case("a flood takes them for five minutes", "15m", {
            "process_memory_usage_bytes": f"{60 * MIB}x10 {240 * MIB}x10 {60 * MIB}x20"
        }),
    ],
    "StrongroomTelemetryLost": [
        Case("the collector takes nothing", "20m", {"strongroom_telemetry_export_failures_total": "0+1x50"}, 1),
        Case("it begins to fail at the very start", "3m", {"strongroom_telemetry_export_failures_total": "4+1x50"}, 1),
        Case("one batch is lost when the collector restarts", "20m", {
            "strongroom_telemetry_export_failures_total": "0x10 1x40"
        }),
    ],
    "StrongroomErrors": [
        Case("a tenth of the calls fail by AWS", "20m", {
            calls(GET, "OK"): "0+90x50", calls(GET, "UNAVAILABLE"): "0+10x50"
        }, 1),
        Case("all calls fail from the first on", "12m", {calls(GET, "UNAVAILABLE"): "_x4 5+5x50"}, 1),
        Case("callers ask for vaults that are not there", "20m", {
            calls(GET, "OK"): "0+10x50", calls(GET, "NOT_FOUND"): "0+90x50"
        }),
        Case("three of four calls of a quiet hour fail", "20m", {
            calls(GET, "OK"): "0x20 1x30", calls(GET, "UNAVAILABLE"): "0x20 3x30"
        }),
        Case("health checks fail while the server drains", "20m", {
            calls("grpc.health.v1.Health/Check", "UNAVAILABLE"): "0+10x50", calls(GET, "OK"): "0+10x50"
        }),
    ],
    "StrongroomInternalError": [
        Case("the first call that fails so", "12m", {calls(GET, "INTERNAL"): "_x10 1x30", calls(GET, "OK"): "0+1x50"}, 1),
        Case("AWS fails", "12m", {calls(GET, "UNAVAILABLE"): "_x10 1x30"}),
        Case("it was an hour ago", "60m", {calls(GET, "INTERNAL"): "_x10 1x130"}),
    ],
    "StrongroomOutcomeUnknown": [
        Case("three changes", "12m", {failures("OUTCOME_UNKNOWN", "UNAVAILABLE", CREATE): "_x10 3x30"}, 1),
        Case("a single one, whose caller repeats it", "12m", {
            failures("OUTCOME_UNKNOWN", "UNAVAILABLE", CREATE): "_x10 1x30"
        }),
    ],
    "StrongroomSlow": [
        Case("a tenth of the reads takes ten seconds", "25m", {
            calls(GET, "OK"): "0+20x60",
            bucket("5"): "0+18x60", bucket("10"): "0+20x60", bucket("+Inf"): "0+20x60",
        }, 1),
        Case("reads are fast", "25m", {
            calls(GET, "OK"): "0+20x60", bucket("0.1"): "0+20x60", bucket("5"): "0+20x60", bucket("+Inf"): "0+20x60",
        }),
        Case("the only read of a quiet hour is slow", "25m", {
            calls(GET, "OK"): "0x20 1x40", bucket("5"): "0x60", bucket("10"): "0x20 1x40", bucket("+Inf"): "0x20 1x40",
        }),
        Case("a change waits for IAM to propagate", "25m", {
            calls(CREATE, "OK"): "0+20x60",
            'rpc_server_call_duration_seconds_bucket{rpc_method="strongroom.v1.JobService/StartBackup",le="5"}': "0x60",
            'rpc_server_call_duration_seconds_bucket{rpc_method="strongroom.v1.JobService/StartBackup",le="+Inf"}': "0+20x60",
        }),
    ],
    "StrongroomFull": [
        Case("nine tenths of the places are taken", "10m", {
            'strongroom_door_taken{what="calls"}': "922x30", 'strongroom_door_limit{what="calls"}': "1024x30",
            'strongroom_door_taken{what="watches"}': "4x30", 'strongroom_door_limit{what="watches"}': "1024x30",
        }, 1),
        Case("a burst of two minutes", "10m", {
            'strongroom_door_taken{what="calls"}': "4x10 1000x4 4x20", 'strongroom_door_limit{what="calls"}': "1024x40",
        }),
    ],
    "StrongroomRefusingCalls": [
        Case("a twentieth of the calls is refused", "12m", {
            calls(GET, "OK"): "0+95x50", calls(GET, "RESOURCE_EXHAUSTED"): "0+5x50",
            failures("OVERLOADED", "RESOURCE_EXHAUSTED"): "0+5x50",
        }, 1),
        Case("AWS throttles, which is another reason of that code", "12m", {
            calls(GET, "OK"): "0+95x50", calls(GET, "RESOURCE_EXHAUSTED"): "0+5x50",
            failures("AWS_THROTTLED", "RESOURCE_EXHAUSTED"): "0+5x50",
        }),
        Case("a few are refused", "12m", {
            calls(GET, "OK"): "0+1x50", calls(GET, "RESOURCE_EXHAUSTED"): "_x10 3x40",
            failures("OVERLOADED", "RESOURCE_EXHAUSTED"): "_x10 3x40",
        }),
    ],
    "StrongroomConnectionsNearLimit": [
        Case("most are open", "15m", {"strongroom_connections": "1900x40", "strongroom_connections_limit": "2000x40"}, 1),
        Case("half are open", "15m", {"strongroom_connections": "1000x40", "strongroom_connections_limit": "2000x40"}),
    ],
    "StrongroomIssuerUnreadable": [
        Case("it is away", "40m", {
            'strongroom_access_key_reads_total{issuer="corp",outcome="ok"}': "1x80",
            'strongroom_access_key_reads_total{issuer="corp",outcome="failed"}': "_x40 1+1x60",
        }, 1),
        Case("one reading of several fails", "40m", {
            'strongroom_access_key_reads_total{issuer="corp",outcome="ok"}': "1+1x80",
            'strongroom_access_key_reads_total{issuer="corp",outcome="failed"}': "_x40 1+1x60",
        }),
        Case("another issuer is away for a moment", "60m", {
            'strongroom_access_key_reads_total{issuer="corp",outcome="failed"}': "_x20 1+1x4 5x120",
        }),
    ],
    "StrongroomGlassBroken": [
        Case("somebody is alone at night", "8m", {'strongroom_access_break_glass_total{action="DeleteVault"}': "_x8 1x40"}, 1),
        Case("it happens again", "12m", {'strongroom_access_break_glass_total{action="DeleteVault"}': "1x20 2x40"}, 1),
        Case("it was long ago", "60m", {'strongroom_access_break_glass_total{action="DeleteVault"}': "_x4 7x140"}),
    ],
    "StrongroomPoliciesUnusable": [
        Case("a policy names an action that there is not", "15m", {"strongroom_access_policies_usable": "1x6 0x40"}, 1),
        Case("one pod of two has the new files", "15m", {
            "strongroom_access_policies_usable": "1x40",
            'strongroom_access_policies_usable{pod="b",instance="b"}': "1x6 0x40",
        }, 1),
        Case("a file is written while it is read", "15m", {"strongroom_access_policies_usable": "1x6 0x2 1x40"}),
        Case("no pod decides by policies", "15m", {"strongroom_serving": "1x40"}),
    ],
    # promtool's time begins at 0.
    "StrongroomCertificateEnding": [
        Case("two days are left", "30m", {'strongroom_tls_certificate_not_after_seconds{certificate="server"}': "172800x60"}, 1),
        Case("it has ended", "40m", {'strongroom_tls_certificate_not_after_seconds{certificate="client_ca"}': "600x80"}, 1),
        Case("a month is left", "30m", {'strongroom_tls_certificate_not_after_seconds{certificate="server"}': "2592000x60"}),
        Case("it was renewed in time", "60m", {
            'strongroom_tls_certificate_not_after_seconds{certificate="server"}': "172800x10 2592000x120"
        }),
    ],
    "StrongroomCertificateUnusable": [
        Case("half a certificate is in the file", "15m", {"strongroom_tls_files_usable": "1x6 0x40"}, 1),
        Case("key and certificate come one after the other", "15m", {"strongroom_tls_files_usable": "1x6 0x2 1x40"}),
    ],
    "StrongroomAcceptFailing": [
        Case("the first failure", "4m", {"strongroom_accept_failures_total": "_x4 1x30"}, 1),
        Case("none since an hour", "60m", {"strongroom_accept_failures_total": "_x4 7x140"}),
    ],
    "StrongroomAuditUnavailable": [
        Case("the disk is full", "6m", {"strongroom_audit_failures_total": "0x6 0+30x30"}, 1),
        Case("it was full at the start of a process", "4m", {"strongroom_audit_failures_total": "_x4 30x30"}, 1),
        Case("nothing fails", "20m", {"strongroom_audit_failures_total": "0x50"}),
        Case("it was an hour ago", "60m", {"strongroom_audit_failures_total": "_x4 7x140"}),
    ],
    "StrongroomAwsCredentials": [
        Case("every call fails so", "10m", {failures("AWS_CREDENTIALS", "FAILED_PRECONDITION"): "_x6 1+1x40"}, 1),
        Case("a vault is locked, which has the same code", "10m", {
            failures("VAULT_LOCKED", "FAILED_PRECONDITION"): "_x6 1+1x40"
        }),
    ],
    "StrongroomAwsDenied": [
        Case("a permission is missing", "12m", {aws("calls", "denied"): "_x6 1+1x40", aws("calls", "ok"): "0+9x50"}, 1),
        Case("somebody asks once for what is denied", "12m", {aws("calls", "denied"): "_x6 1x40"}),
    ],
    "StrongroomAwsThrottled": [
        Case("a third of the attempts", "20m", {aws("throttles"): "0+5x50", aws("attempts"): "0+15x50"}, 1),
        Case("one in fifty", "20m", {aws("throttles"): "0+5x50", aws("attempts"): "0+250x50"}),
        Case("two of three, in a quiet hour", "20m", {aws("throttles"): "_x20 2x30", aws("attempts"): "_x20 3x30"}),
    ],
    "StrongroomAwsBudgetSpent": [
        Case("calls are not sent", "12m", {aws("budget_refusals"): "_x6 3+3x40"}, 1),
        Case("a burst has some of them not sent", "12m", {aws("budget_refusals"): "_x6 3x40"}),
    ],
    "StrongroomAwsUnavailable": [
        Case("half of the calls", "12m", {aws("calls", "unavailable"): "0+2x40", aws("calls", "ok"): "0+2x40"}, 1),
        Case("all calls from the first on", "12m", {aws("calls", "unavailable"): "_x6 1+1x40"}, 1),
        Case("AWS hangs until callers give up", "12m", {aws("calls", "out_of_time"): "0+2x40", aws("calls", "ok"): "0+2x40"}, 1),
        Case("one in a hundred", "12m", {aws("calls", "unavailable"): "0+2x40", aws("calls", "ok"): "0+198x40"}),
        Case("what is asked for is not there", "12m", {aws("calls", "not_found"): "0+10x40"}),
    ],
    "StrongroomScopeUnreachable": [
        Case("the role can no longer be assumed", "40m", reachable("1x20 0x100"), 1),
        Case("somebody names an account that never let us in", "40m", reachable("0x120")),
        Case("it can be again", "40m", reachable("1x20 0x10 1x100")),
        Case("nobody asked for it lately, and its clients are gone", "40m", reachable("1x20 0x10 _x100")),
    ],
    "StrongroomLedgerDown": [
        Case("the database is away", "10m", {"strongroom_ledger_up": "1x4 0x30"}, 1),
        Case("it never answered", "5m", {"strongroom_ledger_up": "0x30"}, 1),
        Case("it starts anew", "10m", {"strongroom_ledger_up": "1x6 0x2 1x30"}),
    ],
    "StrongroomFeedLagging": [
        Case("AWS is not read", "40m", lag("0+30x100"), 1),
        Case("one account of two is not read", "40m", lag("0+30x100") | lag("30x100", "eu-west-1"), 1),
        Case("it is read each minute", "40m", lag("30x100")),
        Case("a look takes ten minutes", "40m", lag("0+30x20 0x80")),
        Case("the leader goes, and another reads", "40m", lag("30x20 0+30x4 30x80")),
    ],
    "StrongroomRpoExceeded": [
        Case("a backup is a day late", "30m", of_type("rpo_ratio", "1.9+0.001x100"), 1),
        Case("one region of two is well", "30m", of_type("rpo_ratio", "2x100") | of_type("rpo_ratio", "0.3x100", "eu-west-1"), 1),
        Case("every run makes its backup", "30m", of_type("rpo_ratio", "0.5+0.005x100")),
        Case("tonight's backup takes longer than last night's", "30m", of_type("rpo_ratio", "0.98+0.001x100")),
        Case("none has ever completed, which other alerts tell", "30m", of_type("consecutive_failures", "1x100")),
    ],
    "StrongroomRunsMissed": [
        Case("a run left no job", "30m", missed("0x10 1x90"), 1),
        Case("runs of two plans did", "30m", missed("1x100") | missed("3x100", "hourly"), 2),
        Case("none did", "30m", missed("0x100")),
        Case("a later backup has made up for it", "40m", missed("1x10 0x90")),
    ],
    "StrongroomBackupsFailing": [
        Case("three fail one after the other", "30m", of_type("consecutive_failures", "0x10 3x90"), 1),
        Case("one fails", "30m", of_type("consecutive_failures", "0x10 1x90")),
        Case("the third one completes", "40m", of_type("consecutive_failures", "2x10 0x90")),
    ],
}
