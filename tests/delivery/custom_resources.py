"""Kinds of the chart that Kubernetes itself does not have: those of the Prometheus Operator, of the
Gateway API and of cert-manager."""

OPERATOR = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"
GATEWAY = "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1"
CERTIFICATES = "@kubernetes-models/cert-manager/cert-manager.io/v1"

# Where the kind is, in the packages that are generated from the definitions of those projects.
CUSTOM = {
    "ServiceMonitor": f"{OPERATOR}/ServiceMonitor",
    "PrometheusRule": f"{OPERATOR}/PrometheusRule",
    "GRPCRoute": f"{GATEWAY}/GRPCRoute",
    "Certificate": f"{CERTIFICATES}/Certificate",
}
