"""What code generated from proto/ tells its user is what the server does: names of fields, and which are required."""

import importlib
import subprocess
import sys

import grpc
import pytest
from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2, message_factory
from grpc_errors import bad_fields


def test_errors_name_the_fields_as_the_proto_does(channel):
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
    from strongroom.v1 import restore_pb2 as restore_types
    from strongroom.v1 import selection_pb2 as selection

    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    plans = plan_service_pb2_grpc.PlanServiceStub(channel)
    points = recovery_point_service_pb2_grpc.RecoveryPointServiceStub(channel)

    with pytest.raises(grpc.RpcError) as refused:
        jobs.StartBackup(
            job.StartBackupRequest(
                resource="no such thing",
                vault="not a vault",
                lifecycle=common.Lifecycle(delete_after_days=0),
                start_window_minutes=5,
                request_id="7",
            )
        )
    expected = {"resource", "vault", "role", "lifecycle.delete_after_days", "start_window_minutes", "request_id"}
    assert bad_fields(refused.value) == expected

    with pytest.raises(grpc.RpcError) as refused:
        points.PlanRestore(
            point.PlanRestoreRequest(
                restore=restore_types.Restore(
                    recovery_point="by-name",
                    rds_instance=restore_types.RdsInstanceRestore(db_instance_identifier="1st"),
                )
            )
        )
    inside = {"recovery_point", "vault", "role", "rds_instance.db_instance_identifier"}
    assert bad_fields(refused.value) == {f"restore.{field}" for field in inside}

    with pytest.raises(grpc.RpcError) as refused:
        jobs.ListJobs(
            queries.ListJobsRequest(
                filter=queries.JobFilter(
                    kinds=[job_types.JOB_KIND_RESTORE], resource="no such thing", vault="not a vault"
                ),
                page_size=-1,
            )
        )
    assert bad_fields(refused.value) >= {"filter.resource", "filter.vault", "page_size"}

    with pytest.raises(grpc.RpcError) as refused:
        plans.CreatePlan(
            plan.CreatePlanRequest(
                rules=[
                    plan_types.Rule(name="daily", vault="not a vault", schedule="daily"),
                    plan_types.Rule(
                        name="weekly",
                        vault="nightly",
                        copy_actions=[plan_types.CopyAction(lifecycle=common.Lifecycle(delete_after_days=-1))],
                    ),
                ]
            )
        )
    first, second = {"rules[0].vault", "rules[0].schedule"}, {"destination_vault", "lifecycle.delete_after_days"}
    assert bad_fields(refused.value) == {"name"} | first | {f"rules[1].copy_actions[0].{field}" for field in second}

    with pytest.raises(grpc.RpcError) as refused:
        plans.CreateSelection(
            selection.CreateSelectionRequest(
                plan="databases",
                name="production",
                role="backup",
                conditions=[selection.TagCondition(value="production")],
                resources=["rdspg-fcj-labs"],
            )
        )
    assert bad_fields(refused.value) == {"conditions[0].key", "resources[0]"}

    with pytest.raises(grpc.RpcError) as refused:
        plans.PreviewSchedule(
            plan.PreviewScheduleRequest(
                unsaved=plan.UnsavedRules(rules=[plan_types.Rule(schedule_timezone="Middle/Earth")]), runs=101
            )
        )
    assert bad_fields(refused.value) == {"unsaved.rules[0].schedule_timezone", "runs"}


def test_the_proto_says_what_an_empty_request_lacks(channel, repository):
    asked = 0
    for file in sorted((repository / "proto/strongroom/v1").glob("*_service.proto")):
        module = importlib.import_module(f"strongroom.v1.{file.stem}_pb2")
        for method in next(iter(module.DESCRIPTOR.services_by_name.values())).methods:
            required = {
                field.name
                for field in method.input_type.fields
                if field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
            }
            if not required:
                continue
            call = channel.unary_unary(
                f"/{method.containing_service.full_name}/{method.name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
            )
            with pytest.raises(grpc.RpcError) as refused:
                call(message_factory.GetMessageClass(method.input_type)())
            assert required <= bad_fields(refused.value), method.full_name
            asked += 1
    assert asked > 30


def test_our_field_behaviour_is_google_s(repository, tmp_path):
    """A program that links both must not see two extensions of one name."""
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{repository / 'proto'}"]
    name = "google/api/field_behavior.proto"
    subprocess.run([*protoc, f"--descriptor_set_out={tmp_path / 'set'}", name], check=True)
    (ours,) = descriptor_pb2.FileDescriptorSet.FromString((tmp_path / "set").read_bytes()).file
    theirs = descriptor_pb2.FileDescriptorProto()
    field_behavior_pb2.DESCRIPTOR.CopyToProto(theirs)
    for file in (ours, theirs):
        for extension in file.extension:
            extension.ClearField("json_name")  # protoc fills it in for the one and not for the other
            extension.ClearField("options")  # releases of Google differ in `packed`, and readers take both
    assert ours == theirs
