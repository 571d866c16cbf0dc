"""Where what is remembered is kept: a volume of one pod, or a database of several."""

from chart_values import DATABASE, OPEN, REMEMBERED, REMEMBERED_THERE
from rendered import by_kind, mounted, pod, settings

PLACE = "/var/lib/strongroom/ledger"


def test_one_pod_has_a_volume_that_outlives_it(chart):
    objects = by_kind(chart, REMEMBERED)
    kept = objects["StatefulSet"][0]["spec"]
    assert kept["replicas"] == 1
    container = pod(objects)["containers"][0]
    assert settings(container)["ledger.path"] == f"{PLACE}/strongroom-ledger.db"
    assert mounted(container, "ledger") == {"name": "ledger", "mountPath": PLACE}
    claims = {claim["metadata"]["name"]: claim["spec"] for claim in kept["volumeClaimTemplates"]}
    assert set(claims) == {"ledger", "record"}
    assert claims["ledger"] == {
        "accessModes": ["ReadWriteOncePod"], "storageClassName": "encrypted", "resources": {"requests": {"storage": "20Gi"}}
    }
    assert kept["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_a_claim_that_is_there_is_taken(chart):
    objects = by_kind(chart, REMEMBERED_THERE)
    assert "volumeClaimTemplates" not in objects["StatefulSet"][0]["spec"]
    spec = pod(objects)
    assert {"name": "ledger", "persistentVolumeClaim": {"claimName": "ledger"}} in spec["volumes"]
    assert "readOnly" not in mounted(spec["containers"][0], "ledger")


def test_several_have_a_database_whose_password_is_a_file(chart):
    objects = by_kind(chart, DATABASE)
    assert objects["Deployment"][0]["spec"]["replicas"] == 3
    spec = pod(objects)
    (container,) = spec["containers"]
    folder = mounted(container, "ledger-password")
    assert settings(container)["ledger.password_file"] == f"{folder['mountPath']}/of-strongroom" and folder["readOnly"] is True
    (volume,) = [volume for volume in spec["volumes"] if volume["name"] == "ledger-password"]
    assert volume["secret"] == {"secretName": "ledger", "items": [{"key": "of-strongroom", "path": "of-strongroom"}]}


def test_without_either_it_is_in_memory(chart):
    objects = by_kind(chart, OPEN)
    assert "ledger.path" not in settings(pod(objects)["containers"][0])
