"""What the server measures: every metric of /metrics, its type and its labels. Alerts and dashboard are held against it, and it
against a server that runs (tests/acceptance/test_metrics.py)."""

CALL = {"rpc_system_name", "rpc_method"}
FAMILY = {"aws_account_id", "aws_region", "aws_service"}
SCOPE = {"aws_account_id", "aws_region"}
TYPE = {*SCOPE, "resource_type"}
PLAN = {*SCOPE, "plan_id", "plan_name"}
DATABASE = {*TYPE, "resource_arn"}

METRICS: dict[str, tuple[str, set[str]]] = {
    "rpc_server_call_duration_seconds": ("histogram", {*CALL, "rpc_response_status_code"}),
    "rpc_server_request_size_bytes": ("histogram", CALL),
    "rpc_server_response_size_bytes": ("histogram", CALL),
    "strongroom_rpc_active": ("gauge", {"rpc_method"}),
    "strongroom_rpc_failures_total": ("counter", {"rpc_method", "rpc_response_status_code", "reason"}),
    "strongroom_door_taken": ("gauge", {"what"}),
    "strongroom_door_limit": ("gauge", {"what"}),
    "strongroom_access_authentications_total": ("counter", {"issuer", "outcome"}),
    "strongroom_access_key_reads_total": ("counter", {"issuer", "outcome"}),
    "strongroom_access_approvals_total": ("counter", {"action", "outcome"}),
    "strongroom_access_break_glass_total": ("counter", {"action"}),
    "strongroom_access_denials_total": ("counter", {"action", "outcome"}),
    "strongroom_access_policies": ("gauge", set()),
    "strongroom_access_policies_usable": ("gauge", set()),
    "strongroom_access_policy_reads_total": ("counter", {"outcome"}),
    "strongroom_tls_certificate_not_after_seconds": ("gauge", {"certificate"}),
    "strongroom_tls_certificate_reloads_total": ("counter", {"outcome"}),
    "strongroom_tls_files_usable": ("gauge", set()),
    "strongroom_connections": ("gauge", set()),
    "strongroom_connections_limit": ("gauge", set()),
    "strongroom_connections_ended_total": ("counter", {"reason"}),
    "strongroom_accept_failures_total": ("counter", set()),
    "strongroom_audit_writable": ("gauge", set()),
    "strongroom_audit_events_total": ("counter", {"kind"}),
    "strongroom_audit_failures_total": ("counter", set()),
    "strongroom_aws_call_duration_seconds": ("histogram", {"aws_service", "aws_operation", "outcome"}),
    "strongroom_aws_calls_total": ("counter", {*FAMILY, "outcome"}),
    "strongroom_aws_attempts_total": ("counter", FAMILY),
    "strongroom_aws_throttles_total": ("counter", FAMILY),
    "strongroom_aws_flights_total": ("counter", {"aws_service", "aws_operation", "how"}),
    "strongroom_aws_budget_wait_seconds": ("histogram", FAMILY),
    "strongroom_aws_budget_refusals_total": ("counter", FAMILY),
    "strongroom_aws_budget_rate": ("gauge", FAMILY),
    "strongroom_aws_scopes": ("gauge", set()),
    "strongroom_aws_scope_reachable": ("gauge", {"aws_account_id", "aws_region"}),
    "strongroom_ledger_up": ("gauge", set()),
    "strongroom_worker_leads": ("gauge", {"role"}),
    "strongroom_feed_lag_seconds": ("gauge", {"aws_account_id", "aws_region"}),
    "strongroom_feed_events_total": ("counter", {"outcome"}),
    **{
        f"strongroom_{family}_{name}": ("gauge", {*labels, "verdict"} if name == "databases" else labels)
        for family, labels in {"protection": TYPE, "plan": PLAN}.items()
        for name in ("databases", "never_ran", "consecutive_failures", "oldest_success_seconds", "rpo_ratio", "rpo_exceeded")
    },
    "strongroom_protection_age_seconds": ("gauge", SCOPE),
    "strongroom_plan_missed_runs": ("gauge", PLAN),
    "strongroom_database_last_success_seconds": ("gauge", DATABASE),
    "strongroom_database_expected_interval_seconds": ("gauge", DATABASE),
    "strongroom_database_rpo_ratio": ("gauge", DATABASE),
    "strongroom_database_consecutive_failures": ("gauge", DATABASE),
    "strongroom_database_never_ran": ("gauge", DATABASE),
    "strongroom_database_left_out": ("gauge", set()),
    "strongroom_incidents": ("gauge", {*SCOPE, "cause", "state"}),
    "strongroom_serving": ("gauge", set()),
    "strongroom_build_info": ("gauge", {"version", "revision"}),
    "process_memory_usage_bytes": ("gauge", set()),
    "process_cpu_time_seconds_total": ("counter", set()),
    "process_open_file_descriptors": ("gauge", set()),
    "process_uptime_seconds": ("gauge", set()),
    "strongroom_telemetry_export_failures_total": ("counter", set()),
}

# What Prometheus and the ServiceMonitor put on every series.
BROUGHT = {"job", "namespace", "pod", "instance"}


def labels_of(series: str) -> set[str] | None:
    """The labels of a series, also of a histogram's parts; None: nobody measures it."""
    if series == "up":
        return BROUGHT
    if series in METRICS and METRICS[series][0] != "histogram":
        return METRICS[series][1] | BROUGHT
    for suffix, more in {"_bucket": {"le"}, "_count": set(), "_sum": set()}.items():
        kind, labels = METRICS.get(series.removesuffix(suffix), ("", set()))
        if series.endswith(suffix) and kind == "histogram":
            return labels | more | BROUGHT
    return None
