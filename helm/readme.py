"""Writes helm/strongroom/README.md out of the comments of values.yaml. `make chart` runs it; a test holds that it was run."""

import json
import re
from pathlib import Path

import yaml

CHART = Path(__file__).parent / "strongroom"

HEAD = """# The chart of Strongroom

{description}. Version {version}, for Kubernetes {kube}.

```
helm install backup helm/strongroom --namespace backup --create-namespace \\
  --values helm/examples/mtls.yaml \\
  --set config.aws.region=eu-central-1 \\
  --set serviceAccount.roleArn=arn:aws:iam::123456789012:role/strongroom
helm test backup --namespace backup
```

[docs/operations.md](../../docs/operations.md) tells what the role needs and how the server is run, and
[docs/runbook.md](../../docs/runbook.md) what to do at an alert.

## Who may call

There is no installation without an answer, and no default for it:

| callers | values |
|---|---|
| workloads of a cluster, by the tokens of their service accounts | [service-accounts.yaml](../examples/service-accounts.yaml), and [what a client needs](../examples/service-accounts-client.yaml) |
| whoever has a certificate, such as one of cert-manager | [mtls.yaml](../examples/mtls.yaml), and [what a client needs](../examples/mtls-client.yaml) |
| people and pipelines, by tokens of an OpenID Connect provider | `config.access.issuers`, with `tls` |
| whoever reaches the port, because the network policy, a mesh or a gateway keeps the gate | `config.access.allow_anonymous: true` |

Several can be had together. Kubernetes' gRPC probes speak no TLS: with `tls` the probes go to the admin port, over HTTP.

## What each caller may

Everything that the server's AWS identity can, until policies say it ([docs/security.md](../../docs/security.md#what-each-caller-may)). They are files in
Cedar, in a ConfigMap of the release's namespace that `access.policies.configMapName` names; it holds up to 1 MiB. Try them with
`strongroom access check` before each change, for a pod whose policies cannot be used does not start:

```
strongroom access check docs/samples/policies/teams
kubectl --namespace backup create configmap policies --from-file docs/samples/policies/teams --dry-run=client -o yaml | kubectl apply -f -
helm upgrade backup helm/strongroom --namespace backup --reuse-values --set access.policies.configMapName=policies
```

What is changed in the ConfigMap later is taken by all pods without a restart, within the minute or two that Kubernetes takes to bring it there.

## The record

`audit.persistence.enabled` keeps [the record](../../docs/audit.md) of what callers did. The pods are then those of a StatefulSet: each has a
volume of its own, a record of its own on it, and gets both back when it is replaced. Rolling out replaces one pod after the other, and
the old one ends first: have two pods at least. Switching it on replaces the Deployment. The volumes stay when pods
or the release go; `strongroom audit verify` reads what is on them, and ListAuditEvents that of the pod that is asked.

## The ledger

What the server [remembers](../../docs/ledger.md) is in each pod's memory, and gone with it, until one of the two is said:

| replicas | values |
|---|---|
| one, on a volume | `ledger.persistence.enabled: true`, `replicaCount: 1`. The pod is that of a StatefulSet; while it is replaced nobody answers. |
| several, on one PostgreSQL | `config.ledger.url`, and the password in `ledger.password.secretName`. Let the network policy's `networkPolicy.extraEgress` lead there. |

## Monitoring

For monitoring by the Prometheus Operator and Grafana:

```
helm upgrade backup helm/strongroom --namespace backup --reuse-values \\
  --set serviceMonitor.enabled=true --set prometheusRule.enabled=true --set dashboard.enabled=true \\
  --set serviceMonitor.labels.release=prometheus --set prometheusRule.labels.release=prometheus
```

Whether your Prometheus asks for a label, and which, its `serviceMonitorSelector` and `ruleSelector` say. Where it runs in another
namespace, the network policy must let it in (`networkPolicy.metricsFrom`).

For a development cluster without AWS, an imitation of AWS in the pod, which backs up nothing:

```
helm install sandbox helm/strongroom --namespace sandbox --create-namespace \\
  --set sandbox.enabled=true --set config.access.allow_anonymous=true
```

## Values

What is not listed is refused. Of `config`, what stands as – is left to the program, whose default
[docs/configuration.md](../../docs/configuration.md) tells.

<!-- By helm/readme.py from the comments of values.yaml: change them there, and run `make chart`. -->
"""

KEY = re.compile(r"^( *)([A-Za-z_]\w*):(?: (.*))?$")
COMMENT = re.compile(r"^( *)# ?(.*)$")
LEFT_OUT = re.compile(r"^([a-z_]\w*): \S")


class Row:
    """What one comment explains: a value or several."""

    def __init__(self, comment: list[str]):
        self.comment, self.values = " ".join(comment), []


def properties(schema: dict, node: dict, path: list[str]) -> dict:
    """What the schema knows at a path."""
    for key in path:
        node = node.get("properties", {}).get(key, {})
        if "$ref" in node:
            node = schema["definitions"][node["$ref"].rsplit("/", 1)[1]]
    return node.get("properties", {})


def shown(value) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def rows() -> list[Row]:
    text = (CHART / "values.yaml").read_text()
    values, schema = yaml.safe_load(text), json.loads((CHART / "values.schema.json").read_text())
    found, path, comment, explained = [], [], [], None
    for line in text.splitlines():
        if match := COMMENT.match(line):
            indent, words = len(match[1]) // 2, match[2]
            left_out = LEFT_OUT.match(words)
            if left_out and left_out[1] in properties(schema, schema, path[:indent]):
                if comment:
                    found.append(Row(comment))
                    comment = []
                found[-1].values.append((".".join([*path[:indent], left_out[1]]), "–"))
            else:
                comment.append(words)
        elif match := KEY.match(line):
            indent = len(match[1]) // 2
            path = [*path[:indent], match[2]]
            if explained and path[: len(explained)] == explained and len(path) > len(explained) and not comment:
                continue
            explained = None
            value = values
            for key in path:
                value = value[key]
            opens = match[3] is None
            if comment:
                found.append(Row(comment))
                explained = path if opens else None
            if comment or not opens:
                found[-1].values.append((".".join(path), shown(value)))
            comment = []
        elif not line.strip():
            comment = []
    return found


def sections() -> dict[str, list[Row]]:
    """The rows by where they stand: values that stand alone first, then block by block, those of `config` as its file has them."""
    found = {"": []}
    all_rows = rows()
    names = {name for row in all_rows for name, _ in row.values}
    for row in all_rows:
        parts = row.values[0][0].split(".")
        opens = any(name.startswith(f"{row.values[0][0]}.") for name in names)
        nested = len(parts) == 3 and parts[0] in ("config", "prometheusRule")
        title = ".".join(parts[:2]) if nested else parts[0] if opens or len(parts) > 1 else ""
        found.setdefault(title, []).append(row)
        if opens:
            # It explains the block: its default would be all that follows.
            row.values.clear()
    return found


def readme() -> str:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    kube = chart["kubeVersion"].removesuffix("-0")
    lines = [HEAD.format(description=chart["description"], version=chart["version"], kube=kube)]
    for title, found in sections().items():
        lines.append(f"### {title}\n" if title else "### Pods, and all objects\n")
        lines += [f"{row.comment}\n" for row in found if not row.values]
        if any(row.values for row in found):
            lines.append("| value | default | what it is for |\n|---|---|---|")
        for row in found:
            if row.values:
                names = "<br>".join(f"`{name}`" for name, _ in row.values)
                cells = [names, "<br>".join(default for _, default in row.values), row.comment]
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


if __name__ == "__main__":
    (CHART / "README.md").write_text(readme())
