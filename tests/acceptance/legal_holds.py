"""A legal hold in the lived-in world: made, seen, in the way of a deletion, and cancelled."""

import datetime


def legal_holds(backup, refused, vault, point):
    details = {"Title": "case 7", "Description": "lawsuit"}
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    selection = {"VaultNames": [vault], "DateRange": {"FromDate": start, "ToDate": start.replace(year=2021)}}
    dated = backup.create_legal_hold(**details, RecoveryPointSelection=selection)
    assert dated["RecoveryPointSelection"] == selection
    everything = {"VaultNames": [vault], "ResourceIdentifiers": ["RDS"]}
    hold = backup.create_legal_hold(**details, RecoveryPointSelection=everything, Tags={"a": "b"})
    identifier = hold["LegalHoldId"]
    assert backup.list_tags(ResourceArn=hold["LegalHoldArn"])["Tags"] == {"a": "b"}
    refused(backup.create_legal_hold, "MissingParameterValueException", Title="", Description="d")
    pages = backup.get_paginator("list_recovery_points_by_legal_hold").paginate(
        LegalHoldId=identifier, PaginationConfig={"PageSize": 1}
    )
    assert point in [found["RecoveryPointArn"] for page in pages for found in page["RecoveryPoints"]]
    assert backup.list_recovery_points_by_legal_hold(LegalHoldId=dated["LegalHoldId"])["RecoveryPoints"] == []
    refused(backup.list_recovery_points_by_legal_hold, "InvalidParameterValueException", LegalHoldId="nobody")
    refused(
        backup.delete_recovery_point, "InvalidRequestException", BackupVaultName=vault, RecoveryPointArn=point
    )
    backup.cancel_legal_hold(LegalHoldId=identifier, CancelDescription="settled", RetainRecordInDays=30)
    refused(
        backup.cancel_legal_hold, "InvalidResourceStateException", LegalHoldId=identifier, CancelDescription="again"
    )
    assert backup.get_legal_hold(LegalHoldId=identifier)["CancelDescription"] == "settled"
    refused(backup.get_legal_hold, "ResourceNotFoundException", LegalHoldId="nobody")
    pages = backup.get_paginator("list_legal_holds").paginate(PaginationConfig={"PageSize": 1})
    assert sorted(found["Status"] for page in pages for found in page["LegalHolds"]) == ["ACTIVE", "CANCELED"]
