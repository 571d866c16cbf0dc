"""What the chart says of its pod, as arguments of podman: each thing that a kubelet would see to, or a loud refusal."""

from pathlib import Path

import helm_python as helm
import yaml

# Of a sandbox, which takes any.
KEYS = [{"name": name, "value": "sandbox"} for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


class Pod:
    """The pod of the Deployment that the chart renders, and its ConfigMap."""

    def __init__(self, chart: Path, values: dict):
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
        self.spec = one(documents, "Deployment")["spec"]["template"]["spec"]
        self.files = one(documents, "ConfigMap")["data"]
        (self.container,) = self.spec["containers"]

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
        """For `podman run`. The files of the ConfigMap are written to the folder."""
        assert set(self.container["resources"]["limits"]) == {"memory"}, "a limit that is not enforced here"
        return [*self.rights(), *self.environment(), *self.mounts(folder), "--memory", f"{self.memory}b"]

    def rights(self) -> list[str]:
        asked = self.spec["securityContext"] | self.container["securityContext"]
        assert asked.pop("seccompProfile") == {"type": "RuntimeDefault"}, "podman's own, where nothing is said"
        assert asked.pop("runAsNonRoot") and asked["runAsUser"] != 0
        assert asked.pop("privileged", False) is False
        flags = [f"--user={asked.pop('runAsUser')}:{asked.pop('runAsGroup')}"]
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
        (mount,) = self.container["volumeMounts"]
        (volume,) = self.spec["volumes"]
        assert mount["name"] == volume["name"] and "configMap" in volume and mount["readOnly"]
        files = folder / "configuration"
        files.mkdir(mode=0o755)
        for name, text in self.files.items():
            (files / name).write_text(text)
            (files / name).chmod(0o644)
        return [f"--volume={files}:{mount['mountPath']}:ro"]


def one(documents: list[dict], kind: str) -> dict:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def in_bytes(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]
