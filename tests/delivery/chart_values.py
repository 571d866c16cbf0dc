"""Values that the tests render the chart with: what a user may say, all of it at once, and as little as there can be."""

# The least that an installation says: who may call. Here, whoever reaches the port.
OPEN = {"config": {"access": {"allow_anonymous": True}}}

EVERYTHING = {
    "image": {"digest": "sha256:" + "ab" * 32},
    "imagePullSecrets": [{"name": "registry"}],
    "config": {
        "audit": {"path": "/var/lib/strongroom/audit", "reads": True, "copy": ["stdout"]},
        "ledger": {
            "url": "postgres://strongroom@db.internal/strongroom?sslmode=verify-full",
            "password_file": "/etc/company/ledger-password",
            "keep": "60d",
            "scopes": ["eu-central-1", "210987654321/us-gov-west-1"],
            "lease": "30s",
        },
        "feed": {
            "enabled": False,
            "interval": "2m",
            "busy_interval": "5s",
            "points_interval": "1h",
            "coverage_interval": "10m",
            "queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/strongroom",
        },
        "server": {
            "listen": "[::]:8443",
            "max_request_bytes": 4194304,
            "max_request_elements": 1000,
            "max_header_bytes": 8192,
            "max_headers": 50,
            "max_buffered_bytes": 67108864,
            "max_concurrent_requests": 100000,
            "max_waits": 100,
            "max_watches": 10,
            "max_reflections": 1,
            "max_share_per_connection": 50,
            "max_share_per_address": 100,
            "message_timeout": "10s",
            "request_timeout": "2m 30s",
            "max_connections": 100,
            "max_connections_per_peer": 100,
            "max_streams_per_connection": 100,
            "connection_window": 65535,
            "handshake_timeout": "5s",
            "idle_timeout": "1h",
            "max_connection_age": "24h",
            "max_connection_age_grace": "0s",
            "unread_timeout": "1m",
            "keepalive_interval": "30s",
            "keepalive_timeout": "20s",
            "reflection": False,
        },
        "access": {
            "allow_anonymous": False,
            "default": "allow",
            "require": ["token"],
            "clock_skew": "30s",
            "max_calls_per_second": 0,
            "max_call_burst": 10,
            "max_jobs_per_minute": 1000000,
            "max_share_per_principal": 100,
            "policy_reload_interval": "1m",
            "issuers": {
                "corp": {
                    "issuer": "https://id.example.com/realms/corp",
                    "audiences": ["strongroom", 'quote " and <backslash> \\'],
                    "algorithms": ["ES256"],
                    "token_types": ["at+jwt"],
                    "jwks_uri": "https://keys.example.com/corp.json",
                    "ca_file": "/etc/company/ca.pem",
                    "principal_claim": "azp",
                    "groups_claim": "realm_access.roles",
                    "person_claim": "email",
                    "required_claims": {"hd": "example.com", "a.b": "x"},
                },
                "cluster": {"issuer": "https://kubernetes.default.svc", "audiences": ["s"], "jwks_file": "/keys.json"},
            },
        },
        "aws": {
            "region": "eu-central-1",
            "allowed_regions": ["eu-central-1", "us-gov-west-1"],
            "assume_role": "arn:aws:iam::{account}:role/Strong\"room",
            "external_id": 'quote " and <backslash> \\',
            "allowed_accounts": ["012345678901"],
            "endpoint_url": "https://vpce.example.com:8443/path",
            "connect_timeout": "500ms",
            "read_timeout": "10s",
            "attempt_timeout": "20s",
            "operation_timeout": "1m",
            "max_attempts": 10,
            "role_propagation_wait": "0s",
        },
        "admin": {"listen": "[::]:9999"},
        "shutdown": {"grace": "120s"},
        "log": {"format": "text", "level": "info,strongroom::aws=debug"},
        "telemetry": {
            "otlp_endpoint": "https://otel-collector.observability:4317",
            "otlp_ca_file": "/etc/company/ca.pem",
            "otlp_certificate_file": "/etc/company/tls.crt",
            "otlp_key_file": "/etc/company/tls.key",
            "logs": False,
            "service_name": "strongroom-eu",
            "sample_ratio": 0.25,
            "metrics_interval": "15s",
            "max_databases": 50,
        },
    },
    "tls": {
        "certManager": {
            "enabled": True,
            "issuerRef": {"name": "internal", "kind": "ClusterIssuer", "group": "cert-manager.io"},
            "dnsNames": ["strongroom.example.com"],
        },
        "clientCa": {"configMapName": "clients", "key": "ca.pem"},
        "clientCertificate": "optional",
        "minVersion": "1.3",
        "reloadInterval": "1m",
    },
    "access": {"policies": {"configMapName": "policies"}},
    "tests": {"timeout": "5s", "tokenAudience": "strongroom", "certificateSecret": "caller"},
    "commonLabels": {"example.com/cost-centre": "4711"},
    "commonAnnotations": {"example.com/source": "git"},
    "extraEnv": [{"name": "AWS_PROFILE", "value": "backup"}],
    "extraArgs": ["--set", "aws.least_rate=10"],
    "extraVolumes": [
        {"name": "ca", "configMap": {"name": "company-ca"}},
        {"name": "disk", "hostPath": {"path": "/mnt/strongroom"}},
    ],
    "extraVolumeMounts": [
        {"name": "ca", "mountPath": "/etc/company", "readOnly": True},
        {"name": "disk", "mountPath": "/var/lib/strongroom"},
    ],
    "initContainers": [{"name": "wait", "image": "example.com/wait:1"}],
    "sidecars": [{"name": "tls", "image": "example.com/envoy:1", "ports": [{"containerPort": 8444}]}],
    "podSecurityContext": {"supplementalGroups": [4711]},
    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
    "serviceAccount": {
        "roleArn": "arn:aws:iam::123456789012:role/strongroom",
        "annotations": {"example.com/owner": "platform"},
    },
    "service": {"headless": True, "appProtocol": "grpc", "annotations": {"example.com/a": "b"}, "metricsPort": 9090},
    "grpcRoute": {
        "enabled": True,
        "parentRefs": [{"name": "internal", "namespace": "gateways", "sectionName": "grpc"}],
        "hostnames": ["strongroom.example.com"],
        "matches": [{"method": {"type": "Exact", "service": "strongroom.v1.VaultService"}}],
        "filters": [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-caller", "value": "gateway"}]}}
        ],
    },
    "serviceMonitor": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "interval": "15s",
        "relabelings": [{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}],
        "metricRelabelings": [{"sourceLabels": ["le"], "regex": "180.*", "action": "drop"}],
    },
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}, "alertLabels": {"team": "platform"}},
    "dashboard": {"enabled": True, "annotations": {"grafana_folder": "Backup"}},
    "autoscaling": {"enabled": True, "minReplicas": 3, "maxReplicas": 9},
    "podDisruptionBudget": {"maxUnavailable": "25%"},
    "networkPolicy": {
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}],
        "from": [{"namespaceSelector": {"matchLabels": {"team": "portal"}}}],
        "extraEgress": [{"ports": [{"port": 4317, "protocol": "TCP"}]}],
    },
    "podLabels": {"team": "platform"},
    "podAnnotations": {"example.com/scrape": "false"},
    "priorityClassName": "high",
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "backup", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
}

