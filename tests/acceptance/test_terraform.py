"""Terraform with the AWS provider, unmodified: apply, no changes, destroy; and what it made, read through our API."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from aws_clients import LABS
from processes import environment
from read_back import compare_all

PLUGINS = [os.environ.get("STRONGROOM_TF_PLUGINS", ""), "/opt/tf-plugins", "/usr/share/terraform/plugins"]
# Examples of community modules, each in a checkout of its module: `/checkout//examples/NAME`, with `:` between them.
EXAMPLES = [example for example in os.environ.get("STRONGROOM_TF_EXAMPLES", "").split(":") if example]
MODULE_CALL = re.compile(r'^module "([^"]+)" \{\s*source\s*=\s*"([^"]+)"', re.MULTILINE)
PROVIDER = "registry.terraform.io/hashicorp/aws"
CONFIGURATIONS = Path(__file__).parent / "terraform"


class Terraform:
    """A folder of configuration, applied to the sandbox."""

    def __init__(self, folder: Path, url: str):
        self.folder, self.url = folder, url

    def __call__(self, *arguments: str) -> str:
        settings = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_VAR_endpoint": self.url}
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=600,
            env=environment() | settings | {"AWS_ENDPOINT_URL": self.url},
        )
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stderr}\n{done.stdout[-3000:]}"
        return done.stdout

    def apply(self, *arguments: str) -> str:
        return self("apply", "-input=false", "-auto-approve", *arguments)

    def changes_nothing(self, *arguments: str) -> None:
        """0: no changes; 2 would be a difference."""
        self("plan", "-input=false", "-detailed-exitcode", *arguments)

    def state(self) -> dict:
        """What it has made, by its own account, read anew."""
        self("refresh", "-input=false")
        return json.loads(self("show", "-json"))


@pytest.fixture
def configured(sandbox, tmp_path):
    """A function: the folder's configuration, initialised without a network."""
    if not shutil.which("terraform"):
        pytest.skip("NOT TESTED: no terraform on this machine")
    plugins = next((path for path in PLUGINS if path and (Path(path) / PROVIDER).is_dir()), None)
    if not plugins:
        pytest.skip(f"NOT TESTED: no plugin directory with {PROVIDER}; set STRONGROOM_TF_PLUGINS")

    def configure(source: Path, inside: str = ".") -> Terraform:
        root = tmp_path / "configuration"
        shutil.copytree(source, root, ignore=shutil.ignore_patterns(".git", ".terraform*", "*.tfstate*"))
        folder = root / inside
        own_module(folder, root)
        terraform = Terraform(folder, sandbox.url)
        terraform("init", "-input=false", f"-plugin-dir={plugins}")
        return terraform

    return configure


def own_module(folder: Path, root: Path) -> None:
    """Lets an example that names its module by registry or repository take it from the checkout it is part of.

    The list of installed modules is what `terraform init` would have written after a download; the files of the example
    stay as they are.
    """
    known = [{"Key": "", "Source": "", "Dir": "."}]
    for file in folder.glob("*.tf"):
        for name, source in MODULE_CALL.findall(file.read_text()):
            if source.startswith("."):
                continue
            if re.fullmatch(r"[\w-]+/[\w-]+/[\w-]+", source):
                address = {"Source": f"registry.terraform.io/{source}", "Version": "0.0.0"}
            else:
                address = {"Source": source}
            known.append({"Key": name, "Dir": os.path.relpath(root, folder)} | address)
    modules = folder / ".terraform/modules"
    modules.mkdir(parents=True)
    (modules / "modules.json").write_text(json.dumps({"Modules": known}))


def nothing_is_left(aws) -> bool:
    left = aws.backup.list_backup_plans()["BackupPlansList"] + aws.backup.list_backup_vaults()["BackupVaultList"]
    left += aws.iam.list_roles()["Roles"] + aws.iam.list_policies(Scope="Local")["Policies"]
    return left == []


def test_apply_then_no_changes_then_destroy(configured, aws, client, sandbox):
    empty = sandbox.state()
    terraform = configured(CONFIGURATIONS / "workshop")
    assert "Apply complete! Resources: 9 added" in terraform.apply()
    vault = aws.backup.describe_backup_vault(BackupVaultName="terraform")
    assert vault["Locked"] and (vault["MinRetentionDays"], vault["MaxRetentionDays"]) == (7, 365)
    terraform.changes_nothing()
    changed = ("-var", "retention_days=21")
    assert "0 added, 1 changed, 0 destroyed" in terraform.apply(*changed)
    terraform.changes_nothing(*changed)
    assert "Resources: 9 destroyed" in terraform("destroy", "-auto-approve", *changed)
    assert nothing_is_left(aws)
    assert empty["accounts"].keys() == sandbox.state()["accounts"].keys()


def test_nothing_of_what_terraform_made_is_lost_in_our_api(configured, aws, client):
    terraform = configured(CONFIGURATIONS / "everything")
    terraform.apply()
    terraform.changes_nothing()
    counts = compare_all(client, terraform.state())
    assert counts["aws_backup_plan"] == 2 and counts["aws_backup_selection"] == 4 and counts["aws_backup_vault"] == 4
    terraform("destroy", "-auto-approve")
    assert nothing_is_left(aws)


def test_the_way_of_events_is_made_seen_without_drift_and_carries_them(configured, aws, sandbox):
    terraform = configured(CONFIGURATIONS / "events")
    assert "Apply complete! Resources: 10 added" in terraform.apply()
    terraform.changes_nothing()
    url = aws.sqs.get_queue_url(QueueName="events")["QueueUrl"]
    aws.sqs.purge_queue(QueueUrl=url)
    aws.backup.start_backup_job(BackupVaultName="told", ResourceArn=LABS, IamRoleArn=aws.role())
    sandbox.advance("30s")
    messages = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    bodies = [json.loads(message["Body"]) for message in messages]
    assert [body["detail"]["state"] for body in bodies if body.get("detail-type") == "Backup Job State Change"] == [
        "CREATED",
        "RUNNING",
    ]
    sandbox.advance("2m")
    messages = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(message["Body"]) for message in messages]
    assert "Notification" in {body.get("Type") for body in told}, told
    sandbox.advance("1h")
    for point in aws.backup.list_recovery_points_by_backup_vault(BackupVaultName="told")["RecoveryPoints"]:
        aws.backup.delete_recovery_point(BackupVaultName="told", RecoveryPointArn=point["RecoveryPointArn"])
    sandbox.advance("1h")
    assert "Resources: 10 destroyed" in terraform("destroy", "-auto-approve")
    assert aws.sqs.list_queues().get("QueueUrls", []) == []


@pytest.mark.skipif(not EXAMPLES, reason="NOT TESTED: STRONGROOM_TF_EXAMPLES names no example; see CONTRIBUTING.md")
@pytest.mark.parametrize("example", EXAMPLES)
def test_nothing_of_what_a_community_module_made_is_lost_in_our_api(configured, aws, client, example):
    checkout, _, inside = example.partition("//")
    terraform = configured(Path(checkout), inside)
    terraform.apply()
    terraform.changes_nothing()
    counts = compare_all(client, terraform.state())
    assert counts.get("aws_backup_plan") and counts.get("aws_backup_selection"), f"it backs up nothing: {counts}"
    terraform("destroy", "-auto-approve")
    assert nothing_is_left(aws)
