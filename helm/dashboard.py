"""Writes helm/strongroom/files/dashboard.json, the dashboard of Grafana. `make chart` runs it; a test holds that it was run.

A panel is a line of PANELS: its title, its unit, how wide it is, and what it shows.
"""

import json
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parent / "strongroom/files/dashboard.json"

# Which series are meant: `{S}` in an expression.
SELECTOR = 'namespace=~"$namespace",job=~"$job"'
READS = 'rpc_method=~"strongroom[.].*/(Get|List|Explain|Preview).*"'
CHANGES = 'rpc_method=~"strongroom[.].*",rpc_method!~"strongroom[.].*/(Get|List|Explain|Preview).*"'
CALLS = 'rpc_method!~"grpc[.].*"'
FAULTS = 'rpc_response_status_code=~"UNAVAILABLE|INTERNAL|UNKNOWN|DATA_LOSS|DEADLINE_EXCEEDED"'


class Panel(NamedTuple):
    title: str
    description: str
    unit: str
    # Of 24 columns.
    width: int
    # Expression and legend.
    shows: list[tuple[str, str]]
    kind: str = "timeseries"


def quantiles(metric: str, selector: str, labels: str = "", *wanted: float) -> list[tuple[str, str]]:
    by = f"{labels}, le" if labels else "le"
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in labels.split(",") if label)
    shows = []
    for quantile in wanted:
        inner = f"sum by ({by}) (rate({metric}_bucket{{$S{selector}}}[$__rate_interval]))"
        shows.append((f"histogram_quantile({quantile}, {inner})", f"{legend} {quantile:.0%}".strip()))
    return shows


def rate(metric: str, by: str, selector: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{$S{selector}}}[$__rate_interval]))"


TYPE = "aws_account_id, aws_region, resource_type"
PLAN = "aws_account_id, aws_region, plan_id, plan_name"
SCOPE_LEGEND = "{{aws_account_id}} {{aws_region}}"


def every(metric: str, by: str, selector: str = "") -> str:
    """What every pod tells alike, once."""
    return f"max by ({by}) ({metric}{{$S{selector}}})"