BARE = {
    "replicaCount": 1,
    "serviceAccount": {"create": False, "name": "existing"},
    "config": {"access": {"allow_anonymous": True}, "admin": {"listen": "off"}},
    "podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None, "fsGroupChangePolicy": None},
    "service": {"type": "LoadBalancer"},
    "preStopSleepSeconds": 0,
    "podDisruptionBudget": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "topologySpreadConstraints": [],
}

# A development cluster.
SANDBOX = {
    "sandbox": {"enabled": True, "port": 80},
    "image": {"tag": "main"},
    "config": {
        "access": {"allow_anonymous": True},
        "sandbox": {
            "listen": "[::]:4566",
            "account": "012345678901",
            "region": "eu-central-1",
            "clock": "manual",
            "start": "2026-01-31T04:00:00Z",
            "job_start_delay": "1s",
            "job_run_time": "2s",
            "role_propagation": "3s",
        }
    },
}

# Pods that have volumes of their own, and all their secrets in Secrets.
RECORD = {
    "tls": {"secretName": "mine", "clientCa": {"secretName": "clients"}, "clientCertificate": "required"},
    "audit": {
        "persistence": {
            "enabled": True,
            "size": "20Gi",
            "storageClassName": "encrypted",
            "accessModes": ["ReadWriteOncePod"],
        },
        "hmacKey": {"secretName": "keys", "key": "of-the-record"},
    },
    "autoscaling": {"enabled": True},
}

# The same on one volume.
SHARED = {
    "config": {"access": {"allow_anonymous": True}},
    "audit": {"persistence": {"enabled": True, "existingClaim": "record"}},
    "extraEnv": [{"name": "AWS_PROFILE", "value": "backup"}],
}

# What is remembered, on a volume of one pod, beside its record.
REMEMBERED = {
    "config": {"access": {"allow_anonymous": True}},
    "replicaCount": 1,
    "audit": {"persistence": {"enabled": True}},
    "ledger": {"persistence": {"enabled": True, "size": "20Gi", "storageClassName": "encrypted", "accessModes": ["ReadWriteOncePod"]}},
}

# The same on a volume that is there.
REMEMBERED_THERE = {
    "config": {"access": {"allow_anonymous": True}},
    "replicaCount": 1,
    "ledger": {"persistence": {"enabled": True, "existingClaim": "ledger"}},
}

# In a database that several have.
DATABASE = {
    "config": {"access": {"allow_anonymous": True}, "ledger": {"url": "postgres://strongroom@db.internal/strongroom?sslmode=verify-full"}},
    "replicaCount": 3,
    "ledger": {"password": {"secretName": "ledger", "key": "of-strongroom"}},
}

VALUES = {
    "remembered": REMEMBERED,
    "remembered-there": REMEMBERED_THERE,
    "database": DATABASE,
    "open": OPEN,
    "everything": EVERYTHING,
    "bare": BARE,
    "sandbox": SANDBOX,
    "record": RECORD,
    "shared": SHARED,
}
