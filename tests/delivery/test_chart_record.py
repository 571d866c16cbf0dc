"""Where the record of what callers did is kept: a volume for each pod, which it gets back, and which it may write."""

from chart_values import OPEN, RECORD, SHARED
from rendered import by_kind, mounted, pod, settings

PLACE = "/var/lib/strongroom/audit"


def test_each_pod_has_a_volume_of_its_own_that_outlives_it(chart):
    objects = by_kind(chart, RECORD)
    kept = objects["StatefulSet"][0]["spec"]
    container = pod(objects)["containers"][0]
    assert settings(container)["audit.path"] == PLACE
    mount = mounted(container, "record")
    assert mount == {"name": "record", "mountPath": PLACE}
    (claim,) = kept["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "record"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOncePod"], "storageClassName": "encrypted", "resources": {"requests": {"storage": "20Gi"}}
    }
    assert kept["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    # A template of claims cannot be changed, so nothing is in it that an upgrade changes.
    assert "helm.sh/chart" not in claim["metadata"]["labels"]
    # One that hangs keeps no other from coming up.
    assert kept["podManagementPolicy"] == "Parallel"


def test_on_one_volume_each_pod_has_a_folder_of_its_own(chart):
    objects = by_kind(chart, SHARED)
    assert "volumeClaimTemplates" not in objects["StatefulSet"][0]["spec"]
    spec = pod(objects)
    (container,) = spec["containers"]
    assert {"name": "record", "persistentVolumeClaim": {"claimName": "record"}} in spec["volumes"]
    assert mounted(container, "record")["subPathExpr"] == "$(POD_NAME)"
    names = {variable["name"]: variable for variable in container["env"]}
    assert names["POD_NAME"]["valueFrom"]["fieldRef"] == {"fieldPath": "metadata.name"}
    assert names["AWS_PROFILE"]["value"] == "backup"


def test_the_volume_is_the_user_s_to_write_though_the_image_is_not(chart):
    for values in (RECORD, SHARED):
        spec = pod(by_kind(chart, values))
        assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsGroup"] == 65532
        assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        assert "readOnly" not in mounted(spec["containers"][0], "record")


def test_the_keys_of_the_record_are_in_the_pod(chart):
    spec = pod(by_kind(chart, RECORD))
    (container,) = spec["containers"]
    folder = mounted(container, "record-keys")
    assert settings(container)["audit.hmac_key_file"] == f"{folder['mountPath']}/of-the-record" and folder["readOnly"] is True
    (volume,) = [volume for volume in spec["volumes"] if volume["name"] == "record-keys"]
    assert volume["secret"] == {"secretName": "keys", "items": [{"key": "of-the-record", "path": "of-the-record"}]}


def test_without_a_record_there_are_no_volumes_to_keep(chart):
    objects = by_kind(chart, OPEN)
    assert "StatefulSet" not in objects
    assert [volume["name"] for volume in pod(objects)["volumes"]] == ["config"]
