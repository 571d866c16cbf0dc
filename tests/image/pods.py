"""What the chart says of its pod, as arguments of podman: each thing that a kubelet would see to, or a loud refusal."""

import copy
import os
from pathlib import Path

import helm_python as helm
import yaml

# Of a sandbox, which takes any.
KEYS = [{"name": name, "value": "sandbox"} for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


class Pod:
    """The server's pod as the chart renders it, and its ConfigMap. `brought`: the files of Secrets and ConfigMaps that are not the
    chart's, by the name of the object."""

    def __init__(self, chart: Path, values: dict, brought: dict[str, dict[str, bytes]] | None = None):
        with helm.Chart.load(chart) as loaded:
            loaded.validate_schema(values)
            manifests = loaded.render(values, name="prod", namespace="backup")
        documents = [
            document
            for path, text in manifests.items()
            if not path.endswith("NOTES.txt")
            for document in yaml.safe_load_all(text)
            if document
        ]
        (workload,) = [found for found in documents if found["kind"] in ("Deployment", "StatefulSet")]
        self.spec = workload["spec"]["template"]["spec"]
        self.claims = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
        own = one(documents, "ConfigMap")
        self.objects = {own["metadata"]["name"]: {name: text.encode() for name, text in own["data"].items()}} | (brought or {})
        (self.container,) = self.spec["containers"]
        self.documents = documents

    def tester(self) -> "Pod":
        """The pod of `helm test`, beside this one."""
        tester = copy.copy(self)
        tester.spec, tester.claims = one(self.documents, "Pod")["spec"], set()
        (tester.container,) = tester.spec["containers"]
        return tester

    @property
    def arguments(self) -> list[str]:
        assert "command" not in self.container, "the image's entry point would not be what runs"
        return self.container["args"]

    @property
    def grace(self) -> int:
        """How long a kubelet waits between SIGTERM and SIGKILL."""
        pause = self.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        return self.spec["terminationGracePeriodSeconds"] - pause

    @property
    def memory(self) -> int:
        return in_bytes(self.container["resources"]["limits"]["memory"])

    def port(self, name: str) -> int:
        return next(port["containerPort"] for port in self.container["ports"] if port["name"] == name)

    def flags(self, folder: Path) -> list[str]:
        """For `podman run`. What is in its volumes is written to the folder, and so is what it writes itself."""
        assert set(self.container["resources"]["limits"]) == {"memory"}, "a limit that is not enforced here"
        return [*self.rights(), *self.environment(), *self.mounts(folder), "--memory", f"{self.memory}b"]

    def rights(self) -> list[str]:
        asked = copy.deepcopy(self.spec["securityContext"] | self.container["securityContext"])
        assert asked.pop("seccompProfile") == {"type": "RuntimeDefault"}, "podman's own, where nothing is said"
        assert asked.pop("runAsNonRoot") and asked["runAsUser"] != 0
        assert asked.pop("privileged", False) is False
        flags = [f"--user={asked.pop('runAsUser')}:{asked.pop('runAsGroup')}"]
        # Whose the volumes are, which mounts() sees to; and not at each start.
        assert asked.pop("fsGroup") and asked.pop("fsGroupChangePolicy") == "OnRootMismatch"
        flags += [f"--cap-drop={capability.lower()}" for capability in asked["capabilities"].pop("drop")]
        assert not asked.pop("capabilities"), "further capabilities"
        if not asked.pop("allowPrivilegeEscalation"):
            flags.append("--security-opt=no-new-privileges")
        if asked.pop("readOnlyRootFilesystem"):
            # podman would still lay something writable over /tmp and others, which Kubernetes does not.
            flags += ["--read-only", "--read-only-tmpfs=false"]
        assert not asked, f"the security context says more than is tried here: {asked}"
        return flags

    def environment(self) -> list[str]:
        return [f"--env={variable['name']}={variable['value']}" for variable in self.container.get("env", [])]

    def mounts(self, folder: Path) -> list[str]:
        volumes = {volume["name"]: volume for volume in self.spec["volumes"]}
        return [self.mount(mount, volumes.get(mount["name"]), folder) for mount in self.container["volumeMounts"]]

    def mount(self, mount: dict, volume: dict | None, folder: Path) -> str:
        assert mount.keys() <= {"name", "mountPath", "readOnly"}, mount
        files = folder / mount["name"]
        if volume is None:
            assert mount["name"] in self.claims, f"there is no volume {mount['name']}"
            if not files.exists():
                # As a kubelet leaves the root of a volume for fsGroup.
                files.mkdir()
                os.chown(files, 0, self.spec["securityContext"]["fsGroup"])
                files.chmod(0o2775)
            return f"--volume={files}:{mount['mountPath']}"
        assert mount["readOnly"] and len(volume) == 2, volume
        source = volume.get("configMap") or volume["secret"]
        content = self.objects[source.get("name") or source["secretName"]]
        wanted = {item["key"]: item["path"] for item in source.get("items", [])} or {name: name for name in content}
        files.mkdir(mode=0o755, exist_ok=True)
        for name, path in wanted.items():
            (files / path).write_bytes(content[name])
            (files / path).chmod(0o644)
        return f"--volume={files}:{mount['mountPath']}:ro"


def one(documents: list[dict], kind: str) -> dict:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def in_bytes(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]