ROWS: dict[str, list[Panel]] = {
    "At a glance": [
        Panel("Pods that serve", "strongroom_serving: 0 before the start is done and while it drains.", "none", 4,
              [("sum(strongroom_serving{$S})", "")], "stat"),
        Panel("Calls a second", "Without health checks and reflection.", "reqps", 4,
              [(f"sum(rate(rpc_server_call_duration_seconds_count{{$S,{CALLS}}}[$__rate_interval]))", "")], "stat"),
        Panel("Calls that fail", "Through no fault of their callers: what StrongroomErrors counts.", "percentunit", 4,
              [(f"sum(rate(rpc_server_call_duration_seconds_count{{$S,{CALLS},{FAULTS}}}[$__rate_interval]))"
                f" / sum(rate(rpc_server_call_duration_seconds_count{{$S,{CALLS}}}[$__rate_interval]))", "")], "stat"),
        Panel("Reads, 95 %", "So long at most do nineteen reads of twenty take.", "s", 4,
              quantiles("rpc_server_call_duration_seconds", f",{READS}", "", 0.95), "stat"),
        Panel("Accounts that cannot be reached", "Of those whose clients are kept.", "none", 4,
              [("count(strongroom_aws_scope_reachable{$S} == 0) or vector(0)", "")], "stat"),
        Panel("Versions", "What runs.", "none", 4,
              [("count by (version, revision) (strongroom_build_info{$S})", "{{version}} {{revision}}")], "stat"),
    ],
    "Backups": [
        Panel("Databases without a backup as recent as promised", "What StrongroomRpoExceeded is about, from a ratio of 1 on.", "none", 6,
              [(f"sum({every('strongroom_protection_rpo_exceeded', TYPE)})", "")], "stat"),
        Panel("Databases that nothing covers", "No rule of any plan selects them.", "none", 6,
              [("sum(" + every("strongroom_protection_databases", TYPE, ',verdict="NOT_PROTECTED"') + ")", "")], "stat"),
        Panel("Runs that were missed", "They left no job, and no later backup has made up for them.", "none", 6,
              [(f"sum({every('strongroom_plan_missed_runs', PLAN)})", "")], "stat"),
        Panel("Incidents that nobody looks after", "strongroom incident list --state open.", "none", 6,
              [("sum(" + every("strongroom_incidents", "aws_account_id, aws_region, cause", ',state="OPEN"') + ") or vector(0)", "")], "stat"),
    ],
    "Protection of databases": [
        Panel("Databases by verdict", "", "none", 8,
              [(f"sum by (verdict) ({every('strongroom_protection_databases', f'{TYPE}, verdict')})", "{{verdict}}")]),
        Panel("Age of the oldest last backup, against what is promised", "By account, region and type. 1 and less: on time.", "none", 8,
              [(every("strongroom_protection_rpo_ratio", TYPE), SCOPE_LEGEND + " {{resource_type}}")]),
        Panel("Oldest last backup", "By account, region and type.", "dateTimeAsIso", 8,
              [(f"1000 * {every('strongroom_protection_oldest_success_seconds', TYPE)}", SCOPE_LEGEND + " {{resource_type}}")]),
        Panel("Most failures one after the other", "By account, region and type.", "none", 8,
              [(every("strongroom_protection_consecutive_failures", TYPE), SCOPE_LEGEND + " {{resource_type}}")]),
        Panel("Covered, and never backed up by a rule", "By account, region and type.", "none", 8,
              [(every("strongroom_protection_never_ran", TYPE), SCOPE_LEGEND + " {{resource_type}}")]),
        Panel("Incidents by cause", "", "none", 8,
              [(f"sum by (cause, state) ({every('strongroom_incidents', 'aws_account_id, aws_region, cause, state')})", "{{cause}} {{state}}")]),
        Panel("How long ago databases were looked at", "By account and region.", "s", 8,
              [(every("strongroom_protection_age_seconds", "aws_account_id, aws_region"), SCOPE_LEGEND)]),
        Panel("Databases without metrics of their own", "Bounded by telemetry.max_databases.", "none", 8,
              [("max(strongroom_database_left_out{$S})", "")]),
        Panel("Databases that never ran", "Of those that have metrics of their own.", "none", 8,
              [("max by (resource_arn) (strongroom_database_never_ran{$S}) == 1", "{{resource_arn}}")]),
    ],
    "Plans": [
        Panel("Databases that it covers", "", "none", 8,
              [(f"sum by (plan_name) ({every('strongroom_plan_databases', PLAN)})", "{{plan_name}}")]),
        Panel("Runs that were missed, by plan", "", "none", 8, [(every("strongroom_plan_missed_runs", PLAN) + " > 0", "{{plan_name}}")]),
        Panel("Age of the oldest last backup, by plan", "Against what is promised. The ten worst.", "none", 8,
              [(f"topk(10, {every('strongroom_plan_rpo_ratio', PLAN)})", "{{plan_name}}")]),
        Panel("Databases without a backup as recent as promised, by plan", "", "none", 8,
              [(every("strongroom_plan_rpo_exceeded", PLAN) + " > 0", "{{plan_name}}")]),
        Panel("Most failures one after the other, by plan", "", "none", 8,
              [(every("strongroom_plan_consecutive_failures", PLAN) + " > 0", "{{plan_name}}")]),
        Panel("Databases that never ran, by plan", "", "none", 8,
              [(every("strongroom_plan_never_ran", PLAN) + " > 0", "{{plan_name}}")]),
        Panel("Oldest last backup, by plan", "The ten oldest.", "dateTimeAsIso", 24,
              [(f"1000 * bottomk(10, {every('strongroom_plan_oldest_success_seconds', PLAN)})", "{{plan_name}}")]),
    ],
    "The worst databases": [
        Panel("Age of the last backup, against what is promised", "The ten worst of those that have metrics of their own.", "none", 8,
              [(f"topk(10, {every('strongroom_database_rpo_ratio', 'resource_arn')})", "{{resource_arn}}")]),
        Panel("Failures one after the other", "The ten with the most.", "none", 8,
              [(f"topk(10, {every('strongroom_database_consecutive_failures', 'resource_arn')} > 0)", "{{resource_arn}}")]),
        Panel("Last backup", "The ten oldest.", "dateTimeAsIso", 8,
              [(f"1000 * bottomk(10, {every('strongroom_database_last_success_seconds', 'resource_arn')})", "{{resource_arn}}")]),
        Panel("Longest time between two backups", "As their rules promise; the ten longest.", "s", 24,
              [(f"topk(10, {every('strongroom_database_expected_interval_seconds', 'resource_arn')})", "{{resource_arn}}")]),
    ],
    "Calls": [
        Panel("Calls by code", "", "reqps", 8,
              [(rate("rpc_server_call_duration_seconds_count", "rpc_response_status_code", f",{CALLS}"),
                "{{rpc_response_status_code}}")]),
        Panel("Failures by reason", "The reason of the error; docs/errors.md explains each.", "reqps", 8,
              [(rate("strongroom_rpc_failures_total", "reason"), "{{reason}}")]),
        Panel("Calls by method", "The ten that are called most.", "reqps", 8,
              [(f"topk(10, {rate('rpc_server_call_duration_seconds_count', 'rpc_method', f',{CALLS}')})", "{{rpc_method}}")]),
        Panel("How long reads take", "", "s", 8, quantiles("rpc_server_call_duration_seconds", f",{READS}", "", 0.5, 0.95, 0.99)),
        Panel("How long changes take", "Some wait for IAM to propagate a role, which takes seconds to minutes.", "s", 8,
              quantiles("rpc_server_call_duration_seconds", f",{CHANGES}", "", 0.5, 0.95, 0.99)),
        Panel("The slowest methods, 95 %", "", "s", 8,
              [(f"topk(10, {expression})", legend) for expression, legend in
               quantiles("rpc_server_call_duration_seconds", f",{CALLS}", "rpc_method", 0.95)]),
        Panel("Calls under way", "", "none", 8,
              [("sum by (rpc_method) (strongroom_rpc_active{$S}) > 0", "{{rpc_method}}")]),
        Panel("Failures by method", "", "reqps", 8,
              [(f"topk(10, {rate('strongroom_rpc_failures_total', 'rpc_method, reason')})", "{{rpc_method}} {{reason}}")]),
        Panel("Sizes of messages, 95 %", "", "bytes", 8,
              [(expression, f"{what} {legend}") for what in ("request", "response") for expression, legend in
               quantiles(f"rpc_server_{what}_size_bytes", f",{CALLS}", "", 0.95)]),
    ],
    "The door": [
        Panel("Places that are taken", "Of each bound of the server; at 100 % calls are refused with OVERLOADED.", "percentunit", 8,
              [("max by (what) (strongroom_door_taken{$S} / strongroom_door_limit{$S})", "{{what}}")]),
        Panel("Calls refused because it was full", "", "reqps", 8,
              [(rate("strongroom_rpc_failures_total", "rpc_method", ',reason="OVERLOADED"'), "{{rpc_method}}")]),
        Panel("Credentials by outcome", "How callers' tokens and certificates were taken, or why they were not.", "reqps", 8,
              [(rate("strongroom_access_authentications_total", "issuer, outcome"), "{{issuer}} {{outcome}}")]),
        Panel("Readings of issuers' keys", "", "reqps", 8,
              [(rate("strongroom_access_key_reads_total", "issuer, outcome"), "{{issuer}} {{outcome}}")]),
        Panel("Calls that policies did not permit", "broken: something that a policy reads is not known.", "reqps", 8,
              [(f"topk(10, {rate('strongroom_access_denials_total', 'action, outcome')})", "{{action}} {{outcome}}")]),
        Panel("What takes two persons", "What became of approvals, and calls that were refused for the want of one.", "cps", 8,
              [(f"topk(10, {rate('strongroom_access_approvals_total', 'action, outcome')})", "{{action}} {{outcome}}")]),
        Panel("Done alone by breaking the glass", "", "cps", 8,
              [(rate("strongroom_access_break_glass_total", "action"), "{{action}}")]),
        Panel("Policies that hold", "", "none", 8,
              [("strongroom_access_policies{$S}", "{{pod}} {{instance}}")]),
        Panel("Pods that cannot use the files of their policies", "They go by those that they had.", "none", 8,
              [("strongroom_access_policies_usable{$S} == 0", "{{pod}} {{instance}}")]),
        Panel("Policies read anew", "When the files of access.policies had changed, by whether they could be used.", "cps", 8,
              [(rate("strongroom_access_policy_reads_total", "outcome"), "{{outcome}}")]),
        Panel("Certificates end in", "The first of the server's own, and the last authority of clients.", "s", 8,
              [("min by (certificate) (strongroom_tls_certificate_not_after_seconds{$S} - time())", "{{certificate}}")]),
        Panel("Pods that cannot use the files of their certificates", "They go on with what they had.", "none", 8,
              [("strongroom_tls_files_usable{$S} == 0", "{{pod}} {{instance}}")]),
        Panel("Certificates taken anew", "When the files of server.tls had changed, by whether they could be used.", "cps", 8,
              [(rate("strongroom_tls_certificate_reloads_total", "outcome"), "{{outcome}}")]),
        Panel("Connections", "", "none", 8,
              [("strongroom_connections{$S}", "{{pod}} {{instance}}"),
               ("max(strongroom_connections_limit{$S})", "limit of one pod")]),
        Panel("Connections that the server ended", "", "cps", 12,
              [(rate("strongroom_connections_ended_total", "reason"), "{{reason}}")]),
        Panel("Connections that could not be accepted", "As for want of file descriptors.", "cps", 12,
              [(rate("strongroom_accept_failures_total", "pod, instance"), "{{pod}} {{instance}}")]),
    ],
    "The audit record": [
        Panel("Pods whose record cannot be written", "They refuse every change with AUDIT_UNAVAILABLE.", "none", 8,
              [("strongroom_audit_writable{$S} == 0", "{{pod}} {{instance}}")]),
        Panel("Begins and ends of calls", "More begins than ends: calls under way.", "wps", 8,
              [(rate("strongroom_audit_events_total", "kind"), "{{kind}}")]),
        Panel("Writes that failed", "One is tried each second while the record cannot be written.", "wps", 8,
              [(rate("strongroom_audit_failures_total", "pod, instance"), "{{pod}} {{instance}}")]),
    ],
    "AWS": [
        Panel("Calls by outcome", "", "reqps", 8, [(rate("strongroom_aws_calls_total", "outcome"), "{{outcome}}")]),
        Panel("Calls by account, region and service", "The ten with the most calls.", "reqps", 8,
              [(f"topk(10, {rate('strongroom_aws_calls_total', 'aws_account_id, aws_region, aws_service')})",
                "{{aws_account_id}} {{aws_region}} {{aws_service}}")]),
        Panel("Calls that did not succeed", "By account, region and outcome.", "reqps", 8,
              [(rate("strongroom_aws_calls_total", "aws_account_id, aws_region, outcome", ',outcome!="ok"'),
                "{{aws_account_id}} {{aws_region}} {{outcome}}")]),
        Panel("The slowest operations, 95 %", "With all attempts and the pauses between them.", "s", 8,
              [(f"topk(10, {expression})", legend) for expression, legend in
               quantiles("strongroom_aws_call_duration_seconds", "", "aws_service, aws_operation", 0.95)]),
        Panel("Attempts that AWS throttles", "Share of the attempts.", "percentunit", 8,
              [(f"{rate('strongroom_aws_throttles_total', 'aws_account_id, aws_region, aws_service')}"
                f" / {rate('strongroom_aws_attempts_total', 'aws_account_id, aws_region, aws_service')}",
                "{{aws_account_id}} {{aws_region}} {{aws_service}}")]),
        Panel("Attempts for one call", "1: nothing is tried again.", "none", 8,
              [(f"{rate('strongroom_aws_attempts_total', 'aws_service')} / {rate('strongroom_aws_calls_total', 'aws_service')}",
                "{{aws_service}}")]),
        Panel("Waiting for a turn, 95 %", "Of the calls that had to wait for the budget.", "s", 8,
              quantiles("strongroom_aws_budget_wait_seconds", "", "aws_account_id, aws_region, aws_service", 0.95)),
        Panel("Not sent for want of budget", "Their callers got AWS_BUDGET_SPENT.", "reqps", 8,
              [(rate("strongroom_aws_budget_refusals_total", "aws_account_id, aws_region, aws_service"),
                "{{aws_account_id}} {{aws_region}} {{aws_service}}")]),
        Panel("Calls a second that are let go", "0, or nothing: as many as there are.", "reqps", 8,
              [("strongroom_aws_budget_rate{$S} > 0", "{{aws_account_id}} {{aws_region}} {{aws_service}} {{pod}}")]),
        Panel("Reads that share an answer", "sent to AWS, joined to an equal one in flight, or answered by what was kept.", "reqps", 8,
              [(rate("strongroom_aws_flights_total", "how"), "{{how}}")]),
        Panel("Accounts × regions whose clients are kept", "Bounded by aws.max_scopes.", "none", 8,
              [("strongroom_aws_scopes{$S}", "{{pod}} {{instance}}")]),
        Panel("Accounts that cannot be reached", "By account and region: 1 is reachable.", "none", 8,
              [("min by (aws_account_id, aws_region) (strongroom_aws_scope_reachable{$S}) == 0",
                "{{aws_account_id}} {{aws_region}}")]),
    ],
    "The ledger": [
        Panel("Pods whose ledger does not answer", "What needs it is LEDGER_UNAVAILABLE.", "none", 8,
              [("strongroom_ledger_up{$S} == 0", "{{pod}} {{instance}}")]),
        Panel("How far behind AWS it is", "By account and region; the same on every pod.", "s", 8,
              [("min by (aws_account_id, aws_region) (strongroom_feed_lag_seconds{$S})", "{{aws_account_id}} {{aws_region}}")]),
        Panel("Who leads", "The pod that does the work of the role for all.", "none", 8,
              [("strongroom_worker_leads{$S} == 1", "{{role}} {{pod}} {{instance}}")]),
        Panel("Events by outcome", "Messages of the queue of feed.queue_url.", "cps", 24,
              [(rate("strongroom_feed_events_total", "outcome"), "{{outcome}}")]),
    ],
    "The process": [
        Panel("Memory", "", "bytes", 8, [("process_memory_usage_bytes{$S}", "{{pod}} {{instance}}")]),
        Panel("Processor", "Cores.", "none", 8,
              [("rate(process_cpu_time_seconds_total{$S}[$__rate_interval])", "{{pod}} {{instance}}")]),
        Panel("Open file descriptors", "", "none", 8, [("process_open_file_descriptors{$S}", "{{pod}} {{instance}}")]),
        Panel("How long it runs", "Each fall to zero is a start.", "s", 12,
              [("process_uptime_seconds{$S}", "{{pod}} {{instance}}")]),
        Panel("Telemetry that was lost", "Batches that the collector did not take.", "cps", 12,
              [(rate("strongroom_telemetry_export_failures_total", "pod, instance"), "{{pod}} {{instance}}")]),
    ],
}


