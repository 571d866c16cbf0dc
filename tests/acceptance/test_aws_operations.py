"""docs/aws-operations.md leaves out no operation of AWS's own model of AWS Backup."""

import pathlib
import re

import botocore.session

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "aws-operations.md"

# The models of the SDK for Rust are newer than botocore's: what botocore will know soon may stand there already.
NEWER = {
    "CreateBackupAccessPoint",
    "DeleteBackupAccessPoint",
    "DescribeBackupAccessPoint",
    "GetPITRMalwareScanResults",
    "ListBackupAccessPoints",
    "ListBackupAccessPointsByRecoveryPoint",
    "ListBackupAccessPointsByResource",
}


def test_every_operation_of_aws_backup_stands_in_the_page_and_no_other_does():
    known = set(botocore.session.get_session().get_service_model("backup").operation_names)
    told = re.findall(r"`([A-Z][A-Za-z]+)`", " ".join(row.split(" | ")[0] for row in rows()))
    assert len(told) == len(set(told)), "each stands once"
    assert set(told) - NEWER == known - NEWER
    assert len(known) > 100


def rows():
    return [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "`" in line]
