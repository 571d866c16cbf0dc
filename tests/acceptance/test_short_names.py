"""The story as another team's Python program tells it: code generated from proto/, the docs, and short names throughout.

Nothing here but what a reader of the protos has: every thing is called by its name, every change is tried with
`validate_only` first and then made twice with one `request_id`.
"""

import json
import urllib.request
import uuid

import grpc
import pytest
from grpc_errors import error_info


def advance(sandbox, duration: str) -> None:
    body = json.dumps({"advance": duration}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{sandbox.url}/_sandbox/clock", body, method="POST")).close()


def test_the_story(channel, sandbox):
    from strongroom.v1 import account_service_pb2 as account
    from strongroom.v1 import account_service_pb2_grpc
    from strongroom.v1 import common_pb2 as common
    from strongroom.v1 import job_pb2 as job_types
    from strongroom.v1 import job_queries_pb2 as queries
    from strongroom.v1 import job_service_pb2 as job
    from strongroom.v1 import job_service_pb2_grpc
    from strongroom.v1 import plan_pb2 as plan_types
    from strongroom.v1 import plan_service_pb2 as plan
    from strongroom.v1 import plan_service_pb2_grpc
    from strongroom.v1 import recovery_point_service_pb2 as point
    from strongroom.v1 import recovery_point_service_pb2_grpc
    from strongroom.v1 import resource_service_pb2 as resource
    from strongroom.v1 import resource_service_pb2_grpc
    from strongroom.v1 import restore_pb2 as restore_types
    from strongroom.v1 import selection_pb2 as selection
    from strongroom.v1 import vault_service_pb2 as vault
    from strongroom.v1 import vault_service_pb2_grpc

    accounts = account_service_pb2_grpc.AccountServiceStub(channel)
    vaults = vault_service_pb2_grpc.VaultServiceStub(channel)
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    resources = resource_service_pb2_grpc.ResourceServiceStub(channel)
    plans = plan_service_pb2_grpc.PlanServiceStub(channel)
    points = recovery_point_service_pb2_grpc.RecoveryPointServiceStub(channel)

    # The role.
    ensure = account.EnsureServiceRoleRequest(role="backup", request_id=str(uuid.uuid4()), validate_only=True)
    shown = accounts.EnsureServiceRole(ensure)
    assert [change.code for change in shown.changes] == ["ROLE_CREATED", "POLICY_ATTACHED", "POLICY_ATTACHED"]
    with pytest.raises(grpc.RpcError) as missing:
        accounts.GetServiceRole(account.GetServiceRoleRequest(role="backup"))
    assert missing.value.code() == grpc.StatusCode.NOT_FOUND
    ensure.validate_only = False
    role = accounts.EnsureServiceRole(ensure).role
    assert role.ready and role.name == "backup"
    repeated = accounts.EnsureServiceRole(ensure)
    assert (repeated.role.arn, repeated.request_id) == (role.arn, ensure.request_id)

    # Two vaults.
    for name in ("nightly", "archive"):
        create_vault = vault.CreateVaultRequest(name=name, request_id=str(uuid.uuid4()), validate_only=True)
        assert vaults.CreateVault(create_vault).vault.name == name
        assert name not in {found.name for found in vaults.ListVaults(vault.ListVaultsRequest()).vaults}
        create_vault.validate_only = False
        made = vaults.CreateVault(create_vault)
        assert vaults.CreateVault(create_vault) == made and made.request_id == create_vault.request_id
    assert vaults.GetVault(vault.GetVaultRequest(vault="archive")).vault.arn == made.vault.arn

    # A backup of a database by its identifier.
    start_backup = job.StartBackupRequest(
        resource="rdspg-fcj-labs",
        vault="nightly",
        role="backup",
        lifecycle=common.Lifecycle(delete_after_days=7),
        request_id=str(uuid.uuid4()),
        validate_only=True,
    )
    shown = jobs.StartBackup(start_backup)
    assert not shown.HasField("job") and shown.lifecycle.delete_after_days == 7 and shown.start_window_minutes == 60
    assert len(jobs.ListJobs(queries.ListJobsRequest()).jobs) == 0
    start_backup.validate_only = False
    backup = jobs.StartBackup(start_backup).job
    again = jobs.StartBackup(start_backup)
    assert (again.job.id, again.request_id) == (backup.id, start_backup.request_id)
    assert backup.resource_arn.endswith(":db:rdspg-fcj-labs") and backup.vault_name == "nightly"
    assert backup.role_arn == role.arn

    # The same request_id for something else.
    other = job.StartBackupRequest()
    other.CopyFrom(start_backup)
    other.lifecycle.delete_after_days = 8
    with pytest.raises(grpc.RpcError) as reused:
        jobs.StartBackup(other)
    assert reused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert error_info(reused.value).reason == "REQUEST_ID_REUSED"
    assert error_info(reused.value).metadata["request_id"] == start_backup.request_id

    # The job watched until it has ended.
    under_way = (job_types.JOB_STATE_CREATED, job_types.JOB_STATE_PENDING, job_types.JOB_STATE_RUNNING)
    seen = jobs.GetJob(queries.GetJobRequest(job=backup.id))
    assert seen.job.state == job_types.JOB_STATE_CREATED and seen.HasField("wait") and seen.HasField("as_of")
    while seen.job.state in under_way:
        advance(sandbox, "5m")
        seen = jobs.GetJob(queries.GetJobRequest(job=backup.id))
    assert seen.job.state == job_types.JOB_STATE_COMPLETED and seen.job.percent_done == 100
    recovery_point = seen.job.recovery_point_arn
    listed = jobs.ListJobs(
        queries.ListJobsRequest(
            filter=queries.JobFilter(
                kinds=[job_types.JOB_KIND_BACKUP],
                states=[job_types.JOB_STATE_COMPLETED],
                resource="rdspg-fcj-labs",
                vault="nightly",
            )
        )
    )
    assert [found.id for found in listed.jobs] == [backup.id]

    # The database tagged by its identifier.
    tags = {"Environment": "production", "ResourceType": "rdspg-fcj"}
    tag = resource.TagResourceRequest(
        resource="rdspg-fcj-labs", tags=tags, request_id=str(uuid.uuid4()), validate_only=True
    )
    assert tags.items() <= dict(resources.TagResource(tag).tags).items()
    assert "Environment" not in resources.ListTags(resource.ListTagsRequest(resource="rdspg-fcj-labs")).tags
    tag.validate_only = False
    tagged = resources.TagResource(tag)
    assert resources.TagResource(tag) == tagged and tagged.request_id == tag.request_id
    assert tags.items() <= dict(resources.ListTags(resource.ListTagsRequest(resource="rdspg-fcj-labs")).tags).items()

    # A plan with a daily rule.
    create_plan = plan.CreatePlanRequest(
        name="databases",
        rules=[plan_types.Rule(name="daily", vault="nightly", schedule="cron(0 5 ? * * *)")],
        request_id=str(uuid.uuid4()),
        validate_only=True,
    )
    assert plans.CreatePlan(create_plan).plan.rules[0].lifecycle.delete_after_days == 35
    assert len(plans.ListPlans(plan.ListPlansRequest()).plans) == 0
    create_plan.validate_only = False
    created_plan = plans.CreatePlan(create_plan)
    assert plans.CreatePlan(create_plan).plan == created_plan.plan and created_plan.request_id == create_plan.request_id

    # What it backs up: the databases with both tags.
    create_selection = selection.CreateSelectionRequest(
        plan="databases",
        name="production",
        role="backup",
        conditions=[selection.TagCondition(key=key, value=value) for key, value in tags.items()],
        request_id=str(uuid.uuid4()),
        validate_only=True,
    )
    assert plans.CreateSelection(create_selection).selection.role_arn == role.arn
    assert len(plans.ListSelections(selection.ListSelectionsRequest(plan="databases")).selections) == 0
    create_selection.validate_only = False
    created_selection = plans.CreateSelection(create_selection).selection
    assert plans.CreateSelection(create_selection).selection.id == created_selection.id
    full = plans.ListPlans(plan.ListPlansRequest(view=plan_types.PLAN_VIEW_FULL)).plans
    assert [found.name for found in full[0].selections] == ["production"] and full[0].rules[0].name == "daily"

    # When the rule has run there is one recovery point more, in one of all vaults.
    advance(sandbox, "20h")
    everywhere = points.ListRecoveryPoints(point.ListRecoveryPointsRequest()).recovery_points
    assert {found.resource_arn for found in everywhere} == {backup.resource_arn} and len(everywhere) == 2
    assert {found.vault_name for found in everywhere} == {"nightly"}
    planned = [found for found in everywhere if found.HasField("created_by")]
    assert [found.created_by.plan.plan_id for found in planned] == [created_plan.plan.id]
    by_plan = points.ListRecoveryPoints(point.ListRecoveryPointsRequest(vault="nightly", plan="databases"))
    assert [found.arn for found in by_plan.recovery_points] == [planned[0].arn]
    by_name = points.ListRecoveryPoints(point.ListRecoveryPointsRequest(resource="rdspg-fcj-labs"))
    assert {found.arn for found in by_name.recovery_points} >= {found.arn for found in everywhere}

    # A restore, planned and then started by its token.
    restore = restore_types.Restore(
        recovery_point=recovery_point,
        vault="nightly",
        role="backup",
        rds_instance=restore_types.RdsInstanceRestore(db_instance_identifier="labs-restored"),
    )
    plan_restore = points.PlanRestore(point.PlanRestoreRequest(restore=restore))
    assert plan_restore.metadata["DBInstanceIdentifier"] == "labs-restored" and plan_restore.restore_token
    assert "NAME_FREE" in {finding.code for finding in plan_restore.findings}
    start_restore = job.StartRestoreRequest(
        restore_token=plan_restore.restore_token, request_id=str(uuid.uuid4()), validate_only=True
    )
    shown = jobs.StartRestore(start_restore)
    assert not shown.HasField("job") and shown.metadata == plan_restore.metadata
    start_restore.validate_only = False
    restoring = jobs.StartRestore(start_restore)
    again = jobs.StartRestore(start_restore)
    assert (again.job.id, again.request_id) == (restoring.job.id, start_restore.request_id)
    seen = jobs.GetJob(queries.GetJobRequest(job=restoring.job.id)).job
    while seen.state in under_way:
        advance(sandbox, "5m")
        seen = jobs.GetJob(queries.GetJobRequest(job=restoring.job.id)).job
    assert seen.state == job_types.JOB_STATE_COMPLETED
    restored = resources.GetResource(resource.GetResourceRequest(resource="labs-restored")).resource
    assert restored.arn == seen.created_resource_arn and restored.database.status == "available"
    assert jobs.StartRestore(start_restore).job.id == restoring.job.id

    # A copy into another vault by its name.
    start_copy = job.StartCopyRequest(
        recovery_point=recovery_point,
        vault="nightly",
        destination_vault="archive",
        role="backup",
        request_id=str(uuid.uuid4()),
        validate_only=True,
    )
    shown = jobs.StartCopy(start_copy)
    assert not shown.HasField("job") and shown.lifecycle.delete_after_days == 7
    start_copy.validate_only = False
    copying = jobs.StartCopy(start_copy)
    again = jobs.StartCopy(start_copy)
    assert (again.job.id, again.request_id) == (copying.job.id, start_copy.request_id)
    assert copying.job.destination_vault_name == "archive"
    seen = jobs.GetJob(queries.GetJobRequest(job=copying.job.id)).job
    while seen.state in under_way:
        advance(sandbox, "5m")
        seen = jobs.GetJob(queries.GetJobRequest(job=copying.job.id)).job
    assert seen.state == job_types.JOB_STATE_COMPLETED
    everywhere = points.ListRecoveryPoints(point.ListRecoveryPointsRequest()).recovery_points
    assert [found.vault_name for found in everywhere] == ["archive", "nightly", "nightly"]
    assert everywhere[0].arn == seen.destination_recovery_point_arn and everywhere[0].source_vault_name == "nightly"

    # All of it once: a backup by hand and one by the plan, a restore, a copy.
    assert jobs.StartBackup(start_backup).job.id == backup.id
    kinds = [found.kind for found in jobs.ListJobs(queries.ListJobsRequest()).jobs]
    assert kinds == [
        job_types.JOB_KIND_BACKUP,
        job_types.JOB_KIND_BACKUP,
        job_types.JOB_KIND_RESTORE,
        job_types.JOB_KIND_COPY,
    ]

    # And all of it away again, by the same names.
    delete_selection = selection.DeleteSelectionRequest(
        plan="databases", selection="production", request_id=str(uuid.uuid4()), validate_only=True
    )
    assert not plans.DeleteSelection(delete_selection).deleted
    delete_selection.validate_only = False
    assert plans.DeleteSelection(delete_selection).deleted
    delete_selection.allow_missing = True
    assert plans.DeleteSelection(delete_selection).deleted
    delete_plan = plan.DeletePlanRequest(plan="databases", request_id=str(uuid.uuid4()), validate_only=True)
    assert not plans.DeletePlan(delete_plan).deleted
    delete_plan.validate_only = False
    assert plans.DeletePlan(delete_plan).deleted
    delete_plan.allow_missing = True
    assert plans.DeletePlan(delete_plan).deleted
    for name, held in (("archive", 1), ("nightly", 2)):
        delete_vault = vault.DeleteVaultRequest(
            vault=name, force=True, request_id=str(uuid.uuid4()), validate_only=True
        )
        shown = vaults.DeleteVault(delete_vault)
        assert (shown.deleted, shown.recovery_points_remaining) == (False, held)
        delete_vault.validate_only = False
        delete_vault.allow_missing = True
        while not vaults.DeleteVault(delete_vault).deleted:
            advance(sandbox, "10m")
        assert vaults.DeleteVault(delete_vault).request_id == delete_vault.request_id
    assert len(vaults.ListVaults(vault.ListVaultsRequest()).vaults) == 0