def variable(name: str, query: str, label: str) -> dict:
    return {
        "type": "query", "name": name, "label": label, "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1,
        "multi": True, "includeAll": True, "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]},
    }


def panel(given: Panel, number: int, x: int, y: int, height: int) -> dict:
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "expr": expression.replace("$S", SELECTOR),
            "legendFormat": legend or "__auto",
        }
        for index, (expression, legend) in enumerate(given.shows)
    ]
    made = {
        "id": number, "type": given.kind, "title": given.title, "description": given.description,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "gridPos": {"x": x, "y": y, "w": given.width, "h": height},
        "fieldConfig": {"defaults": {"unit": given.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }
    if given.kind == "stat":
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area", "textMode": "auto"}
    else:
        made["options"] = {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
                           "tooltip": {"mode": "multi", "sort": "desc"}}
    return made


def dashboard() -> dict:
    panels, y = [], 0
    for title, row in ROWS.items():
        panels.append({
            "id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": 24, "h": 1},
        })
        x, y = 0, y + 1
        height = 4 if row[0].kind == "stat" else 8
        for given in row:
            if x + given.width > 24:
                x, y = 0, y + height
            panels.append(panel(given, len(panels) + 1, x, y, height))
            x += given.width
        y += height
    of = 'strongroom_build_info{namespace=~"$namespace"}'
    return {
        "uid": "strongroom", "title": "Strongroom", "tags": ["strongroom", "aws-backup"], "schemaVersion": 39, "version": 1,
        "editable": True, "graphTooltip": 1, "refresh": "1m", "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser", "annotations": {"list": []},
        "links": [{
            "type": "link", "title": "Runbook", "icon": "doc", "targetBlank": True,
            "url": "https://github.com/strongroom/strongroom/blob/main/docs/runbook.md",
        }],
        "templating": {"list": [
            {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "current": {}},
            variable("namespace", "label_values(strongroom_build_info, namespace)", "Namespace"),
            variable("job", f"label_values({of}, job)", "Job"),
        ]},
        "panels": panels,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n")
