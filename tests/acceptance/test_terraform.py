"""Terraform with the AWS provider, unmodified: apply, no changes, destroy."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from processes import environment

PLUGINS = [os.environ.get("STRONGROOM_TF_PLUGINS", ""), "/opt/tf-plugins", "/usr/share/terraform/plugins"]
PROVIDER = "registry.terraform.io/hashicorp/aws"
CONFIGURATION = Path(__file__).parent / "terraform"


@pytest.fixture
def terraform(sandbox, tmp_path):
    program = shutil.which("terraform")
    if not program:
        pytest.skip("NOT TESTED: no terraform on this machine")
    plugins = next((path for path in PLUGINS if path and (Path(path) / PROVIDER).is_dir()), None)
    if not plugins:
        pytest.skip(f"NOT TESTED: no plugin directory with {PROVIDER}; set STRONGROOM_TF_PLUGINS")
    shutil.copytree(CONFIGURATION, tmp_path, dirs_exist_ok=True)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments, "-no-color"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            env=environment() | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_VAR_endpoint": sandbox.url},
        )
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stderr}\n{done.stdout[-3000:]}"
        return done.stdout

    run("init", "-input=false", f"-plugin-dir={plugins}")
    return run


def test_apply_then_no_changes_then_destroy(terraform, aws, sandbox):
    empty = sandbox.state()
    applied = terraform("apply", "-input=false", "-auto-approve")
    assert "Apply complete! Resources: 9 added" in applied
    vault = aws.backup.describe_backup_vault(BackupVaultName="terraform")
    assert vault["Locked"] and (vault["MinRetentionDays"], vault["MaxRetentionDays"]) == (7, 365)
    # 0: no changes; 2 would be a difference.
    terraform("plan", "-input=false", "-detailed-exitcode")
    changed = ("-input=false", "-var", "retention_days=21")
    assert "0 added, 1 changed, 0 destroyed" in terraform("apply", *changed, "-auto-approve")
    terraform("plan", *changed, "-detailed-exitcode")
    assert "Resources: 9 destroyed" in terraform("destroy", *changed, "-auto-approve")
    left = aws.backup.list_backup_plans()["BackupPlansList"] + aws.backup.list_backup_vaults()["BackupVaultList"]
    assert left == [] and aws.iam.list_roles()["Roles"] == []
    assert empty["accounts"].keys() == sandbox.state()["accounts"].keys()
